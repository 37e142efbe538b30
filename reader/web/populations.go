package web

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/reader/answer"
	"tieout/report"
	"tieout/report/html"
)

// A populationRow is one procedure's population in numbers.
type populationRow struct {
	link
	Title, Items, Operated string
	Controls               []link
	Counts                 []stateFilter
}

// A check is a line of a completeness list: numbers that must add up.
type check struct {
	Name, Got, Want, Word, Class string
}

func (q *request) populations() error {
	var rows []populationRow
	items := 0
	list := report.Procedures(q.st.report)
	for _, t := range list {
		items += t.Items
		rows = append(rows, populationRow{link{t.Procedure, q.at("populations", t.Procedure)}, t.Title, report.Number(t.Items),
			report.Operated(t, q.st.report.Period), q.controlLinks(t.Controls), q.outcomes(t, "")})
	}
	q.Title, q.Heading, q.Wide = "Populations", "Populations", true
	q.Say = sayPopulations(len(list), items)
	q.Code = []string{"tieout population list"}
	return q.render("populations.html", struct {
		*page
		Rows []populationRow
	}{&q.page, rows})
}

// sayPopulations says how many populations were tested, and of how many items.
func sayPopulations(n, items int) string {
	if n == 0 {
		return "No procedure has run, so no population is known."
	}
	return fmt.Sprintf("%s tested whole, not by sample: %s in all.", report.Capital(report.Plural(n, "population was", "populations were")), report.Plural(items, "item", "items"))
}

// outcomes are a population's counts as filters of its items.
func (q *request) outcomes(t *audit.Tested, want string) []stateFilter {
	var out []stateFilter
	for o, n := range t.Counts {
		if n > 0 {
			word := audit.Outcome(o).String()
			out = append(out, stateFilter{html.OutcomeClass(audit.Outcome(o)), report.Capital(word), report.Number(n), q.at("populations", t.Procedure, "outcome", word), word == want})
		}
	}
	return out
}

// A stream is one source of a population with its completeness.
type stream struct {
	Name, Mode, Seen, Href string
	Checks                 []check
	Holes                  []holeRow
}

type holeRow struct {
	When, Reason string
	Record       link
}

// An item is one row of a population.
type item struct {
	Name, When, Class, Word, Reason string
	Deviation                       string
	Evidence                        []link
}

func (q *request) population() error {
	id, v := q.PathValue("id"), q.URL.Query()
	list := report.Procedures(q.st.report)
	i := slices.IndexFunc(list, func(t *audit.Tested) bool { return t.Procedure == id })
	if i < 0 {
		return fmt.Errorf("%w: procedure %q ran over no population here", audit.ErrNotFound, id)
	}
	t := list[i]
	want := v.Get("outcome")
	data := struct {
		*page
		T         *audit.Tested
		Test      string
		Strip     any
		Months    any
		Controls  []link
		Counts    []stateFilter
		All       link
		Sums      []check
		Streams   []stream
		Items     []item
		Pager     pager
		Questions []string
		Hash      string
	}{page: &q.page, T: t, Test: report.TestCell(t, q.zone()), Controls: q.controlLinks(t.Controls), Counts: q.outcomes(t, want),
		All: link{report.Number(t.Items), q.at("populations", id)}, Sums: sums(t), Questions: t.Questions, Hash: short(t.Hash), Months: q.st.view.Months}
	data.Strip = q.stripOf(id)
	for k := range t.Streams {
		data.Streams = append(data.Streams, q.stream(&t.Streams[k]))
	}
	q.Title, q.Heading, q.Ref, q.Wide = t.Title, t.Title, id, true
	q.Say = report.ResultCell(t)
	q.Way = []link{{"Populations", q.to("/populations")}, {id, ""}}
	q.Code = []string{"tieout population show " + id, "tieout population reconcile " + id}
	var err error
	if data.Items, data.Pager, err = q.items(t, want); err != nil {
		return err
	}
	return q.render("population.html", data)
}

// stripOf is the picture of a procedure over the period.
func (q *request) stripOf(id string) any {
	for _, g := range q.st.view.Groups {
		for _, c := range g.Rows {
			for _, t := range c.Tests {
				if t.ID == id {
					return t.Strip
				}
			}
		}
	}
	return nil
}

