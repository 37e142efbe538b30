package period

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"tieout/audit"
)

// stride is how many writes apart the tests below try one.
func stride(t testing.TB) int {
	if testing.Short() {
		return 23
	}
	return 1
}

// afterDayOne is a workspace with one day collected and nothing wrong.
func afterDayOne(t testing.TB) *world {
	t.Helper()
	w := newWorld(t, nil)
	p := w.create(t)
	w.collectDays(t, p, 2)
	must(t, p.Close())
	return w
}

// countWrites is how many writes a collection makes, and their names.
func countWrites(t testing.TB, base *world) *fault {
	t.Helper()
	w, f := base.copy(t), &fault{}
	p := w.open(t)
	faulty(t, p, f)
	w.collectDays(t, p, 3)
	must(t, p.Close())
	if f.n < 30 {
		t.Fatalf("a collection made %d writes; the injection does not see them: %v", f.n, f.names)
	}
	return f
}

// undisturbed is what two days without a fault give.
func undisturbed(t testing.TB, base *world) []string {
	t.Helper()
	w := base.copy(t)
	p := w.open(t)
	w.collectDays(t, p, 3)
	return findings(t, p)
}

// TestEveryWriteFails lets every single write of the second day's collection
// fail, in every way, and then lets a new process go on.
func TestEveryWriteFails(t *testing.T) {
	base := afterDayOne(t)
	want := undisturbed(t, base)
	writes := countWrites(t, base)
	for _, kept := range []bool{false, true} {
		for at := 1; at <= writes.n; at += stride(t) {
			t.Run(fmt.Sprintf("write %d %s kept=%v", at, writes.names[at-1], kept), func(t *testing.T) {
				t.Parallel()
				failOnce(t, base.copy(t), &fault{at: at, kept: kept}, at%2 == 0, want)
			})
		}
	}
}

// TestWritesFailOnPostgres does so with a store on a server, of every third
// write, in turn the one way or the other.
func TestWritesFailOnPostgres(t *testing.T) {
	onPostgres(t)
	want := undisturbed(t, afterDayOne(t))
	for at := 1; at < 44; at += 3 * stride(t) {
		t.Run(fmt.Sprintf("write %d", at), func(t *testing.T) {
			w := worldAt(t, t.TempDir(), onPostgres(t), nil)
			p := w.create(t)
			w.collectDays(t, p, 2)
			must(t, p.Close())
			failOnce(t, w, &fault{at: at, kept: at%2 == 1}, false, want)
		})
	}
}

// TestDiskFull lets every write from the n-th on fail.
func TestDiskFull(t *testing.T) {
	base := afterDayOne(t)
	want := undisturbed(t, base)
	writes := countWrites(t, base)
	for at := 1; at <= writes.n; at += 5 * stride(t) {
		t.Run(fmt.Sprintf("from write %d %s", at, writes.names[at-1]), func(t *testing.T) {
			t.Parallel()
			failOnce(t, base.copy(t), &fault{at: at, kept: at%2 == 0, dead: true}, false, want)
		})
	}
}

// failOnce collects the second day with a fault. Then the same process goes on,
// or a new one.
func failOnce(t *testing.T, w *world, f *fault, stay bool, want []string) {
	t.Helper()
	p := w.open(t)
	faulty(t, p, f)
	reported := 0
	w.sys.sealed = func(string, int) { reported++ }
	w.now = day(3, 6)
	got, err := p.Collect(t.Context(), nil, nil)
	if f.n < f.at {
		t.Fatalf("only %d writes were made", f.n)
	}
	complete := err == nil && len(got) == 1 && got[0].Err == nil && got[0].End.Complete
	if complete && f.dead {
		t.Error("every write failed from there on, and the collection says it is complete")
	}
	if err != nil && !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("the error does not say what is wrong: %v", err)
	}
	if !stay {
		must(t, p.Close())
		p = w.open(t)
	}
	goOn(t, w, p, reported, want)
}

