package demo

import (
	"time"

	"tieout/audit"
)

// A Seeded is one thing the pipeline must find. From and To are what daily
// observation can know of the stretch: a start or end that lies between two
// snapshots is the later one, when it was first seen.
type Seeded struct {
	Procedure string        `json:"procedure"`
	Item      string        `json:"item"` // item id, window and subject, or for a gap the stream: "source scope type"
	Outcome   audit.Outcome `json:"outcome"`
	From      time.Time     `json:"from"`
	To        time.Time     `json:"to"`
	Why       string        `json:"why"`
}

// A Truth is everything that is wrong with Halyard's year: what the library's
// procedures must find over the period, no more and no less.
type Truth struct {
	Deviations []Seeded `json:"deviations"`
	Gaps       []Seeded `json:"gaps"`
}

func (x *writer) truth() *Truth { return &Truth{} }
