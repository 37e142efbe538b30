package procedure

import (
	"fmt"
	"math/bits"
	"sort"

	"tieout/audit"
)

// A contGroup holds the continuous tasks that share a span and a maxGap, and
// so the way an item's life is cut.
type contGroup struct {
	span   stretch
	maxGap int64
	views  []*view
	tasks  []contTask
	segs   []seg
	flags  []segFlags // by version
	gapIdx []int32    // gaps of the stream that versions fall in; segFlags cut it
}

// segFlags says what a version's segments hold.
type segFlags struct {
	known, weak bool
	stale       bool
	tail        bool // it ends in a gap that the next version ends
	gaps        [2]int32
}

// A contTask is a continuous task with its two questions.
type contTask struct {
	task         int
	where, holds *node  // where is nil for every item, or where it reads the clock; holds unless quick
	quick        bool   // neither clock nor joins nor grace
	bits         uint8  // outcomes seen
	unseen       uint64 // versions in the population that fall in gaps
	slow         bool   // needs the closer look
	said         map[gapAsked]saying
}

func (e *evaluator) addContinuous(i int) {
	t := e.tasks[i]
	p := t.p
	c := contTask{task: i, quick: p.grace == 0 && len(p.joins) == 0 && !p.holds.clock && (p.where == nil || !p.where.clock)}
	if p.where != nil && !p.where.clock {
		c.where = e.node(p, p.where)
	}
	if c.quick {
		c.holds = e.node(p, p.holds)
	}
	for _, g := range e.group {
		if g.span == t.span && g.maxGap == p.maxGap {
			g.tasks = append(g.tasks, c)
			return
		}
	}
	e.group = append(e.group, &contGroup{span: t.span, maxGap: p.maxGap, views: t.views, tasks: []contTask{c}})
}

// continuous tests the loaded item under every continuous task: one look at
// each version for all tasks, and a closer one where a task found more than
// states that were seen and held.
func (e *evaluator) continuous() error {
	for _, g := range e.group {
		g.begin(e)
	}
	var prev *row
	for i := range e.used {
		if e.hist.Versions[i].Gone {
			continue
		}
		if err := e.version(i, prev); err != nil {
			return err
		}
		prev = e.rows[i]
	}
	for _, g := range e.group {
		for i := range g.tasks {
			if err := e.close(g, &g.tasks[i]); err != nil {
				t := e.tasks[g.tasks[i].task]
				return fmt.Errorf("procedure %s, %s %q: %w", t.p.ID, t.p.ItemType, e.hist.ID, err)
			}
		}
	}
	return nil
}

// begin cuts the item's life for the group.
func (g *contGroup) begin(e *evaluator) {
	g.segs = g.views[e.hist.Stream].segments(g.segs[:0], e.hist, g.span, e.run.asOf)
	g.flags, g.gapIdx = g.flags[:0], g.gapIdx[:0]
	for range e.used {
		g.flags = append(g.flags, segFlags{})
	}
	for i, s := range g.segs {
		f := &g.flags[s.ver]
		switch s.kind {
		case segKnown:
			f.known = true
		case segWeak:
			f.weak = true
		case segStale:
			f.stale = true
		default:
			g.gap(e, i, f)
		}
	}
	for i := range g.tasks {
		c := &g.tasks[i]
		c.bits, c.unseen, c.slow = 0, 0, !c.quick || e.run.emit != nil || e.used > 64
	}
}

// gap notes which gap of the stream segment i of a version is.
func (g *contGroup) gap(e *evaluator, i int, f *segFlags) {
	s := g.segs[i]
	if f.gaps[0] == f.gaps[1] {
		f.gaps = [2]int32{int32(len(g.gapIdx)), int32(len(g.gapIdx))}
	}
	keys := e.tasks[g.tasks[0].task].gaps[e.hist.Stream]
	k := sort.Search(len(keys), func(k int) bool { return keys[k].to > s.from })
	g.gapIdx = append(g.gapIdx, int32(k))
	f.gaps[1]++
	f.tail = i+1 < len(g.segs) && g.segs[i+1].from == s.to && g.segs[i+1].ver != s.ver
}

// version asks the questions that the change from prev touches, and notes for
// each task what the version's segments come to.
func (e *evaluator) version(i int, prev *row) error {
	r := e.rows[i]
	diff := ^uint64(0)
	if prev != nil {
		diff = changed(prev, r)
	}
	for _, n := range e.nodes {
		if n.mask&diff != 0 {
			if err := n.ask(&e.act, r); err != nil {
				return fmt.Errorf("%s %q: %w", e.table.layout.typ.Name, e.hist.ID, err)
			}
		}
	}
	for _, g := range e.group {
		f := g.flags[i]
		if !f.known && !f.weak && !f.stale && f.gaps[0] == f.gaps[1] {
			continue
		}
		for k := range g.tasks {
			g.tasks[k].note(i, &f)
		}
	}
	return nil
}

