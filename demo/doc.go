// Package demo makes Halyard, an invented company: its workspace, and a year of
// exports as its systems would give them, with a list of everything that is
// wrong in it. The same size gives the same bytes on every machine: there is no
// clock in it, and its random numbers are its own.
//
// A table makes the things an export lists, one at a time: their first state
// and their edits. A small company writes them as one list a day, a large one
// as a feed of changes; both come from the same things, so what is seeded is
// the same. docs/demo.md says what is exported, and what only looks wrong.
package demo
