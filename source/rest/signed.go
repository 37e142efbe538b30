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
	"errors"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// SignedCredentials authorizes with tokens of the client credentials grant for
// which the client signs with its own key (RFC 7523 section 2.2, "private_key_jwt"
// of OpenID Connect), as service applications of Okta do. g.Issuer is the client's
// id. client must be guarded for the token endpoint's origin. The error, without
// the key, is for a key that cannot be read.
func SignedCredentials(client *http.Client, g Grant) (Authorizer, error) {
	key, err := readKey(g.Key)
	if err != nil {
		return nil, err
	}
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, client)
	return tokens(signed{ctx, g, key}), nil
}

// readKey reads an RSA key, PKCS #1 or PKCS #8.
func readKey(text []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("the key is not PEM")
	}
	if k, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return k, nil
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the key cannot be read; write an RSA key without a password")
	}
	rk, ok := k.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("the key is not an RSA key")
	}
	return rk, nil
}

type signed struct {
	ctx   context.Context
	grant Grant
	key   *rsa.PrivateKey
}

const assertionLife = 5 * time.Minute

// Token asks with an assertion of its own each time: none is used twice.
func (s signed) Token() (*oauth2.Token, error) {
	assertion, err := s.assertion(time.Now())
	if err != nil {
		return nil, err
	}
	c := clientcredentials.Config{ClientID: s.grant.Issuer, TokenURL: s.grant.TokenURL, Scopes: s.grant.Scopes, AuthStyle: oauth2.AuthStyleInParams,
		EndpointParams: url.Values{"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion}}}
	return c.Token(s.ctx)
}

// assertion is a signed statement of who asks (RFC 7515, RS256).
func (s signed) assertion(now time.Time) (string, error) {
	header := map[string]string{"alg": "RS256", "typ": "JWT"}
	if s.grant.KeyID != "" {
		header["kid"] = s.grant.KeyID
	}
	claims := map[string]any{"iss": s.grant.Issuer, "sub": s.grant.Issuer, "aud": s.grant.TokenURL, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(assertionLife).Unix()}
	text := ""
	for i, part := range []any{header, claims} {
		b, err := json.Marshal(part)
		if err != nil {
			return "", err
		}
		if i > 0 {
			text += "."
		}
		text += base64.RawURLEncoding.EncodeToString(b)
	}
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", errors.New("the key cannot sign")
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig), nil
}
