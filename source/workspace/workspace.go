// Package workspace is the source that reads one Google Workspace or Cloud
// Identity organization: accounts with their second step, administrator roles,
// groups, sign-in policies, mobile and ChromeOS devices, and sign-ins. It asks
// the plain REST interfaces and only reads.
package workspace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
	"tieout/source/rest"
)

// Driver is the google-workspace source. docs/sources/google-workspace.md describes its settings and pages.
var Driver = &source.Driver{
	Name:    "google-workspace",
	Version: 1,
	Title:   "Google Workspace",
	Types:   []string{"account", "membership", "link", "authPolicy", "key", "device", "signIn"},
	Scopes: []source.Scope{
		{Name: scopeUsers, Why: "accounts, their second step and administrators"},
		{Name: scopeGroups, Why: "groups and their members"},
		{Name: scopeRoles, Why: "who holds an administrator role"},
		{Name: scopePolicies, Why: "rules for passwords, sessions and the second step"},
		{Name: scopeMobile, Why: "mobile devices"},
		{Name: scopeChrome, Why: "ChromeOS devices"},
		{Name: scopeReports, Why: "sign-ins, and when accounts were suspended"},
		{Name: scopeTokens, Why: "only with `tokens: true`: what applications people gave access to. Google has no scope that only reads these; this one could revoke them, which is never asked for"},
	},
	Cannot: slices.Concat(cannotPeople, cannotGroups, cannotRoles, cannotPolicies, cannotTokens, cannotDevices, cannotSignIns),
	Settings: []source.Setting{
		{Name: "key", Doc: "Key of a service account with domain-wide delegation, as the JSON file that Google gives.", Example: "file:workspace-key.json", Required: true, Secret: true},
		{Name: "subject", Doc: "Administrator that the service account acts for.", Example: "auditor@halyard.example", Required: true},
		{Name: "customer", Doc: "Customer id; absent: the subject's own.", Example: "C01abcdef"},
		{Name: "person", Doc: "How the id of a person is made of an account; absent: no links.", Example: "hr/{employeeNumber}"},
		{Name: "privileged", Doc: "Groups (address or name) that grant administrative or production rights; absent: not collected.", Example: "[prod-*]"},
		{Name: "service", Doc: "Addresses of accounts that programs use; all others are of humans.", Example: "[svc-*]"},
		{Name: "tokens", Doc: "Whether to read what applications each account gave access to: one request for each.", Example: "true"},
		{Name: "baseURL", Doc: "Address of the Admin SDK, for tests.", Example: "https://admin.googleapis.com"},
		{Name: "policyURL", Doc: "Address of Cloud Identity, for tests.", Example: "https://cloudidentity.googleapis.com"},
		{Name: "tokenURL", Doc: "Address of the token endpoint, for tests.", Example: "https://oauth2.googleapis.com/token"},
		{Name: "allow", Doc: "loopback or private: addresses of this machine or of private networks, also by http.", Example: "private"},
	},
	Open:      open,
	Normalize: normalize,
}

// Permissions. Each is asked for alone, so that one that was not delegated
// takes nothing else with it.
const (
	scopeUsers    = "https://www.googleapis.com/auth/admin.directory.user.readonly"
	scopeGroups   = "https://www.googleapis.com/auth/admin.directory.group.readonly"
	scopeRoles    = "https://www.googleapis.com/auth/admin.directory.rolemanagement.readonly"
	scopeMobile   = "https://www.googleapis.com/auth/admin.directory.device.mobile.readonly"
	scopeChrome   = "https://www.googleapis.com/auth/admin.directory.device.chromeos.readonly"
	scopeReports  = "https://www.googleapis.com/auth/admin.reports.audit.readonly"
	scopePolicies = "https://www.googleapis.com/auth/cloud-identity.policies.readonly"
	scopeTokens   = "https://www.googleapis.com/auth/admin.directory.user.security"
)

// What each stream cannot show, in words.
var (
	cannotPeople = []string{
		"Google does not say how many accounts there are: the list is whole when its last page names no next",
		"which kind of second step is enrolled, and when a password was last set",
		"an account that a program or several people use looks like a person's unless `service` names it",
		"when an account was suspended or archived, if that is more than 180 days ago",
	}
	cannotGroups   = []string{"when and by whom somebody was put into a group", "rights that an application grants by itself"}
	cannotRoles    = []string{"roles of Google Cloud projects and of single applications"}
	cannotPolicies = []string{"which of several rules applies to an account: units and groups are named, not resolved", "what the rules were between two observations"}
	cannotTokens   = []string{"when access was given, and when it was last used"}
	cannotDevices  = []string{"devices that are not managed here", "whether a laptop or a desktop runs ChromeOS, and whether its storage is encrypted (ChromeOS always does it)"}
	cannotSignIns  = []string{"Google keeps sign-ins for 180 days", "sign-ins that a session renews by itself", "events that Google publishes late, after they were read"}
)

