package fieldwork_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/redraw"
)

// allMarked marks every cell of a workpaper so, as it lies in memory, and returns
// what takes it back.
func allMarked(f *fieldwork.File, test string, mark engagement.Mark) (undo func()) {
	p, was := f.Papers[test], map[fieldwork.Cell]fieldwork.Marked{}
	for c, m := range p.Cells {
		was[c] = *m
		m.Mark = mark
	}
	return func() {
		for c, m := range was {
			*p.Cells[c] = m
		}
	}
}

// TestNothingTestedConcludesNothing: whether there were exceptions is said of what
// was tested, and of nothing else.
func TestNothingTestedConcludesNothing(t *testing.T) {
	t.Parallel()
	w := concluded(t)
	free := fieldwork.Concluding{Outcome: engagement.NoExceptions, Design: fieldwork.Suitable, Text: "No exceptions noted."}
	ofDC := fieldwork.Concluding{Outcome: engagement.NoExceptions, Text: "Presented as it is."}
	unable := fieldwork.Concluding{Outcome: engagement.UnableToConclude, Design: fieldwork.DesignUnproved, Text: "Nothing could be tested."}
	const nothing = "nothing was tested in "
	w.file(func(s *fieldwork.State, f *fieldwork.File) {
		for _, tt := range []struct {
			name, test, on, want, never string
			mark                        engagement.Mark
			c                           fieldwork.Concluding
			oneTested                   bool
		}{
			{"every cell unable", opTest, onChange, nothing + opTest, "", engagement.UnableToTest, free, false},
			{"every cell not applicable", opTest, onChange, nothing + opTest, "", engagement.NotApplicable, free, false},
			{"exceptions of what was not tested", opTest, onChange, nothing + opTest, "", engagement.UnableToTest, withExceptions(), false},
			{"one item tested", opTest, onChange, "", nothing, engagement.UnableToTest, free, true},
			{"unable says so", opTest, onChange, "", nothing, engagement.UnableToTest, unable, false},
			{"design that could not be tested", designTest, onChange, "nothing of it could be tested", "", engagement.UnableToTest, withExceptions(), false},
			{"a description criterion", "T-DC-1", "dc:DC 1", nothing + "T-DC-1", "", engagement.UnableToTest, ofDC, false},
		} {
			undo := allMarked(f, tt.test, tt.mark)
			if tt.oneTested {
				f.Papers[tt.test].Cells[fieldwork.Cell{Item: f.Papers[tt.test].Rows[0], Attribute: "A"}].Mark = engagement.NoException
			}
			err := fieldwork.TryConclude(s, w.now(), manager, "EN-1", tt.on, tt.c)
			undo()
			switch {
			case tt.want != "" && (!errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("%s: %v; want a conflict that says %q", tt.name, err, tt.want)
			case tt.never != "" && err != nil && strings.Contains(err.Error(), tt.never):
				t.Errorf("%s: %v; want nothing of %q", tt.name, err, tt.never)
			}
		}
		cell := f.Papers[opTest].Cells[fieldwork.Cell{Item: f.Papers[opTest].Rows[0], Attribute: "A"}]
		was := cell.Mark
		cell.Mark = engagement.UnableToTest
		if got := strings.Join(s.Warnings(f), "\n"); !strings.Contains(got, "1 cell of test "+opTest+" could not be tested") {
			t.Errorf("warnings %q; want the cell that could not be tested", got)
		}
		cell.Mark = was
	})
}

// TestWhatMarksStandUnderStays: what is inquired of does not become an inspection
// once somebody marked it.
func TestWhatMarksStandUnderStays(t *testing.T) {
	t.Parallel()
	w := worked(t)
	x := testOf("CHG-01")
	x.Kind = engagement.Reperformance
	err := w.book.SetTest(t.Context(), manager, "EN-1", x, "it was more than an inspection", w.revision("test:EN-1/"+opTest))
	if !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "kind of procedure") {
		t.Errorf("another kind of procedure after the marks: %v; want it refused", err)
	}
}

