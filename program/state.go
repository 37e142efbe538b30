package program

import (
	"fmt"
	"maps"
	"slices"

	"tieout/audit"
	"tieout/book"
)

// A State is the registers as the entries up to one place of the log add up to.
// It is read under Book.Read and not kept beyond it.
type State struct {
	book.Counted

	Risks         map[string]*Risk         // by ID
	Incidents     map[string]*Incident     // by ID
	Issues        map[string]*Issue        // by ID
	Answers       map[string]*Answer       // by ID
	Vendors       map[string]*Vendor       // by ID
	VendorReports map[string]*VendorReport // by ID
	Identities    map[string]*Identity     // by what they are of: "identity:account:okta/ana"
	Reviews       map[string]*Review       // by ID
	Holds         map[string]*Hold         // by ID

	Tasks     map[string]*Task     // by ID, such as board.meeting@2026-Q1
	Duties    map[string]*Duty     // by the owner's name in the definitions
	Absences  map[string]*Absence  // by account
	Feeds     map[string]*Feed     // by account
	Reminders map[string]*Reminder // the last one, by task

	Policies   map[string]*Policy               // by ID
	Agreements map[string]map[string]*Agreement // the last one, by document and account
	Kept       map[string][]KeptText            // texts of files that were agreed to, by document
	Trainings  map[string]map[string]*Training  // by course and account
	Audiences  map[string]*Audience             // by name
	Words      Words                            // for the placeholders of starter texts

	Facts []audit.Fact // what the registers say as evidence, in the order of the log

	lapses  []lapse            // of vendors, see FactsAt
	persons map[string]belongs // person item of accounts of this workspace; replaced, never changed
}

func newState() *State {
	return &State{
		Risks: map[string]*Risk{}, Incidents: map[string]*Incident{}, Issues: map[string]*Issue{}, Answers: map[string]*Answer{}, Vendors: map[string]*Vendor{}, VendorReports: map[string]*VendorReport{}, Identities: map[string]*Identity{}, Reviews: map[string]*Review{}, Holds: map[string]*Hold{}, persons: map[string]belongs{},
		Tasks: map[string]*Task{}, Duties: map[string]*Duty{}, Absences: map[string]*Absence{}, Feeds: map[string]*Feed{}, Reminders: map[string]*Reminder{},
		Policies: map[string]*Policy{}, Agreements: map[string]map[string]*Agreement{}, Kept: map[string][]KeptText{}, Trainings: map[string]map[string]*Training{}, Audiences: map[string]*Audience{},
	}
}

// A taker looks whether an entry counts, and changes nothing. What it returns
// says in words what the entry does, and does it.
type taker func(s *State, e Entry) (book.Change, error)

// takers are all kinds of entry. Each register has its own table beside it.
var takers = book.Merge(holdTakers, riskTakers, incidentTakers, issueTakers, answerTakers, vendorTakers, vendorReportTakers, identityTakers, reviewTakers, policyTakers, agreementTakers, trainingTakers, audienceTakers, wordTakers, taskTakers, feedTakers, remindTakers)

// Weigh says what an entry would do, or why it does not count.
func (s *State) Weigh(e Entry) (book.Change, error) {
	f := takers[e.Kind]
	if f == nil {
		return book.Change{}, fmt.Errorf("%w: this version knows no entry of kind %q", audit.ErrInvalid, e.Kind)
	}
	return f(s, e)
}

// fact says something of an item as evidence.
func (s *State) fact(e Entry, f audit.Fact) {
	f.Record, f.Recorded = e.Record, e.At
	if f.At.IsZero() {
		f.At = e.At
	}
	s.Facts = append(s.Facts, f)
}

// sorted returns the values of a register in the order of their keys.
func sorted[T any](m map[string]*T) []*T {
	out := make([]*T, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}
