package github

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"tieout/audit"
)

// A recording is one answer of testdata/recorded.json.
type recording struct {
	Name    string            `json:"name"`
	Source  string            `json:"source"`
	Request string            `json:"request"`
	Status  int               `json:"status"`
	Header  map[string]string `json:"header"`
	Body    json.RawMessage   `json:"body"`
}

func recordings(t testing.TB) map[string]recording {
	t.Helper()
	b, err := os.ReadFile("testdata/recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []recording
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	out := map[string]recording{}
	for _, r := range list {
		out[r.Name] = r
	}
	return out
}

// replay is the recording as a reply, without the paging of its own request.
func (r recording) reply() reply {
	return reply{r.Status, map[string]string{"ETag": r.Header["etag"]}, string(r.Body)}
}

// listed is the recording as the only element of a list.
func (r recording) listed() string { return "[" + string(r.Body) + "]" }

// TestRecorded collects an organization made of recorded answers.
func TestRecorded(t *testing.T) {
	rec := recordings(t)
	r := newReplay(t)
	org, repo := "/orgs/hub4j-test-org", "/repos/hub4j-test-org/temp-testEnableBranchProtections"
	r.on(org, rec["organization"].reply())
	r.on(org+"/members?role=admin&per_page=100", rec["members"].reply())
	for _, uri := range []string{"/members?role=member&per_page=100", "/members?filter=2fa_disabled&per_page=100",
		"/outside_collaborators?filter=2fa_disabled&per_page=100", "/outside_collaborators?per_page=100"} {
		r.ok(org+uri, arr{})
	}
	r.on(org+"/teams?per_page=100", rec["teams"].reply())
	for _, slug := range []string{"owners", "core-developers", "dummy-team", "tricky-team"} {
		r.ok(org+"/teams/"+slug+"/members?role=maintainer&per_page=100", arr{})
		r.ok(org+"/teams/"+slug+"/members?role=member&per_page=100", arr{})
	}
	r.on(org+"/teams/dummy-team/members?role=maintainer&per_page=100", rec["team"].reply())
	r.ok(org+"/repos?type=all&sort=full_name&per_page=100", rec["repository"].listed())
	r.on(repo+"/branches/main/protection", rec["protection.all"].reply())
	r.ok(repo+"/rules/branches/main?per_page=100", arr{})
	r.ok(repo+"/pulls?state=closed&sort=updated&direction=desc&base=main&per_page=100", rec["pull.closed"].listed())
	r.ok(repo+"/commits?sha=main&since=2019-05-01T00%3A00%3A00Z&per_page=100", arr{})
	r.on(repo+"/issues?state=all&sort=created&direction=desc&per_page=1", rec["issues"].reply())
	r.ok(repo+"/deployments?per_page=100", rec["deployment.0"].listed())
	r.ok(repo+"/deployments/145988746/statuses?per_page=100", rec["deploymentStatus.0"].listed())
	var d deploymentAnswer
	if err := json.Unmarshal(rec["deployment.0"].Body, &d); err != nil {
		t.Fatal(err)
	}
	r.on(repo+"/commits/"+d.SHA+"/pulls?per_page=100", bad(422, "No commit found for SHA: "+d.SHA))
	w := audit.Window{Span: audit.Span{From: time.Date(2019, 5, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2019, 6, 1, 0, 0, 0, 0, time.UTC)},
		AsOf: time.Date(2019, 6, 1, 0, 0, 0, 0, time.UTC), Zone: "UTC"}
	got, _ := r.collect(strings.Replace(r.with(""), `"acme"`, `"hub4j-test-org"`, 1), w)
	for _, err := range got.Errs {
		t.Errorf("normalize: %v", err)
	}
	for typ, want := range map[string]int{"account": 12, "membership": 13, "repository": 1, "protection": 1, "deployment": 1, "change": 0} {
		if n := len(got.ByType(typ)); n != want {
			t.Errorf("%d items of type %s; want %d", n, typ, want)
		}
	}
	if m := manifest(t, got, "repository", ""); m.Complete || !strings.Contains(m.Reason, "1 of 42") {
		t.Errorf("the organization counts 42 repositories: complete %v, %q", m.Complete, m.Reason)
	}
	f := fields(t, got, "deployment", strings.TrimPrefix(repo, "/repos/")+"/deployment-145988746")
	if f["result"] != "success" || f["environment"] != "production" || f["change"] != nil {
		t.Errorf("deployment %v", f)
	}
}

// TestRecordedProtection reads each recorded branch protection.
func TestRecordedProtection(t *testing.T) {
	rec := recordings(t)
	for _, tc := range []struct {
		name string
		want map[string]any // nil value: not collected
	}{
		{"unprotected", map[string]any{"enabled": false, "forcePush": true, "deletion": true, "requiredChecks": []any{}}},
		{"protection", map[string]any{"enabled": true, "adminsBound": false, "bypass": []any{"administrators"}, "forcePush": false, "deletion": false, "requiredApprovals": 0.0, "signatures": nil}},
		{"protection.reviews", map[string]any{"enabled": true, "requiredApprovals": 1.0, "dismissStale": false, "codeOwners": false, "requiredChecks": []any{}}},
		{"protection.all", map[string]any{"enabled": true, "adminsBound": true, "bypass": []any{}, "forcePush": true, "deletion": true, "requiredApprovals": 2.0,
			"dismissStale": true, "codeOwners": true, "requiredChecks": []any{"test-status-check"}, "signatures": false}},
		{"protection.restricted", map[string]any{"enabled": true, "adminsBound": true, "dismissStale": true, "requiredChecks": []any{"foo/bar"}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := envelope{Facts: facts{Branch: "main"}, Answers: []answer{
				{Part: "protection", Request: rec[tc.name].Request, Status: rec[tc.name].Status, Body: string(rec[tc.name].Body)},
				{Part: "rules", Status: 200, Body: "[]"}}}
			f := normalized(t, kindProtection, e)
			for k, want := range tc.want {
				if fmt.Sprint(f[k]) != fmt.Sprint(want) {
					t.Errorf("%s is %v; want %v", k, f[k], want)
				}
			}
		})
	}
}

// TestRecordedRequest reads a recorded request, as it would have been had it
// been merged, with recorded check runs, a status and a review that its author
// had not submitted.
func TestRecordedRequest(t *testing.T) {
	rec := recordings(t)
	pull := strings.Replace(string(rec["pull.closed"].Body), `"merged_at": null`, `"merged_at": "2019-05-15T15:21:18Z"`, 1)
	runs := fmt.Sprintf(`{"total_count":2,"check_runs":[%s,%s]}`, rec["run.1"].Body, rec["run.7"].Body)
	var status struct {
		SHA string `json:"sha"`
	}
	if err := json.Unmarshal(rec["status.0"].Body, &status); err != nil {
		t.Fatal(err)
	}
	e := envelope{Facts: facts{Branch: "master"}, Answers: []answer{
		{Part: "pull", Status: 200, Body: pull}, {Part: "reviews", Status: 200, Body: string(rec["reviews.pending"].Body)},
		{Part: "runs", Status: 200, Body: runs}, {Part: "statuses", Request: "GET /repos/o/r/commits/" + status.SHA + "/statuses", Status: 200, Body: rec["status.0"].listed()}}}
	f := normalized(t, kindChange, e)
	want := map[string]any{"number": 2.0, "author": "person-15", "approvals": []any{}, "title": "Update the README with new information.",
		"checks": map[string]any{"failed": []any{"Octocoders-linter"}, "succeeded": []any{"default"}}, "mergedBy": nil}
	for k, v := range want {
		if fmt.Sprint(f[k]) != fmt.Sprint(v) {
			t.Errorf("%s is %v; want %v", k, f[k], v)
		}
	}
}

// normalized is the body of the first item of a page.
func normalized(t *testing.T, kind string, e envelope) map[string]any {
	t.Helper()
	body, err := e.encode()
	if err != nil {
		t.Fatal(err)
	}
	about := audit.Span{From: time.Date(2018, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2019, 12, 31, 0, 0, 0, 0, time.UTC)}
	items, err := Driver.Normalize(json.RawMessage(`{"system":"hub","organization":"acme"}`), audit.Page{Kind: kind, Scope: "acme/api", Body: body, About: about})
	if err != nil || len(items) == 0 {
		t.Fatalf("%d items, %v", len(items), err)
	}
	var f map[string]any
	if err := json.Unmarshal(items[len(items)-1].Body, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestRecordedPaging follows the Link headers that were recorded.
func TestRecordedPaging(t *testing.T) {
	rec := recordings(t)
	base, err := url.Parse("https://api.github.com")
	if err != nil {
		t.Fatal(err)
	}
	c := &client{base: base}
	for _, tc := range []struct {
		name, next string
		pages      int
	}{{"issues", "/repositories/1000/issues?per_page=3&page=2", 5}, {"issues.last", "", 0}, {"members", "", 0}} {
		link := http.Header{}
		for k, v := range rec[tc.name].Header {
			link.Set(k, v)
		}
		next, pages, err := c.next(answer{Link: link.Get("Link")})
		if err != nil || next != tc.next || pages != tc.pages {
			t.Errorf("%s: next %q, %d pages, %v; want %q, %d", tc.name, next, pages, err, tc.next, tc.pages)
		}
	}
}
