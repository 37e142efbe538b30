package api

import (
	"net/http"
	"slices"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	"tieout/reader/answer"
	"tieout/report"
)

// findingCalls are controls, deviations and gaps. What management says of a
// finding, and what it decides, a person does on the screens.
func (s *Server) findingCalls() {
	add(s, operation{id: "list-controls", method: http.MethodGet, path: "/controls", tag: "Controls", needs: "period.read",
		title: "Controls in scope and where each stands"}, anything[controlsIn], listControls)
	add(s, operation{id: "get-control", method: http.MethodGet, path: "/controls/{id}", tag: "Controls", needs: "period.read", example: "/controls/IAM-02",
		title: "One control with what its procedures found"}, theControl, getControl)
	add(s, operation{id: "list-deviations", method: http.MethodGet, path: "/deviations", tag: "Findings", needs: "deviation.read",
		title: "Deviations, with cause, response and what was decided", detail: "None is ever deleted, also where it was decided that it is none."}, anything[deviationsIn], listDeviations)
	add(s, operation{id: "get-deviation", method: http.MethodGet, path: "/deviations/{ref}", tag: "Findings", needs: "deviation.read", example: "/deviations/{deviation}",
		title: "One deviation, and the sealed records it rests on"}, theDeviation, getDeviation)
	add(s, operation{id: "list-gaps", method: http.MethodGet, path: "/gaps", tag: "Findings", needs: "period.read",
		title: "Stretches without evidence, and why", detail: "A gap is never a pass."}, anything[gapsIn], listGaps)
}

type controlsIn struct {
	Of
	Paging
	State     string `query:"state" maxLength:"50" doc:"Only those that stand so, such as Deviation"`
	Owner     string `query:"owner" maxLength:"200"`
	Criterion string `query:"criterion" maxLength:"50" doc:"Only those for this criterion, such as CC6.1"`
}

func (in *controlsIn) takes(c *answer.Control) bool {
	return (in.State == "" || strings.EqualFold(c.State, in.State)) && (in.Owner == "" || c.Control.Owner == in.Owner) &&
		(in.Criterion == "" || slices.ContainsFunc(c.Control.Criteria, func(x string) bool { return strings.EqualFold(x, in.Criterion) }))
}

func listControls(c *call, in *controlsIn) (*listOut[answer.Control], error) {
	mine := answer.InScope(c.Report)
	_, all := answer.Controls(c.P, c.Report)
	all = slices.DeleteFunc(all, func(x answer.Control) bool { return !slices.Contains(mine, x.Control.ID) || !in.takes(&x) })
	return cut(&in.Paging, answer.ControlsSchema, c.SayControls(len(all), in.State+in.Owner+in.Criterion != ""), all,
		"/controls", "period", in.Period, "state", in.State, "owner", in.Owner, "criterion", in.Criterion)
}

type controlIn struct {
	Of
	ID string `path:"id" maxLength:"100" doc:"Such as IAM-06"`
}

func theControl(c *call, in *controlIn) (access.Object, error) { return c.OfControls(in.ID), nil }

func getControl(c *call, in *controlIn) (*oneOut[answer.ControlFound], error) {
	found, err := answer.FindControl(c.P, c.Report, in.ID)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(answer.InScope(c.Report), found.Control.ID) {
		return nil, notFound("control", in.ID)
	}
	say := c.SayUntested(found.Control.ID)
	if found.Found != nil {
		say = c.SayControl(found.Found)
	}
	return one(answer.ControlSchema, say, found), nil
}

type deviationsIn struct {
	Of
	Paging
	Control  string `query:"control" maxLength:"100" doc:"Only those of this control"`
	Response string `query:"response" enum:"none" doc:"none: only those that wait for a response"`
	Decided  string `query:"decided" enum:"candidate,confirmed,not a deviation" doc:"Only those of which this was decided"`
}

