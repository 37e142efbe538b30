package junit_test

import (
	"bytes"
	"encoding/xml"
	"flag"
	"os"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/report"
	"tieout/report/junit"
	"tieout/report/reporttest"
)

var update = flag.Bool("update", false, "write the golden file")

func write(t *testing.T, r audit.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := junit.Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGolden(t *testing.T) {
	got := write(t, reporttest.Report())
	if *update {
		if err := os.WriteFile("testdata/halyard.xml", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/halyard.xml")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("differs from testdata/halyard.xml; look at it, then run with -update")
	}
}

type counts struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Errors   int `xml:"errors,attr"`
	Skipped  int `xml:"skipped,attr"`
}

func read(t *testing.T, b []byte) counts {
	t.Helper()
	var c counts
	if err := xml.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCounts(t *testing.T) {
	r := reporttest.Report()
	s := report.StandingOf(&r)
	got := read(t, write(t, r))
	want := counts{Tests: s.Total, Failures: s.Deviations + s.AtRisk, Errors: s.Gaps, Skipped: s.NotStarted + s.Untested}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// TestNothingIsNotGood: a procedure without data is an error, never a case
// without a mark.
func TestNothingIsNotGood(t *testing.T) {
	p := reporttest.Period()
	r := report.Build(report.Input{Period: p, AsOf: reporttest.AsOf, Controls: []audit.Control{{ID: "A-1"}},
		Tested: []audit.Tested{{Procedure: "p", Form: audit.Event, Controls: []string{"A-1"}, Span: p.Span}}})
	if got := read(t, write(t, r)); got != (counts{Tests: 1, Errors: 1}) {
		t.Errorf("got %+v", got)
	}
	if got := read(t, write(t, audit.Report{})); got != (counts{}) {
		t.Errorf("zero report: got %+v", got)
	}
}

func TestTextIsEscaped(t *testing.T) {
	in := reporttest.Input()
	in.Controls[0].Title = "a\x00\x1b" + reporttest.Hostile
	got := string(write(t, report.Build(in)))
	if strings.Contains(got, "<script") || strings.ContainsAny(got, "\x00\x1b") {
		t.Error("text of the report became markup or control characters")
	}
	read(t, []byte(got))
}
