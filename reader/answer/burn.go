package answer

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/report"
)

// A BurnPoint is how many of the gaps that were found up to an instant were
// closed by then. Total moves when something is found, and when scope moves;
// Note says of a move of scope what it was.
type BurnPoint struct {
	At     time.Time `json:"at"`
	Total  int       `json:"total"`
	Closed int       `json:"closed"`
	Note   string    `json:"note,omitempty"`
}

// burn draws up what views tell, in order of time. A gap that no later view
// shows is closed; one whose control, criterion or procedure has left the scope
// is not counted any more.
func burn(views []view) []BurnPoint {
	var out []BurnPoint
	seen := map[string]ReadinessGap{}
	for i, v := range views {
		open := 0
		for _, g := range gapsIn(v) {
			seen[g.Key] = g
			open++
		}
		for key, g := range seen {
			if v.left(g) {
				delete(seen, key)
			}
		}
		p := BurnPoint{At: v.at, Total: len(seen), Closed: len(seen) - open}
		if i > 0 && views[i-1].defs != v.defs {
			p.Note = scopeNote(views[i-1].controls, v.controls)
		}
		out = append(out, p)
	}
	return out
}

// left reports whether what a gap is about is no longer in scope.
func (v view) left(g ReadinessGap) bool {
	switch g.Kind {
	case NoControl:
		return !slices.ContainsFunc(v.criteria, func(k audit.Criterion) bool { return "criterion "+k.ID == g.Key })
	case NoSource:
		return false // closed once something gives it
	}
	return len(g.Controls) > 0 && !slices.ContainsFunc(v.controls, func(c audit.Control) bool { return slices.Contains(g.Controls, c.ID) })
}

// scopeNote says which controls came and went.
func scopeNote(before, after []audit.Control) string {
	came, went := missing(before, after), missing(after, before)
	switch {
	case len(came) == 0 && len(went) == 0:
		return "Definitions changed, the controls in scope did not"
	case len(went) == 0:
		return report.Plural(len(came), "control", "controls") + " added: " + some(came, 4)
	case len(came) == 0:
		return report.Plural(len(went), "control", "controls") + " retired: " + some(went, 4)
	}
	return fmt.Sprintf("%s added, %s retired", report.Plural(len(came), "control", "controls"), report.Plural(len(went), "control", "controls"))
}

// missing are the ids in b that a does not have.
func missing(a, b []audit.Control) (out []string) {
	for _, c := range b {
		if !slices.ContainsFunc(a, func(x audit.Control) bool { return x.ID == c.ID }) {
			out = once(out, c.ID)
		}
	}
	return out
}

// For returns r held against another date than the period's last day; the date
// is a day in the period's zone.
func (r *Readiness) For(day time.Time) *Readiness {
	out := *r
	out.By = day.AddDate(0, 0, 1).Add(-time.Microsecond)
	return &out
}

// At returns r as it reads at another instant: the same gaps, other days left.
func (r *Readiness) At(now time.Time) *Readiness {
	out := *r
	out.AsOf = audit.Instant(now)
	return &out
}

// Hours is all the work that is listed, by the rule of thumb.
func (r *Readiness) Hours() (n int) {
	for _, g := range r.Gaps {
		n += g.Hours
	}
	return n
}

// DaysLeft is how many working days are left to the date, today and the day
// itself included: Monday to Friday without holidays. 0 once it has passed.
func (r *Readiness) DaysLeft() (n int) {
	loc := r.Period.Location()
	y, m, d := r.AsOf.In(loc).Date()
	for day := time.Date(y, m, d, 12, 0, 0, 0, loc); !day.After(r.By); day = day.AddDate(0, 0, 1) {
		if w := day.Weekday(); w != time.Saturday && w != time.Sunday && !r.holidays[day.Format(time.DateOnly)] {
			n++
		}
	}
	return n
}

// hoursOfDay is how many hours of work fit into a day.
const hoursOfDay = 8

// Work is a number of hours in words: hours below a day, else working days,
// rounded up.
func Work(hours int) string {
	if hours < hoursOfDay {
		return report.Plural(hours, "hour", "hours")
	}
	return report.Plural((hours+hoursOfDay-1)/hoursOfDay, "working day", "working days")
}

