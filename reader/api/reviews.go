package api

import (
	"fmt"
	"net/http"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/program"
	"tieout/reader/answer"
)

// reviewCalls read access reviews. What is decided in one, a person decides.
func (s *Server) reviewCalls() {
	add(s, operation{id: "list-reviews", method: http.MethodGet, path: "/reviews", tag: "Access reviews", needs: "people.read", title: "Access reviews, the newest first"}, anything[listIn], listReviews)
	add(s, operation{id: "get-review", method: http.MethodGet, path: "/reviews/{id}", tag: "Access reviews", needs: "people.read", example: "/reviews/none", title: "One access review"}, theReview, getReview)
	add(s, operation{id: "list-review-rows", method: http.MethodGet, path: "/reviews/{id}/rows", tag: "Access reviews", needs: "people.read", example: "/reviews/none/rows",
		title: "The accounts of an access review, as its list was frozen, and what was decided"}, theReviewRows, listRows)
}

// Review is one access review without its rows.
type Review struct {
	ID       string       `json:"id"`
	Cycle    string       `json:"cycle" doc:"Such as 2026-Q1"`
	Status   string       `json:"status"`
	Opened   time.Time    `json:"opened"`
	OpenedBy string       `json:"openedBy"`
	Due      *time.Time   `json:"due,omitempty"`
	Canceled string       `json:"canceled,omitempty" doc:"Why, where it is"`
	Controls []string     `json:"controls" nullable:"false" doc:"That it performs"`
	Counts   ReviewCounts `json:"counts"`
	Parts    []ReviewPart `json:"parts" nullable:"false"`
	Revision int64        `json:"revision"`
}

// ReviewCounts is how far a list is.
type ReviewCounts struct {
	Listed int `json:"listed"`
	Left   int `json:"left"`
	Keep   int `json:"keep"`
	Remove int `json:"remove"`
	Asked  int `json:"asked"`
	Odd    int `json:"odd"`
}

// ReviewPart is one system of a review.
type ReviewPart struct {
	System    string     `json:"system"`
	Listed    int        `json:"listed"`
	AsOf      time.Time  `json:"asOf" doc:"Of the newest complete reading the list is made from"`
	Whole     bool       `json:"whole" doc:"The list is all there was then"`
	Lacks     []string   `json:"lacks" nullable:"false" doc:"Why not, in words"`
	Reviewers []string   `json:"reviewers" nullable:"false" doc:"Accounts that decide"`
	Completed *time.Time `json:"completed,omitempty"`
	By        string     `json:"by,omitempty" doc:"Account that completed it"`
	Evidence  string     `json:"evidence,omitempty" doc:"The sealed entry that completed it"`
}

func reviewOf(r *program.Review, n program.ReviewCount) Review {
	out := Review{ID: r.ID, Cycle: r.Cycle, Status: r.Status, Opened: r.Opened, OpenedBy: r.OpenedBy, Due: when(r.Due), Canceled: r.Canceled, Controls: append([]string{}, r.Controls...),
		Counts: ReviewCounts{n.Listed, n.Left, n.Keep, n.Remove, n.Asked, n.Odd}, Parts: []ReviewPart{}, Revision: r.Revision}
	for _, p := range r.Parts {
		part := ReviewPart{System: p.System, Listed: p.Listed, AsOf: p.AsOf, Whole: p.Whole, Lacks: append([]string{}, p.Lacks...), Reviewers: []string{}, Completed: when(p.Completed), By: p.By}
		for _, w := range p.Reviewers {
			part.Reviewers = append(part.Reviewers, w.Account)
		}
		if !p.Completed.IsZero() {
			part.Evidence = audit.EvidenceRef(p.Record)
		}
		out.Parts = append(out.Parts, part)
	}
	return out
}

func listReviews(c *call, in *listIn) (*listOut[Review], error) {
	list, counts, err := c.book.AllReviews(c)
	if err != nil {
		return nil, err
	}
	var all []Review
	open, left := 0, 0
	for i := range list {
		if !c.May("people.read", c.OfReview(&list[i], "")) {
			continue
		}
		if list[i].Status == "open" {
			open, left = open+1, left+counts[i].Left
		}
		all = append(all, reviewOf(&list[i], counts[i]))
	}
	return cut(&in.Paging, "tieout.reviews/1", answer.SayReviews(len(all), open, left), all, "/reviews", "period", in.Period)
}

type reviewIn struct {
	Of
	ID string `path:"id" maxLength:"100" doc:"Such as AR-1"`
}

func theReview(c *call, in *reviewIn) (access.Object, error)   { return c.ofReview(in.ID) }
func theReviewRows(c *call, in *rowsIn) (access.Object, error) { return c.ofReview(in.ID) }

func (c *call) ofReview(id string) (o access.Object, err error) {
	err = c.book.Read(c, func(s *program.State) error {
		r := s.Reviews[id]
		if r == nil {
			return c.Unknown(fmt.Errorf("%w: access review %q", audit.ErrNotFound, id), "people.read")
		}
		o = c.OfReview(r, "")
		return nil
	})
	return o, err
}

func getReview(c *call, in *reviewIn) (*oneOut[Review], error) {
	r, err := c.book.Review(c, in.ID)
	if err != nil {
		return nil, err
	}
	n := r.Count("")
	return tagged("tieout.review/1", answer.SayReview(&r, n, 0, 0, n.Remove), r.Revision, reviewOf(&r, n)), nil
}

// ReviewRow is one account of the list.
type ReviewRow struct {
	N int `json:"n"`
	program.ListRow
	Decision  string     `json:"decision,omitempty" doc:"keep, remove or ask; missing: nobody decided"`
	TakeAway  []string   `json:"takeAway" nullable:"false" doc:"Memberships to take away, where the account stays"`
	Note      string     `json:"note,omitempty"`
	DecidedBy string     `json:"decidedBy,omitempty"`
	Decided   *time.Time `json:"decided,omitempty"`
	Answer    string     `json:"answer,omitempty" doc:"Of who was asked"`
}

type rowsIn struct {
	Of
	Paging
	ID   string `path:"id" maxLength:"100"`
	Show string `query:"show" enum:"left,keep,remove,ask" doc:"Only those"`
}

func listRows(c *call, in *rowsIn) (*listOut[ReviewRow], error) {
	r, err := c.book.Review(c, in.ID)
	if err != nil {
		return nil, err
	}
	var all []ReviewRow
	for i := range r.Rows {
		x := &r.Rows[i]
		if in.Show == "" || in.Show == "left" && x.Left() || in.Show == x.Decision {
			all = append(all, ReviewRow{x.N, x.ListRow, x.Decision, append([]string{}, x.TakeAway...), x.Note, x.By, when(x.Decided), x.Answer})
		}
	}
	n := r.Count("")
	return cut(&in.Paging, "tieout.review-rows/1", answer.SayReview(&r, n, 0, 0, n.Remove), all, "/reviews/"+in.ID+"/rows", "period", in.Period, "show", in.Show)
}
