package examination_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/examination"
	"tieout/report/attest"
	"tieout/report/attest/lint"
)

const rowTest = "T-IAM-06-1"

// drawn is a file whose one test was performed on six of 58 items in two strata;
// void was replaced by six.
func drawn() *fieldwork.File {
	items := []string{"one", "two", "three", "four", "five", "six"}
	p := &fieldwork.Paper{Test: rowTest, Sample: "S-1", Samples: []string{"S-1"}, Rows: append(slices.Clone(items), "void"), Void: map[string]string{"void": "it was a test account"}, Cells: map[fieldwork.Cell]*fieldwork.Marked{}}
	for _, item := range items {
		mark(p, item, engagement.NoException)
	}
	t := &fieldwork.Test{Test: engagement.Test{ID: rowTest, Control: "IAM-06", Phase: engagement.Operation, Text: "Compared six of them.", Attributes: []engagement.Attribute{{Name: "A"}}}}
	s := &fieldwork.Sample{Sample: engagement.Sample{ID: "S-1", Population: "P-1", Method: engagement.Stratified, Items: items,
		Draws:    []engagement.Draw{{Stratum: "eu", Count: 20, Size: 2, Items: []string{"one", "void"}}, {Stratum: "us", Count: 38, Size: 4, Items: []string{"two", "three", "four", "five"}}},
		Replaced: []engagement.Replacement{{Item: "void", By: "six", Why: "it was a test account"}}}}
	x := &fieldwork.File{Terms: engagement.Terms{Type: engagement.SOC2TypeII, First: "2026-01-01", Last: "2026-12-31"},
		Tests: map[string]*fieldwork.Test{rowTest: t}, Populations: map[string]*fieldwork.Population{"P-1": {Population: engagement.Population{ID: "P-1", Count: 58}}},
		Samples: map[string]*fieldwork.Sample{"S-1": s}, Papers: map[string]*fieldwork.Paper{rowTest: p}, Findings: map[string]*fieldwork.Finding{}, Concluded: map[string]*fieldwork.Conclusion{}}
	x.Known = map[string]map[string]*fieldwork.Known{}
	return x
}

func mark(p *fieldwork.Paper, item string, m engagement.Mark) {
	p.Cells[fieldwork.Cell{Item: item, Attribute: "A"}] = &fieldwork.Marked{Mark: m}
}

func paper(x *fieldwork.File) *fieldwork.Paper { return x.Papers[rowTest] }

// standing is an exception on an item.
func standing(x *fieldwork.File, id, item, text string) {
	mark(paper(x), item, engagement.Exception)
	x.Findings[id] = &fieldwork.Finding{Finding: engagement.Finding{ID: id, Control: "IAM-06", Test: rowTest, Items: []string{item}, Text: text}, Cells: []fieldwork.Cell{{Item: item, Attribute: "A"}}}
}

