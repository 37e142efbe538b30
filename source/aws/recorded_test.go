package aws

import (
	"strings"
	"testing"

	"tieout/audit"
	"tieout/source/sourcetest"
)

func TestConform(t *testing.T) {
	r := newReplay(t)
	sourcetest.Conform(t, r.connection(), Driver.Types...)
	for _, u := range r.unknown {
		t.Errorf("nothing is recorded for %s", u)
	}
	for _, key := range r.asked {
		if strings.HasSuffix(key, "unsigned") {
			t.Error("a request was not signed")
		}
	}
}

// TestRecordedItems checks what the emulator cannot give; what it gives is
// checked by TestMoto.
func TestRecordedItems(t *testing.T) {
	r := newReplay(t)
	rec, err := r.collect(r.connection())
	if err != nil {
		t.Fatal(err)
	}
	const member = "222222222222"
	at := func(service, rest string) string { return "arn:aws:" + service + ":eu-west-1:" + member + ":" + rest }
	t.Run("sign-ins", func(t *testing.T) {
		holds(t, rec, "signIn", "e-1", `"root":true`, `"mfa":false`, `"result":"success"`, `"account":"arn:aws:iam::222222222222:root"`)
		holds(t, rec, "signIn", "e-2", `"root":false`, `"result":"failure"`)
		lacks(t, rec, "signIn", "e-2", `"account"`)
	})
	t.Run("backups", func(t *testing.T) {
		holds(t, rec, "backup", at("backup", "job/j-1"), `"result":"success"`, `"encrypted":true`, `"immutable":true`, `"bytes":2147483648`, `"datastore":"`+at("rds", "db:sealed")+`"`)
		lacks(t, rec, "backup", at("backup", "job/j-1"), `"separate"`)
		holds(t, rec, "backup", at("backup", "job/j-2"), `"result":"failure"`, `"separate":true`, `"encrypted":false`)
		lacks(t, rec, "backup", at("backup", "job/j-2"), `"immutable"`)
		for _, it := range rec.ByType("backup") {
			if strings.HasSuffix(it.ID, "j-3") || strings.HasSuffix(it.ID, "j-4") {
				t.Errorf("%s runs, or ended before the stretch", it.ID)
			}
		}
		if got, want := audit.FormatTime(found(t, rec, "backup", at("backup", "job/j-1")).At), "2026-12-04T17:00:00.5Z"; got != want {
			t.Errorf("ended at %s, want %s", got, want)
		}
	})
	t.Run("restores", func(t *testing.T) {
		holds(t, rec, "restore", at("backup", "restore-job/r-1"), `"test":true`, `"verified":true`, `"result":"success"`, `"minutes":40`)
		holds(t, rec, "restore", at("backup", "restore-job/r-2"), `"result":"failure"`, `"minutes":1`)
		lacks(t, rec, "restore", at("backup", "restore-job/r-2"), `"test"`, `"verified"`)
	})
	t.Run("findings", func(t *testing.T) {
		holds(t, rec, "alert", at("guardduty", "detector/d/finding/1"), `"severity":"high"`, `"status":"open"`, `"closedAt":"never"`, `"raisedAt":"2026-12-01T08:00:00Z"`)
		holds(t, rec, "alert", at("guardduty", "detector/d/finding/2"), `"severity":"low"`, `"status":"closed"`)
		lacks(t, rec, "alert", at("guardduty", "detector/d/finding/2"), `"closedAt"`)
	})
	t.Run("weaknesses", func(t *testing.T) {
		image := at("ecr", "repository/web@sha256:aa/")
		holds(t, rec, "vulnerability", image+"CVE-2026-0001", `"severity":"high"`, `"package":"zlib"`, `"status":"open"`)
		lacks(t, rec, "vulnerability", image+"CVE-2026-0001", `"foundAt"`)
		lacks(t, rec, "vulnerability", image+"CVE-2026-0002", `"severity"`)
		holds(t, rec, "vulnerability", image+"CVE-2026-0003", `"severity":"critical"`, `"fixAvailable":true`, `"foundAt":"2026-12-04T08:00:00Z"`, `"scanner":"Amazon Inspector"`)
	})
	t.Run("a database without automated backups that AWS Backup does not know", func(t *testing.T) {
		holds(t, rec, "datastore", at("rds", "db:plain"), `"backedUp":false`)
	})
}

func TestWindowsOfEvents(t *testing.T) {
	r := newReplay(t)
	rec, err := r.collect(r.connection())
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ typ, scope, from, to, limit string }{
		{"signIn", "222222222222/eu-west-1/sign-ins", "2026-09-16T08:00:00Z", "2026-12-15T07:45:00Z", "AWS keeps 90 days: what happened before 2026-09-16T08:00:00Z"},
		{"backup", "222222222222/eu-west-1/backup", "2026-11-15T08:00:00Z", "2026-12-15T07:45:00Z", "AWS keeps 30 days"},
		{"backup", "222222222222/eu-west-1/rds", "2026-12-08T08:00:00Z", "2026-12-15T07:45:00Z", "snapshots older than 7 days"},
	} {
		m := closed(t, rec, tc.typ, tc.scope)
		if got := audit.FormatTime(m.Covers.From); got != tc.from {
			t.Errorf("%s from %s, want %s", tc.typ, got, tc.from)
		}
		if got := audit.FormatTime(m.Covers.To); got != tc.to {
			t.Errorf("%s to %s, want %s", tc.typ, got, tc.to)
		}
		if !strings.Contains(strings.Join(m.Cannot, "\n"), tc.limit) {
			t.Errorf("%s does not say %q: %q", tc.typ, tc.limit, m.Cannot)
		}
	}
	if m := closed(t, rec, "account", "222222222222/iam-report"); !m.Covers.From.Before(replayWindow.AsOf.AddDate(0, 0, -1)) {
		t.Errorf("the report is about %s: its own instant, not that of the reading", audit.FormatTime(m.Covers.From))
	}
	c := r.connection()
	c.Window.To = c.Window.AsOf.AddDate(0, -4, 0)
	if rec, err = r.collect(c); err != nil {
		t.Fatal(err)
	}
	if m := closed(t, rec, "signIn", "222222222222/eu-west-1/sign-ins"); m.Complete || !strings.Contains(m.Reason, "outside the 90 days") {
		t.Errorf("a window that AWS has forgotten: %v %q", m.Complete, m.Reason)
	}
}

func TestNoSecretAnywhere(t *testing.T) {
	r := newReplay(t)
	c := r.connection()
	rec, err := r.collect(c)
	if err != nil {
		t.Fatal(err)
	}
	_, config, err := Driver.Open(c.Name, []byte(c.With), c.Env)
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{"replay-secret", "assumed-secret", "assumed-token", "AKIAREPLAY", "env:SECRET"}
	for _, secret := range secrets {
		if strings.Contains(string(config), secret) {
			t.Errorf("the configuration holds %s", secret)
		}
		for _, p := range rec.Pages {
			if strings.Contains(string(p.Body), secret) || strings.Contains(p.Query, secret) {
				t.Errorf("page %s %s holds %s", p.Kind, p.Query, secret)
			}
		}
		for _, m := range rec.Manifests {
			if strings.Contains(m.Reason+strings.Join(m.Queries, ""), secret) {
				t.Errorf("stream %s %s holds %s", m.Type, m.Scope, secret)
			}
		}
	}
}
