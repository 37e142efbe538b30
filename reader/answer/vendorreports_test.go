package answer_test

import (
	"testing"
	"time"

	"tieout/program"
	"tieout/reader/answer"
)

func TestFreshness(t *testing.T) {
	today := time.Date(2026, 12, 2, 9, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name string
		r    program.VendorReport
		want string
	}{
		{"months at receipt", program.VendorReport{Last: "2026-03-31", Dated: "2026-05-20", Received: "2026-09-02"}, "ended 31 Mar 2026, dated 20 May (50 days later), 5 months old at receipt, 8 today"},
		{"over the year's end", program.VendorReport{Last: "2025-12-31", Dated: "2026-02-01", Received: "2026-02-01"}, "ended 31 Dec 2025, dated 1 Feb 2026 (32 days later), 1 month old at receipt, 11 today"},
		{"at once", program.VendorReport{Last: "2026-11-30", Dated: "2026-11-30", Received: "2026-12-01"}, "ended 30 Nov 2026, dated 30 Nov (the same day), less than a month old at receipt, less than a month today"},
		{"nobody said when it came", program.VendorReport{Last: "2026-03-31", Dated: "2026-04-01"}, "ended 31 Mar 2026, dated 1 Apr (1 day later), day of receipt not entered, 8 months old today"},
		{"a certificate", program.VendorReport{Type: program.ReportISO27001, Last: "2028-01-31", Dated: "2025-02-01"}, "dated 1 Feb 2025, runs to 31 Jan 2028"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := answer.Freshness(&tt.r, today); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
