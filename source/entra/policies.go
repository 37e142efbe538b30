package entra

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"tieout/source"
)

func (r *reading) conditional(e json.RawMessage) error {
	var p policy
	if err := decode(e, &p, &p.ID); err != nil {
		return err
	}
	f := source.Fields{"system": r.System, "name": p.DisplayName, "kind": "conditional access", "mfaRequired": p.asksForFactor()}
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
