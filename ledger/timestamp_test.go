package ledger

import (
	"bytes"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// yearOfFixtures is after every fixture was made.
var yearOfFixtures = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// TestRFC3161Fixtures lists every reply in testdata/rfc3161 and what must come
// of it.
func TestRFC3161Fixtures(t *testing.T) {
	hello := []byte("hello")
	payload := fixture(t, "sigstore.mock/payload")
	cases := []struct {
		file    string
		message []byte
		want    string // part of the error, or of the fact if it starts with "ok "
	}{
		{"sigstage/response-sha256.tsr", hello, "ok CN=sigstore-tsa,O=sigstore.dev saw it on 2025-05-09T11:58:55Z"},
		{"sigstage/response-sha384.tsr", hello, "ok 2025-05-09T11:58:55Z"},
		{"sigstage/response-sha512.tsr", hello, "ok 2025-05-09T11:58:56Z"},
		{"sigstage/response-sha256.tsr", []byte("hullo"), "made over something else"},
		{"sigstage/response-no-embedded-cert.tsr", hello, "ok 2025-06-18T08:13:02Z"},
		{"sigstage/response-invalid-signature.tsr", hello, "verification failure"},
		{"sigstore.mock/response-expired.tsr", payload, "ok expired on 2024-01-01"},
		{"test_tsa/response.tsr", hello, "ok CN=Test TSA Timestamping,O=local saw it on 2024-10-08T15:40:32Z"},
		{"test_tsa/other_response.tsr", hello, "unknown authority"},
		{"test_tsa/response-injected-certs.tsr", hello, "which did not sign it"},
		{"identrust/issue-104.tsr", hello, "ok CN=TrustID Timestamp Authority"},
	}
	listed := map[string]bool{}
	for _, c := range cases {
		listed[c.file] = true
		t.Run(c.file+"/"+c.want, func(t *testing.T) {
			token, err := TokenFromReply(fixture(t, c.file))
			var ts Timestamp
			if err == nil {
				ts, err = VerifyTimestamp(token, c.message, trustFor(t, c.file), yearOfFixtures)
			}
			want, ok := strings.CutPrefix(c.want, "ok ")
			if ok && (err != nil || !strings.Contains(ts.String(), want)) {
				t.Errorf("got %q, %v; want %q", ts, err, want)
			}
			if !ok && (!errors.Is(err, ErrVerify) || !strings.Contains(err.Error(), want)) {
				t.Errorf("error = %v; want ErrVerify about %q", err, want)
			}
		})
	}
	files, err := filepath.Glob("testdata/rfc3161/*/*.tsr")
	if err != nil || len(files) != len(listed) {
		t.Errorf("%d fixtures, %d listed, %v", len(files), len(listed), err)
	}
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata/rfc3161", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// trustFor is the chain beside a fixture: PEM, or one certificate in DER.
func trustFor(t testing.TB, name string) TSATrust {
	t.Helper()
	data := fixture(t, filepath.Dir(name)+"/ts_chain.pem")
	if cert, err := x509.ParseCertificate(data); err == nil {
		return TSATrust{Roots: []*x509.Certificate{cert}}
	}
	trust, err := ParseTSATrust(data)
	if err != nil {
		t.Fatal(err)
	}
	return trust
}

func TestVerifyTimestampRefuses(t *testing.T) {
	const name = "sigstage/response-sha256.tsr"
	token, err := TokenFromReply(fixture(t, name))
	if err != nil {
		t.Fatal(err)
	}
	trust, hello := trustFor(t, name), []byte("hello")
	cases := map[string]func() error{
		"no roots": func() error {
			_, err := VerifyTimestamp(token, hello, TSATrust{Intermediates: trust.Intermediates}, yearOfFixtures)
			return err
		},
		"other roots": func() error {
			_, err := VerifyTimestamp(token, hello, trustFor(t, "test_tsa/x"), yearOfFixtures)
			return err
		},
		"in the future": func() error {
			_, err := VerifyTimestamp(token, hello, trust, time.Date(2025, 5, 9, 11, 58, 54, 0, time.UTC))
			return err
		},
		"trailing byte": func() error {
			_, err := VerifyTimestamp(append(bytes.Clone(token), 0), hello, trust, yearOfFixtures)
			return err
		},
		"a reply, not a token": func() error {
			_, err := VerifyTimestamp(fixture(t, name), hello, trust, yearOfFixtures)
			return err
		},
	}
	for name, call := range cases {
		if err := call(); !errors.Is(err, ErrVerify) {
			t.Errorf("%s: %v; want ErrVerify", name, err)
		}
	}
}

// TestTimestampFlips changes every byte of a token in turn. A token that still
// verifies must state the same facts: a few bytes of CMS carry no meaning.
func TestTimestampFlips(t *testing.T) {
	const name = "sigstage/response-sha256.tsr"
	token, err := TokenFromReply(fixture(t, name))
	if err != nil {
		t.Fatal(err)
	}
	trust := trustFor(t, name)
	want, err := VerifyTimestamp(token, []byte("hello"), trust, yearOfFixtures)
	if err != nil {
		t.Fatal(err)
	}
	unnoticed := 0
	for i := range token {
		changed := bytes.Clone(token)
		changed[i] ^= 1
		got, err := VerifyTimestamp(changed, []byte("hello"), trust, yearOfFixtures)
		if err != nil {
			continue
		}
		unnoticed++
		if got != want {
			t.Errorf("byte %d changed the facts to %v", i, got)
		}
	}
	if unnoticed > len(token)/20 {
		t.Errorf("%d of %d changed bytes went unnoticed", unnoticed, len(token))
	}
}

// TestOpenSSLRoundTrip has a real authority answer over HTTP.
func TestOpenSSLRoundTrip(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("openssl is missing; CI must have it")
		}
		t.Skip("openssl is not installed")
	}
	dir := t.TempDir()
	makeAuthority(t, openssl, dir)
	server := httptest.NewServer(authority(t, openssl, dir))
	defer server.Close()
	pem, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	trust, err := ParseTSATrust(pem)
	if err != nil {
		t.Fatal(err)
	}
	o := openLog(t, 3)
	note := o.Head().Note
	client := Timestamper{URL: server.URL, Client: server.Client()}
	token, err := client.Timestamp(t.Context(), note)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().Add(time.Minute)
	ts, err := o.KeepTimestamp(t.Context(), 3, token, trust, now)
	if err != nil {
		t.Fatal(err)
	}
	if time.Since(ts.At) > time.Hour || ts.Expired || !strings.Contains(ts.Authority, "Test Authority") {
		t.Errorf("facts = %+v", ts)
	}
	kept, err := o.backend.Cosignatures(t.Context(), 3)
	if err != nil || !bytes.Equal(kept["tsa:"+ts.Authority], token) {
		t.Errorf("kept = %v, %v; want the token", kept, err)
	}
	if _, err := VerifyTimestamp(token, append(note, '\n'), trust, now); !errors.Is(err, ErrVerify) {
		t.Errorf("another message = %v; want ErrVerify", err)
	}
}

