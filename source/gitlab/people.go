package gitlab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"tieout/source"
	"tieout/source/forge"
	"tieout/source/rest"
)

// A member is what the reading of people needs of a list of members.
type member struct {
	ID     int64  `json:"id"`
	Name   string `json:"username"`
	State  string `json:"state"`
	Level  int    `json:"access_level"`
	Since  string `json:"created_at"`
	Factor *bool  `json:"two_factor_enabled"`
}

const ownerLevel = 50

// accountFacts are what earlier pages of the same collection say of the
// accounts of one page.
type accountFacts struct {
	Owners  []int64 `json:"owners"`  // of the group
	With    []int64 `json:"with"`    // a second factor is enrolled
	Without []int64 `json:"without"` // none is
}

func (r *run) group() string { return "/groups/" + url.PathEscape(r.rules.Owner) }

// policyAnswer is what a group says of how its people sign in.
type policyAnswer struct {
	ID       int64 `json:"id"`
	Required *bool `json:"require_two_factor_authentication"`
}

// policy reads whether the group asks its people for a second factor.
func (r *run) policy(ctx context.Context) error {
	s := r.Snapshot("authPolicy", "", cannotPolicy, kindGroup)
	_, err := r.Read(ctx, r.Run, rest.List{Kind: kindGroup, Ask: rest.Ask{URI: r.At(r.group() + "?with_projects=false")}, Each: func(a rest.Answer) (bool, error) {
		var g policyAnswer
		if json.Unmarshal(a.Body, &g) != nil || g.ID <= 0 {
			return false, errors.New("the answer is not a group")
		}
		if g.Required == nil {
			return false, errors.New("whether it asks for a second factor is not told to this token")
		}
		return true, nil
	}}, s)
	if err != nil {
		return err
	}
	return r.Close(ctx, s)
}

// people reads members of the group, inherited and invited ones too, and of
// every group below it.
func (r *run) people(ctx context.Context) error {
	if err := r.enrolled(ctx); err != nil {
		return err
	}
	if err := r.members(ctx, "", r.group()+"/members/all", true); err != nil {
		return err
	}
	if err := r.history(ctx); err != nil {
		return err
	}
	var below []subgroup
	walked, err := r.Walk(ctx, rest.List{Kind: kindGroups, Ask: rest.Ask{URI: r.At(r.group() + "/descendant_groups?per_page=100")}}, func(list []json.RawMessage) (bool, error) {
		for _, e := range list {
			var g subgroup
			if json.Unmarshal(e, &g) != nil || g.ID <= 0 || !groupPath.MatchString(g.Path) {
				r.accounts.Fail("a group below without an id or a path")
				continue
			}
			below = append(below, g)
		}
		return true, nil
	}, r.accounts)
	if err != nil {
		return err
	}
	walked.Reconcile(r.accounts, "groups below, of those the host counts")
	for _, g := range below {
		if err := r.members(ctx, g.Path, fmt.Sprintf("/groups/%d/members/all", g.ID), false); err != nil {
			return err
		}
	}
	return nil
}

type subgroup struct {
	ID   int64  `json:"id"`
	Path string `json:"full_path"`
}

// enrolled learns which accounts have a second factor: of enterprise users
// where the plan has them, of all where the token is an instance
// administrator's. Members' lists may say it too. A refusal leaves the field
// uncollected.
func (r *run) enrolled(ctx context.Context) error {
	aside := r.Snapshot("account", "", nil) // its faults are judged below
	f, err := r.Walk(ctx, r.factorList("/groups/"+url.PathEscape(r.rules.Owner)+"/enterprise_users?per_page=100"), r.keepFactor, aside)
	if err != nil || f.Whole() {
		return err
	}
	admin, err := r.administrator(ctx)
	if err != nil {
		return err
	}
	if admin {
		if f, err = r.Walk(ctx, r.factorList("/users?per_page=100&order_by=id&sort=asc&pagination=keyset"), r.keepFactor, aside); err != nil || f.Whole() {
			return err
		}
	}
	if f.Refused {
		r.accounts.Note("the second factor is collected only of members whose list says it: " + f.Why)
		return nil
	}
	r.accounts.Fail("accounts with a second factor: " + f.Why)
	return nil
}

