package web

import (
	"cmp"
	"errors"
	"net/url"

	"tieout/audit"
	"tieout/program"
	"tieout/reader/jobs"
	"tieout/reader/tasks"
	"tieout/report"
)

// remindTask reminds whoever has a task: it is sealed, stands on their own pages,
// and is sent where the workspace says how people are told.
func (q *request) remindTask() error {
	l, err := q.tasks()
	if err != nil {
		return err
	}
	o, err := l.Find(q.PathValue("id"))
	if err != nil {
		return err
	}
	r, err := q.book.RemindTask(q.Context(), q.who, o.Due, q.zone())
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.showTask(taskForm{Revision: -1})
	}
	said := "Sealed. " + q.name(r.To) + " sees it on their own page."
	if q.st.p.Def.Config.Reminders.Any() {
		_, _, err := jobs.Start(q.Context(), q.queue(), q.st.p.Def, jobs.Remind, jobs.Payload{Period: q.st.p.Name, Task: o.ID()}, q.by())
		switch {
		case errors.Is(err, audit.ErrConflict):
			said += " No message could be sent: " + reason(err, audit.ErrConflict) + "."
		case err != nil:
			return err
		default:
			said += " A message to them is on its way."
			q.wake()
		}
	}
	return q.done(cmp.Or(q.field("back"), q.at("me/work", o.ID())), said)
}

// wake has a worker of this process look for work.
func (q *request) wake() {
	if q.s.o.Wake != nil {
		q.s.o.Wake()
	}
}

// reminders are the last ones of all tasks that somebody was reminded of.
func (q *request) reminders() (out map[string]program.Reminder, err error) {
	err = q.book.Read(q.Context(), func(s *program.State) error {
		out = make(map[string]program.Reminder, len(s.Reminders))
		for id, r := range s.Reminders {
			out[id] = *r
		}
		return nil
	})
	return out, err
}

// reminded says of rows of tasks who was reminded, and offers to remind where who
// is signed in may, somebody else has it, and nobody did today.
func (q *request) reminded(rows []taskRow, of []*tasks.Occurrence) error {
	all, err := q.reminders()
	if err != nil {
		return err
	}
	now := q.now()
	for i, o := range of {
		r, was := all[o.ID()]
		if was && o.Waits() {
			rows[i].Reminded = sayReminded(r, q.name(r.By), report.Day(r.At, q.zone()))
		}
		today := was && r.Day == now.In(q.zone()).Format(dayForm)
		if doer := o.Doer(); o.Asked(now) && !today && doer != "" && doer != q.who.Account && q.may("task.manage", q.taskObject(o)) {
			rows[i].Remind = "/tasks/" + url.PathEscape(o.ID()) + "/remind"
		}
	}
	return nil
}

// sayReminded says when somebody was reminded last, by whom, and how often.
func sayReminded(r program.Reminder, by, day string) string {
	s := "Reminded on " + day + " by " + by
	if r.Times > 1 {
		s += ", " + report.Plural(r.Times, "time", "times") + " in all"
	}
	return s
}
