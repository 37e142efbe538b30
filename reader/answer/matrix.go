package answer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/definition"
	"tieout/period"
	"tieout/procedure"
	"tieout/report"
)

// A Matrix is which criteria the controls in scope meet.
type Matrix struct {
	Groups []ControlGroup
	Rows   []MatrixRow // those without a control first, then in the standard's order
}

// A ControlGroup is a column: controls about one subject.
type ControlGroup struct{ ID, Name string }

// A MatrixRow is one criterion.
type MatrixRow struct {
	Criterion audit.Criterion
	Cells     []Cell // one for each group
	Total     Cell
	Left      string // why it does not apply, in management's words; "": it does, or nobody said
}

// A Cell counts controls, and those of them that a procedure tests here.
type Cell struct{ Controls, Tested int }

// Strength says in words how far the controls of a cell are tested here.
func (c Cell) Strength() string {
	switch {
	case c.Controls == 0:
		return "no control"
	case c.Tested == 0:
		return "not tested here"
	case c.Tested == c.Controls && c.Controls == 1:
		return "tested here"
	case c.Tested == c.Controls:
		return "all tested here"
	}
	return report.OfAll(c.Tested, c.Controls) + " tested here"
}

// controlGroups are the subjects of controls, with the letters their ids begin
// with.
var controlGroups = []struct {
	ControlGroup
	letters []string
}{
	{ControlGroup{"governance", "Governance"}, []string{"GOV", "COM"}}, {ControlGroup{"people", "People"}, []string{"HR", "AWR", "POL"}},
	{ControlGroup{"risk", "Risk and monitoring"}, []string{"RSK", "MON"}}, {ControlGroup{"access", "Access"}, []string{"IAM"}},
	{ControlGroup{"physical", "Premises"}, []string{"PHY"}}, {ControlGroup{"assets", "Assets"}, []string{"AST"}},
	{ControlGroup{"endpoints", "Endpoints"}, []string{"END"}}, {ControlGroup{"network", "Network and keys"}, []string{"NET", "CRY"}},
	{ControlGroup{"logging", "Logging"}, []string{"LOG"}}, {ControlGroup{"vulnerabilities", "Weaknesses"}, []string{"VUL", "CFG"}},
	{ControlGroup{"incidents", "Incidents"}, []string{"INC"}}, {ControlGroup{"change", "Change"}, []string{"SDL"}},
	{ControlGroup{"vendors", "Vendors"}, []string{"VND"}}, {ControlGroup{"availability", "Availability"}, []string{"BCP", "BKP", "CAP"}},
	{ControlGroup{"processing", "Processing"}, []string{"PIN"}}, {ControlGroup{"confidentiality", "Confidentiality"}, []string{"CNF"}},
	{ControlGroup{"privacy", "Privacy"}, []string{"PRI"}}, {ControlGroup{"own", "Own controls"}, nil},
}

// GroupOf is the subject of a control; those that are not the library's are own.
func GroupOf(control string) ControlGroup {
	letters, _, _ := strings.Cut(control, "-")
	for _, g := range controlGroups {
		if slices.Contains(g.letters, letters) {
			return g.ControlGroup
		}
	}
	return controlGroups[len(controlGroups)-1].ControlGroup
}

// A Met is a control in scope and whether a procedure tests it here.
type Met struct {
	audit.Control
	Tested bool
}

// Mets are the controls in scope, the last revision of each, by id.
func Mets(p *period.Program) []Met {
	sel := p.Selection()
	var out []Met
	for _, c := range sel.Controls {
		one := Met{c, slices.ContainsFunc(sel.Procedures, func(x *procedure.Procedure) bool { return slices.Contains(x.Controls, c.ID) })}
		if n := len(out); n > 0 && out[n-1].ID == c.ID {
			out[n-1] = one
			continue
		}
		out = append(out, one)
	}
	return out
}

