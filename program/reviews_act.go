package program

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
)

// A ReviewList is what a review is opened with: the frozen lists of its
// systems.
type ReviewList struct {
	Parts    []ReviewPart
	Rows     []ListRow // by system and login
	Controls []string  // that the review performs
	Within   []string  // systems under examination it belongs to; none: those it reviews
}

// OpenReview opens an access review over a list and freezes it; due zero is no
// date. It needs task.manage. A long list is written in several entries: the
// review is "preparing" until all are in the log, and where that stops half
// way it stays so, to be canceled.
func (b *Book) OpenReview(ctx context.Context, by access.Subject, cycle string, due time.Time, l ReviewList) (Review, error) {
	asked := Review{Parts: l.Parts, Controls: l.Controls, Within: l.Within}
	if err := access.Require(by, "task.manage", asked.Object("")); err != nil {
		return Review{}, err
	}
	first := openData{cycle, timeText(due), list(l.Controls), list(l.Within), plainParts(l.Parts)}
	id, err := b.numbered(ctx, step(by, "open"), "review", "AR", func(id string) error {
		_, err := b.write(ctx, step(by, "open"), "review.open", "review:"+id, 0, first)
		return err
	})
	if err != nil {
		return Review{}, err
	}
	on := "review:" + id
	rev := int64(1)
	for from := 0; from < len(l.Rows); rev++ {
		part := stretch(l.Rows[from:])
		if _, err := b.write(ctx, step(by, fmt.Sprint("rows ", from)), "review.rows", on, rev, rowsData{from + 1, part}); err != nil {
			return Review{}, err
		}
		from += len(part)
	}
	if _, err := b.write(ctx, step(by, "start"), "review.start", on, rev, struct{}{}); err != nil {
		return Review{}, err
	}
	return b.Review(ctx, id)
}

// step makes one request's idempotency key into that of one of its entries.
func step(by access.Subject, name string) access.Subject {
	if by.Once != "" {
		by.Once += "\x00" + name
	}
	return by
}

// plainParts have no list that is null.
func plainParts(parts []ReviewPart) []ReviewPart {
	out := slices.Clone(parts)
	for i := range out {
		out[i].Lacks = list(out[i].Lacks)
		if out[i].Read == nil {
			out[i].Read = []ListRead{}
		}
	}
	return out
}

// stretch is as many of the first rows as one entry holds, at least one.
func stretch(rows []ListRow) []ListRow {
	var out []ListRow
	size := 0
	for _, r := range rows {
		r.Odd = list(r.Odd)
		if r.Roles == nil {
			r.Roles = []ListRole{}
		}
		raw, err := json.Marshal(r)
		if size += len(raw); err != nil || len(out) > 0 && (size > book.MaxData*3/4 || len(out) == 1000) {
			break
		}
		out = append(out, r)
	}
	return out
}

// CancelReview ends a review that is not complete, with the reason. It needs
// task.manage.
func (b *Book) CancelReview(ctx context.Context, by access.Subject, id, why string, revision int64) (Review, error) {
	return b.onReview(ctx, by, "task.manage", id, "", func() error {
		_, err := b.write(ctx, by, "review.cancel", "review:"+id, revision, map[string]string{"why": why})
		return err
	})
}

// AssignReview says who reviews one system, and who takes away what is to be
// removed ("": nobody is named). It needs task.manage.
func (b *Book) AssignReview(ctx context.Context, by access.Subject, id, system string, reviewers []Reviewer, remover string, revision int64) (Review, error) {
	return b.onReview(ctx, by, "task.manage", id, system, func() error {
		_, err := b.write(ctx, by, "review.assign", partOn(id, system), revision, reviewersData{slices.Concat([]Reviewer{}, reviewers), remover})
		return err
	})
}

// onReview does something to a review, or to its part of one system, whom the
// permission allows, and returns the review after it.
func (b *Book) onReview(ctx context.Context, by access.Subject, needs access.PermissionID, id, system string, do func() error) (Review, error) {
	r, err := b.Review(ctx, id)
	if err != nil {
		return r, err
	}
	if err := access.Require(by, needs, r.Object(system)); err != nil {
		return r, err
	}
	if err := do(); err != nil {
		return r, err
	}
	return b.Review(ctx, id)
}

