package timeline

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"tieout/audit"
)

// Settle returns the history of one item from its stored rows, in whatever
// order and however often they were stored. Of an event told more than once the
// reading recorded last counts, and the history has that one version. Of a
// change told more than once for one instant the reading recorded last counts;
// a change to the state that was in force already is none. A version's record
// is the first page that showed it as it counts. vs is reordered and reused.
func Settle(mode audit.Mode, vs []audit.Version) []audit.Version {
	if len(vs) < 2 {
		return vs
	}
	if mode == audit.ModeEvents {
		return append(vs[:0], latest(vs))
	}
	slices.SortFunc(vs, compareVersions)
	out := vs[:0]
	for i := 0; i < len(vs); {
		j := i + 1
		for j < len(vs) && vs[j].From.At.Equal(vs[i].From.At) {
			j++
		}
		v := latest(vs[i:j])
		if len(out) == 0 || !sameState(out[len(out)-1], v) {
			out = append(out, v)
		}
		i = j
	}
	return out
}

// latest returns the reading recorded last, under the record that first told it.
func latest(vs []audit.Version) audit.Version {
	last := slices.MaxFunc(vs, func(a, b audit.Version) int {
		return cmp.Or(cmp.Compare(a.Record, b.Record), compareVersions(a, b))
	})
	for _, v := range vs {
		if v.From.At.Equal(last.From.At) && sameState(v, last) && v.Record < last.Record {
			last.Record = v.Record
		}
	}
	return last
}

func sameState(a, b audit.Version) bool { return a.Gone == b.Gone && bytes.Equal(a.Body, b.Body) }

func compareVersions(a, b audit.Version) int {
	return cmp.Or(a.From.At.Compare(b.From.At), cmp.Compare(a.Record, b.Record),
		a.From.After.Compare(b.From.After), bytes.Compare(a.Body, b.Body))
}

// settleStream puts a stream's coverage in order of time.
func settleStream(s *audit.Stream) {
	slices.SortFunc(s.Points, func(a, b audit.Point) int { return a.At.Compare(b.At) })
	slices.SortFunc(s.Covered, func(a, b audit.Stretch) int { return a.From.Compare(b.From) })
	slices.SortFunc(s.Holes, func(a, b audit.Hole) int {
		return cmp.Or(a.From.Compare(b.From), a.To.Compare(b.To), cmp.Compare(a.Record, b.Record), strings.Compare(a.Reason, b.Reason))
	})
}
