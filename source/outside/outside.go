// Package outside looks at public addresses as anybody on the internet can:
// which TLS versions they agree to, with which certificate, what a request
// without TLS gets, and what a web answer says in its headers.
package outside

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
)

// kind is the one kind of page: a Sight.
const kind = "outside.endpoint"

// Driver is the source of what is seen from outside.
var Driver = &source.Driver{
	Name: "outside", Version: 2, Title: "Public addresses, seen from outside: TLS, certificates, web headers, who may call",
	Types: []string{"endpoint", "key"},
	Scopes: []source.Scope{
		{Name: "network", Why: "connects to the named addresses from where Tieout runs, as any visitor can; it signs in nowhere"},
	},
	Cannot: slices.Clone(cannot),
	Settings: []source.Setting{
		{Name: "endpoints", Doc: "what is looked at: address (URL, or HOST:PORT), kind, plain, notice, starttls", Example: "[{address: https://app.halyard.example, kind: web, notice: /privacy}]", Required: true},
		{Name: "roots", Doc: "PEM file of roots that are trusted beside the system's, relative to the workspace", Example: "ca.pem"},
		{Name: "allow", Doc: "loopback or private: addresses of this machine or of private networks may be looked at", Example: "private"},
	},
	Open: open, Normalize: normalize,
}

var cannot = []string{
	"any address that is not named",
	"SSL 2 and 3, and servers that offer only cipher suites Go does not have",
	"revocation of certificates",
	"how the address answers elsewhere: it is asked once, from where Tieout runs",
	"what an interface does with a wrong credential, and its paths that are not named",
}

// An Endpoint is one address to look at.
type Endpoint struct {
	Address  string `json:"address"`            // URL with scheme https or http, or HOST:PORT
	Kind     string `json:"kind,omitempty"`     // web, api, mail, other; "": not collected
	Plain    int    `json:"plain,omitempty"`    // port asked without TLS; 0: 80 for https on 443, else it is not asked
	Notice   string `json:"notice,omitempty"`   // path of the privacy notice; "": not collected
	StartTLS string `json:"starttls,omitempty"` // smtp: TLS begins after STARTTLS (RFC 3207); "": with the first byte
}

type settings struct {
	Endpoints []Endpoint `json:"endpoints"`
	Roots     string     `json:"roots"`
	Allow     string     `json:"allow"`
}

type config struct {
	Endpoints []Endpoint `json:"endpoints"`
}

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var s settings
	err := source.Strict(with, &s)
	if err == nil {
		err = s.problem()
	}
	c := collector{name: name, allow: s.Allow}
	if err == nil {
		c.roots, err = roots(env.Dir, s.Roots)
	}
	for _, e := range s.Endpoints {
		if err == nil {
			var t target
			t, err = e.target()
			c.targets = append(c.targets, t)
		}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	conf, err := canonical.Marshal(config{s.Endpoints})
	return c, conf, err
}

func (s settings) problem() error {
	if len(s.Endpoints) == 0 {
		return errors.New("endpoints: name at least one")
	}
	seen := map[string]bool{}
	for _, e := range s.Endpoints {
		if seen[e.Address] {
			return fmt.Errorf("endpoints: %s is named twice", e.Address)
		}
		seen[e.Address] = true
	}
	return source.CheckAllow(s.Allow)
}

// roots are the system's and those of a file.
func roots(dir, file string) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if file == "" {
		return pool, nil
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("roots: %w", err)
	}
	if !pool.AppendCertsFromPEM(b) {
		return nil, fmt.Errorf("roots: %s holds no certificate in PEM", file)
	}
	return pool, nil
}

// A target is an endpoint, taken apart.
type target struct {
	Endpoint
	host  string
	port  string
	url   *url.URL // nil: it is no web address
	plain string   // port that is asked without TLS, "" for none
}

var kinds = []string{"", "web", "api", "mail", "other"}

func (e Endpoint) target() (target, error) {
	bad := func(format string, args ...any) (target, error) {
		return target{}, fmt.Errorf("endpoints: %s: %s", e.Address, fmt.Sprintf(format, args...))
	}
	if !slices.Contains(kinds, e.Kind) {
		return bad("kind %q; write web, api, mail or other, or leave it out", e.Kind)
	}
	if e.Notice != "" && !strings.HasPrefix(e.Notice, "/") {
		return bad("notice %q; write a path such as /privacy", e.Notice)
	}
	if e.StartTLS != "" && e.StartTLS != "smtp" {
		return bad("starttls %q; write smtp, or leave it out", e.StartTLS)
	}
	if e.Plain < 0 || e.Plain > 65535 {
		return bad("plain: %d is no port", e.Plain)
	}
	t := target{Endpoint: e}
	if !strings.Contains(e.Address, "://") {
		var err error
		if t.host, t.port, err = net.SplitHostPort(e.Address); err != nil || t.host == "" || t.port == "" {
			return bad("write an address such as https://HOST/PATH or HOST:PORT")
		}
		if e.Notice != "" || e.Plain != 0 {
			return bad("notice and plain are for web addresses")
		}
		return t, nil
	}
	if e.StartTLS != "" {
		return bad("starttls is for HOST:PORT")
	}
	u, err := url.Parse(e.Address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
		return bad("write an address such as https://HOST/PATH, without a name or password")
	}
	t.url, t.host, t.port = u, u.Hostname(), u.Port()
	if t.port == "" {
		t.port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	switch {
	case u.Scheme == "http" && e.Plain != 0:
		return bad("plain is for https addresses")
	case e.Plain != 0:
		t.plain = strconv.Itoa(e.Plain)
	case u.Scheme == "https" && t.port == "443":
		t.plain = "80"
	}
	return t, nil
}

type collector struct {
	name    string
	allow   string
	roots   *x509.CertPool
	targets []target
}

// Collect implements source.Collector: a page and two streams for each endpoint.
func (c collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	run := &source.Run{Source: c.name, Window: w, Sink: sink}
	for i, t := range c.targets {
		if err := c.look(ctx, run, t); err != nil {
			return err
		}
		run.Progress("endpoint", i+1, len(c.targets))
	}
	return nil
}

func (c collector) look(ctx context.Context, run *source.Run, t target) error {
	endpoint := run.Snapshot("endpoint", t.Address, cannot, kind)
	key := run.Snapshot("key", t.Address, cannot, kind)
	l := looker{collector: c, target: t, at: run.Window.AsOf, dial: source.Dialer(c.allow)}
	s := l.sight(ctx)
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, stream := range []*source.Stream{endpoint, key} {
		stream.Asked("look at " + t.Address)
		stream.Fail(s.unseen())
	}
	key.Fail(s.noCertificate())
	body, err := canonical.Marshal(s)
	if err != nil {
		return err
	}
	if err := run.Seal(ctx, audit.Page{Kind: kind, Scope: t.Address, Query: "look at " + t.Address, Body: body}, endpoint, key); err != nil {
		return err
	}
	return run.Close(ctx, endpoint, key)
}
