package gitea

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/forge/forgetest"
	"tieout/source/sourcetest"
)

type (
	obj = forgetest.Obj
	arr = forgetest.Arr
)

var (
	at   = forgetest.At
	sha  = forgetest.SHA
	good = forgetest.Good
	bad  = forgetest.Bad
)

func newReplay(t testing.TB) *forgetest.Replay {
	return forgetest.New(t, "Authorization", "token "+forgetest.Token)
}

func with(r *forgetest.Replay, extra string) string {
	return fmt.Sprintf(`{"organization":"acme","baseURL":"%s/api/v1","token":"env:TOKEN","allow":"loopback"%s}`, r.Server.URL, extra)
}

// collect runs one collection without real pauses, and returns those it made.
func collect(t testing.TB, r *forgetest.Replay, extra string) (*sourcetest.Recorder, []time.Duration) {
	t.Helper()
	col, config, err := Driver.Open("tea", json.RawMessage(with(r, extra)), r.Env())
	if err != nil {
		t.Fatal(err)
	}
	var pauses []time.Duration
	col.(*collector).wait = func(_ context.Context, d time.Duration) error {
		pauses = append(pauses, d)
		return nil
	}
	return forgetest.Collect(t, Driver, col, config, forgetest.Window()), pauses
}

var users = map[string]int{"ana": 11, "ben": 12, "cleo": 13, "dan": 14, "eve": 15}

func person(login string) any {
	if login == "" {
		return obj{"id": -1, "login": "Ghost"}
	}
	return obj{"id": users[login], "login": login, "email": login + "@acme.test", "active": login != "ben", "prohibit_login": login == "dan",
		"created": "2025-01-02T08:00:00Z", "last_login": map[bool]string{true: "0001-01-01T00:00:00Z", false: at(30, "08:00")}[login == "cleo"]}
}

const (
	api         = "/api/v1/repos/acme/api"
	docs        = "/api/v1/repos/acme/docs"
	membersPath = "/api/v1/orgs/acme/members?limit=50"
	teamsPath   = "/api/v1/orgs/acme/teams?limit=50"
	reposPath   = "/api/v1/orgs/acme/repos?limit=50"
	pullsPath   = api + "/pulls?state=closed&sort=recentupdate&limit=50"
	commitsPath = api + "/commits?sha=main&stat=false&files=false&limit=50"
	total       = "X-Total-Count"
)

// goodOrg answers a whole organization: api with a history, docs without a branch.
func goodOrg(r *forgetest.Replay) {
	r.OK("/api/v1/user", obj{"id": 11, "login": "ana", "is_admin": true})
	r.Pages(teamsPath, total, arr{obj{"id": 2, "name": "platform", "permission": "write"}, obj{"id": 1, "name": "Owners", "permission": "owner"}})
	r.Pages("/api/v1/teams/1/members?limit=50", total, arr{person("ana")})
	r.Pages("/api/v1/teams/2/members?limit=50", total, arr{person("ana"), person("ben")})
	r.Pages(membersPath, total, arr{person("ana"), person("ben")}, arr{person("cleo")})
	r.Pages(reposPath, total, arr{
		obj{"id": 7, "full_name": "acme/api", "default_branch": "main", "private": true, "internal": false, "archived": false, "empty": false},
		obj{"id": 8, "full_name": "acme/docs", "default_branch": "main", "private": false, "internal": true, "archived": true, "empty": true}})
	r.Pages(api+"/collaborators?limit=50", total, arr{person("eve"), person("ana")})
	r.Pages(docs+"/collaborators?limit=50", total, arr{})
	r.OK(api+"/branches/main", obj{"name": "main", "protected": true, "effective_branch_protection_name": "ma*"})
	r.OK(api+"/branch_protections", arr{
		obj{"rule_name": "release", "enable_push": true},
		obj{"rule_name": "ma*", "enable_push": true, "enable_push_whitelist": true, "push_whitelist_usernames": arr{"ana"}, "push_whitelist_teams": arr{}, "push_whitelist_deploy_keys": true, "enable_force_push": false,
			"enable_status_check": true, "status_check_contexts": arr{"unit", "lint"}, "required_approvals": 1, "dismiss_stale_approvals": true, "require_signed_commits": true, "block_admin_merge_override": true}})
	goodHistory(r)
}

// A pull is one merged request.
type pull struct {
	number                              int
	author, merged, title, body, commit string
	reviews, statuses                   arr
}

func (p pull) head() string { return sha(fmt.Sprintf("head%d", p.number)) }

