package registers

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source/sourcetest"
)

const policy = "---\ntitle: Access control\nversion: 1.10\nstatus: %s\nowner: Ana Ortiz\napprovedBy: %s\napprovedAt: %s\n---\n# Access control\n\nEverybody...\n"

func accessPolicy(status, by, at string) string { return fmt.Sprintf(policy, status, by, at) }

var whole = map[string]string{
	"policies/access.md":      accessPolicy("approved", "Bo Lind", "2026-01-04"),
	"documents/plan.yaml":     "title: Recovery plan\nkind: plan\nversion: 2\n",
	"vendors/cloud.yaml":      "name: Cloudy\ntier: none\nsubservice: true\nendedAt: never\n",
	"risks/register.yaml":     "- id: r1\n  title: Loss of a region\n  treatment: mitigate\n- id: r2\n  title: Theft\n",
	"contracts/acme.yaml":     "party: acme\nkind: customer\nterms: {security: true, duties: false}\n",
	"incidents/2026-01.yaml":  "title: Outage\nseverity: sev2\n",
	"tickets/ex-1.yaml":       "system: workspace\nkind: exception\n",
	"people/ana.yaml":         "name: Ana Ortiz\nendedAt: 2026-01-31\n",
	"policies/README.md":      "How we write policies.\n",
	"records/reviews.yaml":    "type: revision\ncovers: {from: 2026-01-01, to: 2026-01-05}\nrecords:\n  - {id: mr-1, at: 2026-01-02, kind: management review, approvedBy: none}\n",
	"records/access.yaml":     "covers: {from: 2026-01-01, to: 2026-01-04}\nrecords:\n  - {type: accessReview, id: ar-1, at: 2026-01-02T10:00:00+01:00, toRemove: none}\n  - {type: restore, id: rs-1, at: 2026-01-03, test: true}\n",
	"records/notices.yaml":    "type: notice\ncovers: {from: 2026-01-01, to: 2026-01-04}\nrecords: [{id: n1, at: 2026-01-02, kind: subprocessor}]\n",
	"records/disclosure.yaml": "type: disclosure\ncovers: {from: 2026-01-01, to: 2026-01-04}\nrecords: [{id: d1, at: 2026-01-02, records: 3}]\n",
	"records/consent.yaml":    "type: consent\ncovers: {from: 2026-01-01, to: 2026-01-04}\nrecords: [{id: c1, at: 2026-01-02, decision: given}]\n",
	"records/training.yaml":   "type: training\ncovers: {from: 2026-01-01, to: 2026-01-04}\nrecords: [{id: t1, at: 2026-01-02, person: ana}]\n",
	"records/ack-ana.yaml":    "type: acknowledgement\ncovers: {from: 2026-01-01, to: 2026-01-04}\nat: 2026-01-03\nperson: ana\ndocument: access\nversion: 1.10\n",
}

func TestConform(t *testing.T) {
	t.Run("git", func(t *testing.T) {
		w := newWorkspace(t)
		w.commit(day(1, 5), whole)
		w.commit(day(2, 5), map[string]string{"risks/register.yaml": "- id: r1\n  title: Loss of a region\n  treatment: accept\n"})
		sourcetest.Conform(t, w.connection(""), Driver.Types...)
	})
	t.Run("files", func(t *testing.T) {
		sourcetest.Conform(t, newFolder(t, whole).connection(`"history":"none"`), Driver.Types...)
	})
}

func TestItems(t *testing.T) {
	r := newFolder(t, whole).read("")
	tests := []struct{ typ, id, body string }{
		{"document", "access", `{"approvedAt":"2026-01-03T23:00:00Z","approvedBy":"Bo Lind","kind":"policy","owner":"Ana Ortiz","status":"approved","title":"Access control","version":"1.10"}`},
		{"document", "plan", `{"kind":"plan","title":"Recovery plan","version":"2"}`},
		{"vendor", "cloud", `{"endedAt":"never","name":"Cloudy","subservice":true,"tier":""}`},
		{"risk", "r1", `{"title":"Loss of a region","treatment":"mitigate"}`},
		{"contract", "acme", `{"kind":"customer","party":"acme","terms":{"duties":false,"security":true}}`},
		{"person", "ana", `{"endedAt":"2026-01-31T23:00:00Z","name":"Ana Ortiz"}`},
		{"revision", "mr-1", `{"approvedBy":"","kind":"management review"}`},
		{"accessReview", "ar-1", `{"toRemove":[]}`},
		{"acknowledgement", "ack-ana", `{"document":"access","person":"ana","version":"1.10"}`},
	}
	for _, tt := range tests {
		t.Run(tt.typ+" "+tt.id, func(t *testing.T) {
			for _, it := range r.ByType(tt.typ) {
				if it.ID == tt.id {
					if string(it.Body) != tt.body {
						t.Errorf("got %s, want %s", it.Body, tt.body)
					}
					return
				}
			}
			t.Errorf("no such item")
		})
	}
	if at := r.ByType("accessReview")[0].At; !at.Equal(time.Date(2026, 1, 2, 9, 0, 0, 0, time.UTC)) {
		t.Errorf("the review was at %v", at)
	}
}

