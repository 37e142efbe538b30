package fieldwork_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/signature"
	"tieout/internal/canonical"
	"tieout/ledger"
)

// keyOf are the keys of a test's people. They are not wrapped with a passphrase,
// which takes a second each time they are used.
var keyOf = sync.OnceValue(func() map[string]ledger.Signer {
	keys := map[string]ledger.Signer{}
	for account, name := range names {
		private, _, err := ledger.GenerateKey(signature.KeyName(name))
		if err != nil {
			panic(err)
		}
		if keys[account], err = ledger.ParseSigner(private); err != nil {
			panic(err)
		}
	}
	return keys
})

// names of people who sign; anaID is the client's.
const anaID = "01900000-0000-7000-8000-0000000000b1"

var names = map[string]string{paulaID: "Paula Stone", mikaID: "Mika Long", anaID: "Ana Ruiz"}

// signature is a person's over a digest; the firm's people have their keys
// announced in the log.
func (w *world) signature(account, digest string) engagement.Signature {
	w.t.Helper()
	key := keyOf()[account]
	sig := engagement.Signature{Signer: account, Name: names[account], Title: "Partner", Key: key.Key().VKey(), What: "what is here", Digest: digest, At: w.now()}
	text := must[[]byte](w.t)(canonical.Marshal(map[string]any{"format": "tieout.signature/1", "signer": sig.Signer, "name": sig.Name, "title": sig.Title,
		"what": sig.What, "digest": sig.Digest, "key": sig.Key, "at": audit.FormatTime(sig.At)}))
	msg := must[[]byte](w.t)(ledger.SignStatement(key, "tieout signature 1", string(text)+"\n"))
	_, sig.Value, _ = strings.Cut(string(msg), "\n\n")
	if account != anaID {
		must[int64](w.t)(signature.Announce(w.t.Context(), w.seal, audit.Actor{Kind: audit.ActorPerson, Name: account}, signature.Key{Account: account, Name: names[account], Verifier: sig.Key, Made: start}))
	}
	return sig
}

// concluded is signedOff with a final description, a workpaper for each of its
// criteria, and a conclusion on everything in scope.
func concluded(t testing.TB) *world {
	t.Helper()
	w := signedOff(t)
	ctx := t.Context()
	check(t, w.book.TakeControls(ctx, receiver, "EN-1", controlSet(), 4))
	w.describe(t, "CHG-01")
	for n := 1; n <= 9; n++ {
		dc, id := fmt.Sprintf("DC %d", n), fmt.Sprintf("T-DC-%d", n)
		check(t, w.book.SetTest(ctx, manager, "EN-1", engagement.Test{ID: id, Control: fmt.Sprintf("DC-%d", n), Phase: engagement.Design, Kind: engagement.Inspection,
			Text: "Compared the description with the records.", Criteria: []string{dc}, Attributes: []engagement.Attribute{{Name: "A", Text: "It is what the records show."}}}, "", 0))
		check(t, w.book.OpenPaper(ctx, staff, "EN-1", id, "", ""))
		check(t, w.book.Mark(ctx, staff, "EN-1", id, fieldwork.Cell{Attribute: "A"}, none(""), 0))
		w.sign(t, id)
	}
	w.concludeAll(t)
	return w
}

// describe takes a final description in that lists controls.
func (w *world) describe(t testing.TB, controls ...string) {
	t.Helper()
	version := 1
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		if f.Description != nil {
			version = f.Description.Version + 1
		}
	})
	check(t, w.book.TakeDescription(t.Context(), receiver, "EN-1", engagement.Description{Version: version, Final: true, Controls: controls,
		Sections: []engagement.DCSection{{DC: "DC 1", Paragraphs: []engagement.Paragraph{{Text: "Halyard Cloud."}}}}}, 5))
}

