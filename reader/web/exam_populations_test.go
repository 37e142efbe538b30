package web

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/reader/jobs"
	"tieout/store"
	"tieout/worker"
)

var hiddenWhat = regexp.MustCompile(`name="n" value="(\d+)"><input type="hidden" name="what" value="([^"]*)"`)

// freezeForm are the fields of the form that freezes, with every open line
// explained.
func freezeForm(page, round string) []string {
	out := []string{"procedure", examProcedure, "round", round}
	for _, m := range hiddenWhat.FindAllStringSubmatch(page, -1) {
		out = append(out, "n", m[1], "what", m[2], "why-"+m[1], "the export holds the whole month "+evil)
	}
	return out
}

// oneDayOfAccounts leaves the accounts of a company read for one day of the month:
// what is not seen of the others does not add up.
func oneDayOfAccounts(w *world) {
	w.t.Helper()
	yaml, err := os.ReadFile(filepath.Join(w.dir, "sources", "okta.yaml"))
	gridCheck(w.t, err)
	w.write("sources/okta.yaml", strings.NewReplacer("accounts-2026-03.csv", "accounts-2026-03-20.csv", `(\\d{4}-\\d{2})`, `(\\d{4}-\\d{2}-\\d{2})`).Replace(string(yaml)))
	gridCheck(w.t, os.Rename(filepath.Join(w.dir, "okta", "accounts-2026-03.csv"), filepath.Join(w.dir, "okta", "accounts-2026-03-20.csv")))
	p := w.open("", false)
	defer w.close(p)
	_, _, err = p.Apply(w.t.Context())
	gridCheck(w.t, err)
}

// TestExamPopulations: what does not add up is explained before it is frozen; the
// auditor's word shows; what is frozen anew takes the place of the other.
func TestExamPopulations(t *testing.T) {
	w := newExamWorld(t, oneDayOfAccounts).asked()
	const at = "/examinations/EN-1/populations"
	mustHold(t, w.lead.page(at), "Nothing is frozen yet", "What can be frozen", examProcedure)
	if page := w.signer.page(at); strings.Contains(page, "What can be frozen") {
		t.Error("the signer is offered to freeze")
	}
	if got := w.signer.post(at+"/new", "procedure", examProcedure, "round", "1"); got.Code != http.StatusForbidden {
		t.Errorf("the signer freezes: %d", got.Code)
	}
	form := w.lead.page(at + "/new?procedure=" + examProcedure)
	fields := freezeForm(form, "1")
	if len(fields) == 4 {
		t.Fatalf("no line of completeness is open:\n%s", form)
	}
	if got := w.lead.post(at+"/new", "procedure", examProcedure, "round", "1", "what", "count at source"); got.Code != 422 || !strings.Contains(got.Body.String(), "ompleteness is open") {
		t.Errorf("a form that names a line without its number: %d", got.Code)
	}
	if got := w.lead.post(at+"/new", "procedure", examProcedure, "round", "1"); got.Code != 422 || !strings.Contains(got.Body.String(), "ompleteness is open") {
		t.Errorf("nothing explained: %d\n%s", got.Code, mainOf(got))
	}
	mustHold(t, form, "not add up and")
	if got := w.lead.post(at+"/new", "procedure", "none", "round", "1"); got.Code != 404 {
		t.Errorf("no such procedure: %d", got.Code)
	}
	if got := w.lead.post(at+"/new", append(fields[:2:2], append([]string{"round", ""}, fields[4:]...)...)...); got.Code != 422 {
		t.Errorf("no round: %d", got.Code)
	}
	if got := w.lead.post(at+"/new", fields...); got.Code != 303 {
		t.Fatalf("freeze: %d\n%s", got.Code, mainOf(got))
	}
	mustHold(t, w.lead.page(at+"/P-1"), "Explained", "the export holds the whole month", "Not looked at", "the auditor has not said anything of it yet", "Digest of its items")
	if got := w.signer.get(at + "/P-1/items"); got.Code != http.StatusForbidden {
		t.Errorf("items to the signer: %d", got.Code)
	}
	w.exchange()
	gridCheck(t, w.firm.s.files.QuestionPopulation(t.Context(), w.partner(), "EN-1", "P-1", "Where are the contractors? "+evil, w.firmBase("population:EN-1/P-1")))
	w.exchange()
	mustHold(t, w.lead.page(at), "1 population is frozen: 1 questioned.", "Where are the contractors?")
	mustHold(t, w.lead.page("/examinations/EN-1"), "1 population the auditor questions")
	again := w.lead.page(at + "/new?procedure=" + examProcedure)
	mustHold(t, again, `value="2"`, "P-1, round 1")
	if got := w.lead.post(at+"/new", append(freezeForm(again, "1"), "instead", "P-1")...); got.Code != 422 || !strings.Contains(got.Body.String(), "another round") {
		t.Errorf("the same round again: %d\n%s", got.Code, mainOf(got))
	}
	if got := w.lead.post(at+"/new", append(freezeForm(again, "2"), "instead", "P-1")...); got.Code != 303 {
		t.Fatalf("freeze anew: %d\n%s", got.Code, mainOf(got))
	}
	mustHold(t, w.lead.page(at), "2 populations are frozen: 1 not looked at, 1 superseded.")
	mustHold(t, w.lead.page(at+"/P-2"), "in the place of")
}

