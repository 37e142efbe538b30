package examination_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/engagement/packet"
	"tieout/evidence"
	"tieout/examination"
	"tieout/period"
	"tieout/report/attest"
	"tieout/report/attest/lint"
	"tieout/store"
)

// planted are texts of the firm's alone: none of their bytes may come to be in
// the client's workspace.
var planted = []string{"PLANTED-NOTE-71", "PLANTED-MARK-72", "PLANTED-EVALUATION-73", "PLANTED-REVIEW-74", "PLANTED-PLAN-75"}

// cell marks one cell of a workpaper.
func (w *world) cell(test, item string, v fieldwork.Verdict) {
	w.t.Helper()
	check(w.t, w.firm.Files.Mark(w.t.Context(), staff, "EN-1", test, fieldwork.Cell{Item: item, Attribute: "A"}, v, 0))
}

// signOff prepares and reviews a workpaper.
func (w *world) signOff(test string) {
	w.t.Helper()
	digest := ""
	w.file(func(_ *fieldwork.State, x *fieldwork.File) { digest = x.PaperDigest(test) })
	check(w.t, w.firm.Files.Prepare(w.t.Context(), staff, "EN-1", test, digest))
	w.file(func(_ *fieldwork.State, x *fieldwork.File) { digest = x.PaperDigest(test) })
	check(w.t, w.firm.Files.Review(w.t.Context(), manager, "EN-1", test, digest))
}

// tested marks the sample of IAM-02: what the client's procedure found late is an
// exception. It returns the items with one.
func (w *world) tested() (late []string) {
	w.t.Helper()
	ctx := w.t.Context()
	check(w.t, w.firm.Files.OpenPaper(ctx, staff, "EN-1", opTest, "S-1", ""))
	var rows []string
	w.file(func(_ *fieldwork.State, x *fieldwork.File) { rows = slices.Clone(x.Papers[opTest].Rows) })
	run := must[*period.Run](w.t)(w.client.P.RunOfPeriod(ctx))
	check(w.t, w.client.P.Results(ctx, run, "access.leavers", func(r *audit.Result) error {
		if r.Outcome == audit.Deviated || r.Outcome == audit.Late {
			late = append(late, r.Item)
		}
		return nil
	}))
	check(w.t, w.firm.Files.OpenItem(ctx, staff, "EN-1", opTest, rows...))
	for _, r := range rows {
		v := fieldwork.Verdict{Mark: engagement.NoException, Evidence: []int64{1}}
		if slices.Contains(late, r) {
			v = fieldwork.Verdict{Mark: engagement.Exception, Note: "PLANTED-MARK-72: an account was left", Evidence: []int64{1}}
		}
		w.cell(opTest, r, v)
	}
	check(w.t, w.firm.Files.Reveal(ctx, staff, "EN-1", opTest))
	w.file(func(_ *fieldwork.State, x *fieldwork.File) {
		for _, c := range x.Papers[opTest].Differences(x.Tests[opTest]) {
			w.t.Errorf("mark and computed outcome differ at %v", c)
		}
	})
	check(w.t, w.firm.Files.LookForKnown(ctx, staff, "EN-1", opTest))
	return late
}

