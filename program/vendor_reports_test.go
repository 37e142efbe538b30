package program_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/program"
)

// soc2 is a supplier's SOC 2 Type II over 2025.
func soc2(vendor, evidence string) program.VendorReport {
	return program.VendorReport{Vendor: vendor, Type: program.ReportSOC2Type2, Issuer: "Other Assurance LLP", System: "Mail service", Ours: "yes", First: "2025-01-01", Last: "2025-12-31", Dated: "2026-02-01",
		Categories: []string{"S", "A"}, Opinion: "qualified", CarvedOut: []string{"Cloud Host"}, Evidence: evidence,
		Samples: "25 of 100 leavers", Procedures: []string{"inquiry", "inspection"}, Inquiry: "none", Firm: "Licensed, pass in its peer review of 2024",
		Exceptions: []program.VendorException{{Control: "AC-4", Text: "Two of 25 leavers kept access.", Assumed: "CSOC-1"}},
		Duties:     []program.VendorDuty{{Ref: "U-1", Text: "Users remove their leavers."}, {Ref: "U-2", Text: "Users choose a region.", Needless: "only one region is offered"}}}
}

// concluding is a conclusion that asks for no exception.
func concluding(words string) program.VendorConclusion {
	return program.VendorConclusion{Conclusion: words}
}

// TestVendorReportReview: a review concludes only once all it has to settle is
// settled, and the vendor then counts as reviewed.
func TestVendorReportReview(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	v := must[program.Vendor](t)(w.book.SetVendor(ctx, lead, mailer()))
	bare := soc2(v.ID, "")
	bare.Samples, bare.Procedures, bare.Inquiry, bare.Firm = "", nil, "", ""
	r := must[program.VendorReport](t)(w.book.SetVendorReport(ctx, lead, bare))
	steps := []struct {
		missing string
		change  func(*program.VendorReport)
	}{
		{"not sealed as evidence", func(r *program.VendorReport) { r.Evidence = w.document() }},
		{"why the opinion is qualified", func(r *program.VendorReport) { r.Modified = "Access of leavers." }},
		{"for 1 of 1 exceptions", func(r *program.VendorReport) { r.Exceptions[0].Effect = "Own reviews would have caught it." }},
		{"for 1 of 2 controls expected of users", func(r *program.VendorReport) { r.Duties[0].Controls = []string{"IAM-02"} }},
		{"which sizes of samples", func(r *program.VendorReport) { r.Samples = "25 of 100 leavers" }},
		{"which kinds of procedures", func(r *program.VendorReport) { r.Procedures = []string{"inquiry"} }},
		{"by inquiry alone", func(r *program.VendorReport) { r.Inquiry = "AC-4" }},
		{"the license and the peer review", func(r *program.VendorReport) { r.Firm = "Licensed." }},
	}
	for _, s := range steps {
		if err := w.book.ConcludeVendorReport(ctx, lead, r.ID, concluding("Good enough."), r.Revision, newYork(t)); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), s.missing) {
			t.Fatalf("got %v, want what is missing: %s", err, s.missing)
		}
		s.change(&r)
		r = must[program.VendorReport](t)(w.book.SetVendorReport(ctx, lead, r))
	}
	if err := w.book.ConcludeVendorReport(ctx, reader, r.ID, concluding("Good."), r.Revision, newYork(t)); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("a reader concludes: %v", err)
	}
	w.pass(time.Hour)
	if err := w.book.ConcludeVendorReport(ctx, lead, r.ID, program.VendorConclusion{Conclusion: "Good enough.", FollowUp: "Ask again in May."}, r.Revision, newYork(t)); err != nil {
		t.Fatal(err)
	}
	got := must[program.Vendor](t)(w.again().Vendor(ctx, v.ID))
	if want := time.Date(2026, 1, 1, 4, 59, 59, 0, time.UTC); !got.Reviewed.Equal(w.now()) || !got.Mapped.Equal(w.now()) || !got.ReportEnd.Equal(want) || got.Revision != 2 {
		t.Errorf("the vendor: %+v", got)
	}
	r = must[program.VendorReport](t)(w.book.VendorReport(ctx, r.ID))
	if again := must[program.VendorReport](t)(w.book.SetVendorReport(ctx, lead, r)); again.Conclusion != "" || !again.Reviewed.IsZero() {
		t.Errorf("changed after its review, it still counts as concluded: %+v", again)
	}
}

func newYork(t *testing.T) *time.Location {
	return must[*time.Location](t)(time.LoadLocation("America/New_York"))
}

