// Package pagerduty is the source that reads one account of PagerDuty: who can
// sign in, who is on call through every escalation policy and for how much of
// the coming week, and every incident with the instants at which people took it
// on and ended it. It asks version 2 of the REST interface and only reads.
package pagerduty

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
	"tieout/source/rest"
)

// Driver is the pagerduty source. docs/sources/pagerduty.md describes its settings and pages.
var Driver = &source.Driver{
	Name:    "pagerduty",
	Version: 1,
	Title:   "PagerDuty account",
	Types:   []string{"account", "link", "rota", "alert", "incident"},
	Scopes: []source.Scope{
		{Name: "Read-only API key", Why: "a General Access REST API key marked read-only; a user's own key sees no more than that user does"},
		{Name: "users", Why: "who can sign in, with which role"},
		{Name: "escalation policies and on-calls", Why: "who is on call now and in the coming week"},
		{Name: "incidents and their log entries", Why: "when each was raised, taken on and ended, and by whom"},
	},
	Cannot: slices.Concat(cannotUsers, cannotRotas, cannotIncidents),
	Settings: []source.Setting{
		{Name: "token", Doc: "REST API key, read-only, by reference.", Example: "env:PAGERDUTY_TOKEN", Required: true, Secret: true},
		{Name: "baseURL", Doc: "Address of the interface; absent: " + standard + ".", Example: "https://api.eu.pagerduty.com"},
		{Name: "since", Doc: "Incidents raised from that day on; absent: all, each with a request of its own.", Example: "2026-01-01"},
		{Name: "kinds", Doc: "What alerts are about, by globs on the names of services; the longest that matches counts. Absent: not collected.", Example: "{'siem*': security, '*': availability}"},
		{Name: "severities", Doc: "Severity of an alert by the name of its priority, or by urgency:high and urgency:low where it has none.", Example: "{P1: critical, P2: high, 'urgency:low': low}"},
		{Name: "decisions", Doc: "What an alert was found to be (incident, true, false, expected), by the name of its priority. Absent: not collected.", Example: "{Noise: 'false'}"},
		{Name: "incidents", Doc: "Which of them are incidents of the organization, by globs on services and priorities, both where both are written. Absent: none.", Example: "{priorities: [P1, P2]}"},
		{Name: "incidentSeverities", Doc: "Severity of such an incident, sev1 to sev4, by the name of its priority; SEV-1 and SEV1 are understood.", Example: "{P1: sev1, P2: sev2}"},
		{Name: "person", Doc: "How the id of a person is made of an address, for proposals that a person confirms; absent: no links.", Example: "hr/{email}"},
		{Name: "service", Doc: "Addresses of accounts that programs use; all others are of humans.", Example: "[svc-*]"},
		{Name: "allow", Doc: "loopback or private: addresses of this machine or of private networks, also by http.", Example: "private"},
	},
	Open:      open,
	Normalize: normalize,
}

const standard = "https://api.pagerduty.com"

// What each stream cannot show, in words.
var (
	cannotUsers = []string{
		"second factors and sign-ins: single sign-on is the identity provider's, and PagerDuty's interface tells neither",
		"rights that a user has within one team only",
		"an account that a program or several people use looks like a person's unless `service` names it",
	}
	cannotRotas = []string{
		"whether who is on call can be reached: telephone numbers and notification rules are not read",
		"schedules that no escalation policy names: they page nobody",
		"who was on call between two observations",
	}
	cannotIncidents = []string{
		"what a service suppressed, or held back in a maintenance window, before it became an incident",
		"incidents raised before the day that `since` names",
		"incidents of teams that the key's owner may not see",
		"what was done about it outside of PagerDuty",
	}
)

// Settings is the `with:` of a pagerduty connection.
type Settings struct {
	Token   string `json:"token"`
	BaseURL string `json:"baseURL"`
	Since   string `json:"since"`
	Allow   string `json:"allow"`
	rules
}

