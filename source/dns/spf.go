package dns

import (
	"errors"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// Results of checking a sender that no record names (RFC 7208 section 2.6).
const (
	spfNone    = ""
	spfInvalid = "invalid" // permerror
	spfUnknown = "unknown" // an answer is missing
)

var qualifiers = map[byte]string{'+': "pass", '-': "fail", '~': "softfail", '?': "neutral"}

// maxLookups is how many terms may ask the name system (section 4.6.4).
const maxLookups = 10

var errSyntax = errors.New("syntax")

// spf returns what a domain's SPF record says of all senders it does not name:
// "" without a record, nil where that cannot be said.
func spf(b *book, domain string) any {
	e := evaluation{b: b}
	result := e.check(domain)
	if result == spfUnknown {
		return nil
	}
	return result
}

// An evaluation counts the look-ups of one check.
type evaluation struct {
	b       *book
	lookups int
}

// check evaluates the record of a domain for a sender that none of its
// mechanisms names, but "all" and those that name every address.
func (e *evaluation) check(domain string) string {
	r := e.b.look(domain, dnsmessage.TypeTXT)
	if !r.known {
		return spfUnknown
	}
	records := spfRecords(r.texts)
	switch len(records) {
	case 0:
		return spfNone
	case 1:
	default:
		return spfInvalid
	}
	terms, redirect, err := parseSPF(records[0])
	if err != nil {
		return spfInvalid
	}
	for _, t := range terms {
		if result := e.term(domain, t); result != "" {
			return result
		}
	}
	if redirect == "" {
		return "neutral"
	}
	return e.redirect(domain, redirect)
}

// term is the result where a term decides, "" where it goes on.
func (e *evaluation) term(domain string, t term) string {
	switch t.name {
	case "all":
		return qualifiers[t.qualifier]
	case "ip4", "ip6":
		if t.everyone {
			return qualifiers[t.qualifier]
		}
		return ""
	}
	if e.lookups++; e.lookups > maxLookups {
		return spfInvalid
	}
	if t.name != "include" {
		return ""
	}
	target, ok := expand(t.domain, domain)
	if !ok {
		return "" // it depends on the sender, and so names some
	}
	switch result := e.check(target); result {
	case "pass":
		return qualifiers[t.qualifier]
	case spfNone, spfInvalid:
		return spfInvalid
	case spfUnknown:
		return spfUnknown
	}
	return ""
}

func (e *evaluation) redirect(domain, to string) string {
	if e.lookups++; e.lookups > maxLookups {
		return spfInvalid
	}
	target, ok := expand(to, domain)
	if !ok {
		return spfUnknown
	}
	if result := e.check(target); result != spfNone {
		return result
	}
	return spfInvalid
}

// spfRecords are the texts that are SPF records (section 4.5).
func spfRecords(texts []string) []string {
	var out []string
	for _, t := range texts {
		if head, _, _ := strings.Cut(t, " "); strings.EqualFold(head, "v=spf1") {
			out = append(out, t)
		}
	}
	return out
}

// A term is one mechanism.
type term struct {
	qualifier byte
	name      string
	domain    string // domain-spec, "" if it has none
	everyone  bool   // ip4 and ip6: a network that holds every address
}

var modifier = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9._-]*)=(.*)$`)

// parseSPF reads a whole record after the grammar of section 12: a fault
// anywhere makes all of it invalid.
func parseSPF(record string) (terms []term, redirect string, err error) {
	seen := map[string]bool{}
	for field := range strings.SplitSeq(record[len("v=spf1"):], " ") {
		if field == "" {
			continue
		}
		m := modifier.FindStringSubmatch(field)
		if m == nil {
			t, err := parseTerm(field)
			if err != nil {
				return nil, "", err
			}
			terms = append(terms, t)
			continue
		}
		name := strings.ToLower(m[1])
		if name != "redirect" && name != "exp" {
			if !macroString(m[2], true) {
				return nil, "", errSyntax
			}
			continue
		}
		if seen[name] || !domainSpec(m[2]) {
			return nil, "", errSyntax
		}
		seen[name] = true
		if name == "redirect" {
			redirect = m[2]
		}
	}
	return terms, redirect, nil
}

var mechanism = regexp.MustCompile(`^([+?~-]?)([A-Za-z0-9]+)(.*)$`)

func parseTerm(field string) (term, error) {
	m := mechanism.FindStringSubmatch(field)
	if m == nil {
		return term{}, errSyntax
	}
	t := term{qualifier: '+', name: strings.ToLower(m[2])}
	if m[1] != "" {
		t.qualifier = m[1][0]
	}
	rest := m[3]
	switch t.name {
	case "all":
		if rest != "" {
			return t, errSyntax
		}
		return t, nil
	case "include", "exists":
		if !strings.HasPrefix(rest, ":") {
			return t, errSyntax
		}
		return t, t.takeDomain(rest[1:])
	case "ptr":
		if rest == "" {
			return t, nil
		}
		if rest[0] != ':' {
			return t, errSyntax
		}
		return t, t.takeDomain(rest[1:])
	case "a", "mx":
		return t, t.takeHost(rest)
	case "ip4", "ip6":
		return t, t.takeNetwork(rest)
	}
	return t, errSyntax
}

func (t *term) takeDomain(s string) error {
	if !domainSpec(s) {
		return errSyntax
	}
	t.domain = s
	return nil
}

var dualCIDR = regexp.MustCompile(`^(.*?)(?:/([0-9]+))?(?://([0-9]+))?$`)

// takeHost reads what may follow a and mx: a domain, and lengths of prefixes.
func (t *term) takeHost(rest string) error {
	m := dualCIDR.FindStringSubmatch(rest)
	if m == nil || !prefixLength(m[2], 32) || !prefixLength(m[3], 128) {
		return errSyntax
	}
	switch {
	case m[1] == "":
		return nil
	case m[1][0] != ':':
		return errSyntax
	}
	return t.takeDomain(m[1][1:])
}

func (t *term) takeNetwork(rest string) error {
	if !strings.HasPrefix(rest, ":") {
		return errSyntax
	}
	text, length, ranged := strings.Cut(rest[1:], "/")
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" || addr.Is4() != (t.name == "ip4") {
		return errSyntax
	}
	if ranged && (length == "" || !prefixLength(length, addr.BitLen())) {
		return errSyntax
	}
	t.everyone = ranged && length == "0"
	return nil
}

