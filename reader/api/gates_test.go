package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/gatestest"
	"tieout/examination"
)

// A request is a forbidden act as a program tries it.
type attempt struct {
	method, path string
	body         any
	match        bool // asks for If-Match, from Args.Base
}

// attemptOf is a case as a request.
func attemptOf(t testing.TB, c gatestest.Case) attempt {
	t.Helper()
	a := c.Args
	switch c.Act {
	case "SetTest":
		x := a.Planned
		return attempt{"PUT", inFile("/tests/%s", x.ID), TestChange{TestText{x.Control, x.Version, x.Until, string(x.Phase), string(x.Kind), x.Text, x.Attributes, string(x.Reliance), x.Population, x.Criteria, x.Extra}, a.Why}, true}
	case "SetReliance":
		return attempt{"PUT", inFile("/reliance/%s", a.Control), RelianceText{string(a.Reliance), a.Why}, true}
	case "MoveState":
		return attempt{"PUT", inFile("/state"), StateText{string(a.State), a.Why}, true}
	case "CommitNonce":
		return attempt{"POST", inFile("/nonces"), NonceText{a.Control, a.Round, ""}, false}
	case "AcceptPopulation":
		return attempt{"POST", inFile("/populations/%s/acceptance", a.Population), nil, true}
	case "DrawSample":
		o := a.Order
		return attempt{"POST", inFile("/samples"), OrderText{Population: o.Population, Control: o.Control, Method: string(o.Method), Size: o.Size, Basis: o.Basis}, false}
	}
	return paperAttempt(t, c)
}

func verdictText(v fieldwork.Verdict) VerdictText {
	return VerdictText{string(v.Mark), v.Note, v.Evidence, v.Why}
}

// paperAttempt is an act on a workpaper, an exception or a conclusion.
func paperAttempt(t testing.TB, c gatestest.Case) attempt {
	t.Helper()
	a := c.Args
	var cells []CellName
	for _, x := range a.Cells {
		cells = append(cells, CellName(x))
	}
	switch c.Act {
	case "OpenPaper":
		return attempt{"POST", inFile("/papers/%s", a.Test), PaperText{Sample: a.Sample}, false}
	case "Mark":
		return attempt{"PUT", inFile("/papers/%s/cell", a.Test), MarkText{cells[0], verdictText(a.Verdict)}, true}
	case "MarkMany":
		var seen []SeenCell
		for _, x := range cells {
			seen = append(seen, SeenCell{CellName: x})
		}
		return attempt{"PUT", inFile("/papers/%s/cells", a.Test), MarksText{seen, verdictText(a.Verdict)}, false}
	case "Reveal":
		return attempt{"POST", inFile("/papers/%s/revealed", a.Test), CellNames{cells}, false}
	case "Prepare":
		return attempt{"POST", inFile("/papers/%s/prepared", a.Test), DigestText{a.Digest}, false}
	case "Review":
		return attempt{"POST", inFile("/papers/%s/reviewed", a.Test), DigestText{a.Digest}, false}
	case "SetFinding":
		d := FindingText{Test: a.Draft.Test, Known: a.Draft.Known, Nature: a.Draft.Nature, Text: a.Draft.Text, Cause: a.Draft.Cause, Evaluation: a.Draft.Evaluation}
		for _, x := range a.Draft.Cells {
			d.Cells = append(d.Cells, CellName(x))
		}
		if a.Finding == "" {
			return attempt{"POST", inFile("/findings"), d, false}
		}
		return attempt{"PUT", inFile("/findings/%s", a.Finding), d, true}
	case "Conclude":
		x := a.Concluding
		return attempt{"PUT", inFile("/conclusions/%s", url.PathEscape(a.What)), ConclusionText{string(x.Outcome), x.Design, x.Implemented, x.Text, x.Prior}, true}
	}
	return endAttempt(t, c)
}

// endAttempt is an act from the opinion to the archive.
func endAttempt(t testing.TB, c gatestest.Case) attempt {
	t.Helper()
	a := c.Args
	switch c.Act {
	case "Opine":
		return attempt{"PUT", inFile("/opinions/%s", a.Part), SignedOpinion{OpinionText{string(a.Opinion), a.Text, a.Basis}, a.Signed}, false}
	case "SignQuality":
		return attempt{"POST", inFile("/quality"), QualityText{DigestText{a.Digest}, Words{a.Text}}, false}
	case "GiveDraft":
		return attempt{"POST", inFile("/drafts"), DraftText{a.Dated, a.Dated}, false}
	case "Issue":
		return attempt{"POST", inFile("/report"), IssueText{Report: a.Digest, Dated: a.Dated, Why: a.Why, Signed: a.Signed, Pages: a.Signed}, false}
	case "Revise":
		return attempt{"POST", inFile("/report/revision"), Why{a.Why}, false}
	case "Assemble":
		return attempt{"POST", inFile("/archive/assembly"), nil, false}
	case "Lock":
		return attempt{"POST", inFile("/archive/lock"), nil, false}
	case "AddToArchive":
		return attempt{"POST", inFile("/archive/additions"), AdditionText{DigestText{a.Files[0].Digest}, a.Files[0].Name, a.Files[0].Size, a.Why}, false}
	}
	t.Fatalf("no call does %s", c.Act)
	return attempt{}
}

