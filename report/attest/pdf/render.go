// Package pdf prints a service auditor's report, checks one by itself, and makes
// copies for a reader. The same value gives the same bytes.
//
// What the PDF carries: docs/formats/soc-report.md.
package pdf

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/report/attest"
	"tieout/report/attest/pdf/syntax"
)

// Names of the files inside the PDF.
const (
	ValueFile      = "report.json"     // the report's value without signatures: its SHA-256 is the report's digest
	PagesFile      = "pages.json"      // PageTable: its SHA-256 is what signatures over the pages cover
	SignaturesFile = "signatures.json" // []attest.Signature
	CopyFile       = "copy.json"       // Copy, of a copy for one reader
)

// Render prints r, its signatures attached.
func Render(r attest.Report) ([]byte, error) {
	f, _, err := render(r)
	if err != nil {
		return nil, err
	}
	return f.Bytes(), nil
}

// Pages is the page table of r, and its digest: what a signer of the pages signs
// beside the digest of the value. Signatures change neither.
func Pages(r attest.Report) (table []byte, digest string, err error) {
	_, table, err = render(r)
	if err != nil {
		return nil, "", err
	}
	return table, sum(table), nil
}

func render(r attest.Report) (*syntax.File, []byte, error) {
	d, err := attest.Build(r)
	if err != nil {
		return nil, nil, err
	}
	f, b, err := printed(d, r.Dated)
	if err != nil {
		return nil, nil, err
	}
	return seal(f, r, b, d.Digest)
}

// Print prints a document that is no report, such as a letter. The PDF carries
// the files given, by name. dated is the document's day; the same document gives
// the same bytes.
func Print(d *attest.Document, dated string, carries map[string][]byte) ([]byte, error) {
	f, _, err := printed(d, dated)
	if err != nil {
		return nil, err
	}
	attach(f, carries)
	if err := identify(f, d.Digest); err != nil {
		return nil, err
	}
	return f.Bytes(), nil
}

// Carried reads a file that a PDF of ours carries. Without one of that name the
// error is ErrNotFound; where data is no PDF of ours, ErrInvalid.
func Carried(data []byte, name string) ([]byte, error) {
	f, err := syntax.Parse(data)
	if err != nil {
		return nil, err
	}
	a, has := attachments(f)[name]
	if !has {
		return nil, fmt.Errorf("%w: the PDF carries no file %s", audit.ErrNotFound, name)
	}
	return a.data, a.err
}

// printed is a document on pages, before anything is attached.
func printed(d *attest.Document, dated string) (*syntax.File, *book, error) {
	b, err := lay(d)
	if err != nil {
		return nil, nil, err
	}
	day, err := time.Parse(time.DateOnly, dated)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: the document's day: %w", audit.ErrInvalid, err)
	}
	raw, err := b.print(day)
	if err != nil {
		return nil, nil, err
	}
	f, err := syntax.Parse(raw)
	if err != nil {
		return nil, nil, err
	}
	outline(f)
	return f, b, nil
}

// identify gives a file the name by which PDFs are told apart.
func identify(f *syntax.File, digest string) error {
	id, err := hex.DecodeString(digest[:min(32, len(digest))])
	if err != nil {
		return fmt.Errorf("%w: digest of the document: %w", audit.ErrInvalid, err)
	}
	f.Trailer["ID"] = syntax.Array{syntax.String(id), syntax.String(id)}
	return nil
}

// seal adds what the PDF carries.
func seal(f *syntax.File, r attest.Report, b *book, digest string) (*syntax.File, []byte, error) {
	table, err := tabulate(f, b, digest)
	if err != nil {
		return nil, nil, err
	}
	signatures := r.Signatures
	if signatures == nil {
		signatures = []attest.Signature{}
	}
	r.Signatures = nil
	value, err := attest.Marshal(r)
	if err != nil {
		return nil, nil, err
	}
	signed, err := canonical.Marshal(signatures)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: signatures of report %s: %w", audit.ErrInvalid, r.ID, err)
	}
	attach(f, map[string][]byte{ValueFile: value, PagesFile: table, SignaturesFile: signed})
	return f, table, identify(f, digest)
}