// TestInquiryTestsNoVersion: a version that was only asked about is untested.
func TestInquiryTestsNoVersion(t *testing.T) {
	t.Parallel()
	w := planned(t, "CHG-01")
	check(t, w.book.TakeControls(t.Context(), receiver, "EN-1", controlSet(), 4))
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		f.Controls.Controls = []audit.Control{{ID: "CHG-01", Effective: audit.Effective{To: "2026-06-30"}}, {ID: "CHG-01", Effective: audit.Effective{From: "2026-07-01"}}}
		second := *f.Tests[opTest]
		second.ID, second.Version, second.Kind = "T-2", "2026-07-01", engagement.Inquiry
		f.Tests["T-2"] = &second
		if got := f.UntestedVersions("CHG-01", engagement.Operation); !slices.Equal(got, []string{"2026-07-01"}) {
			t.Errorf("untested %q; want the version that was only asked about", got)
		}
		second.Kind = engagement.Inspection
		if got := f.UntestedVersions("CHG-01", engagement.Operation); len(got) != 0 {
			t.Errorf("untested %q; want none", got)
		}
	})
}

// TestWhatLeftTheScopeHoldsNothingUp: a conclusion on a control that is none of the
// examination's any more cannot be renewed, and need not be.
func TestWhatLeftTheScopeHoldsNothingUp(t *testing.T) {
	t.Parallel()
	w := issuable(t)
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		f.Concluded["control:OLD-1"] = &fieldwork.Conclusion{On: "control:OLD-1", Outcome: engagement.NoExceptions, Rests: map[string]string{"test:T-OLD-1": "gone"}, At: w.now().AddDate(0, -1, 0)}
		if f.Stale("control:OLD-1") == "" || slices.Contains(f.ToConclude(), "control:OLD-1") {
			t.Error("want a conclusion that would have to be renewed, and cannot be")
		}
	})
	check(t, w.opine(engagement.PartDesign, engagement.Unmodified, "Suitably designed, in all material respects.", ""))
	check(t, w.issue(t, reportDigest, "", ""))
}

// TestWithdrawnWhileRevised: readers hold the report that is in force, also while
// another is under way.
func TestWithdrawnWhileRevised(t *testing.T) {
	t.Parallel()
	w := issuable(t)
	ctx := t.Context()
	if err := w.book.Withdraw(ctx, partner, "EN-1", "an officer was wrong"); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("withdrawn before it is issued: %v; want it refused", err)
	}
	check(t, w.issue(t, reportDigest, "", ""))
	check(t, w.book.Revise(ctx, partner, "EN-1", "an incident of the period came out"))
	check(t, w.book.Withdraw(ctx, partner, "EN-1", "it cannot be relied on while it is looked into"))
	if err := w.book.Withdraw(ctx, partner, "EN-1", "again"); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "withdrawn") {
		t.Errorf("withdrawn twice: %v; want it refused", err)
	}
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		if f.Issues[0].Withdrawn == nil || f.Issues[0].Revising == nil {
			t.Errorf("issue %+v; want it withdrawn, and a revision under way", f.Issues[0])
		}
	})
}

// TestHandsOfASOC3: who worked on the examination that a SOC 3 is made from does not
// review its quality.
func TestHandsOfASOC3(t *testing.T) {
	t.Parallel()
	w := concluded(t)
	ctx := t.Context()
	x := terms(engagement.SOC3)
	x.RestsOn = "EN-1"
	id := must[engagement.Terms](t)(w.book.OpenEngagement(ctx, partner, x)).ID
	check(t, w.book.ReadFile(ctx, id, func(s *fieldwork.State, f *fieldwork.File) error {
		if got := s.Hands(f); !slices.Contains(got, stefID) || !slices.Contains(got, mikaID) {
			t.Errorf("hands %v; want those of EN-1", got)
		}
		return nil
	}))
}

