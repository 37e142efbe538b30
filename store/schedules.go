package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"tieout/audit"
)

// A Schedule makes a job of a kind again and again.
type Schedule struct {
	Name        string
	Kind        string
	Key         string
	Payload     []byte
	MaxAttempts int
	Every       time.Duration // 0: daily at At
	At          string        // "06:00", in Zone
	Zone        string        // IANA name
	Next        time.Time     // when it is due
	LastRun     time.Time     // when it last was; zero: never
	LastJob     string        // ID of the job it then made, or found open
}

// SaveSchedule keeps a schedule by its name. Where what it makes, and when, is
// as before, the one before stays: it is due when it was. Of several processes
// saving the same at once, one does.
func (s *Store) SaveSchedule(ctx context.Context, c Schedule) error {
	if c.Name == "" || c.Kind == "" || c.MaxAttempts < 1 || len(c.Payload) > MaxJobBytes {
		return fmt.Errorf("save schedule %q: %w: it has a name, a kind, attempts, and a payload of at most %d bytes", c.Name, audit.ErrInvalid, MaxJobBytes)
	}
	if err := checkJobTexts("schedule", c.Name, "kind", c.Kind, "key", c.Key, "time", c.At, "zone", c.Zone); err != nil {
		return fmt.Errorf("save schedule: %w", err)
	}
	_, err := s.writer.ExecContext(ctx, `insert into schedules (name, kind, unique_key, payload, max_attempts, every, at, zone, next_run, last_run, last_job)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, '') on conflict (name) do update set kind = excluded.kind, unique_key = excluded.unique_key,
		payload = excluded.payload, max_attempts = excluded.max_attempts, every = excluded.every, at = excluded.at, zone = excluded.zone, next_run = excluded.next_run
		where schedules.kind <> excluded.kind or schedules.unique_key <> excluded.unique_key or schedules.payload <> excluded.payload
		or schedules.max_attempts <> excluded.max_attempts or schedules.every <> excluded.every or schedules.at <> excluded.at or schedules.zone <> excluded.zone`,
		c.Name, c.Kind, c.Key, notNil(c.Payload), c.MaxAttempts, c.Every.Microseconds(), c.At, c.Zone, micros(c.Next))
	if err != nil {
		return fmt.Errorf("save schedule %s: %w", c.Name, err)
	}
	return nil
}

// DropSchedule removes a schedule; what it has made stays. One that is not
// there is no error.
func (s *Store) DropSchedule(ctx context.Context, name string) error {
	if _, err := s.writer.ExecContext(ctx, `delete from schedules where name = $1`, name); err != nil {
		return fmt.Errorf("drop schedule %s: %w", name, err)
	}
	return nil
}

// Schedules returns all schedules, the one that is due first before the others.
func (s *Store) Schedules(ctx context.Context) ([]Schedule, error) {
	return s.schedules(ctx, ``)
}

// DueSchedules returns those that are due at an instant.
func (s *Store) DueSchedules(ctx context.Context, now time.Time) ([]Schedule, error) {
	return s.schedules(ctx, `where next_run <= $1`, micros(now))
}

func (s *Store) schedules(ctx context.Context, where string, args ...any) (out []Schedule, err error) {
	err = s.eachRow(ctx, func(r *sql.Rows) error {
		var c Schedule
		var every, next, last int64
		err := r.Scan(&c.Name, &c.Kind, &c.Key, &c.Payload, &c.MaxAttempts, &every, &c.At, &c.Zone, &next, &last, &c.LastJob)
		c.Every, c.Next, c.LastRun = time.Duration(every)*time.Microsecond, since(next), since(last)
		if len(c.Payload) == 0 {
			c.Payload = nil // the drivers differ
		}
		out = append(out, c)
		return err
	}, `select name, kind, unique_key, payload, max_attempts, every, at, zone, next_run, last_run, last_job from schedules `+where+` order by next_run, name`, args...)
	if err != nil {
		return nil, fmt.Errorf("read schedules: %w", err)
	}
	return out, nil
}

// FireSchedule adds the job of a schedule that is due, as c says it is, and
// makes it due next at next: both or neither. fired is false where another
// process was first. Where a job with the schedule's key is open still, that
// one stands for this time, and added is false.
func (s *Store) FireSchedule(ctx context.Context, c Schedule, next time.Time, j Job) (kept Job, fired, added bool, err error) {
	if err := j.check(); err != nil {
		return Job{}, false, false, fmt.Errorf("fire schedule %s: %w", c.Name, err)
	}
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `update schedules set next_run = $1, last_run = next_run where name = $2 and next_run = $3`,
			micros(next), c.Name, sinceMicros(c.Next))
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil || n == 0 {
			return err
		}
		if kept, added, err = addJob(ctx, tx, j); err != nil {
			return err
		}
		fired = true
		_, err = tx.ExecContext(ctx, `update schedules set last_job = $1 where name = $2`, kept.ID, c.Name)
		return err
	})
	if err != nil {
		return Job{}, false, false, fmt.Errorf("fire schedule %s: %w", c.Name, err)
	}
	return kept, fired, added, nil
}
