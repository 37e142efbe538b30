package definition

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"tieout/audit"
	"tieout/procedure"
)

// minimal is a workspace that loads, and what the cases below start from.
func minimal() map[string][]byte {
	return map[string][]byte{
		"tieout.yaml": []byte(`organization: { name: Halyard, system: Ledger, zone: America/New_York }
period: { first: 2026-01-01, last: 2026-12-31 }
`),
		"sources/git.yaml": []byte("kind: git\nwith: { path: . }\n"),
	}
}

// parts reads the files of a txtar archive whose names start with prefix over
// the minimal workspace. A file that holds only "gone" is taken away.
func parts(a *txtar.Archive, prefix string) map[string][]byte {
	files := minimal()
	for _, f := range a.Files {
		name, ok := strings.CutPrefix(f.Name, prefix)
		switch {
		case !ok:
		case string(f.Data) == "gone\n":
			delete(files, name)
		default:
			files[name] = f.Data
		}
	}
	return files
}

func load(t *testing.T, files map[string][]byte) *Workspace {
	t.Helper()
	w, err := LoadFiles(files)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestMinimalWorkspaceHasSafeDefaults(t *testing.T) {
	w := load(t, minimal())
	if got, want := w.Organization.Categories, []audit.Category{audit.Security}; !slices.Equal(got, want) {
		t.Errorf("categories: got %v, want %v", got, want)
	}
	c := w.Config
	got := []string{c.Criteria, c.Store, c.Blobs.Dir, c.Ledger.Origin, c.Ledger.Key, w.Periods[0].Name}
	want := []string{"tsc-2017-2022", ".tieout/store.db", ".tieout/blobs", "tieout.local/halyard", "file:.tieout/ledger.key", "2026-01-01 to 2026-12-31"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	if len(w.Criteria()) != 33 {
		t.Errorf("got %d criteria in scope, want the 33 common ones", len(w.Criteria()))
	}
	for _, ctl := range w.Controls {
		for _, id := range ctl.Criteria {
			if !strings.HasPrefix(id, "CC") {
				t.Errorf("control %s still names %s, which is out of scope", ctl.ID, id)
			}
		}
	}
	if !w.hasControl("IAM-06") || w.hasControl("CAP-02") {
		t.Error("the library's controls for security should be here, and those for availability alone not")
	}
}

func (w *Workspace) control(t *testing.T, id string) audit.Control {
	t.Helper()
	for _, c := range w.Controls {
		if c.ID == id {
			return c
		}
	}
	t.Fatalf("no control %s", id)
	return audit.Control{}
}

// The example in docs/formats/workspace.md is a workspace that loads.
func TestDocumentedExampleLoads(t *testing.T) {
	text, err := os.ReadFile("../docs/formats/workspace.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := indentedBlocks(string(text))
	files := map[string][]byte{
		"tieout.yaml":             blocks["tieout.yaml"][0],
		"systems/ledger.yaml":     blocks["systems/*.yaml"][0],
		"controls/main.yaml":      blocks["controls/*.yaml"][0],
		"procedures/leavers.yaml": blocks["procedures/*.yaml"][0],
		"procedures/main.yaml":    blocks["procedures/*.yaml"][1],
		"sources/github.yaml":     blocks["sources/NAME.yaml"][0],
	}
	w := load(t, files)
	if got := w.control(t, "IAM-06").Owner; got != "Head of IT" {
		t.Errorf("owner of IAM-06: got %q, want the changed one", got)
	}
	if w.hasControl("PHY-01") {
		t.Error("PHY-01 is left out and still here")
	}
	if got := w.Origin("HAL-01"); got != "controls/main.yaml" {
		t.Errorf("origin of HAL-01: got %q", got)
	}
	if got := w.Origin("IAM-01"); got != "library" {
		t.Errorf("origin of IAM-01: got %q", got)
	}
	i := slices.IndexFunc(w.Procedures, func(p *procedure.Procedure) bool { return p.ID == "access.leavers" })
	if got := w.Procedures[i].Parameters["time"]; got != "2bd" {
		t.Errorf("parameter of access.leavers: got %v, want 2bd", got)
	}
	if got, want := string(w.Sources[0].With), `{"organization":"halyard","token":"env:GITHUB_TOKEN"}`; got != want {
		t.Errorf("settings of github: got %s, want %s", got, want)
	}
}

// indentedBlocks returns the indented blocks under each heading of level 2.
func indentedBlocks(md string) map[string][][]byte {
	out := map[string][][]byte{}
	heading, block := "", ""
	end := func() {
		if strings.TrimSpace(block) != "" {
			out[heading] = append(out[heading], []byte(block))
		}
		block = ""
	}
	for _, line := range strings.Split(md, "\n") {
		switch {
		case strings.HasPrefix(line, "    "):
			block += line[4:] + "\n"
		case line == "" && block != "":
			block += "\n"
		default:
			end()
			if h, ok := strings.CutPrefix(line, "## "); ok {
				heading = h
			}
		}
	}
	end()
	return out
}

// Each archive in testdata/broken is a workspace with faults: the comment says
// what is wrong, "want" is the whole error.
func TestBrokenWorkspaces(t *testing.T) {
	cases, err := filepath.Glob("testdata/broken/*.txt")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			_, err = LoadFiles(parts(a, "in/"))
			got := "loads\n"
			if err != nil {
				got = err.Error() + "\n"
				if !errors.Is(err, audit.ErrInvalid) {
					t.Errorf("got %v, want an audit.ErrInvalid", err)
				}
			}
			compareGolden(t, a, name, got)
		})
	}
}