func (p pull) object() obj {
	o := obj{"number": p.number, "title": p.title, "body": p.body, "created_at": at(1, "08:00"), "updated_at": p.merged, "merged_at": p.merged, "merge_commit_sha": sha(p.commit),
		"user": person(p.author), "merged_by": person("ana"), "labels": arr{}, "base": obj{"ref": "main"}, "head": obj{"ref": "topic", "sha": p.head()}}
	if p.merged == "" {
		o["merged_at"], o["updated_at"], o["merge_commit_sha"] = nil, at(25, "08:00"), nil
	}
	return o
}

func review(login, state, when string, official, dismissed bool) obj {
	return obj{"user": person(login), "state": state, "submitted_at": when, "official": official, "dismissed": dismissed}
}

func status(id int, context, state, when string) obj {
	return obj{"id": id, "context": context, "status": state, "created_at": when}
}

func pulls() []pull {
	return []pull{
		{number: 4, author: "ana", title: "Closed without a merge"},
		{number: 3, author: "", merged: at(13, "10:00"), commit: "m3", title: "hotfix: of a deleted account", reviews: arr{review("ben", "APPROVED", at(12, "10:00"), true, false)}},
		{number: 2, author: "ben", merged: at(12, "10:00"), commit: "m2", title: "Rebased", reviews: arr{
			review("ana", "APPROVED", at(11, "10:00"), true, true), review("cleo", "APPROVED", at(11, "11:00"), false, false), review("ben", "APPROVED", at(11, "12:00"), true, false), review("dan", "APPROVED", at(13, "12:00"), true, false)}},
		{number: 1, author: "ana", merged: at(10, "10:00"), commit: "m1", title: "Add export", body: "Closes #8 and OPS-12", reviews: arr{
			review("ben", "REQUEST_CHANGES", at(8, "10:00"), true, false), review("ben", "APPROVED", at(9, "10:00"), true, false), review("cleo", "COMMENT", at(9, "10:00"), true, false)},
			statuses: arr{status(101, "unit", "pending", at(9, "08:00")), status(102, "unit", "success", at(9, "08:10")), status(103, "lint", "success", at(9, "08:00")), status(104, "lint", "pending", at(10, "09:59")), status(105, "lint", "success", at(10, "10:01")), status(106, "style", "warning", at(9, "08:00"))}},
		{number: 9, author: "ana", merged: "2026-02-20T10:00:00Z", commit: "before", title: "Before the window"},
	}
}

func committed(word, login, when, message string, parents ...string) obj {
	list := arr{}
	for _, p := range parents {
		list = append(list, obj{"sha": sha(p)})
	}
	who := obj{"name": "x", "email": "X@acme.test", "date": when}
	var u any
	if login != "" {
		u = person(login)
	}
	return obj{"sha": sha(word), "author": u, "committer": u, "parents": list, "commit": obj{"message": message, "author": who, "committer": who, "verification": obj{"signature": "-----BEGIN"}}}
}

func goodHistory(r *forgetest.Replay) {
	list := arr{}
	for _, p := range pulls() {
		list = append(list, p.object())
		r.Pages(fmt.Sprintf("%s/pulls/%d/reviews?limit=50", api, p.number), total, p.reviews)
		r.Pages(api+"/commits/"+p.head()+"/statuses?limit=50", total, p.statuses)
	}
	r.Pages(pullsPath, total, list)
	r.Pages(commitsPath, total, arr{
		committed("push", "dan", at(18, "09:00"), "Pushed\n\nRefs OPS-9", "m3"), committed("m3", "ana", at(13, "10:00"), "m3", "m2", "side"), committed("side", "ben", at(13, "09:00"), "side", "m2"),
		committed("m2", "ben", at(12, "10:00"), "second", "m2a"), committed("m2a", "ben", at(12, "09:00"), "first", "old"), committed("old", "", at(11, "09:00"), "found by its request", "m1"),
		committed("m1", "ana", at(10, "10:00"), "squashed", "before"), committed("before", "ana", "2026-02-20T10:00:00Z", "before")})
	r.Pages(api+"/pulls/2/commits?limit=50", total, arr{committed("o1", "ben", at(12, "09:00"), "first"), committed("o2", "ben", at(12, "10:00"), "second")})
	r.Pages(api+"/pulls/1/commits?limit=50", total, arr{committed("o3", "ana", at(9, "10:00"), "third")})
	r.On(api+"/commits/"+sha("push")+"/pull", bad(404, "pull request does not exist"))
	r.OK(api+"/commits/"+sha("old")+"/pull", pulls()[4].object())
}

