package web

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tieout/access"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/management"
)

// TestSayExaminations: the list's sentence, with none, one and many.
func TestSayExaminations(t *testing.T) {
	firm := []examFirmRow{{Name: "A"}}
	for _, c := range []struct{ name, got, want string }{
		{"nobody", sayExaminations(nil, nil), "No audit firm is invited: pick one, ask it for the key of its log, and write both down here."},
		{"ended", sayExaminations(nil, []examFirmRow{{Ended: "1 Mar 2026"}}), "No audit firm is invited: pick one, ask it for the key of its log, and write both down here."},
		{"invited", sayExaminations(nil, firm), "1 firm is invited; none of their terms have come yet."},
		{"one", sayExaminations([]examRow{{Ours: 1}}, firm), "1 examination is known here; 1 thing waits for management."},
		{"many", sayExaminations([]examRow{{Ours: 1}, {Ours: 2}}, firm), "2 examinations are known here; 3 things wait for management."},
		{"nothing", sayExaminations([]examRow{{Theirs: 2}}, firm), "1 examination is known here; nothing waits for management."},
		{"no packet", sayPackets(0, 0, 0, "B"), "Nothing has gone between the sides yet."},
		{"one packet", sayPackets(1, 0, 1, "B"), "1 packet was made for B and 0 came from it; it has not confirmed 1 of those made for it."},
		{"packets", sayPackets(4, 3, 0, "B"), "4 packets were made for B and 3 came from it; it has confirmed all that was made for it."},
		{"brought none", sayBrought(0, 2), "Nothing was new: 2 packets were here already."},
		{"brought one", sayBrought(1, 1), "1 packet was checked, sealed and taken."},
		{"brought some", sayBrought(2, 3), "2 packets were taken; 1 was here already."},
		{"end", sayEndFirm("B", 0), "No packet of B is taken from then on, and none is sent to it; what came before stays."},
		{"end one", sayEndFirm("B", 1), "No packet of B is taken from then on, and none is sent to it; what came before stays. 1 examination with it stands still until it is invited again."},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, c.got, c.want)
		}
	}
}

// mainOf is a page without what stands around it.
func mainOf(got *httptest.ResponseRecorder) string {
	_, s, _ := strings.Cut(got.Body.String(), "<main")
	s, _, _ = strings.Cut(s, "<footer")
	return s
}

// carry sends files of a folder as a form does; all where none is named.
func (v *visitor) carry(target, dir string, fields ...string) *httptest.ResponseRecorder {
	v.t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.packet"))
	gridCheck(v.t, err)
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for _, name := range names {
		raw, err := os.ReadFile(name)
		gridCheck(v.t, err)
		w, err := m.CreateFormFile("file", filepath.Base(name))
		gridCheck(v.t, err)
		_, err = w.Write(raw)
		gridCheck(v.t, err)
	}
	gridCheck(v.t, m.Close())
	r := httptest.NewRequest("POST", target, &b)
	r.Host = host
	r.Header.Set("Content-Type", m.FormDataContentType())
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return v.send(r)
}

