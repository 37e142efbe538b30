package api

import (
	"net/http"
	"slices"
	"time"

	"tieout/report"
	"tieout/trust"
)

// trustCalls are who may read the company's reports and who did. Publishing, giving
// and ending access are a person's, on screen or by command.
func (s *Server) trustCalls() {
	add(s, operation{id: "list-access-requests", method: http.MethodGet, path: "/trust/requests", tag: "Trust", needs: "trust.read", title: "Who asked for a report, the newest first", detail: "Nobody has checked what they say of themselves."}, whole[listIn], listAccessRequests)
	add(s, operation{id: "list-access", method: http.MethodGet, path: "/trust/grants", tag: "Trust", needs: "trust.read", title: "Who was given access to a report, and what they did, the newest first", detail: "Access also ends with its report; whether that is in force is said by the examination."}, whole[listIn], listAccess)
}

// An AccessRequest is what somebody outside said who asks for a report.
type AccessRequest struct {
	ID           string    `json:"id"`
	Engagement   string    `json:"engagement"`
	Report       string    `json:"report" doc:"Digest of the report's value"`
	Name         string    `json:"name"`
	Organization string    `json:"organization"`
	Mail         string    `json:"mail"`
	Class        string    `json:"class"`
	Reason       string    `json:"reason"`
	At           time.Time `json:"at"`
	Grant        string    `json:"grant,omitempty" doc:"That answered it"`
	Refused      string    `json:"refused,omitempty" doc:"Why it was refused"`
}

// An AccessGrant is access that was given to one person, without its link's secret,
// which nobody has.
type AccessGrant struct {
	ID           string      `json:"id"`
	Request      string      `json:"request,omitempty"`
	Engagement   string      `json:"engagement"`
	Report       string      `json:"report" doc:"Digest of the report's value"`
	Name         string      `json:"name"`
	Organization string      `json:"organization"`
	Mail         string      `json:"mail"`
	Class        string      `json:"class"`
	Basis        string      `json:"basis" enum:"nda,contract,legal"`
	Ground       string      `json:"ground,omitempty"`
	At           time.Time   `json:"at"`
	By           string      `json:"by" doc:"Account"`
	Expires      time.Time   `json:"expires"`
	Ended        *time.Time  `json:"ended,omitempty" doc:"When it expired or was revoked"`
	Why          string      `json:"why,omitempty" doc:"It was revoked"`
	Agreed       *time.Time  `json:"agreed,omitempty" doc:"When they agreed to the terms"`
	Terms        string      `json:"terms,omitempty" doc:"Digest of the text they agreed to"`
	Looks        []time.Time `json:"looks"`
	Copies       []string    `json:"copies" doc:"Numbers of the copies they took"`
}

func accessGrantOf(g *trust.Grant, now time.Time) AccessGrant {
	out := AccessGrant{ID: g.ID, Request: g.Request, Engagement: g.Engagement, Report: g.Report, Name: g.Name, Organization: g.Organization, Mail: g.Mail, Class: string(g.Class), Basis: string(g.Basis), Ground: g.Ground,
		At: g.At, By: g.By, Expires: g.Expires, Ended: when(g.Ended(now)), Why: g.Why, Looks: append([]time.Time{}, g.Views...), Copies: []string{}}
	if g.Agreed != nil {
		out.Agreed, out.Terms = when(g.Agreed.At), g.Agreed.Digest
	}
	for _, f := range g.Fetches {
		out.Copies = append(out.Copies, f.Copy)
	}
	return out
}

// trust is who may read the company's reports, and who did.
func (c *call) trust() *trust.Book { return c.s.o.Web.Home().Trust() }

func listAccessRequests(c *call, in *listIn) (*listOut[AccessRequest], error) {
	list, _, err := c.trust().All(c)
	if err != nil {
		return nil, err
	}
	all, waits := []AccessRequest{}, 0
	for _, r := range list {
		if r.Open() {
			waits++
		}
		all = append(all, AccessRequest{r.ID, r.Engagement, r.Report, r.Name, r.Organization, r.Mail, string(r.Class), r.Reason, r.At, r.Grant, r.Refused})
	}
	return cut(&in.Paging, "tieout.access-requests/1", report.Capital(report.Plural(waits, "request waits", "requests wait"))+" for an answer.", all, "/trust/requests", "period", in.Period)
}

func listAccess(c *call, in *listIn) (*listOut[AccessGrant], error) {
	_, list, err := c.trust().All(c)
	if err != nil {
		return nil, err
	}
	all := make([]AccessGrant, len(list))
	for i := range list {
		all[i] = accessGrantOf(&list[i], c.now)
	}
	open := len(all) - len(slices.DeleteFunc(slices.Clone(all), func(g AccessGrant) bool { return g.Ended == nil }))
	return cut(&in.Paging, "tieout.access/1", report.Capital(report.Plural(open, "grant lasts", "grants last"))+", as far as their days go.", all, "/trust/grants", "period", in.Period)
}
