package web

import (
	"strings"

	"tieout/audit"
	"tieout/reader/answer"
	"tieout/report"
)

// A stateFilter is one choice of the row of states above a list of controls.
type stateFilter struct {
	Class, Word, N, Href string
	Here                 bool
}

// A controlRow is one control in a list, with what each of its tests found.
type controlRow struct {
	ID, Title, Owner, Happens, Href string
	Class, Word                     string
	StateHref                       string
	Criteria                        []link
	Strip                           any // of all its tests
	Figure                          figure
	Tests                           []testRow
	Open                            *openRow // nil: it is closed
	Toggle                          string   // opens it in place, or closes it
}

type testRow struct {
	Title, Href    string
	Strip          any
	Operated, Late string
}

type controlGroup struct {
	Name string
	Rows []controlRow
}

// toExplain is how many findings without a response the period's screen names.
const toExplain = 4

// A periodPage is the controls over the period.
type periodPage struct {
	*page
	V          any
	Field      any // what all strips share
	Filters    []stateFilter
	Groups     []controlGroup
	Untested   []audit.Control
	Why        map[string]string
	Explain    []explain
	ExplainAll string
	Unanswered string
	Tested     link
	Periods    []link
	Running    *link
	Monitored  string // that no report speaks of the period; "": one does
}

// An explain is a finding without a response.
type explain struct{ Href, When, Item, Title string }

func (q *request) period() error {
	q.Title, q.Heading, q.Say = "Period "+q.Period, "Observation period", q.st.report.Sentence
	q.Code = []string{"tieout status", "tieout report export"}
	q.Wide = true
	path, want, open := q.URL.Path, q.URL.Query().Get("state"), q.URL.Query().Get("open")
	data := periodPage{page: &q.page, V: q.st.view, Field: q.st.view.Field(), Filters: q.filters(path, want), Groups: q.groups(chosen(want)), Why: q.st.report.Why}
	for i := range data.Groups {
		for j := range data.Groups[i].Rows {
			q.toggled(&data.Groups[i].Rows[j], path, want, open)
		}
	}
	if want == "" || want == "untested" {
		data.Untested = q.st.report.Untested
	}
	if q.reaches("deviation.read") {
		data.explain(q)
	}
	if q.st.run.Recorded {
		ref := audit.EvidenceRef(q.st.run.Record)
		data.Tested = q.lead(link{ref, q.at("evidence", ref)})
	}
	for _, x := range q.st.p.Def.Periods {
		data.Periods = append(data.Periods, link{x.Name, "/period/" + x.Name})
	}
	if said, to := q.running(); said != "" && q.reaches("source.read") {
		data.Running = &link{said, to}
	}
	var err error
	if data.Monitored, err = q.examClient().Unexamined(q.Context(), q.st.p.Period); err != nil {
		return err
	}
	return q.render("period.html", data)
}

// explain names the first findings that stand without a response.
func (d *periodPage) explain(q *request) {
	list := unanswered(q.st.devs)
	for _, x := range list[:min(len(list), toExplain)] {
		d.Explain = append(d.Explain, explain{q.at("deviations", x.Ref), report.Days(x.Span, q.zone()), answer.ItemName(&x.Result), x.Title})
	}
	d.Unanswered, d.ExplainAll = report.Plural(len(list), "finding", "findings"), q.to("/deviations", "response", "none")
}

// unanswered are the findings that stand without management's response.
func unanswered(devs []audit.Deviation) []audit.Deviation {
	var out []audit.Deviation
	for _, d := range devs {
		if d.Disposition != audit.NotDeviation && d.Response == "" {
			out = append(out, d)
		}
	}
	return out
}

// stateNames are the states as filters name them, worst first.
var stateNames = []struct {
	name, class string
	state       audit.ControlState
}{
	{"deviation", "dev", audit.HasDeviation}, {"gap", "gap", audit.EvidenceGap}, {"at-risk", "late", audit.AtRisk},
	{"not-started", "none", audit.NotStarted}, {"on-track", "ok", audit.OnTrack},
}

// filters are the states with how many controls stand in each.
func (q *request) filters(path, want string) []stateFilter {
	n := map[audit.ControlState]int{}
	for i := range q.st.report.Controls {
		n[q.st.report.Controls[i].State]++
	}
	query := func(state string) string {
		return q.to(path, "state", state, "owner", q.URL.Query().Get("owner"), "criterion", q.URL.Query().Get("criterion"))
	}
	untested := len(q.st.report.Untested)
	out := []stateFilter{{"", "All", report.Number(len(q.st.report.Controls) + untested), query(""), want == ""}}
	for _, s := range stateNames {
		if n[s.state] > 0 || want == s.name {
			out = append(out, stateFilter{s.class, report.StateWord(s.state, q.st.reader), report.Number(n[s.state]), query(s.name), want == s.name})
		}
	}
	if untested > 0 || want == "untested" {
		out = append(out, stateFilter{"due", "Not tested here", report.Number(untested), query("untested"), want == "untested"})
	}
	return out
}

// chosen keeps the controls in the state of that name; "" keeps all.
func chosen(name string) func(*audit.ControlReport) bool {
	return func(c *audit.ControlReport) bool {
		for _, s := range stateNames {
			if s.name == name {
				return c.State == s.state
			}
		}
		return name == ""
	}
}

// groups are the controls that are kept, by the criterion they serve first.
func (q *request) groups(keep func(*audit.ControlReport) bool) []controlGroup {
	byID := map[string]*audit.ControlReport{}
	for i := range q.st.report.Controls {
		byID[q.st.report.Controls[i].Control.ID] = &q.st.report.Controls[i]
	}
	findings, populations := q.reaches("deviation.read"), q.reaches("evidence.read")
	var out []controlGroup
	for _, g := range q.st.view.Groups {
		one := controlGroup{Name: g.Name}
		for _, c := range g.Rows {
			r := byID[c.ID]
			if !keep(r) {
				continue
			}
			row := controlRow{ID: c.ID, Title: c.Title, Owner: c.Owner, Happens: c.Happens, Href: q.at("controls", c.ID), Class: c.Class, Word: c.Word, StateHref: q.stateHref(r, findings), Strip: c.Strip}
			for _, k := range c.Criteria {
				row.Criteria = append(row.Criteria, link{k.ID, q.to("/controls", "criterion", k.ID)})
			}
			for _, t := range c.Tests {
				one := testRow{t.Title, "", t.Strip, t.Operated, t.Late}
				if populations {
					one.Href = q.at("populations", t.ID)
				}
				row.Tests = append(row.Tests, one)
			}
			one.Rows = append(one.Rows, row)
		}
		if len(one.Rows) > 0 {
			out = append(out, one)
		}
	}
	return out
}

// stateHref leads from a control's state to what makes it so.
func (q *request) stateHref(c *audit.ControlReport, findings bool) string {
	switch c.State {
	case audit.HasDeviation, audit.AtRisk:
		for i := range c.Procedures {
			if findings && len(c.Procedures[i].Deviations) > 0 {
				return q.to("/deviations", "control", c.Control.ID)
			}
		}
	case audit.EvidenceGap:
		return q.to("/gaps", "control", c.Control.ID)
	}
	return q.at("controls", c.Control.ID)
}

// matches reports whether any of the texts holds what is searched for.
func matches(want string, texts ...string) bool {
	want = strings.ToLower(want)
	for _, t := range texts {
		if strings.Contains(strings.ToLower(t), want) {
			return true
		}
	}
	return false
}
