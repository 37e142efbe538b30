package web

import (
	"strings"

	"tieout/definition"
	"tieout/handbook"
	"tieout/reader/answer"
	"tieout/report"
	"tieout/report/html"
)

var wordRoutes = []route{
	{pattern: "GET /words", do: (*request).wordList},
}

// A standardRow is a standard with its dates in words.
type standardRow struct {
	definition.Standard
	Anchor, Dates, Class, Word string
}

// A lawRow is a law or framework with the way to its mapping, where there is one.
type lawRow struct {
	definition.Law
	Anchor string
	Places link
}

// A termRow is a term or a type of report with its anchor.
type termRow[T any] struct {
	T      T
	Anchor string
}

// wordList shows what people say around a SOC 2, and what is so: the library's
// reference data, the same for everybody.
func (q *request) wordList() error {
	w, err := definition.LibraryWords()
	if err != nil {
		return err
	}
	want := strings.TrimSpace(q.URL.Query().Get("q"))
	data := struct {
		*page
		Want       string
		Commercial string
		Reports    []termRow[definition.ReportType]
		Standards  []standardRow
		Laws       []lawRow
		Terms      []termRow[definition.Term]
	}{page: &q.page, Want: want, Commercial: w.Commercial}
	for _, r := range w.Reports {
		if matches(want, reportTexts(r)...) {
			data.Reports = append(data.Reports, termRow[definition.ReportType]{r, html.Anchor("r-", r.ID)})
		}
	}
	for _, s := range w.Standards {
		if matches(want, standardTexts(s)...) {
			class, word := standardState(s.State)
			data.Standards = append(data.Standards, standardRow{s, html.Anchor("s-", s.ID), handbook.StandardDates(s), class, word})
		}
	}
	for _, l := range w.Laws {
		if matches(want, lawTexts(l)...) {
			data.Laws = append(data.Laws, lawRow{l, html.Anchor("l-", l.ID), q.placesOf(l.Mapping)})
		}
	}
	for _, t := range w.Glossary {
		if matches(want, t.Term, t.Means, t.Correction) {
			data.Terms = append(data.Terms, termRow[definition.Term]{t, html.Anchor("t-", t.Term)})
		}
	}
	q.Title, q.Heading, q.Wide = "Words", "Reports, standards, laws and terms", true
	all := len(w.Reports) + len(w.Standards) + len(w.Laws) + len(w.Glossary)
	q.Say = sayWords(all, len(data.Reports)+len(data.Standards)+len(data.Laws)+len(data.Terms), want)
	q.Code = []string{"tieout docs"}
	return q.render("words.html", data)
}

func sayWords(all, shown int, want string) string {
	if want == "" {
		return "What people say around a SOC 2 and what is so: " + report.Plural(all, "entry", "entries") + ", in our own words. It is no legal advice."
	}
	if shown == 0 {
		return "No entry speaks of “" + want + "”."
	}
	return report.Capital(report.OfAll(shown, all)) + " entries speak of “" + want + "”."
}

// standardState is a state of a standard as a screen shows it.
func standardState(s string) (class, word string) {
	switch s {
	case "in force":
		return "ok", "In force"
	case "superseded":
		return "late", "Superseded"
	case "draft":
		return "due", "Proposed"
	}
	return "none", "For other work"
}

func reportTexts(r definition.ReportType) []string {
	return []string{r.Name, r.Subject, r.Yardstick, r.Basis, r.Audience, r.Detail, strings.Join(r.Standards, " ")}
}

func standardTexts(s definition.Standard) []string {
	return []string{s.ID, s.Name, s.For, s.Note, handbook.StandardDates(s)}
}

func lawTexts(l definition.Law) []string {
	return []string{l.Name, l.ID, l.Kind, l.About, l.SOC2, l.Note}
}

// placesOf leads to the places of a framework that the library maps criteria to;
// an audit firm has no coverage of its own.
func (q *request) placesOf(mapping string) link {
	if mapping == "" || q.Firm {
		return link{}
	}
	for _, f := range answer.Frameworks(q.st.p.Def.Catalog) {
		if f.Name == mapping {
			return link{"Places in it that relate to criteria", q.to("/coverage", "set", f.ID)}
		}
	}
	return link{}
}

// foundWords are entries of the words that a search names.
func (q *request) foundWords(want string) (out []hit) {
	w, err := definition.LibraryWords()
	if err != nil {
		return nil // the screen itself says so
	}
	add := func(anchor, name, title string) {
		out = append(out, hit{link{name, q.to("/words") + "#" + anchor}, title})
	}
	for _, r := range w.Reports {
		if matches(want, r.Name, r.ID) {
			add(html.Anchor("r-", r.ID), r.Name, r.Subject)
		}
	}
	for _, s := range w.Standards {
		if matches(want, s.ID, s.Name) {
			add(html.Anchor("s-", s.ID), s.ID, s.Name)
		}
	}
	for _, l := range w.Laws {
		if matches(want, l.Name, l.ID) {
			add(html.Anchor("l-", l.ID), l.Name, l.About)
		}
	}
	for _, t := range w.Glossary {
		if matches(want, t.Term) {
			add(html.Anchor("t-", t.Term), t.Term, t.Means)
		}
	}
	return out
}