// found writes the exception, if there is one, and has both papers signed off.
func (w *world) found(late []string) {
	w.t.Helper()
	ctx := w.t.Context()
	d := fieldwork.FindingDraft{Test: opTest, Nature: "Access was not ended in time.", Evaluation: "PLANTED-EVALUATION-73",
		Text: fmt.Sprintf("For %d of %d leavers sampled, an account was left.", len(late), w.count("P-1"))}
	for _, item := range late {
		d.Cells = append(d.Cells, fieldwork.FindingCell{Item: item, Attribute: "A"})
	}
	id := must[string](w.t)(w.firm.Files.SetFinding(ctx, staff, "EN-1", "", d, 0))
	note := must[string](w.t)(w.firm.Files.AddNote(ctx, manager, "EN-1", opTest, "A", "PLANTED-REVIEW-74: which accounts?"))
	check(w.t, w.firm.Files.AnswerNote(ctx, staff, "EN-1", note, "PLANTED-NOTE-71: two of GitHub.", w.revision("note:EN-1/"+note)))
	check(w.t, w.firm.Files.ClearNote(ctx, manager, "EN-1", note, w.revision("note:EN-1/"+note)))
	check(w.t, w.firm.Files.OpenPaper(ctx, staff, "EN-1", designTest, "", ""))
	w.cell(designTest, "", fieldwork.Verdict{Mark: engagement.NoException, Evidence: []int64{1}})
	w.signOff(opTest)
	w.signOff(designTest)
	check(w.t, w.firm.Files.MoveState(ctx, manager, "EN-1", engagement.Exceptions, "", w.revision("state:EN-1")))
	must[engagement.Finding](w.t)(w.firm.Files.ReleaseFinding(ctx, manager, "EN-1", id, w.revision("finding:EN-1/"+id)))
	w.exchange()
	check(w.t, w.client.Side.Respond(ctx, lead, "EN-1", engagement.Response{Finding: id, Agrees: true, Cause: "A list was incomplete.", Effect: "None was used.", Done: "The accounts were closed on 2 April 2026.", Status: "Closed"}, 1))
	check(w.t, w.client.FinishResponse(ctx, signer, "EN-1", id, 2))
	w.exchange()
}

func (w *world) count(population string) (n int) {
	w.file(func(_ *fieldwork.State, x *fieldwork.File) { n = x.Populations[population].Count })
	return n
}

// says is what Acme writes for a description criterion: of DC 8, that it states no
// control for some criteria.
func says(dc string) string {
	text := "Acme keeps ledgers for small firms, and tells here what " + dc + " asks for."
	if dc == "DC 8" {
		text += " It left out, as nothing of its ledgers falls under them: " + strings.Join(engagement.Terms{}.Criteria(), ", ") + "."
	}
	return text
}

// described has Acme describe its system and assert; the controls are those in
// scope.
func (w *world) described() {
	w.t.Helper()
	ctx := w.t.Context()
	var seen []int64
	for _, dc := range management.DCs(engagement.SOC2TypeII) {
		check(w.t, w.client.Side.WriteSection(ctx, lead, "EN-1", engagement.DCSection{DC: dc, Paragraphs: []engagement.Paragraph{{Text: says(dc), Sources: []string{"boundary"}}}}, 0))
		seen = append(seen, 1)
	}
	var controls []string
	w.file(func(_ *fieldwork.State, x *fieldwork.File) { controls = x.ControlsInScope() })
	must[management.Version](w.t)(w.client.Side.FinishDescription(ctx, signer, "EN-1", controls, seen))
	w.exchange()
}

// asserted has a signer of Acme's sign assertion and letter on a day.
func (w *world) asserted(dated string) {
	w.t.Helper()
	ctx := w.t.Context()
	own := examination.Keys{Store: w.client.P.Store}.Own(ctx)
	a := engagement.Assertion{By: "Acme", Text: "We described the system as it is.", Dated: dated, Decision: engagement.Decisions{Description: true, Design: true, Except: "Some leavers kept an account."}}
	next := must[management.Stated](w.t)(w.client.Side.NextAssertion(ctx, "EN-1", "Acme"))
	a.Terms, a.Version = next.Terms, next.Version
	a.Signed = w.sign(w.client.P, signer, "Chief Executive Officer", "assertion", must[string](w.t)(a.ToSign()))
	check(w.t, w.client.Side.SignAssertion(ctx, signer, "EN-1", a, own))
	r := engagement.Representation{By: "Acme", Text: "We told you all there is.", Dated: dated}
	next = must[management.Stated](w.t)(w.client.Side.NextLetter(ctx, "EN-1", "Acme"))
	r.Terms, r.Version = next.Terms, next.Version
	r.Signed = w.sign(w.client.P, signer, "Chief Executive Officer", "letter of representation", must[string](w.t)(r.ToSign()))
	check(w.t, w.client.Side.SignRepresentation(ctx, signer, "EN-1", r, own))
	w.exchange()
}

