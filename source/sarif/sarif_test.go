package sarif

import (
	"strings"
	"testing"

	"tieout/source/folder/foldertest"
	"tieout/source/sourcetest"
)

const dated = `{"files":["trivy.sarif","gosec.sarif","grype.sarif"],"scope":{"path":"^([a-z]+)"}}`

func TestConform(t *testing.T) {
	sourcetest.Conform(t, foldertest.Connection(Driver, dated), "vulnerability")
}

// TestMustShowTimesOfTheReports: each log is about the end its invocations state, not about today.
func TestMustShowTimesOfTheReports(t *testing.T) {
	foldertest.Times(t, foldertest.Record(t, Driver, dated), "vulnerability", map[string]string{
		"trivy": "2026-03-14T09:26:53.589Z", "gosec": "2026-03-15T10:00:00Z", "grype": "2026-03-16T10:00:00Z",
	})
}

func TestItems(t *testing.T) {
	r := foldertest.Record(t, Driver, dated)
	for _, tc := range []struct {
		name, id string
		want     map[string]any
	}{
		{"security-severity of the rule before the level", "tool/trivy|db-app.tf||AVD-AWS-0028", map[string]any{"severity": "high", "status": "open", "scanner": "Trivy", "kind": nil, "package": nil}},
		{"the level alone", "tool/gosec|backend/s3mem/versionid.go||G115", map[string]any{"severity": "high", "scanner": "gosec"}},
		{"with a fingerprint", "|user-input/somefile-1.txt:efe125c0a2b4bdafe476b69ba51a49734780c62b93803950319056acebe4323f:1||CVE-1999-0001-package-1",
			map[string]any{"severity": "high", "kind": "package", "asset": "grype"}},
	} {
		foldertest.Wants(t, tc.name, foldertest.Body(t, r, tc.id), tc.want)
	}
}

// TestOwnScope: what the log says of itself names what was scanned.
func TestOwnScope(t *testing.T) {
	foldertest.Times(t, foldertest.Record(t, Driver, `{"files":["gosec.sarif"]}`), "vulnerability", map[string]string{"gosec api/gosec": "2026-03-15T10:00:00Z"})
}

const frame = `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"lint","rules":[{"id":"R0"},{"id":"R1","defaultConfiguration":{"level":"note"}}]}},
	"invocations":[{"executionSuccessful":true,"endTimeUtc":"2026-03-14T09:26:53Z"}],"results":[%]}]}`

func log(result string) string { return strings.Replace(frame, "%", result, 1) }

func TestResult(t *testing.T) {
	for _, tc := range []struct {
		name, result string
		want         map[string]any
	}{
		{"by the rule's default level", `{"ruleId":"R1"}`, map[string]any{"severity": "low", "advisory": "R1", "status": "open"}},
		{"by its index alone", `{"ruleIndex":1}`, map[string]any{"severity": "low", "advisory": "R1"}},
		{"a warning where nothing is said", `{"ruleId":"R0"}`, map[string]any{"severity": "medium"}},
		{"its own security-severity", `{"ruleId":"R0","level":"note","properties":{"security-severity":9.1}}`, map[string]any{"severity": "critical"}},
		{"accepted", `{"ruleId":"R0","suppressions":[{"kind":"inSource"}]}`, map[string]any{"status": "accepted", "acceptedBy": nil}},
		{"a false positive", `{"ruleId":"R0","suppressions":[{"kind":"external","justification":"False positive: test data"}]}`, map[string]any{"status": "false positive"}},
		{"under review", `{"ruleId":"R0","suppressions":[{"kind":"external","status":"underReview"},{"kind":"inSource"}]}`, map[string]any{"status": "open"}},
		{"rejected", `{"ruleId":"R0","suppressions":[{"kind":"external","status":"rejected"}]}`, map[string]any{"status": "open"}},
		{"its index out of range", `{"ruleId":"R0","ruleIndex":9,"rule":{"toolComponent":{"index":3}}}`, map[string]any{"severity": "medium"}},
	} {
		r := foldertest.One(t, Driver, `{"files":["*"],"scope":"x"}`, "a.sarif", log(tc.result))
		if len(r.Items) != 1 {
			t.Fatalf("%s: %d items, want 1 (%v)", tc.name, len(r.Items), r.Errs)
		}
		foldertest.Wants(t, tc.name, foldertest.Body(t, r, ""), tc.want)
	}
}

// TestNothingFound: what says that a check was fulfilled, or that a result is gone, is no weakness.
func TestNothingFound(t *testing.T) {
	for _, res := range []string{`{"ruleId":"R0","kind":"pass"}`, `{"ruleId":"R0","kind":"notApplicable"}`, `{"ruleId":"R0","kind":"informational"}`, `{"ruleId":"R0","baselineState":"absent"}`} {
		if r := foldertest.One(t, Driver, `{"files":["*"],"scope":"x"}`, "a.sarif", log(res)); len(r.Items) != 0 || !r.Manifests[0].Complete {
			t.Errorf("%s: %d items, complete %v; want none of a complete log", res, len(r.Items), r.Manifests[0].Complete)
		}
	}
}

// TestStableID: a fingerprint names the item wherever its lines went.
func TestStableID(t *testing.T) {
	a := foldertest.One(t, Driver, `{"files":["*"],"scope":"x"}`, "a.sarif", log(`{"ruleId":"R0","fingerprints":{"v1":"abc"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"a.go"},"region":{"startLine":3}}}]}`))
	b := foldertest.One(t, Driver, `{"files":["*"],"scope":"x"}`, "a.sarif", log(`{"ruleId":"R0","fingerprints":{"v1":"abc"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"b.go"},"region":{"startLine":9}}}]}`))
	if a.Items[0].ID != b.Items[0].ID || a.Items[0].ID != "tool/x|abc||R0" {
		t.Errorf("%s and %s; want tool/x|abc||R0 twice", a.Items[0].ID, b.Items[0].ID)
	}
}

func TestRefused(t *testing.T) {
	with := `{"files":["*"],"scope":"x"}`
	foldertest.Refused(t, Driver, with, "a.sarif", `{"version":"2.0.0","runs":[{"results":[]}]}`, "no SARIF 2.1.0 log")
	foldertest.Refused(t, Driver, with, "a.sarif", `{"version":"2.1.0","runs":[{"results":[]}]}`, "does not say when")
	foldertest.Refused(t, Driver, with, "a.sarif", `{"version":"2.1.0","runs":[{"results":null}]}`, "no list of results")
	foldertest.Refused(t, Driver, with, "a.sarif", `{"version":"2.1.0","runs":[{"results":[],"externalPropertyFileReferences":{"results":[{}]}}]}`, "other files")
	foldertest.Refused(t, Driver, with, "a.sarif", strings.Replace(log(""), "true", "false", 1), "did not run to its end")
	foldertest.Refused(t, Driver, with, "a.sarif", `{"version":"2.1.0","runs":[{"results":[],"invocations":[{"endTimeUtc":"2026-03-14T09:26:53Z"}]},{"results":[]}]}`, "some do not")
	foldertest.Refused(t, Driver, `{"files":["*"]}`, "a.sarif", log(""), "does not say what was scanned")
	foldertest.Invalid(t, Driver, `{}`, `{"files":["*"],"scope":3}`, `{"files":["*"],"scope":{"path":"("}}`)
}

func FuzzNormalize(f *testing.F) {
	foldertest.Fuzz(f, Driver, `{"files":["*"]}`, kind, "*.sarif")
}
