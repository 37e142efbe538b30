package deviation

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"tieout/internal/canonical"
)

// Encode returns d's canonical JSON: the bytes that are sealed.
func Encode(d Decision) ([]byte, error) {
	b, err := canonical.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("decision about %s: %w", d.Ref, err)
	}
	return b, nil
}

// Parse reads what Encode wrote and nothing else: other keys, other orders and
// other spellings of the same value are errors that wrap audit.ErrInvalid.
func Parse(b []byte) (Decision, error) {
	var d Decision
	if err := canonical.Check(b); err != nil {
		return d, refuse("decision: %v", err)
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return Decision{}, refuse("decision: %v", err)
	}
	again, err := Encode(d)
	if err != nil || !bytes.Equal(again, b) {
		return Decision{}, refuse("decision: not in the form it is written in")
	}
	if err := complete(&d); err != nil {
		return Decision{}, err
	}
	return d, nil
}

// Digest names a decision: "sha256:" and the hex of its canonical JSON.
func Digest(d Decision) (string, error) {
	b, err := Encode(d)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}
