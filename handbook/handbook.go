// Package handbook writes a page for every criterion, control, procedure and
// kind of source, from the same files and values the program works with, so
// that an auditor can read what is tested, how and on what without our code.
// It is pure: the same library and drivers give the same pages.
package handbook

import (
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/definition"
	"tieout/procedure"
	"tieout/source"
)

// A book is what pages are made of, with the ways between them.
type book struct {
	set        *definition.CriteriaSet
	catalog    *definition.Catalog
	list       []audit.Control        // of the library, or those in scope of a workspace
	runs       []*procedure.Procedure // that test them
	drivers    source.Registry
	own        *workspace                        // nil: the library's handbook
	tests      map[string][]*procedure.Procedure // by control
	controls   map[string][]audit.Control        // by criterion
	procedures map[string][]*procedure.Procedure // by item type they read
	words      *definition.Words
	docs       map[string]*document // by procedure
}

// Pages are all pages of the library's handbook, indexes first, each group in the
// order people look for it.
func Pages(c *definition.Catalog, drivers source.Registry) ([]Page, error) {
	b, err := newBook(c, c.Set(definition.DefaultSet), c.Controls, c.Procedures, drivers)
	if err != nil {
		return nil, err
	}
	return b.pages(), nil
}

func newBook(c *definition.Catalog, set *definition.CriteriaSet, controls []audit.Control, procs []*procedure.Procedure, drivers source.Registry) (*book, error) {
	words, err := definition.LibraryWords()
	if err != nil {
		return nil, err
	}
	b := &book{words: words, set: set, catalog: c, list: controls, runs: procs, drivers: drivers, tests: map[string][]*procedure.Procedure{},
		controls: map[string][]audit.Control{}, procedures: map[string][]*procedure.Procedure{}, docs: map[string]*document{}}
	for _, p := range procs {
		doc, err := readDocument(p)
		if err != nil {
			return nil, fmt.Errorf("handbook: %w", err)
		}
		b.docs[p.ID] = doc
		for _, id := range p.Controls {
			b.tests[id] = append(b.tests[id], p)
		}
		for _, typ := range p.Types {
			b.procedures[typ] = append(b.procedures[typ], p)
		}
	}
	for _, ctl := range controls {
		for _, id := range ctl.Criteria {
			b.controls[id] = append(b.controls[id], ctl)
		}
	}
	return b, nil
}

func (b *book) pages() []Page {
	out := []Page{b.index(), b.criteriaIndex(), b.controlIndex(), b.procedureIndex(), b.sourceIndex(), b.dataPage(), wordsPage(b.words)}
	for _, c := range b.set.Criteria {
		out = append(out, b.criterion(c))
	}
	for _, c := range b.list {
		out = append(out, b.control(c))
	}
	for _, p := range b.runs {
		out = append(out, b.procedure(p))
	}
	for _, d := range b.drivers {
		out = append(out, b.source(d))
	}
	return out
}

// Folders are those that pages lie in, besides the indexes.
var Folders = []string{"criteria", "controls", "procedures", "sources"}

func criterionLink(id string) line { return linkCode(id, "criteria/"+id) }
func controlLink(id string) line   { return linkCode(id, "controls/"+id) }
func procedureLink(id string) line { return linkCode(id, "procedures/"+id) }
func sourceLink(name string) line  { return linkCode(name, "sources/"+name) }
func typeLink(typ string) line     { return linkCode(typ, "data#"+anchorOf(typ)) }

// each makes a line of ids that are links.
func each(ids []string, to func(string) line) line {
	lines := make([]line, len(ids))
	for i, id := range ids {
		lines[i] = to(id)
	}
	return join(lines, " ")
}

// inOrder puts criteria into the standard's order.
func (b *book) inOrder(ids []string) []string {
	var out []string
	for _, c := range b.set.Criteria {
		if slices.Contains(ids, c.ID) {
			out = append(out, c.ID)
		}
	}
	return out
}

func procedureIDs(list []*procedure.Procedure) []string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = p.ID
	}
	return out
}

// special are the sources made for a type; those that read any type from what
// people map are left out.
func (b *book) special(typ string) []string {
	var out []string
	for _, d := range b.drivers {
		if slices.Contains(d.Types, typ) && !readsAnything(d) {
			out = append(out, d.Name)
		}
	}
	return out
}

// readsAnything tells the sources that people map to any type.
func readsAnything(d *source.Driver) bool { return len(d.Types) > len(audit.ItemTypes)/2 }

// open are the sources that read any type.
func (b *book) open() []string {
	var out []string
	for _, d := range b.drivers {
		if readsAnything(d) {
			out = append(out, d.Name)
		}
	}
	return out
}

// givenBy says which sources give a type.
func (b *book) givenBy(typ string) line {
	if b.own != nil {
		return b.givenHere(typ)
	}
	if s := b.special(typ); len(s) > 0 {
		return each(s, sourceLink)
	}
	return say("what people map: ").and(each(b.open(), sourceLink))
}

var formWords = map[audit.Form]string{
	audit.Continuous: "At every instant", audit.Event: "Each occurrence", audit.Cadence: "On schedule", audit.Manual: "By a person",
}

var categoryWords = map[audit.Category]string{
	audit.Security: "Security", audit.Availability: "Availability", audit.ProcessingIntegrity: "Processing integrity",
	audit.Confidentiality: "Confidentiality", audit.Privacy: "Privacy",
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func capital(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func sentence(s string) string {
	if s == "" || strings.HasSuffix(s, ".") {
		return capital(s)
	}
	return capital(s) + "."
}
