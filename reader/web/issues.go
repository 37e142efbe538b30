package web

import (
	"html/template"
	"slices"
	"strings"

	"tieout/access"
	"tieout/policy"
	"tieout/program"
	"tieout/reader/answer"
	"tieout/report"
)

// issueRoutes are the register of what has to be mended: the compliance lead opens
// issues and names who mends them, their owners say what they did and what shows
// it, and a second person closes them.
var issueRoutes = []route{
	{pattern: "GET /issues", needs: "issue.read", on: anything, do: (*request).issues},
	{pattern: "GET /issues/new", needs: "issue.write", do: (*request).issueForm},
	{pattern: "POST /issues/new", needs: "issue.write", do: (*request).writeIssue},
	{pattern: "GET /issues/{id}", needs: "issue.read", on: theIssue("issue.read"), do: (*request).issue},
	{pattern: "GET /issues/{id}/edit", needs: "issue.write", do: (*request).issueForm},
	{pattern: "POST /issues/{id}/edit", needs: "issue.write", do: (*request).writeIssue},
	{pattern: "POST /issues/{id}/move", needs: "issue.write", do: (*request).moveIssue},
	{pattern: "POST /issues/{id}/mend", needs: "issue.mend", on: theIssue("issue.mend"), do: (*request).mendIssue},
	{pattern: "POST /issues/{id}/close", needs: "issue.close", on: theIssue("issue.close"), do: (*request).closeIssue},
	{pattern: "POST /issues/{id}/back", needs: "issue.close", on: theIssue("issue.close"), do: (*request).sendIssueBack},
}

// theIssue is one issue with who mended it, for a permission asked on it.
func theIssue(id access.PermissionID) objectOf {
	return func(q *request) (access.Object, error) {
		i, err := q.book.Issue(q.Context(), q.PathValue("id"))
		if err != nil {
			return access.Object{}, q.unknown(err, id)
		}
		return q.sight().OfIssue(&i), nil
	}
}

// issuesSeen are the issues that who is signed in may read.
func (q *request) issuesSeen() ([]program.Issue, error) {
	all, err := q.book.AllIssues(q.Context())
	return slices.DeleteFunc(all, func(i program.Issue) bool { return !q.may("issue.read", q.sight().OfIssue(&i)) }), err
}

// An issueRow is a row of the list.
type issueRow struct {
	I                          program.Issue
	Href, Owner, Due, Standing string
	Controls                   []link
	Late                       bool
	Class                      string
}

var issueClasses = map[string]string{"open": "due", "mended": "late", "closed": "ok"}

func (q *request) issueRow(i program.Issue) issueRow {
	row := issueRow{I: i, Href: q.at("issues", i.ID), Owner: "Nobody", Due: q.dayOr(i.Due, "No date"), Standing: report.Capital(i.Status), Controls: q.controlLinks(i.Controls),
		Late: i.Overdue(q.now()), Class: issueClasses[i.Status]}
	if i.Owner != "" {
		row.Owner = q.name(i.Owner)
	}
	if i.Status == "mended" {
		row.Standing = "To be closed"
	}
	return row
}

func (q *request) issues() error {
	all, err := q.issuesSeen()
	if err != nil {
		return err
	}
	v := q.URL.Query()
	status, severity, words := v.Get("status"), v.Get("severity"), strings.TrimSpace(v.Get("q"))
	is := func(i program.Issue, status, severity string) bool {
		return (status == "" || i.Status == status || status == "not-closed" && i.Status != "closed" || status == "overdue" && i.Overdue(q.now()) || status == "mine" && i.Owner == q.who.Account) &&
			(severity == "" || i.Severity == severity) && matches(words, i.ID, i.Title, q.name(i.Owner), strings.Join(i.Controls, " "), strings.Join(i.Criteria, " "))
	}
	list := slices.DeleteFunc(slices.Clone(all), func(i program.Issue) bool { return !is(i, status, severity) })
	if v.Get("format") == "csv" {
		return q.issuesCSV(list)
	}
	from := q.from(len(list))
	data := struct {
		*page
		Filters, Severities []stateFilter
		Rows                []issueRow
		Pager               pager
		Write, Untested     bool
		CSV, Text, Clear    string
	}{page: &q.page, Write: q.may("issue.write", access.Object{}), Untested: len(all) > 0 && !q.issuesTested(), Text: words,
		CSV:   q.to("/issues", "status", status, "severity", severity, "q", words, "format", "csv"),
		Pager: q.pager("/issues", from, len(list), "status", status, "severity", severity, "q", words)}
	for _, i := range list[from:min(len(list), from+pageLength)] {
		data.Rows = append(data.Rows, q.issueRow(i))
	}
	if status+severity+words != "" {
		data.Clear = q.to("/issues")
	}
	filter := func(word, status, severity string, here bool) stateFilter {
		n := 0
		for _, i := range all {
			if is(i, status, severity) {
				n++
			}
		}
		return stateFilter{"", word, report.Number(n), q.to("/issues", "status", status, "severity", severity, "q", words), here}
	}
	for _, s := range [][2]string{{"All", ""}, {"Not closed", "not-closed"}, {"Open", "open"}, {"To be closed", "mended"}, {"Past its date", "overdue"}, {"Mine", "mine"}, {"Closed", "closed"}} {
		data.Filters = append(data.Filters, filter(s[0], s[1], severity, status == s[1]))
	}
	data.Severities = []stateFilter{filter("Any severity", status, "", severity == "")}
	for _, s := range program.IssueSeverities {
		data.Severities = append(data.Severities, filter(report.Capital(s), status, s, severity == s))
	}
	q.Title, q.Heading, q.Wide = "Issues", "Issues", true
	q.Say, q.Code = answer.Issues(all, q.now()), []string{"tieout issue list"}
	return q.render("issues.html", data)
}

