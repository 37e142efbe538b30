package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/period"
	"tieout/reader/jobs"
	"tieout/store"
	"tieout/worker"
)

const ownStore = ".tieout/store.db"

func TestCollectAndCheck(t *testing.T) {
	sys := newSystem(t)
	w := newWorld(t, sys, ownStore, "a", "b")
	p := w.open(t)
	j := w.start(t, p, jobs.CollectCheck)
	w.once(t)
	got := job(t, p, j.ID)
	want(t, "state", got.State, store.JobDone)
	want(t, "lines", lines(got), "a/backup sealed 300\na/account sealed 100\nb/backup sealed 300\nb/account sealed 100\nTests/ sealed 2")
	run, err := p.LastRun(t.Context())
	must(t, err)
	want(t, "outcome", got.Outcome, fmt.Sprintf("Read in full: 2 of 2 sources. 2 tests were run over everything that is sealed, as E-%d.", run.Record))
	var out jobs.Outcome
	must(t, json.Unmarshal(got.Result, &out))
	want(t, "result", fmt.Sprint(len(out.Sources), out.Sources[1].Complete, out.Sources[1].Pages, out.Run), fmt.Sprint(2, true, 16, audit.EvidenceRef(run.Record)))
	rec, err := p.Store.Record(t.Context(), run.Record)
	must(t, err)
	want(t, "for whom the run was made", rec.Actor, audit.Actor{Kind: audit.ActorPerson, Name: "a1"})
	acts := records(t, p, audit.RecordActivity)
	want(t, "activities", len(acts), 1)
	want(t, "activity", string(acts[0].Detail), `{"act":"job collect+check","arguments":"{}","through":"test"}`)
	want(t, "who", acts[0].Actor.Name, "a1")
	want(t, "sentence", strings.HasPrefix(jobs.Sentence(got, time.UTC), "Read every source and test everything: done on 3 Mar 2026"), true)
}

// TestFailedPart: a source that cannot be read keeps no other from being read,
// and is all that is tried again.
func TestFailedPart(t *testing.T) {
	sys := newSystem(t)
	w := newWorld(t, sys, ownStore, "a", "b", "c")
	w.write(t, "sources/d.yaml", "kind: remote\nwith: {}\n")
	p := w.open(t)
	_, _, err := p.Apply(t.Context())
	must(t, err)
	sys.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/b/account/3" {
			http.Error(rw, "forbidden", http.StatusForbidden)
			return true
		}
		return false
	})
	j := w.start(t, p, jobs.CollectCheck)
	w.once(t)
	got := job(t, p, j.ID)
	want(t, "state", got.State, store.JobFailed)
	want(t, "attempts", got.Attempts, 1)
	want(t, "error", got.Error, "2 sources were not read in full: b, d. What was read is sealed and stays valid; what is missing counts as no evidence")
	want(t, "outcome", strings.HasPrefix(got.Outcome, "Read in full: 2 of 4 sources. 2 tests were run"), true)
	want(t, "lines", lines(got), `a/backup sealed 300
a/account sealed 100
b/ failed 0 page 3 of 4: 403 Forbidden
b/account failed 50 the collection ended before the source closed this stream
b/backup sealed 300
c/backup sealed 300
c/account sealed 100
d/ failed 0 collect d: sources/d.yaml: invalid: a system has a url
Tests/ sealed 2`)
	want(t, "unread", fmt.Sprint(jobs.Unread(got)), "[b d]")

	sys.intercept(nil)
	w.write(t, "sources/d.yaml", "kind: remote\nwith: { url: \""+sys.URL+"\" }\n")
	p = w.open(t)
	_, _, err = p.Apply(t.Context())
	must(t, err)
	again, added, err := jobs.Retry(t.Context(), jobs.Queue(p, "test"), p.Def, j.ID, worker.By{Name: "Ana"})
	must(t, err)
	want(t, "added", added, true)
	w.once(t)
	got = job(t, p, again.ID)
	want(t, "state of the retry", got.State, store.JobDone)
	want(t, "lines of the retry", lines(got), "b/backup sealed 0\nb/account sealed 100\nd/backup sealed 300\nd/account sealed 100\nTests/ sealed 2")
	want(t, "title", jobs.Title(got.Kind, got.Payload), "Read b and d and test everything")
	_, _, err = jobs.Retry(t.Context(), jobs.Queue(p, "test"), p.Def, again.ID, worker.By{Name: "Ana"})
	if !errors.Is(err, audit.ErrConflict) {
		t.Errorf("retry of one that is done: %v", err)
	}
}

