package grcexport

import (
	"strings"
	"testing"

	"tieout/source"
	"tieout/source/folder/foldertest"
	"tieout/source/sourcetest"
)

const (
	vantaTests    = `{"files":["vanta-tests-*.csv"],"dates":"name","export":"tests"}`
	vantaWeak     = `{"files":["vanta-vuln*.csv"],"dates":"name","export":"vulnerabilities","columns":{"package":"packageIdentifier"}}`
	drataTests    = `{"files":["drata-tests-*.csv"],"dates":"name","export":"tests"}`
	drataControls = `{"files":["drata-controls-*.csv"],"dates":"name","export":"controls","columns":{"status":"Monitoring","requirements":"Requirements"},"values":{"Passing":"met","Failing":"not met"}}`
)

func TestConform(t *testing.T) {
	for _, tc := range []struct {
		name   string
		driver *source.Driver
		with   string
		typ    string
	}{
		{"vanta tests", Vanta, vantaTests, "finding"}, {"vanta vulnerabilities", Vanta, vantaWeak, "vulnerability"},
		{"drata tests", Drata, drataTests, "finding"}, {"drata controls", Drata, drataControls, "finding"},
	} {
		t.Run(tc.name, func(t *testing.T) { sourcetest.Conform(t, foldertest.Connection(tc.driver, tc.with), tc.typ) })
	}
}

// TestMustShowTimesOfTheReports: an export is about the day in its name, not about today.
func TestMustShowTimesOfTheReports(t *testing.T) {
	foldertest.Times(t, foldertest.Record(t, Vanta, vantaTests), "finding", map[string]string{"tests": "2026-03-30T22:00:00Z"})
	foldertest.Times(t, foldertest.Record(t, Vanta, vantaWeak), "vulnerability", map[string]string{"vulnerabilities": "2026-03-30T22:00:00Z"})
	foldertest.Times(t, foldertest.Record(t, Drata, drataControls), "finding", map[string]string{"controls": "2026-03-30T22:00:00Z"})
}

func TestItems(t *testing.T) {
	for _, tc := range []struct {
		name     string
		driver   *source.Driver
		with, id string
		want     map[string]any
	}{
		{"ok", Vanta, vantaTests, "tool/tests|aws-mfa|", map[string]any{"status": "met", "tool": "Vanta", "toolVersion": "", "title": "MFA on AWS", "severity": nil}},
		{"needs attention", Vanta, vantaTests, "|aws-public-bucket|", map[string]any{"status": "not met", "detail": "One bucket is public"}},
		{"deactivated", Vanta, vantaTests, "|laptop-encryption|", map[string]any{"status": "muted"}},
		{"neither", Vanta, vantaTests, "|new-test|", map[string]any{"status": nil}},
		{"a weakness", Vanta, vantaWeak, "tool/vulnerabilities|api-image|openssl|CVE-2026-1111",
			map[string]any{"severity": "critical", "fixAvailable": true, "foundAt": "2026-03-01T08:00:00Z", "status": nil, "fixedAt": nil, "asset": "api-image"}},
		{"passed", Drata, drataTests, "tool/tests|42|", map[string]any{"status": "met", "tool": "Drata"}},
		{"failed", Drata, drataTests, "|43|", map[string]any{"status": "not met"}},
		{"switched off", Drata, drataTests, "|44|", map[string]any{"status": "muted"}},
		{"not run", Drata, drataTests, "|45|", map[string]any{"status": nil}},
		{"by the settings' words", Drata, drataControls, "tool/controls|DCF-2|", map[string]any{"status": "not met", "title": "Backups"}},
	} {
		foldertest.Wants(t, tc.name, foldertest.Body(t, foldertest.Record(t, tc.driver, tc.with), tc.id), tc.want)
	}
	got, ok := foldertest.Body(t, foldertest.Record(t, Drata, drataControls), "|DCF-1|")["requirements"].([]any)
	if !ok || len(got) != 2 || got[1] != "CC6.2" {
		t.Errorf("requirements %v; want CC6.1 and CC6.2", got)
	}
}

func TestRefused(t *testing.T) {
	const file = "x-2026-03-31.csv"
	foldertest.Refused(t, Vanta, `{"files":["*"],"dates":"name","export":"tests"}`, file, "Test,Result\na,b\n", "no column for check (such as id, testid) or title (such as name, testname); it has Test, Result")
	foldertest.Refused(t, Vanta, `{"files":["*"],"dates":"name","export":"tests"}`, file, "Name,Email,Start date\nInes,i@halyard.example,\n", "no column for status")
	foldertest.Refused(t, Drata, `{"files":["*"],"dates":"name","export":"vulnerabilities"}`, file, "CVE,Asset\na,b\n", "advisory (no published name)")
	foldertest.Refused(t, Drata, `{"files":["*"],"dates":"name","export":"controls","columns":{"status":"State"}}`, file, "Code,Name\na,b\n", `no column "State"`)
	foldertest.Refused(t, Vanta, `{"files":["*"],"dates":"name","export":"tests"}`, file, "", "no CSV")
	for _, d := range []*source.Driver{Vanta, Drata} {
		foldertest.Invalid(t, d, `{}`, `{"files":["*"],"export":"tests"}`, `{"files":["*"],"dates":"name","export":"people"}`,
			`{"files":["*"],"dates":"name","export":"tests","columns":{"advisory":"CVE"}}`, `{"files":["*"],"dates":"name","export":"tests","values":{"OK":"fine"}}`)
	}
}

// TestRows: what cannot be read is named by its line.
func TestRows(t *testing.T) {
	r := foldertest.One(t, Vanta, `{"files":["*"],"dates":"name","export":"vulnerabilities"}`, "x-2026-03-31.csv",
		"name,targetId,firstDetectedDate\nCVE-1,a,\nCVE-1,a,\n,a,\nCVE-2,a,yesterday\nCVE-3,a\n")
	if len(r.Items) != 1 || len(r.Errs) != 1 {
		t.Fatalf("%d items, problems %v; want one item and one list of bad rows", len(r.Items), r.Errs)
	}
	bad, ok := r.Errs[0].(source.BadRows)
	if !ok || len(bad) != 4 {
		t.Fatalf("%v; want four bad rows", r.Errs[0])
	}
	var lines []string
	for _, b := range bad {
		lines = append(lines, b.Where)
	}
	if got := strings.Join(lines, ","); got != "line 6,line 3,line 4,line 5" {
		t.Errorf("bad rows on %s; want lines 3 to 6", got)
	}
}

func FuzzVanta(f *testing.F) { foldertest.Fuzz(f, Vanta, vantaTests, "vanta.tests", "*.csv") }

func FuzzVulnerabilities(f *testing.F) {
	foldertest.Fuzz(f, Vanta, vantaWeak, "vanta.vulnerabilities", "*.csv")
}

func FuzzDrata(f *testing.F) { foldertest.Fuzz(f, Drata, drataControls, "drata.controls", "*.csv") }
