package web

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/program"
	"tieout/reader/answer"
	"tieout/report"
)

// A roleLine is one place of an account in a group or role.
type roleLine struct {
	program.ListRole
	Evidence link
	Checked  bool
}

// A rowFact is a line about an account.
type rowFact struct {
	Name, Text, Href string
	Evidence         []link
}

// A rowView is the page of one account of a list.
type rowView struct {
	*page
	R        *program.Review
	Row      rowLine
	Facts    []rowFact
	Roles    []roleLine
	History  []step
	Decide   bool   // who is signed in may decide about it now
	Own      string // why not, where it is their own or not theirs to decide
	Mine     bool   // it was asked of who is signed in
	Back     string // the row decided before, "" where there is none
	Asks     []picked
	System   string
	Asked    string // name of who is asked
	Typed    program.ReviewChoice
	Reply    string
	Position string
	InTurn   bool // it is one of many, one after the other
}

// A turn is where a reviewer is in the list of one system.
type turn struct {
	review program.Review // without rows
	row    program.ReviewRow
	count  program.ReviewCount
	before int // row decided before this one by the same reviewer; 0: none
	lines  []program.Line
	own    string // why the caller does not decide about the row, "" where they do
	aside  []program.ReviewRow
	others int // rows that only another reviewer decides
}

// refusal is an error's reason, or "".
func refusal(err error) string {
	if err == nil {
		return ""
	}
	return sentence(reason(err, audit.ErrForbidden))
}

// find reads a row with everything its page says.
func (p *turn) find(s *program.State, id string, n int, account string) error {
	r := s.Reviews[id]
	if r == nil || n < 1 || n > len(r.Rows) {
		return fmt.Errorf("%w: row %d of access review %q", audit.ErrNotFound, n, id)
	}
	p.review, p.row = *r, r.Rows[n-1]
	p.review.Rows, p.review.Parts = nil, slices.Clone(r.Parts)
	p.count = r.Count(p.row.System)
	p.lines = s.History(fmt.Sprintf("reviewrow:%s/%d", id, n))
	p.own = refusal(s.MayDecide(id, n, account))
	at := p.row.Entry
	if p.row.By != account || p.row.Decision == "" {
		at = 1 << 62
	}
	newest := int64(-1)
	for i := range r.Rows {
		if x := &r.Rows[i]; x.System == p.row.System && x.By == account && x.Decision != "" && x.Entry < at && x.Entry > newest && x.N != n {
			newest, p.before = x.Entry, x.N
		}
	}
	return nil
}

// next finds the row a reviewer goes on with: what nobody looked at first, then
// what an answer came to. done is true where nothing is left for them.
func (p *turn) next(s *program.State, id, system, account string) (n int) {
	r := s.Reviews[id]
	answered := 0
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.System != system || !row.Left() {
			continue
		}
		switch {
		case s.MayDecide(id, row.N, account) != nil:
			p.others++
		case slices.Contains(row.Seen, account) && row.Decision == "":
			p.aside = append(p.aside, *row)
		case row.Decision == "ask":
			if row.Answer != "" && answered == 0 {
				answered = row.N
			}
		case n == 0:
			n = row.N
		}
	}
	if n == 0 {
		n = answered
	}
	return n
}

func (q *request) nextRow() error {
	id, system := q.PathValue("id"), q.URL.Query().Get("system")
	var p turn
	n, _ := strconv.Atoi(q.URL.Query().Get("row"))
	listed := ""
	err := q.book.Read(q.Context(), func(s *program.State) error {
		r := s.Reviews[id]
		if part := r.Part(system); part != nil {
			listed = part.System
		} else {
			return fmt.Errorf("%w: %s does not review %q", audit.ErrNotFound, id, system)
		}
		if n == 0 {
			n = p.next(s, id, system, q.who.Account)
		}
		if n == 0 {
			p.review, p.count = *r, r.Count(system)
			p.review.Rows = nil
			return nil
		}
		if err := p.find(s, id, n, q.who.Account); err != nil || p.row.System == system {
			return err
		}
		return fmt.Errorf("%w: row %d of %s is not of %s", audit.ErrNotFound, n, id, system) // the right was asked for that system
	})
	switch {
	case err != nil:
		return err
	case n > 0:
		return q.showRow(&p, program.ReviewChoice{}, "", true)
	}
	return q.nothingNext(&p, listed)
}

