package docx_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/report/attest"
	"tieout/report/attest/attesttest"
)

// program is where a program is. Without it the test is skipped on a person's
// machine and fails in CI.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing; CI must have it (scripts/need.sh)", name)
		}
		t.Skipf("%s is not installed (scripts/need.sh)", name)
	}
	return path
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).Output() //nolint:gosec // programs and files of the test
	if err != nil {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return string(out)
}

// TestLibreOffice has LibreOffice open a document and print it: the words of each
// part are those of the page, in their number, and each part begins a new page
// under its own running head.
func TestLibreOffice(t *testing.T) {
	office, reader := program(t, "soffice"), program(t, "pdftotext")
	dir := t.TempDir()
	name := filepath.Join(dir, "report.docx")
	r := attesttest.WithAnnex(attesttest.TypeII())
	for i := range r.Annex.Logs {
		r.Annex.Logs[i].Key = "key" // a whole one is broken at the end of its column
	}
	if err := os.WriteFile(name, render(t, r), 0o600); err != nil {
		t.Fatal(err)
	}
	profile := "-env:UserInstallation=file://" + filepath.Join(dir, "profile")
	run(t, office, "--headless", profile, "--convert-to", "pdf", "--outdir", dir, name)
	pages := strings.Split(strings.TrimSuffix(run(t, reader, "-layout", filepath.Join(dir, "report.pdf"), "-"), "\f"), "\f")
	d, err := attest.Build(r)
	if err != nil {
		t.Fatal(err)
	}
	parts := byPart(t, d, pages)
	for i, want := range partWords(d) {
		got := parts[i]
		for _, word := range slices.Sorted(maps.Keys(want)) {
			if got[word] < want[word] {
				t.Errorf("%s: LibreOffice shows %q %d times, want %d", d.Parts[i].Label, word, got[word], want[word])
			}
			delete(got, word)
		}
		if len(got) > 0 {
			t.Errorf("%s: LibreOffice shows %v, which the part has not", d.Parts[i].Label, slices.Sorted(maps.Keys(got)))
		}
	}
}

// byPart counts the words of pages by part, without heads and feet.
func byPart(t *testing.T, d *attest.Document, pages []string) []map[string]int {
	t.Helper()
	out := make([]map[string]int, len(d.Parts))
	for i := range out {
		out[i] = map[string]int{}
	}
	for i, page := range pages {
		lines := strings.Split(strings.TrimSpace(page), "\n")
		if i == 0 {
			continue // the cover has neither
		}
		head, foot := squeezed(lines[0]), squeezed(lines[len(lines)-1])
		if want := fmt.Sprintf("Page%dof%d", i+1, len(pages)); !strings.HasSuffix(foot, want) {
			t.Fatalf("page %d: got the foot %q, want it to end in %q", i+1, foot, want)
		}
		if strings.HasPrefix(head, "Contents") {
			continue
		}
		at := slices.IndexFunc(d.Parts, func(p attest.Part) bool {
			return head == squeezed(p.Label+p.Running+d.Client) || head == squeezed(p.Label+d.Client)
		})
		if at < 0 {
			t.Fatalf("page %d: got the head %q, which is of no part", i+1, lines[0])
		}
		tally(out[at], strings.Join(lines[1:len(lines)-1], "\n"))
	}
	return out
}

var oneWord = regexp.MustCompile(`[\pL\pN]+`)

// tally counts runs of letters and digits: how a line breaks at a hyphen or
// between two cells does not matter to them.
func tally(words map[string]int, text string) {
	for _, word := range oneWord.FindAllString(text, -1) {
		words[word]++
	}
}

func partWords(d *attest.Document) []map[string]int {
	var out []map[string]int
	for _, p := range d.Parts {
		words := map[string]int{}
		tally(words, p.Label+" "+p.Title)
		for _, b := range p.Blocks {
			tally(words, b.Mark)
			for _, r := range b.Runs {
				tally(words, r.Text)
			}
			tally(words, strings.Join(b.Lines, "\n"))
			if b.Table == nil {
				continue
			}
			for _, c := range b.Table.Columns {
				tally(words, c.Title)
			}
			for _, r := range b.Table.Rows {
				for _, c := range r.Cells {
					tally(words, c.Text())
				}
			}
		}
		out = append(out, words)
	}
	return out
}
