package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	"tieout/reader/web"
	"tieout/source/all"
)

const host = "127.0.0.1:8731"

// A world is a small workspace in which a leaver's account went on working, and
// the server over it.
type world struct {
	t    testing.TB
	dir  string
	at   time.Time
	web  *web.Server
	api  *Server
	wake int
}

// newWorld is a copy of a workspace that was tested once for all tests.
func newWorld(t testing.TB) *world {
	t.Helper()
	from, err := tested()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: filepath.Join(t.TempDir(), "acme"), at: day.Add(time.Hour)}
	if err := copyAll(w.dir, from); err != nil {
		t.Fatal(err)
	}
	w.serve()
	return w
}

var (
	day    = time.Date(2026, 4, 1, 6, 0, 0, 0, time.UTC)
	folder string // of what is made once
	tested = sync.OnceValues(prepare)
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "api")
	if err != nil {
		panic(err)
	}
	folder = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// copyAll copies a folder with the rights of its files: a key is its owner's.
func copyAll(to, from string) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		return os.Chmod(filepath.Join(to, rel), info.Mode().Perm())
	})
}

// prepare writes a workspace, makes its store, collects and tests.
func prepare() (string, error) {
	dir := filepath.Join(folder, "acme")
	for name, text := range sources {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			return "", err
		}
	}
	p, err := period.Open(context.Background(), dir, options("", true, func() time.Time { return day }))
	if err != nil {
		return "", err
	}
	_, _, err = p.Apply(context.Background())
	if err == nil {
		_, err = p.Collect(context.Background(), nil, func(period.Progress) {})
	}
	if err == nil {
		_, err = p.Check(context.Background(), period.CheckOptions{})
	}
	return dir, errors.Join(err, p.Close())
}

// sources are the workspace's files.
var sources = map[string]string{
	"tieout.yaml":               "organization: { name: Acme, system: Acme, zone: UTC, categories: [S] }\nperiod: { name: \"2026-03\", first: 2026-03-01, last: 2026-03-31 }\n",
	"hr/people-2026-03.csv":     "number,name,status,last_day,since\n3,Ana Silva,Active,,2026-03-01T00:00:00Z\n7,Ben Okafor,Active,,2026-03-01T00:00:00Z\n7,Ben Okafor,Active,2026-03-06,2026-03-02T10:00:00Z\n7,Ben Okafor,Terminated,2026-03-06,2026-03-07T00:00:00Z\n",
	"okta/accounts-2026-03.csv": "login,person,status,since\nana,3,active,2026-03-01T00:00:00Z\nben,7,active,2026-03-01T00:00:00Z\n",
	"sources/hr.yaml": `kind: files
with:
  streams:
    - files: hr/people-2026-03.csv
      format: csv
      type: person
      mode: changes
      covers: { path: "(\\d{4}-\\d{2})" }
      id: "hr/{number}"
      at: { column: since }
      fields:
        name: name
        kind: { value: employee }
        status: { column: status, values: { Active: active, Terminated: ended } }
        endedAt: { column: last_day, date: end, none: [""] }
`,
	"sources/okta.yaml": `kind: files
with:
  streams:
    - files: okta/accounts-2026-03.csv
      format: csv
      type: account
      mode: changes
      scope: okta
      covers: { path: "(\\d{4}-\\d{2})" }
      id: "okta/{login}"
      at: { column: since }
      fields: { login: login, system: { value: okta }, kind: { value: human }, status: { column: status } }
      links: { person: "hr/{person}", account: "okta/{login}", basis: employee number }
`,
}

func options(name string, create bool, now func() time.Time) period.Options {
	return period.Options{Drivers: all.Drivers, Now: now, Getenv: func(string) string { return "" }, Actor: audit.Actor{Kind: audit.ActorPerson, Name: "Maria"}, Tieout: "test", Period: name, Create: create}
}

func (w *world) now() time.Time { return w.at }

func (w *world) serve() {
	w.t.Helper()
	log := slog.New(slog.NewTextHandler(w.t.Output(), nil))
	s, err := web.New(w.t.Context(), web.Options{
		Hosts: []string{host}, Now: w.now, Log: log,
		Open: func(ctx context.Context, name string) (*period.Program, error) {
			return period.Open(ctx, w.dir, options(name, false, w.now))
		},
		Beside: func(s *web.Server) map[string]http.Handler {
			w.api = New(Options{Web: s, Now: w.now, Wake: func() { w.wake++ }, Log: log})
			return map[string]http.Handler{Prefix + "/": w.api}
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.web = s
	w.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			w.t.Error(err)
		}
	})
}

// A client is a program with a token.
type client struct {
	*world
	token   string
	account string
}

