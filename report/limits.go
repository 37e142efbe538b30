package report

import (
	"fmt"
	"strings"

	"tieout/audit"
)

// limits says in words what a report does not show: first what seals and
// observations can never show, then what is missing in this one.
func limits(r *audit.Report, in Input) []string {
	out := []string{
		"A seal shows that a record has not changed since it was recorded. It does not show that the source told the truth, or that nothing was left out before it was collected.",
		order(r.Log),
		"This report states facts. It holds no conclusion and no opinion: those are the service auditor's.",
	}
	out = append(out, observed(r)...)
	out = append(out, penetration(r)...)
	out = append(out, open(r)...)
	out = append(out, outside(in)...)
	return append(out, in.Limits...)
}

func order(log audit.LogState) string {
	if len(log.Witnessed) == 0 {
		return "Order is not externally witnessed: nobody outside has seen the log, so every time and order in it is this server's own clock and word."
	}
	return "The log was seen from outside by " + List(log.Witnessed) + ". Anything earlier than the first checkpoint they saw is this server's own clock."
}

// observed says how often states were seen, where that is not all the time.
func observed(r *audit.Report) []string {
	lo, hi, any := 0, 0, false
	for _, t := range Procedures(r) {
		if t.Form != audit.Continuous {
			continue
		}
		for _, s := range t.Streams {
			if s.Mode == audit.ModeSnapshot && s.Observations > 0 {
				if !any || s.Observations < lo {
					lo = s.Observations
				}
				hi, any = max(hi, s.Observations), true
			}
		}
	}
	if !any {
		return nil
	}
	n := Plural(lo, "observation", "observations")
	if lo != hi {
		n = Number(lo) + " to " + Plural(hi, "observation", "observations")
	}
	return []string{"Settings that have no change history were seen at " + n + ", not at every instant. Between two observations the earlier one is taken to hold, and only as long as the procedure allows; a change and its reversal in between would not be seen."}
}

// penetrationTest is the library's procedure about penetration tests.
const penetrationTest = "penetration.test"

// penetration says what a look at the record of a penetration test is not, where
// one was taken.
func penetration(r *audit.Report) []string {
	for _, t := range Procedures(r) {
		if t.Procedure == penetrationTest {
			return []string{"Of penetration tests it was inspected that one took place and was reported. Its scope and depth were not examined, and nothing in this report is a penetration test."}
		}
	}
	return nil
}

// open says what is not finished.
func open(r *audit.Report) []string {
	var out []string
	if r.AsOf.Before(r.Period.To) {
		out = append(out, fmt.Sprintf("The period runs until %s. Everything here is tested to date, as of %s.",
			r.Period.Last(), r.AsOf.Format("2006-01-02 15:04 MST")))
	}
	if n := len(Gaps(r)); n > 0 {
		out = append(out, Plural(n, "stretch has", "stretches have")+" no evidence. Nothing is known of the controls during them.")
	}
	var candidates, notFound, questions int
	for _, t := range Procedures(r) {
		f := Findings(t)
		candidates, notFound, questions = candidates+f.Candidates, notFound+f.NotFound, questions+len(t.Questions)
	}
	if candidates > 0 {
		out = append(out, Plural(candidates, "finding is a candidate", "findings are candidates")+": nobody has confirmed or dispositioned "+them(candidates)+" yet.")
	}
	if notFound > 0 {
		out = append(out, Plural(notFound, "finding", "findings")+" of earlier runs "+word(notFound, "is", "are")+" no longer found under the present version of the test. "+Capital(word(notFound, "it stays", "they stay"))+" listed until decided.")
	}
	if questions > 0 {
		out = append(out, Plural(questions, "question needs", "questions need")+" a person's judgment; no answer is given here.")
	}
	if n := len(r.Untested); n > 0 {
		out = append(out, Plural(n, "control in scope was", "controls in scope were")+" not tested; the reasons are listed.")
	}
	return out
}

// outside says what was tested and belongs to no control in scope.
func outside(in Input) []string {
	scope := map[string]bool{}
	for _, c := range in.Controls {
		scope[c.ID] = true
	}
	var left []string
	for _, t := range in.Tested {
		if !anyIn(t.Controls, scope) {
			left = append(left, t.Procedure)
		}
	}
	left = distinct(left)
	if len(left) == 0 {
		return nil
	}
	return []string{"Left out, because no control in scope names them: " + strings.Join(left, ", ") + "."}
}

func anyIn(list []string, set map[string]bool) bool {
	for _, s := range list {
		if set[s] {
			return true
		}
	}
	return false
}

func them(n int) string { return word(n, "it", "them") }

func word(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