func TestCanonicalLoadsAgain(t *testing.T) {
	files := minimal()
	files["controls/main.yaml"] = []byte("controls:\n  - use: IAM-06\n    owner: \"Head of IT \\u00e9\"\n")
	files["README.md"] = []byte("not a definition")
	w := load(t, files)
	again, same, err := FromCanonical(w.Canonical())
	if err != nil || !same {
		t.Fatalf("got %v, same library %v", err, same)
	}
	if again.Hash() != w.Hash() {
		t.Errorf("got %s, want %s", again.Hash(), w.Hash())
	}
	for name := range minimal() {
		changed := maps.Clone(files)
		changed[name] = append(slices.Clone(files[name]), "# one more line\n"...)
		if load(t, changed).Hash() == w.Hash() {
			t.Errorf("a changed %s gives the same hash", name)
		}
	}
	files["README.md"] = []byte("changed")
	if load(t, files).Hash() != w.Hash() {
		t.Error("a file that is no definition changes the hash")
	}
}

func TestFromCanonicalRefusesOtherFormats(t *testing.T) {
	for _, text := range []string{``, `[]`, `{"format":1, "library":"","files":{}}`, `{"extra":1,"files":{},"format":1,"library":""}`,
		`{"files":{"notes.txt":"","tieout.yaml":"organization: { name: H, system: L, zone: UTC }\nperiod: { first: 2026-01-01, last: 2026-12-31 }\n"},"format":1,"library":""}`, `{"format":2,"library":"","files":{}}`, `{"format":1,"library":"","files":{}}`} {
		if _, _, err := FromCanonical([]byte(text)); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%q: got %v, want an audit.ErrInvalid", text, err)
		}
	}
}

// A revision is sealed as text; bytes that are none would not come back.
func TestFilesAreUTF8(t *testing.T) {
	files := minimal()
	files["sources/git.yaml"] = []byte("\xff\xfek\x00i\x00n\x00d\x00:\x00 \x00x\x00")
	_, err := LoadFiles(files)
	if want := "sources/git.yaml:1:1: the file is not UTF-8; save it as that"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestLoadFolder(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(dir); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("empty folder: got %v, want an audit.ErrNotFound", err)
	}
	for name, data := range minimal() {
		write(t, filepath.Join(dir, name), data)
	}
	write(t, filepath.Join(dir, "exports/a.yaml"), []byte("not: [a definition"))
	write(t, filepath.Join(dir, "sources/.hidden.yaml"), []byte("not: [a definition"))
	w, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if w.Dir != dir || len(w.Files) != 2 {
		t.Errorf("got %q with %d files, want %q with 2", w.Dir, len(w.Files), dir)
	}
	write(t, filepath.Join(dir, "controls/more/a.yaml"), []byte("controls: []"))
	if _, err := Load(dir); !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), "controls/more is a folder") {
		t.Errorf("folder inside controls: got %v", err)
	}
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestNewestPeriod(t *testing.T) {
	files := minimal()
	files["tieout.yaml"] = []byte(`organization: { name: Halyard, system: Ledger, zone: America/New_York }
periods:
  - { name: "2026", first: 2026-01-01, last: 2026-12-31 }
  - { name: "2025", first: 2025-01-01, last: 2025-12-31 }
`)
	w := load(t, files)
	if p, err := w.Period(""); err != nil || p.Name != "2026" {
		t.Errorf("newest: got %v, %v", p.Name, err)
	}
	if p, err := w.Period("2025"); err != nil || p.First() != "2025-01-01" {
		t.Errorf("2025: got %v, %v", p.First(), err)
	}
	if _, err := w.Period("2024"); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("2024: got %v, want an audit.ErrNotFound", err)
	}
}

