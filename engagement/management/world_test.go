package management_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/blob"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/evidence"
	"tieout/ledger"
	"tieout/store/sqlite"
)

// A world is a client's log with its people, and a clock that tests move.
type world struct {
	t    testing.TB
	seal *evidence.Sealer
	book *management.Book
	us   atomic.Int64
	firm string // verifier key of the firm's log
}

var start = time.Date(2027, 1, 4, 9, 0, 0, 0, time.UTC)

const firmOrigin = "brookline.example/tieout"

func newWorld(t testing.TB) *world {
	t.Helper()
	st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	check(t, err)
	t.Cleanup(func() { check(t, st.Close()) })
	folder, err := blob.NewFolder(t.TempDir())
	check(t, err)
	skey, _, err := ledger.GenerateKey("halyard.example/tieout")
	check(t, err)
	signer, err := ledger.ParseSigner(skey)
	check(t, err)
	log, err := ledger.Open(t.Context(), evidence.Backend{Store: st}, signer, ledger.Options{Holder: "test", Anchor: ledger.FileAnchor{Path: filepath.Join(t.TempDir(), "anchor")}})
	check(t, err)
	w := &world{t: t}
	w.us.Store(start.UnixMicro())
	_, w.firm, err = ledger.GenerateKey(firmOrigin)
	check(t, err)
	w.seal = &evidence.Sealer{Store: st, Blobs: blob.New(folder), Log: log, Now: w.now}
	w.book = management.Open(w.seal, w.now)
	return w
}

func (w *world) now() time.Time       { return time.UnixMicro(w.us.Load()).UTC() }
func (w *world) pass(d time.Duration) { w.us.Add(d.Microseconds()) }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// IDs of accounts of the company.
const (
	leaID = "01900000-0000-7000-8000-0000000000b1"
	samID = "01900000-0000-7000-8000-0000000000b2"
	oweID = "01900000-0000-7000-8000-0000000000b3"
)

var (
	lead     = as(leaID, access.ComplianceLead)
	signer   = as(samID, access.ManagementSigner)
	owner    = as(oweID, access.Employee)
	receiver = access.Subject{Workspace: access.Company, Kind: audit.ActorConnector, Account: "exchange"}
)

func as(account string, role access.RoleID) access.Subject {
	g := access.Grant{Role: role, Scope: access.ScopeWorkspace}
	if role == access.Employee {
		g.Scope = access.ScopeOwn
	}
	return access.Subject{Workspace: access.Company, Kind: audit.ActorPerson, Account: account, Session: "S", Fresh: true, Grants: []access.Grant{g}}
}

// terms are good terms of Halyard's year 2026.
func (w *world) terms(kind engagement.Type) engagement.Terms {
	t := engagement.Terms{ID: "EN-1", Type: kind, Client: engagement.Party{Name: "Halyard, Inc."}, System: "Halyard Cloud", Zone: "America/New_York",
		Firm: engagement.Party{Name: "Brookline Assurance LLP", Origin: firmOrigin, Key: w.firm}}
	if kind.OverPeriod() {
		t.First, t.Last = "2026-01-01", "2026-12-31"
	} else {
		t.AsOf = "2026-12-31"
	}
	return t
}

// verify is the check of a signature, which package signature does: here one is
// good whose line names the digest.
func verify(s engagement.Signature, digest string) error {
	if s.Digest != digest || s.Value != "signed "+digest {
		return fmt.Errorf("%w: the signature does not hold", audit.ErrAltered)
	}
	return nil
}

func sign(by access.Subject, digest string) engagement.Signature {
	return engagement.Signature{Signer: by.Account, Name: "Sam Ibe", Title: "Chief Executive Officer", Digest: digest, At: start, Value: "signed " + digest}
}

var someDigest = strings.Repeat("ab", 32)

