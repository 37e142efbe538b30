package oscal

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"tieout/audit"
	"tieout/source/folder"
	"tieout/source/folder/foldertest"
	"tieout/source/sourcetest"
)

const all = `{"files":["ifa.json","halyard.json"]}`

func TestConform(t *testing.T) {
	sourcetest.Conform(t, foldertest.Connection(Driver, all), "finding")
}

// TestMustShowTimesOfTheReports: a document is about the end of its latest
// result, or when the last observation was collected, never about today.
func TestMustShowTimesOfTheReports(t *testing.T) {
	foldertest.Times(t, foldertest.Record(t, Driver, all), "finding", map[string]string{"./ap.oscal.xml": "2023-06-02T12:46:51Z", "./plan.json": "2026-03-31T06:30:00.5Z"})
}

func TestItems(t *testing.T) {
	r := foldertest.Record(t, Driver, all)
	for _, tc := range []struct {
		name, id string
		want     map[string]any
	}{
		{"of NIST's example", "tool/./ap.oscal.xml|objective-id|ac-6.1_obj|d5f9b263-965d-440b-99e7-77f5df670a11",
			map[string]any{"status": "not met", "check": "ac-6.1_obj", "subject": "551b9706-d6a4-4d25-8207-f2ccec548b89", "tool": nil, "severity": nil}},
		{"the tool by its component", "tool/./plan.json|objective-id|ac-2_obj|", map[string]any{"status": "met", "tool": "c2p", "toolVersion": "0.9.1", "detail": "All accounts have owners."}},
		{"no tool named", "|au-11_obj|", map[string]any{"status": "not met", "tool": nil, "toolVersion": nil, "subject": nil}},
	} {
		foldertest.Wants(t, tc.name, foldertest.Body(t, r, tc.id), tc.want)
	}
	if len(r.Items) != 3 {
		t.Errorf("%d items; want 3, none of an earlier result", len(r.Items))
	}
	r = foldertest.Record(t, Driver, `{"files":["ifa.json"],"tool":"by hand"}`)
	foldertest.Wants(t, "the tool of the settings", foldertest.Body(t, r, ""), map[string]any{"tool": "by hand"})
}

// TestFilesFollowTheSchema: what these tests read is OSCAL by NIST's own schema.
func TestFilesFollowTheSchema(t *testing.T) {
	packed, err := os.ReadFile(filepath.Join("testdata", "oscal_assessment-results_schema.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := folder.Unpack(packed)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("ar.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("ar.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ifa.json", "halyard.json"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRefused(t *testing.T) {
	with := `{"files":["*"],"scope":"x"}`
	frame := `{"assessment-results":{"metadata":{"oscal-version":"1.1.2"},"import-ap":{"href":"#00"},"results":[%]}}`
	foldertest.Refused(t, Driver, with, "a.json", `{"catalog":{}}`, "no assessment-results")
	foldertest.Refused(t, Driver, with, "a.json", `{"assessment-results":{"metadata":{"oscal-version":"2.0"}}}`, `version "2.0"`)
	foldertest.Refused(t, Driver, with, "a.json", strings.Replace(frame, "%", "", 1), "no result")
	foldertest.Refused(t, Driver, with, "a.json", strings.Replace(frame, "%", `{"title":"a","start":"2026-03-31T08:00:00Z"}`, 1), "neither when it ended")
	foldertest.Refused(t, Driver, with, "a.json", strings.Replace(frame, "%", `{"title":"a","end":"2026-03-31T08:00:00"}`, 1), "no instant with an offset")
	foldertest.Refused(t, Driver, `{"files":["*"]}`, "a.json", strings.Replace(frame, "%", `{"end":"2026-03-31T08:00:00Z"}`, 1), "does not say what")
	foldertest.Invalid(t, Driver, `{}`, `{"files":["*"],"version":"1"}`)
}

// TestResultsOfOneInstant: all that ended last count, not only the first of them.
func TestResultsOfOneInstant(t *testing.T) {
	const doc = `{"assessment-results":{"metadata":{"oscal-version":"1.1.2"},"import-ap":{"href":"./p.json"},"results":[
		{"title":"a","end":"2026-03-31T08:00:00Z","findings":[{"target":{"type":"objective-id","target-id":"ac-1","status":{"state":"satisfied"}}}]},
		{"title":"b","end":"2026-03-31T08:00:00Z","findings":[{"target":{"type":"objective-id","target-id":"ac-2","status":{"state":"not-satisfied"}}}]}]}}`
	items, err := normalize([]byte(`{"name":"tool"}`), audit.Page{Kind: kind, Scope: "./p.json", Body: []byte(doc)})
	if err != nil || len(items) != 2 || !strings.Contains(string(items[1].Body), `"status":"not met"`) {
		t.Errorf("%d items, %v: %v", len(items), err, items)
	}
}

func FuzzNormalize(f *testing.F) { foldertest.Fuzz(f, Driver, all, kind, "*.json") }
