package report

import (
	"testing"
	"time"

	"tieout/audit"
)

func TestExcepted(t *testing.T) {
	day := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	tests := []struct {
		name string
		x    audit.Excepted
		want string
	}{
		{"with both days", audit.Excepted{Ticket: "OPS-7", ApprovedBy: "hr/7", ApprovedAt: day, ExpiresAt: day.AddDate(0, 6, 0)}, "Exception OPS-7 was approved for this item by hr/7 on 1 Mar 2026 and ends on 1 Sep 2026."},
		{"without an end", audit.Excepted{Ticket: "OPS-7", ApprovedBy: "hr/7", ApprovedAt: day}, "Exception OPS-7 was approved for this item by hr/7 on 1 Mar 2026 and names no end."},
		{"the approval's day is not recorded", audit.Excepted{Ticket: "OPS-7", ApprovedBy: "hr/7", ExpiresAt: day}, "Exception OPS-7 was approved for this item by hr/7 and ends on 1 Mar 2026."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Excepted(&tt.x, time.UTC); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
