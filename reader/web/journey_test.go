package web

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tieout/definition"
	"tieout/reader/jobs"
)

// TestNewCompany goes from an empty folder to the first list of gaps with
// nothing but the browser, and counts what a person does.
func TestNewCompany(t *testing.T) {
	w := &world{t: t, dir: t.TempDir(), at: time.Date(2026, 4, 1, 6, 0, 0, 0, time.UTC)}
	if _, err := definition.Scaffold(w.dir, definition.Answers{Name: "Acme", First: "2026-01-01", Last: "2026-12-31", Now: w.at}); err != nil {
		t.Fatal(err)
	}
	p := w.open("", true)
	if _, _, err := p.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.close(p)
	s, steps := w.server(), 0
	v := w.browser(s)
	step := func(what string, code int, ok bool, body string) {
		t.Helper()
		if steps++; !ok {
			t.Fatalf("step %d, %s: %d\n%s", steps, what, code, body)
		}
	}
	got := v.post("/setup", "key", linkKey, "name", "Ana Silva", "email", "ana@acme.example", "password", password, "again", password, "lead", "yes")
	step("make the first account", got.Code, got.Code == http.StatusSeeOther, got.Body.String())
	page := v.page("/start")
	form := filled(page)
	form.Set("system", "Acme Cloud")
	form.Set("report", "2")
	got = v.post("/start", append(pairsOf(form), "do", "save")...)
	step("answer the four questions", got.Code, got.Code == http.StatusSeeOther, got.Body.String())
	if text, err := os.ReadFile(filepath.Join(w.dir, "sources", "program.yaml")); err != nil || !strings.Contains(string(text), "kind: program") {
		t.Errorf("what is confirmed on the screens is read by no source: %v\n%s", err, text)
	}
	got = v.imports(t, "person", hrList)
	step("bring the list of people", got.Code, got.Code == http.StatusSeeOther, got.Body.String())
	got = v.imports(t, "account", userList, "system", "crm")
	step("bring the list of accounts", got.Code, got.Code == http.StatusSeeOther, got.Body.String())
	got = v.post("/jobs", "kind", jobs.CollectCheck, "source", "people", "source", "accounts")
	step("read and test", got.Code, got.Code == http.StatusSeeOther, got.Body.String())
	if err := jobs.Run(t.Context(), jobs.Options{Open: w.opener(), Once: true, AtOnce: 1}); err != nil {
		t.Fatal(err)
	}
	job := v.page(got.Header().Get("Location"))
	if !regexp.MustCompile(`tests? (was|were) run`).MatchString(job) {
		t.Fatalf("nothing was tested:\n%s", job)
	}
	page = ""
	for range 100 { // the page before may be shown while the next is made
		if page = v.page("/readiness"); strings.Contains(page, "IAM-") && !strings.Contains(page, "Nothing was tested yet") {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	step("open the list of gaps", 200, strings.Contains(page, "IAM-") && !strings.Contains(page, "Nothing was tested yet"), page)
	if steps != 6 {
		t.Errorf("it took %d steps; want 6", steps)
	}
	if page := v.page("/deviations"); !strings.Contains(page, "ben") {
		t.Errorf("the leaver's account is not found:\n%s", page)
	}
}
