package fieldwork_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/sample"
)

// planned is a world with a test of operation on a control, its reliance and a
// table of sizes.
func planned(t testing.TB, control string) *world {
	t.Helper()
	w := opened(t)
	check(t, w.book.SetTest(t.Context(), manager, "EN-1", testOf(control), "", 0))
	check(t, w.book.SetReliance(t.Context(), manager, "EN-1", control, engagement.ItemsAtSource, "records are kept by the systems themselves", 0))
	check(t, w.book.SetSizes(t.Context(), manager, "EN-1", "sizes.yaml", sample.ExampleTable(), 0))
	return w
}

// testOf is a test of operation on a control, with one attribute of a person and
// one of a procedure.
func testOf(control string) engagement.Test {
	return engagement.Test{ID: "T-" + control + "-1", Control: control, Phase: engagement.Operation, Kind: engagement.Inspection, Text: "Inspected the approval of each sampled change.", Population: true,
		Attributes: []engagement.Attribute{{Name: "A", Text: "Approved before deployment."}, {Name: "B", Text: "Reviewed by another person.", Procedure: "change.review"}}, Criteria: []string{"CC8.1"}}
}

func TestTestsArePlannedChangedAndDropped(t *testing.T) {
	w := planned(t, "CHG-01")
	ctx := t.Context()
	x := testOf("CHG-01")
	x.Text = "Inspected the approval of each sampled change, and its time."
	if err := w.book.SetTest(ctx, manager, "EN-1", x, "", 1); err == nil || !strings.Contains(err.Error(), "says why") {
		t.Errorf("changed without a reason: %v; want it refused", err)
	}
	if err := w.book.SetTest(ctx, manager, "EN-1", x, "the time matters", 0); !errors.Is(err, audit.ErrConflict) {
		t.Errorf("changed on a stale revision: %v; want a conflict", err)
	}
	check(t, w.book.SetTest(ctx, manager, "EN-1", x, "the time matters", 1))
	if err := w.book.SetTest(ctx, staff, "EN-1", x, "mine", 2); !errors.Is(err, audit.ErrForbidden) {
		t.Errorf("staff plans: %v; want it forbidden", err)
	}
	check(t, w.book.DropTest(ctx, manager, "EN-1", x.ID, "the control was replaced", 2))
	if err := w.book.SetTest(ctx, manager, "EN-1", x, "again", 3); err == nil {
		t.Error("a dropped test came back under its ID")
	}
}

func TestTestsAreRefused(t *testing.T) {
	w := opened(t)
	for _, c := range []struct {
		name, want string
		spoil      func(*engagement.Test)
	}{
		{"no attribute", "attributes", func(x *engagement.Test) { x.Attributes = nil }},
		{"an attribute twice", "listed twice", func(x *engagement.Test) { x.Attributes[1].Name = "A" }},
		{"criterion out of scope", "not examined", func(x *engagement.Test) { x.Criteria = []string{"P1.1"} }},
		{"no criteria", "which criteria", func(x *engagement.Test) { x.Criteria = nil }},
		{"unknown kind", "kind is one of", func(x *engagement.Test) { x.Kind = "looking" }},
		{"design on a population", "only a test of operation", func(x *engagement.Test) { x.Phase = engagement.Design }},
		{"an objective of nobody", "neither an examined criterion", func(x *engagement.Test) { x.Extra = []string{"9"} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := testOf("CHG-01")
			c.spoil(&x)
			if err := w.book.SetTest(t.Context(), manager, "EN-1", x, "", 0); !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v; want an invalid one that says %q", err, c.want)
			}
		})
	}
	one := openedAs(t, engagement.SOC2TypeI)
	if err := one.book.SetTest(t.Context(), manager, "EN-1", testOf("CHG-01"), "", 0); err == nil || !strings.Contains(err.Error(), "as of a date") {
		t.Errorf("operation in a Type I: %v; want it refused", err)
	}
}

func TestSizesAreNamedWithTheirVersion(t *testing.T) {
	w := planned(t, "CHG-01")
	own := strings.Replace(strings.Replace(string(sample.ExampleTable()), "example: true", "example: false", 1), "name: example sizes", "name: Sandgate sizes", 1)
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		if !f.Plan.Example || !strings.Contains(f.Plan.Sizes, "version 1") || !strings.Contains(f.Plan.Sizes, "example that no firm has adopted") {
			t.Errorf("sizes %q; want the example, version 1, said to be one", f.Plan.Sizes)
		}
	})
	check(t, w.book.SetSizes(t.Context(), manager, "EN-1", "own.yaml", []byte(own), 1))
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		if f.Plan.Example || !strings.HasPrefix(f.Plan.Sizes, "Sandgate sizes, version 2") {
			t.Errorf("sizes %q; want Sandgate's, version 2", f.Plan.Sizes)
		}
	})
	if err := w.book.SetSizes(t.Context(), manager, "EN-1", "bad.yaml", []byte("name: x\nrows: 3\n"), 2); !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), "bad.yaml:2") {
		t.Errorf("a table that is none: %v; want it refused with file and line", err)
	}
}

func TestControlsComeInParts(t *testing.T) {
	w := opened(t)
	var set engagement.ControlSet
	for i := range 250 {
		set.Controls = append(set.Controls, audit.Control{ID: fmt.Sprintf("C-%03d", i), Title: "Control", Criteria: []string{"CC1.1"}})
	}
	check(t, w.book.TakeControls(t.Context(), receiver, "EN-1", set, 7))
	w.file(func(_ *fieldwork.State, f *fieldwork.File) {
		if f.Controls == nil || len(f.Controls.Controls) != 250 || len(f.Tests) != 0 {
			t.Errorf("controls %v, %d tests; want 250 controls, and nothing planned by itself", f.Controls != nil, len(f.Tests))
		}
	})
}

