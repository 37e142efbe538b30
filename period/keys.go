package period

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tieout/audit"
	"tieout/evidence"
	"tieout/internal/durable"
	"tieout/ledger"
)

// keysMeta is where the store keeps the public succession of the log's keys.
const keysMeta = "log_keys"

// A Succession is the log's public keys, first to last: what a verifier needs
// besides the first key. It is no secret.
type Succession struct {
	First string           `json:"first"` // verifier key in note format
	Steps []SuccessionStep `json:"steps,omitempty"`
}

// A SuccessionStep is a hand-over signed by both keys, or, where the old key is
// lost, a key that is trusted from an epoch on because it was given.
type SuccessionStep struct {
	Handover string `json:"handover,omitempty"`
	Key      string `json:"key,omitempty"`
	Epoch    int64  `json:"epoch,omitempty"`
}

// Chain follows the succession.
func (s Succession) Chain() (ledger.Chain, error) {
	first, err := ledger.ParseKey(s.First)
	if err != nil {
		return ledger.Chain{}, err
	}
	chain, err := ledger.NewChain(first)
	for _, step := range s.Steps {
		if err != nil {
			break
		}
		if step.Handover != "" {
			chain, err = chain.Follow([]byte(step.Handover))
			continue
		}
		var key ledger.Key
		if key, err = ledger.ParseKey(step.Key); err == nil {
			chain, err = chain.Vouch(step.Epoch, key)
		}
	}
	return chain, err
}

// keyPath is the file of the signing key.
func (p *Program) keyPath() (string, error) {
	path, isFile := strings.CutPrefix(p.Def.Config.Ledger.Key, "file:")
	if !isFile {
		return "", fmt.Errorf("%w: ledger.key %s: the signing key is kept in a file; write file:PATH", audit.ErrInvalid, p.Def.Config.Ledger.Key)
	}
	return p.path(path), nil
}

// keys loads the signing key and the public succession; create makes the first.
func (p *Program) keys(ctx context.Context, create bool) (ledger.Signer, ledger.Chain, error) {
	path, err := p.keyPath()
	if err != nil {
		return ledger.Signer{}, ledger.Chain{}, err
	}
	if _, err := os.Stat(path); os.IsNotExist(err) && create {
		if err := p.makeKey(ctx, path); err != nil {
			return ledger.Signer{}, ledger.Chain{}, err
		}
	}
	s, err := p.Succession(ctx)
	if err != nil {
		return ledger.Signer{}, ledger.Chain{}, err
	}
	chain, err := s.Chain()
	if err != nil {
		return ledger.Signer{}, ledger.Chain{}, fmt.Errorf("%w: keys of the log: %w", audit.ErrAltered, err)
	}
	if err := p.finishRotation(path, chain); err != nil {
		return ledger.Signer{}, ledger.Chain{}, err
	}
	signer, err := ledger.LoadSigner(path)
	if err != nil {
		return ledger.Signer{}, ledger.Chain{}, fmt.Errorf("%w: signing key of the log: %w. If the key is lost, open a new epoch with 'tieout log epoch --reason key-lost'", audit.ErrNotFound, err)
	}
	return signer, chain, nil
}

// makeKey makes the log's first key. A log that has a succession already has
// had a key: making another is a new epoch and not done here.
func (p *Program) makeKey(ctx context.Context, path string) error {
	if _, err := p.Store.Meta(ctx, keysMeta); err == nil {
		return fmt.Errorf("%w: the log has a key, but %s is gone. If it is lost, open a new epoch with 'tieout log epoch --reason key-lost'", audit.ErrConflict, path)
	}
	skey, vkey, err := ledger.GenerateKey(p.Def.Config.Ledger.Origin)
	if err != nil {
		return err
	}
	if err := durable.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := ledger.SaveKey(path, skey); err != nil {
		return err
	}
	return p.saveSuccession(ctx, Succession{First: vkey})
}

// Succession returns the log's public keys.
func (p *Program) Succession(ctx context.Context) (s Succession, err error) {
	text, err := p.Store.Meta(ctx, keysMeta)
	if err != nil {
		return s, fmt.Errorf("public keys of the log: %w", err)
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return s, fmt.Errorf("%w: public keys of the log: %v", audit.ErrAltered, err)
	}
	return s, nil
}

func (p *Program) saveSuccession(ctx context.Context, s Succession) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return p.Store.SetMeta(ctx, keysMeta, string(text))
}

// RotateKey makes a new signing key, has the old one hand the log over to it,
// seals the hand-over and puts the new key in the old one's place; the old key
// file is kept beside it with the size of the log in its name.
func (p *Program) RotateKey(ctx context.Context) (ledger.Key, error) {
	path, err := p.keyPath()
	if err != nil {
		return ledger.Key{}, err
	}
	old, err := ledger.LoadSigner(path)
	if err != nil {
		return ledger.Key{}, err
	}
	at := p.Log.Checkpoint()
	if at.Size == 0 {
		return ledger.Key{}, fmt.Errorf("%w: the log is empty; there is nothing to hand over", audit.ErrConflict)
	}
	skey, vkey, err := ledger.GenerateKey(at.Log)
	if err != nil {
		return ledger.Key{}, err
	}
	next, err := ledger.ParseSigner(skey)
	if err != nil {
		return ledger.Key{}, err
	}
	// The hand-over is sealed by the old key, and speaks of the log as it then is.
	if _, err := p.Seal.Seal(ctx, evidence.Draft{
		Kind: audit.RecordKey, Detail: map[string]string{"from": old.Key().VKey(), "to": vkey}, Actor: p.Actor,
	}); err != nil {
		return ledger.Key{}, err
	}
	handover, err := ledger.SignHandover(old, next, p.Log.Checkpoint())
	if err != nil {
		return ledger.Key{}, err
	}
	return next.Key(), p.replaceKey(ctx, path, skey, SuccessionStep{Handover: string(handover)})
}

// replaceKey writes the new key beside the old and the succession, then swaps
// the files. After a crash in between finishRotation swaps them.
func (p *Program) replaceKey(ctx context.Context, path, skey string, step SuccessionStep) error {
	if err := ledger.SaveKey(path+".new", skey); err != nil {
		return err
	}
	s, err := p.Succession(ctx)
	if err != nil {
		return err
	}
	s.Steps = append(s.Steps, step)
	if err := p.saveSuccession(ctx, s); err != nil {
		return err
	}
	return p.swapKeys(path)
}

func (p *Program) swapKeys(path string) error {
	if _, err := os.Stat(path); err == nil {
		old := fmt.Sprintf("%s.until-%s", path, p.Now().UTC().Format("20060102T150405Z"))
		if err := os.Rename(path, old); err != nil {
			return err
		}
	}
	return os.Rename(path+".new", path)
}

// finishRotation completes a rotation that was interrupted after the succession
// named the new key: the new key lies beside the old one.
func (p *Program) finishRotation(path string, chain ledger.Chain) error {
	fresh, err := ledger.LoadSigner(path + ".new")
	if err != nil || fresh.Key().VKey() != chain.Current().VKey() {
		return nil // nothing was interrupted, or before the succession was saved
	}
	return p.swapKeys(path)
}
