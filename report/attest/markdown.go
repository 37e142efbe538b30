package attest

import (
	"strconv"
	"strings"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/util"

	"tieout/policy"
)

// Markdown reads a text as package policy allows it. Its first level of headings
// becomes level, at most the third. A text nobody writes is one block of code.
func Markdown(md string, level int) []Block {
	doc, source, ok := policy.Tree(md)
	if !ok {
		return []Block{{Kind: Code, Lines: strings.Split(string(source), "\n")}}
	}
	m := marker{source: source, level: level, top: topHeading(doc)}
	m.children(doc, 0)
	return m.out
}

// marker turns a tree into blocks.
type marker struct {
	source []byte
	level  int
	top    int // the tree's highest level of headings
	out    []Block
}

// topHeading is the least level of a heading in doc: a text whose headings begin
// with "##" looks like one that begins with "#".
func topHeading(doc ast.Node) int {
	top := 6
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok {
			top = min(top, h.Level)
		}
	}
	return top
}

func (m *marker) children(n ast.Node, depth int) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		m.block(c, depth)
	}
}

func (m *marker) block(n ast.Node, depth int) {
	switch n := n.(type) {
	case *ast.Heading:
		m.add(Block{Kind: Heading, Level: max(1, min(3, m.level+n.Level-m.top)), Runs: m.runs(n)})
	case *ast.Paragraph, *ast.TextBlock:
		m.add(Block{Level: depth, Runs: m.runs(n)})
	case *ast.CodeBlock, *ast.FencedCodeBlock:
		m.out = append(m.out, Block{Kind: Code, Level: depth, Lines: strings.Split(strings.TrimRight(string(n.Lines().Value(m.source)), "\n"), "\n")})
	case *ast.List:
		m.list(n, depth)
	case *east.Table:
		m.table(n)
	case *ast.Blockquote:
		m.quote(n, depth)
	case *ast.ThematicBreak:
		m.out = append(m.out, Block{Kind: Rule})
	default:
		m.children(n, depth)
	}
}

func (m *marker) add(b Block) {
	for _, r := range b.Runs {
		if strings.TrimSpace(r.Text) != "" {
			m.out = append(m.out, b)
			return
		}
	}
}

// list makes the first paragraph of each item the item.
func (m *marker) list(n *ast.List, depth int) {
	number := n.Start
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		mark := "•"
		if n.IsOrdered() {
			mark = strconv.Itoa(number) + "."
			number++
		}
		before := len(m.out)
		m.children(item, depth+1)
		if len(m.out) > before && m.out[before].Kind == Prose && m.out[before].Level == depth+1 {
			m.out[before].Kind, m.out[before].Mark = Item, mark
		}
	}
}

// quote makes a quote's paragraphs notices.
func (m *marker) quote(n ast.Node, depth int) {
	before := len(m.out)
	m.children(n, depth)
	for i := before; i < len(m.out); i++ {
		if m.out[i].Kind == Prose {
			m.out[i].Kind = Notice
		}
	}
}

func (m *marker) table(n *east.Table) {
	t := &Table{Name: "Table"}
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []Cell
		for c := row.FirstChild(); c != nil; c = c.NextSibling() {
			cells = append(cells, Cell{Paras: []Para{{Runs: m.runs(c)}}})
		}
		if _, head := row.(*east.TableHeader); head {
			for _, c := range cells {
				t.Columns = append(t.Columns, Column{Title: c.Text(), Share: 1})
			}
			continue
		}
		t.Rows = append(t.Rows, Row{Cells: cells})
	}
	shares(t)
	m.out = append(m.out, Block{Kind: Grid, Table: t})
}

// shares gives each column a width by its longest cell, within bounds.
func shares(t *Table) {
	for i := range t.Columns {
		longest := len(t.Columns[i].Title)
		for _, r := range t.Rows {
			if i < len(r.Cells) {
				longest = max(longest, len(r.Cells[i].Text()))
			}
		}
		t.Columns[i].Share = max(10, min(60, longest))
	}
}

func (m *marker) runs(n ast.Node) []Run {
	var out []Run
	m.inline(n, Run{}, &out)
	return tidy(out)
}

func (m *marker) inline(n ast.Node, as Run, out *[]Run) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		next := as
		switch c := c.(type) {
		case *ast.Text:
			next.Text = string(unescaped(c.Value(m.source)))
			if c.SoftLineBreak() || c.HardLineBreak() {
				next.Text += " "
			}
			*out = append(*out, next)
			continue
		case *ast.String:
			next.Text = string(c.Value)
			*out = append(*out, next)
			continue
		case *ast.CodeSpan:
			next.Code = true
			next.Text = m.raw(c)
			*out = append(*out, next)
			continue
		case *ast.AutoLink:
			next.Text, next.Link = string(c.Label(m.source)), string(c.URL(m.source))
			*out = append(*out, next)
			continue
		case *ast.Emphasis:
			next.Strong, next.Italic = as.Strong || c.Level == 2, as.Italic || c.Level == 1
		case *ast.Link:
			next.Link = string(util.URLEscape(c.Destination, true))
		}
		m.inline(c, next, out)
	}
}

func (m *marker) raw(n ast.Node) string {
	var b strings.Builder
	for t := n.FirstChild(); t != nil; t = t.NextSibling() {
		if t, ok := t.(*ast.Text); ok {
			b.Write(t.Value(m.source))
		}
	}
	return b.String()
}

// unescaped resolves what Markdown writes in another way: \* and &amp;.
func unescaped(raw []byte) []byte {
	return util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(raw)))
}

// tidy collapses spaces, within runs and between them, and joins runs that look
// the same.
func tidy(in []Run) []Run {
	var out []Run
	space := true
	for _, r := range in {
		text, after := collapse(r.Text, space)
		if text == "" {
			continue
		}
		space = after
		r.Text = text
		if n := len(out); n > 0 && sameLook(out[n-1], r) {
			out[n-1].Text += text
			continue
		}
		out = append(out, r)
	}
	if n := len(out); n > 0 {
		out[n-1].Text = strings.TrimRight(out[n-1].Text, " ")
	}
	return out
}

func collapse(s string, space bool) (string, bool) {
	var b strings.Builder
	for _, c := range s {
		if c == ' ' || c == '\n' || c == '\t' || c == '\r' {
			if !space {
				b.WriteByte(' ')
			}
			space = true
			continue
		}
		b.WriteRune(c)
		space = false
	}
	return b.String(), space
}

func sameLook(a, b Run) bool {
	a.Text, b.Text = "", ""
	return a == b
}
