package answer

import (
	"fmt"
	"time"

	"tieout/program"
	"tieout/report"
)

// CoverTo is up to where a supplier's reports are weighed against a period: its
// last day, or today while it runs.
func CoverTo(last, today time.Time) time.Time {
	if today.Before(last) {
		return today
	}
	return last
}

// Cover says how much of a period a supplier's statements speak of. Days of which
// less is said are never added to those examined: those of a part of the service, of
// the supplier's own letter, or of statements whose review is not concluded.
func Cover(c program.VendorCover) string {
	days := report.Plural(c.Days, "day", "days")
	switch {
	case c.Examined == c.Days:
		return "All " + days + " are examined."
	case c.Uncovered() == c.Days:
		return "None of the " + days + " is covered by a report or letter."
	}
	s := fmt.Sprintf("%s of %s examined", report.Number(c.Examined), days)
	if c.InPart > 0 {
		s += "; " + report.Number(c.InPart) + " examined for a part of the service in use"
	}
	if c.Lettered > 0 {
		s += "; " + report.Number(c.Lettered) + " by the supplier’s own letter, not examined"
	}
	if c.Open > 0 {
		s += "; " + report.Number(c.Open) + " in statements whose review is not concluded"
	}
	if n := c.Uncovered(); n > 0 {
		s += "; " + report.Number(n) + " covered by nothing"
	}
	return s + "."
}

// CoverNext says what would cover the days at the end of a period that nothing
// covers; "" where there are none.
func CoverNext(c program.VendorCover) string {
	switch {
	case c.Tail == 0:
		return ""
	case c.Examined+c.InPart > 0 && c.Lettered == 0 && c.Tail <= program.LetterDays:
		return fmt.Sprintf("A letter of the supplier’s management can speak of the last %s.", report.Plural(c.Tail, "day", "days"))
	}
	return fmt.Sprintf("The last %s need the supplier’s next report, or evidence of your own: a letter reaches %d days past a report.", report.Plural(c.Tail, "day", "days"), program.LetterDays)
}

// VendorReport says where the review of one supplier's report stands.
func VendorReport(r *program.VendorReport, reviewed, by string) string {
	if !r.Reviewed.IsZero() {
		return "Its review was concluded on " + reviewed + " by " + by + "."
	}
	left := r.Unfinished()
	switch len(left) {
	case 0:
		return "Everything is taken out of it; the review has no conclusion yet."
	case 1:
		return "Before its review concludes, one thing is missing: " + left[0] + "."
	}
	return fmt.Sprintf("Before its review concludes, %d things are missing.", len(left))
}
