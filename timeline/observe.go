package timeline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
)

// StreamRows is what is stored of one stream: its coverage and every row of
// every item, in any order.
type StreamRows struct {
	audit.Stream
	Rows []Row
}

// Assemble makes the Timeline of one item type from stored rows. An item that
// two streams tell of has two histories, in the order of the streams: nothing
// is merged silently. The slices handed in are reordered and reused.
func Assemble(typ string, streams []StreamRows) *audit.Timeline {
	slices.SortFunc(streams, func(a, b StreamRows) int {
		return cmp.Or(strings.Compare(a.Source, b.Source), strings.Compare(a.Scope, b.Scope), strings.Compare(string(a.Mode), string(b.Mode)))
	})
	tl := &audit.Timeline{Type: typ}
	for i := range streams {
		s := &streams[i]
		settleStream(&s.Stream)
		tl.Streams = append(tl.Streams, s.Stream)
		tl.Histories = append(tl.Histories, histories(i, s.Mode, s.Rows)...)
	}
	slices.SortFunc(tl.Histories, func(a, b audit.History) int {
		return cmp.Or(strings.Compare(a.ID, b.ID), cmp.Compare(a.Stream, b.Stream))
	})
	Lives(tl)
	return tl
}

func histories(stream int, mode audit.Mode, rows []Row) []audit.History {
	slices.SortStableFunc(rows, func(a, b Row) int { return strings.Compare(a.Item, b.Item) })
	var out []audit.History
	for i := 0; i < len(rows); {
		j := i
		var vs []audit.Version
		for ; j < len(rows) && rows[j].Item == rows[i].Item; j++ {
			vs = append(vs, rows[j].Version)
		}
		out = append(out, audit.History{ID: rows[i].Item, Stream: stream, Versions: Settle(mode, vs)})
		i = j
	}
	return out
}

// Observe makes the Timelines, by item type, of all observations there are. It
// is pure, and the order of obs and of the items in each does not matter. An
// observation with an item that Check refuses is incomplete, as if it had said
// so. Where several are about one instant, each item is as the one recorded
// last shows it, and a complete one sets aside all recorded before it. Errors
// wrap audit.ErrInvalid: an item type or mode there is not.
func Observe(obs []audit.Observation) (map[string]*audit.Timeline, error) {
	type streamID struct {
		audit.StreamKey
		mode audit.Mode
	}
	groups := map[streamID][]audit.Observation{}
	for _, o := range obs {
		id := streamID{o.Stream, o.Mode}
		groups[id] = append(groups[id], o)
	}
	byType := map[string][]StreamRows{}
	for id, group := range groups {
		s, err := ObserveStream(id.StreamKey, id.mode, group)
		if err != nil {
			return nil, err
		}
		byType[id.Type] = append(byType[id.Type], s)
	}
	out := make(map[string]*audit.Timeline, len(byType))
	for typ, streams := range byType {
		out[typ] = Assemble(typ, streams)
	}
	return out, nil
}

// ObserveStream is Observe for the observations of one stream, giving what would
// be stored of it.
func ObserveStream(key audit.StreamKey, mode audit.Mode, obs []audit.Observation) (StreamRows, error) {
	t, err := NewTracker(key, mode)
	if err != nil {
		return StreamRows{}, err
	}
	s := StreamRows{Stream: audit.Stream{StreamKey: key, Mode: mode}}
	slices.SortFunc(obs, compareObservations)
	for len(obs) > 0 {
		n := 1
		if mode == audit.ModeSnapshot {
			for n < len(obs) && obs[n].Covers.From.Equal(obs[0].Covers.From) {
				n++
			}
		}
		o := obs[0]
		if n > 1 {
			o = s.reconcile(obs[:n])
		}
		if err := s.take(t, o); err != nil {
			return StreamRows{}, err
		}
		obs = obs[n:]
	}
	return s, nil
}

// take adds what one observation gives. What the tracker refuses of its items
// makes it incomplete there.
func (s *StreamRows) take(t *Tracker, o audit.Observation) error {
	if err := t.Open(o.Covers); err != nil {
		return fmt.Errorf("record %d: %w", o.Record, err)
	}
	for _, it := range o.Items {
		_ = t.Add(it.Item, it.Record) // kept by the tracker as the reason of the hole
	}
	d, err := t.Close(o.Complete, o.Reason, o.Record)
	if err != nil {
		return err
	}
	s.add(d)
	return nil
}

func (s *StreamRows) add(d Delta) {
	s.Rows = append(s.Rows, d.Rows...)
	s.Points = append(s.Points, d.Points...)
	s.Covered = append(s.Covered, d.Covered...)
	s.Holes = append(s.Holes, d.Holes...)
}
