package engagement

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"tieout/audit"
	"tieout/internal/canonical"
)

// ToSign is what an assertion's signature is over: SHA-256, hex, of the
// assertion's canonical JSON (RFC 8785) without its signature.
func (a Assertion) ToSign() (string, error) {
	a.Signed = Signature{}
	return toSign("assertion of "+a.By, a)
}

// ToSign is what a representation letter's signature is over, as an assertion's.
func (r Representation) ToSign() (string, error) {
	r.Signed = Signature{}
	return toSign("representation letter of "+r.By, r)
}

// Digest is what an agreement to terms is signed over: SHA-256, hex, of their
// canonical JSON without milestones, which both sides move as they go.
func (t Terms) Digest() (string, error) {
	t.Milestones = nil
	return toSign("terms of "+t.ID, t)
}

func toSign(what string, v any) (string, error) {
	b, err := canonical.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("%w: %s: %w", audit.ErrInvalid, what, err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}
