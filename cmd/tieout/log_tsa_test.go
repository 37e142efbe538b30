package main

import (
	"database/sql"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// sql changes the store's file behind the program's back.
func (w *logWorld) sql(t *testing.T, statement string, args ...any) {
	t.Helper()
	db, err := sql.Open("sqlite", w.path(".tieout/store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// readMeta returns the store's succession of keys.
func (w *logWorld) readMeta(t *testing.T) (value []byte) {
	t.Helper()
	db, err := sql.Open("sqlite", w.path(".tieout/store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), "select value from meta where name = 'log_keys'").Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func (w *logWorld) writeMeta(t *testing.T, value []byte) {
	t.Helper()
	w.sql(t, "update meta set value = ? where name = 'log_keys'", value)
}

func TestTimestampAndBundle(t *testing.T) {
	w := newLogWorld(t)
	ca, server := timestampAuthority(t)
	w.configure("  tsa: " + server + "\n")
	says(t, w.collectAndCheck(), `The log was seen by time-stamp authority CN=Test Authority at .* UTC, at \d+ entries`)
	says(t, w.must(0, "log", "timestamp"), "ok seen by time-stamp authority CN=Test Authority")
	w.now = w.now.Add(5 * time.Minute) // the authority's clock is this machine's, which goes on meanwhile
	bundle := w.path("a.bundle")
	w.bundle(bundle)
	says(t, w.must(0, "verify", bundle, "--tsa", ca), "ok timestamp authority CN=Test Authority saw it on")
	says(t, w.must(0, "verify", bundle), "no root certificate was given, so it does not count")
	says(t, w.must(0, "verify"), "time-stamp authority CN=Test Authority at")
	says(t, w.must(0, "log", "verify", "--tsa", ca), "ok [0-9]+ entries were seen by time-stamp authority")
	says(t, w.must(0, "log", "verify"), "open [0-9]+ entries were seen by time-stamp authority CN=Test Authority .* by the certificate the stamp carries")

	// Believing somebody else's root, the stamp is refused and nothing is kept.
	other, _ := timestampAuthority(t)
	says(t, w.must(exitInconclusive, "log", "timestamp", "--tsa", other), "not ok time-stamp authority http")
}

// timestampAuthority serves an authority made with openssl over loopback and
// returns the file of its root certificate and its address.
func timestampAuthority(t *testing.T) (ca, url string) {
	t.Helper()
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Fatal("openssl is needed to run a time-stamp authority: ", err)
	}
	dir := t.TempDir()
	run := func(args ...string) {
		cmd := exec.CommandContext(t.Context(), openssl, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("openssl %v: %v\n%s", args, err, out)
		}
	}
	for name, text := range map[string]string{"serial": "01\n", "tsa.cnf": `[ tsa ]
default_tsa = one
[ one ]
serial = ` + dir + `/serial
signer_cert = ` + dir + `/tsa.pem
signer_key = ` + dir + `/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
[ leaf ]
extendedKeyUsage = critical,timeStamping
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	curve := []string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"}
	run(append([]string{"req", "-x509", "-days", "2", "-subj", "/CN=Test Root", "-keyout", "ca.key", "-out", "ca.pem"}, curve...)...)
	run(append([]string{"req", "-subj", "/CN=Test Authority", "-keyout", "tsa.key", "-out", "tsa.csr"}, curve...)...)
	run("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
		"-extfile", "tsa.cnf", "-extensions", "leaf", "-out", "tsa.pem")
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		query, err := io.ReadAll(r.Body)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "q"), query, 0o600)
		}
		run("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "q", "-out", "r")
		reply, err2 := os.ReadFile(filepath.Join(dir, "r"))
		if err != nil || err2 != nil {
			t.Error(err, err2)
		}
		rw.Write(reply)
	}))
	t.Cleanup(server.Close)
	return filepath.Join(dir, "ca.pem"), server.URL
}
