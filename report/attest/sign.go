package attest

import (
	"fmt"
	"strings"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/ledger"
)

// A signature's statement, as docs/formats/packets.md describes it.
const (
	signatureFormat = "tieout.signature/1"
	signatureTag    = "tieout signature 1"
)

// Statement is the text that a signature is over, one canonical JSON line.
func (s Signature) Statement() (string, error) {
	b, err := canonical.Marshal(map[string]any{"format": signatureFormat, "signer": s.Signer, "name": s.Name, "title": s.Title,
		"what": s.What, "digest": s.Digest, "key": s.Key, "at": audit.FormatTime(s.At)})
	if err != nil {
		return "", fmt.Errorf("%w: signature of %.100q: %w", audit.ErrInvalid, s.Name, err)
	}
	return string(b) + "\n", nil
}

// Verify checks that every word of the signature was signed with the key it
// names. Whose key that is has to be known from elsewhere. An error is
// ErrAltered.
func (s Signature) Verify() error {
	bad := func(why any) error {
		return fmt.Errorf("%w: the signature of %.100q on %.200q does not hold: %v", audit.ErrAltered, s.Name, s.What, why)
	}
	key, err := ledger.ParseKey(s.Key)
	if err != nil {
		return bad(err)
	}
	if name := keyName(s.Name); name != key.Name() {
		return bad("the key is of " + key.Name())
	}
	text, err := s.Statement()
	if err != nil {
		return bad(err)
	}
	if _, _, err := ledger.VerifyStatement([]byte(signatureTag+"\n"+text+"\n"+s.Value), signatureTag, key); err != nil {
		return bad(err)
	}
	return nil
}

// keyName is a person's name as a key in note format carries it.
func keyName(name string) string {
	return strings.NewReplacer("+", "-", "/", "-").Replace(strings.Join(strings.Fields(name), "."))
}
