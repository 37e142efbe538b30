// Package aws is the source that reads the accounts of Amazon Web Services: who
// may enter them, what they keep and how it is protected, in every account of an
// organization and every region. It asks the plain interfaces with signed
// requests (Signature Version 4) and only reads.
package aws

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
)

// Driver is the aws source. docs/sources/aws.md describes its settings and streams.
var Driver = &source.Driver{
	Name:    "aws",
	Version: 1,
	Title:   "Amazon Web Services: organization, accounts, regions",
	Types:   typesOf(parts),
	Scopes: []source.Scope{
		{Name: "SecurityAudit (AWS managed policy) in every account", Why: "settings of every service below; no content of buckets, databases or secrets"},
		{Name: "iam:GenerateCredentialReport", Why: "asks IAM to write the report of users, second factors and access keys anew; the only request that is not a plain reading"},
		{Name: "organizations:ListAccounts, in the management account or a delegated administrator's", Why: "the independent list of accounts"},
		{Name: "sts:AssumeRole on the role named in the settings", Why: "to enter the other accounts"},
		{Name: "cloudtrail:LookupEvents", Why: "sign-ins to the console"},
		{Name: "backup:ListBackupJobs, backup:ListRestoreJobs, backup:ListProtectedResources", Why: "backups and restores"},
		{Name: "ecr:DescribeImages, ecr:DescribeImageScanFindings, ecr:BatchGetRepositoryScanningConfiguration", Why: "weaknesses found in images"},
		{Name: "wafv2:GetWebACLForResource, elasticloadbalancing:Describe*", Why: "whether a firewall stands before a load balancer"},
	},
	Cannot: cannotOf(parts),
	Settings: []source.Setting{
		{Name: "role", Doc: "name of the role to assume in every account but the connection's own", Example: "TieoutReadOnly"},
		{Name: "externalId", Doc: "external id that the role asks for", Example: "tieout-4711"},
		{Name: "organization", Doc: "read every account of the organization; absent: only the connection's own and those in `accounts`", Example: "true"},
		{Name: "accounts", Doc: "numbers of accounts that must be reached, listed by the organization or not", Example: `["222222222222"]`},
		{Name: "regions", Doc: "regions to read; absent: every region that is enabled, account by account", Example: "[eu-west-1, us-east-1]"},
		{Name: "region", Doc: "home region, for what belongs to no region; absent: us-east-1", Example: "us-east-1"},
		{Name: "accessKey", Doc: "reference to the access key id; absent: the default chain of credentials (environment, profile, instance)", Example: "env:AWS_ACCESS_KEY_ID", Secret: true},
		{Name: "secretKey", Doc: "reference to the secret access key", Example: "env:AWS_SECRET_ACCESS_KEY", Secret: true},
		{Name: "sessionToken", Doc: "reference to the session token of keys that are temporary", Example: "env:AWS_SESSION_TOKEN", Secret: true},
		{Name: "environments", Doc: "environment by account number, where no tag says it", Example: `{production: ["222222222222"]}`},
		{Name: "tags", Doc: "keys of the tags that hold environment, owner, classification, managedBy, and employeeNumber and email of IAM users", Example: "{environment: Environment, owner: Team}"},
		{Name: "privileged", Doc: "globs of groups and policies that grant administrative or production rights beside those that allow everything; absent: whether others do is not collected", Example: "[ops-*, BreakGlass*]"},
		{Name: "person", Doc: "id of the person an IAM user belongs to, made of a tag; makes links", Example: "hr/{employeeNumber}"},
		{Name: "endpoint", Doc: "address that answers for every service, such as an emulator's", Example: "http://127.0.0.1:5000"},
		{Name: "allow", Doc: "loopback or private: endpoints on this machine or in private networks", Example: "loopback"},
	},

	Open:      open,
	Normalize: normalize,
}

// Settings is the `with:` of an aws connection.
type Settings struct {
	Role         string              `json:"role"`
	ExternalID   string              `json:"externalId"`
	Organization bool                `json:"organization"`
	Accounts     []string            `json:"accounts"`
	Regions      []string            `json:"regions"`
	Region       string              `json:"region"`
	AccessKey    string              `json:"accessKey"`
	SecretKey    string              `json:"secretKey"`
	SessionToken string              `json:"sessionToken"`
	Environments map[string][]string `json:"environments"`
	Tags         tagNames            `json:"tags"`
	Privileged   source.Globs        `json:"privileged"`
	Person       source.PersonID     `json:"person"`
	Endpoint     string              `json:"endpoint"`
	Allow        string              `json:"allow"`
}

// tagNames are the keys of the tags that say what AWS itself does not know; "" reads none.
type tagNames struct {
	Environment    string `json:"environment,omitempty"`
	Owner          string `json:"owner,omitempty"`
	Classification string `json:"classification,omitempty"`
	ManagedBy      string `json:"managedBy,omitempty"`
	EmployeeNumber string `json:"employeeNumber,omitempty"`
	Email          string `json:"email,omitempty"`
}

