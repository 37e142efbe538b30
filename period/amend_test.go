package period

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tieout/audit"
)

// onDisk is a file of the workspace; "" where there is none.
func (w *world) onDisk(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(w.dir, filepath.FromSlash(name)))
	if errors.Is(err, os.ErrNotExist) {
		return ""
	}
	must(t, err)
	return string(b)
}

func TestAmend(t *testing.T) {
	w := newWorld(t, nil)
	w.create(t)
	p := w.open(t)
	p.Actor = audit.Actor{Kind: audit.ActorPerson, Name: "A-1"}
	rev, err := p.Amend(t.Context(), map[string][]byte{"sources/more.yaml": []byte("kind: synth\n")})
	must(t, err)
	if rev.Number != 2 || rev.Actor.Name != "A-1" || !strings.Contains(string(rev.Canonical), "sources/more.yaml") {
		t.Errorf("got revision %d by %s; want 2 by A-1 with the new source", rev.Number, rev.Actor.Name)
	}
	if got := w.onDisk(t, "sources/more.yaml"); got != "kind: synth\n" {
		t.Errorf("the file holds %q", got)
	}
	if _, err := p.Amend(t.Context(), map[string][]byte{"sources/more.yaml": nil}); err != nil || w.onDisk(t, "sources/more.yaml") != "" {
		t.Errorf("removing: %v, file %q", err, w.onDisk(t, "sources/more.yaml"))
	}
	intact(t, p)
}

func TestAmendRefuses(t *testing.T) {
	more := map[string][]byte{"sources/more.yaml": []byte("kind: synth\n")}
	for _, c := range []struct {
		name    string
		before  func(w *world)
		changes map[string][]byte
		want    error
		words   string
	}{
		{"a file that does not load", nil, map[string][]byte{"sources/more.yaml": []byte("kind: synth\nwith: [\n")}, audit.ErrInvalid, "sources/more.yaml:"},
		{"a secret", nil, map[string][]byte{"sources/more.yaml": []byte("kind: synth\nwith: { token: abcdef }\n")}, audit.ErrInvalid, "holds a secret"},
		{"git", func(w *world) { must(t, os.Mkdir(filepath.Join(w.dir, ".git"), 0o755)) }, more, audit.ErrConflict, "git"},
		{"changed meanwhile", func(w *world) {
			must(t, os.WriteFile(filepath.Join(w.dir, "sources", "by-hand.yaml"), []byte("kind: synth\n"), 0o644))
		}, more, audit.ErrConflict, "meanwhile"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.create(t)
			p := w.open(t)
			if c.before != nil {
				c.before(w)
			}
			_, err := p.Amend(t.Context(), c.changes)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.words) {
				t.Errorf("got %v; want %v saying %q", err, c.want, c.words)
			}
			if got := w.onDisk(t, "sources/more.yaml"); got != "" {
				t.Errorf("the file is there: %q", got)
			}
			if rev, err := p.Store.NewestRevision(t.Context()); err != nil || rev.Number != 1 {
				t.Errorf("revision %d, %v; want 1", rev.Number, err)
			}
		})
	}
}

func TestAmendLeavesAloneWhatIsNotApplied(t *testing.T) {
	w := newWorld(t, nil)
	w.create(t)
	must(t, os.WriteFile(filepath.Join(w.dir, "sources", "by-hand.yaml"), []byte("kind: synth\n"), 0o644))
	if _, err := w.open(t).Amend(t.Context(), map[string][]byte{"sources/more.yaml": []byte("kind: synth\n")}); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "tieout apply") {
		t.Errorf("got %v; want a conflict that names tieout apply", err)
	}
}

// TestAmendThatCannotBeSealed: the files are what they were.
func TestAmendThatCannotBeSealed(t *testing.T) {
	w := worldAt(t, t.TempDir(), ".tieout/store.db", nil)
	w.create(t)
	p := w.open(t)
	before := w.onDisk(t, "tieout.yaml")
	db, err := sql.Open("sqlite", p.path(p.Def.Config.Store)+"?_pragma=busy_timeout(20000)")
	must(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), `create trigger refused before insert on revisions begin select raise(abort, 'refused'); end`)
	must(t, err)
	_, err = p.Amend(t.Context(), map[string][]byte{"tieout.yaml": []byte(before + "# more\n"), "sources/more.yaml": []byte("kind: synth\n")})
	if err == nil {
		t.Fatal("it was applied without being kept")
	}
	if got := w.onDisk(t, "tieout.yaml"); got != before {
		t.Errorf("tieout.yaml is\n%s\nwant\n%s", got, before)
	}
	if got := w.onDisk(t, "sources/more.yaml"); got != "" {
		t.Errorf("sources/more.yaml is there: %q", got)
	}
}
