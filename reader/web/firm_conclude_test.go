package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/source/sourcetest/live"
)

const concludeChange = "/engagements/EN-1/conclusions/control:CHG-01"

// marked gives every cell a result, an exception where the client's test knows a
// deviation, looks at what was computed, and writes the exception. It returns how
// many items have one.
func (w *gridWorld) marked() (exceptions int) {
	w.t.Helper()
	ctx, staff, files := w.t.Context(), w.asStaff(), w.s.files
	var rows []string
	w.paper(func(p *fieldwork.Paper, _ *fieldwork.Test) { rows = slices.Clone(p.Rows) })
	gridCheck(w.t, files.OpenItem(ctx, staff, "EN-1", gridTest, rows...))
	d := fieldwork.FindingDraft{Test: gridTest, Nature: "approved by its author", Text: "A change was approved by its author.", Evaluation: "weighed"}
	for _, r := range rows {
		for _, a := range []string{"A", "B", "C", "D"} {
			v := fieldwork.Verdict{Mark: engagement.NoException, Evidence: []int64{1}}
			if a == "B" && strings.HasSuffix(r, "0") {
				v = fieldwork.Verdict{Mark: engagement.Exception, Note: "approved by its author", Evidence: []int64{1}}
				d.Cells = append(d.Cells, fieldwork.FindingCell{Item: r, Attribute: a})
			}
			gridCheck(w.t, files.Mark(ctx, staff, "EN-1", gridTest, fieldwork.Cell{Item: r, Attribute: a}, v, 0))
		}
	}
	gridCheck(w.t, files.Reveal(ctx, staff, "EN-1", gridTest))
	if len(d.Cells) > 0 {
		_, err := files.SetFinding(ctx, staff, "EN-1", "", d, 0)
		gridCheck(w.t, err)
	}
	return len(d.Cells)
}

// signedOff has a workpaper prepared and reviewed.
func (w *gridWorld) signedOff(test string) {
	w.t.Helper()
	digest := ""
	take := func(_ *fieldwork.State, f *fieldwork.File) error { digest = f.PaperDigest(test); return nil }
	gridCheck(w.t, w.s.files.ReadFile(w.t.Context(), "EN-1", take))
	gridCheck(w.t, w.s.files.Prepare(w.t.Context(), w.asStaff(), "EN-1", test, digest))
	gridCheck(w.t, w.s.files.ReadFile(w.t.Context(), "EN-1", take))
	gridCheck(w.t, w.s.files.Review(w.t.Context(), w.asManager(), "EN-1", test, digest))
}

// refused wants a form to be refused with words, and what was typed to stay.
func (v *visitor) refused(got, want string, target string, pairs ...string) string {
	v.t.Helper()
	r := v.post(target, pairs...)
	body := r.Body.String()
	if r.Code != http.StatusConflict && r.Code != http.StatusUnprocessableEntity {
		v.t.Errorf("%s: %d, want it refused", got, r.Code)
	}
	if !strings.Contains(strings.ToLower(body), strings.ToLower(want)) {
		v.t.Errorf("%s: it does not say %q:\n%s", got, want, body)
	}
	return body
}

const concludeButton = `<button class="btn primary">Conclude</button>`

