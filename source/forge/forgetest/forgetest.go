// Package forgetest replays a host of code: exactly the requests it knows, each
// checked, with errors and pages as a test sets them.
package forgetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

// Token is the secret that a replay asks for.
const Token = "tok-thisIsTheSecretOfTheTests-000000" //nolint:gosec // it opens nothing

// Obj and Arr write JSON in tests.
type (
	Obj = map[string]any
	Arr = []any
)

// A Reply is one answer of a replay.
type Reply struct {
	Status int
	Header map[string]string
	Body   string
}

// A Replay is a server that answers the requests it knows. A request that has
// several replies gets them in turn, the last one for ever.
type Replay struct {
	Server        *httptest.Server
	Header, Value string // the header that carries the token, and how

	t       testing.TB
	mu      sync.Mutex
	replies map[string][]Reply
	asked   map[string]int
}

// New starts a replay that ends with the test.
func New(t testing.TB, header, value string) *Replay {
	r := &Replay{t: t, Header: header, Value: value, replies: map[string][]Reply{}, asked: map[string]int{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Server.Close)
	return r
}

func (r *Replay) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if got := req.Header.Get(r.Header); got != r.Value {
		r.t.Errorf("%s: header %s is %q; want %q", req.URL, r.Header, got, r.Value)
	}
	key := req.URL.RequestURI()
	list := r.replies[key]
	if len(list) == 0 || req.Method != http.MethodGet {
		r.t.Errorf("unexpected request %s %s", req.Method, key)
		http.Error(w, `{"message":"404 Not Found"}`, http.StatusNotFound)
		return
	}
	a := list[min(r.asked[key], len(list)-1)]
	r.asked[key]++
	w.Header().Set("Content-Type", "application/json")
	for k, v := range a.Header {
		w.Header().Set(k, strings.ReplaceAll(v, "BASE", r.Server.URL))
	}
	w.WriteHeader(a.Status)
	if _, err := fmt.Fprint(w, a.Body); err != nil {
		r.t.Log(err)
	}
}

// On sets the replies to a request.
func (r *Replay) On(uri string, replies ...Reply) { r.replies[uri] = replies }

// Has reports whether a request is known.
func (r *Replay) Has(uri string) bool { return len(r.replies[uri]) > 0 }

// Asked is how often a request was made.
func (r *Replay) Asked(uri string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked[uri]
}

// Good is an answer of 200.
func Good(body any) Reply {
	s, isText := body.(string)
	if !isText {
		b, err := json.Marshal(body)
		if err != nil {
			panic(err)
		}
		s = string(b)
	}
	return Reply{Status: http.StatusOK, Header: map[string]string{}, Body: s}
}

// Bad is an answer that refuses or fails.
func Bad(status int, message string) Reply {
	return Reply{Status: status, Body: fmt.Sprintf(`{"message":%q}`, message)}
}

// OK sets one good reply.
func (r *Replay) OK(uri string, body any) { r.On(uri, Good(body)) }

// Pages sets the pages of a list with Link headers, and with the number of all
// elements under the header total, where it is not "".
func (r *Replay) Pages(uri, total string, pages ...Arr) {
	count := 0
	for _, p := range pages {
		count += len(p)
	}
	for i, p := range pages {
		a, at := Good(append(Arr{}, p...)), uri
		if i > 0 {
			at = fmt.Sprintf("%s&page=%d", uri, i+1)
		}
		if i < len(pages)-1 {
			a.Header["Link"] = fmt.Sprintf(`<BASE%s&page=%d>; rel="next", <BASE%s&page=%d>; rel="last"`, uri, i+2, uri, len(pages))
		}
		if total != "" {
			a.Header[total] = fmt.Sprint(count)
		}
		r.On(at, a)
	}
}

// Env resolves the token.
func (r *Replay) Env() source.Env {
	return source.Env{Secret: func(_ context.Context, ref string) (string, error) {
		if ref != "env:TOKEN" {
			return "", fmt.Errorf("%w: %s", audit.ErrNotFound, ref)
		}
		return Token + "\n", nil
	}}
}

// Noon is when tests collect, and Start when their window begins.
var (
	Start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	Noon  = time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
)

// Window is what tests collect.
func Window() audit.Window {
	return audit.Window{Span: audit.Span{From: Start, To: Noon}, AsOf: Noon, Zone: "UTC"}
}

// At is an instant of the window's month.
func At(day int, clock string) string { return fmt.Sprintf("2026-03-%02dT%s:00Z", day, clock) }

// SHA makes a commit id out of a short word.
func SHA(word string) string { return fmt.Sprintf("%040x", word)[:40] }

// Collect runs a collector that does not really wait and checks that what came
// is as the schema says and holds no secret.
func Collect(t testing.TB, d *source.Driver, col source.Collector, config json.RawMessage, w audit.Window) *sourcetest.Recorder {
	t.Helper()
	rec := &sourcetest.Recorder{Driver: d, Config: config}
	if err := col.Collect(t.Context(), w, rec); err != nil {
		t.Fatalf("collect: %v", err)
	}
	for _, it := range rec.Items {
		if err := sourcetest.Valid(it); err != nil {
			t.Errorf("%s %s: %v", it.Type, it.ID, err)
		}
	}
	for _, p := range rec.Pages {
		if strings.Contains(string(p.Body)+p.Query, Token) || strings.Contains(string(config), Token) {
			t.Errorf("the token is in page %s %s", p.Kind, p.Query)
		}
	}
	for _, m := range rec.Manifests {
		if strings.Contains(fmt.Sprint(m), Token) {
			t.Errorf("the token is in the manifest of %s", m.Type)
		}
	}
	return rec
}

// Manifest returns the manifest of one stream.
func Manifest(t testing.TB, rec *sourcetest.Recorder, typ, scope string) audit.Manifest {
	t.Helper()
	for _, m := range rec.Manifests {
		if m.Type == typ && m.Scope == scope {
			return m
		}
	}
	t.Fatalf("no stream %s %q was closed", typ, scope)
	return audit.Manifest{}
}

// Fields returns an item's body and volatile part, decoded.
func Fields(t testing.TB, rec *sourcetest.Recorder, typ, id string) map[string]any {
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

// Fuzzed normalizes a page of any bytes: what comes is as the schema says, and
// what cannot be read is an error that says so.
func Fuzzed(t *testing.T, d *source.Driver, config json.RawMessage, p audit.Page) {
	t.Helper()
	items, err := d.Normalize(config, p)
	var rows source.BadRows
	if err != nil && !errors.Is(err, audit.ErrInvalid) && !errors.As(err, &rows) {
		t.Errorf("an error of no kind: %v", err)
	}
	for _, it := range items {
		if err := sourcetest.Valid(it); err != nil {
			t.Errorf("%s %s: %v", it.Type, it.ID, err)
		}
	}
}
