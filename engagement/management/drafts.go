package management

import (
	"context"
	"fmt"
	"slices"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
)

var draftTakers = map[string]taker{"draft.release": hearDraft, "comment.write": writeComment, "comment.answer": hearComment, "report.release": hearRelease, "report.withdrawn": hearWithdrawal}

// A Draft is a draft report the firm gave for factual review.
type Draft struct {
	engagement.Draft
	At     time.Time
	Packet int64 // record that brought it
}

// A Release is a report as it was issued.
type Release struct {
	engagement.Release
	At       time.Time
	Packet   int64             // record that brought its files
	Opinions map[string]string // word by part, as the report says
	Terms    engagement.Terms  // of the report: those agreed on when it was issued

	Withdrawn   string // why the firm withdrew it; "": it did not
	WithdrawnAt time.Time
}

type draftData struct {
	Draft  engagement.Draft `json:"draft"`
	Packet int64            `json:"packet"`
}

// TakeDraft takes a draft the firm released; packet is the record that brought it.
func (b *Book) TakeDraft(ctx context.Context, by access.Subject, id string, d engagement.Draft, packet int64) error {
	return b.take(ctx, by, "draft.release", named("draft", id), id, draftData{d, packet})
}

func hearDraft(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[draftData](e)
	x, _, xerr := s.on(e, "draft")
	if err = book.First(err, xerr, book.Digest("digest", d.Draft.Digest), book.Day("due", d.Draft.Due, false)); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "a draft for factual review", Do: func() { x.Drafts = append(x.Drafts, Draft{d.Draft, e.At, d.Packet}) }}, nil
}

// Comment says something on the facts of the newest draft and returns its number.
// It needs description.write: that of the people who know the facts.
func (b *Book) Comment(ctx context.Context, by access.Subject, id, where, text string) (string, error) {
	if err := access.Require(by, "description.write", of(id)); err != nil {
		return "", err
	}
	var draft string
	err := b.Read(ctx, func(s *State) error {
		x, err := s.Side(id)
		if err == nil && len(x.Drafts) > 0 {
			draft = x.Drafts[len(x.Drafts)-1].Digest
		}
		return err
	})
	if err != nil {
		return "", err
	}
	return b.book.Numbered(ctx, by, "comment", id+"/M", func(on string) error {
		_, err := b.book.Write(ctx, by, "comment.write", "comment:"+on, 0, commentData{draft, where, text})
		return err
	})
}

type commentData struct {
	Draft string `json:"draft"`
	Where string `json:"where"`
	Text  string `json:"text"`
}

func writeComment(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[commentData](e)
	x, rest, xerr := s.on(e, "comment")
	if err = book.First(err, xerr, book.OneLine("where", d.Where, 1), book.Text("text", d.Text, 1, maxText)); err != nil {
		return book.Change{}, err
	}
	if len(x.Drafts) == 0 || x.Drafts[len(x.Drafts)-1].Digest != d.Draft {
		return book.Change{}, book.TooEarly("the firm has given no draft, or a newer one")
	}
	if err := book.First(x.open(), x.notIssued()); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "comment on " + d.Where, Do: func() {
		x.Comments[rest] = &engagement.Comment{ID: rest, Draft: d.Draft, Where: d.Where, Text: d.Text}
	}}, nil
}

// TakeComments takes the firm's answers to comments.
func (b *Book) TakeComments(ctx context.Context, by access.Subject, id string, list []engagement.Comment) error {
	for _, c := range list {
		if err := b.take(ctx, by, "comment.answer", named("comment", id, c.ID), id, c); err != nil {
			return err
		}
	}
	return nil
}

func hearComment(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[engagement.Comment](e)
	x, rest, xerr := s.on(e, "comment")
	if err = book.First(err, xerr, book.Text("answer", d.Answer, 1, maxText)); err != nil {
		return book.Change{}, err
	}
	c := x.Comments[rest]
	if c == nil || c.Text != d.Text {
		return book.Change{}, fmt.Errorf("%w: comment %s as the firm quotes it", audit.ErrNotFound, rest)
	}
	return book.Change{What: "answered by the firm", Do: func() { c.Answer = d.Answer }}, nil
}

type releaseData struct {
	Release  engagement.Release `json:"release"`
	Packet   int64              `json:"packet"`
	Opinions map[string]string  `json:"opinions"`
}

// TakeRelease takes an issued report; packet is the record that brought it, and
// opinions what it says of each part.
func (b *Book) TakeRelease(ctx context.Context, by access.Subject, id string, r engagement.Release, packet int64, opinions map[string]string) error {
	return b.take(ctx, by, "report.release", named("report", id), id, releaseData{r, packet, opinions})
}

func hearRelease(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[releaseData](e)
	x, _, xerr := s.on(e, "report")
	if err = book.First(err, xerr, book.Digest("report", d.Release.Report), book.Day("dated", d.Release.Dated, true), book.When(d.Release.Signed.Value == "", "the report is not signed")); err != nil {
		return book.Change{}, err
	}
	for part, word := range d.Opinions {
		if err := book.OneOf("opinion on "+part, engagement.Opinion(word), engagement.Unmodified, engagement.Qualified, engagement.Adverse, engagement.Disclaimer); err != nil {
			return book.Change{}, err
		}
	}
	for _, p := range x.Parties() {
		if x.Assertions[p] == nil || x.Letters[p] == nil {
			return book.Change{}, book.TooEarly("a report without the assertion and the letter of representation of %s", p)
		}
	}
	if err := book.First(x.agreed(), x.outdated()); err != nil {
		return book.Change{}, err
	}
	if n := len(x.Releases); n > 0 && x.Releases[n-1].Report != d.Release.Supersedes {
		return book.Change{}, book.TooEarly("the report is issued already; another one says that it supersedes it")
	}
	return book.Change{What: "report issued, dated " + d.Release.Dated, Do: func() {
		x.Releases = append(x.Releases, Release{Release: d.Release, At: e.At, Packet: d.Packet, Opinions: d.Opinions, Terms: x.Terms})
		x.State = engagement.Issued
	}}, nil
}

type withdrawalData struct {
	Release engagement.Release `json:"release"`
	Packet  int64              `json:"packet"`
}

// TakeWithdrawal takes the firm's word that it withdrew an issued report, and why;
// packet is the record that brought it.
func (b *Book) TakeWithdrawal(ctx context.Context, by access.Subject, id string, r engagement.Release, packet int64) error {
	return b.take(ctx, by, "report.withdrawn", named("report", id), id, withdrawalData{r, packet})
}

func hearWithdrawal(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[withdrawalData](e)
	x, _, xerr := s.on(e, "report")
	if err = book.First(err, xerr, book.Text("why", d.Release.Why, 1, maxText), book.When(!d.Release.Withdrawn, "it withdraws nothing")); err != nil {
		return book.Change{}, err
	}
	i := slices.IndexFunc(x.Releases, func(r Release) bool { return r.Report == d.Release.Report })
	if i < 0 || x.Releases[i].Withdrawn != "" {
		return book.Change{}, fmt.Errorf("%w: a report in force that it withdraws", audit.ErrNotFound)
	}
	return book.Change{What: "the firm withdraws the report: " + d.Release.Why, Do: func() {
		x.Releases[i].Withdrawn, x.Releases[i].WithdrawnAt = d.Release.Why, e.At
	}}, nil
}
