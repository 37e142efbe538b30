package fieldwork_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

// digestNow is what a sign-off of a test's workpaper would be over.
func (w *world) digestNow(test string) (d string) {
	w.file(func(_ *fieldwork.State, f *fieldwork.File) { d = f.PaperDigest(test) })
	return d
}

// excepted are the cells of the operation test that are marked Exception.
func (w *world) excepted() (out []fieldwork.FindingCell) {
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		for _, c := range f.Papers[opTest].Excepted(f.Tests[opTest]) {
			out = append(out, fieldwork.FindingCell(c))
		}
	})
	return out
}

// known are the references of the open deviations outside the sample.
func (w *world) known() (out []string) {
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		for _, k := range f.OpenKnown(opTest) {
			out = append(out, k.Ref)
		}
	})
	return out
}

// finding is the exception of the marked grid with everything that is known
// outside it.
func (w *world) finding() fieldwork.FindingDraft {
	return fieldwork.FindingDraft{Test: opTest, Cells: w.excepted(), Known: w.known(), Nature: "merged by the author", Text: "Changes were merged by their authors.",
		Cause: "the rule was off for a week", Evaluation: "isolated"}
}

// worked is a world whose workpaper is marked, with every deviation outside the
// sample in one exception.
func worked(t testing.TB) *world {
	t.Helper()
	w := sampled(t)
	w.marked(t)
	check(t, w.book.LookForKnown(t.Context(), staff, "EN-1", opTest))
	if id := must[string](t)(w.book.SetFinding(t.Context(), staff, "EN-1", "", w.finding(), 0)); id != "X-1" {
		t.Fatalf("the first exception is %s; want X-1", id)
	}
	return w
}

// signedOff is worked, prepared by staff and reviewed by the manager; the design
// test too.
func signedOff(t testing.TB) *world {
	t.Helper()
	w := worked(t)
	w.sign(t, opTest)
	check(t, w.book.OpenPaper(t.Context(), staff, "EN-1", designTest, "", ""))
	check(t, w.book.Mark(t.Context(), staff, "EN-1", designTest, fieldwork.Cell{Attribute: "A"}, none(""), 0))
	w.sign(t, designTest)
	return w
}

func (w *world) sign(t testing.TB, test string) {
	t.Helper()
	check(t, w.book.Prepare(t.Context(), staff, "EN-1", test, w.digestNow(test)))
	check(t, w.book.Review(t.Context(), manager, "EN-1", test, w.digestNow(test)))
}

func TestPreparingNeedsEverything(t *testing.T) {
	t.Parallel()
	w := sampled(t)
	ctx := t.Context()
	prepare := func() error { return w.book.Prepare(ctx, staff, "EN-1", opTest, w.digestNow(opTest)) }
	refused := func(want string) {
		t.Helper()
		if err := prepare(); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v; want a conflict that says %q", err, want)
		}
	}
	check(t, w.book.OpenPaper(ctx, staff, "EN-1", opTest, "S-1", ""))
	refused("12 cells without a result")
	rows := w.rows(opTest)
	check(t, w.book.OpenItem(ctx, staff, "EN-1", opTest, rows...))
	var all []fieldwork.Seen
	for _, r := range rows {
		for _, a := range []string{"A", "B"} {
			all = append(all, fieldwork.Seen{Cell: fieldwork.Cell{Item: r, Attribute: a}})
		}
	}
	check(t, w.book.MarkMany(ctx, staff, "EN-1", opTest, all, none("")))
	one := all[0].Cell
	check(t, w.book.Mark(ctx, staff, "EN-1", opTest, one, fieldwork.Verdict{Mark: engagement.Exception, Note: "no approval", Why: "read again"}, 1))
	refused("no finding yet for " + one.Item + " A")
	must[string](t)(w.book.SetFinding(ctx, staff, "EN-1", "", fieldwork.FindingDraft{Test: opTest, Cells: w.excepted(), Nature: "no approval", Text: "One change had no approval."}, 0))
	refused("computed outcomes not looked at")
	check(t, w.book.Reveal(ctx, staff, "EN-1", opTest))
	var differ []fieldwork.Cell
	w.file(func(_ *fieldwork.State, f *fieldwork.File) { differ = f.Papers[opTest].Differences(f.Tests[opTest]) })
	for _, c := range differ {
		refused("differ without a note")
		check(t, w.book.Explain(ctx, staff, "EN-1", opTest, c, "the record of the review is older than the feed"))
	}
	seen := w.digestNow(opTest)
	check(t, w.book.Mark(ctx, tester, "EN-1", opTest, all[1].Cell, fieldwork.Verdict{Mark: engagement.NotApplicable, Note: "a change without code", Why: "it has none"}, 1))
	if err := w.book.Prepare(ctx, staff, "EN-1", opTest, seen); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "has changed since") {
		t.Errorf("signed what changed meanwhile: %v; want a conflict", err)
	}
}

