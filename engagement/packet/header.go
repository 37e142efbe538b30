package packet

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/internal/canonical"
	"tieout/ledger"
)

// The format's fixed texts.
const (
	format = "tieout.packet/1"
	magic  = "tieout packet 1\n"
	tag    = "tieout packet 1" // of the signed statement
)

// Limits. A file that goes beyond one is refused before memory is spent on it.
const (
	maxNote    = 4 << 10   // bytes of the signed statement
	maxHeader  = 1 << 20   // bytes of the header
	maxLog     = 64 << 10  // bytes of what the header shows of the sender's log
	maxPayload = 32 << 20  // bytes of the payload
	maxFiles   = 1000      // files beside it
	maxName    = 200       // bytes of a file's name
	maxFile    = 1 << 40   // bytes of one file
	maxNumber  = 1_000_000 // packets in one direction of one engagement
)

// A Header is what a packet says of itself. Digests are "sha256:" and 64 hex
// digits; sizes are bytes.
type Header struct {
	Format     string          `json:"format"`
	Kind       engagement.Kind `json:"kind"`
	Engagement string          `json:"engagement"` // "EN-1"
	From       string          `json:"from"`       // origin of the sender's log
	To         string          `json:"to"`         // origin of the receiver's
	Number     int64           `json:"number"`     // from 1, in this direction
	Prev       string          `json:"prev"`       // digest of the packet before in this direction; "" of the first
	Made       time.Time       `json:"made"`       // by the sender's clock
	Log        string          `json:"log"`        // the sender's log: keys, checkpoint, and the proof from the packet before (ledger.Parcel)
	Heard      *Heard          `json:"heard,omitempty"`
	Payload    Part            `json:"payload"`
	Files      []Part          `json:"files,omitempty"`
}

// Heard is what the sender has of the other direction, and its word as the
// other log's witness.
type Heard struct {
	Number int64  `json:"number"` // highest number taken
	Digest string `json:"digest"` // of that packet
	Line   string `json:"line"`   // cosignature of the checkpoint in it (C2SP tlog-cosignature)
}

// A Part is the payload, which has no name, or a file beside it.
type Part struct {
	Name   string `json:"name,omitempty"`
	Media  string `json:"media,omitempty"`
	Size   int64  `json:"size"`
	Digest string `json:"digest"`
}

// Bytes is how many bytes payload and files have together.
func (h Header) Bytes() int64 {
	n := h.Payload.Size
	for _, f := range h.Files {
		n += f.Size
	}
	return n
}

// FileName is the name of the packet as a file: "EN-1-to-brookline-0007.packet".
func (h Header) FileName() string {
	return fmt.Sprintf("%s-to-%s-%04d.packet", h.Engagement, shortName(h.To), h.Number)
}

// shortName is the first word of an origin, of letters, digits and hyphens.
func shortName(origin string) string {
	word := strings.FieldsFunc(origin, func(r rune) bool {
		return r != '-' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	})
	if len(word) == 0 || strings.Trim(word[0], "-") == "" {
		return "other"
	}
	return word[0][:min(len(word[0]), 40)]
}

func (h Header) encode() ([]byte, error) {
	b, err := canonical.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("%w: header of a packet: %w", audit.ErrInvalid, err)
	}
	if len(b) > maxHeader {
		return nil, fmt.Errorf("%w: a packet's header of %d bytes; at most %d", audit.ErrInvalid, len(b), maxHeader)
	}
	return b, nil
}

// statement is the text that is signed: whose packet it is, and the digest that
// binds every byte of it.
func (h Header) statement(encoded []byte) string {
	return strings.Join([]string{h.Engagement, h.From, h.To, strconv.FormatInt(h.Number, 10), digestOf(encoded)}, "\n") + "\n"
}

// parseHeader reads a header; what it accepts, encode gives back unchanged.
func parseHeader(b []byte) (Header, error) {
	var h Header
	if err := book.Strict(b, &h); err != nil {
		return h, altered("header", "it is not one this version reads")
	}
	if again, err := h.encode(); err != nil || !bytes.Equal(again, b) {
		return h, altered("header", "it is not in its one spelling")
	}
	if err := h.check(); err != nil {
		return h, err
	}
	return h, nil
}

var engagementID = regexp.MustCompile(`^[A-Z]{1,8}-[1-9][0-9]{0,8}$`)

