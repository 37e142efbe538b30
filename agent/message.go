package agent

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
	format "tieout/source/agent"
)

// A Request asks to enroll a computer.
type Request struct {
	Format    string `json:"format"`
	Secret    string `json:"secret"`    // of the token, base64
	PublicKey string `json:"publicKey"` // the computer's, base64
	Hostname  string `json:"hostname,omitempty"`
	Serial    string `json:"serial,omitempty"`
	Platform  string `json:"platform,omitempty"`
	At        string `json:"at"`
}

// An Enrollment is a request signed by the key it names.
type Enrollment struct {
	Request   Request `json:"request"`
	Signature string  `json:"signature"`
}

// Outcomes of an answer, and the reasons of a refusal.
const (
	Enrolled = "enrolled"
	Accepted = "accepted"
	Refused  = "refused"

	ReasonMalformed = "malformed" // it cannot be read, or is too large
	ReasonToken     = "token"     // not one of ours, used, or expired
	ReasonSignature = "signature" // not by the key it should be by
	ReasonDevice    = "device"    // not enrolled, or taken out of use
	ReasonSequence  = "sequence"  // not the report that comes next
	ReasonClock     = "clock"     // its time lies ahead of the receiver's clock
	ReasonOrder     = "order"     // its time lies before the report before
	ReasonFailed    = "failed"    // the receiver could not keep it
)

// An Answer is what the receiver says, signed by its key. To binds it to one
// message: an old answer is none to another.
type Answer struct {
	Format   string `json:"format"`
	To       string `json:"to"` // digest of the bytes that were sent
	Device   string `json:"device,omitempty"`
	Outcome  string `json:"outcome"`
	Reason   string `json:"reason,omitempty"`
	Say      string `json:"say,omitempty"`      // the reason for people
	Sequence int64  `json:"sequence"`           // of the last report the receiver has of the device
	Previous string `json:"previous,omitempty"` // digest of that report's header
	At       string `json:"at"`                 // the receiver's clock
}

// A SignedAnswer is what goes over the wire.
type SignedAnswer struct {
	Answer    Answer `json:"answer"`
	Signature string `json:"signature"`
}

// maxMessage is the most bytes of one message: a report's body in base64, and
// what is around it.
const maxMessage = format.MaxBody*4/3 + 64<<10

// decode reads one JSON object strictly.
func decode(b []byte, v any) error {
	if _, err := canonical.Decode(b); err != nil {
		return fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	return source.Strict(b, v)
}

// readAnswer reads and verifies what a receiver answered to sent.
func readAnswer(r io.Reader, key ed25519.PublicKey, sent []byte) (Answer, error) {
	b, err := io.ReadAll(io.LimitReader(r, 64<<10))
	if err != nil {
		return Answer{}, fmt.Errorf("%w: the answer broke off: %w", audit.ErrUnavailable, err)
	}
	var s SignedAnswer
	if json.Unmarshal(b, &s) != nil {
		return Answer{}, fmt.Errorf("%w: what answered is no receiver of ours: %s", audit.ErrUnavailable, clip(b))
	}
	if err := format.Verify(key, format.FormatAnswer, s.Answer, s.Signature); err != nil {
		return Answer{}, fmt.Errorf("the receiver's answer: %w", err)
	}
	if s.Answer.To != format.Digest(sent) {
		return Answer{}, fmt.Errorf("%w: the receiver's answer is to another message", audit.ErrAltered)
	}
	return s.Answer, nil
}

func clip(b []byte) string {
	b = bytes.TrimSpace(bytes.ToValidUTF8(b, []byte("\uFFFD")))
	if len(b) > 100 {
		b = append(bytes.Clone(b[:100]), "..."...)
	}
	return string(b)
}
