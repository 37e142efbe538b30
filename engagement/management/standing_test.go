package management_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/management"
)

// TestDated: assertion and letter speak of days that are over, and are dated after
// them and not ahead, in the terms' zone.
func TestDated(t *testing.T) {
	at := func(d, h int) time.Time { return time.Date(2027, 1, d, h, 0, 0, 0, time.UTC) }
	tests := []struct {
		name, dated string
		now         time.Time
		kind        error
		words       string
	}{
		{"while the period runs", "2026-12-31", at(1, 4).AddDate(0, -1, 0), audit.ErrConflict, "not over"},
		{"while its last day has not begun there", "2026-12-30", at(1, 4).AddDate(0, 0, -1), audit.ErrConflict, "not over"},
		{"of a day before the end", "2026-12-30", at(4, 9), audit.ErrInvalid, "before 2026-12-31"},
		{"of tomorrow", "2027-01-05", at(4, 9), audit.ErrInvalid, "is to come"},
		{"of a day that has begun in UTC alone", "2027-01-05", at(5, 4), audit.ErrInvalid, "is to come"},
		{"of today", "2027-01-04", at(5, 4), nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := described(t, engagement.SOC2TypeII)
			check(t, w.book.SignAssertion(t.Context(), signer, "EN-1", w.assertion(), verify))
			w.us.Store(tt.now.UnixMicro())
			a, r := w.assertion(), w.letter("We confirm.")
			a.Dated, r.Dated = tt.dated, tt.dated
			a = signedAs(a, signer)
			digest, err := r.ToSign()
			check(t, err)
			r.Signed = sign(signer, digest)
			for what, err := range map[string]error{"assertion": w.book.SignAssertion(t.Context(), signer, "EN-1", a, verify), "letter": w.book.SignRepresentation(t.Context(), signer, "EN-1", r, verify)} {
				if tt.kind == nil {
					check(t, err)
					continue
				}
				t.Log(what)
				refused(t, err, tt.kind, tt.words)
			}
		})
	}
}

// TestOtherTerms: papers are of the terms they were signed under. Where those are
// extended and agreed to anew, no report comes on the old papers.
func TestOtherTerms(t *testing.T) {
	w := asserted(t)
	longer := w.terms(engagement.SOC2TypeII)
	longer.First = "2025-12-01"
	check(t, w.book.TakeTerms(t.Context(), receiver, firmOrigin, engagement.TermsOffer{Terms: longer}))
	r := engagement.Release{Report: someDigest, Dated: "2027-02-26", Signed: engagement.Signature{Value: "x"}}
	refused(t, w.book.TakeRelease(t.Context(), receiver, "EN-1", r, 0, nil), audit.ErrConflict, "has not agreed")
	digest, err := longer.Digest()
	check(t, err)
	check(t, w.book.Agree(t.Context(), signer, "EN-1", digest, sign(signer, digest), verify))
	anew := func() (a, l string) {
		w.side(func(x *management.Side) { a, l = x.AssertionAnew("Halyard, Inc."), x.LetterAnew("Halyard, Inc.") })
		return a, l
	}
	if a, l := anew(); a == "" || l == "" {
		t.Errorf("signed under other terms, they stand: %q, %q", a, l)
	}
	refused(t, w.book.TakeRelease(t.Context(), receiver, "EN-1", r, 0, nil), audit.ErrConflict, "under other terms")
	w.pass(time.Minute)
	check(t, w.book.SignAssertion(t.Context(), signer, "EN-1", w.assertion(), verify))
	refused(t, w.book.TakeRelease(t.Context(), receiver, "EN-1", r, 0, nil), audit.ErrConflict, "under other terms")
	w.pass(time.Minute)
	check(t, w.book.SignRepresentation(t.Context(), signer, "EN-1", w.letter("We confirm."), verify))
	if a, l := anew(); a+l != "" {
		t.Errorf("signed anew, they do not stand: %q, %q", a, l)
	}
	check(t, w.book.TakeRelease(t.Context(), receiver, "EN-1", r, 0, nil))
}

