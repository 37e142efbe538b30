package entra

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
	partPerUser = "perUser/"
	partList    = "list"
)

// A reading is one page while it becomes items.
type reading struct {
	source.Reading
	rules
	about time.Time // the instant of a snapshot
}

func normalize(config json.RawMessage, p audit.Page) ([]audit.Item, error) {
	r := reading{about: p.About.From}
	if err := json.Unmarshal(config, &r.rules); err != nil {
		return nil, fmt.Errorf("%w: entra: configuration: %w", audit.ErrInvalid, err)
	}
	read, err := r.reader(p.Kind)
	if read == nil || err != nil {
		return nil, err
	}
	if err := read(p.Body); err != nil {
		return nil, fmt.Errorf("%w: entra: %s: %w", audit.ErrInvalid, p.Kind, err)
	}
	return r.Done()
}

// reader is what reads a kind of page; nil for those that give no items.
func (r *reading) reader(kind string) (func(body []byte) error, error) {
	switch kind {
	case source.KindFailed, kindCount, kindActivity, kindUsers, kindRegistrations, kindDisabled, kindGroups, kindRoles, kindNamed:
		return nil, nil
	case kindPeople:
		return r.people, nil
	case kindMembers:
		return r.members, nil
	case kindAssignments:
		return r.assignments, nil
	case kindRoleMembers:
		return r.roleMembers, nil
	case kindConditional:
		return r.each(r.conditional), nil
	case kindDefaults:
		return r.defaults, nil
	case kindDomains:
		return r.each(r.domain), nil
	case kindSettings:
		return r.each(r.setting), nil
	case kindApps:
		return r.each(r.app), nil
	case kindRegistered:
		return r.each(r.registered), nil
	case kindSignIns:
		return r.each(r.signIn), nil
	}
	return nil, fmt.Errorf("%w: entra gives no pages of kind %q", audit.ErrInvalid, kind)
}

// each reads a plain list.
func (r *reading) each(read func(e json.RawMessage) error) func(body []byte) error {
	return func(body []byte) error {
		elements, err := source.Elements(body, "value")
		if err != nil {
			return err
		}
		r.Each(elements, read)
		return nil
	}
}

// list reads a sheet that holds one list.
func list(body []byte, facts any) ([]json.RawMessage, error) {
	sheet, err := rest.ReadSheet(body, facts)
	if err != nil {
		return nil, err
	}
	var answer json.RawMessage
	if err := sheet.Decode(partList, &answer); err != nil {
		return nil, err
	}
	return source.Elements(answer, "value")
}

func (r *reading) id(native string) string { return r.System + "/" + native }

var errNoID = errors.New("it has no id")

// decode reads an element that must have an id.
func decode(e json.RawMessage, v any, id *string) error {
	if err := json.Unmarshal(e, v); err != nil {
		return err
	}
	if *id == "" {
		return errNoID
	}
	return nil
}

// A user as Graph shows it.
type user struct {
	ID                string     `json:"id"`
	Login             string     `json:"userPrincipalName"`
	Mail              optional   `json:"mail"`
	AccountEnabled    *bool      `json:"accountEnabled"`
	UserType          string     `json:"userType"`
	ExternalUserState string     `json:"externalUserState"`
	Created           *time.Time `json:"createdDateTime"`
	EmployeeID        string     `json:"employeeId"`
	PasswordChanged   *time.Time `json:"lastPasswordChangeDateTime"`
	Activity          *struct {
		Last       *time.Time `json:"lastSignInDateTime"`
		Successful *time.Time `json:"lastSuccessfulSignInDateTime"`
	} `json:"signInActivity"`
}

// An optional text tells null, which says that there is none, from absence.
type optional struct {
	told bool
	text string
}

func (o *optional) UnmarshalJSON(b []byte) error {
	if string(b) != "null" {
		if err := json.Unmarshal(b, &o.text); err != nil {
			return err
		}
	}
	o.told = true
	return nil
}

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
		if err := decode(part.Bytes(), &u, &u.ID); err != nil {
			r.Refuse(part.Part, err)
			continue
		}
		if u.ID != id {
			r.Refuse(part.Part, errors.New("it is not the user it is said to be"))
			continue
		}
		r.person(u, facts.Users[id])
	}
	return nil
}

func (r *reading) person(u user, a about) {
	f := source.Fields{"system": r.System, "login": u.Login, "kind": r.kind(u), "createdAt": told(u.Created), "passwordChangedAt": told(u.PasswordChanged)}
	if u.Mail.told {
		f["email"] = u.Mail.text
	}
	if u.AccountEnabled != nil {
		state(f, u, a)
	}
	if u.Activity != nil {
		f["lastUsedAt"] = told(u.Activity.Last)
		if u.Activity.Successful != nil {
			f["lastUsedAt"] = *u.Activity.Successful
		}
	}
	if a.Enforced != nil {
		f["mfa.enforced"] = *a.Enforced
	}
	if reg := a.Registration; reg != nil {
		registered(f, reg)
	}
	if a.Admin != nil { // the roles themselves are nearer to it than the report
		f["admin"] = *a.Admin
	}
	r.Add("account", r.id(u.ID), time.Time{}, f)
	if l := r.Person.Link(r.id(u.ID), strings.TrimSpace(u.EmployeeID), u.Mail.text); l != nil {
		r.Add("link", r.id("link/"+u.ID), time.Time{}, l)
	}
}

