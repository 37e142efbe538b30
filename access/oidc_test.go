package access

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"

	"tieout/audit"
)

// A liar is a provider that signs whatever a case wants, where a real one would
// refuse to.
type liar struct {
	url    string
	key    *ecdsa.PrivateKey // signs
	shown  *ecdsa.PrivateKey // is published
	nonce  string
	claims map[string]any
	info   map[string]any
	meta   map[string]any
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newLiar(t *testing.T) *liar {
	t.Helper()
	l := &liar{key: newKey(t), claims: map[string]any{}, info: map[string]any{}, meta: map[string]any{}}
	l.shown = l.key
	keys := &oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: l.shown.Public(), KeyID: "k", Algorithm: oidc.ES256}}, Algorithms: []string{oidc.ES256}}
	mux := http.NewServeMux()
	reply := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(v); err != nil {
			t.Error(err)
		}
	}
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		meta := map[string]any{"issuer": l.url, "authorization_endpoint": l.url + "/auth", "token_endpoint": l.url + "/token", "jwks_uri": l.url + "/keys",
			"userinfo_endpoint": l.url + "/me", "id_token_signing_alg_values_supported": []string{oidc.ES256}}
		maps.Copy(meta, l.meta)
		reply(w, meta)
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, _ *http.Request) {
		c := map[string]any{"iss": l.url, "aud": "tieout", "sub": "u1", "email": "ana@halyard.example", "email_verified": true, "groups": []string{"leads"},
			"exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(), "nonce": l.nonce}
		maps.Copy(c, l.claims)
		maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
		raw, err := json.Marshal(c)
		if err != nil {
			t.Error(err)
		}
		reply(w, map[string]any{"access_token": "at", "token_type": "Bearer", "id_token": oidctest.SignIDToken(l.key, "k", oidc.ES256, string(raw))})
	})
	mux.HandleFunc("GET /me", func(w http.ResponseWriter, _ *http.Request) { reply(w, l.info) })
	mux.Handle("/", keys)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	l.url = s.URL
	keys.SetIssuer(s.URL)
	return l
}

func TestOIDCLies(t *testing.T) {
	for _, tc := range []struct {
		name string
		lie  func(*liar)
		want error // nil: it is no lie
	}{
		{"the truth", func(*liar) {}, nil},
		{"an address that is verified in words", func(l *liar) { l.claims["email_verified"] = "true" }, nil},
		{"groups and address told elsewhere", func(l *liar) {
			l.claims["email"], l.claims["email_verified"], l.claims["groups"] = nil, nil, nil
			l.info = map[string]any{"sub": "u1", "email": "ana@halyard.example", "email_verified": true, "groups": []string{"leads"}}
		}, nil},
		{"of somebody else elsewhere", func(l *liar) {
			l.claims["email"] = nil
			l.info = map[string]any{"sub": "u2", "email": "ana@halyard.example", "email_verified": true}
		}, audit.ErrForbidden},
		{"not verified", func(l *liar) { l.claims["email_verified"] = false }, audit.ErrForbidden},
		{"nothing about being verified", func(l *liar) { l.claims["email_verified"] = nil }, audit.ErrForbidden},
		{"another nonce", func(l *liar) { l.claims["nonce"] = "x" }, audit.ErrForbidden},
		{"no nonce", func(l *liar) { l.claims["nonce"] = nil }, audit.ErrForbidden},
		{"for another client", func(l *liar) { l.claims["aud"] = "other" }, audit.ErrForbidden},
		{"for several, given to another", func(l *liar) { l.claims["aud"], l.claims["azp"] = []string{"tieout", "other"}, "other" }, audit.ErrForbidden},
		{"of another issuer", func(l *liar) { l.claims["iss"] = "https://evil.example" }, audit.ErrForbidden},
		{"expired", func(l *liar) { l.claims["exp"] = time.Now().Add(-time.Minute).Unix() }, audit.ErrForbidden},
		{"signed with another key", func(l *liar) { l.key = newKey(t) }, audit.ErrForbidden},
		{"an access token that was swapped", func(l *liar) { l.claims["at_hash"] = "AAAA" }, audit.ErrForbidden},
		{"no subject", func(l *liar) { l.claims["sub"] = "" }, audit.ErrForbidden},
		{"groups that did not fit", func(l *liar) {
			l.claims["_claim_names"] = map[string]string{"groups": "src1"}
			l.claims["_claim_sources"] = map[string]any{"src1": map[string]string{"endpoint": l.url + "/groups"}}
		}, audit.ErrUnavailable},
		{"too many groups", func(l *liar) { l.claims["groups"] = make([]string, maxGroups+1) }, audit.ErrInvalid},
		{"no groups at all", func(l *liar) { l.claims["groups"] = []string{} }, nil},
		{"an answer without its issuer", func(l *liar) { l.meta["authorization_response_iss_parameter_supported"] = true }, audit.ErrForbidden},
		{"metadata of another issuer", func(l *liar) { l.meta["issuer"] = "https://evil.example" }, audit.ErrUnavailable},
		{"metadata without an end", func(l *liar) { l.meta["x"] = strings.Repeat("x", maxAnswer) }, audit.ErrUnavailable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			l := newLiar(t)
			d := newDesk(t, engines["sqlite"], Company)
			d.tick(time.Since(d.time))
			tc.lie(l)
			d.reopen(Provider{ID: "sso", Title: "SSO", Issuer: l.url, ClientID: "tieout", Provision: true, Domains: []string{"halyard.example"},
				Groups: map[string][]string{"leads": {"compliance-lead@workspace"}}})
			got, err := d.lied(l)
			if !errors.Is(err, tc.want) {
				t.Fatalf("got error %v, want %v", err, tc.want)
			}
			if (got.Secret != "") != (tc.want == nil) || got.Subject.Fresh {
				t.Errorf("got a session %v, fresh %v; nobody said when the person signed in", got.Secret != "", got.Subject.Fresh)
			}
		})
	}
}