// nothingNext is the page after the last account: what was set aside, what waits
// for others, or that all is decided.
func (q *request) nothingNext(p *turn, system string) error {
	var rows []rowLine
	for i := range p.aside {
		rows = append(rows, q.rowLine(p.review.ID, &p.aside[i]))
	}
	id := p.review.ID
	q.Title, q.Heading, q.Ref = id+" "+system, "Nothing new to decide", id
	q.Say = sayNothingNext(len(p.aside), p.count.Asked, p.others, p.count.Left)
	q.Way = []link{{"Access reviews", q.to("/reviews")}, {id, q.at("reviews", id)}, {system, ""}}
	q.Code = []string{"tieout review show " + id}
	return q.render("reviewnext.html", struct {
		*page
		R      *program.Review
		System string
		Aside  []rowLine
		All    bool
	}{&q.page, &p.review, system, rows, p.count.Left == 0})
}

// sayNothingNext says why no account comes next.
func sayNothingNext(aside, asked, others, left int) string {
	if left == 0 {
		return "Every account is decided; look once more at what will be removed, then seal it."
	}
	var parts []string
	if aside > 0 {
		parts = append(parts, report.Plural(aside, "account is", "accounts are")+" set aside by you")
	}
	if asked > 0 {
		parts = append(parts, report.Plural(asked, "question waits", "questions wait")+" for an answer")
	}
	if others > 0 {
		parts = append(parts, report.Plural(others, "account is", "accounts are")+" for another reviewer, since they may be your own")
	}
	return report.Capital(strings.Join(parts, "; ")) + "."
}

func (q *request) row() error {
	n, _ := strconv.Atoi(q.PathValue("n"))
	var p turn
	if err := q.book.Read(q.Context(), func(s *program.State) error { return p.find(s, q.PathValue("id"), n, q.who.Account) }); err != nil {
		return err
	}
	return q.showRow(&p, program.ReviewChoice{}, "", false)
}

// showRow shows one account with what was typed so far.
func (q *request) showRow(p *turn, typed program.ReviewChoice, reply string, inTurn bool) error {
	row := q.rowLine(p.review.ID, &p.row)
	id := p.review.ID
	v := rowView{page: &q.page, R: &p.review, Row: row, Facts: q.factsOf(&p.row), History: q.rowSteps(p.lines), System: p.row.System, Typed: typed, Reply: reply,
		Asked: q.name(p.row.AskedOf), Position: fmt.Sprintf("%d of the list", p.row.N), InTurn: inTurn}
	for _, x := range p.row.Roles {
		v.Roles = append(v.Roles, roleLine{x, q.recordLinks([]int64{x.Record}, x.ID)[0], slices.Contains(typed.Roles, x.ID) || slices.Contains(p.row.TakeAway, x.ID)})
	}
	part := p.review.Part(p.row.System)
	open := p.review.Status == "open" && part.Completed.IsZero()
	may := open && q.may("review.decide", q.reviewReach(&p.review, p.row.System))
	v.Decide = may && p.own == ""
	if may && part.Reviews(q.who.Account) {
		v.Own = p.own
	}
	v.Mine = open && p.row.Decision == "ask" && p.row.AskedOf == q.who.Account && p.row.Answer == ""
	if p.before > 0 && v.Decide {
		v.Back = q.under("reviews", id, "next", "system", p.row.System, "row", strconv.Itoa(p.before))
	}
	v.Asks = slices.DeleteFunc(q.colleagues(typed.AskOf), func(c picked) bool { return c.Value == q.who.Account })
	q.Title, q.Heading, q.Ref = p.row.Login+" in "+p.row.System, p.row.Login, ""
	q.Say = answer.SayNext(p.row.System, p.count)
	q.Way = []link{{"Access reviews", q.to("/reviews")}, {id, q.at("reviews", id)}, {p.row.System, ""}}
	q.Code = []string{"tieout review show " + id}
	return q.render("reviewrow.html", v)
}

