package fieldwork_test

import (
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/blob"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/evidence"
	"tieout/ledger"
	"tieout/store/sqlite"
)

// A world is a firm's log with its people, and a clock that tests move.
type world struct {
	t    testing.TB
	seal *evidence.Sealer
	book *fieldwork.Book
	us   atomic.Int64
}

// start is within the period of the terms that opened uses.
var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func newWorld(t testing.TB) *world {
	t.Helper()
	st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	folder, err := blob.NewFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t}
	w.us.Store(start.UnixMicro())
	w.seal = &evidence.Sealer{Store: st, Blobs: blob.New(folder), Log: newLog(t, evidence.Backend{Store: st}), Now: w.now}
	w.book = fieldwork.Open(w.seal, w.now)
	return w
}

func newLog(t testing.TB, b evidence.Backend) *ledger.Log {
	t.Helper()
	skey, _, err := ledger.GenerateKey("example.com/firm")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "log.key")
	if err := ledger.SaveKey(path, skey); err != nil {
		t.Fatal(err)
	}
	signer, err := ledger.LoadSigner(path)
	if err != nil {
		t.Fatal(err)
	}
	log, err := ledger.Open(t.Context(), b, signer, ledger.Options{Holder: "test", Anchor: ledger.FileAnchor{Path: filepath.Join(t.TempDir(), "anchor")}})
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func (w *world) now() time.Time { return time.UnixMicro(w.us.Load()).UTC() }

func (w *world) pass(d time.Duration) { w.us.Add(d.Microseconds()) }

// to moves the clock to noon of a day.
func (w *world) to(day string) {
	w.t.Helper()
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		w.t.Fatal(err)
	}
	w.us.Store(t.Add(12 * time.Hour).UnixMicro())
}

// again is another server on the same store.
func (w *world) again() *fieldwork.Book { return fieldwork.Open(w.seal, w.now) }

// IDs of accounts of the firm.
const (
	paulaID = "01900000-0000-7000-8000-0000000000a1"
	mikaID  = "01900000-0000-7000-8000-0000000000a2"
	stefID  = "01900000-0000-7000-8000-0000000000a3"
	tessID  = "01900000-0000-7000-8000-0000000000a4"
	quinnID = "01900000-0000-7000-8000-0000000000a5"
	otherID = "01900000-0000-7000-8000-0000000000a6"
)

// People of the firm, by role; receiver is its server, which takes packets in.
var (
	partner  = as(paulaID, access.Partner)
	manager  = as(mikaID, access.Manager)
	staff    = as(stefID, access.Staff)
	tester   = as(tessID, access.Staff) // a second one
	quality  = as(quinnID, access.QualityReviewer)
	stranger = as(otherID, access.Staff) // of another engagement
	receiver = access.Subject{Workspace: access.Firm, Kind: audit.ActorConnector, Account: "exchange"}
)

// as is a person with a role: partners and managers in the whole workspace, the
// others in engagement EN-1; who is otherID in EN-9.
func as(account string, role access.RoleID) access.Subject {
	g := access.Grant{Role: role, Scope: access.ScopeWorkspace}
	if role != access.Partner && role != access.Manager {
		g = access.Grant{Role: role, Scope: access.ScopeEngagement, Object: "EN-1"}
	}
	if account == otherID {
		g.Object = "EN-9"
	}
	return access.Subject{Workspace: access.Firm, Kind: audit.ActorPerson, Account: account, Session: "S", Fresh: true, Grants: []access.Grant{g}}
}

// must returns what a call gave, and ends the test where it gave an error.
func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// terms are good terms of a type: Halyard's year 2026.
func terms(kind engagement.Type) engagement.Terms {
	t := engagement.Terms{Type: kind, Client: engagement.Party{Name: "Halyard, Inc."}, Firm: engagement.Party{Name: "Sandgate LLP", City: "Boston", State: "MA"},
		System: "Halyard Cloud", Zone: "America/New_York"}
	if kind.OverPeriod() {
		t.First, t.Last = "2026-01-01", "2026-12-31"
	} else {
		t.AsOf = "2026-06-30"
	}
	if kind.OfObjectives() {
		t.Objectives = []engagement.Objective{{ID: "1", Text: "Controls give reasonable assurance that access is limited to those who need it.", Controls: []string{"IAM-06"}}}
		return t
	}
	t.Categories = []engagement.Choice{{Category: audit.Security, In: true}, {Category: audit.Availability, In: true, Why: "availability is promised"},
		{Category: audit.ProcessingIntegrity, Why: "no commitment on processing"}, {Category: audit.Confidentiality, Why: "no commitment beyond security"}, {Category: audit.Privacy, Why: "no personal data of consumers"}}
	return t
}

func letter() string { return strings.Repeat("ab", 32) }

func checks() []fieldwork.Checked {
	var out []fieldwork.Checked
	for _, q := range fieldwork.Preconditions {
		out = append(out, fieldwork.Checked{Question: q, Answer: "Looked at on 2 March; nothing against it."})
	}
	return out
}

// begun is a world whose engagement EN-1 is open, and nothing more.
func begun(t testing.TB, kind engagement.Type) *world {
	t.Helper()
	w := newWorld(t)
	if got := must[engagement.Terms](t)(w.book.OpenEngagement(t.Context(), partner, terms(kind))); got.ID != "EN-1" {
		t.Fatalf("the first engagement is %s; want EN-1", got.ID)
	}
	return w
}

// opened is a world whose engagement EN-1, a SOC 2 Type II, is accepted: the
// partner, the manager, two of staff and the quality reviewer declared to be
// independent and have their duties.
func opened(t testing.TB) *world { return openedAs(t, engagement.SOC2TypeII) }

func openedAs(t testing.TB, kind engagement.Type) *world {
	t.Helper()
	w := begun(t, kind)
	for _, who := range []access.Subject{partner, manager, staff, tester, quality} {
		check(t, w.book.Declare(t.Context(), who, "EN-1", true, ""))
	}
	for account, duty := range map[string]string{paulaID: fieldwork.DutyPartner, mikaID: fieldwork.DutyManager, stefID: fieldwork.DutyStaff, tessID: fieldwork.DutyStaff, quinnID: fieldwork.DutyQuality} {
		check(t, w.book.Assign(t.Context(), partner, "EN-1", account, duty))
	}
	check(t, w.book.Accept(t.Context(), partner, "EN-1", checks(), letter()))
	return w
}

// file looks at the file of EN-1.
func (w *world) file(f func(*fieldwork.State, *fieldwork.File)) {
	w.t.Helper()
	check(w.t, w.book.ReadFile(w.t.Context(), "EN-1", func(s *fieldwork.State, file *fieldwork.File) error { f(s, file); return nil }))
}
