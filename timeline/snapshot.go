package timeline

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
)

// states are the last known states of a stream's items, and what the open
// snapshot says of them. They hold digests, not bodies, and few pointers: a
// stream may have a million items.
type states struct {
	at   map[string]int32 // item id -> index into list
	list []state
	turn uint32 // grows by one a snapshot; a state's turn says whether the open one showed it
	rows []Row  // new versions in the open snapshot; Item "" where one was withdrawn
}

// A state is the last known state of one item.
type state struct {
	body  [sha256.Size]byte
	since int64 // unix microseconds of the first observation that showed it
	turn  uint32
	row   int32 // what the open snapshot says: index into states.rows, or
	known bool  // there is a version
	gone  bool  // it says that the item does not exist
}

const (
	unchanged = -1 // the known state
	disputed  = -2 // two different states, so neither
)

func (s *states) of(id string) *state {
	if i, ok := s.at[id]; ok {
		return &s.list[i]
	}
	if s.at == nil {
		s.at, s.turn = map[string]int32{}, 1
	}
	s.at[strings.Clone(id)] = int32(len(s.list))
	s.list = append(s.list, state{})
	return &s.list[len(s.list)-1]
}

// known takes a stored version as the last known state.
func (s *states) known(r Row) { s.set(s.of(r.Item), r.Version) }

func (s *states) set(st *state, v audit.Version) {
	st.known, st.gone, st.since = true, v.Gone, v.From.At.UnixMicro()
	if !v.Gone {
		st.body = sha256.Sum256(v.Body)
	}
}

// see compares an item with its last known state. Where one snapshot shows an
// item with two bodies, neither counts.
func (t *Tracker) see(it audit.Item, record int64) error {
	st, sum := t.states.of(it.ID), sha256.Sum256(it.Body)
	if st.turn != t.states.turn {
		st.turn, st.row = t.states.turn, unchanged
		if !st.known || st.gone || st.body != sum {
			st.row = int32(len(t.states.rows))
			v := audit.Version{From: t.bound(st), Body: it.Body, Record: record}
			t.states.rows = append(t.states.rows, Row{it.ID, v})
		}
		return nil
	}
	if t.same(st, it, sum) {
		if st.row >= 0 {
			v := &t.states.rows[st.row].Version
			v.Record = min(v.Record, record)
		}
		return nil
	}
	err := fmt.Errorf("%w: %s %q: shown twice in one snapshot with different bodies", audit.ErrInvalid, it.Type, it.ID)
	if st.row != disputed {
		t.faults.add(it.ID, err.Error())
	}
	if st.row >= 0 {
		t.states.rows[st.row].Item = ""
	}
	st.row = disputed
	return err
}

// same reports whether the open snapshot showed st with the same body before.
func (t *Tracker) same(st *state, it audit.Item, sum [sha256.Size]byte) bool {
	switch st.row {
	case disputed:
		return false
	case unchanged:
		return st.body == sum
	}
	return string(t.states.rows[st.row].Version.Body) == string(it.Body)
}

// bound is when the change that the open snapshot shows happened: after the
// last instant the state before was known at, which is the last complete
// snapshot, or a later incomplete one that first showed that state.
func (t *Tracker) bound(st *state) audit.Bound {
	after := t.point
	if st.known {
		if since := time.UnixMicro(st.since).UTC(); since.After(after) {
			after = since
		}
	}
	return audit.Bound{After: after, At: t.covers.From}
}

// commit makes what the snapshot said the known state and returns the new
// versions by item. Only where it is complete have the unseen disappeared.
func (t *Tracker) commit(complete bool, record int64) []Row {
	s := &t.states
	if complete {
		for id, i := range s.at {
			if st := &s.list[i]; st.turn != s.turn && st.known && !st.gone {
				s.rows = append(s.rows, Row{id, audit.Version{From: t.bound(st), Gone: true, Record: record}})
			}
		}
	}
	rows := slices.DeleteFunc(s.rows, func(r Row) bool { return r.Item == "" })
	slices.SortFunc(rows, func(a, b Row) int { return strings.Compare(a.Item, b.Item) })
	for _, r := range rows {
		s.set(s.of(r.Item), r.Version)
	}
	s.turn, s.rows = s.turn+1, nil
	return rows
}
