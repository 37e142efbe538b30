package audit

import (
	"strconv"
	"time"
)

// AppendJSON appends r's canonical JSON (RFC 8785): the same bytes that sorting
// encoding/json's output would give, without its cost. A year of a large
// company has millions of results, and each is one line of a results file.
func (r *Result) AppendJSON(b []byte) []byte {
	b = append(b, '{')
	if len(r.Attributes) > 0 {
		b = append(b, `"attributes":[`...)
		for i, a := range r.Attributes {
			b = comma(b, i)
			b = appendString(append(b, `{"name":`...), a.Name)
			b = appendString(append(b, `,"outcome":`...), a.Outcome.String())
			if a.Reason != "" {
				b = appendString(append(b, `,"reason":`...), a.Reason)
			}
			b = appendString(append(b, `,"text":`...), a.Text)
			b = append(b, '}')
		}
		b = append(b, "],"...)
	}
	b = appendBound(append(b, `"end":`...), r.End)
	if r.Exact {
		b = append(b, `,"exact":true`...)
	}
	b = appendString(append(b, `,"hash":`...), r.Hash)
	if r.InGrace {
		b = append(b, `,"inGrace":true`...)
	}
	b = appendString(append(b, `,"item":`...), r.Item)
	if r.Label != "" {
		b = appendString(append(b, `,"label":`...), r.Label)
	}
	if r.Observations != 0 {
		b = strconv.AppendInt(append(b, `,"observations":`...), int64(r.Observations), 10)
	}
	if r.Open {
		b = append(b, `,"open":true`...)
	}
	b = appendString(append(b, `,"outcome":`...), r.Outcome.String())
	b = appendString(append(b, `,"procedure":`...), r.Procedure)
	if r.Reason != "" {
		b = appendString(append(b, `,"reason":`...), r.Reason)
	}
	if len(r.Records) > 0 {
		b = append(b, `,"records":[`...)
		for i, n := range r.Records {
			b = strconv.AppendInt(comma(b, i), n, 10)
		}
		b = append(b, ']')
	}
	b = appendInstant(append(b, `,"span":{"from":`...), r.Span.From)
	b = appendInstant(append(b, `,"to":`...), r.Span.To)
	b = appendBound(append(b, `},"start":`...), r.Start)
	b = appendString(append(b, `,"stream":{"Scope":`...), r.Stream.Scope)
	b = appendString(append(b, `,"Source":`...), r.Stream.Source)
	b = appendString(append(b, `,"Type":`...), r.Stream.Type)
	b = append(b, '}')
	if len(r.Values) > 0 {
		b = append(b, `,"values":[`...)
		for i, v := range r.Values {
			b = comma(b, i)
			b = appendString(append(b, `{"path":`...), v.Path)
			b = appendString(append(b, `,"value":`...), v.Value)
			b = append(b, '}')
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

func comma(b []byte, i int) []byte {
	if i > 0 {
		return append(b, ',')
	}
	return b
}

func appendBound(b []byte, x Bound) []byte {
	b = appendInstant(append(b, `{"after":`...), x.After)
	b = appendInstant(append(b, `,"at":`...), x.At)
	return append(b, '}')
}

func appendInstant(b []byte, t time.Time) []byte {
	b = append(b, '"')
	b = t.AppendFormat(b, time.RFC3339Nano)
	return append(b, '"')
}

// appendString appends a canonical JSON string (RFC 8785, 3.2.2.2); invalid
// UTF-8 becomes U+FFFD, as encoding/json writes it.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\b':
			b = append(b, '\\', 'b')
		case r == '\f':
			b = append(b, '\\', 'f')
		case r == '\n':
			b = append(b, '\\', 'n')
		case r == '\r':
			b = append(b, '\\', 'r')
		case r == '\t':
			b = append(b, '\\', 't')
		case r < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		case r < 0x80:
			b = append(b, byte(r))
		default:
			b = append(b, string(r)...)
		}
	}
	return append(b, '"')
}
