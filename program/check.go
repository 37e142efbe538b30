package program

import (
	"errors"
	"fmt"
	"time"

	"tieout/audit"
	"tieout/book"
)

// Checks of fields that a person wrote, as every book has them.
var (
	text  = book.Text
	oneOf = book.OneOf[string]
	when  = book.When
)

// allOf joins what is wrong with an entry's fields; nil where nothing is.
func allOf(errs ...error) error { return errors.Join(errs...) }

func within(name string, n, least, most int) error {
	if n < least || n > most {
		return fmt.Errorf("%w: %s is %d to %d, not %d", audit.ErrInvalid, name, least, most, n)
	}
	return nil
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
