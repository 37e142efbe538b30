package gitea

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"time"

	"tieout/source"
	"tieout/source/forge"
	"tieout/source/rest"
)

// A user is an account as answers name it.
type user struct {
	ID        int64  `json:"id"`
	Login     string `json:"login"`
	Email     string `json:"email"`
	Active    *bool  `json:"active"`
	Prohibit  *bool  `json:"prohibit_login"`
	Created   string `json:"created"`
	LastLogin string `json:"last_login"`
}

// Ids at and below 0 stand for deleted accounts and the server itself.
func (u *user) known() bool { return u != nil && u.ID > 0 && u.Login != "" }

// A team is one team of the organization.
type team struct {
	ID         int64  `json:"id"`
	Name       string `json:"name"`
	Permission string `json:"permission"`
}

// peopleFacts are what one page of accounts is, and what earlier pages of the
// same collection say of them.
type peopleFacts struct {
	Team       *team   `json:"team,omitempty"`
	Repository string  `json:"repository,omitempty"` // whose collaborators they are
	New        []int64 `json:"new"`                  // not shown before
	Owners     []int64 `json:"owners"`               // of the organization
	Told       bool    `json:"told"`                 // whether they can sign in is told
}

func (r *run) org() string { return "/orgs/" + url.PathEscape(r.rules.Owner) }

// people reads teams, owners first, and the organization's members.
func (r *run) people(ctx context.Context) error {
	places := r.Snapshot("membership", "", cannotPeople, kindPeople)
	both := []*source.Stream{r.accounts, places}
	if err := r.self(ctx, both); err != nil {
		return err
	}
	teams, err := r.teams(ctx, both)
	if err != nil {
		return err
	}
	for _, t := range teams {
		if err := r.list(ctx, fmt.Sprintf("/teams/%d/members", t.ID), "", peopleFacts{Team: &t}, both); err != nil {
			return err
		}
	}
	if err := r.list(ctx, r.org()+"/members", "", peopleFacts{}, both); err != nil {
		return err
	}
	return r.Close(ctx, places)
}

// self learns whose token it is: whoever is not in the organization is shown
// public members only.
func (r *run) self(ctx context.Context, both []*source.Stream) error {
	a, err := r.Ask(ctx, "self", "/user")
	if err != nil {
		return err
	}
	if err := r.SealAll(ctx, forge.Sheet{Kind: kindSupport}, []forge.Answer{a}, both...); err != nil {
		return err
	}
	var me struct {
		Login string `json:"login"`
		Admin bool   `json:"is_admin"`
	}
	if a.OK() && json.Unmarshal(a.Bytes(), &me) == nil && me.Admin {
		r.told = true
		return nil
	}
	r.accounts.Note("whether accounts can sign in and when they last did is told to site administrators only")
	why := "the token's account: " + cmp.Or(a.Fault(), "it is not understood")
	if me.Login != "" {
		place, err := r.Ask(ctx, "place", r.org()+"/members/"+url.PathEscape(me.Login))
		if err != nil {
			return err
		}
		if err := r.SealAll(ctx, forge.Sheet{Kind: kindSupport}, []forge.Answer{place}, both...); err != nil {
			return err
		}
		if why = "the token's place in the organization: " + place.Fault(); place.OK() {
			return nil
		}
	}
	for _, s := range both {
		s.Fail("what is not public is shown to members only, and the token is not known to be one's: " + why)
	}
	return nil
}

