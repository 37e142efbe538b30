package report

import (
	"time"

	"tieout/audit"
)

// Excepted says in a sentence that an exception was approved for what a finding
// is about. It says no more: the finding stays what it is.
func Excepted(x *audit.Excepted, loc *time.Location) string {
	out := "Exception " + x.Ticket + " was approved for this item by " + x.ApprovedBy
	if !x.ApprovedAt.IsZero() {
		out += " on " + Day(x.ApprovedAt, loc)
	}
	if x.ExpiresAt.IsZero() {
		return out + " and names no end."
	}
	return out + " and ends on " + Day(x.ExpiresAt, loc) + "."
}
