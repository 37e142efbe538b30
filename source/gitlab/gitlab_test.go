package gitlab

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

const since = "2026-03-01T00%3A00%3A00Z"

func newReplay(t testing.TB) *forgetest.Replay {
	return forgetest.New(t, "PRIVATE-TOKEN", forgetest.Token)
}

func with(r *forgetest.Replay, extra string) string {
	return fmt.Sprintf(`{"group":"acme","baseURL":"%s/api/v4","token":"env:TOKEN","allow":"loopback"%s}`, r.Server.URL, extra)
}

// collect runs one collection without real pauses, and returns those it made.
func collect(t testing.TB, r *forgetest.Replay, extra string) (*sourcetest.Recorder, []time.Duration) {
	t.Helper()
	col, config, err := Driver.Open("lab", json.RawMessage(with(r, extra)), r.Env())
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

var users = map[string]int{"ana": 11, "ben": 12, "cleo": 13, "dan": 14, "eve": 15, "project_7_bot_1f": 16}

func placed(login string, level int) obj {
	return obj{"id": users[login], "username": login, "name": login, "state": "active", "access_level": level, "created_at": at(2, "08:00")}
}

func user(login string) any {
	if login == "" {
		return nil
	}
	return obj{"id": users[login], "username": login}
}

const (
	auditPath    = "/api/v4/groups/acme/audit_events?created_after=" + since + "&created_before=2026-03-31T12%3A00%3A00Z&per_page=100&pagination=keyset&order_by=id&sort=desc"
	usersPath    = "/api/v4/groups/acme/enterprise_users?per_page=100"
	membersPath  = "/api/v4/groups/acme/members/all?per_page=100"
	groupsPath   = "/api/v4/groups/acme/descendant_groups?per_page=100"
	projectsPath = "/api/v4/groups/acme/projects?include_subgroups=true&with_shared=false&order_by=id&sort=asc&per_page=100"
	project7     = "/api/v4/projects/7"
	project8     = "/api/v4/projects/8"
	mergedPath   = "/merge_requests?scope=all&state=merged&target_branch=main&updated_after=" + since + "&order_by=created_at&sort=asc&per_page=100"
	groupPath1   = "/api/v4/groups/acme?with_projects=false"
	latestPath   = project7 + "/pipelines/latest?ref=main"
	jobsPath     = project7 + "/pipelines/900/jobs?per_page=100"
	numbersPath  = "/merge_requests?scope=all&state=all&order_by=created_at&sort=desc&per_page=1"
	commitsPath  = "/repository/commits?ref_name=main&first_parent=true&since=" + since + "&per_page=100"
)

// goodGroup answers a whole group: api with a history, docs with nothing.
func goodGroup(r *forgetest.Replay) {
	r.OK(groupPath1, obj{"id": 1, "full_path": "acme", "require_two_factor_authentication": true})
	r.OK(latestPath, obj{"id": 900, "status": "success"})
	r.OK(jobsPath, arr{obj{"id": 1, "artifacts": arr{obj{"file_type": "trace"}, obj{"file_type": "sast"}}}, obj{"id": 2, "artifacts": arr{obj{"file_type": "dependency_scanning"}}}, obj{"id": 3}})
	r.OK(usersPath, arr{obj{"id": 11, "username": "ana", "two_factor_enabled": true}, obj{"id": 12, "username": "ben", "two_factor_enabled": false}})
	r.Pages(membersPath, "X-Total", arr{placed("ana", 50), placed("ben", 30)}, arr{placed("cleo", 40)})
	r.OK(auditPath, arr{obj{"id": 1, "event_type": "member_created", "created_at": at(2, "08:00")}})
	r.Pages(groupsPath, "X-Total", arr{obj{"id": 3, "full_path": "acme/platform"}})
	r.Pages("/api/v4/groups/3/members/all?per_page=100", "X-Total", arr{placed("ana", 50), placed("dan", 30)})
	r.Pages(projectsPath, "X-Total", arr{
		obj{"id": 7, "path_with_namespace": "acme/platform/api", "default_branch": "main", "visibility": "private", "archived": false, "secret_push_protection_enabled": true,
			"shared_with_groups": arr{obj{"group_id": 99}}},
		obj{"id": 8, "path_with_namespace": "acme/docs", "default_branch": nil, "empty_repo": true, "visibility": "public", "archived": true, "shared_with_groups": arr{}}})
	r.Pages(project7+"/members/all?per_page=100", "X-Total", arr{placed("eve", 30), placed("ana", 50), placed("project_7_bot_1f", 40)})
	r.Pages(project8+"/members?per_page=100", "X-Total", arr{})
	for _, p := range []string{project7, project8} {
		r.Pages(p+"/vulnerabilities?per_page=100", "X-Total", arr{})
		r.OK(p+"/deployments?order_by=id&sort=desc&per_page=100", arr{})
	}
	goodProtection(r)
	goodHistory(r)
	goodEnds(r)
}

func goodProtection(r *forgetest.Replay) {
	r.Pages(project7+"/protected_branches?per_page=100", "X-Total", arr{
		obj{"name": "ma*", "push_access_levels": arr{obj{"access_level": 0}, obj{"access_level": 40, "deploy_key_id": 4}}, "allow_force_push": false, "code_owner_approval_required": true},
		obj{"name": "release", "push_access_levels": arr{obj{"access_level": 40}}, "allow_force_push": true}})
	r.OK(project7+"/approval_rules?per_page=100", arr{
		obj{"rule_type": "any_approver", "approvals_required": 1, "protected_branches": arr{}},
		obj{"rule_type": "regular", "approvals_required": 2, "protected_branches": arr{obj{"name": "main"}}},
		obj{"rule_type": "regular", "approvals_required": 5, "protected_branches": arr{obj{"name": "release"}}},
		obj{"rule_type": "report_approver", "approvals_required": 9, "protected_branches": arr{}}})
	r.OK(project7+"/approvals", obj{"reset_approvals_on_push": true})
	r.OK(project7+"/push_rule", "null")
	r.OK(project7, obj{"id": 7, "path_with_namespace": "acme/platform/api", "only_allow_merge_if_pipeline_succeeds": true, "only_allow_merge_if_all_status_checks_passed": true})
	r.OK(project7+"/external_status_checks?per_page=100", arr{obj{"id": 1, "name": "license scan"}})
}

// A pull is one merged request.
type pull struct {
	number              int
	author, by, merged  string
	title, text, commit string
	approvals, notes    arr
	lines, statuses     arr
}

func (p pull) head() string { return sha(fmt.Sprintf("head%d", p.number)) }

func (p pull) object() obj {
	return obj{"iid": p.number, "title": p.title, "description": p.text, "state": "merged", "created_at": at(1, "08:00"), "updated_at": p.merged, "merged_at": p.merged,
		"target_branch": "main", "source_branch": "topic", "sha": p.head(), "merge_commit_sha": sha(p.commit), "squash_commit_sha": nil, "labels": arr{},
		"author": user(p.author), "merge_user": user(p.by)}
}

func replies(r *forgetest.Replay, p pull) {
	base := fmt.Sprintf("%s/merge_requests/%d", project7, p.number)
	r.OK(base+"/approvals", obj{"approved_by": append(arr{}, p.approvals...)})
	r.OK(base+"/notes?order_by=created_at&sort=asc&per_page=100", append(arr{}, p.notes...))
	lines := append(arr{obj{"id": 1, "sha": p.head(), "created_at": at(2, "08:00")}}, p.lines...)
	r.OK(base+"/pipelines?per_page=100", lines)
	r.OK(project7+"/repository/commits/"+p.head()+"/statuses?all=true&per_page=100", append(arr{}, p.statuses...))
}

func approval(login, when string) obj {
	o := obj{"user": user(login)}
	if when != "" {
		o["approved_at"] = when
	}
	return o
}

func note(login, body, when string) obj {
	return obj{"body": body, "system": true, "author": user(login), "created_at": when}
}

const yesNote, noNote = "approved this merge request", "unapproved this merge request"

func status(id int, name, commit, state, created, finished string, optional bool) obj {
	o := obj{"id": id, "name": name, "sha": commit, "status": state, "created_at": created, "finished_at": nil, "allow_failure": optional}
	if finished != "" {
		o["finished_at"] = finished
	}
	return o
}

func pulls() []pull {
	p1, p2 := pull{number: 1}.head(), pull{number: 2}.head()
	return []pull{
		{number: 1, author: "ana", by: "ben", merged: at(10, "10:00"), commit: "m1", title: "Add export", text: "Closes #8 and OPS-12",
			approvals: arr{approval("ben", at(9, "10:00")), approval("ana", at(9, "11:00")), approval("cleo", at(11, "10:00")), approval("project_7_bot_1f", at(9, "12:00"))},
			statuses: arr{status(101, "unit", p1, "failed", at(9, "08:00"), at(9, "08:10"), false), status(102, "unit", p1, "success", at(9, "09:00"), at(9, "09:10"), false),
				status(103, "lint", p1, "success", at(9, "09:00"), at(10, "10:30"), false), status(104, "spell", p1, "failed", at(9, "09:00"), at(9, "09:05"), true),
				status(105, "deploy", p1, "manual", at(9, "09:00"), "", true), status(106, "later", p1, "failed", at(11, "09:00"), at(11, "09:05"), false)}},
		{number: 2, author: "project_7_bot_1f", by: "ana", merged: at(12, "10:00"), commit: "m2", title: "Revert \"Add export\"",
			approvals: arr{approval("cleo", "")}, notes: arr{note("cleo", yesNote, at(11, "09:00")), note("ben", yesNote, at(11, "10:00")), note("dan", yesNote, at(11, "10:00")), note("dan", noNote, at(13, "10:00"))},
			lines:    arr{obj{"id": 2, "sha": sha("train"), "created_at": at(12, "09:50")}, obj{"id": 3, "sha": sha("after"), "created_at": at(12, "10:50")}},
			statuses: arr{status(201, "unit", p2, "success", at(12, "08:00"), at(12, "08:10"), false)}},
		{number: 3, author: "", by: "ana", merged: at(13, "10:00"), commit: "m3", title: "[hotfix] of a deleted account", approvals: arr{approval("cleo", at(12, "10:00"))}},
	}
}

func committed(word, when string, parents ...string) obj {
	list := arr{}
	for _, p := range parents {
		list = append(list, sha(p))
	}
	return obj{"id": sha(word), "parent_ids": list, "title": word, "message": word + ": words\n\nRefs OPS-9", "author_email": "Dan@acme.test", "committer_email": "dan@acme.test", "committed_date": when}
}

func goodHistory(r *forgetest.Replay) {
	list := arr{}
	for _, p := range pulls() {
		list = append(list, p.object())
		replies(r, p)
	}
	old := pull{number: 4, author: "ana", by: "ana", merged: "2026-02-20T10:00:00Z", commit: "before", title: "Commented on in the window"}
	r.Pages(project7+mergedPath, "X-Total", append(list, old.object()))
	r.OK(project7+"/repository/commits/"+sha("train")+"/statuses?all=true&per_page=100", arr{status(301, "unit", sha("train"), "success", at(12, "09:50"), at(12, "09:59"), false)})
	n := good(arr{obj{"iid": 4}})
	n.Header["X-Total"] = "4"
	r.On(project7+numbersPath, n)
	r.OK(project7+commitsPath, arr{committed("push", at(18, "09:00"), "m3"), committed("m3", at(13, "10:00"), "m2"), committed("m2", at(12, "10:00"), "rebased"),
		committed("rebased", at(11, "10:00"), "m1"), committed("m1", at(10, "10:00"), "before")})
	r.OK(project7+"/repository/commits?ref_name="+sha("before")+"&first_parent=true&per_page=100", arr{committed("before", "2026-02-20T10:00:00Z")})
	r.OK(project7+"/repository/commits/"+sha("push")+"/merge_requests?per_page=100", arr{})
	r.OK(project7+"/repository/commits/"+sha("rebased")+"/merge_requests?per_page=100", arr{pulls()[1].object()})
}

func goodEnds(r *forgetest.Replay) {
	r.OK(project7+"/deployments?order_by=id&sort=desc&per_page=100", arr{
		obj{"id": 71, "sha": sha("m2"), "created_at": at(20, "10:00"), "status": "success", "user": user("ana"), "environment": obj{"name": "production"}, "deployable": obj{"id": 5}},
		obj{"id": 70, "sha": sha("push"), "created_at": at(19, "10:00"), "status": "running", "user": user("dan"), "environment": obj{"name": "production"}, "deployable": nil},
		obj{"id": 9, "sha": sha("old"), "created_at": "2026-02-01T10:00:00Z", "status": "success", "environment": obj{"name": "production"}}})
	r.OK(project7+"/repository/commits/"+sha("m2")+"/merge_requests?per_page=100", arr{pulls()[1].object()})
	r.Pages(project7+"/vulnerabilities?per_page=100", "X-Total", arr{
		obj{"id": 501, "state": "detected", "severity": "high", "report_type": "dependency_scanning", "created_at": at(3, "08:00"), "resolved_at": nil,
			"finding": obj{"raw_metadata": `{"identifiers":[{"type":"gemnasium","value":"g-1"},{"type":"cve","value":"CVE-2026-1"}],"scanner":{"name":"Gemnasium"},"location":{"dependency":{"package":{"name":"left-pad"}}},"solution":"Upgrade"}`}},
		obj{"id": 502, "state": "resolved", "severity": "critical", "report_type": "sast", "created_at": at(3, "08:00"), "resolved_at": at(9, "08:00")},
		obj{"id": 503, "state": "dismissed", "severity": "unknown", "report_type": "secret_detection", "created_at": at(3, "08:00"), "dismissed_by_id": 11, "dismissal_reason": "acceptable_risk"},
		obj{"id": 504, "state": "dismissed", "severity": "info", "report_type": "something new", "created_at": at(3, "08:00")}})
}

func TestConform(t *testing.T) {
	r := newReplay(t)
	goodGroup(r)
	sourcetest.Conform(t, sourcetest.Connection{Driver: Driver, Name: "lab", With: with(r, ""), Env: r.Env(), Window: forgetest.Window()}, Driver.Types...)
}

// TestItems holds what the group's answers become.
func TestItems(t *testing.T) {
	r := newReplay(t)
	goodGroup(r)
	rec, pauses := collect(t, r, `,"production":["api"],"privileged":["acme/platform"]`)
	if len(pauses) > 0 {
		t.Errorf("pauses %v", pauses)
	}
	for _, tc := range []struct{ typ, id, want string }{
		{"account", "lab/11", `{"admin":true,"kind":"human","login":"ana","mfa":{"enforced":true,"enrolled":true},"status":"active","system":"lab"}`},
		{"account", "lab/12", `{"admin":false,"kind":"human","login":"ben","mfa":{"enforced":false,"enrolled":false},"status":"active","system":"lab"}`},
		{"account", "lab/15", `{"admin":false,"kind":"human","login":"eve","status":"active","system":"lab"}`},
		{"account", "lab/16", `{"admin":false,"kind":"service","login":"project_7_bot_1f","status":"active","system":"lab"}`},
		{"membership", "lab/group/12", `{"account":"lab/12","grantedAt":"2026-03-02T08:00:00Z","group":"acme","privileged":false,"role":"member","system":"lab"}`},
		{"membership", "lab/group-3/14", `{"account":"lab/14","grantedAt":"2026-03-02T08:00:00Z","group":"acme/platform","privileged":true,"role":"member","system":"lab"}`},
		{"membership", "lab/project-7/16", `{"account":"lab/16","grantedAt":"2026-03-02T08:00:00Z","group":"acme/platform/api","privileged":false,"role":"maintainer","system":"lab"}`},
		{"authPolicy", "lab/group", `{"enabled":true,"kind":"sign-in","mfaRequired":true,"name":"sign-in to acme","system":"lab"}`},
		{"repository", "acme/platform/api", `{"archived":false,"codeScanning":true,"defaultBranch":"main","dependencyAlerts":true,"host":"127.0.0.1","name":"acme/platform/api","production":true,"secretScanning":true,"visibility":"private"}`},
		{"repository", "acme/docs", `{"archived":true,"defaultBranch":"","host":"127.0.0.1","name":"acme/docs","production":false,"visibility":"public"}`},
		{"protection", "acme/platform/api:main", `{"adminsBound":true,"branch":"main","bypass":["deploy key 4"],"codeOwners":true,"deletion":false,"dismissStale":true,"enabled":true,"forcePush":false,"repository":"acme/platform/api","requiredApprovals":2,"requiredChecks":["license scan","pipeline"],"signatures":false}`},
		{"change", "acme/platform/api!1", `{"approvals":["ben"],"approvedLater":["cleo"],"approvedLaterAt":"2026-03-11T10:00:00Z","author":"ana","bot":false,"branch":"main","checks":{"failed":["lint"],"succeeded":["unit"]},"commit":"` + sha("m1") + `","direct":false,"emergency":false,"mergedBy":"ben","number":1,"openedAt":"2026-03-01T08:00:00Z","repository":"acme/platform/api","revert":false,"tickets":["#8","OPS-12"],"title":"Add export"}`},
		{"change", "acme/platform/api!2", `{"approvals":["cleo","dan"],"approvedLater":[],"approvedLaterAt":"never","author":"project_7_bot_1f","bot":true,"branch":"main","checks":{"failed":[],"succeeded":["unit"]},"commit":"` + sha("m2") + `","direct":false,"emergency":false,"mergedBy":"ana","number":2,"openedAt":"2026-03-01T08:00:00Z","repository":"acme/platform/api","revert":true,"tickets":[],"title":"Revert \"Add export\""}`},
		{"change", "acme/platform/api!3", `{"branch":"main","checks":{"failed":[],"succeeded":[]},"commit":"` + sha("m3") + `","direct":false,"emergency":true,"mergedBy":"ana","number":3,"openedAt":"2026-03-01T08:00:00Z","repository":"acme/platform/api","revert":false,"tickets":[],"title":"[hotfix] of a deleted account"}`},
		{"change", "acme/platform/api@" + sha("push"), `{"approvals":[],"approvedLater":[],"approvedLaterAt":"never","author":"dan@acme.test","branch":"main","commit":"` + sha("push") + `","direct":true,"emergency":false,"mergedBy":"dan@acme.test","number":0,"openedAt":"never","parents":1,"repository":"acme/platform/api","revert":false,"tickets":["OPS-9"],"title":"push: words"}`},
		{"check", "acme/platform/api/status-101", `{"commit":"` + pulls()[0].head() + `","name":"unit","repository":"acme/platform/api","result":"failure"}`},
		{"check", "acme/platform/api/status-301", `{"commit":"` + sha("train") + `","name":"unit","repository":"acme/platform/api","result":"success"}`},
		{"deployment", "acme/platform/api/deployment-71", `{"automated":true,"by":"ana","change":"acme/platform/api!2","commit":"` + sha("m2") + `","environment":"production","repository":"acme/platform/api","result":"success"}`},
		{"deployment", "acme/platform/api/deployment-70", `{"by":"dan","change":"acme/platform/api@` + sha("push") + `","commit":"` + sha("push") + `","environment":"production","repository":"acme/platform/api"}`},
		{"vulnerability", "lab/vulnerability-501", `{"acceptedBy":"","acceptedUntil":"never","advisory":"CVE-2026-1","asset":"acme/platform/api","fixAvailable":true,"fixedAt":"never","foundAt":"2026-03-03T08:00:00Z","kind":"package","package":"left-pad","scanner":"Gemnasium","severity":"high","status":"open"}`},
		{"vulnerability", "lab/vulnerability-502", `{"asset":"acme/platform/api","fixedAt":"2026-03-09T08:00:00Z","foundAt":"2026-03-03T08:00:00Z","kind":"code","package":"","severity":"critical","status":"fixed"}`},
		{"vulnerability", "lab/vulnerability-503", `{"acceptedBy":"lab/11","asset":"acme/platform/api","fixedAt":"never","foundAt":"2026-03-03T08:00:00Z","kind":"secret","package":"","status":"accepted"}`},
		{"vulnerability", "lab/vulnerability-504", `{"asset":"acme/platform/api","fixedAt":"never","foundAt":"2026-03-03T08:00:00Z","severity":"none"}`},
	} {
		got, err := json.Marshal(forgetest.Fields(t, rec, tc.typ, tc.id))
		if err != nil {
			t.Fatal(err)
		}
		var want map[string]any
		if err := json.Unmarshal([]byte(tc.want), &want); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(text) {
			t.Errorf("%s %s\n got %s\nwant %s", tc.typ, tc.id, got, text)
		}
	}
	for typ, want := range map[string]int{"account": 6, "membership": 8, "repository": 2, "protection": 1, "change": 4, "check": 7, "deployment": 2, "vulnerability": 4} {
		if got := len(rec.ByType(typ)); got != want {
			t.Errorf("%d items of type %s; want %d", got, typ, want)
		}
	}
	m := forgetest.Manifest(t, rec, "change", "acme/platform/api")
	if !m.Complete || len(m.Checks) != 2 || !m.Checks[0].OK || !m.Checks[1].OK {
		t.Errorf("change: complete %v (%s), checks %+v", m.Complete, m.Reason, m.Checks)
	}
	if !slices.ContainsFunc(rec.Pages, func(p audit.Page) bool { return p.Kind == kindAudit }) {
		t.Error("the audit events are not kept")
	}
}

// TestFailures: what a refusal or a failure of one address does to which stream.
func TestFailures(t *testing.T) {
	const api = "acme/platform/api"
	licensed := bad(403, "403 Forbidden")
	for _, tc := range []struct {
		name       string
		uri        string
		reply      forgetest.Reply
		typ, scope string
		reason     string // "": complete
		note       string // among the limits
		id, field  string // not collected
	}{
		{"page 2 of members fails", membersPath + "&page=2", bad(502, ""), "account", "", "page 2: 502 Bad Gateway", "", "lab/12", ""},
		{"the group fails", groupPath1, bad(502, ""), "authPolicy", "", "502 Bad Gateway", "", "", ""},
		{"the policy is not told", groupPath1, good(obj{"id": 1}), "authPolicy", "", "is not told to this token", "", "", ""},
		{"the group is no group", groupPath1, good(arr{}), "authPolicy", "", "the answer is not a group", "", "", ""},
		{"no pipeline yet", latestPath, bad(404, "404 Not Found"), "repository", "", "", "", "acme/platform/api", "codeScanning"},
		{"pipelines are hidden", latestPath, licensed, "repository", "", "", "which scanners ran is not collected of some projects, such as acme/platform/api: 403", "acme/platform/api", "codeScanning"},
		{"jobs fail", jobsPath, bad(502, ""), "repository", "", "", "such as acme/platform/api: 502", "acme/platform/api", "codeScanning"},
		{"broken JSON", projectsPath, good(`{"not":"a list"}`), "repository", "", "page 1: the answer is not a list", "", "", ""},
		{"fewer members than the host counts", membersPath + "&page=2", good(arr{}), "membership", "", "", "", "", ""},
		{"no enterprise users and no administrator", usersPath, bad(404, "404 Not Found"), "account", "", "", "404 Not Found", "lab/12", "mfa"},
		{"enterprise users fail", usersPath, bad(502, ""), "account", "", "accounts with a second factor: 502 Bad Gateway", "", "lab/12", "mfa"},
		{"no audit events in the plan", auditPath, licensed, "account", "", "", "the group's audit events are not kept: 403 Forbidden", "", ""},
		{"groups below fail", groupsPath, bad(500, "oops"), "account", "", "500 Internal Server Error", "", "", ""},
		{"merge settings fail", project7, bad(502, ""), "protection", api, "merge settings: 502", "", api + ":main", "requiredChecks"},
		{"protected branches are hidden", project7 + "/protected_branches?per_page=100", licensed, "protection", api, "protected branches: 403 Forbidden", "", "", ""},
		{"no approval rules in the plan", project7 + "/approval_rules?per_page=100", bad(404, "404 Not Found"), "protection", api, "", "approval rules are not collected: 404", api + ":main", "requiredApprovals"},
		{"no push rules in the plan", project7 + "/push_rule", licensed, "protection", api, "", "push rules are not collected: 403", api + ":main", "signatures"},
		{"approval settings fail", project7 + "/approvals", bad(500, ""), "protection", api, "approval settings: 500", "", api + ":main", "dismissStale"},
		{"no approvals in the plan", project7 + "/merge_requests/1/approvals", licensed, "change", api, "", "approvals are not collected: 403", api + "!1", "approvals"},
		{"notes fail", project7 + "/merge_requests/1/notes?order_by=created_at&sort=asc&per_page=100", bad(500, ""), "change", api, "notes of request 1: 500", "", "", ""},
		{"pipelines are closed", project7 + "/merge_requests/1/pipelines?per_page=100", licensed, "check", api, "checks: 403 Forbidden", "", api + "!1", "checks"},
		{"pipelines are closed, seen from the changes", project7 + "/merge_requests/1/pipelines?per_page=100", licensed, "change", api, "", "checks are not collected: 403", api + "!2", "checks"},
		{"the commit is gone", project7 + "/repository/commits/" + pulls()[0].head() + "/statuses?all=true&per_page=100", bad(404, "404 Commit Not Found"), "change", api, "", "such as of request 1", api + "!1", "checks"},
		{"merged requests fail", project7 + mergedPath, bad(502, ""), "change", api, "502 Bad Gateway", "", "", ""},
		{"commits fail", project7 + commitsPath, bad(502, ""), "change", api, "502 Bad Gateway", "", "", ""},
		{"a commit's requests fail", project7 + "/repository/commits/" + sha("push") + "/merge_requests?per_page=100", bad(502, ""), "change", api, "requests of commit", "", "", ""},
		{"deployments fail", project7 + "/deployments?order_by=id&sort=desc&per_page=100", licensed, "deployment", api, "403 Forbidden", "", "", ""},
		{"no vulnerabilities in the plan", project7 + "/vulnerabilities?per_page=100", licensed, "vulnerability", api, "403 Forbidden", "", "", ""},
		{"the numbers have a gap", project7 + numbersPath, forgetest.Reply{Status: 200, Header: map[string]string{"X-Total": "3"}, Body: `[{"iid":4}]`}, "change", api, "", "3 requests are there and the highest number is 4", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newReplay(t)
			goodGroup(r)
			r.OK("/api/v4/user", obj{"id": 1, "username": "bot"})
			r.On(tc.uri, tc.reply)
			if strings.HasSuffix(tc.uri, "page=2") && tc.reply.Status == 200 {
				short(t, r)
				return
			}
			if tc.name == "merged requests fail" || tc.name == "pipelines are closed" { // then the branch's commits are asked for their requests
				for i, w := range []string{"m1", "m2", "m3"} {
					r.OK(project7+"/repository/commits/"+sha(w)+"/merge_requests?per_page=100", arr{pulls()[i].object()})
				}
			}
			rec, _ := collect(t, r, "")
			m := forgetest.Manifest(t, rec, tc.typ, tc.scope)
			if m.Complete != (tc.reason == "") || !strings.Contains(m.Reason, tc.reason) {
				t.Errorf("complete %v, reason %q; want %q", m.Complete, m.Reason, tc.reason)
			}
			if limits := strings.Join(m.Cannot, "\n"); !strings.Contains(limits, tc.note) {
				t.Errorf("limits %q; want %q", limits, tc.note)
			}
			if tc.field != "" {
				if v, there := forgetest.Fields(t, rec, item(tc.typ, tc.id), tc.id)[tc.field]; there {
					t.Errorf("%s of %s is %v; want it not collected", tc.field, tc.id, v)
				}
			}
			if tc.name == "broken JSON" {
				return // without the list no project is reached
			}
			if other := forgetest.Manifest(t, rec, "vulnerability", "acme/docs"); !other.Complete {
				t.Errorf("another project's stream is incomplete: %s", other.Reason)
			}
		})
	}
}

