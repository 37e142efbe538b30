package handbook_test

import (
	"path"
	"slices"
	"strings"
	"testing"

	"tieout/definition"
	"tieout/handbook"
	"tieout/source"
	"tieout/source/all"
)

// ownWorkspace takes one procedure with another parameter and one control from a
// later day on.
func ownWorkspace(t *testing.T) (*definition.Workspace, definition.Selection) {
	t.Helper()
	w, err := definition.LoadFiles(map[string][]byte{
		"tieout.yaml":             []byte("organization: { name: Halyard, system: Ledger, zone: UTC }\nperiod: { first: 2026-01-01, last: 2026-12-31 }\n"),
		"sources/git.yaml":        []byte("kind: git\nwith: { path: . }\n"),
		"controls/starter.yaml":   []byte("use: starter\n"),
		"procedures/starter.yaml": []byte("use: starter\n"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return w, w.Select(typesOf(all.Drivers))
}

func typesOf(drivers source.Registry) func(string) []string {
	return func(kind string) []string {
		d, err := drivers.Find(kind)
		if err != nil {
			return nil
		}
		return d.Types
	}
}

// TestOwn: a workspace's handbook speaks of what is in scope there, and every link
// of it leads somewhere.
func TestOwn(t *testing.T) {
	w, sel := ownWorkspace(t)
	list, err := handbook.Own(w, sel, all.Drivers, "2026-06-01")
	if err != nil {
		t.Fatal(err)
	}
	files := written(t, list)
	index := files["index.html"]
	if !strings.Contains(index, "Halyard, Ledger:") || files["sources/git.html"] == "" || files["sources/okta.html"] != "" {
		t.Errorf("the handbook is not the workspace's: %s", index[:min(len(index), 200)])
	}
	if len(sel.Procedures) == 0 || files["procedures/"+sel.Procedures[0].ID+".md"] == "" {
		t.Error("no page for a procedure that runs")
	}
	for name, text := range files {
		if !strings.HasSuffix(name, ".html") {
			continue
		}
		for _, m := range hrefs.FindAllStringSubmatch(text, -1) {
			to, _, _ := strings.Cut(m[1], "#")
			if to == "" || strings.HasSuffix(to, handbook.FontsName) {
				continue
			}
			if files[path.Join(path.Dir(name), to)] == "" {
				t.Errorf("%s: link %s leads nowhere", name, m[1])
			}
		}
	}
	untested := slices.IndexFunc(sel.Untested, func(u definition.NotTested) bool { return files["controls/"+u.Control.ID+".md"] != "" })
	if untested < 0 || !strings.Contains(files["controls/"+sel.Untested[untested].Control.ID+".md"], "Not tested here") {
		t.Error("a control in scope without a test does not say why")
	}
}

// TestWithin: a page within another has its own links, escaped, and no others.
func TestWithin(t *testing.T) {
	w, sel := ownWorkspace(t)
	p := sel.Procedures[0]
	page, err := handbook.Procedure(w, sel, all.Drivers, p, "2026-06-01")
	if err != nil {
		t.Fatal(err)
	}
	sections, facts := page.Within(func(_, to string) string {
		if strings.HasPrefix(to, "controls/") {
			return `/x?"&` + to
		}
		return ""
	})
	var b strings.Builder
	for _, s := range sections {
		b.WriteString(string(s.Body))
	}
	for _, f := range facts {
		b.WriteString(string(f.Value))
	}
	got := b.String()
	if !strings.Contains(got, `href="/x?&#34;&amp;controls/`) || strings.Contains(got, `href="data`) || !strings.Contains(got, `class="tbl auto"`) {
		t.Errorf("links within: %s", got[:min(len(got), 400)])
	}
}
