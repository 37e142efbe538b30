package web

import (
	"cmp"
	"fmt"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/report"
)

// examFindingRoutes are the exceptions the auditor released, and management's
// responses to them.
var examFindingRoutes = []route{
	{pattern: "GET /examinations/{id}/findings", needs: "deviation.read", on: examFindingsReach, do: (*request).examFindings},
	{pattern: "GET /examinations/{id}/findings/{finding}", needs: "deviation.read", on: examFindingRead, do: (*request).examFinding},
	{pattern: "POST /examinations/{id}/findings/{finding}", needs: "deviation.answer", on: examFindingAnswer, do: (*request).examRespond},
	{pattern: "POST /examinations/{id}/findings/{finding}/final", needs: "response.final", on: examResponse, do: (*request).examFinishResponse},
}

// findingControl is the control of the exception in the path.
func (q *request) findingControl() (control string, err error) {
	err = q.inExam(func(_ *management.State, x *management.Side) error {
		f := x.Findings[q.PathValue("finding")]
		if f == nil {
			return fmt.Errorf("%w: exception %s", audit.ErrNotFound, q.PathValue("finding"))
		}
		control = f.Control
		return nil
	})
	return control, err
}

// examFindingsReach are the exceptions of controls that somebody in the company
// reaches, who reads requests too: a reader of the program has no part in it.
func examFindingsReach(q *request) (access.Object, error) {
	o, err := examReach(q)
	if err == nil {
		err = access.Require(q.who, "request.read", o)
	}
	return o, err
}

// examFindingRead is an exception, for whom examinations are open as a whole or
// who has its control. An examination is read by those who read its requests: a
// reader of the program has no part in it before its report.
func examFindingRead(q *request) (access.Object, error) { return q.findingObject("deviation.read") }

func examFindingAnswer(q *request) (access.Object, error) { return q.findingObject("deviation.answer") }

// examResponse is an exception with who wrote the response to it.
func examResponse(q *request) (access.Object, error) {
	o, err := q.findingObject("response.final")
	if err != nil {
		o.Prepared = []string{access.ByProgram}
		return o, err
	}
	err = q.inExam(func(_ *management.State, x *management.Side) error {
		if f := x.Findings[q.PathValue("finding")]; f != nil {
			o.Prepared = f.ToFinish(x.Terms.ID).Prepared
		}
		return nil
	})
	return o, err
}

func (q *request) findingObject(id access.PermissionID) (access.Object, error) {
	control, err := q.findingControl()
	if err != nil {
		all := examAll
		all.Prepared = []string{access.ByProgram}
		if q.may("request.read", examAll) && q.may(id, all) {
			return examAll, err
		}
		return examAll, fmt.Errorf("%w: this exception is of no control of yours", audit.ErrForbidden)
	}
	o := q.sight().OfExam(control)
	if !q.may("request.read", o) {
		return examAll, fmt.Errorf("%w: this exception is of no control of yours", audit.ErrForbidden)
	}
	return o, nil
}

// A findingRow is one released exception in a list.
type findingRow struct {
	link
	Control                link
	Nature, Rate           string
	Class, Word, By, Known string
}

// responseWord is where management's response stands: a mark, and the word.
func responseWord(f *management.Finding) (class, word string) {
	switch {
	case f.Withdrawn:
		return "none", "Withdrawn"
	case f.Response == nil:
		return "due", "No response"
	case f.Response.Final:
		return "ok", "Final"
	}
	return "open", "Draft"
}

func (q *request) findingRow(id string, f *management.Finding) findingRow {
	row := findingRow{link: link{f.ID, q.under("examinations", id, "findings/"+f.ID)}, Control: link{f.Control, q.at("controls", f.Control)}, Nature: f.Nature, Rate: "None sampled"}
	if f.Of > 0 {
		row.Rate = report.Number(len(f.Items)) + " of " + report.Number(f.Of)
	}
	row.Class, row.Word = responseWord(f)
	if f.By != "" {
		row.By = q.name(f.By)
	}
	return row
}

