package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
)

// defaultBatch is the number of leaves committed at once.
const defaultBatch = 4096

// Options say how a log is run. Anchor is required; the rest may be left zero.
type Options struct {
	Holder string // who sequences, for the store's record of fences
	Anchor Anchor
	Keys   Chain // up to the signer's key; zero: that key is the first
	Batch  int   // leaves a commit, 4,096 if zero
	// Adopt takes the stored head as published when the anchor is gone. A person
	// decides this, once: it gives up the protection against a restored store.
	Adopt bool
}

// Log is the fenced sequencer and prover of one log. Any number of Logs may
// share a backend: the first Sequence of one takes the log over from the
// others, whose next Sequence returns ErrFenced. Methods may be called from
// several goroutines; proofs do not wait for a Sequence under way.
//
// After any failed write the outcome is unknown and Sequence returns ErrReload
// until Reload has read what really happened. What Head returns is on disk in
// the backend and in the anchor.
type Log struct {
	backend Backend
	signer  Signer
	opt     Options

	seq    sync.Mutex // held by whoever writes
	fence  int64      // 0: not the sequencer
	broken error

	mu     sync.Mutex // held for a moment, so that proofs never wait for a write
	stored Head       // exactly as the backend has it
	head   Checkpoint // what stored says; size 0 for the zero Head
}

// Open loads a log and refuses it with ErrForked when the stored head is behind
// or inconsistent with the anchor: a restored database must not publish again
// what it published before. Then either the newer database is brought back, or
// NewEpoch says openly what was lost. Opening takes nothing over.
func Open(ctx context.Context, b Backend, signer Signer, opt Options) (*Log, error) {
	l, err := newLog(b, signer, opt)
	if err != nil {
		return nil, err
	}
	if l.opt.Keys.Current().vkey != signer.key.vkey {
		return nil, fmt.Errorf("open log: the chain of keys ends with %s, the signer is %s: add the hand-over", l.opt.Keys.Current().ID(), signer.key.ID())
	}
	if err := l.Reload(ctx); err != nil {
		return nil, err
	}
	return l, nil
}

func newLog(b Backend, signer Signer, opt Options) (*Log, error) {
	if signer.signer == nil {
		return nil, errors.New("open log: no signer")
	}
	if opt.Anchor == nil {
		return nil, errors.New("open log: no anchor: a log without one could fork unseen")
	}
	if opt.Batch == 0 {
		opt.Batch = defaultBatch
	}
	if opt.Batch < 1 {
		return nil, fmt.Errorf("open log: batch of %d leaves", opt.Batch)
	}
	if len(opt.Keys.links) == 0 {
		chain, err := NewChain(signer.key)
		if err != nil {
			return nil, err
		}
		opt.Keys = chain
	}
	return &Log{backend: b, signer: signer, opt: opt}, nil
}

// Reload reads the stored head again, checks it against the tree and the
// anchor, and makes the Log usable after a failed write. It gives up the fence;
// the next Sequence takes a new one.
func (l *Log) Reload(ctx context.Context) error {
	l.seq.Lock()
	defer l.seq.Unlock()
	l.fence = 0
	return l.load(ctx)
}

// load sets stored and head, and leaves the Log broken unless all of it fits.
func (l *Log) load(ctx context.Context) error {
	l.broken = errors.New("loading did not finish")
	kept, err := l.opt.Anchor.Load(ctx) // before the head, which another may move on
	if err != nil {
		return fmt.Errorf("load log: read anchor: %w", err)
	}
	stored, head, err := l.readHead(ctx)
	if err != nil {
		return fmt.Errorf("load log: %w", err)
	}
	if err := l.checkAnchor(ctx, kept, stored, head); err != nil {
		return fmt.Errorf("load log: %w", err)
	}
	l.show(stored, head)
	l.broken = nil
	return nil
}

// show lets readers see a head that is published.
func (l *Log) show(stored Head, head Checkpoint) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stored, l.head = stored, head
}