// TestEventsAreOfDaysAfterThePeriod: and one that shows a condition of the period
// weighs on the opinions.
func TestEventsAreOfDaysAfterThePeriod(t *testing.T) {
	t.Parallel()
	w := issuable(t)
	ctx := t.Context()
	set := func(day, class string) error {
		_, err := w.book.SetEvent(ctx, manager, "EN-1", "", day, "A backup was found to be empty", class, "The backups of the period were looked at again.", 0)
		return err
	}
	for day, want := range map[string]string{"2026-12-31": "a day after it", "2027-02-21": "has not come"} {
		if err := set(day, fieldwork.EventNeither); !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("an event of %s: %v; want it refused, %q", day, err, want)
		}
	}
	check(t, set("2027-01-01", fieldwork.EventOfPeriod))
	if err := w.issue(t, reportDigest, "", ""); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "opinions older than events that show a condition of the period: EV-2") {
		t.Errorf("issued over an event nobody weighed: %v; want it refused", err)
	}
	w.pass(time.Minute)
	w.opineAll(t)
	check(t, w.issue(t, reportDigest, "", ""))
}

// TestTermsAreNotLessenedSilently: nothing examined is taken away without the
// auditor's written judgment.
func TestTermsAreNotLessenedSilently(t *testing.T) {
	t.Parallel()
	hosted := []engagement.Subservice{{Name: "Nimbus", Service: "hosting", Inclusive: true}}
	prior := []engagement.Prior{{Control: "CHG-01", Text: "late reviews"}}
	two := append(slices.Clone(terms(engagement.SOC1TypeII).Objectives), engagement.Objective{ID: "2", Text: "Changes are approved before they reach production.", Controls: []string{"CHG-01"}})
	for _, tt := range []struct {
		name, want string
		kind       engagement.Type
		was, now   func(*engagement.Terms)
	}{
		{"a control objective", "control objective 2 is dropped", engagement.SOC1TypeII, func(x *engagement.Terms) { x.Objectives = two }, func(x *engagement.Terms) { x.Objectives = two[:1] }},
		{"an included organization is carved out", "the controls of Nimbus", engagement.SOC2TypeII, func(x *engagement.Terms) { x.Subservices = hosted }, func(x *engagement.Terms) {
			x.Subservices = slices.Clone(hosted)
			x.Subservices[0].Inclusive = false
		}},
		{"an exception of the report before", "an exception of the report before, on CHG-01", engagement.SOC2TypeII, func(x *engagement.Terms) { x.Prior = prior }, func(x *engagement.Terms) { x.Prior = nil }},
		{"the day of a Type I", "the day 2026-06-30 becomes 2026-05-31", engagement.SOC2TypeI, func(*engagement.Terms) {}, func(x *engagement.Terms) { x.AsOf = "2026-05-31" }},
		{"the quality review", "quality review is switched off", engagement.SOC2TypeII, func(x *engagement.Terms) { x.Quality = true }, func(x *engagement.Terms) { x.Quality = false }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := openedAs(t, tt.kind)
			ctx := t.Context()
			x := terms(tt.kind)
			x.ID = "EN-1"
			tt.was(&x)
			check(t, w.book.ChangeTerms(ctx, manager, x, "as it was agreed", "", w.revision("engagement:EN-1")))
			tt.now(&x)
			err := w.book.ChangeTerms(ctx, manager, x, "management asks for it", "", w.revision("engagement:EN-1"))
			if !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("without a judgment: %v; want it refused, %q", err, tt.want)
			}
			check(t, w.book.ChangeTerms(ctx, manager, x, "management asks for it", "No result is hidden by it: nothing was tested of it so far, and readers are told.", w.revision("engagement:EN-1")))
		})
	}
}

// TestRevealInParts: a workpaper with more cells than one entry takes is shown
// whole.
func TestRevealInParts(t *testing.T) {
	t.Parallel()
	w := planned(t, "CHG-01")
	ctx := t.Context()
	lines := items(2100, nil)
	w.feed(frozen("P-1", lines, "CHG-01"), lines)
	w.accept("P-1")
	must[fieldwork.Sample](t)(w.book.DrawSample(ctx, staff, "EN-1", fieldwork.Order{Population: "P-1", Control: "CHG-01", Method: engagement.EveryItem}))
	check(t, w.book.OpenPaper(ctx, staff, "EN-1", opTest, "S-1", ""))
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		for _, row := range f.Papers[opTest].Rows {
			f.Papers[opTest].Cells[fieldwork.Cell{Item: row, Attribute: "B"}] = &fieldwork.Marked{Mark: engagement.NoException, By: stefID, At: w.now()}
		}
	})
	check(t, w.book.Reveal(ctx, staff, "EN-1", opTest))
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		if got := len(f.Papers[opTest].Revealed); got != 2100 {
			t.Errorf("%d outcomes are shown; want 2100", got)
		}
	})
}

