package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

// leftOut is DC 8: management states no control for these criteria.
func leftOut() engagement.DCSection {
	terms := engagement.Terms{Categories: []engagement.Choice{{Category: audit.Availability, In: true}, {Category: audit.ProcessingIntegrity, In: true}, {Category: audit.Confidentiality, In: true}, {Category: audit.Privacy, In: true}}}
	return engagement.DCSection{DC: "DC 8", Paragraphs: []engagement.Paragraph{{Text: "Nothing of its ledgers falls under " + strings.Join(terms.Criteria(), ", ") + "."}}}
}

// described has a final description come that names the controls in scope.
func (w *gridWorld) describes() {
	w.t.Helper()
	d := engagement.Description{Version: 1, Final: true, Controls: []string{"CHG-01"}, Sections: []engagement.DCSection{{DC: "DC 1", Paragraphs: []engagement.Paragraph{{Text: "Halyard keeps ledgers " + evil}}}, leftOut()}}
	gridCheck(w.t, w.s.files.TakeDescription(w.t.Context(), gridReceiver, "EN-1", d, 5))
}

// TestDescriptionPapers: a workpaper for each description criterion is planned
// from the plan, opened, marked and signed on the grid, and concluded on once the
// final description is here.
func TestDescriptionPapers(t *testing.T) {
	w := gridPlanned(t, 5)
	const plan, paper, conclude = "/engagements/EN-1/plan", "/engagements/EN-1/tests/T-DC-1", "/engagements/EN-1/conclusions/dc:DC%201"
	m, s := w.manager, w.staff
	holds(t, m.page(plan), "Description criteria without a workpaper", "T-DC-9")
	holds(t, m.page(plan+"/T-DC-4"), `value="DC 4"`)
	page := m.went(m.post(plan+"/take", "take", "description"))
	holds(t, page, "9 tests are planned.")
	if strings.Contains(page, "Description criteria without a workpaper") {
		t.Error("they are offered again")
	}
	page = s.page(paper)
	holdsGrid(t, page, "DC 1, Services", "it has no items, so nothing is drawn for it", "Open the workpaper", "T-CHG-01-1")
	holdsGrid(t, s.went(s.post(paper+"/open")), "The test has no result yet.")
	s.page(paper + "?item=1&at=A")
	form := []string{"item", "1", "at", "A", "was-A", "", "base-A", "0", "was-B", "", "base-B", "0", "mark-A", "No exception", "mark-B", "No exception"}
	if got := s.post(paper+"/mark", form...); got.Code != http.StatusSeeOther {
		t.Fatalf("mark: %d\n%s", got.Code, got.Body)
	}
	digest := func() (d string) {
		gridCheck(t, w.s.files.ReadFile(t.Context(), "EN-1", func(_ *fieldwork.State, f *fieldwork.File) error { d = f.PaperDigest("T-DC-1"); return nil }))
		return d
	}
	holdsGrid(t, s.page(paper), "Sign off as prepared", `href="`+conclude+`"`)
	s.went(s.post(paper+"/prepare", "digest", digest()))
	holdsGrid(t, m.went(m.post(paper+"/review", "digest", digest())), "Version 1 is reviewed and signed off by Mika")
	holds(t, m.page(conclude), "No final description has come", "No description with words on it has come")
	say := []string{"outcome", "no exceptions noted", "text", "Presented as it is.", "revision", "0"}
	m.refused("no description", "no final description", conclude, say...)
	w.describes()
	holds(t, m.page(conclude), "Halyard keeps ledgers &lt;", concludeButton)
	holds(t, m.went(m.post(conclude, say...)), "DC 1 is concluded")
	holds(t, m.page("/engagements/EN-1/conclusions/dc:DC%204"), "Without results: T-DC-4 (no workpaper)")
}

// holdsGrid is holds for a page with the grid's script.
func holdsGrid(t *testing.T, page string, wants ...string) {
	t.Helper()
	holds(t, page, wants...)
	if strings.Contains(page, evil) {
		t.Error("a name is not escaped")
	}
}