// readHead returns the stored head and what its checkpoint says, once the
// signature and the root of the stored tree agree with it.
func (l *Log) readHead(ctx context.Context) (Head, Checkpoint, error) {
	stored, err := l.backend.Head(ctx)
	if err != nil {
		return Head{}, Checkpoint{}, fmt.Errorf("read head: %w", err)
	}
	if stored.Size == 0 && stored.Note == nil {
		name := l.opt.Keys.Log()
		return stored, Checkpoint{Origin: name, Log: name, Epoch: 1, Root: EmptyRoot}, nil
	}
	head, err := l.opt.Keys.VerifyCheckpoint(stored.Note)
	if err != nil {
		return Head{}, Checkpoint{}, fmt.Errorf("stored head: %w", err)
	}
	if head.Size != stored.Size || head.Root != stored.Root || head.Epoch != stored.Epoch {
		return Head{}, Checkpoint{}, fmt.Errorf("stored head: %w: epoch %d, size %d differs from its signed checkpoint, epoch %d, size %d",
			ErrVerify, stored.Epoch, stored.Size, head.Epoch, head.Size)
	}
	root, err := l.rootAt(ctx)(head.Size)
	if err != nil {
		return Head{}, Checkpoint{}, err
	}
	if root != head.Root {
		return Head{}, Checkpoint{}, fmt.Errorf("stored tree: %w: its hashes do not give the signed root of %d entries", ErrVerify, head.Size)
	}
	return stored, head, nil
}

// checkAnchor compares the head with what was published and moves the anchor
// up to it.
func (l *Log) checkAnchor(ctx context.Context, kept []byte, stored Head, head Checkpoint) error {
	if kept == nil {
		if head.Size > 0 && !l.opt.Adopt {
			return fmt.Errorf("%w: the store holds %d entries: bring the anchor back, or adopt the stored head knowingly", ErrNoAnchor, head.Size)
		}
		return l.publish(ctx, stored.Note, head)
	}
	before, err := l.opt.Keys.VerifyCheckpoint(kept)
	if err != nil {
		return fmt.Errorf("anchor: %w", err)
	}
	if err := continues(before, head, l.rootAt(ctx)); err != nil {
		return err
	}
	return l.publish(ctx, stored.Note, head)
}

// publish moves the anchor to head, unless another process that shares it has
// moved it further. A log without entries gets a checkpoint that says so, and
// the store cannot lose its first entries unseen.
func (l *Log) publish(ctx context.Context, note []byte, head Checkpoint) error {
	kept, err := l.published(ctx)
	if err != nil {
		return err
	}
	if kept.Epoch > head.Epoch || kept.Epoch == head.Epoch && kept.Size >= head.Size {
		return nil
	}
	if note == nil {
		if note, err = sign(head.text(), l.signer); err != nil {
			return err
		}
	}
	if err := l.opt.Anchor.Save(ctx, note); err != nil {
		return fmt.Errorf("save anchor: %w", err)
	}
	return nil
}

// published is what the anchor keeps, the zero Checkpoint for nothing.
func (l *Log) published(ctx context.Context) (Checkpoint, error) {
	kept, err := l.opt.Anchor.Load(ctx)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("read anchor: %w", err)
	}
	if kept == nil {
		return Checkpoint{}, nil
	}
	c, err := l.opt.Keys.VerifyCheckpoint(kept)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("anchor: %w", err)
	}
	return c, nil
}

// Sequence numbers everything that is pending, a batch at a time, and returns
// how many leaves got an index. The numbered leaves, their hashes and a signed
// head are stored together or not at all. On error the first n leaves stay
// numbered; whether more were is known after Reload.
func (l *Log) Sequence(ctx context.Context) (n int, err error) {
	l.seq.Lock()
	defer l.seq.Unlock()
	if l.broken != nil {
		return 0, fmt.Errorf("sequence: %w: %w", ErrReload, l.broken)
	}
	if err := l.takeOver(ctx); err != nil {
		return 0, fmt.Errorf("sequence: %w", err)
	}
	for {
		leaves, err := l.backend.Pending(ctx, l.opt.Batch)
		if err != nil {
			return n, fmt.Errorf("sequence: read pending: %w", err)
		}
		if len(leaves) == 0 {
			return n, nil
		}
		if err := l.step(ctx, leaves); err != nil {
			return n, fmt.Errorf("sequence: %w", err)
		}
		n += len(leaves)
	}
}

