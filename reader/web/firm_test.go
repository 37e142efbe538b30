package web

import (
	"net/http"
	"testing"

	"tieout/access"
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
