package fieldwork_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/evidence"
	"tieout/internal/canonical"
)

func TestRollUpIsFacts(t *testing.T) {
	t.Parallel()
	w := signedOff(t)
	ctx := t.Context()
	check(t, w.book.TakeControls(ctx, receiver, "EN-1", controlSet(), 4))
	check(t, w.book.Conclude(ctx, manager, "EN-1", onChange, withExceptions(), 0))
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		items := len(f.Findings["X-1"].Items)
		r := f.RollUp()
		if len(r.Controls) != 1 || len(r.Controls[0].Tests) != 2 || r.Controls[0].Concluded.Outcome != engagement.WithExceptions {
			t.Fatalf("controls %+v; want CHG-01 with two tests and its conclusion", r.Controls)
		}
		op := r.Controls[0].Tests[0]
		if op.Test != opTest || op.Population != 60 || op.Sampled != 6 || op.Tested != 6 || op.Exceptions != items || op.Known != 6-items || op.KnownOpen != 0 || !op.Reviewed {
			t.Errorf("%+v; want 6 of 60 items tested, %d with an exception, %d known outside", op, items, 6-items)
		}
		want := must[[]fieldwork.Limit](t)(fieldwork.Limits(*f.Samples["S-1"], items))
		if len(op.Limits) != 2 || op.Limits[1] != want[1] || op.Limits[1].Of != 60 {
			t.Errorf("limits %+v; want %+v", op.Limits, want)
		}
		for _, c := range r.Criteria {
			n := 0
			if c.On == "criterion:CC8.1" {
				n = 1
			}
			if c.Exceptions != n || len(c.Deficiencies) != n {
				t.Errorf("%s has %d exceptions; want %d", c.On, c.Exceptions, n)
			}
		}
		if len(r.Commitments) != 1 || r.Commitments[0].Exceptions != 1 {
			t.Fatalf("commitments %+v; want C-1 touched by the exception", r.Commitments)
		}
		d := r.Commitments[0].Deficiencies[0]
		if d.Rate() != fmt.Sprintf("%d of 6 items", items) || d.From.IsZero() || d.Known != 6-items || d.Responded {
			t.Errorf("deficiency %+v; want the rate of sampled items alone, the time tested, no response yet", d)
		}
	})
}

// Sizes of an enterprise's engagement.
const (
	manyControls = 140
	manyTests    = 600
	manySamples  = 100 // of 30 items, with 4 attributes each
)

// large is an engagement of 140 controls, 600 tests and 3,000 sampled items, all
// marked one by one: some 15,000 entries.
func large(b *testing.B) *world {
	b.Helper()
	w := opened(b)
	ctx := b.Context()
	set := engagement.ControlSet{Definitions: letter()}
	for i := range manyControls {
		set.Controls = append(set.Controls, audit.Control{ID: fmt.Sprintf("C-%03d", i), Title: "A control", Criteria: []string{w.criterion(i)}})
	}
	check(b, w.book.TakeControls(ctx, receiver, "EN-1", set, 4))
	var drafts []evidence.Draft
	for i := range manyTests {
		drafts = append(drafts, w.draft(b, manager.Account, "test.set", "test:EN-1/"+testID(i), 0, map[string]any{"test": w.largeTest(i), "why": ""}))
	}
	w.sealAll(b, drafts)
	lines := items(300, nil)
	for i := range manySamples {
		control := fmt.Sprintf("C-%03d", i)
		check(b, w.book.SetReliance(ctx, manager, "EN-1", control, engagement.ItemsAtSource, "kept at the source", 0))
		must[fieldwork.Commitment](b)(w.book.CommitNonce(ctx, staff, "EN-1", control, "1", ""))
		p := frozen(fmt.Sprintf("P-%d", i+1), lines, control)
		p.Defined += ", " + control
		w.feed(p, lines)
		w.accept(p.ID)
		o := random(30)
		o.Population, o.Control = p.ID, control
		must[fieldwork.Sample](b)(w.book.DrawSample(ctx, staff, "EN-1", o))
	}
	w.markLarge(b)
	return w
}