// rules is the configuration that normalizing needs.
type rules struct {
	System       string              `json:"system"` // the connection's name
	Environments map[string][]string `json:"environments,omitempty"`
	Tags         tagNames            `json:"tags"`
	Privileged   *source.Globs       `json:"privileged,omitempty"`
	Person       source.PersonID     `json:"person,omitempty"`
}

var (
	accountNumber = regexp.MustCompile(`^[0-9]{12}$`)
	regionName    = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`)
	roleName      = regexp.MustCompile(`^[\w+=,.@/-]+$`)
)

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var s Settings
	if err := source.Strict(with, &s); err != nil {
		return nil, nil, fmt.Errorf("source %s: %w", name, err)
	}
	if err := s.check(); err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	c := &collector{name: name, s: s, env: env}
	if s.Region == "" {
		c.s.Region = "us-east-1"
	}
	if s.Endpoint != "" {
		base, err := source.BaseURL("endpoint", s.Endpoint, "", s.Allow)
		if err != nil {
			return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
		}
		c.base = base
	}
	r := rules{System: name, Environments: s.Environments, Tags: s.Tags, Person: s.Person}
	if s.Privileged != nil {
		r.Privileged = &s.Privileged
	}
	config, err := canonical.Marshal(r)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	return c, config, nil
}

// check refuses settings that cannot work.
func (s *Settings) check() error {
	for _, ref := range []struct{ name, ref string }{{"accessKey", s.AccessKey}, {"secretKey", s.SecretKey}, {"sessionToken", s.SessionToken}} {
		if err := source.CheckSecret(ref.name, ref.ref); err != nil {
			return err
		}
	}
	switch {
	case (s.AccessKey == "") != (s.SecretKey == ""):
		return errors.New("accessKey and secretKey: give both, or neither for the default chain of credentials")
	case s.SessionToken != "" && s.AccessKey == "":
		return errors.New("sessionToken: it belongs to an accessKey and a secretKey")
	case s.Role != "" && !roleName.MatchString(s.Role):
		return fmt.Errorf("role: %q is not the name of a role such as TieoutReadOnly", s.Role)
	case s.Role == "" && (s.Organization || len(s.Accounts) > 0):
		return errors.New("role: name the role to assume in the other accounts, such as TieoutReadOnly")
	case s.Region != "" && !regionName.MatchString(s.Region):
		return fmt.Errorf("region: %q is not a region such as eu-west-1", s.Region)
	}
	if err := s.checkLists(); err != nil {
		return err
	}
	return source.CheckAllow(s.Allow)
}

func (s *Settings) checkLists() error {
	for _, r := range s.Regions {
		if !regionName.MatchString(r) {
			return fmt.Errorf("regions: %q is not a region such as eu-west-1", r)
		}
	}
	if err := numbers("accounts", s.Accounts); err != nil {
		return err
	}
	seen := map[string]bool{}
	for env, list := range s.Environments {
		if env == "" {
			return errors.New("environments: one has no name")
		}
		if err := numbers("environments", list); err != nil {
			return err
		}
		for _, n := range list {
			if seen[n] {
				return fmt.Errorf("environments: account %s is in more than one", n)
			}
			seen[n] = true
		}
	}
	if err := s.Privileged.Check("privileged"); err != nil {
		return err
	}
	return s.Person.Check("person")
}

func numbers(setting string, list []string) error {
	for _, n := range list {
		if !accountNumber.MatchString(n) {
			return fmt.Errorf("%s: %q is not an account's number of twelve digits; write it in quotes", setting, n)
		}
	}
	return nil
}

// collector reads one connection.
type collector struct {
	name string
	s    Settings
	env  source.Env
	base *url.URL // answers for every service; nil: AWS's own addresses
	wait waiting  // nil: sleeps
}

// A part is what is read of one account, or of one account in one region, on
// its own: where it fails the others are not touched. Its name ends the scope.
type part struct {
	name    string
	global  bool // it belongs to no region
	streams []stream
	read    reader
}

// A stream is one of a part's.
type stream struct {
	typ    string
	days   int // events: how many days AWS keeps them; 0: it is a snapshot
	cannot []string
	kinds  []string
}

func typesOf(parts []part) []string {
	types := []string{"resource"}
	for _, p := range parts {
		for _, s := range p.streams {
			types = append(types, s.typ)
		}
	}
	slices.Sort(types)
	return slices.Compact(types)
}

func cannotOf(parts []part) []string {
	out := slices.Clone(cannotAccounts)
	for _, p := range parts {
		for _, s := range p.streams {
			for _, c := range s.cannot {
				if !slices.Contains(out, c) {
					out = append(out, c)
				}
			}
		}
	}
	return out
}