// TestCanceled: what was read is sealed and closed as incomplete.
func TestCanceled(t *testing.T) {
	sys := newSystem(t)
	w := newWorld(t, sys, ownStore, "a", "b")
	p := w.open(t)
	j := w.start(t, p, jobs.Collect)
	sys.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/b/backup/6" {
			if _, err := jobs.Queue(p, "test").Cancel(context.WithoutCancel(t.Context()), j.ID, worker.By{Name: "Ana"}); err != nil {
				t.Error(err)
			}
			<-r.Context().Done()
			return true
		}
		return false
	})
	w.once(t)
	got := job(t, p, j.ID)
	want(t, "state", got.State, store.JobCanceled)
	want(t, "outcome", got.Outcome, "Read in full: 1 of 2 sources.")
	want(t, "lines", lines(got), `a/backup sealed 300
a/account sealed 100
b/ failed 0 stopped before everything was read; what was read is sealed and counts as incomplete
b/backup failed 125 the collection ended before the source closed this stream`)
	c := collections(t, p, "b")
	want(t, "collections of b", fmt.Sprint(len(c), c[0].End.Complete, c[0].End.Pages), "1 false 5")
	want(t, "unread", fmt.Sprint(jobs.Unread(got)), "[b]")
}

func collections(t testing.TB, p *period.Program, name string) []store.SavedCollection {
	t.Helper()
	c, err := p.Store.Collections(t.Context(), name)
	must(t, err)
	return c
}

// TestBusy: while another process reads the source the job waits, and no
// attempt is used up.
func TestBusy(t *testing.T) {
	sys := newSystem(t)
	w := newWorld(t, sys, ownStore, "a", "b")
	p := w.open(t)
	lease, err := p.Store.Lock(t.Context(), "collect/a", "another", time.Minute)
	must(t, err)
	j := w.start(t, p, jobs.Collect)
	w.once(t)
	got := job(t, p, j.ID)
	want(t, "state", fmt.Sprint(got.State, got.Attempts), "waiting0")
	want(t, "lines", lines(got), "a/ waiting 0 it is being collected by another process; it is read when that has ended\nb/backup sealed 300\nb/account sealed 100")
	must(t, p.Store.Unlock(t.Context(), lease))
	w.began = w.began.Add(-time.Minute)
	w.once(t)
	got = job(t, p, j.ID)
	want(t, "state then", got.State, store.JobDone)
	want(t, "b was read once", len(collections(t, p, "b")), 1)
}

func TestBackup(t *testing.T) {
	w := newWorld(t, newSystem(t), ownStore, "a")
	p := w.open(t)
	j := w.start(t, p, jobs.Backup)
	w.once(t)
	got := job(t, p, j.ID)
	want(t, "state", got.State, store.JobDone)
	var out jobs.Outcome
	must(t, json.Unmarshal(got.Result, &out))
	files, err := os.ReadDir(filepath.Join(w.dir, "backups"))
	must(t, err)
	want(t, "files", fmt.Sprint(len(files), files[0].Name() == out.File, out.Entries > 0), "1 true true")
	want(t, "lines", lines(got), fmt.Sprintf("Store/ sealed %d", out.Entries))
}

func TestCheckUnapplied(t *testing.T) {
	w := newWorld(t, newSystem(t), ownStore, "a")
	w.write(t, "tieout.yaml", strings.ReplaceAll(config, "STORE", ownStore)+"holidays: [2026-12-25]\n")
	p := w.open(t)
	j := w.start(t, p, jobs.Check)
	w.once(t)
	got := job(t, p, j.ID)
	want(t, "state", got.State, store.JobFailed)
	want(t, "says what to do", strings.Contains(got.Error, "tieout apply"), true)
	want(t, "part", got.Parts[0].State, store.PartFailed)
	_, err := p.LastRun(t.Context())
	if !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("a run was sealed: %v", err)
	}
}