// TestVendorFollows: what tests of suppliers rest on follows from reports that show
// it, as they stand: a review that is opened again takes back what it gave, and what
// was stated of the vendor by itself stays.
func TestVendorFollows(t *testing.T) {
	w := newWorld(t)
	ctx, doc := t.Context(), w.document()
	stated := time.Date(2025, 6, 30, 12, 0, 0, 0, time.UTC)
	conclude := func(t *testing.T, change func(*program.VendorReport)) (program.Vendor, program.VendorReport) {
		t.Helper()
		in := mailer()
		in.Reviewed, in.ReportEnd, in.Mapped = stated, stated, stated
		v := must[program.Vendor](t)(w.book.SetVendor(ctx, lead, in))
		r := soc2(v.ID, doc)
		r.Modified, r.Exceptions, r.Duties = "Access of leavers.", nil, nil
		change(&r)
		r = must[program.VendorReport](t)(w.book.SetVendorReport(ctx, lead, r))
		if err := w.book.ConcludeVendorReport(ctx, lead, r.ID, concluding("Read."), r.Revision, time.UTC); err != nil {
			t.Fatal(err)
		}
		return must[program.Vendor](t)(w.book.Vendor(ctx, v.ID)), must[program.VendorReport](t)(w.book.VendorReport(ctx, r.ID))
	}
	plain := func(kind program.VendorReportType, first string) func(*program.VendorReport) {
		return func(r *program.VendorReport) {
			r.Type, r.First = kind, first
			if !kind.HasOpinion() {
				r.Opinion, r.Modified = "", ""
			}
		}
	}
	for _, tt := range []struct {
		name            string
		change          func(*program.VendorReport)
		reviewed, shows bool
	}{
		{"SOC 2 Type II", func(*program.VendorReport) {}, true, true},
		{"of a part of the service", func(r *program.VendorReport) { r.Ours = "in part" }, true, true},
		{"of another system", func(r *program.VendorReport) { r.Ours = "no" }, false, false},
		{"SOC 2 Type I", plain(program.ReportSOC2Type1, ""), false, false},
		{"SOC 1", plain(program.ReportSOC1Type2, "2025-01-01"), false, false},
		{"SOC 3", plain(program.ReportSOC3, "2025-01-01"), false, false},
		{"certificate", plain(program.ReportISO27001, "2025-01-01"), false, false},
		{"FedRAMP", plain(program.ReportFedRAMP, "2025-01-01"), false, false},
		{"bridge letter", plain(program.ReportLetter, "2025-01-01"), false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, _ := conclude(t, tt.change)
			if got := !v.Reviewed.Equal(stated); got != tt.reviewed {
				t.Errorf("reviewed: %v, want %v: %s", got, tt.reviewed, v.Reviewed)
			}
			if end, mapped := !v.ReportEnd.Equal(stated), !v.Mapped.Equal(stated); end != tt.shows || mapped != tt.shows {
				t.Errorf("its end %s, mapped %s; want them to follow: %v", v.ReportEnd, v.Mapped, tt.shows)
			}
		})
	}
	t.Run("opened again", func(t *testing.T) {
		v, r := conclude(t, func(*program.VendorReport) {})
		v.Name = "Other name" // a form gives back what it showed: days alone
		day := func(at time.Time) time.Time { return time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC) }
		v.Reviewed, v.Mapped = day(v.Reviewed), day(v.Mapped)
		v = must[program.Vendor](t)(w.book.SetVendor(ctx, lead, v))
		if want := time.Date(2025, 12, 31, 23, 59, 59, 0, time.UTC); !v.ReportEnd.Equal(want) {
			t.Errorf("its report ends %s, want %s", v.ReportEnd, want)
		}
		r.Last, r.Dated = "2025-10-31", "2026-01-05"
		must[program.VendorReport](t)(w.book.SetVendorReport(ctx, lead, r))
		got := must[program.Vendor](t)(w.again().Vendor(ctx, v.ID))
		if !got.Reviewed.Equal(stated) || !got.ReportEnd.Equal(stated) || !got.Mapped.Equal(stated) {
			t.Errorf("its corrected report is not reviewed, yet the vendor: %+v", got)
		}
	})
}

// TestVendorReportNumbers: what is no report yet is entered under a number of the
// register's own.
func TestVendorReportNumbers(t *testing.T) {
	w := newWorld(t)
	v := must[program.Vendor](t)(w.book.SetVendor(t.Context(), lead, mailer()))
	r := soc2(v.ID, w.document())
	r.ID = "MINE"
	if _, err := w.book.SetVendorReport(t.Context(), lead, r); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("a report under a number somebody chose: %v", err)
	}
}

