package okta

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

// Parts of sheets.
const (
	partUser    = "user/" // and the user's id
	partFactors = "factors/"
	partRoles   = "roles/"
	partPolicy  = "policy"
	partRules   = "rules"
	partList    = "list"
)

// A reading is one page while it becomes items.
type reading struct {
	source.Reading
	rules
}

func normalize(config json.RawMessage, p audit.Page) ([]audit.Item, error) {
	var r reading
	if err := json.Unmarshal(config, &r.rules); err != nil {
		return nil, fmt.Errorf("%w: okta: configuration: %w", audit.ErrInvalid, err)
	}
	read, err := r.reader(p.Kind)
	if read == nil || err != nil {
		return nil, err
	}
	if err := read(p.Body); err != nil {
		return nil, fmt.Errorf("%w: okta: %s: %w", audit.ErrInvalid, p.Kind, err)
	}
	return r.Done()
}

// reader is what reads a kind of page; nil for those that give no items.
func (r *reading) reader(kind string) (func(body []byte) error, error) {
	switch kind {
	case source.KindFailed, kindOrganization, kindUsers, kindGroups, kindPolicies:
		return nil, nil
	case kindPeople:
		return r.people, nil
	case kindMembers:
		return r.members, nil
	case kindPolicy:
		return r.policy, nil
	case kindApps:
		return r.apps, nil
	case kindTokens:
		return r.tokens, nil
	case kindSignIns:
		return r.signIns, nil
	}
	return nil, fmt.Errorf("%w: okta gives no pages of kind %q", audit.ErrInvalid, kind)
}

// A user as Okta shows it. Times are null where there is none.
type user struct {
	ID              string     `json:"id"`
	Status          string     `json:"status"`
	Created         time.Time  `json:"created"`
	StatusChanged   *time.Time `json:"statusChanged"`
	LastLogin       optional   `json:"lastLogin"`
	PasswordChanged optional   `json:"passwordChanged"`
	Profile         struct {
		Login          string  `json:"login"`
		Email          *string `json:"email"`
		EmployeeNumber any     `json:"employeeNumber"` // a text, in some organizations a number
	} `json:"profile"`
	Credentials struct {
		Provider struct {
			Type string `json:"type"`
		} `json:"provider"`
	} `json:"credentials"`
}

// An optional instant tells null, which says that there is none, from absence.
type optional struct {
	told bool
	at   time.Time
}

func (o *optional) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		o.told = true
		return nil
	}
	if err := json.Unmarshal(b, &o.at); err != nil {
		return err
	}
	o.told = true
	return nil
}

// value is what the field says: zero where it was not told.
func (o optional) value() time.Time {
	if o.told && o.at.IsZero() {
		return audit.Never
	}
	return o.at
}

func (r *reading) id(native string) string { return r.System + "/" + native }

func (r *reading) people(body []byte) error {
	var facts peopleFacts
	sheet, err := rest.ReadSheet(body, &facts)
	if err != nil {
		return err
	}
	for _, part := range sheet.Answers {
		id, ok := strings.CutPrefix(part.Part, partUser)
		if !ok {
			continue
		}
		var u user
		if err := json.Unmarshal(part.Bytes(), &u); err != nil || u.ID != id || id == "" {
			r.Refuse(part.Part, cmpErr(err, "it is not the user it is said to be"))
			continue
		}
		r.person(u, sheet, facts)
	}
	return nil
}

func cmpErr(err error, otherwise string) error {
	if err != nil {
		return err
	}
	return errors.New(otherwise)
}

