package web

import (
	"net/http"
	"strings"
	"testing"

	"tieout/access"
	"tieout/ledger"
)

// TestFirmsRoom: a firm's workspace has the firm's screens and none of a
// company's, and says whose room it is.
func TestFirmsRoom(t *testing.T) {
	w := newFirmWorld(t)
	page := w.partner.page("/")
	holdPage(t, "/", page)
	holds(t, page, `<html lang="en" class="firm">`, "the firm's room", "&lt;b&gt;LLP&lt;/b&gt;", "No engagement is open that you are on.")
	w.opened()
	holds(t, w.partner.page("/"), "EN-1", "SOC 2 Type II")
	for _, p := range []string{"/controls", "/period/2026-03", "/readiness", "/me", "/me/calendar.ics", "/risks"} {
		if got := w.partner.get(p); got.Code != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", p, got.Code)
		}
	}
	admin := w.visit(w.s, "adam", access.Grant{Role: access.FirmAdministrator, Scope: access.ScopeWorkspace})
	for _, p := range []string{"/settings", "/access", "/access/new", "/log", "/account", "/tokens", "/search?q=x", "/?period=2026"} {
		holdPage(t, p, admin.page(p))
	}
	holds(t, admin.page("/access/new"), "quality-reviewer:engagement:EN-1", "partner:workspace:")
	if got := admin.get("/evidence/E-3"); got.Code != http.StatusForbidden {
		t.Errorf("a firm administrator opens an entry of a file: %d", got.Code)
	}
}

// TestExchangeAsksForASignature: the exchange of both kinds of workspace knows the
// other side by its signature, not by a cookie, and tells a stranger nothing.
func TestExchangeAsksForASignature(t *testing.T) {
	beside := func(o *Options) {
		o.Beside = func(s *Server) map[string]http.Handler { return map[string]http.Handler{"/exchange/": s.Exchange()} }
	}
	firm := newFirmWorld(t).accepted()
	for name, s := range map[string]*Server{"a firm": firm.server(beside), "a company": newWorld(t).server(beside)} {
		v := firm.browser(s)
		for _, p := range []string{"/exchange/EN-1/packets", "/exchange/EN-1/packets/1", "/exchange/EN-7/packets"} {
			if got := v.get(p); got.Code != http.StatusForbidden || strings.Contains(got.Body.String(), "Halyard") {
				t.Errorf("%s, %s: %d, want 403 and no name\n%s", name, p, got.Code, got.Body)
			}
		}
		if got := v.post("/exchange/EN-1/packets", "x", "y"); got.Code < 400 || got.Code >= 500 {
			t.Errorf("%s: what is no packet: %d\n%s", name, got.Code, got.Body)
		}
	}
}

// TestReleaseGoesOutAsPackets: once the terms name the client's log, what is
// accepted and released is sealed as packets in the same request.
func TestReleaseGoesOutAsPackets(t *testing.T) {
	w := newFirmWorld(t).accepted()
	_, key, err := ledger.GenerateKey("example.com/halyard")
	if err != nil {
		t.Fatal(err)
	}
	page := w.partner.went(w.partner.post("/engagements/EN-1/terms", aTerms("key", key, "why", "the client told us its key", "revision", "1")...))
	holds(t, page, "example.com/halyard")
	if strings.Contains(page, "It is not sent yet") {
		t.Fatalf("the packet was not sealed\n%s", page)
	}
	holds(t, page, "1 packet was sent and 0 were received", "the client has not confirmed 1")
}
