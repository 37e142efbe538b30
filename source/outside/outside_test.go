package outside

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/source/sourcetest"
)

var now = time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)

func window() audit.Window {
	return audit.Window{Span: audit.Span{From: now.AddDate(0, -1, 0), To: now.AddDate(0, 1, 0)}, AsOf: now, Zone: "UTC"}
}

// An authority makes certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	a := authority{cert: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Halyard Test Root"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(5, 0, 0), KeyUsage: x509.KeyUsageCertSign,
	}}
	var der []byte
	a.key, der = sign(t, a.cert, a.cert, nil)
	a.file = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

func sign(t testing.TB, cert, by *x509.Certificate, with *ecdsa.PrivateKey) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if with == nil {
		with = key
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, by, &key.PublicKey, with)
	if err != nil {
		t.Fatal(err)
	}
	return key, der
}

// leaf is a certificate for 127.0.0.1 that ends at until.
func (a authority) leaf(t testing.TB, until time.Time, ip string) tls.Certificate {
	t.Helper()
	cert := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "app"}, IPAddresses: []net.IP{net.ParseIP(ip)},
		NotBefore: now.AddDate(0, -2, 0), NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	key, der := sign(t, cert, a.cert, a.key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// serve starts a web server on loopback; plain where c is nil.
func serve(t testing.TB, c *tls.Config, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = quiet
	if c == nil {
		s.Start()
	} else {
		l := tls.NewListener(s.Listener, c)
		s.Listener = l
		s.Start()
		s.URL = strings.Replace(s.URL, "http://", "https://", 1)
	}
	t.Cleanup(s.Close)
	return s
}

const good = "# ours\nContact: mailto:security@halyard.example\nExpires: 2027-01-01T00:00:00z\n"

func strictSite(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	h.Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Set-Cookie", "session=very-secret-cookie")
	switch r.URL.Path {
	case securityPath:
		h.Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(w, good)
	case "/", "/privacy":
		fmt.Fprint(w, "<p>Halyard</p>")
	default:
		http.NotFound(w, r)
	}
}

func port(s *httptest.Server) string { return s.URL[strings.LastIndex(s.URL, ":")+1:] }

func connect(a authority, endpoints string) sourcetest.Connection {
	return sourcetest.Connection{Driver: Driver, Name: "outside", Window: window(),
		With: `{"endpoints":[` + endpoints + `],"roots":"` + a.file + `","allow":"loopback"}`}
}

func record(t *testing.T, a authority, endpoint string) (*sourcetest.Recorder, map[string]any) {
	t.Helper()
	r := sourcetest.Record(t, connect(a, endpoint))
	for _, err := range r.Errs {
		t.Errorf("normalize: %v", err)
	}
	items := r.ByType("endpoint")
	if len(items) == 0 {
		return r, nil
	}
	var body map[string]any
	if err := json.Unmarshal(items[0].Body, &body); err != nil {
		t.Fatal(err)
	}
	return r, flat(body)
}

func flat(in map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range in {
		inner, ok := v.(map[string]any)
		if !ok {
			out[k] = v
			continue
		}
		for k2, v2 := range inner {
			out[k+"."+k2] = v2
		}
	}
	return out
}

func TestConform(t *testing.T) {
	a := newAuthority(t)
	plain := serve(t, nil, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "https://127.0.0.1/", 301) })
	s := serve(t, &tls.Config{Certificates: []tls.Certificate{a.leaf(t, now.AddDate(0, 2, 0), "127.0.0.1")}}, strictSite)
	c := connect(a, `{"address":"`+s.URL+`/","kind":"web","notice":"/privacy","plain":`+port(plain)+`}`)
	sourcetest.Conform(t, c, "endpoint", "key")
	r := sourcetest.Record(t, c)
	for _, p := range r.Pages {
		if strings.Contains(string(p.Body), "very-secret-cookie") {
			t.Error("a cookie is in the page")
		}
	}
}