func (q *request) examFindings() error {
	id := q.PathValue("id")
	var rows []findingRow
	open, gone := 0, 0
	err := q.inExam(func(_ *management.State, x *management.Side) error {
		q.examFrame(x, "/findings")
		for _, f := range q.sight().Released(x) {
			row := q.findingRow(id, f)
			switch {
			case f.Withdrawn:
				gone++
			case f.Waits():
				open++
			}
			rows = append(rows, row)
		}
		return nil
	})
	if err != nil {
		return q.unknown(err, "request.read")
	}
	q.Title, q.Heading, q.Wide = "Exceptions of "+id, "Exceptions", true
	q.Say = sayExamFindings(len(rows)-gone, open, gone, q.may("request.read", examAll))
	return q.render("exam-findings.html", struct {
		*page
		ID   string
		Rows []findingRow
	}{&q.page, id, rows})
}

// sayExamFindings says how many exceptions are released and stand, how many wait,
// and how many were withdrawn; whole tells whether all are shown.
func sayExamFindings(n, open, gone int, whole bool) string {
	if gone > 0 {
		was := report.Plural(gone, "was", "were") + " withdrawn."
		if n == 0 {
			return "No exception stands; " + was
		}
		return strings.TrimSuffix(sayExamFindings(n, open, 0, whole), ".") + "; " + was
	}
	switch {
	case n == 0 && !whole:
		return "No exception is of a control of yours."
	case n == 0:
		return "The auditor has released no exception."
	case open == 0:
		return report.Capital(report.Plural(n, "exception is", "exceptions are")) + " released; management's response to " + map[bool]string{true: "it", false: "each"}[n == 1] + " is final."
	}
	return report.Capital(report.Plural(n, "exception is", "exceptions are")) + " released; " + report.Number(open) + " " + map[bool]string{true: "has", false: "have"}[open == 1] + " no final response of management."
}

type examFindingPage struct {
	*page
	ID       string
	F        engagement.Finding
	Row      findingRow
	Steps    []firmRequestStep
	May      bool
	Final    *engagement.Response
	Revision int64
	Known    []link
	Agrees   []choice
	R        engagement.Response // as typed, or as drafted
	Owner    string
	Owned    string               // who answers for it, of a final one
	Drafted  *engagement.Response // as a signer reads it before it is final
	Finish   bool                 // it can be made final by who looks at it
	Why      string               // why it cannot
}

func (q *request) examFinding() error {
	id := q.PathValue("id")
	data := examFindingPage{page: &q.page, ID: id}
	err := q.inExam(func(s *management.State, x *management.Side) error {
		f := x.Findings[q.PathValue("finding")]
		if f == nil {
			return fmt.Errorf("%w: exception %s", audit.ErrNotFound, q.PathValue("finding"))
		}
		q.examFrame(x, "/findings")
		data.F, data.Row, data.Steps, data.Revision = f.Finding, q.findingRow(id, f), q.stepRows(f.Steps), s.Revision("finding:"+id+"/"+f.ID)
		if f.Response != nil && f.Response.Final {
			r := *f.Response
			data.Final, data.Owned = &r, r.Owner
		} else if f.Response != nil {
			data.R = *f.Response
		}
		data.finish(q, x, f)
		data.May = data.Final == nil && !f.Withdrawn && !x.State.Over() && !x.Closed() && q.may("deviation.answer", q.sight().OfExam(f.Control))
		return nil
	})
	if err != nil {
		return err
	}
	for _, ref := range data.F.Known {
		data.Known = append(data.Known, link{Text: ref}) // the auditor's name of an item and its attribute
	}
	agrees := q.PostForm.Get("agrees")
	if agrees == "" && data.Row.Word == "Draft" {
		agrees = map[bool]string{true: "yes", false: "no"}[data.R.Agrees]
	}
	data.Agrees = []choice{{"yes", "Management agrees with the exception", agrees == "yes"}, {"no", "Management does not agree", agrees == "no"}}
	data.R.Cause, data.R.Effect, data.R.Done, data.R.Status, data.R.Owner = q.typed("cause", data.R.Cause), q.typed("effect", data.R.Effect), q.typed("done", data.R.Done), q.typed("status", data.R.Status), q.typed("owner", data.R.Owner)
	q.Title, q.Heading, q.Ref = data.F.ID+", "+data.F.Control, cmp.Or(data.F.Nature, "Exception of "+data.F.Control), data.F.ID
	q.Say = sayExamFinding(&data.F, data.Row.Word)
	q.Way = append(q.Way, link{"Exceptions", q.under("examinations", id, "findings")}, link{data.F.ID, ""})
	return q.render("exam-finding.html", data)
}

