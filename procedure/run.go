// Over 500 lines: one run from its groups to its sums is read in one place.

package procedure

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"tieout/audit"
)

// An Input is what procedures run over.
type Input struct {
	Period   audit.Period
	AsOf     time.Time // evidence after it is not looked at; Timeline may hold more
	Holidays []string  // "2006-01-02", days that are no business days in Period.Zone

	// Timeline returns everything known of one item type; nil, or a Timeline
	// without streams, where nothing collects it. It is called once a type.
	Timeline func(typ string) (*audit.Timeline, error)

	alone bool // an example: windows before the period do not exist
}

// Run tests ps over in and returns one Tested a procedure, in the order of ps.
// Each item type is read once for all procedures. emit, which may be nil, gets
// every result, in the same order on every machine; the Result is valid during
// the call only. The error of emit, of Timeline, of ctx, or of a broken
// procedure or body (audit.ErrInvalid) ends the run: nothing is returned then.
func Run(ctx context.Context, in Input, ps []*Procedure, emit func(*audit.Result) error) ([]audit.Tested, error) {
	r, err := newRun(in, emit)
	if err != nil {
		return nil, err
	}
	if ps, err = compileAll(ps); err != nil {
		return nil, err
	}
	r.tasks = make([]*task, len(ps))
	for left := groupByType(ps); len(left) > 0; {
		g := r.cheapest(left)
		left = slices.DeleteFunc(left, func(x *group) bool { return x == g })
		if err := r.group(ctx, g, ps); err != nil {
			return nil, err
		}
		r.forget(left)
	}
	out := make([]audit.Tested, len(r.tasks))
	for i, t := range r.tasks {
		out[i] = t.tested()
	}
	return out, nil
}

// A run is one call of Run.
type run struct {
	in     Input
	cal    *calendar
	asOf   int64
	emit   func(*audit.Result) error
	tables map[string]*table // those in use
	tasks  []*task           // by procedure
	room   sync.Pool         // of results that were handed over
}

func newRun(in Input, emit func(*audit.Result) error) (*run, error) {
	if in.Period.Empty() || in.Timeline == nil {
		return nil, fmt.Errorf("%w: a run needs a period that is not empty and timelines", audit.ErrInvalid)
	}
	cal, err := newCalendar(in.Period.Location(), in.Holidays)
	if err != nil {
		return nil, err
	}
	return &run{in: in, cal: cal, asOf: micros(in.AsOf), emit: emit, tables: map[string]*table{}}, nil
}

// A group is the procedures over one item type, which are run together.
type group struct {
	typ     string // "" where there is no population
	members []int  // indexes of procedures
	reads   []string
}

// groupByType makes the groups, first come first.
func groupByType(ps []*Procedure) []*group {
	var out []*group
	for i, p := range ps {
		at := slices.IndexFunc(out, func(g *group) bool { return g.typ == p.ItemType })
		if at < 0 {
			at = len(out)
			out = append(out, &group{typ: p.ItemType})
		}
		g := out[at]
		g.members = append(g.members, i)
		for _, typ := range p.Types {
			if !slices.Contains(g.reads, typ) {
				g.reads = append(g.reads, typ)
			}
		}
	}
	return out
}

// cheapest is the first of the groups that read timelines at hand, and of those
// the first that reads the fewest others: what is at hand can be let go sooner.
func (r *run) cheapest(left []*group) *group {
	return slices.MinFunc(left, func(a, b *group) int {
		missA, missB := r.missing(a), r.missing(b)
		freshA, freshB := missA == len(a.reads), missB == len(b.reads)
		switch {
		case freshA == freshB:
			return cmp.Compare(missA, missB)
		case freshA:
			return 1
		}
		return -1
	})
}

func (r *run) missing(g *group) (n int) {
	for _, typ := range g.reads {
		if r.tables[typ] == nil {
			n++
		}
	}
	return n
}