// short: a list with fewer elements than the host counts is not whole.
func short(t *testing.T, r *forgetest.Replay) {
	a := good(arr{})
	a.Header["X-Total"] = "3"
	r.On(membersPath+"&page=2", a)
	rec, _ := collect(t, r, "")
	if m := forgetest.Manifest(t, rec, "membership", ""); m.Complete || !strings.Contains(m.Reason, "2 of 3") {
		t.Errorf("complete %v, reason %q; want 2 of 3", m.Complete, m.Reason)
	}
}

// TestRateLimit: the host says how long, and that is how long is waited.
func TestRateLimit(t *testing.T) {
	r := newReplay(t)
	goodGroup(r)
	r.On(projectsPath, forgetest.Reply{Status: 429, Header: map[string]string{"Retry-After": "30"}, Body: "Retry later"}, good(arr{}))
	rec, pauses := collect(t, r, "")
	if m := forgetest.Manifest(t, rec, "repository", ""); !m.Complete {
		t.Errorf("incomplete: %s", m.Reason)
	}
	if len(pauses) != 1 || pauses[0] < 30*time.Second || pauses[0] > 31*time.Second {
		t.Errorf("pauses %v; want one of 30 s", pauses)
	}
}

// TestOverwritten: a merged request whose commit the branch does not hold.
func TestOverwritten(t *testing.T) {
	r := newReplay(t)
	goodGroup(r)
	r.OK(project7+commitsPath, arr{committed("m3", at(13, "10:00"), "m2"), committed("m2", at(12, "10:00"), "before")})
	rec, _ := collect(t, r, "")
	if m := forgetest.Manifest(t, rec, "change", "acme/platform/api"); m.Complete || !strings.Contains(m.Reason, "request 1 was merged as") {
		t.Errorf("complete %v: %s", m.Complete, m.Reason)
	}
}

