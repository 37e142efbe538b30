package demo

import (
	"fmt"
	"time"
)

const unprotectedRepository = 4

// rulesOff and rulesOn are the week in which its branch had no rules.
var rulesOff, rulesOn = clock(2025, 7, 14, 10, 30), clock(2025, 7, 21, 15, 0)

var repositoryWords = []string{"ledger-api", "ledger-web", "matcher", "ingest", "payouts", "statements", "infrastructure", "notifier", "auth-gateway", "exports", "reports", "partner-sdk"}

// repositoryName of number i. The first twelve are what production is built from.
func repositoryName(i int) string {
	if i < len(repositoryWords) {
		return "halyard/" + repositoryWords[i]
	}
	return fmt.Sprintf("halyard/%s-%03d", repositoryWords[i%len(repositoryWords)], i)
}

func (w *world) production(repo int) bool { return repo < len(repositoryWords) || repo%4 == 1 }

func archived(repo int) bool { return repo >= len(repositoryWords) && repo%13 == 7 }

func (w *world) repositoryTable() *table {
	t := &table{n: w.size.Repositories, cols: columns("full_name host visibility archived:b production:b default_branch security.code_scanning:b security.secret_scanning:b security.dependency_alerts:b")}
	t.make = func(i int) (thing, bool) {
		return t.build().set("full_name", repositoryName(i), "host", "github.example", "visibility", "private", "archived", truth(archived(i)),
			"production", truth(w.production(i) && !archived(i)), "default_branch", "main", "security.code_scanning", "true",
			"security.secret_scanning", "true", "security.dependency_alerts", "true").done()
	}
	return t
}

func (w *world) protectionTable() *table {
	t := &table{n: w.size.Repositories, cols: columns("repository branch enabled:b approvals:i dismiss_stale:b code_owners:b checks:l enforce_admins:b" +
		" allow_force_push:b allow_deletion:b signatures:b bypass:l")}
	t.make = func(i int) (thing, bool) {
		b := t.build().set("repository", repositoryName(i), "branch", "main", "enabled", "true", "approvals", "1", "dismiss_stale", "true",
			"code_owners", "true", "checks", "build;test", "enforce_admins", "true", "allow_force_push", "false", "allow_deletion", "false",
			"signatures", "true")
		if i == unprotectedRepository {
			from, to := rulesOff, rulesOn
			for _, name := range []string{"enabled", "dismiss_stale", "code_owners", "enforce_admins", "signatures"} {
				b.during(from, to, name, "false")
			}
			b.during(from, to, "approvals", "0").during(from, to, "checks", "")
			b.during(from, to, "allow_force_push", "true").during(from, to, "allow_deletion", "true")
		}
		return b.done()
	}
	return t
}

// A commitKind says how a change reached the branch.
type commitKind int

const (
	ordinary commitKind = iota
	byBot
	emergency
	emergencyLate
	directPush
	noReview
	selfReview
	failedChecks
	failedDeployment
	lastMoment
)

// A merge is one change on a default branch, with what came of it.
type merge struct {
	repo             int
	number           int
	kind             commitKind
	author, reviewer string
	opened, merged   time.Time
	sha              string
	ticket           string
	later            time.Time // approval after the merge
	deployed         time.Time // zero: not deployed
}

func (m *merge) id() string { return repositoryName(m.repo) + "@" + m.sha[:12] }

// scripted changes: the seeded ones and the ones that only look wrong.
var scripted = []merge{
	{repo: 2, kind: directPush, merged: clock(2025, 2, 20, 22, 14)},
	{repo: 0, kind: directPush, merged: clock(2025, 9, 17, 7, 48)},
	{repo: 1, kind: noReview, merged: clock(2025, 4, 15, 16, 33)},
	{repo: 5, kind: selfReview, merged: clock(2025, 8, 19, 11, 7)},
	{repo: 0, kind: emergency, merged: clock(2025, 3, 25, 23, 40), later: clock(2025, 3, 26, 10, 15)},
	{repo: 8, kind: emergencyLate, merged: clock(2025, 5, 27, 20, 5), later: clock(2025, 6, 12, 9, 30)},
	{repo: 3, kind: failedChecks, merged: clock(2025, 10, 8, 14, 52)},
	{repo: 2, kind: failedDeployment, merged: clock(2025, 11, 12, 15, 21)},
	{repo: 1, kind: lastMoment, merged: time.Date(2025, 12, 31, 23, 59, 59, 999999000, zone)},
}

// changeColumns is the audit export of the code host: one line a merge request
// merged or commit pushed, numbered without a gap by the host.
var changeColumns = columns("sequence:i repository branch number:i title author merged_by sha short parents:i opened_at merged_at direct:b revert:b emergency:b bot:b signed:b" +
	" approvals:l approvals_after:l approved_after_at tested_by:l checks.required:b checks.failed:l checks.succeeded:l tickets:l")

var checkColumns = columns("id repository sha name conclusion completed_at")

var deploymentColumns = columns("id repository sha environment creator automated:b result change checks_ok:b created_at")

