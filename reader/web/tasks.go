// Over 500 lines: one task from the list to what was done about it is read in one place.

package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	"tieout/program"
	"tieout/reader/answer"
	"tieout/reader/tasks"
	"tieout/report"
)

// taskRoutes are what is due on a schedule, and doing it.
var taskRoutes = []route{
	{pattern: "GET /me/work", needs: "task.read", on: anything, do: (*request).myWork},
	{pattern: "GET /me/work/{id}", needs: "task.read", on: theTask, do: (*request).task, example: "/me/work/none@2026"},
	{pattern: "POST /me/work/{id}/done", needs: "task.do", on: theTask, do: (*request).doTask, example: "/me/work/none@2026/done"},
	{pattern: "POST /me/work/{id}/not-mine", needs: "task.do", on: theTask, do: (*request).notMine, example: "/me/work/none@2026/not-mine"},
	{pattern: "POST /me/work/{id}/did-not", needs: "task.do", on: theTask, do: (*request).didNot, example: "/me/work/none@2026/did-not"},
	{pattern: "POST /me/work/{id}/approve", needs: "task.approve", on: theTask, do: (*request).approveTask, example: "/me/work/none@2026/approve"},
	{pattern: "POST /me/away", needs: "task.read", on: anything, do: (*request).setAway},
	{pattern: "GET /tasks", needs: "task.read", on: anything, do: (*request).allTasks},
	{pattern: "POST /tasks/{id}/assign", needs: "task.manage", on: theTask, do: (*request).assign, example: "/tasks/none@2026/assign"},
	{pattern: "POST /tasks/{id}/remind", needs: "task.manage", on: theTask, do: (*request).remindTask, example: "/tasks/none@2026/remind"},
	{pattern: "GET /tasks/duties", needs: "task.manage", do: (*request).duties},
	{pattern: "POST /tasks/duties", needs: "task.manage", do: (*request).setDuty},
}

// tasks are the occurrences of the period as they stand.
func (q *request) tasks() (*tasks.List, error) {
	whole := q.st
	if whole.all != nil {
		whole = whole.all
	}
	basis, err := whole.tasks.get(func() (*tasks.Basis, error) { return tasks.Prepare(q.Context(), whole.p, whole.run) })
	if err != nil {
		return nil, err
	}
	return basis.At(q.Context(), q.book, q.now())
}

// taskObject is an occurrence as the table of rights sees it.
func (q *request) taskObject(o *tasks.Occurrence) access.Object {
	on := q.ofControls(o.Control)
	if on.Owner = o.Holder; o.StandIn == q.who.Account {
		on.Owner = o.StandIn
	}
	if o.Task.Answer == program.TaskDone {
		on.Prepared = []string{o.Task.By}
	}
	return on
}

func theTask(q *request) (access.Object, error) {
	l, err := q.tasks()
	if err != nil {
		return access.Object{}, err
	}
	o, err := l.Find(q.PathValue("id"))
	if err != nil {
		return access.Object{}, q.unknown(err, "task.read")
	}
	return q.taskObject(o), nil
}

// A taskRow is one occurrence in a list.
type taskRow struct {
	link
	Due, Control, ControlHref, State, Class, Holder, How string
	Minutes                                              int
	Overdue, Approve                                     bool
	Reminded                                             string // when and by whom; "": nobody was
	Remind                                               string // where the button leads; "": there is none
}

var taskClasses = map[tasks.State]string{tasks.Operated: "ok", tasks.Late: "late", tasks.Deviation: "dev", tasks.NoEvidence: "gap", tasks.Sealed: "due", tasks.Open: "due", tasks.NotDue: "none"}

func (q *request) taskRow(o *tasks.Occurrence, now time.Time) taskRow {
	row := taskRow{link: link{o.Name(), q.at("me/work", o.ID())}, Due: o.Day(q.zone()), Control: o.Control, ControlHref: q.at("controls", o.Control),
		State: string(o.State), Class: taskClasses[o.State], Minutes: o.Minutes, Overdue: o.Overdue(now), Approve: o.Approvable()}
	if o.Waits() {
		row.Due = report.Capital(o.SayDue(now, q.zone()))
	}
	if late := o.SayRecordedLate(q.zone()); late != "" {
		row.Due = late
	}
	switch {
	case o.SeenBy != "":
		row.Holder = o.SeenBy + " sees it"
	case o.How == tasks.BySource:
		row.Holder = "A source sees it"
	case o.Doer() != "":
		row.Holder = q.name(o.Doer())
	case o.Waits():
		row.Holder = "Nobody"
	}
	if o.StandIn != "" {
		row.Holder += ", for " + q.name(o.Holder)
	}
	return row
}