// MatrixOf puts criteria and controls side by side. A group without a control
// has no column. left is why a criterion does not apply, "" where it does.
func MatrixOf(criteria []audit.Criterion, controls []Met, left func(criterion string) string) Matrix {
	var m Matrix
	for _, g := range controlGroups {
		if slices.ContainsFunc(controls, func(c Met) bool { return GroupOf(c.ID) == g.ControlGroup }) {
			m.Groups = append(m.Groups, g.ControlGroup)
		}
	}
	for _, k := range criteria {
		row := MatrixRow{Criterion: k, Cells: make([]Cell, len(m.Groups)), Left: left(k.ID)}
		for _, c := range controls {
			if slices.Contains(c.Criteria, k.ID) {
				row.Total.add(c)
				row.Cells[slices.Index(m.Groups, GroupOf(c.ID))].add(c)
			}
		}
		m.Rows = append(m.Rows, row)
	}
	slices.SortStableFunc(m.Rows, func(a, b MatrixRow) int { return cmp.Compare(a.place(), b.place()) })
	return m
}

// place is where a row comes: criteria without a control, those that do not apply,
// the others.
func (r MatrixRow) place() int {
	switch {
	case r.Total.Controls > 0:
		return 2
	case r.Left != "":
		return 1
	}
	return 0
}

func (c *Cell) add(m Met) {
	c.Controls++
	if m.Tested {
		c.Tested++
	}
}

// Count says how many criteria have no control and no reason not to apply, and how
// many only one control.
func (m Matrix) Count() (none, one int) {
	for _, r := range m.Rows {
		switch r.Total.Controls {
		case 0:
			if r.Left == "" {
				none++
			}
		case 1:
			one++
		}
	}
	return none, one
}

// Undecided are the criteria that no control meets and no reason leaves out.
func (m Matrix) Undecided() (out []string) {
	for _, r := range m.Rows {
		if r.Total.Controls == 0 && r.Left == "" {
			out = append(out, r.Criterion.ID)
		}
	}
	return out
}

// SayUndecided warns of criteria that no control meets and no reason leaves out; ""
// where there are none.
func SayUndecided(criteria []string) string {
	if len(criteria) == 0 {
		return ""
	}
	return "Nobody has said whether " + report.Plural(len(criteria), "criterion applies", "criteria apply") + ": " + some(criteria, 8) +
		". No control in scope meets them, and no reason is written under organization.notApplicable in tieout.yaml; the draft of the description leaves DC 8 open until then."
}

// Sentence says how far the controls in scope meet the criteria.
func (m Matrix) Sentence() string {
	none, one := m.Count()
	left := 0
	for _, r := range m.Rows {
		if r.Left != "" && r.Total.Controls == 0 {
			left++
		}
	}
	out := coverageSentence(len(m.Rows)-left, none, one)
	if left > 0 {
		out += " " + report.Capital(report.Plural(left, "more does", "more do")) + " not apply, for a written reason."
	}
	return out
}

func coverageSentence(all, none, one int) string {
	switch {
	case all == 0:
		return "No criterion is in scope."
	case none == all && all == 1:
		return "The one criterion in scope has no control."
	case none == all:
		return fmt.Sprintf("None of %s criteria has a control.", report.Words(all))
	case all == 1 && one == 1:
		return "The one criterion in scope has one control."
	case all == 1:
		return "The one criterion in scope has more than one control."
	case none == 0 && one == 0:
		return fmt.Sprintf("Each of %s criteria has more than one control.", report.Words(all))
	case none == 0:
		return fmt.Sprintf("Each of %s criteria has a control, and %s.", report.Words(all), report.Plural(one, "has", "have")+" only one")
	case one == 0:
		return fmt.Sprintf("Of %s criteria, %s no control.", report.Words(all), report.Plural(none, "has", "have"))
	}
	return fmt.Sprintf("Of %s criteria, %s no control and %s only one.", report.Words(all), report.Plural(none, "has", "have"), report.Plural(one, "has", "have"))
}

// A Strength says how strongly the library's mapping ties a place of another
// framework to a criterion. None says that meeting one meets the other.
type Strength int

// Strengths, weakest first.
const (
	Untied Strength = iota
	Related
	InPart
	Covers
)

func (s Strength) String() string {
	return [...]string{"no control", "related", "covers in part", "covers"}[s]
}

func strengthOf(confidence string) Strength {
	switch confidence {
	case "high":
		return Covers
	case "medium":
		return InPart
	}
	return Related
}

