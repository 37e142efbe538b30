package web

import (
	"context"
	"fmt"
	"html"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	"tieout/report/reporttest"
	"tieout/source/all"
)

// evil is a name that must be inert wherever it is shown.
const evil = reporttest.Hostile

// A world is a workspace of an invented company in which a leaver's account
// went on working. Names in it are markup.
type world struct {
	t   testing.TB
	dir string
	at  time.Time
	csv string // the file of accounts, as it was sealed
}

func quoted(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// newWorld writes the workspace's files and makes its store.
func newWorld(t testing.TB) *world {
	w := &world{t: t, dir: t.TempDir(), at: time.Date(2026, 4, 1, 6, 0, 0, 0, time.UTC)}
	login := quoted("ben " + evil)
	w.csv = "login,person,status,since\nana,3,active,2026-03-01T00:00:00Z\n" + login + ",7,active,2026-03-01T00:00:00Z\n"
	w.write("tieout.yaml", fmt.Sprintf("organization: { name: %q, system: %q, zone: UTC, categories: [S] }\nperiod: { name: \"2026-03\", first: 2026-03-01, last: 2026-03-31 }\n", "Acme "+evil, evil))
	w.write("hr/people-2026-03.csv", "number,name,status,last_day,since\n3,Ana Silva,Active,,2026-03-01T00:00:00Z\n7,"+quoted(evil)+",Active,,2026-03-01T00:00:00Z\n7,"+quoted(evil)+",Active,2026-03-06,2026-03-02T10:00:00Z\n7,"+quoted(evil)+",Terminated,2026-03-06,2026-03-07T00:00:00Z\n")
	w.write("okta/accounts-2026-03.csv", w.csv)
	w.write("sources/hr.yaml", `kind: files
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
`)
	w.write("sources/okta.yaml", `kind: files
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
`)
	p := w.open("", true)
	if _, _, err := p.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.close(p)
	return w
}

func (w *world) write(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) options(name string, create bool) period.Options {
	return period.Options{
		Drivers: all.Drivers, Now: func() time.Time { return w.at }, Getenv: func(string) string { return "" },
		Actor: audit.Actor{Kind: audit.ActorPerson, Name: "Maria " + evil}, Tieout: "test", Period: name, Create: create,
	}
}

func (w *world) open(name string, create bool) *period.Program {
	w.t.Helper()
	p, err := period.Open(context.WithoutCancel(w.t.Context()), w.dir, w.options(name, create))
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) close(p *period.Program) {
	w.t.Helper()
	if err := p.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// tested collects and runs the procedures.
func (w *world) tested() *world {
	w.t.Helper()
	p := w.open("", false)
	defer w.close(p)
	if _, err := p.Collect(w.t.Context(), nil, func(period.Progress) {}); err != nil {
		w.t.Fatal(err)
	}
	if run, err := p.Check(w.t.Context(), period.CheckOptions{}); err != nil || !run.Recorded {
		w.t.Fatalf("check: %v, recorded %v", err, run != nil && run.Recorded)
	}
	return w
}

// opener opens the workspace for workers.
func (w *world) opener() func(context.Context, string, audit.Actor, time.Duration) (*period.Program, error) {
	return func(ctx context.Context, name string, by audit.Actor, lock time.Duration) (*period.Program, error) {
		o := w.options(name, false)
		o.Actor, o.Lock = by, lock
		return period.Open(ctx, w.dir, o)
	}
}

// A visitor is a browser.
type visitor struct {
	t       testing.TB
	s       *Server
	cookies map[string]*http.Cookie
	account string

	lastPage string // of imports
}

const (
	host, linkKey = "127.0.0.1:8731", "the-key-of-the-link"
	password      = "a long enough sentence to sign in with"
)

// server serves the workspace; nobody has an account yet.
func (w *world) server(change ...func(*Options)) *Server {
	w.t.Helper()
	o := Options{
		Key: linkKey, Hosts: []string{host}, Now: func() time.Time { return w.at }, Log: slog.New(slog.NewTextHandler(w.t.Output(), nil)),
		Open: func(ctx context.Context, name string) (*period.Program, error) {
			return period.Open(ctx, w.dir, w.options(name, false))
		},
	}
	for _, f := range change {
		f(&o)
	}
	s, err := New(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			w.t.Error(err)
		}
	})
	return s
}

