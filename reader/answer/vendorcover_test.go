package answer_test

import (
	"testing"
	"time"

	"tieout/program"
	"tieout/reader/answer"
)

func TestCover(t *testing.T) {
	for _, tt := range []struct {
		name       string
		c          program.VendorCover
		want, next string
	}{
		{"all", program.VendorCover{Days: 365, Examined: 365}, "All 365 days are examined.", ""},
		{"of a part, and not reviewed", program.VendorCover{Days: 365, InPart: 181, Open: 184}, "0 of 365 days examined; 181 examined for a part of the service in use; 184 in statements whose review is not concluded.", ""},
		{"none", program.VendorCover{Days: 365, Tail: 365}, "None of the 365 days is covered by a report or letter.", "The last 365 days need the supplier’s next report, or evidence of your own: a letter reaches 92 days past a report."},
		{"a tail", program.VendorCover{Days: 365, Examined: 334, Tail: 31}, "334 of 365 days examined; 31 covered by nothing.", "A letter of the supplier’s management can speak of the last 31 days."},
		{"one day", program.VendorCover{Days: 365, Examined: 364, Tail: 1}, "364 of 365 days examined; 1 covered by nothing.", "A letter of the supplier’s management can speak of the last 1 day."},
		{"after a letter", program.VendorCover{Days: 365, Examined: 181, Lettered: 92, Tail: 92}, "181 of 365 days examined; 92 by the supplier’s own letter, not examined; 92 covered by nothing.", "The last 92 days need the supplier’s next report, or evidence of your own: a letter reaches 92 days past a report."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := answer.Cover(tt.c); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got := answer.CoverNext(tt.c); got != tt.next {
				t.Errorf("next: got %q, want %q", got, tt.next)
			}
		})
	}
}

func TestVendorReportSays(t *testing.T) {
	r := &program.VendorReport{Type: program.ReportSOC2Type2, Opinion: "qualified", Samples: "25 of 100", Procedures: []string{"inspection"}, Inquiry: "none", Firm: "Licensed."}
	for _, tt := range []struct {
		name   string
		change func()
		want   string
	}{
		{"two missing", func() {}, "Before its review concludes, 2 things are missing."},
		{"one missing", func() { r.Evidence = "E-4" }, "Before its review concludes, one thing is missing: nobody wrote why the opinion is qualified."},
		{"none missing", func() { r.Modified = "Leavers." }, "Everything is taken out of it; the review has no conclusion yet."},
		{"concluded", func() { r.Reviewed = time.Unix(1, 0) }, "Its review was concluded on 4 May 2026 by Ana."},
	} {
		tt.change()
		if got := answer.VendorReport(r, "4 May 2026", "Ana"); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
