package pdf

import (
	"embed"
	"fmt"
	"strings"

	"codeberg.org/go-pdf/fpdf"
)

//go:embed fonts/*.ttf fonts/OFL-*.txt
var files embed.FS

// A face is one of the fonts; its number is its place in faces.
type face uint8

const (
	serif face = iota
	serifItalic
	serifBold
	sans
	sansItalic
	sansBold
	mono
)

var faces = [...]struct{ family, style, file string }{
	serif:       {"serif", "", "serif-regular"},
	serifItalic: {"serif", "I", "serif-italic"},
	serifBold:   {"serif", "B", "serif-semibold"},
	sans:        {"sans", "", "sans-regular"},
	sansItalic:  {"sans", "I", "sans-italic"},
	sansBold:    {"sans", "B", "sans-semibold"},
	mono:        {"mono", "", "mono-regular"},
}

// strong and italic are the faces beside one.
func (f face) strong() face {
	switch f {
	case serif, serifItalic:
		return serifBold
	case sans, sansItalic:
		return sansBold
	}
	return f
}

func (f face) italic() face {
	switch f {
	case serif:
		return serifItalic
	case sans:
		return sansItalic
	}
	return f
}

// addFonts loads every face into doc.
func addFonts(doc *fpdf.Fpdf) error {
	for _, f := range faces {
		data, err := files.ReadFile("fonts/" + f.file + ".ttf")
		if err != nil {
			return err
		}
		doc.AddUTF8FontFromBytes(f.family, f.style, data)
	}
	return doc.Error()
}

// maxRune is one more than the highest character a face may have.
const maxRune = 0x10000

// metrics are how wide each face's characters are, in thousandths of its size;
// below zero: it has none. They are read once from the fonts.
type metrics [len(faces)][]int16

func readMetrics(doc *fpdf.Fpdf) *metrics {
	var m metrics
	for i, f := range faces {
		doc.SetFont(f.family, f.style, 10)
		m[i] = make([]int16, maxRune)
		for r := range m[i] {
			m[i][r] = -1
		}
		for _, span := range shown {
			for r := span[0]; r <= span[1]; r++ {
				if has(face(i), r) {
					m[i][r] = int16(doc.GetStringSymbolWidth(string(r))) //nolint:gosec // an em is 1000
				}
			}
		}
	}
	return &m
}

// width is how wide s is.
func (m *metrics) width(f face, size float64, s string) float64 {
	w := 0
	for _, r := range s {
		if r < maxRune && m[f][r] >= 0 {
			w += int(m[f][r])
		}
	}
	return float64(w) * size / 1000
}

// showable replaces what face f cannot show by its code in brackets: a letter
// that is not printed is never left out unseen.
func (m *metrics) showable(f face, s string) string {
	ok := true
	for _, r := range s {
		ok = ok && r < maxRune && m[f][r] >= 0
	}
	if ok {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < maxRune && m[f][r] >= 0:
			b.WriteRune(r)
		case r == '\t' || r == '\n' || r == '\r':
			b.WriteByte(' ')
		default:
			fmt.Fprintf(&b, "[U+%04X]", r)
		}
	}
	return b.String()
}
