package mcp

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/period"
	"tieout/reader/answer"
	"tieout/report"
)

// Days are a stretch of calendar days in the organization's zone.
type Days struct {
	Since string `json:"since,omitempty" jsonschema:"first day, such as 2026-07-01; missing: from the beginning"`
	Until string `json:"until,omitempty" jsonschema:"last day, such as 2026-09-30; missing: to the end"`
}

// span reads the days; an open end reaches as far as time does.
func (d Days) span(zone *time.Location) (audit.Span, error) {
	out := audit.Span{To: audit.Never}
	for _, x := range []struct {
		name, day string
		to        *time.Time
		add       int
	}{{"since", d.Since, &out.From, 0}, {"until", d.Until, &out.To, 1}} {
		if x.day == "" {
			continue
		}
		t, err := time.ParseInLocation(time.DateOnly, x.day, zone)
		if err != nil {
			return out, fmt.Errorf("%w: %s %q is not a day such as 2026-07-01", audit.ErrUsage, x.name, x.day)
		}
		*x.to = t.AddDate(0, 0, x.add)
	}
	if out.Empty() {
		return out, fmt.Errorf("%w: since %s is after until %s; give them in order", audit.ErrUsage, d.Since, d.Until)
	}
	return out, nil
}

// words says the days in a sentence.
func (d Days) words() string {
	switch {
	case d.Since == "" && d.Until == "":
		return ""
	case d.Until == "":
		return d.Since + " and on"
	case d.Since == "":
		return "up to " + d.Until
	}
	return d.Since + " to " + d.Until
}

// touches reports whether a stretch has an instant in common with another; one
// that still lasts goes on.
func touches(span audit.Span, open bool, days audit.Span) bool {
	if open {
		span.To = audit.Never
	}
	return span.From.Before(days.To) && days.From.Before(span.To)
}

// DeviationsAsked chooses findings.
type DeviationsAsked struct {
	Paging
	Days
	Control   string `json:"control,omitempty" jsonschema:"only of this control, such as IAM-06"`
	Criterion string `json:"criterion,omitempty" jsonschema:"only of controls for this criterion, such as CC6.1"`
	Outcome   string `json:"outcome,omitempty" jsonschema:"only with this outcome: deviation or late"`
}

// DeviationsAnswer is a page of findings, and how many there are by control.
type DeviationsAnswer struct {
	Head
	Controls []ControlCount    `json:"controls" jsonschema:"all that the filters choose, by control; one finding may count for several"`
	Items    []audit.Deviation `json:"items"`
	Page     Page              `json:"page"`
}

// A ControlCount is how many findings there are about a control.
type ControlCount struct {
	Control    string `json:"control"`
	Title      string `json:"title"`
	Deviations int    `json:"deviations"`
	Dismissed  int    `json:"dismissed" jsonschema:"of these, those that people decided are not deviations"`
}

func listDeviations(ctx context.Context, p *period.Program, in DeviationsAsked) (out DeviationsAnswer, err error) {
	days, err := in.span(p.Period.Location())
	if err != nil {
		return out, err
	}
	if in.Outcome != "" && in.Outcome != audit.Deviated.String() && in.Outcome != audit.Late.String() {
		return out, fmt.Errorf("%w: outcome %q; a finding is %q or %q", audit.ErrUsage, in.Outcome, audit.Deviated, audit.Late)
	}
	if err := inScope(p, in.Control, in.Criterion); err != nil {
		return out, err
	}
	_, run, err := tested(ctx, p)
	if err != nil {
		return out, err
	}
	all, err := p.Deviations(ctx, run)
	if err != nil {
		return out, err
	}
	of := criteriaOf(p)
	var chosen []audit.Deviation
	for _, d := range all {
		if touches(d.Span, d.Open, days) && (in.Outcome == "" || d.Outcome.String() == in.Outcome) && (in.Control == "" || holdsFold(d.Controls, in.Control)) &&
			(in.Criterion == "" || slices.ContainsFunc(d.Controls, func(c string) bool { return holdsFold(of[c], in.Criterion) })) {
			chosen = append(chosen, d)
		}
	}
	out.Controls = byControl(p, chosen, in.Control)
	out.Head = head(answer.DeviationsSchema, in.sentence(len(chosen), len(all), len(out.Controls)))
	out.Items, out.Page, err = cut(chosen, in.Paging, listOf("list_deviations", []any{in.Days, strings.ToUpper(in.Control), strings.ToUpper(in.Criterion), in.Outcome}), run)
	return out, err
}

// sentence counts the findings; where they were chosen it says by what.
func (in DeviationsAsked) sentence(n, all, controls int) string {
	by := slices.Concat(said("control", in.Control), said("criterion", in.Criterion), said("outcome", in.Outcome), said("touching the days", in.words()))
	if len(by) == 0 {
		return answer.DeviationsSentence(n)
	}
	return fmt.Sprintf("%s of %s, about %s: %s.", report.Number(n), report.Plural(all, "deviation", "deviations"), report.Plural(controls, "control", "controls"), strings.Join(by, ", "))
}

