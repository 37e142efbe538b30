package policy

import (
	"bytes"
	"html/template"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// HTML renders Markdown that anyone may have written as HTML for a page: the
// second heading level of a text becomes the page's fourth, tags are shown as
// they are written and do nothing, links lead to http, https, mailto or a place
// on this server and tell what they lead to nothing, and an image is its words.
// A text longer than MaxSize, or one that nobody writes (quotes within quotes
// forty deep), is shown as it is written, in one block.
func HTML(md string) template.HTML { return render(markdown, md) }

// Article renders a text as HTML does, below a page's title: a first heading
// that only repeats the title is left out, and the headings below it are then
// the page's third level and so on.
func Article(title, md string) template.HTML {
	md = clean(md)
	first, rest, _ := strings.Cut(strings.TrimLeft(md, "\n"), "\n")
	heading, ok := strings.CutPrefix(first, "# ")
	if !ok || strings.Join(strings.Fields(heading), " ") != strings.Join(strings.Fields(title), " ") {
		return HTML(md)
	}
	return render(untitled, rest)
}

func render(with goldmark.Markdown, md string) template.HTML {
	md = clean(md)
	var b bytes.Buffer
	if unwritten(md) || with.Convert([]byte(md), &b) != nil {
		return template.HTML("<pre>" + template.HTMLEscapeString(md) + "</pre>") //nolint:gosec // escaped
	}
	return template.HTML(allowed.SanitizeBytes(b.Bytes())) //nolint:gosec // what the allow list lets through
}

// Bounds of a text that a parser of Markdown reads in a time that grows with
// its length and not with its square.
const (
	maxNesting = 40   // marks of quotes and lists at the start of a line
	maxLinks   = 1000 // of one paragraph
)

// unwritten reports whether a text is beyond what people write.
func unwritten(md string) bool {
	if len(md) > MaxSize {
		return true
	}
	links := 0
	for line := range strings.Lines(md) {
		if strings.TrimSpace(line) == "" {
			links = 0
		}
		links += strings.Count(line, "](") + strings.Count(line, "]:")
		start := line[:len(line)-len(strings.TrimLeft(line, " \t>-+*.)0123456789"))]
		if links > maxLinks || len(strings.Fields(strings.ReplaceAll(start, ">", "> "))) > maxNesting || strings.Count(start, " ")+4*strings.Count(start, "\t") > 8*maxNesting {
			return true
		}
	}
	return false
}

// clean takes out what nobody sees, and what is no text.
func clean(md string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && hidden(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(md, "\ufffd"))
}

// markdown and untitled read and write Markdown without HTML in it; untitled
// that of a text whose title is taken off. They are safe for concurrent use.
var (
	markdown = converter(headingShift)
	untitled = converter(headingShift - 1)
)

// headingShift makes a text's first heading level the page's third: the page
// has a title of its own.
const headingShift = 2

func converter(shift int) goldmark.Markdown {
	return goldmark.New(goldmark.WithParser(parser.NewParser(
		parser.WithBlockParsers(
			util.Prioritized(parser.NewSetextHeadingParser(), 100),
			util.Prioritized(parser.NewThematicBreakParser(), 200),
			util.Prioritized(parser.NewListParser(), 300),
			util.Prioritized(parser.NewListItemParser(), 400),
			util.Prioritized(parser.NewCodeBlockParser(), 500),
			util.Prioritized(parser.NewATXHeadingParser(), 600),
			util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
			util.Prioritized(parser.NewBlockquoteParser(), 800),
			util.Prioritized(parser.NewParagraphParser(), 1000),
		),
		parser.WithInlineParsers(
			util.Prioritized(parser.NewCodeSpanParser(), 100),
			util.Prioritized(parser.NewLinkParser(), 200),
			util.Prioritized(parser.NewAutoLinkParser(), 300),
			util.Prioritized(parser.NewEmphasisParser(), 500),
		),
		parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
		parser.WithASTTransformers(util.Prioritized(tamer{shift}, 1000)),
	)), goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignNone))))
}

// allowed is every element and attribute that ever leaves HTML.
var allowed = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("h3", "h4", "h5", "h6", "p", "br", "hr", "strong", "em", "code", "pre", "blockquote", "ul", "ol", "li",
		"table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("start").Matching(regexp.MustCompile(`^[0-9]{1,6}$`)).OnElements("ol")
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("rel").Matching(regexp.MustCompile(`^nofollow noopener$`)).OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowRelativeURLs(true)
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnLinks(true)
	return p
}()

// linkRel is on every link.
const linkRel = "nofollow noopener"

// A tamer changes a parsed text into one that may stand on a page, its headings
// by shift levels lower and never above the third.
type tamer struct{ shift int }

// Transform is called by the parser.
func (t tamer) Transform(doc *ast.Document, reader text.Reader, _ parser.Context) {
	var drop []ast.Node
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the function below returns no error
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			n.Level = max(1+headingShift, min(6, n.Level+t.shift))
		case *ast.Image:
			drop = append(drop, n)
		case *ast.Link:
			n.Title = nil
			if n.SetAttributeString("rel", []byte(linkRel)); !mayLead(destination(n)) {
				drop = append(drop, n)
			}
		case *ast.AutoLink:
			if n.SetAttributeString("rel", []byte(linkRel)); n.AutoLinkType == ast.AutoLinkURL && !mayLead(string(n.URL(reader.Source()))) {
				drop = append(drop, n)
			}
		}
		return ast.WalkContinue, nil
	})
	for _, n := range drop {
		unwrap(n, reader.Source())
	}
}

// destination is where a link leads, as the renderer writes it.
func destination(n *ast.Link) string { return string(util.URLEscape(n.Destination, true)) }

// unwrap puts a node's content, or an address's words, in its place.
func unwrap(n ast.Node, source []byte) {
	parent := n.Parent()
	if auto, ok := n.(*ast.AutoLink); ok {
		parent.ReplaceChild(parent, n, ast.NewString(auto.Label(source)))
		return
	}
	for c := n.FirstChild(); c != nil; c = n.FirstChild() {
		n.RemoveChild(n, c)
		parent.InsertBefore(parent, n, c)
	}
	parent.RemoveChild(parent, n)
}

// mayLead reports whether a link may lead to dest: the web, a mailbox, or a
// place on this server. An address that begins with two slashes, or with what
// a browser takes for them, is none of these.
func mayLead(dest string) bool {
	if dest == "" || strings.ContainsFunc(dest, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) || r == '\\' }) {
		return false
	}
	u, err := url.Parse(dest)
	if err != nil {
		return false
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https":
		return u.Host != ""
	case "mailto":
		return u.Opaque != ""
	case "":
		return u.Host == "" && !strings.HasPrefix(dest, "//")
	}
	return false
}
