package okta

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"slices"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

// Types of policy, as Okta names them. Each is a scope of its own.
const (
	typePassword = "PASSWORD"
	typeSignOn   = "OKTA_SIGN_ON"
	typeEnroll   = "MFA_ENROLL"
	typeAccess   = "ACCESS_POLICY"
)

// A policy as it is listed.
type policy struct {
	ID         string `json:"id"`
	Type       string `json:"type"`
	Name       string `json:"name"`
	Status     string `json:"status"`
	Priority   int    `json:"priority"`
	System     bool   `json:"system"`
	Conditions struct {
		People people `json:"people"`
	} `json:"conditions"`
	Settings struct {
		Password *passwordSettings `json:"password"`
	} `json:"settings"`
}

// people are whom a policy or rule is for.
type people struct {
	Groups who `json:"groups"`
	Users  who `json:"users"`
}

type who struct {
	Include []string `json:"include"`
	Exclude []string `json:"exclude"`
}

// everyone reports whether a policy is for all accounts; known is false where
// that cannot be told.
func (p *policy) everyone(group string) (yes, known bool) {
	if len(p.Conditions.People.Groups.Exclude)+len(p.Conditions.People.Users.Exclude) > 0 {
		return false, true
	}
	if p.System || group != "" && slices.Contains(p.Conditions.People.Groups.Include, group) {
		return true, true
	}
	return false, group != ""
}

// A policyRule is one rule of a policy.
type policyRule struct {
	Status     string                     `json:"status"`
	Priority   int                        `json:"priority"`
	System     bool                       `json:"system"`
	Conditions map[string]json.RawMessage `json:"conditions"`
	Actions    struct {
		SignOn    *signOnAction `json:"signon"`
		AppSignOn *appAction    `json:"appSignOn"`
	} `json:"actions"`
}

type signOnAction struct {
	Access        string `json:"access"`
	RequireFactor *bool  `json:"requireFactor"`
	Session       struct {
		Idle *int64 `json:"maxSessionIdleMinutes"`
		Life *int64 `json:"maxSessionLifetimeMinutes"`
	} `json:"session"`
}

type appAction struct {
	Access string `json:"access"`
	Method struct {
		Mode string `json:"factorMode"`
	} `json:"verificationMethod"`
}

// policyFacts are what the reading of one policy depends on besides.
type policyFacts struct {
	Everyone string `json:"everyone,omitempty"` // id of the group that all accounts are in
	First    bool   `json:"first"`              // no active policy of its type comes before it
}

// policies reads the policies of every type.
func (r *run) policies(ctx context.Context) error {
	classic, err := r.organization(ctx)
	if err != nil {
		return err
	}
	if err := r.findEveryone(ctx); err != nil {
		return err
	}
	r.sign.classic, r.sign.apps, r.sign.groups = classic, map[string]bool{}, map[string]map[string]bool{}
	for _, typ := range []string{typePassword, typeSignOn, typeEnroll, typeAccess} {
		if typ == typeAccess && classic {
			continue // these organizations have none
		}
		if err := r.policiesOf(ctx, typ); err != nil {
			return err
		}
	}
	return nil
}

// organization finds which of its two engines an organization runs on.
func (r *run) organization(ctx context.Context) (classic bool, err error) {
	l := rest.List{Kind: kindOrganization, Ask: rest.Ask{URI: r.client(scopePolicies).At("/.well-known/okta-organization")}}
	l.Each = func(a rest.Answer) (bool, error) {
		var o struct{ Pipeline string }
		err := json.Unmarshal(a.Body, &o)
		classic = o.Pipeline == "v1"
		return true, err
	}
	_, err = r.client(scopePolicies).Read(ctx, r.Run, l)
	return classic, err
}

// findEveryone finds the group that all accounts are in.
func (r *run) findEveryone(ctx context.Context) error {
	each := func(groups []json.RawMessage) error {
		for _, e := range groups {
			var g group
			if json.Unmarshal(e, &g) == nil && g.Type == "BUILT_IN" && g.Profile.Name == "Everyone" {
				r.sign.everyone = g.ID
			}
		}
		return nil
	}
	_, err := r.list(ctx, r.client(scopeGroups), rest.List{Kind: kindGroups}, `/api/v1/groups?limit=200&filter=type+eq+%22BUILT_IN%22`, each)
	return err
}

func (r *run) policiesOf(ctx context.Context, typ string) error {
	s := r.Snapshot("authPolicy", typ, cannotPolicies, kindPolicy)
	var list []json.RawMessage
	each := func(policies []json.RawMessage) error { list = append(list, policies...); return nil }
	if _, err := r.list(ctx, r.client(scopePolicies), rest.List{Kind: kindPolicies, Scope: typ}, "/api/v1/policies?type="+typ, each, s); err != nil {
		return err
	}
	read := make([]ruled, 0, len(list))
	for _, e := range list {
		var p ruled
		if json.Unmarshal(e, &p.policy) != nil || p.ID == "" {
			s.Fail("a policy without an id is on the list")
			continue
		}
		p.element = e
		read = append(read, p)
	}
	slices.SortStableFunc(read, func(a, b ruled) int { return cmp.Compare(a.Priority, b.Priority) })
	first := true
	for i := range read {
		if err := r.policy(ctx, &read[i], first, s); err != nil {
			return err
		}
		first = first && read[i].Status != "ACTIVE"
	}
	r.sign.take(typ, read, !s.Failed())
	return r.Close(ctx, s)
}

// policy reads one policy's rules.
func (r *run) policy(ctx context.Context, p *ruled, first bool, s *source.Stream) error {
	sheet := rest.NewSheet(policyFacts{Everyone: r.sign.everyone, First: first})
	sheet.AddElement(partPolicy, p.element)
	a, err := r.client(scopePolicies).Get(ctx, "/api/v1/policies/"+url.PathEscape(p.ID)+"/rules")
	if err != nil {
		return err
	}
	s.Asked("GET /api/v1/policies/{id}/rules")
	sheet.Add(partRules, a)
	if err := r.Seal(ctx, audit.Page{Kind: kindPolicy, Scope: s.Scope, Query: a.Query, Body: sheet.Encode()}, s); err != nil {
		return err
	}
	p.known = a.OK() && json.Unmarshal(a.Body, &p.rules) == nil
	switch {
	case !a.OK():
		s.Fail("rules of " + p.Name + ": " + a.Fault())
	case !p.known:
		s.Fail("rules of " + p.Name + ": the answer is not a list of rules")
	}
	return nil
}