// factsOf are what the list says of an account.
func (q *request) factsOf(row *program.ReviewRow) (out []rowFact) {
	add := func(name, text string) {
		if text != "" {
			out = append(out, rowFact{Name: name, Text: text})
		}
	}
	who := rowFact{Name: "Person", Text: "Nobody is confirmed as its owner"}
	if row.Person != "" {
		who.Text, who.Href = row.Name, q.at("people", row.Person)
		if row.Work != "" {
			who.Text += ", " + row.Work
		}
	}
	out = append(out, who)
	if t, err := audit.ParseTime(row.Ended); err == nil && row.Ended != "" && !t.Equal(audit.Never) {
		add("Last day", report.Day(t.Add(-1), q.zone()))
	}
	add("Status", notCollected(row.Status))
	add("Kind", notCollected(row.Kind))
	add("Administrator", notCollected(row.Admin))
	add("E-mail", row.Email)
	add("Last sign-in", q.instantWords(row.Used, "never"))
	add("Made", q.instantWords(row.Created, ""))
	out = append(out, rowFact{Name: "Shown by", Evidence: q.recordLinks([]int64{row.Record}, row.Account)})
	return out
}

func notCollected(s string) string {
	if s == "" {
		return "Not collected"
	}
	return report.Capital(s)
}

func (q *request) instantWords(s, never string) string {
	switch t, err := audit.ParseTime(s); {
	case s == "" || err != nil:
		return "Not collected"
	case t.Equal(audit.Never):
		return report.Capital(never)
	default:
		return report.Moment(t, q.zone())
	}
}

func (q *request) rowSteps(lines []program.Line) (out []step) {
	for _, l := range lines {
		out = append(out, step{When: report.Moment(l.At, q.zone()), What: report.Capital(l.What), Who: q.name(l.By.Name)})
	}
	return out
}

// choiceOf is what a form decides. A button says all of it but the note.
func (q *request) choiceOf() program.ReviewChoice {
	c := program.ReviewChoice{Decision: q.field("do"), Note: q.field("note")}
	switch c.Decision {
	case "roles":
		c.Decision, c.Roles = "remove", q.PostForm["roles"]
	case "ask":
		c.AskOf, c.Note = q.field("askof"), q.field("question")
	}
	return c
}

func (q *request) decideRow() error {
	id := q.PathValue("id")
	n, err := strconv.Atoi(q.PathValue("n"))
	if err != nil {
		return fmt.Errorf("%w: row %q", audit.ErrNotFound, q.PathValue("n"))
	}
	rev, err := formRevision(q)
	if err != nil {
		return err
	}
	c, said := q.choiceOf(), ""
	var row program.ReviewRow
	switch {
	case q.field("do") == "later":
		row, err = q.book.SetRowAside(q.Context(), q.who, id, n, rev)
		said = "set aside"
	case q.field("do") == "roles" && len(c.Roles) == 0:
		err = fmt.Errorf("%w: tick the roles to take away, or remove the account", audit.ErrInvalid)
	case c.Decision == "ask" && q.names[c.AskOf].ID == "" && c.AskOf != "":
		err = fmt.Errorf("%w: choose somebody with an account here", audit.ErrInvalid)
	default:
		row, err = q.book.DecideRow(q.Context(), q.who, id, n, c, rev)
		said = decidedWords(c, q.name(c.AskOf))
	}
	if err != nil {
		return q.rowAgain(id, n, c, "", err)
	}
	return q.done(q.under("reviews", id, "next", "system", row.System), row.Login+": "+said+".")
}

func decidedWords(c program.ReviewChoice, asked string) string {
	switch {
	case c.Decision == "ask":
		return asked + " is asked"
	case c.Decision == "remove" && len(c.Roles) > 0:
		return report.Plural(len(c.Roles), "role", "roles") + " to remove"
	case c.Decision == "remove":
		return "to be removed"
	}
	return "kept"
}

// rowAgain shows the account again with what was typed, and what is wrong.
func (q *request) rowAgain(id string, n int, typed program.ReviewChoice, reply string, err error) error {
	if err := q.problem(err); err != nil {
		return err
	}
	var p turn
	if err := q.book.Read(q.Context(), func(s *program.State) error { return p.find(s, id, n, q.who.Account) }); err != nil {
		return err
	}
	return q.showRow(&p, typed, reply, false)
}

