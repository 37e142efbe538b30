package worker

import (
	"context"
	"fmt"
	"time"

	"tieout/audit"
	"tieout/store"
)

// A Schedule is what makes a job of a kind again and again: each day at a time
// of a zone, or each time that an interval has passed.
type Schedule struct {
	Name    string
	Kind    string
	Key     string // of the job; while one is open no other is made
	Payload []byte
	Every   time.Duration // at least a minute; 0: daily
	At      string        // "06:00"
	Zone    string        // IANA name
}

// SetSchedule keeps a schedule by its name. One that is there already as it is
// keeps the time at which it is due next; one that is new or changed is due at
// its next time from now on.
func (q *Queue) SetSchedule(ctx context.Context, s Schedule) error {
	row := store.Schedule{Name: s.Name, Kind: s.Kind, Key: s.Key, Payload: s.Payload, MaxAttempts: attempts, Every: s.Every, At: s.At, Zone: s.Zone}
	next, err := nextTime(row, q.Now())
	if err != nil {
		return fmt.Errorf("schedule %s: %w", s.Name, err)
	}
	row.Next = next
	return q.Store.SaveSchedule(ctx, row)
}

// DropSchedule removes a schedule; jobs it has made stay.
func (q *Queue) DropSchedule(ctx context.Context, name string) error {
	return q.Store.DropSchedule(ctx, name)
}

// nextTime is when a schedule is due next, after now. What was missed meanwhile
// is not made up for: a day's job runs once that day. A time that the clocks
// skip or repeat on a day comes once that day.
func nextTime(s store.Schedule, now time.Time) (time.Time, error) {
	if s.Every > 0 {
		return nextInterval(s, now)
	}
	at, err := time.Parse("15:04", s.At)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %q is not a time of day such as 06:00", audit.ErrInvalid, s.At)
	}
	loc, err := time.LoadLocation(s.Zone)
	if err != nil || s.Zone == "" || s.Zone == "Local" {
		return time.Time{}, fmt.Errorf("%w: zone %q is not an IANA name such as Europe/Berlin", audit.ErrInvalid, s.Zone)
	}
	day := now.In(loc)
	if !s.Next.IsZero() {
		if last := s.Next.In(loc); !sameDay(day, last) && last.After(day) {
			day = last
		}
		if sameDay(day, s.Next.In(loc)) {
			day = noon(day, 1) // this day's has been
		}
	}
	for n := 0; ; n++ {
		d := noon(day, n)
		next := time.Date(d.Year(), d.Month(), d.Day(), at.Hour(), at.Minute(), 0, 0, loc)
		if next.After(now) {
			return audit.Instant(next), nil
		}
	}
}

func nextInterval(s store.Schedule, now time.Time) (time.Time, error) {
	if s.Every < time.Minute || s.At != "" {
		return time.Time{}, fmt.Errorf("%w: an interval is at least a minute, and has no time of day", audit.ErrInvalid)
	}
	next := s.Next
	if next.IsZero() {
		next = now
	}
	if late := now.Sub(next); late >= 0 {
		next = next.Add((late/s.Every + 1) * s.Every)
	}
	return audit.Instant(next), nil
}

// noon is a moment of the n-th day after that of t which every zone has.
func noon(t time.Time, n int) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day()+n, 12, 0, 0, 0, t.Location())
}

func sameDay(a, b time.Time) bool {
	return a.Year() == b.Year() && a.YearDay() == b.YearDay()
}

// fire makes the jobs of the schedules that are due. Of several workers one
// makes each; what cannot be made is logged, and tried again at the next look.
func (w *Worker) fire(ctx context.Context) {
	now := audit.Instant(w.o.Now())
	due, err := w.o.Store.DueSchedules(ctx, now)
	if err != nil && ctx.Err() == nil {
		w.o.Log.ErrorContext(ctx, "schedules cannot be read", "error", err)
	}
	for _, s := range due {
		if err := w.fireOne(ctx, s, now); err != nil && ctx.Err() == nil {
			w.o.Log.ErrorContext(ctx, "a schedule's job cannot be made", "schedule", s.Name, "error", err)
		}
	}
}

func (w *Worker) fireOne(ctx context.Context, s store.Schedule, now time.Time) error {
	next, err := nextTime(s, now)
	if err != nil {
		return err
	}
	j := w.queue.draft(s.Kind, s.Key, s.Payload)
	j.Schedule, j.MaxAttempts = s.Name, s.MaxAttempts
	kept, fired, added, err := w.o.Store.FireSchedule(ctx, s, next, j)
	switch {
	case err != nil || !fired:
		return err
	case !added:
		w.o.Log.WarnContext(ctx, "a schedule is due while its last job is open; that one stands for this time", "schedule", s.Name, "job", kept.ID)
	}
	w.o.Notify(Event{"fired", kept})
	return nil
}
