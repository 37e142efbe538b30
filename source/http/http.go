// Package http is the source that reads a JSON endpoint page by page and turns
// its rows into items by rules a person writes: for systems that have an
// interface and no source of their own. docs/sources/http.md describes it.
package http

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
	"tieout/source/mapping"
)

// Driver is the http source.
var Driver = &source.Driver{
	Name:    "http",
	Version: 1,
	Title:   "Any JSON endpoint",
	Types:   allTypes(),
	Scopes:  []source.Scope{{Name: "read the endpoints named", Why: "only GET requests are made, with the secret named in one header"}},
	Cannot:  cannot,
	Settings: []source.Setting{
		{Name: "url", Doc: "address that streams' paths are relative to and whose origin they never leave", Example: "https://hr.example.com/api/", Required: true},
		{Name: "allow", Doc: "private: also the company's own network; loopback: this machine; absent: public addresses by https only", Example: "private"},
		{Name: "auth", Doc: "header, prefix and a reference to the secret, or user and the reference", Example: `{ header: Authorization, prefix: "Bearer ", secret: "env:HR_TOKEN" }`},
		{Name: "headers", Doc: "sent with every request; no secrets", Example: `{ X-Api-Version: "3" }`},
		{Name: "streams", Doc: "lists of the endpoint, and how their rows become items", Example: `[{ path: employees, type: person, mode: snapshot, id: "hr/{number}", fields: { name: display_name } }]`, Required: true},
	},

	Open:      open,
	Normalize: normalize,
}

var cannot = []string{
	"rows the endpoint leaves out for the identity that asks, unless the endpoint states a total",
	"the state at one instant, where a list changes while its pages are read: a total, and ids that may appear once only, make most such changes visible",
}

func allTypes() []string {
	var out []string
	for _, t := range audit.ItemTypes {
		out = append(out, t.Name)
	}
	return out
}

// Settings is the `with:` of an http connection.
type Settings struct {
	URL     string            `json:"url"`   // scheme and host, and a path that streams' paths are relative to
	Allow   string            `json:"allow"` // "": public addresses by https only; "private": also the company's own network; "loopback": this machine
	Auth    *Auth             `json:"auth"`
	Headers map[string]string `json:"headers"` // sent with every request; no secrets
	Streams []Stream          `json:"streams"`
}

// Auth puts a secret into one header.
type Auth struct {
	Header string `json:"header"` // "" is Authorization
	Prefix string `json:"prefix"` // before the secret, such as "Bearer "
	User   string `json:"user"`   // HTTP basic authentication with this user; the secret is the password
	Secret string `json:"secret"` // reference: env:NAME, file:PATH, keyring:NAME
}

// A Stream is one list of the endpoint and how its rows become items.
type Stream struct {
	Name   string                   `json:"name"`  // within the connection; "" is the item type
	Path   string                   `json:"path"`  // of the first page, relative to the connection's url; may hold {from} and {to}
	Rows   string                   `json:"rows"`  // dotted path to the list; "" is the document
	Pages  *Paging                  `json:"pages"` // absent: there is one page
	Total  *Total                   `json:"total"`
	Type   string                   `json:"type"`
	Mode   audit.Mode               `json:"mode"`
	Scope  string                   `json:"scope"`
	ID     string                   `json:"id"`
	At     *mapping.Value           `json:"at"`
	Gone   *mapping.Condition       `json:"gone"`
	Fields map[string]mapping.Value `json:"fields"`
	Links  *mapping.Links           `json:"links"`
}

// Total is where the endpoint states how many rows or pages there are.
type Total struct {
	Field  string `json:"field"`  // dotted path in the body
	Header string `json:"header"` // or a header
	Pages  bool   `json:"pages"`  // it counts pages, not rows
}

// config is what normalizing needs.
type config struct {
	Streams []streamConfig `json:"streams"`
}

type streamConfig struct {
	Name  string        `json:"name"`
	Rows  string        `json:"rows"`
	Rules mapping.Rules `json:"rules"`
}

func (c streamConfig) format() mapping.Format { return mapping.Format{Kind: "json", Rows: c.Rows} }

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var s Settings
	c := &collector{source: name, secret: env.Secret, cache: &cache{}}
	conf, err := s.read(with, c)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	b, err := canonical.Marshal(conf)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	c.client = source.Guard(env.HTTP, s.Allow, c.base)
	return c, b, nil
}

