package web

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/program"
	"tieout/reader/answer"
	"tieout/reader/roster"
	"tieout/report"
)

var reviewRoutes = []route{
	{pattern: "GET /reviews", needs: "people.read", on: anything, do: (*request).reviews},
	{pattern: "GET /reviews/new", needs: "task.manage", do: (*request).newReview},
	{pattern: "POST /reviews/new", needs: "task.manage", do: (*request).openReview},
	{pattern: "GET /reviews/{id}", needs: "people.read", on: theReview("people.read"), do: (*request).review},
	{pattern: "GET /reviews/{id}/removals", needs: "people.read", on: theRemovals, do: (*request).reviewRemovals},
	{pattern: "POST /reviews/{id}/assign", needs: "task.manage", on: theReview("task.manage"), do: (*request).assignReview},
	{pattern: "GET /reviews/{id}/cancel", needs: "task.manage", on: theReview("task.manage"), do: (*request).cancelPage},
	{pattern: "POST /reviews/{id}/cancel", needs: "task.manage", on: theReview("task.manage"), do: (*request).cancelReview},
	{pattern: "GET /reviews/{id}/next", needs: "review.decide", on: theReview("review.decide"), do: (*request).nextRow},
	{pattern: "GET /reviews/{id}/rows/{n}", needs: "people.read", on: theRow("people.read"), do: (*request).row},
	{pattern: "POST /reviews/{id}/rows/{n}", needs: "review.decide", on: theReview("review.decide"), do: (*request).decideRow},
	{pattern: "POST /reviews/{id}/rows/{n}/answer", needs: "task.do", on: theRow("task.do"), do: (*request).answerRow},
	{pattern: "POST /reviews/{id}/keep", needs: "review.decide", on: theReview("review.decide"), do: (*request).keepSeen},
	{pattern: "GET /reviews/{id}/finish", needs: "review.decide", on: theReview("review.decide"), do: (*request).finishPage},
	{pattern: "POST /reviews/{id}/finish", needs: "review.decide", on: theReview("review.decide"), do: (*request).finishReview},
}

// reviewReach is a review, or its part of one system, as an object of rights.
func (q *request) reviewReach(r *program.Review, system string) access.Object {
	return q.sight().OfReview(r, system)
}

// theReview is a review, for a permission; where a system is named, its part.
func theReview(id access.PermissionID) objectOf {
	return func(q *request) (o access.Object, err error) {
		system := cmp.Or(q.field("system"), q.URL.Query().Get("system"))
		err = q.book.Read(q.Context(), func(s *program.State) error {
			r := s.Reviews[q.PathValue("id")]
			if r == nil {
				return q.unknown(fmt.Errorf("%w: access review %q", audit.ErrNotFound, q.PathValue("id")), id)
			}
			o = q.reviewReach(r, system)
			return nil
		})
		return o, err
	}
}

// theRow is an account of a review's list, for a permission: also who is asked
// about it reaches it, and who is to take it away.
func theRow(id access.PermissionID) objectOf {
	return func(q *request) (o access.Object, err error) {
		n, _ := strconv.Atoi(q.PathValue("n"))
		err = q.book.Read(q.Context(), func(s *program.State) error {
			r := s.Reviews[q.PathValue("id")]
			if r == nil || n < 1 || n > len(r.Rows) {
				return q.unknown(fmt.Errorf("%w: row %q of access review %q", audit.ErrNotFound, q.PathValue("n"), q.PathValue("id")), id)
			}
			o = q.reviewReach(r, r.Rows[n-1].System)
			row := &r.Rows[n-1]
			o.Owner = row.AskedOf
			if p := r.Part(row.System); id == "people.read" && row.Decision == "remove" && !p.Completed.IsZero() && p.Remover == q.who.Account {
				o.Owner = p.Remover
			}
			return nil
		})
		return o, err
	}
}

// reviewWord is where a review stands, with its class.
func reviewWord(status string) (class, word string) {
	switch status {
	case "complete":
		return "ok", "Complete"
	case "canceled":
		return "none", "Canceled"
	case "preparing":
		return "gap", "List not whole"
	}
	return "due", "Open"
}

