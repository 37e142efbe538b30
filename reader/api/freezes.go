package api

import (
	"net/http"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/examination"
	"tieout/reader/answer"
	"tieout/reader/jobs"
	"tieout/worker"
)

// Freeze is a frozen population, with the auditor's word on it.
type Freeze struct {
	engagement.Population
	By         string `json:"by" doc:"Account"`
	Record     string `json:"record" doc:"The freeze in this log"`
	Accepted   bool   `json:"accepted"`
	Question   string `json:"question,omitempty"`
	Superseded string `json:"superseded,omitempty"`
}

func freezeOf(p *management.Frozen) Freeze {
	return Freeze{p.Population, p.By, audit.EvidenceRef(p.Record), p.Accepted, p.Question, p.Superseded}
}

func listFreezes(c *call, in *ExamPage) (*listOut[Freeze], error) {
	var all []Freeze
	err := c.exam(in.ID, func(_ *management.State, x *management.Side) error {
		for _, p := range answer.InOrder(x.Populations) {
			all = append(all, freezeOf(p))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return cut(&in.Paging, "tieout.freezes/1", answer.Counted(len(all), "population is frozen", "populations are frozen"), all, "/examinations/"+in.ID+"/populations", "period", in.Period)
}

type freezeIn struct {
	ExamName
	Again
	Body struct {
		Procedure string            `json:"procedure" minLength:"1" maxLength:"200"`
		Round     string            `json:"round" minLength:"1" maxLength:"20"`
		Explain   map[string]string `json:"explain,omitempty" doc:"Why a line of completeness does not add up, by what it is of"`
		Instead   string            `json:"instead,omitempty" maxLength:"100" doc:"The frozen population it takes the place of"`
	}
}

// Freezing is a freeze that was done, or that a job does.
type Freezing struct {
	Frozen *Freeze    `json:"frozen,omitempty"`
	Job    *jobs.View `json:"job,omitempty" doc:"Of a large run"`
}

func freezePopulation(c *call, in *freezeIn) (*oneOut[Freezing], error) {
	b := &in.Body
	f := jobs.Freezing{Engagement: in.ID, Procedure: b.Procedure, Round: b.Round, Explain: b.Explain, Instead: b.Instead}
	end := c.s.o.Web.Client()
	client := &examination.Client{P: c.P, Side: end.Side, Register: end.Register}
	large, err := f.Ready(c, client)
	if err != nil {
		return nil, err
	}
	if large {
		return c.freezeLater(f)
	}
	p, err := client.FreezeRun(c, c.Who, in.ID, b.Procedure, b.Round, b.Explain, b.Instead)
	if err != nil {
		return nil, err
	}
	x := freezeOf(&p)
	out := one("tieout.freeze/1", p.ID+" is frozen."+flushed(c, c.s, in.ID), Freezing{Frozen: &x})
	out.Status = http.StatusCreated
	return out, nil
}

// freezeLater asks for the job that freezes.
func (c *call) freezeLater(f jobs.Freezing) (*oneOut[Freezing], error) {
	payload := jobs.Payload{Freeze: &f}
	job, err := c.begin(jobs.Freeze, payload, func(q *worker.Queue) (worker.Job, bool, error) {
		return jobs.Start(c, q, c.P.Def, jobs.Freeze, payload, c.by())
	})
	if err != nil {
		return nil, err
	}
	out := one("tieout.freeze/1", job.Body.Summary.Text, Freezing{Job: &job.Body.Result})
	out.Status, out.Location = http.StatusAccepted, job.Location
	return out, nil
}
