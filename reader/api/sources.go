package api

import (
	"net/http"
	"slices"
	"time"

	"tieout/audit"
	"tieout/program"
	"tieout/reader/jobs"
	"tieout/source"
	"tieout/store"
	"tieout/worker"
)

// sourceCalls are the connections, and how fresh they are.
func (s *Server) sourceCalls() {
	add(s, operation{id: "list-connectors", method: http.MethodGet, path: "/connectors", tag: "Sources", needs: "source.read",
		title: "Connections: what each reads, what it cannot see, and its newest collection", detail: "Settings and secrets are not shown."}, anything[listIn], listConnectors)
}

// Connector is one connection.
type Connector struct {
	Name    string                `json:"name"`
	Kind    string                `json:"kind"`
	Title   string                `json:"title"`
	Scopes  []Scope               `json:"scopes" nullable:"false"`
	Cannot  []string              `json:"cannot" nullable:"false" doc:"What it cannot see, in words"`
	Newest  *Collection           `json:"newest,omitempty" doc:"Its newest collection; missing: it was never read"`
	Streams []audit.StreamSummary `json:"streams" nullable:"false" doc:"How completely it was seen in the period"`
}

// Scope is one permission a connection needs, and why.
type Scope struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

// Collection is one reading of a source.
type Collection struct {
	ID       string     `json:"id"`
	Started  time.Time  `json:"started"`
	Ended    *time.Time `json:"ended,omitempty"`
	Complete bool       `json:"complete"`
	Problems []string   `json:"problems" nullable:"false"`
	Evidence string     `json:"evidence,omitempty" doc:"The sealed record of its end, or of its beginning"`
}

func listConnectors(c *call, in *listIn) (*listOut[Connector], error) {
	var all []Connector
	fresh := 0
	for _, def := range c.P.Def.Sources {
		if !c.May("source.read", c.OfSource(def.Name)) {
			continue
		}
		x, err := c.connector(def.Name, def.Kind)
		if err != nil {
			return nil, err
		}
		if x.Newest != nil && x.Newest.Complete {
			fresh++
		}
		all = append(all, x)
	}
	return cut(&in.Paging, "tieout.connectors/1", c.SayConnectors(len(all), fresh), all, "/connectors", "period", in.Period)
}

func (c *call) connector(name, kind string) (Connector, error) {
	x := Connector{Name: name, Kind: kind, Title: kind, Scopes: []Scope{}, Cannot: []string{}, Streams: []audit.StreamSummary{}}
	if d, err := c.P.Drivers.Find(kind); err == nil {
		x.Title, x.Cannot = d.Title, append(x.Cannot, d.Cannot...)
		for _, s := range d.Scopes {
			x.Scopes = append(x.Scopes, scopeOf(s))
		}
	}
	for _, s := range c.Report.Coverage {
		if s.Source == name {
			x.Streams = append(x.Streams, s)
		}
	}
	list, err := c.P.Store.Collections(c, name)
	if err != nil || len(list) == 0 {
		return x, err
	}
	x.Newest = collectionOf(slices.MaxFunc(list, func(a, b store.SavedCollection) int { return a.Started.Compare(b.Started) }))
	return x, nil
}

func scopeOf(s source.Scope) Scope { return Scope{s.Name, s.Why} }

func collectionOf(s store.SavedCollection) *Collection {
	x := &Collection{ID: s.ID, Started: s.Started, Problems: []string{}}
	record := s.Record
	if s.End != nil {
		x.Ended, x.Complete, x.Problems, record = &s.End.Ended, s.End.Complete, append(x.Problems, s.End.Problems...), s.EndRecord
	}
	if record != audit.Unsequenced {
		x.Evidence = audit.EvidenceRef(record)
	}
	return x
}

// jobCalls are what runs, and asking for it.
func (s *Server) jobCalls() {
	add(s, operation{id: "list-jobs", method: http.MethodGet, path: "/jobs", tag: "Jobs", needs: "source.read", title: "The newest jobs"}, anything[listIn], listJobs)
	add(s, operation{id: "get-job", method: http.MethodGet, path: "/jobs/{id}", tag: "Jobs", needs: "source.read", example: "/jobs/{job}", title: "One job, and how far it is"}, anything[jobIn], getJob)
	add(s, operation{id: "start-job", method: http.MethodPost, path: "/jobs", tag: "Jobs", needs: "source.collect", status: http.StatusAccepted, sends: `{"kind":"collect"}`,
		title: "Ask for a job, such as a collection", detail: "While the same is asked for already and has not ended, that job is returned."}, whole[startIn], startJob)
	add(s, operation{id: "cancel-job", method: http.MethodPost, path: "/jobs/{id}/cancel", tag: "Jobs", needs: "source.collect", example: "/jobs/{job}/cancel",
		title: "End a job; what it has sealed stays"}, whole[jobChangeIn], cancelJob)
	add(s, operation{id: "retry-job", method: http.MethodPost, path: "/jobs/{id}/retry", tag: "Jobs", needs: "source.collect", status: http.StatusAccepted, example: "/jobs/{job}/retry",
		title: "Ask again for what of an ended job failed or was canceled"}, whole[jobChangeIn], retryJob)
}

