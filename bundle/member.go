package bundle

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"
)

// The format's fixed texts and its limits. A file that goes beyond one is
// refused before memory is spent on it.
const (
	magic    = "tieout bundle 1\n"
	endMagic = "\ntieout bundle e"

	maxName    = 1 << 10 // bytes of a member's name
	maxMembers = 1 << 20
	maxStored  = 1 << 24 // bytes of a member as it is stored
	maxContent = 1 << 24 // bytes of a member unpacked
	maxIndex   = 1 << 28 // bytes of the index

	headFixed = 2 + 1 + 8 + 8
	tailSize  = 8 + 8 + sha256.Size + 4 + len(endMagic)
)

// Packing says how a member's content is stored.
type packing uint8

const (
	plain  packing = 0
	zipped packing = 1 // one or more zstd frames
)

// A member is one entry of the index: what the file holds under a name.
type member struct {
	Name   string  `json:"name"`
	Pack   packing `json:"pack"`
	Size   int64   `json:"size"`   // bytes of its content
	Stored int64   `json:"stored"` // bytes as stored
	Digest string  `json:"digest"` // "sha256:" and hex, of the bytes as stored

	at int64 // offset of its header in the file
}

// header is what stands before the stored bytes: the length of the name (2
// bytes), the packing (1), the lengths stored and unpacked (8 each), the name.
// Numbers are big-endian.
func (m member) header() []byte {
	b := binary.BigEndian.AppendUint16(make([]byte, 0, headFixed+len(m.Name)), uint16(len(m.Name)))
	b = append(b, byte(m.Pack))
	b = binary.BigEndian.AppendUint64(b, uint64(m.Stored))
	b = binary.BigEndian.AppendUint64(b, uint64(m.Size))
	return append(b, m.Name...)
}

// end is the offset after the member.
func (m member) end() int64 { return m.at + headFixed + int64(len(m.Name)) + m.Stored }

func (m member) check() error {
	switch {
	case !validName(m.Name):
		return fmt.Errorf("member name %q is not a plain relative path", m.Name)
	case m.Pack > zipped:
		return fmt.Errorf("member %s: packing %d is not known", m.Name, m.Pack)
	case m.Stored < 0 || m.Stored > maxStored || m.Size < 0 || m.Size > maxContent:
		return fmt.Errorf("member %s: %d bytes stored, %d unpacked; at most %d", m.Name, m.Stored, m.Size, maxContent)
	case m.Pack == plain && m.Size != m.Stored:
		return fmt.Errorf("member %s: not packed, yet %d bytes stored for %d", m.Name, m.Stored, m.Size)
	}
	raw, err := hex.DecodeString(strings.TrimPrefix(m.Digest, "sha256:"))
	if err != nil || len(raw) != sha256.Size || digestText([sha256.Size]byte(raw)) != m.Digest {
		return fmt.Errorf("member %s: %q is not a SHA-256", m.Name, m.Digest)
	}
	return nil
}

func digestText(sum [sha256.Size]byte) string { return "sha256:" + hex.EncodeToString(sum[:]) }

// validName accepts relative slash-separated paths of printable UTF-8 that no
// file system takes for anything else.
func validName(name string) bool {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) || strings.ContainsAny(name, "\\:") {
		return false
	}
	for _, r := range name {
		if r < 0x20 || r == 0x7f {
			return false
		}
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}

// sections are the parts of a bundle in the order they stand in the file. A
// name that ends in a slash holds any number of members.
var sections = []string{"about.json", "definitions/", "log/", "records/", "bodies/", "items/", "results/", "report.json/"}

// section is the place of a name among the sections, -1 where it has none.
func section(name string) int {
	for i, s := range sections {
		if name == s || strings.HasSuffix(s, "/") && strings.HasPrefix(name, s) && len(name) > len(s) {
			return i
		}
	}
	return -1
}

// follows reports whether b may stand after a: by section, then by name.
func follows(a, b string) bool {
	sa, sb := section(a), section(b)
	return sb >= 0 && (sa < sb || sa == sb && a < b)
}