// TestResults: items that could not be tested do not vanish, and nothing is free of
// exceptions that is not concluded.
func TestResults(t *testing.T) {
	unable := func(items ...string) func(*fieldwork.File) {
		return func(x *fieldwork.File) {
			for _, item := range items {
				mark(paper(x), item, engagement.UnableToTest)
			}
		}
	}
	late := func(x *fieldwork.File) { standing(x, "X-1", "two", "For 1 of 4 leavers an account was left.") }
	for _, tt := range []struct {
		name         string
		do           []func(*fieldwork.File)
		result       string
		counts       string
		strataTested []int
	}{
		{"all tested", nil, "No exceptions noted.", "58 items, 6 tested", []int{2, 4}},
		{"two without evidence", []func(*fieldwork.File){unable("one", "three")}, "No exceptions noted.\n\nFor 2 of the 6 items drawn, the evidence was not available.", "58 items, 6 drawn, 4 tested, 2 could not be tested", []int{1, 3}},
		{"an exception beside them", []func(*fieldwork.File){unable("one", "three"), late}, "For 1 of 4 leavers an account was left.\n\nFor 2 of the 6 items drawn, the evidence was not available.", "58 items, 6 drawn, 4 tested, 2 could not be tested, 1 with exceptions", []int{1, 3}},
		{"none with evidence", []func(*fieldwork.File){unable("one", "two", "three", "four", "five", "six")}, "For 6 of the 6 items drawn, the evidence was not available.", "58 items, 6 drawn, 0 tested, 6 could not be tested", []int{0, 0}},
		{"in part", []func(*fieldwork.File){func(x *fieldwork.File) {
			x.Tests[rowTest].Attributes = append(x.Tests[rowTest].Attributes, engagement.Attribute{Name: "B"})
			for _, r := range paper(x).Rows {
				paper(x).Cells[fieldwork.Cell{Item: r, Attribute: "B"}] = &fieldwork.Marked{Mark: engagement.NoException}
			}
			paper(x).Cells[fieldwork.Cell{Item: "two", Attribute: "B"}].Mark = engagement.UnableToTest
		}}, "No exceptions noted.\n\nFor 1 of the 6 items tested, a part of the evidence was not available.", "58 items, 6 drawn, 6 tested, 1 of them in part", []int{2, 4}},
		{"not applicable", []func(*fieldwork.File){func(x *fieldwork.File) { mark(paper(x), "five", engagement.NotApplicable) }}, "No exceptions noted.\n\nTo 1 of the 6 items drawn, the test did not apply.", "58 items, 6 drawn, 5 tested, 1 to which it did not apply", []int{2, 3}},
		{"one left to test", []func(*fieldwork.File){func(x *fieldwork.File) { mark(paper(x), "five", engagement.ToTest) }}, "Not tested yet.", "58 items, 6 drawn, 5 tested", []int{2, 3}},
		{"an item drawn and not in the paper", []func(*fieldwork.File){func(x *fieldwork.File) {
			paper(x).Rows = slices.DeleteFunc(paper(x).Rows, func(r string) bool { return r == "five" })
			delete(paper(x).Cells, fieldwork.Cell{Item: "five", Attribute: "A"})
		}}, "Not tested yet.", "58 items, 6 drawn, 5 tested", []int{2, 3}},
		{"an exception cell without a finding", []func(*fieldwork.File){func(x *fieldwork.File) { mark(paper(x), "two", engagement.Exception) }}, "Not concluded yet.", "58 items, 6 tested", []int{2, 4}},
		{"a finding that nobody confirmed away", []func(*fieldwork.File){late, func(x *fieldwork.File) {
			x.Findings["X-1"].Disposed = &fieldwork.Disposition{As: fieldwork.WrongTest}
		}}, "For 1 of 4 leavers an account was left.\n\nNot concluded yet.", "58 items, 6 tested, 1 with exceptions", []int{2, 4}},
		{"unable to conclude", []func(*fieldwork.File){unable("one"), func(x *fieldwork.File) {
			x.Concluded["control:IAM-06"] = &fieldwork.Conclusion{Outcome: engagement.UnableToConclude, Text: "The list of leavers was not complete."}
		}}, "For 1 of the 6 items drawn, the evidence was not available.\n\nThe list of leavers was not complete.", "58 items, 6 drawn, 5 tested, 1 could not be tested", []int{1, 4}},
		{"a test of design", []func(*fieldwork.File){func(x *fieldwork.File) {
			x.Tests[rowTest].Phase = engagement.Design
			paper(x).Sample, paper(x).Samples, paper(x).Rows = "", nil, []string{""}
			mark(paper(x), "", engagement.NoException)
		}}, "No exception was noted in its design.\n\nWhether it operated over the period was not tested.", "", nil},
		{"a test without items and evidence", []func(*fieldwork.File){func(x *fieldwork.File) {
			paper(x).Sample, paper(x).Samples, paper(x).Rows = "", nil, []string{""}
			mark(paper(x), "", engagement.UnableToTest)
		}}, "The evidence for this test was not available.", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := drawn()
			for _, do := range tt.do {
				do(x)
			}
			got := examination.Row(x, rowTest)
			if got.Result != tt.result || got.Counts() != tt.counts {
				t.Errorf("got %q\n%q\nwant %q\n%q", got.Result, got.Counts(), tt.result, tt.counts)
			}
			var tested []int
			for _, s := range got.Strata {
				tested = append(tested, s.Sample)
			}
			if diff := cmp.Diff(tt.strataTested, tested); diff != "" {
				t.Errorf("tested by stratum: %s", diff)
			}
			ties(t, got)
		})
	}
}

