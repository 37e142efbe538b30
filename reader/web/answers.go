package web

import (
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/policy"
	"tieout/program"
	"tieout/reader/answer"
	"tieout/report"
)

// answerRoutes are the library of answers that customers are given.
var answerRoutes = []route{
	{pattern: "GET /answers", needs: "register.read", on: anything, do: (*request).answers},
	{pattern: "GET /answers/new", needs: "register.write", do: (*request).answerForm},
	{pattern: "POST /answers/new", needs: "register.write", do: (*request).writeAnswer},
	{pattern: "GET /answers/{id}", needs: "register.read", on: theAnswer("register.read"), do: (*request).answerPage},
	{pattern: "GET /answers/{id}/edit", needs: "register.write", do: (*request).answerForm},
	{pattern: "POST /answers/{id}/edit", needs: "register.write", do: (*request).writeAnswer},
	{pattern: "POST /answers/{id}/approve", needs: "answer.approve", on: theAnswer("answer.approve"), do: (*request).approveAnswer},
	{pattern: "POST /answers/{id}/retire", needs: "register.write", do: (*request).retireAnswer},
}

// theAnswer is one answer with who wrote it, for a permission asked on it.
func theAnswer(id access.PermissionID) objectOf {
	return func(q *request) (access.Object, error) {
		a, err := q.book.Answer(q.Context(), q.PathValue("id"))
		if err != nil {
			return access.Object{}, q.unknown(err, id)
		}
		return q.ofAnswer(&a), nil
	}
}

// ofAnswer is an answer for the table of rights: the whole workspace's, given to
// customers, and no part of an examination.
func (q *request) ofAnswer(a *program.Answer) access.Object {
	return access.Object{Systems: q.st.systems, Controls: a.Controls, Prepared: a.Authors}
}

type libraryRow struct {
	A             answer.LibraryAnswer
	Href, Word    string
	Class, Review string
	Controls      []link
}

func (q *request) libraryRow(a answer.LibraryAnswer) libraryRow {
	row := libraryRow{A: a, Href: q.at("answers", a.ID), Word: report.Capital(a.Status()), Class: map[string]string{"draft": "due", "approved": "ok", "retired": "none"}[a.Status()],
		Review: q.dayOr(a.Approved, ""), Controls: q.controlLinks(a.Controls)}
	if len(a.Stale) > 0 {
		row.Word, row.Class = "Look again", "late"
	}
	return row
}

// library are the answers that who is signed in may read.
func (q *request) library() ([]answer.LibraryAnswer, error) {
	l, err := answer.LibraryOf(q.Context(), q.st.p)
	if err != nil {
		return nil, err
	}
	all, err := l.Answers(q.Context(), q.book, q.now())
	return slices.DeleteFunc(all, func(a answer.LibraryAnswer) bool { return !q.may("register.read", q.ofAnswer(&a.Answer)) }), err
}

func (q *request) answers() error {
	all, err := q.library()
	if err != nil {
		return err
	}
	v := q.URL.Query()
	state, words := v.Get("state"), strings.TrimSpace(v.Get("q"))
	is := func(a answer.LibraryAnswer, state string) bool {
		switch {
		case state == "give":
			return a.Status() == "approved" && len(a.Stale) == 0
		case state == "stale":
			return len(a.Stale) > 0
		}
		return state == "" || a.Status() == state
	}
	var list []answer.LibraryAnswer
	for _, a := range all {
		if is(a, state) && matches(words, a.ID, a.Question, a.Text, strings.Join(a.Controls, " "), a.Report) {
			list = append(list, a)
		}
	}
	if v.Get("format") == "csv" {
		return q.answersCSV(list)
	}
	from := q.from(len(list))
	data := struct {
		*page
		Filters          []stateFilter
		Rows             []libraryRow
		Pager            pager
		Write            bool
		CSV, Text, Clear string
	}{page: &q.page, Write: q.may("register.write", access.Object{}), Text: words, CSV: q.to("/answers", "state", state, "q", words, "format", "csv"),
		Pager: q.pager("/answers", from, len(list), "state", state, "q", words)}
	for _, a := range list[from:min(len(list), from+pageLength)] {
		data.Rows = append(data.Rows, q.libraryRow(a))
	}
	if state+words != "" {
		data.Clear = q.to("/answers")
	}
	for _, s := range [][2]string{{"All", ""}, {"To be given", "give"}, {"Look again", "stale"}, {"Drafts", "draft"}, {"Retired", "retired"}} {
		n := 0
		for _, a := range all {
			if is(a, s[1]) {
				n++
			}
		}
		data.Filters = append(data.Filters, stateFilter{"", s[0], report.Number(n), q.to("/answers", "state", s[1], "q", words), state == s[1]})
	}
	q.Title, q.Heading, q.Wide = "Answers", "Answers", true
	q.Say, q.Code = answer.Answers(all), []string{"tieout answer list"}
	return q.render("answers.html", data)
}

func (q *request) answersCSV(list []answer.LibraryAnswer) error {
	rows := make([][]string, len(list))
	for i, a := range list {
		rows[i] = []string{a.ID, a.Question, a.Text, a.Status(), strings.Join(a.Stale, "; "), strings.Join(a.Controls, " "), a.Report, timeCell(a.Approved), q.name(a.ApprovedBy), timeCell(a.Written)}
	}
	return q.asCSV("answers", []string{"answer", "question", "text", "status", "look again", "controls", "report", "approved", "approved by", "written"}, rows)
}

