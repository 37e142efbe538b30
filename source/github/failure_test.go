package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

// TestPageFails: page 3 of 7 fails in two collections, a day apart. What was
// read stays, the stream says where it broke, and the other streams are whole.
func TestPageFails(t *testing.T) {
	for day := range 2 {
		r := newReplay(t)
		r.organization(repository("api", nil), repository("web", nil))
		r.quiet("api")
		r.quiet("web")
		w := window()
		w.AsOf = w.AsOf.AddDate(0, 0, day)
		w.To = w.AsOf
		var pages []any
		for i := range 7 {
			p := pull{number: i + 1, author: "ana", by: "ben", merged: at(20, fmt.Sprintf("10:%02d", 59-i)), commit: fmt.Sprintf("c%d", i)}
			if i < 2 {
				r.request("api", p)
			}
			pages = append(pages, arr{p.object()})
		}
		r.pulls("api", pages...)
		r.commits("api", committed("c0", "ana", at(20, "10:59"), "c1"), committed("c1", "ana", at(20, "10:58")))
		third := "/repos/acme/api/pulls?state=closed&sort=updated&direction=desc&base=main&per_page=100&page=3"
		r.on(third, bad(502, ""))
		rec, pauses := r.collect(r.with(""), w)
		m := manifest(t, rec, "change", "acme/api")
		if want := "closed requests: page 3 of 7: 502 Bad Gateway"; m.Complete || m.Reason != want {
			t.Errorf("day %d: complete %v, reason %q; want %q", day, m.Complete, m.Reason, want)
		}
		if c := manifest(t, rec, "check", "acme/api"); c.Complete {
			t.Errorf("day %d: the checks of requests that were not listed are not complete: %+v", day, c)
		}
		for _, other := range []string{"account", "membership", "repository"} {
			if m := manifest(t, rec, other, ""); !m.Complete {
				t.Errorf("day %d: %s is incomplete: %s", day, other, m.Reason)
			}
		}
		if m := manifest(t, rec, "change", "acme/web"); !m.Complete {
			t.Errorf("day %d: the other repository is incomplete: %s", day, m.Reason)
		}
		if got := len(rec.ByType("change")); got != 2 || r.asked[third] != maxTries || len(pauses) != maxTries-1 {
			t.Errorf("day %d: %d changes, %d tries, %d pauses; want 2, %d, %d", day, got, r.asked[third], len(pauses), maxTries, maxTries-1)
		}
		if !slices.ContainsFunc(rec.Pages, func(p audit.Page) bool {
			return p.Query == "GET "+third && strings.Contains(string(p.Body), `"status":502`)
		}) {
			t.Errorf("day %d: the failed answer is not sealed", day)
		}
	}
}

// TestLimits: GitHub's rate limits are waited for as they ask, and no longer.
func TestLimits(t *testing.T) {
	date := "Sat, 28 Feb 2026 12:00:00 GMT"
	reset := fmt.Sprint(time.Date(2026, 2, 28, 12, 20, 0, 0, time.UTC).Unix())
	late := fmt.Sprint(time.Date(2026, 2, 28, 15, 0, 0, 0, time.UTC).Unix())
	for _, tc := range []struct {
		name   string
		first  reply
		pause  time.Duration // of the first wait; 0: none
		reason string        // "" if the second try succeeds
	}{
		{"secondary, 403 with Retry-After", reply{403, map[string]string{"Retry-After": "30"}, `{"message":"You have exceeded a secondary rate limit"}`}, 30 * time.Second, ""},
		{"secondary, 429 with Retry-After", reply{429, map[string]string{"Retry-After": "7"}, `{}`}, 7 * time.Second, ""},
		{"secondary, without a header", bad(403, "You have exceeded a secondary rate limit. Please wait"), time.Minute, ""},
		{"primary", reply{403, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset, "Date": date}, `{"message":"API rate limit exceeded"}`}, 20*time.Minute + time.Second, ""},
		{"primary, longer than is waited for", reply{403, map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": late, "Date": date}, `{"message":"API rate limit exceeded"}`}, 0, "longer than"},
		{"a server error", bad(500, "Server Error"), failurePause, ""},
		{"maintenance", reply{503, map[string]string{"Retry-After": "90"}, ``}, 90 * time.Second, ""},
		{"no permission", bad(403, "Resource not accessible by personal access token"), 0, "403 Forbidden: Resource not accessible"},
		{"bad credentials", bad(401, "Bad credentials"), 0, "401 Unauthorized: Bad credentials"},
		{"gone", bad(410, "Gone"), 0, "410 Gone"},
		{"withheld", bad(451, "Repository access blocked"), 0, "451 Unavailable For Legal Reasons: Repository access blocked"},
		{"broken", reply{200, nil, `{"not":"a list"}`}, 0, "page 1: the answer is not a list"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newReplay(t)
			r.organization(repository("api", nil))
			r.quiet("api")
			uri := "/orgs/acme/repos?type=all&sort=full_name&per_page=100"
			r.on(uri, append([]reply{tc.first}, r.replies[uri]...)...)
			if tc.reason != "" {
				r.on(uri, tc.first)
			}
			rec, pauses := r.collect(r.with(""), window())
			m := manifest(t, rec, "repository", "")
			if m.Complete != (tc.reason == "") || !strings.Contains(m.Reason, tc.reason) {
				t.Errorf("complete %v, reason %q; want %q", m.Complete, m.Reason, tc.reason)
			}
			if tc.pause == 0 && len(pauses) > 0 || tc.pause > 0 && (len(pauses) != 1 || pauses[0] < tc.pause || pauses[0] > tc.pause+time.Second) {
				t.Errorf("pauses %v; want one of %s and up to a second", pauses, tc.pause)
			}
		})
	}
}

