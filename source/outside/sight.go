package outside

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/textproto"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"tieout/source"
)

// A Sight is all that was seen of one endpoint: the body of a page.
type Sight struct {
	Address    string      `json:"address"`
	Connect    Connect     `json:"connect"`
	Handshakes []Handshake `json:"handshakes,omitempty"`
	Trust      *Trust      `json:"trust,omitempty"` // of the newest handshake's chain
	Chain      []string    `json:"chain,omitempty"` // that chain as it was sent: PEM, the endpoint's own first
	Plain      *Plain      `json:"plain,omitempty"`
	Web        []Web       `json:"web,omitempty"`
}

// Outcomes of trying to connect.
const (
	connected = "connected"
	refused   = "refused" // the address said no
	unknown   = "unknown" // nothing can be said: no such name, no answer, not allowed
)

// A Connect is how a connection went.
type Connect struct {
	Outcome string `json:"outcome"`
	Remote  string `json:"remote,omitempty"` // address and port that answered
	Why     string `json:"why,omitempty"`
}

// A Handshake is one attempt to agree to exactly one version of TLS.
type Handshake struct {
	Version string `json:"version"` // "1.0" to "1.3"
	Agreed  bool   `json:"agreed"`  // it did
	Refused bool   `json:"refused"` // it said no, or hung up; neither: nothing can be said
	Cipher  string `json:"cipher,omitempty"`
	Why     string `json:"why,omitempty"`
}

// Trust is whether the chain leads to a root that was trusted where and when it
// was looked at, and names the host.
type Trust struct {
	Trusted bool   `json:"trusted"`
	Why     string `json:"why,omitempty"`
}

var versions = []struct {
	name string
	id   uint16
}{{"1.0", tls.VersionTLS10}, {"1.1", tls.VersionTLS11}, {"1.2", tls.VersionTLS12}, {"1.3", tls.VersionTLS13}}

const handshakeTime = 15 * time.Second

type looker struct {
	collector
	target
	at   time.Time
	dial *net.Dialer
}

// sight looks at everything of the target that can be looked at.
func (l looker) sight(ctx context.Context) Sight {
	s := Sight{Address: l.Address}
	conn, c := l.connect(ctx, l.port)
	s.Connect = c
	if conn == nil {
		return s
	}
	conn.Close()
	if l.url == nil || l.url.Scheme == "https" {
		var chain []*x509.Certificate
		for _, v := range versions {
			h, certs := l.handshake(ctx, v.name, v.id)
			s.Handshakes = append(s.Handshakes, h)
			if certs != nil {
				chain = certs
			}
		}
		s.Trust, s.Chain = l.trust(chain), pemOf(chain)
	}
	if l.plain != "" {
		s.Plain = l.askPlain(ctx)
	}
	if l.url != nil {
		s.Web = l.web(ctx)
	}
	return s
}

// unseen says why the sight tells nothing, "" if it does.
func (s Sight) unseen() string {
	if s.Connect.Outcome == unknown {
		return "could not be reached: " + s.Connect.Why
	}
	return ""
}

// noCertificate says why no certificate was seen where there may be one.
func (s Sight) noCertificate() string {
	switch {
	case s.Connect.Outcome == refused:
		return "the connection was refused"
	case len(s.Chain) == 0 && len(s.Handshakes) > 0 && s.enabled() == nil:
		return "no handshake came to an end: " + s.Handshakes[len(s.Handshakes)-1].Why
	}
	return ""
}

// connect opens a connection to a port of the host.
func (l looker) connect(ctx context.Context, port string) (net.Conn, Connect) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	conn, err := l.dial.DialContext(ctx, "tcp", net.JoinHostPort(l.host, port))
	switch {
	case err == nil:
		return conn, Connect{Outcome: connected, Remote: conn.RemoteAddr().String()}
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil, Connect{Outcome: refused, Why: words(err)}
	}
	return nil, Connect{Outcome: unknown, Why: words(err)}
}

// handshake tries one version, a second time where the endpoint hung up without
// a word: that may have been chance.
func (l looker) handshake(ctx context.Context, name string, id uint16) (Handshake, []*x509.Certificate) {
	h, chain, hungUp := l.handshakeOnce(ctx, name, id)
	if hungUp {
		h, chain, _ = l.handshakeOnce(ctx, name, id)
	}
	return h, chain
}