func listDeviations(c *call, in *deviationsIn) (*listOut[audit.Deviation], error) {
	var all []audit.Deviation
	for _, d := range c.Deviations {
		open := d.Response == "" && d.Disposition != audit.NotDeviation
		if (in.Control == "" || slices.Contains(d.Controls, in.Control)) && (in.Response == "" || open) && (in.Decided == "" || string(d.Disposition) == in.Decided) {
			all = append(all, d)
		}
	}
	return cut(&in.Paging, answer.DeviationsSchema, c.SayDeviations(len(all), in.Control+in.Response+in.Decided != ""), all,
		"/deviations", "period", in.Period, "control", in.Control, "response", in.Response, "decided", in.Decided)
}

type deviationIn struct {
	Of
	Ref string `path:"ref" maxLength:"100" doc:"Such as D-1f2e3d4c"`
}

func theDeviation(c *call, in *deviationIn) (access.Object, error) {
	d, err := c.P.Deviation(c, c.Run, answer.DeviationRef(in.Ref))
	if err != nil {
		return access.Object{}, c.Unknown(err, "deviation.read")
	}
	return c.OfControls(d.Controls...), nil
}

// Found is a deviation and the records it rests on, as far as they may be read.
type Found struct {
	Deviation audit.Deviation `json:"deviation"`
	Run       string          `json:"run" doc:"The sealed run that found it"`
	Evidence  []*period.Piece `json:"evidence" nullable:"false"`
}

func getDeviation(c *call, in *deviationIn) (*oneOut[Found], error) {
	d, err := c.P.Deviation(c, c.Run, answer.DeviationRef(in.Ref))
	if err != nil {
		return nil, err
	}
	out := Found{Deviation: d, Run: c.Run.ID, Evidence: []*period.Piece{}}
	sees := c.Seeing()
	for _, n := range d.Records[:min(len(d.Records), 100)] {
		x, err := c.P.Piece(c, n)
		if err != nil {
			return nil, err
		}
		if sees(x.Record) {
			out.Evidence = append(out.Evidence, x)
		}
	}
	return one(answer.WalkSchema, answer.DeviationSentence(&d, c.Report.Period), out), nil
}

type gapsIn struct {
	Of
	Paging
	Control string `query:"control" maxLength:"100" doc:"Only those of this control"`
}

func listGaps(c *call, in *gapsIn) (*listOut[audit.Gap], error) {
	var all []audit.Gap
	for _, g := range c.Gaps {
		if in.Control == "" || slices.Contains(g.Controls, in.Control) {
			all = append(all, g)
		}
	}
	return cut(&in.Paging, answer.GapsSchema, c.SayGaps(len(all)), all, "/gaps", "period", in.Period, "control", in.Control)
}

// populationCalls are what procedures were performed on, and how completely.
func (s *Server) populationCalls() {
	add(s, operation{id: "list-populations", method: http.MethodGet, path: "/populations", tag: "Populations", needs: "period.read",
		title: "What each procedure was performed on, in numbers that add up"}, anything[listIn], listPopulations)
	add(s, operation{id: "get-population", method: http.MethodGet, path: "/populations/{id}", tag: "Populations", needs: "evidence.read", example: "/populations/access.leavers.accounts",
		title: "One population: how completely it was seen"}, theProcedure, getPopulation)
	add(s, operation{id: "list-population-items", method: http.MethodGet, path: "/populations/{id}/items", tag: "Populations", needs: "evidence.read", example: "/populations/access.leavers.accounts/items",
		title: "Every item of a population with its outcome"}, theItems, listItems)
}

// Population is one procedure's population in numbers.
type Population struct {
	Procedure  string                `json:"procedure"`
	Title      string                `json:"title"`
	Controls   []string              `json:"controls" nullable:"false"`
	Statement  string                `json:"statement" doc:"The test, in words"`
	Population string                `json:"population" doc:"What it was performed on"`
	Span       audit.Span            `json:"span"`
	Items      int                   `json:"items"`
	Counts     map[string]int        `json:"counts" doc:"Items by their worst outcome"`
	AddsUp     bool                  `json:"addsUp" doc:"The outcomes add up to the population"`
	Streams    []audit.StreamSummary `json:"streams" nullable:"false" doc:"How completely each source of it was seen"`
	Questions  []string              `json:"questions" nullable:"false" doc:"For a person to answer"`
}

