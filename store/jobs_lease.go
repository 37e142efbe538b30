package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tieout/audit"
)

// A JobLease proves that a worker holds a job. It is worth nothing any more
// once its time is over or another has taken the job: every write under it is
// then audit.ErrConflict and changes nothing.
type JobLease struct {
	Job   string
	Token int64
}

// A JobEnd is how an attempt at a job ended.
type JobEnd struct {
	State   string // JobDone, JobFailed, JobCanceled; JobWaiting: to be taken again
	At      time.Time
	After   time.Time // of JobWaiting: not before
	Unused  bool      // of JobWaiting: the attempt does not count
	Result  []byte
	Outcome string
	Error   string
}

// lostWorker is what is said of a job whose worker has gone at its last attempt.
const lostWorker = "the worker that ran it went away, at the last attempt it had"

// ClaimJob takes the first job that is due, of one of the kinds, for ttl by the
// store's clock: one that waits, or one whose worker has let its lease end.
// Of several processes asking at once each gets another. What was lost by its
// worker at its last attempt, or after somebody asked for its end, is ended
// first. audit.ErrNotFound: nothing is due.
func (s *Store) ClaimJob(ctx context.Context, kinds []string, holder string, now time.Time, ttl time.Duration) (j Job, err error) {
	if len(kinds) == 0 || holder == "" {
		return Job{}, fmt.Errorf("claim a job: %w: it takes kinds and a holder", audit.ErrInvalid)
	}
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		if err := s.buryJobs(ctx, tx, now); err != nil {
			return err
		}
		id, err := s.dueJob(ctx, tx, kinds, now)
		if err != nil || id == "" {
			return err // what was buried stays so
		}
		j, err = scanJob(tx.QueryRowContext(ctx, `update jobs set state = 'running', holder = $1, token = token + 1, attempts = attempts + 1,
			expires = `+s.dialect.Now+` + $2, begun = $3, started = case when started = 0 then $3 else started end
			where id = $4 returning `+jobColumns, holder, ttl.Microseconds(), micros(now), id).Scan)
		return err
	})
	switch {
	case err != nil:
		return Job{}, fmt.Errorf("claim a job: %w", err)
	case j.ID == "":
		return Job{}, fmt.Errorf("%w: no job is due", audit.ErrNotFound)
	}
	return j, nil
}

// buryJobs ends what no worker will come back for.
func (s *Store) buryJobs(ctx context.Context, tx *sql.Tx, now time.Time) error {
	rows, err := tx.QueryContext(ctx, `update jobs set state = case when cancel > 0 then 'canceled' else 'failed' end, ended = $1,
		holder = '', expires = 0, error = case when cancel > 0 then error else $2 end
		where state in ('waiting', 'running') and state = 'running' and expires <= `+s.dialect.Now+`
		and (cancel > 0 or attempts >= max_attempts) returning id`, micros(now), lostWorker)
	if err != nil {
		return err
	}
	var ids []string
	err = scanAll(rows, func(r *sql.Rows) error {
		var id string
		err := r.Scan(&id)
		ids = append(ids, id)
		return err
	})
	for _, id := range ids {
		if err == nil {
			err = failOpenParts(ctx, tx, id, lostWorker)
		}
	}
	return err
}

// dueJob picks the job to take; "" where none is due.
func (s *Store) dueJob(ctx context.Context, tx *sql.Tx, kinds []string, now time.Time) (id string, err error) {
	err = inList(kinds, func(list string, args []any) error {
		if id != "" {
			return nil
		}
		args = append(args, micros(now))
		err := tx.QueryRowContext(ctx, fmt.Sprintf(`select id from jobs where state in ('waiting', 'running')
			and (state = 'waiting' and run_after <= $%d or state = 'running' and expires <= %s)
			and kind in (%s) order by run_after, id limit 1 %s`, len(args), s.dialect.Now, list, s.dialect.SkipLocked), args...).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return id, err
}

// held is the condition under which a lease is in force; $1 is the job, $2 the token.
func (s *Store) jobHeld() string {
	return ` id = $1 and token = $2 and state = 'running' and expires > ` + s.dialect.Now
}

// lostJob is what a worker is told that holds a job no more.
const lostJob = "its lease has ended or another worker has it; nothing was written"

// RenewJob holds the job for ttl from now on, and reports whether somebody has
// asked for its end.
func (s *Store) RenewJob(ctx context.Context, l JobLease, ttl time.Duration) (cancel bool, err error) {
	var at int64
	err = s.writer.QueryRowContext(ctx, `update jobs set expires = `+s.dialect.Now+` + $3 where`+s.jobHeld()+` returning cancel`,
		l.Job, l.Token, ttl.Microseconds()).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return false, fmt.Errorf("renew job %s: %w: %s", l.Job, audit.ErrConflict, lostJob)
	}
	if err != nil {
		return false, fmt.Errorf("renew job %s: %w", l.Job, err)
	}
	return at > 0, nil
}

// SaveJobParts keeps the lines of a job's progress in place of those before.
func (s *Store) SaveJobParts(ctx context.Context, l JobLease, parts []JobPart) error {
	if err := checkParts(parts); err != nil {
		return fmt.Errorf("parts of job %s: %w", l.Job, err)
	}
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		if err := s.holdJob(ctx, tx, l); err != nil {
			return err
		}
		return s.writeParts(ctx, tx, l.Job, parts)
	})
	if err != nil {
		return fmt.Errorf("parts of job %s: %w", l.Job, err)
	}
	return nil
}

