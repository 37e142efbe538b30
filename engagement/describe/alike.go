package describe

import (
	"strings"
	"unicode"
)

// shingle is how many words in a row count as the same wording.
const shingle = 5

// Alike is how much of a text is worded as the templates are: the percentage of
// its words that stand in a run of five words some template has too. Texts of
// fewer than five words are not compared and give 0.
func Alike(text string, templates ...string) int {
	known := map[string]bool{}
	for _, t := range templates {
		for _, s := range shingles(words(t)) {
			known[s] = true
		}
	}
	own := words(text)
	same := make([]bool, len(own))
	for i, s := range shingles(own) {
		for j := range shingle {
			same[i+j] = same[i+j] || known[s]
		}
	}
	n := 0
	for _, yes := range same {
		if yes {
			n++
		}
	}
	if len(own) < shingle {
		return 0
	}
	return n * 100 / len(own)
}

func words(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

func shingles(w []string) []string {
	var out []string
	for i := 0; i+shingle <= len(w); i++ {
		out = append(out, strings.Join(w[i:i+shingle], " "))
	}
	return out
}