// issuesTested reports whether issues are items of this period: its definitions
// name them among what the registers give.
func (q *request) issuesTested() bool {
	for _, s := range q.st.p.Def.Sources {
		if d, err := q.st.p.Drivers.Find(s.Kind); err == nil && s.Kind == "program" && slices.Contains(s.Types(d.Types), "ticket") {
			return true
		}
	}
	return false
}

func (q *request) issuesCSV(list []program.Issue) error {
	rows := make([][]string, len(list))
	for n, i := range list {
		var from []string
		for _, l := range i.Links {
			from = append(from, l.Kind+" "+l.Ref)
		}
		rows[n] = []string{i.ID, i.Title, i.Severity, q.name(i.Owner), timeCell(i.Due), timeCell(i.Missed), i.Remedy, i.Status, timeCell(i.Opened), timeCell(i.MendedAt), strings.Join(i.Evidence, " "),
			timeCell(i.Closed), q.name(i.ClosedBy), strings.Join(from, "; "), strings.Join(i.Criteria, " "), strings.Join(i.Controls, " ")}
	}
	return q.asCSV("issues", []string{"issue", "title", "severity", "owner", "due", "missed", "remedy", "status", "opened", "mended", "evidence", "closed", "closed by", "from", "criteria", "controls"}, rows)
}

// linkOf leads to what an issue came from, where there is a screen of it.
func (q *request) linkOf(l program.IssueLink) link {
	out := link{Text: l.Ref}
	switch l.Kind {
	case program.FromDeviation:
		out.Href = q.at("deviations", l.Ref)
	case program.FromIncident:
		out.Href = q.at("incidents", l.Ref)
	case program.FromException:
		if exam, finding, ok := strings.Cut(l.Ref, "/"); ok {
			out.Href = q.under("examinations", exam, "findings/"+finding)
		}
	case program.FromVendorReport:
		if r, err := q.book.VendorReport(q.Context(), l.Ref); err == nil {
			out.Href = q.under("vendors", r.Vendor, "reports/"+l.Ref)
		}
	case program.FromGap:
		out.Href = q.to("/readiness")
	}
	if !q.opens(out.Href) {
		out.Href = ""
	}
	return out
}

type issueFrom struct {
	Kind string
	link
}