// sums holds the outcomes of a population to its size: whatever is not counted
// is named. A test that a person performs has no population.
func sums(t *audit.Tested) []check {
	if t.Form == audit.Manual {
		return nil
	}
	sum := 0
	var parts []string
	for o, n := range t.Counts {
		if n > 0 && audit.Outcome(o) != audit.NotApplicable {
			sum += n
			parts = append(parts, report.Number(n)+" "+audit.Outcome(o).String())
		}
	}
	if len(parts) == 0 {
		parts = []string{"0"}
	}
	c := check{Name: "Outcomes add up to the population", Got: strings.Join(parts, " + ") + " = " + report.Number(sum), Want: report.Number(t.Items), Word: "adds up", Class: "ok"}
	if sum != t.Items {
		c.Word, c.Class = "does not add up", "dev"
	}
	return []check{c}
}

func (q *request) stream(s *audit.StreamSummary) stream {
	name := html.StreamName(s.StreamKey)
	out := stream{Name: name, Mode: modeWords(s.Mode), Href: q.to("/connectors", "source", s.Source) + "#" + html.Anchor("s-", name)}
	out.Seen = report.Plural(s.Observations, "observation", "observations")
	if s.Mode != audit.ModeSnapshot {
		out.Seen = report.Plural(len(s.Covered), "stretch", "stretches")
	}
	for _, c := range s.Checks {
		one := check{c.Name, c.Got, c.Want, "agrees", "ok"}
		if !c.OK {
			one.Word, one.Class = "differs", "dev"
		}
		out.Checks = append(out.Checks, one)
	}
	for _, h := range s.Holes {
		out.Holes = append(out.Holes, holeRow{report.Days(h.Span, q.zone()), h.Reason, q.recordLinks([]int64{h.Record}, "")[0]})
	}
	return out
}

func modeWords(m audit.Mode) string {
	switch m {
	case audit.ModeSnapshot:
		return "snapshots"
	case audit.ModeChanges:
		return "change history"
	}
	return "event history"
}

// items reads one page of a population; of an outcome where one is wanted.
func (q *request) items(t *audit.Tested, want string) ([]item, pager, error) {
	from, err := strconv.Atoi(q.URL.Query().Get("from"))
	if err != nil || from < 0 {
		from = 0
	}
	var out []item
	var p pager
	seen := 0
	address := func(n int) string {
		return q.at("populations", t.Procedure, "from", strconv.Itoa(n), "outcome", want)
	}
	err = q.st.p.Results(q.Context(), q.st.run, t.Hash, func(r *audit.Result) error {
		if want != "" && r.Outcome.String() != want {
			return nil
		}
		seen++
		if seen <= from {
			return nil
		}
		if len(out) == pageLength {
			p.Later = address(from + pageLength)
			return errEnough
		}
		out = append(out, q.item(r))
		return nil
	})
	switch {
	case errors.Is(err, audit.ErrNotFound) && !q.st.run.Recorded:
		return nil, p, nil // nothing ran
	case err != nil && !errors.Is(err, errEnough):
		return nil, p, err
	}
	if from > 0 {
		p.Earlier = address(max(0, from-pageLength))
	}
	if p.Earlier+p.Later != "" {
		p.Text = report.Number(from+1) + " to " + report.Number(from+len(out))
	}
	return out, p, nil
}

func (q *request) item(r *audit.Result) item {
	one := item{answer.ItemName(r), answer.When(r, q.st.report.Period), html.OutcomeClass(r.Outcome), report.Capital(r.Outcome.String()), r.Reason, "", q.recordLinks(r.Records[:min(len(r.Records), 4)], r.Item)}
	if r.Outcome == audit.Deviated || r.Outcome == audit.Late {
		ref := audit.DeviationRef(r.Procedure, r.Item, r.Start.At)
		if slices.ContainsFunc(q.st.devs, func(d audit.Deviation) bool { return d.Ref == ref }) {
			one.Deviation = q.at("deviations", ref)
		}
	}
	return one
}
