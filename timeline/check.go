package timeline

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"tieout/audit"
	"tieout/internal/canonical"
)

const (
	maxID   = 1 << 10 // bytes of an item's id
	maxBody = 1 << 20 // bytes of a body
)

// Check reports whether it is an item of its type as a stream of the given
// mode tells it: body and volatile part in canonical form, every field known,
// of its kind, within its enumeration, absent only where the schema says what
// that means. Errors wrap audit.ErrInvalid and name type, item and field. A
// failing item says nothing; whoever read it must call its stream incomplete.
func Check(mode audit.Mode, it audit.Item) error {
	root := compiled()[it.Type]
	if root == nil {
		return fmt.Errorf("%w: item %q: there is no item type %q", audit.ErrInvalid, it.ID, it.Type)
	}
	if why := checkFrame(mode, it); why != "" {
		return fmt.Errorf("%w: %s %q: %s", audit.ErrInvalid, it.Type, it.ID, why)
	}
	if !it.Gone {
		if err := checkBody(root, it.Body, false); err != nil {
			return fmt.Errorf("%w: %s %q: %w", audit.ErrInvalid, it.Type, it.ID, err)
		}
	}
	if it.Volatile != nil {
		if err := checkBody(root, it.Volatile, true); err != nil {
			return fmt.Errorf("%w: %s %q: volatile part: %w", audit.ErrInvalid, it.Type, it.ID, err)
		}
	}
	return nil
}

// checkFrame checks everything but the fields.
func checkFrame(mode audit.Mode, it audit.Item) string {
	switch {
	case it.ID == "":
		return "it has no id"
	case len(it.ID) > maxID:
		return fmt.Sprintf("its id is longer than %d bytes", maxID)
	case !printable(it.ID):
		return "its id is not text: invalid UTF-8 or a control character"
	case mode == audit.ModeSnapshot && !it.At.IsZero():
		return "at: an item of a snapshot has no instant of its own"
	case mode != audit.ModeSnapshot && (it.At.IsZero() || it.At.Year() < 1 || !it.At.Before(audit.Never)):
		return "at: it says no instant"
	case it.Gone && mode != audit.ModeChanges:
		return fmt.Sprintf("gone: only changes say so themselves, this is of a stream of %s", mode)
	case it.Gone && len(it.Body) > 0:
		return "gone: what ceased to exist has no body"
	case len(it.Body) > maxBody || len(it.Volatile) > maxBody:
		return fmt.Sprintf("its body is longer than %d bytes", maxBody)
	}
	return ""
}

func printable(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] == 0x7f {
			return false
		}
	}
	return utf8.ValidString(s)
}

// checkBody runs the scanner and, where it finds something that is not as it
// should be, asks the slow and thorough canonical package first: a body that
// is not canonical at all is told so, whatever else is wrong with it.
func checkBody(root *node, body []byte, volatile bool) error {
	s := scanner{b: body, volatile: volatile}
	s.object(root, !volatile)
	if s.why == "" && s.i != len(body) {
		s.fail("", "there is data after the body")
	}
	if s.why == "" {
		return nil
	}
	if err := canonical.Check(body); err != nil {
		return fmt.Errorf("body is not canonical JSON: %w", err)
	}
	if s.field == "" {
		return fmt.Errorf("%s", s.why)
	}
	return fmt.Errorf("field %s: %s", s.field, s.why)
}

// A scanner walks a canonical body beside the tree of its type. It stops at the
// first fault. It allocates nothing while there is none.
type scanner struct {
	b        []byte
	i        int
	volatile bool // reads the volatile part: volatile fields only
	inside   bool // within an element of records, which follow their list
	field    string
	why      string
}

func (s *scanner) fail(field, why string) bool {
	if s.why == "" {
		s.field, s.why = field, why
	}
	return false
}

// take moves past c, if it is next.
func (s *scanner) take(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

// object reads an object whose keys are among n's children, in their order.
func (s *scanner) object(n *node, mayBeEmpty bool) bool {
	if !s.take('{') {
		return s.fail(n.path, "want an object")
	}
	if s.take('}') {
		if !mayBeEmpty {
			return s.fail(n.path, "an empty object says nothing; leave it out")
		}
		return true
	}
	for at := 0; ; at++ {
		if at = s.key(n, at); at < 0 {
			return false
		}
		if !s.value(n.kids[at]) {
			return false
		}
		if s.take('}') {
			return true
		}
		if !s.take(',') {
			return s.fail(n.kids[at].path, "want a comma or the object's end")
		}
	}
}

// key reads `"name":` and returns the child called so, from the one at on; -1
// where there is none.
func (s *scanner) key(n *node, at int) int {
	if !s.take('"') {
		s.fail(n.path, "want a key")
		return -1
	}
	end := bytes.IndexByte(s.b[s.i:], '"')
	if end < 0 || s.i+end+1 >= len(s.b) || s.b[s.i+end+1] != ':' {
		s.fail(n.path, "want a key and a colon")
		return -1
	}
	name := s.b[s.i : s.i+end]
	for ; at < len(n.kids); at++ {
		if n.kids[at].name == string(name) {
			s.i += end + 2
			return at
		}
	}
	path := string(name)
	if n.path != "" {
		path = n.path + "." + path
	}
	s.fail(path, "the type has no such field, or it is out of order")
	return -1
}

func (s *scanner) value(n *node) bool {
	f := n.field
	if f == nil {
		return s.object(n, false)
	}
	if !s.inside && n.volatile != s.volatile {
		if n.volatile {
			return s.fail(n.path, "it is volatile and has no place in the body")
		}
		return s.fail(n.path, "it is not volatile and belongs in the body")
	}
	switch f.Kind {
	case audit.Bool:
		return s.boolean(n)
	case audit.Int:
		return s.integer(n)
	case audit.Time:
		return s.time(n)
	case audit.Strings:
		return s.list(n, func() bool { return s.text(n, true) })
	case audit.Records:
		return s.list(n, func() bool { return s.record(n) })
	default:
		return s.text(n, f.None != "")
	}
}

func (s *scanner) record(n *node) bool {
	was := s.inside
	s.inside = true
	ok := s.object(n.element, true)
	s.inside = was
	return ok
}

func (s *scanner) list(n *node, element func() bool) bool {
	if !s.take('[') {
		return s.fail(n.path, "want a list")
	}
	if s.take(']') {
		if n.field.None == "" {
			return s.fail(n.path, "the schema gives an empty list no meaning here; leave the field out if it was not collected")
		}
		return true
	}
	for element() {
		if s.take(']') {
			return true
		}
		if !s.take(',') {
			return s.fail(n.path, "want a comma or the list's end")
		}
	}
	return false
}
