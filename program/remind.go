package program

import (
	"context"
	"fmt"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
)

// A Reminder says that whoever has a task was reminded of it by a person. It
// changes nothing about the task.
type Reminder struct {
	Task     string // its ID
	To       string // account
	By       string // account
	At       time.Time
	Day      string // in the organization's zone, 2026-09-14
	Times    int    // all of them
	Revision int64  // Base of the next one
}

// A reminder is an entry on an object of its own, so that it comes in nobody's way
// who is answering the task.
const remindObject = "reminder"

var remindTakers = map[string]taker{"task.remind": remindTask}

type remindData struct {
	Due dueData `json:"due"`
	To  string  `json:"to"`  // account
	Day string  `json:"day"` // on which it counts, in the organization's zone
}

func (d remindData) check(e Entry) error {
	day, err := time.Parse(time.DateOnly, d.Day)
	off := e.At.Sub(day)
	return allOf(
		d.Due.check(e), text("account", d.To, 1, 100), when(err != nil, "the day is not one such as 2026-09-14"),
		when(off < -24*time.Hour || off > 48*time.Hour, "the day is not the one on which the entry was sealed"),
		when(d.To == e.By.Name, "it is your own; nobody reminds themself"),
	)
}

func remindTask(s *State, e Entry) (book.Change, error) {
	d, err := readChecked(e, func(d remindData) error { return d.check(e) })
	if err != nil {
		return book.Change{}, err
	}
	old := Reminder{Task: e.Of()}
	if r := s.Reminders[e.Of()]; r != nil {
		old = *r
	}
	if old.Day >= d.Day {
		return book.Change{}, fmt.Errorf("%w: whoever has %s was reminded on %s already; once a day is enough", audit.ErrConflict, e.Of(), old.Day)
	}
	if t := s.Tasks[e.Of()]; t != nil && (t.Answer == TaskDone || t.Answer == TaskDidNot) {
		return book.Change{}, fmt.Errorf("%w: %s is answered already: %s", audit.ErrConflict, e.Of(), t.Answer)
	}
	return book.Change{What: "reminded " + d.To, Do: func() {
		s.Reminders[e.Of()] = &Reminder{e.Of(), d.To, e.By.Name, e.At, d.Day, old.Times + 1, e.Base + 1}
	}}, nil
}

// RemindTask records that who has an occurrence, or stands in for them, is
// reminded of it: once a day in the organization's zone. It needs task.manage.
// Nobody who has it is audit.ErrInvalid; reminded today or answered meanwhile,
// audit.ErrConflict.
func (b *Book) RemindTask(ctx context.Context, by access.Subject, d Due, zone *time.Location) (out Reminder, err error) {
	if err := access.Require(by, "task.manage", access.Object{Controls: []string{d.Control}}); err != nil {
		return Reminder{}, err
	}
	var base int64
	to, now := "", b.now()
	err = b.Read(ctx, func(s *State) error {
		owner, standIn := s.HasDuty(d, now)
		if to = owner; standIn != "" {
			to = standIn
		}
		if r := s.Reminders[d.ID()]; r != nil {
			base = r.Revision
		}
		return nil
	})
	if err != nil {
		return Reminder{}, err
	}
	if to == "" {
		return Reminder{}, fmt.Errorf("%w: nobody has %s yet; assign it first", audit.ErrInvalid, d.ID())
	}
	if _, err := b.write(ctx, by, "task.remind", remindObject+":"+d.ID(), base, remindData{d.data(), to, now.In(zone).Format(time.DateOnly)}); err != nil {
		return Reminder{}, err
	}
	return b.Reminder(ctx, d.ID())
}

// Reminder is the last reminder of a task; one nobody was reminded of has only
// its ID.
func (b *Book) Reminder(ctx context.Context, id string) (out Reminder, err error) {
	out.Task = id
	err = b.Read(ctx, func(s *State) error {
		if r := s.Reminders[id]; r != nil {
			out = *r
		}
		return nil
	})
	return out, err
}
