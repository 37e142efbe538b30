package github

import (
	"fmt"
	"strings"
)

// The synthetic organization: three repositories, six people.
type obj = map[string]any

type arr = []any

var users = map[string]int{"ana": 11, "ben": 12, "cleo": 13, "dan": 14, "eve": 15, "fay": 16, "ghost": ghost}

func person(login string) any {
	if login == "" {
		return nil
	}
	if strings.HasSuffix(login, "[bot]") {
		return obj{"login": login, "id": 900 + len(login), "type": "Bot"}
	}
	return obj{"login": login, "id": users[login], "type": "User"}
}

func people(logins ...string) arr {
	out := arr{}
	for _, l := range logins {
		out = append(out, person(l))
	}
	return out
}

// sha makes a commit id out of a short word.
func sha(word string) string { return fmt.Sprintf("%040x", word)[:40] }

func at(day int, clock string) string { return fmt.Sprintf("2026-03-%02dT%s:00Z", day, clock) }

const (
	membersPath = "/orgs/acme/members?role=%s&per_page=100"
	factorPath  = "/orgs/acme/members?filter=2fa_disabled&per_page=100"
	outsidePath = "/orgs/acme/outside_collaborators?per_page=100"
	outsideMFA  = "/orgs/acme/outside_collaborators?filter=2fa_disabled&per_page=100"
	teamsPath   = "/orgs/acme/teams?per_page=100"
	reposPath   = "/orgs/acme/repos?type=all&sort=full_name&per_page=100"
	since       = "2026-03-01T00%3A00%3A00Z"
)

// organization answers everything about people, and lists repos.
func (r *replay) organization(repos ...any) {
	r.ok("/orgs/acme", obj{"login": "acme", "public_repos": 1, "total_private_repos": len(repos) - 1, "two_factor_requirement_enabled": false})
	r.ok(factorPath, people("cleo"))
	r.ok(fmt.Sprintf(membersPath, "admin"), people("ana"))
	r.pages(fmt.Sprintf(membersPath, "member"), people("ben", "cleo"), people("dan"))
	r.ok(outsideMFA, arr{})
	r.ok(outsidePath, people("eve"))
	r.ok(teamsPath, arr{obj{"id": 7, "slug": "platform", "name": "Platform"}})
	r.ok("/orgs/acme/teams/platform/members?role=maintainer&per_page=100", people("ana"))
	r.ok("/orgs/acme/teams/platform/members?role=member&per_page=100", people("ben"))
	r.ok(reposPath, repos)
}

func repository(name string, more obj) obj {
	o := obj{"full_name": "acme/" + name, "default_branch": "main", "private": true, "visibility": "private", "archived": false}
	for k, v := range more {
		o[k] = v
	}
	return o
}

func (r *replay) pulls(repo string, pages ...any) {
	r.pages("/repos/acme/"+repo+"/pulls?state=closed&sort=updated&direction=desc&base=main&per_page=100", pages...)
}

func (r *replay) commits(repo string, list ...any) {
	r.ok("/repos/acme/"+repo+"/commits?sha=main&since="+since+"&per_page=100", list)
}

// below answers what lies at and below a commit that is older than the window.
func (r *replay) below(repo, word string, list ...any) {
	r.ok("/repos/acme/"+repo+"/commits?sha="+sha(word)+"&per_page=100", list)
}

func (r *replay) numbers(repo string, highest, count int) {
	uri := "/repos/acme/" + repo + "/issues?state=all&sort=created&direction=desc&per_page=1"
	a := good(arr{})
	if highest > 0 {
		a = good(arr{obj{"number": highest}})
	}
	if count > 1 {
		a.header["Link"] = fmt.Sprintf(`<BASE%s&page=2>; rel="next", <BASE%s&page=%d>; rel="last"`, uri, uri, count)
	}
	r.on(uri, a)
}

