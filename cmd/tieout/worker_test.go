package main

import (
	"bytes"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestWorkersOnOneStore is what an operator does: two 'tieout worker' on one
// store, and the one that reads a slow system is killed. 'tieout job watch' shows
// how the other one goes on; everything is there once, and 'tieout verify' agrees.
func TestWorkersOnOneStore(t *testing.T) {
	if testing.Short() {
		t.Skip("child processes that are killed; it runs without -short")
	}
	t.Run("sqlite", func(t *testing.T) { killWorker(t, ".tieout/store.db", "") })
	t.Run("postgres", func(t *testing.T) { killWorker(t, "env:TIEOUT_DSN", ownDatabase(t)) })
}

const pagesOfSlow, rowsOfSlow = 8, 5

func killWorker(t *testing.T, store, dsn string) {
	sys := newSlow(t)
	b := newBench(t, dsn)
	b.write("tieout.yaml", "organization: { name: Acme, system: Acme, zone: UTC }\nperiod: { first: 2026-01-01, last: 2026-12-31 }\nstore: "+store+"\n")
	b.write("controls/own.yaml", "controls:\n  - use: IAM-06\n")
	b.write("procedures/mfa.yaml", "use: access.mfa\n")
	b.write("sources/slow.yaml", `kind: http
with:
  url: "`+sys.URL+`"
  allow: loopback
  streams:
    - path: accounts
      rows: data
      pages: { by: page, parameter: page }
      total: { field: total }
      type: account
      mode: snapshot
      scope: okta
      id: "okta/{login}"
      fields:
        login: login
        system: { value: okta }
        kind: { value: human }
        status: { value: active }
        mfa.enforced: { column: mfa }
`)
	b.want(0, "init", "-q")
	id := regexp.MustCompile(`Job ([0-9a-f-]{36})`).FindStringSubmatch(b.want(0, "job", "start", "collect+check"))[1]
	first := b.begin("worker", "--lease", "2s", "--name", "first")
	<-sys.asked
	second := b.begin("worker", "--lease", "2s", "--name", "second")
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait() // killed
	watched := b.want(0, "job", "watch", id)
	if !strings.Contains(watched, "attempt 2") || !strings.Contains(watched, "Read every source and test everything: done") {
		t.Errorf("watched:\n%s", watched)
	}
	if err := second.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := second.Wait(); err != nil {
		t.Errorf("the second worker, interrupted: %v", err)
	}
	all := fmt.Sprint(pagesOfSlow * rowsOfSlow)
	if shown := b.want(0, "job", "show", id); !strings.Contains(shown, "slow\taccount\tsealed\t"+all+"\t"+all+"\t") {
		t.Errorf("shown:\n%s", shown)
	}
	if well := b.want(0, "doctor"); !strings.Contains(well, "collections\twell\tnone was interrupted") {
		t.Errorf("doctor:\n%s", well)
	}
	b.want(0, "verify")
	for page := 1; page <= pagesOfSlow; page++ {
		if n := sys.count(page); n < 1 || n > 2 {
			t.Errorf("page %d was read %d times", page, n)
		}
	}
}

// A slow system has accounts on several pages, and answers for one of them
// only when whoever asked first is gone.
type slow struct {
	*httptest.Server
	asked chan struct{}
	mu    sync.Mutex
	reads map[string]int
}

func newSlow(t *testing.T) *slow {
	s := &slow{asked: make(chan struct{}), reads: map[string]int{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *slow) count(page int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reads[fmt.Sprint(page)]
}

func (s *slow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var page int
	if _, err := fmt.Sscan(r.URL.Query().Get("page"), &page); err != nil {
		http.Error(w, "which page", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.reads[fmt.Sprint(page)]++
	hang := page == 5 && s.reads["5"] == 1
	s.mu.Unlock()
	if hang {
		close(s.asked)
		<-r.Context().Done()
		return
	}
	data := []map[string]any{}
	for i := range rowsOfSlow {
		if page <= pagesOfSlow {
			data = append(data, map[string]any{"login": fmt.Sprintf("u%d-%d", page, i), "mfa": i > 0})
		}
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"data": data, "total": pagesOfSlow * rowsOfSlow})
}

// A bench runs the program in processes of their own, in one workspace.
type bench struct {
	t        *testing.T
	dir, bin string
	env      []string
}

func newBench(t *testing.T, dsn string) *bench {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, dir: t.TempDir()}
	work := t.TempDir()
	b.bin = filepath.Join(work, "tieout") // by this name the test's program is the product's (TestMain)
	if err := errors.Join(os.Symlink(self, b.bin), os.WriteFile(filepath.Join(work, clockFile), []byte("2026-09-14T06:00:00Z"), 0o644)); err != nil {
		t.Fatal(err)
	}
	b.env = []string{"WORK=" + work, "HOME=" + work, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + work, "TIEOUT_ACTOR=Maria Silva", "TIEOUT_DSN=" + dsn}
	return b
}

func (b *bench) write(name, text string) {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) command(args ...string) *exec.Cmd {
	cmd := exec.Command(b.bin, append([]string{"-w", b.dir}, args...)...)
	cmd.Env, cmd.Dir = b.env, b.dir
	return cmd
}

// want runs a command that must end with that exit code.
func (b *bench) want(code int, args ...string) string {
	b.t.Helper()
	cmd := b.command(args...)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		b.t.Fatalf("tieout %s: %v, want exit %d\n%s", strings.Join(args, " "), err, code, out)
	}
	return string(out)
}

// begin starts a command that goes on until it is told to end.
func (b *bench) begin(args ...string) *exec.Cmd {
	b.t.Helper()
	cmd := b.command(args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &out, 10*time.Second
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill() // the test has failed
			_ = cmd.Wait()
		}
		if b.t.Failed() {
			b.t.Logf("tieout %s:\n%s", strings.Join(args, " "), out.String())
		}
	})
	return cmd
}

// ownDatabase is a database of the test server for this test alone. Without a
// server the test is skipped on a person's machine and fails in CI.
func ownDatabase(t *testing.T) string {
	t.Helper()
	dsn := os.Getenv("TIEOUT_TEST_POSTGRES")
	if dsn == "" {
		const how = "TIEOUT_TEST_POSTGRES is not set; run: TIEOUT_TEST_POSTGRES=$(scripts/postgres.sh) go test ./cmd/tieout"
		if os.Getenv("CI") == "true" {
			t.Fatal(how)
		}
		t.Skip(how)
	}
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	name := "test_" + strings.ToLower(rand.Text())
	if _, err := db.Exec(`create database ` + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.Exec(`drop database if exists ` + name + ` with (force)`); err != nil {
			t.Errorf("drop database %s: %v", name, err)
		}
		db.Close()
	})
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}
