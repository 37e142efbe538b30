package definition

import (
	"slices"
	"testing"

	"tieout/audit"
	"tieout/procedure"
)

func driverTypes(kind string) []string {
	return map[string][]string{"git": {"change", "repository"}, "workstation": {"device"}}[kind]
}

func ids(list []NotTested) map[string]string {
	out := map[string]string{}
	for _, n := range list {
		out[n.Control.ID] = n.Why
	}
	return out
}

func TestSelectWithoutControlFiles(t *testing.T) {
	w := load(t, minimal())
	sel := w.Select(driverTypes)
	if got := procedureIDs(sel.Procedures); !slices.Contains(got, "change.review") || slices.Contains(got, "access.mfa") {
		t.Errorf("procedures on a git repository: %v", got)
	}
	in := func(id string) bool {
		return slices.ContainsFunc(sel.Controls, func(c audit.Control) bool { return c.ID == id })
	}
	if !in("SDL-02") || in("IAM-06") {
		t.Errorf("SDL-02 in scope: %v, want true; IAM-06 in scope: %v, want false", in("SDL-02"), in("IAM-06"))
	}
	if len(sel.Untested) > 0 {
		t.Errorf("without control files nothing is in scope and untested; got %v", sel.Untested)
	}
	why := ids(sel.Outside)
	for id, want := range map[string]string{
		"IAM-06": "No source gives what its procedures read: access.mfa needs account.",
		"GOV-03": "A person tests it: no system records it, and no manual procedure is written for it.",
		"SDL-07": "No procedure is written for it.",
	} {
		if why[id] != want {
			t.Errorf("%s: got %q, want %q", id, why[id], want)
		}
	}
	if len(sel.Controls)+len(sel.Outside) != len(w.Controls) {
		t.Errorf("got %d and %d controls, want %d in all", len(sel.Controls), len(sel.Outside), len(w.Controls))
	}
}

func procedureIDs(list []*procedure.Procedure) []string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = p.ID
	}
	return out
}

func TestSelectWithControlFiles(t *testing.T) {
	files := minimal()
	files["controls/main.yaml"] = []byte("controls:\n  - use: IAM-06\n  - use: SDL-02\n")
	sel := load(t, files).Select(driverTypes)
	if len(sel.Controls) != 2 || len(sel.Outside) != 0 {
		t.Errorf("got %d controls in scope and %d outside, want 2 and 0", len(sel.Controls), len(sel.Outside))
	}
	if why := ids(sel.Untested); len(why) != 1 || why["IAM-06"] == "" {
		t.Errorf("got %v, want IAM-06 untested", why)
	}
}

func TestFilesSourceGivesWhatItsStreamsName(t *testing.T) {
	files := minimal()
	files["sources/hr.yaml"] = []byte(`kind: files
with:
  streams:
    - { files: a.csv, type: account, links: { person: "{n}", account: "{l}", basis: number } }
    - { files: b.csv, type: person }
    - { files: c.csv, type: nonsense }
`)
	w := load(t, files)
	i := slices.IndexFunc(w.Sources, func(s SourceDef) bool { return s.Name == "hr" })
	if got, want := w.Sources[i].Types(nil), []string{"account", "link", "person"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	sel := w.Select(driverTypes)
	if got := procedureIDs(sel.Procedures); !slices.Contains(got, "access.identities") || slices.Contains(got, "access.leavers") {
		t.Errorf("with accounts, links and people but no keys: %v", got)
	}
}