func (q *request) issue() error {
	i, err := q.book.Issue(q.Context(), q.PathValue("id"))
	if err != nil {
		return err
	}
	lines, err := q.said("issue:" + i.ID)
	if err != nil {
		return err
	}
	o := q.sight().OfIssue(&i)
	data := struct {
		*page
		I                          program.Issue
		Row                        issueRow
		Detail, Plan, Mended, Last template.HTML
		From                       []issueFrom
		Evidence                   []link
		Opened, Missed, When, By   string
		Lines                      []historyRow
		Write, Mend, Close, Reopen bool
		WhyNot                     string
		T                          func(string) string
	}{page: &q.page, I: i, Row: q.issueRow(i), Detail: policy.HTML(i.Detail), Plan: policy.HTML(i.Plan), Mended: policy.HTML(i.Mended), Last: policy.HTML(i.Closing),
		Opened: report.Day(i.Opened, q.zone()) + " by " + q.name(i.OpenedBy), Missed: q.dayOr(i.Missed, ""), When: q.momentOr(i.MendedAt, ""), By: q.name(i.MendedBy), Lines: lines,
		Write: i.Status != "closed" && q.may("issue.write", access.Object{}), Mend: i.Status != "closed" && q.may("issue.mend", o), T: func(f string) string { return q.typed(f, "") }}
	for _, l := range i.Links {
		data.From = append(data.From, issueFrom{report.Capital(l.Kind), q.linkOf(l)})
	}
	for _, ref := range i.Evidence {
		l := link{ref, q.at("evidence", ref)}
		if !q.opens(l.Href) {
			l.Href = ""
		}
		data.Evidence = append(data.Evidence, l)
	}
	if i.Status == "mended" {
		var why string
		if data.Close, why = access.Allowed(q.who, "issue.close", o); !data.Close {
			if o.Prepared = nil; q.may("issue.close", o) {
				data.WhyNot = sentence(why)
			}
		}
	}
	data.Reopen = i.Status == "closed" && q.may("issue.close", o)
	q.Title, q.Heading, q.Ref = i.ID+" "+i.Title, i.Title, i.ID
	q.Say = answer.Issue(&i, q.name(i.Owner), q.name(i.ClosedBy), q.now(), q.zone())
	q.Way, q.Code = []link{{"Issues", q.to("/issues")}, {i.ID, ""}}, []string{"tieout issue show " + i.ID}
	return q.render("issue.html", data)
}

// actedOnIssue ends a form on an issue: on to the issue, or the form again.
func (q *request) actedOnIssue(err error, told string) error {
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.issue()
	}
	return q.done(q.at("issues", q.PathValue("id")), told)
}

func (q *request) moveIssue() error {
	due, err := q.day("due", "until when", true)
	if err == nil {
		_, err = q.book.MoveIssue(q.Context(), q.who, q.PathValue("id"), q.base(), due, q.field("why"))
	}
	return q.actedOnIssue(err, "The date is moved, and the reason sealed.")
}

func (q *request) mendIssue() error {
	_, err := q.book.MendIssue(q.Context(), q.who, q.PathValue("id"), q.base(), q.field("words"), q.words("evidence"))
	return q.actedOnIssue(err, "Sealed. A second person looks at it and closes it.")
}

func (q *request) closeIssue() error {
	_, err := q.book.CloseIssue(q.Context(), q.who, q.PathValue("id"), q.base(), q.field("looked"))
	return q.actedOnIssue(err, "Closed, and sealed.")
}

func (q *request) sendIssueBack() error {
	_, err := q.book.SendIssueBack(q.Context(), q.who, q.PathValue("id"), q.base(), q.field("back"))
	return q.actedOnIssue(err, "It is open again, and its owner finds it in their work.")
}

// A relatedIssues is what stands about issues on the screen of what they came from.
type relatedIssues struct {
	Rows []issueRow
	New  string // where one is opened; "" for who may not
}

// issuesFrom are the issues that came from one thing.
func (q *request) issuesFrom(kind, ref string) (out relatedIssues, err error) {
	if q.reaches("issue.read") {
		all, err := q.issuesSeen()
		if err != nil {
			return out, err
		}
		for _, i := range all {
			if i.From(kind, ref) {
				out.Rows = append(out.Rows, q.issueRow(i))
			}
		}
	}
	if q.may("issue.write", access.Object{}) {
		out.New = q.to("/issues/new", linkFields[kind], ref)
	}
	return out, nil
}

// issueTodos are the issues that wait for who is signed in: to mend, and to close.
func (q *request) issueTodos() (out []reviewTodo, err error) {
	if !q.reaches("issue.read") {
		return nil, nil
	}
	all, err := q.issuesSeen()
	if err != nil {
		return nil, err
	}
	who := q.who
	if who.Eyes, err = q.book.Eyes(q.Context()); err != nil {
		return nil, err
	}
	for _, i := range all {
		todo := reviewTodo{link{i.ID + ": " + i.Title, q.at("issues", i.ID)}, q.dayOr(i.Due, "")}
		closes, _ := access.Allowed(who, "issue.close", q.sight().OfIssue(&i))
		switch {
		case i.Status == "open" && i.Owner == q.who.Account:
			out = append(out, todo)
		case i.Status == "mended" && closes:
			todo.Text = "Look at it and close it: " + todo.Text
			out = append(out, todo)
		}
	}
	return out, nil
}

// sayIssues adds to the sentence of My work how many issues wait.
func sayIssues(work string, any bool, n int) string {
	if n == 0 {
		return work
	}
	s := report.Capital(report.Plural(n, "issue waits", "issues wait")) + " for you."
	if !any {
		return s
	}
	return work + " " + s
}