// TestHistory: a policy approved late shows since when, a renamed file is
// another item, and what was deleted is gone from its commit on.
func TestHistory(t *testing.T) {
	w := newWorkspace(t)
	w.commit(day(1, 5), map[string]string{"tieout.yaml": "x"})
	w.commit(day(2, 1), map[string]string{"policies/access.md": accessPolicy("draft", "none", "never")})
	w.commit(day(3, 1), map[string]string{"vendors/all.yaml": "[{id: a, name: A}, {id: b, name: B}]"})
	w.commit(day(4, 1), map[string]string{"policies/access.md": accessPolicy("approved", "Bo", "2026-04-01")})
	w.commit(day(5, 1), map[string]string{"policies/access.md": "-", "policies/access-control.md": accessPolicy("approved", "Bo", "2026-04-01"), "vendors/all.yaml": "[{id: a, name: A}]", "vendors/b.yaml": "name: B"})
	w.commit(day(6, 1), map[string]string{"vendors/b.yaml": "-"})
	r := w.read("")
	draft := `{"approvedAt":"never","approvedBy":"","kind":"policy","owner":"Ana Ortiz","status":"draft","title":"Access control","version":"1.10"}`
	approved := `{"approvedAt":"2026-03-31T22:00:00Z","approvedBy":"Bo","kind":"policy","owner":"Ana Ortiz","status":"approved","title":"Access control","version":"1.10"}`
	want := "02-01T09:00 access " + draft + "\n04-01T09:00 access " + approved + "\n05-01T09:00 access-control " + approved + "\n05-01T09:00 access gone\n"
	if got := history(r, "document"); got != want {
		t.Errorf("documents:\n%s\nwant\n%s", got, want)
	}
	want = "03-01T09:00 a {\"name\":\"A\"}\n03-01T09:00 b {\"name\":\"B\"}\n05-01T09:00 a {\"name\":\"A\"}\n05-01T09:00 b {\"name\":\"B\"}\n06-01T09:00 b gone\n"
	if got := history(r, "vendor"); got != want {
		t.Errorf("vendors:\n%s\nwant\n%s", got, want)
	}
	want = "02-01T09:00 04-01T09:00 complete\n04-01T09:00 05-01T09:00 complete\n05-01T09:00 07-01T09:00 complete\n"
	if got := coverage(r, "document"); got != want {
		t.Errorf("coverage of documents:\n%s\nwant\n%s", got, want)
	}
	for _, it := range r.Items {
		if it.Type == "document" && it.At.Equal(reading) && (it.ID != "access-control" || string(it.Body) != approved) {
			t.Errorf("at the reading: %s %s", it.ID, it.Body)
		}
	}
}

