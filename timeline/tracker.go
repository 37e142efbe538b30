package timeline

import (
	"fmt"
	"iter"
	"strings"
	"time"

	"tieout/audit"
)

// A Tracker takes one stream's observations, one after the other in order of
// recording, and gives the rows to store. A snapshot is compared with the last
// known state of every item, so it keeps a digest for every item; changes and
// events pass through in constant memory. It is for one goroutine. After an
// error of storing what it gave, throw it away and Resume from the store.
type Tracker struct {
	key  audit.StreamKey
	mode audit.Mode
	ages []audit.Field

	last    time.Time // snapshot: instant of the latest one
	point   time.Time // snapshot: instant of the latest complete one
	states  states    // snapshot
	covered union     // changes, events

	open   bool
	covers audit.Span
	faults faults
	rows   []Row // changes, events: ready, not handed over yet
}

// NewTracker starts a stream that nothing is known of. Errors wrap
// audit.ErrInvalid: no such item type or mode, or events of a type that has
// versions, or the reverse.
func NewTracker(key audit.StreamKey, mode audit.Mode) (*Tracker, error) {
	it, err := audit.TypeByName(key.Type)
	if err != nil {
		return nil, fmt.Errorf("%w: stream %s: there is no item type %q", audit.ErrInvalid, streamName(key), key.Type)
	}
	switch mode {
	case audit.ModeSnapshot, audit.ModeChanges, audit.ModeEvents:
	default:
		return nil, fmt.Errorf("%w: stream %s: there is no mode %q", audit.ErrInvalid, streamName(key), mode)
	}
	if it.Event != (mode == audit.ModeEvents) {
		return nil, fmt.Errorf("%w: stream %s: type %s cannot come as %s", audit.ErrInvalid, streamName(key), key.Type, mode)
	}
	return &Tracker{key: key, mode: mode, ages: agesOf(key.Type)}, nil
}

// Resume goes on with a stream from what is stored: its coverage, and the last
// version of every item. Of a snapshot's coverage only the last point and the
// last hole are looked at. Changes and events need no versions: last may be nil.
func Resume(s audit.Stream, last iter.Seq2[Row, error]) (*Tracker, error) {
	t, err := NewTracker(s.StreamKey, s.Mode)
	if err != nil {
		return nil, err
	}
	for _, c := range s.Covered {
		t.covered.add(c.Span)
	}
	if t.mode != audit.ModeSnapshot {
		return t, nil
	}
	if n := len(s.Points); n > 0 {
		t.last, t.point = s.Points[n-1].At, s.Points[n-1].At
	}
	if n := len(s.Holes); n > 0 && s.Holes[n-1].From.After(t.last) {
		t.last = s.Holes[n-1].From
	}
	if last == nil {
		return t, nil
	}
	for r, err := range last {
		if err != nil {
			return nil, fmt.Errorf("resume stream %s: %w", streamName(t.key), err)
		}
		t.states.known(r)
	}
	return t, nil
}

// Open begins the next observation. A snapshot is about one instant (audit.At),
// later than every one before; else the error is ErrOutOfOrder, and nothing
// changed. Changes and events may be about any stretch, in any order.
func (t *Tracker) Open(covers audit.Span) error {
	if t.open {
		return fmt.Errorf("%w: stream %s: the observation before was not closed", audit.ErrConflict, streamName(t.key))
	}
	covers = audit.Span{From: audit.Instant(covers.From), To: audit.Instant(covers.To)}
	if t.mode == audit.ModeSnapshot && !t.last.IsZero() && !covers.From.After(t.last) {
		return fmt.Errorf("%w: stream %s: about %s, but %s is taken in already", ErrOutOfOrder,
			streamName(t.key), audit.FormatTime(covers.From), audit.FormatTime(t.last))
	}
	t.open, t.covers, t.faults = true, covers, faults{}
	if why := t.unsound(); why != "" {
		t.faults.add("", why)
	}
	return nil
}

