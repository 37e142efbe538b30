package examination_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/definition"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
	"tieout/engagement/packet"
	"tieout/engagement/signature"
	"tieout/examination"
	"tieout/ledger"
	"tieout/period"
	"tieout/source/all"
)

// A world is Acme and its auditor, each with a workspace of its own, and the two
// folders in which packets are carried by hand between them.
type world struct {
	t      *testing.T
	now    time.Time
	client *examination.Client
	firm   *examination.Firm
	toFirm string // folder
	toAcme string
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		check(t, err)
		return v
	}
}

func (w *world) clock() time.Time {
	w.now = w.now.Add(time.Second)
	return w.now
}

func (w *world) options() period.Options {
	return period.Options{Drivers: all.Drivers, Now: w.clock, Getenv: func(string) string { return "" },
		Actor: audit.Actor{Kind: audit.ActorPerson, Name: "Maria Silva"}, Tieout: "test", Create: true}
}

// newWorld is Acme, tested over March 2026, and Brookline Assurance.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 4, 1, 6, 0, 0, 0, time.UTC), toFirm: t.TempDir(), toAcme: t.TempDir()}
	acme := filepath.Join(t.TempDir(), "acme")
	_, err := definition.Scaffold(acme, definition.Answers{Name: "Acme", First: "2026-03-01", Last: "2026-03-31", Zone: "UTC", Now: w.now})
	check(t, err)
	check(t, os.RemoveAll(filepath.Join(acme, "sources")))
	check(t, os.CopyFS(acme, os.DirFS("testdata/acme")))
	p := must[*period.Program](t)(period.Open(t.Context(), acme, w.options()))
	t.Cleanup(func() { check(t, p.Close()) })
	_, _, err = p.Apply(t.Context())
	check(t, err)
	w.client = must[*examination.Client](t)(examination.NewClient(p))

	firm := filepath.Join(t.TempDir(), "firm")
	_, err = definition.Scaffold(firm, definition.Answers{Firm: true, Name: "Brookline Assurance LLP", Zone: "UTC"})
	check(t, err)
	f := must[*period.Program](t)(period.Open(t.Context(), firm, w.options()))
	t.Cleanup(func() { check(t, f.Close()) })
	_, _, err = f.Apply(t.Context())
	check(t, err)
	w.firm = must[*examination.Firm](t)(examination.NewFirm(f))
	return w
}

// collect reads Acme's sources and tests the period.
func (w *world) collect() {
	w.t.Helper()
	must[[]period.Collected](w.t)(w.client.P.Collect(w.t.Context(), nil, func(period.Progress) {}))
	must[*period.Run](w.t)(w.client.P.Check(w.t.Context(), period.CheckOptions{AsOf: w.clock()}))
}

// exchange carries whatever is ready, both ways, until nothing is left.
func (w *world) exchange() {
	w.t.Helper()
	for range 4 {
		w.carry(w.firm.P, w.toAcme, w.firm.Flush, w.firm.Post, w.client.Post, w.client.Take)
		if w.known() {
			w.carry(w.client.P, w.toFirm, w.client.Flush, w.client.Post, w.firm.Post, w.firm.Take)
		}
	}
}

// known reports whether the terms have reached Acme.
func (w *world) known() (yes bool) {
	check(w.t, w.client.Side.Read(w.t.Context(), func(s *management.State) error { yes = s.Sides["EN-1"] != nil; return nil }))
	return yes
}

type poster func(ctx context.Context, id, other string) (*packet.Post, error)

// carry writes one side's packets into a folder and takes them on the other.
func (w *world) carry(from *period.Program, dir string, flush func(context.Context, string) error, ours, theirs poster, take func(context.Context, packet.Received) error) {
	w.t.Helper()
	ctx := w.t.Context()
	check(w.t, flush(ctx, "EN-1"))
	out := must[*packet.Post](w.t)(ours(ctx, "EN-1", ""))
	must[[]string](w.t)(out.Outbox(ctx, dir))
	in := must[*packet.Post](w.t)(theirs(ctx, "EN-1", from.Log.Keys().Log()))
	must[int](w.t)(in.Inbox(ctx, audit.Actor{Kind: audit.ActorPerson, Name: "courier"}, dir, ledger.Consent{}, take))
}

// IDs of accounts, and people by role.
const (
	leaID   = "01900000-0000-7000-8000-0000000000b1"
	samID   = "01900000-0000-7000-8000-0000000000b2"
	paulaID = "01900000-0000-7000-8000-0000000000a1"
	mikaID  = "01900000-0000-7000-8000-0000000000a2"
	stefID  = "01900000-0000-7000-8000-0000000000a3"
	quinnID = "01900000-0000-7000-8000-0000000000a5"
)

var (
	lead    = as(access.Company, leaID, access.ComplianceLead, access.ScopeWorkspace)
	signer  = as(access.Company, samID, access.ManagementSigner, access.ScopeWorkspace)
	partner = as(access.Firm, paulaID, access.Partner, access.ScopeWorkspace)
	manager = as(access.Firm, mikaID, access.Manager, access.ScopeWorkspace)
	staff   = as(access.Firm, stefID, access.Staff, access.ScopeEngagement)
	quality = as(access.Firm, quinnID, access.QualityReviewer, access.ScopeEngagement)
	names   = map[string]string{samID: "Sam Ibe", paulaID: "Paula Stone"}
)

