package packet

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/internal/canonical"
	"tieout/ledger"
)

// A Post is this workspace's end of one engagement's exchange. What it sends is
// sealed here before it leaves, what it receives before it is believed to be
// here. It is safe for concurrent use, also by several processes on one store.
type Post struct {
	reg   *Register
	sides Sides
	own   engagement.Party
	other engagement.Party
	key   ledger.Key // the other side's, from which its log is followed
}

// Post returns the end of the exchange that this workspace's log is on:
// audit.ErrForbidden where it is neither side's, or under another key.
func (r *Register) Post(s Sides) (*Post, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	chain := r.seal.Log.Keys()
	p := &Post{reg: r, sides: s}
	switch chain.Log() {
	case s.Firm.Origin:
		p.own, p.other = s.Firm, s.Client
	case s.Client.Origin:
		p.own, p.other = s.Client, s.Firm
	default:
		return nil, fmt.Errorf("%w: %s is between %s and %s; this workspace's log is %s", audit.ErrForbidden, s.Engagement, s.Firm.Origin, s.Client.Origin, chain.Log())
	}
	if !slices.ContainsFunc(chain.Links(), func(l ledger.Link) bool { return l.Key.VKey() == p.own.Key }) {
		return nil, fmt.Errorf("%w: %s names a key of %s that this workspace's log never had", audit.ErrForbidden, s.Engagement, p.own.Origin)
	}
	key, err := ledger.ParseKey(p.other.Key)
	p.key = key
	return p, err
}

// Sides are the exchange's two ends.
func (p *Post) Sides() Sides { return p.sides }

// Outgoing is what is to be sent.
type Outgoing struct {
	Kind    engagement.Kind
	Payload any // the value that Kind sends
	Files   []File
	By      audit.Actor
	// Once names what this is sent for, such as the record of the act behind it:
	// however often it is sent, one packet goes out. "" sends another each time.
	Once string
}

// Send seals a packet in this workspace's log as the next one to the other side
// and returns how it was filed. When it returns nil the packet is durable and
// numbered, and goes out with the next exchange. After a crash, sending again
// with the same Once gives the same packet; with another content under it,
// book.ErrKeyUsed.
func (p *Post) Send(ctx context.Context, o Outgoing) (Filed, error) {
	if !slices.Contains(p.sides.kinds(p.own), o.Kind) {
		return Filed{}, invalid("this side does not send packets of kind %q", short(string(o.Kind)))
	}
	d, err := prepare(Header{Kind: o.Kind, Engagement: p.sides.Engagement, From: p.own.Origin, To: p.other.Origin}, o.Payload, o.Files)
	if err != nil {
		return Filed{}, err
	}
	content, err := d.content()
	if err != nil {
		return Filed{}, err
	}
	for {
		f, won, err := p.sendNext(ctx, o, d, content)
		if err != nil || won {
			return f.filed(), err
		}
		if err := ctx.Err(); err != nil {
			return Filed{}, err
		}
	}
}

// SentFor returns the packet that was sent once for something, and whether there
// is one: whoever would read gigabytes to send them asks first.
func (p *Post) SentFor(ctx context.Context, once string) (f Filed, known bool, err error) {
	err = p.reg.see(ctx, p.sides, func(x *exchange) error {
		n, ok := x.once[once]
		if known = ok; ok {
			f = x.sent.facts[n].filed()
		}
		return nil
	})
	return f, known, err
}

// NewestFor returns the newest packet that was sent once for something whose name
// begins with prefix, by that name and its number; "" and 0 where none was. Whoever
// sends how something stands asks what the other side was told last.
func (p *Post) NewestFor(ctx context.Context, prefix string) (once string, number int64, err error) {
	err = p.reg.see(ctx, p.sides, func(x *exchange) error {
		for name, n := range x.once {
			if strings.HasPrefix(name, prefix) && n > number {
				once, number = name, n
			}
		}
		return nil
	})
	return once, number, err
}

// content is the digest of what a packet brings, without its place.
func (d draft) content() (string, error) {
	b, err := canonical.Marshal(map[string]any{"kind": string(d.header.Kind), "payload": d.header.Payload, "files": d.header.Files})
	return digestOf(b), err
}

