package fieldwork

import (
	"slices"
	"strings"

	"tieout/book"
	"tieout/engagement"
	"tieout/internal/unwritten"
)

var conclusionGates = []Gate{
	{"conclusion.control", "the control has a test, unless nothing can be concluded", func(g *ground) string {
		return unless(len(g.tests()) > 0 || g.unable(), "the control has no test")
	}},
	{"conclusion.control", "every item of every test has a result; Unable to test is one", (*ground).results},
	{"conclusion.control", "the workpaper of every test is reviewed and unchanged since", (*ground).reviewed},
	{"conclusion.control", "every test of operation tested something; all Unable to test, or Not applicable, shows neither that exceptions are there nor that none are", (*ground).testedSomething},
	{"conclusion.control", "inquiry is not the only procedure, unless nothing can be concluded", (*ground).moreThanInquiry},
	{"conclusion.control", "operation is concluded on over a period alone; as of a date there is design, and whether it is implemented", (*ground).ofType},
	{"conclusion.control", "operation is concluded on after the period's end; before, it is tested to date", (*ground).afterEnd},
	{"conclusion.control", "interim work is rolled forward to the period's end", (*ground).rolledForward},
	{"conclusion.control", "every accepted population of the control, a supplementary one too, was drawn from", (*ground).allDrawn},
	{"conclusion.control", "every version of the control is tested over its own time", (*ground).everyVersion},
	{"conclusion.control", "design is concluded on from a walkthrough or a test of design that is more than inquiry", (*ground).designTested},
	{"conclusion.control", "that it is implemented rests on an instance that was seen", (*ground).instanceSeen},
	{"conclusion.control", "that it did not occur is proved: the population is empty or looked for, with evidence", (*ground).noOccurrence},
	{"conclusion.control", "deviations outside the sample were looked for wherever whole populations are computed", (*ground).allLooked},
	{"conclusion.control", "every known deviation outside the sample is disposed of", (*ground).allDisposed},
	{"conclusion.control", "every exception is evaluated, and its cells still say so", (*ground).evaluated},
	{"conclusion.control", "No exceptions noted is said only where no exception stands, and Exceptions noted only where one does", (*ground).sayingExceptions},
	{"conclusion.control", "every exception of the report before is looked at", (*ground).priorSeen},

	{"conclusion.criterion", "every control of the criterion has a conclusion that is current", (*ground).controlsConcluded},
	{"conclusion.criterion", "operation is concluded on over a period alone, after its end", (*ground).criterionTime},
	{"conclusion.criterion", "it is called free of exceptions only where its controls are and there is one", (*ground).criterionSaying},
	{"conclusion.criterion", "not applicable is said only of a criterion that no control meets and that is not a common one", (*ground).notRelevant},

	{"conclusion.objective", "every control of the objective has a conclusion that is current", (*ground).controlsConcluded},
	{"conclusion.objective", "operation is concluded on over a period alone, after its end", (*ground).criterionTime},
	{"conclusion.objective", "it is called free of exceptions only where its controls are and there is one", (*ground).criterionSaying},
	{"conclusion.objective", "an objective that is in the terms applies", (*ground).notRelevant},

	{"conclusion.dc", "management's final description is here", func(g *ground) string {
		return unless(g.f.Description != nil && g.f.Description.Final, "no final description has come")
	}},
	{"conclusion.dc", "the description criterion has a workpaper of its own, reviewed and unchanged since", (*ground).dcTested},
	{"conclusion.dc", "every test of it tested something; all Unable to test, or Not applicable, shows neither that exceptions are there nor that none are", (*ground).testedSomething},
	{"conclusion.dc", "every exception is evaluated, and its cells still say so", (*ground).evaluated},
	{"conclusion.dc", "No exceptions noted is said only where no exception stands, and Exceptions noted only where one does", (*ground).sayingExceptions},
	{"conclusion.dc", "only DC 9 of an examination as of a date may not apply", func(g *ground) string {
		return unless(g.concludes.Outcome != engagement.NotRelevant || g.on == "dc:DC 9" && !g.f.Terms.Type.OverPeriod(), "%s applies", g.of())
	}},
}

// of is the ID of what is concluded on.
func (g *ground) of() string {
	_, id, _ := strings.Cut(g.on, ":")
	return id
}

