package entra

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/rest"
)

// peopleOnPage is how many users share one page with what is known of them.
const peopleOnPage = 100

// A registration is what the report of registered methods says of an account.
type registration struct {
	Registered *bool     `json:"isMfaRegistered"`
	Methods    *[]string `json:"methodsRegistered"`
	Admin      *bool     `json:"isAdmin"`
}

// peopleFacts say what other answers of the same collection say of the users
// of a page.
type peopleFacts struct {
	Users map[string]about `json:"users"`
}

// about is what other answers say of one account. What is nil is not known.
type about struct {
	Registration *registration `json:"registration,omitempty"`
	Admin        *bool         `json:"admin,omitempty"`
	Enforced     *bool         `json:"enforced,omitempty"`
	DisabledAt   *time.Time    `json:"disabledAt,omitempty"`
}

const userFields = "id,userPrincipalName,mail,accountEnabled,userType,externalUserState,createdDateTime,employeeId,lastPasswordChangeDateTime"

func (r *run) people(ctx context.Context) error {
	accounts := r.Snapshot("account", "", cannotPeople, kindPeople)
	streams := []*source.Stream{accounts}
	if r.rules.Person != "" {
		streams = append(streams, r.Snapshot("link", "", cannotPeople, kindPeople))
	}
	if err := r.registrations(ctx, accounts); err != nil {
		return err
	}
	if err := r.disabledAt(ctx, accounts); err != nil {
		return err
	}
	path, err := r.userPath(ctx, accounts)
	if err != nil {
		return err
	}
	if err := r.users(ctx, path, streams); err != nil {
		return err
	}
	return r.Close(ctx, streams...)
}

// users reads the list and holds it to the source's own count, taken before
// and after: accounts come and go while it is read.
func (r *run) users(ctx context.Context, path string, streams []*source.Stream) error {
	before, err := r.count(ctx, streams[0])
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	perUser := true
	each := func(users []json.RawMessage) error {
		for some := range slices.Chunk(users, peopleOnPage) {
			if err := r.some(ctx, some, seen, &perUser, streams); err != nil {
				return err
			}
		}
		r.Progress("account", len(seen), max(before, 0))
		return nil
	}
	f, err := r.list(ctx, rest.List{Kind: kindUsers}, path, each, streams...)
	if f.Whole() && len(seen) == 0 {
		streams[0].Fail("the list of users names nobody: a tenant has at least one")
	}
	if err != nil || !f.Whole() || before < 0 {
		return err
	}
	want, got := before, len(seen)
	if got != before {
		if want, err = r.count(ctx, streams[0]); err != nil || want < 0 {
			return err
		}
	}
	for _, s := range streams {
		s.Reconcile("count at source", want, got)
	}
	return nil
}

// some seals users with what is known of each of them.
func (r *run) some(ctx context.Context, users []json.RawMessage, seen map[string]bool, perUser *bool, streams []*source.Stream) error {
	facts := peopleFacts{Users: map[string]about{}}
	type row struct {
		u user
		e json.RawMessage
	}
	var rows []row
	for _, e := range users {
		var u user
		if json.Unmarshal(e, &u) != nil || u.ID == "" {
			streams[0].Fail("a user without an id is on the list")
			continue
		}
		if !seen[u.ID] {
			seen[u.ID] = true
			rows = append(rows, row{u, e})
		}
	}
	var parts []rest.Part
	for _, one := range rows {
		a, part, err := r.about(ctx, one.u, perUser, streams[0])
		if err != nil {
			return err
		}
		facts.Users[one.u.ID] = a
		parts = append(parts, part...)
	}
	sheet := rest.NewSheet(facts)
	for _, one := range rows {
		sheet.AddElement(partUser+one.u.ID, one.e)
	}
	sheet.Answers = append(sheet.Answers, parts...)
	return r.Seal(ctx, audit.Page{Kind: kindPeople, Query: "GET /v1.0/users, with what other answers say of each", Body: sheet.Encode()}, streams...)
}

