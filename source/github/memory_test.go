package github

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/source"
)

// A factory answers for a repository with as many merged requests as wanted,
// each answer about 20 kB.
type factory struct{ requests int }

var pullPath = regexp.MustCompile(`/pulls/(\d+)`)

func (f factory) RoundTrip(req *http.Request) (*http.Response, error) {
	uri, body, link := req.URL.RequestURI(), "[]", ""
	switch {
	case strings.HasSuffix(req.URL.Path, "/repos") && strings.HasPrefix(uri, "/orgs"):
		body = `[{"full_name":"acme/api","default_branch":"main"}]`
	case req.URL.Path == "/orgs/acme":
		body = `{"public_repos":1,"total_private_repos":0}`
	case strings.Contains(uri, "/pulls?state=closed"):
		page := max(1, atoi(req.URL.Query().Get("page")))
		body = f.page(page)
		if page*100 < f.requests {
			link = fmt.Sprintf(`<https://api.github.com/repos/acme/api/pulls?state=closed&page=%d>; rel="next"`, page+1)
		}
	case strings.HasSuffix(uri, "/reviews?per_page=100"):
	case pullPath.MatchString(uri):
		body = f.pull(atoi(pullPath.FindStringSubmatch(uri)[1]))
	case strings.Contains(uri, "/check-runs"):
		body = `{"check_runs":[]}`
	}
	h := http.Header{}
	if link != "" {
		h.Set("Link", link)
	}
	return &http.Response{StatusCode: 200, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: req}, nil
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

var padding = strings.Repeat("x", 20<<10)

func (f factory) pull(n int) string {
	return fmt.Sprintf(`{"number":%d,"title":"t","body":%q,"user":{"login":"ana","id":11,"type":"User"},"created_at":"2026-03-02T08:00:00Z","updated_at":"2026-03-10T08:00:00Z","merged_at":"2026-03-10T08:00:00Z","merge_commit_sha":"%040x","head":{"ref":"t","sha":"%040x"},"base":{"ref":"main"}}`,
		n, padding, n, n+1<<30)
}

func (f factory) page(page int) string {
	var list []string
	for n := (page-1)*100 + 1; n <= min(page*100, f.requests); n++ {
		list = append(list, f.pull(n))
	}
	return "[" + strings.Join(list, ",") + "]"
}

// A forgetful sink keeps nothing and measures the heap at some pages.
type forgetful struct {
	pages, changes int
	at             map[int]uint64 // pages -> bytes in use
}

func (s *forgetful) Page(_ context.Context, pages ...audit.Page) error {
	for _, p := range pages {
		s.pages++
		if p.Kind == kindChange {
			s.changes++
		}
		if _, ok := s.at[s.pages]; ok {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			s.at[s.pages] = m.HeapAlloc
		}
	}
	return nil
}

func (s *forgetful) Close(context.Context, audit.Manifest) error { return nil }

func (s *forgetful) Progress(string, int, int) {}

// TestMemory: 600 requests of 40 kB each pass through; what is held grows by
// a few bytes for each, not by what was read.
func TestMemory(t *testing.T) {
	const requests = 600
	col, _, err := Driver.Open("hub", json.RawMessage(`{"organization":"acme"}`), source.Env{HTTP: &http.Client{Transport: factory{requests}}})
	if err != nil {
		t.Fatal(err)
	}
	s := &forgetful{at: map[int]uint64{200: 0, 600: 0}}
	if err := col.Collect(t.Context(), window(), s); err != nil {
		t.Fatal(err)
	}
	if s.changes != requests {
		t.Errorf("%d of %d requests came", s.changes, requests)
	}
	if grown := int64(s.at[600]) - int64(s.at[200]); s.at[200] == 0 || s.at[600] == 0 || grown > 4<<20 {
		t.Errorf("between the 200th and the 600th page the heap grew by %d bytes, from %d", grown, s.at[200])
	}
}
