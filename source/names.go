package source

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Globs are patterns of names (path.Match), in any case.
type Globs []string

// Check refuses what is not a glob.
func (g Globs) Check(setting string) error {
	for _, p := range g {
		if _, err := path.Match(p, ""); err != nil || p == "" {
			return fmt.Errorf("%s: %q is not a glob such as admin-*", setting, p)
		}
	}
	return nil
}

// Match reports whether one of them matches name.
func (g Globs) Match(name string) bool {
	for _, p := range g {
		if ok, _ := path.Match(strings.ToLower(p), strings.ToLower(name)); ok {
			return true
		}
	}
	return false
}

// Known is whether name matches, nil where there is no list to match with:
// what nobody stated is not collected.
func (g Globs) Known(name string) any {
	if g == nil {
		return nil
	}
	return g.Match(name)
}

// longestID is what an item's id may have at most, in bytes (timeline.Check).
const longestID = 1024

// PlainID makes an id of a text that nobody checked, such as a message of a
// tool: one that is too long, or holds what is no text, is cut and ends in a
// digest of the whole.
func PlainID(text string) string {
	odd := func(r rune) bool { return r < 0x20 || r == 0x7f }
	if len(text) <= longestID && utf8.ValidString(text) && !strings.ContainsFunc(text, odd) {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	head := strings.ToValidUTF8(text[:min(len(text), longestID/2)], "")
	head = strings.Join(strings.FieldsFunc(head, odd), " ")
	return head + "...sha256:" + hex.EncodeToString(sum[:])
}

// A PersonID is how the id of a person is made of what an account's profile
// says: "hr/{employeeNumber}". "" makes none.
type PersonID string

var personID = regexp.MustCompile(`^[^{}]*\{(?:employeeNumber|email)\}[^{}]*$`)

// Check refuses a form with another number of names than one.
func (p PersonID) Check(setting string) error {
	if p != "" && !personID.MatchString(string(p)) {
		return fmt.Errorf("%s: %q; write hr/{employeeNumber}, or hr/{email} for proposals that a person confirms", setting, p)
	}
	return nil
}

// Link gives the fields of a link item between account and the person that its
// profile names; nil where it names none. An employee number is the personnel
// system's own name for a person: such a link is confirmed. An address is not:
// it is a proposal.
func (p PersonID) Link(account, employeeNumber, email string) Fields {
	value, basis, confirmed := employeeNumber, "employee number", true
	if strings.Contains(string(p), "{email}") {
		value, basis, confirmed = strings.ToLower(email), "e-mail proposed", false
	}
	if p == "" || value == "" {
		return nil
	}
	person := strings.NewReplacer("{employeeNumber}", value, "{email}", value).Replace(string(p))
	return Fields{"person": person, "account": account, "device": "", "basis": basis, "confirmed": confirmed, "by": ""}
}