// TestRevised: once the firm opens the file of an issued report again, everything
// that goes into the next one can be written anew, until that is issued.
func TestRevised(t *testing.T) {
	w := issued(t)
	section := engagement.DCSection{DC: "DC 1", Paragraphs: []engagement.Paragraph{{Text: "As it is."}}}
	refused(t, w.book.WriteSection(t.Context(), lead, "EN-1", section, 1), audit.ErrConflict, "the report is issued")
	refused(t, w.book.SetExpected(t.Context(), lead, "EN-1", nil, 0), audit.ErrConflict, "the report is issued")
	w.pass(24 * time.Hour)
	check(t, w.book.TakeState(t.Context(), receiver, "EN-1", engagement.StateNews{State: engagement.DraftReview, Why: "an incident came out"}))
	w.side(func(x *management.Side) {
		if x.Closed() || x.LetterAnew("Halyard, Inc.") == "" || x.InForce() == nil {
			t.Errorf("closed %v, the letter %q, in force %v", x.Closed(), x.LetterAnew("Halyard, Inc."), x.InForce())
		}
	})
	check(t, w.book.WriteSection(t.Context(), lead, "EN-1", section, 1))
	check(t, w.book.SetExpected(t.Context(), lead, "EN-1", []engagement.Expected{{ID: "U-1", Text: "Users remove their own people.", Criteria: []string{"CC6.2"}}}, 0))
	_, err := w.book.FinishDescription(t.Context(), signer, "EN-1", []string{"IAM-06"}, []int64{2, 1, 1, 1, 1, 1, 1, 1, 1})
	check(t, err)
	check(t, w.book.TakeDraft(t.Context(), receiver, "EN-1", engagement.Draft{Digest: someDigest, Due: "2027-02-10"}, 7))
	_, err = w.book.Comment(t.Context(), lead, "EN-1", "Section IV, IAM-06", "There were 148 leavers.")
	check(t, err)
	w.pass(time.Minute)
	check(t, w.book.SignAssertion(t.Context(), signer, "EN-1", w.assertion(), verify))
	w.pass(time.Minute)
	check(t, w.book.SignRepresentation(t.Context(), signer, "EN-1", w.letter("We confirm."), verify))
	w.side(func(x *management.Side) {
		if x.LetterAnew("Halyard, Inc.") != "" {
			t.Errorf("the new letter: %s", x.LetterAnew("Halyard, Inc."))
		}
	})
	next := "cd" + someDigest[2:]
	check(t, w.book.TakeRelease(t.Context(), receiver, "EN-1", engagement.Release{Report: next, Supersedes: someDigest, Dated: "2027-01-05", Signed: engagement.Signature{Value: "x"}}, 0, nil))
	refused(t, w.book.WriteSection(t.Context(), lead, "EN-1", section, 2), audit.ErrConflict, "the report is issued")
}

// TestIssuedStays: neither the terms nor the steps of an issued examination change.
func TestIssuedStays(t *testing.T) {
	w := issued(t)
	other := w.terms(engagement.SOC2TypeII)
	other.Last = "2027-03-31"
	refused(t, w.book.TakeTerms(t.Context(), receiver, firmOrigin, engagement.TermsOffer{Terms: other}), audit.ErrConflict, "the report is issued")
	same := w.terms(engagement.SOC2TypeII)
	same.Milestones = []engagement.Milestone{{Name: "Copies", Day: "2027-03-01"}}
	check(t, w.book.TakeTerms(t.Context(), receiver, firmOrigin, engagement.TermsOffer{Terms: same}))
	refused(t, w.book.MoveState(t.Context(), lead, "EN-1", engagement.CriteriaSelected, "all anew"), audit.ErrConflict, "a report is issued")
	check(t, w.book.MoveState(t.Context(), lead, "EN-1", engagement.Distributed, ""))
	refused(t, w.book.MoveState(t.Context(), lead, "EN-1", engagement.Distributed, "again"), audit.ErrConflict, "stands at")

	over := agreed(t, engagement.SOC2TypeII)
	check(t, over.book.TakeState(t.Context(), receiver, "EN-1", engagement.StateNews{State: engagement.Withdrawn, Why: "no assertion"}))
	other.Firm.Key = over.firm
	refused(t, over.book.TakeTerms(t.Context(), receiver, firmOrigin, engagement.TermsOffer{Terms: other}), audit.ErrConflict, "withdrawn")
	refused(t, over.book.SetExpected(t.Context(), lead, "EN-1", nil, 0), audit.ErrConflict, "withdrawn")
}

