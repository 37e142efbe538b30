package scim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tieout/access"
	"tieout/store/sqlite"
)

// A log seals in memory, as a sink has to.
type sink struct {
	mu  sync.Mutex
	all []access.Activity
}

func (l *sink) Seal(_ context.Context, a access.Activity) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, a)
	return int64(len(l.all)), nil
}

func (l *sink) last() access.Activity {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all[len(l.all)-1]
}

// A world is a workspace with an administrator and a server for its directory.
type world struct {
	t      *testing.T
	people *access.People
	sink   *sink
	admin  access.Signed
	token  string
	url    string
}

const password = "seven green lamps hum"

var home = access.From{Address: "192.0.2.7:4711", Agent: "browser"}

func newWorld(t *testing.T) *world {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	w := &world{t: t, sink: &sink{}}
	w.people, err = access.Open(access.Config{Store: s, Workspace: access.Company, Key: [32]byte{1}, Sink: w.sink, Now: time.Now,
		Groups: map[string][]string{"sec-leads": {"compliance-lead@workspace"}, "it": {"administrator@workspace"}}})
	w.must(err)
	w.admin = w.in("root@halyard.example", w.bootstrap())
	w.token = w.newToken(access.Provision)
	srv := httptest.NewUnstartedServer(nil)
	w.url = "http://" + srv.Listener.Addr().String()
	srv.Config.Handler = New(Options{People: w.people, Origin: w.url})
	srv.Start()
	t.Cleanup(srv.Close)
	return w
}

func (w *world) bootstrap() string {
	i, _, err := w.people.Bootstrap(w.t.Context(), "root@halyard.example", "Rut Vale")
	w.must(err)
	return i.Secret
}

// in accepts an invitation and signs in.
func (w *world) in(email, secret string) access.Signed {
	w.t.Helper()
	_, _, err := w.people.Accept(w.t.Context(), secret, password, home)
	w.must(err)
	s, _, err := w.people.SignIn(w.t.Context(), access.Attempt{Email: email, Password: password, From: home})
	w.must(err)
	return s
}

func (w *world) newToken(may ...access.PermissionID) string {
	w.t.Helper()
	_, secret, _, err := w.people.CreateToken(w.t.Context(), w.admin.Subject, "directory", may, time.Now().Add(24*time.Hour))
	w.must(err)
	return secret
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) equal(what string, got, want any) {
	w.t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// A reply is what the server answered.
type reply struct {
	status int
	header http.Header
	body   map[string]any
}

func (r reply) text(name string) string { s, _ := r.body[name].(string); return s }

// do sends a request; body may be text or a value; header are pairs.
func (w *world) do(method, path string, body any, header ...string) reply {
	w.t.Helper()
	var b bytes.Buffer
	switch x := body.(type) {
	case nil:
	case string:
		b.WriteString(x)
	default:
		w.must(json.NewEncoder(&b).Encode(x))
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+Prefix+path, &b)
	w.must(err)
	req.Header.Set("Authorization", "Bearer "+w.token)
	req.Header.Set("Content-Type", "application/scim+json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	w.must(err)
	defer resp.Body.Close()
	out := reply{status: resp.StatusCode, header: resp.Header}
	if resp.StatusCode != http.StatusNoContent && resp.StatusCode != http.StatusNotModified {
		w.must(json.NewDecoder(resp.Body).Decode(&out.body))
	}
	return out
}

// want is do, with the status it has to have.
func (w *world) want(status int, method, path string, body any, header ...string) reply {
	w.t.Helper()
	r := w.do(method, path, body, header...)
	if r.status != status {
		w.t.Fatalf("%s %s: got %d %v, want %d", method, path, r.status, r.body, status)
	}
	return r
}

func obj(pairs ...any) map[string]any {
	out := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		out[pairs[i].(string)] = pairs[i+1]
	}
	return out
}

func newUser(name string) map[string]any {
	return obj("schemas", []string{userURN}, "userName", name, "name", obj("givenName", "Ana", "familyName", "Moss"), "displayName", "Ana Moss",
		"emails", []any{obj("value", name, "type", "work", "primary", true)}, "active", true, "externalId", "00u-"+name)
}

func ops(all ...any) map[string]any {
	return obj("schemas", []string{patchURN}, "Operations", all)
}
