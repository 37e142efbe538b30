package fieldwork

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"tieout/audit"
)

// maxText is the longest text, in characters.
const maxText = 20_000

// lines checks a list of single lines.
func lines(name string, list []string, most int) error {
	if len(list) > most {
		return fmt.Errorf("%w: %s: at most %d, not %d", audit.ErrInvalid, name, most, len(list))
	}
	for _, s := range list {
		if err := line(name, s, 1); err != nil {
			return err
		}
	}
	return nil
}

// ident checks an ID that becomes part of an object's name.
func ident(name, s string) error {
	if s == "" || len(s) > 100 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == '/' || r > 0x7e }) {
		return fmt.Errorf("%w: %s: %.40q is no ID: letters, digits, dots and dashes", audit.ErrInvalid, name, s)
	}
	return nil
}

// itemID checks the ID of an item of a population, which its system of record gave.
func itemID(name, s string) error {
	if s == "" || len(s) > 500 || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Errorf("%w: %s: %.60q is no ID of an item", audit.ErrInvalid, name, s)
	}
	return nil
}
