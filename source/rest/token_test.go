package rest

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
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/source"
)

// protected is an interface that keeps the tokens it was shown.
type protected struct {
	mu     sync.Mutex
	shown  []string
	pauses int
}

func (p *protected) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shown = append(p.shown, token)
	fmt.Fprint(w, `{}`)
}

// asking returns a client of a protected interface that authorizes with a.
func asking(t testing.TB, a Authorizer) (*Client, *protected) {
	t.Helper()
	p := &protected{}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	base := mustURL(t, s.URL)
	c := &Client{HTTP: source.Guard(nil, "loopback", base), Base: base, Authorize: a,
		Wait: func(context.Context, time.Duration) error { p.pauses++; return nil }}
	return c, p
}

func mustURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func get(t testing.TB, c *Client) Answer {
	t.Helper()
	a, err := c.Get(t.Context(), "/x")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// endpoint is a token endpoint that answers as f does.
func endpoint(t testing.TB, f http.HandlerFunc) (address string, guarded *http.Client) {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return s.URL + "/token", source.Guard(nil, "loopback", mustURL(t, s.URL))
}

func issue(w http.ResponseWriter, token string, seconds int) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":%d}`, token, seconds)
}

const clientSecret = "t0p~s3cr3t"

// TestTokenIsKept: one token serves until it is about to end (ten seconds
// before it does), and is then renewed.
func TestTokenIsKept(t *testing.T) {
	for _, tc := range []struct {
		name    string
		seconds int
		want    string
	}{
		{"an hour", 3600, "[t1 t1 t1]"},
		{"about to end", 5, "[t1 t2 t3]"},
	} {
		n := 0
		address, guarded := endpoint(t, func(w http.ResponseWriter, _ *http.Request) {
			n++
			issue(w, fmt.Sprintf("t%d", n), tc.seconds)
		})
		c, p := asking(t, ClientCredentials(guarded, address, "app", clientSecret, "read"))
		for range 3 {
			if a := get(t, c); !a.OK() {
				t.Fatal(a.Fault())
			}
		}
		if got := fmt.Sprint(p.shown); got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.want)
		}
	}
}

// TestRefusedToken: a fault says what the endpoint says, in words without the
// secret, and the interface is not asked.
func TestRefusedToken(t *testing.T) {
	for _, tc := range []struct {
		name  string
		with  http.HandlerFunc
		want  string
		tries int
	}{
		{"refused", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(401)
			fmt.Fprint(w, `{"error":"invalid_client","error_description":"no such client"}`)
		}, "no token: the token endpoint answers 401 Unauthorized: no such client", 1},
		{"refused without words", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, "no token: the token endpoint answers 403 Forbidden", 1},
		{"a failure of theirs", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }, "502 Bad Gateway", MaxTries},
		{"no token in it", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) }, "no token: ", 1},
		{"not JSON", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `<html>`)
		}, "no token: ", 1},
		{"elsewhere", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.example/token", http.StatusTemporaryRedirect)
		}, "another host", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			address, guarded := endpoint(t, tc.with)
			c, p := asking(t, ClientCredentials(guarded, address, "app", clientSecret))
			a := get(t, c)
			if a.OK() || !strings.Contains(a.Fault(), tc.want) || strings.Contains(a.Fault(), clientSecret) || strings.Contains(a.Fault(), url.QueryEscape(clientSecret)) {
				t.Errorf("got %q, want %q", a.Fault(), tc.want)
			}
			if len(p.shown) > 0 || p.pauses != tc.tries-1 {
				t.Errorf("the interface was asked with %v, after %d pauses; want %d", p.shown, p.pauses, tc.tries-1)
			}
		})
	}
}

// TestTokenLater: a failure of the token endpoint's own is tried again.
func TestTokenLater(t *testing.T) {
	n := 0
	address, guarded := endpoint(t, func(w http.ResponseWriter, _ *http.Request) {
		if n++; n < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		issue(w, "t1", 3600)
	})
	c, p := asking(t, ClientCredentials(guarded, address, "app", clientSecret))
	if a := get(t, c); !a.OK() || fmt.Sprint(p.shown) != "[t1]" {
		t.Errorf("got %q, shown %v", a.Fault(), p.shown)
	}
}

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func pemKey() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey())})
}

// An assertion, once its signature was verified.
type assertion struct {
	header struct{ Alg, Typ, Kid string }
	claims struct {
		Iss, Sub, Aud, Scope string
		Iat, Exp             int64
	}
}

