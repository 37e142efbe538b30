package timeline

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"tieout/audit"
)

// reconcile makes one snapshot of several about the same instant, in the order
// they were recorded. It is complete if any of them is; those that are not
// leave their holes in s (the last one in what is returned, if none is complete).
func (s *StreamRows) reconcile(obs []audit.Observation) audit.Observation {
	out := obs[0]
	out.Complete = false
	shown := map[string]audit.Seen{}
	var holes []audit.Hole
	for _, o := range obs {
		items, hole := alone(o)
		if hole == nil {
			clear(shown)
			out = o
		} else {
			holes = append(holes, *hole)
		}
		for _, it := range items {
			shown[it.ID] = it
		}
	}
	if n := len(holes); !out.Complete {
		out.Covers, out.Reason, out.Record = holes[n-1].Span, holes[n-1].Reason, holes[n-1].Record
		holes = holes[:n-1]
	}
	s.Holes = append(s.Holes, holes...)
	out.Items = slices.SortedFunc(maps.Values(shown), func(a, b audit.Seen) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// alone returns what o records when nothing is known before it, and the hole it
// leaves unless it is complete.
func alone(o audit.Observation) ([]audit.Seen, *audit.Hole) {
	t := &Tracker{key: o.Stream, mode: o.Mode}
	var s StreamRows
	if err := s.take(t, o); err != nil { // a new tracker takes any observation
		return nil, &audit.Hole{Span: o.Covers, Reason: err.Error(), Record: o.Record}
	}
	var items []audit.Seen
	for _, r := range s.Rows {
		it := audit.Item{Type: o.Stream.Type, ID: r.Item, Body: r.Version.Body}
		items = append(items, audit.Seen{Item: it, Record: r.Version.Record})
	}
	if len(s.Holes) > 0 {
		return items, &s.Holes[0]
	}
	return items, nil
}

// compareObservations orders a stream's observations as a Tracker wants them:
// snapshots by instant, then all by the order they were recorded in. What else
// differs only makes the order total.
func compareObservations(a, b audit.Observation) int {
	byInstant := 0
	if a.Mode == audit.ModeSnapshot {
		byInstant = a.Covers.From.Compare(b.Covers.From)
	}
	if c := cmp.Or(byInstant, cmp.Compare(a.Record, b.Record), a.Covers.From.Compare(b.Covers.From),
		a.Covers.To.Compare(b.Covers.To), strings.Compare(a.Reason, b.Reason)); c != 0 {
		return c
	}
	if a.Complete != b.Complete {
		if b.Complete {
			return -1
		}
		return 1
	}
	return cmp.Compare(fingerprint(a.Items), fingerprint(b.Items))
}

// fingerprint is a number that does not depend on the order of items.
func fingerprint(items []audit.Seen) (sum uint64) {
	for _, it := range items {
		h := sha256.New()
		for _, part := range [][]byte{[]byte(it.ID), it.Body} {
			h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
			h.Write(part)
		}
		sum += binary.BigEndian.Uint64(h.Sum(binary.BigEndian.AppendUint64(nil, uint64(it.Record)))[8:])
	}
	return sum
}
