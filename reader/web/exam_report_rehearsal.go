package web

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/examination"
	"tieout/report"
	"tieout/sample"
)

// examRehearsalRoutes try the auditor's first questions before the auditor does.
var examRehearsalRoutes = []route{
	{pattern: "GET /readiness/rehearsal", needs: "request.read", on: examWhole, do: (*request).examRehearsal},
	{pattern: "GET /readiness/rehearsal/{procedure}", needs: "request.read", on: examWhole, do: (*request).examTrial, example: "/readiness/rehearsal/access.leavers.accounts"},
}

// A rehearsedRow is one population as the page shows it.
type rehearsedRow struct {
	link
	Title, Class, Word, Items, Found string
	Sizes                            string
	Controls                         []link
	Open                             []engagement.Reconciled
}

// A rehearsedText is where one examination's texts stand.
type rehearsedText struct {
	link
	Say   string
	Waits []string
}

func (q *request) examRehearsal() error {
	data := struct {
		*page
		Rows     []rehearsedRow
		Untested []link
		Texts    []rehearsedText
		Table    string
		Over     bool
	}{page: &q.page}
	r, err := q.examClient().Rehearse(q.Context())
	switch {
	case errors.Is(err, audit.ErrNotFound):
		q.Say = "Nothing was tested yet, so there is no population an auditor could ask for."
	case err != nil:
		return err
	default:
		q.Say, data.Table, data.Over = sayRehearsal(r), r.Table, r.Over
		for _, p := range r.Populations {
			data.Rows = append(data.Rows, q.rehearsedRow(p))
		}
		data.Untested = q.controlLinks(r.Untested)
	}
	if data.Texts, err = q.rehearsedTexts(); err != nil {
		return err
	}
	q.Title, q.Heading, q.Wide = "Rehearsal", "Rehearsal of an examination", true
	q.Way = append(q.Way, link{"Readiness", q.to("/readiness")}, link{"Rehearsal", ""})
	q.Code = []string{"tieout readiness --rehearse"}
	return q.render("exam-rehearsal.html", data)
}

func (q *request) rehearsedRow(p examination.Rehearsed) rehearsedRow {
	row := rehearsedRow{link: link{p.Procedure, q.at("readiness/rehearsal", p.Procedure)}, Title: p.Title, Items: report.Number(p.Items), Controls: q.controlLinks(p.Controls), Open: p.Open, Class: "ok", Word: "Adds up"}
	switch {
	case !p.Freezes():
		row.Class, row.Word = "gap", report.Plural(len(p.Open), "count does not add up", "counts do not add up")
	case p.Items == 0:
		row.Class, row.Word = "none", "Empty"
	case p.Gaps > 0:
		row.Class, row.Word = "gap", "Adds up, but not every day was seen"
	}
	row.Found = report.Plural(p.Deviations, "deviation", "deviations")
	if p.Gaps > 0 {
		row.Found += ", " + report.Plural(p.Gaps, "stretch without evidence", "stretches without evidence")
	}
	row.Sizes = fmt.Sprintf("%s low, %s moderate, %s high", report.Number(p.Sizes[sample.Low]), report.Number(p.Sizes[sample.Moderate]), report.Number(p.Sizes[sample.High]))
	return row
}

// sayRehearsal says how many populations could be frozen as they are.
func sayRehearsal(r examination.Rehearsal) string {
	open, empty := 0, 0
	for _, p := range r.Populations {
		if !p.Freezes() {
			open++
		}
		if p.Items == 0 {
			empty++
		}
	}
	out := report.Capital(report.Plural(len(r.Populations), "population", "populations")) + " of the newest run"
	switch {
	case len(r.Populations) == 0:
		return "The newest run tested nothing, so there is no population an auditor could ask for."
	case open == 0:
		out += ": counts add up in each"
	default:
		out += ": " + report.Number(open) + " with counts that do not add up and that nobody explained"
	}
	if empty > 0 {
		out += "; " + report.Plural(empty, "is empty", "are empty")
	}
	if !r.Over {
		out += ". The run does not reach the end of the period, and none can be frozen before that"
	}
	return out + "."
}

// rehearsedTexts is where the texts and gates of management stand, of each
// examination that goes on.
func (q *request) rehearsedTexts() (out []rehearsedText, err error) {
	err = q.exam.Side.Read(q.Context(), func(s *management.State) error {
		for _, x := range book.Sorted(s.Sides) {
			if x.State.Over() || len(x.Releases) > 0 {
				continue
			}
			row := rehearsedText{link: link{x.Terms.ID, q.at("examinations", x.Terms.ID)}}
			for _, w := range examWaits(x, q.now()) {
				if w.On == onManagement {
					row.Waits = append(row.Waits, w.What)
				}
			}
			out = append(out, row)
		}
		return nil
	})
	for i := range out {
		var d examination.Described
		if d, err = q.exam.Described(q.Context(), out[i].Text); err != nil {
			return nil, err
		}
		out[i].Say = sayDescription(d)
		if v := d.Final; v != nil {
			if left := missingFrom(d.Controls, v.Controls); len(left) > 0 {
				out[i].Waits = append(out[i].Waits, report.Capital(report.Plural(len(left), "control in scope is", "controls in scope are"))+" not in the finished description: "+report.List(left[:min(len(left), 12)]))
			}
			if more := missingFrom(v.Controls, d.Controls); len(more) > 0 {
				out[i].Waits = append(out[i].Waits, "The finished description lists what is not in scope: "+report.List(more[:min(len(more), 12)]))
			}
		}
	}
	return out, err
}

// missingFrom are those of list that others do not have.
func missingFrom(list, others []string) (out []string) {
	for _, x := range list {
		if !slices.Contains(others, x) {
			out = append(out, x)
		}
	}
	return out
}

// examTrial draws a sample nobody relies on.
func (q *request) examTrial() error {
	risk := sample.Risk(cmp.Or(q.URL.Query().Get("risk"), string(sample.Moderate)))
	t, err := q.examClient().TrialDraw(q.Context(), q.PathValue("procedure"), risk)
	if err != nil {
		return q.unknown(err, "request.read")
	}
	data := struct {
		*page
		Row   rehearsedRow
		Risks []choice
		Picks []engagement.Item
	}{page: &q.page, Row: q.rehearsedRow(t.Rehearsed), Picks: t.Picks}
	for _, r := range examination.Risks {
		data.Risks = append(data.Risks, choice{string(r), report.Capital(string(r)), r == risk})
	}
	q.Title, q.Heading, q.Ref, q.Wide = "Trial draw, "+t.Procedure, "Trial draw", t.Procedure, true
	q.Say = sayTrialDraw(len(t.Picks), t.Items)
	q.Way = append(q.Way, link{"Readiness", q.to("/readiness")}, link{"Rehearsal", q.to("/readiness/rehearsal")}, link{t.Procedure, ""})
	return q.render("exam-rehearsaltrial.html", data)
}

// sayTrialDraw says what was drawn, and that the auditor draws others.
func sayTrialDraw(drawn, of int) string {
	if drawn == 0 {
		return "There is nothing to draw: the population is empty."
	}
	return report.Capital(report.Plural(drawn, "item", "items")) + " of " + report.Number(of) + " drawn to try it; which the auditor draws, nobody here can know."
}