// makeAuthority leaves ca.pem, tsa.pem, tsa.key and tsa.cnf in dir.
func makeAuthority(t *testing.T, openssl, dir string) {
	t.Helper()
	config := `[ tsa ]
default_tsa = one
[ one ]
serial = ` + dir + `/serial
signer_cert = ` + dir + `/tsa.pem
signer_key = ` + dir + `/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
accuracy = secs:1
[ leaf ]
extendedKeyUsage = critical,timeStamping
`
	for name, text := range map[string]string{"tsa.cnf": config, "serial": "01\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) {
		cmd := exec.CommandContext(t.Context(), openssl, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("openssl %v: %v\n%s", args, err, out)
		}
	}
	ec := []string{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"}
	run(append([]string{"req", "-x509", "-days", "2", "-subj", "/CN=Test Root", "-keyout", "ca.key", "-out", "ca.pem"}, ec...)...)
	run(append([]string{"req", "-subj", "/CN=Test Authority", "-keyout", "tsa.key", "-out", "tsa.csr"}, ec...)...)
	run("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
		"-extfile", "tsa.cnf", "-extensions", "leaf", "-out", "tsa.pem")
}

func authority(t *testing.T, openssl, dir string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		query, err := io.ReadAll(r.Body)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "q"), query, 0o600)
		}
		cmd := exec.CommandContext(r.Context(), openssl, "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "q", "-out", "r")
		cmd.Dir = dir
		out, err2 := cmd.CombinedOutput()
		reply, err3 := os.ReadFile(filepath.Join(dir, "r"))
		if err := errors.Join(err, err2, err3); err != nil {
			t.Errorf("authority: %v\n%s", err, out)
		}
		w.Header().Set("Content-Type", "application/timestamp-reply")
		w.Write(reply)
	}
}

func TestTimestamperRefuses(t *testing.T) {
	replay := fixture(t, "sigstage/response-sha256.tsr")
	cases := map[string]http.HandlerFunc{
		"server error":    func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "busy", http.StatusServiceUnavailable) },
		"not a reply":     func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("hello")) },
		"rejected":        func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte{0x30, 5, 0x30, 3, 2, 1, 2}) },
		"an older answer": func(w http.ResponseWriter, _ *http.Request) { w.Write(replay) },
	}
	for name, handler := range cases {
		server := httptest.NewServer(handler)
		_, err := Timestamper{URL: server.URL, Client: server.Client()}.Timestamp(t.Context(), []byte("hello"))
		server.Close()
		if err == nil || !strings.Contains(err.Error(), server.URL) {
			t.Errorf("%s: %v; want an error that names the authority", name, err)
		}
	}
}

func FuzzTimestamp(f *testing.F) {
	files, err := filepath.Glob("testdata/rfc3161/*/*.tsr")
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		if token, err := TokenFromReply(data); err == nil {
			f.Add(token)
		}
	}
	trust := trustFor(f, "sigstage/x")
	f.Fuzz(func(t *testing.T, data []byte) {
		if token, err := TokenFromReply(data); err == nil {
			data = token
		}
		ts, err := VerifyTimestamp(data, []byte("hello"), trust, yearOfFixtures)
		if err == nil && !strings.Contains(ts.Authority, "sigstore-tsa") {
			t.Errorf("an authority %q out of nowhere", ts.Authority)
		}
	})
}
