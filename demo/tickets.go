package demo

import "time"

// ticketTable holds the requests for access, the scripted tickets, and one lot
// of change tickets a month.
func (w *world) ticketTable() *table {
	t := &table{cols: columns("key project type summary status created closed due reporter assignee approver approved subject expires")}
	access, scriptedCount := w.size.People*grantsPerPerson, len(scriptedTickets)
	t.n = access + scriptedCount + w.size.TicketsPerMonth*ticketMonths
	t.make = func(i int) (thing, bool) {
		switch {
		case i < access:
			return w.accessTicketRow(t, w.person(i/grantsPerPerson), i%grantsPerPerson)
		case i < access+scriptedCount:
			return scriptedTicket(t, i-access)
		default:
			return w.changeTicket(t, i-access-scriptedCount)
		}
	}
	return t
}

// ticketMonths are the months change tickets are made in, December 2023 to
// December 2025, so that every change can name one of the month before it.
const ticketMonths = 25

func (w *world) accessTicketRow(t *table, p person, n int) (thing, bool) {
	if n == 1 && !p.engineer() || n == 2 && (!privileged(p) || p.i == noApproval) {
		return thing{}, false
	}
	made := on(addDays(p.start, -6), 10, 0)
	approved, closed := made.Add(3*time.Hour), on(p.start, 9, 30)
	subject := p.email
	if n == 1 {
		subject = p.handle
	}
	b := t.build().set("key", accessTicket(p, n), "project", "ACC", "type", "Access request", "summary", "Access for "+p.name, "status", "To do",
		"created", instantText(made), "reporter", p.manager, "assignee", "E0003", "subject", subject)
	if p.manager == "" {
		b.set("reporter", p.number)
	}
	b.th.born = made
	b.at(approved, "approver", "E0002", "approved", instantText(approved), "status", "In progress")
	b.at(closed, "status", "Done", "closed", instantText(closed))
	return b.done()
}

// A script is a ticket that is not a plain change or access request.
type script struct {
	key, kind, summary, subject string
	made, approved, closed, due time.Time
	expires                     time.Time
}

var scriptedTickets = []script{
	{key: "SEC-11", kind: "Deficiency", summary: "Bucket policy template allowed public reads", made: clock(2025, 6, 23, 16, 0), closed: clock(2025, 7, 10, 12, 0), due: day(2025, 7, 31)},
	{key: "SEC-12", kind: "Deficiency", summary: "Quarterly review list left out service accounts", made: clock(2025, 2, 4, 10, 0), closed: clock(2025, 5, 19, 12, 0), due: day(2025, 4, 15)},
	{key: "SEC-13", kind: "Deficiency", summary: "Restore test notes kept in a private folder", made: clock(2025, 9, 2, 10, 0), closed: clock(2025, 9, 24, 12, 0), due: day(2025, 10, 15)},
	{key: "EXC-3", kind: "Exception", summary: "Legacy partner endpoint keeps an older cipher", made: clock(2025, 1, 22, 15, 20), approved: clock(2025, 1, 22, 15, 0), closed: clock(2025, 4, 28, 12, 0), expires: day(2025, 5, 1)},
	{key: "EXC-4", kind: "Exception", summary: "Contractor laptop outside device management", made: clock(2025, 7, 8, 11, 30), approved: clock(2025, 7, 8, 11, 0), closed: clock(2025, 10, 20, 9, 0), expires: day(2025, 10, 1)},
	{key: "PRV-7", kind: "Privacy request", summary: "Copy of personal data", made: clock(2025, 3, 3, 9, 0), closed: clock(2025, 3, 19, 16, 0), due: day(2025, 4, 2)},
	{key: "PRV-8", kind: "Privacy request", summary: "Erasure of a contact", made: clock(2025, 8, 11, 9, 0), closed: clock(2025, 10, 2, 16, 0), due: day(2025, 9, 10)},
	{key: "PRV-9", kind: "Privacy request", summary: "Correction of an address", made: clock(2025, 12, 12, 9, 0), closed: clock(2026, 1, 6, 16, 0), due: day(2026, 1, 11)},
	{key: "DEL-2", kind: "Deletion", summary: "Customer data of Tarn & Fell after contract end", made: clock(2025, 2, 3, 9, 0), closed: clock(2025, 2, 24, 16, 0), due: day(2025, 3, 5)},
	{key: "DEL-3", kind: "Deletion", summary: "Customer data of Coldharbour Foods after contract end", made: clock(2025, 9, 1, 9, 0), closed: clock(2025, 9, 22, 16, 0), due: day(2025, 10, 1)},
}

func scriptedTicket(t *table, i int) (thing, bool) {
	s := scriptedTickets[i]
	b := t.build().set("key", s.key, "project", s.key[:3], "type", s.kind, "summary", s.summary, "status", "To do", "created", instantText(s.made),
		"due", instantText(s.due), "reporter", "E0003", "assignee", "E0003", "subject", s.subject, "expires", instantText(s.expires))
	b.th.born = s.made
	if !s.approved.IsZero() {
		b.set("approver", "E0002", "approved", instantText(s.approved)) // entered with its approval
	}
	b.at(s.made.Add(26*time.Hour), "status", "In progress")
	b.at(s.closed, "status", "Done", "closed", instantText(s.closed))
	return b.done()
}

// changeTicketKey names change ticket j of the month before month.
func (w *world) changeTicketKey(month time.Time, j int) string {
	m := (month.Year()-2024)*12 + int(month.Month()) - 1 // tickets of December 2023 are for January 2024
	return "LED-" + itoa(m*w.size.TicketsPerMonth+j+1)
}

func (w *world) changeTicket(t *table, i int) (thing, bool) {
	month := firstEvent.AddDate(0, i/w.size.TicketsPerMonth-1, 0)
	j := i % w.size.TicketsPerMonth
	made := on(nextWorkday(addDays(month, j*20/w.size.TicketsPerMonth)), 9, j%60)
	approved, closed := made.Add(5*time.Hour), on(nextWorkday(addDays(made, 45)), 17, j%60)
	who := w.coder(newRandom(w.seed, "ticket", i), made)
	b := t.build().set("key", "LED-"+itoa(i+1), "project", "LED", "type", "Change", "summary", "Improve reconciliation, part "+itoa(i+1), "status", "To do",
		"created", instantText(made), "reporter", "E0007", "assignee", who.number)
	b.th.born = made
	b.at(approved, "approver", "E0002", "approved", instantText(approved), "status", "In progress")
	b.at(closed, "status", "Done", "closed", instantText(closed))
	return b.done()
}
