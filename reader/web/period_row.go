package web

import (
	"slices"
	"strings"

	"tieout/audit"
	"tieout/reader/answer"
	"tieout/report"
)

// A figure is how often a control operated: that of its worst test, where it has
// several. It is never a sum over tests that count different things.
type figure struct {
	link        // to the population
	Late string // "1 late"
	Of   string // "worst of 3 tests"; "" where there is one
}

// figureOf is the figure of a control's tests, which are those of its row.
func figureOf(c *audit.ControlReport, tests []testRow) figure {
	if len(tests) == 0 {
		return figure{}
	}
	at, least := 0, len(c.Procedures)*len(troubles)
	for i := range c.Procedures {
		if n := trouble(&c.Procedures[i]); n < least {
			at, least = i, n
		}
	}
	f := figure{link: link{tests[at].Operated, tests[at].Href}, Late: tests[at].Late}
	if n := len(tests); n > 1 {
		f.Of = "worst of " + report.Plural(n, "test", "tests")
		if least == len(troubles) {
			f.Of = "first of " + report.Plural(n, "test", "tests")
		}
	}
	return f
}

// troubles are what makes a test worse than another, worst first.
var troubles = []func(*audit.Tested) bool{
	func(t *audit.Tested) bool {
		return slices.ContainsFunc(t.Deviations, func(d audit.Deviation) bool {
			return d.Disposition != audit.NotDeviation && d.Outcome == audit.Deviated
		})
	},
	func(t *audit.Tested) bool { return len(t.Gaps) > 0 || t.Counts[audit.NoEvidence] > 0 },
	func(t *audit.Tested) bool { return t.Counts[audit.Late] > 0 },
}

// trouble ranks a test, 0 for the worst.
func trouble(t *audit.Tested) int {
	for i, is := range troubles {
		if is(t) {
			return i
		}
	}
	return len(troubles)
}

// An openRow is what a row shows in place: what happened, the evidence for it and
// what follows where nobody does anything.
type openRow struct {
	Happened []happening
	None     string // what is said where nothing happened
	More     link   // to all that happened
	Evidence []evidenceLine
	Then     string // if nothing else is done
	Acts     []link // the first is what to do
}

// A happening is one finding or one stretch without evidence.
type happening struct {
	When, Text, Note string
	Href             string
	Open             bool // it waits for management
}

type evidenceLine struct {
	link
	Note string
}

// fewHappened is how much of what happened an open row names.
const fewHappened = 4

// toggled fills in what a row shows on the period's screen. Of all rows one can
// be open; where it leads is an address, so it works without scripts.
func (q *request) toggled(row *controlRow, path, state, open string) {
	c := q.reported(row.ID)
	if row.Figure = figureOf(c, row.Tests); row.ID != open {
		row.Toggle = q.to(path, "state", state, "open", row.ID) + "#" + row.ID
		row.Tests = nil
		return
	}
	row.Toggle = q.to(path, "state", state) + "#" + row.ID
	row.Open = q.opened(c)
	if row.StateHref != row.Href {
		row.Open.More = q.lead(link{"All that was found", row.StateHref})
	}
}

// reported is the report of a control that is in it.
func (q *request) reported(id string) *audit.ControlReport {
	list := q.st.report.Controls
	return &list[slices.IndexFunc(list, func(c audit.ControlReport) bool { return c.Control.ID == id })]
}

