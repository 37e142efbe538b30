package examination_test

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"testing"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/engagement/packet"
	"tieout/examination"
	"tieout/ledger"
	"tieout/period"
	"tieout/report/attest"
)

// A course is one engagement of Acme's year, of any type, from its terms to its
// issued report. Controls of tested are tested; of the others nothing is.
type course struct {
	*world
	id    string
	terms engagement.Terms
	day   string // of the report; "": dated
}

// on is the day of the report.
func (c *course) on() string { return cmp.Or(c.day, dated) }

// as is a person on the course's engagement.
func (c *course) as(who access.Subject) access.Subject {
	who.Grants = slices.Clone(who.Grants)
	for i := range who.Grants {
		if who.Grants[i].Scope == access.ScopeEngagement {
			who.Grants[i].Object = c.id
		}
	}
	return who
}

func (c *course) read(f func(*fieldwork.State, *fieldwork.File)) {
	c.t.Helper()
	check(c.t, c.firm.Files.ReadFile(c.t.Context(), c.id, func(s *fieldwork.State, x *fieldwork.File) error { f(s, x); return nil }))
}

func (c *course) base(on string) (n int64) {
	c.t.Helper()
	c.read(func(s *fieldwork.State, _ *fieldwork.File) { n = s.Revision(on) })
	return n
}

// swap carries packets both ways until each side heard the other.
func (c *course) swap() {
	c.t.Helper()
	one := func(from *period.Program, dir string, flush func(context.Context, string) error, ours, theirs poster, take func(context.Context, packet.Received) error) {
		ctx := c.t.Context()
		check(c.t, flush(ctx, c.id))
		out := must[*packet.Post](c.t)(ours(ctx, c.id, ""))
		must[[]string](c.t)(out.Outbox(ctx, dir))
		in := must[*packet.Post](c.t)(theirs(ctx, c.id, from.Log.Keys().Log()))
		must[int](c.t)(in.Inbox(ctx, audit.Actor{Kind: audit.ActorPerson, Name: "courier"}, dir, ledger.Consent{}, take))
	}
	for range 2 {
		one(c.firm.P, c.toAcme, c.firm.Flush, c.firm.Post, c.client.Post, c.client.Take)
		one(c.client.P, c.toFirm, c.client.Flush, c.client.Post, c.firm.Post, c.firm.Take)
	}
}

// agreed opens the engagement, accepts it and has Acme agree.
func (c *course) agreed() {
	c.t.Helper()
	ctx, files := c.t.Context(), c.firm.Files
	c.terms = must[engagement.Terms](c.t)(files.OpenEngagement(ctx, partner, c.terms))
	if c.terms.ID != c.id {
		c.t.Fatalf("the engagement is %s, want %s", c.terms.ID, c.id)
	}
	for _, who := range []access.Subject{partner, manager, staff, quality} {
		check(c.t, files.Declare(ctx, c.as(who), c.id, true, ""))
	}
	for account, duty := range map[string]string{paulaID: fieldwork.DutyPartner, mikaID: fieldwork.DutyManager, stefID: fieldwork.DutyStaff, quinnID: fieldwork.DutyQuality} {
		check(c.t, files.Assign(ctx, partner, c.id, account, duty, engagement.Credential{Kind: engagement.CPA, State: "Massachusetts", Number: "24817"}))
	}
	letter, _, err := c.firm.P.Blobs.Put(ctx, strings.NewReader("We examine your system."))
	check(c.t, err)
	var answers []fieldwork.Checked
	for _, q := range fieldwork.Preconditions {
		answers = append(answers, fieldwork.Checked{Question: q, Answer: "Looked at; nothing against it."})
	}
	check(c.t, files.Accept(ctx, partner, c.id, answers, strings.TrimPrefix(letter, "sha256:")))
	if !c.invited() {
		check(c.t, c.client.Side.InviteFirm(ctx, lead, "Brookline Assurance LLP", c.firm.P.Log.Keys().Links()[0].Key.VKey(), ""))
		c.collect()
	}
	check(c.t, c.firm.Flush(ctx, c.id))
	c.deliver()
	digest := must[string](c.t)(c.terms.Digest())
	sig := c.sign(c.client.P, signer, "Chief Executive Officer", "terms of "+c.id, digest)
	check(c.t, c.client.Side.Agree(ctx, signer, c.id, digest, sig, examination.Keys{Store: c.client.P.Store}.Own(ctx)))
	for _, s := range []engagement.State{engagement.BoundaryDefined, engagement.Readiness, engagement.Observing} {
		check(c.t, c.client.Side.MoveState(ctx, lead, c.id, s, ""))
	}
	c.swap()
}

func (c *course) invited() (yes bool) {
	check(c.t, c.client.Side.Read(c.t.Context(), func(s *management.State) error { yes = len(s.Firms) > 0; return nil }))
	return yes
}