// concluded concludes on everything in scope, and opines.
func (w *world) concluded() {
	w.t.Helper()
	ctx := w.t.Context()
	for n := 1; n <= 9; n++ {
		id := fmt.Sprintf("T-DC-%d", n)
		check(w.t, w.firm.Files.SetTest(ctx, manager, "EN-1", engagement.Test{ID: id, Control: fmt.Sprintf("DC-%d", n), Phase: engagement.Design, Kind: engagement.Inspection, Text: "Compared the description with the records.",
			Criteria: []string{fmt.Sprintf("DC %d", n)}, Attributes: []engagement.Attribute{{Name: "A", Text: "It is what the records show."}}}, "the description came", 0))
		check(w.t, w.firm.Files.OpenPaper(ctx, staff, "EN-1", id, "", ""))
		w.cell(id, "", fieldwork.Verdict{Mark: engagement.NoException, Evidence: []int64{1}})
		w.signOff(id)
	}
	var left []string
	w.file(func(_ *fieldwork.State, x *fieldwork.File) { left = x.ToConclude() })
	for _, what := range left {
		c := fieldwork.Concluding{Outcome: engagement.UnableToConclude, Text: "No control was tested for it."}
		switch {
		case what == "control:IAM-02":
			c = fieldwork.Concluding{Outcome: engagement.WithExceptions, Design: fieldwork.Suitable, Text: "Exceptions noted."}
		case strings.HasPrefix(what, "control:"):
			c.Design = fieldwork.DesignUnproved
		case strings.HasPrefix(what, "dc:"):
			c = fieldwork.Concluding{Outcome: engagement.NoExceptions, Text: "Presented as it is."}
		}
		check(w.t, w.firm.Files.Conclude(ctx, manager, "EN-1", what, c, w.revision("conclusion:EN-1/"+what)))
	}
	check(w.t, w.firm.Files.MoveState(ctx, manager, "EN-1", engagement.DescriptionFinal, "", w.revision("state:EN-1")))
	for _, part := range engagement.SOC2TypeII.Parts() {
		text, basis, digest := "Except for the effects of the matter described, it holds in all material respects.", "Most controls could not be tested.", ""
		w.file(func(s *fieldwork.State, x *fieldwork.File) {
			digest = s.OpinionDigest(x, part, engagement.Qualified, text, basis)
		})
		check(w.t, w.firm.Files.Opine(ctx, partner, "EN-1", part, engagement.Qualified, text, basis, w.sign(w.firm.P, partner, "Partner", "opinion", digest)))
	}
}

const dated = "2026-04-01"

// issued is the whole examination, from frozen to the report in Acme's hands.
func issued(t *testing.T) (*world, attest.Report) {
	t.Helper()
	w := frozen(t)
	ctx := t.Context()
	check(t, w.firm.Files.SetPlan(ctx, manager, "EN-1", fieldwork.PlanText{Materiality: "PLANTED-PLAN-75"}, w.revision("plan:EN-1")))
	check(t, w.firm.Files.ReleaseSample(ctx, manager, "EN-1", "S-1", w.revision("sample:EN-1/S-1")))
	w.found(w.tested())
	w.described()
	w.concluded()
	check(t, w.firm.Files.MoveState(ctx, manager, "EN-1", engagement.DraftReview, "", w.revision("state:EN-1")))
	w.worded()
	w.draftReviewed()
	quality2 := ""
	w.file(func(_ *fieldwork.State, x *fieldwork.File) { quality2 = x.QualityDigest() })
	check(t, w.firm.Files.SignQuality(ctx, quality, "EN-1", quality2, "Reviewed the judgments."))
	check(t, w.firm.Files.Inquire(ctx, manager, "EN-1", "Sam Ibe, and the incident log", "Nothing happened.", dated))
	w.asserted(dated)
	r := w.issue()
	w.exchange()
	return w, r
}

