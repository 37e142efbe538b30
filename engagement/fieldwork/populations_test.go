package fieldwork_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

func TestPopulationIsTakenInAndAccepted(t *testing.T) {
	w := opened(t)
	id := w.fed(40, "CHG-01")
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		p := f.Populations[id]
		if !p.Accepted || p.AcceptedBy != stefID || p.Count != 40 || p.Items != "sha256:"+p.Digest || f.Plan.Complete[id] == "" {
			t.Errorf("population %+v; want it accepted by staff, 40 items kept under their digest", p)
		}
	})
	if a := must[engagement.Acceptance](t)(w.book.AcceptanceOf(t.Context(), "EN-1", id)); !a.Accepted || a.Digest == "" {
		t.Errorf("the client is sent %+v; want an acceptance with the digest", a)
	}
}

func TestPopulationIsRefused(t *testing.T) {
	good := items(4, nil)
	cases := []struct {
		name, want string
		kind       error
		lines      string
		spoil      func(*engagement.Population)
	}{
		{"altered on the way", "digest", audit.ErrAltered, strings.Replace(good, "approved", "refused!", 1), nil},
		{"another count", "4 item lines, not 5", audit.ErrInvalid, good, func(p *engagement.Population) { p.Count = 5 }},
		{"an id twice", "another line has too", audit.ErrInvalid, good + good, func(p *engagement.Population) { *p = keepDefined(*p, good+good) }},
		{"cut off", "cut off", audit.ErrInvalid, good[:len(good)-1], nil},
		{"no id", "no id", audit.ErrInvalid, "{\"label\":\"x\"}\n", nil},
		{"unknown field", "unknown field", audit.ErrInvalid, "{\"id\":\"x\",\"pass\":true}\n", nil},
		{"more values than columns", "columns", audit.ErrInvalid, "{\"id\":\"x\",\"values\":[\"a\",\"b\"]}\n", nil},
		{"does not add up", "nothing explains the difference", audit.ErrInvalid, good, func(p *engagement.Population) { p.Checks[0].There = "5" }},
		{"nothing reconciled", "nothing is reconciled", audit.ErrInvalid, good, func(p *engagement.Population) { p.Checks = nil }},
		{"no rows, no proof", "needs proof", audit.ErrInvalid, "", func(p *engagement.Population) { *p = keepDefined(*p, ""); p.Checks = nil }},
		{"frozen before its window was over", "rows could still come", audit.ErrConflict, good, func(p *engagement.Population) {
			p.Freeze.At = p.Window.To.Add(-time.Hour)
			p.Collected = p.Freeze.At
		}},
		{"outside the period", "not within the period", audit.ErrInvalid, good, func(p *engagement.Population) { p.Window.From = p.Window.From.AddDate(0, 0, -1) }},
		{"ends early", "to which day", audit.ErrInvalid, good, func(p *engagement.Population) { p.Window.To = p.Window.To.AddDate(0, 0, -1) }},
		{"to a day its window does not end on", "ends elsewhere", audit.ErrInvalid, good, func(p *engagement.Population) { p.ToDate = "2026-06-30" }},
		{"another zone", "counts its days", audit.ErrInvalid, good, func(p *engagement.Population) { p.Zone = "UTC" }},
		{"left out without a reason", "why CHG-9", audit.ErrInvalid, good, func(p *engagement.Population) { p.Left = []engagement.LeftOut{{Item: "CHG-9", By: "Ana"}} }},
		{"supplement to nothing", "no round of these controls", audit.ErrInvalid, good, func(p *engagement.Population) { p.Supplement = true }},
	}
	w := opened(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := frozen("P-1", good, "CHG-01")
			if c.spoil != nil {
				c.spoil(&p)
			}
			err := w.book.TakePopulation(t.Context(), receiver, "EN-1", p, strings.NewReader(c.lines), 0, 0)
			if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v; want %v that says %q", err, c.kind, c.want)
			}
			w.file(func(_ *fieldwork.State, f *fieldwork.File) {
				if len(f.Populations) > 0 {
					t.Error("it was taken in all the same")
				}
			})
		})
	}
}

