package timeline

import (
	"slices"

	"tieout/audit"
)

// union is a set of instants: spans in order that neither overlap nor touch.
type union []audit.Span

// add puts s into the set and returns the parts of s that were not in it yet.
func (u *union) add(s audit.Span) []audit.Span {
	first := slices.IndexFunc(*u, func(o audit.Span) bool { return !o.To.Before(s.From) })
	if first < 0 {
		*u = append(*u, s)
		return []audit.Span{s}
	}
	var fresh []audit.Span
	from, merged, next := s.From, s, first
	for ; next < len(*u) && !(*u)[next].From.After(s.To); next++ {
		o := (*u)[next]
		if from.Before(o.From) {
			fresh = append(fresh, audit.Span{From: from, To: o.From})
		}
		if from.Before(o.To) {
			from = o.To
		}
		if o.From.Before(merged.From) {
			merged.From = o.From
		}
		if o.To.After(merged.To) {
			merged.To = o.To
		}
	}
	if from.Before(s.To) {
		fresh = append(fresh, audit.Span{From: from, To: s.To})
	}
	*u = slices.Replace(*u, first, next, merged)
	return fresh
}
