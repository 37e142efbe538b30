package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"tieout/audit"
	"tieout/store"
)

// Why a handler's context has ended.
var (
	// ErrCanceled: somebody asked for the job's end.
	ErrCanceled = errors.New("the job was canceled")
	// ErrLost: the lease could not be renewed, and another worker may have the
	// job. Nothing of the job can be written any more.
	ErrLost = errors.New("the lease of the job was lost")
	// ErrStopping: this worker stops; another one goes on with the job.
	ErrStopping = errors.New("the worker stops")
)

// A Handler does the work of one kind of jobs. Its context ends when the job is
// canceled, when the worker stops and when the lease is lost; context.Cause
// says which. It may be called again for a job that it has done in part, or
// whole: it goes by what it finds sealed. The result is kept also beside an
// error.
type Handler func(ctx context.Context, t *Task) (Result, error)

// A Result is what a job came to.
type Result struct {
	Text  string // one sentence, of at most store.MaxJobText bytes
	Value any    // for programs, kept as JSON of at most store.MaxJobBytes; nil: none
}

// A Task is a job as its handler sees it.
type Task struct {
	store.Job
	before []Part // as an earlier attempt left them
	store  *store.Store

	mu    sync.Mutex
	parts []Part
	dirty bool
	wake  chan struct{} // a state has changed: tell the store now
}

func newTask(j store.Job, before []Part, s *store.Store) *Task {
	return &Task{Job: j, before: before, store: s, parts: slices.Clone(before), wake: make(chan struct{}, 1)}
}

// Before returns the lines of progress as an earlier attempt left them.
func (t *Task) Before() []Part { return slices.Clone(t.before) }

// Parts returns the lines of progress as they are now.
func (t *Task) Parts() []Part {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.parts)
}

// SetParts puts lines in place of all there are.
func (t *Task) SetParts(parts []Part) {
	t.mu.Lock()
	t.parts, t.dirty = bounded(parts), true
	t.mu.Unlock()
	t.soon()
}

// Replace puts lines in place of those called name, where the first of them is.
func (t *Task) Replace(name string, parts []Part) {
	t.mu.Lock()
	i := slices.IndexFunc(t.parts, func(p Part) bool { return p.Name == name })
	if i < 0 {
		i = len(t.parts)
	}
	rest := slices.DeleteFunc(slices.Clone(t.parts[i:]), func(p Part) bool { return p.Name == name })
	t.parts, t.dirty = bounded(slices.Concat(t.parts[:i], parts, rest)), true
	t.mu.Unlock()
	t.soon()
}

// Update changes the line of that name and stream, or puts it behind the last
// line of that name. A change of its numbers is told with the next heartbeat,
// any other change at once.
func (t *Task) Update(name, stream string, change func(*Part)) {
	t.mu.Lock()
	i := slices.IndexFunc(t.parts, func(p Part) bool { return p.Name == name && p.Stream == stream })
	if i < 0 {
		for i = len(t.parts); i > 0 && t.parts[i-1].Name != name; {
			i--
		}
		if i == 0 {
			i = len(t.parts)
		}
		t.parts = slices.Insert(t.parts, i, Part{Name: name, Stream: stream, State: store.PartWaiting})
	}
	was := t.parts[i]
	change(&t.parts[i])
	now := t.parts[i]
	t.parts = bounded(t.parts)
	t.dirty = true
	t.mu.Unlock()
	if was.State != now.State || was.Reason != now.Reason {
		t.soon()
	}
}

// soon lets the heart beat now. It never waits.
func (t *Task) soon() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// bounded keeps what the store takes: a source may have any number of streams.
func bounded(parts []Part) []Part {
	parts = slices.Clone(parts)
	if n := len(parts) - store.MaxJobParts; n > 0 {
		parts = append(parts[:store.MaxJobParts-1], Part{Name: fmt.Sprintf("and %d more", n+1), State: store.PartWaiting})
	}
	for i := range parts {
		p := &parts[i]
		p.Name, p.Stream, p.Reason = sentence(p.Name), sentence(p.Stream), sentence(p.Reason)
	}
	return parts
}

// flush tells the store what has changed.
func (t *Task) flush(ctx context.Context) error {
	t.mu.Lock()
	parts, dirty := slices.Clone(t.parts), t.dirty
	t.dirty = false
	t.mu.Unlock()
	if !dirty {
		return nil
	}
	err := t.store.SaveJobParts(ctx, t.Lease(), parts)
	if err != nil {
		t.mu.Lock()
		t.dirty = true
		t.mu.Unlock()
	}
	return err
}

// leastBeat is how far apart beats of the heart are that progress asks for.
const leastBeat = 50 * time.Millisecond

// keep renews the lease each time that beat has passed, until ctx is done, and
// tells the store of progress. It ends the handler by cancel when the lease is
// lost, or cannot be known to be held, and when somebody asked for the job's end.
func (t *Task) keep(ctx context.Context, beat, lease time.Duration, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	kept := time.Now()
	var soon <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-soon:
		case <-t.wake:
			if early := leastBeat - time.Since(kept); early > 0 {
				soon = time.After(early)
				continue
			}
		}
		soon = nil
		call, done := context.WithDeadline(ctx, kept.Add(lease))
		asked, err := t.store.RenewJob(call, t.Lease(), lease)
		began := time.Now()
		if err == nil {
			err = t.flush(call)
		}
		done()
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			kept = began
		case errors.Is(err, audit.ErrConflict), time.Since(kept) >= lease:
			cancel(ErrLost)
			return
		}
		if asked {
			cancel(ErrCanceled)
		}
	}
}

// encode is a result as it is kept.
func (r Result) encode() ([]byte, error) {
	if r.Value == nil {
		return nil, nil
	}
	b, err := json.Marshal(r.Value)
	if err != nil {
		return nil, fmt.Errorf("encode the result: %w", err)
	}
	if len(b) > store.MaxJobBytes {
		return nil, fmt.Errorf("%w: a result of %d bytes; at most %d are kept", audit.ErrInvalid, len(b), store.MaxJobBytes)
	}
	return b, nil
}