// concludedWorld has everything in scope concluded: the change control with the
// words its marks allow, the rest as that nothing can be.
func concludedWorld(t *testing.T) *gridWorld {
	t.Helper()
	w := gridOpened(t, 20, 20)
	ctx, files := t.Context(), w.s.files
	w.marked() // 20 of 20 items: both that deviate
	w.signedOff(gridTest)
	gridCheck(t, files.LookForKnown(ctx, w.asStaff(), "EN-1", gridTest))
	w.describes()
	for n := 1; n <= 9; n++ {
		id, dc := fmt.Sprintf("T-DC-%d", n), fmt.Sprintf("DC %d", n)
		gridCheck(t, files.SetTest(ctx, w.asManager(), "EN-1", engagement.Test{ID: id, Control: fmt.Sprintf("DC-%d", n), Phase: engagement.Design, Kind: engagement.Inspection, Text: "Compared it.", Criteria: []string{dc}, Attributes: []engagement.Attribute{{Name: "A", Text: "It agrees."}}}, "", 0))
		gridCheck(t, files.OpenPaper(ctx, w.asStaff(), "EN-1", id, "", ""))
		gridCheck(t, files.Mark(ctx, w.asStaff(), "EN-1", id, fieldwork.Cell{Attribute: "A"}, fieldwork.Verdict{Mark: engagement.NoException}, 0))
		w.signedOff(id)
	}
	var left []string
	gridCheck(t, files.ReadFile(ctx, "EN-1", func(_ *fieldwork.State, f *fieldwork.File) error { left = f.ToConclude(); return nil }))
	for _, what := range left {
		c := fieldwork.Concluding{Outcome: engagement.UnableToConclude, Text: "Nothing was tested for it."}
		switch {
		case what == "control:CHG-01":
			c = fieldwork.Concluding{Outcome: engagement.WithExceptions, Design: fieldwork.DesignUnproved, Text: "Exceptions noted."}
		case strings.HasPrefix(what, "dc:"):
			c.Outcome = engagement.NoExceptions
		}
		gridCheck(t, files.Conclude(ctx, w.asManager(), "EN-1", what, c, 0))
	}
	return w
}

// TestOpinionComesAfterConclusions: there is no form before everything is
// concluded, nothing is proposed, and each part is signed with the partner's key
// over what the page showed.
func TestOpinionComesAfterConclusions(t *testing.T) {
	const at = "/engagements/EN-1/opinion/operation"
	phrase := "four words nobody guesses"
	say := []string{"opinion", "Qualified", "text", "Except for that, in all material respects " + evil, "basis", "Changes were approved by their authors.", "title", "Partner", "passphrase", phrase}
	early := gridPlanned(t, 5)
	page := early.partner.page(at)
	if strings.Contains(page, "Sign the opinion") || !strings.Contains(page, "No conclusion on control:CHG-01") {
		t.Errorf("before the conclusions:\n%s", page)
	}
	rests := func(w *gridWorld) (d string) {
		gridCheck(t, w.s.files.ReadFile(t.Context(), "EN-1", func(s *fieldwork.State, f *fieldwork.File) error {
			d = s.OpinionDigest(f, "operation", "", "", "")
			return nil
		}))
		return d
	}
	early.partner.refused("no conclusions", "no conclusion on", at, append(say, "rests", rests(early))...)

	w := concludedWorld(t)
	p := w.partner
	page = p.page("/engagements/EN-1/opinion")
	holdPage(t, "/engagements/EN-1/opinion", page)
	holds(t, page, "Everything is concluded; none of 3 parts of the opinion is written.", "Exceptions noted: <span class=\"num\">1</span>", "X-1", "2 of 20 items", "Management has not responded to exception X-1")
	holds(t, p.page(at), "You have no key to sign with")
	holds(t, p.page("/"), "3 parts of the opinion to write")
	p.refused("no key", "you have no key to sign with", at, append(say, "rests", rests(w))...)
	if got := p.post("/account/signing", "passphrase", phrase, "again", phrase); got.Code != http.StatusSeeOther {
		t.Fatalf("a key: %d\n%s", got.Code, got.Body)
	}
	page = p.page(at)
	holdPage(t, at, page)
	if !strings.Contains(page, "Sign the opinion") || strings.Contains(page, " checked") {
		t.Errorf("no button, or something is filled in:\n%s", page)
	}
	holds(t, w.manager.page(at), "The opinion is the partner&#39;s.")
	if got := w.manager.post(at, append(say, "rests", rests(w))...); got.Code < 400 {
		t.Errorf("the manager opines: %d", got.Code)
	}
	p.refused("conclusions of before", "the conclusions have changed", at, append(say, "rests", rests(early)[1:]+"0")...)
	wrong := append(append([]string{}, say...), "rests", rests(w))
	wrong[5] = ""
	holds(t, p.refused("modified without a basis", "says why it is modified", at, wrong...), "Except for that, in all material respects &lt;", `value="Qualified" required checked`)
	holds(t, p.went(p.post(at, append(say, "rests", rests(w))...)), "The opinion on the operation is written and signed: Qualified.", "1 of 3 parts is written and signed.")
	gridCheck(t, w.s.files.Conclude(t.Context(), w.asManager(), "EN-1", "criterion:CC1.1", fieldwork.Concluding{Outcome: engagement.UnableToConclude, Text: "Said anew."}, 1))
	holds(t, p.page("/engagements/EN-1/opinion"), "1 rests on conclusions that have changed since")
	holds(t, p.page(at), "write and sign it anew")
	w.reviewed(t, say, rests)
}

