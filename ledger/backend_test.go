package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

const testLog = "example.com/tieout"

var errFault = errors.New("injected fault")

// fault makes the at-th call (from 1) fail, either without effect or, kept,
// with the effect done all the same.
type fault struct {
	mu    sync.Mutex
	at    int
	kept  bool
	calls int
	name  string // of the call that failed
}

// run does op unless the call is to fail without effect.
func (f *fault) run(name string, op func() error) error {
	if f == nil {
		return op()
	}
	f.mu.Lock()
	f.calls++
	hit := f.calls == f.at
	if hit {
		f.name = name
	}
	f.mu.Unlock()
	if hit && !f.kept {
		return errFault
	}
	if err := op(); err != nil || !hit {
		return err
	}
	return errFault
}

type fencedError struct{}

func (fencedError) Error() string { return "fence is old" }
func (fencedError) Fenced() bool  { return true }

type movedError struct{}

func (movedError) Error() string { return "head differs" }
func (movedError) Moved() bool   { return true }

// memory is a Backend in memory that keeps the promises of the interface.
type memory struct {
	mu     sync.Mutex
	fault  *fault
	fence  int64
	head   Head
	heads  map[int64]Head
	queue  []Leaf // pending, in order
	leaves []Leaf // numbered
	hashes [][32]byte
	cosigs map[int64]map[string][]byte
}

func newMemory() *memory {
	return &memory{heads: map[int64]Head{}, cosigs: map[int64]map[string][]byte{}}
}

func (m *memory) do(name string, op func() error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.fault.run(name, op)
}

func (m *memory) insert(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for range n {
		id := fmt.Sprintf("r%06d", len(m.queue)+len(m.leaves))
		m.queue = append(m.queue, Leaf{ID: id, Commitment: Commit([32]byte{}, []byte(id))})
	}
}

func (m *memory) Fence(context.Context, string) (fence int64, err error) {
	err = m.do("Fence", func() error { m.fence++; fence = m.fence; return nil })
	return fence, err
}

func (m *memory) Head(context.Context) (h Head, err error) {
	err = m.do("Head", func() error { h = m.head; return nil })
	return h, err
}

func (m *memory) Pending(_ context.Context, limit int) (out []Leaf, err error) {
	err = m.do("Pending", func() error { out = slices.Clone(m.queue[:min(limit, len(m.queue))]); return nil })
	return out, err
}

func (m *memory) ReadHashes(_ context.Context, ids []int64) (out [][32]byte, err error) {
	err = m.do("ReadHashes", func() error {
		for _, id := range ids {
			if id < 0 || id >= int64(len(m.hashes)) {
				return fmt.Errorf("no hash %d of %d", id, len(m.hashes))
			}
			out = append(out, m.hashes[id])
		}
		return nil
	})
	return out, err
}

func (m *memory) Commit(_ context.Context, fence int64, b Batch) error {
	return m.do("Commit", func() error {
		switch {
		case fence != m.fence:
			return fmt.Errorf("commit: %w", fencedError{})
		case !sameHead(m.head, b.Prev):
			return fmt.Errorf("commit: %w", movedError{})
		case b.FirstHash != int64(len(m.hashes)):
			return fmt.Errorf("first hash %d, have %d", b.FirstHash, len(m.hashes))
		case len(b.Leaves) > len(m.queue) || !slices.Equal(b.Leaves, m.queue[:len(b.Leaves)]):
			return errors.New("the batch is not what is pending")
		}
		m.queue = m.queue[len(b.Leaves):]
		m.leaves = append(m.leaves, b.Leaves...)
		m.hashes = append(m.hashes, b.Hashes...)
		m.head = b.Head
		m.heads[b.Head.Size] = b.Head
		return nil
	})
}

func sameHead(a, b Head) bool {
	return a.Epoch == b.Epoch && a.Size == b.Size && a.Root == b.Root && string(a.Note) == string(b.Note)
}

func (m *memory) Cosign(_ context.Context, size int64, name string, sig []byte) error {
	return m.do("Cosign", func() error {
		if m.cosigs[size] == nil {
			m.cosigs[size] = map[string][]byte{}
		}
		m.cosigs[size][name] = sig
		return nil
	})
}

func (m *memory) Cosignatures(_ context.Context, size int64) (out map[string][]byte, err error) {
	err = m.do("Cosignatures", func() error { out = m.cosigs[size]; return nil })
	return out, err
}

func (m *memory) LeafRange(_ context.Context, from, to int64) (out [][32]byte, err error) {
	err = m.do("LeafRange", func() error {
		for _, l := range m.leaves[from:to] {
			out = append(out, l.Commitment)
		}
		return nil
	})
	return out, err
}

