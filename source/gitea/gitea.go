// Package gitea is the source that reads one organization of Gitea or Forgejo:
// who is in it, what protects its repositories, and every change that reached
// their default branches. It asks the REST interface (version 1) and only reads.
package gitea

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/forge"
	"tieout/source/rest"
)

// Driver is the gitea source. docs/sources/gitea.md describes its settings and pages.
var Driver = &source.Driver{
	Name:    "gitea",
	Version: 1,
	Title:   "Gitea or Forgejo organization",
	Types:   []string{"account", "membership", "repository", "protection", "change", "check"},
	Scopes: []source.Scope{
		{Name: "token with read:organization, read:repository, read:issue, read:user", Why: "members, teams, repositories, merged requests with reviews and statuses"},
		{Name: "administrator of the repositories", Why: "rules of protected branches and collaborators; without it both are not collected"},
		{Name: "site administrator", Why: "whether accounts can sign in and when they last did; without it both stay unknown"},
	},
	Cannot: slices.Concat(cannotPeople, cannotRepository, cannotProtection, cannotChange, cannotCheck),
	Settings: append([]source.Setting{
		{Name: "organization", Doc: "name of the organization", Example: "halyard", Required: true},
		{Name: "baseURL", Doc: "address of the interface", Example: "https://git.example.com/api/v1", Required: true},
	}, forge.Common("GITEA_TOKEN")...),
	Open:      open,
	Normalize: normalize,
}

// What each stream cannot show, in words.
var (
	cannotPeople = []string{
		"an account that a program or several people use looks like a person's",
		"the second factor: the interface does not tell it",
		"site administrators who are not in the organization",
		"a list that changes while it is read may leave out one that moved",
	}
	cannotRepository = []string{"a repository that the token may not see is not in the list", "scanners, which are jobs and not settings"}
	cannotProtection = []string{"who used a right to go around the rules, and what the rules were between two observations"}
	cannotChange     = []string{
		"a commit that was put on the branch without a request has its committer's own time: a wrong clock may move it out of the window",
		"history that was overwritten by a forced push is not there to be read",
		"a review that was dismissed counts for nothing, also where it was dismissed after the merge",
		"which checks were required at the instant of the merge",
	}
	cannotCheck = []string{"only statuses of the last commit of merged requests are read"}
)

// Settings is the `with:` of a gitea connection.
type Settings struct {
	Organization string `json:"organization"`
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

var organizationName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$`)

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	fail := func(err error) (source.Collector, json.RawMessage, error) {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	var s Settings
	if err := source.Strict(with, &s); err != nil {
		return fail(err)
	}
	switch {
	case !organizationName.MatchString(s.Organization):
		return fail(fmt.Errorf("organization: %q is not the name of one", s.Organization))
	case s.Token == "":
		return fail(errors.New("token: it is needed; write a reference such as env:GITEA_TOKEN"))
	}
	base, err := s.Check("")
	if err != nil {
		return fail(err)
	}
	rules, config, err := s.Rules(name, s.Organization, base)
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

	accounts *source.Stream
	seen     map[int64]bool // accounts that were sealed
	owners   map[int64]bool // of the organization
	told     bool           // the token is a site administrator's: it is told whether accounts can sign in
}

// Collect reads people, then repositories, then each repository. What cannot
// be read closes its own streams as incomplete. Memory holds one answer and a
// few bytes for each account, repository and merged request of one repository.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	sr := &source.Run{Source: c.source, Window: w, Sink: sink}
	r := &run{Run: sr, rules: c.rules, seen: map[int64]bool{}, owners: map[int64]bool{}, accounts: sr.Snapshot("account", "", cannotPeople, kindPeople)}
	token, err := c.env.ResolveSecret(ctx, "token", c.token)
	if err == nil && strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		err = fmt.Errorf("%w: token: what %s holds is not a token", audit.ErrInvalid, c.token)
	}
	if err != nil {
		return r.unasked(ctx, err)
	}
	r.Asker = forge.Asker{Run: sr, Next: nextPage, Client: &rest.Client{HTTP: c.http, Base: c.base, Secrets: []string{token}, Wait: c.wait,
		Authorize: rest.Header("Authorization", "token "+token)}}
	if err := r.read(ctx); err != nil {
		return fmt.Errorf("source %s: %w", c.source, err)
	}
	return nil
}

// unasked closes the organization's streams: nothing could be asked.
func (r *run) unasked(ctx context.Context, cause error) error {
	streams := []*source.Stream{r.accounts, r.Snapshot("membership", "", cannotPeople), r.Snapshot("repository", "", cannotRepository)}
	if err := r.Refuse(ctx, cause.Error(), streams...); err != nil {
		return err
	}
	return fmt.Errorf("source %s: %w", r.Source, cause)
}

func (r *run) read(ctx context.Context) error {
	if err := r.people(ctx); err != nil {
		return err
	}
	repos, err := r.repositories(ctx)
	if err != nil {
		return err
	}
	for _, p := range repos {
		if err := r.collaborators(ctx, p); err != nil {
			return err
		}
	}
	if err := r.Close(ctx, r.accounts); err != nil {
		return err
	}
	for i, p := range repos {
		if err := r.protection(ctx, p); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		if err := r.changes(ctx, p); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		r.Progress("repositories", i+1, len(repos))
	}
	return nil
}

// perPage is how many elements a page has where the server allows as many.
const perPage = 50

// nextPage asks for the page after a: where the Link header names one, or the
// number of all elements says that there is one. Only the page's number is
// taken from the header, which names the address people use, not this one.
func nextPage(a rest.Answer) (*rest.Ask, error) {
	u, err := url.ParseRequestURI(strings.TrimPrefix(a.Query, "GET "))
	if err != nil {
		return nil, errors.New("the address cannot be read")
	}
	q := u.Query()
	page := 1
	if n, err := strconv.Atoi(q.Get("page")); err == nil {
		page = n
	}
	if !more(a.Header, page) {
		return nil, nil
	}
	q.Set("page", strconv.Itoa(page+1))
	u.RawQuery = q.Encode()
	return &rest.Ask{URI: u.RequestURI()}, nil
}

func more(h http.Header, page int) bool {
	for _, header := range h.Values("Link") {
		if rest.Links(header)["next"] != "" {
			return true
		}
	}
	n, err := strconv.Atoi(h.Get("X-Total-Count"))
	return err == nil && page*perPage < n
}
