package restic

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source/backups/backupstest"
	"tieout/source/sourcetest"
	"tieout/source/sourcetest/live"
)

// TestLive reads a real repository with two real backups, then the same
// repository damaged.
func TestLive(t *testing.T) {
	restic := live.Program(t, "restic")
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "orders.csv"), []byte("1,2,3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := []string{"RESTIC_PASSWORD=" + secret, "RESTIC_REPOSITORY=" + filepath.Join(dir, "repo"), "RESTIC_CACHE_DIR=" + filepath.Join(dir, "cache")}
	live.Run(t, dir, env, restic, "init", "--quiet")
	for _, tag := range []string{"orders", "other"} {
		live.Run(t, dir, env, restic, "backup", "--quiet", "--host", "db1", "--tag", tag, "data")
	}
	now := audit.Instant(time.Now())
	c := sourcetest.Connection{
		Driver: Driver, Name: "nightly", Env: backupstest.Env(dir, secret),
		Window: audit.Window{Span: audit.Span{From: now.AddDate(0, -1, 0), To: now.AddDate(0, 1, 0)}, AsOf: now, Zone: "UTC"},
		With:   `{"repository":"repo","password":"env:P","check":true,"datastores":[{"datastore":"aws/orders","tag":"orders"}]}`,
	}
	r := sourcetest.Record(t, c)
	if got := r.ByType("backup"); len(got) != 2 || !strings.Contains(string(got[0].Body), `"datastore":"aws/orders"`) {
		t.Errorf("backups: %v", got)
	}
	if got := r.ByType("finding"); len(got) != 1 || !strings.Contains(string(got[0].Body), `"status":"met"`) {
		t.Errorf("check: %v", got)
	}
	if m := r.Manifest("backup"); len(m.Checks) != 1 || m.Checks[0].Got != "2" {
		t.Errorf("the list was not held to the repository's own: %+v", m)
	}
	if locks, err := os.ReadDir(filepath.Join(dir, "repo", "locks")); err != nil || len(locks) != 0 {
		t.Errorf("locks %v, %v; want none", locks, err)
	}

	if err := os.Remove(smallest(t, filepath.Join(dir, "repo", "data", "*", "*"))); err != nil {
		t.Fatal(err)
	}
	r = sourcetest.Record(t, c)
	if got := r.ByType("finding"); len(got) != 1 || !strings.Contains(string(got[0].Body), `"status":"not met"`) {
		t.Errorf("check of a damaged repository: %s", got[0].Body)
	}

	c.Env = backupstest.Env(dir, "another")
	if m := sourcetest.Record(t, c).Manifest("backup"); m.Complete || !strings.Contains(m.Reason, "wrong password") {
		t.Errorf("wrong password: %+v", m)
	}
}

// smallest is the smallest file of a glob: of the packs, the one with the
// file's six bytes; the others hold trees.
func smallest(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	size := func(path string) int64 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	return slices.MinFunc(found, func(a, b string) int { return cmp.Compare(size(a), size(b)) })
}