// try sends an attempt, signed by its person where keys are given.
func (x attempt) try(t testing.TB, who *client, keys *gatestest.Keys, base int64) *httptest.ResponseRecorder {
	t.Helper()
	body := ""
	if x.body != nil {
		body = jsonOf(t, x.body)
	}
	var pairs []string
	if x.match {
		pairs = ifMatch(base)
	}
	if keys != nil {
		pairs = append(pairs, who.signing(keys, x.method, x.path, body, pairs...)...)
	}
	return who.send(x.method, x.path, body, pairs...)
}

// refusedAs holds an answer to a case: its status, and the gate's own words.
func refusedAs(t testing.TB, c gatestest.Case, got *httptest.ResponseRecorder) {
	t.Helper()
	v := map[string]any{}
	if strings.Contains(got.Header().Get("Content-Type"), "json") {
		v = object(t, got)
	}
	detail, _ := v["detail"].(string)
	if got.Code != c.Status() || !strings.Contains(strings.ToLower(detail), strings.ToLower(c.Says)) {
		t.Errorf("%s (%s): %d %s; want %d: %q", c.Name, c.Act, got.Code, detail, c.Status(), c.Says)
	}
}

// TestGates: every forbidden order of an examination is refused through the
// interface for programs, in the gate's own words; and what only a person may do
// a token never does, whatever stands.
func TestGates(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine, and long; it runs without -short")
	}
	f := newFirmWorld(t)
	n := 0
	gatestest.Walk(f.firm, func(c gatestest.Case) {
		n++
		x, who := attemptOf(t, c), f.person(c.By)
		refusedAs(t, c, x.try(t, who, f.keys, c.Args.Base))
		if got := x.try(t, who, nil, c.Args.Base); got.Code != c.Status() && got.Code != http.StatusForbidden {
			t.Errorf("%s (%s) by a token: %d %s; want it refused", c.Name, c.Act, got.Code, got.Body)
		}
	})
	if n < 50 {
		t.Errorf("%d forbidden orders tried; want 50 or more", n)
	}
}

// act sends a request that its person signed.
func (c *client) act(keys *gatestest.Keys, method, path string, body any, pairs ...string) *httptest.ResponseRecorder {
	c.t.Helper()
	text := jsonOf(c.t, body)
	return c.send(method, path, text, append(pairs, c.signing(keys, method, path, text, pairs...)...)...)
}

// blob puts bytes among the firm's and returns their digest.
func (f *firmWorld) blob(text string) string {
	f.t.Helper()
	d, _, err := f.web.Home().Blobs.Put(f.t.Context(), strings.NewReader(text))
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.TrimPrefix(d, "sha256:")
}

// TestReport: what a partner gives and signs is made from the file and read before;
// no other blob of the firm's goes to the client, as a draft or under a signature.
func TestReport(t *testing.T) {
	f := newFirmWorld(t)
	gatestest.Issuable(f.firm)
	f.givesOnlyWhatIsMade()
	f.issuesOnlyWhatWasMade()
}

func (f *firmWorld) today() string { return f.at.UTC().Format(time.DateOnly) }

// signs is the partner's hand under a report.
func (f *firmWorld) signs(what, digest string) SignatureText {
	f.t.Helper()
	return f.keys.Sign(f.t, f.web.Home().Seal, f.at, f.person(fieldwork.DutyPartner).account, "Paula Stone", "Partner", what, digest)
}

func (f *firmWorld) issuesOnlyWhatWasMade() {
	f.t.Helper()
	partner, today, sign := f.person(fieldwork.DutyPartner), f.today(), f.signs
	made := want(f.t, "the report as it would be issued", partner.act(f.keys, "POST", inFile("/report/final"), FinalText{Dated: today}), http.StatusOK)
	report, pages := fmt.Sprint(in(made, "result", "report")), fmt.Sprint(in(made, "result", "pages"))
	open, _ := in(made, "result", "open").([]any)
	if len(report) != 64 || len(pages) != 64 || len(open) == 0 {
		f.t.Fatalf("the report is %q, its pages %q, open %v; want two digests and what a reading finds in a file whose client states one control", report, pages, open)
	}
	note := f.blob("a review note of EN-9")
	for _, tt := range []struct {
		name   string
		body   IssueText
		status int
		says   string
	}{
		{"with an error of the lint", IssueText{Report: report, Dated: today, Signed: sign(examination.SignsReport, report), Pages: sign(examination.SignsPages, pages)}, http.StatusConflict, "cannot be issued"},
		{"a blob that is no report", IssueText{Report: note, Dated: today, Signed: sign(examination.SignsReport, note), Pages: sign(examination.SignsPages, pages)}, http.StatusNotFound, "was not made here"},
		{"a digest of nothing", IssueText{Report: strings.Repeat("0", 64), Dated: today, Signed: sign(examination.SignsReport, strings.Repeat("0", 64)), Pages: sign(examination.SignsPages, pages)}, http.StatusNotFound, "was not made here"},
		{"the report of another day", IssueText{Report: report, Dated: "2020-01-01", Signed: sign(examination.SignsReport, report), Pages: sign(examination.SignsPages, pages)}, http.StatusConflict, "the report 2020-01-01"},
	} {
		got := want(f.t, tt.name, partner.act(f.keys, "POST", inFile("/report"), tt.body), tt.status)
		if detail := fmt.Sprint(got["detail"]); !strings.Contains(detail, tt.says) || strings.Contains(detail, "review note") {
			f.t.Errorf("%s: %s; want it to say %q, and nothing of what lies there", tt.name, detail, tt.says)
		}
	}
	want(f.t, "with files of the caller's choice", partner.act(f.keys, "POST", inFile("/report"), map[string]any{"report": report, "dated": today, "signed": sign("report", report), "pages": sign("pages", pages),
		"files": []fieldwork.IssuedFile{{Name: "report.pdf", Digest: note, Size: 1}}}), http.StatusUnprocessableEntity)
}