// TestAdministrator: an instance administrator's token learns the second factor.
func TestAdministrator(t *testing.T) {
	r := newReplay(t)
	goodGroup(r)
	r.On(usersPath, bad(404, "404 Not Found"))
	r.OK("/api/v4/user", obj{"id": 1, "username": "root", "is_admin": true})
	r.OK("/api/v4/users?per_page=100&order_by=id&sort=asc&pagination=keyset", arr{obj{"id": 12, "username": "ben", "two_factor_enabled": true}})
	rec, _ := collect(t, r, "")
	if got := forgetest.Fields(t, rec, "account", "lab/12")["mfa"]; fmt.Sprint(got) != "map[enforced:true enrolled:true]" {
		t.Errorf("mfa %v", got)
	}
}

func TestSettings(t *testing.T) {
	for _, tc := range []struct{ name, with, want string }{
		{"no group", `{"token":"env:T"}`, "group:"},
		{"no token", `{"group":"acme"}`, "token: it is needed"},
		{"the token itself", `{"group":"acme","token":"glpat-1"}`, "never the secret itself"},
		{"plain http", `{"group":"acme","token":"env:T","baseURL":"http://gitlab.test"}`, "https only"},
		{"a broken glob", `{"group":"acme","token":"env:T","repositories":["["]}`, "is not a glob"},
		{"a broken expression", `{"group":"acme","token":"env:T","emergency":"("}`, "emergency:"},
	} {
		_, _, err := Driver.Open("lab", json.RawMessage(tc.with), source.Env{})
		if !errors.Is(err, audit.ErrInvalid) || !strings.Contains(fmt.Sprint(err), tc.want) || !strings.Contains(fmt.Sprint(err), "source lab") {
			t.Errorf("%s: %v; want %q", tc.name, err, tc.want)
		}
	}
}

