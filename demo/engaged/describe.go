package engaged

import (
	"context"
	"fmt"

	"tieout/definition"
	"tieout/engagement"
	"tieout/engagement/describe"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
)

// described has Halyard write its description from what it holds of its system,
// add what only people can say, and finish it.
func (x *exam) described(ctx context.Context) error {
	side := x.Client.Side
	if err := side.SetExpected(ctx, x.Lead.By, x.id, expectedOf(x.Client.P.Def.Systems[0]), 0); err != nil {
		return err
	}
	if err := x.changesDecided(ctx); err != nil {
		return err
	}
	facts, err := x.Client.Facts(ctx, x.id)
	if err != nil {
		return err
	}
	drafts, _ := describe.Draft(facts)
	byDC := map[string]engagement.DCSection{}
	for _, d := range drafts {
		byDC[d.DC] = d
	}
	var seen []int64
	for _, dc := range management.DCs(x.terms.Type) {
		d := byDC[dc]
		d.DC = dc
		if said := spoken[dc]; said != "" || len(d.Paragraphs) == 0 {
			d.Paragraphs = append(d.Paragraphs, engagement.Paragraph{Text: said})
		}
		if err := side.WriteSection(ctx, x.Lead.By, x.id, d, 0); err != nil {
			return fmt.Errorf("%s: %w", dc, err)
		}
		seen = append(seen, 1)
	}
	var controls []string
	if err := x.read(ctx, func(_ *fieldwork.State, f *fieldwork.File) { controls = f.ControlsInScope() }); err != nil {
		return err
	}
	if _, err := side.FinishDescription(ctx, x.Signer.By, x.id, controls, seen); err != nil {
		return err
	}
	return x.toFirm(ctx)
}

// changesDecided has Halyard's signer say of each change of the period whether
// readers have to know of it: they do.
func (x *exam) changesDecided(ctx context.Context) error {
	list, err := x.Client.Changes(ctx, x.terms.First, x.terms.Last)
	if err != nil {
		return err
	}
	for _, c := range list {
		if err := x.Client.Side.DecideChange(ctx, x.Signer.By, x.id, c.Ref, true, "A merchant meets it in what Ledger does.", 0); err != nil {
			return fmt.Errorf("change %s: %w", c.Ref, err)
		}
	}
	return nil
}

// spoken is what no record says, and a person of Halyard's wrote.
var spoken = map[string]string{
	"DC 4": "Halyard looked through its register for incidents that kept a commitment from being met. None did.",
	"DC 8": "All criteria of the five categories apply.",
}

func expectedOf(sys definition.System) (out []engagement.Expected) {
	for _, c := range sys.CUECs {
		out = append(out, engagement.Expected{ID: c.ID, Text: c.Text, Criteria: c.Criteria})
	}
	return out
}