// TestFactsChange: a final response is to the facts it was given to.
func TestFactsChange(t *testing.T) {
	w := agreed(t, engagement.SOC2TypeII)
	f := engagement.Finding{ID: "X-1", Control: "IAM-06", Text: "For 2 of 15 leavers sampled, access ended late.", Items: []string{"a", "b"}, Of: 15}
	take := func() { check(t, w.book.TakeFindings(t.Context(), receiver, "EN-1", []engagement.Finding{f})) }
	take()
	r := engagement.Response{Finding: "X-1", Agrees: true, Cause: "A ticket was lost.", Done: "Tickets are made by the people system."}
	check(t, w.book.Respond(t.Context(), lead, "EN-1", r, 1))
	check(t, w.book.FinishResponse(t.Context(), second(), "EN-1", "X-1", 2))
	take() // the same facts once more
	refused(t, w.book.Respond(t.Context(), lead, "EN-1", r, 4), audit.ErrConflict, "is final")
	f.Items, f.Text = append(f.Items, "c"), "For 3 of 15 leavers sampled, access ended late."
	take()
	w.side(func(x *management.Side) {
		got := x.Findings["X-1"]
		if got.Response.Final || got.Response.Cause != r.Cause || got.Reopened != 1 || !slices.ContainsFunc(got.Steps, func(s management.Step) bool { return s.What == "the facts changed: the response is a draft again" }) {
			t.Errorf("the response to changed facts: %+v, %+v", got.Response, got.Steps)
		}
	})
	check(t, w.book.Respond(t.Context(), lead, "EN-1", r, 5))
	check(t, w.book.FinishResponse(t.Context(), second(), "EN-1", "X-1", 6))
	f.Withdrawn, f.Why = true, "the item was not of the population"
	take()
	w.side(func(x *management.Side) {
		if got := x.Findings["X-1"]; got.Waits() || !got.Response.Final {
			t.Errorf("withdrawn, it waits: %v, the response %+v", got.Waits(), got.Response)
		}
	})
	refused(t, w.book.Respond(t.Context(), lead, "EN-1", r, 8), audit.ErrConflict, "nothing is to be answered")
	f.Withdrawn, f.Why = false, ""
	closed := issued(t)
	check(t, closed.book.TakeFindings(t.Context(), receiver, "EN-1", []engagement.Finding{f}))
	refused(t, closed.book.Respond(t.Context(), lead, "EN-1", r, 1), audit.ErrConflict, "the report is issued")
}

