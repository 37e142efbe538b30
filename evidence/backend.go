package evidence

import (
	"context"

	"tieout/ledger"
	"tieout/store"
)

// Backend lets the store keep the log: it is a ledger.Backend. What a method
// promises is what the method of the same name of store.Store promises.
type Backend struct{ *store.Store }

var _ ledger.Backend = Backend{}

// Head implements ledger.Backend.
func (b Backend) Head(ctx context.Context) (ledger.Head, error) {
	h, err := b.Store.Head(ctx)
	return ledger.Head(h), err
}

// HeadAt implements ledger.Backend.
func (b Backend) HeadAt(ctx context.Context, size int64) (ledger.Head, error) {
	h, err := b.Store.HeadAt(ctx, size)
	return ledger.Head(h), err
}

// Pending implements ledger.Backend.
func (b Backend) Pending(ctx context.Context, limit int) ([]ledger.Leaf, error) {
	leaves, err := b.Store.Pending(ctx, limit)
	out := make([]ledger.Leaf, len(leaves))
	for i, l := range leaves {
		out[i] = ledger.Leaf(l)
	}
	return out, err
}

// Commit implements ledger.Backend.
func (b Backend) Commit(ctx context.Context, fence int64, batch ledger.Batch) error {
	leaves := make([]store.Leaf, len(batch.Leaves))
	for i, l := range batch.Leaves {
		leaves[i] = store.Leaf(l)
	}
	return b.Store.Commit(ctx, fence, store.Batch{
		Prev: store.Head(batch.Prev), Head: store.Head(batch.Head),
		Leaves: leaves, Hashes: batch.Hashes, FirstHash: batch.FirstHash,
	})
}
