package gatestest

import (
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
)

// Controls of the walk: one with a population, a sample and exceptions; one that
// is tested to an interim date alone; one that only somebody was asked about; one
// whose population was frozen before anything was planned for it.
const (
	Changes = "CHG-01"
	Interim = "INT-01"
	Asked   = "INQ-01"
	Early   = "EAR-01"
)

// Tests of the walk.
const (
	OpTest      = "T-CHG-01-1"
	DesignTest  = "T-CHG-01-2"
	InterimTest = "T-INT-01-1"
	AskedTest   = "T-INQ-01-1"

	IncludedTest = "T-N-1-1" // of a control of the organization that is included
)

// Walk takes a new engagement EN-1 from its opening to its locked archive, and
// calls try with each act that is forbidden where it stands. The clock is moved
// twice, past the period's end; nothing sleeps.
func Walk(f *Firm, try func(Case)) {
	f.T.Helper()
	f.walk(try, append(slices.Clone(drawn), (*Firm).test, (*Firm).except, (*Firm).signOff, (*Firm).conclude, (*Firm).opine, (*Firm).letters, (*Firm).issue, (*Firm).archive)...)
}

// Drawn takes a new engagement EN-1 to where sample S-2 is drawn for OpTest, whose
// workpaper nobody opened yet.
func Drawn(f *Firm) {
	f.T.Helper()
	f.walk(func(Case) {}, drawn...)
}

// Issuable takes a new engagement EN-1 to where no gate stands before its report.
func Issuable(f *Firm) {
	f.T.Helper()
	f.walk(func(Case) {}, append(slices.Clone(drawn), (*Firm).test, (*Firm).except, (*Firm).signOff, (*Firm).conclude, (*Firm).opine, (*Firm).letters)...)
}

var drawn = []func(*Firm){(*Firm).begin, (*Firm).plan, (*Firm).start, (*Firm).interim, (*Firm).draw}

func (f *Firm) walk(try func(Case), steps ...func(*Firm)) {
	f.T.Helper()
	f.try = try
	if f.Keys == nil {
		f.Keys = &Keys{}
	}
	today := date(f.Now())
	f.first, f.last = today.AddDate(0, 0, -20), today.AddDate(0, 0, 1)
	for _, step := range steps {
		step(f)
	}
}

func (f *Firm) ok(err error) {
	f.T.Helper()
	check(f.T, err)
}

// begin: nobody works before they declared independence and a partner accepted.
func (f *Firm) begin() {
	f.T.Helper()
	ctx := f.T.Context()
	must[engagement.Terms](f.T)(f.Files.OpenEngagement(ctx, f.partner(), f.terms()))
	x := operation(Changes, OpTest)
	f.refuses("no work before its person declares independence", "SetTest", fieldwork.DutyManager, audit.ErrConflict, "declare your independence", Args{Planned: x})
	for _, duty := range []string{fieldwork.DutyPartner, fieldwork.DutyManager, fieldwork.DutyStaff, fieldwork.DutyQuality} {
		f.ok(f.Files.Declare(ctx, f.who(duty), ID, true, ""))
		f.ok(f.Files.Assign(ctx, f.partner(), ID, f.People[duty], duty))
	}
	f.ok(f.Files.Declare(ctx, f.who(second), ID, true, ""))
	f.ok(f.Files.Assign(ctx, f.partner(), ID, f.Tester, fieldwork.DutyStaff))
	f.refuses("no work before a partner accepts client and engagement", "SetTest", fieldwork.DutyManager, audit.ErrConflict, "a partner accepts the client and the engagement first", Args{Planned: x})
	var answers []fieldwork.Checked
	for _, q := range fieldwork.Preconditions {
		answers = append(answers, fieldwork.Checked{Question: q, Answer: "Looked at; nothing against it."})
	}
	f.ok(f.Files.Accept(ctx, f.partner(), ID, answers, f.put("letter", "We examine your system.").Digest))
}

