// Package text writes tables for a terminal, and the same tables as
// tab-separated lines for a pipe.
package text

import (
	"io"
	"os"
	"strings"
	"unicode"

	"charm.land/lipgloss/v2"
	"golang.org/x/term"

	"tieout/audit"
)

// DefaultWidth is assumed where a terminal does not say how wide it is.
const DefaultWidth = 80

// MinWidth is the narrowest a table is fitted to; below it lines get longer
// than the terminal.
const MinWidth = 40

// Options say where a table goes.
type Options struct {
	Width int  // columns of the terminal; 0: a pipe, so tab-separated lines
	Color bool // states in color; never the only sign
}

// OptionsFor looks at file and the environment: a terminal gives its width,
// anything else a pipe. Color is off in a pipe, with NO_COLOR set to anything
// and on a dumb terminal.
func OptionsFor(file *os.File, getenv func(string) string) Options {
	fd := int(file.Fd())
	if !term.IsTerminal(fd) {
		return Options{}
	}
	width, _, err := term.GetSize(fd)
	if err != nil || width <= 0 {
		width = DefaultWidth
	}
	return Options{Width: width, Color: getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"}
}

// A Column is one column of a table.
type Column struct {
	Head  string
	Right bool // numbers
	Flex  bool // may be cut to fit the width; others keep theirs as long as they can
}

// A Table is rows under columns. A cell that is a state's or an outcome's word
// is colored where color is on.
type Table struct {
	Columns []Column
	Rows    [][]string
	NoHead  bool // no header line on a terminal; a pipe always has one
	Indent  int  // spaces before each line on a terminal
}

// Write writes the table to w. On a terminal no line is wider than the width:
// flexible columns are cut first, then the widest others, each with "…". In a
// pipe nothing is cut, and a tab or a line break in a cell becomes a space.
// Characters that would move a terminal's cursor are replaced.
func (t Table) Write(w io.Writer, o Options) error {
	if o.Width <= 0 {
		return t.writeTSV(w)
	}
	cells := t.clean()
	widths := t.fit(cells, max(o.Width, MinWidth))
	var b strings.Builder
	if !t.NoHead {
		t.line(&b, cells[0], widths, func(s string) string { return paintHead(s, o.Color) })
	}
	for _, row := range cells[1:] {
		t.line(&b, row, widths, func(s string) string { return Paint(s, o.Color) })
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (t Table) writeTSV(w io.Writer) error {
	var b strings.Builder
	for _, row := range t.clean() {
		b.WriteString(strings.Join(row, "\t") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// clean returns the head and the rows with as many cells as there are columns.
func (t Table) clean() [][]string {
	head := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		head[i] = Clean(c.Head)
	}
	out := [][]string{head}
	for _, row := range t.Rows {
		line := make([]string, len(t.Columns))
		for i := range line {
			if i < len(row) {
				line[i] = Clean(row[i])
			}
		}
		out = append(out, line)
	}
	return out
}

const gutter = 2

// fit returns the columns' widths: natural where they fit, else cut.
func (t Table) fit(cells [][]string, width int) []int {
	widths := make([]int, len(t.Columns))
	for r, row := range cells {
		if r == 0 && t.NoHead {
			continue
		}
		for i, c := range row {
			widths[i] = max(widths[i], Width(c))
		}
	}
	room := width - t.Indent - gutter*max(len(widths)-1, 0)
	shrink(widths, room, 12, func(i int) bool { return t.Columns[i].Flex })
	shrink(widths, room, 4, func(int) bool { return true })
	shrink(widths, room, 1, func(int) bool { return true })
	return widths
}

// shrink takes one column at a time from the widest that may give, none below
// floor, until all fit in room.
func shrink(widths []int, room, floor int, may func(int) bool) {
	total := 0
	for _, w := range widths {
		total += w
	}
	for total > room {
		widest := -1
		for i, w := range widths {
			if may(i) && w > floor && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return
		}
		widths[widest]--
		total--
	}
}

func (t Table) line(b *strings.Builder, row []string, widths []int, paint func(string) string) {
	var line strings.Builder
	line.WriteString(strings.Repeat(" ", t.Indent))
	for i, c := range row {
		if i > 0 {
			line.WriteString(strings.Repeat(" ", gutter))
		}
		c = Cut(c, widths[i])
		pad := strings.Repeat(" ", widths[i]-Width(c))
		if t.Columns[i].Right {
			line.WriteString(pad + paint(c))
		} else {
			line.WriteString(paint(c) + pad)
		}
	}
	b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}

// Width is how many columns of a terminal s takes.
func Width(s string) int { return lipgloss.Width(s) }

// Cut shortens s to width columns, with "…" where something is missing.
func Cut(s string, width int) string {
	if Width(s) <= width {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if Width(b.String()+string(r)) > width-1 {
			break
		}
		b.WriteRune(r)
	}
	return b.String() + "…"
}

// Clean returns s safe for a terminal: white space of any kind is a space, and
// characters that control the terminal or the direction of text are replaced.
func Clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == 0x2028, r == 0x2029:
			return '�'
		}
		return r
	}, s)
}

// Wrap breaks s into lines of at most width columns, at spaces; a longer word
// stands alone. It is for sentences.
func Wrap(s string, width int) string {
	if width <= 0 {
		return Clean(s)
	}
	var lines []string
	line := ""
	for _, word := range strings.Fields(Clean(s)) {
		switch {
		case line == "":
			line = word
		case Width(line)+1+Width(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return strings.Join(append(lines, line), "\n")
}

var (
	green  = lipgloss.NewStyle().Foreground(lipgloss.Color("2"))
	yellow = lipgloss.NewStyle().Foreground(lipgloss.Color("3"))
	red    = lipgloss.NewStyle().Foreground(lipgloss.Color("1")).Bold(true)
	purple = lipgloss.NewStyle().Foreground(lipgloss.Color("5"))
	faint  = lipgloss.NewStyle().Faint(true)
)

var paints = map[string]lipgloss.Style{
	strings.ToLower(string(audit.OnTrack)):      green,
	"no known deviation":                        green,
	audit.Operated.String():                     green,
	strings.ToLower(string(audit.AtRisk)):       yellow,
	audit.Late.String():                         yellow,
	"due":                                       yellow,
	strings.ToLower(string(audit.HasDeviation)): red,
	strings.ToLower(string(audit.EvidenceGap)):  purple,
	"gap":                     purple,
	audit.NoEvidence.String(): purple,
	strings.ToLower(string(audit.NotStarted)): faint,
	audit.Pending.String():                    faint,
}

// Paint colors s if it is a state's or an outcome's word and color is on. The
// word itself carries the meaning; color only helps to find it.
func Paint(s string, color bool) string {
	style, ok := paints[strings.ToLower(strings.TrimSpace(s))]
	if !color || !ok {
		return s
	}
	return style.Render(s)
}

func paintHead(s string, color bool) string {
	if !color || s == "" {
		return s
	}
	return faint.Render(s)
}
