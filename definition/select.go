package definition

import (
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/procedure"
)

// A Selection is what a workspace tests with the sources it has.
type Selection struct {
	Controls   []audit.Control        // in scope, tested or not
	Procedures []*procedure.Procedure // that can run here, for controls in scope
	Untested   []NotTested            // in scope, without a procedure that can run
	Outside    []NotTested            // library controls left out because nothing here can test them
}

// NotTested is a control and why no procedure tests it.
type NotTested struct {
	Control audit.Control
	Why     string
}

// Select says which controls and procedures are in scope. types gives the item
// types of a source kind; nil for one that is not known.
//
// Controls that files in controls/ name are in scope whether or not they can
// be tested. Without such files the library's controls of the organization's
// categories are in scope where a procedure can run on what the sources give.
// A manual procedure of the library takes no control in by itself: nobody has
// said yet that a person will answer it.
func (w *Workspace) Select(types func(kind string) []string) Selection {
	given := w.Given(types)
	var sel Selection
	tested, why := map[string]bool{}, map[string]reasons{}
	for _, p := range w.Procedures {
		lack := Lacking(p, given)
		offered := p.Form == audit.Manual && w.Origin(p.ID) == libraryOrigin
		for _, id := range p.Controls {
			switch r := why[id]; {
			case len(lack) > 0:
				r.missing = append(r.missing, fmt.Sprintf("%s needs %s", p.ID, strings.Join(lack, ", ")))
				why[id] = r
			case offered:
				r.manual = append(r.manual, p.ID)
				why[id] = r
			default:
				tested[id] = true
			}
		}
	}
	for _, c := range w.Controls {
		ask := w.ownControls && len(why[c.ID].manual) > 0
		sel.place(c, tested[c.ID] || ask, why[c.ID].text(c), w.ownControls)
	}
	for _, p := range w.Procedures {
		if len(Lacking(p, given)) == 0 && sel.any(p.Controls) {
			sel.Procedures = append(sel.Procedures, p)
		}
	}
	return sel
}

// Given are the item types the workspace's sources can give. Issues of its own
// registers are not all tickets there are: they are given under a name of their
// own, which only Gives knows.
func (w *Workspace) Given(types func(kind string) []string) map[string]bool {
	given := map[string]bool{}
	for _, s := range w.Sources {
		for _, t := range s.Types(types(s.Kind)) {
			if s.Kind == registers && t == issues {
				t = issues + " of kind " + issuesOnly
			}
			given[t] = true
		}
	}
	return given
}

// Gives reports whether what p reads of a type is given: all items of the type, or
// all of the one kind that p speaks about.
func Gives(given map[string]bool, p *procedure.Procedure, typ string) bool {
	return given[typ] || typ == issues && given[issues+" of kind "+issuesOnly] && p.OnlyKind() == issuesOnly
}

func (s *Selection) any(ids []string) bool {
	return slices.ContainsFunc(s.Controls, func(c audit.Control) bool { return slices.Contains(ids, c.ID) })
}

func (s *Selection) place(c audit.Control, tested bool, why string, named bool) {
	switch {
	case tested:
		s.Controls = append(s.Controls, c)
	case named:
		s.Controls = append(s.Controls, c)
		s.Untested = append(s.Untested, NotTested{c, why})
	default:
		s.Outside = append(s.Outside, NotTested{c, why})
	}
}

// Lacking returns the item types p reads that are not given.
func Lacking(p *procedure.Procedure, given map[string]bool) []string {
	return slices.DeleteFunc(slices.Clone(p.Types), func(t string) bool { return Gives(given, p, t) })
}

// reasons are why a control is not tested.
type reasons struct {
	missing []string // each reads "PROCEDURE needs TYPES"
	manual  []string // procedures for a person
}

func (r reasons) text(c audit.Control) string {
	var out []string
	if len(r.missing) > 0 {
		out = append(out, "No source gives what its procedures read: "+strings.Join(r.missing, "; ")+".")
	}
	if len(r.manual) > 0 {
		out = append(out, "A person tests it: "+strings.Join(r.manual, ", ")+" says what to ask and what to see.")
	}
	switch {
	case len(out) > 0:
		return strings.Join(out, " ")
	case c.Automation == "none":
		return "A person tests it: no system records it, and no manual procedure is written for it."
	}
	return "No procedure is written for it."
}
