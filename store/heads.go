package store

import (
	"context"
	"database/sql"
	"fmt"
)

// headsAtOnce bounds how many heads are in memory while they are read.
const headsAtOnce = 512

// Heads calls yield with every head of the log, in the order in which they were
// signed. yield may use the store.
func (s *Store) Heads(ctx context.Context, yield func(Head) error) error {
	for after := int64(-1); ; {
		heads, last, err := s.headsAfter(ctx, after)
		if err != nil {
			return fmt.Errorf("read log heads: %w", err)
		}
		for _, h := range heads {
			if err := yield(h); err != nil {
				return err
			}
		}
		if len(heads) < headsAtOnce {
			return nil
		}
		after = last
	}
}

func (s *Store) headsAfter(ctx context.Context, after int64) (heads []Head, last int64, err error) {
	err = s.eachRow(ctx, func(r *sql.Rows) error {
		var h Head
		err := r.Scan(&last, &h.Epoch, &h.Size, hash32{&h.Root}, &h.Note)
		heads = append(heads, h)
		return err
	}, `select n, epoch, size, root, note from log_heads where n > $1 order by n limit $2`, after, headsAtOnce)
	return heads, last, err
}

// CosignedSizes returns the sizes of which Cosignatures has something, rising.
func (s *Store) CosignedSizes(ctx context.Context) (sizes []int64, err error) {
	err = s.eachRow(ctx, func(r *sql.Rows) error {
		var n int64
		err := r.Scan(&n)
		sizes = append(sizes, n)
		return err
	}, `select distinct size from cosignatures order by size`)
	if err != nil {
		return nil, fmt.Errorf("read sizes of cosigned heads: %w", err)
	}
	return sizes, nil
}