// A Framework is another set of criteria that the library maps to.
type Framework struct {
	ID, Name string
	Mapping  definition.Framework // what the mapping says of itself
}

// Frameworks are those the library maps the workspace's criteria to.
func Frameworks(c *definition.Catalog) (out []Framework) {
	for _, f := range c.Frameworks {
		out = append(out, Framework{frameworkID(f.Name), f.Name, f})
	}
	slices.SortFunc(out, func(a, b Framework) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// frameworkID is a framework's name as an address has it.
func frameworkID(name string) string {
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return strings.Join(words, "-")
}

// A Place is one requirement of another framework and the criteria that are
// mapped to it.
type Place struct {
	Ref      string
	Strength Strength // the strongest by way of a criterion that has a control
	Controls int      // that meet any of the criteria
	Ways     []Way
}

// A Way leads from a place to a criterion.
type Way struct {
	Criterion string
	Strength  Strength
	Source    string   // who says so
	Controls  []string // in scope
}

// Places are those of the framework that id or its beginning names, in the order
// of their references; those without a control come first. An unknown one is
// audit.ErrNotFound.
func Places(c *definition.Catalog, id string, criteria []audit.Criterion, controls []Met) (Framework, []Place, error) {
	var f Framework
	for _, x := range Frameworks(c) {
		if f.ID == "" && strings.HasPrefix(x.ID, id) {
			f = x
		}
	}
	if f.ID == "" || id == "" {
		return f, nil, fmt.Errorf("%w: the library maps to no framework %q", audit.ErrNotFound, id)
	}
	by := map[string][]string{}
	for _, x := range controls {
		for _, k := range x.Criteria {
			by[k] = append(by[k], x.ID)
		}
	}
	places := map[string]*Place{}
	for _, m := range c.Mappings {
		if m.Framework != f.Name || !slices.ContainsFunc(criteria, func(k audit.Criterion) bool { return k.ID == m.Criterion }) {
			continue
		}
		if places[m.Ref] == nil {
			places[m.Ref] = &Place{Ref: m.Ref}
		}
		places[m.Ref].Ways = append(places[m.Ref].Ways, Way{m.Criterion, strengthOf(m.Confidence), m.Source, by[m.Criterion]})
	}
	var out []Place
	for _, x := range places {
		x.count()
		out = append(out, *x)
	}
	slices.SortFunc(out, func(a, b Place) int {
		return cmp.Or(cmp.Compare(min(a.Controls, 1), min(b.Controls, 1)), compareRefs(a.Ref, b.Ref), strings.Compare(a.Ref, b.Ref))
	})
	return f, out, nil
}

func (x *Place) count() {
	seen := map[string]bool{}
	for _, w := range x.Ways {
		if len(w.Controls) > 0 {
			x.Strength = max(x.Strength, w.Strength)
		}
		for _, c := range w.Controls {
			seen[c] = true
		}
	}
	x.Controls = len(seen)
	slices.SortStableFunc(x.Ways, func(a, b Way) int { return cmp.Compare(b.Strength, a.Strength) })
}

// compareRefs orders references as people count: 9.2 before 10.1.
func compareRefs(a, b string) int {
	for a != "" && b != "" {
		i, j := digits(a), digits(b)
		if i > 0 && j > 0 {
			x, y := strings.TrimLeft(a[:i], "0"), strings.TrimLeft(b[:j], "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y)); c != 0 {
				return c
			}
			a, b = a[i:], b[j:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func digits(s string) (n int) {
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// PlacesSentence says how far the controls in scope reach a framework.
func PlacesSentence(f Framework, places []Place) string {
	var n [Covers + 1]int
	for _, x := range places {
		n[x.Strength]++
	}
	if len(places) == 0 {
		return "The library ties none of the criteria in scope to " + f.Name + "."
	}
	var parts []string
	for s := Covers; s >= Untied; s-- {
		if n[s] == 0 {
			continue
		}
		parts = append(parts, report.Words(n[s])+" "+[...]string{"without a control", "related", "covered in part", "covered"}[s])
	}
	return fmt.Sprintf("By the library's mapping, of %s of %s: %s.", report.Plural(len(places), "place", "places"), f.Name, report.List(parts))
}
