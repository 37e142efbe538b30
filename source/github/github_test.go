package github

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/source/sourcetest"
)

func TestConform(t *testing.T) {
	r := newReplay(t)
	goodOrg(r)
	r.alerts()
	sourcetest.Conform(t, sourcetest.Connection{Driver: Driver, Name: "hub", With: r.with(`,"production":["api","web"],"privileged":["plat*"]`), Env: r.env(), Window: window()},
		Driver.Types...)
}

// TestItems holds what each kind of page becomes to what the organization is.
func TestItems(t *testing.T) {
	r := newReplay(t)
	goodOrg(r)
	rec, _ := r.collect(r.with(`,"production":["api","web"],"privileged":["plat*"]`), window())
	for _, tc := range []struct{ name, typ, id, want string }{
		{"an owner", "account", "hub/11", `{"admin":true,"kind":"human","login":"ana","mfa":{"enforced":true,"enrolled":true},"status":"active","system":"hub"}`},
		{"a member without a second factor", "account", "hub/13", `{"admin":false,"kind":"human","login":"cleo","mfa":{"enforced":false,"enrolled":false},"status":"active","system":"hub"}`},
		{"an outside collaborator", "account", "hub/15", `{"admin":false,"kind":"human","login":"eve","mfa":{"enforced":true,"enrolled":true},"status":"active","system":"hub"}`},
		{"a place in the organization", "membership", "hub/organization/11", `{"account":"hub/11","group":"acme","privileged":true,"role":"owner","system":"hub"}`},
		{"a place in a privileged team", "membership", "hub/team-7/12", `{"account":"hub/12","group":"platform","privileged":true,"role":"member","system":"hub"}`},
		{"a place outside", "membership", "hub/outside/15", `{"account":"hub/15","group":"outside collaborators","role":"member","system":"hub"}`},
		{"a repository that is scanned for secrets", "repository", "acme/api", `{"archived":false,"defaultBranch":"main","dependencyAlerts":true,"host":"127.0.0.1","name":"acme/api","production":true,"secretScanning":true,"visibility":"private"}`},
		{"a repository with everything off", "repository", "acme/web", `{"archived":false,"codeScanning":false,"defaultBranch":"main","host":"127.0.0.1","name":"acme/web","production":true,"secretScanning":false,"visibility":"private"}`},
		{"a repository that shows no settings", "repository", "acme/docs", `{"archived":true,"defaultBranch":"main","host":"127.0.0.1","name":"acme/docs","production":false,"visibility":"public"}`},
		{"branch protection", "protection", "acme/api:main", `{"adminsBound":true,"branch":"main","bypass":["user ana"],"codeOwners":true,"deletion":false,"dismissStale":false,"enabled":true,"forcePush":false,"repository":"acme/api","requiredApprovals":1,"requiredChecks":["lint","unit"],"signatures":false}`},
		{"rulesets alone", "protection", "acme/web:main", `{"adminsBound":true,"branch":"main","bypass":["team 42"],"codeOwners":false,"deletion":false,"dismissStale":true,"enabled":true,"forcePush":false,"repository":"acme/web","requiredApprovals":2,"requiredChecks":["build"],"signatures":false}`},
		{"no rule at all", "protection", "acme/docs:main", `{"adminsBound":false,"branch":"main","codeOwners":false,"deletion":true,"dismissStale":false,"enabled":false,"forcePush":true,"repository":"acme/docs","requiredApprovals":0,"requiredChecks":[],"signatures":false}`},
		{"a request only its author approved", "change", "acme/api#1", change(1, `"approvals":[],"approvedLater":[],"approvedLaterAt":"never","author":"ana"`, `"mergedBy":"ana"`, `"tickets":["ABC-1"],"title":"Self approved (ABC-1)"`)},
		{"approved, one dismissed, one changed their mind to yes", "change", "acme/api#2", change(2, `"approvals":["cleo"],"approvedLater":[],"approvedLaterAt":"never","author":"ana"`, `"mergedBy":"ben"`, `"tickets":["#8"],"title":"Squashed"`)},
		{"approved, withdrawn, approved by others after the merge", "change", "acme/api#3", change(3, `"approvals":[],"approvedLater":["cleo","dan"],"approvedLaterAt":"2026-03-13T09:30:00Z","author":"ben"`, `"mergedBy":"ana"`, `"tickets":[],"title":"Rebased"`)},
		{"by a program, checks run twice, still running and begun later", "change", "acme/api#4",
			`{"approvals":["ben"],"approvedLater":[],"approvedLaterAt":"never","author":"renovate[bot]","bot":true,"branch":"main","checks":{"failed":["lint"],"succeeded":["ci/legacy","unit"]},"commit":"` + sha("m4") +
				`","direct":false,"emergency":false,"mergedBy":"ben","number":4,"openedAt":"2026-03-01T08:00:00Z","repository":"acme/api","revert":false,"tickets":[],"title":"Bump a thing"}`},
		{"by a deleted account", "change", "acme/api#5",
			`{"approvals":["ben"],"approvedLater":[],"approvedLaterAt":"never","branch":"main","checks":{"failed":[],"succeeded":["unit"]},"commit":"` + sha("m5") +
				`","direct":false,"emergency":true,"number":5,"openedAt":"2026-03-01T08:00:00Z","repository":"acme/api","revert":false,"tickets":[],"title":"[hotfix] by a deleted account"}`},
		{"a direct push", "change", "acme/api@" + sha("push"),
			`{"approvals":[],"approvedLater":[],"approvedLaterAt":"never","author":"dan","bot":false,"branch":"main","commit":"` + sha("push") +
				`","direct":true,"emergency":false,"mergedBy":"dan","number":0,"openedAt":"never","parents":1,"repository":"acme/api","revert":false,"signed":false,"tickets":["OPS-9"],"title":"push: words"}`},
		{"a check that failed", "check", "acme/api/run-201", `{"commit":"` + pull{number: 4}.head() + `","name":"unit","repository":"acme/api","result":"failure"}`},
		{"a status", "check", "acme/api/status-301", `{"commit":"` + pull{number: 4}.head() + `","name":"ci/legacy","repository":"acme/api","result":"success"}`},
		{"a deployment of a request", "deployment", "acme/api/deployment-71",
			`{"automated":true,"by":"github-actions[bot]","change":"acme/api#4","commit":"` + sha("m4") + `","environment":"production","repository":"acme/api","result":"success"}`},
		{"a deployment of a direct push", "deployment", "acme/api/deployment-70",
			`{"automated":false,"by":"dan","change":"acme/api@` + sha("push") + `","commit":"` + sha("push") + `","environment":"production","repository":"acme/api","result":"failure"}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := json.Marshal(fields(t, rec, tc.typ, tc.id))
			if err != nil || string(got) != tc.want {
				t.Errorf("%s %s\n got %s\nwant %s", tc.typ, tc.id, got, tc.want)
			}
		})
	}
	for typ, want := range map[string]int{"account": 5, "membership": 7, "repository": 3, "protection": 3, "change": 6, "check": 10, "deployment": 2} {
		if got := len(rec.ByType(typ)); got != want {
			t.Errorf("%d items of type %s; want %d", got, typ, want)
		}
	}
}

// change is the body of a request whose one check succeeded.
func change(n int, before, by, after string) string {
	return fmt.Sprintf(`{%s,"bot":false,"branch":"main","checks":{"failed":[],"succeeded":["unit"]},"commit":"%s","direct":false,"emergency":false,%s,"number":%d,"openedAt":"2026-03-01T08:00:00Z","repository":"acme/api","revert":false,%s}`,
		before, sha(map[int]string{1: "m1", 2: "m2", 3: "m3b"}[n]), by, n, after)
}

func TestSettings(t *testing.T) {
	for _, tc := range []struct{ name, with, want string }{
		{"nothing", `{}`, "organization"},
		{"a path", `{"organization":"a/../b"}`, "organization"},
		{"the token itself", `{"organization":"acme","token":"` + testToken + `"}`, "reference"},
		{"http to the world", `{"organization":"acme","baseURL":"http://ghe.example.com"}`, "https"},
		{"a password in the address", `{"organization":"acme","baseURL":"https://ana:secret@ghe.example.com"}`, "without a name"},
		{"an unknown allowance", `{"organization":"acme","allow":"all"}`, "allow"},
		{"a broken glob", `{"organization":"acme","repositories":["["]}`, "glob"},
		{"a broken expression", `{"organization":"acme","emergency":"("}`, "emergency"},
		{"a wrong type", `{"organization":7}`, "organization"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := Driver.Open("hub", json.RawMessage(tc.with), (&replay{}).env())
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), testToken) || strings.Contains(err.Error(), "ana:secret") {
				t.Errorf("got %v; want it to speak of %q and no secret", err, tc.want)
			}
		})
	}
	_, config, err := Driver.Open("hub", json.RawMessage(`{"organization":"acme","token":"env:GITHUB_TOKEN"}`), (&replay{}).env())
	want := `{"emergency":"","host":"github.com","organization":"acme","repositories":[],"system":"hub"}`
	if err != nil || string(config) != want {
		t.Errorf("configuration %s, %v; want %s", config, err, want)
	}
}

func TestSelection(t *testing.T) {
	r := newReplay(t)
	r.organization(repository("api", nil), repository("legacy-web", nil), repository("web", nil))
	r.quiet("web")
	rec, _ := r.collect(r.with(`,"repositories":["WEB","acme/none"]`), window())
	if got := rec.ByType("repository"); len(got) != 1 || got[0].ID != "acme/web" {
		t.Errorf("repositories %v; want acme/web alone", got)
	}
	m := manifest(t, rec, "repository", "")
	if !m.Complete || len(m.Checks) != 1 || m.Checks[0] != (audit.Reconciling{Name: m.Checks[0].Name, Want: "3", Got: "3", OK: true}) {
		t.Errorf("the whole list is counted, selected or not: %+v", m)
	}
}
