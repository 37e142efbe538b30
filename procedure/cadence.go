package procedure

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tieout/audit"
)

// A window is one calendar window in which an occurrence is due.
type window struct {
	stretch
	name string // "2026-Q1"
}

// windowAt is the window that holds t.
func windowAt(every string, t int64, zone *time.Location) window {
	local := instant(t).In(zone)
	y, m, d := local.Date()
	date := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, zone) }
	make := func(from, to time.Time, name string) window { return window{stretch{micros(from), micros(to)}, name} }
	switch every {
	case "day":
		return make(date(y, m, d), date(y, m, d+1), local.Format(time.DateOnly))
	case "week":
		mon := d - (int(local.Weekday())+6)%7
		iy, iw := local.ISOWeek()
		return make(date(y, m, mon), date(y, m, mon+7), fmt.Sprintf("%d-W%02d", iy, iw))
	case "month":
		return make(date(y, m, 1), date(y, m+1, 1), local.Format("2006-01"))
	case "quarter":
		q := (m - 1) / 3
		return make(date(y, q*3+1, 1), date(y, q*3+4, 1), fmt.Sprintf("%d-Q%d", y, q+1))
	case "half-year":
		h := (m - 1) / 6
		return make(date(y, h*6+1, 1), date(y, h*6+7, 1), fmt.Sprintf("%d-H%d", y, h+1))
	}
	return make(date(y, 1, 1), date(y+1, 1, 1), fmt.Sprintf("%d", y))
}

// A subject is one item of `each`, or the whole organization.
type subject struct {
	id   string // "" without each
	hist *audit.History
	view *view
	rows []*row
}

// A performance is one event that may be an occurrence.
type performance struct {
	hist   *audit.History
	at     int64
	key    string // subject it is of
	answer        // yes: it is one; unsure: it may be
	unkey  bool   // whose it is was not collected
	used   *slotOfTime
}

// A slotOfTime is one window of one subject, with what performed it.
type slotOfTime struct {
	window
	due answer
	cadenceResult
}

// A schedule tests one cadence.
type schedule struct {
	e       *evaluator
	t       *task
	zone    *time.Location
	windows []window
	events  []*performance
}

// maxWindows bounds how many occurrences one subject can have.
const maxWindows = 4000

// runCadence tests every window of the span, for every subject.
func (t *task) runCadence(ctx context.Context, r *run, tb *table) error {
	e := newEvaluator(ctx, r, tb, []*task{t})
	e.out = &chunk{tallies: make([]tally, 1)}
	s := &schedule{e: e, t: t, zone: r.in.Period.Location()}
	if err := s.plan(); err != nil {
		return err
	}
	if err := s.collect(); err != nil {
		return fmt.Errorf("procedure %s: %w", t.p.ID, err)
	}
	subjects, err := s.subjects(r)
	if err != nil {
		return fmt.Errorf("procedure %s: %w", t.p.ID, err)
	}
	for _, sub := range subjects {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := s.test(sub); err != nil {
			return fmt.Errorf("procedure %s: %w", t.p.ID, err)
		}
	}
	t.total.add(&e.out.tallies[0])
	for i := range e.out.results {
		if err := r.emit(&e.out.results[i]); err != nil {
			return err
		}
	}
	return nil
}

// plan lists the windows that end in the span, then the one it ends in, and
// before them those whose allowance reaches into the first.
func (s *schedule) plan() error {
	c := s.t.p.cadence
	w := windowAt(c.every, s.t.span.from, s.zone)
	for back := w; !s.e.run.in.alone && s.limit(back) > w.from && len(s.windows) < 8; {
		back = windowAt(c.every, back.from-1, s.zone)
		if s.limit(back) <= w.from || !s.covered(stretch{back.from, w.from}) {
			break
		}
		s.windows = append(s.windows, back)
	}
	slices.Reverse(s.windows)
	for ; w.from < s.t.span.to; w = windowAt(c.every, w.to, s.zone) {
		if s.windows = append(s.windows, w); len(s.windows) > maxWindows {
			return fmt.Errorf("%w: procedure %s: more than %d windows in the period", audit.ErrInvalid, s.t.p.ID, maxWindows)
		}
	}
	return nil
}

