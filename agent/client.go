package agent

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"time"

	"tieout/audit"
	"tieout/internal/durable"
	"tieout/source"
	format "tieout/source/agent"
	"tieout/source/workstation"
)

// A Computer is `tieout agent` on one person's computer. Its folder holds the
// key, what it was enrolled as, and reports that were not accepted yet. It is
// used by one goroutine of one program at a time.
type Computer struct {
	Folder string
	Now    func() time.Time
	HTTP   *http.Client // nil: one of its own
	// Look looks at the computer; nil: the workstation source's probes.
	Look func(ctx context.Context, at time.Time) (audit.Page, error)
}

// State is what a computer knows of its enrollment and its reports.
type State struct {
	Server    string `json:"server"`
	ServerKey string `json:"serverKey"` // base64
	Device    string `json:"device"`
	Sequence  int64  `json:"sequence"`           // of the last report accepted
	Previous  string `json:"previous,omitempty"` // digest of its header
	Accepted  string `json:"accepted,omitempty"` // when, by the receiver's clock
	Sent      string `json:"sent,omitempty"`     // digest of its file in the queue
}

// ServerURL reads a receiver's address: https, or http to this machine itself,
// where reports do not cross a network.
func ServerURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%w: %q is no receiver's address such as https://agents.halyard.example", audit.ErrInvalid, text)
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return nil, fmt.Errorf("%w: %s: https only; http is for this machine itself", audit.ErrInvalid, text)
	}
	return u, nil
}

func (c *Computer) stateFile() string { return filepath.Join(c.Folder, "agent.json") }

// State returns what the computer is enrolled as; audit.ErrNotFound: it is not.
func (c *Computer) State() (State, error) {
	var s State
	b, err := durable.Read(c.stateFile(), 64<<10)
	if errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("%w: this computer is not enrolled; see 'tieout agent enroll --help'", audit.ErrNotFound)
	}
	if err == nil {
		err = decode(b, &s)
	}
	return s, err
}

func (c *Computer) save(s State) error {
	b, err := format.Encode(s)
	if err != nil {
		return err
	}
	return durable.Write(c.stateFile(), b, 0o600)
}

func (c *Computer) key() (ed25519.PrivateKey, error) {
	return privateKey(filepath.Join(c.Folder, "device.key"))
}

// Enroll makes the computer's key and asks the receiver to take it in. The
// answer is believed only if it is signed by the key the token names.
func (c *Computer) Enroll(ctx context.Context, server, token string) (State, error) {
	if _, err := c.State(); !errors.Is(err, audit.ErrNotFound) {
		return State{}, errors.Join(err, fmt.Errorf("%w: this computer is enrolled already; another folder enrolls it anew", audit.ErrConflict))
	}
	u, err := ServerURL(server)
	if err != nil {
		return State{}, err
	}
	t, err := ParseToken(token)
	if err != nil {
		return State{}, err
	}
	if err := durable.MkdirAll(c.Folder, 0o700); err != nil {
		return State{}, err
	}
	key, err := c.key()
	if err != nil {
		return State{}, err
	}
	msg, err := c.request(ctx, key, t)
	if err != nil {
		return State{}, err
	}
	a, err := c.post(ctx, u.JoinPath(PathEnroll), t.ServerKey, msg)
	if err != nil {
		return State{}, err
	}
	id := format.DeviceID(key.Public().(ed25519.PublicKey))
	if a.Outcome != Enrolled || a.Device != id {
		return State{}, fmt.Errorf("%w: not enrolled: %s", audit.ErrForbidden, a.Say)
	}
	s := State{Server: u.String(), ServerKey: base64.StdEncoding.EncodeToString(t.ServerKey), Device: id, Sequence: a.Sequence, Previous: a.Previous}
	return s, c.save(s)
}

func (c *Computer) request(ctx context.Context, key ed25519.PrivateKey, t Token) ([]byte, error) {
	at := audit.Instant(c.Now())
	r := Request{Format: format.FormatEnroll, Secret: base64.StdEncoding.EncodeToString(t.Secret), Platform: runtime.GOOS,
		PublicKey: base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey)), At: audit.FormatTime(at)}
	p, err := c.look(ctx, at)
	if err != nil {
		return nil, err
	}
	facts, err := workstation.Explain([]byte(`{}`), p)
	if err != nil {
		return nil, err
	}
	for _, f := range facts {
		s, _ := f.Value.(string)
		switch f.Field {
		case "hostname":
			r.Hostname = s
		case "serial":
			r.Serial = s
		}
	}
	e := Enrollment{Request: r}
	if e.Signature, err = format.Sign(key, format.FormatEnroll, r); err != nil {
		return nil, err
	}
	return format.Encode(e)
}

func (c *Computer) look(ctx context.Context, at time.Time) (audit.Page, error) {
	if c.Look != nil {
		return c.Look(ctx, at)
	}
	return Posture(ctx, at)
}

// Posture is what the workstation source sees of this computer.
func Posture(ctx context.Context, at time.Time) (audit.Page, error) {
	col, _, err := workstation.Driver.Open("agent", nil, source.Env{})
	if err != nil {
		return audit.Page{}, err
	}
	var one onePage
	if err := col.Collect(ctx, audit.Window{Span: audit.At(at), AsOf: at, Zone: "UTC"}, &one); err != nil {
		return audit.Page{}, err
	}
	return one.page, nil
}

// onePage keeps the one page the workstation source gives.
type onePage struct{ page audit.Page }

func (o *onePage) Page(_ context.Context, pages ...audit.Page) error {
	for _, p := range pages {
		o.page = p
	}
	return nil
}
func (*onePage) Close(context.Context, audit.Manifest) error { return nil }
func (*onePage) Progress(string, int, int)                   {}

// post sends a message and returns the receiver's verified answer, a refusal
// too.
func (c *Computer) post(ctx context.Context, u *url.URL, key ed25519.PublicKey, msg []byte) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(msg))
	if err != nil {
		return Answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "tieout-agent")
	resp, err := c.client().Do(req)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %s does not answer: %w", audit.ErrUnavailable, u.Host, err)
	}
	defer resp.Body.Close()
	return readAnswer(resp.Body, key, msg)
}

func (c *Computer) client() *http.Client {
	h := &http.Client{Timeout: 2 * time.Minute}
	if c.HTTP != nil {
		*h = *c.HTTP
	}
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return h
}
