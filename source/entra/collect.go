package entra

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

// Kinds of page. docs/sources/entra.md describes them.
const (
	kindCount         = "entra.count"             // how many users there are
	kindActivity      = "entra.activity"          // whether last sign-ins may be asked for
	kindUsers         = "entra.users"             // one page of users
	kindPeople        = "entra.people"            // some of these, with what other answers say of them
	kindRegistrations = "entra.registrations"     // one page of registered methods
	kindDisabled      = "entra.disabled"          // one page of the log of disabled accounts
	kindGroups        = "entra.groups"            // one page of groups
	kindMembers       = "entra.members"           // one page of one group's members
	kindRoles         = "entra.roles"             // one page of directory roles
	kindAssignments   = "entra.assignments"       // one page of their assignments
	kindRoleMembers   = "entra.roleMembers"       // one page of the members of a group that holds a role
	kindNamed         = "entra.namedGroup"        // one page of the members of a group that a policy names
	kindConditional   = "entra.conditionalAccess" // one page of conditional access policies
	kindDefaults      = "entra.securityDefaults"  // the security defaults
	kindDomains       = "entra.domains"           // one page of domains
	kindSettings      = "entra.settings"          // one page of the directory's settings
	kindApps          = "entra.servicePrincipals" // one page of applications people sign in to
	kindRegistered    = "entra.applications"      // one page of applications of the tenant's own
	kindSignIns       = "entra.signIns"           // one page of sign-ins
)

// Scopes of streams.
const (
	scopeRoles       = "directory roles"
	scopeConditional = "conditional access"
	scopeDefaults    = "security defaults"
	scopePasswords   = "passwords"
	scopeLockout     = "lockout"
	scopeRegistered  = "app registrations"
)

// A run is one collection.
type run struct {
	*source.Run
	rest  *rest.Client
	rules rules

	roles    holders // by account
	policies second
	methods  map[string]registration // by account
	disabled map[string]time.Time    // when an account was disabled, as the log has it
}

// Collect reads what accounts are held to first: roles, policies and reports.
// Without a secret every stream closes as incomplete.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	r := &run{Run: &source.Run{Source: c.System, Window: w, Sink: sink}, rules: c.rules}
	secret, locked := c.env.ResolveSecret(ctx, "secret", c.settings.Secret)
	r.rest = c.client(secret)
	if locked != nil {
		r.rest.Authorize = rest.Without(locked)
	}
	for _, part := range []func(context.Context) error{r.directoryRoles, r.conditional, r.defaults, r.passwords, r.people, r.groups, r.apps, r.registered, r.signIns} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return locked
}

// list reads every page of path and calls each with its elements. An error of
// each is returned: it is the sink's or the context's.
func (r *run) list(ctx context.Context, l rest.List, path string, each func([]json.RawMessage) error, streams ...*source.Stream) (rest.Fault, error) {
	l.Ask.URI, l.Next = r.rest.At(path), r.rest.NextURL("@odata.nextLink")
	return r.rest.ReadEach(ctx, r.Run, l, "value", each, streams...)
}

// ask asks for one answer and seals it.
func (r *run) ask(ctx context.Context, kind string, q rest.Ask, streams ...*source.Stream) (rest.Answer, error) {
	a, err := r.rest.Do(ctx, q)
	if err != nil {
		return a, err
	}
	media, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	p := audit.Page{Kind: kind, Query: a.Query, Media: media, Body: a.Body}
	if !a.OK() {
		p = rest.Failed(p, a)
	}
	return a, r.Seal(ctx, p, streams...)
}

// count asks how many users there are; -1 where that is not told.
func (r *run) count(ctx context.Context, s *source.Stream) (int, error) {
	q := rest.Ask{URI: r.rest.At("/v1.0/users/$count"), Header: map[string]string{"ConsistencyLevel": "eventual", "Accept": "text/plain"}}
	s.Asked(q.Query())
	a, err := r.ask(ctx, kindCount, q, s)
	if err != nil {
		return -1, err
	}
	n, bad := strconv.Atoi(strings.TrimSpace(string(bytes.TrimPrefix(a.Body, []byte("\uFEFF")))))
	if !a.OK() || bad != nil {
		s.Note("the number of users at the source is not told: " + a.Fault())
		return -1, nil
	}
	return n, nil
}

// A group as it is listed.
type group struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
}

// groupFacts say whose members a page lists.
type groupFacts struct {
	Group string `json:"group"`
	Name  string `json:"name"`
}

func membersOf(group string) string {
	return "/v1.0/groups/" + url.PathEscape(group) + "/transitiveMembers?$select=id&$top=999"
}

