package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tieout/audit"
	"tieout/store"
)

// words joins values with single spaces.
func words(values ...any) string { return strings.TrimSuffix(fmt.Sprintln(values...), "\n") }

var jobKinds = []string{"collect", "check"}

func waiting(id, key string) store.Job {
	return store.Job{ID: id, Kind: "collect", Key: key, Payload: []byte("p\x00"), State: store.JobWaiting, After: at(1), MaxAttempts: 3,
		By: store.JobBy{Account: "a1", Name: "Zo\u00eb"}, Created: at(1)}
}

func addJob(t *testing.T, s *store.Store, j store.Job) {
	t.Helper()
	_, added, err := s.AddJob(t.Context(), j)
	must(t, err)
	wantEqual(t, "added "+j.ID, added, true)
}

func claim(t *testing.T, s *store.Store, holder string) store.Job {
	t.Helper()
	j, err := s.ClaimJob(t.Context(), jobKinds, holder, at(2), time.Hour)
	must(t, err)
	return j
}

func job(t *testing.T, s *store.Store, id string) store.Job {
	t.Helper()
	j, err := s.Job(t.Context(), id)
	must(t, err)
	return j
}

// fillJobs puts something into every table of jobs.
func fillJobs(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	addJob(t, s, waiting("j1", "k"))
	l := claim(t, s, "w1")
	must(t, s.EndJob(ctx, l.Lease(), store.JobEnd{State: store.JobDone, At: at(3), Result: []byte{0}, Outcome: "Done."}, parts("a", "b")))
	addJob(t, s, waiting("j2", "k"))
	must(t, s.SaveSchedule(ctx, daily("collect daily", at(5))))
}

func jobContents(t *testing.T, s *store.Store) []any {
	t.Helper()
	jobs, err := s.Jobs(t.Context(), store.JobFilter{})
	must(t, err)
	lines, err := s.JobParts(t.Context(), "j1")
	must(t, err)
	schedules, err := s.Schedules(t.Context())
	must(t, err)
	return []any{jobs, lines, schedules}
}

func parts(names ...string) (out []store.JobPart) {
	for i, n := range names {
		out = append(out, store.JobPart{Name: n, Stream: "account", State: store.PartReading, Done: int64(i), Total: 9, Reason: "r"})
	}
	return out
}

func daily(name string, next time.Time) store.Schedule {
	return store.Schedule{Name: name, Kind: "collect", Key: "k", Payload: []byte{1}, MaxAttempts: 2, At: "06:00", Zone: "Europe/Berlin", Next: next}
}

func jobsRoundTrip(t *testing.T, e *engine) {
	s := e.Open(t)
	ctx := t.Context()
	want := waiting("j1", "k")
	addJob(t, s, want)
	if d := cmp.Diff(want, job(t, s, "j1")); d != "" {
		t.Fatalf("job (-want +got):\n%s", d)
	}
	got := claim(t, s, "w1")
	if left := time.Until(got.Expires); left < 50*time.Minute || left > 70*time.Minute {
		t.Fatalf("a lease of an hour ends in %v", left)
	}
	want.State, want.Attempts, want.Holder, want.Expires, want.Token, want.Started, want.Begun = store.JobRunning, 1, "w1", got.Expires, 1, at(2), at(2)
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("claimed (-want +got):\n%s", d)
	}
	must(t, s.SaveJobParts(ctx, got.Lease(), parts("a", "b", "c")))
	must(t, s.EndJob(ctx, got.Lease(), store.JobEnd{State: store.JobFailed, At: at(3), Result: []byte("r"), Outcome: "o", Error: "e"}, parts("b", "a")))
	want.State, want.Holder, want.Expires, want.Ended, want.After = store.JobFailed, "", time.Time{}, at(3), time.Time{}
	want.Result, want.Outcome, want.Error = []byte("r"), "o", "e"
	last := job(t, s, "j1")
	last.After = time.Time{}
	if d := cmp.Diff(want, last); d != "" {
		t.Fatalf("ended (-want +got):\n%s", d)
	}
	lines, err := s.JobParts(ctx, "j1")
	must(t, err)
	if d := cmp.Diff(parts("b", "a"), lines); d != "" {
		t.Fatalf("parts (-want +got):\n%s", d)
	}
	_, err = s.Job(ctx, "j9")
	wantError(t, "unknown job", err, audit.ErrNotFound)
}

