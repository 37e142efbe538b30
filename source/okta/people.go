package okta

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

// Every user whatever the status: without a filter Okta leaves out those that
// are deactivated.
const allUsers = `/api/v1/users?limit=200&filter=lastUpdated+gt+%221970-01-01T00%3A00%3A00.000Z%22`

// peopleOnPage is how many users share one page with what was asked about them.
const peopleOnPage = 50

// peopleFacts are what the reading of users depends on besides their answers.
type peopleFacts struct {
	SecondFactor map[string]string `json:"secondFactor,omitempty"` // by user: "required" or "not required" to sign in; absent if that cannot be told
}

// A refusal is a kind of answer about single users that the system does not
// give: after the first one nothing more is asked.
type refusal struct{ factors, roles bool }

// people reads groups with their members, which decide what users are held to,
// and then users.
func (r *run) people(ctx context.Context) error {
	accounts := r.Snapshot("account", "", cannotPeople, kindPeople)
	places := r.Snapshot("membership", "", cannotGroups, kindPeople, kindMembers)
	streams := []*source.Stream{accounts, places}
	if r.rules.Person != "" {
		streams = append(streams, r.Snapshot("link", "", cannotPeople, kindPeople))
	}
	if err := r.groups(ctx, places); err != nil {
		return err
	}
	var no refusal
	each := func(users []json.RawMessage) error {
		for some := range slices.Chunk(users, peopleOnPage) {
			if err := r.some(ctx, some, &no, streams); err != nil {
				return err
			}
		}
		r.Progress("account", len(r.listed), 0)
		return nil
	}
	f, err := r.list(ctx, r.client(scopeUsers), rest.List{Kind: kindUsers}, allUsers, each, streams...)
	if err != nil {
		return err
	}
	if f.Whole() && len(r.listed) == 0 {
		accounts.Fail("the list of users names nobody, not even who asks")
	}
	if f.Whole() && len(r.placed) > 0 {
		r.reconcile(accounts)
	}
	return r.Close(ctx, streams...)
}

// reconcile holds the list of users to the members of groups: everybody is in one.
func (r *run) reconcile(accounts *source.Stream) {
	known := 0
	for id := range r.placed {
		if r.listed[id] {
			known++
		}
	}
	accounts.Reconcile("members of groups that are on the list of users", len(r.placed), known)
}

// some seals users with what is asked about each of them.
func (r *run) some(ctx context.Context, users []json.RawMessage, no *refusal, streams []*source.Stream) error {
	facts := peopleFacts{SecondFactor: map[string]string{}}
	var sheet rest.Sheet
	for _, e := range users {
		var u user
		if json.Unmarshal(e, &u) != nil || u.ID == "" {
			streams[0].Fail("a user without an id is on the list")
			continue
		}
		if r.listed[u.ID] { // moved to another page while the list was read
			continue
		}
		r.listed[u.ID] = true
		sheet.AddElement(partUser+u.ID, e)
		if u.Status == "DEPROVISIONED" {
			continue // Okta tells nothing about these
		}
		if told := r.sign.of(u.ID); told != "" {
			facts.SecondFactor[u.ID] = told
		}
		if err := r.about(ctx, &sheet, u, no, streams); err != nil {
			return err
		}
	}
	whole := rest.NewSheet(facts)
	whole.Answers = sheet.Answers
	p := audit.Page{Kind: kindPeople, Query: "GET /api/v1/users/{id}/factors, /api/v1/users/{id}/roles", Body: whole.Encode()}
	return r.Seal(ctx, p, streams...)
}

// about asks for one user's factors and roles.
func (r *run) about(ctx context.Context, sheet *rest.Sheet, u user, no *refusal, streams []*source.Stream) error {
	accounts, places := streams[0], streams[1]
	for _, q := range []struct {
		part, path string
		client     *rest.Client
		refused    *bool
		stream     *source.Stream
		what       string
	}{
		{partFactors, "/factors", r.client(scopeUsers), &no.factors, nil, "factors"},
		{partRoles, "/roles", r.client(scopeRoles), &no.roles, places, "administrator roles"},
	} {
		if *q.refused {
			continue
		}
		a, err := q.client.Get(ctx, "/api/v1/users/"+url.PathEscape(u.ID)+q.path)
		if err != nil {
			return err
		}
		sheet.Add(q.part+u.ID, a)
		accounts.Asked("GET /api/v1/users/{id}" + q.path)
		*q.refused = withheld(a) && a.Status != 404 // a single user may have been deleted meanwhile
		r.weigh(a, q.what, accounts, q.stream)
	}
	return nil
}

// weigh says what an answer that did not come means: a refusal leaves a field
// of the account uncollected, anything else makes the stream incomplete. also
// is a stream of which the answer was to give items.
func (r *run) weigh(a rest.Answer, what string, accounts, also *source.Stream) {
	if a.OK() {
		return
	}
	if withheld(a) {
		accounts.Note(what + " are not collected: " + a.Fault())
	} else {
		accounts.Fail(what + ": " + a.Fault())
	}
	if also != nil {
		also.Fail(what + ": " + a.Fault())
	}
}

// withheld reports that the system does not give what was asked for: it is not
// allowed, or there is no token for it because it was not granted.
func withheld(a rest.Answer) bool { return a.Refused() || strings.HasPrefix(a.Problem, "no token:") }

// A group as it is listed.
type group struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Profile struct {
		Name string `json:"name"`
	} `json:"profile"`
}

// groupFacts say whose members a page lists.
type groupFacts struct {
	Group string `json:"group"`
	Name  string `json:"name"`
}

// groups reads every group's members.
func (r *run) groups(ctx context.Context, places *source.Stream) error {
	each := func(groups []json.RawMessage) error {
		for _, e := range groups {
			var g group
			if json.Unmarshal(e, &g) != nil || g.ID == "" || g.Profile.Name == "" {
				places.Fail("a group without an id or a name is on the list")
				continue
			}
			if err := r.members(ctx, g, places); err != nil {
				return err
			}
		}
		return nil
	}
	_, err := r.list(ctx, r.client(scopeGroups), rest.List{Kind: kindGroups}, "/api/v1/groups?limit=200", each, places)
	return err
}

// members reads one group's members. Those of a group that a sign-on policy
// names are kept: they decide whom it is for.
func (r *run) members(ctx context.Context, g group, places *source.Stream) error {
	ids := map[string]bool{}
	_, named := r.sign.groups[g.ID]
	each := func(members []json.RawMessage) error {
		for _, e := range members {
			var u user
			if json.Unmarshal(e, &u) != nil || u.ID == "" {
				continue
			}
			if named {
				ids[u.ID] = true
			}
			if !u.Created.IsZero() && u.Created.Before(r.Window.AsOf) {
				r.placed[u.ID] = true
			}
		}
		return nil
	}
	one := r.Snapshot("membership", "", nil)
	l := rest.List{Kind: kindMembers, Facts: groupFacts{Group: g.ID, Name: g.Profile.Name}, Asked: "GET /api/v1/groups/{id}/users?limit=200"}
	f, err := r.list(ctx, r.client(scopeGroups), l, "/api/v1/groups/"+url.PathEscape(g.ID)+"/users?limit=200", each, one)
	if err != nil {
		return err
	}
	places.Asked(l.Asked)
	places.Pages += one.Pages
	switch {
	case !f.Whole():
		places.Fail(fmt.Sprintf("members of %s: %s", g.Profile.Name, f.Why))
	case named:
		r.sign.groups[g.ID] = ids
	}
	return nil
}