func (m *memory) HeadAt(_ context.Context, size int64) (h Head, err error) {
	err = m.do("HeadAt", func() error {
		var ok bool
		if h, ok = m.heads[size]; !ok {
			return fmt.Errorf("no head at %d", size)
		}
		return nil
	})
	return h, err
}

// restore brings the store back to an earlier size; what it held after that
// waits again.
func (m *memory) restore(size int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.head = m.heads[size]
	m.queue = append(slices.Clone(m.leaves[size:]), m.queue...)
	m.leaves = m.leaves[:size]
	m.hashes = m.hashes[:tlog.StoredHashCount(size)]
	for s := range m.heads {
		if s > size {
			delete(m.heads, s)
		}
	}
}

// forget drops the pending leaves, as a restore does that never had them.
func (m *memory) forget() { m.queue = nil }

// memoryAnchor keeps every checkpoint ever published.
type memoryAnchor struct {
	mu    sync.Mutex
	fault *fault
	saved [][]byte
}

func (a *memoryAnchor) Load(context.Context) (out []byte, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	err = a.fault.run("Load", func() error {
		if len(a.saved) > 0 {
			out = a.saved[len(a.saved)-1]
		}
		return nil
	})
	return out, err
}

func (a *memoryAnchor) Save(_ context.Context, note []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.fault.run("Save", func() error { a.saved = append(a.saved, note); return nil })
}

func newSigner(t testing.TB, name string) Signer {
	t.Helper()
	skey, _, err := GenerateKey(name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// opened is a log over a memory backend, with n leaves numbered.
type opened struct {
	*Log
	backend *memory
	anchor  *memoryAnchor
	signer  Signer
}

func openLog(t testing.TB, n int) opened {
	t.Helper()
	o := opened{backend: newMemory(), anchor: &memoryAnchor{}, signer: newSigner(t, testLog)}
	var err error
	if o.Log, err = Open(t.Context(), o.backend, o.signer, Options{Anchor: o.anchor, Holder: "test"}); err != nil {
		t.Fatal(err)
	}
	o.grow(t, n)
	return o
}

func (o opened) grow(t testing.TB, n int) {
	t.Helper()
	o.backend.insert(n)
	if got, err := o.Sequence(t.Context()); err != nil || got != n {
		t.Fatalf("Sequence = %d, %v; want %d", got, err, n)
	}
}

// checkLog verifies all that a log promises: order, tree, signature, every
// proof, and every checkpoint that was ever published.
func checkLog(t testing.TB, l *Log, m *memory, a *memoryAnchor, want int64) {
	t.Helper()
	head := l.Head()
	if head.Size != want || int64(len(m.leaves)) != want || len(m.queue) != 0 {
		t.Fatalf("head of %d entries, %d numbered, %d pending; want %d numbered", head.Size, len(m.leaves), len(m.queue), want)
	}
	commitments := make([][32]byte, want)
	for i, leaf := range m.leaves {
		if id := fmt.Sprintf("r%06d", i); leaf.ID != id {
			t.Fatalf("entry %d is %s; want %s", i, leaf.ID, id)
		}
		commitments[i] = leaf.Commitment
	}
	c, err := l.Keys().VerifyCheckpoint(head.Note)
	if err != nil {
		t.Fatal(err)
	}
	if err := VerifyTree(c, commitments); err != nil {
		t.Error(err)
	}
	for i := range want {
		p, err := l.Prove(t.Context(), i, want)
		if err == nil {
			err = VerifyInclusion(commitments[i], i, want, c.Root, p)
		}
		if err != nil {
			t.Errorf("entry %d: %v", i, err)
		}
	}
	checkPublished(t, l, a, c)
}

func checkPublished(t testing.TB, l *Log, a *memoryAnchor, c Checkpoint) {
	t.Helper()
	for _, note := range a.saved {
		old, err := l.Keys().VerifyCheckpoint(note)
		if err != nil {
			t.Errorf("published checkpoint: %v", err)
			continue
		}
		if old.Size == 0 {
			continue
		}
		p, err := l.ProveConsistency(t.Context(), old.Size, c.Size)
		if err == nil {
			err = VerifyConsistency(old.Size, old.Root, c.Size, c.Root, p)
		}
		if err != nil {
			t.Errorf("published at %d: %v", old.Size, err)
		}
	}
	if n := len(a.saved); n == 0 || string(a.saved[n-1]) != string(l.Head().Note) {
		t.Error("the anchor is not the head")
	}
}