// TestNoToken: without its secret nothing is asked, and every stream says why.
func TestNoToken(t *testing.T) {
	col, _, err := Driver.Open("lab", json.RawMessage(`{"group":"acme","token":"env:NONE"}`), source.Env{Secret: func(context.Context, string) (string, error) { return "", audit.ErrNotFound }})
	if err != nil {
		t.Fatal(err)
	}
	rec := &sourcetest.Recorder{}
	if err := col.Collect(t.Context(), forgetest.Window(), rec); !errors.Is(err, audit.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if len(rec.Manifests) != 4 || slices.ContainsFunc(rec.Manifests, func(m audit.Manifest) bool { return m.Complete || m.Reason == "" }) {
		t.Errorf("manifests %+v", rec.Manifests)
	}
}

// item is the type of the item that id names: a stream's own, or the change
// that a failing check leaves without its checks.
func item(typ, id string) string {
	if strings.Contains(id, "!") {
		return "change"
	}
	return typ
}

// TestNested: a group below another is asked for by its whole path, as one part
// of the address.
func TestNested(t *testing.T) {
	r := newReplay(t)
	goodGroup(r)
	for _, uri := range []string{usersPath, membersPath, auditPath, groupsPath, projectsPath} {
		r.Pages(strings.Replace(uri, "/acme/", "/acme%2Fplatform/", 1), "X-Total", arr{})
	}
	r.OK(strings.Replace(groupPath1, "/acme?", "/acme%2Fplatform?", 1), obj{"id": 3, "require_two_factor_authentication": false})
	col, config, err := Driver.Open("lab", json.RawMessage(strings.Replace(with(r, ""), `"acme"`, `"acme/platform"`, 1)), r.Env())
	if err != nil {
		t.Fatal(err)
	}
	rec := forgetest.Collect(t, Driver, col, config, forgetest.Window())
	if m := forgetest.Manifest(t, rec, "account", ""); !m.Complete {
		t.Errorf("incomplete: %s", m.Reason)
	}
}
