// Package agent is `tieout agent`: a program on a person's computer that looks
// at the computer's own settings, signs what it saw with a key that never
// leaves it, keeps it while there is no network and sends it in order; and the
// receiver that checks and keeps the reports. Package source/agent reads what
// the receiver kept.
package agent

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"tieout/audit"
	"tieout/internal/durable"
	format "tieout/source/agent"
)

// tokenPrefix begins every enrollment token; its number is the version.
const tokenPrefix = "tieout-enroll-1"

// A Token lets one computer enroll once. Who holds it can enroll a computer in
// the name of the person it is for.
type Token struct {
	ServerKey ed25519.PublicKey // the receiver's: its answers are checked with it
	Secret    []byte            // 32 random bytes; the receiver keeps their hash only
}

func (t Token) String() string {
	enc := base64.RawURLEncoding
	return tokenPrefix + "." + enc.EncodeToString(t.ServerKey) + "." + enc.EncodeToString(t.Secret)
}

// ParseToken reads what String wrote. The error never holds the token.
func ParseToken(s string) (Token, error) {
	parts := strings.Split(strings.TrimSpace(s), ".")
	bad := fmt.Errorf("%w: this is no enrollment token; 'tieout agent token' makes one", audit.ErrInvalid)
	if len(parts) != 3 || parts[0] != tokenPrefix {
		return Token{}, bad
	}
	key, err := base64.RawURLEncoding.Strict().DecodeString(parts[1])
	if err != nil || len(key) != ed25519.PublicKeySize {
		return Token{}, bad
	}
	secret, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil || len(secret) != 32 {
		return Token{}, bad
	}
	t := Token{key, secret}
	if t.String() != strings.TrimSpace(s) { // base64 passes over line breaks
		return Token{}, bad
	}
	return t, nil
}

// A Grant is what a token allows: the receiver's file of it.
type Grant struct {
	Expires    string `json:"expires"`
	AssignedTo string `json:"assignedTo,omitempty"`
	Kind       string `json:"kind,omitempty"`
}

// A use says which computer a token was used by.
type use struct {
	Device string `json:"device"`
}

// NewToken makes a token that is valid until a time and keeps the hash of its
// secret in the receiver's folder.
func NewToken(folder string, g Grant, until time.Time) (Token, error) {
	key, err := serverKey(folder)
	if err != nil {
		return Token{}, err
	}
	t := Token{ServerKey: key.Public().(ed25519.PublicKey), Secret: make([]byte, 32)}
	if _, err := rand.Read(t.Secret); err != nil {
		return Token{}, err
	}
	g.Expires = audit.FormatTime(until)
	b, err := format.Encode(g)
	if err != nil {
		return Token{}, err
	}
	file := grantFile(folder, t.Secret)
	if err := durable.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return Token{}, err
	}
	return t, durable.Create(file, b, 0o600)
}

func grantFile(folder string, secret []byte) string {
	h := sha256.Sum256(secret)
	return filepath.Join(folder, "tokens", hex.EncodeToString(h[:])+".json")
}

// serverKey is the receiver's key, made on first use.
func serverKey(folder string) (ed25519.PrivateKey, error) {
	if err := durable.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	return privateKey(filepath.Join(folder, "server.key"))
}

// privateKey reads an Ed25519 key (PKCS #8, PEM); a missing one is made. Of two
// programs that make one at once both get the same.
func privateKey(path string) (ed25519.PrivateKey, error) {
	b, err := durable.Read(path, 4096)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeKey(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		b, err = durable.Read(path, 4096)
	}
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("%w: %s holds no key in PEM", audit.ErrInvalid, path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", audit.ErrInvalid, path, err)
	}
	ed, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%w: %s holds a key of another kind than Ed25519", audit.ErrInvalid, path)
	}
	return ed, nil
}

func makeKey(path string) error {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return durable.Create(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}
