package program_test

import (
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/blob"
	"tieout/evidence"
	"tieout/ledger"
	"tieout/program"
	"tieout/store/sqlite"
)

// A world is a workspace's log with people, and a clock that tests move.
type world struct {
	t    *testing.T
	seal *evidence.Sealer
	book *program.Book
	us   atomic.Int64
}

var start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func newWorld(t *testing.T) *world {
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
	w.book = program.Open(w.seal, w.now)
	return w
}

func newLog(t *testing.T, b evidence.Backend) *ledger.Log {
	t.Helper()
	skey, _, err := ledger.GenerateKey("example.com/test")
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

// again is another server on the same store.
func (w *world) again() *program.Book { return program.Open(w.seal, w.now) }

// as is a person with a role in the whole workspace.
func as(account string, roles ...access.RoleID) access.Subject {
	s := access.Subject{Workspace: access.Company, Kind: audit.ActorPerson, Account: account, Session: "S", Fresh: true}
	for _, r := range roles {
		scope := access.ScopeWorkspace
		if r == access.Employee {
			scope = access.ScopeOwn
		}
		s.Grants = append(s.Grants, access.Grant{Role: r, Scope: scope})
	}
	return s
}

// IDs of accounts.
const (
	leaID = "01900000-0000-7000-8000-000000000001"
	samID = "01900000-0000-7000-8000-000000000002"
	evaID = "01900000-0000-7000-8000-000000000003"
	boID  = "01900000-0000-7000-8000-000000000004"
)

var (
	lead   = as(leaID, access.ComplianceLead)
	signer = as(samID, access.ManagementSigner)
	reader = as("rob", access.Reader)
)

// must returns what a call gave, and ends the test where it gave an error.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
