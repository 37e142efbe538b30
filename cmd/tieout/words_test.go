package main

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"tieout/library"
	"tieout/report/text"
)

// claims are words that nobody may say about a company or a control: software
// never concludes. "Passed" stands of time, of trains and of tests of code, so it
// is wanted beside what it would conclude about.
var claims = []*regexp.Regexp{
	regexp.MustCompile(`(?i)\b(non-?)?complian(t|ce status)\b`),
	regexp.MustCompile(`(?i)\bcertified\b`),
	regexp.MustCompile(`(?i)\baudit[- ]ready\b`),
	regexp.MustCompile(`(?i)\b(compliance|security|audit|control|readiness|risk)[- ]scores?\b|\bscored\b`),
	regexp.MustCompile(`(?i)\b(company|organization|control|controls|criterion|criteria|procedure|procedures)\s+(has|have|was|were|is|are)?\s*(pass|passed|passes|passing)\b`),
	regexp.MustCompile(`(?i)\bpass(ed|es)?\s+(the\s+)?(audit|examination|control|criterion)\b`),
}

func checkWords(t *testing.T, where, s string) {
	t.Helper()
	for _, re := range claims {
		if loc := re.FindStringIndex(s); loc != nil {
			from, to := max(0, loc[0]-40), min(len(s), loc[1]+40)
			t.Errorf("%s says %q: ...%s...", where, s[loc[0]:loc[1]], s[from:to])
		}
	}
}

// TestClaimsAreFound holds the expressions themselves to what they are for.
func TestClaimsAreFound(t *testing.T) {
	for _, s := range []string{"Acme is compliant.", "SOC 2 certified", "audit-ready", "Security score: 81", "The control passed.", "12 controls passed", "pass the audit"} {
		found := false
		for _, re := range claims {
			found = found || re.MatchString(s)
		}
		if !found {
			t.Errorf("nothing objects to %q", s)
		}
	}
	for _, s := range []string{"The day passed.", "The tests passed before the merge.", "complianceless", "Common Vulnerability Scoring System"} {
		for _, re := range claims {
			if re.MatchString(s) {
				t.Errorf("%s objects to %q", re, s)
			}
		}
	}
}

// everyCommand calls visit with every command, the hidden ones too.
func everyCommand(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, sub := range c.Commands() {
		everyCommand(sub, visit)
	}
}

func helpOf(t *testing.T, c *cobra.Command) string {
	t.Helper()
	var out bytes.Buffer
	c.SetOut(&out)
	if err := c.Help(); err != nil {
		t.Fatalf("%s: %v", c.CommandPath(), err)
	}
	return out.String()
}

// TestHelp: every command explains itself in 80 columns, without a claim.
func TestHelp(t *testing.T) {
	a := &app{env: Environment{Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}, Getenv: func(string) string { return "" }, Getwd: os.Getwd, Now: time.Now}}
	root := a.root()
	root.InitDefaultHelpCmd()
	seen := 0
	everyCommand(root, func(c *cobra.Command) {
		if c.Name() == "completion" || c.HasParent() && c.Parent().Name() == "completion" {
			return
		}
		seen++
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: short help %q wants words, and no period", c.CommandPath(), c.Short)
		}
		help := helpOf(t, c)
		checkWords(t, c.CommandPath()+" --help", help)
		for _, line := range strings.Split(help, "\n") {
			if n := text.Width(line); n > text.DefaultWidth {
				t.Errorf("%s --help: %d columns: %s", c.CommandPath(), n, line)
			}
		}
	})
	if seen < 40 {
		t.Errorf("saw %d commands, want all", seen)
	}
}

// TestWords looks for claims in everything that ships as text: the library's
// YAML, the report's templates and the words of renderers, the demo's texts.
func TestWords(t *testing.T) {
	n := 0
	err := fs.WalkDir(library.Files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(library.Files, path)
		n++
		checkWords(t, "library/"+path, string(data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"../../report/*/*.tmpl", "../../report/*/*.html", "../../report/*/*.gohtml", "../../report/*.go", "../../report/*/*.go", "../../reader/*/*.go", "../../reader/*/*/*.html", "../../demo/*.go", "*.go", "../../README.md", "../../docs/*/*.md", "../../library/*/*.md", "../../policy/*.go"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			if strings.HasSuffix(p, "_test.go") {
				continue
			}
			data, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			n++
			checkWords(t, p, string(data))
		}
	}
	if n < 100 {
		t.Errorf("read %d files, want the library and the reports", n)
	}
}

// TestDemo runs the startup-sized demo as anyone would and wants what was
// seeded to be exactly what is found.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("a whole year is collected and tested")
	}
	var out, notes bytes.Buffer
	dir := t.TempDir()
	code := Run(context.Background(), Environment{
		Args: []string{"demo", filepath.Join(dir, "demo"), "--no-serve"}, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &notes,
		Getenv: func(string) string { return "" }, Getwd: func() (string, error) { return dir, nil }, Now: time.Now,
	})
	if code != exitDone {
		t.Fatalf("exit %d, want 0\n%s\n%s", code, out.String(), notes.String())
	}
	said := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{"none missing, none extra", "Next tieout -w ", "of operation found 62 deviations", "1 deviation was seeded in what is not examined", "The report RPT-EN-1-1 is issued", "operated by the audit firm", "tieout verify "} {
		if !strings.Contains(said, want) {
			t.Errorf("does not say %q:\n%s", want, out.String())
		}
	}
	checkWords(t, "demo", out.String()+notes.String())
	checkIssued(t, filepath.Join(dir, "demo", reportsFolder))
}