// unsound says why covers cannot be what an observation is about, or "".
func (t *Tracker) unsound() string {
	if t.covers.From.IsZero() || t.covers.Empty() {
		return "what it covers has no beginning or no end"
	}
	if t.mode == audit.ModeSnapshot && t.covers != audit.At(t.covers.From) {
		return "a snapshot is about one instant, this says a stretch"
	}
	return ""
}

// Add takes an item that the page at that log index showed. An item that is
// not as the schema says, or that the same snapshot showed with another body,
// is an error that wraps audit.ErrInvalid: it is not counted, the observation
// is incomplete from now on, and the next item can be added.
func (t *Tracker) Add(it audit.Item, record int64) error {
	if !t.open {
		return fmt.Errorf("%w: stream %s: no observation is open", audit.ErrConflict, streamName(t.key))
	}
	if err := t.check(it); err != nil {
		t.faults.add(it.ID, err.Error())
		return err
	}
	if t.mode == audit.ModeSnapshot {
		it.Body = aged(it, t.ages, t.covers.From)
		return t.see(it, record)
	}
	v := audit.Version{From: audit.ExactBound(audit.Instant(it.At)), Gone: it.Gone, Record: record}
	if !it.Gone {
		v.Body = it.Body
	}
	t.rows = append(t.rows, Row{it.ID, v})
	return nil
}

func (t *Tracker) check(it audit.Item) error {
	if it.Type != t.key.Type {
		return fmt.Errorf("%w: %s %q in stream %s", audit.ErrInvalid, it.Type, it.ID, streamName(t.key))
	}
	if t.mode == audit.ModeSnapshot && t.unsound() != "" {
		return fmt.Errorf("%w: %s %q: the snapshot says no instant it is about", audit.ErrInvalid, it.Type, it.ID)
	}
	return Check(t.mode, it)
}

// Drain hands over the rows that are ready: of changes and events all that were
// added, of snapshots none before Close. What was drained stands, also where
// the observation turns out incomplete.
func (t *Tracker) Drain() []Row {
	rows := t.rows
	t.rows = nil
	return rows
}

// Close ends the observation; record is the log index of the manifest that says
// so. Only a complete one, all of whose items could be counted, gives a point or
// a stretch, and lets what a snapshot did not show disappear. Any other gives a
// hole with its reason; the items it did show are recorded all the same.
func (t *Tracker) Close(complete bool, reason string, record int64) (Delta, error) {
	if !t.open {
		return Delta{}, fmt.Errorf("%w: stream %s: no observation is open", audit.ErrConflict, streamName(t.key))
	}
	t.open = false
	if why := t.faults.String(); complete && why != "" {
		complete, reason = false, why
	}
	d := Delta{Rows: t.Drain()}
	if t.mode == audit.ModeSnapshot {
		d.Rows = t.commit(complete, record)
	}
	if complete {
		t.cover(&d, record)
	} else {
		d.Holes = []audit.Hole{{Span: t.covers, Reason: strings.ToValidUTF8(reason, "\uFFFD"), Record: record}}
		if t.mode == audit.ModeSnapshot && t.unsound() == "" {
			t.last = t.covers.From
		}
	}
	return d, nil
}

// cover records what a complete observation covers: of a history the stretches
// that no observation recorded before it covers.
func (t *Tracker) cover(d *Delta, record int64) {
	if t.mode == audit.ModeSnapshot {
		t.last, t.point = t.covers.From, t.covers.From
		d.Points = []audit.Point{{At: t.point, Record: record}}
		return
	}
	for _, s := range t.covered.add(t.covers) {
		d.Covered = append(d.Covered, audit.Stretch{Span: s, Record: record})
	}
}

// faults keeps what was wrong with an observation's items: how many, and the
// first by item and words, so that their order does not matter.
type faults struct {
	n         int
	item, why string
}

func (f *faults) add(item, why string) {
	f.n++
	if f.n == 1 || item < f.item || item == f.item && why < f.why {
		f.item, f.why = item, why
	}
}

func (f *faults) String() string {
	switch f.n {
	case 0:
		return ""
	case 1:
		return f.why
	}
	return fmt.Sprintf("%s (and %d more)", f.why, f.n-1)
}
