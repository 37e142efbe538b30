package program_test

import (
	"testing"
	"time"

	"tieout/program"
)

func TestExpected(t *testing.T) {
	report := func(kind program.VendorReportType, last, next string) program.VendorReport {
		return program.VendorReport{ID: "VR-" + last, Vendor: "V-1", Type: kind, Ours: "yes", Last: last, Next: next}
	}
	year := report(program.ReportSOC2Type2, "2025-09-30", "2026-11-15")
	other := report(program.ReportSOC2Type2, "2026-09-30", "")
	other.Ours = "no"
	for _, tt := range []struct {
		name string
		list []program.VendorReport
		want string // day
	}{
		{"nothing", nil, ""},
		{"none names a day", []program.VendorReport{report(program.ReportSOC2Type2, "2025-09-30", "")}, ""},
		{"one does", []program.VendorReport{year}, "2026-11-15"},
		{"a later one came", []program.VendorReport{report(program.ReportSOC2Type2, "2026-09-30", ""), year}, ""},
		{"a later one came and names the next", []program.VendorReport{report(program.ReportSOC2Type2, "2026-09-30", "2027-11-15"), year}, "2027-11-15"},
		{"an older one was entered", []program.VendorReport{year, report(program.ReportSOC2Type2, "2024-09-30", "2025-11-15")}, "2026-11-15"},
		{"a letter came", []program.VendorReport{report(program.ReportLetter, "2025-12-31", ""), year}, "2026-11-15"},
		{"a report of another kind came", []program.VendorReport{report(program.ReportSOC1Type2, "2026-09-30", ""), year}, "2026-11-15"},
		{"one of another system came", []program.VendorReport{other, year}, "2026-11-15"},
		{"a Type I, then a Type II", []program.VendorReport{report(program.ReportSOC2Type2, "2026-09-30", ""), report(program.ReportSOC2Type1, "2026-03-31", "2026-11-01")}, ""},
		{"two are awaited, the first first", []program.VendorReport{year, report(program.ReportSOC1Type2, "2025-09-30", "2026-10-15")}, "2026-10-15"},
		{"a letter names the next, and it came", []program.VendorReport{report(program.ReportSOC2Type2, "2026-09-30", ""), report(program.ReportLetter, "2025-12-31", "2026-11-15")}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if next := program.Expected(tt.list); len(next) > 0 {
				got = next[0].Day
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	x := program.Expected([]program.VendorReport{year})[0]
	for day, want := range map[string]bool{"2026-11-15": false, "2026-11-16": true} {
		if x.Overdue(date(day).Add(23*time.Hour)) != want {
			t.Errorf("overdue on %s: %v", day, !want)
		}
	}
}

// TestExpectedReports: what is expected is said with who answers for the vendor, and
// of no vendor whose use has ended.
func TestExpectedReports(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	v := must[program.Vendor](t)(w.book.SetVendor(ctx, lead, mailer()))
	r := soc2(v.ID, "")
	r.Next = "2026-04-01"
	must[program.VendorReport](t)(w.book.SetVendorReport(ctx, lead, r))
	of := func() (out []program.ExpectedReport) {
		if err := w.again().Read(ctx, func(s *program.State) error { out = s.ExpectedReports(); return nil }); err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := of(); len(got) != 1 || got[0].Name != v.Name || got[0].Owner != v.Owner || got[0].Day != "2026-04-01" {
		t.Errorf("expected: %+v", got)
	}
	v = must[program.Vendor](t)(w.book.Vendor(ctx, v.ID))
	v.Status, v.Ended = "ended", w.now()
	must[program.Vendor](t)(w.book.SetVendor(ctx, lead, v))
	if got := of(); len(got) != 0 {
		t.Errorf("of a vendor whose use ended: %+v", got)
	}
}
