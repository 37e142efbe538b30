package web

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/signature"
	"tieout/report/attest"
	"tieout/report/attest/pdf"
)

const (
	reportAt  = "/engagements/EN-1/report"
	reportDay = "2027-01-06"
)

// A reportWorld is a firm's room whose engagement is concluded, with a partner who
// has a key.
type reportWorld struct {
	*gridWorld
	tt      *testing.T
	quality *visitor
}

// newReportWorld is an engagement at description final: concluded, its exception
// released, and nobody has opined.
func newReportWorld(t *testing.T) *reportWorld {
	t.Helper()
	w := &reportWorld{gridWorld: concludedWorld(t), tt: t}
	w.key(w.partner)
	w.quality = w.visit(w.s, "quinn", access.Grant{Role: access.QualityReviewer, Scope: access.ScopeEngagement, Object: "EN-1"})
	by := w.by(w.quality, access.QualityReviewer)
	gridCheck(t, w.s.files.Declare(t.Context(), by, "EN-1", true, ""))
	gridCheck(t, w.s.files.Assign(t.Context(), w.by(w.partner, access.Partner), "EN-1", w.quality.account, fieldwork.DutyQuality))
	w.underway()
	return w
}

// underway takes the engagement through its steps up to description final.
func (w *reportWorld) underway() {
	w.t.Helper()
	ctx, files := w.t.Context(), w.s.files
	var terms engagement.Terms
	w.file(func(_ *fieldwork.State, f *fieldwork.File) { terms = f.Terms })
	terms.Quality = true
	gridCheck(w.t, files.ChangeTerms(ctx, w.asManager(), terms, "the firm's policy asks for a quality review", "", w.base("engagement:EN-1")))
	digest, err := terms.Digest()
	gridCheck(w.t, err)
	gridCheck(w.t, files.TakeAgreed(ctx, gridReceiver, "EN-1", engagement.Agreed{Terms: digest, Signed: engagement.Signature{Name: "Sam", Digest: digest}}, 2))
	for _, s := range []engagement.State{engagement.BoundaryDefined, engagement.Readiness, engagement.Observing} {
		gridCheck(w.t, files.TakeState(ctx, gridReceiver, "EN-1", engagement.StateNews{State: s}, 2))
	}
	w.reworded()
	rq, err := files.SetRequest(ctx, w.asStaff(), "EN-1", engagement.Request{Kind: "document", Title: "Policy", Asks: "The policy of changes.", Tests: []string{gridTest}}, 0)
	gridCheck(w.t, err)
	gridCheck(w.t, files.ReleaseRequests(ctx, w.asStaff(), "EN-1", rq.ID))
	gridCheck(w.t, files.DecideRequest(ctx, w.asStaff(), "EN-1", rq.ID, engagement.RequestWithdrawn, "It was in the evidence already.", w.base("request:EN-1/"+rq.ID)))
	w.move(engagement.Fieldwork)
	w.move(engagement.Exceptions)
	_, err = files.ReleaseFinding(ctx, w.asManager(), "EN-1", "X-1", w.base("finding:EN-1/X-1"))
	gridCheck(w.t, err)
	w.move(engagement.DescriptionFinal)
}

// reworded has the exception say how many of how many, and what rests on it
// concluded again.
func (w *reportWorld) reworded() {
	w.t.Helper()
	ctx, files := w.t.Context(), w.s.files
	var d fieldwork.FindingDraft
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		x := f.Findings["X-1"]
		d = fieldwork.FindingDraft{Test: x.Test, Nature: x.Nature, Text: fmt.Sprintf("For %d of %d changes sampled, the author was the only one who approved.", len(x.Items), x.Of), Evaluation: "weighed"}
		for _, c := range x.Cells {
			d.Cells = append(d.Cells, fieldwork.FindingCell(c))
		}
	})
	_, err := files.SetFinding(ctx, w.asStaff(), "EN-1", "X-1", d, w.base("finding:EN-1/X-1"))
	gridCheck(w.t, err)
	w.reconcluded()
}

// reconcluded has everything concluded again as it was.
func (w *reportWorld) reconcluded() {
	w.t.Helper()
	ctx, files := w.t.Context(), w.s.files
	again := map[string]fieldwork.Concluding{}
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		for what, c := range f.Concluded {
			again[what] = fieldwork.Concluding{Outcome: c.Outcome, Design: c.Design, Text: c.Text}
		}
	})
	for _, kind := range []string{"control:", "criterion:", "dc:"} {
		for what, c := range again {
			if strings.HasPrefix(what, kind) {
				gridCheck(w.t, files.Conclude(ctx, w.asManager(), "EN-1", what, c, w.base("conclusion:EN-1/"+what)))
			}
		}
	}
}

