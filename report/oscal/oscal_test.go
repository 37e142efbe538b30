package oscal

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"tieout/audit"
	"tieout/report"
	"tieout/report/reporttest"
)

var update = flag.Bool("update", false, "write the golden file")

func write(t *testing.T, r audit.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGolden(t *testing.T) {
	got := write(t, reporttest.Report())
	if *update {
		if err := os.WriteFile("testdata/halyard.json", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/halyard.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("differs from testdata/halyard.json; look at it, then run with -update")
	}
}

// TestValid holds documents to NIST's schema, formats included.
func TestValid(t *testing.T) {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	schema, err := c.Compile("testdata/oscal_assessment-results_schema.json")
	if err != nil {
		t.Fatal(err)
	}
	hostile := reporttest.Input()
	hostile.Organization.Name = "\n" + reporttest.Hostile
	hostile.Controls[0].ID, hostile.Tested[0].Controls[0] = "0 µ/§", "0 µ/§"
	hostile.Controls[1].Title = "  \t "
	hostile.Evidence[0].Digest = "odd"
	for name, r := range map[string]audit.Report{
		"halyard": reporttest.Report(), "hostile": report.Build(hostile),
	} {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(write(t, r)))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNothingTested(t *testing.T) {
	for name, r := range map[string]audit.Report{"zero": {}, "empty": report.Build(report.Input{Period: reporttest.Period(), AsOf: reporttest.AsOf})} {
		var b bytes.Buffer
		if err := Write(&b, r); !errors.Is(err, audit.ErrInvalid) || b.Len() > 0 {
			t.Errorf("%s: got %v and %d bytes, want an invalid and none", name, err, b.Len())
		}
	}
}

// TestNeverConcludes: the document never says that a control is satisfied.
func TestNeverConcludes(t *testing.T) {
	r := reporttest.Report()
	s := report.StandingOf(&r)
	doc := string(write(t, r))
	if got, want := strings.Count(doc, `"state": "not-satisfied"`), s.Deviations+s.Gaps; got != want {
		t.Errorf("got %d findings, want %d", got, want)
	}
	if strings.Contains(doc, `"satisfied"`) || strings.Contains(doc, `"pass"`) {
		t.Error("a conclusion is written")
	}
	if strings.Contains(doc, "<script") {
		t.Error("markup of a text became markup of the document")
	}
}

func TestIdentifiers(t *testing.T) {
	doc := string(write(t, reporttest.Report()))
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`"uuid": "([^"]*)"`).FindAllStringSubmatch(doc, -1) {
		if seen[m[1]] {
			t.Errorf("%s names two things", m[1])
		}
		seen[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`"(?:href": "#|observation-uuid": ")([^"]*)"`).FindAllStringSubmatch(doc, -1) {
		if !seen[m[1]] {
			t.Errorf("%s names nothing", m[1])
		}
	}
	in := reporttest.Input()
	in.Organization.Name = "Other"
	other := string(write(t, report.Build(in)))
	if strings.Contains(other, regexp.MustCompile(`"uuid": "([^"]*)"`).FindStringSubmatch(doc)[1]) {
		t.Error("another report has the same identifier")
	}
}

// TestUUID uses the example of RFC 9562, appendix A.4.
func TestUUID(t *testing.T) {
	dns := [16]byte{0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}
	if got, want := format(uuid(dns, "www.example.com")), "2ed6657d-e927-568b-95e1-2665a8aea6a2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