// takeOver fences everyone else off and only then reads the head to build on.
func (l *Log) takeOver(ctx context.Context) error {
	if l.fence != 0 {
		return nil
	}
	fence, err := l.backend.Fence(ctx, l.opt.Holder)
	if err != nil {
		return fmt.Errorf("take over: %w", err)
	}
	if err := l.load(ctx); err != nil {
		return err
	}
	l.fence = fence
	return nil
}

// step commits one batch and moves the anchor.
func (l *Log) step(ctx context.Context, leaves []Leaf) error {
	b, head, err := l.batch(ctx, leaves)
	if err != nil {
		return err
	}
	return l.commit(ctx, l.fence, b, head)
}

// commit stores the batch, then publishes; from the first write on an error
// leaves the Log broken.
func (l *Log) commit(ctx context.Context, fence int64, b Batch, head Checkpoint) error {
	l.broken = errors.New("a commit has an unknown outcome")
	if err := l.backend.Commit(ctx, fence, b); err != nil {
		l.broken = commitError(err)
		return fmt.Errorf("commit %d entries at %d: %w", len(b.Leaves), b.Prev.Size, l.broken)
	}
	if err := l.publish(ctx, b.Head.Note, head); err != nil {
		l.broken = err
		return err
	}
	l.show(b.Head, head)
	l.broken = nil
	return nil
}

// batch computes the hashes and the signed head that leaves lead to.
func (l *Log) batch(ctx context.Context, leaves []Leaf) (Batch, Checkpoint, error) {
	g, err := l.grower(ctx)
	if err != nil {
		return Batch{}, Checkpoint{}, err
	}
	for _, leaf := range leaves {
		if err := g.add(LeafHash(leaf.Commitment)); err != nil {
			return Batch{}, Checkpoint{}, err
		}
	}
	root, err := tlog.TreeHash(g.size, g)
	if err != nil {
		return Batch{}, Checkpoint{}, fmt.Errorf("root of %d entries: %w", g.size, err)
	}
	head := l.head
	head.Size, head.Root, head.Key = g.size, root, l.signer.key
	note, err := sign(head.text(), l.signer)
	if err != nil {
		return Batch{}, Checkpoint{}, err
	}
	return Batch{
		Prev:      l.stored,
		Head:      Head{Epoch: head.Epoch, Size: head.Size, Root: head.Root, Note: note},
		Leaves:    leaves,
		Hashes:    fromHashes(g.grown),
		FirstHash: g.first,
	}, head, nil
}

// Head returns the newest published head.
func (l *Log) Head() Head {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.stored
	h.Epoch, h.Root = l.head.Epoch, l.head.Root
	return h
}

// Checkpoint returns what the newest published checkpoint says.
func (l *Log) Checkpoint() Checkpoint {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.head
}

// HandOver returns the statement that next signs from the newest checkpoint on,
// signed by both keys, and ends the Log: its Sequence returns ErrReload, and
// Reload must not be called. Open again with next and the statement in
// Options.Keys. An entry numbered by another process with the old key after
// this makes the statement void; Open then says so, and a new one is signed.
func (l *Log) HandOver(next Signer) ([]byte, error) {
	l.seq.Lock()
	defer l.seq.Unlock()
	if l.broken != nil {
		return nil, fmt.Errorf("hand over: %w: %w", ErrReload, l.broken)
	}
	if l.head.Size == 0 {
		return nil, errors.New("hand over: the log has no entries yet: open it with the new key alone")
	}
	msg, err := SignHandover(l.signer, next, l.head)
	if err != nil {
		return nil, err
	}
	l.broken = fmt.Errorf("the key was handed over to %s", next.key.ID())
	return msg, nil
}

// Keys returns the chain of keys the log is run under.
func (l *Log) Keys() Chain { return l.opt.Keys }
