package handbook

import (
	"strings"

	"tieout/definition"
)

// wordsPage is what people say around a SOC 2 and what is so: reports, standards,
// laws and terms.
func wordsPage(w *definition.Words) Page {
	p := Page{Name: "words", Kind: "Words", Title: "Reports, standards, laws and terms",
		Lead: "What people say around a SOC 2, and what is so. In our own words; numbers and dates are facts. It is no legal advice.",
		Facts: []fact{{"Reports", say(count(len(w.Reports), "type", "types"))}, {"Standards", say(count(len(w.Standards), "standard", "standards"))},
			{"Laws and frameworks", say(count(len(w.Laws), "entry", "entries"))}, {"Terms", say(count(len(w.Glossary), "term", "terms"))}}}
	reports := table{caption: "Types of report", heads: []string{"Report", "What the opinion is on", "For whom", "Detail"}}
	for _, r := range w.Reports {
		use := map[string]string{"restricted": "Restricted use. ", "general": "General use. "}[r.Distribution]
		reports.rows = append(reports.rows, []line{strongly(r.Name), say(r.Subject + " " + r.Yardstick + "\n" + r.Basis), say(use + r.Audience),
			say(r.Detail + "\nUnder " + strings.Join(r.Standards, ", ") + ".")})
	}
	standards := table{caption: "Standards", heads: []string{"Standard", "What it is", "Dates", "Used for"}}
	for _, s := range w.Standards {
		standards.rows = append(standards.rows, []line{strongly(s.ID), say(s.Name), say(StandardDates(s)), say(strings.TrimSpace(s.For + " " + s.Note))})
	}
	laws := table{caption: "Laws and frameworks", heads: []string{"Law or framework", "What it is about", "What a SOC 2 says of it", "Besides"}}
	for _, l := range w.Laws {
		beside := l.Note
		if l.Mapping != "" {
			beside = strings.TrimSpace("Criteria are mapped to it: " + l.Mapping + ". " + beside)
		}
		laws.rows = append(laws.rows, []line{strongly(l.Name).and(say("\n" + capital(l.Kind))), say(l.About), say(l.SOC2), say(beside)})
	}
	terms := table{caption: "Terms", heads: []string{"Term", "What it is", "What is often mistaken"}}
	for _, t := range w.Glossary {
		terms.rows = append(terms.rows, []line{strongly(t.Term), say(t.Means), say(t.Correction)})
	}
	p.Parts = []part{{"reports", "Types of report", []block{reports}}, {"standards", "Standards", []block{standards}},
		{"laws", "Laws and frameworks", []block{paragraph(say(w.Commercial)), laws}}, {"terms", "Terms", []block{terms}}}
	return p
}

func strongly(s string) line { return line{{text: s, look: strong}} }

// StandardDates says when a standard was issued, for what it is effective and
// what took its place.
func StandardDates(s definition.Standard) string {
	var parts []string
	if s.Issued != "" {
		parts = append(parts, "issued "+s.Issued)
	}
	if s.From != "" {
		parts = append(parts, "effective "+s.From)
	}
	if s.Until != "" {
		parts = append(parts, s.Until)
	}
	switch s.State {
	case "elsewhere":
		parts = append(parts, "in force for other work")
	case "superseded":
	default:
		parts = append(parts, s.State)
	}
	return sentence(strings.Join(parts, "; "))
}
