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

// frozenAgain is worked, of whose population another freeze took the place: it has
// the same items in the state lines gives, and a sample of six.
func frozenAgain(t testing.TB, lines func(string) string) *world {
	t.Helper()
	w := worked(t)
	ctx := t.Context()
	must[fieldwork.Commitment](t)(w.book.CommitNonce(ctx, staff, "EN-1", "CHG-01", "2", ""))
	again := lines(withResults(items(60, nil)))
	p := frozen("P-2", again, "CHG-01")
	p.Round, p.Supersedes, p.Run, p.Freeze.At = "2", "P-1", 78, w.now()
	p.Collected = p.Freeze.At
	w.feed(p, again)
	w.accept("P-2")
	o := random(6)
	o.Population = "P-2"
	must[fieldwork.Sample](t)(w.book.DrawSample(ctx, staff, "EN-1", o))
	return w
}

// TestRetireTakesTheSupersededRowsOut: a freeze that took another's place leaves no
// test behind that can neither be signed nor dropped.
func TestRetireTakesTheSupersededRowsOut(t *testing.T) {
	t.Parallel()
	w := frozenAgain(t, func(s string) string { return strings.ReplaceAll(s, "CHG-", "NEW-") })
	ctx := t.Context()
	before := w.excepted()
	if len(before) == 0 { // the draw held no deviation: one is marked by hand
		row := w.rows(opTest)[0]
		check(t, w.book.Mark(ctx, staff, "EN-1", opTest, fieldwork.Cell{Item: row, Attribute: "A"}, fieldwork.Verdict{Mark: engagement.Exception, Note: "no approval", Why: "looked again"}, 1))
		before = w.excepted()
	}
	d := w.finding()
	w.file(func(_ *fieldwork.State, f *fieldwork.File) { d.Known = slices.Clone(f.Findings["X-1"].Finding.Known) })
	must[string](t)(w.book.SetFinding(ctx, staff, "EN-1", "X-1", d, w.revision("finding:EN-1/X-1")))
	must[engagement.Finding](t)(w.book.ReleaseFinding(ctx, manager, "EN-1", "X-1", w.revision("finding:EN-1/X-1")))
	retire := func(sample, why string) error { return w.book.RetireSample(ctx, staff, "EN-1", opTest, sample, why) }
	err := w.book.Prepare(ctx, staff, "EN-1", opTest, w.digestNow(opTest))
	if err == nil || !strings.Contains(err.Error(), "extend the workpaper by a sample of that, then retire sample S-1") {
		t.Errorf("signed on a superseded sample: %v; want it refused, and what to do", err)
	}
	if err := retire("S-1", "frozen again"); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "extend the workpaper by a sample of that first") {
		t.Errorf("retired before the later sample is here: %v; want it refused", err)
	}
	check(t, w.book.ExtendPaper(ctx, staff, "EN-1", opTest, "S-2"))
	if err := retire("S-2", "x"); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "is in force") {
		t.Errorf("retired a sample in force: %v; want it refused", err)
	}
	if err := retire("S-1", ""); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("retired without a reason: %v; want it refused", err)
	}
	check(t, retire("S-1", "the first freeze lacked a repository"))
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		p, x := f.Papers[opTest], f.Findings["X-1"]
		if len(p.Rows) != 12 || len(p.Void) != 6 || !slices.Equal(p.Samples, []string{"S-2"}) || len(p.Retired) != 1 || len(p.Retired[0].Rows) != 6 {
			t.Errorf("workpaper %+v; want twelve rows, six of them retired with S-1", p)
		}
		for _, c := range before {
			if m := p.Cells[fieldwork.Cell(c)]; m == nil || m.Mark != engagement.Exception {
				t.Errorf("cell %v is %+v; want its mark kept", c, m)
			}
			k := f.Known[opTest][c.Item+"/"+c.Attribute]
			if k == nil || k.Disposed == nil || k.Disposed.Finding != "X-1" || !slices.Contains(x.Finding.Known, k.Ref) {
				t.Errorf("deviation %+v; want it known outside the sample, in X-1", k)
			}
		}
		if len(x.Cells) != 0 || len(x.Items) != 0 || !x.Released.IsZero() {
			t.Errorf("exception %+v; want it of no sampled item, to be released again", x)
		}
	})
	for _, r := range w.rows(opTest)[6:] {
		check(t, w.book.Mark(ctx, staff, "EN-1", opTest, fieldwork.Cell{Item: r, Attribute: "A"}, none(""), 0))
		check(t, w.book.Mark(ctx, staff, "EN-1", opTest, fieldwork.Cell{Item: r, Attribute: "B"}, none(""), 0))
	}
	check(t, w.book.Reveal(ctx, staff, "EN-1", opTest))
	w.explainAll(t)
	check(t, w.book.Prepare(ctx, staff, "EN-1", opTest, w.digestNow(opTest)))
	check(t, w.book.Review(ctx, manager, "EN-1", opTest, w.digestNow(opTest)))
}

// explainAll puts a note on every difference of the operation test.
func (w *world) explainAll(t testing.TB) {
	t.Helper()
	var differ []fieldwork.Cell
	w.file(func(_ *fieldwork.State, f *fieldwork.File) { differ = f.Papers[opTest].Differences(f.Tests[opTest]) })
	for _, c := range differ {
		check(t, w.book.Explain(t.Context(), staff, "EN-1", opTest, c, "the review is in another system"))
	}
}

// TestRetiredRowsOfALaterSampleStay: an item that the later sample has too keeps
// its marks; what was computed of it is looked at again.
func TestRetiredRowsOfALaterSampleStay(t *testing.T) {
	t.Parallel()
	w := frozenAgain(t, func(s string) string { return strings.Replace(s, "Change 60", "Change sixty", 1) })
	ctx := t.Context()
	check(t, w.book.ExtendPaper(ctx, staff, "EN-1", opTest, "S-2"))
	check(t, w.book.RetireSample(ctx, staff, "EN-1", opTest, "S-1", "the first freeze lacked a label"))
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		p := f.Papers[opTest]
		for _, item := range f.Samples["S-2"].Items {
			if p.Void[item] != "" || p.Revealed[fieldwork.Cell{Item: item, Attribute: "B"}] != nil {
				t.Errorf("item %s of the later sample is void (%q), or its computed outcome is the earlier freeze's", item, p.Void[item])
			}
		}
		for _, item := range f.Samples["S-1"].Items {
			if in := slices.Contains(f.Samples["S-2"].Items, item); in == (p.Void[item] != "") {
				t.Errorf("item %s, in the later sample %t, is void: %q", item, in, p.Void[item])
			}
		}
	})
}
