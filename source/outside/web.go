package outside

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tieout/source"
)

// A Plain is what came of a request without TLS.
type Plain struct {
	Connect  Connect `json:"connect"`
	Status   int     `json:"status,omitempty"` // 0: there was no answer
	Location string  `json:"location,omitempty"`
	Why      string  `json:"why,omitempty"`
}

// A Web is the answer to one request for a path of the endpoint.
type Web struct {
	Part   string              `json:"part"` // "page", "security" or "notice"
	URL    string              `json:"url"`  // that answered, after redirects within the origin
	Status int                 `json:"status,omitempty"`
	Header map[string][]string `json:"header,omitempty"` // values of Set-Cookie left out
	Body   string              `json:"body,omitempty"`   // of "security"
	Length int64               `json:"length,omitempty"` // bytes of the body that were read, at most maxBody
	Why    string              `json:"why,omitempty"`
}

const (
	maxBody = 64 << 10
	webTime = 30 * time.Second
)

// securityPath is where RFC 9116 section 3 puts the file.
const securityPath = "/.well-known/security.txt"

// web asks for the address itself, security.txt and the privacy notice.
func (l looker) web(ctx context.Context) []Web {
	out := []Web{l.get(ctx, "page", l.url)}
	if l.url.Scheme == "https" {
		out = append(out, l.get(ctx, "security", l.below(securityPath)))
	}
	if l.Notice != "" {
		out = append(out, l.get(ctx, "notice", l.below(l.Notice)))
	}
	return out
}

// below is the address of a path at the endpoint's host.
func (l looker) below(path string) *url.URL {
	u := &url.URL{Scheme: l.url.Scheme, Host: l.url.Host}
	if to, err := u.Parse(path); err == nil && source.SameOrigin(u, to) {
		return to
	}
	return u.JoinPath(path)
}

// client asks one origin. Redirects that leave it are answers, not followed.
// Certificates are looked at elsewhere: nothing secret is sent.
func (l looker) client(base *url.URL, follow bool) *http.Client {
	c := source.Guard(&http.Client{Timeout: webTime, Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, CipherSuites: everySuite()}, //nolint:gosec // looked at, not trusted
	}}, l.allow, base)
	within := c.CheckRedirect
	c.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if !follow {
			return http.ErrUseLastResponse
		}
		if err := within(req, via); err != nil {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return c
}

func (l looker) get(ctx context.Context, part string, u *url.URL) Web {
	w := Web{Part: part, URL: u.String()}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		w.Why = "the address cannot be asked"
		return w
	}
	req.Header.Set("User-Agent", "tieout")
	resp, err := l.client(u, true).Do(req)
	if err != nil {
		w.Why = webWhy(err)
		return w
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		w.Why = "the answer broke off: " + webWhy(err)
		return w
	}
	w.URL, w.Status, w.Header, w.Length = resp.Request.URL.String(), resp.StatusCode, headers(resp.Header), int64(len(body))
	if part == "security" {
		w.Body = strings.ToValidUTF8(string(body), "\uFFFD")
	}
	return w
}

// headers keeps everything but the values of cookies.
func headers(h http.Header) map[string][]string {
	out := map[string][]string{}
	for name, values := range h {
		if name == "Set-Cookie" {
			continue
		}
		values = slices.Clone(values)
		for i := range values {
			values[i] = strings.ToValidUTF8(values[i], "\uFFFD")
		}
		out[name] = values
	}
	return out
}

// askPlain asks the same host without TLS and follows nothing.
func (l looker) askPlain(ctx context.Context) *Plain {
	conn, c := l.connect(ctx, l.plain)
	if conn == nil {
		return &Plain{Connect: c}
	}
	conn.Close()
	p := &Plain{Connect: c}
	u := &url.URL{Scheme: "http", Host: l.url.Hostname(), Path: l.url.Path}
	if strings.Contains(u.Host, ":") {
		u.Host = "[" + u.Host + "]"
	}
	if l.plain != "80" {
		u.Host += ":" + l.plain
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		p.Why = "the address cannot be asked"
		return p
	}
	req.Header.Set("User-Agent", "tieout")
	resp, err := l.client(u, false).Do(req)
	if err != nil {
		p.Why = webWhy(err)
		return p
	}
	resp.Body.Close()
	p.Status, p.Location = resp.StatusCode, resp.Header.Get("Location")
	return p
}

func webWhy(err error) string {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	return words(err)
}
