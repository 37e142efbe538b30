package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tieout/audit"
)

// A Strip gathers, result by result, what a strip over a period shows of one
// procedure's whole population: for a cadence one mark a window and outcome,
// else one mark a day and outcome, equal neighboring days of a continuous
// procedure merged. The days are those of the period's zone. Memory is bounded
// by the period's days and the windows, not by the population.
type Strip struct {
	add   func(*audit.Result)
	marks func() []audit.Mark
}

// NewStrip returns the empty strip of a procedure of that form.
func NewStrip(form audit.Form, period audit.Period) *Strip {
	if form == audit.Cadence {
		w := &windows{at: map[windowKey]int{}}
		return &Strip{w.add, w.marks}
	}
	g := newGrid(period)
	if form == audit.Continuous {
		return &Strip{g.stretch, func() []audit.Mark { return g.marks(true) }}
	}
	return &Strip{g.event, func() []audit.Mark { return g.marks(false) }}
}

// Add takes one result; it keeps nothing of r but its texts.
func (s *Strip) Add(r *audit.Result) { s.add(r) }

// Marks returns the marks of what was added, in order of time.
func (s *Strip) Marks() []audit.Mark { return s.marks() }

// Marks reads the whole population of t and returns the marks of its strip.
func Marks(rows Rows, t *audit.Tested, period audit.Period) ([]audit.Mark, error) {
	s := NewStrip(t.Form, period)
	err := rows.Results(t.Procedure, func(r *audit.Result) error {
		s.Add(r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.Marks(), nil
}

// A grid counts outcomes a day. For stretches it holds differences, summed up
// when it is read.
type grid struct {
	starts []time.Time // of each day, and the end of the last
	count  [][audit.NumOutcomes]int
}

func newGrid(p audit.Period) *grid {
	loc, n := p.Location(), p.Days()
	first := p.From.In(loc)
	g := &grid{count: make([][audit.NumOutcomes]int, n+1)}
	for d := 0; d <= n; d++ {
		g.starts = append(g.starts, time.Date(first.Year(), first.Month(), first.Day()+d, 0, 0, 0, 0, loc).UTC())
	}
	return g
}

// day returns the index of the day t lies in; outside the period it is below
// 0 or the number of days.
func (g *grid) day(t time.Time) int {
	i, found := slices.BinarySearchFunc(g.starts, t, time.Time.Compare)
	if found {
		return i
	}
	return i - 1
}

func (g *grid) event(r *audit.Result) {
	if d := g.day(r.Span.From); d >= 0 && d < len(g.starts)-1 {
		g.count[d][r.Outcome]++
	}
}

func (g *grid) stretch(r *audit.Result) {
	if r.Span.Empty() {
		return
	}
	last := len(g.starts) - 1
	a, b := max(g.day(r.Span.From), 0), min(g.day(r.Span.To.Add(-time.Microsecond)), last-1)
	if a <= b {
		g.count[a][r.Outcome]++
		g.count[b+1][r.Outcome]--
	}
}

func (g *grid) marks(merge bool) []audit.Mark {
	var out []audit.Mark
	for o := range audit.Outcome(audit.NumOutcomes) {
		out = append(out, g.outcome(o, merge)...)
	}
	slices.SortStableFunc(out, func(a, b audit.Mark) int { return cmp.Or(a.From.Compare(b.From), cmp.Compare(b.Outcome, a.Outcome)) })
	return out
}

// outcome returns o's marks. A merged mark's count is the most there were on
// one day.
func (g *grid) outcome(o audit.Outcome, merge bool) []audit.Mark {
	var out []audit.Mark
	sum := 0
	for d := range len(g.starts) - 1 {
		n := g.count[d][o]
		if merge {
			sum += n
			n = sum
		}
		if n == 0 {
			continue
		}
		if last := len(out) - 1; merge && last >= 0 && out[last].To.Equal(g.starts[d]) {
			out[last].To, out[last].Count = g.starts[d+1], max(out[last].Count, n)
			continue
		}
		out = append(out, audit.Mark{Span: audit.Span{From: g.starts[d], To: g.starts[d+1]}, Outcome: o, Count: n})
	}
	return out
}

// windows counts outcomes a window of a cadence.
type windows struct {
	at  map[windowKey]int // index in out
	out []audit.Mark
}

type windowKey struct {
	from, to int64
	outcome  audit.Outcome
}

func (w *windows) add(r *audit.Result) {
	k := windowKey{r.Span.From.UnixMicro(), r.Span.To.UnixMicro(), r.Outcome}
	i, ok := w.at[k]
	if !ok {
		i = len(w.out)
		w.at[k] = i
		w.out = append(w.out, audit.Mark{Span: r.Span, Outcome: r.Outcome, Label: window(r.Item)})
	}
	w.out[i].Count++
}

func (w *windows) marks() []audit.Mark {
	out := slices.Clone(w.out)
	slices.SortStableFunc(out, func(a, b audit.Mark) int {
		return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To), cmp.Compare(b.Outcome, a.Outcome))
	})
	return out
}

// window is the window's name in a cadence item: what stands before its
// subject.
func window(item string) string {
	if i := strings.IndexAny(item, " /"); i > 0 {
		return item[:i]
	}
	return item
}
