// Package tasks says what a workspace's controls promise on a schedule, what
// became of each occurrence, and who has to do what is left. It concludes
// nothing: what operated and what deviates is what the newest run found.
package tasks

import (
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/procedure"
	"tieout/program"
)

// A State says where an occurrence stands, in the words people read.
type State string

// States. What no run has tested yet is one of the last four or Sealed.
const (
	Operated   State = "Operated"    // the newest run found it done in time
	Late       State = "Late"        // and after it was due
	Deviation  State = "Deviation"   // and not done, or not as the control says
	NoEvidence State = "No evidence" // it was not seen, and can be no longer
	Sealed     State = "Sealed"      // somebody recorded it; the next run tests it
	Open       State = "Open"        // it can be done now
	NotDue     State = "Not due"     // its window has not begun
)

// States are all states, what needs somebody first.
var States = []State{Deviation, NoEvidence, Open, Sealed, Late, Operated, NotDue}

// AskAhead is how long before it is due an occurrence is something to do now;
// until then it is one of those to come.
const AskAhead = 30 * 24 * time.Hour

// How an occurrence is done.
const (
	ByEntry  = "entry"  // a person says here what took place
	ByReview = "review" // an access review, on its own screen
	BySource = "source" // a source sees it; nobody has to do anything here
)

// An Occurrence is one window of a control's procedure and everything people
// need to know of it.
type Occurrence struct {
	program.Due
	Every    string
	How      string // ByEntry, ByReview, BySource
	Fault    string // why it cannot be done here, and what to do about that; "": it can
	Minutes  int    // recording it takes, once it took place
	Why      string // of the procedure
	Asks     []procedure.Asked
	Criteria []string // ids the control stands for

	State   State
	Reason  string  // what the newest run says of it
	SeenBy  string  // source whose item performed it, or is expected to; "": none
	Item    string  // id of the item that performed it
	Records []int64 // evidence of the run's result

	Task    program.Task
	Holder  string // account that has to do it; "": nobody was named
	StandIn string // account that does so meanwhile; ""
}

// CanDo reports whether a person can record it here, now or again.
func (o *Occurrence) CanDo(now time.Time) bool {
	return o.How == ByEntry && o.Fault == "" && !now.Before(o.From)
}

// ByPeople reports whether a person did it or has to: no source saw it or is
// expected to.
func (o *Occurrence) ByPeople() bool { return o.How != BySource && (o.SeenBy == "" || o.Answered()) }

// Answered reports whether somebody has said what became of it.
func (o *Occurrence) Answered() bool {
	return o.Task.Answer == program.TaskDone || o.Task.Answer == program.TaskDidNot
}

// Waits reports whether somebody has to do it, now or once its window begins:
// no source saw it or is expected to, nobody answered it, and no run found it done.
func (o *Occurrence) Waits() bool {
	return o.How != BySource && o.SeenBy == "" && !o.Answered() && o.State != Operated && o.State != Late
}

// Asked reports whether it is something to do now.
func (o *Occurrence) Asked(now time.Time) bool {
	return o.Waits() && !now.Before(o.From) && !now.Before(o.DueBy.Add(-AskAhead))
}

// Approvable reports whether it waits for management's approval.
func (o *Occurrence) Approvable() bool {
	return o.Approval && o.Task.Answer == program.TaskDone && o.Task.ApprovedBy == ""
}

// Overdue reports whether its day has passed while it waits.
func (o *Occurrence) Overdue(now time.Time) bool { return o.Waits() && !now.Before(o.DueBy) }

// Doer is the account that is asked to do it: who stands in, else who has it.
func (o *Occurrence) Doer() string {
	if o.StandIn != "" {
		return o.StandIn
	}
	return o.Holder
}

// A List is the occurrences of one period at one instant, the first due first.
type List struct {
	Period audit.Period
	Now    time.Time
	All    []Occurrence
	Next   []program.ExpectedReport // vendors' next reports that have not come, the first first
	Issues []program.Issue          // what is not closed first, the first due before the later
	eyes   access.Eyes              // tells who did something from who may approve it
}

// Find returns an occurrence by the ID of its task, or audit.ErrNotFound.
func (l *List) Find(id string) (*Occurrence, error) {
	i := slices.IndexFunc(l.All, func(o Occurrence) bool { return o.ID() == id })
	if i < 0 {
		return nil, notFound(id)
	}
	return &l.All[i], nil
}

// Good is the last occurrence of the same procedure before o that operated, as
// an example of what was accepted; nil where there is none.
func (l *List) Good(o *Occurrence) *Occurrence {
	var good *Occurrence
	for i := range l.All {
		if x := &l.All[i]; x.Procedure == o.Procedure && x.State == Operated && x.From.Before(o.From) {
			good = x
		}
	}
	return good
}

// A Job is one thing that somebody has to do.
type Job struct {
	*Occurrence
	Approve bool // approve what somebody else did, for management
}

// A Plate is what one person has to do.
type Plate struct {
	Now   []Job // to do, the first due first
	Later []Job // to come in this period
}

// PlateOf is what an account has to do. Grants are its roles: they say what it
// may approve.
func (l *List) PlateOf(who access.Subject) Plate {
	var p Plate
	for i := range l.All {
		o := &l.All[i]
		switch {
		case o.Approvable() && l.mayApprove(who, o):
			p.Now = append(p.Now, Job{o, true})
		case who.Account == "" || o.Doer() != who.Account || !o.Waits():
		case o.Asked(l.Now):
			p.Now = append(p.Now, Job{o, false})
		default:
			p.Later = append(p.Later, Job{o, false})
		}
	}
	return p
}

func (l *List) mayApprove(who access.Subject, o *Occurrence) bool {
	who.Eyes = l.eyes
	ok, _ := access.Allowed(who, "task.approve", access.Object{Controls: []string{o.Control}, Prepared: []string{o.Task.By}})
	return ok
}

// A Filter says which occurrences; the zero value means all.
type Filter struct {
	State     string // one of States, "due" for what somebody has to do now, "overdue"
	Holder    string // account; "nobody" for those nobody was named for
	Procedure string
	Control   string
	Owner     string // as the definitions call them
	People    bool   // only those that people do
}

// Nobody is the Holder of occurrences that nobody was named for.
const Nobody = "nobody"

// Select returns the occurrences of a filter: what is overdue first, then what
// is to do, then the rest in the order in which it was or is due.
func (l *List) Select(f Filter) []*Occurrence {
	var out []*Occurrence
	for i := range l.All {
		if o := &l.All[i]; f.takes(o, l.Now) {
			out = append(out, o)
		}
	}
	rank := func(o *Occurrence) int {
		switch {
		case o.Overdue(l.Now):
			return 0
		case o.Asked(l.Now) || o.Approvable():
			return 1
		}
		return 2
	}
	slices.SortStableFunc(out, func(a, b *Occurrence) int { return rank(a) - rank(b) })
	return out
}

func (f Filter) takes(o *Occurrence, now time.Time) bool {
	switch f.State {
	case "":
	case "due":
		if !o.Asked(now) && !o.Approvable() {
			return false
		}
	case "overdue":
		if !o.Overdue(now) {
			return false
		}
	default:
		if !strings.EqualFold(string(o.State), f.State) {
			return false
		}
	}
	holder := f.Holder == "" || f.Holder == o.Doer() || f.Holder == Nobody && o.Doer() == "" && o.Waits()
	return holder && (f.Procedure == "" || f.Procedure == o.Procedure) && (f.Control == "" || f.Control == o.Control) && (f.Owner == "" || f.Owner == o.Owner) &&
		(!f.People || o.ByPeople())
}
