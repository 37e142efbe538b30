package ledger

import (
	"fmt"
	"strings"
)

// A statement is what the holder of a log's key says under that key and is
// neither a checkpoint nor a hand-over: its first line is a tag with a space in
// it, which no origin and no hand-over has, so none can be taken for another.

// SignStatement returns text under its tag as a note signed by s. The tag has a
// space and is one line; text ends with a newline and holds no control characters
// but newlines.
func SignStatement(s Signer, tag, text string) ([]byte, error) {
	if s.signer == nil {
		return nil, fmt.Errorf("sign statement %q: no signer", shorten(tag))
	}
	if !strings.Contains(tag, " ") || strings.Contains(tag, "\n") || !strings.HasSuffix(text, "\n") {
		return nil, fmt.Errorf("sign statement %q: the tag needs a space, the text a newline at its end", shorten(tag))
	}
	msg, err := sign(tag+"\n"+text, s)
	if err != nil {
		return nil, err
	}
	_, _, err = splitNote(msg) // what could not be read back is not said
	return msg, err
}

// VerifyStatement reads a statement with that tag, signed by exactly one of the
// keys, and returns its text and who signed. A changed byte anywhere is an error
// that wraps ErrVerify.
func VerifyStatement(msg []byte, tag string, keys ...Key) (text string, by Key, err error) {
	all, sigs, err := splitNote(msg)
	if err != nil {
		return "", Key{}, fmt.Errorf("statement: %w", err)
	}
	text, ok := strings.CutPrefix(all, tag+"\n")
	if !ok || !strings.Contains(tag, " ") || len(sigs) != 1 {
		return "", Key{}, fmt.Errorf("statement: %w: it is not one under %q with one signature", ErrVerify, shorten(tag))
	}
	if by, err = verifyLine(all, sigs[0], keys); err != nil {
		return "", Key{}, fmt.Errorf("statement: %w", err)
	}
	return text, by, nil
}

// ReadStatement is VerifyStatement without any check of the signature, to learn
// from the text whose keys to ask for. What it returns is nobody's word yet.
func ReadStatement(msg []byte, tag string) (text string, err error) {
	all, sigs, err := splitNote(msg)
	text, ok := strings.CutPrefix(all, tag+"\n")
	if err == nil && (!ok || len(sigs) != 1) {
		err = fmt.Errorf("%w: it is not one under %q with one signature", ErrVerify, shorten(tag))
	}
	if err != nil {
		return "", fmt.Errorf("statement: %w", err)
	}
	return text, nil
}

// Cosign returns a cosignature/v1 line (C2SP tlog-cosignature) by the key over a
// checkpoint, with this machine's clock. The caller has made sure that nothing
// seen before is missing from it (Continues). It verifies with the key that
// ParseWitnessKey makes of the log's public key.
func (s Signer) Cosign(checkpoint []byte) ([]byte, error) {
	if s.cosigner == nil {
		return nil, fmt.Errorf("cosign: %s holds no Ed25519 key", s)
	}
	text, _, err := splitNote(checkpoint)
	if err != nil {
		return nil, fmt.Errorf("cosign: %w", err)
	}
	if _, err := parseCheckpoint(text); err != nil {
		return nil, fmt.Errorf("cosign: %w", err)
	}
	sig, err := s.cosigner.Sign([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("cosign with %s: %w", s.key.ID(), err)
	}
	return []byte(sigLine{name: s.key.Name(), hash: s.cosigner.KeyHash(), sig: sig}.String()), nil
}

// Signer returns what signs the log's checkpoints. It does not show the secret.
func (l *Log) Signer() Signer { return l.signer }

// Continues tells whether next still holds all that last says, as the proof
// shows: nil, or ErrForked. A next of another epoch than last is judged by what
// it says of that epoch's beginning; whether a person accepts it is the caller's
// to ask. The zero Checkpoint for last is a log that was never seen.
func Continues(last, next Checkpoint, proof [][32]byte) error {
	if last.Log == "" {
		last = Checkpoint{Log: next.Log, Origin: next.Log, Epoch: 1, Root: EmptyRoot}
	}
	return continuesByProof(last, next, proof)
}

// Parcel returns what the log shows somebody who follows it from the key first
// on and saw it last at seen, the zero Checkpoint for nothing.
func (c Chain) Parcel(first Key, seen Checkpoint, x Exchange) (Parcel, error) {
	p := Parcel{First: first.vkey, Old: seen.Size, Exchange: x}
	found := false
	for _, l := range c.links {
		if found {
			p.Steps = append(p.Steps, l.step())
		}
		found = found || l.Key.vkey == first.vkey
	}
	if !found || first.zero() {
		return Parcel{}, fmt.Errorf("key chain: %q is not among the keys of log %q", first.ID(), c.Log())
	}
	return p, nil
}

func (l Link) step() KeyStep {
	if l.Trust == HandedOver {
		return KeyStep{Handover: l.Handover}
	}
	return KeyStep{Key: l.Key.vkey, Epoch: l.Epoch}
}

// Keys are the lines of the parcel that name the log's keys: a later parcel's
// begin with an earlier one's.
func (p Parcel) Keys() string { return string(p.keyLines()) }

// Vouched are the steps of the parcel whose keys came without a hand-over and
// that an earlier parcel, by its Keys, did not have.
func (p Parcel) Vouched(known string) []KeyStep {
	var out []KeyStep
	for i, s := range p.Steps {
		upTo := Parcel{First: p.First, Steps: p.Steps[:i+1]}
		if s.Handover == "" && len(upTo.keyLines()) > len(known) {
			out = append(out, s)
		}
	}
	return out
}
