package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tieout/audit"
)

// Marks reads the whole population of t and returns what a strip over period
// shows of it: for a cadence one mark a window and outcome, else one mark a
// day and outcome, equal neighboring days of a continuous procedure merged. The
// days are those of the period's zone. Memory is bounded by the period's days
// and the windows, not by the population.
func Marks(rows Rows, t *audit.Tested, period audit.Period) ([]audit.Mark, error) {
	if t.Form == audit.Cadence {
		return windowMarks(rows, t.Procedure)
	}
	g := newGrid(period)
	add := g.event
	if t.Form == audit.Continuous {
		add = g.stretch
	}
	err := rows.Results(t.Procedure, func(r *audit.Result) error {
		add(r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return g.marks(t.Form == audit.Continuous), nil
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

func windowMarks(rows Rows, procedure string) ([]audit.Mark, error) {
	type key struct {
		from, to int64
		outcome  audit.Outcome
	}
	at := map[key]int{}
	var out []audit.Mark
	err := rows.Results(procedure, func(r *audit.Result) error {
		k := key{r.Span.From.UnixMicro(), r.Span.To.UnixMicro(), r.Outcome}
		i, ok := at[k]
		if !ok {
			i = len(out)
			at[k] = i
			out = append(out, audit.Mark{Span: r.Span, Outcome: r.Outcome, Label: window(r.Item)})
		}
		out[i].Count++
		return nil
	})
	slices.SortStableFunc(out, func(a, b audit.Mark) int {
		return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To), cmp.Compare(b.Outcome, a.Outcome))
	})
	return out, err
}

// window is the window's name in a cadence item: what stands before its
// subject.
func window(item string) string {
	if i := strings.IndexAny(item, " /"); i > 0 {
		return item[:i]
	}
	return item
}
