package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptrace"
	"net/url"
	"strings"
	"time"
)

// A visitor is one browser of one person, at a network address of its own: all of
// 127.0.0.0/8 is this machine on Linux. The server bounds what one address can
// ask of its doors, and people do not share one.
type visitor struct {
	base   string
	client *http.Client
}

func newVisitor(port string, n int) *visitor {
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(n/250), byte(n%250+1))}, Timeout: 30 * time.Second}
	jar, _ := cookiejar.New(nil) // without options there is no error
	return &visitor{"http://localhost:" + port, &http.Client{Jar: jar, Timeout: 2 * time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return from.DialContext(ctx, "tcp4", "127.0.0.1:"+port)
		}}}}
}

// An answer is what came, and how long its first byte took from the request.
type answer struct {
	status int
	to     string // of a redirect
	body   []byte
	first  time.Duration
}

// ask sends one request; with a form it is a POST of that form.
func (v *visitor) ask(ctx context.Context, path string, form url.Values) (a answer, err error) {
	method, body := http.MethodGet, io.Reader(http.NoBody)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	var start time.Time
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:              func(httptrace.GotConnInfo) { start = time.Now() },
		GotFirstResponseByte: func() { a.first = time.Since(start) },
	})
	req, err := http.NewRequestWithContext(ctx, method, v.base+path, body)
	if err != nil {
		return a, err
	}
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := v.client.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	a.status, a.to = resp.StatusCode, resp.Header.Get("Location")
	a.body, err = io.ReadAll(resp.Body)
	return a, err
}

// open reads a page that has to be there.
func (v *visitor) open(ctx context.Context, path string) (answer, error) {
	a, err := v.ask(ctx, path, nil)
	if err == nil && a.status != http.StatusOK {
		err = fmt.Errorf("GET %s answers %d %s", path, a.status, a.to)
	}
	return a, err
}

// send fills in a form that has to be taken: the answer leads on.
func (v *visitor) send(ctx context.Context, path string, form url.Values) (answer, error) {
	a, err := v.ask(ctx, path, form)
	if err == nil && a.status != http.StatusSeeOther {
		err = fmt.Errorf("POST %s answers %d: %s", path, a.status, plainText(a.body))
	}
	return a, err
}

func (v *visitor) signIn(ctx context.Context, email, password string) (answer, error) {
	a, err := v.send(ctx, "/sign-in", url.Values{"email": {email}, "password": {password}, "next": {"/me"}})
	if err == nil && a.to != "/me" {
		err = errors.New(email + " is not let in: sent to " + a.to)
	}
	return a, err
}

// plainText is the sentence of a page that says no, for an error's text.
func plainText(body []byte) string {
	s := string(body)
	if _, main, ok := strings.Cut(s, "<main"); ok {
		s = main
	}
	return s[:min(len(s), 300)]
}