func TestVendorReportRefused(t *testing.T) {
	w := newWorld(t)
	v := must[program.Vendor](t)(w.book.SetVendor(t.Context(), lead, mailer()))
	doc := w.document()
	for _, tt := range []struct {
		name   string
		by     access.Subject
		change func(*program.VendorReport)
		want   error
	}{
		{"nothing wrong", lead, func(*program.VendorReport) {}, nil},
		{"a reader", reader, func(*program.VendorReport) {}, audit.ErrForbidden},
		{"of nobody", lead, func(r *program.VendorReport) { r.Vendor = "V-9" }, audit.ErrNotFound},
		{"of no kind", lead, func(r *program.VendorReport) { r.Type = "SOC 4" }, audit.ErrInvalid},
		{"first after last", lead, func(r *program.VendorReport) { r.First = "2026-01-01" }, audit.ErrInvalid},
		{"dated before its end", lead, func(r *program.VendorReport) { r.Dated = "2025-12-30" }, audit.ErrInvalid},
		{"dated to come", lead, func(r *program.VendorReport) { r.Dated = "2027-01-01" }, audit.ErrInvalid},
		{"as of a day, with a first", lead, func(r *program.VendorReport) { r.Type = program.ReportSOC2Type1 }, audit.ErrInvalid},
		{"a letter with an opinion", lead, func(r *program.VendorReport) { r.Type = program.ReportLetter }, audit.ErrInvalid},
		{"no opinion", lead, func(r *program.VendorReport) { r.Opinion = "" }, audit.ErrInvalid},
		{"unqualified yet modified", lead, func(r *program.VendorReport) { r.Opinion, r.Modified = "unqualified", "x" }, audit.ErrInvalid},
		{"received before it is dated", lead, func(r *program.VendorReport) { r.Received = "2026-01-31" }, audit.ErrInvalid},
		{"received in days to come", lead, func(r *program.VendorReport) { r.Received = "2026-09-01" }, audit.ErrInvalid},
		{"of a kind of procedure there is none of", lead, func(r *program.VendorReport) { r.Procedures = []string{"guessing"} }, audit.ErrInvalid},
		{"a kind of procedure twice", lead, func(r *program.VendorReport) { r.Procedures = []string{"inquiry", "inquiry"} }, audit.ErrInvalid},
		{"examined by a 3PAO", lead, func(r *program.VendorReport) { r.Assessor = "3PAO" }, audit.ErrInvalid},
		{"terms that say nothing", lead, func(r *program.VendorReport) { r.Terms.AcceptedBy = "Lea" }, audit.ErrInvalid},
		{"behind it an organization it does not name", lead, func(r *program.VendorReport) { r.Behind = []program.VendorBehind{{Name: "Other", Vendor: v.ID}} }, audit.ErrInvalid},
		{"behind it itself", lead, func(r *program.VendorReport) { r.Behind = []program.VendorBehind{{Name: "Cloud Host", Vendor: v.ID}} }, audit.ErrInvalid},
		{"behind it a vendor there is none of", lead, func(r *program.VendorReport) { r.Behind = []program.VendorBehind{{Name: "Cloud Host", Vendor: "V-9"}} }, audit.ErrInvalid},
		{"evidence that is none", lead, func(r *program.VendorReport) { r.Evidence = "E-9999" }, audit.ErrInvalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := soc2(v.ID, doc)
			tt.change(&r)
			if _, err := w.book.SetVendorReport(t.Context(), tt.by, r); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func date(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func TestCover(t *testing.T) {
	report := func(kind program.VendorReportType, first, last string) program.VendorReport {
		return program.VendorReport{Type: kind, Ours: "yes", First: first, Last: last, Opinion: "unqualified", Reviewed: date("2026-02-01")}
	}
	but := func(r program.VendorReport, change func(*program.VendorReport)) program.VendorReport {
		change(&r)
		return r
	}
	year := report(program.ReportSOC2Type2, "2025-01-01", "2025-12-31")
	half := report(program.ReportSOC2Type2, "2025-01-01", "2025-06-30")
	for _, tt := range []struct {
		name                                            string
		list                                            []program.VendorReport
		examined, inPart, lettered, open, uncov, t, gap int
	}{
		{"nothing", nil, 0, 0, 0, 0, 365, 365, 1},
		{"the whole year", []program.VendorReport{report(program.ReportSOC2Type2, "2024-10-01", "2026-01-31")}, 365, 0, 0, 0, 0, 0, 0},
		{"half", []program.VendorReport{half}, 181, 0, 0, 0, 184, 184, 1},
		{"half and a letter, cut at 92 days", []program.VendorReport{half, report(program.ReportLetter, "2025-07-01", "2025-12-31")}, 181, 0, 92, 0, 92, 92, 1},
		{"a letter that does not follow on", []program.VendorReport{half, report(program.ReportLetter, "2025-08-01", "2025-09-30")}, 181, 0, 0, 0, 184, 184, 1},
		{"a letter alone", []program.VendorReport{report(program.ReportLetter, "2025-01-01", "2025-03-31")}, 0, 0, 0, 0, 365, 365, 1},
		{"a hole in the midst", []program.VendorReport{half, report(program.ReportSOC2Type2, "2025-08-01", "2025-12-31")}, 334, 0, 0, 0, 31, 0, 1},
		{"twice the same days", []program.VendorReport{half, half}, 181, 0, 0, 0, 184, 184, 1},
		{"another system", []program.VendorReport{but(year, func(r *program.VendorReport) { r.Ours = "no" })}, 0, 0, 0, 0, 365, 365, 1},
		{"a part of the service", []program.VendorReport{but(year, func(r *program.VendorReport) { r.Ours = "in part" }), half}, 181, 184, 0, 0, 0, 0, 0},
		{"no opinion", []program.VendorReport{but(year, func(r *program.VendorReport) { r.Opinion = "disclaimer" })}, 0, 0, 0, 0, 365, 365, 1},
		{"a letter after no opinion", []program.VendorReport{but(half, func(r *program.VendorReport) { r.Opinion = "disclaimer" }), report(program.ReportLetter, "2025-07-01", "2025-08-31")}, 0, 0, 0, 0, 365, 365, 1},
		{"not reviewed", []program.VendorReport{half, but(year, func(r *program.VendorReport) { r.Reviewed = time.Time{} })}, 181, 0, 0, 184, 0, 0, 0},
		{"a letter nobody reviewed", []program.VendorReport{half, but(report(program.ReportLetter, "2025-07-01", "2025-08-31"), func(r *program.VendorReport) { r.Reviewed = time.Time{} })}, 181, 0, 0, 62, 122, 122, 1},
		{"a SOC 3 and a SOC 1", []program.VendorReport{report(program.ReportSOC3, "2025-01-01", "2025-12-31"), report(program.ReportSOC1Type2, "2025-01-01", "2025-12-31")}, 0, 0, 0, 0, 365, 365, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := program.Cover(tt.list, date("2025-01-01"), date("2025-12-31"))
			if c.Days != 365 || c.Examined != tt.examined || c.InPart != tt.inPart || c.Lettered != tt.lettered || c.Open != tt.open || c.Uncovered() != tt.uncov || c.Tail != tt.t || len(c.Holes) != tt.gap {
				t.Errorf("got %+v, %d uncovered", c, c.Uncovered())
			}
		})
	}
}

func TestVendorReportLimits(t *testing.T) {
	r := soc2("V-1", "")
	for _, tt := range []struct {
		name, today string
		change      func(*program.VendorReport)
		want        string
	}{
		{"modified", "2026-03-01", func(*program.VendorReport) {}, "Its opinion is modified: qualified."},
		{"carved out", "2026-03-01", func(*program.VendorReport) {}, "Controls of one organization behind it are carved out."},
		{"old", "2027-01-01", func(*program.VendorReport) {}, "Its last day is more than 12 months past."},
		{"too old", "2027-07-01", func(*program.VendorReport) {}, "Its last day is more than 18 months past."},
		{"not ours", "2026-03-01", func(r *program.VendorReport) { r.Ours = "no" }, "Its system is not the service in use."},
		{"only inquiry", "2026-03-01", func(r *program.VendorReport) { r.Procedures = []string{"inquiry"} }, "All of its tests are inquiry: people were asked, and nothing was looked at."},
		{"some by inquiry alone", "2026-03-01", func(r *program.VendorReport) { r.Inquiry = "AC-4 and AC-9." }, "Tested by inquiry alone, which is people's word: AC-4 and AC-9."},
		{"marked", "2026-03-01", func(r *program.VendorReport) { r.Terms.Marked = "Acme Pay" }, "The copy is marked for Acme Pay."},
		{"under terms", "2026-03-01", func(r *program.VendorReport) { r.Terms.Text = "Not to be passed on." }, "It was given under terms. Read them before you give it to anybody."},
		{"FedRAMP", "2026-03-01", func(r *program.VendorReport) { r.Type = program.ReportFedRAMP }, "A FedRAMP authorization rests on another catalog of controls, assessed for federal agencies. It gives no opinion on the trust services criteria, and a SOC 2 does not stand in for it."},
		{"run out", "2026-03-01", func(r *program.VendorReport) { r.Type = program.ReportISO27001 }, "It has run out."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := r
			tt.change(&x)
			if got := x.Limits(date(tt.today)); !slices.Contains(got, tt.want) {
				t.Errorf("got %q, want %q among them", got, tt.want)
			}
		})
	}
	if got := (program.VendorReport{Type: program.ReportSOC2Type2, Ours: "yes", Last: "2025-12-31", Opinion: "unqualified"}).Limits(date("2026-12-31")); len(got) != 0 {
		t.Errorf("a good report of 12 months ago: %q", got)
	}
}
