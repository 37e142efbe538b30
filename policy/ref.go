package policy

import (
	"fmt"
	"regexp"
	"strings"
)

// A Ref is a control's id in brackets in the text: [IAM-06].
type Ref struct {
	Control string
	Line    int // in the file
	Column  int
}

func (r Ref) where(name string) string { return fmt.Sprintf("%s:%d:%d: ", name, r.Line, r.Column) }

var refForm = regexp.MustCompile(`\[([A-Z][A-Z0-9]*-[0-9]+(?:, [A-Z][A-Z0-9]*-[0-9]+)*)\]`)

// Refs returns the controls that the body names in brackets, in its order: one
// pair of brackets may hold several, as in [IAM-06, IAM-07]. The words of a
// link, [RFC-6962](https://...), are none.
func (p Policy) Refs() []Ref {
	var out []Ref
	line := p.Line
	for text := range strings.Lines(p.Body) {
		for _, m := range refForm.FindAllStringSubmatchIndex(text, -1) {
			if isLink(text[:m[0]], text[m[1]:]) {
				continue
			}
			column := m[2]
			for id := range strings.SplitSeq(text[m[2]:m[3]], ", ") {
				out = append(out, Ref{id, line, column + 1})
				column += len(id) + 2
			}
		}
		line++
	}
	return out
}

// isLink reports whether what stands between before and after in a line is the
// words of a link, or the name of a link that is told elsewhere.
func isLink(before, after string) bool {
	return strings.HasPrefix(after, "(") || strings.HasPrefix(after, "[") || strings.TrimSpace(before) == "" && strings.HasPrefix(after, ":")
}