func (r *replay) rules(repo string, list arr) {
	r.ok("/repos/acme/"+repo+"/rules/branches/main?per_page=100", list)
}

// quiet answers everything about a repository in which nothing happened.
func (r *replay) quiet(repo string) {
	r.on("/repos/acme/"+repo+"/branches/main/protection", bad(404, "Branch not protected"))
	r.rules(repo, arr{})
	r.pulls(repo, arr{})
	r.commits(repo)
	r.numbers(repo, 0, 0)
	r.ok("/repos/acme/"+repo+"/deployments?per_page=100", arr{})
}

// A pull is a merged request of the synthetic organization.
type pull struct {
	number  int
	author  string // "": deleted
	merged  string // "": closed without a merge
	by      string
	title   string
	body    string
	commit  string // word of the merge commit
	labels  []string
	reviews arr
	runs    arr
	status  arr
}

func (p pull) object() obj {
	o := obj{"number": p.number, "title": p.title, "body": p.body, "state": "closed", "user": person(p.author), "merged_by": person(p.by),
		"created_at": at(1, "08:00"), "updated_at": at(30, "08:00"), "merged_at": nil, "merge_commit_sha": nil,
		"head": obj{"ref": fmt.Sprintf("topic-%d", p.number), "sha": p.head()}, "base": obj{"ref": "main"}}
	if p.merged != "" {
		o["merged_at"], o["updated_at"] = p.merged, p.merged
	}
	if p.commit != "" {
		o["merge_commit_sha"] = sha(p.commit)
	}
	labels := arr{}
	for _, l := range p.labels {
		labels = append(labels, obj{"name": l})
	}
	o["labels"] = labels
	return o
}

func (p pull) head() string { return sha(fmt.Sprintf("head%d", p.number)) }

// request answers what is asked about one merged request.
func (r *replay) request(repo string, p pull) {
	base := fmt.Sprintf("/repos/acme/%s/pulls/%d", repo, p.number)
	r.ok(base, p.object())
	r.ok(base+"/reviews?per_page=100", append(arr{}, p.reviews...))
	commits := "/repos/acme/" + repo + "/commits/" + p.head()
	r.ok(commits+"/check-runs?filter=all&per_page=100", obj{"total_count": len(p.runs), "check_runs": append(arr{}, p.runs...)})
	r.ok(commits+"/statuses?per_page=100", append(arr{}, p.status...))
}

func reviewed(login, state, when string) obj {
	return obj{"user": person(login), "state": state, "submitted_at": when, "commit_id": sha("old")}
}

func checked(id int, name, head, conclusion, started, completed string) obj {
	o := obj{"id": id, "name": name, "head_sha": head, "status": "completed", "started_at": started, "app": obj{"id": 15368},
		"conclusion": conclusion, "completed_at": completed}
	if conclusion == "" {
		o["status"], o["conclusion"], o["completed_at"] = "in_progress", nil, nil
	}
	return o
}

func committed(word, login, when string, parents ...string) obj {
	list := arr{}
	for _, p := range parents {
		list = append(list, obj{"sha": sha(p)})
	}
	who := obj{"name": "x", "email": "x@example.com", "date": when}
	return obj{"sha": sha(word), "author": person(login), "committer": person(login), "parents": list,
		"commit": obj{"message": word + ": words\n\nRefs OPS-9", "author": who, "committer": who, "verification": obj{"verified": false, "signature": nil}}}
}

