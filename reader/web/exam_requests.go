package web

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/engagement/requestfile"
	"tieout/period"
	"tieout/report"
)

// examRequestRoutes are what the auditor asks for, and management's answers.
var examRequestRoutes = []route{
	{pattern: "GET /examinations/{id}/requests", needs: "request.read", on: examReach, do: (*request).examRequests},
	{pattern: "GET /examinations/{id}/request-list/{name}", needs: "request.read", on: examReach, do: (*request).examRequestFile},
	{pattern: "GET /examinations/{id}/requests/{rq}", needs: "request.read", on: examRequestRead, do: (*request).examRequest},
	{pattern: "POST /examinations/{id}/requests/{rq}/answer", needs: "request.answer", on: examRequestAnswer, do: (*request).examAnswer},
	{pattern: "POST /examinations/{id}/requests/{rq}/owner", needs: "task.manage", on: examWhole, do: (*request).examGive},
}

// requestOwner is who the request in the path was given to.
func (q *request) requestOwner() (owner string, err error) {
	err = q.inExam(func(_ *management.State, x *management.Side) error {
		r := x.Requests[q.PathValue("rq")]
		if r == nil {
			return fmt.Errorf("%w: request %s", audit.ErrNotFound, q.PathValue("rq"))
		}
		owner = r.Owner
		return nil
	})
	return owner, err
}

// examRequestRead is a request, for whom examinations are open as a whole or it
// was given to. Whoever else asks learns nothing of which there are.
func examRequestRead(q *request) (access.Object, error) {
	if q.may("request.read", examAll) {
		return examAll, nil
	}
	if owner, err := q.requestOwner(); err == nil && owner == q.me.ID {
		return examReach(q)
	}
	return access.Object{}, fmt.Errorf("%w: this request was not given to you", audit.ErrForbidden)
}

// examRequestAnswer is a request, for who may answer it.
func examRequestAnswer(q *request) (access.Object, error) {
	owner, err := q.requestOwner()
	if err != nil {
		return access.Object{}, q.unknown(err, "request.answer")
	}
	if err := management.MayAnswer(q.who, q.PathValue("id"), owner); err != nil {
		return access.Object{}, err
	}
	for _, o := range q.addables() {
		if q.may("request.answer", o) {
			return o, nil
		}
	}
	return access.Object{}, nil
}

// An examRequestRow is one request in a list.
type examRequestRow struct {
	link
	Title, Kind, Status, Class, Side, Owner, Due string
	Age, Ours, Theirs                            string
	Late, Mine, Drafted                          bool
	held                                         time.Duration // how long who has it has had it
}

// requestSide is who a request waits on; "": nobody, it is closed.
func requestSide(s engagement.RequestStatus) string {
	switch s {
	case engagement.RequestAccepted, engagement.RequestWithdrawn:
		return ""
	case engagement.RequestSubmitted:
		return onFirm
	}
	return onManagement
}

func (q *request) examRequestRow(id string, r *management.Request, zone string) examRequestRow {
	ours, theirs := r.Held(q.now())
	row := examRequestRow{link: link{r.ID, examRequestAt(q, id, r.ID)}, Title: r.Title, Kind: r.Kind, Status: string(r.Status), Class: requestClass[r.Status], Side: cmp.Or(requestSide(r.Status), "nobody"),
		Ours: firmDays(ours), Theirs: firmDays(theirs), Mine: r.Owner != "" && r.Owner == q.me.ID, Drafted: r.Draft != nil}
	if n := len(r.Steps); n > 0 && row.Side != "nobody" {
		row.held = q.now().Sub(r.Steps[n-1].At)
		row.Age = firmDays(row.held)
	}
	if r.Owner != "" {
		row.Owner = q.name(r.Owner)
	}
	if r.Due != "" {
		row.Due = firmDay(r.Due, zone)
		row.Late = row.Side == onManagement && firmPast(r.Due, zone, q.now())
	}
	return row
}

func examRequestAt(q *request, id, rq string) string {
	return q.under("examinations", id, "requests/"+rq)
}

type examRequestsPage struct {
	*page
	ID                 string
	Rows               []examRequestRow
	Filters, Sides     []stateFilter
	Pager              pager
	Text, Status, Side string
	Any                bool
}

