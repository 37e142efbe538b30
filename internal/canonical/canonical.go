// Package canonical writes JSON in the one form that is hashed and sealed:
// RFC 8785 (JSON Canonicalization Scheme), restricted to integers below 2^53.
//
// The restriction removes the only hard part of the scheme, the formatting of
// floating point numbers: Tieout writes instants and fractions as strings.
package canonical

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth is how deeply arrays and objects may be nested.
const MaxDepth = 64

const maxInt = 1<<53 - 1

// Marshal encodes v with encoding/json and returns its canonical form.
func Marshal(v any) ([]byte, error) {
	if m, ok := v.(map[string]any); ok {
		if b, ok := appendDirect(make([]byte, 0, 256), m, 0); ok {
			return b, nil
		}
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return Transform(raw)
}

// Transform returns the canonical form of the JSON text data. It refuses what
// has no single form: duplicate keys, invalid UTF-8, lone surrogates, numbers
// that are not integers below 2^53, nesting beyond MaxDepth, trailing data.
func Transform(data []byte) ([]byte, error) {
	v, err := Decode(data)
	if err != nil {
		return nil, err
	}
	return appendValue(make([]byte, 0, len(data)), v)
}

// Check reports an error unless data is exactly its own canonical form.
func Check(data []byte) error {
	got, err := Transform(data)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, data) {
		return errors.New("not in canonical form (RFC 8785)")
	}
	return nil
}

// Decode parses JSON text strictly: maps, slices, strings, json.Number, bool
// and nil. Numbers may be any JSON number here; every other refusal of
// Transform applies. Errors say the byte offset.
func Decode(data []byte) (any, error) {
	if i := firstInvalid(data); i >= 0 {
		return nil, fmt.Errorf("byte %d: invalid UTF-8", i)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	v, err := decodeValue(dec, data, 0)
	if err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("byte %d: data after the end of the value", dec.InputOffset())
	}
	return v, nil
}

func firstInvalid(data []byte) int {
	for i := 0; i < len(data); {
		if data[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

func decodeValue(dec *json.Decoder, data []byte, depth int) (any, error) {
	if depth > MaxDepth {
		return nil, fmt.Errorf("byte %d: nested deeper than %d", dec.InputOffset(), MaxDepth)
	}
	start := dec.InputOffset()
	tok, err := dec.Token()
	if err != nil {
		return nil, syntax(dec, err)
	}
	switch t := tok.(type) {
	case json.Delim:
		if t == '[' {
			return decodeArray(dec, data, depth)
		}
		return decodeObject(dec, data, depth)
	case string:
		if err := loneSurrogate(data[start:dec.InputOffset()], t); err != nil {
			return nil, fmt.Errorf("byte %d: %w", start, err)
		}
		return t, nil
	default:
		return tok, nil
	}
}

func decodeArray(dec *json.Decoder, data []byte, depth int) (any, error) {
	arr := []any{}
	for dec.More() {
		v, err := decodeValue(dec, data, depth+1)
		if err != nil {
			return nil, err
		}
		arr = append(arr, v)
	}
	if _, err := dec.Token(); err != nil {
		return nil, syntax(dec, err)
	}
	return arr, nil
}

func decodeObject(dec *json.Decoder, data []byte, depth int) (any, error) {
	obj := map[string]any{}
	for dec.More() {
		start := dec.InputOffset()
		tok, err := dec.Token()
		if err != nil {
			return nil, syntax(dec, err)
		}
		k, ok := tok.(string)
		if !ok {
			return nil, fmt.Errorf("byte %d: key is not a string", start)
		}
		if err := loneSurrogate(data[start:dec.InputOffset()], k); err != nil {
			return nil, fmt.Errorf("byte %d: %w", start, err)
		}
		if _, dup := obj[k]; dup {
			return nil, fmt.Errorf("byte %d: key %q appears twice", start, k)
		}
		v, err := decodeValue(dec, data, depth+1)
		if err != nil {
			return nil, err
		}
		obj[k] = v
	}
	if _, err := dec.Token(); err != nil {
		return nil, syntax(dec, err)
	}
	return obj, nil
}

func syntax(dec *json.Decoder, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("byte %d: the JSON text ends too early", dec.InputOffset())
	}
	return fmt.Errorf("byte %d: %w", dec.InputOffset(), err)
}

// loneSurrogate refuses \uD800-style escapes that encoding/json would turn
// into U+FFFD without a word.
func loneSurrogate(src []byte, s string) error {
	if strings.ContainsRune(s, utf8.RuneError) && bytes.Contains(src, []byte(`\u`)) &&
		!bytes.Contains(bytes.ToLower(src), []byte(`\ufffd`)) && !bytes.Contains(src, []byte("\uFFFD")) {
		return errors.New("string holds half of a surrogate pair")
	}
	return nil
}

func appendValue(b []byte, v any) ([]byte, error) {
	switch t := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, t), nil
	case string:
		return AppendString(b, t), nil
	case json.Number:
		return appendInt(b, t)
	case []any:
		b = append(b, '[')
		for i, e := range t {
			if i > 0 {
				b = append(b, ',')
			}
			var err error
			if b, err = appendValue(b, e); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case map[string]any:
		return appendObject(b, t)
	}
	return nil, fmt.Errorf("canonical: %T has no form", v)
}

func appendObject(b []byte, obj map[string]any) ([]byte, error) {
	keys := make([]string, 0, len(obj))
	for k := range obj {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, Order)
	b = append(b, '{')
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendString(b, k)
		b = append(b, ':')
		var err error
		if b, err = appendValue(b, obj[k]); err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
	}
	return append(b, '}'), nil
}

