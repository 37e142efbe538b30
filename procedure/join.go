package procedure

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"tieout/audit"
)

// A joined is what one join found at one instant.
type joined struct {
	rows   []*row
	rest   *types.Unknown // set where there may be more
	list   ref.Val        // of a list
	single *row           // of `one`
	cause  *types.Unknown // set where nothing was found: what that means
	ids    []string       // for values
}

// A moment is when joins are asked: the occurrence's instant, or every
// instant of a continuous test.
type moment struct {
	at         int64
	continuous bool
}

// A joiner answers the joins of one procedure. For one goroutine.
type joiner struct {
	p      *Procedure
	tables map[string]*table
	act    *activation
	holes  map[holeKey]string
}

// A holeKey is a gap of a stream: the one before the i-th known stretch.
type holeKey struct {
	v *view
	i int
}

// bind fills the activation with every join at m.
func (x *joiner) bind(m moment) error {
	x.act.joins = make([]joined, len(x.p.joins))
	for i, j := range x.p.joins {
		res, err := x.resolve(j, m)
		if err != nil {
			return fmt.Errorf("join %s: %w", j.name, err)
		}
		x.act.joins[i] = x.finish(j, res)
	}
	return nil
}

// finish turns what was found into values.
func (x *joiner) finish(j *join, r joined) joined {
	if len(r.rows) == 0 && r.rest == nil && r.cause == nil {
		r.cause = stated(x.p.statedOutcome(j.name), fmt.Sprintf("no %s was found for it (%s)", j.layout.typ.Name, j.name))
	}
	if !j.one {
		switch {
		case len(r.rows) == 0 && r.rest == nil:
			r.list = r.cause
		default:
			known := make([]ref.Val, len(r.rows))
			for i, e := range r.rows {
				known[i] = e
			}
			r.list = newPartial(known, r.rest)
		}
		return r
	}
	r.single = newRow(j.layout, j.name)
	byID := len(j.on) > 0 && j.on[0].slot == slotID
	switch {
	case len(r.rows) == 1 && (r.rest == nil || byID):
		r.single, r.rest = r.rows[0], nil
	case len(r.rows) > 1:
		r.single.none = unknownFor(fmt.Sprintf("%d of type %s match where one was expected (%s)", len(r.rows), j.layout.typ.Name, j.name),
			fmt.Sprintf("several of type %s match where one was expected (%s)", j.layout.typ.Name, j.name))
	case r.rest != nil:
		r.single.none = r.rest
	default:
		r.single.none = r.cause
	}
	return r
}

// resolve finds the joined items.
func (x *joiner) resolve(j *join, m moment) (joined, error) {
	var res joined
	cands, done := x.matching(j, &res)
	if done {
		return res, nil
	}
	s, ok := x.window(j, m, &res)
	if !ok {
		return res, nil
	}
	views := x.tables[j.layout.typ.Name].view(x.p.maxGap)
	if len(views) == 0 {
		res.merge(fmt.Sprintf("nothing collects %s", j.layout.typ.Name))
		return res, nil
	}
	if j.layout.typ.Event {
		return res, x.events(j, m, s, views, cands, &res)
	}
	return res, x.states(j, m, s.to, views, cands, &res)
}

func (r *joined) merge(reason string) { r.add(unknown(reason)) }

func (r *joined) add(u *types.Unknown) { r.rest = types.MergeUnknowns(r.rest, u) }

// values are the texts at the source side of a pairing. What is not known of
// them goes to res; done where they cannot be known at all or are none.
func (x *joiner) values(p path, res *joined) ([]string, bool) {
	if p.join < 0 {
		return x.rowValues(x.act.item, p.slot, nil, res), true
	}
	src := &x.act.joins[p.join]
	if src.rest != nil {
		res.add(src.rest)
	}
	if src.cause != nil {
		res.cause = src.cause
		return nil, false
	}
	if src.single != nil {
		return x.rowValues(src.single, p.slot, nil, res), true
	}
	var out []string
	for _, r := range src.rows {
		out = x.rowValues(r, p.slot, out, res)
	}
	return out, true
}

func (x *joiner) rowValues(r *row, slot int, out []string, res *joined) []string {
	if !r.known(slot) {
		if u, ok := r.get(slot).(*types.Unknown); ok {
			res.add(u)
		}
		return out
	}
	if r.layout.kinds[slot] == audit.Strings {
		return append(out, unquoteAll(r.slots[slot].raw)...)
	}
	if s := unquote(r.slots[slot].raw); s != "" {
		out = append(out, s)
	}
	return out
}

// A candidateSet is the histories that may match, and those of which it is not
// known whether they do.
type candidateSet struct {
	ids     []int32
	unkeyed []int32    // the field compared was not collected in some version
	keys    [][]string // by pairing
}

