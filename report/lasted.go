package report

import (
	"fmt"
	"time"

	"tieout/audit"
)

// Lasted says how long a finding over a stretch lasted, as far as that is
// known: "192 hours (8 days)", "more than 168 and at most 216 hours (7 to 9
// days)" between observations, "at least 30 hours" while it still lasts. "" for
// what happened at an instant.
func Lasted(r *audit.Result) string {
	if r.Span.To.Sub(r.Span.From) <= time.Microsecond || r.Start.At.IsZero() {
		return ""
	}
	if r.Open || r.End.At.IsZero() {
		return "at least " + hours(r.Span.To.Sub(r.Start.At)) + "; it still lasts"
	}
	least, most := r.End.After.Sub(r.Start.At), r.End.At.Sub(r.Start.After)
	switch {
	case r.Start.After.IsZero():
		return "at least " + hours(max(least, 0)) + "; when it began was not seen"
	case whole(least) == whole(most):
		return hours(most)
	}
	return fmt.Sprintf("at least %s and at most %s", hours(max(least, 0)), hours(most))
}

// whole is d in hours, the nearest.
func whole(d time.Duration) int { return int(d.Round(time.Hour) / time.Hour) }

// Hours writes how long something lasted: "30 hours", "192 hours (8 days)".
func Hours(d time.Duration) string { return hours(d) }

func hours(d time.Duration) string {
	h := whole(d)
	if h < 48 {
		return Plural(h, "hour", "hours")
	}
	return fmt.Sprintf("%s (%s)", Plural(h, "hour", "hours"), Plural((h+12)/24, "day", "days"))
}
