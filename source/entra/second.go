package entra

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"tieout/source/rest"
)

// A policy of conditional access.
type policy struct {
	ID            string     `json:"id"`
	DisplayName   string     `json:"displayName"`
	State         string     `json:"state"` // enabled, disabled, enabledForReportingButNotEnforced
	Conditions    conditions `json:"conditions"`
	GrantControls *struct {
		Operator        string   `json:"operator"`
		BuiltInControls []string `json:"builtInControls"`
		CustomFactors   []string `json:"customAuthenticationFactors"`
		TermsOfUse      []string `json:"termsOfUse"`
		Strength        *struct {
			Satisfies string `json:"requirementsSatisfied"`
		} `json:"authenticationStrength"`
	} `json:"grantControls"`
	SessionControls *struct {
		SignInFrequency *struct {
			IsEnabled bool   `json:"isEnabled"`
			Type      string `json:"type"`
			Value     *int64 `json:"value"`
			Interval  string `json:"frequencyInterval"`
		} `json:"signInFrequency"`
	} `json:"sessionControls"`
}

// conditions are when a policy applies: to whom, to what, and under which
// further conditions, of which there are more each year.
type conditions struct {
	Users   whom
	Include []string // applications
	Exclude []string
	Further bool // it names any condition besides
}

func (c *conditions) UnmarshalJSON(b []byte) error {
	var named struct {
		ClientAppTypes []string `json:"clientAppTypes"`
		Applications   struct {
			Include []string        `json:"includeApplications"`
			Exclude []string        `json:"excludeApplications"`
			Filter  json.RawMessage `json:"applicationFilter"`
		} `json:"applications"`
		Users whom `json:"users"`
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(b, &named); err != nil {
		return err
	}
	if err := json.Unmarshal(b, &all); err != nil {
		return err
	}
	c.Users, c.Include, c.Exclude = named.Users, named.Applications.Include, named.Applications.Exclude
	c.Further = given(named.Applications.Filter) || !slices.Equal(named.ClientAppTypes, []string{"all"})
	for name, v := range all {
		if name != "clientAppTypes" && name != "applications" && name != "users" && given(v) && string(v) != "[]" {
			c.Further = true
		}
	}
	return nil
}

type whom struct {
	IncludeUsers  []string        `json:"includeUsers"`
	ExcludeUsers  []string        `json:"excludeUsers"`
	IncludeGroups []string        `json:"includeGroups"`
	ExcludeGroups []string        `json:"excludeGroups"`
	IncludeRoles  []string        `json:"includeRoles"`
	ExcludeRoles  []string        `json:"excludeRoles"`
	IncludeGuests json.RawMessage `json:"includeGuestsOrExternalUsers"`
	ExcludeGuests json.RawMessage `json:"excludeGuestsOrExternalUsers"`
}

func given(v json.RawMessage) bool { return len(v) > 0 && string(v) != "null" }

// asksForFactor reports whether whoever the policy lets in gives a second
// factor: it is asked for alone, or with all that is asked for besides.
func (p *policy) asksForFactor() bool {
	g := p.GrantControls
	if g == nil {
		return false
	}
	if slices.Contains(g.BuiltInControls, "block") {
		return false
	}
	controls := len(g.BuiltInControls) + len(g.CustomFactors) + len(g.TermsOfUse)
	asks := slices.Contains(g.BuiltInControls, "mfa")
	if g.Strength != nil {
		controls, asks = controls+1, asks || g.Strength.Satisfies == "mfa"
	}
	return asks && (controls == 1 || g.Operator == "AND")
}

// mentionsFactor reports whether a second factor is among what it asks for.
func (p *policy) mentionsFactor() bool {
	g := p.GrantControls
	return g != nil && (slices.Contains(g.BuiltInControls, "mfa") || g.Strength != nil)
}

// always reports whether the policy applies to every sign-in of whom it names:
// every application, and no condition besides.
func (p *policy) always() bool {
	c := p.Conditions
	return !c.Further && slices.Contains(c.Include, "All") && len(c.Exclude) == 0
}

// second is what policies say about second factors.
type second struct {
	factor   []policy                   // those in force that speak of a second factor
	groups   map[string]map[string]bool // members of groups that they name; nil: they could not be read
	known    bool                       // every policy was read
	defaults *bool                      // security defaults are on
}

// conditional reads conditional access policies, and the members of groups that
// decide for whom a second factor is asked.
func (r *run) conditional(ctx context.Context) error {
	s := r.Snapshot("authPolicy", scopeConditional, cannotPolicies, kindConditional)
	each := func(list []json.RawMessage) error {
		for _, e := range list {
			var p policy
			if err := json.Unmarshal(e, &p); err != nil {
				s.Fail("a policy cannot be read: " + err.Error())
				continue
			}
			if p.State == "enabled" && p.mentionsFactor() {
				r.policies.factor = append(r.policies.factor, p)
			}
		}
		return nil
	}
	if _, err := r.list(ctx, rest.List{Kind: kindConditional, Scope: scopeConditional}, "/v1.0/identity/conditionalAccess/policies", each, s); err != nil {
		return err
	}
	r.policies.known = !s.Failed()
	r.policies.groups = map[string]map[string]bool{}
	for _, p := range r.policies.factor {
		for _, g := range slices.Concat(p.Conditions.Users.IncludeGroups, p.Conditions.Users.ExcludeGroups) {
			if err := r.named(ctx, g); err != nil {
				return err
			}
		}
	}
	return r.Close(ctx, s)
}

// named reads the members of a group that a policy names. Where that fails it
// is not known whom the policy is for.
func (r *run) named(ctx context.Context, group string) error {
	if _, ok := r.policies.groups[group]; ok {
		return nil
	}
	members, whole := map[string]bool{}, true
	each := func(list []json.RawMessage) error {
		for _, e := range list {
			id, err := member(e)
			whole = whole && err == nil
			if id != "" {
				members[id] = true
			}
		}
		return nil
	}
	f, err := r.list(ctx, rest.List{Kind: kindNamed, Scope: scopeConditional}, membersOf(group), each)
	if !f.Whole() || !whole {
		members = nil
	}
	r.policies.groups[group] = members
	return err
}

func (r *run) defaults(ctx context.Context) error {
	s := r.Snapshot("authPolicy", scopeDefaults, cannotPolicies, kindDefaults)
	l := rest.List{Kind: kindDefaults, Scope: scopeDefaults, Ask: rest.Ask{URI: r.rest.At("/v1.0/policies/identitySecurityDefaultsEnforcementPolicy")}}
	l.Each = func(a rest.Answer) (bool, error) {
		var d struct {
			IsEnabled *bool `json:"isEnabled"`
		}
		err := json.Unmarshal(a.Body, &d)
		r.policies.defaults = d.IsEnabled
		return true, err
	}
	if _, err := r.rest.Read(ctx, r.Run, l, s); err != nil {
		return err
	}
	return r.Close(ctx, s)
}

// covers says whether a policy is for an account: yes, no, or nil where that is
// not known.
func (s *second) covers(p policy, u user, roles holders) *bool {
	w := p.Conditions.Users
	out := s.among(w.ExcludeUsers, w.ExcludeGroups, w.ExcludeRoles, w.ExcludeGuests, u, roles)
	if out == nil || *out {
		return not(out)
	}
	return s.among(w.IncludeUsers, w.IncludeGroups, w.IncludeRoles, w.IncludeGuests, u, roles)
}

func not(b *bool) *bool {
	if b == nil {
		return nil
	}
	v := !*b
	return &v
}

// among says whether an account is among those that users, groups, roles and
// kinds of guest name.
func (s *second) among(users, groups, inRoles []string, guests json.RawMessage, u user, roles holders) *bool {
	yes, no := true, false
	guest := strings.EqualFold(u.UserType, "Guest")
	if slices.Contains(users, "All") || slices.Contains(users, u.ID) || guest && slices.Contains(users, "GuestsOrExternalUsers") {
		return &yes
	}
	unknown := given(guests) && (guest || u.UserType == "") // which kind of guest it is, is not told
	for _, g := range groups {
		if s.groups[g] == nil {
			unknown = true
		} else if s.groups[g][u.ID] {
			return &yes
		}
	}
	if len(inRoles) > 0 {
		if slices.ContainsFunc(roles.of[u.ID], func(role string) bool { return slices.Contains(inRoles, role) }) {
			return &yes
		}
		unknown = unknown || !roles.known
	}
	if unknown {
		return nil
	}
	return &no
}

// enforced is true where a policy without conditions asks the account for a
// second factor. Else nil: other settings may.
func (s *second) enforced(u user, roles holders) *bool {
	if !s.known {
		return nil
	}
	for _, p := range s.factor {
		if p.always() && p.asksForFactor() {
			if yes := s.covers(p, u, roles); yes != nil && *yes {
				return yes
			}
		}
	}
	return nil
}

// perUser says what the older per-user setting adds: true if it is enforced.
// False only if neither it, nor a policy, nor the security defaults ask the
// account for a second factor in any case.
func (s *second) perUser(body []byte, u user, roles holders) *bool {
	var state struct {
		State string `json:"perUserMfaState"`
	}
	if json.Unmarshal(body, &state) != nil {
		return nil
	}
	yes, no := true, false
	switch {
	case state.State == "enforced":
		return &yes
	case state.State != "disabled" || !s.known || s.defaults == nil || *s.defaults:
		return nil
	}
	for _, p := range s.factor {
		if in := s.covers(p, u, roles); in == nil || *in {
			return nil
		}
	}
	return &no
}
