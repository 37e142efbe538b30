package web

import (
	"fmt"
	"slices"

	"tieout/audit"
	"tieout/report"
)

// pageLength is how many rows a list shows at once.
const pageLength = 100

// A finding is a row of a list of deviations.
type finding struct {
	F                  any // as the report shows it
	Href               string
	Controls, Evidence []link
	Lasted             string
}

func (q *request) findings(list []audit.Deviation) []finding {
	out := make([]finding, len(list))
	for i := range list {
		d := &list[i]
		out[i] = finding{q.st.view.Finding(d), q.at("deviations", d.Ref), q.controlLinks(d.Controls), q.recordLinks(d.Records, d.Item), report.Lasted(&d.Result)}
	}
	return out
}

func (q *request) deviations() error {
	v := q.URL.Query()
	control, response, decided, text := v.Get("control"), v.Get("response"), v.Get("decided"), v.Get("q")
	var list []audit.Deviation
	for _, d := range q.st.devs {
		open := d.Response == "" && d.Disposition != audit.NotDeviation
		if (control == "" || slices.Contains(d.Controls, control)) && (response != "none" || open) && (decided == "" || string(d.Disposition) == decided) &&
			matches(text, d.Ref, d.Item, d.Label, d.Reason, d.Title) {
			list = append(list, d)
		}
	}
	all, none := len(q.st.devs), len(unanswered(q.st.devs))
	data := struct {
		*page
		Filters []stateFilter
		Rows    []finding
		Pager   pager
		Clear   string
		Control string
	}{page: &q.page, Control: control}
	from := q.from(len(list))
	data.Pager = q.pager("/deviations", from, len(list), "control", control, "response", response, "decided", decided, "q", text)
	data.Rows = q.findings(list[from:min(len(list), from+pageLength)])
	data.Filters = []stateFilter{
		{"", "All", report.Number(all), q.to("/deviations"), control+response+decided+text == ""},
		{"", "Without a response", report.Number(none), q.to("/deviations", "response", "none", "control", control), response == "none"},
	}
	for _, d := range []audit.Disposition{audit.Candidate, audit.Confirmed, audit.NotDeviation} {
		n := 0
		for i := range q.st.devs {
			if q.st.devs[i].Disposition == d {
				n++
			}
		}
		data.Filters = append(data.Filters, stateFilter{"", report.Capital(string(d)), report.Number(n), q.to("/deviations", "decided", string(d), "control", control), decided == string(d)})
	}
	if control+response+decided+text != "" {
		data.Clear = q.to("/deviations")
	}
	q.Title, q.Heading, q.Wide = "Deviations", "Deviations", true
	q.Say = sayDeviations(all, none, len(list), data.Clear != "")
	q.Code = []string{"tieout deviation list"}
	return q.render("deviations.html", data)
}

// sayDeviations says how many findings there are and how many are unanswered.
func sayDeviations(all, unanswered, shown int, filtered bool) string {
	if all == 0 {
		return "No deviation is recorded. What was seen, and how often, is under Connectors."
	}
	s := report.Plural(all, "finding is", "findings are") + " recorded, and "
	switch unanswered {
	case 0:
		s += "none waits for a response"
	case all:
		s += "none has a response yet"
	default:
		s += report.Plural(unanswered, "has", "have") + " no response yet"
	}
	if filtered {
		s += "; " + report.Plural(shown, "is", "are") + " shown"
	}
	return report.Capital(s) + "."
}

// A gapRow is a row of a list of stretches without evidence.
type gapRow struct {
	G                  any
	Controls, Evidence []link
	Procedure          link
}

func (q *request) gapRows(list []audit.Gap) []gapRow {
	out := make([]gapRow, len(list))
	for i := range list {
		g := &list[i]
		out[i] = gapRow{q.st.view.Gap(g), q.controlLinks(g.Controls), q.recordLinks(g.Records, ""), link{g.Procedure, q.at("populations", g.Procedure)}}
	}
	return out
}

func (q *request) gaps() error {
	control := q.URL.Query().Get("control")
	var list []audit.Gap
	for _, g := range q.st.gaps {
		if control == "" || slices.Contains(g.Controls, control) {
			list = append(list, g)
		}
	}
	from := q.from(len(list))
	data := struct {
		*page
		Rows    []gapRow
		Pager   pager
		Control string
		Clear   string
	}{&q.page, q.gapRows(list[from:min(len(list), from+pageLength)]), q.pager("/gaps", from, len(list), "control", control), control, ""}
	if control != "" {
		data.Clear = q.to("/gaps")
	}
	q.Title, q.Heading, q.Wide = "Evidence gaps", "Evidence gaps", true
	q.Say = sayGaps(len(list))
	q.Code = []string{"tieout check -o json"}
	return q.render("gaps.html", data)
}

// sayGaps says how many stretches have no evidence.
func sayGaps(n int) string {
	if n == 0 {
		return "No stretch without evidence is known."
	}
	return fmt.Sprintf("%s no evidence: nothing is known of the controls during %s.",
		report.Capital(report.Plural(n, "stretch has", "stretches have")), map[bool]string{true: "it", false: "them"}[n == 1])
}
