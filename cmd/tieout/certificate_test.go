package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// writeCertificate writes a certificate for this machine and returns a pool that
// trusts it.
func writeCertificate(t *testing.T, dir string, serial int64) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, b := range map[string][]byte{"tls.pem": cert, "tls.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	return pool
}

// TestServeTLS: with a certificate of its own the server speaks TLS only, sets
// cookies for TLS only, and tells browsers to come back by TLS.
func TestServeTLS(t *testing.T) {
	dir := t.TempDir()
	pool := writeCertificate(t, dir, 1)
	env := func(out io.Writer, args ...string) Environment {
		return Environment{Args: append([]string{"-w", dir}, args...), Stdin: strings.NewReader(""), Stdout: out, Stderr: out,
			Getenv: func(string) string { return "" }, Getwd: func() (string, error) { return dir, nil }, Now: time.Now}
	}
	var made bytes.Buffer
	if code := Run(t.Context(), env(&made, "init", "--yes", "-q", dir)); code != exitDone {
		t.Fatalf("init: exit %d\n%s", code, made.String())
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- Run(ctx, env(w, "serve", "--listen", address, "--url", "https://"+address, "--tls-cert", filepath.Join(dir, "tls.pem"), "--tls-key", filepath.Join(dir, "tls.key")))
		w.Close()
	}()
	said := ""
	for buf := make([]byte, 4096); !regexp.MustCompile(`https://[^ ]+/setup`).MatchString(said); {
		n, err := r.Read(buf)
		said += string(buf[:n])
		if err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
	}
	go io.Copy(io.Discard, r)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	resp, err := client.Get("https://" + address + "/sign-in")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Header.Get("Strict-Transport-Security") == "" || resp.TLS.Version < tls.VersionTLS12 {
		t.Errorf("%d, %q, TLS %x", resp.StatusCode, resp.Header.Get("Strict-Transport-Security"), resp.TLS.Version)
	}
	if plain, err := http.Get("http://" + address + "/sign-in"); err == nil {
		plain.Body.Close()
		if plain.StatusCode == http.StatusOK {
			t.Error("it answers without TLS")
		}
	}
	stop()
	if got := <-code; got != exitDone {
		t.Errorf("told to stop: exit %d", got)
	}
}

// TestCertificateRenewed: new files are used without a restart; broken ones
// leave the certificate in use.
func TestCertificateRenewed(t *testing.T) {
	dir := t.TempDir()
	writeCertificate(t, dir, 1)
	c, err := newCertificate(filepath.Join(dir, "tls.pem"), filepath.Join(dir, "tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		c.looked = time.Time{}
		pair, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(pair.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return leaf.SerialNumber.Int64()
	}
	writeCertificate(t, dir, 2)
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(filepath.Join(dir, "tls.pem"), later, later); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != 2 {
		t.Errorf("serial %d, want 2", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "tls.pem"), []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != 2 {
		t.Errorf("after a broken file: serial %d, want 2", got)
	}
	if _, err := newCertificate(filepath.Join(dir, "none"), filepath.Join(dir, "tls.key")); err == nil {
		t.Error("a certificate that is not there")
	}
}