func (q *request) examRequests() error {
	id, v := q.PathValue("id"), q.URL.Query()
	data := examRequestsPage{page: &q.page, ID: id, Text: strings.TrimSpace(v.Get("q")), Status: v.Get("status"), Side: v.Get("side")}
	statuses, sides := map[string]int{}, map[string]int{}
	var rows []examRequestRow
	late, all := 0, 0
	err := q.inExam(func(_ *management.State, x *management.Side) error {
		q.examFrame(x, "/requests")
		for _, r := range q.sight().Asked(x) {
			row := q.examRequestRow(id, r, x.Terms.Zone)
			side := strings.TrimPrefix(row.Side, "the ")
			statuses[row.Status]++
			sides[side]++
			all++
			if row.Late {
				late++
			}
			if (data.Status == "" || data.Status == row.Status) && (data.Side == "" || data.Side == side) && matches(data.Text, row.Text, row.Title, row.Owner) {
				rows = append(rows, row)
			}
		}
		return nil
	})
	if err != nil {
		return q.unknown(err, "request.read")
	}
	sortBySideAndAge(rows)
	from := q.from(len(rows))
	data.Rows, data.Pager, data.Any = rows[from:min(len(rows), from+pageLength)], q.pager("/examinations/"+id+"/requests", from, len(rows), "q", data.Text, "status", data.Status, "side", data.Side), all > 0
	data.Filters = []stateFilter{{"", "All", "", q.to("/examinations/"+id+"/requests", "side", data.Side), data.Status == ""}}
	for _, s := range requestStatuses {
		if n := statuses[string(s)]; n > 0 || data.Status == string(s) {
			data.Filters = append(data.Filters, stateFilter{requestClass[s], string(s), report.Number(n), q.under("examinations", id, "requests", "status", string(s), "side", data.Side), data.Status == string(s)})
		}
	}
	data.Sides = []stateFilter{{"", "Whoever has it", "", q.under("examinations", id, "requests", "status", data.Status), data.Side == ""}}
	for _, h := range []string{"management", "firm", "nobody"} {
		if n := sides[h]; n > 0 || data.Side == h {
			data.Sides = append(data.Sides, stateFilter{"", map[string]string{"management": "With management", "firm": "With the firm", "nobody": "Closed"}[h], report.Number(n), q.under("examinations", id, "requests", "status", data.Status, "side", h), data.Side == h})
		}
	}
	q.Title, q.Heading, q.Wide = "Requests of "+id, "Requests", true
	q.Say = sayExamRequests(all, sides["management"], sides["firm"], late, q.may("request.read", examAll))
	return q.render("exam-requests.html", data)
}

// sortBySideAndAge puts what waits on management first, and of each side what has
// waited longest.
func sortBySideAndAge(rows []examRequestRow) {
	order := []string{onManagement, onFirm, "nobody"}
	slices.SortStableFunc(rows, func(a, b examRequestRow) int {
		return cmp.Or(slices.Index(order, a.Side)-slices.Index(order, b.Side), cmp.Compare(b.held, a.held))
	})
}

// sayExamRequests says how many requests there are, and who has them; whole tells
// whether all are shown.
func sayExamRequests(all, ours, theirs, late int, whole bool) string {
	switch {
	case all == 0 && whole:
		return "The auditor has not asked for anything yet."
	case all == 0:
		return "No request of the auditor is given to you."
	case ours+theirs == 0:
		return "Of " + report.Plural(all, "request", "requests") + ", none is open."
	}
	s := "Of " + report.Plural(all, "request", "requests") + ", " + report.Number(ours) + " " + isAre(ours) + " with management and " + report.Number(theirs) + " with the firm"
	if late > 0 {
		s += "; " + report.Number(late) + " " + isAre(late) + " past the day asked for"
	}
	return s + "."
}

// An examAnswerRow is an answer that was given.
type examAnswerRow struct {
	Status, Text string
	Records      []link
	Files        []string
}

type examRequestPage struct {
	*page
	ID                               string
	R                                engagement.Request
	Row                              examRequestRow
	Why                              string
	Steps                            []firmRequestStep
	Answers                          []examAnswerRow
	May, Give, Closed                bool
	Revision                         int64
	Text, Records, Heads, From, Till string // as typed, or as drafted
	Drafted                          bool
	Owner                            string
	People                           []string
	Upload                           bool
	Bound                            []string // of what is brought: that it was given under terms
}

func (q *request) examRequest() error { return q.showExamRequest() }

