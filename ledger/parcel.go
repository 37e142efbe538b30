package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// parcelTag is the first line of an exchange file.
const parcelTag = "tieout-log-exchange/v1"

const (
	maxParcel = 1 << 20
	maxSteps  = 1000
)

// A KeyStep is how a log came to its next key: by a hand-over that both keys
// signed, or without one from an epoch on.
type KeyStep struct {
	Handover string
	Key      string // note format; "" with a hand-over
	Epoch    int64
}

// A Parcel is an Exchange that is carried by hand, as a file: what the log shows
// a witness, with the keys that lead to it. The witness adds its cosignature to
// the checkpoint, and the same file is carried back. It holds no secret and no
// name of what is in the log.
type Parcel struct {
	First string // the log's first public key
	Steps []KeyStep
	Old   int64 // size the proof leads from; 0 for a witness that saw nothing
	Exchange
}

// Encode returns the file.
func (p Parcel) Encode() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n", parcelTag)
	b.Write(p.keyLines())
	fmt.Fprintf(&b, "old %d\n", p.Old)
	for _, h := range p.Proof {
		fmt.Fprintf(&b, "proof %s\n", formatHash(h))
	}
	b.WriteByte('\n')
	b.Write(p.Checkpoint)
	return b.Bytes()
}

func (p Parcel) keyLines() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "first %s\n", p.First)
	for _, s := range p.Steps {
		if s.Handover != "" {
			fmt.Fprintf(&b, "handover %s\n", b64.EncodeToString([]byte(s.Handover)))
			continue
		}
		fmt.Fprintf(&b, "key %d %s\n", s.Epoch, s.Key)
	}
	return b.Bytes()
}

// ParseParcel reads an exchange file of at most 1 MiB; what it accepts, Encode
// gives back unchanged. Signatures and proof are not checked here.
func ParseParcel(data []byte) (Parcel, error) {
	bad := func(line string) error {
		return fmt.Errorf("exchange file: %w: line %q is not in its place", ErrVerify, shorten(line))
	}
	if len(data) > maxParcel {
		return Parcel{}, fmt.Errorf("exchange file: %w: more than %d bytes", ErrVerify, maxParcel)
	}
	head, note, ok := bytes.Cut(data, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	if !ok || lines[0] != parcelTag {
		return Parcel{}, fmt.Errorf("exchange file: %w: it does not begin with %s", ErrVerify, parcelTag)
	}
	p := Parcel{Exchange: Exchange{Checkpoint: note}, Old: -1}
	for _, line := range lines[1:] {
		if !p.read(line) {
			return Parcel{}, bad(line)
		}
	}
	if p.First == "" || p.Old < 0 || !bytes.Equal(p.Encode(), data) {
		return Parcel{}, fmt.Errorf("exchange file: %w: it lacks a line or is not in its canonical spelling", ErrVerify)
	}
	_, _, err := splitNote(note)
	return p, err
}

// read takes one line; Encode puts the order right, so a line out of order shows.
func (p *Parcel) read(line string) bool {
	label, value, _ := strings.Cut(line, " ")
	var err error
	switch label {
	case "first":
		_, err = ParseKey(value)
		p.First = value
	case "handover", "key":
		err = p.readStep(label, value)
	case "old":
		if p.Old, err = strconv.ParseInt(value, 10, 64); p.Old < 0 {
			return false
		}
	case "proof":
		var h [32]byte
		h, err = parseHash(value)
		p.Proof = append(p.Proof, h)
	default:
		return false
	}
	return err == nil && len(p.Proof) <= maxProof && len(p.Steps) <= maxSteps
}

func (p *Parcel) readStep(label, value string) (err error) {
	var s KeyStep
	if label == "handover" {
		msg, err := b64.DecodeString(value)
		if err != nil || len(msg) == 0 {
			return errors.New("not base64")
		}
		s.Handover = string(msg)
	} else {
		epoch, key, _ := strings.Cut(value, " ")
		if s.Epoch, err = strconv.ParseInt(epoch, 10, 32); err != nil {
			return err
		}
		if _, err = ParseKey(key); err != nil {
			return err
		}
		s.Key = key
	}
	p.Steps = append(p.Steps, s)
	return nil
}

// Chain follows the keys the parcel names. Whoever believes the first believes
// the hand-overs; a key without one has to be believed by itself.
func (p Parcel) Chain() (Chain, error) {
	first, err := ParseKey(p.First)
	if err != nil {
		return Chain{}, err
	}
	chain, err := NewChain(first)
	for i := 0; i < len(p.Steps) && err == nil; i++ {
		chain, err = p.Steps[i].follow(chain)
	}
	return chain, err
}

func (s KeyStep) follow(chain Chain) (Chain, error) {
	if s.Handover != "" {
		return chain.Follow([]byte(s.Handover))
	}
	key, err := ParseKey(s.Key)
	if err != nil {
		return Chain{}, err
	}
	return chain.Vouch(s.Epoch, key)
}

// Read returns what the parcel's checkpoint says and the checkpoint as the log
// signed it, without cosignatures.
func (p Parcel) Read() (Checkpoint, []byte, error) {
	chain, err := p.Chain()
	if err != nil {
		return Checkpoint{}, nil, err
	}
	bare, err := chain.Bare(p.Checkpoint)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	c, err := chain.VerifyCheckpoint(bare)
	return c, bare, err
}

// Cosignatures returns the signature lines that are not by the log's keys.
func (p Parcel) Cosignatures() ([][]byte, error) {
	chain, err := p.Chain()
	if err != nil {
		return nil, err
	}
	_, sigs, err := splitNote(p.Checkpoint)
	var out [][]byte
	for _, s := range sigs {
		if !chain.signs(s) {
			out = append(out, []byte(s.String()))
		}
	}
	return out, err
}

// With returns the parcel with a witness's line on its checkpoint, in place of
// an earlier one by the same key.
func (p Parcel) With(line []byte) (Parcel, error) {
	added, err := parseSigLine(string(line))
	if err != nil {
		return Parcel{}, err
	}
	text, sigs, err := splitNote(p.Checkpoint)
	if err != nil {
		return Parcel{}, err
	}
	kept := sigs[:0]
	for _, s := range sigs {
		if s.name != added.name || s.hash != added.hash {
			kept = append(kept, s)
		}
	}
	p.Checkpoint = joinNote(text, append(kept, added))
	return p, nil
}