// matching narrows the joined type to histories that may match, by the pairing
// that leaves the fewest; admit holds each to all pairings.
func (x *joiner) matching(j *join, res *joined) (candidateSet, bool) {
	var c candidateSet
	t := x.tables[j.layout.typ.Name]
	best := -1
	for _, o := range j.on {
		keys, ok := x.values(o.src, res)
		if !ok {
			return c, true
		}
		c.keys = append(c.keys, keys)
		if n := t.count(o.slot, keys); best < 0 || n < best {
			best = n
			c.ids, c.unkeyed = t.candidates(o.slot, keys)
		}
	}
	return c, false
}

// window is the stretch a join speaks about; from == to for one instant.
func (x *joiner) window(j *join, m moment, res *joined) (stretch, bool) {
	s := stretch{m.at, m.at}
	if j.layout.typ.Event && j.at == nil && j.from == nil && j.to == nil && j.after == 0 && j.before == 0 {
		s.from = always
		if !m.continuous {
			s.to = x.act.clock.asOf
		}
		return s, true
	}
	ok := true
	for _, e := range []struct {
		p    *path
		ends []*int64
	}{{j.at, []*int64{&s.from, &s.to}}, {j.from, []*int64{&s.from}}, {j.to, []*int64{&s.to}}} {
		if e.p != nil {
			ok = x.instant(e.p, e.ends, res) && ok
		}
	}
	if !ok {
		return s, false
	}
	if j.from == nil && j.to != nil {
		s.from = s.to
	}
	if j.to == nil && j.from != nil {
		s.to = s.from
	}
	cal := x.act.clock.cal
	s.from, s.to = cal.sub(s.from, j.before), cal.add(s.to, j.after)
	return s, true
}

func (x *joiner) instant(p *path, ends []*int64, res *joined) bool {
	r := x.act.item
	if p.join >= 0 {
		r = x.act.joins[p.join].single
	}
	if !r.known(p.slot) {
		if u, ok := r.get(p.slot).(*types.Unknown); ok {
			res.add(u)
		}
		return false
	}
	t := r.slots[p.slot].num
	if t == never {
		res.merge(p.text + " is never, so there is no instant to look at")
		return false
	}
	for _, e := range ends {
		*e = t
	}
	return true
}

// uncovered adds to res what is not known of the streams at t.
func (x *joiner) uncovered(j *join, m moment, t int64, views []*view, res *joined) {
	for _, v := range views {
		known, next := v.at(t)
		if m.continuous {
			x.act.clock.flips(next)
		}
		if !known && v.tail.from <= t && t < v.tail.to {
			res.add(outstandingUnknown)
		} else if !known {
			hole := x.hole(v, t)
			res.add(unknownFor(fmt.Sprintf("%s was not seen at %s in %s", j.layout.typ.Name, text(t), streamName(v.stream.StreamKey)), j.layout.typ.Name+" "+hole))
		}
	}
}

// hole names the gap of a stream around t, once for all that hangs on it.
func (x *joiner) hole(v *view, t int64) string {
	k := holeKey{v, v.first(t)}
	h, ok := x.holes[k]
	if !ok {
		if x.holes == nil {
			x.holes = map[holeKey]string{}
		}
		h, _ = v.hole(t)
		x.holes[k] = h
	}
	return h
}

func streamName(k audit.StreamKey) string { return strings.TrimSuffix(k.Source+"/"+k.Scope, "/") }

// states finds the candidates as they were at t.
func (x *joiner) states(j *join, m moment, t int64, views []*view, c candidateSet, res *joined) error {
	if !m.continuous && t > x.act.clock.asOf {
		res.add(pendingUnknown)
		return nil
	}
	x.uncovered(j, m, t, views, res)
	tl := x.tables[j.layout.typ.Name].tl
	return c.each(res, func(id int32) error {
		h := &tl.Histories[id]
		r, err := x.state(j, m, t, h, views[h.Stream], res)
		if err != nil || r == nil {
			return err
		}
		return x.admit(j, t, m, r, c.keys, res)
	})
}

// each visits all candidates. Of those of which it is not known whether they
// match the first that may is enough: one says as much as a thousand.
func (c *candidateSet) each(res *joined, visit func(int32) error) error {
	for _, id := range c.ids {
		if err := visit(id); err != nil {
			return err
		}
	}
	before := res.rest
	for _, id := range c.unkeyed {
		if _, seen := slices.BinarySearch(c.ids, id); seen {
			continue
		}
		if err := visit(id); err != nil || res.rest != before {
			return err
		}
	}
	return nil
}

