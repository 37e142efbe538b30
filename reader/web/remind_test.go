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

// TestRemindOnPerson: the page of a person lists what they have to do now, and
// reminds them of it.
func TestRemindOnPerson(t *testing.T) {
	w := scheduled(t)
	w.collect()
	s := w.server()
	lead := w.visit(s, "lead", grant(access.ComplianceLead))
	owner := w.visit(s, "owner", access.Grant{Role: access.ControlOwner, Scope: access.ScopeControl, Object: "GOV-02"}, grant(access.Employee))
	const person, remind = "/people/hr%2F3", "/tasks/board.meeting@2026-Q1/remind"
	lead.link(owner.account, "hr/3")
	if page := lead.page(person); strings.Contains(page, "Asked of them now") {
		t.Error("a task that nobody has is asked of them")
	}
	wants(t, lead.post("/tasks/board.meeting@2026-Q1/assign", "to", "owner@example.com", "revision", "0"), http.StatusSeeOther)
	wantTexts(t, lead.page(person), "Asked of them now", `action="`+remind+`"`)
	if page := owner.page(person); strings.Contains(page, remind) {
		t.Error("they are offered to remind themselves")
	}
	if got := lead.post(remind, "back", person); got.Code != http.StatusSeeOther || got.Header().Get("Location") != person {
		t.Fatalf("remind: %d, to %q", got.Code, got.Header().Get("Location"))
	}
	page := lead.page(person)
	wantTexts(t, page, "Reminded on 10 Mar 2026 by", "sees it on their own page")
	if strings.Contains(page, remind) {
		t.Error("it is offered once more on the same day")
	}
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
