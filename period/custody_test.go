package period

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/bundle"
	"tieout/evidence"
	"tieout/internal/durable"
	"tieout/ledger"
)

// bundled writes a bundle of the newest findings and verifies it under the
// log's first key.
func bundled(t testing.TB, w *world, p *Program) *bundle.Checks {
	t.Helper()
	run, err := p.Check(t.Context(), CheckOptions{})
	must(t, err)
	var buf bytes.Buffer
	_, err = p.Bundle(t.Context(), &buf, run)
	must(t, err)
	s, err := p.Succession(t.Context())
	must(t, err)
	first, err := ledger.ParseKey(s.First)
	must(t, err)
	checks, err := bundle.Verify(t.Context(), bytes.NewReader(buf.Bytes()), int64(buf.Len()), bundle.Options{Key: first, Now: w.now})
	if err != nil {
		t.Errorf("the bundle does not verify: %v", err)
	}
	return checks
}

// TestRotate rotates the key twice; log and bundle verify from the first key on.
func TestRotate(t *testing.T) {
	w := newWorld(t, nil)
	p := w.create(t)
	w.collectDays(t, p, 2)
	first, err := p.Succession(t.Context())
	must(t, err)
	for d := 3; d <= 4; d++ {
		w.now = day(d, 5)
		key, err := p.RotateKey(t.Context())
		must(t, err)
		w.collectDays(t, p, d)
		if now := p.Log.Keys().Current(); now.VKey() != key.VKey() || p.Log.Checkpoint().Key.VKey() != key.VKey() {
			t.Errorf("after rotation %s signs, want %s", p.Log.Checkpoint().Key.ID(), key.ID())
		}
	}
	must(t, p.Close())
	q := w.open(t)
	s, err := q.Succession(t.Context())
	must(t, err)
	if s.First != first.First || len(s.Steps) != 2 {
		t.Errorf("succession %+v does not continue %+v with two steps", s, first)
	}
	intact(t, q)
	bundled(t, w, q)
}

// TestRotateCutShort cuts a rotation off between its steps. Whatever was done,
// the log opens, goes on, and can be rotated again.
func TestRotateCutShort(t *testing.T) {
	base := afterDayOne(t)
	for steps, name := range []string{
		"nothing done", "new key written", "succession beside the anchor", "succession in the store", "old key put aside", "new key in place",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := base.copy(t)
			rotatePartly(t, w, steps)
			w.now = day(3, 6)
			afterRotation(t, w)
		})
	}
}

// rotatePartly does the first steps of RotateKey and no more.
func rotatePartly(t *testing.T, w *world, steps int) {
	t.Helper()
	p := w.open(t)
	defer p.Close()
	path, err := p.keyPath()
	must(t, err)
	if steps < 1 {
		return
	}
	next, err := freshKey(path, p.Log.Keys())
	must(t, err)
	handover, err := p.Log.HandOver(next)
	must(t, err)
	s, err := p.Succession(t.Context())
	must(t, err)
	s.Steps = append(s.Steps, SuccessionStep{Handover: string(handover)})
	text, err := json.Marshal(s)
	must(t, err)
	if steps >= 2 {
		must(t, durable.Write(p.keysFile(), append(text, '\n'), 0o644))
	}
	if steps >= 3 {
		must(t, p.Store.SetMeta(t.Context(), keysMeta, string(text)))
	}
	if steps >= 4 {
		must(t, os.Rename(path, path+".until-then"))
	}
	if steps >= 5 {
		must(t, os.Rename(path+".new", path))
	}
}

func afterRotation(t *testing.T, w *world) {
	t.Helper()
	p := w.open(t)
	dropLeases(t, p)
	collect(t, p)
	_, err := p.RotateKey(t.Context())
	must(t, err)
	must(t, p.Close())
	q := w.open(t)
	collect(t, q)
	intact(t, q)
	bundled(t, w, q)
}

// TestRotateFails lets every write of a rotation to store or anchor fail.
func TestRotateFails(t *testing.T) {
	base := afterDayOne(t)
	for _, kept := range []bool{false, true} {
		for at := 1; at <= 3; at++ {
			t.Run(fmt.Sprintf("write %d kept=%v", at, kept), func(t *testing.T) {
				t.Parallel()
				w := base.copy(t)
				w.now = day(3, 6)
				p := w.open(t)
				f := &fault{at: at, kept: kept, dead: true}
				faulty(t, p, f)
				if _, err := p.RotateKey(t.Context()); err == nil && f.n >= at {
					t.Error("a write failed, and the rotation says it is done")
				}
				p.Close()
				afterRotation(t, w)
			})
		}
	}
}

