package trivy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/source/folder/foldertest"
	"tieout/source/sourcetest"
	"tieout/timeline"
)

func TestConform(t *testing.T) {
	sourcetest.Conform(t, foldertest.Connection(Driver, `{"files":["*.json"]}`), "vulnerability")
}

// TestMustShowTimesOfTheReports: each report is about the instant it states, not about today.
func TestMustShowTimesOfTheReports(t *testing.T) {
	r := foldertest.Record(t, Driver, `{"files":["alpine-310.json","terragoat.json"]}`)
	foldertest.Times(t, r, "vulnerability", map[string]string{
		"testdata/fixtures/images/alpine-310.tar.gz": "2021-08-25T12:20:30Z",
		"work/terragoat/terraform/aws":               "2026-11-22T05:17:08.015033Z",
	})
}

func TestItems(t *testing.T) {
	r := foldertest.Record(t, Driver, `{"files":["*.json"]}`)
	for _, tc := range []struct {
		name, id string
		want     map[string]any
	}{
		{"of a system package, its place without the tag", "tool/testdata/fixtures/images/alpine-310.tar.gz|alpine|libcrypto1.1|CVE-2019-1549",
			map[string]any{"kind": "package", "status": "open", "severity": "medium", "fixAvailable": true, "package": "libcrypto1.1", "scanner": "Trivy"}},
		{"severity UNKNOWN is left out", "|go.mod|golang.org/x/text|CVE-2021-38561", map[string]any{"severity": nil, "status": "open"}},
		{"a secret is in no package", "|deploy.sh||aws-access-key-id", map[string]any{"kind": "secret", "package": "", "severity": "critical", "fixAvailable": nil}},
		{"a misconfiguration with its resource", "|db-app.tf:aws_instance.db_app||AVD-AWS-0028", map[string]any{"kind": "configuration", "status": "open", "severity": "high"}},
		{"found and fixed are not the scanner's to tell", "|alpine|libcrypto1.1|CVE-2019-1549", map[string]any{"foundAt": nil, "fixedAt": nil}},
	} {
		foldertest.Wants(t, tc.name, foldertest.Body(t, r, tc.id), tc.want)
	}
}

const frame = `{"SchemaVersion":2,"CreatedAt":"2026-03-14T09:26:53Z","ArtifactName":"halyard/api:1.4.2@sha256:00","ArtifactType":"container_image","Results":[%]}`

func TestStatus(t *testing.T) {
	for _, tc := range []struct {
		name, result, status string
		fix                  any
	}{
		{"affected, no patch", `{"Vulnerabilities":[{"VulnerabilityID":"CVE-1","PkgName":"a","Status":"affected"}]}`, "open", false},
		{"no status, as old versions write", `{"Vulnerabilities":[{"VulnerabilityID":"CVE-1","PkgName":"a"}]}`, "open", nil},
		{"not affected", `{"Vulnerabilities":[{"VulnerabilityID":"CVE-1","PkgName":"a","Status":"not_affected"}]}`, "false positive", nil},
		{"ignored", `{"ExperimentalModifiedFindings":[{"Type":"vulnerability","Status":"ignored","Finding":{"VulnerabilityID":"CVE-1","PkgName":"a"}}]}`, "accepted", nil},
		{"not affected by VEX", `{"ExperimentalModifiedFindings":[{"Type":"vulnerability","Status":"not_affected","Finding":{"VulnerabilityID":"CVE-1","PkgName":"a"}}]}`, "false positive", nil},
		{"two versions, one with a fix", `{"Vulnerabilities":[{"VulnerabilityID":"CVE-1","PkgName":"a","Status":"affected"},{"VulnerabilityID":"CVE-1","PkgName":"a","Status":"fixed"}]}`, "open", true},
		{"one ignored, one open", `{"Vulnerabilities":[{"VulnerabilityID":"CVE-1","PkgName":"a"}],"ExperimentalModifiedFindings":[{"Type":"vulnerability","Status":"ignored","Finding":{"VulnerabilityID":"CVE-1","PkgName":"a"}}]}`, "open", nil},
	} {
		r := foldertest.One(t, Driver, `{"files":["*.json"],"tags":"drop"}`, "r.json", strings.Replace(frame, "%", tc.result, 1))
		if len(r.Items) != 1 {
			t.Fatalf("%s: %d items, want 1 (%v)", tc.name, len(r.Items), r.Errs)
		}
		foldertest.Wants(t, tc.name, foldertest.Body(t, r, "|CVE-1"), map[string]any{"status": tc.status, "fixAvailable": tc.fix, "asset": "halyard/api"})
	}
}

