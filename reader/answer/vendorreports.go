package answer

import (
	"fmt"
	"strings"
	"time"

	"tieout/program"
	"tieout/report"
)

// Freshness says how old a supplier's report is: when its days ended, how long
// after them it was dated, how old it was when it came, and how old it is on a day.
func Freshness(r *program.VendorReport, today time.Time) string {
	last, dated := dayIn(r.Last), dayIn(r.Dated)
	if last.IsZero() || dated.IsZero() {
		return "Its days are not entered."
	}
	if r.Type.RunsOut() {
		return fmt.Sprintf("dated %s, runs to %s", report.Day(dated, time.UTC), report.Day(last, time.UTC))
	}
	s := fmt.Sprintf("ended %s, dated %s", report.Day(last, time.UTC), shortAfter(last, dated))
	switch n := int(dated.Sub(last) / (24 * time.Hour)); {
	case n > 0:
		s += " (" + report.Plural(n, "day", "days") + " later)"
	case n == 0:
		s += " (the same day)"
	}
	y, m, d := today.Date()
	now := program.MonthsBetween(last, time.Date(y, m, d, 0, 0, 0, 0, time.UTC))
	received := dayIn(r.Received)
	if received.IsZero() {
		return s + ", day of receipt not entered, " + months(now) + " old today"
	}
	if then := program.MonthsBetween(last, received); then > 0 {
		return fmt.Sprintf("%s, %s old at receipt, %d today", s, months(then), now)
	}
	return s + ", less than a month old at receipt, " + months(now) + " today"
}

// shortAfter is a day in words, without its year where that is the one of the day
// before it.
func shortAfter(before, day time.Time) string {
	s := report.Day(day, time.UTC)
	if day.Year() == before.Year() {
		return strings.TrimSuffix(s, fmt.Sprintf(" %d", day.Year()))
	}
	return s
}

func months(n int) string {
	if n == 0 {
		return "less than a month"
	}
	return report.Plural(n, "month", "months")
}

// dayIn is a calendar day as UTC; zero where it is none.
func dayIn(day string) time.Time {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return time.Time{}
	}
	return t
}

// Accepted says where the exception stands by which a report's review counts; ""
// where none is needed or its review is not concluded. by is who accepted it.
func Accepted(r *program.VendorReport, by string, now time.Time, zone *time.Location) string {
	if !r.Concluded() || !r.NeedsException() {
		return ""
	}
	until := wordsOf(r.Accepted.Until)
	switch {
	case r.Accepted.Why == "" && r.Counts(now):
		return "Its review counts without an exception: it was concluded before exceptions were asked for."
	case r.Accepted.Why == "":
		return "Its review does not count as one of the vendor: nobody asked management for an exception."
	case r.Accepted.At.IsZero():
		return "Its review does not count yet: management has not accepted the exception, which is asked for until " + until + "."
	case r.Counts(now):
		return "Management accepted it by exception on " + report.Day(r.Accepted.At, zone) + " (" + by + "), until " + until + "."
	}
	return "The exception that " + by + " accepted for management ended on " + until + ". Its review does not count any more."
}

// wordsOf is a calendar day in words, or the text itself.
func wordsOf(day string) string {
	if t := dayIn(day); !t.IsZero() {
		return report.Day(t, time.UTC)
	}
	return day
}

// Expected says when a vendor's next report is expected; "" where none names it.
func Expected(list []program.VendorReport, today time.Time) (says string, overdue bool) {
	next := program.Expected(list)
	if len(next) == 0 {
		return "", false
	}
	says, overdue = wordsOf(next[0].Day), next[0].Overdue(today)
	return says, overdue
}
