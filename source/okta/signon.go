package okta

import (
	"cmp"
	"encoding/json"
	"slices"
)

// A ruled policy is one with its rules.
type ruled struct {
	policy
	element json.RawMessage
	rules   []policyRule
	known   bool // the rules were read
}

// signOn is what the policies say about second factors. In the classic engine
// the sign-on policies decide; in the newer one an application's own policy may
// ask for a factor that they do not ask for.
type signOn struct {
	classic bool
	session answer
	allApps answer
	apps    map[string]bool // by access policy: it asks for a second factor always, or never
}

// An answer to: is a second factor asked for?
type answer int

const (
	unknown   answer = iota // not told, or it depends
	always                  // whichever rule applies
	sometimes               // under some rules
	never
)

// everyone says whether every account needs a second factor to sign in; ""
// where that differs by account or cannot be told.
func (s *signOn) everyone() string {
	switch {
	case s.session == always || !s.classic && s.allApps == always:
		return factorRequired
	case s.session == never && (s.classic || s.allApps == never):
		return factorNotRequired
	}
	return ""
}

const (
	factorRequired    = "required"
	factorNotRequired = "not required"
)

// take learns from the policies of one type, in the order of their priority.
func (s *signOn) take(typ string, policies []ruled, everyone string, whole bool) {
	if !whole {
		return
	}
	switch typ {
	case typeSignOn:
		s.session = judge(reachable(policies, everyone))
	case typeAccess:
		var all []answer
		for _, p := range policies {
			if p.Status != "ACTIVE" {
				continue
			}
			one := judge(within(p))
			if one == always || one == never {
				s.apps[p.ID] = one == always
			}
			all = append(all, one)
		}
		s.allApps = together(all)
	}
}

// together is the answer that all have in common.
func together(all []answer) answer {
	out := unknown
	for i, a := range all {
		switch {
		case a == unknown:
			return unknown
		case i == 0:
			out = a
		case a != out:
			out = sometimes
		}
	}
	return out
}

// reachable are the rules that can decide a sign-in: those of every active
// policy, up to the first that leaves nothing to the next.
func reachable(policies []ruled, everyone string) []policyRule {
	var out []policyRule
	for _, p := range policies {
		if p.Status != "ACTIVE" {
			continue
		}
		rules := within(p)
		out = append(out, rules...)
		all, _ := p.everyone(everyone)
		if n := len(rules); all && n > 0 && rules[n-1].takesAll() {
			break
		}
	}
	return out
}

// within are a policy's active rules in order, up to the first that takes all.
func within(p ruled) []policyRule {
	rules := slices.DeleteFunc(slices.Clone(p.rules), func(r policyRule) bool { return r.Status != "ACTIVE" })
	slices.SortStableFunc(rules, func(a, b policyRule) int { return cmp.Compare(a.Priority, b.Priority) })
	for i, r := range rules {
		if r.takesAll() {
			return rules[:i+1]
		}
	}
	return rules
}

// Conditions that leave nobody out, as Okta writes them.
var open4all = map[string][]string{
	"network":          {`{"connection":"ANYWHERE"}`},
	"authContext":      {`{"authType":"ANY"}`},
	"people":           {`{"users":{"exclude":[]}}`, `{"users":{"exclude":[]},"groups":{"exclude":[]}}`, `{}`},
	"risk":             {`{"behaviors":[]}`},
	"riskScore":        {`{"level":"ANY"}`},
	"identityProvider": {`{"provider":"ANY"}`},
	"userType":         {`{"include":[],"exclude":[]}`},
	"platform":         {`{"include":[],"exclude":[]}`},
}

// takesAll reports whether no sign-in that reaches the rule goes past it.
func (r policyRule) takesAll() bool {
	if r.System {
		return true
	}
	for name, c := range r.Conditions {
		if string(c) == "null" {
			continue
		}
		var v any
		if json.Unmarshal(c, &v) != nil {
			return false
		}
		if !slices.ContainsFunc(open4all[name], func(text string) bool { return sameJSON(text, v) }) {
			return false
		}
	}
	return true
}

func sameJSON(text string, v any) bool {
	var want any
	if json.Unmarshal([]byte(text), &want) != nil {
		return false
	}
	a, errA := json.Marshal(want)
	b, errB := json.Marshal(v)
	return errA == nil && errB == nil && string(a) == string(b)
}

// factor says whether the rule asks for a second factor; let is false where it
// lets nobody in.
func (r policyRule) factor() (asked answer, let bool) {
	if s := r.Actions.SignOn; s != nil {
		switch {
		case s.Access == "DENY":
			return unknown, false
		case s.Access != "ALLOW" || s.RequireFactor == nil:
			return unknown, true
		case *s.RequireFactor:
			return always, true
		}
		return never, true
	}
	a := r.Actions.AppSignOn
	if a == nil {
		return unknown, true
	}
	if a.Access == "DENY" {
		return unknown, false
	}
	return map[string]answer{"2FA": always, "1FA": never}[a.Method.Mode], true
}

// judge takes rules together, any of which may apply.
func judge(rules []policyRule) answer {
	var all []answer
	for _, r := range rules {
		if asked, let := r.factor(); let {
			all = append(all, asked)
		}
	}
	return together(all)
}
