package tieout_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	testName = regexp.MustCompile(`\bTest[A-Z][A-Za-z0-9]*`)
	folder   = regexp.MustCompile("`([a-z/]+)`")
)

// TestSecurityPageNamesTests: every test that docs/security.md names beside a
// folder is there.
func TestSecurityPageNamesTests(t *testing.T) {
	page, err := os.ReadFile("docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, line := range strings.Split(string(page), "\n") {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		for _, part := range strings.Split(line, ";") {
			in := folder.FindStringSubmatch(part)
			for _, name := range testName.FindAllString(part, -1) {
				named++
				if in == nil {
					t.Errorf("%s: no folder beside it", name)
				} else if !hasTest(t, in[1], name) {
					t.Errorf("%s has no %s", in[1], name)
				}
			}
		}
	}
	if named < 20 {
		t.Errorf("the page names %d tests", named)
	}
}

func hasTest(t *testing.T, dir, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(filepath.FromSlash(dir), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), "func "+name+"(t ") {
			return true
		}
	}
	return false
}