// concludeAll concludes whatever has no current conclusion.
func (w *world) concludeAll(t testing.TB) {
	t.Helper()
	var left []string
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		for _, what := range f.ToConclude() {
			if f.Concluded[what] == nil || f.Stale(what) != "" {
				left = append(left, what)
			}
		}
	})
	for _, what := range left {
		c := fieldwork.Concluding{Outcome: engagement.UnableToConclude, Text: "No control was tested for it."}
		switch {
		case strings.HasPrefix(what, "control:"):
			c = withExceptions()
		case what == "criterion:CC8.1":
			c = fieldwork.Concluding{Outcome: engagement.WithExceptions, Text: "Met but for the exceptions."}
		case strings.HasPrefix(what, "dc:"):
			c = fieldwork.Concluding{Outcome: engagement.NoExceptions, Text: "Presented as it is."}
		}
		check(t, w.book.Conclude(t.Context(), manager, "EN-1", what, c, w.revision("conclusion:EN-1/"+what)))
	}
}

// opine writes one opinion, signed over what is there.
func (w *world) opine(part engagement.Part, o engagement.Opinion, text, basis string) error {
	var d string
	w.file(func(s *fieldwork.State, f *fieldwork.File) { d = s.OpinionDigest(f, part, o, text, basis) })
	return w.book.Opine(w.t.Context(), partner, "EN-1", part, o, text, basis, w.signature(paulaID, d))
}

func (w *world) opineAll(t testing.TB) {
	t.Helper()
	for _, part := range engagement.SOC2TypeII.Parts() {
		check(t, w.opine(part, engagement.Qualified, "Except for the matter described, in all material respects.", "Changes were merged by their authors."))
	}
}

func TestOpinionComesLast(t *testing.T) {
	t.Parallel()
	w := concluded(t)
	ctx := t.Context()
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		was := f.Concluded["criterion:CC3.1"]
		delete(f.Concluded, "criterion:CC3.1")
		t.Cleanup(func() {})
		f.Concluded["held"] = was
	})
	if err := w.opine(engagement.PartDesign, engagement.Unmodified, "Suitably designed.", ""); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "no conclusion on criterion:CC3.1") {
		t.Errorf("an opinion before every conclusion: %v; want it refused", err)
	}
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		f.Concluded["criterion:CC3.1"] = f.Concluded["held"]
		delete(f.Concluded, "held")
	})
	for _, c := range []struct {
		name, want  string
		part        engagement.Part
		o           engagement.Opinion
		text, basis string
	}{
		{"no such part", "part is one of", "controls", engagement.Unmodified, "t", ""},
		{"no such opinion", "opinion is one of", engagement.PartDesign, "Clean", "t", ""},
		{"modified without a basis", "why it is modified", engagement.PartDesign, engagement.Adverse, "t", ""},
		{"unmodified with a basis", "has none", engagement.PartDesign, engagement.Unmodified, "t", "b"},
		{"no words", "text is missing", engagement.PartDesign, engagement.Unmodified, "", ""},
		{"a placeholder", "placeholder", engagement.PartDesign, engagement.Unmodified, "{{opinion}}", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := w.opine(c.part, c.o, c.text, c.basis); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v; want %q", err, c.want)
			}
		})
	}
	if err := w.book.Opine(ctx, partner, "EN-1", engagement.PartDesign, engagement.Unmodified, "t", "", w.signature(paulaID, letter())); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("signed over something else: %v; want a conflict", err)
	}
	if err := w.book.Opine(ctx, partner, "EN-1", engagement.PartDesign, engagement.Unmodified, "t", "", w.signature(mikaID, letter())); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("signed by another: %v; want it refused", err)
	}
	if err := w.book.Opine(ctx, manager, "EN-1", engagement.PartDesign, engagement.Unmodified, "t", "", w.signature(mikaID, letter())); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("a manager opines: %v; want it forbidden", err)
	}
	w.opineAll(t)
	check(t, w.book.Reopen(ctx, manager, "EN-1", opTest, "an item was misread"))
	if err := w.opine(engagement.PartDesign, engagement.Unmodified, "Suitably designed.", ""); err == nil || !strings.Contains(err.Error(), "to be renewed: control:CHG-01") {
		t.Errorf("an opinion on stale conclusions: %v; want it refused", err)
	}
}

