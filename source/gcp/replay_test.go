package gcp

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

const (
	org      = "organizations/382777088978"
	readAt   = "2026-03-31T06:00:00.123456Z"
	theToken = "ya29.made-up-token-that-is-secret"
)

func window() audit.Window {
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	asOf := time.Date(2026, 3, 31, 6, 0, 0, 0, time.UTC)
	return audit.Window{Span: audit.Span{From: from, To: asOf.AddDate(0, 0, 1)}, AsOf: asOf, Zone: "Europe/Berlin"}
}

// A replay answers as Google's interfaces do, from recorded assets.
type replay struct {
	t        *testing.T
	server   *httptest.Server
	key      *rsa.PrivateKey
	pageSize int

	mu        sync.Mutex
	resources []json.RawMessage
	policies  []json.RawMessage
	projects  []string
	runs      map[string]string                                      // path -> answer
	fail      func(r *http.Request, n int) (status int, body string) // 0: answer as usual
	asked     []string
}

func newReplay(t *testing.T) *replay {
	t.Helper()
	b, err := os.ReadFile("testdata/recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct{ Resources, Policies []json.RawMessage }
	if err := json.Unmarshal(b, &recorded); err != nil {
		t.Fatal(err)
	}
	r := &replay{t: t, pageSize: 25, resources: recorded.Resources, policies: recorded.Policies, runs: map[string]string{}}
	r.projects = []string{
		`{"name":"projects/216968792402","projectId":"valid-project-test","parent":"` + org + `","state":"ACTIVE"}`,
		`{"name":"projects/169463810970","projectId":"other-project-test","parent":"folders/7","state":"ACTIVE"}`,
		`{"name":"projects/5","projectId":"going","parent":"folders/7","state":"DELETE_REQUESTED"}`,
		`{"name":"projects/6","projectId":"elsewhere","parent":"organizations/9","state":"ACTIVE"}`,
	}
	r.server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.server.Close)
	return r
}

func (r *replay) serve(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, q.URL.RequestURI())
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	if q.URL.Path == "/token" {
		fmt.Fprintf(w, `{"access_token":%q,"expires_in":3599,"token_type":"Bearer"}`, theToken)
		return
	}
	if q.Header.Get("Authorization") != "Bearer "+theToken {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":{"code":401,"message":"Request had invalid authentication credentials.","status":"UNAUTHENTICATED"}}`)
		return
	}
	if r.fail != nil {
		if status, body := r.fail(q, len(r.asked)); status != 0 {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
			return
		}
	}
	fmt.Fprint(w, r.answer(q))
}

func (r *replay) answer(q *http.Request) string {
	service, path, _ := strings.Cut(strings.TrimPrefix(q.URL.Path, "/"), "/")
	switch {
	case service == "cloudasset" && strings.HasSuffix(path, "/assets"):
		return r.assets(q)
	case path == "v3/projects:search":
		return `{"projects":[` + strings.Join(r.projects, ",") + `]}`
	case path == "v3/folders:search":
		return `{"folders":[{"name":"folders/7","parent":"folders/8"},{"name":"folders/8","parent":"` + org + `"}]}`
	case service == "sqladmin":
		if body, ok := r.runs[path]; ok {
			return body
		}
		return `{"kind":"sql#backupRunsList"}`
	}
	r.t.Errorf("nobody answers %s", q.URL)
	return `{}`
}

func (r *replay) assets(q *http.Request) string {
	v := q.URL.Query()
	list := map[string][]json.RawMessage{"RESOURCE": r.resources, "IAM_POLICY": r.policies, "": r.resources[:1]}[v.Get("contentType")]
	from, _ := strconv.Atoi(strings.TrimPrefix(v.Get("pageToken"), "page-"))
	to := min(from+r.pageSize, len(list))
	page := map[string]any{"readTime": readAt, "assets": list[from:to]}
	if to < len(list) && v.Get("contentType") != "" {
		page["nextPageToken"] = fmt.Sprintf("page-%d", to)
	}
	b, err := json.Marshal(page)
	if err != nil {
		r.t.Error(err)
	}
	return string(b)
}

func (r *replay) add(assets ...string) {
	for _, a := range assets {
		list := &r.resources
		if strings.Contains(a, `"iamPolicy"`) {
			list = &r.policies
		}
		*list = append(*list, json.RawMessage(a))
	}
}

func (r *replay) with(more string) string {
	return fmt.Sprintf(`{"scope":%q,"token":"env:GCP_TOKEN","endpoint":"%s/{service}","allow":"loopback"%s}`, org, r.server.URL, more)
}

func (r *replay) env() source.Env {
	return source.Env{Secret: func(_ context.Context, ref string) (string, error) {
		switch ref {
		case "env:GCP_TOKEN":
			return theToken, nil
		case "file:key.json":
			return r.keyFile(), nil
		}
		return "", fmt.Errorf("there is no %s", ref)
	}}
}

func (r *replay) keyFile() string {
	if r.key == nil {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			r.t.Fatal(err)
		}
		r.key = k
	}
	der, err := x509.MarshalPKCS8PrivateKey(r.key)
	if err != nil {
		r.t.Fatal(err)
	}
	b, err := json.Marshal(map[string]string{"type": "service_account", "client_email": "tieout@halyard-audit.iam.gserviceaccount.com", "private_key_id": "abc",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": r.server.URL + "/token"})
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b)
}

// collect reads with waits counted instead of slept.
func (r *replay) collect(with string) (rec *sourcetest.Recorder, waits []time.Duration) {
	r.t.Helper()
	col, conf, err := Driver.Open("google", json.RawMessage(with), r.env())
	if err != nil {
		r.t.Fatal(err)
	}
	col.(*collector).wait = func(_ context.Context, d time.Duration) error {
		waits = append(waits, d)
		return nil
	}
	rec = &sourcetest.Recorder{Driver: Driver, Config: conf}
	if err := col.Collect(r.t.Context(), window(), rec); err != nil {
		r.t.Fatal(err)
	}
	return rec, waits
}

// r0 lends nothing.
var r0 source.Env