// check holds a header to its form, whoever made it.
func (h Header) check() error {
	switch {
	case h.Format != format:
		return invalid("it is of format %q; this version reads %s", short(h.Format), format)
	case types[h.Kind] == nil:
		return invalid("this version knows no packet of kind %q", short(string(h.Kind)))
	case !engagementID.MatchString(h.Engagement):
		return invalid("%q is not the ID of an engagement, such as EN-1", short(h.Engagement))
	case !origin(h.From) || !origin(h.To) || h.From == h.To:
		return invalid("it does not say from which log it comes and to which it goes")
	case h.Number < 1 || h.Number > maxNumber:
		return invalid("its number is %d", h.Number)
	case (h.Number == 1) != (h.Prev == "") || h.Prev != "" && !validDigest(h.Prev):
		return invalid("it does not name the packet before it as it should")
	case h.Made.IsZero() || h.Made.Location() != time.UTC || !h.Made.Equal(audit.Instant(h.Made)):
		return invalid("the time it was made is not in UTC to the microsecond")
	case len(h.Log) > maxLog:
		return invalid("it shows %d bytes of its sender's log; at most %d", len(h.Log), maxLog)
	}
	if err := h.Heard.check(); err != nil {
		return err
	}
	return h.checkParts()
}

func (h *Heard) check() error {
	if h != nil && (h.Number < 1 || h.Number > maxNumber || !validDigest(h.Digest) || h.Line == "" || len(h.Line) > maxNote) {
		return invalid("what it says of the other direction is not complete")
	}
	return nil
}

func (h Header) checkParts() error {
	if p := h.Payload; p.Name != "" || p.Media != "" || p.Size < 1 || p.Size > maxPayload || !validDigest(p.Digest) {
		return invalid("its payload is described wrongly, or has more than %d bytes", maxPayload)
	}
	if len(h.Files) > maxFiles {
		return invalid("it has %d files; at most %d", len(h.Files), maxFiles)
	}
	seen := map[string]bool{}
	for _, f := range h.Files {
		if err := CheckName(f.Name); err != nil {
			return err
		}
		lower := strings.ToLower(f.Name)
		switch {
		case seen[lower]:
			return invalid("two files are named %q", f.Name)
		case f.Size < 0 || f.Size > maxFile || !validDigest(f.Digest):
			return invalid("file %q: its size or digest is none", f.Name)
		case !mediaType.MatchString(f.Media):
			return invalid("file %q: %q is no media type such as application/json", f.Name, short(f.Media))
		}
		seen[lower] = true
	}
	return nil
}

// mediaType is a media type, with parameters such as "; charset=utf-8".
var mediaType = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+-]{0,60}/[A-Za-z0-9][A-Za-z0-9.+-]{0,80}(; ?[a-z0-9-]{1,20}="?[A-Za-z0-9._+-]{1,40}"?){0,3}$`)

// CheckName refuses names that are no plain file name on every system: paths,
// device names, names that begin with a dot or end with one or a space.
func CheckName(name string) error {
	bad := name == "" || len(name) > maxName || !utf8.ValidString(name) || strings.ContainsAny(name, `/\:*?"<>|`) ||
		strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) || strings.HasPrefix(name, ".") ||
		strings.TrimRight(name, ". ") != name || name[0] == ' ' || slices.Contains(devices, deviceOf(name))
	if bad {
		return invalid("%q is no plain file name of at most %d bytes", short(name), maxName)
	}
	return nil
}

// devices are names that Windows keeps for itself, whatever the extension.
var devices = []string{"con", "prn", "aux", "nul", "com", "lpt"}

func deviceOf(name string) string {
	base, _, _ := strings.Cut(strings.ToLower(name), ".")
	return strings.TrimRight(base, "0123456789")
}

func origin(s string) bool {
	return s != "" && len(s) <= maxName && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) })
}

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

func validDigest(s string) bool { return digestForm.MatchString(s) }

func digestOf(b []byte) string { return digestText(sha256.Sum256(b)) }

func digestText(sum [sha256.Size]byte) string { return "sha256:" + hex.EncodeToString(sum[:]) }

// parcel is what the header shows of the sender's log.
func (h Header) parcel() (ledger.Parcel, error) {
	p, err := ledger.ParseParcel([]byte(h.Log))
	if err != nil {
		return p, altered("header", "what it shows of the sender's log: %v", err)
	}
	return p, nil
}

// altered is the error of bytes that are not what was signed; where is the part.
func altered(where, format string, args ...any) error {
	return fmt.Errorf("%w: packet, %s: %s", audit.ErrAltered, where, fmt.Sprintf(format, args...))
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: packet: %s", audit.ErrInvalid, fmt.Sprintf(format, args...))
}

func short(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "..."
	}
	return s
}
