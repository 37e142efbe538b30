package web

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"tieout/access"
)

var everyScreen = []string{
	"/", "/period/2026-03", "/controls", "/controls/IAM-02", "/deviations", "/deviations/D-1", "/gaps", "/evidence", "/evidence/E-0", "/evidence/E-0/raw",
	"/populations", "/populations/x", "/connectors", "/log", "/search?q=x", "/nothing", "/access", "/account",
}

// TestClosedDoor: who is not signed in sees nothing but the way to sign in.
func TestClosedDoor(t *testing.T) {
	w := newWorld(t)
	v := w.serve()
	name := v.s.cookieName()
	mine := *v.cookies[name]
	for _, c := range []struct{ name, value string }{{"no cookie", ""}, {"a made-up cookie", "x" + mine.Value[1:]}, {"a very long one", strings.Repeat("x", 5000)}} {
		for _, p := range everyScreen {
			v.cookies = map[string]*http.Cookie{}
			if c.value != "" {
				v.cookies[name] = &http.Cookie{Name: name, Value: c.value}
			}
			got := v.get(p)
			if to := got.Header().Get("Location"); got.Code != http.StatusSeeOther || !strings.HasPrefix(to, "/sign-in") || strings.Contains(got.Body.String(), "Acme") {
				t.Errorf("%s, %s: %d to %q\n%s", c.name, p, got.Code, to, got.Body)
			}
			for _, set := range got.Result().Cookies() {
				if set.Name == name {
					t.Errorf("%s, %s: sets a session", c.name, p)
				}
			}
		}
		if got := v.post("/account/sessions/end"); got.Code != http.StatusForbidden {
			t.Errorf("%s, a change: %d", c.name, got.Code)
		}
	}
	v.cookies = map[string]*http.Cookie{}
	if got := v.get("/healthz"); got.Code != http.StatusOK || got.Body.String() != "ok\n" {
		t.Errorf("/healthz: %d %q", got.Code, got.Body)
	}
}

// TestSetup: the link that was printed makes the first administrator, once.
func TestSetup(t *testing.T) {
	w := newWorld(t)
	s := w.server()
	v := w.browser(s)
	first := []string{"name", "Ana", "email", "ana@example.com", "password", password, "again", password}
	for _, key := range []string{"", "wrong"} {
		if got := v.get("/setup?key=" + key); got.Code != http.StatusForbidden || !strings.Contains(got.Body.String(), "tieout serve") {
			t.Errorf("key %q: %d", key, got.Code)
		}
		if got := v.post("/setup", append([]string{"key", key}, first...)...); got.Code != http.StatusForbidden {
			t.Errorf("made with key %q: %d", key, got.Code)
		}
	}
	if got := v.get("/setup?key=" + linkKey); got.Code != http.StatusOK || !strings.Contains(got.Body.String(), "first account") {
		t.Fatalf("the link: %d\n%s", got.Code, got.Body)
	}
	for name, bad := range map[string][]string{
		"short": {"name", "Ana", "email", "ana@example.com", "password", "short", "again", "short"}, "different": {"name", "Ana", "email", "ana@example.com", "password", password, "again", password + "x"},
		"no address": {"name", "Ana", "email", "ana", "password", password, "again", password},
	} {
		if got := v.post("/setup", append([]string{"key", linkKey}, bad...)...); got.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d\n%s", name, got.Code, got.Body)
		}
	}
	if got := v.post("/setup", append([]string{"key", linkKey}, first...)...); got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/start" {
		t.Fatalf("made: %d\n%s", got.Code, got.Body)
	}
	if body := v.page("/access"); !strings.Contains(body, "ana@example.com") || !strings.Contains(body, "Administrator of the workspace") {
		t.Errorf("the first account:\n%s", body)
	}
	if got := w.browser(s).get("/setup?key=" + linkKey); got.Header().Get("Location") != "/sign-in" {
		t.Errorf("the link again: %d to %q", got.Code, got.Header().Get("Location"))
	}
}