func jobKeys(t *testing.T, e *engine) {
	s := e.Open(t)
	ctx := t.Context()
	addJob(t, s, waiting("j1", "k"))
	addJob(t, s, waiting("j2", ""))
	addJob(t, s, waiting("j3", ""))
	for _, j := range []store.Job{waiting("j4", "k"), waiting("j1", "other")} {
		kept, added, err := s.AddJob(ctx, j)
		must(t, err)
		wantEqual(t, "kept for "+j.ID+" "+j.Key, words(kept.ID, added), "j1 false")
	}
	l := claim(t, s, "w")
	must(t, s.EndJob(ctx, l.Lease(), store.JobEnd{State: store.JobDone, At: at(3)}, nil))
	addJob(t, s, waiting("j5", "k"))
	for name, change := range map[string]func(*store.Job){
		"no ID":        func(j *store.Job) { j.ID = "" },
		"no kind":      func(j *store.Job) { j.Kind = "" },
		"no attempt":   func(j *store.Job) { j.MaxAttempts = 0 },
		"NUL":          func(j *store.Job) { j.By.Name = "a\x00" },
		"large":        func(j *store.Job) { j.Payload = make([]byte, store.MaxJobBytes+1) },
		"a long name":  func(j *store.Job) { j.By.Name = string(make([]byte, store.MaxJobText+1)) },
		"no UTF-8":     func(j *store.Job) { j.Key = "\xff" },
		"a long entry": func(j *store.Job) { j.Schedule = string(make([]byte, store.MaxJobText+1)) },
	} {
		j := waiting("j9", "")
		change(&j)
		_, _, err := s.AddJob(ctx, j)
		wantError(t, name, err, audit.ErrInvalid)
	}
}

func jobOrder(t *testing.T, e *engine) {
	s := e.Open(t)
	ctx := t.Context()
	for i, minutes := range []int{3, 1, 2, 99} {
		j := waiting(fmt.Sprintf("j%d", i), "")
		j.After = t0.Add(time.Duration(minutes) * time.Second)
		addJob(t, s, j)
	}
	other := waiting("j8", "")
	other.Kind, other.After = "mail", t0
	addJob(t, s, other)
	order := ""
	for {
		j, err := s.ClaimJob(ctx, jobKinds, "w", t0.Add(10*time.Second), time.Hour)
		if errors.Is(err, audit.ErrNotFound) {
			break
		}
		must(t, err)
		order += j.ID + " "
	}
	wantEqual(t, "order", order, "j1 j2 j0 ")
	for _, tc := range []struct {
		name string
		f    store.JobFilter
		want string
	}{
		{"all, the newest first", store.JobFilter{}, "[j8 j3 j2 j1 j0]"},
		{"of a kind", store.JobFilter{Kind: "mail"}, "[j8]"},
		{"in states", store.JobFilter{States: []string{store.JobWaiting, store.JobDone}}, "[j8 j3]"},
		{"a page", store.JobFilter{Before: "j3", Limit: 2}, "[j2 j1]"},
		{"of a schedule", store.JobFilter{Schedule: "x"}, "[]"},
	} {
		jobs, err := s.Jobs(ctx, tc.f)
		must(t, err)
		ids := []string{}
		for _, j := range jobs {
			ids = append(ids, j.ID)
		}
		wantEqual(t, tc.name, fmt.Sprint(ids), tc.want)
	}
}

// expire lets every lease of a job end, as time does.
func expire(t *testing.T, e *engine, s *store.Store) {
	t.Helper()
	e.mu.Lock()
	p := e.places[s]
	e.mu.Unlock()
	p.Exec(t, `update jobs set expires = 1 where state = 'running'`)
}

