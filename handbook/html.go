package handbook

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page's style
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"strings"

	reporthtml "tieout/report/html"
)

//go:embed page.css
var sheet string

var style = reporthtml.Colors() + sheet

// Fonts is the one file HTML pages share: the house's typefaces. Without it a
// page reads the same in the typefaces of the machine.
func Fonts() string { return reporthtml.FontFaces() }

// FontsName is where pages look for it.
const FontsName = "fonts.css"

// sections are the indexes a page's side names.
var sections = []struct{ name, title string }{
	{"index", "Overview"}, {"criteria", "Criteria"}, {"controls", "Controls"}, {"procedures", "Procedures"}, {"sources", "Sources"}, {"data", "Data"}, {"words", "Words"},
}

// WriteHTML writes p as a page with its style inside it; it holds no script and
// asks for nothing from anywhere but the typefaces beside it. All text is
// escaped.
func WriteHTML(w io.Writer, p Page) error {
	h := &hypertext{page: p}
	h.head()
	h.side()
	h.main()
	h.b.WriteString("</body>\n</html>\n")
	_, err := w.Write(h.b.Bytes())
	return err
}

type hypertext struct {
	page Page
	to   func(text, page string) string // of a page within another; nil: a page of its own
	b    bytes.Buffer
}

// open begins a table; within another page it has that page's class and scrolls
// in itself.
func (h *hypertext) open(t table) {
	class := fmt.Sprintf("t%d %s", len(t.heads), anchorOf(t.heads[0]+" "+t.heads[1]))
	if h.to != nil {
		h.printf("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=%q>", html.EscapeString(t.caption))
		class = "tbl auto"
	}
	h.printf("<table class=\"%s\"><caption class=\"sr\">%s</caption><thead><tr>", class, html.EscapeString(t.caption))
}

func (h *hypertext) close() {
	h.printf("</tbody></table>")
	if h.to != nil {
		h.printf("</div>")
	}
	h.printf("\n")
}

// href is where a link leads; "" where it leads nowhere.
func (h *hypertext) href(s span) string {
	if h.to == nil {
		return from(h.page.Name, s.to, ".html")
	}
	return h.to(s.text, s.to)
}

func (h *hypertext) printf(format string, args ...any) { fmt.Fprintf(&h.b, format, args...) }

func (h *hypertext) head() {
	sum := sha256.Sum256([]byte(style))
	title := h.page.Title
	if h.page.Ref != "" {
		title = h.page.Ref + " " + title
	}
	h.printf("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
	h.printf("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'self' file: 'sha256-%s'; font-src data:; base-uri 'none'; form-action 'none'\">\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	h.printf("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<title>%s</title>\n", html.EscapeString(title))
	h.printf("<link rel=\"stylesheet\" href=%q>\n<style>%s</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the text</a>\n",
		strings.Repeat("../", strings.Count(h.page.Name, "/"))+FontsName, style)
}

func (h *hypertext) side() {
	here, _, _ := strings.Cut(h.page.Name, "/")
	h.printf("<nav class=\"side\" aria-label=\"Handbook\"><p class=\"brand\"><b>Tieout</b> <span>Handbook</span></p><ul>")
	for _, s := range sections {
		current := ""
		if s.name == here {
			current = " aria-current=\"true\""
		}
		h.printf("<li><a href=%q%s>%s</a></li>", from(h.page.Name, s.name, ".html"), current, s.title)
	}
	h.printf("</ul></nav>\n")
}

func (h *hypertext) main() {
	h.printf("<main id=\"main\">\n<header>")
	if group, _, in := strings.Cut(h.page.Name, "/"); in {
		h.printf("<p class=\"way\"><a href=%q>%s</a> / <code>%s</code></p>", from(h.page.Name, group, ".html"), capital(group), html.EscapeString(h.page.Ref))
	}
	h.printf("<p class=\"kind\">%s</p><h1>%s</h1>", h.page.Kind, html.EscapeString(h.page.Title))
	if h.page.Lead != "" {
		h.printf("<p class=\"lead\">%s</p>", html.EscapeString(h.page.Lead))
	}
	h.printf("</header>\n")
	if len(h.page.Facts) > 0 {
		h.printf("<dl class=\"facts\">")
		for _, f := range h.page.Facts {
			h.printf("<div><dt>%s</dt><dd>%s</dd></div>", html.EscapeString(f.name), h.line(f.value))
		}
		h.printf("</dl>\n")
	}
	h.printf("<div class=\"text\">\n")
	for _, p := range h.page.Parts {
		h.printf("<section id=%q><h2>%s</h2>\n", p.id, html.EscapeString(p.title))
		for _, b := range p.blocks {
			h.block(b)
		}
		h.printf("</section>\n")
	}
	h.printf("</div>\n</main>\n")
}

func (h *hypertext) block(b block) {
	switch b := b.(type) {
	case paragraph:
		h.printf("<p>%s</p>\n", h.line(line(b)))
	case statement:
		h.printf("<p class=\"statement\">%s</p>\n", html.EscapeString(string(b)))
	case question:
		h.printf("<p class=\"question\"><code>%s</code></p>\n", html.EscapeString(string(b)))
	case list:
		h.printf("<ul class=\"points\">")
		for _, l := range b {
			h.printf("<li>%s</li>", h.line(l))
		}
		h.printf("</ul>\n")
	case table:
		h.table(b)
	case whole:
		h.printf("<details><summary>%s</summary><pre><code>%s</code></pre></details>\n", html.EscapeString(b.summary), html.EscapeString(b.text))
	}
}

func (h *hypertext) table(t table) {
	h.open(t)
	for _, c := range t.heads {
		h.printf("<th scope=\"col\">%s</th>", html.EscapeString(c))
	}
	h.printf("</tr></thead><tbody>\n")
	for _, r := range t.rows {
		h.printf("<tr>")
		for i, c := range r {
			tag := "td"
			if i == 0 {
				tag = "th scope=\"row\""
			}
			label := ""
			if i > 0 && t.heads[i] != "" {
				label = fmt.Sprintf(" data-head=%q", t.heads[i])
			}
			h.printf("<%s%s>%s</%s>", tag, label, h.line(c), tag[:2])
		}
		h.printf("</tr>\n")
	}
	h.close()
}

// outcomeClass is the shape and color that stand beside an outcome's word.
var outcomeClass = map[string]string{
	"operated": "ok", "late": "late", "deviation": "dev", "no evidence": "gap", "pending": "due", "no occurrence": "none", "not applicable": "none",
}

func (h *hypertext) line(l line) string {
	var b strings.Builder
	for _, s := range l {
		text := strings.ReplaceAll(html.EscapeString(s.text), "\n", "<br>")
		switch {
		case s.look == code && s.text != "":
			text = "<code>" + text + "</code>"
		case s.look == strong:
			text = "<b>" + text + "</b>"
		case s.look == outcome:
			text = "<span class=\"st " + outcomeClass[s.text] + "\">" + text + "</span>"
		}
		if s.to != "" {
			if href := h.href(s); href != "" {
				text = fmt.Sprintf("<a href=\"%s\">%s</a>", html.EscapeString(href), text)
			}
		}
		b.WriteString(text)
	}
	return b.String()
}
