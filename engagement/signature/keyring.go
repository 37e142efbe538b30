package signature

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/book"
	"tieout/evidence"
	"tieout/internal/canonical"
	"tieout/internal/durable"
	"tieout/ledger"
	"tieout/store"
)

// A Key is a person's, as it is kept: nobody can sign with it who does not know
// the passphrase.
type Key struct {
	Account  string    // ID in this workspace
	Name     string    // the person's
	Verifier string    // public half, note format
	Made     time.Time // to the microsecond
	Wrapped  []byte    // private half (age, armored)
}

// ID is how people name a key: the start of its hash, as note format has it.
func (k Key) ID() string {
	_, rest, _ := strings.Cut(k.Verifier, "+")
	id, _, _ := strings.Cut(rest, "+")
	return id
}

// A Keyring keeps people's keys. It is safe for concurrent use.
type Keyring interface {
	// Add keeps a key; when it returns nil the key is durable. One that is there
	// already is audit.ErrConflict.
	Add(ctx context.Context, k Key) error
	// Keys returns all keys, by the time they were made.
	Keys(ctx context.Context) ([]Key, error)
}

// KeyOf returns the newest key of an account; audit.ErrNotFound if it has none.
func KeyOf(ctx context.Context, ring Keyring, account string) (Key, error) {
	keys, err := ring.Keys(ctx)
	if err != nil {
		return Key{}, err
	}
	for _, k := range slices.Backward(keys) {
		if k.Account == account {
			return k, nil
		}
	}
	return Key{}, fmt.Errorf("%w: account %.80q has no key to sign with", audit.ErrNotFound, account)
}

// Make makes a key for a person, announces it in the log and keeps it: from then
// on signatures with it are known to be of this account. What fails keeps no key
// that the log does not know; one it knows and nobody keeps signs nothing.
func Make(ctx context.Context, ring Keyring, seal *evidence.Sealer, by audit.Actor, account, name, passphrase string) (Key, error) {
	if err := checkText("the signer's account", account, 1, maxName); err != nil {
		return Key{}, err
	}
	wrapped, verifier, err := New(name, passphrase)
	if err != nil {
		return Key{}, err
	}
	k := Key{Account: account, Name: name, Verifier: verifier, Made: audit.Instant(seal.Now()), Wrapped: wrapped}
	if _, err := Announce(ctx, seal, by, k); err != nil {
		return Key{}, err
	}
	return k, ring.Add(ctx, k)
}

// Announced is what the log says of a key.
type Announced struct {
	Account string
	Name    string
	Record  int64
	At      time.Time
}

// Through and the act of the activity that announces a key.
const (
	through     = "keys"
	didAnnounce = "key.announced"
)

// Announce seals that a key is an account's, once however often it is called,
// and returns the record's place in the log.
func Announce(ctx context.Context, seal *evidence.Sealer, by audit.Actor, k Key) (int64, error) {
	return seal.SealOnce(ctx, evidence.Draft{ID: recordID(k.Verifier), Kind: audit.RecordActivity, Actor: by,
		Detail: audit.Activity{Through: through, Act: didAnnounce, On: "account:" + k.Account, Facts: map[string]string{"key": k.Verifier, "name": k.Name}}})
}

// AnnouncedKey returns what the log says of a verifier key; audit.ErrNotFound
// where it says nothing.
func AnnouncedKey(ctx context.Context, st *store.Store, verifier string) (Announced, error) {
	rec, err := st.RecordByID(ctx, recordID(verifier))
	if err != nil {
		return Announced{}, fmt.Errorf("key %.80q is not announced in this log: %w", verifier, err)
	}
	var a audit.Activity
	if err := json.Unmarshal(rec.Detail, &a); err != nil || a.Through != through || a.Act != didAnnounce || a.Facts["key"] != verifier || rec.Index == audit.Unsequenced {
		return Announced{}, fmt.Errorf("%w: key %.80q is not announced in this log", audit.ErrNotFound, verifier)
	}
	return Announced{Account: strings.TrimPrefix(a.On, "account:"), Name: a.Facts["name"], Record: rec.Index, At: rec.Recorded}, nil
}