// state is h at t, or nil where it did not exist or was not seen then. Between
// two snapshots that differ, an event's joins know only the fields that do not.
func (x *joiner) state(j *join, m moment, t int64, h *audit.History, v *view, res *joined) (*row, error) {
	cur, next := -1, -1
	for i := range h.Versions {
		at := micros(h.Versions[i].From.At)
		if at > x.tables[j.layout.typ.Name].asOf {
			break
		}
		if at > t {
			next = i
			break
		}
		cur = i
	}
	if m.continuous && next >= 0 {
		x.act.clock.flips(micros(h.Versions[next].From.At))
	}
	exists := cur >= 0 && !h.Versions[cur].Gone
	known, flip := v.at(t)
	seen := known
	if cur >= 0 {
		seen, flip = v.stands(&h.Versions[cur], t)
	}
	if m.continuous {
		x.act.clock.flips(flip)
	}
	if !seen && known && exists {
		res.add(unknownFor(fmt.Sprintf("%s %s: %s", j.layout.typ.Name, h.ID, v.stale(t)), j.layout.typ.Name+": "+v.stale(t)))
	}
	if !seen {
		return nil, nil
	}
	var r *row
	if exists {
		r = newRow(j.layout, j.layout.typ.Name)
		if err := r.load(h, &h.Versions[cur], j.want); err != nil {
			return nil, err
		}
		r.joined = true
	}
	if m.continuous || next < 0 || micros(h.Versions[next].From.After) >= t || h.Versions[next].From.Exact() {
		return r, nil
	}
	return x.bracket(j, h, next, r, res)
}

// bracket marks what changed between the observations around an instant.
func (x *joiner) bracket(j *join, h *audit.History, next int, r *row, res *joined) (*row, error) {
	b := &h.Versions[next]
	between := "between " + text(micros(b.From.After)) + " and " + text(micros(b.From.At))
	if r == nil || b.Gone {
		word := "appeared"
		if b.Gone {
			word = "disappeared"
		}
		res.add(unknownFor(fmt.Sprintf("%s %s %s %s", j.layout.typ.Name, h.ID, word, between), j.layout.typ.Name+" "+word+" between two observations around the instant"))
		return nil, nil
	}
	o := newRow(j.layout, r.name)
	if err := o.load(h, b, j.want); err != nil {
		return nil, err
	}
	for i := range r.slots {
		if string(r.slots[i].raw) != string(o.slots[i].raw) || (r.slots[i].raw == nil) != (o.slots[i].raw == nil) {
			r.differs |= 1 << i
		}
	}
	r.between = between
	return r, nil
}

// events finds the candidates that happened in s, both ends included.
func (x *joiner) events(j *join, m moment, s stretch, views []*view, c candidateSet, res *joined) error {
	clk := x.act.clock
	want := stretch{s.from, min(s.to, clk.asOf) + 1}
	if want.from == always {
		want.from = min(x.act.from, want.to-1)
	}
	if s.to > clk.asOf && !m.continuous {
		res.add(pendingUnknown)
	}
	for _, v := range views {
		if m.continuous {
			_, next := v.at(clk.now)
			clk.flips(next)
		}
		if want.empty() {
			continue
		}
		if s.from != always && want.cut(v.tail).from < want.cut(v.tail).to {
			res.add(outstandingUnknown)
		}
		if ok, gap := v.covers(want); !ok {
			hole := x.hole(v, gap.from)
			res.add(unknownFor(fmt.Sprintf("%s is not covered from %s to %s in %s", j.layout.typ.Name, text(gap.from), text(gap.to), streamName(v.stream.StreamKey)), j.layout.typ.Name+" "+hole))
		}
	}
	tl := x.tables[j.layout.typ.Name].tl
	return c.each(res, func(id int32) error {
		h := &tl.Histories[id]
		at := micros(h.Versions[0].From.At)
		if at > clk.now && m.continuous {
			clk.flips(at)
		}
		if at < s.from || at > s.to || at > x.tables[j.layout.typ.Name].asOf {
			return nil
		}
		r := newRow(j.layout, j.layout.typ.Name)
		if err := r.load(h, &h.Versions[0], j.want); err != nil {
			return err
		}
		r.joined = true
		return x.admit(j, at, m, r, c.keys, res)
	})
}

// admit adds r to res where its keys match and where holds for it. Where that
// is not known, there may be one more.
func (x *joiner) admit(j *join, t int64, m moment, r *row, keys [][]string, res *joined) error {
	for i, o := range j.on {
		if !r.known(o.slot) {
			if u, ok := r.get(o.slot).(*types.Unknown); ok {
				res.add(u)
			}
			return nil
		}
		if !slices.Contains(keys[i], unquote(r.slots[o.slot].raw)) {
			return nil
		}
	}
	if j.where != nil {
		x.act.cand = r
		clk := *x.act.clock
		if !m.continuous {
			x.act.clock.now = t
		}
		x.act.binds = j.where.binds
		v, err := j.where.eval(x.act.ctx, x.act)
		x.act.clock.now = clk.now
		if err != nil {
			return err
		}
		if u, ok := v.(*types.Unknown); ok {
			res.add(u)
			return nil
		}
		if v != types.True {
			return nil
		}
	}
	if j.one {
		r.name, r.joined = j.name, false
	}
	res.rows = append(res.rows, r)
	res.ids = append(res.ids, r.id)
	return nil
}
