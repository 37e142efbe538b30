package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/engagement"
	"tieout/engagement/describe"
	"tieout/engagement/fieldwork"
	"tieout/report"
)

// A firmTestFacts is what one workpaper adds up to, in words.
type firmTestFacts struct {
	link
	Of, Class, Word string
	Facts, Limits   []string
	Known           link // deviations outside the sample, where they are listed
	Findings        []link
}

// testFacts says what one test found and where its workpaper stands.
func testFacts(id string, t fieldwork.TestFacts) firmTestFacts {
	out := firmTestFacts{link: link{t.Test, gridBase(id, t.Test)}, Of: report.Capital(string(t.Phase)) + ", " + string(t.Kind), Limits: limitsInWords(t.Limits)}
	out.Class, out.Word = paperState(t)
	if t.Sampled > 0 {
		out.Facts = append(out.Facts, fmt.Sprintf("%s of %s tested, of a population of %s", report.Number(t.Tested), report.Plural(t.Sampled, "sampled item", "sampled items"), report.Number(t.Population)),
			report.Plural(t.Exceptions, "item", "items")+" with an exception")
	} else if t.Opened && t.Population == 0 {
		out.Facts = append(out.Facts, "The test has no items")
	}
	add := func(n int, one, many string) {
		if n > 0 {
			out.Facts = append(out.Facts, report.Plural(n, one, many))
		}
	}
	add(t.Untested, "cell has no result", "cells have no result")
	add(t.Unable, "cell is marked Unable to test", "cells are marked Unable to test")
	add(t.Differ, "mark differs from what was computed", "marks differ from what was computed")
	add(t.Notes, "review note is open", "review notes are open")
	if t.Known > 0 {
		out.Known = link{fmt.Sprintf("%s outside the sample, %s open", report.Plural(t.Known, "deviation is known", "deviations are known"), report.Number(t.KnownOpen)), gridBase(id, t.Test) + "/known"}
	} else if t.Sampled > 0 {
		out.Known = link{"No deviation is known outside the sample", gridBase(id, t.Test) + "/known"}
	}
	for _, x := range t.Findings {
		out.Findings = append(out.Findings, link{x, gridFindingHref(id, x)})
	}
	return out
}

func paperState(t fieldwork.TestFacts) (class, word string) {
	switch {
	case !t.Opened:
		return "due", "To test"
	case t.Reviewed:
		return "ok", fmt.Sprintf("Signed off, version %d", t.Version)
	case t.Untested > 0:
		return "due", "Testing"
	}
	return "due", "In review"
}

// limitsInWords are what a sample says of the whole: information, no conclusion.
func limitsInWords(list []fieldwork.Limit) (out []string) {
	for _, l := range list {
		out = append(out, fmt.Sprintf("With %.0f percent confidence at most %.1f percent, or %s of %s items, have an exception. This is information and concludes nothing.", l.Confidence*100, l.Rate*100, report.Number(l.Count), report.Number(l.Of)))
	}
	return out
}

// A firmDeficiency is one standing exception with what tells how grave it is.
type firmDeficiency struct {
	Finding, Control link
	Rate, Span       string
	Facts, Limits    []string
}

// A firmDeficiencyGroup are the exceptions that touch one criterion, objective or
// commitment.
type firmDeficiencyGroup struct {
	link
	Kind, Title string
	Rows        []firmDeficiency
}

// firmDeficiencies adds standing exceptions up by criterion, by commitment and by
// description criterion; those of controls that are for none of these come last,
// so that every one that stands is listed.
func firmDeficiencies(f *fieldwork.File, r fieldwork.RollUp) (out []firmDeficiencyGroup) {
	listed := map[string]bool{}
	for _, c := range append(slices.Clone(r.Criteria), r.Commitments...) {
		if len(c.Deficiencies) == 0 {
			continue
		}
		kind, of, _ := strings.Cut(c.On, ":")
		g := firmDeficiencyGroup{link: link{Text: of}, Kind: report.Capital(kind), Title: objectiveText(f, of)}
		if kind == "commitment" {
			g.Title = commitmentText(f, of)
		} else {
			g.Href = concludeHref(f.Terms.ID, c.On)
		}
		for _, d := range c.Deficiencies {
			g.Rows = append(g.Rows, deficiencyFacts(f, d))
			listed[d.Finding] = true
		}
		out = append(out, g)
	}
	for _, c := range r.Description {
		out = append(out, deficienciesOf(f, fieldwork.OnDC, describe.Titles[c.Control], c, listed)...)
	}
	for _, c := range r.Controls {
		out = append(out, deficienciesOf(f, fieldwork.OnControl, "It meets no criterion that is in scope.", c, listed)...)
	}
	return out
}

