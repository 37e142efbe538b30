package gatestest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/engagement/signature"
	"tieout/evidence"
	"tieout/ledger"
)

// A Client is a company's workspace without an engagement yet, and its people:
// accounts of the workspace with these roles.
type Client struct {
	T      testing.TB
	Side   *management.Book
	Seal   *evidence.Sealer
	Now    func() time.Time
	People map[string]string // accounts of Lead, Signer and Owner
	Keys   *Keys             // of the people; nil: the walk makes some

	first, last time.Time
	try         func(Case)
}

const firmOrigin = "brookline.example/tieout"

var packets = access.Subject{Workspace: access.Company, Kind: audit.ActorConnector, Account: "exchange"}

func (c *Client) who(role string) access.Subject {
	r := map[string]access.RoleID{Lead: access.ComplianceLead, Signer: access.ManagementSigner, Owner: access.Employee}[role]
	return as(access.Company, c.People[role], r)
}

func (c *Client) ok(err error) {
	c.T.Helper()
	check(c.T, err)
}

func (c *Client) refuses(name, act, by string, kind error, says string, a Args) {
	c.T.Helper()
	c.try(Case{Name: name, Act: act, By: by, Args: a, Kind: kind, Says: says, Do: func(ctx context.Context) error { return c.Do(ctx, act, by, a) }})
}

// verify is the check of a signature that package examination makes, but for who
// announced its key.
func verify(sig engagement.Signature, digest string) error {
	if sig.Digest != digest {
		return fmt.Errorf("%w: the signature is over something else", audit.ErrAltered)
	}
	return signature.Verify(sig, digest)
}

// Do does an act of management.Book, as who has that role.
func (c *Client) Do(ctx context.Context, act, role string, a Args) error {
	by, b := c.who(role), c.Side
	switch act {
	case "Agree":
		return b.Agree(ctx, by, ID, a.Digest, a.Signed, verify)
	case "MoveState":
		return b.MoveState(ctx, by, ID, a.State, a.Why)
	case "Answer":
		return b.Answer(ctx, by, ID, a.Answer, a.Base)
	case "FreezePopulation":
		_, err := b.FreezePopulation(ctx, by, ID, a.Frozen, "")
		return err
	case "Respond":
		return b.Respond(ctx, by, ID, a.Response, a.Base)
	case "FinishResponse":
		by.Eyes = func(string, string) string { return "" } // two accounts here are two people
		return b.FinishResponse(ctx, by, ID, a.Response.Finding, a.Base)
	case "WriteSection":
		return b.WriteSection(ctx, by, ID, a.Section, a.Base)
	case "FinishDescription":
		_, err := b.FinishDescription(ctx, by, ID, a.Controls, a.Seen)
		return err
	case "Comment":
		_, err := b.Comment(ctx, by, ID, a.What, a.Text)
		return err
	case "SignAssertion":
		return b.SignAssertion(ctx, by, ID, a.Assertion, verify)
	case "SignRepresentation":
		return b.SignRepresentation(ctx, by, ID, a.Representation, verify)
	case "SignBridge":
		_, err := b.SignBridge(ctx, by, ID, a.Bridge, verify)
		return err
	}
	return fmt.Errorf("%w: act %q", audit.ErrUsage, act)
}

func (c *Client) revision(on string) (n int64) {
	check(c.T, c.Side.Read(c.T.Context(), func(s *management.State) error { n = s.Revision(on); return nil }))
	return n
}

// sign signs as the person with a role.
func (c *Client) sign(role, what, digest string) engagement.Signature {
	c.T.Helper()
	name := map[string]string{Lead: "Lea Moss", Signer: "Sam Ibe"}[role]
	return c.Keys.Sign(c.T, c.Seal, c.Now(), c.People[role], name, "Chief Executive Officer", what, digest)
}

// WalkClient takes the client's side of a new engagement EN-1 from the firm's
// invitation to a bridge letter, and calls try with each act that is forbidden
// where it stands.
func WalkClient(c *Client, try func(Case)) {
	c.T.Helper()
	c.try = try
	if c.Keys == nil {
		c.Keys = &Keys{}
	}
	today := date(c.Now())
	c.first, c.last = today.AddDate(0, 0, -30), today.AddDate(0, 0, -1)
	for _, step := range []func(*Client){(*Client).agree, (*Client).bring, (*Client).describe, (*Client).assert, (*Client).released} {
		step(c)
	}
}

