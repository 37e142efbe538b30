package web

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"tieout/audit"
	"tieout/program"
	"tieout/reader/roster"
	"tieout/report"
)

// A systemChoice is a system that can be reviewed.
type systemChoice struct {
	Name, Accounts string
	Checked        bool
}

func (q *request) newReview() error { return q.newReviewWith(url.Values{"cycle": {q.cycle()}}) }

// cycle is the quarter that holds today.
func (q *request) cycle() string {
	now := q.now().In(q.zone())
	return fmt.Sprintf("%d-Q%d", now.Year(), (int(now.Month())+2)/3)
}

func (q *request) newReviewWith(typed url.Values) error {
	r, err := q.roster()
	if err != nil {
		return err
	}
	var systems []systemChoice
	for _, s := range r.Systems {
		systems = append(systems, systemChoice{s.Name, report.Plural(s.Working, "account can sign in", "accounts can sign in"), slices.Contains(typed["systems"], s.Name)})
	}
	q.Title, q.Heading = "Open an access review", "Open an access review"
	q.Say = "The list is frozen from the newest complete reading of each system, and sealed before anybody decides."
	if len(systems) == 0 {
		q.Say = "No system's accounts were collected yet, so there is nothing to review."
	}
	q.Way = []link{{"Access reviews", q.to("/reviews")}, {"New", ""}}
	q.Code = []string{"tieout review open --cycle " + q.cycle() + " SYSTEM..."}
	return q.render("reviewnew.html", struct {
		*page
		Systems    []systemChoice
		Cycle, Due string
	}{&q.page, systems, typed.Get("cycle"), typed.Get("due")})
}

func (q *request) openReview() error {
	again := func(err error) error {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.newReviewWith(q.PostForm)
	}
	if len(q.PostForm["systems"]) == 0 {
		return again(fmt.Errorf("%w: choose at least one system", audit.ErrInvalid))
	}
	due, err := q.reviewDue(q.field("due"))
	if err != nil {
		return again(err)
	}
	r, err := q.roster()
	if err != nil {
		return err
	}
	list, err := roster.Lists(q.Context(), q.st.p, r, q.PostForm["systems"])
	if err != nil {
		return again(fmt.Errorf("%w: %s", audit.ErrInvalid, err.Error()))
	}
	v, err := q.book.OpenReview(q.Context(), q.who, q.field("cycle"), due, list)
	if err != nil {
		return again(err)
	}
	return q.done(q.at("reviews", v.ID), fmt.Sprintf("%s is open: %s on the list. Say now who reviews.", v.ID, report.Plural(len(v.Rows), "account", "accounts")))
}

// reviewDue is the end of a day that was typed, zero for none.
func (q *request) reviewDue(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, s, q.zone())
	if err != nil {
		return t, fmt.Errorf("%w: %q is not a date such as 2026-09-30", audit.ErrInvalid, s)
	}
	return audit.Instant(t.AddDate(0, 0, 1)), nil
}

func (q *request) assignReview() error {
	var list []program.Reviewer
	for _, id := range q.PostForm["reviewers"] {
		n, known := q.names[id]
		if !known || !n.Active {
			return fmt.Errorf("%w: account %q", audit.ErrNotFound, id)
		}
		list = append(list, program.Reviewer{Account: id, Email: n.Email})
	}
	remover := q.field("remover")
	if n, known := q.names[remover]; remover != "" && (!known || !n.Active) {
		return fmt.Errorf("%w: account %q", audit.ErrNotFound, remover)
	}
	rev, err := formRevision(q)
	if err == nil {
		_, err = q.book.AssignReview(q.Context(), q.who, q.PathValue("id"), q.field("system"), list, remover, rev)
	}
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.review()
	}
	return q.done(q.at("reviews", q.PathValue("id")), q.field("system")+" is assigned.")
}

// formRevision is the revision a form was shown at.
func formRevision(q *request) (int64, error) {
	n, err := strconv.ParseInt(q.field("revision"), 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%w: the form does not say which revision it was made from; load the page again", audit.ErrInvalid)
	}
	return n, nil
}

func (q *request) cancelPage() error {
	r, err := q.book.Review(q.Context(), q.PathValue("id"))
	if err != nil {
		return err
	}
	q.Title, q.Heading, q.Ref = "Cancel "+r.ID, "Cancel this access review", r.ID
	q.Say = fmt.Sprintf("%s of %s then never counts as a review; what was decided stays in the log.", r.ID, r.Cycle)
	q.Way = []link{{"Access reviews", q.to("/reviews")}, {r.ID, q.at("reviews", r.ID)}, {"Cancel", ""}}
	return q.render("reviewcancel.html", struct {
		*page
		R   *program.Review
		Why string
	}{&q.page, &r, q.field("why")})
}

func (q *request) cancelReview() error {
	rev, err := formRevision(q)
	if err == nil {
		_, err = q.book.CancelReview(q.Context(), q.who, q.PathValue("id"), q.field("why"), rev)
	}
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.cancelPage()
	}
	return q.done(q.at("reviews", q.PathValue("id")), "The review is canceled.")
}