// ties reads a row as the lint does.
func ties(t *testing.T, row attest.Test) {
	t.Helper()
	r := attest.Report{Draft: true, Type: attest.SOC2TypeII, Groups: []attest.Group{{ID: "CC6.2", Text: "x", Controls: []attest.Control{{ID: "IAM-06", Text: "x", Tests: []attest.Test{row}}}}}}
	for _, f := range lint.Lint(r, lint.Beside{}) {
		if f.Rule == lint.Numbers && !strings.Contains(f.Text, "1 of 4") {
			t.Errorf("%s: %s", f.Where, f.Text)
		}
	}
}

// TestStrataOfAllSamples: parts that would not add up to the whole are not printed.
func TestStrataOfAllSamples(t *testing.T) {
	x := drawn()
	standing(x, "X-1", "six", "For 1 of 6 leavers an account was left.")
	want := []attest.Stratum{{Name: "eu", Population: 20, Drawn: 2, Sample: 2, Exceptions: 1}, {Name: "us", Population: 38, Drawn: 4, Sample: 4}}
	if diff := cmp.Diff(want, examination.Row(x, rowTest).Strata); diff != "" {
		t.Error(diff)
	}
	x.Samples["S-2"] = &fieldwork.Sample{Sample: engagement.Sample{ID: "S-2", Population: "P-2", Method: engagement.Random, Items: []string{"seven"}, Draws: []engagement.Draw{{Count: 9, Size: 1, Items: []string{"seven"}}}}}
	x.Populations["P-2"] = &fieldwork.Population{Population: engagement.Population{ID: "P-2", Count: 9}}
	paper(x).Samples, paper(x).Rows = append(paper(x).Samples, "S-2"), append(paper(x).Rows, "seven")
	mark(paper(x), "seven", engagement.NoException)
	if got := examination.Row(x, rowTest); got.Strata != nil || got.Population != 67 || got.Drawn != 7 || got.Sample != 7 {
		t.Errorf("with a sample that is not stratified: %+v", got)
	}
}

// TestVersions: of a control that changed each text stands with its days, and each
// test says whose days' control it tested.
func TestVersions(t *testing.T) {
	x := drawn()
	x.Controls = &engagement.ControlSet{Controls: []audit.Control{
		{ID: "IAM-06", Description: "Before its time.", Effective: audit.Effective{To: "2025-12-31"}},
		{ID: "IAM-06", Description: "Within one week.", Effective: audit.Effective{From: "2026-01-01", To: "2026-05-31"}},
		{ID: "IAM-06", Description: "Within one day.", Effective: audit.Effective{From: "2026-06-01"}},
		{ID: "IAM-06", Description: "After its time.", Effective: audit.Effective{From: "2027-01-01"}},
	}}
	x.Tests[rowTest].Version, x.Tests[rowTest].Until = "2026-06-01", ""
	got := examination.ControlOf(x, "IAM-06")
	want := []attest.Version{{From: "2026-01-01", To: "2026-05-31", Text: "Within one week."}, {From: "2026-06-01", To: "2026-12-31", Text: "Within one day."}}
	if diff := cmp.Diff(want, got.Versions); diff != "" || got.Text != "Within one day." {
		t.Errorf("text %q, %s", got.Text, diff)
	}
	if row := got.Tests[0]; row.From != "2026-06-01" || row.To != "2026-12-31" {
		t.Errorf("the test is of the control from %q to %q", row.From, row.To)
	}
}