func testID(i int) string { return fmt.Sprintf("T-%03d", i) }

func (w *world) criterion(i int) string {
	all := terms(engagement.SOC2TypeII).Criteria()
	return all[i%len(all)]
}

// largeTest is one of the tests: those of samples have four attributes.
func (w *world) largeTest(i int) engagement.Test {
	t := engagement.Test{ID: testID(i), Control: fmt.Sprintf("C-%03d", i%manyControls), Phase: engagement.Design, Kind: engagement.Inspection, Text: "Inspected the records of the control and compared them with what it says.",
		Criteria: []string{w.criterion(i % manyControls)}, Attributes: []engagement.Attribute{{Name: "A", Text: "As the control says."}}}
	if i < manySamples {
		t.Phase, t.Population = engagement.Operation, true
		for _, a := range []string{"B", "C", "D"} {
			t.Attributes = append(t.Attributes, engagement.Attribute{Name: a, Text: "Confirmed."})
		}
	}
	return t
}

// draft is an entry as a Book writes it.
func (w *world) draft(b testing.TB, account, kind, on string, base int64, data any) evidence.Draft {
	raw := must[[]byte](b)(canonical.Marshal(data))
	body := must[[]byte](b)(canonical.Marshal(map[string]any{"format": "tieout.entry/1", "kind": kind, "on": on, "base": base, "data": json.RawMessage(raw)}))
	return evidence.Draft{Kind: audit.RecordFieldwork, Media: "application/json", Body: body, Actor: audit.Actor{Kind: audit.ActorPerson, Name: account}, Detail: map[string]string{"kind": kind, "on": on}}
}

func (w *world) sealAll(b testing.TB, drafts []evidence.Draft) {
	for len(drafts) > 0 {
		n := min(len(drafts), 500)
		for i := range drafts[:n] {
			drafts[i].ID = must[string](b)(evidence.NewID(w.now()))
		}
		must[[]audit.Record](b)(w.seal.Seal(b.Context(), drafts[:n]...))
		drafts = drafts[n:]
	}
}

// markLarge opens every workpaper, marks every cell, and has everything reviewed.
func (w *world) markLarge(b *testing.B) {
	var opening, marks []evidence.Draft
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		for i := range manyTests {
			t, sample, rows := f.Tests[testID(i)], "", []string{""}
			if i < manySamples {
				sample = fmt.Sprintf("S-%d", i+1)
				rows = f.Samples[sample].Items
			}
			opening = append(opening, w.draft(b, stefID, "paper.open", "paper:EN-1/"+t.ID, 0, map[string]any{"sample": sample, "empty": ""}))
			for _, r := range rows {
				for _, a := range t.Attributes {
					marks = append(marks, w.draft(b, stefID, "cell.mark", fieldwork.CellOn("EN-1", t.ID, fieldwork.Cell{Item: r, Attribute: a.Name}), 0,
						fieldwork.Verdict{Mark: engagement.NoException, Note: "as the record says", Evidence: []int64{int64(i)}}))
				}
			}
		}
	})
	w.sealAll(b, opening)
	w.sealAll(b, marks)
	for i := range manyTests {
		w.sign(b, testID(i))
	}
}

// BenchmarkRollUp is the roll-up of an enterprise's engagement, and the replay of
// its log by a server that has just started. The bar of both is 5 s.
func BenchmarkRollUp(b *testing.B) {
	w := large(b)
	b.Run("rollup", func(b *testing.B) {
		for b.Loop() {
			w.file(func(_ *fieldwork.State, f *fieldwork.File) {
				r := f.RollUp()
				if len(r.Controls) != manyControls || len(r.Controls[0].Tests) == 0 {
					b.Fatalf("%d controls; want %d with their tests", len(r.Controls), manyControls)
				}
			})
		}
	})
	b.Run("replay", func(b *testing.B) {
		for b.Loop() {
			book := w.again()
			check(b, book.ReadFile(b.Context(), "EN-1", func(s *fieldwork.State, f *fieldwork.File) error {
				if len(f.Papers) != manyTests || len(s.Void) > 0 {
					b.Fatalf("%d workpapers, %d void entries; want %d and none", len(f.Papers), len(s.Void), manyTests)
				}
				return nil
			}))
		}
	})
	b.Run("gates", func(b *testing.B) {
		for b.Loop() {
			w.file(func(s *fieldwork.State, f *fieldwork.File) {
				s.Standing(f, "report.issue", "", time.Now())
			})
		}
	})
	b.Run("everything that can be concluded", func(b *testing.B) { // as a screen asks for the next of them
		for b.Loop() {
			w.file(func(s *fieldwork.State, f *fieldwork.File) {
				for _, what := range f.ToConclude() {
					s.StandingIf(f, what, fieldwork.Concluding{Outcome: engagement.UnableToConclude, Design: fieldwork.DesignUnproved}, time.Now())
				}
			})
		}
	})
}

