package oscal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"tieout/audit"
	"tieout/report/attest"
	"tieout/report/attest/attesttest"
	"tieout/report/attest/oscal"
)

var kinds = []string{"catalog", "ssp", "assessment-plan", "assessment-results", "poam"}

func variants() map[string]attest.Report {
	return map[string]attest.Report{
		"type II": attesttest.WithAnnex(attesttest.TypeII()), "type I": attesttest.TypeI(), "SOC 1": attesttest.SOC1(), "draft": attesttest.Draft(), "hostile": hostile(),
	}
}

// hostile has markup, controls and two ids that would become one identifier.
func hostile() attest.Report {
	r := attesttest.TypeII()
	r.Client.Name, r.System, r.Zone = "<script>\x01 & co", " \t µ§ ", ""
	r.Groups[0].ID, r.Groups[1].ID = "0 µ/§", "0 µ.§"
	r.Groups[2].ID, r.Groups[3].ID = "A(1)", "A[1]"
	r.Groups[2].Text = "\x00<b>\n\n"
	r.Expected[0].Criteria = []string{"A(1)", "nowhere"}
	r.Groups[4].Controls[0].Tests[0].ID = ""
	r.Groups[4].Controls[0].Tests = append(r.Groups[4].Controls[0].Tests, r.Groups[4].Controls[0].Tests[0])
	return r
}

func render(t *testing.T, r attest.Report) map[string][]byte {
	t.Helper()
	files, err := oscal.Render(r, "stem")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		out[strings.TrimSuffix(strings.TrimPrefix(f.Name, "stem."), ".json")] = f.Data
	}
	return out
}

// TestValid holds every document to NIST's schema, formats included.
func TestValid(t *testing.T) {
	compiled := map[string]*jsonschema.Schema{}
	for _, kind := range kinds {
		c := jsonschema.NewCompiler()
		c.AssertFormat()
		s, err := c.Compile("../../oscal/testdata/oscal_" + kind + "_schema.json")
		if err != nil {
			t.Fatal(err)
		}
		compiled[kind] = s
	}
	for name, r := range variants() {
		docs := render(t, r)
		if len(docs) < 4 {
			t.Errorf("%s: got %d documents, want 4 or 5", name, len(docs))
		}
		for kind, data := range docs {
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if err := compiled[kind].Validate(v); err != nil {
				t.Errorf("%s, %s: %v", name, kind, err)
			}
		}
	}
}

var (
	uuids   = regexp.MustCompile(`"uuid": "([^"]*)"`)
	naming  = regexp.MustCompile(`"(?:href": "#|observation-uuid": "|finding-uuid": "|component-uuid": "|party-uuid": ")([^"]*)"`)
	control = regexp.MustCompile(`"control-id": "([^"]*)"`)
	target  = regexp.MustCompile(`"target-id": "([^"]*)"`)
	ids     = regexp.MustCompile(`"id": "([^"]*)"`)
)

func all(re *regexp.Regexp, data []byte) []string {
	var out []string
	for _, m := range re.FindAllSubmatch(data, -1) {
		out = append(out, string(m[1]))
	}
	return out
}

// TestReferences: an identifier names one thing in its document, and what a
// document refers to is in it; criteria are in the catalog.
func TestReferences(t *testing.T) {
	for name, r := range variants() {
		docs := render(t, r)
		catalog := all(ids, docs["catalog"])
		for kind, data := range docs {
			seen := map[string]bool{}
			for _, id := range all(uuids, data) {
				if seen[id] {
					t.Errorf("%s, %s: %s names two things", name, kind, id)
				}
				seen[id] = true
			}
			for _, id := range all(naming, data) {
				if !seen[id] {
					t.Errorf("%s, %s: %s names nothing", name, kind, id)
				}
			}
			for _, id := range append(all(control, data), all(target, data)...) {
				if !slices.Contains(catalog, id) {
					t.Errorf("%s, %s: no criterion %s in the catalog", name, kind, id)
				}
			}
		}
		for i, id := range catalog {
			if slices.Contains(catalog[:i], id) {
				t.Errorf("%s: the catalog has %s twice", name, id)
			}
		}
	}
}