// keepDefined is p over other item lines.
func keepDefined(p engagement.Population, lines string) engagement.Population {
	q := frozen(p.ID, lines, p.Controls...)
	return q
}

func TestPopulationsOfAnExaminationAsOfADate(t *testing.T) {
	w := openedAs(t, engagement.SOC2TypeI)
	lines := items(2, nil)
	err := w.book.TakePopulation(t.Context(), receiver, "EN-1", frozen("P-1", lines, "CHG-01"), strings.NewReader(lines), 0, 0)
	if !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "as of a date") {
		t.Errorf("got %v; want it refused: as of a date", err)
	}
}

func TestAcceptanceRestsOnTheAuditorsOwnWork(t *testing.T) {
	w := opened(t)
	lines := items(4, nil)
	w.feed(frozen("P-1", lines, "CHG-01"), lines)
	ctx := t.Context()
	if err := w.book.AcceptPopulation(ctx, staff, "EN-1", "P-1", 1); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "completeness") {
		t.Errorf("accepted without own work: %v; want it refused", err)
	}
	if err := w.book.WriteComplete(ctx, staff, "EN-1", "P-1", "fine", 1); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("work in one word: %v; want it refused as too short", err)
	}
	check(t, w.book.QuestionPopulation(ctx, staff, "EN-1", "P-1", "Where are the deployments of the second region?", 1))
	if a := must[engagement.Acceptance](t)(w.book.AcceptanceOf(ctx, "EN-1", "P-1")); a.Accepted || !strings.Contains(a.Question, "second region") {
		t.Errorf("the client is sent %+v; want the question", a)
	}
	again := frozen("P-2", lines, "CHG-01")
	if err := w.book.TakePopulation(ctx, receiver, "EN-1", again, strings.NewReader(lines), 0, 0); err == nil || !strings.Contains(err.Error(), "says which it supersedes") {
		t.Errorf("the same rows again: %v; want it refused until it says what it supersedes", err)
	}
	again.Supersedes = "P-1"
	if err := w.book.TakePopulation(ctx, receiver, "EN-1", again, strings.NewReader(lines), 0, 0); err == nil || !strings.Contains(err.Error(), "another round") {
		t.Errorf("a re-freeze in the same round: %v; want it refused", err)
	}
	again.Round = "2"
	w.feed(again, lines)
	w.accept("P-2")
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		if f.Populations["P-1"] == nil || f.Populations["P-1"].Superseded != "P-2" || !f.Populations["P-2"].Accepted {
			t.Errorf("P-1 %+v; want it kept, superseded by P-2", f.Populations["P-1"])
		}
	})
	if err := w.book.AcceptPopulation(ctx, staff, "EN-1", "P-1", 2); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("a superseded one is accepted: %v; want it refused", err)
	}
}

func TestInterimRoundsRollForward(t *testing.T) {
	w := opened(t)
	lines := items(4, nil)
	half := frozen("P-1", lines, "CHG-01")
	june, err := audit.NewPeriod("2026-01-01", "2026-06-30", half.Zone)
	check(t, err)
	half.Window, half.ToDate, half.Collected, half.Freeze.At = june.Span, "2026-06-30", june.To, june.To.Add(time.Hour)
	w.feed(half, lines)
	w.accept("P-1")
	rest := frozen("P-2", lines, "CHG-01")
	rest.Round, rest.Window.From = "2", june.To
	w.feed(rest, lines)
	w.accept("P-2")
	late := frozen("P-3", lines, "CHG-01")
	late.Round, late.Supplement = "3", true
	w.feed(late, lines)
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		for id, accepted := range map[string]bool{"P-1": true, "P-2": true, "P-3": false} {
			if p := f.Populations[id]; p == nil || p.Accepted != accepted || p.Superseded != "" {
				t.Errorf("%s is %+v; want it here beside the others, accepted %t", id, p, accepted)
			}
		}
	})
}