func (g *ground) unable() bool { return g.concludes.Outcome == engagement.UnableToConclude }

// operating reports whether the conclusion speaks of operation.
func (g *ground) operating() bool {
	switch g.concludes.Outcome {
	case engagement.NoExceptions, engagement.WithExceptions, engagement.DidNotOccur:
		return true
	}
	return false
}

func (g *ground) tests() []*Test {
	if strings.HasPrefix(g.on, OnDC+":") {
		return g.f.testsOfDC(g.of())
	}
	return g.f.testsOf(g.of())
}

func (g *ground) results() string {
	var open []string
	for _, t := range g.tests() {
		switch p := g.f.Papers[t.ID]; {
		case p == nil:
			open = append(open, t.ID+" (no workpaper)")
		case g.f.behind(p) != "":
			open = append(open, t.ID+" ("+g.f.behind(p)+")")
		case len(p.Untested(t)) > 0:
			open = append(open, t.ID+" ("+count(len(p.Untested(t)), "cell")+")")
		}
	}
	return unless(len(open) == 0, "without results: %s", some(open))
}

func (g *ground) reviewed() string {
	var open []string
	for _, t := range g.tests() {
		p := g.f.Papers[t.ID]
		if p == nil || p.Reviewed == nil || p.Reviewed.Digest != g.f.PaperDigest(t.ID) {
			open = append(open, t.ID)
		}
	}
	return unless(len(open) == 0, "not reviewed: the workpapers of %s", some(open))
}

// testedSomething: whether there were exceptions is said of what was tested. That
// nothing occurred is proved otherwise (noOccurrence).
func (g *ground) testedSomething() string {
	if o := g.concludes.Outcome; o != engagement.NoExceptions && o != engagement.WithExceptions {
		return ""
	}
	var left []string
	for _, t := range g.tests() {
		if p := g.f.Papers[t.ID]; p != nil && (t.Phase == engagement.Operation || !ofControl(t)) && p.saysNothing(t) {
			left = append(left, t.ID)
		}
	}
	return unless(len(left) == 0, "nothing was tested in %s: conclude that you were unable to, or plan what can be tested", some(left))
}

// saysNothing reports whether no result of a workpaper tells of exceptions. Over a
// population without items it is that they are none which is tested.
func (p *Paper) saysNothing(t *Test) bool {
	if p.Empty != "" {
		return p.allUnable(t)
	}
	return !slices.ContainsFunc(p.cells(t), func(c Cell) bool {
		m := p.Cells[c]
		return m != nil && (m.Mark == engagement.NoException || m.Mark == engagement.Exception)
	})
}

// allUnable reports whether every cell is marked Unable to test.
func (p *Paper) allUnable(t *Test) bool {
	return p != nil && !slices.ContainsFunc(p.cells(t), func(c Cell) bool {
		m := p.Cells[c]
		return m == nil || m.Mark != engagement.UnableToTest
	})
}

// moreThanInquiry: what speaks of operation needs a test of operation that is
// more than inquiry; anything else a test of any phase.
func (g *ground) moreThanInquiry() string {
	enough := slices.ContainsFunc(g.tests(), func(t *Test) bool {
		return t.Kind != engagement.Inquiry && (t.Phase == engagement.Operation || !g.operating() || !g.f.Terms.Type.OverPeriod())
	})
	return unless(enough || g.unable(), "inquiry is the only procedure: observe, inspect or re-perform")
}

func (g *ground) ofType() string {
	over := g.f.Terms.Type.OverPeriod()
	switch {
	case !over && g.operating():
		return "an examination as of a date does not conclude on operation: say design only"
	case over && g.concludes.Outcome == engagement.DesignOnly:
		return "design only is what an examination as of a date says"
	case over && g.concludes.Implemented:
		return "implemented is what an examination as of a date says"
	}
	return ""
}

func (g *ground) afterEnd() string {
	return unless(!g.operating() || ended(g.f.Terms, g.e.At), "the period is not over: what was done is tested to date")
}