// lied is the way to a liar and back.
func (d *desk) lied(l *liar) (OIDCSigned, error) {
	d.t.Helper()
	r, err := d.BeginOIDC(d.t.Context(), "sso", "")
	if err != nil {
		return OIDCSigned{}, err
	}
	u, err := url.Parse(r.URL)
	d.must(err)
	q := u.Query()
	d.equal("what is asked for", q.Get("response_type")+" "+q.Get("code_challenge_method")+" "+q.Get("scope"), "code S256 openid email profile")
	l.nonce = q.Get("nonce")
	s, _, err := d.FinishOIDC(d.t.Context(), OIDCAnswer{Provider: "sso", Query: url.Values{"state": {q.Get("state")}, "code": {"c"}}, Secret: r.Secret, From: home})
	return s, err
}

func TestProviderChecks(t *testing.T) {
	good := Provider{ID: "sso", Title: "SSO", Issuer: "https://id.example.com/tenant", ClientID: "c"}
	for _, tc := range []struct {
		name   string
		change func(*Provider)
		want   string
	}{
		{"as it should be", func(*Provider) {}, ""},
		{"an ID that is no part of a path", func(p *Provider) { p.ID = "../x" }, "ID"},
		{"no title", func(p *Provider) { p.Title = " " }, "title"},
		{"not encrypted", func(p *Provider) { p.Issuer = "http://id.example.com" }, "https"},
		{"no client", func(p *Provider) { p.ClientID = "" }, "client ID"},
		{"anybody in the world", func(p *Provider) { p.Provision = true }, "domains"},
		{"an unknown role", func(p *Provider) { p.Groups = map[string][]string{"g": {"king@workspace"}} }, "king"},
		{"a scope the role has not", func(p *Provider) { p.Groups = map[string][]string{"g": {"administrator@own"}} }, "own"},
		{"no scope", func(p *Provider) { p.Groups = map[string][]string{"g": {"administrator"}} }, "scope"},
		{"a role of the other kind", func(p *Provider) { p.Groups = map[string][]string{"g": {"partner@workspace"}} }, "firm"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := good
			tc.change(&p)
			_, err := newProviders(Config{Workspace: Company, Origin: testOrigin, Providers: []Provider{p}})
			if tc.want == "" && err != nil || tc.want != "" && (!errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("got %v, want an error about %q", err, tc.want)
			}
		})
	}
	if _, err := newProviders(Config{Workspace: Company, Origin: testOrigin, Providers: []Provider{good, good}}); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("one twice: got %v", err)
	}
	if _, err := newProviders(Config{Workspace: Company, Providers: []Provider{good}}); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("no origin: got %v", err)
	}
}

func TestLocalPath(t *testing.T) {
	for in, want := range map[string]string{
		"": "/", "/": "/", "/controls/IAM-06?at=2026-01-01&x=%2F#top": "/controls/IAM-06?at=2026-01-01&x=%2F#top",
		"//evil.example": "!", "/\\evil.example": "!", "\\/evil.example": "!", "https://evil.example": "!", "javascript:alert(1)": "!",
		"controls": "!", "/a\nb": "!", "/%2f%2fevil.example": "!", " /a": "!", "/\u00e9": "!", "/%zz": "!", "/" + strings.Repeat("a", 2000): "!",
	} {
		got, err := LocalPath(in)
		if err != nil {
			if !errors.Is(err, audit.ErrInvalid) {
				t.Errorf("%q: got error %v", in, err)
			}
			got = "!"
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// FuzzLocalPath: what is taken stays on this server, as browsers resolve it.
func FuzzLocalPath(f *testing.F) {
	for _, s := range []string{"/", "//evil.example", "/a?b=c#d", "/\\evil.example", "/..//evil.example"} {
		f.Add(s)
	}
	base, err := url.Parse(testOrigin)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := LocalPath(s)
		if err != nil {
			return
		}
		to, err := base.Parse(got)
		if err != nil || to.Host != base.Host || to.Scheme != "https" || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\t\r\n") {
			t.Errorf("%q leads to %v, %v", s, to, err)
		}
	})
}

// FuzzClaims: whatever a provider signs is read whole or refused.
func FuzzClaims(f *testing.F) {
	f.Add(`{"email":"a@b.example","email_verified":true,"groups":["a"],"amr":["mfa"],"auth_time":1700000000}`)
	f.Add(`{"email":7,"email_verified":"1","groups":"a","amr":{},"auth_time":1e300,"_claim_names":{"groups":"x"}}`)
	pr := &provider{Provider: Provider{Title: "SSO", VerifiedClaim: "email_verified", GroupsClaim: "groups", MFA: []string{"mfa"}}, mapping: Mapping{"a": nil}}
	f.Fuzz(func(t *testing.T, body string) {
		said := map[string]json.RawMessage{}
		if json.Unmarshal([]byte(body), &said) != nil {
			return
		}
		c, err := pr.read(&oidc.IDToken{Issuer: "https://id.example", Subject: "u1"}, said)
		if err == nil && (len(c.groups) > maxGroups || c.authTime.Before(time.Time{})) {
			t.Error(fmt.Sprint(c))
		}
	})
}
