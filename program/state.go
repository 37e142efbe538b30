package program

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tieout/audit"
)

// A State is the registers as the entries up to one place of the log add up to.
// It is read under Book.Read and not kept beyond it.
type State struct {
	Risks      map[string]*Risk     // by ID
	Incidents  map[string]*Incident // by ID
	Vendors    map[string]*Vendor   // by ID
	Identities map[string]*Identity // by what they are of: "identity:account:okta/ana"
	Reviews    map[string]*Review   // by ID

	Tasks    map[string]*Task    // by ID, such as board.meeting@2026-Q1
	Duties   map[string]*Duty    // by the owner's name in the definitions
	Absences map[string]*Absence // by account
	Feeds    map[string]*Feed    // by account

	Policies   map[string]*Policy               // by ID
	Agreements map[string]map[string]*Agreement // the last one, by document and account
	Kept       map[string][]KeptText            // texts of files that were agreed to, by document
	Trainings  map[string]map[string]*Training  // by course and account
	Audiences  map[string]*Audience             // by name
	Words      Words                            // for the placeholders of starter texts

	Facts []audit.Fact // what the registers say as evidence, in the order of the log
	Void  []Void       // entries that do not count, in the order of the log

	revision map[string]int64  // entries that count on each object
	history  map[string][]Line // of each object
	written  map[string]string // object of each entry that counts, by the ID of its record
	persons  map[string]string // person item of accounts of this workspace; "" where that was undone
}

// A Void is an entry that does not count, and why.
type Void struct {
	Entry Entry
	Why   error
}

// A Line is one entry of an object's history, as it can be shown to whoever may
// see the object.
type Line struct {
	Entry
	What string // in words: "treatment is decided: mitigate"
}

func newState() *State {
	return &State{
		Risks: map[string]*Risk{}, Incidents: map[string]*Incident{}, Vendors: map[string]*Vendor{}, Identities: map[string]*Identity{}, Reviews: map[string]*Review{}, persons: map[string]string{},
		Tasks: map[string]*Task{}, Duties: map[string]*Duty{}, Absences: map[string]*Absence{}, Feeds: map[string]*Feed{},
		Policies: map[string]*Policy{}, Agreements: map[string]map[string]*Agreement{}, Kept: map[string][]KeptText{}, Trainings: map[string]map[string]*Training{}, Audiences: map[string]*Audience{},
		revision: map[string]int64{}, history: map[string][]Line{}, written: map[string]string{},
	}
}

// A taker looks whether an entry counts, and changes nothing. What it returns
// says in words what the entry does, and does it.
type taker func(s *State, e Entry) (change, error)

// A change is what an entry does to the registers.
type change struct {
	what string
	do   func()
}

// takers are all kinds of entry. Each register has its own table beside it.
var takers = merged(riskTakers, incidentTakers, vendorTakers, identityTakers, reviewTakers, policyTakers, agreementTakers, trainingTakers, audienceTakers, wordTakers, taskTakers, feedTakers)

func merged(tables ...map[string]taker) map[string]taker {
	out := map[string]taker{}
	for _, t := range tables {
		for kind, f := range t {
			if out[kind] != nil {
				panic("program: two registers take entries of kind " + kind)
			}
			out[kind] = f
		}
	}
	return out
}

// take adds an entry, or keeps it as void.
func (s *State) take(e Entry) {
	c, err := s.weigh(e)
	if err != nil {
		s.Void = append(s.Void, Void{e, err})
		return
	}
	c.do()
	s.revision[e.On]++
	s.written[e.ID] = e.On
	s.history[e.On] = append(s.history[e.On], Line{e, c.what})
}

// weigh says what an entry would do, or why it does not count.
func (s *State) weigh(e Entry) (change, error) {
	f := takers[e.Kind]
	if f == nil {
		return change{}, fmt.Errorf("%w: this version knows no entry of kind %q", audit.ErrInvalid, e.Kind)
	}
	if have := s.revision[e.On]; e.Base != Anyway && e.Base != have {
		return change{}, fmt.Errorf("%w: %s has changed since you opened it (%d changes, you had seen %d). Look at it again and repeat what is still right",
			audit.ErrConflict, e.On, have, e.Base)
	}
	return f(s, e)
}

// Revision is how many entries on an object count: the Base of the next one.
func (s *State) Revision(on string) int64 { return s.revision[on] }

// History returns the entries on an object that count, in the order of the log.
func (s *State) History(on string) []Line { return slices.Clone(s.history[on]) }

// fact says something of an item as evidence.
func (s *State) fact(e Entry, f audit.Fact) {
	f.Record, f.Recorded = e.Record, e.At
	if f.At.IsZero() {
		f.At = e.At
	}
	s.Facts = append(s.Facts, f)
}

// read reads an entry's data.
func read[T any](e Entry) (T, error) {
	var v T
	return v, strict(e.Data, &v)
}

// sorted returns the values of a register in the order of their keys.
func sorted[T any](m map[string]*T) []*T {
	out := make([]*T, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}

// id is the part of an entry's On after its kind.
func (e Entry) id() string {
	_, id, _ := strings.Cut(e.On, ":")
	return id
}
