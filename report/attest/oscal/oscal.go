// Package oscal writes a service auditor's report as OSCAL 1.2.1 documents in
// JSON: a catalog of the criteria as the report words them, system security plan,
// assessment plan, assessment results, and a plan of action and milestones where
// there are exceptions.
//
// OSCAL's control is a criterion here. The organization's controls are components
// that implement it, controls of user entities are responsibilities exported, and
// those of subservice organizations are inherited. The opinion and the assertions
// are attestations, each with who makes it. OSCAL's word "satisfied" is never
// written: it would be a conclusion on a criterion, which a report has not.
package oscal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"

	"tieout/audit"
	"tieout/report/attest"
	"tieout/report/oscal"
)

// A File is one document.
type File struct {
	Name string // stem and kind: "rpt-en-1-1.ssp.json"
	Data []byte
}

// The kinds of documents, as their files are named.
const (
	kindCatalog = "catalog"
	kindSSP     = "ssp"
	kindPlan    = "assessment-plan"
	kindResults = "assessment-results"
	kindActions = "poam"
)

var stems = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,100}$`)

// Render writes r as documents that refer to each other by file names beginning
// with stem: letters, digits, dot, hyphen and underscore. The same report and
// stem give the same bytes, identifiers included. Without an exception there is
// no plan of action, which OSCAL wants at least one item of. Refused as
// audit.ErrInvalid are a report for general use, which names no criteria, and one
// in which attest.Check finds a fault.
func Render(r attest.Report, stem string) ([]File, error) {
	if err := attest.Check(r); err != nil {
		return nil, err
	}
	if r.Type.Public() {
		return nil, fmt.Errorf("%w: report %s is a %s: it lists no criteria and no tests, so OSCAL has nothing to say; take PDF, HTML or DOCX", audit.ErrInvalid, r.ID, r.Type)
	}
	if !stems.MatchString(stem) {
		return nil, fmt.Errorf("%w: OSCAL files cannot be named %q: letters, digits, dot, hyphen and underscore, at most 101", audit.ErrInvalid, stem)
	}
	b, err := newBuilder(&r, stem)
	if err != nil {
		return nil, err
	}
	return b.files()
}

func (b *builder) files() ([]File, error) {
	var out []File
	write := func(kind, root string, doc any) error {
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		if err := enc.Encode(map[string]any{root: doc}); err != nil {
			return fmt.Errorf("report %s as OSCAL %s: %w", b.r.ID, kind, err)
		}
		out = append(out, File{b.name(kind), buf.Bytes()})
		return nil
	}
	tested := b.observations()
	docs := []struct {
		kind, root string
		doc        any
	}{
		{kindCatalog, "catalog", b.catalog()},
		{kindSSP, "system-security-plan", b.security()},
		{kindPlan, "assessment-plan", b.plan()},
		{kindResults, "assessment-results", b.assessment(tested)},
	}
	if items := b.items(); len(items) > 0 {
		docs = append(docs, struct {
			kind, root string
			doc        any
		}{kindActions, "plan-of-action-and-milestones", b.actions(items, tested)})
	}
	for _, d := range docs {
		if err := write(d.kind, d.root, d.doc); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// A builder makes the documents of one report.
type builder struct {
	r          *attest.Report
	stem       string
	digest     string
	criteria   []criterion       // of the catalog, in order
	tokens     map[string]string // set and id of a criterion -> its identifier
	start, end time.Time
}

// A criterion is one that the report lists, or only names beside a control of
// somebody else.
type criterion struct {
	set, id, token string
	group          *attest.Group
}

func newBuilder(r *attest.Report, stem string) (*builder, error) {
	digest, err := attest.Digest(*r)
	if err != nil {
		return nil, err
	}
	b := &builder{r: r, stem: stem, digest: digest, tokens: map[string]string{}}
	taken := map[string]bool{}
	add := func(set, id string, g *attest.Group) {
		key := set + "\x00" + id
		if b.tokens[key] != "" {
			return
		}
		token := oscal.Token(strings.TrimPrefix(set+"_"+id, "_"))
		for taken[token] {
			token += "-2"
		}
		taken[token], b.tokens[key] = true, token
		b.criteria = append(b.criteria, criterion{set, id, token, g})
	}
	for i := range r.Groups {
		add(r.Groups[i].Set, r.Groups[i].ID, &r.Groups[i])
	}
	for _, e := range b.elsewhere() {
		for _, id := range e.Criteria {
			if !b.listed(id) {
				add("", id, nil)
			}
		}
	}
	b.start, b.end, err = b.span()
	return b, err
}

// elsewhere are the controls that others operate.
func (b *builder) elsewhere() []attest.Expected {
	out := append([]attest.Expected{}, b.r.Expected...)
	for _, s := range b.r.Subservices {
		out = append(out, s.Expected...)
	}
	return out
}

// listed reports whether a criterion's id is one of Section IV, in any set.
func (b *builder) listed(id string) bool {
	for _, c := range b.criteria {
		if c.id == id {
			return true
		}
	}
	return false
}

// span is what the report is on, from the start of its first day to the end of
// its last, where the organization's days begin.
func (b *builder) span() (start, end time.Time, err error) {
	first, last := b.r.First, b.r.Last
	if !b.r.Type.OverPeriod() {
		first, last = b.r.AsOf, b.r.AsOf
	}
	zone := b.r.Zone
	if zone == "" {
		zone = "UTC"
	}
	p, err := audit.NewPeriod(first, last, zone)
	return p.From, p.To, err
}

// id is the identifier of a thing of this report, the same in every document.
func (b *builder) id(parts ...string) string {
	return oscal.UUID(append([]string{"attest", b.r.Client.Name, b.r.ID}, parts...)...)
}

// document is the identifier of a document: another value, another one.
func (b *builder) document(kind string) string {
	return oscal.UUID("attest document", b.digest, b.stem, kind)
}

func (b *builder) name(kind string) string { return b.stem + "." + kind + ".json" }

// to is the resource that stands for another document of this report, and a link
// to it.
func (b *builder) to(kind, title string) (oscal.Link, oscal.Back) {
	id := b.id("document", kind)
	file := oscal.Resource{UUID: id, Title: title, Description: "A document made from the same report.", Links: []oscal.RLink{{Href: (&url.URL{Path: b.name(kind)}).String()}}}
	return oscal.Link{Href: "#" + id}, oscal.Back{Resources: []oscal.Resource{file}}
}

func (b *builder) metadata(title string) metadata {
	r := b.r
	at := r.Dated + "T00:00:00Z"
	m := metadata{
		Title: oscal.Line(title + ", " + r.Client.Name + ", " + r.System), Modified: at, Version: oscal.Plain(r.ID), OSCAL: oscal.Version,
		Props:       []oscal.Property{oscal.Prop("report-type", string(r.Type)), oscal.Prop("report-digest-sha256", b.digest)},
		Roles:       []role{{"service-organization", "Service organization"}, {"service-auditor", "Service auditor"}},
		Parties:     []party{{b.client(), "organization", oscal.Plain(r.Client.Name)}, {b.firm(), "organization", oscal.Plain(r.Firm.Name)}},
		Responsible: []responsible{{"service-organization", []string{b.client()}}, {"service-auditor", []string{b.firm()}}},
	}
	if r.Draft {
		m.Remarks = "Draft for factual review. It is not a report: nobody has signed it, and nobody may rely on it."
	} else {
		m.Published = at
	}
	return m
}

func (b *builder) client() string { return b.id("party", "client") }
func (b *builder) firm() string   { return b.id("party", "firm") }

// prose is a text with its lines, safe where markup is read; "-" for nothing.
func prose(s string) string {
	s = strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	if s = strings.TrimSpace(s); s == "" {
		return "-"
	}
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