// answering answers every request with one status.
func answering(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

func TestEndpoints(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	in := func(days int) tls.Certificate { return a.leaf(t, now.AddDate(0, 0, days), "127.0.0.1") }
	site := func(c *tls.Config, h http.HandlerFunc) string { return serve(t, c, h).URL }
	bare := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }
	with := func(name, value string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.Header().Set(name, value) }
	}
	redirects := serve(t, nil, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "https://127.0.0.1/", 308) })
	stays := serve(t, nil, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", 302) })
	tests := []struct {
		name, endpoint string
		want           map[string]any // nil: not collected
	}{
		{"everything in order", `{"address":"` + site(&tls.Config{Certificates: []tls.Certificate{in(60)}, MinVersion: tls.VersionTLS12}, strictSite) + `","kind":"web","notice":"/privacy","plain":` + port(redirects) + `}`,
			map[string]any{"reachable": true, "kind": "web", "tls.enabled": true, "tls.oldest": "1.2", "tls.trusted": true, "tls.issuer": "CN=Halyard Test Root", "tls.expiresAt": "2026-12-31T08:00:00Z",
				"plain": "redirected", "headers.hsts": 63072000.0, "headers.csp": true, "headers.nosniff": true, "headers.frame": true, "headers.referrer": true, "securityContact": true, "notice": true}},
		{"old versions, nothing in the headers", `{"address":"` + site(&tls.Config{Certificates: []tls.Certificate{in(60)}, MinVersion: tls.VersionTLS10}, bare) + `","plain":` + port(stays) + `}`,
			map[string]any{"tls.oldest": "1.0", "plain": "answered", "headers.hsts": 0.0, "headers.csp": false, "headers.frame": false, "headers.nosniff": false, "headers.referrer": false, "securityContact": false, "notice": nil, "kind": nil}},
		{"1.1 to 1.2", `{"address":"` + site(&tls.Config{Certificates: []tls.Certificate{in(60)}, MinVersion: tls.VersionTLS11, MaxVersion: tls.VersionTLS12}, bare) + `"}`, map[string]any{"tls.oldest": "1.1", "plain": nil}},
		{"1.3 only", `{"address":"` + site(&tls.Config{Certificates: []tls.Certificate{in(60)}, MinVersion: tls.VersionTLS13}, bare) + `"}`, map[string]any{"tls.oldest": "1.3"}},
		{"an old version that then wants a certificate of ours is agreed to", `{"address":"` + site(&tls.Config{Certificates: []tls.Certificate{in(60)}, MinVersion: tls.VersionTLS10, ClientAuth: tls.RequireAnyClientCert}, bare) + `"}`,
			map[string]any{"tls.oldest": "1.0", "headers.hsts": nil, "securityContact": nil}},
		{"expired", `{"address":"` + site(&tls.Config{Certificates: []tls.Certificate{in(-3)}}, bare) + `"}`, map[string]any{"tls.trusted": false, "tls.expiresAt": "2026-10-29T08:00:00Z"}},
		{"a root nobody knows", `{"address":"` + site(&tls.Config{Certificates: []tls.Certificate{other.leaf(t, now.AddDate(0, 1, 0), "127.0.0.1")}}, bare) + `"}`, map[string]any{"tls.trusted": false}},
		{"another name", `{"address":"` + site(&tls.Config{Certificates: []tls.Certificate{a.leaf(t, now.AddDate(0, 1, 0), "127.0.0.9")}}, bare) + `"}`, map[string]any{"tls.trusted": false}},
		{"host and port", `{"address":"` + strings.TrimPrefix(site(&tls.Config{Certificates: []tls.Certificate{in(60)}}, bare), "https://") + `","kind":"mail"}`,
			map[string]any{"kind": "mail", "tls.oldest": "1.2", "tls.trusted": true, "headers.hsts": nil, "plain": nil}},
		{"mail that begins TLS", `{"address":"` + mail(t, &tls.Config{Certificates: []tls.Certificate{in(60)}, MinVersion: tls.VersionTLS11}, true) + `","kind":"mail","starttls":"smtp"}`,
			map[string]any{"reachable": true, "tls.enabled": true, "tls.oldest": "1.1", "tls.trusted": true}},
		{"mail that does not", `{"address":"` + mail(t, nil, false) + `","starttls":"smtp"}`, map[string]any{"reachable": true, "tls.enabled": false, "tls.oldest": nil, "tls.trusted": nil}},
		{"no mail server", `{"address":"` + says(t, "SSH-2.0-OpenSSH_9.2\r\n") + `","starttls":"smtp"}`, map[string]any{"reachable": true, "tls.enabled": nil}},
		{"no TLS at all", `{"address":"` + strings.TrimPrefix(serve(t, nil, bare).URL, "http://") + `"}`, map[string]any{"reachable": true, "tls.enabled": false, "tls.oldest": nil, "tls.trusted": nil}},
		{"http address", `{"address":"` + serve(t, nil, bare).URL + `"}`, map[string]any{"reachable": true, "tls.enabled": nil, "headers.csp": false, "securityContact": nil}},
		{"an interface that wants a credential", `{"address":"` + serve(t, nil, answering(401)).URL + `","kind":"api"}`, map[string]any{"kind": "api", "authentication": "required"}},
		{"an interface that forbids", `{"address":"` + serve(t, nil, answering(403)).URL + `","kind":"api"}`, map[string]any{"authentication": "required"}},
		{"an interface that answers everybody", `{"address":"` + serve(t, nil, bare).URL + `","kind":"api"}`, map[string]any{"authentication": "none"}},
		{"an interface that has nothing there", `{"address":"` + serve(t, nil, answering(404)).URL + `","kind":"api"}`, map[string]any{"authentication": nil}},
		{"an interface that fails", `{"address":"` + serve(t, nil, answering(503)).URL + `","kind":"api"}`, map[string]any{"authentication": nil}},
		{"an interface that sends elsewhere", `{"address":"` + redirects.URL + `","kind":"api"}`, map[string]any{"authentication": nil}},
		{"a page for people is no interface", `{"address":"` + serve(t, nil, answering(401)).URL + `","kind":"web"}`, map[string]any{"kind": "web", "authentication": nil}},
		{"plain refused", `{"address":"` + site(&tls.Config{Certificates: []tls.Certificate{in(60)}}, bare) + `","plain":` + closedPort(t) + `}`, map[string]any{"plain": "refused"}},
		{"a failing server says nothing in its headers", `{"address":"` + site(&tls.Config{Certificates: []tls.Certificate{in(60)}}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }) + `","notice":"/p"}`,
			map[string]any{"headers.hsts": nil, "headers.csp": nil, "securityContact": nil, "notice": nil}},
		{"framing by anyone", `{"address":"` + site(&tls.Config{Certificates: []tls.Certificate{in(60)}}, with("Content-Security-Policy", "frame-ancestors https:")) + `"}`, map[string]any{"headers.frame": false, "headers.csp": true}},
		{"framing by option", `{"address":"` + site(&tls.Config{Certificates: []tls.Certificate{in(60)}}, with("X-Frame-Options", "SameOrigin")) + `"}`, map[string]any{"headers.frame": true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, got := record(t, a, tt.endpoint)
			if got == nil {
				t.Fatal("no endpoint")
			}
			for field, want := range tt.want {
				if got[field] != want {
					t.Errorf("%s = %v, want %v", field, got[field], want)
				}
			}
		})
	}
}

