package program_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/program"
)

func TestHolds(t *testing.T) {
	w := newWorld(t)
	owner := as(evaID, access.Employee)
	if _, err := w.book.SetHold(t.Context(), owner, program.Hold{Title: "x", Reason: "y"}); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("an employee set a hold: %v", err)
	}
	for name, h := range map[string]program.Hold{
		"no reason":           {Title: "Dispute"},
		"one day of two":      {Title: "Dispute", Reason: "letter", From: start},
		"backwards":           {Title: "Dispute", Reason: "letter", From: start, To: start.Add(-time.Hour)},
		"records and days":    {Title: "Dispute", Reason: "letter", Records: []int64{0}, From: start.Add(-time.Hour), To: start},
		"a record to come":    {Title: "Dispute", Reason: "letter", Records: []int64{1 << 40}},
		"a record that is no": {Title: "Dispute", Reason: "letter", Records: []int64{-1}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := w.book.SetHold(t.Context(), lead, h); !errors.Is(err, audit.ErrInvalid) {
				t.Errorf("got %v", err)
			}
		})
	}
	h := must[program.Hold](t)(w.book.SetHold(t.Context(), lead, program.Hold{Title: "Dispute", Reason: "letter of counsel", From: start.Add(-48 * time.Hour), To: start}))
	if h.ID != "H-1" || !h.Stands() || h.By != lead.Account {
		t.Errorf("got %+v", h)
	}
	if _, err := w.book.LiftHold(t.Context(), lead, h.ID, " "); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("lifted without a reason: %v", err)
	}
	w.pass(time.Hour)
	h = must[program.Hold](t)(w.book.LiftHold(t.Context(), lead, h.ID, "settled"))
	if h.Stands() || h.LiftReason != "settled" {
		t.Errorf("got %+v", h)
	}
	if _, err := w.book.LiftHold(t.Context(), lead, h.ID, "again"); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("lifted twice: %v", err)
	}
	again := must[program.Hold](t)(w.again().Hold(t.Context(), h.ID))
	if again.LiftedBy != lead.Account || !strings.Contains(again.Reason, "counsel") {
		t.Errorf("read again: %+v", again)
	}
}

func TestWhatAHoldKeeps(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2026, 3, d, 0, 0, 0, 0, time.UTC) }
	about := func(from, to int) audit.Record {
		return audit.Record{Index: 7, About: audit.Span{From: day(from), To: day(to)}, Recorded: day(20)}
	}
	days := program.Hold{From: day(5), To: day(10)}
	lifted := program.Hold{Lifted: day(11)}
	for _, tt := range []struct {
		name string
		h    program.Hold
		rec  audit.Record
		want bool
	}{
		{"everything", program.Hold{}, about(1, 2), true},
		{"lifted", lifted, about(1, 2), false},
		{"named", program.Hold{Records: []int64{7}}, about(1, 2), true},
		{"another is named", program.Hold{Records: []int64{8}}, about(6, 7), false},
		{"within the days", days, about(6, 7), true},
		{"ends as they begin", days, about(4, 5), false},
		{"begins as they end", days, about(10, 11), false},
		{"reaches into them", days, about(1, 6), true},
		{"about nothing, recorded later", days, audit.Record{Recorded: day(20)}, false},
		{"about nothing, recorded in them", days, audit.Record{Recorded: day(6)}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.h.Holds(tt.rec); got != tt.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func TestRulesFitData(t *testing.T) {
	fit := func(kinds ...string) (out []string) {
		for _, r := range program.Rules() {
			if r.Fits(kinds) {
				out = append(out, r.ID)
			}
		}
		return out
	}
	if got := fit(); len(got) > 0 {
		t.Errorf("no data, and yet %v", got)
	}
	for kind, want := range map[string]string{"phi": "hipaa-people", "personal": "gdpr-authority", "card": "cards-acquirer"} {
		if got := strings.Join(fit(kind), " "); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s among them", kind, got, want)
		}
	}
	if got := strings.Join(fit("card"), " "); strings.Contains(got, "gdpr") {
		t.Errorf("cards: %s", got)
	}
}
