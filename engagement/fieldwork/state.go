package fieldwork

import (
	"fmt"
	"time"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/evidence"
)

// A Book keeps the files of a firm's engagements, at the newest entry of its
// log. It is safe for concurrent use, also by several processes on one store.
type Book struct {
	book *book.Book[*State]
	seal *evidence.Sealer
	now  func() time.Time
}

// Open returns the files of the firm whose log seal writes.
func Open(seal *evidence.Sealer, now func() time.Time) *Book {
	return &Book{book.Open(seal, now, audit.RecordFieldwork, newState()), seal, now}
}

// A State is the firm's files as the entries up to one place of the log add up
// to. It is read under Book.Read and not kept beyond it.
type State struct {
	book.Counted
	Files map[string]*File // by the engagement's ID
	Firm  Firm             // what the firm states of itself
	Texts []*Loaded        // wording and criteria its reports are made with, in order
}

// A File is one engagement's. Its objects are named "kind:EN-1/ID" in entries.
type File struct {
	Terms engagement.Terms
	State engagement.State
	Heard engagement.State // management's step, as its last packet said; it goes on beside the auditor's

	Changed string // why the terms were changed last after the client was offered them, which it reads; "": they were not

	Accepted     *Accepted               // client and engagement accepted, by a partner
	Independence map[string]*Declaration // by account
	Team         map[string]*Member      // by account
	Controls     *engagement.ControlSet  // the client's, as it last sent them
	Plan         Plan
	Tests        map[string]*Test       // by ID
	Requests     map[string]*Request    // by ID
	Populations  map[string]*Population // by ID
	Commitments  map[string]*Commitment // to nonces, by control, round and stratum
	Samples      map[string]*Sample     // by ID
	Papers       map[string]*Paper      // workpapers, by the test's ID
	Findings     map[string]*Finding    // exceptions, by ID
	Notes        map[string]*Note       // review notes, by ID
	Concluded    map[string]*Conclusion // by "control:IAM-06", "criterion:CC6.1", "dc:DC 4", "objective:1"
	Opinions     map[engagement.Part]*Opined
	Quality      *Signed // the engagement quality review

	// From the client, as packets brought it.
	Agreed          *engagement.Agreed
	Description     *engagement.Description
	Assertions      map[string]*engagement.Assertion      // by party
	Representations map[string]*engagement.Representation // by party
	Comments        map[string]*engagement.Comment        // by ID
	Release         *engagement.Release

	Moves  []Move     // steps taken, in order
	coming *comingSet // controls whose last part is not here yet

	Closing // what the second half of the work adds: deviations known, events, drafts, reports
}

func newState() *State { return &State{Files: map[string]*File{}} }

// A taker looks whether an entry counts, and changes nothing. What it returns
// says in words what the entry does, and does it.
type taker func(s *State, e book.Entry) (book.Change, error)

// takers are all kinds of entry: each part of the file has its own table.
var takers = book.Merge(termsTakers, teamTakers, populationTakers, planTakers, testTakers, sampleTakers, stateTakers, requestTakers, wordingTakers, closingTakers)

// Weigh says what an entry would do, or why it does not count.
func (s *State) Weigh(e book.Entry) (book.Change, error) {
	f := takers[e.Kind]
	if f == nil {
		return book.Change{}, fmt.Errorf("%w: this version knows no entry of kind %q", audit.ErrInvalid, e.Kind)
	}
	c, err := f(s, e)
	if err != nil {
		return book.Change{}, err
	}
	return s.after(e, c), nil
}
