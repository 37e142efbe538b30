package web

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/definition"
	"tieout/handbook"
	"tieout/period"
	"tieout/procedure"
	"tieout/report"
	"tieout/report/html"
)

var procedureRoutes = []route{
	{pattern: "GET /procedures/{id}", needs: "period.read", on: theTest, do: (*request).procedure, example: "/procedures/access.leavers.accounts"},
}

// theTest is a procedure that runs here, for who reads the period.
var theTest = procedureFor("period.read")

// runsShown is how many sealed runs of a procedure a page lists.
const runsShown = 20

// A revisedRow is one applied revision with what it changed of what a screen is about.
type revisedRow struct {
	Number, When, Who string
	Record            link
	Lines             []definition.Line
	Note              string // why more is not said
}

// A runRow is one sealed run of a procedure.
type runRow struct {
	Run                               link
	When, AsOf, Revision, Hash, Items string
	Digest                            string
	Counts                            []stateFilter
}

// procedure shows what is tested, how, on what, and what was changed of it and
// found by it since.
func (q *request) procedure() error {
	p := q.testCalled(q.PathValue("id"))
	day := q.now().In(q.zone()).Format(time.DateOnly)
	text, err := handbook.Procedure(q.st.p.Def, *q.st.p.Selection(), q.st.p.Drivers, p, day)
	if err != nil {
		return err
	}
	data := struct {
		*page
		Lead     string
		Facts    []handbook.Beside
		Sections []handbook.Section
		Streams  []stream
		Ran      link
		Revised  []revisedRow
		Runs     []runRow
		Pager    pager
	}{page: &q.page, Lead: text.Lead}
	data.Sections, data.Facts = text.Within(q.inHandbook)
	if t := q.testedAs(p); t != nil {
		data.Ran = link{report.Plural(t.Items, "item", "items"), q.at("populations", p.ID)}
		for i := range t.Streams {
			data.Streams = append(data.Streams, q.stream(&t.Streams[i]))
		}
	}
	revised, err := q.s.revisions.OfProcedure(q.Context(), q.st.p, p.ID)
	if err != nil {
		return err
	}
	data.Revised = q.revisedRows(revised)
	if data.Runs, data.Pager, err = q.runsOf(p.ID); err != nil {
		return err
	}
	q.Title, q.Heading, q.Ref, q.Wide = p.ID+" "+p.Title, p.Title, p.ID, true
	q.Say = sayProcedure(p, len(data.Revised), len(data.Runs), data.Pager.Text != "")
	q.Way = []link{{"Populations", q.to("/populations")}, {p.ID, q.at("populations", p.ID)}, {"Test", ""}}
	q.Code = []string{"tieout docs", "tieout check --list", "tieout population show " + p.ID, "tieout reperform BUNDLE"}
	return q.render("procedure.html", data)
}

// testCalled is the procedure of that name: the text in force today, where there
// are several, or the one whose version is asked for. Its route has found it.
func (q *request) testCalled(id string) (found *procedure.Procedure) {
	day, version := q.now().In(q.zone()).Format(time.DateOnly), q.URL.Query().Get("version")
	for _, p := range q.st.p.Selection().Procedures {
		if p.ID != id {
			continue
		}
		now := (p.Effective.From == "" || p.Effective.From <= day) && (p.Effective.To == "" || day <= p.Effective.To)
		if found == nil || version == "" && now || version != "" && short(p.Hash) == version {
			found = p
		}
	}
	return found
}

// testedAs is what the newest run found with exactly this text; nil where it did
// not run.
func (q *request) testedAs(p *procedure.Procedure) *audit.Tested {
	list := report.Procedures(q.st.report)
	i := slices.IndexFunc(list, func(t *audit.Tested) bool { return t.Procedure == p.ID && t.Hash == p.Hash })
	if i < 0 {
		return nil
	}
	return list[i]
}