const membersAsked = "GET /v1.0/groups/{id}/transitiveMembers?$select=id&$top=999"

func (r *run) groups(ctx context.Context) error {
	s := r.Snapshot("membership", "", cannotGroups, kindMembers)
	each := func(groups []json.RawMessage) error {
		for _, e := range groups {
			var g group
			if json.Unmarshal(e, &g) != nil || g.ID == "" || g.DisplayName == "" {
				s.Fail("a group without an id or a name is on the list")
				continue
			}
			one := r.Snapshot("membership", "", nil)
			l := rest.List{Kind: kindMembers, Facts: groupFacts{Group: g.ID, Name: g.DisplayName}}
			f, err := r.list(ctx, l, membersOf(g.ID), nil, one)
			if err != nil {
				return err
			}
			s.Asked(membersAsked)
			s.Pages += one.Pages
			if !f.Whole() {
				s.Fail(fmt.Sprintf("members of %s: %s", g.DisplayName, f.Why))
			}
		}
		return nil
	}
	if _, err := r.list(ctx, rest.List{Kind: kindGroups}, "/v1.0/groups?$select=id,displayName&$top=999", each, s); err != nil {
		return err
	}
	return r.Close(ctx, s)
}

// passwords reads how long passwords of each domain last, and when accounts are
// locked where the tenant changed that.
func (r *run) passwords(ctx context.Context) error {
	domains := r.Snapshot("authPolicy", scopePasswords, cannotPolicies, kindDomains)
	path := "/v1.0/domains?$select=id,isVerified,authenticationType,passwordValidityPeriodInDays"
	if _, err := r.list(ctx, rest.List{Kind: kindDomains, Scope: scopePasswords}, path, nil, domains); err != nil {
		return err
	}
	lockout := r.Snapshot("authPolicy", scopeLockout, cannotPolicies, kindSettings)
	if _, err := r.list(ctx, rest.List{Kind: kindSettings, Scope: scopeLockout}, "/v1.0/groupSettings", nil, lockout); err != nil {
		return err
	}
	return r.Close(ctx, domains, lockout)
}

// apps reads what people sign in to, as the portal lists it.
func (r *run) apps(ctx context.Context) error {
	apps := r.Snapshot("application", "", cannotApps, kindApps)
	keys := r.Snapshot("key", "", cannotApps, kindApps)
	path := "/v1.0/servicePrincipals?$filter=tags/any(t:t%20eq%20'WindowsAzureActiveDirectoryIntegratedApp')" +
		"&$select=id,appId,displayName,accountEnabled,preferredSingleSignOnMode,passwordCredentials,keyCredentials&$top=100"
	if _, err := r.list(ctx, rest.List{Kind: kindApps}, path, nil, apps, keys); err != nil {
		return err
	}
	return r.Close(ctx, apps, keys)
}

func (r *run) registered(ctx context.Context) error {
	s := r.Snapshot("key", scopeRegistered, cannotApps, kindRegistered)
	path := "/v1.0/applications?$select=id,appId,displayName,passwordCredentials,keyCredentials&$top=100"
	if _, err := r.list(ctx, rest.List{Kind: kindRegistered, Scope: scopeRegistered}, path, nil, s); err != nil {
		return err
	}
	return r.Close(ctx, s)
}

// kept is how long Entra keeps its logs, with a license.
const kept = 30 * 24 * time.Hour

// recent is the part of the window that the logs reach.
func (r *run) recent() audit.Span {
	covers := r.Covers()
	if oldest := audit.Instant(r.Window.AsOf.Add(-kept)); covers.From.Before(oldest) {
		covers.From = oldest
	}
	return covers
}

func (r *run) signIns(ctx context.Context) error {
	covers := r.recent()
	if covers.Empty() {
		return nil
	}
	s := r.EventsIn(covers, "signIn", "", cannotSignIns, kindSignIns)
	l := rest.List{Kind: kindSignIns, About: covers}
	if _, err := r.list(ctx, l, "/v1.0/auditLogs/signIns?$filter="+within("createdDateTime", covers)+"&$top=1000", nil, s); err != nil {
		return err
	}
	return r.Close(ctx, s)
}

// within is the filter for what happened in a stretch.
func within(field string, s audit.Span) string {
	const layout = "2006-01-02T15:04:05.000Z"
	f := fmt.Sprintf("%s ge %s and %s lt %s", field, s.From.UTC().Format(layout), field, s.To.UTC().Format(layout))
	return strings.ReplaceAll(url.QueryEscape(f), "+", "%20")
}