// TestSameIDAfterUpdate: a path that holds the package's version gives the same item after an update that did not help.
func TestSameIDAfterUpdate(t *testing.T) {
	var ids []string
	for _, v := range []string{"2.14.1", "2.15.0"} {
		res := `{"Target":"Java","Class":"lang-pkgs","Vulnerabilities":[{"VulnerabilityID":"CVE-1","PkgName":"log4j-core","PkgPath":"app/log4j-core-` + v + `.jar","InstalledVersion":"` + v + `"}]}`
		r := foldertest.One(t, Driver, `{"files":["*.json"]}`, "r.json", strings.Replace(frame, "%", res, 1))
		ids = append(ids, r.Items[0].ID)
	}
	if ids[0] != ids[1] {
		t.Errorf("%s after the update, %s before; want the same", ids[1], ids[0])
	}
}

func TestRefused(t *testing.T) {
	with := `{"files":["*.json"]}`
	foldertest.Refused(t, Driver, with, "r.json", `{"matches":[]}`, "SchemaVersion is 0")
	foldertest.Refused(t, Driver, with, "r.json", `{"SchemaVersion":2,"Results":[`, "it is no JSON report of Trivy")
	foldertest.Refused(t, Driver, with, "r.json", `{"SchemaVersion":2,"ArtifactName":"a"}`, "does not say when")
	foldertest.Refused(t, Driver, with, "r.json", `{"SchemaVersion":2,"CreatedAt":"2026-03-14T09:26:53Z"}`, "does not say what was scanned")
	foldertest.Invalid(t, Driver, `{}`, `{"files":["*"],"tags":"keep"}`, `{"files":["*"],"scope":{"path":"no group"}}`, `{"files":["*"],"dates":"today"}`)
}

func FuzzNormalize(f *testing.F) { foldertest.Fuzz(f, Driver, `{"files":["*"]}`, kind, "*.json") }

// TestGone: what the next report of the same image does not show is fixed as of
// that report, and what both show is as old as the first.
func TestGone(t *testing.T) {
	dir := t.TempDir()
	for name, vulns := range map[string]string{
		"2026-03-01": `{"VulnerabilityID":"CVE-1","PkgName":"a"},{"VulnerabilityID":"CVE-2","PkgName":"a"}`,
		"2026-03-08": `{"VulnerabilityID":"CVE-2","PkgName":"a"}`,
	} {
		file := strings.NewReplacer("%", `{"Vulnerabilities":[`+vulns+`]}`, "2026-03-14T09:26:53Z", name+"T06:00:00Z").Replace(frame)
		if err := os.WriteFile(filepath.Join(dir, name+".json"), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := foldertest.Connection(Driver, `{"files":["*.json"]}`)
	c.Env.Dir = dir
	r := sourcetest.Record(t, c)
	var obs []audit.Observation
	for i, m := range r.Manifests {
		o := audit.Observation{Stream: audit.StreamKey{Source: "tool", Scope: m.Scope, Type: m.Type}, Mode: m.Mode, Covers: m.Covers, Complete: m.Complete, Record: int64(i)}
		for j, it := range r.Items {
			if p := r.Pages[r.ItemPages[j]]; m.Takes(p.Kind, p.Scope, p.About) {
				o.Items = append(o.Items, audit.Seen{Item: it, Record: int64(i)})
			}
		}
		obs = append(obs, o)
	}
	lines, err := timeline.Observe(obs)
	if err != nil {
		t.Fatal(err)
	}
	tl := lines["vulnerability"]
	timeline.Lives(tl)
	for id, want := range map[string]string{
		"CVE-1": `"fixedAt":"2026-03-08T06:00:00Z","foundAt":"2026-03-01T06:00:00Z"`,
		"CVE-2": `"foundAt":"2026-03-01T06:00:00Z"`,
	} {
		h := tl.Find("tool/halyard/api:1.4.2@sha256:00||a|" + id)
		if h == nil {
			t.Fatalf("%s has no history", id)
		}
		last := h.Versions[len(h.Versions)-1]
		if !strings.Contains(string(last.Body), want) || id == "CVE-2" && strings.Contains(string(last.Body), `"fixedAt":"2`) {
			t.Errorf("%s ends as %s; want %s", id, last.Body, want)
		}
	}
}
