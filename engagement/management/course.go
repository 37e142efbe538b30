package management

import (
	"strings"
	"time"

	"tieout/book"
	"tieout/engagement"
)

// A Turn is an entry on one engagement that counts, and whose place in the order of
// what happened a report's annex may print.
type Turn struct {
	Record int64
	Kind   string
	On     string
	At     time.Time
}

// turns are the kinds of entry in the course of an engagement, what management
// froze, answered, wrote and signed, each in words that name nobody.
var turns = map[string]string{
	"terms.agree": "management agreed to the terms", "population.freeze": "population frozen", "finding.answer": "management responded to an exception", "finding.final": "management responded to an exception",
	"description.final": "description of the system finished", "assertion.sign": "management’s assertion signed", "representation.sign": "letter of representation signed",
}

// Turned says, in words that name nobody, what an entry of a kind is in the course
// of an engagement; "" where the course does not hold it.
func Turned(kind string) string { return turns[kind] }

// answersFinally reports whether an entry made a response final by itself, as those
// did before a signer made drafts final (finding.final). A draft responds to nothing.
func answersFinally(e book.Entry) bool {
	r, err := book.Data[engagement.Response](e)
	return err == nil && r.Final
}

// after keeps an entry in the course of its engagement, once it has done what it
// does.
func (s *State) after(e book.Entry, c book.Change) book.Change {
	if turns[e.Kind] == "" || e.Kind == "finding.answer" && !answersFinally(e) {
		return c
	}
	do := c.Do
	c.Do = func() {
		do()
		id, _, _ := strings.Cut(e.Of(), "/")
		if x := s.Sides[id]; x != nil {
			on := e.On
			if strings.HasPrefix(e.Kind, "assertion.") || strings.HasPrefix(e.Kind, "representation.") {
				on, _, _ = strings.Cut(on, "/") // a party's name is no identifier
			}
			x.Course = append(x.Course, Turn{e.Record, e.Kind, on, e.At})
		}
	}
	return c
}
