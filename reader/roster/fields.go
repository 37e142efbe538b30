package roster

import (
	"encoding/json"
	"strings"
	"time"

	"tieout/audit"
	"tieout/internal/jsonscan"
)

// A body reads the fields of an item. A field that was not collected is told
// apart from one that is known to be absent.
type body struct{ doc jsonscan.Doc }

func bodyOf(raw json.RawMessage) body {
	d, err := jsonscan.Scan(raw)
	if err != nil {
		return body{} // nothing was collected, as far as can be read
	}
	return body{d}
}

func (b body) raw(name string) (json.RawMessage, bool) {
	head, rest, dotted := strings.Cut(name, ".")
	raw, ok := b.doc.Field(head)
	if !ok || !dotted {
		return raw, ok
	}
	raw, ok, err := jsonscan.Get(raw, rest)
	return raw, ok && err == nil
}

// text is a string, "" where it is absent or was not collected.
func (b body) text(name string) string {
	raw, _ := b.raw(name)
	s, _ := jsonscan.Text(raw)
	return s
}

// truth is "yes", "no", or "" where it was not collected.
func (b body) truth(name string) string {
	switch raw, _ := b.raw(name); string(raw) {
	case "true":
		return "yes"
	case "false":
		return "no"
	}
	return ""
}

// number is an integer; known is false where it was not collected.
func (b body) number(name string) (n int64, known bool) {
	raw, ok := b.raw(name)
	if !ok || json.Unmarshal(raw, &n) != nil {
		return 0, false
	}
	return n, true
}

func (b body) list(name string) (out []string, known bool) {
	raw, ok := b.raw(name)
	if !ok || json.Unmarshal(raw, &out) != nil {
		return nil, false
	}
	return out, true
}

// A When is an instant that may be known not to be, or not be known at all.
type When struct {
	At    time.Time // zero where it is never or unknown
	Known bool
}

// Never reports that it is known that it did not happen.
func (w When) Never() bool { return w.Known && w.At.IsZero() }

func (b body) when(name string) When {
	raw, ok := b.raw(name)
	if !ok {
		return When{}
	}
	s, ok := jsonscan.Text(raw)
	if !ok {
		return When{}
	}
	if s == audit.NeverText {
		return When{Known: true}
	}
	t, err := audit.ParseTime(s)
	return When{t, err == nil}
}
