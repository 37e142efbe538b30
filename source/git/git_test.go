package git

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

func TestReviewedProject(t *testing.T) {
	h := reviewedProject(t, "")
	c := h.connection("")
	c.Window = golangYear
	r := sourcetest.Record(t, c)
	m := r.Manifest("change")
	if !m.Complete || m.Items != 211 || len(r.Errs) > 0 {
		t.Fatalf("manifest %+v, errors %v; want 211 changes, complete", m, r.Errs)
	}
	changes := r.ByType("change")
	if len(changes) != 211 {
		t.Fatalf("%d changes; want 211", len(changes))
	}
	fewer := 0
	for _, it := range changes {
		f := fields(t, it)
		approvals := f["approvals"].([]any)
		if len(approvals) == 0 || slices.Contains(approvals, f["author"]) {
			t.Errorf("%s: author %v, approvals %v; want an independent reviewer", it.ID, f["author"], approvals)
		}
		if len(approvals) < 2 {
			fewer++
		}
		if f["direct"] != false || f["number"] == 0.0 || f["number"] == nil {
			t.Errorf("%s: direct %v, number %v; want a reviewed change with its number", it.ID, f["direct"], f["number"])
		}
	}
	if fewer != 5 {
		t.Errorf("%d changes have fewer than two reviewers; want 5", fewer)
	}
}

// Identity by name shows how many second approvals were one person's second address.
func TestReviewedProjectByName(t *testing.T) {
	h := reviewedProject(t, "")
	c := h.connection(`"identity":"name"`)
	c.Window = golangYear
	byName := fewerThanTwo(t, sourcetest.Record(t, c))
	if byName <= 5 {
		t.Errorf("by name %d changes have fewer than two reviewers; want more than the 5 by address", byName)
	}
}

func TestReviewedProjectMailmap(t *testing.T) {
	h := reviewedProject(t, "")
	c := h.connection("")
	c.Window = golangYear
	r := sourcetest.Record(t, c)
	pairs := map[string]int{}
	for _, it := range r.ByType("change") {
		if a := fields(t, it)["approvals"].([]any); len(a) == 2 {
			pairs[fmt.Sprint(a[0], " ", a[1])]++
		}
	}
	best := ""
	for p, n := range pairs {
		if n > pairs[best] || n == pairs[best] && p < best {
			best = p
		}
	}
	one, two, _ := strings.Cut(best, " ")
	c = reviewedProject(t, fmt.Sprintf("# one person\n<%s> <%s>\n", one, two)).connection("")
	c.Window = golangYear
	got := fewerThanTwo(t, sourcetest.Record(t, c))
	if got < 5+pairs[best] {
		t.Errorf("with %s mapped to %s, %d changes have fewer than two reviewers; want at least %d", two, one, got, 5+pairs[best])
	}
}

func fewerThanTwo(t *testing.T, r *sourcetest.Recorder) int {
	n := 0
	for _, it := range r.ByType("change") {
		if len(fields(t, it)["approvals"].([]any)) < 2 {
			n++
		}
	}
	return n
}

func TestConform(t *testing.T) {
	h := newHistory(t)
	base := h.add(line{author: "Ann <ann@example.com>", message: "start"})
	side := h.add(line{author: "Bob <bob@example.com>", message: "work\n\nReviewed-by: Cy <cy@example.com>", branch: "side", parents: []int{base}})
	h.add(line{author: "Ann <ann@example.com>", message: "Merge branch 'side'", parents: []int{base, side}})
	sourcetest.Conform(t, h.done().connection(""), "change", "repository")
}

