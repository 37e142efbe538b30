package github

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

// An appHost gives out installation tokens that end after some requests, and
// answers everything else as an organization without people or repositories.
type appHost struct {
	t         *testing.T
	key       *rsa.PublicKey
	selection string
	given     int // tokens
	left      int // requests until the present token ends
}

func (h *appHost) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	bearer := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
	switch req.Method + " " + req.URL.Path {
	case "GET /orgs/acme/installation", "POST /app/installations/77/access_tokens":
		claims := &jwt.RegisteredClaims{}
		_, err := jwt.ParseWithClaims(bearer, claims, func(*jwt.Token) (any, error) { return h.key, nil }, jwt.WithValidMethods([]string{"RS256"}), jwt.WithExpirationRequired(), jwt.WithIssuedAt())
		if err != nil || claims.Issuer != "12345" {
			h.t.Errorf("asked as App with %v, issuer %q", err, claims.Issuer)
		}
		if req.Method == http.MethodGet {
			fmt.Fprintf(w, `{"id":77,"repository_selection":%q}`, h.selection)
			return
		}
		h.given++
		h.left = 3
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"token":"ghs_secret-token-%d","expires_at":"2026-03-31T13:00:00Z"}`, h.given)
		return
	}
	if want := fmt.Sprintf("ghs_secret-token-%d", h.given); bearer != want {
		h.t.Errorf("%s was asked with %q; want %q", req.URL, bearer, want)
	}
	if h.left--; h.left < 0 {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"message":"Bad credentials"}`)
		return
	}
	switch {
	case req.URL.Path == "/orgs/acme":
		fmt.Fprint(w, `{"public_repos":0,"total_private_repos":0}`)
	case strings.Contains(req.URL.RawQuery, "2fa_disabled"):
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprint(w, `{"message":"Only owners can use this filter."}`)
	case strings.Contains(req.URL.RawQuery, "role=member"):
		fmt.Fprint(w, `[{"login":"ana","id":11,"type":"User"}]`)
	default:
		fmt.Fprint(w, `[]`)
	}
}

// TestApp: a GitHub App asks with tokens of its installation, and renews them.
func TestApp(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	for _, selection := range []string{"all", "selected"} {
		h := &appHost{t: t, key: &key.PublicKey, selection: selection}
		srv := httptest.NewServer(h)
		defer srv.Close()
		with := fmt.Sprintf(`{"organization":"acme","baseURL":%q,"allow":"loopback","app":{"id":12345,"key":"file:app.pem"}}`, srv.URL)
		env := source.Env{Secret: func(context.Context, string) (string, error) { return string(text), nil }}
		rec := sourcetest.Record(t, sourcetest.Connection{Driver: Driver, Name: "hub", With: with, Env: env, Window: window()})
		if h.given < 3 {
			t.Errorf("%d tokens were asked for; want one more each time one ended", h.given)
		}
		if m := manifest(t, rec, "membership", ""); !m.Complete {
			t.Errorf("memberships: %s", m.Reason)
		}
		if m := manifest(t, rec, "repository", ""); m.Complete != (selection == "all") {
			t.Errorf("%s repositories: complete %v: %s", selection, m.Complete, m.Reason)
		}
		for _, p := range rec.Pages {
			if strings.Contains(string(p.Body)+p.Query, "secret-token") || strings.Contains(string(rec.Config), "PRIVATE") {
				t.Errorf("a secret is in page %s", p.Kind)
			}
		}
	}
}

// TestAppRefused: why an App gets no token is said, without its key or its proof.
func TestAppRefused(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"message":"Not Found"}`)
	}))
	defer srv.Close()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	for secret, want := range map[string]string{"not a key": "is not an RSA private key", text: "app: its installation: 404 Not Found: Not Found"} {
		col, config, err := Driver.Open("hub", json.RawMessage(fmt.Sprintf(`{"organization":"acme","baseURL":%q,"allow":"loopback","app":{"id":"12345","key":"file:app.pem"}}`, srv.URL)),
			source.Env{Secret: func(context.Context, string) (string, error) { return secret, nil }})
		if err != nil {
			t.Fatal(err)
		}
		rec := &sourcetest.Recorder{Driver: Driver, Config: config}
		if err := col.Collect(t.Context(), window(), rec); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "eyJ") {
			t.Errorf("got %v; want %q", err, want)
		}
		if len(rec.Manifests) != 4 {
			t.Errorf("%d streams were closed; want 4", len(rec.Manifests))
		}
	}
}

func TestAppSettings(t *testing.T) {
	for with, want := range map[string]string{
		`{"organization":"acme","token":"env:T","app":{"id":"1","key":"env:K"}}`: "it stands in place of token",
		`{"organization":"acme","app":{"key":"env:K"}}`:                          "is not the id of an App",
		`{"organization":"acme","app":{"id":"1","key":"-----BEGIN"}}`:            "never the key itself",
		`{"organization":"acme","app":{"id":"1","key":"env:K","more":1}}`:        "unknown field",
	} {
		if _, _, err := Driver.Open("hub", json.RawMessage(with), source.Env{}); !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", with, err, want)
		}
	}
}
