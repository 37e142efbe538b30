package policy

import (
	"strconv"
	"strings"

	"github.com/yuin/goldmark/ast"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// Kinds of blocks.
const (
	KindHeading   = "heading"
	KindParagraph = "paragraph"
	KindItem      = "item" // of a list: its first paragraph
	KindRow       = "row"  // of a table
	KindCode      = "code" // keeps its lines
)

// A block is one block of a Markdown text as its reader sees it.
type block struct {
	kind   string
	level  int    // of a heading on the page, 3 to 6; of anything else the number of lists and quotes around it
	marker string // of an item: "-" or "3."
	text   string // without markup; where a link leads stands behind its words
}

// blocks returns what a reader of md sees, in order.
func blocks(md string) []block {
	r := blockReader{source: []byte(clean(md))}
	if unwritten(string(r.source)) {
		r.add(block{kind: KindCode, text: string(r.source)})
		return r.out
	}
	r.children(markdown.Parser().Parse(text.NewReader(r.source)), 0)
	return r.out
}

// Tree is md as HTML reads it, for renderers of other formats: hidden
// characters taken out, images and links that may not lead anywhere made their
// words, headings from the third level down. ok is false for a text that nobody
// writes (see HTML); it is then shown as it is.
func Tree(md string) (doc ast.Node, source []byte, ok bool) {
	source = []byte(clean(md))
	if unwritten(string(source)) {
		return nil, source, false
	}
	return markdown.Parser().Parse(text.NewReader(source)), source, true
}

type blockReader struct {
	source []byte
	out    []block
}

func (r *blockReader) children(n ast.Node, level int) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		r.block(c, level)
	}
}

func (r *blockReader) block(n ast.Node, level int) {
	switch n := n.(type) {
	case *ast.Heading:
		r.add(block{kind: KindHeading, level: n.Level, text: r.inline(n)})
	case *ast.Paragraph, *ast.TextBlock:
		r.add(block{kind: KindParagraph, level: level, text: r.inline(n)})
	case *ast.CodeBlock, *ast.FencedCodeBlock:
		r.add(block{kind: KindCode, level: level, text: strings.TrimRight(string(n.Lines().Value(r.source)), "\n")})
	case *ast.List:
		r.list(n, level+1)
	case *east.Table:
		r.table(n, level)
	case *ast.Blockquote:
		r.children(n, level+1)
	default:
		r.children(n, level)
	}
}

func (r *blockReader) add(b block) {
	if strings.TrimSpace(b.text) != "" {
		r.out = append(r.out, b)
	}
}

// list makes the first paragraph of each item the item.
func (r *blockReader) list(n *ast.List, level int) {
	number := n.Start
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		marker := "-"
		if n.IsOrdered() {
			marker = strconv.Itoa(number) + "."
			number++
		}
		before := len(r.out)
		if r.children(item, level); len(r.out) > before && r.out[before].kind == KindParagraph && r.out[before].level == level {
			r.out[before].kind, r.out[before].marker = KindItem, marker
		}
	}
}

func (r *blockReader) table(n *east.Table, level int) {
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []string
		for c := row.FirstChild(); c != nil; c = c.NextSibling() {
			cells = append(cells, r.inline(c))
		}
		r.add(block{kind: KindRow, level: level, text: strings.Join(cells, " | ")})
	}
}

// inline returns a block's words, spaces collapsed.
func (r *blockReader) inline(n ast.Node) string {
	var b strings.Builder
	r.words(&b, n)
	return strings.Join(strings.Fields(b.String()), " ")
}

func (r *blockReader) words(b *strings.Builder, n ast.Node) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			b.Write(unescaped(c.Value(r.source)))
			if c.SoftLineBreak() || c.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(c.Value)
		case *ast.CodeSpan:
			for t := c.FirstChild(); t != nil; t = t.NextSibling() {
				if t, ok := t.(*ast.Text); ok {
					b.Write(t.Value(r.source))
				}
			}
		case *ast.AutoLink:
			b.Write(c.Label(r.source))
		case *ast.Link:
			r.link(b, c)
		default:
			r.words(b, c)
		}
	}
}

func (r *blockReader) link(b *strings.Builder, n *ast.Link) {
	var label strings.Builder
	r.words(&label, n)
	b.WriteString(label.String())
	if to := strings.TrimPrefix(destination(n), "mailto:"); to != strings.TrimSpace(label.String()) {
		b.WriteString(" (" + to + ")")
	}
}

// unescaped resolves what Markdown writes in another way: \* and &amp;.
func unescaped(raw []byte) []byte {
	return util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(raw)))
}

// textWidth is where lines of Text are broken.
const textWidth = 76

// Text renders Markdown as plain text for mail: paragraphs broken at 76
// columns, headings underlined, lists with their marks, an address behind the
// words that lead to it. It ends with a newline unless it is empty.
func Text(md string) string {
	var b strings.Builder
	last := ""
	for _, x := range blocks(md) {
		tight := last == x.kind && (x.kind == KindItem || x.kind == KindRow)
		if b.Len() > 0 && !tight {
			b.WriteByte('\n')
		}
		x.write(&b)
		last = x.kind
	}
	return b.String()
}

func (x block) write(b *strings.Builder) {
	switch x.kind {
	case KindHeading:
		b.WriteString(wrap(x.text, "", ""))
		under := "-"
		if x.level == 1+headingShift {
			under = "="
		}
		b.WriteString(strings.Repeat(under, min(textWidth, len([]rune(x.text)))) + "\n")
	case KindItem:
		indent := strings.Repeat("  ", max(0, min(x.level, 20)-1))
		b.WriteString(wrap(x.text, indent+x.marker+" ", indent+strings.Repeat(" ", len(x.marker)+1)))
	case KindCode:
		for line := range strings.SplitSeq(x.text, "\n") {
			b.WriteString(strings.TrimRight("    "+line, " ") + "\n")
		}
	default:
		indent := strings.Repeat("  ", min(x.level, 20))
		b.WriteString(wrap(x.text, indent, indent))
	}
}

// wrap breaks words at textWidth, with first before the first line and then
// before the others. A word that is longer keeps its own line.
func wrap(words, first, then string) string {
	var b strings.Builder
	line, begun := first, false
	for _, word := range strings.Fields(words) {
		if begun && len([]rune(line))+1+len([]rune(word)) > textWidth {
			b.WriteString(line + "\n")
			line, begun = then, false
		}
		if begun {
			line += " "
		}
		line, begun = line+word, true
	}
	return b.String() + line + "\n"
}