// TestSession: a session's secret is new at each sign-in (no fixation), cannot
// be read by a script, ends when it is signed out, idle or suspended.
func TestSession(t *testing.T) {
	w := newWorld(t)
	v := w.serve()
	name := v.s.cookieName()
	first := v.cookies[name]
	if !first.HttpOnly || first.SameSite != http.SameSiteLaxMode || first.Path != "/" || first.Domain != "" || first.MaxAge != 0 || len(first.Value) < 40 {
		t.Errorf("cookie %+v", first)
	}
	if got := v.post("/sign-in", "email", "lead@example.com", "password", password, "next", "/controls"); got.Header().Get("Location") != "/controls" {
		t.Fatalf("again: %d to %q", got.Code, got.Header().Get("Location"))
	}
	if v.cookies[name].Value == first.Value {
		t.Error("a session's secret outlives the sign-in")
	}
	old := w.browser(v.s)
	old.cookies[name] = first
	if got := old.get("/controls"); got.Code != http.StatusSeeOther {
		t.Errorf("the secret of before: %d", got.Code)
	}
	v.page("/controls")
	if got := v.post("/sign-out"); got.Code != http.StatusSeeOther {
		t.Errorf("sign out: %d", got.Code)
	}
	if got := v.get("/controls"); got.Code != http.StatusSeeOther {
		t.Errorf("signed out: %d", got.Code)
	}
	idle := w.visit(v.s, "idle", access.Grant{Role: access.Reader, Scope: access.ScopeWorkspace})
	idle.page("/controls")
	w.at = w.at.Add(61 * time.Minute)
	if got := idle.get("/controls"); got.Code != http.StatusSeeOther {
		t.Errorf("idle for an hour: %d", got.Code)
	}
}

// TestNowhereElse: no address sends a browser to another site.
func TestNowhereElse(t *testing.T) {
	for next, want := range map[string]string{
		"/controls?q=x": "/controls?q=x", "": "/", "https://evil.example/": "/", "//evil.example/": "/", `/\evil.example`: "/", "/\tevil": "/", "javascript:alert(1)": "/",
		"evil.example": "/", "/sign-out": "/", "http:evil": "/", "/ok#x": "/ok", "//": "/", "/%2f/evil.example": "/",
	} {
		if got := local(next); got != want {
			t.Errorf("local(%q) = %q, want %q", next, got, want)
		}
	}
	w := newWorld(t)
	v := w.serve()
	for _, next := range []string{"https://evil.example/", "//evil.example", `/\evil.example`} {
		v.cookies = map[string]*http.Cookie{}
		got := v.post("/sign-in?next="+url.QueryEscape(next), "email", "lead@example.com", "password", password)
		if got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/" {
			t.Errorf("next %q: %d to %q", next, got.Code, got.Header().Get("Location"))
		}
	}
}

// TestBruteForce: guessing is slowed down until it is hopeless, and says nothing
// about which accounts exist.
func TestBruteForce(t *testing.T) {
	w := newWorld(t)
	s := w.server()
	makeAccount(t, s, "lead", access.Grant{Role: access.Reader, Scope: access.ScopeWorkspace})
	answers := map[string]string{}
	for _, email := range []string{"lead@example.com", "nobody@example.com"} {
		v, waits := w.browser(s), 0
		for i := range 30 {
			got := v.post("/sign-in", "email", email, "password", "wrong guess number "+string(rune('a'+i)))
			if got.Code == http.StatusTooManyRequests {
				waits++
				w.at = w.at.Add(5 * time.Second)
			} else if got.Code != http.StatusForbidden {
				t.Fatalf("%s: %d", email, got.Code)
			}
			answers[email] += http.StatusText(got.Code) + "\n"
		}
		if waits < 15 {
			t.Errorf("%s: of 30 guesses %d had to wait", email, waits)
		}
		w.at = w.at.Add(24 * time.Hour)
	}
	if answers["lead@example.com"] != answers["nobody@example.com"] {
		t.Error("the answers say which accounts exist")
	}
}

// TestCrossSite: what changes something is taken from this server's pages only.
func TestCrossSite(t *testing.T) {
	w := newWorld(t)
	v := w.serve()
	for name, set := range map[string]func(http.Header){
		"another site":   func(h http.Header) { h.Set("Sec-Fetch-Site", "cross-site") },
		"another origin": func(h http.Header) { h.Set("Origin", "https://evil.example") },
		"a sister site":  func(h http.Header) { h.Set("Sec-Fetch-Site", "same-site") },
	} {
		r := httptest.NewRequest("POST", "/sign-out", strings.NewReader(""))
		r.Host = host
		set(r.Header)
		if got := v.send(r); got.Code != http.StatusForbidden {
			t.Errorf("%s: %d", name, got.Code)
		}
	}
	v.page("/controls")
}

