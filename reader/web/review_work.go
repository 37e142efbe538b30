package web

import (
	"fmt"
	"strconv"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/program"
	"tieout/reader/answer"
	"tieout/reader/roster"
	"tieout/report"
)

// A reviewTodo is something that access reviews wait for from one person.
type reviewTodo struct {
	link
	Due string
}

// reviewTodos are what access reviews want of who is signed in: decisions,
// answers, and access to take away that evidence still shows.
func (q *request) reviewTodos() (out []reviewTodo, work answer.ReviewWork, err error) {
	var parts []program.ToReview
	var asked []program.ReviewQuestion
	var remove []program.ToRemove
	err = q.book.Read(q.Context(), func(s *program.State) error {
		parts, asked, remove = s.ToReviewBy(q.who.Account), s.AskedOf(q.who.Account), s.ToRemoveBy(q.who.Account)
		return nil
	})
	if err != nil {
		return nil, work, err
	}
	for _, p := range parts {
		todo := reviewTodo{link: link{"Review the accounts of " + p.System + " for " + p.Cycle + ", " + report.Number(p.Count.Left) + " left", q.under("reviews", p.Review, "next", "system", p.System)}}
		if p.Count.Left == 0 {
			todo.link = link{"Seal the review of " + p.System + " for " + p.Cycle, q.under("reviews", p.Review, "finish", "system", p.System)}
		}
		if !p.Due.IsZero() {
			todo.Due = report.Day(p.Due.Add(-time.Microsecond), q.zone())
		}
		out, work.Left = append(out, todo), work.Left+p.Count.Left
		if p.Count.Left == 0 {
			work.Seal++
		}
	}
	for _, a := range asked {
		out = append(out, reviewTodo{link: link{"Answer about " + a.Row.Login + " in " + a.Row.System, q.under("reviews", a.Review, "rows/"+strconv.Itoa(a.Row.N))}})
		work.Asked++
	}
	for _, x := range remove {
		n, err := q.stillThere(x)
		if err != nil {
			return nil, work, err
		}
		if n > 0 {
			out = append(out, reviewTodo{link: link{"Take away " + report.Plural(n, "access", "accesses") + " to " + x.System + ", decided in " + x.Review, q.under("reviews", x.Review, "removals", "system", x.System)}})
			work.Remove += n
		}
	}
	return out, work, nil
}

// stillThere is of how many removals no evidence shows that they were done.
func (q *request) stillThere(x program.ToRemove) (n int, err error) {
	lines, err := q.removals(x.Review, x.Rows)
	for _, l := range lines {
		if l.State != roster.Gone {
			n++
		}
	}
	return n, err
}

// sayWork is the sentence of somebody's work: what their tasks say, and what
// access reviews wait for. Where only reviews wait, that alone.
func sayWork(tasks string, any bool, w answer.ReviewWork) string {
	reviews := answer.SayReviewWork(w)
	switch {
	case reviews == "":
		return tasks
	case !any:
		return reviews
	}
	return tasks + " " + reviews
}

// theRemovals is what is to be removed of one system; who was named to take it
// away reaches it.
func theRemovals(q *request) (access.Object, error) {
	o, err := theReview("people.read")(q)
	if err != nil {
		return o, err
	}
	err = q.book.Read(q.Context(), func(s *program.State) error {
		if p := s.Reviews[q.PathValue("id")].Part(q.URL.Query().Get("system")); p != nil {
			o.Owner = p.Remover
		}
		return nil
	})
	return o, err
}

// reviewRemovals are the removals of one system of a review, each with what was
// seen since: the page of who takes them away.
func (q *request) reviewRemovals() error {
	id, system := q.PathValue("id"), q.URL.Query().Get("system")
	var rows []program.ReviewRow
	err := q.book.Read(q.Context(), func(s *program.State) error {
		r := s.Reviews[id]
		if r.Part(system) == nil {
			return fmt.Errorf("%w: %s does not review %q", audit.ErrNotFound, id, system)
		}
		for i := range r.Rows {
			if row := &r.Rows[i]; row.System == system && row.Decision == "remove" {
				rows = append(rows, *row)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	from := q.from(len(rows))
	lines, err := q.removals(id, rows[from:min(len(rows), from+pageLength)])
	if err != nil {
		return err
	}
	q.Title, q.Heading, q.Ref = "Removals of "+id, "Access to take away", id
	q.Say = answer.SayRemovals(system, len(rows))
	return q.render("reviewremovals.html", struct {
		*page
		Removals []removalLine
		Pager    pager
	}{&q.page, lines, q.pager(q.URL.Path, from, len(rows), "system", system)})
}