// prefixLength reports whether s is a number up to most without leading zeros;
// "" is none.
func prefixLength(s string, most int) bool {
	if s == "" {
		return true
	}
	n, err := strconv.Atoi(s)
	return err == nil && n <= most && (s == "0" || s[0] != '0')
}

var (
	macro    = regexp.MustCompile(`^%(?:\{[slodiphvSLODIPHV](?:0*[1-9][0-9]*)?[rR]?[.\-+,/_=]*\}|[%_-])`)
	expMacro = regexp.MustCompile(`^%(?:\{[slodiphcrtvSLODIPHCRTV](?:0*[1-9][0-9]*)?[rR]?[.\-+,/_=]*\}|[%_-])`)
	topLabel = regexp.MustCompile(`\.(?:[A-Za-z0-9]*[A-Za-z][A-Za-z0-9]*|[A-Za-z0-9]+-[A-Za-z0-9-]*[A-Za-z0-9])\.?$`)
	lastIs   = regexp.MustCompile(`%(?:\{[^{}]*\}|[%_-])$`)
)

// macroString reports whether s is a macro-string (section 7.1).
func macroString(s string, explaining bool) bool {
	re := macro
	if explaining {
		re = expMacro
	}
	for s != "" {
		if s[0] == '%' {
			m := re.FindString(s)
			if m == "" {
				return false
			}
			s = s[len(m):]
			continue
		}
		if s[0] < 0x21 || s[0] > 0x7e {
			return false
		}
		s = s[1:]
	}
	return true
}

// domainSpec reports whether s is a domain-spec: a macro-string that ends in a
// top label or in a macro.
func domainSpec(s string) bool {
	return macroString(s, false) && (topLabel.MatchString(s) || lastIs.MatchString(s))
}

// expand replaces the macros that do not depend on the sender. ok is false
// where others are in it.
func expand(spec, domain string) (name string, ok bool) {
	for _, m := range []string{"%{d}", "%{D}"} {
		spec = strings.ReplaceAll(spec, m, domain)
	}
	return strings.TrimSuffix(spec, "."), !strings.Contains(spec, "%")
}
