package fieldwork

import (
	"slices"

	"tieout/engagement"
)

var paperGates = []Gate{
	{"paper.open", "the test is planned and not dropped", (*ground).planned},
	{"paper.open", "the test has no workpaper yet", func(g *ground) string {
		return unless(g.test == nil || g.f.Papers[g.test.ID] == nil, "it has one already")
	}},
	{"paper.open", "a test of items has a sample of its control, or an accepted population without an item; a test without items has neither", (*ground).drawn},
	{"paper.extend", "the added rows are a sample of the same control", func(g *ground) string {
		return unless(g.sampleFits(g.sample), "%q is no sample of control %s", g.sample, g.test.Control)
	}},
	{"paper.retire", "the sample's population was frozen again, and the workpaper has the rows of a sample of the later freeze", (*ground).retirable},
	{"paper.prepare", "it has the rows of its samples as they are now, of populations that were not frozen again", (*ground).rowsCurrent},
	{"paper.prepare", "every cell has a result; Unable to test is one", func(g *ground) string {
		left := g.paper.Untested(g.test)
		return unless(len(left) == 0, "%s without a result: %s", count(len(left), "cell"), some(cellNames(left)))
	}},
	{"paper.prepare", "every exception of the grid has its finding", func(g *ground) string {
		left := g.f.uncovered(g.paper, g.test)
		return unless(len(left) == 0, "no finding yet for %s", some(cellNames(left)))
	}},
	{"paper.prepare", "what was computed was looked at after every own mark", func(g *ground) string {
		left := g.unshown()
		return unless(len(left) == 0, "computed outcomes not looked at yet: %s", some(cellNames(left)))
	}},
	{"paper.prepare", "every difference between a mark and what was computed has a note", func(g *ground) string {
		left := g.paper.unexplained(g.test)
		return unless(len(left) == 0, "mark and computed outcome differ without a note: %s", some(cellNames(left)))
	}},
}

var reviewGates = []Gate{
	{"paper.review", "the workpaper is signed off as prepared, as it is now", func(g *ground) string {
		p := g.paper
		return unless(p != nil && p.Prepared != nil && p.Prepared.Digest == g.paperDigest(), "nobody signed it off as prepared, or it changed since")
	}},
	{"paper.review", "every review note on it is cleared", func(g *ground) string {
		var open []string
		for _, n := range g.f.OpenNotes(g.test.ID) {
			open = append(open, n.ID)
		}
		return unless(len(open) == 0, "open review notes: %s", some(open))
	}},
	{"paper.review", "the reviewer had no hand in it", func(g *ground) string {
		return unless(g.paper == nil || !slices.Contains(g.f.Workers(g.paper.Test), g.e.By.Name), "you worked on it; somebody else has to review it")
	}},
	{"finding.release", "the exception stands: it is not disposed of", func(g *ground) string {
		return unless(g.finding != nil && g.finding.Stands(), "it was disposed of")
	}},
	{"finding.release", "its cells are still marked Exception, and it counts the items tested as the workpaper does", func(g *ground) string {
		return unless(g.f.holds(g.finding), "the workpaper says something else by now: write it again")
	}},
}

// planned says what keeps a test from having a workpaper.
func (g *ground) planned() string {
	switch {
	case g.test == nil:
		return "there is no such test in the plan"
	case g.test.Dropped != "":
		return "the test was dropped: " + g.test.Dropped
	}
	return ""
}

// drawn says what is missing of the sample a workpaper is opened from.
func (g *ground) drawn() string {
	switch {
	case g.test == nil:
		return ""
	case !g.test.Population:
		return unless(g.sample == "" && g.empty == "", "the test has no items, so it has no sample")
	case g.sample == "" && g.empty != "":
		p := g.f.Populations[g.empty]
		return unless(p != nil && p.Accepted && p.Superseded == "" && p.Count == 0 && slices.Contains(p.Controls, g.test.Control),
			"%q is no accepted population of control %s without an item", g.empty, g.test.Control)
	}
	if s := g.f.Samples[g.sample]; s != nil && len(s.Items) == 0 {
		return "sample " + s.ID + " lists no items: of a whole population, the test's logic is tested, without items"
	}
	return unless(g.empty == "" && g.sampleFits(g.sample), "%q is no sample of control %s: the population is frozen and accepted and the sample drawn first", g.sample, g.test.Control)
}

// sampleFits reports whether a sample is one of the test's control, from a
// population the auditor accepted and that no later freeze took the place of.
func (g *ground) sampleFits(id string) bool {
	s := g.f.Samples[id]
	if s == nil || g.test == nil || s.Control != g.test.Control {
		return false
	}
	p := g.f.Populations[s.Population]
	return p != nil && p.Accepted && p.Superseded == ""
}

// rowsCurrent says which samples have items that are no rows, or were drawn from a
// population that a later freeze took the place of.
func (g *ground) rowsCurrent() string {
	if g.paper == nil {
		return ""
	}
	return g.f.behind(g.paper)
}

func (f *File) behind(p *Paper) string {
	rows := p.counted()
	for _, id := range p.Samples {
		s := f.Samples[id]
		if s == nil || slices.ContainsFunc(s.Items, func(item string) bool { return !rows[item] }) {
			return "sample " + id + " has changed: extend the workpaper by it"
		}
	}
	for _, pop := range f.populationsOf(p) {
		if pop.Superseded != "" {
			return "population " + pop.ID + " was frozen again as " + pop.Superseded + ": extend the workpaper by a sample of that" + f.thenRetire(p, pop)
		}
	}
	return ""
}

// thenRetire says which samples of a workpaper are retired for a freeze that took
// their population's place; "" where it has none.
func (f *File) thenRetire(p *Paper, pop *Population) string {
	var out []string
	for _, id := range p.Samples {
		if x := f.Samples[id]; x != nil && x.Population == pop.ID {
			out = append(out, "sample "+id)
		}
	}
	return unless(len(out) == 0, ", then retire %s with the reason", some(out))
}

// unshown are the cells whose computed outcome was not looked at, of populations
// that come with results.
func (g *ground) unshown() []Cell {
	for _, want := range g.f.toLook(g.paper, g.test) {
		if want.population.Run >= 0 {
			return g.paper.Hidden(g.test)
		}
	}
	return nil
}

// holds reports whether an exception's cells are still marked so, and whether it
// is of as many items as were tested.
func (f *File) holds(x *Finding) bool {
	if x == nil {
		return false
	}
	p := f.Papers[x.Test]
	if t := f.Tests[x.Test]; p != nil && t != nil && p.ItemsTested(t) != x.Of {
		return false
	}
	for _, c := range x.Cells {
		if p == nil || p.Cells[c] == nil || p.Cells[c].Mark != engagement.Exception {
			return false
		}
	}
	return true
}

// paperDigest is the digest of the workpaper as it is.
func (g *ground) paperDigest() string {
	if g.signed == "" {
		g.signed = g.f.PaperDigest(g.paper.Test)
	}
	return g.signed
}
