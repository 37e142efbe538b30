package demo

import (
	"fmt"
	"time"
)

// A system people sign in to. Accounts of people come first, in the order of
// the people; then the accounts that belong to nobody.
type system struct {
	name string
	has  func(p person) bool
	row  func(w *world, t *table, p person) *builder
	own  func(t *table) []thing
	cols string
}

func everybody(person) bool     { return true }
func engineers(p person) bool   { return p.engineer() }
func cloudPeople(p person) bool { return p.engineer() && p.i%8 != 3 }
func money(p person) bool {
	return p.department == "Finance" || p.department == "Executive" || p.i == peopleLead
}
func accountStart(p person) time.Time { return on(p.start, 8, 30) }

var oktaSystem = system{name: "okta", has: everybody, row: oktaRow, own: oktaServices,
	cols: "id login email employeeNumber type status created deactivated passwordChanged admin:b sso:b mfa.required:b mfa.enrolled:b mfa.factors:l lastLogin"}

var githubSystem = system{name: "github", has: engineers, row: githubRow, own: githubBots,
	cols: "login email employee_number type state role created_at suspended_at two_factor.required:b two_factor.enrolled:b two_factor.methods:l saml_only:b password"}

var awsSystem = system{name: "aws", has: cloudPeople, row: awsRow, own: awsServices,
	cols: "arn user employee_number user_kind enabled user_creation_time disabled_time password_last_changed console_admin mfa_required mfa_active mfa_devices federated"}

var deskSystem = system{name: "desk", has: everybody, row: deskRow,
	cols: "accountId displayName emailAddress employeeNumber active created deactivated admin factorRequired factorEnrolled factors sso"}

// booksSystem, the accounting service, does not export anything about second
// factors: that field is never collected.
var booksSystem = system{name: "books", has: money, row: booksRow, cols: "user email employee_number state since until superuser sso"}

func (w *world) accountTable(s *system) *table {
	t := &table{cols: columns(s.cols)}
	var own []thing
	if s.own != nil {
		own = s.own(t)
	}
	t.n = w.size.People + len(own)
	t.make = func(i int) (thing, bool) {
		if i >= w.size.People {
			return own[i-w.size.People], true
		}
		p := w.person(i)
		if !s.has(p) {
			return thing{}, false
		}
		b := s.row(w, t, p)
		b.th.born = accountStart(p)
		return b.done()
	}
	return t
}

// passwordTexts are the yearly changes of a password.
func (b *builder) passwords(p person, name string) {
	for y := p.start.Year(); y <= 2025; y++ {
		at := clock(y, 2, 18, 9, 12+p.i%40)
		if at.Before(p.start) {
			at = on(p.start, 9, 0)
		}
		if p.end.IsZero() || at.Before(p.end) {
			b.at(at, name, instantText(at))
		}
	}
}

// ended writes the end of an account, and its return with a person re-hired.
func (b *builder) ended(p person, system, status, on, off, when string) {
	at := p.removed(system)
	if at.IsZero() {
		return
	}
	b.at(at, status, off, when, instantText(at))
	if !p.rehired.IsZero() {
		b.at(p.rehired.Add(8*time.Hour+30*time.Minute), status, on, when, "")
	}
}

func oktaRow(w *world, t *table, p person) *builder {
	b := t.build().set("id", "00u"+newRandom(w.seed, "okta", p.i).hex(12), "login", p.email, "email", p.email, "employeeNumber", p.number,
		"type", "person", "status", "ACTIVE", "created", instantText(accountStart(p)), "admin", truth(p.i == cto || p.i == securityLead),
		"sso", "true", "mfa.required", "true", "mfa.enrolled", "true", "mfa.factors", "webauthn;totp")
	b.passwords(p, "passwordChanged")
	if b.th.edits == nil {
		b.set("passwordChanged", instantText(accountStart(p)))
	}
	if p.i == noFactor {
		from, to := clock(2025, 5, 12, 11, 3), clock(2025, 5, 15, 16, 21)
		b.during(from, to, "mfa.required", "false").during(from, to, "mfa.enrolled", "false").during(from, to, "mfa.factors", "")
	}
	b.ended(p, "okta", "status", "ACTIVE", "DEPROVISIONED", "deactivated")
	return b
}

func oktaServices(t *table) []thing {
	var out []thing
	for i, name := range []string{"svc-hr-sync", "svc-scim", "svc-report"} {
		created := clock(2023, 4+i, 3, 10, 0)
		b := t.build().set("id", fmt.Sprintf("00usvc%06d", i+1), "login", name, "type", "service", "status", "ACTIVE", "created", instantText(created),
			"admin", "false", "sso", "false", "mfa.required", "false", "mfa.enrolled", "false")
		th, _ := b.done()
		out = append(out, th)
	}
	return out
}

