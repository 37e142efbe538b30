package web

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tieout/access"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
)

// TestFirmPackets: the firm hands its packets over as files and takes the
// client's, and exchanges with the client's server.
func TestFirmPackets(t *testing.T) {
	w := newExamOffered(t)
	const at = "/engagements/EN-1/packets"
	partner := w.firm.partner
	mustHold(t, partner.page("/engagements/EN-1"), `href="/engagements/EN-1/packets"`)
	page := partner.page(at)
	mustHold(t, page, "Exchange with Acme", "packet was made for", "Address of its server")
	taken := 0
	for _, l := range linksOf(page) {
		if !strings.HasPrefix(l, at+"/") || strings.HasSuffix(l, ".zip") {
			continue
		}
		got := partner.get(l)
		if got.Code != 200 || got.Body.Len() == 0 {
			t.Errorf("%s: %d", l, got.Code)
		}
		taken++
	}
	if taken == 0 {
		t.Error("no packet waits")
	}
	if got := partner.get(at + "/waiting.zip"); got.Code != 200 || !strings.HasPrefix(got.Body.String(), "PK") {
		t.Errorf("all that wait: %d", got.Code)
	}
	own, err := filepath.Glob(filepath.Join(w.here, "*.packet"))
	gridCheck(t, err)
	dir := t.TempDir()
	raw, err := os.ReadFile(own[0])
	gridCheck(t, err)
	gridCheck(t, os.WriteFile(filepath.Join(dir, "a.packet"), raw, 0o600))
	if got := partner.carry(at, dir); got.Code != 422 || !strings.Contains(got.Body.String(), "is for the log") {
		t.Errorf("its own packet: %d\n%s", got.Code, mainOf(got))
	}

	digest := ""
	w.side(func(x *management.Side) { digest = x.Digest })
	gridCheck(t, w.s.exam.Side.Agree(t.Context(), w.asSigner(), "EN-1", digest, w.signed(w.signer, "CEO", "terms of EN-1", digest), w.verify()))
	gridCheck(t, w.s.exam.Flush(t.Context(), "EN-1"))
	post, err := w.s.exam.Post(t.Context(), "EN-1", "")
	gridCheck(t, err)
	_, err = post.Outbox(t.Context(), w.toFirm)
	gridCheck(t, err)
	if got := partner.carry(at, w.toFirm); got.Code != 303 {
		t.Fatalf("the client's packets: %d\n%s", got.Code, mainOf(got))
	}
	w.file(func(_ *fieldwork.State, x *fieldwork.File) {
		if x.Agreed == nil {
			t.Error("the agreement did not count")
		}
	})
	mustHold(t, partner.page(at), "Agreement to the terms")

	mux := http.NewServeMux()
	mux.Handle("/exchange/", w.s.Exchange())
	there := httptest.NewServer(mux)
	defer there.Close()
	for _, c := range []struct {
		name, address string
		status        int
		want          string
	}{
		{"no address", "", 422, "no server"}, {"plain text to another machine", "http://example.com", 422, "https only"}, {"the client's server", there.URL, 303, ""},
	} {
		got := partner.post(at+"/exchange", "address", c.address)
		if got.Code != c.status || !strings.Contains(got.Body.String(), c.want) {
			t.Errorf("%s: %d, want %d with %q\n%s", c.name, got.Code, c.status, c.want, mainOf(got))
		}
	}
	staff := w.visit(w.firm.s, "stef", access.Grant{Role: access.Staff, Scope: access.ScopeEngagement, Object: "EN-9"})
	for _, path := range []string{at, at + "/1"} {
		if got := staff.get(path); got.Code != http.StatusForbidden {
			t.Errorf("%s to who is on another engagement: %d", path, got.Code)
		}
	}
	admin := w.visit(w.firm.s, "fred", access.Grant{Role: access.FirmAdministrator, Scope: access.ScopeWorkspace})
	if got := admin.get(at); got.Code != http.StatusForbidden {
		t.Errorf("to an administrator: %d", got.Code)
	}
}
