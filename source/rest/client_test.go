package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"tieout/source"
)

const secret = "s3cret-of-the-tests"

// serve answers with handle, and returns a client that counts its pauses
// instead of making them.
func serve(t testing.TB, handle http.HandlerFunc) (*Client, *[]time.Duration) {
	t.Helper()
	srv := httptest.NewServer(handle)
	t.Cleanup(srv.Close)
	base, err := url.Parse(srv.URL + "/api")
	if err != nil {
		t.Fatal(err)
	}
	pauses := &[]time.Duration{}
	return &Client{HTTP: source.Guard(nil, "loopback", base), Base: base, Secrets: []string{secret},
		Wait: func(_ context.Context, d time.Duration) error {
			*pauses = append(*pauses, d)
			return nil
		}}, pauses
}

// TestBackOff: how long is waited, and how often is asked, for each answer.
func TestBackOff(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	date := now.Format(http.TimeFormat)
	for _, tc := range []struct {
		name   string
		status int
		header map[string]string
		body   string
		pause  time.Duration // of the first wait; 0: none
		fault  string        // where it fails for ever; "": the second answer is good
	}{
		{"Retry-After in seconds", 429, map[string]string{"Retry-After": "7"}, "", 7 * time.Second, ""},
		{"Retry-After as a date, by the server's own clock", 503, map[string]string{"Retry-After": now.Add(40 * time.Second).Format(http.TimeFormat), "Date": date}, "", 40 * time.Second, ""},
		{"Retry-After in the past", 503, map[string]string{"Retry-After": now.Add(-time.Hour).Format(http.TimeFormat), "Date": date}, "", time.Second, ""},
		{"X-RateLimit-Reset as an instant", 429, map[string]string{"X-RateLimit-Reset": fmt.Sprint(now.Add(90 * time.Second).Unix()), "Date": date}, "", 91 * time.Second, ""},
		{"X-Rate-Limit-Reset as an instant, with 403", 403, map[string]string{"X-RateLimit-Remaining": "0", "X-Rate-Limit-Reset": fmt.Sprint(now.Add(30 * time.Second).Unix()), "Date": date}, "", 31 * time.Second, ""},
		{"RateLimit-Reset in seconds to go", 429, map[string]string{"RateLimit-Reset": "12"}, "", 12 * time.Second, ""},
		{"429 without a word", 429, nil, "", time.Minute, ""},
		{"403 that speaks of a limit", 403, nil, `{"message":"API Rate Limit exceeded"}`, time.Minute, ""},
		{"a failure of theirs", 500, nil, "", failurePause, ""},
		{"a time-out of theirs", 408, nil, "", failurePause, ""},
		{"not allowed", 403, nil, `{"message":"no"}`, 0, "403 Forbidden: no"},
		{"not there", 404, nil, `{"error":{"code":"NotFound"}}`, 0, "404 Not Found: NotFound"},
		{"not known to the server", 501, nil, "", 0, "501 Not Implemented"},
		{"longer than is waited for", 429, map[string]string{"Retry-After": "7200"}, "", 0, "it asks to wait 2h0m0s, longer than the 1h5m0s that are waited for"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			asked := 0
			c, pauses := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if asked++; asked > 1 {
					return
				}
				for k, v := range tc.header {
					w.Header().Set(k, v)
				}
				w.WriteHeader(tc.status)
				fmt.Fprint(w, tc.body)
			})
			a, err := c.Get(t.Context(), "/things")
			if err != nil || a.Fault() != tc.fault || a.OK() != (tc.fault == "") {
				t.Errorf("fault %q, error %v; want %q", a.Fault(), err, tc.fault)
			}
			if tc.pause == 0 && len(*pauses) > 0 || tc.pause > 0 && (len(*pauses) != 1 || (*pauses)[0] < tc.pause || (*pauses)[0] > tc.pause+time.Second) {
				t.Errorf("pauses %v; want one of %s and up to a second", *pauses, tc.pause)
			}
		})
	}
}

// TestTries: failures are asked again with growing pauses, a bounded number of times.
func TestTries(t *testing.T) {
	asked := 0
	c, pauses := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusBadGateway)
	})
	a, err := c.Get(t.Context(), "/things")
	if err != nil || a.Status != 502 || asked != MaxTries || len(*pauses) != MaxTries-1 {
		t.Fatalf("status %d, error %v, %d tries, %d pauses", a.Status, err, asked, len(*pauses))
	}
	for i, p := range *pauses {
		if want := failurePause << i; p < want || p > want+time.Second {
			t.Errorf("pause %d is %s; want %s and up to a second", i+1, p, want)
		}
	}
}

// TestRefused: what the system says cannot be had is not a failure.
func TestRefused(t *testing.T) {
	for status, want := range map[int]bool{200: false, 401: true, 402: true, 403: true, 404: true, 405: true, 410: true, 451: true, 501: true, 409: false, 422: false, 429: false, 500: false, 0: false} {
		if got := (Answer{Status: status}).Refused(); got != want {
			t.Errorf("%d: %v; want %v", status, got, want)
		}
	}
}

