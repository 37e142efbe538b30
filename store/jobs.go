package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"tieout/audit"
)

// States of a job.
const (
	JobWaiting  = "waiting"
	JobRunning  = "running"
	JobDone     = "done"
	JobFailed   = "failed"
	JobCanceled = "canceled"
)

// States of a part of a job.
const (
	PartWaiting     = "waiting"
	PartReading     = "reading"
	PartReconciling = "reconciling"
	PartSealed      = "sealed"
	PartFailed      = "failed"
)

// Bounds of what a job holds; more is audit.ErrInvalid.
const (
	MaxJobBytes = 64 << 10 // of a payload or a result
	MaxJobText  = 8 << 10  // of any text
	MaxJobParts = 2000
)

// A Job is a piece of work that any worker may take.
type Job struct {
	ID          string // UUIDv7
	Kind        string
	Key         string // at most one open job has it; "": any number
	Payload     []byte
	State       string
	After       time.Time // not taken before
	Attempts    int       // times it was taken
	MaxAttempts int
	Holder      string    // the worker that has it, while it is running
	Expires     time.Time // of the holder's lease, by the store's clock
	Token       int64     // grows each time the job is taken
	By          JobBy
	Schedule    string    // name of the schedule that made it; "": somebody asked for it
	Created     time.Time // this and the times below are the callers' clocks; zero: not yet
	Started     time.Time // first taken
	Begun       time.Time // last taken
	Ended       time.Time
	Cancel      time.Time // somebody asked for its end
	CanceledBy  string
	Result      []byte // of one that is done, or of what a failed one did
	Outcome     string // the same as one sentence
	Error       string // why it failed, or why it waits for another attempt
}

// A JobBy is who asked for a job. Both are empty for a schedule's.
type JobBy struct {
	Account string // ID of the account; empty at a command line
	Name    string
}

// Open reports whether the job has not ended.
func (j Job) Open() bool { return j.State == JobWaiting || j.State == JobRunning }

// Lease is what proves that a worker holds the job.
func (j Job) Lease() JobLease { return JobLease{j.ID, j.Token} }

// A JobPart is one line of a job's progress.
type JobPart struct {
	Name, Stream string // such as a source and what is read of it
	State        string
	Done, Total  int64 // Total is 0 while unknown
	Reason       string
}

// A JobFilter says which jobs. The zero value means all.
type JobFilter struct {
	States   []string
	Kind     string
	Schedule string
	Before   string // only jobs whose ID sorts before it: the next page
	Limit    int    // 0: 100
}

const jobColumns = `id, kind, unique_key, payload, state, run_after, attempts, max_attempts, holder, expires, token, by_account, by_name,
	schedule, created, started, begun, ended, cancel, cancel_by, result, outcome, error`

func scanJob(scan func(...any) error) (j Job, err error) {
	var after, expires, created, started, begun, ended, cancel int64
	err = scan(&j.ID, &j.Kind, &j.Key, &j.Payload, &j.State, &after, &j.Attempts, &j.MaxAttempts, &j.Holder, &expires, &j.Token,
		&j.By.Account, &j.By.Name, &j.Schedule, &created, &started, &begun, &ended, &cancel, &j.CanceledBy, &j.Result, &j.Outcome, &j.Error)
	j.After, j.Expires, j.Created = since(after), since(expires), since(created)
	j.Started, j.Begun, j.Ended, j.Cancel = since(started), since(begun), since(ended), since(cancel)
	if len(j.Payload) == 0 {
		j.Payload = nil // the drivers differ
	}
	if len(j.Result) == 0 {
		j.Result = nil
	}
	return j, err
}

// since is instant, with 0 as the zero time.
func since(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return instant(us)
}

// sinceMicros is micros, with the zero time as 0.
func sinceMicros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return micros(t)
}

// AddJob keeps a new job that waits. Where an open job has the same key nothing
// is added, and that job is returned. Of several processes adding one key at
// once, one adds. A job of a known ID is that job: calling again is safe.
func (s *Store) AddJob(ctx context.Context, j Job) (kept Job, added bool, err error) {
	if err := j.check(); err != nil {
		return Job{}, false, fmt.Errorf("add job: %w", err)
	}
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		kept, added, err = addJob(ctx, tx, j)
		return err
	})
	if err != nil {
		return Job{}, false, fmt.Errorf("add job %s: %w", j.ID, err)
	}
	return kept, added, nil
}

func (j *Job) check() error {
	switch {
	case j.ID == "" || j.Kind == "":
		return fmt.Errorf("%w: a job has an ID and a kind", audit.ErrInvalid)
	case len(j.Payload) > MaxJobBytes:
		return fmt.Errorf("%w: a payload of %d bytes; at most %d are kept", audit.ErrInvalid, len(j.Payload), MaxJobBytes)
	case j.MaxAttempts < 1:
		return fmt.Errorf("%w: a job of %d attempts is never taken", audit.ErrInvalid, j.MaxAttempts)
	}
	return checkJobTexts("ID", j.ID, "kind", j.Kind, "key", j.Key, "account", j.By.Account, "name", j.By.Name, "schedule", j.Schedule)
}

func checkJobTexts(pairs ...string) error {
	for i := 1; i < len(pairs); i += 2 {
		if len(pairs[i]) > MaxJobText {
			return fmt.Errorf("%w: the job's %s has %d bytes; at most %d are kept", audit.ErrInvalid, pairs[i-1], len(pairs[i]), MaxJobText)
		}
	}
	return checkTexts(pairs...)
}

