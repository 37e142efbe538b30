package management_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/evidence"
)

// TestTerms: packets count only from a firm somebody invited with that key, and
// management agrees to terms as they are.
func TestTerms(t *testing.T) {
	w := newWorld(t)
	offer := engagement.TermsOffer{Terms: w.terms(engagement.SOC2TypeII)}
	refused(t, w.book.TakeTerms(t.Context(), receiver, firmOrigin, offer), audit.ErrForbidden, "no firm with this key is invited")
	refused(t, w.book.InviteFirm(t.Context(), owner, "B", w.firm, ""), audit.ErrForbidden, "")
	refused(t, w.book.InviteFirm(t.Context(), lead, "B", "no key", ""), audit.ErrInvalid, "the firm's key")
	refused(t, w.book.InviteFirm(t.Context(), lead, "B", w.firm, "http://firm.example"), audit.ErrInvalid, "https://")
	check(t, w.book.InviteFirm(t.Context(), lead, "Brookline Assurance LLP", w.firm, "https://firm.example"))
	refused(t, w.book.TakeTerms(t.Context(), receiver, "other.example/x", offer), audit.ErrForbidden, "no firm")
	refused(t, w.book.TakeTerms(t.Context(), owner, firmOrigin, offer), audit.ErrForbidden, "")
	check(t, w.book.TakeTerms(t.Context(), receiver, firmOrigin, offer))

	digest, err := offer.Terms.Digest()
	check(t, err)
	refused(t, w.book.Agree(t.Context(), lead, "EN-1", digest, sign(lead, digest), verify), audit.ErrForbidden, "")
	refused(t, w.book.Agree(t.Context(), signer, "EN-1", digest, sign(lead, digest), verify), audit.ErrForbidden, "a key of one's own")
	refused(t, w.book.Agree(t.Context(), signer, "EN-1", digest, sign(signer, someDigest), verify), audit.ErrAltered, "does not hold")
	check(t, w.book.Agree(t.Context(), signer, "EN-1", digest, sign(signer, digest), verify))

	offer.Terms.Last = "2027-03-31"
	check(t, w.book.TakeTerms(t.Context(), receiver, firmOrigin, offer))
	w.side(func(x *management.Side) {
		if x.Agreed != nil || x.Terms.Last != "2027-03-31" {
			t.Errorf("changed terms are agreed to: %+v", x.Agreed)
		}
	})
	refused(t, w.book.Agree(t.Context(), signer, "EN-1", digest, sign(signer, digest), verify), audit.ErrConflict, "have changed since")
	check(t, w.book.EndFirm(t.Context(), lead, firmOrigin, "the engagement letter was ended"))
	refused(t, w.book.TakeTerms(t.Context(), receiver, firmOrigin, offer), audit.ErrForbidden, "no firm")
}

// TestStates: management takes its own steps, one after the other.
func TestStates(t *testing.T) {
	w := agreed(t, engagement.SOC2TypeII)
	steps := []struct {
		to   engagement.State
		why  string
		kind error // nil: taken
		says string
	}{
		{engagement.Fieldwork, "", audit.ErrConflict, "a step of the auditor's"},
		{engagement.Readiness, "", audit.ErrConflict, `comes after "boundary defined"`},
		{engagement.BoundaryDefined, "", nil, ""},
		{engagement.Readiness, "", nil, ""},
		{engagement.BoundaryDefined, " ", audit.ErrInvalid, "needs a reason"},
		{engagement.BoundaryDefined, "a region was left out", nil, ""},
		{engagement.Distributed, "", audit.ErrConflict, "comes after"},
		{"somewhere", "", audit.ErrConflict, "of the auditor's"},
		{engagement.BoundaryDefined, "again", audit.ErrConflict, "stands at"},
	}
	for _, s := range steps {
		err := w.book.MoveState(t.Context(), lead, "EN-1", s.to, s.why)
		if s.kind == nil {
			check(t, err)
			continue
		}
		refused(t, err, s.kind, s.says)
	}
	refused(t, w.book.TakeState(t.Context(), receiver, "EN-1", engagement.StateNews{State: engagement.Observing}), audit.ErrInvalid, "does not take the step")
	check(t, w.book.TakeState(t.Context(), receiver, "EN-1", engagement.StateNews{State: engagement.Withdrawn, Why: "no assertion"}))
	refused(t, w.book.MoveState(t.Context(), lead, "EN-1", engagement.Observing, ""), audit.ErrConflict, "withdrawn")
}

