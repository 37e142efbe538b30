package all_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/source"
	"tieout/source/all"
)

var driverName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// TestDrivers: every kind of source says what it reads, with what permission,
// and what it cannot see, and refuses settings nobody knows.
func TestDrivers(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range all.Drivers {
		t.Run(d.Name, func(t *testing.T) {
			if !driverName.MatchString(d.Name) || seen[d.Name] || d.Version < 1 || d.Title == "" || d.Open == nil || d.Normalize == nil {
				t.Errorf("name %q, version %d, title %q", d.Name, d.Version, d.Title)
			}
			seen[d.Name] = true
			if len(d.Types) == 0 || len(d.Scopes) == 0 || len(d.Cannot) == 0 {
				t.Errorf("types %v, %d scopes, %d limits: none may be empty", d.Types, len(d.Scopes), len(d.Cannot))
			}
			for _, typ := range d.Types {
				if _, err := audit.TypeByName(typ); err != nil {
					t.Error(err)
				}
			}
			if _, _, err := d.Open("x", json.RawMessage(`{"no-such-setting":1}`), source.Env{Dir: t.TempDir()}); !errors.Is(err, audit.ErrInvalid) {
				t.Errorf("a setting nobody knows gave %v", err)
			}
			settings(t, d)
		})
	}
}

func settings(t *testing.T, d *source.Driver) {
	for _, s := range d.Settings {
		if s.Name == "" || s.Doc == "" || s.Example == "" || strings.ContainsAny(s.Example, "\n") {
			t.Errorf("setting %q: doc %q, example %q", s.Name, s.Doc, s.Example)
		}
		if s.Secret && !regexp.MustCompile(`(^|[ "'])(env|file|keyring|kms):`).MatchString(s.Example) {
			t.Errorf("setting %q holds a secret and its example %q is no reference", s.Name, s.Example)
		}
	}
}

// TestDocs: every kind of source has a page that names its settings and what it
// gives, and there is no page of a kind that does not exist.
func TestDocs(t *testing.T) {
	dir := filepath.Join("..", "..", "docs", "sources")
	for _, d := range all.Drivers {
		text, err := os.ReadFile(filepath.Join(dir, d.Name+".md"))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, s := range d.Settings {
			if !regexp.MustCompile(`\b` + regexp.QuoteMeta(s.Name) + `\b`).Match(text) {
				t.Errorf("docs/sources/%s.md does not name the setting %s", d.Name, s.Name)
			}
		}
		if len(d.Types) == len(audit.ItemTypes) {
			continue // it gives whatever a person maps
		}
		for _, typ := range d.Types {
			if !strings.Contains(string(text), typ) {
				t.Errorf("docs/sources/%s.md does not name the item type %s", d.Name, typ)
			}
		}
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		name := strings.TrimSuffix(filepath.Base(p), ".md")
		if !slices.ContainsFunc(all.Drivers, func(d *source.Driver) bool { return d.Name == name }) {
			t.Errorf("docs/sources/%s.md is of no kind of source", name)
		}
	}
}
