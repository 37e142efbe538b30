package fieldwork_test

import (
	"errors"
	"strings"
	"testing"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

// agreed takes management's agreement to the terms as they are.
func (w *world) agreed() {
	w.t.Helper()
	var digest string
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		digest = must[string](w.t)(f.Terms.Digest())
	})
	check(w.t, w.book.TakeAgreed(w.t.Context(), receiver, "EN-1", engagement.Agreed{Terms: digest, Signed: engagement.Signature{Name: "Ida Moss", Digest: digest}}, 3))
}

func (w *world) state() (s engagement.State) {
	w.t.Helper()
	w.file(func(_ *fieldwork.State, f *fieldwork.File) { s = f.State })
	return s
}

func TestStepsOfBothSides(t *testing.T) {
	w := planned(t, "CHG-01")
	ctx := t.Context()
	move := func(to engagement.State, why string) error {
		return w.book.MoveState(ctx, manager, "EN-1", to, why, w.revision("state:EN-1"))
	}
	take := func(to engagement.State, why string) error {
		return w.book.TakeState(ctx, receiver, "EN-1", engagement.StateNews{State: to, Why: why}, 4)
	}
	refused := func(what string, err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want it refused with %q", what, err, want)
		}
	}
	refused("fieldwork at once", move(engagement.Fieldwork, ""), "management has not agreed")
	refused("management's step by the auditor", move(engagement.Readiness, ""), "is management's step")
	refused("the auditor's step by a packet", take(engagement.Fieldwork, ""), "not a step of management's")
	refused("distributed before it is issued", take(engagement.Distributed, ""), "comes after the report is issued")
	check(t, take(engagement.BoundaryDefined, ""))
	check(t, take(engagement.Observing, ""))
	refused("back without a reason", take(engagement.Readiness, ""), "does not say why")
	w.agreed()
	refused("fieldwork without a request", move(engagement.Fieldwork, ""), "no request is released")
	rq := must[fieldwork.Request](t)(w.book.SetRequest(ctx, staff, "EN-1", engagement.Request{Kind: "document", Title: "Policy", Asks: "The change policy in force", Tests: []string{"T-CHG-01-1"}}, 0))
	check(t, w.book.ReleaseRequests(ctx, staff, "EN-1", rq.ID))
	check(t, move(engagement.Fieldwork, ""))
	check(t, take(engagement.Collecting, ""))
	if w.state() != engagement.Fieldwork {
		t.Errorf("state %q; want the auditor's to stay while management collects", w.state())
	}
	refused("two steps at once", move(engagement.DescriptionFinal, ""), "comes after")
	refused("exceptions before the period's end", move(engagement.Exceptions, ""), "it is not over")
	refused("issued by a move", move(engagement.Issued, ""), "signed and issued")
	refused("back in silence", move(engagement.Collecting, ""), "why")
	check(t, move(engagement.Collecting, "the period is extended by three months"))
	check(t, move(engagement.Fieldwork, ""))
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		if len(f.Moves) != 5 || f.Heard != engagement.Collecting {
			t.Errorf("moves %+v, heard %q; want five and Collecting", f.Moves, f.Heard)
		}
	})
}

func TestEnds(t *testing.T) {
	w := opened(t)
	ctx := t.Context()
	why := "Management refuses to give the assertion that the examination needs."
	if err := w.book.EndEngagement(ctx, manager, "EN-1", engagement.Withdrawn, why, 0); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("a manager withdraws: %v; want it forbidden", err)
	}
	if err := w.book.EndEngagement(ctx, partner, "EN-1", engagement.Withdrawn, "enough", 0); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("withdrawn in a word: %v; want a reason asked for", err)
	}
	check(t, w.book.EndEngagement(ctx, partner, "EN-1", engagement.Withdrawn, why, 0))
	if err := w.book.SetTest(ctx, manager, "EN-1", testOf("CHG-01"), "", 0); err == nil || !strings.Contains(err.Error(), "withdrawn") {
		t.Errorf("planned after the end: %v; want it refused", err)
	}
}

