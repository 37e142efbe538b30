package program

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
	"tieout/book"
)

// Entries on "review:AR-1" freeze the list and start it; those on
// "reviewpart:AR-1/okta" are about one system, those on "reviewrow:AR-1/12"
// about one account of the list.
var reviewTakers = map[string]taker{
	"review.open": openReview, "review.rows": addReviewRows, "review.start": startReview, "review.cancel": cancelReview,
	"review.assign": assignReview, "review.bulk": keepSeen, "review.complete": completeReview,
	"review.decide": decideRow, "review.later": setRowAside, "review.answer": answerRow,
}

func openReview(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[openData](e)
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return book.Change{}, err
	}
	for _, r := range sorted(s.Reviews) {
		for _, p := range d.Parts {
			if (r.Status == "open" || r.Status == "preparing") && r.Cycle == d.Cycle && r.Part(p.System) != nil {
				return book.Change{}, fmt.Errorf("%w: %s reviews %s for %s already. Finish or cancel it first", audit.ErrConflict, r.ID, p.System, d.Cycle)
			}
		}
	}
	return book.Change{What: "opened for " + d.Cycle, Do: func() {
		r := &Review{ID: e.Of(), Cycle: d.Cycle, Status: "preparing", OpenedBy: e.By.Name, Opened: e.At, Due: instantOf(d.Due),
			Parts: d.Parts, Controls: d.Controls, Within: d.Within, Revision: 1}
		for i := range r.Parts {
			r.Parts[i].AsOf, r.Parts[i].Lacks = r.Parts[i].asOf(), list(r.Parts[i].Lacks)
		}
		s.Reviews[r.ID] = r
	}}, nil
}

// review finds the review an entry is about, in one of these states.
func (s *State) review(id string, status ...string) (*Review, error) {
	r := s.Reviews[id]
	switch {
	case r == nil:
		return nil, fmt.Errorf("%w: access review %s", audit.ErrNotFound, id)
	case !slices.Contains(status, r.Status):
		return nil, fmt.Errorf("%w: %s is %s; nothing of it can be changed", audit.ErrConflict, id, r.Status)
	}
	return r, nil
}

func addReviewRows(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[rowsData](e)
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return book.Change{}, err
	}
	r, err := s.review(e.Of(), "preparing")
	switch {
	case err != nil:
		return book.Change{}, err
	case d.From != len(r.Rows)+1:
		return book.Change{}, fmt.Errorf("%w: row %d of %s does not follow row %d", audit.ErrInvalid, d.From, r.ID, len(r.Rows))
	}
	for _, row := range d.Rows {
		if r.Part(row.System) == nil {
			return book.Change{}, fmt.Errorf("%w: %s does not review %s", audit.ErrInvalid, r.ID, row.System)
		}
	}
	return book.Change{What: fmt.Sprintf("rows %d to %d of the list", d.From, d.From+len(d.Rows)-1), Do: func() {
		for _, row := range d.Rows {
			row.Odd = list(row.Odd)
			r.Rows = append(r.Rows, ReviewRow{N: len(r.Rows) + 1, ListRow: row})
		}
		r.Revision = e.Base + 1
	}}, nil
}

// startReview says that the list is all there; from now on it is decided about.
func startReview(s *State, e Entry) (book.Change, error) {
	r, err := s.review(e.Of(), "preparing")
	if err != nil {
		return book.Change{}, err
	}
	for _, p := range r.Parts {
		if n := r.Count(p.System).Listed; n != p.Listed {
			return book.Change{}, fmt.Errorf("%w: the list of %s has %d rows, and %d were announced", audit.ErrInvalid, p.System, n, p.Listed)
		}
	}
	return book.Change{What: "the list is frozen", Do: func() { r.Status, r.Revision = "open", e.Base+1 }}, nil
}

func cancelReview(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[struct {
		Why string `json:"why"`
	}](e)
	if err == nil {
		err = text("why", d.Why, 1, 1000)
	}
	if err != nil {
		return book.Change{}, err
	}
	r, err := s.review(e.Of(), "preparing", "open")
	if err != nil {
		return book.Change{}, err
	}
	if slices.ContainsFunc(r.Parts, func(p ReviewPart) bool { return !p.Completed.IsZero() }) {
		return book.Change{}, fmt.Errorf("%w: a part of %s is complete, which stays; it cannot be canceled", audit.ErrConflict, r.ID)
	}
	return book.Change{What: "canceled: " + d.Why, Do: func() { r.Status, r.Canceled, r.Revision = "canceled", d.Why, e.Base+1 }}, nil
}

// part finds the part an entry is about, while its review is open and it is not
// complete.
func (s *State) part(on string) (*Review, *ReviewPart, error) {
	id, system, _ := strings.Cut(on, "/")
	r, err := s.review(id, "open")
	if err != nil {
		return nil, nil, err
	}
	p := r.Part(system)
	switch {
	case p == nil:
		return nil, nil, fmt.Errorf("%w: %s does not review %q", audit.ErrNotFound, id, system)
	case !p.Completed.IsZero():
		return nil, nil, fmt.Errorf("%w: the review of %s in %s is complete; nothing of it can be changed", audit.ErrConflict, system, id)
	}
	return r, p, nil
}

