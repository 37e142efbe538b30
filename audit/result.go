package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// An Outcome says what a test showed of one item, occurrence or stretch of
// time. The zero value is NoEvidence.
type Outcome uint8

// Outcomes, most cautious first.
const (
	NoEvidence    Outcome = iota // it was not or could not be seen
	Deviated                     // seen, and it did not do what the control says
	Late                         // done, but after it was due
	Pending                      // due in the future, or the deadline has not passed
	NoOccurrence                 // nothing happened that the control could act on
	NotApplicable                // outside the control's population
	Operated                     // seen, and it did what the control says
)

// NumOutcomes is how many outcomes there are.
const NumOutcomes = 7

var outcomeWords = [NumOutcomes]string{"no evidence", "deviation", "late", "pending", "no occurrence", "not applicable", "operated"}

func (o Outcome) String() string {
	if int(o) < len(outcomeWords) {
		return outcomeWords[o]
	}
	return fmt.Sprintf("outcome(%d)", uint8(o))
}

// MarshalText writes the outcome's word.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads an outcome's word.
func (o *Outcome) UnmarshalText(b []byte) error {
	for i, w := range outcomeWords {
		if w == string(b) {
			*o = Outcome(i)
			return nil
		}
	}
	return fmt.Errorf("%w: outcome %q; want one of %s", ErrInvalid, b, strings.Join(outcomeWords[:], ", "))
}

// Form is how a procedure looks at time.
type Form string

// The three automated forms, and tests a person performs.
const (
	Continuous Form = "continuous"
	Event      Form = "event"
	Cadence    Form = "cadence"
	Manual     Form = "manual"
)

// A FieldValue is one value a test read, as text.
type FieldValue struct {
	Path  string `json:"path"`
	Value string `json:"value"` // JSON text, or "not collected"
}

// An AttributeResult is the outcome of one attribute (A, B, C ...) of an
// event or occurrence.
type AttributeResult struct {
	Name    string  `json:"name"`
	Text    string  `json:"text"` // what was being confirmed
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason,omitempty"`
}

// A Result is what one procedure found about one item over one stretch
// (continuous), at one instant (event) or in one window (cadence).
type Result struct {
	Procedure    string            `json:"procedure"`
	Hash         string            `json:"hash"`            // of the procedure and its parameters
	Item         string            `json:"item"`            // item id; for a cadence the window, such as 2026-Q1, and its subject
	Label        string            `json:"label,omitempty"` // how a person would name the item
	Outcome      Outcome           `json:"outcome"`
	Span         Span              `json:"span"`
	Start        Bound             `json:"start"`                  // both ends of what is known of its start
	End          Bound             `json:"end"`                    // and of its end; zero while it lasts
	Open         bool              `json:"open,omitempty"`         // it still lasted at the last observation
	Exact        bool              `json:"exact,omitempty"`        // from a change history, not from observations
	Observations int               `json:"observations,omitempty"` // snapshots that showed it
	InGrace      bool              `json:"inGrace,omitempty"`      // operated only because the control grants time
	Attributes   []AttributeResult `json:"attributes,omitempty"`
	Reason       string            `json:"reason,omitempty"` // one sentence; what was missing, or what was not as it should be
	Values       []FieldValue      `json:"values,omitempty"`
	Records      []int64           `json:"records,omitempty"` // log indexes of the evidence behind it
	Stream       StreamKey         `json:"stream"`
}

// DeviationRef is the stable name of a deviation: the same finding has the
// same name in every run, on every machine.
func DeviationRef(procedure, item string, start time.Time) string {
	h := sha256.Sum256([]byte(procedure + "\x1f" + item + "\x1f" + FormatTime(start)))
	return "D-" + hex.EncodeToString(h[:4])
}

// A Disposition is what has been decided about a deviation.
type Disposition string

// A finding is a candidate until a person or a rule decides.
const (
	Candidate    Disposition = "candidate"
	Confirmed    Disposition = "confirmed"
	NotDeviation Disposition = "not a deviation" // wrong test or wrong population; reason and approver on record
)

