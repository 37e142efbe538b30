package fieldwork

import (
	"time"

	"tieout/engagement"
)

// A Paper is the workpaper of one test: its grid, attachments and course. Its
// cells are objects of their own in the log, so that people who mark different
// cells never meet, and who mark the same one see each other.
type Paper struct {
	Test       string
	Sample     string                          // the first one it was opened from; "": the test has no items
	Samples    []string                        // all of them: extensions, later rounds
	Empty      string                          // population without an item, in place of a sample
	Rows       []string                        // items, in the order of the samples; a test without items has one row, ""
	Void       map[string]string               // rows whose item was replaced in the sample, and why
	Cells      map[Cell]*Marked                // of those that were marked
	Opened     map[string]map[string]time.Time // by account and item: when the item was opened
	Revealed   map[Cell]*Revealed              // computed outcomes that were shown
	Attached   []Attachment
	Prepared   *Signed
	Reviewed   *Signed
	Version    int // raised by each sign-off of the reviewer; reopening starts the next
	Reopenings []Step
	Retired    []Retired // samples of populations that were frozen again
	Opening    Step
}

// A Marked is a cell's mark with those before it.
type Marked struct {
	Mark     engagement.Mark
	Note     string  // for Not applicable and Unable to test: the reason
	Evidence []int64 // records of the client's log that were looked at
	Why      string  // of a change: why the earlier mark was wrong
	By       string
	At       time.Time
	Record   int64
	Bulk     bool // one entry marked several cells
	Earlier  []Marked
}

// Revealed is what the client's procedure computed for a cell, shown after the
// tester's own mark of it.
type Revealed struct {
	Outcome     string          // audit.Outcome's word; "": the procedure has no result for the item
	Own         engagement.Mark // the mark at that moment
	By          string
	At          time.Time
	Record      int64
	Explained   string // of a difference
	ExplainedBy string
}

// Differs reports whether a computed outcome and a mark say different things.
// An outcome without evidence says nothing a mark could differ from.
func (r Revealed) Differs(m engagement.Mark) bool {
	switch r.Outcome {
	case "operated":
		return m != engagement.NoException
	case "deviation", "late":
		return m != engagement.Exception
	case "not applicable", "no occurrence":
		return m != engagement.NotApplicable
	}
	return false
}

// A Known is a deviation outside the sample that the auditor knows of. It never
// counts into a rate; it has to be disposed of before its control is concluded.
type Known struct {
	Test       string
	Ref        string // names it in entries, forms and exceptions: the item and its attribute, "CHG-7/A", or what the auditor calls it
	Item       string // the item; of one learned otherwise what the auditor calls it
	Attribute  string // "": learned otherwise than from the population
	Outcome    string // audit.Outcome's word; "": learned otherwise
	Source     string // procedure of the client's, or where it was learned
	Population string // that was looked over, and the digest of its item lines; "": learned otherwise
	Digest     string
	Text       string
	At         time.Time
	Record     int64
	Disposed   *Disposition // nil: open
	Earlier    []Known      // as it was known before a later look found something else, with what was said of it
}

// How something that looks like an exception is disposed of. Only the first
// needs no second person.
const (
	InFinding       = "in an exception"  // an exception of this file names it
	WrongTest       = "wrong test"       // the test or its attribute was wrong, the item is not
	WrongPopulation = "wrong population" // the item does not belong to the population
)

// A Disposition is what became of something, with its reason.
type Disposition struct {
	As          string
	Finding     string // of InFinding
	Why         string
	By          string
	At          time.Time
	ConfirmedBy string // second person; of WrongTest and WrongPopulation
	Confirmed   time.Time
}

// Settled reports whether the disposition holds.
func (d *Disposition) Settled() bool {
	return d != nil && (d.As == InFinding || d.ConfirmedBy != "")
}

// A Looked is one look over a whole population for deviations outside the sample.
type Looked struct {
	Attribute, Procedure string
	Population, Digest   string
	Found                int
	Of                   int // items outside the sample
	By                   string
	At                   time.Time
	Record               int64
}

// A Finding is an exception with the auditor's private work on it.
type Finding struct {
	engagement.Finding
	Cells        []Cell // the grid's, where it comes from there
	Cause        string
	Extent       string
	Compensating []string // ids of tests of other controls, in this engagement
	Evaluation   string   // the auditor's, never sent
	Criteria     []string
	Disposed     *Disposition       // nil: it stands
	Released     time.Time          // zero: the client does not know it as it now is
	Given        engagement.Finding // as the client was last given it, where it was
	Response     *engagement.Response
	By           string   // who wrote it last
	Writers      []string // all who wrote it
	Steps        []Step
	Revision     int64
}

