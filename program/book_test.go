package program_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tieout/audit"
	"tieout/program"
)

func fraud() program.Risk {
	return program.Risk{Title: "An employee pays an invented supplier", Owner: "fin", Category: "fraud", Likelihood: 2, Impact: 4,
		Treatment: "mitigate", Plan: "Two people release a payment.", Level: "low", Status: "treated", Controls: []string{"RSK-02"}}
}

func TestWriteAndReadAgain(t *testing.T) {
	w := newWorld(t)
	r := must[program.Risk](t)(w.book.SetRisk(t.Context(), lead, fraud()))
	if r.ID != "R-1" || r.Revision != 1 || !r.Assessed.Equal(start) {
		t.Errorf("got %+v", r)
	}
	w.pass(time.Hour)
	r.Impact = 5
	r = must[program.Risk](t)(w.book.SetRisk(t.Context(), lead, r))
	if diff := cmp.Diff(r, must[program.Risk](t)(w.again().Risk(t.Context(), "R-1"))); diff != "" {
		t.Errorf("another server reads it otherwise (-first +other):\n%s", diff)
	}
	err := w.book.Read(t.Context(), func(s *program.State) error {
		if h := s.History("risk:R-1"); len(h) != 2 || h[1].By.Name != leaID || !h[1].At.Equal(start.Add(time.Hour)) {
			t.Errorf("history %+v", h)
		}
		if len(s.Facts) != 2 || s.Facts[0].Type != "risk" || s.Facts[1].Fields["assessedAt"] != "2026-03-02T10:00:00Z" {
			t.Errorf("facts %+v", s.Facts)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Of two who change the same thing at once one is told, on two servers too.
func TestTwoAtOnce(t *testing.T) {
	w := newWorld(t)
	r := must[program.Risk](t)(w.book.SetRisk(t.Context(), lead, fraud()))
	books := []*program.Book{w.book, w.again()}
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			mine := r
			mine.Title = fmt.Sprintf("Title %d", i)
			_, errs[i] = books[i%2].SetRisk(t.Context(), lead, mine)
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, audit.ErrConflict):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d of 8 counted, want 1", won)
	}
	if a, b := must[program.Risk](t)(w.book.Risk(t.Context(), "R-1")), must[program.Risk](t)(books[1].Risk(t.Context(), "R-1")); a.Title != b.Title || a.Revision != 2 {
		t.Errorf("the servers differ: %q and %q, revision %d", a.Title, b.Title, a.Revision)
	}
}

func TestSameRequestTwice(t *testing.T) {
	w := newWorld(t)
	once := lead
	once.Once = "key-1"
	a := must[program.Risk](t)(w.book.SetRisk(t.Context(), once, fraud()))
	b := must[program.Risk](t)(w.again().SetRisk(t.Context(), once, fraud()))
	if a.ID != b.ID || b.Revision != 1 {
		t.Errorf("first %s, then %s at revision %d", a.ID, b.ID, b.Revision)
	}
	other := fraud()
	other.Title = "Another risk"
	if _, err := w.book.SetRisk(t.Context(), once, other); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("the key of another request: %v", err)
	}
	if all := must[[]program.Risk](t)(w.book.AllRisks(t.Context())); len(all) != 1 {
		t.Errorf("%d risks, want 1", len(all))
	}
}

func TestRefused(t *testing.T) {
	w := newWorld(t)
	r := must[program.Risk](t)(w.book.SetRisk(t.Context(), lead, fraud()))
	both := as(boID, "compliance-lead", "management-signer")
	must[program.Risk](t)(w.book.SetRisk(t.Context(), both, func() program.Risk { x := fraud(); x.Title = "Second"; return x }()))
	long := fraud()
	long.Title = string(make([]byte, 300))
	tests := []struct {
		name string
		do   func() error
		want error
	}{
		{"a reader writes", func() error { _, err := w.book.SetRisk(t.Context(), reader, fraud()); return err }, audit.ErrForbidden},
		{"nobody writes", func() error { _, err := w.book.SetRisk(t.Context(), as("x"), fraud()); return err }, audit.ErrForbidden},
		{"a title that cannot be shown", func() error { _, err := w.book.SetRisk(t.Context(), lead, long); return err }, audit.ErrInvalid},
		{"accepting one's own", func() error { _, err := w.book.AcceptRisk(t.Context(), both, "R-2", 1); return err }, audit.ErrForbidden},
		{"accepting one that is not there", func() error { _, err := w.book.AcceptRisk(t.Context(), signer, "R-9", 0); return err }, audit.ErrNotFound},
		{"accepting an older one", func() error { _, err := w.book.AcceptRisk(t.Context(), signer, r.ID, 0); return err }, audit.ErrConflict},
		{"accepting", func() error { _, err := w.book.AcceptRisk(t.Context(), signer, r.ID, 1); return err }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.do(); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	if got := must[program.Risk](t)(w.book.Risk(t.Context(), r.ID)); got.AcceptedBy != samID || !got.Accepted.Equal(start) {
		t.Errorf("accepted by %q at %v", got.AcceptedBy, got.Accepted)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"base":0,"data":{"title":"x"},"format":"tieout.entry/1","kind":"risk.set","on":"risk:R-1"}`))
	f.Add([]byte(`{}`))
	f.Add([]byte("\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := program.Parse(body)
		if err != nil && !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("error of another kind: %v", err)
		}
		if err == nil && (e.Kind == "" || e.On == "") {
			t.Errorf("an entry without kind or object: %+v", e)
		}
	})
}

// TestManyAtOnce: many who report at the same moment, through two processes,
// each get a number of their own, and nobody is told to report again.
func TestManyAtOnce(t *testing.T) {
	w := newWorld(t)
	books := []*program.Book{w.book, w.again()}
	ids, errs := make([]string, 24), make([]error, 24)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			x, err := books[i%2].ReportIncident(t.Context(), lead, fmt.Sprintf("Seen by reporter %d.", i), start)
			ids[i], errs[i] = x.ID, err
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	slices.Sort(ids)
	if n := len(slices.Compact(ids)); n != 24 {
		t.Errorf("24 reports have %d numbers", n)
	}
}

// TestAcceptedPlan: what management accepted is what it read; another plan, or
// another risk under the same number, is accepted anew.
func TestAcceptedPlan(t *testing.T) {
	tests := []struct {
		name   string
		change func(*program.Risk)
		want   bool // still accepted
	}{
		{"another plan", func(r *program.Risk) { r.Plan = "Nothing is done about it." }, false},
		{"another risk", func(r *program.Risk) { r.Title = "Something else altogether" }, false},
		{"another owner", func(r *program.Risk) { r.Owner = "oda" }, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			r := fraud()
			r.Treatment, r.Plan = "mitigate", "Two people release every payment."
			r = must[program.Risk](t)(w.book.SetRisk(t.Context(), lead, r))
			r = must[program.Risk](t)(w.book.AcceptRisk(t.Context(), signer, r.ID, r.Revision))
			tt.change(&r)
			if r = must[program.Risk](t)(w.book.SetRisk(t.Context(), lead, r)); (r.AcceptedBy != "") != tt.want {
				t.Errorf("accepted by %q, still accepted: want %t", r.AcceptedBy, tt.want)
			}
		})
	}
}

// TestNotSomebodyElse: who says whose accounts are cannot become another person,
// and so review their own access; somebody else takes the link back.
func TestNotSomebodyElse(t *testing.T) {
	w := newWorld(t)
	i := must[program.Identity](t)(w.book.LinkIdentity(t.Context(), lead, program.OfTieout, lead.Account, "hr/1", "", 0))
	if _, err := w.book.UndoIdentity(t.Context(), lead, program.OfTieout, lead.Account, "hr/1", i.Revision); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("by themself: %v", err)
	}
	if _, err := w.book.UndoIdentity(t.Context(), as(boID, "compliance-lead"), program.OfTieout, lead.Account, "hr/1", i.Revision); err != nil {
		t.Errorf("by another compliance lead: %v", err)
	}
}
