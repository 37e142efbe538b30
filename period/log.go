package period

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tieout/audit"
	"tieout/definition"
	"tieout/evidence"
	"tieout/internal/canonical"
	"tieout/internal/durable"
	"tieout/ledger"
	"tieout/source"
)

// OpenStore opens the workspace in dir without its log: Log, Seal and Blobs are
// nil, and nothing can be collected or recorded. It is for looking into a log
// that Open refuses, and for saying openly what was lost.
func OpenStore(ctx context.Context, dir string, o Options) (*Program, error) {
	def, err := definition.Load(dir)
	if err != nil {
		return nil, err
	}
	p := &Program{Dir: dir, Def: def, Drivers: o.Drivers, Now: o.Now, Actor: o.Actor, Tieout: o.Tieout, lockTTL: cmp.Or(o.Lock, lockTTL)}
	p.Env = source.Env{Dir: dir, Secret: secrets(dir, o.Getenv), Activity: p.activity, Program: p.facts}
	if err := p.choosePeriod(o.Period); err != nil {
		return nil, err
	}
	if err := p.openStore(ctx, o.Create); err != nil {
		return nil, err
	}
	return p, nil
}

// openLog opens keys and log, in place of a log that was open before.
func (p *Program) openLog(ctx context.Context, create bool) error {
	signer, chain, err := p.keys(ctx, create)
	if err != nil {
		return err
	}
	o, err := p.logOptions(chain)
	if err != nil {
		return err
	}
	p.Log, err = ledger.Open(ctx, evidence.Backend{Store: p.Store}, signer, o)
	if err != nil {
		return p.explainLog(err)
	}
	p.Seal = &evidence.Sealer{
		Store: p.Store, Blobs: p.Blobs, Log: p.Log, Now: p.Now,
		AllInBlobs: p.Def.Config.Blobs.Key != "", // encrypted blobs: no bytes beside them in the clear
	}
	return p.keepKeysFile(ctx)
}

func (p *Program) anchor() ledger.FileAnchor { return ledger.FileAnchor{Path: p.anchorPath()} }

func (p *Program) logOptions(chain ledger.Chain) (ledger.Options, error) {
	if err := durable.MkdirAll(filepath.Dir(p.anchorPath()), 0o700); err != nil {
		return ledger.Options{}, err
	}
	host, err := os.Hostname()
	if err != nil {
		return ledger.Options{}, fmt.Errorf("name of this machine: %w", err)
	}
	return ledger.Options{Holder: fmt.Sprintf("%s/%d", host, os.Getpid()), Anchor: p.anchor(), Keys: chain}, nil
}

