package reminder

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"tieout/audit"
)

// A postbox is a mail server that takes everything.
type postbox struct {
	addr  string
	cert  *tls.Certificate // nil: it speaks no TLS
	at    string           // "implicit": TLS from the first byte
	roots *x509.CertPool

	mu     sync.Mutex
	secure []bool
	letter []string
}

func newPostbox(t *testing.T, mode string) *postbox {
	t.Helper()
	p := &postbox{at: mode}
	if mode != "" {
		p.cert, p.roots = certificate(t)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if mode == "implicit" {
		l = tls.NewListener(l, p.conf())
	}
	p.addr = l.Addr().String()
	var wait sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		wait.Wait()
	})
	wait.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.speak(c, mode == "implicit")
		}
	})
	return p
}

func (p *postbox) conf() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{*p.cert}, MinVersion: tls.VersionTLS12}
}

func certificate(t *testing.T) (*tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// speak is one conversation (RFC 5321).
func (p *postbox) speak(c net.Conn, secure bool) {
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(time.Second))
	r := bufio.NewReader(c)
	say := func(s string) { _, _ = io.WriteString(c, s+"\r\n") }
	say("220 postbox ESMTP")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		switch verb := strings.ToUpper(strings.Fields(line + " x")[0]); verb {
		case "EHLO":
			if p.at == "starttls" && !secure {
				say("250-postbox")
				say("250 STARTTLS")
			} else {
				say("250 postbox")
			}
		case "STARTTLS":
			say("220 go ahead")
			tc := tls.Server(c, p.conf())
			c, r, secure = tc, bufio.NewReader(tc), true
		case "DATA":
			say("354 go ahead")
			var b strings.Builder
			for {
				l, err := r.ReadString('\n')
				if err != nil || l == ".\r\n" {
					break
				}
				b.WriteString(l)
			}
			p.mu.Lock()
			p.letter, p.secure = append(p.letter, b.String()), append(p.secure, secure)
			p.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func message() Message {
	return Message{To: Person{Account: "a1", Name: "Eva\r\nBcc: mallory@example.com", Email: "eva@example.com"},
		Sentence: "1 thing, 10 minutes, first due 31 Mar 2026.\r\nBcc: mallory@example.com", Lines: []Line{{Text: "Board meeting, 2026-Q1", Due: "due 31 Mar 2026"}}, Link: "https://tieout.example.com/me/work/board.meeting@2026-Q1"}
}

func TestSend(t *testing.T) {
	for _, mode := range []string{"", "starttls", "implicit"} {
		t.Run("mode "+mode, func(t *testing.T) {
			p := newPostbox(t, mode)
			m := Mail{Server: p.addr, From: "Tieout <tieout@example.com>", Allow: "loopback", Implicit: mode == "implicit", TLS: &tls.Config{RootCAs: p.roots}}
			if err := m.Send(t.Context(), message(), at); err != nil {
				t.Fatal(err)
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			if len(p.letter) != 1 || p.secure[0] != (mode != "") {
				t.Fatalf("%d letters, secure %v", len(p.letter), p.secure)
			}
			head, body, _ := strings.Cut(p.letter[0], "\r\n\r\n")
			for _, line := range strings.Split(head, "\r\n") {
				if strings.HasPrefix(line, "Bcc:") {
					t.Errorf("a name added a header: %q", line)
				}
			}
			if !strings.Contains(head, "Auto-Submitted: auto-generated") || !strings.Contains(head, "eva@example.com") || !strings.Contains(body, "Board meeting, 2026-Q1, due 31 Mar 2026") {
				t.Errorf("letter\n%s", p.letter[0])
			}
		})
	}
}

func TestSendRefused(t *testing.T) {
	plain, secure := newPostbox(t, ""), newPostbox(t, "starttls")
	from := "tieout@example.com"
	tests := []struct {
		name string
		m    Mail
		to   string
		want error
	}{
		{"this machine, not allowed", Mail{Server: plain.addr, From: from}, "eva@example.com", audit.ErrForbidden},
		{"a certificate nobody vouches for", Mail{Server: secure.addr, From: from, Allow: "loopback"}, "eva@example.com", audit.ErrUnavailable},
		{"TLS from the first byte of one that has none", Mail{Server: plain.addr, From: from, Allow: "loopback", Implicit: true}, "eva@example.com", audit.ErrUnavailable},
		{"a sign-in at one that has none", Mail{Server: plain.addr, From: from, Allow: "loopback", User: "u", Password: "p"}, "eva@example.com", audit.ErrUnavailable},
		{"no port", Mail{Server: "smtp.example.com", From: from}, "eva@example.com", audit.ErrInvalid},
		{"no sender", Mail{Server: plain.addr, Allow: "loopback"}, "eva@example.com", audit.ErrInvalid},
		{"no address", Mail{Server: plain.addr, From: from, Allow: "loopback"}, "eva", audit.ErrInvalid},
		{"two addresses", Mail{Server: plain.addr, From: from, Allow: "loopback"}, "eva@example.com, mallory@example.com", audit.ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			msg := message()
			msg.To.Email = tt.to
			if err := tt.m.Send(t.Context(), msg, at); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	if len(plain.letter)+len(secure.letter) > 0 {
		t.Error("something was sent all the same")
	}
}

// Without TLS mail goes nowhere but to this machine.
func TestPolicy(t *testing.T) {
	for host, tt := range map[string]struct {
		allow string
		must  bool
	}{"127.0.0.1": {"loopback", false}, "localhost": {"loopback", false}, "::1": {"loopback", false}, "10.0.0.5": {"private", true}, "smtp.example.com": {"", true},
		"localhost.example.com": {"loopback", true}} {
		if got := (Mail{Allow: tt.allow}).policy(host).String(); (got == "TLSMandatory") != tt.must {
			t.Errorf("%s: %s", host, got)
		}
	}
}
