package management

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/book"
)

var candidateTakers = map[string]taker{"candidate.set": setCandidate}

// Asks are what a company asks an audit firm before it invites one. Nothing of an
// answer can be checked from here, and no answer counts for more than another: who
// examines is for management to choose.
var Asks = []string{
	"Its license, and in which states it may issue reports",
	"Its last peer review: the year, the kind of rating, and who reviewed it",
	"Who leads the engagement, who reviews its quality, and who does the work",
	"What those people hold, such as CPA, CISA or CISSP, and how many reports of this kind they worked on",
	"What else it does for you, and why that leaves it independent",
	"Whether a maker of software or anybody else refers you to it, is paid for that, or limits what it may look at",
	"Which criteria and categories it would examine, over which period, and why",
	"When it would work, when its report would come, and how its fee is set",
	"The verifier key of its log, told by a way you trust: in person, by phone, or on paper",
}

// A Candidate is an audit firm that was considered, whether or not it was invited.
type Candidate struct {
	ID string // "FC-1"
	CandidateData
	By       string
	At       time.Time
	Revision int64 // Base of the next change
}

// CandidateData is what is written down of a candidate.
type CandidateData struct {
	Name       string      `json:"name"`
	Answers    []Answered  `json:"answers"` // in the order of the questions
	References []Reference `json:"references"`
	Note       string      `json:"note,omitempty"` // why it was taken, or was not
}

// Answered is a question as it was put and what the firm said to it.
type Answered struct {
	Question string `json:"question"`
	Answer   string `json:"answer"`
}

// A Reference is somebody who was asked about the firm and what they said.
type Reference struct {
	Who  string `json:"who"`
	Said string `json:"said"`
}

// AnswerTo is what a candidate said to a question; "" where nothing is written.
func (c *Candidate) AnswerTo(question string) string {
	for _, a := range c.Answers {
		if a.Question == question {
			return a.Answer
		}
	}
	return ""
}

// SetCandidate writes down what a firm said that was considered, a new one where
// candidate is "", and returns its ID. base is State.Revision of "candidate:FC-1".
// It needs engagement.open. It invites nobody (InviteFirm), and inviting asks for none.
func (b *Book) SetCandidate(ctx context.Context, by access.Subject, candidate string, d CandidateData, base int64) (string, error) {
	if err := access.Require(by, "engagement.open", access.Object{}); err != nil {
		return "", err
	}
	d.Answers, d.References = book.List(d.Answers), book.List(d.References)
	write := func(id string) error {
		_, err := b.book.Write(ctx, by, "candidate.set", "candidate:"+id, base, d)
		return err
	}
	if candidate != "" {
		return candidate, write(candidate)
	}
	return b.book.Numbered(ctx, by, "candidate", "FC", write)
}

// maxAsked is how many answers, and how many references, a candidate may have.
const maxAsked = 50

func setCandidate(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[CandidateData](e)
	id, isCandidate := strings.CutPrefix(e.On, "candidate:")
	if err = book.First(err, book.When(!isCandidate || id == "", "the entry is on no candidate"), book.OneLine("name", d.Name, 1), book.Text("note", d.Note, 0, maxText),
		book.When(len(d.Answers) > maxAsked || len(d.References) > maxAsked, fmt.Sprintf("at most %d answers and as many references", maxAsked))); err != nil {
		return book.Change{}, err
	}
	asked := map[string]bool{}
	for _, a := range d.Answers {
		if err := book.First(book.Text("question", a.Question, 1, 500), book.Text("answer to: "+a.Question, a.Answer, 1, maxText), book.When(asked[a.Question], "answered twice: "+a.Question)); err != nil {
			return book.Change{}, err
		}
		asked[a.Question] = true
	}
	for i, r := range d.References {
		if err := book.First(book.OneLine(fmt.Sprintf("reference %d, who", i+1), r.Who, 1), book.Text(fmt.Sprintf("reference %d, what they said", i+1), r.Said, 1, maxText)); err != nil {
			return book.Change{}, err
		}
	}
	return book.Change{What: "considered: " + d.Name, Do: func() {
		s.Candidates[id] = &Candidate{id, d, e.By.Name, e.At, s.Revision(e.On) + 1}
	}}, nil
}

// Considered are the candidates in the order in which they were first written down.
// Nothing ranks them.
func (s *State) Considered() []*Candidate { return book.Sorted(s.Candidates) }

// Questions are those of Asks, and after them what a candidate was asked besides.
func Questions(list []*Candidate) []string {
	out := slices.Clone(Asks)
	for _, c := range list {
		for _, a := range c.Answers {
			if !slices.Contains(out, a.Question) {
				out = append(out, a.Question)
			}
		}
	}
	return out
}

// Invited reports whether a firm of a candidate's name is invited now.
func (s *State) Invited(c *Candidate) bool {
	for _, f := range s.Firms {
		if f.Name == c.Name && f.Ended.IsZero() {
			return true
		}
	}
	return false
}
