package engagement

import (
	"fmt"
	"slices"

	"tieout/audit"
)

// groups are the trust services criteria of each category by their groups, each
// with how many criteria it holds: 61 identifiers in all (PRIMER section 15).
var groups = []struct {
	category audit.Category
	group    string
	count    int
}{
	{audit.Security, "CC1", 5}, {audit.Security, "CC2", 3}, {audit.Security, "CC3", 4}, {audit.Security, "CC4", 2}, {audit.Security, "CC5", 3},
	{audit.Security, "CC6", 8}, {audit.Security, "CC7", 5}, {audit.Security, "CC8", 1}, {audit.Security, "CC9", 2},
	{audit.Availability, "A1", 3}, {audit.ProcessingIntegrity, "PI1", 5}, {audit.Confidentiality, "C1", 2},
	{audit.Privacy, "P1", 1}, {audit.Privacy, "P2", 1}, {audit.Privacy, "P3", 2}, {audit.Privacy, "P4", 3},
	{audit.Privacy, "P5", 2}, {audit.Privacy, "P6", 7}, {audit.Privacy, "P7", 1}, {audit.Privacy, "P8", 1},
}

// Criteria are the identifiers of the trust services criteria that terms cover,
// in the order of the criteria: the common criteria always, those of the other
// categories where the category is in. A SOC 1 has none.
func (t Terms) Criteria() (out []string) {
	if t.Type.OfObjectives() {
		return nil
	}
	in := map[audit.Category]bool{audit.Security: true}
	for _, c := range t.Categories {
		in[c.Category] = in[c.Category] || c.In
	}
	for _, g := range groups {
		for n := 1; in[g.category] && n <= g.count; n++ {
			out = append(out, fmt.Sprintf("%s.%d", g.group, n))
		}
	}
	return out
}

// Examined are the identifiers of the other criteria that the opinion covers.
func (t Terms) Examined() (out []string) {
	for _, x := range t.Extra {
		if x.Examined {
			out = append(out, x.Criteria...)
		}
	}
	return out
}

// Covers reports whether a control meets something that is examined: one of the
// criteria, or in a SOC 1 an objective that names it. What a company operates
// beside that is in neither its description nor the report.
func (t Terms) Covers(c audit.Control) bool {
	for _, o := range t.Objectives {
		if slices.Contains(o.Controls, c.ID) {
			return true
		}
	}
	in := append(t.Criteria(), t.Examined()...)
	return slices.ContainsFunc(c.Criteria, func(id string) bool { return slices.Contains(in, id) })
}

// DescriptionCriteria are the description criteria that an examination of this
// type concludes on: DC 1 to DC 9 of a SOC 2; one, "DC", of a SOC 1, whose
// description has criteria of its own; none of a SOC 3, which has no description.
func (t Type) DescriptionCriteria() (out []string) {
	switch {
	case t == SOC3:
		return nil
	case t.OfObjectives():
		return []string{"DC"}
	}
	for n := 1; n <= 9; n++ {
		out = append(out, fmt.Sprintf("DC %d", n))
	}
	return out
}

// Parts are what an opinion is given on in an examination of this type.
func (t Type) Parts() []Part {
	switch {
	case t == SOC3:
		return []Part{PartOperation}
	case t.OverPeriod():
		return []Part{PartDescription, PartDesign, PartOperation}
	}
	return []Part{PartDescription, PartDesign}
}

// NotRelevant is what is concluded of a criterion that does not apply to the
// system, with its reason (DC 8): never of a common criterion, and never where a
// control meets it.
const NotRelevant Outcome = "not applicable"
