package fieldwork_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/internal/canonical"
)

const (
	opTest     = "T-CHG-01-1"
	designTest = "T-CHG-01-D"
)

// sampled is a world with a population of 60 changes with results, of which every
// tenth was not reviewed, a sample of 6 and a test of design. The clock is after
// the period.
func sampled(t testing.TB) *world {
	t.Helper()
	w := planned(t, "CHG-01")
	ctx := t.Context()
	d := testOf("CHG-01")
	d.ID, d.Phase, d.Population, d.Text, d.Attributes = designTest, engagement.Design, false, "Inspected the rule of the pipeline.", []engagement.Attribute{{Name: "A", Text: "The rule asks for an approval."}}
	check(t, w.book.SetTest(ctx, manager, "EN-1", d, "", 0))
	must[fieldwork.Commitment](t)(w.book.CommitNonce(ctx, staff, "EN-1", "CHG-01", "1", ""))
	lines := withResults(items(60, nil))
	p := frozen("P-1", lines, "CHG-01")
	p.Run = 77
	w.feed(p, lines)
	w.accept("P-1")
	must[fieldwork.Sample](t)(w.book.DrawSample(ctx, staff, "EN-1", random(6)))
	return w
}

// withResults makes every tenth item a deviation of change.review.
func withResults(lines string) string {
	var out strings.Builder
	for i, l := range strings.Split(strings.TrimSpace(lines), "\n") {
		var it engagement.Item
		if err := json.Unmarshal([]byte(l), &it); err != nil {
			panic(err)
		}
		if i%10 == 0 {
			it.Results["change.review"] = "deviation"
		}
		b, err := canonical.Marshal(it)
		if err != nil {
			panic(err)
		}
		out.Write(append(b, '\n'))
	}
	return out.String()
}

// rows are the rows of a test's workpaper.
func (w *world) rows(test string) (out []string) {
	w.file(func(_ *fieldwork.State, f *fieldwork.File) { out = slices.Clone(f.Papers[test].Rows) })
	return out
}

// deviated reports whether an item of withResults is a deviation.
func deviated(item string) bool { return strings.HasSuffix(item, "1") }

func none(why string) fieldwork.Verdict {
	return fieldwork.Verdict{Mark: engagement.NoException, Evidence: []int64{7}, Why: why}
}

// marked opens a test's workpaper, its items, and marks everything: attribute A
// free of exceptions, B as the client's procedure has it.
func (w *world) marked(t testing.TB) {
	t.Helper()
	ctx := t.Context()
	check(t, w.book.OpenPaper(ctx, staff, "EN-1", opTest, "S-1", ""))
	rows := w.rows(opTest)
	check(t, w.book.OpenItem(ctx, staff, "EN-1", opTest, rows...))
	var clean []fieldwork.Seen
	for _, r := range rows {
		clean = append(clean, fieldwork.Seen{Cell: fieldwork.Cell{Item: r, Attribute: "A"}})
		if deviated(r) {
			check(t, w.book.Mark(ctx, staff, "EN-1", opTest, fieldwork.Cell{Item: r, Attribute: "B"}, fieldwork.Verdict{Mark: engagement.Exception, Note: "merged by its author"}, 0))
			continue
		}
		clean = append(clean, fieldwork.Seen{Cell: fieldwork.Cell{Item: r, Attribute: "B"}})
	}
	check(t, w.book.MarkMany(ctx, staff, "EN-1", opTest, clean, none("")))
	check(t, w.book.Reveal(ctx, staff, "EN-1", opTest))
	a := w.put(t, "rule.txt", "the rule as it was on screen")
	check(t, w.book.Attach(ctx, staff, "EN-1", opTest, fieldwork.Attachment{Name: a.Name, Media: "text/plain", Digest: a.Digest, Size: a.Size}))
}

