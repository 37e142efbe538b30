package report_test

import (
	"encoding/json"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/report"
	"tieout/report/reporttest"
)

func TestHalyard(t *testing.T) {
	r := reporttest.Report()
	want := "On day 257 of 365, 40 of 60 controls have no known deviation. Five have deviations, four lack evidence for part of the time, three are at risk, and four have not started. Four have no test that can run here."
	got := report.StandingOf(&r)
	if sum := got.OnTrack + got.AtRisk + got.Gaps + got.Deviations + got.NotStarted + got.Untested; sum != got.Total {
		t.Errorf("states add up to %d of %d controls", sum, got.Total)
	}
	if r.Sentence != want {
		t.Errorf("\n got %s\nwant %s", r.Sentence, want)
	}
}

func TestBuildDoesNotDependOnOrder(t *testing.T) {
	want, err := canonical.Marshal(reporttest.Report())
	if err != nil {
		t.Fatal(err)
	}
	for seed := range int64(5) {
		in, rnd := reporttest.Input(), rand.New(rand.NewSource(seed))
		shuffle(rnd, in.Controls)
		shuffle(rnd, in.Tested)
		shuffle(rnd, in.Criteria)
		shuffle(rnd, in.Coverage)
		shuffle(rnd, in.Evidence)
		for i := range in.Tested {
			shuffle(rnd, in.Tested[i].Deviations)
			shuffle(rnd, in.Tested[i].Gaps)
			shuffle(rnd, in.Tested[i].Streams)
		}
		got, err := canonical.Marshal(report.Build(in))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Fatalf("seed %d: another report from the same input in another order:\n%s", seed, diff)
		}
	}
}

