package powerpipe

import (
	"strings"
	"testing"

	"tieout/source/folder/foldertest"
	"tieout/source/sourcetest"
)

const (
	named = `{"files":["*.json"],"dates":"name"}`
	dated = `{"files":["*.pps"]}`
)

func TestConform(t *testing.T) {
	t.Run("tree", func(t *testing.T) { sourcetest.Conform(t, foldertest.Connection(Driver, named), "finding") })
	t.Run("snapshot", func(t *testing.T) { sourcetest.Conform(t, foldertest.Connection(Driver, dated), "finding") })
}

// TestMustShowTimesOfTheReports: a snapshot is about its own end, a tree about the day in its name, never about today.
func TestMustShowTimesOfTheReports(t *testing.T) {
	foldertest.Times(t, foldertest.Record(t, Driver, dated), "finding", map[string]string{"aws_halyard.benchmark.storage": "2026-04-01T02:00:09.5Z"})
	foldertest.Times(t, foldertest.Record(t, Driver, named), "finding", map[string]string{"aws_halyard.benchmark.all": "2026-03-30T22:00:00Z"})
}

func TestItems(t *testing.T) {
	r := foldertest.Record(t, Driver, named)
	for _, tc := range []struct {
		name, id string
		want     map[string]any
	}{
		{"alarm", "tool/aws_halyard.benchmark.all|aws_halyard.control.bucket_public|arn:aws:s3:::halyard-www|account_id=123456789012|region=eu-central-1",
			map[string]any{"status": "not met", "severity": "high", "tool": "Powerpipe", "toolVersion": "", "account": "123456789012", "region": "eu-central-1", "detail": "halyard-www is public."}},
		{"ok", "|arn:aws:s3:::halyard-exports|account_id=123456789012|region=eu-central-1", map[string]any{"status": "met"}},
		{"info", "|arn:aws:iam::123456789012:root|account_id=123456789012", map[string]any{"status": "manual", "severity": "critical", "region": nil}},
		{"skip", "|arn:aws:::123456789012", map[string]any{"status": "not applicable", "account": nil, "severity": nil}},
		{"error", "|arn:aws:::123456789012-b", map[string]any{"status": "error"}},
	} {
		foldertest.Wants(t, tc.name, foldertest.Body(t, r, tc.id), tc.want)
	}
	got, ok := foldertest.Body(t, r, "halyard-exports|account_id=123456789012|region=eu-central-1")["requirements"].([]any)
	if !ok || len(got) != 2 || got[0] != "aws_halyard.benchmark.exposure" || got[1] != "aws_halyard.benchmark.storage" {
		t.Errorf("a control of two benchmarks names %v; want both", got)
	}
	if len(r.Items) != 5 {
		t.Errorf("%d items; want 5, a control in two benchmarks counts once", len(r.Items))
	}
	s := foldertest.Record(t, Driver, dated)
	foldertest.Wants(t, "a control that failed", foldertest.Body(t, s, "|aws_halyard.control.broken"), map[string]any{"status": "error", "subject": nil, "detail": `relation "aws_s3_bucket" does not exist`})
	foldertest.Wants(t, "of a snapshot", foldertest.Body(t, s, "|arn:aws:s3:::halyard-www|account_id=123456789012|region=eu-central-1"), map[string]any{"status": "not met"})
}

// TestNotWhole: what the file itself shows to be missing is a bad row.
func TestNotWhole(t *testing.T) {
	const frame = `{"group_id":"root_result_group","controls":[{"control_id":"c","run_status":%r,"summary":{"ok":%n},"results":[{"resource":"a","status":"%s"}]}]}`
	for _, tc := range []struct{ name, status, run, n, why string }{
		{"fewer rows than the summary says", "ok", "4", "2", "its summary says 2 of status ok, and there are 1"},
		{"canceled", "ok", "16", "1", "did not run to its end"},
		{"a status that is not known", "fine", "4", "0", `"fine"`},
	} {
		r := foldertest.One(t, Driver, named, "a-2026-03-31.json", strings.NewReplacer("%r", tc.run, "%n", tc.n, "%s", tc.status).Replace(frame))
		if len(r.Errs) != 1 || !strings.Contains(r.Errs[0].Error(), tc.why) {
			t.Errorf("%s: %v; want a bad row that says %q", tc.name, r.Errs, tc.why)
		}
	}
}

func TestRefused(t *testing.T) {
	foldertest.Refused(t, Driver, named, "a-2026-03-31.json", `{"results":[]}`, "neither a group_id nor panels")
	foldertest.Refused(t, Driver, named, "a-2026-03-31.json", `{"group_id":"root_result_group"}`, "does not say what")
	foldertest.Refused(t, Driver, `{"files":["*"],"scope":"x"}`, "a.json", `{"group_id":"root_result_group","controls":[]}`, "does not say when")
	foldertest.Refused(t, Driver, `{"files":["*"]}`, "a.pps", `{"panels":{},"end_time":"then"}`, "no instant")
	foldertest.Invalid(t, Driver, `{}`, `{"files":["*"],"benchmark":"x"}`)
}

func FuzzNormalize(f *testing.F) { foldertest.Fuzz(f, Driver, named, kind, "*.json", "*.pps") }