// issuable is a world where nothing is missing for the report.
func issuable(t testing.TB) *world {
	t.Helper()
	w := concluded(t)
	ctx := t.Context()
	must[engagement.Finding](t)(w.book.ReleaseFinding(ctx, manager, "EN-1", "X-1", w.revision("finding:EN-1/X-1")))
	w.opineAll(t)
	w.steps(t)
	if err := w.book.GiveDraft(ctx, partner, "EN-1", engagement.Draft{Digest: letter(), Due: "2027-02-10"}); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("gave a draft nobody has: %v; want not found", err)
	}
	draft := w.put(t, "draft.json", "a draft").Digest
	check(t, w.book.GiveDraft(ctx, partner, "EN-1", engagement.Draft{Digest: draft, Due: "2027-02-10"}))
	check(t, w.book.TakeComments(ctx, receiver, "EN-1", []engagement.Comment{{ID: "C-1", Draft: draft, Where: "Section III", Text: "The region is wrong."}}, 6))
	check(t, w.book.AnswerComment(ctx, manager, "EN-1", "C-1", "Corrected.", 1))
	w.to("2027-02-20")
	check(t, w.book.Inquire(ctx, manager, "EN-1", "Ana Ruiz, and the incident log", "Nothing happened.", "2027-02-20"))
	must[string](t)(w.book.SetEvent(ctx, manager, "EN-1", "", "2027-01-15", "A region was added", fieldwork.EventNeither, "It is outside the system examined.", 0))
	w.assert(t)
	return w
}

// steps takes the engagement from its beginning to draft review.
func (w *world) steps(t testing.TB) {
	t.Helper()
	ctx := t.Context()
	w.agreed()
	check(t, w.book.TakeState(ctx, receiver, "EN-1", engagement.StateNews{State: engagement.Observing}, 4))
	rq := must[fieldwork.Request](t)(w.book.SetRequest(ctx, staff, "EN-1", engagement.Request{Kind: "document", Title: "Policy", Asks: "The change policy in force", Tests: []string{opTest}}, 0))
	check(t, w.book.ReleaseRequests(ctx, staff, "EN-1", rq.ID))
	if err := w.issue(t, reportDigest, "", ""); err == nil || !strings.Contains(err.Error(), "it is at: observing") {
		t.Errorf("issued before its steps were taken: %v; want it refused", err)
	}
	for i, to := range []engagement.State{engagement.Fieldwork, engagement.Exceptions, engagement.DescriptionFinal, engagement.DraftReview} {
		check(t, w.book.MoveState(ctx, manager, "EN-1", to, "", w.revision("state:EN-1")))
		if i == 0 {
			check(t, w.book.DecideRequest(ctx, staff, "EN-1", rq.ID, engagement.RequestWithdrawn, "the policy came with the controls", w.revision("request:EN-1/"+rq.ID)))
		}
	}
}

// assert takes management's letters in.
func (w *world) assert(t testing.TB) {
	t.Helper()
	var now string
	w.file(func(_ *fieldwork.State, f *fieldwork.File) { now = must[string](t)(f.Terms.Digest()) })
	a := engagement.Assertion{By: "Halyard, Inc.", Terms: now, Version: 1, Text: "We assert.", Dated: "2027-02-20"}
	a.Signed = w.signature(anaID, must[string](t)(a.ToSign()))
	r := engagement.Representation{By: "Halyard, Inc.", Terms: now, Version: 1, Text: "We represent.", Dated: "2027-02-20"}
	r.Signed = w.signature(anaID, must[string](t)(r.ToSign()))
	check(t, w.book.TakeAssertion(t.Context(), receiver, "EN-1", a, 7))
	check(t, w.book.TakeRepresentation(t.Context(), receiver, "EN-1", r, 8))
	a.Text = "We assert it all."
	if err := w.book.TakeAssertion(t.Context(), receiver, "EN-1", a, 9); !errors.Is(err, audit.ErrAltered) {
		t.Errorf("an assertion changed after it was signed: %v; want it refused as altered", err)
	}
	a.Terms = sumOf("other terms")
	a.Signed = w.signature(anaID, must[string](t)(a.ToSign()))
	if err := w.book.TakeAssertion(t.Context(), receiver, "EN-1", a, 9); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "terms that have changed since") {
		t.Errorf("an assertion under other terms: %v; want it refused", err)
	}
	r.Terms = a.Terms
	r.Signed = w.signature(anaID, must[string](t)(r.ToSign()))
	if err := w.book.TakeRepresentation(t.Context(), receiver, "EN-1", r, 9); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "terms that have changed since") {
		t.Errorf("a letter under other terms: %v; want it refused", err)
	}
}