// TestRequests: the owner of a request answers it; both sides' clocks are read
// from its course.
func TestRequests(t *testing.T) {
	w := agreed(t, engagement.SOC2TypeII)
	r := engagement.Request{ID: "RQ-1", Kind: "document", Title: "Board minutes", Asks: "The minutes of each quarter.", Due: "2027-01-20"}
	news := func(s engagement.RequestStatus, why string) error {
		return w.book.TakeRequests(t.Context(), receiver, "EN-1", []engagement.RequestNews{{Request: r, Status: s, Why: why}})
	}
	check(t, news(engagement.RequestOpen, ""))
	answer := engagement.Answer{Request: "RQ-1", Status: engagement.RequestSubmitted, Text: "All four are attached."}
	refused(t, w.book.Answer(t.Context(), owner, "EN-1", answer, 1), audit.ErrForbidden, "")
	check(t, w.book.AssignRequest(t.Context(), lead, "EN-1", "RQ-1", oweID, 1))
	refused(t, w.book.Answer(t.Context(), owner, "EN-1", answer, 2), audit.ErrForbidden, "")
	refused(t, w.book.Answer(t.Context(), ownerOf(samID, "IAM-02"), "EN-1", answer, 2), audit.ErrForbidden, "")
	check(t, management.MayAnswer(ownerOf(oweID, "IAM-02"), "EN-1", oweID))
	refused(t, w.book.Answer(t.Context(), lead, "EN-1", answer, 1), audit.ErrConflict, "has changed since")
	refused(t, w.book.Answer(t.Context(), lead, "EN-1", engagement.Answer{Request: "RQ-1", Status: engagement.RequestSubmitted}, 2), audit.ErrInvalid, "says something or brings evidence")
	refused(t, w.book.Answer(t.Context(), lead, "EN-1", engagement.Answer{Request: "RQ-1", Status: engagement.RequestAccepted, Text: "done"}, 2), audit.ErrInvalid, "status")
	refused(t, w.book.Answer(t.Context(), lead, "EN-1", engagement.Answer{Request: "RQ-1", Status: engagement.RequestSubmitted, Text: "see", Records: []int64{9999}}, 2), audit.ErrInvalid, "not in the log yet")
	w.pass(48 * time.Hour)
	doc, err := w.seal.Seal(t.Context(), evidence.Draft{Kind: audit.RecordDocument, Media: "text/plain", Body: []byte("minutes"), Actor: audit.Actor{Kind: audit.ActorPerson, Name: leaID}})
	check(t, err)
	draft := engagement.Answer{Request: "RQ-1", Text: "Three are", Records: []int64{doc[0].Index}}
	refused(t, w.book.DraftAnswer(t.Context(), ownerOf(samID, "IAM-02"), "EN-1", draft, 2), audit.ErrForbidden, "")
	check(t, w.book.DraftAnswer(t.Context(), ownerOf(oweID, "IAM-02"), "EN-1", draft, 2))
	w.side(func(x *management.Side) {
		if r := x.Requests["RQ-1"]; r.Draft == nil || r.Draft.Text != draft.Text || len(r.Answers) != 0 || r.Status != engagement.RequestOpen {
			t.Errorf("a draft: %+v", r)
		}
	})
	check(t, w.book.Answer(t.Context(), lead, "EN-1", answer, 3))
	w.side(func(x *management.Side) {
		if x.Requests["RQ-1"].Draft != nil {
			t.Error("the draft stays beside the answer")
		}
	})
	w.pass(24 * time.Hour)
	refused(t, news(engagement.RequestReturned, ""), audit.ErrInvalid, "with a reason")
	check(t, news(engagement.RequestReturned, "the third quarter is missing"))
	w.pass(time.Hour)
	w.side(func(x *management.Side) {
		c, f := x.Requests["RQ-1"].Held(w.now())
		if c != 49*time.Hour || f != 24*time.Hour {
			t.Errorf("held by the client %v, by the firm %v", c, f)
		}
	})
	check(t, news(engagement.RequestAccepted, ""))
	refused(t, w.book.Answer(t.Context(), lead, "EN-1", answer, 6), audit.ErrConflict, "is accepted")
}

