package osv

import (
	"strings"
	"testing"

	"tieout/source/folder/foldertest"
	"tieout/source/sourcetest"
)

const named = `{"files":["*.json"],"dates":"name","scope":{"path":"^([a-z0-9]+)-"}}`

func TestConform(t *testing.T) {
	sourcetest.Conform(t, foldertest.Connection(Driver, named), "vulnerability")
}

// TestMustShowTimesOfTheReports: a report is about the day in its name, not about today.
func TestMustShowTimesOfTheReports(t *testing.T) {
	foldertest.Times(t, foldertest.Record(t, Driver, named), "vulnerability", map[string]string{"gofakes3": "2026-03-30T22:00:00Z"})
}

func TestItems(t *testing.T) {
	r := foldertest.Record(t, Driver, named)
	id := "tool/gofakes3|/home/go/pkg/mod/github.com/johannesboyne/gofakes3@v1.2.0/go.mod|golang.org/x/text|CVE-2026-56852"
	foldertest.Wants(t, "of a Go module", foldertest.Body(t, r, id), map[string]any{"status": "open", "advisory": "CVE-2026-56852", "severity": nil, "asset": "gofakes3", "foundAt": nil})
	called := foldertest.Record(t, Driver, strings.Replace(named, "{", `{"reach":"called",`, 1))
	if len(called.Items) == 0 || len(called.Items) >= len(r.Items) {
		t.Errorf("%d items are called, %d in all; want some fewer", len(called.Items), len(r.Items))
	}
}

func TestSeverityAndFix(t *testing.T) {
	const frame = `{"results":[{"source":{"path":"go.mod"},"packages":[{"package":{"name":"a","ecosystem":"npm"},
		"vulnerabilities":[{"id":"GHSA-1",%v}],"groups":[{"ids":["GHSA-1"]%g}]}]}]}`
	for _, tc := range []struct {
		name, group, entry string
		want               map[string]any
	}{
		{"CVSS", `,"max_severity":"9.8"`, `"affected":[{"package":{"name":"a"},"ranges":[{"events":[{"introduced":"0"},{"fixed":"2"}]}]}]`, map[string]any{"severity": "critical", "fixAvailable": true}},
		{"no base value, the database's word", ``, `"database_specific":{"severity":"MODERATE"}`, map[string]any{"severity": "medium", "fixAvailable": nil}},
		{"neither", ``, `"affected":[{"package":{"name":"a"},"ranges":[{"events":[{"introduced":"0"}]}]}]`, map[string]any{"severity": nil, "fixAvailable": false}},
		{"a fix of another package", ``, `"affected":[{"package":{"name":"b"},"ranges":[{"events":[{"fixed":"2"}]}]}]`, map[string]any{"fixAvailable": nil}},
	} {
		file := strings.NewReplacer("%v", tc.entry, "%g", tc.group).Replace(frame)
		r := foldertest.One(t, Driver, `{"files":["*"],"dates":"name","scope":"x"}`, "a-2026-03-31.json", file)
		foldertest.Wants(t, tc.name, foldertest.Body(t, r, "|a|GHSA-1"), tc.want)
	}
}

func TestRefused(t *testing.T) {
	foldertest.Refused(t, Driver, named, "a-2026-03-31.json", `{"matches":[]}`, "no list of results")
	foldertest.Refused(t, Driver, named, "X-2026-03-31.json", `{"results":[]}`, "does not follow scope")
	foldertest.Invalid(t, Driver, `{}`, `{"files":["*"],"dates":"name"}`, `{"files":["*"],"scope":"a"}`, `{"files":["*"],"dates":"name","scope":"a","reach":"x"}`)
	r := foldertest.One(t, Driver, named, "a-2026-03-31.json", `{"results":[{"packages":[{"vulnerabilities":[{"id":"CVE-1"}]}]}]}`)
	if len(r.Errs) != 1 || len(r.Items) != 0 {
		t.Errorf("an advisory that no group names gave %d items and the problems %v; want a bad row", len(r.Items), r.Errs)
	}
}

func FuzzNormalize(f *testing.F) { foldertest.Fuzz(f, Driver, named, kind, "*.json") }
