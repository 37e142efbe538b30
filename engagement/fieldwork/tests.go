package fieldwork

import (
	"context"
	"fmt"
	"slices"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
)

var testTakers = map[string]taker{"test.set": setTest, "test.drop": dropTest}

type testData struct {
	Test engagement.Test `json:"test"`
	Why  string          `json:"why,omitempty"`
}

// SetTest adds a planned test or changes one. A change says why; so does a test
// that is added once fieldwork has begun. What its cells stand under does not
// change once one is marked. Base is the test's Revision. It needs plan.write.
func (b *Book) SetTest(ctx context.Context, by access.Subject, id string, t engagement.Test, why string, base int64) error {
	if err := access.Require(by, "plan.write", in(id)); err != nil {
		return err
	}
	t.Attributes, t.Criteria = book.List(t.Attributes), book.List(t.Criteria)
	_, err := b.book.Write(ctx, by, "test.set", on("test", id, t.ID), base, testData{t, why})
	return err
}

// PlanTests adds tests, such as ProposeTests gave and people edited. The first
// that is refused ends it; those before it are planned.
func (b *Book) PlanTests(ctx context.Context, by access.Subject, id string, tests []engagement.Test, why string) error {
	for _, t := range tests {
		if err := b.SetTest(ctx, by, id, t, why, 0); err != nil {
			return fmt.Errorf("test %s: %w", t.ID, err)
		}
	}
	return nil
}

// Phases and kinds of procedure, as tests name them.
var (
	Phases         = []engagement.Phase{engagement.Walkthrough, engagement.Design, engagement.Operation}
	ProcedureKinds = []engagement.ProcedureKind{engagement.Inquiry, engagement.Observation, engagement.Inspection, engagement.Reperformance}
)

func checkTest(t engagement.Test) error {
	err := allOf(ident("test", t.ID), ident("control", t.Control), dayText("version", t.Version, false), dayText("until", t.Until, false), book.OneOf("phase", t.Phase, Phases...), book.OneOf("kind", t.Kind, ProcedureKinds...),
		text("text", t.Text, 1, 5000), lines("criteria", t.Criteria, 200), lines("other criteria", t.Extra, 500), within("attributes", len(t.Attributes), 1, 26),
		when(len(t.Criteria)+len(t.Extra) == 0, "criteria: which criteria or objectives the test is for"),
		when(t.Until != "" && t.Until < t.Version, "until is before the version begins"), when(t.Population && t.Phase != engagement.Operation, "population: only a test of operation is performed on items of one"))
	if t.Reliance != "" {
		err = allOf(err, book.OneOf("reliance", t.Reliance, Reliances...))
	}
	seen := map[string]bool{}
	for _, a := range t.Attributes {
		err = first(err, ident("attribute", a.Name), within("name of attribute "+a.Name, len(a.Name), 1, 8), text("attribute "+a.Name, a.Text, 1, 2000), line("procedure of "+a.Name, a.Procedure, 0),
			when(seen[a.Name], "attribute "+a.Name+" is listed twice"))
		seen[a.Name] = true
	}
	return err
}

// fits holds a test to the terms: operation only over a period, and no criteria
// that are not examined.
func (f *File) fits(t engagement.Test) error {
	if t.Phase == engagement.Operation && !f.Terms.Type.OverPeriod() {
		return fmt.Errorf("%w: %s is as of a date: operation is not tested, only design and that the control was put in place", audit.ErrInvalid, f.Terms.ID)
	}
	scope := append(f.Terms.Criteria(), f.Terms.Type.DescriptionCriteria()...) // a test of description criteria alone is of the description
	for _, c := range t.Criteria {
		if !slices.Contains(scope, c) {
			return fmt.Errorf("%w: criterion %s of test %s is not examined in %s", audit.ErrInvalid, c, t.ID, f.Terms.ID)
		}
	}
	extra := f.Terms.Examined()
	for _, o := range f.Terms.Objectives {
		extra = append(extra, o.ID)
	}
	for _, c := range t.Extra {
		if !slices.Contains(extra, c) {
			return fmt.Errorf("%w: %s of test %s is neither an examined criterion nor a control objective of %s", audit.ErrInvalid, c, t.ID, f.Terms.ID)
		}
	}
	return nil
}

func setTest(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[testData](e)
	f, id, ferr := s.on(e, "test")
	if err = first(err, ferr); err == nil {
		err = first(checkTest(d.Test), when(id != d.Test.ID, "the test is another"), text("why", d.Why, 0, 5000), f.MayWork(e), f.fits(d.Test))
	}
	if err != nil {
		return book.Change{}, err
	}
	old := f.Tests[id]
	if err := f.mayPlan(old, d); err != nil {
		return book.Change{}, err
	}
	what := "planned"
	if d.Why != "" {
		what = "planned: " + d.Why
	}
	return book.Change{What: what, Do: func() {
		f.Tests[id] = &Test{Test: d.Test, Revision: s.Revision(e.On) + 1}
	}}, nil
}

// mayPlan asks for the reason of a change, and keeps what marks stand under.
func (f *File) mayPlan(old *Test, d testData) error {
	late := f.State.Place() >= engagement.Fieldwork.Place()
	switch {
	case (old != nil || late) && d.Why == "":
		return fmt.Errorf("%w: why: a plan that changes says why", audit.ErrInvalid)
	case old == nil:
		return nil
	case old.Dropped != "":
		return tooEarly("test %s was dropped. Plan another, under an ID of its own", old.ID)
	}
	if p := f.Papers[old.ID]; p != nil && len(p.Cells) > 0 {
		if old.Control != d.Test.Control || old.Version != d.Test.Version || old.Phase != d.Test.Phase || old.Kind != d.Test.Kind || old.Population != d.Test.Population || !slices.Equal(old.Attributes, d.Test.Attributes) {
			return tooEarly("items of test %s are marked: control, version, phase, kind of procedure and attributes stay. Plan another test for what is missing", old.ID)
		}
		if p.Reviewed != nil {
			return tooEarly("the workpaper of test %s is signed off: reopen it first", old.ID)
		}
	}
	return nil
}

// DropTest takes a test out of the plan, with the reason; what was done of it
// stays in the file, and a conclusion that rests on it has to be renewed. It needs
// plan.write.
func (b *Book) DropTest(ctx context.Context, by access.Subject, id, test, why string, base int64) error {
	if err := access.Require(by, "plan.write", in(id)); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "test.drop", on("test", id, test), base, whyData{why})
	return err
}

func dropTest(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[whyData](e)
	f, id, ferr := s.on(e, "test")
	if err = first(err, ferr); err == nil {
		err = first(text("why", d.Why, 1, 5000), byPerson(e), f.MayWork(e))
	}
	if err != nil {
		return book.Change{}, err
	}
	t := f.Tests[id]
	switch {
	case t == nil:
		return book.Change{}, fmt.Errorf("%w: test %s of %s", audit.ErrNotFound, id, f.Terms.ID)
	case t.Dropped != "":
		return book.Change{}, tooEarly("test %s is dropped already", id)
	}
	for _, x := range book.Sorted(f.Findings) {
		if x.Test == id && x.Stands() {
			return book.Change{}, tooEarly("exception %s comes from test %s: a test is not dropped for what it found", x.ID, id)
		}
	}
	return book.Change{What: "dropped: " + d.Why, Do: func() { t.Dropped, t.Revision = d.Why, s.Revision(e.On)+1 }}, nil
}
