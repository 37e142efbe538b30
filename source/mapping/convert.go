package mapping

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/internal/canonical"
)

type cellKind uint8

const (
	absentCell cellKind = iota // the row has no such place
	nullCell
	textCell
	numberCell
	boolCell
	listCell   // text is the raw JSON array, rest the path within its elements
	objectCell // text is the raw JSON object
)

// A cell is one value of a row, before anyone says what it means. Its bytes
// are valid until the next row.
type cell struct {
	kind cellKind
	text []byte
	rest []string
	date bool // a number that may be a spreadsheet's date
	base int  // of that date: 1900 or 1904
}

// convert appends the canonical JSON of a field's value to dst. ok is false
// where the value was not collected.
func (p *Program) convert(dst []byte, o *output, c *cell) (out []byte, ok bool, err error) {
	if c.kind == absentCell || listed(o.value.Unknown, c) {
		return dst, false, nil
	}
	if listed(o.value.None, c) {
		return appendNone(dst, o.field.Kind), true, nil
	}
	if c.kind == nullCell || c.kind == textCell && len(c.text) == 0 && o.value.Constant == nil && !o.mapped(c) {
		return dst, false, nil // nobody said what emptiness means
	}
	switch o.field.Kind {
	case audit.Bool:
		return appendBool(dst, o, c)
	case audit.Int:
		return o.appendInt(dst, c)
	case audit.String:
		return o.appendString(dst, c)
	case audit.Time:
		return p.appendTime(dst, o, c)
	case audit.Strings:
		return o.appendStrings(dst, c)
	}
	return dst, false, fmt.Errorf("fields of kind %s cannot be mapped", o.field.Kind)
}

func listed(list []Text, c *cell) bool {
	for i := range list {
		if list[i].Null {
			if c.kind == nullCell {
				return true
			}
			continue
		}
		if c.kind >= textCell && c.kind <= boolCell && string(c.text) == list[i].S {
			return true
		}
	}
	return false
}

func (o *output) mapped(c *cell) bool {
	_, ok := o.values[string(c.text)]
	return ok || listed(o.value.True, c) || listed(o.value.False, c)
}

func appendNone(dst []byte, k audit.FieldKind) []byte {
	switch k {
	case audit.Time:
		return append(dst, `"`+audit.NeverText+`"`...)
	case audit.Strings:
		return append(dst, "[]"...)
	}
	return append(dst, `""`...)
}

func appendBool(dst []byte, o *output, c *cell) ([]byte, bool, error) {
	if c.kind == listCell || c.kind == objectCell {
		return dst, false, fmt.Errorf("%s is not a yes or a no", shorten(c.text))
	}
	if listed(o.value.True, c) {
		return append(dst, "true"...), true, nil
	}
	if listed(o.value.False, c) {
		return append(dst, "false"...), true, nil
	}
	if len(o.value.True) == 0 && (bytes.EqualFold(c.text, []byte("true")) || c.date && string(c.text) == "1") {
		return append(dst, "true"...), true, nil
	}
	if len(o.value.False) == 0 && (bytes.EqualFold(c.text, []byte("false")) || c.date && string(c.text) == "0") {
		return append(dst, "false"...), true, nil
	}
	return dst, false, fmt.Errorf("%s is neither listed as true nor as false", shorten(c.text))
}

// translate applies values and else. known is false where the value then
// counts as not collected.
func (o *output) translate(text []byte) (out []byte, known bool, err error) {
	if len(o.values) == 0 {
		return text, true, nil
	}
	if v, ok := o.values[string(text)]; ok {
		return v, true, nil
	}
	if o.other != nil {
		return o.other, true, nil
	}
	if o.value.Else == "unknown" {
		return nil, false, nil
	}
	return nil, false, fmt.Errorf("%s is not listed under values", shorten(text))
}

