package program_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/evidence"
	"tieout/internal/canonical"
	"tieout/program"
)

// soc3 is a supplier's SOC 3 over 2025, entered by the lead.
func (w *world) soc3() (program.Vendor, program.VendorReport) {
	w.t.Helper()
	v := must[program.Vendor](w.t)(w.book.SetVendor(w.t.Context(), lead, mailer()))
	r := soc2(v.ID, w.document())
	r.Type, r.Modified, r.Exceptions, r.Duties = program.ReportSOC3, "Access of leavers.", nil, nil
	return v, must[program.VendorReport](w.t)(w.book.SetVendorReport(w.t.Context(), lead, r))
}

func (w *world) reviewedAt(id string) time.Time {
	w.t.Helper()
	return must[program.Vendor](w.t)(w.again().Vendor(w.t.Context(), id)).Reviewed
}

// TestVendorException: a report that is no SOC 2 Type II counts as a review only once
// management has accepted it, by somebody who had no hand in it, and until the day
// that was asked for.
func TestVendorException(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	v, r := w.soc3()
	before := v.Reviewed
	asked := program.VendorConclusion{Conclusion: "Read.", Why: "The SOC 2 comes in May.", Until: "2026-05-31"}
	if _, err := w.book.AcceptVendorReport(ctx, signer, r.ID, r.Revision); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("accepted before anybody asked: %v", err)
	}
	if err := w.book.ConcludeVendorReport(ctx, lead, r.ID, asked, r.Revision, newYork(t)); err != nil {
		t.Fatal(err)
	}
	concluded := w.now()
	if got := w.reviewedAt(v.ID); !got.Equal(before) {
		t.Errorf("reviewed %s before management accepted it", got)
	}
	w.pass(time.Hour)
	r = must[program.VendorReport](t)(w.book.VendorReport(ctx, r.ID))
	both := as(leaID, access.ComplianceLead, access.ManagementSigner)
	for name, by := range map[string]access.Subject{"the lead": lead, "a signer who wrote it": both, "a reader": reader} {
		if _, err := w.book.AcceptVendorReport(ctx, by, r.ID, r.Revision); !errors.Is(err, audit.ErrForbidden) {
			t.Errorf("%s accepts: %v", name, err)
		}
	}
	r = must[program.VendorReport](t)(w.book.AcceptVendorReport(ctx, signer, r.ID, r.Revision))
	if r.Accepted.By != samID || !r.Accepted.At.Equal(w.now()) || !r.Counts(w.now()) {
		t.Errorf("accepted: %+v", r.Accepted)
	}
	if got := w.reviewedAt(v.ID); !got.Equal(concluded) {
		t.Errorf("reviewed %s, want when it was concluded: %s", got, concluded)
	}
	if _, err := w.book.AcceptVendorReport(ctx, signer, r.ID, r.Revision); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("accepted twice: %v", err)
	}
	end := time.Date(2026, 6, 1, 4, 0, 0, 0, time.UTC) // midnight in New York
	w.us.Store(end.UnixMicro() - 1)
	if got := w.reviewedAt(v.ID); !got.Equal(concluded) {
		t.Errorf("reviewed %s on its last day", got)
	}
	w.us.Store(end.UnixMicro())
	if got := w.reviewedAt(v.ID); !got.Equal(before) {
		t.Errorf("reviewed %s after its last day", got)
	}
	w.says(t, v.ID, end, before)
	w.pass(time.Hour)
	again := must[program.Vendor](t)(w.book.Vendor(ctx, v.ID))
	again.Name = "Other name"
	must[program.Vendor](t)(w.book.SetVendor(ctx, lead, again))
	w.says(t, v.ID, end, before)
}

// says checks that the end of an exception is a fact once, at its instant, whatever
// is written of the vendor later.
func (w *world) says(t *testing.T, id string, end, reviewed time.Time) {
	t.Helper()
	n := 0
	err := w.again().Read(t.Context(), func(s *program.State) error {
		var last time.Time
		for _, f := range s.FactsAt(w.now().Add(time.Microsecond)) {
			if f.Recorded.Before(last) {
				t.Errorf("facts are out of order: %s after %s", f.Recorded, last)
			}
			last = f.Recorded
			if f.Type == "vendor" && f.ID == id && f.At.Equal(end) {
				n++
				if f.Fields["reviewedAt"] != audit.FormatTime(reviewed) && !(reviewed.IsZero() && f.Fields["reviewedAt"] == audit.NeverText) {
					t.Errorf("reviewed at %v at the end of the exception", f.Fields["reviewedAt"])
				}
			}
		}
		if got := s.FactsAt(end); len(got) > 0 && got[len(got)-1].At.Equal(end) {
			t.Error("the end of the exception is a fact before it came")
		}
		return nil
	})
	if err != nil || n != 1 {
		t.Errorf("%d facts of the end of the exception, %v", n, err)
	}
}

func TestVendorExceptionRefused(t *testing.T) {
	w := newWorld(t)
	_, r := w.soc3()
	for _, tt := range []struct {
		name, why, until string
		change           func(*program.VendorReport)
	}{
		{"why without until when", "It has to do.", "", nil},
		{"until when without why", "", "2026-05-31", nil},
		{"until today", "It has to do.", "2026-03-02", nil},
		{"for more than a year", "It has to do.", "2027-03-04", nil},
		{"of a SOC 2 Type II", "It has to do.", "2026-05-31", func(r *program.VendorReport) { r.Type = program.ReportSOC2Type2 }},
		{"of another system", "It has to do.", "2026-05-31", func(r *program.VendorReport) { r.Ours = "no" }},
		{"of a letter", "It has to do.", "2026-05-31", func(r *program.VendorReport) { r.Type, r.Opinion, r.Modified = program.ReportLetter, "", "" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := must[program.VendorReport](t)(w.book.VendorReport(t.Context(), r.ID))
			if tt.change != nil {
				tt.change(&x)
				x = must[program.VendorReport](t)(w.book.SetVendorReport(t.Context(), lead, x))
			}
			c := program.VendorConclusion{Conclusion: "Read.", Why: tt.why, Until: tt.until}
			if err := w.book.ConcludeVendorReport(t.Context(), lead, r.ID, c, x.Revision, time.UTC); !errors.Is(err, audit.ErrInvalid) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestVendorConcludedBefore: a conclusion that was sealed before exceptions and the
// depth of tests were asked for counts as it did.
func TestVendorConcludedBefore(t *testing.T) {
	w := newWorld(t)
	v, r := w.soc3()
	w.pass(time.Hour)
	data, err := json.Marshal(map[string]string{"conclusion": "Read.", "followUp": "", "zone": "UTC"})
	if err != nil {
		t.Fatal(err)
	}
	body, err := canonical.Marshal(program.Entry{Format: "tieout.entry/1", Kind: "vendorreport.conclude", On: "vendorreport:" + r.ID, Base: r.Revision, Data: data})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.seal.Seal(t.Context(), evidence.Draft{Kind: audit.RecordEntry, Media: "application/json", Body: body, Actor: audit.Actor{Kind: audit.ActorPerson, Name: leaID}}); err != nil {
		t.Fatal(err)
	}
	if got := w.reviewedAt(v.ID); !got.Equal(w.now()) {
		t.Errorf("reviewed %s, want when it was concluded", got)
	}
	r = must[program.VendorReport](t)(w.book.VendorReport(t.Context(), r.ID))
	if !r.Counts(w.now().AddDate(5, 0, 0)) || r.Waits() {
		t.Errorf("its conclusion lost its meaning: %+v", r)
	}
}