// agree: nothing before a signer agreed to the terms as they are.
func (c *Client) agree() {
	c.T.Helper()
	ctx := c.T.Context()
	_, key, err := ledger.GenerateKey(firmOrigin)
	c.ok(err)
	c.ok(c.Side.InviteFirm(ctx, c.who(Lead), "Brookline Assurance LLP", key, ""))
	terms := engagement.Terms{ID: ID, Type: engagement.SOC2TypeII, Client: engagement.Party{Name: "Halyard, Inc."}, Firm: engagement.Party{Name: "Brookline Assurance LLP", Origin: firmOrigin, Key: key},
		System: "Halyard Cloud", Zone: "UTC", First: day(c.first), Last: day(c.last), Subservices: []engagement.Subservice{{Name: "Nimbus Hosting", Inclusive: true}}}
	c.ok(c.Side.TakeTerms(ctx, packets, firmOrigin, engagement.TermsOffer{Terms: terms}))
	digest := must[string](c.T)(terms.Digest())
	c.refuses("no step before the terms are agreed to", "MoveState", Lead, audit.ErrConflict, "management has not agreed to the terms", Args{State: engagement.BoundaryDefined})
	c.refuses("no population is frozen before the terms are agreed to", "FreezePopulation", Lead, audit.ErrConflict, "management has not agreed to the terms", Args{Frozen: c.frozen("")})
	c.refuses("only a management signer agrees to the terms", "Agree", Lead, audit.ErrForbidden, "assertion", Args{Digest: digest, Signed: c.sign(Lead, "terms", digest)})
	c.refuses("nobody agrees with another's key", "Agree", Signer, audit.ErrForbidden, "a key of one's own", Args{Digest: digest, Signed: c.sign(Lead, "terms", digest)})
	old := strings.Repeat("ab", 32)
	c.refuses("nobody agrees to terms that have changed", "Agree", Signer, audit.ErrConflict, "the terms have changed since", Args{Digest: old, Signed: c.sign(Signer, "terms", old)})
	c.ok(c.Side.Agree(ctx, c.who(Signer), ID, digest, c.sign(Signer, "terms", digest), verify))
	c.refuses("management takes no step of the auditor's", "MoveState", Lead, audit.ErrConflict, "a step of the auditor's", Args{State: engagement.Fieldwork})
}

// frozen is a population; explained says why its count does not add up.
func (c *Client) frozen(explained string) engagement.Population {
	return engagement.Population{Controls: []string{Changes}, Round: "1", Title: "Changes to production", Defined: "Every change deployed", Source: []string{"deploy log"}, Query: "deployments", Zone: "UTC",
		Window: audit.Span{From: c.first, To: c.last.AddDate(0, 0, 1)}, Collected: c.Now(), Columns: []string{"state"}, Count: 0, Digest: strings.Repeat("ab", 32), Run: audit.Unsequenced,
		Checks: []engagement.Reconciled{{What: "count at source", Here: "6", There: "7", Explained: explained}}}
}