// account makes an account that can sign in.
func (w *world) account(name string, grants ...access.Grant) string {
	w.t.Helper()
	people := w.web.People()
	by := access.Subject{Workspace: access.Company, Kind: audit.ActorPerson, Account: "root", Session: "S", Fresh: true,
		Grants: []access.Grant{{Role: access.Administrator, Scope: access.ScopeWorkspace}}}
	i, _, err := people.Invite(w.t.Context(), by, name+"@example.com", strings.ToUpper(name[:1])+name[1:], grants)
	if err != nil {
		w.t.Fatal(err)
	}
	if _, _, err := people.Accept(w.t.Context(), i.Secret, "a long enough sentence to sign in with", access.From{}); err != nil {
		w.t.Fatal(err)
	}
	return i.Account.ID
}

// all are the permissions that a token of these grants can have.
func able(grants []access.Grant) (out []access.PermissionID) {
	for _, p := range access.Permissions {
		if p.Has(access.Person) {
			continue
		}
		for _, g := range grants {
			for _, r := range p.Roles {
				if r == g.Role {
					out = append(out, p.ID)
				}
			}
		}
	}
	return out
}

// as is a client of a new account with these grants and a token of all they give.
func (w *world) as(name string, grants ...access.Grant) *client {
	w.t.Helper()
	return w.with(w.account(name, grants...), able(grants)...)
}

// with is a client with a token of an account; without permissions it has none.
func (w *world) with(account string, permissions ...access.PermissionID) *client {
	w.t.Helper()
	c := &client{world: w, account: account, token: "tieout_none"}
	if len(permissions) == 0 {
		return c
	}
	people := w.web.People()
	_, secret, _, err := people.CreateTokenFor(w.t.Context(), people.Operator("test"), account, "test", permissions, w.at.AddDate(0, 1, 0))
	if err != nil {
		w.t.Fatal(err)
	}
	c.token = secret
	return c
}

func (w *world) lead() *client {
	return w.as("lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
}

// send sends a request: pairs are headers.
func (c *client) send(method, path, body string, pairs ...string) *httptest.ResponseRecorder {
	c.t.Helper()
	var b io.Reader
	if body != "" {
		b = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, Prefix+path, b)
	r.Host = host
	r.Header.Set("Authorization", "Bearer "+c.token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		r.Header.Set(pairs[i], pairs[i+1])
	}
	return c.do(r)
}

// do sends a request through the screens' server; time passes, so that no rate is met.
func (c *client) do(r *http.Request) *httptest.ResponseRecorder {
	c.at = c.at.Add(100 * time.Millisecond)
	w := httptest.NewRecorder()
	c.web.ServeHTTP(w, r)
	return w
}

// get wants an answer and returns it as JSON.
func (c *client) get(path string) map[string]any {
	c.t.Helper()
	got := c.send("GET", path, "")
	if got.Code != http.StatusOK {
		c.t.Fatalf("%s: %d\n%s", path, got.Code, got.Body)
	}
	return object(c.t, got)
}

func object(t testing.TB, got *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(got.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v: %s", err, got.Body)
	}
	return v
}

// want holds an answer to a status, and a problem to its form.
func want(t testing.TB, what string, got *httptest.ResponseRecorder, status int) map[string]any {
	t.Helper()
	if got.Code != status {
		t.Fatalf("%s: %d, want %d\n%s", what, got.Code, status, got.Body)
	}
	v := map[string]any{}
	if got.Body.Len() > 0 && strings.Contains(got.Header().Get("Content-Type"), "json") {
		v = object(t, got)
	}
	if status >= 400 && (got.Header().Get("Content-Type") != "application/problem+json" || v["status"] != float64(status) || v["detail"] == "") {
		t.Errorf("%s: no problem: %s %v", what, got.Header().Get("Content-Type"), v)
	}
	return v
}

// at is a value inside JSON.
func in(v any, path ...any) any {
	for _, k := range path {
		switch x := v.(type) {
		case map[string]any:
			v = x[fmt.Sprint(k)]
		case []any:
			i, ok := k.(int)
			if !ok || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

func keys(m map[string]any) []string {
	var out []string
	for k := range maps.Keys(m) {
		out = append(out, k)
	}
	return out
}

// form is a document as a client sends it.
func (c *client) upload(file, text string, fields map[string]string, pairs ...string) *httptest.ResponseRecorder {
	c.t.Helper()
	var b bytes.Buffer
	m := newForm(&b)
	for k, v := range fields {
		m.field(c.t, k, v)
	}
	m.file(c.t, "file", file, text)
	r := httptest.NewRequest("POST", Prefix+"/evidence", &b)
	r.Host = host
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Content-Type", m.end(c.t))
	for i := 0; i+1 < len(pairs); i += 2 {
		r.Header.Set(pairs[i], pairs[i+1])
	}
	return c.do(r)
}

// to moves the clock forward.
func (w *world) to(at time.Time) {
	if at.After(w.at) {
		w.at = at
	}
}
