package entra

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/source"
)

func (r *reading) conditional(e json.RawMessage) error {
	var p policy
	if err := decode(e, &p, &p.ID); err != nil {
		return err
	}
	f := source.Fields{"system": r.System, "name": p.DisplayName, "kind": "conditional access"}
	switch asks := p.asksForFactor(); {
	case !asks:
		f["mfaRequired"] = false
	case p.always():
		f["mfaRequired"] = true
	} // it asks for it in some applications or under some conditions: neither
	switch p.State {
	case "enabled", "disabled", "enabledForReportingButNotEnforced":
		f["enabled"] = p.State == "enabled"
	}
	all, out := slices.Contains(p.Conditions.Users.IncludeUsers, "All"), exceptions(p.Conditions.Users)
	f["everyone"] = all && len(out) == 0
	if all || len(out) > 0 {
		f["exceptions"] = out
	}
	if s := p.SessionControls; s != nil && s.SignInFrequency != nil && s.SignInFrequency.IsEnabled && s.SignInFrequency.Value != nil {
		switch s.SignInFrequency.Type {
		case "hours":
			f["session.maxHours"] = *s.SignInFrequency.Value
		case "days":
			f["session.maxHours"] = *s.SignInFrequency.Value * 24
		}
	}
	r.Add("authPolicy", r.id(p.ID), time.Time{}, f)
	return nil
}

// exceptions are whom a policy leaves out, in words.
func exceptions(w whom) []string {
	out := []string{}
	for kind, ids := range map[string][]string{"user ": w.ExcludeUsers, "group ": w.ExcludeGroups, "role ": w.ExcludeRoles} {
		for _, id := range ids {
			out = append(out, kind+id)
		}
	}
	if given(w.ExcludeGuests) {
		out = append(out, "guests and external users")
	}
	slices.Sort(out)
	return out
}

func (r *reading) defaults(body []byte) error {
	var d struct {
		IsEnabled *bool `json:"isEnabled"`
	}
	if err := json.Unmarshal(body, &d); err != nil {
		return err
	}
	if d.IsEnabled == nil {
		return errors.New("it does not say whether they are on")
	}
	r.Add("authPolicy", r.id(scopeDefaults), time.Time{}, source.Fields{"system": r.System, "name": "Security defaults", "kind": "second factor",
		"enabled": *d.IsEnabled, "everyone": true, "exceptions": []string{}, "mfaRequired": true})
	return nil
}

// neverExpires is how the directory writes that passwords last for ever.
const neverExpires = 1<<31 - 1

// domain reads how long passwords of one domain last. Those of a federated one
// are another system's.
func (r *reading) domain(e json.RawMessage) error {
	var d struct {
		ID       string `json:"id"`
		Verified *bool  `json:"isVerified"`
		Type     string `json:"authenticationType"`
		Days     *int64 `json:"passwordValidityPeriodInDays"`
	}
	if err := decode(e, &d, &d.ID); err != nil {
		return err
	}
	if d.Type != "Managed" {
		return nil
	}
	f := source.Fields{"system": r.System, "name": "Passwords of " + d.ID, "kind": "password"}
	if d.Verified != nil {
		f["enabled"] = *d.Verified
	}
	if d.Days != nil {
		f["password.maxAgeDays"] = *d.Days
		if *d.Days == neverExpires {
			f["password.maxAgeDays"] = 0
		}
	}
	r.Add("authPolicy", r.id("passwords/"+d.ID), time.Time{}, f)
	return nil
}

// passwordRules is the template of the directory's settings on passwords.
const passwordRules = "5cf42378-d67d-4f36-ba46-e8b86229381d"

// setting reads the tenant's own settings on passwords; there are others. A
// tenant that changed nothing has none.
func (r *reading) setting(e json.RawMessage) error {
	var s struct {
		ID       string `json:"id"`
		Template string `json:"templateId"`
		Values   []struct{ Name, Value string }
	}
	if err := decode(e, &s, &s.ID); err != nil || s.Template != passwordRules {
		return err
	}
	f := source.Fields{"system": r.System, "name": "Password rule settings", "kind": "password", "enabled": true}
	for _, v := range s.Values {
		n, err := strconv.ParseInt(v.Value, 10, 32)
		switch {
		case v.Name == "LockoutThreshold" && err == nil:
			f["lockout.attempts"] = n
		case v.Name == "LockoutDurationInSeconds" && err == nil:
			f["lockout.minutes"] = (n + 59) / 60
		case v.Name == "EnableBannedPasswordCheck" && strings.EqualFold(v.Value, "true"):
			f["password.complexity"] = true // else the directory's own check is still there
		}
	}
	r.Add("authPolicy", r.id(s.ID), time.Time{}, f)
	return nil
}

// A credential is a secret or certificate, without what it is.
type credential struct {
	KeyID string     `json:"keyId"`
	Usage string     `json:"usage"`
	Start *time.Time `json:"startDateTime"`
	End   *time.Time `json:"endDateTime"`
}

// program is what applications and their service principals have in common.
type program struct {
	ID        string       `json:"id"`
	Name      string       `json:"displayName"`
	Enabled   *bool        `json:"accountEnabled"`
	SignOn    string       `json:"preferredSingleSignOnMode"`
	Passwords []credential `json:"passwordCredentials"`
	Keys      []credential `json:"keyCredentials"`
}

var signOns = map[string]string{"saml": "federated", "oidc": "federated", "password": "password"}

func (r *reading) app(e json.RawMessage) error {
	var p program
	if err := decode(e, &p, &p.ID); err != nil {
		return err
	}
	f := source.Fields{"name": p.Name, "system": r.System, "signOn": signOns[p.SignOn]}
	if p.Enabled != nil {
		f["status"] = map[bool]string{true: "active", false: "disabled"}[*p.Enabled]
	}
	r.Add("application", r.id(p.ID), time.Time{}, f)
	return r.credentials(p)
}

func (r *reading) registered(e json.RawMessage) error {
	var p program
	if err := decode(e, &p, &p.ID); err != nil {
		return err
	}
	return r.credentials(p)
}

// credentials adds the secrets and certificates of a program. One that signs
// is listed twice, once for each half of the pair: the half that signs is left out.
func (r *reading) credentials(p program) error {
	for i, c := range slices.Concat(p.Passwords, p.Keys) {
		if c.Usage == "Sign" {
			continue
		}
		if c.KeyID == "" {
			return errors.New("a credential of " + p.ID + " has no id")
		}
		f := source.Fields{"kind": "access", "system": r.System, "owner": "", "createdAt": told(c.Start), "rotatedAt": told(c.Start), "expiresAt": told(c.End)}
		if i >= len(p.Passwords) {
			f["kind"] = "certificate"
		}
		if c.End != nil {
			f["status"] = "active"
			if !c.End.After(r.about) {
				f["status"] = "expired"
			}
		}
		r.Add("key", r.id(p.ID+"/"+c.KeyID), time.Time{}, f)
	}
	return nil
}