// mail is a mail server that knows nothing but EHLO and STARTTLS.
func mail(t testing.TB, c *tls.Config, offers bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go greet(conn, c, offers)
		}
	}()
	return l.Addr().String()
}

func greet(conn net.Conn, c *tls.Config, offers bool) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	fmt.Fprint(conn, "220 mail.halyard.example ESMTP\r\n")
	if _, err := in.ReadString('\n'); err != nil {
		return
	}
	if !offers {
		fmt.Fprint(conn, "250-mail.halyard.example\r\n250 PIPELINING\r\n")
		return
	}
	fmt.Fprint(conn, "250-mail.halyard.example\r\n250 STARTTLS\r\n")
	if line, err := in.ReadString('\n'); err != nil || line != "STARTTLS\r\n" {
		return
	}
	fmt.Fprint(conn, "220 go\r\n")
	_ = tls.Server(conn, c).Handshake() // the client tells how it went
}

// says is a server that says one thing and hangs up.
func says(t testing.TB, greeting string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(conn, greeting)
			conn.Close()
		}
	}()
	return l.Addr().String()
}

func closedPort(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, p, _ := net.SplitHostPort(l.Addr().String())
	return p
}

func TestCertificateKey(t *testing.T) {
	a := newAuthority(t)
	for until, want := range map[int]string{60: "active", -3: "expired"} {
		s := serve(t, &tls.Config{Certificates: []tls.Certificate{a.leaf(t, now.AddDate(0, 0, until), "127.0.0.1")}}, strictSite)
		r, _ := record(t, a, `{"address":"`+s.URL+`"}`)
		keys := r.ByType("key")
		if len(keys) != 1 || keys[0].ID != "outside/"+s.URL+"/certificate" {
			t.Fatalf("keys %v", keys)
		}
		wantBody := fmt.Sprintf(`{"createdAt":"2026-09-01T08:00:00Z","expiresAt":%q,"kind":"certificate","rotatedAt":"2026-09-01T08:00:00Z","status":%q,"system":%q}`,
			now.AddDate(0, 0, until).Format(time.RFC3339), want, s.URL)
		if string(keys[0].Body) != wantBody {
			t.Errorf("got  %s\nwant %s", keys[0].Body, wantBody)
		}
	}
}