func (q *request) answerRow() error {
	id := q.PathValue("id")
	n, _ := strconv.Atoi(q.PathValue("n"))
	rev, err := formRevision(q)
	if err == nil {
		_, err = q.book.AnswerRow(q.Context(), q.who, id, n, q.field("answer"), rev)
	}
	if err != nil {
		return q.rowAgain(id, n, program.ReviewChoice{}, q.field("answer"), err)
	}
	return q.done(q.under("reviews", id, "rows/"+strconv.Itoa(n)), "Answered. The reviewer decides.")
}

// keepSeen keeps what the reviewer set aside and ticked.
func (q *request) keepSeen() error {
	id, system := q.PathValue("id"), q.field("system")
	rows := map[int]int64{}
	var wrong error
	for _, s := range q.PostForm["rows"] {
		n, rev, _ := strings.Cut(s, ":")
		row, err1 := strconv.Atoi(n)
		at, err2 := strconv.ParseInt(rev, 10, 64)
		wrong = errors.Join(wrong, err1, err2)
		rows[row] = at
	}
	if wrong != nil || len(rows) == 0 {
		return fmt.Errorf("%w: tick the accounts to keep", audit.ErrInvalid)
	}
	if _, err := q.book.KeepSeen(q.Context(), q.who, id, system, rows, q.field("note")); err != nil {
		return err
	}
	return q.done(q.under("reviews", id, "next", "system", system), report.Capital(report.Plural(len(rows), "account", "accounts"))+" kept.")
}

// A finishView is the page before a part of a review is sealed.
type finishView struct {
	*page
	R        *program.Review
	System   string
	Count    program.ReviewCount
	Seen     program.ReviewSeen
	Revision int64
	Remove   []rowLine
	What     []string
	More     int
	Open     bool
}

func (q *request) finishPage() error {
	id, system := q.PathValue("id"), cmp.Or(q.field("system"), q.URL.Query().Get("system"))
	v := finishView{page: &q.page, System: system}
	var remove []program.ReviewRow
	err := q.book.Read(q.Context(), func(s *program.State) error {
		r := s.Reviews[id]
		part := r.Part(system)
		if part == nil {
			return fmt.Errorf("%w: %s does not review %q", audit.ErrNotFound, id, system)
		}
		c := *r
		c.Rows = nil
		v.R, v.Count, v.Seen, v.Revision = &c, r.Count(system), r.SeenOf(system), part.Revision
		v.Open = r.Status == "open" && part.Completed.IsZero() && part.Reviews(q.who.Account)
		for i := range r.Rows {
			if row := &r.Rows[i]; row.System == system && row.Decision == "remove" {
				remove = append(remove, *row)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if v.More = len(remove) - pageLength; v.More > 0 {
		remove = remove[:pageLength]
	}
	for i := range remove {
		v.Remove, v.What = append(v.Remove, q.rowLine(id, &remove[i])), append(v.What, answer.RemovalWhat(&remove[i]))
	}
	q.Title, q.Heading, q.Ref = "Seal "+id, "Seal this review", id
	q.Say = answer.SayFinish(v.R, system, v.Count)
	if v.Count.Left > 0 {
		q.Say = fmt.Sprintf("%s still %s no decision, so the review of %s cannot be sealed yet.", report.Capital(report.Plural(v.Count.Left, "account", "accounts")), has(v.Count.Left), system)
	}
	q.Way = []link{{"Access reviews", q.to("/reviews")}, {id, q.at("reviews", id)}, {"Seal", ""}}
	return q.render("reviewfinish.html", v)
}

func has(n int) string {
	if n == 1 {
		return "has"
	}
	return "have"
}

func (q *request) finishReview() error {
	id, system := q.PathValue("id"), q.field("system")
	rev, err := formRevision(q)
	keep, err1 := strconv.Atoi(q.field("keep"))
	remove, err2 := strconv.Atoi(q.field("remove"))
	if err1 != nil || err2 != nil {
		return fmt.Errorf("%w: the form does not say what you saw; load the page again", audit.ErrInvalid)
	}
	var r program.Review
	if err == nil {
		r, err = q.book.CompleteReview(q.Context(), q.who, id, system, program.ReviewSeen{Keep: keep, Remove: remove, Decisions: q.field("decisions")}, rev)
	}
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.finishPage()
	}
	return q.done(q.at("reviews", id), fmt.Sprintf("Sealed as %s.", audit.EvidenceRef(r.Part(system).Record)))
}
