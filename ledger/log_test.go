package ledger

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func TestSequenceNumbersInOrder(t *testing.T) {
	o := openLog(t, 0)
	total := int64(0)
	for _, n := range []int{1, 2, 0, 7, 300, 4097} {
		o.grow(t, n)
		total += int64(n)
		if total < 1000 {
			checkLog(t, o.Log, o.backend, o.anchor, total)
		}
	}
	if got := o.Head().Size; got != total {
		t.Errorf("size = %d; want %d", got, total)
	}
	again, err := Open(t.Context(), o.backend, o.signer, Options{Anchor: o.anchor})
	if err != nil {
		t.Fatal(err)
	}
	if got := again.Head(); !sameHead(got, o.Head()) {
		t.Errorf("reopened head = %+v; want %+v", got, o.Head())
	}
}

// TestCrashMatrix fails every call to backend and anchor in turn, once lost and
// once kept though reported failed, then reloads and verifies everything.
func TestCrashMatrix(t *testing.T) {
	failed := map[string]int{}
	for _, kept := range []bool{false, true} {
		at := 1
		for ; crashAt(t, at, kept, failed); at++ {
		}
		if at < 20 {
			t.Errorf("only %d calls were made to fail", at-1)
		}
	}
	for _, name := range []string{"Fence", "Head", "Pending", "ReadHashes", "Commit", "Load", "Save"} {
		if failed[name] < 2 {
			t.Errorf("%s failed %d times; want at least both ways", name, failed[name])
		}
	}
}

// crashAt runs the scenario with one fault and reports whether it was reached.
func crashAt(t *testing.T, at int, kept bool, failed map[string]int) bool {
	t.Helper()
	f := &fault{at: at, kept: kept}
	m, a, signer := newMemory(), &memoryAnchor{}, newSigner(t, testLog)
	m.fault, a.fault = f, f
	opt := Options{Anchor: a, Batch: 3}
	l, err := Open(t.Context(), m, signer, opt)
	for _, n := range []int{2, 8, 1} {
		m.insert(n)
		if err == nil {
			_, err = l.Sequence(t.Context())
		}
	}
	if f.name == "" {
		if err != nil {
			t.Fatalf("without a fault: %v", err)
		}
		return false
	}
	failed[f.name]++
	t.Run(fmt.Sprintf("%s/%d/kept=%v", f.name, at, kept), func(t *testing.T) { recoverLog(t, l, m, a, signer, opt, err) })
	return true
}

// recoverLog brings the log on after a fault, in the same process if there is a
// Log and in a new one, and checks that both see the same whole log.
func recoverLog(t *testing.T, l *Log, m *memory, a *memoryAnchor, signer Signer, opt Options, fault error) {
	if !errors.Is(fault, errFault) {
		t.Fatalf("error = %v; want the injected fault", fault)
	}
	if l != nil {
		if err := l.Reload(t.Context()); err != nil {
			t.Fatalf("reload: %v", err)
		}
		if _, err := l.Sequence(t.Context()); err != nil {
			t.Fatalf("sequence after reload: %v", err)
		}
		checkLog(t, l, m, a, 11)
	}
	fresh, err := Open(t.Context(), m, signer, opt)
	if err != nil {
		t.Fatalf("open after crash: %v", err)
	}
	if _, err := fresh.Sequence(t.Context()); err != nil {
		t.Fatalf("sequence after crash: %v", err)
	}
	checkLog(t, fresh, m, a, 11)
}

func TestUnknownOutcomeIsFatalUntilReload(t *testing.T) {
	for _, kept := range []bool{false, true} {
		o := openLog(t, 5)
		before := o.Head()
		o.backend.insert(4)
		o.backend.fault = &fault{at: 3, kept: kept} // Pending, the edge, Commit
		if _, err := o.Sequence(t.Context()); !errors.Is(err, errFault) || o.backend.fault.name != "Commit" {
			t.Fatalf("fault hit %q: %v; want Commit", o.backend.fault.name, err)
		}
		if got := o.Head(); !sameHead(got, before) {
			t.Errorf("kept=%v: head moved to %d without a known commit", kept, got.Size)
		}
		for range 2 {
			if _, err := o.Sequence(t.Context()); !errors.Is(err, ErrReload) {
				t.Errorf("kept=%v: second Sequence = %v; want ErrReload", kept, err)
			}
		}
		if err := o.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Sequence(t.Context()); err != nil {
			t.Fatal(err)
		}
		checkLog(t, o.Log, o.backend, o.anchor, 9)
	}
}