func shuffle[T any](r *rand.Rand, list []T) {
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

func TestBuildLeavesItsInputAlone(t *testing.T) {
	in := reporttest.Input()
	slices.Reverse(in.Controls)
	slices.Reverse(in.Tested[15].Deviations)
	before, _ := json.Marshal(in)
	r := report.Build(in)
	r.Controls[0].Procedures[0].Streams[0].Source = "changed"
	r.Versions.Normalizers["okta"] = 99
	if after, _ := json.Marshal(in); string(after) != string(before) {
		t.Error("Build or its result changed the input")
	}
}

func TestUntestedSaysWhy(t *testing.T) {
	r := reporttest.Report()
	if len(r.Untested) != 4 {
		t.Fatalf("got %d untested controls, want 4", len(r.Untested))
	}
	for _, c := range r.Untested {
		if r.Why[c.ID] == "" {
			t.Errorf("%s is untested without a reason", c.ID)
		}
	}
	if got, want := r.Why["ENT-01"], "A person tests this control: the minutes of the board have to be read."; got != want {
		t.Errorf("got %q, want the given reason %q", got, want)
	}
}

func TestLimits(t *testing.T) {
	in := reporttest.Input()
	text := strings.Join(report.Build(in).Limits, "\n")
	for _, want := range []string{"does not show that the source told the truth", "Order is not externally witnessed", "at 255 to 257 observations, not at every instant",
		"The period runs until 2026-12-31", "4 stretches have no evidence", "findings are candidates", "4 controls in scope were not tested", "no opinion"} {
		if !strings.Contains(text, want) {
			t.Errorf("the limits do not say %q:\n%s", want, text)
		}
	}
	in.Log.Witnessed = []string{"zeta", "alpha"}
	in.AsOf = in.Period.To
	in.Controls = in.Controls[1:]
	text = strings.Join(report.Build(in).Limits, "\n")
	for _, want := range []string{"seen from outside by alpha and zeta", "Left out, because no control in scope names them: halyard.HRS-01."} {
		if !strings.Contains(text, want) {
			t.Errorf("the limits do not say %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "to date") {
		t.Errorf("an ended period is still called tested to date:\n%s", text)
	}
}

// TestLimitsOfPenetrationTests: where one was looked at, the limits say what that
// is not; elsewhere they say nothing of it.
func TestLimitsOfPenetrationTests(t *testing.T) {
	const want = "Its scope and depth were not examined, and nothing in this report is a penetration test."
	in := reporttest.Input()
	if text := strings.Join(report.Build(in).Limits, "\n"); strings.Contains(text, "penetration") {
		t.Errorf("none was looked at, and the limits speak of one:\n%s", text)
	}
	in.Tested = append(in.Tested, audit.Tested{Procedure: "penetration.test", Form: audit.Cadence, Controls: []string{in.Controls[0].ID}, Span: in.Period.Span})
	if text := strings.Join(report.Build(in).Limits, "\n"); !strings.Contains(text, want) {
		t.Errorf("the limits do not say %q:\n%s", want, text)
	}
}

func TestState(t *testing.T) {
	p := reporttest.Period()
	counts := func(o audit.Outcome, n int) (c [audit.NumOutcomes]int) { c[o] = n; return c }
	read := []audit.StreamSummary{{Observations: 3, Covered: []audit.Span{{From: p.From, To: reporttest.AsOf}}}}
	failed := []audit.StreamSummary{{Observations: 3, Covered: []audit.Span{{From: p.From, To: reporttest.AsOf}}, Holes: []audit.Hole{{Span: audit.At(reporttest.AsOf)}}}}
	tested := func(c [audit.NumOutcomes]int, items int, streams []audit.StreamSummary, ds ...audit.Deviation) audit.Tested {
		return audit.Tested{Form: audit.Continuous, Span: p.Span, Items: items, Counts: c, Streams: streams, Deviations: ds}
	}
	find := func(o audit.Outcome, d audit.Disposition) audit.Deviation {
		return audit.Deviation{Result: audit.Result{Outcome: o}, Disposition: d}
	}
	operated := tested(counts(audit.Operated, 5), 5, read)
	gone := find(audit.Deviated, audit.Candidate)
	gone.NotFoundBy = "sha256:x"
	for _, c := range []struct {
		name   string
		tested []audit.Tested
		want   audit.ControlState
	}{
		{"nothing", nil, audit.NotStarted},
		{"operated", []audit.Tested{operated}, audit.OnTrack},
		{"zero value", []audit.Tested{{Form: audit.Event, Span: p.Span}}, audit.EvidenceGap},
		{"operated beside a zero value", []audit.Tested{operated, {Form: audit.Event, Span: p.Span}}, audit.EvidenceGap},
		{"population seen and empty", []audit.Tested{tested([7]int{}, 0, read)}, audit.NotStarted},
		{"only pending", []audit.Tested{tested(counts(audit.Pending, 1), 1, nil)}, audit.NotStarted},
		{"items nobody counted", []audit.Tested{tested(counts(audit.Operated, 5), 6, read)}, audit.EvidenceGap},
		{"an item without evidence", []audit.Tested{tested([7]int{audit.NoEvidence: 1, audit.Operated: 4}, 5, read)}, audit.EvidenceGap},
		{"candidate", []audit.Tested{tested(counts(audit.Operated, 5), 5, read, find(audit.Deviated, audit.Candidate))}, audit.HasDeviation},
		{"no disposition yet", []audit.Tested{tested(counts(audit.Operated, 5), 5, read, find(audit.Deviated, ""))}, audit.HasDeviation},
		{"not a deviation", []audit.Tested{tested(counts(audit.Operated, 5), 5, read, find(audit.Deviated, audit.NotDeviation))}, audit.OnTrack},
		{"no longer found counts until decided", []audit.Tested{tested(counts(audit.Operated, 5), 5, read, gone)}, audit.HasDeviation},
		{"late", []audit.Tested{tested(counts(audit.Operated, 5), 5, read, find(audit.Late, audit.Candidate))}, audit.AtRisk},
		{"late and confirmed", []audit.Tested{tested(counts(audit.Operated, 5), 5, read, find(audit.Late, audit.Confirmed))}, audit.HasDeviation},
		{"late, and a gap", []audit.Tested{tested([7]int{audit.NoEvidence: 1, audit.Late: 1}, 2, read, find(audit.Late, audit.Candidate))}, audit.EvidenceGap},
		{"last reading failed", []audit.Tested{tested(counts(audit.Operated, 5), 5, failed)}, audit.AtRisk},
		{"manual, not answered", []audit.Tested{{Form: audit.Manual, Span: p.Span, Questions: []string{"Was it?"}}}, audit.NotStarted},
	} {
		if got := report.State(c.tested, p, reporttest.AsOf); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestResultCell(t *testing.T) {
	r := reporttest.Report()
	want := map[string]string{
		"HRS-01": "No deviation found in 11 of 11 occurrences.",
		"HRS-02": "Of 44 occurrences, 1 was late and 43 operated. Attribute A in 1 (Done in time and by another person).",
		"IAM-04": "Of 48 items, 1 deviated for part of the time and 47 operated. Lasted 60 hours.",
		"IAM-05": "Of 34 items, 2 deviated for part of the time and 32 operated. Lasted 7 days. 1 of the findings is dispositioned as not a deviation, with reason and approver.",
		"IAM-06": "No deviation found in 187 of 187 items.",
		"IAM-11": "Nothing occurred that the control could act on, so its operation could not be tested.",
		"NET-02": "Of 12 occurrences, 1 has no evidence, 7 operated, and 4 are not due yet.",
		"RSK-02": "No deviation found. Of 4 occurrences, 2 operated and 2 are not due yet.",
	}
	for i := range r.Controls {
		got := report.ResultCell(&r.Controls[i].Procedures[0])
		if w, ok := want[r.Controls[i].Control.ID]; ok && got != w {
			t.Errorf("%s:\n got %s\nwant %s", r.Controls[i].Control.ID, got, w)
		}
		if strings.Contains(got, reporttest.Hostile) || strings.Contains(strings.ToLower(got), "no exception") {
			t.Errorf("%s: %s", r.Controls[i].Control.ID, got)
		}
	}
}

func TestResultCellWithoutEvidence(t *testing.T) {
	for _, c := range []struct {
		name string
		t    audit.Tested
		want string
	}{
		{"zero value", audit.Tested{Form: audit.Event}, "No evidence: the population could not be seen."},
		{"gap only", audit.Tested{Form: audit.Event, Gaps: []audit.Gap{{}}}, "No evidence: the population could not be seen."},
		{"uncounted", audit.Tested{Form: audit.Continuous, Items: 3}, "Of 3 items, 3 were not counted."},
		{"question", audit.Tested{Form: audit.Manual, Questions: []string{"?"}}, "One question needs a person's judgment; nothing was tested automatically."},
		{"no longer found", audit.Tested{Form: audit.Event, Items: 1, Counts: [7]int{audit.Operated: 1}, Deviations: []audit.Deviation{{Result: audit.Result{Outcome: audit.Deviated}, NotFoundBy: "x"}}},
			"No deviation found in 1 of 1 occurrence. 1 earlier finding is no longer found by this version of the test and awaits a decision."},
	} {
		if got := report.ResultCell(&c.t); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestOperated(t *testing.T) {
	r := reporttest.Report()
	want := map[string]string{"halyard.IAM-06": "257 of 257 days", "halyard.IAM-04": "253 of 257 days", "halyard.DEV-01": "255 of 257 days", "halyard.CHG-02": "1,845 of 1,846", "halyard.NET-02": "7 of 8"}
	for _, p := range report.Procedures(&r) {
		if w, ok := want[p.Procedure]; ok && report.Operated(p, r.Period) != w {
			t.Errorf("%s: got %q, want %q", p.Procedure, report.Operated(p, r.Period), w)
		}
	}
	if got, want := report.Operated(&audit.Tested{Form: audit.Continuous, Items: 3}, r.Period), "0 of 3"; got != want {
		t.Errorf("without marks: got %q, want %q", got, want)
	}
	nothing := audit.Tested{Form: audit.Continuous, Items: 3, Span: r.Period.Span, Marks: []audit.Mark{{Span: r.Period.Span, Outcome: audit.NotApplicable}}}
	if got, want := report.Operated(&nothing, r.Period), "0 of 365 days"; got != want {
		t.Errorf("nothing operated: got %q, want %q", got, want)
	}
}

func TestMarks(t *testing.T) {
	r := reporttest.Report()
	for _, proc := range report.Procedures(&r) {
		total := 0
		for i, m := range proc.Marks {
			total += m.Count
			if m.Span.Empty() || m.Count <= 0 {
				t.Errorf("%s: mark %d is empty: %+v", proc.Procedure, i, m)
			}
		}
		if proc.Form != audit.Continuous && total != proc.Items {
			t.Errorf("%s: marks stand for %d of %d occurrences", proc.Procedure, total, proc.Items)
		}
		if proc.Form == audit.Continuous && len(proc.Marks) > 12 {
			t.Errorf("%s: %d marks; neighboring days are not merged", proc.Procedure, len(proc.Marks))
		}
	}
}
