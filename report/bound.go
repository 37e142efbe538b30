package report

import (
	"fmt"
	"time"

	"tieout/audit"
)

// BoundText writes both ends of what is known of an instant.
func BoundText(b audit.Bound, loc *time.Location) string {
	if b.Exact() {
		return Moment(b.At, loc) + " (from a change history)"
	}
	if b.After.IsZero() {
		return "not after " + Moment(b.At, loc) + ", when it was first seen"
	}
	return fmt.Sprintf("after %s and not after %s (between two observations)", Moment(b.After, loc), Moment(b.At, loc))
}
