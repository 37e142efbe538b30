// Package signature is a person's own signature over a document: with a key that
// only this person can use, because it is wrapped with a passphrase that is kept
// nowhere. Whoever holds the server, the store and the log's key cannot sign in
// somebody's name.
//
// docs/formats/packets.md describes keys and signatures.
package signature

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tieout/audit"
	"tieout/engagement"
	"tieout/internal/canonical"
	"tieout/ledger"
)

const (
	format = "tieout.signature/1"
	tag    = "tieout signature 1" // of the signed statement
)

// Lengths in characters.
const (
	maxName  = 100
	maxTitle = 100
	maxWhat  = 500
)

// A Statement is what somebody signs.
type Statement struct {
	Signer string    // account in the signer's workspace
	Name   string    // the person's, as the key has it
	Title  string    // such as "Partner"
	What   string    // what is signed, in words
	Digest string    // SHA-256 of what is signed, 64 hex digits
	At     time.Time // to the microsecond
}

// text is what a signature is over, one canonical JSON line (RFC 8785).
func (s Statement) text(key string) (string, error) {
	if err := s.check(); err != nil {
		return "", err
	}
	b, err := canonical.Marshal(map[string]any{"format": format, "signer": s.Signer, "name": s.Name, "title": s.Title,
		"what": s.What, "digest": s.Digest, "key": key, "at": audit.FormatTime(s.At)})
	return string(b) + "\n", err
}

func (s Statement) check() error {
	if err := checkText("the signer's account", s.Signer, 1, maxName); err != nil {
		return err
	}
	if err := checkText("the signer's name", s.Name, 1, maxName); err != nil {
		return err
	}
	if err := checkText("the signer's title", s.Title, 0, maxTitle); err != nil {
		return err
	}
	if err := checkText("what is signed", s.What, 1, maxWhat); err != nil {
		return err
	}
	if raw, err := hex.DecodeString(s.Digest); err != nil || len(raw) != 32 || strings.ToLower(s.Digest) != s.Digest {
		return fmt.Errorf("%w: signature: the digest is not 64 hex digits", audit.ErrInvalid)
	}
	if s.At.IsZero() || !s.At.Equal(audit.Instant(s.At)) {
		return fmt.Errorf("%w: signature: it needs a time, to the microsecond", audit.ErrInvalid)
	}
	return nil
}

// checkText refuses what could not be signed for: too much, or what cannot be seen.
func checkText(what, s string, least, most int) error {
	n := utf8.RuneCountInString(s)
	if n < least || n > most || !utf8.ValidString(s) || s != strings.TrimSpace(s) ||
		strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
		return fmt.Errorf("%w: signature: %s has to be plain text of %d to %d characters", audit.ErrInvalid, what, least, most)
	}
	return nil
}

// KeyName is a person's name as a key in note format can carry it: without
// spaces, plus signs and slashes.
func KeyName(name string) string {
	return strings.NewReplacer("+", "-", "/", "-").Replace(strings.Join(strings.Fields(name), "."))
}

// New makes a person's key and returns the private half wrapped with the
// passphrase, and the verifier key in note format, which carries the name.
func New(name, passphrase string) (wrapped []byte, verifier string, err error) {
	if err := checkText("the signer's name", name, 1, maxName); err != nil {
		return nil, "", err
	}
	if err := CheckPassphrase(passphrase); err != nil {
		return nil, "", err
	}
	private, verifier, err := ledger.GenerateKey(KeyName(name))
	if err != nil {
		return nil, "", fmt.Errorf("%w: key of %q: %w", audit.ErrInvalid, name, err)
	}
	wrapped, err = wrap(private, passphrase)
	return wrapped, verifier, err
}

// Sign signs the statement with the key. A wrong passphrase is an
// audit.ErrForbidden that says so; how many tries somebody has is the caller's
// to count.
func Sign(wrapped []byte, passphrase string, s Statement) (engagement.Signature, error) {
	private, err := unwrap(wrapped, passphrase)
	if err != nil {
		return engagement.Signature{}, err
	}
	signer, err := ledger.ParseSigner(private)
	if err != nil {
		return engagement.Signature{}, fmt.Errorf("%w: the wrapped key: %w", audit.ErrAltered, err)
	}
	if KeyName(s.Name) != signer.Key().Name() {
		return engagement.Signature{}, fmt.Errorf("%w: the key is of %s and cannot sign as %s", audit.ErrForbidden, signer.Key().Name(), s.Name)
	}
	s.At = audit.Instant(s.At)
	text, err := s.text(signer.Key().VKey())
	if err != nil {
		return engagement.Signature{}, err
	}
	msg, err := ledger.SignStatement(signer, tag, text)
	if err != nil {
		return engagement.Signature{}, fmt.Errorf("sign: %w", err)
	}
	_, line, _ := strings.Cut(string(msg), "\n\n")
	sig := engagement.Signature{Signer: s.Signer, Name: s.Name, Title: s.Title, Key: signer.Key().VKey(), What: s.What, Digest: s.Digest, At: s.At, Value: line}
	return sig, Verify(sig, s.Digest)
}

// Verify checks that a signature is over the document with that SHA-256 (hex,
// with or without "sha256:"), by the key it names, and that every word it says
// was signed for. Anything else is an audit.ErrAltered. Whose key it is, the log
// in which it was announced says (Announced).
func Verify(sig engagement.Signature, digest string) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: signature of %.100q: %s", audit.ErrAltered, sig.Name, fmt.Sprintf(format, args...))
	}
	if sig.Digest != strings.TrimPrefix(digest, "sha256:") {
		return bad("it is over %.64s, the document is %.71s", sig.Digest, digest)
	}
	key, err := ledger.ParseKey(sig.Key)
	if err != nil {
		return bad("its key: %v", err)
	}
	if KeyName(sig.Name) != key.Name() {
		return bad("the key is of %s", key.Name())
	}
	s := Statement{Signer: sig.Signer, Name: sig.Name, Title: sig.Title, What: sig.What, Digest: sig.Digest, At: sig.At}
	text, err := s.text(sig.Key)
	if err != nil {
		return bad("%v", err)
	}
	if _, _, err := ledger.VerifyStatement([]byte(tag+"\n"+text+"\n"+sig.Value), tag, key); err != nil {
		return bad("%v", err)
	}
	return nil
}

// errPassphrase says that a passphrase is not the key's.
var errPassphrase = errors.New("the passphrase is not the one of this key")