// goOn collects again and checks that nothing was lost, nothing doubled, and
// the findings are the undisturbed ones.
func goOn(t *testing.T, w *world, p *Program, reported int, want []string) {
	t.Helper()
	w.sys.sealed = nil
	dropLeases(t, p)
	day2 := pagesOf(t, p, 3)
	if day2 < reported {
		t.Errorf("%d pages were reported sealed, %d are there", reported, day2)
	}
	w.collectDays(t, p, 3)
	if open, err := p.Store.Unfinished(t.Context(), ""); err != nil || len(open) > 0 {
		t.Errorf("collections left open: %v, %v", open, err)
	}
	ended(t, p)
	intact(t, p)
	same(t, findings(t, p), want)
	rebuilt(t, p)
}

// pagesOf counts the sealed pages collected on a day of March.
func pagesOf(t testing.TB, p *Program, d int) (n int) {
	t.Helper()
	for _, r := range records(t, p, audit.RecordPage) {
		if r.Collected.Day() == d {
			n++
			_, err := p.Seal.Body(t.Context(), r)
			must(t, err)
		}
	}
	return n
}

// ended checks that every sealed collection has one sealed end and is known.
func ended(t testing.TB, p *Program) {
	t.Helper()
	ends := map[string]int{}
	for _, r := range records(t, p, audit.RecordEnd) {
		ends[r.Collection]++
	}
	for _, r := range records(t, p, audit.RecordCollection) {
		if ends[r.Collection] != 1 {
			t.Errorf("collection %s (%s) has %d sealed ends", r.Collection, r.Ref(), ends[r.Collection])
		}
		if _, err := p.Store.Collection(t.Context(), r.Collection); err != nil {
			t.Errorf("collection of %s: %v", r.Ref(), err)
		}
	}
}

// dropLeases lets the locks of a dead process end, as they do by themselves.
func dropLeases(t testing.TB, p *Program) {
	t.Helper()
	leases, err := sql.Open("sqlite", p.path(p.Def.Config.Store)+"?_pragma=busy_timeout(20000)")
	if p.Store.Engine() == "postgres" {
		leases, err = sql.Open("pgx", os.Getenv("TIEOUT_TEST_STORE")+"&search_path="+schemaName)
	}
	must(t, err)
	defer leases.Close()
	_, err = leases.ExecContext(t.Context(), `update leases set expires = 0`)
	must(t, err)
}

func same(t testing.TB, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		g, w := "", ""
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("finding %d:\ngot  %s\nwant %s", i, g, w)
			return
		}
	}
}

// Names of the variables that make this test binary a process to be killed.
const (
	killDir  = "TIEOUT_TEST_KILL_DIR"
	killAt   = "TIEOUT_TEST_KILL_AT"
	killKept = "TIEOUT_TEST_KILL_KEPT"
)

// TestKilled is the process that TestEveryWriteKills kills.
func TestKilled(t *testing.T) {
	dir := os.Getenv(killDir)
	if dir == "" {
		return
	}
	at, err := strconv.Atoi(os.Getenv(killAt))
	must(t, err)
	w := &world{dir: dir, sys: &synth{pages: 3}, now: day(3, 6)}
	p := w.open(t)
	faulty(t, p, &fault{at: at, kept: os.Getenv(killKept) != "", kill: true})
	w.sys.sealed = func(string, int) { fmt.Fprintln(os.Stderr, "sealed") }
	collect(t, p)
}

// TestEveryWriteKills kills a process (SIGKILL) before or after every write of
// the second day's collection, and lets a new process go on.
func TestEveryWriteKills(t *testing.T) {
	base := afterDayOne(t)
	want := undisturbed(t, base)
	writes := countWrites(t, base)
	for at := 1; at <= writes.n; at += stride(t) {
		kept := at/stride(t)%2 == 0
		t.Run(fmt.Sprintf("write %d %s kept=%v", at, writes.names[at-1], kept), func(t *testing.T) {
			t.Parallel()
			w := base.copy(t)
			cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
			cmd.Env = append(os.Environ(), killDir+"="+w.dir, killAt+"="+strconv.Itoa(at))
			if kept {
				cmd.Env = append(cmd.Env, killKept+"=1")
			}
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.Exited() {
				t.Fatalf("the process was not killed: %v\n%s", err, out)
			}
			reported := 0
			for _, b := range out {
				if b == '\n' {
					reported++
				}
			}
			goOn(t, w, w.open(t), reported, want)
		})
	}
}
