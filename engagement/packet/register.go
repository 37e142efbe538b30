package packet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/evidence"
	"tieout/ledger"
	"tieout/store"
)

// Media is the media type of a packet.
const Media = "application/vnd.tieout.packet"

// defaultLimit is how many bytes of payload and files a packet may bring, unless
// a Register says otherwise.
const defaultLimit = 8 << 30

// A Register keeps a workspace's packets, sent and received, as records of its
// log: nothing else holds them. It is safe for concurrent use, also by several
// processes on one store.
type Register struct {
	Spool string // folder for packets under way; "": the system's for temporary files
	Limit int64  // bytes of payload and files a packet may bring; 0: 8 GiB

	seal *evidence.Sealer
	now  func() time.Time

	mu        sync.Mutex
	next      int64 // log index from which on records are not read yet
	exchanges map[string]*exchange
}

// NewRegister returns the packets of the workspace whose log seal writes.
func NewRegister(seal *evidence.Sealer, now func() time.Time) *Register {
	return &Register{seal: seal, now: now, exchanges: map[string]*exchange{}}
}

// An exchange is one engagement's, as the log has it.
type exchange struct {
	sent, received direction
	once           map[string]int64 // number sent, by what it was sent once for
}

// A direction is a lane with its records.
type direction struct {
	lane  Lane
	facts map[int64]fact // by number
}

// A fact is the Detail of a packet's record: what is known of it without
// opening it.
type fact struct {
	Sent       bool            `json:"sent"` // else received
	Engagement string          `json:"engagement"`
	Firm       string          `json:"firm"` // origins
	Client     string          `json:"client"`
	Kind       engagement.Kind `json:"kind"`
	Number     int64           `json:"number"`
	Prev       string          `json:"prev"`
	Log        string          `json:"log"` // as Header.Log
	Heard      int64           `json:"heard,omitempty"`
	Once       string          `json:"once,omitempty"`    // what it was sent once for
	Content    string          `json:"content,omitempty"` // digest of kind, payload and files, where Once is given
	Call       string          `json:"call,omitempty"`    // which call sent it: two may have made the same bytes

	digest string
	size   int64
	record int64
	id     string
	at     time.Time
}

// checkpoint is the signed checkpoint that the packet showed.
func (f fact) checkpoint() []byte {
	p, err := ledger.ParseParcel([]byte(f.Log))
	if err != nil {
		return nil // it verifies as nobody's
	}
	return p.Checkpoint
}

// Filed is a packet as the register lists it.
type Filed struct {
	Number int64           `json:"number"`
	Kind   engagement.Kind `json:"kind"`
	Digest string          `json:"digest"`
	Size   int64           `json:"size"`
	Record int64           `json:"-"` // log index here
	At     time.Time       `json:"-"` // sealed here
}

func (f fact) filed() Filed {
	return Filed{Number: f.Number, Kind: f.Kind, Digest: f.digest, Size: f.size, Record: f.record, At: f.at}
}

func (s Sides) name() string { return s.Engagement + "\n" + s.Firm.Origin + "\n" + s.Client.Origin }

// see returns an exchange as of the newest record, under the lock of f.
func (r *Register) see(ctx context.Context, s Sides, f func(x *exchange) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.catchUp(ctx); err != nil {
		return err
	}
	x := r.exchanges[s.name()]
	if x == nil {
		x = &exchange{}
	}
	return f(x)
}

// catchUp reads the packets sealed since the last time, by whomever.
func (r *Register) catchUp(ctx context.Context) error {
	head, err := r.seal.Store.Head(ctx)
	if err != nil || r.next >= head.Size {
		return err
	}
	err = r.seal.Store.Records(ctx, store.RecordFilter{Kind: audit.RecordPacket, From: r.next, To: head.Size}, func(rec audit.Record) error {
		if err := r.add(rec); err != nil {
			return fmt.Errorf("%w: packet record %s: %w", audit.ErrAltered, rec.Ref(), err)
		}
		r.next = rec.Index + 1
		return nil
	})
	if err == nil {
		r.next = max(r.next, head.Size)
	}
	return err
}