func TestFencedSequencerWritesNothing(t *testing.T) {
	o := openLog(t, 3)
	other, err := Open(t.Context(), o.backend, o.signer, Options{Anchor: &memoryAnchor{saved: o.anchor.saved}})
	if err != nil {
		t.Fatal(err)
	}
	o.backend.insert(2)
	if n, err := other.Sequence(t.Context()); err != nil || n != 2 {
		t.Fatalf("other Sequence = %d, %v", n, err)
	}
	o.backend.insert(1)
	if n, err := o.Sequence(t.Context()); !errors.Is(err, ErrFenced) || n != 0 {
		t.Fatalf("fenced Sequence = %d, %v; want ErrFenced", n, err)
	}
	if _, err := o.Sequence(t.Context()); !errors.Is(err, ErrReload) || !errors.Is(err, ErrFenced) {
		t.Errorf("after a fence Sequence = %v; want ErrReload and ErrFenced", err)
	}
	if got := len(o.backend.leaves); got != 5 {
		t.Errorf("%d entries; the fenced one wrote", got)
	}
	if err := o.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkLog(t, o.Log, o.backend, o.anchor, 6)
}

func TestMovedHeadIsNoticed(t *testing.T) {
	o := openLog(t, 3)
	o.backend.insert(1)
	o.backend.head.Note = append([]byte(nil), o.backend.head.Note...)
	o.backend.head.Note[0] ^= 1
	if _, err := o.Sequence(t.Context()); !errors.Is(err, ErrMoved) {
		t.Errorf("Sequence over a changed head = %v; want ErrMoved", err)
	}
	if err := o.Reload(t.Context()); !errors.Is(err, ErrVerify) {
		t.Errorf("Reload of a changed head = %v; want ErrVerify", err)
	}
}