// ownerOf is somebody who owns one control.
func ownerOf(account, control string) access.Subject {
	by := as(account, access.ControlOwner)
	by.Grants = []access.Grant{{Role: access.ControlOwner, Scope: access.ScopeControl, Object: control}}
	return by
}

func population() engagement.Population {
	year := audit.Span{From: time.Date(2026, 1, 1, 5, 0, 0, 0, time.UTC), To: time.Date(2027, 1, 1, 5, 0, 0, 0, time.UTC)}
	return engagement.Population{Controls: []string{"IAM-06"}, Round: "1", Title: "Leavers", Defined: "Everybody who left in the year.", Source: []string{"HR"}, Query: "people whose last day lies in the window",
		Window: year, Zone: "America/New_York", Collected: start, Count: 148, Digest: someDigest, Run: 3,
		Checks: []engagement.Reconciled{{What: "count at source", Here: "148", There: "148"}}}
}

// TestFreeze: nothing is frozen whose completeness is open, and no sample comes
// from what the auditor did not accept.
func TestFreeze(t *testing.T) {
	w := agreed(t, engagement.SOC2TypeII)
	open := population()
	open.Checks = append(open.Checks, engagement.Reconciled{What: "payroll", Here: "148", There: "150"})
	_, err := w.book.FreezePopulation(t.Context(), lead, "EN-1", open, "")
	refused(t, err, audit.ErrInconclusive, "payroll: 148 here, 150 there")
	for _, c := range []struct {
		name, says string
		kind       error
		spoil      func(*engagement.Population)
	}{
		{"no source", "systems of record", audit.ErrInvalid, func(p *engagement.Population) { p.Source = nil }},
		{"nothing reconciled", "nothing is reconciled", audit.ErrInvalid, func(p *engagement.Population) { p.Checks = nil }},
		{"another zone", "counts its days", audit.ErrInvalid, func(p *engagement.Population) { p.Zone = "UTC" }},
		{"outside the period", "not within the period", audit.ErrInvalid, func(p *engagement.Population) { p.Window.From = p.Window.From.AddDate(0, 0, -1) }},
		{"it ends early and no day is said", "to which day", audit.ErrInvalid, func(p *engagement.Population) { p.Window.To = p.Window.To.AddDate(0, 0, -1) }},
		{"a supplement to nothing", "no round of these controls", audit.ErrInvalid, func(p *engagement.Population) { p.Supplement = true }},
		{"collected afterwards", "before it was collected", audit.ErrInvalid, func(p *engagement.Population) { p.Collected = p.Collected.AddDate(1, 0, 0) }},
	} {
		p := population()
		c.spoil(&p)
		if _, err := w.book.FreezePopulation(t.Context(), lead, "EN-1", p, ""); !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v; want it refused as the firm would, %q", c.name, err, c.says)
		}
	}
	_, err = w.book.FreezePopulation(t.Context(), owner, "EN-1", population(), "")
	refused(t, err, audit.ErrForbidden, "")
	p, err := w.book.FreezePopulation(t.Context(), lead, "EN-1", population(), "")
	check(t, err)
	if p.ID != "P-1" || p.Record < 0 || p.Accepted {
		t.Errorf("frozen %+v", p)
	}
	s := engagement.Sample{ID: "S-1", Population: "P-1", Items: []string{"hr/7"}}
	refused(t, w.book.TakeSample(t.Context(), receiver, "EN-1", s), audit.ErrConflict, "was not accepted")
	refused(t, w.book.TakeAcceptance(t.Context(), receiver, "EN-1", engagement.Acceptance{Population: "P-1", Digest: "other", Accepted: true}), audit.ErrNotFound, "with these items")
	check(t, w.book.TakeAcceptance(t.Context(), receiver, "EN-1", engagement.Acceptance{Population: "P-1", Digest: someDigest, Accepted: true}))
	check(t, w.book.TakeSample(t.Context(), receiver, "EN-1", s))

	_, err = w.book.FreezePopulation(t.Context(), lead, "EN-1", population(), "")
	refused(t, err, audit.ErrConflict, "P-1 holds the same rows already")
	_, err = w.book.FreezePopulation(t.Context(), lead, "EN-1", population(), "P-1")
	refused(t, err, audit.ErrInvalid, "another round")
	again := population()
	again.Round = "2"
	p, err = w.book.FreezePopulation(t.Context(), lead, "EN-1", again, "P-1")
	check(t, err)
	w.side(func(x *management.Side) {
		if x.Populations["P-1"].Superseded != p.ID || p.Supersedes != "P-1" || len(x.Populations) != 2 {
			t.Errorf("populations %+v", x.Populations)
		}
	})
	if _, err := agreed(t, engagement.SOC2TypeI).book.FreezePopulation(t.Context(), lead, "EN-1", population(), ""); err == nil {
		t.Error("a population is frozen for a date")
	}
}