func TestReview(t *testing.T) {
	t.Parallel()
	w := worked(t)
	ctx := t.Context()
	if err := w.book.Review(ctx, manager, "EN-1", opTest, w.digestNow(opTest)); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "as prepared") {
		t.Errorf("reviewed before it is prepared: %v; want it refused", err)
	}
	note := must[string](t)(w.book.AddNote(ctx, manager, "EN-1", opTest, "B", "Which rule?"))
	check(t, w.book.Prepare(ctx, staff, "EN-1", opTest, w.digestNow(opTest)))
	if err := w.book.Review(ctx, manager, "EN-1", opTest, w.digestNow(opTest)); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "open review notes: "+note) {
		t.Errorf("reviewed over an open note: %v; want it refused", err)
	}
	if err := w.book.ClearNote(ctx, manager, "EN-1", note, 1); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("cleared without an answer: %v; want it refused", err)
	}
	check(t, w.book.AnswerNote(ctx, staff, "EN-1", note, "the branch rule", 1))
	if err := w.book.ClearNote(ctx, tester, "EN-1", note, 2); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("cleared by somebody else: %v; want it forbidden", err)
	}
	check(t, w.book.ClearNote(ctx, partner, "EN-1", note, 2))
	if err := w.book.Review(ctx, staff, "EN-1", opTest, w.digestNow(opTest)); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("reviewed by staff: %v; want it forbidden", err)
	}
	check(t, w.book.Review(ctx, manager, "EN-1", opTest, w.digestNow(opTest)))
	row := w.rows(opTest)[0]
	change := fieldwork.Verdict{Mark: engagement.NotApplicable, Note: "x", Why: "y"}
	if err := w.book.Mark(ctx, staff, "EN-1", opTest, fieldwork.Cell{Item: row, Attribute: "A"}, change, 1); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "signed off") {
		t.Errorf("marked what is frozen: %v; want it refused", err)
	}
	if _, err := w.book.AddNote(ctx, manager, "EN-1", opTest, "", "late"); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("a note on what is frozen: %v; want it refused", err)
	}
	check(t, w.book.Reopen(ctx, manager, "EN-1", opTest, "an item was misread"))
	check(t, w.book.Mark(ctx, staff, "EN-1", opTest, fieldwork.Cell{Item: row, Attribute: "A"}, change, 1))
	w.sign(t, opTest)
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		if p := f.Papers[opTest]; p.Version != 2 || len(p.Reopenings) != 1 || p.Reviewed.Digest != f.PaperDigest(opTest) {
			t.Errorf("version %d, %d reopenings; want version 2 over what it holds", p.Version, len(p.Reopenings))
		}
	})
}

// TestNobodyReviewsTheirOwnWork: not who marked, and not who prepared, whatever
// else they may do.
func TestNobodyReviewsTheirOwnWork(t *testing.T) {
	t.Parallel()
	w := worked(t)
	ctx := t.Context()
	check(t, w.book.Prepare(ctx, manager, "EN-1", opTest, w.digestNow(opTest)))
	if err := w.book.Review(ctx, manager, "EN-1", opTest, w.digestNow(opTest)); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("the preparer reviews: %v; want it forbidden", err)
	}
	check(t, w.book.Review(ctx, partner, "EN-1", opTest, w.digestNow(opTest)))
}