// TestExamByHand: a firm is invited, its packets are taken from files, the terms
// are agreed to with a signature, and the packets that wait are handed over.
func TestExamByHand(t *testing.T) {
	w := newExamUninvited(t)
	ctx := t.Context()
	gridCheck(t, w.firm.s.firm.Flush(ctx, "EN-1"))
	post, err := w.firm.s.firm.Post(ctx, "EN-1", "")
	gridCheck(t, err)
	_, err = post.Outbox(ctx, w.here)
	gridCheck(t, err)
	mustHold(t, w.lead.page("/examinations"), "No audit firm is invited", "Invite a firm")

	refused := w.lead.carry("/examinations/packets", w.here)
	if refused.Code != 422 || !strings.Contains(refused.Body.String(), "No firm is invited") {
		t.Errorf("packets of a firm nobody invited: %d\n%s", refused.Code, mainOf(refused))
	}
	key := w.firm.s.firm.Party().Key
	for _, c := range []struct {
		name, firm, key, address string
		status                   int
		want                     string
	}{
		{"no key", "Sandgate " + evil, "abc", "", 422, "The firm&#39;s key"},
		{"no name", "", key, "", 422, "Name"},
		{"not https", "Sandgate", key, "http://example.com", 422, "https"},
		{"good", "Sandgate " + evil, key, "", 303, ""},
	} {
		got := w.lead.post("/examinations/invite", "name", c.firm, "key", c.key, "address", c.address)
		if got.Code != c.status || !strings.Contains(got.Body.String(), c.want) {
			t.Errorf("invite %s: %d, want %d with %q\n%s", c.name, got.Code, c.status, c.want, mainOf(got))
		}
	}
	if got := w.lead.carry("/examinations/packets", w.here); got.Code != 303 {
		t.Fatalf("packets: %d\n%s", got.Code, mainOf(got))
	}
	mustHold(t, w.lead.page("/examinations/EN-1"), "packet was checked", "thing waits for management", "Read the terms", "operates a server of its own", "Draft to management")
	if got := w.lead.carry("/examinations/packets", w.here); got.Code != 303 || !strings.Contains(w.lead.page("/examinations/EN-1"), "Nothing was new") {
		t.Errorf("packets again: %d\n%s", got.Code, mainOf(got))
	}
	if strings.Contains(w.lead.page("/examinations/EN-1/terms"), "Agree to the terms for management") {
		t.Error("the lead is offered to sign")
	}
	if got := w.lead.post("/examinations/EN-1/terms", "digest", "x"); got.Code != 403 {
		t.Errorf("the lead signs: %d", got.Code)
	}
	if got := w.lead.post("/examinations/EN-1/state", "to", "boundary defined"); got.Code != 409 || !strings.Contains(got.Body.String(), "has not agreed to the terms") {
		t.Errorf("a step before the terms: %d\n%s", got.Code, mainOf(got))
	}
	mustHold(t, w.signer.page("/examinations/EN-1/terms"), "You have no key to sign with")
	w.key(w.signer)
	digest := ""
	w.side(func(x *management.Side) { digest = x.Digest })
	page := w.signer.page("/examinations/EN-1/terms")
	mustHold(t, page, "Agree to the terms for management", digest, "Cloudhost", "CSOC-1", `href="/examinations/EN-1/letter"`)
	if got := w.signer.get("/examinations/EN-1/letter"); got.Code != 200 || got.Body.String() != "the engagement letter" {
		t.Errorf("the letter: %d %q", got.Code, mainOf(got))
	}
	for _, c := range []struct {
		name, digest, title, phrase string
		status                      int
		want                        string
	}{
		{"other terms", strings.Repeat("0", 64), "CEO", examPhrase, 409, "have changed"},
		{"wrong passphrase", digest, "CEO", "not the passphrase", 422, "passphrase"},
		{"no title", digest, "", examPhrase, 422, "capacity"},
		{"good", digest, "Chief Executive Officer", examPhrase, 303, ""},
		{"again", digest, "Chief Executive Officer", examPhrase, 303, ""},
	} {
		got := w.signer.post("/examinations/EN-1/terms", "digest", c.digest, "title", c.title, "passphrase", c.phrase)
		if got.Code != c.status || !strings.Contains(got.Body.String(), c.want) || strings.Contains(got.Body.String(), "nobody guesses") {
			t.Errorf("%s: %d, want %d with %q\n%s", c.name, got.Code, c.status, c.want, mainOf(got))
		}
	}
	for _, to := range []engagement.State{engagement.BoundaryDefined, engagement.Readiness, engagement.Observing} {
		if got := w.lead.post("/examinations/EN-1/state", "to", string(to)); got.Code != 303 {
			t.Fatalf("%s: %d\n%s", to, got.Code, mainOf(got))
		}
	}
	if got := w.lead.post("/examinations/EN-1/state", "to", "readiness"); got.Code != 422 || !strings.Contains(got.Body.String(), "needs a reason") {
		t.Errorf("back without a reason: %d\n%s", got.Code, mainOf(got))
	}
	if got := w.lead.post("/examinations/EN-1/state", "to", "fieldwork"); got.Code != 409 || !strings.Contains(got.Body.String(), "step of the auditor") {
		t.Errorf("the auditor's step: %d\n%s", got.Code, mainOf(got))
	}

	exchange := w.lead.page("/examinations/EN-1/packets")
	mustHold(t, exchange, "EN-1-to-", "Agreement to the terms", "Controls", "Take all that wait")
	for _, l := range linksOf(exchange) {
		if !strings.HasPrefix(l, "/examinations/EN-1/packets/") || strings.HasSuffix(l, ".zip") {
			continue
		}
		got := w.lead.get(l)
		_, name, _ := strings.Cut(got.Header().Get("Content-Disposition"), `filename="`)
		gridCheck(t, os.WriteFile(filepath.Join(w.toFirm, strings.TrimSuffix(name, `"`)), got.Body.Bytes(), 0o600))
	}
	w.exchange()
	w.file(func(_ *fieldwork.State, x *fieldwork.File) {
		if x.Agreed == nil || x.Heard != engagement.Observing {
			t.Errorf("at the firm: agreed %v, heard %q", x.Agreed, x.Heard)
		}
	})
	if got := w.lead.get("/examinations/EN-1/packets/waiting.zip"); got.Code != 404 && !bytes.HasPrefix(got.Body.Bytes(), []byte("PK")) {
		t.Errorf("all that wait: %d", got.Code)
	}
}

