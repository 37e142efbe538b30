package fieldwork

import (
	"errors"
	"fmt"
	"strings"

	"tieout/audit"
	"tieout/book"
)

// Checks of fields that a person wrote, as every book has them.
var (
	text     = book.Text
	line     = book.OneLine
	when     = book.When
	tooEarly = book.TooEarly
	dayText  = book.Day
	first    = book.First
	digest   = book.Digest
)

// allOf joins what is wrong with an entry's fields; nil where nothing is.
func allOf(errs ...error) error { return errors.Join(errs...) }

func within(name string, n, least, most int) error {
	if n < least || n > most {
		return fmt.Errorf("%w: %s is %d to %d, not %d", audit.ErrInvalid, name, least, most, n)
	}
	return nil
}

// fileOf is the engagement's file an entry is on, and the rest of its object's
// name: "S-4" of "sample:EN-1/S-4", "" of "plan:EN-1".
func (s *State) fileOf(e book.Entry) (*File, string, error) {
	engagement, rest, _ := strings.Cut(e.Of(), "/")
	f, err := s.file(engagement)
	return f, rest, err
}

// file is an engagement's file, or audit.ErrNotFound.
func (s *State) file(engagement string) (*File, error) {
	f := s.Files[engagement]
	if f == nil {
		return nil, fmt.Errorf("%w: engagement %s", audit.ErrNotFound, engagement)
	}
	return f, nil
}
