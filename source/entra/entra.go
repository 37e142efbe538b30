// Package entra is the source that reads one tenant of Microsoft Entra ID:
// accounts with their registered methods and directory roles, groups,
// conditional access, applications with their secrets and certificates, and
// sign-ins. It asks the plain REST interface of Microsoft Graph and only reads.
package entra

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
	"tieout/source/rest"
)

// Driver is the entra source. docs/sources/entra.md describes its settings and pages.
var Driver = &source.Driver{
	Name:    "entra",
	Version: 1,
	Title:   "Microsoft Entra ID tenant",
	Types:   []string{"account", "membership", "link", "authPolicy", "application", "key", "signIn"},
	Scopes: []source.Scope{
		{Name: "User.Read.All", Why: "accounts"},
		{Name: "AuditLog.Read.All", Why: "registered methods, last sign-ins, when accounts were disabled, sign-ins; each needs a P1 license too"},
		{Name: "GroupMember.Read.All", Why: "groups and their members"},
		{Name: "RoleManagement.Read.Directory", Why: "who holds a directory role"},
		{Name: "Policy.Read.All", Why: "conditional access, security defaults, the older per-user second factor"},
		{Name: "Domain.Read.All", Why: "how long passwords last"},
		{Name: "GroupSettings.Read.All", Why: "the tenant's settings on passwords and lockout"},
		{Name: "Application.Read.All", Why: "applications, their secrets and certificates (never what they are, only from when to when)"},
	},
	Cannot: slices.Concat(cannotPeople, cannotGroups, cannotRoles, cannotPolicies, cannotApps, cannotSignIns),
	Settings: []source.Setting{
		{Name: "tenant", Doc: "Tenant: its id or one of its domains.", Example: "halyard.onmicrosoft.com", Required: true},
		{Name: "client", Doc: "Application (client) id of an app registration with the permissions above, consented by an administrator.", Example: "11111111-2222-3333-4444-555555555555", Required: true},
		{Name: "secret", Doc: "Its client secret.", Example: "env:ENTRA_SECRET", Required: true, Secret: true},
		{Name: "person", Doc: "How the id of a person is made of an account; absent: no links.", Example: "hr/{employeeNumber}"},
		{Name: "privileged", Doc: "Groups that grant administrative or production rights; absent: not collected.", Example: "[prod-*]"},
		{Name: "service", Doc: "Sign-in names of accounts that programs use; all other members are humans.", Example: "[svc-*]"},
		{Name: "baseURL", Doc: "Address of Microsoft Graph, of a national cloud.", Example: "https://graph.microsoft.us"},
		{Name: "loginURL", Doc: "Address of the token endpoint, of a national cloud.", Example: "https://login.microsoftonline.us"},
		{Name: "allow", Doc: "loopback or private: addresses of this machine or of private networks, also by http.", Example: "private"},
	},
	Open:      open,
	Normalize: normalize,
}

// What each stream cannot show, in words.
var (
	cannotPeople = []string{
		"an account that a program or several people use looks like a person's unless `service` names it",
		"when an account was disabled, if that is longer ago than the directory keeps its log (30 days; 7 without a license)",
		"the report of registered methods leaves out disabled accounts, and follows changes with a delay of hours",
	}
	cannotGroups   = []string{"when and by whom somebody was put into a group", "rights that an application grants by itself"}
	cannotRoles    = []string{"roles that somebody may take but has not taken (eligible assignments)", "roles of Azure subscriptions and of single applications"}
	cannotPolicies = []string{"rules on passwords that are the directory's own and not the tenant's: length, history, and lockout where nobody changed it", "what the policies were between two observations", "conditions of a policy beside those that its fields name"}
	cannotApps     = []string{"who answers for an application, and whether it gets accounts by itself", "applications that were never put into the tenant", "credentials of federated identities, which are no secrets"}
	cannotSignIns  = []string{"Entra keeps sign-ins for 30 days", "sign-ins of programs, and those a session renews by itself", "whether a second factor was used", "events that are published late, after they were read"}
)

// Settings is the `with:` of an entra connection.
type Settings struct {
	Tenant     string          `json:"tenant"`
	Client     string          `json:"client"`
	Secret     string          `json:"secret"`
	Person     source.PersonID `json:"person"`
	Privileged source.Globs    `json:"privileged"`
	Service    source.Globs    `json:"service"`
	BaseURL    string          `json:"baseURL"`
	LoginURL   string          `json:"loginURL"`
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
	env         source.Env
	settings    Settings
	base, login *url.URL
	wait        func(context.Context, time.Duration) error
}

var tenantName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$`)

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	fail := func(err error) (source.Collector, json.RawMessage, error) {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	c := &collector{env: env}
	if err := source.Strict(with, &c.settings); err != nil {
		return fail(err)
	}
	if err := c.check(); err != nil {
		return fail(err)
	}
	s := &c.settings
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
	case !tenantName.MatchString(s.Tenant):
		return fmt.Errorf("tenant: %q is neither an id nor a domain", s.Tenant)
	case s.Client == "":
		return fmt.Errorf("client: it is needed; the application id of an app registration")
	case s.Secret == "":
		return fmt.Errorf("secret: it is needed; write a reference such as env:ENTRA_SECRET")
	}
	for _, err := range []error{source.CheckSecret("secret", s.Secret), source.CheckAllow(s.Allow), s.Person.Check("person"),
		s.Privileged.Check("privileged"), s.Service.Check("service")} {
		if err != nil {
			return err
		}
	}
	if c.base, err = source.BaseURL("baseURL", s.BaseURL, "https://graph.microsoft.com", s.Allow); err != nil {
		return err
	}
	c.login, err = source.BaseURL("loginURL", s.LoginURL, "https://login.microsoftonline.com", s.Allow)
	return err
}

// client asks with tokens that are made for the interface's own address.
func (c *collector) client(secret string) *rest.Client {
	guarded := func(base *url.URL) *http.Client { return source.Guard(c.env.HTTP, c.settings.Allow, base) }
	token := c.login.String() + "/" + c.settings.Tenant + "/oauth2/v2.0/token"
	scope := c.base.Scheme + "://" + c.base.Host + "/.default"
	return &rest.Client{HTTP: guarded(c.base), Base: c.base, Secrets: []string{secret}, Wait: c.wait,
		Authorize: rest.ClientCredentials(guarded(c.login), token, c.settings.Client, secret, scope)}
}