func TestPaperOpensFromASample(t *testing.T) {
	w := sampled(t)
	ctx := t.Context()
	for _, c := range []struct{ name, test, sample, empty, want string }{
		{"no such test", "T-9", "S-1", "", "no such test"},
		{"no sample", opTest, "", "", "sample drawn first"},
		{"another's sample", opTest, "S-9", "", "is no sample of control CHG-01"},
		{"a population with items as empty", opTest, "", "P-1", "without an item"},
		{"a sample for a test without items", designTest, "S-1", "", "no items"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := w.book.OpenPaper(ctx, staff, "EN-1", c.test, c.sample, c.empty); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v; want a conflict that says %q", err, c.want)
			}
		})
	}
	check(t, w.book.OpenPaper(ctx, staff, "EN-1", opTest, "S-1", ""))
	check(t, w.book.OpenPaper(ctx, tester, "EN-1", designTest, "", ""))
	if got := w.rows(opTest); len(got) != 6 {
		t.Errorf("%d rows; want the 6 items of the sample", len(got))
	}
	if got := w.rows(designTest); !slices.Equal(got, []string{""}) {
		t.Errorf("rows of a test without items: %q; want one", got)
	}
	if err := w.book.OpenPaper(ctx, staff, "EN-1", opTest, "S-1", ""); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("opened twice: %v; want a conflict", err)
	}
	if err := w.book.OpenPaper(ctx, stranger, "EN-1", opTest, "S-1", ""); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("a stranger opens it: %v; want it forbidden", err)
	}
}

func TestMarks(t *testing.T) {
	w := sampled(t)
	ctx := t.Context()
	check(t, w.book.OpenPaper(ctx, staff, "EN-1", opTest, "S-1", ""))
	row := w.rows(opTest)[0]
	cell := fieldwork.Cell{Item: row, Attribute: "A"}
	for _, c := range []struct {
		name, want string
		cell       fieldwork.Cell
		v          fieldwork.Verdict
	}{
		{"no such item", "no row", fieldwork.Cell{Item: "CHG-9999", Attribute: "A"}, none("")},
		{"no such attribute", "no attribute", fieldwork.Cell{Item: row, Attribute: "Z"}, none("")},
		{"no such word", "mark is one of", cell, fieldwork.Verdict{Mark: "Passed"}},
		{"not applicable without a reason", "needs its reason", cell, fieldwork.Verdict{Mark: engagement.NotApplicable}},
		{"unable without a reason", "needs its reason", cell, fieldwork.Verdict{Mark: engagement.UnableToTest}},
		{"an exception without words", "what the exception is", cell, fieldwork.Verdict{Mark: engagement.Exception}},
		{"unmarked", "to be tested already", cell, fieldwork.Verdict{Mark: engagement.ToTest}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := w.book.Mark(ctx, staff, "EN-1", opTest, c.cell, c.v, 0); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v; want %q", err, c.want)
			}
		})
	}
	check(t, w.book.Mark(ctx, staff, "EN-1", opTest, cell, none(""), 0))
	if err := w.book.Mark(ctx, tester, "EN-1", opTest, cell, none(""), 0); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("marked on a stale state: %v; want a conflict", err)
	}
	change := fieldwork.Verdict{Mark: engagement.Exception, Note: "approved after the deployment"}
	if err := w.book.Mark(ctx, tester, "EN-1", opTest, cell, change, 1); err == nil || !strings.Contains(err.Error(), "why") {
		t.Errorf("changed without a reason: %v; want it refused", err)
	}
	change.Why = "the time zone was read wrongly"
	check(t, w.book.Mark(ctx, tester, "EN-1", opTest, cell, change, 1))
	w.file(func(s *fieldwork.State, f *fieldwork.File) {
		m := f.Papers[opTest].Cells[cell]
		if m.Mark != engagement.Exception || m.By != tessID || len(m.Earlier) != 1 || m.Earlier[0].By != stefID || m.Earlier[0].Mark != engagement.NoException {
			t.Errorf("cell %+v; want the exception of the second tester with the first mark behind it", m)
		}
		if got := len(s.History(fieldwork.CellOn("EN-1", opTest, cell))); got != 2 {
			t.Errorf("%d entries in the cell's history; want 2", got)
		}
	})
}

