package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"tieout/audit"
	"tieout/store"
)

// Options are what a worker is made of. Only Store, Now and Handlers have to be there.
type Options struct {
	Store    *store.Store
	Now      func() time.Time
	Handlers map[string]Handler // by kind
	AtOnce   int                // jobs that run at once; 0: 2
	Lease    time.Duration      // how long a job outlives the process that ran it; 0: 30 seconds
	Poll     time.Duration      // how often it looks for work; 0: 2 seconds
	Keep     time.Duration      // how long jobs that have ended are kept; 0: 400 days
	Name     string             // of this worker, for people; "": host and process
	Once     bool               // Run returns when nothing is due and nothing runs
	Log      *slog.Logger       // nil: nothing is logged
	Notify   func(Event)        // called for what happens, for metrics and tests; it must not wait
}

// An Event is something that happened to a job: "fired" by a schedule, "taken",
// "ended" (its state says how, waiting among them) or "lost".
type Event struct {
	Kind string
	Job  store.Job
}

// A Worker takes jobs and runs them.
type Worker struct {
	o     Options
	kinds []string
	queue Queue
	wake  chan struct{}
	swept time.Time
}

// Open checks the options and returns a worker that does nothing before Run.
func Open(o Options) (*Worker, error) {
	if o.Store == nil || o.Now == nil || len(o.Handlers) == 0 {
		return nil, fmt.Errorf("%w: a worker has a store, a clock and handlers", audit.ErrInvalid)
	}
	o.AtOnce, o.Lease = cmp.Or(o.AtOnce, 2), cmp.Or(o.Lease, 30*time.Second)
	o.Poll, o.Keep = cmp.Or(o.Poll, 2*time.Second), cmp.Or(o.Keep, 400*24*time.Hour)
	if o.AtOnce < 1 || o.Lease < 100*time.Millisecond || o.Poll <= 0 || o.Keep <= 0 {
		return nil, fmt.Errorf("%w: a worker runs at least one job, under a lease of at least 100 ms", audit.ErrInvalid)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Notify == nil {
		o.Notify = func(Event) {}
	}
	if o.Name == "" {
		host, err := os.Hostname()
		if err != nil {
			host = "unknown host"
		}
		o.Name = fmt.Sprintf("%s, process %d", host, os.Getpid())
	}
	return &Worker{
		o: o, kinds: slices.Sorted(maps.Keys(o.Handlers)), queue: Queue{Store: o.Store, Now: o.Now}, wake: make(chan struct{}, 1),
	}, nil
}

// Wake lets the worker look for work now, as after something was enqueued in
// the same process. It never waits.
func (w *Worker) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run takes jobs until ctx is done, or with Once until there are none. Then it takes no more, ends the contexts of
// those that run (ErrStopping), waits until they have returned and gives them
// back for others to go on with. A store that does not answer is logged and
// asked again.
func (w *Worker) Run(ctx context.Context) error {
	jobs, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	free := make(chan struct{}, w.o.AtOnce)
	var running sync.WaitGroup
	tick := time.NewTicker(w.o.Poll)
	defer tick.Stop()
	for ctx.Err() == nil {
		w.fire(ctx)
		w.sweep(ctx)
		w.takeAll(ctx, free, func(j store.Job) {
			running.Go(func() {
				defer func() { <-free; w.Wake() }()
				w.run(jobs, j)
			})
		})
		if w.o.Once && len(free) == 0 {
			break
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-w.wake:
		}
	}
	stop(ErrStopping)
	running.Wait()
	return nil
}

// takeAll takes jobs while there is room for them and one is due.
func (w *Worker) takeAll(ctx context.Context, free chan struct{}, start func(store.Job)) {
	for ctx.Err() == nil {
		select {
		case free <- struct{}{}:
		default:
			return
		}
		j, err := w.o.Store.ClaimJob(ctx, w.kinds, w.o.Name, audit.Instant(w.o.Now()), w.o.Lease)
		if err != nil {
			<-free
			if !errors.Is(err, audit.ErrNotFound) && ctx.Err() == nil {
				w.o.Log.ErrorContext(ctx, "jobs cannot be taken", "error", err)
			}
			return
		}
		w.o.Notify(Event{"taken", j})
		start(j)
	}
}

// sweep forgets old jobs, about once an hour.
func (w *Worker) sweep(ctx context.Context) {
	now := w.o.Now()
	if now.Sub(w.swept) < time.Hour {
		return
	}
	w.swept = now
	if _, err := w.o.Store.SweepJobs(ctx, now.Add(-w.o.Keep)); err != nil && ctx.Err() == nil {
		w.o.Log.ErrorContext(ctx, "old jobs cannot be forgotten", "error", err)
	}
}

// run runs one job to the end of this attempt.
func (w *Worker) run(ctx context.Context, j store.Job) {
	log := w.o.Log.With("job", j.ID, "kind", j.Kind, "attempt", j.Attempts)
	before, err := w.o.Store.JobParts(ctx, j.ID)
	if err != nil {
		log.ErrorContext(ctx, "the job cannot be read; it is taken again when its lease has ended", "error", err)
		return
	}
	t := newTask(j, before, w.o.Store)
	work, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	heart, stopHeart := context.WithCancel(context.WithoutCancel(ctx))
	var beating sync.WaitGroup
	beating.Go(func() { t.keep(heart, w.beat(), w.o.Lease, cancel) })
	log.InfoContext(ctx, "job begins")
	res, err := w.call(work, t)
	stopHeart()
	beating.Wait()
	w.end(context.WithoutCancel(ctx), log, t, res, err, context.Cause(work))
}

// beat is how often a lease is renewed, and progress told.
func (w *Worker) beat() time.Duration { return min(w.o.Lease/3, 2*time.Second) }

// call calls the handler; one that panics has failed.
func (w *Worker) call(ctx context.Context, t *Task) (res Result, err error) {
	defer func() {
		if r := recover(); r != nil {
			w.o.Log.ErrorContext(ctx, "the handler of a job panicked", "job", t.ID, "kind", t.Kind, "panic", r, "stack", string(debug.Stack()))
			err = errors.New("internal error; the worker's log says more")
		}
	}()
	return w.o.Handlers[t.Kind](ctx, t)
}

// end writes how the attempt ended. What cannot be written is found by whoever
// takes the job next, when the lease has ended.
func (w *Worker) end(ctx context.Context, log *slog.Logger, t *Task, res Result, err, cause error) {
	if errors.Is(cause, ErrLost) {
		log.WarnContext(ctx, "the lease was lost; another worker goes on with the job")
		w.o.Notify(Event{"lost", t.Job})
		return
	}
	e := w.verdict(t, res, err, cause)
	parts := t.Parts()
	if e.State != store.JobWaiting {
		closeParts(parts, e)
	}
	call, done := context.WithTimeout(ctx, w.o.Lease)
	defer done()
	if err := w.o.Store.EndJob(call, t.Lease(), e, parts); err != nil {
		log.ErrorContext(ctx, "the end of the job cannot be kept; it is taken again when its lease has ended", "error", err)
		w.o.Notify(Event{"lost", t.Job})
		return
	}
	log.InfoContext(ctx, "job ended", "state", e.State, "error", e.Error)
	j := t.Job
	j.State, j.Ended, j.After, j.Result, j.Outcome, j.Error = e.State, e.At, e.After, e.Result, e.Outcome, e.Error
	w.o.Notify(Event{"ended", j})
}

// verdict says how an attempt ended.
func (w *Worker) verdict(t *Task, res Result, err, cause error) store.JobEnd {
	now := audit.Instant(w.o.Now())
	e := store.JobEnd{State: store.JobDone, At: now, After: now, Outcome: sentence(res.Text)}
	var encodeErr error
	if e.Result, encodeErr = res.encode(); err == nil && encodeErr != nil {
		err = encodeErr
	}
	if err == nil {
		return e
	}
	var later errLater
	switch e.Error = sentence(err.Error()); {
	case errors.Is(cause, ErrCanceled):
		e.State, e.Error = store.JobCanceled, ""
	case errors.Is(cause, ErrStopping):
		e.State, e.Unused, e.Error = store.JobWaiting, true, ""
	case errors.As(err, &later):
		e.State, e.Unused, e.After = store.JobWaiting, true, now.Add(later.after)
	case hopeless(err) || t.Attempts >= t.MaxAttempts:
		e.State = store.JobFailed
	default:
		e.State, e.After = store.JobWaiting, now.Add(backOff(t.Attempts))
	}
	return e
}

// backOff is how long after its n-th attempt a job is tried again: 10 seconds,
// 40, 160, and at most a quarter of an hour.
func backOff(n int) time.Duration {
	d := 10 * time.Second
	for i := 1; i < n && d < 15*time.Minute; i++ {
		d *= 4
	}
	return min(d, 15*time.Minute)
}

// closeParts leaves no line of an ended job that looks as if work went on.
func closeParts(parts []Part, e store.JobEnd) {
	why := map[string]string{store.JobCanceled: "canceled before it was read", store.JobFailed: "the job failed before this was done"}[e.State]
	for i := range parts {
		if p := &parts[i]; p.State != store.PartSealed && p.State != store.PartFailed {
			p.State, p.Reason = store.PartFailed, cmp.Or(p.Reason, why, "the job ended before this was done")
		}
	}
}

// sentence is a text as the store takes it.
func sentence(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
	if len(s) <= store.MaxJobText {
		return s
	}
	cut := s[:store.MaxJobText-len("…")]
	for !utf8.ValidString(cut) {
		cut = cut[:len(cut)-1]
	}
	return cut + "…"
}