// reviewed writes all parts, and has the quality of the engagement reviewed.
func (w *gridWorld) reviewed(t *testing.T, say []string, rests func(*gridWorld) string) {
	t.Helper()
	const at = "/engagements/EN-1/quality"
	rq := w.visit(w.s, "quinn", access.Grant{Role: access.QualityReviewer, Scope: access.ScopeEngagement, Object: "EN-1"})
	by := w.by(rq, access.QualityReviewer)
	gridCheck(t, w.s.files.Declare(t.Context(), by, "EN-1", true, ""))
	gridCheck(t, w.s.files.Assign(t.Context(), w.by(w.partner, access.Partner), "EN-1", rq.account, fieldwork.DutyQuality))
	page := rq.page(at)
	holdPage(t, at, page)
	if strings.Contains(page, "Sign the quality review") || !strings.Contains(page, "No opinion, or one on older conclusions") {
		t.Errorf("before the opinions:\n%s", page)
	}
	digest := func() (d string) {
		gridCheck(t, w.s.files.ReadFile(t.Context(), "EN-1", func(_ *fieldwork.State, f *fieldwork.File) error { d = f.QualityDigest(); return nil }))
		return d
	}
	rq.refused("before the opinions", "no opinion, or one on older conclusions", at, "digest", digest(), "text", "Looked at it.")
	for _, part := range engagement.SOC2TypeII.Parts() {
		r := ""
		gridCheck(t, w.s.files.ReadFile(t.Context(), "EN-1", func(s *fieldwork.State, f *fieldwork.File) error {
			r = s.OpinionDigest(f, part, "", "", "")
			return nil
		}))
		w.partner.went(w.partner.post("/engagements/EN-1/opinion/"+string(part), append(say, "rests", r)...))
	}
	holds(t, w.partner.page(at), "It is signed by the quality reviewer of this engagement")
	if got := w.partner.post(at, "digest", digest(), "text", "Looked at it."); got.Code < 400 {
		t.Errorf("the partner reviews the quality: %d", got.Code)
	}
	rq.refused("older opinions", "have changed since you looked", at, "digest", strings.Repeat("0", 64), "text", "Looked at it.")
	holds(t, rq.page(at), "Sign the quality review")
	holds(t, rq.went(rq.post(at, "digest", digest(), "text", "Looked at the judgments.")), "It is signed by Quinn")
}

func TestSayOpinion(t *testing.T) {
	written := func(n, stale, of int) (out []firmPart) {
		for i := range of {
			out = append(out, firmPart{Written: i < n, Renewal: i < stale})
		}
		return out
	}
	for _, c := range []struct {
		parts   []firmPart
		missing int
		want    string
	}{
		{written(0, 0, 3), 2, "No opinion can be written yet: 2 things stand before it."},
		{written(0, 0, 3), 0, "Everything is concluded; none of 3 parts of the opinion is written."},
		{written(1, 0, 3), 0, "1 of 3 parts is written and signed."},
		{written(2, 1, 3), 0, "2 of 3 parts are written; 1 rests on conclusions that have changed since."},
		{written(3, 0, 3), 0, "All 3 parts are written and signed."},
		{written(1, 0, 1), 0, "The one part is written and signed."},
	} {
		if got := sayOpinion(c.parts, c.missing); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestSayQuality(t *testing.T) {
	for _, c := range []struct {
		asked, signed, stale bool
		missing              int
		want                 string
	}{
		{false, false, false, 1, "The firm's policy does not ask for a quality review of this engagement."},
		{true, false, false, 1, "It cannot be signed yet: 1 thing stands before it."},
		{true, false, false, 0, "It waits for the quality reviewer; no report is issued before."},
		{true, true, false, 0, "It is signed by Q, on 2 Jan, over the opinions as they stand."},
		{true, true, true, 0, "It was signed by Q on 2 Jan, over opinions that have changed since."},
	} {
		if got := sayQuality(c.asked, c.signed, c.stale, "Q", "2 Jan", c.missing); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
