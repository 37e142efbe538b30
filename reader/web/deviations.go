package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/reader/answer"
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

// A step is one line of what happened around a finding, in order of time.
type step struct{ When, What, Who string }

func (q *request) deviation() error {
	d, err := q.st.p.Deviation(q.Context(), q.st.run, answer.DeviationRef(q.PathValue("ref")))
	if err != nil {
		return err
	}
	loc := q.st.report.Period.Location()
	q.Title, q.Heading, q.Ref = d.Ref+" "+d.Title, d.Title, d.Ref
	q.Say = answer.DeviationSentence(&d, q.st.report.Period)
	q.Way = []link{{"Deviations", q.to("/deviations")}, {d.Ref, ""}}
	q.Code = []string{"tieout deviation show " + d.Ref, "tieout evidence show " + d.Ref}
	steps, err := q.steps(&d, loc)
	if err != nil {
		return err
	}
	data := struct {
		*page
		D          *audit.Deviation
		F          finding
		Began      string
		Ended      string
		Lasted     string
		Steps      []step
		Population link
		Hash       string
		Respond    []string
	}{page: &q.page, D: &d, F: q.findings([]audit.Deviation{d})[0], Began: report.BoundText(d.Start, loc), Lasted: report.Lasted(&d.Result), Steps: steps,
		Population: link{d.Procedure, q.at("populations", d.Procedure)}, Hash: short(d.Hash)}
	if !d.Open && !d.End.At.IsZero() && d.Span.To.Sub(d.Span.From) > time.Microsecond {
		data.Ended = report.BoundText(d.End, loc)
	}
	if d.Response == "" {
		data.Respond = []string{"tieout deviation respond " + d.Ref + " --cause \"...\" --response \"...\""}
	}
	return q.render("deviation.html", data)
}

// steps are what is on record about a finding: when it began and ended, when
// its evidence was collected, and every decision.
func (q *request) steps(d *audit.Deviation, loc *time.Location) ([]step, error) {
	type dated struct {
		at time.Time
		step
	}
	var list []dated
	add := func(at time.Time, what, who string) {
		if !at.IsZero() {
			list = append(list, dated{at, step{report.Moment(at, loc), what, who}})
		}
	}
	lasted := d.Span.To.Sub(d.Span.From) > time.Microsecond
	switch {
	case !lasted:
		add(d.Span.From, "It happened", "")
	case d.Start.Exact():
		add(d.Start.At, "It began", "")
	default:
		add(d.Start.At, "First seen", "")
	}
	if lasted && !d.Open {
		add(d.End.At, map[bool]string{true: "It ended", false: "First seen to be gone"}[d.End.Exact()], "")
	}
	for _, n := range d.Records[:min(len(d.Records), few)] {
		rec, err := q.st.p.Store.Record(q.Context(), n)
		if err != nil {
			return nil, err
		}
		add(rec.Collected, rec.Ref()+" was collected", rec.Source)
		add(rec.Recorded, rec.Ref()+" was sealed", "this server's clock")
	}
	decided, err := q.st.p.Store.Decisions(q.Context(), d.Ref)
	if err != nil {
		return nil, err
	}
	for _, x := range decided {
		add(x.Decided, decisionWords(string(x.Disposition), x.Why, x.Response), x.Actor.Name)
	}
	slices.SortStableFunc(list, func(a, b dated) int { return a.at.Compare(b.at) })
	out := make([]step, len(list))
	for i := range list {
		out[i] = list[i].step
	}
	return out, nil
}

func decisionWords(disposition, why, response string) string {
	s := "Recorded: " + disposition
	if why != "" {
		s += ", " + strings.TrimSuffix(why, ".")
	}
	if response != "" {
		s += ". Management responded"
	}
	return s
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
	switch n := len(list); {
	case n == 0:
		q.Say = "No stretch without evidence is known."
	default:
		q.Say = fmt.Sprintf("%s no evidence: nothing is known of the controls during %s.",
			report.Capital(report.Plural(n, "stretch has", "stretches have")), map[bool]string{true: "it", false: "them"}[n == 1])
	}
	q.Code = []string{"tieout check -o json"}
	return q.render("gaps.html", data)
}
