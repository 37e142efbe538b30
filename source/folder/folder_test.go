package folder_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/folder"
	"tieout/source/folder/foldertest"
	"tieout/source/sourcetest"
)

// note is a tool whose files are {"at": ..., "of": ...}.
var note = &source.Driver{Name: "note", Version: 1, Types: []string{"finding"},
	Open: func(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
		var s folder.ToolSettings
		if err := source.Strict(with, &s); err != nil {
			return nil, nil, err
		}
		head := func(_ string, body []byte, _ *time.Location) (folder.Head, error) {
			var n struct {
				At time.Time `json:"at"`
				Of string    `json:"of"`
			}
			err := json.Unmarshal(body, &n)
			return folder.Head{At: n.At, Scope: n.Of}, err
		}
		return folder.Tool{Kind: "note", Types: []string{"finding"}, Cannot: []string{"all else"}, Config: map[string]any{}, Head: head}.Open(name, s, env)
	},
	Normalize: func(conf json.RawMessage, p audit.Page) ([]audit.Item, error) {
		_, err := folder.Open(conf, &struct{}{}, "note", p)
		return nil, err
	},
}

func packed(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// record writes files, all modified on July 1, 2026, and reads them.
func record(t *testing.T, with string, files map[string]string) *sourcetest.Recorder {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		then := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
		if err := os.Chtimes(path, then, then); err != nil {
			t.Fatal(err)
		}
	}
	c := foldertest.Connection(note, with)
	c.Env.Dir = dir
	return sourcetest.Record(t, c)
}