func TestBulkOnlyOnOpenedItems(t *testing.T) {
	w := sampled(t)
	ctx := t.Context()
	check(t, w.book.OpenPaper(ctx, staff, "EN-1", opTest, "S-1", ""))
	rows := w.rows(opTest)
	cells := []fieldwork.Seen{{Cell: fieldwork.Cell{Item: rows[0], Attribute: "A"}}, {Cell: fieldwork.Cell{Item: rows[1], Attribute: "A"}}}
	check(t, w.book.OpenItem(ctx, staff, "EN-1", opTest, rows[0]))
	check(t, w.book.OpenItem(ctx, tester, "EN-1", opTest, rows[1]))
	if err := w.book.MarkMany(ctx, staff, "EN-1", opTest, cells, none("")); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "not opened item") {
		t.Errorf("marked an item somebody else opened: %v; want it refused", err)
	}
	if err := w.book.MarkMany(ctx, staff, "EN-1", opTest, cells, fieldwork.Verdict{Mark: engagement.NotApplicable, Note: "a test branch"}); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("marked an item somebody else opened, as not applicable: %v; want it refused", err)
	}
	check(t, w.book.OpenItem(ctx, staff, "EN-1", opTest, rows[1]))
	check(t, w.book.Mark(ctx, tester, "EN-1", opTest, cells[1].Cell, none(""), 0))
	if err := w.book.MarkMany(ctx, staff, "EN-1", opTest, cells, none("seen")); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "has changed") {
		t.Errorf("marked over another's mark: %v; want a conflict", err)
	}
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		if got := f.Papers[opTest].Cells[cells[0].Cell]; got != nil {
			t.Errorf("the other cell is marked %+v; want none of them marked", got)
		}
	})
	cells[0].Evidence = []int64{41, 42}
	check(t, w.book.MarkMany(ctx, staff, "EN-1", opTest, cells[:1], fieldwork.Verdict{Mark: engagement.NoException}))
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		if got := f.Papers[opTest].Cells[cells[0].Cell]; !slices.Equal(got.Evidence, []int64{41, 42}) {
			t.Errorf("the mark rests on %v; want the records of its item", got.Evidence)
		}
	})
	if got := w.revision(fieldwork.CellOn("EN-1", opTest, cells[0].Cell)); got != 1 {
		t.Errorf("revision of the cell is %d; want 1", got)
	}
}

