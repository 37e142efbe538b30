package procedure

import (
	"context"
	"fmt"
	"slices"
	"sort"

	"tieout/audit"
)

// An occasion is one window of one subject, with what performed it.
type occasion struct {
	*window
	due   answer
	event *performance
	tested
}

// A tested is what the attributes of one performance came to.
type tested struct {
	answer
	attrs  []audit.AttributeResult
	causes []string
}

func (r *tested) good() bool { return r.out == audit.Operated || r.out == audit.Pending }

// An examiner tests subjects. For one goroutine.
type examiner struct {
	*schedule
	e       *evaluator
	all     []occasion
	row     *row     // of the item of each
	answers []answer // by version of the subject at hand
	asked   []bool
}

func newExaminer(ctx context.Context, s *schedule, tb *table) *examiner {
	x := &examiner{schedule: s, e: newEvaluator(ctx, s.run, tb, []*task{s.t})}
	if each := s.t.p.cadence.each; each != nil {
		x.row = newRow(each.layout, each.layout.typ.Name)
	}
	return x
}

// examine tests one chunk of subjects.
func (x *examiner) examine(i int) (*chunk, error) {
	c := &chunk{tallies: make([]tally, 1)}
	x.e.out = c
	for _, sub := range x.subjects[i*chunkItems : min((i+1)*chunkItems, len(x.subjects))] {
		if err := x.test(sub); err != nil {
			return nil, err
		}
		sub.done, sub.doubts = nil, nil // their memory
	}
	return c, nil
}

// test tests every window of one subject. First each window takes the earliest
// event in its time that no earlier window took, one with all attributes
// before one without. Then a window left without one that has all attributes
// takes, as late, the first such event that no window needs in time.
func (x *examiner) test(sub *subject) error {
	x.all = x.all[:0]
	x.answers, x.asked = x.answers[:0], x.asked[:0]
	for i := range x.windows {
		due, err := x.due(sub, &x.windows[i])
		if err != nil {
			return err
		}
		if due.tri != no {
			x.all = append(x.all, occasion{window: &x.windows[i], due: due})
		}
	}
	for i := range x.all {
		if err := x.inTime(sub, &x.all[i]); err != nil {
			return err
		}
	}
	for i := range x.all {
		if o := &x.all[i]; o.event == nil || !o.good() {
			if err := x.tooLate(sub, o); err != nil {
				return err
			}
		}
	}
	for i := range x.all {
		x.settle(sub, &x.all[i])
	}
	return nil
}

// due: a subject is due in a window if it exists and matches at its start and end.
func (x *examiner) due(sub *subject, w *window) (answer, error) {
	if sub.hist == nil {
		return answer{tri: yes}, nil
	}
	a, err := x.dueAt(sub, w.from)
	if err != nil || a.tri == no {
		return a, err
	}
	b, err := x.dueAt(sub, w.to-1)
	if err != nil || b.tri != yes {
		return b, err
	}
	return a, nil
}

// dueAt says whether a subject exists and matches at t.
func (x *examiner) dueAt(sub *subject, t int64) (answer, error) {
	h, v := sub.hist, x.each[sub.hist.Stream]
	t = min(t, x.run.asOf)
	if !v.tail.empty() {
		t = min(t, v.tail.from-1)
	}
	cur := sort.Search(len(h.Versions), func(i int) bool { return micros(h.Versions[i].From.At) > t }) - 1
	if known, _ := v.at(t); !known {
		hole, why := v.hole(t)
		return answer{why: fmt.Sprintf("%s was not seen at %s: %s", sub.id, text(t), why), cause: x.t.p.cadence.each.layout.typ.Name + " " + hole}, nil
	}
	if cur < 0 || h.Versions[cur].Gone {
		return answer{tri: no}, nil
	}
	if stands, _ := v.stands(&h.Versions[cur], t); !stands {
		return answer{why: sub.id + ": " + v.stale(t), cause: x.t.p.cadence.each.layout.typ.Name + ": " + v.stale(t)}, nil
	}
	return x.matches(h, cur, t)
}