// draftReviewed gives Acme a draft, on which it comments, and answers.
func (w *world) draftReviewed() {
	w.t.Helper()
	ctx := w.t.Context()
	must[engagement.Draft](w.t)(w.firm.GiveDraft(ctx, partner, "EN-1", dated, "2026-04-10"))
	w.exchange()
	id := must[string](w.t)(w.client.Side.Comment(ctx, lead, "EN-1", "Section III", "The region is named wrongly."))
	w.exchange()
	id = strings.TrimPrefix(id, "EN-1/")
	check(w.t, w.firm.Files.AnswerComment(ctx, manager, "EN-1", id, "It is Acme's own text.", w.revision("comment:EN-1/"+id)))
	w.exchange()
}

// signsReport is the partner's hand under the report of EN-1.
func (w *world) signsReport(what, digest string) (engagement.Signature, error) {
	return w.sign(w.firm.P, partner, "Partner", what, digest), nil
}

// issue issues the report as the partner looked at it, and returns it.
func (w *world) issue() attest.Report {
	w.t.Helper()
	ctx := w.t.Context()
	seen := must[examination.Final](w.t)(w.firm.Final(ctx, partner, "EN-1", examination.Issuing{Dated: dated}))
	meanwhile := func(what, digest string) (engagement.Signature, error) {
		if what == examination.SignsPages {
			check(w.t, w.firm.Files.Inquire(ctx, manager, "EN-1", "Sam Ibe once more", "Nothing happened.", dated))
		}
		return w.signsReport(what, digest)
	}
	if _, err := w.firm.IssueReport(ctx, partner, "EN-1", examination.Issuing{Dated: dated, Report: seen.Digest, Sign: meanwhile}); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "the file has changed") {
		w.t.Errorf("issued though the file changed while it was signed: %v", err)
	}
	forged := seen.Report
	forged.Annex.Steps = forged.Annex.Steps[1:]
	raw := must[[]byte](w.t)(attest.Marshal(forged))
	_, _, err := w.firm.P.Blobs.Put(ctx, bytes.NewReader(raw))
	check(w.t, err)
	if _, err := w.firm.IssueReport(ctx, partner, "EN-1", examination.Issuing{Dated: dated, Report: must[string](w.t)(attest.Digest(forged)), Sign: w.signsReport}); !errors.Is(err, audit.ErrNotFound) {
		w.t.Errorf("issued with an annex that nobody made to look at: %v", err)
	}
	release := must[engagement.Release](w.t)(w.firm.IssueReport(ctx, partner, "EN-1", examination.Issuing{Dated: dated, Report: seen.Digest, Sign: w.signsReport}))
	if release.Report != seen.Digest {
		w.t.Errorf("issued %s, looked at %s", release.Report, seen.Digest)
	}
	return must[attest.Report](w.t)(w.firm.Value(ctx, release.Report))
}

