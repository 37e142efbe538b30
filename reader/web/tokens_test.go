package web

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"tieout/access"
	"tieout/audit"
)

var secretShown = regexp.MustCompile(`id="secret"><span>(tieout_[^<]+)</span>`)

// make makes a token on the screen and returns its secret.
func (v *visitor) makeToken(t *testing.T, name string, may ...string) string {
	t.Helper()
	pairs := []string{"name", name, "until", "2026-05-01"}
	for _, m := range may {
		pairs = append(pairs, "may", m)
	}
	got := v.post("/account/tokens/new", pairs...)
	m := secretShown.FindStringSubmatch(got.Body.String())
	if got.Code != http.StatusOK || m == nil {
		t.Fatalf("make %s: %d\n%s", name, got.Code, got.Body)
	}
	if got.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("the page with the secret can be kept: %q", got.Header().Get("Cache-Control"))
	}
	return m[1]
}

// TestTokens: a token made on the screen does what was chosen, its secret is on
// one page and nowhere else, and revoking ends it at once.
func TestTokens(t *testing.T) {
	w := newWorld(t)
	v := w.serve()
	page := v.page("/account/tokens/new")
	holdPage(t, "/account/tokens/new", page)
	for id, want := range map[string]bool{"period.read": true, "definition.write": true, "deviation.decide": false, "source.manage": false, "account.manage": false, "evidence.edit": false} {
		if got := strings.Contains(page, `value="`+id+`"`); got != want {
			t.Errorf("%s is offered: %v, want %v", id, got, want)
		}
	}
	secret := v.makeToken(t, "nightly "+evil, "period.read", "evidence.read")
	who, err := v.s.people.UseToken(t.Context(), secret, access.From{Address: "192.0.2.1"})
	if err != nil || who.Kind != audit.ActorCommand || who.Account != v.account || len(*who.Limit) != 2 {
		t.Fatalf("the token acts as %+v, %v", who, err)
	}
	for _, p := range []string{"/account/tokens", "/account", "/log"} {
		if body := v.page(p); strings.Contains(body, secret) || strings.Contains(body, evil) {
			t.Errorf("%s shows the secret, or markup", p)
		}
	}
	page = v.page("/account/tokens")
	holdPage(t, "/account/tokens", page)
	if !strings.Contains(page, who.Token) || !strings.Contains(page, "1 Apr 2026") || !strings.Contains(page, "until 1 May 2026") {
		t.Errorf("the list:\n%s", page)
	}
	if got := v.post("/account/tokens/new", "name", "nightly "+evil, "until", "2026-05-01", "may", "period.read"); got.Code != http.StatusConflict || secretShown.MatchString(got.Body.String()) {
		t.Errorf("sent again: %d\n%s", got.Code, got.Body)
	}
	if list, err := v.s.people.Tokens(t.Context(), access.Subject{Kind: audit.ActorPerson, Account: v.account, Session: "s"}, v.account); err != nil || len(list) != 1 {
		t.Errorf("%d tokens, %v; want 1", len(list), err)
	}
	revoke := "/account/tokens/" + who.Token + "/revoke"
	if page := v.page(revoke); !strings.Contains(page, "A program used it on 1 Apr 2026") {
		t.Errorf("the page before revoking:\n%s", page)
	}
	if got := v.post(revoke); got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/account/tokens" {
		t.Errorf("revoke: %d to %q", got.Code, got.Header().Get("Location"))
	}
	if _, err := v.s.people.UseToken(t.Context(), secret, access.From{}); err == nil {
		t.Error("a revoked token opens something")
	}
}

// TestTokenForm: what cannot be is refused with all that was typed, and never
// makes a token.
func TestTokenForm(t *testing.T) {
	w := newWorld(t)
	v := w.serve()
	for _, c := range []struct {
		name  string
		pairs []string
		code  int
		want  string
	}{
		{"no name", []string{"until", "2026-05-01", "may", "period.read"}, 422, "1 to 100 characters"},
		{"a long name", []string{"name", strings.Repeat("x", 101), "until", "2026-05-01", "may", "period.read"}, 422, "1 to 100 characters"},
		{"nothing to do", []string{"name", "ci", "until", "2026-05-01"}, 422, "names what it may do"},
		{"what a person does", []string{"name", "ci", "until", "2026-05-01", "may", "deviation.decide"}, 422, "Only a person may"},
		{"what the maker may not", []string{"name", "ci", "until", "2026-05-01", "may", "source.manage"}, 422, "No role of the account"},
		{"what there is not", []string{"name", "ci", "until", "2026-05-01", "may", "x"}, 422, "no permission"},
		{"for ever", []string{"name", "ci", "until", "2030-01-01", "may", "period.read"}, 422, "within 366 days"},
		{"yesterday", []string{"name", "ci", "until", "2026-03-31", "may", "period.read"}, 422, "expires after now"},
		{"no day", []string{"name", "ci", "until", "tomorrow", "may", "period.read"}, 422, "is not written like"},
		{"without a day", []string{"name", "ci", "may", "period.read"}, 422, "expires after now"},
	} {
		got := v.post("/account/tokens/new", c.pairs...)
		body := got.Body.String()
		if got.Code != c.code || !strings.Contains(body, c.want) || secretShown.MatchString(body) {
			t.Errorf("%s: %d, want %d and %q\n%s", c.name, got.Code, c.code, c.want, body)
		}
		if c.name == "for ever" && !(strings.Contains(body, `value="ci"`) && strings.Contains(body, `value="period.read" checked`)) {
			t.Errorf("%s: what was typed is lost\n%s", c.name, body)
		}
	}
	w.at = w.at.Add(access.FreshFor)
	if got := v.get("/account/tokens/new"); got.Header().Get("Location") != "/again?next=%2Faccount%2Ftokens%2Fnew" {
		t.Errorf("some minutes later: %d to %q", got.Code, got.Header().Get("Location"))
	}
	got := v.post("/account/tokens/new", "name", "ci", "until", "2026-05-01", "may", "period.read")
	if body := got.Body.String(); got.Code != http.StatusForbidden || !strings.Contains(body, "Sign in again") || !strings.Contains(body, `value="ci"`) || secretShown.MatchString(body) {
		t.Errorf("sent some minutes later: %d\n%s", got.Code, body)
	}
	reader := w.visit(v.s, "reader", access.Grant{Role: access.Reader, Scope: access.ScopeWorkspace})
	if page := reader.page("/account/tokens"); strings.Contains(page, "/account/tokens/new") {
		t.Error("who can make none is offered one")
	}
	for _, got := range []int{reader.get("/account/tokens/new").Code, reader.post("/account/tokens/new", "name", "x", "until", "2026-05-01", "may", "period.read").Code} {
		if got != http.StatusForbidden {
			t.Errorf("as a reader: %d", got)
		}
	}
}

