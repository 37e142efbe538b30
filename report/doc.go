// Stage 7 of 8: a report is built as a value, and renderers write it down.

// Package report turns what the procedures found into one audit.Report, states
// it in one sentence, and holds the words every renderer shares. The renderers
// are the folders below: html, xlsx, oscal, json, sarif, junit, and text for
// tables in a terminal. Nothing here reads a store or a clock: the same input
// always gives the same value, and the same value the same bytes.
package report

import "tieout/audit"

// Rows gives the whole population of a procedure, which may be far larger than
// memory. Results calls yield for each result in the order of items and time
// and stops at the first error, which it returns. The pointer is valid only
// during the call.
type Rows interface {
	Results(procedure string, yield func(*audit.Result) error) error
}

// A Reader is who a text is written for. The zero value is the cautious one.
type Reader uint8

// Readers. An outsider reads "no known deviation" where management, in its own
// running view, reads "on track".
const (
	Outsider Reader = iota
	Management
)

// StateWord is the word for s that reader sees.
func StateWord(s audit.ControlState, reader Reader) string {
	if s == audit.OnTrack && reader == Outsider {
		return "No known deviation"
	}
	return string(s)
}