// TestProxies: only a proxy that is trusted says for whom it asks.
func TestProxies(t *testing.T) {
	w := newWorld(t)
	_, inside, err := net.ParseCIDR("10.0.0.0/8")
	if err != nil {
		t.Fatal(err)
	}
	s := w.server(func(o *Options) { o.Proxies = []*net.IPNet{inside} })
	for _, c := range []struct{ peer, forwarded, want string }{
		{"203.0.113.9:4000", "198.51.100.7", "203.0.113.9"}, {"10.0.0.2:4000", "198.51.100.7", "198.51.100.7"},
		{"10.0.0.2:4000", "1.2.3.4, 198.51.100.7", "198.51.100.7"}, {"10.0.0.2:4000", "198.51.100.7, 10.0.0.3", "198.51.100.7"}, {"10.0.0.2:4000", "nonsense", "10.0.0.2"}, {"10.0.0.2:4000", "", "10.0.0.2"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.peer
		r.Header.Set("X-Forwarded-For", c.forwarded)
		if got := s.Address(r); got != c.want {
			t.Errorf("%s says %q: %s, want %s", c.peer, c.forwarded, got, c.want)
		}
	}
}

func TestHosts(t *testing.T) {
	v := newWorld(t).serve()
	for _, h := range []string{"evil.example", "127.0.0.1", "127.0.0.1:9999", "127.0.0.1.evil.example:8731", ""} {
		for _, p := range []string{"/", "/healthz", "/setup?key=" + linkKey} {
			if got := v.do("GET", p, h); got.Code != http.StatusMisdirectedRequest {
				t.Errorf("Host %q, %s: %d, want 421", h, p, got.Code)
			}
		}
	}
}

// TestReadOnly: evidence, and what only shows, takes no method that changes.
func TestReadOnly(t *testing.T) {
	v := newWorld(t).serve()
	for _, m := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"} {
		for _, p := range []string{"/", "/evidence/E-0", "/evidence/E-0/raw", "/log", "/populations/x", "/healthz"} {
			r := httptest.NewRequest(m, p, nil)
			r.Host = host
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			if got := v.send(r); got.Code != http.StatusMethodNotAllowed {
				t.Errorf("%s %s: %d", m, p, got.Code)
			}
		}
	}
}

// TestHeaders: the contentPolicy allows no inline style or script, and every answer
// has it, the refusals too.
func TestHeaders(t *testing.T) {
	v := newWorld(t).serve()
	signed := v.cookies
	for _, c := range []struct {
		method, path, host string
		in                 bool
	}{{"GET", "/", host, true}, {"GET", "/", host, false}, {"POST", "/", host, true}, {"GET", "/", "evil.example", true}, {"GET", "/nothing", host, true}, {"GET", addresses["screens.css"], host, false}, {"GET", "/healthz", host, false}} {
		v.cookies = map[string]*http.Cookie{}
		if c.in {
			v.cookies = signed
		}
		h := v.do(c.method, c.path, c.host).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy": contentPolicy, "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if h.Get(name) != want {
				t.Errorf("%s %s: %s is %q", c.method, c.path, name, h.Get(name))
			}
		}
		if c.path != addresses["screens.css"] && h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s may be kept: %q", c.method, c.path, h.Get("Cache-Control"))
		}
	}
	if strings.Contains(contentPolicy, "unsafe") || strings.Contains(contentPolicy, "*") || strings.Contains(contentPolicy, "http") {
		t.Errorf("contentPolicy %s", contentPolicy)
	}
}

func TestAssets(t *testing.T) {
	v := newWorld(t).serve()
	v.cookies = map[string]*http.Cookie{}
	for name, address := range addresses {
		got := v.get(address)
		if got.Code != http.StatusOK || got.Body.Len() == 0 || !strings.Contains(got.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d, %d bytes, %q", name, got.Code, got.Body.Len(), got.Header().Get("Cache-Control"))
		}
		again := func() int {
			r := newRequest(address)
			r.Header.Set("If-None-Match", got.Header().Get("ETag"))
			return v.send(r).Code
		}
		if code := again(); code != http.StatusNotModified {
			t.Errorf("%s, kept: %d, want 304", name, code)
		}
	}
	css := v.get(addresses["screens.css"]).Body.String()
	for _, bad := range []string{"http:", "https:", "@import", "data:"} {
		if strings.Contains(css, bad) {
			t.Errorf("the style holds %q", bad)
		}
	}
	if got := v.get("/assets/screens.css"); got.Code != http.StatusNotFound {
		t.Errorf("an asset of another version: %d", got.Code)
	}
}