func TestOddHistories(t *testing.T) {
	t.Run("octopus merge", func(t *testing.T) {
		h := newHistory(t)
		base := h.add(line{author: "Ann <a@x.example>", message: "start"})
		one := h.add(line{author: "Bob <b@x.example>", message: "one", branch: "one", parents: []int{base}})
		two := h.add(line{author: "Cy <c@x.example>", message: "two", branch: "two", parents: []int{base}})
		two2 := h.add(line{author: "Cy <c@x.example>", message: "two again", branch: "two", parents: []int{two}})
		h.add(line{author: "Ann <a@x.example>", message: "Merge branches 'one' and 'two'\n\nReviewed-by: Bob <b@x.example>\nReviewed-by: Di <d@x.example>", parents: []int{base, one, two2}})
		r := h.done().read("")
		got := fields(t, r.ByType("change")[1])
		if got["author"] != "c@x.example" || got["parents"] != 3.0 || fmt.Sprint(got["approvals"]) != "[d@x.example]" || got["mergedBy"] != "a@x.example" {
			t.Errorf("got %v", got)
		}
	})
	t.Run("message in latin-1", func(t *testing.T) {
		h := newHistory(t)
		h.add(line{author: "J\xfcrgen <j@x.example>", encoding: "ISO-8859-1", message: "Gr\xf6\xdfe ge\xe4ndert"})
		r := h.done().read("")
		if got := fields(t, r.ByType("change")[0])["title"]; got != "Größe geändert" {
			t.Errorf("title %q", got)
		}
	})
	t.Run("bytes that are no text", func(t *testing.T) {
		h := newHistory(t)
		h.add(line{author: "A <a@x.example>", message: "bad \xff\xfe byte"})
		r := h.done().read("")
		it := r.ByType("change")[0]
		if got := fields(t, it)["title"]; got != "bad \uFFFD byte" {
			t.Errorf("title %q", got)
		}
		if err := sourcetest.Valid(it); err != nil {
			t.Error(err)
		}
	})
	t.Run("empty message, no name, no address", func(t *testing.T) {
		h := newHistory(t)
		h.add(line{author: "<>", message: ""})
		r := h.done().read("")
		got := fields(t, r.ByType("change")[0])
		if _, ok := got["author"]; ok || got["title"] != "" || got["approvals"] != nil {
			t.Errorf("got %v; want an unknown author and no approvals", got)
		}
	})
	t.Run("nothing in the window", func(t *testing.T) {
		h := newHistory(t)
		h.add(line{author: "A <a@x.example>", message: "old", at: start.AddDate(-2, 0, 0)})
		r := h.done().read("")
		if m := r.Manifest("change"); !m.Complete || m.Items != 0 {
			t.Errorf("manifest %+v; want complete and empty", m)
		}
	})
	t.Run("a commit dated out of the window between others", func(t *testing.T) {
		h := newHistory(t)
		h.add(line{author: "A <a@x.example>", message: "one"})
		h.add(line{author: "A <a@x.example>", message: "hidden", at: start.AddDate(-5, 0, 0)})
		h.add(line{author: "A <a@x.example>", message: "two"})
		m := h.done().read("").Manifest("change")
		if m.Complete || !strings.Contains(m.Reason, "hide") || m.Items != 2 {
			t.Errorf("manifest %+v; want incomplete and the hidden commit named", m)
		}
	})
	t.Run("a commit dated into the future", func(t *testing.T) {
		h := newHistory(t)
		h.add(line{author: "A <a@x.example>", message: "one"})
		h.add(line{author: "A <a@x.example>", message: "later", at: start.AddDate(70, 0, 0)})
		if m := h.done().read("").Manifest("change"); m.Complete {
			t.Errorf("manifest %+v; want incomplete", m)
		}
	})
	t.Run("sha-256 repository", func(t *testing.T) {
		h := newHistory(t, "--object-format=sha256")
		h.add(line{author: "A <a@x.example>", message: "one"})
		r := h.done().read("")
		if got := fields(t, r.ByType("change")[0])["commit"].(string); len(got) != 64 || len(r.Errs) > 0 {
			t.Errorf("commit %q, errors %v", got, r.Errs)
		}
	})
	t.Run("replaced objects are not followed", func(t *testing.T) {
		h := newHistory(t)
		h.add(line{author: "A <a@x.example>", message: "one"})
		h.add(line{author: "A <a@x.example>", message: "two"})
		h.add(line{author: "A <a@x.example>", message: "fake\n\nReviewed-by: Z <z@x.example>", branch: "fake", parents: []int{1}})
		h.done().git("replace", "refs/heads/main", "refs/heads/fake")
		r := h.read("")
		if got := fields(t, r.ByType("change")[1])["title"]; got != "two" {
			t.Errorf("title %q; want the commit itself", got)
		}
	})
	t.Run("the folder within a repository is not one", func(t *testing.T) {
		h := newHistory(t)
		h.add(line{author: "A <a@x.example>", message: "one"})
		h.done()
		sub := filepath.Join(h.dir, "inner")
		if err := os.Mkdir(sub, 0o755); err != nil {
			t.Fatal(err)
		}
		col, _, err := Driver.Open("app", []byte(`{"path":"`+sub+`"}`), source.Env{})
		if err != nil {
			t.Fatal(err)
		}
		r := &sourcetest.Recorder{}
		if err := col.Collect(t.Context(), year(2026), r); !errors.Is(err, audit.ErrInvalid) || len(r.Manifests) != 2 {
			t.Errorf("error %v, %d streams closed; want ErrInvalid and both closed", err, len(r.Manifests))
		}
	})
}

