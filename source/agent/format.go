package agent

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
)

// Formats of what is signed (docs/formats/agent.md). The first line of what
// is signed is the format, so that one cannot stand for another.
const (
	FormatReport = "tieout.agent.report/1"
	FormatEnroll = "tieout.agent.enroll/1"
	FormatAnswer = "tieout.agent.answer/1"
)

// MaxBody is the most bytes a report's body may have.
const MaxBody = 8 << 20

// A Header is what a computer signs of one report.
type Header struct {
	Format   string `json:"format"`
	Device   string `json:"device"`
	Sequence int64  `json:"sequence"`           // 1, 2, 3 ...
	Previous string `json:"previous,omitempty"` // digest of the header before; "" for the first
	At       string `json:"at"`                 // when the computer looked at itself, by its own clock; audit.TimeLayout
	Kind     string `json:"kind"`               // of the page
	Query    string `json:"query"`
	Media    string `json:"media"`
	Digest   string `json:"digest"` // "sha256:" and hex, of the body
}

// A Report is a signed header and the body it speaks of.
type Report struct {
	Header    Header `json:"header"`
	Body      string `json:"body"`      // base64
	Signature string `json:"signature"` // base64, Ed25519 (RFC 8032)
}

// A Device is a computer that was enrolled.
type Device struct {
	ID         string `json:"id"`
	PublicKey  string `json:"publicKey"` // base64, Ed25519
	Hostname   string `json:"hostname,omitempty"`
	Serial     string `json:"serial,omitempty"`
	Platform   string `json:"platform,omitempty"`
	AssignedTo string `json:"assignedTo,omitempty"` // id of the person, as the enrollment token says
	Kind       string `json:"kind,omitempty"`       // laptop, desktop, server, as the token says
	Enrolled   string `json:"enrolled"`             // by the server's clock
}

// An Entry is one report as the server keeps it.
type Entry struct {
	Received string `json:"received"` // by the server's clock
	Report   Report `json:"report"`
}

// Digest is "sha256:" and the hash of b in hex.
func Digest(b []byte) string {
	h := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(h[:])
}

// DeviceID names a computer by its key: it cannot be another's.
func DeviceID(key ed25519.PublicKey) string {
	h := sha256.Sum256(key)
	return hex.EncodeToString(h[:16])
}

// Sign signs the canonical JSON of v (RFC 8785) under a format.
func Sign(key ed25519.PrivateKey, format string, v any) (signature string, err error) {
	b, err := signed(format, v)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(ed25519.Sign(key, b)), nil
}

// Verify checks what Sign made.
func Verify(key ed25519.PublicKey, format string, v any, signature string) error {
	b, err := signed(format, v)
	if err != nil {
		return err
	}
	s, err := base64.StdEncoding.DecodeString(signature)
	if err != nil || len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, b, s) {
		return fmt.Errorf("%w: the signature is not by the key it should be by", audit.ErrAltered)
	}
	return nil
}

func signed(format string, v any) ([]byte, error) {
	b, err := canonical.Marshal(v)
	return append([]byte(format+"\n"), b...), err
}

// PublicKey reads the base64 of an Ed25519 key.
func PublicKey(text string) (ed25519.PublicKey, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%w: the public key is not 32 bytes in base64", audit.ErrInvalid)
	}
	return b, nil
}

// Key is the device's public key; its ID is derived from it.
func (d Device) Key() (ed25519.PublicKey, error) {
	key, err := PublicKey(d.PublicKey)
	if err == nil && DeviceID(key) != d.ID {
		err = fmt.Errorf("%w: the device's id is not its key's", audit.ErrAltered)
	}
	return key, err
}

// NewReport signs a body.
func NewReport(key ed25519.PrivateKey, h Header, body []byte) (Report, error) {
	h.Format, h.Digest = FormatReport, Digest(body)
	s, err := Sign(key, FormatReport, h)
	return Report{Header: h, Body: base64.StdEncoding.EncodeToString(body), Signature: s}, err
}

// Check verifies a report and returns its body and time.
func (r Report) Check(d Device) (body []byte, at time.Time, err error) {
	key, err := d.Key()
	if err != nil {
		return nil, at, err
	}
	switch {
	case r.Header.Format != FormatReport:
		return nil, at, fmt.Errorf("%w: format %q is not %s", audit.ErrInvalid, r.Header.Format, FormatReport)
	case r.Header.Device != d.ID:
		return nil, at, fmt.Errorf("%w: the report is another device's", audit.ErrAltered)
	case r.Header.Sequence < 1:
		return nil, at, fmt.Errorf("%w: sequence %d", audit.ErrInvalid, r.Header.Sequence)
	}
	if err := Verify(key, FormatReport, r.Header, r.Signature); err != nil {
		return nil, at, err
	}
	body, err = base64.StdEncoding.DecodeString(r.Body)
	if err != nil || len(body) > MaxBody {
		return nil, at, fmt.Errorf("%w: the body is not base64 of at most %d bytes", audit.ErrInvalid, MaxBody)
	}
	if Digest(body) != r.Header.Digest {
		return nil, at, fmt.Errorf("%w: the body is not the one that was signed", audit.ErrAltered)
	}
	if at, err = audit.ParseTime(r.Header.At); err != nil || at.Equal(audit.Never) {
		return nil, at, fmt.Errorf("%w: at %q is not an instant", audit.ErrInvalid, r.Header.At)
	}
	return body, at, nil
}

// Link is what the next report names as the one before.
func (h Header) Link() (string, error) {
	b, err := canonical.Marshal(h)
	return Digest(b), err
}

// ReadEntry reads one file of a journal. It does not verify it.
func ReadEntry(b []byte) (Entry, error) {
	var e Entry
	if err := strict(b, &e); err != nil {
		return e, err
	}
	if _, err := audit.ParseTime(e.Received); err != nil {
		return e, err
	}
	return e, nil
}

// strict decodes one JSON object without duplicate or unknown keys.
func strict(b []byte, v any) error {
	if _, err := canonical.Decode(b); err != nil {
		return fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	return source.Strict(b, v)
}

// ReadDevice reads and checks the file of an enrolled computer.
func ReadDevice(b []byte) (Device, error) {
	var d Device
	if err := strict(b, &d); err != nil {
		return d, err
	}
	if _, err := d.Key(); err != nil {
		return d, err
	}
	_, err := audit.ParseTime(d.Enrolled)
	return d, err
}

// A Revoked says that a computer was taken out of use.
type Revoked struct {
	Device string `json:"device"`
	At     string `json:"at"`
}

// ReadRevoked reads the file that revokes a device.
func ReadRevoked(b []byte) (Revoked, error) {
	var r Revoked
	if err := strict(b, &r); err != nil {
		return r, err
	}
	if _, err := audit.ParseTime(r.At); err != nil || r.Device == "" {
		return r, errors.Join(err, fmt.Errorf("%w: it names no device or no instant", audit.ErrInvalid))
	}
	return r, nil
}

// Encode writes v as it is kept and sent: canonical JSON.
func Encode(v any) (json.RawMessage, error) { return canonical.Marshal(v) }
