package text

import (
	"strings"
	"unicode/utf8"
)

// LineWith finds the line that speaks of an item, and the text that stands in
// it: the longest ending of the item's id that stands in any line, and of those
// lines the one that has it nearest to its beginning. -1: none does.
func LineWith(lines []string, id string) (line int, key string) {
	for _, cut := range []string{"", "/", "@", "#", ":"} {
		key = id
		if cut != "" {
			i := strings.LastIndex(id, cut)
			if i < 0 {
				continue
			}
			key = id[i+1:]
		}
		if len(key) < 2 {
			continue
		}
		best, at := -1, 0
		for i, l := range lines {
			if k := strings.Index(l, key); k >= 0 && (best < 0 || k < at) {
				best, at = i, k
			}
		}
		if best >= 0 {
			return best, key
		}
	}
	return -1, ""
}

// Around cuts the beginning off a line in which key would lie beyond width.
func Around(line, key string, width int) string {
	i := strings.Index(line, key)
	if i+len(key) < width {
		return line
	}
	from := max(0, i-width/4)
	for from > 0 && !utf8.RuneStart(line[from]) {
		from--
	}
	return "…" + line[from:]
}
