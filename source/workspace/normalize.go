package workspace

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

// Parts of sheets.
const (
	partUser   = "user/" // and the user's id
	partDevice = "device"
	partList   = "list"
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
		return nil, fmt.Errorf("%w: google-workspace: configuration: %w", audit.ErrInvalid, err)
	}
	read, err := r.reader(p.Kind)
	if read == nil || err != nil {
		return nil, err
	}
	if err := read(p.Body); err != nil {
		return nil, fmt.Errorf("%w: google-workspace: %s: %w", audit.ErrInvalid, p.Kind, err)
	}
	return r.Done()
}

// reader is what reads a kind of page; nil for those that give no items.
func (r *reading) reader(kind string) (func(body []byte) error, error) {
	switch kind {
	case source.KindFailed, kindUsers, kindSuspended, kindGroups, kindRoles, kindMobileList, kindChromeList:
		return nil, nil
	case kindPeople:
		return r.people, nil
	case kindMembers:
		return r.members, nil
	case kindAssignments:
		return r.assignments, nil
	case kindRoleMembers:
		return r.roleMembers, nil
	case kindPolicies:
		return r.each(listPolicies, r.policy), nil
	case kindMobile:
		return r.devices(r.mobile), nil
	case kindChrome:
		return r.devices(r.chrome), nil
	case kindTokens:
		return r.tokens, nil
	case kindSignIns:
		return r.each(listActivities, r.signIn), nil
	}
	return nil, fmt.Errorf("%w: google-workspace gives no pages of kind %q", audit.ErrInvalid, kind)
}

// each reads a plain list.
func (r *reading) each(l listing, read func(e json.RawMessage) error) func(body []byte) error {
	return func(body []byte) error {
		elements, err := l.elements(body)
		if err != nil {
			return err
		}
		r.Each(elements, read)
		return nil
	}
}

