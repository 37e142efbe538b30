package ledger

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"

	fnote "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"tieout/internal/durable"
)

// maxKeyFile bounds a key file: a name of up to 255 bytes and the key.
const maxKeyFile = 1 << 10

// maxName bounds names of keys and logs, as witnesses expect.
const maxName = 200

// Key is a public key in note format (name+hash+base64). The zero Key verifies
// nothing.
type Key struct {
	vkey     string
	verifier note.Verifier
	witness  bool // makes cosignatures, not signatures of a log
}

// ParseKey reads the public key of a log: Ed25519, signed-note type 1.
func ParseKey(vkey string) (Key, error) {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return Key{}, fmt.Errorf("public key %q: %w", shorten(vkey), err)
	}
	if err := checkVKey(vkey, v.Name()); err != nil {
		return Key{}, err
	}
	return Key{vkey: vkey, verifier: v}, nil
}

// ParseWitnessKey reads the public key of a witness: Ed25519, type 1 or type 4
// (cosignature/v1). Both give the same Key.
func ParseWitnessKey(vkey string) (Key, error) {
	if k, err := ParseKey(vkey); err == nil {
		if vkey, err = fnote.VKeyToCosignatureV1(k.vkey); err != nil {
			return Key{}, fmt.Errorf("public key of witness %q: %w", k.Name(), err)
		}
	}
	v, err := fnote.NewVerifierForCosignatureV1(vkey)
	if err != nil {
		return Key{}, fmt.Errorf("public key of witness %q: %w", shorten(vkey), err)
	}
	if err := checkVKey(vkey, v.Name()); err != nil {
		return Key{}, err
	}
	return Key{vkey: vkey, verifier: v, witness: true}, nil
}

// checkVKey demands the one canonical spelling of a key, with the right hash.
func checkVKey(vkey, name string) error {
	if len(name) > maxName {
		return fmt.Errorf("public key: the name has %d bytes; at most %d", len(name), maxName)
	}
	_, rest, _ := strings.Cut(vkey, "+")
	hash, b64, _ := strings.Cut(rest, "+")
	raw, err := base64.StdEncoding.DecodeString(b64)
	if err != nil || len(raw) != 1+ed25519.PublicKeySize || (raw[0] != 1 && raw[0] != 4) {
		return fmt.Errorf("public key %q: not an Ed25519 key", shorten(vkey))
	}
	if want := fmt.Sprintf("%s+%s+%s", name, keyHash(name, raw), base64.StdEncoding.EncodeToString(raw)); vkey != want {
		return fmt.Errorf("public key %q: key hash %s or spelling is not canonical", shorten(vkey), hash)
	}
	return nil
}

// VKey returns the key in note format.
func (k Key) VKey() string { return k.vkey }

// Name returns the name in the key; for a log it is the origin of epoch 1.
func (k Key) Name() string {
	if k.verifier == nil {
		return ""
	}
	return k.verifier.Name()
}

// ID returns name and key hash, enough to tell keys apart in print.
func (k Key) ID() string {
	if k.verifier == nil {
		return ""
	}
	return fmt.Sprintf("%s+%08x", k.Name(), k.verifier.KeyHash())
}

func (k Key) zero() bool { return k.verifier == nil }

// Signer holds a log's private key. It does not print it.
type Signer struct {
	key      Key
	signer   note.Signer
	cosigner note.Signer // the same key as a witness of other logs
}

// Key returns the public half.
func (s Signer) Key() Key { return s.key }

// String names the key, never the secret.
func (s Signer) String() string { return "signer " + s.key.ID() }

// GenerateKey makes an Ed25519 key pair in note format. The name becomes the
// origin line of the log's checkpoints: a schema-less URL such as
// "example.com/tieout", without spaces or plus signs.
func GenerateKey(name string) (skey, vkey string, err error) {
	if err := checkName(name); err != nil {
		return "", "", err
	}
	return note.GenerateKey(rand.Reader, name)
}

// SaveKey writes a private key to a new file that only its owner may read.
func SaveKey(path, skey string) error {
	if _, err := ParseSigner(skey); err != nil {
		return err
	}
	return durable.Create(path, []byte(skey+"\n"), 0o600)
}

// LoadSigner reads a private key file, refusing one that others may read.
func LoadSigner(path string) (Signer, error) {
	skey, err := loadSecret(path)
	if err != nil {
		return Signer{}, err
	}
	s, err := ParseSigner(skey)
	if err != nil {
		return Signer{}, fmt.Errorf("key file %s: %w", path, err)
	}
	return s, nil
}

func loadSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("key file: %w", err)
	}
	if open := info.Mode().Perm() & 0o077; open != 0 && runtime.GOOS != "windows" {
		return "", fmt.Errorf("key file %s: others may read it (mode %04o): run chmod 600", path, info.Mode().Perm())
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("key file %s: %w", path, fs.ErrInvalid)
	}
	data, err := durable.Read(path, maxKeyFile)
	return strings.TrimSuffix(string(data), "\n"), err
}

// ParseSigner reads a private key in note format. Errors do not quote it.
func ParseSigner(skey string) (Signer, error) {
	s, err := note.NewSigner(skey)
	if err != nil {
		return Signer{}, errors.New("not a private key in note format (PRIVATE+KEY+name+hash+base64)")
	}
	fields := strings.SplitN(skey, "+", 5) // base64 may hold a plus, names may not
	seed, err := base64.StdEncoding.DecodeString(fields[4])
	if err != nil || len(seed) != 1+ed25519.SeedSize {
		return Signer{}, errors.New("not an Ed25519 private key")
	}
	if err := checkName(s.Name()); err != nil {
		return Signer{}, err
	}
	vkey, err := note.NewEd25519VerifierKey(s.Name(), ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey))
	if err != nil {
		return Signer{}, err
	}
	key, err := ParseKey(vkey)
	if err != nil {
		return Signer{}, err
	}
	cosigner, err := fnote.NewSignerForCosignatureV1(skey)
	if err != nil {
		return Signer{}, errors.New("not an Ed25519 private key in note format")
	}
	return Signer{key: key, signer: s, cosigner: cosigner}, nil
}

// checkName refuses names that could not be told from an epoch's origin or that
// a note cannot carry.
func checkName(name string) error {
	base, epoch, err := splitOrigin(name)
	if err != nil || epoch != 1 || base == "" || len(name) > maxName || strings.Contains(name, "+") {
		return fmt.Errorf("log name %q: use a short name such as example.com/tieout, without spaces, plus signs or /epoch/", shorten(name))
	}
	return nil
}

func shorten(s string) string {
	if len(s) > 60 {
		return s[:60] + "..."
	}
	return s
}
