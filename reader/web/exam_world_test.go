package web

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/engagement/packet"
	"tieout/engagement/signature"
	"tieout/examination"
	"tieout/ledger"
	"tieout/period"
)

// An examWorld is a company's room with an engagement EN-1 that came from a firm
// with a room of its own; packets go between them in folders. Names are markup.
type examWorld struct {
	*world
	s            *Server
	lead, signer *visitor
	firm         *firmWorld
	toFirm, here string // folders
}

// The test, procedure and control that go all the way, and the passphrase of keys.
const (
	examTest, examProcedure, examControl = "T-IAM-02-1", "access.leavers.accounts", "IAM-02"
	examPhrase                           = "four words nobody guesses"
)

// newExamUninvited is a company whose period is tested, and a firm that accepted
// an engagement with it which the company knows nothing of. change makes the
// company's files others before they are read.
func newExamUninvited(t testing.TB, change ...func(*world)) *examWorld {
	t.Helper()
	if testing.Short() {
		t.Skip("signers' keys take minutes under the race detector, and one goroutine uses them; it runs without -short")
	}
	company := newWorld(t)
	for _, f := range change {
		f(company)
	}
	w := &examWorld{world: company.tested(), firm: newFirmWorld(t), toFirm: t.TempDir(), here: t.TempDir()}
	w.s = w.server()
	w.lead = w.visit(w.s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	w.signer = w.visit(w.s, "sam", access.Grant{Role: access.ManagementSigner, Scope: access.ScopeWorkspace})
	terms := firmTerms()
	terms.Client = engagement.Party{Name: "Acme " + evil, Origin: w.s.home.Log.Keys().Log(), Key: w.s.home.Log.Keys().Links()[0].Key.VKey()}
	terms.Firm, terms.Zone, terms.First, terms.Last = w.firm.s.firm.Party(), "UTC", "2026-03-01", "2026-03-31"
	terms.Milestones = []engagement.Milestone{{Day: "2026-04-20", Name: "Draft to management " + evil}}
	terms.Subservices = []engagement.Subservice{{Name: "Cloudhost " + evil, Service: "runs the servers", Expected: []engagement.Expected{{ID: "CSOC-1", Text: "Guards the halls.", Criteria: []string{"CC6.4"}}}}}
	_, err := w.firm.s.files.OpenEngagement(t.Context(), w.partner(), terms)
	gridCheck(t, err)
	w.firm.acceptOpened()
	return w
}

// newExamOffered is newExamUninvited with the firm invited and its terms here.
func newExamOffered(t testing.TB, change ...func(*world)) *examWorld {
	t.Helper()
	w := newExamUninvited(t, change...)
	gridCheck(t, w.s.exam.Side.InviteFirm(t.Context(), w.asLead(), "Sandgate "+evil, w.firm.s.firm.Party().Key, ""))
	w.exchange()
	return w
}

// newExamWorld is newExamOffered with the terms agreed to by the signer, and the
// engagement at observing.
func newExamWorld(t testing.TB, change ...func(*world)) *examWorld {
	t.Helper()
	w := newExamOffered(t, change...)
	digest := ""
	w.side(func(x *management.Side) { digest = x.Digest })
	gridCheck(t, w.s.exam.Side.Agree(t.Context(), w.asSigner(), "EN-1", digest, w.signed(w.signer, "Chief Executive Officer", "terms of EN-1", digest), w.verify()))
	for _, s := range []engagement.State{engagement.BoundaryDefined, engagement.Readiness, engagement.Observing} {
		gridCheck(t, w.s.exam.Side.MoveState(t.Context(), w.asLead(), "EN-1", s, ""))
	}
	w.exchange()
	return w
}

// as is a visitor as who acts in the company's book.
func (w *examWorld) as(v *visitor, role access.RoleID) access.Subject {
	return access.Subject{Workspace: access.Company, Kind: audit.ActorPerson, Account: v.account, Session: "S", Fresh: true, Grants: []access.Grant{{Role: role, Scope: access.ScopeWorkspace}}}
}

func (w *examWorld) asLead() access.Subject   { return w.as(w.lead, access.ComplianceLead) }
func (w *examWorld) asSigner() access.Subject { return w.as(w.signer, access.ManagementSigner) }
func (w *examWorld) partner() access.Subject  { return w.firm.by(w.firm.partner, access.Partner) }

// verify checks signatures of the company's own people.
func (w *examWorld) verify() management.Verify {
	return examination.Keys{Store: w.s.home.Store}.Own(w.t.Context())
}

// key has a visitor make a key to sign with, once.
func (w *examWorld) key(v *visitor) signature.Key {
	w.t.Helper()
	ring := signature.Folder{Dir: v.s.home.Dir + "/.tieout/keys"}
	if _, err := signature.KeyOf(w.t.Context(), ring, v.account); err != nil {
		if got := v.post("/account/signing", "passphrase", examPhrase, "again", examPhrase); got.Code != http.StatusSeeOther {
			w.t.Fatalf("make a key: %d\n%s", got.Code, got.Body)
		}
	}
	k, err := signature.KeyOf(w.t.Context(), ring, v.account)
	gridCheck(w.t, err)
	return k
}

// signed is a visitor's signature over a digest.
func (w *examWorld) signed(v *visitor, title, what, digest string) engagement.Signature {
	w.t.Helper()
	k := w.key(v)
	sig, err := signature.Sign(k.Wrapped, examPhrase, signature.Statement{Signer: v.account, Name: k.Name, Title: title, What: what, Digest: digest, At: w.at})
	gridCheck(w.t, err)
	return sig
}

// side looks at the company's side of EN-1.
func (w *examWorld) side(f func(*management.Side)) {
	w.t.Helper()
	gridCheck(w.t, w.s.exam.Side.Read(w.t.Context(), func(s *management.State) error {
		x, err := s.Side("EN-1")
		if err == nil {
			f(x)
		}
		return err
	}))
}

// firmBase is the revision of an object of the firm's book.
func (w *examWorld) firmBase(on string) (n int64) {
	w.t.Helper()
	gridCheck(w.t, w.firm.s.files.ReadFile(w.t.Context(), "EN-1", func(s *fieldwork.State, _ *fieldwork.File) error { n = s.Revision(on); return nil }))
	return n
}

// file looks at the firm's file of EN-1.
func (w *examWorld) file(f func(*fieldwork.State, *fieldwork.File)) {
	w.t.Helper()
	gridCheck(w.t, w.firm.s.files.ReadFile(w.t.Context(), "EN-1", func(s *fieldwork.State, x *fieldwork.File) error { f(s, x); return nil }))
}

// later moves the clocks of both sides; sessions may end by it.
func (w *examWorld) later(d time.Duration) {
	w.at, w.firm.at = w.at.Add(d), w.firm.at.Add(d)
}

// exchange carries whatever is ready, both ways, until nothing is left.
func (w *examWorld) exchange() {
	w.t.Helper()
	for range 3 {
		w.carry(w.firm.s.home, w.here, w.firm.s.firm.Flush, w.firm.s.firm.Post, w.s.exam.Post, w.s.exam.Take)
		w.carry(w.s.home, w.toFirm, w.s.exam.Flush, w.s.exam.Post, w.firm.s.firm.Post, w.firm.s.firm.Take)
	}
}

type examPoster func(ctx context.Context, id, other string) (*packet.Post, error)

func (w *examWorld) carry(from *period.Program, dir string, flush func(context.Context, string) error, ours, theirs examPoster, take func(context.Context, packet.Received) error) {
	w.t.Helper()
	ctx := w.t.Context()
	gridCheck(w.t, flush(ctx, "EN-1"))
	out, err := ours(ctx, "EN-1", "")
	gridCheck(w.t, err)
	_, err = out.Outbox(ctx, dir)
	gridCheck(w.t, err)
	in, err := theirs(ctx, "EN-1", from.Log.Keys().Log())
	gridCheck(w.t, err)
	_, err = in.Inbox(ctx, audit.Actor{Kind: audit.ActorPerson, Name: "courier"}, dir, ledger.Consent{}, take)
	gridCheck(w.t, err)
}

// asked has the firm plan a test of IAM-02, commit to a nonce and release two
// requests: RQ-1 for its population, RQ-2 for a document.
func (w *examWorld) asked() *examWorld {
	w.t.Helper()
	ctx, by, files := w.t.Context(), w.partner(), w.firm.s.files
	gridCheck(w.t, files.SetTest(ctx, by, "EN-1", engagement.Test{ID: examTest, Control: examControl, Phase: engagement.Operation, Kind: engagement.Inspection, Population: true,
		Text: "Inspected, for each leaver, the accounts that were left.", Criteria: []string{"CC6.2", "CC6.3"}, Attributes: []engagement.Attribute{{Name: "A", Text: "Access ended in time.", Procedure: examProcedure}}}, "", 0))
	gridCheck(w.t, files.SetReliance(ctx, by, "EN-1", examControl, engagement.ToolOutput, "completeness is tested on the list of people", 0))
	_, err := files.CommitNonce(ctx, by, "EN-1", examControl, "1", "")
	gridCheck(w.t, err)
	for _, r := range []engagement.Request{
		{Kind: "population", Title: "Leavers " + evil, Asks: "Everybody who left in March " + evil, Tests: []string{examTest}, Due: "2026-04-10"},
		{Kind: "document", Title: "Procedure for leavers " + evil, Asks: "The procedure as it is in force " + evil, Tests: []string{examTest}, Due: "2026-03-30"},
	} {
		rq, err := files.SetRequest(ctx, by, "EN-1", r, 0)
		gridCheck(w.t, err)
		gridCheck(w.t, files.ReleaseRequests(ctx, by, "EN-1", rq.ID))
	}
	gridCheck(w.t, files.MoveState(ctx, by, "EN-1", engagement.Fieldwork, "", w.firmBase("state:EN-1")))
	w.exchange()
	return w
}

// frozen is asked with the population P-1 of IAM-02 frozen, and at the firm.
func (w *examWorld) frozen() *examWorld {
	w.t.Helper()
	w.asked()
	ctx := w.t.Context()
	run, err := w.s.home.RunOfPeriod(ctx)
	gridCheck(w.t, err)
	p, err := w.s.home.Population(ctx, run, examProcedure, io.Discard)
	gridCheck(w.t, err)
	explain := map[string]string{}
	for _, c := range p.Checks {
		if c.Open() {
			explain[c.What] = "the export holds the whole month"
		}
	}
	_, err = w.s.exam.FreezeRun(ctx, w.asLead(), "EN-1", examProcedure, "1", explain, "")
	gridCheck(w.t, err)
	w.exchange()
	return w
}

// sampled is frozen with the population accepted, and the sample S-1 of all its
// items drawn, released and here.
func (w *examWorld) sampled() *examWorld {
	w.t.Helper()
	w.frozen()
	ctx, by, files := w.t.Context(), w.partner(), w.firm.s.files
	gridCheck(w.t, files.WriteComplete(ctx, by, "EN-1", "P-1", "Compared with the payroll of April, which lists nobody who left in March.", w.firmBase("population:EN-1/P-1")))
	gridCheck(w.t, files.AcceptPopulation(ctx, by, "EN-1", "P-1", w.firmBase("population:EN-1/P-1")))
	n := 0
	w.file(func(_ *fieldwork.State, x *fieldwork.File) { n = x.Populations["P-1"].Count })
	_, err := files.DrawSample(ctx, by, "EN-1", fieldwork.Order{Population: "P-1", Control: examControl, Method: engagement.Random, Size: n, Basis: "there are few"})
	gridCheck(w.t, err)
	gridCheck(w.t, files.ReleaseSample(ctx, by, "EN-1", "S-1", w.firmBase("sample:EN-1/S-1")))
	w.exchange()
	return w
}

// found is sampled with every item marked, and the exception X-1 released and here.
func (w *examWorld) found() *examWorld {
	w.t.Helper()
	w.sampled()
	ctx, by, files := w.t.Context(), w.partner(), w.firm.s.files
	gridCheck(w.t, files.OpenPaper(ctx, by, "EN-1", examTest, "S-1", ""))
	var rows []string
	w.file(func(_ *fieldwork.State, x *fieldwork.File) { rows = append(rows, x.Papers[examTest].Rows...) })
	gridCheck(w.t, files.OpenItem(ctx, by, "EN-1", examTest, rows...))
	for _, r := range rows {
		gridCheck(w.t, files.Mark(ctx, by, "EN-1", examTest, fieldwork.Cell{Item: r, Attribute: "A"}, fieldwork.Verdict{Mark: engagement.Exception, Note: "PLANTED-MARK", Evidence: []int64{1}}, 0))
	}
	id, err := files.SetFinding(ctx, by, "EN-1", "", fieldwork.FindingDraft{Test: examTest, Nature: "Access was not ended in time " + evil, Evaluation: "PLANTED-EVALUATION", Text: "An account was left for a leaver sampled " + evil,
		Cells: []fieldwork.FindingCell{{Item: rows[0], Attribute: "A"}}}, 0)
	gridCheck(w.t, err)
	_, err = files.ReleaseFinding(ctx, by, "EN-1", id, w.firmBase("finding:EN-1/"+id))
	gridCheck(w.t, err)
	w.exchange()
	return w
}

// TestExamWorld: every helper leads where it says.
func TestExamWorld(t *testing.T) {
	w := newExamWorld(t).found()
	w.side(func(x *management.Side) {
		if x.Agreed == nil || x.State != engagement.Fieldwork || len(x.Requests) != 2 || !x.Populations["P-1"].Accepted || len(x.Samples["S-1"].Items) == 0 || len(x.Findings) != 1 {
			t.Errorf("agreed %v, state %q, requests %d, populations %v, samples %v, findings %v", x.Agreed, x.State, len(x.Requests), x.Populations, x.Samples, x.Findings)
		}
	})
}
