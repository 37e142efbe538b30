package procedure

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"tieout/audit"
)

// report counts an item's pieces under task i and writes its results.
func (e *evaluator) report(c *contTask, ps []piece) error {
	if len(ps) == 0 {
		return nil
	}
	i := c.task
	task, t := e.tasks[i], &e.out.tallies[i]
	worst, grace := audit.NotApplicable, false
	for k, p := range ps {
		worst, grace = Worse(worst, p.out), grace || p.grace
		if p.out == audit.NoEvidence {
			e.countGap(task, t, p, ps[:k])
		}
	}
	t.counts[worst]++
	if worst != audit.NotApplicable {
		t.items++
	}
	if grace {
		t.inGrace++
	}
	for k := range ps {
		finding := ps[k].out == audit.Deviated || ps[k].out == audit.Late
		if !finding && e.run.emit == nil {
			continue
		}
		if !c.quick && len(task.p.joins) > 0 {
			// The values of the piece's first instant, not of the last one asked about.
			if _, _, err := e.ask2(c, ps[k].ver, ps[k].from); err != nil {
				return err
			}
		}
		r := e.result(c, ps, k)
		if finding {
			t.deviations = append(t.deviations, task.deviation(r))
		}
		if e.run.emit != nil {
			e.out.add(r)
		}
	}
	return nil
}

// add keeps a result. Results are large and there are many: the room doubles,
// so that they are moved once on average.
func (c *chunk) add(r audit.Result) {
	if len(c.results) == cap(c.results) {
		c.results = slices.Grow(c.results, max(64, len(c.results)))
	}
	c.results = append(c.results, r)
}

// A saying is why nothing is known in a stretch, and the records that say so.
type saying struct {
	why     string
	records []int64
}

// maxSayings bounds what is remembered: items of one stream share its gaps.
const maxSayings = 1024

// gapSaid is v.why, worded once for each stretch. Its records are shared and
// have no room to grow into.
func (c *contTask) gapSaid(v *view, s stretch) (string, []int64) {
	k := gapAsked{v, s}
	x, ok := c.said[k]
	if !ok {
		x.why, x.records = v.why(s)
		if c.said == nil || len(c.said) == maxSayings {
			c.said = map[gapAsked]saying{}
		}
		c.said[k] = x
	}
	return x.why, slices.Clip(x.records)
}

type gapAsked struct {
	view *view
	stretch
}

// countGap adds the item to the gap it falls in, once.
func (e *evaluator) countGap(task *task, t *tally, p piece, before []piece) {
	if p.gap {
		for _, k := range task.gaps[e.hist.Stream] {
			if k.from < p.to && k.to > p.from {
				t.gap(k, 1, stretch{k.from, k.to}, nil)
			}
		}
		return
	}
	n := 1
	if slices.ContainsFunc(before, func(q piece) bool { return q.out == audit.NoEvidence && !q.gap && q.answer.gap() == p.answer.gap() }) {
		n = 0
	}
	t.gap(gapKey{stream: e.hist.Stream, reason: p.answer.gap()}, n, p.stretch, []int64{e.hist.Versions[p.ver].Record})
}

func (t *task) deviation(r audit.Result) audit.Deviation {
	return audit.Deviation{Ref: audit.DeviationRef(r.Procedure, r.Item, r.Start.At), Result: r, Title: t.p.Title, Controls: t.p.Controls,
		Disposition: audit.Candidate}
}

// result writes piece k of ps.
func (e *evaluator) result(c *contTask, ps []piece, k int) audit.Result {
	task, p := e.tasks[c.task], ps[k]
	v := task.views[e.hist.Stream]
	if e.label == "" {
		e.label = e.name()
	}
	r := audit.Result{Procedure: task.p.ID, Hash: task.p.Hash, Item: e.hist.ID, Label: e.label, Outcome: p.out, Span: span(p.from, p.to),
		InGrace: p.grace, Stream: v.stream.StreamKey, Exact: v.stream.Mode != audit.ModeSnapshot, Observations: v.observations(p.stretch)}
	r.Start = e.start(ps, k)
	r.End, r.Open = e.end(task, ps, k)
	r.Records = e.records(task, p)
	r.Reason = p.why
	if p.gap {
		r.Reason, r.Records = c.gapSaid(v, p.stretch)
	}
	if p.out == audit.Deviated || p.out == audit.NoEvidence && !p.gap {
		r.Values = e.values(task, p.ver)
	}
	if p.out == audit.Deviated && r.Reason == "" {
		r.Reason = "not as it should be: " + told(r.Values)
	}
	return r
}

// maxTold bounds how many values a reason names; the result lists them all.
const maxTold = 6

// told writes values in words.
func told(values []audit.FieldValue) string {
	if len(values) == 0 {
		return "none of what it needs was found"
	}
	var parts []string
	for _, v := range values {
		parts = append(parts, v.Path+" is "+v.Value)
	}
	if n := len(parts) - maxTold; n > 1 {
		parts = append(parts[:maxTold], fmt.Sprintf("and %d more", n))
	}
	return strings.Join(parts, ", ")
}

