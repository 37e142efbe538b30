// Package syntax reads and writes PDF files strictly: one cross-reference
// table, no object streams, no incremental updates. It reads what this program
// writes, and what pdfcpu makes of it; everything else is refused by name.
package syntax

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"tieout/audit"
)

// A value is nil, bool, Number, Name, String, Ref, Array, Dict or *Stream.
type (
	// A Number as it is written.
	Number string
	// A Name without its slash, escapes resolved.
	Name string
	// A String is its bytes.
	String []byte
	// A Ref is the number of an object of generation 0.
	Ref int
	// An Array of values.
	Array []any
	// A Dict by names without slashes.
	Dict map[string]any
)

// A Stream is a dictionary with bytes, encoded as its filter says.
type Stream struct {
	Dict Dict
	Raw  []byte
}

// MaxDecoded is the most bytes a stream may decode to.
const MaxDecoded = 128 << 20

// Data returns the decoded bytes. FlateDecode without predictor is the one
// filter there is.
func (s *Stream) Data() ([]byte, error) {
	switch filter := s.Dict["Filter"].(type) {
	case nil:
		return s.Raw, nil
	case Name:
		if filter == "FlateDecode" && s.Dict["DecodeParms"] == nil {
			return inflate(s.Raw)
		}
	case Array:
		if len(filter) == 1 && filter[0] == Name("FlateDecode") && s.Dict["DecodeParms"] == nil {
			return inflate(s.Raw)
		}
	}
	return nil, fmt.Errorf("%w: a stream is encoded in a way this program never writes", audit.ErrInvalid)
}

func inflate(raw []byte) ([]byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("%w: a stream: %w", audit.ErrInvalid, err)
	}
	data, err := io.ReadAll(io.LimitReader(z, MaxDecoded+1))
	if err != nil {
		return nil, fmt.Errorf("%w: a stream: %w", audit.ErrInvalid, err)
	}
	if len(data) > MaxDecoded {
		return nil, fmt.Errorf("%w: a stream holds more than %d bytes", audit.ErrInvalid, MaxDecoded)
	}
	return data, nil
}

// Deflated returns a stream of data, compressed.
func Deflated(dict Dict, data []byte) *Stream {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	_, err := z.Write(data)
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		panic(err) // a buffer takes everything
	}
	out := Dict{"Filter": Name("FlateDecode")}
	for k, v := range dict {
		out[k] = v
	}
	return &Stream{Dict: out, Raw: b.Bytes()}
}

// Plain is a number in its shortest form: "612" for "612.00".
func (n Number) Plain() string {
	s := string(n)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	if s = strings.TrimPrefix(s, "+"); s == "" || s == "-" || s == "-0" {
		return "0"
	}
	return s
}

// Text reads a string as PDF texts are: UTF-16 with a mark, else bytes.
func (s String) Text() string {
	if !bytes.HasPrefix(s, []byte{0xFE, 0xFF}) {
		return string(s)
	}
	return UTF16(s[2:])
}

// Append writes v. Dictionaries are in order of their names, strings in hex:
// the same value is always the same bytes.
func Append(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case Number:
		return append(b, v...)
	case Name:
		return appendName(b, string(v))
	case String:
		b = append(b, '<')
		b = hex.AppendEncode(b, v)
		return append(b, '>')
	case Ref:
		return append(strconv.AppendInt(b, int64(v), 10), " 0 R"...)
	case Array:
		b = append(b, '[')
		for i, x := range v {
			if i > 0 {
				b = append(b, ' ')
			}
			b = Append(b, x)
		}
		return append(b, ']')
	case Dict:
		return appendDict(b, v)
	case *Stream:
		d := Dict{}
		for k, x := range v.Dict {
			d[k] = x
		}
		d["Length"] = Number(strconv.Itoa(len(v.Raw)))
		b = append(appendDict(b, d), "\nstream\n"...)
		return append(append(b, v.Raw...), "\nendstream"...)
	}
	panic(fmt.Sprintf("syntax: %T is no value", v))
}

func appendDict(b []byte, d Dict) []byte {
	b = append(b, "<<"...)
	for _, k := range Keys(d) {
		b = append(appendName(b, k), ' ')
		b = append(Append(b, d[k]), '\n')
	}
	return append(b, ">>"...)
}

// Keys are a dictionary's names in order.
func Keys(d Dict) []string {
	keys := make([]string, 0, len(d))
	for k := range d {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func appendName(b []byte, s string) []byte {
	b = append(b, '/')
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || strings.IndexByte("()<>[]{}/%#", c) >= 0 {
			b = fmt.Appendf(b, "#%02X", c)
		} else {
			b = append(b, c)
		}
	}
	return b
}

// UTF16 reads big-endian code units; halves of pairs become U+FFFD.
func UTF16(s []byte) string {
	units := make([]uint16, len(s)/2)
	for i := range units {
		units[i] = uint16(s[2*i])<<8 | uint16(s[2*i+1])
	}
	return decodeUTF16(units)
}
