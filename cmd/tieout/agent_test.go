package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A shell runs commands of one workspace in this process.
type shell struct {
	t   *testing.T
	dir string
	env map[string]string
	now time.Time
}

// run runs a command that must end with code, and returns what it printed.
func (s *shell) run(code int, args ...string) string {
	s.t.Helper()
	var out, errs bytes.Buffer
	got := Run(s.t.Context(), Environment{Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		Getenv: func(name string) string { return s.env[name] }, Getwd: func() (string, error) { return s.dir, nil }, Now: func() time.Time { return s.now }})
	if got != code {
		s.t.Fatalf("tieout %s: exit %d, want %d\n%s%s", strings.Join(args, " "), got, code, out.String(), errs.String())
	}
	return out.String() + errs.String()
}

// serve runs `agent serve` until stop is called, and returns its address.
func (s *shell) serve() (url string, stop func()) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	r, w := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- Run(ctx, Environment{Args: []string{"agent", "serve", "--listen", "127.0.0.1:0"}, Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: w,
			Getenv: func(string) string { return "" }, Getwd: func() (string, error) { return s.dir, nil }, Now: func() time.Time { return s.now }})
		w.Close()
	}()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if m := regexp.MustCompile(`^Receiving at (\S+)$`).FindStringSubmatch(lines.Text()); m != nil {
			url = m[1]
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, r) }()
	return url, func() {
		cancel()
		if code := <-ended; code != exitInterrupted {
			s.t.Errorf("serve ended with %d, want %d", code, exitInterrupted)
		}
	}
}

// TestAgentJourney: a computer enrolls, reports, is offline, reports again; what
// it reported is collected, and it is taken out of use.
func TestAgentJourney(t *testing.T) {
	s := &shell{t: t, dir: t.TempDir(), env: map[string]string{"TIEOUT_ACTOR": "Maria Silva"}, now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}
	s.run(0, "init", "--yes", "--name", "Acme", "--first", "2026-03-01", "--last", "2026-03-31", "-q", "-w", s.dir)
	computer := filepath.Join(t.TempDir(), "computer")

	token := strings.Split(s.run(0, "agent", "token", "--assigned-to", "hr/17", "--kind", "laptop"), "\n")[0]
	s.env["TOKEN"] = token
	s.run(64, "agent", "token", "--kind", "toaster")
	url, stop := s.serve()
	s.run(64, "agent", "enroll", "--server", url, "--token", token, "--folder", computer)
	s.run(1, "agent", "once", "--folder", computer)
	if out := s.run(0, "agent", "enroll", "--server", url, "--token", "env:TOKEN", "--folder", computer); !strings.Contains(out, "Enrolled as device ") {
		t.Fatal(out)
	}
	if out := s.run(4, "agent", "enroll", "--server", url, "--token", "env:TOKEN", "--folder", computer+"2"); !strings.Contains(out, "used by another computer") {
		t.Error(out)
	}
	if out := s.run(0, "agent", "once", "--folder", computer); !strings.Contains(out, "One report was accepted.") && !strings.Contains(out, "1 report was accepted.") {
		t.Error(out)
	}
	stop()

	s.now = s.now.Add(6 * time.Hour)
	s.run(6, "agent", "once", "--folder", computer)
	if out := s.run(0, "agent", "status", "--folder", computer, "-o", "json"); !strings.Contains(out, `"waiting": 1`) {
		t.Error(out)
	}
	url2, stop := s.serve()
	rewrite(t, filepath.Join(computer, "agent.json"), url, url2)
	s.now = s.now.Add(6 * time.Hour)
	s.run(0, "agent", "once", "--folder", computer)
	stop()

	list := s.run(0, "agent", "list", "-o", "json")
	if !strings.Contains(list, `"reports": 3`) || !strings.Contains(list, `"assignedTo": "hr/17"`) {
		t.Error(list)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "sources", "laptops.yaml"), []byte("kind: agent\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(s.dir, "sources", "workstation.yaml")); err != nil {
		t.Fatal(err)
	}
	s.run(0, "apply", "-q")
	s.run(0, "collect", "-q")
	device := regexp.MustCompile(`"device": "([0-9a-f]{32})"`).FindStringSubmatch(list)[1]
	s.run(0, "agent", "revoke", device)
	url3, stop := s.serve()
	rewrite(t, filepath.Join(computer, "agent.json"), url2, url3)
	s.now = s.now.Add(6 * time.Hour)
	if out := s.run(4, "agent", "once", "--folder", computer); !strings.Contains(out, "taken out of use") {
		t.Error(out)
	}
	stop()
}

// rewrite replaces a text of a file.
func rewrite(t *testing.T, path, old, with string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(b, []byte(old)) {
		t.Fatalf("%s: %v", path, err)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(b, []byte(old), []byte(with)), 0o600); err != nil {
		t.Fatal(err)
	}
}
