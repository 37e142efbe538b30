package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
)

// ResultCell says what t found as a result cell of a report's matrix does: how
// many of how many, which attribute, how late or how long, and nothing else.
// It has no names and no adjectives, and it never says that there are no
// exceptions: that is the auditor's to say.
func ResultCell(t *audit.Tested) string {
	if len(t.Questions) > 0 && t.Items == 0 && counted(t) == 0 {
		return Capital(Words(len(t.Questions))) + word(len(t.Questions), " question needs", " questions need") + " a person's judgment; nothing was tested automatically."
	}
	var out []string
	if s := mainCell(t); s != "" {
		out = append(out, s)
	}
	out = append(out, attributeCell(t)...)
	out = append(out, extentCell(t)...)
	return strings.Join(append(out, decidedCell(t)...), " ")
}

func mainCell(t *audit.Tested) string {
	c := t.Counts
	switch {
	case t.Items == 0 && hasAnyGap(t):
		return "No evidence: the population could not be seen."
	case t.Items == 0:
		return "Nothing occurred that the control could act on, so its operation could not be tested."
	case c[audit.Operated] == t.Items:
		return fmt.Sprintf("No deviation found in %s.", ofAll(t.Items, t))
	}
	parts := []string{}
	add := func(o audit.Outcome, text string) {
		if c[o] > 0 {
			parts = append(parts, Number(c[o])+" "+text)
		}
	}
	part := ""
	if t.Form == audit.Continuous {
		part = " for part of the time"
	}
	add(audit.Deviated, "deviated"+part)
	add(audit.Late, word(c[audit.Late], "was late", "were late"))
	add(audit.NoEvidence, word(c[audit.NoEvidence], "has no evidence", "have no evidence")+part)
	add(audit.Operated, "operated")
	add(audit.Pending, word(c[audit.Pending], "is not due yet", "are not due yet"))
	add(audit.NoOccurrence, "had nothing to act on")
	add(audit.NotApplicable, word(c[audit.NotApplicable], "is outside the population", "are outside the population"))
	if n := t.Items - counted(t); n > 0 {
		parts = append(parts, Number(n)+" "+word(n, "was", "were")+" not counted")
	}
	lead := "Of " + units(t.Items, t) + ", "
	if c[audit.Deviated]+c[audit.Late]+c[audit.NoEvidence] == 0 && counted(t) >= t.Items {
		lead = "No deviation found. " + lead
	}
	return lead + List(parts) + "."
}

func hasAnyGap(t *audit.Tested) bool {
	return len(t.Gaps) > 0 || t.Counts[audit.NoEvidence] > 0 || !seen(t)
}

// ofAll writes "1,846 of 1,846 items".
func ofAll(n int, t *audit.Tested) string { return Number(n) + " of " + units(t.Items, t) }

func units(n int, t *audit.Tested) string {
	if t.Form == audit.Continuous {
		return Plural(n, "item", "items")
	}
	return Plural(n, "occurrence", "occurrences")
}

// attributeCell counts findings by the attribute they failed.
func attributeCell(t *audit.Tested) []string {
	n := map[string]int{}
	text := map[string]string{}
	for i := range t.Deviations {
		if t.Deviations[i].Disposition == audit.NotDeviation {
			continue
		}
		for _, a := range t.Deviations[i].Attributes {
			if a.Outcome == audit.Deviated || a.Outcome == audit.Late {
				n[a.Name]++
				text[a.Name] = a.Text
			}
		}
	}
	var out []string
	for _, name := range distinct(keys(n)) {
		s := fmt.Sprintf("Attribute %s in %s", name, Number(n[name]))
		if text[name] != "" {
			s += " (" + strings.TrimSuffix(text[name], ".") + ")"
		}
		out = append(out, s+".")
	}
	return out
}

func keys(m map[string]int) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	return out
}