// read writes what a question read of the item and its joins.
func (e *evaluator) read(q *program) string {
	var out []audit.FieldValue
	r := e.act.item
	for i, n := range r.layout.names {
		if q.reads[r.name]>>i&1 == 1 {
			out = append(out, audit.FieldValue{Path: r.name + "." + n, Value: r.show(i)})
		}
	}
	for i := range e.act.joins {
		x := &e.act.joins[i]
		if x.single != nil {
			for k, n := range x.single.layout.names {
				if q.reads[x.single.name]>>k&1 == 1 {
					out = append(out, audit.FieldValue{Path: x.single.name + "." + n, Value: x.single.show(k)})
				}
			}
		}
	}
	for _, l := range q.lists {
		out = append(out, audit.FieldValue{Path: l, Value: e.listed(l, q)})
	}
	return "Read: " + told(out)
}

// listed writes the items of a joined list with the fields that a question reads.
func (e *evaluator) listed(name string, q *program) string {
	p := e.act.binds[name]
	rows := e.act.joins[p.join].rows
	var parts []string
	for i, r := range rows {
		if i == 3 && len(rows) > 4 {
			parts = append(parts, fmt.Sprintf("and %d more", len(rows)-3))
			break
		}
		one := r.id
		for k, n := range r.layout.names {
			if k != slotID && q.elems[r.layout.typ.Name]>>k&1 == 1 {
				one += " " + n + "=" + r.show(k)
			}
		}
		parts = append(parts, one)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// start is what is known of when piece k began.
func (e *evaluator) start(ps []piece, k int) audit.Bound {
	p := ps[k]
	from := &e.hist.Versions[p.ver].From
	switch {
	case k > 0 && ps[k-1].to == p.from && ps[k-1].out == audit.NoEvidence:
		return audit.Bound{After: instant(ps[k-1].from), At: instant(p.from)}
	case micros(from.At) == p.from:
		return *from
	}
	return audit.ExactBound(instant(p.from))
}

// end is what is known of when piece k ended; open where nothing that is
// known follows it and the item has not disappeared.
func (e *evaluator) end(task *task, ps []piece, k int) (audit.Bound, bool) {
	p := ps[k]
	for _, q := range ps[k+1:] {
		if q.out == audit.NoEvidence && p.out != audit.NoEvidence {
			continue
		}
		from := &e.hist.Versions[q.ver].From
		if q.from == p.to && micros(from.At) == q.from {
			return *from, false
		}
		if q.from == p.to {
			return audit.ExactBound(instant(q.from)), false
		}
		return audit.Bound{After: instant(p.to - 1), At: instant(q.from)}, false
	}
	for i := p.ver + 1; i < e.used; i++ {
		v := &e.hist.Versions[i]
		if v.Gone && micros(v.From.At) == p.to {
			return v.From, false
		}
	}
	return audit.Bound{}, true
}

// records are the pages that showed the versions within p, and the complete
// collections that saw its ends.
func (e *evaluator) records(task *task, p piece) []int64 {
	var out []int64
	for i := p.ver; i < e.used; i++ {
		v := &e.hist.Versions[i]
		if i > p.ver && micros(v.From.At) >= p.to {
			break
		}
		out = append(out, v.Record)
	}
	first, last := task.views[e.hist.Stream].saw(p.stretch)
	for _, r := range []int64{first, last} {
		if r >= 0 {
			out = append(out, r)
		}
	}
	return sortedRecords(out)
}

// values are the fields of the item that the test reads, as they were.
func (e *evaluator) values(task *task, ver int) []audit.FieldValue {
	p := task.p
	r := e.rows[ver]
	mask := p.holdsReads()
	var out []audit.FieldValue
	for i, n := range r.layout.names {
		if mask>>i&1 == 1 {
			out = append(out, audit.FieldValue{Path: r.name + "." + n, Value: r.show(i)})
		}
	}
	if len(p.joins) > 0 && len(e.act.joins) == len(p.joins) {
		out = append(out, e.joinedValues(p)...)
	}
	return out
}

// maxJoinedValues bounds how many fields of joined items a result lists.
const maxJoinedValues = 24

func (e *evaluator) joinedValues(p *Procedure) []audit.FieldValue {
	var out []audit.FieldValue
	for i, j := range p.joins {
		for _, r := range e.act.joins[i].rows {
			for s, n := range r.layout.names {
				if j.want>>s&1 == 0 || s == slotID {
					continue
				}
				if len(out) == maxJoinedValues {
					return out
				}
				out = append(out, audit.FieldValue{Path: fmt.Sprintf("%s[%s].%s", j.name, r.id, n), Value: r.show(s)})
			}
		}
	}
	return out
}

// holdsReads are the item's slots that decide, the population's where left out.
func (p *Procedure) holdsReads() uint64 {
	var m uint64
	if p.holds != nil {
		m |= p.holds.reads[p.ItemType]
	}
	for _, a := range p.attrs {
		if a.holds != nil {
			m |= a.holds.reads[p.ItemType]
		}
	}
	if p.Form == audit.Event {
		m |= 1 << p.at.slot
	}
	return m
}

// saw is the first and the last collection that saw part of s, -1 where none did.
func (v *view) saw(s stretch) (first, last int64) {
	first, last = -1, -1
	from, _ := slices.BinarySearch(v.points, s.from)
	to, _ := slices.BinarySearch(v.points, s.to)
	if from < to {
		first, last = v.stream.Points[from].Record, v.stream.Points[to-1].Record
	}
	covered := v.stream.Covered
	from = sort.Search(len(covered), func(i int) bool { return micros(covered[i].To) > s.from })
	to = sort.Search(len(covered), func(i int) bool { return micros(covered[i].From) >= s.to })
	if from < to {
		if first < 0 {
			first = covered[from].Record
		}
		last = covered[to-1].Record
	}
	return first, last
}
