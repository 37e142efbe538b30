// Package jira is the source that reads tickets and incidents of Jira: Cloud
// (REST interface version 3) and Data Center (version 2).
package jira

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
	"tieout/source/rest"
)

// Driver is the jira source.
var Driver = &source.Driver{
	Name:    "jira",
	Version: 1,
	Title:   "Jira: Cloud and Data Center",
	Types:   []string{"incident", "ticket"},
	Scopes: []source.Scope{
		{Name: "read:jira-work (Browse projects)", Why: "projects, issues and their history are listed"},
		{Name: "read:jira-user", Why: "who asked, approved and handled; addresses show only where people share them"},
	},
	Cannot: cannot,

	Settings: []source.Setting{
		{Name: "url", Doc: "address of the site", Example: "https://halyard.atlassian.net", Required: true},
		{Name: "edition", Doc: "cloud or server (Data Center); absent: cloud", Example: "server"},
		{Name: "user", Doc: "address of the token's account; absent: the token is a personal access token, sent alone", Example: "audit@example.com"},
		{Name: "token", Doc: "API token or personal access token, by reference", Example: "env:JIRA_TOKEN", Required: true, Secret: true},
		{Name: "projects", Doc: "keys of projects, or globs on them; absent: all that the account may see", Example: "[SEC, 'OPS*']"},
		{Name: "since", Doc: "tickets made from that day on; absent: all", Example: "2025-01-01"},
		{Name: "jql", Doc: "a further condition on the tickets that are read", Example: "issuetype in (Change, Incident)"},
		{Name: "kinds", Doc: "what tickets are for: by name of the issue type, or `label:NAME`, as globs", Example: "{Change: change, 'label:access-*': access}"},
		{Name: "requests", Doc: "what data subjects ask for: as `kinds`, to know, delete, correct, opt out or limit", Example: "{Erasure: delete, 'label:do-not-sell': opt out}"},
		{Name: "rejected", Doc: "statuses and resolutions that mean a ticket was turned down", Example: "[Declined, Canceled]"},
		{Name: "approval", Doc: "what approves a ticket: coming into one of `statuses`, or one of `values` coming into `field`", Example: "{statuses: [Approved]}"},
		{Name: "incidents", Doc: "issue types that are incidents, as globs; absent: none", Example: "['*Incident']"},
		{Name: "incidentKinds", Doc: "what an incident is about: label to security, privacy, availability or other", Example: "{outage: availability}"},
		{Name: "severities", Doc: "name of a priority to sev1, sev2, sev3 or sev4", Example: "{Highest: sev1}"},
		{Name: "times", Doc: "dates of a ticket or incident that are when it first came into one of these statuses", Example: "{acknowledgedAt: [Investigating], containedAt: [Contained]}"},
		{Name: "fields", Doc: "further fields of a ticket or incident: ids of Jira's fields, or `label:NAME` for a yes or no", Example: "{subject: customfield_10200, significant: 'label:significant'}"},
		{Name: "allow", Doc: "loopback or private: addresses of this machine or of private networks, also by http", Example: "private"},
	},

	Open:      open,
	Normalize: normalize,
}

var cannot = []string{
	"tickets that the account may not browse, or that a security level hides from it",
	"tickets that were deleted",
	"what was typed into a field before Jira kept its history, or by a script that keeps none",
}

// Settings is the `with:` of a jira connection.
type Settings struct {
	URL      string   `json:"url"`
	Edition  string   `json:"edition"`
	User     string   `json:"user"`
	Token    string   `json:"token"`
	Projects []string `json:"projects"`
	Since    string   `json:"since"`
	JQL      string   `json:"jql"`
	Allow    string   `json:"allow"`
	rules
}

// rules are the part of the settings that normalizing needs.
type rules struct {
	Kinds         map[string]string   `json:"kinds,omitempty"`
	Requests      map[string]string   `json:"requests,omitempty"`
	Rejected      []string            `json:"rejected,omitempty"`
	Approval      *approval           `json:"approval,omitempty"`
	Incidents     []string            `json:"incidents,omitempty"`
	IncidentKinds map[string]string   `json:"incidentKinds,omitempty"`
	Severities    map[string]string   `json:"severities,omitempty"`
	Times         map[string][]string `json:"times,omitempty"`
	Fields        map[string]string   `json:"fields,omitempty"`
}

type approval struct {
	Statuses []string `json:"statuses,omitempty"`
	Field    string   `json:"field,omitempty"`
	Values   []string `json:"values,omitempty"`
}

type config struct {
	System string `json:"system"`
	rules
}

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	fail := func(err error) (source.Collector, json.RawMessage, error) {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	var s Settings
	if err := source.Strict(with, &s); err != nil {
		return fail(err)
	}
	base, err := source.BaseURL("url", s.URL, "", s.Allow)
	if err != nil {
		return fail(err)
	}
	if err := errors.Join(s.check(), s.rules.check()); err != nil {
		return fail(err)
	}
	b, err := canonical.Marshal(config{name, s.rules})
	if err != nil {
		return fail(err)
	}
	return &collector{source: name, with: s, base: base, env: env}, b, nil
}

