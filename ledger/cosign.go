package ledger

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

// Names under which a Backend keeps what others say about a checkpoint.
const (
	witnessPrefix = "witness:"
	tsaPrefix     = "tsa:"
)

// Cosignature is what one witness says: that at that time, by its own clock, it
// had seen no other history of the log than the one up to the checkpoint.
type Cosignature struct {
	Witness Key
	Origin  string
	Size    int64
	At      time.Time // UTC, to the second
}

// String is the fact in words.
func (c Cosignature) String() string {
	return fmt.Sprintf("witness %s saw %s at %d entries on %s, by its clock", c.Witness.Name(), c.Origin, c.Size, c.At.Format(time.RFC3339))
}

// VerifyCosignature checks one cosignature/v1 line (C2SP tlog-cosignature), with
// its newline, over a signed checkpoint. The checkpoint's own signature is not
// checked here. A changed byte in the line is an error.
func VerifyCosignature(checkpoint, line []byte, witness Key) (Cosignature, error) {
	if witness.zero() || !witness.witness {
		return Cosignature{}, fmt.Errorf("cosignature: %q is not a witness key", witness.ID())
	}
	text, _, err := splitNote(checkpoint)
	if err != nil {
		return Cosignature{}, fmt.Errorf("cosignature: %w", err)
	}
	c, err := parseCheckpoint(text)
	if err != nil {
		return Cosignature{}, fmt.Errorf("cosignature: %w", err)
	}
	s, err := parseSigLine(string(line))
	if err != nil {
		return Cosignature{}, fmt.Errorf("cosignature: %w", err)
	}
	if _, err := verifyLine(text, s, []Key{witness}); err != nil {
		return Cosignature{}, fmt.Errorf("cosignature: %w", err)
	}
	at, err := cosignedAt(s)
	return Cosignature{Witness: witness, Origin: c.Origin, Size: c.Size, At: at}, err
}

// cosignedAt reads the time a verified cosignature carries.
func cosignedAt(s sigLine) (time.Time, error) {
	if len(s.sig) < 8 {
		return time.Time{}, fmt.Errorf("cosignature: %w: too short for a time", ErrVerify)
	}
	secs := binary.BigEndian.Uint64(s.sig)
	if secs == 0 || secs > 1<<38 {
		return time.Time{}, fmt.Errorf("cosignature: %w: its time, %d seconds, is no time of a witness", ErrVerify, secs)
	}
	return time.Unix(int64(secs), 0).UTC(), nil
}

// Cosigned is what a checkpoint with cosignatures on it says.
type Cosigned struct {
	Checkpoint Checkpoint
	Witnessed  []Cosignature // by the witnesses given; empty: order not externally witnessed
	Unchecked  []string      // name+hash of signers whose keys were not given; they count for nothing
}

// VerifyCosigned reads a checkpoint that witnesses have cosigned. The log's own
// signature and every cosignature by a witness given must hold.
func VerifyCosigned(msg []byte, keys Chain, witnesses ...Key) (Cosigned, error) {
	text, sigs, err := splitNote(msg)
	if err != nil {
		return Cosigned{}, fmt.Errorf("checkpoint: %w", err)
	}
	var out Cosigned
	var own []sigLine
	for _, s := range sigs {
		if keys.signs(s) {
			own = append(own, s)
			continue
		}
		known := slices.IndexFunc(witnesses, s.by)
		if known < 0 {
			out.Unchecked = append(out.Unchecked, fmt.Sprintf("%s+%08x", s.name, s.hash))
			continue
		}
		c, err := VerifyCosignature(msg, []byte(s.String()), witnesses[known])
		if err != nil {
			return Cosigned{}, err
		}
		out.Witnessed = append(out.Witnessed, c)
	}
	if len(own) == 0 {
		return Cosigned{}, fmt.Errorf("checkpoint: %w: no signature by a key of log %q", ErrVerify, keys.Log())
	}
	out.Checkpoint, err = keys.VerifyCheckpoint(joinNote(text, own))
	if err != nil {
		return Cosigned{}, err
	}
	return out, nil
}

// WithCosignatures returns the checkpoint with cosignature lines added, as it is
// published for readers who know the witnesses.
func WithCosignatures(checkpoint []byte, lines ...[]byte) ([]byte, error) {
	text, sigs, err := splitNote(checkpoint)
	if err != nil {
		return nil, err
	}
	for _, line := range lines {
		s, err := parseSigLine(string(line))
		if err != nil {
			return nil, err
		}
		sigs = append(sigs, s)
	}
	return joinNote(text, sigs), nil
}

// KeepCosignature verifies a witness's line for the checkpoint signed at size
// and keeps it in the backend, in place of an earlier one by the same witness.
func (l *Log) KeepCosignature(ctx context.Context, size int64, line []byte, witness Key) (Cosignature, error) {
	head, err := l.backend.HeadAt(ctx, size)
	if err != nil {
		return Cosignature{}, fmt.Errorf("keep cosignature: head at %d: %w", size, err)
	}
	c, err := VerifyCosignature(head.Note, line, witness)
	if err != nil {
		return Cosignature{}, err
	}
	if err := l.backend.Cosign(ctx, size, witnessPrefix+witness.Name(), line); err != nil {
		return Cosignature{}, fmt.Errorf("keep cosignature of %s: %w", witness.Name(), err)
	}
	return c, nil
}

// KeepTimestamp verifies an RFC 3161 token over the checkpoint signed at size
// and keeps it in the backend under the authority's name.
func (l *Log) KeepTimestamp(ctx context.Context, size int64, token []byte, trust TSATrust, now time.Time) (Timestamp, error) {
	head, err := l.backend.HeadAt(ctx, size)
	if err != nil {
		return Timestamp{}, fmt.Errorf("keep timestamp: head at %d: %w", size, err)
	}
	ts, err := VerifyTimestamp(token, head.Note, trust, now)
	if err != nil {
		return Timestamp{}, err
	}
	if err := l.backend.Cosign(ctx, size, tsaPrefix+ts.Authority, token); err != nil {
		return Timestamp{}, fmt.Errorf("keep timestamp of %s: %w", ts.Authority, err)
	}
	return ts, nil
}
