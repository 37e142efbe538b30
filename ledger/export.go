package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"

	"tieout/internal/durable"
)

// ExportTiles writes the log as static files in C2SP tlog-tiles layout under
// dir and returns the head written. Files of an earlier export stay; only what
// is new is written, and the checkpoint last, so an interrupted export leaves a
// whole older one and the next call finishes it. A folder that holds another
// history is refused with ErrForked. keys are the log's.
func ExportTiles(ctx context.Context, b Backend, dir string, keys Chain) (Head, error) {
	head, err := b.Head(ctx)
	if err != nil {
		return Head{}, fmt.Errorf("export tiles: read head: %w", err)
	}
	if head.Note == nil {
		return Head{}, errors.New("export tiles: the log has no entries yet")
	}
	next, err := keys.VerifyCheckpoint(head.Note)
	if err != nil {
		return Head{}, fmt.Errorf("export tiles: %w", err)
	}
	old, err := exported(ctx, b, dir, keys, next)
	if err != nil {
		return Head{}, fmt.Errorf("export tiles: %w", err)
	}
	if err := writeTiles(ctx, b, dir, tilesBetween(old, head.Size)); err != nil {
		return Head{}, fmt.Errorf("export tiles: %w", err)
	}
	if err := writeFile(dir, checkpointPath, head.Note); err != nil {
		return Head{}, fmt.Errorf("export tiles: %w", err)
	}
	return head, nil
}

// exported returns the size that dir already holds of the same log.
func exported(ctx context.Context, b Backend, dir string, keys Chain, next Checkpoint) (int64, error) {
	data, err := durable.Read(filepath.Join(dir, checkpointPath), maxNote)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	old, err := keys.VerifyCheckpoint(data)
	if err != nil {
		return 0, fmt.Errorf("folder %s: %w", dir, err)
	}
	root := func(size int64) ([32]byte, error) { return tlog.TreeHash(size, reading(ctx, b)) }
	if err := holds(old.Size, old.Root, next, root); err != nil || old.Log != next.Log || old.Epoch > next.Epoch {
		return 0, errors.Join(fmt.Errorf("folder %s holds %d entries of %s: %w: export to an empty folder", dir, old.Size, old.Origin, ErrForked), err)
	}
	return old.Size, nil
}

func writeTiles(ctx context.Context, b Backend, dir string, tiles []tile) error {
	for _, t := range tiles {
		data, err := tileData(ctx, b, t)
		if err != nil {
			return fmt.Errorf("%s: %w", t.path(), err)
		}
		if err := writeFile(dir, t.path(), data); err != nil {
			return err
		}
	}
	return nil
}

// writeFile leaves a file alone that is already as it should be.
func writeFile(dir, name string, data []byte) error {
	path := filepath.Join(dir, filepath.FromSlash(name))
	if have, err := durable.Read(path, maxNote); err == nil && bytes.Equal(have, data) {
		return nil
	}
	if err := durable.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return durable.Write(path, data, 0o644)
}

// tileData reads one tile or bundle from the backend.
func tileData(ctx context.Context, b Backend, t tile) ([]byte, error) {
	from := t.n * tileWidth
	if t.level == entriesLevel {
		leaves, err := b.LeafRange(ctx, from, from+int64(t.width))
		if err == nil && len(leaves) != t.width {
			err = fmt.Errorf("got %d of %d entries", len(leaves), t.width)
		}
		return encodeEntries(leaves), err
	}
	ids := make([]int64, t.width)
	for i := range ids {
		ids[i] = tlog.StoredHashIndex(t.level*tileHeight, from+int64(i))
	}
	hashes, err := b.ReadHashes(ctx, ids)
	if err == nil && len(hashes) != t.width {
		err = fmt.Errorf("got %d of %d hashes", len(hashes), t.width)
	}
	return encodeTile(hashes), err
}
