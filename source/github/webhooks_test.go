package github

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/audit"
)

var hookSecret = []byte("secret-of-the-hook-in-tests")

func sign(secret []byte, body string) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

func deliver(h http.Handler, method, body string, header map[string]string) int {
	req := httptest.NewRequest(method, "/hooks/github", strings.NewReader(body))
	for k, v := range map[string]string{"X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958", "X-GitHub-Event": "push", "X-GitHub-Hook-ID": "7", "Content-Type": "application/json", "X-Hub-Signature-256": sign(hookSecret, body)} {
		req.Header.Set(k, v)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w.Code
}

func lines(t *testing.T, dir string) []Delivery {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "deliveries-2026-03-31.jsonl"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	var out []Delivery
	for line := range strings.Lines(string(b)) {
		var d Delivery
		if json.Unmarshal([]byte(line), &d) == nil {
			out = append(out, d)
		}
	}
	return out
}

func receiver(t *testing.T) (http.Handler, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "journal")
	h, err := Webhooks(WebhookOptions{Secret: hookSecret, Folder: dir, Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	return h, dir
}

// TestWebhooks: only what GitHub signed is kept, byte for byte.
func TestWebhooks(t *testing.T) {
	const body = `{"ref":"refs/heads/main", "zen":"<é>"}`
	for _, tc := range []struct {
		name, method, body string
		header             map[string]string
		status             int
	}{
		{"signed", "POST", body, nil, 202},
		{"another secret", "POST", body, map[string]string{"X-Hub-Signature-256": sign([]byte("another secret of tests"), body)}, 401},
		{"no signature", "POST", body, map[string]string{"X-Hub-Signature-256": ""}, 401},
		{"an older kind of signature", "POST", body, map[string]string{"X-Hub-Signature-256": strings.Replace(sign(hookSecret, body), "sha256", "sha1", 1)}, 401},
		{"half a signature", "POST", body, map[string]string{"X-Hub-Signature-256": sign(hookSecret, body)[:40]}, 401},
		{"a signature of another body", "POST", body + " ", map[string]string{"X-Hub-Signature-256": sign(hookSecret, body)}, 401},
		{"asked for", "GET", "", nil, 405},
		{"a form", "POST", body, map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, 415},
		{"not JSON", "POST", "ref=main", nil, 415},
		{"no name of an event", "POST", body, map[string]string{"X-GitHub-Event": "../x"}, 400},
		{"no delivery", "POST", body, map[string]string{"X-GitHub-Delivery": ""}, 400},
		{"too large", "POST", strings.Repeat(" ", MaxDelivery+1), nil, 413},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h, dir := receiver(t)
			if got := deliver(h, tc.method, tc.body, tc.header); got != tc.status {
				t.Errorf("status %d; want %d", got, tc.status)
			}
			got := lines(t, dir)
			if (len(got) == 1) != (tc.status == 202) {
				t.Fatalf("%d lines are kept", len(got))
			}
			if len(got) == 1 && (got[0].Payload != body || !Signed(hookSecret, []byte(got[0].Payload), got[0].Signature) || got[0].Received != audit.FormatTime(noon) || got[0].Event != "push") {
				t.Errorf("kept %+v", got[0])
			}
		})
	}
}

// TestWebhooksTogether: deliveries at one time all stand on lines of their own.
func TestWebhooksTogether(t *testing.T) {
	h, dir := receiver(t)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if got := deliver(h, "POST", fmt.Sprintf(`{"n":%d}`, i), nil); got != 202 {
				t.Errorf("status %d", got)
			}
		})
	}
	wg.Wait()
	if got := lines(t, dir); len(got) != 20 {
		t.Errorf("%d lines; want 20", len(got))
	}
}

// TestWebhooksAfterCrash: a line that was cut off does not spoil the next.
func TestWebhooksAfterCrash(t *testing.T) {
	h, dir := receiver(t)
	deliver(h, "POST", `{"n":1}`, nil)
	f, err := os.OpenFile(filepath.Join(dir, "deliveries-2026-03-31.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(f, `{"delivery":"cut`)
	f.Close()
	deliver(h, "POST", `{"n":2}`, nil)
	if got := lines(t, dir); len(got) != 2 || got[1].Payload != `{"n":2}` {
		t.Errorf("kept %+v", got)
	}
}

// TestWebhooksCannotKeep: what is not durable is not acknowledged.
func TestWebhooksCannotKeep(t *testing.T) {
	h, dir := receiver(t)
	if err := os.Mkdir(filepath.Join(dir, "deliveries-2026-03-31.jsonl"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got := deliver(h, "POST", `{}`, nil); got != 500 {
		t.Errorf("status %d; want 500", got)
	}
}

func TestWebhookOptions(t *testing.T) {
	for _, o := range []WebhookOptions{{Secret: []byte("short"), Folder: t.TempDir()}, {Secret: hookSecret}} {
		if _, err := Webhooks(o); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
