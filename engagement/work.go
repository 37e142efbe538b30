package engagement

import (
	"time"

	"tieout/audit"
)

// RequestStatus is where a request stands.
type RequestStatus string

// The words of UX.md section 6.
const (
	RequestOpen       RequestStatus = "Open"
	RequestInProgress RequestStatus = "In progress"
	RequestSubmitted  RequestStatus = "Submitted"
	RequestReturned   RequestStatus = "Returned"
	RequestAccepted   RequestStatus = "Accepted"
	RequestWithdrawn  RequestStatus = "Withdrawn"
)

// A Request is something the auditor asks the client for. One request may serve
// several tests.
type Request struct {
	ID    string   `json:"id"`   // "RQ-12"
	Kind  string   `json:"kind"` // population, evidence, document, explanation
	Title string   `json:"title"`
	Asks  string   `json:"asks"`            // what to bring, in words
	Tests []string `json:"tests"`           // ids of the tests it serves
	Items []string `json:"items,omitempty"` // of a released sample
	Due   string   `json:"due,omitempty"`   // a day
}

// Reliance is how much rests on what about a control's evidence. It is fixed
// before the draw (DESIGN section 7).
type Reliance string

// The modes.
const (
	ItemsAtSource Reliance = "items at source"                               // each sampled item is looked at where it arose
	ToolOutput    Reliance = "tool output, completeness and accuracy tested" // what the client's tool collected, once shown complete and accurate
	WholeLogic    Reliance = "logic tested, whole population"                // the test's logic is examined and it runs over all items
)

// A ProcedureKind is how something is tested. Inquiry alone never proves operation.
type ProcedureKind string

// The kinds of procedure (AT-C 205).
const (
	Inquiry       ProcedureKind = "inquiry"
	Observation   ProcedureKind = "observation"
	Inspection    ProcedureKind = "inspection"
	Reperformance ProcedureKind = "re-performance"
)

// A Phase is what a test is of.
type Phase string

// The phases. Operation belongs to examinations over a period alone.
const (
	Walkthrough Phase = "walkthrough"
	Design      Phase = "design"
	Operation   Phase = "operation"
)

// A Test is one planned procedure on one version of one control.
type Test struct {
	ID         string        `json:"id"` // "T-IAM-06-1"
	Control    string        `json:"control"`
	Version    string        `json:"version,omitempty"` // day from which the control's tested version is in force; "": the whole time
	Until      string        `json:"until,omitempty"`   // last day of that version; "": to the end
	Phase      Phase         `json:"phase"`
	Kind       ProcedureKind `json:"kind"`
	Text       string        `json:"text"` // past tense, as Section IV prints it
	Attributes []Attribute   `json:"attributes"`
	Reliance   Reliance      `json:"reliance,omitempty"`
	Population bool          `json:"population"` // it is performed on items of a population
	Criteria   []string      `json:"criteria"`
	Extra      []string      `json:"extra,omitempty"` // criteria of another examined set, or control objectives
}

// An Attribute is one thing that is confirmed of each item.
type Attribute struct {
	Name      string `json:"name"`                // "A"
	Text      string `json:"text"`                // what is confirmed
	Procedure string `json:"procedure,omitempty"` // of the client's, which computes it over the whole population
}

// A Population is all occurrences a control had in a round, frozen by the client
// before anybody knows the sample. Its items are beside it, as Item lines: there
// may be millions.
type Population struct {
	ID         string         `json:"id"` // "P-3", given by the client
	Request    string         `json:"request,omitempty"`
	Controls   []string       `json:"controls"`
	Round      string         `json:"round"` // "1"; a re-freeze is another
	Title      string         `json:"title"`
	Defined    string         `json:"defined"` // in words: what belongs to it
	Source     []string       `json:"source"`  // systems of record
	Query      string         `json:"query"`
	Window     audit.Span     `json:"window"`
	Zone       string         `json:"zone"`
	Collected  time.Time      `json:"collected"`
	Checks     []Reconciled   `json:"checks"` // completeness that adds up
	Left       []LeftOut      `json:"left,omitempty"`
	Columns    []string       `json:"columns"`
	Count      int            `json:"count"`
	Strata     map[string]int `json:"strata,omitempty"`
	Digest     string         `json:"digest"`               // SHA-256 of its item lines, hex
	Run        int64          `json:"run"`                  // the client's run whose results the items carry; audit.Unsequenced: none
	Supplement bool           `json:"supplement,omitempty"` // rows that came after an interim round
	ToDate     string         `json:"toDate,omitempty"`     // of an interim round: tested to this day
	Supersedes string         `json:"supersedes,omitempty"` // id of the earlier freeze of the same that this one takes the place of

	Freeze Freeze `json:"freeze"`
}

// A Freeze is the client's log at the entry that froze a population: whoever has
// the client's checkpoint of that size can check it.
type Freeze struct {
	Index int64     `json:"index"` // of the freeze entry in the client's log
	Root  string    `json:"root"`  // log root at size Index+1, hex: part of every seed
	At    time.Time `json:"at"`
}

// Reconciled is one line of completeness: what was read here beside what an
// independent count or list says. It adds up where both are the same text, and
// is explained where they are not.
type Reconciled struct {
	What      string `json:"what"` // "count at source"
	Here      string `json:"here"`
	There     string `json:"there"`
	Explained string `json:"explained,omitempty"`
}