// A ReviewChoice is what a reviewer decides about one row.
type ReviewChoice struct {
	Decision string   // ReviewDecisions
	Roles    []string // of remove: memberships to take away; none: the whole account
	Note     string
	AskOf    string // of ask: the account that is asked
}

// DecideRow decides about one row of a list, or decides anew. It needs
// review.decide, and that the reviewer is assigned and the access not theirs.
func (b *Book) DecideRow(ctx context.Context, by access.Subject, id string, n int, c ReviewChoice, revision int64) (ReviewRow, error) {
	return b.onRow(ctx, by, id, n, func() error {
		_, err := b.write(ctx, by, "review.decide", rowOn(id, n), revision, decideData{c.Decision, list(c.Roles), c.Note, c.AskOf})
		return err
	})
}

// SetRowAside notes that the reviewer opened a row and decides later, with
// others like it; see KeepSeen.
func (b *Book) SetRowAside(ctx context.Context, by access.Subject, id string, n int, revision int64) (ReviewRow, error) {
	return b.onRow(ctx, by, id, n, func() error {
		_, err := b.write(ctx, by, "review.later", rowOn(id, n), revision, struct{}{})
		return err
	})
}

func (b *Book) onRow(ctx context.Context, by access.Subject, id string, n int, do func() error) (ReviewRow, error) {
	row, o, err := b.rowObject(ctx, id, n)
	if err != nil {
		return row, err
	}
	if err := access.Require(by, "review.decide", o); err != nil {
		return row, err
	}
	if err := do(); err != nil {
		return row, err
	}
	return b.ReviewRow(ctx, id, n)
}

// rowObject is a row, and what a right has to reach to decide about it.
func (b *Book) rowObject(ctx context.Context, id string, n int) (row ReviewRow, o access.Object, err error) {
	if row, err = b.ReviewRow(ctx, id, n); err != nil {
		return row, o, err
	}
	err = b.Read(ctx, func(s *State) error {
		o = s.Reviews[id].Object(row.System)
		return nil
	})
	return row, o, err
}

// AnswerRow answers what was asked of the caller about a row. It needs task.do.
func (b *Book) AnswerRow(ctx context.Context, by access.Subject, id string, n int, answer string, revision int64) (ReviewRow, error) {
	row, o, err := b.rowObject(ctx, id, n)
	if err != nil {
		return row, err
	}
	o.Owner = row.AskedOf
	if err := access.Require(by, "task.do", o); err != nil {
		return row, err
	}
	if _, err := b.write(ctx, by, "review.answer", rowOn(id, n), revision, map[string]string{"text": answer}); err != nil {
		return row, err
	}
	return b.ReviewRow(ctx, id, n)
}

// KeepSeen keeps rows of one system at once, by number and revision, each of
// which the caller opened and set aside. All count or none.
func (b *Book) KeepSeen(ctx context.Context, by access.Subject, id, system string, rows map[int]int64, note string) (Review, error) {
	d := bulkData{Rows: []bulkRow{}, Note: note}
	for n, rev := range rows {
		d.Rows = append(d.Rows, bulkRow{n, rev})
	}
	slices.SortFunc(d.Rows, func(a, b bulkRow) int { return a.N - b.N })
	return b.onReview(ctx, by, "review.decide", id, system, func() error {
		_, err := b.write(ctx, by, "review.bulk", partOn(id, system), Anyway, d)
		return err
	})
}

// CompleteReview closes the review of one system. Every row has to have a
// decision, and be decided as the caller saw it; else the error wraps
// audit.ErrConflict. The outcome becomes evidence.
func (b *Book) CompleteReview(ctx context.Context, by access.Subject, id, system string, saw ReviewSeen, revision int64) (Review, error) {
	if saw.Decisions == "" {
		return Review{}, fmt.Errorf("%w: it is not said which decisions were seen; look at the list again", audit.ErrInvalid)
	}
	return b.onReview(ctx, by, "review.decide", id, system, func() error {
		_, err := b.write(ctx, by, "review.complete", partOn(id, system), revision, completeData(saw))
		return err
	})
}