func TestFindings(t *testing.T) {
	w := sampled(t)
	w.marked(t)
	ctx := t.Context()
	clean := fieldwork.Cell{Item: w.rows(opTest)[0], Attribute: "A"}
	draft := func(f func(*fieldwork.FindingDraft)) fieldwork.FindingDraft {
		d := fieldwork.FindingDraft{Test: opTest, Nature: "n", Text: "t"}
		f(&d)
		return d
	}
	for _, c := range []struct {
		name, want string
		draft      fieldwork.FindingDraft
	}{
		{"names nothing", "names cells", draft(func(*fieldwork.FindingDraft) {})},
		{"a cell that is no exception", "not marked", draft(func(d *fieldwork.FindingDraft) { d.Cells = []fieldwork.FindingCell{fieldwork.FindingCell(clean)} })},
		{"a deviation nobody listed", "no deviation", draft(func(d *fieldwork.FindingDraft) { d.Known = []string{"CHG-9"} })},
		{"compensated by no test", "no test of this engagement", draft(func(d *fieldwork.FindingDraft) { d.Known, d.Compensating = []string{"INC-2"}, []string{"T-9"} })},
		{"compensated by itself", "the same control", draft(func(d *fieldwork.FindingDraft) { d.Known, d.Compensating = []string{"INC-2"}, []string{designTest} })},
	} {
		t.Run(c.name, func(t *testing.T) {
			if strings.HasPrefix(c.name, "compensated by no") {
				check(t, w.book.AddKnown(ctx, staff, "EN-1", opTest, "INC-2", "incident register", "A change was not reviewed."))
			}
			if _, err := w.book.SetFinding(ctx, staff, "EN-1", "", c.draft, 0); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v; want %q", err, c.want)
			}
		})
	}
}

// TestCompensatingControlHasItsOwnTest: in this engagement, over the same time.
func TestCompensatingControlHasItsOwnTest(t *testing.T) {
	t.Parallel()
	w := worked(t)
	ctx := t.Context()
	set := controlSet()
	set.Controls = append(set.Controls, audit.Control{ID: "LOG-02", Title: "Changes are watched", Criteria: []string{"CC7.2"}, Effective: audit.Effective{From: "2026-07-01"}},
		audit.Control{ID: "LOG-03", Title: "Deployments are compared", Criteria: []string{"CC7.2"}})
	check(t, w.book.TakeControls(ctx, receiver, "EN-1", set, 4))
	for _, c := range []struct{ control, version string }{{"LOG-02", "2026-07-01"}, {"LOG-03", ""}} {
		x := testOf(c.control)
		x.Version, x.Criteria = c.version, []string{"CC7.2"}
		check(t, w.book.SetTest(ctx, manager, "EN-1", x, "", 0))
	}
	d := w.finding()
	w.file(func(_ *fieldwork.State, f *fieldwork.File) { d.Known = f.Findings["X-1"].Finding.Known })
	try := func(test string) error {
		d.Compensating = []string{test}
		_, err := w.book.SetFinding(ctx, staff, "EN-1", "X-1", d, w.revision("finding:EN-1/X-1"))
		return err
	}
	if err := try("T-LOG-02-1"); err == nil || !strings.Contains(err.Error(), "not tested over the time") {
		t.Errorf("a control that was there for half of the time: %v; want it refused", err)
	}
	check(t, try("T-LOG-03-1"))
	check(t, w.book.DropTest(ctx, manager, "EN-1", "T-LOG-03-1", "not needed", w.revision("test:EN-1/T-LOG-03-1")))
	if err := try("T-LOG-03-1"); err == nil || !strings.Contains(err.Error(), "compensates for nothing") {
		t.Errorf("a test that was dropped: %v; want it refused", err)
	}
}

func TestFindingCountsSampledItemsOnly(t *testing.T) {
	t.Parallel()
	w := worked(t)
	ctx := t.Context()
	inSample := len(w.excepted())
	got := must[engagement.Finding](t)(w.book.ReleaseFinding(ctx, manager, "EN-1", "X-1", 1))
	if len(got.Items) != inSample || got.Of != 6 || len(got.Known) != 6-inSample {
		t.Errorf("%d of %d items, %d known; want %d of 6, and %d deviations beside them", len(got.Items), got.Of, len(got.Known), inSample, 6-inSample)
	}
	if err := w.book.TakeResponses(ctx, receiver, "EN-1", []engagement.Response{{Finding: "X-2", Agrees: true}}, 3); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("a response to nothing: %v; want not found", err)
	}
	check(t, w.book.TakeResponses(ctx, receiver, "EN-1", []engagement.Response{{Finding: "X-1", Agrees: true, Cause: "a setting", Done: "fixed on 3 March"}}, 3))
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		if x := f.Findings["X-1"]; x.Response == nil || x.Response.Cause != "a setting" || x.Released.IsZero() {
			t.Errorf("exception %+v; want it released with the response", x)
		}
	})
	again := w.finding()
	again.Known, again.Text = got.Known, "Changes were merged by their authors, without a second person."
	must[string](t)(w.book.SetFinding(ctx, staff, "EN-1", "X-1", again, w.revision("finding:EN-1/X-1")))
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		if !f.Findings["X-1"].Released.IsZero() {
			t.Error("the client has other words than these; want it to be released again")
		}
	})
}