func TestShallowClone(t *testing.T) {
	h := newHistory(t)
	for i := range 5 {
		h.add(line{author: "A <a@x.example>", message: fmt.Sprint("change ", i)})
	}
	h.done()
	clone := filepath.Join(t.TempDir(), "clone")
	h.git("clone", "-q", "--depth", "2", "file://"+h.dir, clone)
	h.dir = clone
	m := h.read("").Manifest("change")
	if m.Complete || !strings.Contains(m.Reason, "unshallow") {
		t.Errorf("manifest %+v; want incomplete, fetch with --unshallow", m)
	}
}

func TestCloneIsAsNewAsItsFetch(t *testing.T) {
	h := newHistory(t)
	h.add(line{author: "A <a@x.example>", message: "one"})
	h.done()
	clone := filepath.Join(t.TempDir(), "clone")
	h.git("clone", "-q", h.dir, clone)
	h.dir = clone
	h.git("fetch", "-q", "origin")
	fetched := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(clone, ".git", "FETCH_HEAD"), fetched, fetched); err != nil {
		t.Fatal(err)
	}
	m := h.read(`"branch":"main"`).Manifest("change")
	if !m.Complete || !m.Covers.To.Equal(fetched) {
		t.Errorf("covers to %v, complete %v; want up to the fetch of %v", m.Covers.To, m.Complete, fetched)
	}
}

func TestBranches(t *testing.T) {
	h := newHistory(t)
	h.add(line{author: "A <a@x.example>", message: "on main"})
	h.add(line{author: "A <a@x.example>", message: "on odd", branch: "-n5", parents: []int{1}})
	h.done()
	h.git("tag", "main", "refs/heads/-n5") // a tag of the branch's name must not be taken for it
	for _, tc := range []struct{ name, with, want string }{
		{"default", ``, "on main"},
		{"ambiguous name", `"branch":"main"`, "on main"},
		{"name that looks like an option", `"branch":"-n5"`, "on odd"},
		{"full ref", `"branch":"refs/heads/-n5"`, "on odd"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			items := h.read(tc.with).ByType("change")
			if len(items) == 0 || fields(t, items[len(items)-1])["title"] != tc.want {
				t.Errorf("got %v; want the last change %q", items, tc.want)
			}
		})
	}
	for _, branch := range []string{"no-such", "main^{/on}", "refs/tags/main", "--all"} {
		t.Run("refused "+branch, func(t *testing.T) {
			col, _, err := Driver.Open("app", []byte(`{"path":"`+h.dir+`","branch":"`+branch+`"}`), source.Env{})
			if err != nil {
				t.Fatal(err)
			}
			r := &sourcetest.Recorder{}
			if err := col.Collect(t.Context(), year(2026), r); !errors.Is(err, audit.ErrInvalid) {
				t.Errorf("error %v; want ErrInvalid", err)
			}
		})
	}
}

