package attest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"tieout/audit"
)

// SignedText is what a signature is over, as a note's text: lines that a person
// can read before signing. Line breaks in names are spaces.
func (s Signature) SignedText() string {
	lines := []string{"tieout signature v1", s.What, s.Digest, s.Name, s.Title, s.At.UTC().Format(time.RFC3339Nano)}
	for i, l := range lines {
		lines[i] = strings.Join(strings.Fields(l), " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// Sign signs s.Digest as what the other fields say, with a signer of a personal
// key, and sets Key (which has to be its verifier key) and Value.
func (s Signature) Sign(signer note.Signer, key string) (Signature, error) {
	s.Key = key
	msg, err := note.Sign(&note.Note{Text: s.SignedText()}, signer)
	if err != nil {
		return s, fmt.Errorf("%w: sign %s: %w", audit.ErrInvalid, s.What, err)
	}
	s.Value = strings.TrimSuffix(strings.TrimPrefix(string(msg), s.SignedText()+"\n"), "\n")
	return s, s.Verify()
}

// Verify checks the signature with its own key. That the key is the signer's has
// to be known from elsewhere.
func (s Signature) Verify() error {
	v, err := note.NewVerifier(s.Key)
	if err != nil {
		return fmt.Errorf("%w: the key of %s's signature cannot be read: %w", audit.ErrInvalid, s.Name, err)
	}
	_, value, _ := strings.Cut(strings.TrimPrefix(s.Value, "— "), " ")
	if _, err := base64.StdEncoding.Strict().DecodeString(value); err != nil {
		return fmt.Errorf("%w: %s's signature on %s is not encoded as it was made", audit.ErrAltered, s.Name, s.What)
	}
	msg := s.SignedText() + "\n" + s.Value + "\n"
	n, err := note.Open([]byte(msg), note.VerifierList(v))
	if err != nil {
		return fmt.Errorf("%w: %s's signature on %s does not hold: %w", audit.ErrAltered, s.Name, s.What, err)
	}
	if len(n.Sigs) != 1 || len(n.UnverifiedSigs) != 0 {
		return fmt.Errorf("%w: %s's signature on %s: %w", audit.ErrAltered, s.Name, s.What, errors.New("more than one line"))
	}
	return nil
}