// opened is what the open row of a control says.
func (q *request) opened(c *audit.ControlReport) *openRow {
	out := &openRow{Then: sayThen(c.State)}
	var records []int64
	if q.reaches("deviation.read") {
		devs := slices.DeleteFunc(slices.Clone(q.st.devs), func(d audit.Deviation) bool {
			return d.Disposition == audit.NotDeviation || !slices.Contains(d.Controls, c.Control.ID)
		})
		slices.SortStableFunc(devs, func(a, b audit.Deviation) int { return rankOpen(&a) - rankOpen(&b) })
		for i := range devs[:min(len(devs), fewHappened)] {
			d := &devs[i]
			out.Happened = append(out.Happened, q.happening(d))
			records = append(records, d.Records...)
		}
	}
	for _, g := range q.st.gaps {
		if slices.Contains(g.Controls, c.Control.ID) && len(out.Happened) < fewHappened {
			out.Happened = append(out.Happened, happening{When: report.Days(g.Span, q.zone()), Text: "No evidence", Note: g.Reason, Href: q.to("/gaps", "control", c.Control.ID)})
			records = append(records, g.Records...)
		}
	}
	if len(out.Happened) == 0 {
		out.None = "No deviation is recorded, and no evidence is missing."
	}
	out.Evidence = q.behind(c, records)
	out.Acts = q.acts(c)
	return out
}

// rankOpen sorts what waits for management first.
func rankOpen(d *audit.Deviation) int {
	if d.Response == "" {
		return 0
	}
	return 1
}

func (q *request) happening(d *audit.Deviation) happening {
	h := happening{When: report.Days(d.Span, q.zone()), Text: answer.ItemName(&d.Result), Note: report.Capital(d.Outcome.String()) + ": " + inShort(d.Reason), Href: q.at("deviations", d.Ref), Open: d.Response == ""}
	if h.Open {
		h.Note += " Management has not responded."
	}
	return h
}

// shortReason is how much of a finding's reason an open row shows; the whole of
// it, with every value that was read, stands on the finding's page.
const shortReason = 110

// inShort is a reason without the values it was read from.
func inShort(reason string) string {
	reason, _, _ = strings.Cut(reason, " Read: ")
	if short, _, ok := strings.Cut(reason, "not as it should be: "); ok {
		reason = short + "not as it should be"
	}
	short := cutText(reason, shortReason)
	if strings.HasSuffix(short, "…") || strings.HasSuffix(short, ".") {
		return short
	}
	return short + "."
}

// behind is the evidence of what happened, then what each test was performed on.
func (q *request) behind(c *audit.ControlReport, records []int64) (out []evidenceLine) {
	slices.Sort(records)
	records = slices.Compact(records)
	for _, l := range q.recordLinks(records[:min(len(records), fewHappened)], "") {
		out = append(out, evidenceLine{l, "sealed record of what was found"})
	}
	for i := range c.Procedures {
		t := &c.Procedures[i]
		out = append(out, evidenceLine{q.lead(link{t.Title, q.at("populations", t.Procedure)}), t.Population})
	}
	return out
}

// sayThen says what follows from a control's state where nobody does anything.
func sayThen(s audit.ControlState) string {
	switch s {
	case audit.HasDeviation:
		return "The service auditor sees each deviation as it is recorded, and may list it in the report's tests of controls. Nobody can remove it; you can explain it."
	case audit.EvidenceGap:
		return "What has no evidence never counts as operated. The auditor asks for it; what cannot be found stays a gap, in the report too."
	case audit.AtRisk:
		return "Late is counted apart and never as in time. What is still open and is missed becomes a deviation."
	case audit.NotStarted:
		return "Nothing has happened yet. Missing its first date is a deviation."
	}
	return "Nothing is asked of you. It is tested again with every run, and what is found then stands here."
}

// acts are what can be done about a control, the first of them the likeliest.
func (q *request) acts(c *audit.ControlReport) (out []link) {
	id := c.Control.ID
	for _, d := range unanswered(q.st.devs) {
		if slices.Contains(d.Controls, id) && q.may("deviation.answer", q.ofControls(d.Controls...)) {
			out = append(out, link{"Write the response", q.at("deviations", d.Ref)})
			break
		}
	}
	if c.State == audit.EvidenceGap && q.opens("/evidence/new") {
		out = append(out, link{"Bring the evidence", q.to("/evidence/new")})
	}
	return append(out, link{"Open " + id, q.at("controls", id)})
}
