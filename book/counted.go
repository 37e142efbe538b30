package book

import (
	"fmt"
	"slices"

	"tieout/audit"
)

// Counted is what became of a book's entries. A State embeds it; its zero value is
// ready for use.
type Counted struct {
	Void []Void // entries that do not count, in the order of the log

	revision map[string]int64  // entries that count on each object
	history  map[string][]Line // of each object
	written  map[string]string // object of each entry that counts, by the ID of its record
	places   map[int64]string  // ID of its record, by its place in the log
	voided   map[string]int    // place in Void of each entry that does not count, by the ID of its record
}

// A Void is an entry that does not count, and why.
type Void struct {
	Entry Entry
	Why   error
}

// A Line is one entry of an object's history, as it can be shown to whoever may
// see the object.
type Line struct {
	Entry
	What string // in words: "treatment is decided: mitigate"
}

func (p *Counted) counted() *Counted { return p }

// Revision is how many entries on an object count: the Base of the next one.
func (p *Counted) Revision(on string) int64 { return p.revision[on] }

// History returns the entries on an object that count, in the order of the log.
func (p *Counted) History(on string) []Line { return slices.Clone(p.history[on]) }

// Also counts an entry for another object too: what was decided of a list, for
// one of its rows. It returns the object's new revision.
func (p *Counted) Also(on string, e Entry, what string) int64 {
	p.count(on, Line{e, what})
	return p.revision[on]
}

// void keeps an entry that does not count.
func (p *Counted) void(e Entry, why error) {
	if p.voided == nil {
		p.voided = map[string]int{}
	}
	p.voided[e.ID] = len(p.Void)
	p.Void = append(p.Void, Void{e, why})
}

func (p *Counted) count(on string, l Line) {
	if p.revision == nil {
		p.revision, p.history, p.written, p.places = map[string]int64{}, map[string][]Line{}, map[string]string{}, map[int64]string{}
	}
	p.revision[on]++
	p.history[on] = append(p.history[on], l)
}

// take adds an entry to the state, or keeps it as void.
func take(s State, e Entry) {
	p := s.counted()
	c, err := weigh(s, e)
	if err != nil {
		p.void(e, err)
		return
	}
	c.Do()
	p.count(e.On, Line{e, c.What})
	p.written[e.ID], p.places[e.Record] = e.On, e.ID
}

// weigh says what an entry would do, or why it does not count.
func weigh(s State, e Entry) (Change, error) {
	if have := s.counted().revision[e.On]; e.Base != Anyway && e.Base != have {
		return Change{}, fmt.Errorf("%w: %s has changed since you opened it (%d changes, you had seen %d). Look at it again and repeat what is still right",
			audit.ErrConflict, e.On, have, e.Base)
	}
	return s.Weigh(e)
}

// Merge puts tables by kind of entry together. Each part of a package has its own;
// two that name the same kind are a fault of the program.
func Merge[T any](tables ...map[string]T) map[string]T {
	out := map[string]T{}
	for _, t := range tables {
		for kind, f := range t {
			if _, twice := out[kind]; twice {
				panic("book: two tables take entries of kind " + kind)
			}
			out[kind] = f
		}
	}
	return out
}
