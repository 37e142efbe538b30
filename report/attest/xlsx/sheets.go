package xlsx

import (
	"fmt"
	"slices"
	"strings"

	"tieout/report/attest"
	"tieout/report/xlsx"
)

// A gathering collects what is said of one thing under several criteria, in the
// order it is first seen.
type gathering struct {
	order []string
	of    map[string]*entry
}

type entry struct {
	texts                     []string
	seen                      []string // tests, whole
	criteria, controls, tests []string
	outcomes, results         []string
	exceptions                int
}

func (g *gathering) at(id string) *entry {
	if g.of == nil {
		g.of = map[string]*entry{}
	}
	if g.of[id] == nil {
		g.of[id] = &entry{}
		g.order = append(g.order, id)
	}
	return g.of[id]
}

// once adds s where the list has it not.
func once(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// count adds a test that is not there yet. Two tests are one only where all of
// them is the same.
func (e *entry) count(t attest.Test) {
	key := fmt.Sprintf("%q %q %q %d %d %d %d %d %d %d %d %q", t.ID, t.Text, t.Result, t.Population, t.Drawn, t.Sample, t.Partly, t.Unable, t.NotApplicable, t.Exceptions, t.Known, t.Paper)
	if slices.Contains(e.seen, key) {
		return
	}
	e.seen, e.tests, e.exceptions = append(e.seen, key), once(e.tests, t.ID), e.exceptions+t.Exceptions
}

// controls has each control once, with all criteria it stands under. A test that
// stands under two of them is counted once.
func controls(r *attest.Report) xlsx.Sheet {
	s := xlsx.Sheet{Name: "Controls", Columns: []xlsx.Column{
		{Head: "Control", Width: 14}, {Head: "Text", Width: 70}, {Head: "Criteria", Width: 30}, {Head: "Tests", Width: 8}, {Head: "Exceptions", Width: 11}, {Head: "Concluded", Width: 30},
	}}
	var all gathering
	eachControl(r, func(g attest.Group, c attest.Control) {
		e := all.at(c.ID)
		e.texts, e.criteria, e.outcomes = once(e.texts, c.Statement()), once(e.criteria, g.ID), once(e.outcomes, c.Outcome)
		for _, t := range c.Tests {
			e.count(t)
		}
	})
	for _, id := range all.order {
		e := all.of[id]
		s.Rows = append(s.Rows, []any{id, strings.Join(e.texts, "\n"), strings.Join(e.criteria, ", "), len(e.seen), e.exceptions, strings.Join(e.outcomes, "; ")})
	}
	return s
}

// exceptions has each finding once, with what it was found by and what
// management says.
func exceptions(r *attest.Report) xlsx.Sheet {
	s := xlsx.Sheet{Name: "Exceptions", Columns: []xlsx.Column{
		{Head: "Finding", Width: 12}, {Head: "Controls", Width: 16}, {Head: "Criteria", Width: 24}, {Head: "Tests", Width: 22}, {Head: "Exceptions", Width: 11}, {Head: "Result", Width: 60}, {Head: "Management’s response", Width: 70},
	}}
	var all gathering
	eachControl(r, func(g attest.Group, c attest.Control) {
		for _, t := range c.Tests {
			for _, id := range t.Findings {
				e := all.at(id)
				e.controls, e.criteria, e.results = once(e.controls, c.ID), once(e.criteria, g.ID), once(e.results, t.Result)
				e.count(t)
			}
		}
	})
	answers := responses(r)
	for _, id := range all.order {
		e := all.of[id]
		s.Rows = append(s.Rows, []any{id, strings.Join(e.controls, ", "), strings.Join(e.criteria, ", "), strings.Join(e.tests, ", "), e.exceptions, strings.Join(e.results, "\n"), answers[id]})
	}
	return s
}

func expected(list []attest.Expected) xlsx.Sheet {
	s := xlsx.Sheet{Name: "CUECs", Columns: []xlsx.Column{{Head: "Number", Width: 14}, {Head: "Complementary user entity control", Width: 90}, {Head: "Criteria", Width: 30}}}
	for _, e := range list {
		s.Rows = append(s.Rows, []any{e.ID, e.Text, strings.Join(e.Criteria, ", ")})
	}
	return s
}

// subservices has a row for each control expected at an organization, or that is
// part of the description; one row of an organization that has none.
func subservices(list []attest.Subservice) xlsx.Sheet {
	s := xlsx.Sheet{Name: "Subservices", Columns: []xlsx.Column{
		{Head: "Organization", Width: 28}, {Head: "Service", Width: 44}, {Head: "Method", Width: 12}, {Head: "Monitored by", Width: 20}, {Head: "Number", Width: 12}, {Head: "Control", Width: 60}, {Head: "Criteria", Width: 20},
	}}
	for _, o := range list {
		front := []any{o.Name, o.Service, o.Method(), strings.Join(o.Monitored, ", ")}
		if len(o.Expected) == 0 {
			s.Rows = append(s.Rows, append(slices.Clone(front), "", "", ""))
		}
		for _, e := range o.Expected {
			s.Rows = append(s.Rows, append(slices.Clone(front), e.ID, e.Text, strings.Join(e.Criteria, ", ")))
		}
	}
	return s
}

func events(a attest.Annex) xlsx.Sheet {
	s := xlsx.Sheet{Name: "Order of events", Columns: []xlsx.Column{{Head: "Time", Width: 26}, {Head: "Log", Width: 10}, {Head: "Entry", Width: 10}, {Head: "What was done", Width: 70}, {Head: "Commitment (SHA-256)", Width: 68}}}
	for _, e := range a.Steps {
		s.Rows = append(s.Rows, []any{attest.Instant(e.At), e.Whose, int(e.Entry), e.What, e.Leaf})
	}
	return s
}

func strata(r *attest.Report) xlsx.Sheet {
	s := xlsx.Sheet{Name: "Strata", Columns: []xlsx.Column{{Head: "Criterion", Width: 14}, {Head: "Control", Width: 12}, {Head: "Test", Width: 16}, {Head: "Stratum", Width: 40}, {Head: "Population", Width: 12}, {Head: "Drawn", Width: 10}, {Head: "Tested", Width: 10}, {Head: "Exceptions", Width: 11}}}
	eachControl(r, func(g attest.Group, c attest.Control) {
		for _, t := range c.Tests {
			for _, p := range t.Strata {
				s.Rows = append(s.Rows, []any{g.ID, c.ID, t.ID, p.Name, p.Population, p.Drawn, p.Sample, p.Exceptions})
			}
		}
	})
	return s
}
