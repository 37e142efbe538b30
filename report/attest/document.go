package attest

import (
	"slices"
	"strings"
	"unicode"
)

// A Document is the report as people read it, in order: every renderer prints
// this and nothing else, so all say the same, cell by cell.
type Document struct {
	ID     string
	Digest string // of the value, hex
	Client string
	Firm   string
	System string
	Draft  bool
	Letter bool // it has neither cover nor contents: Cover's Type and Title name it
	Cover  Cover
	Parts  []Part
}

// Title is what the document is called where files are listed.
func (d *Document) Title() string {
	if d.Letter {
		return d.Cover.Type + ": " + d.Client + ", " + d.System
	}
	return d.Cover.Type + " report: " + d.Client + ", " + d.System
}

// A Cover is what stands on the first page.
type Cover struct {
	Type   string // "SOC 2 Type II"
	Client string
	System string
	Title  string
	Dates  string
	Scope  string // names of the categories; "" of a SOC 1
	Firm   string
	Notes  []string
}

// A Part is a section, or the annex.
type Part struct {
	Kind    string // Auditor, Assertion, Description, Tests, Other, Annexed
	Label   string // "Section IV"; "Annex"
	Title   string
	Running string // the title as a running head has it
	Blocks  []Block
}

// Anchor is the part's name as a place that can be linked to.
func (p Part) Anchor() string { return "s-" + p.Kind }

// A Kind says what a block is.
type Kind uint8

// The kinds of blocks.
const (
	Prose Kind = iota
	Heading
	Item   // of a list
	Code   // keeps its lines
	Notice // a paragraph set apart
	Rule
	Grid      // a table
	Signatory // who states it: lines under a rule
)

// A Block is one block of a part.
type Block struct {
	Kind   Kind
	Level  int    // of a heading 1 to 3; of an item, notice or paragraph the lists and quotes around it
	Mark   string // of an item: "•" or "3."
	Anchor string
	Style  Style
	Runs   []Run
	Lines  []string // of Code and Signatory
	Table  *Table
}

// A Style is how words look.
type Style uint8

// The styles. Plain is the face of what surrounds it.
const (
	Plain  Style = iota
	Stated       // what a person states: serif
	Ref          // an identifier, a digest, a command: fixed width
	Quiet        // beside the point: smaller and lighter
	Strong
)

// A Run is words in one style. At most one of To and Link is set.
type Run struct {
	Text   string
	Strong bool
	Italic bool
	Code   bool
	To     string // anchor within the document
	Link   string // address outside
}

// A Table has rows of one set of columns. Its head is repeated on every page.
type Table struct {
	Name    string // what it shows, for those who cannot see it
	Columns []Column
	Rows    []Row
}

// A Column of a table: its share of the width, and how its cells look.
type Column struct {
	Title string
	Share int
	Style Style
	Right bool // figures under each other
}

// A Row of a table. A band's one cell goes over all columns, and is repeated
// where the rows under it go on on another page.
type Row struct {
	Band   bool
	Mark   string // what "continued" is said of
	Anchor string
	Cells  []Cell
}

// A Cell holds paragraphs. Rows over 1 says that it stands beside so many rows;
// those below begin with a Joined cell without words.
type Cell struct {
	Paras  []Para
	Rows   int
	Joined bool
}

// A Para is a paragraph of a cell.
type Para struct {
	Style Style
	Runs  []Run
}

func words(text string) []Run { return []Run{{Text: text}} }

func cell(style Style, text string) Cell {
	if text == "" {
		return Cell{}
	}
	return Cell{Paras: []Para{{Style: style, Runs: words(text)}}}
}

func heading(level int, anchor, text string) Block {
	return Block{Kind: Heading, Level: level, Anchor: anchor, Runs: words(text)}
}

func paragraph(text string) Block { return Block{Runs: words(text)} }

// Curl sets apostrophes as a printer does, in everything but identifiers and code.
func (d *Document) Curl() {
	d.Cover.Title, d.Cover.Notes = curled(d.Cover.Title), slices.Clone(d.Cover.Notes)
	for i := range d.Cover.Notes {
		d.Cover.Notes[i] = curled(d.Cover.Notes[i])
	}
	for i := range d.Parts {
		d.Parts[i].Title = curled(d.Parts[i].Title)
		for j := range d.Parts[i].Blocks {
			d.Parts[i].Blocks[j].curl()
		}
	}
}

func (b *Block) curl() {
	curlRuns(b.Runs, b.Style)
	if b.Kind == Signatory {
		for i := range b.Lines {
			b.Lines[i] = curled(b.Lines[i])
		}
	}
	if b.Table == nil {
		return
	}
	for _, r := range b.Table.Rows {
		for _, c := range r.Cells {
			for _, p := range c.Paras {
				curlRuns(p.Runs, p.Style)
			}
		}
	}
}

func curlRuns(runs []Run, style Style) {
	for i := range runs {
		if !runs[i].Code && style != Ref {
			runs[i].Text = curled(runs[i].Text)
		}
	}
}

// curled writes the apostrophes of a text, "management's" and "entities' controls",
// in their printed form. A quotation in single marks stays as it is.
func curled(s string) string {
	if !strings.Contains(s, "'") {
		return s
	}
	r := []rune(s)
	quoted := false
	for i, c := range r {
		if c != '\'' {
			continue
		}
		before, after := i > 0 && letter(r[i-1]), i+1 < len(r) && letter(r[i+1])
		switch {
		case before && after, before && r[i-1] == 's' && !quoted:
			r[i] = '’'
		default:
			quoted = !before && after
		}
	}
	return string(r)
}

func letter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// Text is a cell's words, its paragraphs on lines.
func (c Cell) Text() string {
	out := ""
	for i, p := range c.Paras {
		if i > 0 {
			out += "\n"
		}
		for _, r := range p.Runs {
			out += r.Text
		}
	}
	return out
}
