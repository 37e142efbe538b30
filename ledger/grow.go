package ledger

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// grower appends leaf hashes to a tree of which it holds the right edge.
type grower struct {
	size  int64
	first int64 // storage index of grown[0]
	edge  map[int64]tlog.Hash
	grown []tlog.Hash
}

// grower reads the right edge of the tree at the head, once.
func (l *Log) grower(ctx context.Context) (*grower, error) {
	g := &grower{size: l.head.Size, first: tlog.StoredHashCount(l.head.Size), edge: map[int64]tlog.Hash{}}
	reader := reading(ctx, l.backend)
	root, err := tlog.TreeHash(g.size, tlog.HashReaderFunc(func(ids []int64) ([]tlog.Hash, error) {
		hashes, err := reader.ReadHashes(ids)
		for i, h := range hashes {
			g.edge[ids[i]] = h
		}
		return hashes, err
	}))
	if err != nil {
		return nil, err
	}
	if root != l.head.Root {
		return nil, fmt.Errorf("stored tree: %w: its hashes do not give the signed root of %d entries", ErrVerify, g.size)
	}
	return g, nil
}

func (g *grower) add(leaf tlog.Hash) error {
	hashes, err := tlog.StoredHashesForRecordHash(g.size, leaf, g)
	if err != nil {
		return fmt.Errorf("append entry %d: %w", g.size, err)
	}
	g.grown = append(g.grown, hashes...)
	g.size++
	return nil
}

// ReadHashes implements tlog.HashReader over the edge and what was grown.
func (g *grower) ReadHashes(ids []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(ids))
	for i, id := range ids {
		if at := id - g.first; at >= 0 && at < int64(len(g.grown)) {
			out[i] = g.grown[at]
			continue
		}
		h, ok := g.edge[id]
		if !ok {
			return nil, fmt.Errorf("hash %d is not on the right edge of the tree", id)
		}
		out[i] = h
	}
	return out, nil
}

// reading turns a backend into the reader that proofs are made with.
func reading(ctx context.Context, b Backend) tlog.HashReader {
	return tlog.HashReaderFunc(func(ids []int64) ([]tlog.Hash, error) {
		if len(ids) == 0 {
			return nil, nil
		}
		hashes, err := b.ReadHashes(ctx, ids)
		if err != nil {
			return nil, fmt.Errorf("read hashes: %w", err)
		}
		if len(hashes) != len(ids) {
			return nil, fmt.Errorf("read hashes: got %d of %d", len(hashes), len(ids))
		}
		return toHashes(hashes), nil
	})
}

func (l *Log) rootAt(ctx context.Context) rootAt {
	return func(size int64) ([32]byte, error) { return tlog.TreeHash(size, reading(ctx, l.backend)) }
}
