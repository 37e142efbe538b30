package workspace

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

// Kinds of page. docs/sources/google-workspace.md describes them.
const (
	kindUsers         = "workspace.users"           // one page of users
	kindPeople        = "workspace.people"          // some of these, with what other answers say of them
	kindSuspended     = "workspace.suspended"       // one page of the log of suspended and archived accounts
	kindGroups        = "workspace.groups"          // one page of groups
	kindMembers       = "workspace.members"         // one page of one group's members
	kindRoles         = "workspace.roles"           // one page of administrator roles
	kindAssignments   = "workspace.roleAssignments" // one page of their assignments
	kindRoleMembers   = "workspace.roleMembers"     // one page of the members of a group that holds a role
	kindPolicies      = "workspace.policies"        // one page of rules
	kindMobileList    = "workspace.mobileList"      // one page of mobile devices
	kindMobile        = "workspace.mobile"          // the same, with whose they are
	kindChromeList    = "workspace.chromeList"      // one page of ChromeOS devices
	kindChrome        = "workspace.chrome"          // the same, with whose they are
	kindTokens        = "workspace.tokens"          // what applications one account gave access to
	kindSignIns       = "workspace.signIns"         // one page of sign-ins
	scopeMembersRoles = "administrator roles"
	scopeMobileDevice = "mobile"
	scopeChromeDevice = "chromeos"
)

// A run is one collection.
type run struct {
	*source.Run
	c   *collector
	key serviceKey

	admins    map[string]bool      // accounts that hold a role
	adminsAll bool                 // every assignment was read
	suspended map[string]time.Time // by address: when an account was suspended or archived, as the log has it
	numbers   map[string]string    // by address: employee number
	users     []string             // ids, where tokens are read
}

// Collect reads roles and the log first: accounts are held to them. Without a
// key every stream closes as incomplete.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	r := &run{Run: &source.Run{Source: c.System, Window: w, Sink: sink}, c: c}
	var locked error
	if r.key, locked = c.readKey(ctx); locked != nil {
		shut := *c
		shut.locked, r.c = locked, &shut
	}
	parts := []func(context.Context) error{r.roles, r.people, r.groups, r.policies, r.mobile, r.chrome, r.signIns}
	if c.settings.Tokens {
		parts = append(parts, r.tokens)
	}
	for _, part := range parts {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return locked
}

// A listing is one list of the Admin SDK.
type listing struct {
	path string // with query
	kind string // what the answer calls itself, "" where it does not
	name string // of the list in it
}

// list reads every page and calls each with its elements. An error of each is
// returned: it is the sink's or the context's.
func (r *run) list(ctx context.Context, client *rest.Client, l rest.List, what listing, each func([]json.RawMessage) error, streams ...*source.Stream) (rest.Fault, error) {
	var failed error
	l.Ask = rest.Ask{URI: client.At(what.path)}
	l.Next = rest.NextToken(l.Ask, "nextPageToken", "pageToken")
	l.Each = func(a rest.Answer) (bool, error) {
		elements, err := what.elements(a.Body)
		if err != nil || each == nil {
			return true, err
		}
		failed = each(elements)
		return failed == nil, nil
	}
	f, err := client.Read(ctx, r.Run, l, streams...)
	if failed != nil {
		return f, failed
	}
	return f, err
}

// elements splits an answer. Google leaves an empty list out: the answer's
// kind then says that it is one.
func (l listing) elements(body []byte) ([]json.RawMessage, error) {
	var obj map[string]json.RawMessage
	if err := json.Unmarshal(body, &obj); err != nil || obj == nil {
		return nil, fmt.Errorf("the answer is not a JSON object")
	}
	var kind string
	if raw, ok := obj["kind"]; ok && json.Unmarshal(raw, &kind) != nil || kind != l.kind {
		return nil, fmt.Errorf("the answer calls itself %q, not %q", kind, l.kind)
	}
	raw, ok := obj[l.name]
	if !ok || string(raw) == "null" {
		return nil, nil
	}
	var out []json.RawMessage
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("%s is not a list", l.name)
	}
	return out, nil
}

var (
	listUsers       = listing{kind: "admin#directory#users", name: "users"}
	listGroups      = listing{kind: "admin#directory#groups", name: "groups"}
	listMembers     = listing{kind: "admin#directory#members", name: "members"}
	listRoles       = listing{kind: "admin#directory#roles", name: "items"}
	listAssignments = listing{kind: "admin#directory#roleAssignments", name: "items"}
	listMobile      = listing{kind: "admin#directory#mobiledevices", name: "mobiledevices"}
	listChrome      = listing{kind: "admin#directory#chromeosdevices", name: "chromeosdevices"}
	listTokens      = listing{kind: "admin#directory#tokenList", name: "items"}
	listActivities  = listing{kind: "admin#reports#activities", name: "items"}
	listPolicies    = listing{name: "policies"}
)

// at is a listing of path.
func (l listing) at(path string) listing {
	l.path = path
	return l
}

func (r *run) directory(scope string) *rest.Client { return r.c.client(r.key, r.c.base, scope) }

// A group as it is listed.
type group struct {
	ID    string `json:"id"`
	Email string `json:"email"`
	Name  string `json:"name"`
}

// groupFacts say whose members a page lists.
type groupFacts struct {
	Group string `json:"group"`
	Email string `json:"email"`
	Name  string `json:"name,omitempty"`
}