// streams writes the closed streams one behind the other.
func streams(r *sourcetest.Recorder) string {
	var out []string
	for _, m := range r.Manifests {
		s := m.Scope + "@" + audit.FormatTime(m.Covers.From)
		if !m.Complete {
			s += "!" + m.Reason
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestCollect(t *testing.T) {
	const a1, a2 = `{"at":"2026-03-01T00:00:00Z","of":"a"}`, `{"at":"2026-03-02T00:00:00Z","of":"a"}`
	for _, tc := range []struct {
		name, with string
		files      map[string]string
		want       string
		pages      int
	}{
		{"each file at its own time", `{"files":["*.json"]}`, map[string]string{"1.json": a1, "2.json": a2}, "a@2026-03-01T00:00:00Z a@2026-03-02T00:00:00Z", 2},
		{"two of one time are one set", `{"files":["*.json"]}`, map[string]string{"1.json": a1, "2.json": a1}, "a@2026-03-01T00:00:00Z", 2},
		{"found by two globs, read once", `{"files":["*.json","1*"]}`, map[string]string{"1.json": a1}, "a@2026-03-01T00:00:00Z", 1},
		{"packed", `{"files":["*.gz"]}`, map[string]string{"1.json.gz": packed(t, a1)}, "a@2026-03-01T00:00:00Z", 1},
		{"the day in the name, in the organization's zone", `{"files":["*"],"dates":"name"}`, map[string]string{"of-20260310.json": a1}, "a@2026-03-09T23:00:00Z", 1},
		{"the modification time", `{"files":["*"],"dates":"modified"}`, map[string]string{"x.json": a1}, "a@2026-07-01T12:00:00Z", 1},
		{"scope by the path", `{"files":["*/*"],"scope":{"path":"^([^/]+)/"}}`, map[string]string{"web/1.json": a1}, "web@2026-03-01T00:00:00Z", 1},
		{"scope by a text", `{"files":["*"],"scope":"all"}`, map[string]string{"1.json": a1}, "all@2026-03-01T00:00:00Z", 1},
		{"one cannot be read, the other is", `{"files":["*"]}`, map[string]string{"1.json": a1, "2.json": "{"}, "a@2026-03-01T00:00:00Z @2026-12-01T08:00:00Z!2.json: unexpected end of JSON input", 2},
		{"no day in the name", `{"files":["*"],"dates":"name"}`, map[string]string{"x.json": a1}, "@2026-12-01T08:00:00Z!x.json: its name holds no day such as 2026-03-31", 1},
		{"no such day", `{"files":["*"],"dates":"name"}`, map[string]string{"2026-02-30.json": a1}, "@2026-12-01T08:00:00Z!2026-02-30.json: its name holds no day: 2026-02-30", 1},
		{"two days in the name", `{"files":["*"],"dates":"name"}`, map[string]string{"2026-01-01_2026-03-31.json": a1}, "@2026-12-01T08:00:00Z!2026-01-01_2026-03-31.json: its name holds more than one day: 2026-01-01, 2026-03-31", 1},
		{"one day twice", `{"files":["*"],"dates":"name"}`, map[string]string{"2026-03-10-of-20260310.json": a1}, "a@2026-03-09T23:00:00Z", 1},
		{"nothing there", `{"files":["*.json"]}`, nil, "@2026-12-01T08:00:00Z!no file matches *.json", 0},
		{"outside of the window", `{"files":["*"]}`, map[string]string{"1.json": `{"at":"2019-03-01T00:00:00Z","of":"a"}`}, "@2026-12-01T08:00:00Z!none of the 1 files is about a time within the window", 0},
		{"after the moment of reading", `{"files":["*"]}`, map[string]string{"1.json": `{"at":"2026-12-24T00:00:00Z","of":"a"}`}, "@2026-12-01T08:00:00Z!none of the 1 files is about a time within the window", 0},
		{"cut off while packed", `{"files":["*"]}`, map[string]string{"1.json.gz": packed(t, a1)[:20]}, "@2026-12-01T08:00:00Z!1.json.gz: unexpected EOF", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := record(t, tc.with, tc.files)
			if got := streams(r); got != tc.want || len(r.Pages) != tc.pages {
				t.Errorf("%d pages, streams %s\nwant %d, %s", len(r.Pages), got, tc.pages, tc.want)
			}
		})
	}
}

func TestMedia(t *testing.T) {
	const body = `{"at":"2026-03-01T00:00:00Z","of":"a"}`
	r := record(t, `{"files":["*"]}`, map[string]string{"1.json": body, "2.csv": body, "3.jsonl": body, "4.json.gz": packed(t, body)})
	want := []string{"application/json", "text/csv", "application/x-ndjson", "application/gzip"}
	for i, p := range r.Pages {
		if p.Media != want[i] {
			t.Errorf("%s is %s, want %s", p.Query, p.Media, want[i])
		}
	}
}

func TestSettings(t *testing.T) {
	for _, with := range []string{`{}`, `{"files":[""]}`, `{"files":["[a"]}`, `{"files":["*"],"dates":"now"}`, `{"files":["*"],"scope":{"path":"["}}`, `{"files":["*"],"scope":{"path":"a"}}`, `{"files":["*"],"scope":{"glob":"a"}}`, `{"files":["*"],"scope":1}`} {
		if _, _, err := note.Open("n", json.RawMessage(with), source.Env{}); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s: %v; want audit.ErrInvalid", with, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := note.Normalize([]byte(`{}`), audit.Page{Kind: "other"}); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("a page of another kind: %v; want audit.ErrInvalid", err)
	}
	if _, err := note.Normalize([]byte(`{}`), audit.Page{Kind: "note", Body: []byte{0x1f, 0x8b, 0}}); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("a broken gzip file: %v; want audit.ErrInvalid", err)
	}
	if _, err := note.Normalize([]byte(`{}`), audit.Page{Kind: source.KindFailed, Body: []byte("x")}); err != nil {
		t.Errorf("a failed page: %v; want no items and no error", err)
	}
}

// FuzzUnpack: what is no gzip comes back as it is, nothing makes it panic.
func FuzzUnpack(f *testing.F) {
	f.Add([]byte("{}"))
	f.Add([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := folder.Unpack(b)
		if err == nil && !bytes.HasPrefix(b, []byte{0x1f, 0x8b}) && !bytes.Equal(got, b) {
			t.Errorf("%q came back as %q", b, got)
		}
	})
}

// TestNotOver: a file of events whose stretch is not over yet does not say that
// nothing more happened.
func TestNotOver(t *testing.T) {
	now := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	today := audit.Span{From: now.Add(-12 * time.Hour), To: now.Add(12 * time.Hour)}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "today.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := folder.Format{Kind: "note", Mode: audit.ModeEvents, Types: []string{"signIn"}, Head: func(string, []byte) (folder.Head, error) { return folder.Head{Covers: today, Scope: "a"}, nil }}
	rec := &sourcetest.Recorder{}
	run := &source.Run{Source: "n", Window: audit.Window{Span: audit.Span{From: now.AddDate(-1, 0, 0), To: now}, AsOf: now, Zone: "UTC"}, Sink: rec}
	if err := f.Collect(t.Context(), run, dir, folder.Where{Files: []string{"*.json"}}); err != nil {
		t.Fatal(err)
	}
	m := rec.Manifests[0]
	if m.Complete || m.Covers.To.After(now) || !strings.Contains(m.Reason, "not over yet") || !m.Takes("note", "a", rec.Pages[0].About) {
		t.Errorf("%+v", m)
	}
}