// covered reports whether every stream of the events covers in.
func (s *schedule) covered(in stretch) bool {
	for _, v := range s.t.views {
		if ok, _ := v.covers(in); !ok {
			return false
		}
	}
	return len(s.t.views) > 0
}

// deadline is when an occurrence had to be done, limit until when it counts as late.
func (s *schedule) deadline(w window) int64 { return s.e.run.cal.add(w.to, s.t.p.cadence.due) }
func (s *schedule) limit(w window) int64    { return s.e.run.cal.add(s.deadline(w), s.t.p.cadence.late) }

// collect asks of every event of the population whether it is an occurrence.
func (s *schedule) collect() error {
	e, p := s.e, s.t.p
	for i := range e.table.tl.Histories {
		h := &e.table.tl.Histories[i]
		at := micros(h.Versions[0].From.At)
		if at < s.windows[0].from || at > e.run.asOf {
			continue
		}
		if err := e.load(h); err != nil {
			return err
		}
		r := e.rows[0]
		e.clock.set(at)
		e.act.item = r
		where, err := e.act.ask(p.where)
		if err != nil {
			return err
		}
		done, err := e.act.ask(p.cadence.performed)
		if err != nil {
			return err
		}
		if where.tri == no || done.tri == no {
			continue
		}
		x := &performance{hist: h, at: at, answer: done}
		if where.tri == unsure {
			x.answer = where
		}
		s.keyed(x, r)
		s.events = append(s.events, x)
	}
	slices.SortStableFunc(s.events, func(a, b *performance) int { return int(max(-1, min(1, a.at-b.at))) })
	return nil
}

func (s *schedule) keyed(x *performance, r *row) {
	each := s.t.p.cadence.each
	switch {
	case each == nil:
	case !r.known(each.key):
		x.unkey = true
		x.answer = answer{why: r.name + "." + r.layout.names[each.key] + " was not collected"}
	default:
		x.key = unquote(r.slots[each.key].raw)
	}
}

// subjects are the items of each, or one for the organization.
func (s *schedule) subjects(r *run) ([]*subject, error) {
	each := s.t.p.cadence.each
	if each == nil {
		return []*subject{{}}, nil
	}
	tb := r.tables[each.layout.typ.Name]
	views := tb.view(s.t.p.maxGap)
	var out []*subject
	if len(views) == 0 {
		s.tally().gap(gapKey{stream: -1, reason: "nothing collects " + each.layout.typ.Name}, 0, s.t.span, nil)
	}
	for i, v := range views {
		for _, g := range v.gaps(s.t.span) {
			why, records := v.why(g)
			s.tally().gap(gapKey{stream: -1, reason: fmt.Sprintf("%s of %s: %s", each.layout.typ.Name, streamName(v.stream.StreamKey), why)}, 0, g, records)
		}
		_ = i
	}
	var want uint64
	if each.where != nil {
		want = each.where.reads[each.layout.typ.Name]
	}
	for i := range tb.tl.Histories {
		h := &tb.tl.Histories[i]
		sub := &subject{id: h.ID, hist: h, view: views[h.Stream]}
		for k := range h.Versions {
			row := newRow(each.layout, each.layout.typ.Name)
			if !h.Versions[k].Gone {
				if err := row.load(h, &h.Versions[k], want); err != nil {
					return nil, err
				}
			}
			sub.rows = append(sub.rows, row)
		}
		out = append(out, sub)
	}
	return out, nil
}

func (s *schedule) tally() *tally { return &s.e.out.tallies[0] }

// dueAt says whether a subject exists and matches at t.
func (s *schedule) dueAt(sub *subject, t int64) (answer, error) {
	if sub.hist == nil {
		return answer{tri: yes}, nil
	}
	t = min(t, s.e.run.asOf)
	if !sub.view.tail.empty() {
		t = min(t, sub.view.tail.from-1)
	}
	cur := -1
	for i := range sub.hist.Versions {
		if at := micros(sub.hist.Versions[i].From.At); at > t || at > s.e.run.asOf {
			break
		}
		cur = i
	}
	if known, _ := sub.view.at(t); !known {
		why, _ := sub.view.why(stretch{t, t + 1})
		return answer{why: fmt.Sprintf("%s was not seen at %s: %s", sub.id, text(t), why)}, nil
	}
	if cur < 0 || sub.hist.Versions[cur].Gone {
		return answer{tri: no}, nil
	}
	if stands, _ := sub.view.stands(&sub.hist.Versions[cur], t); !stands {
		return answer{why: fmt.Sprintf("%s: %s", sub.id, sub.view.stale(t))}, nil
	}
	s.e.clock.set(t)
	s.e.act.item = sub.rows[cur]
	return s.e.act.ask(s.t.p.cadence.each.where)
}