// TestFindingIsOfTheItemsTested: an exception written while the grid is half done
// counts too few items, and is not released before it is written again.
func TestFindingIsOfTheItemsTested(t *testing.T) {
	t.Parallel()
	w := sampled(t)
	ctx := t.Context()
	check(t, w.book.OpenPaper(ctx, staff, "EN-1", opTest, "S-1", ""))
	rows := w.rows(opTest)
	cell := fieldwork.Cell{Item: rows[0], Attribute: "A"}
	check(t, w.book.Mark(ctx, staff, "EN-1", opTest, cell, fieldwork.Verdict{Mark: engagement.Exception, Note: "no approval"}, 0))
	d := fieldwork.FindingDraft{Test: opTest, Cells: w.excepted(), Nature: "no approval", Text: "A change had no approval."}
	must[string](t)(w.book.SetFinding(ctx, staff, "EN-1", "", d, 0))
	check(t, w.book.Mark(ctx, staff, "EN-1", opTest, fieldwork.Cell{Item: rows[1], Attribute: "A"}, none(""), 0))
	if _, err := w.book.ReleaseFinding(ctx, manager, "EN-1", "X-1", 1); err == nil || !strings.Contains(err.Error(), "write it again") {
		t.Errorf("released as 1 of 1 while 2 are tested: %v; want it refused", err)
	}
	must[string](t)(w.book.SetFinding(ctx, staff, "EN-1", "X-1", d, 1))
	if got := must[engagement.Finding](t)(w.book.ReleaseFinding(ctx, manager, "EN-1", "X-1", 2)); got.Of != 2 || len(got.Items) != 1 {
		t.Errorf("%d of %d; want 1 of 2", len(got.Items), got.Of)
	}
}

func TestResponseOnlyToWhatWasReleased(t *testing.T) {
	w := worked(t)
	err := w.book.TakeResponses(t.Context(), receiver, "EN-1", []engagement.Response{{Finding: "X-1"}}, 3)
	if !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "never released") {
		t.Errorf("got %v; want it refused", err)
	}
}

func TestDispositionNeedsASecondPerson(t *testing.T) {
	t.Parallel()
	w := worked(t)
	ctx := t.Context()
	rev := func() int64 { return w.revision("finding:EN-1/X-1") }
	if err := w.book.ConfirmFinding(ctx, partner, "EN-1", "X-1", rev()); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("confirmed what nobody said: %v; want a conflict", err)
	}
	if err := w.book.DisposeFinding(ctx, manager, "EN-1", "X-1", "isolated", "it does not matter", rev()); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("disposed of as something else: %v; want it refused", err)
	}
	check(t, w.book.DisposeFinding(ctx, manager, "EN-1", "X-1", fieldwork.WrongTest, "the attribute named the wrong branch", rev()))
	stands := func() (s bool) {
		w.file(func(_ *fieldwork.State, f *fieldwork.File) { s = f.Findings["X-1"].Stands() })
		return s
	}
	if !stands() {
		t.Error("one person disposed of an exception; want it to stand until a second confirms")
	}
	if err := w.book.ConfirmFinding(ctx, manager, "EN-1", "X-1", rev()); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("confirmed by the same person: %v; want it forbidden", err)
	}
	check(t, w.book.ConfirmFinding(ctx, partner, "EN-1", "X-1", rev()))
	if stands() {
		t.Error("it stands; want it disposed of")
	}
}

func TestKnownDeviations(t *testing.T) {
	t.Parallel()
	w := sampled(t)
	w.marked(t)
	ctx := t.Context()
	check(t, w.book.LookForKnown(ctx, staff, "EN-1", opTest))
	inSample := 0
	for _, r := range w.rows(opTest) {
		if deviated(r) {
			inSample++
		}
	}
	refs := w.known()
	if len(refs) != 6-inSample || slices.ContainsFunc(refs, func(r string) bool {
		item, b := strings.CutSuffix(r, "/B")
		return !b || !deviated(item) || slices.Contains(w.rows(opTest), item)
	}) {
		t.Fatalf("known outside the sample: %v; want the %d deviations that were not drawn", refs, 6-inSample)
	}
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		if l := f.Looked[opTest]; len(l) != 1 || l[0].Found != len(refs) || l[0].Of != 54 {
			t.Errorf("looked %+v; want %d found of 54", l, len(refs))
		}
	})
	on := "known:EN-1/" + opTest
	check(t, w.book.DisposeKnown(ctx, staff, "EN-1", opTest, refs[:1], fieldwork.WrongPopulation, "a test branch", w.revision(on)))
	if err := w.book.ConfirmKnown(ctx, staff, "EN-1", opTest, refs[:1], w.revision(on)); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("confirmed by the same person: %v; want it forbidden", err)
	}
	if got := w.known(); len(got) != len(refs) {
		t.Errorf("%d open; want %d until a second person confirms", len(got), len(refs))
	}
	check(t, w.book.ConfirmKnown(ctx, manager, "EN-1", opTest, refs[:1], w.revision(on)))
	if got := w.known(); len(got) != len(refs)-1 {
		t.Errorf("%d open; want %d", len(got), len(refs)-1)
	}
}