// TestFreezeJob: a job freezes for who asked while they still may, once however
// often it runs, and for nobody who may not.
func TestFreezeJob(t *testing.T) {
	w := newExamWorld(t).asked()
	form := w.lead.page("/examinations/EN-1/populations/new?procedure=" + examProcedure)
	f := jobs.Freezing{Engagement: "EN-1", Procedure: examProcedure, Round: "1", Explain: map[string]string{}}
	for _, m := range hiddenWhat.FindAllStringSubmatch(form, -1) {
		f.Explain[m[2]] = "the export holds the whole month"
	}
	employee := w.visit(w.s, "emil", access.Grant{Role: access.Employee, Scope: access.ScopeOwn})
	run := func(v *visitor, round string) worker.Job {
		t.Helper()
		q := jobs.QueueFor(w.s.home, "server", access.Subject{Workspace: access.Company, Kind: audit.ActorPerson, Account: v.account, Session: "S"})
		mine := f
		mine.Round = round
		j, _, err := jobs.Start(t.Context(), q, w.s.home.Def, jobs.Freeze, jobs.Payload{Freeze: &mine}, worker.By{Account: v.account, Name: "x"})
		gridCheck(t, err)
		gridCheck(t, jobs.Run(t.Context(), jobs.Options{Open: w.opener(), Once: true}))
		j, err = q.Job(t.Context(), j.ID)
		gridCheck(t, err)
		return j
	}
	if j := run(employee, "9"); j.State != store.JobFailed {
		t.Errorf("a job of an employee's: %s %s", j.State, j.Error)
	}
	if j := run(w.lead, "1"); j.State != store.JobDone {
		t.Fatalf("the job: %s %s", j.State, j.Error)
	}
	w.side(func(x *management.Side) {
		if len(x.Populations) != 1 || x.Populations["P-1"].By != w.lead.account {
			t.Errorf("populations %v", x.Populations)
		}
	})
	mustHold(t, w.lead.page("/jobs"), "Freeze "+examProcedure+" for EN-1, round 1")
	if got := w.lead.post("/jobs", "kind", jobs.Freeze); got.Code < 400 {
		t.Errorf("a freeze of nothing is asked for: %d", got.Code)
	}
}

// TestExamSamples: a released sample shows its items with their evidence, how it
// was drawn, and comes out the same when it is drawn again.
func TestExamSamples(t *testing.T) {
	w := newExamWorld(t).sampled()
	const at = "/examinations/EN-1/samples"
	mustHold(t, w.lead.page(at), "1 sample is released", "Random", "S-1")
	if items := w.lead.get("/examinations/EN-1/populations/P-1/items"); items.Code != 200 || strings.Count(items.Body.String(), `"id":`) != 2 {
		t.Errorf("items: %d %s", items.Code, items.Body)
	}
	page := w.lead.page(at + "/S-1")
	mustHold(t, page, "picked at random", "Committed in the firm's log", "tieout sample verify SAMPLE ITEMS --root ", "Draw again to check", "/evidence/E-", "has the evidence of these items")
	if strings.Contains(page, "not among the frozen items") {
		t.Error("an item is missing")
	}
	if got := w.lead.post(at + "/S-1/again"); got.Code != 303 {
		t.Errorf("draw again: %d\n%s", got.Code, mainOf(got))
	}
	mustHold(t, w.lead.page(at+"/S-1"), "the seed and every item are the same")
	if got := w.lead.get(at + "/S-9"); got.Code != 404 {
		t.Errorf("no such sample: %d", got.Code)
	}
	owner := w.visit(w.s, "owen", access.Grant{Role: access.ControlOwner, Scope: access.ScopeControl, Object: "IAM-02"})
	if got := owner.get(at + "/S-1"); got.Code != http.StatusForbidden {
		t.Errorf("a sample to a control owner: %d", got.Code)
	}
}

