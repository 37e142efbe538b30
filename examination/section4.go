package examination

import (
	"slices"

	"tieout/audit"
	"tieout/definition"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/report/attest"
)

// A section4 makes the rows of Section IV, and those of the sets that are only
// mapped, which Section V prints.
type section4 struct {
	x        *fieldwork.File
	w        Wording
	catalog  *definition.Catalog
	controls [][]audit.Control // the client's, each with its revisions
	included []engagement.Included
}

// groups are the rows of Section IV: each criterion or objective with its
// controls and their tests. A report for everybody has none.
func groups(x *fieldwork.File, w Wording, catalog *definition.Catalog) (out []attest.Group) {
	if x.Terms.Type == engagement.SOC3 {
		return nil
	}
	s := &section4{x: x, w: w, catalog: catalog, controls: inForce(x)}
	s.included = s.includedTested()
	if x.Terms.Type.OfObjectives() {
		for _, o := range x.Terms.Objectives {
			out = append(out, s.group(o.ID, "objectives", o.Text, func(c audit.Control) bool { return slices.Contains(o.Controls, c.ID) }))
		}
		return out
	}
	for _, c := range catalog.Set(definition.DefaultSet).In(inScope(x.Terms)) {
		out = append(out, s.group(c.ID, "", c.Summary, func(k audit.Control) bool { return slices.Contains(k.Criteria, c.ID) }))
	}
	for _, set := range x.Terms.Extra {
		for _, id := range set.Criteria {
			if !set.Examined {
				out = append(out, s.mapped(set, id))
				continue
			}
			out = append(out, s.group(id, set.ID, s.words(set.ID, id), func(k audit.Control) bool { return testsExtra(x, k.ID, id) }))
		}
	}
	return out
}

// group is a criterion that is examined, with the controls that has holds of.
func (s *section4) group(id, set, text string, has func(audit.Control) bool) attest.Group {
	g := s.headed(id, set, text)
	for _, c := range s.controls {
		if has(c[len(c)-1]) {
			g.Controls = append(g.Controls, control(s.x, c))
		}
	}
	for _, i := range s.included {
		own := audit.Control{ID: i.ID, Description: i.Text, Criteria: i.Criteria}
		if has(own) {
			c := control(s.x, []audit.Control{own})
			c.By = i.By
			g.Controls = append(g.Controls, c)
		}
	}
	return g
}

// headed is a group without controls, in official words where the firm imported some.
func (s *section4) headed(id, set, text string) attest.Group {
	g := attest.Group{ID: id, Set: set, Text: text}
	if official := s.w.official(set, id); official != "" {
		g.Text, g.Official = official, hexSum([]byte(official))
	}
	return g
}

// words are the library's own for a criterion of another set, and its reference
// where the library has none.
func (s *section4) words(set, id string) string {
	if r := s.catalog.Other(set).Requirement(id); r != nil {
		return r.Words()
	}
	return id
}

// mapped is a place of a set that nobody examined: by way of which of the criteria
// examined a mapping relates it to which of the controls tested.
func (s *section4) mapped(set engagement.CriteriaSet, id string) attest.Group {
	g := s.headed(id, set.ID, s.words(set.ID, id))
	scope := s.x.Terms.Criteria()
	var by []string
	for _, m := range s.catalog.Ties(frameworkOf(s.catalog, set), id) {
		if slices.Contains(scope, m.Criterion) {
			g.Through, by = append(g.Through, attest.Relation{Criterion: m.Criterion, Strength: m.Confidence}), append(by, m.Criterion)
		}
	}
	meets := func(c audit.Control) bool {
		return slices.ContainsFunc(c.Criteria, func(k string) bool { return slices.Contains(by, k) })
	}
	for _, c := range s.controls {
		if last := c[len(c)-1]; meets(last) && reported(s.x, last.ID) {
			g.Controls = append(g.Controls, attest.Control{ID: last.ID, Text: last.Description})
		}
	}
	for _, i := range s.included {
		if meets(audit.Control{Criteria: i.Criteria}) {
			g.Controls = append(g.Controls, attest.Control{ID: i.ID, Text: i.Text, By: i.By})
		}
	}
	return g
}

// frameworkOf is the ID of the mapping that relates a set, "" where none is known:
// as the terms say, or as the library's set of that ID does.
func frameworkOf(catalog *definition.Catalog, set engagement.CriteriaSet) string {
	if set.Framework == "" {
		return catalog.Other(set.ID).Mapping()
	}
	return set.Framework
}

// includedTested are the controls of inclusive subservice organizations that a test
// is reported of, each with the criteria that the terms or a test name. An identifier
// that one of the client's own controls has is the client's.
func (s *section4) includedTested() (out []engagement.Included) {
	for _, i := range s.x.Terms.Included() {
		own := slices.ContainsFunc(s.controls, func(c []audit.Control) bool { return c[0].ID == i.ID })
		if own || !reported(s.x, i.ID) {
			continue
		}
		i.Criteria = slices.Clone(i.Criteria)
		for _, t := range s.x.Tests {
			if t.Control == i.ID && t.Dropped == "" {
				i.Criteria = append(i.Criteria, t.Criteria...)
			}
		}
		out = append(out, i)
	}
	return out
}

// reported reports whether a test of a control stands in Section IV.
func reported(x *fieldwork.File, control string) bool {
	for _, t := range x.Tests {
		if t.Control == control && t.Dropped == "" && x.Reported(t) {
			return true
		}
	}
	return false
}

// extraSets are the sets beside the trust services criteria, each that is only mapped
// with the mapping that relates it.
func extraSets(t engagement.Terms, catalog *definition.Catalog) (out []attest.CriteriaSet) {
	for _, s := range t.Extra {
		one := attest.CriteriaSet{ID: s.ID, Name: s.Name, Examined: s.Examined}
		if f := catalog.Framework(frameworkOf(catalog, s)); f != nil && !s.Examined {
			one.Mapping = &attest.Mapping{ID: f.ID, Framework: f.Name, Version: f.Version, Publisher: f.Publisher, Retrieved: f.Retrieved}
		}
		out = append(out, one)
	}
	return out
}
