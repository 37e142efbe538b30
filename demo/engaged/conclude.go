package engaged

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
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

// compared is what each section of the description was compared with.
var compared = map[string]string{
	"DC 1": "the boundary of the system as Halyard defines it, the contracts with three merchants, and what the team saw in a walk through Ledger",
	"DC 2": "the master agreement and the service level schedule",
	"DC 3": "the inventories of accounts, repositories, data stores and laptops, the organization chart and the procedures in force",
	"DC 4": "the incident tool, Halyard's register of incidents and the service level reports of the year",
	"DC 5": "the controls that were tested",
	"DC 6": "the design of the controls, and what merchants are told at the start",
	"DC 7": "the contracts with the subservice organizations, the register of vendors and the records of their reviews",
	"DC 8": "the criteria of the categories examined and the controls for each",
	"DC 9": "the changes of the system's definition in the period and the list of releases",
}

// descriptionTested compares each section of the description with the records.
func (x *exam) descriptionTested(ctx context.Context) error {
	for _, dc := range x.terms.Type.DescriptionCriteria() {
		with := compared[dc]
		if with == "" {
			return fmt.Errorf("%w: nobody says what %s was compared with", audit.ErrInvalid, dc)
		}
		id := "T-" + strings.ReplaceAll(dc, " ", "-")
		t := engagement.Test{ID: id, Control: strings.ReplaceAll(dc, " ", "-"), Phase: engagement.Design, Kind: engagement.Inspection, Criteria: []string{dc},
			Text:       "Read what the description says for " + dc + " and compared it with " + with + ".",
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
		return fieldwork.Concluding{Outcome: engagement.NoExceptions, Text: "Compared with " + compared[id] + ": it is presented as the criterion asks, and nothing that a reader needs is left out."}
	}
	return ofCriterion(f, id)
}

// ofControl: exceptions that stand are said, and what could not be tested beside
// them; where nothing was tested, or something could not be and no exception was
// found, nothing is concluded on operation.
func ofControl(f *fieldwork.File, control string) fieldwork.Concluding {
	c := fieldwork.Concluding{Outcome: engagement.UnableToConclude, Design: fieldwork.Suitable, Text: untestable[control]}
	var said []string
	tested, unable, blind := 0, 0, false
	for _, t := range operations(f, control) {
		items := f.Papers[t.ID].ItemsTested(t)
		tested, blind = tested+items, blind || items == 0
		n, _, why := untested(f, t)
		unable += n
		for _, w := range why {
			if !slices.Contains(said, w) {
				said = append(said, w)
			}
		}
	}
	exceptions := standing(f, control)
	for i := len(exceptions) - 1; i >= 0; i-- {
		said = slices.Insert(said, 0, "Noted: "+figures(exceptions[i])+".")
	}
	switch {
	case len(exceptions) > 0 && blind:
		said = append(said, "Of one of its tests no item could be tested, so that nothing is concluded on its operation as a whole.")
	case len(exceptions) > 0:
		c.Outcome = engagement.WithExceptions
	case tested > 0 && unable == 0:
		c.Outcome = engagement.NoExceptions
		said = append(said, "No exceptions were noted in the "+count(tested, "item", "items")+" tested.")
	case tested > 0:
		said = append(said, "No exceptions were noted in the "+count(tested, "item", "items")+" that could be tested; of the operation as a whole nothing is concluded.")
	}
	if len(said) > 0 {
		c.Text = strings.Join(said, " ")
	}
	return c
}

// ofCriterion follows what was concluded of the criterion's controls, and says
// whether it is met and why.
func ofCriterion(f *fieldwork.File, criterion string) fieldwork.Concluding {
	of := map[engagement.Outcome][]string{}
	for _, id := range f.ControlsInScope() {
		if k := f.Concluded[fieldwork.OnControl+":"+id]; k != nil && serves(f, id, criterion) {
			of[k.Outcome] = append(of[k.Outcome], id)
		}
	}
	excepted, whole, open := of[engagement.WithExceptions], of[engagement.NoExceptions], of[engagement.UnableToConclude]
	c := fieldwork.Concluding{Outcome: engagement.UnableToConclude, Text: "The operation of no control for it could be concluded on."}
	switch {
	case len(excepted) > 0:
		c.Outcome, c.Text = engagement.WithExceptions, "Met. "+isolated(f, excepted, whole)
		if m := matterOf(criterion); m != nil {
			c.Text = "Not met, for the matter \"" + m.title + "\" of the basis: " + rates(f, excepted) + ". " + m.because
		}
	case len(whole) > 0 && len(open) == 0:
		return fieldwork.Concluding{Outcome: engagement.NoExceptions, Text: "Met. No exceptions were noted of " + and(whole) + "."}
	case len(whole) > 0:
		c.Text = "Of " + and(whole) + " no exceptions were noted."
	}
	if len(open) > 0 && len(excepted)+len(whole) > 0 {
		c.Text += " Of " + and(open) + " nothing could be concluded; the possible effects are in the basis."
	}
	return c
}

// serves reports whether a control is for a criterion or an objective.
func serves(f *fieldwork.File, control, criterion string) bool {
	for _, c := range f.Controls.Controls {
		if c.ID == control && slices.Contains(c.Criteria, criterion) {
			return true
		}
	}
	return slices.Contains(controlsOf(f, criterion), control)
}

// rates are the exceptions of controls in figures.
func rates(f *fieldwork.File, controls []string) string {
	var out []string
	for _, id := range controls {
		for _, y := range standing(f, id) {
			out = append(out, id+" "+figures(y))
		}
	}
	return strings.Join(out, "; ")
}

// isolated says why exceptions do not keep a criterion from being met.
func isolated(f *fieldwork.File, excepted, whole []string) string {
	text := "The exceptions are few against what was tested, each has a cause of its own, and none let a record of a merchant be seen, changed or lost: " + rates(f, excepted) + "."
	for _, id := range excepted {
		if w := weighed[id]; w != "" && !strings.Contains(text, w) {
			text += " " + w
		}
	}
	if len(whole) > 0 {
		text += " For the same criterion, no exceptions were noted of " + and(whole) + "."
	}
	return text
}

// weighed is why an exception does not weigh by its rate alone, by control: the
// occurrences are few.
var weighed = map[string]string{
	"GOV-02": "The board's papers for the meeting that was not held had been sent, and leadership's own reviews (MON-05) took place in every quarter.",
	"MON-03": "The deficiency that was closed late had been mended by hand before.",
	"RSK-02": "The risk did not come about in the six weeks.",
	"VND-02": "The vendor approved late got no data of merchants.",
	"VND-04": "The vendor reviewed late delivers notices without payment records.",
	"PHY-04": "The laptop without a record was encrypted when it last reported.",
	"INC-02": "The incident taken on late bears on the answer to incidents, CC7.4, where it is a matter of the basis.",
	"INC-06": "The notice that came late bears on CC7.4, where it is a matter of the basis.",
	"INC-03": "The measure that mattered was taken two days after the incident.",
	"VUL-02": "The vulnerability that stayed open bears on CC7.4, where it is a matter of the basis.",
	"SDL-02": "The changes without an approval bear on CC8.1, where they are a matter of the basis; all were read afterward.",
	"SDL-03": "The rules that were off bear on CC8.1, where they are a matter of the basis.",
	"SDL-04": "The releases past a check bear on CC8.1, where they are a matter of the basis; reconciliations of the days after show no difference.",
	"IAM-04": "The rights without an approval bear on CC6.1 and CC6.3, where they are a matter of the basis.",
	"CRY-01": "The certificate that expired kept connections from being made and none was made without encryption.",
	"NET-01": "The bucket held no record of a merchant and the host behind the open port takes keys only; each was closed within three days.",
	"LOG-01": "What the trail did not record in two days was put together from the identity provider and the pipeline.",
	"LOG-02": "What the trail did not record in two days was put together from the identity provider and the pipeline.",
	"NET-04": "The detector that was off watches the sandbox, which holds no data of merchants.",
	"BKP-02": "The database not restored in the second half of the year was restored in the first, and its backups succeeded daily.",
}

func controlsOf(f *fieldwork.File, objective string) (out []string) {
	for _, o := range f.Terms.Objectives {
		if o.ID == objective {
			out = append(out, o.Controls...)
		}
	}
	return out
}

func (x *exam) opine(ctx context.Context) error {
	for _, part := range x.terms.Type.Parts() {
		o, err := x.opinion(ctx, part)
		if err != nil {
			return err
		}
		digest := ""
		err = x.read(ctx, func(s *fieldwork.State, f *fieldwork.File) {
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