// TestWhoWroteOfItDoesNotReviewIt: an exception and the note on a difference are
// work as marks are.
func TestWhoWroteOfItDoesNotReviewIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		work func(t *testing.T, w *world)
	}{
		{"wrote the exception", func(t *testing.T, w *world) {
			d := w.finding()
			w.file(func(_ *fieldwork.State, f *fieldwork.File) { d.Known = f.Findings["X-1"].Finding.Known })
			must[string](t)(w.book.SetFinding(t.Context(), manager, "EN-1", "X-1", d, w.revision("finding:EN-1/X-1")))
			d.Text += " Each was seen."
			must[string](t)(w.book.SetFinding(t.Context(), staff, "EN-1", "X-1", d, w.revision("finding:EN-1/X-1")))
		}},
		{"explained a difference", func(t *testing.T, w *world) {
			c := fieldwork.Cell{Item: w.rows(opTest)[0], Attribute: "B"}
			w.file(func(_ *fieldwork.State, f *fieldwork.File) { // as if the procedure said otherwise
				p := f.Papers[opTest]
				p.Revealed[c].Outcome = map[bool]string{true: "operated", false: "deviation"}[deviated(c.Item)]
			})
			check(t, w.book.Explain(t.Context(), manager, "EN-1", opTest, c, "the review is in another system"))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := worked(t)
			c.work(t, w)
			check(t, w.book.Prepare(t.Context(), staff, "EN-1", opTest, w.digestNow(opTest)))
			if err := w.book.Review(t.Context(), manager, "EN-1", opTest, w.digestNow(opTest)); !errors.Is(err, audit.ErrForbidden) {
				t.Errorf("reviewed by who %s: %v; want it forbidden", c.name, err)
			}
			check(t, w.book.Review(t.Context(), partner, "EN-1", opTest, w.digestNow(opTest)))
		})
	}
}

// TestAReleasedExceptionThatIsNoneIsWithdrawn: the client learns that what it was
// told does not count, and nothing of what the auditor wrote of it.
func TestAReleasedExceptionThatIsNoneIsWithdrawn(t *testing.T) {
	t.Parallel()
	w := worked(t)
	ctx := t.Context()
	toClient := func() (out engagement.Finding, ok bool) {
		w.file(func(_ *fieldwork.State, f *fieldwork.File) { out, ok = f.Findings["X-1"].ToClient() })
		return out, ok
	}
	if x, ok := toClient(); ok {
		t.Errorf("the client gets %+v before the release", x)
	}
	given := must[engagement.Finding](t)(w.book.ReleaseFinding(ctx, manager, "EN-1", "X-1", 1))
	d := w.finding()
	d.Known, d.Text = given.Known, "Words the client does not know."
	must[string](t)(w.book.SetFinding(ctx, staff, "EN-1", "X-1", d, w.revision("finding:EN-1/X-1")))
	if x, ok := toClient(); ok {
		t.Errorf("the client gets %+v of a change that is not released", x)
	}
	check(t, w.book.DisposeFinding(ctx, manager, "EN-1", "X-1", fieldwork.WrongTest, "private: our attribute named the wrong branch", w.revision("finding:EN-1/X-1")))
	check(t, w.book.ConfirmFinding(ctx, partner, "EN-1", "X-1", w.revision("finding:EN-1/X-1")))
	x, ok := toClient()
	if !ok || !x.Withdrawn || x.Text != given.Text || strings.Contains(x.Why, "private") || x.Why == "" {
		t.Errorf("the client gets %+v, %t; want it withdrawn, in the words it has", x, ok)
	}
}