func githubRow(_ *world, t *table, p person) *builder {
	role := "member"
	if p.i == cto {
		role = "owner"
	}
	b := t.build().set("login", p.handle, "email", p.email, "employee_number", p.number, "type", "User", "state", "active", "role", role,
		"created_at", instantText(accountStart(p)), "two_factor.required", "true", "two_factor.enrolled", "true",
		"two_factor.methods", "webauthn", "saml_only", "true", "password", "none")
	b.ended(p, "github", "state", "active", "suspended", "suspended_at")
	return b
}

func githubBots(t *table) []thing {
	var out []thing
	for i, name := range []string{"halyard-deploy", "halyard-deps-bot"} {
		b := t.build().set("login", name, "type", "Bot", "state", "active", "role", "member", "created_at", instantText(clock(2022, 5+i, 9, 9, 0)),
			"two_factor.required", "false", "two_factor.enrolled", "false", "saml_only", "false", "password", "none")
		th, _ := b.done()
		out = append(out, th)
	}
	return out
}

const prodAccount = "411122223333"

func awsARN(handle string) string { return "arn:aws:iam::" + prodAccount + ":user/" + handle }

func awsRow(_ *world, t *table, p person) *builder {
	b := t.build().set("arn", awsARN(p.handle), "user", p.handle, "employee_number", p.number, "user_kind", "person", "enabled", "true",
		"user_creation_time", instantText(accountStart(p)), "password_last_changed", "N/A", "console_admin", truth(p.i == cto),
		"mfa_required", "true", "mfa_active", "true", "mfa_devices", "hardware key", "federated", "true")
	b.ended(p, "aws", "enabled", "true", "false", "disabled_time")
	if at, ok := reviewedAway[p.i]; ok {
		b.at(at, "enabled", "false", "disabled_time", instantText(at))
	}
	return b
}

// reviewedAway are people whose cloud account an access review wanted removed:
// one was removed the next day, the other two months later.
var reviewedAway = map[int]time.Time{
	removedAccount: clock(2025, 3, 18, 10, 5),
	keptAccount:    clock(2025, 11, 20, 15, 30),
}

func awsServices(t *table) []thing {
	root, _ := t.build().set("arn", "arn:aws:iam::"+prodAccount+":root", "user", "<root_account>", "user_kind", "root", "enabled", "true",
		"user_creation_time", instantText(clock(2019, 2, 4, 9, 0)), "password_last_changed", instantText(clock(2024, 12, 2, 15, 0)),
		"console_admin", "true", "mfa_required", "true", "mfa_active", "true", "mfa_devices", "hardware key", "federated", "false").done()
	out := []thing{root}
	for i, name := range []string{"svc-backup", "svc-deploy", "svc-metrics", "svc-mail"} {
		th, _ := t.build().set("arn", awsARN(name), "user", name, "user_kind", "service", "enabled", "true",
			"user_creation_time", instantText(clock(2022, 2+i, 14, 9, 0)), "password_last_changed", "N/A", "console_admin", "false",
			"mfa_required", "false", "mfa_active", "false", "mfa_devices", "", "federated", "false").done()
		out = append(out, th)
	}
	return out
}

func deskRow(_ *world, t *table, p person) *builder {
	b := t.build().set("accountId", "desk-"+p.number, "displayName", p.name, "emailAddress", p.email, "employeeNumber", p.number, "active", "yes",
		"created", instantText(accountStart(p)), "admin", yes(p.i == 5), "factorRequired", "yes", "factorEnrolled", "yes",
		"factors", "via identity provider", "sso", "yes")
	b.ended(p, "desk", "active", "yes", "no", "deactivated")
	return b
}

func booksRow(_ *world, t *table, p person) *builder {
	b := t.build().set("user", p.handle, "email", p.email, "employee_number", p.number, "state", "open",
		"since", instantText(accountStart(p)), "superuser", yes(p.i == 4), "sso", "yes")
	b.ended(p, "books", "state", "open", "closed", "until")
	return b
}

func truth(v bool) string {
	if v {
		return "true"
	}
	return "false"
}

func yes(v bool) string {
	if v {
		return "yes"
	}
	return "no"
}

// appSystem is one more application that everybody in the enterprise uses. It
// exports as the ticket system does.
func appSystem(i int) system {
	name := "app" + itoa(i+1)
	s := deskSystem
	s.name = name
	s.row = func(_ *world, t *table, p person) *builder {
		b := t.build().set("accountId", name+"-"+p.number, "displayName", p.name, "emailAddress", p.email, "employeeNumber", p.number, "active", "yes",
			"created", instantText(accountStart(p)), "admin", "no", "factorRequired", "yes", "factorEnrolled", "yes", "factors", "via identity provider", "sso", "yes")
		b.ended(p, name, "active", "yes", "no", "deactivated")
		return b
	}
	return s
}
