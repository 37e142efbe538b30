package web

import (
	"net/http"
	"strings"
	"testing"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/sample"
)

// controlled is accepted, with two controls of the client's here.
func (w *firmWorld) controlled() *firmWorld {
	w.t.Helper()
	w.accepted()
	receiver := access.Subject{Workspace: access.Firm, Kind: audit.ActorConnector, Account: "exchange"}
	set := engagement.ControlSet{Definitions: "abc", Controls: []audit.Control{
		{ID: "CHG-01", Title: "Review " + evil, Description: "Changes are reviewed.", Criteria: []string{"CC8.1"}, Frequency: "per event", Tests: "Inspect the review of each change"},
		{ID: "IAM-06", Title: "Leavers", Description: "Access ends.", Criteria: []string{"CC6.2"}, Frequency: "per event", Tests: "Inspect the removal"},
	}, Tests: []engagement.ClientTest{}}
	if err := w.s.files.TakeControls(w.t.Context(), receiver, "EN-1", set, 0); err != nil {
		w.t.Fatal(err)
	}
	return w
}

// TestPlanFromProposals: proposed tests are taken over one by one or all, edited,
// changed with a reason, and dropped.
func TestPlanFromProposals(t *testing.T) {
	w := newFirmWorld(t).controlled()
	v, at := w.partner, "/engagements/EN-1/plan"
	page := v.page(at)
	holdPage(t, at, page)
	holds(t, page, "No test is planned; 6 tests are proposed", "Plan all 6", "T-CHG-01-1", "No table of sample sizes is in force")
	if got := v.post(at + "/take"); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("nothing chosen: %d", got.Code)
	}
	page = v.went(v.post(at+"/take", "take", "T-CHG-01-3"))
	holds(t, page, "1 test is planned and 5 more are proposed; reliance is not fixed for 1 control.", "/engagements/EN-1/tests/T-CHG-01-3")
	holdPage(t, at+"/T-IAM-06-3", v.page(at+"/T-IAM-06-3"))
	edited := []string{"control", "IAM-06", "phase", "operation", "kind", "inspection", "text", "Inspected each removal " + evil, "attributes", "A | It ended in time. | access.leavers\nB | Nobody used it.", "population", "yes", "criteria", "CC6.2", "revision", "0"}
	holds(t, v.went(v.post(at+"/T-IAM-06-3", edited...)), "Inspected each removal", "computed by access.leavers")
	if got := v.post(at+"/T-IAM-06-3", append(edited[:len(edited)-1], "1")...); got.Code != http.StatusUnprocessableEntity || !strings.Contains(got.Body.String(), "says why") {
		t.Errorf("changed without a reason: %d\n%s", got.Code, got.Body)
	}
	v.went(v.post(at+"/T-IAM-06-3", append(edited[:len(edited)-1], "1", "why", "clearer")...))
	page = v.went(v.post(at+"/T-IAM-06-3/drop", "why", "The control was replaced "+evil, "revision", "2"))
	holds(t, page, "Dropped: The control was replaced")
	holds(t, v.went(v.post(at+"/take", "take", "all")), "5 tests are planned")
	staff := w.visit(w.s, "stef", access.Grant{Role: access.Staff, Scope: access.ScopeEngagement, Object: "EN-1"})
	if got := staff.post(at+"/take", "take", "all"); got.Code != http.StatusForbidden {
		t.Errorf("staff plans: %d", got.Code)
	}
	if page := staff.page(at); strings.Contains(page, "Fix it") || strings.Contains(page, "Write a test") {
		t.Error("staff is shown what they may not do")
	}
}