// TestExamFindings: an exception is responded to by who owns its control, as a
// draft that stays here and then for good.
func TestExamFindings(t *testing.T) {
	w := newExamWorld(t).found()
	const at = "/examinations/EN-1/findings"
	owner := w.visit(w.s, "owen", access.Grant{Role: access.ControlOwner, Scope: access.ScopeControl, Object: "IAM-02"})
	other := w.visit(w.s, "olga", access.Grant{Role: access.ControlOwner, Scope: access.ScopeControl, Object: "HR-02"})
	mustHold(t, w.lead.page(at), "1 exception is released; 1 has no final response of management.", "Access was not ended in time")
	mustHold(t, w.lead.page("/examinations/EN-1"), "1 exception without a final response")
	mustHold(t, owner.page(at), "X-1")
	mustHold(t, other.page(at), "No exception is of a control of yours.")
	if page := other.page(at); strings.Contains(page, "X-1") || strings.Contains(page, "Access was not") {
		t.Error("the exception is shown to the owner of HR-02")
	}
	for _, v := range []*visitor{other} {
		if got := v.get(at + "/X-1"); got.Code != http.StatusForbidden || strings.Contains(got.Body.String(), "account was left") {
			t.Errorf("to the owner of HR-02: %d", got.Code)
		}
		if got := v.post(at+"/X-1", "revision", "1", "as", "draft", "agrees", "yes"); got.Code != http.StatusForbidden {
			t.Errorf("the owner of HR-02 responds: %d", got.Code)
		}
	}
	if got := w.signer.post(at+"/X-1", "revision", "1", "as", "draft", "agrees", "yes"); got.Code != http.StatusForbidden {
		t.Errorf("the signer responds: %d", got.Code)
	}
	if page := w.signer.page(at + "/X-1"); strings.Contains(page, "Make it final") || !strings.Contains(page, "An account was left for a leaver") {
		t.Error("the signer's page")
	}
	page := owner.page(at + "/X-1")
	mustHold(t, page, "management has not responded", "An account was left for a leaver", "Keep as a draft")
	if strings.Contains(page, ">Make it final<") || strings.Contains(page, "checked>") {
		t.Error("an answer is chosen beforehand")
	}
	for _, c := range []struct {
		name   string
		pairs  []string
		status int
		want   string
	}{
		{"no word", []string{"revision", "1", "as", "draft"}, 422, "whether management agrees"},
		{"no button", []string{"revision", "1", "agrees", "yes"}, 422, "is kept as a draft"},
		{"final by who answers for it", []string{"revision", "1", "agrees", "yes", "as", "final", "cause", "c", "done", "d"}, 422, "a management signer makes it final"},
		{"draft", []string{"revision", "1", "agrees", "no", "as", "draft", "cause", "PLANTED-CAUSE " + evil}, 303, ""},
		{"old form", []string{"revision", "1", "agrees", "yes", "as", "draft", "cause", "x"}, 409, "changed since"},
		{"whole", []string{"revision", "2", "agrees", "yes", "as", "draft", "cause", "A list was incomplete.", "effect", "None was used.", "done", "Closed on 2 April 2026.", "status", "Closed", "owner", "Head of IT"}, 303, ""},
		{"after the final", []string{"revision", "4", "agrees", "yes", "as", "draft", "cause", "x"}, 409, "is final"},
	} {
		switch c.name {
		case "whole":
			mustHold(t, w.signer.page(at+"/X-1"), "PLANTED-CAUSE", "A final response states the cause and what was done.")
			if got := w.signer.post(at+"/X-1/final", "revision", "2"); got.Code != http.StatusConflict || !strings.Contains(got.Body.String(), "is not whole") {
				t.Errorf("final without what was done: %d", got.Code)
			}
		case "after the final":
			if got := owner.post(at+"/X-1/final", "revision", "3"); got.Code != http.StatusForbidden {
				t.Errorf("who answers for it makes it final: %d", got.Code)
			}
			mustHold(t, w.lead.page("/examinations/EN-1"), "1 drafted response for a signer to make final")
			mustHold(t, w.signer.page(at+"/X-1"), "A list was incomplete.", ">Make it final<")
			w.signer.went(w.signer.post(at+"/X-1/final", "revision", "3"))
		}
		if c.name == "old form" {
			w.exchange()
			mustHold(t, owner.page(at+"/X-1"), "PLANTED-CAUSE", "is a draft, of which the firm has nothing")
			w.file(func(_ *fieldwork.State, x *fieldwork.File) {
				if x.Findings["X-1"].Response != nil {
					t.Error("the firm has a draft of the response")
				}
			})
		}
		got := owner.post(at+"/X-1", c.pairs...)
		if got.Code != c.status || !strings.Contains(got.Body.String(), c.want) {
			t.Errorf("%s: %d, want %d with %q\n%s", c.name, got.Code, c.status, c.want, mainOf(got))
		}
	}
	w.exchange()
	w.file(func(_ *fieldwork.State, x *fieldwork.File) {
		if r := x.Findings["X-1"].Response; r == nil || !r.Final || r.Cause != "A list was incomplete." {
			t.Errorf("at the firm: %+v", r)
		}
	})
	mustHold(t, owner.page(at+"/X-1"), "response is final", "Closed on 2 April 2026.", "Head of IT")
}