// good answers the whole organization: api is guarded by branch protection and
// has a history, web by a ruleset alone, docs by nothing.
func goodOrg(r *replay) {
	r.organization(
		repository("api", obj{"security_and_analysis": obj{"secret_scanning": obj{"status": "enabled"}, "advanced_security": obj{"status": "enabled"}, "dependabot_security_updates": obj{"status": "enabled"}}}),
		repository("docs", obj{"visibility": "public", "private": false, "archived": true}),
		repository("web", obj{"security_and_analysis": obj{"secret_scanning": obj{"status": "disabled"}, "code_security": obj{"status": "disabled"}}}))
	r.quiet("docs")
	r.quiet("web")
	r.rules("web", arr{
		obj{"type": "pull_request", "ruleset_id": 5, "ruleset_source_type": "Organization", "parameters": obj{"required_approving_review_count": 2, "dismiss_stale_reviews_on_push": true}},
		obj{"type": "required_status_checks", "ruleset_id": 6, "parameters": obj{"required_status_checks": arr{obj{"context": "build"}}}},
		obj{"type": "non_fast_forward", "ruleset_id": 6}, obj{"type": "deletion", "ruleset_id": 6}})
	r.ok("/repos/acme/web/rulesets/5?includes_parents=true", obj{"id": 5, "bypass_actors": arr{obj{"actor_id": 42, "actor_type": "Team", "bypass_mode": "always"}}})
	r.ok("/repos/acme/web/rulesets/6?includes_parents=true", obj{"id": 6, "bypass_actors": arr{}})
	goodAPI(r)
}

func goodAPI(r *replay) {
	r.quiet("api")
	r.ok("/repos/acme/api/branches/main/protection", obj{
		"required_status_checks":        obj{"strict": true, "contexts": arr{"unit"}, "checks": arr{obj{"context": "unit", "app_id": nil}, obj{"context": "lint"}}},
		"required_pull_request_reviews": obj{"required_approving_review_count": 1, "dismiss_stale_reviews": false, "require_code_owner_reviews": true, "bypass_pull_request_allowances": obj{"users": people("ana"), "teams": arr{}, "apps": arr{}}},
		"enforce_admins":                obj{"enabled": true}, "required_signatures": obj{"enabled": false}, "allow_force_pushes": obj{"enabled": false}, "allow_deletions": obj{"enabled": false}})
	list := arr{}
	for _, p := range history3() {
		list = append(list, p.object())
		if p.merged >= at(1, "00:00") {
			r.request("api", p)
		}
	}
	r.pulls("api", list)
	r.numbers("api", 9, 9)
	commitsAPI(r)
	r.ok("/repos/acme/api/deployments?per_page=100", arr{
		obj{"id": 71, "sha": sha("m4"), "environment": "production", "created_at": at(20, "10:00"), "creator": person("github-actions[bot]"), "performed_via_github_app": obj{"id": 15368}},
		obj{"id": 70, "sha": sha("push"), "environment": "production", "created_at": at(19, "10:00"), "creator": person("dan"), "performed_via_github_app": nil},
		obj{"id": 9, "sha": sha("old"), "environment": "production", "created_at": "2026-02-01T10:00:00Z", "creator": person("dan")}})
	r.ok("/repos/acme/api/deployments/71/statuses?per_page=100", arr{
		obj{"state": "inactive", "created_at": at(21, "10:00")}, obj{"state": "success", "created_at": at(20, "10:05")}, obj{"state": "in_progress", "created_at": at(20, "10:01")}})
	r.ok("/repos/acme/api/deployments/70/statuses?per_page=100", arr{obj{"state": "error", "created_at": at(19, "10:05")}})
	r.ok("/repos/acme/api/commits/"+sha("m4")+"/pulls?per_page=100", arr{history3()[3].object()})
}

