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
	classic  bool
	everyone string                     // id of the group that all accounts are in; "": not known
	policies []ruled                    // sign-on policies in force, by priority; nil: not known
	groups   map[string]map[string]bool // members of groups that these name; nil: they could not be read
	allApps  answer
	apps     map[string]bool // by access policy: it asks for a second factor always, or never
}

// An answer to: is a second factor asked for?
type answer int

const (
	unknown   answer = iota // not told, or it depends
	always                  // whichever rule applies
	sometimes               // under some rules
	never
)

// of says whether an account needs a second factor to sign in; "" where that
// depends on more than who it is, or cannot be told.
func (s *signOn) of(user string) string {
	session := judge(s.reachable(user))
	switch {
	case session == always || !s.classic && s.allApps == always:
		return factorRequired
	case session == never && (s.classic || s.allApps == never):
		return factorNotRequired
	}
	return ""
}

const (
	factorRequired    = "required"
	factorNotRequired = "not required"
)

// take learns from the policies of one type, in the order of their priority.
func (s *signOn) take(typ string, policies []ruled, whole bool) {
	if !whole {
		return
	}
	switch typ {
	case typeSignOn:
		s.policies = slices.DeleteFunc(policies, func(p ruled) bool { return p.Status != "ACTIVE" })
		for _, p := range s.policies {
			for _, g := range slices.Concat(p.Conditions.People.Groups.Include, p.Conditions.People.Groups.Exclude) {
				if g != s.everyone {
					s.groups[g] = nil
				}
			}
		}
	case typeAccess:
		var all []answer
		for _, p := range policies {
			if p.Status != "ACTIVE" {
				continue
			}
			one := judge(within(p, ""))
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

// reachable are the rules that can decide a sign-in of an account: those of
// every policy that is for it, up to the first that leaves nothing to the next.
func (s *signOn) reachable(user string) []policyRule {
	var out []policyRule
	for _, p := range s.policies {
		is, known := s.covers(&p.policy, user)
		if known && !is {
			continue
		}
		rules := within(p, user)
		out = append(out, rules...)
		if n := len(rules); known && n > 0 && rules[n-1].takesAll(user) {
			break
		}
	}
	return out
}

// covers says whether a policy is for an account; known is false where the
// members of a group that it names could not be read.
func (s *signOn) covers(p *policy, user string) (is, known bool) {
	w := p.Conditions.People
	if slices.Contains(w.Users.Exclude, user) {
		return false, true
	}
	out, outKnown := s.among(w.Groups.Exclude, user)
	if out {
		return false, true
	}
	if p.System || slices.Contains(w.Users.Include, user) {
		return true, outKnown
	}
	in, inKnown := s.among(w.Groups.Include, user)
	return in, outKnown && (in || inKnown)
}

// among says whether an account is in any of the groups.
func (s *signOn) among(groups []string, user string) (is, known bool) {
	known = true
	for _, g := range groups {
		switch members := s.groups[g]; {
		case g == s.everyone:
			return true, true
		case members == nil:
			known = false
		case members[user]:
			return true, true
		}
	}
	return false, known
}

// within are a policy's active rules for an account in order, up to the first
// that takes all of its sign-ins. "" is an account that no rule leaves out.
func within(p ruled, user string) []policyRule {
	rules := slices.DeleteFunc(slices.Clone(p.rules), func(r policyRule) bool {
		return r.Status != "ACTIVE" || user != "" && slices.Contains(r.leavesOut(), user)
	})
	slices.SortStableFunc(rules, func(a, b policyRule) int { return cmp.Compare(a.Priority, b.Priority) })
	for i, r := range rules {
		if r.takesAll(user) {
			return rules[:i+1]
		}
	}
	return rules
}

// leavesOut are the accounts that a rule names as not its own.
func (r policyRule) leavesOut() []string {
	var c people
	if json.Unmarshal(r.Conditions["people"], &c) != nil {
		return nil
	}
	return c.Users.Exclude
}

// onlyLeavesOut reports that a rule's condition on people does no more than
// name accounts that it is not for.
func (r policyRule) onlyLeavesOut() bool {
	var c people
	return json.Unmarshal(r.Conditions["people"], &c) == nil && len(c.Users.Include)+len(c.Groups.Include)+len(c.Groups.Exclude) == 0
}

// Conditions that leave nobody out, as Okta writes them.
var openToAll = map[string][]string{
	"network":          {`{"connection":"ANYWHERE"}`},
	"authContext":      {`{"authType":"ANY"}`},
	"people":           {`{"users":{"exclude":[]}}`, `{"users":{"exclude":[]},"groups":{"exclude":[]}}`, `{}`},
	"risk":             {`{"behaviors":[]}`},
	"riskScore":        {`{"level":"ANY"}`},
	"identityProvider": {`{"provider":"ANY"}`},
	"userType":         {`{"include":[],"exclude":[]}`},
	"platform":         {`{"include":[],"exclude":[]}`},
}

// takesAll reports whether no sign-in of an account that reaches the rule goes
// past it. The accounts that it leaves out never reach it.
func (r policyRule) takesAll(user string) bool {
	if r.System {
		return true
	}
	for name, c := range r.Conditions {
		if string(c) == "null" || name == "people" && user != "" && r.onlyLeavesOut() {
			continue
		}
		var v any
		if json.Unmarshal(c, &v) != nil {
			return false
		}
		if !slices.ContainsFunc(openToAll[name], func(text string) bool { return sameJSON(text, v) }) {
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