func TestConform(t *testing.T) {
	r := newReplay(t)
	goodOrg(r)
	sourcetest.Conform(t, sourcetest.Connection{Driver: Driver, Name: "tea", With: with(r, ""), Env: r.Env(), Window: forgetest.Window()}, Driver.Types...)
}

// TestItems holds what the organization's answers become.
func TestItems(t *testing.T) {
	r := newReplay(t)
	goodOrg(r)
	rec, _ := collect(t, r, `,"production":["api"],"privileged":["platform"]`)
	for _, tc := range []struct{ typ, id, want string }{
		{"account", "tea/11", `{"admin":true,"createdAt":"2025-01-02T08:00:00Z","email":"ana@acme.test","kind":"human","login":"ana","status":"active","system":"tea"}`},
		{"account", "tea/12", `{"admin":false,"createdAt":"2025-01-02T08:00:00Z","email":"ben@acme.test","kind":"human","login":"ben","status":"pending","system":"tea"}`},
		{"account", "tea/15", `{"admin":false,"createdAt":"2025-01-02T08:00:00Z","email":"eve@acme.test","kind":"human","login":"eve","status":"active","system":"tea"}`},
		{"membership", "tea/organization/11", `{"account":"tea/11","group":"acme","privileged":true,"role":"owner","system":"tea"}`},
		{"membership", "tea/team-2/12", `{"account":"tea/12","group":"platform","privileged":true,"role":"member","system":"tea"}`},
		{"membership", "tea/acme/api/15", `{"account":"tea/15","group":"acme/api","system":"tea"}`},
		{"repository", "acme/api", `{"archived":false,"defaultBranch":"main","host":"127.0.0.1","name":"acme/api","production":true,"visibility":"private"}`},
		{"repository", "acme/docs", `{"archived":true,"defaultBranch":"","host":"127.0.0.1","name":"acme/docs","production":false,"visibility":"internal"}`},
		{"protection", "acme/api:main", `{"adminsBound":true,"branch":"main","bypass":["deploy keys","user ana"],"deletion":false,"dismissStale":true,"enabled":true,"forcePush":false,"repository":"acme/api","requiredApprovals":1,"requiredChecks":["lint","unit"],"signatures":true}`},
		{"change", "acme/api#1", `{"approvals":["ben"],"approvedLater":[],"approvedLaterAt":"never","author":"ana","branch":"main","checks":{"failed":["lint"],"succeeded":["unit"]},"commit":"` + sha("m1") + `","direct":false,"emergency":false,"mergedBy":"ana","number":1,"openedAt":"2026-03-01T08:00:00Z","repository":"acme/api","revert":false,"tickets":["#8","OPS-12"],"title":"Add export"}`},
		{"change", "acme/api#2", `{"approvals":[],"approvedLater":["dan"],"approvedLaterAt":"2026-03-13T12:00:00Z","author":"ben","branch":"main","checks":{"failed":[],"succeeded":[]},"commit":"` + sha("m2") + `","direct":false,"emergency":false,"mergedBy":"ana","number":2,"openedAt":"2026-03-01T08:00:00Z","repository":"acme/api","revert":false,"tickets":[],"title":"Rebased"}`},
		{"change", "acme/api#3", `{"branch":"main","checks":{"failed":[],"succeeded":[]},"commit":"` + sha("m3") + `","direct":false,"emergency":true,"mergedBy":"ana","number":3,"openedAt":"2026-03-01T08:00:00Z","repository":"acme/api","revert":false,"tickets":[],"title":"hotfix: of a deleted account"}`},
		{"change", "acme/api@" + sha("push"), `{"approvals":[],"approvedLater":[],"approvedLaterAt":"never","author":"dan","branch":"main","commit":"` + sha("push") + `","direct":true,"emergency":false,"mergedBy":"dan","number":0,"openedAt":"never","parents":1,"repository":"acme/api","revert":false,"signed":true,"tickets":["OPS-9"],"title":"Pushed"}`},
		{"check", "acme/api/status-106", `{"commit":"` + pull{number: 1}.head() + `","name":"style","repository":"acme/api","result":"neutral"}`},
	} {
		got, err := json.Marshal(forgetest.Fields(t, rec, tc.typ, tc.id))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != tc.want {
			t.Errorf("%s %s\n got %s\nwant %s", tc.typ, tc.id, got, tc.want)
		}
	}
	for typ, want := range map[string]int{"account": 4, "membership": 8, "repository": 2, "protection": 1, "change": 4, "check": 4} {
		if got := len(rec.ByType(typ)); got != want {
			t.Errorf("%d items of type %s; want %d", got, typ, want)
		}
	}
}

