package jobs_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tieout/audit"
	"tieout/period"
	"tieout/reader/jobs"
	"tieout/store"
	"tieout/worker"
)

// Variables that make this test's program a worker: a process of its own.
const (
	childName = "TIEOUT_TEST_WORKER"
	childDir  = "TIEOUT_TEST_WORKSPACE"
	childZero = "TIEOUT_TEST_BEGAN"
)

func TestMain(m *testing.M) {
	if name := os.Getenv(childName); name != "" {
		os.Exit(runChild(name))
	}
	os.Exit(m.Run())
}

// runChild is a worker until it is told to stop.
func runChild(name string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	began, err := time.Parse(time.RFC3339Nano, os.Getenv(childZero))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	w := &world{dir: os.Getenv(childDir), began: began, env: map[string]string{"TIEOUT_TEST_STORE": os.Getenv("TIEOUT_TEST_STORE")}}
	o := w.worker(name)
	o.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	o.Ready = func(*worker.Worker, *period.Program) { fmt.Println("ready") }
	if err := jobs.Run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// A child is a worker in a process of its own.
type child struct {
	cmd *exec.Cmd
	out bytes.Buffer
}

// spawn starts a worker and waits until it takes jobs.
func (w *world) spawn(t *testing.T, name string) *child {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	c := &child{cmd: exec.Command(self)}
	c.cmd.Env = append(os.Environ(), childName+"="+name, childDir+"="+w.dir, childZero+"="+w.began.Format(time.RFC3339Nano))
	c.cmd.Stderr = &c.out
	ready, err := c.cmd.StdoutPipe()
	must(t, err)
	must(t, c.cmd.Start())
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill() // where it runs still
		_ = c.cmd.Wait()
		if t.Failed() {
			t.Logf("worker %s:\n%s", name, c.out.String())
		}
	})
	var line [6]byte
	if _, err := ready.Read(line[:]); err != nil {
		t.Fatalf("worker %s: %v", name, err)
	}
	return c
}

// end sends a signal and waits for the process to be gone.
func (c *child) end(t *testing.T, sig os.Signal) {
	t.Helper()
	must(t, c.cmd.Process.Signal(sig))
	err := c.cmd.Wait()
	if sig != syscall.SIGKILL {
		must(t, err)
	}
}

// onStores runs a test with a store of its own on each engine.
func onStores(t *testing.T, f func(t *testing.T, at string)) {
	t.Run("sqlite", func(t *testing.T) { f(t, ownStore) })
	t.Run("postgres", func(t *testing.T) { f(t, onPostgres(t)) })
}

// onPostgres is a store on the test server, for this test alone. Without a
// server the test is skipped on a person's machine and fails in CI.
func onPostgres(t *testing.T) string {
	t.Helper()
	dsn := os.Getenv("TIEOUT_TEST_POSTGRES")
	if dsn == "" {
		const how = "TIEOUT_TEST_POSTGRES is not set; run: TIEOUT_TEST_POSTGRES=$(scripts/postgres.sh) go test ./reader/jobs"
		if os.Getenv("CI") == "true" {
			t.Fatal(how)
		}
		t.Skip(how)
	}
	db, err := sql.Open("pgx", dsn)
	must(t, err)
	name := "test_" + strings.ToLower(rand.Text())
	_, err = db.Exec(`create database ` + name)
	must(t, err)
	t.Cleanup(func() {
		if _, err := db.Exec(`drop database if exists ` + name + ` with (force)`); err != nil {
			t.Errorf("drop database %s: %v", name, err)
		}
		db.Close()
	})
	u, err := url.Parse(dsn)
	must(t, err)
	u.Path = "/" + name
	t.Setenv("TIEOUT_TEST_STORE", u.String())
	return "env:TIEOUT_TEST_STORE"
}

// hold lets the system answer nothing more for one page until the asker is
// gone, and says when it was asked.
func (s *system) hold(path string) (asked chan struct{}) {
	asked = make(chan struct{})
	first := true
	s.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != path || !first {
			return false
		}
		first = false
		close(asked)
		<-r.Context().Done()
		return true
	})
	return asked
}

// TestWorkerKilled kills a worker (kill -9) in the middle of a source. Another
// one goes on with the job when its lease has ended: the interrupted collection
// is closed, nothing is lost, nothing is there twice, and what the tests find is
// what they find in a workspace that nothing happened to.
func TestWorkerKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("child processes that are killed; it runs without -short")
	}
	sys := newSystem(t)
	w := newWorld(t, sys, ownStore, "a", "b", "c")
	p := w.open(t)
	w.start(t, p, jobs.CollectCheck)
	w.once(t)
	calm := undisturbed{maps.Clone(sys.answers), items(t, p), findings(t, p)}
	t.Run("in a stream with cursors", func(t *testing.T) {
		onStores(t, func(t *testing.T, at string) { killAt(t, sys, at, "/b/backup/7", calm) })
	})
	t.Run("in a snapshot", func(t *testing.T) { killAt(t, sys, ownStore, "/b/account/3", calm) })
}

// undisturbed is what a workspace comes to that nothing happens to.
type undisturbed struct {
	answers         map[string]int
	items, findings []string
}

