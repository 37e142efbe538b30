// Stage 3 of 8: observations become items with versions over time, and coverage.

// Package timeline turns what single observations showed into what is known
// over time: every item's versions, every event, and the stretches and instants
// a stream was seen at. It is pure: the same observations, in whatever order
// they are handed over, give the same bytes (Encode).
//
// Observe takes everything at once. A Tracker takes one stream's observations
// as they are collected, in order of time, and gives the rows to store; Assemble
// makes a Timeline of stored rows. Both ways give the same Timeline.
//
// docs/formats/timeline.md states the rules.
package timeline

import (
	"errors"
	"fmt"

	"tieout/audit"
)

// ErrOutOfOrder: the snapshot is about an instant before one that the stream
// has taken in already (late evidence), or about the same one again. Nothing was
// changed; rebuild the stream from all its evidence with Observe.
var ErrOutOfOrder = errors.New("snapshot is out of order")

// A Row is one version of one item, as it is stored.
type Row struct {
	Item    string
	Version audit.Version
}

// A Delta is what one observation adds to a stream.
type Delta struct {
	Rows    []Row // by item; what Drain did not hand over before
	Points  []audit.Point
	Covered []audit.Stretch
	Holes   []audit.Hole
}

func streamName(k audit.StreamKey) string {
	if k.Scope == "" {
		return fmt.Sprintf("%s of %s", k.Type, k.Source)
	}
	return fmt.Sprintf("%s of %s, %s", k.Type, k.Source, k.Scope)
}