func as(where access.Workspace, account string, role access.RoleID, scope access.Scope) access.Subject {
	g := access.Grant{Role: role, Scope: scope}
	if scope == access.ScopeEngagement {
		g.Object = "EN-1"
	}
	return access.Subject{Workspace: where, Kind: audit.ActorPerson, Account: account, Session: "S", Fresh: true, Grants: []access.Grant{g}}
}

const passphrase = "four words nobody guesses here"

// sign signs a digest with the person's own key, which is made and announced the
// first time.
func (w *world) sign(p *period.Program, by access.Subject, title, what, digest string) engagement.Signature {
	w.t.Helper()
	ctx := w.t.Context()
	ring := signature.Folder{Dir: filepath.Join(p.Dir, ".tieout", "keys")}
	key, err := signature.KeyOf(ctx, ring, by.Account)
	if err != nil {
		key = must[signature.Key](w.t)(signature.Make(ctx, ring, p.Seal, audit.Actor{Kind: audit.ActorPerson, Name: by.Account}, by.Account, names[by.Account], passphrase))
	}
	return must[engagement.Signature](w.t)(signature.Sign(key.Wrapped, passphrase, signature.Statement{Signer: by.Account, Name: names[by.Account], Title: title, What: what, Digest: digest, At: audit.Instant(w.clock())}))
}

// file looks at the firm's file of EN-1.
func (w *world) file(f func(*fieldwork.State, *fieldwork.File)) {
	w.t.Helper()
	check(w.t, w.firm.Files.ReadFile(w.t.Context(), "EN-1", func(s *fieldwork.State, x *fieldwork.File) error { f(s, x); return nil }))
}

// revision is the Base of the next change of an object of the firm's.
func (w *world) revision(on string) (n int64) {
	w.t.Helper()
	w.file(func(s *fieldwork.State, _ *fieldwork.File) { n = s.Revision(on) })
	return n
}

// side looks at Acme's side of EN-1.
func (w *world) side(f func(*management.State, *management.Side)) {
	w.t.Helper()
	check(w.t, w.client.Side.Read(w.t.Context(), func(s *management.State) error {
		x, err := s.Side("EN-1")
		if err == nil {
			f(s, x)
		}
		return err
	}))
}

func (w *world) terms() engagement.Terms {
	party := func(p *period.Program) engagement.Party {
		return engagement.Party{Name: p.Def.Organization.Name, Origin: p.Log.Keys().Log(), Key: p.Log.Keys().Links()[0].Key.VKey()}
	}
	return engagement.Terms{Type: engagement.SOC2TypeII, Client: party(w.client.P), Firm: w.firm.Party(), System: "Acme Cloud", Zone: "UTC", First: "2026-03-01", Last: "2026-03-31", Quality: true,
		Categories: []engagement.Choice{{Category: audit.Security, In: true}, {Category: audit.Availability, Why: "not promised"}, {Category: audit.ProcessingIntegrity, Why: "not promised"},
			{Category: audit.Confidentiality, Why: "not promised"}, {Category: audit.Privacy, Why: "no data of consumers"}}}
}

// begun is a world whose engagement is accepted, agreed to, and in fieldwork.
func begun(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	ctx := t.Context()
	got := must[engagement.Terms](t)(w.firm.Files.OpenEngagement(ctx, partner, w.terms()))
	for _, who := range []access.Subject{partner, manager, staff, quality} {
		check(t, w.firm.Files.Declare(ctx, who, "EN-1", true, ""))
	}
	for account, duty := range map[string]string{paulaID: fieldwork.DutyPartner, mikaID: fieldwork.DutyManager, stefID: fieldwork.DutyStaff, quinnID: fieldwork.DutyQuality} {
		check(t, w.firm.Files.Assign(ctx, partner, "EN-1", account, duty, engagement.Credential{Kind: engagement.CPA, State: "Massachusetts", Number: "24817"}))
	}
	letter, _, err := w.firm.P.Blobs.Put(ctx, strings.NewReader("We examine your system."))
	check(t, err)
	var answers []fieldwork.Checked
	for _, q := range fieldwork.Preconditions {
		answers = append(answers, fieldwork.Checked{Question: q, Answer: "Looked at; nothing against it."})
	}
	check(t, w.firm.Files.Accept(ctx, partner, "EN-1", answers, strings.TrimPrefix(letter, "sha256:")))

	key := w.firm.P.Log.Keys().Links()[0].Key.VKey()
	check(t, w.client.Side.InviteFirm(ctx, lead, "Brookline Assurance LLP", key, ""))
	w.collect()
	w.exchange()
	digest := must[string](t)(got.Digest())
	sig := w.sign(w.client.P, signer, "Chief Executive Officer", "terms of EN-1", digest)
	check(t, w.client.Side.Agree(ctx, signer, "EN-1", digest, sig, examination.Keys{Store: w.client.P.Store}.Own(ctx)))
	for _, s := range []engagement.State{engagement.BoundaryDefined, engagement.Readiness, engagement.Observing} {
		check(t, w.client.Side.MoveState(ctx, lead, "EN-1", s, ""))
	}
	w.exchange()
	return w
}

func (w *world) String() string { return fmt.Sprint("at ", w.now) }
