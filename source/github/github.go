// Package github is the source that reads one organization of GitHub, on
// github.com or on an Enterprise Server: who is in it, what protects its
// repositories, and every change that reached their default branches. It asks
// the plain REST interface and only reads.
package github

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"
	"sync/atomic"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
)

// Driver is the github source. docs/sources/github.md describes its settings and pages.
var Driver = &source.Driver{
	Name:    "github",
	Version: 2, // 2: the organization's answer gives its sign-in policy
	Title:   "GitHub organization",
	Types:   []string{"account", "membership", "repository", "protection", "change", "check", "deployment", "vulnerability", "authPolicy"},
	Scopes: []source.Scope{
		{Name: "read:org (Members: read)", Why: "members with their roles, outside collaborators, teams"},
		{Name: "organization owner", Why: "members without a second factor, the number of private repositories; without it both stay unknown"},
		{Name: "repo (Contents, Pull requests, Deployments, Checks, Commit statuses, Issues: read)", Why: "merged requests, their reviews and checks, commits of the default branch, deployments"},
		{Name: "read:audit_log (Administration of the organization: read), on GitHub Enterprise", Why: "the exact instants at which places were granted; without it they stay unknown"},
		{Name: "security_events (Dependabot alerts, Code scanning alerts, Secret scanning alerts: read)", Why: "weaknesses that GitHub's scanners found; without it they could not be collected"},
		{Name: "repo (Administration: read)", Why: "branch protection and rulesets, who may bypass them, security settings"},
	},
	Cannot: slicesOf(cannotPeople, cannotRepository, cannotProtection, cannotChange, cannotCheck, cannotDeployment, cannotFinding, cannotPolicy),

	Settings: []source.Setting{
		{Name: "organization", Doc: "name of the organization", Example: "halyard", Required: true},
		{Name: "token", Doc: "reference to a token that only reads; absent: as a GitHub App, or without any", Example: "env:GITHUB_TOKEN", Secret: true},
		{Name: "app", Doc: "a GitHub App in place of a token: its id, and a reference to its private key (PEM)", Example: `{ id: "12345", key: "file:app.pem" }`},
		{Name: "baseURL", Doc: "address of the interface; Enterprise Server: https://HOST/api/v3; absent: " + defaultBase, Example: "https://github.example.com/api/v3"},
		{Name: "repositories", Doc: "globs on name, or on owner/name where they have a slash; absent: all", Example: "[api-*]"},
		{Name: "production", Doc: "globs of what production is built from; absent: not known", Example: "[api-*]"},
		{Name: "privileged", Doc: "globs of teams that grant administrative or production rights; absent: not known", Example: "[platform-*]"},
		{Name: "emergency", Doc: "regular expression (RE2) on title and text, and on each label, that marks an emergency change", Example: "'(?m)^Class: urgent$'"},
		{Name: "allow", Doc: "loopback or private: also addresses of this machine, of the company's own network, and http there", Example: "private"},
	},
	Open:      open,
	Normalize: normalize,
}

// What each stream cannot show, in words.
var (
	cannotPeople = []string{
		"an account that a program or several people use looks like a person's",
		"invitations that were not accepted, billing managers and suspension on an Enterprise Server are not read",
		"a list that changes while it is read may leave out one that moved",
	}
	cannotRepository = []string{
		"a repository that the token may not see is not in the list; owners are told how many there are",
		"a setting that is on does not say that a scan ran",
	}
	cannotProtection = []string{"who used a right to bypass the rules, and what the rules were between two observations"}
	cannotChange     = []string{
		"a commit that was put on the branch without a request has its committer's own time: a wrong clock may move it out of the window",
		"history that was overwritten by a forced push is not there to be read",
		"whether an approver had the right to write when approving, or had added commits to the request themselves",
		"a review that was dismissed no longer says what it was: it counts for nothing, also where it was dismissed after the merge",
		"which checks were required at the instant of the merge",
	}
	cannotPolicy     = []string{"whether an identity provider asks for a second factor before GitHub does"}
	cannotFinding    = []string{"only what a scanner reported: one that is switched off, or did not run, reports nothing", "when an accepted risk ends"}
	cannotCheck      = []string{"only checks on the last commit of merged requests are read; GitHub deletes checks after 400 days"}
	cannotDeployment = []string{"only deployments that were told to GitHub are known", "a deployment that was rolled back looks like one that another followed"}
)