// queue takes jobs; what is asked for is sealed with the token it was asked by.
func (c *call) queue() *worker.Queue { return jobs.QueueFor(c.s.o.Web.Home(), "api", c.Who) }

// by is who asks for a job.
func (c *call) by() worker.By { return worker.By{Account: c.Who.Account, Name: c.Name(c.Who.Account)} }

func listJobs(c *call, in *listIn) (*listOut[jobs.View], error) {
	list, err := c.queue().Jobs(c, worker.Filter{})
	if err != nil {
		return nil, err
	}
	var all []jobs.View
	for _, j := range list {
		all = append(all, jobs.ViewOf(j, c.zone()))
	}
	return cut(&in.Paging, "tieout.jobs/1", c.SayJobs(list), all, "/jobs", "period", in.Period)
}

type jobIn struct {
	Of
	ID string `path:"id" maxLength:"100"`
}

func (c *call) jobOut(j worker.Job) *oneOut[jobs.View] {
	v := jobs.ViewOf(j, c.zone())
	return one("tieout.job/1", v.Sentence, v)
}

func getJob(c *call, in *jobIn) (*oneOut[jobs.View], error) {
	j, err := c.queue().Job(c, in.ID)
	if err != nil {
		return nil, err
	}
	return c.jobOut(j), nil
}

type startIn struct {
	Of
	Again
	Body struct {
		Kind    string   `json:"kind" enum:"collect,check,collect+check,backup,remind" doc:"What to do"`
		Sources []string `json:"sources,omitempty" maxItems:"100" doc:"Of a collection: only these; none: all"`
	}
}

func startJob(c *call, in *startIn) (*oneOut[jobs.View], error) {
	payload := jobs.Payload{Sources: in.Body.Sources}
	return c.begin(in.Body.Kind, payload, func(q *worker.Queue) (worker.Job, bool, error) {
		return jobs.Start(c, q, c.P.Def, in.Body.Kind, payload, c.by())
	})
}

// begin asks for a job, under an idempotency key once.
func (c *call) begin(kind string, payload jobs.Payload, ask func(*worker.Queue) (worker.Job, bool, error)) (*oneOut[jobs.View], error) {
	q := c.queue()
	if c.Who.Once != "" {
		q.ID = program.OnceID(c.Who)
		if j, err := q.Job(c, q.ID); err == nil {
			return c.asked(j, kind, payload)
		}
	}
	j, added, err := ask(q)
	if err != nil {
		return nil, err
	}
	if added && c.s.o.Wake != nil {
		c.s.o.Wake()
	}
	out := made(c.jobOut(j), "jobs", j.ID)
	out.Status = http.StatusAccepted
	return out, nil
}

// asked is the answer to a request that was sent before.
func (c *call) asked(j worker.Job, kind string, payload jobs.Payload) (*oneOut[jobs.View], error) {
	had, err := jobs.Decode(j.Payload)
	if err != nil {
		return nil, err
	}
	if j.Kind != kind || !slices.Equal(had.Sources, payload.Sources) || !had.Freeze.Same(payload.Freeze) {
		return nil, program.ErrKeyUsed
	}
	out := made(c.jobOut(j), "jobs", j.ID)
	out.Status = http.StatusAccepted
	return out, nil
}

type jobChangeIn struct {
	Of
	Again
	ID string `path:"id" maxLength:"100"`
}

func cancelJob(c *call, in *jobChangeIn) (*oneOut[jobs.View], error) {
	j, err := c.queue().Job(c, in.ID)
	if err != nil {
		return nil, err
	}
	if in.Key == "" || j.Cancel.IsZero() { // asked for before: that is its answer
		if j, err = c.queue().Cancel(c, in.ID, c.by()); err != nil {
			return nil, err
		}
	}
	return c.jobOut(j), nil
}

func retryJob(c *call, in *jobChangeIn) (*oneOut[jobs.View], error) {
	old, err := c.queue().Job(c, in.ID)
	if err != nil {
		return nil, err
	}
	payload, err := jobs.Decode(old.Payload)
	if err != nil {
		return nil, err
	}
	if payload.Freeze != nil {
		return nil, newProblem(http.StatusForbidden, "A population is frozen by a person: ask for it again with freeze-population.")
	}
	if left := jobs.Unread(old); len(left) > 0 {
		payload.Sources = left
	}
	return c.begin(old.Kind, payload, func(q *worker.Queue) (worker.Job, bool, error) {
		return jobs.Retry(c, q, c.P.Def, in.ID, c.by())
	})
}
