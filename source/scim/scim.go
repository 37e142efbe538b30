// Package scim is a SCIM 2.0 service provider through which an identity provider
// pushes accounts and groups, and the source that reads what it kept.
//
//	h, err := scim.Handler(scim.Options{Journal: dir, Token: token, Base: "https://tieout.example.com/scim/v2"})
//	mux.Handle("/scim/v2/", http.StripPrefix("/scim/v2", h))
//	defer h.Close()
package scim

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
)

// Driver is the scim source.
var Driver = &source.Driver{
	Name:    "scim",
	Version: 1,
	Title:   "SCIM 2.0: an identity provider pushes to Tieout",
	Types:   []string{"account", "link", "membership"},
	Scopes:  []source.Scope{{Name: "read the journal", Why: "the receiver keeps what the identity provider pushes; this source reads nothing from the provider itself"}},
	Cannot:  cannot,

	Settings: []source.Setting{
		{Name: "journal", Doc: "folder of the receiver's journal, relative to the workspace", Example: "state/scim", Required: true},
		{Name: "system", Doc: "name of the system whose accounts these are; absent: the connection's", Example: "okta"},
		{Name: "services", Doc: "accounts of services, by globs on their login names; the others are people's. Absent: not told apart", Example: "['svc-*']"},
		{Name: "privileged", Doc: "groups that grant administrative or production rights, by globs on their names; absent: not collected", Example: "['* admins']"},
		{Name: "people", Doc: "connection whose people the employee numbers are of; absent: no links", Example: "hr"},
		{Name: "gap", Doc: "how long the receiver may be silent before what happened meanwhile counts as not known; absent: 15m", Example: "15m"},
	},

	Open:      open,
	Normalize: normalize,
}

var cannot = []string{
	"accounts and groups that are not assigned to be pushed, and those that were not pushed yet when the journal began",
	"when a change was made at the identity provider: the instant is that of its arrival, later by the provider's own cycle",
	"second factors, sign-ins and passwords: SCIM does not tell them",
}

// Settings is the `with:` of a scim connection.
type Settings struct {
	Journal    string   `json:"journal"`
	System     string   `json:"system"`
	Services   []string `json:"services"`
	Privileged []string `json:"privileged"`
	People     string   `json:"people"`
	Gap        string   `json:"gap"`
}

// config is what normalizing needs.
type config struct {
	Connection string   `json:"connection"`
	System     string   `json:"system"`
	Services   []string `json:"services,omitempty"`
	Privileged []string `json:"privileged,omitempty"`
	People     string   `json:"people,omitempty"`
}

const standardGap = 15 * time.Minute

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	fail := func(err error) (source.Collector, json.RawMessage, error) {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	var s Settings
	if err := source.Strict(with, &s); err != nil {
		return fail(err)
	}
	c := &collector{source: name, with: s, dir: s.Journal, gap: standardGap}
	if s.Journal == "" {
		return fail(errors.New("journal: name the receiver's folder, such as state/scim"))
	}
	if !filepath.IsAbs(c.dir) {
		c.dir = filepath.Join(env.Dir, c.dir)
	}
	if s.Gap != "" {
		d, err := time.ParseDuration(s.Gap)
		if err != nil || d < time.Minute || d > 24*time.Hour {
			return fail(fmt.Errorf("gap: %q; write a time between 1m and 24h", s.Gap))
		}
		c.gap = d
	}
	for _, g := range slices.Concat(s.Services, s.Privileged) {
		if _, err := path.Match(g, ""); err != nil || g == "" {
			return fail(fmt.Errorf("services, privileged: %q is not a glob such as svc-*", g))
		}
	}
	conf := config{name, s.System, s.Services, s.Privileged, s.People}
	if conf.System == "" {
		conf.System = name
	}
	b, err := canonical.Marshal(conf)
	if err != nil {
		return fail(err)
	}
	return c, b, nil
}
