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
func (w *Workspace) Select(types func(kind string) []string) Selection {
	given := map[string]bool{}
	for _, s := range w.Sources {
		for _, t := range s.Types(types(s.Kind)) {
			given[t] = true
		}
	}
	var sel Selection
	tested, missing := map[string]bool{}, map[string][]string{}
	for _, p := range w.Procedures {
		if lack := lacking(p, given); len(lack) > 0 {
			for _, id := range p.Controls {
				missing[id] = append(missing[id], fmt.Sprintf("%s needs %s", p.ID, strings.Join(lack, ", ")))
			}
			continue
		}
		sel.Procedures = append(sel.Procedures, p)
		for _, id := range p.Controls {
			tested[id] = true
		}
	}
	for _, c := range w.Controls {
		sel.place(c, tested[c.ID], whyNot(c, missing[c.ID]), w.ownControls)
	}
	return sel
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

// lacking returns the item types p reads that no source gives.
func lacking(p *procedure.Procedure, given map[string]bool) []string {
	return slices.DeleteFunc(slices.Clone(p.Types), func(t string) bool { return given[t] })
}

// whyNot says why a control is not tested. Each missing reads "PROCEDURE needs
// TYPES".
func whyNot(c audit.Control, missing []string) string {
	if len(missing) > 0 {
		return "No source gives what its procedures read: " + strings.Join(missing, "; ") + "."
	}
	if c.Automation == "none" {
		return "A person tests it: no system records it, and no manual procedure is written for it."
	}
	return "No procedure is written for it."
}
