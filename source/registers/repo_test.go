package registers

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

// A workspace is a git repository under construction.
type workspace struct {
	t   testing.TB
	dir string
	at  time.Time
}

func day(month time.Month, d int) time.Time {
	return time.Date(2026, month, d, 9, 0, 0, 0, time.UTC)
}

var reading = day(7, 1)

func newFolder(t testing.TB, files map[string]string) *workspace {
	t.Helper()
	w := &workspace{t: t, dir: t.TempDir(), at: day(1, 5)}
	w.write(files)
	return w
}

func newWorkspace(t testing.TB) *workspace {
	t.Helper()
	w := newFolder(t, nil)
	w.git("init", "-q", "-b", "main")
	return w
}

// write puts files in the folder; the content "-" takes one away.
func (w *workspace) write(files map[string]string) {
	w.t.Helper()
	for name, text := range files {
		at := filepath.Join(w.dir, filepath.FromSlash(name))
		if text == "-" {
			if err := os.Remove(at); err != nil {
				w.t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(at), 0o777); err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o666); err != nil {
			w.t.Fatal(err)
		}
	}
}

// commit writes files and commits everything at an instant.
func (w *workspace) commit(at time.Time, files map[string]string) string {
	w.t.Helper()
	w.write(files)
	w.at = at
	w.git("add", "-A")
	w.git("commit", "-q", "--allow-empty", "-m", "change")
	return w.git("rev-parse", "HEAD")
}

func (w *workspace) git(args ...string) string {
	w.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = w.dir
	stamp := w.at.Format(time.RFC3339)
	cmd.Env = append(cleanEnv(os.Environ()), "GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_AUTHOR_DATE="+stamp,
		"GIT_COMMITTER_NAME=Ann", "GIT_COMMITTER_EMAIL=ann@example.com", "GIT_COMMITTER_DATE="+stamp, "GIT_ALLOW_PROTOCOL=file")
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (w *workspace) connection(with string) sourcetest.Connection {
	return sourcetest.Connection{Driver: Driver, Name: "registers", With: "{" + with + "}", Env: source.Env{Dir: w.dir},
		Window: audit.Window{Span: audit.Span{From: time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC), To: reading}, AsOf: reading, Zone: "Europe/Berlin"}}
}

func (w *workspace) read(with string) *sourcetest.Recorder {
	w.t.Helper()
	return sourcetest.Record(w.t, w.connection(with))
}

// history writes items as "TIME ID BODY", one a line, those about the reading itself left out.
func history(r *sourcetest.Recorder, typ string) string {
	var b strings.Builder
	for _, it := range r.ByType(typ) {
		if it.At.Equal(reading) {
			continue
		}
		b.WriteString(it.At.Format("01-02T15:04") + " " + it.ID + " ")
		if it.Gone {
			b.WriteString("gone\n")
			continue
		}
		b.Write(it.Body)
		b.WriteString("\n")
	}
	return b.String()
}

// coverage writes the manifests of a type as "FROM TO complete" or the reason.
func coverage(r *sourcetest.Recorder, typ string) string {
	var b strings.Builder
	for _, m := range r.Manifests {
		if m.Type != typ {
			continue
		}
		b.WriteString(m.Covers.From.Format("01-02T15:04") + " " + m.Covers.To.Format("01-02T15:04") + " ")
		if m.Complete {
			b.WriteString("complete\n")
			continue
		}
		b.WriteString(m.Reason + "\n")
	}
	return b.String()
}
