// Package dns reads what the public name system answers about the
// organization's domains: who may send mail in their name and what becomes of
// what others send, who may issue certificates, whether answers are signed.
package dns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
)

// Kinds of page.
const (
	kindAnswers = "dns.answers" // one round of answers, sealed before it is looked into; no items
	kindDomain  = "dns.domain"  // every answer about one domain
)

// Driver is the source of what the name system says.
var Driver = &source.Driver{
	Name: "dns", Version: 1, Title: "Domains, as the public name system answers for them: SPF, DKIM, DMARC, CAA, DNSSEC",
	Types:  []string{"domain"},
	Scopes: []source.Scope{{Name: "network", Why: "asks a resolver public questions; no zone is transferred and nothing is signed in to"}},
	Cannot: slices.Clone(cannot),
	Settings: []source.Setting{
		{Name: "domains", Doc: "the domains", Example: "[halyard.example, halyard.dev]", Required: true},
		{Name: "selectors", Doc: "DKIM selectors that are asked for in every domain; absent: `dkim` is not collected", Example: "[google, s1]"},
		{Name: "resolver", Doc: "address of the resolver; absent: the machine's own", Example: "9.9.9.9:53"},
		{Name: "validating", Doc: "stated: the resolver checks DNSSEC and the way to it can be trusted; absent: `dnssec` is not collected", Example: "true"},
		{Name: "allow", Doc: "loopback or private: the resolver named may be on this machine or in a private network", Example: "private"},
	},
	Open: open, Normalize: normalize,
}

var cannot = []string{
	"domains that are not named",
	"DKIM selectors that are not asked for: the name system lists none",
	"answers that differ for others: one resolver is asked, at one instant",
}

type settings struct {
	Domains    []string `json:"domains"`
	Selectors  []string `json:"selectors"`
	Resolver   string   `json:"resolver"`
	Validating bool     `json:"validating"`
	Allow      string   `json:"allow"`
}

// config is what normalizing needs.
type config struct {
	Selectors  []string `json:"selectors,omitempty"`
	Validating bool     `json:"validating,omitempty"`
}

func open(name string, with json.RawMessage, _ source.Env) (source.Collector, json.RawMessage, error) {
	var s settings
	err := source.Strict(with, &s)
	if err == nil {
		err = s.problem()
	}
	c := collector{name: name, domains: s.Domains, config: config{s.Selectors, s.Validating}}
	if err == nil {
		c.client, err = newClient(s.Resolver, s.Allow)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: source %s: %w", audit.ErrInvalid, name, err)
	}
	conf, err := canonical.Marshal(c.config)
	return c, conf, err
}

var (
	domainName = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?)+$`)
	selector   = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?$`)
)

func (s settings) problem() error {
	if len(s.Domains) == 0 {
		return errors.New("domains: name at least one")
	}
	for i, d := range s.Domains {
		if !domainName.MatchString(d) || len(d) > 240 {
			return fmt.Errorf("domains: %q; write a name such as halyard.example, in lower case and in its ASCII form", d)
		}
		if slices.Contains(s.Domains[:i], d) {
			return fmt.Errorf("domains: %s is named twice", d)
		}
	}
	for _, sel := range s.Selectors {
		if !selector.MatchString(sel) {
			return fmt.Errorf("selectors: %q is no selector such as google", sel)
		}
	}
	if s.Resolver != "" {
		host, _, err := net.SplitHostPort(s.Resolver)
		if err != nil {
			return fmt.Errorf("resolver: %q; write ADDRESS:53", s.Resolver)
		}
		if _, err := netip.ParseAddr(host); err != nil {
			return fmt.Errorf("resolver: %q is no address; a name would need another resolver", host)
		}
	}
	return source.CheckAllow(s.Allow)
}

type collector struct {
	name    string
	domains []string
	config
	client client
}

// Collect implements source.Collector: each domain is a scope of its own.
func (c collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	run := &source.Run{Source: c.name, Window: w, Sink: sink}
	for i, d := range c.domains {
		if err := c.domain(ctx, run, d); err != nil {
			return err
		}
		run.Progress("domain", i+1, len(c.domains))
	}
	return nil
}

// maxRounds bounds how far SPF records may lead: RFC 7208 allows ten look-ups.
const maxRounds = 13

// domain asks what is wanted of one domain, in rounds: what an answer leads to
// is asked in the next, after the answer was sealed.
func (c collector) domain(ctx context.Context, run *source.Run, name string) error {
	s := run.Snapshot("domain", name, cannot, kindDomain)
	b := newBook(nil)
	var f finding
	for range maxRounds {
		f = c.find(name, b)
		if len(b.wanted) == 0 {
			break
		}
		var round []Answer
		for _, q := range b.wanted {
			s.Asked(q.String())
			a := c.client.ask(ctx, q)
			if err := ctx.Err(); err != nil {
				return err
			}
			round = append(round, a)
		}
		if err := c.seal(ctx, run, kindAnswers, name, round, s); err != nil {
			return err
		}
		b = newBook(append(b.answers, round...))
	}
	for _, why := range f.why {
		s.Fail(why)
	}
	if len(b.wanted) > 0 {
		s.Fail(fmt.Sprintf("more than %d rounds of questions", maxRounds))
	}
	if err := c.seal(ctx, run, kindDomain, name, b.answers, s); err != nil {
		return err
	}
	return run.Close(ctx, s)
}

func (c collector) seal(ctx context.Context, run *source.Run, kind, name string, answers []Answer, s *source.Stream) error {
	body, err := canonical.Marshal(Answers{name, answers})
	if err != nil {
		return err
	}
	return run.Seal(ctx, audit.Page{Kind: kind, Scope: name, Query: "ask " + c.client.String() + " about " + name, Body: body}, s)
}

// Answers is the body of a page.
type Answers struct {
	Domain  string   `json:"domain"`
	Answers []Answer `json:"answers"`
}

func normalize(with json.RawMessage, p audit.Page) ([]audit.Item, error) {
	var c config
	if err := source.Strict(with, &c); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	switch p.Kind {
	case source.KindFailed, kindAnswers:
		return nil, nil
	case kindDomain:
	default:
		return nil, fmt.Errorf("%w: page kind %q is not one of dns", audit.ErrInvalid, p.Kind)
	}
	var page Answers
	if err := source.Strict(p.Body, &page); err != nil {
		return nil, err
	}
	f := collector{config: c}.find(strings.ToLower(page.Domain), newBook(page.Answers))
	if f.gone {
		return nil, nil
	}
	var r source.Reading
	r.Add("domain", p.Source+"/"+page.Domain, time.Time{}, f.fields)
	return r.Done()
}
