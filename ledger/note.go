package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxNote       = 64 << 10
	maxSignatures = 100
	sigPrefix     = "— "
)

// sigLine is one signature line of a signed note.
type sigLine struct {
	name string
	hash uint32
	sig  []byte
}

// splitNote takes a signed note apart and accepts it only if putting it
// together again gives the same bytes: base64 has spellings that decode alike.
func splitNote(msg []byte) (text string, sigs []sigLine, err error) {
	if len(msg) > maxNote {
		return "", nil, fmt.Errorf("%w: note of %d bytes; at most %d", ErrVerify, len(msg), maxNote)
	}
	if !utf8.Valid(msg) || bytes.ContainsFunc(msg, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) {
		return "", nil, fmt.Errorf("%w: note is not plain text", ErrVerify)
	}
	at := bytes.LastIndex(msg, []byte("\n\n"))
	if at < 0 || msg[len(msg)-1] != '\n' {
		return "", nil, fmt.Errorf("%w: note has no signature block", ErrVerify)
	}
	text = string(msg[:at+1])
	for line := range strings.Lines(string(msg[at+2:])) {
		s, err := parseSigLine(line)
		if err != nil {
			return "", nil, err
		}
		sigs = append(sigs, s)
	}
	if len(sigs) == 0 || len(sigs) > maxSignatures {
		return "", nil, fmt.Errorf("%w: note has %d signatures; 1 to %d", ErrVerify, len(sigs), maxSignatures)
	}
	if !bytes.Equal(joinNote(text, sigs), msg) {
		return "", nil, fmt.Errorf("%w: note is not in its canonical spelling", ErrVerify)
	}
	return text, sigs, nil
}

func joinNote(text string, sigs []sigLine) []byte {
	out := []byte(text + "\n")
	for _, s := range sigs {
		out = append(out, s.String()...)
	}
	return out
}

// String returns the line with its newline.
func (s sigLine) String() string {
	raw := binary.BigEndian.AppendUint32(nil, s.hash)
	return sigPrefix + s.name + " " + base64.StdEncoding.EncodeToString(append(raw, s.sig...)) + "\n"
}

// parseSigLine reads one signature line and demands its canonical spelling.
func parseSigLine(line string) (sigLine, error) {
	rest, ok := strings.CutPrefix(line, sigPrefix)
	name, b64, ok2 := strings.Cut(strings.TrimSuffix(rest, "\n"), " ")
	raw, err := base64.StdEncoding.DecodeString(b64)
	if !ok || !ok2 || err != nil || len(raw) < 5 || !validName(name) {
		return sigLine{}, fmt.Errorf("%w: malformed signature line %q", ErrVerify, shorten(line))
	}
	s := sigLine{name: name, hash: binary.BigEndian.Uint32(raw), sig: raw[4:]}
	if s.String() != line {
		return sigLine{}, fmt.Errorf("%w: signature line of %q is not in its canonical spelling", ErrVerify, name)
	}
	return s, nil
}

// by tells whether the line claims to be made with k.
func (s sigLine) by(k Key) bool {
	return !k.zero() && s.name == k.Name() && s.hash == k.verifier.KeyHash()
}

// verifyAll demands that every line is a good signature by one of the keys and
// that no key signed twice. It returns the signers in the order of the lines.
func verifyAll(text string, sigs []sigLine, keys []Key) ([]Key, error) {
	var signers []Key
	for _, s := range sigs {
		k, err := verifyLine(text, s, keys)
		if err != nil {
			return nil, err
		}
		for _, seen := range signers {
			if seen.vkey == k.vkey {
				return nil, fmt.Errorf("%w: two signatures by %s", ErrVerify, k.ID())
			}
		}
		signers = append(signers, k)
	}
	return signers, nil
}

func verifyLine(text string, s sigLine, keys []Key) (Key, error) {
	for _, k := range keys {
		if !s.by(k) {
			continue
		}
		if !k.verifier.Verify([]byte(text), s.sig) {
			return Key{}, fmt.Errorf("%w: signature by %s does not match the text", ErrVerify, k.ID())
		}
		return k, nil
	}
	return Key{}, fmt.Errorf("%w: signature by %s+%08x, which is none of the keys given", ErrVerify, s.name, s.hash)
}

// sign returns text as a note signed by all signers, in that order.
func sign(text string, signers ...Signer) ([]byte, error) {
	sigs := make([]sigLine, 0, len(signers))
	for _, s := range signers {
		sig, err := s.signer.Sign([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("sign with %s: %w", s.key.ID(), err)
		}
		sigs = append(sigs, sigLine{name: s.key.Name(), hash: s.signer.KeyHash(), sig: sig})
	}
	return joinNote(text, sigs), nil
}

// keyHash is the signed-note key hash of a type byte and public key.
func keyHash(name string, typed []byte) string {
	sum := sha256.Sum256(append([]byte(name+"\n"), typed...))
	return hex.EncodeToString(sum[:4])
}

func validName(name string) bool {
	return name != "" && utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsSpace) && !strings.Contains(name, "+")
}

// parseHash reads 32 bytes of base64 in canonical spelling.
func parseHash(s string) ([32]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(raw) != 32 || base64.StdEncoding.EncodeToString(raw) != s {
		return [32]byte{}, fmt.Errorf("%w: %q is not the base64 of 32 bytes", ErrVerify, shorten(s))
	}
	return [32]byte(raw), nil
}

func formatHash(h [32]byte) string { return base64.StdEncoding.EncodeToString(h[:]) }