func (w *reportWorld) move(to engagement.State) {
	w.t.Helper()
	gridCheck(w.t, w.s.files.MoveState(w.t.Context(), w.asManager(), "EN-1", to, "", w.base("state:EN-1")))
}

func (w *reportWorld) file(f func(*fieldwork.State, *fieldwork.File)) {
	w.t.Helper()
	gridCheck(w.t, w.s.files.ReadFile(w.t.Context(), "EN-1", func(s *fieldwork.State, x *fieldwork.File) error { f(s, x); return nil }))
}

func (w *reportWorld) base(on string) (n int64) {
	w.file(func(s *fieldwork.State, _ *fieldwork.File) { n = s.Revision(on) })
	return n
}

// key has a visitor make a key to sign with.
func (w *reportWorld) key(v *visitor) {
	w.t.Helper()
	if got := v.post("/account/signing", "passphrase", examPhrase, "again", examPhrase); got.Code != http.StatusSeeOther {
		w.t.Fatalf("a key: %d\n%s", got.Code, got.Body)
	}
}

// signed is the partner's signature; a client's letter is checked by the key that
// it names, whosever that is.
func (w *reportWorld) signed(what, digest string) engagement.Signature {
	w.t.Helper()
	k, err := signature.KeyOf(w.t.Context(), signature.Folder{Dir: w.s.home.Dir + "/.tieout/keys"}, w.partner.account)
	gridCheck(w.t, err)
	sig, err := signature.Sign(k.Wrapped, examPhrase, signature.Statement{Signer: w.partner.account, Name: k.Name, Title: "Partner", What: what, Digest: digest, At: w.at})
	gridCheck(w.t, err)
	return sig
}

// opined has the partner write all parts of the opinion.
func (w *reportWorld) opined(o engagement.Opinion, basis string) {
	w.t.Helper()
	for _, part := range engagement.SOC2TypeII.Parts() {
		digest := ""
		w.file(func(s *fieldwork.State, f *fieldwork.File) {
			digest = s.OpinionDigest(f, part, o, "In our opinion it holds.", basis)
		})
		gridCheck(w.t, w.s.files.Opine(w.t.Context(), w.by(w.partner, access.Partner), "EN-1", part, o, "In our opinion it holds.", basis, w.signed("opinion", digest)))
	}
}

// reviewedQuality has the quality reviewer sign.
func (w *reportWorld) reviewedQuality() {
	w.t.Helper()
	digest := ""
	w.file(func(_ *fieldwork.State, f *fieldwork.File) { digest = f.QualityDigest() })
	gridCheck(w.t, w.s.files.SignQuality(w.t.Context(), w.by(w.quality, access.QualityReviewer), "EN-1", digest, "Looked at the judgments."))
}

// letters has the client's assertion and letter of representation come.
func (w *reportWorld) letters() {
	w.t.Helper()
	name, terms := "", ""
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		var err error
		name = f.Terms.Client.Name
		terms, err = f.Terms.Digest()
		gridCheck(w.t, err)
	})
	a := engagement.Assertion{By: name, Terms: terms, Version: 1, Text: "We described the system as it is.", Dated: reportDay, Decision: engagement.Decisions{Description: true, Design: true, Except: "Some changes were approved by their authors."}}
	digest, err := a.ToSign()
	gridCheck(w.t, err)
	a.Signed = w.signed("assertion", digest)
	gridCheck(w.t, w.s.files.TakeAssertion(w.t.Context(), gridReceiver, "EN-1", a, 5))
	r := engagement.Representation{By: name, Terms: terms, Version: 1, Text: "We told you all there is.", Dated: reportDay}
	digest, err = r.ToSign()
	gridCheck(w.t, err)
	r.Signed = w.signed("letter of representation", digest)
	gridCheck(w.t, w.s.files.TakeRepresentation(w.t.Context(), gridReceiver, "EN-1", r, 5))
}

// days moves the clock, and signs everybody in anew.
func (w *reportWorld) days(n int) {
	w.t.Helper()
	w.at = w.at.Add(time.Duration(n) * 24 * time.Hour)
	w.staff, w.manager, w.partner, w.quality = w.visit(w.s, "stef"), w.visit(w.s, "mika"), w.visit(w.s, "paula"), w.visit(w.s, "quinn")
}