func addJob(ctx context.Context, tx *sql.Tx, j Job) (Job, bool, error) {
	res, err := tx.ExecContext(ctx, `insert into jobs (`+jobColumns+`)
		values ($1, $2, $3, $4, 'waiting', $5, 0, $6, '', 0, 0, $7, $8, $9, $10, 0, 0, 0, 0, '', $11, '', '') on conflict do nothing`,
		j.ID, j.Kind, j.Key, notNil(j.Payload), micros(j.After), j.MaxAttempts, j.By.Account, j.By.Name, j.Schedule, micros(j.Created), []byte{})
	if err != nil {
		return Job{}, false, err
	}
	n, err := res.RowsAffected()
	if err != nil {
		return Job{}, false, err
	}
	kept, err := scanJob(tx.QueryRowContext(ctx, `select `+jobColumns+` from jobs where id = $1
		or unique_key = $2 and unique_key <> '' and state in ('waiting', 'running') order by case when id = $1 then 0 else 1 end limit 1`, j.ID, j.Key).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Job{}, false, fmt.Errorf("%w: the open job with the key %q has just ended; ask again", audit.ErrConflict, j.Key)
	}
	return kept, n == 1, err
}

func notNil(b []byte) []byte { return append([]byte{}, b...) }

// Job returns a job by ID, or audit.ErrNotFound.
func (s *Store) Job(ctx context.Context, id string) (Job, error) {
	j, err := scanJob(s.reader.QueryRowContext(ctx, `select `+jobColumns+` from jobs where id = $1`, id).Scan)
	return j, found(err, "job %q", id)
}

// Jobs returns jobs, the newest first, at most f.Limit of them.
func (s *Store) Jobs(ctx context.Context, f JobFilter) (out []Job, err error) {
	where, args := []string{`id <> $1`}, []any{""}
	add := func(cond string, arg any) {
		args = append(args, arg)
		where = append(where, fmt.Sprintf(cond, len(args)))
	}
	if f.Kind != "" {
		add(`kind = $%d`, f.Kind)
	}
	if f.Schedule != "" {
		add(`schedule = $%d`, f.Schedule)
	}
	if f.Before != "" {
		add(`id < $%d`, f.Before)
	}
	if len(f.States) > 0 {
		names := make([]string, len(f.States))
		for i, st := range f.States {
			args = append(args, st)
			names[i] = fmt.Sprintf("$%d", len(args))
		}
		where = append(where, `state in (`+strings.Join(names, ", ")+`)`)
	}
	if f.Limit <= 0 {
		f.Limit = 100
	}
	err = s.eachRow(ctx, func(r *sql.Rows) error {
		j, err := scanJob(r.Scan)
		out = append(out, j)
		return err
	}, fmt.Sprintf(`select %s from jobs where %s order by id desc limit %d`, jobColumns, strings.Join(where, " and "), f.Limit), args...)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	return out, nil
}

// JobParts returns the lines of a job's progress, in their order.
func (s *Store) JobParts(ctx context.Context, id string) (out []JobPart, err error) {
	err = s.eachRow(ctx, func(r *sql.Rows) error {
		var p JobPart
		err := r.Scan(&p.Name, &p.Stream, &p.State, &p.Done, &p.Total, &p.Reason)
		out = append(out, p)
		return err
	}, `select name, stream, state, done, total, reason from job_parts where job = $1 order by n`, id)
	if err != nil {
		return nil, fmt.Errorf("read parts of job %s: %w", id, err)
	}
	return out, nil
}

// JobTimes returns how long the newest jobs of a kind with that payload took
// that were done at the first attempt, the newest first.
func (s *Store) JobTimes(ctx context.Context, kind string, payload []byte, limit int) (out []time.Duration, err error) {
	err = s.eachRow(ctx, func(r *sql.Rows) error {
		var begun, ended int64
		err := r.Scan(&begun, &ended)
		out = append(out, time.Duration(ended-begun)*time.Microsecond)
		return err
	}, `select begun, ended from jobs where kind = $1 and payload = $2 and state = 'done' and attempts = 1 order by ended desc, id limit $3`,
		kind, notNil(payload), limit)
	if err != nil {
		return nil, fmt.Errorf("read times of jobs: %w", err)
	}
	return out, nil
}

// CancelJob ends a job that waits, and asks the worker of one that runs to end
// it. Of one that has ended audit.ErrConflict says how. Asking again is safe:
// who asked first stays.
func (s *Store) CancelJob(ctx context.Context, id, by string, now time.Time) (j Job, err error) {
	if err := checkJobTexts("canceled by", by); err != nil {
		return Job{}, fmt.Errorf("cancel job: %w", err)
	}
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, `update jobs set cancel = case when cancel > 0 then cancel else $1 end,
			cancel_by = case when cancel > 0 then cancel_by else $2 end,
			ended = case when state = 'waiting' then $1 else 0 end,
			state = case when state = 'waiting' then 'canceled' else state end
			where id = $3 and state in ('waiting', 'running')`, micros(now), by, id)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		if j, err = scanJob(tx.QueryRowContext(ctx, `select `+jobColumns+` from jobs where id = $1`, id).Scan); err != nil {
			return found(err, "job %q", id)
		}
		if n == 0 {
			return fmt.Errorf("%w: job %s is %s already", audit.ErrConflict, id, j.State)
		}
		if j.State == JobCanceled {
			return failOpenParts(ctx, tx, id, "canceled before it was read")
		}
		return nil
	})
	return j, err
}

// SweepJobs forgets jobs that ended before an instant, and returns how many.
func (s *Store) SweepJobs(ctx context.Context, before time.Time) (n int64, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		const old = `state not in ('waiting', 'running') and ended < $1`
		if _, err := tx.ExecContext(ctx, `delete from job_parts where job in (select id from jobs where `+old+`)`, micros(before)); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `delete from jobs where `+old, micros(before))
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("sweep jobs: %w", err)
	}
	return n, nil
}
