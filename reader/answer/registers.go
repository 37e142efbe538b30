package answer

import (
	"fmt"
	"strings"
	"time"

	"tieout/program"
	"tieout/report"
)

// Sentences of the registers, said alike by screens, command line and programs.

// Risks says how many risks there are and what has to be done about them.
func Risks(all []program.Risk, now time.Time, loc *time.Location) string {
	if len(all) == 0 {
		return "The register holds no risk yet. Examples stand below; none counts before you adopt it."
	}
	var last program.Risk
	open, bare, late, waits := 0, 0, 0, 0
	for _, r := range all {
		if r.Assessed.After(last.Assessed) {
			last = r
		}
		switch {
		case r.Status == "closed":
			continue
		case r.Treatment == "":
			bare++
		case r.Accepted.IsZero():
			waits++
		}
		if open++; Overdue(r, now) {
			late++
		}
	}
	s := report.Plural(len(all), "risk is", "risks are") + " in the register"
	if open < len(all) {
		s += ", " + report.Number(open) + " of them not closed"
	}
	s += ", last assessed on " + report.Day(last.Assessed, loc) + ". "
	var todo []string
	add := func(n int, one, many string) {
		if n > 0 {
			todo = append(todo, report.Plural(n, one, many))
		}
	}
	add(bare, "has no treatment", "have no treatment")
	add(waits, "waits for management to accept its treatment", "wait for management to accept their treatment")
	add(late, "treatment is past its date", "treatments are past their dates")
	if len(todo) == 0 {
		return report.Capital(s) + "Nothing waits."
	}
	return report.Capital(s) + report.Capital(report.List(todo)) + "."
}

// Overdue reports whether a risk's treatment should have been done by now.
func Overdue(r program.Risk, now time.Time) bool {
	return r.Status == "open" && !r.Due.IsZero() && now.After(r.Due)
}