func operation(control, id string) engagement.Test {
	return engagement.Test{ID: id, Control: control, Phase: engagement.Operation, Kind: engagement.Inspection, Text: "Inspected the approval of each sampled change.", Population: true,
		Attributes: []engagement.Attribute{{Name: "A", Text: "Approved before deployment."}, {Name: "B", Text: "Reviewed by another person.", Procedure: "change.review"}}, Criteria: []string{"CC8.1"}}
}

// plan: no sample and no workpaper before there is a population.
func (f *Firm) plan() {
	f.T.Helper()
	ctx, by := f.T.Context(), f.manager()
	design := operation(Changes, DesignTest)
	design.Phase, design.Population, design.Text, design.Attributes = engagement.Design, false, "Inspected the rule of the pipeline.", []engagement.Attribute{{Name: "A", Text: "The rule asks for an approval."}}
	asked := design
	asked.ID, asked.Control, asked.Phase, asked.Kind, asked.Text = AskedTest, Asked, engagement.Operation, engagement.Inquiry, "Asked the head of engineering."
	interim := operation(Interim, InterimTest)
	interim.Attributes = interim.Attributes[:1]
	for _, x := range []engagement.Test{operation(Changes, OpTest), design, asked, interim} {
		f.ok(f.Files.SetTest(ctx, by, ID, x, "", 0))
	}
	f.ok(f.Files.SetReliance(ctx, by, ID, Interim, engagement.ItemsAtSource, "records are kept by the systems themselves", 0))
	set := engagement.ControlSet{Definitions: strings.Repeat("ab", 32)}
	for _, c := range []string{Changes, Interim, Asked} {
		set.Controls = append(set.Controls, audit.Control{ID: c, Title: "Changes are reviewed", Description: "Somebody else than its author approves a change before it is deployed.", Criteria: f.criteria()})
	}
	f.ok(f.Files.TakeControls(ctx, receiver, ID, set, 4))
	f.refuses("no sample before its population is frozen", "DrawSample", fieldwork.DutyStaff, audit.ErrNotFound, "population P-1", Args{Order: order("P-1", Changes)})
	f.refuses("no workpaper before its sample", "OpenPaper", fieldwork.DutyStaff, audit.ErrConflict, "sample drawn first", Args{Test: OpTest})
	for _, c := range []string{Changes, Interim} {
		must[fieldwork.Commitment](f.T)(f.Files.CommitNonce(ctx, f.staff(), ID, c, "1", ""))
	}
	f.refuses("one nonce for a draw, and never another", "CommitNonce", fieldwork.DutyStaff, audit.ErrConflict, "there is a nonce for "+Changes, Args{Control: Changes, Round: "1"})
}

// criteria are those the client's controls meet.
func (f *Firm) criteria() (out []string) {
	if !f.Whole {
		return []string{"CC8.1"}
	}
	for i, n := range []int{5, 3, 4, 2, 3, 8, 5, 1, 2} {
		for j := range n {
			out = append(out, fmt.Sprintf("CC%d.%d", i+1, j+1))
		}
	}
	return out
}

func order(population, control string) fieldwork.Order {
	return fieldwork.Order{Population: population, Control: control, Method: engagement.Random, Size: 6, Basis: "agreed with the partner"}
}