func membersOf(group string) listing {
	return listMembers.at("/admin/directory/v1/groups/" + url.PathEscape(group) +
		"/members?includeDerivedMembership=true&maxResults=200&fields=kind,nextPageToken,members(id,email,role,type,status)")
}

const membersAsked = "GET /admin/directory/v1/groups/{id}/members?includeDerivedMembership=true"

func (r *run) groups(ctx context.Context) error {
	s := r.Snapshot("membership", "", cannotGroups, kindMembers)
	client := r.directory(scopeGroups)
	each := func(groups []json.RawMessage) error {
		for _, e := range groups {
			var g group
			if json.Unmarshal(e, &g) != nil || g.ID == "" || g.Email == "" {
				s.Fail("a group without an id or an address is on the list")
				continue
			}
			l := rest.List{Kind: kindMembers, Facts: groupFacts{Group: g.ID, Email: g.Email, Name: g.Name}}
			if err := r.members(ctx, client, l, g.ID, "members of "+g.Email, nil, s); err != nil {
				return err
			}
		}
		return nil
	}
	path := "/admin/directory/v1/groups?customer=" + r.c.settings.Customer + "&maxResults=200&fields=kind,nextPageToken,groups(id,email,name)"
	if _, err := r.list(ctx, client, rest.List{Kind: kindGroups}, listGroups.at(path), each, s); err != nil {
		return err
	}
	return r.Close(ctx, s)
}

// members reads one group's members, those of inner groups too, and hands on
// the ids of accounts among them.
func (r *run) members(ctx context.Context, client *rest.Client, l rest.List, group, what string, user func(id string), s *source.Stream) error {
	aside := r.Snapshot("membership", s.Scope, nil)
	each := func(list []json.RawMessage) error {
		for _, e := range list {
			var m member
			switch {
			case json.Unmarshal(e, &m) != nil:
			case m.Type == "CUSTOMER":
				s.Note(what + ": every account of the organization is one; they are not listed")
			case m.Type == "USER" && user != nil:
				user(m.ID)
			}
		}
		return nil
	}
	f, err := r.list(ctx, client, l, membersOf(group), each, aside)
	if err != nil {
		return err
	}
	s.Asked(membersAsked)
	s.Pages += aside.Pages
	if !f.Whole() {
		s.Fail(what + ": " + f.Why)
	}
	return nil
}

func (r *run) policies(ctx context.Context) error {
	s := r.Snapshot("authPolicy", "", cannotPolicies, kindPolicies)
	q := url.Values{"pageSize": {"100"}, "filter": {`setting.type.matches('^settings/security\\..*$')`}}
	if r.c.settings.Customer != "my_customer" {
		q.Set("filter", q.Get("filter")+` && customer == "customers/`+r.c.settings.Customer+`"`)
	}
	if _, err := r.list(ctx, r.c.client(r.key, r.c.policies, scopePolicies), rest.List{Kind: kindPolicies}, listPolicies.at("/v1/policies?"+q.Encode()), nil, s); err != nil {
		return err
	}
	return r.Close(ctx, s)
}

// kept is how long Google keeps its logs.
const kept = 180 * 24 * time.Hour

// recent is the part of the window that the logs reach.
func (r *run) recent() audit.Span {
	covers := r.Covers()
	if oldest := audit.Instant(r.Window.AsOf.Add(-kept)); covers.From.Before(oldest) {
		covers.From = oldest
	}
	return covers
}

func (r *run) activities(application, event string, s audit.Span) listing {
	const layout = "2006-01-02T15:04:05.000Z"
	q := url.Values{"startTime": {s.From.UTC().Format(layout)}, "endTime": {s.To.UTC().Format(layout)}, "maxResults": {"1000"}}
	if event != "" {
		q.Set("eventName", event)
	}
	if c := r.c.settings.Customer; c != "my_customer" {
		q.Set("customerId", c)
	}
	return listActivities.at("/admin/reports/v1/activity/users/all/applications/" + application + "?" + q.Encode())
}

func (r *run) signIns(ctx context.Context) error {
	covers := r.recent()
	if covers.Empty() {
		return nil
	}
	s := r.EventsIn(covers, "signIn", "", cannotSignIns, kindSignIns)
	l := rest.List{Kind: kindSignIns, About: covers}
	if _, err := r.list(ctx, r.directory(scopeReports), l, r.activities("login", "", covers), nil, s); err != nil {
		return err
	}
	return r.Close(ctx, s)
}

// tokenFacts say whose tokens a page lists.
type tokenFacts struct {
	User string `json:"user"`
}

// tokens asks for what applications each account gave access to.
func (r *run) tokens(ctx context.Context) error {
	s := r.Snapshot("key", "", cannotTokens, kindTokens)
	if r.users == nil {
		return r.Refuse(ctx, "the list of accounts, whose tokens these are, could not be read", s)
	}
	client := r.directory(scopeTokens)
	for _, id := range r.users {
		aside := r.Snapshot("key", "", nil)
		l := rest.List{Kind: kindTokens, Facts: tokenFacts{User: id}}
		f, err := r.list(ctx, client, l, listTokens.at("/admin/directory/v1/users/"+url.PathEscape(id)+"/tokens"), nil, aside)
		if err != nil {
			return err
		}
		s.Asked("GET /admin/directory/v1/users/{id}/tokens")
		s.Pages += aside.Pages
		s.Fail(f.Why)
		if withheld(f) && f.Status != 404 { // it will be for all of them
			break
		}
	}
	return r.Close(ctx, s)
}
