package api

import (
	"errors"
	"net/http"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/program"
	"tieout/reader/jobs"
	"tieout/reader/tasks"
)

// taskCalls are what controls promise on a schedule. Doing a task, and saying
// that it did not happen, a person does.
func (s *Server) taskCalls() {
	add(s, operation{id: "list-tasks", method: http.MethodGet, path: "/tasks", tag: "Tasks", needs: "task.read", title: "Occurrences of the period, and where each stands"}, anything[tasksIn], listTasks)
	add(s, operation{id: "get-task", method: http.MethodGet, path: "/tasks/{id}", tag: "Tasks", needs: "task.read", example: "/tasks/none@2026", title: "One occurrence"}, theTask, getTask)
	add(s, operation{id: "assign-task", method: http.MethodPut, path: "/tasks/{id}/owner", tag: "Tasks", needs: "task.manage", example: "/tasks/none@2026/owner", sends: `{"account":"","why":""}`,
		title: "Give one occurrence to somebody, or back to who has the duty"}, theAssigned, assignTask)
	add(s, operation{id: "remind-task", method: http.MethodPost, path: "/tasks/{id}/reminders", tag: "Tasks", needs: "task.manage", example: "/tasks/none@2026/reminders",
		title: "Remind whoever has one occurrence, once a day"}, theReminded, remindTask)
}

// Task is one occurrence that a control promises.
type Task struct {
	ID         string     `json:"id"`
	Title      string     `json:"title"`
	Control    string     `json:"control"`
	Procedure  string     `json:"procedure"`
	Occurrence string     `json:"occurrence" doc:"Such as 2026-Q1"`
	From       time.Time  `json:"from"`
	Due        time.Time  `json:"due" doc:"Done before it is in time"`
	Late       time.Time  `json:"late" doc:"Done before it is late; from then on it was missed"`
	State      string     `json:"state"`
	Reason     string     `json:"reason,omitempty" doc:"What the newest run says of it"`
	How        string     `json:"how" doc:"entry: a person records it; review: an access review; source: a source sees it"`
	Waits      bool       `json:"waits" doc:"Somebody has to do it"`
	Overdue    bool       `json:"overdue"`
	Holder     string     `json:"holder,omitempty" doc:"Account that has to do it"`
	StandIn    string     `json:"standIn,omitempty" doc:"Account that does so meanwhile"`
	Answer     string     `json:"answer,omitempty" doc:"What was said became of it"`
	AnsweredBy string     `json:"answeredBy,omitempty"`
	Answered   *time.Time `json:"answered,omitempty"`
	TookPlace  *time.Time `json:"tookPlace,omitempty" doc:"When, as stated"`
	Outcome    string     `json:"outcome,omitempty"`
	Why        string     `json:"why,omitempty"`
	Documents  []string   `json:"documents" nullable:"false" doc:"Sealed evidence"`
	Sealed     string     `json:"sealed,omitempty" doc:"The sealed entry that answered it, such as E-481"`
	SealedLate string     `json:"sealedLate,omitempty" doc:"In words, where it was answered only after it was due: when it was due, and when it was recorded"`
	ApprovedBy string     `json:"approvedBy,omitempty"`
	Approved   *time.Time `json:"approved,omitempty"`
	Revision   int64      `json:"revision"`
}

func taskOf(o *tasks.Occurrence, now time.Time, zone *time.Location) Task {
	t := o.Task
	sealed := ""
	if o.Answered() {
		sealed = audit.EvidenceRef(t.Record)
	}
	return Task{Sealed: sealed, SealedLate: o.SayRecordedLate(zone), ID: o.ID(), Title: o.Name(), Control: o.Control, Procedure: o.Procedure, Occurrence: o.Occurrence, From: o.From, Due: o.DueBy, Late: o.LateBy,
		State: string(o.State), Reason: o.Reason, How: o.How, Waits: o.Waits(), Overdue: o.Overdue(now), Holder: o.Holder, StandIn: o.StandIn, Answer: t.Answer,
		AnsweredBy: t.By, Answered: when(t.Answered), TookPlace: when(t.Done.At), Outcome: t.Done.Outcome, Why: t.Why, Documents: append([]string{}, t.Done.Documents...),
		ApprovedBy: t.ApprovedBy, Approved: when(t.Approved), Revision: t.Revision}
}

// when is an instant that may be missing.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

type tasksIn struct {
	Of
	Paging
	State   string `query:"state" maxLength:"30" doc:"Only those that stand so; due: what somebody has to do now; overdue"`
	Control string `query:"control" maxLength:"100"`
	Holder  string `query:"holder" maxLength:"100" doc:"Only what this account has to do; nobody: what nobody was named for"`
}

