package engaged

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

// size is how many changes are in the grid that waits half marked.
const size = 25

// grid is the test of changes with four attributes; leavers the one with an
// exception that nobody has released.
const (
	grid    = "T-SDL-02-1"
	leavers = "T-IAM-02-1"
)

// attributes of a change, with the procedure of Halyard's that shows each. Only
// the second is computed in the population the sample is drawn from.
var attributes = []struct{ name, text, procedure string }{
	{"A", "It refers to a ticket.", "change.ticket"},
	{"B", "Somebody other than its author approved it before it was merged.", "change.review"},
	{"C", "Its checks had passed when it was merged.", "change.checks"},
	{"D", "It went through a request, not directly to the branch.", "change.direct"},
}

// untilTesting is an engagement that stands in its testing: somebody can go on
// from there by hand.
func (x *exam) untilTesting(ctx context.Context) error {
	return x.inOrder(ctx, []step{
		{"terms, acceptance, agreement", x.agreed},
		{"plan, populations, samples", x.gridDrawn},
		{"testing, half done", x.gridMarked},
	})
}

func (x *exam) gridDrawn(ctx context.Context) error {
	changes := &planned{procedure: "change.review", round: "1", Test: engagement.Test{ID: grid, Control: "SDL-02", Phase: engagement.Operation, Kind: engagement.Inspection, Population: true, Extra: []string{"CO-1"}, Criteria: []string{},
		Text: "Inspected, for each sampled change, its request, its reviews, its checks and its ticket."}}
	for _, a := range attributes {
		one := engagement.Attribute{Name: a.name, Text: a.text}
		if a.procedure == changes.procedure {
			one.Procedure = a.procedure
		}
		changes.Attributes = append(changes.Attributes, one)
	}
	left := &planned{procedure: "access.leavers", round: "1", Test: engagement.Test{ID: leavers, Control: "IAM-02", Phase: engagement.Operation, Kind: engagement.Inspection, Population: true, Extra: []string{"CO-2"}, Criteria: []string{},
		Text: "Inspected, for everybody who left, when each of their accounts stopped working.", Attributes: []engagement.Attribute{{Name: "A", Text: "Access ended within a day.", Procedure: "access.leavers"}}}}
	x.plan = []*planned{changes, left}
	return first(
		func() error { return x.sized(ctx) },
		func() error {
			return x.Firm.Files.PlanTests(ctx, x.Manager.By, x.id, []engagement.Test{changes.Test, left.Test}, "")
		},
		func() error { return x.bound(ctx) },
		func() error { return x.asked(ctx) },
		func() error { return x.move(ctx, engagement.Fieldwork) },
		func() error { return x.toClient(ctx) },
		func() error { return x.freeze(ctx) },
		func() error { return x.answer(ctx) },
		func() error { return x.toFirm(ctx) },
		func() error { return x.accepted(ctx) },
		func() error { return x.drawSized(ctx, changes, size) },
		func() error { return x.drawSized(ctx, left, 0) },
		func() error { return x.returned(ctx) },
		func() error { return x.both(ctx) },
	)
}

// drawSized draws so many items, or all of them, and releases them.
func (x *exam) drawSized(ctx context.Context, t *planned, n int) error {
	o := fieldwork.Order{Population: t.population, Control: t.Control, Method: engagement.Random, Size: n, Basis: "agreed with the partner for changes"}
	if n == 0 {
		o.Method, o.Basis = engagement.EveryItem, "There are few, so each is tested."
	}
	s, err := x.Firm.Files.DrawSample(ctx, x.Staff.By, x.id, o)
	if err != nil {
		return err
	}
	t.sample = s.ID
	base, err := x.revision(ctx, "sample:"+x.id+"/"+s.ID)
	if err != nil {
		return err
	}
	return x.Firm.Files.ReleaseSample(ctx, x.Manager.By, x.id, s.ID, base)
}

// returned asks for evidence that comes back: what was brought shows a part only.
func (x *exam) returned(ctx context.Context) error {
	id, err := x.ask(ctx, engagement.Request{Kind: "explanation", Title: "Who may merge to Ledger's branches", Asks: "The list of accounts that could merge to a branch of Ledger in 2025, and how it was taken.", Tests: []string{grid}, Due: x.in(14)})
	if err != nil {
		return err
	}
	if err := x.Firm.Files.ReleaseRequests(ctx, x.Staff.By, x.id, id); err != nil {
		return err
	}
	if err := x.toClient(ctx); err != nil {
		return err
	}
	a := engagement.Answer{Request: id, Status: engagement.RequestSubmitted, Text: "Engineering may; the group is kept in the identity provider. The evidence shows it as of December.", Records: x.records(x.plan[0], slices.Sorted(maps.Keys(x.plan[0].items))[:1])}
	if err := x.Client.Side.Answer(ctx, x.Lead.By, x.id, a, 1); err != nil {
		return err
	}
	if err := x.toFirm(ctx); err != nil {
		return err
	}
	base, err := x.revision(ctx, "request:"+x.id+"/"+id)
	if err != nil {
		return err
	}
	return x.Firm.Files.DecideRequest(ctx, x.Staff.By, x.id, id, engagement.RequestReturned, "It shows December alone. Bring the group as it was at the end of each quarter, or every change to it.", base)
}

// gridMarked marks the first half of the grid by what the evidence shows, and
// writes the exception of leavers.
func (x *exam) gridMarked(ctx context.Context) error {
	changes, left := x.plan[0], x.plan[1]
	x.told = map[string][]string{}
	if err := x.perform(ctx, left); err != nil {
		return fmt.Errorf("test %s: %w", left.ID, err)
	}
	if _, err := x.write(ctx, left); err != nil {
		return err
	}
	if err := x.Firm.Files.OpenPaper(ctx, x.Staff.By, x.id, grid, changes.sample, ""); err != nil {
		return err
	}
	rows, err := x.rows(ctx, grid)
	if err != nil {
		return err
	}
	half := rows[:len(rows)/2]
	if err := x.Firm.Files.OpenItem(ctx, x.Staff.By, x.id, grid, half...); err != nil {
		return err
	}
	shown, err := x.shown(ctx, half)
	if err != nil {
		return err
	}
	for _, item := range half {
		for _, a := range attributes {
			c := fieldwork.Cell{Item: item, Attribute: a.name}
			m := markOf(shown[a.procedure+" "+item])
			v := fieldwork.Verdict{Mark: m, Note: reasons[m], Evidence: x.records(changes, []string{item})}
			if m == engagement.Exception {
				v.Note = x.Why[a.procedure+" "+item]
			}
			if err := x.Firm.Files.Mark(ctx, x.Staff.By, x.id, grid, c, v, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// shown is what Halyard's procedures found of items, by procedure and item.
func (x *exam) shown(ctx context.Context, items []string) (map[string]string, error) {
	run, err := x.Client.P.RunOfPeriod(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, a := range attributes {
		err := x.Client.P.Results(ctx, run, a.procedure, func(r *audit.Result) error {
			if slices.Contains(items, r.Item) {
				out[a.procedure+" "+r.Item] = r.Outcome.String()
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