func (q *request) taskRows(jobs []tasks.Job, now time.Time) []taskRow {
	rows := make([]taskRow, len(jobs))
	for i, j := range jobs {
		rows[i] = q.taskRow(j.Occurrence, now)
		rows[i].Approve = j.Approve
		if j.Approve {
			rows[i].Text = "Approve: " + rows[i].Text
		}
	}
	return rows
}

// A workPage is what one person has to do.
type workPage struct {
	*page
	Reviews    []reviewTodo // what access reviews wait for
	Asked      []reviewTodo // requests of auditors
	Issues     []reviewTodo // to mend, and to close
	Now, Later []taskRow
	Away       program.Absence
	AwayTo     string // as typed, or the name of who stands in
	From, Till string
	Gone       string // in words, while tasks go elsewhere
	Lead       bool
	Feed       string // address of the calendar, shown once
	HasFeed    bool
	Does       bool // who is signed in can have tasks
}

func (q *request) myWork() error { return q.showWork(workPage{}) }

func (q *request) showWork(data workPage) error {
	l, err := q.tasks()
	if err != nil {
		return err
	}
	plate := l.PlateOf(q.who)
	away, err := q.book.Absence(q.Context(), q.who.Account)
	if err != nil {
		return err
	}
	feed, err := q.book.Feed(q.Context(), q.who.Account)
	if err != nil {
		return err
	}
	data.page, data.Away, data.HasFeed, data.Does = &q.page, away, feed.Hash != "", program.MayLeave(q.who, q.who.Account) == nil
	data.Now, data.Later = q.taskRows(plate.Now, l.Now), q.taskRows(plate.Later[:min(len(plate.Later), 12)], l.Now)
	var now []*tasks.Occurrence
	for _, j := range plate.Now {
		now = append(now, j.Occurrence)
	}
	if err := q.reminded(data.Now, now); err != nil {
		return err
	}
	data.Gone, data.Lead = sayAway(away, q.name(away.To), l.Now, q.zone()), q.reaches("task.manage")
	var reviews answer.ReviewWork
	if data.Reviews, reviews, err = q.reviewTodos(); err != nil {
		return err
	}
	q.Title, q.Heading, q.Say = "My work", "My work", sayWork(plate.Sentence(l.Now, q.zone()), len(plate.Now) > 0, reviews)
	if data.Asked, err = q.requestTodos(); err != nil {
		return err
	}
	q.Say = sayAsked(q.Say, len(plate.Now)+len(data.Reviews) > 0, len(data.Asked))
	if data.Issues, err = q.issueTodos(); err != nil {
		return err
	}
	q.Say = sayIssues(q.Say, len(plate.Now)+len(data.Reviews)+len(data.Asked) > 0, len(data.Issues))
	q.Code = []string{"tieout task list --mine"}
	return q.render("work.html", data)
}

// sayAway says who has somebody's tasks, and when; "" where nobody has.
func sayAway(a program.Absence, to string, now time.Time, loc *time.Location) string {
	if a.To == "" || !now.Before(a.Until) {
		return ""
	}
	days := report.Days(audit.Span{From: a.From, To: a.Until}, loc)
	if now.Before(a.From) {
		return "Your tasks will go to " + to + ": " + days + "."
	}
	return "Your tasks go to " + to + ": " + days + "."
}

