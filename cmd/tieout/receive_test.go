package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	scimToken  = "a-token-of-more-than-twenty-characters"
	hookSecret = "a-webhook-secret-of-some-length"
)

// TestReceive: an identity provider pushes an account and GitHub posts a
// delivery; 'collect' reads both journals. What is not signed leaves no trace.
func TestReceive(t *testing.T) {
	dir := t.TempDir()
	env := map[string]string{"SCIM_TOKEN": scimToken, "HOOK": hookSecret, "TIEOUT_ACTOR": "Maria Silva"}
	run := func(args ...string) (string, int) {
		var out bytes.Buffer
		code := Run(t.Context(), Environment{Args: append([]string{"-w", dir}, args...), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out,
			Getenv: func(k string) string { return env[k] }, Getwd: func() (string, error) { return dir, nil }, Now: time.Now})
		return out.String(), code
	}
	must := func(args ...string) string {
		t.Helper()
		out, code := run(args...)
		if code != 0 && code != exitInconclusive {
			t.Fatalf("tieout %s: exit %d\n%s", strings.Join(args, " "), code, out)
		}
		return out
	}
	must("init", "--yes", "-q", dir)
	if err := os.Remove(filepath.Join(dir, "sources", "workstation.yaml")); err != nil {
		t.Fatal(err)
	}
	must("connector", "add", "scim", "idp", "--set", "journal=state/scim")
	must("connector", "add", "github-webhooks", "hooks", "--set", "folder=state/hooks")
	must("apply", "-q")

	if out, code := run("receive", "--secret", "idp="+scimToken); code != exitUsage || strings.Contains(out, scimToken) {
		t.Errorf("a secret on the command line: exit %d\n%s", code, out)
	}
	if out, code := run("receive", "--secret", "idp=env:SCIM_TOKEN"); code != exitUsage || !strings.Contains(out, "--secret hooks=env:NAME") {
		t.Errorf("a connection without a secret: exit %d\n%s", code, out)
	}

	base, stop := receiving(t, dir, env)
	user := `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana@acme.example","active":true,"name":{"givenName":"Ana","familyName":"Silva"}}`
	delivery := `{"zen":"Keep it logically awesome.","hook_id":1}`
	for _, p := range []struct {
		name, path, body string
		header           map[string]string
		want             int
	}{
		{"SCIM without a token", "/scim/idp/Users", user, map[string]string{"Content-Type": "application/scim+json"}, http.StatusUnauthorized},
		{"SCIM", "/scim/idp/Users", user, map[string]string{"Content-Type": "application/scim+json", "Authorization": "Bearer " + scimToken}, http.StatusCreated},
		{"a delivery signed with another secret", "/github/hooks", delivery, hookHeaders("another secret altogether", delivery), http.StatusUnauthorized},
		{"a delivery", "/github/hooks", delivery, hookHeaders(hookSecret, delivery), http.StatusAccepted},
		{"a connection there is not", "/scim/other/Users", user, map[string]string{"Authorization": "Bearer " + scimToken}, http.StatusNotFound},
	} {
		if got := post(t, base+p.path, p.body, p.header); got != p.want {
			t.Errorf("%s: %d, want %d", p.name, got, p.want)
		}
	}
	stop()

	if out := must("collect", "-o", "csv"); !regexp.MustCompile(`(?m)^idp,account,1,`).MatchString(out) {
		t.Errorf("the account that was pushed was not collected:\n%s", out)
	}
	kept, err := filepath.Glob(filepath.Join(dir, "state", "hooks", "*.jsonl"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("the delivery is in %v (%v)", kept, err)
	}
	if b, err := os.ReadFile(kept[0]); err != nil || strings.Count(string(b), "\n") != 1 {
		t.Errorf("the journal holds %q (%v), want the one delivery that was signed", b, err)
	}
}

func hookHeaders(secret, body string) map[string]string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(body))
	return map[string]string{"Content-Type": "application/json", "X-GitHub-Event": "ping", "X-GitHub-Delivery": "d-1", "X-Hub-Signature-256": "sha256=" + hex.EncodeToString(m.Sum(nil))}
}

func post(t *testing.T, url, body string, header map[string]string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body) // only the status is looked at
	return resp.StatusCode
}

// receiving starts 'tieout receive' on a port of its own.
func receiving(t *testing.T, dir string, env map[string]string) (base string, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var notes watched
	ended := make(chan int, 1)
	go func() {
		ended <- Run(ctx, Environment{Args: []string{"-w", dir, "receive", "--listen", "127.0.0.1:0", "--secret", "idp=env:SCIM_TOKEN", "--secret", "hooks=env:HOOK"},
			Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: &notes, Getenv: func(k string) string { return env[k] },
			Getwd: func() (string, error) { return dir, nil }, Now: time.Now})
	}()
	at := regexp.MustCompile(`Receiving at (http://\S+)`)
	for deadline := time.Now().Add(20 * time.Second); ; {
		if m := at.FindStringSubmatch(notes.String()); m != nil {
			return m[1], func() {
				cancel()
				if code := <-ended; code != exitInterrupted {
					t.Errorf("receive ended with exit %d\n%s", code, notes.String())
				}
			}
		}
		select {
		case code := <-ended:
			t.Fatalf("receive ended with exit %d\n%s", code, notes.String())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			cancel()
			t.Fatalf("receive does not listen\n%s", notes.String())
		}
	}
}

// watched is output that is read while it is written.
type watched struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprint(w.b.String())
}
