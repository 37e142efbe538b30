package web

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

var everyScreen = []string{
	"/", "/period/2026-03", "/controls", "/controls/IAM-02", "/deviations", "/deviations/D-1", "/gaps", "/evidence", "/evidence/E-0", "/evidence/E-0/raw",
	"/populations", "/populations/x", "/connectors", "/log", "/search?q=x", "/nothing",
}

// TestClosedDoor: without the link no screen says anything but what to do.
func TestClosedDoor(t *testing.T) {
	v := newWorld(t).serve()
	mine := *v.cookie
	forged := mine
	forged.Value = "x" + mine.Value[1:]
	for _, c := range []struct {
		name   string
		cookie *http.Cookie
		path   string
	}{{"no cookie", nil, ""}, {"a made-up cookie", &forged, ""}, {"a wrong key", nil, "/?key=wrong"}, {"the key again", nil, "/?key=" + linkKey}} {
		v.cookie = c.cookie
		paths := everyScreen
		if c.path != "" {
			paths = []string{c.path}
		}
		for _, p := range paths {
			got := v.get(p)
			if got.Code != http.StatusForbidden || !strings.Contains(got.Body.String(), "tieout serve") || strings.Contains(got.Body.String(), "Acme") {
				t.Errorf("%s, %s: %d\n%s", c.name, p, got.Code, got.Body)
			}
			if got.Result().Header.Get("Set-Cookie") != "" {
				t.Errorf("%s, %s: sets a cookie", c.name, p)
			}
		}
	}
	if got := v.get("/healthz"); got.Code != http.StatusOK || got.Body.String() != "ok\n" {
		t.Errorf("/healthz: %d %q", got.Code, got.Body)
	}
}

func TestLink(t *testing.T) {
	w := newWorld(t)
	v := &visitor{t: t, s: New(Options{Key: linkKey, Hosts: []string{host}, Now: func() time.Time { return w.at }, Open: w.serve().s.o.Open})}
	defer v.s.Close()
	if got := v.do("HEAD", "/?key="+linkKey, host); got.Code != http.StatusForbidden {
		t.Errorf("HEAD uses the link: %d", got.Code)
	}
	got := v.get("/?key=" + linkKey)
	if got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/" {
		t.Fatalf("the link: %d to %q", got.Code, got.Header().Get("Location"))
	}
	c := got.Result().Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 0 || len(c.Value) < 40 || strings.Contains(c.Value, linkKey) {
		t.Errorf("cookie %+v", c)
	}
	v.cookie = c
	v.page("/")
	if got := v.get("/?key=" + linkKey); got.Code != http.StatusSeeOther {
		t.Errorf("the link again, in the browser that has the session: %d, want the way back", got.Code)
	}
	if got := v.get("//evil.example/?key=" + linkKey); got.Header().Get("Location") == "//evil.example/" {
		t.Error("redirects to another site")
	}
	w.at = w.at.Add(sessionLength)
	if got := v.get("/"); got.Code != http.StatusForbidden {
		t.Errorf("after %s: %d, want 403", sessionLength, got.Code)
	}
}

func TestHosts(t *testing.T) {
	v := newWorld(t).serve()
	for _, h := range []string{"evil.example", "127.0.0.1", "127.0.0.1:9999", "127.0.0.1.evil.example:8731", ""} {
		for _, p := range []string{"/", "/healthz", "/?key=" + linkKey} {
			if got := v.do("GET", p, h); got.Code != http.StatusMisdirectedRequest {
				t.Errorf("Host %q, %s: %d, want 421", h, p, got.Code)
			}
		}
	}
}

func TestReadOnly(t *testing.T) {
	v := newWorld(t).serve()
	for _, m := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"} {
		for _, p := range []string{"/", "/evidence/E-0", "/healthz"} {
			got := v.do(m, p, host)
			if got.Code != http.StatusMethodNotAllowed || got.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, Allow %q", m, p, got.Code, got.Header().Get("Allow"))
			}
		}
	}
}

// TestHeaders: the policy allows no inline style or script, and every answer
// has it, the refusals too.
func TestHeaders(t *testing.T) {
	v := newWorld(t).serve()
	open := *v.cookie
	for _, c := range []struct {
		method, path, host string
		in                 bool
	}{{"GET", "/", host, true}, {"GET", "/", host, false}, {"POST", "/", host, true}, {"GET", "/", "evil.example", true}, {"GET", "/nothing", host, true}, {"GET", addresses["screens.css"], host, false}, {"GET", "/healthz", host, false}} {
		v.cookie = nil
		if c.in {
			v.cookie = &open
		}
		h := v.do(c.method, c.path, c.host).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
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
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "script-src") || strings.Contains(policy, "http") {
		t.Errorf("policy %s", policy)
	}
}

func TestAssets(t *testing.T) {
	v := newWorld(t).serve()
	v.cookie = nil
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
