package rest

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/oauth2/jwt"

	"tieout/source"
)

// An Authorizer adds credentials to a request.
type Authorizer = func(ctx context.Context, req *http.Request, body []byte) error

// Header authorizes with one fixed header, such as Authorization: Bearer T.
func Header(name, value string) Authorizer {
	return func(_ context.Context, req *http.Request, _ []byte) error {
		req.Header.Set(name, value)
		return nil
	}
}

// Basic authorizes with a name and a password (RFC 7617).
func Basic(user, password string) Authorizer {
	return func(_ context.Context, req *http.Request, _ []byte) error {
		req.SetBasicAuth(user, password)
		return nil
	}
}

// Without authorizes nothing: every answer is then the fault why, and nothing is
// asked. It closes the streams of a connection whose secret cannot be had.
func Without(why error) Authorizer {
	return func(context.Context, *http.Request, []byte) error { return why }
}

// ClientCredentials authorizes with tokens of the client credentials grant (RFC
// 6749 section 4.4), renewed when they end. client must be guarded for the
// token endpoint's origin.
func ClientCredentials(client *http.Client, tokenURL, id, secret string, scopes ...string) Authorizer {
	c := clientcredentials.Config{ClientID: id, ClientSecret: secret, TokenURL: tokenURL, Scopes: scopes}
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, client)
	return tokens(c.TokenSource(ctx))
}

// A Grant is a service account that asks for tokens with a signed assertion
// (RFC 7523), as Google's do.
type Grant struct {
	Issuer   string // the service account's address
	KeyID    string
	Key      []byte // PEM, RSA
	Subject  string // whom it acts for; "" for itself
	TokenURL string
	Scopes   []string
}

// Assertion authorizes with tokens of g. client must be guarded for the token
// endpoint's origin.
func Assertion(client *http.Client, g Grant) Authorizer {
	c := jwt.Config{Email: g.Issuer, PrivateKey: g.Key, PrivateKeyID: g.KeyID, Subject: g.Subject, Scopes: g.Scopes, TokenURL: g.TokenURL}
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, client)
	return tokens(c.TokenSource(ctx))
}

// tokens keeps one token until it ends. The error of a refused token says
// what the endpoint says, never what it was asked with.
func tokens(src oauth2.TokenSource) Authorizer {
	src = oauth2.ReuseTokenSource(nil, src)
	return func(_ context.Context, req *http.Request, _ []byte) error {
		t, err := src.Token()
		if err != nil {
			return noToken{tokenWords(err), passing(err)}
		}
		t.SetAuthHeader(req)
		return nil
	}
}

// noToken says why there is no token, and whether there may be one later.
type noToken struct {
	why     string
	passing bool
}

func (e noToken) Error() string { return "no token: " + e.why }

// again is how long to wait before an authorization that failed may succeed, 0
// if it will not.
func again(err error) time.Duration {
	var e noToken
	if errors.As(err, &e) && e.passing {
		return failurePause
	}
	return 0
}

// passing reports a failure of the token endpoint's own, or of the way to it.
func passing(err error) bool {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil {
		return refused.Response.StatusCode >= 500 || refused.Response.StatusCode == http.StatusTooManyRequests
	}
	var way *url.Error
	return errors.As(err, &way) && !source.Final(err)
}

func tokenWords(err error) string {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) {
		return clip(err.Error())
	}
	s := "the token endpoint answers"
	if refused.Response != nil {
		s += " " + refused.Response.Status
	}
	if m := message(refused.Body); m != "" {
		s += ": " + m
	}
	return s
}