// TestDescription: it is finished by whoever signs for management, as it was
// read, with text for every criterion and no placeholder.
func TestDescription(t *testing.T) {
	w := agreed(t, engagement.SOC2TypeII)
	section := func(dc, text string, base int64) error {
		return w.book.WriteSection(t.Context(), lead, "EN-1", engagement.DCSection{DC: dc, Paragraphs: []engagement.Paragraph{{Text: text}}}, base)
	}
	refused(t, section("DC 10", "x", 0), audit.ErrInvalid, "described by DC 1")
	seen := make([]int64, 9)
	finish := func(by access.Subject) error {
		_, err := w.book.FinishDescription(t.Context(), by, "EN-1", []string{"IAM-06"}, seen)
		return err
	}
	refused(t, finish(signer), audit.ErrConflict, "DC 1 has no text yet")
	for i, dc := range management.DCs(engagement.SOC2TypeII) {
		check(t, section(dc, "What is asked for is told here.", 0))
		seen[i] = 1
	}
	check(t, section("DC 4", "In March [insert incident] took place.", 1))
	refused(t, finish(signer), audit.ErrConflict, "DC 4 has changed since you read it")
	seen[3] = 2
	refused(t, finish(signer), audit.ErrConflict, "still holds")
	check(t, section("DC 4", "No incident of this kind took place.", 2))
	seen[3] = 3
	refused(t, finish(lead), audit.ErrForbidden, "")
	refused(t, w.book.SetExpected(t.Context(), lead, "EN-1", []engagement.Expected{{ID: "U-1", Text: "Users remove their own people."}}, 0), audit.ErrInvalid, "say which")
	check(t, finish(signer))
	check(t, section("DC 1", "Told anew.", 1))
	w.side(func(x *management.Side) {
		if x.Final.Version != 1 || x.Final.Sections[0].Paragraphs[0].Text != "What is asked for is told here." {
			t.Errorf("a finished version changed: %+v", x.Final)
		}
	})
}