// TestExamPackets: what is no packet, a broken one, one of somebody else's and one
// for somebody else are refused in words; nothing of them is kept.
func TestExamPackets(t *testing.T) {
	w := newExamWorld(t)
	good, err := filepath.Glob(filepath.Join(w.here, "*.packet"))
	gridCheck(t, err)
	raw, err := os.ReadFile(good[len(good)-1])
	gridCheck(t, err)
	broken := bytes.Clone(raw)
	broken[len(broken)-3] ^= 1
	ours, err := filepath.Glob(filepath.Join(w.toFirm, "*.packet"))
	gridCheck(t, err)
	own, err := os.ReadFile(ours[0])
	gridCheck(t, err)
	for _, c := range []struct {
		name string
		raw  []byte
		want string
	}{
		{"no packet", []byte("hello"), "no packet"}, {"broken", broken, "was not kept"}, {"our own", own, "is for the log"}, {"empty", nil, "no packet"},
	} {
		dir := t.TempDir()
		gridCheck(t, os.WriteFile(filepath.Join(dir, "a.packet"), c.raw, 0o600))
		got := w.lead.carry("/examinations/EN-1/packets", dir)
		if got.Code != 422 || !strings.Contains(got.Body.String(), c.want) {
			t.Errorf("%s: %d, want 422 with %q\n%s", c.name, got.Code, c.want, mainOf(got))
		}
	}
	if got := w.lead.carry("/examinations/EN-1/packets", t.TempDir()); got.Code != 422 {
		t.Errorf("no file: %d", got.Code)
	}
	for _, n := range []string{"0", "x", "99", "-1"} {
		if got := w.lead.get("/examinations/EN-1/packets/" + n); got.Code != 404 {
			t.Errorf("packet %s: %d", n, got.Code)
		}
	}
}

