package answer

import (
	"slices"
	"time"

	"tieout/program"
	"tieout/report"
)

// Issues says how many issues there are and what has to be done about them.
func Issues(all []program.Issue, now time.Time) string {
	if len(all) == 0 {
		return "No issue is in the register. One is opened on a deviation, a readiness gap or an incident, or by itself."
	}
	open, mended, late, bare := 0, 0, 0, 0
	for i := range all {
		x := &all[i]
		if x.Status == "closed" {
			continue
		}
		open++
		switch {
		case x.Status == "mended":
			mended++
		case x.Owner == "" || x.Due.IsZero():
			bare++
		}
		if x.Overdue(now) {
			late++
		}
	}
	s := report.Capital(report.Plural(len(all), "issue is", "issues are")) + " in the register, " + notClosed(open, len(all)) + "."
	var todo []string
	for _, x := range []struct {
		n         int
		one, many string
	}{{late, "is past its date", "are past their dates"}, {bare, "has no owner or no date", "have no owner or no date"},
		{mended, "waits for a second person to close it", "wait for a second person to close them"}} {
		if x.n > 0 {
			todo = append(todo, report.Plural(x.n, x.one, x.many))
		}
	}
	if len(todo) > 0 {
		s += " " + report.Capital(report.List(todo)) + "."
	}
	return s
}

// Issue says where one issue stands; owner and closed are the names of who has it
// and of who closed it.
func Issue(i *program.Issue, owner, closed string, now time.Time, loc *time.Location) string {
	s := report.Capital(i.Severity) + " severity, with " + owner
	if i.Owner == "" {
		s = report.Capital(i.Severity) + " severity, with nobody"
	}
	switch {
	case i.Status == "closed" && !i.Held().IsZero() && i.Closed.After(i.Held()):
		return s + ". It was due " + report.Day(i.Held(), loc) + " and closed on " + report.Day(i.Closed, loc) + " by " + closed + "."
	case i.Status == "closed":
		return s + ". Closed on " + report.Day(i.Closed, loc) + " by " + closed + "."
	case i.Due.IsZero():
		s += ", without a date."
	case i.Overdue(now):
		s += ", was due " + report.Day(i.Due, loc) + "."
	default:
		s += ", due " + report.Day(i.Due, loc) + "."
	}
	if !i.Missed.IsZero() {
		s += " It had passed " + report.Day(i.Missed, loc) + " before that date was set."
	}
	if i.Status == "mended" {
		s += " Its owner says it is mended; a second person looks and closes it."
	}
	return s
}

// A GapIssue is an issue that somebody opened on a gap.
type GapIssue struct {
	ID    string    `json:"id"`
	Owner string    `json:"owner,omitempty"` // account
	Due   time.Time `json:"due,omitzero"`
}

// WithIssues returns r with the issues of the register, of those that are not
// closed, beside the gaps they were opened on.
func (r *Readiness) WithIssues(all []program.Issue) *Readiness {
	out := *r
	out.Gaps = slices.Clone(r.Gaps)
	for n := range out.Gaps {
		g := &out.Gaps[n]
		g.Issues = nil
		for i := range all {
			if x := &all[i]; x.Status != "closed" && x.From(program.FromGap, g.Key) {
				g.Issues = append(g.Issues, GapIssue{x.ID, x.Owner, x.Due})
			}
		}
	}
	return &out
}

// OfCriterion returns r with the gaps that stand in the way of one criterion.
func (r *Readiness) OfCriterion(id string) *Readiness {
	out := *r
	out.Gaps = slices.DeleteFunc(slices.Clone(r.Gaps), func(g ReadinessGap) bool { return !slices.Contains(g.Criteria, id) })
	return &out
}

// criteriaOf are those that a gap's controls stand for, in order.
func (v view) criteriaOf(controls []string) (out []string) {
	for _, c := range v.controls {
		if slices.Contains(controls, c.ID) {
			out = append(out, c.Criteria...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
