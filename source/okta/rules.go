package okta

import (
	"errors"
	"time"

	"tieout/source"
	"tieout/source/rest"
)

// passwordSettings are what a password policy asks for.
type passwordSettings struct {
	Complexity struct {
		MinLength    *int64 `json:"minLength"`
		MinLowerCase *int64 `json:"minLowerCase"`
		MinUpperCase *int64 `json:"minUpperCase"`
		MinNumber    *int64 `json:"minNumber"`
		MinSymbol    *int64 `json:"minSymbol"`
		Dictionary   struct {
			Common struct {
				Exclude bool `json:"exclude"`
			} `json:"common"`
		} `json:"dictionary"`
	} `json:"complexity"`
	Age struct {
		MaxAgeDays   *int64 `json:"maxAgeDays"`
		HistoryCount *int64 `json:"historyCount"`
	} `json:"age"`
	Lockout struct {
		MaxAttempts       *int64 `json:"maxAttempts"`
		AutoUnlockMinutes *int64 `json:"autoUnlockMinutes"`
	} `json:"lockout"`
}

var policyKinds = map[string]string{
	typePassword: "password", typeSignOn: "sign-in", typeEnroll: "second factor", typeAccess: "conditional access",
}

func (r *reading) policy(body []byte) error {
	var facts policyFacts
	sheet, err := rest.ReadSheet(body, &facts)
	if err != nil {
		return err
	}
	var p policy
	if err := sheet.Decode(partPolicy, &p); err != nil {
		return err
	}
	if p.ID == "" {
		return errors.New("the policy has no id")
	}
	f := source.Fields{"system": r.System, "name": p.Name, "kind": policyKinds[p.Type]}
	if p.Status == "ACTIVE" || p.Status == "INACTIVE" {
		f["enabled"] = p.Status == "ACTIVE"
	}
	whom(f, &p, facts)
	if s := p.Settings.Password; s != nil {
		s.fields(f)
	}
	var list []policyRule
	if sheet.Decode(partRules, &list) == nil && list != nil && (p.Type == typeSignOn || p.Type == typeAccess) {
		ruleFields(f, ruled{policy: p, rules: list})
	}
	r.Add("authPolicy", r.id(p.ID), time.Time{}, f)
	return nil
}

// whom says for whom a policy is in force. An access policy is for whoever
// opens the applications that use it.
func whom(f source.Fields, p *policy, facts policyFacts) {
	if p.Type == typeAccess {
		return
	}
	all, known := p.everyone(facts.Everyone)
	if !known {
		return
	}
	f["everyone"] = all && facts.First
	groups, users := p.Conditions.People.Groups.Exclude, p.Conditions.People.Users.Exclude
	if out := append(append([]string{}, groups...), users...); len(out) > 0 || all && facts.First {
		f["exceptions"] = out
	}
}

func (s *passwordSettings) fields(f source.Fields) {
	for name, v := range map[string]*int64{"password.minLength": s.Complexity.MinLength, "password.history": s.Age.HistoryCount,
		"password.maxAgeDays": s.Age.MaxAgeDays, "lockout.attempts": s.Lockout.MaxAttempts, "lockout.minutes": s.Lockout.AutoUnlockMinutes} {
		if v != nil {
			f[name] = *v
		}
	}
	c, kinds, told := s.Complexity, 0, false
	for _, v := range []*int64{c.MinLowerCase, c.MinUpperCase, c.MinNumber, c.MinSymbol} {
		if v != nil {
			told = true
			if *v > 0 {
				kinds++
			}
		}
	}
	if told {
		f["password.complexity"] = kinds > 1 || c.Dictionary.Common.Exclude
	}
}

// ruleFields are of the rules that can apply, taken together: a second factor
// only if all ask for it, and the longest of their sessions.
func ruleFields(f source.Fields, p ruled) {
	rules := within(p, "")
	switch judge(rules) {
	case always:
		f["mfaRequired"] = true
	case never, sometimes:
		f["mfaRequired"] = false
	}
	idle, life, told := int64(0), int64(0), false
	for _, r := range rules {
		s := r.Actions.SignOn
		if s == nil || s.Access == "DENY" {
			continue
		}
		if s.Session.Idle == nil || s.Session.Life == nil {
			return
		}
		if !told {
			idle, life, told = *s.Session.Idle, *s.Session.Life, true
			continue
		}
		idle, life = longer(idle, *s.Session.Idle), longer(life, *s.Session.Life)
	}
	if told {
		f["session.idleMinutes"], f["session.maxHours"] = idle, (life+59)/60
	}
}

// longer is the longer of two durations, of which 0 never ends.
func longer(a, b int64) int64 {
	if a == 0 || b == 0 {
		return 0
	}
	return max(a, b)
}