func assignReview(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[reviewersData](e)
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return book.Change{}, err
	}
	_, p, err := s.part(e.Of())
	if err != nil {
		return book.Change{}, err
	}
	who := make([]string, len(d.Reviewers))
	for i, r := range d.Reviewers {
		who[i] = r.Account
	}
	return book.Change{What: p.System + " is reviewed by " + strings.Join(who, ", "), Do: func() {
		p.Reviewers, p.Remover, p.Revision = d.Reviewers, d.Remover, s.Revision(e.On)+1
	}}, nil
}

// row finds the row an entry is about, while it can be decided.
func (s *State) row(on string) (*Review, *ReviewPart, *ReviewRow, error) {
	id, number, _ := strings.Cut(on, "/")
	r, err := s.review(id, "open")
	if err != nil {
		return nil, nil, nil, err
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > len(r.Rows) || strconv.Itoa(n) != number {
		return nil, nil, nil, fmt.Errorf("%w: %s has no row %q", audit.ErrNotFound, id, number)
	}
	row := &r.Rows[n-1]
	_, p, err := s.part(id + "/" + row.System)
	return r, p, row, err
}

// mayDecide refuses who does not review the part, and everybody on what is or
// may be their own.
func (s *State) mayDecide(p *ReviewPart, row *ReviewRow, account string) error {
	i := slices.IndexFunc(p.Reviewers, func(r Reviewer) bool { return r.Account == account })
	if i < 0 {
		return fmt.Errorf("%w: you do not review %s; a compliance lead says who does", audit.ErrForbidden, p.System)
	}
	person := s.PersonOf(account)
	if why := p.Reviewers[i].Own(person, row.ListRow); why != "" {
		return fmt.Errorf("%w: this access is your own: %s. Another reviewer decides about it", audit.ErrForbidden, why)
	}
	if row.Person != "" && person == "account:"+account {
		return fmt.Errorf("%w: nobody confirmed yet which person you are, so this access may be your own. A compliance lead links your account to a person under People", audit.ErrForbidden)
	}
	return nil
}

func decideRow(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[decideData](e)
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return book.Change{}, err
	}
	_, p, row, err := s.row(e.Of())
	if err == nil {
		err = s.mayDecide(p, row, e.By.Name)
	}
	if err == nil {
		err = row.has(d.Roles)
	}
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: decisionWords(d), Do: func() {
		row.Decision, row.TakeAway, row.Note, row.By, row.Decided, row.Entry = d.Decision, d.Roles, d.Note, e.By.Name, e.At, e.Record
		if d.Decision == "ask" {
			row.AskedOf, row.Answer, row.Answered = d.AskOf, "", time.Time{}
		}
		row.Revision = s.Revision(e.On) + 1
	}}, nil
}

// has refuses memberships that the row does not have.
func (r *ReviewRow) has(roles []string) error {
	for _, id := range roles {
		if !slices.ContainsFunc(r.Roles, func(x ListRole) bool { return x.ID == id }) {
			return fmt.Errorf("%w: %s has no membership %q", audit.ErrInvalid, r.Login, id)
		}
	}
	return nil
}

func decisionWords(d decideData) string {
	words := d.Decision
	if len(d.Roles) > 0 {
		words = "remove " + strings.Join(d.Roles, ", ")
	}
	if d.Note != "" {
		words += ": " + d.Note
	}
	return words
}

// setRowAside notes that a reviewer opened a row and decides later.
func setRowAside(s *State, e Entry) (book.Change, error) {
	_, p, row, err := s.row(e.Of())
	if err == nil {
		err = s.mayDecide(p, row, e.By.Name)
	}
	if err == nil && !row.Left() {
		err = fmt.Errorf("%w: it is decided", audit.ErrConflict)
	}
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "looked at, decided later", Do: func() {
		if !slices.Contains(row.Seen, e.By.Name) {
			row.Seen = append(row.Seen[:len(row.Seen):len(row.Seen)], e.By.Name)
		}
		row.Revision = s.Revision(e.On) + 1
	}}, nil
}

func answerRow(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[struct {
		Text string `json:"text"`
	}](e)
	if err == nil {
		err = text("answer", d.Text, 1, 2000)
	}
	if err != nil {
		return book.Change{}, err
	}
	_, _, row, err := s.row(e.Of())
	switch {
	case err != nil:
		return book.Change{}, err
	case row.Decision != "ask":
		return book.Change{}, fmt.Errorf("%w: nothing is asked about %s any more", audit.ErrConflict, row.Login)
	case row.AskedOf != e.By.Name:
		return book.Change{}, fmt.Errorf("%w: it was asked of somebody else", audit.ErrForbidden)
	}
	return book.Change{What: "answered: " + d.Text, Do: func() {
		row.Answer, row.Answered, row.Revision = d.Text, e.At, s.Revision(e.On)+1
	}}, nil
}

