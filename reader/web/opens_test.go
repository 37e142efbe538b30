package web

import (
	"strings"
	"testing"

	"tieout/access"
	"tieout/audit"
)

func TestRouteOf(t *testing.T) {
	s := &Server{pages: pagesOf(routes(access.Company))}
	for _, c := range []struct {
		name, path, want, id string
		found                bool
	}{
		{"the first page", "/", "GET /{$}", "", true},
		{"a list", "/controls", "GET /controls", "", true},
		{"a thing", "/controls/IAM-02", "GET /controls/{id}", "IAM-02", true},
		{"words before a name", "/policies/new", "GET /policies/new", "", true},
		{"a page of a thing", "/policies/P-1/edit", "GET /policies/{id}/edit", "P-1", true},
		{"a thing without a name", "/controls/", "", "", false},
		{"no page", "/assets/screens.css", "", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, values, ok := s.routeOf(c.path)
			if r.pattern != c.want || values["id"] != c.id || ok != c.found {
				t.Errorf("got %q, %q, %t; want %q, %q, %t", r.pattern, values["id"], ok, c.want, c.id, c.found)
			}
		})
	}
}

func TestUnlinked(t *testing.T) {
	w := newWorld(t).tested()
	s := w.server()
	who := access.Subject{Workspace: access.Company, Kind: audit.ActorPerson, Account: "somebody", Grants: []access.Grant{{Role: access.Employee, Scope: access.ScopeOwn}}}
	st, err := s.shelf.take(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.shelf.give(st); err != nil {
			t.Error(err)
		}
	}()
	for _, c := range []struct{ name, page, want string }{
		{"one's own page stays", `<p><a href="/me">Mine</a>.</p>`, `<p><a href="/me">Mine</a>.</p>`},
		{"what is refused becomes words", `<p><a class="mono" href="/controls/IAM-02?x=1&amp;y=2">IAM-02</a>.</p>`, `<p><span>IAM-02</span>.</p>`},
		{"a button to it goes", `<a class="btn primary" href="/access/new">Invite</a>|`, `|`},
		{"places on the page stay", `<a href="#main">Skip</a>`, `<a href="#main">Skip</a>`},
		{"other servers stay", `<a href="https://example.com/controls">Out</a>`, `<a href="https://example.com/controls">Out</a>`},
		{"several, one after the other", `<a href="/me">a</a><a href="/log">b</a><a href="/me">c</a>`, `<a href="/me">a</a><span>b</span><a href="/me">c</a>`},
		{"no link at all", `<p>Nothing</p>`, `<p>Nothing</p>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := &request{Request: newRequest("/me"), s: s, who: who, st: st}
			if got := string(q.unlinked([]byte(c.page))); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// TestNoRefusedLink: whatever a role may open leads it nowhere it is refused.
func TestNoRefusedLink(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine, and long; it runs without -short")
	}
	w := newWorld(t).tested()
	s := w.server()
	for i, st := range standings(access.Company) {
		t.Run(st.name, func(t *testing.T) {
			v := w.visit(s, "follows"+string(rune('a'+i)), st.grants...)
			seen := map[string]bool{}
			for _, first := range []string{"/me", "/", "/start", "/controls", "/controls/IAM-02", "/connectors", "/evidence", "/evidence/E-3", "/policies", "/people", "/access", "/readiness", "/system"} {
				got := v.get(first)
				if got.Code != 200 {
					continue
				}
				for _, l := range linksOf(got.Body.String()) {
					if l = pathOf(l); seen[l] || !strings.HasPrefix(l, "/") {
						continue
					}
					if seen[l] = true; v.get(l).Code == 403 {
						t.Errorf("%s leads to %s, which is refused", first, l)
					}
				}
			}
		})
	}
}