// extentCell says how long continuous findings lasted.
func extentCell(t *audit.Tested) []string {
	if t.Form != audit.Continuous {
		return nil
	}
	var lengths []time.Duration
	lasting := 0
	for i := range t.Deviations {
		d := &t.Deviations[i]
		if d.Disposition == audit.NotDeviation {
			continue
		}
		lengths = append(lengths, d.Span.To.Sub(d.Span.From))
		if d.Open {
			lasting++
		}
	}
	if len(lengths) == 0 {
		return nil
	}
	lo, hi := Length(slices.Min(lengths)), Length(slices.Max(lengths))
	s := "Lasted " + lo
	switch {
	case slices.Max(lengths) < time.Second:
		s = "Seen at one observation"
	case lo != hi:
		s = fmt.Sprintf("%s stretches, lasting %s to %s", Number(len(lengths)), lo, hi)
	}
	if lasting > 0 && s != "Seen at one observation" {
		s += "; " + Number(lasting) + " still lasted at the last observation"
	}
	return []string{s + "."}
}

// decidedCell says what stands beside the counts: grace, dismissals, findings
// of earlier runs.
func decidedCell(t *audit.Tested) []string {
	var out []string
	f := Findings(t)
	if t.InGrace > 0 {
		out = append(out, fmt.Sprintf("%s operated within the time the control grants.", Number(t.InGrace)))
	}
	if f.Dismissed > 0 {
		out = append(out, Number(f.Dismissed)+" of the findings "+word(f.Dismissed, "is", "are")+" dispositioned as not a deviation, with reason and approver.")
	}
	if f.NotFound > 0 {
		out = append(out, Plural(f.NotFound, "earlier finding is", "earlier findings are")+" no longer found by this version of the test and "+word(f.NotFound, "awaits", "await")+" a decision.")
	}
	return out
}

// TestCell says what was done: the procedure's statement, how often, and over
// which part of the period, in the zone of the period.
func TestCell(t *audit.Tested, loc *time.Location) string {
	s := strings.TrimSpace(t.Statement)
	if s != "" && !strings.HasSuffix(s, ".") {
		s += "."
	}
	how := "Tested"
	if t.Frequency != "" {
		how += " " + strings.TrimSuffix(t.Frequency, ".")
	}
	if days := Days(t.Span, loc); days != "" {
		how += ", " + days
	}
	return strings.TrimSpace(s + " " + how + ".")
}

// Tally counts what operated of what was due: pending, nothing to act on and
// not applicable are not due; late is due and did not operate.
func Tally(t *audit.Tested) (operated, due int) {
	c := t.Counts
	return c[audit.Operated], max(t.Items, counted(t)) - c[audit.Pending] - c[audit.NoOccurrence] - c[audit.NotApplicable]
}

// Operated writes how much operated of what was due, as a row of a table shows
// it: "1,845 of 1,846", and for a continuous procedure with marks the days on
// which nothing deviated and nothing was unseen, "255 of 257 days".
func Operated(t *audit.Tested, period audit.Period) string {
	if t.Form == audit.Continuous && len(t.Marks) > 0 {
		good, all := goodDays(t, period)
		return Number(good) + " of " + Plural(all, "day", "days")
	}
	operated, due := Tally(t)
	return Number(operated) + " of " + Number(due)
}

// goodDays counts the days of t's span on which something operated and nothing
// else was found.
func goodDays(t *audit.Tested, period audit.Period) (good, all int) {
	g := newGrid(period)
	last := len(g.starts) - 2
	clamp := func(s audit.Span) (int, int) {
		return max(g.day(s.From), 0), min(g.day(s.To.Add(-time.Microsecond)), last)
	}
	for _, m := range t.Marks {
		for d, end := clamp(m.Span); d <= end; d++ {
			g.count[d][m.Outcome]++
		}
	}
	first, end := clamp(t.Span)
	for d := first; d <= end; d++ {
		all++
		c := g.count[d]
		if c[audit.Operated] > 0 && c[audit.Deviated]+c[audit.NoEvidence]+c[audit.Late] == 0 {
			good++
		}
	}
	return good, all
}
