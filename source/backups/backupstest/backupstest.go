// Package backupstest puts a program that prints recorded answers in the place
// of a backup tool.
package backupstest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
)

// An Answer is what the program does when it is called with arguments that
// contain When.
type Answer struct {
	When   string // a shell pattern of the whole command line, such as "list *"
	Stdout string
	Stderr string
	Exit   int
}

// Program writes a program that gives the first answer whose pattern fits, and
// ends with 64 where none does. What it was called with, its environment too,
// is kept beside it in the file "called".
func Program(t testing.TB, answers ...Answer) string {
	t.Helper()
	dir := t.TempDir()
	var b strings.Builder
	fmt.Fprintf(&b, "#!/bin/sh\n(echo \"args: $*\"; env) >>'%s'\ncase \"$*\" in\n", filepath.Join(dir, "called"))
	for i, a := range answers {
		name := filepath.Join(dir, fmt.Sprintf("answer-%d", i))
		for suffix, text := range map[string]string{".out": a.Stdout, ".err": a.Stderr} {
			if err := os.WriteFile(name+suffix, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Fprintf(&b, "%s) cat '%s.out'; cat '%s.err' >&2; exit %d;;\n", strings.ReplaceAll(a.When, " ", "\\ "), name, name, a.Exit)
	}
	b.WriteString("*) echo \"no answer for $*\" >&2; exit 64;;\nesac\n")
	path := filepath.Join(dir, "tool")
	if err := os.WriteFile(path, []byte(b.String()), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// Called is what the program was called with so far.
func Called(t testing.TB, program string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(filepath.Dir(program), "called"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Env lends a source a workspace folder and one secret, whatever is asked for.
func Env(dir, secret string) source.Env {
	return source.Env{Dir: dir, Secret: func(context.Context, string) (string, error) { return secret, nil }}
}

// Window is the first of November 2026, a year back.
func Window() audit.Window {
	at := time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)
	return audit.Window{Span: audit.Span{From: at.AddDate(-1, 0, 0), To: at.AddDate(0, 1, 0)}, AsOf: at, Zone: "UTC"}
}