// TestBadFile: what cannot be read makes its stretch incomplete and no other,
// and what ceased to exist meanwhile is gone when the file can be read again.
func TestBadFile(t *testing.T) {
	w := newWorkspace(t)
	w.commit(day(2, 1), map[string]string{"vendors/all.yaml": "[{id: a}, {id: b}]"})
	w.commit(day(3, 1), map[string]string{"vendors/all.yaml": "[{id: a}\n"})
	w.commit(day(4, 1), map[string]string{"vendors/c.yaml": "name: C"})
	w.commit(day(5, 1), map[string]string{"vendors/all.yaml": "[{id: a, name: A}]"})
	r := w.read("")
	want := "02-01T09:00 a {}\n02-01T09:00 b {}\n04-01T09:00 c {\"name\":\"C\"}\n05-01T09:00 a {\"name\":\"A\"}\n05-01T09:00 c {\"name\":\"C\"}\n05-01T09:00 b gone\n" +
		"05-01T08:59 a {}\n05-01T08:59 c {}\n05-01T09:00 a {\"name\":\"A\"}\n05-01T09:00 c {\"name\":\"C\"}\n" // told anew after the gap
	if got := history(r, "vendor"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if len(r.Errs) != 2 { // at the commit that broke it, and at the one after
		t.Fatalf("%d pages could not be read: %v", len(r.Errs), r.Errs)
	}
	for _, err := range r.Errs {
		if !strings.HasPrefix(err.Error(), "vendors/all.yaml:") {
			t.Errorf("the error does not say where: %v", err)
		}
	}
}

func TestSameID(t *testing.T) {
	w := newWorkspace(t)
	w.commit(day(2, 1), map[string]string{"vendors/a.yaml": "- {id: x, name: A}"})
	w.commit(day(3, 1), map[string]string{"vendors/b.yaml": "- {id: x, name: B}"})
	w.commit(day(4, 1), map[string]string{"vendors/b.yaml": "-"})
	w.commit(day(5, 1), map[string]string{"risks/r.yaml": "[{id: r}, {id: r}]", "policies/r.md": accessPolicy("draft", "none", "never"), "documents/r.yaml": "title: R"})
	r := w.read("")
	want := "02-01T09:00 03-01T09:00 complete\n03-01T09:00 04-01T09:00 vendors/b.yaml:1:3: the id \"x\" is taken at vendors/a.yaml:1:3; every vendor has one of its own\n04-01T09:00 07-01T09:00 complete\n"
	if got := coverage(r, "vendor"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := history(r, "vendor"); !strings.HasSuffix(got, "04-01T09:00 x {\"name\":\"A\"}\n") || strings.Contains(got, "gone") {
		t.Errorf("the vendor that was told twice does not go on as the file left says:\n%s", got)
	}
	if n := len(r.ByType("risk")) + len(r.ByType("document")); n != 0 {
		t.Errorf("%d items whose id is told twice were taken", n)
	}
}

// TestMerge: what a merge brings is so since the merge, not since it was
// written on its branch.
func TestMerge(t *testing.T) {
	w := newWorkspace(t)
	w.commit(day(2, 1), map[string]string{"risks/a.yaml": "title: A"})
	w.git("checkout", "-q", "-b", "side")
	w.commit(day(3, 1), map[string]string{"risks/b.yaml": "title: B"})
	w.git("checkout", "-q", "main")
	w.commit(day(3, 2), map[string]string{"other": "x"})
	w.at = day(4, 1)
	w.git("merge", "-q", "--no-ff", "-m", "merge", "side")
	want := "02-01T09:00 a {\"title\":\"A\"}\n04-01T09:00 b {\"title\":\"B\"}\n"
	if got := history(w.read(""), "risk"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestOneSecond: commits of one second leave the state of the last.
func TestOneSecond(t *testing.T) {
	w := newWorkspace(t)
	w.commit(day(2, 1), map[string]string{"risks/a.yaml": "title: A"})
	w.commit(day(2, 1), map[string]string{"risks/a.yaml": "title: B"})
	w.commit(day(3, 1), map[string]string{"risks/a.yaml": "title: C"})
	w.commit(day(2, 15), map[string]string{"risks/a.yaml": "title: D"})
	r := w.read("")
	if got, want := history(r, "risk"), "02-01T09:00 a {\"title\":\"B\"}\n03-01T09:00 a {\"title\":\"D\"}\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := coverage(r, "risk"); !strings.Contains(got, "02-01T09:00 03-01T09:00 complete") || !strings.Contains(got, "since when its state is so is not certain") {
		t.Errorf("coverage\n%s", got)
	}
}

func TestShallow(t *testing.T) {
	w := newWorkspace(t)
	w.commit(day(2, 1), map[string]string{"risks/a.yaml": "title: A"})
	w.commit(day(3, 1), map[string]string{"risks/a.yaml": "title: B"})
	w.commit(day(4, 1), map[string]string{"vendors/v.yaml": "name: V"})
	clone := &workspace{t: t, dir: t.TempDir(), at: day(5, 1)}
	clone.git("clone", "-q", "--depth", "2", "file://"+w.dir, ".")
	r := clone.read("")
	if got, want := coverage(r, "risk"), "12-01T00:00 03-01T09:00 shallow clone: history before 2026-03-01T09:00:00Z is not here; fetch with --unshallow\n03-01T09:00 07-01T09:00 complete\n"; got != want {
		t.Errorf("risks:\n%s\nwant\n%s", got, want)
	}
	if got, want := coverage(r, "vendor"), "04-01T09:00 07-01T09:00 complete\n"; got != want {
		t.Errorf("vendors began after the clone was cut:\n%s\nwant\n%s", got, want)
	}
}

// TestRewritten: the stretch in which the branch held what it does not hold
// any more is not covered.
func TestRewritten(t *testing.T) {
	w := newWorkspace(t)
	w.commit(day(2, 1), map[string]string{"risks/a.yaml": "title: A"})
	w.commit(day(3, 1), map[string]string{"risks/a.yaml": "title: B"})
	w.at = day(3, 5)
	w.git("reset", "-q", "--hard", "HEAD~1")
	w.commit(day(4, 1), map[string]string{"vendors/v.yaml": "name: V"})
	r := w.read("")
	got := coverage(r, "risk")
	lines := strings.Split(got, "\n")
	if len(lines) != 4 || lines[0] != "02-01T09:00 03-01T09:00 complete" || !strings.HasPrefix(lines[1], "03-01T09:00 03-05T09:00 history was rewritten at 2026-03-05T09:00:00Z") || lines[2] != "03-05T09:00 07-01T09:00 complete" {
		t.Errorf("risks:\n%s", got)
	}
	if got, want := coverage(r, "vendor"), "04-01T09:00 07-01T09:00 complete\n"; got != want {
		t.Errorf("vendors:\n%s\nwant\n%s", got, want)
	}
	if got, want := history(r, "risk"), "02-01T09:00 a {\"title\":\"A\"}\n03-05T08:59 a {}\n03-05T09:00 a {\"title\":\"A\"}\n"; got != want {
		t.Errorf("after the gap it is not told anew:\n%s\nwant\n%s", got, want)
	}
	risks := r.ByType("risk")
	if last := risks[len(risks)-1]; !last.At.Equal(reading) || string(last.Body) != `{"title":"A"}` {
		t.Errorf("the state at the reading is not told: %s at %v", last.Body, last.At)
	}
}

func TestUncommitted(t *testing.T) {
	w := newWorkspace(t)
	w.commit(day(2, 1), map[string]string{"risks/a.yaml": "title: A\n", "risks/b.yaml": "title: B\n", "risks/c.yaml": "title: C\n", "risks/sheet.xlsx": "x"})
	w.write(map[string]string{"risks/a.yaml": "title: Z\n", "risks/b.yaml": "-", "risks/c.yaml": "title: C\r\n", "risks/d.yaml": "title: D\n"})
	r := w.read("")
	m := r.Manifest("risk")
	if got := strings.Join(m.Cannot, "\n"); !m.Complete || !strings.Contains(got, "not committed, and not used: risks/a.yaml, risks/b.yaml, risks/d.yaml\n") || !strings.HasSuffix(got, "ending: risks/sheet.xlsx") {
		t.Errorf("complete %v, limits\n%s", m.Complete, got)
	}
	if got := history(r, "risk"); strings.Contains(got, "Z") || strings.Contains(got, "D") || !strings.Contains(got, "B") {
		t.Errorf("what was not committed is used:\n%s", got)
	}
}

// TestEmptied: a register whose last file was taken away tells nothing from
// then on; one that says [] does.
func TestEmptied(t *testing.T) {
	w := newWorkspace(t)
	w.commit(day(2, 1), map[string]string{"risks/a.yaml": "title: A", "vendors/a.yaml": "name: A"})
	w.commit(day(3, 1), map[string]string{"risks/a.yaml": "-", "vendors/a.yaml": "[]"})
	r := w.read("")
	if got := coverage(r, "risk"); !strings.Contains(got, "03-01T09:00 07-01T09:00 risks/ held no file from commit") {
		t.Errorf("risks:\n%s", got)
	}
	if got, want := coverage(r, "vendor"), "02-01T09:00 03-01T09:00 complete\n03-01T09:00 07-01T09:00 complete\n"; got != want {
		t.Errorf("vendors:\n%s", got)
	}
	if got := history(r, "vendor"); !strings.HasSuffix(got, "03-01T09:00 a gone\n") {
		t.Errorf("vendors:\n%s", got)
	}
}

func TestSubfolderOfRepository(t *testing.T) {
	w := newWorkspace(t)
	w.commit(day(2, 1), map[string]string{"corp/grc/risks/a.yaml": "title: A", "risks/outside.yaml": "title: O"})
	if got, want := history(w.read(`"folder":"corp/grc"`), "risk"), "02-01T09:00 a {\"title\":\"A\"}\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNothing(t *testing.T) {
	empty := newWorkspace(t)
	other := newWorkspace(t)
	other.commit(day(2, 1), map[string]string{"x": "y"})
	late := newWorkspace(t)
	late.commit(day(8, 1), map[string]string{"risks/a.yaml": "title: A"})
	for _, tt := range []struct {
		name, with, want string
		w                *workspace
	}{
		{"no commit", "", "no commit that can be read", empty},
		{"no register committed", "", "there is no register", other},
		{"no register in the folder", `"history":"none"`, "there is no register", other},
		{"only a commit dated later", "", "carries a time after this reading", late},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := tt.w.read(tt.with)
			if len(r.Manifests) != len(states) {
				t.Errorf("%d streams, want %d", len(r.Manifests), len(states))
			}
			for _, m := range r.Manifests {
				if m.Complete || !strings.Contains(m.Reason, tt.want) {
					t.Errorf("%s: complete %v, reason %q", m.Type, m.Complete, m.Reason)
				}
			}
		})
	}
}

func TestNoGit(t *testing.T) {
	w := newWorkspace(t)
	w.commit(day(2, 1), map[string]string{"risks/a.yaml": "title: A"})
	if err := os.WriteFile(filepath.Join(w.dir, ".git", "config"), []byte("[core"), 0o666); err != nil {
		t.Fatal(err)
	}
	if m := w.read("").Manifest("risk"); m.Complete || !strings.Contains(m.Reason, "bad config") {
		t.Errorf("a repository git cannot read: complete %v, %q", m.Complete, m.Reason)
	}
	t.Setenv("PATH", t.TempDir())
	if m := w.read("").Manifest("risk"); m.Complete || !strings.Contains(m.Reason, "the git program is not installed") {
		t.Errorf("no git program: complete %v, %q", m.Complete, m.Reason)
	}
}

func TestConfiguration(t *testing.T) {
	w := newFolder(t, whole)
	for _, with := range []string{`{"history":"svn"}`, `{"folder":"a\nb"}`, `{"folder":3}`} {
		if _, _, err := Driver.Open("registers", []byte(with), w.connection("").Env); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%s gave %v", with, err)
		}
	}
	for _, with := range []string{`"history":"git"`, `"folder":"nowhere"`, `"folder":"vendors/cloud.yaml"`} {
		c := w.connection(with)
		col, _, err := Driver.Open(c.Name, []byte(c.With), c.Env)
		if err != nil {
			t.Fatal(err)
		}
		r := &sourcetest.Recorder{}
		if err := col.Collect(t.Context(), c.Window, r); !errors.Is(err, audit.ErrInvalid) || len(r.Manifests) != len(states) {
			t.Errorf("%s gave %v and %d streams", with, err, len(r.Manifests))
		}
	}
}