type reviewLine struct {
	link
	Class, Word             string
	Cycle, Systems          string
	Opened, Due             string
	Left, Remove, OpenStill string
}

func (q *request) reviews() error {
	all, counts, err := q.book.AllReviews(q.Context())
	if err != nil {
		return err
	}
	loc := q.zone()
	var rows []reviewLine
	open, left := 0, 0
	for i, r := range all {
		if !q.may("people.read", q.reviewReach(&r, "")) {
			continue
		}
		class, word := reviewWord(r.Status)
		l := reviewLine{link: link{r.ID, q.at("reviews", r.ID)}, Class: class, Word: word, Cycle: r.Cycle, Systems: strings.Join(r.Systems(), ", "),
			Opened: report.Day(r.Opened, loc), Left: report.Number(counts[i].Left), Remove: report.Number(counts[i].Remove)}
		if !r.Due.IsZero() {
			l.Due = report.Day(r.Due.Add(-time.Microsecond), loc)
		}
		if r.Status == "open" {
			open, left = open+1, left+counts[i].Left
		}
		rows = append(rows, l)
	}
	from := q.from(len(rows))
	q.Title, q.Heading = "Access reviews", "Access reviews"
	q.Say = answer.SayReviews(len(rows), open, left)
	q.Code = []string{"tieout review list"}
	return q.render("reviews.html", struct {
		*page
		Rows  []reviewLine
		Pager pager
		Open  bool
	}{&q.page, rows[from:min(len(rows), from+pageLength)], q.pager("/reviews", from, len(rows)), q.may("task.manage", access.Object{})})
}

// A partLine is one system of a review.
type partLine struct {
	program.ReviewPart
	AsOf        string
	Read        []link
	Left        string
	Remove      string
	Reviewers   string
	Class, Word string
	Sealed      link
	Next        string // where a reviewer goes on, "" for others
	Finish      string
	Choices     []picked // who can be given it
	Removers    []picked // who can be named to take access away
	RemovedBy   string
	Revision    int64
}

// A picked is a value with what it is called.
type picked struct {
	Value, Text string
	Here        bool
}

// A rowLine is an account of the list.
type rowLine struct {
	program.ReviewRow
	Href        string
	Class, Word string
	Why         []string
	Evidence    link
}

// A removalLine is something a review wanted removed, and what was seen since.
type removalLine struct {
	rowLine
	What     string
	Decided  string
	Proved   string
	State    string // roster.Gone, There, Unseen
	Evidence []link
}

// reviewFilters are the rows one can ask for.
var reviewFilters = []struct {
	name, text string
	keep       func(*program.ReviewRow) bool
}{
	{"", "All", func(*program.ReviewRow) bool { return true }},
	{"left", "To decide", func(r *program.ReviewRow) bool { return r.Left() }},
	{"odd", "Look odd", func(r *program.ReviewRow) bool { return len(r.Odd) > 0 }},
	{"ask", "Asked", func(r *program.ReviewRow) bool { return r.Decision == "ask" }},
	{"keep", "Keep", func(r *program.ReviewRow) bool { return r.Decision == "keep" }},
	{"remove", "Remove", func(r *program.ReviewRow) bool { return r.Decision == "remove" }},
}

// A reviewView is what the page of a review shows.
type reviewView struct {
	*page
	R            *program.Review
	Class, Word  string
	Parts        []partLine
	Removals     []removalLine
	Rows         []rowLine
	Filters, Odd []stateFilter
	Pager        pager
	Manage       bool
	Opened, Due  string
	count        program.ReviewCount
}

func (q *request) review() error {
	data, err := q.reviewView()
	if err != nil {
		return err
	}
	return q.render("review.html", data)
}