// TestTwoTestersLoseNothing: two people on two servers mark all cells at the same
// time. What one of them marked first the other learns of, and nothing is lost.
func TestTwoTestersLoseNothing(t *testing.T) {
	w := sampled(t)
	ctx := t.Context()
	check(t, w.book.OpenPaper(ctx, staff, "EN-1", opTest, "S-1", ""))
	rows := w.rows(opTest)
	books := map[string]*fieldwork.Book{stefID: w.book, tessID: w.again()}
	people := map[string]access.Subject{stefID: staff, tessID: tester}
	var mu sync.Mutex
	counted, lost, conflicts := map[fieldwork.Cell]int{}, 0, 0
	var wg sync.WaitGroup
	for id, b := range books {
		wg.Go(func() {
			for _, r := range rows {
				for _, a := range []string{"A", "B"} {
					c := fieldwork.Cell{Item: r, Attribute: a}
					err := b.Mark(ctx, people[id], "EN-1", opTest, c, none(""), 0)
					mu.Lock()
					switch {
					case err == nil:
						counted[c]++
					case errors.Is(err, audit.ErrConflict):
						conflicts++
					default:
						lost++
						t.Error(err)
					}
					mu.Unlock()
				}
			}
		})
	}
	wg.Go(func() {
		for i := range 5 {
			if _, err := w.book.AddNote(ctx, manager, "EN-1", opTest, "", fmt.Sprintf("note %d", i)); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	if len(counted) != 12 || conflicts != 12 || lost != 0 {
		t.Errorf("%d cells marked, %d conflicts, %d other errors; want 12 marked once, 12 conflicts", len(counted), conflicts, lost)
	}
	for _, b := range []*fieldwork.Book{w.book, w.again()} {
		check(t, b.ReadFile(ctx, "EN-1", func(_ *fieldwork.State, f *fieldwork.File) error {
			if len(f.Papers[opTest].Cells) != 12 || len(f.Notes) != 5 {
				t.Errorf("%d cells, %d notes; want 12 and 5 on every server", len(f.Papers[opTest].Cells), len(f.Notes))
			}
			return nil
		}))
	}
}

func TestComputedIsShownAfterTheOwnMark(t *testing.T) {
	w := sampled(t)
	ctx := t.Context()
	check(t, w.book.OpenPaper(ctx, staff, "EN-1", opTest, "S-1", ""))
	row := w.rows(opTest)[0]
	b := fieldwork.Cell{Item: row, Attribute: "B"}
	if err := w.book.Reveal(ctx, staff, "EN-1", opTest, b); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "after your own mark") {
		t.Errorf("shown before the mark: %v; want it refused", err)
	}
	if err := w.book.Reveal(ctx, staff, "EN-1", opTest, fieldwork.Cell{Item: row, Attribute: "A"}); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("shown of an attribute nobody computes: %v; want it refused", err)
	}
	own, computed := none(""), "operated"
	if deviated(row) {
		computed = "deviation"
	} else {
		own = fieldwork.Verdict{Mark: engagement.Exception, Note: "no review found"}
	}
	check(t, w.book.Mark(ctx, staff, "EN-1", opTest, b, own, 0))
	check(t, w.book.Reveal(ctx, staff, "EN-1", opTest))
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		p, tt := f.Papers[opTest], f.Tests[opTest]
		if r := p.Revealed[b]; r == nil || r.Outcome != computed || r.Own != own.Mark {
			t.Errorf("shown %+v; want %s beside the own mark", r, computed)
		}
		if got := p.Differences(tt); !slices.Equal(got, []fieldwork.Cell{b}) {
			t.Errorf("differences %v; want %v", got, b)
		}
	})
	if err := w.book.Explain(ctx, staff, "EN-1", opTest, fieldwork.Cell{Item: row, Attribute: "A"}, "x"); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("explained where nothing differs: %v; want it refused", err)
	}
	check(t, w.book.Explain(ctx, staff, "EN-1", opTest, b, "the review is in another system"))
}

func TestSamePatternTellsNothingOfWhatIsToBeMarked(t *testing.T) {
	w := sampled(t)
	ctx := t.Context()
	check(t, w.book.OpenPaper(ctx, staff, "EN-1", opTest, "S-1", ""))
	got := must[fieldwork.Pattern](t)(w.book.SamePattern(ctx, staff, "EN-1", opTest, "B", "deviation"))
	inSample := 0
	for _, r := range w.rows(opTest) {
		if deviated(r) {
			inSample++
		}
	}
	if got.Count != 6-inSample || got.Of != 54 || !strings.Contains(got.Query, "without 6 sampled items to be marked") {
		t.Errorf("%+v; want %d of the 54 items outside the sample", got, 6-inSample)
	}
	for _, r := range w.rows(opTest) {
		check(t, w.book.Mark(ctx, staff, "EN-1", opTest, fieldwork.Cell{Item: r, Attribute: "B"}, none(""), 0))
	}
	if got := must[fieldwork.Pattern](t)(w.book.SamePattern(ctx, staff, "EN-1", opTest, "B", "deviation")); got.Count != 6 || got.Of != 60 {
		t.Errorf("%d of %d; want 6 of 60 once all are marked", got.Count, got.Of)
	}
	if _, err := w.book.SamePattern(ctx, staff, "EN-1", opTest, "A", "deviation"); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("counted what nobody computes: %v; want it refused", err)
	}
}

