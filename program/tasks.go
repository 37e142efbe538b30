package program

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/book"
)

// A Due is one occurrence that a control promises on a schedule, as the
// definitions say it: what a task is about.
type Due struct {
	Procedure  string
	Title      string // of the procedure
	Control    string
	Owner      string // who the definitions say owns the control, such as "IT lead"
	Occurrence string // "2026-Q1"
	Kind       string // of the revision that performs it; "" where it is not done by an entry
	Subject    string // that the revision has to name; "": any
	From       time.Time
	DueBy      time.Time // done before it is in time
	LateBy     time.Time // done before it is late; from then on it was missed
	Document   bool      // it does not count without a document
	Approval   bool      // it does not count before management has approved it
}

// ID is the task's, such as board.meeting@2026-Q1.
func (d Due) ID() string { return d.Procedure + "@" + d.Occurrence }

// Answers to a task. The zero value is none.
const (
	TaskDone      = "done"
	TaskNotMine   = "not mine"
	TaskDidNot    = "did not happen"
	taskObject    = "task"
	dutyObject    = "duty"
	absenceObject = "absence"
)

// A Task is what people said about one occurrence: who does it, and what became
// of it.
type Task struct {
	ID         string
	Owner      string // account it is assigned to; "": whoever has the duty
	Answer     string // TaskDone, TaskNotMine, TaskDidNot; "": none yet
	By         string // account that answered
	Answered   time.Time
	Record     int64 // log index of the answer
	Why        string
	Whose      string // of TaskNotMine: to whom it belongs, in words
	Done       Done   // of TaskDone
	ApprovedBy string
	Approved   time.Time
	Revision   int64 // Base of the next change
}

// A Done is what somebody says of what took place.
type Done struct {
	At        time.Time // when it took place
	Outcome   string    // in a line
	Actions   int       // how many it asks for
	Documents []string  // sealed evidence, such as E-481
}

// A Duty says which account has what the definitions call an owner.
type Duty struct {
	Name     string // "IT lead"
	Account  string // "": nobody
	Revision int64
}

// An Absence hands the tasks of an account to another for a while.
type Absence struct {
	Account  string
	To       string // "": it is taken back
	From     time.Time
	Until    time.Time
	Revision int64
}

var taskTakers = map[string]taker{
	"task.assign": assignTask, "task.done": doneTask, "task.notMine": notMineTask, "task.didNot": didNotTask, "task.approve": approveTask,
	"duty.set": setDuty, "absence.set": setAbsence,
}

// A dueData is the occurrence as its maker saw it, so that an entry can be read
// without the definitions it was made under.
type dueData struct {
	Procedure  string `json:"procedure"`
	Control    string `json:"control"`
	Occurrence string `json:"occurrence"`
	From       string `json:"from"`
	DueBy      string `json:"dueBy"`
	LateBy     string `json:"lateBy"`
}

func (d Due) data() dueData {
	return dueData{d.Procedure, d.Control, d.Occurrence, timeText(d.From), timeText(d.DueBy), timeText(d.LateBy)}
}

func (d dueData) check(e Entry) error {
	from, due, late := instantOf(d.From), instantOf(d.DueBy), instantOf(d.LateBy)
	return allOf(
		text("procedure", d.Procedure, 1, 200), text("control", d.Control, 0, 100), text("occurrence", d.Occurrence, 1, 100),
		instantText("from", d.From), instantText("dueBy", d.DueBy), instantText("lateBy", d.LateBy),
		when(from.IsZero() || !from.Before(due) || due.After(late), "an occurrence begins, is due and is late, in this order"),
		when(e.Of() != d.Procedure+"@"+d.Occurrence, "the entry is on another task than it speaks of"),
	)
}

type taskAssignData struct {
	To  string `json:"to"` // account; "": whoever has the duty
	Why string `json:"why"`
}

func assignTask(s *State, e Entry) (book.Change, error) {
	d, err := readChecked(e, func(d taskAssignData) error {
		return allOf(text("account", d.To, 0, 100), text("reason", d.Why, 0, 2000))
	})
	if err != nil {
		return book.Change{}, err
	}
	what := "assigned to " + d.To
	if d.To == "" {
		what = "goes to whoever has the duty"
	}
	return book.Change{What: what, Do: func() {
		t := s.task(e)
		t.Owner = d.To
		if t.Answer == TaskNotMine {
			t.Answer, t.Why, t.Whose = "", "", ""
		}
	}}, nil
}

type doneData struct {
	Due       dueData  `json:"due"`
	Kind      string   `json:"kind"`
	Subject   string   `json:"subject"`
	At        string   `json:"at"`
	Outcome   string   `json:"outcome"`
	Actions   int      `json:"actions"`
	Documents []string `json:"documents"`
}

// revisionKinds are the kinds of revision that the items schema knows.
func revisionKinds() []string {
	t, err := audit.TypeByName("revision")
	if err != nil {
		return nil
	}
	i := slices.IndexFunc(t.Fields, func(f audit.Field) bool { return f.Name == "kind" })
	return t.Fields[i].Enum
}