// read checks the settings and fills the collector.
func (s *Settings) read(with json.RawMessage, c *collector) (config, error) {
	var conf config
	if err := strict(with, s); err != nil {
		return conf, err
	}
	base, err := s.checkURL()
	if err != nil {
		return conf, err
	}
	if err := s.checkHeaders(); err != nil {
		return conf, err
	}
	if len(s.Streams) == 0 {
		return conf, errors.New("streams: there is none")
	}
	c.base, c.auth, c.headers = base, s.Auth, s.Headers
	for i := range s.Streams {
		sc, first, err := s.Streams[i].prepare(base, s.Streams[:i])
		if err != nil {
			return conf, fmt.Errorf("stream %d (%s): %w", i+1, s.Streams[i].Path, err)
		}
		conf.Streams = append(conf.Streams, sc)
		c.streams = append(c.streams, stream{s.Streams[i], sc, first})
	}
	return conf, nil
}

func (s *Settings) checkURL() (*url.URL, error) {
	base, err := url.Parse(s.URL)
	if err != nil || base.Host == "" || base.User != nil || base.Fragment != "" {
		return nil, fmt.Errorf("url: write scheme, host and path without a user, such as https://hr.example.com/api/")
	}
	switch s.Allow {
	case "", "private", "loopback":
	default:
		return nil, fmt.Errorf("allow: %q; write private or loopback, or leave it out", s.Allow)
	}
	if base.Scheme != "https" && (base.Scheme != "http" || s.Allow == "") {
		return nil, fmt.Errorf("url: the scheme is %q; only https goes to public addresses", base.Scheme)
	}
	return base, nil
}

// Headers whose values are secrets or belong to the transport.
var keptHeaders = []string{"Authorization", "Cookie", "Proxy-Authorization", "Host", "Content-Length", "Transfer-Encoding", "Connection", "Accept-Encoding", "If-None-Match"}

func (s *Settings) checkHeaders() error {
	for k, v := range s.Headers {
		name := textproto.CanonicalMIMEHeaderKey(k)
		if slices.Contains(keptHeaders, name) || strings.ContainsAny(k+v, "\r\n\x00") || strings.Contains(strings.ToLower(k), "token") || strings.Contains(strings.ToLower(k), "key") {
			return fmt.Errorf("headers: %s does not belong here; a secret goes into auth, by reference", k)
		}
	}
	a := s.Auth
	if a == nil {
		return nil
	}
	if a.Secret == "" || a.User != "" && (a.Header != "" || a.Prefix != "") || strings.ContainsAny(a.Header+a.Prefix+a.User, "\r\n\x00") {
		return errors.New("auth: write secret, and either user or header and prefix")
	}
	return nil
}

var streamName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

// prepare checks a stream's settings. first is a function of the window, since
// the path may name it.
func (s *Stream) prepare(base *url.URL, before []Stream) (streamConfig, func(audit.Span) (*url.URL, error), error) {
	var none streamConfig
	if s.Name == "" {
		s.Name = s.Type
	}
	for _, o := range before {
		if o.Name == s.Name {
			s.Name += "-" + strconv.Itoa(len(before)+1)
		}
		if o.Type == s.Type && o.Scope == s.Scope {
			return none, nil, fmt.Errorf("another stream gives %s of scope %q as well; give each its own scope", s.Type, s.Scope)
		}
	}
	if !streamName.MatchString(s.Name) {
		return none, nil, fmt.Errorf("name %q; use letters, digits and hyphens", s.Name)
	}
	if s.Total != nil && (s.Total.Field == "") == (s.Total.Header == "") {
		return none, nil, fmt.Errorf("total: write field or header")
	}
	if s.Pages != nil {
		if err := s.Pages.check(); err != nil {
			return none, nil, fmt.Errorf("pages: %w", err)
		}
	}
	rules := mapping.Rules{Type: s.Type, Mode: s.Mode, ID: s.ID, At: s.At, Gone: s.Gone, Fields: s.Fields, Links: s.Links}
	if _, err := mapping.Compile(rules, time.UTC); err != nil {
		return none, nil, err
	}
	first := func(w audit.Span) (*url.URL, error) { return resolve(base, fillWindow(s.Path, w)) }
	if _, err := first(audit.Span{}); err != nil {
		return none, nil, fmt.Errorf("path: %w", err)
	}
	return streamConfig{s.Name, s.Rows, rules}, first, nil
}