// Stands reports whether the exception counts: it was not settled to be a wrong
// test or a wrong population.
func (x *Finding) Stands() bool { return !x.Disposed.Settled() }

// A Note is a review note; it must be cleared before the reviewer signs.
type Note struct {
	ID, Test, Where string
	Text            string
	By              string
	At              time.Time
	Answer          string
	AnsweredBy      string
	Cleared         time.Time
	ClearedBy       string
}

// A Conclusion is the auditor's on a control, a criterion, an objective or a
// description criterion.
type Conclusion struct {
	On          string // "control:IAM-06"
	Outcome     engagement.Outcome
	Design      string // of a control: one of DesignWords
	Implemented bool   // of a control as of a date: an instance of it was seen
	Text        string
	Findings    []string
	Prior       []string          // of a control: what was seen of each exception of the report before
	Rests       map[string]string // what it rests on, as it was: "test:T-1" its workpaper's digest
	By          string
	At          time.Time
	Record      int64
	Revision    int64
}

// An Opined is the auditor's opinion on one part, in the auditor's own words.
type Opined struct {
	Part    engagement.Part
	Opinion engagement.Opinion
	Text    string
	Basis   string // the basis paragraph of a modified one
	Rests   string // digest of the conclusions it rests on
	Base    string // of a SOC 3: digest of the report it rests on; "": it was written before opinions named it
	Signed  engagement.Signature
	At      time.Time
	Record  int64
}

// Closing is what the second half of the work adds to a file.
type Closing struct {
	Known     map[string]map[string]*Known // deviations outside the samples, by test and reference
	Looked    map[string][]Looked          // over whole populations, by test
	Inquiries []Inquiry                    // about subsequent events
	Events    map[string]*Event            // by ID
	Drafts    []engagement.Draft
	Issues    []*Issuance         // the report and those that supersede it, in order
	Copies    []*engagement.Share // of the issued report, for one recipient each
	Archive   *Archive

	TheirSteps *engagement.ProvedSteps // of the client's log, for the annex; nil before any came
	Course     []Turn                  // every entry on the file that counts, in the order of the log
}

// An Inquiry is one about events after the period.
type Inquiry struct {
	Asked  string // who was asked and what was read
	Answer string
	To     string // last day it covers
	By     string
	At     time.Time
	Record int64
}

// What an event after the period means.
const (
	EventOfPeriod = "shows a condition of the period" // it is evaluated like a finding
	EventNew      = "new and significant"             // it is disclosed
	EventNeither  = "neither"
)

// An Event is one after the period's end and before the report's day.
type Event struct {
	ID       string
	Day      string
	Title    string
	Class    string // one of EventClasses
	Effect   string // what was done about it, in words
	By       string
	At       time.Time
	Revision int64
}

// An Issuance is one issue of a report. Nothing of it changes.
type Issuance struct {
	engagement.Release
	Digests    []IssuedFile
	By         string
	At         time.Time
	Record     int64
	Withdrawn  *Step  // who, when, why
	Revising   *Step  // a superseding report is under way, and why
	Superseded string // digest of the report that took its place
}

// An IssuedFile is one file of a report.
type IssuedFile struct {
	Name   string `json:"name"`
	Digest string `json:"digest"` // SHA-256, hex
	Size   int64  `json:"size"`
}

// A Turn is one entry in the course of a file.
type Turn struct {
	Record int64     `json:"record"`
	Kind   string    `json:"kind"`
	On     string    `json:"on"`
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	What   string    `json:"what"`
	Data   string    `json:"data"` // SHA-256 of the entry's data, hex
}

// An Archive is the assembled file of an engagement.
type Archive struct {
	Digest    string // of its index
	Members   int
	Assembled time.Time
	By        string
	Locked    time.Time // zero: not yet
	LockedBy  string
	Record    int64 // of the lock
	Added     []Addition
}

// An Addition is what came to the file after its lock.
type Addition struct {
	Name   string    `json:"name"`
	Digest string    `json:"digest"` // of a blob, hex
	Size   int64     `json:"size"`
	Why    string    `json:"why"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
}
