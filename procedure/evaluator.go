package procedure

import (
	"bytes"
	"context"
	"fmt"

	"tieout/audit"
)

// An evaluator runs all tasks of one item type over items. One goroutine each.
type evaluator struct {
	run   *run
	table *table
	tasks []*task
	want  uint64
	nodes []*node
	group []*contGroup
	evts  []int // indexes of event tasks
	rows  []*row
	hist  *audit.History
	used  int // rows in use
	label string
	act   activation
	clock clock
	joins []*joiner // by task
	out   *chunk

	pieces []piece      // of the task at hand, kept for its memory
	told   []occurrence // likewise
}

func newEvaluator(ctx context.Context, r *run, tb *table, tasks []*task) *evaluator {
	e := &evaluator{run: r, table: tb, tasks: tasks, clock: clock{cal: r.cal}}
	e.act.clock, e.act.ctx = &e.clock, ctx
	e.joins = make([]*joiner, len(tasks))
	for i, t := range tasks {
		p := t.p
		e.joins[i] = &joiner{p: p, tables: r.tables, act: &e.act}
		e.want |= p.wants()
		if t.span.empty() {
			continue
		}
		switch p.Form {
		case audit.Continuous:
			e.addContinuous(i)
		case audit.Event:
			e.evts = append(e.evts, i)
		}
	}
	e.want |= 1 << e.table.layout.labelSlot()
	return e
}

// wants are the slots of the population's item that a procedure reads.
func (p *Procedure) wants() uint64 {
	var m uint64
	note := func(q *program) {
		if q != nil {
			m |= q.reads[p.ItemType]
		}
	}
	note(p.where)
	note(p.holds)
	for _, a := range p.attrs {
		note(a.holds)
		note(a.late)
	}
	if p.cadence != nil {
		note(p.cadence.performed)
		if p.cadence.each != nil {
			m |= 1 << p.cadence.each.key
		}
	}
	if p.Form == audit.Event {
		m |= 1 << p.at.slot
	}
	for _, j := range p.joins {
		if j.where != nil {
			m |= j.where.reads[p.ItemType]
		}
		for _, s := range j.sources() {
			if s.join < 0 {
				m |= 1 << s.slot
			}
		}
	}
	return m
}

// chunk tests the i-th chunk of items.
func (e *evaluator) chunk(i int) (*chunk, error) {
	e.out = e.run.newChunk(len(e.tasks))
	for k := i * chunkItems; k < min((i+1)*chunkItems, len(e.table.tl.Histories)); k++ {
		if e.act.ctx.Err() != nil {
			return nil, context.Cause(e.act.ctx)
		}
		if err := e.item(&e.table.tl.Histories[k]); err != nil {
			return nil, err
		}
	}
	return e.out, nil
}

// item tests one item under every task.
func (e *evaluator) item(h *audit.History) error {
	if err := e.load(h); err != nil {
		return err
	}
	if e.used == 0 {
		return nil
	}
	if err := e.continuous(); err != nil {
		return err
	}
	for _, i := range e.evts {
		if err := e.event(i); err != nil {
			return fmt.Errorf("procedure %s, %s %q: %w", e.tasks[i].p.ID, e.table.layout.typ.Name, h.ID, err)
		}
	}
	return nil
}

// load decodes the versions of h that were known by the run's instant. Rows
// of versions that are gone are left empty.
func (e *evaluator) load(h *audit.History) error {
	e.hist, e.used, e.label = h, 0, ""
	for i := range h.Versions {
		v := &h.Versions[i]
		if micros(v.From.At) > e.run.asOf {
			break
		}
		if i == len(e.rows) {
			e.rows = append(e.rows, newRow(e.table.layout, e.table.layout.typ.Name))
		}
		e.used++
		if v.Gone {
			clear(e.rows[i].slots)
			continue
		}
		if err := e.rows[i].load(h, v, e.want); err != nil {
			return err
		}
	}
	return nil
}

// A node is one distinct question without a clock, shared by all tasks that
// ask it: its answer stands until one of its slots changes, and is asked once
// for each distinct content of them.
type node struct {
	prog   *program
	slots  []int
	mask   uint64
	key    []byte
	memo   map[string]answer
	hits   int
	misses int
	last   answer
}

// Limits of a memo: it is dropped where contents hardly ever repeat.
const (
	memoTrial = 4096
	memoMax   = 1 << 16
)

// node returns the node of p's question q; nil for none.
func (e *evaluator) node(p *Procedure, q *program) *node {
	if q == nil {
		return nil
	}
	for _, n := range e.nodes {
		if n.prog == q || n.prog.key != "" && n.prog.key == q.key {
			return n
		}
	}
	n := &node{prog: q, mask: q.reads[p.ItemType], memo: map[string]answer{}}
	for s := range e.table.layout.names {
		if n.mask>>s&1 == 1 {
			n.slots = append(n.slots, s)
		}
	}
	e.nodes = append(e.nodes, n)
	return n
}

// ask answers the question of one row.
func (n *node) ask(a *activation, r *row) error {
	if n.memo == nil {
		return n.eval(a, r)
	}
	n.key = n.key[:0]
	for _, s := range n.slots {
		raw := r.slots[s].raw
		n.key = append(n.key, byte(len(raw)), byte(len(raw)>>8), byte(len(raw)>>16))
		n.key = append(n.key, raw...)
	}
	if v, ok := n.memo[string(n.key)]; ok {
		n.hits++
		n.last = v
		return nil
	}
	if err := n.eval(a, r); err != nil {
		return err
	}
	n.misses++
	if n.misses == memoTrial && n.hits < n.misses || len(n.memo) >= memoMax {
		n.memo = nil
		return nil
	}
	n.memo[string(n.key)] = n.last
	return nil
}

func (n *node) eval(a *activation, r *row) error {
	a.item = r
	v, err := a.ask(n.prog)
	n.last = v
	return err
}

// changed is the set of slots in which two rows differ.
func changed(a, b *row) uint64 {
	var m uint64
	for i := range a.slots {
		x, y := a.slots[i].raw, b.slots[i].raw
		if len(x) != len(y) || !bytes.Equal(x, y) || (x == nil) != (y == nil) {
			m |= 1 << i
		}
	}
	return m
}

// name is how a person would name the item.
func (e *evaluator) name() string {
	s := e.table.layout.labelSlot()
	for i := e.used - 1; i >= 0 && s != slotID; i-- {
		if raw := e.rows[i].slots[s].raw; len(raw) > 2 {
			return unquote(raw)
		}
	}
	return ""
}
