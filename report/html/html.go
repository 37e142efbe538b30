// Package html writes a report as one page that needs nothing else: style and
// fonts are inside it, it holds no script and asks for nothing from anywhere,
// and its own policy forbids both. It reads on screens and prints on A4.
package html

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"

	"tieout/audit"
	"tieout/report"
)

//go:embed fonts/*.woff2 fonts/OFL-*.txt
var fonts embed.FS

//go:embed page.css
var sheet string

//go:embed page.html
var page string

// Shown is how many findings or stretches without evidence one table lists;
// the page says where the others are.
const Shown = 2000

var (
	style  = FontFaces() + sheet
	policy = ContentPolicy(style)
	pages  = template.Must(template.New("page").Funcs(template.FuncMap{"anchor": Anchor}).Parse(page))
)

// Write writes r as a page. The same report gives the same bytes. All text of
// the report is escaped, so markup in a name is shown and never acts.
func Write(w io.Writer, r audit.Report) error {
	v, err := NewView(&r, report.Outsider)
	if err != nil {
		return fmt.Errorf("report page: %w", err)
	}
	var b bytes.Buffer
	if err := pages.Execute(&b, v); err != nil {
		return fmt.Errorf("report page: %w", err)
	}
	_, err = w.Write(b.Bytes())
	return err
}

// ContentPolicy allows the one style sheet by its hash, fonts inside the page,
// and nothing else.
func ContentPolicy(style string) string {
	h := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(h[:]) +
		"'; font-src data:; base-uri 'none'; form-action 'none'"
}

// Colors is the part of the style that names the house's colors and typefaces,
// for pages of other packages.
func Colors() string {
	root, _, _ := strings.Cut(sheet, "\n*,")
	return root + "\n"
}

// Sheet is the whole style of the page, without typefaces.
func Sheet() string { return sheet }

// A Typeface is one of the house's fonts; File is its name below fonts.
type Typeface struct{ Family, File, Weights string }

// Typefaces are the house's fonts.
var Typefaces = []Typeface{
	{"Inter", "inter-latin-wght-normal.woff2", "100 900"},
	{"Source Serif 4", "source-serif-4-latin-wght-normal.woff2", "200 900"},
	{"JetBrains Mono", "jetbrains-mono-latin-wght-normal.woff2", "100 800"},
}

// Data is the font's file (WOFF2).
func (t Typeface) Data() []byte {
	data, err := fonts.ReadFile("fonts/" + t.File)
	if err != nil {
		panic(err)
	}
	return data
}

// FontFaces is a style sheet that holds the house's typefaces and needs nothing
// else.
func FontFaces() string {
	var b strings.Builder
	for _, f := range Typefaces {
		fmt.Fprintf(&b, "@font-face{font-family:%q;src:url(data:font/woff2;base64,%s) format(\"woff2\");font-weight:%s;font-display:swap}\n",
			f.Family, base64.StdEncoding.EncodeToString(f.Data()), f.Weights)
	}
	return b.String()
}

// Anchor makes a fragment name of prefix and any text: letters, digits, dot
// and hyphen stay, every other byte becomes "_" and two hex digits.
func Anchor(prefix, s string) string {
	var b strings.Builder
	b.WriteString(prefix)
	for i := range len(s) {
		c := s[i]
		if c == '.' || c == '-' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "_%02x", c)
		}
	}
	return b.String()
}
