package access

import (
	"slices"
	"strings"
)

// Eyes says why two different accounts are not two people, "" where they are.
// The registers of a company's workspace know it: program.Book.Eyes.
type Eyes func(one, other string) string

// ByProgram stands among those who prepared something for a program that ran by
// itself: any person is a second one. No account has this ID.
const ByProgram = "(a program)"

// Second says why who is no second person beside those who prepared something,
// "" where they are. Every permission that needs two people asks it, and so does
// whatever seals such a thing without a permission. Where nobody knows whose
// accounts of a company's workspace are (Eyes), nobody is a second person.
func (s Subject) Second(prepared []string) string {
	if len(prepared) == 0 {
		return "it is not known who prepared it"
	}
	if slices.Contains(prepared, s.Account) {
		return "you prepared it"
	}
	for _, other := range prepared {
		if other == ByProgram {
			continue
		}
		if s.Eyes == nil {
			if s.Workspace == Company {
				return "it is not known whose the accounts of those are who prepared it"
			}
			continue
		}
		if why := s.Eyes(s.Account, other); why != "" {
			return why
		}
	}
	return ""
}

// Facts are what the log says of who acted beside their name: the session or the
// token they acted by, and the network address they came from.
func (s Subject) Facts() map[string]string {
	out := map[string]string{}
	for name, v := range map[string]string{"session": s.Session, "token": s.Token, "address": s.Address} {
		if v != "" {
			out[name] = v
		}
	}
	return out
}

// IsAccount reports whether a name is the ID of an account, as accounts get one
// (RFC 9562, section 4). What acted under another name did so outside of any
// sign-in: a person at a shell goes by the name that machine knows.
func IsAccount(name string) bool {
	if len(name) != 36 {
		return false
	}
	for i, c := range name {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (c == '-') || !dash && !strings.ContainsRune("0123456789abcdef", c) {
			return false
		}
	}
	return true
}