// final makes the final report and returns its address, where it was made.
func (w *reportWorld) final() string {
	w.t.Helper()
	got := w.partner.post(reportAt+"/final", "dated", reportDay)
	if got.Code != http.StatusSeeOther {
		w.t.Fatalf("make the final report: %d\n%s", got.Code, got.Body)
	}
	u, err := url.Parse(got.Header().Get("Location"))
	gridCheck(w.t, err)
	return u.Path
}

// refusedIssue wants no button on the page, what is missing in words, and the form
// refused if it is sent all the same.
func (w *reportWorld) refusedIssue(why, want string) {
	w.t.Helper()
	page := w.partner.page(reportAt)
	if strings.Contains(page, "Make the final report</button>") {
		w.t.Errorf("%s: there is a button", why)
	}
	if !strings.Contains(strings.ToLower(page), strings.ToLower(want)) {
		w.t.Errorf("%s: the page does not say %q:\n%s", why, want, page)
	}
	w.partner.refused(why, want, reportAt+"/final", "dated", reportDay)
	w.notIssued(why)
}

func (w *reportWorld) notIssued(why string) {
	w.t.Helper()
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		if len(f.Issues) > 0 {
			w.t.Errorf("%s: it is issued", why)
		}
	})
}

// TestReportFromDraftToIssue: nothing is issued before each of its gates is met,
// and each is said on the page; then the report is read, signed, issued, copied,
// and nothing of the file changes any more.
func TestReportFromDraftToIssue(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine, and long; it runs without -short")
	}
	w := newReportWorld(t)
	p := w.partner
	page := p.page(reportAt)
	holdPage(t, reportAt, page)
	holds(t, page, "No draft was given to management", "Example", "no firm has adopted it", "No opinion, or one on older conclusions", "paraphrases")
	if strings.Contains(page, "Give the draft to management</button>") {
		t.Error("a draft can be given before the opinion")
	}
	p.refused("a draft before the opinion", "no opinion", reportAt+"/draft", "dated", reportDay, "due", "2027-01-20")
	w.refusedIssue("before the opinion", "no opinion, or one on older conclusions")
	w.opined(engagement.Qualified, "Changes were approved by their authors.")
	w.move(engagement.DraftReview)
	w.drafted()
	w.refusedIssue("before the assertion", "no assertion of")
	w.days(4)
	w.letters()
	gridCheck(t, w.s.files.Inquire(t.Context(), w.asManager(), "EN-1", "Sam, and the incident log", "Nothing happened.", reportDay))
	w.refusedIssue("before the quality review", "the quality review is not signed")
	w.reviewedQuality()
	w.differingControls()
	w.issued()
	w.after()
}

// drafted gives the draft, which management comments on, and answers.
func (w *reportWorld) drafted() {
	w.t.Helper()
	p := w.partner
	for _, end := range []string{"pdf", "html", "docx", "xlsx", "oscal.zip", "json"} {
		got := p.get(reportAt + "/draft/" + end + "?dated=" + reportDay)
		if got.Code != http.StatusOK || !strings.Contains(got.Header().Get("Content-Disposition"), "-draft."+end) || !strings.Contains(got.Header().Get("Content-Security-Policy"), "sandbox") {
			w.t.Errorf("draft as %s: %d, %v\n%.200s", end, got.Code, got.Header(), got.Body)
		}
		if end == "html" && !strings.Contains(got.Body.String(), "It is not a report") {
			w.t.Error("the draft does not say that it is one")
		}
	}
	if got := p.get(reportAt + "/draft/exe"); got.Code != http.StatusNotFound {
		w.t.Errorf("a draft as exe: %d", got.Code)
	}
	if got := w.manager.post(reportAt+"/draft", "dated", reportDay, "due", "2027-01-20"); got.Code < 400 {
		w.t.Errorf("a manager gives the draft: %d", got.Code)
	}
	w.refusedIssue("before a draft", "no draft was given")
	holds(w.tt, p.went(p.post(reportAt+"/draft", "dated", reportDay, "due", "2027-01-20")), "The draft is given for factual review.", "Management has the draft; ")
	digest := ""
	w.file(func(_ *fieldwork.State, f *fieldwork.File) { digest = f.Drafts[0].Digest })
	r, err := w.s.firm.Value(w.t.Context(), digest)
	gridCheck(w.t, err)
	if !r.Draft || len(r.Opinions) > 0 {
		w.t.Errorf("the draft says draft %t and has %d opinions", r.Draft, len(r.Opinions))
	}
	gridCheck(w.t, w.s.files.TakeComments(w.t.Context(), gridReceiver, "EN-1", []engagement.Comment{{ID: "M-1", Draft: digest, Where: "Section III", Text: "The region is wrong " + evil}}, 6))
	page := p.page(reportAt)
	holdPage(w.tt, reportAt, page)
	holds(w.tt, page, "1 comment waits for an answer", "The region is wrong &lt;")
	w.refusedIssue("before the comment is answered", "comments without an answer: M-1")
	p.refused("an empty answer", "answer is missing", reportAt+"/comments/M-1", "answer", " ", "revision", fmt.Sprint(w.base("comment:EN-1/M-1")))
	holds(w.tt, p.went(p.post(reportAt+"/comments/M-1", "answer", "It is the client's own text.", "revision", fmt.Sprint(w.base("comment:EN-1/M-1")))), "Comment M-1 is answered.", "own text.")
}

