package api

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/period"
)

// scheduled is a workspace whose board meets each quarter.
func scheduled(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: filepath.Join(t.TempDir(), "acme"), at: time.Date(2026, 3, 10, 9, 0, 0, 0, time.UTC)}
	for name, text := range map[string]string{
		"tieout.yaml":          "organization: { name: Acme, system: Ledger, zone: UTC, categories: [S] }\nperiod: { name: \"2026\", first: 2026-01-01, last: 2026-12-31 }\n",
		"controls/own.yaml":    "controls:\n  - use: GOV-02\n    owner: CEO\n",
		"procedures/own.yaml":  "use: starter\n",
		"sources/program.yaml": "kind: program\n",
	} {
		path := filepath.Join(w.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p, err := period.Open(t.Context(), w.dir, options("", true, w.now))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	w.serve()
	return w
}

// TestRemindTask: a program with the right to manage tasks reminds whoever has
// one, once a day; where nobody has it, there is nobody to remind.
func TestRemindTask(t *testing.T) {
	w := scheduled(t)
	lead := w.lead()
	owner := w.as("owner", access.Grant{Role: access.ControlOwner, Scope: access.ScopeControl, Object: "GOV-02"}, access.Grant{Role: access.Employee, Scope: access.ScopeOwn})
	const task = "/tasks/board.meeting@2026-Q1"
	if got := want(t, "a task nobody has", lead.send("POST", task+"/reminders", ""), http.StatusUnprocessableEntity); !strings.Contains(fmt.Sprint(got["detail"]), "assign it first") {
		t.Errorf("%v", got)
	}
	want(t, "assigning", lead.send("PUT", task+"/owner", `{"account":"`+owner.account+`"}`, "If-Match", `"0"`), http.StatusOK)
	want(t, "their own reminder", owner.send("POST", task+"/reminders", ""), http.StatusForbidden)
	got := want(t, "a reminder", lead.send("POST", task+"/reminders", ""), http.StatusOK)
	if in(got, "result", "to") != owner.account || in(got, "result", "times") != float64(1) || in(got, "result", "sent") != false {
		t.Errorf("%v", got)
	}
	if got := want(t, "twice on a day", lead.send("POST", task+"/reminders", ""), http.StatusConflict); !strings.Contains(fmt.Sprint(got["detail"]), "once a day is enough") {
		t.Errorf("%v", got)
	}
	want(t, "no such task", lead.send("POST", "/tasks/none@2026/reminders", ""), http.StatusNotFound)
}