// keepSeen keeps several rows at once, each of which the reviewer opened and set
// aside before. All count or none.
func keepSeen(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[bulkData](e)
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return book.Change{}, err
	}
	r, p, err := s.part(e.Of())
	if err != nil {
		return book.Change{}, err
	}
	for i, b := range d.Rows {
		if err := s.mayKeep(r, p, b, e.By.Name); err != nil {
			return book.Change{}, err
		}
		if slices.ContainsFunc(d.Rows[:i], func(o bulkRow) bool { return o.N == b.N }) {
			return book.Change{}, fmt.Errorf("%w: row %d is named twice", audit.ErrInvalid, b.N)
		}
	}
	return book.Change{What: fmt.Sprintf("kept %d that were looked at one by one", len(d.Rows)), Do: func() {
		for _, b := range d.Rows {
			row := &r.Rows[b.N-1]
			row.Decision, row.TakeAway, row.Note, row.By, row.Decided, row.Entry = "keep", nil, d.Note, e.By.Name, e.At, e.Record
			on := rowOn(r.ID, b.N)
			row.Revision = s.Also(on, e, decisionWords(decideData{Decision: "keep", Note: d.Note}))
		}
		p.Revision = s.Revision(e.On) + 1
	}}, nil
}

func (s *State) mayKeep(r *Review, p *ReviewPart, b bulkRow, account string) error {
	if b.N < 1 || b.N > len(r.Rows) || r.Rows[b.N-1].System != p.System {
		return fmt.Errorf("%w: %s has no row %d of %s", audit.ErrInvalid, r.ID, b.N, p.System)
	}
	row := &r.Rows[b.N-1]
	switch {
	case row.Revision != b.Revision:
		return fmt.Errorf("%w: %s has changed since you opened it. Look at it again", audit.ErrConflict, row.Login)
	case !row.Left():
		return fmt.Errorf("%w: %s is decided", audit.ErrConflict, row.Login)
	case !slices.Contains(row.Seen, account):
		return fmt.Errorf("%w: you have not opened %s; only what was looked at can be kept together", audit.ErrInvalid, row.Login)
	}
	return s.mayDecide(p, row, account)
}

// completeReview closes a part: every row has a decision, and the outcome is
// evidence.
func completeReview(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[completeData](e)
	if err != nil {
		return book.Change{}, err
	}
	r, p, err := s.part(e.Of())
	if err != nil {
		return book.Change{}, err
	}
	c, now := r.Count(p.System), r.SeenOf(p.System)
	switch {
	case !p.Reviews(e.By.Name):
		return book.Change{}, fmt.Errorf("%w: you do not review %s; a compliance lead says who does", audit.ErrForbidden, p.System)
	case c.Left > 0:
		return book.Change{}, fmt.Errorf("%w: %d of %d accounts of %s have no decision yet", audit.ErrConflict, c.Left, c.Listed, p.System)
	case c.Keep != d.Keep || c.Remove != d.Remove || d.Decisions != "" && d.Decisions != now.Decisions:
		return book.Change{}, fmt.Errorf("%w: decisions have changed since you looked: %d to keep and %d to remove now. Look again", audit.ErrConflict, c.Keep, c.Remove)
	}
	return book.Change{What: fmt.Sprintf("%s is complete: %d kept, %d to remove", p.System, c.Keep, c.Remove), Do: func() {
		p.Completed, p.By, p.Record, p.Revision = e.At, e.By.Name, e.Record, s.Revision(e.On)+1
		if !slices.ContainsFunc(r.Parts, func(p ReviewPart) bool { return p.Completed.IsZero() }) {
			r.Status = "complete"
		}
		s.fact(e, audit.Fact{Type: "accessReview", ID: r.ID + "/" + p.System, Fields: r.fields(p, s.PersonOf(e.By.Name))})
	}}, nil
}

// fields are a completed part as evidence says it. toRemove names accounts that
// are to go as a whole; single memberships that are taken away are not in it.
func (r *Review) fields(p *ReviewPart, reviewer string) map[string]any {
	c := r.Count(p.System)
	remove := []string{}
	for i := range r.Rows {
		if row := &r.Rows[i]; row.System == p.System && row.WholeAccount() {
			remove = append(remove, row.Account)
		}
	}
	return map[string]any{"system": p.System, "cycle": r.Cycle, "reviewer": reviewer, "listed": c.Listed, "decided": c.Listed - c.Left,
		"toRemove": remove, "privileged": p.Privileged}
}

func rowOn(review string, n int) string { return fmt.Sprintf("reviewrow:%s/%d", review, n) }

func partOn(review, system string) string { return "reviewpart:" + review + "/" + system }

// MayDecide says whether an account may decide about a row of a review, as far
// as the review itself says it: nil, or why not.
func (s *State) MayDecide(id string, n int, account string) error {
	_, p, row, err := s.row(fmt.Sprintf("%s/%d", id, n))
	if err != nil {
		return err
	}
	return s.mayDecide(p, row, account)
}