// TestTwoSequencers lets two take the log from each other while leaves arrive.
func TestTwoSequencers(t *testing.T) {
	m, signer := newMemory(), newSigner(t, testLog)
	anchors := []*memoryAnchor{{}, {}}
	// The first opening of an empty log anchors it, so the second may follow.
	logs := make([]*Log, 2)
	for i, a := range anchors {
		l, err := Open(t.Context(), m, signer, Options{Anchor: a, Batch: 5})
		if err != nil {
			t.Fatal(err)
		}
		logs[i] = l
	}
	const rounds, each = 60, 4
	var wg sync.WaitGroup
	for _, l := range logs {
		wg.Go(func() {
			for range rounds {
				m.insert(each)
				if err := sequenceAnyway(t.Context(), l); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	for i, l := range logs {
		if err := l.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		checkLog(t, l, m, anchors[i], 2*rounds*each)
	}
}

// sequenceAnyway does what a worker does: being fenced off is not its failure.
func sequenceAnyway(ctx context.Context, l *Log) error {
	_, err := l.Sequence(ctx)
	if errors.Is(err, ErrFenced) || errors.Is(err, ErrReload) {
		return l.Reload(ctx)
	}
	return err
}

func TestHeadsAreConsistentAtAnySizes(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m, a, signer := newMemory(), &memoryAnchor{}, newSigner(t, testLog)
		l, err := Open(t.Context(), m, signer, Options{Anchor: a, Batch: rapid.IntRange(1, 40).Draw(rt, "batch")})
		if err != nil {
			rt.Fatal(err)
		}
		total := 0
		for _, n := range rapid.SliceOfN(rapid.IntRange(1, 60), 1, 5).Draw(rt, "growth") {
			m.insert(n)
			total += n
			if _, err := l.Sequence(t.Context()); err != nil {
				rt.Fatal(err)
			}
		}
		checkLog(t, l, m, a, int64(total))
		index := rapid.Int64Range(0, int64(total)-1).Draw(rt, "index")
		size := rapid.Int64Range(index+1, int64(total)).Draw(rt, "size")
		p, err := l.Prove(t.Context(), index, size)
		if err != nil {
			rt.Fatal(err)
		}
		tree := NewTree()
		for _, leaf := range m.leaves[:size] {
			tree.Add(leaf.Commitment)
		}
		if err := VerifyInclusion(m.leaves[index].Commitment, index, size, tree.Root(), p); err != nil {
			rt.Fatal(err)
		}
		wrong := Commit([32]byte{1}, nil)
		if VerifyInclusion(wrong, index, size, tree.Root(), p) == nil {
			rt.Fatal("another commitment verified")
		}
	})
}

func TestProofsOutsideTheLogAreRefused(t *testing.T) {
	o := openLog(t, 4)
	for _, c := range []struct{ index, size int64 }{{-1, 4}, {4, 4}, {0, 5}, {0, 0}} {
		if _, err := o.Prove(t.Context(), c.index, c.size); err == nil {
			t.Errorf("Prove(%d, %d) gave no error", c.index, c.size)
		}
	}
	for _, c := range []struct{ old, new int64 }{{0, 4}, {3, 2}, {1, 5}} {
		if _, err := o.ProveConsistency(t.Context(), c.old, c.new); err == nil {
			t.Errorf("ProveConsistency(%d, %d) gave no error", c.old, c.new)
		}
	}
}

// blocking holds every Commit until it is released.
type blocking struct {
	*memory
	entered, release chan struct{}
}

func (b blocking) Commit(ctx context.Context, fence int64, batch Batch) error {
	close(b.entered)
	<-b.release
	return b.memory.Commit(ctx, fence, batch)
}

func TestReadersDoNotWaitForACommit(t *testing.T) {
	o := openLog(t, 4)
	b := blocking{o.backend, make(chan struct{}), make(chan struct{})}
	l, err := Open(t.Context(), b, o.signer, Options{Anchor: o.anchor})
	if err != nil {
		t.Fatal(err)
	}
	o.backend.insert(1)
	done := make(chan error, 1)
	go func() { _, err := l.Sequence(t.Context()); done <- err }()
	<-b.entered
	if got := l.Head().Size; got != 4 {
		t.Errorf("head during a commit = %d; want 4", got)
	}
	if _, err := l.Prove(t.Context(), 2, 4); err != nil {
		t.Errorf("proof during a commit: %v", err)
	}
	close(b.release)
	if err := <-done; err != nil || l.Head().Size != 5 {
		t.Errorf("afterwards head = %d, %v; want 5", l.Head().Size, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	signer := newSigner(t, testLog)
	if _, err := Open(t.Context(), newMemory(), signer, Options{}); err == nil {
		t.Error("a log without an anchor was opened")
	}
	if _, err := Open(t.Context(), newMemory(), Signer{}, Options{Anchor: &memoryAnchor{}}); err == nil {
		t.Error("a log without a signer was opened")
	}
	o := openLog(t, 2)
	if _, err := Open(t.Context(), o.backend, newSigner(t, testLog), Options{Anchor: o.anchor}); !errors.Is(err, ErrVerify) {
		t.Errorf("opened with a strange key: %v; want ErrVerify", err)
	}
	o.backend.hashes[0][5] ^= 1
	o.backend.hashes[2][5] ^= 1
	if _, err := Open(t.Context(), o.backend, o.signer, Options{Anchor: o.anchor}); !errors.Is(err, ErrVerify) {
		t.Errorf("opened over changed hashes: %v; want ErrVerify", err)
	}
}

func TestFileAnchor(t *testing.T) {
	anchor := FileAnchor{Path: filepath.Join(t.TempDir(), "anchor")}
	if got, err := anchor.Load(t.Context()); got != nil || err != nil {
		t.Errorf("Load before Save = %q, %v; want nothing", got, err)
	}
	m, signer := newMemory(), newSigner(t, testLog)
	l, err := Open(t.Context(), m, signer, Options{Anchor: anchor})
	if err != nil {
		t.Fatal(err)
	}
	m.insert(3)
	if _, err := l.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := anchor.Load(t.Context()); string(got) != string(l.Head().Note) || err != nil {
		t.Errorf("anchor = %q, %v; want the head", got, err)
	}
}

func BenchmarkSequence(b *testing.B) {
	m, signer := newMemory(), newSigner(b, testLog)
	l, err := Open(b.Context(), m, signer, Options{Anchor: FileAnchor{Path: filepath.Join(b.TempDir(), "anchor")}})
	if err != nil {
		b.Fatal(err)
	}
	leaves := 0
	for b.Loop() {
		b.StopTimer()
		m.insert(defaultBatch)
		b.StartTimer()
		n, err := l.Sequence(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		leaves += n
	}
	b.ReportMetric(float64(leaves)/b.Elapsed().Seconds(), "leaves/s")
}
