package definition

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tieout/audit"
	"tieout/library"
	"tieout/procedure"
)

// forbidden are words that are never said about a company, a control or a
// report, and claims of the primer's list of false statements.
var forbidden = regexp.MustCompile(`(?i)\b(compliant|certified|certification|audit-ready|score[sd]?|SSAE ?(16|231)|pass or fail|WebTrust|SysTrust|trust service principles|AICPA|HITRUST certif\w*)\b`)

// british are spellings of the other English.
var british = regexp.MustCompile(`(?i)\b\w*(organis|authoris|centralis|recognis|rationalis|anonymis|minimis|categoris|prioritis|analys(e|ed|es|ing)\b|behaviour|colour|favour|honour|labour|programme|licence|catalogue|defence|offence|judgement|cancelled|labelled|modelled|enrol\b|fulfil\b|centre|cheque|grey\b)\w*`)

func TestLibraryWords(t *testing.T) {
	err := fs.WalkDir(library.Files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := fs.ReadFile(library.Files, name)
		if err != nil {
			return err
		}
		for i, line := range strings.Split(string(data), "\n") {
			for what, words := range map[string]*regexp.Regexp{"forbidden": forbidden, "British": british} {
				if w := words.FindString(line); w != "" {
					t.Errorf("%s:%d: %s: %q", name, i+1, what, w)
				}
			}
			if len(line) > 180 {
				t.Errorf("%s:%d: %d bytes; wrap it", name, i+1, len(line))
			}
			if strings.ContainsRune(line, '\t') || strings.HasSuffix(line, " ") {
				t.Errorf("%s:%d: tab or space at the end", name, i+1)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// lintWarnings are the texts of the library that a reviewer may dispute, and
// why each stays.
var lintWarnings = map[string]string{}

func TestLibraryControlsAreTestable(t *testing.T) {
	for _, c := range catalog(t).Controls {
		for _, w := range Lint(c) {
			if lintWarnings[w.Control] == "" {
				t.Errorf("%s: %s", w.Control, w.Text)
			}
		}
	}
}

func TestLint(t *testing.T) {
	for _, c := range []struct {
		name    string
		control audit.Control
		want    int
	}{
		{"actor, action and time", audit.Control{Description: "IT disables every account of a leaver within 1 business day of leaving."}, 0},
		{"vague words", audit.Control{Description: "IT disables accounts of leavers in a timely manner and reviews them periodically."}, 2},
		{"no cadence", audit.Control{Frequency: "quarterly", Description: "The owner of the system reviews its accounts and removes what is stale."}, 1},
		{"cadence said", audit.Control{Frequency: "quarterly", Description: "The owner of the system reviews its accounts once a quarter."}, 0},
		{"short", audit.Control{Description: "Accounts are reviewed."}, 1},
	} {
		if got := Lint(c.control); len(got) != c.want {
			t.Errorf("%s: got %v, want %d warnings", c.name, got, c.want)
		}
	}
}

var frequencies = []string{"continuous", "daily", "weekly", "monthly", "quarterly", "semi-annual", "annual", "per event"}

func TestLibraryControlFrequencies(t *testing.T) {
	for _, c := range catalog(t).Controls {
		for _, f := range strings.Split(c.Frequency, " + ") {
			if !slices.Contains(frequencies, f) {
				t.Errorf("%s: frequency %q is not one of %v", c.ID, f, frequencies)
			}
		}
		if c.Population == "" || c.Tests == "" || c.Evidence == "" || c.Sampling == "" || len(c.Data) == 0 || len(c.Type) == 0 {
			t.Errorf("%s: population, tests, evidence, sampling, data or type is missing", c.ID)
		}
		if len(c.Categories) == 0 {
			t.Errorf("%s: no category", c.ID)
		}
		for _, cat := range c.Categories {
			if !slices.Contains(categoriesOf(t, c), cat) {
				t.Errorf("%s: is of category %s, but none of its criteria is", c.ID, cat)
			}
		}
	}
}

func categoriesOf(t *testing.T, c audit.Control) []audit.Category {
	var out []audit.Category
	for _, id := range c.Criteria {
		out = append(out, catalog(t).Set(DefaultSet).Criterion(id).Category)
	}
	return out
}

// pastTense are the words an auditor's account of a test starts with.
var pastTense = regexp.MustCompile(`\b(Inspected|inspected|Compared|compared|Recalculated|recalculated|Reperformed|matched|confirmed)\b`)

// Library checks every procedure by running its examples; this holds their
// number and that each is written in full.
func TestLibraryProcedures(t *testing.T) {
	c := catalog(t)
	if len(c.Procedures) < 40 {
		t.Errorf("got %d procedures, want at least 40", len(c.Procedures))
	}
	forms := map[audit.Form]int{}
	for _, p := range c.Procedures {
		forms[p.Form]++
		if p.Why == "" || p.Ask == "" || p.Fix == "" || !strings.HasSuffix(p.Population, ".") || !strings.HasSuffix(p.Statement, ".") {
			t.Errorf("%s: statement, population sentence, why, ask or fix is missing", p.ID)
		}
		if !pastTense.MatchString(p.Statement) {
			t.Errorf("%s: the statement does not say in the past tense what was done: %q", p.ID, p.Statement)
		}
	}
	for _, f := range []audit.Form{audit.Continuous, audit.Event, audit.Cadence} {
		if forms[f] < 10 {
			t.Errorf("%s: got %d procedures, want at least 10", f, forms[f])
		}
	}
}

// Each of these is tested by name somewhere a reader will look for it.
func TestLibraryProceduresThatMustBeThere(t *testing.T) {
	for _, id := range []string{"access.mfa", "access.sso", "access.root", "access.identities", "access.shared", "access.leavers",
		"access.privileged", "access.grants", "access.review", "access.review.removals", "change.review", "change.direct", "change.checks",
		"change.ticket", "change.emergency", "deployment.change", "repository.protection", "people.background", "people.training",
		"people.acknowledgement", "people.devices", "vulnerability.critical", "vulnerability.high", "vulnerability.medium", "backup.daily",
		"backup.restore", "key.age", "key.certificate", "datastore.encryption", "resource.exposure", "resource.logging", "incident.handling",
		"incident.rootcause", "risk.register", "policy.review", "vendor.review", "board.meeting", "vulnerability.scan", "firewall.review",
		"penetration.test", "recovery.test", "deficiency.closure"} {
		if _, err := catalog(t).Procedure(id); err != nil {
			t.Error(err)
		}
	}
}

// TestLibraryReachesEveryCriterion holds the library to what 'tieout control
// coverage' says of it: every criterion by a procedure that needs no person,
// every control by one of its sort.
func TestLibraryReachesEveryCriterion(t *testing.T) {
	c := catalog(t)
	reached := Reach(c.Set(DefaultSet).Criteria, c.Controls, c.Procedures)
	if len(reached) != 61 {
		t.Errorf("got %d criteria, want 61", len(reached))
	}
	for _, r := range reached {
		if !r.By(Automated) {
			t.Errorf("%s: no automated, event or cadence procedure reaches it", r.Criterion.ID)
		}
	}
	manual := func(p *procedure.Procedure) bool { return p.Form == audit.Manual }
	sorts := map[string]int{}
	for _, ctl := range c.Controls {
		sorts[ctl.Automation]++
		tests := slices.DeleteFunc(slices.Clone(c.Procedures), func(p *procedure.Procedure) bool { return !slices.Contains(p.Controls, ctl.ID) })
		if ctl.Automation != "none" && !slices.ContainsFunc(tests, Automated) {
			t.Errorf("%s is testable (%s), but no automated, event or cadence procedure tests it", ctl.ID, ctl.Automation)
		}
		if i := slices.IndexFunc(tests, manual); ctl.Automation == "none" && (i < 0 || len(tests[i].Questions) == 0 || len(tests[i].Evidence) == 0) {
			t.Errorf("%s is for a person, but no manual procedure says what to ask and what to see", ctl.ID)
		}
	}
	if sorts["full"]+sorts["partial"] != 123 || sorts["none"] != 17 {
		t.Errorf("got %v controls, want 123 full or partial and 17 none", sorts)
	}
}

// A finding of another tool supports what is tested here; no control rests on
// it alone.
func TestFindingsOfOtherToolsStandBesideATestOfOurs(t *testing.T) {
	c := catalog(t)
	reads := func(p *procedure.Procedure) bool { return slices.Contains(p.Types, "finding") }
	for _, p := range c.Procedures {
		for _, id := range p.Controls {
			alone := !slices.ContainsFunc(c.Procedures, func(q *procedure.Procedure) bool { return !reads(q) && Automated(q) && slices.Contains(q.Controls, id) })
			if reads(p) && alone {
				t.Errorf("%s: %s rests on another tool alone", p.ID, id)
			}
		}
	}
}

func TestReachTakesTheLastRevision(t *testing.T) {
	controls := []audit.Control{
		{ID: "A-1", Title: "old", Criteria: []string{"CC1.1"}}, {ID: "A-1", Title: "new", Criteria: []string{"CC1.1"}}, {ID: "B-1", Criteria: []string{"CC1.2"}},
	}
	procs := []*procedure.Procedure{{ID: "a", Controls: []string{"A-1"}, Title: "old"}, {ID: "a", Controls: []string{"A-1"}, Title: "new", Form: audit.Manual}}
	got := Reach([]audit.Criterion{{ID: "CC1.1"}, {ID: "CC1.2"}}, controls, procs)
	if c := got[0].Controls; len(c) != 1 || c[0].Control.Title != "new" || len(c[0].Procedures) != 1 || c[0].Procedures[0].Title != "new" {
		t.Errorf("got %+v, want A-1 once, as revised, with a as revised", got[0])
	}
	if got[0].By(Automated) || got[1].By(func(*procedure.Procedure) bool { return true }) {
		t.Error("a manual procedure needs a person, and B-1 has none")
	}
}

// A test of a control with criteria of several categories stays in scope for
// an organization that chose only one of them.
func TestCategoriesChooseTheControls(t *testing.T) {
	for _, c := range []struct {
		categories string
		criteria   int
		in, out    string
	}{
		{"[S]", 33, "IAM-06", "CAP-01"},
		{"[S, A]", 36, "CAP-01", "PRI-01"},
		{"[S, C]", 35, "CNF-01", "PIN-01"},
		{"[S, PI]", 38, "PIN-01", "PRI-01"},
		{"[S, P]", 51, "PRI-01", "CAP-01"},
		{"[S, A, PI, C, P]", 61, "PRI-01", ""},
	} {
		files := minimal()
		files["tieout.yaml"] = []byte("organization: { name: H, system: L, zone: UTC, categories: " + c.categories + " }\nperiod: { first: 2026-01-01, last: 2026-12-31 }\n")
		w := load(t, files)
		if len(w.Criteria()) != c.criteria {
			t.Errorf("%s: got %d criteria, want %d", c.categories, len(w.Criteria()), c.criteria)
		}
		if !w.hasControl(c.in) || c.out != "" && w.hasControl(c.out) {
			t.Errorf("%s: %s should be here (%v), %s not (%v)", c.categories, c.in, w.hasControl(c.in), c.out, w.hasControl(c.out))
		}
	}
}

// TestLibraryExamples runs the examples of every procedure in the library, which
// loading it trusts, and holds what loading tells of each to its compiled form.
func TestLibraryExamples(t *testing.T) {
	names, err := fs.Glob(library.Files, "procedures/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("the library has %d procedures (%v)", len(names), err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(library.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := procedure.Parse(name, data)
		if err != nil {
			t.Error(err)
			continue
		}
		outline, err := procedure.ParseTrusted(name, data)
		if err != nil {
			t.Error(err)
			continue
		}
		if diff := cmp.Diff(whole, outline, cmpopts.IgnoreUnexported(procedure.Procedure{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: compiled and not compiled (-want +got):\n%s", name, diff)
		}
	}
}

// A parameter that nothing reads would promise another test and give the same.
func TestLibraryParametersAreRead(t *testing.T) {
	for _, p := range catalog(t).Procedures {
		for name := range p.Parameters {
			if !regexp.MustCompile(`\bparams\.` + name + `\b`).Match(p.Document()) {
				t.Errorf("%s: nothing reads the parameter %s", p.ID, name)
			}
		}
	}
}

// BenchmarkLibrary is what loading the library adds to the start of a command.
func BenchmarkLibrary(b *testing.B) {
	files, err := readFS(library.Files)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := loadCatalog(files); err != nil {
			b.Fatal(err)
		}
	}
}
