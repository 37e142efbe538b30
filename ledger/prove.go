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
