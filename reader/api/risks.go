package api

import (
	"net/http"
	"slices"
	"time"

	"tieout/access"
	"tieout/program"
	"tieout/reader/answer"
)

// riskCalls keep the register of risks. Accepting one for management a person does.
func (s *Server) riskCalls() {
	add(s, operation{id: "list-risks", method: http.MethodGet, path: "/risks", tag: "Risks", needs: "register.read", title: "The register of risks, the gravest first"}, anything[listIn], listRisks)
	add(s, operation{id: "get-risk", method: http.MethodGet, path: "/risks/{id}", tag: "Risks", needs: "register.read", example: "/risks/R-1", title: "One risk"}, theRisk, getRisk)
	add(s, operation{id: "add-risk", method: http.MethodPost, path: "/risks", tag: "Risks", needs: "register.write", status: http.StatusCreated, sends: riskExample, title: "Record a risk"}, whole[addRiskIn], addRisk)
	add(s, operation{id: "set-risk", method: http.MethodPut, path: "/risks/{id}", tag: "Risks", needs: "register.write", example: "/risks/R-1", sends: riskExample,
		title: "Assess a risk anew", detail: "The whole of it is replaced; what was said before stays on record."}, whole[setRiskIn], setRisk)
}

const riskExample = `{"title":"A key leaks","owner":"","category":"technology","likelihood":2,"impact":4,"level":"medium","status":"open"}`

// RiskText is what is said of a risk.
type RiskText struct {
	Title      string     `json:"title" minLength:"1" maxLength:"200" doc:"What could happen"`
	Owner      string     `json:"owner" maxLength:"100" doc:"ID of the account that answers for it"`
	Category   string     `json:"category" enum:"technology,people,vendor,fraud,legal,change,physical,other"`
	Likelihood int        `json:"likelihood" minimum:"1" maximum:"5" doc:"1 (rare) to 5 (expected within the year)"`
	Impact     int        `json:"impact" minimum:"1" maximum:"5" doc:"1 (hardly felt) to 5 (a commitment is broken for everybody)"`
	Treatment  string     `json:"treatment,omitempty" enum:"mitigate,accept,transfer,avoid" doc:"Left out while nothing is decided"`
	Plan       string     `json:"plan,omitempty" maxLength:"20000" doc:"What is done about it, Markdown"`
	Level      string     `json:"level" enum:"high,medium,low" doc:"After treatment"`
	Due        *time.Time `json:"due,omitempty" doc:"When the treatment is due"`
	Status     string     `json:"status" enum:"open,treated,closed"`
	Controls   []string   `json:"controls,omitempty" maxItems:"100" doc:"IDs of controls that act on it"`
}

// Risk is one row of the register.
type Risk struct {
	ID string `json:"id"`
	RiskText
	Assessed   time.Time  `json:"assessed"`
	AssessedBy string     `json:"assessedBy" doc:"Account"`
	Accepted   *time.Time `json:"accepted,omitempty" doc:"By management"`
	AcceptedBy string     `json:"acceptedBy,omitempty"`
	Revision   int64      `json:"revision"`
}

func (t *RiskText) risk(id string, revision int64) program.Risk {
	r := program.Risk{ID: id, Title: t.Title, Owner: t.Owner, Category: t.Category, Likelihood: t.Likelihood, Impact: t.Impact, Treatment: t.Treatment, Plan: t.Plan,
		Level: t.Level, Status: t.Status, Controls: t.Controls, Revision: revision}
	if t.Due != nil {
		r.Due = *t.Due
	}
	return r
}

func riskOf(r *program.Risk) Risk {
	return Risk{ID: r.ID, RiskText: RiskText{r.Title, r.Owner, r.Category, r.Likelihood, r.Impact, r.Treatment, r.Plan, r.Level, when(r.Due), r.Status, r.Controls},
		Assessed: r.Assessed, AssessedBy: r.AssessedBy, Accepted: when(r.Accepted), AcceptedBy: r.AcceptedBy, Revision: r.Revision}
}

func listRisks(c *call, in *listIn) (*listOut[Risk], error) {
	list, err := c.book.AllRisks(c)
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(r program.Risk) bool { return !c.May("register.read", c.OfRisk(r)) })
	all := make([]Risk, len(list))
	for i := range list {
		all[i] = riskOf(&list[i])
	}
	return cut(&in.Paging, "tieout.risks/1", answer.Risks(list, c.now, c.zone()), all, "/risks", "period", in.Period)
}

type riskIn struct {
	Of
	ID string `path:"id" maxLength:"100" doc:"Such as R-3"`
}

func theRisk(c *call, in *riskIn) (access.Object, error) {
	r, err := c.book.Risk(c, in.ID)
	if err != nil {
		return access.Object{}, c.Unknown(err, "register.read")
	}
	return c.OfRisk(r), nil
}

func (c *call) risk(r *program.Risk) *oneOut[Risk] {
	return tagged("tieout.risk/1", answer.Risk(r, c.Name(r.AssessedBy), c.Name(r.AcceptedBy), c.now, c.zone()), r.Revision, riskOf(r))
}

func getRisk(c *call, in *riskIn) (*oneOut[Risk], error) {
	r, err := c.book.Risk(c, in.ID)
	if err != nil {
		return nil, err
	}
	return c.risk(&r), nil
}

type addRiskIn struct {
	Of
	Again
	Body RiskText
}

func addRisk(c *call, in *addRiskIn) (*oneOut[Risk], error) {
	r, err := c.book.SetRisk(c, c.Who, in.Body.risk("", 0))
	if err != nil {
		return nil, err
	}
	return made(c.risk(&r), "risks", r.ID), nil
}

type setRiskIn struct {
	Of
	Again
	Match
	ID   string `path:"id" maxLength:"100"`
	Body RiskText
}

func setRisk(c *call, in *setRiskIn) (*oneOut[Risk], error) {
	revision, err := in.revision()
	if err != nil {
		return nil, err
	}
	if _, err := c.book.Risk(c, in.ID); err != nil {
		return nil, err
	}
	r, err := c.book.SetRisk(c, c.Who, in.Body.risk(in.ID, revision))
	if err != nil {
		return nil, c.since(err, revision, func(s *program.State) int64 { return s.Risks[in.ID].Revision })
	}
	return c.risk(&r), nil
}
