package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestServe: the printed link makes the first account, once; without TLS nothing
// but this machine is served, and being told to stop is a good end.
func TestServe(t *testing.T) {
	dir := t.TempDir()
	env := func(out io.Writer, args ...string) Environment {
		return Environment{Args: append([]string{"-w", dir}, args...), Stdin: strings.NewReader(""), Stdout: out, Stderr: out,
			Getenv: func(string) string { return "" }, Getwd: func() (string, error) { return dir, nil }, Now: time.Now}
	}
	var out bytes.Buffer
	if code := Run(t.Context(), env(&out, "serve", "--listen", "127.0.0.1:0")); code != exitFailed || !strings.Contains(out.String(), "tieout.yaml") {
		t.Errorf("no workspace: exit %d\n%s", code, out.String())
	}
	var made bytes.Buffer
	if code := Run(t.Context(), env(&made, "init", "--yes", "-q", dir)); code != exitDone {
		t.Fatalf("init: exit %d\n%s", code, made.String())
	}
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"every address", []string{"serve", "--listen", "0.0.0.0:0"}, exitUsage, "this machine only"},
		{"a name", []string{"serve", "--listen", "tieout.example:0"}, exitUsage, "this machine only"},
		{"no port", []string{"serve", "--listen", "127.0.0.1"}, exitUsage, "ADDRESS:PORT"},
		{"a certificate without its key", []string{"serve", "--listen", ":0", "--tls-cert", "x.pem"}, exitUsage, "belong together"},
		{"a proxy without the address", []string{"serve", "--listen", ":0", "--behind-proxy"}, exitUsage, "--url"},
	} {
		var out bytes.Buffer
		if code := Run(t.Context(), env(&out, c.args...)); code != c.code || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: exit %d, want %d\n%s", c.name, code, c.code, out.String())
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- Run(ctx, env(w, "serve", "--listen", "127.0.0.1:0"))
		w.Close()
	}()
	said, link := "", ""
	for buf := make([]byte, 4096); link == ""; {
		n, err := r.Read(buf)
		said += string(buf[:n])
		link = regexp.MustCompile(`http://localhost:\d+/setup\?key=[\w-]{43}`).FindString(said)
		if err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
	}
	go io.Copy(io.Discard, r)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	base, _, _ := strings.Cut(link, "/setup")
	browser := &http.Client{Jar: jar}
	key := link[strings.Index(link, "key=")+4:]
	form := url.Values{"key": {key}, "name": {"Ana"}, "email": {"ana@example.com"}, "password": {"a sentence nobody guesses"}, "again": {"a sentence nobody guesses"}}
	for _, c := range []struct {
		name string
		by   *http.Client
		url  string
		code int
		want string
	}{
		{"no session", http.DefaultClient, base + "/", http.StatusForbidden, "tieout serve"},
		{"alive", http.DefaultClient, base + "/healthz", http.StatusOK, "ok"},
		{"the interface for programs, described", http.DefaultClient, base + "/api/v1/openapi.json", http.StatusOK, `"openapi":"3.1.0"`},
		{"the interface, without a token", browser, base + "/api/v1/status", http.StatusUnauthorized, "Show an API token"},
		{"the link", browser, link, http.StatusOK, "Make the account"},
		{"making it", nil, base + "/setup", http.StatusOK, "Your account is ready"},
		{"the link again", http.DefaultClient, link, http.StatusOK, "Sign in"},
		{"a screen", browser, base + "/connectors", http.StatusOK, "Connectors"},
	} {
		ask := func() (int, string) { return send(t, browser, c.url, form) }
		if c.by != nil {
			ask = func() (int, string) { return fetch(t, c.by, c.url) }
		}
		got, body := ask()
		if got != c.code || !strings.Contains(body, c.want) {
			t.Errorf("%s: %d, want %d with %q\n%s", c.name, got, c.code, c.want, body)
		}
	}
	stop()
	if got := <-code; got != exitDone {
		t.Errorf("told to stop: exit %d, want %d", got, exitDone)
	}
}

func send(t *testing.T, by *http.Client, to string, form url.Values) (int, string) {
	t.Helper()
	resp, err := by.PostForm(to, form)
	return answerOf(t, resp, err)
}

func fetch(t *testing.T, by *http.Client, url string) (int, string) {
	t.Helper()
	resp, err := by.Get(url)
	return answerOf(t, resp, err)
}

func answerOf(t *testing.T, resp *http.Response, err error) (int, string) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}