func TestNotSeen(t *testing.T) {
	a := newAuthority(t)
	tests := []struct {
		name, endpoint string
		allow          string
		endpointWhy    string // "": complete
		keyWhy         string
		reachable      any
	}{
		{"loopback is not allowed", "127.0.0.1:443", "", "address is not allowed", "address is not allowed", nil},
		{"no such name", "nothing.invalid:443", "", "could not be reached", "could not be reached", nil},
		{"refused", "127.0.0.1:" + closedPort(t), "loopback", "", "the connection was refused", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := connect(a, `{"address":"`+tt.endpoint+`"}`)
			c.With = strings.Replace(c.With, `"allow":"loopback"`, `"allow":"`+tt.allow+`"`, 1)
			r := sourcetest.Record(t, c)
			for typ, want := range map[string]string{"endpoint": tt.endpointWhy, "key": tt.keyWhy} {
				if m := r.Manifest(typ); m.Complete != (want == "") || !strings.Contains(m.Reason, want) {
					t.Errorf("%s: complete %v, %q; want %q", typ, m.Complete, m.Reason, want)
				}
			}
			got := any(nil)
			for _, it := range r.ByType("endpoint") {
				got = strings.Contains(string(it.Body), `"reachable":true`)
			}
			if got != tt.reachable {
				t.Errorf("reachable %v, want %v", got, tt.reachable)
			}
		})
	}
}

// TestUnanswered: a version that gave no answer is not one that was refused.
func TestUnanswered(t *testing.T) {
	no, yes, silent := Handshake{Refused: true}, Handshake{Version: "1.2", Agreed: true}, Handshake{Why: "no answer within 15s"}
	tests := []struct {
		name            string
		tried           []Handshake
		oldest, enabled any
	}{
		{"refused, then agreed", []Handshake{no, no, yes, no}, "1.2", true},
		{"an older one is silent", []Handshake{no, silent, yes, yes}, nil, true},
		{"all refused", []Handshake{no, no, no, no}, nil, false},
		{"one silent, none agreed", []Handshake{no, no, no, silent}, nil, nil},
	}
	for _, tt := range tests {
		s := Sight{Handshakes: tt.tried}
		if s.oldest() != tt.oldest || s.enabled() != tt.enabled {
			t.Errorf("%s: oldest %v, enabled %v; want %v, %v", tt.name, s.oldest(), s.enabled(), tt.oldest, tt.enabled)
		}
	}
}