// start: fieldwork waits for management, and for a request.
func (f *Firm) start() {
	f.T.Helper()
	ctx := f.T.Context()
	f.refuses("no fieldwork before management agreed", "MoveState", fieldwork.DutyManager, audit.ErrConflict, "management has not agreed to the terms", Args{State: engagement.Fieldwork})
	var digest string
	f.file(func(_ *fieldwork.State, x *fieldwork.File) { digest = must[string](f.T)(x.Terms.Digest()) })
	f.ok(f.Files.TakeAgreed(ctx, receiver, ID, engagement.Agreed{Terms: digest, Signed: engagement.Signature{Name: "Ida Moss", Digest: digest}}, 3))
	f.ok(f.Files.TakeState(ctx, receiver, ID, engagement.StateNews{State: engagement.Observing}, 4))
	f.refuses("no fieldwork before something was asked for", "MoveState", fieldwork.DutyManager, audit.ErrConflict, "no request is released", Args{State: engagement.Fieldwork, Base: f.revision("state:" + ID)})
	rq := must[fieldwork.Request](f.T)(f.Files.SetRequest(ctx, f.staff(), ID, engagement.Request{Kind: "document", Title: "Policy", Asks: "The change policy in force", Tests: []string{OpTest}}, 0))
	f.ok(f.Files.ReleaseRequests(ctx, f.staff(), ID, rq.ID))
	f.move(engagement.Fieldwork)
	f.refuses("no step before the period's end that needs it", "MoveState", fieldwork.DutyManager, audit.ErrConflict, "before exceptions", Args{State: engagement.Exceptions, Base: f.revision("state:" + ID)})
	f.ok(f.Files.DecideRequest(ctx, f.staff(), ID, rq.ID, engagement.RequestWithdrawn, "the policy came with the controls", f.revision("request:"+ID+"/"+rq.ID)))
}

func (f *Firm) move(to engagement.State) {
	f.T.Helper()
	f.ok(f.Files.MoveState(f.T.Context(), f.manager(), ID, to, "", f.revision("state:"+ID)))
}

// interim: what is tested to date waits for the period's end, and is rolled forward.
func (f *Firm) interim() {
	f.T.Helper()
	p, lines := f.population("P-1", 6, audit.Unsequenced, f.last.AddDate(0, 0, -2), Interim)
	f.feed(p, lines)
	f.accept("P-1")
	must[fieldwork.Sample](f.T)(f.Files.DrawSample(f.T.Context(), f.staff(), ID, order("P-1", Interim)))
	f.ok(f.Files.OpenPaper(f.T.Context(), f.staff(), ID, InterimTest, "S-1", ""))
	f.refuses("no mark of No exception in bulk on an item nobody opened", "MarkMany", fieldwork.DutyStaff, audit.ErrConflict, "only items you opened", Args{Test: InterimTest, Verdict: fine(), Cells: f.cells(InterimTest, "A")})
	f.refuses("no conclusion while an item has no result", "Conclude", fieldwork.DutyManager, audit.ErrConflict, "without results: "+InterimTest, f.saying("control:"+Interim, engagement.NoExceptions))
	f.ok(f.Files.OpenItem(f.T.Context(), f.staff(), ID, InterimTest, f.rows(InterimTest)...))
	f.markAll(InterimTest, "A", fine())
	f.sign2(InterimTest)
	f.refuses("no conclusion on operation before the period's end", "Conclude", fieldwork.DutyManager, audit.ErrConflict, "the period is not over", f.saying("control:"+Interim, engagement.NoExceptions))
	f.To(f.last.AddDate(0, 0, 2))
	f.refuses("interim work is rolled forward before operation is concluded on", "Conclude", fieldwork.DutyManager, audit.ErrConflict, "tested to date, not to the period's end", f.saying("control:"+Interim, engagement.NoExceptions))
}

func fine() fieldwork.Verdict {
	return fieldwork.Verdict{Mark: engagement.NoException, Evidence: []int64{7}}
}

// saying is a conclusion on something, in words that are not the walk's own.
func (f *Firm) saying(what string, o engagement.Outcome) Args {
	c := fieldwork.Concluding{Outcome: o, Text: "See the results."}
	if strings.HasPrefix(what, "control:") {
		c.Design = fieldwork.DesignUnproved
	}
	return Args{What: what, Concluding: c, Base: f.revision("conclusion:" + ID + "/" + what)}
}

func (f *Firm) rows(test string) (out []string) {
	f.file(func(_ *fieldwork.State, x *fieldwork.File) { out = append(out, x.Papers[test].Rows...) })
	return out
}

