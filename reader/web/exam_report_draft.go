package web

import (
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strconv"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/internal/natural"
	"tieout/policy"
	"tieout/report"
	"tieout/report/attest"
	attesthtml "tieout/report/attest/html"
)

// examDraftRoutes are drafts of the report, given for factual review.
var examDraftRoutes = []route{
	{pattern: "GET /examinations/{id}/drafts", needs: "report.read", on: examDraftsWhole, do: (*request).examDrafts},
	{pattern: "GET /examinations/{id}/drafts/{n}/read", needs: "report.read", on: examDraftsWhole, do: (*request).examReadDraft, example: "/examinations/EN-1/drafts/1/read"},
	{pattern: "POST /examinations/{id}/drafts", needs: "description.write", on: examWhole, do: (*request).examComment},
}

// examDraftsWhole are the drafts, for who reads the examination as a whole: a reader
// of reports gets them once they are issued, and an auditor's guest has the firm's
// own.
func examDraftsWhole(q *request) (access.Object, error) {
	return examAll, access.Require(q.who, "request.read", examAll)
}

// An examDraft is a draft as the list shows it.
type examDraft struct {
	N                 int
	Came, Due, Digest string
	Read              string
	Newest            bool
}

// An examComment is a comment with what became of it.
type examComment struct {
	ID, Where, Class, Word string
	Text, Answer           template.HTML
	Older                  bool // on an earlier draft
}

type examDraftsPage struct {
	*page
	ID          string
	Drafts      []examDraft
	Comments    []examComment
	Places      []string
	May         bool
	Closed      string
	Where, Text string
}

func (q *request) examDrafts() error {
	id := q.PathValue("id")
	data := examDraftsPage{page: &q.page, ID: id, May: q.may("description.write", access.Object{}), Where: q.PostForm.Get("where"), Text: q.PostForm.Get("text")}
	var newest *management.Draft
	err := q.inExam(func(_ *management.State, x *management.Side) error {
		q.examFrame(x, "/drafts")
		for i, d := range x.Drafts {
			data.Drafts = append(data.Drafts, examDraft{N: i + 1, Came: report.Moment(d.At, q.zone()), Due: dayText(d.Due), Digest: d.Digest, Read: q.under("examinations", id, "drafts/"+strconv.Itoa(i+1)+"/read"), Newest: i+1 == len(x.Drafts)})
		}
		slices.Reverse(data.Drafts)
		if n := len(x.Drafts); n > 0 {
			d := x.Drafts[n-1]
			newest = &d
		}
		data.Comments = examComments(x)
		if x.Closed() {
			data.Closed = "The report is issued: comments on its draft stay as they are."
		}
		q.Say = sayExamDrafts(len(data.Drafts), data.Comments)
		return nil
	})
	if err != nil {
		return q.unknown(err, "report.read")
	}
	if newest != nil && data.May && data.Closed == "" {
		value, err := q.exam.ReceivedReport(q.Context(), id, newest.Packet, newest.Digest)
		if err != nil {
			return err
		}
		data.Places = places(&value)
	}
	q.Title, q.Heading, q.Ref, q.Wide = "Drafts of "+id, "Drafts of the report", id, true
	q.Way = append(q.Way, link{"Drafts", ""})
	return q.render("exam-drafts.html", data)
}

func examComments(x *management.Side) (out []examComment) {
	newest := ""
	if n := len(x.Drafts); n > 0 {
		newest = x.Drafts[n-1].Digest
	}
	for _, c := range book.Sorted(x.Comments) {
		row := examComment{ID: c.ID, Where: c.Where, Text: policy.HTML(c.Text), Answer: policy.HTML(c.Answer), Class: "due", Word: "Not answered", Older: c.Draft != newest}
		if c.Answer != "" {
			row.Class, row.Word = "ok", "Answered"
		}
		out = append(out, row)
	}
	slices.SortStableFunc(out, func(a, b examComment) int { return natural.Compare(a.ID, b.ID) })
	return out
}

// sayExamDrafts says how many drafts there are and what became of comments.
func sayExamDrafts(drafts int, comments []examComment) string {
	if drafts == 0 {
		return "The firm has given no draft for factual review."
	}
	open := 0
	for _, c := range comments {
		if c.Answer == "" {
			open++
		}
	}
	out := report.Capital(report.Plural(drafts, "draft was", "drafts were")) + " given; "
	switch {
	case len(comments) == 0:
		return out + "nobody has commented on its facts."
	case open == 0:
		return out + report.Plural(len(comments), "comment is", "comments are") + " answered."
	}
	return out + report.Number(open) + " of " + report.Plural(len(comments), "comment waits", "comments wait") + " for the firm's answer."
}

// places are what a comment can be on: sections, description criteria, criteria
// with their controls.
func places(r *attest.Report) (out []string) {
	for i, kind := range r.Order() {
		section := "Section " + attest.Roman(i+1)
		out = append(out, section)
		switch kind {
		case attest.Description:
			for _, dc := range r.Description {
				out = append(out, section+", "+dc.ID)
			}
		case attest.Tests:
			seen := map[string]bool{}
			for _, g := range r.Groups {
				for _, c := range g.Controls {
					if !seen[c.ID] {
						seen[c.ID] = true
						out = append(out, section+", "+c.ID)
					}
				}
			}
		}
	}
	return append(out, "Annex")
}

func (q *request) examComment() error {
	id := q.PathValue("id")
	_, err := q.exam.Side.Comment(q.Context(), q.who, id, q.field("where"), q.field("text"))
	if err == nil {
		return q.toFirm(id, q.under("examinations", id, "drafts"), "Your comment goes to the firm.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.examDrafts()
}

// examReadDraft is a draft as a page that needs nothing else; it says on its face
// that it is a draft.
func (q *request) examReadDraft() error {
	n, err := strconv.Atoi(q.PathValue("n"))
	var d engagement.Draft
	var record int64
	if err == nil {
		err = q.inExam(func(_ *management.State, x *management.Side) error {
			if n < 1 || n > len(x.Drafts) {
				return fmt.Errorf("%w: there is no draft %d of %s", audit.ErrNotFound, n, x.Terms.ID)
			}
			d, record = x.Drafts[n-1].Draft, x.Drafts[n-1].Packet
			return nil
		})
	} else {
		err = fmt.Errorf("%w: drafts are numbered", audit.ErrNotFound)
	}
	if err != nil {
		return q.unknown(err, "report.read")
	}
	return q.readAttest(record, d.Digest)
}

// readAttest writes a report's value, out of the packet that brought it, as its
// accessible page. The page is of the firm's making: it gets no right on this
// server.
func (q *request) readAttest(record int64, digest string) error {
	value, err := q.exam.ReceivedReport(q.Context(), q.PathValue("id"), record, digest)
	if err != nil {
		return err
	}
	body, err := attesthtml.Render(value)
	if err != nil {
		return err
	}
	h := q.w.Header()
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	send(q.w, http.StatusOK, body)
	return nil
}