// sendNext seals the draft under the next number, unless somebody else got that
// first: then won is false.
func (p *Post) sendNext(ctx context.Context, o Outgoing, d draft, content string) (f fact, won bool, err error) {
	if err := p.fresh(ctx); err != nil {
		return f, false, err
	}
	sent, known, err := p.address(ctx, &d, o.Once)
	if err != nil {
		return f, false, err
	}
	if known != nil {
		if known.Content != content {
			return f, false, fmt.Errorf("%w: packet %d was sent for %q with another content", book.ErrKeyUsed, known.Number, short(o.Once))
		}
		return *known, true, nil
	}
	if err := p.show(ctx, &d.header, sent); err != nil {
		return f, false, err
	}
	return p.file(ctx, o, d, content)
}

// fresh makes this process's view of the log the newest.
func (p *Post) fresh(ctx context.Context) error {
	seal := p.reg.seal
	if err := seal.Number(ctx); err != nil {
		return err
	}
	head, err := seal.Store.Head(ctx)
	if err != nil {
		return err
	}
	if now := seal.Log.Checkpoint(); head.Size > now.Size || head.Epoch > now.Epoch {
		return seal.Log.Reload(ctx)
	}
	return nil
}

// address gives the draft its place: number, predecessor, and what was heard. It
// returns the packet that was sent for once before, if one was.
func (p *Post) address(ctx context.Context, d *draft, once string) (sent Lane, known *fact, err error) {
	var heard Lane
	var note []byte
	err = p.reg.see(ctx, p.sides, func(x *exchange) error {
		if n, ok := x.once[once]; ok && once != "" {
			f := x.sent.facts[n]
			known = &f
		}
		sent, heard, note = x.sent.lane, x.received.lane, x.received.facts[x.received.lane.Last].checkpoint()
		return nil
	})
	if err != nil || known != nil {
		return sent, known, err
	}
	d.header.Number, d.header.Prev, d.header.Made = sent.Last+1, sent.Digest, audit.Instant(p.reg.now())
	d.header.Heard = nil
	if heard.Last > 0 {
		line, err := p.reg.seal.Log.Signer().Cosign(note)
		if err != nil {
			return sent, nil, err
		}
		d.header.Heard = &Heard{Number: heard.Last, Digest: heard.Digest, Line: string(line)}
	}
	return sent, nil, nil
}

// show puts this workspace's log into the header, with the proof that it
// continues what the packet before showed.
func (p *Post) show(ctx context.Context, h *Header, sent Lane) error {
	log := p.reg.seal.Log
	x, err := log.Show(ctx, sent.Seen)
	if err != nil {
		return fmt.Errorf("show the log to %s: %w", p.other.Origin, err)
	}
	own, err := ledger.ParseKey(p.own.Key)
	if err != nil {
		return err
	}
	parcel, err := log.Keys().Parcel(own, sent.Seen, x)
	h.Log = string(parcel.Encode())
	return err
}

// file writes the packet and seals it; won tells whether it is the one that has
// its number now.
func (p *Post) file(ctx context.Context, o Outgoing, d draft, content string) (f fact, won bool, err error) {
	spool, err := p.reg.spool()
	if err != nil {
		return f, false, err
	}
	defer func() { err = errors.Join(err, drop(spool)) }()
	digest, err := d.write(spool, p.reg.seal.Log.Signer())
	if err != nil {
		return f, false, err
	}
	f = p.fact(d.header, true)
	if f.size, err = spool.Seek(0, io.SeekCurrent); err != nil {
		return f, false, err
	}
	f.Call = rand.Text()
	if o.Once != "" {
		f.Once, f.Content = o.Once, content
	}
	call := f.Call
	if err := p.reg.sealPacket(ctx, o.By, d.header, f, digest, spool); err != nil {
		return f, false, fmt.Errorf("seal packet %s: %w", d.header.FileName(), err)
	}
	f, err = p.filed(ctx, true, d.header.Number)
	return f, f.Call == call, err
}

