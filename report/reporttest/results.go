package reporttest

import (
	"fmt"
	"time"

	"tieout/audit"
	"tieout/report"
)

// results is the whole population of one plan, in order of time.
func results(p plan) []audit.Result {
	switch p.form {
	case continuous:
		return stretches(p)
	case event:
		return events(p)
	}
	return windows(p)
}

// A maker makes a plan's results; what they share is made once.
type maker struct{ shared audit.Result }

func newMaker(p plan) maker {
	return maker{audit.Result{
		Procedure: procedureID(p), Hash: "sha256:" + digest(p.id), Records: []int64{48000, 48007}, Stream: streamsOf(p)[0].StreamKey,
	}}
}

func (m maker) result(item string, s audit.Span, o audit.Outcome) audit.Result {
	r := m.shared
	r.Item, r.Outcome, r.Span = item, o, s
	r.Start, r.End = audit.ExactBound(s.From), audit.ExactBound(s.To)
	return r
}

func (t trouble) apply(r *audit.Result) {
	r.Outcome, r.Reason, r.Label = t.outcome, t.reason, t.name
}

// stretches gives every item the observed part of the period, cut where a
// trouble is. A trouble without evidence touches every item.
func stretches(p plan) []audit.Result {
	m := newMaker(p)
	whole := audit.Span{From: Period().From, To: AsOf}
	var out []audit.Result
	for i := range p.items {
		item := fmt.Sprintf("%s/%03d", p.id, i+1)
		rest := whole
		for _, t := range p.troubles {
			if t.n != i && t.outcome != audit.NoEvidence {
				continue
			}
			out = append(out, m.result(item, audit.Span{From: rest.From, To: t.span.From}, audit.Operated))
			r := m.result(item, t.span, t.outcome)
			t.apply(&r)
			out = append(out, r)
			rest.From = t.span.To
		}
		out = append(out, m.result(item, rest, audit.Operated))
	}
	return out
}

// events spreads the occurrences over the observed part, on working days
// mostly, always the same.
func events(p plan) []audit.Result {
	m := newMaker(p)
	var out []audit.Result
	whole := AsOf.Sub(Period().From)
	for i := range p.items {
		step := whole / time.Duration(p.items)
		jitter := step / 97 * time.Duration((i*7919+len(p.title)*104729)%97)
		when := audit.Instant(Period().From.Add(step*time.Duration(i) + jitter))
		for when.Weekday() == time.Saturday || when.Weekday() == time.Sunday {
			when = when.Add(-24 * time.Hour)
		}
		if when.Before(Period().From) {
			when = Period().From
		}
		r := m.result(fmt.Sprintf("%s-%04d", p.id, i+1), audit.At(when), audit.Operated)
		for _, t := range p.troubles {
			if t.n == i {
				t.apply(&r)
				r.Attributes = []audit.AttributeResult{{Name: "A", Text: "Done in time and by another person", Outcome: t.outcome, Reason: t.reason}}
			}
		}
		out = append(out, r)
	}
	return out
}

// windows are the calendar windows of the year, p.items months each.
func windows(p plan) []audit.Result {
	m := newMaker(p)
	var out []audit.Result
	for i := 0; i*p.items < 12; i++ {
		first := time.Month(i*p.items + 1)
		s := audit.Span{From: at(first, 1), To: at(first+time.Month(p.items), 1)}
		r := m.result(windowName(p.items, i), s, audit.Operated)
		if s.To.After(AsOf) && !(p.items == 12 && (len(p.title)%2 == 0)) {
			r.Outcome = audit.Pending
		}
		for _, t := range p.troubles {
			if t.n == i {
				t.apply(&r)
			}
		}
		out = append(out, r)
	}
	return out
}

func windowName(months, i int) string {
	switch months {
	case 1:
		return fmt.Sprintf("2026-%02d", i+1)
	case 3:
		return fmt.Sprintf("2026-Q%d", i+1)
	case 6:
		return fmt.Sprintf("2026-H%d", i+1)
	}
	return "2026"
}

// tested counts the population of a plan.
func tested(p plan) audit.Tested {
	t := audit.Tested{
		Procedure: procedureID(p), Hash: "sha256:" + digest(p.id), Title: p.title, Form: p.form, Controls: []string{p.id},
		Statement:  "Compared every record of the population with what the control says",
		Population: fmt.Sprintf("Every item that the control covers and that existed in the period, read from its source (%s).", p.happens),
		Span:       audit.Span{From: Period().From, To: AsOf}, Frequency: frequency(p), Streams: streamsOf(p),
	}
	count(&t, p)
	for _, tr := range p.troubles {
		if tr.outcome == audit.NoEvidence {
			t.Gaps = append(t.Gaps, gap(p, tr))
		}
	}
	marks, err := report.Marks(Rows{}, &t, Period())
	if err != nil {
		panic(err)
	}
	t.Marks = marks
	return t
}

func count(t *audit.Tested, p plan) {
	worst := map[string]audit.Outcome{}
	for _, r := range results(p) {
		if o, ok := worst[r.Item]; !ok || (r.Outcome < o && o != audit.Deviated) || r.Outcome == audit.Deviated {
			worst[r.Item] = r.Outcome
		}
		if r.Outcome == audit.Deviated || r.Outcome == audit.Late {
			t.Deviations = append(t.Deviations, deviation(t, p, r))
		}
	}
	t.Items = len(worst)
	for _, o := range worst {
		t.Counts[o]++
	}
}

func deviation(t *audit.Tested, p plan, r audit.Result) audit.Deviation {
	d := audit.Deviation{Ref: audit.DeviationRef(r.Procedure, r.Item, r.Span.From), Result: r, Title: t.Title, Controls: t.Controls, Disposition: audit.Candidate}
	for _, tr := range p.troubles {
		if tr.decided != "" && tr.reason == r.Reason {
			d.Disposition, d.Response, d.DecidedBy, d.DecidedWhy = tr.decided, tr.response, "M. Silva", "Looked at the record and the setting."
		}
	}
	return d
}

func gap(p plan, tr trouble) audit.Gap {
	s := tr.span
	if p.form == cadence {
		s = results(p)[tr.n].Span
	}
	items := p.items
	if p.form == cadence {
		items = 1
	}
	return audit.Gap{Procedure: procedureID(p), Controls: []string{p.id}, Stream: streamsOf(p)[0].StreamKey, Span: s, Reason: tr.reason, Items: items, Records: []int64{48014}}
}

// streamsOf is what the procedure of p reads.
func streamsOf(p plan) []audit.StreamSummary {
	switch all := streams(); {
	case p.id[:3] == "DEV":
		return all[2:]
	case p.form == event:
		return all[1:2]
	default:
		return all[:1]
	}
}

func frequency(p plan) string {
	if p.id[:3] == "DEV" {
		return "at 255 daily observations"
	}
	switch p.form {
	case continuous:
		return "at 257 daily observations"
	case event:
		return "for each occurrence, from an event history"
	}
	return "once for each window that was due"
}
