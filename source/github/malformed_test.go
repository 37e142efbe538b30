package github

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tieout/audit"
)

// TestMalformed: an answer that came whole and is not what the interface gives
// is named and gives no item; nothing of it is guessed.
func TestMalformed(t *testing.T) {
	pull := `{"number":1,"title":"t","created_at":"2026-03-02T08:00:00Z","merged_at":"2026-03-10T08:00:00Z","base":{"ref":"main"}}`
	statuses := "GET /repos/acme/api/commits/" + sha("x") + "/statuses"
	one := func(part, body string) []answer {
		return []answer{{Part: part, Request: statuses, Status: 200, Body: body}}
	}
	with := func(part, body string) []answer { return append(one("pull", pull), one(part, body)...) }
	commit := func(body string) []answer { return append(one("commit", body), one("pulls", "[]")...) }
	for _, tc := range []struct {
		name, kind string
		answers    []answer
		want       string
	}{
		{"a member without an id", kindMembers, one("list", `[{"login":"ana"}]`), "element 1: an account without a login or an id"},
		{"members that are no list", kindMembers, one("list", `{}`), "not a list"},
		{"a repository elsewhere", kindRepositories, one("list", `[{"full_name":"a/b/c"}]`), "not owner/name"},
		{"no request", kindChange, nil, "does not hold one request"},
		{"a request that was not merged", kindChange, one("pull", strings.Replace(pull, `"merged_at":"2026-03-10T08:00:00Z"`, `"merged_at":null`, 1)), "was not merged"},
		{"a request merged at no instant", kindChange, one("pull", strings.Replace(pull, "2026-03-10T08:00:00Z", "soon", 1)), `"soon" is not an instant`},
		{"a review at no instant", kindChange, with("reviews", `[{"user":null,"state":"APPROVED","submitted_at":""}]`), "reviews:"},
		{"reviews that are no list", kindChange, with("reviews", `{}`), "reviews:"},
		{"a check of unknown end", kindChange, with("runs", `{"check_runs":[{"id":1,"name":"x","head_sha":"`+sha("x")+`","conclusion":"splendid","completed_at":"2026-03-10T08:00:00Z"}]}`), `ended with "splendid"`},
		{"a check without a commit", kindChange, with("runs", `{"check_runs":[{"id":1,"name":"x"}]}`), "without an id, a name or a commit"},
		{"a status of unknown state", kindChange, with("statuses", `[{"id":1,"context":"x","state":"splendid","created_at":"2026-03-10T08:00:00Z"}]`), `state "splendid"`},
		{"a status without a name", kindChange, with("statuses", `[{"id":1,"state":"success","created_at":"2026-03-10T08:00:00Z"}]`), "without an id, a name or an instant"},
		{"a commit without a committer", kindCommit, commit(`{"sha":"` + sha("x") + `","commit":{"message":"x"}}`), "no committer"},
		{"a commit without an id", kindCommit, commit(`{"commit":{"committer":{"date":"2026-03-10T08:00:00Z"}}}`), "no id"},
		{"requests of a commit without an instant", kindCommit, append(one("commit", "{}"), one("pulls", `[{"number":1,"merged_at":"soon","base":{"ref":"main"}}]`)...), "without a number or an instant"},
		{"a deployment without an environment", kindDeployment, one("deployment", `{"id":1,"sha":"`+sha("x")+`","created_at":"2026-03-10T08:00:00Z"}`), "environment"},
		{"protection of no branch", kindProtection, one("protection", "[]"), "cannot unmarshal"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			body, err := envelope{Facts: facts{Role: "admin", Branch: "main"}, Answers: tc.answers}.encode()
			if err != nil {
				t.Fatal(err)
			}
			items, err := Driver.Normalize(json.RawMessage(`{"system":"hub","organization":"acme"}`), audit.Page{Kind: tc.kind, Scope: "acme/api", Body: body, About: window().Span})
			if err == nil || !strings.Contains(err.Error(), tc.want) || len(items) != 0 {
				t.Errorf("%d items, %v; want %q and none", len(items), err, tc.want)
			}
		})
	}
}

// TestDirectAuthor: a direct commit is by the account the host knows, else by
// the address it gives; what was made on the host's pages is its author's.
func TestDirectAuthor(t *testing.T) {
	for _, tc := range []struct {
		name              string
		author, committer any
		wantBy, wantMerge any
	}{
		{"known accounts", person("ana"), person("ben"), "ana", "ben"},
		{"no accounts", nil, nil, "a@example.com", "c@example.com"},
		{"made on the host's pages", person("ana"), obj{"login": "web-flow", "id": 19864447, "type": "User"}, "ana", "ana"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := obj{"sha": sha("x"), "author": tc.author, "committer": tc.committer, "parents": arr{}, "commit": obj{"message": "Revert \"x\"",
				"author": obj{"email": "A@example.com", "date": at(3, "10:00")}, "committer": obj{"email": "c@example.com", "date": at(3, "10:00")}, "verification": obj{"signature": "-----BEGIN"}}}
			b, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			f := normalized(t, kindCommit, envelope{Facts: facts{Branch: "main"}, Answers: []answer{elementAnswer("commit", b), {Part: "pulls", Status: 200, Body: "[]"}}})
			got := fmt.Sprint(f["author"], f["mergedBy"], f["signed"], f["revert"], f["parents"])
			if want := fmt.Sprint(tc.wantBy, tc.wantMerge, true, true, 0); got != want {
				t.Errorf("got %s; want %s", got, want)
			}
		})
	}
}

// TestReviewPages: an approval on the second page of reviews counts.
func TestReviewPages(t *testing.T) {
	p := pull{number: 1, author: "ana", by: "ben", merged: at(10, "10:00"), commit: "m1"}
	r := newReplay(t)
	r.organization(repository("api", nil))
	r.quiet("api")
	r.pulls("api", arr{p.object()})
	r.request("api", p)
	r.commits("api", committed("m1", "ana", at(10, "10:00")))
	r.pages("/repos/acme/api/pulls/1/reviews?per_page=100", arr{reviewed("ben", "CHANGES_REQUESTED", at(8, "10:00"))}, arr{reviewed("ben", "APPROVED", at(9, "10:00"))})
	rec, _ := r.collect(r.with(""), window())
	if got := fmt.Sprint(fields(t, rec, "change", "acme/api#1")["approvals"]); got != "[ben]" {
		t.Errorf("approvals %s; want [ben]", got)
	}
}