// TestCancelWhileWaiting: a person who gives up does not wait for a limit.
func TestCancelWhileWaiting(t *testing.T) {
	r := newReplay(t)
	r.on(factorPath, reply{429, map[string]string{"Retry-After": "3000"}, ""})
	col, config, err := Driver.Open("hub", json.RawMessage(r.with("")), r.env())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	err = col.Collect(ctx, window(), &sourcetest.Recorder{Driver: Driver, Config: config})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 10*time.Second {
		t.Errorf("after %s: %v; want the context's error at once", time.Since(began), err)
	}
}

// TestRefusedAddress: an address that the settings do not allow is refused at
// once and in words, in a trial and in a collection.
func TestRefusedAddress(t *testing.T) {
	r := newReplay(t)
	for name, ctx := range map[string]context.Context{"collection": t.Context(), "trial": source.Trying(t.Context())} {
		col, config, err := Driver.Open("hub", json.RawMessage(`{"organization":"acme","token":"env:GITHUB_TOKEN","baseURL":"https://127.0.0.1:1/"}`), r.env())
		if err != nil {
			t.Fatal(err)
		}
		rec := &sourcetest.Recorder{Driver: Driver, Config: config}
		began := time.Now()
		if err := col.Collect(ctx, window(), rec); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(began); took > failurePause {
			t.Errorf("%s: it took %s; want no pause", name, took)
		}
		if m := manifest(t, rec, "repository", ""); m.Complete || !strings.Contains(m.Reason, "127.0.0.1 is this machine: this address is not allowed") {
			t.Errorf("%s: complete %v, reason %q", name, m.Complete, m.Reason)
		}
	}
}

// TestFactor: whether the second factor is known depends on what the token may ask.
func TestFactor(t *testing.T) {
	for _, tc := range []struct {
		name     string
		reply    reply
		self     reply
		complete bool
		cleo     any // the mfa field
		note     string
	}{
		{"an owner asks", good(people("cleo")), reply{}, true, map[string]any{"enforced": false, "enrolled": false}, ""},
		{"a member asks", bad(403, "Must be an owner"), good(obj{"state": "active", "role": "member"}), true, nil, "the second factor is not collected: page 1: 403 Forbidden: Must be an owner"},
		{"accounts are managed elsewhere", bad(422, "Validation Failed"), good(obj{"state": "active"}), true, nil, "422 Unprocessable Entity"},
		{"a stranger asks", bad(404, "Not Found"), bad(404, "Not Found"), false, nil, "404 Not Found"},
		{"an invited person asks", bad(403, "Must be an owner"), good(obj{"state": "pending"}), false, nil, "403"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newReplay(t)
			r.organization()
			r.ok("/orgs/acme", obj{"public_repos": 0})
			r.on(factorPath, tc.reply)
			if tc.reply.status != 200 {
				r.on(outsideMFA, tc.reply)
				r.on("/user/memberships/orgs/acme", tc.self)
			}
			rec, _ := r.collect(r.with(""), window())
			if m := manifest(t, rec, "repository", ""); m.Complete != tc.complete {
				t.Errorf("repositories: complete %v (%s)", m.Complete, m.Reason)
			}
			m := manifest(t, rec, "account", "")
			if m.Complete != tc.complete || !strings.Contains(strings.Join(m.Cannot, "\n"), tc.note) {
				t.Errorf("complete %v (%s), limits %q; want %v and %q", m.Complete, m.Reason, m.Cannot, tc.complete, tc.note)
			}
			if got := fields(t, rec, "account", "hub/13")["mfa"]; fmt.Sprint(got) != fmt.Sprint(tc.cleo) {
				t.Errorf("mfa %v; want %v", got, tc.cleo)
			}
		})
	}
}

