package demo

import "time"

// A membership of a person, in order: the department's group, the engineers'
// team, and the right to touch production.
const grantsPerPerson = 3

func (w *world) membershipTable() *table {
	t := &table{n: w.size.People * grantsPerPerson, cols: columns("id account system group role privileged granted_at approved_by ticket")}
	t.make = func(i int) (thing, bool) { return w.membership(t, w.person(i/grantsPerPerson), i%grantsPerPerson) }
	return t
}

func privileged(p person) bool {
	return p.engineer() && (p.i < 13 || p.i%20 == 5 || p.i == powerJoiner) || p.i == noApproval
}

func (w *world) membership(t *table, p person, n int) (thing, bool) {
	account, system, group, power := p.email, "okta", p.department, false
	switch {
	case n == 1 && p.engineer():
		account, system, group = p.handle, "github", "engineers"
	case n == 2 && privileged(p):
		account, system, group, power = p.email, "okta", "production-access", true
	case n > 0:
		return thing{}, false
	}
	granted := on(p.start, 9, 15).Add(time.Duration(n) * time.Minute)
	b := t.build().set("id", p.number+"-"+itoa(n+1), "account", account, "system", system, "group", group, "role", "member", "privileged", yes(power),
		"granted_at", instantText(granted), "approved_by", "E0002", "ticket", accessTicket(p, n))
	if p.i == noApproval && n == 2 {
		granted = clock(2025, 7, 9, 14, 25)
		b.set("granted_at", instantText(granted), "approved_by", "", "ticket", "")
		b.th.gone = clock(2025, 7, 24, 11, 0)
	}
	b.th.born = granted
	if at := p.removed(system); !at.IsZero() {
		b.th.gone = at
	}
	if !p.rehired.IsZero() {
		b.th.away = [2]time.Time{p.accessRemoved, on(p.rehired, 9, 15)}
		b.th.gone = time.Time{}
	}
	return b.done()
}

// accessTicket is the request a grant rests on.
func accessTicket(p person, n int) string { return "ACC-" + itoa(1000+p.i*grantsPerPerson+n) }