func jobLeases(t *testing.T, e *engine) {
	s := e.Open(t)
	ctx := t.Context()
	again := e.Again(t, s)
	addJob(t, s, waiting("j1", "k"))
	old := claim(t, s, "w1")
	cancel, err := s.RenewJob(ctx, old.Lease(), time.Hour)
	must(t, err)
	wantEqual(t, "cancel", cancel, false)
	_, err = again.ClaimJob(ctx, jobKinds, "w2", at(9), time.Hour)
	wantError(t, "while it is held", err, audit.ErrNotFound)

	expire(t, e, s)
	refused := func(when string) {
		t.Helper()
		wantError(t, "renew "+when, second(s.RenewJob(ctx, old.Lease(), time.Hour)), audit.ErrConflict)
		wantError(t, "parts "+when, s.SaveJobParts(ctx, old.Lease(), parts("late")), audit.ErrConflict)
		wantError(t, "end "+when, s.EndJob(ctx, old.Lease(), store.JobEnd{State: store.JobDone, At: at(4)}, parts("late")), audit.ErrConflict)
	}
	refused("after the lease has ended")
	j, err := again.ClaimJob(ctx, jobKinds, "w2", at(5), time.Hour)
	must(t, err)
	wantEqual(t, "taken over", words(j.ID, j.Holder, j.Attempts, j.Token, j.Started.Equal(at(2)), j.Begun.Equal(at(5))), "j1 w2 2 2 true true")
	refused("while another has it")
	must(t, again.SaveJobParts(ctx, j.Lease(), parts("a")))
	must(t, again.EndJob(ctx, j.Lease(), store.JobEnd{State: store.JobWaiting, After: at(8), Error: "again"}, parts("a")))
	refused("while it waits")
	_, err = again.ClaimJob(ctx, jobKinds, "w2", at(7), time.Hour)
	wantError(t, "before it is due", err, audit.ErrNotFound)
	j, err = again.ClaimJob(ctx, jobKinds, "w2", at(8), time.Hour)
	must(t, err)
	must(t, again.EndJob(ctx, j.Lease(), store.JobEnd{State: store.JobWaiting, After: at(8), Unused: true}, nil))
	j, err = again.ClaimJob(ctx, jobKinds, "w2", at(8), time.Hour)
	must(t, err)
	wantEqual(t, "attempts", j.Attempts, 3)
	must(t, again.SaveJobParts(ctx, j.Lease(), parts("a")))

	expire(t, e, s)
	_, err = s.ClaimJob(ctx, jobKinds, "w3", at(10), time.Hour)
	wantError(t, "lost at its last attempt", err, audit.ErrNotFound)
	got := job(t, s, "j1")
	wantEqual(t, "state", words(got.State, got.Ended.Equal(at(10)), got.Error != "", got.Holder == ""), "failed true true true")
	lines, err := s.JobParts(ctx, "j1")
	must(t, err)
	wantEqual(t, "part", lines[0].State, store.PartFailed)
	wantEqual(t, "part's reason", lines[0].Reason, got.Error)
	wantError(t, "no such end", s.EndJob(ctx, j.Lease(), store.JobEnd{State: "over"}, nil), audit.ErrInvalid)
}

func jobCancel(t *testing.T, e *engine) {
	s := e.Open(t)
	ctx := t.Context()
	addJob(t, s, waiting("j1", ""))
	j, err := s.CancelJob(ctx, "j1", "ana", at(3))
	must(t, err)
	wantEqual(t, "one that waits", words(j.State, j.Ended.Equal(at(3)), j.CanceledBy), "canceled true ana")
	_, err = s.CancelJob(ctx, "j1", "bob", at(3))
	wantError(t, "one that has ended", err, audit.ErrConflict)
	_, err = s.CancelJob(ctx, "j9", "bob", at(3))
	wantError(t, "one that is not", err, audit.ErrNotFound)

	addJob(t, s, waiting("j2", ""))
	l := claim(t, s, "w").Lease()
	for _, who := range []string{"ana", "bob"} {
		j, err = s.CancelJob(ctx, "j2", who, at(4))
		must(t, err)
		wantEqual(t, "one that runs", words(j.State, j.CanceledBy), "running ana")
	}
	cancel, err := s.RenewJob(ctx, l, time.Hour)
	must(t, err)
	wantEqual(t, "the worker is told", cancel, true)
	expire(t, e, s)
	_, err = s.ClaimJob(ctx, jobKinds, "w", at(5), time.Hour)
	wantError(t, "lost after it was canceled", err, audit.ErrNotFound)
	wantEqual(t, "state", job(t, s, "j2").State, store.JobCanceled)
}