// deliver carries the terms to Acme, which knows no engagement yet.
func (c *course) deliver() {
	c.t.Helper()
	ctx := c.t.Context()
	out := must[*packet.Post](c.t)(c.firm.Post(ctx, c.id, ""))
	must[[]string](c.t)(out.Outbox(ctx, c.toAcme))
	in := must[*packet.Post](c.t)(c.client.Post(ctx, c.id, c.firm.P.Log.Keys().Log()))
	must[int](c.t)(in.Inbox(ctx, audit.Actor{Kind: audit.ActorPerson, Name: "courier"}, c.toAcme, ledger.Consent{}, c.client.Take))
}

// step takes one of the auditor's steps.
func (c *course) step(to engagement.State) {
	c.t.Helper()
	check(c.t, c.firm.Files.MoveState(c.t.Context(), manager, c.id, to, "", c.base("state:"+c.id)))
}

// design plans a test of a control's design; extra are criteria of another set, or
// objectives.
func (c *course) design(control string, criteria []string, extra ...string) string {
	c.t.Helper()
	id := "T-" + control + "-D"
	check(c.t, c.firm.Files.SetTest(c.t.Context(), manager, c.id, engagement.Test{ID: id, Control: control, Phase: engagement.Design, Kind: engagement.Inspection, Criteria: criteria, Extra: extra,
		Text: "Inspected the procedure and one instance of it.", Attributes: []engagement.Attribute{{Name: "A", Text: "It says who does what by when."}}}, "", 0))
	return id
}

// fieldwork asks for something, so that fieldwork can begin, and begins it.
func (c *course) fieldwork() {
	c.t.Helper()
	ctx := c.t.Context()
	rq := must[fieldwork.Request](c.t)(c.firm.Files.SetRequest(ctx, c.as(staff), c.id, engagement.Request{Kind: "document", Title: "Procedure for leavers", Asks: "The procedure as it was in force.", Tests: []string{}}, 0))
	check(c.t, c.firm.Files.ReleaseRequests(ctx, c.as(staff), c.id, rq.ID))
	c.step(engagement.Fieldwork)
	c.swap()
	check(c.t, c.client.Side.Answer(ctx, lead, c.id, engagement.Answer{Request: rq.ID, Status: engagement.RequestSubmitted, Text: "It is the policy on access."}, 1))
	c.swap()
	check(c.t, c.firm.Files.DecideRequest(ctx, c.as(staff), c.id, rq.ID, engagement.RequestAccepted, "", c.base("request:"+c.id+"/"+rq.ID)))
}

// paper performs a test without items and signs it off; evidence is what was
// looked at, if anything.
func (c *course) paper(test string, evidence ...int64) {
	c.t.Helper()
	ctx := c.t.Context()
	check(c.t, c.firm.Files.OpenPaper(ctx, c.as(staff), c.id, test, "", ""))
	check(c.t, c.firm.Files.Mark(ctx, c.as(staff), c.id, test, fieldwork.Cell{Attribute: "A"}, fieldwork.Verdict{Mark: engagement.NoException, Evidence: evidence}, 0))
	c.off(test)
}

func (c *course) off(test string) {
	c.t.Helper()
	digest := ""
	look := func() { c.read(func(_ *fieldwork.State, x *fieldwork.File) { digest = x.PaperDigest(test) }) }
	look()
	check(c.t, c.firm.Files.Prepare(c.t.Context(), c.as(staff), c.id, test, digest))
	look()
	check(c.t, c.firm.Files.Review(c.t.Context(), manager, c.id, test, digest))
}

// describe has Acme describe its system and finish it.
func (c *course) describe() {
	c.t.Helper()
	ctx := c.t.Context()
	var seen []int64
	for _, dc := range management.DCs(c.terms.Type) {
		check(c.t, c.client.Side.WriteSection(ctx, lead, c.id, engagement.DCSection{DC: dc, Paragraphs: []engagement.Paragraph{{Text: says(dc), Sources: []string{"boundary"}}}}, 0))
		seen = append(seen, 1)
	}
	var controls []string
	c.read(func(_ *fieldwork.State, x *fieldwork.File) { controls = x.ControlsInScope() })
	must[management.Version](c.t)(c.client.Side.FinishDescription(ctx, signer, c.id, controls, seen))
	c.swap()
}

// dcs tests the description.
func (c *course) dcs() {
	c.t.Helper()
	for _, dc := range c.terms.Type.DescriptionCriteria() {
		id := "T-" + strings.ReplaceAll(dc, " ", "-")
		if dc == "DC 9" && !c.terms.Type.OverPeriod() {
			continue
		}
		check(c.t, c.firm.Files.SetTest(c.t.Context(), manager, c.id, engagement.Test{ID: id, Control: strings.ReplaceAll(dc, " ", "-"), Phase: engagement.Design, Kind: engagement.Inspection,
			Text: "Compared the description with the records.", Criteria: []string{dc}, Attributes: []engagement.Attribute{{Name: "A", Text: "It is what the records show."}}}, "the description came", 0))
		c.paper(id, 1)
	}
}

