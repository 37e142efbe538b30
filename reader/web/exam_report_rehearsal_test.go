package web

import (
	"net/http"
	"strings"
	"testing"

	"tieout/engagement"
	"tieout/examination"
)

// TestExamRehearsal: populations, sizes and texts are shown as facts, and a trial
// draw tells no result.
func TestExamRehearsal(t *testing.T) {
	w := newExamWorld(t)
	const at = "/readiness/rehearsal"
	page := w.lead.page(at)
	for _, want := range []string{examProcedure, "which no firm adopted", "Nothing is written yet", "These are facts of today"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	page = w.lead.page(at + "/" + examProcedure + "?risk=low")
	if !strings.Contains(page, "drawn to try it") || strings.Contains(page, "Deviation</td>") || !strings.Contains(page, `<option value="low" selected>`) {
		t.Errorf("the trial\n%s", page)
	}
	for _, path := range []string{at + "/no.such", at + "/" + examProcedure + "?risk=extreme"} {
		if got := w.lead.get(path); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
}

func TestSayRehearsal(t *testing.T) {
	full := examination.Rehearsed{Items: 3}
	open := examination.Rehearsed{Items: 3, Open: []engagement.Reconciled{{Here: "1", There: "2"}}}
	tests := []struct {
		name string
		r    examination.Rehearsal
		want string
	}{
		{"nothing", examination.Rehearsal{Over: true}, "The newest run tested nothing, so there is no population an auditor could ask for."},
		{"one that adds up", examination.Rehearsal{Over: true, Populations: []examination.Rehearsed{full}}, "1 population of the newest run: counts add up in each."},
		{"one of two does not", examination.Rehearsal{Over: true, Populations: []examination.Rehearsed{full, open}}, "2 populations of the newest run: 1 with counts that do not add up and that nobody explained."},
		{"one is empty", examination.Rehearsal{Over: true, Populations: []examination.Rehearsed{{}}}, "1 population of the newest run: counts add up in each; 1 is empty."},
		{"within the period", examination.Rehearsal{Populations: []examination.Rehearsed{full}}, "1 population of the newest run: counts add up in each. The run does not reach the end of the period, and none can be frozen before that."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := sayRehearsal(tt.r); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if got := sayTrialDraw(0, 0); got != "There is nothing to draw: the population is empty." {
		t.Errorf("got %q", got)
	}
}
