package reminder

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"tieout/audit"
	"tieout/source"
)

// A Mail is how e-mail leaves: a server that takes it from us (RFC 6409).
type Mail struct {
	Server   string // "smtp.example.com:587"
	From     string // "Tieout <tieout@example.com>"
	User     string // "": no sign-in
	Password string
	Implicit bool   // TLS from the first byte (RFC 8314); else STARTTLS
	Allow    string // "loopback" or "private": where the server may be beside the internet
	// Roots are whom TLS trusts; nil: this machine's.
	TLS *tls.Config
}

// timeout is how long one message may take to be handed over.
const timeout = 30 * time.Second

// Send hands a message to the server. It returns nil once the server has taken
// it over. Without TLS nothing is sent but to this machine itself, which has to
// be allowed. What may work later wraps audit.ErrUnavailable.
func (m Mail) Send(ctx context.Context, msg Message, now time.Time) error {
	out, err := m.letter(msg, now)
	if err != nil {
		return err
	}
	c, err := m.client()
	if err != nil {
		return err
	}
	if err := c.DialAndSendWithContext(ctx, out); err != nil {
		if errors.Is(err, source.ErrAddress) {
			return fmt.Errorf("%w: mail server %s: %w", audit.ErrForbidden, m.Server, err)
		}
		return fmt.Errorf("%w: mail server %s: %w", audit.ErrUnavailable, m.Server, err)
	}
	return nil
}

// letter is a message as mail. Names and sentences cannot add headers to it.
func (m Mail) letter(msg Message, now time.Time) (*mail.Msg, error) {
	from, err := netmail.ParseAddress(m.From)
	if err != nil {
		return nil, fmt.Errorf("%w: the sender %q is no e-mail address", audit.ErrInvalid, m.From)
	}
	to, err := netmail.ParseAddress(msg.To.Email)
	if err != nil {
		return nil, fmt.Errorf("%w: %q is no e-mail address", audit.ErrInvalid, msg.To.Email)
	}
	to.Name = oneLine(msg.To.Name)
	out := mail.NewMsg()
	out.FromMailAddress(from)
	out.ToMailAddress(to)
	out.Subject(oneLine(msg.Sentence))
	out.SetDateWithValue(now)
	out.SetMessageID()
	out.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834
	out.SetBodyString(mail.TypeTextPlain, msg.Text())
	return out, nil
}

func (m Mail) client() (*mail.Client, error) {
	host, port, err := net.SplitHostPort(m.Server)
	n, perr := strconv.Atoi(port)
	if err != nil || perr != nil || host == "" {
		return nil, fmt.Errorf("%w: mail server %q is not a name and a port such as smtp.example.com:587", audit.ErrInvalid, m.Server)
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host}
	if m.TLS != nil {
		conf.RootCAs = m.TLS.RootCAs
	}
	dial := source.Dialer(m.Allow)
	opts := []mail.Option{mail.WithPort(n), mail.WithTimeout(timeout), mail.WithTLSConfig(conf), mail.WithTLSPolicy(m.policy(host)),
		mail.WithDialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
			if m.Implicit {
				return (&tls.Dialer{NetDialer: dial, Config: conf}).DialContext(ctx, network, address)
			}
			return dial.DialContext(ctx, network, address)
		})}
	if m.Implicit {
		opts = append(opts, mail.WithSSL())
	}
	if m.User != "" {
		opts = append(opts, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(m.User), mail.WithPassword(m.Password))
	}
	c, err := mail.NewClient(host, opts...)
	if err != nil {
		return nil, fmt.Errorf("%w: mail server %s: %w", audit.ErrInvalid, m.Server, err)
	}
	return c, nil
}

// policy asks for TLS everywhere but on this machine itself.
func (m Mail) policy(host string) mail.TLSPolicy {
	ip := net.ParseIP(strings.Trim(host, "[]"))
	if m.Allow == "loopback" && !m.Implicit && (host == "localhost" || ip != nil && ip.IsLoopback()) {
		return mail.TLSOpportunistic
	}
	return mail.TLSMandatory
}