func killAt(t *testing.T, sys *system, at, path string, calm undisturbed) {
	w := newWorld(t, sys, at, "a", "b", "c")
	p := w.open(t)
	clear(sys.answers)
	asked := sys.hold(path)
	j := w.start(t, p, jobs.CollectCheck)
	first := w.spawn(t, "first")
	<-asked
	second := w.spawn(t, "second")
	want(t, "who has it", job(t, p, j.ID).Holder, "first")
	first.end(t, syscall.SIGKILL)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	must(t, jobs.Queue(p, "test").Watch(ctx, j.ID, 20*time.Millisecond, func(worker.Job) error { return nil }))
	second.end(t, os.Interrupt)

	q := w.open(t)
	resumed(t, q, job(t, q, j.ID))
	intact(t, q)
	wantSame(t, "items", items(t, q), calm.items)
	wantSame(t, "findings", findings(t, q), calm.findings)
	readOnce(t, sys, calm.answers, path)
}

// resumed checks what the job and the log tell of it.
func resumed(t *testing.T, p *period.Program, j worker.Job) {
	t.Helper()
	want(t, "job", fmt.Sprint(j.State, " ", j.Attempts, " ", j.Error), "done 2 ")
	want(t, "lines", strings.Count(lines(j), " sealed "), len(j.Parts))
	for name, n := range map[string]int{"a": 1, "b": 2, "c": 1} {
		c := collections(t, p, name)
		want(t, "collections of "+name, len(c), n)
		want(t, "the last one of "+name+" is complete", c[len(c)-1].End != nil && c[len(c)-1].End.Complete, true)
	}
	cut := collections(t, p, "b")[0].End
	if cut == nil || cut.Complete || !strings.Contains(strings.Join(cut.Problems, " "), "the collection was interrupted") {
		t.Errorf("the interrupted collection: %+v", cut)
	}
	ends := map[string]int{}
	for _, r := range records(t, p, audit.RecordEnd) {
		ends[r.Collection]++
	}
	for _, r := range records(t, p, audit.RecordCollection) {
		want(t, "sealed ends of "+r.Ref(), ends[r.Collection], 1)
	}
	want(t, "sealed runs", len(records(t, p, audit.RecordRun)), 1)
	want(t, "activities", len(records(t, p, audit.RecordActivity)), 1)
}

// intact checks that everything sealed is what it was, without a gap.
func intact(t *testing.T, p *period.Program) {
	t.Helper()
	n, faults, err := p.VerifyStore(t.Context(), nil)
	must(t, err)
	if len(faults) > 0 || n != p.Log.Checkpoint().Size {
		t.Errorf("%d of %d records are sound: %v", n, p.Log.Checkpoint().Size, faults)
	}
	open, err := p.Store.Unfinished(t.Context(), "")
	must(t, err)
	want(t, "collections left open", len(open), 0)
}

// readOnce checks that the system was asked for every page, and for none twice
// but those of a snapshot that was begun again.
func readOnce(t *testing.T, sys *system, whole map[string]int, killed string) {
	t.Helper()
	for path := range whole {
		n, most := sys.answers[path], 1
		if strings.HasPrefix(killed, "/b/account/") && strings.HasPrefix(path, "/b/account/") {
			most = 2
		}
		if n < 1 || n > most {
			t.Errorf("%s was read %d times", path, n)
		}
	}
}

// items are the versions of every item, without what depends on when they were
// read: one each, since nothing in the system changes.
func items(t *testing.T, p *period.Program) (out []string) {
	t.Helper()
	for _, typ := range []string{"account", "backup"} {
		tl, err := p.Store.Timeline(t.Context(), typ)
		must(t, err)
		for _, h := range tl.Histories {
			for _, v := range h.Versions {
				out = append(out, fmt.Sprintf("%s %s gone=%v %s", typ, h.ID, v.Gone, v.Body))
			}
		}
	}
	slices.Sort(out)
	return out
}

// findings are what the newest run found of every item, without when. Stretches
// without evidence are left out: what an interrupted collection saw counts as
// incomplete, and until the next one there is no evidence.
func findings(t *testing.T, p *period.Program) (out []string) {
	t.Helper()
	run, err := p.LastRun(t.Context())
	must(t, err)
	for _, r := range run.Results {
		must(t, p.Results(t.Context(), run, r.Procedure, func(x *audit.Result) error {
			if x.Outcome != audit.NoEvidence {
				out = append(out, fmt.Sprintf("%s %s %s", x.Procedure, x.Item, x.Outcome))
			}
			return nil
		}))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func wantSame(t *testing.T, what string, got, want []string) {
	t.Helper()
	if len(want) == 0 {
		t.Errorf("%s: the undisturbed workspace has none", what)
	}
	for i := range max(len(got), len(want)) {
		g, w := "", ""
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("%s: %d, undisturbed %d; the first that differs:\ngot  %s\nwant %s", what, len(got), len(want), g, w)
			return
		}
	}
}

// TestStoppedWorker stops a worker as a server's restart does: what it read is
// sealed, and another goes on at once, without the attempt being counted.
func TestStoppedWorker(t *testing.T) {
	onStores(t, func(t *testing.T, at string) {
		sys := newSystem(t)
		w := newWorld(t, sys, at, "a", "b")
		p := w.open(t)
		asked := sys.hold("/b/backup/7")
		j := w.start(t, p, jobs.Collect)
		first := w.spawn(t, "first")
		<-asked
		first.end(t, os.Interrupt)
		got := job(t, p, j.ID)
		want(t, "given back", fmt.Sprint(got.State, " ", got.Attempts, " ", got.Holder), "waiting 0 ")
		w.once(t)
		got = job(t, p, j.ID)
		want(t, "state", got.State, store.JobDone)
		want(t, "collections of a", len(collections(t, p, "a")), 1)
		readOnce(t, sys, sys.answers, "")
		intact(t, w.open(t))
	})
}
