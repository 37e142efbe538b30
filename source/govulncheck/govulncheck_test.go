package govulncheck

import (
	"testing"

	"tieout/source/folder/foldertest"
	"tieout/source/sourcetest"
)

const named = `{"files":["*.json"],"dates":"name"}`

func TestConform(t *testing.T) {
	sourcetest.Conform(t, foldertest.Connection(Driver, named), "vulnerability")
}

// TestMustShowTimesOfTheReports: each report is about the day in its name, not about today.
func TestMustShowTimesOfTheReports(t *testing.T) {
	r := foldertest.Record(t, Driver, `{"files":["gofakes3-*.json"],"dates":"name"}`)
	foldertest.Times(t, r, "vulnerability", map[string]string{"github.com/johannesboyne/gofakes3": "2026-03-30T22:00:00Z"})
}

func TestItems(t *testing.T) {
	r := foldertest.Record(t, Driver, `{"files":["called-*.json"],"dates":"name"}`)
	foldertest.Wants(t, "with a fix", foldertest.Body(t, r, "tool/github.com/johannesboyne/gofakes3||golang.org/x/text|GO-2026-5970"),
		map[string]any{"status": "open", "fixAvailable": true, "severity": nil, "package": "golang.org/x/text", "foundAt": nil, "scanner": "govulncheck"})
	foldertest.Wants(t, "without one", foldertest.Body(t, r, "|stdlib|GO-2026-4601"), map[string]any{"fixAvailable": false})
	if len(r.Items) != 2 {
		t.Errorf("%d items, want 2: findings at module and package level are one", len(r.Items))
	}
	r = foldertest.Record(t, Driver, `{"files":["called-*.json"],"dates":"name","reach":"called"}`)
	foldertest.Body(t, r, "|stdlib|GO-2026-4601")
	if len(r.Items) != 1 {
		t.Errorf("%d items with reach called, want the one whose trace reaches a function", len(r.Items))
	}
}

func TestRefused(t *testing.T) {
	foldertest.Refused(t, Driver, named, "a-2026-03-31.json", `{"finding":{"osv":"GO-1","trace":[{"module":"a"}]}}`, "no message names the scanner")
	foldertest.Refused(t, Driver, named, "a-2026-03-31.json", `{"config":{"scanner_name":"govulncheck"}}`, "does not say what was scanned")
	foldertest.Refused(t, Driver, named, "a-2026-03-31.json", `{"config":{"scanner_name":"govulncheck"}}{"SBOM":{"roots":["a"]`, "no JSON output of govulncheck")
	foldertest.Refused(t, Driver, named, "a.json", `{"config":{"scanner_name":"govulncheck"}}{"SBOM":{"roots":["a"]}}`, "holds no day")
	foldertest.Refused(t, Driver, `{"files":["*"],"dates":"name","reach":"called"}`, "a-2026-03-31.json", `{"config":{"scanner_name":"govulncheck","scan_level":"module"}}{"SBOM":{"roots":["a"]}}`, "a scan at module level")
	foldertest.Invalid(t, Driver, `{}`, `{"files":["*"]}`, `{"files":["*"],"dates":"name","reach":"imported"}`)
}

func FuzzNormalize(f *testing.F) {
	foldertest.Fuzz(f, Driver, named, kind, "*.json")
}