// A procedure is run for the days on which a control it tests is in force.
func TestProceduresFollowTheirControls(t *testing.T) {
	files := minimal()
	files["controls/main.yaml"] = []byte(`controls:
  - { use: NET-02, effective: { to: 2026-09-14 } }
  - { use: IAM-09, effective: { to: 2026-06-30 } }
  - { use: IAM-09, effective: { from: 2026-07-01 }, owner: Head of IT }
  - { use: IAM-03, effective: { from: 2026-03-01, to: 2026-05-31 } }
  - { use: IAM-04, effective: { from: 2026-02-01 } }
  - { use: MON-04, effective: { from: 2026-02-01 } }
`)
	files["procedures/main.yaml"] = []byte("use: starter\n")
	files["procedures/pentest.yaml"] = []byte("use: penetration.test\neffective: { to: 2026-12-31 }\n")
	got := map[string]audit.Effective{}
	for _, p := range load(t, files).Procedures {
		got[p.ID] = p.Effective
	}
	want := map[string]audit.Effective{
		"firewall.review":        {To: "2026-09-14"},
		"key.age":                {},
		"key.unused":             {},
		"access.review":          {From: "2026-02-01"}, // of IAM-03 and IAM-04
		"access.review.list":     {From: "2026-03-01", To: "2026-05-31"},
		"access.review.removals": {From: "2026-03-01", To: "2026-05-31"},
		"access.privileged":      {From: "2026-02-01"},
		"penetration.test":       {To: "2026-12-31"}, // as its own file says
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("days of procedures (-want +got):\n%s", diff)
	}
}

// Whatever the files hold, loading ends with a workspace that loads again from
// its canonical form or with faults that each name a file that is there.
func FuzzLoadFiles(f *testing.F) {
	for _, pattern := range []string{"testdata/broken/*.txt", "testdata/plan/*.txt"} {
		names, _ := filepath.Glob(pattern)
		for _, name := range names {
			a, err := txtar.ParseFile(name)
			if err != nil {
				f.Fatal(err)
			}
			for _, prefix := range []string{"in/", "new/"} {
				m := parts(a, prefix)
				f.Add(m["tieout.yaml"], m["controls/main.yaml"], m["procedures/main.yaml"], m["sources/git.yaml"], m["systems/main.yaml"])
			}
		}
	}
	f.Fuzz(func(t *testing.T, config, controls, procedures, source, system []byte) {
		files := map[string][]byte{"tieout.yaml": config, "controls/main.yaml": controls, "procedures/main.yaml": procedures,
			"sources/git.yaml": source, "systems/main.yaml": system}
		w, err := LoadFiles(files)
		if err != nil {
			var p Problems
			if !errors.As(err, &p) || len(p) == 0 {
				t.Fatalf("got %v, want Problems", err)
			}
			for _, one := range p {
				if _, ok := files[one.File]; !ok || one.Line < 1 || one.Column < 1 || one.Text == "" {
					t.Fatalf("problem without a place: %v", one)
				}
			}
			return
		}
		if again, _, err := FromCanonical(w.Canonical()); err != nil || again.Hash() != w.Hash() {
			t.Fatalf("does not load again from its canonical form: %v", err)
		}
	})
}

// What FromCanonical reads is written again to the same bytes, but for the
// version of the library it was read with.
func FuzzFromCanonical(f *testing.F) {
	w, err := LoadFiles(minimal())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(w.Canonical())
	f.Add([]byte(`{"files":{},"format":1,"library":""}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		w, same, err := FromCanonical(data)
		if err != nil {
			if !errors.Is(err, audit.ErrInvalid) {
				t.Fatalf("got %v, want an audit.ErrInvalid", err)
			}
			return
		}
		if same != bytes.Equal(w.Canonical(), data) {
			t.Fatalf("same library %v, but got\n%s\nwant\n%s", same, w.Canonical(), data)
		}
	})
}