// TestTooLarge: an answer beyond the limit is refused, not cut and read.
func TestTooLarge(t *testing.T) {
	c, pauses := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		line := strings.Repeat("x", 1<<20)
		for range MaxAnswer>>20 + 1 {
			if _, err := io.WriteString(w, line); err != nil {
				return // the client left, as it should
			}
		}
	})
	a, err := c.Get(t.Context(), "/things")
	if err != nil || a.OK() || a.Body != nil || !strings.Contains(a.Fault(), "the answer is larger than 67108864 bytes") || len(*pauses) > 0 {
		t.Errorf("OK %v, %d bytes, fault %q, error %v, pauses %v", a.OK(), len(a.Body), a.Fault(), err, *pauses)
	}
}

// TestBrokenOff: half an answer is none.
func TestBrokenOff(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, `{"half":`)
	})
	a, err := c.Get(t.Context(), "/things")
	if err != nil || a.OK() || !strings.Contains(a.Fault(), "the answer broke off") {
		t.Errorf("OK %v, fault %q, error %v", a.OK(), a.Fault(), err)
	}
}

// TestNoSecret: a secret is in no fault, and neither is the address.
func TestNoSecret(t *testing.T) {
	c, _ := serve(t, func(http.ResponseWriter, *http.Request) {})
	c.HTTP = &http.Client{Transport: failing{errors.New("proxy refused Bearer " + secret)}}
	a, err := c.Get(t.Context(), "/things?name=ana")
	if err != nil || a.Fault() != "proxy refused Bearer ***" {
		t.Errorf("fault %q, error %v", a.Fault(), err)
	}
	c.Authorize = func(context.Context, *http.Request, []byte) error { return errors.New("no token for " + secret) }
	if a, err = c.Get(t.Context(), "/things"); err != nil || a.Fault() != "no token for ***" {
		t.Errorf("fault %q, error %v", a.Fault(), err)
	}
}

type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

// TestRequest: what is asked, and that a redirect to another host is not followed.
func TestRequest(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the other host was asked") }))
	defer elsewhere.Close()
	c, pauses := serve(t, func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if req.Method != "POST" || req.URL.RequestURI() != "/api/search?n=1" || string(body) != "{}" || err != nil ||
			req.Header.Get("X-One") != "client" || req.Header.Get("X-Two") != "ask" || req.Header.Get("Authorization") != "Bearer "+secret || req.Header.Get("Accept") != "application/json" {
			t.Errorf("asked %s %s %q with %v", req.Method, req.URL, body, req.Header)
		}
		http.Redirect(w, req, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	c.Headers = map[string]string{"X-One": "client", "X-Two": "client"}
	c.Authorize = Header("Authorization", "Bearer "+secret)
	q := Ask{Method: "POST", URI: c.At("/search?n=1"), Body: []byte("{}"), Header: map[string]string{"X-Two": "ask"}}
	a, err := c.Do(t.Context(), q)
	if err != nil || a.OK() || !strings.Contains(a.Fault(), "another host") || len(*pauses) > 0 || a.Query != "POST /api/search?n=1" {
		t.Errorf("query %q, fault %q, error %v, pauses %v", a.Query, a.Fault(), err, *pauses)
	}
}

// TestCancel: a person who gives up does not wait for a limit.
func TestCancel(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3000")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	c.Wait = nil
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := c.Get(ctx, "/things"); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 10*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
}

// TestTrial: a trial tells a failure at once, and waits only for a moment that
// the other side names. An address that is refused is never asked for again.
func TestTrial(t *testing.T) {
	for _, tc := range []struct {
		name   string
		header map[string]string
		status int
		asked  int
	}{
		{"a failure of theirs", nil, 502, 1},
		{"a limit of a minute", map[string]string{"Retry-After": "60"}, 429, 1},
		{"a limit of three seconds", map[string]string{"Retry-After": "3"}, 429, MaxTries},
	} {
		t.Run(tc.name, func(t *testing.T) {
			asked := 0
			c, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				asked++
				for k, v := range tc.header {
					w.Header().Set(k, v)
				}
				w.WriteHeader(tc.status)
			})
			a, err := c.Get(source.Trying(t.Context()), "/things")
			if err != nil || a.Status != tc.status || asked != tc.asked {
				t.Errorf("status %d, error %v, asked %d times; want %d, none, %d", a.Status, err, asked, tc.status, tc.asked)
			}
		})
	}
	c, pauses := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the address was asked") })
	c.HTTP = source.Guard(nil, "", c.Base)
	a, err := c.Get(t.Context(), "/things")
	if err != nil || !strings.Contains(a.Fault(), "127.0.0.1 is this machine") || len(*pauses) != 0 {
		t.Errorf("fault %q, error %v, pauses %v; want the address refused at once", a.Fault(), err, *pauses)
	}
}

// TestMessage: what an error answer says is found where interfaces put it.
func TestMessage(t *testing.T) {
	for body, want := range map[string]string{
		`{"message":"a\n  b"}`:                           "a b",
		`{"error":{"message":"m","code":"c"}}`:           "m",
		`{"error":"e","error_description":"d"}`:          "d",
		`{"errorSummary":"s"}`:                           "s",
		`{"errorMessages":["one","two"]}`:                "one",
		`{"error":{"code":"C"}}`:                         "C",
		`not JSON`:                                       "",
		`{"message":"` + strings.Repeat("x", 300) + `"}`: strings.Repeat("x", 200) + "...",
	} {
		if got := message([]byte(body)); got != want {
			t.Errorf("%s: %q; want %q", body, got, want)
		}
	}
}
