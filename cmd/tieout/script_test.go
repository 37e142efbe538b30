package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// clockFile holds the instant that tieout takes for now in a transcript; only
// the command under test reads it, the product has no such override.
const clockFile = ".clock"

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tieout": asCommand})
}

// asCommand is main with the transcript's clock.
func asCommand() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	clock := scriptClock()
	code := Run(ctx, Environment{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Now: clock, Getwd: os.Getwd,
	})
	stop()
	if err := os.WriteFile(clockPath(), []byte(clock().Format(time.RFC3339Nano)), 0o644); err != nil {
		panic(err)
	}
	os.Exit(code)
}

func clockPath() string { return filepath.Join(os.Getenv("WORK"), clockFile) }

// scriptClock goes on from the instant in the clock file at the pace of the
// machine's clock; where it ends the next command begins.
func scriptClock() func() time.Time {
	text, err := os.ReadFile(clockPath())
	if err != nil {
		panic(err)
	}
	start, err := time.Parse(time.RFC3339, strings.TrimSpace(string(text)))
	if err != nil {
		panic(err)
	}
	begun := time.Now()
	return func() time.Time { return start.Add(time.Since(begun)) }
}

// TestTranscripts runs each journey of testdata: they are the manual too.
func TestTranscripts(t *testing.T) {
	p := testscript.Params{
		Dir: "testdata", RequireExplicitExec: true, RequireUniqueNames: true, Setup: setUp,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "now": now, "capture": capture, "flip": flip, "truncate": truncate, "interrupt": interrupt, "holds": holds,
		},
	}
	if testing.Short() {
		p.Dir, p.Files = "", []string{"testdata/init.txtar", "testdata/usage.txtar", "testdata/no-reviews.txtar"}
	}
	testscript.Run(t, p)
}

// setUp gives a transcript a clock, an identity for git and nothing else of the
// machine's settings.
func setUp(e *testscript.Env) error {
	for _, v := range []string{
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=Ann Ash", "GIT_AUTHOR_EMAIL=ann@corp.example",
		"GIT_COMMITTER_NAME=Ann Ash", "GIT_COMMITTER_EMAIL=ann@corp.example", "GIT_CEILING_DIRECTORIES=" + filepath.Dir(e.WorkDir),
		"TIEOUT_ACTOR=Maria Silva", "TZ=UTC", "LC_ALL=C", "GOGC=off", // each command is short
		"XDG_STATE_HOME=" + filepath.Join(e.WorkDir, ".state"),
	} {
		name, value, _ := strings.Cut(v, "=")
		e.Setenv(name, value)
	}
	acme, err := filepath.Abs("../../examination/testdata/acme")
	if err != nil {
		return err
	}
	e.Setenv("ACME", acme) // the sources of a company that is examined
	return os.WriteFile(filepath.Join(e.WorkDir, clockFile), []byte("2026-09-14T06:00:00Z"), 0o644)
}

// exits CODE PROGRAM ARGS... runs a program that must end with that exit code,
// say something wherever it fails, and never show a stack.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("%s: exit %d, want %d", strings.Join(args[1:], " "), got, want)
	}
	out := ts.ReadFile("stdout") + ts.ReadFile("stderr")
	if strings.Contains(out, "goroutine ") || strings.Contains(out, "panic:") {
		ts.Fatalf("%s: shows a stack", strings.Join(args[1:], " "))
	}
}

// now INSTANT sets the clock of what follows.
func now(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: now 2026-09-14T06:00:00Z")
	}
	_, err := time.Parse(time.RFC3339, args[0])
	ts.Check(err)
	ts.Check(os.WriteFile(filepath.Join(ts.Getenv("WORK"), clockFile), []byte(args[0]), 0o644))
}

// capture NAME FILE PATTERN sets a variable to the first group of the first match.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: capture NAME FILE PATTERN")
	}
	m := regexp.MustCompile("(?m)" + args[2]).FindStringSubmatch(ts.ReadFile(args[1]))
	if len(m) < 2 {
		ts.Fatalf("%s: nothing matches %s in\n%s", args[1], args[2], ts.ReadFile(args[1]))
	}
	ts.Setenv(args[0], m[1])
}

// flip FILE WHERE changes one bit of a file: of the byte of that number, or of
// the first byte of that text.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: flip FILE NUMBER|TEXT")
	}
	path := ts.MkAbs(args[0])
	data, err := os.ReadFile(path)
	ts.Check(err)
	i, err := strconv.Atoi(args[1])
	if err != nil {
		i = bytes.Index(data, []byte(args[1]))
	}
	if i < 0 || i >= len(data) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	data[i] ^= 1
	ts.Check(os.WriteFile(path, data, 0o644))
}

// truncate FILE N cuts N bytes off the end of a file.
func truncate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: truncate FILE N")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	path := ts.MkAbs(args[0])
	data, err := os.ReadFile(path)
	ts.Check(err)
	ts.Check(os.WriteFile(path, data[:len(data)-n], 0o644))
}

// interrupt FILE PROGRAM ARGS... starts a program, sends it the interrupt
// signal once FILE is there, and wants exit 130.
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: interrupt FILE PROGRAM ARGS...")
	}
	path, err := exec.LookPath(args[1])
	if err != nil {
		path = filepath.Join(filepath.SplitList(ts.Getenv("PATH"))[0], args[1])
	}
	cmd := exec.Command(path, args[2:]...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Dir = &out, &out, ts.MkAbs(".")
	cmd.Env = []string{"PATH=" + ts.Getenv("PATH"), "WORK=" + ts.Getenv("WORK"), "HOME=" + ts.Getenv("HOME"), "TMPDIR=" + ts.Getenv("TMPDIR"), "TIEOUT_ACTOR=" + ts.Getenv("TIEOUT_ACTOR")}
	ts.Check(cmd.Start())
	for until := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			break
		}
		if time.Now().After(until) {
			ts.Check(errors.Join(cmd.Process.Kill(), cmd.Wait(), errors.New("it never began\n"+out.String())))
		}
	}
	ts.Check(cmd.Process.Signal(os.Interrupt))
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		ts.Fatalf("%v, want exit %d\n%s", err, exitInterrupted, out.String())
	}
	if strings.Contains(out.String(), "goroutine ") {
		ts.Fatalf("shows a stack:\n%s", out.String())
	}
}
