package api

import (
	"net/http"
	"slices"
	"time"

	"tieout/access"
	"tieout/program"
	"tieout/reader/answer"
)

// issueCalls keep the register of what has to be mended. That it is mended its
// owner says, and a second person closes it.
func (s *Server) issueCalls() {
	add(s, operation{id: "list-issues", method: http.MethodGet, path: "/issues", tag: "Issues", needs: "issue.read", title: "The register of issues: what is not closed first, the first due before the later"}, anything[listIn], listIssues)
	add(s, operation{id: "get-issue", method: http.MethodGet, path: "/issues/{id}", tag: "Issues", needs: "issue.read", example: "/issues/I-1", title: "One issue"}, theIssue, getIssue)
	add(s, operation{id: "open-issue", method: http.MethodPost, path: "/issues", tag: "Issues", needs: "issue.write", status: http.StatusCreated, sends: openIssueExample, title: "Open an issue"}, whole[openIssueIn], openIssue)
	add(s, operation{id: "set-issue", method: http.MethodPut, path: "/issues/{id}", tag: "Issues", needs: "issue.write", example: "/issues/I-1", sends: openIssueExample,
		title: "Write an issue anew", detail: "The whole of it is replaced but for its date; what was said before stays on record."}, whole[setIssueIn], setIssue)
	add(s, operation{id: "move-issue", method: http.MethodPost, path: "/issues/{id}/date", tag: "Issues", needs: "issue.write", example: "/issues/I-1/date", sends: `{"due":"2026-06-30T23:59:59Z","why":"The vendor delivers in June"}`,
		title: "Move the date of an issue", detail: "A date that had passed before stays the one the issue is held to."}, whole[moveIssueIn], moveIssue)
}

const openIssueExample = `{"title":"Two leavers kept access","severity":"high"}`

// RegisterIssue is what is said of an issue.
type RegisterIssue struct {
	Title    string              `json:"title" minLength:"1" maxLength:"200" doc:"What has to be mended"`
	Detail   string              `json:"detail,omitempty" maxLength:"20000" doc:"What is wrong, Markdown"`
	Severity string              `json:"severity" enum:"high,medium,low"`
	Owner    string              `json:"owner,omitempty" maxLength:"100" doc:"ID of the account that mends it"`
	Remedy   string              `json:"remedy,omitempty" enum:"new control,changed control,documented,configuration,other" doc:"Left out while nothing is decided"`
	Plan     string              `json:"plan,omitempty" maxLength:"20000" doc:"What is done about it, Markdown"`
	Links    []program.IssueLink `json:"links,omitempty" maxItems:"100" doc:"What it came from"`
	Criteria []string            `json:"criteria,omitempty" maxItems:"100"`
	Controls []string            `json:"controls,omitempty" maxItems:"100"`
}

func (t *RegisterIssue) issue(id string, revision int64) program.Issue {
	return program.Issue{ID: id, Title: t.Title, Detail: t.Detail, Severity: t.Severity, Owner: t.Owner, Remedy: t.Remedy, Plan: t.Plan, Links: t.Links, Criteria: t.Criteria, Controls: t.Controls,
		Revision: revision}
}

func listIssues(c *call, in *listIn) (*listOut[program.Issue], error) {
	all, err := c.book.AllIssues(c)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(i program.Issue) bool { return !c.May("issue.read", c.OfIssue(&i)) })
	return cut(&in.Paging, "tieout.issues/1", answer.Issues(all, c.now), all, "/issues", "period", in.Period)
}

type issueIn struct {
	Of
	ID string `path:"id" maxLength:"100" doc:"Such as I-3"`
}

func theIssue(c *call, in *issueIn) (access.Object, error) {
	i, err := c.book.Issue(c, in.ID)
	if err != nil {
		return access.Object{}, c.Unknown(err, "issue.read")
	}
	return c.OfIssue(&i), nil
}

func (c *call) issue(i program.Issue) *oneOut[program.Issue] {
	return tagged("tieout.issue/1", answer.Issue(&i, c.Name(i.Owner), c.Name(i.ClosedBy), c.now, c.zone()), i.Revision, i)
}

func getIssue(c *call, in *issueIn) (*oneOut[program.Issue], error) {
	i, err := c.book.Issue(c, in.ID)
	if err != nil {
		return nil, err
	}
	return c.issue(i), nil
}

type openIssueIn struct {
	Of
	Again
	Body struct {
		RegisterIssue
		Due *time.Time `json:"due,omitempty" doc:"Until when"`
	}
}

func openIssue(c *call, in *openIssueIn) (*oneOut[program.Issue], error) {
	x := in.Body.issue("", 0)
	if in.Body.Due != nil {
		x.Due = *in.Body.Due
	}
	i, err := c.book.OpenIssue(c, c.Who, x)
	if err != nil {
		return nil, err
	}
	return made(c.issue(i), "issues", i.ID), nil
}

type setIssueIn struct {
	Of
	Again
	Match
	ID   string `path:"id" maxLength:"100"`
	Body RegisterIssue
}

func setIssue(c *call, in *setIssueIn) (*oneOut[program.Issue], error) {
	revision, err := in.revision()
	if err != nil {
		return nil, err
	}
	if _, err := c.book.Issue(c, in.ID); err != nil {
		return nil, err
	}
	i, err := c.book.SetIssue(c, c.Who, in.Body.issue(in.ID, revision))
	if err != nil {
		return nil, c.since(err, revision, func(s *program.State) int64 { return s.Issues[in.ID].Revision })
	}
	return c.issue(i), nil
}

type moveIssueIn struct {
	Of
	Again
	Match
	ID   string `path:"id" maxLength:"100"`
	Body struct {
		Due time.Time `json:"due" doc:"Until when now"`
		Why string    `json:"why" minLength:"1" maxLength:"20000"`
	}
}

func moveIssue(c *call, in *moveIssueIn) (*oneOut[program.Issue], error) {
	revision, err := in.revision()
	if err != nil {
		return nil, err
	}
	if _, err := c.book.Issue(c, in.ID); err != nil {
		return nil, err
	}
	i, err := c.book.MoveIssue(c, c.Who, in.ID, revision, in.Body.Due, in.Body.Why)
	if err != nil {
		return nil, c.since(err, revision, func(s *program.State) int64 { return s.Issues[in.ID].Revision })
	}
	return c.issue(i), nil
}
