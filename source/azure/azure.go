// Package azure is the source of Microsoft Azure: every subscription of a
// tenant, mostly by Azure Resource Graph, which answers for many services at once.
package azure

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"

	"tieout/audit"
	"tieout/source"
	"tieout/source/cloud"
)

// Driver reads Azure.
var Driver = &source.Driver{
	Name: "azure", Version: 1, Title: "Microsoft Azure",
	Types: []string{"alert", "backup", "datastore", "finding", "key", "membership", "network", "resource", "restore"},
	Scopes: []source.Scope{
		{Name: "Reader, on the tenant's root management group", Why: "resources, role assignments, backup jobs, keys without their material, export of activity logs"},
		{Name: "Security Reader, on the same", Why: "assessments, alerts and plans of Defender for Cloud"},
	},
	Cannot: []string{
		"subscriptions that this identity is not shown: name those there must be in `subscriptions`",
		"who is in a group that holds a role; roles that can be activated but are not (Privileged Identity Management); roles within Entra ID",
		"settings of parts that Resource Graph does not hold: containers and versioning of storage accounts, encryption and firewall rules of SQL databases, diagnostic settings of single resources",
		"certificates in key vaults, and vaults whose access is closed to this identity",
		"backup jobs older than 7 days, and where a backup is kept",
		"whether Defender looks at a resource: it says nothing of what it does not look at",
	},
	Settings: settingsDoc,
	Open:     open, Normalize: normalize,
}

var settingsDoc = []source.Setting{
	{Name: "tenant", Doc: "the tenant's id or domain", Example: "halyard.onmicrosoft.com", Required: true},
	{Name: "clientId", Doc: "the application's (client) id", Example: "11112222-bbbb-3333-cccc-4444dddd5555"},
	{Name: "clientSecret", Doc: "its secret, by reference; with clientId, or `token` instead of both", Example: "env:AZURE_CLIENT_SECRET", Secret: true},
	{Name: "token", Doc: "an access token for Resource Manager, by reference; it lives for about an hour", Example: "env:AZURE_TOKEN", Secret: true},
	{Name: "subscriptions", Doc: "ids of the subscriptions there must be; one that is not shown is a gap", Example: "[20ff7fc3-e762-44dd-bd96-b71116dcdc23]"},
	{Name: "directory", Doc: "name of the connection of source entra whose accounts hold the roles; absent: this connection's", Example: "entra"},
	{Name: "privileged", Doc: "globs of roles that grant administrative or production rights; absent: Owner, Contributor and *Administrator*, and of custom roles it is not collected", Example: "[Owner, Contributor]"},
	cloud.Setting("tag"),
	{Name: "baseURL", Doc: "address of Resource Manager", Example: "https://management.azure.com"},
	{Name: "loginURL", Doc: "address that gives tokens", Example: "https://login.microsoftonline.com"},
	{Name: "allow", Doc: "loopback or private: addresses of this machine or of private networks, also by http", Example: "private"},
}

type settings struct {
	Tenant        string       `json:"tenant"`
	ClientID      string       `json:"clientId"`
	ClientSecret  string       `json:"clientSecret"`
	Token         string       `json:"token"`
	Subscriptions []string     `json:"subscriptions"`
	Directory     string       `json:"directory"`
	Privileged    source.Globs `json:"privileged"`
	Labels        cloud.Labels `json:"labels"`
	BaseURL       string       `json:"baseURL"`
	LoginURL      string       `json:"loginURL"`
	Allow         string       `json:"allow"`
}

// A config is what normalizing needs.
type config struct {
	System     string       `json:"system"`    // the connection's name
	Directory  string       `json:"directory"` // the connection whose accounts hold the roles
	Privileged source.Globs `json:"privileged,omitempty"`
	Labels     cloud.Labels `json:"labels,omitempty"`
}

const (
	standardBase  = "https://management.azure.com"
	standardLogin = "https://login.microsoftonline.com"
)

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var s settings
	if err := source.Strict(with, &s); err != nil {
		return nil, nil, fmt.Errorf("source %s: %w", name, err)
	}
	c := &collector{name: name, settings: s, env: env}
	if err := c.check(); err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	conf := config{System: name, Directory: s.Directory, Privileged: s.Privileged, Labels: s.Labels}
	if conf.Directory == "" {
		conf.Directory = name
	}
	b, err := json.Marshal(conf)
	return c, b, err
}

var (
	tenants = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]*$`)
	guids   = regexp.MustCompile(`^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

func (c *collector) check() error {
	s := c.settings
	if !tenants.MatchString(s.Tenant) {
		return fmt.Errorf("tenant: %q; write its id or domain", s.Tenant)
	}
	for _, id := range s.Subscriptions {
		if !guids.MatchString(id) {
			return fmt.Errorf("subscriptions: %q is not the id of a subscription", id)
		}
	}
	application := s.ClientID != "" && s.ClientSecret != ""
	if application == (s.Token != "") || application != (s.ClientID != "" || s.ClientSecret != "") {
		return errors.New("give clientId and a reference to its secret (`clientSecret: env:NAME`), or a reference to a token (`token: env:NAME`)")
	}
	var errs [2]error
	c.base, errs[0] = source.BaseURL("baseURL", s.BaseURL, standardBase, s.Allow)
	c.login, errs[1] = source.BaseURL("loginURL", s.LoginURL, standardLogin, s.Allow)
	return errors.Join(source.CheckSecret("clientSecret", s.ClientSecret), source.CheckSecret("token", s.Token), source.CheckAllow(s.Allow),
		s.Privileged.Check("privileged"), s.Labels.Check(), errs[0], errs[1])
}

// audience is whom tokens are for.
func audience(base *url.URL) string { return base.Scheme + "://" + base.Host + "/.default" }
