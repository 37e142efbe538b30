package github

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source/sourcetest"
	"tieout/source/sourcetest/live"
)

// A stub is one mapping of WireMock.
type stub = obj

// wireMock starts WireMock on stubs and returns its address.
func wireMock(t *testing.T, stubs []stub) string {
	t.Helper()
	java := live.Program(t, "java")
	jars, err := filepath.Glob(filepath.Join(live.Peer(t, "node_modules/wiremock/build"), "wiremock-standalone-*.jar"))
	if err != nil || len(jars) == 0 {
		live.Missing(t, "WireMock's jar")
	}
	dir, port := t.TempDir(), live.Port(t)
	for i, s := range stubs {
		writeJSON(t, filepath.Join(dir, "mappings", fmt.Sprintf("%03d.json", i)), s)
	}
	cmd := exec.Command(java, "-jar", jars[0], "--port", fmt.Sprint(port), "--bind-address", "127.0.0.1", "--root-dir", dir, "--disable-banner")
	address := "http://" + live.Address(port)
	live.Start(t, cmd, live.Answers(address+"/__admin/mappings"))
	return address
}

func writeJSON(t *testing.T, path string, v any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// replayed is a recording as a mapping: its status, headers and bytes at uri.
func (r recording) replayed(uri string, header map[string]string) stub {
	h := obj{"Content-Type": "application/json; charset=utf-8"}
	for k, v := range r.Header {
		if http.CanonicalHeaderKey(k) == "Etag" || http.CanonicalHeaderKey(k) == "Date" {
			h[http.CanonicalHeaderKey(k)] = v
		}
	}
	for k, v := range header {
		h[k] = v
	}
	return stub{"priority": 2, "request": obj{"method": "GET", "url": uri}, "response": obj{"status": r.Status, "headers": h, "body": string(r.Body)}}
}

const wireOrg, wireRepo = "/orgs/hub4j-test-org", "/repos/hub4j-test-org/temp-testEnableBranchProtections"

const wirePulls = wireRepo + "/pulls?state=closed&sort=updated&direction=desc&base=main&per_page=100"

// recordedStubs are recorded answers of api.github.com at the addresses that
// this source asks, and four cases among them.
func recordedStubs(t *testing.T) []stub {
	rec := recordings(t)
	list := func(uri string, r recording, header map[string]string) stub {
		r.Body = json.RawMessage(r.listed())
		return r.replayed(uri, header)
	}
	link := strings.ReplaceAll(rec["issues"].Header["link"], "https://api.github.com/repositories/1000/issues?per_page=3&", "{{request.baseUrl}}"+wirePulls+"&")
	first := list(wirePulls, rec["pull.closed"], map[string]string{"Link": strings.ReplaceAll(link, "page=5", "page=2"), "ETag": `W/"first"`})
	first["response"].(obj)["transformers"] = arr{"response-template"}
	confirmed := stub{"priority": 1, "request": obj{"method": "GET", "url": wirePulls, "headers": obj{"If-None-Match": obj{"equalTo": `W/"first"`}}}, "response": obj{"status": 304}}
	limited := stub{"priority": 1, "scenarioName": "limit", "requiredScenarioState": "Started", "newScenarioState": "over", "request": obj{"method": "GET", "url": wireOrg + "/teams?per_page=100"},
		"response": obj{"status": 403, "headers": obj{"Retry-After": "17"}, "body": `{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}`}}
	plan := stub{"priority": 1, "request": obj{"method": "GET", "url": wireRepo + "/branches/main/protection"},
		"response": obj{"status": 403, "body": `{"message":"Upgrade to GitHub Pro or make this repository public to enable this feature.","documentation_url":"https://docs.github.com/rest"}`}}
	empty := stub{"priority": 9, "request": obj{"method": "GET", "urlPathPattern": "/(orgs|repos)/.*"}, "response": obj{"status": 200, "body": "[]"}}
	return []stub{confirmed, first, limited, plan, empty,
		rec["organization"].replayed(wireOrg, nil),
		rec["members"].replayed(wireOrg+"/members?role=admin&per_page=100", nil),
		rec["teams"].replayed(wireOrg+"/teams?per_page=100", nil),
		list(wireOrg+"/repos?type=all&sort=full_name&per_page=100", rec["repository"], nil),
		list(wirePulls+"&page=2", rec["pull.open"], nil),
	}
}

// TestMustShowGitHubWireMock replays recorded answers of GitHub through
// WireMock: pages are followed, a part that the plan does not have is could not
// collect while the rest is read, a secondary rate limit is waited for as it
// asks, and what did not change is confirmed by its ETag and not read again.
func TestMustShowGitHubWireMock(t *testing.T) {
	address := wireMock(t, recordedStubs(t))
	with := fmt.Sprintf(`{"organization":"hub4j-test-org","baseURL":%q,"token":"env:GITHUB_TOKEN","allow":"loopback"}`, address)
	r := newReplay(t)
	w := audit.Window{Span: audit.Span{From: time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2019, 6, 1, 0, 0, 0, 0, time.UTC)},
		AsOf: time.Date(2019, 6, 1, 0, 0, 0, 0, time.UTC), Zone: "UTC"}
	rec, pauses := r.collect(with, w)
	asked := journal(t, address)
	t.Run("pagination", func(t *testing.T) {
		for _, uri := range []string{wirePulls, wirePulls + "&page=2"} {
			if !slices.ContainsFunc(rec.Pages, func(p audit.Page) bool { return p.Query == "GET "+uri && p.Kind == kindPulls }) {
				t.Errorf("no page of %s was sealed", uri)
			}
		}
	})
	t.Run("403 on an endpoint that the plan does not have", func(t *testing.T) {
		m := manifest(t, rec, "protection", strings.TrimPrefix(wireRepo, "/repos/"))
		if m.Complete || m.Reason != "branch protection: 403 Forbidden: Upgrade to GitHub Pro or make this repository public to enable this feature." {
			t.Errorf("complete %v, reason %q", m.Complete, m.Reason)
		}
		if len(rec.ByType("protection")) > 0 {
			t.Error("an item says what the rules are")
		}
		if m := manifest(t, rec, "account", ""); !m.Complete || len(rec.ByType("account")) == 0 {
			t.Errorf("%d accounts, complete %v: %s", len(rec.ByType("account")), m.Complete, m.Reason)
		}
	})
	t.Run("secondary rate limit", func(t *testing.T) {
		if len(pauses) != 1 || pauses[0] < 17*time.Second || pauses[0] > 18*time.Second {
			t.Errorf("pauses %v; want one of 17 s, as Retry-After asks", pauses)
		}
		if n := asked["GET "+wireOrg+"/teams?per_page=100 403"] + asked["GET "+wireOrg+"/teams?per_page=100 200"]; n != 2 {
			t.Errorf("teams were asked for %d times; want 2", n)
		}
		if m := manifest(t, rec, "membership", ""); !m.Complete {
			t.Errorf("memberships: %s", m.Reason)
		}
	})
	t.Run("ETag reuse", func(t *testing.T) {
		if asked["GET "+wirePulls+" 304"] == 0 || asked["GET "+wirePulls+" 200"] != 1 {
			t.Errorf("the first page came %d times whole and was confirmed %d times; want it once, then confirmed", asked["GET "+wirePulls+" 200"], asked["GET "+wirePulls+" 304"])
		}
		sealed := 0
		for _, p := range rec.Pages {
			if p.Query == "GET "+wirePulls {
				sealed++
			}
		}
		if sealed != 1 {
			t.Errorf("the first page was sealed %d times; want 1", sealed)
		}
	})
}