func (q *request) showExamRequest() error {
	id, rq := q.PathValue("id"), q.PathValue("rq")
	data := examRequestPage{page: &q.page, ID: id, Give: q.may("task.manage", examAll), People: q.addresses(), Heads: q.PostForm.Get("title"), From: q.PostForm.Get("from"), Till: q.PostForm.Get("till")}
	err := q.inExam(func(s *management.State, x *management.Side) error {
		r := x.Requests[rq]
		if r == nil {
			return fmt.Errorf("%w: request %s", audit.ErrNotFound, rq)
		}
		q.examFrame(x, "/requests")
		data.R, data.Row, data.Why, data.Revision = r.Request, q.examRequestRow(id, r, x.Terms.Zone), r.Why, s.Revision("request:"+id+"/"+rq)
		data.Steps, data.Closed = q.stepRows(r.Steps), requestSide(r.Status) == "" || x.State.Over()
		for _, a := range r.Answers {
			data.Answers = append(data.Answers, examAnswerRow{string(a.Status), a.Text, q.recordLinks(a.Records, ""), a.Files})
		}
		data.May = !data.Closed && management.MayAnswer(q.who, id, r.Owner) == nil
		text, records := "", []int64(nil)
		if data.Drafted = r.Draft != nil; data.Drafted {
			text, records = r.Draft.Text, r.Draft.Records
		}
		data.Text, data.Records, data.Owner = q.typed("text", text), q.typed("records", refsOf(records)), q.typed("person", q.addressOf(r.Owner))
		return nil
	})
	if err != nil {
		return err
	}
	if data.Bound, err = q.boundBy(data); err != nil {
		return err
	}
	data.Upload = data.May && slices.ContainsFunc(q.addables(), func(o access.Object) bool { return q.may("evidence.add", o) })
	q.Title, q.Heading, q.Ref = rq+", "+data.R.Title, data.R.Title, rq
	q.Say = sayExamRequest(data.Row)
	q.Way = append(q.Way, link{"Requests", q.under("examinations", id, "requests")}, link{rq, ""})
	return q.render("exam-request.html", data)
}

// boundBy says of the evidence of a request's answers and of its draft which a
// supplier gave under terms, to who may read the register of suppliers.
func (q *request) boundBy(data examRequestPage) (out []string, err error) {
	if !q.reaches("register.read") {
		return nil, nil
	}
	refs := strings.Fields(strings.ReplaceAll(data.Records, ",", " "))
	for _, a := range data.Answers {
		for _, l := range a.Records {
			refs = append(refs, l.Text)
		}
	}
	list, err := q.book.GivenUnderTerms(q.Context(), refs)
	for _, r := range list {
		out = append(out, r.Notice())
	}
	return out, err
}

// refsOf are records as a field holds them: "E-4 E-9".
func refsOf(records []int64) string {
	out := make([]string, len(records))
	for i, n := range records {
		out[i] = audit.EvidenceRef(n)
	}
	return strings.Join(out, " ")
}

// sayExamRequest says where a request stands and how long each side has had it.
func sayExamRequest(r examRequestRow) string {
	s := "The request is " + strings.ToLower(r.Status)
	if r.Side == "nobody" {
		return s + "; management had it " + r.Ours + ", the firm " + r.Theirs + "."
	}
	s += " and with " + r.Side + ": management has had it " + r.Ours + " in all, the firm " + r.Theirs
	if r.Late {
		s += ". It was asked for by " + r.Due
	}
	return s + "."
}