// TestParts: an assertion decides what an examination of its type is of, and
// nothing else.
func TestParts(t *testing.T) {
	all := engagement.Decisions{Description: true, Design: true, Operation: true}
	for _, tt := range []struct {
		kind     engagement.Type
		sections []string
		good     engagement.Decisions
		bad      string // what deciding all is refused for; "": nothing
	}{
		{engagement.SOC2TypeI, []string{"DC 1", "DC 2", "DC 3", "DC 4", "DC 5", "DC 6", "DC 7", "DC 8"}, engagement.Decisions{Description: true, Design: true}, "nothing of operation"},
		{engagement.SOC2TypeII, []string{"DC 1", "DC 2", "DC 3", "DC 4", "DC 5", "DC 6", "DC 7", "DC 8", "DC 9"}, all, ""},
		{engagement.SOC3, []string{"DC 1", "DC 2", "DC 3"}, engagement.Decisions{Operation: true}, "nothing of description"},
		{engagement.SOC1TypeI, []string{"DC"}, engagement.Decisions{Description: true, Design: true}, "nothing of operation"},
		{engagement.SOC1TypeII, []string{"DC"}, all, ""},
	} {
		t.Run(string(tt.kind), func(t *testing.T) {
			if got := management.DCs(tt.kind); !slices.Equal(got, tt.sections) {
				t.Errorf("sections %q, want %q", got, tt.sections)
			}
			w := described(t, tt.kind)
			a := w.assertion()
			a.Decision = all
			if err := w.book.SignAssertion(t.Context(), signer, "EN-1", signedAs(a, signer), verify); tt.bad != "" {
				refused(t, err, audit.ErrInvalid, tt.bad)
			} else {
				check(t, err)
			}
			a.Decision = engagement.Decisions{}
			refused(t, w.book.SignAssertion(t.Context(), signer, "EN-1", signedAs(a, signer), verify), audit.ErrInvalid, "what is not asserted is said")
			a.Decision, a.Version = tt.good, w.assertion().Version
			check(t, w.book.SignAssertion(t.Context(), signer, "EN-1", signedAs(a, signer), verify))
		})
	}
}

// TestChangesDecided: a description is finished once somebody decided of each change
// of the period whether readers are told.
func TestChangesDecided(t *testing.T) {
	w := described(t, engagement.SOC2TypeII)
	finish := func() error {
		_, err := w.book.FinishDescription(t.Context(), signer, "EN-1", []string{"IAM-06"}, []int64{1, 1, 1, 1, 1, 1, 1, 1, 1}, "IAM-06@2026-06-01")
		return err
	}
	refused(t, finish(), audit.ErrConflict, "nobody decided whether the description tells of IAM-06@2026-06-01")
	check(t, w.book.DecideChange(t.Context(), signer, "EN-1", "IAM-06@2026-06-01", false, "Users see nothing of it.", 0))
	check(t, finish())
}

// TestGivable: an answer brings evidence, and nothing of what goes on behind it.
func TestGivable(t *testing.T) {
	w := agreed(t, engagement.SOC2TypeII)
	check(t, w.book.TakeRequests(t.Context(), receiver, "EN-1", []engagement.RequestNews{{Request: engagement.Request{ID: "RQ-1", Kind: "document", Title: "Board minutes"}, Status: engagement.RequestOpen}}))
	own := engagement.Answer{Request: "RQ-1", Status: engagement.RequestSubmitted, Text: "see", Records: []int64{0}}
	refused(t, w.book.Answer(t.Context(), lead, "EN-1", own, 1), audit.ErrInvalid, "no evidence that can be given")
	own.Status = ""
	refused(t, w.book.DraftAnswer(t.Context(), lead, "EN-1", own, 1), audit.ErrInvalid, "no evidence that can be given")
	for kind, want := range map[audit.RecordKind]bool{audit.RecordFieldwork: false, audit.RecordPacket: false, audit.RecordActivity: false, audit.RecordPage: true, audit.RecordDocument: true, audit.RecordEntry: true} {
		if got := management.Givable(audit.Record{Kind: kind}) == nil; got != want {
			t.Errorf("%s: got %v, want %v", kind, got, want)
		}
	}
}

// TestOwnKey: who signs for one organization signs for no other, with whatever key.
func TestOwnKey(t *testing.T) {
	w := newWorld(t)
	check(t, w.book.InviteFirm(t.Context(), lead, "Brookline Assurance LLP", w.firm, ""))
	terms := w.terms(engagement.SOC3)
	terms.Subservices = []engagement.Subservice{{Name: "Nimbus", Inclusive: true}}
	check(t, w.book.TakeTerms(t.Context(), receiver, firmOrigin, engagement.TermsOffer{Terms: terms}))
	digest, err := terms.Digest()
	check(t, err)
	check(t, w.book.Agree(t.Context(), signer, "EN-1", digest, sign(signer, digest), verify))
	by := func(party, person, key string) error {
		a := w.assertion()
		next, err := w.book.NextAssertion(t.Context(), "EN-1", party)
		check(t, err)
		a.By, a.Version, a.Decision = party, next.Version, engagement.Decisions{Operation: true}
		a = signedAs(a, signer)
		a.Signed.Signer, a.Signed.Key = person, key
		return w.book.SignAssertion(t.Context(), signer, "EN-1", a, verify)
	}
	check(t, by("Halyard, Inc.", samID, "key of Sam"))
	refused(t, by("Nimbus", "nora", "key of Sam"), audit.ErrForbidden, "the key signs for Halyard, Inc. already")
	refused(t, by("Nimbus", samID, "another key of Sam"), audit.ErrForbidden, "signs for Halyard, Inc. already")
	check(t, by("Nimbus", "nora", "key of Nora"))
	check(t, by("Halyard, Inc.", samID, "another key of Sam"))
	refused(t, by("Halyard, Inc.", samID, "key of Nora"), audit.ErrForbidden, "signs for Nimbus already")
}

