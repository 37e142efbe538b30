package web

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tieout/access"
)

func TestSayStart(t *testing.T) {
	for _, c := range []struct {
		done, all int
		want      string
	}{
		{0, 8, "Four questions decide what is examined; then 8 steps to the first list of gaps and the people who close them."},
		{1, 8, "One step is done, seven are left."},
		{6, 8, "Six steps are done, two are left."},
		{7, 8, "One step is left."},
		{8, 8, "Everything a start needs is done. From here on the period's own screens say what is due."},
	} {
		if got := sayStart(c.done, c.all); got != c.want {
			t.Errorf("%d of %d: got %q, want %q", c.done, c.all, got, c.want)
		}
	}
}

func TestScopeSay(t *testing.T) {
	for _, c := range []struct {
		s    scope
		want string
	}{
		{scope{Criteria: 1, Testable: 0, More: 0}, "1 criterion applies. No control can be tested with what is connected."},
		{scope{Criteria: 1, Testable: 1, More: 1}, "1 criterion applies. 1 control can be tested with what is connected; one more waits for a source or a person."},
		{scope{Criteria: 33, Testable: 12, More: 40}, "33 criteria apply. 12 controls can be tested with what is connected; 40 more wait for a source or a person."},
	} {
		if got := c.s.Say(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestSayConnect(t *testing.T) {
	for got, want := range map[string]string{
		sayTrial(0, 0, false):            "Nothing was given, so there is nothing to connect. Nothing was kept.",
		sayTrial(0, 0, true):             "It gave nothing in the time a trial has: the address does not answer, or answers too slowly. Check the address. Nothing was kept.",
		sayTrial(1, 1, false):            "It can be read. Nothing was kept.",
		sayTrial(1, 0, false):            "Nothing of it can be read, for the reasons below. Nothing was kept.",
		sayTrial(3, 3, true):             "All three kinds of what it gives can be read; the trial ended before all was read. Nothing was kept.",
		sayTrial(3, 1, false):            "1 of 3 kinds of what it gives can be read; the rest will be gaps in evidence, for the reasons below. Nothing was kept.",
		sayKinds(45, 45, ""):             "45 kinds of source can be read, each with the least permission it needs. Nothing is ever written to them.",
		sayKinds(1, 45, "x"):             `1 kind of 45 matches "x".`,
		sayKinds(2, 45, "x"):             `2 kinds of 45 match "x".`,
		sayConnect(0):                    "It reads only, and asks nobody for a permission. Try it first: nothing is kept until you connect it.",
		sayConnect(1):                    "It reads only, with the one permission below. Try it first: nothing is kept until you connect it.",
		sayConnect(4):                    "It reads only, with the 4 permissions below. Try it first: nothing is kept until you connect it.",
		sayRemove("hr", 1, "1 Apr 2026"): "What hr gave stays sealed and goes on counting. From 1 Apr 2026 on nothing is read from it, so tests that rest on it find no evidence for the days after, and one control cannot be tested any more.",
		sayList(1, 1, "account"):         "The file has 1 column of 1 account. Say what they mean; what is not named is not read.",
		sayTriedList(1, "account"):       "The list can be read as you say, with 1 account. Nothing is kept until you connect it.",
		sayTriedList(20, "person"):       "The list can be read as you say, with 20 people. Nothing is kept until you connect it.",
		sayList(20, 5, "person"):         "The file has 5 columns of 20 people. Say what they mean; what is not named is not read.",
		sayKinds(0, 45, "fax"):           `No kind of source is called "fax". Whatever can export a list can be read as a file.`,
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestLineDiff(t *testing.T) {
	for _, c := range []struct{ name, a, b, want string }{
		{"the same", "a\nb\n", "a\nb\n", ""},
		{"one line", "a\nb\nc\nd\ne\nf\n", "a\nb\nc\nd\nX\nf\n", "--- a/f\n+++ b/f\n@@ -2,5 +2,5 @@\n b\n c\n d\n-e\n+X\n f\n"},
		{"a new file", "", "a\n", "--- a/f\n+++ b/f\n@@ -1,0 +1,1 @@\n+a\n"},
		{"one in between", "a\nb\n", "a\nx\nb\n", "--- a/f\n+++ b/f\n@@ -1,2 +1,3 @@\n a\n+x\n b\n"},
	} {
		if got := lineDiff("f", c.a, c.b); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

// answers are the four questions answered, with changes.
func answers(base string, change ...string) []string {
	out := []string{"base", base, "name", "Acme", "system", "Acme Cloud", "zone", "UTC", "category", "A", "report", "2", "first", "2026-01-01", "last", "2026-12-31", "asof", "2026-12-31", "do", "save"}
	for i := 0; i+1 < len(change); i += 2 {
		for j := 0; j+1 < len(out); j += 2 {
			if out[j] == change[i] {
				out[j+1] = change[i+1]
			}
		}
	}
	return out
}

func TestStart(t *testing.T) {
	w := newWorld(t)
	v := w.serve()
	page := v.page("/start")
	if strings.Contains(page, evil) {
		t.Error("markup came out as it is")
	}
	if !strings.Contains(v.page("/period/2026-03"), `href="/start"`) {
		t.Error("a period where nothing was tested does not lead to the start")
	}
	base := baseOf(page)
	before, err := os.ReadFile(filepath.Join(w.dir, "tieout.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		change []string
		code   int
		want   string
	}{
		{"preview", []string{"do", "preview"}, 200, "period 2026-03 2026-03-01 to 2026-03-31 -&gt; 2026-01-01 to 2026-12-31"},
		{"an unknown zone", []string{"zone", "Mars/Olympus"}, 422, "tieout.yaml:"},
		{"the wrong way round", []string{"first", "2027-01-01"}, 422, "tieout.yaml:"},
		{"no name", []string{"name", " "}, 422, "organization"},
		{"two lines", []string{"system", "a\nb"}, 422, "one line"},
		{"from an older page", []string{"base", "sha256:0"}, 409, "somebody has changed"},
	} {
		got := v.post("/start", answers(base, c.change...)...)
		if body := strings.ToLower(got.Body.String()); got.Code != c.code || !strings.Contains(body, strings.ToLower(c.want)) {
			t.Errorf("%s: got %d, want %d and %q\n%s", c.name, got.Code, c.code, c.want, got.Body)
		}
	}
	if now, err := os.ReadFile(filepath.Join(w.dir, "tieout.yaml")); err != nil || string(now) != string(before) {
		t.Fatalf("what was refused was written (%v):\n%s", err, now)
	}
	if got := v.post("/start", answers(base)...); got.Code != http.StatusSeeOther {
		t.Fatalf("set up: %d\n%s", got.Code, got.Body)
	}
	page = v.page("/start")
	for _, want := range []string{"Set up, as revision 2", `value="Acme Cloud"`, `value="2026-12-31"`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	p := w.open("", false)
	defer w.close(p)
	rev, err := p.Store.NewestRevision(t.Context())
	if err != nil || rev.Actor.Name != v.account || rev.Number != 2 {
		t.Errorf("revision %d by %s, %v; want 2 by %s", rev.Number, rev.Actor.Name, err, v.account)
	}
	if p.Def.Config.Ledger.Origin == "tieout.local/acme" {
		t.Error("the log was renamed with the organization")
	}
}

func TestStartInGit(t *testing.T) {
	w := newWorld(t)
	v := w.serve()
	base := baseOf(v.page("/start"))
	if err := os.Mkdir(filepath.Join(w.dir, ".git"), 0o755); err != nil {
		t.Fatal(err)
	}
	got := v.post("/start", answers(base)...)
	if body := got.Body.String(); got.Code != 200 || !strings.Contains(body, "lives in git: open a change") || !strings.Contains(body, "Acme Cloud") || !strings.Contains(body, "--- a/tieout.yaml") {
		t.Errorf("got %d\n%s", got.Code, body)
	}
	if text, err := os.ReadFile(filepath.Join(w.dir, "tieout.yaml")); err != nil || strings.Contains(string(text), "Acme Cloud") {
		t.Errorf("it was written, or %v", err)
	}
}

func TestStartNeedsALead(t *testing.T) {
	w := newWorld(t)
	s := w.server()
	v := w.visit(s, "boss", access.Grant{Role: access.Administrator, Scope: access.ScopeWorkspace})
	page := v.page("/start")
	if !strings.Contains(page, "A compliance lead answers these") || strings.Contains(page, ">Set up<") {
		t.Error("who administers alone could set up, or is not told who does")
	}
	if got := v.post("/start", answers(baseOf(page))...); got.Code != http.StatusForbidden {
		t.Errorf("set up without the role: %d", got.Code)
	}
	reader := w.visit(s, "reader", access.Grant{Role: access.Reader, Scope: access.ScopeWorkspace})
	if page := reader.page("/start"); strings.Contains(page, ">Set up<") {
		t.Error("a reader could set up")
	}
}

// baseOf is the revision a form was made from.
func baseOf(page string) string {
	_, after, _ := strings.Cut(page, `name="base" value="`)
	value, _, _ := strings.Cut(after, `"`)
	return value
}

// TestStartStaysWhileStepsAreOpen: after the first test Start keeps its place in
// the side bar until its last step is done.
func TestStartStaysWhileStepsAreOpen(t *testing.T) {
	w := newWorld(t).tested()
	lead := w.visit(w.server(), "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	if page := lead.page("/"); !strings.Contains(page, `<a href="/start">Start</a>`) {
		t.Errorf("steps are open and the side bar has no start\n%s", page)
	}
	if page := lead.page("/start"); strings.Contains(page, "Everything a start needs is done") {
		t.Error("the world of this test has no step open: the test says nothing")
	}
	if n := len(rails); n > 17 {
		t.Errorf("the side bar has %d entries, at most 17 fit", n)
	}
}

// TestNextPeriod: the period after the last is added beside it; the days of one that
// was tested over change with a reason alone.
func TestNextPeriod(t *testing.T) {
	w := newWorld(t).tested()
	v := w.visit(w.server(), "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	page := v.page("/start")
	for _, want := range []string{"Next period", `name="next-first" type="date" required value="2026-04-01"`, `value="2026-04-30"`, "It was tested over", "Why the days change"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	base := baseOf(page)
	next := func(change ...string) []string {
		form := map[string]string{"base": base, "next-first": "2026-04-01", "next-last": "2026-04-30", "next-report": "2", "period-name": ""}
		for i := 0; i+1 < len(change); i += 2 {
			form[change[i]] = change[i+1]
		}
		var out []string
		for k, v := range form {
			out = append(out, k, v)
		}
		return out
	}
	for _, c := range []struct {
		name string
		form []string
		path string
		code int
		want string
	}{
		{"days of the period before", next("next-first", "2026-03-31"), "/start/period", 422, "begins on 2026-04-01 or later"},
		{"two lines for a name", next("period-name", "a\nb"), "/start/period", 422, "one line"},
		{"from an older page", next("base", "sha256:0"), "/start/period", 409, "somebody has changed"},
		{"other days without a reason", answers(base, "first", "2026-03-01", "last", "2026-03-30"), "/start", 422, "say why"},
	} {
		if got := v.post(c.path, c.form...); got.Code != c.code || !strings.Contains(strings.ToLower(got.Body.String()), c.want) {
			t.Errorf("%s: got %d, want %d and %q\n%s", c.name, got.Code, c.code, c.want, mainOf(got))
		}
	}
	if got := v.post("/start/period", next()...); got.Code != http.StatusSeeOther {
		t.Fatalf("add: %d\n%s", got.Code, mainOf(got))
	}
	page = v.page("/start")
	for _, want := range []string{"The period 2026-04-01 to 2026-04-30 is added", `name="next-first" type="date" required value="2026-05-01"`, "How the periods came to be"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	if got := v.post("/start", append(answers(baseOf(page), "first", "2026-04-02", "last", "2026-04-30"), "why", "nothing runs on the first of April")...); got.Code != http.StatusSeeOther {
		t.Fatalf("with a reason: %d\n%s", got.Code, mainOf(got))
	}
	page = v.page("/start")
	for _, want := range []string{"Why: nothing runs on the first of April", "No period holds 1 Apr 2026 to 1 Apr 2026"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	if page := v.page("/readiness?period=2026-03"); !strings.Contains(page, "No period holds 2026-04-01 to 2026-04-01") {
		t.Error("readiness does not name the day that no period holds")
	}
}
