package okta

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

// scopeOf is the permission that Okta's description names for a path.
func scopeOf(path string) string {
	switch {
	case strings.HasSuffix(path, "/roles"):
		return scopeRoles
	case strings.HasPrefix(path, "/api/v1/users"):
		return scopeUsers
	case strings.HasPrefix(path, "/api/v1/groups"):
		return scopeGroups
	case strings.HasPrefix(path, "/api/v1/policies"):
		return scopePolicies
	case strings.HasPrefix(path, "/api/v1/apps"):
		return scopeApps
	case strings.HasPrefix(path, "/api/v1/api-tokens"):
		return scopeTokens
	case strings.HasPrefix(path, "/api/v1/logs"):
		return scopeLogs
	}
	return ""
}

var serviceKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// service answers as an organization does that knows one service application.
func service(t *testing.T, o *org, denied string) (sourcetest.Connection, string) {
	t.Helper()
	key := serviceKey()
	secretKey := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	var s *httptest.Server
	s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/oauth2/v1/token" {
			if err := checkAssertion(r, &key.PublicKey, s.URL); err != nil {
				t.Error(err)
			}
			w.Header().Set("Content-Type", "application/json")
			if r.FormValue("scope") == denied {
				w.WriteHeader(http.StatusBadRequest)
				w.Write([]byte(`{"error":"invalid_scope","error_description":"One or more scopes are not configured for the authorization server resource."}`))
				return
			}
			fmt.Fprintf(w, `{"token_type":"Bearer","expires_in":3600,"access_token":"at.%s"}`, r.FormValue("scope"))
			return
		}
		if scope := scopeOf(r.URL.Path); scope != "" && r.Header.Get("Authorization") != "Bearer at."+scope {
			t.Errorf("%s was asked with %q", r.URL.Path, r.Header.Get("Authorization"))
		}
		r.Header.Set("Authorization", "SSWS "+secret)
		o.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	c := connect(s.URL)
	c.With = strings.Replace(c.With, `"token":"env:OKTA_TOKEN"`, `"client":"0oaservice","key":"file:okta.pem","keyID":"k1"`, 1)
	c.Env = source.Env{Secret: func(context.Context, string) (string, error) { return secretKey, nil }}
	return c, secretKey
}

func checkAssertion(r *http.Request, key *rsa.PublicKey, base string) error {
	parts := strings.Split(r.FormValue("client_assertion"), ".")
	if len(parts) != 3 || r.FormValue("grant_type") != "client_credentials" || r.FormValue("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
		return fmt.Errorf("asked with %v", r.Form)
	}
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], sig); err != nil {
		return err
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return err
	}
	var c struct{ Iss, Sub, Aud, Jti string }
	if err := json.Unmarshal(b, &c); err != nil || c.Iss != "0oaservice" || c.Sub != "0oaservice" || c.Aud != base+"/oauth2/v1/token" || c.Jti == "" {
		return fmt.Errorf("claims %s, %w", b, err)
	}
	return nil
}

// TestService: a permission that was not granted takes its own streams with
// it, and no others.
func TestService(t *testing.T) {
	const says = "no token: the token endpoint answers 400 Bad Request: One or more scopes"
	for _, tc := range []struct {
		denied string
		want   map[string]string
	}{
		{"", nil},
		{scopeUsers, map[string]string{"account": says, "membership": says, "link": says}},
		{scopeGroups, map[string]string{"membership": says}},
		{scopeRoles, map[string]string{"membership": "administrator roles: " + says}},
		{scopePolicies, map[string]string{"authPolicy PASSWORD": says, "authPolicy OKTA_SIGN_ON": says, "authPolicy MFA_ENROLL": says, "authPolicy ACCESS_POLICY": says}},
		{scopeApps, map[string]string{"application": says}},
		{scopeTokens, map[string]string{"key": says}},
		{scopeLogs, map[string]string{"signIn": says}},
	} {
		t.Run(tc.denied, func(t *testing.T) {
			c, key := service(t, newOrg(t), tc.denied)
			r, _ := record(t, c)
			for _, m := range r.Manifests {
				name := strings.TrimSpace(m.Type + " " + m.Scope)
				want, fails := tc.want[name]
				if m.Complete == fails || !strings.Contains(m.Reason, want) {
					t.Errorf("%s: complete %v, %q; want %q", name, m.Complete, m.Reason, want)
				}
			}
			all, err := json.Marshal([]any{r.Manifests, r.Config})
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range r.Pages {
				all = append(append(all, p.Body...), p.Query...)
			}
			for _, s := range []string{"at.okta", strings.Split(key, "\n")[3]} {
				if strings.Contains(string(all), s) {
					t.Errorf("%q is in a page, a manifest or the configuration", s)
				}
			}
		})
	}
}

func TestServiceKey(t *testing.T) {
	c, _ := service(t, newOrg(t), "")
	c.Env = source.Env{Secret: func(context.Context, string) (string, error) { return "n0t-a-key", nil }}
	col, _, err := Driver.Open(c.Name, json.RawMessage(c.With), c.Env)
	if err != nil {
		t.Fatal(err)
	}
	err = col.Collect(t.Context(), c.Window, &sourcetest.Recorder{})
	if !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), "what file:okta.pem holds: the key is not PEM") || strings.Contains(err.Error(), "n0t") {
		t.Errorf("got %v", err)
	}
}