// TestFactorBreaksOff: with half a list, those on it are known to lack the
// factor and of the others nothing is said.
func TestFactorBreaksOff(t *testing.T) {
	r := newReplay(t)
	r.organization()
	r.ok("/orgs/acme", obj{"public_repos": 0, "total_private_repos": 0})
	r.pages(factorPath, people("cleo"), people("dan"))
	r.on(factorPath+"&page=2", bad(502, ""))
	rec, _ := r.collect(r.with(""), window())
	if m := manifest(t, rec, "account", ""); m.Complete || !strings.Contains(m.Reason, "page 2 of 2: 502 Bad Gateway") {
		t.Errorf("complete %v: %s", m.Complete, m.Reason)
	}
	if m := manifest(t, rec, "membership", ""); !m.Complete {
		t.Errorf("memberships do not depend on it: %s", m.Reason)
	}
	if got := fields(t, rec, "account", "hub/13")["mfa"]; fmt.Sprint(got) != "map[enforced:false enrolled:false]" {
		t.Errorf("cleo is on the list: %v", got)
	}
	if got, there := fields(t, rec, "account", "hub/14")["mfa"]; there {
		t.Errorf("of dan nothing is known: %v", got)
	}
}

// TestProtection holds what each pair of answers proves.
func TestProtection(t *testing.T) {
	none, limited := bad(404, "Branch not protected"), bad(403, "Upgrade to GitHub Pro or make this repository public to enable this feature.")
	weak := good(obj{"enforce_admins": obj{"enabled": false}})
	rules := good(arr{obj{"type": "pull_request", "ruleset_id": 5, "parameters": obj{"required_approving_review_count": 2}}})
	shown := good(obj{"id": 5, "bypass_actors": arr{obj{"actor_id": 5, "actor_type": "RepositoryRole"}}})
	for _, tc := range []struct {
		name                    string
		classic, rules, ruleset reply
		complete                bool
		reason                  string
		want                    map[string]any // nil: no item; a nil value: the field is not collected
	}{
		{"neither", none, good(arr{}), reply{}, true, "", map[string]any{"enabled": false, "forcePush": true, "bypass": nil}},
		{"the plan has neither", limited, limited, reply{}, false, "branch protection: 403 Forbidden: Upgrade to GitHub Pro", nil},
		{"hidden from the token", bad(404, "Not Found"), good(arr{}), reply{}, false, "branch protection: 404 Not Found", nil},
		{"rules are not to be had", none, bad(404, "Not Found"), reply{}, false, "rules of the branch: 404", nil},
		{"no such branch", bad(404, "Branch not found"), good(arr{}), reply{}, true, "", nil},
		{"administrators are free", weak, good(arr{}), reply{}, true, "", map[string]any{"enabled": true, "adminsBound": false, "bypass": []any{"administrators"}, "forcePush": nil, "signatures": nil, "requiredApprovals": 0.0}},
		{"administrators may bypass a ruleset", none, rules, shown, true, "", map[string]any{"adminsBound": false, "bypass": []any{"role admin"}, "requiredApprovals": 2.0, "forcePush": true}},
		{"who may bypass is not shown", none, rules, good(obj{"id": 5}), true, "", map[string]any{"adminsBound": nil, "bypass": nil, "enabled": true}},
		{"the ruleset is hidden", none, rules, bad(404, "Not Found"), true, "", map[string]any{"adminsBound": nil, "bypass": nil, "enabled": true}},
		{"the ruleset fails", none, rules, bad(500, "Server Error"), false, "ruleset: 500 Internal Server Error", map[string]any{"adminsBound": nil}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newReplay(t)
			r.organization(repository("api", nil))
			r.quiet("api")
			r.on("/repos/acme/api/branches/main/protection", tc.classic)
			r.on("/repos/acme/api/rules/branches/main?per_page=100", tc.rules)
			if tc.ruleset.status > 0 {
				r.on("/repos/acme/api/rulesets/5?includes_parents=true", tc.ruleset)
			}
			rec, _ := r.collect(r.with(""), window())
			m := manifest(t, rec, "protection", "acme/api")
			if m.Complete != tc.complete || !strings.Contains(m.Reason, tc.reason) {
				t.Errorf("complete %v, reason %q; want %v, %q", m.Complete, m.Reason, tc.complete, tc.reason)
			}
			if tc.want == nil {
				if got := rec.ByType("protection"); len(got) != 0 {
					t.Errorf("an item %s where nothing is known", got[0].Body)
				}
				return
			}
			f := fields(t, rec, "protection", "acme/api:main")
			for k, want := range tc.want {
				if got := f[k]; fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s is %v; want %v", k, got, want)
				}
			}
		})
	}
}