// TestEverybodysTokens: an administrator sees and revokes everybody's; nobody
// else sees another's.
func TestEverybodysTokens(t *testing.T) {
	w := newWorld(t)
	v := w.serve()
	secret := v.makeToken(t, "nightly "+evil, "period.read")
	id := secret[:len(access.TokenPrefix)+16]
	other := w.visit(v.s, "owner", access.Grant{Role: access.ControlOwner, Scope: access.ScopeControl, Object: "IAM-02"})
	for _, path := range []string{"/tokens", "/tokens/" + id + "/revoke"} {
		if got := other.get(path); got.Code != http.StatusForbidden || strings.Contains(got.Body.String(), "nightly") {
			t.Errorf("%s as somebody else: %d", path, got.Code)
		}
	}
	for _, got := range []int{other.get("/account/tokens/" + id + "/revoke").Code, other.post("/account/tokens/" + id + "/revoke").Code} {
		if got != http.StatusNotFound && got != http.StatusUnprocessableEntity {
			t.Errorf("another's among one's own: %d", got)
		}
	}
	boss := w.visit(v.s, "boss", access.Grant{Role: access.Administrator, Scope: access.ScopeWorkspace})
	page := boss.page("/tokens")
	holdPage(t, "/tokens", page)
	if !strings.Contains(page, id) || !strings.Contains(page, "Lead ") || strings.Contains(page, secret) || strings.Contains(page, evil) {
		t.Errorf("everybody's:\n%s", page)
	}
	if page := boss.page("/tokens?q=nobody"); !strings.Contains(page, "No token is like that.") {
		t.Errorf("a search that finds none:\n%s", page)
	}
	boss.page("/tokens/" + id + "/revoke")
	if got := boss.post("/tokens/" + id + "/revoke"); got.Code != http.StatusSeeOther {
		t.Errorf("revoke: %d\n%s", got.Code, got.Body)
	}
	if _, err := v.s.people.UseToken(t.Context(), secret, access.From{}); err == nil {
		t.Error("a revoked token opens something")
	}
}

func TestSayTokens(t *testing.T) {
	now := time.Date(2026, 4, 1, 6, 0, 0, 0, time.UTC)
	token := func(account string, days int, used bool) access.Token {
		k := access.Token{Account: account, Expires: now.AddDate(0, 0, days)}
		if used {
			k.Used = now
		}
		return k
	}
	one, other, over, theirs := token("a", 30, true), token("a", 10, false), token("a", -1, true), token("b", 5, false)
	for got, want := range map[string]string{
		sayOwnTokens(nil, now, time.UTC):                              "No program acts for you.",
		sayOwnTokens([]access.Token{over}, now, time.UTC) + " ":       "No program acts for you. ",
		sayOwnTokens([]access.Token{one, over}, now, time.UTC):        "One token lets a program act for you, until 1 May 2026.",
		sayOwnTokens([]access.Token{one, other, over}, now, time.UTC): "Two tokens let programs act for you; the first of them ends on 11 Apr 2026.",
		sayTokens(nil, now):                                          "No program acts for anybody here.",
		sayTokens([]access.Token{over}, now) + " ":                   "No program acts for anybody here. ",
		sayTokens([]access.Token{one}, now):                          "1 token lets a program act for 1 person; every one was used.",
		sayTokens([]access.Token{theirs}, now):                       "1 token lets a program act for 1 person; none was used yet.",
		sayTokens([]access.Token{one, other, theirs}, now):           "3 tokens let programs act for 2 people; 2 were never used.",
		sayRevoke(access.Token{}, time.UTC):                          "No program has used it. Once revoked it opens nothing, at once and for good.",
		sayRevoke(access.Token{Used: now.Add(-time.Hour)}, time.UTC): "A program used it on 1 Apr 2026. Once revoked it is refused, at once and for good; a new token is needed to go on.",
	} {
		if got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}
