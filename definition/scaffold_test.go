package definition

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"tieout/audit"
)

func TestScaffold(t *testing.T) {
	now := time.Date(2026, 9, 14, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name    string
		git     bool
		answers Answers
		files   []string
		first   string
		last    string
		org     string
	}{
		{"no answers", false, Answers{Now: now}, []string{".tieout/.gitignore", "sources/workstation.yaml", "systems/main.yaml", "tieout.yaml"},
			"2026-01-01", "2026-12-31", "halyard"},
		{"git repository", true, Answers{Now: now, Name: `Hal "Yard": #1`, Zone: "Europe/Berlin", Categories: []audit.Category{"S", "A"}, First: "2026-04-01"},
			[]string{".tieout/.gitignore", "sources/git.yaml", "sources/workstation.yaml", "systems/main.yaml", "tieout.yaml"},
			"2026-04-01", "2027-03-31", `Hal "Yard": #1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "halyard")
			if c.git {
				write(t, filepath.Join(dir, ".git/HEAD"), []byte("ref: refs/heads/main\n"))
			}
			got, err := Scaffold(dir, c.answers)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, c.files) {
				t.Errorf("files: got %v, want %v", got, c.files)
			}
			w, err := Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			p := w.Periods[0]
			if p.First() != c.first || p.Last() != c.last || w.Organization.Name != c.org {
				t.Errorf("got %s to %s of %q, want %s to %s of %q", p.First(), p.Last(), w.Organization.Name, c.first, c.last, c.org)
			}
			if len(w.Select(driverTypes).Controls) == 0 {
				t.Error("a fresh workspace should have controls it can test")
			}
			before, _ := os.ReadFile(filepath.Join(dir, "tieout.yaml"))
			if _, err := Scaffold(dir, Answers{Name: "Other", Now: now}); !errors.Is(err, audit.ErrConflict) {
				t.Errorf("again: got %v, want an audit.ErrConflict", err)
			}
			if after, _ := os.ReadFile(filepath.Join(dir, "tieout.yaml")); string(after) != string(before) {
				t.Error("the second call wrote over the first")
			}
		})
	}
}

func TestScaffoldRefusesAnswersThatMakeNoWorkspace(t *testing.T) {
	for name, a := range map[string]Answers{
		"zone":     {Zone: "Mars/Olympus", First: "2026-01-01"},
		"period":   {First: "2026-12-31", Last: "2026-01-01"},
		"day":      {First: "soon"},
		"category": {Categories: []audit.Category{"A"}, First: "2026-01-01"},
	} {
		dir := t.TempDir()
		if _, err := Scaffold(dir, a); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s: got %v, want an audit.ErrInvalid", name, err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: something was written: %v", name, left)
		}
	}
}
