package ledger

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Heads gives a log's heads in the order in which they were signed.
type Heads func(ctx context.Context, yield func(Head) error) error

// StoredFacts are what VerifyStored found.
type StoredFacts struct {
	Head    Checkpoint // what the newest head says; zero for an empty log
	Entries int64
	Hashes  int64   // stored hashes that agree
	Heads   int64   // signed heads that agree
	Faults  []error // each wraps ErrVerify or ErrForked and names what is wrong
}

// maxFaults is how many faults of one kind are named; more would be noise.
const maxFaults = 20

// VerifyStored checks a stored log as a whole and changes nothing: that the
// commitments give every hash that is stored, and the root of every head ever
// signed; and that each head is signed by a key in force. It needs memory for
// one block of entries. The error is for what could not be read.
func VerifyStored(ctx context.Context, b Backend, keys Chain, heads Heads, progress func(done, total int64)) (StoredFacts, error) {
	var f StoredFacts
	newest, err := b.Head(ctx)
	if err != nil {
		return f, fmt.Errorf("verify log: read head: %w", err)
	}
	v := storedVerifier{ctx: ctx, b: b, facts: &f, tree: NewTree(), size: newest.Size, progress: progress}
	err = heads(ctx, func(h Head) error { return v.head(h, keys) })
	if err == nil {
		err = v.grow(newest.Size)
	}
	if err == nil {
		err = v.flush()
	}
	if err == nil && newest.Size > 0 && v.last.Size != newest.Size {
		v.fault("the newest head, of %d entries, is not the last of those stored", newest.Size)
	}
	f.Entries = v.tree.Size()
	return f, err
}

// storedVerifier grows the tree from head to head.
type storedVerifier struct {
	ctx      context.Context
	b        Backend
	facts    *StoredFacts
	tree     *Tree
	size     int64
	last     Head
	before   Checkpoint
	waiting  [][32]byte // computed hashes not yet compared
	first    int64      // storage index of waiting[0]
	stopped  bool       // entries are missing: no later root can be computed
	progress func(done, total int64)
}

func (v *storedVerifier) fault(format string, args ...any) {
	if len(v.facts.Faults) < maxFaults {
		v.facts.Faults = append(v.facts.Faults, fmt.Errorf("%w: %s", ErrVerify, fmt.Sprintf(format, args...)))
	}
}

// head checks one head against the commitments up to its size.
func (v *storedVerifier) head(h Head, keys Chain) error {
	if h.Size < v.tree.Size() {
		v.fault("a head of %d entries was stored after one of %d", h.Size, v.tree.Size())
		return nil
	}
	if err := v.grow(h.Size); err != nil || v.stopped {
		return err
	}
	v.last = h
	c, err := keys.VerifyCheckpoint(h.Note)
	switch {
	case err != nil:
		v.fault("head of %d entries, epoch %d: %v", h.Size, h.Epoch, err)
		return nil
	case c.Size != h.Size || c.Root != h.Root || c.Epoch != h.Epoch:
		v.fault("head of %d entries: its signed checkpoint says %d entries, epoch %d", h.Size, c.Size, c.Epoch)
	case c.Root != v.tree.Root():
		v.fault("head of %d entries: the commitments do not give its signed root", h.Size)
	case c.Epoch < v.before.Epoch:
		v.fault("head of %d entries: it goes back from epoch %d to %d", h.Size, v.before.Epoch, c.Epoch)
	default:
		v.facts.Heads++
	}
	v.before, v.facts.Head = c, c
	return nil
}

const storedBlock = 1 << 12

// grow adds the commitments up to size and compares the hashes they give.
func (v *storedVerifier) grow(size int64) error {
	for !v.stopped && v.tree.Size() < size {
		from := v.tree.Size()
		to := min(from+storedBlock, size)
		leaves, err := v.b.LeafRange(v.ctx, from, to)
		if v.ctx.Err() != nil {
			return v.ctx.Err()
		}
		if err != nil || int64(len(leaves)) != to-from {
			v.fault("entries %d to %d are not all there: %v", from, to-1, err)
			v.stopped = true
			return nil
		}
		for _, leaf := range leaves {
			v.add(leaf)
		}
		if len(v.waiting) >= storedBlock {
			if err := v.flush(); err != nil {
				return err
			}
		}
		if v.progress != nil {
			v.progress(to, v.size)
		}
	}
	return nil
}

// add appends a commitment to the tree. The hashes that are stored with it are
// its leaf's and those of the complete subtrees it ends, from the leaf up.
func (v *storedVerifier) add(leaf [32]byte) {
	n := v.tree.Size()
	v.waiting = append(v.waiting, LeafHash(leaf))
	h := tlog.Hash(LeafHash(leaf))
	for i := len(v.tree.peaks) - 1; n&1 == 1; i, n = i-1, n>>1 {
		h = tlog.NodeHash(v.tree.peaks[i].hash, h)
		v.waiting = append(v.waiting, h)
	}
	v.tree.Add(leaf)
}

// flush compares the computed hashes with the stored ones.
func (v *storedVerifier) flush() error {
	for at := 0; at < len(v.waiting); at += storedBlock {
		part := v.waiting[at:min(at+storedBlock, len(v.waiting))]
		ids := make([]int64, len(part))
		for i := range ids {
			ids[i] = v.first + int64(at+i)
		}
		stored, err := v.b.ReadHashes(v.ctx, ids)
		if v.ctx.Err() != nil {
			return v.ctx.Err()
		}
		if err != nil || len(stored) != len(ids) {
			v.fault("stored hashes %d to %d are not all there: %v", ids[0], ids[len(ids)-1], err)
			continue
		}
		for i, h := range stored {
			if h == part[i] {
				v.facts.Hashes++
				continue
			}
			level, n := tlog.SplitStoredHashIndex(ids[i])
			v.fault("stored hash %d (level %d, number %d, over entries %d to %d) is not what the commitments give", ids[i], level, n, n<<level, (n+1)<<level-1)
		}
	}
	v.first += int64(len(v.waiting))
	v.waiting = v.waiting[:0]
	return nil
}

// CheckAnchor tells whether a head continues what the anchor says was published.
// ErrNoAnchor where there is nothing to compare with, ErrForked where it does not.
func CheckAnchor(ctx context.Context, b Backend, keys Chain, anchor Anchor, head Checkpoint) (Checkpoint, error) {
	kept, err := anchor.Load(ctx)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("read anchor: %w", err)
	}
	if kept == nil {
		return Checkpoint{}, ErrNoAnchor
	}
	before, err := keys.VerifyCheckpoint(kept)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("anchor: %w", err)
	}
	return before, continues(before, head, func(size int64) ([32]byte, error) { return tlog.TreeHash(size, reading(ctx, b)) })
}
