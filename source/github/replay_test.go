package github

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
	"tieout/timeline"
)

const testToken = "ghp_thisIsTheTokenOfTheTests000000000000"

// A reply is one answer of the replay server.
type reply struct {
	status int
	header map[string]string
	body   string
}

// A replay is a server that answers exactly the requests it knows and checks
// method, path, query and headers of each. A request that has several replies
// gets them in turn, the last one for ever.
type replay struct {
	t       testing.TB
	srv     *httptest.Server
	mu      sync.Mutex
	replies map[string][]reply
	asked   map[string]int
	again   map[string]int // requests that named an ETag
	token   string
}

func newReplay(t testing.TB) *replay {
	r := &replay{t: t, replies: map[string][]reply{}, asked: map[string]int{}, again: map[string]int{}, token: testToken}
	r.srv = httptest.NewServer(r)
	t.Cleanup(r.srv.Close)
	return r
}

func (r *replay) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checkHeaders(req)
	key := req.URL.RequestURI()
	list := r.replies[key]
	if len(list) == 0 && beside.MatchString(key) {
		list = []reply{good(arr{})}
	}
	if len(list) == 0 || req.Method != http.MethodGet {
		r.t.Errorf("unexpected request %s %s", req.Method, key)
		http.Error(w, `{"message":"Not Found"}`, http.StatusNotFound)
		return
	}
	n := min(r.asked[key], len(list)-1)
	r.asked[key]++
	a := list[n]
	for k, v := range a.header {
		w.Header().Set(k, strings.ReplaceAll(v, "BASE", r.srv.URL))
	}
	if tag := req.Header.Get("If-None-Match"); tag != "" {
		r.again[key]++
		if tag == a.header["ETag"] {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(a.status)
	fmt.Fprint(w, a.body)
}

// beside are lists that are empty where a test does not say otherwise: the audit
// log, and what scanners found.
var beside = regexp.MustCompile(`/audit-log\?|/(?:dependabot|code-scanning|secret-scanning)/alerts\?`)

func (r *replay) checkHeaders(req *http.Request) {
	want := map[string]string{"Accept": "application/vnd.github+json", "X-Github-Api-Version": apiVersion, "User-Agent": "tieout"}
	if want["Authorization"] = ""; r.token != "" {
		want["Authorization"] = "Bearer " + r.token
	}
	for k, v := range want {
		if got := req.Header.Get(k); got != v {
			r.t.Errorf("%s: header %s is %q; want %q", req.URL, k, got, v)
		}
	}
}

// on sets the replies to a request.
func (r *replay) on(uri string, replies ...reply) { r.replies[uri] = replies }

// ok sets one good reply, with an ETag.
func (r *replay) ok(uri string, body any) {
	r.on(uri, good(body))
}

func good(body any) reply {
	s, isText := body.(string)
	if !isText {
		b, err := json.Marshal(body)
		if err != nil {
			panic(err)
		}
		s = string(b)
	}
	return reply{200, map[string]string{"ETag": fmt.Sprintf(`W/"%x"`, len(s)) + fmt.Sprintf("%q", s[:min(len(s), 8)])}, s}
}

func bad(status int, message string) reply {
	return reply{status: status, body: fmt.Sprintf(`{"message":%q,"documentation_url":"https://docs.github.com/rest"}`, message)}
}

// pages sets n pages of a list, each with Link headers as GitHub writes them.
func (r *replay) pages(uri string, bodies ...any) {
	for i, b := range bodies {
		a := good(b)
		at := uri
		if i > 0 {
			at = fmt.Sprintf("%s&page=%d", uri, i+1)
		}
		var link []string
		if i > 0 {
			link = append(link, fmt.Sprintf(`<BASE%s&page=%d>; rel="prev"`, uri, i))
		}
		if i < len(bodies)-1 {
			link = append(link, fmt.Sprintf(`<BASE%s&page=%d>; rel="next", <BASE%s&page=%d>; rel="last"`, uri, i+2, uri, len(bodies)))
		}
		if len(link) > 0 {
			a.header["Link"] = strings.Join(link, ", ")
		}
		r.on(at, a)
	}
}

func (r *replay) env() source.Env {
	return source.Env{Secret: func(_ context.Context, ref string) (string, error) {
		if ref != "env:GITHUB_TOKEN" {
			return "", fmt.Errorf("%w: %s", audit.ErrNotFound, ref)
		}
		return testToken + "\n", nil
	}}
}

// with are the settings for this server; extra are more of them.
func (r *replay) with(extra string) string {
	return fmt.Sprintf(`{"organization":"acme","baseURL":%q,"token":"env:GITHUB_TOKEN","allow":"loopback"%s}`, r.srv.URL, extra)
}

var (
	day0 = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	noon = time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
)

func window() audit.Window {
	return audit.Window{Span: audit.Span{From: day0, To: noon}, AsOf: noon, Zone: "UTC"}
}

// collect runs one collection without real pauses and returns what came and
// which pauses it made.
func (r *replay) collect(with string, w audit.Window) (*sourcetest.Recorder, []time.Duration) {
	r.t.Helper()
	col, config, err := Driver.Open("hub", json.RawMessage(with), r.env())
	if err != nil {
		r.t.Fatal(err)
	}
	var pauses []time.Duration
	col.(*collector).wait = func(_ context.Context, d time.Duration) error {
		pauses = append(pauses, d)
		return nil
	}
	rec := &sourcetest.Recorder{Driver: Driver, Config: config}
	if err := col.Collect(r.t.Context(), w, rec); err != nil {
		r.t.Fatalf("collect: %v", err)
	}
	for _, it := range rec.Items {
		mode := audit.ModeSnapshot
		if typ, err := audit.TypeByName(it.Type); err == nil && typ.Event {
			mode = audit.ModeEvents
		}
		if err := errors.Join(sourcetest.Valid(it), timeline.Check(mode, it)); err != nil {
			r.t.Errorf("%s %s: %v", it.Type, it.ID, err)
		}
	}
	for _, p := range rec.Pages {
		if strings.Contains(string(p.Body)+p.Query, testToken) || strings.Contains(string(config), testToken) {
			r.t.Errorf("the token is in page %s %s", p.Kind, p.Query)
		}
	}
	return rec, pauses
}

func manifest(t testing.TB, rec *sourcetest.Recorder, typ, scope string) audit.Manifest {
	t.Helper()
	for _, m := range rec.Manifests {
		if m.Type == typ && m.Scope == scope {
			return m
		}
	}
	t.Fatalf("no stream %s %q was closed", typ, scope)
	return audit.Manifest{}
}

// fields returns an item's body, decoded.
func fields(t testing.TB, rec *sourcetest.Recorder, typ, id string) map[string]any {
	t.Helper()
	for _, it := range rec.Items {
		if it.Type == typ && it.ID == id {
			var f map[string]any
			if err := json.Unmarshal(it.Body, &f); err != nil {
				t.Fatal(err)
			}
			return f
		}
	}
	t.Fatalf("no %s %s", typ, id)
	return nil
}
