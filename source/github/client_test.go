package github

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// A roundTripper answers by a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// endless gives bytes for ever, broken some and then an error.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func brokenBody() io.Reader {
	return io.MultiReader(strings.NewReader(`[{"login"`), readerFunc(func([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestBroken: answers that do not come whole are no answers, are asked for
// again where that may help, and say nothing of the token.
func TestBroken(t *testing.T) {
	body := func(r io.Reader) func(*http.Request) (*http.Response, error) {
		return func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(r), Request: req}, nil
		}
	}
	for _, tc := range []struct {
		name  string
		trip  func(*http.Request) (*http.Response, error)
		fault string
		tries int
	}{
		{"larger than is taken", body(endless{}), "the answer is larger than 33554432 bytes", 1},
		{"breaks off", body(brokenBody()), "the answer broke off: unexpected EOF", maxTries},
		{"no connection", func(req *http.Request) (*http.Response, error) {
			return nil, errors.New("connection refused by " + req.Header.Get("Authorization"))
		}, "connection refused by Bearer ***", maxTries},
		{"too slow", func(*http.Request) (*http.Response, error) { return nil, context.DeadlineExceeded }, "no answer within 1m0s", maxTries},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tries := 0
			c := &client{base: &url.URL{Scheme: "https", Host: "api.github.com"}, token: testToken, wait: func(context.Context, time.Duration) error { return nil },
				http: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					tries++
					return tc.trip(r)
				})}}
			a, err := c.ask(t.Context(), "list", "/orgs/acme", false)
			if err != nil || a.ok() || a.refused() || !strings.HasSuffix(a.fault(), tc.fault) || strings.Contains(a.fault(), testToken) {
				t.Errorf("fault %q, ok %v, error %v; want %q", a.fault(), a.ok(), err, tc.fault)
			}
			if tries != tc.tries {
				t.Errorf("%d tries; want %d", tries, tc.tries)
			}
		})
	}
}

// TestKeeper: what is kept stays below its limit, the oldest goes first.
func TestKeeper(t *testing.T) {
	var k keeper
	big := answer{ETag: "x", Body: strings.Repeat("x", maxKept/4)}
	for _, uri := range []string{"/a", "/b", "/a", "/c", "/d", "/e"} {
		k.put(uri, big)
	}
	k.put("/huge", answer{ETag: "x", Body: strings.Repeat("x", maxKept)})
	k.put("/untagged", answer{Body: "x"})
	for uri, want := range map[string]bool{"/a": false, "/b": true, "/e": true, "/huge": false, "/untagged": false} {
		if _, got := k.get(uri); got != want {
			t.Errorf("%s kept %v; want %v", uri, got, want)
		}
	}
	if k.size != maxKept {
		t.Errorf("size %d; want %d", k.size, maxKept)
	}
}