// busiest is the owner with the most work.
func (r *Readiness) busiest() (owner string, hours int) {
	by := map[string]int{}
	for _, g := range r.Gaps {
		if g.Owner != "" {
			by[g.Owner] += g.Hours
		}
	}
	for _, name := range sorted(by) {
		if by[name] > hours {
			owner, hours = name, by[name]
		}
	}
	return owner, hours
}

// Sentence says whether the date can be made, in work and days.
func (r *Readiness) Sentence() string {
	day := report.Day(r.By, r.Period.Location())
	passed := r.AsOf.After(r.By)
	if len(r.Gaps) == 0 {
		return r.none(day, passed)
	}
	var b strings.Builder
	n := report.Plural(len(r.Gaps), "gap", "gaps")
	if passed {
		fmt.Fprintf(&b, "%s %s open, and %s has passed: about %s of work.", n, isAre(len(r.Gaps)), day, Work(r.Hours()))
	} else {
		fmt.Fprintf(&b, "%s %s between here and %s: about %s of work, with %s left.", n, stands(len(r.Gaps)), day, Work(r.Hours()), report.Plural(r.DaysLeft(), "working day", "working days"))
	}
	if len(r.Gaps) > 1 {
		fmt.Fprintf(&b, " The longest: %s, %s.", lowerFirst(r.Gaps[0].What), Work(r.Gaps[0].Hours))
	}
	if owner, hours := r.busiest(); !passed && (hours+hoursOfDay-1)/hoursOfDay > r.DaysLeft() {
		fmt.Fprintf(&b, " %s alone has %s of it.", owner, Work(hours))
	}
	if !r.Tested {
		b.WriteString(" Nothing was tested yet, so findings and evidence gaps are not among them.")
	}
	return b.String()
}

func (r *Readiness) none(day string, passed bool) string {
	switch {
	case !r.Tested:
		return "Nothing was tested yet: the sources are read first, and what they say is tested."
	case passed:
		return "No gap is open; " + day + " has passed."
	}
	return "No gap is open, with " + report.Plural(r.DaysLeft(), "working day", "working days") + " left to " + day + "."
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func stands(n int) string {
	if n == 1 {
		return "stands"
	}
	return "stand"
}

// StopsSentence says what the rehearsal came to.
func (r *Readiness) StopsSentence() string {
	stops, asks := 0, 0
	for _, s := range r.Stops {
		switch s.State {
		case Stops:
			stops++
		case Asks:
			asks++
		}
	}
	switch {
	case stops == 0 && asks == 0:
		return fmt.Sprintf("None of %s checks of an auditor would stop today.", report.Words(len(r.Stops)))
	case stops == 0:
		return fmt.Sprintf("None of %s checks of an auditor would stop today, and %s would ask.", report.Words(len(r.Stops)), report.Words(asks))
	case asks == 0:
		return fmt.Sprintf("%s of an auditor would stop today.", report.Capital(report.OfAll(stops, len(r.Stops)))+" checks")
	}
	return fmt.Sprintf("%s of an auditor would stop today, and %s would ask.", report.Capital(report.OfAll(stops, len(r.Stops)))+" checks", report.Words(asks))
}

// Within returns r as far as it speaks of controls that ok accepts: for who may
// read a part. What is about the workspace as a whole is left out.
func (r *Readiness) Within(ok func(control string) bool) *Readiness {
	out := *r
	out.Gaps, out.Stops, out.Burn = nil, nil, nil
	for _, g := range r.Gaps {
		g.Controls = slices.DeleteFunc(slices.Clone(g.Controls), func(id string) bool { return !ok(id) })
		if len(g.Controls) == 0 {
			continue
		}
		if g.Kind == NoSource || g.Kind == NoEvidence {
			g.Why = "" // it names other controls
		}
		out.Gaps = append(out.Gaps, g)
	}
	return &out
}

// Without returns r without gaps and checks of the kinds that hidden reports:
// for who may not read what they speak of. It returns r itself if none is.
func (r *Readiness) Without(hidden func(GapKind) bool) *Readiness {
	out := *r
	out.Gaps = slices.DeleteFunc(slices.Clone(r.Gaps), func(g ReadinessGap) bool { return hidden(g.Kind) })
	out.Stops = slices.DeleteFunc(slices.Clone(r.Stops), func(s Stop) bool { return hidden(s.Kind) })
	if len(out.Gaps) == len(r.Gaps) && len(out.Stops) == len(r.Stops) {
		return r
	}
	return &out
}
