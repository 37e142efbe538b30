package procedure

import (
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
)

// event tests the occurrences under task i that the loaded item's versions
// told of, each in the last version that said so.
func (e *evaluator) event(i int) error {
	task := e.tasks[i]
	ver := e.latest()
	if ver < 0 {
		return nil
	}
	for _, o := range e.occurrences(task.p.at.slot) {
		if task.span.from <= o.at && o.at < task.span.to {
			o.task = i
			if err := e.occasionOf(task, &o); err != nil {
				return err
			}
		}
	}
	if e.rows[ver].known(task.p.at.slot) {
		return nil
	}
	o := occurrence{task: i, ver: ver}
	o.at = max(task.span.from, min(micros(e.hist.Versions[ver].From.At), task.span.to-1)) // when is what is not known
	where, err := e.whether(task, &o)
	if err != nil {
		return err
	}
	if o.answer = (answer{why: e.missing(e.rows[ver], task.p.at)}); where.tri == no {
		o.answer = answer{out: audit.NotApplicable}
	}
	e.occurred(&o)
	return nil
}

// whether asks if an occurrence is of the population, in the version that told of it.
func (e *evaluator) whether(task *task, o *occurrence) (answer, error) {
	e.look(task.views[e.hist.Stream], o)
	e.act.item, e.act.from, e.act.joins = e.rows[o.ver], task.span.from, nil
	return e.act.ask(task.p.where)
}

func (e *evaluator) occasionOf(task *task, o *occurrence) error {
	where, err := e.whether(task, o)
	if err != nil {
		return err
	}
	switch where.tri {
	case no:
		o.answer = answer{out: audit.NotApplicable}
	case unsure:
		o.answer = answer{why: where.why, cause: where.cause}
	default:
		if err := e.joins[o.task].bind(moment{o.at, false}); err != nil {
			return err
		}
		if err := e.attributes(task.p, o); err != nil {
			return err
		}
		e.unsupported(task.views[e.hist.Stream], o)
	}
	e.occurred(o)
	return nil
}

// correctionReach is how far an instant that has passed may be moved ahead and
// still be the same occurrence.
const correctionReach = 30 * day

// occurrences are what the item's versions told of in a field, in order of
// first telling. Versions in a row with a real instant tell of one occurrence,
// which happened when the last of them says. Never, told before the instant
// came, is a correction; told after it, the occurrence has happened and stays.
// An instant that had passed and is moved ahead by more than correctionReach,
// to one still to come, happened too, and the new one is another.
func (e *evaluator) occurrences(slot int) []occurrence {
	out := e.told[:0]
	open := -1 // the one that a version may still correct
	for i := range e.used {
		v := &e.hist.Versions[i]
		if v.Gone || !e.rows[i].known(slot) {
			continue
		}
		at, told := e.rows[i].slots[slot].num, micros(v.From.At)
		passed := open >= 0 && out[open].at <= told
		switch {
		case at == never && passed:
			out[open].until, open = e.lastSeen(i), -1
		case at == never && open >= 0:
			out, open = out[:open], -1
		case at == never:
		case passed && at > told && at-out[open].at > correctionReach:
			out[open].until = e.lastSeen(i)
			out = append(out, occurrence{ver: i, at: at})
			open = len(out) - 1
		case open >= 0:
			out[open].ver, out[open].at = i, at
		default:
			out, open = reopened(out, i, at)
		}
	}
	e.told = out
	return out
}

// reopened adds an occurrence; one that was taken back and is told of again is
// the same.
func reopened(out []occurrence, ver int, at int64) ([]occurrence, int) {
	out = slices.DeleteFunc(out, func(o occurrence) bool { return o.at == at })
	return append(out, occurrence{ver: ver, at: at}), len(out)
}

// lastSeen is the last instant at which version i had not begun yet.
func (e *evaluator) lastSeen(i int) int64 {
	b := &e.hist.Versions[i].From
	if b.Exact() {
		return micros(b.At) - 1
	}
	return micros(b.After)
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

// look sets the clock to an occurrence.
func (e *evaluator) look(v *view, o *occurrence) {
	c := &e.clock
	c.now, c.known, c.asOf, c.told, c.next = o.at, e.seenUntil(v, o.ver, o.at), e.run.asOf, e.run.asOf, forever
	if o.until != 0 {
		c.known = min(c.known, o.until)
	}
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
	ver   int // the last that told of it
	at    int64
	until int64 // when it was last told of; 0: to the end
	attrs []audit.AttributeResult

	causes []string // of attributes without evidence
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
		if x.out == audit.NoEvidence {
			o.causes = append(o.causes, x.gap())
		}
		o.out = Worse(o.out, x.out)
	}
	for _, a := range o.attrs {
		if a.Outcome == o.out && a.Outcome != audit.Operated {
			whys = append(whys, said(&a))
		}
	}
	if len(p.attrs) == 0 {
		o.out = audit.Operated
	}
	o.why = strings.Join(whys, "; ")
	return nil
}

// said writes an attribute's outcome for people: what was asked, then what was seen.
func said(a *audit.AttributeResult) string {
	asked := a.Name
	if a.Text != "" {
		asked = strings.TrimRight(a.Text, ".?")
	}
	if a.Outcome != audit.Deviated {
		return asked + ": " + a.Reason
	}
	if strings.HasPrefix(a.Reason, "Read: ") {
		return asked + ": no. " + a.Reason
	}
	return asked + ": no; " + a.Reason
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
		x.why = e.read(a.holds)
	}
	if a.late != nil {
		l, err := e.act.ask(a.late)
		if err != nil {
			return l, err
		}
		if l.tri == yes {
			return answer{out: audit.Late, why: "done, but late. " + x.why}, nil
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

// unseen is what hides something of the occurrence.
func (o *occurrence) unseen() []string {
	if len(o.attrs) == 0 && o.out == audit.NoEvidence {
		return []string{o.gap()}
	}
	return unique(o.causes)
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
