// Package okta is the source that reads one organization of Okta: accounts
// with their factors and administrator roles, groups, sign-on rules,
// applications, API tokens and the log of sign-ins. It asks the plain REST
// interface and only reads.
package okta

import (
	"context"
	"encoding/json"
	"errors"
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
		{Name: "Read-only Administrator", Why: "the role of the service application, or of the account that the token is made by; it bounds all that follows"},
		{Name: scopeUsers, Why: "users and their factors"},
		{Name: scopeGroups, Why: "groups and their members"},
		{Name: scopeRoles, Why: "who administers the organization; without it `admin` stays unknown (with a token: a role that may view administrators)"},
		{Name: scopePolicies, Why: "rules for passwords, sign-on and second factors"},
		{Name: scopeApps, Why: "applications"},
		{Name: scopeTokens, Why: "API tokens with their age (with a token: a role that may view tokens)"},
		{Name: scopeLogs, Why: "sign-ins"},
	},
	Cannot: slices.Concat(cannotPeople, cannotGroups, cannotPolicies, cannotApps, cannotTokens, cannotSignIns),
	Settings: []source.Setting{
		{Name: "baseURL", Doc: "Address of the organization.", Example: "https://halyard.okta.com", Required: true},
		{Name: "client", Doc: "Client id of a service application with the scopes above; with key.", Example: "0oa1abcdefGHIJKL2345"},
		{Name: "key", Doc: "Its private key, RSA in PEM.", Example: "file:okta.pem", Secret: true},
		{Name: "keyID", Doc: "Id (kid) of that key.", Example: "kid-1"},
		{Name: "token", Doc: "Instead of client and key: an API token of a read-only administrator.", Example: "env:OKTA_TOKEN", Secret: true},
		{Name: "person", Doc: "How the id of a person is made of a profile; absent: no links.", Example: "hr/{employeeNumber}"},
		{Name: "privileged", Doc: "Groups that grant administrative or production rights; absent: not collected.", Example: "[prod-*, Okta Administrators]"},
		{Name: "service", Doc: "Logins of accounts that programs use; all others are of humans.", Example: "[svc-*]"},
		{Name: "allow", Doc: "loopback or private: addresses of this machine or of private networks, also by http.", Example: "private"},
	},
	Open:      open,
	Normalize: normalize,
}

// Permissions of a service application. Each is asked for alone, so that one
// that was not granted takes nothing else with it.
const (
	scopeUsers    = "okta.users.read"
	scopeGroups   = "okta.groups.read"
	scopeRoles    = "okta.roles.read"
	scopePolicies = "okta.policies.read"
	scopeApps     = "okta.apps.read"
	scopeTokens   = "okta.apiTokens.read"
	scopeLogs     = "okta.logs.read"
)

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
	Client     string          `json:"client"`
	Key        string          `json:"key"`
	KeyID      string          `json:"keyID"`
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
	env      source.Env
	settings Settings
	base     *url.URL
	http     *http.Client
	wait     func(context.Context, time.Duration) error
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
	return &collector{rules: r, env: env, settings: s, base: base, http: source.Guard(env.HTTP, s.Allow, base)}, config, nil
}

func (s *Settings) check() (*url.URL, error) {
	switch {
	case s.Token == "" && (s.Client == "" || s.Key == ""):
		return nil, errors.New("client and key, or token: they are needed; write references such as file:okta.pem or env:OKTA_TOKEN")
	case s.Token != "" && (s.Client != "" || s.Key != ""):
		return nil, errors.New("token: write it, or client and key, not both")
	}
	for _, err := range []error{source.CheckSecret("token", s.Token), source.CheckSecret("key", s.Key), source.CheckAllow(s.Allow), s.Person.Check("person"),
		s.Privileged.Check("privileged"), s.Service.Check("service")} {
		if err != nil {
			return nil, err
		}
	}
	return source.BaseURL("baseURL", s.BaseURL, "", s.Allow)
}

// clients returns what asks with one permission.
func (c *collector) clients(ctx context.Context) (func(scope string) *rest.Client, error) {
	if c.settings.Token != "" {
		token, err := c.env.ResolveSecret(ctx, "token", c.settings.Token)
		if err != nil {
			return nil, err
		}
		one := c.client(rest.Header("Authorization", "SSWS "+token), token)
		return func(string) *rest.Client { return one }, nil
	}
	key, err := c.env.ResolveSecret(ctx, "key", c.settings.Key)
	if err != nil {
		return nil, err
	}
	made := map[string]*rest.Client{}
	for _, scope := range []string{scopeUsers, scopeGroups, scopeRoles, scopePolicies, scopeApps, scopeTokens, scopeLogs} {
		a, err := rest.SignedCredentials(c.http, rest.Grant{Issuer: c.settings.Client, KeyID: c.settings.KeyID, Key: []byte(key),
			TokenURL: c.base.String() + "/oauth2/v1/token", Scopes: []string{scope}})
		if err != nil {
			return nil, fmt.Errorf("%w: key: what %s holds: %w", audit.ErrInvalid, c.settings.Key, err)
		}
		made[scope] = c.client(a, key)
	}
	return func(scope string) *rest.Client { return made[scope] }, nil
}

func (c *collector) client(a rest.Authorizer, secret string) *rest.Client {
	return &rest.Client{HTTP: c.http, Base: c.base, Authorize: a, Secrets: []string{secret}, Wait: c.wait}
}
