package outside

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
)

func normalize(with json.RawMessage, p audit.Page) ([]audit.Item, error) {
	var c config
	if err := source.Strict(with, &c); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	switch p.Kind {
	case source.KindFailed:
		return nil, nil
	case kind:
	default:
		return nil, fmt.Errorf("%w: page kind %q is not %s", audit.ErrInvalid, p.Kind, kind)
	}
	var s Sight
	if err := source.Strict(p.Body, &s); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(c.Endpoints, func(e Endpoint) bool { return e.Address == s.Address })
	if i < 0 {
		return nil, fmt.Errorf("%w: %q is not one of the endpoints", audit.ErrInvalid, s.Address)
	}
	if s.Connect.Outcome != connected && s.Connect.Outcome != refused {
		return nil, nil // nothing was seen; the stream says why
	}
	var r source.Reading
	e := c.Endpoints[i]
	f := source.Fields{"name": e.Address, "kind": e.Kind, "reachable": s.Connect.Outcome == connected}
	leaf, err := s.leaf()
	r.Refuse(e.Address, err)
	s.tlsFields(f, leaf)
	s.webFields(f, e, p.About.From)
	r.Add("endpoint", p.Source+"/"+e.Address, time.Time{}, f)
	if leaf != nil {
		r.Add("key", p.Source+"/"+e.Address+"/certificate", time.Time{}, certificate(leaf, e, p.About.From))
	}
	return r.Done()
}

// leaf is the certificate the endpoint showed as its own, nil if none.
func (s Sight) leaf() (*x509.Certificate, error) {
	if len(s.Chain) == 0 {
		return nil, nil
	}
	block, _ := pem.Decode([]byte(s.Chain[0]))
	if block == nil {
		return nil, errors.New("its certificate is not PEM")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("its certificate: %w", err)
	}
	return cert, nil
}

func (s Sight) tlsFields(f source.Fields, leaf *x509.Certificate) {
	if len(s.Handshakes) > 0 {
		f["tls.enabled"] = s.enabled()
		f["tls.oldest"] = s.oldest()
	}
	if s.Trust != nil {
		f["tls.trusted"] = s.Trust.Trusted
	}
	if leaf != nil {
		f["tls.expiresAt"], f["tls.issuer"] = audit.Instant(leaf.NotAfter), leaf.Issuer.String()
	}
}

// enabled is whether any version was agreed to; nil where that cannot be said.
func (s Sight) enabled() any {
	no := 0
	for _, h := range s.Handshakes {
		if h.Agreed {
			return true
		}
		if h.Refused {
			no++
		}
	}
	if no == len(s.Handshakes) {
		return false
	}
	return nil
}

// oldest is the first version that was agreed to, nil where an older one gave no answer.
func (s Sight) oldest() any {
	for _, h := range s.Handshakes {
		if h.Agreed {
			return h.Version
		}
		if !h.Refused {
			return nil
		}
	}
	return nil
}

func certificate(leaf *x509.Certificate, e Endpoint, at time.Time) source.Fields {
	status := "active"
	if at.After(leaf.NotAfter) {
		status = "expired"
	}
	from := audit.Instant(leaf.NotBefore)
	return source.Fields{
		"kind": "certificate", "system": e.Address, "status": status, "createdAt": from, "rotatedAt": from, "expiresAt": audit.Instant(leaf.NotAfter),
	}
}

func (s Sight) webFields(f source.Fields, e Endpoint, at time.Time) {
	if s.Plain != nil {
		f["plain"] = s.Plain.does(s.Address)
	}
	for _, w := range s.Web {
		switch w.Part {
		case "page":
			w.headers(f)
			if e.Kind == "api" {
				f["authentication"] = w.asks()
			}
		case "security":
			f["securityContact"] = w.contact(at)
		case "notice":
			f["notice"] = w.serves()
		}
	}
}

// does is what became of a request without TLS; nil where nothing can be said.
func (p Plain) does(address string) any {
	switch {
	case p.Connect.Outcome == refused:
		return "refused"
	case p.Connect.Outcome != connected || p.Status == 0:
		return nil
	case p.Status >= 300 && p.Status < 400 && secure(p.Location):
		return "redirected"
	}
	return "answered"
}

