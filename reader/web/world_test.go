package web

import (
	"context"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

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

// A visitor is a browser that was let in.
type visitor struct {
	t      testing.TB
	s      *Server
	cookie *http.Cookie
}

const host, linkKey = "127.0.0.1:8731", "the-key-of-the-link"

func (w *world) serve() *visitor {
	w.t.Helper()
	s := New(Options{
		Key: linkKey, Hosts: []string{host}, Now: func() time.Time { return w.at }, Log: slog.New(slog.NewTextHandler(w.t.Output(), nil)),
		Open: func(ctx context.Context, name string) (*period.Program, error) {
			return period.Open(ctx, w.dir, w.options(name, false))
		},
	})
	w.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			w.t.Error(err)
		}
	})
	v := &visitor{t: w.t, s: s}
	got := v.get("/?key=" + linkKey)
	if got.Code != http.StatusSeeOther || len(got.Result().Cookies()) != 1 {
		w.t.Fatalf("the link: %d, %d cookies", got.Code, len(got.Result().Cookies()))
	}
	v.cookie = got.Result().Cookies()[0]
	return v
}

func (v *visitor) do(method, target, host string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.Host = host
	if v.cookie != nil {
		r.AddCookie(v.cookie)
	}
	w := httptest.NewRecorder()
	v.s.ServeHTTP(w, r)
	return w
}

func (v *visitor) get(target string) *httptest.ResponseRecorder { return v.do("GET", target, host) }

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

// send answers a request as it is.
func (v *visitor) send(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	v.s.ServeHTTP(w, r)
	return w
}