// TestAssertion: each party decides and signs its own, and says what does not
// hold.
func TestAssertion(t *testing.T) {
	early := agreed(t, engagement.SOC2TypeII)
	refused(t, early.book.SignAssertion(t.Context(), signer, "EN-1", early.assertion(), verify), audit.ErrConflict, "not finished")
	tests := []struct {
		name   string
		by     access.Subject
		change func(*engagement.Assertion)
		kind   error
		words  string
	}{
		{"by the lead", lead, func(*engagement.Assertion) {}, audit.ErrForbidden, ""},
		{"not decided, nothing said", signer, func(a *engagement.Assertion) { a.Decision.Operation = false }, audit.ErrInvalid, "what is not asserted is said"},
		{"a party of nothing", signer, func(a *engagement.Assertion) { a.By = "Amazon" }, audit.ErrInvalid, "asserts nothing here"},
		{"with a placeholder", signer, func(a *engagement.Assertion) { a.Text = "We TBD." }, audit.ErrConflict, "still holds"},
		{"changed after it was signed", signer, func(a *engagement.Assertion) { a.Text += " All of it." }, audit.ErrAltered, ""},
		{"good", signer, func(*engagement.Assertion) {}, nil, ""},
	}
	w := described(t, engagement.SOC2TypeII)
	refused(t, w.book.SignRepresentation(t.Context(), signer, "EN-1", w.letter("We confirm."), verify),
		audit.ErrConflict, "has not signed its assertion")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := w.assertion()
			tt.change(&a)
			if tt.kind != audit.ErrAltered {
				a = signedAs(a, signer)
			}
			err := w.book.SignAssertion(t.Context(), tt.by, "EN-1", a, verify)
			if tt.kind == nil {
				check(t, err)
				return
			}
			refused(t, err, tt.kind, tt.words)
		})
	}
	w.side(func(x *management.Side) {
		if x.AssertionAnew("Halyard, Inc.") != "" {
			t.Errorf("just signed: %s", x.AssertionAnew("Halyard, Inc."))
		}
	})
	one := described(t, engagement.SOC2TypeI)
	refused(t, one.book.SignAssertion(t.Context(), signer, "EN-1", one.assertion(), verify), audit.ErrInvalid, "nothing of operation")
}

// TestRelease: a report comes only after assertion and letter, and only another
// that supersedes it comes after it.
func TestRelease(t *testing.T) {
	early := described(t, engagement.SOC2TypeII)
	r := engagement.Release{Report: someDigest, Dated: "2027-02-26", Signed: engagement.Signature{Value: "x"}}
	refused(t, early.book.TakeRelease(t.Context(), receiver, "EN-1", r, 0, nil), audit.ErrConflict, "without the assertion")
	w := issued(t)
	refused(t, w.book.TakeRelease(t.Context(), receiver, "EN-1", r, 0, nil), audit.ErrConflict, "issued already")
	refused(t, w.book.SignAssertion(t.Context(), signer, "EN-1", w.assertion(), verify), audit.ErrConflict, "the report is issued")
	refused(t, w.book.WriteSection(t.Context(), lead, "EN-1", engagement.DCSection{DC: "DC 1", Paragraphs: []engagement.Paragraph{{Text: "x"}}}, 1), audit.ErrConflict, "the report is issued")
	r.Supersedes = someDigest
	check(t, w.book.TakeRelease(t.Context(), receiver, "EN-1", r, 0, nil))
}

