package audit

import (
	"encoding/json"
	"sort"
	"time"
)

// An Item is one thing as one page told it, normalized. Body is the canonical
// JSON (RFC 8785) of its fields after the type's schema: a key that is missing
// was not collected; what is known to be absent is written as the schema says
// ("never", "" or []). Nothing is ever null.
type Item struct {
	Type     string
	ID       string    // unique within type and workspace: native id, prefixed where two sources could clash
	At       time.Time // ModeEvents: when it happened. ModeChanges: since when it has been so. ModeSnapshot: zero
	Gone     bool      // ModeChanges: it ceased to exist at At
	Body     json.RawMessage
	Volatile json.RawMessage // canonical JSON of the volatile fields, or nil; not part of a version's identity
}

// A Bound is when something changed, as far as is known: in (After, At].
// Where a change history gives the instant, After equals At.
type Bound struct {
	After time.Time `json:"after"`
	At    time.Time `json:"at"`
}

// Exact reports whether the instant itself is known.
func (b Bound) Exact() bool { return b.After.Equal(b.At) }

// ExactBound is the Bound of a known instant.
func ExactBound(t time.Time) Bound { return Bound{t, t} }

// A Version is one state of an item. It lasts until the next version's From,
// or until the item's history ends.
type Version struct {
	From   Bound
	Gone   bool            // from here on the item did not exist; Body is nil
	Body   json.RawMessage // as in Item
	Record int64           // log index of the page that first showed it
}

// A History is one item's life as the evidence tells it, in order of time.
// For an event there is one version, at the event's instant.
type History struct {
	ID       string
	Stream   int // index into Timeline.Streams
	Versions []Version
}

// A StreamKey names one stream: what one connection tells of one item type in
// one sub-scope.
type StreamKey struct {
	Source string
	Scope  string
	Type   string
}

// A Point is a complete snapshot: at that instant the whole set was seen.
type Point struct {
	At     time.Time
	Record int64 // log index of the collection that says so
}

// A Stretch is a span a complete change or event history covers.
type Stretch struct {
	Span
	Record int64
}

// A Hole is an attempt that failed: where coverage was wanted and not had.
type Hole struct {
	Span          // an instant for a snapshot that failed
	Reason string // in words: "page 3 of 7: 502 Bad Gateway"
	Record int64  // log index of the collection that says so
}

// A Stream is one stream's coverage: when its items were seen, how, and where not.
type Stream struct {
	StreamKey
	Mode    Mode
	Points  []Point   // ModeSnapshot, in order of time
	Covered []Stretch // ModeChanges and ModeEvents, in order, not overlapping
	Holes   []Hole    // in order of time
}

// A Timeline is everything known of one item type: every item's history, and
// the coverage of each stream they came from. Histories are sorted by ID.
// The same evidence always gives the same Timeline.
type Timeline struct {
	Type      string
	Streams   []Stream // sorted by Source, then Scope
	Histories []History
}

// Find returns the history of id, or nil.
func (t *Timeline) Find(id string) *History {
	i := sort.Search(len(t.Histories), func(i int) bool { return t.Histories[i].ID >= id })
	if i < len(t.Histories) && t.Histories[i].ID == id {
		return &t.Histories[i]
	}
	return nil
}

// An Observation is one stream of one collection, normalized: what a Timeline
// is made from.
type Observation struct {
	Stream   StreamKey
	Mode     Mode
	Covers   Span
	Complete bool
	Reason   string // why not complete
	Record   int64  // log index of the collection record
	Items    []Seen
}

// A Seen is an item and the page that showed it.
type Seen struct {
	Item
	Record int64 // log index of the page
}

// AsOf returns what was known at an instant: what was seen later is left out.
// Bodies are shared, nothing of t is changed.
func (t *Timeline) AsOf(at time.Time) *Timeline {
	out := &Timeline{Type: t.Type, Streams: make([]Stream, len(t.Streams))}
	for i, s := range t.Streams {
		out.Streams[i] = s.asOf(at)
	}
	for _, h := range t.Histories {
		n := sort.Search(len(h.Versions), func(i int) bool { return h.Versions[i].From.At.After(at) })
		if n > 0 {
			h.Versions = h.Versions[:n:n]
			out.Histories = append(out.Histories, h)
		}
	}
	return out
}

func (s Stream) asOf(t time.Time) Stream {
	n := sort.Search(len(s.Points), func(i int) bool { return s.Points[i].At.After(t) })
	s.Points = s.Points[:n:n]
	var covered []Stretch
	for _, c := range s.Covered {
		if c.To.After(t) {
			c.To = t
		}
		if !c.Empty() {
			covered = append(covered, c)
		}
	}
	s.Covered = covered
	var holes []Hole
	for _, h := range s.Holes {
		if h.From.After(t) {
			continue
		}
		holes = append(holes, h)
	}
	s.Holes = holes
	return s
}