// put puts bytes among the firm's blobs and returns them as a file.
func (w *world) put(t testing.TB, name, body string) fieldwork.IssuedFile {
	t.Helper()
	d, n, err := w.seal.Blobs.Put(t.Context(), strings.NewReader(body))
	check(t, err)
	return fieldwork.IssuedFile{Name: name, Digest: strings.TrimPrefix(d, "sha256:"), Size: n}
}

// values are the reports that are issued here, by digest: the bytes of their values.
var values = map[string]string{reportDigest: "a value", secondDigest: "a second value"}

var reportDigest, secondDigest = sumOf("a value"), sumOf("a second value")

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func (w *world) issue(t testing.TB, report, supersedes, why string) error {
	t.Helper()
	files := []fieldwork.IssuedFile{w.put(t, "report.pdf", "a report"), w.put(t, "report.json", values[report])}
	_, err := w.book.Issue(t.Context(), partner, "EN-1", report, files, "2027-02-20", supersedes, why, w.signature(paulaID, report))
	return err
}

func TestIssueIsRefused(t *testing.T) {
	t.Parallel()
	w := issuable(t)
	try := func(name, want string, spoil func(f *fieldwork.File) func()) {
		t.Helper()
		undo := func() {}
		w.file(func(_ *fieldwork.State, f *fieldwork.File) { undo = spoil(f) })
		err := w.issue(t, reportDigest, "", "")
		w.file(func(*fieldwork.State, *fieldwork.File) { undo() })
		if !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v; want a conflict that says %q", name, err, want)
		}
	}
	party := "Halyard, Inc."
	try("no assertion", "no assertion of Halyard, Inc.", func(f *fieldwork.File) func() {
		was := f.Assertions[party]
		delete(f.Assertions, party)
		return func() { f.Assertions[party] = was }
	})
	try("an inclusive subservice organization without its own", "no assertion of Nimbus", func(f *fieldwork.File) func() {
		f.Terms.Subservices = []engagement.Subservice{{Name: "Nimbus", Inclusive: true}}
		return func() { f.Terms.Subservices = nil }
	})
	try("a representation letter of another day", "dated 2027-02-19, the report 2027-02-20", func(f *fieldwork.File) func() {
		f.Representations[party].Dated = "2027-02-19"
		return func() { f.Representations[party].Dated = "2027-02-20" }
	})
	try("an assertion under terms that changed after it", "changed since: assertion of Halyard, Inc., letter of Halyard, Inc.; ask the client to sign anew", func(f *fieldwork.File) func() {
		f.Terms.System += " and more"
		return func() { f.Terms.System = strings.TrimSuffix(f.Terms.System, " and more") }
	})
	try("an assertion that names no terms", "signed under unknown terms, for it names none: assertion of Halyard, Inc.; ask the client", func(f *fieldwork.File) func() {
		was := *f.Assertions[party]
		f.Assertions[party].Terms, f.Assertions[party].Version = "", 0
		return func() { f.Assertions[party] = &was }
	})
	try("the description lists another control", "controls nobody concluded on: IAM-06", func(f *fieldwork.File) func() {
		was := f.Description.Controls
		f.Description.Controls = []string{"CHG-01", "IAM-06"}
		return func() { f.Description.Controls = was }
	})
	try("the description lacks a control", "does not list controls that were concluded on: CHG-01", func(f *fieldwork.File) func() {
		was := f.Description.Controls
		f.Description.Controls = nil
		return func() { f.Description.Controls = was }
	})
	try("events asked about too early", "asked about subsequent events to \"2027-02-01\"", func(f *fieldwork.File) func() {
		f.Inquiries[0].To = "2027-02-01"
		return func() { f.Inquiries[0].To = "2027-02-20" }
	})
	try("a comment without an answer", "comments without an answer: C-1", func(f *fieldwork.File) func() {
		f.Comments["C-1"].Answer = ""
		return func() { f.Comments["C-1"].Answer = "Corrected." }
	})
	try("no draft", "no draft was given", func(f *fieldwork.File) func() {
		was := f.Drafts
		f.Drafts = nil
		return func() { f.Drafts = was }
	})
	try("an exception the client does not know", "not released to the client as they are: X-1", func(f *fieldwork.File) func() {
		was := f.Findings["X-1"].Released
		f.Findings["X-1"].Released = time.Time{}
		return func() { f.Findings["X-1"].Released = was }
	})
	try("terms that management has not agreed to", "management has not agreed to the terms as they are now", func(f *fieldwork.File) func() {
		was := f.Agreed
		f.Agreed = nil
		return func() { f.Agreed = was }
	})
	try("no quality review", "quality review is not signed", func(f *fieldwork.File) func() {
		f.Terms.Quality = true
		return func() { f.Terms.Quality = false }
	})
	try("a part without an opinion", "no opinion, or one on older conclusions, on: design", func(f *fieldwork.File) func() {
		was := f.Opinions[engagement.PartDesign]
		delete(f.Opinions, engagement.PartDesign)
		return func() { f.Opinions[engagement.PartDesign] = was }
	})
	try("a conclusion is gone", "no conclusion on dc:DC 4", func(f *fieldwork.File) func() {
		was := f.Concluded["dc:DC 4"]
		delete(f.Concluded, "dc:DC 4")
		return func() { f.Concluded["dc:DC 4"] = was }
	})
	w.to("2027-02-19")
	try("a day that has not come", "has not come", func(*fieldwork.File) func() { return func() {} })
	w.to("2027-02-20")
	for name, x := range map[string]struct {
		file fieldwork.IssuedFile
		want error
	}{
		"a file nobody has":                {fieldwork.IssuedFile{Name: "report.pdf", Digest: letter(), Size: 1}, audit.ErrNotFound},
		"files without the report's value": {w.put(t, "note.txt", "a note of the firm's"), audit.ErrInvalid},
	} {
		if _, err := w.book.Issue(t.Context(), partner, "EN-1", reportDigest, []fieldwork.IssuedFile{x.file}, "2027-02-20", "", "", w.signature(paulaID, reportDigest)); !errors.Is(err, x.want) {
			t.Errorf("issued %s: %v; want %v", name, err, x.want)
		}
	}
	if err := w.issue(t, reportDigest, letter(), "facts"); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("supersedes a report that is none: %v; want a conflict", err)
	}
	w.file(func(s *fieldwork.State, f *fieldwork.File) {
		if got := s.Warnings(f); len(got) != 2 || !strings.Contains(got[0], "has not responded to exception X-1") || !strings.Contains(got[1], "the opinion is modified") {
			t.Errorf("warnings %q; want the missing response and the assertion beside a modified opinion", got)
		}
		on, control := f.Concluded["criterion:CC8.1"], f.Concluded["control:CHG-01"]
		was, held := on.Outcome, control.Outcome
		on.Outcome, control.Outcome = engagement.NoExceptions, engagement.UnableToConclude
		if got := s.Warnings(f); len(got) != 3 || !strings.Contains(got[2], "criterion:CC8.1 is concluded without exceptions") {
			t.Errorf("warnings %q; want one on a criterion whose only control nobody could conclude on", got)
		}
		on.Outcome, control.Outcome = was, held
	})
	check(t, w.issue(t, reportDigest, "", ""))
}