func (r *run) factorList(path string) rest.List {
	return rest.List{Kind: kindUsers, Ask: rest.Ask{URI: r.At(path)}}
}

func (r *run) keepFactor(list []json.RawMessage) (bool, error) {
	for _, e := range list {
		var m member
		if json.Unmarshal(e, &m) == nil && m.ID > 0 && m.Factor != nil {
			r.factors[m.ID] = *m.Factor
		}
	}
	return true, nil
}

// administrator reports whether the token is an instance administrator's.
func (r *run) administrator(ctx context.Context) (bool, error) {
	a, err := r.Ask(ctx, "self", "/user")
	if err != nil {
		return false, err
	}
	if err := r.SealAll(ctx, forge.Sheet{Kind: kindSupport}, []forge.Answer{a}); err != nil {
		return false, err
	}
	var self struct {
		Admin bool `json:"is_admin"`
	}
	return a.OK() && json.Unmarshal(a.Bytes(), &self) == nil && self.Admin, nil
}

// members reads one list of members and closes its memberships.
func (r *run) members(ctx context.Context, scope, path string, top bool) error {
	places := r.Snapshot("membership", scope, cannotPeople, kindMembers)
	l := rest.List{Kind: kindMembers, Scope: scope, Ask: rest.Ask{URI: r.At(path + "?per_page=100")}, Asked: "GET " + r.At(path)}
	walked, err := r.Walk(ctx, l, func(list []json.RawMessage) (bool, error) {
		return true, r.take(ctx, list, top)
	}, places, r.accounts)
	if err != nil {
		return err
	}
	walked.Reconcile(places, "members listed, of those the host counts")
	return r.Close(ctx, places)
}

// take seals the accounts of a list that were not sealed before.
func (r *run) take(ctx context.Context, list []json.RawMessage, top bool) error {
	var answers []forge.Answer
	facts := accountFacts{Owners: []int64{}, With: []int64{}, Without: []int64{}}
	for _, e := range list {
		var m member
		if json.Unmarshal(e, &m) != nil || m.ID <= 0 {
			r.accounts.Fail("a member without an id")
			continue
		}
		if top && m.Level >= ownerLevel {
			r.owners[m.ID] = true
		}
		if r.seen[m.ID] {
			continue
		}
		r.seen[m.ID] = true
		answers = append(answers, forge.Element("member", e))
		if r.owners[m.ID] {
			facts.Owners = append(facts.Owners, m.ID)
		}
		switch on, known := r.factors[m.ID]; {
		case known && on:
			facts.With = append(facts.With, m.ID)
		case known:
			facts.Without = append(facts.Without, m.ID)
		}
	}
	if len(answers) == 0 {
		return nil
	}
	return r.SealAll(ctx, forge.Sheet{Kind: kindAccounts, Facts: facts}, answers, r.accounts)
}

// history seals the group's audit events of the window where the plan has
// them: exact instants that stand beside the items, for whoever looks into one.
func (r *run) history(ctx context.Context) error {
	c := r.Covers()
	if c.Empty() {
		return nil
	}
	aside := r.Snapshot("membership", "", nil)
	path := fmt.Sprintf("%s/audit_events?created_after=%s&created_before=%s&per_page=100&pagination=keyset&order_by=id&sort=desc",
		r.group(), stamp(c.From), stamp(c.To))
	f, err := r.Walk(ctx, rest.List{Kind: kindAudit, About: c, Ask: rest.Ask{URI: r.At(path)}}, forge.Onward, aside)
	if err != nil {
		return err
	}
	if !f.Whole() {
		r.accounts.Note("the group's audit events are not kept: " + f.Why)
	}
	return nil
}

// placesIn reads the members of one project: its own, and all where it is
// shared with other groups.
func (r *run) placesIn(ctx context.Context, p project) error {
	path := fmt.Sprintf("/projects/%d/members", p.ID)
	if len(p.Shared) > 0 {
		path += "/all"
	}
	return r.members(ctx, p.Path, path, false)
}

func (a accountFacts) factor(m member) (enrolled, known bool) {
	switch {
	case m.Factor != nil:
		return *m.Factor, true
	case slices.Contains(a.With, m.ID):
		return true, true
	}
	return false, slices.Contains(a.Without, m.ID)
}

var _ source.Collector = (*collector)(nil)
