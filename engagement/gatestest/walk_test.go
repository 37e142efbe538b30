package gatestest_test

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"tieout/blob"
	"tieout/engagement/fieldwork"
	"tieout/engagement/gatestest"
	"tieout/engagement/management"
	"tieout/evidence"
	"tieout/ledger"
	"tieout/store/sqlite"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A log is a workspace's with nothing in it, and a clock that tests move.
type log struct {
	seal *evidence.Sealer
	us   atomic.Int64
}

func (l *log) now() time.Time  { return time.UnixMicro(l.us.Load()).UTC() }
func (l *log) to(at time.Time) { l.us.Store(at.UnixMicro()) }

func newLog(t testing.TB, origin string) *log {
	t.Helper()
	dir := t.TempDir()
	st, err := sqlite.Open(t.Context(), filepath.Join(dir, "store.db"))
	check(t, err)
	t.Cleanup(func() { check(t, st.Close()) })
	check(t, os.Mkdir(filepath.Join(dir, "blobs"), 0o700))
	folder, err := blob.NewFolder(filepath.Join(dir, "blobs"))
	check(t, err)
	private, _, err := ledger.GenerateKey(origin)
	check(t, err)
	signer, err := ledger.ParseSigner(private)
	check(t, err)
	l, err := ledger.Open(t.Context(), evidence.Backend{Store: st}, signer, ledger.Options{Holder: "test", Anchor: ledger.FileAnchor{Path: filepath.Join(dir, "anchor")}})
	check(t, err)
	out := &log{}
	out.to(time.Date(2026, 4, 1, 6, 0, 0, 0, time.UTC))
	out.seal = &evidence.Sealer{Store: st, Blobs: blob.New(folder), Log: l, Now: out.now}
	return out
}

// TestBookRefuses: the firm's file refuses every forbidden order by itself,
// whatever stands in front of it.
func TestBookRefuses(t *testing.T) {
	l := newLog(t, "example.com/firm")
	f := &gatestest.Firm{T: t, Files: fieldwork.Open(l.seal, l.now), Seal: l.seal, Now: l.now, To: l.to, Tester: "01900000-0000-7000-8000-0000000000a4",
		People: map[string]string{fieldwork.DutyPartner: "01900000-0000-7000-8000-0000000000a1", fieldwork.DutyManager: "01900000-0000-7000-8000-0000000000a2",
			fieldwork.DutyStaff: "01900000-0000-7000-8000-0000000000a3", fieldwork.DutyQuality: "01900000-0000-7000-8000-0000000000a5"}}
	seen := map[string]bool{}
	gatestest.Walk(f, func(c gatestest.Case) {
		if seen[c.Name] {
			t.Errorf("%q is tried twice", c.Name)
		}
		seen[c.Name] = true
		c.Refused(t, c.Do(t.Context()))
	})
	if len(seen) < 50 {
		t.Errorf("%d forbidden orders tried; want 50 or more", len(seen))
	}
}

// TestSideRefuses: the client's side refuses every forbidden order by itself.
func TestSideRefuses(t *testing.T) {
	l := newLog(t, "example.com/client")
	c := &gatestest.Client{T: t, Side: management.Open(l.seal, l.now), Seal: l.seal, Now: l.now, People: map[string]string{gatestest.Lead: "01900000-0000-7000-8000-0000000000b1",
		gatestest.Signer: "01900000-0000-7000-8000-0000000000b2", gatestest.Owner: "01900000-0000-7000-8000-0000000000b3"}}
	seen := map[string]bool{}
	gatestest.WalkClient(c, func(x gatestest.Case) {
		seen[x.Name] = true
		x.Refused(t, x.Do(t.Context()))
	})
	if len(seen) < 30 {
		t.Errorf("%d forbidden orders tried; want 30 or more", len(seen))
	}
}
