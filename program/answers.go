package program

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
)

// An Answer is one answer of the library: what is told to customers who ask, and
// what it rests on.
type Answer struct {
	ID       string   `json:"id"`
	Question string   `json:"question"`
	Text     string   `json:"text"`     // Markdown
	Controls []string `json:"controls"` // it rests on
	Report   string   `json:"report"`   // examination whose issued report it rests on, "EN-1"; "": none

	Authors    []string  `json:"authors"` // accounts that wrote it as it is, none of whom approves it
	Written    time.Time `json:"written,omitzero"`
	ApprovedBy string    `json:"approvedBy"` // "": nobody has approved it as it is
	Approved   time.Time `json:"approved,omitzero"`
	Basis      string    `json:"basis"` // digest of what it rested on when it was approved
	Retired    time.Time `json:"retired,omitzero"`
	Why        string    `json:"why"`      // it was retired
	Revision   int64     `json:"revision"` // Base of the next change
}

var answerTakers = map[string]taker{"answer.write": writeAnswer, "answer.approve": approveAnswer, "answer.retire": retireAnswer}

type answerData struct {
	Question string   `json:"question"`
	Text     string   `json:"text"`
	Controls []string `json:"controls"`
	Report   string   `json:"report"`
}

func writeAnswer(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[answerData](e)
	if err == nil {
		err = allOf(text("question", d.Question, 1, 2_000), text("answer", d.Text, 1, 20_000), names("controls", d.Controls), text("report", d.Report, 0, 60))
	}
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "written", Do: func() {
		a := s.Answers[e.Of()]
		if a == nil {
			a = &Answer{ID: e.Of()}
			s.Answers[a.ID] = a
		}
		if a.ApprovedBy != "" || !a.Retired.IsZero() {
			a.Authors = nil
		}
		if !slices.Contains(a.Authors, e.By.Name) {
			a.Authors = append(a.Authors, e.By.Name)
		}
		a.Question, a.Text, a.Controls, a.Report, a.Written = d.Question, d.Text, d.Controls, d.Report, e.At
		a.ApprovedBy, a.Approved, a.Basis, a.Retired, a.Why = "", time.Time{}, "", time.Time{}, ""
		a.Revision = s.Revision(e.On) + 1
	}}, nil
}

// theAnswer is the one an entry is on, or audit.ErrNotFound.
func (s *State) theAnswer(e Entry) (*Answer, error) {
	if a := s.Answers[e.Of()]; a != nil {
		return a, nil
	}
	return nil, fmt.Errorf("%w: answer %.80q", audit.ErrNotFound, e.Of())
}

type approveAnswerData struct {
	Basis string `json:"basis"`
}

func approveAnswer(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[approveAnswerData](e)
	if err == nil {
		err = book.OneLine("what it rests on", d.Basis, 1)
	}
	if err != nil {
		return book.Change{}, err
	}
	a, err := s.theAnswer(e)
	switch {
	case err != nil:
		return book.Change{}, err
	case !a.Retired.IsZero():
		return book.Change{}, fmt.Errorf("%w: %s is retired; write it anew first", audit.ErrConflict, a.ID)
	case slices.Contains(a.Authors, e.By.Name):
		return book.Change{}, fmt.Errorf("%w: %s is approved by somebody else than who wrote it", audit.ErrForbidden, a.ID)
	}
	what := "approved"
	if a.ApprovedBy != "" {
		what = "reviewed, and stays as it is"
	}
	return book.Change{What: what, Do: func() {
		a.ApprovedBy, a.Approved, a.Basis, a.Revision = e.By.Name, e.At, d.Basis, s.Revision(e.On)+1
	}}, nil
}

func retireAnswer(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[wordsData](e)
	if err == nil {
		err = text("why", d.Text, 1, 20_000)
	}
	if err != nil {
		return book.Change{}, err
	}
	a, err := s.theAnswer(e)
	if err != nil {
		return book.Change{}, err
	}
	if !a.Retired.IsZero() {
		return book.Change{}, fmt.Errorf("%w: %s is retired already", audit.ErrConflict, a.ID)
	}
	return book.Change{What: "retired: " + d.Text, Do: func() {
		a.Retired, a.Why, a.Revision = e.At, d.Text, s.Revision(e.On)+1
	}}, nil
}

// Status is where an answer stands: "draft", "approved" or "retired".
func (a Answer) Status() string {
	switch {
	case !a.Retired.IsZero():
		return "retired"
	case a.ApprovedBy != "":
		return "approved"
	}
	return "draft"
}

// WriteAnswer writes an answer, a new one where ID is "", and returns it: a draft
// until a second person approves it. It needs register.write.
func (b *Book) WriteAnswer(ctx context.Context, by access.Subject, a Answer) (Answer, error) {
	if err := access.Require(by, "register.write", access.Object{}); err != nil {
		return Answer{}, err
	}
	d := answerData{strings.TrimSpace(a.Question), strings.TrimSpace(a.Text), list(a.Controls), strings.TrimSpace(a.Report)}
	write := func(id string) error {
		_, err := b.write(ctx, by, "answer.write", "answer:"+id, a.Revision, d)
		return err
	}
	id := a.ID
	var err error
	if id == "" {
		id, err = b.numbered(ctx, by, "answer", "A", write)
	} else if _, err = b.Answer(ctx, id); err == nil {
		err = write(id)
	}
	if err != nil {
		return Answer{}, err
	}
	return b.Answer(ctx, id)
}

// ApproveAnswer approves an answer as it is, or says that an approved one was
// reviewed and stays; basis is the digest of what it rests on now. It needs
// answer.approve, which nobody has on what they wrote.
func (b *Book) ApproveAnswer(ctx context.Context, by access.Subject, id string, revision int64, basis string) (Answer, error) {
	a, err := b.Answer(ctx, id)
	if err != nil {
		return a, err
	}
	if err := b.second(ctx, by, "answer.approve", access.Object{Prepared: a.Authors}); err != nil {
		return a, err
	}
	if _, err := b.write(ctx, by, "answer.approve", "answer:"+id, revision, approveAnswerData{basis}); err != nil {
		return a, err
	}
	return b.Answer(ctx, id)
}

// RetireAnswer takes an answer out of use, for a reason. It needs register.write.
func (b *Book) RetireAnswer(ctx context.Context, by access.Subject, id string, revision int64, why string) (Answer, error) {
	if err := access.Require(by, "register.write", access.Object{}); err != nil {
		return Answer{}, err
	}
	if _, err := b.write(ctx, by, "answer.retire", "answer:"+id, revision, wordsData{strings.TrimSpace(why)}); err != nil {
		return Answer{}, err
	}
	return b.Answer(ctx, id)
}

// Answer returns one answer, or audit.ErrNotFound.
func (b *Book) Answer(ctx context.Context, id string) (Answer, error) {
	return one(ctx, b, "answer", id, func(s *State) *Answer { return s.Answers[id] })
}

// AllAnswers returns the library in the order of its numbers.
func (b *Book) AllAnswers(ctx context.Context) (out []Answer, err error) {
	err = b.Read(ctx, func(s *State) error {
		for _, a := range book.Sorted(s.Answers) {
			out = append(out, *a)
		}
		return nil
	})
	return out, err
}
