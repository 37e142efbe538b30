package ledger

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Prove returns the RFC 6962 audit path for entry index in the log of the given
// size, which may be any size up to the newest head.
func (l *Log) Prove(ctx context.Context, index, size int64) ([][32]byte, error) {
	if index < 0 || index >= size {
		return nil, fmt.Errorf("prove entry %d: a log of %d entries does not hold it", index, size)
	}
	if err := l.within(size); err != nil {
		return nil, fmt.Errorf("prove entry %d: %w", index, err)
	}
	p, err := tlog.ProveRecord(size, index, reading(ctx, l.backend))
	if err != nil {
		return nil, fmt.Errorf("prove entry %d in %d: %w", index, size, err)
	}
	return fromHashes(p), nil
}

// Root returns the root the tree had with size leaves, up to the newest head.
func (l *Log) Root(ctx context.Context, size int64) ([32]byte, error) {
	if size < 0 {
		return [32]byte{}, fmt.Errorf("root of %d entries: there are none", size)
	}
	if err := l.within(size); err != nil {
		return [32]byte{}, fmt.Errorf("root of %d entries: %w", size, err)
	}
	return l.rootAt(ctx)(size)
}

// ProveConsistency returns the RFC 6962 proof that the log of newSize entries
// starts with the log of oldSize entries, 1 <= oldSize <= newSize.
func (l *Log) ProveConsistency(ctx context.Context, oldSize, newSize int64) ([][32]byte, error) {
	if oldSize < 1 || oldSize > newSize {
		return nil, fmt.Errorf("prove consistency from %d to %d: give sizes 1 or more, rising", oldSize, newSize)
	}
	if err := l.within(newSize); err != nil {
		return nil, fmt.Errorf("prove consistency: %w", err)
	}
	p, err := tlog.ProveTree(newSize, oldSize, reading(ctx, l.backend))
	if err != nil {
		return nil, fmt.Errorf("prove consistency from %d to %d: %w", oldSize, newSize, err)
	}
	return fromHashes(p), nil
}

func (l *Log) within(size int64) error {
	if have := l.Checkpoint().Size; size > have {
		return fmt.Errorf("the published log has %d entries, not %d", have, size)
	}
	return nil
}

// Show returns what a witness needs that has seen the log at seen, the zero
// Checkpoint for a witness that has not.
func (l *Log) Show(ctx context.Context, seen Checkpoint) (Exchange, error) {
	l.mu.Lock()
	head, note := l.head, l.stored.Note
	l.mu.Unlock()
	if note == nil {
		return Exchange{}, fmt.Errorf("show log: it has no entries yet")
	}
	from := seen.Size
	if seen.Epoch > 0 && seen.Epoch < head.Epoch && survives(seen.Epoch, head) < from {
		from = head.Epochs[len(head.Epochs)-1].From
	}
	x := Exchange{Checkpoint: note}
	if from == 0 {
		return x, nil
	}
	if from > head.Size {
		return Exchange{}, fmt.Errorf("show log: %w: the witness saw %d entries, the log holds %d", ErrForked, from, head.Size)
	}
	var err error
	x.Proof, err = l.ProveConsistency(ctx, from, head.Size)
	return x, err
}