func (q *request) setAway() error {
	a, err := q.book.Absence(q.Context(), q.who.Account)
	if err != nil {
		return err
	}
	data := workPage{AwayTo: q.field("to"), From: q.field("from"), Till: q.field("till")}
	if q.field("back") != "" {
		a.To, a.From, a.Until = "", time.Time{}, time.Time{}
	} else if err = q.readAway(&a); err == nil && a.To == "" {
		err = fmt.Errorf("%w: say who does your tasks meanwhile", audit.ErrInvalid)
	}
	if err == nil {
		_, err = q.book.SetAbsence(q.Context(), q.who, a)
	}
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.showWork(data)
	}
	words := "Your tasks are yours again."
	if a.To != "" {
		words = sayAway(a, q.name(a.To), q.now(), q.zone())
	}
	return q.done("/me/work", words)
}

func (q *request) readAway(a *program.Absence) error {
	span, err := audit.NewPeriod(q.field("from"), cmp.Or(q.field("till"), q.field("from")), q.st.p.Period.Zone)
	if err != nil {
		return fmt.Errorf("%w: say the first and the last day, in this order", audit.ErrInvalid)
	}
	a.From, a.Until = span.From, span.To
	a.To, err = q.activeAccount(q.field("to"))
	return err
}

// activeAccount is the active account with an e-mail address; "" of "".
func (q *request) activeAccount(address string) (string, error) {
	if address == "" {
		return "", nil
	}
	if a, err := mail.ParseAddress(address); err == nil {
		address = a.Address
	}
	for id, n := range q.names {
		if n.Active && strings.EqualFold(n.Email, address) {
			return id, nil
		}
	}
	return "", fmt.Errorf("%w: nobody here has the e-mail address %q. Take one of those under Access", audit.ErrInvalid, address)
}

// A suggestion is a person who can be named in a field.
type suggestion struct{ Email, Name string }

// suggestions are people with duties, at most a hundred: everybody else is named
// by their whole address.
func (q *request) suggestions() []suggestion {
	var out []suggestion
	for _, n := range q.names {
		if n.Active && slices.ContainsFunc(n.Roles, func(r access.RoleID) bool { return r != access.Employee && r != access.AuditorsGuest }) {
			out = append(out, suggestion{n.Email, n.Name})
		}
	}
	slices.SortFunc(out, func(a, b suggestion) int { return strings.Compare(a.Email, b.Email) })
	return out[:min(len(out), 100)]
}

// A taskPage is one occurrence: what, why, by when, and the answers.
type taskPage struct {
	*page
	O         *tasks.Occurrence
	State     taskRow
	Day       string // the last in time
	Criteria  []audit.Criterion
	Good      *taskExample
	Against   []string // recovery objectives that a recovery test is held against
	Late      string
	Control   link
	Records   []link
	History   []historyRow
	Sealed    link // the answer's record
	Holder    string
	CanDo     bool
	Begun     bool // its window has
	Answered  bool // or found done: what is recorded now corrects it
	MayDo     bool
	MayAssign bool
	MayOK     bool // approve
	Reminder  taskRow
	Review    string
	People    []suggestion
	Typed     taskForm
	Today     string
	First     string // day
}

// A taskForm is what was typed.
type taskForm struct {
	Which                                                   string // of the forms: "not-mine", "did-not"
	Day, Outcome, Actions, Documents, Why, Whose, To, ToWhy string
	Revision                                                int64
}

type taskExample struct {
	Name, Outcome string
	Records       []link
}

type historyRow struct {
	When, Who, What string
	Record          link
}

func (q *request) task() error { return q.showTask(taskForm{Revision: -1}) }

