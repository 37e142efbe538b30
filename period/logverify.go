package period

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/evidence"
	"tieout/ledger"
	"tieout/store"
)

// A LogCheck is one thing that was looked at in the log, as a sentence.
type LogCheck struct {
	Verdict string `json:"verdict"` // "ok", "not ok" or, where it cannot be said, "open"
	Check   string `json:"check"`
}

// LogChecks are all that were made.
type LogChecks struct {
	List  []LogCheck
	first error
}

func (c *LogChecks) ok(format string, args ...any) {
	c.List = append(c.List, LogCheck{"ok", fmt.Sprintf(format, args...)})
}

func (c *LogChecks) open(format string, args ...any) {
	c.List = append(c.List, LogCheck{"open", fmt.Sprintf(format, args...)})
}

func (c *LogChecks) bad(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	c.List = append(c.List, LogCheck{"not ok", text})
	if c.first == nil {
		c.first = fmt.Errorf("%w: the log: %s", audit.ErrAltered, text)
	}
}

// VerifyLog checks the whole log as the store has it, also one that Open
// refuses: the succession of keys, every stored hash against the commitments,
// every signed head, the anchor, and all that witnesses and time-stamp
// authorities said. The checks come back also with an error, which wraps
// audit.ErrAltered and names the first thing that is wrong.
func (p *Program) VerifyLog(ctx context.Context, tsa ledger.TSATrust, progress func(done, total int64)) (*LogChecks, error) {
	c := &LogChecks{}
	chain, err := p.chain(ctx)
	if errors.Is(err, audit.ErrAltered) {
		c.bad("%v", err)
		return c, c.first
	}
	if err != nil {
		return c, err
	}
	for _, l := range chain.Links() {
		c.ok("%s", l)
	}
	b := evidence.Backend{Store: p.Store}
	facts, notes, err := p.verifyHeads(ctx, b, chain, progress)
	if err != nil {
		return c, err
	}
	c.hashes(facts)
	if facts.Head.Size > 0 {
		p.verifyAnchor(ctx, c, b, chain, facts.Head)
	}
	if err := p.verifySayings(ctx, c, notes, facts.Head.Size, p.trusted(tsa)); err != nil {
		return c, err
	}
	return c, c.first
}

// verifyHeads checks hashes and heads, and collects the checkpoints of the sizes
// that somebody has spoken about.
func (p *Program) verifyHeads(ctx context.Context, b evidence.Backend, chain ledger.Chain, progress func(done, total int64)) (ledger.StoredFacts, map[int64][][]byte, error) {
	sizes, err := p.Store.CosignedSizes(ctx)
	if err != nil {
		return ledger.StoredFacts{}, nil, err
	}
	notes := map[int64][][]byte{}
	for _, n := range sizes {
		notes[n] = nil
	}
	heads := func(ctx context.Context, yield func(ledger.Head) error) error {
		return p.Store.Heads(ctx, func(h store.Head) error {
			if _, spoken := notes[h.Size]; spoken {
				notes[h.Size] = append(notes[h.Size], h.Note)
			}
			return yield(ledger.Head(h))
		})
	}
	facts, err := ledger.VerifyStored(ctx, b, chain, heads, progress)
	return facts, notes, err
}

func (c *LogChecks) hashes(f ledger.StoredFacts) {
	for _, err := range f.Faults {
		c.bad("%s", strings.TrimPrefix(err.Error(), ledger.ErrVerify.Error()+": "))
	}
	if f.Head.Size == 0 && len(f.Faults) == 0 {
		c.open("the log has no entries yet")
		return
	}
	if len(f.Faults) == 0 {
		c.ok("%d stored hashes are what the commitments of %d entries give", f.Hashes, f.Entries)
		c.ok("%d signed heads, up to %d entries of %s, are the roots of those commitments; the newest is signed by %s", f.Heads, f.Head.Size, f.Head.Origin, f.Head.Key.ID())
	}
	for _, e := range f.Head.Epochs {
		c.open("%s", e)
	}
}

func (p *Program) verifyAnchor(ctx context.Context, c *LogChecks, b evidence.Backend, chain ledger.Chain, head ledger.Checkpoint) {
	before, err := ledger.CheckAnchor(ctx, b, chain, p.anchor(), head)
	switch {
	case err == nil:
		c.ok("the log continues the %d entries of epoch %d that the anchor says were published", before.Size, before.Epoch)
	case errors.Is(err, ledger.ErrForked):
		c.bad("%v: bring the newer store back, or say openly what was lost with 'tieout log epoch --reason restored'", err)
	default:
		c.bad("%v (%s)", err, p.anchorPath())
	}
}

// verifySayings checks all that is kept of those outside.
func (p *Program) verifySayings(ctx context.Context, c *LogChecks, notes map[int64][][]byte, size int64, trusted ledger.Trusted) error {
	sizes := make([]int64, 0, len(notes))
	for n := range notes {
		sizes = append(sizes, n)
	}
	slices.Sort(sizes)
	var newest int64
	for _, n := range sizes {
		kept, err := p.Store.Cosignatures(ctx, n)
		if err != nil {
			return err
		}
		names := make([]string, 0, len(kept))
		for name := range kept {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			if c.saying(name, kept[name], n, notes[n], trusted) {
				newest = n
			}
		}
	}
	if size > 0 && newest < size {
		c.open("order not externally witnessed from entry %d on: nobody outside has seen the newest checkpoint, of %d entries", newest, size)
	}
	return nil
}

// saying checks one for any of the checkpoints signed at its size, and tells
// whether it holds.
func (c *LogChecks) saying(name string, said []byte, size int64, notes [][]byte, trusted ledger.Trusted) bool {
	err := fmt.Errorf("there is no head of %d entries", size)
	for _, note := range notes {
		var s ledger.Saying
		s, err = ledger.CheckSaying(name, said, note, trusted)
		if err == nil && !s.Witness && len(trusted.TSA.Roots) == 0 {
			c.open("%d entries were seen by %s, by the certificate the stamp carries; give the authority's with --tsa to check it", size, s)
			return true
		}
		if err == nil {
			c.ok("%d entries were seen by %s", size, s)
			return true
		}
	}
	if errors.Is(err, ledger.ErrUnknownWitness) {
		c.open("%d entries: %v, so what it says does not count", size, err)
		return false
	}
	c.bad("what %s says about %d entries: %v", name, size, err)
	return false
}
