package grype

import (
	"strings"
	"testing"

	"tieout/source/folder/foldertest"
	"tieout/source/sourcetest"
)

const dated = `{"files":["image.json","directory.json"]}`

func TestConform(t *testing.T) {
	sourcetest.Conform(t, foldertest.Connection(Driver, dated), "vulnerability")
}

// TestMustShowTimesOfTheReports: each report is about the instant it states, not about today.
func TestMustShowTimesOfTheReports(t *testing.T) {
	foldertest.Times(t, foldertest.Record(t, Driver, dated), "vulnerability", map[string]string{
		"registry.example.com/halyard/api:1.4.2": "2026-03-14T09:26:53.589793Z",
		"/some/path":                             "2026-03-15T00:00:01Z",
	})
}

func TestItems(t *testing.T) {
	r := foldertest.Record(t, Driver, `{"files":["image.json"],"tags":"drop"}`)
	for _, tc := range []struct {
		name, id string
		want     map[string]any
	}{
		{"with a fix", "tool/registry.example.com/halyard/api|rpm:/foo/bar/somefile-1.txt|package-1|CVE-1999-0001",
			map[string]any{"severity": "low", "status": "open", "fixAvailable": true, "kind": "package", "asset": "registry.example.com/halyard/api", "foundAt": nil}},
		{"the fix state is not told", "|package-2|CVE-1999-0002", map[string]any{"severity": "critical", "fixAvailable": nil}},
		{"hidden by a VEX document", "|package-1|CVE-1999-0003", map[string]any{"status": "false positive"}},
	} {
		foldertest.Wants(t, tc.name, foldertest.Body(t, r, tc.id), tc.want)
	}
}

func TestHiddenAndSeverity(t *testing.T) {
	const frame = `{"matches":[],"ignoredMatches":[{"vulnerability":{"id":"CVE-1","severity":"Negligible","fix":{"state":"wont-fix"}},"artifact":{"name":"a"},"appliedIgnoreRules":[%]}],
		"source":{"type":"directory","target":"/src"},"descriptor":{"name":"grype","timestamp":"2026-03-15T00:00:01Z"}}`
	for rule, status := range map[string]string{`{"vulnerability":"CVE-1"}`: "accepted", `{"vex-status":"fixed"}`: "fixed", `{"vex-status":"not_affected"}`: "false positive"} {
		r := foldertest.One(t, Driver, `{"files":["*"]}`, "r.json", strings.Replace(frame, "%", rule, 1))
		foldertest.Wants(t, rule, foldertest.Body(t, r, "CVE-1"), map[string]any{"status": status, "severity": "low", "fixAvailable": false})
	}
}

func TestRefused(t *testing.T) {
	with := `{"files":["*.json"]}`
	foldertest.Refused(t, Driver, with, "r.json", `{"SchemaVersion":2}`, "no JSON report of Grype")
	foldertest.Refused(t, Driver, with, "r.json", `{"matches":[],"source":{"type":"directory","target":"/a"},"descriptor":{"name":"grype","timestamp":""}}`, "does not say when")
	foldertest.Refused(t, Driver, with, "r.json", `{"matches":[],"source":{"type":"unknown","target":"unknown"},"descriptor":{"name":"grype","timestamp":"2026-03-15T00:00:01Z"}}`, "does not say what was scanned")
	foldertest.Refused(t, Driver, with, "r.json", `{"matches":[],"source":{"type":"directory","target":"/a"},"descriptor":{"name":"grype","timestamp":"yesterday"}}`, "no instant")
	foldertest.Invalid(t, Driver, `{}`, `{"files":["*"],"tags":"keep"}`)
}

// TestUndatedByName: a report without a time takes the day of its name where the settings say so.
func TestUndatedByName(t *testing.T) {
	r := foldertest.One(t, Driver, `{"files":["*"],"dates":"name","scope":"base"}`, "base-2026-03-31.json", `{"matches":[],"source":{"type":"unknown"},"descriptor":{"name":"grype"}}`)
	m := r.Manifest("vulnerability")
	if !m.Complete || m.Scope != "base" || m.Covers.From.Format("2006-01-02T15:04Z") != "2026-03-30T22:00Z" {
		t.Errorf("%+v; want complete, of base, about the start of March 31 in Berlin", m)
	}
}

func FuzzNormalize(f *testing.F) { foldertest.Fuzz(f, Driver, `{"files":["*"]}`, kind, "*.json") }
