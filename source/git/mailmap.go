package git

import (
	"strings"
)

// A mailmap turns the names and addresses people committed under into the ones
// they go by, after gitmailmap(5). Matching ignores case.
type mailmap map[string]*mailEntry // by committed address, lower case

type mailEntry struct {
	any    person            // for every name
	byName map[string]person // for one name, lower case
}

// parseMailmap reads a .mailmap file. Lines that follow no form are ignored,
// as git ignores them.
func parseMailmap(s string) mailmap {
	m := mailmap{}
	for line := range strings.SplitSeq(strings.ToValidUTF8(s, "\uFFFD"), "\n") {
		if !strings.HasPrefix(line, "#") {
			m.add(strings.ReplaceAll(line, "\x00", "\uFFFD"))
		}
	}
	return m
}

func (m mailmap) add(line string) {
	first, rest, ok := cutPerson(line)
	if !ok {
		return
	}
	to, from := first, person{"", first.email}
	if second, _, two := cutPerson(rest); two {
		from = second
	} else {
		to.email = ""
	}
	if from.email == "" {
		return
	}
	e := m[from.email]
	if e == nil {
		e = &mailEntry{byName: map[string]person{}}
		m[from.email] = e
	}
	if from.name != "" {
		e.byName[strings.ToLower(from.name)] = to
		return
	}
	if to.name != "" {
		e.any.name = to.name
	}
	if to.email != "" {
		e.any.email = to.email
	}
}

// cutPerson takes "Name <address>" off the start of s.
func cutPerson(s string) (p person, rest string, ok bool) {
	name, after, ok := strings.Cut(s, "<")
	if !ok {
		return person{}, "", false
	}
	email, rest, ok := strings.Cut(after, ">")
	if !ok {
		return person{}, "", false
	}
	return person{cleanName(name), cleanEmail(email)}, rest, true
}

// resolve returns who p goes by.
func (m mailmap) resolve(p person) person {
	e := m[p.email]
	if e == nil {
		return p
	}
	to, ok := e.byName[strings.ToLower(p.name)]
	if !ok {
		to = e.any
	}
	if to.name != "" {
		p.name = to.name
	}
	if to.email != "" {
		p.email = to.email
	}
	return p
}