// bring: answers, populations and responses keep their order.
func (c *Client) bring() {
	c.T.Helper()
	ctx := c.T.Context()
	p := c.frozen("")
	c.refuses("no freeze while completeness is open", "FreezePopulation", Lead, audit.ErrInconclusive, "completeness is open", Args{Frozen: p})
	c.refuses("who may not take evidence out freezes nothing", "FreezePopulation", Owner, audit.ErrForbidden, "", Args{Frozen: p})
	r := engagement.Request{ID: "RQ-1", Kind: "document", Title: "Board minutes", Asks: "The minutes of each quarter."}
	c.ok(c.Side.TakeRequests(ctx, packets, ID, []engagement.RequestNews{{Request: r, Status: engagement.RequestOpen}}))
	on := "request:" + ID + "/RQ-1"
	empty := engagement.Answer{Request: "RQ-1", Status: engagement.RequestSubmitted}
	c.refuses("no answer that says and brings nothing", "Answer", Lead, audit.ErrInvalid, "says something or brings evidence", Args{Answer: empty, Base: c.revision(on)})
	c.ok(c.Side.TakeRequests(ctx, packets, ID, []engagement.RequestNews{{Request: r, Status: engagement.RequestWithdrawn, Why: "it came otherwise"}}))
	full := engagement.Answer{Request: "RQ-1", Status: engagement.RequestSubmitted, Text: "All four are attached."}
	c.refuses("no answer to a request that was withdrawn", "Answer", Lead, audit.ErrConflict, "is withdrawn", Args{Answer: full, Base: c.revision(on)})
	c.ok(c.Side.TakeFindings(ctx, packets, ID, []engagement.Finding{{ID: "X-1", Control: Changes, Text: "For 2 of 15 changes sampled, the author merged."}}))
	x := engagement.Response{Finding: "X-1", Agrees: true}
	on = "finding:" + ID + "/X-1"
	finish := func() Args { return Args{Response: engagement.Response{Finding: "X-1"}, Base: c.revision(on)} }
	c.refuses("no final response before one is drafted", "FinishResponse", Signer, audit.ErrConflict, "no response to X-1 is drafted", finish())
	c.ok(c.Side.Respond(ctx, c.who(Lead), ID, x, c.revision(on)))
	c.refuses("no final response without a cause and what was done", "FinishResponse", Signer, audit.ErrConflict, "what was done", finish())
	x.Cause, x.Done, x.Final = "The rule was off.", "It is on again since 1 May 2026.", true
	c.refuses("who answers for a control makes no response final", "Respond", Lead, audit.ErrInvalid, "a management signer who did not write it makes it final", Args{Response: x, Base: c.revision(on)})
	x.Final = false
	c.ok(c.Side.Respond(ctx, c.who(Lead), ID, x, c.revision(on)))
	c.refuses("a compliance lead makes no response final", "FinishResponse", Lead, audit.ErrForbidden, "make management's response to an exception final", finish())
	c.ok(c.Do(ctx, "FinishResponse", Signer, finish()))
	c.refuses("a response is made final once", "FinishResponse", Signer, audit.ErrConflict, "is final", finish())
	c.refuses("a final response stays", "Respond", Lead, audit.ErrConflict, "is final", Args{Response: x, Base: c.revision("finding:" + ID + "/X-1")})
	c.refuses("no comment before there is a draft", "Comment", Lead, audit.ErrConflict, "no draft", Args{What: "Section III", Text: "The region is wrong."})
}

// describe: management finishes a description that is written to its end.
func (c *Client) describe() {
	c.T.Helper()
	ctx := c.T.Context()
	seen := []int64{0, 0, 0, 0, 0, 0, 0, 0, 0}
	c.refuses("no final description with a criterion unwritten", "FinishDescription", Signer, audit.ErrConflict, "DC 1 has no text yet", Args{Controls: []string{Changes}, Seen: seen})
	c.refuses("no assertion before the description is finished", "SignAssertion", Signer, audit.ErrConflict, "the description, which is not finished", Args{Assertion: c.assertion(Signer)})
	for i, dc := range management.DCs(engagement.SOC2TypeII) {
		text := "Halyard keeps ledgers for its customers."
		switch dc {
		case "DC 8":
			text = "Nothing of the ledgers falls under " + strings.Join(engagement.Terms{}.Criteria(), ", ") + "."
		case "DC 9":
			text = "TBD"
		}
		c.ok(c.Side.WriteSection(ctx, c.who(Lead), ID, section(dc, text), 0))
		seen[i] = 1
	}
	c.refuses("no final description with a placeholder", "FinishDescription", Signer, audit.ErrConflict, "DC 9, paragraph 1 still holds", Args{Controls: []string{Changes}, Seen: seen})
	c.ok(c.Side.WriteSection(ctx, c.who(Lead), ID, section("DC 9", "Nothing changed."), 1))
	c.refuses("nobody finishes what changed since they read it", "FinishDescription", Signer, audit.ErrConflict, "DC 9 has changed since you read it", Args{Controls: []string{Changes}, Seen: seen})
	seen[8] = 2
	c.refuses("only a management signer finishes the description", "FinishDescription", Lead, audit.ErrForbidden, "", Args{Controls: []string{Changes}, Seen: seen})
	_, err := c.Side.FinishDescription(ctx, c.who(Signer), ID, []string{Changes}, seen)
	c.ok(err)
}

func section(dc, text string) engagement.DCSection {
	return engagement.DCSection{DC: dc, Paragraphs: []engagement.Paragraph{{Text: text, Sources: []string{"boundary"}}}}
}

// assertion is a good one, signed by who has a role.
func (c *Client) assertion(role string) engagement.Assertion {
	c.T.Helper()
	next := must[management.Stated](c.T)(c.Side.NextAssertion(c.T.Context(), ID, "Halyard, Inc."))
	a := engagement.Assertion{By: "Halyard, Inc.", Terms: next.Terms, Version: next.Version, Text: "We prepared the description.", Dated: day(c.Now()), Decision: engagement.Decisions{Description: true, Design: true, Operation: true}}
	a.Signed = c.sign(role, "assertion", must[string](c.T)(a.ToSign()))
	return a
}