// TestConclusionsInOrder: nothing is concluded before its workpapers are done, and
// nothing while a deviation outside the sample is open; the page says what is
// missing and has no button.
func TestConclusionsInOrder(t *testing.T) {
	w := gridOpened(t, 20, 3)
	m := w.manager
	say := []string{"outcome", "no exceptions noted", "design", "unable to conclude", "text", "Words of mine " + evil, "revision", "0"}
	shut := func(name, want string) {
		t.Helper()
		page := m.page(concludeChange)
		holdPage(t, concludeChange, page)
		if strings.Contains(page, concludeButton) || !strings.Contains(strings.ToLower(page), strings.ToLower(want)) {
			t.Errorf("%s: there is a button, or it is not said that %q:\n%s", name, want, page)
		}
		m.refused(name, want, concludeChange, say...)
	}
	shut("items without a result", "without results: "+gridTest+" (12 cells)")
	exceptions := w.marked()
	shut("not reviewed", "not reviewed: the workpapers of "+gridTest)
	w.signedOff(gridTest)
	shut("not looked for", "not looked for yet")
	known := gridAddress + "/known"
	holds(t, w.staff.page(known), "Nobody has looked outside the sample yet.", "Look over the whole population")
	holds(t, w.staff.went(w.staff.post(known+"/look")), "Attribute B, by change.review over P-1")
	w.staff.went(w.staff.post(known, "newref", "INC-7", "source", "the incident register", "text", "A change without review "+evil))
	shut("a known deviation that is open", "without a disposition")
	w.disposed(t)
	page := m.page(concludeChange)
	holdPage(t, concludeChange, page)
	holds(t, page, concludeButton, "3 of 3 sampled items tested, of a population of 20", "Signed off, version 1", "Rests on items at source", "No walkthrough and no test of design")
	if strings.Contains(page, " checked") || strings.Contains(page, " selected") || !strings.Contains(page, `maxlength="20000"></textarea>`) {
		t.Errorf("something is filled in before anybody chose it:\n%s", page)
	}
	right, wrong := "no exceptions noted", "exceptions noted"
	if exceptions > 0 {
		right, wrong = wrong, right
	}
	say[1] = wrong
	if got := m.refused("the wrong word", "exception", concludeChange, say...); !strings.Contains(got, "Words of mine &lt;") || !strings.Contains(got, `value="`+wrong+`" required`) {
		t.Errorf("what was typed is lost:\n%s", got)
	}
	say[1] = right
	m.refused("design without a test of it", "no walkthrough", concludeChange, append(append([]string{}, say...), "design", "suitably designed")[2:]...)
	if got := w.staff.post(concludeChange, say...); got.Code != http.StatusForbidden {
		t.Errorf("staff concludes: %d", got.Code)
	}
	page = m.went(m.post(concludeChange, say...))
	holds(t, page, "CHG-01 is concluded: "+right+".", "CC1.1")
	holds(t, m.page(concludeChange), "Concluded by Mika", "Words of mine &lt;")
	holds(t, m.page("/engagements/EN-1/conclusions"), "1 of 46 conclusions is written.")
	holds(t, m.page("/engagements/EN-1/conclusions?of=criteria&q=CC8.1"), "1 of 1 control is concluded")
	gridCheck(t, w.s.files.Reopen(t.Context(), w.asManager(), "EN-1", gridTest, "a late record"))
	holds(t, m.page("/engagements/EN-1/conclusions?left=yes"), "to be renewed since what they rest on changed", "It rests on an older version")
	if deficiencies := m.page("/engagements/EN-1/conclusions?of=deficiencies"); (exceptions > 0) != strings.Contains(deficiencies, "X-1") {
		t.Errorf("%d exceptions:\n%s", exceptions, deficiencies)
	}
}

// disposed has everything known outside the sample said to be none, by staff, and
// confirmed by the manager.
func (w *gridWorld) disposed(t *testing.T) {
	t.Helper()
	known := gridAddress + "/known"
	revision := func() string {
		n := int64(0)
		gridCheck(t, w.s.files.Read(t.Context(), func(s *fieldwork.State) error { n = s.Revision("known:EN-1/" + gridTest); return nil }))
		return fmt.Sprint(n)
	}
	page := w.staff.page(known)
	holdPage(t, known, page)
	holds(t, page, "INC-7", "Learned otherwise", "the incident register", "Say so of all")
	w.staff.refused("nothing ticked", "tick at least one", known+"/dispose", "as", "wrong test", "why", "none", "revision", revision())
	w.staff.refused("no reason", "why", known+"/dispose", "as", "wrong test", "why", "", "ref", "INC-7", "revision", revision())
	page = w.staff.went(w.staff.post(known+"/dispose", "as", "wrong population", "why", "It is of a test repository", "ref", "INC-7", "revision", revision()))
	holds(t, page, "To be confirmed: wrong population", "wait for a reviewer who did not say it")
	if !strings.Contains(page, "Say so of all 2") { // both were sampled where there is none
		t.Log("the draw took a deviation into the sample")
	} else {
		page = w.staff.went(w.staff.post(known+"/dispose", "all", "yes", "of", "B deviation", "as", "wrong test", "why", "It asked for too much", "revision", revision()))
	}
	if strings.Contains(page, "Say so of all 1") {
		w.staff.went(w.staff.post(known+"/dispose", "all", "yes", "as", "wrong test", "why", "It asked for too much", "revision", revision()))
	}
	if got := w.staff.post(known+"/confirm", "all", "yes", "revision", revision()); got.Code != http.StatusForbidden {
		t.Errorf("staff confirms: %d", got.Code)
	}
	holds(t, w.manager.page(known), "Confirm all")
	page = w.manager.went(w.manager.post(known+"/confirm", "all", "yes", "revision", revision()))
	holds(t, page, "confirmed by Mika", "disposed of")
}