func (r *run) teams(ctx context.Context, both []*source.Stream) ([]team, error) {
	var out []team
	l := rest.List{Kind: kindList, Ask: rest.Ask{URI: r.paged(r.org() + "/teams")}}
	walked, err := r.Walk(ctx, l, func(list []json.RawMessage) (bool, error) {
		for _, e := range list {
			var t team
			if json.Unmarshal(e, &t) != nil || t.ID <= 0 || t.Name == "" {
				both[1].Fail("a team without an id or a name")
				continue
			}
			out = append(out, t)
		}
		return true, nil
	}, both...)
	walked.Reconcile(both[1], "teams listed, of those the host counts")
	slices.SortStableFunc(out, func(a, b team) int { return cmp.Compare(b2i(b.Permission == "owner"), b2i(a.Permission == "owner")) })
	return out, err
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (r *run) paged(path string) string { return r.At(fmt.Sprintf("%s?limit=%d", path, perPage)) }

// list reads one list of accounts and seals each page again with what it is.
func (r *run) list(ctx context.Context, path, scope string, facts peopleFacts, streams []*source.Stream) error {
	facts.Told = r.told
	walked, err := r.Walk(ctx, rest.List{Kind: kindList, Scope: scope, Ask: rest.Ask{URI: r.paged(path)}}, func(list []json.RawMessage) (bool, error) {
		return true, r.take(ctx, list, scope, facts, streams)
	}, streams...)
	if err != nil {
		return err
	}
	walked.Reconcile(streams[len(streams)-1], "accounts of "+path+", of those the host counts")
	return nil
}

func (r *run) take(ctx context.Context, list []json.RawMessage, scope string, facts peopleFacts, streams []*source.Stream) error {
	facts.New, facts.Owners = []int64{}, []int64{}
	var answers, fresh []forge.Answer
	for _, e := range list {
		var u user
		if json.Unmarshal(e, &u) != nil || !u.known() {
			r.accounts.Fail("an account without an id or a login")
			continue
		}
		if facts.Team != nil && facts.Team.Permission == "owner" {
			r.owners[u.ID] = true
		}
		if r.owners[u.ID] {
			facts.Owners = append(facts.Owners, u.ID)
		}
		if !r.seen[u.ID] {
			r.seen[u.ID] = true
			facts.New = append(facts.New, u.ID)
			fresh = append(fresh, forge.Element("member", e))
		}
		answers = append(answers, forge.Element("member", e))
	}
	if len(answers) == 0 {
		return nil
	}
	if scope == "" {
		return r.SealAll(ctx, forge.Sheet{Kind: kindPeople, Facts: facts}, answers, streams...)
	}
	places := facts
	places.New = []int64{}
	if err := r.SealAll(ctx, forge.Sheet{Kind: kindPeople, Scope: scope, Facts: places}, answers, streams...); err != nil || len(fresh) == 0 {
		return err
	}
	// An account is the organization's, whichever repository showed it.
	return r.SealAll(ctx, forge.Sheet{Kind: kindPeople, Facts: peopleFacts{New: facts.New, Owners: facts.Owners, Told: facts.Told, Repository: "-"}}, fresh, r.accounts)
}

// collaborators reads who was let into one repository besides teams.
func (r *run) collaborators(ctx context.Context, p repo) error {
	places := r.Snapshot("membership", p.Name, cannotPeople, kindPeople)
	if err := r.list(ctx, p.at()+"/collaborators", p.Name, peopleFacts{Repository: p.Name}, []*source.Stream{r.accounts, places}); err != nil {
		return err
	}
	return r.Close(ctx, places)
}

// A repo is what the reading of one repository needs of the list.
type repo struct {
	ID     int64  `json:"id"`
	Name   string `json:"full_name"`
	Branch string `json:"default_branch"`
	Empty  bool   `json:"empty"`
}

func (p repo) at() string { return "/repos/" + p.Name }

// none: it has no branch yet.
func (p repo) none() bool { return p.Empty || p.Branch == "" }

// repositories lists the organization's repositories, selected or not, and
// returns the selected ones.
func (r *run) repositories(ctx context.Context) ([]repo, error) {
	s := r.Snapshot("repository", "", cannotRepository, kindRepositories)
	var out []repo
	seen := map[string]bool{}
	walked, err := r.Walk(ctx, rest.List{Kind: kindRepositories, Ask: rest.Ask{URI: r.paged(r.org() + "/repos")}}, func(list []json.RawMessage) (bool, error) {
		for _, e := range list {
			var p repo
			if json.Unmarshal(e, &p) != nil || !forge.FullName(p.Name) {
				continue // the page does not normalize either, which makes the stream incomplete
			}
			if !seen[p.Name] && r.rules.Selected(p.Name) {
				out = append(out, p)
			}
			seen[p.Name] = true
		}
		return true, nil
	}, s)
	if err != nil {
		return nil, err
	}
	walked.Reconcile(s, "repositories listed, of those the host counts")
	s.Items = len(out)
	return out, r.Close(ctx, s)
}

type branchFacts struct {
	Branch string `json:"branch"`
}

// protection reads the default branch, which names the rule in force on it, and
// the rules.
func (r *run) protection(ctx context.Context, p repo) error {
	s := r.Snapshot("protection", p.Name, cannotProtection, kindProtection)
	s.Asked("GET " + r.At(p.at()+"/branches/"+url.PathEscape(p.Branch)))
	if p.none() {
		s.Note("the repository has no branch yet")
		return r.Close(ctx, s)
	}
	branch, err := r.Ask(ctx, "branch", p.at()+"/branches/"+url.PathEscape(p.Branch))
	if err != nil {
		return err
	}
	rules, err := r.Ask(ctx, "rules", p.at()+"/branch_protections")
	if err != nil {
		return err
	}
	s.Asked(rules.Request)
	sh := forge.Sheet{Kind: kindProtection, Scope: p.Name, Facts: branchFacts{p.Branch}}
	if err := r.SealAll(ctx, sh, []forge.Answer{branch, rules}, s); err != nil {
		return err
	}
	for _, a := range []forge.Answer{branch, rules} {
		if !a.OK() {
			s.Fail(a.Part + ": " + a.Fault())
		}
	}
	return r.Close(ctx, s)
}

// startMargin: a commit may be a little older than the merge that made it.
const startMargin = time.Hour

const errWindow = "the window ends before it starts"