var plainDay = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)

func (s *Settings) check() error {
	switch {
	case s.Edition != "" && s.Edition != "cloud" && s.Edition != "server":
		return fmt.Errorf("edition: %q; write cloud or server", s.Edition)
	case s.Token == "":
		return errors.New("token: it is needed")
	case s.Since != "" && !plainDay.MatchString(s.Since):
		return fmt.Errorf("since: %q is not a day such as 2025-01-01", s.Since)
	case strings.Contains(strings.ToLower(s.JQL), "order by"):
		return errors.New("jql: leave out the order")
	}
	for _, p := range s.Projects {
		if _, err := path.Match(p, ""); err != nil || strings.ContainsAny(p, `"\`) {
			return fmt.Errorf("projects: %q is neither a key nor a glob such as OPS*", p)
		}
	}
	if err := source.CheckSecret("token", s.Token); err != nil {
		return err
	}
	return source.CheckAllow(s.Allow)
}

// schema returns a field of the item type, nil if it has none of that name.
func schema(typ, name string) *audit.Field {
	t, err := audit.TypeByName(typ)
	if err != nil {
		return nil
	}
	i := slices.IndexFunc(t.Fields, func(f audit.Field) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return &t.Fields[i]
}

// Fields that other settings or Jira's own fields give.
var own = []string{"system", "kind", "title", "status", "createdAt", "closedAt", "dueAt", "requester", "owner", "approvedBy", "approvedAt", "severity"}

// further is the schema of a field that `times` or `fields` may give.
func further(name string) *audit.Field {
	if slices.Contains(own, name) {
		return nil
	}
	if f := schema("ticket", name); f != nil {
		return f
	}
	return schema("incident", name)
}

func (r *rules) check() error {
	for _, w := range []struct {
		setting, typ, field string
		words               map[string]string
	}{{"kinds", "ticket", "kind", r.Kinds}, {"requests", "ticket", "request", r.Requests}, {"incidentKinds", "incident", "kind", r.IncidentKinds}, {"severities", "incident", "severity", r.Severities}} {
		for _, k := range slices.Sorted(maps.Keys(w.words)) {
			if enum := schema(w.typ, w.field).Enum; !slices.Contains(enum, w.words[k]) {
				return fmt.Errorf("%s: %s: %q is not one of %s", w.setting, k, w.words[k], strings.Join(enum, ", "))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Times)) {
		if f := further(name); f == nil || f.Kind != audit.Time || len(r.Times[name]) == 0 {
			return fmt.Errorf("times: %q is not a date of a ticket or an incident, or names no status", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Fields)) {
		if err := checkField(name, r.Fields[name]); err != nil {
			return err
		}
		if r.Times[name] != nil {
			return fmt.Errorf("fields: %s is given by times as well", name)
		}
		if name == "request" && len(r.Requests) > 0 {
			return errors.New("fields: request is given by requests as well")
		}
	}
	if a := r.Approval; a != nil && (len(a.Statuses) == 0) == (a.Field == "") {
		return errors.New("approval: name statuses, or a field")
	}
	return nil
}

func checkField(name, from string) error {
	f := further(name)
	if f == nil || f.Kind == audit.Strings || f.Kind == audit.Int {
		return fmt.Errorf("fields: %q is no further field of a ticket or an incident", name)
	}
	label := strings.HasPrefix(from, "label:")
	switch {
	case label && f.Kind != audit.Bool:
		return fmt.Errorf("fields: %s: a label tells yes or no only", name)
	case !label && f.Kind == audit.Bool:
		return fmt.Errorf("fields: %s: write label:NAME", name)
	case !label && !fieldID.MatchString(from):
		return fmt.Errorf("fields: %s: %q is not the id of a field such as customfield_10200", name, from)
	}
	return nil
}

var fieldID = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

func (s *Settings) server() bool { return s.Edition == "server" }

// client asks the site with the token.
func (c *collector) client(token string) *rest.Client {
	cl := &rest.Client{HTTP: source.Guard(c.env.HTTP, c.with.Allow, c.base), Base: c.base, Secrets: []string{token}, Wait: c.wait}
	cl.Authorize = rest.Header("Authorization", "Bearer "+token)
	if c.with.User != "" {
		cl.Authorize = rest.Basic(c.with.User, token)
	}
	return cl
}

// uri is a request URI of the interface, with a query.
func (c *collector) uri(cl *rest.Client, path string, q url.Values) string {
	version := "3"
	if c.with.server() {
		version = "2"
	}
	u := cl.At("/rest/api/" + version + path)
	if len(q) > 0 {
		u += "?" + q.Encode()
	}
	return u
}
