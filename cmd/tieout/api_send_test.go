package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"tieout/period"
	"tieout/reader/api"
	"tieout/reader/web"
	"tieout/source/all"
)

// TestAPISend: a request that its person signed here is the person's at the
// server, once; the server's refusals are said in its words.
func TestAPISend(t *testing.T) {
	if testing.Short() {
		t.Skip("a workspace with people and its server; it runs without -short")
	}
	w := newExamWorld(t)
	w.accepted("EN-1", w.terms("en1.yaml", "2026-03-01", "2026-03-31", ""), map[string]string{"paula": "partner", "mika": "manager"})
	server := httptest.NewUnstartedServer(nil)
	s, err := web.New(t.Context(), web.Options{Hosts: []string{server.Listener.Addr().String()}, Now: w.clock, Log: slog.New(slog.DiscardHandler),
		Open: func(ctx context.Context, name string) (*period.Program, error) {
			return period.Open(ctx, filepath.Join(w.dir, "firm"), period.Options{Drivers: all.Drivers, Now: w.clock, Getenv: func(string) string { return "" }, Tieout: "test", Period: name})
		},
		Beside: func(s *web.Server) map[string]http.Handler {
			return map[string]http.Handler{api.Prefix + "/": api.New(api.Options{Web: s, Now: w.clock})}
		}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	server.Config.Handler = s
	server.Start()
	defer server.Close()
	token := strings.TrimSpace(w.done("firm", "token", "create", "program", "--account", "mika@firm.example", "--may", "workpaper.read,plan.write"))
	token = token[strings.LastIndex(token, "tieout_"):]
	nonce := w.write("nonce.json", `{"control":"CHG-01","round":"1"}`)
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"signed", []string{"POST", "/engagements/EN-1/nonces", "--data", nonce, "--idempotency-key", "k1", "--passphrase", "env:WORDS"}, exitDone, `"control":"CHG-01"`},
		{"a gate", []string{"POST", "/engagements/EN-1/nonces", "--data", nonce, "--passphrase", "env:WORDS"}, exitFailed, "there is a nonce for CHG-01"},
		{"from a state that is over", []string{"PUT", "/engagements/EN-1/state", "--data", w.write("step.json", `{"state":"fieldwork"}`), "--if-match", "7", "--passphrase", "env:WORDS"}, exitFailed, "has changed since"},
		{"another passphrase", []string{"POST", "/engagements/EN-1/nonces", "--data", nonce, "--passphrase", "env:PW"}, exitForbidden, "passphrase"},
		{"what is read", []string{"GET", "/engagements", "--passphrase", "env:WORDS"}, exitUsage, "tieout api get"},
	} {
		var out, notes bytes.Buffer
		env := map[string]string{"XDG_STATE_HOME": filepath.Join(w.dir, "state"), "TIEOUT_TOKEN": token, "PW": "a long enough password", "WORDS": "four words nobody guesses", "TZ": "UTC"}
		code := Run(t.Context(), Environment{Args: append([]string{"-w", filepath.Join(w.dir, "firm"), "api", "send", "--server", server.URL, "--as", "mika@firm.example"}, tt.args...), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &notes,
			Getenv: func(name string) string { return env[name] }, Getwd: func() (string, error) { return w.dir, nil }, Now: w.clock})
		said := strings.ToLower(strings.Join(strings.Fields(out.String()+notes.String()), " "))
		if code != tt.code || !strings.Contains(said, strings.ToLower(tt.want)) {
			t.Errorf("%s: exit %d, want %d with %q\n%s", tt.name, code, tt.code, tt.want, said)
		}
	}
}