// TestRollUpListsEveryStandingException: one on the description, and one of a
// control that is for no criterion in scope, are deficiencies too.
func TestRollUpListsEveryStandingException(t *testing.T) {
	t.Parallel()
	w := concluded(t)
	ctx := t.Context()
	check(t, w.book.Reopen(ctx, manager, "EN-1", "T-DC-1", "a region is missing"))
	check(t, w.book.Mark(ctx, staff, "EN-1", "T-DC-1", fieldwork.Cell{Attribute: "A"}, fieldwork.Verdict{Mark: engagement.Exception, Note: "a region is missing", Why: "seen in the records"}, 1))
	must[string](t)(w.book.SetFinding(ctx, staff, "EN-1", "", fieldwork.FindingDraft{Test: "T-DC-1", Cells: []fieldwork.FindingCell{{Attribute: "A"}}, Nature: "a region is missing", Text: "The description lacks a region."}, 0))
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		dc := f.RollUp().Description[0]
		if len(dc.Deficiencies) != 1 || dc.Deficiencies[0].Finding != "X-2" || dc.Deficiencies[0].Rate() != "a test without items" {
			t.Errorf("DC 1 has %+v; want X-2, of a test without items", dc.Deficiencies)
		}
		f.Controls.Controls[0].Criteria, f.Tests[opTest].Criteria, f.Tests[designTest].Criteria = nil, nil, nil
		r := f.RollUp()
		if got := r.Controls[0].Deficiencies; len(got) != 1 || got[0].Finding != "X-1" {
			t.Errorf("CHG-01 for no criterion has %+v; want X-1", got)
		}
		for _, c := range r.Criteria {
			if len(c.Deficiencies) > 0 {
				t.Errorf("%s has %+v; want none", c.On, c.Deficiencies)
			}
		}
	})
}

// TestLimitsOnlyOfAWholeSample: a sample says nothing of the whole while an item of
// it is not tested, or an exception of it is not written.
func TestLimitsOnlyOfAWholeSample(t *testing.T) {
	t.Parallel()
	w := worked(t)
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		p := f.Papers[opTest]
		row := p.Rows[0]
		was := map[string]*fieldwork.Marked{}
		for _, a := range []string{"A", "B"} {
			c := fieldwork.Cell{Item: row, Attribute: a}
			was[a] = p.Cells[c]
		}
		for _, x := range []struct {
			name  string
			marks []engagement.Mark
			want  int
		}{
			{"as it was marked", nil, 2},
			{"an item nobody was able to test", []engagement.Mark{engagement.UnableToTest, engagement.UnableToTest}, 0},
			{"an exception without its finding", []engagement.Mark{engagement.Exception, engagement.NoException}, 0},
		} {
			for i, a := range []string{"A", "B"} {
				m := *was[a]
				if x.marks != nil {
					m.Mark = x.marks[i]
				}
				p.Cells[fieldwork.Cell{Item: row, Attribute: a}] = &m
			}
			if got := f.Facts(opTest).Limits; len(got) != x.want {
				t.Errorf("%s: %d limits; want %d", x.name, len(got), x.want)
			}
		}
	})
	if got := (&fieldwork.File{}).Facts("T-9"); got.Opened || got.Limits != nil {
		t.Errorf("a test that is none adds up to %+v", got)
	}
}