// commitsAPI answers the branch of api: a direct push, a rebase of two
// commits, merge and squash commits, and the start of the history.
func commitsAPI(r *replay) {
	r.commits("api",
		committed("push", "dan", at(18, "09:00"), "m5"), committed("m5", "ana", at(14, "10:00"), "m4", "side"), committed("side", "ana", at(14, "09:00"), "m4"),
		committed("m4", "ben", at(13, "10:00"), "m3b"), committed("m3b", "ben", at(12, "10:00"), "m3a"), committed("m3a", "ben", at(12, "10:00"), "m2"),
		committed("m2", "ana", at(11, "10:00"), "m1"), committed("m1", "ana", at(10, "10:00"), "before"))
	r.below("api", "before", committed("before", "ana", "2026-02-20T10:00:00Z"))
	r.ok("/repos/acme/api/commits/"+sha("push")+"/pulls?per_page=100", arr{})
	r.ok("/repos/acme/api/commits/"+sha("m3a")+"/pulls?per_page=100", arr{history3()[2].object()})
	for _, w := range []string{"m5", "m4", "m2", "m1"} {
		if r.replies["/repos/acme/api/commits/"+sha(w)+"/pulls?per_page=100"] == nil {
			r.ok("/repos/acme/api/commits/"+sha(w)+"/pulls?per_page=100", arr{})
		}
	}
}

// history3 are the closed requests of api.
func history3() []pull {
	ok := func(id, n int) arr {
		p := pull{number: n}
		return arr{checked(id, "unit", p.head(), "success", at(2, "08:00"), at(2, "08:05"))}
	}
	return []pull{
		{number: 1, author: "ana", by: "ana", merged: at(10, "10:00"), commit: "m1", title: "Self approved (ABC-1)", runs: ok(101, 1),
			reviews: arr{reviewed("ana", "APPROVED", at(9, "10:00")), reviewed("ben", "COMMENTED", at(9, "11:00"))}},
		{number: 2, author: "ana", by: "ben", merged: at(11, "10:00"), commit: "m2", title: "Squashed", body: "Fixes #8\n\nUses UTF-8", runs: ok(102, 2),
			reviews: arr{reviewed("ben", "DISMISSED", at(9, "10:00")), reviewed("cleo", "CHANGES_REQUESTED", at(9, "10:00")), reviewed("cleo", "APPROVED", at(10, "10:00"))}},
		{number: 3, author: "ben", by: "ana", merged: at(12, "10:00"), commit: "m3b", title: "Rebased", runs: ok(103, 3),
			reviews: arr{reviewed("ana", "APPROVED", at(9, "10:00")), reviewed("ana", "CHANGES_REQUESTED", at(10, "10:00")), reviewed("cleo", "APPROVED", at(13, "09:30")), reviewed("dan", "APPROVED", at(14, "09:30"))}},
		{number: 4, author: "renovate[bot]", by: "ben", merged: at(13, "10:00"), commit: "m4", title: "Bump a thing", labels: []string{"dependencies"},
			reviews: arr{reviewed("helper[bot]", "APPROVED", at(12, "10:00")), reviewed("ben", "APPROVED", at(12, "11:00"))},
			runs: arr{checked(201, "unit", pull{number: 4}.head(), "failure", at(12, "10:00"), at(12, "10:10")), checked(202, "unit", pull{number: 4}.head(), "success", at(12, "11:00"), at(12, "11:10")),
				checked(203, "lint", pull{number: 4}.head(), "success", at(13, "09:59"), at(13, "10:30")), checked(204, "after", pull{number: 4}.head(), "failure", at(13, "10:01"), at(13, "10:30")), checked(205, "docs", pull{number: 4}.head(), "skipped", at(12, "11:00"), at(12, "11:00"))},
			status: arr{obj{"id": 301, "state": "success", "context": "ci/legacy", "created_at": at(13, "09:00")}, obj{"id": 300, "state": "pending", "context": "ci/legacy", "created_at": at(13, "08:00")}}},
		{number: 5, author: "", by: "", merged: at(14, "10:00"), commit: "m5", title: "[hotfix] by a deleted account", runs: ok(105, 5),
			reviews: arr{reviewed("ben", "APPROVED", at(13, "10:00"))}},
		{number: 6, author: "ana", title: "Closed, not merged"},
		{number: 7, author: "ana", by: "ana", merged: "2026-02-20T10:00:00Z", title: "Before the window", commit: "before"},
	}
}