// matches asks where of one version; the answer is kept where no clock is in it.
func (x *examiner) matches(h *audit.History, cur int, t int64) (answer, error) {
	where := x.t.p.cadence.each.where
	if where == nil {
		return answer{tri: yes}, nil
	}
	for len(x.asked) <= cur {
		x.answers, x.asked = append(x.answers, answer{}), append(x.asked, false)
	}
	if x.asked[cur] && !where.clock {
		return x.answers[cur], nil
	}
	if err := x.row.load(h, &h.Versions[cur], where.reads[x.row.name]); err != nil {
		return answer{}, err
	}
	x.e.clock.set(t)
	x.e.act.item = x.row
	a, err := x.e.act.ask(where)
	x.answers[cur], x.asked[cur] = a, true
	return a, err
}

// within are the subject's performances in s.
func within(done []performance, s stretch) []performance {
	i := sort.Search(len(done), func(i int) bool { return done[i].at >= s.from })
	k := sort.Search(len(done), func(i int) bool { return done[i].at >= s.to })
	return done[i:max(i, k)]
}

// inTime finds the event that performed the window in time: the first that
// has all attributes, else the first.
func (x *examiner) inTime(sub *subject, o *occasion) error {
	in := within(sub.done, stretch{o.from, o.deadline})
	for i := range in {
		if in[i].used != nil {
			continue
		}
		r, err := x.attributes(&in[i])
		if err != nil {
			return err
		}
		if o.event == nil || r.good() {
			o.take(&in[i])
		}
		if r.good() {
			return nil
		}
	}
	return nil
}

// tooLate finds what was done after the deadline: the first event with all
// attributes; where the window has none at all, the first one.
func (x *examiner) tooLate(sub *subject, o *occasion) error {
	in := within(sub.done, stretch{o.deadline, o.limit})
	var first *performance
	for i := range in {
		r, err := x.attributes(&in[i])
		if err != nil {
			return err
		}
		if !r.good() && (o.event != nil || first != nil) {
			continue
		}
		free, err := x.free(sub, &in[i], r.good())
		if err != nil {
			return err
		}
		switch {
		case free && r.good():
			return x.late(sub, o, &in[i])
		case free:
			first = &in[i]
		}
	}
	if first == nil {
		return nil
	}
	return x.late(sub, o, first)
}

// late lets o take ev, and the window that had ev take another.
func (x *examiner) late(sub *subject, o *occasion, ev *performance) error {
	if owner := ev.used; owner != nil {
		other, err := x.instead(sub, owner)
		if err != nil {
			return err
		}
		owner.take(other)
	}
	o.take(ev)
	if severity[audit.Late] > severity[o.out] {
		o.out, o.why = audit.Late, fmt.Sprintf("done at %s, due by %s", text(ev.at), text(o.deadline))
	}
	return nil
}

// free reports whether no window needs ev in time.
func (x *examiner) free(sub *subject, ev *performance, good bool) (bool, error) {
	if ev.used == nil {
		return true, nil
	}
	other, err := x.instead(sub, ev.used)
	return other != nil && (!good || other.result.good()), err
}

// instead is what a window could take in time for the event it has: one with
// all attributes before one without.
func (x *examiner) instead(sub *subject, owner *occasion) (*performance, error) {
	in := within(sub.done, stretch{owner.from, owner.deadline})
	var first *performance
	for i := range in {
		if in[i].used != nil {
			continue
		}
		r, err := x.attributes(&in[i])
		if err != nil {
			return nil, err
		}
		if r.good() {
			return &in[i], nil
		}
		if first == nil {
			first = &in[i]
		}
	}
	return first, nil
}

// take makes ev, whose attributes were asked, the performance of o.
func (o *occasion) take(ev *performance) {
	if o.event != nil {
		o.event.used = nil
	}
	o.event, o.tested = ev, *ev.result
	ev.used = o
}

// attributes tests a performance, once.
func (x *examiner) attributes(ev *performance) (*tested, error) {
	if ev.result != nil {
		return ev.result, nil
	}
	e := x.e
	h := &e.table.tl.Histories[ev.hist]
	if err := e.load(h); err != nil {
		return nil, err
	}
	o := occurrence{ver: 0, at: ev.at}
	e.look(x.t.views[h.Stream], &o)
	e.act.item, e.act.from = e.rows[0], x.t.span.from
	if err := e.joins[0].bind(moment{ev.at, false}); err != nil {
		return nil, err
	}
	if err := e.attributes(x.t.p, &o); err != nil {
		return nil, err
	}
	ev.result = &tested{o.answer, o.attrs, o.causes}
	return ev.result, nil
}

