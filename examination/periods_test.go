package examination_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/definition"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/examination"
	"tieout/period"
)

// nextPeriod adds April beside March, tests it, and goes on to its middle.
func (w *world) nextPeriod() {
	w.t.Helper()
	must[definition.Period](w.t)(w.client.P.AddPeriod(w.t.Context(), definition.PeriodConfig{}))
	w.now = time.Date(2026, 4, 15, 6, 0, 0, 0, time.UTC)
	must[*period.Run](w.t)(w.client.P.Check(w.t.Context(), period.CheckOptions{AsOf: w.clock()}))
}

// TestRoomsFollowTheEngagement: once the next period runs, what is frozen and what
// the firm is sent stays of the period that EN-1 examines.
func TestRoomsFollowTheEngagement(t *testing.T) {
	t.Parallel()
	w := begun(t)
	ctx := t.Context()
	march := w.client.P.Period
	explain := w.explained("access.leavers")
	var before engagement.ControlSet
	w.file(func(_ *fieldwork.State, x *fieldwork.File) { before = *x.Controls })

	w.nextPeriod()
	if now := w.client.P.Period; now.First() != "2026-04-01" || now.Last() != "2026-04-30" {
		t.Fatalf("the period shown is %s to %s", now.First(), now.Last())
	}
	run := must[*period.Run](t)(w.client.RunOf(ctx, "EN-1"))
	if run.Period.Span != march.Span {
		t.Errorf("the run of EN-1 is over %s to %s", run.Period.First(), run.Period.Last())
	}
	p := must[management.Frozen](t)(w.client.FreezeRun(ctx, lead, "EN-1", "access.leavers", "1", explain, ""))
	if p.Window != march.Span || p.Run != run.Record {
		t.Errorf("frozen is %v of run %d; want %v of run %d", p.Window, p.Run, march.Span, run.Record)
	}
	w.exchange()
	w.file(func(_ *fieldwork.State, x *fieldwork.File) {
		if x.Populations[p.ID] == nil {
			t.Error("the firm did not get the population")
		}
		for i, c := range x.Controls.Tests {
			if c.Items != before.Tests[i].Items {
				t.Errorf("%s has %d items at the firm, and had %d in March", c.ID, c.Items, before.Tests[i].Items)
			}
		}
	})
}

// TestNoPeriodForTheEngagement: where no period holds its days, a freeze says so,
// and what else is due goes out.
func TestNoPeriodForTheEngagement(t *testing.T) {
	t.Parallel()
	w := begun(t)
	ctx := t.Context()
	terms := w.terms()
	terms.ID, terms.First, terms.Last = "EN-1", "2026-02-01", "2026-03-31"
	check(t, w.firm.Files.ChangeTerms(ctx, partner, terms, "February is examined too", "", w.revision("engagement:EN-1")))
	w.exchange()
	if _, err := w.client.FreezeRun(ctx, lead, "EN-1", "access.leavers", "1", nil, ""); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "no period of tieout.yaml holds the days of EN-1") {
		t.Errorf("a freeze: %v", err)
	}
	check(t, w.client.Flush(ctx, "EN-1"))
}

// TestWhyTermsChanged: the client reads why, beside what the terms said before; the
// judgment stays with the firm.
func TestWhyTermsChanged(t *testing.T) {
	t.Parallel()
	w := begun(t)
	ctx := t.Context()
	terms := w.terms()
	terms.ID, terms.First = "EN-1", "2026-03-02"
	check(t, w.firm.Files.ChangeTerms(ctx, partner, terms, "the system started on the second", "Nothing of the first day is hidden: nothing ran on it.", w.revision("engagement:EN-1")))
	w.exchange()
	w.exchange()
	w.side(func(_ *management.State, x *management.Side) {
		if x.Why != "the system started on the second" || len(x.Earlier) != 1 || x.Earlier[0].Agreed == nil || x.Earlier[0].Why != "" || x.Agreed != nil {
			t.Fatalf("why %q, earlier %+v", x.Why, x.Earlier)
		}
		got := engagement.ChangedTerms(x.Earlier[0].Terms, x.Terms)
		if len(got) != 1 || got[0] != (engagement.TermsChange{What: "First day", Before: "2026-03-01", Now: "2026-03-02"}) {
			t.Errorf("changed %+v", got)
		}
	})
}