// fact is what a packet's record says of it.
func (p *Post) fact(h Header, sent bool) fact {
	f := fact{Sent: sent, Engagement: h.Engagement, Firm: p.sides.Firm.Origin, Client: p.sides.Client.Origin,
		Kind: h.Kind, Number: h.Number, Prev: h.Prev, Log: h.Log}
	if h.Heard != nil {
		f.Heard = h.Heard.Number
	}
	return f
}

// recordID is the ID under which a packet of this place is sealed once: a UUIDv8
// (RFC 9562, section 5.8).
func (f fact) recordID() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "tieout packet\x00%t\x00%s\x00%s\x00%s\x00%d", f.Sent, f.Engagement, f.Firm, f.Client, f.Number))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// filed returns what the log has under a number: audit.ErrNotFound for nothing.
func (p *Post) filed(ctx context.Context, sent bool, number int64) (f fact, err error) {
	err = p.reg.see(ctx, p.sides, func(x *exchange) error {
		d := x.received
		if sent {
			d = x.sent
		}
		var ok bool
		if f, ok = d.facts[number]; !ok {
			return fmt.Errorf("%w: packet %d of %s is not in this log, or was erased", audit.ErrNotFound, number, p.sides.Engagement)
		}
		return nil
	})
	return f, err
}

// Lanes are the two directions as of the newest record.
func (p *Post) Lanes(ctx context.Context) (sent, received Lane, err error) {
	err = p.reg.see(ctx, p.sides, func(x *exchange) error {
		sent, received = x.sent.lane, x.received.lane
		return nil
	})
	return sent, received, err
}

// List returns what was sent, or received, with numbers above after, in order.
func (p *Post) List(ctx context.Context, sent bool, after int64) (out []Filed, err error) {
	err = p.reg.see(ctx, p.sides, func(x *exchange) error {
		d := x.received
		if sent {
			d = x.sent
		}
		for n := after + 1; n <= d.lane.Last; n++ {
			if f, ok := d.facts[n]; ok {
				out = append(out, f.filed())
			}
		}
		return nil
	})
	return out, err
}

// Bytes opens the bytes of a packet that was sent. Read them to the end: only
// then have they been checked.
func (p *Post) Bytes(ctx context.Context, number int64) (io.ReadCloser, Filed, error) {
	f, err := p.filed(ctx, true, number)
	if err != nil {
		return nil, Filed{}, err
	}
	r, err := p.reg.read(ctx, f)
	return r, f.filed(), err
}

// Packet opens a packet that was sent, or received, and checks all of it again.
// The caller closes it.
func (p *Post) Packet(ctx context.Context, sent bool, number int64) (*Packet, error) {
	f, err := p.filed(ctx, sent, number)
	if err != nil {
		return nil, err
	}
	from := p.other
	if sent {
		from = p.own
	}
	key, err := ledger.ParseKey(from.Key)
	if err != nil {
		return nil, err
	}
	r, err := p.reg.read(ctx, f)
	if err != nil {
		return nil, err
	}
	pk, err := p.unpack(r, key)
	return pk, errors.Join(err, r.Close())
}

// unpack spools and checks a packet that is in the log.
func (p *Post) unpack(r io.Reader, key ledger.Key) (*Packet, error) {
	h, err := readHead(r)
	if err != nil {
		return nil, err
	}
	pk, err := h.verify(key)
	if err != nil {
		return nil, err
	}
	return pk, p.reg.keep(h, r, pk)
}

// keep copies the rest of a packet to a spool file that the packet then reads
// from, and drops when it is closed. On error nothing is left.
func (r *Register) keep(h head, in io.Reader, pk *Packet) error {
	spool, err := r.spool()
	if err != nil {
		return err
	}
	if err := h.readBody(in, spool, pk); err != nil {
		return errors.Join(err, drop(spool))
	}
	pk.r, pk.close = spool, func() error { return drop(spool) }
	return nil
}

// spoolOf is the file behind a packet that keep kept.
func spoolOf(p *Packet) *os.File {
	f, _ := p.r.(*os.File)
	return f
}
