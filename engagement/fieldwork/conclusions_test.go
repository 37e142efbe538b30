package fieldwork_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/evidence"
)

const onChange = "control:CHG-01"

// controlSet is the client's: CHG-01, with one text over the whole period.
func controlSet() engagement.ControlSet {
	return engagement.ControlSet{Definitions: letter(), Controls: []audit.Control{{ID: "CHG-01", Title: "Changes are reviewed", Criteria: []string{"CC8.1"}}},
		Commitments: []engagement.Commitment{{ID: "C-1", Text: "Changes are tested.", Criteria: []string{"CC8.1"}}}}
}

// withExceptions is what is concluded of the control of signedOff.
func withExceptions() fieldwork.Concluding {
	return fieldwork.Concluding{Outcome: engagement.WithExceptions, Design: fieldwork.Suitable, Text: "Exceptions noted, see the results."}
}

func TestControlConclusionIsRefused(t *testing.T) {
	t.Parallel()
	w := signedOff(t)
	ctx := t.Context()
	check(t, w.book.TakeControls(ctx, receiver, "EN-1", controlSet(), 4))
	w.file(func(s *fieldwork.State, f *fieldwork.File) {
		op, dt, x := f.Tests[opTest], f.Tests[designTest], f.Findings["X-1"]
		p := f.Papers[opTest]
		row := p.Rows[0]
		cell := fieldwork.Cell{Item: row, Attribute: "A"}
		sign := func() { p.Reviewed.Digest = f.PaperDigest(opTest) }
		for _, c := range []struct {
			name, want string
			c          fieldwork.Concluding
			spoil      func() (undo func())
		}{
			{"a cell without a result", "without results", withExceptions(), func() func() {
				was := p.Cells[cell]
				delete(p.Cells, cell)
				sign()
				return func() { p.Cells[cell] = was; sign() }
			}},
			{"not reviewed", "not reviewed", withExceptions(), func() func() {
				was := p.Reviewed
				p.Reviewed = nil
				return func() { p.Reviewed = was }
			}},
			{"changed after its review", "not reviewed", withExceptions(), func() func() {
				op.Text += " Asked."
				return func() { op.Text = strings.TrimSuffix(op.Text, " Asked.") }
			}},
			{"inquiry alone", "inquiry is the only procedure", withExceptions(), func() func() {
				op.Kind, dt.Kind = engagement.Inquiry, engagement.Inquiry
				sign()
				return func() { op.Kind, dt.Kind = engagement.Inspection, engagement.Inspection; sign() }
			}},
			{"design only over a period", "as of a date", fieldwork.Concluding{Outcome: engagement.DesignOnly, Design: fieldwork.Suitable, Text: "t"}, nil},
			{"implemented over a period", "as of a date", fieldwork.Concluding{Outcome: engagement.WithExceptions, Design: fieldwork.Suitable, Implemented: true, Text: "t"}, nil},
			{"operation as of a date", "does not conclude on operation", withExceptions(), func() func() {
				kind := f.Terms.Type
				f.Terms.Type, f.Terms.AsOf = engagement.SOC2TypeI, "2026-06-30"
				return func() { f.Terms.Type, f.Terms.AsOf = kind, "" }
			}},
			{"before the period's end", "tested to date", withExceptions(), func() func() {
				was := w.us.Load()
				w.us.Store(time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC).UnixMicro())
				return func() { w.us.Store(was) }
			}},
			{"interim work alone", "tested to date, not to the period's end", withExceptions(), func() func() {
				pop := f.Populations["P-1"]
				pop.ToDate = "2026-06-30"
				return func() { pop.ToDate = "" }
			}},
			{"a supplement nobody drew from", "no workpaper has a sample of population P-9", withExceptions(), func() func() {
				late := *f.Populations["P-1"]
				late.ID, late.Supplement = "P-9", true
				f.Populations["P-9"] = &late
				return func() { delete(f.Populations, "P-9") }
			}},
			{"a version that was not tested", "no test of operation of the version in force from 2026-07-01", withExceptions(), func() func() {
				was := f.Controls.Controls
				f.Controls.Controls = []audit.Control{{ID: "CHG-01", Effective: audit.Effective{To: "2026-06-30"}}, {ID: "CHG-01", Effective: audit.Effective{From: "2026-07-01"}}}
				return func() { f.Controls.Controls = was }
			}},
			{"design without a test of it", "no walkthrough", withExceptions(), func() func() {
				dt.Dropped = "x"
				return func() { dt.Dropped = "" }
			}},
			{"did not occur though it did", "has items", fieldwork.Concluding{Outcome: engagement.DidNotOccur, Design: fieldwork.Suitable, Text: "t"}, nil},
			{"never looked outside the sample", "not looked for yet", withExceptions(), func() func() {
				was := f.Looked[opTest]
				f.Looked[opTest] = nil
				return func() { f.Looked[opTest] = was }
			}},
			{"a known deviation that is open", "known deviation", fieldwork.Concluding{Outcome: engagement.NoExceptions, Design: fieldwork.Suitable, Text: "t"}, func() func() {
				f.Known[opTest]["INC-2"] = &fieldwork.Known{Test: opTest, Ref: "INC-2"}
				return func() { delete(f.Known[opTest], "INC-2") }
			}},
			{"no exceptions while one stands", "exceptions stand: X-1", fieldwork.Concluding{Outcome: engagement.NoExceptions, Design: fieldwork.Suitable, Text: "t"}, nil},
			{"exceptions while none stands", "no exception stands", withExceptions(), func() func() {
				x.Disposed = &fieldwork.Disposition{As: fieldwork.WrongTest, By: stefID, ConfirmedBy: mikaID}
				return func() { x.Disposed = nil }
			}},
			{"an exception nobody evaluated", "not evaluated", withExceptions(), func() func() {
				was := x.Evaluation
				x.Evaluation = ""
				return func() { x.Evaluation = was }
			}},
			{"a disposition nobody confirmed", "not confirmed", withExceptions(), func() func() {
				x.Disposed = &fieldwork.Disposition{As: fieldwork.WrongTest, By: stefID}
				return func() { x.Disposed = nil }
			}},
			{"compensated by a test that is not done", "not evaluated", withExceptions(), func() func() {
				x.Compensating = []string{"T-other"}
				f.Tests["T-other"] = &fieldwork.Test{Test: engagement.Test{ID: "T-other", Control: "OTH-1"}, Dropped: ""}
				return func() { x.Compensating = nil; delete(f.Tests, "T-other") }
			}},
			{"a prior exception nobody looked at", "the report before had 1 exception", withExceptions(), func() func() {
				f.Terms.Prior = []engagement.Prior{{Control: "CHG-01", Text: "late reviews"}}
				return func() { f.Terms.Prior = nil }
			}},
			{"words that are still to be written", "placeholder", fieldwork.Concluding{Outcome: engagement.WithExceptions, Design: fieldwork.Suitable, Text: "TBD"}, nil},
			{"no words", "text is missing", fieldwork.Concluding{Outcome: engagement.WithExceptions, Design: fieldwork.Suitable}, nil},
			{"no word on design", "design is one of", fieldwork.Concluding{Outcome: engagement.WithExceptions, Text: "t"}, nil},
			{"a word of no outcome", "outcome is one of", fieldwork.Concluding{Outcome: "effective", Design: fieldwork.Suitable, Text: "t"}, nil},
		} {
			undo := func() {}
			if c.spoil != nil {
				undo = c.spoil()
			}
			// the state is locked for reading here: the entry is weighed as Write does
			err := fieldwork.TryConclude(s, w.now(), manager, "EN-1", onChange, c.c)
			undo()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: got %v; want it refused: %q", c.name, err, c.want)
			}
		}
		if err := fieldwork.TryConclude(s, w.now(), manager, "EN-1", onChange, withExceptions()); err != nil {
			t.Errorf("nothing spoiled: %v; want it to count", err)
		}
	})
	if err := w.book.Conclude(ctx, staff, "EN-1", onChange, withExceptions(), 0); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("staff concludes: %v; want it forbidden", err)
	}
	if err := w.book.Conclude(ctx, manager, "EN-1", "control:NO-1", withExceptions(), 0); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("concluded on what is not in scope: %v; want it refused", err)
	}
}

