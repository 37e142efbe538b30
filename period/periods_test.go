package period

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/definition"
	"tieout/engagement"
)

// rewrite changes the workspace's tieout.yaml by hand.
func (w *world) rewrite(t *testing.T, old, with string) {
	t.Helper()
	text := w.onDisk(t, "tieout.yaml")
	next := strings.Replace(text, old, with, 1)
	if next == text {
		t.Fatalf("there is no %q in\n%s", old, text)
	}
	must(t, os.WriteFile(filepath.Join(w.dir, "tieout.yaml"), []byte(next), 0o644))
}

// TestAddPeriod: the next period is added beside the one that was examined, and
// becomes the one that is shown once it holds today.
func TestAddPeriod(t *testing.T) {
	w := newWorld(t, nil)
	first := w.create(t).Period
	p := w.open(t)
	added, err := p.AddPeriod(t.Context(), definition.PeriodConfig{})
	must(t, err)
	if want, _, _ := audit.NextDays(first.First(), first.Last()); added.First() != want || len(p.Def.Periods) != 2 || p.Period.Span != first.Span {
		t.Errorf("added %s to %s, shown %s, %d periods", added.First(), added.Last(), p.Period.First(), len(p.Def.Periods))
	}
	if log, err := p.PeriodLog(t.Context()); err != nil || len(log) != 2 || !strings.HasPrefix(log[0].What[0], "+ ") || len(log[0].What) != 1 {
		t.Errorf("the log of periods: %+v, %v", log, err)
	}
	w.now = added.From.Add(time.Hour)
	if p = w.open(t); p.Period.Span != added.Span {
		t.Errorf("on %s the period %s is shown", w.now, p.Period.First())
	}
	intact(t, p)
}

// TestHeldPeriod: the days of a period that was decided on and has begun change with
// a reason alone, which is sealed and told.
func TestHeldPeriod(t *testing.T) {
	w := newWorld(t, nil)
	first := w.create(t).Period
	later := first.To.Format(time.DateOnly) // a day after the last one
	change := func() { w.rewrite(t, "last: "+first.Last(), "last: "+later) }

	p := w.open(t)
	if held, err := p.HeldPeriods(t.Context()); err != nil || len(held) != 0 {
		t.Errorf("what was proposed and not decided on is held: %v, %v", held, err)
	}
	_, err := p.Amend(t.Context(), map[string][]byte{"sources/more.yaml": []byte("kind: synth\n")})
	must(t, err)
	held, err := p.HeldPeriods(t.Context())
	if err != nil || len(held) != 1 || held[0].words() != "it has begun" {
		t.Fatalf("held %+v, %v", held, err)
	}
	change()
	p = w.open(t)
	if _, _, err := p.Apply(t.Context()); !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), "it has begun: say why") {
		t.Errorf("without a reason: %v", err)
	}
	if _, _, err := p.ApplyWhy(t.Context(), "  "); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("with a blank for a reason: %v", err)
	}
	rev, changed, err := p.ApplyWhy(t.Context(), "the auditor asks for whole months")
	must(t, err)
	rec, err := p.Store.Record(t.Context(), rev.Record)
	if err != nil || !changed || !strings.HasSuffix(EntryWords(rec), "was applied: the auditor asks for whole months") {
		t.Errorf("the entry says %q, %v", EntryWords(rec), err)
	}
	if log, err := p.PeriodLog(t.Context()); err != nil || len(log) != 2 || log[0].Why != "the auditor asks for whole months" || len(log[0].What) != 2 || log[0].By != "tester" {
		t.Errorf("the log of periods: %+v, %v", log, err)
	}
	intact(t, p)
}

// TestTestedPeriodIsHeld: also the first answer, once a run was sealed over it.
func TestTestedPeriodIsHeld(t *testing.T) {
	w := newWorld(t, nil)
	p := w.create(t)
	first := p.Period
	w.collectDays(t, p, 2)
	_, err := p.Check(t.Context(), CheckOptions{})
	must(t, err)
	s, err := p.Def.Setup(p.Name)
	must(t, err)
	s.Last = first.To.Format(time.DateOnly)
	changes, err := p.Def.Set(s)
	must(t, err)
	before := w.onDisk(t, "tieout.yaml")
	if _, err := p.Amend(t.Context(), changes); !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), "it was tested over") {
		t.Errorf("without a reason: %v", err)
	}
	if w.onDisk(t, "tieout.yaml") != before {
		t.Error("what was refused was written")
	}
	_, err = p.AmendWhy(t.Context(), changes, "the report is to cover one day more")
	must(t, err)
}

// TestPeriodOf: the period of an engagement is the one that holds its days, not the
// one that holds today.
func TestPeriodOf(t *testing.T) {
	w := newWorld(t, nil)
	first := w.create(t).Period
	p := w.open(t)
	next, err := p.AddPeriod(t.Context(), definition.PeriodConfig{})
	must(t, err)
	for _, c := range []struct {
		name  string
		terms engagement.Terms
		want  audit.Span
		err   error
	}{
		{"the first", engagement.Terms{Type: engagement.SOC2TypeII, First: first.First(), Last: first.Last()}, first.Span, nil},
		{"the second", engagement.Terms{Type: engagement.SOC2TypeII, First: next.First(), Last: next.Last()}, next.Span, nil},
		{"days within one", engagement.Terms{Type: engagement.SOC2TypeII, First: first.First(), Last: first.First()}, first.Span, nil},
		{"a date", engagement.Terms{Type: engagement.SOC2TypeI, AsOf: next.First()}, next.Span, nil},
		{"days of two", engagement.Terms{Type: engagement.SOC2TypeII, First: first.Last(), Last: next.First()}, audit.Span{}, audit.ErrConflict},
		{"days of none", engagement.Terms{Type: engagement.SOC2TypeII, First: "2001-01-01", Last: "2001-12-31"}, audit.Span{}, audit.ErrConflict},
		{"no days", engagement.Terms{Type: engagement.SOC2TypeII}, audit.Span{}, audit.ErrConflict},
	} {
		got, err := p.PeriodOf(t.Context(), c.terms)
		if got.Span != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: got %s, %v; want %s, %v", c.name, got.Name, err, c.want, c.err)
		}
	}
	if _, err := p.RunFor(t.Context(), engagement.Terms{Type: engagement.SOC2TypeII, First: next.First(), Last: next.Last()}); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("a period nothing was tested over: %v", err)
	}
}
