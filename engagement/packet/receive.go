package packet

import (
	"context"
	"errors"
	"fmt"
	"io"

	"tieout/audit"
	"tieout/ledger"
)

// Received is a packet that is in this workspace's log.
type Received struct {
	*Packet
	Record int64 // its index in the log
	Again  bool  // it was there before: nothing changed
}

// Receive reads a packet from the other side, checks every byte of it, its place
// in the exchange and that the sender's log continues, seals it in this
// workspace's log and returns it; the caller closes it. Receiving it again is
// harmless. When it returns nil the packet is durable and numbered.
//
// Errors: audit.ErrAltered where bytes, order or the sender's log are not what
// was signed or shown before; a *Gap where packets are missing;
// audit.ErrForbidden where it belongs elsewhere, or where a person has to consent
// to a new epoch of the sender's log (ledger.ErrNewEpoch).
func (p *Post) Receive(ctx context.Context, by audit.Actor, in io.Reader, consent ledger.Consent) (Received, error) {
	h, err := readHead(in)
	if err != nil {
		return Received{}, err
	}
	pk, cos, err := p.judge(ctx, h, consent)
	if err != nil {
		return Received{}, err
	}
	if err := p.reg.keep(h, in, pk); err != nil {
		return Received{}, err
	}
	got, err := p.take(ctx, by, pk)
	if err == nil {
		err = p.keepWord(ctx, cos)
	}
	if err != nil {
		return Received{}, errors.Join(err, pk.Close())
	}
	return got, nil
}

// Each calls take with the packets that were received with numbers above after,
// in order, from this workspace's log: so that whoever acts on packets acts on
// those too that were sealed when its process ended. Again is set on all of them.
func (p *Post) Each(ctx context.Context, after int64, take func(context.Context, Received) error) error {
	list, err := p.List(ctx, false, after)
	if err != nil {
		return err
	}
	for _, f := range list {
		pk, err := p.Packet(ctx, false, f.Number)
		if err != nil {
			return err
		}
		err = take(ctx, Received{Packet: pk, Record: f.Record, Again: true})
		if err := errors.Join(err, pk.Close()); err != nil {
			return fmt.Errorf("packet %s: %w", pk.Name(), err)
		}
	}
	return nil
}

// judge looks at all that a head can show, before anything else is read.
func (p *Post) judge(ctx context.Context, h head, consent ledger.Consent) (pk *Packet, cos cosigned, err error) {
	if err := p.sides.admits(h.header, p.other); err != nil {
		return nil, cos, err
	}
	if pk, err = h.verify(p.key); err != nil {
		return nil, cos, err
	}
	if n := h.header.Bytes(); n > p.reg.limit() {
		return nil, cos, invalid("%s brings %d bytes; this workspace takes at most %d", pk.Name(), n, p.reg.limit())
	}
	var sent, lane Lane
	var note []byte
	err = p.reg.see(ctx, p.sides, func(x *exchange) error {
		sent, lane = x.sent.lane, x.received.lane
		if h.header.Heard != nil {
			note = x.sent.facts[h.header.Heard.Number].checkpoint()
		}
		return lane.Expect(h.header)
	})
	if err != nil {
		return nil, cos, err
	}
	if h.header.Number > lane.Last {
		err = errors.Join(lane.Answers(h.header, sent), lane.Continues(pk, consent), p.reg.conflicting(p.sides, p.other.Origin, pk.Checkpoint))
	}
	if err == nil && note != nil {
		cos, err = witnessed(pk, note)
	}
	return pk, cos, err
}

// take seals what is new, and recognizes what is not.
func (p *Post) take(ctx context.Context, by audit.Actor, pk *Packet) (Received, error) {
	again, err := p.repeats(ctx, pk)
	if err != nil {
		return Received{}, err
	}
	if !again {
		f := p.fact(pk.Header, false)
		f.size = pk.Size
		if err := p.reg.sealPacket(ctx, by, pk.Header, f, pk.Digest, spoolOf(pk)); err != nil {
			return Received{}, fmt.Errorf("seal packet %s: %w", pk.Name(), err)
		}
		if _, err := p.repeats(ctx, pk); err != nil {
			return Received{}, err // another one got the number in between
		}
	}
	f, err := p.filed(ctx, false, pk.Header.Number)
	return Received{Packet: pk, Record: f.record, Again: again}, err
}

func (p *Post) repeats(ctx context.Context, pk *Packet) (again bool, err error) {
	err = p.reg.see(ctx, p.sides, func(x *exchange) error {
		again, err = x.received.lane.Repeats(pk.Header, pk.Digest)
		return err
	})
	return again, err
}

// keepWord keeps the other side's cosignature beside our checkpoint. One of an
// epoch that is over is in the packet and nowhere else.
func (p *Post) keepWord(ctx context.Context, c cosigned) error {
	if c.line == nil {
		return nil
	}
	head, err := p.reg.seal.Store.HeadAt(ctx, c.size)
	if err != nil {
		return fmt.Errorf("keep the other side's word about %d entries: %w", c.size, err)
	}
	if string(head.Note) != string(c.note) {
		return nil
	}
	_, err = p.reg.seal.Log.KeepCosignature(ctx, c.size, c.line, c.by)
	return err
}