func checkParts(parts []JobPart) error {
	if len(parts) > MaxJobParts {
		return fmt.Errorf("%w: %d parts; at most %d are kept", audit.ErrInvalid, len(parts), MaxJobParts)
	}
	for _, p := range parts {
		if err := checkJobTexts("part", p.Name, "part's stream", p.Stream, "part's reason", p.Reason); err != nil {
			return err
		}
	}
	return nil
}

// holdJob keeps the job's row for this transaction, if the lease is in force.
func (s *Store) holdJob(ctx context.Context, tx *sql.Tx, l JobLease) error {
	res, err := tx.ExecContext(ctx, `update jobs set token = token where`+s.jobHeld(), l.Job, l.Token)
	return changedOne(res, err, "job "+l.Job, lostJob)
}

var partInsert = insertInto("job_parts", "job, n, name, stream, state, done, total, reason",
	` on conflict (job, n) do update set name = excluded.name, stream = excluded.stream, state = excluded.state,
	done = excluded.done, total = excluded.total, reason = excluded.reason`)

func (s *Store) writeParts(ctx context.Context, tx *sql.Tx, job string, parts []JobPart) error {
	if _, err := tx.ExecContext(ctx, `delete from job_parts where job = $1 and n >= $2`, job, len(parts)); err != nil {
		return err
	}
	_, err := partInsert.run(ctx, tx, s.dialect, len(parts), func(args []any, i int) []any {
		p := parts[i]
		return append(args, job, int64(i), p.Name, p.Stream, p.State, p.Done, p.Total, p.Reason)
	})
	return err
}

// failOpenParts ends the lines that would otherwise look as if work went on.
func failOpenParts(ctx context.Context, tx *sql.Tx, job, reason string) error {
	_, err := tx.ExecContext(ctx, `update job_parts set state = 'failed', reason = $1 where job = $2 and state not in ('sealed', 'failed')`, reason, job)
	return err
}

// EndJob ends the attempt that the lease stands for, with the lines of progress
// as they are then, all or nothing.
func (s *Store) EndJob(ctx context.Context, l JobLease, e JobEnd, parts []JobPart) error {
	if err := e.check(parts); err != nil {
		return fmt.Errorf("end job %s: %w", l.Job, err)
	}
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		if err := s.holdJob(ctx, tx, l); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `update jobs set state = $1, ended = $2, run_after = $3, attempts = attempts - $4, result = $5, outcome = $6,
			error = $7, holder = '', expires = 0 where id = $8`, e.State, e.ended(), micros(e.After), bit(e.Unused), notNil(e.Result), e.Outcome, e.Error, l.Job)
		if err != nil {
			return err
		}
		return s.writeParts(ctx, tx, l.Job, parts)
	})
	if err != nil {
		return fmt.Errorf("end job %s: %w", l.Job, err)
	}
	return nil
}

func (e *JobEnd) check(parts []JobPart) error {
	switch e.State {
	case JobWaiting, JobDone, JobFailed, JobCanceled:
	default:
		return fmt.Errorf("%w: a job does not end as %q", audit.ErrInvalid, e.State)
	}
	if len(e.Result) > MaxJobBytes {
		return fmt.Errorf("%w: a result of %d bytes; at most %d are kept", audit.ErrInvalid, len(e.Result), MaxJobBytes)
	}
	if err := checkJobTexts("outcome", e.Outcome, "error", e.Error); err != nil {
		return err
	}
	return checkParts(parts)
}

func (e *JobEnd) ended() int64 {
	if e.State == JobWaiting {
		return 0
	}
	return micros(e.At)
}