// note adds what one version comes to; what needs a closer look makes it slow.
func (c *contTask) note(ver int, f *segFlags) {
	if c.slow {
		return
	}
	switch {
	case f.weak || f.stale:
		c.slow = true
	case c.where != nil && c.where.last.tri == no:
		c.bits |= 1 << audit.NotApplicable
		c.slow = f.tail
	case c.where != nil && c.where.last.tri == unsure || c.holds.last.tri != yes:
		c.slow = true
	case f.gaps[0] < f.gaps[1]:
		c.unseen |= 1 << ver
		fallthrough
	default:
		if f.known {
			c.bits |= 1 << audit.Operated
		}
	}
}

// close counts the item under one task.
func (e *evaluator) close(g *contGroup, c *contTask) error {
	t := &e.out.tallies[c.task]
	switch {
	case len(g.segs) == 0:
		return nil
	case c.slow:
		return e.trace(g, c)
	case c.unseen != 0:
		t.items++
		t.counts[audit.NoEvidence]++
		t.missed(e.tasks[c.task], g, c, e.hist.Stream)
	case c.bits>>audit.Operated&1 == 1:
		t.items++
		t.counts[audit.Operated]++
	default:
		t.counts[audit.NotApplicable]++
	}
	return nil
}

// missed counts the item in every gap its versions fall in.
func (t *tally) missed(task *task, g *contGroup, c *contTask, stream int) {
	if t.hits == nil {
		t.hits = make([][]int, len(task.gaps))
	}
	if t.hits[stream] == nil {
		t.hits[stream] = make([]int, len(task.gaps[stream]))
	}
	for rest := c.unseen; rest != 0; rest &= rest - 1 {
		f := &g.flags[bits.TrailingZeros64(rest)]
		for _, k := range g.gapIdx[f.gaps[0]:f.gaps[1]] {
			t.hits[stream][k]++
		}
	}
}

// A piece is a part of an item's life with one outcome.
type piece struct {
	stretch
	answer // out and why
	ver    int
	grace  bool
	gap    bool // no evidence because the stream was not seen
}

// trace tests one item under one task instant by instant where needed, and
// reports maximal stretches of one outcome.
func (e *evaluator) trace(g *contGroup, c *contTask) error {
	task := e.tasks[c.task]
	segs := g.segs
	if task.p.grace > 0 {
		back := stretch{g.span.from - task.p.grace, g.span.to}
		segs = g.views[e.hist.Stream].segments(nil, e.hist, back, e.run.asOf)
	}
	ps := e.pieces[:0]
	var err error
	for i, s := range segs {
		switch s.kind {
		case segGap:
			ps, err = e.gapPiece(ps, c, segs, i)
		case segStale:
			why := task.views[e.hist.Stream].stale(s.from)
			ps = append(ps, piece{stretch: s.stretch, answer: answer{why: why}, ver: s.ver})
		default:
			ps, err = e.seenPieces(ps, c, s)
		}
		if err != nil {
			return err
		}
	}
	e.pieces = ps
	ps = merge(ps)
	if task.p.grace > 0 {
		ps = merge(applyGrace(ps, task.p.grace, g.span))
	}
	return e.report(c, ps)
}

// ask2 answers where and holds of a version at one instant, and says until
// when the answer stands.
func (e *evaluator) ask2(c *contTask, ver int, at int64) (answer, int64, error) {
	task := e.tasks[c.task]
	if c.quick {
		a, err := e.recall(c, ver)
		return a, forever, err
	}
	e.clock.set(at)
	e.act.item, e.act.from = e.rows[ver], task.span.from
	where, err := e.askWhere(c, ver)
	if err != nil || where.tri != yes {
		return combine(where, answer{}), e.clock.next, err
	}
	if len(task.p.joins) > 0 {
		if err := e.joins[c.task].bind(moment{at, true}); err != nil {
			return answer{}, 0, err
		}
	}
	holds, err := e.act.ask(task.p.holds)
	return combine(where, holds), e.clock.next, err
}

const onlyIncomplete = "it was seen only in an incomplete collection, which cannot support more"