func appendInt(b []byte, n json.Number) ([]byte, error) {
	i, err := strconv.ParseInt(n.String(), 10, 64)
	if err != nil || i > maxInt || i < -maxInt {
		return nil, fmt.Errorf("number %s is not an integer below 2^53", n)
	}
	return strconv.AppendInt(b, i, 10), nil
}

// appendDirect writes what is written most, maps of texts, flags, whole numbers
// and lists of texts, without a way over encoding/json. ok is false where v
// holds anything else, or a text that encoding/json would change.
func appendDirect(b []byte, v any, depth int) (_ []byte, ok bool) {
	switch v := v.(type) {
	case bool:
		return strconv.AppendBool(b, v), true
	case int:
		return strconv.AppendInt(b, int64(v), 10), v <= maxInt && v >= -maxInt
	case int64:
		return strconv.AppendInt(b, v, 10), v <= maxInt && v >= -maxInt
	case string:
		return AppendString(b, v), plain(v)
	case []string:
		if v == nil {
			return b, false
		}
		b = append(b, '[')
		for i, s := range v {
			if i > 0 {
				b = append(b, ',')
			}
			if !plain(s) {
				return b, false
			}
			b = AppendString(b, s)
		}
		return append(b, ']'), true
	case map[string]any:
		return appendDirectMap(b, v, depth+1)
	}
	return b, false
}

func appendDirectMap(b []byte, m map[string]any, depth int) (_ []byte, ok bool) {
	if m == nil || depth > MaxDepth {
		return b, false
	}
	keys := make([]string, 0, len(m))
	for k := range m {
		if !plain(k) {
			return b, false
		}
		keys = append(keys, k)
	}
	slices.SortFunc(keys, Order)
	b = append(b, '{')
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(AppendString(b, k), ':')
		if b, ok = appendDirect(b, m[k], depth); !ok {
			return b, false
		}
	}
	return append(b, '}'), true
}

// plain: encoding/json writes s as it is, in whatever escapes.
func plain(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, utf8.RuneError) }

// Order compares names of fields by UTF-16 code units, as RFC 8785 3.2.3 asks.
func Order(a, b string) int {
	if bmp(a) && bmp(b) {
		return strings.Compare(a, b)
	}
	return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
}

// bmp: s holds no character for which the orders of UTF-8 and UTF-16 differ.
func bmp(s string) bool {
	for i := range len(s) {
		if s[i] >= 0xEE {
			return false
		}
	}
	return true
}

// AppendString appends s as a canonical JSON string (RFC 8785 3.2.2.2).
func AppendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, '\\', 'b')
		case '\f':
			b = append(b, '\\', 'f')
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			if c < 0x20 {
				b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			} else {
				b = append(b, c)
			}
		}
	}
	return append(b, '"')
}
