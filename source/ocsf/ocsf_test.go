package ocsf

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source/folder/foldertest"
	"tieout/source/sourcetest"
)

var with = map[string]string{
	"finding":       `{"class":"compliance","files":["compliance*"]}`,
	"vulnerability": `{"class":"vulnerability","files":["vulnerability*"]}`,
	"alert":         `{"class":"detection","files":["detection*"]}`,
	"signIn":        `{"class":"authentication","files":["authentication*"],"accounts":"okta"}`,
}

func TestConform(t *testing.T) {
	for typ, w := range with {
		t.Run(typ, func(t *testing.T) { sourcetest.Conform(t, foldertest.Connection(Driver, w), typ) })
	}
}

// TestMustShowTimesOfTheReports: each file is about the latest instant its
// events state, sign-ins from the first to the last, never about today.
func TestMustShowTimesOfTheReports(t *testing.T) {
	for typ, want := range map[string]map[string]string{
		"finding":       {"Security Hub 123456789012": "2026-03-14T09:26:53.123Z", "Cloud Guard ocid1": "2026-03-15T09:26:53.123Z"},
		"vulnerability": {"Inspector 123456789012": "2026-03-14T12:06:40Z"},
		"alert":         {"Prowler 123456789012": "2025-02-14T13:27:03Z"}, // Prowler counts seconds
		"signIn":        {"Okta": "2026-03-14T09:26:53.123Z"},
	} {
		foldertest.Times(t, foldertest.Record(t, Driver, with[typ]), typ, want)
	}
	r := foldertest.Record(t, Driver, strings.Replace(with["signIn"], `{`, `{"dates":"name",`, 1))
	foldertest.Times(t, r, "signIn", map[string]string{"Okta": "2026-03-13T23:00:00Z"})
	if m := r.Manifest("signIn"); m.Covers.To.Sub(m.Covers.From) != 24*time.Hour {
		t.Errorf("covers %v; want the day in Berlin", m.Covers)
	}
}

func TestItems(t *testing.T) {
	for _, tc := range []struct {
		typ, name, id string
		want          map[string]any
	}{
		{"finding", "1.1: a word for the status, one resource", "tool/Security Hub 123456789012|123456789012|eu-central-1|S3.2|arn:aws:s3:::halyard-www",
			map[string]any{"status": "not met", "severity": "high", "tool": "Security Hub", "toolVersion": "2018-10-08", "account": "123456789012", "region": "eu-central-1"}},
		{"finding", "suppressed", "|IAM.6|AWS::::Account:123456789012", map[string]any{"status": "muted", "severity": "none"}},
		{"finding", "1.4: by its number", "|CG-7|vol-1", map[string]any{"status": "met", "region": "eu-frankfurt-1", "requirements": nil}},
		{"finding", "no result", "|CG-7|vol-2", map[string]any{"status": "error", "detail": "not to be told"}},
		{"finding", "1.4: fail", "|CG-7|vol-3", map[string]any{"status": "not met"}},
		{"vulnerability", "as first told", "|xz-utils|CVE-2024-3094", map[string]any{"status": "open", "severity": "critical", "fixAvailable": true, "foundAt": "2026-03-08T20:00:00Z", "kind": "package", "fixedAt": nil}},
		{"vulnerability", "as last told", "tool/Inspector 123456789012|arn:aws:ec2:eu-central-1:123456789012:instance/i-1|liblzma5|CVE-2024-3094", map[string]any{"status": "fixed", "severity": "high"}},
		{"alert", "of Prowler", "tool/Prowler 123456789012|prowler-aws-accessanalyzer_enabled-123456789012-eu-central-1",
			map[string]any{"status": "open", "closedAt": "never", "raisedAt": "2025-02-14T13:27:03Z", "severity": "low", "system": "Prowler", "kind": "security", "decision": nil}},
		{"signIn", "with a second factor", "tool/Okta|ev-1", map[string]any{"account": "okta/00u1", "result": "success", "mfa": true, "system": "Console"}},
		{"signIn", "without an id", "tool/Okta|sha256:", map[string]any{"account": "okta/00u2", "result": "failure", "mfa": nil, "system": "vpn.halyard.example"}},
	} {
		r := foldertest.Record(t, Driver, with[tc.typ])
		end := tc.id
		for _, it := range r.Items {
			if strings.HasPrefix(it.ID, tc.id) {
				end = it.ID
			}
		}
		foldertest.Wants(t, tc.name, foldertest.Body(t, r, end), tc.want)
	}
	if n := len(foldertest.Record(t, Driver, with["signIn"]).Items); n != 2 {
		t.Errorf("%d sign-ins; want 2, a logoff is none", n)
	}
}

