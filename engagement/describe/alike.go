package describe

import (
	"strings"
	"time"
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

// Templates are the sentences that Draft writes with, without what it fills in.
func Templates() []string {
	one := Expected{Criteria: []string{""}}
	var out []string
	for _, f := range []Facts{
		{Over: true, Zone: time.UTC},
		{Over: true, Zone: time.UTC, Users: []Named{{}}, Components: []Component{{Kind: "data", Since: " "}}, Data: []Class{{}}, Excluded: []Reason{{}}, Commitments: []Promise{{}}, Requirements: []Promise{{}},
			Incidents: []Incident{{Decided: true, Disclosed: true, Subjects: -1}, {Decided: true, Disclosed: true, Subjects: 2, Ended: time.Unix(0, 0)}}, Criteria: []string{""}, Controls: []Control{{Criteria: []string{""}}},
			Expected: []Expected{one}, Subservices: []Subservice{{Expected: []Expected{one}, Monitored: []string{""}, Report: " "}, {Inclusive: true}}, Left: []Reason{{}}},
	} {
		sections, _ := Draft(f)
		for _, s := range sections {
			for _, p := range s.Paragraphs {
				out = append(out, p.Text)
			}
		}
	}
	return out
}
