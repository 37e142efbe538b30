package ledger

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// EmptyRoot is the RFC 6962 root of a log without entries.
var EmptyRoot = func() [32]byte { return NewTree().Root() }()

// VerifyInclusion checks that commitment is entry index of the log of the given
// size and root. proof is the RFC 6962 audit path, from the leaf up.
func VerifyInclusion(commitment [32]byte, index, size int64, root [32]byte, proof [][32]byte) error {
	return checkInclusion(LeafHash(commitment), index, size, root, proof)
}

func checkInclusion(leaf [32]byte, index, size int64, root [32]byte, proof [][32]byte) error {
	if size < 1 || index < 0 || index >= size {
		return fmt.Errorf("inclusion: %w: index %d in a log of %d entries", ErrVerify, index, size)
	}
	if err := tlog.CheckRecord(toHashes(proof), size, root, index, leaf); err != nil {
		return fmt.Errorf("inclusion: %w: entry %d is not what the checkpoint of %d entries commits to", ErrVerify, index, size)
	}
	return nil
}

// VerifyConsistency checks that the log of newSize entries starts with exactly
// the log of oldSize entries. A log of no entries is consistent with every log
// and has no proof, so an oldSize of 0 is refused: nothing would be shown.
func VerifyConsistency(oldSize int64, oldRoot [32]byte, newSize int64, newRoot [32]byte, proof [][32]byte) error {
	if oldSize < 1 || newSize < oldSize {
		return fmt.Errorf("consistency: %w: from %d to %d entries", ErrVerify, oldSize, newSize)
	}
	if oldSize == newSize && len(proof) != 0 {
		return fmt.Errorf("consistency: %w: a proof between equal sizes is empty", ErrVerify)
	}
	if err := tlog.CheckTree(toHashes(proof), newSize, newRoot, oldSize, oldRoot); err != nil {
		return fmt.Errorf("consistency: %w: the log of %d entries does not start with the log of %d", ErrVerify, newSize, oldSize)
	}
	return nil
}

// Tree computes the root of a log from its commitments, one after the other, in
// memory that grows with the logarithm of their number.
type Tree struct {
	size  int64
	peaks []peak
}

// peak is the root of a complete subtree with 1<<level leaves.
type peak struct {
	level int
	hash  tlog.Hash
}

// NewTree returns the tree of no entries.
func NewTree() *Tree { return &Tree{} }

// Add appends a commitment.
func (t *Tree) Add(commitment [32]byte) {
	p := peak{0, LeafHash(commitment)}
	for n := len(t.peaks); n > 0 && t.peaks[n-1].level == p.level; n = len(t.peaks) {
		p = peak{p.level + 1, tlog.NodeHash(t.peaks[n-1].hash, p.hash)}
		t.peaks = t.peaks[:n-1]
	}
	t.peaks = append(t.peaks, p)
	t.size++
}

// Size returns the number of commitments added.
func (t *Tree) Size() int64 { return t.size }

// Root returns the root of what was added so far.
func (t *Tree) Root() [32]byte {
	if len(t.peaks) == 0 {
		h, _ := tlog.TreeHash(0, nil) // of nothing: reads nothing, cannot fail
		return h
	}
	h := t.peaks[len(t.peaks)-1].hash
	for i := len(t.peaks) - 2; i >= 0; i-- {
		h = tlog.NodeHash(t.peaks[i].hash, h)
	}
	return h
}

// VerifyTree checks that exactly these commitments, in this order, are the log
// at the checkpoint.
func VerifyTree(c Checkpoint, commitments [][32]byte) error {
	t := NewTree()
	for _, leaf := range commitments {
		t.Add(leaf)
	}
	if t.Size() != c.Size {
		return fmt.Errorf("tree: %w: %d entries given, the checkpoint has %d", ErrVerify, t.Size(), c.Size)
	}
	if t.Root() != c.Root {
		return fmt.Errorf("tree: %w: the %d entries do not give the root of the checkpoint", ErrVerify, c.Size)
	}
	return nil
}

func toHashes(in [][32]byte) []tlog.Hash {
	out := make([]tlog.Hash, len(in))
	for i, h := range in {
		out[i] = h
	}
	return out
}

func fromHashes(in []tlog.Hash) [][32]byte {
	out := make([][32]byte, len(in))
	for i, h := range in {
		out[i] = h
	}
	return out
}
