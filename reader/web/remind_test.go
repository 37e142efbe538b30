package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/program"
)

// TestRemind: a compliance lead reminds whoever has a task, once a day; nobody
// else can, and it comes in nobody's way.
func TestRemind(t *testing.T) {
	w := scheduled(t)
	s := w.server()
	lead := w.visit(s, "lead", grant(access.ComplianceLead))
	owner := w.visit(s, "owner", access.Grant{Role: access.ControlOwner, Scope: access.ScopeControl, Object: "GOV-02"}, grant(access.Employee))
	const task, remind = "/me/work/board.meeting@2026-Q1", "/tasks/board.meeting@2026-Q1/remind"
	if page := lead.page(task); strings.Contains(page, remind) {
		t.Error("a task that nobody has can be reminded of")
	}
	wants(t, lead.post(remind), http.StatusUnprocessableEntity, "assign it first")
	wants(t, lead.post("/tasks/board.meeting@2026-Q1/assign", "to", "owner@example.com", "revision", "0"), http.StatusSeeOther)
	if page := lead.page("/tasks"); !strings.Contains(page, remind) {
		t.Error("the list offers no reminder")
	}
	wants(t, owner.post(remind), http.StatusForbidden)
	form := owner.page(task) // opened before the reminder, answered after it
	if strings.Contains(form, remind) {
		t.Error("who has it is offered to remind")
	}
	wants(t, lead.post(remind), http.StatusSeeOther, task)
	if page := lead.page(task); strings.Contains(page, `action="`+remind) || !strings.Contains(page, "Reminded on 10 Mar 2026 by") {
		t.Error("the task does not say that it was reminded of, or offers it once more")
	}
	if page := owner.page("/me/work"); !strings.Contains(page, "Reminded on 10 Mar 2026 by") {
		t.Error("who has it is not told on their own page")
	}
	again := lead.post(remind)
	if again.Code < 400 || !strings.Contains(again.Body.String(), "once a day is enough") {
		t.Errorf("twice on a day: %d\n%s", again.Code, again.Body)
	}
	wants(t, owner.post(task+"/not-mine", "why", "the CEO does", "revision", "1"), http.StatusSeeOther)
}

func TestSayReminded(t *testing.T) {
	for _, c := range []struct {
		name  string
		times int
		want  string
	}{
		{"once", 1, "Reminded on 10 Mar 2026 by Lea"},
		{"three times", 3, "Reminded on 10 Mar 2026 by Lea, 3 times in all"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := sayReminded(program.Reminder{Times: c.times, At: time.Time{}}, "Lea", "10 Mar 2026"); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