// TestStated: an assertion and a letter name the terms in force and are the next of
// their party's. Entries of before they did are still read.
func TestStated(t *testing.T) {
	w := asserted(t)
	for _, tt := range []struct {
		name   string
		change func(*engagement.Assertion)
		kind   error
		words  string
	}{
		{"naming nothing", func(a *engagement.Assertion) { a.Terms, a.Version = "", 0 }, audit.ErrInvalid, "names the digest of the terms"},
		{"naming no version", func(a *engagement.Assertion) { a.Version = 0 }, audit.ErrInvalid, "and its version"},
		{"naming no terms", func(a *engagement.Assertion) { a.Terms = "" }, audit.ErrInvalid, "names the digest of the terms"},
		{"naming other terms", func(a *engagement.Assertion) { a.Terms = someDigest }, audit.ErrConflict, "other terms than those in force"},
		{"as the version that is signed already", func(a *engagement.Assertion) { a.Version = 1 }, audit.ErrConflict, "is version 1, and the next is 2"},
		{"as a version that is not next", func(a *engagement.Assertion) { a.Version = 3 }, audit.ErrConflict, "is version 3, and the next is 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, r := w.assertion(), w.letter("We confirm.")
			tt.change(&a)
			r.Terms, r.Version = a.Terms, a.Version
			digest, err := r.ToSign()
			check(t, err)
			r.Signed = sign(signer, digest)
			refused(t, w.book.SignAssertion(t.Context(), signer, "EN-1", signedAs(a, signer), verify), tt.kind, tt.words)
			refused(t, w.book.SignRepresentation(t.Context(), signer, "EN-1", r, verify), tt.kind, tt.words)
		})
	}
	old := w.assertion()
	old.Terms, old.Version = "", 0
	data, err := json.Marshal(old)
	check(t, err)
	check(t, w.book.Read(t.Context(), func(s *management.State) error {
		_, err := s.Weigh(book.Entry{Kind: "assertion.sign", On: "assertion:EN-1/Halyard, Inc.", By: audit.Actor{Kind: audit.ActorPerson, Name: samID}, At: w.now(), Data: data})
		return err
	}))
}

// TestFinalOfBefore: a response that its author made final, as entries of before could,
// is final.
func TestFinalOfBefore(t *testing.T) {
	w := agreed(t, engagement.SOC2TypeII)
	check(t, w.book.TakeFindings(t.Context(), receiver, "EN-1", []engagement.Finding{{ID: "X-1", Control: "IAM-06", Text: "Access ended late."}}))
	data, err := json.Marshal(engagement.Response{Finding: "X-1", Agrees: true, Cause: "A ticket was lost.", Done: "Tickets are automatic.", Final: true})
	check(t, err)
	check(t, w.book.Read(t.Context(), func(s *management.State) error {
		c, err := s.Weigh(book.Entry{Kind: "finding.answer", On: "finding:EN-1/X-1", Base: 1, By: audit.Actor{Kind: audit.ActorPerson, Name: leaID}, At: w.now(), Data: data})
		if err == nil && c.What != "response is final" {
			t.Errorf("it is: %s", c.What)
		}
		return err
	}))
}