func (c *Client) letter(role, text string) engagement.Representation {
	c.T.Helper()
	next := must[management.Stated](c.T)(c.Side.NextLetter(c.T.Context(), ID, "Halyard, Inc."))
	r := engagement.Representation{By: "Halyard, Inc.", Terms: next.Terms, Version: next.Version, Text: text, Dated: day(c.Now())}
	r.Signed = c.sign(role, "letter of representation", must[string](c.T)(r.ToSign()))
	return r
}

// assert: a management signer, in words that are written.
func (c *Client) assert() {
	c.T.Helper()
	ctx := c.T.Context()
	c.refuses("no assertion without a management signer", "SignAssertion", Lead, audit.ErrForbidden, "decide and sign management's assertion", Args{Assertion: c.assertion(Lead)})
	c.refuses("nobody signs an assertion with another's key", "SignAssertion", Signer, audit.ErrForbidden, "a key of one's own", Args{Assertion: c.assertion(Lead)})
	a := c.assertion(Signer)
	a.Text = "We prepared the description of TBD."
	a.Signed = c.sign(Signer, "assertion", must[string](c.T)(a.ToSign()))
	c.refuses("no placeholder in an assertion", "SignAssertion", Signer, audit.ErrConflict, "the assertion still holds", Args{Assertion: a})
	a = c.assertion(Signer)
	a.Decision.Operation = false
	a.Signed = c.sign(Signer, "assertion", must[string](c.T)(a.ToSign()))
	c.refuses("what is not asserted is said", "SignAssertion", Signer, audit.ErrInvalid, "what is not asserted is said", Args{Assertion: a})
	c.refuses("no letter of representation before the assertion", "SignRepresentation", Signer, audit.ErrConflict, "has not signed its assertion yet", Args{Representation: c.letter(Signer, "We told you all there is.")})
	c.ok(c.Side.SignAssertion(ctx, c.who(Signer), ID, c.assertion(Signer), verify))
	c.refuses("no letter of representation without a management signer", "SignRepresentation", Lead, audit.ErrForbidden, "sign the representation letter", Args{Representation: c.letter(Lead, "We told you all there is.")})
	c.refuses("no placeholder in a letter of representation", "SignRepresentation", Signer, audit.ErrConflict, "the letter still holds", Args{Representation: c.letter(Signer, "TBD")})
	c.refuses("no bridge letter before a report", "SignBridge", Signer, audit.ErrConflict, "there is no report yet", Args{Bridge: c.bridge(Signer, func(*management.BridgeData) {})})
	c.ok(c.Side.SignRepresentation(ctx, c.who(Signer), ID, c.letter(Signer, "We told you all there is."), verify))
	stranger := c.assertion(Signer)
	stranger.By = "Somebody else"
	stranger.Signed = c.sign(Signer, "assertion", must[string](c.T)(stranger.ToSign()))
	c.refuses("nobody asserts but management and who is included", "SignAssertion", Signer, audit.ErrInvalid, "asserts nothing here", Args{Assertion: stranger})
	same := c.assertion(Signer)
	same.By = "Nimbus Hosting"
	same.Signed = c.sign(Signer, "assertion", must[string](c.T)(same.ToSign()))
	c.refuses("one key does not assert for two organizations", "SignAssertion", Signer, audit.ErrForbidden, "the key signs for", Args{Assertion: same})
	bare := c.assertion(Signer)
	bare.Terms, bare.Version = "", 0
	bare.Signed = c.sign(Signer, "assertion", must[string](c.T)(bare.ToSign()))
	c.refuses("no assertion that names no terms", "SignAssertion", Signer, audit.ErrInvalid, "names the digest of the terms", Args{Assertion: bare})
	other := c.assertion(Signer)
	other.Terms = strings.Repeat("ab", 32)
	other.Signed = c.sign(Signer, "assertion", must[string](c.T)(other.ToSign()))
	c.refuses("no assertion under other terms than those in force", "SignAssertion", Signer, audit.ErrConflict, "names other terms than those in force", Args{Assertion: other})
	stale := c.letter(Signer, "We told you all there is.")
	stale.Version--
	stale.Signed = c.sign(Signer, "letter of representation", must[string](c.T)(stale.ToSign()))
	c.refuses("no letter of representation that is another's version", "SignRepresentation", Signer, audit.ErrConflict, "another was signed meanwhile", Args{Representation: stale})
	terms := c.assertion(Signer).Terms
	own := engagement.Assertion{By: "Nimbus Hosting", Terms: terms, Version: 1, Text: "We run the halls as described.", Dated: day(c.Now()), Decision: engagement.Decisions{Description: true, Design: true, Operation: true}}
	own.Signed = c.Keys.Sign(c.T, nil, c.Now(), "of Nimbus", "Nora Lind", "Director", "assertion", must[string](c.T)(own.ToSign()))
	letter := engagement.Representation{By: "Nimbus Hosting", Terms: terms, Version: 1, Text: "We told you all there is.", Dated: day(c.Now())}
	letter.Signed = c.Keys.Sign(c.T, nil, c.Now(), "of Nimbus", "Nora Lind", "Director", "letter of representation", must[string](c.T)(letter.ToSign()))
	c.ok(c.Side.SignAssertion(ctx, c.who(Signer), ID, own, verify))
	c.ok(c.Side.SignRepresentation(ctx, c.who(Signer), ID, letter, verify))
}

