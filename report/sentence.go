package report

import (
	"fmt"
	"strings"
	"time"

	"tieout/audit"
)

// A Standing is what the sentence of a period is made from: how many controls
// stand where. Total is every control in scope; those with a state and those
// Untested add up to it.
type Standing struct {
	Period     audit.Period
	AsOf       time.Time
	Total      int
	OnTrack    int
	AtRisk     int
	Gaps       int
	Deviations int
	Unanswered int // of Deviations, those with a finding that has no response yet
	NotStarted int
	Untested   int // no procedure can run here
	NoEvidence bool
}

// StandingOf counts r's controls.
func StandingOf(r *audit.Report) Standing {
	s := Standing{
		Period: r.Period, AsOf: r.AsOf, Total: len(r.Controls) + len(r.Untested),
		Untested: len(r.Untested), NoEvidence: len(r.Evidence) == 0,
	}
	for i := range r.Controls {
		s.count(&r.Controls[i])
	}
	return s
}

func (s *Standing) count(c *audit.ControlReport) {
	switch c.State {
	case audit.HasDeviation:
		s.Deviations++
		for i := range c.Procedures {
			if Findings(&c.Procedures[i]).Unanswered > 0 {
				s.Unanswered++
				return
			}
		}
	case audit.EvidenceGap:
		s.Gaps++
	case audit.AtRisk:
		s.AtRisk++
	case audit.OnTrack:
		s.OnTrack++
	default:
		s.NotStarted++
	}
}

// Sentence says in words where a period stands: the same text in the command
// line, in reports and on screens. It names every control once, never rounds
// and never concludes.
func Sentence(s Standing, reader Reader) string {
	switch {
	case s.Total == 0:
		return when(s) + "no control is in scope."
	case s.AsOf.Before(s.Period.From):
		return future(s)
	case s.NoEvidence && s.OnTrack+s.AtRisk+s.Deviations == 0:
		return when(s) + "there is no evidence yet for " + anyOf(s.Total) + "." + untested(s, false)
	case s.Untested == s.Total:
		return when(s) + noTest(s.Total)
	}
	return when(s) + standing(s, reader) + untested(s, true)
}

// when opens the sentence with the day of a running period, or names the whole
// of one that has ended.
func when(s Standing) string {
	switch p := s.Period; {
	case s.AsOf.Before(p.From):
		return fmt.Sprintf("Before the period starts on %s, ", Day(p.From, p.Location()))
	case s.AsOf.Before(p.To):
		return fmt.Sprintf("On day %s of %s, ", Number(p.Day(s.AsOf)), Number(p.Days()))
	default:
		return fmt.Sprintf("Over the %s to %s, ", Plural(p.Days(), "day", "days"), Day(p.To.Add(-time.Microsecond), p.Location()))
	}
}

func future(s Standing) string {
	p := s.Period
	in := 1 - p.Day(s.AsOf)
	lead := fmt.Sprintf("The period starts on %s, ", Day(p.From, p.Location()))
	switch {
	case in <= 0:
		lead += "later today"
	case in == 1:
		lead += "tomorrow"
	default:
		lead += "in " + Number(in) + " days"
	}
	return lead + ", with " + controls(s.Total) + " in scope." + untested(s, false)
}

// standing says how many controls are as they should be, then what stands in
// the way of the others.
func standing(s Standing, reader Reader) string {
	rest := troubles(s, reader)
	switch {
	case s.Total == 1 && rest != "":
		return strings.Replace(rest, "one ", "the one control in scope ", 1) + "."
	case s.OnTrack == 0 && reader == Outsider:
		return "of " + controls(s.Total) + " " + rest + "."
	}
	text := good(s, reader) + "."
	if rest != "" {
		text += " " + Capital(rest) + "."
	}
	return text
}

// good is the clause about the controls that are as they should be.
func good(s Standing, reader Reader) string {
	one, many := " is on track", " are on track"
	switch ended := !s.AsOf.Before(s.Period.To); {
	case ended:
		one, many = " had no known deviation", " had no known deviation"
	case reader == Outsider:
		one, many = " has no known deviation", " have no known deviation"
	}
	switch {
	case s.Total == 1:
		return "the one control in scope" + one
	case s.OnTrack == s.Total:
		return "all " + controls(s.Total) + many
	case s.OnTrack == 0:
		return "none of " + controls(s.Total) + one
	case s.OnTrack == 1:
		return OfAll(1, s.Total) + " controls" + one
	}
	return OfAll(s.OnTrack, s.Total) + " controls" + many
}

// troubles lists what stands in the way, worst first.
func troubles(s Standing, reader Reader) string {
	var parts []string
	add := func(n int, one, many string) {
		if n == 1 {
			parts = append(parts, "one "+one)
		} else if n > 1 {
			parts = append(parts, Words(n)+" "+many)
		}
	}
	one, many := deviationWords(s, reader)
	add(s.Deviations, one, many)
	if reader == Management {
		add(s.Gaps, "is missing evidence you can still find", "are missing evidence you can still find")
	} else {
		add(s.Gaps, "lacks evidence for part of the time", "lack evidence for part of the time")
	}
	one, many = riskWords(s, reader)
	add(s.AtRisk, one, many)
	one, many = "has not started", "have not started"
	if !s.AsOf.Before(s.Period.To) {
		one, many = "had nothing to act on", "had nothing to act on"
	}
	add(s.NotStarted, one, many)
	return List(parts)
}

func deviationWords(s Standing, reader Reader) (one, many string) {
	switch {
	case s.Unanswered == 0:
		return "has deviations, all with a response", "have deviations, all with a response"
	case reader == Outsider:
		return "has deviations", "have deviations"
	case s.Unanswered == s.Deviations:
		return "has a deviation to explain", "have deviations to explain"
	}
	return "", fmt.Sprintf("have deviations (%s still to explain)", Words(s.Unanswered))
}

func riskWords(s Standing, reader Reader) (one, many string) {
	switch {
	case !s.AsOf.Before(s.Period.To):
		return "was late at least once", "were late at least once"
	case reader == Management:
		return "could slip", "could slip"
	}
	return "is at risk", "are at risk"
}

// untested closes the sentence with the controls nothing here can test.
// again is whether controls were named before it.
func untested(s Standing, again bool) string {
	switch {
	case s.Untested == 0:
		return ""
	case s.Untested == 1 && again:
		return " One has no test that can run here."
	case again:
		return " " + Capital(Words(s.Untested)) + " have no test that can run here."
	case s.Untested == 1:
		return " One control has no test that can run here."
	}
	return " " + Capital(Words(s.Untested)) + " controls have no test that can run here."
}

func noTest(total int) string {
	if total == 1 {
		return "the one control in scope has no test that can run here."
	}
	return "none of " + controls(total) + " has a test that can run here."
}

func controls(n int) string {
	if n == 1 {
		return "one control"
	}
	return Words(n) + " controls"
}

func anyOf(n int) string {
	if n == 1 {
		return "the one control in scope"
	}
	return "any of " + controls(n)
}
