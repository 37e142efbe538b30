package sarif_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"tieout/audit"
	"tieout/report"
	"tieout/report/reporttest"
	"tieout/report/sarif"
)

var update = flag.Bool("update", false, "write the golden file")

func write(t *testing.T, r audit.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := sarif.Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGolden(t *testing.T) {
	got := write(t, reporttest.Report())
	if *update {
		if err := os.WriteFile("testdata/halyard.sarif", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/halyard.sarif")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("differs from testdata/halyard.sarif; look at it, then run with -update")
	}
}

func TestValid(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("testdata/sarif-schema-2.1.0.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]audit.Report{
		"halyard": reporttest.Report(), "zero": {}, "empty": report.Build(report.Input{Period: reporttest.Period(), AsOf: reporttest.AsOf}),
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

func TestKinds(t *testing.T) {
	var doc struct {
		Runs []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID       string
				RuleIndex    int
				Kind, Level  string
				Message      struct{ Text string }
				Suppressions []struct{ Justification string }
			}
		}
	}
	if err := json.Unmarshal(write(t, reporttest.Report()), &doc); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, res := range doc.Runs[0].Results {
		count[res.Kind+"/"+res.Level]++
		if id := doc.Runs[0].Tool.Driver.Rules[res.RuleIndex].ID; id != res.RuleID {
			t.Errorf("result of %s points at rule %s", res.RuleID, id)
		}
		if len(res.Suppressions) > 0 {
			count["suppressed"]++
		}
		if res.Kind == "pass" || res.Kind == "notApplicable" {
			t.Errorf("%q is said to be good: %s", res.Message.Text, res.Kind)
		}
		if strings.Contains(res.Message.Text, "No evidence") && res.Kind != "open" {
			t.Errorf("%q is of kind %s", res.Message.Text, res.Kind)
		}
	}
	for kind, want := range map[string]int{"fail/error": 7, "fail/warning": 3, "open/none": 4, "suppressed": 1} {
		if count[kind] != want {
			t.Errorf("got %d of %s, want %d", count[kind], kind, want)
		}
	}
}