// looked is an answer with what holds of it now.
func (q *request) looked() (answer.LibraryAnswer, *answer.Library, error) {
	a, err := q.book.Answer(q.Context(), q.PathValue("id"))
	if err != nil {
		return answer.LibraryAnswer{}, nil, err
	}
	l, err := answer.LibraryOf(q.Context(), q.st.p)
	if err != nil {
		return answer.LibraryAnswer{}, nil, err
	}
	out, err := l.Look(a, q.now())
	return out, l, err
}

func (q *request) answerPage() error {
	a, _, err := q.looked()
	if err != nil {
		return err
	}
	lines, err := q.said("answer:" + a.ID)
	if err != nil {
		return err
	}
	o := q.ofAnswer(&a.Answer)
	data := struct {
		*page
		A              answer.LibraryAnswer
		Row            libraryRow
		Text           template.HTML
		Report         link
		Lines          []historyRow
		Write, Approve bool
		WhyNot         string
		T              func(string) string
	}{page: &q.page, A: a, Row: q.libraryRow(a), Text: policy.HTML(a.Text), Lines: lines, Write: q.may("register.write", access.Object{}), T: func(f string) string { return q.typed(f, "") }}
	if a.Report != "" {
		if data.Report = (link{a.Report, q.at("examinations", a.Report)}); !q.opens(data.Report.Href) {
			data.Report.Href = ""
		}
	}
	if a.Status() != "retired" {
		var why string
		if data.Approve, why = access.Allowed(q.who, "answer.approve", o); !data.Approve {
			if o.Prepared = nil; q.may("answer.approve", o) {
				data.WhyNot = sentence(why)
			}
		}
	}
	q.Title, q.Heading, q.Ref = a.ID+" "+cutText(a.Question, maxTitle), cutText(a.Question, maxTitle), a.ID
	q.Say = answer.AnswerSays(&a, q.name(a.ApprovedBy), q.zone())
	q.Way, q.Code = []link{{"Answers", q.to("/answers")}, {a.ID, ""}}, []string{"tieout answer show " + a.ID}
	return q.render("answer.html", data)
}

func (q *request) answerForm() error {
	a := program.Answer{}
	id := q.PathValue("id")
	q.Title, q.Heading, q.Say = "New answer", "New answer", "Write what customers ask and what they are told; a second person approves it."
	q.Way = []link{{"Answers", q.to("/answers")}, {q.Heading, ""}}
	if id != "" {
		var err error
		if a, err = q.book.Answer(q.Context(), id); err != nil {
			return err
		}
		q.Title, q.Heading, q.Ref, q.Say = "Write "+id+" anew", "Write it anew", id, "What you keep is a draft until a second person approves it; what was approved stays on record."
		q.Way = []link{{"Answers", q.to("/answers")}, {id, q.at("answers", id)}, {"Write it anew", ""}}
	}
	q.Code = []string{"tieout answer list"}
	have := map[string]string{"revision": strconv.FormatInt(a.Revision, 10), "question": a.Question, "text": a.Text, "controls": strings.Join(a.Controls, " "), "report": a.Report}
	if q.Method == "POST" { // the newest: what is sent again is sent knowing it
		q.PostForm.Set("revision", have["revision"])
	}
	return q.render("answerform.html", struct {
		*page
		Action, Back string
		T            func(string) string
	}{&q.page, q.to(q.URL.Path), q.back("answers", id), func(f string) string { return q.typed(f, have[f]) }})
}

func (q *request) writeAnswer() error {
	a := program.Answer{ID: q.PathValue("id"), Question: q.field("question"), Text: q.field("text"), Controls: q.words("controls"), Report: q.field("report"), Revision: q.base()}
	err := q.controlsOf(a.Controls)
	if err == nil && a.Report != "" {
		var l *answer.Library
		if l, err = answer.LibraryOf(q.Context(), q.st.p); err == nil && !l.Issued(a.Report) {
			err = fmt.Errorf("%w: report: no report of an examination %q was issued", audit.ErrInvalid, a.Report)
		}
	}
	if err == nil {
		a, err = q.book.WriteAnswer(q.Context(), q.who, a)
	}
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.answerForm()
	}
	return q.done(q.at("answers", a.ID), "Kept as a draft. A second person approves it.")
}

func (q *request) approveAnswer() error {
	a, _, err := q.looked()
	if err == nil {
		_, err = q.book.ApproveAnswer(q.Context(), q.who, a.ID, q.base(), a.Now())
	}
	return q.actedOnAnswer(err, "Approved, and sealed with what it rests on.")
}

func (q *request) retireAnswer() error {
	_, err := q.book.RetireAnswer(q.Context(), q.who, q.PathValue("id"), q.base(), q.field("why"))
	return q.actedOnAnswer(err, "Retired: it is not given any more.")
}

func (q *request) actedOnAnswer(err error, told string) error {
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.answerPage()
	}
	return q.done(q.at("answers", q.PathValue("id")), told)
}
