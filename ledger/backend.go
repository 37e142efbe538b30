package ledger

import (
	"context"
	"errors"
	"fmt"
)

// Errors of this package, to be asked for with errors.Is.
var (
	// ErrFenced: a newer sequencer holds the log. Nothing was written.
	ErrFenced = errors.New("another sequencer has taken over this log")
	// ErrMoved: the stored head is not the one the batch was built on. Nothing
	// was written.
	ErrMoved = errors.New("the stored head of the log has moved")
	// ErrForked: two views of one log cannot both be true.
	ErrForked = errors.New("the log would fork")
	// ErrNoAnchor: the log has entries but its anchor is gone.
	ErrNoAnchor = errors.New("the anchor of this log is missing")
	// ErrReload: an earlier write has an unknown outcome; call Reload.
	ErrReload = errors.New("the log must be reloaded")
	// ErrVerify: something does not match; the message says what.
	ErrVerify = errors.New("does not verify")
)

// Leaf is one commitment that waits for its index. ID is the store's name of
// the record behind it and never enters the log.
type Leaf struct {
	ID         string
	Commitment [32]byte
}

// Head is the signed state of the log.
type Head struct {
	Epoch int64
	Size  int64
	Root  [32]byte
	Note  []byte // signed checkpoint, nil if empty
}

// Batch is one step of the log, from head Prev to Head.
type Batch struct {
	Prev      Head
	Head      Head
	Leaves    []Leaf     // get indexes Prev.Size.. in order
	Hashes    [][32]byte // new stored tlog hashes
	FirstHash int64      // storage index of Hashes[0]
}

// Backend keeps the log. The store implements it without importing this
// package's errors: when Commit refuses because of a newer fence, its error (or
// one it wraps) has a method Fenced() bool that returns true; when the head is
// not b.Prev, Moved() bool. Any other error of Commit means an unknown outcome.
//
// A batch may have no leaves and a head of unchanged size: that is how a new
// epoch opens. HeadAt then returns the newest head signed at that size.
type Backend interface {
	// Fence gives a token higher than all before and voids those.
	Fence(ctx context.Context, holder string) (fence int64, err error)
	// Head returns the stored head, the zero Head for an empty log.
	Head(ctx context.Context) (Head, error)
	// Pending returns up to limit leaves without index, in order of insertion.
	Pending(ctx context.Context, limit int) ([]Leaf, error)
	// ReadHashes returns stored hashes by tlog storage index.
	ReadHashes(ctx context.Context, ids []int64) ([][32]byte, error)
	// Commit writes indexes, hashes and head in one transaction, if fence is
	// the newest and the stored head equals b.Prev.
	Commit(ctx context.Context, fence int64, b Batch) error
	// Cosign keeps a cosignature line or timestamp token for the checkpoint at
	// size, under the name of who gave it.
	Cosign(ctx context.Context, size int64, name string, sig []byte) error
	// Cosignatures returns what Cosign kept for size, by name.
	Cosignatures(ctx context.Context, size int64) (map[string][]byte, error)
	// LeafRange returns the commitments with indexes from <= i < to.
	LeafRange(ctx context.Context, from, to int64) ([][32]byte, error)
	// HeadAt returns the head signed at exactly this size.
	HeadAt(ctx context.Context, size int64) (Head, error)
}

// commitError adds ErrFenced or ErrMoved to an error that behaves so.
func commitError(err error) error {
	var fenced interface{ Fenced() bool }
	if errors.As(err, &fenced) && fenced.Fenced() {
		return fmt.Errorf("%w: %w", ErrFenced, err)
	}
	var moved interface{ Moved() bool }
	if errors.As(err, &moved) && moved.Moved() {
		return fmt.Errorf("%w: %w", ErrMoved, err)
	}
	return err
}