func (r *reading) person(u user, sheet *rest.Sheet, facts peopleFacts) {
	f := source.Fields{"system": r.System, "login": u.Profile.Login, "kind": "human", "status": status(u.Status), "createdAt": u.Created,
		"lastUsedAt": u.LastLogin.value(), "disabledAt": disabled(u)}
	if r.Service.Match(u.Profile.Login) {
		f["kind"] = "service"
	}
	if u.Profile.Email != nil {
		f["email"] = *u.Profile.Email
	}
	if u.Credentials.Provider.Type == "OKTA" { // elsewhere the password is another system's
		f["passwordChangedAt"] = u.PasswordChanged.value()
	}
	if u.Status != "DEPROVISIONED" {
		r.factors(f, u, sheet, facts)
	}
	r.roles(f, u, sheet)
	r.Add("account", r.id(u.ID), time.Time{}, f)
	email := ""
	if u.Profile.Email != nil {
		email = *u.Profile.Email
	}
	if l := r.Person.Link(r.id(u.ID), number(u.Profile.EmployeeNumber), email); l != nil {
		r.Add("link", r.id("link/"+u.ID), time.Time{}, l)
	}
}

// number writes an employee number that some organizations keep as a number.
func number(v any) string {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v)
	case float64:
		return fmt.Sprintf("%.0f", v)
	}
	return ""
}

// status is whether an account can sign in. One that is locked out after wrong
// passwords, or whose password is to be set anew, is in use.
func status(s string) any {
	switch s {
	case "ACTIVE", "LOCKED_OUT", "PASSWORD_EXPIRED", "RECOVERY":
		return "active"
	case "STAGED", "PROVISIONED":
		return "pending"
	case "SUSPENDED":
		return "suspended"
	case "DEPROVISIONED":
		return "disabled"
	}
	return nil
}

func disabled(u user) any {
	switch status(u.Status) {
	case "suspended", "disabled":
		if u.StatusChanged == nil {
			return nil
		}
		return *u.StatusChanged
	case "active", "pending":
		return audit.Never
	}
	return nil
}

func (r *reading) factors(f source.Fields, u user, sheet *rest.Sheet, facts peopleFacts) {
	switch facts.SecondFactor[u.ID] {
	case factorRequired:
		f["mfa.enforced"] = true
	case factorNotRequired:
		f["mfa.enforced"] = false
	}
	var list []struct {
		FactorType string `json:"factorType"`
		Status     string `json:"status"`
	}
	if sheet.Decode(partFactors+u.ID, &list) != nil || list == nil {
		return
	}
	kinds, second := []string{}, false
	for _, factor := range list {
		if factor.Status != "ACTIVE" || factor.FactorType == "" {
			continue
		}
		kinds = append(kinds, factor.FactorType)
		second = second || factor.FactorType != "question" // something one knows, as the password is
	}
	slices.Sort(kinds)
	f["mfa.factors"], f["mfa.enrolled"] = slices.Compact(kinds), second
}

func (r *reading) roles(f source.Fields, u user, sheet *rest.Sheet) {
	var list []struct {
		ID, Label, Type, Status string
		Created                 time.Time
	}
	if sheet.Decode(partRoles+u.ID, &list) != nil || list == nil {
		return
	}
	f["admin"] = false
	for _, role := range list {
		if role.Status != "" && role.Status != "ACTIVE" {
			continue
		}
		f["admin"] = true
		name := role.Label
		if name == "" {
			name = role.Type
		}
		r.Add("membership", r.id("role-"+role.ID+"/"+u.ID), time.Time{}, source.Fields{"account": r.id(u.ID), "system": r.System,
			"group": name, "role": "admin", "privileged": true, "grantedAt": role.Created})
	}
}

// list reads a sheet that holds one list.
func list(body []byte, facts any) ([]json.RawMessage, error) {
	sheet, err := rest.ReadSheet(body, facts)
	if err != nil {
		return nil, err
	}
	var out []json.RawMessage
	if err := sheet.Decode(partList, &out); err != nil {
		return nil, err
	}
	return out, nil
}

func (r *reading) members(body []byte) error {
	var facts groupFacts
	elements, err := list(body, &facts)
	if err != nil {
		return err
	}
	if facts.Group == "" {
		return errors.New("the page does not say whose members it lists")
	}
	r.Each(elements, func(e json.RawMessage) error {
		var u user
		if err := json.Unmarshal(e, &u); err != nil || u.ID == "" {
			return cmpErr(err, "it has no id")
		}
		f := source.Fields{"account": r.id(u.ID), "system": r.System, "group": facts.Name, "role": "member"}
		if r.Privileged != nil {
			f["privileged"] = r.Privileged.Match(facts.Name)
		}
		r.Add("membership", r.id("group-"+facts.Group+"/"+u.ID), time.Time{}, f)
		return nil
	})
	return nil
}