// attach adds files to those the PDF carries.
func attach(f *syntax.File, add map[string][]byte) {
	catalog := f.Dict(f.Trailer["Root"])
	all := map[string]any{}
	for name, a := range attachments(f) {
		all[name] = a.spec
	}
	for _, name := range slices.Sorted(maps.Keys(add)) {
		data := add[name]
		body := f.Add(syntax.Deflated(syntax.Dict{
			"Type": syntax.Name("EmbeddedFile"), "Subtype": syntax.Name("application/json"),
			"Params": syntax.Dict{"Size": syntax.Number(itoa(len(data)))},
		}, data))
		all[name] = body
	}
	names := syntax.Array{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		spec := all[name]
		if _, isNew := add[name]; isNew {
			spec = f.Add(syntax.Dict{
				"Type": syntax.Name("Filespec"), "F": syntax.String(name), "UF": syntax.String(name),
				"EF": syntax.Dict{"F": spec}, "AFRelationship": syntax.Name("Data"),
			})
		}
		names = append(names, syntax.String(name), spec)
	}
	catalog["Names"] = syntax.Dict{"EmbeddedFiles": syntax.Dict{"Names": names}}
}

// An attachment is a file inside the PDF.
type attachment struct {
	spec any
	data []byte
	err  error
}

// attachments reads the files a PDF carries, by name.
func attachments(f *syntax.File) map[string]attachment {
	out := map[string]attachment{}
	tree := f.Dict(f.Dict(f.Dict(f.Trailer["Root"])["Names"])["EmbeddedFiles"])
	seen := map[syntax.Ref]bool{}
	var walk func(node syntax.Dict, depth int)
	walk = func(node syntax.Dict, depth int) {
		names := f.Array(node["Names"])
		for i := 0; i+1 < len(names); i += 2 {
			name, a := attached(f, names[i+1])
			if _, twice := out[name]; twice {
				a.err = fmt.Errorf("%w: it stands twice in the PDF", audit.ErrAltered)
			}
			out[name] = a
		}
		for _, kid := range f.Array(node["Kids"]) {
			if ref, ok := kid.(syntax.Ref); ok && depth < 10 && !seen[ref] {
				seen[ref] = true
				walk(f.Dict(ref), depth+1)
			}
		}
	}
	walk(tree, 0)
	return out
}

func attached(f *syntax.File, spec any) (string, attachment) {
	d := f.Dict(spec)
	name, _ := f.Resolve(d["UF"]).(syntax.String)
	s, ok := f.Resolve(f.Dict(d["EF"])["F"]).(*syntax.Stream)
	if !ok {
		return name.Text(), attachment{spec: spec, err: fmt.Errorf("%w: it has no content", audit.ErrInvalid)}
	}
	data, err := f.Data(s)
	return name.Text(), attachment{spec: spec, data: data, err: err}
}

// outline gives the bookmarks the counts readers show them by: the first level
// open, the others closed.
func outline(f *syntax.File) {
	root, ok := f.Dict(f.Trailer["Root"])["Outlines"]
	if !ok {
		return
	}
	top := f.Dict(root)
	top["Type"] = syntax.Name("Outlines")
	top["Count"] = syntax.Number(itoa(countItems(f, top)))
}

func countItems(f *syntax.File, parent syntax.Dict) int {
	n := 0
	for item := f.Dict(parent["First"]); item != nil; item = f.Dict(item["Next"]) {
		n++
		delete(item, "Count")
		if kids := countItems(f, item); kids > 0 {
			item["Count"] = syntax.Number("-" + itoa(kids))
		}
	}
	return n
}

// pageRefs are the pages in order.
func pageRefs(f *syntax.File) ([]syntax.Ref, error) {
	var out []syntax.Ref
	seen := map[syntax.Ref]bool{}
	var walk func(v any, depth int) error
	walk = func(v any, depth int) error {
		ref, ok := v.(syntax.Ref)
		if !ok || seen[ref] || depth > 10 {
			return fmt.Errorf("%w: the PDF's pages are no tree", audit.ErrInvalid)
		}
		seen[ref] = true
		d := f.Dict(ref)
		if d["Type"] == syntax.Name("Page") {
			out = append(out, ref)
			return nil
		}
		for _, kid := range f.Array(d["Kids"]) {
			if err := walk(kid, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	err := walk(f.Dict(f.Trailer["Root"])["Pages"], 0)
	return out, err
}

// inherited is a page's entry, its own or that of the tree above it.
func inherited(f *syntax.File, page syntax.Dict, key string) any {
	for range 10 {
		if v, ok := page[key]; ok {
			return v
		}
		if page = f.Dict(page["Parent"]); page == nil {
			return nil
		}
	}
	return nil
}

func trimmed(parts [][]byte) []byte { return bytes.Join(parts, []byte("\n")) }