// inHandbook is the screen of what a page of the handbook is about.
func (q *request) inHandbook(text, to string) string {
	kind, id, _ := strings.Cut(to, "/")
	switch kind {
	case "controls":
		return q.at("controls", id)
	case "criteria":
		return q.to("/controls", "criterion", id)
	case "procedures":
		return q.at("procedures", id)
	case "sources":
		return q.to("/connectors", "source", text)
	}
	return ""
}

// revisedRows are applied revisions as screens list them.
func (q *request) revisedRows(list []period.Revised) (out []revisedRow) {
	for _, r := range list {
		row := revisedRow{Number: report.Number(int(r.Number)), When: report.Moment(r.Applied, q.zone()), Who: q.name(r.By.Name),
			Record: q.recordLinks([]int64{r.Record}, "")[0], Lines: r.Lines}
		switch {
		case r.Unread:
			row.Note = "This program does not read the revision or the one before it, so what changed is not known. Its record holds it."
		case r.Library:
			row.Note = "It was applied with another version of the library. What it takes from there is read as it is now."
		}
		out = append(out, row)
	}
	return out
}

func (q *request) runsOf(id string) (out []runRow, p pager, err error) {
	from, err := strconv.Atoi(q.URL.Query().Get("from"))
	if err != nil || from < 0 {
		from = 0
	}
	runs, more, err := q.st.p.RunsOfProcedure(q.Context(), id, from, runsShown)
	if err != nil {
		return nil, p, err
	}
	for i := range runs {
		out = append(out, q.runRow(id, &runs[i]))
	}
	address := func(n int) string { return q.at("procedures", id, "from", strconv.Itoa(n)) }
	if from > 0 {
		p.Earlier = address(max(0, from-runsShown))
	}
	if more {
		p.Later = address(from + runsShown)
	}
	if p.Earlier+p.Later != "" {
		p.Text = report.Number(from+1) + " to " + report.Number(from+len(out))
	}
	return out, p, nil
}

func (q *request) runRow(id string, r *period.RunOf) runRow {
	row := runRow{Run: q.recordLinks([]int64{r.Record}, "")[0], When: report.Moment(r.Sealed, q.zone()), AsOf: report.Moment(r.AsOf, q.zone()),
		Hash: short(r.Results.Hash), Digest: short(r.Results.Digest), Items: report.Number(r.Tested.Items), Revision: "none"}
	if r.Revision > 0 {
		row.Revision = report.Number(int(r.Revision))
	}
	for o, n := range r.Tested.Counts {
		if n > 0 {
			row.Counts = append(row.Counts, stateFilter{Class: html.OutcomeClass(audit.Outcome(o)), Word: report.Capital(audit.Outcome(o).String()), N: report.Number(n)})
		}
	}
	return row
}

// sayProcedure says what there is to read about a test.
func sayProcedure(p *procedure.Procedure, revised, runs int, more bool) string {
	s := "What is tested, how and on what, as version " + short(p.Hash) + " is computed. "
	switch {
	case revised == 0:
		s += "No applied revision holds it yet"
	case revised == 1:
		s += "1 applied revision brought or changed it"
	default:
		s += report.Number(revised) + " applied revisions brought or changed it"
	}
	switch {
	case runs == 0:
		return s + "; no sealed run of this period performed it."
	case more:
		return s + "; more sealed runs of this period performed it than one page shows."
	}
	return s + "; " + report.Plural(runs, "sealed run", "sealed runs") + " of this period performed it."
}

// procedureFor is a procedure that runs here, as an object of the table of rights.
func procedureFor(needs access.PermissionID) objectOf {
	return func(q *request) (o access.Object, err error) {
		for _, p := range q.st.p.Selection().Procedures {
			if p.ID == q.PathValue("id") {
				return q.ofControls(p.Controls...), nil
			}
		}
		return o, q.unknown(fmt.Errorf("%w: procedure %q", audit.ErrNotFound, q.PathValue("id")), needs)
	}
}