// conclude concludes on everything in scope: conclusions of what is tested are
// given, of the rest nothing can be concluded.
func (c *course) conclude(given map[string]fieldwork.Concluding) {
	c.t.Helper()
	var left []string
	c.read(func(_ *fieldwork.State, x *fieldwork.File) { left = x.ToConclude() })
	for _, what := range left {
		x, ok := given[what]
		switch {
		case ok:
		case what == "dc:DC 9" && !c.terms.Type.OverPeriod():
			x = fieldwork.Concluding{Outcome: engagement.NotRelevant, Text: "As of a date there is no period in which anything changed."}
		case strings.HasPrefix(what, "dc:"):
			x = fieldwork.Concluding{Outcome: engagement.NoExceptions, Text: "Presented as it is."}
		case strings.HasPrefix(what, "control:"):
			x = fieldwork.Concluding{Outcome: engagement.UnableToConclude, Design: fieldwork.DesignUnproved, Text: "The control was not tested."}
		default:
			x = fieldwork.Concluding{Outcome: engagement.UnableToConclude, Text: "No control for it was tested."}
		}
		if err := c.firm.Files.Conclude(c.t.Context(), manager, c.id, what, x, c.base("conclusion:"+c.id+"/"+what)); err != nil {
			c.t.Fatalf("%s: %v", what, err)
		}
	}
}

// opine states a qualified opinion on every part.
func (c *course) opine() {
	c.t.Helper()
	for _, part := range c.terms.Type.Parts() {
		text, basis, digest := "Except for the effects of the matter described, it holds in all material respects.", "Most controls could not be tested.", ""
		c.read(func(s *fieldwork.State, x *fieldwork.File) {
			digest = s.OpinionDigest(x, part, engagement.Qualified, text, basis)
		})
		check(c.t, c.firm.Files.Opine(c.t.Context(), partner, c.id, part, engagement.Qualified, text, basis, c.sign(c.firm.P, partner, "Partner", "opinion", digest)))
	}
}

// closed is everything between the opinion and the report.
func (c *course) closed() {
	c.t.Helper()
	ctx := c.t.Context()
	must[engagement.Draft](c.t)(c.firm.GiveDraft(ctx, partner, c.id, c.on(), "2026-04-10"))
	c.swap()
	digest := ""
	c.read(func(_ *fieldwork.State, x *fieldwork.File) { digest = x.QualityDigest() })
	check(c.t, c.firm.Files.SignQuality(ctx, c.as(quality), c.id, digest, "Reviewed the judgments."))
	check(c.t, c.firm.Files.Inquire(ctx, manager, c.id, "Sam Ibe, and the incident log", "Nothing happened.", c.on()))
	own := examination.Keys{Store: c.client.P.Store}.Own(ctx)
	a := engagement.Assertion{By: "Acme", Text: "We described the system as it is.", Dated: c.on(), Decision: engagement.Decisions{Except: "Some controls were not yet shown to operate."}}
	described := slices.Contains(c.terms.Type.Parts(), engagement.PartDescription)
	a.Decision.Description, a.Decision.Design = described, described
	next := must[management.Stated](c.t)(c.client.Side.NextAssertion(ctx, c.id, "Acme"))
	a.Terms, a.Version = next.Terms, next.Version
	a.Signed = c.sign(c.client.P, signer, "Chief Executive Officer", "assertion", must[string](c.t)(a.ToSign()))
	check(c.t, c.client.Side.SignAssertion(ctx, signer, c.id, a, own))
	r := engagement.Representation{By: "Acme", Text: "We told you all there is.", Dated: c.on()}
	next = must[management.Stated](c.t)(c.client.Side.NextLetter(ctx, c.id, "Acme"))
	r.Terms, r.Version = next.Terms, next.Version
	r.Signed = c.sign(c.client.P, signer, "Chief Executive Officer", "letter of representation", must[string](c.t)(r.ToSign()))
	check(c.t, c.client.Side.SignRepresentation(ctx, signer, c.id, r, own))
	c.swap()
}

// issued issues the report and gives it to Acme.
func (c *course) issued() (attest.Report, []fieldwork.IssuedFile) {
	c.t.Helper()
	return c.issuedAs(c.issuing())
}

func (c *course) issuedAs(i examination.Issuing) (attest.Report, []fieldwork.IssuedFile) {
	c.t.Helper()
	ctx := c.t.Context()
	release := must[engagement.Release](c.t)(c.firm.IssueReport(ctx, partner, c.id, i))
	c.swap()
	var files []fieldwork.IssuedFile
	c.read(func(_ *fieldwork.State, x *fieldwork.File) { files = slices.Clone(x.Issues[len(x.Issues)-1].Digests) })
	return must[attest.Report](c.t)(c.firm.Value(ctx, release.Report)), files
}

func (c *course) issuing() examination.Issuing {
	return examination.Issuing{Dated: c.on(), Sign: func(what, digest string) (engagement.Signature, error) {
		return c.sign(c.firm.P, partner, "Partner", what, digest), nil
	}}
}

// courseOf is Acme and its auditor with one engagement agreed to.
func courseOf(t *testing.T, change func(*engagement.Terms)) *course {
	t.Helper()
	if testing.Short() {
		t.Skip("one goroutine, and long; it runs without -short")
	}
	w := newWorld(t)
	c := &course{world: w, id: "EN-1", terms: w.terms()}
	change(&c.terms)
	c.agreed()
	return c
}
