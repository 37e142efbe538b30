// Package gitlab is the source that reads one group of GitLab, on gitlab.com or
// on an instance of the company's own: who is in it, what protects its
// projects, and every change that reached their default branches. It asks the
// REST interface (version 4) and only reads.
package gitlab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/forge"
	"tieout/source/rest"
)

// Driver is the gitlab source. docs/sources/gitlab.md describes its settings and pages.
var Driver = &source.Driver{
	Name:    "gitlab",
	Version: 1,
	Title:   "GitLab group",
	Types:   []string{"account", "membership", "repository", "protection", "change", "check", "deployment", "vulnerability", "authPolicy"},
	Scopes: []source.Scope{
		{Name: "token with scope read_api", Why: "everything below; it cannot write"},
		{Name: "role Maintainer or Owner in the group", Why: "protected branches, approval settings, push rules, merge settings, deployments"},
		{Name: "role Owner in the group, or an instance administrator's token", Why: "the second factor of accounts, and the group's audit events; without it both stay unknown"},
	},
	Cannot: slices.Concat(cannotPeople, cannotRepository, cannotProtection, cannotChange, cannotCheck, cannotDeployment, cannotFinding, cannotPolicy),
	Settings: append([]source.Setting{
		{Name: "group", Doc: "full path of the top-level group, or of one below it", Example: "halyard/platform", Required: true},
		{Name: "baseURL", Doc: "address of the interface; absent: " + standardBase, Example: "https://gitlab.example.com/api/v4"},
	}, forge.Common("GITLAB_TOKEN")...),
	Open:      open,
	Normalize: normalize,
}

const standardBase = "https://gitlab.com/api/v4"

// What each stream cannot show, in words.
var (
	cannotPeople = []string{
		"an account that a program or several people use looks like a person's, unless GitLab itself named it as a bot",
		"people without a place in the group, its subgroups or its selected projects, such as instance administrators",
		"a list that changes while it is read may leave out one that moved",
	}
	cannotRepository = []string{
		"a project that the token may not see is not in the list",
		"scanners run as jobs of a pipeline, which no setting tells: one that left no report in the branch's last pipeline may run in another",
	}
	cannotProtection = []string{
		"who used a right to push past the rules, and what the rules were between two observations",
		"rules that a request changed for itself where projects allow that",
	}
	cannotChange = []string{
		"a commit that was put on the branch without a request has its committer's own time: a wrong clock may move it out of the window",
		"history that was overwritten by a forced push is not there to be read",
		"an approval that a later push voided counts for nothing, also where it was given again without a record",
		"which checks were required at the instant of the merge",
	}
	cannotCheck      = []string{"only jobs and statuses on the commits that merge requests were merged from are read; deleted pipelines are gone"}
	cannotDeployment = []string{"only deployments that GitLab knows of; one that was rolled back looks like one that another followed"}
	cannotPolicy     = []string{"whether groups below set rules of their own", "whether an identity provider asks for a second factor before GitLab does"}
	cannotFinding    = []string{"only what a scanner of the default branch reported to GitLab; a scanner that did not run reports nothing"}
)

// Settings is the `with:` of a gitlab connection.
type Settings struct {
	Group string `json:"group"`
	forge.Settings
}

type collector struct {
	source string
	rules  *forge.Rules
	env    source.Env
	token  string // reference
	base   *url.URL
	http   *http.Client
	wait   func(ctx context.Context, d time.Duration) error // nil: for real
}

var groupPath = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,255}(?:/[A-Za-z0-9_.-]{1,255})*$`)

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	fail := func(err error) (source.Collector, json.RawMessage, error) {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	var s Settings
	if err := source.Strict(with, &s); err != nil {
		return fail(err)
	}
	switch {
	case !groupPath.MatchString(s.Group):
		return fail(fmt.Errorf("group: %q is not the path of one", s.Group))
	case s.Token == "":
		return fail(fmt.Errorf("token: it is needed; write a reference such as env:GITLAB_TOKEN"))
	}
	base, err := s.Check(standardBase)
	if err != nil {
		return fail(err)
	}
	rules, config, err := s.Rules(name, s.Group, base)
	if err != nil {
		return fail(err)
	}
	return &collector{source: name, rules: rules, env: env, token: s.Token, base: base, http: source.Guard(env.HTTP, s.Allow, base)}, config, nil
}

// A run is one collection.
type run struct {
	forge.Asker
	*source.Run
	rules *forge.Rules
	host  string

	accounts *source.Stream
	seen     map[int64]bool // accounts that were sealed
	owners   map[int64]bool // of the group
	factors  map[int64]bool // second factor enrolled, of accounts of which that is told
}

// Collect reads the group and its people, then its projects, then each
// project. What cannot be read closes its own streams as incomplete. Memory
// holds one answer and a few bytes for each account, project and merged
// request of one project.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	sr := &source.Run{Source: c.source, Window: w, Sink: sink}
	r := &run{Run: sr, rules: c.rules, host: c.base.Hostname(), seen: map[int64]bool{}, owners: map[int64]bool{}, factors: map[int64]bool{},
		accounts: sr.Snapshot("account", "", cannotPeople, kindAccounts)}
	token, err := c.env.ResolveSecret(ctx, "token", c.token)
	if err == nil && strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		err = fmt.Errorf("%w: token: what %s holds is not a token", audit.ErrInvalid, c.token)
	}
	if err != nil {
		return r.unasked(ctx, err)
	}
	r.Asker = forge.Asker{Run: sr, Client: &rest.Client{HTTP: c.http, Base: c.base, Secrets: []string{token}, Wait: c.wait,
		Authorize: rest.Header("PRIVATE-TOKEN", token)}}
	if err := r.read(ctx); err != nil {
		return fmt.Errorf("source %s: %w", c.source, err)
	}
	return nil
}

// unasked closes the group's streams: nothing could be asked.
func (r *run) unasked(ctx context.Context, cause error) error {
	streams := []*source.Stream{r.accounts, r.Snapshot("membership", "", cannotPeople), r.Snapshot("repository", "", cannotRepository), r.Snapshot("authPolicy", "", cannotPolicy)}
	if err := r.Refuse(ctx, cause.Error(), streams...); err != nil {
		return err
	}
	return fmt.Errorf("source %s: %w", r.Source, cause)
}

func (r *run) read(ctx context.Context) error {
	if err := r.policy(ctx); err != nil {
		return err
	}
	if err := r.people(ctx); err != nil {
		return err
	}
	projects, err := r.projects(ctx)
	if err != nil {
		return err
	}
	for _, p := range projects {
		if err := r.placesIn(ctx, p); err != nil {
			return err
		}
	}
	if err := r.Close(ctx, r.accounts); err != nil {
		return err
	}
	for i, p := range projects {
		if err := r.project(ctx, p); err != nil {
			return fmt.Errorf("%s: %w", p.Path, err)
		}
		r.Progress("projects", i+1, len(projects))
	}
	return nil
}

// project reads what is in one project.
func (r *run) project(ctx context.Context, p project) error {
	for _, read := range []func(context.Context, project) error{r.protection, r.changes, r.deployments, r.findings} {
		if err := read(ctx, p); err != nil {
			return err
		}
	}
	return nil
}