// TestRequestParts: of one request, what could not be had is not said.
func TestRequestParts(t *testing.T) {
	p := pull{number: 1, author: "ana", by: "ana", merged: at(10, "10:00"), commit: "m1", reviews: arr{reviewed("", "APPROVED", at(9, "10:00"))}}
	base, head := "/repos/acme/api/pulls/1", "/repos/acme/api/commits/"+p.head()
	for _, tc := range []struct {
		name           string
		break_         string
		with           reply
		changes, check string // what the streams' reasons say; "" if complete
		missing        string // field that is not collected
	}{
		{"a deleted account approved", "", reply{}, "", "", "approvals"},
		{"reviews fail", base + "/reviews?per_page=100", bad(502, ""), "reviews of request 1: 502 Bad Gateway", "", "approvals"},
		{"checks may not be read", head + "/check-runs?filter=all&per_page=100", bad(403, "Resource not accessible by integration"), "", "checks: 403 Forbidden: Resource not accessible", "checks"},
		{"the commit is gone", head + "/statuses?per_page=100", bad(404, "Not Found"), "", "checks of request 1: 404 Not Found", "checks"},
		{"checks fail", head + "/statuses?per_page=100", bad(503, ""), "checks of request 1: 503", "checks of request 1: 503", "checks"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newReplay(t)
			r.organization(repository("api", nil))
			r.quiet("api")
			r.pulls("api", arr{p.object()})
			r.request("api", p)
			r.commits("api", committed("m1", "ana", at(10, "10:00")))
			if tc.break_ != "" {
				r.on(tc.break_, tc.with)
			}
			rec, _ := r.collect(r.with(""), window())
			for typ, want := range map[string]string{"change": tc.changes, "check": tc.check} {
				if m := manifest(t, rec, typ, "acme/api"); m.Complete != (want == "") || !strings.Contains(m.Reason, want) {
					t.Errorf("%s: complete %v, reason %q; want %q", typ, m.Complete, m.Reason, want)
				}
			}
			if got, there := fields(t, rec, "change", "acme/api#1")[tc.missing]; there {
				t.Errorf("%s is said to be %v", tc.missing, got)
			}
		})
	}
}

// TestCount: a list shorter than what the organization counts is not whole.
func TestCount(t *testing.T) {
	r := newReplay(t)
	r.organization(repository("api", nil))
	r.quiet("api")
	r.ok("/orgs/acme", obj{"public_repos": 3, "total_private_repos": 2})
	rec, _ := r.collect(r.with(""), window())
	if m := manifest(t, rec, "repository", ""); m.Complete || !strings.Contains(m.Reason, "1 of 5") {
		t.Errorf("complete %v, reason %q", m.Complete, m.Reason)
	}
}