// differingControls has a newer description come that names another control, for
// which nothing can be issued, and then the right one.
func (w *reportWorld) differingControls() {
	w.t.Helper()
	made := w.final()
	d := engagement.Description{Version: 2, Final: true, Controls: []string{"CHG-01", "NEW-01"}, Sections: []engagement.DCSection{{DC: "DC 1", Paragraphs: []engagement.Paragraph{{Text: "Halyard keeps ledgers."}}}, leftOut()}}
	gridCheck(w.t, w.s.files.TakeDescription(w.t.Context(), gridReceiver, "EN-1", d, 7))
	w.refusedIssue("with other controls in the description", "the description lists controls nobody concluded on: NEW-01")
	w.partner.refused("the report as it was before", "NEW-01", made, "title", "Partner", "passphrase", examPhrase)
	w.notIssued("with other controls in the description")
	d.Version, d.Controls = 3, []string{"CHG-01"}
	gridCheck(w.t, w.s.files.TakeDescription(w.t.Context(), gridReceiver, "EN-1", d, 8))
	holds(w.tt, w.partner.page(made), "The file has changed since this was made", "Back to make it again")
	w.partner.refused("a report of an older file", "the file has changed since the report was made", made, "title", "Partner", "passphrase", examPhrase)
	w.notIssued("of an older file")
	w.refusedIssue("with conclusions on an older description", "to be renewed: dc:DC 1")
	w.reconcluded()
	w.refusedIssue("with an opinion on older conclusions", "no opinion, or one on older conclusions")
	w.opined(engagement.Qualified, "Changes were approved by their authors.")
	w.refusedIssue("with a quality review of older opinions", "the quality review is not signed, or of older opinions")
	w.reviewedQuality()
}

// issued signs the report that was looked at.
func (w *reportWorld) issued() {
	w.t.Helper()
	p, at := w.partner, w.final()
	page := p.page(at)
	holdPage(w.tt, at, page)
	holds(w.tt, page, "nothing stands before it", "Sign and issue the report</button>", "Qualified")
	if got := p.get(at + "/pdf"); got.Code != http.StatusOK || !strings.Contains(got.Header().Get("Content-Disposition"), "unsigned-") {
		w.t.Errorf("the final report to read: %d", got.Code)
	}
	if got := w.manager.post(at, "title", "Manager", "passphrase", examPhrase); got.Code < 400 {
		w.t.Errorf("the manager issues: %d", got.Code)
	}
	if got := p.get(reportAt + "/final/" + strings.Repeat("0", 64)); got.Code != http.StatusNotFound {
		w.t.Errorf("a report nobody made: %d", got.Code)
	}
	p.refused("a wrong passphrase", "the passphrase is not the one of your key", at, "title", "Partner", "passphrase", "five words that are other")
	holds(w.tt, p.went(p.post(at, "title", "Partner", "passphrase", examPhrase)), "The report is signed and issued.", "The report is issued, dated 6 Jan 2027.", "rpt-en-1-1.pdf", "rpt-en-1-1.oscal.zip")
}

