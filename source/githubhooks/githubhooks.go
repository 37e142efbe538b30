// Package githubhooks is the source that reads the journal of deliveries that
// GitHub's webhooks sent: what happened, at its exact instant. It reads a
// folder and asks nobody; github.Webhooks writes the journal.
package githubhooks

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
)

// Driver is the github-webhooks source. docs/sources/github-webhooks.md describes it.
var Driver = &source.Driver{
	Name:    "github-webhooks",
	Version: 1,
	Title:   "Deliveries of GitHub webhooks",
	Types:   []string{"change", "membership", "protection"},
	Scopes: []source.Scope{
		{Name: "a webhook of the organization with events Pushes, Pull requests, Pull request reviews, Branch protection rules, Collaborator add, remove, or changed, Organizations", Why: "GitHub sends them; nothing is asked"},
		{Name: "read the journal's folder", Why: "what came is there"},
	},
	Cannot: cannot,
	Settings: []source.Setting{
		{Name: "folder", Doc: "folder of the journal, relative to the workspace", Example: "webhooks", Required: true},
		{Name: "system", Doc: "name of the github connection whose accounts these are; absent: this connection's", Example: "github"},
		{Name: "emergency", Doc: "regular expression (RE2) on title and text, and on each label, that marks an emergency change", Example: "'(?m)^Class: urgent$'"},
	},
	Open:      open,
	Normalize: normalize,
}

// whyNever is the reason of every stream: deliveries prove what happened, never
// that nothing else did.
const whyNever = "a delivery that did not arrive leaves no trace: what came is exact, and that nothing else happened is for source github to show"

var cannot = []string{
	"a delivery that GitHub did not send, or that did not arrive; GitHub sends none a second time by itself",
	"rules of rulesets: a delivery tells the one branch protection rule that changed",
	"the instant of changes of members: the delivery's arrival is taken, some seconds later",
	"approvals before the journal began",
}

// Settings is the `with:` of a github-webhooks connection.
type Settings struct {
	Folder    string `json:"folder"`
	System    string `json:"system"`
	Emergency string `json:"emergency"`
}

// config is what normalizing needs.
type config struct {
	System    string `json:"system"`
	Emergency string `json:"emergency"`
}

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	fail := func(err error) (source.Collector, json.RawMessage, error) {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	var s Settings
	if err := source.Strict(with, &s); err != nil {
		return fail(err)
	}
	if s.Folder == "" {
		return fail(errors.New("folder: it is needed"))
	}
	if _, err := regexp.Compile(s.Emergency); err != nil {
		return fail(fmt.Errorf("emergency: %w", err))
	}
	if s.System == "" {
		s.System = name
	}
	b, err := canonical.Marshal(config{System: s.System, Emergency: s.Emergency})
	if err != nil {
		return fail(err)
	}
	dir := filepath.FromSlash(s.Folder)
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(env.Dir, dir)
	}
	return &collector{source: name, dir: dir, shown: strings.TrimSuffix(filepath.ToSlash(s.Folder), "/")}, b, nil
}