// test tests every window of one subject. First each window takes the
// earliest event in its time that no earlier window took. Then a window left
// without one takes, as late, an event that no window needs in time.
func (s *schedule) test(sub *subject) error {
	var all []*slotOfTime
	for _, w := range s.windows {
		due, err := s.due(sub, w)
		if err != nil {
			return err
		}
		if due.tri != no {
			all = append(all, &slotOfTime{window: w, due: due})
		}
	}
	for _, x := range all {
		if err := s.inTime(sub, x); err != nil {
			return err
		}
	}
	for _, x := range all {
		if x.event != nil {
			continue
		}
		if err := s.tooLate(sub, x); err != nil {
			return err
		}
	}
	for _, x := range all {
		s.settle(sub, x)
	}
	return nil
}

// settle gives a window its outcome and counts it, if it is of the span.
func (s *schedule) settle(sub *subject, x *slotOfTime) {
	span := s.t.span
	if x.to <= span.from || x.to > span.to && s.e.run.asOf+1 > span.to && x.event == nil {
		return // of the time before, where only what it used up counts, or due after the span
	}
	if x.event == nil {
		x.answer = s.missing(sub, x.window)
		if x.due.tri == unsure && x.out == audit.Deviated {
			x.answer = answer{why: "whether it was due is not known: " + x.due.why}
		}
	}
	s.count(sub, x.window, x.cadenceResult)
}

// due: a subject is due in a window if it exists and matches at its start and end.
func (s *schedule) due(sub *subject, w window) (answer, error) {
	a, err := s.dueAt(sub, w.from)
	if err != nil || a.tri == no {
		return a, err
	}
	b, err := s.dueAt(sub, w.to-1)
	if err != nil || b.tri != yes {
		return b, err
	}
	return a, nil
}

// A cadenceResult is what one window of one subject came to.
type cadenceResult struct {
	answer
	event *performance
	attrs []audit.AttributeResult
}

// inTime finds the event that performed the window in time: the first that
// has all attributes, else the first.
func (s *schedule) inTime(sub *subject, x *slotOfTime) error {
	for _, ev := range s.spare(sub, stretch{x.from, s.deadline(x.window)}) {
		r, err := s.attributes(ev)
		if err != nil {
			return err
		}
		good := r.out == audit.Operated || r.out == audit.Pending
		if x.event == nil || good {
			x.take(r)
		}
		if good {
			return nil
		}
	}
	return nil
}

// tooLate finds an event after the deadline: one that is left over, or one
// whose own window has another to take instead.
func (s *schedule) tooLate(sub *subject, x *slotOfTime) error {
	in := stretch{s.deadline(x.window), s.limit(x.window)}
	for _, ev := range s.events {
		if ev.tri != yes || ev.key != sub.id || ev.at < in.from || ev.at >= in.to {
			continue
		}
		if owner := ev.used; owner != nil {
			others := s.spare(sub, stretch{owner.from, s.deadline(owner.window)})
			if len(others) == 0 {
				continue
			}
			r, err := s.attributes(others[0])
			if err != nil {
				return err
			}
			owner.take(r)
		}
		r, err := s.attributes(ev)
		if err != nil {
			return err
		}
		x.take(r)
		if severity[audit.Late] > severity[x.out] {
			x.out, x.why = audit.Late, fmt.Sprintf("done at %s, due by %s", text(ev.at), text(s.deadline(x.window)))
		}
		return nil
	}
	return nil
}

func (x *slotOfTime) take(r cadenceResult) {
	if x.event != nil {
		x.event.used = nil
	}
	x.cadenceResult = r
	r.event.used = x
}

// spare are the subject's events in s that no window has taken.
func (s *schedule) spare(sub *subject, in stretch) []*performance {
	var out []*performance
	for _, x := range s.events {
		if x.used == nil && x.tri == yes && x.key == sub.id && x.at >= in.from && x.at < in.to {
			out = append(out, x)
		}
	}
	return out
}