// after looks at what was issued, and at what cannot be done any more.
func (w *reportWorld) after() {
	t, p := w.tt, w.partner
	t.Helper()
	page := p.page(reportAt)
	holdPage(t, reportAt, page)
	holds(t, page, "Qualified", "Withdraw the report")
	file := p.get(reportAt + "/issued/1/rpt-en-1-1.pdf")
	checks, err := pdf.Verify(file.Body.Bytes(), "", attest.Trust{})
	gridCheck(t, err)
	signed := 0
	for _, c := range checks.List {
		if c.Verdict == attest.Bad {
			t.Errorf("the issued PDF: %s", c.Sentence)
		}
		if strings.Contains(c.Sentence, ", Partner, signed ") {
			signed++
		}
	}
	if signed != 2 {
		t.Errorf("%d signatures in the PDF, want those over the value and the pages: %+v", signed, checks.List)
	}
	if got := p.get(reportAt + "/issued/2/rpt-en-1-1.pdf"); got.Code != http.StatusNotFound {
		t.Errorf("a report that was not issued: %d", got.Code)
	}
	p.refused("a draft after the issue", "issued", reportAt+"/draft", "dated", reportDay, "due", "2027-01-20")
	if got := w.manager.post("/engagements/EN-1/conclusions/criterion:CC1.1", "outcome", "unable to conclude", "text", "Said anew.", "revision", "1"); got.Code == http.StatusSeeOther {
		t.Error("a conclusion is edited after the issue")
	}
	p.refused("a second report", "it is at: issued", reportAt+"/final", "dated", reportDay)
	w.copied()
	w.archived()
	w.revised(page)
}

// copied makes a copy for a recipient: it is an entry, and the file is marked.
func (w *reportWorld) copied() {
	t, p := w.tt, w.partner
	t.Helper()
	const at = reportAt + "/copies"
	holds(t, p.page(at), "has made no copy")
	ask := []string{"for", "Ada " + evil, "mail", "ada@buyer.test", "why", "A buyer's review.", "mark", "yes", "password", "eight-at-least"}
	p.refused("a copy for nobody", "name is one line", at, append([]string{"for", ""}, ask[2:]...)...)
	if got := w.staff.post(at, ask...); got.Code < 400 {
		t.Errorf("staff makes a copy: %d", got.Code)
	}
	got := p.post(at, ask...)
	if got.Code != http.StatusOK || !bytes.HasPrefix(got.Body.Bytes(), []byte("%PDF-")) || !strings.Contains(got.Header().Get("Content-Disposition"), "-cp-1.pdf") {
		t.Fatalf("a copy: %d %v", got.Code, got.Header())
	}
	checks, err := pdf.Verify(got.Body.Bytes(), "eight-at-least", attest.Trust{})
	gridCheck(t, err)
	if err := checks.Err(); err != nil {
		t.Error(err)
	}
	page := p.page(at)
	holdPage(t, at, page)
	holds(t, page, "has made 1 copy", "Marked on every page, encrypted", "Ada &lt;")
}

// revised has a superseding report begun, issued with its reason, and withdrawn.
func (w *reportWorld) revised(string) {
	t, p := w.tt, w.partner
	t.Helper()
	p.refused("a revision without a reason", "why is missing", reportAt+"/revise", "revise-why", " ")
	holds(t, p.went(p.post(reportAt+"/revise", "revise-why", "A control was described wrongly.")), "another that supersedes it is under way")
	at := w.final()
	page := p.page(at)
	holds(t, page, "Supersedes", "Why it supersedes the other")
	p.refused("without a reason", "says which and why", at, "title", "Partner", "passphrase", examPhrase)
	page = p.went(p.post(at, "title", "Partner", "passphrase", examPhrase, "why", "A control was described wrongly."))
	holdPage(t, reportAt, page)
	holds(t, page, "rpt-en-1-2.pdf", "Superseded", "A control was described wrongly.")
	w.locked()
	p.refused("a withdrawal without a reason", "why is missing", reportAt+"/withdraw", "withdraw-why", "")
	holds(t, p.went(p.post(reportAt+"/withdraw", "withdraw-why", "We learned of a fraud.")), "was withdrawn.", "We learned of a fraud.")
	holds(t, p.page(reportAt+"/copies"), "Before a copy is made", "It was withdrawn or superseded")
	p.refused("a copy of a withdrawn report", "withdrawn", reportAt+"/copies", "for", "Bo", "mail", "bo@b.test", "why", "Asked.", "mark", "yes")
}