// pageOf is the page of accounts that showed one of them on the 3rd.
func pageOf(t testing.TB, p *Program, login string) audit.Record {
	t.Helper()
	for _, r := range records(t, p, audit.RecordPage) {
		if r.Digest == "" || r.PageKind != "synth.account" || r.Collected.Day() != 3 {
			continue
		}
		if body, err := p.Seal.Body(t.Context(), r); err == nil && strings.Contains(string(body), `"login":"`+login+`"`) {
			return r
		}
	}
	t.Fatalf("no page shows %s", login)
	return audit.Record{}
}

// TestErase erases a page in a row and one in a blob: the log stays whole, the
// bundle verifies and says so, and what the pages told is not known any more.
func TestErase(t *testing.T) {
	for login, inBlob := range map[string]bool{"ana": false, "ben": true} {
		t.Run(login, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			p := w.create(t)
			w.collectDays(t, p, 2, 3, 4)
			rec := pageOf(t, p, login)
			if (rec.Size > 256<<10) != inBlob {
				t.Fatalf("%s has %d bytes", rec.Ref(), rec.Size)
			}
			_, err := p.Erase(t.Context(), rec.Index, "asked by the person")
			must(t, err)
			isErased(t, w, p, rec)
			if _, err := p.Erase(t.Context(), rec.Index, "again"); !errors.Is(err, audit.ErrConflict) {
				t.Errorf("erased twice: %v", err)
			}
			if checks := bundled(t, w, p); len(checks.Erased) != 1 || checks.Erased[0] != rec.Index {
				t.Errorf("the bundle says %v is erased, want %d", checks.Erased, rec.Index)
			}
		})
	}
}

// isErased checks that nothing of a page is left and the rest is whole.
func isErased(t *testing.T, w *world, p *Program, rec audit.Record) {
	t.Helper()
	if _, err := p.Seal.Body(t.Context(), rec); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("the bytes are still there: %v", err)
	}
	has, err := p.Blobs.Has(t.Context(), rec.Digest)
	must(t, err)
	if shared, err := p.Store.CountDigest(t.Context(), rec.Digest); err != nil || has && shared == 0 {
		t.Errorf("the blob is still there, for %d records: %v", shared, err)
	}
	intact(t, p)
	tl, err := p.timeline(t.Context(), "account")
	must(t, err)
	st := tl.Streams[0]
	if len(st.Points) != 2 || len(st.Holes) != 1 || !strings.Contains(st.Holes[0].Reason, rec.Ref()+" was erased") {
		t.Errorf("points %v, holes %v; want two, and one because %s was erased", st.Points, st.Holes, rec.Ref())
	}
	for _, h := range tl.Histories {
		for _, v := range h.Versions {
			if v.Record == rec.Index || v.Gone && h.ID != "a/cem" {
				t.Errorf("%s still rests on %s, or has disappeared: %+v", h.ID, rec.Ref(), v)
			}
		}
	}
	for _, typ := range []string{"person", "backup"} {
		other, err := p.timeline(t.Context(), typ)
		must(t, err)
		if len(other.Streams[0].Holes) > 0 {
			t.Errorf("%s did not rest on it, and has holes %v", typ, other.Streams[0].Holes)
		}
	}
	rebuilt(t, p)
}

// TestEraseCutShort lets every write of an erasure fail: the next process
// finishes what was sealed, and what was not can be asked for again.
func TestEraseCutShort(t *testing.T) {
	w := newWorld(t, nil)
	p := w.create(t)
	w.collectDays(t, p, 2, 3, 4)
	rec := pageOf(t, p, "ben")
	must(t, p.Close())
	count, f := w.copy(t), &fault{}
	q := count.open(t)
	faulty(t, q, f)
	_, err := q.Erase(t.Context(), rec.Index, "asked by the person")
	must(t, err)
	for at := 1; at <= f.n; at += stride(t) {
		t.Run(fmt.Sprintf("write %d %s", at, f.names[at-1]), func(t *testing.T) {
			t.Parallel()
			w := w.copy(t)
			p := w.open(t)
			faulty(t, p, &fault{at: at, kept: at%2 == 0, dead: true})
			if _, err := p.Erase(t.Context(), rec.Index, "asked by the person"); err == nil {
				t.Error("a write failed, and the erasure says it is done")
			}
			p.Close()
			q := w.open(t)
			dropLeases(t, q)
			if _, err := q.Erase(t.Context(), rec.Index, "asked by the person"); err != nil && !errors.Is(err, audit.ErrConflict) {
				t.Fatal(err)
			}
			findings(t, q) // brings the timeline up
			isErased(t, w, q, rec)
		})
	}
}