// TestDaily: tieout.yaml names a time, and a worker that comes then reads
// everything, once.
func TestDaily(t *testing.T) {
	w := newWorld(t, newSystem(t), ownStore, "a")
	p := w.open(t)
	w.once(t)
	all, err := p.Store.Schedules(t.Context())
	must(t, err)
	want(t, "schedules", fmt.Sprint(len(all), all[0].Name, all[0].Next.Format("15:04"), all[1].Name), "2collect daily06:30backup daily")
	w.began = w.began.Add(-40 * time.Minute)
	w.once(t)
	w.once(t)
	made, err := p.Store.Jobs(t.Context(), store.JobFilter{})
	must(t, err)
	want(t, "jobs", fmt.Sprint(len(made), made[0].State, made[0].Schedule, made[0].By.Name), "1donecollect daily")
	want(t, "nobody asked", len(records(t, p, audit.RecordActivity)), 0)
	w.write(t, "tieout.yaml", strings.ReplaceAll(strings.ReplaceAll(config, "STORE", ownStore), `collect: "06:30", backup: "07:30", `, ""))
	w.once(t)
	all, err = p.Store.Schedules(t.Context())
	must(t, err)
	want(t, "schedules that tieout.yaml names no more", len(all), 0)
}

// TestStalled: what is due and nobody takes is said, and nothing else.
func TestStalled(t *testing.T) {
	w := newWorld(t, newSystem(t), ownStore, "a")
	p := w.open(t)
	says := func(when, part string) {
		t.Helper()
		got, err := jobs.Stalled(t.Context(), jobs.Queue(p, "test"), time.UTC)
		must(t, err)
		if part == "" && got != "" || !strings.Contains(got, part) {
			t.Errorf("%s: %q, want %q", when, got, part)
		}
	}
	says("nothing was asked for", "")
	w.once(t)
	j := w.start(t, p, jobs.Check)
	says("just asked", "")
	w.began = w.began.Add(-11 * time.Minute)
	says("asked long ago", "job "+j.ID+" has waited for a worker since 3 Mar 2026 06:00 UTC")
	must(t, second(p.Store.CancelJob(t.Context(), j.ID, "", w.now())))
	says("canceled", "")
	w.began = w.began.Add(-30 * time.Minute)
	says("a schedule", `"collect daily" was due on 3 Mar 2026 06:30 UTC`)
	w.once(t)
	says("made up for", "")
	w.start(t, p, jobs.Check)
	_, err := p.Store.ClaimJob(t.Context(), jobs.Kinds, "gone", w.now(), time.Minute)
	must(t, err)
	says("while one runs", "")
}

func second[T any](_ T, err error) error { return err }

func TestStartRefuses(t *testing.T) {
	w := newWorld(t, newSystem(t), ownStore, "a")
	p := w.open(t)
	q := jobs.Queue(p, "test")
	for name, tc := range map[string]struct {
		kind string
		in   jobs.Payload
		want error
	}{
		"an unknown kind":   {"sing", jobs.Payload{}, audit.ErrInvalid},
		"an unknown source": {jobs.Collect, jobs.Payload{Sources: []string{"z"}}, audit.ErrNotFound},
		"an unknown period": {jobs.Check, jobs.Payload{Period: "2031"}, audit.ErrNotFound},
		"a test of sources": {jobs.Check, jobs.Payload{Sources: []string{"a"}}, audit.ErrInvalid},
	} {
		if _, _, err := jobs.Start(t.Context(), q, p.Def, tc.kind, tc.in, worker.By{Name: "Ana"}); !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", name, err, tc.want)
		}
	}
	want(t, "activities", len(records(t, p, audit.RecordActivity)), 0)
	first := w.start(t, p, jobs.Collect, "a")
	same, added, err := jobs.Start(t.Context(), q, p.Def, jobs.Collect, jobs.Payload{Sources: []string{"a", "a"}}, worker.By{Name: "Bob"})
	must(t, err)
	want(t, "the same again", fmt.Sprint(same.ID, added), fmt.Sprint(first.ID, false))
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{}`, `{"sources":["a"],"period":"2026"}`, `{"sources":["../x"]}`, `{} {}`, `[]`, ``, `{"a":1}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		in, err := jobs.Decode(payload)
		if err != nil {
			if !errors.Is(err, audit.ErrInvalid) {
				t.Errorf("%v", err)
			}
			return
		}
		for _, s := range in.Sources {
			if strings.ContainsAny(s, "/.\\ ") {
				t.Errorf("source %q", s)
			}
		}
	})
}
