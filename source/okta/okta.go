// Package okta is the source that reads one organization of Okta: accounts
// with their factors and administrator roles, groups, sign-on rules,
// applications, API tokens and the log of sign-ins. It asks the plain REST
// interface and only reads.
package okta

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
	"tieout/source/rest"
)

// Driver is the okta source. docs/sources/okta.md describes its settings and pages.
var Driver = &source.Driver{
	Name:    "okta",
	Version: 1,
	Title:   "Okta organization",
	Types:   []string{"account", "membership", "link", "authPolicy", "application", "key", "signIn"},
	Scopes: []source.Scope{
		{Name: "Read-only Administrator", Why: "the role of the account the token is made by: users and their factors, groups and members, applications, policies, the system log"},
		{Name: "View administrator roles", Why: "who administers the organization; without it `admin` stays unknown (a Super Administrator's token can)"},
		{Name: "View API tokens", Why: "API tokens with their age; without it they could not be collected"},
	},
	Cannot: slices.Concat(cannotPeople, cannotGroups, cannotPolicies, cannotApps, cannotTokens, cannotSignIns),
	Settings: []source.Setting{
		{Name: "baseURL", Doc: "Address of the organization.", Example: "https://halyard.okta.com", Required: true},
		{Name: "token", Doc: "API token of a read-only administrator.", Example: "env:OKTA_TOKEN", Required: true, Secret: true},
		{Name: "person", Doc: "How the id of a person is made of a profile; absent: no links.", Example: "hr/{employeeNumber}"},
		{Name: "privileged", Doc: "Groups that grant administrative or production rights; absent: not collected.", Example: "[prod-*, Okta Administrators]"},
		{Name: "service", Doc: "Logins of accounts that programs use; all others are of humans.", Example: "[svc-*]"},
		{Name: "allow", Doc: "loopback or private: addresses of this machine or of private networks, also by http.", Example: "private"},
	},
	Open:      open,
	Normalize: normalize,
}

// What each stream cannot show, in words.
var (
	cannotPeople = []string{
		"Okta does not say how many users there are: the list is whole when its last page names no next",
		"an account that a program or several people use looks like a person's unless `service` names it",
		"factors that the enrollment policy in force for an account does not name are not told",
	}
	cannotGroups   = []string{"when and by whom somebody was put into a group", "rights that an application grants by itself"}
	cannotPolicies = []string{"what the rules were between two observations", "conditions of a rule beside those that its fields name"}
	cannotApps     = []string{"who answers for an application", "applications that were never put into Okta"}
	cannotTokens   = []string{"tokens of OAuth clients, and when a token was last used"}
	cannotSignIns  = []string{"Okta keeps its log for 90 days", "sign-ins that do not go through Okta", "events that Okta publishes late, after they were read"}
)

// Settings is the `with:` of an okta connection.
type Settings struct {
	BaseURL    string          `json:"baseURL"`
	Token      string          `json:"token"`
	Person     source.PersonID `json:"person"`
	Privileged source.Globs    `json:"privileged"`
	Service    source.Globs    `json:"service"`
	Allow      string          `json:"allow"`
}

// rules is the configuration that normalizing needs.
type rules struct {
	System     string          `json:"system"` // the connection's name
	Person     source.PersonID `json:"person,omitempty"`
	Privileged *source.Globs   `json:"privileged,omitempty"` // nil: not known
	Service    source.Globs    `json:"service,omitempty"`
}

type collector struct {
	rules
	env   source.Env
	token string
	base  *url.URL
	http  *http.Client
	wait  func(context.Context, time.Duration) error
}

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	fail := func(err error) (source.Collector, json.RawMessage, error) {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	var s Settings
	if err := source.Strict(with, &s); err != nil {
		return fail(err)
	}
	base, err := s.check()
	if err != nil {
		return fail(err)
	}
	r := rules{System: name, Person: s.Person, Service: s.Service}
	if s.Privileged != nil {
		r.Privileged = &s.Privileged
	}
	config, err := canonical.Marshal(r)
	if err != nil {
		return fail(err)
	}
	return &collector{rules: r, env: env, token: s.Token, base: base, http: source.Guard(env.HTTP, s.Allow, base)}, config, nil
}

func (s *Settings) check() (*url.URL, error) {
	if s.Token == "" {
		return nil, fmt.Errorf("token: it is needed; write a reference such as env:OKTA_TOKEN")
	}
	for _, err := range []error{source.CheckSecret("token", s.Token), source.CheckAllow(s.Allow), s.Person.Check("person"),
		s.Privileged.Check("privileged"), s.Service.Check("service")} {
		if err != nil {
			return nil, err
		}
	}
	return source.BaseURL("baseURL", s.BaseURL, "", s.Allow)
}

func (c *collector) client(token string) *rest.Client {
	return &rest.Client{HTTP: c.http, Base: c.base, Authorize: rest.Header("Authorization", "SSWS "+token), Secrets: []string{token}, Wait: c.wait}
}