// A Deviation is an occurrence where a control did not do what it says. It is
// never deleted and never merged away.
type Deviation struct {
	Ref         string      `json:"ref"`
	Result                  // what was found
	Title       string      `json:"title"`    // of the procedure
	Controls    []string    `json:"controls"` // ids
	Disposition Disposition `json:"disposition"`
	Cause       string      `json:"cause,omitempty"`    // management's words
	Response    string      `json:"response,omitempty"` // management's words
	DecidedBy   string      `json:"decidedBy,omitempty"`
	DecidedWhy  string      `json:"decidedWhy,omitempty"`
	NotFoundBy  string      `json:"notFoundBy,omitempty"` // hash of the procedure whose run no longer found it; it stays all the same
	Exceptions  []Excepted  `json:"exceptions,omitempty"` // approved for its item and in force while it lasted; they change nothing of what was found
}

// An Excepted is a ticket by which an exception was approved for an item, as its
// newest version says. It is a fact beside a finding, never a decision about it.
type Excepted struct {
	Ticket     string    `json:"ticket"` // item id
	Title      string    `json:"title,omitempty"`
	ApprovedBy string    `json:"approvedBy"`
	ApprovedAt time.Time `json:"approvedAt,omitzero"` // zero: no instant is recorded
	ExpiresAt  time.Time `json:"expiresAt,omitzero"`  // zero: it names no end
	Record     int64     `json:"record"`              // log index of the page that shows it
}

// A Gap is a stretch for which a procedure has no evidence, and why.
type Gap struct {
	Procedure string    `json:"procedure"`
	Controls  []string  `json:"controls"`
	Stream    StreamKey `json:"stream"`
	Span      Span      `json:"span"`
	Reason    string    `json:"reason"`
	Items     int       `json:"items"` // items or occurrences it touches; 0 if the whole population is unseen
	Records   []int64   `json:"records,omitempty"`
}

// A Tested is what one procedure found over one period: the whole population
// in numbers, and every deviation and gap by name.
type Tested struct {
	Procedure  string           `json:"procedure"`
	Hash       string           `json:"hash"`
	Title      string           `json:"title"`
	Form       Form             `json:"form"`
	Controls   []string         `json:"controls"`
	Statement  string           `json:"statement"`  // the test, in an auditor's past tense
	Population string           `json:"population"` // what it was performed on, in a sentence
	Span       Span             `json:"span"`       // the part of the period it speaks about
	Items      int              `json:"items"`      // size of the population: distinct items or occurrences
	Counts     [NumOutcomes]int `json:"counts"`     // items or occurrences by their worst outcome
	InGrace    int              `json:"inGrace"`
	Deviations []Deviation      `json:"deviations"` // outcomes Deviated and Late
	Gaps       []Gap            `json:"gaps"`
	Streams    []StreamSummary  `json:"streams"`
	Questions  []string         `json:"questions,omitempty"` // for a person to answer
	Frequency  string           `json:"frequency"`           // "at 364 daily observations", "throughout, from a change history"
	Marks      []Mark           `json:"marks,omitempty"`     // what a strip shows, in order of time; bounded by the period's days
}

// A Mark is what a strip over the period shows of one stretch: days on which
// something held, was done or happened, or one window of a cadence.
type Mark struct {
	Span
	Outcome Outcome `json:"outcome"`
	Count   int     `json:"count"`           // items or occurrences it stands for
	Label   string  `json:"label,omitempty"` // of a cadence: its window, such as 2026-Q1
}

// A StreamSummary says how completely one stream was seen in a period.
type StreamSummary struct {
	StreamKey    `json:"stream"`
	Mode         Mode          `json:"mode"`
	Observations int           `json:"observations"` // complete snapshots in the period
	Covered      []Span        `json:"covered"`
	Holes        []Hole        `json:"holes"`
	Checks       []Reconciling `json:"checks,omitempty"`
	Items        int           `json:"items"`
}

// A ControlState is where a control stands in a running period. These words
// and no others; "No known deviation" is what outsiders read for OnTrack.
type ControlState string

// Control states, worst last.
const (
	NotStarted   ControlState = "Not started"
	OnTrack      ControlState = "On track"
	AtRisk       ControlState = "At risk"
	EvidenceGap  ControlState = "Evidence gap"
	HasDeviation ControlState = "Deviation"
)
