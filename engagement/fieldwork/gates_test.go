package fieldwork_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"tieout/engagement/fieldwork"
)

var update = flag.Bool("update", false, "write the gates into docs/formats/fieldwork.md")

const (
	gatesDocument = "../../docs/formats/fieldwork.md"
	gatesBegin    = "<!-- gates: go test ./engagement/fieldwork -run TestGatesDocument -update -->\n"
	gatesEnd      = "<!-- end -->\n"
)

// TestGatesDocument holds the page people read to the table the code reads.
func TestGatesDocument(t *testing.T) {
	page, err := os.ReadFile(gatesDocument)
	check(t, err)
	before, rest, ok := strings.Cut(string(page), gatesBegin)
	_, after, ok2 := strings.Cut(rest, gatesEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the gates: want the lines %q and %q", gatesDocument, gatesBegin, gatesEnd)
	}
	var b strings.Builder
	b.WriteString("\n| before | there is |\n|---|---|\n")
	for _, table := range fieldwork.Gates {
		for _, g := range table {
			fmt.Fprintf(&b, "| `%s` | %s |\n", g.Act, g.Needs)
		}
	}
	want := before + gatesBegin + b.String() + "\n" + gatesEnd + after
	if *update {
		check(t, os.WriteFile(gatesDocument, []byte(want), 0o644))
		return
	}
	if string(page) != want {
		t.Errorf("%s does not print the gates as they are; run: go test ./engagement/fieldwork -run TestGatesDocument -update", gatesDocument)
	}
}

// TestGatesStandBeforeActs: every gate is of an entry that the file takes, and
// no two say the same.
func TestGatesStandBeforeActs(t *testing.T) {
	seen := map[string]bool{}
	for _, table := range fieldwork.Gates {
		for _, g := range table {
			if !slices.Contains(fieldwork.Kinds(), g.Act) {
				t.Errorf("gate %q stands before %s, which no entry is", g.Needs, g.Act)
			}
			if seen[g.Act+g.Needs] {
				t.Errorf("%s: %q is listed twice", g.Act, g.Needs)
			}
			seen[g.Act+g.Needs] = true
		}
	}
}

// TestStanding: who looks before they act sees what is missing, and nothing
// where nothing is; looking at an empty file breaks nothing.
func TestStanding(t *testing.T) {
	t.Parallel()
	w := opened(t)
	w.file(func(s *fieldwork.State, f *fieldwork.File) {
		for _, table := range fieldwork.Gates {
			for _, g := range table {
				if got := s.Standing(f, g.Act, "control:CHG-01", w.now()); len(got) == 0 {
					t.Errorf("%s: no gate stands before it", g.Act)
				}
			}
		}
		missing := map[string]string{}
		for _, g := range s.Standing(f, "report.issue", "", w.now()) {
			missing[g.Needs] = g.Missing
		}
		if !strings.Contains(missing["management's assertion is here, and each inclusive subservice organization's own"], "Halyard") || !strings.Contains(missing["every conclusion is there and current"], "criterion:CC1.1") {
			t.Errorf("standing %q; want the assertion and the conclusions to be missing", missing)
		}
	})
}
