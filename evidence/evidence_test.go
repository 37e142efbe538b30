package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/audit"
	"tieout/blob"
	"tieout/ledger"
	"tieout/store"
	"tieout/store/sqlite"
)

// A bench is a sealer with a clock that stands still until it is moved.
type bench struct {
	*Sealer
	mu  sync.Mutex
	now time.Time
	dir string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{dir: t.TempDir(), now: time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)}
	skey, _, err := ledger.GenerateKey("test/log")
	must(t, err)
	must(t, ledger.SaveKey(filepath.Join(b.dir, "key"), skey))
	b.reopen(t)
	return b
}

// reopen opens everything as a new process would.
func (b *bench) reopen(t *testing.T) {
	t.Helper()
	if b.Sealer != nil {
		must(t, b.Store.Close())
	}
	signer, err := ledger.LoadSigner(filepath.Join(b.dir, "key"))
	must(t, err)
	st, err := sqlite.Open(t.Context(), filepath.Join(b.dir, "store.db"))
	must(t, err)
	t.Cleanup(func() { st.Close() })
	folder, err := blob.NewFolder(filepath.Join(b.dir, "blobs"))
	must(t, err)
	log, err := ledger.Open(t.Context(), Backend{st}, signer, ledger.Options{Holder: "test", Anchor: ledger.FileAnchor{Path: filepath.Join(b.dir, "anchor")}})
	must(t, err)
	b.Sealer = &Sealer{Store: st, Blobs: blob.New(folder), Log: log, Now: b.clock}
}

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) move(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func document(body string) Draft {
	return Draft{Kind: audit.RecordDocument, Media: "text/plain", Body: []byte(body), Actor: audit.Actor{Kind: audit.ActorPerson, Name: "ana"}}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestSealed: what comes back is numbered, committed to and in the log, and its
// bytes are where their size says.
func TestSealed(t *testing.T) {
	b := newBench(t)
	bodies := map[string]bool{"": false, "small": false, strings.Repeat("x", InlineMax): false, strings.Repeat("x", InlineMax+1): true}
	for body, inBlob := range bodies {
		recs, err := b.Seal(t.Context(), document(body))
		must(t, err)
		rec := recs[0]
		got, err := b.Body(t.Context(), rec)
		if err != nil || string(got) != body {
			t.Errorf("%d bytes come back as %d: %v", len(body), len(got), err)
		}
		if has, err := b.Blobs.Has(t.Context(), rec.Digest); err != nil || has != inBlob {
			t.Errorf("%d bytes in a blob: %v, %v; want %v", len(body), has, err, inBlob)
		}
		if !rec.Collected.Equal(b.now) || rec.About != audit.At(b.now) || !rec.Recorded.Equal(b.now) {
			t.Errorf("dates %s, %v, %s; want the moment of sealing", rec.Collected, rec.About, rec.Recorded)
		}
		canonical, salt, _, err := b.Store.Canonical(t.Context(), rec.Index)
		must(t, err)
		leaves, err := b.Store.LeafRange(t.Context(), rec.Index, rec.Index+1)
		must(t, err)
		if ledger.Commit(salt, canonical) != leaves[0] {
			t.Errorf("%s: the log's entry is not the record's commitment", rec.Ref())
		}
	}
	if size := b.Log.Checkpoint().Size; size != int64(len(bodies)) {
		t.Errorf("the log has %d entries, want %d", size, len(bodies))
	}
}

// TestSealRefuses: nothing of a batch is kept where one draft cannot be.
func TestSealRefuses(t *testing.T) {
	b := newBench(t)
	bad := map[string]Draft{
		"a NUL in a name":            {Kind: audit.RecordPage, Source: "a\x00b", Body: []byte("x")},
		"a detail without JSON form": {Kind: audit.RecordPage, Detail: func() {}},
	}
	for name, d := range bad {
		if recs, err := b.Seal(t.Context(), document("good"), d); err == nil {
			t.Errorf("%s: sealed as %v", name, recs)
		}
	}
	b.reopen(t)
	must(t, b.Number(t.Context()))
	if size := b.Log.Checkpoint().Size; size != 0 {
		t.Errorf("%d records are in the log, want none", size)
	}
	if recs, err := b.Seal(t.Context()); err != nil || recs != nil {
		t.Errorf("sealing nothing: %v, %v", recs, err)
	}
}

// TestSealAtOnce: many at once get every index once, each its own record.
func TestSealAtOnce(t *testing.T) {
	b := newBench(t)
	const n = 20
	got := make([][]audit.Record, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			recs, err := b.Seal(t.Context(), document(fmt.Sprint(i, "a")), document(fmt.Sprint(i, "b")))
			if err != nil {
				t.Error(err)
			}
			got[i] = recs
		})
	}
	wg.Wait()
	var indexes []int64
	for i, recs := range got {
		for j, rec := range recs {
			body, err := b.Body(t.Context(), rec)
			if want := fmt.Sprint(i, string(rune('a'+j))); err != nil || string(body) != want {
				t.Errorf("%s holds %q, want %q: %v", rec.Ref(), body, want, err)
			}
			indexes = append(indexes, rec.Index)
		}
		if len(recs) == 2 && recs[0].Index >= recs[1].Index {
			t.Errorf("drafts of one call are sealed out of order: %d, %d", recs[0].Index, recs[1].Index)
		}
	}
	slices.Sort(indexes)
	for i, x := range indexes {
		if x != int64(i) {
			t.Fatalf("indexes %v have a gap or a repetition", indexes)
		}
	}
}