// TestWhatCouldBeConcluded: the gates before a conclusion are asked as if it said
// something, and answer as they do when it is written.
func TestWhatCouldBeConcluded(t *testing.T) {
	t.Parallel()
	w := signedOff(t)
	check(t, w.book.TakeControls(t.Context(), receiver, "EN-1", controlSet(), 4))
	w.file(func(s *fieldwork.State, f *fieldwork.File) {
		for _, c := range []struct {
			name, what string
			c          fieldwork.Concluding
			want       string // "": nothing is missing
		}{
			{"exceptions noted", onChange, withExceptions(), ""},
			{"none noted while one stands", onChange, fieldwork.Concluding{Outcome: engagement.NoExceptions, Design: fieldwork.Suitable}, "exceptions stand: X-1"},
			{"it did not occur", onChange, fieldwork.Concluding{Outcome: engagement.DidNotOccur, Design: fieldwork.Suitable}, "has items"},
			{"a criterion before its control", "criterion:CC8.1", fieldwork.Concluding{Outcome: engagement.UnableToConclude}, "no current conclusion on control:CHG-01"},
			{"a criterion without a control", "criterion:CC1.1", fieldwork.Concluding{Outcome: engagement.UnableToConclude}, ""},
			{"the description", "dc:DC 4", fieldwork.Concluding{Outcome: engagement.UnableToConclude}, "no final description has come"},
		} {
			var missing []string
			for _, g := range s.StandingIf(f, c.what, c.c, w.now()) {
				if g.Missing != "" {
					missing = append(missing, g.Missing)
				}
			}
			if got := strings.Join(missing, "; "); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("%s: missing %q, want %q", c.name, got, c.want)
			}
		}
	})
}

