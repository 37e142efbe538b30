package rest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"tieout/source"
	"tieout/source/sourcetest/live"
)

// provider starts a real OIDC provider whose tokens live that long, and
// returns its address.
func provider(t *testing.T, life time.Duration) string {
	t.Helper()
	node := live.Program(t, "node")
	live.Peer(t, "node_modules/oidc-provider/package.json")
	port := live.Port(t)
	cmd := exec.Command(node, "testdata/oidc.mjs", live.Peers()+"/node_modules", strconv.Itoa(port), "app", clientSecret, strconv.Itoa(int(life.Seconds())), publicJWK())
	base := "http://" + live.Address(port)
	live.Start(t, cmd, live.Answers(base+"/.well-known/openid-configuration"))
	return base
}

// publicJWK is the public half of the tests' key (RFC 7517).
func publicJWK() string {
	k := rsaKey().PublicKey
	return fmt.Sprintf(`{"kty":"RSA","use":"sig","alg":"RS256","kid":"k1","n":%q,"e":%q}`,
		base64.RawURLEncoding.EncodeToString(k.N.Bytes()), base64.RawURLEncoding.EncodeToString(big.NewInt(int64(k.E)).Bytes()))
}

// active asks the provider whether a token is one of its own that has not
// ended (RFC 7662), and with which scope.
func active(t *testing.T, base, token string) (bool, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/token/introspection", strings.NewReader(url.Values{"token": {token}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth("app", url.QueryEscape(clientSecret))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var v struct {
		Active bool   `json:"active"`
		Scope  string `json:"scope"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v.Active, v.Scope
}

// TestProvider gets tokens of a real provider, uses one until it is about to
// end, and renews it before it does.
func TestProvider(t *testing.T) {
	base := provider(t, 12*time.Second)
	guarded := source.Guard(nil, "loopback", mustURL(t, base))
	c, p := asking(t, ClientCredentials(guarded, base+"/token", "app", clientSecret, "read"))
	for range 2 {
		if a := get(t, c); !a.OK() {
			t.Fatal(a.Fault())
		}
	}
	if p.shown[0] != p.shown[1] {
		t.Error("two requests at once were made with two tokens")
	}
	if ok, scope := active(t, base, p.shown[0]); !ok || scope != "read" {
		t.Errorf("the token is active: %v, scope %q", ok, scope)
	}
	// Ten seconds before a token ends it is not used any more: two seconds from its making.
	for deadline := time.Now().Add(10 * time.Second); p.shown[len(p.shown)-1] == p.shown[0]; time.Sleep(200 * time.Millisecond) {
		if a := get(t, c); !a.OK() || time.Now().After(deadline) {
			t.Fatalf("the token was not renewed: %s", a.Fault())
		}
		if ok, _ := active(t, base, p.shown[len(p.shown)-1]); !ok {
			t.Fatal("a token was used that had ended")
		}
	}
}

func TestProviderRefuses(t *testing.T) {
	base := provider(t, time.Hour)
	guarded := source.Guard(nil, "loopback", mustURL(t, base))
	for _, tc := range []struct{ name, id, secret, scope, want string }{
		{"another secret", "app", "0th3r~s3cr3t", "read", "client authentication failed"},
		{"another client", "nobody", clientSecret, "read", "client authentication failed"},
		{"another scope", "app", clientSecret, "write", "scope"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, p := asking(t, ClientCredentials(guarded, base+"/token", tc.id, tc.secret, tc.scope))
			a := get(t, c)
			if a.OK() || !strings.HasPrefix(a.Fault(), "no token: the token endpoint answers 4") || !strings.Contains(a.Fault(), tc.want) {
				t.Errorf("got %q, want %q", a.Fault(), tc.want)
			}
			if strings.Contains(a.Fault(), tc.secret) || len(p.shown) > 0 {
				t.Errorf("got %q; the interface was asked %d times", a.Fault(), len(p.shown))
			}
		})
	}
}

// TestProviderTakesSignature: a client that signs with its key gets tokens, and
// one that signs with another does not.
func TestProviderTakesSignature(t *testing.T) {
	base := provider(t, 5*time.Second) // about to end from the start: each request asks anew
	guarded := source.Guard(nil, "loopback", mustURL(t, base))
	a, err := SignedCredentials(guarded, Grant{Issuer: "signer", KeyID: "k1", Key: pemKey(), TokenURL: base + "/token", Scopes: []string{"read"}})
	if err != nil {
		t.Fatal(err)
	}
	c, p := asking(t, a)
	for range 2 {
		if a := get(t, c); !a.OK() {
			t.Fatal(a.Fault())
		}
	}
	if ok, _ := active(t, base, p.shown[0]); !ok || p.shown[0] == p.shown[1] {
		t.Errorf("active: %v, tokens %v", ok, p.shown)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(other)
	if err != nil {
		t.Fatal(err)
	}
	stranger := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if a, err = SignedCredentials(guarded, Grant{Issuer: "signer", KeyID: "k1", Key: stranger, TokenURL: base + "/token"}); err != nil {
		t.Fatal(err)
	}
	c, _ = asking(t, a)
	if a := get(t, c); a.OK() || !strings.Contains(a.Fault(), "client authentication failed") {
		t.Errorf("another key gave %q", a.Fault())
	}
}

func TestKeyThatCannotBeRead(t *testing.T) {
	for _, tc := range []struct{ name, key, want string }{
		{"no PEM", "n0t-a-key", "not PEM"},
		{"not a key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "cannot be read"},
	} {
		_, err := SignedCredentials(http.DefaultClient, Grant{Key: []byte(tc.key)})
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "AAAA") {
			t.Errorf("%s: got %v, want %q", tc.name, err, tc.want)
		}
	}
}
