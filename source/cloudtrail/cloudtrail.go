// Package cloudtrail is the source that reads the files that a trail of AWS
// CloudTrail delivered: who signed in to which account, when and how. Digest
// files show that none of the files of a stretch is missing.
package cloudtrail

import (
	"encoding/json"
	"errors"
	"fmt"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
	"tieout/source/folder"
)

// Driver is the cloudtrail source. docs/sources/cloudtrail.md describes it.
var Driver = &source.Driver{
	Name:    "cloudtrail",
	Version: 1,
	Title:   "Files of AWS CloudTrail",
	Types:   []string{"signIn"},
	Scopes:  []source.Scope{{Name: "read the files", Why: "copies of what the trail delivered to its bucket, digest files among them; nothing is fetched"}},
	Cannot:  cannot,
	Settings: []source.Setting{
		{Name: "files", Doc: "globs of files and folders, relative to the workspace; folders are read with all below them, .gz is unpacked", Example: "[AWSLogs]", Required: true},
	},

	Open:      open,
	Normalize: normalize,
}

var cannot = []string{
	"a stretch that no unbroken chain of digest files covers is not known to be whole, though its files were read",
	"that CloudTrail wrote a digest file, of which the last of a chain is vouched for by none after it: the signature is kept beside it in S3, not in it; `aws cloudtrail validate-logs` verifies it",
	"sign-ins at an identity provider, and by access key",
	"the user of a failed sign-in where CloudTrail hides a name that does not exist",
}

// Kinds of page.
const (
	kindDigest  = "cloudtrail.digest"  // one digest file; no items
	kindRecords = "cloudtrail.records" // one log file that a digest names
	kindLoose   = "cloudtrail.loose"   // one log file that no digest names
)

// Settings is the `with:` of a cloudtrail connection.
type Settings struct {
	Files []string `json:"files"`
}

type collector struct {
	name string
	dir  string
	s    Settings
}

type config struct {
	System string `json:"system"` // the connection's name
}

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var s Settings
	if err := source.Strict(with, &s); err != nil {
		return nil, nil, fmt.Errorf("source %s: %w", name, err)
	}
	if err := (folder.Where{Files: s.Files}).Check(); err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	b, err := canonical.Marshal(config{name})
	return &collector{name, env.Dir, s}, b, err
}

// normalize turns one file into sign-ins.
func normalize(raw json.RawMessage, p audit.Page) ([]audit.Item, error) {
	switch p.Kind {
	case source.KindFailed, kindDigest:
		return nil, nil
	case kindRecords, kindLoose:
	default:
		return nil, fmt.Errorf("%w: cloudtrail: a page of kind %q is not known", audit.ErrInvalid, p.Kind)
	}
	var c config
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, fmt.Errorf("%w: cloudtrail: configuration: %w", audit.ErrInvalid, err)
	}
	var out source.Reading
	body, err := folder.Unpack(p.Body)
	if err != nil {
		return nil, source.BadRows{{Where: p.Query, Why: err.Error()}}
	}
	records, err := source.Elements(body, "Records")
	if err != nil {
		return nil, source.BadRows{{Where: p.Query, Why: err.Error()}}
	}
	out.Each(records, func(e json.RawMessage) error {
		s, err := Read(e)
		if err == nil && s != nil {
			out.Add("signIn", s.ID, s.At, s.Fields(c.System))
		}
		return err
	})
	return out.Done()
}

var errNoTime = errors.New("a record does not say when it happened, or has no id")
