package web

import (
	"fmt"
	"html"
	"html/template"
	"strings"

	"tieout/engagement/management"
	"tieout/report"
)

// A coveredSystem is which days of one system something speaks about, drawn and in
// words.
type coveredSystem struct {
	Title, Say string
	Bar        template.HTML
	Rows       []examStretch
}

// coverages are those of each system that was reported on, for who reads reports.
func (q *request) coverages() (out []coveredSystem, err error) {
	if !q.may("report.read", examAll) {
		return nil, nil
	}
	all, err := q.examClient().Coverage(q.Context())
	for i := range all {
		c := &all[i]
		title := c.System
		if c.Objectives {
			title += ", control objectives"
		}
		out = append(out, coveredSystem{title, sayCovered(c), coverBar(c), stretchRows(c)})
	}
	return out, err
}

// stretchRows are the stretches as a table shows them.
func stretchRows(c *management.Covered) (out []examStretch) {
	for _, s := range c.Stretches {
		days := dayText(s.First)
		if s.Last != s.First {
			days += " to " + dayText(s.Last)
		}
		row := examStretch{Days: days}
		row.Class, row.Word, row.What = stretchWords(s)
		if s.UnderWay != "" {
			row.What += " " + s.UnderWay + " is under way over them."
		}
		out = append(out, row)
	}
	return out
}

// stretchWords are a stretch's mark, its word and what that is.
func stretchWords(s management.Stretch) (class, word, what string) {
	switch s.By {
	case management.Examined:
		return "ok", "Examined", "The report of " + s.Engagement + " speaks of these days."
	case management.AsOfDay:
		return "ok", "Examined", "The report of " + s.Engagement + " speaks of this day; it says nothing of the days before and after."
	case management.ByLetter:
		return "late", "Management's letter", "Letter " + s.Letter + " of " + s.Engagement + ", by " + s.Signer + ". Nobody examined it."
	case management.Withdrawn:
		return "gap", "Nothing", "The firm withdrew the report of " + s.Engagement + "."
	case management.Monitored:
		return "due", "Monitored, not examined", "The company's own tests ran over these days. No report and no letter speaks of them."
	}
	return "gap", "Nothing", "No report and no letter speaks of these days."
}

// sayCovered says how many days no report and no letter speaks of.
func sayCovered(c *management.Covered) string {
	holes := c.Holes()
	if len(holes) == 0 {
		return "A report or a letter speaks of every day from " + dayText(c.Stretches[0].First) + " on."
	}
	return "No report and no letter speaks of " + report.Plural(c.Uncovered(), "day", "days") + " since " + dayText(c.Stretches[0].First) + ", in " + report.Plural(len(holes), "stretch", "stretches") + "."
}

// coverClasses draw a stretch as its mark does.
var coverClasses = map[string]string{"ok": "k-ok", "late": "k-late", "due": "k-seen", "gap": "k-gap"}

// coverBar draws the stretches in proportion; the table beside it says the same.
func coverBar(c *management.Covered) template.HTML {
	whole := 0
	for _, s := range c.Stretches {
		whole += s.Days()
	}
	if whole == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="strip" width="100%%" height="%d" role="img" aria-label="%s">`, lifeHeight, html.EscapeString(sayCovered(c)))
	at := 0
	for _, s := range c.Stretches {
		class, _, _ := stretchWords(s)
		n := s.Days()
		fmt.Fprintf(&b, `<rect class="%s" x="%s" width="%s" y="%d" height="%d"/>`, coverClasses[class], percent(100*float64(at)/float64(whole)), percent(100*float64(n)/float64(whole)), lifeTop, lifeBand)
		at += n
	}
	b.WriteString("</svg>")
	return template.HTML(b.String()) // figures and words of this file alone
}
