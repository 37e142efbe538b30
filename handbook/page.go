package handbook

import (
	"path"
	"regexp"
	"strings"
)

// A Page is one page of the handbook, before it is written as HTML or Markdown.
type Page struct {
	Name  string // path without its ending: "procedures/access.mfa"
	Kind  string // what it is about: "Procedure"
	Ref   string // its identifier: "access.mfa"
	Title string
	Lead  string // what it says in a sentence or two
	Facts []fact // beside the text
	Parts []part
}

// A part is a section of a page.
type part struct {
	id     string // its anchor, unique in the page
	title  string
	blocks []block
}

// A block is one thing in a part; each renderer knows how to write each kind.
type block interface{ blocks() }

type (
	paragraph line
	list      []line
	// A table has as many cells in each row as it has heads.
	table struct {
		caption string // for those who do not see it
		heads   []string
		rows    [][]line
	}
	// A question is the exact wording that is computed.
	question string
	// A whole is a whole document, folded away.
	whole struct{ summary, text string }
	// A statement is what was done, as an auditor would write it.
	statement string
)

func (paragraph) blocks() {}
func (list) blocks()      {}
func (table) blocks()     {}
func (question) blocks()  {}
func (whole) blocks()     {}
func (statement) blocks() {}

// A fact is a name with its value.
type fact struct {
	name  string
	value line
}

// A line is running text.
type line []span

// A span is a piece of text in one style.
type span struct {
	text string
	to   string // name of a page, with #anchor; "" for no link
	look look
}

type look uint8

const (
	plain look = iota
	code
	strong
	outcome // text is an outcome's word
)

func say(text string) line           { return line{{text: text}} }
func exact(text string) line         { return line{{text: text, look: code}} }
func link(text, to string) line      { return line{{text: text, to: to}} }
func linkCode(text, to string) line  { return line{{text: text, to: to, look: code}} }
func result(text string) line        { return line{{text: text, look: outcome}} }
func (l line) and(more ...line) line { return join(append([]line{l}, more...), "") }

// spoken is running text in which `words` between backticks are exact.
func spoken(text string) line {
	var out line
	for i, part := range strings.Split(text, "`") {
		s := span{text: part}
		if i%2 == 1 {
			s.look = code
		}
		if part != "" {
			out = append(out, s)
		}
	}
	return out
}

// join puts lines into one, with text between them.
func join(lines []line, between string) line {
	var out line
	for i, l := range lines {
		if i > 0 && between != "" {
			out = append(out, span{text: between})
		}
		out = append(out, l...)
	}
	return out
}

// from returns where the page called to lies, seen from the page called name.
func from(name, to, ending string) string {
	page, anchor, _ := strings.Cut(to, "#")
	if anchor != "" {
		anchor = "#" + anchor
	}
	if page == name || page == "" {
		return anchor
	}
	if path.Dir(name) == path.Dir(page) {
		return path.Base(page) + ending + anchor
	}
	return strings.Repeat("../", strings.Count(name, "/")) + page + ending + anchor
}

var notWord = regexp.MustCompile(`[^a-z0-9]+`)

// anchorOf makes an anchor of any text: letters and digits stay, everything
// between them is one hyphen.
func anchorOf(s string) string {
	return strings.Trim(notWord.ReplaceAllString(strings.ToLower(s), "-"), "-")
}