func (s *schedule) attributes(x *performance) (cadenceResult, error) {
	e := s.e
	if err := e.load(x.hist); err != nil {
		return cadenceResult{}, err
	}
	e.look(s.t.views[x.hist.Stream], 0, x.at)
	e.act.item, e.act.from = e.rows[0], s.t.span.from
	if err := e.joins[0].bind(moment{x.at, false}); err != nil {
		return cadenceResult{}, err
	}
	o := occurrence{ver: 0, at: x.at}
	err := e.attributes(s.t.p, &o)
	return cadenceResult{answer: o.answer, event: x, attrs: o.attrs}, err
}

// missing says what it means that no event performed the window: it was
// missed only where the events were covered until it could no longer be late.
func (s *schedule) missing(sub *subject, w window) answer {
	if s.e.run.asOf < s.limit(w) {
		why := "due by " + text(s.deadline(w))
		if s.e.run.asOf >= s.deadline(w) {
			why = fmt.Sprintf("was due by %s and counts as late until %s", text(s.deadline(w)), text(s.limit(w)))
		}
		return answer{out: audit.Pending, why: why}
	}
	in := stretch{w.from, s.limit(w)}
	for _, v := range s.t.views {
		if !in.cut(v.tail).empty() {
			return answer{out: audit.Pending, why: outstanding}
		}
	}
	for _, x := range s.events {
		if x.tri == unsure && (x.unkey || x.key == sub.id) && x.at >= in.from && x.at < in.to {
			return answer{why: fmt.Sprintf("%s %s may be it: %s", s.t.p.ItemType, x.hist.ID, x.why)}
		}
	}
	if len(s.t.views) == 0 {
		return answer{why: "nothing collects " + s.t.p.ItemType}
	}
	for _, v := range s.t.views {
		if ok, gap := v.covers(in); !ok {
			why, _ := v.why(gap)
			return answer{why: fmt.Sprintf("%s is not covered from %s to %s in %s: %s", s.t.p.ItemType, text(gap.from), text(gap.to), streamName(v.stream.StreamKey), why)}
		}
	}
	return answer{out: audit.Deviated, why: "not performed; it was due by " + text(s.deadline(w))}
}

// count counts one occurrence and writes its result.
func (s *schedule) count(sub *subject, w window, o cadenceResult) {
	t := s.tally()
	t.items++
	t.counts[o.out]++
	occ := occurrence{attrs: o.attrs, answer: o.answer}
	r := s.result(sub, w, o)
	for _, why := range occ.unseen() {
		t.gap(gapKey{stream: -1, reason: why}, 1, w.stretch, r.Records)
	}
	if o.out == audit.Deviated || o.out == audit.Late {
		t.deviations = append(t.deviations, s.t.deviation(r))
	}
	if s.e.run.emit != nil {
		s.e.out.results = append(s.e.out.results, r)
	}
}

func (s *schedule) result(sub *subject, w window, o cadenceResult) audit.Result {
	p := s.t.p
	r := audit.Result{Procedure: p.ID, Hash: p.Hash, Item: w.name, Label: w.name, Outcome: o.out, Span: span(w.from, w.to),
		Start: audit.ExactBound(instant(w.from)), End: audit.ExactBound(instant(w.to)), Attributes: o.attrs, Reason: o.why,
		Stream: audit.StreamKey{Type: p.ItemType}}
	if sub.id != "" {
		r.Item += " " + sub.id
		r.Label = r.Item
	}
	for _, v := range s.t.views {
		for _, c := range v.stream.Covered {
			if micros(c.From) < s.limit(w) && micros(c.To) > w.from {
				r.Records = append(r.Records, c.Record)
			}
		}
	}
	if o.event != nil {
		h := o.event.hist
		r.Records = append(r.Records, h.Versions[0].Record)
		r.Stream = s.t.views[h.Stream].stream.StreamKey
		r.Values = append(r.Values, audit.FieldValue{Path: p.ItemType + ".id", Value: string(canonicalString(h.ID))},
			audit.FieldValue{Path: p.ItemType + ".at", Value: `"` + text(o.event.at) + `"`})
	}
	r.Records = sortedRecords(r.Records)
	return r
}
