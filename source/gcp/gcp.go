// Package gcp is the source of Google Cloud: one organization, folder or
// project as Cloud Asset Inventory knows it at one instant, with the runs of
// Cloud SQL backups.
package gcp

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"tieout/audit"
	"tieout/source"
	"tieout/source/cloud"
)

// Driver reads Google Cloud.
var Driver = &source.Driver{
	Name: "gcp", Version: 1, Title: "Google Cloud",
	Types: []string{"account", "backup", "datastore", "key", "membership", "network", "resource"},
	Scopes: []source.Scope{
		{Name: "cloudasset.assets.list*, on the scope (role Cloud Asset Viewer)", Why: "the inventory: resources and the policies on them"},
		{Name: "resourcemanager.projects.get, resourcemanager.folders.get (role Folder Viewer, Browser)", Why: "the projects, listed apart from the inventory, so that a hidden one shows"},
		{Name: "cloudsql.backupRuns.list, cloudsql.instances.get (role Cloud SQL Viewer)", Why: "the runs of backups"},
		{Name: "OAuth: https://www.googleapis.com/auth/cloud-platform", Why: "Cloud Asset Inventory takes no narrower one; the roles above let it read only"},
	},
	Cannot: []string{
		"who is in a group that holds a role, and accounts that hold none (ask source google-workspace)",
		"what a custom role permits: name those that are privileged",
		"rules of hierarchical firewall policies; routes; which addresses a firewall rule's targets have",
		"kinds of data store other than buckets, Cloud SQL, BigQuery, disks, Redis and Pub/Sub topics",
		"access control lists of single objects in a bucket; backups other than Cloud SQL's; findings of Security Command Center",
	},
	Settings: settingsDoc,
	Open:     open, Normalize: normalize,
}

var settingsDoc = []source.Setting{
	{Name: "scope", Doc: "what is read: organizations/NUMBER, folders/NUMBER or projects/ID", Example: "organizations/382777088978", Required: true},
	{Name: "key", Doc: "a service account's key file (JSON), by reference; this or `token`", Example: "file:/run/secrets/tieout.json", Secret: true},
	{Name: "token", Doc: "an access token, by reference; it lives for an hour", Example: "env:GCP_TOKEN", Secret: true},
	{Name: "quotaProject", Doc: "project that requests are counted for; needed with a user's access token", Example: "halyard-audit"},
	{Name: "privileged", Doc: "globs of roles that grant administrative or production rights; absent: roles/owner, roles/editor, roles/*admin* and roles/iam.serviceAccountTokenCreator, and of custom roles it is not collected", Example: "[roles/owner, roles/*admin*]"},
	cloud.Setting("label"),
	{Name: "endpoint", Doc: "address of the interfaces, with {service} in place of its name", Example: "https://{service}.googleapis.com"},
	{Name: "allow", Doc: "loopback or private: addresses of this machine or of private networks, also by http", Example: "private"},
}

type settings struct {
	Scope        string       `json:"scope"`
	Key          string       `json:"key"`
	Token        string       `json:"token"`
	QuotaProject string       `json:"quotaProject"`
	Privileged   source.Globs `json:"privileged"`
	Labels       cloud.Labels `json:"labels"`
	Endpoint     string       `json:"endpoint"`
	Allow        string       `json:"allow"`
}

// A config is what normalizing needs.
type config struct {
	System     string       `json:"system"` // the connection's name
	Scope      string       `json:"scope"`
	Privileged source.Globs `json:"privileged,omitempty"`
	Labels     cloud.Labels `json:"labels,omitempty"`
}

var scopes = regexp.MustCompile(`^(?:(?:organizations|folders)/[0-9]+|projects/[a-z0-9][a-z0-9:.-]*)$`)

const standardEndpoint = "https://{service}.googleapis.com"

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var s settings
	if err := source.Strict(with, &s); err != nil {
		return nil, nil, fmt.Errorf("source %s: %w", name, err)
	}
	if s.Endpoint == "" {
		s.Endpoint = standardEndpoint
	}
	if err := s.check(); err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	b, err := json.Marshal(config{System: name, Scope: s.Scope, Privileged: s.Privileged, Labels: s.Labels})
	return &collector{name: name, settings: s, env: env}, b, err
}

func (s settings) check() error {
	if !scopes.MatchString(s.Scope) {
		return fmt.Errorf("scope: %q; write organizations/NUMBER, folders/NUMBER or projects/ID", s.Scope)
	}
	if (s.Key == "") == (s.Token == "") {
		return errors.New("give a reference to a service account's key (`key: file:PATH`) or to an access token (`token: env:NAME`), one of them")
	}
	_, err := s.base("cloudasset")
	return errors.Join(source.CheckSecret("key", s.Key), source.CheckSecret("token", s.Token), source.CheckAllow(s.Allow),
		s.Privileged.Check("privileged"), s.Labels.Check(), err)
}

// base is the address of one interface of Google's.
func (s settings) base(service string) (*url.URL, error) {
	if !strings.Contains(s.Endpoint, "{service}") {
		return nil, fmt.Errorf("endpoint: %q; write an address with {service} in it, such as %s", s.Endpoint, standardEndpoint)
	}
	return source.BaseURL("endpoint", strings.ReplaceAll(s.Endpoint, "{service}", service), "", s.Allow)
}