// TestFailures: what a refusal or a failure of one address does to which stream.
func TestFailures(t *testing.T) {
	forbidden := bad(403, "token does not have at least one of required scope(s)")
	short := good(arr{person("cleo")})
	short.Header[total] = "9"
	few := good(arr{})
	few.Header[total] = "2"
	for _, tc := range []struct {
		name, uri  string
		reply      forgetest.Reply
		typ, scope string
		reason     string // "": complete
		note       string
		id, field  string // not collected
	}{
		{"page 2 of members fails", membersPath + "&page=2", bad(502, ""), "account", "", "page 2: 502 Bad Gateway", "", "", ""},
		{"fewer members than the host counts", membersPath + "&page=2", short, "membership", "", "3 of 9", "", "", ""},
		{"a team fails", "/api/v1/teams/2/members?limit=50", forbidden, "membership", "", "403 Forbidden", "", "", ""},
		{"teams are not a list", teamsPath, good(`{"message":"no"}`), "account", "", "the answer is not a list", "", "", ""},
		{"repositories fail", reposPath, bad(500, "oops"), "repository", "", "500 Internal Server Error: oops", "", "", ""},
		{"collaborators are for administrators", api + "/collaborators?limit=50", forbidden, "membership", "acme/api", "403 Forbidden", "", "", ""},
		{"rules are for administrators", api + "/branch_protections", forbidden, "protection", "acme/api", "rules: 403 Forbidden", "", "acme/api:main", "bypass"},
		{"the branch fails", api + "/branches/main", bad(500, ""), "protection", "acme/api", "branch: 500", "", "", ""},
		{"requests fail", pullsPath, bad(502, ""), "check", "acme/api", "502 Bad Gateway", "", "", ""},
		{"reviews fail", api + "/pulls/1/reviews?limit=50", bad(502, ""), "change", "acme/api", "reviews of request 1: 502", "", "acme/api#1", "approvals"},
		{"fewer reviews than the host counts", api + "/pulls/1/reviews?limit=50", few, "change", "acme/api", "reviews of request 1: 0 of 2 listed", "", "", ""},
		{"statuses are closed", api + "/commits/" + pulls()[3].head() + "/statuses?limit=50", forbidden, "check", "acme/api", "statuses: 403", "", "acme/api#1", "checks"},
		{"the commit is gone", api + "/commits/" + pulls()[3].head() + "/statuses?limit=50", bad(404, ""), "change", "acme/api", "", "such as of request 1", "acme/api#1", "checks"},
		{"commits fail", commitsPath, bad(502, ""), "change", "acme/api", "502 Bad Gateway", "", "", ""},
		{"a commit's request fails", api + "/commits/" + sha("push") + "/pull", bad(502, ""), "change", "acme/api", "request of commit", "", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newReplay(t)
			goodOrg(r)
			r.On(tc.uri, tc.reply)
			if tc.name == "requests fail" { // then every commit is asked for its request
				for _, w := range []string{"m1", "m2", "m2a", "m3"} {
					r.On(api+"/commits/"+sha(w)+"/pull", bad(404, ""))
				}
			}
			rec, _ := collect(t, r, "")
			m := forgetest.Manifest(t, rec, tc.typ, tc.scope)
			if m.Complete != (tc.reason == "") || !strings.Contains(m.Reason, tc.reason) || !strings.Contains(strings.Join(m.Cannot, "\n"), tc.note) {
				t.Errorf("complete %v, reason %q, limits %q; want %q and %q", m.Complete, m.Reason, m.Cannot, tc.reason, tc.note)
			}
			if tc.field != "" {
				typ := map[bool]string{true: "change", false: tc.typ}[strings.Contains(tc.id, "#")]
				if v, there := forgetest.Fields(t, rec, typ, tc.id)[tc.field]; there {
					t.Errorf("%s of %s is %v; want it not collected", tc.field, tc.id, v)
				}
			}
		})
	}
}

// TestSelf: what an account may not see is never taken for not being there.
func TestSelf(t *testing.T) {
	for _, tc := range []struct {
		name     string
		user     forgetest.Reply
		place    forgetest.Reply
		complete bool
	}{
		{"a member", good(obj{"login": "ben"}), forgetest.Reply{Status: 204}, true},
		{"a stranger", good(obj{"login": "zoe"}), bad(404, ""), false},
		{"nobody", bad(401, "token is required"), bad(404, ""), false},
	} {
		r := newReplay(t)
		goodOrg(r)
		r.On("/api/v1/user", tc.user)
		for _, l := range []string{"ben", "zoe"} {
			r.On("/api/v1/orgs/acme/members/"+l, tc.place)
		}
		rec, _ := collect(t, r, "")
		for _, typ := range []string{"account", "membership"} {
			if m := forgetest.Manifest(t, rec, typ, ""); m.Complete != tc.complete {
				t.Errorf("%s: %s complete %v: %s", tc.name, typ, m.Complete, m.Reason)
			}
		}
		if got, there := forgetest.Fields(t, rec, "account", "tea/12")["status"]; there {
			t.Errorf("%s: status is %v; it is told to administrators only", tc.name, got)
		}
	}
}