// TestWording: the firm's texts are loaded on screen, said to be an example where
// they are, and named where they are used.
func TestWording(t *testing.T) {
	w := newFirmWorld(t).accepted()
	p := w.partner
	page := p.page("/wording")
	holdPage(t, "/wording", page)
	holds(t, page, "No wording of the firm&#39;s own is loaded")
	example := p.get("/wording/example")
	if example.Code != http.StatusOK || !strings.Contains(example.Body.String(), "example: true") {
		t.Fatalf("the example: %d %s", example.Code, example.Body)
	}
	if got := p.postFile("/wording", "file", "w.yaml", "name: x", "kind", "wording"); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("half a wording: %d", got.Code)
	}
	if got := p.postFile("/wording", "file", "w.yaml", example.Body.String(), "kind", ""); got.Code != http.StatusUnprocessableEntity {
		t.Errorf("of no kind: %d", got.Code)
	}
	page = p.went(p.postFile("/wording", "file", "w.yaml", strings.Replace(example.Body.String(), "name: Example", "name: Ours", 1), "kind", "wording"))
	holds(t, page, "Wording Ours, version 1, is in force", "1 text is loaded", "Example", "In force")
	own := "name: Ours " + `"` + "\nversion: '2'\nauditor: |\n  *To the management of {client}*\nrestricted: For {client}.\n"
	page = p.went(p.postFile("/wording", "file", "own.yaml", own, "kind", "wording"))
	holdPage(t, "/wording", page)
	holds(t, page, "version 2", "Newer wording took its place")
	page = p.went(p.postFile("/wording", "file", "tsc.yaml", "name: Official <i>\nversion: '1'\ncriteria: {CC1.1: The words of it.}\n", "kind", "criteria"))
	holdPage(t, "/wording", page)
	holds(t, page, "1 text of the trust services criteria", "Official &lt;i&gt;")
	if got := p.get("/wording/2"); got.Body.String() != own {
		t.Errorf("the text as it was loaded: %q", got.Body)
	}
	if got := p.get("/wording/9"); got.Code != http.StatusNotFound {
		t.Errorf("a text that is not there: %d", got.Code)
	}
	staff := w.visit(w.s, "stef", access.Grant{Role: access.Staff, Scope: access.ScopeEngagement, Object: "EN-1"})
	if got := staff.get("/wording"); got.Code != http.StatusForbidden {
		t.Errorf("staff opens the wording: %d", got.Code)
	}
	holds(t, p.page(reportAt), "version 2", "Official &lt;i&gt;, 1: 1 text", "No draft can be made yet", "It has no description")
}

func TestSayReport(t *testing.T) {
	for _, c := range []struct {
		name string
		s    reportStands
		want string
	}{
		{"nothing", reportStands{Missing: 3}, "No draft was given to management, and no report is issued."},
		{"no draft can be made", reportStands{Refused: true}, "No draft can be made yet."},
		{"one comment", reportStands{Drafts: 1, Open: 1}, "Management has the draft; 1 comment waits for an answer."},
		{"comments", reportStands{Drafts: 2, Open: 2, Missing: 1}, "Management has the draft; 2 comments wait for an answer."},
		{"gates and errors", reportStands{Drafts: 1, Missing: 1, Errors: 1}, "Management has the draft; 2 things stand before the report."},
		{"ready", reportStands{Drafts: 1}, "Nothing stands before the report: a partner makes it final, looks at it and signs it."},
		{"issued", reportStands{Issued: true, Dated: "1 Apr 2027"}, "The report is issued, dated 1 Apr 2027."},
		{"withdrawn", reportStands{Issued: true, Withdrawn: true, Dated: "1 Apr 2027"}, "The report dated 1 Apr 2027 was withdrawn."},
		{"under way", reportStands{Issued: true, Under: true, Dated: "1 Apr 2027"}, "The report dated 1 Apr 2027 is issued; another that supersedes it is under way."},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := sayReport(c.s); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestNoDraftOfACanceledEngagement: what was given up has no report under way.
func TestNoDraftOfACanceledEngagement(t *testing.T) {
	t.Parallel()
	w := newFirmWorld(t).accepted()
	holds(t, w.partner.page(reportAt), "The draft as the file stands")
	by := w.by(w.partner, access.Partner)
	gridCheck(t, w.s.files.EndEngagement(t.Context(), by, "EN-1", engagement.Canceled, "Both sides gave it up, since the system is not built any more.", 0))
	page := w.partner.page(reportAt)
	if strings.Contains(page, "The draft as the file stands") || strings.Contains(page, "Before the report is issued") {
		t.Errorf("a canceled engagement has a draft under way:\n%s", page)
	}
	if strings.Contains(page, "tieout verify") {
		t.Error("a report that was never issued is checked by name")
	}
}
