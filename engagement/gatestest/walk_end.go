package gatestest

import (
	"fmt"
	"strings"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

var zero time.Time

// conclude: the description has workpapers of its own.
func (f *Firm) conclude() {
	f.T.Helper()
	ctx := f.T.Context()
	f.describe(1, Changes, Interim, Asked)
	f.refuses("the description criterion has a workpaper of its own", "Conclude", fieldwork.DutyManager, audit.ErrConflict, "has no workpaper of its own", f.saying("dc:DC 1", engagement.NoExceptions))
	for n := 1; n <= 9; n++ {
		id := fmt.Sprintf("T-DC-%d", n)
		f.ok(f.Files.SetTest(ctx, f.manager(), ID, engagement.Test{ID: id, Control: fmt.Sprintf("DC-%d", n), Phase: engagement.Design, Kind: engagement.Inspection, Text: "Compared the description with the records.",
			Criteria: []string{fmt.Sprintf("DC %d", n)}, Attributes: []engagement.Attribute{{Name: "A", Text: "It is what the records show."}}}, "the description came", 0))
		f.ok(f.Files.OpenPaper(ctx, f.staff(), ID, id, "", ""))
		f.ok(f.Files.Mark(ctx, f.staff(), ID, id, fieldwork.Cell{Attribute: "A"}, fine(), 0))
		f.sign2(id)
	}
	f.included()
	f.move(engagement.Exceptions)
	f.refuses("no final description before every control is concluded", "MoveState", fieldwork.DutyManager, audit.ErrConflict, "before description final", Args{State: engagement.DescriptionFinal, Base: f.revision("state:" + ID)})
	f.concludeAll()
	must[engagement.Finding](f.T)(f.Files.ReleaseFinding(ctx, f.manager(), ID, "X-1", f.revision("finding:"+ID+"/X-1")))
	f.move(engagement.DescriptionFinal)
	f.refuses("no issue before every part has an opinion", "Issue", fieldwork.DutyPartner, audit.ErrConflict, "no opinion, or one on older conclusions", f.report())
	f.refuses("no draft before every part has an opinion", "GiveDraft", fieldwork.DutyPartner, audit.ErrConflict, "no opinion, or one on older conclusions", Args{Digest: f.put("draft", "a draft").Digest, Dated: day(f.Now().AddDate(0, 0, 5))})
}

// included: who is included is examined, with a test of each of its controls.
func (f *Firm) included() {
	f.T.Helper()
	ctx := f.T.Context()
	f.refuses("no report on an included organization without a test of its controls", "Issue", fieldwork.DutyPartner, audit.ErrConflict, "included, and no test of it is reported: N-1 of Nimbus Hosting", f.report())
	f.ok(f.Files.SetTest(ctx, f.manager(), ID, engagement.Test{ID: IncludedTest, Control: "N-1", Phase: engagement.Operation, Kind: engagement.Inspection, Text: "Inspected the doors of a hall and the list of who may enter it.",
		Criteria: []string{"CC6.4"}, Attributes: []engagement.Attribute{{Name: "A", Text: "Only those on the list enter."}}}, "the organization is included", 0))
	f.ok(f.Files.OpenPaper(ctx, f.staff(), ID, IncludedTest, "", ""))
	f.ok(f.Files.Mark(ctx, f.staff(), ID, IncludedTest, fieldwork.Cell{Attribute: "A"}, fine(), 0))
	f.sign2(IncludedTest)
}

// describe takes a final description in that lists controls.
func (f *Firm) describe(version int, controls ...string) {
	f.T.Helper()
	f.ok(f.Files.TakeDescription(f.T.Context(), receiver, ID, engagement.Description{Version: version, Final: true, Controls: controls,
		Sections: []engagement.DCSection{{DC: "DC 1", Paragraphs: []engagement.Paragraph{{Text: "Halyard Cloud."}}}}}, 5))
}

// concludeAll concludes whatever has no current conclusion: controls first, on
// which the others rest.
func (f *Firm) concludeAll() {
	f.T.Helper()
	for f.concludeLeft() > 0 {
	}
}

func (f *Firm) concludeLeft() int {
	f.T.Helper()
	var left []string
	f.file(func(_ *fieldwork.State, x *fieldwork.File) {
		for _, what := range x.ToConclude() {
			if x.Concluded[what] == nil || x.Stale(what) != "" {
				left = append(left, what)
			}
		}
	})
	for _, what := range left {
		a := f.saying(what, engagement.UnableToConclude)
		switch {
		case what == "control:"+Changes || what == "criterion:CC8.1":
			a.Concluding.Outcome = engagement.WithExceptions
		case strings.HasPrefix(what, "dc:"):
			a.Concluding.Outcome = engagement.NoExceptions
		}
		f.ok(f.Files.Conclude(f.T.Context(), f.manager(), ID, what, a.Concluding, a.Base))
	}
	return len(left)
}

// opine: signed by the partner over what is there, in words that are written.
func (f *Firm) opine() {
	f.T.Helper()
	ctx := f.T.Context()
	f.refuses("nobody signs of whom no license is stated", "Opine", fieldwork.DutyPartner, audit.ErrConflict, "no CPA license of who signs", f.opinion(engagement.PartDesign))
	f.ok(f.Files.Assign(ctx, f.partner(), ID, f.People[fieldwork.DutyPartner], fieldwork.DutyPartner, engagement.Credential{Kind: engagement.CPA, State: "Massachusetts", Number: "24817"}))
	a := f.opinion(engagement.PartDesign)
	a.Text = "{{opinion}}"
	f.refuses("no placeholder in an opinion", "Opine", fieldwork.DutyPartner, audit.ErrInvalid, "placeholder", a)
	a = f.opinion(engagement.PartDesign)
	a.Text = "In all respects."
	f.refuses("no opinion that was signed as another", "Opine", fieldwork.DutyPartner, audit.ErrConflict, "what you signed is not what is here now", a)
	f.refuses("a manager gives no opinion", "Opine", fieldwork.DutyManager, audit.ErrForbidden, "write the opinion", f.opinion(engagement.PartDesign))
	for _, part := range engagement.SOC2TypeII.Parts() {
		a := f.opinion(part)
		f.ok(f.Files.Opine(ctx, f.partner(), ID, part, a.Opinion, a.Text, a.Basis, a.Signed))
	}
	f.ok(f.Files.Reopen(ctx, f.manager(), ID, DesignTest, "a mark was misread"))
	f.refuses("no opinion on conclusions that have to be renewed", "Opine", fieldwork.DutyPartner, audit.ErrConflict, "to be renewed: control:"+Changes, f.opinion(engagement.PartDesign))
	f.sign2(DesignTest)
	f.concludeAll()
	f.refuses("no issue on opinions of older conclusions", "Issue", fieldwork.DutyPartner, audit.ErrConflict, "no opinion, or one on older conclusions", f.report())
	for _, part := range engagement.SOC2TypeII.Parts() {
		a := f.opinion(part)
		f.ok(f.Files.Opine(ctx, f.partner(), ID, part, a.Opinion, a.Text, a.Basis, a.Signed))
	}
	f.move(engagement.DraftReview)
	quality := Args{Text: "Reviewed the judgments."}
	f.file(func(_ *fieldwork.State, x *fieldwork.File) { quality.Digest = x.QualityDigest() })
	f.refuses("who worked on it does no quality review", "SignQuality", fieldwork.DutyManager, audit.ErrForbidden, "quality review", quality)
	f.refuses("no issue before the quality review", "Issue", fieldwork.DutyPartner, audit.ErrConflict, "quality review is not signed", f.report())
	f.ok(f.Files.SignQuality(ctx, f.who(fieldwork.DutyQuality), ID, quality.Digest, quality.Text))
}

// report is what is issued, dated today.
func (f *Firm) report() Args {
	f.T.Helper()
	value := f.put("report.json", "a value")
	return Args{Digest: value.Digest, Files: []fieldwork.IssuedFile{f.put("report.pdf", "a report"), value}, Dated: day(f.Now()), Signed: f.sign(f.People[fieldwork.DutyPartner], "Paula Stone", "report", value.Digest)}
}

// letters: no report without those of management and of whoever is included.
func (f *Firm) letters() {
	f.T.Helper()
	ctx := f.T.Context()
	f.refuses("no issue before a draft was given for factual review", "Issue", fieldwork.DutyPartner, audit.ErrConflict, "no draft was given", f.report())
	f.ok(f.Files.GiveDraft(ctx, f.partner(), ID, engagement.Draft{Digest: f.put("draft", "a draft").Digest, Due: day(f.Now().AddDate(0, 0, 5))}))
	f.ok(f.Files.TakeComments(ctx, receiver, ID, []engagement.Comment{{ID: "C-1", Draft: f.put("draft", "a draft").Digest, Where: "Section III", Text: "The region is wrong."}}, 6))
	f.refuses("no issue while a comment has no answer", "Issue", fieldwork.DutyPartner, audit.ErrConflict, "comments without an answer: C-1", f.report())
	f.ok(f.Files.AnswerComment(ctx, f.manager(), ID, "C-1", "Corrected.", f.revision("comment:"+ID+"/C-1")))
	f.refuses("no issue before subsequent events were asked about", "Issue", fieldwork.DutyPartner, audit.ErrConflict, "asked about subsequent events", f.report())
	f.ok(f.Files.Inquire(ctx, f.manager(), ID, "Ana Ruiz, and the incident log", "Nothing happened.", day(f.Now())))
	f.refuses("no report without management's assertion", "Issue", fieldwork.DutyPartner, audit.ErrConflict, "no assertion of Halyard, Inc.", f.report())
	f.assertion("Halyard, Inc.")
	f.refuses("no report without an included organization's own assertion", "Issue", fieldwork.DutyPartner, audit.ErrConflict, "no assertion of Nimbus Hosting", f.report())
	f.assertion("Nimbus Hosting")
	f.refuses("no report without a letter of representation", "Issue", fieldwork.DutyPartner, audit.ErrConflict, "no representation letter, or not of the report's day: Halyard, Inc.", f.report())
	f.letter("Halyard, Inc.", day(f.Now()))
	f.letter("Nimbus Hosting", day(f.Now().AddDate(0, 0, -1)))
	f.refuses("no report of another day than its letters", "Issue", fieldwork.DutyPartner, audit.ErrConflict, "Nimbus Hosting (dated", f.report())
	f.letter("Nimbus Hosting", day(f.Now()))
	f.assertionUnder("Halyard, Inc.", "", 0)
	f.refuses("no report on an assertion that names no terms", "Issue", fieldwork.DutyPartner, audit.ErrConflict, "signed under unknown terms, for it names none: assertion of Halyard, Inc.", f.report())
	f.assertion("Halyard, Inc.")
}

func (f *Firm) assertion(by string) {
	f.T.Helper()
	f.assertionUnder(by, f.termsDigest(), 1)
}

// assertionUnder has an assertion come that names terms and its version.
func (f *Firm) assertionUnder(by, terms string, version int) {
	f.T.Helper()
	a := engagement.Assertion{By: by, Terms: terms, Version: version, Text: "We assert.", Dated: day(f.Now())}
	a.Signed = f.Keys.Sign(f.T, nil, f.Now(), "of "+by, "Ana Ruiz", "Chief Executive Officer", "assertion", must[string](f.T)(a.ToSign()))
	f.ok(f.Files.TakeAssertion(f.T.Context(), receiver, ID, a, 7))
}

func (f *Firm) letter(by, dated string) {
	f.T.Helper()
	r := engagement.Representation{By: by, Terms: f.termsDigest(), Version: 1, Text: "We represent.", Dated: dated}
	r.Signed = f.Keys.Sign(f.T, nil, f.Now(), "of "+by, "Ana Ruiz", "Chief Executive Officer", "letter", must[string](f.T)(r.ToSign()))
	f.ok(f.Files.TakeRepresentation(f.T.Context(), receiver, ID, r, 8))
}

// termsDigest is that of the terms in force.
func (f *Firm) termsDigest() (d string) {
	f.T.Helper()
	f.file(func(_ *fieldwork.State, x *fieldwork.File) { d = must[string](f.T)(x.Terms.Digest()) })
	return d
}

// issue: Sections III and IV list the same controls, and nothing is edited after.
func (f *Firm) issue() {
	f.T.Helper()
	ctx := f.T.Context()
	f.describe(2, Changes, Interim, Asked, "EXTRA-9")
	f.refuses("no report whose description lists a control that Section IV does not", "Issue", fieldwork.DutyPartner, audit.ErrConflict, "controls nobody concluded on: EXTRA-9", f.report())
	f.describe(3, Changes, Interim)
	f.refuses("no report whose Section IV lists a control that the description does not", "Issue", fieldwork.DutyPartner, audit.ErrConflict, "does not list controls that were concluded on: "+Asked, f.report())
	f.describe(4, Changes, Interim, Asked)
	f.again()
	a := f.report()
	a.Dated = day(f.Now().AddDate(0, 0, 1))
	f.refuses("no report of a day that has not come", "Issue", fieldwork.DutyPartner, audit.ErrConflict, "has not come", a)
	f.refuses("a manager issues no report", "Issue", fieldwork.DutyManager, audit.ErrForbidden, "sign and issue the report", f.report())
	f.refuses("no archive before the report", "Assemble", fieldwork.DutyManager, audit.ErrConflict, "it is not issued", Args{})
	f.refuses("no superseding report before the first", "Revise", fieldwork.DutyPartner, audit.ErrConflict, "it is not issued", Args{Why: "facts came out"})
	a = f.report()
	must[engagement.Release](f.T)(f.Files.Issue(ctx, f.partner(), ID, a.Digest, a.Files, a.Dated, "", "", a.Signed))
	v := fine()
	v.Why = "seen again"
	cell := f.cells(OpTest, "A")[0]
	f.refuses("no edit after issue: a mark", "Mark", fieldwork.DutyStaff, audit.ErrConflict, "issued", Args{Test: OpTest, Cells: []fieldwork.Cell{cell}, Verdict: v, Base: f.revision(fieldwork.CellOn(ID, OpTest, cell))})
	f.refuses("no edit after issue: a conclusion", "Conclude", fieldwork.DutyManager, audit.ErrConflict, "issued", f.saying("control:"+Changes, engagement.WithExceptions))
	f.refuses("no edit after issue: an opinion", "Opine", fieldwork.DutyPartner, audit.ErrConflict, "issued", f.opinion(engagement.PartDesign))
	f.refuses("no edit after issue: an exception", "SetFinding", fieldwork.DutyStaff, audit.ErrConflict, "issued", Args{Finding: "X-1", Draft: f.draft(), Base: f.revision("finding:" + ID + "/X-1")})
	f.refuses("no edit after issue: the plan", "SetTest", fieldwork.DutyManager, audit.ErrConflict, "issued", Args{Planned: operation(Changes, "T-CHG-01-9"), Why: "one more"})
	f.refuses("a report is issued once, and then superseded", "Issue", fieldwork.DutyPartner, audit.ErrConflict, "issued", f.report())
}

// again renews what rests on an older description, where anything does.
func (f *Firm) again() {
	f.T.Helper()
	f.concludeAll()
	ctx := f.T.Context()
	for _, part := range engagement.SOC2TypeII.Parts() {
		a := f.opinion(part)
		f.ok(f.Files.Opine(ctx, f.partner(), ID, part, a.Opinion, a.Text, a.Basis, a.Signed))
	}
	var digest string
	f.file(func(_ *fieldwork.State, x *fieldwork.File) { digest = x.QualityDigest() })
	f.ok(f.Files.SignQuality(ctx, f.who(fieldwork.DutyQuality), ID, digest, "Reviewed the judgments again."))
	must[engagement.Finding](f.T)(f.Files.ReleaseFinding(ctx, f.manager(), ID, "X-1", f.revision("finding:"+ID+"/X-1")))
}

// archive: assembled, then locked, and then only added to.
func (f *Firm) archive() {
	f.T.Helper()
	ctx := f.T.Context()
	f.refuses("no lock before the file is assembled", "Lock", fieldwork.DutyManager, audit.ErrConflict, "it is not assembled", Args{})
	extra := Args{Files: []fieldwork.IssuedFile{f.put("memo.txt", "a memo")}, Why: "it was left out"}
	f.refuses("nothing is added beside a file that is not locked", "AddToArchive", fieldwork.DutyManager, audit.ErrConflict, "it is not locked", extra)
	_, err := f.Files.Assemble(ctx, f.manager(), ID)
	f.ok(err)
	f.ok(f.Files.Lock(ctx, f.manager(), ID))
	f.refuses("a locked file is not assembled again", "Assemble", fieldwork.DutyManager, audit.ErrConflict, "it is locked", Args{})
	f.refuses("a locked file is not locked again", "Lock", fieldwork.DutyManager, audit.ErrConflict, "it is locked already", Args{})
	f.refuses("after the lock a superseding report is another engagement", "Revise", fieldwork.DutyPartner, audit.ErrConflict, "it is locked", Args{Why: "facts came out"})
}