// serve serves the workspace to a compliance lead who is signed in.
func (w *world) serve(change ...func(*Options)) *visitor {
	w.t.Helper()
	return w.visit(w.server(change...), "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
}

// visit makes an account with these roles and signs it in.
func (w *world) visit(s *Server, name string, grants ...access.Grant) *visitor {
	w.t.Helper()
	v := w.browser(s)
	v.account = makeAccount(w.t, s, name, grants...)
	if got := v.post("/sign-in", "email", name+"@example.com", "password", password); got.Code != http.StatusSeeOther {
		w.t.Fatalf("sign in as %s: %d\n%s", name, got.Code, got.Body)
	}
	return v
}

// browser is a visitor who is not signed in.
func (w *world) browser(s *Server) *visitor {
	return &visitor{t: w.t, s: s, cookies: map[string]*http.Cookie{}}
}

// admin is the first administrator, made where there is none, as who acts.
func admin(t testing.TB, s *Server) access.Subject {
	t.Helper()
	role := access.Administrator
	if s.kind == access.Firm {
		role = access.FirmAdministrator
	}
	by := access.Subject{Workspace: s.kind, Kind: audit.ActorPerson, Account: "root", Session: "S", Fresh: true,
		Grants: []access.Grant{{Role: role, Scope: access.ScopeWorkspace}}}
	if empty, err := s.people.Empty(t.Context()); err != nil || !empty {
		return by
	}
	i, _, err := s.people.Bootstrap(t.Context(), "admin@example.com", "Admin "+evil)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.people.Accept(t.Context(), i.Secret, password, access.From{}); err != nil {
		t.Fatal(err)
	}
	return by
}

// makeAccount makes an account that can sign in, and returns its ID.
func makeAccount(t testing.TB, s *Server, name string, grants ...access.Grant) string {
	t.Helper()
	by := admin(t, s)
	have, err := s.people.Names(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for id, n := range have {
		if n.Email == name+"@example.com" {
			return id
		}
	}
	i, _, err := s.people.Invite(t.Context(), by, name+"@example.com", strings.ToUpper(name[:1])+name[1:]+" "+evil, grants)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.people.Accept(t.Context(), i.Secret, password, access.From{}); err != nil {
		t.Fatal(err)
	}
	s.names.forget()
	return i.Account.ID
}

// twin is the same browser, for another goroutine.
func (v *visitor) twin() *visitor {
	return &visitor{t: v.t, s: v.s, cookies: maps.Clone(v.cookies), account: v.account}
}

// do sends a request under a Host header, with the cookies the browser has.
func (v *visitor) do(method, target, host string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.Host = host
	return v.send(r)
}

func (v *visitor) get(target string) *httptest.ResponseRecorder { return v.do("GET", target, host) }

// post sends a form of this server's own pages: pairs of names and values.
func (v *visitor) post(target string, pairs ...string) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest("POST", target, strings.NewReader(form.Encode()))
	r.Host = host
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return v.send(r)
}

// send answers a request as it is, with the browser's cookies.
func (v *visitor) send(r *http.Request) *httptest.ResponseRecorder {
	for _, c := range v.cookies {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	w := httptest.NewRecorder()
	v.s.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if v.cookies[c.Name] = c; c.MaxAge < 0 {
			delete(v.cookies, c.Name)
		}
	}
	return w
}

// page wants a page and returns its text.
func (v *visitor) page(target string) string {
	v.t.Helper()
	got := v.get(target)
	if got.Code != http.StatusOK {
		v.t.Fatalf("%s: %d\n%s", target, got.Code, got.Body)
	}
	return got.Body.String()
}

var hrefs = regexp.MustCompile(`<a[^>]* href="([^"]*)"`)

// linksOf are the addresses a page leads to, without fragments.
func linksOf(page string) (out []string) {
	seen := map[string]bool{}
	for _, m := range hrefs.FindAllStringSubmatch(page, -1) {
		target, _, _ := strings.Cut(html.UnescapeString(m[1]), "#")
		if target != "" && !seen[target] {
			seen[target] = true
			out = append(out, target)
		}
	}
	return out
}

func newRequest(target string) *http.Request {
	r := httptest.NewRequest("GET", target, nil)
	r.Host = host
	return r
}
