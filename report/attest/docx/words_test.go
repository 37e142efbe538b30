package docx_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"

	xhtml "golang.org/x/net/html"

	"tieout/report/attest"
	"tieout/report/attest/html"
)

// A node is an element of a part.
type node struct {
	name string
	attr map[string]string
	text string
	kids []*node
}

func parse(t *testing.T, data []byte) *node {
	t.Helper()
	root := &node{}
	stack := []*node{root}
	dec := xml.NewDecoder(bytes.NewReader(data))
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return root.kids[0]
		}
		if err != nil {
			t.Fatal(err)
		}
		top := stack[len(stack)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			n := &node{name: tok.Name.Local, attr: map[string]string{}}
			for _, a := range tok.Attr {
				n.attr[a.Name.Local] = a.Value
			}
			top.kids, stack = append(top.kids, n), append(stack, n)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			top.text += string(tok)
		}
	}
}

func (n *node) walk(f func(*node) bool) {
	if !f(n) {
		return
	}
	for _, k := range n.kids {
		k.walk(f)
	}
}

func (n *node) all(name string) []*node {
	var out []*node
	n.walk(func(k *node) bool {
		if k.name == name {
			out = append(out, k)
		}
		return true
	})
	return out
}

func (n *node) value(path ...string) string {
	for _, p := range path {
		found := n.all(p)
		if len(found) == 0 {
			return ""
		}
		n = found[0]
	}
	return n.attr["val"]
}

// counters number lists as a program does that shows the document.
type counters struct {
	first map[string]int
	at    map[string]int
	kind  map[string]string
}

func count(t *testing.T, numbering []byte) *counters {
	c := &counters{first: map[string]int{}, at: map[string]int{}, kind: map[string]string{}}
	for _, a := range parse(t, numbering).all("abstractNum") {
		id := a.attr["abstractNumId"]
		first, err := strconv.Atoi(a.value("start"))
		if err != nil {
			t.Fatal(err)
		}
		c.first[id], c.kind[id] = first, a.value("numFmt")
	}
	return c
}

func (c *counters) mark(p *node) string {
	id, level := p.value("numPr", "numId"), p.value("numPr", "ilvl")
	if id == "" {
		return ""
	}
	if c.kind[id] == "bullet" {
		return "•"
	}
	key := id + "/" + level
	c.at[key]++
	return fmt.Sprintf("%d.", c.first[id]+c.at[key]-1)
}

// squeezed is a text without its spaces: what is compared is words in order.
func squeezed(s string) string { return strings.Join(strings.Fields(s), "") }

// sections are the words of each part of a document, the cover and the contents
// left out.
func sections(t *testing.T, data []byte) []string {
	m := members(t, data)
	c := count(t, m["word/numbering.xml"])
	var out []string
	parse(t, m["word/document.xml"]).walk(func(n *node) bool {
		if n.name == "sdt" {
			return false
		}
		if n.name != "p" {
			return true
		}
		if n.value("pStyle") == "Heading1" {
			out = append(out, "")
		}
		if len(out) == 0 {
			return false
		}
		out[len(out)-1] += c.mark(n)
		for _, w := range n.all("t") {
			out[len(out)-1] += w.text
		}
		return false
	})
	for i := range out {
		out[i] = squeezed(out[i])
	}
	return out
}

// twin are the same of the report's page.
func twin(t *testing.T, r attest.Report) []string {
	t.Helper()
	page, err := html.Render(r)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := xhtml.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	var walk func(*xhtml.Node, bool)
	walk = func(n *xhtml.Node, in bool) {
		if n.Data == "section" {
			out, in = append(out, ""), true
		}
		if n.Type == xhtml.TextNode && in {
			out[len(out)-1] += n.Data
		}
		for k := n.FirstChild; k != nil && n.Data != "caption"; k = k.NextSibling {
			walk(k, in)
		}
	}
	walk(doc, false)
	for i := range out {
		out[i] = squeezed(out[i])
	}
	return out
}

// TestSameWords: every part, paragraph and cell of the page, in its order, with
// the numbers that its lists show.
func TestSameWords(t *testing.T) {
	for name, r := range variants() {
		got, want := sections(t, render(t, r)), twin(t, r)
		if len(got) != len(want) || len(got) < 4 {
			t.Errorf("%s: got %d parts, want %d", name, len(got), len(want))
			continue
		}
		for i := range want {
			if got[i] != want[i] && name != "hostile" {
				t.Errorf("%s, part %d: %s", name, i+1, firstDifference(got[i], want[i]))
			}
		}
	}
}

func firstDifference(got, want string) string {
	for i := 0; i < len(got) && i < len(want); i++ {
		if got[i] != want[i] {
			return fmt.Sprintf("got %q, want %q", got[max(0, i-30):min(len(got), i+40)], want[max(0, i-30):min(len(want), i+40)])
		}
	}
	return fmt.Sprintf("got %d bytes, want %d", len(got), len(want))
}

// TestCells: each table has the document's rows and cells, a cell beside several
// rows is one, and every table repeats its head.
func TestCells(t *testing.T) {
	for name, r := range variants() {
		d, err := attest.Build(r)
		if err != nil {
			t.Fatal(err)
		}
		var want []*attest.Table
		for _, p := range d.Parts {
			for _, b := range p.Blocks {
				if b.Table != nil {
					want = append(want, b.Table)
				}
			}
		}
		got := parse(t, members(t, render(t, r))["word/document.xml"]).all("tbl")
		if len(got) != len(want) {
			t.Fatalf("%s: got %d tables, want %d", name, len(got), len(want))
		}
		for i := range got {
			sameTable(t, name+", "+want[i].Name, got[i], want[i])
		}
	}
}

func sameTable(t *testing.T, name string, got *node, want *attest.Table) {
	t.Helper()
	rows := got.all("tr")
	if len(rows) != len(want.Rows)+1 || len(rows[0].all("tblHeader")) != 1 {
		t.Fatalf("%s: got %d rows, want %d under a head that repeats", name, len(rows), len(want.Rows))
	}
	for i, r := range want.Rows {
		cells := rows[i+1].all("tc")
		if r.Band {
			if got, want := cells[0].value("gridSpan"), strconv.Itoa(len(want.Columns)); got != want && want != "1" {
				t.Errorf("%s, row %d: got a band over %q, want %s", name, i, got, want)
			}
			continue
		}
		if len(cells) != len(want.Columns) {
			t.Fatalf("%s, row %d: got %d cells, want %d", name, i, len(cells), len(want.Columns))
		}
		merged := len(cells[0].all("vMerge")) > 0 && cells[0].value("vMerge") == ""
		if len(r.Cells) > 0 && merged != r.Cells[0].Joined {
			t.Errorf("%s, row %d: got joined %v, want %v", name, i, merged, r.Cells[0].Joined)
		}
	}
}
