package examination

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/engagement"
	"tieout/internal/canonical"
	"tieout/internal/strictyaml"
	"tieout/report/attest"
)

// A Wording is a firm's template of its report: the texts around the opinion, in
// the firm's own words, as data with a version. In its texts {client}, {system},
// {the system}, {span}, {categories} and {firm} stand for what the report is on;
// {criteria} and {description criteria} for what it goes by; {complementary},
// {subservices}, {other}, {tests} and {basis} for sentences that follow from its
// facts, and for nothing where they do not; {qualified} for the word before
// "opinion".
type Wording struct {
	Name       string            `yaml:"name" json:"name"`
	Version    string            `yaml:"version" json:"version"`
	Example    bool              `yaml:"example" json:"example,omitempty"` // no firm has adopted it; every report made with it says so
	Types      []engagement.Type `yaml:"types" json:"types,omitempty"`     // the reports it is for; none: all
	Order      []string          `yaml:"order" json:"order"`               // of sections; default: the auditor's report first
	Auditor    string            `yaml:"auditor" json:"auditor"`           // Section I up to the opinion, Markdown
	Added      string            `yaml:"added" json:"added,omitempty"`     // paragraph of Section I where criteria of other sets are examined too; {added} are their names
	Restricted string            `yaml:"restricted" json:"restricted"`     // who may use it; left out of a SOC 3
	Criteria   map[string]string `yaml:"criteria" json:"criteria"`         // official text the firm has a license to print, by identifier

	imported map[string]Criteria // by set; part of the report, not of the template
}

// ReadWording reads a template from YAML; name is the file's, for errors. One with
// the texts of the shipped example is an example, whatever it says.
func ReadWording(name string, data []byte) (Wording, error) {
	var w Wording
	if err := strictyaml.Decode(name, data, &w); err != nil {
		return w, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	w.Example = w.Example || isExample(w.Auditor)
	return w, w.check(name)
}

func fields(s string) string { return strings.Join(strings.Fields(s), " ") }

func (w *Wording) check(name string) error {
	if len(w.Order) == 0 {
		w.Order = slices.Clone(attest.Order)
	}
	switch {
	case strings.TrimSpace(w.Name) == "" || strings.TrimSpace(w.Version) == "":
		return fmt.Errorf("%w: %s: a template has a name and a version", audit.ErrInvalid, name)
	case strings.TrimSpace(w.Auditor) == "":
		return fmt.Errorf("%w: %s: auditor: the text of the auditor's report is missing", audit.ErrInvalid, name)
	case strings.TrimSpace(w.Restricted) == "":
		return fmt.Errorf("%w: %s: restricted: say who may use the report", audit.ErrInvalid, name)
	}
	for _, t := range w.Types {
		if !slices.Contains(engagement.Types, t) {
			return fmt.Errorf("%w: %s: types: there is no report of type %q; there are %s", audit.ErrInvalid, name, t, typeNames())
		}
	}
	for i, s := range w.Order {
		if slices.Contains(w.Order[:i], s) {
			return fmt.Errorf("%w: %s: order: section %q is there twice", audit.ErrInvalid, name, s)
		}
		if !slices.Contains(attest.Order, s) {
			return fmt.Errorf("%w: %s: order: there is no section %q; there are %s", audit.ErrInvalid, name, s, strings.Join(attest.Order, ", "))
		}
	}
	return nil
}

func typeNames() string {
	var out []string
	for _, t := range engagement.Types {
		out = append(out, string(t))
	}
	return strings.Join(out, ", ")
}

// Digest is the SHA-256 of the template's canonical JSON, hex.
func (w *Wording) Digest() (string, error) {
	raw, err := canonical.Marshal(w)
	if err != nil {
		return "", fmt.Errorf("%w: template %s: %w", audit.ErrInvalid, w.Name, err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), nil
}

// fill puts what a report is on into a text of the template.
func fill(text string, r *attest.Report) string {
	text = strings.NewReplacer(sentences(r)...).Replace(strings.TrimSpace(text))
	return strings.NewReplacer("{client}", r.Client.Name, "{system}", r.System, "{the system}", attest.TheSystem(r.System), "{span}", r.Span(), "{categories}", examinedBy(r), "{added}", attest.And(added(r)), "{firm}", r.Firm.Name).Replace(text)
}

// examinedBy is what a report's examination went by, as it stands in a sentence.
func examinedBy(r *attest.Report) string {
	if r.Type.OfObjectives() {
		return "the control objectives"
	}
	var names []string
	for _, c := range r.Categories {
		if c.In {
			names = append(names, strings.ToLower(c.Name))
		}
	}
	return attest.And(append(names, added(r)...))
}

// added are the names of the other sets of criteria that are examined.
func added(r *attest.Report) (out []string) {
	for _, s := range r.Extra {
		if s.Examined {
			out = append(out, s.Name)
		}
	}
	return out
}

// auditor is Section I up to the opinion: the template's text, and where criteria
// of other sets are examined the paragraph on them. A template without one makes
// no such report (audit.ErrConflict): the opinion would cover what nobody said.
func (w *Wording) auditor(r *attest.Report) (string, error) {
	text := fill(w.Auditor, r)
	if len(added(r)) == 0 {
		return text, nil
	}
	if strings.TrimSpace(w.Added) == "" {
		return "", fmt.Errorf("%w: template %s has no text for %s, which is examined too: write it under added", audit.ErrConflict, w.Name, attest.And(added(r)))
	}
	return text + "\n\n" + fill(w.Added, r), nil
}