func slicesOf(lists ...[]string) []string {
	var out []string
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// Settings is the `with:` of a github connection.
type Settings struct {
	Organization string    `json:"organization"`
	BaseURL      string    `json:"baseURL"`      // of the REST interface; "" is https://api.github.com
	Token        string    `json:"token"`        // reference such as env:GITHUB_TOKEN; "" asks as App, or without one
	App          *App      `json:"app"`          // a GitHub App in place of a token
	Repositories []string  `json:"repositories"` // globs on name or owner/name; none: all
	Production   *[]string `json:"production"`   // globs of what production is built from; absent: not known
	Privileged   *[]string `json:"privileged"`   // globs of teams that grant administrative or production rights; absent: not known
	Emergency    string    `json:"emergency"`    // regular expression (RE2) on title and text, or on a label, that marks an emergency change
	Allow        string    `json:"allow"`        // "loopback" or "private": also addresses of this machine, of the company's own network
}

const (
	defaultBase      = "https://api.github.com"
	defaultEmergency = `(?im)\A\s*(?:\[(?:emergency|hotfix)\]|(?:emergency|hotfix)(?:\([^)\n]*\))?!?:)|^emergency(?:[ -]change)?:[ \t]*(?:yes|true|[a-z][a-z0-9]*-\d+|#\d+)[ \t\r]*$|\A(?:emergency|hotfix)\z`
)

// rules is the configuration that normalizing needs.
type rules struct {
	System       string    `json:"system"` // the connection's name
	Host         string    `json:"host"`   // as people write it: github.com
	Organization string    `json:"organization"`
	Repositories []string  `json:"repositories"`
	Production   *[]string `json:"production,omitempty"`
	Privileged   *[]string `json:"privileged,omitempty"`
	Emergency    string    `json:"emergency"`

	emergency *regexp.Regexp
}

var (
	organizationName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}$`)
	fullName         = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}$`)
	secretReference  = regexp.MustCompile(`^(?:env|file|keyring|kms):.`)
)

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	fail := func(err error) (source.Collector, json.RawMessage, error) {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	var s Settings
	if err := strict(with, &s); err != nil {
		return fail(err)
	}
	base, err := s.check()
	if err != nil {
		return fail(err)
	}
	r := rules{System: name, Host: hostOf(base), Organization: s.Organization, Repositories: s.Repositories,
		Production: s.Production, Privileged: s.Privileged, Emergency: s.Emergency}
	if r.Repositories == nil {
		r.Repositories = []string{}
	}
	if err := r.compile(); err != nil {
		return fail(err)
	}
	config, err := canonical.Marshal(r)
	if err != nil {
		return fail(err)
	}
	c := &collector{source: name, rules: r, env: env, token: s.Token, app: s.App, base: base, http: source.Guard(env.HTTP, s.Allow, base), wait: wait}
	return c, config, nil
}

// check returns the base of all addresses.
func (s *Settings) check() (*url.URL, error) {
	if !organizationName.MatchString(s.Organization) {
		return nil, fmt.Errorf("organization: %q is not the name of one", s.Organization)
	}
	if s.Token != "" && !secretReference.MatchString(s.Token) {
		return nil, fmt.Errorf("token: write a reference such as env:GITHUB_TOKEN, never the token itself")
	}
	if err := s.App.check(s.Token); err != nil {
		return nil, err
	}
	if s.Allow != "" && s.Allow != "loopback" && s.Allow != "private" {
		return nil, fmt.Errorf("allow: %q; write loopback or private, or leave it out", s.Allow)
	}
	if s.BaseURL == "" {
		s.BaseURL = defaultBase
	}
	base, err := url.Parse(strings.TrimSuffix(s.BaseURL, "/"))
	if err != nil || base.Host == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("baseURL: write an address such as %s or https://HOST/api/v3, without a name or password", defaultBase)
	}
	if base.Scheme != "https" && (base.Scheme != "http" || s.Allow == "") {
		return nil, fmt.Errorf("baseURL: https only; http is for addresses that `allow:` names")
	}
	return base, nil
}

// hostOf is where people find the organization: github.com for its interface.
func hostOf(base *url.URL) string {
	return strings.TrimPrefix(strings.ToLower(base.Hostname()), "api.")
}

func (r *rules) compile() error {
	lists := [][]string{r.Repositories}
	for _, l := range []*[]string{r.Production, r.Privileged} {
		if l != nil {
			lists = append(lists, *l)
		}
	}
	for _, l := range lists {
		for _, g := range l {
			if _, err := path.Match(g, ""); err != nil || g == "" {
				return fmt.Errorf("%q is not a glob such as api-* or owner/*", g)
			}
		}
	}
	text := r.Emergency
	if text == "" {
		text = defaultEmergency
	}
	var err error
	r.emergency, err = regexp.Compile(text)
	if err != nil {
		return fmt.Errorf("emergency: %w", err)
	}
	return nil
}

// selected reports whether the connection reads the repository.
func (r *rules) selected(full string) bool {
	return len(r.Repositories) == 0 || matches(r.Repositories, full)
}

// matches reports whether one glob matches a name, or owner/name where the glob has a slash.
func matches(globs []string, full string) bool {
	full = strings.ToLower(full)
	_, name, ok := strings.Cut(full, "/")
	if !ok {
		name = full
	}
	for _, g := range globs {
		g = strings.ToLower(g)
		subject := name
		if strings.Contains(g, "/") {
			subject = full
		}
		if ok, _ := path.Match(g, subject); ok {
			return true
		}
	}
	return false
}

// lastRules are those read last: pages of one collection come after each other.
var lastRules atomic.Pointer[struct {
	config string
	rules  rules
}]

func readRules(config json.RawMessage) (rules, error) {
	if last := lastRules.Load(); last != nil && last.config == string(config) {
		return last.rules, nil
	}
	r, err := parseRules(config)
	if err == nil {
		lastRules.Store(&struct {
			config string
			rules  rules
		}{string(config), r})
	}
	return r, err
}

func parseRules(config json.RawMessage) (rules, error) {
	var r rules
	if err := strict(config, &r); err != nil {
		return r, fmt.Errorf("%w: configuration of a github collection: %w", audit.ErrInvalid, err)
	}
	if err := r.compile(); err != nil {
		return r, fmt.Errorf("%w: configuration of a github collection: %w", audit.ErrInvalid, err)
	}
	return r, nil
}

// strict reads one JSON object and refuses keys nobody knows.
func strict(b []byte, v any) error {
	if len(bytes.TrimSpace(b)) == 0 {
		b = []byte("{}")
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if dec.More() {
		return fmt.Errorf("something follows the object")
	}
	return nil
}
