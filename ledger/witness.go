package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"

	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"tieout/internal/durable"
)

// ErrNewEpoch: the log opened an epoch the witness has not accepted. A person
// reads why and calls AcceptEpoch.
var ErrNewEpoch = errors.New("the log opened a new epoch")

// WitnessState keeps the last checkpoint a witness saw of each log.
type WitnessState interface {
	// Last returns what Keep kept last for a log, nil for nothing.
	Last(ctx context.Context, log string) ([]byte, error)
	// Keep replaces prev by next; if prev is not what is kept it changes nothing
	// and returns an error. On return next survives a crash.
	Keep(ctx context.Context, log string, prev, next []byte) error
}

// Witness cosigns the checkpoints of logs it follows, each only if the log still
// holds everything the witness saw before. Methods may be called from several
// goroutines; a state belongs to one Witness at a time.
type Witness struct {
	key    Key
	signer note.Signer
	state  WitnessState

	mu   sync.Mutex
	logs map[string]Chain
}

// Exchange is what a log shows a witness: its newest checkpoint and the RFC 6962
// consistency proof from what the witness saw last, or, where a new epoch holds
// less than that, from where the epoch began. Log.Show makes it.
type Exchange struct {
	Checkpoint []byte
	Proof      [][32]byte
}

// NewWitness returns a witness that signs with an Ed25519 private key in note
// format (see GenerateKey); ParseWitnessKey of the public half verifies it.
func NewWitness(skey string, state WitnessState) (*Witness, error) {
	plain, err := ParseSigner(skey)
	if err != nil {
		return nil, fmt.Errorf("witness key: %w", err)
	}
	signer, err := fnote.NewSignerForCosignatureV1(skey)
	if err != nil {
		return nil, errors.New("witness key: not an Ed25519 private key in note format")
	}
	key, err := ParseWitnessKey(plain.key.vkey)
	if err != nil {
		return nil, err
	}
	return &Witness{key: key, signer: signer, state: state, logs: map[string]Chain{}}, nil
}

// LoadWitness is NewWitness with the key from a file only its owner may read.
func LoadWitness(path string, state WitnessState) (*Witness, error) {
	skey, err := loadSecret(path)
	if err != nil {
		return nil, err
	}
	return NewWitness(skey, state)
}

// Key returns the public key that verifies its cosignatures.
func (w *Witness) Key() Key { return w.key }

// Follow makes the witness take checkpoints of the log with these keys; again,
// with a longer chain, after a hand-over.
func (w *Witness) Follow(keys Chain) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.logs[keys.Log()] = keys
}

// Seen returns the last checkpoint the witness saw of a log and whether there is
// one.
func (w *Witness) Seen(ctx context.Context, log string) (Checkpoint, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, kept, err := w.seen(ctx, log)
	return c, kept != nil, err
}

func (w *Witness) seen(ctx context.Context, log string) (Checkpoint, []byte, error) {
	keys, ok := w.logs[log]
	if !ok {
		return Checkpoint{}, nil, fmt.Errorf("witness %s does not follow log %q", w.key.Name(), shorten(log))
	}
	kept, err := w.state.Last(ctx, log)
	if err != nil || kept == nil {
		return Checkpoint{}, nil, err
	}
	c, err := keys.VerifyCheckpoint(kept)
	if err != nil {
		return Checkpoint{}, nil, fmt.Errorf("witness state: %w", err)
	}
	return c, kept, nil
}

// Cosign returns a cosignature line for the checkpoint of a followed log, or an
// error: ErrForked when the log lost or changed what the witness saw, ErrNewEpoch
// when a person must accept an epoch first. The first checkpoint seen of a log
// is taken as it is, if it is of the first epoch. What was seen is kept before
// the line is made.
func (w *Witness) Cosign(ctx context.Context, x Exchange) ([]byte, error) {
	return w.cosign(ctx, x, false)
}

// AcceptEpoch is Cosign for a checkpoint whose epoch is not the one last seen.
// The witness still demands that the log owns up to everything it saw and that
// what the epoch continues is continued unchanged.
func (w *Witness) AcceptEpoch(ctx context.Context, x Exchange) ([]byte, error) {
	return w.cosign(ctx, x, true)
}

func (w *Witness) cosign(ctx context.Context, x Exchange, newEpoch bool) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.take(ctx, x, newEpoch)
}