// examAnswer keeps an answer as a draft, says that it is in progress, or submits it.
func (q *request) examAnswer() error {
	id, rq := q.PathValue("id"), q.PathValue("rq")
	file, err := q.upload("file")
	if err != nil {
		return err
	}
	a := engagement.Answer{Request: rq, Text: q.field("text")}
	a.Records, err = q.chosenRecords()
	if err == nil && len(file.Data) > 0 {
		var rec audit.Record
		if rec, err = q.sealAnswer(file, rq); err == nil {
			a.Records = append(a.Records, rec.Index)
			q.PostForm.Set("records", refsOf(a.Records)) // it is sealed, whatever comes of the answer
		}
	}
	words := ""
	if err == nil {
		words, err = q.keepAnswer(id, a)
	}
	if err == nil {
		return q.toFirmUnlessDraft(id, examRequestAt(q, id, rq), words, q.field("as") == "draft")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.showExamRequest()
}

// keepAnswer writes an answer as the pressed button says.
func (q *request) keepAnswer(id string, a engagement.Answer) (words string, err error) {
	switch q.field("as") {
	case "draft":
		return "The answer to " + a.Request + " is kept as a draft. The firm gets nothing of it.", q.exam.Side.DraftAnswer(q.Context(), q.who, id, a, q.base())
	case "progress":
		a.Status = engagement.RequestInProgress
		return "The firm is told that " + a.Request + " is in progress.", q.exam.Side.Answer(q.Context(), q.who, id, a, q.base())
	case "submit":
		a.Status = engagement.RequestSubmitted
		return a.Request + " is submitted to the firm.", q.exam.Side.Answer(q.Context(), q.who, id, a, q.base())
	}
	return "", fmt.Errorf("%w: choose whether the answer is a draft, in progress or submitted", audit.ErrInvalid)
}

func (q *request) toFirmUnlessDraft(id, to, words string, draft bool) error {
	if draft {
		return q.done(to, words)
	}
	return q.toFirm(id, to, words)
}

// chosenRecords are the records a form names, each of which who is signed in may
// open: nobody gives the auditor what they cannot read themselves.
func (q *request) chosenRecords() (out []int64, err error) {
	for _, ref := range q.words("records") {
		i, err := period.ParseEvidenceRef(ref)
		if err != nil {
			return nil, fmt.Errorf("%w: evidence: %q is no record such as E-42", audit.ErrInvalid, ref)
		}
		if !slices.Contains(out, i) {
			out = append(out, i)
		}
	}
	return out, q.sight().MayBring(q.Context(), out)
}

// sealAnswer seals a file that was sent with an answer.
func (q *request) sealAnswer(file upload, rq string) (audit.Record, error) {
	d := period.Document{Title: cmp.Or(q.field("title"), "Answer to "+rq)}
	var err error
	if d.About, err = q.days(q.field("from"), q.field("till")); err != nil {
		return audit.Record{}, err
	}
	return q.sealUpload(file, d)
}

// examGive says who answers a request.
func (q *request) examGive() error {
	id, rq := q.PathValue("id"), q.PathValue("rq")
	owner, err := q.activeAccount(q.field("person"))
	if err == nil {
		err = q.exam.Side.AssignRequest(q.Context(), q.who, id, rq, owner, q.base())
	}
	if err == nil {
		words := rq + " is given to nobody."
		if owner != "" {
			words = rq + " is given to " + q.name(owner) + ", who finds it under My work."
		}
		return q.done(examRequestAt(q, id, rq), words)
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.showExamRequest()
}

// examRequestFile gives the list of requests as a file.
func (q *request) examRequestFile() error {
	id, name := q.PathValue("id"), q.PathValue("name")
	kind := requestFiles[path.Ext(name)]
	if kind == "" || strings.TrimSuffix(name, path.Ext(name)) != "requests" {
		return fmt.Errorf("%w: the list is requests.csv or requests.xlsx", audit.ErrNotFound)
	}
	var rows []requestfile.Row
	err := q.inExam(func(_ *management.State, x *management.Side) error {
		for _, r := range q.sight().Asked(x) {
			rows = append(rows, requestfile.Row{Request: r.Request, Status: r.Status, Why: r.Why})
		}
		return nil
	})
	if err != nil {
		return q.unknown(err, "request.read")
	}
	var b bytes.Buffer
	write := requestfile.WriteCSV
	if path.Ext(name) == ".xlsx" {
		write = requestfile.WriteXLSX
	}
	if err := write(&b, rows); err != nil {
		return err
	}
	q.asFile(id+"-"+name, kind)
	q.w.WriteHeader(http.StatusOK)
	_, _ = q.w.Write(b.Bytes()) // who asked is gone
	return nil
}

// requestTodos are the requests of auditors that were given to who is signed in
// and wait for them.
func (q *request) requestTodos() (out []reviewTodo, err error) {
	err = q.exam.Side.Read(q.Context(), func(s *management.State) error {
		for _, x := range book.Sorted(s.Sides) {
			if x.State.Over() {
				continue
			}
			for _, r := range book.Sorted(x.Requests) {
				if r.Owner != q.me.ID || requestSide(r.Status) != onManagement || management.MayAnswer(q.who, x.Terms.ID, r.Owner) != nil {
					continue
				}
				todo := reviewTodo{link: link{r.ID + " of " + x.Terms.Firm.Name + ": " + r.Title, examRequestAt(q, x.Terms.ID, r.ID)}}
				if r.Due != "" {
					todo.Due = firmDay(r.Due, x.Terms.Zone)
				}
				if r.Status == engagement.RequestReturned {
					todo.Text += ", returned"
				}
				out = append(out, todo)
			}
		}
		return nil
	})
	return out, err
}

// sayAsked adds to what there is to do the requests of auditors that wait.
func sayAsked(work string, any bool, n int) string {
	if n == 0 {
		return work
	}
	s := report.Capital(report.Plural(n, "request of the auditor waits", "requests of the auditor wait")) + " for you."
	if !any {
		return s
	}
	return work + " " + s
}
