package period

import (
	"testing"
	"time"

	"tieout/audit"
)

// TestKnownPages: only what is in force counts as sealed before.
func TestKnownPages(t *testing.T) {
	about := audit.At(time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC))
	page := func(body string) audit.Page {
		return audit.Page{Kind: "files.x", Scope: "a", About: about, Body: []byte(body)}
	}
	facts := pageFacts{"files.x", "a", about}
	m := audit.Manifest{Type: "account", Scope: "a", Mode: audit.ModeSnapshot, Covers: about, Complete: true, Pages: 1, Queries: []string{"x"}}
	const one = "sha256:7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed" // of "one"
	sealed := func(digest string, newest audit.Manifest) *known {
		return &known{
			pages:     map[pageFacts]sealedPages{facts: {"c1", map[string]bool{digest: true}}},
			manifests: map[subject][32]byte{subjectOf(newest): manifestKey(newest)},
		}
	}
	more := m
	more.Pages = 2
	failed := m
	failed.Complete = false
	tests := []struct {
		name  string
		k     *known
		body  string
		m     audit.Manifest
		fresh int
		same  bool
	}{
		{"the same again", sealed(one, m), "one", m, 0, true},
		{"other bytes", sealed(one, m), "two", m, 1, false},
		{"the newest manifest says more", sealed(one, more), "one", m, 0, false},
		{"the source says it is not complete", sealed(one, m), "one", failed, 0, false},
		{"nothing sealed before", &known{}, "one", m, 1, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := len(tt.k.park([]audit.Page{page(tt.body)})); got != tt.fresh {
				t.Errorf("%d pages are new, want %d", got, tt.fresh)
			}
			if got := tt.k.same(tt.m); got != tt.same {
				t.Errorf("same = %v, want %v", got, tt.same)
			}
			if got := len(tt.k.unpark(tt.m)); got != 1-tt.fresh {
				t.Errorf("%d pages come back, want %d", got, 1-tt.fresh)
			}
		})
	}
}
