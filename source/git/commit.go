package git

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"
)

// A person is a name and an address as a commit or a trailer writes them.
type person struct {
	name, email string
}

// A stamp is a person at an instant. ok says that the instant could be read
// and lies in the years 1 to 9998.
type stamp struct {
	person
	at time.Time
	ok bool
}

// A commit is a commit object, parsed. Strings are valid UTF-8 without NUL.
type commit struct {
	hash      string
	parents   []string
	author    stamp
	committer stamp
	message   string
	said      said // what the message says, once rules have read it
	signed    bool
}

// parseCommit reads one commit object. It refuses an object whose bytes do not
// hash to its name.
func parseCommit(hash string, data []byte) (*commit, error) {
	if got := objectID(hash, data); got != hash {
		return nil, fmt.Errorf("commit %s: its bytes hash to %s; the object is not the one named", hash, got)
	}
	return readCommit(hash, data)
}

// objectID is the object name git gives data as a commit, in the hash
// function that like was made with.
func objectID(like string, data []byte) string {
	head := "commit " + strconv.Itoa(len(data)) + "\x00"
	if len(like) == 2*sha256.Size {
		h := sha256.New()
		h.Write([]byte(head))
		h.Write(data)
		return hex.EncodeToString(h.Sum(nil))
	}
	h := sha1.New()
	h.Write([]byte(head))
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil))
}

func readCommit(hash string, data []byte) (*commit, error) {
	head, message, _ := bytes.Cut(data, []byte("\n\n"))
	c := &commit{hash: hash}
	charset, seen := "", map[string]bool{}
	for line := range bytes.SplitSeq(head, []byte("\n")) {
		key, value, _ := bytes.Cut(line, []byte(" "))
		switch k := string(key); k {
		case "parent":
			c.parents = append(c.parents, string(value))
		case "author", "committer", "encoding":
			if seen[k] {
				return nil, fmt.Errorf("commit %s: two %s lines", hash, k)
			}
			seen[k] = true
			if k == "encoding" {
				charset = string(value)
			}
		case "gpgsig", "gpgsig-sha256":
			c.signed = true
		}
	}
	for line := range bytes.SplitSeq(head, []byte("\n")) {
		if v, ok := bytes.CutPrefix(line, []byte("author ")); ok {
			c.author = parseStamp(text(v, charset))
		} else if v, ok := bytes.CutPrefix(line, []byte("committer ")); ok {
			c.committer = parseStamp(text(v, charset))
		}
	}
	c.message = text(message, charset)
	return c, nil
}

// parseStamp reads "Name <address> seconds zone". The zone does not move the
// instant and may be anything.
func parseStamp(s string) stamp {
	var st stamp
	end := strings.LastIndexByte(s, '>')
	rest := s
	if end >= 0 {
		rest = s[end+1:]
		begin := strings.IndexByte(s[:end], '<')
		if begin < 0 {
			begin = end
		}
		st.name = cleanName(s[:begin])
		st.email = cleanEmail(s[min(begin+1, end):end])
	}
	word, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	sec, err := strconv.ParseInt(word, 10, 64)
	st.ok = err == nil && sec >= minSeconds && sec <= maxSeconds
	if st.ok {
		st.at = time.Unix(sec, 0).UTC()
	}
	return st
}

// Seconds since 1970 of the years an instant may lie in.
const (
	minSeconds = -62135596800 // 0001-01-01
	maxSeconds = 253370764799 // 9998-12-31
)

func cleanName(s string) string  { return strings.Join(strings.Fields(s), " ") }
func cleanEmail(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// text turns a message's bytes into UTF-8 by the commit's encoding header.
// What no encoding explains, and NUL, becomes U+FFFD; the sealed bytes keep it.
func text(b []byte, charset string) string {
	if charset != "" && !strings.EqualFold(charset, "utf-8") {
		if enc, err := htmlindex.Get(strings.TrimSpace(charset)); err == nil {
			if out, err := enc.NewDecoder().Bytes(b); err == nil {
				b = out
			}
		}
	}
	s := string(b)
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.ReplaceAll(s, "\x00", "\uFFFD")
}