// decoded is a document as its values.
func decoded[T any](t *testing.T, data []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

type resultsDoc struct {
	Doc struct {
		Results []struct {
			Start, End   string
			Attestations []struct {
				Parts []struct{ Name, Title, Prose string }
			}
			Observations []struct{ Description, Remarks string }
			Findings     []struct {
				Target struct {
					ID string `json:"target-id"`
				}
			}
			Log struct{ Entries []struct{ Title string } } `json:"assessment-log"`
		}
	} `json:"assessment-results"`
}

// TestSaysWhatTheReportSays: every test, its result, the opinion's words and the
// order of events are in the results; findings stand under their criteria.
func TestSaysWhatTheReportSays(t *testing.T) {
	r := attesttest.WithAnnex(attesttest.TypeII())
	got := decoded[resultsDoc](t, render(t, r)["assessment-results"]).Doc.Results[0]
	if got.Start != "2026-01-01T08:00:00Z" || got.End != "2027-01-01T08:00:00Z" {
		t.Errorf("got %s to %s, want the period in the report's zone", got.Start, got.End)
	}
	want := map[string]string{}
	for _, g := range r.Groups {
		for _, c := range g.Controls {
			for _, x := range c.Tests {
				want[x.Text] = x.Result
			}
		}
	}
	for _, o := range got.Observations {
		if want[o.Remarks] != o.Description {
			t.Errorf("got the result %q of %q, want %q", o.Description, o.Remarks, want[o.Remarks])
		}
		delete(want, o.Remarks)
	}
	if len(want) > 0 {
		t.Errorf("%d tests are missing, such as %v", len(want), want)
	}
	parts := got.Attestations[0].Parts
	if len(parts) != 4 || parts[3].Prose != r.Opinions[2].Text || parts[2].Prose != r.Opinions[2].Basis || parts[3].Title != "Operating effectiveness of controls: Qualified" {
		t.Errorf("got the opinion %+v, want the report's three parts and one basis", parts)
	}
	if len(got.Findings) != 2 || got.Findings[0].Target.ID != "CC6.2_smt" || got.Findings[1].Target.ID != "A1.3_smt" {
		t.Errorf("got the findings %+v, want X-1 under CC6.2 and X-2 under A1.3", got.Findings)
	}
	if len(got.Log.Entries) != len(r.Annex.Steps) {
		t.Errorf("got %d entries, want %d", len(got.Log.Entries), len(r.Annex.Steps))
	}
}

// TestOthersControls: what user entities operate is exported, what subservice
// organizations operate inherited, each under its criteria.
func TestOthersControls(t *testing.T) {
	type ssp struct {
		Doc struct {
			Controls struct {
				Requirements []struct {
					ID string `json:"control-id"`
					By []struct {
						Export struct {
							Responsibilities []struct{ Description string }
						}
						Inherited []struct{ Description string }
					} `json:"by-components"`
				} `json:"implemented-requirements"`
			} `json:"control-implementation"`
		} `json:"system-security-plan"`
	}
	got := map[string][]string{}
	for _, q := range decoded[ssp](t, render(t, attesttest.TypeII())["ssp"]).Doc.Controls.Requirements {
		for _, by := range q.By {
			for _, x := range append(by.Inherited, by.Export.Responsibilities...) {
				id, _, _ := strings.Cut(x.Description, ":")
				got[id] = append(got[id], q.ID)
			}
		}
	}
	for id, want := range map[string][]string{"CUEC-1": {"CC6.2", "CC6.3"}, "CUEC-4": {"C1.2"}, "CSOC-1": {"CC6.4"}, "CSOC-2": {"C1.2", "CC6.5"}, "PDS-1": {"CC6.1"}} {
		if !slices.Equal(got[id], want) {
			t.Errorf("%s: got it under %v, want %v", id, got[id], want)
		}
	}
}

// TestPlanOfAction: every exception with management's words; none, no plan.
func TestPlanOfAction(t *testing.T) {
	r := attesttest.TypeII()
	r.Responses = r.Responses[:1]
	doc := string(render(t, r)["poam"])
	for _, want := range []string{"Exception X-1", "Exception X-2", "removal follows the directory within the hour", "Management has not responded in this report."} {
		if !strings.Contains(doc, want) {
			t.Errorf("the plan of action lacks %q", want)
		}
	}
	if got := render(t, attesttest.TypeI())["poam"]; got != nil {
		t.Errorf("got a plan of action of a report without exceptions: %s", got)
	}
}

var partyName = regexp.MustCompile(`"name": "[^"]*"`) // plain text, in which markup is letters

// TestNeverConcludes: no criterion is said to be satisfied, and markup of a text
// is not markup of the document.
func TestNeverConcludes(t *testing.T) {
	for name, r := range variants() {
		for kind, data := range render(t, r) {
			if bytes.Contains(data, []byte(`"satisfied"`)) || bytes.Contains(data, []byte(`"pass"`)) {
				t.Errorf("%s, %s: a conclusion is written", name, kind)
			}
			if bytes.Contains(partyName.ReplaceAll(data, nil), []byte("<script")) {
				t.Errorf("%s, %s: markup of a text became markup of the document", name, kind)
			}
		}
	}
}

func TestSameBytes(t *testing.T) {
	a, b := render(t, attesttest.TypeII()), render(t, attesttest.TypeII())
	other := attesttest.TypeII()
	other.Groups[0].Controls[0].Tests[0].Result = "None."
	c := render(t, other)
	for kind := range a {
		if !bytes.Equal(a[kind], b[kind]) {
			t.Errorf("%s: two documents of one report differ", kind)
		}
		if all(uuids, a[kind])[0] == all(uuids, c[kind])[0] {
			t.Errorf("%s: another report has the same identifier", kind)
		}
	}
}

func TestRefused(t *testing.T) {
	faulty := attesttest.TypeII()
	faulty.Opinions = nil
	zone := attesttest.TypeII()
	zone.Zone = "Mars/Olympus"
	for _, c := range []struct {
		name, stem string
		r          attest.Report
	}{{"for general use", "a", attesttest.SOC3()}, {"faulty", "a", faulty}, {"no zone", "a", zone}, {"a path", "../a", attesttest.TypeII()}, {"no name", "", attesttest.TypeII()}} {
		if files, err := oscal.Render(c.r, c.stem); !errors.Is(err, audit.ErrInvalid) || files != nil {
			t.Errorf("%s: got %v and %d files, want an invalid and none", c.name, err, len(files))
		}
	}
}

// TestOneNameTwoTests: two tests that a firm numbered alike are two.
func TestOneNameTwoTests(t *testing.T) {
	r := attesttest.TypeII()
	tests := r.Groups[0].Controls[1].Tests
	tests[1].ID, tests[1].Text, tests[1].Result = tests[0].ID, tests[0].Text, "For 1 of 12 people the agreement was late."
	got := decoded[resultsDoc](t, render(t, r)["assessment-results"]).Doc.Results[0].Observations
	if got[1].Description != tests[0].Result || got[2].Description != tests[1].Result {
		t.Errorf("got %q and %q, want both results", got[1].Description, got[2].Description)
	}
}
