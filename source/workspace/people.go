package workspace

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

// peopleOnPage is how many users share one page with what is known of them.
const peopleOnPage = 100

// peopleFacts say what other answers of the same collection say of the users
// of a page.
type peopleFacts struct {
	Users map[string]about `json:"users"`
}

// about is what other answers say of one account. What is nil is not known.
type about struct {
	Holds       *bool      `json:"holds,omitempty"` // an administrator role
	SuspendedAt *time.Time `json:"suspendedAt,omitempty"`
}

const userFields = "id,primaryEmail,creationTime,lastLoginTime,suspended,archived,isAdmin,isDelegatedAdmin,isEnrolledIn2Sv,isEnforcedIn2Sv,externalIds"

func (r *run) people(ctx context.Context) error {
	accounts := r.Snapshot("account", "", cannotPeople, kindPeople)
	streams := []*source.Stream{accounts}
	if r.c.Person != "" {
		streams = append(streams, r.Snapshot("link", "", cannotPeople, kindPeople))
	}
	if err := r.suspensions(ctx, accounts); err != nil {
		return err
	}
	r.numbers = map[string]string{}
	seen := map[string]bool{}
	each := func(users []json.RawMessage) error {
		for some := range slices.Chunk(users, peopleOnPage) {
			if err := r.some(ctx, some, seen, streams); err != nil {
				return err
			}
		}
		r.Progress("account", len(seen), 0)
		return nil
	}
	path := "/admin/directory/v1/users?customer=" + r.c.settings.Customer + "&maxResults=500&orderBy=email&projection=basic&fields=kind,nextPageToken,users(" + userFields + ")"
	f, err := r.list(ctx, r.directory(scopeUsers), rest.List{Kind: kindUsers}, listUsers.at(path), each, streams...)
	if err != nil {
		return err
	}
	if !f.Whole() {
		r.users = nil
	} else if len(seen) == 0 {
		accounts.Fail("the list of users names nobody, not even the administrator who asks")
	}
	return r.Close(ctx, streams...)
}

// some seals users with what is known of each of them.
func (r *run) some(ctx context.Context, users []json.RawMessage, seen map[string]bool, streams []*source.Stream) error {
	facts := peopleFacts{Users: map[string]about{}}
	sheet := rest.NewSheet(nil)
	for _, e := range users {
		var u user
		if json.Unmarshal(e, &u) != nil || u.ID == "" {
			streams[0].Fail("a user without an id is on the list")
			continue
		}
		if seen[u.ID] { // its address was changed while the list was read
			continue
		}
		seen[u.ID] = true
		if r.c.settings.Tokens {
			r.users = append(r.users, u.ID)
		}
		if n := u.employee(); n != "" && r.c.Person != "" {
			r.numbers[strings.ToLower(u.Email)] = n
		}
		facts.Users[u.ID] = r.about(u)
		sheet.AddElement(partUser+u.ID, e)
	}
	whole := rest.NewSheet(facts)
	whole.Answers = sheet.Answers
	return r.Seal(ctx, audit.Page{Kind: kindPeople, Query: "GET /admin/directory/v1/users, with what other answers say of each", Body: whole.Encode()}, streams...)
}

func (r *run) about(u user) (a about) {
	if holds := r.admins[u.ID]; holds || r.adminsAll {
		a.Holds = &holds
	}
	if at, ok := r.suspended[strings.ToLower(u.Email)]; ok && (is(u.Suspended) || is(u.Archived)) {
		a.SuspendedAt = &at
	}
	return a
}

func is(b *bool) bool { return b != nil && *b }

