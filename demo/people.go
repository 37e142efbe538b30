package demo

import (
	"fmt"
	"strings"
	"time"
)

// A person of Halyard. Persons 0 to 59 are the cast: what is seeded happens to
// them. The others, in the enterprise, come and go by chance and do it right.
type person struct {
	i                int
	number           string // E0001; the id of the person item
	name, email      string
	handle           string // mara-ashdown
	kind             string // Employee, Contractor, Intern
	department       string
	title            string
	manager          string // number
	start, end       time.Time
	rehired          time.Time // start of the second engagement; zero if there is none
	noticed          time.Time // when HR first knew of the end
	check, nda       time.Time // days before start; zero if never
	onboarded        time.Time
	offboarded       time.Time
	leave            [2]time.Time
	trained          time.Time // first security training
	acknowledged     time.Time // first acknowledgement of the policies; zero if never
	accessRemoved    time.Time // when every account was disabled
	cast             bool
	deactivateGithub time.Time // set where it differs from accessRemoved
}

const castSize = 60

// Cast members whose year is not as it should be, or only looks so.
const (
	ceo             = 0
	cto             = 1
	securityLead    = 2
	peopleLead      = 3
	noFactor        = 12
	noApproval      = 14
	lateTrained     = 20 // the yearly training of 2025, in January 2026
	onLeave         = 30
	removedAccount  = 37
	keptAccount     = 39
	weekendLeaver   = 40
	hostLeaver      = 41
	keyLeaver       = 42
	rehire          = 43
	checklistLeaver = 44
	tailLeaver      = 45
	formerPerson    = 46
	lastDayLeaver   = 47
	contractLeaver  = 48
	goodJoiner      = 50
	uncheckedJoiner = 51
	untrained       = 52
	unread          = 53
	unsigned        = 54
	slowJoiner      = 55
	powerJoiner     = 57
	lateJoiner      = 58
	preHire         = 59
)

var departments = []string{"Engineering", "Engineering", "Support", "Engineering", "Product", "Engineering", "Sales", "Engineering", "Finance", "Engineering"}

var leads = map[string]int{
	"Executive": ceo, "Engineering": cto, "Security": securityLead, "People": peopleLead, "Finance": 4, "Support": 5, "Product": 6, "Sales": 7,
}

var leadTitles = []string{
	"Chief Executive", "Chief Technology Officer", "Head of Security", "Head of People", "Head of Finance", "Head of Support", "Head of Product", "Head of Sales",
}

var leadDepartments = []string{"Executive", "Engineering", "Security", "People", "Finance", "Support", "Product", "Sales"}

func (w *world) person(i int) person {
	first, last := fullName(i)
	r := newRandom(w.seed, "person", i)
	p := person{i: i, number: fmt.Sprintf("E%04d", i+1), name: first + " " + last, kind: "Employee", cast: i < castSize}
	p.handle = strings.ToLower(first + "-" + last)
	p.email = strings.ToLower(first+"."+last) + "@halyard.example"
	p.start = nextWorkday(day(2019+r.below(5), r.between(1, 12), r.between(1, 28)))
	if i < len(leadTitles) {
		p.department, p.title, p.manager = leadDepartments[i], leadTitles[i], "E0001"
		if i == ceo {
			p.manager = ""
		}
	} else {
		p.department = departments[i%len(departments)]
		p.title = p.department + " specialist"
		p.manager = fmt.Sprintf("E%04d", leads[p.department]+1)
	}
	if i%16 == 15 && i < 40 {
		p.kind, p.title = "Contractor", p.department+" contractor"
	}
	if p.cast {
		w.cast(&p)
	} else {
		p.byChance(r)
	}
	p.follow()
	return p
}

// cast gives the scripted people their dates.
func (w *world) cast(p *person) {
	starts := map[int]time.Time{
		goodJoiner: day(2025, 1, 13), uncheckedJoiner: day(2025, 2, 3), untrained: day(2025, 3, 3), unread: day(2025, 5, 5),
		unsigned: day(2025, 6, 16), slowJoiner: day(2025, 8, 4), 56: day(2025, 9, 8), 57: day(2025, 10, 6),
		lateJoiner: day(2025, 12, 29), preHire: day(2026, 1, 12),
	}
	ends := map[int]time.Time{
		weekendLeaver: day(2025, 3, 14), hostLeaver: day(2025, 4, 23), keyLeaver: day(2025, 6, 18), rehire: day(2025, 2, 14),
		checklistLeaver: day(2025, 8, 29), tailLeaver: day(2025, 12, 30), formerPerson: day(2024, 10, 31),
		lastDayLeaver: day(2025, 12, 31), contractLeaver: day(2025, 9, 30),
	}
	if s, ok := starts[p.i]; ok {
		p.start = s
	}
	p.end = ends[p.i]
	switch p.i {
	case rehire:
		p.rehired = day(2025, 6, 2)
	case contractLeaver, 56:
		p.kind, p.title = "Contractor", p.department+" contractor"
	case keyLeaver:
		p.department, p.title, p.manager = "Engineering", "Engineering specialist", "E0002"
	case onLeave:
		p.leave = [2]time.Time{day(2025, 4, 1), day(2025, 9, 1)}
	}
}