// keepKeysFile brings the file beside the anchor up to the succession in force.
func (p *Program) keepKeysFile(ctx context.Context) error {
	s, err := p.Succession(ctx)
	if err != nil {
		return err
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if have, err := durable.Read(p.keysFile(), maxKeysFile); err == nil && string(have) == string(text) {
		return nil
	}
	return durable.Write(p.keysFile(), text, 0o644)
}

// An EpochOrder is a person's decision to open a new epoch of the log.
type EpochOrder struct {
	Reason   ledger.Reason
	Why      string // the person's own words; sealed
	NoAnchor bool   // the anchor is gone too: what the store holds is taken as published
}

// A Situation is what a person is told before they open an epoch.
type Situation struct {
	Log       string
	Stored    int64 // entries the store holds
	Published int64 // entries the anchor says were published; -1 where that is not known
	Epoch     int64 // the one that would be opened
	Refusal   error // why the log cannot be opened as it is; nil: it can
}

// NewEpoch opens a new epoch of the log of the workspace in dir: where Open
// refuses because the store came back older than what was published, or because
// the signing key is lost, and where the key may be known to others. It asks
// confirm first, makes and places a new key where the reason calls for one,
// names it in the succession, and seals why. The Program it returns is open.
//
// Where nothing calls for an epoch it is audit.ErrConflict. After a crash at any
// point Open goes on, or the same call again does.
func NewEpoch(ctx context.Context, dir string, o Options, order EpochOrder, confirm func(Situation) error) (*Program, error) {
	p, err := OpenStore(ctx, dir, o)
	if err != nil {
		return nil, err
	}
	if err := p.newEpoch(ctx, order, confirm); err != nil {
		return nil, errors.Join(err, p.Store.Close())
	}
	return p, nil
}

func (p *Program) newEpoch(ctx context.Context, order EpochOrder, confirm func(Situation) error) (err error) {
	if p.Blobs, err = p.openBlobs(ctx); err != nil {
		return err
	}
	path, err := p.keyPath()
	if err != nil {
		return err
	}
	chain, err := p.chain(ctx)
	if err != nil {
		return err
	}
	if chain, err = p.finishEpoch(ctx, path, chain); err != nil {
		return err
	}
	if err := p.finishRotation(path, chain); err != nil {
		return err
	}
	situation, err := p.situation(ctx, path, chain, order)
	if err != nil {
		return err
	}
	if err := confirm(situation); err != nil {
		return err
	}
	if err := p.commitEpoch(ctx, path, chain, order); err != nil {
		return err
	}
	if err := p.openLog(ctx, false); err != nil {
		return err
	}
	if err := p.sealEpoch(ctx, order.Why); err != nil {
		return err
	}
	return p.Seal.Number(ctx)
}

// commitEpoch has the ledger open the epoch, and puts a new key in force.
func (p *Program) commitEpoch(ctx context.Context, path string, chain ledger.Chain, order EpochOrder) error {
	o, err := p.logOptions(chain)
	if err != nil {
		return err
	}
	o.Adopt = order.NoAnchor
	var signer ledger.Signer
	if order.Reason == ledger.Restored {
		signer, err = ledger.LoadSigner(path)
	} else {
		signer, err = freshKey(path, chain)
	}
	if err != nil {
		return err
	}
	log, err := ledger.NewEpoch(ctx, evidence.Backend{Store: p.Store}, signer, o, order.Reason)
	if err != nil {
		return p.explainLog(err)
	}
	if order.Reason == ledger.Restored {
		s, err := p.Succession(ctx)
		if err != nil {
			return err
		}
		return p.saveSuccession(ctx, s) // a restored store learns of later keys
	}
	return p.takeKey(ctx, path, SuccessionStep{Key: signer.Key().VKey(), Epoch: log.Checkpoint().Epoch})
}

// situation looks at store, anchor and key, and refuses a reason that is not there.
func (p *Program) situation(ctx context.Context, path string, chain ledger.Chain, order EpochOrder) (Situation, error) {
	s := Situation{Log: chain.Log(), Published: -1}
	head, err := evidence.Backend{Store: p.Store}.Head(ctx)
	if err != nil {
		return s, err
	}
	s.Stored, s.Epoch = head.Size, max(head.Epoch, 1)+1
	if kept, err := p.anchor().Load(ctx); err == nil && kept != nil {
		if c, err := chain.VerifyCheckpoint(kept); err == nil {
			s.Published, s.Epoch = c.Size, max(s.Epoch, c.Epoch+1)
		}
	}
	signer, keyErr := ledger.LoadSigner(path)
	switch {
	case order.Reason == ledger.KeyExposed:
		return s, nil
	case order.Reason == ledger.KeyLost && keyErr == nil:
		return s, fmt.Errorf("%w: the signing key is there (%s). If others may have it use --reason key-exposed; to change it use 'tieout log rotate'", audit.ErrConflict, path)
	case order.Reason == ledger.KeyLost:
		s.Refusal = keyErr
		return s, nil
	case order.Reason != ledger.Restored:
		return s, fmt.Errorf("%w: an epoch is opened because of restored, key-lost or key-exposed, not %q", audit.ErrUsage, order.Reason)
	case keyErr != nil:
		return s, fmt.Errorf("%w: %w. If the key is lost too use --reason key-lost: it says both", audit.ErrConflict, keyErr)
	}
	return s, p.needsEpoch(ctx, signer, chain, &s)
}

// needsEpoch makes sure that the log cannot be opened as it is.
func (p *Program) needsEpoch(ctx context.Context, signer ledger.Signer, chain ledger.Chain, s *Situation) error {
	o, err := p.logOptions(chain)
	if err != nil {
		return err
	}
	_, s.Refusal = ledger.Open(ctx, evidence.Backend{Store: p.Store}, signer, o)
	switch {
	case s.Refusal == nil:
		return fmt.Errorf("%w: the store continues what was published; there is no epoch to open", audit.ErrConflict)
	case errors.Is(s.Refusal, ledger.ErrForked), errors.Is(s.Refusal, ledger.ErrNoAnchor):
		return nil
	}
	return p.explainLog(s.Refusal)
}

// finishEpoch completes an epoch that was interrupted after the ledger opened
// it: the head is signed by the key that lies beside the old one.
func (p *Program) finishEpoch(ctx context.Context, path string, chain ledger.Chain) (ledger.Chain, error) {
	fresh, err := ledger.LoadSigner(path + ".new")
	if err != nil || holds(chain, fresh.Key()) {
		return chain, nil //nolint:nilerr // no key lies beside, so nothing was interrupted
	}
	head, err := evidence.Backend{Store: p.Store}.Head(ctx)
	if err != nil || head.Note == nil {
		return chain, err
	}
	longer, err := chain.Vouch(head.Epoch, fresh.Key())
	if err != nil {
		return chain, nil //nolint:nilerr // the key beside belongs to nothing the log has begun
	}
	if c, err := longer.VerifyCheckpoint(head.Note); err != nil || c.Key.VKey() != fresh.Key().VKey() {
		return chain, nil //nolint:nilerr // the key beside has not signed the head
	}
	return longer, p.takeKey(ctx, path, SuccessionStep{Key: fresh.Key().VKey(), Epoch: head.Epoch})
}

// sealEpoch seals why the newest epoch was opened, if it holds nothing yet: it
// is the epoch's first entry also where the command that opened it was cut off.
func (p *Program) sealEpoch(ctx context.Context, why string) error {
	c := p.Log.Checkpoint()
	if len(c.Epochs) == 0 || c.Epochs[len(c.Epochs)-1].From != c.Size {
		return nil
	}
	e := c.Epochs[len(c.Epochs)-1]
	detail := map[string]any{
		"epoch": e.Epoch, "reason": string(e.Reason), "from": e.From, "last": e.Last, "key": p.Log.Keys().Current().VKey(), "text": e.String(),
	}
	if why = strings.TrimSpace(why); why != "" {
		detail["why"] = why
	}
	body, err := canonical.Marshal(detail)
	if err != nil {
		return err
	}
	_, err = p.Seal.Seal(ctx, evidence.Draft{Kind: audit.RecordKey, Media: "application/json", Body: body, Detail: detail, Actor: p.Actor})
	return err
}