// settle gives a window its outcome and counts it, if it is of the span.
func (x *examiner) settle(sub *subject, o *occasion) {
	span := x.t.span
	if o.to <= span.from || o.to > span.to && x.run.asOf+1 > span.to && o.event == nil {
		return // of the time before, where only what it used up counts, or due after the span
	}
	if o.event == nil {
		o.answer = x.missing(sub, o.window)
		if o.due.tri == unsure && o.out == audit.Deviated {
			o.answer = answer{why: "whether it was due is not known: " + o.due.why, cause: o.due.cause}
		}
	}
	x.count(sub, o)
}

// missing says what it means that no event performed the window: it was
// missed only where the events were covered until it could no longer be late.
func (x *examiner) missing(sub *subject, w *window) answer {
	if x.run.asOf < w.limit {
		why := "due by " + text(w.deadline)
		if x.run.asOf >= w.deadline {
			why = fmt.Sprintf("was due by %s and counts as late until %s", text(w.deadline), text(w.limit))
		}
		return answer{out: audit.Pending, why: why}
	}
	in := stretch{w.from, w.limit}
	for _, list := range [][]doubt{sub.doubts, x.unkeyed} {
		i := sort.Search(len(list), func(i int) bool { return list[i].at >= in.from })
		if i < len(list) && list[i].at < in.to {
			return answer{why: list[i].why, cause: list[i].cause}
		}
	}
	if len(x.t.views) == 0 {
		return answer{why: "nothing collects " + x.t.p.ItemType}
	}
	return x.uncovered(in, w)
}

// uncovered is what is not known of the events in a window nothing performed.
func (x *examiner) uncovered(in stretch, w *window) answer {
	for _, v := range x.t.views {
		if ok, gap := v.covers(in); !ok {
			hole, why := v.hole(gap.from)
			return answer{cause: x.t.p.ItemType + " " + hole, why: fmt.Sprintf("%s is not covered from %s to %s in %s: %s",
				x.t.p.ItemType, text(gap.from), text(gap.to), streamName(v.stream.StreamKey), why)}
		}
	}
	for _, v := range x.t.views {
		if !in.cut(v.tail).empty() {
			return answer{out: audit.Pending, why: outstanding}
		}
	}
	return answer{out: audit.Deviated, why: "not performed; it was due by " + text(w.deadline)}
}

// count counts one occurrence and writes its result.
func (x *examiner) count(sub *subject, o *occasion) {
	t := &x.e.out.tallies[0]
	t.items++
	t.counts[o.out]++
	occ := occurrence{attrs: o.attrs, causes: o.causes, answer: o.answer}
	for _, why := range occ.unseen() {
		t.gap(gapKey{stream: -1, reason: why}, 1, o.stretch, o.records)
	}
	finding := o.out == audit.Deviated || o.out == audit.Late
	if !finding && x.run.emit == nil {
		return
	}
	r := x.result(sub, o)
	if finding {
		t.deviations = append(t.deviations, x.t.deviation(r))
	}
	if x.run.emit != nil {
		x.e.out.results = append(x.e.out.results, r)
	}
}

func (x *examiner) result(sub *subject, o *occasion) audit.Result {
	p := x.t.p
	r := audit.Result{Procedure: p.ID, Hash: p.Hash, Item: o.name, Label: o.name, Outcome: o.out, Span: span(o.from, o.to),
		Start: audit.ExactBound(instant(o.from)), End: audit.ExactBound(instant(o.to)), Attributes: o.attrs, Reason: o.why,
		Stream: audit.StreamKey{Type: p.ItemType}, Records: slices.Clone(o.records)}
	if sub.id != "" {
		r.Item += " " + sub.id
		r.Label = r.Item
	}
	if o.event != nil {
		h := &x.e.table.tl.Histories[o.event.hist]
		r.Records = sortedRecords(append(r.Records, h.Versions[0].Record))
		r.Stream = x.t.views[h.Stream].stream.StreamKey
		r.Values = append(r.Values, audit.FieldValue{Path: p.ItemType + ".id", Value: string(canonicalString(h.ID))},
			audit.FieldValue{Path: p.ItemType + ".at", Value: `"` + text(o.event.at) + `"`})
	}
	return r
}