// fillWindow writes the window's ends into a path: {from}, {from:date}, {from:unix}.
func fillWindow(path string, w audit.Span) string {
	for name, t := range map[string]time.Time{"from": w.From, "to": w.To} {
		path = strings.NewReplacer(
			"{"+name+"}", url.QueryEscape(audit.FormatTime(t)),
			"{"+name+":date}", t.UTC().Format(time.DateOnly),
			"{"+name+":unix}", strconv.FormatInt(t.Unix(), 10),
		).Replace(path)
	}
	return path
}

// resolve reads a reference relative to base and refuses another origin.
func resolve(base *url.URL, ref string) (*url.URL, error) {
	u, err := base.Parse(ref)
	if err != nil {
		return nil, fmt.Errorf("%q is not an address", ref)
	}
	if !source.SameOrigin(base, u) {
		return nil, fmt.Errorf("%s://%s is another origin than %s://%s; it is not asked", u.Scheme, u.Host, base.Scheme, base.Host)
	}
	u.Fragment = ""
	return u, nil
}

func strict(b []byte, v any) error {
	if len(bytes.TrimSpace(b)) == 0 {
		b = []byte("{}")
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}

// pageQuery is what a page's query says, secrets removed; its end carries what
// normalizing depends on.
func pageQuery(u *url.URL, number int, zone string) string {
	return fmt.Sprintf("GET %s (page %d, zone %s)", redact(u), number, zone)
}

var queryEnd = regexp.MustCompile(`\(page (\d+), zone ([A-Za-z0-9_+/-]*)\)$`)

// Parameters that carry secrets in some interfaces.
var secretParam = regexp.MustCompile(`(?i)token|secret|passw|api[-_]?key|^key$|^sig|signature|credential`)

func redact(u *url.URL) string {
	q := u.Query()
	changed := false
	for k := range q {
		if secretParam.MatchString(k) && !strings.Contains(strings.ToLower(k), "page") {
			q.Set(k, "REMOVED")
			changed = true
		}
	}
	if !changed {
		return u.String()
	}
	c := *u
	c.RawQuery = q.Encode()
	return c.String()
}

func normalize(conf json.RawMessage, p audit.Page) ([]audit.Item, error) {
	var c config
	if err := strict(conf, &c); err != nil {
		return nil, fmt.Errorf("%w: configuration: %w", audit.ErrInvalid, err)
	}
	name, ok := strings.CutPrefix(p.Kind, "http.")
	i := slices.IndexFunc(c.Streams, func(s streamConfig) bool { return s.Name == name })
	if !ok || i < 0 {
		return nil, fmt.Errorf("%w: the configuration has no stream for a page of kind %q", audit.ErrInvalid, p.Kind)
	}
	m := queryEnd.FindStringSubmatch(p.Query)
	if m == nil {
		return nil, fmt.Errorf("%w: the page's query %q does not end in its number and zone", audit.ErrInvalid, p.Query)
	}
	zone, err := loadZone(m[2])
	if err != nil {
		return nil, err
	}
	prog, err := mapping.Compile(c.Streams[i].Rules, zone)
	if err != nil {
		return nil, err
	}
	return prog.Read(c.Streams[i].format(), "page "+m[1], audit.Span{}, 1, p.Body)
}

func loadZone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("%w: time zone %q is not known here", audit.ErrInvalid, name)
	}
	return zone, nil
}

// secretHeader resolves the secret and returns the header it goes into.
func (a *Auth) secretHeader(ctx context.Context, secret func(context.Context, string) (string, error)) (name, value string, err error) {
	if secret == nil {
		return "", "", fmt.Errorf("%w: auth: no secrets are to be had here", audit.ErrInvalid)
	}
	s, err := secret(ctx, a.Secret)
	if err != nil {
		return "", "", fmt.Errorf("%w: auth: secret %s: %w", audit.ErrInvalid, a.Secret, err)
	}
	s = strings.TrimSpace(s)
	if s == "" || strings.ContainsAny(s, "\r\n\x00") {
		return "", "", fmt.Errorf("%w: auth: secret %s is empty, or has several lines", audit.ErrInvalid, a.Secret)
	}
	if a.User != "" {
		r := &http.Request{Header: http.Header{}}
		r.SetBasicAuth(a.User, s)
		return "Authorization", r.Header.Get("Authorization"), nil
	}
	if a.Header == "" {
		return "Authorization", a.Prefix + s, nil
	}
	return a.Header, a.Prefix + s, nil
}
