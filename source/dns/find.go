package dns

import (
	"slices"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/net/publicsuffix"

	"tieout/source"
)

// A finding is what the answers say of one domain. A field that an answer is
// missing for is left out, and why says which.
type finding struct {
	fields source.Fields
	gone   bool // there is no such domain, or nothing at all was answered
	why    []string
}

// find draws the fields of a domain from the answers in b, and makes b want
// what is missing.
func (c collector) find(name string, b *book) finding {
	f := finding{fields: source.Fields{"name": name}}
	soa := b.look(name, dnsmessage.TypeSOA)
	if soa.known && c.Validating {
		f.fields["dnssec"] = soa.checked
	}
	mx := b.look(name, dnsmessage.TypeMX)
	if mx.known {
		f.fields["mail"] = takesMail(mx.mx)
	}
	f.fields["spf"] = spf(b, name)
	f.fields["dmarc"] = dmarc(b, name)
	if len(c.Selectors) > 0 {
		f.fields["dkim"] = dkim(b, name, c.Selectors)
	}
	f.fields["caa"] = issuers(b, name)
	for _, a := range b.answers {
		q := Question{a.Name, dnsmessage.Type(a.Type)}
		if w := b.why[q]; w != "" {
			f.why = append(f.why, q.String()+": "+w)
		}
	}
	if !b.knows() {
		f.gone = true
	}
	if soa.nxdomain {
		f.gone, f.why = true, append(f.why, "there is no such domain")
	}
	return f
}

// takesMail reports whether a domain has mail servers; a single "." says that
// it takes none (RFC 7505).
func takesMail(mx []string) bool {
	return slices.ContainsFunc(mx, func(host string) bool { return host != "" })
}

// dkim returns the selectors that hold a key, nil where one was not answered.
func dkim(b *book, name string, selectors []string) any {
	out, whole := []string{}, true
	for _, s := range selectors {
		r := b.look(s+"._domainkey."+name, dnsmessage.TypeTXT)
		if !r.known {
			whole = false
			continue
		}
		if slices.ContainsFunc(r.texts, holdsKey) {
			out = append(out, s)
		}
	}
	if !whole {
		return nil
	}
	return out
}

// holdsKey reports whether a DKIM record holds a key that was not revoked (RFC
// 6376 section 3.6.1).
func holdsKey(record string) bool {
	tags, err := tagList(record)
	if err != nil {
		return false
	}
	v, versioned := tags["v"]
	return tags["p"] != "" && (!versioned || v == "DKIM1")
}

// tagList reads tag=value pairs (RFC 6376 section 3.2). A tag given twice is an error.
func tagList(record string) (map[string]string, error) {
	out := map[string]string{}
	for part := range strings.SplitSeq(record, ";") {
		name, value, ok := strings.Cut(part, "=")
		name = strings.TrimSpace(name)
		if name == "" && !ok {
			continue
		}
		if _, twice := out[name]; !ok || twice || name == "" {
			return nil, errSyntax
		}
		out[name] = strings.TrimSpace(value)
	}
	return out, nil
}

// dmarc returns the policy that holds for mail in the domain's name, "" where
// there is none, nil where an answer is missing. Without a record of its own the
// organizational domain's holds, with its policy for subdomains (RFC 7489
// section 6.6.3).
func dmarc(b *book, name string) any {
	r := b.look("_dmarc."+name, dnsmessage.TypeTXT)
	if !r.known {
		return nil
	}
	if records := dmarcRecords(r.texts); len(records) > 0 {
		return policy(records, "p")
	}
	org, err := publicsuffix.EffectiveTLDPlusOne(name)
	if err != nil || org == name {
		return ""
	}
	r = b.look("_dmarc."+org, dnsmessage.TypeTXT)
	if !r.known {
		return nil
	}
	if records := dmarcRecords(r.texts); len(records) > 0 {
		return policy(records, "sp", "p")
	}
	return ""
}

func dmarcRecords(texts []string) []string {
	var out []string
	for _, t := range texts {
		head, _, _ := strings.Cut(t, ";")
		name, value, _ := strings.Cut(head, "=")
		if strings.TrimSpace(name) == "v" && strings.TrimSpace(value) == "DMARC1" {
			out = append(out, t)
		}
	}
	return out
}

// policy is the first of the named tags that is there. A record whose policy
// cannot be read asks for nothing where it names an address for reports, else
// it is none at all (section 6.6.3, step 6).
func policy(records []string, tags ...string) string {
	if len(records) != 1 {
		return "invalid"
	}
	list, err := tagList(records[0])
	if err != nil {
		return "invalid"
	}
	for _, tag := range tags {
		switch p := strings.ToLower(list[tag]); p {
		case "reject", "quarantine", "none":
			return p
		case "":
			continue
		}
		break
	}
	if strings.Contains(list["rua"], ":") {
		return "none"
	}
	return "invalid"
}

// issuers returns who may issue certificates for the domain: of the first
// domain upward that has CAA records at all (RFC 8659 section 3), those that
// its issue records name; ";" where it allows nobody, none where it restricts
// nobody. nil where an answer is missing.
func issuers(b *book, name string) any {
	for at := name; at != ""; _, at, _ = strings.Cut(at, ".") {
		r := b.look(at, typeCAA)
		if !r.known {
			return nil
		}
		if len(r.caa) > 0 {
			return named(r.caa)
		}
	}
	return []string{}
}

func named(records []caa) []string {
	out, restricts := []string{}, false
	for _, c := range records {
		if c.tag != "issue" {
			continue
		}
		restricts = true
		issuer, _, _ := strings.Cut(c.value, ";")
		if issuer = strings.ToLower(strings.TrimSpace(issuer)); issuer != "" {
			out = append(out, issuer)
		}
	}
	if restricts && len(out) == 0 {
		return []string{";"}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