// add takes one record. Of an erased one nothing is known but what the packet
// after it says.
func (r *Register) add(rec audit.Record) error {
	if len(rec.Detail) == 0 {
		return nil
	}
	f := fact{digest: rec.Digest, size: rec.Size, record: rec.Index, id: rec.ID, at: rec.Recorded}
	if err := json.Unmarshal(rec.Detail, &f); err != nil {
		return err
	}
	name := Sides{f.Engagement, engagement.Party{Origin: f.Firm}, engagement.Party{Origin: f.Client}}.name()
	x := r.exchanges[name]
	if x == nil {
		x = &exchange{once: map[string]int64{}, sent: direction{facts: map[int64]fact{}}, received: direction{facts: map[int64]fact{}}}
		r.exchanges[name] = x
	}
	d := &x.received
	if f.Sent {
		d = &x.sent
	}
	lane, err := d.lane.then(f)
	if err != nil {
		return err
	}
	d.lane, d.facts[f.Number] = lane, f
	if f.Sent && f.Once != "" {
		x.once[f.Once] = f.Number
	}
	return nil
}

// conflicting returns an error where another exchange was shown the same log
// with another root at the same size: it forked between its readers.
func (r *Register) conflicting(s Sides, from string, c ledger.Checkpoint) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, x := range r.exchanges {
		seen := x.received.lane.Seen
		if name != s.name() && seen.Log == from && seen.Epoch == c.Epoch && seen.Size == c.Size && seen.Root != c.Root {
			return altered("header", "%v: %s showed another log of %d entries in another engagement", ledger.ErrForked, from, c.Size)
		}
	}
	return nil
}

// sealPacket seals a packet under an ID that follows from its place, so that there is
// one packet of a number whoever writes it and however often.
func (r *Register) sealPacket(ctx context.Context, by audit.Actor, h Header, f fact, digest string, spool *os.File) error {
	d := evidence.Draft{ID: f.recordID(), Kind: audit.RecordPacket, Scope: h.Engagement, Media: Media, About: audit.At(h.Made), Actor: by, Detail: f}
	if f.size <= evidence.InlineMax {
		body, err := io.ReadAll(io.NewSectionReader(spool, 0, f.size))
		if err != nil {
			return err
		}
		d.Body = body
	} else {
		kept, size, err := r.seal.Blobs.Put(ctx, io.NewSectionReader(spool, 0, f.size))
		if err != nil {
			return err
		}
		if kept != digest || size != f.size {
			return fmt.Errorf("%w: the blob store kept %s of %d bytes as %s of %d", audit.ErrAltered, digest, f.size, kept, size)
		}
		d.Kept = &evidence.Kept{Digest: kept, Size: size}
	}
	_, err := r.seal.SealOnce(ctx, d)
	return err
}

// read opens a packet's bytes. Those of a blob are checked as they are read.
func (r *Register) read(ctx context.Context, f fact) (io.ReadCloser, error) {
	if f.size <= evidence.InlineMax {
		body, err := r.seal.Body(ctx, audit.Record{ID: f.id, Index: f.record, Digest: f.digest, Size: f.size})
		return io.NopCloser(bytes.NewReader(body)), err
	}
	return r.seal.Blobs.Get(ctx, f.digest)
}

// spool makes a file for a packet under way. The caller drops it.
func (r *Register) spool() (*os.File, error) {
	f, err := os.CreateTemp(r.Spool, "tieout-packet-")
	if err != nil {
		return nil, fmt.Errorf("keep a packet under way: %w", err)
	}
	return f, nil
}

func drop(f *os.File) error {
	err := f.Close()
	if rm := os.Remove(f.Name()); err == nil {
		err = rm
	}
	return err
}

func (r *Register) limit() int64 {
	if r.Limit > 0 {
		return r.Limit
	}
	return defaultLimit
}