// TestRenamed: a repository renamed after it was listed is found by the
// host's redirect, under the name it was listed by. Redirects and next pages
// elsewhere are not followed.
func TestRenamed(t *testing.T) {
	elsewhere := newReplay(t)
	p := pull{number: 1, author: "ana", by: "ben", merged: at(10, "10:00"), commit: "m1"}
	r := newReplay(t)
	r.organization(repository("old", nil), repository("lost", nil))
	r.quiet("old")
	r.quiet("lost")
	uri := "/repos/acme/old/pulls?state=closed&sort=updated&direction=desc&base=main&per_page=100"
	r.on(uri, reply{301, map[string]string{"Location": "BASE/repositories/99/pulls?x=1"}, `{"message":"Moved Permanently"}`})
	r.ok("/repositories/99/pulls?x=1", arr{p.object()})
	r.request("old", p)
	r.on("/repos/acme/lost/deployments?per_page=100", reply{302, map[string]string{"Location": elsewhere.srv.URL + "/stolen"}, ""})
	lost := good(arr{})
	lost.header["Link"] = fmt.Sprintf(`<%s/next>; rel="next"`, elsewhere.srv.URL)
	r.on("/repos/acme/lost/commits?sha=main&since="+since+"&per_page=100", lost)
	rec, _ := r.collect(r.with(""), window())
	if f := fields(t, rec, "change", "acme/old#1"); f["repository"] != "acme/old" {
		t.Errorf("change %v", f)
	}
	for typ, want := range map[string]string{"deployment": "another host", "change": "page 2: it leads to another host"} {
		if m := manifest(t, rec, typ, "acme/lost"); m.Complete || !strings.Contains(m.Reason, want) {
			t.Errorf("%s: complete %v, reason %q; want %q", typ, m.Complete, m.Reason, want)
		}
	}
	if len(elsewhere.asked) > 0 {
		t.Errorf("the other host was asked %v", elsewhere.asked)
	}
}

// TestEmpty: a repository without a commit, and one without a branch.
func TestEmpty(t *testing.T) {
	r := newReplay(t)
	r.organization(repository("empty", nil), repository("bare", obj{"default_branch": ""}))
	r.quiet("empty")
	r.on("/repos/acme/empty/branches/main/protection", bad(404, "Branch not found"))
	r.on("/repos/acme/empty/commits?sha=main&since="+since+"&per_page=100", bad(409, "Git Repository is empty."))
	r.ok("/repos/acme/bare/deployments?per_page=100", arr{})
	rec, _ := r.collect(r.with(""), window())
	for _, m := range rec.Manifests {
		if !m.Complete {
			t.Errorf("%s %s: %s", m.Type, m.Scope, m.Reason)
		}
	}
}

// TestUnasked: without a usable token nothing is asked and every stream of the
// organization is closed; without one at all the lists are known to be partial.
func TestUnasked(t *testing.T) {
	r := newReplay(t)
	env := r.env()
	env.Secret = func(context.Context, string) (string, error) { return "two words", nil }
	col, _, err := Driver.Open("hub", json.RawMessage(r.with("")), env)
	if err != nil {
		t.Fatal(err)
	}
	rec := &sourcetest.Recorder{}
	if err := col.Collect(t.Context(), window(), rec); !errors.Is(err, audit.ErrInvalid) || strings.Contains(err.Error(), "two words") {
		t.Errorf("got %v; want audit.ErrInvalid without the secret", err)
	}
	if len(rec.Manifests) != 4 || len(r.asked) != 0 || rec.Manifests[0].Complete {
		t.Errorf("%d streams closed, %d requests", len(rec.Manifests), len(r.asked))
	}
	r.token = ""
	r.organization()
	r.on(factorPath, bad(401, "Requires authentication"))
	open, _ := r.collect(fmt.Sprintf(`{"organization":"acme","baseURL":%q,"allow":"loopback"}`, r.srv.URL), window())
	for _, typ := range []string{"account", "membership", "repository"} {
		if m := manifest(t, open, typ, ""); m.Complete || !strings.Contains(m.Reason, "there is no token") {
			t.Errorf("%s: complete %v, reason %q", typ, m.Complete, m.Reason)
		}
	}
}

func TestGuard(t *testing.T) {
	r := newReplay(t)
	col, _, err := Driver.Open("hub", json.RawMessage(fmt.Sprintf(`{"organization":"acme","allow":"private","baseURL":%q}`, r.srv.URL)), source.Env{})
	if err != nil {
		t.Fatal(err)
	}
	col.(*collector).wait = func(context.Context, time.Duration) error { return nil }
	rec := &sourcetest.Recorder{}
	if err := col.Collect(t.Context(), window(), rec); err != nil {
		t.Fatal(err)
	}
	if m := rec.Manifest("repository"); m.Complete || !strings.Contains(m.Reason, "say `allow: loopback`") || len(r.asked) > 0 {
		t.Errorf("this machine was asked: %+v", m)
	}
}

func TestHost(t *testing.T) {
	for in, want := range map[string]string{"https://api.github.com": "github.com", "https://GHE.example.com/api/v3": "ghe.example.com", "https://api.acme.ghe.com": "acme.ghe.com"} {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := hostOf(u); got != want {
			t.Errorf("%s: host %s; want %s", in, got, want)
		}
	}
}