func told(t *time.Time) any {
	if t == nil {
		return nil
	}
	return *t
}

// kind is whom an account is for; nil where the directory does not say.
func (r *reading) kind(u user) any {
	switch {
	case r.Service.Match(u.Login):
		return "service"
	case strings.EqualFold(u.UserType, "Guest"):
		return "guest"
	case strings.EqualFold(u.UserType, "Member"):
		return "human"
	}
	return nil
}

func state(f source.Fields, u user, a about) {
	switch {
	case !*u.AccountEnabled:
		f["status"] = "disabled"
		f["disabledAt"] = told(a.DisabledAt)
		return
	case u.ExternalUserState == "PendingAcceptance":
		f["status"] = "pending"
	default:
		f["status"] = "active"
	}
	f["disabledAt"] = audit.Never
}

func registered(f source.Fields, reg *registration) {
	if reg.Registered != nil {
		f["mfa.enrolled"] = *reg.Registered
	}
	if reg.Methods != nil {
		methods := slices.Clone(*reg.Methods)
		slices.Sort(methods)
		f["mfa.factors"] = methods
	}
	if reg.Admin != nil {
		f["admin"] = *reg.Admin
	}
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
		id, err := member(e)
		if id == "" || err != nil {
			return err
		}
		f := source.Fields{"account": r.id(id), "system": r.System, "group": facts.Name, "role": "member"}
		if r.Privileged != nil {
			f["privileged"] = r.Privileged.Match(facts.Name)
		}
		r.Add("membership", r.id("group-"+facts.Group+"/"+id), time.Time{}, f)
		return nil
	})
	return nil
}

func (r *reading) assignments(body []byte) error {
	var facts roleFacts
	elements, err := list(body, &facts)
	if err != nil {
		return err
	}
	r.Each(elements, func(e json.RawMessage) error {
		var a assignment
		if err := decode(e, &a, &a.ID); err != nil {
			return err
		}
		if a.Principal.Type == typeGroup { // its members are on pages of their own
			return nil
		}
		r.role("role-"+a.ID, a.PrincipalID, facts.Roles[a.RoleDefinitionID])
		return nil
	})
	return nil
}

func (r *reading) roleMembers(body []byte) error {
	var facts heldFacts
	elements, err := list(body, &facts)
	if err != nil {
		return err
	}
	r.Each(elements, func(e json.RawMessage) error {
		id, err := member(e)
		if id != "" && err == nil {
			r.role("role-"+facts.Assignment+"/"+id, id, facts.Name)
		}
		return err
	})
	return nil
}

func (r *reading) role(id, account, name string) {
	if account == "" {
		r.Refuse(id, errors.New("the assignment names no holder"))
		return
	}
	r.Add("membership", r.id(id), time.Time{}, source.Fields{"account": r.id(account), "system": r.System, "group": name, "role": "admin", "privileged": true})
}

// results of sign-ins by error code (Microsoft Entra authentication and
// authorization error codes). Those that only interrupt a sign-in, to ask for
// more, are no result.
var (
	blocked   = []int{50053, 50057, 50105, 53000, 53001, 53002, 53003, 53004, 53011, 530032, 530034}
	interrupt = []int{16000, 50055, 50058, 50072, 50074, 50076, 50079, 50097, 50125, 50127, 50129, 50140, 50143, 50144, 50158, 65001, 81010, 81012, 81014}
)

func (r *reading) signIn(e json.RawMessage) error {
	var v struct {
		ID      string
		Created time.Time `json:"createdDateTime"`
		UserID  string    `json:"userId"`
		Status  *struct {
			ErrorCode *int `json:"errorCode"`
		}
	}
	if err := decode(e, &v, &v.ID); err != nil {
		return err
	}
	f := source.Fields{"system": r.System}
	if v.UserID != "" && v.UserID != "00000000-0000-0000-0000-000000000000" {
		f["account"] = r.id(v.UserID)
	}
	if v.Status != nil && v.Status.ErrorCode != nil {
		switch code := *v.Status.ErrorCode; {
		case code == 0:
			f["result"] = "success"
		case slices.Contains(blocked, code):
			f["result"] = "blocked"
		case !slices.Contains(interrupt, code):
			f["result"] = "failure"
		}
	}
	r.Add("signIn", r.id("log/"+v.ID), v.Created, f)
	return nil
}
