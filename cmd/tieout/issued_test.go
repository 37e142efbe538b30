package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/pdfcpu/pdfcpu/pkg/api"

	"tieout/report/attest"
)

// tool is where a program is. Without it the test is skipped on a person's
// machine and fails in CI.
func tool(t *testing.T, name string) string {
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

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// checkIssued holds the report that the demo issued to what others make of it:
// tieout verify and two readers of PDF find no fault, and the Word document that
// LibreOffice prints has the parts, headings and rows of the PDF.
func checkIssued(t *testing.T, dir string) {
	t.Helper()
	name := filepath.Join(dir, "report.pdf")
	t.Run("verify", func(t *testing.T) {
		var out, notes bytes.Buffer
		code := Run(t.Context(), Environment{Args: []string{"verify", name}, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &notes,
			Getenv: func(string) string { return "" }, Getwd: func() (string, error) { return dir, nil }, Now: time.Now})
		if code != exitDone || !strings.Contains(out.String(), "As it was issued") {
			t.Errorf("exit %d: %s %s", code, out.String(), notes.String())
		}
	})
	t.Run("other readers", func(t *testing.T) {
		if out := output(t, tool(t, "qpdf"), "--check", name); !strings.Contains(out, "No syntax or stream encoding errors found") {
			t.Errorf("qpdf says %s", out)
		}
		if err := api.ValidateFile(name, nil); err != nil {
			t.Errorf("pdfcpu says %v", err)
		}
	})
	t.Run("Word document", func(t *testing.T) {
		office, reader := tool(t, "soffice"), tool(t, "pdftotext")
		value, err := os.ReadFile(filepath.Join(dir, "report.json"))
		if err != nil {
			t.Fatal(err)
		}
		r, err := attest.Parse(value)
		if err != nil {
			t.Fatal(err)
		}
		d, err := attest.Build(r)
		if err != nil {
			t.Fatal(err)
		}
		to := t.TempDir()
		output(t, office, "--headless", "-env:UserInstallation=file://"+filepath.Join(to, "profile"), "--convert-to", "pdf", "--outdir", to, filepath.Join(dir, "report.docx"))
		pdf, word := pagesOf(t, reader, name), pagesOf(t, reader, filepath.Join(to, "report.pdf"))
		comparePages(t, d, pdf, word)
	})
}

func pagesOf(t *testing.T, reader, name string) []string {
	t.Helper()
	return strings.Split(strings.TrimSuffix(output(t, reader, "-layout", name, "-"), "\f"), "\f")
}

// A sheetPart is a part of a report as pages show it.
type sheetPart struct {
	pages int
	text  string // without spaces, heads and feet
}

// partsOf are the parts of a document on its pages: each page names its part in
// its head, and its number in its foot.
func partsOf(t *testing.T, d *attest.Document, pages []string) []sheetPart {
	t.Helper()
	out, last := make([]sheetPart, len(d.Parts)), 0
	for i, page := range pages[1:] { // the cover has neither head nor foot
		lines := strings.Split(strings.TrimSpace(page), "\n")
		head, foot := bare(lines[0]), bare(lines[len(lines)-1])
		if want := fmt.Sprintf("Page%dof%d", i+2, len(pages)); !strings.HasSuffix(foot, want) {
			t.Errorf("page %d ends in %q, want %s", i+2, foot, want)
		}
		if strings.HasPrefix(head, "Contents") {
			continue
		}
		at := slices.IndexFunc(d.Parts, func(p attest.Part) bool {
			return strings.HasPrefix(head, bare(p.Label+p.Running+d.Client)) || strings.HasPrefix(head, bare(p.Label+d.Client))
		})
		if at < last {
			t.Fatalf("page %d is headed %q, after part %d", i+2, lines[0], last)
		}
		last = at
		out[at].pages++
		out[at].text += bare(strings.Join(lines[1:len(lines)-1], "\n"))
	}
	return out
}

var breaks = regexp.MustCompile(`[-\x{2010}\x{00ad}]`)

// bare is text without spaces and hyphens: where a line breaks does not matter.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, breaks.ReplaceAllString(s, ""))
}

// comparePages holds a PDF of ours and one that another program made of the Word
// document to the document both print.
func comparePages(t *testing.T, d *attest.Document, pdf, word []string) {
	t.Helper()
	a, b := partsOf(t, d, pdf), partsOf(t, d, word)
	rows := 0
	for i, p := range d.Parts {
		if a[i].pages == 0 || b[i].pages == 0 {
			t.Errorf("%s has %d pages in the PDF, %d in the Word document", p.Label, a[i].pages, b[i].pages)
		}
		for _, x := range p.Blocks {
			if x.Kind == attest.Heading {
				shows(t, p.Label+", a heading", textOf(x.Runs), a[i].text, b[i].text)
			}
			if x.Table == nil {
				continue
			}
			for mark, n := range marks(x.Table) {
				rows += n
				if in, too := strings.Count(a[i].text, mark), strings.Count(b[i].text, mark); in < n || too < n {
					t.Errorf("%s, rows of %s: %d in the PDF, %d in the Word document, want %d", p.Label, mark, in, too, n)
				}
			}
		}
	}
	if rows < 100 {
		t.Errorf("only %d rows were compared", rows)
	}
	if n, m := len(pdf), len(word); n < m*2/3 || m < n*2/3 {
		t.Errorf("the PDF has %d pages, the Word document %d", n, m)
	}
	t.Logf("%d pages of the PDF beside %d of the Word document, %d rows", len(pdf), len(word), rows)
}

func textOf(runs []attest.Run) (s string) {
	for _, r := range runs {
		s += r.Text
	}
	return s
}

func shows(t *testing.T, where, text, pdf, word string) {
	t.Helper()
	want := bare(text)
	if !strings.Contains(pdf, want) || !strings.Contains(word, want) {
		t.Errorf("%s: %q is in the PDF: %v, in the Word document: %v", where, text, strings.Contains(pdf, want), strings.Contains(word, want))
	}
}

// marks are how often a table begins something under a mark: rows of one control's
// further tests stand beside its first.
func marks(x *attest.Table) map[string]int {
	out := map[string]int{}
	for _, r := range x.Rows {
		if m := bare(r.Mark); m != "" && len(r.Cells) > 0 && r.Cells[0].Text() != "" {
			out[m]++
		}
	}
	return out
}