// TestExamOnline: with an address packets go to the firm's server and come from it.
func TestExamOnline(t *testing.T) {
	w := newExamUninvited(t)
	mux := http.NewServeMux()
	mux.Handle("/exchange/", w.firm.s.Exchange())
	there := httptest.NewServer(mux)
	defer there.Close()
	if got := w.lead.post("/examinations/invite", "name", "Sandgate", "key", w.firm.s.firm.Party().Key, "address", there.URL+"/"); got.Code != 303 {
		t.Fatalf("invite: %d\n%s", got.Code, mainOf(got))
	}
	origin := w.firm.s.firm.Party().Origin
	if got := w.lead.post("/examinations/fetch", "firm", origin, "engagement", "EN-9"); got.Code < 400 {
		t.Errorf("terms there are none of: %d", got.Code)
	}
	if got := w.lead.post("/examinations/fetch", "firm", origin, "engagement", "EN-1"); got.Code != 303 {
		t.Fatalf("fetch: %d\n%s", got.Code, mainOf(got))
	}
	w.key(w.signer)
	digest := ""
	w.side(func(x *management.Side) { digest = x.Digest })
	if got := w.signer.post("/examinations/EN-1/terms", "digest", digest, "title", "CEO", "passphrase", examPhrase); got.Code != 303 {
		t.Fatalf("agree: %d\n%s", got.Code, mainOf(got))
	}
	if got := w.lead.post("/examinations/EN-1/packets/exchange"); got.Code != 303 {
		t.Fatalf("exchange: %d\n%s", got.Code, mainOf(got))
	}
	mustHold(t, w.lead.page("/examinations/EN-1/packets"), " sent, ")
	w.file(func(_ *fieldwork.State, x *fieldwork.File) {
		if x.Agreed == nil {
			t.Error("the firm does not know of the agreement")
		}
	})
	there.Close()
	if got := w.lead.post("/examinations/EN-1/packets/exchange"); got.Code != 409 || !strings.Contains(got.Body.String(), "does not answer") {
		t.Errorf("nobody there: %d\n%s", got.Code, mainOf(got))
	}
	if got := w.lead.post("/examinations/end", "firm", origin, "why", ""); got.Code != 422 {
		t.Errorf("end without a reason: %d", got.Code)
	}
	mustHold(t, w.lead.page("/examinations/end?firm="+strings.ReplaceAll(origin, "/", "%2F")), "stands still until it is invited again")
	if got := w.lead.post("/examinations/end", "firm", origin, "why", "another firm"); got.Code != 303 {
		t.Errorf("end: %d\n%s", got.Code, mainOf(got))
	}
	mustHold(t, w.lead.page("/examinations"), "Ended 1 Apr 2026")
}

// examPaths are the pages of an examination that goes all the way.
func examPaths() (out []string) {
	for _, r := range routes(access.Company) {
		method, path, _ := strings.Cut(r.pattern, " ")
		if method != "GET" || !strings.HasPrefix(path, "/examinations") {
			continue
		}
		for from, to := range map[string]string{"{id}": "EN-1", "{rq}": "RQ-1", "{pop}": "P-1", "{sample}": "S-1", "{finding}": "X-1", "{number}": "1", "{name}": "requests.csv"} {
			path = strings.Replace(path, from, to, 1)
		}
		if !strings.Contains(path, "{") {
			out = append(out, path)
		}
	}
	return out
}

// TestExamIsManagements: an employee, an auditor's guest, an administrator and a
// reader see nothing of it, whatever they name; no page leads them there.
func TestExamIsManagements(t *testing.T) {
	w := newExamWorld(t).found()
	grants := map[string]access.Grant{
		"employee": {Role: access.Employee, Scope: access.ScopeOwn}, "guest": {Role: access.AuditorsGuest, Scope: access.ScopeEngagement, Object: "2026-03"},
		"guest of it": {Role: access.AuditorsGuest, Scope: access.ScopeEngagement, Object: "EN-1"}, "reader": {Role: access.Reader, Scope: access.ScopeWorkspace}, "administrator": {Role: access.Administrator, Scope: access.ScopeWorkspace},
	}
	for name, g := range grants {
		v := w.visit(w.s, strings.ReplaceAll(name, " ", ""), g)
		for _, path := range examPaths() {
			if strings.Contains(path, "/report") || strings.Contains(path, "/draft") { // report.read is a reader's and a guest's too
				continue
			}
			got := v.get(path)
			if got.Code != http.StatusForbidden {
				t.Errorf("%s to %s: %d", path, name, got.Code)
			}
			for _, secret := range []string{"Sandgate", "Leavers", "An account was left"} {
				if strings.Contains(got.Body.String(), secret) {
					t.Errorf("%s tells %s %q", path, name, secret)
				}
			}
		}
		if body := v.page("/account"); strings.Contains(body, `href="/examinations"`) {
			t.Errorf("%s is led to examinations", name)
		}
	}
	if len(examPaths()) < 6 {
		t.Errorf("only %d pages were asked for", len(examPaths()))
	}
	for _, path := range examPaths() {
		if got := w.lead.get(path); got.Code != 200 && got.Code != 303 && got.Code != 404 {
			t.Errorf("%s to the lead: %d\n%s", path, got.Code, mainOf(got))
		} else if s := got.Body.String(); strings.Contains(s, "<b>LLP</b>") || strings.Contains(s, evil) {
			t.Errorf("%s holds markup of a name", path)
		} else if strings.Contains(s, "PLANTED") {
			t.Errorf("%s holds the firm's own words", path)
		}
	}
}
