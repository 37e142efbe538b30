package demo

import (
	"slices"
	"strings"
	"time"
)

// A column of an export. In JSON a dotted name is one level of nesting.
type column struct {
	name string
	kind byte // 's' text, 'b' true or false, 'i' integer, 'l' list joined by ";"
}

// columns reads a list such as "login admin:b factors:l".
func columns(list string) []column {
	var cols []column
	for _, word := range strings.Fields(list) {
		name, kind, ok := strings.Cut(word, ":")
		if !ok {
			kind = "s"
		}
		cols = append(cols, column{name, kind[0]})
	}
	return cols
}

// A thing is one line of an export over time: its first state and its edits.
type thing struct {
	born  time.Time // first listed; zero means before everything
	gone  time.Time // no longer listed from here on; zero means never
	away  [2]time.Time
	cells []string
	edits []edit
}

// An edit sets one cell at an instant.
type edit struct {
	at   time.Time
	col  int
	cell string
}

// A table makes the things of one export, one at a time.
type table struct {
	cols []column
	n    int
	make func(i int) (thing, bool) // false: there is no such thing
}

func (t *table) index(name string) int {
	for i, c := range t.cols {
		if c.name == name {
			return i
		}
	}
	panic("demo: no column " + name) // a mistake in this package, found by its tests
}

// all makes every thing; only for tables of a startup's size.
func (t *table) all() []thing {
	var things []thing
	for i := range t.n {
		if th, ok := t.make(i); ok {
			things = append(things, th)
		}
	}
	return things
}

func (th *thing) edit(at time.Time, col int, cell string) {
	th.edits = append(th.edits, edit{at, col, cell})
}

// order sorts the edits by time; edits of one instant keep their order.
func (th *thing) order() {
	slices.SortStableFunc(th.edits, func(a, b edit) int { return a.at.Compare(b.at) })
}

func (th *thing) listed(at time.Time) bool {
	if at.Before(th.born) || !th.gone.IsZero() && !at.Before(th.gone) {
		return false
	}
	return th.away[0].IsZero() || at.Before(th.away[0]) || !at.Before(th.away[1])
}

// stateAt fills cells with the thing's state at an instant. Edits are ordered.
func (th *thing) stateAt(at time.Time, cells []string) []string {
	cells = append(cells[:0], th.cells...)
	for _, e := range th.edits {
		if e.at.After(at) {
			break
		}
		cells[e.col] = e.cell
	}
	return cells
}

// A builder names cells while a thing is made.
type builder struct {
	t  *table
	th thing
}

func (t *table) build() *builder {
	return &builder{t, thing{cells: make([]string, len(t.cols))}}
}

// set fills cells: name, value, name, value ...
func (b *builder) set(pairs ...string) *builder {
	for i := 0; i+1 < len(pairs); i += 2 {
		b.th.cells[b.t.index(pairs[i])] = pairs[i+1]
	}
	return b
}

// at adds an edit of each named cell.
func (b *builder) at(t time.Time, pairs ...string) *builder {
	for i := 0; i+1 < len(pairs); i += 2 {
		b.th.edit(t, b.t.index(pairs[i]), pairs[i+1])
	}
	return b
}

// during sets a cell for a while and then back to what it was.
func (b *builder) during(from, to time.Time, name, cell string) *builder {
	col := b.t.index(name)
	b.th.edit(from, col, cell)
	b.th.edit(to, col, b.th.cells[col])
	return b
}

func (b *builder) done() (thing, bool) {
	b.th.order()
	return b.th, true
}