func (d doneData) check(e Entry) error {
	at := instantOf(d.At)
	errs := []error{
		d.Due.check(e), oneOf("kind", d.Kind, revisionKinds()...), text("subject", d.Subject, 0, 200), text("outcome", d.Outcome, 1, 500),
		when(strings.ContainsAny(d.Outcome, "\r\n"), "outcome: say it in one line"), within("actions", d.Actions, 0, 10_000),
		within("documents", len(d.Documents), 0, 50), instantText("when it took place", d.At),
		when(at.IsZero(), "say when it took place"), when(at.After(e.At), "when it took place lies in the future"),
		when(at.Before(instantOf(d.Due.From)), "it took place before this occurrence began; it belongs to an earlier one"),
		when(!at.Before(instantOf(d.Due.LateBy)), "it took place when this occurrence was already missed. Say here that it did not happen, and record it for the occurrence it took place in"),
	}
	for _, ref := range d.Documents {
		errs = append(errs, when(!isEvidenceRef(ref), fmt.Sprintf("document %q is not sealed evidence such as E-481", ref)))
	}
	return allOf(errs...)
}

func isEvidenceRef(s string) bool {
	n, ok := strings.CutPrefix(s, "E-")
	return ok && n != "" && len(n) < 16 && strings.Trim(n, "0123456789") == ""
}

func doneTask(s *State, e Entry) (book.Change, error) {
	d, err := readChecked(e, func(d doneData) error { return d.check(e) })
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "done: " + d.Outcome + after(e, d.Due), Do: func() {
		t := s.task(e)
		t.answer(e, TaskDone)
		t.Done = Done{instantOf(d.At), d.Outcome, d.Actions, d.Documents}
		s.fact(e, t.revisionFact(s, d))
	}}, nil
}

// after says of an answer that was sealed when its occurrence had been due how
// many days after: it is said wherever the answer's history is shown.
func after(e Entry, d dueData) string {
	due := instantOf(d.DueBy)
	if e.At.Before(due) {
		return ""
	}
	n := int(e.At.Sub(due)/(24*time.Hour)) + 1
	if n == 1 {
		return " (recorded 1 day after it was due)"
	}
	return fmt.Sprintf(" (recorded %d days after it was due)", n)
}

// revisionFact is what was done, as evidence. It is the same event however often
// it is corrected, and once more when it is approved.
func (t *Task) revisionFact(s *State, d doneData) audit.Fact {
	fields := map[string]any{"kind": d.Kind, "subject": d.Subject, "by": s.PersonOf(t.By), "approvedBy": "", "outcome": d.Outcome,
		"actions": d.Actions, "document": strings.Join(d.Documents, " ")}
	if t.ApprovedBy != "" {
		fields["approvedBy"] = s.PersonOf(t.ApprovedBy)
	}
	return audit.Fact{Type: "revision", ID: "task/" + t.ID, At: instantOf(d.At), Fields: fields}
}

type refusalData struct {
	Due   dueData `json:"due"`
	Why   string  `json:"why"`
	Whose string  `json:"whose"`
}

func (d refusalData) check(e Entry) error {
	return allOf(d.Due.check(e), text("reason", d.Why, 3, 2000), text("whose it is", d.Whose, 0, 200))
}

func notMineTask(s *State, e Entry) (book.Change, error) {
	d, err := readChecked(e, func(d refusalData) error { return d.check(e) })
	if err != nil {
		return book.Change{}, err
	}
	if t := s.Tasks[e.Of()]; t != nil && (t.Answer == TaskDone || t.Answer == TaskDidNot) {
		return book.Change{}, fmt.Errorf("%w: %s is answered already: %s", audit.ErrConflict, e.Of(), t.Answer)
	}
	what := "not mine: " + d.Why
	if d.Whose != "" {
		what += " It belongs to " + d.Whose + "."
	}
	return book.Change{What: what, Do: func() {
		t := s.task(e)
		t.answer(e, TaskNotMine)
		t.Owner, t.Why, t.Whose = "", d.Why, d.Whose
	}}, nil
}

func didNotTask(s *State, e Entry) (book.Change, error) {
	d, err := readChecked(e, func(d refusalData) error { return d.check(e) })
	if err != nil {
		return book.Change{}, err
	}
	if t := s.Tasks[e.Of()]; t != nil && t.Answer == TaskDone {
		return book.Change{}, fmt.Errorf("%w: %s was recorded as done in %s; what is recorded stays. Correct it there", audit.ErrConflict, e.Of(), audit.EvidenceRef(t.Record))
	}
	return book.Change{What: "did not happen: " + d.Why + after(e, d.Due), Do: func() {
		t := s.task(e)
		t.answer(e, TaskDidNot)
		t.Why = d.Why
	}}, nil
}