// Incidents says how many incidents there are, and which deadline is next. Of a
// list that holds only what its reader reported, own is set.
func Incidents(all []program.Incident, own bool, now time.Time, loc *time.Location) string {
	switch {
	case len(all) == 0 && own:
		return "You have reported no incident. If you notice something, report it at once; you need not be sure."
	case len(all) == 0:
		return "No incident is recorded."
	}
	open, missed, fresh := 0, 0, 0
	var next time.Time
	for i := range all {
		x := &all[i]
		if x.Status != "closed" {
			open++
		}
		if x.Severity == "" {
			fresh++
		}
		due, late := Deadlines(x, now)
		missed += late
		if !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	s := report.Plural(len(all), "incident is", "incidents are") + " recorded"
	if own {
		s = "You have reported " + report.Plural(len(all), "incident", "incidents")
	}
	s = report.Capital(s) + ", " + notClosed(open, len(all)) + "."
	if fresh > 0 {
		s += " " + report.Capital(report.Plural(fresh, "waits", "wait")) + " for somebody to say how severe " + map[bool]string{true: "it is", false: "they are"}[fresh == 1] + "."
	}
	if missed > 0 {
		s += " " + report.Capital(report.Plural(missed, "deadline was", "deadlines were")) + " missed."
	}
	if !next.IsZero() {
		s += " The next deadline to tell somebody is " + report.Moment(next, loc) + "."
	}
	return s
}

func notClosed(open, all int) string {
	switch {
	case open == 0 && all == 1:
		return "and it is closed"
	case open == 0:
		return "all closed"
	case open == all && all == 1:
		return "and it is not closed"
	case open == all:
		return "none closed"
	}
	return report.Number(open) + " not closed"
}

// Deadlines returns the next deadline of an incident that still runs, zero if
// none does, and how many were missed: past without a telling, or told late.
func Deadlines(i *program.Incident, now time.Time) (next time.Time, missed int) {
	for _, c := range i.Clocks {
		switch c.ClockState(now) {
		case "running":
			if next.IsZero() || c.Due.Before(next) {
				next = c.Due
			}
		case "missed", "told late":
			missed++
		}
	}
	return next, missed
}

// Incident says where one incident stands and what comes next.
func Incident(i *program.Incident, now time.Time, loc *time.Location) string {
	s := incidentKind(i) + ", noticed on " + report.Moment(i.Detected, loc)
	switch {
	case i.Status == "closed":
		s += ", closed on " + report.Day(i.Closed, loc) + "."
	case i.Status == "resolved":
		s += ", resolved after " + After(i.Resolved.Sub(i.Detected)) + " and not closed yet. " + i.Unfinished()
	case i.Status == "contained":
		s += ", contained after " + After(i.Contained.Sub(i.Detected)) + " and not resolved yet."
	case i.Acknowledged.IsZero():
		s += ". Nobody has taken it on yet."
	default:
		s += ", taken on after " + After(i.Acknowledged.Sub(i.Detected)) + " and not contained yet."
	}
	return strings.TrimSpace(s) + " " + Telling(i, now, loc)
}

// After writes how long something took: minutes below two hours.
func After(d time.Duration) string {
	if d < 2*time.Hour {
		return report.Plural(int(d.Round(time.Minute)/time.Minute), "minute", "minutes")
	}
	return report.Hours(d)
}

func incidentKind(i *program.Incident) string {
	switch {
	case i.Severity == "" && i.Kind == "":
		return "An incident nobody has judged yet"
	case i.Severity == "":
		return report.Capital(i.Kind) + " incident of no severity yet"
	case i.Kind == "":
		return report.Capital(i.Severity) + " incident"
	}
	return report.Capital(i.Severity) + " " + i.Kind + " incident"
}

// Telling says what is decided about telling people outside.
func Telling(i *program.Incident, now time.Time, loc *time.Location) string {
	required, known := i.NotificationRequired()
	next, missed := Deadlines(i, now)
	switch {
	case !known:
		return "Nobody has decided yet who outside has to be told."
	case !required:
		return "Nobody outside has to be told, it was decided."
	case missed > 0 && !next.IsZero():
		return report.Capital(report.Plural(missed, "deadline was", "deadlines were")) + " missed; the next to tell somebody is " + report.Moment(next, loc) + "."
	case missed > 0:
		return report.Capital(report.Plural(missed, "deadline", "deadlines")) + " to tell somebody " + map[bool]string{true: "was", false: "were"}[missed == 1] + " missed."
	case !next.IsZero():
		return "The next deadline to tell somebody is " + report.Moment(next, loc) + "."
	}
	for _, c := range i.Clocks {
		if c.Applies && c.Told.IsZero() {
			return "Still to be told without undue delay: " + c.Rule.Tell + "."
		}
	}
	return "Whoever had to be told was told."
}

// Vendors says how many vendors are in use, and which were not looked at.
func Vendors(all []program.Vendor, now time.Time) string {
	if len(all) == 0 {
		return "No vendor is in the register yet."
	}
	used, stale, bare := 0, 0, 0
	for _, v := range all {
		if v.Status != "active" {
			continue
		}
		used++
		if NotReviewed(v, now) {
			stale++
		}
		if v.Tier == "" {
			bare++
		}
	}
	s := report.Plural(len(all), "vendor is", "vendors are") + " in the register, " + report.Number(used) + " in use."
	if bare > 0 {
		s += " " + report.Capital(report.Plural(bare, "is", "are")) + " not tiered."
	}
	if stale > 0 {
		s += " " + report.Capital(report.Plural(stale, "was", "were")) + " not reviewed within the last year."
	}
	if used > 0 && stale == 0 && bare == 0 {
		s += " Each of those was reviewed within the last year."
	}
	return report.Capital(s)
}

// Vendor says where one vendor stands; reviewed is the day of its last review in
// words, late that it is more than a year ago.
func Vendor(v program.Vendor, reviewed string, late bool) string {
	s := map[string]string{"active": "In use", "proposed": "Proposed and not in use", "ended": "No longer in use"}[v.Status]
	if v.Subservice {
		s += ", a subservice organization"
	}
	if v.Tier != "" {
		s += ", of tier " + v.Tier
	}
	switch s += ". "; {
	case reviewed == "":
		return s + "It was never reviewed."
	case late:
		return s + "It was last reviewed on " + reviewed + ", more than a year ago."
	}
	return s + "It was last reviewed on " + reviewed + "."
}

// NotReviewed reports whether a vendor in use was not reviewed within the last
// year.
func NotReviewed(v program.Vendor, now time.Time) bool {
	return v.Status == "active" && v.Reviewed.Before(now.AddDate(-1, 0, 0))
}

// Risk says where one risk stands.
func Risk(r *program.Risk, by, accepted string, now time.Time, loc *time.Location) string {
	s := fmt.Sprintf("Likelihood %d times impact %d, assessed %s by %s; after treatment %s.", r.Likelihood, r.Impact, report.Day(r.Assessed, loc), by, r.Level)
	switch {
	case r.Status == "closed":
		return s + " It is closed."
	case r.Treatment == "":
		return s + " Nothing is decided about it yet."
	case !r.Accepted.IsZero():
		s += " Management accepted the treatment on " + report.Day(r.Accepted, loc) + " (" + accepted + ")."
	default:
		s += " Management has not accepted the treatment yet."
	}
	switch {
	case Overdue(*r, now):
		s += " The treatment was due on " + report.Day(r.Due, loc) + "."
	case r.Status == "open" && !r.Due.IsZero():
		s += " The treatment is due on " + report.Day(r.Due, loc) + "."
	}
	return s
}
