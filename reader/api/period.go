package api

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/reader/answer"
	"tieout/report"
)

type periodIn struct{ Of }

// periodCalls are where the period stands and what it is of.
func (s *Server) periodCalls() {
	add(s, operation{id: "get-status", method: http.MethodGet, path: "/status", tag: "Period", needs: "period.read",
		title: "Where the period stands", detail: "summary.text is the one sentence of the period. Of who is given some controls it speaks of those only."}, anything[periodIn], getStatus)
	add(s, operation{id: "list-periods", method: http.MethodGet, path: "/periods", tag: "Period", needs: "period.read",
		title: "Periods of the workspace"}, anything[listIn], listPeriods)
	add(s, operation{id: "list-coverage", method: http.MethodGet, path: "/coverage", tag: "Period", needs: "period.read",
		title: "Criteria, the controls in scope that meet them, and the procedures that test those"}, anything[coverageIn], listCoverage)
	add(s, operation{id: "get-readiness", method: http.MethodGet, path: "/readiness", tag: "Period", needs: "period.read",
		title: "What stands between the period and a date"}, anything[readinessIn], getReadiness)
	add(s, operation{id: "get-system", method: http.MethodGet, path: "/system", tag: "Period", needs: "register.read",
		title: "What is under examination, and what the sources see of it"}, anything[periodIn], getSystem)
}

type listIn struct {
	Of
	Paging
}

// Status is what stands behind the sentence of a period.
type Status struct {
	Period     string       `json:"period" doc:"Its name"`
	Span       audit.Period `json:"span"`
	AsOf       time.Time    `json:"asOf" doc:"Up to when evidence was considered"`
	Tested     bool         `json:"tested" doc:"A test was run; otherwise nothing is known, which is never a pass"`
	Controls   int          `json:"controls" doc:"Tested, of those that may be read"`
	Untested   int          `json:"untested" doc:"In scope and not tested here"`
	Deviations int          `json:"deviations"`
	Gaps       int          `json:"gaps" doc:"Stretches without evidence"`
	Log        logHead      `json:"log"`
}

type logHead struct {
	Log       string   `json:"log" doc:"Origin of the workspace's log: the name that a signature over a request has in it"`
	Size      int64    `json:"size"`
	Root      string   `json:"root" doc:"Hexadecimal"`
	Witnessed []string `json:"witnessed" nullable:"false" doc:"Witnesses and time-stamp authorities that saw this order; none: it was not witnessed outside"`
}

func getStatus(c *call, _ *periodIn) (*oneOut[Status], error) {
	r := c.Report
	return one(answer.StatusSchema, r.Sentence, Status{Period: c.P.Name, Span: r.Period, AsOf: r.AsOf, Tested: c.Run.Recorded, Controls: len(r.Controls),
		Untested: len(r.Untested), Deviations: len(c.Deviations), Gaps: len(c.Gaps), Log: logHead{c.origin(), r.Log.Size, r.Log.Root, append([]string{}, r.Log.Witnessed...)}}), nil
}

// Period is a stretch under examination.
type Period struct {
	Name  string    `json:"name"`
	First string    `json:"first" doc:"Its first day"`
	Last  string    `json:"last" doc:"Its last day, included"`
	Zone  string    `json:"zone"`
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Here  bool      `json:"here" doc:"The one that was asked for"`
}

func listPeriods(c *call, in *listIn) (*listOut[Period], error) {
	var all []Period
	for _, p := range c.P.Def.Periods {
		if c.May("period.read", access.Object{Controls: c.reachControls(), Systems: c.Systems, Engagements: []string{p.Name}}) {
			all = append(all, Period{p.Name, p.First(), p.Last(), p.Zone, p.From, p.To, p.Name == c.P.Name})
		}
	}
	return cut(&in.Paging, "tieout.periods/1", report.Capital(report.Plural(len(all), "period", "periods"))+".", all, "/periods", "period", in.Period)
}

// reachControls are the controls that grants name.
func (c *call) reachControls() []string { return c.Reach().Controls }

type coverageIn struct {
	Of
	Paging
	Criterion string `query:"criterion" maxLength:"50" doc:"Only of this criterion, such as CC6.1"`
	Control   string `query:"control" maxLength:"100" doc:"Only of this control"`
}

func listCoverage(c *call, in *coverageIn) (*listOut[answer.Covered], error) {
	_, all, err := answer.Coverage(c, c.P)
	if err != nil {
		return nil, err
	}
	mine := answer.InScope(c.Report)
	all = slices.DeleteFunc(all, func(x answer.Covered) bool {
		return x.Control != "" && !slices.Contains(mine, x.Control) || in.Criterion != "" && !strings.EqualFold(x.Criterion, in.Criterion) || in.Control != "" && !strings.EqualFold(x.Control, in.Control)
	})
	return cut(&in.Paging, answer.CoverageSchema, c.SayCovered(), all, "/coverage", "period", in.Period, "criterion", in.Criterion, "control", in.Control)
}

type readinessIn struct {
	Of
	By string `query:"by" format:"date" maxLength:"10" doc:"The day it should be ready by; left out: the end of the period"`
}

func getReadiness(c *call, in *readinessIn) (*oneOut[*answer.Readiness], error) {
	r, err := c.Readiness(c)
	if err != nil {
		return nil, err
	}
	if in.By != "" {
		day, err := time.ParseInLocation(time.DateOnly, in.By, c.zone())
		if err != nil {
			return nil, fmt.Errorf("%w: by: %q is not a day such as 2026-09-30", audit.ErrInvalid, in.By)
		}
		r = r.For(day)
	}
	return one(answer.ReadinessSchema, c.SayReadiness(r.Sentence()), r), nil
}

func getSystem(c *call, _ *periodIn) (*oneOut[*answer.System], error) {
	sys, err := c.System(c)
	if err != nil {
		return nil, err
	}
	return one(answer.SystemSchema, cmp.Or(sys.Sentence(), "No system is described."), sys), nil
}