// rules are the part of the settings that normalizing needs.
type rules struct {
	Kinds              map[string]string `json:"kinds,omitempty"`
	Severities         map[string]string `json:"severities,omitempty"`
	Decisions          map[string]string `json:"decisions,omitempty"`
	Incidents          *counted          `json:"incidents,omitempty"`
	IncidentSeverities map[string]string `json:"incidentSeverities,omitempty"`
	Person             source.PersonID   `json:"person,omitempty"`
	Service            source.Globs      `json:"service,omitempty"`
}

// counted says which incidents of PagerDuty the organization counts as its own.
type counted struct {
	Services   source.Globs `json:"services,omitempty"`
	Priorities source.Globs `json:"priorities,omitempty"`
}

// config is what is sealed with a collection.
type config struct {
	System string `json:"system"` // the connection's name
	rules
}

type collector struct {
	name string
	with Settings
	base *url.URL
	env  source.Env
	wait func(context.Context, time.Duration) error // nil: for real
}

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	fail := func(err error) (source.Collector, json.RawMessage, error) {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	var s Settings
	if err := source.Strict(with, &s); err != nil {
		return fail(err)
	}
	if err := errors.Join(s.check(), s.rules.check()); err != nil {
		return fail(err)
	}
	base, err := source.BaseURL("baseURL", s.BaseURL, standard, s.Allow)
	if err != nil {
		return fail(err)
	}
	b, err := canonical.Marshal(config{name, s.rules})
	if err != nil {
		return fail(err)
	}
	return &collector{name: name, with: s, base: base, env: env}, b, nil
}

func (s *Settings) check() error {
	if s.Token == "" {
		return errors.New("token: it is needed; write a reference such as env:PAGERDUTY_TOKEN")
	}
	if s.Since != "" {
		if _, err := time.Parse(time.DateOnly, s.Since); err != nil {
			return fmt.Errorf("since: %q is not a day such as 2026-01-01", s.Since)
		}
	}
	return errors.Join(source.CheckSecret("token", s.Token), source.CheckAllow(s.Allow))
}

func (r *rules) check() error {
	for _, w := range []struct {
		setting, typ, field string
		words               map[string]string
	}{{"kinds", "alert", "kind", r.Kinds}, {"severities", "alert", "severity", r.Severities}, {"decisions", "alert", "decision", r.Decisions},
		{"incidentSeverities", "incident", "severity", r.IncidentSeverities}} {
		for _, k := range slices.Sorted(maps.Keys(w.words)) {
			if enum := words(w.typ, w.field); !slices.Contains(enum, w.words[k]) {
				return fmt.Errorf("%s: %s: %q is not one of %s", w.setting, k, w.words[k], strings.Join(enum, ", "))
			}
		}
	}
	if strings.Contains(string(r.Person), "{employeeNumber}") {
		return errors.New("person: PagerDuty holds no employee number; write hr/{email}")
	}
	globs := source.Globs(slices.Sorted(maps.Keys(r.Kinds)))
	return errors.Join(globs.Check("kinds"), r.Incidents.check(), r.Person.Check("person"), r.Service.Check("service"))
}

func (c *counted) check() error {
	switch {
	case c == nil:
		return nil
	case len(c.Services)+len(c.Priorities) == 0:
		return errors.New("incidents: name services, priorities, or both")
	}
	return errors.Join(c.Services.Check("incidents: services"), c.Priorities.Check("incidents: priorities"))
}

// words are the values that a field of an item type may have.
func words(typ, field string) []string {
	t, err := audit.TypeByName(typ)
	if err != nil { // the types are named above
		panic(err)
	}
	i := slices.IndexFunc(t.Fields, func(f audit.Field) bool { return f.Name == field })
	return t.Fields[i].Enum
}

// client asks the account with the key.
func (c *collector) client(token string) *rest.Client {
	return &rest.Client{HTTP: source.Guard(c.env.HTTP, c.with.Allow, c.base), Base: c.base, Secrets: []string{token}, Wait: c.wait,
		Authorize: rest.Header("Authorization", "Token token="+token), Headers: map[string]string{"Accept": "application/vnd.pagerduty+json;version=2"}}
}
