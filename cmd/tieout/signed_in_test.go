package main

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSessions: who signs in again has one session, which signing out ends; without
// a home there is none.
func TestSessions(t *testing.T) {
	if testing.Short() {
		t.Skip("passwords are stretched; it runs without -short")
	}
	w := &examWorld{t: t, dir: t.TempDir(), now: time.Date(2026, 4, 1, 6, 0, 0, 0, time.UTC)}
	w.done("", "init", filepath.Join(w.dir, "firm"), "--firm", "--yes", "--name", "Brookline Assurance LLP", "--zone", "UTC", "--quiet")
	w.person("firm:paula", "Paula Stone", "partner@workspace")
	sessions := func() int {
		return len(w.field(w.done("firm", "account", "sessions", "paula@firm.example", "-o", "json"), "items").([]any))
	}
	w.signIn("firm:paula")
	if n := sessions(); n != 1 {
		t.Errorf("%d sessions after signing in twice, want 1", n)
	}
	account := w.field(w.done("firm", "account", "list", "-o", "json"), "items").([]any)[0].(map[string]any)["id"].(string)
	w.done("firm", "account", "sign-in", account, "--password", "env:PW")
	if n := sessions(); n != 1 {
		t.Errorf("%d sessions after signing in by the account's ID, want 1", n)
	}
	w.done("firm", "account", "sign-out")
	if n := sessions(); n != 0 {
		t.Errorf("%d sessions after signing out, want none", n)
	}

	var said strings.Builder
	code := Run(context.Background(), Environment{Args: []string{"-w", filepath.Join(w.dir, "firm"), "account", "sign-in", "paula@firm.example", "--password", "env:PW"}, Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: &said,
		Getenv: func(name string) string {
			return map[string]string{"PW": "a long enough password", "XDG_STATE_HOME": "state"}[name]
		}, Getwd: func() (string, error) { return w.dir, nil }, Now: w.clock})
	if code != exitUsage || !strings.Contains(said.String(), "neither HOME nor XDG_STATE_HOME") {
		t.Errorf("without a home: exit %d, %s", code, said.String())
	}
}
