package examination

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/internal/strictyaml"
	"tieout/report/attest"
)

// Criteria are official texts of criteria that a firm imported: it has the license
// to print them, and says so by importing them. The program ships paraphrases
// alone.
type Criteria struct {
	Name    string            `yaml:"name" json:"name"`       // "TSP Section 100"
	Version string            `yaml:"version" json:"version"` // edition
	Set     string            `yaml:"set" json:"set"`         // "": the trust services criteria; else the ID of a set in the terms
	Texts   map[string]string `yaml:"criteria" json:"criteria"`

	digest string // of the file
}

// maxCriteria is how many texts one import has at most.
const maxCriteria = 2000

// ReadCriteria reads an import from YAML; name is the file's, for errors.
func ReadCriteria(name string, data []byte) (Criteria, error) {
	var c Criteria
	if err := strictyaml.Decode(name, data, &c); err != nil {
		return c, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	switch {
	case strings.TrimSpace(c.Name) == "" || strings.TrimSpace(c.Version) == "":
		return c, fmt.Errorf("%w: %s: an import has a name and a version", audit.ErrInvalid, name)
	case len(c.Texts) == 0 || len(c.Texts) > maxCriteria:
		return c, fmt.Errorf("%w: %s: criteria: 1 to %d texts by identifier, not %d", audit.ErrInvalid, name, maxCriteria, len(c.Texts))
	}
	for id, text := range c.Texts {
		if strings.TrimSpace(id) == "" || strings.TrimSpace(text) == "" {
			return c, fmt.Errorf("%w: %s: criteria: %q has no text", audit.ErrInvalid, name, id)
		}
	}
	c.digest = hexSum(data)
	return c, nil
}

// LoadWording reads a template and puts it in force for the reports that are made
// from now on. It is kept among the firm's files, and its entry in the log names
// its digest. It needs wording.write.
func (f *Firm) LoadWording(ctx context.Context, by access.Subject, name string, data []byte) (Wording, error) {
	w, err := ReadWording(name, data)
	if err != nil {
		return w, err
	}
	return w, f.load(ctx, by, data, fieldwork.Text{Kind: fieldwork.TextWording, File: name, Name: w.Name, Version: w.Version, Example: w.Example, Types: w.Types})
}

// LoadCriteria reads official criteria text and puts it in force for the reports
// that are made from now on. It is kept among the firm's files, and its entry in
// the log names its digest. It needs wording.write.
func (f *Firm) LoadCriteria(ctx context.Context, by access.Subject, name string, data []byte) (Criteria, error) {
	c, err := ReadCriteria(name, data)
	if err != nil {
		return c, err
	}
	return c, f.load(ctx, by, data, fieldwork.Text{Kind: fieldwork.TextCriteria, File: name, Name: c.Name, Version: c.Version, Set: c.Set, Texts: len(c.Texts)})
}

func (f *Firm) load(ctx context.Context, by access.Subject, data []byte, t fieldwork.Text) error {
	if err := access.Require(by, "wording.write", access.Object{}); err != nil {
		return err
	}
	digest, size, err := f.P.Blobs.Put(ctx, bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("keep %s: %w", t.File, err)
	}
	t.Digest, t.Size = strings.TrimPrefix(digest, "sha256:"), size
	return f.Files.LoadText(ctx, by, t)
}

// Wording is the template in force for an engagement's report with the criteria
// that were imported for it: the firm's newest for its type, else the shipped
// example, which says that it is one.
func (f *Firm) Wording(ctx context.Context, id string) (Wording, error) {
	var template *fieldwork.Loaded
	var of engagement.Type
	var criteria []*fieldwork.Loaded
	err := f.Files.ReadFile(ctx, id, func(s *fieldwork.State, x *fieldwork.File) error {
		of = x.Terms.Type
		template = s.Wording(of)
		criteria = append(criteria, s.Criteria(""))
		for _, set := range x.Terms.Extra {
			criteria = append(criteria, s.Criteria(set.ID))
		}
		return nil
	})
	if err != nil {
		return Wording{}, err
	}
	w := ExampleWording(of)
	if template != nil {
		data, err := f.text(ctx, template)
		if err == nil {
			w, err = ReadWording(template.File, data)
		}
		if err != nil {
			return w, fmt.Errorf("wording %s: %w", template.Name, err)
		}
	}
	return w, f.addCriteria(ctx, &w, criteria)
}

func (f *Firm) addCriteria(ctx context.Context, w *Wording, list []*fieldwork.Loaded) error {
	w.imported = map[string]Criteria{}
	for _, l := range list {
		if l == nil {
			continue
		}
		data, err := f.text(ctx, l)
		if err != nil {
			return err
		}
		c, err := ReadCriteria(l.File, data)
		if err != nil {
			return fmt.Errorf("criteria %s: %w", l.Name, err)
		}
		w.imported[l.Set] = c
	}
	return nil
}

// text reads a loaded file, which the store checks against its digest.
func (f *Firm) text(ctx context.Context, l *fieldwork.Loaded) (data []byte, err error) {
	in, err := f.P.Blobs.Get(ctx, withPrefix(l.Digest))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", l.Kind, l.Name, err)
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	if data, err = io.ReadAll(io.LimitReader(in, strictyaml.MaxSize+1)); err != nil {
		return nil, fmt.Errorf("%s %s: %w", l.Kind, l.Name, err)
	}
	if hexSum(data) != l.Digest {
		return nil, fmt.Errorf("%w: %s %s is not what was loaded", audit.ErrAltered, l.Kind, l.Name)
	}
	return data, nil
}

// official is the imported text of a criterion, "" where there is none. What a
// template itself holds is of the trust services criteria.
func (w *Wording) official(set, id string) string {
	text := w.imported[set].Texts[id]
	if text == "" && set == "" {
		text = w.Criteria[id]
	}
	return strings.TrimSpace(text)
}

// printed are the imports that a report prints something of, in the order of
// their sets.
func (w *Wording) printed(groups []attest.Group) (out []attest.Imported) {
	seen := map[string]bool{}
	for _, g := range groups {
		c, ok := w.imported[g.Set]
		if !ok || seen[g.Set] || c.Texts[g.ID] == "" {
			continue
		}
		seen[g.Set] = true
		out = append(out, attest.Imported{Set: g.Set, Name: c.Name, Version: c.Version, Digest: c.digest})
	}
	return out
}

// Imports are the criteria a report made with this wording can print, in the order
// of their sets.
func (w *Wording) Imports() (out []Criteria) {
	for _, set := range slices.Sorted(maps.Keys(w.imported)) {
		out = append(out, w.imported[set])
	}
	return out
}

// ExampleFile is the shipped example for a type of report as a file that ReadWording
// reads, for a firm to begin its own from.
func ExampleFile(t engagement.Type) []byte {
	w := ExampleWording(t)
	var b strings.Builder
	fmt.Fprintf(&b, "name: %s\nversion: %q\nexample: true\ntypes: [%s]\norder: [%s]\n", w.Name, w.Version, string(t), strings.Join(w.Order, ", "))
	for _, x := range []struct{ key, text string }{{"auditor", w.Auditor}, {"added", w.Added}, {"restricted", w.Restricted}} {
		b.WriteString(x.key + ": |\n")
		for line := range strings.Lines(strings.TrimSpace(x.text) + "\n") {
			if strings.TrimSpace(line) != "" {
				b.WriteString("  ")
			}
			b.WriteString(line)
		}
	}
	return []byte(b.String())
}
