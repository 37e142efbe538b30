package engaged

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

// shortHole is how long nothing may have been collected for what was seen before
// and after to stand for it. A longer hole leaves an item untested.
const shortHole = 7 * 24 * time.Hour

// outside is the source of Halyard's whose items are no part of Ledger, as the
// boundary of the system says.
const outside = "books"

// incomplete says, by procedure, between which days Halyard's exports are missing
// that a test makes up for by what was seen before and after.
func (x *exam) incomplete(ctx context.Context) (map[string]string, error) {
	run, err := x.Client.P.RunOfPeriod(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, t := range run.Tested {
		var holes []audit.Span
		for _, g := range t.Gaps {
			if t.Form == audit.Continuous && g.Span.To.Sub(g.Span.From) <= shortHole && g.Stream.Source != outside {
				holes = append(holes, g.Span)
			}
		}
		if holes = united(holes); len(holes) > 0 {
			out[t.Procedure] = "Halyard's exports are incomplete between " + days(holes, x.Client.P.Period.Location()) + "; of those days, inspected the observations before and after."
		}
	}
	return out, nil
}

// united joins spans that touch, in order of time.
func united(spans []audit.Span) (out []audit.Span) {
	slices.SortFunc(spans, func(a, b audit.Span) int { return a.From.Compare(b.From) })
	for _, s := range spans {
		if n := len(out); n > 0 && !s.From.After(out[n-1].To) {
			if s.To.After(out[n-1].To) {
				out[n-1].To = s.To
			}
			continue
		}
		out = append(out, s)
	}
	return out
}

// days names stretches by the days on which they begin and end.
func days(spans []audit.Span, zone *time.Location) string {
	var out []string
	for _, s := range spans {
		out = append(out, s.From.In(zone).Format("2 January")+" and "+s.To.In(zone).Format("2 January 2006"))
	}
	return strings.Join(out, ", and between ")
}

// A made is how a row is marked: the mark, its note, and the records looked at.
type made struct {
	mark    engagement.Mark
	note    string
	records []int64
}

// judge says how each row of a test is marked. A row whose evidence lacks some
// days is looked at day by day.
func (x *exam) judge(ctx context.Context, t *planned, rows []string) (map[string]made, error) {
	out, short := map[string]made{}, map[string][]audit.Result{}
	for _, r := range rows {
		m := markOf(t.items[r].Results[t.procedure])
		out[r] = made{m, reasons[m], firstOf(t.items[r].Records)}
		switch m {
		case engagement.Exception:
			out[r] = made{m, x.why(t, r), firstOf(t.items[r].Records)}
		case engagement.UnableToTest:
			short[r] = nil
		}
	}
	if len(short) == 0 {
		return out, nil
	}
	run, err := x.Client.P.RunOfPeriod(ctx)
	if err != nil {
		return nil, err
	}
	err = x.Client.P.Results(ctx, run, t.procedure, func(r *audit.Result) error {
		if _, ok := short[r.Item]; ok {
			one := *r
			one.Records = slices.Clone(r.Records)
			short[r.Item] = append(short[r.Item], one)
		}
		return nil
	})
	for item, pieces := range short {
		out[item] = instead(pieces, x.Client.P.Period.Location())
	}
	return out, err
}

// instead marks an item by what was seen of it on the other days.
func instead(pieces []audit.Result, zone *time.Location) made {
	slices.SortFunc(pieces, func(a, b audit.Result) int {
		return cmp.Or(a.Span.From.Compare(b.Span.From), a.Span.To.Compare(b.Span.To))
	})
	var holes []audit.Span
	var seen []int64
	apart := true
	for _, p := range pieces {
		apart = apart && p.Stream.Source == outside
		if p.Outcome == audit.NoEvidence {
			holes = append(holes, p.Span)
		} else {
			seen = append(seen, firstOf(p.Records)...)
		}
	}
	holes = united(holes)
	switch {
	case apart && len(pieces) > 0:
		return made{engagement.NotApplicable, "An account of the accounting service, which is no part of Ledger, as its description says.", nil}
	case ended(pieces, holes):
		return made{engagement.NoException, "It ended before the days of which nothing was collected, between " + days(holes, zone) + ", as its record shows.", seen}
	case !inProduction(pieces):
		return made{engagement.NotApplicable, "A data store of the sandbox, which runs no production: the export that says so is missing for the day.", nil}
	case bridged(pieces, holes, audit.NotApplicable, audit.NoOccurrence):
		return made{engagement.NotApplicable, "There was nothing the control could act on when it was last seen before and first seen after the days of which nothing was collected, between " + days(holes, zone) + ".", seen}
	case !bridged(pieces, holes, audit.Operated):
		return made{engagement.UnableToTest, unable(pieces, holes, zone), nil}
	}
	return made{engagement.NoException, "Nothing was collected between " + days(holes, zone) + ". Inspected the observations before and after those days, which show the control in place.", seen}
}

// inProduction reports whether an item may be of production. A backup of the
// sandbox's data stores is asked for only on days on which nobody exported what
// they are.
func inProduction(pieces []audit.Result) bool {
	return len(pieces) == 0 || pieces[0].Procedure != "backup.daily" || !strings.Contains(pieces[0].Item, "halyard-sandbox-")
}

// bridged reports whether each hole is short, and the item had one of the outcomes
// when it was last seen before and first seen after it.
func bridged(pieces []audit.Result, holes []audit.Span, as ...audit.Outcome) bool {
	for _, h := range holes {
		before, after := false, false
		for _, p := range pieces {
			is := slices.Contains(as, p.Outcome)
			before = before || is && p.Span.To.Equal(h.From)
			after = after || is && p.Span.From.Equal(h.To)
		}
		if !before || !after || h.To.Sub(h.From) > shortHole {
			return false
		}
	}
	return len(holes) > 0
}

// ended reports whether an item operated, was over before the first hole, and was
// not seen again.
func ended(pieces []audit.Result, holes []audit.Span) bool {
	operated, over := false, false
	for _, p := range pieces {
		if len(holes) > 0 && !p.Span.From.Before(holes[0].From) {
			if p.Outcome != audit.NoEvidence && p.Outcome != audit.NotApplicable {
				return false
			}
			continue
		}
		operated = operated || p.Outcome == audit.Operated
		over = p.Outcome == audit.NotApplicable
	}
	return operated && over
}

// unable says why an item cannot be tested: between which days, or of which, its
// evidence is missing.
func unable(pieces []audit.Result, holes []audit.Span, zone *time.Location) string {
	if why := unseen[pieces[0].Procedure]; why != "" {
		return why
	}
	long := slices.DeleteFunc(slices.Clone(holes), func(h audit.Span) bool { return h.To.Sub(h.From) <= shortHole })
	if len(long) == 0 {
		return "Nothing was collected between " + days(holes, zone) + ", and what was seen around those days does not make up for it."
	}
	return "Nothing was collected between " + days(long, zone) + ", too long for what was seen around those days to make up for it."
}

// unseen is why an event cannot be tested that rests on what another system knew at
// the time.
var unseen = map[string]string{
	"change.ticket":     "The ticket system's export of November 2025 is missing, and the ticket that the change names cannot be seen.",
	"change.checks":     "The rules of the repository changed between two exports of 14 July 2025, and those in force at the merge are not known.",
	"deployment.checks": "The rules of the repository changed between two exports of 14 July 2025, and those in force at the release are not known.",
}

// firstOf are some of an item's records.
func firstOf(records []int64) (out []int64) {
	for _, n := range records {
		if n >= 0 && len(out) < 3 {
			out = append(out, n)
		}
	}
	return out
}

// mark marks the rows that are alike together; an exception has a mark of its own.
func (x *exam) mark(ctx context.Context, t *planned, rows []string) error {
	verdicts, err := x.judge(ctx, t, rows)
	if err != nil {
		return err
	}
	type kind struct {
		mark engagement.Mark
		note string
	}
	alike := map[kind][]string{}
	var order []kind
	for _, r := range rows {
		k := kind{verdicts[r].mark, verdicts[r].note}
		if alike[k] == nil {
			order = append(order, k)
		}
		alike[k] = append(alike[k], r)
	}
	for _, k := range order {
		var seen []int64
		for _, r := range alike[k] {
			seen = append(seen, verdicts[r].records...)
		}
		v := fieldwork.Verdict{Mark: k.mark, Note: k.note, Evidence: some(seen)}
		if k.mark != engagement.Exception {
			err = x.Firm.Files.MarkMany(ctx, x.Staff.By, x.id, t.ID, cells(alike[k]), v)
		}
		for _, r := range alike[k] {
			if k.mark == engagement.Exception && err == nil {
				v.Evidence = verdicts[r].records
				err = x.Firm.Files.Mark(ctx, x.Staff.By, x.id, t.ID, fieldwork.Cell{Item: r, Attribute: "A"}, v, 0)
			}
		}
		if err != nil {
			return fmt.Errorf("mark %d items %s: %w", len(alike[k]), k.mark, err)
		}
	}
	return nil
}

// some are records, each once and not too many for one entry.
func some(records []int64) []int64 {
	slices.Sort(records)
	records = slices.Compact(records)
	return records[:min(len(records), 200)]
}
