package engaged

import (
	"context"
	"fmt"

	"tieout/audit"
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
	if err := first(func() error { return x.changesDecided(ctx) }, func() error { return x.incidentsDecided(ctx) }); err != nil {
		return err
	}
	facts, err := x.Client.Facts(ctx, x.id)
	if err != nil {
		return err
	}
	drafts, missing := describe.Draft(facts)
	spoken := spokenOf()
	for _, m := range missing {
		if spoken[m.DC] == "" {
			return fmt.Errorf("%w: nobody at Halyard says what the facts do not hold for %s: %s", audit.ErrConflict, m.DC, m.What)
		}
	}
	byDC := map[string]engagement.DCSection{}
	for _, d := range drafts {
		byDC[d.DC] = d
	}
	var seen []int64
	for _, dc := range management.DCs(x.terms.Type) {
		d := byDC[dc]
		d.DC = dc
		if said := spoken[dc]; said != "" {
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
		if err := x.Client.Side.DecideChange(ctx, x.Signer.By, x.id, c.Ref, true, "A merchant meets it in what Ledger does or in who is behind it.", 0); err != nil {
			return fmt.Errorf("change %s: %w", c.Ref, err)
		}
	}
	return nil
}

// spokenOf is what no record says, and a person of Halyard's wrote.
func spokenOf() map[string]string {
	return map[string]string{
		"DC 4": incidentsTold(),
		"DC 7": "Halyard reviews each of them at least once a year (VND-04), and inspects how far their newest reports reach. Tidepost Mail became one on 1 March 2025; its review that was due on 5 May 2025 was made on 22 September 2025.",
	}
}

func expectedOf(sys definition.System) (out []engagement.Expected) {
	for _, c := range sys.CUECs {
		out = append(out, engagement.Expected{ID: c.ID, Text: c.Text, Criteria: c.Criteria})
	}
	return out
}
