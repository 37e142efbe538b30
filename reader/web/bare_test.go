package web

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"tieout/access"
)

// requiring is a workspace that asks for a second factor.
func requiring(t *testing.T) *world {
	w := newWorld(t)
	w.write("tieout.yaml", "organization: { name: Acme, system: Cloud, zone: UTC, categories: [S] }\nperiod: { name: \"2026-03\", first: 2026-03-01, last: 2026-03-31 }\nsignIn: { secondFactor: required }\n")
	return w
}

// codeOf is what an app shows at an instant (RFC 6238).
func codeOf(t *testing.T, key string, at time.Time) string {
	t.Helper()
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	h := hmac.New(sha1.New, secret)
	_ = binary.Write(h, binary.BigEndian, uint64(at.Unix()/30)) // a hash takes all
	sum := h.Sum(nil)
	n := binary.BigEndian.Uint32(sum[sum[19]&15:]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%1000000)
}

var factorKey = regexp.MustCompile(`<dt>Key</dt><dd><code>([A-Z2-7]+)</code>`)

// TestPasswordAloneOpensNothing: where a second factor is asked for, every
// address but those that set one up refuses who has none, whatever their roles.
func TestPasswordAloneOpensNothing(t *testing.T) {
	w := requiring(t)
	s := w.server()
	v := w.visit(s, "boss", access.Grant{Role: access.Administrator, Scope: access.ScopeWorkspace}, access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	walked := 0
	for _, r := range append(routes(access.Company), route{pattern: "GET /nothing/here"}) {
		if opensBare[r.pattern] {
			continue
		}
		walked++
		method, target := exampleOf(r, map[string]string{"/controls/": "IAM-02", "/period/": "2026-03", "/evidence/": "E-0", "/access/": v.account})
		for _, m := range map[string][]string{http.MethodGet: {http.MethodGet, http.MethodHead}, http.MethodPost: {http.MethodPost}}[method] {
			req := httptest.NewRequest(m, target, http.NoBody)
			req.Host = host
			req.Header.Set("Sec-Fetch-Site", "same-origin")
			got := v.send(req)
			switch to := got.Header().Get("Location"); {
			case m == http.MethodPost && (got.Code != http.StatusForbidden || !strings.Contains(got.Body.String(), "Set up a second factor first")):
				t.Errorf("%s %s: %d\n%s", m, target, got.Code, got.Body)
			case m != http.MethodPost && (got.Code != http.StatusSeeOther || to != "/account" || strings.Contains(got.Body.String(), "Acme")):
				t.Errorf("%s %s: %d to %q\n%s", m, target, got.Code, to, got.Body)
			}
		}
	}
	if walked < 100 {
		t.Errorf("%d routes walked", walked)
	}
	for pattern := range opensBare {
		if !strings.Contains(pattern, "/account") && !strings.Contains(pattern, "/again") {
			t.Errorf("%s is open", pattern)
		}
	}
}

// TestSetUpSecondFactor: the way from a password alone to everything.
func TestSetUpSecondFactor(t *testing.T) {
	w := requiring(t)
	s := w.server()
	v := w.visit(s, "lead", access.Grant{Role: access.ComplianceLead, Scope: access.ScopeWorkspace})
	page := v.page("/account")
	holdPage(t, "/account", page)
	if !strings.Contains(page, "Set up an authenticator app") || strings.Contains(page, "Change the password") || strings.Contains(page, "/controls") {
		t.Errorf("the page of who needs one:\n%s", page)
	}
	w.at = w.at.Add(access.FreshFor)
	if got := v.post("/account/factor"); got.Code != http.StatusForbidden || !strings.Contains(got.Body.String(), "/again?next=%2Faccount") {
		t.Errorf("some minutes later: %d\n%s", got.Code, got.Body)
	}
	if got := v.post("/again", "password", password, "next", "/account"); got.Header().Get("Location") != "/account" {
		t.Fatalf("again: %d to %q\n%s", got.Code, got.Header().Get("Location"), got.Body)
	}
	got := v.post("/account/factor")
	key := factorKey.FindStringSubmatch(got.Body.String())
	if key == nil {
		t.Fatalf("set up: %d\n%s", got.Code, got.Body)
	}
	if got := v.post("/account/factor/confirm", "code", "0000000"); got.Code != http.StatusForbidden {
		t.Errorf("a wrong code: %d", got.Code)
	}
	if got := v.get("/controls"); got.Header().Get("Location") != "/account" {
		t.Errorf("half way: %d to %q", got.Code, got.Header().Get("Location"))
	}
	got = v.post("/account/factor/confirm", "code", codeOf(t, key[1], w.at))
	if got.Code != http.StatusOK || !strings.Contains(got.Body.String(), "Recovery codes") || !strings.Contains(got.Body.String(), "go on") {
		t.Fatalf("the code: %d\n%s", got.Code, got.Body)
	}
	v.page("/controls")
	if got := v.post("/account/factor/remove"); got.Code != http.StatusConflict || !strings.Contains(got.Body.String(), "your last one") {
		t.Errorf("removing it: %d\n%s", got.Code, got.Body)
	}
	if got := v.post("/sign-in", "email", "lead@example.com", "password", password); !strings.HasPrefix(got.Header().Get("Location"), "/sign-in/code") {
		t.Errorf("the next sign-in: %d to %q", got.Code, got.Header().Get("Location"))
	}
}