func (q *request) reviewView() (*reviewView, error) {
	v := &reviewView{page: &q.page}
	var rows []program.ReviewRow
	var removals []program.ReviewRow
	var total int
	path, show, odd := "/reviews/"+url.PathEscape(q.PathValue("id")), q.URL.Query().Get("show"), q.URL.Query().Get("odd")
	err := q.book.Read(q.Context(), func(s *program.State) error {
		r := s.Reviews[q.PathValue("id")]
		c := *r
		c.Rows, c.Parts = nil, slices.Clone(r.Parts)
		v.R, v.count = &c, r.Count("")
		v.filters(q, path, r, show, odd)
		var matching []int
		for i := range r.Rows {
			row := &r.Rows[i]
			if row.Decision == "remove" {
				removals = append(removals, *row)
			}
			if wanted(row, show, odd) {
				matching = append(matching, i)
			}
		}
		total = len(matching)
		from := q.from(total)
		for _, i := range matching[from:min(total, from+pageLength)] {
			rows = append(rows, r.Rows[i])
		}
		for i := range v.R.Parts {
			v.Parts = append(v.Parts, q.partLine(r, &v.R.Parts[i]))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range rows {
		v.Rows = append(v.Rows, q.rowLine(v.R.ID, &rows[i]))
	}
	if v.Removals, err = q.removals(v.R.ID, removals); err != nil {
		return nil, err
	}
	v.Pager = q.pager(path, q.from(total), total, "show", show, "odd", odd)
	q.headReview(v)
	return v, nil
}

func wanted(row *program.ReviewRow, show, odd string) bool {
	for _, f := range reviewFilters {
		if f.name == show && !f.keep(row) {
			return false
		}
	}
	return odd == "" || slices.Contains(row.Odd, odd)
}

// filters are the ways to narrow the list, with how many rows each has.
func (v *reviewView) filters(q *request, path string, r *program.Review, show, odd string) {
	reasons := map[string]int{}
	counts := make([]int, len(reviewFilters))
	for i := range r.Rows {
		for k, f := range reviewFilters {
			if f.keep(&r.Rows[i]) {
				counts[k]++
			}
		}
		for _, o := range r.Rows[i].Odd {
			reasons[o]++
		}
	}
	for k, f := range reviewFilters {
		v.Filters = append(v.Filters, stateFilter{"", f.text, report.Number(counts[k]), q.to(path, "show", f.name), f.name == show && odd == ""})
	}
	for _, o := range program.OddReasons {
		if reasons[o] > 0 {
			v.Odd = append(v.Odd, stateFilter{"", report.Capital(o), report.Number(reasons[o]), q.to(path, "odd", o), o == odd})
		}
	}
}

func (q *request) headReview(v *reviewView) {
	loc, r := q.zone(), v.R
	v.Class, v.Word = reviewWord(r.Status)
	v.Manage = q.may("task.manage", q.reviewReach(r, ""))
	v.Opened = report.Day(r.Opened, loc)
	if !r.Due.IsZero() {
		v.Due = report.Day(r.Due.Add(-time.Microsecond), loc)
	}
	gone, there, unseen := 0, 0, 0
	for _, x := range v.Removals {
		switch x.State {
		case roster.Gone:
			gone++
		case roster.There:
			there++
		default:
			unseen++
		}
	}
	q.Title, q.Heading, q.Ref, q.Wide = r.ID+" access review "+r.Cycle, "Access review "+r.Cycle, r.ID, true
	q.Say = answer.SayReview(r, v.count, gone, there, unseen)
	q.Way = []link{{"Access reviews", q.to("/reviews")}, {r.ID, ""}}
	q.Code = []string{"tieout review show " + r.ID}
}

func (q *request) partLine(r *program.Review, p *program.ReviewPart) partLine {
	c := r.Count(p.System)
	l := partLine{ReviewPart: *p, AsOf: report.Moment(p.AsOf, q.zone()), Left: report.Number(c.Left), Remove: report.Number(c.Remove), Revision: p.Revision}
	for _, x := range p.Read {
		l.Read = append(l.Read, q.recordLinks([]int64{x.Record}, "")...)
	}
	var names []string
	for _, w := range p.Reviewers {
		names = append(names, q.name(w.Account))
	}
	l.Reviewers = strings.Join(names, ", ")
	open := r.Status == "open" && p.Completed.IsZero()
	switch {
	case !p.Completed.IsZero():
		l.Class, l.Word, l.Sealed = "ok", "Complete", link{audit.EvidenceRef(p.Record), q.at("evidence", audit.EvidenceRef(p.Record))}
	case c.Left == 0 && open:
		l.Class, l.Word = "due", "All decided"
	default:
		l.Class, l.Word = reviewWord(r.Status)
	}
	if open && p.Reviews(q.who.Account) && q.may("review.decide", q.reviewReach(r, p.System)) {
		if c.Left > 0 {
			l.Next = q.under("reviews", r.ID, "next", "system", p.System)
		} else {
			l.Finish = q.under("reviews", r.ID, "finish", "system", p.System)
		}
	}
	if open && q.may("task.manage", q.reviewReach(r, p.System)) {
		l.Choices, l.Removers = q.reviewers(p), q.colleagues(p.Remover)
	}
	if p.Remover != "" {
		l.RemovedBy = q.name(p.Remover)
	}
	return l
}

// reviewers are everybody whose roles can decide in a review.
func (q *request) reviewers(p *program.ReviewPart) (out []picked) {
	for _, n := range slices.SortedFunc(maps.Values(q.names), func(a, b access.Named) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	}) {
		if n.Active && (n.Has(access.ComplianceLead) || n.Has(access.ControlOwner)) {
			out = append(out, picked{n.ID, n.Name + ", " + n.Email, p.Reviews(n.ID)})
		}
	}
	return out
}

// colleagues are everybody with an account here but the auditor's guests.
func (q *request) colleagues(here string) (out []picked) {
	for _, n := range slices.SortedFunc(maps.Values(q.names), func(a, b access.Named) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
	}) {
		if n.Active && !n.Has(access.AuditorsGuest) {
			out = append(out, picked{n.ID, n.Name + ", " + n.Email, n.ID == here})
		}
	}
	return out
}

// oddWords say why a row looks odd.
func oddWords(q *request, row *program.ReviewRow) (out []string) {
	for _, o := range row.Odd {
		switch o {
		case "leaver":
			s := row.Name + " left"
			if t, err := audit.ParseTime(row.Ended); err == nil && row.Ended != "" && !t.Equal(audit.Never) {
				s += " on " + report.Day(t.Add(-time.Microsecond), q.zone())
			}
			out = append(out, s)
		case "no owner":
			out = append(out, "Nobody is confirmed as its owner")
		case "second account":
			out = append(out, "The same person has another account here")
		case "never used":
			out = append(out, "Nobody ever signed in with it")
		case "idle":
			out = append(out, "No sign-in for 90 days or more")
		case "admin":
			out = append(out, "It has administrative rights")
		case "shared":
			out = append(out, "Several people can use it")
		}
	}
	return out
}

func (q *request) rowLine(review string, row *program.ReviewRow) rowLine {
	l := rowLine{ReviewRow: *row, Href: q.under("reviews", review, "rows/"+strconv.Itoa(row.N)), Why: oddWords(q, row), Evidence: q.recordLinks([]int64{row.Record}, row.Account)[0]}
	switch row.Decision {
	case "keep":
		l.Class, l.Word = "ok", "Keep"
	case "remove":
		l.Class, l.Word = "late", "Remove"
		if !row.WholeAccount() {
			l.Word = "Remove " + report.Plural(len(row.TakeAway), "role", "roles")
		}
	case "ask":
		l.Class, l.Word = "due", "Asked"
	default:
		l.Class, l.Word = "due", "To decide"
	}
	return l
}

// removals hold what is to be removed to what was collected since.
func (q *request) removals(review string, rows []program.ReviewRow) ([]removalLine, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	r, err := q.roster()
	if err != nil {
		return nil, err
	}
	var members *audit.Timeline
	if slices.ContainsFunc(rows, func(r program.ReviewRow) bool { return len(r.TakeAway) > 0 }) {
		if members, err = q.memberships(); err != nil {
			return nil, err
		}
	}
	var out []removalLine
	for i := range rows {
		row := &rows[i]
		p := r.Prove(*row, members)
		l := removalLine{rowLine: q.rowLine(review, row), What: answer.RemovalWhat(row), Decided: report.Moment(row.Decided, q.zone()), State: p.State,
			Proved: answer.RemovalWords(p, row.Decided, q.now(), q.zone())}
		l.Class, l.Word = answer.RemovalState(p)
		if p.Record != audit.Unsequenced {
			l.Evidence = q.recordLinks([]int64{p.Record}, row.Account)
		}
		out = append(out, l)
	}
	return out, nil
}
