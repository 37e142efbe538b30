package program

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tieout/audit"
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

func oneOf(name, s string, allowed ...string) error {
	if slices.Contains(allowed, s) {
		return nil
	}
	return fmt.Errorf("%w: %s is one of %s, not %q", audit.ErrInvalid, name, strings.TrimPrefix(strings.Join(allowed, ", "), ", "), s)
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

// instantText checks a field that holds an instant as audit.FormatTime writes
// it, or "".
func instantText(name, s string) error {
	if s == "" {
		return nil
	}
	t, err := audit.ParseTime(s)
	if err != nil || t.Year() < 1990 || t.Year() > 2200 {
		return fmt.Errorf("%w: %s: %q is not an instant such as 2026-09-14T12:00:00Z", audit.ErrInvalid, name, s)
	}
	return nil
}

// instantOf is an instant that was checked; zero for "".
func instantOf(s string) time.Time {
	t, err := audit.ParseTime(s)
	if err != nil {
		return time.Time{}
	}
	return t
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return audit.FormatTime(audit.Instant(t))
}

// timeOrNever is an instant as a fact's field says it.
func timeOrNever(t time.Time) string {
	if t.IsZero() {
		return audit.NeverText
	}
	return audit.FormatTime(t)
}

// list is never nil: canonical JSON knows no null.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
