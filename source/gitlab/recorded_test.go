package gitlab

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"tieout/audit"
	"tieout/source/forge/forgetest"
)

func recorded(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestRecorded reads users and a merge request as GitLab writes them.
func TestRecorded(t *testing.T) {
	r := newReplay(t)
	goodGroup(r)
	r.OK(usersPath, recorded(t, "users.json"))
	r.OK(membersPath, recorded(t, "users.json"))
	rec, _ := collect(t, r, "")
	if got := forgetest.Fields(t, rec, "account", "lab/4"); got["login"] != "john_smith" || got["kind"] != "human" || got["mfa"] == nil {
		t.Errorf("the administrator is %v", got)
	}
	if got := forgetest.Fields(t, rec, "account", "lab/5"); got["kind"] != "service" {
		t.Errorf("the bot is %v", got)
	}
	if got, there := forgetest.Fields(t, rec, "account", "lab/1")["mfa"]; there {
		t.Errorf("of a user whose second factor is not told: %v", got)
	}
	var q request
	if err := json.Unmarshal([]byte(recorded(t, "merge_request.json")), &q); err != nil {
		t.Fatal(err)
	}
	if q.Number != 15442 || q.Target != "master" || q.Merged != nil || len(q.commits()) != 1 || !q.Author.known() {
		t.Errorf("the request reads as %+v", q)
	}
}

// FuzzNormalize: no page makes normalizing panic, or give what the schema does not know.
func FuzzNormalize(f *testing.F) {
	r := forgetest.New(f, "PRIVATE-TOKEN", forgetest.Token)
	goodGroup(r)
	rec, _ := collect(f, r, "")
	for _, p := range rec.Pages {
		f.Add(p.Kind, p.Scope, p.Query, p.Body)
	}
	for _, name := range []string{"users.json", "merge_request.json"} {
		f.Add(kindMembers, "", "GET /groups/acme/members", []byte("["+recorded(f, name)+"]"))
	}
	f.Fuzz(func(t *testing.T, kind, scope, query string, body []byte) {
		p := audit.Page{Source: "lab", Kind: kind, Scope: scope, Query: query, Media: "application/json", Body: body, About: forgetest.Window().Span}
		forgetest.Fuzzed(t, Driver, rec.Config, p)
	})
}

// TestWildcards: a rule's name holds for the branches that GitLab says it does.
func TestWildcards(t *testing.T) {
	for _, tc := range []struct {
		rule, branch string
		want         bool
	}{{"main", "main", true}, {"main", "main2", false}, {"*", "main", true}, {"ma*", "main", true}, {"*-stable", "main", false}, {"m.in", "main", false}, {"release/*", "release/1/2", true}} {
		if got := (protectedBranch{Name: tc.rule}).applies(tc.branch); got != tc.want {
			t.Errorf("%s on %s: %v; want %v", tc.rule, tc.branch, got, tc.want)
		}
	}
}