// appFacts are what access policies say of a second factor: always or never.
type appFacts struct {
	SecondFactor map[string]bool `json:"secondFactor,omitempty"`
}

var signOns = map[string]string{
	"SAML_2_0": "federated", "SAML_1_1": "federated", "WS_FEDERATION": "federated", "OPENID_CONNECT": "federated",
	"BASIC_AUTH": "password", "BROWSER_PLUGIN": "password", "SECURE_PASSWORD_STORE": "password", "AUTO_LOGIN": "password",
	"BOOKMARK": "none",
}

func (r *reading) apps(body []byte) error {
	var facts appFacts
	elements, err := list(body, &facts)
	if err != nil {
		return err
	}
	r.Each(elements, func(e json.RawMessage) error {
		var a struct {
			ID, Label, Status, SignOnMode string
			Features                      *[]string
			Links                         struct {
				AccessPolicy struct{ Href string } `json:"accessPolicy"`
			} `json:"_links"`
		}
		if err := json.Unmarshal(e, &a); err != nil || a.ID == "" {
			return cmpErr(err, "it has no id")
		}
		f := source.Fields{"name": a.Label, "system": r.System, "signOn": signOns[a.SignOnMode]}
		switch a.Status {
		case "ACTIVE":
			f["status"] = "active"
		case "INACTIVE":
			f["status"] = "disabled"
		}
		if a.Features != nil {
			f["provisioning"] = slices.Contains(*a.Features, "PUSH_NEW_USERS") && slices.Contains(*a.Features, "PUSH_USER_DEACTIVATION")
		}
		policy := a.Links.AccessPolicy.Href[strings.LastIndexByte(a.Links.AccessPolicy.Href, '/')+1:]
		if asked, ok := facts.SecondFactor[policy]; ok {
			f["mfaRequired"] = asked
		}
		r.Add("application", r.id(a.ID), time.Time{}, f)
		return nil
	})
	return nil
}

func (r *reading) tokens(body []byte) error {
	elements, err := source.Elements(body)
	if err != nil {
		return err
	}
	r.Each(elements, func(e json.RawMessage) error {
		var t struct {
			ID, UserID         string
			Created, ExpiresAt time.Time
		}
		if err := json.Unmarshal(e, &t); err != nil || t.ID == "" {
			return cmpErr(err, "it has no id")
		}
		f := source.Fields{"kind": "token", "system": r.System, "status": "active", "createdAt": t.Created, "rotatedAt": t.Created, "expiresAt": t.ExpiresAt}
		if t.UserID != "" {
			f["owner"] = r.id(t.UserID)
		}
		r.Add("key", r.id(t.ID), time.Time{}, f)
		return nil
	})
	return nil
}

var results = map[string]string{"SUCCESS": "success", "FAILURE": "failure", "DENY": "blocked"}

func (r *reading) signIns(body []byte) error {
	elements, err := source.Elements(body)
	if err != nil {
		return err
	}
	r.Each(elements, func(e json.RawMessage) error {
		var v struct {
			UUID      string
			Published time.Time
			EventType string
			Actor     struct{ ID, Type string }
			Outcome   struct{ Result string }
		}
		if err := json.Unmarshal(e, &v); err != nil {
			return err
		}
		if v.EventType != "user.session.start" {
			return nil
		}
		f := source.Fields{"system": r.System, "result": results[v.Outcome.Result]}
		if v.Actor.Type == "User" && v.Actor.ID != "" && v.Actor.ID != "unknown" {
			f["account"] = r.id(v.Actor.ID)
		}
		if v.UUID == "" {
			return errors.New("it has no id")
		}
		r.Add("signIn", r.id("log/"+v.UUID), v.Published, f)
		return nil
	})
	return nil
}
