package worker

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/audit"
	"tieout/store"
	"tieout/store/sqlite"
)

// A bench is a store, a clock that stands still until it is moved, and what
// workers have done.
type bench struct {
	t      testing.TB
	path   string
	store  *store.Store
	queue  *Queue
	events chan Event
	acts   []string

	mu  sync.Mutex
	now time.Time
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{t: t, path: filepath.Join(t.TempDir(), "store.db"), events: make(chan Event, 1000), now: time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)}
	s, err := sqlite.Open(t.Context(), b.path)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	b.store = s
	b.queue = &Queue{Store: s, Now: b.clock, Record: func(_ context.Context, by By, act string, arguments []byte) error {
		b.acts = append(b.acts, by.Name+": "+act+" "+string(arguments))
		return nil
	}}
	return b
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) pass(d time.Duration) {
	b.mu.Lock()
	b.now = b.now.Add(d)
	b.mu.Unlock()
}

// start runs a worker until stop is called, which waits for it.
func (b *bench) start(handlers map[string]Handler) (w *Worker, stop func()) {
	b.t.Helper()
	w, err := Open(Options{
		Store: b.store, Now: b.clock, Handlers: handlers, Lease: 600 * time.Millisecond, Poll: 20 * time.Millisecond,
		Notify: func(e Event) { b.events <- e },
	})
	must(b.t, err)
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	var once sync.Once
	stop = func() { once.Do(func() { cancel(); must(b.t, <-done) }) }
	b.t.Cleanup(stop)
	return w, stop
}

func (b *bench) enqueue(kind, key string) Job {
	b.t.Helper()
	j, _, err := b.queue.Enqueue(b.t.Context(), kind, key, []byte(`{"a":1}`), By{})
	must(b.t, err)
	return j
}

// await waits for what happens next of a kind.
func (b *bench) await(kind string) store.Job {
	b.t.Helper()
	for {
		select {
		case e := <-b.events:
			if e.Kind == kind {
				return e.Job
			}
		case <-b.t.Context().Done():
			b.t.Fatal("nothing happens")
		case <-time.After(20 * time.Second):
			b.t.Fatalf("no %q within 20 seconds", kind)
		}
	}
}

func (b *bench) job(id string) Job {
	b.t.Helper()
	j, err := b.queue.Job(b.t.Context(), id)
	must(b.t, err)
	return j
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func lines(parts []Part) string {
	var out []string
	for _, p := range parts {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s/%s %s %d/%d %s", p.Name, p.Stream, p.State, p.Done, p.Total, p.Reason)))
	}
	return strings.Join(out, "; ")
}

func TestJobIsDone(t *testing.T) {
	b := newBench(t)
	j := b.enqueue("work", "k")
	b.start(map[string]Handler{"work": func(_ context.Context, t *Task) (Result, error) {
		t.SetParts([]Part{{Name: "a", State: store.PartWaiting}, {Name: "b", State: store.PartWaiting}})
		t.Update("a", "users", func(p *Part) { p.State, p.Done, p.Total = store.PartReading, 3, 9 })
		t.Replace("a", []Part{{Name: "a", Stream: "users", State: store.PartSealed, Done: 9, Total: 9}, {Name: "a", Stream: "groups", State: store.PartFailed, Reason: "403"}})
		b.pass(5 * time.Second)
		return Result{Text: "Done.", Value: map[string]int{"n": 1}}, nil
	}})
	b.await("ended")
	got := b.job(j.ID)
	want(t, "state", got.State, store.JobDone)
	want(t, "took", got.Ended.Sub(got.Begun), 5*time.Second)
	want(t, "result", string(got.Result)+got.Outcome, `{"n":1}Done.`)
	want(t, "parts", lines(got.Parts), "a/users sealed 9/9; a/groups failed 0/0 403; b/ failed 0/0 the job ended before this was done")
	want(t, "holder", got.Holder, "")
}

func TestAttempts(t *testing.T) {
	boom := errors.New("boom")
	for name, tc := range map[string]struct {
		err      error
		state    string
		attempts int
		wait     time.Duration
	}{
		"an error is tried again":        {boom, store.JobWaiting, 1, 10 * time.Second},
		"a final error is not":           {Final(boom), store.JobFailed, 1, 0},
		"what was asked for is wrong":    {fmt.Errorf("%w: no source", audit.ErrNotFound), store.JobFailed, 1, 0},
		"what cannot be now comes later": {Later(time.Minute, boom), store.JobWaiting, 0, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			j := b.enqueue("work", "")
			b.start(map[string]Handler{"work": func(context.Context, *Task) (Result, error) { return Result{Text: "so far"}, tc.err }})
			b.await("ended")
			got := b.job(j.ID)
			want(t, "state", got.State, tc.state)
			want(t, "attempts", got.Attempts, tc.attempts)
			want(t, "error", got.Error, tc.err.Error())
			want(t, "outcome", got.Outcome, "so far")
			want(t, "wait", got.After.Sub(b.clock()), tc.wait)
		})
	}
}