// showTask shows an occurrence with what was typed.
func (q *request) showTask(typed taskForm) error {
	l, err := q.tasks()
	if err != nil {
		return err
	}
	o, err := l.Find(q.PathValue("id"))
	if err != nil {
		return err
	}
	if typed.Revision < 0 {
		typed = taskForm{Revision: o.Task.Revision, Day: "", Actions: "0"}
		if d := o.Task.Done; o.Task.Answer == program.TaskDone {
			typed.Day, typed.Outcome, typed.Actions, typed.Documents = d.At.In(q.zone()).Format(time.DateOnly), d.Outcome, strconv.Itoa(d.Actions), strings.Join(d.Documents, " ")
		}
		if ref := q.URL.Query().Get("document"); ref != "" {
			typed.Documents = strings.TrimSpace(typed.Documents + " " + ref)
		}
	}
	on := q.taskObject(o)
	data := taskPage{page: &q.page, O: o, State: q.taskRow(o, l.Now), Day: o.Day(q.zone()), Control: link{o.Control, q.at("controls", o.Control)}, Typed: typed,
		Records: q.recordLinks(o.Records, ""), CanDo: o.CanDo(l.Now), Begun: !l.Now.Before(o.From), MayDo: q.may("task.do", on), MayAssign: o.Waits() && q.may("task.manage", on), MayOK: o.Approvable() && q.may("task.approve", on),
		Today: l.Now.In(q.zone()).Format(time.DateOnly), First: o.From.In(q.zone()).Format(time.DateOnly)}
	rows := []taskRow{data.State}
	if err := q.reminded(rows, []*tasks.Occurrence{o}); err != nil {
		return err
	}
	data.Answered, data.Reminder = !o.Waits(), rows[0]
	data.Holder, data.Criteria, data.Good = data.State.Holder, q.criteria(o.Criteria), q.example(l.Good(o))
	data.Against = q.objectives(o, data.MayDo)
	if o.Waits() {
		data.Late = o.SayLate(l.Now, q.zone())
	}
	if o.How == tasks.ByReview && o.Waits() {
		data.Review = q.to("/reviews")
	}
	if data.MayAssign {
		data.People = q.suggestions()
	}
	if o.Answered() {
		data.Sealed = q.entryLink(o.Task.Record)
	}
	if data.History, err = q.said("task:"+o.ID(), "reminder:"+o.ID()); err != nil {
		return err
	}
	q.Title, q.Heading, q.Say, q.Way = o.Name(), o.Name(), o.Sentence(l.Now, q.zone()), []link{{"My work", q.to("/me/work")}}
	q.Code = []string{"tieout task show " + o.ID()}
	return q.render("task.html", data)
}

// criteria are those of the set in force, in our own short words.
func (q *request) criteria(ids []string) (out []audit.Criterion) {
	for _, c := range q.st.p.Def.Criteria() {
		if slices.Contains(ids, c.ID) {
			out = append(out, c)
		}
	}
	return out
}

func (q *request) example(o *tasks.Occurrence) *taskExample {
	if o == nil {
		return nil
	}
	x := &taskExample{Name: o.Name(), Outcome: o.Task.Done.Outcome}
	if q.reaches("evidence.read") {
		x.Records = q.recordLinks(o.Records[max(0, len(o.Records)-1):], o.Item)
	}
	return x
}

// entryLink leads to a sealed entry, for who may open entries.
func (q *request) entryLink(record int64) link {
	l := link{Text: audit.EvidenceRef(record)}
	if q.reaches("activity.read") && q.reaches("evidence.read") {
		l.Href = q.at("evidence", l.Text)
	}
	return l
}

// said is what was said about objects of the registers, in the order of the log.
func (q *request) said(on ...string) (out []historyRow, err error) {
	err = q.book.Read(q.Context(), func(s *program.State) error {
		var lines []program.Line
		for _, x := range on {
			lines = append(lines, s.History(x)...)
		}
		slices.SortStableFunc(lines, func(a, b program.Line) int { return cmp.Compare(a.Record, b.Record) })
		for _, line := range lines {
			out = append(out, historyRow{report.Moment(line.At, q.zone()), q.name(line.By.Name), report.Capital(q.withNames(line.What)), q.entryLink(line.Record)})
		}
		return nil
	})
	return out, err
}

// withNames writes names for the account IDs in the words of a line.
func (q *request) withNames(words string) string {
	for _, before := range []string{"assigned to ", "reminded ", "is ", "tasks go to "} {
		if id, ok := strings.CutPrefix(words, before); ok && q.name(id) != id {
			return before + q.name(id)
		}
	}
	return words
}

// due is the occurrence that a form is about, with the revision it was made from.
func (q *request) due() (*tasks.Occurrence, int64, error) {
	l, err := q.tasks()
	if err != nil {
		return nil, 0, err
	}
	o, err := l.Find(q.PathValue("id"))
	if err != nil {
		return nil, 0, err
	}
	revision, err := strconv.ParseInt(q.field("revision"), 10, 64)
	if err != nil || revision < 0 {
		return nil, 0, fmt.Errorf("%w: the form does not say which state of the task it was made from; open the task again", audit.ErrInvalid)
	}
	return o, revision, nil
}