type approveData struct {
	Answer int64 `json:"answer"` // log index of what is approved
}

func approveTask(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[approveData](e)
	if err != nil {
		return book.Change{}, err
	}
	t := s.Tasks[e.Of()]
	if t == nil || t.Answer != TaskDone || t.Record != d.Answer {
		return book.Change{}, fmt.Errorf("%w: %s has no such answer that could be approved", audit.ErrConflict, e.Of())
	}
	if e.By.Name == t.By {
		return book.Change{}, fmt.Errorf("%w: who did %s cannot approve it", audit.ErrForbidden, e.Of())
	}
	done, err := s.doneData(e.On)
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "approved for management", Do: func() {
		t.ApprovedBy, t.Approved, t.Revision = e.By.Name, e.At, e.Base+1
		s.fact(e, t.revisionFact(s, done))
	}}, nil
}

// doneData is what the newest entry that says a task is done says.
func (s *State) doneData(on string) (doneData, error) {
	lines := s.History(on)
	for i := len(lines) - 1; i >= 0; i-- {
		if lines[i].Kind == "task.done" {
			return book.Data[doneData](lines[i].Entry)
		}
	}
	return doneData{}, fmt.Errorf("%w: %s was not done", audit.ErrNotFound, on)
}

// task is the task of an entry, made if need be, with its entry counted.
func (s *State) task(e Entry) *Task {
	t := s.Tasks[e.Of()]
	if t == nil {
		t = &Task{ID: e.Of()}
		s.Tasks[t.ID] = t
	}
	t.Revision = e.Base + 1
	return t
}

// answer takes what was said before back: it stays in the history.
func (t *Task) answer(e Entry, what string) {
	t.Answer, t.By, t.Answered, t.Record = what, e.By.Name, e.At, e.Record
	t.Why, t.Whose, t.Done, t.ApprovedBy, t.Approved = "", "", Done{}, "", time.Time{}
}

type dutyData struct {
	Account string `json:"account"`
}

func setDuty(s *State, e Entry) (book.Change, error) {
	d, err := readChecked(e, func(d dutyData) error { return allOf(text("account", d.Account, 0, 100), text("duty", e.Of(), 1, 200)) })
	if err != nil {
		return book.Change{}, err
	}
	what := "is " + d.Account
	if d.Account == "" {
		what = "is nobody"
	}
	return book.Change{What: what, Do: func() { s.Duties[e.Of()] = &Duty{e.Of(), d.Account, e.Base + 1} }}, nil
}

type absenceData struct {
	To    string `json:"to"`
	From  string `json:"from"`
	Until string `json:"until"`
}

func (d absenceData) check(e Entry) error {
	from, until := instantOf(d.From), instantOf(d.Until)
	return allOf(
		text("account", d.To, 0, 100), instantText("from", d.From), instantText("until", d.Until),
		when(d.To == e.Of(), "nobody stands in for themself"),
		when(d.To != "" && (from.IsZero() || !from.Before(until)), "say from when until when you are away"),
		when(d.To != "" && until.Sub(from) > 366*24*time.Hour, "longer than a year is no absence; assign the tasks to somebody else"),
	)
}

func setAbsence(s *State, e Entry) (book.Change, error) {
	d, err := readChecked(e, func(d absenceData) error { return d.check(e) })
	if err != nil {
		return book.Change{}, err
	}
	what := "tasks go to " + d.To + " meanwhile"
	if d.To == "" {
		what = "is back"
	}
	return book.Change{What: what, Do: func() {
		s.Absences[e.Of()] = &Absence{e.Of(), d.To, instantOf(d.From), instantOf(d.Until), e.Base + 1}
	}}, nil
}

// readChecked reads an entry's data and checks it.
func readChecked[T any](e Entry, check func(T) error) (T, error) {
	d, err := book.Data[T](e)
	if err == nil {
		err = check(d)
	}
	return d, err
}

// HasDuty is who has to do an occurrence at an instant: the account it was
// assigned to, else the one that has the owner's duty; "" where nobody was
// named. Whoever stands in for them then is second, "" where nobody does.
func (s *State) HasDuty(d Due, at time.Time) (owner, standIn string) {
	if t := s.Tasks[d.ID()]; t != nil {
		if owner = t.Owner; owner == "" && t.Answer == TaskNotMine {
			return "", "" // it is with the compliance lead
		}
	}
	if duty := s.Duties[d.Owner]; owner == "" && duty != nil {
		owner = duty.Account
	}
	if a := s.Absences[owner]; owner != "" && a != nil && a.To != "" && !at.Before(a.From) && at.Before(a.Until) {
		standIn = a.To
	}
	return owner, standIn
}

// Task returns what was said about a task; one nobody spoke of has only its ID.
func (s *State) Task(id string) Task {
	t := s.Tasks[id]
	if t == nil {
		return Task{ID: id}
	}
	out := *t
	out.Done.Documents = slices.Clone(out.Done.Documents)
	return out
}
