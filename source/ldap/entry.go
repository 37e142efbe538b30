package ldap

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"

	"tieout/audit"
)

// A page is one answer: its entries with their attributes as they came.
type page struct {
	Format    int     `json:"format"`
	Directory string  `json:"directory,omitempty"`
	Entries   []entry `json:"entries"`
	Facts     *facts  `json:"facts,omitempty"`
}

// Facts are what other answers of the same collection say and reading a page
// of groups takes.
type facts struct {
	// Accounts are the accounts among the members named on the page: folded
	// name, or "uid=" and login, to id.
	Accounts map[string]string `json:"accounts,omitempty"`
	// Primary are the accounts whose primary group it is, by the group's folded name.
	Primary map[string][]string `json:"primary,omitempty"`
	// Nested are accounts in a group through other groups.
	Nested []nested `json:"nested,omitempty"`
}

type nested struct {
	Group   string   `json:"group"` // folded name of an entry on the page
	Account string   `json:"account"`
	Through []string `json:"through"` // names of the groups between, outermost first
}

type entry struct {
	DN         string             `json:"dn"`
	Attributes map[string][]value `json:"attributes"`
}

// A value is written as text where it is UTF-8, else as {"base64": ...}.
type value []byte

// MarshalJSON writes a text or {"base64": ...}.
func (v value) MarshalJSON() ([]byte, error) {
	if utf8.Valid(v) {
		return json.Marshal(string(v))
	}
	return json.Marshal(map[string]string{"base64": base64.StdEncoding.EncodeToString(v)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *value) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var s string
		err := json.Unmarshal(b, &s)
		*v = []byte(s)
		return err
	}
	var bin struct {
		Base64 []byte `json:"base64"`
	}
	err := json.Unmarshal(b, &bin)
	*v = bin.Base64
	return err
}

func entriesOf(list []*ldap.Entry) []entry {
	out := make([]entry, 0, len(list))
	for _, e := range list {
		attrs := map[string][]value{}
		for _, a := range e.Attributes {
			for _, v := range a.ByteValues {
				name := strings.ToValidUTF8(a.Name, "\uFFFD")
				attrs[name] = append(attrs[name], value(v))
			}
		}
		out = append(out, entry{strings.ToValidUTF8(e.DN, "\uFFFD"), attrs})
	}
	return out
}

// values are those of an attribute, whose name is in any case.
func (e *entry) values(name string) []value {
	if v, ok := e.Attributes[name]; ok {
		return v
	}
	for n, v := range e.Attributes {
		if strings.EqualFold(n, name) {
			return v
		}
	}
	return nil
}

func (e *entry) first(names ...string) string {
	for _, n := range names {
		if v := e.values(n); len(v) > 0 && utf8.Valid(v[0]) {
			return string(v[0])
		}
	}
	return ""
}

func (e *entry) is(class string) bool {
	return slices.ContainsFunc(e.values("objectClass"), func(v value) bool { return strings.EqualFold(string(v), class) })
}

// id is the entry's own id, which a new name does not change: objectGUID or
// entryUUID; else its folded name.
func (e *entry) id() string {
	if g := e.values("objectGUID"); len(g) > 0 && len(g[0]) == 16 {
		b := g[0]
		return fmt.Sprintf("%08x-%04x-%04x-%x-%x", binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint16(b[4:]), binary.LittleEndian.Uint16(b[6:]), []byte(b[8:10]), []byte(b[10:]))
	}
	if u := e.first("entryUUID", "nsUniqueId"); u != "" {
		return strings.ToLower(u)
	}
	return foldDN(e.DN)
}

// foldDN makes two ways of writing a distinguished name the same.
func foldDN(dn string) string {
	d, err := ldap.ParseDN(dn)
	if err != nil {
		return strings.ToLower(dn)
	}
	return strings.ToLower(d.String())
}

// sid is a security identifier (MS-DTYP 2.4.2) as text, "" where there is none.
func (e *entry) sid() string {
	v := e.values("objectSid")
	if len(v) == 0 || len(v[0]) < 8 || len(v[0]) != 8+4*int(v[0][1]) {
		return ""
	}
	b := v[0]
	authority := uint64(binary.BigEndian.Uint16(b[2:]))<<32 | uint64(binary.BigEndian.Uint32(b[4:]))
	s := fmt.Sprintf("S-%d-%d", b[0], authority)
	for i := 8; i < len(b); i += 4 {
		s += fmt.Sprintf("-%d", binary.LittleEndian.Uint32(b[i:]))
	}
	return s
}

// rid is the last part of the security identifier within a domain, "" for others.
func (e *entry) rid() string {
	s := e.sid()
	if !strings.HasPrefix(s, "S-1-5-21-") {
		return ""
	}
	return s[strings.LastIndexByte(s, '-')+1:]
}

// integer reads a number. ok is false where there is none; it is an error where
// what stands there is no number.
func (e *entry) integer(name string) (n int64, ok bool, err error) {
	text := e.first(name)
	if text == "" {
		return 0, false, nil
	}
	if n, err = strconv.ParseInt(text, 10, 64); err != nil {
		return 0, false, fmt.Errorf("%s: %q is not a number", name, text)
	}
	return n, true, nil
}

const (
	fileTimeNever = 0x7FFFFFFFFFFFFFFF
	fileTimeEpoch = 11644473600 // seconds from 1601 to 1970
	day           = 24 * time.Hour
)

// fileTime reads 100 ns intervals since 1601. 0 and the largest number are no
// instants: never is then true.
func (e *entry) fileTime(name string) (t time.Time, never bool, err error) {
	n, ok, err := e.integer(name)
	if err != nil || !ok {
		return t, false, err
	}
	if n == 0 || n == fileTimeNever {
		return t, true, nil
	}
	t = time.Unix(n/1e7-fileTimeEpoch, n%1e7*100)
	if n < 0 || t.Year() < 1970 || t.Year() > 9998 {
		return t, false, fmt.Errorf("%s: %d is not an instant", name, n)
	}
	return audit.Instant(t), false, nil
}

// time reads the first of names that is there as generalized time (RFC 4517
// section 3.3.13). The instant is zero where none is.
func (e *entry) time(names ...string) (time.Time, error) {
	for _, n := range names {
		text := e.first(n)
		if text == "" {
			continue
		}
		t, err := time.Parse("20060102150405Z0700", text)
		if err != nil || t.Year() < 1900 {
			return time.Time{}, fmt.Errorf("%s: %q is not an instant", n, text)
		}
		return audit.Instant(t), nil
	}
	return time.Time{}, nil
}

// interval reads an Active Directory interval: negative, in 100 ns. 0 and the
// smallest number mean without end: 0.
func (e *entry) interval(name string, unit time.Duration) (int64, bool, error) {
	n, ok, err := e.integer(name)
	if err != nil || !ok || n == 0 || n == -1<<63 {
		return 0, ok, err
	}
	if n > 0 {
		return 0, false, fmt.Errorf("%s: %d is not an interval", name, n)
	}
	return -n / int64(unit/100), true, nil
}
