package handbook_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tieout/audit"
	"tieout/definition"
	"tieout/handbook"
	"tieout/source"
	"tieout/source/all"
)

var update = flag.Bool("update", false, "write what was got into the golden files")

func pages(t *testing.T, drivers source.Registry) []handbook.Page {
	t.Helper()
	c, err := definition.Library()
	if err != nil {
		t.Fatal(err)
	}
	out, err := handbook.Pages(c, drivers)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// everything is the handbook of the program's own sources, written once.
var everything = sync.OnceValues(func() (map[string]string, error) {
	c, err := definition.Library()
	if err != nil {
		return nil, err
	}
	list, err := handbook.Pages(c, all.Drivers)
	if err != nil {
		return nil, err
	}
	return write(list)
})

func whole(t *testing.T) map[string]string {
	t.Helper()
	files, err := everything()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// written returns every file of the handbook by its path.
func written(t *testing.T, list []handbook.Page) map[string]string {
	t.Helper()
	files, err := write(list)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func write(list []handbook.Page) (map[string]string, error) {
	out := map[string]string{}
	for _, p := range list {
		var h, m bytes.Buffer
		if err := errors.Join(handbook.WriteHTML(&h, p), handbook.WriteMarkdown(&m, p)); err != nil {
			return nil, err
		}
		if out[p.Name+".html"] != "" {
			return nil, fmt.Errorf("two pages are called %s", p.Name)
		}
		out[p.Name+".html"], out[p.Name+".md"] = h.String(), m.String()
	}
	return out, nil
}

// made are two kinds of source that no other file changes: golden pages are of
// these.
var made = source.Registry{
	{Name: "pager", Version: 2, Title: "The tool that pages", Types: []string{"rota"},
		Scopes: []source.Scope{{Name: "schedules:read", Why: "who is on call, without `phone`"}}, Cannot: []string{"whether somebody picked up"},
		Settings: []source.Setting{{Name: "url", Doc: "where it is", Example: "https://pager.example", Required: true}, {Name: "token", Doc: "of a read-only account", Example: "env:PAGER_TOKEN", Secret: true}}},
	{Name: "anything", Version: 1, Title: "What people map", Types: everyType(), Scopes: []source.Scope{{Name: "read", Why: "the files"}}, Cannot: []string{"what is not in the files"}},
}

func everyType() []string {
	var out []string
	for _, t := range audit.ItemTypes {
		out = append(out, t.Name)
	}
	return out
}

var styleText = regexp.MustCompile(`(?s)<style>.*?</style>|sha256-[A-Za-z0-9+/=]+`)

func TestGolden(t *testing.T) {
	files := written(t, pages(t, made))
	for _, name := range []string{"criteria/P8.1", "controls/AWR-02", "procedures/people.privacy", "procedures/manual.charter", "procedures/oncall.coverage", "sources/pager"} {
		for _, ending := range []string{".html", ".md"} {
			got := styleText.ReplaceAllString(files[name+ending], "")
			golden := filepath.Join("testdata", path.Base(name)+ending)
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name+ending, diff)
			}
		}
	}
}

var (
	hrefs   = regexp.MustCompile(`href="([^"]*)"`)
	mdLinks = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	ids     = regexp.MustCompile(` id="([^"]*)"`)
)

// TestLinks follows every link of every page to a page and an anchor that are
// there.
func TestLinks(t *testing.T) {
	files := whole(t)
	anchors := map[string][]string{}
	for name, text := range files {
		for _, m := range ids.FindAllStringSubmatch(text, -1) {
			if slices.Contains(anchors[name], m[1]) {
				t.Errorf("%s: anchor %s is there twice", name, m[1])
			}
			anchors[name] = append(anchors[name], m[1])
		}
	}
	followed := 0
	for name, text := range files {
		links := hrefs
		if strings.HasSuffix(name, ".md") {
			links = mdLinks
		}
		for _, m := range links.FindAllStringSubmatch(text, -1) {
			to, anchor, _ := strings.Cut(m[1], "#")
			target := name
			if to != "" {
				target = path.Join(path.Dir(name), to)
			}
			followed++
			if target == handbook.FontsName {
				continue
			}
			if files[target] == "" || anchor != "" && !slices.Contains(anchors[target], anchor) {
				t.Errorf("%s: link %s leads nowhere", name, m[1])
			}
		}
	}
	if followed < 5000 {
		t.Errorf("followed %d links, want thousands", followed)
	}
}

// TestEveryPageIsReached walks from the first page.
func TestEveryPageIsReached(t *testing.T) {
	files := whole(t)
	seen, left := map[string]bool{"index.html": true}, []string{"index.html"}
	for len(left) > 0 {
		name := left[0]
		left = left[1:]
		for _, m := range hrefs.FindAllStringSubmatch(files[name], -1) {
			to, _, _ := strings.Cut(m[1], "#")
			target := path.Join(path.Dir(name), to)
			if to != "" && !seen[target] && files[target] != "" {
				seen[target] = true
				left = append(left, target)
			}
		}
	}
	for name := range files {
		if strings.HasSuffix(name, ".html") && !seen[name] {
			t.Errorf("%s: no link leads to it", name)
		}
	}
}

func TestSameInputSamePages(t *testing.T) {
	if diff := cmp.Diff(whole(t), written(t, pages(t, all.Drivers))); diff != "" {
		t.Errorf("twice the same input gives (-first +second):\n%s", diff)
	}
}

// claims are words that are never said about a company or a control.
var claims = regexp.MustCompile(`(?i)\b(compliant|certified|audit-ready|scored?s?|AICPA|controls? passed)\b`)

func TestWords(t *testing.T) {
	for name, text := range whole(t) {
		if w := claims.FindString(text); w != "" {
			t.Errorf("%s says %q", name, w)
		}
		if strings.HasSuffix(name, ".html") && (strings.Contains(text, "<script") || strings.Contains(text, "src=")) {
			t.Errorf("%s runs or loads something", name)
		}
	}
}

// Text of a source or a procedure is shown and never acts.
func TestMarkupIsShown(t *testing.T) {
	evil := source.Registry{{Name: "evil", Title: `<img src=x onerror="a">`, Cannot: []string{"[x](javascript:a) | <b>"}, Settings: []source.Setting{{Name: "a", Doc: "b|c", Example: "<i>"}}}}
	files := written(t, pages(t, evil))
	if h := files["sources/evil.html"]; strings.Contains(h, "<img") || strings.Contains(h, "<i>") || !strings.Contains(h, "&lt;img") {
		t.Error("HTML: markup acts")
	}
	if m := files["sources/evil.md"]; strings.Contains(m, "<img") || regexp.MustCompile(`[^\\]\]\(javascript`).MatchString(m) || strings.Contains(m, "b|c") {
		t.Errorf("Markdown: markup acts: %s", m)
	}
}
