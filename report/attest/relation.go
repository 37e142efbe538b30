package attest

import (
	"slices"
	"strings"
)

// relation is the table of a set that nobody examined: which of our controls
// relate to which of its criteria.
func (b *builder) relation(set string) []Block {
	name := b.r.SetName(set)
	out := []Block{
		heading(1, "set-"+set, "Relation of controls to "+name),
		paragraph("The table says which controls relate to which part of " + name + ". Whether its requirements are met was not examined."),
	}
	if m := b.r.mappingOf(set); m != nil {
		out = append(out, paragraph(m.says()))
	}
	return append(out, Block{Kind: Grid, Table: b.relationTable(set, name)})
}

// NoRelation is what stands beside a place that relates to no control that was tested.
const NoRelation = "None"

// relationTable has the criteria by way of which a place relates to controls, where
// the report names them, and leaves the subject out where no place has one beside its
// reference.
func (b *builder) relationTable(set, name string) *Table {
	var rows []Group
	for _, g := range b.r.Groups {
		if g.Set == set {
			rows = append(rows, g)
		}
	}
	ways := b.r.mappingOf(set) != nil || slices.ContainsFunc(rows, func(g Group) bool { return len(g.Through) > 0 })
	subjects := !ways || slices.ContainsFunc(rows, func(g Group) bool { return g.Text != g.ID })
	t := &Table{Name: "Relation to " + name, Columns: relationColumns(ways, subjects)}
	for _, g := range rows {
		cells := []Cell{cell(Ref, g.ID)}
		if subjects {
			cells = append(cells, cell(Stated, g.Text))
		}
		if ways {
			cells = append(cells, cell(Ref, g.ways()))
		}
		t.Rows = append(t.Rows, Row{Anchor: GroupAnchor(g), Cells: append(cells, g.related(ways))})
	}
	return t
}

func relationColumns(ways, subjects bool) []Column {
	reference, subject, way, controls := Column{"Reference", 22, Ref, false}, Column{"Subject", 48, Stated, false}, Column{"By way of", 26, Ref, false}, Column{"Related controls", 30, Ref, false}
	switch {
	case !ways:
		return []Column{reference, subject, controls}
	case subjects:
		subject.Share, way.Share, controls.Share = 34, 20, 24
		return []Column{reference, subject, way, controls}
	}
	way.Share, controls.Share = 34, 44
	return []Column{reference, way, controls}
}

// ways are the criteria a place is related by, each with how sure the mapping is:
// "CC6.2 (high), CC6.3 (low)".
func (g Group) ways() string {
	var out []string
	for _, x := range g.Through {
		if x.Strength != "" {
			out = append(out, x.Criterion+" ("+x.Strength+")")
			continue
		}
		out = append(out, x.Criterion)
	}
	return strings.Join(out, ", ")
}

func (g Group) related(ways bool) Cell {
	var ids []string
	for _, c := range g.Controls {
		id := c.ID
		if c.By != "" {
			id += " of " + c.By
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 && ways {
		return cell(Plain, NoRelation)
	}
	return cell(Ref, strings.Join(ids, ", "))
}

// mappingOf is the mapping that relates a set; nil where the report names none.
func (r *Report) mappingOf(set string) *Mapping {
	for _, s := range r.Extra {
		if s.ID == set {
			return s.Mapping
		}
	}
	return nil
}

// says is where a relation comes from.
func (m *Mapping) says() string {
	of := m.Framework
	if m.Version != "" {
		of += ", version " + m.Version
	}
	if m.Publisher != "" {
		of += ", by " + m.Publisher
	}
	if m.Retrieved != "" {
		of += ", retrieved on " + Day(m.Retrieved)
	}
	return "It follows from a mapping (" + of + "), which ties each reference to criteria that were examined and says how sure it is of it; the controls are those that meet these criteria and were tested. A relation is no equivalence."
}
