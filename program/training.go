package program

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/policy"
)

// compare orders texts.
func compare(a, b string) int { return cmp.Compare(a, b) }

// A Training is what one person did with one course.
type Training struct {
	Account   string
	Course    string
	Title     string
	Topic     string
	Hash      string    // of the course as it was answered last
	Attempts  int       // since it was last completed, the completing one included
	Wrong     []int     // questions of the last attempt that were not answered rightly, from 0
	Completed time.Time // when it was last completed; zero: never
	Record    int64     // log index of the entry that completed it
}

var trainingTakers = map[string]taker{"training.attempt": attempt}

// An attemptData is one attempt: which course, and what was not right. The
// options chosen are not kept.
type attemptData struct {
	Course    string `json:"course"`
	Title     string `json:"title"`
	Topic     string `json:"topic"`
	Hash      string `json:"hash"`
	Questions int    `json:"questions"`
	Wrong     []int  `json:"wrong"`
}

// Topics of the item type training.
var trainingTopics = []string{"security", "privacy", "development", "incident", "other"}

func (d attemptData) check() error {
	err := allOf(text("course", d.Course, 1, 100), text("title", d.Title, 1, 200), oneOf("topic", d.Topic, trainingTopics...),
		text("hash", d.Hash, 71, 71), within("questions", d.Questions, 1, 1000), within("wrong answers", len(d.Wrong), 0, d.Questions))
	for _, n := range d.Wrong {
		err = allOf(err, within("wrong", n, 0, d.Questions-1))
	}
	return err
}

func attempt(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[attemptData](e)
	if err == nil {
		err = d.check()
	}
	if err != nil {
		return book.Change{}, err
	}
	if e.By.Kind != audit.ActorPerson || e.By.Name != e.Of() {
		return book.Change{}, fmt.Errorf("%w: everybody does their own training", audit.ErrForbidden)
	}
	what := "completed " + d.Title
	if n := len(d.Wrong); n > 0 {
		what = fmt.Sprintf("tried %s: %d of %d answers right", d.Title, d.Questions-n, d.Questions)
	}
	return book.Change{What: what, Do: func() { s.attempted(e, d) }}, nil
}

func (s *State) attempted(e Entry, d attemptData) {
	if s.Trainings[d.Course] == nil {
		s.Trainings[d.Course] = map[string]*Training{}
	}
	t := s.Trainings[d.Course][e.Of()]
	if t == nil {
		t = &Training{Account: e.Of(), Course: d.Course}
		s.Trainings[d.Course][e.Of()] = t
	}
	if len(t.Wrong) == 0 {
		t.Attempts = 0 // the one before completed it
	}
	t.Title, t.Topic, t.Hash, t.Wrong, t.Attempts = d.Title, d.Topic, d.Hash, d.Wrong, t.Attempts+1
	if len(d.Wrong) == 0 {
		t.Completed, t.Record = e.At, e.Record
		s.fact(e, s.trainingFact(t.Account, d, e))
	}
}

// trainingFact is a completed training as evidence.
func (s *State) trainingFact(account string, d attemptData, e Entry) audit.Fact {
	return audit.Fact{Type: "training", ID: "training/" + audit.EvidenceRef(e.Record), At: e.At,
		Fields: map[string]any{"person": s.PersonOf(account), "course": d.Course, "topic": d.Topic, "result": "completed"}}
}

// CourseHash names a course as it is answered: its text and its questions.
func CourseHash(c policy.Course) string {
	text := c.Body
	for _, q := range c.Questions {
		text += "\x1e" + q.Ask
		for _, o := range q.Options {
			text += fmt.Sprintf("\x1f%s\x1f%t", o.Text, o.Right)
		}
	}
	return HashOf(c.ID, "", c.Title, text)
}

// AnswerCourse keeps one attempt at a course for whoever acts; answers[i] are
// the options chosen for question i. It is completed once every answer is
// right. It needs training.do.
func (b *Book) AnswerCourse(ctx context.Context, by access.Subject, c policy.Course, answers [][]int) (Training, error) {
	if err := access.Require(by, "training.do", access.Object{Owner: by.Account}); err != nil {
		return Training{}, err
	}
	wrong := c.Wrong(answers)
	if wrong == nil {
		wrong = []int{}
	}
	d := attemptData{c.ID, c.Title, c.Topic, CourseHash(c), len(c.Questions), wrong}
	if _, err := b.write(ctx, by, "training.attempt", "training:"+by.Account, Anyway, d); err != nil {
		return Training{}, err
	}
	return b.Training(ctx, c.ID, by.Account)
}

// Training returns what an account's person did with a course, or
// audit.ErrNotFound.
func (b *Book) Training(ctx context.Context, course, account string) (out Training, err error) {
	err = b.Read(ctx, func(s *State) error {
		t := s.Trainings[course][account]
		if t == nil {
			return fmt.Errorf("%w: %s has not begun %s", audit.ErrNotFound, account, course)
		}
		out = *t
		return nil
	})
	return out, err
}