// byChance lets one in twelve join and one in fourteen leave in the period.
func (p *person) byChance(r *random) {
	switch {
	case r.below(12) == 0:
		p.start = nextWorkday(addDays(periodFrom, r.between(5, 330)))
	case r.below(14) == 0:
		p.end = nextWorkday(addDays(periodFrom, r.between(5, 350)))
	}
}

// follow sets what follows from the dates when everything goes right, and then
// what is seeded.
func (p *person) follow() {
	p.check, p.nda = addDays(p.start, -12), addDays(p.start, -10)
	p.onboarded = nextWorkday(addDays(p.start, 4))
	p.trained = on(nextWorkday(addDays(p.start, 7)), 15, 20)
	p.acknowledged = on(nextWorkday(addDays(p.start, 1)), 11, 5)
	if !p.end.IsZero() {
		p.noticed = addDays(p.end, -25)
		p.offboarded = p.end
		p.accessRemoved = on(p.end, 17, 15)
	}
	switch p.i {
	case hostLeaver:
		p.deactivateGithub = clock(2025, 5, 2, 15, 40)
	case checklistLeaver:
		p.offboarded = day(2025, 9, 16)
	case tailLeaver:
		p.accessRemoved = clock(2025, 12, 30, 17, 15)
	case lastDayLeaver:
		p.accessRemoved, p.offboarded = clock(2026, 1, 2, 10, 0), day(2026, 1, 2)
	case uncheckedJoiner:
		p.check = time.Time{}
	case untrained:
		p.trained = clock(2025, 5, 20, 16, 10)
	case unread:
		p.acknowledged = time.Time{}
	case unsigned:
		p.nda = day(2025, 7, 8)
	case slowJoiner:
		p.onboarded = day(2025, 10, 22)
	case lateJoiner:
		p.onboarded, p.trained = day(2026, 1, 2), clock(2026, 1, 8, 10, 0)
		p.acknowledged = clock(2026, 1, 5, 9, 0)
	}
}

func (p *person) engineer() bool { return p.department == "Engineering" || p.department == "Security" }

// removed is when an account of p stopped working; zero while it works.
func (p *person) removed(system string) time.Time {
	if system == "github" && !p.deactivateGithub.IsZero() {
		return p.deactivateGithub
	}
	return p.accessRemoved
}

// rosterTable is the HR roster: everybody, those who left included.
func (w *world) rosterTable() *table {
	t := &table{n: w.size.People, cols: columns("employee_number full_name work_email engagement employment_status start_date end_date manager_number" +
		" department job_title background_check nda_signed onboarding_done offboarding_done last_review")}
	t.make = func(i int) (thing, bool) { return w.rosterRow(t, w.person(i)) }
	return t
}

func (w *world) rosterRow(t *table, p person) (thing, bool) {
	b := t.build().set("employee_number", p.number, "full_name", p.name, "work_email", p.email, "engagement", p.kind,
		"employment_status", "Pre-hire", "start_date", dateText(p.start), "manager_number", p.manager, "department", p.department,
		"job_title", p.title)
	b.th.born = addDays(p.start, -28)
	if !p.check.IsZero() {
		b.at(on(p.check, 12, 0), "background_check", dateText(p.check))
	}
	b.at(on(p.nda, 12, 0), "nda_signed", dateText(p.nda))
	b.at(p.start, "employment_status", "Active")
	b.at(on(p.onboarded, 16, 0), "onboarding_done", dateText(p.onboarded))
	rosterReviews(b, p)
	if !p.end.IsZero() {
		b.at(on(p.noticed, 10, 0), "end_date", dateText(p.end))
		b.at(on(p.offboarded, 16, 30), "offboarding_done", dateText(p.offboarded))
		b.at(addDays(p.end, 1), "employment_status", "Terminated")
	}
	if !p.rehired.IsZero() {
		rosterReturn(b, p.rehired)
	}
	if !p.leave[0].IsZero() {
		b.at(p.leave[0], "employment_status", "On leave").at(p.leave[1], "employment_status", "Active")
	}
	return b.done()
}

// rosterReviews dates the yearly performance review: after three months, then
// every November, each a few days earlier than the year before.
func rosterReviews(b *builder, p person) {
	review := func(d time.Time) {
		if d.After(p.start) && (p.end.IsZero() || d.Before(p.end) || !p.rehired.IsZero()) {
			b.at(on(d, 16, 0), "last_review", dateText(d))
		}
	}
	review(nextWorkday(addDays(p.start, 85)))
	for y := p.start.Year(); y <= 2025; y++ {
		if d := nextWorkday(day(y, 11, 24-2*(y-2018))); d.After(addDays(p.start, 90)) {
			review(d)
		}
	}
}

// rosterReturn is the second engagement of a person who came back.
func rosterReturn(b *builder, start time.Time) {
	check := addDays(start, -11)
	b.at(on(addDays(start, -14), 11, 0), "employment_status", "Pre-hire", "start_date", dateText(start), "end_date", "",
		"offboarding_done", "", "onboarding_done", "")
	b.at(on(check, 12, 0), "background_check", dateText(check), "nda_signed", dateText(check))
	b.at(start, "employment_status", "Active")
	done := nextWorkday(addDays(start, 4))
	b.at(on(done, 16, 0), "onboarding_done", dateText(done))
}