// TestBridge: a letter follows the report without a gap, is no longer than
// policy allows and names all that is known.
func TestBridge(t *testing.T) {
	good := management.BridgeData{Report: someDigest, From: "2027-01-01", To: "2027-03-31", Text: "Nothing changed that users should know of, but what follows.", Next: "2028-02-28", Limit: 92,
		Disclosed: []management.Disclosure{{Ref: "opinion:operation", Text: "The opinion on operation was qualified."}, {Ref: "incident:INC-4", Text: "An outage of two hours."}},
		Known:     []string{"incident:INC-4"}}
	tests := []struct {
		name   string
		by     access.Subject
		change func(*management.BridgeData)
		kind   error
		words  string
	}{
		{"by the lead", lead, func(*management.BridgeData) {}, audit.ErrForbidden, ""},
		{"of another report", signer, func(d *management.BridgeData) { d.Report = "00" }, audit.ErrConflict, "another report"},
		{"with a gap", signer, func(d *management.BridgeData) { d.From = "2027-01-15" }, audit.ErrInvalid, "the day after"},
		{"too long", signer, func(d *management.BridgeData) { d.To = "2027-04-30" }, audit.ErrInvalid, "policy allows at most 92"},
		{"longer than policy", signer, func(d *management.BridgeData) { d.Limit = 60 }, audit.ErrInvalid, "policy allows at most 60"},
		{"a policy of a year", signer, func(d *management.BridgeData) { d.Limit = 365 }, audit.ErrInvalid, "limit is 1 to 92"},
		{"an incident left out", signer, func(d *management.BridgeData) { d.Disclosed = d.Disclosed[:1] }, audit.ErrConflict, "does not disclose incident:INC-4"},
		{"a deviation left out", signer, func(d *management.BridgeData) { d.Known = append(d.Known, "deviation:D-00112233") }, audit.ErrConflict, "deviation:D-00112233"},
		{"the qualified opinion left out", signer, func(d *management.BridgeData) { d.Disclosed = d.Disclosed[1:] }, audit.ErrConflict, "opinion:operation"},
		{"disclosed without a word", signer, func(d *management.BridgeData) { d.Disclosed[1].Text = " " }, audit.ErrConflict, "incident:INC-4"},
		{"good", signer, func(*management.BridgeData) {}, nil, ""},
	}
	w := issued(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := good
			d.Disclosed, d.Known = append([]management.Disclosure(nil), good.Disclosed...), append([]string(nil), good.Known...)
			tt.change(&d)
			digest, err := d.ToSign()
			check(t, err)
			d.Signed = sign(signer, digest)
			id, err := w.book.SignBridge(t.Context(), tt.by, "EN-1", d, verify)
			if tt.kind != nil {
				refused(t, err, tt.kind, tt.words)
				return
			}
			check(t, err)
			if id != "EN-1/L-1" {
				t.Errorf("letter %s", id)
			}
		})
	}
	digest, err := good.ToSign()
	check(t, err)
	good.Signed = sign(signer, digest)
	_, err = asserted(t).book.SignBridge(t.Context(), signer, "EN-1", good, verify)
	refused(t, err, audit.ErrConflict, "no report yet")
}

// eyes takes two accounts for two people.
func eyes(string, string) string { return "" }

// second is the management signer with who tells people apart.
func second() access.Subject {
	by := signer
	by.Eyes = eyes
	return by
}

