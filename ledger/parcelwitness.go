package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"tieout/internal/durable"
)

// ErrUnknownLog: a witness was shown a log that nobody told it to follow.
var ErrUnknownLog = errors.New("this witness does not follow the log yet")

// A Desk is the witness of somebody who is brought exchange files: it keeps in
// its folder which key each log began with and what it saw of it last.
type Desk struct {
	Witness *Witness
	State   FileWitnessState
}

// OpenDesk loads the witness's key and its folder.
func OpenDesk(keyFile, dir string) (Desk, error) {
	state := FileWitnessState{Dir: dir}
	w, err := LoadWitness(keyFile, state)
	return Desk{Witness: w, State: state}, err
}

// Consent is what a person decides about an exchange.
type Consent struct {
	First    string // the log's first public key, known from elsewhere: begins to follow it
	NewEpoch bool   // accepts an epoch the witness has not seen, and a key that came without a hand-over
}

// Sign cosigns the parcel and returns it with the line on it. The keys the log
// was followed with before must be the beginning of those the parcel names.
// Errors: ErrUnknownLog, ErrNewEpoch, ErrForked, ErrVerify. What was seen is on
// disk before the line is made.
func (d Desk) Sign(ctx context.Context, p Parcel, consent Consent) (Parcel, Cosignature, error) {
	known, err := d.known(p, consent)
	if err != nil {
		return Parcel{}, Cosignature{}, err
	}
	if err := vouchedSince(known, p, consent.NewEpoch); err != nil {
		return Parcel{}, Cosignature{}, err
	}
	chain, err := p.Chain()
	if err != nil {
		return Parcel{}, Cosignature{}, err
	}
	_, bare, err := p.Read()
	if err != nil {
		return Parcel{}, Cosignature{}, err
	}
	d.Witness.Follow(chain)
	x, sign := Exchange{Checkpoint: bare, Proof: p.Proof}, d.Witness.Cosign
	if consent.NewEpoch {
		sign = d.Witness.AcceptEpoch
	}
	// The keys are kept first: with more keys than needed what was seen still verifies.
	if err := d.keepKeys(chain.Log(), p); err != nil {
		return Parcel{}, Cosignature{}, err
	}
	line, err := sign(ctx, x)
	if err != nil {
		return Parcel{}, Cosignature{}, err
	}
	said, err := VerifyCosignature(bare, line, d.Witness.Key())
	if err != nil {
		return Parcel{}, Cosignature{}, err
	}
	p, err = p.With(line)
	return p, said, err
}

// Seen returns what the desk saw last of the parcel's log.
func (d Desk) Seen(ctx context.Context, p Parcel) (Checkpoint, bool, error) {
	chain, err := p.Chain()
	if err != nil {
		return Checkpoint{}, false, err
	}
	d.Witness.Follow(chain)
	return d.Witness.Seen(ctx, chain.Log())
}

// known returns the keys followed so far, once the parcel's begin with them.
func (d Desk) known(p Parcel, consent Consent) (kept []byte, err error) {
	first, err := ParseKey(p.First)
	if err != nil {
		return nil, err
	}
	kept, err = durable.Read(d.keysPath(first.Name()), maxParcel)
	switch {
	case errors.Is(err, fs.ErrNotExist) && consent.First == p.First:
		return Parcel{First: p.First}.keyLines(), nil
	case errors.Is(err, fs.ErrNotExist) && consent.First != "":
		return nil, fmt.Errorf("%w: the exchange names %s as first key, you name %s", ErrVerify, p.First, consent.First)
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: %s, which names %s as its first key", ErrUnknownLog, first.Name(), p.First)
	case err != nil:
		return nil, err
	case !bytes.HasPrefix(p.keyLines(), kept):
		return nil, fmt.Errorf("%w: the keys of %s are not the ones this witness knows, continued", ErrForked, first.Name())
	}
	return kept, nil
}

// vouchedSince refuses a key without hand-over that is not known yet, unless a
// person accepts it.
func vouchedSince(known []byte, p Parcel, accepted bool) error {
	if fresh := p.Vouched(string(known)); len(fresh) > 0 && !accepted {
		return fmt.Errorf("%w: key %s signs from epoch %d on without a hand-over", ErrNewEpoch, fresh[0].Key, fresh[0].Epoch)
	}
	return nil
}

func (d Desk) keepKeys(log string, p Parcel) error {
	if err := durable.MkdirAll(d.State.Dir, 0o755); err != nil {
		return err
	}
	return durable.Write(d.keysPath(log), p.keyLines(), 0o644)
}

func (d Desk) keysPath(log string) string { return d.State.path(log) + ".keys" }
