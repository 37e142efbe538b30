package prowler

import (
	"strings"
	"testing"

	"tieout/source/folder/foldertest"
	"tieout/source/sourcetest"
)

const all = `{"files":["*.json","*.csv"]}`

func TestConform(t *testing.T) {
	sourcetest.Conform(t, foldertest.Connection(Driver, all), "finding")
}

// TestMustShowTimesOfTheReports: each report is about its own time, not about
// today: OCSF in seconds since 1970, CSV in the zone of the machine.
func TestMustShowTimesOfTheReports(t *testing.T) {
	foldertest.Times(t, foldertest.Record(t, Driver, all), "finding", map[string]string{
		"123456789012": "2025-02-14T13:27:03Z", "halyard-prod": "2025-02-14T13:27:20Z", "9a3b0c1e-0000-4000-8000-000000000001": "2025-02-14T13:27:30.710664Z",
	})
	foldertest.Times(t, foldertest.Record(t, Driver, `{"files":["*.csv"],"zone":"UTC"}`), "finding", map[string]string{
		"9a3b0c1e-0000-4000-8000-000000000001": "2025-02-14T14:27:30.710664Z",
	})
}

func TestItems(t *testing.T) {
	r := foldertest.Record(t, Driver, all)
	for _, tc := range []struct {
		name, id string
		want     map[string]any
	}{
		{"of OCSF", "tool/123456789012|eu-central-1|accessanalyzer_enabled|resource_uid-5",
			map[string]any{"status": "not met", "severity": "low", "tool": "Prowler", "toolVersion": "5.4.0", "account": "123456789012", "region": "eu-central-1"}},
		{"to be done by hand", "|account_maintain_current_contact_details|arn:aws:iam::123456789012:root", map[string]any{"status": "manual"}},
		{"of CSV", "|aks_cluster_rbac_enabled|/subscriptions/9a3b0c1e-0000-4000-8000-000000000001/resourcegroups/resource_name-1_group/providers/Microsoft.ContainerService/managedClusters/resource_name-2",
			map[string]any{"status": "met", "severity": "medium", "tool": "Prowler", "toolVersion": "5.4.0"}},
	} {
		foldertest.Wants(t, tc.name, foldertest.Body(t, r, tc.id), tc.want)
	}
	b := foldertest.Body(t, r, "|accessanalyzer_enabled|resource_uid-5")
	if got, ok := b["requirements"].([]any); !ok || len(got) != 15 || got[3] != "CIS-1.4 1.20" {
		t.Errorf("requirements %v; want 15, CIS-1.4 1.20 the fourth", b["requirements"])
	}
}

func TestStatus(t *testing.T) {
	const frame = `[{"metadata":{"event_code":"c","product":{"name":"Prowler"}},"time":1739539623,"cloud":{"account":{"uid":"1"}},"resources":[{"name":"n"}],%}]`
	for _, tc := range []struct {
		name, with string
		want       map[string]any
	}{
		{"muted", `"status_code":"FAIL","status":"Suppressed"`, map[string]any{"status": "muted", "subject": "n", "requirements": nil, "toolVersion": nil, "region": nil}},
		{"a status that is not known", `"status_code":"WARN","severity":"Unknown"`, map[string]any{"status": nil, "severity": nil}},
		{"informational", `"status_code":"PASS","severity":"Informational"`, map[string]any{"status": "met", "severity": "none"}},
	} {
		r := foldertest.One(t, Driver, `{"files":["*"]}`, "a.ocsf.json", strings.Replace(frame, "%", tc.with, 1))
		foldertest.Wants(t, tc.name, foldertest.Body(t, r, "|c|n"), tc.want)
	}
}

const header = "TIMESTAMP;ACCOUNT_UID;CHECK_ID;CHECK_TITLE;STATUS;STATUS_EXTENDED;MUTED;SEVERITY;RESOURCE_UID;RESOURCE_NAME;REGION;COMPLIANCE;PROWLER_VERSION\n"

// TestRows: of two rows of one id the worse counts; a row of another length is named.
func TestRows(t *testing.T) {
	rows := header + "1739539623;1;c;t;PASS;ok;False;high;u;n;r;;5\n" + "1739539623;1;c;t;FAIL;bad;False;high;u;n;r;;5\n"
	r := foldertest.One(t, Driver, `{"files":["*"]}`, "a.csv", rows)
	foldertest.Wants(t, "the worse of two", foldertest.Body(t, r, "|c|u"), map[string]any{"status": "not met", "detail": "bad"})
	if m := r.Manifest("finding"); len(r.Items) != 1 || m.Covers.From.Unix() != 1739539623 {
		t.Errorf("%d items about %v; want one about 1739539623", len(r.Items), m.Covers.From)
	}
	r = foldertest.One(t, Driver, `{"files":["*"]}`, "a.csv", rows+"1739539623;1;d\n")
	if len(r.Errs) != 1 || !strings.Contains(r.Errs[0].Error(), "line 4") || len(r.Items) != 1 {
		t.Errorf("problems %v, %d items; want line 4 named and one item", r.Errs, len(r.Items))
	}
}

func TestRefused(t *testing.T) {
	with := `{"files":["*"]}`
	foldertest.Refused(t, Driver, with, "a.json", `[{"metadata":{"product":{"name":"Other"}}}]`, `the product of finding 1 is "Other"`)
	foldertest.Refused(t, Driver, with, "a.json", `[{"metadata":`, "no JSON-OCSF of Prowler")
	foldertest.Refused(t, Driver, with, "a.csv", "A;B\n1;2\n", "there is no column TIMESTAMP")
	foldertest.Refused(t, Driver, with, "a.csv", header+"yesterday;1;c;t;PASS;ok;False;high;u;n;r;;5\n", `"yesterday" is no instant`)
	foldertest.Refused(t, Driver, with, "a.json", `[]`, "does not say what")
	foldertest.Refused(t, Driver, `{"files":["*"],"scope":"1"}`, "a.json", `[]`, "does not say when")
	foldertest.Invalid(t, Driver, `{}`, `{"files":["*"],"zone":"Mars"}`, `{"files":["*"],"zone":"Local"}`)
}

func FuzzNormalize(f *testing.F) { foldertest.Fuzz(f, Driver, all, kind, "*.json", "*.csv") }
