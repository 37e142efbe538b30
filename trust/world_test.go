package trust_test

import (
	"path/filepath"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/blob"
	"tieout/evidence"
	"tieout/ledger"
	"tieout/store/sqlite"
	"tieout/trust"
)

// A world is one company's log with a clock that tests move.
type world struct {
	t    *testing.T
	now  time.Time
	seal *evidence.Sealer
	book *trust.Book
}

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

const leaID = "01900000-0000-7000-8000-0000000000b1"

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w, dir := &world{t: t, now: start}, t.TempDir()
	skey, _, err := ledger.GenerateKey("example.com/test")
	check(t, err)
	key := filepath.Join(dir, "log.key")
	check(t, ledger.SaveKey(key, skey))
	st, err := sqlite.Open(t.Context(), filepath.Join(dir, "store.db"))
	check(t, err)
	t.Cleanup(func() { check(t, st.Close()) })
	folder, err := blob.NewFolder(filepath.Join(dir, "blobs"))
	check(t, err)
	signer, err := ledger.LoadSigner(key)
	check(t, err)
	log, err := ledger.Open(t.Context(), evidence.Backend{Store: st}, signer, ledger.Options{Holder: "one", Anchor: ledger.FileAnchor{Path: filepath.Join(dir, "anchor")}})
	check(t, err)
	w.seal = &evidence.Sealer{Store: st, Blobs: blob.New(folder), Log: log, Now: w.clock}
	w.book = trust.Open(w.seal, w.clock)
	return w
}

func (w *world) clock() time.Time { return w.now }

// as is a person with a role.
func as(role access.RoleID) access.Subject {
	return access.Subject{Workspace: access.Company, Kind: audit.ActorPerson, Account: leaID, Session: "S", Grants: []access.Grant{{Role: role, Scope: access.ScopeWorkspace}}}
}

var (
	lead  = as(access.ComplianceLead)
	value = trust.DigestOf("a report") // digest of the report in these tests
	terms = "# Terms of access\n\nYou show the report to nobody else and use it for the reason you gave."
)

// published is a world in which the report of EN-1 is published and terms are set.
func published(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	check(t, w.book.Publish(t.Context(), lead, "EN-1", value))
	_, err := w.book.SetTerms(t.Context(), lead, terms, 0)
	check(t, err)
	return w
}

func asking(change ...func(*trust.Ask)) trust.Ask {
	a := trust.Ask{Engagement: "EN-1", Report: value, Name: "Ana Lima", Organization: "Meridian", Mail: "ana@meridian.example", Class: trust.Prospect, Reason: "We choose a ledger this quarter."}
	for _, f := range change {
		f(&a)
	}
	return a
}

func (w *world) giving(change ...func(*trust.Giving)) trust.Giving {
	g := trust.Giving{Engagement: "EN-1", Report: value, Type: "soc2-type2", Name: "Ana Lima", Organization: "Meridian", Mail: "ana@meridian.example", Class: trust.Prospect, Basis: trust.ByTerms, Expires: w.now.AddDate(0, 0, 30)}
	for _, f := range change {
		f(&g)
	}
	return g
}

// given gives access and returns the grant's number with its secret.
func (w *world) given(change ...func(*trust.Giving)) (id, secret string) {
	w.t.Helper()
	id, secret, err := w.book.Give(w.t.Context(), lead, w.giving(change...))
	check(w.t, err)
	return id, secret
}

func (w *world) grant(id string) trust.Grant {
	w.t.Helper()
	g, _, err := w.book.Grant(w.t.Context(), id)
	check(w.t, err)
	return g
}
