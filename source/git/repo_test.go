package git

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
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

// A history is a repository under construction: a fast-import stream.
type history struct {
	t     testing.TB
	dir   string
	buf   bytes.Buffer
	marks int
}

func newHistory(t testing.TB, initArgs ...string) *history {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatal("the tests of this package need the git program")
	}
	h := &history{t: t, dir: t.TempDir()}
	h.git(append([]string{"init", "-q", "--bare", "-b", "main"}, initArgs...)...)
	return h
}

func (h *history) git(args ...string) string {
	h.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = h.dir
	cmd.Env = append(cleanEnv(os.Environ()), "GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com",
		"GIT_COMMITTER_NAME=Ann", "GIT_COMMITTER_EMAIL=ann@example.com", "GIT_CONFIG_COUNT=1",
		"GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*")
	out, err := cmd.CombinedOutput()
	if err != nil {
		h.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// A line is one commit: who wrote and committed it, when, on which parents.
type line struct {
	author, committer string // "Name <address>"; committer "" is the author
	at                time.Time
	message           string
	parents           []int // marks; nil: the commit before on the branch
	branch            string
	encoding          string
	files             map[string]string
}

var start = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

// add appends a commit and returns its mark.
func (h *history) add(l line) int {
	h.marks++
	if l.branch == "" {
		l.branch = "main"
	}
	if l.committer == "" {
		l.committer = l.author
	}
	if l.at.IsZero() {
		l.at = start.Add(time.Duration(h.marks) * time.Hour)
	}
	fmt.Fprintf(&h.buf, "commit refs/heads/%s\nmark :%d\n", l.branch, h.marks)
	fmt.Fprintf(&h.buf, "author %s %d +0000\ncommitter %s %d +0000\n", l.author, l.at.Unix(), l.committer, l.at.Unix())
	if l.encoding != "" {
		fmt.Fprintf(&h.buf, "encoding %s\n", l.encoding)
	}
	fmt.Fprintf(&h.buf, "data %d\n%s\n", len(l.message), l.message)
	for i, p := range l.parents {
		fmt.Fprintf(&h.buf, "%s :%d\n", map[bool]string{true: "from", false: "merge"}[i == 0], p)
	}
	for name, content := range l.files {
		fmt.Fprintf(&h.buf, "M 100644 inline %s\ndata %d\n%s\n", name, len(content), content)
	}
	fmt.Fprintln(&h.buf)
	return h.marks
}

func (h *history) done() *history {
	h.t.Helper()
	cmd := exec.Command("git", "fast-import", "--quiet", "--force", "--date-format=raw-permissive")
	cmd.Dir, cmd.Env = h.dir, cleanEnv(os.Environ())
	cmd.Stdin = &h.buf
	if out, err := cmd.CombinedOutput(); err != nil {
		h.t.Fatalf("git fast-import: %v\n%s", err, out)
	}
	h.buf.Reset()
	return h
}

func year(y int) audit.Window {
	return audit.Window{Span: audit.Span{From: time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(y+1, 1, 1, 0, 0, 0, 0, time.UTC)},
		AsOf: time.Date(y+1, 1, 1, 0, 0, 0, 0, time.UTC), Zone: "UTC"}
}

func (h *history) connection(with string) sourcetest.Connection {
	var m map[string]any
	if err := json.Unmarshal([]byte("{"+with+"}"), &m); err != nil {
		h.t.Fatal(err)
	}
	m["path"] = h.dir
	b, err := json.Marshal(m)
	if err != nil {
		h.t.Fatal(err)
	}
	return sourcetest.Connection{Driver: Driver, Name: "app", With: string(b), Env: source.Env{Dir: "/nonexistent"}, Window: year(2026)}
}

// read collects the repository; body gives the fields of change i, oldest first.
func (h *history) read(with string) *sourcetest.Recorder {
	h.t.Helper()
	return sourcetest.Record(h.t, h.connection(with))
}

func fields(t testing.TB, it audit.Item) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(it.Body, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// reviewedProject rebuilds the repository of testdata/reviewed; mailmap is put
// in its last commit's tree.
func reviewedProject(t testing.TB, mailmap string) *history {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "reviewed", "commits.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	h := newHistory(t)
	h.add(line{author: "Early Bird <early@example.com>", message: "before the window", at: time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC)})
	dec := json.NewDecoder(z)
	for {
		var c struct {
			Author, Committer struct {
				Name, Email string
				Time        time.Time
			}
			Message string
		}
		if err := dec.Decode(&c); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		files := map[string]string{}
		if mailmap != "" {
			files[".mailmap"] = mailmap
		}
		h.add(line{author: c.Author.Name + " <" + c.Author.Email + ">", committer: c.Committer.Name + " <" + c.Committer.Email + ">",
			at: c.Committer.Time, message: c.Message, files: files})
	}
	return h.done()
}

var golangYear = audit.Window{Span: audit.Span{From: time.Date(2025, 8, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC)},
	AsOf: time.Date(2026, 8, 2, 0, 0, 0, 0, time.UTC), Zone: "UTC"}
