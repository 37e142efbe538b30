// Package natural orders identifiers as people do: X-2 before X-10, CC2 before CC10.
package natural

import "strings"

// Compare orders a before b (negative), after it (positive), or says that they are
// the same (0). Runs of digits compare as numbers; only equal texts are the same.
func Compare(a, b string) int {
	for a != "" && b != "" {
		x, restA := chunk(a)
		y, restB := chunk(b)
		if c := compareChunk(x, y); c != 0 {
			return c
		}
		a, b = restA, restB
	}
	return len(a) - len(b)
}

// chunk cuts the leading run of digits, or of other bytes, off s.
func chunk(s string) (head, rest string) {
	i := 1
	for i < len(s) && isDigit(s[i]) == isDigit(s[0]) {
		i++
	}
	return s[:i], s[i:]
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func compareChunk(x, y string) int {
	if isDigit(x[0]) && isDigit(y[0]) {
		p, q := strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		if len(p) != len(q) {
			return len(p) - len(q)
		}
		if c := strings.Compare(p, q); c != 0 {
			return c
		}
	}
	return strings.Compare(x, y)
}