func TestReopeningMakesConclusionsStale(t *testing.T) {
	t.Parallel()
	w := signedOff(t)
	ctx := t.Context()
	check(t, w.book.TakeControls(ctx, receiver, "EN-1", controlSet(), 4))
	if err := w.book.Conclude(ctx, manager, "EN-1", "criterion:CC8.1", fieldwork.Concluding{Outcome: engagement.WithExceptions, Text: "t"}, 0); err == nil || !strings.Contains(err.Error(), "no current conclusion on control:CHG-01") {
		t.Errorf("a criterion before its control: %v; want it refused", err)
	}
	check(t, w.book.Conclude(ctx, manager, "EN-1", onChange, withExceptions(), 0))
	if err := w.book.Conclude(ctx, manager, "EN-1", "criterion:CC8.1", fieldwork.Concluding{Outcome: engagement.NoExceptions, Text: "t"}, 0); err == nil || !strings.Contains(err.Error(), "exceptions were noted of CHG-01") {
		t.Errorf("a criterion free of its control's exceptions: %v; want it refused", err)
	}
	if err := w.book.Conclude(ctx, manager, "EN-1", "criterion:CC1.1", fieldwork.Concluding{Outcome: engagement.NoExceptions, Text: "t"}, 0); err == nil || !strings.Contains(err.Error(), "no control meets it") {
		t.Errorf("a criterion no control meets: %v; want it refused", err)
	}
	if err := w.book.Conclude(ctx, manager, "EN-1", "criterion:CC1.1", fieldwork.Concluding{Outcome: engagement.NotRelevant, Text: "t"}, 0); err == nil || !strings.Contains(err.Error(), "CC1.1 applies") {
		t.Errorf("a common criterion that does not apply: %v; want it refused", err)
	}
	check(t, w.book.Conclude(ctx, manager, "EN-1", "criterion:CC8.1", fieldwork.Concluding{Outcome: engagement.WithExceptions, Text: "t"}, 0))
	check(t, w.book.Conclude(ctx, manager, "EN-1", "criterion:A1.1", fieldwork.Concluding{Outcome: engagement.NotRelevant, Text: "nothing is hosted"}, 0))
	stale := func(what string) (s string) {
		w.file(func(_ *fieldwork.State, f *fieldwork.File) { s = f.Stale(what) })
		return s
	}
	check(t, w.book.TakeResponses(ctx, receiver, "EN-1", nil, 3))
	if stale(onChange) != "" || stale("criterion:CC8.1") != "" {
		t.Fatalf("stale: %q, %q; want both current", stale(onChange), stale("criterion:CC8.1"))
	}
	check(t, w.book.Reopen(ctx, manager, "EN-1", opTest, "an item was misread"))
	if got := stale(onChange); !strings.Contains(got, "test:"+opTest) {
		t.Errorf("after reopening: %q; want it to name the workpaper", got)
	}
	if err := w.book.Conclude(ctx, manager, "EN-1", onChange, withExceptions(), 1); err == nil || !strings.Contains(err.Error(), "not reviewed") {
		t.Errorf("concluded on what is open: %v; want it refused", err)
	}
	w.sign(t, opTest)
	if stale(onChange) == "" {
		t.Error("the conclusion rests on version 1, the workpaper is at 2; want it stale until it is renewed")
	}
	if err := w.book.Conclude(ctx, manager, "EN-1", onChange, withExceptions(), 0); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("renewed from an old revision: %v; want a conflict", err)
	}
	check(t, w.book.Conclude(ctx, manager, "EN-1", onChange, withExceptions(), 1))
	if stale(onChange) != "" || stale("criterion:CC8.1") == "" {
		t.Errorf("stale: control %q, criterion %q; want the control renewed and its criterion to be", stale(onChange), stale("criterion:CC8.1"))
	}
}

