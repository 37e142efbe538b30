package period

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/definition"
	"tieout/program"
)

const approvedPolicy = `---
title: Access
version: "1.2"
status: approved
approvedBy: Ana
approvedAt: 2026-03-01
reviewedAt: 2026-05-01T09:00:00Z
acknowledge: true
---
Ask first.
`

func folder(t *testing.T, files map[string]string) *Program {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	def := &definition.Workspace{Config: definition.Config{Organization: definition.OrganizationConfig{Name: "Acme", System: "Acme Pay", Zone: "Europe/Berlin"}},
		Sources: []definition.SourceDef{{Name: "registers", Kind: "registers", With: []byte(`{"folder":"registers"}`)}, {Name: "far", Kind: "registers", With: []byte(`{"folder":"../.."}`)}}}
	return &Program{Dir: dir, Def: def}
}

func TestPolicyFiles(t *testing.T) {
	p := folder(t, map[string]string{
		"policies/access.md": approvedPolicy, "policies/README.md": "x", "policies/notes.txt": "x", "policies/broken.md": "no front matter",
		"registers/policies/draft.md": strings.Replace(approvedPolicy, "status: approved\n", "", 1),
	})
	outside := filepath.Join(t.TempDir(), "outside.md")
	if err := os.WriteFile(outside, []byte(approvedPolicy), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(p.Dir, "policies", "linked.md")); err != nil {
		t.Fatal(err)
	}
	files, err := p.PolicyFiles()
	if err != nil || len(files) != 4 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	if !errors.Is(files[2].Fault, audit.ErrInvalid) || files[2].File != "policies/linked.md" {
		t.Errorf("a link: %+v", files[2])
	}
	files = append(files[:2], files[3])
	want := program.Document{ID: "access", Title: "Access", Audience: "all", Acknowledge: true, Version: "1.2", Text: "Ask first.\n", File: "policies/access.md",
		Hash: program.HashOf("access", "1.2", "Access", "Ask first.\n")}
	got := files[0]
	if due := time.Date(2027, 5, 1, 9, 0, 0, 0, time.UTC); !got.Since.Equal(time.Date(2026, 2, 28, 23, 0, 0, 0, time.UTC)) || !got.ReviewDue.Equal(due) {
		t.Errorf("since %v, review due %v", got.Since, got.ReviewDue)
	}
	if got.ID != want.ID || got.Version != want.Version || got.Hash != want.Hash || got.File != want.File || !got.Acknowledge || got.Status != "approved" {
		t.Errorf("got %+v", got)
	}
	if !errors.Is(files[1].Fault, audit.ErrInvalid) || files[1].File != "policies/broken.md" {
		t.Errorf("a file that is none: %+v", files[1])
	}
	if files[2].Status != "draft" || files[2].File != "registers/policies/draft.md" {
		t.Errorf("a file that does not say: %s, %s", files[2].Status, files[2].File)
	}
	if docs, err := p.DocumentsInFiles(); err != nil || len(docs) != 1 || docs[0].ID != "access" {
		t.Errorf("in force: %+v, %v", docs, err)
	}
}

func TestPolicyFilesNone(t *testing.T) {
	if files, err := folder(t, nil).PolicyFiles(); err != nil || len(files) != 0 {
		t.Errorf("got %v, %v", files, err)
	}
}

const ownCourse = `---
title: Ours
topic: security
minutes: 3
questions:
  - ask: What?
    options:
      - { text: This, right: true, why: Yes. }
      - { text: That, right: false, why: No. }
---
{organization} says: write to {security contact}.
`

func TestCourses(t *testing.T) {
	own, faults, err := folder(t, map[string]string{"training/ours.md": ownCourse, "training/bad.md": "x"}).Courses("help@example.com")
	if err != nil || len(own) != 1 || own[0].Body != "Acme says: write to help@example.com.\n" {
		t.Errorf("own: %+v, %v", own, err)
	}
	if len(faults) != 1 || !errors.Is(faults[0], audit.ErrInvalid) {
		t.Errorf("a course that is none: %v", faults)
	}
	shipped, _, err := folder(t, nil).Courses("")
	if err != nil || len(shipped) == 0 {
		t.Fatalf("shipped: %d, %v", len(shipped), err)
	}
	for _, c := range shipped {
		if strings.Contains(c.Body, "{organization}") || strings.Contains(c.Body, "{security contact}") {
			t.Errorf("%s still holds a placeholder", c.ID)
		}
	}
}