// secure reports whether an address is one of https; a relative one stays without.
func secure(location string) bool {
	u, err := url.Parse(location)
	return err == nil && u.Scheme == "https" && u.Host != ""
}

// headers reads what the page's answer says. A failure of the server's says nothing.
func (w Web) headers(f source.Fields) {
	if w.Status == 0 || w.Status >= 500 || w.Status == 429 {
		return
	}
	csp := strings.Join(w.Header["Content-Security-Policy"], ", ")
	f["headers.hsts"] = hsts(w.Header["Strict-Transport-Security"])
	f["headers.csp"] = strings.TrimSpace(csp) != ""
	f["headers.nosniff"] = strings.EqualFold(strings.TrimSpace(first(w.Header["X-Content-Type-Options"])), "nosniff")
	f["headers.frame"] = frames(first(w.Header["X-Frame-Options"]), csp)
	f["headers.referrer"] = strings.TrimSpace(first(w.Header["Referrer-Policy"])) != ""
}

// asks is whether an interface wants a credential: it was asked without one. nil
// where the answer does not say.
func (w Web) asks() any {
	switch {
	case w.Status == 401 || w.Status == 403:
		return "required"
	case w.Status >= 200 && w.Status < 300:
		return "none"
	}
	return nil
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

var maxAge = regexp.MustCompile(`(?i)^\s*max-age\s*=\s*"?([0-9]{1,10})"?\s*$`)

// hsts is the max-age of the first Strict-Transport-Security header (RFC 6797
// section 8.1: the others do not count), 0 where there is none that can be read.
func hsts(values []string) int64 {
	for directive := range strings.SplitSeq(first(values), ";") {
		if m := maxAge.FindStringSubmatch(directive); m != nil {
			n, err := strconv.ParseInt(m[1], 10, 64)
			if err == nil {
				return n
			}
		}
	}
	return 0
}

// frames reports whether other sites may not frame the page: by
// frame-ancestors of a policy that names no wildcard, or by X-Frame-Options.
func frames(option, csp string) bool {
	for policy := range strings.SplitSeq(csp, ",") {
		for directive := range strings.SplitSeq(policy, ";") {
			words := strings.Fields(strings.ToLower(directive))
			if len(words) == 0 || words[0] != "frame-ancestors" {
				continue
			}
			open := slices.ContainsFunc(words[1:], func(w string) bool { return w == "*" || strings.HasSuffix(w, ":") || strings.HasSuffix(w, "//*") })
			return !open // frame-ancestors makes browsers ignore X-Frame-Options (CSP level 2, section 7.7.1)
		}
	}
	option = strings.ToUpper(strings.TrimSpace(option))
	return option == "DENY" || option == "SAMEORIGIN"
}

// contact reads security.txt (RFC 9116): at least one Contact, exactly one
// Expires that lies ahead. nil where the answer says nothing about it.
func (w Web) contact(at time.Time) any {
	switch {
	case w.Status == 404 || w.Status == 410:
		return false
	case w.Status != 200 || w.Length == maxBody:
		return nil
	}
	if !strings.HasPrefix(strings.ToLower(first(w.Header["Content-Type"])), "text/plain") {
		return false // section 3: it must be served as text/plain; a site that answers every path sends a page
	}
	contacts, expires := 0, []string{}
	for line := range strings.Lines(w.Body) {
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.HasPrefix(line, "#") || strings.TrimSpace(value) == "" {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "contact":
			contacts++
		case "expires":
			expires = append(expires, strings.TrimSpace(value))
		}
	}
	if contacts == 0 || len(expires) != 1 {
		return false
	}
	until, err := time.Parse(time.RFC3339, strings.ToUpper(expires[0]))
	return err == nil && until.After(at)
}

// serves is whether the notice is there; nil where the answer does not say.
func (w Web) serves() any {
	switch {
	case w.Status == 200:
		return w.Length > 0
	case w.Status == 404 || w.Status == 410:
		return false
	}
	return nil
}