func TestBackOff(t *testing.T) {
	for n, d := range map[int]time.Duration{1: 10 * time.Second, 2: 40 * time.Second, 4: 640 * time.Second, 5: 15 * time.Minute, 99: 15 * time.Minute} {
		want(t, fmt.Sprint("attempt ", n), backOff(n), d)
	}
}

func TestTriedAgainUntilItFails(t *testing.T) {
	b := newBench(t)
	j := b.enqueue("work", "")
	w, _ := b.start(map[string]Handler{"work": func(_ context.Context, t *Task) (Result, error) {
		if t.Attempts == 2 {
			panic("at the disco")
		}
		return Result{}, errors.New("no answer")
	}})
	for n := 1; n < attempts; n++ {
		want(t, "state", b.await("ended").State, store.JobWaiting)
		b.pass(time.Hour)
		w.Wake()
	}
	want(t, "state", b.await("ended").State, store.JobFailed)
	want(t, "attempts", b.job(j.ID).Attempts, attempts)
}

func TestCancel(t *testing.T) {
	b := newBench(t)
	begun := make(chan *Task, 1)
	first := b.enqueue("work", "")
	b.start(map[string]Handler{"work": func(ctx context.Context, t *Task) (Result, error) {
		t.SetParts([]Part{{Name: "a", State: store.PartReading}, {Name: "b", State: store.PartSealed}})
		begun <- t
		<-ctx.Done()
		return Result{Text: "b is sealed and stays."}, context.Cause(ctx)
	}})
	<-begun
	ana := By{Account: "1", Name: "Ana"}
	if _, err := b.queue.Cancel(t.Context(), first.ID, ana); err != nil {
		t.Fatal(err)
	}
	b.await("ended")
	got := b.job(first.ID)
	want(t, "state", got.State, store.JobCanceled)
	want(t, "by", got.CanceledBy, "Ana")
	want(t, "what is kept", got.Outcome, "b is sealed and stays.")
	want(t, "parts", lines(got.Parts), "a/ failed 0/0 canceled before it was read; b/ sealed 0/0")
	want(t, "recorded", strings.Join(b.acts, "|"), "Ana: job cancel "+first.ID)
	_, err := b.queue.Cancel(t.Context(), first.ID, ana)
	if !errors.Is(err, audit.ErrConflict) {
		t.Errorf("canceled again: %v", err)
	}
	want(t, "acts", len(b.acts), 1)
}

func TestStopGivesBack(t *testing.T) {
	b := newBench(t)
	begun := make(chan struct{}, 1)
	j := b.enqueue("work", "")
	_, stop := b.start(map[string]Handler{"work": func(ctx context.Context, t *Task) (Result, error) {
		t.SetParts([]Part{{Name: "a", State: store.PartSealed}, {Name: "b", State: store.PartReading}})
		begun <- struct{}{}
		<-ctx.Done()
		return Result{}, context.Cause(ctx)
	}})
	<-begun
	stop()
	got := b.job(j.ID)
	want(t, "state", got.State, store.JobWaiting)
	want(t, "attempts", got.Attempts, 0)
	var seen string
	b.start(map[string]Handler{"work": func(_ context.Context, t *Task) (Result, error) {
		seen = lines(t.Before())
		return Result{}, nil
	}})
	for b.await("ended").State != store.JobDone {
	}
	want(t, "what the next one finds", seen, "a/ sealed 0/0; b/ reading 0/0")
}

// TestLostLease: a worker whose lease another has taken ends its handler and
// writes nothing more.
func TestLostLease(t *testing.T) {
	b := newBench(t)
	begun, ended := make(chan struct{}, 1), make(chan error, 1)
	j := b.enqueue("work", "")
	_, stop := b.start(map[string]Handler{"work": func(ctx context.Context, t *Task) (Result, error) {
		begun <- struct{}{}
		<-ctx.Done()
		t.SetParts([]Part{{Name: "late", State: store.PartSealed}})
		ended <- context.Cause(ctx)
		return Result{Text: "late"}, nil
	}})
	<-begun
	b.exec(`update jobs set token = token + 1, holder = 'another', expires = 9e18`)
	if err := <-ended; !errors.Is(err, ErrLost) {
		t.Errorf("the handler's context ended by %v", err)
	}
	b.await("lost")
	stop()
	got := b.job(j.ID)
	want(t, "job", fmt.Sprint(got.State, " ", got.Holder, " ", got.Outcome, len(got.Parts)), "running another 0")
}

func (b *bench) exec(query string) {
	b.t.Helper()
	db, err := sql.Open("sqlite", b.path+"?_pragma=busy_timeout(20000)")
	must(b.t, err)
	defer db.Close()
	_, err = db.Exec(query)
	must(b.t, err)
}