// deficienciesOf are the exceptions of a control or a description criterion that
// are not listed yet, as one group; none where there are none.
func deficienciesOf(f *fieldwork.File, kind, title string, c fieldwork.ControlFacts, listed map[string]bool) []firmDeficiencyGroup {
	g := firmDeficiencyGroup{link: link{c.Control, concludeHref(f.Terms.ID, kind+":"+c.Control)}, Kind: map[string]string{fieldwork.OnDC: "Description criterion", fieldwork.OnControl: "Control"}[kind], Title: title}
	for _, d := range c.Deficiencies {
		if kind == fieldwork.OnDC || !listed[d.Finding] {
			g.Rows = append(g.Rows, deficiencyFacts(f, d))
			listed[d.Finding] = true
		}
	}
	if len(g.Rows) == 0 {
		return nil
	}
	return []firmDeficiencyGroup{g}
}

func commitmentText(f *fieldwork.File, id string) string {
	if f.Controls == nil {
		return ""
	}
	i := slices.IndexFunc(f.Controls.Commitments, func(c engagement.Commitment) bool { return c.ID == id })
	if i < 0 {
		return ""
	}
	return f.Controls.Commitments[i].Text
}

// deficiencyFacts puts one deficiency in words. Nothing in it says how grave it is.
func deficiencyFacts(f *fieldwork.File, d fieldwork.Deficiency) firmDeficiency {
	id, what := f.Terms.ID, fieldwork.OnControl+":"+d.Control
	if t := f.Tests[d.Test]; t != nil {
		what = concludedBy(*t)
	}
	kind, of, _ := strings.Cut(what, ":")
	out := firmDeficiency{Finding: link{d.Finding, gridFindingHref(id, d.Finding)}, Control: link{of, concludeHref(id, what)}, Rate: d.Rate(), Limits: limitsInWords(d.Limits)}
	if !d.From.IsZero() {
		zone := (&gridLook{terms: f.Terms}).zone()
		out.Span = report.Day(d.From, zone) + " to " + report.Day(d.To.Add(-time.Second), zone)
	}
	if d.Known > 0 {
		out.Facts = append(out.Facts, report.Plural(d.Known, "known deviation", "known deviations")+" outside the sample")
	}
	if len(d.Compensating) > 0 {
		out.Facts = append(out.Facts, "Compensating tests: "+strings.Join(d.Compensating, ", "))
	}
	if w := othersInWords(d.Others); w != "" && kind == fieldwork.OnControl {
		out.Facts = append(out.Facts, w)
	}
	if d.Responded {
		out.Facts = append(out.Facts, "Management has responded")
	} else {
		out.Facts = append(out.Facts, "Management has not responded")
	}
	return out
}

// othersInWords says what became of the other tested controls for the same.
func othersInWords(list []fieldwork.Other) string {
	if len(list) == 0 {
		return "No other control for it is tested"
	}
	n := map[engagement.Outcome]int{}
	for _, o := range list {
		n[o.Outcome]++
	}
	var parts []string
	for _, o := range append(fieldwork.OutcomesOf(fieldwork.OnControl), "") {
		if n[o] == 0 {
			continue
		}
		word := string(o)
		if o == "" {
			word = "not concluded"
		}
		parts = append(parts, fmt.Sprintf("%d %s", n[o], word))
	}
	return report.Plural(len(list), "other control", "other controls") + " for it: " + strings.Join(parts, ", ")
}
