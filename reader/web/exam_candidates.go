package web

import (
	"fmt"
	"strings"

	"tieout/audit"
	"tieout/engagement/management"
	"tieout/report"
)

// examCandidateRoutes are the audit firms that were considered.
var examCandidateRoutes = []route{
	{pattern: "GET /examinations/candidates", needs: "engagement.open", on: examWhole, do: (*request).examCandidates},
	{pattern: "GET /examinations/candidate", needs: "engagement.open", on: examWhole, do: (*request).examCandidate},
	{pattern: "POST /examinations/candidate", needs: "engagement.open", on: examWhole, do: (*request).examSetCandidate},
}

// A candidateColumn is a firm as the comparison heads it.
type candidateColumn struct {
	Name, Href, By string
	Invited        bool
}

// A candidateRow is a question with the answers of all, or references and notes.
type candidateRow struct {
	What  string
	Cells [][]string // by firm, lines
}

func (q *request) examCandidates() error {
	var columns []candidateColumn
	var rows []candidateRow
	err := q.exam.Side.Read(q.Context(), func(s *management.State) error {
		list := s.Considered()
		for _, c := range list {
			columns = append(columns, candidateColumn{c.Name, q.to("/examinations/candidate", "candidate", c.ID), q.name(c.By) + ", " + report.Day(c.At, q.zone()), s.Invited(c)})
		}
		rows = candidateRows(list)
		return nil
	})
	if err != nil {
		return err
	}
	q.Title, q.Heading, q.Wide = "Firms considered", "Audit firms that were considered", true
	q.Say = sayCandidates(len(columns))
	q.Way = append(q.Way, link{"Examinations", q.to("/examinations")}, link{"Firms considered", ""})
	q.Code = []string{"tieout engagement candidates"}
	return q.render("exam-candidates.html", struct {
		*page
		Columns []candidateColumn
		Rows    []candidateRow
	}{&q.page, columns, rows})
}

// candidateRows are the questions as rows, and below them references and notes.
func candidateRows(list []*management.Candidate) (out []candidateRow) {
	if len(list) == 0 {
		return nil
	}
	for _, ask := range management.Questions(list) {
		row := candidateRow{What: ask}
		for _, c := range list {
			row.Cells = append(row.Cells, lines(c.AnswerTo(ask)))
		}
		out = append(out, row)
	}
	references, notes := candidateRow{What: "References"}, candidateRow{What: "Your note"}
	for _, c := range list {
		var said []string
		for _, r := range c.References {
			said = append(said, r.Who+": "+r.Said)
		}
		references.Cells, notes.Cells = append(references.Cells, said), append(notes.Cells, lines(c.Note))
	}
	return append(out, references, notes)
}

// lines are those of a text, none of an empty one.
func lines(text string) []string {
	if text = strings.TrimSpace(text); text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// sayCandidates says how many firms are written down, and what that is not.
func sayCandidates(n int) string {
	if n == 0 {
		return "No firm is written down as considered; inviting one asks for none."
	}
	return report.Capital(report.Plural(n, "firm is", "firms are")) + " written down, in the order they were considered. Nothing here ranks them: the choice is management's."
}

// A candidateField is a question in the form.
type candidateField struct {
	N                int
	Question, Answer string
}

// A referenceField is a reference in the form.
type referenceField struct {
	N         int
	Who, Said string
}

type candidatePage struct {
	*page
	ID, Name, Note string
	Revision       int64
	Fields         []candidateField
	References     []referenceField
}

func (q *request) examCandidate() error {
	id := q.URL.Query().Get("candidate")
	if q.Method == "POST" {
		id = q.field("candidate")
	}
	data := candidatePage{page: &q.page, ID: id}
	have := &management.Candidate{}
	err := q.exam.Side.Read(q.Context(), func(s *management.State) error {
		if c := s.Candidates[id]; c != nil {
			own := *c
			have, data.Revision = &own, s.Revision("candidate:"+id)
		} else if id != "" {
			return fmt.Errorf("%w: no firm %.20q is written down as considered", audit.ErrNotFound, id)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if q.Method == "POST" {
		have.CandidateData = q.typedCandidate()
	}
	data.fill(have)
	q.Title, q.Heading = "Firm considered", "A firm that is considered"
	if have.ID != "" {
		q.Heading, q.Ref = have.Name, have.ID
	}
	q.Say = "Write down what the firm says, in its words. Nothing of it can be checked from here, and nothing is weighed."
	q.Way = append(q.Way, link{"Examinations", q.to("/examinations")}, link{"Firms considered", q.to("/examinations/candidates")}, link{q.Heading, ""})
	return q.render("exam-candidate.html", data)
}

// moreReferences is how many empty references the form has.
const moreReferences = 2

// fill puts what is written into the form.
func (d *candidatePage) fill(c *management.Candidate) {
	d.Name, d.Note = c.Name, c.Note
	for _, ask := range management.Questions([]*management.Candidate{c}) {
		d.Fields = append(d.Fields, candidateField{len(d.Fields) + 1, ask, c.AnswerTo(ask)})
	}
	for _, r := range c.References {
		d.References = append(d.References, referenceField{len(d.References) + 1, r.Who, r.Said})
	}
	for range moreReferences {
		d.References = append(d.References, referenceField{N: len(d.References) + 1})
	}
}

// typedCandidate is what the form says of a firm: questions without an answer and
// references without a word are left out.
func (q *request) typedCandidate() management.CandidateData {
	d := management.CandidateData{Name: q.field("name"), Note: q.field("note")}
	asks, answers := q.PostForm["question"], q.PostForm["answer"]
	for i := range min(len(asks), len(answers)) {
		if answer := strings.TrimSpace(answers[i]); answer != "" {
			d.Answers = append(d.Answers, management.Answered{Question: strings.TrimSpace(asks[i]), Answer: answer})
		}
	}
	who, said := q.PostForm["who"], q.PostForm["said"]
	for i := range min(len(who), len(said)) {
		r := management.Reference{Who: strings.TrimSpace(who[i]), Said: strings.TrimSpace(said[i])}
		if r.Who+r.Said != "" {
			d.References = append(d.References, r)
		}
	}
	return d
}

func (q *request) examSetCandidate() error {
	d := q.typedCandidate()
	_, err := q.exam.Side.SetCandidate(q.Context(), q.who, q.field("candidate"), d, q.base())
	if err == nil {
		return q.done(q.to("/examinations/candidates"), "What "+d.Name+" says is written down.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.examCandidate()
}
