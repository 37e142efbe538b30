package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestAPIGet: the answer is printed as it came, a refusal in the server's words
// with its exit code, and the token goes to the server that was named alone.
func TestAPIGet(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("another server was asked with %q", r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/controls", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer tok_1" || r.URL.RawQuery != "limit=2" {
			t.Errorf("asked %s with %q", r.URL, r.Header.Get("Authorization"))
		}
		_, _ = w.Write([]byte(`{"items":[]}`))
	})
	mux.HandleFunc("GET /api/v1/deviations", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"title":"Not allowed","detail":"reading deviations is not this token's"}`))
	})
	mux.HandleFunc("GET /api/v1/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusFound)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	tests := []struct {
		name  string
		token string
		args  []string
		code  int
		want  string
	}{
		{"an answer", "tok_1", []string{"/controls?limit=2", "--server", server.URL}, exitDone, `{"items":[]}`},
		{"with the prefix", "tok_1", []string{"/api/v1/controls?limit=2", "--server", server.URL}, exitDone, `{"items":[]}`},
		{"refused", "tok_1", []string{"/deviations", "--server", server.URL}, exitForbidden, "reading deviations is not this token's"},
		{"not there", "tok_1", []string{"/nothing", "--server", server.URL}, exitFailed, "404"},
		{"led away", "tok_1", []string{"/away", "--server", server.URL}, exitInconclusive, "302"},
		{"without a token", "", []string{"/controls", "--server", server.URL}, exitForbidden, "TIEOUT_TOKEN"},
		{"without TLS", "tok_1", []string{"/controls", "--server", "http://tieout.example"}, exitUsage, "over TLS"},
		{"no address", "tok_1", []string{"/controls", "--server", "tieout.example"}, exitUsage, "not an address"},
		{"nobody answers", "tok_1", []string{"/controls", "--server", "http://127.0.0.1:1"}, exitInconclusive, "running there"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			code := Run(t.Context(), Environment{Args: append([]string{"api", "get"}, tt.args...), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out,
				Getenv: func(name string) string {
					if name == "TIEOUT_TOKEN" {
						return tt.token
					}
					return ""
				}, Getwd: func() (string, error) { return t.TempDir(), nil }, Now: time.Now})
			if got := strings.Join(strings.Fields(out.String()), " "); code != tt.code || !strings.Contains(got, tt.want) {
				t.Errorf("exit %d, want %d with %q\n%s", code, tt.code, tt.want, out.String())
			}
		})
	}
}
