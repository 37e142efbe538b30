package ledger

import (
	"context"
	"fmt"
	"slices"
)

// NewEpoch opens a log that Open refuses, saying so: it continues the tree that
// the store holds under the next epoch's origin, and every checkpoint from then
// on names the reason, where the epoch began and the last checkpoint published
// before. A person decides this.
//
// After KeyLost or KeyExposed the signer is a new key and opt.Keys is the chain
// of the old ones; from then on Open is given that chain with the new key
// vouched for at the new epoch. With Restored the signer is the chain's last.
//
// When it returns, the epoch is stored and the anchor is in it. When it fails
// the epoch may be stored or not; Open, or NewEpoch again, tells.
func NewEpoch(ctx context.Context, b Backend, signer Signer, opt Options, reason Reason) (*Log, error) {
	l, err := newLog(b, signer, opt)
	if err != nil {
		return nil, err
	}
	if err := l.openEpoch(ctx, reason); err != nil {
		return nil, fmt.Errorf("new epoch: %w", err)
	}
	return l, nil
}

func (l *Log) openEpoch(ctx context.Context, reason Reason) error {
	if !reason.valid() {
		return fmt.Errorf("unknown reason %q", reason)
	}
	fence, err := l.backend.Fence(ctx, l.opt.Holder)
	if err != nil {
		return fmt.Errorf("take over: %w", err)
	}
	stored, head, err := l.readHead(ctx)
	if err != nil {
		return err
	}
	last, err := l.lastPublished(ctx, head)
	if err != nil {
		return err
	}
	next := nextEpoch(head, last, reason)
	if err := l.chooseKey(next.Epoch, reason); err != nil {
		return err
	}
	next.Key = l.signer.key
	note, err := sign(next.text(), l.signer)
	if err != nil {
		return err
	}
	l.stored, l.head = stored, head
	g, err := l.grower(ctx)
	if err != nil {
		return err
	}
	b := Batch{Prev: stored, Head: Head{Epoch: next.Epoch, Size: next.Size, Root: next.Root, Note: note}, FirstHash: g.first}
	if err := l.commit(ctx, fence, b, next); err != nil {
		return err
	}
	l.fence = fence
	return nil
}

// lastPublished is the anchor's checkpoint, or the head if that is further on
// or, adopted, if the anchor is gone.
func (l *Log) lastPublished(ctx context.Context, head Checkpoint) (Checkpoint, error) {
	anchor, err := l.published(ctx)
	if err != nil {
		return Checkpoint{}, err
	}
	if anchor.Epoch == 0 {
		if head.Size > 0 && !l.opt.Adopt {
			return Checkpoint{}, fmt.Errorf("%w: what was published last is not known", ErrNoAnchor)
		}
		return head, nil
	}
	if continues(anchor, head, l.rootAt(ctx)) == nil {
		return head, nil
	}
	return anchor, nil
}

// nextEpoch is the first checkpoint of the epoch after both head and last. The
// epochs already told are those of the later of the two.
func nextEpoch(head, last Checkpoint, reason Reason) Checkpoint {
	told := head
	if last.Epoch > head.Epoch {
		told = last
	}
	next := head
	next.Epoch = told.Epoch + 1
	next.Origin = originOf(head.Log, next.Epoch)
	next.Epochs = append(slices.Clone(told.Epochs), EpochStart{
		Epoch: next.Epoch, Reason: reason,
		From: head.Size, FromRoot: head.Root,
		Last: last.Size, LastRoot: last.Root,
	})
	return next
}

// chooseKey makes sure that the epoch is signed by the key its reason calls for.
func (l *Log) chooseKey(epoch int64, reason Reason) error {
	current := l.opt.Keys.Current()
	if reason == Restored {
		if current.vkey != l.signer.key.vkey {
			return fmt.Errorf("the chain of keys ends with %s, the signer is %s", current.ID(), l.signer.key.ID())
		}
		return nil
	}
	chain, err := l.opt.Keys.Vouch(epoch, l.signer.key)
	if err != nil {
		return fmt.Errorf("a %s epoch needs a new key: %w", reason, err)
	}
	l.opt.Keys = chain
	return nil
}
