package pdf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/report/attest/pdf/syntax"
)

// Renderer is the version of the pages' layout: the same value gives the same
// pages under the same Renderer.
const Renderer = "tieout report pdf 1"

// A PageTable says of every page what it shows, and binds it to the value.
type PageTable struct {
	Schema    int        `json:"schema"`
	Report    string     `json:"report"`    // digest of the value, hex
	Renderer  string     `json:"renderer"`  // who laid the pages out
	Sheet     string     `json:"sheet"`     // digest of the page's size
	Resources string     `json:"resources"` // digest of the fonts and all else that pages draw with
	Outline   string     `json:"outline"`   // digest of the bookmarks
	About     string     `json:"about"`     // digest of title, author and subject of the document
	Pages     []PageLine `json:"pages"`
}

// A PageLine is one page. Content is the digest of what it draws, Links that of
// its links; Shows are its words, in the order in which they are drawn.
type PageLine struct {
	Page    int      `json:"page"` // from 1
	Content string   `json:"content"`
	Links   string   `json:"links"`
	Shows   []string `json:"shows"`
}

// tabulate makes the table of a file just printed from b, and checks that what
// the file shows is what b has.
func tabulate(f *syntax.File, b *book, digest string) ([]byte, error) {
	t, faults, err := readPages(f)
	if err := errors.Join(append(faults, err)...); err != nil {
		return nil, err
	}
	t.Schema, t.Report, t.Renderer = 1, digest, Renderer
	for i, p := range b.pages {
		var want []string
		for _, x := range p.texts {
			want = append(want, x.s)
		}
		if i >= len(t.Pages) || !slices.Equal(t.Pages[i].Shows, want) {
			return nil, fmt.Errorf("%w: page %d does not show what was set on it", audit.ErrAltered, i+1)
		}
	}
	return canonical.Marshal(t)
}

