package ledger

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"tieout/internal/durable"
)

// Anchor keeps the last published checkpoint outside the database, so that a
// database restored from a backup cannot pass for the newest state.
type Anchor interface {
	// Load returns what Save kept last, nil if nothing was kept yet.
	Load(ctx context.Context) ([]byte, error)
	// Save keeps note; on return it survives a crash.
	Save(ctx context.Context, note []byte) error
}

// FileAnchor keeps the checkpoint in a file. The file must not be part of what
// a restore of the database brings back.
type FileAnchor struct{ Path string }

// Load implements Anchor.
func (f FileAnchor) Load(context.Context) ([]byte, error) {
	data, err := durable.Read(f.Path, maxNote)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// Save implements Anchor.
func (f FileAnchor) Save(_ context.Context, note []byte) error {
	return durable.Write(f.Path, note, 0o644)
}

// rootAt gives the root of the log's first size entries.
type rootAt func(size int64) ([32]byte, error)

// continues checks that head is a later state of the log that published before.
// It is the one rule for the log's own anchor and for a witness that accepts a
// new epoch: within an epoch nothing is lost; across epochs the head itself
// must own up to at least what was published.
func continues(before, head Checkpoint, root rootAt) error {
	if before.Log != head.Log {
		return fmt.Errorf("%w: checkpoint of %q, expected %q", ErrForked, head.Log, before.Log)
	}
	if before.Epoch > head.Epoch {
		return fmt.Errorf("%w: epoch %d was published, the log is at epoch %d", ErrForked, before.Epoch, head.Epoch)
	}
	if before.Epoch == head.Epoch {
		return holds(before.Size, before.Root, head, root)
	}
	next := head.Epochs[before.Epoch-1] // how the epoch after before's began
	switch {
	case before.Size > next.Last:
		return fmt.Errorf("%w: a checkpoint of %d entries was published; epoch %d speaks only of %d", ErrForked, before.Size, next.Epoch, next.Last)
	case before.Size == next.Last && before.Root != next.LastRoot:
		return fmt.Errorf("%w: epoch %d names another root for the %d entries published before it", ErrForked, next.Epoch, next.Last)
	case before.Size <= survives(before.Epoch, head):
		return holds(before.Size, before.Root, head, root)
	}
	return nil
}

// survives is the number of entries of an epoch that every later one continued.
func survives(epoch int64, head Checkpoint) int64 {
	n := head.Size
	for _, e := range head.Epochs[epoch-1:] {
		n = min(n, e.From)
	}
	return n
}

// holds checks that the log's first size entries have the given root.
func holds(size int64, want [32]byte, head Checkpoint, root rootAt) error {
	if size > head.Size {
		return fmt.Errorf("%w: %d entries were published, the log holds %d", ErrForked, size, head.Size)
	}
	got, err := root(size)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%w: its first %d entries are not the ones published", ErrForked, size)
	}
	return nil
}