// cells are those of one attribute of a workpaper.
func (f *Firm) cells(test, attribute string) (out []fieldwork.Cell) {
	for _, r := range f.rows(test) {
		out = append(out, fieldwork.Cell{Item: r, Attribute: attribute})
	}
	return out
}

func (f *Firm) markAll(test, attribute string, v fieldwork.Verdict) {
	f.T.Helper()
	for _, c := range f.cells(test, attribute) {
		f.ok(f.Files.Mark(f.T.Context(), f.staff(), ID, test, c, v, 0))
	}
}

// sign2 signs a workpaper off, as prepared and as reviewed.
func (f *Firm) sign2(test string) {
	f.T.Helper()
	f.ok(f.Files.Prepare(f.T.Context(), f.staff(), ID, test, f.digest(test)))
	f.ok(f.Files.Review(f.T.Context(), f.manager(), ID, test, f.digest(test)))
}

// draw: frozen, accepted by the auditor, reliance fixed, a nonce from before.
func (f *Firm) draw() {
	f.T.Helper()
	ctx := f.T.Context()
	p, lines := f.population("P-2", 7, 77, zero, Changes)
	f.feed(p, lines)
	early, rows := f.population("P-3", 7, audit.Unsequenced, zero, Early)
	f.feed(early, rows)
	f.refuses("no acceptance before the auditor's own completeness work", "AcceptPopulation", fieldwork.DutyStaff, audit.ErrConflict, "completeness and accuracy work on population P-2 first", Args{Population: "P-2", Base: f.revision("population:" + ID + "/P-2")})
	f.refuses("no sample before the population is accepted", "DrawSample", fieldwork.DutyStaff, audit.ErrConflict, "frozen but not accepted", Args{Order: order("P-2", Changes)})
	f.refuses("no nonce after the freeze", "CommitNonce", fieldwork.DutyStaff, audit.ErrConflict, "a nonce made now could be chosen", Args{Control: Early, Round: "1"})
	f.accept("P-2")
	f.accept("P-3")
	f.refuses("no draw before the reliance mode is fixed", "DrawSample", fieldwork.DutyStaff, audit.ErrConflict, "fix the reliance mode of "+Changes, Args{Order: order("P-2", Changes)})
	for _, c := range []string{Changes, Early} {
		f.ok(f.Files.SetReliance(ctx, f.manager(), ID, c, engagement.ItemsAtSource, "records are kept by the systems themselves", 0))
	}
	f.refuses("no draw without a nonce from before the freeze", "DrawSample", fieldwork.DutyStaff, audit.ErrConflict, "no nonce was committed for "+Early, Args{Order: order("P-3", Early)})
	must[fieldwork.Sample](f.T)(f.Files.DrawSample(ctx, f.staff(), ID, order("P-2", Changes)))
	f.ok(f.Files.ReleaseSample(ctx, f.manager(), ID, "S-2", f.revision("sample:"+ID+"/S-2")))
	f.refuses("a freeze is drawn from once", "DrawSample", fieldwork.DutyStaff, audit.ErrConflict, "drawn from once", Args{Order: order("P-2", Changes)})
	f.refuses("the reliance mode stays once a sample is drawn", "SetReliance", fieldwork.DutyManager, audit.ErrConflict, "and stays", Args{Control: Changes, Reliance: engagement.WholeLogic, Why: "less work", Base: f.revision("reliance:" + ID + "/" + Changes)})
}