func TestTermsChange(t *testing.T) {
	w := opened(t)
	ctx := t.Context()
	judgment := "No result of availability was seen before this; its controls were not tested yet, and nothing is hidden."
	change := func(x engagement.Terms, why, judgment string) error {
		return w.book.ChangeTerms(ctx, manager, x, why, judgment, w.revision("engagement:EN-1"))
	}
	good := terms(engagement.SOC2TypeII)
	good.ID = "EN-1"
	longer := good
	longer.Last = "2027-03-31"
	if err := change(longer, "", ""); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("without a reason: %v; want it refused", err)
	}
	w.agreed()
	check(t, change(longer, "the client asked for it", ""))
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		if f.Terms.Last != "2027-03-31" || f.Agreed != nil {
			t.Errorf("last day %s, agreed %v; want the longer period, to be agreed to again", f.Terms.Last, f.Agreed)
		}
	})
	if err := change(good, "back to a year", "short"); err == nil || !strings.Contains(err.Error(), "written judgment") {
		t.Errorf("shortened: %v; want it refused without a judgment", err)
	}
	less := longer
	less.Categories = terms(engagement.SOC2TypeII).Categories
	less.Categories[1].In, less.Categories[1].Why = false, "not promised any more"
	if err := change(less, "not promised", ""); err == nil || !strings.Contains(err.Error(), "category A is dropped") {
		t.Errorf("a category dropped: %v; want it refused without a judgment", err)
	}
	check(t, change(less, "not promised", judgment))
	other := less
	other.Type = engagement.SOC3
	other.RestsOn = "EN-1"
	if err := change(other, "another report", judgment); err == nil {
		t.Error("the type changed after acceptance")
	}
	if err := w.book.TakeAgreed(ctx, receiver, "EN-1", engagement.Agreed{Terms: letter(), Signed: engagement.Signature{Name: "Ida Moss", Digest: letter()}}, 3); err == nil || !strings.Contains(err.Error(), "have changed since") {
		t.Errorf("agreed to other terms: %v; want it refused", err)
	}
}

func TestSOC3RestsOnATypeII(t *testing.T) {
	w := opened(t)
	x := terms(engagement.SOC3)
	x.RestsOn = "EN-1"
	if got := must[engagement.Terms](t)(w.book.OpenEngagement(t.Context(), partner, x)); got.ID != "EN-2" {
		t.Errorf("opened %s; want EN-2", got.ID)
	}
	x.Last = "2026-09-30"
	if _, err := w.book.OpenEngagement(t.Context(), partner, x); err == nil || !strings.Contains(err.Error(), "the period of the SOC 2 Type II") {
		t.Errorf("over another period: %v; want it refused", err)
	}
}

func TestIndependenceComesFirst(t *testing.T) {
	w := begun(t, engagement.SOC2TypeII)
	ctx := t.Context()
	if err := w.book.Assign(ctx, partner, "EN-1", mikaID, fieldwork.DutyManager); err == nil || !strings.Contains(err.Error(), "declare your independence") {
		t.Errorf("the partner acts undeclared: %v; want it refused", err)
	}
	for _, who := range []access.Subject{partner, manager} {
		check(t, w.book.Declare(ctx, who, "EN-1", true, ""))
	}
	check(t, w.book.Declare(ctx, staff, "EN-1", false, "My sister works at Halyard."))
	if err := w.book.Accept(ctx, partner, "EN-1", checks(), letter()); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("accepted by a partner who is not on the team: %v; want it refused", err)
	}
	check(t, w.book.Assign(ctx, partner, "EN-1", paulaID, fieldwork.DutyPartner))
	check(t, w.book.Assign(ctx, partner, "EN-1", stefID, fieldwork.DutyStaff))
	if err := w.book.Accept(ctx, partner, "EN-1", checks()[1:], letter()); err == nil || !strings.Contains(err.Error(), "no answer to") {
		t.Errorf("a question without an answer: %v; want it refused", err)
	}
	check(t, w.book.Accept(ctx, partner, "EN-1", checks(), letter()))
	commit := func() error {
		_, err := w.book.CommitNonce(ctx, staff, "EN-1", "CHG-01", "1", "")
		return err
	}
	if err := commit(); err == nil || !strings.Contains(err.Error(), "My sister") {
		t.Errorf("works under a conflict: %v; want it refused", err)
	}
	check(t, w.book.ApproveSafeguard(ctx, partner, "EN-1", stefID, "Takes no part in tests of human resources.", 1))
	check(t, commit())
	if err := w.book.Assign(ctx, partner, "EN-1", stefID, fieldwork.DutyQuality); err == nil || !strings.Contains(err.Error(), "outside its team") {
		t.Errorf("staff becomes quality reviewer: %v; want it refused", err)
	}
	check(t, w.book.EndMember(ctx, partner, "EN-1", stefID, "left the firm"))
	if _, err := w.book.CommitNonce(ctx, staff, "EN-1", "CHG-02", "1", ""); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("works after leaving the team: %v; want it forbidden", err)
	}
}

func TestNobodyElseTakesPacketsIn(t *testing.T) {
	w := opened(t)
	for name, who := range map[string]access.Subject{
		"a person of another engagement": stranger,
		"a token":                        {Workspace: access.Firm, Kind: audit.ActorConnector, Account: "x", Token: "T"},
		"nobody":                         {}, "a company's connector": {Workspace: access.Company, Kind: audit.ActorConnector, Account: "exchange"},
	} {
		if err := w.book.TakeState(t.Context(), who, "EN-1", engagement.StateNews{State: engagement.Readiness}, 1); !errors.Is(err, audit.ErrForbidden) {
			t.Errorf("%s: %v; want it forbidden", name, err)
		}
	}
	check(t, w.book.TakeState(t.Context(), staff, "EN-1", engagement.StateNews{State: engagement.Readiness}, 1))
}