// Settings is the `with:` of a google-workspace connection.
type Settings struct {
	Key        string          `json:"key"`
	Subject    string          `json:"subject"`
	Customer   string          `json:"customer"`
	Person     source.PersonID `json:"person"`
	Privileged source.Globs    `json:"privileged"`
	Service    source.Globs    `json:"service"`
	Tokens     bool            `json:"tokens"`
	BaseURL    string          `json:"baseURL"`
	PolicyURL  string          `json:"policyURL"`
	TokenURL   string          `json:"tokenURL"`
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
	env                    source.Env
	settings               Settings
	base, policies, tokens *url.URL
	wait                   func(context.Context, time.Duration) error
	locked                 error // why there is no key; nil: there is
}

var (
	customerID = regexp.MustCompile(`^(?:C[A-Za-z0-9]{1,63}|my_customer)$`)
	address    = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)
)

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	fail := func(err error) (source.Collector, json.RawMessage, error) {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	c := &collector{env: env}
	if err := source.Strict(with, &c.settings); err != nil {
		return fail(err)
	}
	s := &c.settings
	if s.Customer == "" {
		s.Customer = "my_customer"
	}
	if err := c.check(); err != nil {
		return fail(err)
	}
	c.rules = rules{System: name, Person: s.Person, Service: s.Service}
	if s.Privileged != nil {
		c.Privileged = &s.Privileged
	}
	config, err := canonical.Marshal(c.rules)
	if err != nil {
		return fail(err)
	}
	return c, config, nil
}

func (c *collector) check() (err error) {
	s := &c.settings
	switch {
	case s.Key == "":
		return errors.New("key: it is needed; write a reference such as file:workspace-key.json")
	case !address.MatchString(s.Subject):
		return fmt.Errorf("subject: %q is not the address of an administrator", s.Subject)
	case !customerID.MatchString(s.Customer):
		return fmt.Errorf("customer: %q is not a customer id such as C01abcdef", s.Customer)
	}
	for _, err := range []error{source.CheckSecret("key", s.Key), source.CheckAllow(s.Allow), s.Person.Check("person"),
		s.Privileged.Check("privileged"), s.Service.Check("service")} {
		if err != nil {
			return err
		}
	}
	if c.base, err = source.BaseURL("baseURL", s.BaseURL, "https://admin.googleapis.com", s.Allow); err != nil {
		return err
	}
	if c.policies, err = source.BaseURL("policyURL", s.PolicyURL, "https://cloudidentity.googleapis.com", s.Allow); err != nil {
		return err
	}
	c.tokens, err = source.BaseURL("tokenURL", s.TokenURL, "https://oauth2.googleapis.com/token", s.Allow)
	return err
}

// A serviceKey is the file that Google gives. Where it says to ask for tokens is
// not followed: the settings say that.
type serviceKey struct {
	Email      string `json:"client_email"`
	PrivateKey string `json:"private_key"`
	KeyID      string `json:"private_key_id"`
}

func (c *collector) readKey(ctx context.Context) (k serviceKey, err error) {
	text, err := c.env.ResolveSecret(ctx, "key", c.settings.Key)
	if err != nil {
		return k, err
	}
	if json.Unmarshal([]byte(text), &k) != nil || k.Email == "" || !strings.Contains(k.PrivateKey, "PRIVATE KEY") {
		return k, fmt.Errorf("%w: key: what %s holds is not the JSON key of a service account", audit.ErrInvalid, c.settings.Key)
	}
	return k, nil
}

// client asks base with tokens for one permission only.
func (c *collector) client(k serviceKey, base *url.URL, scope string) *rest.Client {
	guarded := func(u *url.URL) *http.Client { return source.Guard(c.env.HTTP, c.settings.Allow, u) }
	grant := rest.Grant{Issuer: k.Email, KeyID: k.KeyID, Key: []byte(k.PrivateKey), Subject: c.settings.Subject, TokenURL: c.tokens.String(), Scopes: []string{scope}}
	authorize := rest.Assertion(guarded(c.tokens), grant)
	if c.locked != nil {
		authorize = rest.Without(c.locked)
	}
	return &rest.Client{HTTP: guarded(base), Base: base, Secrets: []string{k.PrivateKey}, Wait: c.wait, Pause: pause, Authorize: authorize}
}

// pause is rest.RetryAfter, and what Google says with 403 where others say 429.
func pause(resp *http.Response, body []byte) time.Duration {
	if resp.StatusCode == http.StatusForbidden && strings.Contains(string(body[:min(len(body), 4096)]), "ateLimitExceeded") {
		return 30 * time.Second
	}
	return rest.RetryAfter(resp, body)
}