func TestTamperedObject(t *testing.T) {
	h := newHistory(t)
	h.add(line{author: "A <a@x.example>", message: "one"})
	r := h.done().read("")
	p := r.Pages[len(r.Pages)-1]
	p.Body = []byte(strings.Replace(string(p.Body), "one", "two", 1))
	items, err := Driver.Normalize(r.Config, p)
	var bad source.BadRows
	if !errors.As(err, &bad) || len(items) != 0 || !strings.Contains(bad[0].Where, "commit ") {
		t.Errorf("items %v, error %v; want the commit refused by name", items, err)
	}
}

func TestResume(t *testing.T) {
	h := newHistory(t)
	for i := range 3 {
		h.add(line{author: "A <a@x.example>", message: fmt.Sprint("change ", i)})
	}
	c := h.done().connection("")
	all := sourcetest.Record(t, c).ByType("change")
	c.Window.Since = map[string]string{"git.commits\x1f": strings.TrimPrefix(all[1].ID, "app@")}
	r := sourcetest.Record(t, c)
	rest := r.ByType("change")
	if len(rest) != 1 || rest[0].ID != all[2].ID || !r.Manifest("change").Complete {
		t.Errorf("after the second of three, got %v, manifest %+v", rest, r.Manifest("change"))
	}
}

func TestVersions(t *testing.T) {
	for _, tc := range []struct {
		out string
		ok  bool
	}{
		{"git version 2.39.5\n", true}, {"git version 2.25.1 (Apple Git-1)\n", true}, {"git version 3.0.0\n", true},
		{"git version 2.24.9\n", false}, {"git version 1.8.3.1\n", false}, {"zsh: no\n", false},
	} {
		if _, err := checkVersion(tc.out); (err == nil) != tc.ok {
			t.Errorf("%q: error %v; want accepted %v", tc.out, err, tc.ok)
		}
	}
}

func TestGitAbsent(t *testing.T) {
	h := newHistory(t)
	h.add(line{author: "A <a@x.example>", message: "one"})
	h.done()
	t.Setenv("PATH", t.TempDir())
	col, _, err := Driver.Open("app", []byte(`{"path":"`+h.dir+`"}`), source.Env{})
	if err != nil {
		t.Fatal(err)
	}
	r := &sourcetest.Recorder{}
	err = col.Collect(t.Context(), year(2026), r)
	if !errors.Is(err, audit.ErrUnavailable) || !strings.Contains(err.Error(), "install git") || len(r.Manifests) != 2 {
		t.Errorf("error %v, %d streams; want ErrUnavailable that says what to install, both streams closed", err, len(r.Manifests))
	}
}

func TestPagesAndLimits(t *testing.T) {
	h := newHistory(t)
	long := strings.Repeat("a line of a long message\n", 12_000)
	for i := range 6 {
		h.add(line{author: "A <a@x.example>", message: fmt.Sprint("change ", i, "\n\n", long)})
	}
	h.add(line{author: "A <a@x.example>", message: "huge " + strings.Repeat("x", maxCommit)})
	r := h.done().read("")
	m := r.Manifest("change")
	if len(r.ByType("change")) != 6 || m.Items != 6 || m.Pages != 3 {
		t.Errorf("%d changes on %d pages; want 6 on a list and two pages of commits", len(r.ByType("change")), m.Pages)
	}
	if m.Complete || !strings.Contains(m.Reason, "at most 16777216 are read") || !strings.Contains(m.Reason, "changes read of those in the window: 6 of 7") {
		t.Errorf("complete %v, reason %q; want the commit that is too large named", m.Complete, m.Reason)
	}
}