// Review returns one review, or audit.ErrNotFound.
func (b *Book) Review(ctx context.Context, id string) (out Review, err error) {
	err = b.Read(ctx, func(s *State) error {
		r := s.Reviews[id]
		if r == nil {
			return fmt.Errorf("%w: access review %q", audit.ErrNotFound, id)
		}
		out = r.clone()
		return nil
	})
	return out, err
}

// AllReviews returns all reviews, the newest first, without their rows, and how
// far each is.
func (b *Book) AllReviews(ctx context.Context) (out []Review, counts []ReviewCount, err error) {
	err = b.Read(ctx, func(s *State) error {
		for _, r := range s.Reviews {
			c := *r
			c.Parts, c.Rows = slices.Clone(r.Parts), nil
			out = append(out, c)
		}
		slices.SortFunc(out, func(a, b Review) int { return b.Opened.Compare(a.Opened) })
		for _, r := range out {
			counts = append(counts, s.Reviews[r.ID].Count(""))
		}
		return nil
	})
	return out, counts, err
}

// ReviewRow returns one row of a review, or audit.ErrNotFound.
func (b *Book) ReviewRow(ctx context.Context, id string, n int) (out ReviewRow, err error) {
	err = b.Read(ctx, func(s *State) error {
		r := s.Reviews[id]
		if r == nil || n < 1 || n > len(r.Rows) {
			return fmt.Errorf("%w: row %d of access review %q", audit.ErrNotFound, n, id)
		}
		out = r.Rows[n-1]
		return nil
	})
	return out, err
}

// A ReviewQuestion is a question of a review that waits for somebody.
type ReviewQuestion struct {
	Review string
	Row    ReviewRow
}

// AskedOf returns what reviews ask of an account and nobody answered yet.
func (s *State) AskedOf(account string) (out []ReviewQuestion) {
	for _, r := range sorted(s.Reviews) {
		if r.Status != "open" {
			continue
		}
		for i := range r.Rows {
			if row := &r.Rows[i]; row.Decision == "ask" && row.AskedOf == account && row.Answer == "" {
				out = append(out, ReviewQuestion{r.ID, *row})
			}
		}
	}
	return out
}

// A ToReview is a part of a review that waits for one of its reviewers.
type ToReview struct {
	Review, System, Cycle string
	Due                   time.Time
	Count                 ReviewCount
}

// ToReviewBy returns what an account has to review.
func (s *State) ToReviewBy(account string) (out []ToReview) {
	for _, r := range sorted(s.Reviews) {
		for i := range r.Parts {
			if p := &r.Parts[i]; r.Status == "open" && p.Completed.IsZero() && p.Reviews(account) {
				out = append(out, ToReview{r.ID, p.System, r.Cycle, r.Due, r.Count(p.System)})
			}
		}
	}
	return out
}

// A ToRemove is what a completed review wants an account to take away. Whether
// it is gone by now only evidence says.
type ToRemove struct {
	Review, System string
	Since          time.Time
	Rows           []ReviewRow
}

// ToRemoveBy returns what an account was named to take away.
func (s *State) ToRemoveBy(account string) (out []ToRemove) {
	for _, r := range sorted(s.Reviews) {
		for i := range r.Parts {
			if p := &r.Parts[i]; p.Remover == account && account != "" && !p.Completed.IsZero() {
				if x := r.toRemove(p); len(x.Rows) > 0 {
					out = append(out, x)
				}
			}
		}
	}
	return out
}

func (r *Review) toRemove(p *ReviewPart) ToRemove {
	out := ToRemove{Review: r.ID, System: p.System, Since: p.Completed}
	for i := range r.Rows {
		if row := &r.Rows[i]; row.System == p.System && row.Decision == "remove" {
			out.Rows = append(out.Rows, *row)
		}
	}
	return out
}