// TestNotObservedBeforeItBegins: the step waits for the period's first day.
func TestNotObservedBeforeItBegins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.now = time.Date(2026, 2, 20, 6, 0, 0, 0, time.UTC)
	ctx := t.Context()
	check(t, w.client.Side.InviteFirm(ctx, lead, "Brookline Assurance LLP", w.firm.Party().Key, ""))
	terms := w.terms()
	terms.ID = "EN-1"
	by := access.Subject{Workspace: access.Company, Kind: audit.ActorConnector, Account: "exchange", Once: "packet:1"}
	check(t, w.client.Side.TakeTerms(ctx, by, w.firm.Party().Origin, engagement.TermsOffer{Terms: terms}))
	digest := must[string](t)(terms.Digest())
	sig := w.sign(w.client.P, signer, "Chief Executive Officer", "terms of EN-1", digest)
	check(t, w.client.Side.Agree(ctx, signer, "EN-1", digest, sig, examination.Keys{Store: w.client.P.Store}.Own(ctx)))
	for _, s := range []engagement.State{engagement.BoundaryDefined, engagement.Readiness} {
		check(t, w.client.Side.MoveState(ctx, lead, "EN-1", s, ""))
	}
	if err := w.client.Side.MoveState(ctx, lead, "EN-1", engagement.Observing, ""); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "2026-03-01") {
		t.Errorf("before the first day: %v", err)
	}
	w.now = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	check(t, w.client.Side.MoveState(ctx, lead, "EN-1", engagement.Observing, ""))
}

// TestAfterTheReport: once a report is in force over a period its days change for no
// reason; the next period is added beside it, and the next engagement follows at once.
func TestAfterTheReport(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine, and long; it runs without -short")
	}
	w, _ := issued(t)
	w.periodStays()
	w.nextTerms()
}

// periodStays adds April beside March, whose report is issued.
func (w *world) periodStays() {
	t, ctx := w.t, w.t.Context()
	p := w.client.P
	s := must[definition.Setup](t)(p.Def.Setup(p.Name))
	s.Last = "2026-04-30"
	changes := must[map[string][]byte](t)(p.Def.Set(s))
	if _, err := p.AmendWhy(ctx, changes, "the next month is to be covered too"); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "the report of EN-1 is issued over them") {
		t.Fatalf("the days of an issued report: %v", err)
	}
	must[definition.Period](t)(p.AddPeriod(ctx, definition.PeriodConfig{}))

	covered := must[[]management.Covered](t)(w.client.Coverage(ctx))
	if len(covered) != 1 || covered[0].Stretches[0].By != management.Examined || covered[0].Stretches[0].Last != "2026-03-31" {
		t.Fatalf("covered %+v", covered)
	}
	if say := must[string](t)(w.client.Unexamined(ctx, spanOf(t, "2026-03-01", "2026-03-31"))); say != "" {
		t.Errorf("of March: %q", say)
	}
	if say := must[string](t)(w.client.Unexamined(ctx, p.Period)); !strings.HasPrefix(say, "Monitored, not examined") {
		t.Errorf("of April: %q", say)
	}
}

func spanOf(t testing.TB, first, last string) audit.Period {
	t.Helper()
	return must[audit.Period](t)(audit.NewPeriod(first, last, "UTC"))
}

// nextTerms opens the engagement after EN-1, which carries what stands of its
// exceptions with management's answer.
func (w *world) nextTerms() {
	t, ctx := w.t, w.t.Context()
	next := must[engagement.Terms](t)(w.firm.NextTerms(ctx, "EN-1"))
	var old engagement.Terms
	stand := 0
	w.file(func(_ *fieldwork.State, x *fieldwork.File) {
		old = x.Terms
		for _, y := range x.Findings {
			if given, ok := y.ToClient(); ok && !given.Withdrawn {
				stand++
			}
		}
	})
	if next.ID != "" || next.First != "2026-04-01" || next.Last != "2026-04-30" || next.System != old.System || next.Client != old.Client || len(next.Categories) != len(old.Categories) || next.Milestones != nil {
		t.Errorf("next terms %+v", next)
	}
	if len(next.Prior) != stand || stand == 0 {
		t.Fatalf("%d exceptions are carried forward, %d stand", len(next.Prior), stand)
	}
	for _, p := range next.Prior {
		if p.Control == "" || p.Text == "" || !strings.HasPrefix(p.Became, "Management ") {
			t.Errorf("carried forward: %+v", p)
		}
	}
	opened := must[engagement.Terms](t)(w.firm.Files.OpenEngagement(ctx, partner, next))
	if opened.ID != "EN-2" {
		t.Errorf("opened as %s", opened.ID)
	}
	if warn := must[string](t)(w.firm.Adjoining(ctx, opened)); warn != "" {
		t.Errorf("days that follow at once: %q", warn)
	}
	for _, c := range []struct{ name, first, want string }{
		{"days are left out", "2026-04-10", "No report will speak of 2026-04-01 to 2026-04-09"},
		{"examined twice", "2026-03-15", "2026-03-15 to 2026-03-31 are examined twice"},
	} {
		other := next
		other.ID, other.First, other.Last = "EN-2", c.first, "2026-05-31"
		if warn := must[string](t)(w.firm.Adjoining(ctx, other)); !strings.HasPrefix(warn, c.want) {
			t.Errorf("%s: got %q", c.name, warn)
		}
	}
}