// manyItems is from where on a collection of garbage costs less than the memory
// it frees is worth.
const manyItems = 100_000

// forget lets go of the timelines that no group left reads, so that not all of
// an organization's year is in memory at once.
func (r *run) forget(left []*group) {
	items := 0
	for typ, t := range r.tables {
		if !slices.ContainsFunc(left, func(g *group) bool { return slices.Contains(g.reads, typ) }) {
			items += len(t.tl.Histories)
			delete(r.tables, typ)
		}
	}
	if items >= manyItems {
		runtime.GC() // before the next timelines come
	}
}

// group prepares the procedures of one item type and runs them.
func (r *run) group(ctx context.Context, g *group, ps []*Procedure) error {
	var tasks []*task
	for _, i := range g.members {
		if err := r.prepare(ps[i]); err != nil {
			return err
		}
		r.tasks[i] = newTask(r, ps[i])
		if ps[i].item != nil && ps[i].Form != audit.Manual {
			tasks = append(tasks, r.tasks[i])
		}
	}
	if len(tasks) == 0 {
		return nil
	}
	return r.pass(ctx, g.typ, tasks)
}

// prepare reads the timelines of one procedure and makes the indexes of its joins.
func (r *run) prepare(p *Procedure) error {
	for _, typ := range p.Types {
		if err := r.table(typ); err != nil {
			return err
		}
	}
	for _, j := range p.joins {
		t := r.tables[j.layout.typ.Name]
		t.view(p.maxGap)
		for _, o := range j.on {
			if err := t.prepare(o.slot); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) table(typ string) error {
	if r.tables[typ] != nil {
		return nil
	}
	tl, err := r.in.Timeline(typ)
	if err != nil {
		return fmt.Errorf("timeline of %s: %w", typ, err)
	}
	r.tables[typ], err = newTable(typ, tl, r.asOf, micros(r.in.Period.To))
	return err
}

// span is the part of the period a procedure speaks about: within its
// effective days, up to the evidence.
func (r *run) span(p *Procedure) stretch {
	s := stretch{micros(r.in.Period.From), min(micros(r.in.Period.To), r.asOf+1)}
	zone := r.in.Period.Location()
	if d, err := time.ParseInLocation(time.DateOnly, p.Effective.From, zone); err == nil {
		s.from = max(s.from, micros(d))
	}
	if d, err := time.ParseInLocation(time.DateOnly, p.Effective.To, zone); err == nil {
		s.to = min(s.to, micros(d.AddDate(0, 0, 1)))
	}
	if s.empty() {
		return stretch{s.from, s.from}
	}
	return s
}

// chunkItems is how many items a worker takes at once. A chunk's results are in
// memory until they are handed over.
const chunkItems = 128

// A chunk is what one worker found of some items.
type chunk struct {
	tallies []tally // by task
	results []audit.Result
}

// chunks is how many chunks n items make.
func chunks(n int) int { return (n + chunkItems - 1) / chunkItems }

// pass runs all tasks over the items of one type, shared by all cores. Chunks
// are merged in the order of the items.
func (r *run) pass(ctx context.Context, typ string, tasks []*task) error {
	tb := r.tables[typ]
	err := inOrder(ctx, chunks(len(tb.tl.Histories)), func(ctx context.Context) func(int) (*chunk, error) {
		return newEvaluator(ctx, r, tb, tasks).chunk
	}, func(c *chunk) error { return r.merge(tasks, c) })
	if err != nil {
		return err
	}
	for _, t := range tasks {
		if err := t.finish(ctx, r, tb); err != nil {
			return err
		}
	}
	return nil
}

// inOrder does n pieces of work on all cores and hands over what each gave in
// the order of the pieces, a few pieces ahead at most. start is called once for
// each worker. The first error in that order, or the context's, ends it.
func inOrder[T any](ctx context.Context, n int, start func(context.Context) func(int) (T, error), take func(T) error) error {
	type piece struct {
		val T
		err error
	}
	ctx, cancel := context.WithCancel(ctx)
	workers := min(runtime.GOMAXPROCS(0), n)
	out := make([]chan piece, workers)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for w := range out {
		out[w] = make(chan piece, 4)
		work := start(ctx)
		wg.Go(func() {
			defer close(out[w])
			for i := w; i < n && ctx.Err() == nil; i += workers {
				val, err := work(i)
				select {
				case out[w] <- piece{val, err}:
				case <-ctx.Done():
				}
			}
		})
	}
	for i := range n {
		p, ok := <-out[i%workers]
		if !ok || ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if p.err != nil {
			return p.err
		}
		if err := take(p.val); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) merge(tasks []*task, c *chunk) error {
	for i, t := range tasks {
		t.total.add(&c.tallies[i])
	}
	for i := range c.results {
		if err := r.emit(&c.results[i]); err != nil {
			return err
		}
	}
	if cap(c.results) > 0 {
		r.room.Put(&c.results)
	}
	return nil
}

// newChunk returns an empty chunk for n tasks, with the room of one that was
// handed over.
func (r *run) newChunk(n int) *chunk {
	c := &chunk{tallies: make([]tally, n)}
	if room, ok := r.room.Get().(*[]audit.Result); ok {
		c.results = (*room)[:0]
	}
	return c
}

// A task is one procedure in one run.
type task struct {
	p     *Procedure
	span  stretch
	views []*view    // of the population's streams
	gaps  [][]gapKey // by stream: where it was not seen within span
	total tally
	named audit.Tested // what is known before the run

	streamItems []int
}

func newTask(r *run, p *Procedure) *task {
	t := &task{p: p, span: r.span(p)}
	t.named = audit.Tested{Procedure: p.ID, Hash: p.Hash, Title: p.Title, Form: p.Form, Controls: p.Controls, Statement: p.Statement,
		Population: p.Population, Span: span(t.span.from, t.span.to), Questions: p.Questions}
	if t.span.empty() {
		t.named.Span = audit.Span{}
	}
	if p.item == nil {
		return t
	}
	tb := r.tables[p.ItemType]
	t.views = tb.view(p.maxGap)
	t.streamItems = tb.streamItems()
	for i, v := range t.views {
		var keys []gapKey
		if !t.span.empty() {
			for _, g := range v.gaps(t.span) {
				why, _ := v.why(g)
				keys = append(keys, gapKey{stream: i, from: g.from, to: g.to, reason: why})
			}
		}
		t.gaps = append(t.gaps, keys)
	}
	return t
}

// A tally counts what was found; tallies of chunks add up.
type tally struct {
	items      int
	counts     [audit.NumOutcomes]int
	inGrace    int
	deviations []audit.Deviation
	gaps       map[gapKey]*gapSum
	hits       [][]int // items by gap of each stream, on top of gaps
}

// A gapKey names a gap: a stretch of a stream, or a reason without one.
type gapKey struct {
	stream   int
	from, to int64 // 0, 0: the reason is about items, at different times
	reason   string
}

type gapSum struct {
	items    int
	from, to int64
	records  []int64
}

func (t *tally) add(o *tally) {
	t.items += o.items
	t.inGrace += o.inGrace
	for i, n := range o.counts {
		t.counts[i] += n
	}
	t.deviations = append(t.deviations, o.deviations...)
	for k, g := range o.gaps {
		t.gap(k, g.items, stretch{g.from, g.to}, g.records)
	}
	if o.hits != nil && t.hits == nil {
		t.hits = make([][]int, len(o.hits))
	}
	for i, hits := range o.hits {
		if hits != nil && t.hits[i] == nil {
			t.hits[i] = make([]int, len(hits))
		}
		for k, n := range hits {
			t.hits[i][k] += n
		}
	}
}

// maxGapRecords bounds how many records one gap names.
const maxGapRecords = 16

func (t *tally) gap(k gapKey, items int, s stretch, records []int64) {
	if t.gaps == nil {
		t.gaps = map[gapKey]*gapSum{}
	}
	g := t.gaps[k]
	if g == nil {
		g = &gapSum{from: s.from, to: s.to}
		t.gaps[k] = g
	}
	g.items += items
	g.from, g.to = min(g.from, s.from), max(g.to, s.to)
	g.records = sortedRecords(append(g.records, records...))
	if len(g.records) > maxGapRecords {
		g.records = g.records[:maxGapRecords]
	}
}

// finish adds what the whole population shows: gaps of its streams, cadence
// windows, and that nothing happened.
func (t *task) finish(ctx context.Context, r *run, tb *table) error {
	if t.span.empty() {
		return nil
	}
	if t.p.Form == audit.Cadence {
		if err := t.runCadence(ctx, r, tb); err != nil {
			return err
		}
	}
	t.streamGaps()
	if t.total.items > 0 || len(t.total.gaps) > 0 || t.total.counts[audit.NoEvidence] > 0 {
		return nil
	}
	t.total.counts[audit.NoOccurrence] = 1
	if r.emit == nil {
		return nil
	}
	return r.emit(&audit.Result{Procedure: t.p.ID, Hash: t.p.Hash, Outcome: audit.NoOccurrence, Span: span(t.span.from, t.span.to),
		Reason: "the population was seen in full and nothing in it was due for this test"})
}

// streamGaps lists every stretch in which a stream of the population was not seen.
func (t *task) streamGaps() {
	if len(t.views) == 0 {
		t.total.gap(gapKey{stream: -1, from: t.span.from, to: t.span.to, reason: "nothing collects " + t.p.ItemType}, 0, t.span, nil)
	}
	for i, gaps := range t.gaps {
		for n, k := range gaps {
			items := 0
			if t.total.hits != nil && t.total.hits[i] != nil {
				items = t.total.hits[i][n]
			}
			t.total.gap(k, items, stretch{k.from, k.to}, nil)
		}
	}
	for k, g := range t.total.gaps {
		if k.from != 0 && k.stream >= 0 {
			_, g.records = t.views[k.stream].why(stretch{k.from, k.to})
		}
	}
}

// gapReason is why a stream was not seen in s.
func (t *task) gapReason(stream int, s stretch) string {
	for _, k := range t.gaps[stream] {
		if k.from <= s.from && s.to <= k.to {
			return k.reason
		}
	}
	why, _ := t.views[stream].why(s)
	return why
}

// tested writes the tally as the report's value.
func (t *task) tested() audit.Tested {
	out := t.named
	out.Items, out.Counts, out.InGrace = t.total.items, t.total.counts, t.total.inGrace
	if t.p.Form == audit.Manual {
		out.Counts[audit.Pending] = 1
	}
	out.Deviations = t.total.deviations
	if out.Deviations == nil {
		out.Deviations = []audit.Deviation{}
	}
	out.Gaps = t.listGaps()
	out.Streams = t.streams()
	out.Frequency = t.frequency()
	return out
}

func (t *task) listGaps() []audit.Gap {
	keys := make([]gapKey, 0, len(t.total.gaps))
	for k := range t.total.gaps {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, compareGaps)
	out := make([]audit.Gap, 0, len(keys))
	for _, k := range keys {
		g := t.total.gaps[k]
		a := audit.Gap{Procedure: t.p.ID, Controls: t.p.Controls, Span: span(g.from, g.to), Reason: k.reason, Items: g.items, Records: g.records}
		if k.stream >= 0 {
			a.Stream = t.views[k.stream].stream.StreamKey
		} else {
			a.Stream = audit.StreamKey{Type: t.p.ItemType}
		}
		out = append(out, a)
	}
	return out
}
