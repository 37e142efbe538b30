package period

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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
	chain, err := p.chain(ctx)
	if err != nil {
		return ledger.Signer{}, ledger.Chain{}, err
	}
	if chain, err = p.finishEpoch(ctx, path, chain); err != nil {
		return ledger.Signer{}, ledger.Chain{}, err
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

// chain follows the succession.
func (p *Program) chain(ctx context.Context) (ledger.Chain, error) {
	s, err := p.Succession(ctx)
	if err != nil {
		return ledger.Chain{}, err
	}
	chain, err := s.Chain()
	if err != nil {
		return ledger.Chain{}, fmt.Errorf("%w: keys of the log: %w", audit.ErrAltered, err)
	}
	return chain, nil
}

// keysFile keeps the succession beside the anchor: a store restored from before
// a rotation does not know the keys that signed since.
func (p *Program) keysFile() string { return p.anchorPath() + ".keys" }

const maxKeysFile = 1 << 20

// Succession returns the log's public keys: those the store knows, or, where the
// file beside the anchor continues them, that.
func (p *Program) Succession(ctx context.Context) (s Succession, err error) {
	text, err := p.Store.Meta(ctx, keysMeta)
	if err != nil {
		return s, fmt.Errorf("public keys of the log: %w", err)
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return s, fmt.Errorf("%w: public keys of the log: %w", audit.ErrAltered, err)
	}
	data, err := durable.Read(p.keysFile(), maxKeysFile)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	var beside Succession
	if err := json.Unmarshal(data, &beside); err != nil {
		return s, fmt.Errorf("%w: %s: %w", audit.ErrAltered, p.keysFile(), err)
	}
	if beside.continues(s) {
		return beside, nil
	}
	return s, nil
}

// continues reports whether s begins with all of o.
func (s Succession) continues(o Succession) bool {
	return s.First == o.First && len(s.Steps) >= len(o.Steps) && slices.Equal(s.Steps[:len(o.Steps)], o.Steps)
}

// saveSuccession keeps it beside the anchor and in the store.
func (p *Program) saveSuccession(ctx context.Context, s Succession) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := durable.MkdirAll(filepath.Dir(p.keysFile()), 0o700); err != nil {
		return err
	}
	if err := durable.Write(p.keysFile(), append(text, '\n'), 0o644); err != nil {
		return err
	}
	return p.Store.SetMeta(ctx, keysMeta, string(text))
}

// RotateKey makes a new signing key, has the old one hand the log over to it,
// puts the new key in the old one's place and seals the hand-over with it; the
// old key file is kept beside it with the time in its name. Another process that
// seals with the old key between hand-over and sealing makes the hand-over void:
// rotate while nothing is collected.
func (p *Program) RotateKey(ctx context.Context) (ledger.Key, error) {
	path, err := p.keyPath()
	if err != nil {
		return ledger.Key{}, err
	}
	at, old := p.Log.Checkpoint(), p.Log.Keys()
	if at.Size == 0 {
		return ledger.Key{}, fmt.Errorf("%w: the log is empty; there is nothing to hand over", audit.ErrConflict)
	}
	next, err := freshKey(path, old)
	if err != nil {
		return ledger.Key{}, err
	}
	handover, err := p.Log.HandOver(next)
	if err != nil {
		return ledger.Key{}, err
	}
	if err := p.takeKey(ctx, path, SuccessionStep{Handover: string(handover)}); err != nil {
		return ledger.Key{}, err
	}
	if err := p.openLog(ctx, false); err != nil {
		return ledger.Key{}, err
	}
	_, err = p.Seal.Seal(ctx, evidence.Draft{
		Kind: audit.RecordKey, Media: "text/plain", Body: handover, Actor: p.Actor,
		Detail: map[string]string{"from": old.Current().VKey(), "to": next.Key().VKey()},
	})
	return next.Key(), err
}

// freshKey returns the key that lies beside the signing key, made where there
// is none yet. One that an interrupted attempt left behind has signed nothing
// and is taken.
func freshKey(path string, chain ledger.Chain) (ledger.Signer, error) {
	if left, err := ledger.LoadSigner(path + ".new"); err == nil && left.Key().Name() == chain.Log() && !holds(chain, left.Key()) {
		return left, nil
	}
	skey, _, err := ledger.GenerateKey(chain.Log())
	if err != nil {
		return ledger.Signer{}, err
	}
	if err := durable.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return ledger.Signer{}, err
	}
	if err := ledger.SaveKey(path+".new", skey); err != nil {
		return ledger.Signer{}, fmt.Errorf("new key: %w", err)
	}
	return ledger.ParseSigner(skey)
}

func holds(chain ledger.Chain, key ledger.Key) bool {
	return slices.ContainsFunc(chain.Links(), func(l ledger.Link) bool { return l.Key.VKey() == key.VKey() })
}

// takeKey puts the key that lies beside the signing key in force: first in the
// succession, then by swapping the files. After a crash in between
// finishRotation swaps them.
func (p *Program) takeKey(ctx context.Context, path string, step SuccessionStep) error {
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
		until := fmt.Sprintf("%s.until-%s", path, p.Now().UTC().Format("20060102T150405Z"))
		old := until
		for n := 2; exists(old); n++ {
			old = fmt.Sprintf("%s-%d", until, n)
		}
		if err := os.Rename(path, old); err != nil {
			return err
		}
	}
	return os.Rename(path+".new", path)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// finishRotation completes a rotation that was interrupted after the succession
// named the new key: the new key lies beside the old one.
func (p *Program) finishRotation(path string, chain ledger.Chain) error {
	fresh, err := ledger.LoadSigner(path + ".new")
	if err != nil || fresh.Key().VKey() != chain.Current().VKey() {
		return nil //nolint:nilerr // nothing was interrupted, or before the succession was saved
	}
	return p.swapKeys(path)
}