// inScope refuses a control or a criterion that is not there: no finding about
// it would read like good news.
func inScope(p *period.Program, control, criterion string) error {
	if control != "" {
		if _, err := answer.FindControl(p, nil, control); err != nil {
			return hint(err, "list_controls has those in scope")
		}
	}
	if criterion != "" && !slices.ContainsFunc(p.Def.Criteria(), func(c audit.Criterion) bool { return strings.EqualFold(c.ID, criterion) }) {
		return fmt.Errorf("%w: criterion %q is not one of this examination; coverage lists them", audit.ErrNotFound, criterion)
	}
	return nil
}

func criteriaOf(p *period.Program) map[string][]string {
	out := map[string][]string{}
	for _, c := range p.Selection().Controls {
		out[c.ID] = append(out[c.ID], c.Criteria...)
	}
	return out
}

// byControl counts findings by control, in the order of the ids.
func byControl(p *period.Program, ds []audit.Deviation, only string) []ControlCount {
	count, dismissed := map[string]int{}, map[string]int{}
	for _, d := range ds {
		for _, c := range d.Controls {
			if only != "" && !strings.EqualFold(only, c) {
				continue
			}
			if count[c]++; d.Disposition == audit.NotDeviation {
				dismissed[c]++
			}
		}
	}
	title := map[string]string{}
	for _, c := range p.Selection().Controls {
		title[c.ID] = c.Title
	}
	out := []ControlCount{}
	for c, n := range count {
		out = append(out, ControlCount{c, title[c], n, dismissed[c]})
	}
	slices.SortFunc(out, func(a, b ControlCount) int { return strings.Compare(a.Control, b.Control) })
	return out
}

// DeviationAsked names a finding.
type DeviationAsked struct {
	Ref string `json:"ref" jsonschema:"a deviation such as D-1a2b3c4d"`
}

// DeviationAnswer is a finding with everything it rests on.
type DeviationAnswer struct {
	Head
	Walk answer.Walk `json:"walk"`
	Cut  []string    `json:"cut,omitempty" jsonschema:"what was left out, and where it is"`
}

// maxPieces is how many records of a deviation are shown with their proofs.
const maxPieces = 20

func showDeviation(ctx context.Context, p *period.Program, in DeviationAsked) (out DeviationAnswer, err error) {
	_, run, err := tested(ctx, p)
	if err != nil {
		return out, err
	}
	d, err := p.Deviation(ctx, run, answer.DeviationRef(in.Ref))
	if err != nil {
		return out, hint(err, "list_deviations has them all")
	}
	out.Head = head(answer.WalkSchema, answer.DeviationSentence(&d, p.Period))
	out.Walk = answer.Walk{Deviation: d, Evidence: []*period.Piece{}, Run: audit.EvidenceRef(run.Record)}
	for _, i := range shorten(d.Records, maxPieces, "evidence", "show_evidence shows each of walk.deviation.records", &out.Cut) {
		x, err := p.Piece(ctx, i)
		if err != nil {
			return out, err
		}
		out.Walk.Evidence = append(out.Walk.Evidence, x)
	}
	return out, nil
}

// GapsAsked chooses gaps.
type GapsAsked struct {
	Paging
	Days
	Control   string `json:"control,omitempty" jsonschema:"only of this control, such as IAM-06"`
	Procedure string `json:"procedure,omitempty" jsonschema:"only of this procedure, such as change.review"`
}

// GapsAnswer is a page of gaps.
type GapsAnswer struct {
	Head
	Items []audit.Gap `json:"items"`
	Page  Page        `json:"page"`
}

func listGaps(ctx context.Context, p *period.Program, in GapsAsked) (out GapsAnswer, err error) {
	days, err := in.span(p.Period.Location())
	if err != nil {
		return out, err
	}
	if err := inScope(p, in.Control, ""); err != nil {
		return out, err
	}
	r, run, err := tested(ctx, p)
	if err != nil {
		return out, err
	}
	if _, ok := answer.ResultsOf(run, in.Procedure); in.Procedure != "" && !ok {
		return out, noProcedure(run, in.Procedure)
	}
	all := report.Gaps(r)
	gaps := slices.DeleteFunc(slices.Clone(all), func(g audit.Gap) bool {
		return !touches(g.Span, false, days) || in.Control != "" && !holdsFold(g.Controls, in.Control) || in.Procedure != "" && g.Procedure != in.Procedure
	})
	out.Head = head(answer.GapsSchema, in.sentence(len(gaps), len(all)))
	out.Items, out.Page, err = cut(gaps, in.Paging, listOf("list_gaps", []any{in.Days, strings.ToUpper(in.Control), in.Procedure}), run)
	return out, err
}

// sentence counts the gaps; where they were chosen it says by what.
func (in GapsAsked) sentence(n, all int) string {
	by := slices.Concat(said("control", in.Control), said("procedure", in.Procedure), said("touching the days", in.words()))
	if len(by) == 0 {
		return answer.GapsSentence(n)
	}
	return fmt.Sprintf("%s of %s: %s.", report.Number(n), report.Plural(all, "gap in the evidence", "gaps in the evidence"), strings.Join(by, ", "))
}

func noProcedure(run *period.Run, id string) error {
	return fmt.Errorf("%w: the run sealed as %s ran no procedure %q; list_controls names those that ran", audit.ErrNotFound, audit.EvidenceRef(run.Record), id)
}