// agreed is a world with an engagement whose terms management agreed to.
func agreed(t testing.TB, kind engagement.Type) *world {
	t.Helper()
	w := newWorld(t)
	check(t, w.book.InviteFirm(t.Context(), lead, "Brookline Assurance LLP", w.firm, ""))
	terms := w.terms(kind)
	check(t, w.book.TakeTerms(t.Context(), receiver, firmOrigin, engagement.TermsOffer{Terms: terms}))
	digest, err := terms.Digest()
	check(t, err)
	check(t, w.book.Agree(t.Context(), signer, "EN-1", digest, sign(signer, digest), verify))
	return w
}

// described is agreed with a finished description.
func described(t testing.TB, kind engagement.Type) *world {
	t.Helper()
	w := agreed(t, kind)
	var seen []int64
	for _, dc := range management.DCs(kind) {
		check(t, w.book.WriteSection(t.Context(), lead, "EN-1", engagement.DCSection{DC: dc, Paragraphs: []engagement.Paragraph{{Text: "Halyard keeps ledgers for its customers.", Sources: []string{"boundary"}}}}, 0))
		seen = append(seen, 1)
	}
	_, err := w.book.FinishDescription(t.Context(), signer, "EN-1", []string{"IAM-06"}, seen)
	check(t, err)
	return w
}

// asserted is described with assertion and letter of representation.
func asserted(t testing.TB) *world {
	t.Helper()
	w := described(t, engagement.SOC2TypeII)
	check(t, w.book.SignAssertion(t.Context(), signer, "EN-1", w.assertion(), verify))
	check(t, w.book.SignRepresentation(t.Context(), signer, "EN-1", w.letter("We confirm what we said."), verify))
	return w
}

// assertion is a good one as it would be signed next.
func (w *world) assertion() engagement.Assertion {
	next, err := w.book.NextAssertion(context.Background(), "EN-1", "Halyard, Inc.")
	if err != nil {
		panic(err)
	}
	a := engagement.Assertion{By: "Halyard, Inc.", Terms: next.Terms, Version: next.Version, Text: "We prepared the description.", Dated: "2027-01-04",
		Decision: engagement.Decisions{Description: true, Design: true, Operation: true}}
	return signedAs(a, signer)
}

// signedAs is an assertion signed as it is.
func signedAs(a engagement.Assertion, by access.Subject) engagement.Assertion {
	digest, err := a.ToSign()
	if err != nil {
		panic(err)
	}
	a.Signed = sign(by, digest)
	return a
}

func (w *world) letter(text string) engagement.Representation {
	next, err := w.book.NextLetter(context.Background(), "EN-1", "Halyard, Inc.")
	if err != nil {
		panic(err)
	}
	r := engagement.Representation{By: "Halyard, Inc.", Terms: next.Terms, Version: next.Version, Text: text, Dated: "2027-01-04"}
	digest, err := r.ToSign()
	if err != nil {
		panic(err)
	}
	r.Signed = sign(signer, digest)
	return r
}

// issued is asserted with the report the firm issued, qualified on operation.
func issued(t testing.TB) *world {
	t.Helper()
	w := asserted(t)
	check(t, w.book.TakeRelease(t.Context(), receiver, "EN-1", engagement.Release{Report: someDigest, Dated: "2027-02-26", Signed: engagement.Signature{Value: "x"}}, 0,
		map[string]string{"description": "Unmodified", "design": "Unmodified", "operation": "Qualified"}))
	return w
}

// side reads the engagement.
func (w *world) side(f func(*management.Side)) {
	w.t.Helper()
	check(w.t, w.book.Read(w.t.Context(), func(s *management.State) error {
		x, err := s.Side("EN-1")
		if err == nil {
			f(x)
		}
		return err
	}))
}

// refused says that an act was refused for a reason of a kind, in these words.
func refused(t *testing.T, err, kind error, words string) {
	t.Helper()
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), words) {
		t.Errorf("got %v; want %v: ...%s...", err, kind, words)
	}
}
