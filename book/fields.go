package book

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tieout/audit"
	"tieout/internal/natural"
)

// First is the first thing that is wrong; nil where nothing is.
func First(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Text checks a field that a person wrote: its length in characters, and that it
// holds no control characters but line breaks and tabs.
func Text(name, s string, least, most int) error {
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

// OneLine is Text of at most 300 characters without line breaks.
func OneLine(name, s string, least int) error {
	if strings.ContainsAny(s, "\r\n\t") {
		return fmt.Errorf("%w: %s is one line", audit.ErrInvalid, name)
	}
	return Text(name, s, least, 300)
}

// OneOf checks that a field says one of the words it may say.
func OneOf[T ~string](name string, s T, allowed ...T) error {
	if slices.Contains(allowed, s) {
		return nil
	}
	words := make([]string, 0, len(allowed))
	for _, a := range allowed {
		words = append(words, string(a))
	}
	return fmt.Errorf("%w: %s is one of %s, not %q", audit.ErrInvalid, name, strings.TrimPrefix(strings.Join(words, ", "), ", "), string(s))
}

// When is an error that says why, where wrong.
func When(wrong bool, why string) error {
	if !wrong {
		return nil
	}
	return fmt.Errorf("%w: %s", audit.ErrInvalid, why)
}

// TooEarly is the error of an act that comes before what it stands on, in words.
// It is an audit.ErrConflict.
func TooEarly(format string, args ...any) error {
	return fmt.Errorf("%w: %s", audit.ErrConflict, fmt.Sprintf(format, args...))
}

// Day checks a calendar day such as 2026-09-14, or "" where it may be left out.
func Day(name, s string, needed bool) error {
	if s == "" && !needed {
		return nil
	}
	if d, err := time.Parse(time.DateOnly, s); err != nil || d.Year() < 1990 || d.Year() > 2200 {
		return fmt.Errorf("%w: %s: %q is not a day such as 2026-09-14", audit.ErrInvalid, name, s)
	}
	return nil
}

// Digest checks a SHA-256 in lower-case hex.
func Digest(name, s string) error {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 32 || strings.ToLower(s) != s {
		return fmt.Errorf("%w: %s is no SHA-256 in hex", audit.ErrInvalid, name)
	}
	return nil
}

// List is never nil: canonical JSON knows no null.
func List[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// Sorted returns the values of a map in the order of their keys: X-2 before X-10.
func Sorted[T any](m map[string]T) []T {
	out := make([]T, 0, len(m))
	for _, k := range slices.SortedFunc(maps.Keys(m), natural.Compare) {
		out = append(out, m[k])
	}
	return out
}