// answered ends a form about a task: on to the task, or the form again.
func (q *request) answered(err error, typed taskForm, words func(program.Task) string) error {
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.showTask(typed)
	}
	t, err := q.book.Task(q.Context(), q.PathValue("id"))
	if err != nil {
		return err
	}
	return q.done(q.at("me/work", q.PathValue("id")), words(t))
}

func saySealed(t program.Task) string {
	return "Sealed as " + audit.EvidenceRef(t.Record) + ", the auditor sees it."
}

func (q *request) doTask() error {
	file, err := q.upload("file")
	if err != nil {
		return err
	}
	typed := taskForm{Day: q.field("day"), Outcome: q.field("outcome"), Actions: q.field("actions"), Documents: q.field("documents")}
	o, revision, err := q.due()
	if err != nil {
		return err
	}
	typed.Revision = revision
	done, err := q.readDone(typed)
	if err == nil && len(file.Data) > 0 {
		var rec audit.Record
		rec, err = q.sealUpload(file, period.Document{Title: o.Name(), Controls: []string{o.Control}, Task: o.ID(), About: audit.Span{From: o.From, To: done.At.Add(time.Microsecond)}})
		if err == nil {
			done.Documents = append(done.Documents, rec.Ref())
			typed.Documents = strings.Join(done.Documents, " ") // sealed already: it is not sent again
		}
	}
	if err == nil {
		_, err = q.book.DoTask(q.Context(), q.who, o.Due, done, revision)
	}
	return q.answered(err, typed, saySealed)
}

// readDone reads what was typed about what took place.
func (q *request) readDone(f taskForm) (program.Done, error) {
	at, atErr := tasks.TookPlace(f.Day, q.zone(), q.now())
	actions, err := strconv.Atoi(cmp.Or(f.Actions, "0"))
	if err != nil {
		err = fmt.Errorf("%w: actions: write a number, such as 2", audit.ErrInvalid)
	}
	return program.Done{At: at, Outcome: f.Outcome, Actions: actions, Documents: strings.Fields(strings.ReplaceAll(f.Documents, ",", " "))}, errors.Join(atErr, err)
}

func (q *request) notMine() error {
	typed := taskForm{Which: "not-mine", Why: q.field("why"), Whose: q.field("whose"), Actions: "0"}
	o, revision, err := q.due()
	if err != nil {
		return err
	}
	typed.Revision = revision
	_, err = q.book.NotMyTask(q.Context(), q.who, o.Due, typed.Why, typed.Whose, revision)
	if err == nil {
		return q.done("/me/work", "It is with the compliance lead again.")
	}
	return q.answered(err, typed, saySealed)
}

func (q *request) didNot() error {
	typed := taskForm{Which: "did-not", Why: q.field("why"), Actions: "0"}
	o, revision, err := q.due()
	if err != nil {
		return err
	}
	typed.Revision = revision
	_, err = q.book.TaskDidNotHappen(q.Context(), q.who, o.Due, typed.Why, revision)
	return q.answered(err, typed, func(t program.Task) string { return saySealed(t) + " It stays a deviation." })
}

func (q *request) approveTask() error {
	o, revision, err := q.due()
	if err != nil {
		return err
	}
	_, err = q.book.ApproveTask(q.Context(), q.who, o.Due, revision)
	return q.answered(err, taskForm{Revision: revision, Actions: "0"}, func(program.Task) string { return "Approved and sealed, the auditor sees it." })
}

func (q *request) assign() error {
	typed := taskForm{To: q.field("to"), ToWhy: q.field("why"), Actions: "0"}
	o, revision, err := q.due()
	if err != nil {
		return err
	}
	typed.Revision = revision
	to, err := q.activeAccount(typed.To)
	if err == nil {
		_, err = q.book.AssignTask(q.Context(), q.who, o.Due, to, typed.ToWhy, revision)
	}
	return q.answered(err, typed, func(program.Task) string {
		if to == "" {
			return "It goes to whoever has the duty."
		}
		return "It is with " + q.name(to) + " now."
	})
}