// rolledForward: what tests of operation looked at reaches from the beginning to
// the end of the version's time.
func (g *ground) rolledForward() string {
	if !g.operating() || !g.f.Terms.Type.OverPeriod() {
		return ""
	}
	var short []string
	for _, t := range g.tests() {
		p := g.f.Papers[t.ID]
		if p == nil || t.Phase != engagement.Operation || !t.Population {
			continue
		}
		pops := g.f.populationsOf(p)
		last := slices.ContainsFunc(pops, func(x *Population) bool { return x.ToDate == "" })
		if !last || !covers(g.f.tested(t), g.f.versionSpan(t)) {
			short = append(short, t.ID)
		}
	}
	return unless(len(short) == 0, "tested to date, not to the period's end: %s", some(short))
}

// allDrawn: rows that came late are a population of their own, and so is a round
// after an interim one.
func (g *ground) allDrawn() string {
	used := map[*Population]bool{}
	for _, t := range g.tests() {
		if p := g.f.Papers[t.ID]; p != nil {
			for _, pop := range g.f.populationsOf(p) {
				used[pop] = true
			}
		}
	}
	var left []string
	for _, pop := range book.Sorted(g.f.Populations) {
		if pop.Accepted && pop.Superseded == "" && pop.Count > 0 && slices.Contains(pop.Controls, g.of()) && !used[pop] {
			left = append(left, pop.ID)
		}
	}
	return unless(len(left) == 0 || g.unable(), "no workpaper has a sample of population %s", some(left))
}

func (g *ground) everyVersion() string {
	if g.unable() || !g.f.Terms.Type.OverPeriod() {
		return ""
	}
	if left := g.f.UntestedVersions(g.of(), engagement.Operation); len(left) > 0 {
		return "no test of operation of the version in force from " + some(left)
	}
	if left := g.f.UntestedVersions(g.of(), engagement.Design, engagement.Walkthrough); len(left) > 0 && g.concludes.Design != DesignUnproved && len(g.f.Versions(g.of())) > 1 {
		return "no test of design of the version in force from " + some(left)
	}
	return ""
}

func (g *ground) designTested() string {
	has := slices.ContainsFunc(g.tests(), func(t *Test) bool {
		return t.Kind != engagement.Inquiry && t.Phase != engagement.Operation && !g.f.Papers[t.ID].allUnable(t)
	})
	return unless(has || g.concludes.Design == DesignUnproved, "no walkthrough and no test of design, or only inquiry, or nothing of it could be tested")
}

// instanceSeen: a mark without exception that has evidence, in a test that is
// more than inquiry.
func (g *ground) instanceSeen() string {
	if !g.concludes.Implemented {
		return ""
	}
	for _, t := range g.tests() {
		if p := g.f.Papers[t.ID]; p != nil && t.Kind != engagement.Inquiry && p.sawInstance() {
			return ""
		}
	}
	return "no instance of it was seen: that it is implemented is not shown"
}

func (p *Paper) sawInstance() bool {
	for _, m := range p.Cells {
		if m.Mark == engagement.NoException && (len(m.Evidence) > 0 || len(p.Attached) > 0) {
			return true
		}
	}
	return false
}

// noOccurrence: zero is a claim that needs proof, as any other.
func (g *ground) noOccurrence() string {
	if g.concludes.Outcome != engagement.DidNotOccur {
		return ""
	}
	proved := false
	for _, t := range g.tests() {
		p := g.f.Papers[t.ID]
		if p == nil || t.Phase != engagement.Operation {
			continue
		}
		if !slices.Equal(p.Rows, []string{""}) {
			return "the workpaper of " + t.ID + " has items, so it did occur"
		}
		proved = proved || t.Kind != engagement.Inquiry && p.hasEvidence()
	}
	for _, pop := range g.f.Populations {
		if slices.Contains(pop.Controls, g.of()) && pop.Superseded == "" && pop.Count > 0 {
			return "population " + pop.ID + " has " + count(pop.Count, "item")
		}
	}
	return unless(proved, "no test that is more than inquiry holds evidence that nothing occurred")
}

func (p *Paper) hasEvidence() bool {
	for _, m := range p.Cells {
		if len(m.Evidence) > 0 {
			return true
		}
	}
	return len(p.Attached) > 0
}