// TestInquiryAloneConcludesNothing: a control that was only asked about can be
// concluded on as that nothing can be concluded, and as nothing else.
func TestInquiryAloneConcludesNothing(t *testing.T) {
	w := gridPlanned(t, 5)
	asked := engagement.Test{ID: "T-GOV-01-1", Control: "GOV-01", Phase: engagement.Operation, Kind: engagement.Inquiry, Text: "Asked the owner.", Criteria: []string{"CC1.1"}, Attributes: []engagement.Attribute{{Name: "A", Text: "The owner says so."}}}
	gridCheck(t, w.s.files.SetTest(t.Context(), w.asManager(), "EN-1", asked, "", 0))
	gridCheck(t, w.s.files.OpenPaper(t.Context(), w.asStaff(), "EN-1", asked.ID, "", ""))
	gridCheck(t, w.s.files.Mark(t.Context(), w.asStaff(), "EN-1", asked.ID, fieldwork.Cell{Attribute: "A"}, fieldwork.Verdict{Mark: engagement.NoException}, 0))
	w.signedOff(asked.ID)
	const at = "/engagements/EN-1/conclusions/control:GOV-01"
	page := w.manager.page(at)
	holds(t, page, `id="outcome-no-exceptions-noted" name="outcome" value="no exceptions noted" required disabled`, "Inquiry is the only procedure", `value="unable to conclude" required data-key="5"`)
	say := []string{"outcome", "no exceptions noted", "design", "unable to conclude", "text", "The owner says so.", "revision", "0"}
	w.manager.refused("inquiry alone", "inquiry is the only procedure", at, say...)
	say[1] = "unable to conclude"
	holds(t, w.manager.went(w.manager.post(at, say...)), "GOV-01 is concluded: unable to conclude.")
	if got := w.manager.get("/engagements/EN-1/conclusions/control:NONE"); got.Code != http.StatusNotFound {
		t.Errorf("a control there is not: %d", got.Code)
	}
}

// TestConcludingLate: who signed in too long ago is led to sign in again, and what
// they had typed meanwhile is not lost.
func TestConcludingLate(t *testing.T) {
	w := gridPlanned(t, 5)
	const at = "/engagements/EN-1/conclusions/criterion:CC1.1"
	w.at = w.at.Add(6 * time.Minute)
	page := w.manager.page(at)
	if !strings.Contains(page, "Sign in again to conclude") || strings.Contains(page, concludeButton) {
		t.Errorf("the page does not ask for a sign-in:\n%s", page)
	}
	got := w.manager.refused("an old session", "you signed in more than 5 minutes ago", at, "outcome", "unable to conclude", "text", "Kept words", "revision", "0")
	holds(t, got, ">Kept words</textarea>", `target="_blank"`, concludeButton)
	w.manager = w.visit(w.s, "mika")
	holds(t, w.manager.went(w.manager.post(at, "outcome", "unable to conclude", "text", "No control meets it.", "revision", "0")), "CC1.1 is concluded", "CC1.2")
}

// TestEventsAfterThePeriod: inquiries and events are kept, and changed with what
// was seen.
func TestEventsAfterThePeriod(t *testing.T) {
	w := gridPlanned(t, 5)
	const at = "/engagements/EN-1/events"
	m := w.manager
	page := m.page(at)
	holdPage(t, at, page)
	holds(t, page, "nobody has been asked about any yet")
	m.refused("a day that has not come", "no day that has not come", "/engagements/EN-1/inquiries", "asked", "Kept question", "answer", "Nothing", "to", "2028-01-01")
	holds(t, m.went(m.post("/engagements/EN-1/inquiries", "asked", "Sam "+evil, "answer", "Nothing happened", "to", "2027-01-02")), "asked about up to 2 Jan 2027", "Sam &lt;")
	m.refused("no meaning", "class", at, "day", "2027-01-01", "heads", "A storm", "effect", "None", "revision", "0")
	holds(t, m.went(m.post(at, "day", "2027-01-01", "heads", "A storm", "class", "neither", "effect", "None", "revision", "0")), "EV-1", "1 event after the period is written down")
	holds(t, m.page(at+"?event=EV-1"), `value="A storm"`, "Change EV-1")
	holds(t, m.went(m.post(at, "event", "EV-1", "day", "2027-01-01", "heads", "A storm", "class", "new and significant", "effect", "Disclosed", "revision", "1")), "new and significant")
	m.refused("an old form", "changed", at, "event", "EV-1", "day", "2027-01-01", "heads", "A storm", "class", "neither", "effect", "Kept", "revision", "1")
	if got := w.staff.post(at, "day", "2027-01-01", "heads", "A storm", "class", "neither", "effect", "None", "revision", "0"); got.Code != http.StatusForbidden {
		t.Errorf("staff writes an event: %d", got.Code)
	}
	if got := m.get(at + "?event=EV-9"); got.Code != http.StatusNotFound {
		t.Errorf("an event there is not: %d", got.Code)
	}
}

