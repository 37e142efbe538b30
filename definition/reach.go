package definition

import (
	"slices"

	"tieout/audit"
	"tieout/procedure"
)

// A Reached is one criterion with the controls that name it.
type Reached struct {
	Criterion audit.Criterion
	Controls  []ReachedControl // by id
}

// A ReachedControl is one control with the procedures that test it.
type ReachedControl struct {
	Control    audit.Control
	Procedures []*procedure.Procedure // by id
}

// Reach says how far procedures reach the criteria through the controls. Of
// several revisions of a control or a procedure the last one counts.
func Reach(criteria []audit.Criterion, controls []audit.Control, procedures []*procedure.Procedure) []Reached {
	tests := map[string][]*procedure.Procedure{}
	for i, p := range procedures {
		if i+1 < len(procedures) && procedures[i+1].ID == p.ID {
			continue
		}
		for _, id := range p.Controls {
			tests[id] = append(tests[id], p)
		}
	}
	out := make([]Reached, len(criteria))
	for i, crit := range criteria {
		out[i].Criterion = crit
		for j, c := range controls {
			if j+1 < len(controls) && controls[j+1].ID == c.ID || !slices.Contains(c.Criteria, crit.ID) {
				continue
			}
			out[i].Controls = append(out[i].Controls, ReachedControl{c, tests[c.ID]})
		}
	}
	return out
}

// By reports whether a procedure that ok accepts tests one of the criterion's
// controls.
func (r Reached) By(ok func(*procedure.Procedure) bool) bool {
	return slices.ContainsFunc(r.Controls, func(c ReachedControl) bool { return slices.ContainsFunc(c.Procedures, ok) })
}

// Automated reports whether p needs no person to answer it: it is continuous,
// about events or on a schedule.
func Automated(p *procedure.Procedure) bool { return p.Form != audit.Manual }
