package backups

import (
	"errors"
	"fmt"
	"path"
	"slices"

	"tieout/source"
)

// A Match says which datastore a backup is of: every one of its conditions that
// is there must hold. Host, Path, Tag and Name are globs (path.Match).
type Match struct {
	Datastore string `json:"datastore"`
	Host      string `json:"host,omitempty"` // the machine that made it
	Path      string `json:"path,omitempty"` // one of the paths it holds
	Tag       string `json:"tag,omitempty"`  // one of its tags
	Name      string `json:"name,omitempty"` // the archive's or stanza's name
}

// A Made is what a tool tells of one backup, for Match.
type Made struct {
	Host, Name  string
	Paths, Tags []string
}

// Stated is what only people know of a repository. A key that is missing is
// not collected.
type Stated struct {
	Separate  *bool `json:"separate,omitempty"`
	Immutable *bool `json:"immutable,omitempty"`
}

// Settings are the ones that all backup tools share.
var Settings = []source.Setting{
	{Name: "datastores", Doc: "which datastore a backup is of: the first entry whose conditions hold; none: not collected", Example: "[{datastore: aws/orders, host: db1, path: /var/lib/*}]"},
	{Name: "separate", Doc: "stated: the repository is in another account or site than the original", Example: "true"},
	{Name: "immutable", Doc: "stated: backups cannot be changed or deleted before their time", Example: "true"},
	{Name: "restores", Doc: "globs of journals of restores, JSON Lines, relative to the workspace", Example: "[restores/*.jsonl]"},
}

// CheckMatches refuses entries that can match nothing or everything unnoticed.
func CheckMatches(list []Match) error {
	for i, m := range list {
		if m.Datastore == "" {
			return fmt.Errorf("datastores: entry %d names no datastore", i+1)
		}
		for _, g := range []string{m.Host, m.Path, m.Tag, m.Name} {
			if _, err := path.Match(g, ""); err != nil {
				return fmt.Errorf("datastores: entry %d: %q is not a glob such as db-*", i+1, g)
			}
		}
		if m.Host+m.Path+m.Tag+m.Name == "" && len(list) > 1 {
			return errors.New("datastores: an entry without a condition takes every backup; it must be the only one")
		}
	}
	return nil
}

// Of returns the datastore that a backup is of, nil where no entry holds.
func Of(list []Match, b Made) any {
	for _, m := range list {
		if m.holds(b) {
			return m.Datastore
		}
	}
	return nil
}

func (m Match) holds(b Made) bool {
	return (m.Host == "" || glob(m.Host, b.Host)) && (m.Name == "" || glob(m.Name, b.Name)) && (m.Path == "" || anyOf(m.Path, b.Paths)) && (m.Tag == "" || anyOf(m.Tag, b.Tags))
}

func anyOf(pattern string, of []string) bool {
	return slices.ContainsFunc(of, func(s string) bool { return glob(pattern, s) })
}

func glob(pattern, s string) bool {
	ok, err := path.Match(pattern, s)
	return err == nil && ok
}

// Fields adds what is stated of a repository.
func (s Stated) Fields(f source.Fields) {
	if s.Separate != nil {
		f["separate"] = *s.Separate
	}
	if s.Immutable != nil {
		f["immutable"] = *s.Immutable
	}
}