// journal is what WireMock was asked and how it answered, counted.
func journal(t *testing.T, address string) map[string]int {
	t.Helper()
	resp, err := http.Get(address + "/__admin/requests")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var list struct {
		Requests []struct {
			Request struct {
				URL    string `json:"url"`
				Method string `json:"method"`
			} `json:"request"`
			Response struct {
				Status int `json:"status"`
			} `json:"responseDefinition"`
		} `json:"requests"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, r := range list.Requests {
		out[fmt.Sprintf("%s %s %d", r.Request.Method, r.Request.URL, r.Response.Status)]++
	}
	return out
}

// paths are what this source asks, as GitHub's OpenAPI names it.
var paths = []string{
	"/orgs/{org}", "/orgs/{org}/members", "/orgs/{org}/outside_collaborators", "/orgs/{org}/teams", "/orgs/{org}/teams/{team_slug}/members", "/orgs/{org}/repos", "/orgs/{org}/audit-log",
	"/user/memberships/orgs/{org}", "/repos/{owner}/{repo}/branches/{branch}/protection", "/repos/{owner}/{repo}/rules/branches/{branch}", "/repos/{owner}/{repo}/rulesets/{ruleset_id}",
	"/repos/{owner}/{repo}/pulls", "/repos/{owner}/{repo}/pulls/{pull_number}", "/repos/{owner}/{repo}/pulls/{pull_number}/reviews", "/repos/{owner}/{repo}/commits",
	"/repos/{owner}/{repo}/commits/{commit_sha}/pulls", "/repos/{owner}/{repo}/commits/{ref}/check-runs", "/repos/{owner}/{repo}/commits/{ref}/statuses", "/repos/{owner}/{repo}/issues",
	"/repos/{owner}/{repo}/deployments", "/repos/{owner}/{repo}/deployments/{deployment_id}/statuses",
	"/repos/{owner}/{repo}/dependabot/alerts", "/repos/{owner}/{repo}/code-scanning/alerts", "/repos/{owner}/{repo}/secret-scanning/alerts",
}

// trimmed writes the part of GitHub's OpenAPI that describes paths, which loads
// in a second where the whole takes a minute.
func trimmed(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(live.Peer(t, "node_modules/@octokit/openapi/generated/ghec.json"))
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	all, kept := doc["paths"].(obj), obj{}
	for _, p := range paths {
		gets, ok := all[p].(obj)
		if !ok {
			t.Fatalf("GitHub's OpenAPI does not have %s", p)
		}
		kept[p] = obj{"get": gets["get"]}
	}
	out := obj{"openapi": doc["openapi"], "info": doc["info"], "paths": kept, "components": obj{}}
	keep(doc, out, kept)
	path := filepath.Join(t.TempDir(), "github.json")
	writeJSON(t, path, out)
	return path
}

// keep copies into out what v refers to, and what that refers to.
func keep(doc, out map[string]any, v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			keep(doc, out, e)
		}
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			part := strings.Split(strings.TrimPrefix(ref, "#/components/"), "/")
			group, _ := out["components"].(obj)[part[0]].(obj)
			if group == nil {
				group = obj{}
				out["components"].(obj)[part[0]] = group
			}
			if _, there := group[part[1]]; !there {
				group[part[1]] = doc["components"].(obj)[part[0]].(obj)[part[1]]
				keep(doc, out, group[part[1]])
			}
		}
		for _, e := range v {
			keep(doc, out, e)
		}
	}
}

// A validated transport asks Prism and holds each request to what Prism says of
// it. Examples name pages at api.github.com, which are not there: the header is
// left out.
type validated struct {
	t     *testing.T
	asked map[string]int
}

func (v validated) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Accept", "application/json") // the one media type the description names; GitHub's pages recommend its own
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	v.asked[req.URL.Path]++
	for _, broken := range violations(v.t, resp.Header.Get("Sl-Violations")) {
		v.t.Errorf("%s breaks GitHub's description: %s", req.URL.RequestURI(), broken)
	}
	if resp.StatusCode >= 400 {
		b, err := io.ReadAll(resp.Body)
		v.t.Errorf("%s: %s %s %v", req.URL.RequestURI(), resp.Status, b, err)
	}
	resp.Header.Del("Link")
	return resp, nil
}

// violations are the errors that Prism finds in a request. Examples of GitHub's
// break its own description here and there; that is not looked at.
func violations(t *testing.T, header string) (out []string) {
	var list []struct {
		Location []string `json:"location"`
		Severity string   `json:"severity"`
		Message  string   `json:"message"`
	}
	if header != "" {
		if err := json.Unmarshal([]byte(header), &list); err != nil {
			t.Errorf("violations %q: %v", header, err)
		}
	}
	for _, v := range list {
		if v.Severity == "Error" && v.Location[0] == "request" {
			out = append(out, v.Message)
		}
	}
	return out
}

// TestMustShowGitHubPrism collects from GitHub's own OpenAPI description, served
// by Prism: every request is one that GitHub describes, and its example answers
// become items.
func TestMustShowGitHubPrism(t *testing.T) {
	node, port := live.Program(t, "node"), live.Port(t)
	cmd := exec.Command(node, live.Peer(t, "node_modules/.bin/prism"), "mock", trimmed(t), "--port", fmt.Sprint(port), "--host", "127.0.0.1", "--verboseLevel", "error")
	address := "http://" + live.Address(port)
	live.Start(t, cmd, live.Answers(address+"/orgs/octo-org"))
	resp, err := http.Get(address + "/orgs/octo-org/members?role=emperor")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnprocessableEntity && len(violations(t, resp.Header.Get("Sl-Violations"))) == 0 {
		t.Fatalf("a request that GitHub does not describe was answered %s: nothing is validated", resp.Status)
	}
	v := validated{t, map[string]int{}}
	env := newReplay(t).env()
	env.HTTP = &http.Client{Transport: v}
	with := fmt.Sprintf(`{"organization":"octo-org","baseURL":%q,"token":"env:GITHUB_TOKEN","allow":"loopback"}`, address)
	col, config, err := Driver.Open("hub", json.RawMessage(with), env)
	if err != nil {
		t.Fatal(err)
	}
	col.(*collector).wait = func(context.Context, time.Duration) error { return nil }
	rec := &sourcetest.Recorder{Driver: Driver, Config: config}
	w := audit.Window{Span: audit.Span{From: time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
		AsOf: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Zone: "UTC"}
	if err := col.Collect(t.Context(), w, rec); err != nil {
		t.Fatal(err)
	}
	for _, it := range rec.Items {
		if err := sourcetest.Valid(it); err != nil {
			t.Errorf("%s %s: %v", it.Type, it.ID, err)
		}
	}
	for _, typ := range Driver.Types {
		if len(rec.ByType(typ)) == 0 {
			t.Errorf("no item of type %s", typ)
		}
	}
	if len(rec.Errs) > 0 {
		t.Errorf("normalize: %v", rec.Errs)
	}
	if want := len(paths) - 1; len(v.asked) < want { // an owner's token is not asked for its own place
		t.Errorf("%d addresses were asked: %v; want at least %d", len(v.asked), v.asked, want)
	}
	// What the examples themselves do not fit in.
	known := map[string]string{"repository": "1 of 102", "change": "commits are not in order", "vulnerability": "the answer holds the secrets themselves"}
	for _, m := range rec.Manifests {
		if !m.Complete && (known[m.Type] == "" || !strings.Contains(m.Reason, known[m.Type])) {
			t.Errorf("%s %q is incomplete: %s", m.Type, m.Scope, m.Reason)
		}
	}
}
