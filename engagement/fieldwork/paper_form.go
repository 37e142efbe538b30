package fieldwork

import (
	"maps"
	"slices"

	"tieout/book"
	"tieout/engagement"
)

// A PaperForm is a workpaper as it is signed off, digested and archived: the
// same bytes for the same state.
type PaperForm struct {
	Test       engagement.Test `json:"test"`
	Version    int             `json:"version"` // the one that is worked on; signing it off makes it this one
	Samples    []string        `json:"samples"`
	Empty      string          `json:"empty"`
	Rows       []string        `json:"rows"`
	Void       []VoidForm      `json:"void"`
	Cells      []CellForm      `json:"cells"`
	Attached   []Attachment    `json:"attached"`
	Reopenings []Step          `json:"reopenings"`
}

// A VoidForm is a replaced item.
type VoidForm struct {
	Item string `json:"item"`
	Why  string `json:"why"`
}

// A CellForm is a marked cell, with what was computed once it was shown.
type CellForm struct {
	Cell
	Marked
	Computed *Revealed `json:"computed"`
}

func (p *Paper) form(t *Test) PaperForm {
	f := PaperForm{Test: t.Test, Version: p.next(), Samples: book.List(p.Samples), Empty: p.Empty, Rows: p.Rows, Void: []VoidForm{}, Cells: []CellForm{},
		Attached: book.List(p.Attached), Reopenings: book.List(p.Reopenings)}
	for _, item := range slices.Sorted(maps.Keys(p.Void)) {
		f.Void = append(f.Void, VoidForm{item, p.Void[item]})
	}
	for _, c := range p.cells(t) {
		if m := p.Cells[c]; m != nil {
			f.Cells = append(f.Cells, CellForm{c, *m, p.Revealed[c]})
		}
	}
	return f
}

// next is the version that the coming sign-off of a reviewer makes, or that the
// last one made.
func (p *Paper) next() int {
	if p.Reviewed != nil {
		return p.Version
	}
	return p.Version + 1
}