func TestOnlySoManyAtOnce(t *testing.T) {
	b := newBench(t)
	for range 5 {
		b.enqueue("work", "")
	}
	var mu sync.Mutex
	now, most := 0, 0
	gate, entered := make(chan struct{}), make(chan struct{}, 5)
	b.start(map[string]Handler{"work": func(context.Context, *Task) (Result, error) {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		entered <- struct{}{}
		<-gate
		mu.Lock()
		now--
		mu.Unlock()
		return Result{}, nil
	}})
	<-entered
	<-entered
	close(gate)
	for range 5 {
		b.await("ended")
	}
	want(t, "at once", most, 2)
}

func TestWhoAsks(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	ana := By{Name: "Ana"}
	_, added, err := b.queue.Enqueue(ctx, "work", "k", []byte("p"), ana)
	must(t, err)
	want(t, "added", added, true)
	_, added, err = b.queue.Enqueue(ctx, "work", "k", []byte("p"), ana)
	must(t, err)
	want(t, "added again", added, false)
	want(t, "recorded", strings.Join(b.acts, "|"), "Ana: job work p|Ana: job work p")

	silent := &Queue{Store: b.store, Now: b.clock}
	failing := &Queue{Store: b.store, Now: b.clock, Record: func(context.Context, By, string, []byte) error { return audit.ErrUnavailable }}
	for name, tc := range map[string]struct {
		q    *Queue
		by   By
		want error
	}{
		"nothing records":         {silent, ana, audit.ErrForbidden},
		"an account without name": {b.queue, By{Account: "1"}, audit.ErrForbidden},
		"the record fails":        {failing, ana, audit.ErrUnavailable},
	} {
		if _, _, err := tc.q.Enqueue(ctx, "work", "", nil, tc.by); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", name, err, tc.want)
		}
	}
	jobs, err := b.queue.Jobs(ctx, Filter{})
	must(t, err)
	want(t, "jobs", len(jobs), 1)
}

func TestEstimate(t *testing.T) {
	b := newBench(t)
	seconds := 0
	w, _ := b.start(map[string]Handler{"work": func(ctx context.Context, t *Task) (Result, error) {
		if seconds == 0 {
			<-ctx.Done()
			return Result{}, context.Cause(ctx)
		}
		b.pass(time.Duration(seconds) * time.Second)
		return Result{}, nil
	}})
	for _, seconds = range []int{30, 10, 20} {
		b.enqueue("work", "")
		w.Wake()
		b.await("ended")
	}
	seconds = 0
	j := b.enqueue("work", "")
	want(t, "of one that waits", b.job(j.ID).Estimate, time.Time{})
	for b.await("taken").ID != j.ID {
	}
	got := b.job(j.ID)
	want(t, "as the others took", got.Estimate, got.Begun.Add(20*time.Second))
	b.pass(21 * time.Second)
	want(t, "of one that takes longer", b.job(j.ID).Estimate, time.Time{})
}

func TestWatch(t *testing.T) {
	b := newBench(t)
	step := make(chan struct{})
	j := b.enqueue("work", "")
	b.start(map[string]Handler{"work": func(_ context.Context, t *Task) (Result, error) {
		t.Update("a", "", func(p *Part) { p.State = store.PartReading })
		<-step
		return Result{}, nil
	}})
	var seen []string
	must(t, b.queue.Watch(t.Context(), j.ID, 5*time.Millisecond, func(j Job) error {
		seen = append(seen, j.State+" "+lines(j.Parts))
		if strings.Contains(seen[len(seen)-1], "reading") {
			close(step)
		}
		return nil
	}))
	want(t, "last", seen[len(seen)-1], "done a/ failed 0/0 the job ended before this was done")
	if len(slices.Compact(slices.Clone(seen))) != len(seen) {
		t.Errorf("nothing changed between two of %q", seen)
	}
}

func TestOpenRefuses(t *testing.T) {
	b := newBench(t)
	for name, o := range map[string]Options{
		"no store":    {Now: b.clock, Handlers: map[string]Handler{"a": nil}},
		"no handlers": {Now: b.clock, Store: b.store},
		"no lease":    {Now: b.clock, Store: b.store, Handlers: map[string]Handler{"a": nil}, Lease: time.Millisecond},
		"none":        {Now: b.clock, Store: b.store, Handlers: map[string]Handler{"a": nil}, AtOnce: -1},
	} {
		if _, err := Open(o); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLongTexts(t *testing.T) {
	long := strings.Repeat("ä", store.MaxJobText)
	for _, s := range []string{long, "a" + long, "\xff\x00" + long} {
		got := sentence(s)
		if len(got) > store.MaxJobText || !strings.HasSuffix(got, "…") {
			t.Errorf("%d bytes, ends with %q", len(got), got[len(got)-6:])
		}
	}
	want(t, "a short one", sentence("short"), "short")
	many := bounded(make([]Part, store.MaxJobParts+5))
	want(t, "parts", len(many), store.MaxJobParts)
	want(t, "the last says so", many[store.MaxJobParts-1].Name, "and 6 more")
}
