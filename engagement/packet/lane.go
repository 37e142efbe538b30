package packet

import (
	"fmt"
	"maps"
	"slices"

	"tieout/audit"
	"tieout/engagement"
	"tieout/ledger"
)

// Sides are the two ends of one engagement's exchange. Of each party counts the
// origin of its log and the key by which the other knows it.
type Sides struct {
	Engagement string
	Firm       engagement.Party
	Client     engagement.Party
}

// SidesOf are the sides of an engagement with these terms.
func SidesOf(t engagement.Terms) Sides { return Sides{t.ID, t.Firm, t.Client} }

// Check refuses sides between which no packet could be told from another's.
func (s Sides) Check() error {
	if !engagementID.MatchString(s.Engagement) {
		return invalid("%q is not the ID of an engagement, such as EN-1", short(s.Engagement))
	}
	for who, p := range map[string]engagement.Party{"firm": s.Firm, "client": s.Client} {
		key, err := ledger.ParseKey(p.Key)
		if err != nil {
			return invalid("the %s's key: %v", who, err)
		}
		if key.Name() != p.Origin {
			return invalid("the %s's key is of log %q, its origin is %q", who, key.Name(), short(p.Origin))
		}
	}
	if s.Firm.Origin == s.Client.Origin || s.Firm.Key == s.Client.Key {
		return invalid("firm and client are the same log: each needs a workspace of its own")
	}
	return nil
}

// other is the party that from sends to.
func (s Sides) other(from engagement.Party) engagement.Party {
	if from.Origin == s.Firm.Origin {
		return s.Client
	}
	return s.Firm
}

// kinds are what a party may send.
func (s Sides) kinds(from engagement.Party) []engagement.Kind {
	if from.Origin == s.Firm.Origin {
		return engagement.FromFirm
	}
	return engagement.FromClient
}

// admits refuses what is of another engagement, between other parties, or of a
// kind that the sender does not send.
func (s Sides) admits(h Header, from engagement.Party) error {
	to := s.other(from)
	if h.Engagement != s.Engagement || h.From != from.Origin || h.To != to.Origin {
		return fmt.Errorf("%w: packet %d of %s from %s to %s does not belong here: this is %s, from %s to %s",
			audit.ErrForbidden, h.Number, h.Engagement, h.From, h.To, s.Engagement, from.Origin, to.Origin)
	}
	if !slices.Contains(s.kinds(from), h.Kind) {
		return fmt.Errorf("%w: %s does not send packets of kind %s", audit.ErrForbidden, from.Origin, h.Kind)
	}
	return nil
}

// A Lane is what one side knows of one direction of an exchange. The zero Lane
// is a direction in which nothing was sent yet. It is a value: nothing changes it.
type Lane struct {
	Last   int64             // number of the newest packet; 0: none
	Digest string            // its digest
	Seen   ledger.Checkpoint // the sender's log as the newest packet showed it
	Heard  int64             // highest number of the other direction it says it has heard

	keys    string           // of the sender's log, as the newest packet named them
	digests map[int64]string // of all packets
}

// A Gap is the error of a packet that came before others: audit.ErrConflict.
type Gap struct {
	First, Last int64 // numbers that are missing
	Came        int64
}

// Error says which are missing.
func (g *Gap) Error() string {
	missing := fmt.Sprintf("packet %d is", g.First)
	if g.Last > g.First {
		missing = fmt.Sprintf("packets %d to %d are", g.First, g.Last)
	}
	return fmt.Sprintf("%v: packet %d came and %s missing: bring what is missing first", audit.ErrConflict, g.Came, missing)
}

// Unwrap makes it an audit.ErrConflict.
func (g *Gap) Unwrap() error { return audit.ErrConflict }

// Expect judges a packet by its header: the next one that names the last one, or
// one that was here before, of which Repeats judges the bytes. A *Gap where
// others are missing; audit.ErrAltered where the packet before is another.
func (l Lane) Expect(h Header) error {
	switch {
	case h.Number > l.Last+1:
		return &Gap{First: l.Last + 1, Last: h.Number - 1, Came: h.Number}
	case h.Number == l.Last+1 && h.Prev != l.Digest:
		return altered("header", "packet %d of %s from %s follows a packet %d with digest %s; here that has %s",
			h.Number, h.Engagement, h.From, h.Number-1, h.Prev, l.Digest)
	}
	return nil
}