func TestSecurityText(t *testing.T) {
	tests := []struct {
		name string
		web  Web
		want any
	}{
		{"contact, ahead", Web{Status: 200, Header: map[string][]string{"Content-Type": {"text/plain"}}, Body: good}, true},
		{"expired", Web{Status: 200, Header: map[string][]string{"Content-Type": {"text/plain"}}, Body: strings.Replace(good, "2027", "2026", 1)}, false},
		{"no contact", Web{Status: 200, Header: map[string][]string{"Content-Type": {"text/plain"}}, Body: "Expires: 2027-01-01T00:00:00Z\n#Contact: x\n"}, false},
		{"two ends", Web{Status: 200, Header: map[string][]string{"Content-Type": {"text/plain"}}, Body: good + "Expires: 2028-01-01T00:00:00Z"}, false},
		{"a page for every path", Web{Status: 200, Header: map[string][]string{"Content-Type": {"text/html"}}, Body: good}, false},
		{"none", Web{Status: 404}, false},
		{"refused to us", Web{Status: 403}, nil},
		{"elsewhere", Web{Status: 302}, nil},
		{"no answer", Web{Why: "x"}, nil},
	}
	for _, tt := range tests {
		if got := tt.web.contact(now); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, with := range []string{
		`{}`, `{"endpoints":[]}`, `{"endpoints":[{"address":"app"}]}`, `{"endpoints":[{"address":"ftp://a"}]}`, `{"endpoints":[{"address":"https://u:p@a"}]}`,
		`{"endpoints":[{"address":"https://a","kind":"shop"}]}`, `{"endpoints":[{"address":"https://a"},{"address":"https://a"}]}`,
		`{"endpoints":[{"address":"https://a","notice":"privacy"}]}`, `{"endpoints":[{"address":"a:25","notice":"/p"}]}`, `{"endpoints":[{"address":"http://a","plain":80}]}`,
		`{"endpoints":[{"address":"https://a","starttls":"smtp"}]}`, `{"endpoints":[{"address":"a:143","starttls":"imap"}]}`,
		`{"endpoints":[{"address":"https://a"}],"allow":"all"}`, `{"endpoints":[{"address":"https://a"}],"roots":"nowhere.pem"}`,
	} {
		if _, _, err := Driver.Open("x", json.RawMessage(with), source.Env{}); !errors.Is(err, audit.ErrInvalid) {
			t.Errorf("Open(%s) gave %v", with, err)
		}
	}
}

// FuzzNormalize: whatever a page holds, what it gives follows the schema.
func FuzzNormalize(f *testing.F) {
	a := newAuthority(f)
	s := serve(f, &tls.Config{Certificates: []tls.Certificate{a.leaf(f, now.AddDate(0, 2, 0), "127.0.0.1")}}, strictSite)
	r := sourcetest.Record(f, connect(a, `{"address":"`+s.URL+`","notice":"/privacy"}`))
	for _, p := range r.Pages {
		f.Add([]byte(strings.ReplaceAll(string(p.Body), s.URL, "https://a")))
	}
	f.Add([]byte(`{"address":"https://a","connect":{"outcome":"refused"}}`))
	f.Add([]byte(`{"address":"https://a","connect":{"outcome":"connected"},"chain":["-----BEGIN CERTIFICATE-----"],"handshakes":[{"version":"0","agreed":true,"refused":false}],"web":[{"part":"page","url":"","status":200,"header":{"Strict-Transport-Security":["max-age=99999999999"]}}]}`))
	config := json.RawMessage(`{"endpoints":[{"address":"https://a","notice":"/privacy"}]}`)
	f.Fuzz(func(t *testing.T, body []byte) {
		items, _ := Driver.Normalize(config, audit.Page{Source: "x", Kind: kind, Body: body, About: audit.At(now)})
		for _, it := range items {
			if err := sourcetest.Valid(it); err != nil {
				t.Error(err)
			}
		}
	})
}
