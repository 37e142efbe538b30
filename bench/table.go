package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// A row is one line of the table.
type row struct {
	what, figure, ratio, bar, met string
}

// under is a row whose ratio may be at most bar.
func under(what, figure string, ratio, bar float64, unit string) row {
	return row{what, figure, number(ratio) + unit, "at most " + number(bar) + unit, word(ratio <= bar)}
}

// over is a row whose ratio has to be at least bar.
func over(what, figure string, ratio, bar float64, unit string) row {
	return row{what, figure, number(ratio) + unit, "at least " + number(bar) + unit, word(ratio >= bar)}
}

// plain is a row without a bar.
func plain(what, figure string, ratio float64, unit string) row {
	return row{what, figure, number(ratio) + unit, "", ""}
}

func word(met bool) string {
	if met {
		return "yes"
	}
	return "NO"
}

func number(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

var heads = row{"what", "figure", "ratio", "bar", "met"}

func (r row) cells() [5]string { return [5]string{r.what, r.figure, r.ratio, r.bar, r.met} }

// write prints the rows as one Markdown table with aligned columns.
func write(w io.Writer, rows []row) error {
	var width [5]int
	for _, r := range append([]row{heads}, rows...) {
		for i, c := range r.cells() {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	line := func(r row) {
		for i, c := range r.cells() {
			fmt.Fprintf(&b, "| %s%s ", c, strings.Repeat(" ", width[i]-utf8.RuneCountInString(c)))
		}
		b.WriteString("|\n")
	}
	line(heads)
	for _, n := range width {
		b.WriteString("|" + strings.Repeat("-", n+2))
	}
	b.WriteString("|\n")
	for _, r := range rows {
		line(r)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
