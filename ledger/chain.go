package ledger

import (
	"fmt"
	"slices"
)

// Trust says why a key of a chain is believed.
type Trust string

const (
	// Given: the verifier was given this key as the log's first.
	Given Trust = "given"
	// HandedOver: the key before it signed a hand-over to it.
	HandedOver Trust = "handed over"
	// Vouched: an epoch opened without a hand-over; the verifier was given this
	// key too, and no earlier key speaks for it.
	Vouched Trust = "vouched for"
)

// Link is one key of a chain and from where on it signs.
type Link struct {
	Key   Key
	Trust Trust
	Epoch int64 // it signs from this epoch on
	Size  int64 // and, handed over, after the checkpoint of this size
	Root  [32]byte

	Handover string // the statement that handed the log over to it; "": none
}

// String is the fact in words.
func (l Link) String() string {
	switch l.Trust {
	case HandedOver:
		return fmt.Sprintf("key %s took over by a hand-over signed by both keys, after %d entries of epoch %d", l.Key.ID(), l.Size, l.Epoch)
	case Vouched:
		return fmt.Sprintf("key %s signs from epoch %d on; no earlier key vouches for it, it is trusted because it was given", l.Key.ID(), l.Epoch)
	}
	return fmt.Sprintf("key %s is the first key, as given", l.Key.ID())
}

// Chain is the succession of a log's keys. The zero Chain verifies nothing.
type Chain struct{ links []Link }

// NewChain returns the chain that starts with a key the verifier trusts and
// follows the hand-overs in order.
func NewChain(first Key, handovers ...[]byte) (Chain, error) {
	if first.zero() || first.witness {
		return Chain{}, fmt.Errorf("key chain: the first key is missing or is a witness key")
	}
	c := Chain{links: []Link{{Key: first, Trust: Given, Epoch: 1}}}
	for i, msg := range handovers {
		next, err := c.Follow(msg)
		if err != nil {
			return Chain{}, fmt.Errorf("key chain: hand-over %d of %d: %w", i+1, len(handovers), err)
		}
		c = next
	}
	return c, nil
}

// Follow returns the chain one hand-over further.
func (c Chain) Follow(msg []byte) (Chain, error) {
	if len(c.links) == 0 {
		return Chain{}, fmt.Errorf("key chain: it has no first key")
	}
	last := c.last()
	h, err := VerifyHandover(msg, last.Key)
	if err != nil {
		return Chain{}, err
	}
	if h.Epoch < last.Epoch || h.Epoch == last.Epoch && h.Size < last.Size {
		return Chain{}, fmt.Errorf("%w: the hand-over at epoch %d, size %d lies before its own key, epoch %d, size %d",
			ErrVerify, h.Epoch, h.Size, last.Epoch, last.Size)
	}
	return c.with(Link{Key: h.New, Trust: HandedOver, Epoch: h.Epoch, Size: h.Size, Root: h.Root, Handover: string(msg)})
}

// Vouch returns the chain with a key that signs from an epoch on without a
// hand-over, on the word of whoever gave the key.
func (c Chain) Vouch(epoch int64, key Key) (Chain, error) {
	if len(c.links) == 0 {
		return Chain{}, fmt.Errorf("key chain: it has no first key")
	}
	if key.zero() || key.witness || key.Name() != c.Log() {
		return Chain{}, fmt.Errorf("key chain: %q is not a key of log %q", key.ID(), c.Log())
	}
	if epoch <= c.last().Epoch {
		return Chain{}, fmt.Errorf("key chain: a key without hand-over needs an epoch after %d, not %d", c.last().Epoch, epoch)
	}
	return c.with(Link{Key: key, Trust: Vouched, Epoch: epoch})
}

// with refuses a key's return: which of its two spans a signature belongs to
// could not be told.
func (c Chain) with(l Link) (Chain, error) {
	for _, seen := range c.links {
		if seen.Key.vkey == l.Key.vkey {
			return Chain{}, fmt.Errorf("key chain: %w: key %s appears twice", ErrVerify, l.Key.ID())
		}
	}
	return Chain{links: append(slices.Clone(c.links), l)}, nil
}

// Links returns the keys, first to last.
func (c Chain) Links() []Link { return slices.Clone(c.links) }

// Log returns the name of the log the keys belong to.
func (c Chain) Log() string {
	if len(c.links) == 0 {
		return ""
	}
	return c.links[0].Key.Name()
}

// Current returns the key that signs now.
func (c Chain) Current() Key {
	if len(c.links) == 0 {
		return Key{}
	}
	return c.last().Key
}

func (c Chain) last() Link { return c.links[len(c.links)-1] }

// signs tells whether a signature line claims one of the chain's keys.
func (c Chain) signs(s sigLine) bool {
	return slices.ContainsFunc(c.links, func(l Link) bool { return s.by(l.Key) })
}

// VerifyCheckpoint reads a checkpoint signed by the log and nobody else, by a
// key that was in force at its epoch and size. At the size of a hand-over both
// keys are, and the root must be the one handed over.
func (c Chain) VerifyCheckpoint(msg []byte) (Checkpoint, error) {
	keys := make([]Key, len(c.links))
	for i, l := range c.links {
		keys[i] = l.Key
	}
	cp, err := VerifyCheckpoint(msg, keys...)
	if err != nil {
		return Checkpoint{}, err
	}
	_, sigs, err := splitNote(msg)
	if err != nil {
		return Checkpoint{}, err
	}
	for i, l := range c.links {
		signed := slices.ContainsFunc(sigs, func(s sigLine) bool { return s.by(l.Key) })
		if signed && !c.inForce(i, cp) {
			return Checkpoint{}, fmt.Errorf("checkpoint: %w: key %s was not in force at epoch %d, size %d", ErrVerify, l.Key.ID(), cp.Epoch, cp.Size)
		}
		if l.Trust == HandedOver && cp.Epoch == l.Epoch && cp.Size == l.Size && cp.Root != l.Root {
			return Checkpoint{}, fmt.Errorf("checkpoint: %w: root at size %d is not the one handed over to %s", ErrVerify, cp.Size, l.Key.ID())
		}
	}
	return cp, nil
}

// inForce tells whether link i covers the checkpoint.
func (c Chain) inForce(i int, cp Checkpoint) bool {
	from := c.links[i]
	if cp.Epoch < from.Epoch || cp.Epoch == from.Epoch && cp.Size < from.Size {
		return false
	}
	if i+1 == len(c.links) {
		return true
	}
	next := c.links[i+1]
	if next.Trust == Vouched {
		return cp.Epoch < next.Epoch
	}
	return cp.Epoch < next.Epoch || cp.Epoch == next.Epoch && cp.Size <= next.Size
}