// handshakeOnce tries one version. All cipher suites Go has are offered, the
// weak ones too: what is asked is whether the endpoint agrees. It has as soon
// as its hello and certificate came, also where it then wants a certificate of
// ours. The certificate is not checked here, so that a bad one can be told as
// what it is.
func (l looker) handshakeOnce(ctx context.Context, name string, id uint16) (h Handshake, chain []*x509.Certificate, hungUp bool) {
	h.Version = name
	conn, c := l.connect(ctx, l.port)
	if conn == nil {
		h.Why = c.Why
		return h, nil, false
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	if l.StartTLS == "smtp" {
		if h.Refused, h.Why = startSMTP(conn); h.Why != "" {
			return h, nil, false
		}
	}
	t := tls.Client(conn, &tls.Config{
		ServerName: serverName(l.host), MinVersion: id, MaxVersion: id, CipherSuites: everySuite(),
		InsecureSkipVerify: true, //nolint:gosec // looked at, not trusted: trust is told by itself
		VerifyConnection: func(state tls.ConnectionState) error {
			h.Agreed, h.Cipher, chain = true, tls.CipherSuiteName(state.CipherSuite), state.PeerCertificates
			return nil
		},
	})
	if err := t.HandshakeContext(ctx); err != nil && !h.Agreed {
		h.Refused, h.Why = saidNo(err), words(err)
		return h, nil, brokeOff(err)
	}
	return h, chain, false
}

// startSMTP asks a mail server to begin TLS (RFC 3207). refused: it said that it
// does not; why is "" where it will.
func startSMTP(conn net.Conn) (refused bool, why string) {
	if err := conn.SetDeadline(time.Now().Add(handshakeTime)); err != nil {
		return false, err.Error()
	}
	r := textproto.NewReader(bufio.NewReader(io.LimitReader(conn, 64<<10)))
	if _, _, err := r.ReadResponse(220); err != nil {
		return false, "no greeting of a mail server: " + words(err)
	}
	if _, err := io.WriteString(conn, "EHLO localhost\r\n"); err != nil {
		return false, words(err)
	}
	_, offers, err := r.ReadResponse(250)
	if err != nil {
		return false, "EHLO: " + words(err)
	}
	if !slices.ContainsFunc(strings.Split(offers, "\n"), func(s string) bool { return strings.EqualFold(strings.TrimSpace(s), "STARTTLS") }) {
		return true, "it does not offer STARTTLS"
	}
	if _, err := io.WriteString(conn, "STARTTLS\r\n"); err != nil {
		return false, words(err)
	}
	if _, _, err := r.ReadResponse(220); err != nil {
		return false, "STARTTLS: " + words(err)
	}
	return false, ""
}

// serverName is the name sent to the endpoint (RFC 6066); an address is none.
func serverName(host string) string {
	return strings.TrimSuffix(host, ".")
}

func everySuite() []uint16 {
	var out []uint16
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		out = append(out, s.ID)
	}
	return out
}

// saidNo reports whether an endpoint refused a version: by an alert, by an
// answer that is no TLS of that version, or by hanging up.
func saidNo(err error) bool {
	var alert tls.AlertError
	var record tls.RecordHeaderError
	var op *net.OpError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return false
	case errors.As(err, &alert), errors.As(err, &record), brokeOff(err):
		return true
	case errors.As(err, &op):
		return op.Op == "remote error" // an alert
	}
	return strings.Contains(err.Error(), "unsupported protocol version") || strings.Contains(err.Error(), "unsupported versions")
}

// brokeOff reports whether an endpoint hung up.
func brokeOff(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}

// trust checks a chain as a browser would, at the instant of the collection.
func (l looker) trust(chain []*x509.Certificate) *Trust {
	if len(chain) == 0 {
		return nil
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{DNSName: l.host, Roots: l.roots, Intermediates: between, CurrentTime: l.at})
	if err != nil {
		return &Trust{Why: words(err)}
	}
	return &Trust{Trusted: true}
}

func pemOf(chain []*x509.Certificate) []string {
	var out []string
	for _, c := range chain {
		out = append(out, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})))
	}
	return out
}

// words are an error in one line.
func words(err error) string {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return "no answer within " + handshakeTime.String()
	}
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return "there is no such name: " + dns.Name
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" && !errors.Is(err, source.ErrAddress) {
		err = op.Err
	}
	s := strings.Join(strings.Fields(strings.ToValidUTF8(err.Error(), "\uFFFD")), " ")
	if r := []rune(s); len(r) > 300 {
		s = string(r[:300]) + "..."
	}
	return s
}
