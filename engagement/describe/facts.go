// Package describe drafts management's description of its system from facts that
// are held already, one description criterion (DC) after the other, and says of
// each paragraph what it was drafted from. It is pure.
//
// It states facts and decides nothing: what a person has to say or decide is left
// out, and a Gap names it. That something is absent it says only where everything of
// its kind was decided on, never because a register is empty that nobody may have
// filled. Nobody's draft is a description until a signer finished it (package
// management).
package describe

import "time"

// Facts are what a workspace holds of its system as of the end of the period.
type Facts struct {
	Company  string
	Legal    string // its name as contracts have it, where the definitions say; "": they say none
	System   string
	Services []string // what it provides with the system
	Boundary string   // what belongs to the system, in management's words
	Over     bool     // a period is described, not a date
	Period   string   // "1 January 2026 to 31 December 2026", or the date
	Zone     *time.Location

	Users        []Named
	Components   []Component
	Data         []Class
	Excluded     []Reason
	Commitments  []Promise
	Requirements []Promise
	Incidents    []Incident
	Criteria     []string // identifiers of all that apply, as far as nobody said that one does not
	Objectives   bool     // control objectives stand in their place: there are no categories
	Controls     []Control
	Expected     []Expected // of user entities
	Subservices  []Subservice
	Left         []Reason // criteria that management says do not apply, and why
	Changes      []Change
}

// Named is something with an id, a name and words about it.
type Named struct{ ID, Name, Text string }

// A Component is a part of the system by its kind: infrastructure, software,
// people, procedures, data.
type Component struct{ ID, Name, Kind, Owner, Text, Since string }

// A Class is a class of data and how it is handled.
type Class struct{ ID, Name, Level, Text string }

// A Reason is something left out, and why.
type Reason struct{ What, Why string }

// A Promise is a commitment or a system requirement.
type Promise struct{ ID, Text, Where string }

// An Incident is one of the register. Decided says whether management decided on
// disclosing it, Disclosed what it decided.
type Incident struct {
	ID, Title, Effect, Cause string
	Began, Ended             time.Time
	Subjects                 int // people concerned; -1: not known
	Decided, Disclosed       bool
}

// A Control is one with the criteria it is for.
type Control struct {
	ID, Title, Text string
	Criteria        []string
}

// Expected is a control that somebody else operates.
type Expected struct {
	ID, Text string
	Criteria []string
}

// A Subservice is one with what is expected of it.
type Subservice struct {
	Name, Service string
	Inclusive     bool
	Expected      []Expected
	Monitored     []string // ids of controls
	Report        string   // the last day its newest report speaks about, "" where none was reviewed
}

// A Change is one to the system or its controls within the period.
type Change struct {
	Ref, Text          string
	At                 time.Time
	Decided, Disclosed bool
}
