package web

import (
	"fmt"
	"strings"
)

// around is how many lines that stay are shown beside those that change.
const around = 3

// lineDiff is the change of a file as a unified diff of lines; "" where nothing
// changes. Work grows with the product of the lines that differ, so it is for
// definition files; of more than a few thousand the whole middle is replaced.
func lineDiff(name, before, after string) string {
	if before == after {
		return ""
	}
	a, b := splitLines(before), splitLines(after)
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	from, to := max(0, head-around), min(tail, around)
	var out strings.Builder
	fmt.Fprintf(&out, "--- a/%s\n+++ b/%s\n@@ -%d,%d +%d,%d @@\n", name, name, from+1, len(a)-tail+to-from, from+1, len(b)-tail+to-from)
	put := func(mark string, lines []string) {
		for _, l := range lines {
			out.WriteString(mark + l + "\n")
		}
	}
	put(" ", a[from:head])
	for _, l := range middle(a[head:len(a)-tail], b[head:len(b)-tail]) {
		out.WriteString(l + "\n")
	}
	put(" ", a[len(a)-tail:len(a)-tail+to])
	return out.String()
}

func splitLines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

// maxMiddle bounds the table of middle.
const maxMiddle = 1 << 20

// middle is a shortest way from a to b, each line with its mark.
func middle(a, b []string) (out []string) {
	if len(a)*len(b) > maxMiddle {
		for _, l := range a {
			out = append(out, "-"+l)
		}
		for _, l := range b {
			out = append(out, "+"+l)
		}
		return out
	}
	common := make([][]int, len(a)+1) // longest common part of what is left
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if common[i][j] = max(common[i+1][j], common[i][j+1]); a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out, i, j = append(out, " "+a[i]), i+1, j+1
		case i < len(a) && (j == len(b) || common[i+1][j] >= common[i][j+1]):
			out, i = append(out, "-"+a[i]), i+1
		default:
			out, j = append(out, "+"+b[j]), j+1
		}
	}
	return out
}
