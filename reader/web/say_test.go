package web

import (
	"testing"

	"tieout/audit"
	"tieout/report"
	"tieout/store"
)

func recordsOf(kind audit.RecordKind) store.RecordFilter { return store.RecordFilter{Kind: kind} }

// TestSentences holds the sentences of lists to zero, one and many.
func TestSentences(t *testing.T) {
	control := func(state audit.ControlState, tests, findings, gaps int) *audit.ControlReport {
		c := &audit.ControlReport{State: state, Procedures: make([]audit.Tested, tests)}
		c.Procedures[0].Deviations, c.Procedures[0].Gaps = make([]audit.Deviation, findings), make([]audit.Gap, gaps)
		return c
	}
	for _, c := range []struct{ got, want string }{
		{sayControls(0, 0, 0, false), "No control is in scope."},
		{sayControls(1, 0, 1, false), "1 control is in scope, one of one tested here."},
		{sayControls(68, 17, 85, false), "85 controls are in scope, 68 of 85 tested here."},
		{sayControls(68, 17, 1, true), "85 controls are in scope, 68 of 85 tested here; 1 is shown."},
		{sayControls(68, 17, 0, true), "85 controls are in scope, 68 of 85 tested here; 0 are shown."},
		{sayDeviations(0, 0, 0, false), "No deviation is recorded. What was seen, and how often, is under Connectors."},
		{sayDeviations(1, 1, 1, false), "1 finding is recorded, and none has a response yet."},
		{sayDeviations(1, 0, 1, false), "1 finding is recorded, and none waits for a response."},
		{sayDeviations(64, 1, 64, false), "64 findings are recorded, and 1 has no response yet."},
		{sayDeviations(64, 12, 3, true), "64 findings are recorded, and 12 have no response yet; 3 are shown."},
		{sayConnectors(0, 0), "No source is connected, so nothing can be seen."},
		{sayConnectors(1, 1), "1 source is read, and its newest collection was complete."},
		{sayConnectors(12, 12), "12 sources are read, and the newest collection of each was complete."},
		{sayConnectors(12, 10), "12 sources are read; the newest collection was complete for 10 of 12."},
		{sayConnectors(1, 0), "1 source is read; its newest collection was not complete."},
		{saySearch("", 0), "Search for a control, a deviation, a procedure, a source, or go straight to a record such as E-42."},
		{saySearch("x", 0), "Nothing here is called “x”. Bytes of evidence are not searched."},
		{saySearch("x", 1), "1 thing is called “x”."},
		{saySearch("x", 2), "2 things are called “x”."},
		{sayControl(control(audit.OnTrack, 1, 0, 0), report.Management), "On track: 1 test ran and left no finding."},
		{sayControl(control(audit.OnTrack, 1, 0, 0), report.Outsider), "No known deviation: 1 test ran and left no finding."},
		{sayControl(control(audit.HasDeviation, 3, 1, 2), report.Management), "Deviation: 3 tests ran and left 1 finding and 2 stretches without evidence."},
		{sayControl(control(audit.EvidenceGap, 2, 0, 1), report.Management), "Evidence gap: 2 tests ran and left no finding and 1 stretch without evidence."},
	} {
		if c.got != c.want {
			t.Errorf("got  %s\nwant %s", c.got, c.want)
		}
	}
}

func TestSums(t *testing.T) {
	for _, c := range []struct {
		name string
		in   audit.Tested
		got  string
		word string
	}{
		{"nothing", audit.Tested{}, "0 = 0", "adds up"},
		{"outside the population is not counted", audit.Tested{Items: 2, Counts: [audit.NumOutcomes]int{audit.Operated: 2, audit.NotApplicable: 9}}, "2 operated = 2", "adds up"},
		{"one is missing", audit.Tested{Items: 1846, Counts: [audit.NumOutcomes]int{audit.Operated: 1844, audit.Deviated: 1}}, "1 deviation + 1,844 operated = 1,845", "does not add up"},
	} {
		if s := sums(&c.in); s[0].Got != c.got || s[0].Word != c.word {
			t.Errorf("%s: got %q %q, want %q %q", c.name, s[0].Got, s[0].Word, c.got, c.word)
		}
	}
}