// TestSayExamWork: sentences of populations, samples and exceptions.
func TestSayExamWork(t *testing.T) {
	p := &management.Frozen{Population: engagement.Population{ID: "P-1", Count: 9}}
	for _, c := range []struct{ got, want string }{
		{sayFrozen(0, nil, false), "The examination speaks of a date: nothing is frozen or sampled for it."},
		{sayFrozen(0, nil, true), "Nothing is frozen yet; an auditor draws only from what was frozen before anybody knew the sample."},
		{sayFrozen(1, map[string]int{"Accepted": 1}, true), "1 population is frozen: 1 accepted."},
		{sayFreezing("leavers", 1, 0, 0), "1 item was tested as leavers; no source gave a number of its own to compare with."},
		{sayFreezing("leavers", 4, 2, 0), "4 items were tested as leavers, and every number agrees with its source's own."},
		{sayFreezing("leavers", 4, 2, 1), "4 items were tested as leavers; 1 line does not add up and is explained first."},
		{sayPopulation(p), "It holds 9 items as they were frozen; the auditor has not said anything of it yet."},
		{sayExamSamples(0, 0), "No sample is released; which items are looked at, nobody here knows before."},
		{sayExamSamples(2, 30), "2 samples are released, with 30 items in all."},
		{sayExamSample(&engagement.Sample{Method: engagement.Systematic, Items: []string{"a"}}, p), "The auditor looks at 1 of 9 of P-1, picked at even distances."},
		{sayExamSample(&engagement.Sample{Method: engagement.EveryItem}, p), "The auditor looks at every item of P-1."},
		{sayExamFindings(0, 0, 0, true), "The auditor has released no exception."},
		{sayExamFindings(0, 0, 0, false), "No exception is of a control of yours."},
		{sayExamFindings(1, 0, 0, true), "1 exception is released; management's response to it is final."},
		{sayExamFindings(0, 0, 1, true), "No exception stands; 1 was withdrawn."},
		{sayExamFindings(1, 1, 2, true), "1 exception is released; 1 has no final response of management; 2 were withdrawn."},
		{sayExamFindings(3, 2, 0, true), "3 exceptions are released; 2 have no final response of management."},
		{sayExamFinding(&engagement.Finding{Control: "IAM-02", Items: []string{"a"}, Of: 15}, "Draft"), "The auditor found an exception in 1 of 15 items tested of IAM-02; management's response is a draft, of which the firm has nothing."},
		{sayExamFinding(&engagement.Finding{Control: "IAM-02"}, "Final"), "The auditor found an exception in IAM-02; management's response is final."},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// TestIDOf: the ID of a frozen line is found without decoding it, or it is decoded.
func TestIDOf(t *testing.T) {
	for line, want := range map[string]string{`{"at":"x","id":"a"}`: `"a"`, `{"id":"a\"b"}`: "", `{}`: "", `{"id":"a`: "", `{"id":""}`: `""`} {
		if got := string(idOf([]byte(line))); got != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}
