package handbook

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// WriteMarkdown writes p as Markdown with tables (CommonMark and GitHub's).
// Links go to the other pages' Markdown.
func WriteMarkdown(w io.Writer, p Page) error {
	m := &markdown{page: p}
	fmt.Fprintf(&m.b, "# %s\n\n", heading(p))
	if p.Lead != "" {
		fmt.Fprintf(&m.b, "%s\n\n", escaped(p.Lead))
	}
	for _, f := range p.Facts {
		fmt.Fprintf(&m.b, "- %s: %s\n", f.name, strings.ReplaceAll(m.line(f.value), "<br>", "; "))
	}
	for _, part := range p.Parts {
		fmt.Fprintf(&m.b, "\n<a id=%q></a>\n\n## %s\n", part.id, part.title)
		for _, bl := range part.blocks {
			m.block(bl)
		}
	}
	_, err := w.Write(m.b.Bytes())
	return err
}

func heading(p Page) string {
	if p.Ref == "" {
		return escaped(p.Title)
	}
	return p.Ref + ": " + escaped(p.Title)
}

type markdown struct {
	page Page
	b    bytes.Buffer
}

func (m *markdown) block(b block) {
	m.b.WriteByte('\n')
	switch b := b.(type) {
	case paragraph:
		fmt.Fprintln(&m.b, m.line(line(b)))
	case statement:
		fmt.Fprintf(&m.b, "> %s\n", escaped(string(b)))
	case question:
		fmt.Fprintf(&m.b, "    %s\n", b)
	case list:
		for _, l := range b {
			fmt.Fprintf(&m.b, "- %s\n", m.line(l))
		}
	case table:
		m.table(b)
	case whole:
		fmt.Fprintf(&m.b, "```yaml\n%s```\n", b.text)
	}
}

func (m *markdown) table(t table) {
	fmt.Fprintf(&m.b, "| %s |\n|%s\n", strings.Join(t.heads, " | "), strings.Repeat(" --- |", len(t.heads)))
	for _, r := range t.rows {
		cells := make([]string, len(r))
		for i, c := range r {
			cells[i] = strings.ReplaceAll(m.line(c), "|", "\\|")
		}
		fmt.Fprintf(&m.b, "| %s |\n", strings.Join(cells, " | "))
	}
}

func (m *markdown) line(l line) string {
	var b strings.Builder
	for _, s := range l {
		text := escaped(s.text)
		switch s.look {
		case code:
			text = ""
			if s.text != "" {
				text = "`" + s.text + "`"
			}
		case strong, outcome:
			text = "**" + text + "**"
		}
		if s.to != "" {
			text = "[" + text + "](" + from(m.page.Name, s.to, ".md") + ")"
		}
		b.WriteString(strings.ReplaceAll(text, "\n", "<br>"))
	}
	return b.String()
}

var markdownEscapes = strings.NewReplacer("\\", "\\\\", "*", "\\*", "_", "\\_", "<", "&lt;", "`", "\\`", "[", "\\[", "]", "\\]")

func escaped(s string) string { return markdownEscapes.Replace(s) }