// TestDidNotOccur: nothing happened, and that is proved.
func TestDidNotOccur(t *testing.T) {
	t.Parallel()
	w := planned(t, "CHG-01")
	ctx := t.Context()
	check(t, w.book.TakeControls(ctx, receiver, "EN-1", controlSet(), 4))
	empty := frozen("P-1", "", "CHG-01")
	w.feed(empty, "")
	w.accept("P-1")
	check(t, w.book.OpenPaper(ctx, staff, "EN-1", opTest, "", "P-1"))
	claim := fieldwork.Concluding{Outcome: engagement.DidNotOccur, Design: fieldwork.DesignUnproved, Text: "No change was deployed."}
	na := fieldwork.Verdict{Mark: engagement.NotApplicable, Note: "no change in the period"}
	for _, a := range []string{"A", "B"} {
		check(t, w.book.Mark(ctx, staff, "EN-1", opTest, fieldwork.Cell{Attribute: a}, na, 0))
	}
	w.sign(t, opTest)
	if err := w.book.Conclude(ctx, manager, "EN-1", onChange, claim, 0); err == nil || !strings.Contains(err.Error(), "evidence that nothing occurred") {
		t.Errorf("without evidence: %v; want it refused", err)
	}
	check(t, w.book.Reopen(ctx, manager, "EN-1", opTest, "the query of the log was not kept"))
	na.Evidence, na.Why = []int64{12}, "the deployment log"
	check(t, w.book.Mark(ctx, staff, "EN-1", opTest, fieldwork.Cell{Attribute: "A"}, na, 1))
	w.sign(t, opTest)
	check(t, w.book.Conclude(ctx, manager, "EN-1", onChange, claim, 0))
}

// TestTypeIIsDesign: as of a date there is design, and implementation only where
// an instance was seen.
func TestTypeIIsDesign(t *testing.T) {
	t.Parallel()
	w := openedAs(t, engagement.SOC2TypeI)
	ctx := t.Context()
	check(t, w.book.TakeControls(ctx, receiver, "EN-1", controlSet(), 4))
	d := testOf("CHG-01")
	d.ID, d.Phase, d.Population, d.Attributes = designTest, engagement.Walkthrough, false, []engagement.Attribute{{Name: "A", Text: "A change was followed through."}}
	check(t, w.book.SetTest(ctx, manager, "EN-1", d, "", 0))
	check(t, w.book.OpenPaper(ctx, staff, "EN-1", designTest, "", ""))
	check(t, w.book.Mark(ctx, staff, "EN-1", designTest, fieldwork.Cell{Attribute: "A"}, fieldwork.Verdict{Mark: engagement.NotApplicable, Note: "no change that day"}, 0))
	w.sign(t, designTest)
	c := fieldwork.Concluding{Outcome: engagement.DesignOnly, Design: fieldwork.Suitable, Implemented: true, Text: "Suitably designed."}
	if err := w.book.Conclude(ctx, manager, "EN-1", onChange, c, 0); err == nil || !strings.Contains(err.Error(), "no instance of it was seen") {
		t.Errorf("implemented without an instance: %v; want it refused", err)
	}
	c.Outcome, c.Implemented = engagement.NoExceptions, false
	if err := w.book.Conclude(ctx, manager, "EN-1", onChange, c, 0); err == nil || !strings.Contains(err.Error(), "does not conclude on operation") {
		t.Errorf("operation as of a date: %v; want it refused", err)
	}
	c.Outcome = engagement.DesignOnly
	check(t, w.book.Conclude(ctx, manager, "EN-1", onChange, c, 0))
}