// take is cosign for a caller that holds the lock.
func (w *Witness) take(ctx context.Context, x Exchange, newEpoch bool) ([]byte, error) {
	next, text, err := w.read(x.Checkpoint)
	if err != nil {
		return nil, fmt.Errorf("witness: %w", err)
	}
	last, kept, err := w.seen(ctx, next.Log)
	if err != nil {
		return nil, err
	}
	if kept == nil {
		last = Checkpoint{Log: next.Log, Origin: next.Log, Epoch: 1, Root: EmptyRoot}
	}
	if next.Epoch != last.Epoch && !newEpoch {
		return nil, fmt.Errorf("witness: %w: last seen was epoch %d, this is epoch %d", ErrNewEpoch, last.Epoch, next.Epoch)
	}
	if err := continuesByProof(last, next, x.Proof); err != nil {
		return nil, fmt.Errorf("witness: %w", err)
	}
	if err := w.state.Keep(ctx, next.Log, kept, x.Checkpoint); err != nil {
		return nil, fmt.Errorf("witness: keep checkpoint of %d entries: %w", next.Size, err)
	}
	return w.line(text)
}

// read verifies a checkpoint with the keys of the log it claims to be of.
func (w *Witness) read(msg []byte) (Checkpoint, string, error) {
	text, _, err := splitNote(msg)
	if err != nil {
		return Checkpoint{}, "", err
	}
	claimed, err := parseCheckpoint(text)
	if err != nil {
		return Checkpoint{}, "", err
	}
	keys, ok := w.logs[claimed.Log]
	if !ok {
		return Checkpoint{}, "", fmt.Errorf("log %q is not followed", shorten(claimed.Log))
	}
	c, err := keys.VerifyCheckpoint(msg)
	return c, text, err
}

// continuesByProof is continues with a consistency proof in place of the tree.
// The proof leads from what both checkpoints hold.
func continuesByProof(last, next Checkpoint, proof [][32]byte) error {
	shared, root := last.Size, last.Root
	if last.Epoch < next.Epoch {
		if n := survives(last.Epoch, next); n < shared {
			return ownedUp(last, next, proof)
		}
	}
	return continues(last, next, func(int64) ([32]byte, error) {
		switch {
		case shared == 0 && len(proof) == 0:
			return root, nil // nothing seen that could be missing
		case VerifyConsistency(shared, root, next.Size, next.Root, proof) == nil:
			return root, nil
		}
		return [32]byte{}, nil // no root: the proof does not hold
	})
}

// ownedUp is the case that the epoch lost entries the witness saw: the log must
// say so, and continue from where it says.
func ownedUp(last, next Checkpoint, proof [][32]byte) error {
	if err := continues(last, next, nil); err != nil {
		return err
	}
	e := next.Epochs[len(next.Epochs)-1]
	if e.From == 0 && len(proof) == 0 {
		return nil
	}
	if err := VerifyConsistency(e.From, e.FromRoot, next.Size, next.Root, proof); err != nil {
		return fmt.Errorf("%w: epoch %d does not continue the %d entries it names: %w", ErrForked, e.Epoch, e.From, err)
	}
	return nil
}

func (w *Witness) line(text string) ([]byte, error) {
	sig, err := w.signer.Sign([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("witness %s: %w", w.key.Name(), err)
	}
	return []byte(sigLine{name: w.key.Name(), hash: w.signer.KeyHash(), sig: sig}.String()), nil
}

// FileWitnessState keeps each log's last checkpoint in a file of its own in Dir.
// One process uses a folder at a time.
type FileWitnessState struct{ Dir string }

// Last implements WitnessState.
func (s FileWitnessState) Last(_ context.Context, log string) ([]byte, error) {
	data, err := durable.Read(s.path(log), maxNote)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// Keep implements WitnessState.
func (s FileWitnessState) Keep(ctx context.Context, log string, prev, next []byte) error {
	if err := durable.MkdirAll(s.Dir, 0o755); err != nil {
		return err
	}
	kept, err := s.Last(ctx, log)
	if err != nil {
		return err
	}
	if string(kept) != string(prev) {
		return fmt.Errorf("state of log %q was changed by someone else", shorten(log))
	}
	return durable.Write(s.path(log), next, 0o644)
}

func (s FileWitnessState) path(log string) string {
	sum := sha256.Sum256([]byte(log))
	return filepath.Join(s.Dir, hex.EncodeToString(sum[:])+".checkpoint")
}