// test: a result for every cell, one's own before what was computed.
func (f *Firm) test() {
	f.T.Helper()
	ctx := f.T.Context()
	f.ok(f.Files.OpenPaper(ctx, f.staff(), ID, OpTest, "S-2", ""))
	f.ok(f.Files.OpenItem(ctx, f.staff(), ID, OpTest, f.rows(OpTest)...))
	f.refuses("what was computed is shown after one's own mark", "Reveal", fieldwork.DutyStaff, audit.ErrConflict, "is shown after your own mark", Args{Test: OpTest, Cells: f.cells(OpTest, "B")[:1]})
	f.markAll(OpTest, "A", fine())
	f.refuses("no sign-off while a cell has no result", "Prepare", fieldwork.DutyStaff, audit.ErrConflict, "without a result", Args{Test: OpTest, Digest: f.digest(OpTest)})
	f.markAll(OpTest, "B", fieldwork.Verdict{Mark: engagement.Exception, Note: "merged by its author"})
	f.refuses("an exception names its cells as they are marked", "SetFinding", fieldwork.DutyStaff, audit.ErrConflict, "is not marked",
		Args{Draft: fieldwork.FindingDraft{Test: OpTest, Nature: "late", Text: "It was late.", Cells: []fieldwork.FindingCell{fieldwork.FindingCell(f.cells(OpTest, "A")[0])}}})
	f.refuses("no sign-off before what was computed was looked at", "Prepare", fieldwork.DutyStaff, audit.ErrConflict, "not looked at yet", Args{Test: OpTest, Digest: f.digest(OpTest)})
	f.ok(f.Files.Reveal(ctx, f.staff(), ID, OpTest))
	f.refuses("no sign-off while an exception has no finding", "Prepare", fieldwork.DutyStaff, audit.ErrConflict, "no finding yet", Args{Test: OpTest, Digest: f.digest(OpTest)})
	f.refuses("no review before it is prepared", "Review", fieldwork.DutyManager, audit.ErrConflict, "nobody signed it off as prepared", Args{Test: OpTest, Digest: f.digest(OpTest)})
}

func (f *Firm) draft() fieldwork.FindingDraft {
	d := fieldwork.FindingDraft{Test: OpTest, Nature: "merged by the author", Cause: "the rule was off for a week", Evaluation: "isolated"}
	for _, c := range f.cells(OpTest, "B") {
		d.Cells = append(d.Cells, fieldwork.FindingCell(c))
	}
	d.Text = fmt.Sprintf("Of %[1]d changes sampled, %[1]d of %[1]d were merged by their authors.", len(d.Cells))
	return d
}

// except: what deviates outside the sample is looked for, and disposed of.
func (f *Firm) except() {
	f.T.Helper()
	ctx := f.T.Context()
	must[string](f.T)(f.Files.SetFinding(ctx, f.staff(), ID, "", f.draft(), 0))
	f.ok(f.Files.Prepare(ctx, f.staff(), ID, OpTest, f.digest(OpTest)))
	f.refuses("no conclusion before the workpaper is reviewed", "Conclude", fieldwork.DutyManager, audit.ErrConflict, "not reviewed: the workpapers of "+OpTest, f.saying("control:"+Changes, engagement.WithExceptions))
	note := must[string](f.T)(f.Files.AddNote(ctx, f.manager(), ID, OpTest, "B", "Which rule?"))
	f.refuses("no review while a note is open", "Review", fieldwork.DutyManager, audit.ErrConflict, "open review notes: "+note, Args{Test: OpTest, Digest: f.digest(OpTest)})
	on := "note:" + ID + "/" + note
	f.ok(f.Files.AnswerNote(ctx, f.staff(), ID, note, "That of the main branch.", f.revision(on)))
	f.ok(f.Files.ClearNote(ctx, f.manager(), ID, note, f.revision(on)))
	f.refuses("nobody reviews what they prepared", "Review", fieldwork.DutyStaff, audit.ErrForbidden, "sign a workpaper off as its reviewer", Args{Test: OpTest, Digest: f.digest(OpTest)})
	f.ok(f.Files.Review(ctx, f.manager(), ID, OpTest, f.digest(OpTest)))
	c := f.saying("control:"+Changes, engagement.WithExceptions)
	f.refuses("no conclusion before deviations outside the sample were looked for", "Conclude", fieldwork.DutyManager, audit.ErrConflict, "not looked for yet: "+OpTest, c)
	f.ok(f.Files.LookForKnown(ctx, f.staff(), ID, OpTest))
	f.refuses("no conclusion while a known deviation is open", "Conclude", fieldwork.DutyManager, audit.ErrConflict, "known deviation outside the sample without a disposition", c)
	c = f.saying("control:"+Changes, engagement.NoExceptions)
	f.refuses("never No exceptions noted while a known deviation is open", "Conclude", fieldwork.DutyManager, audit.ErrConflict, "known deviation outside the sample without a disposition", c)
	d := f.draft()
	f.file(func(_ *fieldwork.State, x *fieldwork.File) {
		for _, k := range x.OpenKnown(OpTest) {
			d.Known = append(d.Known, k.Ref)
		}
	})
	must[string](f.T)(f.Files.SetFinding(ctx, f.staff(), ID, "X-1", d, f.revision("finding:"+ID+"/X-1")))
	f.refuses("never No exceptions noted while one stands", "Conclude", fieldwork.DutyManager, audit.ErrConflict, "exceptions stand: X-1", c)
}

