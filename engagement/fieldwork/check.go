package fieldwork

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tieout/audit"
	"tieout/book"
)

// allOf joins what is wrong with an entry's fields; nil where nothing is.
func allOf(errs ...error) error { return errors.Join(errs...) }

// text checks a field that a person wrote: its length in characters, and that
// it holds no control characters but line breaks and tabs.
func text(name, s string, least, most int) error {
	n := utf8.RuneCountInString(strings.TrimSpace(s))
	switch {
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' }):
		return fmt.Errorf("%w: %s holds characters that cannot be shown", audit.ErrInvalid, name)
	case n < least && least == 1:
		return fmt.Errorf("%w: %s is missing", audit.ErrInvalid, name)
	case n < least:
		return fmt.Errorf("%w: %s is too short: at least %d characters", audit.ErrInvalid, name, least)
	case utf8.RuneCountInString(s) > most:
		return fmt.Errorf("%w: %s is too long: at most %d characters", audit.ErrInvalid, name, most)
	}
	return nil
}

// oneOf checks that a field says one of the words it may say.
func oneOf[T ~string](name string, s T, allowed ...T) error {
	if slices.Contains(allowed, s) {
		return nil
	}
	words := make([]string, 0, len(allowed))
	for _, a := range allowed {
		words = append(words, string(a))
	}
	return fmt.Errorf("%w: %s is one of %s, not %q", audit.ErrInvalid, name, strings.TrimPrefix(strings.Join(words, ", "), ", "), string(s))
}

func within(name string, n, least, most int) error {
	if n < least || n > most {
		return fmt.Errorf("%w: %s is %d to %d, not %d", audit.ErrInvalid, name, least, most, n)
	}
	return nil
}

// when is an error that says why, where wrong.
func when(wrong bool, why string) error {
	if !wrong {
		return nil
	}
	return fmt.Errorf("%w: %s", audit.ErrInvalid, why)
}

// tooEarly is an error of an act that comes before what it stands on, in words.
func tooEarly(format string, args ...any) error {
	return fmt.Errorf("%w: %s", audit.ErrConflict, fmt.Sprintf(format, args...))
}

// dayText checks a field that holds a calendar day, or "" where it may be left out.
func dayText(name, s string, needed bool) error {
	if s == "" && !needed {
		return nil
	}
	if d, err := time.Parse(time.DateOnly, s); err != nil || d.Year() < 1990 || d.Year() > 2200 {
		return fmt.Errorf("%w: %s: %q is not a day such as 2026-09-14", audit.ErrInvalid, name, s)
	}
	return nil
}

// list is never nil: canonical JSON knows no null.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// sorted returns the values of a map in the order of their keys.
func sorted[T any](m map[string]T) []T {
	out := make([]T, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
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