// finish shows a drafted response to who can make one final, or why not this one.
func (d *examFindingPage) finish(q *request, x *management.Side, f *management.Finding) {
	o := q.sight().OfExam(f.Control)
	o.Prepared = []string{access.ByProgram}
	if f.Response == nil || f.Response.Final || f.Withdrawn || x.State.Over() || x.Closed() || !q.may("response.final", o) {
		return
	}
	r := *f.Response
	d.Drafted, o.Prepared = &r, f.ToFinish(x.Terms.ID).Prepared
	d.Finish, d.Why = access.Allowed(q.who, "response.final", o)
	if d.Finish && (strings.TrimSpace(r.Cause) == "" || strings.TrimSpace(r.Done) == "") {
		d.Finish, d.Why = false, "a final response states the cause and what was done"
	}
	if d.Why != "" {
		d.Why = sentence(d.Why)
	}
}

// sayExamFinding says how often something was found, and where the response stands.
func sayExamFinding(f *engagement.Finding, word string) string {
	s := "The auditor found an exception in " + report.Number(len(f.Items)) + " of " + report.Plural(f.Of, "item", "items") + " tested of " + f.Control
	if f.Of == 0 {
		s = "The auditor found an exception in " + f.Control
	}
	switch word {
	case "Withdrawn":
		return "The auditor withdrew this exception: " + f.Why
	case "Final":
		return s + "; management's response is final."
	case "Draft":
		return s + "; management's response is a draft, of which the firm has nothing."
	}
	return s + "; management has not responded."
}

// examRespond keeps a response as a draft.
func (q *request) examRespond() error {
	id := q.PathValue("id")
	r := engagement.Response{Finding: q.PathValue("finding"), Cause: q.field("cause"), Effect: q.field("effect"), Done: q.field("done"), Status: q.field("status"), Owner: q.field("owner")}
	var err error
	switch agrees := q.field("agrees"); {
	case agrees != "yes" && agrees != "no":
		err = fmt.Errorf("%w: say whether management agrees with the exception", audit.ErrInvalid)
	case q.field("as") != "draft":
		err = fmt.Errorf("%w: a response is kept as a draft; a management signer makes it final", audit.ErrInvalid)
	default:
		r.Agrees = agrees == "yes"
		err = q.exam.Side.Respond(q.Context(), q.who, id, r, q.base(), q.sight().Systems...)
	}
	if err == nil {
		return q.done(q.under("examinations", id, "findings/"+r.Finding), "The response to "+r.Finding+" is kept as a draft. The firm gets nothing of it until a management signer makes it final.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.examFinding()
}

// examFinishResponse makes a drafted response final, as it was read.
func (q *request) examFinishResponse() error {
	id, finding := q.PathValue("id"), q.PathValue("finding")
	err := q.exam.FinishResponse(q.Context(), q.who, id, finding, q.base(), q.sight().Systems...)
	if err == nil {
		return q.toFirm(id, q.under("examinations", id, "findings/"+finding), "The response to "+finding+" is final and goes to the firm.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.examFinding()
}