func TestQualityReviewStandsOutside(t *testing.T) {
	t.Parallel()
	w := issuable(t)
	ctx := t.Context()
	w.file(func(_ *fieldwork.State, f *fieldwork.File) { f.Terms.Quality = true })
	w.assert(t) // under these terms
	digest := func() (d string) {
		w.file(func(_ *fieldwork.State, f *fieldwork.File) { d = f.QualityDigest() })
		return d
	}
	if err := w.book.SignQuality(ctx, manager, "EN-1", digest(), "looked at"); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("signed by the manager: %v; want it forbidden", err)
	}
	if err := w.book.SignQuality(ctx, quality, "EN-1", letter(), "looked at"); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("signed over other opinions: %v; want it refused", err)
	}
	check(t, w.book.SignQuality(ctx, quality, "EN-1", digest(), "Opinions, exceptions and the two judgments behind them."))
	check(t, w.opine(engagement.PartDesign, engagement.Unmodified, "Suitably designed, in all material respects.", ""))
	if err := w.issue(t, reportDigest, "", ""); err == nil || !strings.Contains(err.Error(), "of older opinions") {
		t.Errorf("issued over a review of older opinions: %v; want it refused", err)
	}
	check(t, w.book.SignQuality(ctx, quality, "EN-1", digest(), "Again, after the change."))
	check(t, w.issue(t, reportDigest, "", ""))
}

