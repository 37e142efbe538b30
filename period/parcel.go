package period

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"tieout/audit"
	"tieout/definition"
	"tieout/ledger"
)

// witness is short for one in tieout.yaml.
type witness = definition.WitnessConfig

// canBeAsked reports whether a witness has an address; one without is brought
// exchange files by hand.
func canBeAsked(w witness) bool { return w.URL != "" }

func witnessKey(w witness) (ledger.Key, error) {
	key, err := ledger.ParseWitnessKey(w.Key)
	if err != nil {
		return key, fmt.Errorf("%w: tieout.yaml: witness %s: %w", audit.ErrInvalid, w.Name, err)
	}
	return key, nil
}

// A Seen says what a witness saw last: the zero Seen is nothing, or not known.
type Seen struct {
	Epoch int64 // 0: the log's present one
	Size  int64
}

// SeenBy returns what the named witness cosigned last, as far as is known here;
// with no name, of the only one in tieout.yaml.
func (p *Program) SeenBy(ctx context.Context, name string) (Seen, error) {
	list := p.Def.Config.Ledger.Witnesses
	if name == "" && len(list) != 1 {
		return Seen{}, nil
	}
	for _, w := range list {
		if name != "" && name != w.Name {
			continue
		}
		key, err := witnessKey(w)
		c := p.seenBy(ctx, key)
		return Seen{c.Epoch, c.Size}, err
	}
	return Seen{}, fmt.Errorf("%w: tieout.yaml names no witness %q", audit.ErrNotFound, name)
}

// Parcel is what the log shows a witness that saw it last at seen, as a file to
// be carried by hand.
func (p *Program) Parcel(ctx context.Context, seen Seen) (ledger.Parcel, error) {
	now := p.Log.Checkpoint()
	if seen.Epoch == 0 {
		seen.Epoch = now.Epoch
	}
	if seen.Epoch > now.Epoch || seen.Size < 0 || seen.Epoch == now.Epoch && seen.Size > now.Size {
		return ledger.Parcel{}, fmt.Errorf("%w: the log is at %d entries of epoch %d; it cannot show a proof from %d of epoch %d",
			audit.ErrInvalid, now.Size, now.Epoch, seen.Size, seen.Epoch)
	}
	x, err := p.Log.Show(ctx, ledger.Checkpoint{Epoch: seen.Epoch, Size: seen.Size})
	if err != nil {
		return ledger.Parcel{}, err
	}
	s, err := p.Succession(ctx)
	if err != nil {
		return ledger.Parcel{}, err
	}
	out := ledger.Parcel{First: s.First, Old: seen.Size, Exchange: x}
	for _, step := range s.Steps {
		out.Steps = append(out.Steps, ledger.KeyStep(step))
	}
	return out, nil
}

// TakeBack keeps the cosignatures on a parcel that came back from witnesses
// named in tieout.yaml, and says what it kept. A parcel of another log, or with
// a checkpoint this log never signed, is audit.ErrAltered; one on which nobody
// named here has signed is audit.ErrInconclusive.
func (p *Program) TakeBack(ctx context.Context, parcel ledger.Parcel) ([]Answer, error) {
	c, bare, err := parcel.Read()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", audit.ErrAltered, err)
	}
	head, err := p.Store.HeadAt(ctx, c.Size)
	if err != nil && !isNotFound(err) {
		return nil, err
	}
	if err != nil || string(head.Note) != string(bare) {
		return nil, fmt.Errorf("%w: this log has not signed that checkpoint of %s with %d entries", audit.ErrAltered, c.Origin, c.Size)
	}
	lines, err := parcel.Cosignatures()
	if err != nil {
		return nil, err
	}
	var out []Answer
	var strangers []string
	for _, line := range lines {
		a, ok := p.takeLine(ctx, c.Size, bare, line)
		if !ok {
			strangers = append(strangers, lineName(line))
			continue
		}
		if a.Err != nil {
			return out, a.Err
		}
		out = append(out, a)
	}
	if len(out) == 0 && len(strangers) > 0 {
		return nil, fmt.Errorf("%w: it is signed by %s, whose key tieout.yaml does not name under ledger: witnesses", audit.ErrInconclusive, strings.Join(strangers, ", "))
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: no witness has signed it yet", audit.ErrInconclusive)
	}
	return out, nil
}

// takeLine keeps one line if a witness in tieout.yaml made it.
func (p *Program) takeLine(ctx context.Context, size int64, bare, line []byte) (Answer, bool) {
	for _, w := range p.Def.Config.Ledger.Witnesses {
		key, err := witnessKey(w)
		if err != nil || key.Name() != lineName(line) {
			continue
		}
		a := Answer{Who: w.Name, Witness: true, Size: size}
		if _, err := ledger.VerifyCosignature(bare, line, key); err != nil {
			a.Err = fmt.Errorf("%w: %w", audit.ErrAltered, err)
			return a, true
		}
		a.Said, a.Err = p.keepCosignature(ctx, key, size, line)
		return a, true
	}
	return Answer{}, false
}

// lineName is the name a signature line claims.
func lineName(line []byte) string {
	f := strings.Fields(string(line))
	if len(f) < 2 {
		return ""
	}
	return f[1]
}

// WitnessError gives an error of a witness's own desk the kind that decides the
// exit code.
func WitnessError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ledger.ErrForked), errors.Is(err, ledger.ErrVerify):
		return fmt.Errorf("%w: %w", audit.ErrAltered, err)
	case errors.Is(err, ledger.ErrUnknownLog), errors.Is(err, ledger.ErrNewEpoch):
		return fmt.Errorf("%w: %w", audit.ErrForbidden, err)
	}
	return err
}