// claimRace lets several processes empty one queue.
func claimRace(t *testing.T, e *engine) {
	s := e.Open(t)
	const n = 60
	for i := range n {
		addJob(t, s, waiting(fmt.Sprintf("j%03d", i), ""))
	}
	var mu sync.Mutex
	taken := map[string]int{}
	var wg sync.WaitGroup
	for i, s := range []*store.Store{s, s, e.Again(t, s), e.Again(t, s)} {
		wg.Go(func() {
			for {
				j, err := s.ClaimJob(t.Context(), jobKinds, fmt.Sprint("w", i), at(2), time.Hour)
				if errors.Is(err, audit.ErrNotFound) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				taken[j.ID]++
				mu.Unlock()
				if err := s.EndJob(t.Context(), j.Lease(), store.JobEnd{State: store.JobDone, At: at(3)}, parts("a")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for id, k := range taken {
		if k != 1 {
			t.Errorf("%s was taken %d times", id, k)
		}
	}
	done, err := s.Jobs(t.Context(), store.JobFilter{States: []string{store.JobDone}, Limit: 2 * n})
	must(t, err)
	wantEqual(t, "done", len(done), n)
	wantEqual(t, "taken", len(taken), n)
}

func jobTimes(t *testing.T, e *engine) {
	s := e.Open(t)
	ctx := t.Context()
	end := func(id, payload string, state string, seconds int) {
		j := waiting(id, "")
		j.Payload = []byte(payload)
		addJob(t, s, j)
		l := claim(t, s, "w")
		must(t, s.EndJob(ctx, l.Lease(), store.JobEnd{State: state, At: at(2).Add(time.Duration(seconds) * time.Second)}, nil))
	}
	end("j1", "p", store.JobDone, 7)
	end("j2", "p", store.JobDone, 9)
	end("j3", "p", store.JobFailed, 1)
	end("j4", "q", store.JobDone, 1)
	got, err := s.JobTimes(ctx, "collect", []byte("p"), 5)
	must(t, err)
	wantEqual(t, "times", words(got), "[9s 7s]")
	n, err := s.SweepJobs(ctx, at(2).Add(8*time.Second))
	must(t, err)
	wantEqual(t, "swept", n, 3)
	wantError(t, "swept job", second(s.Job(ctx, "j1")), audit.ErrNotFound)
	wantEqual(t, "kept", job(t, s, "j2").State, store.JobDone)
}

func schedules(t *testing.T, e *engine) {
	s := e.Open(t)
	ctx := t.Context()
	must(t, s.SaveSchedule(ctx, daily("b", at(5))))
	must(t, s.SaveSchedule(ctx, daily("a", at(6))))
	must(t, s.SaveSchedule(ctx, daily("b", at(1)))) // the same again is due when it was
	got, err := s.Schedules(ctx)
	must(t, err)
	if d := cmp.Diff([]store.Schedule{daily("b", at(5)), daily("a", at(6))}, got); d != "" {
		t.Fatalf("schedules (-want +got):\n%s", d)
	}
	due, err := s.DueSchedules(ctx, at(5))
	must(t, err)
	wantEqual(t, "due", len(due), 1)
	fire := func(id string) (kept store.Job, fired, added bool) {
		t.Helper()
		j := waiting(id, "k")
		j.Schedule = "b"
		kept, fired, added, err := s.FireSchedule(ctx, due[0], at(8), j)
		must(t, err)
		return kept, fired, added
	}
	_, fired, added := fire("j1")
	wantEqual(t, "the first", words(fired, added), "true true")
	_, fired, _ = fire("j2")
	wantEqual(t, "the same time again", fired, false)
	due, err = s.DueSchedules(ctx, at(8))
	must(t, err)
	wantEqual(t, "due next", words(len(due), due[1].LastJob, due[1].LastRun.Equal(at(5))), "2 j1 true")
	due = due[1:]
	kept, fired, added := fire("j3")
	wantEqual(t, "while its job is open", words(kept.ID, fired, added), "j1 true false")
	changed := daily("b", at(9))
	changed.At = "07:00"
	must(t, s.SaveSchedule(ctx, changed))
	must(t, s.DropSchedule(ctx, "a"))
	got, err = s.Schedules(ctx)
	must(t, err)
	wantEqual(t, "after a change", words(len(got), got[0].At, got[0].Next.Equal(at(9)), got[0].LastJob), "1 07:00 true j1")
	wantError(t, "no kind", s.SaveSchedule(ctx, store.Schedule{Name: "c", MaxAttempts: 1}), audit.ErrInvalid)
}

// fireRace: of several processes that see one due time, one makes its job.
func fireRace(t *testing.T, e *engine) {
	s := e.Open(t)
	must(t, s.SaveSchedule(t.Context(), daily("b", at(5))))
	due, err := s.DueSchedules(t.Context(), at(5))
	must(t, err)
	var wg sync.WaitGroup
	stores := []*store.Store{s, s, e.Again(t, s), e.Again(t, s)}
	fired := make([]bool, len(stores))
	for i, s := range stores {
		wg.Go(func() {
			var err error
			if _, fired[i], _, err = s.FireSchedule(context.WithoutCancel(t.Context()), due[0], at(8), waiting(fmt.Sprint("j", i), "")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	n := 0
	for _, f := range fired {
		if f {
			n++
		}
	}
	jobs, err := s.Jobs(t.Context(), store.JobFilter{})
	must(t, err)
	wantEqual(t, "fired, and made", words(n, len(jobs)), "1 1")
}