// signOff: nobody reviews their own work; inquiry alone concludes nothing.
func (f *Firm) signOff() {
	f.T.Helper()
	ctx := f.T.Context()
	f.ok(f.Files.OpenPaper(ctx, f.staff(), ID, DesignTest, "", ""))
	f.markAll(DesignTest, "A", fine())
	f.sign2(DesignTest)
	f.ok(f.Files.OpenPaper(ctx, f.manager(), ID, AskedTest, "", ""))
	f.ok(f.Files.Mark(ctx, f.manager(), ID, AskedTest, fieldwork.Cell{Attribute: "A"}, fine(), 0))
	f.ok(f.Files.Prepare(ctx, f.manager(), ID, AskedTest, f.digest(AskedTest)))
	f.refuses("a manager does not review their own work either", "Review", fieldwork.DutyManager, audit.ErrForbidden, "", Args{Test: AskedTest, Digest: f.digest(AskedTest)})
	f.ok(f.Files.Review(ctx, f.partner(), ID, AskedTest, f.digest(AskedTest)))
	f.refuses("inquiry alone concludes nothing", "Conclude", fieldwork.DutyManager, audit.ErrConflict, "inquiry is the only procedure", f.saying("control:"+Asked, engagement.NoExceptions))
	f.refuses("staff concludes nothing", "Conclude", fieldwork.DutyStaff, audit.ErrForbidden, "conclude on a control", f.saying("control:"+Changes, engagement.WithExceptions))
	c := f.saying("control:"+Changes, engagement.WithExceptions)
	c.Concluding.Text = "TBD"
	f.refuses("no placeholder in a conclusion", "Conclude", fieldwork.DutyManager, audit.ErrInvalid, "placeholder", c)
	f.refuses("no conclusion on a criterion before its controls", "Conclude", fieldwork.DutyManager, audit.ErrConflict, "no current conclusion on control:"+Changes, f.saying("criterion:CC8.1", engagement.WithExceptions))
	f.refuses("no conclusion on the description before it has come", "Conclude", fieldwork.DutyManager, audit.ErrConflict, "no final description has come", f.saying("dc:DC 1", engagement.NoExceptions))
	f.refuses("no opinion before every control, criterion and the description has a conclusion", "Opine", fieldwork.DutyPartner, audit.ErrConflict, "no conclusion on control:"+Changes, f.opinion(engagement.PartDesign))
}

// opinion is a good opinion on a part, signed over what is there now.
func (f *Firm) opinion(part engagement.Part) Args {
	f.T.Helper()
	a := Args{Part: part, Opinion: engagement.Qualified, Text: "Except for the matter described, in all material respects.", Basis: "Changes were merged by their authors."}
	var d string
	f.file(func(s *fieldwork.State, x *fieldwork.File) { d = s.OpinionDigest(x, part, a.Opinion, a.Text, a.Basis) })
	a.Signed = f.sign(f.People[fieldwork.DutyPartner], "Paula Stone", fmt.Sprintf("opinion on %s", part), d)
	return a
}
