package web

import (
	"cmp"
	"slices"
	"strings"

	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/describe"
	"tieout/engagement/fieldwork"
	"tieout/report"
	"tieout/sample"
)

// firmProposedDC is a workpaper for each description criterion that has no test,
// to be planned or edited first.
func firmProposedDC(f *fieldwork.File) (out []engagement.Test) {
	for _, dc := range f.Terms.Type.DescriptionCriteria() {
		if slices.ContainsFunc(book.Sorted(f.Tests), func(t *fieldwork.Test) bool { return t.Dropped == "" && slices.Equal(t.Criteria, []string{dc}) }) {
			continue
		}
		name := strings.ReplaceAll(dc, " ", "-")
		t := engagement.Test{ID: "T-" + name, Control: name, Phase: engagement.Design, Kind: engagement.Inspection, Criteria: []string{dc},
			Text:       "Compared what the description says (" + strings.ToLower(cmp.Or(describe.Titles[dc], "management's description of its system")) + ") with the records and with what was observed during the examination.",
			Attributes: []engagement.Attribute{{Name: "A", Text: "What it says agrees with what was inspected and observed."}, {Name: "B", Text: "Nothing that belongs to it is left out or distorted."}}}
		for n := '2'; f.Tests[t.ID] != nil; n++ {
			t.ID = "T-" + name + "-" + string(n) // an earlier one was dropped
		}
		out = append(out, t)
	}
	return out
}

// firmOffered are all tests that are proposed and not planned.
func (q *request) firmOffered(f *fieldwork.File) []engagement.Test {
	return append(q.firmProposed(f), firmProposedDC(f)...)
}

// A firmVersioned is a control of which more than one text was in force.
type firmVersioned struct {
	Control  string
	Versions []firmVersionRow
	Tests    []link
	Missing  string // versions without a test of operation
}

// firmVersionedControls are the controls that changed in the period, with the
// tests there are.
func firmVersionedControls(f *fieldwork.File) (out []firmVersioned) {
	for _, c := range f.ControlsInScope() {
		rows := firmVersionRows(f, c)
		if len(rows) == 0 {
			continue
		}
		v := firmVersioned{Control: c, Versions: rows}
		for _, t := range book.Sorted(f.Tests) {
			if t.Control == c && t.Dropped == "" {
				words := t.ID
				if t.Version != "" {
					words += " from " + t.Version
				}
				v.Tests = append(v.Tests, link{words, gridBase(f.Terms.ID, t.ID)})
			}
		}
		if left := f.UntestedVersions(c, engagement.Operation); f.Terms.Type.OverPeriod() && len(left) > 0 {
			v.Missing = "No test of operation of the version in force from " + report.List(left) + "."
		}
		out = append(out, v)
	}
	return out
}

// firmExample puts the shipped example of a size table in force, which says of
// itself that no firm adopted it.
func (q *request) firmExample() error {
	err := q.files.SetSizes(q.Context(), q.who, q.PathValue("id"), "example.yaml", sample.ExampleTable(), q.base())
	return q.onPlan(err, "The example is in force, and is marked as one wherever a size comes from it.")
}