// TestEarlyEntriesDoNotCount: an entry that came too early is void, whoever put it
// into the log and however: no act of a Book was asked.
func TestEarlyEntriesDoNotCount(t *testing.T) {
	t.Parallel()
	w := sampled(t)
	check(t, w.book.TakeControls(t.Context(), receiver, "EN-1", controlSet(), 4))
	conclusion := map[string]any{"outcome": engagement.NoExceptions, "design": fieldwork.Suitable, "implemented": false, "text": "No exceptions noted.", "prior": []string{}}
	opinion := map[string]any{"opinion": engagement.Unmodified, "text": "Fair.", "basis": "", "signed": w.signature(paulaID, letter())}
	w.sealAll(t, []evidence.Draft{
		w.draft(t, mikaID, "conclusion.control", "conclusion:EN-1/"+onChange, 0, conclusion),
		w.draft(t, paulaID, "opinion.write", "opinion:EN-1/design", -1, opinion),
		w.draft(t, stefID, "paper.marks", "paper:EN-1/"+opTest, -1, map[string]any{"mark": engagement.NoException, "note": "", "evidence": []int64{}, "why": "", "cells": []any{}}),
		w.draft(t, paulaID, "archive.lock", "archive:EN-1", -1, map[string]any{}),
	})
	w.file(func(s *fieldwork.State, f *fieldwork.File) {
		if len(s.Void) != 4 || len(f.Concluded)+len(f.Opinions)+len(f.Papers) != 0 || f.Archive != nil {
			t.Errorf("%d void entries, %d conclusions, %d opinions; want all four void", len(s.Void), len(f.Concluded), len(f.Opinions))
		}
		for i, want := range []string{"without results", "not what is here now", "no workpaper yet", "not assembled"} {
			if i < len(s.Void) && !strings.Contains(s.Void[i].Why.Error(), want) {
				t.Errorf("entry %d is void: %v; want %q", i, s.Void[i].Why, want)
			}
		}
	})
}

// TestConclusionsRestOnWhatTheyCover: terms that reach further, rows that came late
// and another version of the control are no part of what was concluded on.
func TestConclusionsRestOnWhatTheyCover(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, what string
		change     func(t *testing.T, w *world)
	}{
		{"the period is longer", "period", func(t *testing.T, w *world) {
			var x engagement.Terms
			w.file(func(_ *fieldwork.State, f *fieldwork.File) { x = f.Terms })
			x.Last = "2027-01-31"
			check(t, w.book.ChangeTerms(t.Context(), partner, x, "a later year end", "", w.revision("engagement:EN-1")))
		}},
		{"late rows are accepted", "population:P-2", func(t *testing.T, w *world) {
			lines := strings.ReplaceAll(items(8, nil), "CHG-", "LATE-")
			p := frozen("P-2", lines, "CHG-01")
			p.Round, p.Supplement = "2", true
			w.feed(p, lines)
			w.accept("P-2")
		}},
		{"another freeze is accepted", "population:P-1", func(t *testing.T, w *world) {
			lines := withResults(items(61, nil))
			p := frozen("P-2", lines, "CHG-01")
			p.Round, p.Supersedes = "2", "P-1"
			w.feed(p, lines)
			w.accept("P-2")
		}},
		{"another version of the control", "versions of CHG-01", func(t *testing.T, w *world) {
			set := controlSet()
			set.Controls[0].Effective.To = "2026-06-30"
			next := set.Controls[0]
			next.Effective = audit.Effective{From: "2026-07-01"}
			set.Controls = append(set.Controls, next)
			check(t, w.book.TakeControls(t.Context(), receiver, "EN-1", set, 5))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := signedOff(t)
			check(t, w.book.TakeControls(t.Context(), receiver, "EN-1", controlSet(), 4))
			check(t, w.book.Conclude(t.Context(), manager, "EN-1", onChange, withExceptions(), 0))
			stale := func() (s string) {
				w.file(func(_ *fieldwork.State, f *fieldwork.File) { s = f.Stale(onChange) })
				return s
			}
			if got := stale(); got != "" {
				t.Fatalf("stale at once: %s", got)
			}
			c.change(t, w)
			if got := stale(); !strings.Contains(got, c.what) {
				t.Errorf("stale: %q; want it to name %s", got, c.what)
			}
		})
	}
}
