// Package worker runs jobs: work that goes on when the one who asked for it has
// closed the page. Jobs are rows of the store; any number of workers, in any
// number of processes, take them one by one. A worker holds a job by a lease
// that it renews; where it dies the lease ends and another worker takes the
// job. So a job can run twice, and what it does has to bear that: handlers are
// idempotent. What they mean is not known here: a job is a kind and bytes.
package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tieout/audit"
	"tieout/internal/uuid7"
	"tieout/store"
)

// By is who asks for something. The zero value is the program itself.
type By = store.JobBy

// A Part is one line of a job's progress.
type Part = store.JobPart

// A Filter says which jobs. The zero value means all, the newest 100.
type Filter = store.JobFilter

// A Job is a job with the lines of its progress.
type Job struct {
	store.Job
	Parts    []Part
	Estimate time.Time // when a running one will end, if it takes as long as earlier ones did; zero: nothing is known
}

// ActCancel is what is recorded of a person who cancels a job, with its ID.
const ActCancel = "job cancel"

// attempts is how often a job is tried where nobody says otherwise.
const attempts = 5

// A Queue takes jobs and tells of them. It is safe for concurrent use; every
// process has its own.
type Queue struct {
	Store *store.Store
	Now   func() time.Time
	// Record seals what a person asks for; when it returns nil that is durable,
	// and only then it is done. With nil people can ask for nothing.
	Record func(ctx context.Context, by By, act string, arguments []byte) error
	// ID is that of the job that is enqueued next: a request that is sent again
	// gives the same one, and a job that has it is that job. "": a new one each time.
	ID string
}

// Enqueue adds a job that waits for a worker and returns it. While a job with
// the same key is open that one is returned, and added is false. What a person
// asks for is recorded first, as the act "job KIND".
func (q *Queue) Enqueue(ctx context.Context, kind, key string, payload []byte, by By) (j Job, added bool, err error) {
	if err := q.record(ctx, by, "job "+kind, payload); err != nil {
		return Job{}, false, err
	}
	draft := q.draft(kind, key, payload)
	draft.By = by
	j.Job, added, err = q.Store.AddJob(ctx, draft)
	return j, added, err
}

func (q *Queue) draft(kind, key string, payload []byte) store.Job {
	now := audit.Instant(q.Now())
	id := q.ID
	if id == "" {
		id = uuid7.New(now)
	}
	return store.Job{ID: id, Kind: kind, Key: key, Payload: payload, After: now, Created: now, MaxAttempts: attempts}
}

// record seals what a person asks for. What cannot be recorded is not done.
func (q *Queue) record(ctx context.Context, by By, act string, arguments []byte) error {
	if by == (By{}) {
		return nil
	}
	if by.Name == "" || q.Record == nil {
		return fmt.Errorf("%w: %s: nothing records who asks for it", audit.ErrForbidden, act)
	}
	return q.Record(ctx, by, act, arguments)
}

// Cancel ends a job. One that waits is canceled at once; of one that runs the
// worker is told, and ends it within seconds: what it has sealed stays. One that
// has ended is audit.ErrConflict. What a person asks for is recorded first.
func (q *Queue) Cancel(ctx context.Context, id string, by By) (Job, error) {
	j, err := q.Store.Job(ctx, id)
	if err != nil {
		return Job{}, err
	}
	if !j.Open() {
		return Job{}, fmt.Errorf("%w: job %s is %s already", audit.ErrConflict, id, j.State)
	}
	if err := q.record(ctx, by, ActCancel, []byte(id)); err != nil {
		return Job{}, err
	}
	if _, err := q.Store.CancelJob(ctx, id, by.Name, audit.Instant(q.Now())); err != nil {
		return Job{}, err
	}
	return q.Job(ctx, id)
}

// Job returns a job with its parts, or audit.ErrNotFound.
func (q *Queue) Job(ctx context.Context, id string) (j Job, err error) {
	if j.Job, err = q.Store.Job(ctx, id); err != nil {
		return Job{}, err
	}
	if j.Parts, err = q.Store.JobParts(ctx, id); err != nil {
		return Job{}, err
	}
	j.Estimate, err = q.estimate(ctx, j.Job)
	return j, err
}

// Jobs returns jobs with their parts, the newest first.
func (q *Queue) Jobs(ctx context.Context, f Filter) ([]Job, error) {
	rows, err := q.Store.Jobs(ctx, f)
	if err != nil {
		return nil, err
	}
	out := make([]Job, len(rows))
	for i, r := range rows {
		out[i].Job = r
		if out[i].Parts, err = q.Store.JobParts(ctx, r.ID); err != nil {
			return nil, err
		}
		if out[i].Estimate, err = q.estimate(ctx, r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Schedules returns what makes jobs by itself, the next to be due first.
func (q *Queue) Schedules(ctx context.Context) ([]store.Schedule, error) {
	return q.Store.Schedules(ctx)
}

// earlier is how many earlier jobs an estimate is made of.
const earlier = 5

// estimate is made of how long earlier jobs of the same kind and payload took,
// and of nothing else. A job that takes longer than they did has none.
func (q *Queue) estimate(ctx context.Context, j store.Job) (time.Time, error) {
	if j.State != store.JobRunning {
		return time.Time{}, nil
	}
	took, err := q.Store.JobTimes(ctx, j.Kind, j.Payload, earlier)
	if err != nil || len(took) == 0 {
		return time.Time{}, err
	}
	slices.Sort(took)
	end := j.Begun.Add(took[len(took)/2])
	if !end.After(q.Now()) {
		return time.Time{}, nil
	}
	return end, nil
}

// Watch calls yield with the job now, and again each time it has changed, until
// it has ended, yield gives an error or ctx is done. It asks the store each time
// that every has passed.
func (q *Queue) Watch(ctx context.Context, id string, every time.Duration, yield func(Job) error) error {
	t := time.NewTicker(every)
	defer t.Stop()
	var last Job
	for first := true; ; first = false {
		j, err := q.Job(ctx, id)
		if err != nil {
			return err
		}
		if first || !sameJob(last, j) {
			if err := yield(j); err != nil {
				return err
			}
		}
		if last = j; !j.Open() {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
		}
	}
}

// sameJob reports whether two readings of a job tell a reader the same; that a
// lease was renewed is nothing to tell.
func sameJob(a, b Job) bool {
	return a.State == b.State && a.Attempts == b.Attempts && a.Error == b.Error && a.Cancel.Equal(b.Cancel) && slices.Equal(a.Parts, b.Parts)
}

// errLater is an attempt that could not be made now.
type errLater struct {
	after time.Duration
	why   error
}

func (e errLater) Error() string { return e.why.Error() }
func (e errLater) Unwrap() error { return e.why }

// Later is what a handler returns that cannot do its work now, through no fault
// of the job: it is taken again after that time, and the attempt does not count.
func Later(after time.Duration, why error) error { return errLater{after, why} }

type errFinal struct{ why error }

func (e errFinal) Error() string { return e.why.Error() }
func (e errFinal) Unwrap() error { return e.why }

// Final is what a handler returns where another attempt would end the same.
func Final(why error) error { return errFinal{why} }

// hopeless reports whether another attempt would end the same.
func hopeless(err error) bool {
	var final errFinal
	if errors.As(err, &final) {
		return true
	}
	for _, kind := range []error{audit.ErrInvalid, audit.ErrNotFound, audit.ErrForbidden, audit.ErrAltered, audit.ErrUsage} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}