func TestAlert(t *testing.T) {
	const frame = `{"class_uid":2004,"time":1773480413123,"metadata":{"version":"1.2.0","product":{"name":"P"}},"finding_info":{"uid":"u"},%}`
	for _, tc := range []struct {
		name, with string
		want       map[string]any
	}{
		{"closed by an event", `"activity_id":3,"status_id":4,"verdict_id":1`, map[string]any{"status": "closed", "closedAt": "2026-03-14T09:26:53.123Z", "decision": "false", "raisedAt": nil}},
		{"closed, unknown when", `"activity_id":2,"status_id":4`, map[string]any{"status": "closed", "closedAt": nil, "decision": nil}},
		{"taken on", `"activity_id":2,"status_id":2,"assignee":{"email_addr":"a@halyard.example"}`, map[string]any{"status": "acknowledged", "closedAt": "never", "owner": "a@halyard.example", "acknowledgedAt": nil}},
		{"nothing said", `"activity_id":2,"severity_id":99`, map[string]any{"status": nil, "closedAt": nil, "severity": nil}},
	} {
		r := foldertest.One(t, Driver, `{"class":"detection","files":["*"],"scope":"p"}`, "a.json", strings.Replace(frame, "%", tc.with, 1))
		foldertest.Wants(t, tc.name, foldertest.Body(t, r, "tool/p|u"), tc.want)
	}
}

func TestInstant(t *testing.T) {
	for raw, want := range map[string]string{
		`1773480413123`: "2026-03-14T09:26:53.123Z", `1739539623`: "2025-02-14T13:27:03Z", `"2026-03-14T10:26:53+01:00"`: "2026-03-14T09:26:53Z",
	} {
		if got, err := Instant(json.RawMessage(raw)); err != nil || audit.FormatTime(got) != want {
			t.Errorf("%s: %v, %v; want %s", raw, got, err, want)
		}
	}
	for _, raw := range []string{`"2026-03-14T10:26:53"`, `1.5`, `-5`, `5`, `{}`, `99999999999999999`} {
		if got, err := Instant(json.RawMessage(raw)); err == nil {
			t.Errorf("%s: %v; want an error", raw, got)
		}
	}
	if got, err := Instant(nil); err != nil || !got.IsZero() {
		t.Errorf("nothing: %v, %v; want zero", got, err)
	}
}

func TestRefused(t *testing.T) {
	w := `{"class":"detection","files":["*"],"scope":"p"}`
	foldertest.Refused(t, Driver, w, "a.json", `[{"class_uid":2004,"metadata":{"version":"2.0.0"}}]`, `version "2.0.0"`)
	foldertest.Refused(t, Driver, w, "a.json", `[{"class_uid":2004,"metadata":{"version":"1.0.0-rc.2"}}]`, `version "1.0.0-rc.2"`)
	foldertest.Refused(t, Driver, w, "a.json", `[{"metadata":{"version":"1.0.0"}}]`, "no class_uid")
	foldertest.Refused(t, Driver, w, "a.json", `[{"class_uid":2004,"metadata":{"version":"1.0.0"}}]`, "does not say when")
	foldertest.Refused(t, Driver, w, "a.json", `[{"class_uid":2003,"time":1773480413123,"metadata":{"version":"1.0.0"}}]`, "none of its 1 events is of class 2004")
	foldertest.Refused(t, Driver, w, "a.json", `[{"class_uid":2004,"metadata":{"version":"1.0.0"}}`, "does not end")
	foldertest.Refused(t, Driver, w, "a.json", `[] []`, "follows the list")
	foldertest.Refused(t, Driver, w, "a.json", `{"class_uid":2004,"time":"soon","metadata":{"version":"1.0.0"}}`, "no instant with an offset")
	foldertest.Refused(t, Driver, `{"class":"authentication","files":["*"],"dates":"name"}`, "a-2026-03-15.json",
		`{"class_uid":3002,"activity_id":1,"time":1773480413123,"metadata":{"version":"1.0.0","product":{"name":"P"}}}`, "outside of the day")
	foldertest.Invalid(t, Driver, `{}`, `{"files":["*"]}`, `{"files":["*"],"class":"incident"}`, `{"files":["*"],"class":"detection","accounts":"okta"}`, `{"files":["*"],"class":"authentication","dates":"modified"}`)
	_, conf, err := Driver.Open("tool", json.RawMessage(w), foldertest.Connection(Driver, w).Env)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := normalize(conf, audit.Page{Kind: "ocsf.compliance"}); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("a page of another class gave %v; want audit.ErrInvalid", err)
	}
}

func FuzzNormalize(f *testing.F) {
	foldertest.Fuzz(f, Driver, with["alert"], "ocsf.detection", "detection*")
}

func FuzzCompliance(f *testing.F) {
	foldertest.Fuzz(f, Driver, with["finding"], "ocsf.compliance", "compliance*")
}

func FuzzVulnerability(f *testing.F) {
	foldertest.Fuzz(f, Driver, with["vulnerability"], "ocsf.vulnerability", "vulnerability*")
}

func FuzzAuthentication(f *testing.F) {
	foldertest.Fuzz(f, Driver, with["signIn"], "ocsf.authentication", "authentication*")
}

// TestVulnerabilityWithoutOne: an event that lists no weakness is no good news.
func TestVulnerabilityWithoutOne(t *testing.T) {
	const body = `{"class_uid":2002,"time":1774944000000,"metadata":{"version":"1.1.0","product":{"name":"S"}},"finding_info":{"uid":"1"}}`
	p := audit.Page{Kind: "ocsf.vulnerability", Scope: "S", Body: []byte(body)}
	if items, err := normalize([]byte(`{"name":"lake","class":"vulnerability"}`), p); err == nil || len(items) != 0 {
		t.Errorf("%d items, %v; want an error", len(items), err)
	}
}