func TestSayConclusions(t *testing.T) {
	for _, c := range []struct {
		all, left, stale int
		want             string
	}{
		{0, 0, 0, "Nothing is in scope that is concluded on."},
		{1, 1, 0, "None of 1 conclusion is written."},
		{1, 0, 0, "The one conclusion is written and rests on what is there now."},
		{46, 46, 0, "None of 46 conclusions is written."},
		{46, 45, 0, "1 of 46 conclusions is written."},
		{46, 30, 2, "18 of 46 conclusions are written, 2 of them to be renewed since what they rest on changed."},
		{46, 0, 0, "All 46 conclusions are written and rest on what is there now."},
	} {
		if got := sayConclusions(c.all, c.left, c.stale); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestSayKnown(t *testing.T) {
	for _, c := range []struct {
		n, open, said int
		looked        bool
		want          string
	}{
		{0, 0, 0, false, "Nobody has looked outside the sample yet."},
		{0, 0, 0, true, "The whole population was looked over, and no deviation is known outside the sample."},
		{1, 0, 0, true, "The one deviation known outside the sample is disposed of."},
		{8, 0, 0, true, "All 8 deviations known outside the sample are disposed of."},
		{8, 3, 1, true, "3 of 8 deviations known outside the sample are open; none counts into a rate, and the control is concluded on once none is. 1 waits for a second person's word."},
	} {
		if got := sayKnown(c.n, c.open, c.said, c.looked); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestSayEvents(t *testing.T) {
	for _, c := range []struct {
		events, inquiries int
		want              string
	}{
		{0, 0, "No event after the period is written down, and nobody has been asked about any yet."},
		{1, 0, "1 event after the period is written down, and nobody has been asked about any yet."},
		{2, 3, "2 events after the period are written down; it was asked about up to 2 Jan 2027, and is asked again up to the report's day."},
	} {
		if got := sayEvents(c.events, c.inquiries, "2 Jan 2027"); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// TestConcludeByKeyboard: three criteria are concluded one after the other in a
// real browser, without a mouse: x leads to the next, a number says the outcome.
func TestConcludeByKeyboard(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser, and long; it runs without -short")
	}
	live.Program(t, "chromium") // before anything is made
	live.Peer(t, "node_modules/playwright-core/package.json")
	w := gridPlanned(t, 5)
	_, address, _ := w.listen()
	steps := append(signIn("mika@example.com"), keyStep{"open": "/engagements/EN-1/conclusions"}, keyStep{"see": "None of 46 conclusions is written."}, keyStep{"go": "x"})
	for _, of := range []string{"CC1.1", "CC1.2", "CC1.3"} {
		steps = append(steps, keyStep{"wait": of + " Criterion"}, keyStep{"press": "5"}, keyStep{"press": "Tab"}, keyStep{"keys": "No control meets it, x and 2 included"}, keyStep{"press": "Tab"}, keyStep{"go": "Enter"}, keyStep{"see": of + " is concluded: unable to conclude."})
	}
	byKeyboard(t, address, steps...)
	gridCheck(t, w.s.files.ReadFile(t.Context(), "EN-1", func(_ *fieldwork.State, f *fieldwork.File) error {
		if c := f.Concluded["criterion:CC1.3"]; c == nil || c.Text != "No control meets it, x and 2 included" || len(f.Concluded) != 3 {
			t.Errorf("%d conclusions, the last %+v", len(f.Concluded), c)
		}
		return nil
	}))
}