// TestRespond: a response is drafted by who answers, made final by a signer who did
// not write it, and stays.
func TestRespond(t *testing.T) {
	w := agreed(t, engagement.SOC2TypeII)
	check(t, w.book.TakeFindings(t.Context(), receiver, "EN-1", []engagement.Finding{{ID: "X-1", Control: "IAM-06", Text: "For 2 of 15 leavers sampled, access ended late."}}))
	r := engagement.Response{Finding: "X-1", Agrees: true, Cause: "A ticket was lost."}
	check(t, w.book.Respond(t.Context(), lead, "EN-1", r, 1))
	finish := func(by access.Subject, base int64) error {
		return w.book.FinishResponse(t.Context(), by, "EN-1", "X-1", base)
	}
	refused(t, finish(second(), 2), audit.ErrConflict, "what was done")
	r.Done, r.Final = "Tickets are made by the people system since 1 May 2026.", true
	refused(t, w.book.Respond(t.Context(), lead, "EN-1", r, 2), audit.ErrInvalid, "a management signer who did not write it makes it final")
	r.Final = false
	check(t, w.book.Respond(t.Context(), lead, "EN-1", r, 2))
	both := second()
	both.Account, both.Grants = leaID, append(slices.Clone(signer.Grants), lead.Grants...)
	for name, tt := range map[string]struct {
		by    access.Subject
		base  int64
		kind  error
		words string
	}{
		"who answers for it":                   {lead, 3, audit.ErrForbidden, "make management's response to an exception final"},
		"a signer who wrote it":                {both, 3, audit.ErrForbidden, "you prepared it"},
		"a signer nobody knows from who wrote": {signer, 3, audit.ErrForbidden, "it is not known whose the accounts"},
		"a signer who read an earlier draft":   {second(), 2, audit.ErrConflict, ""},
	} {
		t.Run(name, func(t *testing.T) { refused(t, finish(tt.by, tt.base), tt.kind, tt.words) })
	}
	check(t, finish(second(), 3))
	w.side(func(x *management.Side) {
		if f := x.Findings["X-1"]; !f.Response.Final || f.Response.Done != r.Done || f.Waits() {
			t.Errorf("final: %+v", f.Response)
		}
		n := 0
		for _, turn := range x.Course {
			if strings.HasPrefix(turn.Kind, "finding.") {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d turns of the response in the course, want that it became final", n)
		}
	})
	refused(t, finish(second(), 4), audit.ErrConflict, "is final")
	refused(t, w.book.Respond(t.Context(), lead, "EN-1", r, 4), audit.ErrConflict, "is final")
	refused(t, w.book.FinishResponse(t.Context(), second(), "EN-1", "X-9", 0), audit.ErrNotFound, "X-9")
	check(t, w.book.TakeFindings(t.Context(), receiver, "EN-1", []engagement.Finding{{ID: "X-3", Control: "IAM-06", Text: "One account was shared."}}))
	refused(t, w.book.Respond(t.Context(), ownerOf(oweID, "HR-02"), "EN-1", engagement.Response{Finding: "X-3", Cause: "A"}, 1), audit.ErrForbidden, "")
	check(t, w.book.Respond(t.Context(), ownerOf(oweID, "IAM-06"), "EN-1", engagement.Response{Finding: "X-3", Cause: "A"}, 1))
	ofSystem := as(oweID, access.ControlOwner)
	ofSystem.Grants = []access.Grant{{Role: access.ControlOwner, Scope: access.ScopeSystem, Object: "payments"}}
	refused(t, w.book.Respond(t.Context(), ofSystem, "EN-1", engagement.Response{Finding: "X-3", Cause: "B"}, 2, "payments", "ledger"), audit.ErrForbidden, "")
	check(t, w.book.Respond(t.Context(), ofSystem, "EN-1", engagement.Response{Finding: "X-3", Cause: "B"}, 2, "payments"))
	refused(t, w.book.Respond(t.Context(), lead, "EN-1", engagement.Response{Finding: "X-2"}, 0), audit.ErrNotFound, "X-2")
}

// TestComments: comments are on the newest draft; the firm answers as it quotes.
func TestComments(t *testing.T) {
	w := described(t, engagement.SOC2TypeII)
	_, err := w.book.Comment(t.Context(), lead, "EN-1", "Section IV, IAM-06", "There were 148 leavers.")
	refused(t, err, audit.ErrConflict, "no draft")
	check(t, w.book.TakeDraft(t.Context(), receiver, "EN-1", engagement.Draft{Digest: someDigest, Due: "2027-02-10"}, 7))
	id, err := w.book.Comment(t.Context(), lead, "EN-1", "Section IV, IAM-06", "There were 148 leavers.")
	check(t, err)
	if id != "EN-1/M-1" {
		t.Errorf("comment %s", id)
	}
	refused(t, w.book.TakeComments(t.Context(), receiver, "EN-1", []engagement.Comment{{ID: "M-1", Text: "There were 150.", Answer: "No."}}), audit.ErrNotFound, "as the firm quotes it")
	check(t, w.book.TakeComments(t.Context(), receiver, "EN-1", []engagement.Comment{{ID: "M-1", Text: "There were 148 leavers.", Answer: "Corrected."}}))
}
