package engaged

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

// concluded tests the description, concludes on everything in scope and states
// the opinions.
func (x *exam) concluded(ctx context.Context) error {
	return first(
		func() error { return x.descriptionTested(ctx) },
		func() error { return x.conclude(ctx) },
		func() error { return x.move(ctx, engagement.DescriptionFinal) },
		func() error { return x.opine(ctx) },
		func() error { return x.move(ctx, engagement.DraftReview) },
	)
}

// descriptionTested compares each section of the description with the records.
func (x *exam) descriptionTested(ctx context.Context) error {
	for _, dc := range x.terms.Type.DescriptionCriteria() {
		id := "T-" + strings.ReplaceAll(dc, " ", "-")
		t := engagement.Test{ID: id, Control: strings.ReplaceAll(dc, " ", "-"), Phase: engagement.Design, Kind: engagement.Inspection, Criteria: []string{dc},
			Text:       "Read what the description says for " + dc + " and compared it with the records it was drafted from, and with what the team saw.",
			Attributes: []engagement.Attribute{{Name: "A", Text: "It is what the records show, and leaves nothing out that a reader needs."}}}
		if err := x.Firm.Files.SetTest(ctx, x.Manager.By, x.id, t, "the description came", 0); err != nil {
			return err
		}
		if err := x.withoutItems(ctx, id, 1); err != nil {
			return fmt.Errorf("test %s: %w", id, err)
		}
	}
	return nil
}

// conclude writes a conclusion on everything, controls before the criteria that
// rest on them.
func (x *exam) conclude(ctx context.Context) error {
	var all []string
	if err := x.read(ctx, func(_ *fieldwork.State, f *fieldwork.File) { all = f.ToConclude() }); err != nil {
		return err
	}
	for _, what := range all {
		var c fieldwork.Concluding
		err := x.read(ctx, func(_ *fieldwork.State, f *fieldwork.File) { c = judged(f, what) })
		if err != nil {
			return err
		}
		if err := x.Firm.Files.Conclude(ctx, x.Manager.By, x.id, what, c, 0); err != nil {
			return fmt.Errorf("conclusion on %s: %w", what, err)
		}
	}
	return nil
}

// judged is what the manager of the play concludes: from the marks and exceptions
// of the tests of a control, from the controls of a criterion.
func judged(f *fieldwork.File, what string) fieldwork.Concluding {
	kind, id, _ := strings.Cut(what, ":")
	switch kind {
	case fieldwork.OnControl:
		return ofControl(f, id)
	case fieldwork.OnDC:
		return fieldwork.Concluding{Outcome: engagement.NoExceptions, Text: "It is presented as the description criterion asks."}
	}
	return ofCriterion(f, id)
}

// ofControl: an exception that stands is said; without one, what could not be
// tested keeps the control from a conclusion.
func ofControl(f *fieldwork.File, control string) fieldwork.Concluding {
	c := fieldwork.Concluding{Outcome: engagement.UnableToConclude, Design: fieldwork.Suitable, Text: "Operation was not tested: the design alone was."}
	exceptions, unable, tests := 0, 0, 0
	for _, t := range f.Tests {
		if t.Control != control || t.Phase != engagement.Operation {
			continue
		}
		tests++
		for _, m := range f.Papers[t.ID].Cells {
			if m.Mark == engagement.UnableToTest {
				unable++
			}
		}
		for _, y := range f.Findings {
			if y.Test == t.ID && y.Stands() {
				exceptions++
			}
		}
	}
	switch {
	case tests == 0:
	case exceptions > 0:
		c.Outcome, c.Text = engagement.WithExceptions, "Exceptions were noted; each is printed with its test."
	case unable > 0:
		c.Text = fmt.Sprintf("The evidence of %d sampled items is not to be had, so nothing is concluded on operation.", unable)
	default:
		c.Outcome, c.Text = engagement.NoExceptions, "No exceptions were noted in what was tested."
	}
	return c
}

// ofCriterion follows what was concluded of the criterion's controls.
func ofCriterion(f *fieldwork.File, criterion string) fieldwork.Concluding {
	n := map[engagement.Outcome]int{}
	for _, c := range f.Controls.Controls {
		if k := f.Concluded[fieldwork.OnControl+":"+c.ID]; k != nil && (slices.Contains(c.Criteria, criterion) || slices.Contains(controlsOf(f, criterion), c.ID)) {
			n[k.Outcome]++
		}
	}
	switch {
	case n[engagement.WithExceptions] > 0:
		return fieldwork.Concluding{Outcome: engagement.WithExceptions, Text: fmt.Sprintf("Exceptions were noted in %d of its controls; %d have none, of %d nothing can be concluded.", n[engagement.WithExceptions], n[engagement.NoExceptions], n[engagement.UnableToConclude])}
	case n[engagement.NoExceptions] > 0 && n[engagement.UnableToConclude] == 0:
		return fieldwork.Concluding{Outcome: engagement.NoExceptions, Text: "No exceptions were noted in its controls."}
	case n[engagement.NoExceptions] > 0:
		return fieldwork.Concluding{Outcome: engagement.UnableToConclude, Text: fmt.Sprintf("%d of its controls were not tested or could not be.", n[engagement.UnableToConclude])}
	}
	return fieldwork.Concluding{Outcome: engagement.UnableToConclude, Text: "The operation of no control for it could be concluded on."}
}

func controlsOf(f *fieldwork.File, objective string) (out []string) {
	for _, o := range f.Terms.Objectives {
		if o.ID == objective {
			out = append(out, o.Controls...)
		}
	}
	return out
}

// opinions are the partner's words on each part.
var opinions = map[engagement.Part]struct {
	word        engagement.Opinion
	text, basis string
}{
	engagement.PartDescription: {engagement.Unmodified, "In our opinion, in all material respects, the description presents Ledger as it was designed and put in place over the period, by the description criteria.", ""},
	engagement.PartDesign:      {engagement.Unmodified, "In our opinion, in all material respects, the controls stated in the description were suitably designed over the period: operated as described, with the controls that users and subservice organizations are expected to have, they give reasonable assurance that the commitments and requirements are met by the criteria.", ""},
	engagement.PartOperation: {engagement.Qualified, "In our opinion, except for the effects of what the basis describes, in all material respects, the controls stated in the description operated effectively over the period.",
		"Controls for access, changes, laptops and keys did not operate at all times, as the exceptions in Section IV say. Of controls whose result is 'unable to conclude', the evidence of part of the period is missing or operation was not tested, so we could not determine whether they operated."},
}

func (x *exam) opine(ctx context.Context) error {
	for _, part := range x.terms.Type.Parts() {
		o := opinions[part]
		digest := ""
		err := x.read(ctx, func(s *fieldwork.State, f *fieldwork.File) {
			digest = s.OpinionDigest(f, part, o.word, o.text, o.basis)
		})
		if err != nil {
			return err
		}
		sig, err := x.sign(ctx, x.Firm.P, x.Partner, "opinion", digest)
		if err != nil {
			return err
		}
		if err := x.Firm.Files.Opine(ctx, x.Partner.By, x.id, part, o.word, o.text, o.basis, sig); err != nil {
			return fmt.Errorf("opinion on %s: %w", part, err)
		}
	}
	return nil
}
