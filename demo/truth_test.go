package demo_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"tieout/audit"
	"tieout/demo"
)

// checkTruth holds the list to what it promises of itself.
func checkTruth(t *testing.T, dir string, truth *demo.Truth) {
	t.Helper()
	kinds, streams := map[string]bool{}, map[string]bool{}
	for _, d := range truth.Deviations {
		kinds[d.Procedure] = true
		if d.Why == "" || d.Item == "" || !d.From.Before(d.To) || d.Outcome != audit.Deviated && d.Outcome != audit.Late {
			t.Errorf("deviation %+v does not say what, when and why", d)
		}
	}
	for _, g := range truth.Gaps {
		streams[g.Item] = true
		if g.Why == "" || !g.From.Before(g.To) || g.Outcome != audit.NoEvidence {
			t.Errorf("gap %+v does not say what, when and why", g)
		}
	}
	if len(kinds) < 25 || len(streams) < 5 {
		t.Errorf("got deviations of %d procedures and gaps of %d streams, want at least 25 and 5", len(kinds), len(streams))
	}
	got, err := os.ReadFile(dir + ".truth.json")
	if err != nil || !bytes.Equal(got, truth.JSON()) {
		t.Errorf("truth beside the workspace: %v, same is %v", err, bytes.Equal(got, truth.JSON()))
	}
}

var address = regexp.MustCompile(`[a-z0-9.-]+@[a-z0-9.-]+\.[a-z]+`)

// checkInvented: every mail address is of the reserved domain.
func checkInvented(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"exports/hr/roster-2025-06-01.csv", "exports/identity/users-2025-06-01.jsonl", "exports/codehost/members-2025-06-01.json"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		found := address.FindAll(b, -1)
		if len(found) < 20 {
			t.Errorf("%s: got %d addresses, want one a person", name, len(found))
		}
		for _, a := range found {
			if !bytes.HasSuffix(a, []byte("@halyard.example")) {
				t.Errorf("%s: address %s is not of halyard.example", name, a)
			}
		}
	}
}

func TestGenerateRefuses(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "mine"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	small := demo.Startup
	small.People = 59
	for _, c := range []struct {
		name string
		ctx  context.Context
		dir  string
		size demo.Size
		want error
	}{
		{"a folder that is not empty", t.Context(), full, demo.Startup, audit.ErrConflict},
		{"no room for the cast", t.Context(), filepath.Join(t.TempDir(), "x"), small, audit.ErrInvalid},
		{"canceled", canceled, filepath.Join(t.TempDir(), "x"), demo.Startup, context.Canceled},
	} {
		if _, err := demo.Generate(c.ctx, c.dir, c.size, nil); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

func BenchmarkGenerateStartup(b *testing.B)    { benchmarkGenerate(b, demo.Startup) }
func BenchmarkGenerateEnterprise(b *testing.B) { benchmarkGenerate(b, demo.Enterprise) }

func benchmarkGenerate(b *testing.B, size demo.Size) {
	for b.Loop() {
		dir := filepath.Join(b.TempDir(), "halyard")
		if _, err := demo.Generate(b.Context(), dir, size, nil); err != nil {
			b.Fatal(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			b.Fatal(err)
		}
	}
}