// changes are a month's merges, in order of time. A merge in the middle of the
// enterprise's year costs nothing but its own making.
func (w *world) changes(month time.Time) []merge {
	next := month.AddDate(0, 1, 0)
	days := int(next.Sub(month).Hours()/24 + 0.5)
	n := w.size.ChangesPerMonth
	if w.size.Changes && month.Before(firstMonth) {
		n /= 20 // history the host kept of the year before
	}
	r := newRandom(w.seed, "changes", int(month.Unix()))
	out := make([]merge, 0, n+2)
	for i := range n {
		d := nextWorkday(addDays(month, i*days/n))
		if !d.Before(next) {
			d = addDays(month, 1)
			for !workday(d) {
				d = addDays(d, 1)
			}
		}
		out = append(out, w.change(r, d))
	}
	for i, s := range scripted {
		if !s.merged.Before(month) && s.merged.Before(next) {
			out = append(out, w.scriptedChange(i, s))
		}
	}
	sortBy(out, func(m merge) time.Time { return m.merged })
	return out
}

// change makes an ordinary change of a working day.
func (w *world) change(r *random, d time.Time) merge {
	m := merge{repo: r.below(w.size.Repositories), merged: on(d, r.between(9, 17), r.below(60)).Add(time.Duration(r.below(60)) * time.Second)}
	if r.below(3) > 0 {
		m.repo %= len(repositoryWords) // most work is on what production is built from
	}
	for archived(m.repo) {
		m.repo = r.below(len(repositoryWords))
	}
	author, reviewer := w.coder(r, d), w.coder(r, d)
	for reviewer.i == author.i {
		reviewer = w.coder(r, d)
	}
	m.author, m.reviewer = author.handle, reviewer.handle
	if r.below(12) == 0 {
		m.kind, m.author = byBot, "halyard-deps-bot"
	}
	m.opened = m.merged.Add(-time.Duration(r.between(40, 2880)) * time.Minute)
	m.sha = r.hex(40)
	if m.kind != byBot {
		m.ticket = w.changeTicketKey(monthOf(d), r.below(w.size.TicketsPerMonth))
	}
	if w.production(m.repo) {
		m.deployed = m.merged.Add(time.Duration(r.between(9, 38)) * time.Minute)
	}
	return m
}

func (w *world) scriptedChange(i int, s merge) merge {
	r := newRandom(w.seed, "scripted", i)
	author, reviewer := w.coder(r, s.merged), w.coder(r, s.merged)
	for reviewer.i == author.i {
		reviewer = w.coder(r, s.merged)
	}
	s.author, s.reviewer = author.handle, reviewer.handle
	s.opened = s.merged.Add(-90 * time.Minute)
	s.sha = r.hex(40)
	if s.kind != failedChecks && s.kind != directPush {
		s.deployed = s.merged.Add(25 * time.Minute)
	}
	if i > 0 {
		s.ticket = w.changeTicketKey(monthOf(s.merged), r.below(w.size.TicketsPerMonth))
	}
	return s
}

// coder picks a person who can merge on that day: an engineer of the cast or
// the first thousand who was there the whole period.
func (w *world) coder(r *random, d time.Time) person {
	for {
		p := w.staff[r.below(len(w.staff))]
		if p.engineer() && p.end.IsZero() && p.start.Before(firstMonth) && p.leave[0].IsZero() {
			return p
		}
	}
}

// cells writes a change as the audit export has it.
func (m *merge) cells(sequence int, out []string) []string {
	approvals, after, afterAt := m.reviewer, "", ""
	failed, succeeded, number, direct, opened, parents := "", "build;test", m.number, false, instantText(m.opened), "2"
	mergedBy, title := m.reviewer, m.title()
	switch m.kind {
	case directPush:
		approvals, number, direct, opened, parents, mergedBy = "", 0, true, "", "1", m.author
	case noReview:
		approvals, mergedBy = "", m.author
	case selfReview:
		approvals, mergedBy = "", m.author
		title = "Approved by the author only: " + title
	case emergency, emergencyLate:
		approvals, after, afterAt, mergedBy = "", m.reviewer, instantText(m.later), m.author
	case failedChecks:
		failed, succeeded = "test", "build"
	}
	return append(out[:0], itoa(sequence), repositoryName(m.repo), "main", itoa(number), title, m.author, mergedBy, m.sha, m.sha[:12], parents, opened,
		instantText(m.merged), truth(direct), "false", truth(m.kind == emergency || m.kind == emergencyLate), truth(m.kind == byBot), "true",
		approvals, after, afterAt, "pipeline", "true", failed, succeeded, m.ticket)
}

func (m *merge) title() string {
	subjects := []string{"Match refunds by settlement batch", "Round fees the way the ledger does", "Retry statement import", "Explain unmatched lines",
		"Split payout report by currency", "Speed up reconciliation of card batches", "Keep partner file names", "Raise limit of open periods"}
	switch m.kind {
	case byBot:
		return "Update dependencies"
	case emergency, emergencyLate:
		return "Emergency: restore matching of card batches"
	}
	return subjects[int(m.sha[0]+m.sha[1]+m.sha[2])%len(subjects)]
}

func deploymentID(m *merge) string { return "dep-" + m.sha[:16] }

func deploymentCells(m *merge, out []string) []string {
	ok := m.kind != failedDeployment && m.kind != failedChecks
	return append(out[:0], deploymentID(m), repositoryName(m.repo), m.sha, "production", "halyard-deploy", "true", "success", m.id(), truth(ok), instantText(m.deployed))
}