// TestUnprotected: a branch without rules says so.
func TestUnprotected(t *testing.T) {
	r := newReplay(t)
	goodOrg(r)
	r.OK(api+"/branches/main", obj{"name": "main", "protected": false})
	rec, _ := collect(t, r, "")
	f := forgetest.Fields(t, rec, "protection", "acme/api:main")
	if f["enabled"] != false || f["forcePush"] != true || f["requiredApprovals"] != 0.0 {
		t.Errorf("got %v", f)
	}
}

// TestMoves: a request that changes while the list is read is not lost.
func TestMoves(t *testing.T) {
	r := newReplay(t)
	goodOrg(r)
	var page arr
	for i := range perPage {
		page = append(page, obj{"number": 100 + i, "updated_at": at(26, "08:00"), "created_at": at(1, "08:00"), "base": obj{"ref": "main"}, "head": obj{"ref": "x", "sha": sha("x")}})
	}
	first := good(page)
	first.Header[total] = "51"
	r.Pages(api+"/pulls?limit=50&page=2&sort=recentupdate&state=closed", total, arr{})
	for _, w := range []string{"m2", "m2a", "m3"} {
		r.On(api+"/commits/"+sha(w)+"/pull", bad(404, ""))
	}
	moving := pulls()[3].object()
	moving["updated_at"] = at(30, "08:00")
	r.On(pullsPath, first, good(append(arr{moving}, page[:perPage-1]...)))
	rec, _ := collect(t, r, "")
	if got := forgetest.Fields(t, rec, "change", "acme/api#1"); got["number"] != 1.0 {
		t.Errorf("got %v", got)
	}
}

func TestSettings(t *testing.T) {
	for _, tc := range []struct{ name, with, want string }{
		{"no organization", `{"baseURL":"https://git.test/api/v1","token":"env:T"}`, "organization:"},
		{"no token", `{"organization":"acme","baseURL":"https://git.test/api/v1"}`, "token: it is needed"},
		{"no address", `{"organization":"acme","token":"env:T"}`, "baseURL: it is needed"},
		{"the token itself", `{"organization":"acme","baseURL":"https://git.test/api/v1","token":"abc"}`, "never the secret itself"},
	} {
		_, _, err := Driver.Open("tea", json.RawMessage(tc.with), source.Env{})
		if !errors.Is(err, audit.ErrInvalid) || !strings.Contains(fmt.Sprint(err), tc.want) {
			t.Errorf("%s: %v; want %q", tc.name, err, tc.want)
		}
	}
}

// TestNoToken: without its secret nothing is asked, and every stream says why.
func TestNoToken(t *testing.T) {
	col, _, err := Driver.Open("tea", json.RawMessage(`{"organization":"acme","baseURL":"https://git.test/api/v1","token":"env:NONE"}`),
		source.Env{Secret: func(context.Context, string) (string, error) { return "two words", nil }})
	if err != nil {
		t.Fatal(err)
	}
	rec := &sourcetest.Recorder{}
	if err := col.Collect(t.Context(), forgetest.Window(), rec); !errors.Is(err, audit.ErrInvalid) || strings.Contains(err.Error(), "two words") {
		t.Errorf("got %v", err)
	}
	if len(rec.Manifests) != 3 || slices.ContainsFunc(rec.Manifests, func(m audit.Manifest) bool { return m.Complete || m.Reason == "" }) {
		t.Errorf("manifests %+v", rec.Manifests)
	}
}

// FuzzNormalize: no page makes normalizing panic, or give what the schema does not know.
func FuzzNormalize(f *testing.F) {
	r := newReplay(f)
	goodOrg(r)
	rec, _ := collect(f, r, "")
	for _, p := range rec.Pages {
		f.Add(p.Kind, p.Scope, p.Query, p.Body)
	}
	f.Fuzz(func(t *testing.T, kind, scope, query string, body []byte) {
		p := audit.Page{Source: "tea", Kind: kind, Scope: scope, Query: query, Media: "application/json", Body: body, About: forgetest.Window().Span}
		forgetest.Fuzzed(t, Driver, rec.Config, p)
	})
}
