package source

import (
	"fmt"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/timeline"
)

func TestGlobs(t *testing.T) {
	for _, tc := range []struct {
		name  string
		globs Globs
		on    string
		want  any
	}{
		{"no list", nil, "admins", nil},
		{"an empty list", Globs{}, "admins", false},
		{"any case", Globs{"Admin*"}, "aDMINS", true},
		{"none matches", Globs{"prod-*", "root"}, "roots", false},
	} {
		if got := tc.globs.Known(tc.on); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
	if err := (Globs{"["}).Check("privileged"); err == nil {
		t.Error("a broken glob was taken")
	}
	if err := (Globs{""}).Check("privileged"); err == nil {
		t.Error("an empty glob was taken")
	}
}

func TestPersonID(t *testing.T) {
	for _, tc := range []struct {
		name          string
		form          PersonID
		number, email string
		want          string
	}{
		{"by number", "hr/{employeeNumber}", "7", "Ana@x.example", "hr/7 employee number true"},
		{"no number", "hr/{employeeNumber}", "", "ana@x.example", ""},
		{"by address", "hr/{email}", "7", "Ana@x.example", "hr/ana@x.example e-mail proposed false"},
		{"not wanted", "", "7", "ana@x.example", ""},
		{"braces in the value", "hr/{employeeNumber}", "{email}", "ana@x.example", "hr/{email} employee number true"},
	} {
		got := ""
		if f := tc.form.Link("okta/1", tc.number, tc.email); f != nil {
			got = fmt.Sprint(f["person"], " ", f["basis"], " ", f["confirmed"])
		}
		if got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
	for _, bad := range []PersonID{"hr", "hr/{name}", "{employeeNumber}{email}", "hr/{employeeNumber"} {
		if bad.Check("person") == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// TestPlainID: whatever a tool says becomes an id that is taken, and two texts two ids.
func TestPlainID(t *testing.T) {
	long := strings.Repeat("a/very/deep/folder/", 100)
	seen := map[string]string{}
	for _, text := range []string{"tool/web|CVE-2026-1", "tool/" + long + "1", "tool/" + long + "2", "tool/a\nb", "tool/a b", "tool/\xff", "tool/" + strings.Repeat("\u00e9", 600), "\x00"} {
		id := PlainID(text)
		if other, twice := seen[id]; twice {
			t.Errorf("%q and %q have one id", text, other)
		}
		seen[id] = text
		it := audit.Item{Type: "resource", ID: id, Body: []byte(`{}`)}
		if err := timeline.Check(audit.ModeSnapshot, it); err != nil {
			t.Errorf("%.40q: %v", text, err)
		}
	}
	if got := PlainID("tool/web|CVE-2026-1"); got != "tool/web|CVE-2026-1" {
		t.Errorf("a plain id became %q", got)
	}
}
