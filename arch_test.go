package tieout_test

import (
	"bufio"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "tieout/"

// TestArchitecture holds every import between our folders to the table in
// ARCHITECTURE.md, both ways: a folder without a row fails, and so does a row
// without a folder. It parses the files itself: what "go list" says is not
// part of the test cache's key, and a broken rule would pass as "(cached)".
func TestArchitecture(t *testing.T) {
	allowed := readTable(t)
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && skipDir(name) {
			return filepath.SkipDir
		}
		name = filepath.ToSlash(name)
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || !strings.Contains(name, "/") {
			return nil
		}
		from := top(path.Dir(name))
		seen[from] = true
		checkImports(t, name, from, allowed)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for folder := range allowed {
		if !seen[folder] {
			t.Errorf("ARCHITECTURE.md has a row for %s, which holds no package", folder)
		}
	}
}

func checkImports(t *testing.T, name, from string, allowed map[string][]string) {
	t.Helper()
	may, ok := allowed[from]
	if !ok {
		t.Errorf("%s: no row in ARCHITECTURE.md", from)
	}
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range file.Imports {
		imp, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		rest, ours := strings.CutPrefix(imp, module)
		to := top(rest)
		if ours && to != from && to != "internal" && !slices.Contains(may, to) && !slices.Contains(may, "*") {
			t.Errorf("%s imports %s; ARCHITECTURE.md allows %s only %v", name, imp, from, may)
		}
	}
}

// TestWordsImportOnlyStd keeps the words and the library free of everything else.
func TestWordsImportOnlyStd(t *testing.T) {
	for _, dir := range []string{"audit", "library"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(files), err)
		}
		for _, name := range files {
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, spec := range file.Imports {
				first, _, _ := strings.Cut(strings.Trim(spec.Path.Value, `"`), "/")
				if (strings.Contains(first, ".") || first == "tieout") && !strings.HasSuffix(name, "_test.go") {
					t.Errorf("%s imports %s; %s may import only the standard library", name, spec.Path.Value, dir)
				}
			}
		}
	}
}

// skipDir leaves out what is not part of the product: other modules (tools,
// bench) among it.
func skipDir(name string) bool {
	base := filepath.Base(name)
	_, noModule := os.Stat(filepath.Join(name, "go.mod"))
	return name != "." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "node_modules" || noModule == nil)
}

func top(dir string) string {
	first, _, _ := strings.Cut(dir, "/")
	return first
}

// readTable reads the rows of the first table of ARCHITECTURE.md that have
// three cells: folder, what it knows, what it may import.
func readTable(t *testing.T) map[string][]string {
	t.Helper()
	f, err := os.Open("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows := map[string][]string{}
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		cells := strings.Split(sc.Text(), "|")
		if len(cells) != 5 || !strings.Contains(cells[1], "`") {
			continue
		}
		var may []string
		for m := range strings.SplitSeq(cells[3], ",") {
			may = append(may, strings.TrimSpace(m))
		}
		rows[strings.Trim(cells[1], " `")] = may
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}
