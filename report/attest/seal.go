package attest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"tieout/audit"
	"tieout/internal/canonical"
)

// MaxSize is how large a report's canonical form may be, in bytes.
const MaxSize = 64 << 20

// Marshal returns the report's canonical form (RFC 8785), signatures included:
// what a file of the report carries.
func Marshal(r Report) ([]byte, error) {
	data, err := canonical.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("%w: report %s has no canonical form: %w", audit.ErrInvalid, r.ID, err)
	}
	return data, nil
}

// Parse reads a canonical form. It refuses unknown fields, other schemas and
// everything Marshal would not have written: what it returns marshals to data.
func Parse(data []byte) (Report, error) {
	if len(data) > MaxSize {
		return Report{}, fmt.Errorf("%w: the report's value has %d bytes; the most is %d", audit.ErrInvalid, len(data), MaxSize)
	}
	if err := canonical.Check(data); err != nil {
		return Report{}, fmt.Errorf("%w: the report's value: %w", audit.ErrInvalid, err)
	}
	r, err := decode(data)
	if err != nil {
		return r, err
	}
	again, err := Marshal(r)
	if err != nil {
		return r, err
	}
	if !bytes.Equal(again, data) {
		return r, fmt.Errorf("%w: the report's value does not re-encode to the same bytes", audit.ErrInvalid)
	}
	return r, nil
}

// Read reads a report's value as people hand it over: JSON in any order and with
// any spaces, but no unknown field and no other schema.
func Read(data []byte) (Report, error) {
	form, err := canonical.Transform(data)
	if err != nil {
		return Report{}, fmt.Errorf("%w: the report's value: %w", audit.ErrInvalid, err)
	}
	return decode(form)
}

func decode(form []byte) (Report, error) {
	var r Report
	dec := json.NewDecoder(bytes.NewReader(form))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return r, fmt.Errorf("%w: the report's value: %w", audit.ErrInvalid, err)
	}
	if r.Schema != Schema {
		return r, fmt.Errorf("%w: the report's value has schema %d; this program reads %d", audit.ErrInvalid, r.Schema, Schema)
	}
	return r, nil
}

// Digest is the SHA-256, hex, of the report's canonical form without its
// signatures: what people sign, and what every page names.
func Digest(r Report) (string, error) {
	r.Signatures = nil
	data, err := Marshal(r)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// Short is how a page names a digest: its first 16 hex digits in fours.
func Short(digest string) string {
	if len(digest) < 16 {
		return digest
	}
	return digest[:4] + " " + digest[4:8] + " " + digest[8:12] + " " + digest[12:16]
}