// bridge is a letter for the month after the period, changed and signed.
func (c *Client) bridge(role string, change func(*management.BridgeData)) management.BridgeData {
	c.T.Helper()
	d := management.BridgeData{Report: report, From: day(c.last.AddDate(0, 0, 1)), To: day(c.last.AddDate(0, 1, 0)), Text: "Nothing material changed but what is named here.", Next: day(c.last.AddDate(1, 0, 0)), Limit: management.MaxBridge,
		Disclosed: []management.Disclosure{{Ref: "incident:INC-4", Text: "A list went astray."}, {Ref: "opinion:operation", Text: "The opinion on operation is qualified."}}, Known: []string{"incident:INC-4"}}
	change(&d)
	d.Signed = c.sign(role, "bridge letter", must[string](c.T)(d.ToSign()))
	return d
}

var report = strings.Repeat("cd", 32)

// released: nothing is edited after issue, and a bridge letter hides nothing.
func (c *Client) released() {
	c.T.Helper()
	ctx := c.T.Context()
	c.ok(c.Side.TakeRelease(ctx, packets, ID, engagement.Release{Report: report, Dated: day(c.Now()), Signed: engagement.Signature{Value: "x"}}, 0,
		map[string]string{"description": "Unmodified", "design": "Unmodified", "operation": "Qualified"}))
	issued := "the report is issued"
	c.refuses("no edit after issue: the description", "WriteSection", Lead, audit.ErrConflict, issued, Args{Section: section("DC 1", "Otherwise."), Base: 1})
	c.refuses("no edit after issue: the assertion", "SignAssertion", Signer, audit.ErrConflict, issued, Args{Assertion: c.assertion(Signer)})
	c.refuses("no edit after issue: the letter of representation", "SignRepresentation", Signer, audit.ErrConflict, issued, Args{Representation: c.letter(Signer, "We told you all there is.")})
	for name, x := range map[string]struct {
		by, says string
		kind     error
		change   func(*management.BridgeData)
	}{
		"no bridge letter without a management signer":       {Lead, "sign a bridge letter", audit.ErrForbidden, func(*management.BridgeData) {}},
		"no bridge letter over more days than policy allows": {Signer, "policy allows at most", audit.ErrInvalid, func(d *management.BridgeData) { d.To = day(c.last.AddDate(0, 0, 93)) }},
		"no bridge letter that leaves a gap":                 {Signer, "the day after the report's period", audit.ErrInvalid, func(d *management.BridgeData) { d.From = d.To }},
		"no bridge letter that hides an incident":            {Signer, "does not disclose incident:INC-4", audit.ErrConflict, func(d *management.BridgeData) { d.Disclosed = d.Disclosed[1:] }},
		"no bridge letter that hides a modified opinion":     {Signer, "does not disclose opinion:operation", audit.ErrConflict, func(d *management.BridgeData) { d.Disclosed = d.Disclosed[:1] }},
		"no bridge letter that continues another report":     {Signer, "continues another report", audit.ErrConflict, func(d *management.BridgeData) { d.Report = strings.Repeat("ef", 32) }},
	} {
		c.refuses(name, "SignBridge", x.by, x.kind, x.says, Args{Bridge: c.bridge(x.by, x.change)})
	}
}