func (o *output) appendInt(dst []byte, c *cell) ([]byte, bool, error) {
	if c.kind != textCell && c.kind != numberCell {
		return dst, false, fmt.Errorf("%s is not a number", shorten(c.text))
	}
	text, known, err := o.translate(c.text)
	if err != nil || !known {
		return dst, false, err
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || n >= 1<<53 || n <= -1<<53 {
		return dst, false, fmt.Errorf("%s is not an integer below 2^53", shorten(text))
	}
	return strconv.AppendInt(dst, n, 10), true, nil
}

func (o *output) appendString(dst []byte, c *cell) ([]byte, bool, error) {
	if c.kind == listCell || c.kind == objectCell {
		return dst, false, fmt.Errorf("%s is not a single value", shorten(c.text))
	}
	text, known, err := o.translate(c.text)
	if err != nil || !known {
		return dst, false, err
	}
	if len(o.field.Enum) > 0 && len(text) > 0 && !inEnum(o.field.Enum, text) {
		return dst, false, fmt.Errorf("%s is not one of %q; say under values what it means", shorten(text), o.field.Enum)
	}
	if len(text) == 0 && o.field.None == "" {
		return dst, false, fmt.Errorf("it is empty, and the schema knows no absence of it")
	}
	return appendText(dst, text), true, nil
}

func inEnum(enum []string, text []byte) bool {
	for _, e := range enum {
		if e == string(text) {
			return true
		}
	}
	return false
}

func (o *output) appendStrings(dst []byte, c *cell) ([]byte, bool, error) {
	elems, err := o.elements(c)
	if err != nil {
		return dst, false, err
	}
	start := len(dst)
	dst = append(dst, '[')
	n := 0
	for _, e := range elems {
		text, known, err := o.translate(e)
		if err != nil {
			return dst[:start], false, err
		}
		if !known || len(text) == 0 {
			continue
		}
		if n++; n > 1 {
			dst = append(dst, ',')
		}
		dst = appendText(dst, text)
	}
	if n == 0 && o.field.None == "" {
		return dst[:start], false, fmt.Errorf("it is an empty list, and the schema knows no absence of it")
	}
	return append(dst, ']'), true, nil
}

func (o *output) elements(c *cell) ([][]byte, error) {
	if c.kind == objectCell {
		return nil, fmt.Errorf("%s is not a list", shorten(c.text))
	}
	if c.kind == listCell {
		v, err := canonical.Decode(c.text)
		if err != nil {
			return nil, err
		}
		return flatten(nil, v, c.rest)
	}
	if o.value.Split == "" {
		return [][]byte{bytes.TrimSpace(c.text)}, nil
	}
	var out [][]byte
	for part := range bytes.SplitSeq(c.text, []byte(o.value.Split)) {
		if part = bytes.TrimSpace(part); len(part) > 0 {
			out = append(out, part)
		}
	}
	return out, nil
}

// flatten collects the texts at path within the elements of a list.
func flatten(out [][]byte, v any, path []string) ([][]byte, error) {
	switch t := v.(type) {
	case []any:
		for _, e := range t {
			var err error
			if out, err = flatten(out, e, path); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		if len(path) == 0 {
			return nil, fmt.Errorf("an element is an object; write the path of its text")
		}
		inner, ok := t[path[0]]
		if !ok {
			return out, nil
		}
		return flatten(out, inner, path[1:])
	case nil:
		return out, nil
	}
	if len(path) > 0 {
		return nil, fmt.Errorf("an element is %v and has no %q", v, path[0])
	}
	return append(out, fmt.Append(nil, v)), nil
}

// appendText appends a canonical JSON string. A NUL becomes U+FFFD, since no
// store takes it; the sealed bytes keep it.
func appendText(dst, text []byte) []byte {
	for _, c := range text {
		if c < 0x20 || c == '"' || c == '\\' {
			return canonical.AppendString(dst, strings.ReplaceAll(string(text), "\x00", "\uFFFD"))
		}
	}
	dst = append(dst, '"')
	dst = append(dst, text...)
	return append(dst, '"')
}

func shorten(b []byte) string {
	if len(b) > 60 {
		b = append(slices.Clip(b[:57]), "..."...)
	}
	return strconv.QuoteToGraphic(strings.ToValidUTF8(string(b), "\uFFFD"))
}