func TestProposedTests(t *testing.T) {
	set := engagement.ControlSet{
		Controls: []audit.Control{
			{ID: "HR-06", Title: "Leavers", Frequency: "per event", Criteria: []string{"CC6.2", "P4.1"}, Tests: "Inspect sampled tickets; reperform comparison of last day to disable times, and confirm the order", Effective: audit.Effective{To: "2026-06-30"}},
			{ID: "HR-06", Title: "Leavers", Frequency: "per event", Criteria: []string{"CC6.2"}, Tests: "Inspect sampled tickets", Effective: audit.Effective{From: "2026-07-01"}},
			{ID: "GOV-01", Title: "Code of conduct", Frequency: "per event + annual", Criteria: []string{"CC1.1"}, Tests: "Inquire of the head of people"},
			{ID: "PRV-01", Title: "Privacy", Frequency: "annual", Criteria: []string{"P1.1"}},
		},
		Tests: []engagement.ClientTest{{ID: "leaver.access", Title: "Access ends in time", Controls: []string{"HR-06"}, Text: "Each leaver's accounts end in time."}},
	}
	got := fieldwork.ProposeTests(set, terms(engagement.SOC2TypeII), nil)
	var lines []string
	for _, x := range got {
		lines = append(lines, strings.Join([]string{x.ID, string(x.Phase), string(x.Kind), x.Version, x.Until, strings.Join(x.Criteria, " ")}, "|"))
	}
	want := []string{
		"T-HR-06-1|walkthrough|inspection|2026-01-01|2026-06-30|CC6.2", "T-HR-06-2|design|inspection|2026-01-01|2026-06-30|CC6.2", "T-HR-06-3|operation|re-performance|2026-01-01|2026-06-30|CC6.2",
		"T-HR-06-4|walkthrough|inspection|2026-07-01|2026-12-31|CC6.2", "T-HR-06-5|design|inspection|2026-07-01|2026-12-31|CC6.2", "T-HR-06-6|operation|inspection|2026-07-01|2026-12-31|CC6.2",
		"T-GOV-01-1|walkthrough|inspection|||CC1.1", "T-GOV-01-2|design|inspection|||CC1.1", "T-GOV-01-3|operation|inquiry|||CC1.1", "T-GOV-01-4|operation|inquiry|||CC1.1",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("proposed\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	op := got[2]
	if op.Text != "Inspected sampled tickets; re-performed comparison of last day to disable times, and confirmed the order." {
		t.Errorf("text %q; want the past tense", op.Text)
	}
	if len(op.Attributes) != 3 || op.Attributes[2].Procedure != "leaver.access" || op.Attributes[2].Name != "C" {
		t.Errorf("attributes %+v; want two steps and the client's procedure as C", op.Attributes)
	}
	if !strings.HasPrefix(got[9].Text, "Annual: ") {
		t.Errorf("text %q; want it to say which way it operates", got[9].Text)
	}
	for _, x := range fieldwork.ProposeTests(set, terms(engagement.SOC2TypeI), nil) {
		if x.Phase == engagement.Operation {
			t.Errorf("a Type I is proposed %s of operation", x.ID)
		}
	}
	w := opened(t)
	check(t, w.book.PlanTests(t.Context(), manager, "EN-1", got, ""))
}

// TestProposedForOthers: controls of an included organization are proposed for as the
// client's are, and criteria of another examined set by the ways of a mapping.
func TestProposedForOthers(t *testing.T) {
	x := terms(engagement.SOC2TypeII)
	x.Extra = []engagement.CriteriaSet{{ID: "hipaa-security", Name: "HIPAA Security Rule", Examined: true, Criteria: []string{"164.310(a)(1)", "164.312(d)"}}}
	x.Subservices = []engagement.Subservice{
		{Name: "Nimbus", Service: "hosting", Inclusive: true, Expected: []engagement.Expected{{ID: "N-1", Text: "Halls are locked.", Criteria: []string{"CC6.4"}}, {ID: "OWN-1", Text: "Doors.", Criteria: []string{"CC6.4"}}}},
		{Name: "Stratus", Service: "mail", Expected: []engagement.Expected{{ID: "S-1", Text: "Mail is filtered.", Criteria: []string{"CC6.8"}}}},
	}
	set := engagement.ControlSet{Controls: []audit.Control{{ID: "OWN-1", Title: "Sign-in", Frequency: "continuous", Criteria: []string{"CC6.1"}}}}
	var got []string
	for _, p := range fieldwork.ProposeTests(set, x, map[string][]string{"CC6.1": {"164.312(d)", "164.999"}, "CC6.4": {"164.310(a)(1)"}}) {
		got = append(got, strings.Join([]string{p.ID, string(p.Phase), strings.Join(p.Criteria, " "), strings.Join(p.Extra, " ")}, "|"))
	}
	want := []string{"T-OWN-1-1|walkthrough|CC6.1|164.312(d)", "T-OWN-1-2|design|CC6.1|164.312(d)", "T-OWN-1-3|operation|CC6.1|164.312(d)",
		"T-N-1-1|walkthrough|CC6.4|164.310(a)(1)", "T-N-1-2|design|CC6.4|164.310(a)(1)", "T-N-1-3|operation|CC6.4|164.310(a)(1)"}
	if !slices.Equal(got, want) {
		t.Errorf("proposed\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