// TestWhole: an examination from invitation to report, the two sides joined by
// files alone. The report ties, the client gets it, and nothing of the firm's is
// in any byte of the client's workspace or of what was carried there.
func TestWhole(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine, and long; it runs without -short")
	}
	w, r := issued(t)
	w.side(func(_ *management.State, x *management.Side) {
		if len(x.Releases) != 1 || x.State != engagement.Issued || x.Releases[0].Opinions["operation"] != "Qualified" || x.Comments["M-1"].Answer == "" {
			t.Errorf("state %q, releases %+v, comments %+v", x.State, x.Releases, x.Comments)
		}
	})
	for _, f := range lint.Lint(r, lint.Beside{}) {
		if f.Severity == lint.Error {
			t.Errorf("%s: %s: %s", f.Where, f.Rule, f.Text)
		}
	}
	w.printed(r)
	w.proves(r)
	if err := attest.Check(r); err != nil {
		t.Error(err)
	}
	i := slices.IndexFunc(r.Groups, func(g attest.Group) bool { return g.ID == "CC6.2" })
	var row attest.Test
	for _, c := range r.Groups[i].Controls {
		if c.ID == "IAM-02" {
			row = c.Tests[0]
		}
	}
	if row.Population != w.count("P-1") || row.Sample != row.Population || row.Exceptions == 0 || len(row.Findings) != 1 || row.Paper == "" {
		t.Errorf("the row of IAM-02: %+v", row)
	}
	w.copies()
	for _, dir := range []string{w.client.P.Dir, w.toAcme} {
		holds(t, dir, planted)
	}
	p := w.client.P
	check(t, p.Store.Records(t.Context(), store.RecordFilter{}, func(rec audit.Record) error {
		body, err := evidence.ReadBody(t.Context(), p.Store, p.Blobs, rec)
		for _, word := range planted {
			if bytes.Contains(body, []byte(word)) {
				t.Errorf("%s of Acme's log holds %s", rec.Ref(), word)
			}
		}
		return err
	}))
	found := false // in the firm's own store, or the search says nothing
	check(t, w.firm.P.Store.Records(t.Context(), store.RecordFilter{}, func(rec audit.Record) error {
		body, err := evidence.ReadBody(t.Context(), w.firm.P.Store, w.firm.P.Blobs, rec)
		found = found || bytes.Contains(body, []byte(planted[0]))
		return err
	}))
	if !found {
		t.Error("the planted note is not in the firm's own log either")
	}
	n, faults, err := w.client.P.VerifyStore(t.Context(), nil)
	check(t, err)
	if n == 0 || len(faults) > 0 {
		t.Errorf("Acme's store: %d records, %v", n, faults)
	}
}

// holds fails for every file below a folder that holds one of the words.
func holds(t *testing.T, dir string, words []string) {
	t.Helper()
	files := 0
	check(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		for _, word := range words {
			if bytes.Contains(b, []byte(word)) {
				t.Errorf("%s holds %s", path, word)
			}
		}
		return err
	}))
	if files == 0 {
		t.Errorf("%s has no file to look at", dir)
	}
}

// TestClientCannotBeWritten: the firm's packets change nothing of the client's
// evidence, and neither side takes what only the other may say.
func TestClientCannotBeWritten(t *testing.T) {
	w := begun(t)
	ctx := t.Context()
	release := engagement.Release{Report: strings.Repeat("a", 64), Files: []string{}, Dated: dated, Signed: engagement.Signature{Value: "x"}}
	if err := w.client.Side.TakeRelease(ctx, as(access.Company, leaID, access.Employee, access.ScopeOwn), "EN-1", release, 0, nil); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("an employee takes a report in: %v", err)
	}
	post := must[*packet.Post](t)(w.firm.Post(ctx, "EN-1", ""))
	one := packet.File{Name: "one.txt", Media: "text/plain", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("one")), nil }}
	for _, o := range []packet.Outgoing{
		{Kind: engagement.SendEvidence, Payload: engagement.EvidenceNote{For: []string{"RQ-1"}, Text: "Ours."}, Files: []packet.File{one}},
		{Kind: engagement.SendAssertion, Payload: engagement.Assertion{By: "Acme", Text: "All holds.", Dated: dated}},
		{Kind: engagement.SendDescription, Payload: engagement.Description{Version: 1, Sections: []engagement.DCSection{}, Controls: []string{}, Expected: []engagement.Expected{}}},
		{Kind: engagement.SendResponses, Payload: []engagement.Response{{Finding: "X-1", Agrees: true}}},
	} {
		if _, err := post.Send(ctx, o); !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), "this side does not send packets of kind") {
			t.Errorf("the firm sends %s: %v", o.Kind, err)
		}
		client := must[*packet.Post](t)(w.client.Post(ctx, "EN-1", ""))
		if _, err := client.Send(ctx, o); err != nil { // only whose they are stands against them
			t.Errorf("the client sends %s: %v", o.Kind, err)
		}
	}
}