// givesOnlyWhatIsMade: a draft is made from the file, and never a blob that the
// caller names.
func (f *firmWorld) givesOnlyWhatIsMade() {
	f.t.Helper()
	partner, today := f.person(fieldwork.DutyPartner), f.today()
	for name, digest := range map[string]string{"a note": f.blob("a review note of EN-9"), "nothing": strings.Repeat("0", 64)} {
		want(f.t, name+" as a draft", partner.act(f.keys, "POST", inFile("/drafts"), map[string]any{"digest": digest, "due": today}), http.StatusUnprocessableEntity)
	}
	body, pairs := DraftText{Dated: today, Due: today}, []string{"Idempotency-Key", "K-draft"}
	given := func() (out []engagement.Draft) {
		if err := f.web.Files().ReadFile(f.t.Context(), gatestest.ID, func(_ *fieldwork.State, x *fieldwork.File) error { out = slices.Clone(x.Drafts); return nil }); err != nil {
			f.t.Fatal(err)
		}
		return out
	}
	before := len(given())
	for range 2 { // the file has grown by the second time
		want(f.t, "a draft", partner.act(f.keys, "POST", inFile("/drafts"), body, pairs...), http.StatusOK)
	}
	list := given()
	if len(list) != before+1 {
		f.t.Fatalf("%d drafts were given; want one, also when it is sent again", len(list)-before)
	}
	r, err := f.web.Firm().Value(f.t.Context(), list[before].Digest)
	if err != nil || !r.Draft || r.ID != "RPT-EN-1-1" {
		f.t.Errorf("the draft is %s, %t, %v; want the file's own", r.ID, r.Draft, err)
	}
}

// TestReportIsIssuedAsItWasLookedAt: once, with both signatures, and what became of
// it is told.
func TestReportIsIssuedAsItWasLookedAt(t *testing.T) {
	f := newFirmWorld(t)
	f.firm.Whole = true
	gatestest.Issuable(f.firm)
	partner, made := f.person(fieldwork.DutyPartner), map[string]any{}
	look := func() string {
		made = want(t, "the report", partner.act(f.keys, "POST", inFile("/report/final"), FinalText{Dated: f.today()}), http.StatusOK)
		if open, _ := in(made, "result", "open").([]any); len(open) > 0 {
			t.Fatalf("open %q", open)
		}
		return fmt.Sprint(in(made, "result", "report"))
	}
	report := look()
	body := IssueText{Report: report, Dated: f.today(), Signed: f.signs(examination.SignsReport, report), Pages: f.signs(examination.SignsPages, report)}
	want(t, "a signature that is not over its pages", partner.act(f.keys, "POST", inFile("/report"), body), http.StatusUnprocessableEntity)
	body.Pages = f.signs(examination.SignsPages, fmt.Sprint(in(made, "result", "pages")))
	for range 2 {
		want(t, "as it was looked at", partner.act(f.keys, "POST", inFile("/report"), body, "Idempotency-Key", "K-issue"), http.StatusCreated)
	}
	if got := partner.get(inFile("/report")); in(got, "summary", "text") != "The report is issued, dated "+f.today()+"." || len(in(got, "result", "issued").([]any)) != 1 {
		t.Errorf("issued once: %v", in(got, "summary"))
	}
	want(t, "withdrawn", partner.act(f.keys, "POST", inFile("/report/withdrawal"), Why{"A letter was taken back."}), http.StatusOK)
	if got := partner.get(inFile("/report")); in(got, "summary", "text") != "The report dated "+f.today()+" is withdrawn." {
		t.Errorf("withdrawn: %v", in(got, "summary"))
	}
	if got := partner.get(inFile("/gates?act=report.issue&dated=2020-01-01")); in(got, "items", 0, "missing") == nil {
		t.Errorf("the gates of another day: %v", got)
	}
	want(t, "a misspelled act", partner.send("GET", inFile("/gates?act=report.isue"), ""), http.StatusNotFound)
}
