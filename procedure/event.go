package procedure

import (
	"fmt"
	"strings"

	"tieout/audit"
)

// event tests the loaded item as an occurrence of task i: its latest known
// version, at the instant it names, if that lies in the span.
func (e *evaluator) event(i int) error {
	task := e.tasks[i]
	ver := e.latest()
	if ver < 0 {
		return nil
	}
	r := e.rows[ver]
	v := task.views[e.hist.Stream]
	at, known := r.slots[task.p.at.slot].num, r.known(task.p.at.slot)
	if known && (at == never || !(task.span.from <= at && at < task.span.to)) {
		return nil
	}
	e.look(v, ver, at)
	e.act.item, e.act.from, e.act.joins = r, task.span.from, nil
	where, err := e.act.ask(task.p.where)
	if err != nil {
		return err
	}
	o := occurrence{task: i, ver: ver, at: at}
	switch {
	case where.tri == no:
		o.answer = answer{out: audit.NotApplicable}
	case !known:
		o.at = max(task.span.from, min(micros(e.hist.Versions[ver].From.At), task.span.to-1)) // when is what is not known
		o.answer = answer{why: e.missing(r, task.p.at)}
	case where.tri == unsure:
		o.answer = answer{why: where.why}
	default:
		if err := e.joins[i].bind(moment{at, false}); err != nil {
			return err
		}
		if err := e.attributes(task.p, &o); err != nil {
			return err
		}
		e.unsupported(v, &o)
	}
	e.occurred(&o)
	return nil
}

func (e *evaluator) missing(r *row, p path) string {
	return r.name + "." + r.layout.names[p.slot] + " was not collected"
}

// latest is the item's last version that is not its disappearance.
func (e *evaluator) latest() int {
	for i := e.used - 1; i >= 0; i-- {
		if !e.hist.Versions[i].Gone {
			return i
		}
	}
	return -1
}

// look sets the clock to an occurrence at that instant, told of by a version.
func (e *evaluator) look(v *view, ver int, at int64) {
	c := &e.clock
	c.now, c.known, c.asOf, c.told, c.next = at, e.seenUntil(v, ver, at), e.run.asOf, e.run.asOf, forever
	if !v.tail.empty() {
		c.told = v.tail.from - 1
	}
}

// seenUntil is the last instant at which the item's state was seen: a
// deadline after it cannot be known to be missed.
func (e *evaluator) seenUntil(v *view, ver int, at int64) int64 {
	if v.stream.Mode == audit.ModeSnapshot {
		last := micros(e.hist.Versions[e.used-1].From.At)
		if n := len(v.points); n > 0 {
			last = max(last, v.points[n-1])
		}
		return min(last, e.run.asOf)
	}
	if c := v.certain(&e.hist.Versions[ver]); c.to > at || !e.table.layout.typ.Event {
		return min(c.to, e.run.asOf)
	}
	return at
}

// unsupported takes back what rests on a state that a change history told of
// before a gap: when it happened, the item may have been another.
func (e *evaluator) unsupported(v *view, o *occurrence) {
	if v.stream.Mode != audit.ModeChanges || o.out == audit.Pending || o.at < v.certain(&e.hist.Versions[o.ver]).to {
		return
	}
	o.attrs = nil
	switch known, _ := v.at(o.at); {
	case known:
		o.answer = answer{why: v.stale(o.at)}
	case v.tail.from <= o.at && o.at < v.tail.to:
		o.answer = answer{out: audit.Pending, why: outstanding}
	default:
		why, _ := v.why(stretch{o.at, o.at + 1})
		o.answer = answer{why: why}
	}
}

// An occurrence is one thing that happened, with what its test found.
type occurrence struct {
	task  int
	ver   int
	at    int64
	attrs []audit.AttributeResult
	answer
}

// attributes tests every attribute; the worst decides.
func (e *evaluator) attributes(p *Procedure, o *occurrence) error {
	o.out = audit.NotApplicable
	var whys []string
	for _, a := range p.attrs {
		x, err := e.attribute(a)
		if err != nil {
			return fmt.Errorf("attribute %s: %w", a.name, err)
		}
		o.attrs = append(o.attrs, audit.AttributeResult{Name: a.name, Text: a.text, Outcome: x.out, Reason: x.why})
		o.out = worse(o.out, x.out)
	}
	for _, a := range o.attrs {
		if a.Outcome == o.out && a.Outcome != audit.Operated {
			whys = append(whys, a.Name+": "+a.Reason)
		}
	}
	if len(p.attrs) == 0 {
		o.out = audit.Operated
	}
	o.why = strings.Join(whys, "; ")
	return nil
}

func (e *evaluator) attribute(a *attribute) (answer, error) {
	if a.ask != "" {
		return answer{out: audit.Pending, why: "a person answers: " + a.ask}, nil
	}
	x, err := e.act.ask(a.holds)
	if err != nil || x.tri == unsure && x.out != audit.Deviated {
		return x, err
	}
	if x.tri == yes {
		return answer{out: audit.Operated}, nil
	}
	if x.why == "" {
		x.why = "does not hold: " + a.holds.text
	}
	if a.late != nil {
		l, err := e.act.ask(a.late)
		if err != nil {
			return l, err
		}
		if l.tri == yes {
			return answer{out: audit.Late, why: "done, but late; " + x.why}, nil
		}
		if l.tri == unsure {
			return l, nil
		}
	}
	return answer{out: audit.Deviated, why: x.why}, nil
}

// occurred counts an occurrence and writes its result.
func (e *evaluator) occurred(o *occurrence) {
	task, t := e.tasks[o.task], &e.out.tallies[o.task]
	t.counts[o.out]++
	if o.out != audit.NotApplicable {
		t.items++
	}
	for _, why := range o.unseen() {
		t.gap(gapKey{stream: e.hist.Stream, reason: why}, 1, stretch{o.at, o.at + 1}, []int64{e.hist.Versions[o.ver].Record})
	}
	finding := o.out == audit.Deviated || o.out == audit.Late
	if !finding && e.run.emit == nil {
		return
	}
	r := e.occurrenceResult(task, o)
	if finding {
		t.deviations = append(t.deviations, task.deviation(r))
	}
	if e.run.emit != nil {
		e.out.results = append(e.out.results, r)
	}
}

// unseen are the reasons for which something of the occurrence is not known.
func (o *occurrence) unseen() []string {
	if len(o.attrs) == 0 && o.out == audit.NoEvidence {
		return []string{o.why}
	}
	var out []string
	for _, a := range o.attrs {
		if a.Outcome == audit.NoEvidence {
			out = append(out, a.Reason)
		}
	}
	return unique(out)
}

func (e *evaluator) occurrenceResult(task *task, o *occurrence) audit.Result {
	v := task.views[e.hist.Stream]
	if e.label == "" {
		e.label = e.name()
	}
	r := audit.Result{Procedure: task.p.ID, Hash: task.p.Hash, Item: e.hist.ID, Label: e.label, Outcome: o.out, Span: audit.At(instant(o.at)),
		Start: audit.ExactBound(instant(o.at)), Exact: true, Attributes: o.attrs, Reason: o.why, Stream: v.stream.StreamKey,
		Records: []int64{e.hist.Versions[o.ver].Record}}
	if o.out != audit.Operated && o.out != audit.NotApplicable {
		r.Values = e.values(task, o.ver)
	}
	return r
}
