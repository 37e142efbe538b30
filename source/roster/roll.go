package roster

import (
	"errors"
	"fmt"
	"strings"
)

// errUnknown: a row is about somebody who is not on the list of people.
var errUnknown = errors.New("is not on the list of people")

// A roll finds people by what other rows call them.
type roll struct {
	ids    map[string]bool
	called map[string]string // address or name, folded -> id; "" where it is of several
}

func newRoll() *roll { return &roll{map[string]bool{}, map[string]string{}} }

func (l *roll) add(t *table) {
	for _, w := range t.rows {
		id := w.text("id")
		if id == "" {
			continue
		}
		l.ids[id] = true
		first, last := w.text("firstName"), w.text("lastName")
		for _, name := range []string{w.text("email"), w.text("name"), first + " " + last, last + ", " + first} {
			l.call(name, id)
		}
	}
}

func (l *roll) call(name, id string) {
	name = called(name)
	if name == "" || name == "," {
		return
	}
	if other, ok := l.called[name]; ok && other != id {
		id = ""
	}
	l.called[name] = id
}

func called(name string) string { return strings.ToLower(strings.Join(strings.Fields(name), " ")) }

// find is the id of the one person that text names by id, address or name.
func (l *roll) find(text string) (string, bool) {
	if l.ids[text] {
		return text, true
	}
	id := l.called[called(text)]
	return id, id != ""
}

// who is the id of the person a row is about: its own, or that of the person
// with its address.
func (l *roll) who(w row) (string, error) {
	if id := w.text("id"); id != "" {
		return id, nil
	}
	email := w.text("email")
	if email == "" {
		return "", errors.New("it names no person: neither an employee id nor an address")
	}
	id, known := l.called[called(email)]
	switch {
	case !known:
		return "", fmt.Errorf("%s %w", email, errUnknown)
	case id == "":
		return "", fmt.Errorf("%s is the address of several people", email)
	}
	return id, nil
}