// recordID is the ID of a key's announcement: a UUIDv8 (RFC 9562, section 5.8).
func recordID(verifier string) string {
	sum := sha256.Sum256([]byte("tieout signing key\x00" + verifier))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// A Folder is a Keyring of files that only their owner can read.
type Folder struct{ Dir string }

const (
	keyFormat = "tieout.signing-key/1"
	keyPrefix = "sign-"
	keySuffix = ".json"
	maxFile   = 16 << 10
)

// file is a key as its file has it.
type file struct {
	Format   string    `json:"format"`
	Account  string    `json:"account"`
	Name     string    `json:"name"`
	Verifier string    `json:"verifier"`
	Made     time.Time `json:"made"`
	Wrapped  string    `json:"wrapped"`
}

func (k Key) encode() ([]byte, error) {
	return canonical.Marshal(file{keyFormat, k.Account, k.Name, k.Verifier, k.Made.UTC(), string(k.Wrapped)})
}

// ParseKey reads a key's file; what it accepts is written in no other way.
func ParseKey(b []byte) (Key, error) {
	bad := func(what string) (Key, error) {
		return Key{}, fmt.Errorf("%w: signing key: %s", audit.ErrAltered, what)
	}
	var f file
	if len(b) > maxFile || book.Strict(b, &f) != nil || f.Format != keyFormat {
		return bad("it is no file of " + keyFormat)
	}
	k := Key{Account: f.Account, Name: f.Name, Verifier: f.Verifier, Made: f.Made, Wrapped: []byte(f.Wrapped)}
	if again, err := k.encode(); err != nil || !bytes.Equal(again, b) {
		return bad("it is not in its one spelling")
	}
	key, err := ledger.ParseKey(f.Verifier)
	if err != nil || key.Name() != KeyName(f.Name) || checkText("name", f.Name, 1, maxName) != nil || checkText("account", f.Account, 1, maxName) != nil {
		return bad("name, account and public key do not fit each other")
	}
	if f.Made.IsZero() || !f.Made.Equal(audit.Instant(f.Made)) || len(f.Wrapped) == 0 || len(f.Wrapped) > maxWrapped {
		return bad("it says no time, or holds no private half")
	}
	return k, nil
}

// path names a key's file by the hash of its public half.
func (d Folder) path(k Key) string {
	sum := sha256.Sum256([]byte(k.Verifier))
	return filepath.Join(d.Dir, keyPrefix+hex.EncodeToString(sum[:8])+keySuffix)
}

// Add implements Keyring.
func (d Folder) Add(_ context.Context, k Key) error {
	b, err := k.encode()
	if err != nil {
		return err
	}
	if _, err := ParseKey(b); err != nil {
		return err
	}
	if err := durable.MkdirAll(d.Dir, 0o700); err != nil {
		return err
	}
	err = durable.Create(d.path(k), b, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: the key %s is kept already", audit.ErrConflict, k.ID())
	}
	return err
}

// Keys implements Keyring. A file that others may read, or that was changed, is
// an error that names it.
func (d Folder) Keys(context.Context) ([]Key, error) {
	entries, err := os.ReadDir(d.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []Key
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), keyPrefix) || !strings.HasSuffix(e.Name(), keySuffix) || !e.Type().IsRegular() {
			continue
		}
		k, err := read(filepath.Join(d.Dir, e.Name()))
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	slices.SortStableFunc(out, func(a, b Key) int { return a.Made.Compare(b.Made) })
	return out, nil
}

func read(path string) (Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Key{}, err
	}
	if info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		return Key{}, fmt.Errorf("%w: %s: others may read it (mode %04o): run chmod 600", audit.ErrForbidden, path, info.Mode().Perm())
	}
	b, err := durable.Read(path, maxFile)
	if err != nil {
		return Key{}, err
	}
	k, err := ParseKey(b)
	if err != nil {
		return k, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}