// seenPieces asks from the segment's start to each next flip. Of a stretch in
// which a joined history is outstanding nothing is said yet.
func (e *evaluator) seenPieces(ps []piece, c *contTask, s seg) ([]piece, error) {
	for at := s.from; at < s.to; {
		a, next, err := e.ask2(c, s.ver, at)
		if err != nil {
			return nil, err
		}
		if s.kind == segWeak && a.out == audit.Operated {
			a = answer{out: audit.NoEvidence, why: onlyIncomplete}
		}
		to := min(next, s.to)
		if a.out != audit.Pending || a.why != outstanding {
			ps = append(ps, piece{stretch: stretch{at, to}, answer: a, ver: s.ver})
		}
		at = to
	}
	return ps, nil
}

// gapPiece: what was not seen is no evidence of every item that was in the
// population, or may have been, on one side of the gap.
func (e *evaluator) gapPiece(ps []piece, c *contTask, segs []seg, i int) ([]piece, error) {
	s, task := segs[i], e.tasks[c.task]
	p := piece{stretch: s.stretch, ver: s.ver, gap: true}
	p.why = task.gapReason(e.hist.Stream, s.stretch)
	outside, err := e.outside(c, s.ver, s.from)
	if err != nil {
		return nil, err
	}
	after := i+1 < len(segs) && segs[i+1].from == s.to
	switch {
	case after && segs[i+1].kind == segStale:
		outside = false // it is not known to have stayed outside
	case outside && after && segs[i+1].ver != s.ver:
		if outside, err = e.outside(c, segs[i+1].ver, s.to); err != nil {
			return nil, err
		}
	}
	if outside {
		p.answer, p.gap = answer{out: audit.NotApplicable}, false
	}
	return append(ps, p), nil
}

func (e *evaluator) outside(c *contTask, ver int, at int64) (bool, error) {
	e.clock.set(at)
	where, err := e.askWhere(c, ver)
	return where.tri == no, err
}

// askWhere answers whether a version is in the population, at the clock's
// instant; from memory where the clock does not matter.
func (e *evaluator) askWhere(c *contTask, ver int) (answer, error) {
	if c.where != nil {
		err := c.where.ask(&e.act, e.rows[ver])
		return c.where.last, err
	}
	e.act.item = e.rows[ver]
	return e.act.ask(e.tasks[c.task].p.where)
}

// recall answers a quick task's questions of a version from their nodes.
func (e *evaluator) recall(c *contTask, ver int) (answer, error) {
	where, err := e.askWhere(c, ver)
	if err != nil || where.tri != yes {
		return combine(where, answer{}), err
	}
	err = c.holds.ask(&e.act, e.rows[ver])
	return combine(where, c.holds.last), err
}

// merge joins neighbors of the same outcome; no evidence also of the same reason.
func merge(ps []piece) []piece {
	out := ps[:0]
	for _, p := range ps {
		if n := len(out); n > 0 {
			q := &out[n-1]
			if q.to == p.from && q.out == p.out && q.grace == p.grace && q.gap == p.gap &&
				(p.out == audit.Operated || p.out == audit.Deviated || p.out == audit.NotApplicable || q.why == p.why) {
				q.to = p.to
				continue
			}
		}
		out = append(out, p)
	}
	return out
}

// applyGrace lets the first grace of every run of deviation count as operated
// in grace. A run that may have begun, or gone on, in a stretch without
// evidence began at that stretch's start at the earliest; where that leaves
// open whether the grace had run out, there is no evidence.
func applyGrace(ps []piece, grace int64, span stretch) []piece {
	var out []piece
	var earliest int64
	running := false
	for i, p := range ps {
		switch p.out {
		case audit.Deviated:
			touches := i > 0 && ps[i-1].to == p.from && ps[i-1].out == audit.NoEvidence
			switch {
			case touches && !running:
				earliest = ps[i-1].from
			case !running:
				earliest = p.from
			}
			running = true
			out = append(out, splitGrace(p, earliest+grace, p.from+grace)...)
		case audit.NoEvidence:
			out = append(out, p)
		default:
			running = false
			out = append(out, p)
		}
	}
	kept := out[:0]
	for _, p := range out {
		if p.stretch = p.stretch.cut(span); !p.empty() {
			kept = append(kept, p)
		}
	}
	return kept
}

func splitGrace(p piece, certain, over int64) []piece {
	var out []piece
	add := func(to int64, a answer, grace bool) {
		s := stretch{p.from, min(to, p.to)}
		if s.empty() {
			return
		}
		q := p
		q.stretch, q.answer, q.grace = s, a, grace
		out = append(out, q)
		p.from = s.to
	}
	add(certain, answer{out: audit.Operated}, true)
	add(over, answer{out: audit.NoEvidence, why: "whether the grace had run out is not known: it began while nothing was seen"}, false)
	add(forever, p.answer, false)
	return out
}
