package api

import (
	"net/http"
	"slices"
	"time"

	"tieout/access"
	"tieout/program"
	"tieout/reader/answer"
)

// incidentCalls report and run incidents. Whether the description discloses one
// a person decides.
func (s *Server) incidentCalls() {
	add(s, operation{id: "list-incidents", method: http.MethodGet, path: "/incidents", tag: "Incidents", needs: "incident.read", title: "The register of incidents, the newest first"}, anything[listIn], listIncidents)
	add(s, operation{id: "get-incident", method: http.MethodGet, path: "/incidents/{id}", tag: "Incidents", needs: "incident.read", example: "/incidents/INC-1", title: "One incident with its timeline and deadlines"}, theIncident, getIncident)
	add(s, operation{id: "report-incident", method: http.MethodPost, path: "/incidents", tag: "Incidents", needs: "incident.report", status: http.StatusCreated,
		sends: `{"detail":"A list went astray","detected":"2026-03-27T10:00:00Z"}`, title: "Report an incident"}, toReport, reportIncident)
	add(s, operation{id: "set-incident", method: http.MethodPut, path: "/incidents/{id}", tag: "Incidents", needs: "incident.write", example: "/incidents/INC-1", sends: `{"title":"A list went astray"}`,
		title: "Write what is known of an incident", detail: "The whole of it is replaced; what was said before stays on record."}, theIncidentSet, setIncident)
	add(s, operation{id: "add-incident-step", method: http.MethodPost, path: "/incidents/{id}/steps", tag: "Incidents", needs: "incident.write", status: http.StatusCreated, example: "/incidents/INC-1/steps",
		sends: `{"step":"note","text":"Access was removed","took":"2026-03-27T11:00:00Z"}`, title: "Add a line to an incident's timeline"}, theIncidentStep, stepIncident)
}

func listIncidents(c *call, in *listIn) (*listOut[program.Incident], error) {
	all, err := c.book.AllIncidents(c)
	if err != nil {
		return nil, err
	}
	own := !c.May("incident.read", access.Object{Systems: c.Systems, Engagements: []string{c.P.Name}})
	all = slices.DeleteFunc(all, func(i program.Incident) bool { return !c.May("incident.read", c.OfIncident(i)) })
	return cut(&in.Paging, "tieout.incidents/1", answer.Incidents(all, own, c.now, c.zone()), all, "/incidents", "period", in.Period)
}

type incidentIn struct {
	Of
	ID string `path:"id" maxLength:"100" doc:"Such as INC-3"`
}

func (c *call) ofIncident(id string, needs access.PermissionID) (access.Object, error) {
	i, err := c.book.Incident(c, id)
	if err != nil {
		return access.Object{}, c.Unknown(err, needs)
	}
	return c.OfIncident(i), nil
}

func theIncident(c *call, in *incidentIn) (access.Object, error) {
	return c.ofIncident(in.ID, "incident.read")
}

func theIncidentSet(c *call, in *setIncidentIn) (access.Object, error) {
	return c.ofIncident(in.ID, "incident.write")
}

func theIncidentStep(c *call, in *stepIn) (access.Object, error) {
	return c.ofIncident(in.ID, "incident.write")
}

func (c *call) incident(i program.Incident) *oneOut[program.Incident] {
	return tagged("tieout.incident/1", answer.Incident(&i, c.now, c.zone()), i.Revision, i)
}

func getIncident(c *call, in *incidentIn) (*oneOut[program.Incident], error) {
	i, err := c.book.Incident(c, in.ID)
	if err != nil {
		return nil, err
	}
	return c.incident(i), nil
}

type reportIn struct {
	Of
	Again
	Body struct {
		Detail   string    `json:"detail" minLength:"1" maxLength:"20000" doc:"What was noticed, Markdown"`
		Detected time.Time `json:"detected" doc:"When it was noticed"`
	}
}

func toReport(c *call, _ *reportIn) (access.Object, error) { return program.Reportable(c.Who), nil }

func reportIncident(c *call, in *reportIn) (*oneOut[program.Incident], error) {
	i, err := c.book.ReportIncident(c, c.Who, in.Body.Detail, in.Body.Detected)
	if err != nil {
		return nil, err
	}
	return made(c.incident(i), "incidents", i.ID), nil
}

type setIncidentIn struct {
	Of
	Again
	Match
	ID   string `path:"id" maxLength:"100"`
	Body struct {
		Title    string   `json:"title" minLength:"1" maxLength:"200"`
		Kind     string   `json:"kind,omitempty" enum:"security,privacy,availability,other" doc:"Left out until somebody looked"`
		Severity string   `json:"severity,omitempty" enum:"sev1,sev2,sev3,sev4" doc:"Left out until somebody looked"`
		Lead     string   `json:"lead,omitempty" maxLength:"100" doc:"ID of the account that leads it"`
		Personal string   `json:"personal,omitempty" enum:"yes,no" doc:"Whether personal data are concerned; left out while not known"`
		Subjects *int     `json:"subjects,omitempty" minimum:"0" doc:"People whose data it is; left out while not known"`
		Systems  []string `json:"systems,omitempty" maxItems:"100"`
		Controls []string `json:"controls,omitempty" maxItems:"100" doc:"That did not hold"`
		Promises []string `json:"promises,omitempty" maxItems:"100" doc:"Commitments that were touched"`
		Data     []string `json:"data,omitempty" maxItems:"100" doc:"Ids of the classes of data it concerns"`
		Criteria []string `json:"criteria,omitempty" maxItems:"100"`
	}
}

func setIncident(c *call, in *setIncidentIn) (*oneOut[program.Incident], error) {
	revision, err := in.revision()
	if err != nil {
		return nil, err
	}
	if _, err := c.book.Incident(c, in.ID); err != nil {
		return nil, err
	}
	b := &in.Body
	x := program.Incident{ID: in.ID, Title: b.Title, Kind: b.Kind, Severity: b.Severity, Lead: b.Lead, Personal: b.Personal, Subjects: program.Unknown,
		Systems: b.Systems, Controls: b.Controls, Promises: b.Promises, Criteria: b.Criteria, Data: b.Data, Revision: revision}
	if b.Subjects != nil {
		x.Subjects = *b.Subjects
	}
	i, err := c.book.SetIncident(c, c.Who, x)
	if err != nil {
		return nil, c.since(err, revision, func(s *program.State) int64 { return s.Incidents[in.ID].Revision })
	}
	return c.incident(i), nil
}

type stepIn struct {
	Of
	Again
	Match
	ID   string `path:"id" maxLength:"100"`
	Body struct {
		Step     string    `json:"step" enum:"note,detected,acknowledged,contained,resolved,closed,reopened"`
		Text     string    `json:"text,omitempty" maxLength:"20000" doc:"What happened, Markdown"`
		Took     time.Time `json:"took" doc:"When it took place"`
		Evidence []string  `json:"evidence,omitempty" maxItems:"100" doc:"Sealed records such as E-481"`
	}
}

func stepIncident(c *call, in *stepIn) (*oneOut[program.Incident], error) {
	revision, err := in.revision()
	if err != nil {
		return nil, err
	}
	if _, err := c.book.Incident(c, in.ID); err != nil {
		return nil, err
	}
	i, err := c.book.StepIncident(c, c.Who, in.ID, revision, program.Step{What: in.Body.Step, Text: in.Body.Text, Took: in.Body.Took, Evidence: in.Body.Evidence})
	if err != nil {
		return nil, c.since(err, revision, func(s *program.State) int64 { return s.Incidents[in.ID].Revision })
	}
	return made(c.incident(i), "incidents", i.ID), nil
}
