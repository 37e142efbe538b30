package redraw

import (
	"bytes"
	"errors"
)

var errObject = errors.New("it is no JSON object on one line")

// fields calls f with the fields of the object that line is, each name with its
// quotes, and allocates nothing. It finds where values end and does not look
// into them: who reads lines for the first time checks them with ReadStrict.
func fields(line []byte, f func(name, raw []byte) error) error {
	at := space(line, 0)
	if at == len(line) || line[at] != '{' {
		return errObject
	}
	for at = space(line, at+1); at < len(line) && line[at] == '"'; at = space(line, at+1) {
		end := text(line, at)
		colon := space(line, end)
		if end > len(line) || colon >= len(line) || line[colon] != ':' {
			return errObject
		}
		from := space(line, colon+1)
		to := value(line, from)
		if to > len(line) || to == from {
			return errObject
		}
		if err := f(line[at:end], line[from:to]); err != nil {
			return err
		}
		if at = space(line, to); at == len(line) || line[at] != ',' {
			break
		}
	}
	if at >= len(line) || line[at] != '}' || space(line, at+1) != len(line) {
		return errObject
	}
	return nil
}

func space(b []byte, at int) int {
	for at < len(b) && (b[at] == ' ' || b[at] == '\t' || b[at] == '\r' || b[at] == '\n') {
		at++
	}
	return at
}

// text is where the string that begins at ends; past the end of b if it does not.
func text(b []byte, at int) int {
	for at++; at < len(b); {
		i := bytes.IndexByte(b[at:], '"')
		if i < 0 {
			break
		}
		at += i + 1
		back := 0
		for n := at - 2; n >= 0 && b[n] == '\\'; n-- {
			back++
		}
		if back%2 == 0 {
			return at
		}
	}
	return len(b) + 1
}

// value is where the value that begins at ends; past the end of b if it does not.
func value(b []byte, at int) int {
	depth := 0
	for at < len(b) {
		switch c := b[at]; {
		case c == '"':
			at = text(b, at)
		case c == '{' || c == '[':
			depth++
			at++
		case (c == '}' || c == ']') && depth > 0:
			depth--
			at++
		case (c == '}' || c == ']' || c == ',') && depth == 0:
			return at
		default:
			at++
			continue
		}
		if depth == 0 {
			return at
		}
	}
	return len(b) + 1
}