// list reads a sheet that holds one list.
func (l listing) sheet(body []byte, facts any) ([]json.RawMessage, error) {
	sheet, err := rest.ReadSheet(body, facts)
	if err != nil {
		return nil, err
	}
	var answer json.RawMessage
	if err := sheet.Decode(partList, &answer); err != nil {
		return nil, err
	}
	return l.elements(answer)
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

// A user as the Directory shows it.
type user struct {
	ID          string     `json:"id"`
	Email       string     `json:"primaryEmail"`
	Created     *time.Time `json:"creationTime"`
	LastLogin   *time.Time `json:"lastLoginTime"`
	Suspended   *bool      `json:"suspended"`
	Archived    *bool      `json:"archived"`
	Admin       *bool      `json:"isAdmin"`
	Delegated   *bool      `json:"isDelegatedAdmin"`
	Enrolled    *bool      `json:"isEnrolledIn2Sv"`
	Enforced    *bool      `json:"isEnforcedIn2Sv"`
	ExternalIDs json.RawMessage
}

// employee is the employee number: the id that the organization itself gives.
func (u user) employee() string {
	var ids []struct{ Type, Value string }
	if json.Unmarshal(u.ExternalIDs, &ids) != nil {
		return ""
	}
	for _, id := range ids {
		if id.Type == "organization" {
			return strings.TrimSpace(id.Value)
		}
	}
	return ""
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
	f := source.Fields{"system": r.System, "login": u.Email, "email": u.Email, "kind": "human", "createdAt": told(u.Created)}
	if r.Service.Match(u.Email) {
		f["kind"] = "service"
	}
	state(f, u, a)
	if u.LastLogin != nil {
		f["lastUsedAt"] = *u.LastLogin
		if u.LastLogin.Unix() == 0 { // how Google writes that there was none
			f["lastUsedAt"] = audit.Never
		}
	}
	if u.Enforced != nil {
		f["mfa.enforced"] = *u.Enforced
	}
	if u.Enrolled != nil {
		f["mfa.enrolled"] = *u.Enrolled
	}
	switch {
	case is(u.Admin) || is(u.Delegated) || is(a.Holds):
		f["admin"] = true
	case u.Admin != nil && u.Delegated != nil:
		f["admin"] = false
	}
	r.Add("account", r.id(u.ID), time.Time{}, f)
	if l := r.Person.Link(r.id(u.ID), u.employee(), u.Email); l != nil {
		r.Add("link", r.id("link/"+u.ID), time.Time{}, l)
	}
}

func told(t *time.Time) any {
	if t == nil {
		return nil
	}
	return *t
}

// state is whether an account can sign in: suspended ones and archived ones cannot.
func state(f source.Fields, u user, a about) {
	switch {
	case is(u.Archived):
		f["status"] = "disabled"
	case is(u.Suspended):
		f["status"] = "suspended"
	case u.Suspended != nil && u.Archived != nil:
		f["status"], f["disabledAt"] = "active", audit.Never
		return
	default:
		return
	}
	f["disabledAt"] = told(a.SuspendedAt)
}

// A member of a group.
type member struct {
	ID   string `json:"id"`
	Role string `json:"role"`
	Type string `json:"type"`
}

var memberRoles = map[string]string{"OWNER": "owner", "MANAGER": "maintainer", "MEMBER": "member"}

func (r *reading) members(body []byte) error {
	var facts groupFacts
	elements, err := listMembers.sheet(body, &facts)
	if err != nil {
		return err
	}
	if facts.Group == "" {
		return errors.New("the page does not say whose members it lists")
	}
	r.Each(elements, func(e json.RawMessage) error {
		var m member
		if err := json.Unmarshal(e, &m); err != nil || m.Type != "USER" { // the whole organization has no id
			return err
		}
		if m.ID == "" {
			return errNoID
		}
		f := source.Fields{"account": r.id(m.ID), "system": r.System, "group": facts.Email, "role": memberRoles[m.Role]}
		if r.Privileged != nil {
			f["privileged"] = r.Privileged.Match(facts.Email) || r.Privileged.Match(facts.Name)
		}
		r.Add("membership", r.id("group-"+facts.Group+"/"+m.ID), time.Time{}, f)
		return nil
	})
	return nil
}

func (r *reading) assignments(body []byte) error {
	var facts roleFacts
	elements, err := listAssignments.sheet(body, &facts)
	if err != nil {
		return err
	}
	r.Each(elements, func(e json.RawMessage) error {
		var a assignment
		if err := decode(e, &a, &a.ID); err != nil {
			return err
		}
		if strings.EqualFold(a.Type, "group") { // its members are on pages of their own
			return nil
		}
		return r.role("role-"+a.ID, a.AssignedTo, facts.Roles[a.RoleID])
	})
	return nil
}

func (r *reading) roleMembers(body []byte) error {
	var facts heldFacts
	elements, err := listMembers.sheet(body, &facts)
	if err != nil {
		return err
	}
	r.Each(elements, func(e json.RawMessage) error {
		var m member
		if err := json.Unmarshal(e, &m); err != nil || m.Type != "USER" {
			return err
		}
		return r.role("role-"+facts.Assignment+"/"+m.ID, m.ID, facts.Name)
	})
	return nil
}

func (r *reading) role(id, account, name string) error {
	if account == "" {
		return errors.New("the assignment names no holder")
	}
	r.Add("membership", r.id(id), time.Time{}, source.Fields{"account": r.id(account), "system": r.System, "group": name, "role": "admin", "privileged": true})
	return nil
}

func (r *reading) tokens(body []byte) error {
	var facts tokenFacts
	elements, err := listTokens.sheet(body, &facts)
	if err != nil {
		return err
	}
	if facts.User == "" {
		return errors.New("the page does not say whose tokens it lists")
	}
	r.Each(elements, func(e json.RawMessage) error {
		var t struct {
			ClientID string `json:"clientId"`
		}
		if err := decode(e, &t, &t.ClientID); err != nil {
			return err
		}
		r.Add("key", r.id("token/"+facts.User+"/"+t.ClientID), time.Time{},
			source.Fields{"kind": "token", "system": r.System, "owner": r.id(facts.User), "status": "active"})
		return nil
	})
	return nil
}

// An activity is one entry of a log.
type activity struct {
	ID struct {
		Time      time.Time `json:"time"`
		Qualifier string    `json:"uniqueQualifier"`
	} `json:"id"`
	Actor struct {
		ProfileID string `json:"profileId"`
	} `json:"actor"`
	Events []event `json:"events"`
}

type event struct {
	Name       string `json:"name"`
	Parameters []struct {
		Name  string   `json:"name"`
		Value string   `json:"value"`
		Multi []string `json:"multiValue"`
	} `json:"parameters"`
}

func (e event) text(name string) string {
	for _, p := range e.Parameters {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

func (e event) texts(name string) []string {
	for _, p := range e.Parameters {
		if p.Name == name {
			return append(p.Multi, p.Value)
		}
	}
	return nil
}

// nobody stands for an actor without an account of the organization.
const nobody = "105250506097979753968"

// Ways of the second step, as the login log names them.
var secondSteps = []string{"google_authenticator", "google_prompt", "security_key", "security_key_otp", "backup_code", "internal_two_factor",
	"offline_otp", "idv_preregistered_phone", "idv_any_phone", "passkey"}

func (r *reading) signIn(e json.RawMessage) error {
	var a activity
	if err := decode(e, &a, &a.ID.Qualifier); err != nil {
		return err
	}
	for i, ev := range a.Events {
		result, ok := map[string]string{"login_success": "success", "login_failure": "failure"}[ev.Name]
		if !ok {
			continue
		}
		f := source.Fields{"system": r.System, "result": result}
		if a.Actor.ProfileID != "" && a.Actor.ProfileID != nobody {
			f["account"] = r.id(a.Actor.ProfileID)
		}
		if slices.ContainsFunc(ev.texts("login_challenge_method"), func(m string) bool { return slices.Contains(secondSteps, m) }) {
			f["mfa"] = true
		}
		id := "log/" + strconv.FormatInt(a.ID.Time.UnixMicro(), 10) + "/" + a.ID.Qualifier
		if i > 0 {
			id += "/" + strconv.Itoa(i)
		}
		r.Add("signIn", r.id(id), a.ID.Time, f)
	}
	return nil
}
