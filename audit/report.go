package audit

import "time"

// A Report is the report of results as a value: every renderer writes this
// and adds no facts. The same Report always renders to the same bytes.
type Report struct {
	Schema       int             `json:"schema"` // of this value
	Organization Organization    `json:"organization"`
	Period       Period          `json:"period"`
	AsOf         time.Time       `json:"asOf"`     // the instant up to which the evidence was considered
	Sentence     string          `json:"sentence"` // the one true sentence of the period
	Controls     []ControlReport `json:"controls"`
	Untested     []Control       `json:"untested"` // in scope, without a procedure that can run here
	Coverage     []StreamSummary `json:"coverage"`
	Criteria     []Criterion     `json:"criteria"`
	Evidence     []EvidenceLine  `json:"evidence"` // every record a result rests on
	Versions     Versions        `json:"versions"`
	Log          LogState        `json:"log"`
	Limits       []string        `json:"limits"` // what this report does not show, in words
	// Why says, by control id, why an untested control could not be tested.
	Why map[string]string `json:"why,omitempty"`
}

// A ControlReport is one control with what its procedures found.
type ControlReport struct {
	Control    Control      `json:"control"`
	State      ControlState `json:"state"`
	Procedures []Tested     `json:"procedures"`
}

// An EvidenceLine is one sealed record in the report's evidence index.
type EvidenceLine struct {
	Index     int64      `json:"index"`
	Kind      RecordKind `json:"kind"`
	Source    string     `json:"source"`
	Scope     string     `json:"scope,omitempty"`
	Query     string     `json:"query,omitempty"`
	About     Span       `json:"about"`
	Collected time.Time  `json:"collected"`
	Recorded  time.Time  `json:"recorded"`
	Digest    string     `json:"digest"`
	Size      int64      `json:"size"`
}

// Versions are what results were made with; a difference makes a
// re-performance "not comparable" instead of "altered".
type Versions struct {
	Tieout      string         `json:"tieout"`
	Schema      int            `json:"schema"`
	Engine      int            `json:"engine"`
	Normalizers map[string]int `json:"normalizers"`
}

// LogState is the log a report rests on.
type LogState struct {
	Origin    string   `json:"origin"`
	Size      int64    `json:"size"`
	Root      string   `json:"root"`      // hex
	Witnessed []string `json:"witnessed"` // names of witnesses and time-stamp authorities; empty: order not externally witnessed
}