func listTasks(c *call, in *tasksIn) (*listOut[Task], error) {
	list, err := c.Tasks(c)
	if err != nil {
		return nil, err
	}
	var all []Task
	for _, o := range list.Select(tasks.Filter{State: in.State, Holder: in.Holder, Control: in.Control}) {
		if c.May("task.read", c.OfTask(o)) {
			all = append(all, taskOf(o, c.now, c.zone()))
		}
	}
	return cut(&in.Paging, "tieout.tasks/1", c.SayTasks(list), all, "/tasks", "period", in.Period, "state", in.State, "control", in.Control, "holder", in.Holder)
}

type taskIn struct {
	Of
	ID string `path:"id" maxLength:"300" doc:"Such as board.meeting@2026-Q1"`
}

func theTask(c *call, in *taskIn) (access.Object, error) {
	_, o, err := c.task(in.ID)
	if err != nil {
		return access.Object{}, c.Unknown(err, "task.read")
	}
	return c.OfTask(o), nil
}

func (c *call) task(id string) (*tasks.List, *tasks.Occurrence, error) {
	list, err := c.Tasks(c)
	if err != nil {
		return nil, nil, err
	}
	o, err := list.Find(id)
	return list, o, err
}

func getTask(c *call, in *taskIn) (*oneOut[Task], error) {
	list, o, err := c.task(in.ID)
	if err != nil {
		return nil, err
	}
	return tagged("tieout.task/1", c.SayTask(list, o), o.Task.Revision, taskOf(o, c.now, c.zone())), nil
}

type assignIn struct {
	Of
	Again
	Match
	ID   string `path:"id" maxLength:"300"`
	Body struct {
		Account string `json:"account" maxLength:"100" doc:"Who does it; empty: whoever has the duty"`
		Why     string `json:"why,omitempty" maxLength:"2000"`
	}
}

func theAssigned(c *call, in *assignIn) (access.Object, error) {
	_, o, err := c.task(in.ID)
	if err != nil {
		return access.Object{}, c.Unknown(err, "task.manage")
	}
	return c.OfTask(o), nil
}

func assignTask(c *call, in *assignIn) (*oneOut[Task], error) {
	revision, err := in.revision()
	if err != nil {
		return nil, err
	}
	_, o, err := c.task(in.ID)
	if err != nil {
		return nil, err
	}
	if n := c.Names[in.Body.Account]; in.Body.Account != "" && !n.Active {
		return nil, newProblem(http.StatusUnprocessableEntity, "Nobody who can sign in has this account.").at("body.account", "is not the ID of an active account")
	}
	if _, err := c.book.AssignTask(c, c.Who, o.Due, in.Body.Account, in.Body.Why, revision); err != nil {
		return nil, c.since(err, revision, func(s *program.State) int64 {
			if t := s.Tasks[in.ID]; t != nil {
				return t.Revision
			}
			return 0
		})
	}
	return getTask(c, &taskIn{in.Of, in.ID})
}

type remindIn struct {
	Of
	Again
	ID string `path:"id" maxLength:"300"`
}

// Reminder says of one occurrence who was reminded last.
type Reminder struct {
	Task  string    `json:"task"`
	To    string    `json:"to" doc:"Account that has to do it, or stands in"`
	By    string    `json:"by" doc:"Account that reminded"`
	At    time.Time `json:"at"`
	Times int       `json:"times" doc:"How often in all"`
	Sent  bool      `json:"sent" doc:"A message was asked for too, as the workspace says how people are told; otherwise they see it on their own page"`
}

func theReminded(c *call, in *remindIn) (access.Object, error) {
	return theAssigned(c, &assignIn{Of: in.Of, ID: in.ID})
}

// remindTask seals the reminder, and asks for its message where the workspace
// says how people are told. Reminded today already is a conflict.
func remindTask(c *call, in *remindIn) (*oneOut[Reminder], error) {
	_, o, err := c.task(in.ID)
	if err != nil {
		return nil, err
	}
	r, err := c.book.RemindTask(c, c.Who, o.Due, c.zone())
	if err != nil {
		return nil, err
	}
	out := Reminder{Task: o.ID(), To: r.To, By: r.By, At: r.At, Times: r.Times}
	if c.P.Def.Config.Reminders.Any() {
		_, added, err := jobs.Start(c, c.queue(), c.P.Def, jobs.Remind, jobs.Payload{Period: c.P.Name, Task: o.ID()}, c.by())
		if err != nil && !errors.Is(err, audit.ErrConflict) { // the reminder is sealed, if or not a message can be sent
			return nil, err
		}
		if out.Sent = err == nil; added && c.s.o.Wake != nil {
			c.s.o.Wake()
		}
	}
	return one("tieout.reminder/1", "Sealed. "+c.Name(r.To)+" sees it on their own page.", out), nil
}