// suspensions reads when accounts were suspended or archived, as far back as
// the log goes. A refusal leaves that uncollected.
func (r *run) suspensions(ctx context.Context, accounts *source.Stream) error {
	r.suspended = map[string]time.Time{}
	each := func(list []json.RawMessage) error {
		for _, e := range list {
			var a activity
			if json.Unmarshal(e, &a) != nil {
				continue
			}
			for _, ev := range a.Events {
				who := strings.ToLower(ev.text("USER_EMAIL"))
				if (ev.Name == "SUSPEND_USER" || ev.Name == "ARCHIVE_USER") && who != "" && a.ID.Time.After(r.suspended[who]) {
					r.suspended[who] = a.ID.Time
				}
			}
		}
		return nil
	}
	span := audit.Span{From: audit.Instant(r.Window.AsOf.Add(-kept)), To: audit.Instant(r.Window.AsOf)}
	for _, event := range []string{"SUSPEND_USER", "ARCHIVE_USER"} {
		aside := r.Snapshot("account", "", nil)
		f, err := r.list(ctx, r.directory(scopeReports), rest.List{Kind: kindSuspended, About: span}, r.activities("admin", event, span), each, aside)
		if err != nil {
			return err
		}
		for _, q := range aside.Queries {
			accounts.Asked(q)
		}
		switch {
		case withheld(f):
			accounts.Note("when accounts were suspended could not be collected: " + f.Why)
		case !f.Whole():
			accounts.Fail("when accounts were suspended: " + f.Why)
		}
	}
	return nil
}

// withheld reports that the system does not give what was asked for: it is not
// allowed, or there is no token for it because it was not delegated.
func withheld(f rest.Fault) bool { return f.Refused || strings.HasPrefix(f.Why, "no token:") }

// roleFacts are the names of roles by id, for a page of assignments.
type roleFacts struct {
	Roles map[string]string `json:"roles,omitempty"`
}

// heldFacts say which role the members of a group hold through it.
type heldFacts struct {
	Assignment string `json:"assignment"`
	Name       string `json:"name"`
}

// An assignment of an administrator role.
type assignment struct {
	ID         string `json:"roleAssignmentId"`
	RoleID     string `json:"roleId"`
	AssignedTo string `json:"assignedTo"`
	Type       string `json:"assigneeType"`
}

// roles reads who holds an administrator role, directly or through a group.
func (r *run) roles(ctx context.Context) error {
	s := r.Snapshot("membership", scopeMembersRoles, cannotRoles, kindAssignments, kindRoleMembers)
	client, groups := r.directory(scopeRoles), r.directory(scopeGroups)
	r.admins = map[string]bool{}
	names := map[string]string{}
	define := func(list []json.RawMessage) error {
		for _, e := range list {
			var d struct{ RoleID, RoleName string }
			if json.Unmarshal(e, &d) == nil && d.RoleID != "" {
				names[d.RoleID] = d.RoleName
			}
		}
		return nil
	}
	base := "/admin/directory/v1/customer/" + r.c.settings.Customer
	l := rest.List{Kind: kindRoles, Scope: scopeMembersRoles}
	if _, err := r.list(ctx, client, l, listRoles.at(base+"/roles?maxResults=100&fields=kind,nextPageToken,items(roleId,roleName,isSuperAdminRole)"), define, s); err != nil {
		return err
	}
	each := func(list []json.RawMessage) error {
		for _, e := range list {
			var a assignment
			if json.Unmarshal(e, &a) != nil || a.ID == "" || a.AssignedTo == "" {
				s.Fail("an assignment of a role without its holder is on the list")
				continue
			}
			if !strings.EqualFold(a.Type, "group") {
				r.admins[a.AssignedTo] = true
				continue
			}
			l := rest.List{Kind: kindRoleMembers, Scope: scopeMembersRoles, Facts: heldFacts{Assignment: a.ID, Name: names[a.RoleID]}}
			hold := func(id string) { r.admins[id] = true }
			if err := r.members(ctx, groups, l, a.AssignedTo, "members of the group that holds "+names[a.RoleID], hold, s); err != nil {
				return err
			}
		}
		return nil
	}
	l = rest.List{Kind: kindAssignments, Scope: scopeMembersRoles, Facts: roleFacts{Roles: names}}
	if _, err := r.list(ctx, client, l, listAssignments.at(base+"/roleassignments?maxResults=200"), each, s); err != nil {
		return err
	}
	r.adminsAll = !s.Failed()
	return r.Close(ctx, s)
}