// TestRedact: a redaction names its original, and both are sealed.
func TestRedact(t *testing.T) {
	w := newWorld(t, nil)
	p := w.create(t)
	w.collectDays(t, p, 3)
	rec := pageOf(t, p, "ana")
	path := filepath.Join(t.TempDir(), "redacted.json")
	must(t, os.WriteFile(path, []byte(`{"rows":[]}`), 0o600))
	if _, err := p.Redact(t.Context(), rec.Index, path, " "); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("a redaction without a reason: %v", err)
	}
	red, err := p.Redact(t.Context(), rec.Index, path, "a name taken out")
	must(t, err)
	var detail struct {
		Original       int64
		OriginalDigest string
		Why            string
	}
	must(t, json.Unmarshal(red.Detail, &detail))
	if detail.Original != rec.Index || detail.OriginalDigest != rec.Digest || detail.Why != "a name taken out" {
		t.Errorf("the redaction says %s", red.Detail)
	}
	if _, err := p.Seal.Body(t.Context(), rec); err != nil {
		t.Errorf("the original: %v", err)
	}
	intact(t, p)
	rebuilt(t, p)
}

// TestOlderBackup restores a backup from before what was published: the
// workspace refuses to go on, says what to do, and keeps its anchor.
func TestOlderBackup(t *testing.T) {
	w := newWorld(t, nil)
	p := w.create(t)
	w.collectDays(t, p, 2)
	file := filepath.Join(t.TempDir(), "backup.db")
	must(t, p.Backup(t.Context(), file))
	w.collectDays(t, p, 3)
	newest := p.Log.Checkpoint().Size
	must(t, p.Close())
	before, err := os.ReadFile(p.anchorPath())
	must(t, err)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		os.Rename(filepath.Join(w.dir, ".tieout/store.db"+suffix), filepath.Join(w.dir, ".tieout/newest.db"+suffix))
	}
	must(t, Restore(t.Context(), w.dir, w.options(false), file))

	_, err = Open(t.Context(), w.dir, w.options(false))
	if !errors.Is(err, audit.ErrAltered) || !errors.Is(err, ledger.ErrForked) || !strings.Contains(err.Error(), "tieout log epoch --reason restored") {
		t.Fatalf("Open of an older store: %v; want altered, and what to do", err)
	}
	after, err := os.ReadFile(p.anchorPath())
	must(t, err)
	if !bytes.Equal(before, after) {
		t.Error("the anchor was moved back")
	}
	e, err := NewEpoch(t.Context(), w.dir, w.options(false), EpochOrder{Reason: ledger.Restored, Why: "the disk broke"}, func(s Situation) error {
		if s.Published != newest || s.Stored >= newest {
			t.Errorf("the person is told of %d published and %d stored, want %d and fewer", s.Published, s.Stored, newest)
		}
		return nil
	})
	must(t, err)
	must(t, e.Close())
	q := w.open(t)
	collect(t, q)
	intact(t, q)
	rebuilt(t, q)
	bundled(t, w, q)
	if n := len(records(t, q, audit.RecordKey)); n != 1 {
		t.Errorf("%d records say that an epoch began, want 1", n)
	}
}

// TestAnchorGone: without its anchor the log is not opened.
func TestAnchorGone(t *testing.T) {
	w := newWorld(t, nil)
	p := w.create(t)
	must(t, p.Close())
	must(t, os.Remove(p.anchorPath()))
	if _, err := Open(t.Context(), w.dir, w.options(false)); !errors.Is(err, ledger.ErrNoAnchor) || !errors.Is(err, audit.ErrAltered) {
		t.Errorf("Open without the anchor: %v", err)
	}
}

// TestPacketsStayOut: a bundle proves that packets are in the log and brings none
// of their bytes.
func TestPacketsStayOut(t *testing.T) {
	w := newWorld(t, nil)
	p := w.create(t)
	w.collectDays(t, p, 1)
	_, err := p.Seal.Seal(t.Context(), evidence.Draft{Kind: audit.RecordPacket, Body: []byte("a packet with a bundle in it"), Actor: p.Actor})
	must(t, err)
	checks := bundled(t, w, p)
	if checks.Withheld != 1 || !strings.Contains(checks.String(), "the raw bytes of 1 record are left out of this bundle") {
		t.Errorf("%d withheld:\n%s", checks.Withheld, checks)
	}
}