// TestProposedTextsKeepTheirLetters: a first letter is a letter, not a byte.
func TestProposedTextsKeepTheirLetters(t *testing.T) {
	set := engagement.ControlSet{Controls: []audit.Control{{ID: "GOV-01", Criteria: []string{"CC1.1"}, Tests: "überwacht the log; Ärger is noted", Frequency: "öfter + annual"}}}
	var texts []string
	for _, x := range fieldwork.ProposeTests(set, terms(engagement.SOC2TypeII), nil) {
		texts = append(texts, x.Text)
		for _, a := range x.Attributes {
			texts = append(texts, a.Text)
		}
	}
	all := strings.Join(texts, "\n")
	if !strings.Contains(all, "Öfter: überwacht the log; Ärger is noted.") || !strings.Contains(all, "Überwacht the log.") || strings.ContainsRune(all, '\ufffd') {
		t.Errorf("texts\n%s", all)
	}
}

// TestReplacementMovesTheSpread: the quarters count the items that are in the
// sample, not those that were.
func TestReplacementMovesTheSpread(t *testing.T) {
	t.Parallel()
	w := ready(t, 40)
	ctx := t.Context()
	x := must[fieldwork.Sample](t)(w.book.DrawSample(ctx, staff, "EN-1", random(5)))
	for range 3 {
		must[engagement.Replacement](t)(w.book.ReplaceItem(ctx, staff, "EN-1", "S-1", x.Items[0], "a test entry of the tool itself", []int64{17}, x.Revision))
		x = must[fieldwork.Sample](t)(w.book.Sample(ctx, "EN-1", "S-1"))
		want := redraw.NewSpread(frozen("P-1", items(40, nil), "CHG-01"))
		_, err := redraw.Read(strings.NewReader(items(40, nil)), func(it redraw.ID) error {
			want.Add(it)
			if slices.Contains(x.Items, it.ID) {
				want.Pick(it)
			}
			return nil
		})
		check(t, err)
		if !slices.Equal(x.Spread, want.Quarters) {
			t.Errorf("spread %+v; want %+v", x.Spread, want.Quarters)
		}
	}
}

// TestVoidInOneSampleOnly: an item that was void in one population is tested where
// it was drawn from another, whichever sample the workpaper takes last.
func TestVoidInOneSampleOnly(t *testing.T) {
	t.Parallel()
	w := sampled(t)
	ctx := t.Context()
	check(t, w.book.OpenPaper(ctx, staff, "EN-1", opTest, "S-1", ""))
	var item string
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		later, s := *f.Populations["P-1"], *f.Samples["S-1"]
		item = s.Items[0]
		later.ID, s.ID, s.Population, s.Items = "P-2", "S-2", "P-2", slices.Clone(s.Items[:1])
		f.Populations["P-2"], f.Samples["S-2"] = &later, &s
	})
	check(t, w.book.ExtendPaper(ctx, staff, "EN-1", opTest, "S-2"))
	must[engagement.Replacement](t)(w.book.ReplaceItem(ctx, staff, "EN-1", "S-1", item, "a test entry", []int64{3}, w.revision("sample:EN-1/S-1")))
	check(t, w.book.ExtendPaper(ctx, staff, "EN-1", opTest, "S-1"))
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		if why := f.Papers[opTest].Void[item]; why != "" {
			t.Errorf("%s is void in the workpaper (%s), and sample S-2 has it", item, why)
		}
	})
	err := w.book.Mark(ctx, staff, "EN-1", opTest, fieldwork.Cell{Item: item, Attribute: "A"}, fieldwork.Verdict{Mark: engagement.NotApplicable, Note: fmt.Sprintf("%s is of no such kind", item)}, 0)
	if err != nil {
		t.Errorf("marked: %v", err)
	}
}