// TestClock: going back is sealed, also across a restart and where the first
// attempt fails; small steps are not.
func TestClock(t *testing.T) {
	b := newBench(t)
	seal := func(ctx context.Context) error {
		_, err := b.Seal(ctx, document("x"))
		return err
	}
	jumps := func() (n int) {
		must(t, b.Store.Records(t.Context(), store.RecordFilter{Kind: audit.RecordClock}, func(audit.Record) error { n++; return nil }))
		return n
	}
	must(t, seal(t.Context()))
	for _, step := range []struct {
		name    string
		by      time.Duration
		restart bool
		fails   bool
		want    int
	}{
		{name: "forward", by: time.Hour},
		{name: "back by less than the tolerance", by: -time.Second},
		{name: "back by an hour", by: -time.Hour, want: 1},
		{name: "forward again", by: time.Minute, want: 1},
		{name: "back by an hour while nothing ran", by: -time.Hour, restart: true, want: 2},
		{name: "back, and sealing fails", by: -time.Hour, fails: true, want: 2},
		{name: "the same moment, and sealing works", want: 3},
		{name: "the same moment", want: 3},
	} {
		b.move(step.by)
		if step.restart {
			b.reopen(t)
		}
		if step.fails {
			kept := b.Blobs
			b.Blobs = fullBlobs{kept}
			if _, err := b.Seal(t.Context(), document(strings.Repeat("x", InlineMax+1))); !errors.Is(err, errFull) {
				t.Errorf("%s: %v", step.name, err)
			}
			b.Blobs = kept
		} else {
			must(t, seal(t.Context()))
		}
		if got := jumps(); got != step.want {
			t.Errorf("%s: %d jumps are sealed, want %d", step.name, got, step.want)
		}
	}
}

var errFull = errors.New("no space left on device")

type fullBlobs struct{ blob.Store }

func (fullBlobs) Put(context.Context, io.Reader) (string, int64, error) {
	return "", 0, errFull
}

// TestBodyAltered: bytes that are not what was sealed are refused by name.
func TestBodyAltered(t *testing.T) {
	b := newBench(t)
	recs, err := b.Seal(t.Context(), document("small"), document(strings.Repeat("y", InlineMax+1)))
	must(t, err)
	other := recs[0]
	other.Digest = recs[1].Digest
	if _, err := b.Body(t.Context(), other); !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), other.Ref()) {
		t.Errorf("a row with other bytes: %v", err)
	}
	hex := strings.TrimPrefix(recs[1].Digest, "sha256:")
	path := filepath.Join(b.dir, "blobs", hex[:2], hex)
	whole, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, bytes.ToUpper(whole), 0o600))
	if _, err := b.Body(t.Context(), recs[1]); !errors.Is(err, audit.ErrAltered) || !strings.Contains(err.Error(), recs[1].Ref()) {
		t.Errorf("a blob with other bytes: %v", err)
	}
}

// TestPendingIsNumbered: a record that was durable and had no number when the
// process died is numbered by the next one, once.
func TestPendingIsNumbered(t *testing.T) {
	b := newBench(t)
	d, err := b.prepare(t.Context(), document("left behind"), b.now)
	must(t, err)
	must(t, b.Store.InsertRecords(t.Context(), []store.Sealed{d}))
	b.reopen(t)
	must(t, b.Number(t.Context()))
	must(t, b.Number(t.Context()))
	rec, err := b.Store.RecordByID(t.Context(), d.Record.ID)
	if err != nil || rec.Index != 0 || b.Log.Checkpoint().Size != 1 {
		t.Errorf("record %+v in a log of %d entries: %v", rec, b.Log.Checkpoint().Size, err)
	}
}

func TestNewID(t *testing.T) {
	at := time.UnixMilli(0x0123456789ab)
	a, err := NewID(at)
	must(t, err)
	z, err := NewID(at)
	must(t, err)
	later, err := NewID(at.Add(time.Millisecond))
	must(t, err)
	if a == z || later <= a || later <= z {
		t.Errorf("ids %s, %s, then %s", a, z, later)
	}
	if !strings.HasPrefix(a, "01234567-89ab-7") || !strings.ContainsAny(a[19:20], "89ab") || len(a) != 36 {
		t.Errorf("%s is no UUIDv7 of that millisecond", a)
	}
}

// TestAllInBlobs: where blobs are encrypted, no bytes lie in the store's rows.
func TestAllInBlobs(t *testing.T) {
	b := newBench(t)
	b.AllInBlobs = true
	recs, err := b.Seal(t.Context(), document("a name nobody may read"), document(""))
	must(t, err)
	if _, err := b.Store.Body(t.Context(), recs[0].ID); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("the row holds the bytes: %v", err)
	}
	for i, want := range []string{"a name nobody may read", ""} {
		got, err := b.Body(t.Context(), recs[i])
		if err != nil || string(got) != want {
			t.Errorf("body %d = %q, %v; want %q", i, got, err, want)
		}
	}
}

// TestKeptBytes: what is too large for memory is put first and sealed by name.
func TestKeptBytes(t *testing.T) {
	b := newBench(t)
	digest, size, err := b.Blobs.Put(t.Context(), strings.NewReader("gigabytes"))
	must(t, err)
	recs, err := b.Seal(t.Context(), Draft{Kind: audit.RecordPacket, Kept: &Kept{digest, size}})
	must(t, err)
	body, err := b.Body(t.Context(), recs[0])
	if err != nil || string(body) != "gigabytes" || recs[0].Size != 9 || recs[0].Digest != digest {
		t.Errorf("got %q of %+v, %v", body, recs[0], err)
	}
	for name, d := range map[string]Draft{
		"a blob nobody put": {Kept: &Kept{"sha256:" + strings.Repeat("0", 64), 9}},
		"bytes twice":       {Kept: &Kept{digest, size}, Body: []byte("x")},
	} {
		if _, err := b.Seal(t.Context(), d); err == nil {
			t.Errorf("%s was sealed", name)
		}
	}
}
