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
	Retired    []Retired       `json:"retired,omitempty"`
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
		Attached: book.List(p.Attached), Reopenings: book.List(p.Reopenings), Retired: p.Retired}
	for _, item := range slices.Sorted(maps.Keys(p.Void)) {
		f.Void = append(f.Void, VoidForm{item, p.Void[item]})
	}
	for _, c := range append(p.cells(t), p.retiredCells(t)...) {
		if m := p.Cells[c]; m != nil {
			f.Cells = append(f.Cells, CellForm{c, *m, p.Revealed[c]})
		}
	}
	return f
}

// retiredCells are the cells of rows that were retired with their sample.
func (p *Paper) retiredCells(t *Test) (out []Cell) {
	for _, r := range p.Retired {
		for _, row := range r.Rows {
			for _, a := range attributes(t) {
				if c := (Cell{row, a.Name}); p.Void[row] != "" && !slices.Contains(out, c) {
					out = append(out, c)
				}
			}
		}
	}
	return out
}

// next is the version that the coming sign-off of a reviewer makes, or that the
// last one made.
func (p *Paper) next() int {
	if p.Reviewed != nil {
		return p.Version
	}
	return p.Version + 1
}

// Workers are the accounts that had a hand in a test's workpaper: those who
// marked, attached, explained a difference, wrote an exception of it or signed it
// as prepared. None of them reviews it.
func (f *File) Workers(test string) []string {
	who, p := map[string]bool{}, f.Papers[test]
	if p == nil {
		return nil
	}
	for _, r := range p.Revealed {
		if r.ExplainedBy != "" {
			who[r.ExplainedBy] = true
		}
	}
	for _, x := range f.Findings {
		for _, by := range x.Writers {
			who[by] = who[by] || x.Test == test
		}
	}
	maps.DeleteFunc(who, func(_ string, had bool) bool { return !had })
	for _, m := range p.Cells {
		who[m.By] = true
		for _, was := range m.Earlier {
			who[was.By] = true
		}
	}
	for _, a := range p.Attached {
		who[a.By] = true
	}
	if p.Prepared != nil {
		who[p.Prepared.By] = true
	}
	return slices.Sorted(maps.Keys(who))
}
