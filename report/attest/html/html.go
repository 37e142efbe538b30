// Package html writes a service auditor's report as one page that needs nothing
// else: the accessible twin of the PDF, from the same document in the same order.
package html

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"

	"tieout/report/attest"
	"tieout/report/html"
)

//go:embed page.html
var page string

//go:embed page.css
var sheet string

var (
	style  = html.FontFaces() + html.Colors() + sheet
	policy = html.ContentPolicy(style)
	pages  = template.Must(template.New("page").Funcs(template.FuncMap{
		"anchor": anchor, "short": attest.Short, "tag": tag, "kind": kind, "face": face, "bodies": bodies, "id": id, "lists": lists,
	}).Parse(page))
)

// A view is what the page shows.
type view struct {
	*attest.Document
	Style  template.CSS
	Policy string
}

// Render writes r as a page. The same report gives the same bytes; all text of
// the report is escaped, so markup in a name is shown and never acts.
func Render(r attest.Report) ([]byte, error) {
	d, err := attest.Build(r)
	if err != nil {
		return nil, err
	}
	return Page(d)
}

// Page writes a document, be it a report or a letter, as a page.
func Page(d *attest.Document) ([]byte, error) {
	var b bytes.Buffer
	if err := pages.Execute(&b, view{d, template.CSS(style), policy}); err != nil { //nolint:gosec // our own style sheet
		return nil, fmt.Errorf("report page: %w", err)
	}
	return b.Bytes(), nil
}

func anchor(name string) string { return html.Anchor("", name) }

// id is an attribute for a place that can be linked to.
func id(name string) template.HTMLAttr {
	if name == "" {
		return ""
	}
	return template.HTMLAttr(`id="` + html.Anchor("", name) + `"`) //nolint:gosec // Anchor leaves letters, digits and three marks
}

// tag is a heading's level on the page: the report is the first, a section the
// second.
func tag(b attest.Block) int { return 2 + max(1, min(3, b.Level)) }

var kinds = map[attest.Kind]string{
	attest.Prose: "prose", attest.Heading: "heading", attest.Item: "item", attest.Code: "code", attest.Notice: "notice",
	attest.Rule: "rule", attest.Grid: "grid", attest.Signatory: "signatory",
}

func kind(b attest.Block) string { return kinds[b.Kind] }

var styles = map[attest.Style]string{attest.Stated: "stated", attest.Ref: "mono", attest.Quiet: "quiet", attest.Strong: "strong"}

func face(s attest.Style) string { return styles[s] }

// A group is a band's rows, or rows without a band.
type group struct {
	Band *attest.Row
	Rows []attest.Row
}

// bodies takes a table apart at its bands.
func bodies(t *attest.Table) []group {
	var out []group
	for i := range t.Rows {
		r := &t.Rows[i]
		if r.Band {
			out = append(out, group{Band: r})
			continue
		}
		if len(out) == 0 {
			out = append(out, group{})
		}
		last := &out[len(out)-1]
		last.Rows = append(last.Rows, *r)
	}
	return out
}

// A chunk is a block, or the items of one list in a row.
type chunk struct {
	Block attest.Block
	Items []attest.Block
}

// lists puts items that follow each other together.
func lists(blocks []attest.Block) []chunk {
	var out []chunk
	for _, b := range blocks {
		n := len(out)
		if b.Kind != attest.Item {
			out = append(out, chunk{Block: b})
			continue
		}
		if n == 0 || len(out[n-1].Items) == 0 {
			out = append(out, chunk{})
			n++
		}
		out[n-1].Items = append(out[n-1].Items, b)
	}
	return out
}
