package fieldwork_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/internal/canonical"
)

// twice is sampled with a second attribute that is computed: every tenth item
// deviates in both.
func twice(t testing.TB) *world {
	t.Helper()
	w := planned(t, "CHG-01")
	ctx := t.Context()
	x := testOf("CHG-01")
	x.Attributes = append(x.Attributes, engagement.Attribute{Name: "C", Text: "It was tested.", Procedure: "change.test"})
	check(t, w.book.SetTest(ctx, manager, "EN-1", x, "a third attribute", 1))
	must[fieldwork.Commitment](t)(w.book.CommitNonce(ctx, staff, "EN-1", "CHG-01", "1", ""))
	lines := alsoUntested(withResults(items(60, nil)))
	p := frozen("P-1", lines, "CHG-01")
	p.Run = 77
	w.feed(p, lines)
	w.accept("P-1")
	must[fieldwork.Sample](t)(w.book.DrawSample(ctx, staff, "EN-1", random(6)))
	check(t, w.book.OpenPaper(ctx, staff, "EN-1", opTest, "S-1", ""))
	check(t, w.book.LookForKnown(ctx, staff, "EN-1", opTest))
	return w
}

// alsoUntested gives every item the result of a second procedure: that of the
// first.
func alsoUntested(lines string) string {
	var out strings.Builder
	for _, l := range strings.Split(strings.TrimSpace(lines), "\n") {
		var it engagement.Item
		if err := json.Unmarshal([]byte(l), &it); err != nil {
			panic(err)
		}
		it.Results["change.test"] = it.Results["change.review"]
		b, err := canonical.Marshal(it)
		if err != nil {
			panic(err)
		}
		out.Write(append(b, '\n'))
	}
	return out.String()
}

// TestKnownIsByItemAndAttribute: a second attribute's deviation of an item is one
// of its own, and is disposed of by itself.
func TestKnownIsByItemAndAttribute(t *testing.T) {
	t.Parallel()
	w := twice(t)
	ctx := t.Context()
	inSample := 0
	for _, r := range w.rows(opTest) {
		if deviated(r) {
			inSample++
		}
	}
	refs := w.known()
	if len(refs) != 2*(6-inSample) {
		t.Fatalf("known outside the sample: %v; want two for each of the %d items", refs, 6-inSample)
	}
	item, _, _ := strings.Cut(refs[0], "/")
	if !slices.Contains(refs, item+"/B") || !slices.Contains(refs, item+"/C") {
		t.Fatalf("known %v; want %s of attribute B and of C", refs, item)
	}
	on := "known:EN-1/" + opTest
	dispose := func(ref string) error {
		return w.book.DisposeKnown(ctx, staff, "EN-1", opTest, []string{ref}, fieldwork.WrongTest, "the branch is not the one that is deployed", w.revision(on))
	}
	check(t, dispose(item)) // as entries of before named it: the first attribute's
	check(t, w.book.ConfirmKnown(ctx, manager, "EN-1", opTest, []string{item}, w.revision(on)))
	if got := w.known(); len(got) != len(refs)-1 || slices.Contains(got, item+"/B") || !slices.Contains(got, item+"/C") {
		t.Errorf("open %v; want B of %s disposed of, and C open", got, item)
	}
	if err := w.book.AddKnown(ctx, staff, "EN-1", opTest, "CHG-9999/C", "a call", "told"); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("told of under a computed one's name: %v; want it refused", err)
	}
	d := fieldwork.FindingDraft{Test: opTest, Known: []string{item + "/C", item + "/C"}, Nature: "not tested", Text: "A change was not tested."}
	must[string](t)(w.book.SetFinding(ctx, staff, "EN-1", "", d, 0))
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		if got := f.Findings["X-1"].Finding.Known; !slices.Equal(got, []string{item + "/C"}) {
			t.Errorf("the exception names %v; want C of %s, once", got, item)
		}
	})
}

// TestKnownIsOpenAgainWhereItChanged: what was said of a deviation was said of its
// outcome in one freeze.
func TestKnownIsOpenAgainWhereItChanged(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(lines string) string
		open   bool
	}{
		{"another freeze with another outcome", func(s string) string { return strings.ReplaceAll(s, `"deviation"`, `"late"`) }, true},
		{"another freeze with the same outcome", func(s string) string { return strings.Replace(s, "Change 60", "Change sixty", 1) }, true},
		{"the same freeze looked over again", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := sampled(t)
			w.marked(t)
			ctx := t.Context()
			on := "known:EN-1/" + opTest
			check(t, w.book.LookForKnown(ctx, staff, "EN-1", opTest))
			refs := w.known()
			check(t, w.book.DisposeKnown(ctx, staff, "EN-1", opTest, refs, fieldwork.WrongPopulation, "a test branch", w.revision(on)))
			check(t, w.book.ConfirmKnown(ctx, manager, "EN-1", opTest, refs, w.revision(on)))
			if c.change != nil {
				again := c.change(withResults(items(60, nil)))
				p := frozen("P-2", again, "CHG-01")
				p.Round, p.Supersedes, p.Run = "2", "P-1", 78
				w.feed(p, again)
				w.accept("P-2")
				w.file(func(_ *fieldwork.State, f *fieldwork.File) { f.Samples["S-1"].Population = "P-2" }) // as if drawn from it
			}
			check(t, w.book.LookForKnown(ctx, staff, "EN-1", opTest))
			if got := w.known(); c.open != (len(got) == len(refs)) || !c.open && len(got) > 0 {
				t.Errorf("open %v of %v; want them open again: %t", got, refs, c.open)
			}
			w.file(func(_ *fieldwork.State, f *fieldwork.File) {
				k := f.Known[opTest][refs[0]]
				if kept := len(k.Earlier) == 1 && k.Earlier[0].Disposed.Settled(); kept != c.open {
					t.Errorf("%+v; want what was said before kept: %t", k, c.open)
				}
			})
		})
	}
}

// TestKnownInTheGridIsShownAfterTheMark: an item that a later draw brought into the
// grid shows no deviation before its own mark.
func TestKnownInTheGridIsShownAfterTheMark(t *testing.T) {
	t.Parallel()
	w := sampled(t)
	ctx := t.Context()
	check(t, w.book.OpenPaper(ctx, staff, "EN-1", opTest, "S-1", ""))
	check(t, w.book.LookForKnown(ctx, staff, "EN-1", opTest))
	listed := func() (out []string) {
		w.file(func(_ *fieldwork.State, f *fieldwork.File) {
			for _, k := range f.KnownListed(opTest) {
				out = append(out, k.Item)
			}
		})
		return out
	}
	all := listed()
	if len(all) == 0 {
		t.Fatal("nothing is listed; want the deviations that were not drawn")
	}
	item := all[0]
	w.file(func(_ *fieldwork.State, f *fieldwork.File) { // as a later draw does
		f.Papers[opTest].Rows = append(f.Papers[opTest].Rows, item)
	})
	if got := listed(); slices.Contains(got, item) || len(got) != len(all)-1 {
		t.Errorf("listed %v; want %s left out until it is marked", got, item)
	}
	check(t, w.book.Mark(ctx, staff, "EN-1", opTest, fieldwork.Cell{Item: item, Attribute: "B"}, none(""), 0))
	if got := listed(); !slices.Contains(got, item) {
		t.Errorf("listed %v; want %s, which is marked", got, item)
	}
}