// verify checks a signed assertion (RFC 7515, RS256).
func verify(text string) (a assertion, err error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return a, fmt.Errorf("%d parts", len(parts))
	}
	var raw [3][]byte
	for i, p := range parts {
		if raw[i], err = base64.RawURLEncoding.DecodeString(p); err != nil {
			return a, err
		}
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(&rsaKey().PublicKey, crypto.SHA256, sum[:], raw[2]); err != nil {
		return a, err
	}
	if err := json.Unmarshal(raw[0], &a.header); err != nil {
		return a, err
	}
	return a, json.Unmarshal(raw[1], &a.claims)
}

func TestAssertion(t *testing.T) {
	for _, tc := range []struct{ name, subject string }{{"for itself", ""}, {"for an administrator", "admin@halyard.example"}} {
		t.Run(tc.name, func(t *testing.T) {
			var got assertion
			var grant string
			var bad error
			address, guarded := endpoint(t, func(w http.ResponseWriter, r *http.Request) {
				grant = r.FormValue("grant_type")
				if got, bad = verify(r.FormValue("assertion")); bad == nil {
					issue(w, "t1", 3600)
				}
			})
			g := Grant{Issuer: "sa@halyard.example", KeyID: "k1", Key: pemKey(), Subject: tc.subject, TokenURL: address, Scopes: []string{"users", "groups"}}
			c, p := asking(t, Assertion(guarded, g))
			before := time.Now()
			if a := get(t, c); !a.OK() || bad != nil {
				t.Fatalf("%s, signature: %v", a.Fault(), bad)
			}
			if grant != "urn:ietf:params:oauth:grant-type:jwt-bearer" || got.header.Alg != "RS256" || got.header.Kid != "k1" {
				t.Errorf("grant %q, header %+v", grant, got.header)
			}
			if got.claims.Iss != g.Issuer || got.claims.Sub != tc.subject || got.claims.Aud != address || got.claims.Scope != "users groups" {
				t.Errorf("claims %+v", got.claims)
			}
			if life := got.claims.Exp - got.claims.Iat; life <= 0 || life > 3600+20 || got.claims.Exp < before.Unix() || got.claims.Iat > time.Now().Unix() {
				t.Errorf("issued %d, ends %d, now %d", got.claims.Iat, got.claims.Exp, before.Unix())
			}
			if fmt.Sprint(p.shown) != "[t1]" {
				t.Errorf("shown %v", p.shown)
			}
		})
	}
}

// TestRefusedAssertion: neither the key nor the assertion is in a fault.
func TestRefusedAssertion(t *testing.T) {
	var sent string
	address, guarded := endpoint(t, func(w http.ResponseWriter, r *http.Request) {
		sent = r.FormValue("assertion")
		w.WriteHeader(400)
		fmt.Fprint(w, `{"error":"invalid_grant","error_description":"Invalid email or User ID"}`)
	})
	c, _ := asking(t, Assertion(guarded, Grant{Issuer: "sa@halyard.example", Key: pemKey(), TokenURL: address}))
	a := get(t, c)
	if want := "no token: the token endpoint answers 400 Bad Request: Invalid email or User ID"; a.Fault() != want || sent == "" {
		t.Errorf("got %q, want %q", a.Fault(), want)
	}
	if strings.Contains(a.Fault(), sent) {
		t.Error("the assertion is in the fault")
	}
	c, _ = asking(t, Assertion(guarded, Grant{Issuer: "sa@halyard.example", Key: []byte("n0t-a-key"), TokenURL: address}))
	if a = get(t, c); a.OK() || !strings.HasPrefix(a.Fault(), "no token: ") || strings.Contains(a.Fault(), "n0t-a-key") {
		t.Errorf("a broken key gave %q", a.Fault())
	}
}

func TestHeaderAndBasic(t *testing.T) {
	for _, tc := range []struct {
		name string
		auth Authorizer
		want string
	}{
		{"a header", Header("Authorization", "SSWS x"), "SSWS x"},
		{"a name and a password", Basic("ana", "pw"), "Basic YW5hOnB3"},
	} {
		req := httptest.NewRequest(http.MethodGet, "/", nil)
		if err := tc.auth(t.Context(), req, nil); err != nil || req.Header.Get("Authorization") != tc.want {
			t.Errorf("%s: got %q %v, want %q", tc.name, req.Header.Get("Authorization"), err, tc.want)
		}
	}
}