// TestPlanRests: reliance with its reason, the firm's table of sizes, the texts.
func TestPlanRests(t *testing.T) {
	w := newFirmWorld(t).planned()
	v, at := w.partner, "/engagements/EN-1/plan"
	holds(t, v.page(at+"/new"), "Nothing is planned until you keep it")
	if got := v.post(at+"/reliance", "control", "CHG-01", "mode", "items at source", "why", "", "rev-CHG-01", "0"); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("reliance without a reason: %d", got.Code)
	}
	holds(t, v.page(at), `name="rev-CHG-01" value="0"`)
	if got := v.post(at+"/reliance", "control", "CHG-01", "mode", "items at source", "why", "Kept by the system itself."); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("reliance from a form without its revision: %d", got.Code)
	}
	holds(t, v.went(v.post(at+"/reliance", "control", "CHG-01", "mode", "items at source", "why", "Kept by the system itself.", "rev-CHG-01", "0")), "no table of sample sizes is in force")
	if got := v.post(at+"/reliance", "control", "CHG-01", "mode", string(engagement.WholeLogic), "why", "From a page of before.", "rev-CHG-01", "0"); got.Code != http.StatusConflict {
		t.Errorf("reliance from a page that somebody's act has overtaken: %d", got.Code)
	}
	if got := v.postFile(at+"/sizes", "file", "sizes.yaml", "what: ever\n", "revision", "0"); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("a table that is none: %d\n%s", got.Code, got.Body)
	}
	holds(t, v.page(at), "Put the example in force", "No table of sample sizes is in force")
	page := v.went(v.post(at+"/example", "revision", "0"))
	holds(t, page, "an example that no firm has adopted")
	if strings.Contains(page, "Put the example in force") {
		t.Error("the example is offered once a table is in force")
	}
	holds(t, v.went(v.postFile(at+"/sizes", "file", "sizes.yaml", string(sample.ExampleTable()), "revision", "1")), "version 2", "an example that no firm has adopted")
	got := v.post(at, "risks", "Leavers | T-NONE", "materiality", "Kept words "+evil, "revision", "0")
	if got.Code != http.StatusNotFound && !strings.Contains(got.Body.String(), "Kept words") {
		t.Errorf("a risk with a test there is not: %d\n%s", got.Code, got.Body)
	}
	holds(t, v.went(v.post(at, "risks", "Leavers | T-CHG-01-1", "materiality", "Words "+evil, "revision", "0")), "Leavers | T-CHG-01-1")
}

func TestSayPlan(t *testing.T) {
	for _, c := range []struct {
		planned, proposed, sampled, open, controls int
		sizes, want                                string
	}{
		{0, 0, 0, 0, 0, "", "No test is planned, and the client has not sent its controls yet."},
		{0, 1, 0, 0, 4, "", "No test is planned; 1 test is proposed from the client's controls."},
		{1, 0, 0, 0, 4, "", "1 test is planned."},
		{9, 3, 2, 1, 4, "", "9 tests are planned and 3 more are proposed; reliance is not fixed for 1 control."},
		{9, 0, 2, 0, 4, "", "9 tests are planned; no table of sample sizes is in force."},
		{9, 0, 2, 0, 4, "firm", "9 tests are planned."},
	} {
		if got := sayPlan(c.planned, c.proposed, c.sampled, c.open, c.controls, c.sizes); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// TestPlanShowsVersions: a control whose text changed in the period shows both
// versions, and which has no test of operation.
func TestPlanShowsVersions(t *testing.T) {
	w := newFirmWorld(t).controlled()
	set := engagement.ControlSet{Definitions: "abd", Controls: []audit.Control{
		{ID: "CHG-01", Title: "Review", Description: "Reviewed by anybody.", Criteria: []string{"CC8.1"}, Effective: audit.Effective{To: "2026-06-30"}},
		{ID: "CHG-01", Title: "Review", Description: "Reviewed by another person.", Criteria: []string{"CC8.1"}, Effective: audit.Effective{From: "2026-07-01"}},
	}, Tests: []engagement.ClientTest{}}
	receiver := access.Subject{Workspace: access.Firm, Kind: audit.ActorConnector, Account: "exchange"}
	if err := w.s.files.TakeControls(t.Context(), receiver, "EN-1", set, 0); err != nil {
		t.Fatal(err)
	}
	page := w.partner.page("/engagements/EN-1/plan")
	holdPage(t, "/engagements/EN-1/plan", page)
	holds(t, page, "Controls that changed in the period", "In force from 1 Jul 2026", "Reviewed by anybody.", "No test of operation of the version in force from")
	holds(t, w.partner.page("/engagements/EN-1/conclusions/control:CHG-01"), "Versions in the period", "Reviewed by another person.")
}

// TestHub: the page of an engagement leads to every part of its file and says how
// far each is, and so does the firm's first page lead there.
func TestHub(t *testing.T) {
	w := gridOpened(t, 20, 3)
	page := w.manager.page("/engagements/EN-1")
	holdPage(t, "/engagements/EN-1", page)
	holds(t, page, "1 test planned", "1 population frozen, 1 accepted", "1 sample drawn", "0 of 1 workpaper is signed off", "None stands", "0 of 46 conclusions are written", "0 of 3 parts are written and signed")
	home := w.manager.page("/")
	for _, part := range []string{"plan", "requests", "populations", "samples", "findings", "conclusions", "opinion"} {
		if want := `href="/engagements/EN-1/` + part + `"`; !strings.Contains(page, want) || !strings.Contains(home, want) {
			t.Errorf("%s is not led to", want)
		}
	}
	holds(t, w.staff.page(gridAddress), `<h2>Tests</h2>`, `aria-current="page">T-CHG-01-1 <span class="cnt">0/12</span>`)
}