// Repeats reports whether the packet is one that was taken before, byte by byte.
// Another one under a number that was taken is an audit.ErrAltered.
func (l Lane) Repeats(h Header, digest string) (bool, error) {
	if h.Number > l.Last {
		return false, nil
	}
	if have := l.digests[h.Number]; have != digest {
		return true, altered("number", "packet %d of %s from %s has digest %s; the packet %d taken before has %s",
			h.Number, h.Engagement, h.From, digest, h.Number, have)
	}
	return true, nil
}

// Continues demands of the next packet that its sender's log still holds all
// that the packet before showed, under keys that continue those known: else the
// log forked, which is an audit.ErrAltered. A new epoch, or a key that came
// without a hand-over, is ledger.ErrNewEpoch until a person consents.
func (l Lane) Continues(p *Packet, consent ledger.Consent) error {
	who := p.Header.From
	if keys := p.parcel.Keys(); len(keys) < len(l.keys) || keys[:len(l.keys)] != l.keys {
		return fmt.Errorf("%w: packet %s: %w: the keys of %s are not the ones known here, continued", audit.ErrAltered, p.Name(), ledger.ErrForked, who)
	}
	if fresh := p.parcel.Vouched(l.keys); len(fresh) > 0 && !consent.NewEpoch {
		return newEpoch(p, fmt.Sprintf("key %s signs from epoch %d on without a hand-over", fresh[0].Key, fresh[0].Epoch))
	}
	if seen := max(l.Seen.Epoch, 1); p.Checkpoint.Epoch != seen && !consent.NewEpoch {
		return newEpoch(p, fmt.Sprintf("it was at epoch %d and is at epoch %d", seen, p.Checkpoint.Epoch))
	}
	if p.parcel.Old != l.Seen.Size {
		return altered("header", "its proof leads from %d entries of %s; the packet before showed %d", p.parcel.Old, who, l.Seen.Size)
	}
	if err := ledger.Continues(l.Seen, p.Checkpoint, p.parcel.Proof); err != nil {
		return fmt.Errorf("%w: packet %s: the log of %s does not continue the %d entries it showed before: %w", audit.ErrAltered, p.Name(), who, l.Seen.Size, err)
	}
	return nil
}

// newEpoch is the error of what a person has to read and accept first.
func newEpoch(p *Packet, what string) error {
	for _, e := range p.Checkpoint.Epochs {
		what += "; " + e.String()
	}
	return fmt.Errorf("%w: packet %s: %w: %s: %s. Ask them why, and accept it if you know", audit.ErrForbidden, p.Name(), ledger.ErrNewEpoch, p.Header.From, what)
}

// Answers checks what the next packet says of the direction back: that its sender
// heard nothing but what was sent, and forgot nothing that it had heard.
func (l Lane) Answers(h Header, sent Lane) error {
	heard := Heard{}
	if h.Heard != nil {
		heard = *h.Heard
	}
	switch {
	case heard.Number < l.Heard:
		return altered("header", "%s says it has heard %d packets; it had heard %d before: its store was restored from before that", h.From, heard.Number, l.Heard)
	case heard.Number > sent.Last || heard.Number > 0 && sent.digests[heard.Number] != heard.Digest:
		return altered("header", "%s says it has heard packet %d with digest %s; this side has not sent that", h.From, heard.Number, heard.Digest)
	}
	return nil
}

// witnessed returns the other side's word about a checkpoint of our log, which
// the packet that it heard showed.
func witnessed(p *Packet, checkpoint []byte) (cosigned, error) {
	key, err := ledger.ParseWitnessKey(p.By.VKey())
	if err != nil {
		return cosigned{}, err
	}
	line := []byte(p.Header.Heard.Line)
	said, err := ledger.VerifyCosignature(checkpoint, line, key)
	if err != nil {
		return cosigned{}, altered("header", "its word as witness of packet %d: %v", p.Header.Heard.Number, err)
	}
	return cosigned{said.Size, checkpoint, line, key}, nil
}

// cosigned is the other side's word about a checkpoint of our log; the zero value
// is none.
type cosigned struct {
	size int64
	note []byte
	line []byte
	by   ledger.Key
}

// then is the lane once a packet was taken.
func (l Lane) then(f fact) (Lane, error) {
	parcel, err := ledger.ParseParcel([]byte(f.Log))
	if err != nil {
		return l, err
	}
	seen, _, err := parcel.Read()
	if err != nil {
		return l, err
	}
	digests := maps.Clone(l.digests)
	if digests == nil {
		digests = map[int64]string{}
	}
	digests[f.Number] = f.digest
	if f.Prev != "" {
		digests[f.Number-1] = f.Prev // its own record may have been erased
	}
	return Lane{Last: f.Number, Digest: f.digest, Seen: seen, Heard: f.Heard, keys: parcel.Keys(), digests: digests}, nil
}