// TestGridOf25By4 marks a grid one entry a mark, as a person at a keyboard does:
// it leaves them more than half of a second for each.
func TestGridOf25By4(t *testing.T) {
	t.Parallel()
	w := planned(t, "CHG-01")
	ctx := t.Context()
	x := testOf("CHG-01")
	x.Attributes = nil
	for _, a := range []string{"A", "B", "C", "D"} {
		x.Attributes = append(x.Attributes, engagement.Attribute{Name: a, Text: "Confirmed."})
	}
	check(t, w.book.SetTest(ctx, manager, "EN-1", x, "four attributes", 1))
	must[fieldwork.Commitment](t)(w.book.CommitNonce(ctx, staff, "EN-1", "CHG-01", "1", ""))
	w.fed(200, "CHG-01")
	must[fieldwork.Sample](t)(w.book.DrawSample(ctx, staff, "EN-1", random(25)))
	check(t, w.book.OpenPaper(ctx, staff, "EN-1", opTest, "S-1", ""))
	began := time.Now()
	for _, r := range w.rows(opTest) {
		check(t, w.book.OpenItem(ctx, staff, "EN-1", opTest, r))
		for _, a := range x.Attributes {
			check(t, w.book.Mark(ctx, staff, "EN-1", opTest, fieldwork.Cell{Item: r, Attribute: a.Name}, none(""), 0))
		}
	}
	if took := time.Since(began); took > 50*time.Second {
		t.Errorf("125 entries took %v; want the store far faster than a person", took)
	}
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		if left := f.Papers[opTest].Untested(f.Tests[opTest]); len(left) != 0 || len(f.Papers[opTest].Cells) != 100 {
			t.Errorf("%d cells left, %d marked; want 100 marked", len(left), len(f.Papers[opTest].Cells))
		}
	})
}

// TestPaperFollowsItsSample: an extension that was planned makes rows, and nobody
// signs a workpaper that lacks them; an item's ID may hold slashes.
func TestPaperFollowsItsSample(t *testing.T) {
	t.Parallel()
	w := ready(t, 60)
	ctx := t.Context()
	o := random(4)
	o.Stages = []fieldwork.Stage{{Items: 4}, {Items: 7, Accepted: 1}}
	must[fieldwork.Sample](t)(w.book.DrawSample(ctx, staff, "EN-1", o))
	check(t, w.book.OpenPaper(ctx, staff, "EN-1", opTest, "S-1", ""))
	mark := func() {
		for _, r := range w.rows(opTest) {
			for _, a := range []string{"A", "B"} {
				c := fieldwork.Cell{Item: r, Attribute: a}
				if w.revision(fieldwork.CellOn("EN-1", opTest, c)) == 0 {
					check(t, w.book.Mark(ctx, staff, "EN-1", opTest, c, none(""), 0))
				}
			}
		}
	}
	mark()
	check(t, w.book.Prepare(ctx, staff, "EN-1", opTest, w.digestNow(opTest)))
	must[fieldwork.Sample](t)(w.book.ExtendSample(ctx, staff, "EN-1", "S-1", w.revision("sample:EN-1/S-1")))
	if err := w.book.Prepare(ctx, staff, "EN-1", opTest, w.digestNow(opTest)); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "sample S-1 has changed") {
		t.Errorf("signed without the added items: %v; want it refused", err)
	}
	check(t, w.book.ExtendPaper(ctx, staff, "EN-1", opTest, "S-1"))
	if got := len(w.rows(opTest)); got != 7 {
		t.Errorf("%d rows; want 7", got)
	}
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		if f.Papers[opTest].Prepared != nil {
			t.Error("the preparer's sign-off stands over rows they never saw; want it lapsed")
		}
	})
	mark()
	check(t, w.book.Prepare(ctx, staff, "EN-1", opTest, w.digestNow(opTest)))
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		f.Papers[opTest].Rows = append(f.Papers[opTest].Rows, "okta/ana")
	})
	check(t, w.book.Mark(ctx, staff, "EN-1", opTest, fieldwork.Cell{Item: "okta/ana", Attribute: "A"}, none(""), 0))
	if err := w.book.Attach(ctx, staff, "EN-1", opTest, fieldwork.Attachment{Name: "x", Media: "text/plain", Digest: letter(), Size: 1}); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("attached a file nobody has: %v; want not found", err)
	}
}
