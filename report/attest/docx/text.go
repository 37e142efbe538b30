package docx

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"tieout/report/attest"
)

// A look is how a run differs from its paragraph: a character style, and marks.
type look struct {
	char         string
	bold, italic bool
}

// properties are a run's, in the order the format has them.
func (k look) properties() string {
	out := ""
	if k.char != "" {
		out += `<w:rStyle w:val="` + k.char + `"/>`
	}
	if k.bold {
		out += `<w:b/>`
	}
	if k.italic {
		out += `<w:i/>`
	}
	if out == "" {
		return ""
	}
	return `<w:rPr>` + out + `</w:rPr>`
}

func (w *writer) run(k look, text string) {
	if text == "" {
		return
	}
	w.raw(`<w:r>`, k.properties(), `<w:t xml:space="preserve">`, escape(text), `</w:t></w:r>`)
}

func (w *writer) runs(list []attest.Run) {
	for _, r := range list {
		w.textRun(r)
	}
}

func (w *writer) textRun(r attest.Run) {
	k := look{bold: r.Strong, italic: r.Italic}
	if r.Code {
		k.char = "CodeText"
	}
	switch {
	case r.To != "":
		k.char = "Hyperlink"
		w.raw(`<w:hyperlink w:anchor="`, bookmark(r.To), `" w:history="1">`)
	case w.outside(r.Link) != "":
		k.char = "Hyperlink"
		w.raw(`<w:hyperlink r:id="`, w.outside(r.Link), `" w:history="1">`)
	default:
		w.run(k, r.Text)
		return
	}
	w.run(k, r.Text)
	w.raw(`</w:hyperlink>`)
}

// outside is the relationship of an address, "" of one that a report does not
// lead to: only web pages and mail.
func (w *writer) outside(address string) string {
	if id := w.linkIDs[address]; id != "" || address == "" {
		return id
	}
	u, err := url.Parse(address)
	if err != nil || !slices.Contains([]string{"http", "https", "mailto"}, u.Scheme) {
		return ""
	}
	w.links = append(w.links, u.String())
	id := fmt.Sprintf("rLink%d", len(w.links))
	w.linkIDs[address] = id
	return id
}

// bookmark is an anchor as a bookmark's name: a letter first, at most 40
// characters of letters, digits and underscores.
func bookmark(anchor string) string {
	sum := sha256.Sum256([]byte(anchor))
	return "to_" + hex.EncodeToString(sum[:8])
}

// marked writes a bookmark named name around what body writes.
func (w *writer) marked(name string, body func()) {
	id := fmt.Sprint(w.marks)
	w.marks++
	w.raw(`<w:bookmarkStart w:id="`, id, `" w:name="`, name, `"/>`)
	body()
	w.raw(`<w:bookmarkEnd w:id="`, id, `"/>`)
}

// anchored writes body under the bookmark of an anchor, if there is one.
func (w *writer) anchored(anchor string, body func()) {
	if anchor == "" {
		body()
		return
	}
	w.marked(bookmark(anchor), body)
}

// listed writes a heading's words under the bookmark the contents lead to.
func (w *writer) listed(anchor string, body func()) {
	w.tocs++
	w.marked(listedName(w.tocs), func() { w.anchored(anchor, body) })
}

func listedName(n int) string { return fmt.Sprintf("_Toc%09d", n) }

// paragraph writes one of a named style.
func (w *writer) paragraph(style, more, anchor string, body func()) {
	w.raw(`<w:p><w:pPr><w:pStyle w:val="`, style, `"/>`, more, `</w:pPr>`)
	w.anchored(anchor, body)
	w.raw(`</w:p>`)
}

// escape writes s as XML text. What XML 1.0 cannot hold is replaced.
func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '"':
			b.WriteString("&quot;")
		case r == '\n', r == '\r', r == '\t':
			b.WriteByte(' ')
		case r < 0x20, r >= 0xd800 && r <= 0xdfff, r == 0xfffe, r == 0xffff:
			b.WriteRune(utf8.RuneError)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