func populationOf(t *audit.Tested) Population {
	p := Population{Procedure: t.Procedure, Title: t.Title, Controls: append([]string{}, t.Controls...), Statement: t.Statement, Population: t.Population, Span: t.Span, Items: t.Items,
		Counts: map[string]int{}, Streams: append([]audit.StreamSummary{}, t.Streams...), Questions: append([]string{}, t.Questions...)}
	sum := 0
	for o, n := range t.Counts {
		if n == 0 {
			continue
		}
		p.Counts[audit.Outcome(o).String()] = n
		if audit.Outcome(o) != audit.NotApplicable {
			sum += n
		}
	}
	p.AddsUp = t.Form == audit.Manual || sum == t.Items
	return p
}

func listPopulations(c *call, in *listIn) (*listOut[Population], error) {
	var all []Population
	for _, t := range report.Procedures(c.Report) {
		all = append(all, populationOf(t))
	}
	return cut(&in.Paging, "tieout.populations/1", c.SayPopulations(), all, "/populations", "period", in.Period)
}

type populationIn struct {
	Of
	ID string `path:"id" maxLength:"200" doc:"A procedure such as access.leavers.accounts"`
}

func theProcedure(c *call, in *populationIn) (access.Object, error) { return c.ofProcedure(in.ID) }

func theItems(c *call, in *itemsIn) (access.Object, error) { return c.ofProcedure(in.ID) }

func (c *call) ofProcedure(id string) (access.Object, error) {
	for _, p := range c.P.Selection().Procedures {
		if p.ID == id {
			return c.OfControls(p.Controls...), nil
		}
	}
	return access.Object{}, c.Unknown(notFound("procedure", id), "evidence.read")
}

func (c *call) tested(id string) (*audit.Tested, error) {
	list := report.Procedures(c.Report)
	i := slices.IndexFunc(list, func(t *audit.Tested) bool { return t.Procedure == id })
	if i < 0 {
		return nil, notFound("population of procedure", id)
	}
	return list[i], nil
}

func getPopulation(c *call, in *populationIn) (*oneOut[Population], error) {
	t, err := c.tested(in.ID)
	if err != nil {
		return nil, err
	}
	return one(answer.PopulationSchema, report.ResultCell(t), populationOf(t)), nil
}

type itemsIn struct {
	Of
	Paging
	ID      string `path:"id" maxLength:"200" doc:"A procedure"`
	Outcome string `query:"outcome" maxLength:"30" doc:"Only those with this outcome, such as deviation"`
}

func listItems(c *call, in *itemsIn) (*listOut[audit.Result], error) {
	t, err := c.tested(in.ID)
	if err != nil {
		return nil, err
	}
	path, filters := "/populations/"+in.ID+"/items", []string{"period", in.Period, "outcome", in.Outcome, "run", c.Run.ID}
	at, err := in.from(append([]string{path}, filters...)...)
	if err != nil {
		return nil, err
	}
	out := &listOut[audit.Result]{Body: List[audit.Result]{Schema: "tieout.population-items/1", Summary: Summary{report.ResultCell(t)}, Items: []audit.Result{}}}
	var n int64
	err = c.P.Results(c, c.Run, t.Hash, func(r *audit.Result) error {
		if in.Outcome != "" && r.Outcome.String() != in.Outcome {
			return nil
		}
		if n++; n <= at {
			return nil
		}
		if len(out.Body.Items) == in.Limit {
			out.follow(&in.Paging, n-1, path, filters)
			return errEnough
		}
		out.Body.Items = append(out.Body.Items, *r)
		return c.Err()
	})
	return out, enough(err)
}