func (g *ground) allLooked() string {
	var left []string
	for _, t := range g.tests() {
		for _, want := range g.f.toLook(g.f.Papers[t.ID], t) {
			if !g.f.lookedFor(t.ID, want) {
				left = append(left, t.ID+" "+want.attribute+" over "+want.population.ID)
			}
		}
	}
	return unless(len(left) == 0, "not looked for yet: %s", some(left))
}

func (g *ground) allDisposed() string {
	var open []string
	for _, t := range g.tests() {
		for _, k := range g.f.OpenKnown(t.ID) {
			open = append(open, t.ID+" "+k.Ref)
		}
	}
	return unless(len(open) == 0, "%s outside the sample without a disposition: %s", count(len(open), "known deviation"), some(open))
}

func (g *ground) evaluated() string {
	var open []string
	for _, t := range g.tests() {
		for _, x := range book.Sorted(g.f.Findings) {
			if x.Test == t.ID && (x.Disposed != nil && !x.Disposed.Settled() || x.Stands() && (strings.TrimSpace(x.Evaluation) == "" || !g.f.holds(x) || g.f.unproved(x) != "")) {
				open = append(open, x.ID)
			}
		}
		if p := g.f.Papers[t.ID]; p != nil && len(g.f.uncovered(p, t)) > 0 {
			open = append(open, "cells of "+t.ID+" without a finding")
		}
	}
	return unless(len(open) == 0, "exceptions not evaluated, not confirmed or no longer as marked: %s", some(open))
}

// unproved is a compensating test of an exception that is not reviewed, ""
// without one: what is not tested compensates for nothing.
func (f *File) unproved(x *Finding) string {
	for _, id := range x.Compensating {
		p := f.Papers[id]
		if p == nil || p.Reviewed == nil || !covers(f.tested(f.Tests[id]), f.tested(f.Tests[x.Test])) {
			return id
		}
	}
	return ""
}

func (g *ground) sayingExceptions() string {
	kind, of, _ := strings.Cut(g.on, ":")
	standing := g.f.findingsOf(kind, of)
	switch {
	case g.concludes.Outcome == engagement.NoExceptions && len(standing) > 0:
		return "exceptions stand: " + some(standing)
	case g.concludes.Outcome == engagement.WithExceptions && len(standing) == 0:
		return "no exception stands"
	}
	return ""
}

func (g *ground) priorSeen() string {
	n := 0
	for _, p := range g.f.Terms.Prior {
		if p.Control == g.of() {
			n++
		}
	}
	return unless(n == len(g.concludes.Prior), "the report before had %s on this control; say of each what was seen", count(n, "exception"))
}

func (g *ground) controlsConcluded() string {
	var names []string
	for _, c := range g.f.controlsOf(g.of()) {
		names = append(names, OnControl+":"+c)
	}
	left := g.f.notCurrent(names)
	return unless(len(left) == 0, "no current conclusion on %s", some(left))
}

func (g *ground) criterionTime() string {
	if m := g.ofType(); m != "" {
		return m
	}
	return g.afterEnd()
}

func (g *ground) criterionSaying() string {
	if g.concludes.Outcome != engagement.NoExceptions {
		return ""
	}
	controls := g.f.controlsOf(g.of())
	if len(controls) == 0 {
		return "no control meets it"
	}
	for _, c := range controls {
		if have := g.f.Concluded[OnControl+":"+c]; have != nil && have.Outcome == engagement.WithExceptions {
			return "exceptions were noted of " + c
		}
	}
	return ""
}

func (g *ground) notRelevant() string {
	if g.concludes.Outcome != engagement.NotRelevant {
		return ""
	}
	return unless(!strings.HasPrefix(g.on, OnObjective) && !strings.HasPrefix(g.of(), "CC") && len(g.f.controlsOf(g.of())) == 0, "%s applies", g.of())
}

func (g *ground) dcTested() string {
	if g.concludes.Outcome == engagement.NotRelevant {
		return ""
	}
	if len(g.tests()) == 0 {
		return g.of() + " has no workpaper of its own"
	}
	if m := g.results(); m != "" {
		return m
	}
	return g.reviewed()
}

// final refuses text that is still to be written.
func final(name, s string) error {
	mark := unwritten.Find(s)
	return when(mark != "", name+": it still holds a placeholder: "+mark)
}
