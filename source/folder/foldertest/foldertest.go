// Package foldertest is what tests of sources that read whole files have in common.
package foldertest

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

// Window is 2020 to 2027, read on December 1, 2026.
var Window = audit.Window{
	Span: audit.Span{From: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)},
	AsOf: time.Date(2026, 12, 1, 8, 0, 0, 0, time.UTC), Zone: "Europe/Berlin",
}

// Connection reads the test's testdata as connection "tool".
func Connection(d *source.Driver, with string) sourcetest.Connection {
	return sourcetest.Connection{Driver: d, Name: "tool", With: with, Env: source.Env{Dir: "testdata"}, Window: Window}
}

// Record reads files of testdata.
func Record(t testing.TB, d *source.Driver, with string) *sourcetest.Recorder {
	t.Helper()
	return sourcetest.Record(t, Connection(d, with))
}

// One reads one file of the given name and content.
func One(t testing.TB, d *source.Driver, with, name, content string) *sourcetest.Recorder {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	c := Connection(d, with)
	c.Env.Dir = dir
	return sourcetest.Record(t, c)
}

// Body decodes the one item whose id ends so.
func Body(t testing.TB, r *sourcetest.Recorder, end string) map[string]any {
	t.Helper()
	ids := make([]string, len(r.Items))
	at := -1
	for i, it := range r.Items {
		if ids[i] = it.ID; strings.HasSuffix(it.ID, end) {
			at = i
		}
	}
	if at < 0 {
		t.Fatalf("no item ends in %q; problems %v, there are\n%s", end, r.Errs, strings.Join(ids, "\n"))
	}
	var m map[string]any
	if err := json.Unmarshal(r.Items[at].Body, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// Wants compares fields; nil is for one that must not be there.
func Wants(t testing.TB, name string, got, want map[string]any) {
	t.Helper()
	for k, w := range want {
		g, there := got[k]
		if w == nil && there || w != nil && g != w {
			t.Errorf("%s: %s is %v, want %v", name, k, g, w)
		}
	}
}

// Times holds that every stream of a type is complete and about the instant (of
// events the start) that want gives for its scope, and that there are items.
func Times(t testing.TB, r *sourcetest.Recorder, typ string, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for _, m := range r.Manifests {
		if m.Type == typ {
			got[m.Scope] = audit.FormatTime(m.Covers.From)
		}
		if !m.Complete {
			t.Errorf("%s %q is incomplete: %s", m.Type, m.Scope, m.Reason)
		}
	}
	for scope, at := range want {
		if got[scope] != at {
			t.Errorf("%s %q is about %q, want %s", typ, scope, got[scope], at)
		}
	}
	if len(got) != len(want) || len(r.ByType(typ)) == 0 {
		t.Errorf("%d streams %v and %d items; want %d streams with items", len(got), got, len(r.ByType(typ)), len(want))
	}
}

// Refused holds that a file gives no items, and an incomplete stream that says why.
func Refused(t testing.TB, d *source.Driver, with, file, content, why string) {
	t.Helper()
	r := One(t, d, with, file, content)
	says := func(m audit.Manifest) bool { return !m.Complete && strings.Contains(m.Reason, why) }
	if len(r.Items) != 0 || !slices.ContainsFunc(r.Manifests, says) {
		t.Errorf("%s: %d items, streams %+v; want none, incomplete because %q", content, len(r.Items), r.Manifests, why)
	}
}

// Invalid holds that each of the settings is refused with audit.ErrInvalid.
func Invalid(t testing.TB, d *source.Driver, with ...string) {
	t.Helper()
	for _, w := range with {
		if _, _, err := d.Open("tool", json.RawMessage(w), source.Env{}); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s: %v; want audit.ErrInvalid", w, err)
		}
	}
}

// Fuzz holds that no bytes make normalizing a page of that kind panic, and that
// the items it gives follow the schema, each under an id of its own. Files of
// testdata that match seeds are where it starts.
func Fuzz(f *testing.F, d *source.Driver, with, kind string, seeds ...string) {
	f.Helper()
	_, conf, err := d.Open("tool", json.RawMessage(with), source.Env{Dir: "testdata"})
	if err != nil {
		f.Fatal(err)
	}
	for _, pattern := range seeds {
		paths, err := filepath.Glob(filepath.Join("testdata", pattern))
		if err != nil || len(paths) == 0 {
			f.Fatalf("%s: %d files, %v", pattern, len(paths), err)
		}
		for _, p := range paths {
			b, err := os.ReadFile(p)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		about := audit.Span{From: Window.From, To: Window.To}
		items, _ := d.Normalize(conf, audit.Page{Source: "tool", Kind: kind, Scope: "api", Query: "read f", Body: b, About: about})
		seen := map[string]bool{}
		for _, it := range items {
			if err := sourcetest.Valid(it); err != nil || seen[it.Type+" "+it.ID] {
				t.Errorf("%s: %v, seen before: %v", it.ID, err, seen[it.Type+" "+it.ID])
			}
			seen[it.Type+" "+it.ID] = true
		}
	})
}