// about gathers what is known of a user. Only where no policy settles whether a
// second factor is asked for, the older per-user setting is read.
func (r *run) about(ctx context.Context, u user, perUser *bool, s *source.Stream) (about, []rest.Part, error) {
	a := about{Enforced: r.policies.enforced(u, r.roles)}
	if reg, ok := r.methods[u.ID]; ok {
		a.Registration = &reg
	}
	if r.roles.known {
		holds := len(r.roles.of[u.ID]) > 0
		a.Admin = &holds
	}
	if at, ok := r.disabled[u.ID]; ok && u.AccountEnabled != nil && !*u.AccountEnabled {
		a.DisabledAt = &at
	}
	if a.Enforced != nil || !*perUser || u.AccountEnabled == nil || !*u.AccountEnabled {
		return a, nil, nil
	}
	answer, err := r.rest.Get(ctx, "/beta/users/"+url.PathEscape(u.ID)+"/authentication/requirements")
	if err != nil {
		return a, nil, err
	}
	s.Asked("GET /beta/users/{id}/authentication/requirements")
	var sheet rest.Sheet
	sheet.Add(partPerUser+u.ID, answer)
	if !answer.OK() {
		s.Note("the per-user second factor is not collected: " + answer.Fault())
		*perUser = !answer.Refused() || answer.Status == 404 // a single user may have been deleted meanwhile
		return a, sheet.Answers, nil
	}
	a.Enforced = r.policies.perUser(answer.Body, u, r.roles)
	return a, sheet.Answers, nil
}

// registrations reads the report of registered methods. It needs a license: a
// refusal leaves the fields uncollected.
func (r *run) registrations(ctx context.Context, accounts *source.Stream) error {
	r.methods = map[string]registration{}
	each := func(list []json.RawMessage) error {
		for _, e := range list {
			var one struct {
				ID string `json:"id"`
				registration
			}
			if json.Unmarshal(e, &one) == nil && one.ID != "" {
				r.methods[one.ID] = one.registration
			}
		}
		return nil
	}
	return r.support(ctx, rest.List{Kind: kindRegistrations}, "/v1.0/reports/authenticationMethods/userRegistrationDetails?$top=999", each, accounts, "registered methods")
}

// disabledAt reads when accounts were disabled, as far back as the log goes.
func (r *run) disabledAt(ctx context.Context, accounts *source.Stream) error {
	r.disabled = map[string]time.Time{}
	each := func(list []json.RawMessage) error {
		for _, e := range list {
			var one struct {
				ActivityDateTime time.Time
				Result           string
				TargetResources  []struct{ ID string }
			}
			if json.Unmarshal(e, &one) != nil || one.Result != "success" {
				continue
			}
			for _, t := range one.TargetResources {
				if t.ID != "" && one.ActivityDateTime.After(r.disabled[t.ID]) {
					r.disabled[t.ID] = one.ActivityDateTime
				}
			}
		}
		return nil
	}
	span := audit.Span{From: r.Window.AsOf.Add(-kept), To: r.Window.AsOf}
	path := "/v1.0/auditLogs/directoryAudits?$filter=activityDisplayName%20eq%20'Disable%20account'%20and%20" + within("activityDateTime", span) + "&$top=999"
	return r.support(ctx, rest.List{Kind: kindDisabled}, path, each, accounts, "when accounts were disabled")
}

// support reads a list that only adds fields to accounts: a refusal leaves
// them uncollected, any other failure makes accounts incomplete.
func (r *run) support(ctx context.Context, l rest.List, path string, each func([]json.RawMessage) error, accounts *source.Stream, what string) error {
	aside := r.Snapshot("account", "", nil)
	f, err := r.list(ctx, l, path, each, aside)
	if err != nil {
		return err
	}
	for _, q := range aside.Queries {
		accounts.Asked(q)
	}
	switch {
	case f.Refused:
		accounts.Note(what + " could not be collected: " + f.Why)
	case !f.Whole():
		accounts.Fail(what + ": " + f.Why)
	}
	return nil
}

// userPath is what users are asked for with: their last sign-in only where the
// tenant's license lets it be read.
func (r *run) userPath(ctx context.Context, accounts *source.Stream) (string, error) {
	a, err := r.ask(ctx, kindActivity, rest.Ask{URI: r.rest.At("/v1.0/users?$select=id,signInActivity&$top=1")})
	if err != nil {
		return "", err
	}
	if a.OK() {
		return "/v1.0/users?$select=" + userFields + ",signInActivity&$top=120", nil
	}
	accounts.Note("the last sign-in could not be collected: " + a.Fault())
	return "/v1.0/users?$select=" + userFields + "&$top=999", nil
}