// TestMissingObject: a blob that is not there is named; the rest is read.
func TestMissingObject(t *testing.T) {
	w := newWorkspace(t)
	w.commit(day(2, 1), map[string]string{"risks/a.yaml": "title: A", "vendors/v.yaml": "name: V"})
	blob := w.git("rev-parse", "HEAD:risks/a.yaml")
	if err := os.Remove(filepath.Join(w.dir, ".git", "objects", blob[:2], blob[2:])); err != nil {
		t.Fatal(err)
	}
	r := w.read("")
	if len(r.Errs) == 0 || !strings.Contains(r.Errs[0].Error(), "risks/a.yaml:1:1: the repository does not hold its bytes") {
		t.Errorf("got %v", r.Errs)
	}
	if len(r.ByType("vendor")) == 0 {
		t.Error("the vendors were not read")
	}
}

// TestAlteredPage: bytes that are not those of their blob are refused.
func TestAlteredPage(t *testing.T) {
	w := newWorkspace(t)
	w.commit(day(2, 1), map[string]string{"risks/a.yaml": "title: A"})
	r := w.read("")
	p := r.Pages[0]
	p.Body = []byte(strings.Replace(string(p.Body), "title: A", "title: B", 1))
	items, err := normalize(nil, p)
	if len(items) != 0 || err == nil || !strings.Contains(err.Error(), "its bytes are not those of blob") {
		t.Errorf("got %d items, %v", len(items), err)
	}
}
