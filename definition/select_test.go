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
		"IAM-06": "No source gives what its procedures read: access.factors needs authPolicy; access.mfa needs account; application.factors needs application.",
		"GOV-03": "A person tests it: manual.charter says what to ask and what to see.",
		"INC-01": "No source gives what its procedures read: plan.incident needs document. A person tests it: manual.incident.plan says what to ask and what to see.",
	} {
		if why[id] != want {
			t.Errorf("%s: got %q, want %q", id, why[id], want)
		}
	}
	if slices.Contains(procedureIDs(sel.Procedures), "manual.charter") {
		t.Error("a manual procedure of the library is performed for a control nobody chose")
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

func TestManualProceduresAreForControlsThatWereChosen(t *testing.T) {
	files := minimal()
	files["controls/main.yaml"] = []byte("controls:\n  - use: GOV-03\n")
	sel := load(t, files).Select(driverTypes)
	if got := procedureIDs(sel.Procedures); !slices.Equal(got, []string{"manual.charter"}) || len(sel.Untested) > 0 {
		t.Errorf("chosen: got %v and %v untested, want manual.charter", got, sel.Untested)
	}
	files = minimal()
	files["procedures/own.yaml"] = []byte("id: own.charter\ntitle: The charter\ncontrols: [GOV-03]\nmanual: { questions: [Is there one?] }\n")
	sel = load(t, files).Select(driverTypes)
	if got := procedureIDs(sel.Procedures); !slices.Equal(got, []string{"own.charter"}) {
		t.Errorf("written in the workspace: got %v, want own.charter", got)
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

// TestSelectIssues: issues of the workspace's own registers are tickets of one
// kind, and only where the settings name them; they are not all tickets there are.
func TestSelectIssues(t *testing.T) {
	types := func(kind string) []string {
		return map[string][]string{"program": {"risk", "ticket"}, "jira": {"ticket"}}[kind]
	}
	for name, tt := range map[string]struct {
		files        map[string]string
		deficiencies bool
		cases        bool
	}{
		"registers":                     {map[string]string{"sources/program.yaml": "kind: program\n"}, false, false},
		"registers that name them":      {map[string]string{"sources/program.yaml": "kind: program\nwith: { types: [risk, ticket] }\n"}, true, false},
		"a ticket system":               {map[string]string{"sources/jira.yaml": "kind: jira\n"}, true, true},
		"a ticket system and registers": {map[string]string{"sources/jira.yaml": "kind: jira\n", "sources/program.yaml": "kind: program\n"}, true, true},
	} {
		files := minimal()
		for path, text := range tt.files {
			files[path] = []byte(text)
		}
		sel := load(t, files).Select(types)
		got := procedureIDs(sel.Procedures)
		if slices.Contains(got, "deficiency.closure") != tt.deficiencies || slices.Contains(got, "conduct.cases") != tt.cases {
			t.Errorf("%s: deficiencies are tested: %v, want %v; cases of conduct: %v, want %v", name, slices.Contains(got, "deficiency.closure"), tt.deficiencies,
				slices.Contains(got, "conduct.cases"), tt.cases)
		}
	}
}