// parsePages reads a table; what it returns re-encodes to data.
func parsePages(data []byte) (PageTable, error) {
	var t PageTable
	if err := canonical.Check(data); err != nil {
		return t, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&t); err != nil {
		return t, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	again, err := canonical.Marshal(t)
	if err == nil && !bytes.Equal(again, data) {
		err = fmt.Errorf("%w: it does not re-encode to the same bytes", audit.ErrInvalid)
	}
	if err == nil && t.Schema != 1 {
		err = fmt.Errorf("%w: schema %d; this program reads 1", audit.ErrInvalid, t.Schema)
	}
	return t, err
}

// readPages reads from a file what a table says, and what is on its pages that
// no page of ours has. What a copy adds for its reader is left out. Schema,
// Report and Renderer are the caller's to set.
func readPages(f *syntax.File) (t PageTable, faults []error, err error) {
	refs, err := pageRefs(f)
	if err != nil {
		return t, nil, err
	}
	h := newHasher(f, refs)
	for i, ref := range refs {
		line := PageLine{Page: i + 1}
		if err := t.read(f, h, &line, f.Dict(ref)); err != nil {
			faults = append(faults, fmt.Errorf("page %d: %w", i+1, err))
		}
		t.Pages = append(t.Pages, line)
	}
	catalog := f.Dict(f.Trailer["Root"])
	if t.Outline, err = h.outline(f.Dict(catalog["Outlines"]), 0); err != nil {
		return t, faults, err
	}
	info, about := f.Dict(f.Trailer["Info"]), []byte{}
	for _, k := range []string{"Title", "Author", "Subject"} {
		s, _ := f.Resolve(info[k]).(syntax.String)
		about = append(canonical.AppendString(about, s.Text()), '\n')
	}
	t.About = sum(about)
	return t, faults, nil
}

// pageKeys are what a page may have.
var pageKeys = []string{"Type", "Parent", "MediaBox", "Resources", "Annots", "Group", "Contents"}

// read reads one page into line; its words also where something else on it is
// not ours.
func (t *PageTable) read(f *syntax.File, h *hasher, line *PageLine, page syntax.Dict) error {
	parts, err := contents(f, page)
	if err != nil {
		return err
	}
	parts = slices.DeleteFunc(parts, func(p []byte) bool { return string(p) == drawCopy })
	content := trimmed(parts)
	line.Content = sum(content)
	var errs []error
	line.Shows, err = Extract(content)
	errs = append(errs, err)
	line.Links, err = h.links(page["Annots"])
	errs = append(errs, err, t.surroundings(f, h, line, page))
	for _, k := range syntax.Keys(page) {
		if !slices.Contains(pageKeys, k) {
			errs = append(errs, fmt.Errorf("%w: it has an entry %s, which this program never writes", audit.ErrAltered, k))
		}
	}
	return errors.Join(errs...)
}

// surroundings checks that all pages draw with the same fonts on one size of
// sheet.
func (t *PageTable) surroundings(f *syntax.File, h *hasher, line *PageLine, page syntax.Dict) error {
	resources, err := h.digest(withoutCopy(f, inherited(f, page, "Resources")))
	if err != nil {
		return err
	}
	box, err := h.digest(syntax.Array{inherited(f, page, "MediaBox"), page["Group"]})
	if err != nil {
		return err
	}
	if line.Page == 1 {
		t.Resources, t.Sheet = resources, box
	}
	if t.Resources != resources || t.Sheet != box {
		return fmt.Errorf("%w: it draws with other fonts, or on another sheet, than the first page", audit.ErrAltered)
	}
	return nil
}

// links checks that a page has links and no other annotation, which could cover
// it, and returns their digest.
func (h *hasher) links(annots any) (string, error) {
	for _, v := range h.file.Array(annots) {
		d := h.file.Dict(v)
		if d["Subtype"] != syntax.Name("Link") || d["AP"] != nil || d["AA"] != nil {
			return "", fmt.Errorf("%w: something other than a link lies on it", audit.ErrAltered)
		}
		if a := h.file.Dict(d["A"]); a != nil && a["S"] != syntax.Name("URI") {
			return "", fmt.Errorf("%w: a link does something other than lead to a place", audit.ErrAltered)
		}
	}
	if annots == nil {
		annots = syntax.Array{}
	}
	return h.digest(annots)
}

// outline is the digest of bookmarks: title, target and those below, in order.
func (h *hasher) outline(parent syntax.Dict, depth int) (string, error) {
	var b []byte
	for at := parent["First"]; at != nil; {
		ref, ok := at.(syntax.Ref)
		if !ok || h.items[ref] || depth > 10 {
			return "", fmt.Errorf("%w: its bookmarks are no tree", audit.ErrInvalid)
		}
		h.items[ref] = true
		item := h.file.Dict(ref)
		title, _ := h.file.Resolve(item["Title"]).(syntax.String)
		b = append(canonical.AppendString(b, title.Text()), ' ')
		var err error
		if b, err = h.append(b, item["Dest"]); err != nil {
			return "", err
		}
		below, err := h.outline(item, depth+1)
		if err != nil {
			return "", err
		}
		b = append(append(append(b, ' '), below...), '\n')
		at = item["Next"]
	}
	return sum(b), nil
}

// operators are all that our pages draw with, and the number of their operands.
var operators = map[syntax.Operator]int{
	"q": 0, "Q": 0, "cm": 6, "BT": 0, "ET": 0, "Td": 2, "Tf": 2, "Tj": 1, "rg": 3, "RG": 3, "g": 1, "G": 1,
	"w": 1, "J": 1, "j": 1, "d": 2, "re": 4, "f": 0, "m": 2, "l": 2, "S": 0,
}

// Extract reads the words that a content stream of ours shows, in order. An
// operator that we do not draw with is an error: it could draw over the words.
func Extract(content []byte) ([]string, error) {
	l, out := syntax.Content(content), []string{}
	var operands []any
	for !l.End() {
		v, err := l.Value()
		if err != nil {
			return nil, err
		}
		op, ok := v.(syntax.Operator)
		if !ok {
			if operands = append(operands, v); len(operands) > 8 {
				return nil, fmt.Errorf("%w: too many operands", audit.ErrInvalid)
			}
			continue
		}
		want, known := operators[op]
		if !known || want != len(operands) {
			return nil, fmt.Errorf("%w: it draws with %q, which this program never does", audit.ErrAltered, string(op))
		}
		if op == "Tj" {
			s, ok := operands[0].(syntax.String)
			if !ok || len(s)%2 != 0 {
				return nil, fmt.Errorf("%w: words that are no words", audit.ErrInvalid)
			}
			out = append(out, syntax.UTF16(s))
		}
		operands = operands[:0]
	}
	return out, nil
}
