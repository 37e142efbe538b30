package github

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
)

// people reads members, outside collaborators and teams.
func (r *run) people(ctx context.Context) error {
	accounts := r.snapshot("account", "", cannotPeople, kindMembers, kindCollaborators)
	places := r.snapshot("membership", "", cannotPeople, kindMembers, kindCollaborators, kindTeam)
	if err := r.auditLog(ctx, places); err != nil {
		return err
	}
	if err := r.members(ctx, accounts, places); err != nil {
		return err
	}
	if err := r.collaborators(ctx, accounts, places); err != nil {
		return err
	}
	if err := r.teams(ctx, places); err != nil {
		return err
	}
	if err := r.close(ctx, accounts); err != nil {
		return err
	}
	return r.close(ctx, places)
}

func (r *run) org() string { return "/orgs/" + url.PathEscape(r.rules.Organization) }

func (r *run) members(ctx context.Context, accounts, places *stream) error {
	both := []*stream{accounts, places}
	f, owner, err := r.factor(ctx, accounts, r.org()+"/members?filter=2fa_disabled&per_page=100")
	if err != nil {
		return err
	}
	if !owner {
		if r.stranger, err = r.outsider(ctx); err != nil {
			return err
		}
		accounts.fail(r.stranger)
		places.fail(r.stranger)
	}
	for _, role := range []string{"admin", "member"} {
		f.Role, f.Granted = role, r.log.members(role)
		sh := sheet{kind: kindMembers, about: r.now, facts: f}
		fault, err := r.list(ctx, sh, r.org()+"/members?role="+role+"&per_page=100", both, all)
		if err != nil {
			return err
		}
		failBoth(both, "members with role "+role, fault)
	}
	return nil
}

func failBoth(streams []*stream, what string, f fault) {
	for _, s := range streams {
		if f.why != "" {
			s.fail(what + ": " + f.why)
		}
	}
}

// all goes on to the end of a list.
func all([]json.RawMessage) (bool, error) { return true, nil }

// outsider says why lists may not be whole, or "": whoever is not a member of
// the organization is shown only the members who show themselves, and public
// repositories.
func (r *run) outsider(ctx context.Context) (string, error) {
	const why = "what is not public is shown to members only, and "
	if r.app != nil {
		return "", nil // it is installed in the organization
	}
	if r.client.token == "" {
		return why + "there is no token", nil
	}
	a, err := r.client.ask(ctx, "self", r.client.at("/user/memberships"+r.org()), false)
	if err != nil {
		return "", err
	}
	if err := r.seal(ctx, sheet{kind: kindOrganization, about: r.now}, nil, a); err != nil {
		return "", err
	}
	var m struct {
		State string `json:"state"`
	}
	if a.ok() && json.Unmarshal(a.bytes(), &m) == nil && m.State == "active" {
		return "", nil
	}
	return why + "the token is not known to be one's: " + a.fault(), nil
}

// factor asks for the accounts without a second factor. Only owners may, so
// that an answer shows the token to be an owner's. A refusal leaves the field
// uncollected and is noted; a failure makes the stream incomplete.
func (r *run) factor(ctx context.Context, accounts *stream, path string) (f facts, owner bool, err error) {
	f.FactorKnown = true
	bad, err := r.list(ctx, sheet{kind: kindFactor, about: r.now}, path, []*stream{accounts}, func(elements []json.RawMessage) (bool, error) {
		owner = true
		for _, e := range elements {
			var u user
			if json.Unmarshal(e, &u) != nil || u.ID <= 0 {
				f.FactorKnown = false
				continue
			}
			f.WithoutFactor = append(f.WithoutFactor, u.ID)
		}
		return true, nil
	})
	switch {
	case err != nil:
		return f, false, err
	case bad.refused:
		f.FactorKnown = false
		accounts.note("the second factor is not collected: " + bad.why)
		return f, false, nil
	case bad.why != "" || !f.FactorKnown:
		f.FactorKnown = false
		accounts.fail("accounts without a second factor: " + cmp.Or(bad.why, "one has no id"))
	}
	return f, owner, nil
}

func (r *run) collaborators(ctx context.Context, accounts, places *stream) error {
	f, _, err := r.factor(ctx, accounts, r.org()+"/outside_collaborators?filter=2fa_disabled&per_page=100")
	if err != nil {
		return err
	}
	both := []*stream{accounts, places}
	fault, err := r.list(ctx, sheet{kind: kindCollaborators, about: r.now, facts: f}, r.org()+"/outside_collaborators?per_page=100", both, all)
	if err != nil {
		return err
	}
	failBoth(both, "outside collaborators", fault)
	return nil
}

func (r *run) teams(ctx context.Context, places *stream) error {
	one := []*stream{places}
	bad := 0
	fault, err := r.list(ctx, sheet{kind: kindTeams, about: r.now}, r.org()+"/teams?per_page=100", one, func(elements []json.RawMessage) (bool, error) {
		for _, e := range elements {
			var t teamRef
			if json.Unmarshal(e, &t) != nil || t.ID <= 0 || t.Slug == "" {
				bad++
				continue
			}
			if err := r.team(ctx, t, one); err != nil {
				return false, err
			}
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	failBoth(one, "teams", fault)
	if bad > 0 {
		places.fail(fmt.Sprintf("teams: %d without an id or a slug", bad))
	}
	return nil
}

func (r *run) team(ctx context.Context, t teamRef, one []*stream) error {
	for _, role := range []string{"maintainer", "member"} {
		sh := sheet{kind: kindTeam, about: r.now, facts: facts{Role: role, Team: &t, Granted: r.log.team(t.Slug)}, asked: r.org() + "/teams/{team}/members?role=" + role}
		path := fmt.Sprintf("%s/teams/%s/members?role=%s&per_page=100", r.org(), url.PathEscape(t.Slug), role)
		fault, err := r.list(ctx, sh, path, one, all)
		if err != nil {
			return err
		}
		failBoth(one, "team "+t.Slug, fault)
	}
	return nil
}