// TestNothingChangesAfterIssue: every act of the file is refused; only a
// superseding report opens it again.
func TestNothingChangesAfterIssue(t *testing.T) {
	t.Parallel()
	w := issuable(t)
	ctx := t.Context()
	check(t, w.issue(t, reportDigest, "", ""))
	row := w.rows(opTest)[0]
	for name, act := range map[string]func() error{
		"mark": func() error {
			return w.book.Mark(ctx, staff, "EN-1", opTest, fieldwork.Cell{Item: row, Attribute: "A"}, none("x"), 1)
		},
		"reopen": func() error { return w.book.Reopen(ctx, manager, "EN-1", opTest, "x") },
		"note":   func() error { _, err := w.book.AddNote(ctx, manager, "EN-1", opTest, "", "x"); return err },
		"exception": func() error {
			_, err := w.book.SetFinding(ctx, staff, "EN-1", "X-1", fieldwork.FindingDraft{Test: opTest, Known: []string{"CHG-0001"}, Nature: "n", Text: "t"}, 2)
			return err
		},
		"known":      func() error { return w.book.AddKnown(ctx, staff, "EN-1", opTest, "INC-9", "log", "x") },
		"conclusion": func() error { return w.book.Conclude(ctx, manager, "EN-1", onChange, withExceptions(), 1) },
		"opinion":    func() error { return w.opine(engagement.PartDesign, engagement.Unmodified, "t", "") },
		"inquiry":    func() error { return w.book.Inquire(ctx, manager, "EN-1", "x", "y", "2027-02-20") },
		"comment":    func() error { return w.book.AnswerComment(ctx, manager, "EN-1", "C-1", "x", 2) },
		"assertion": func() error {
			return w.book.TakeAssertion(ctx, receiver, "EN-1", engagement.Assertion{By: "Halyard, Inc.", Text: "x", Dated: "2027-02-20"}, 9)
		},
		"description": func() error {
			return w.book.TakeDescription(ctx, receiver, "EN-1", engagement.Description{Version: 9, Sections: []engagement.DCSection{{DC: "DC 1"}}}, 9)
		},
		"report": func() error { return w.issue(t, secondDigest, reportDigest, "x") },
	} {
		t.Run(name, func(t *testing.T) {
			if err := act(); !errors.Is(err, audit.ErrConflict) || !strings.Contains(err.Error(), "issued") {
				t.Errorf("got %v; want it refused: the report is issued", err)
			}
		})
	}
	check(t, w.book.Revise(ctx, partner, "EN-1", "an incident of the period came out"))
	second := secondDigest
	if err := w.issue(t, second, "", ""); err == nil || !strings.Contains(err.Error(), "the report before it is") {
		t.Errorf("a second report that supersedes nothing: %v; want it refused", err)
	}
	check(t, w.issue(t, second, reportDigest, "an incident of the period came out"))
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		if len(f.Issues) != 2 || f.Issues[0].Superseded != second || f.Release.Supersedes != reportDigest || f.State != engagement.Issued {
			t.Errorf("issues %+v; want the first kept and superseded by the second", f.Issues)
		}
	})
	check(t, w.book.Withdraw(ctx, partner, "EN-1", "management refused a letter"))
	if err := w.book.Revise(ctx, partner, "EN-1", "x"); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("revised what was withdrawn: %v; want it refused", err)
	}
}