// Open reports whether the line neither adds up nor is explained.
func (r Reconciled) Open() bool { return r.Here != r.There && r.Explained == "" }

// LeftOut is a row that was taken out of a population, and why.
type LeftOut struct {
	Item string `json:"item"`
	Why  string `json:"why"`
	By   string `json:"by"`
}

// An Item is one line of a population.
type Item struct {
	ID      string            `json:"id"`
	Label   string            `json:"label,omitempty"`
	At      time.Time         `json:"at,omitzero"`
	Stratum string            `json:"stratum,omitempty"`
	Values  []string          `json:"values,omitempty"`  // by Population.Columns
	Records []int64           `json:"records,omitempty"` // of the client's log
	Results map[string]string `json:"results,omitempty"` // outcome by procedure, as audit.Outcome's word
}

// Method is how items are picked.
type Method string

// The methods. The first three can be projected, the last two cannot.
const (
	Random     Method = "random"
	Systematic Method = "systematic"
	Stratified Method = "stratified"
	Judgmental Method = "judgmental"
	EveryItem  Method = "100 percent"
)

// A Sample is the items of one draw, as the client gets to know it.
type Sample struct {
	ID         string        `json:"id"` // "S-4"
	Population string        `json:"population"`
	Control    string        `json:"control"`
	Round      string        `json:"round"`
	Method     Method        `json:"method"`
	Basis      string        `json:"basis"`         // where the size comes from: the firm's table by name and version, or a reason
	Why        string        `json:"why,omitempty"` // of a judgmental pick
	Draws      []Draw        `json:"draws"`         // one a stratum
	Items      []string      `json:"items"`
	Replaced   []Replacement `json:"replaced,omitempty"`
}

// A Draw is what one stratum was picked with, enough for anybody to pick again.
type Draw struct {
	Stratum    string   `json:"stratum,omitempty"`
	Count      int      `json:"count"` // items of the stratum
	Size       int      `json:"size"`
	Commitment int64    `json:"commitment"`      // index in the firm's log of the commitment to the nonce, made before the freeze
	Nonce      string   `json:"nonce"`           // 32 bytes, hex, as revealed
	Seed       string   `json:"seed"`            // hex
	Start      int      `json:"start,omitempty"` // systematic
	Items      []string `json:"items"`           // in the order in which they were picked
}

// A Replacement is a picked item that was proved to be void, and the next one in
// order that took its place. Missing evidence is an exception, never replaced.
type Replacement struct {
	Item  string  `json:"item"`
	By    string  `json:"by"`
	Why   string  `json:"why"`
	Proof []int64 `json:"proof"` // records of the client's log
}

// Mark is a tester's result for one attribute of one item.
type Mark string

// The words of UX.md section 6, and the one for evidence that is not to be had.
const (
	ToTest        Mark = "To test"
	NoException   Mark = "No exception"
	Exception     Mark = "Exception"
	NotApplicable Mark = "Not applicable"
	UnableToTest  Mark = "Unable to test"
)

// A Finding is an exception as the client gets to know it once it is released:
// facts alone, never what the auditor makes of it.
type Finding struct {
	ID      string   `json:"id"` // "X-2"
	Control string   `json:"control"`
	Test    string   `json:"test"`
	Nature  string   `json:"nature"`
	Items   []string `json:"items"`
	Of      int      `json:"of"`              // items tested; the rate counts sampled items only
	Text    string   `json:"text"`            // as Section IV prints it
	Known   []string `json:"known,omitempty"` // deviations outside the sample, by reference

	Withdrawn bool   `json:"withdrawn,omitempty"` // it is none: what was released before does not count, and nobody responds to it
	Why       string `json:"why,omitempty"`       // of a withdrawn one, in the words of its kind
}

// A Response is management's answer to a released exception.
type Response struct {
	Finding string `json:"finding"`
	Agrees  bool   `json:"agrees"`
	Cause   string `json:"cause"`
	Effect  string `json:"effect"`
	Done    string `json:"done"` // remediation, with dates
	Status  string `json:"status"`
	Owner   string `json:"owner"`
	Final   bool   `json:"final"`
}

// An Outcome is what the auditor concludes of a control. Only "No exceptions"
// and "Exceptions" speak of operation.
type Outcome string

// The results of PRIMER section 10.
const (
	NoExceptions     Outcome = "no exceptions noted"
	WithExceptions   Outcome = "exceptions noted"
	DidNotOccur      Outcome = "did not occur in the period"
	DesignOnly       Outcome = "design only"
	UnableToConclude Outcome = "unable to conclude"
)

// A Part is one of what an opinion is given on.
type Part string

// The parts. A SOC 3 has one, that the controls were effective.
const (
	PartDescription Part = "description"
	PartDesign      Part = "design"
	PartOperation   Part = "operation"
)

// Opinion is how a part is opined on.
type Opinion string

// The four opinions.
const (
	Unmodified Opinion = "Unmodified"
	Qualified  Opinion = "Qualified"
	Adverse    Opinion = "Adverse"
	Disclaimer Opinion = "Disclaimer"
)
