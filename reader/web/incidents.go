package web

import (
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	"tieout/policy"
	"tieout/program"
	"tieout/reader/answer"
	"tieout/report"
)

// incidentRoutes are the register of incidents: everybody reports, the
// compliance lead runs them, management decides what the description tells.
var incidentRoutes = []route{
	{pattern: "GET /incidents", needs: "incident.read", on: anything, do: (*request).incidents},
	{pattern: "GET /incidents/new", needs: "incident.report", on: toReport, do: (*request).reportPage},
	{pattern: "POST /incidents/new", needs: "incident.report", on: toReport, do: (*request).reportIncident},
	{pattern: "GET /incidents/{id}", needs: "incident.read", on: theIncident("incident.read"), do: (*request).incident},
	{pattern: "GET /incidents/{id}/write/{act}", needs: "incident.write", on: theIncident("incident.write"), do: (*request).actPage},
	{pattern: "POST /incidents/{id}/write/{act}", needs: "incident.write", on: theIncident("incident.write"), do: (*request).act},
	{pattern: "GET /incidents/{id}/disclose", needs: "incident.disclose", on: theIncident("incident.disclose"), do: (*request).actPage},
	{pattern: "POST /incidents/{id}/disclose", needs: "incident.disclose", on: theIncident("incident.disclose"), do: (*request).act},
}

func toReport(q *request) (access.Object, error) { return program.Reportable(q.who), nil }

// theIncident is one incident, for a permission that is asked for on it.
func theIncident(id access.PermissionID) objectOf {
	return func(q *request) (access.Object, error) {
		i, err := q.book.Incident(q.Context(), q.PathValue("id"))
		if err != nil {
			return access.Object{}, q.unknown(err, id)
		}
		return q.ofIncident(i), nil
	}
}

// ofIncident is an incident for the table of rights.
func (q *request) ofIncident(i program.Incident) access.Object { return q.sight().OfIncident(i) }

// An incidentRow is a row of the list.
type incidentRow struct {
	I              program.Incident
	Href           string
	Detected, Lead string
	Next           string // the next deadline, or what was missed
	Missed         bool
}

func (q *request) incidents() error {
	all, err := q.book.AllIncidents(q.Context())
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(i program.Incident) bool { return !q.may("incident.read", q.ofIncident(i)) })
	own := !q.may("incident.read", access.Object{Systems: q.st.systems, Engagements: []string{q.st.p.Name}}) &&
		!slices.ContainsFunc(all, func(i program.Incident) bool { return i.ReportedBy != q.who.Account })
	v := q.URL.Query()
	status, severity, text := v.Get("status"), v.Get("severity"), strings.TrimSpace(v.Get("q"))
	var list []program.Incident
	for _, i := range all {
		if (status == "" || i.Status == status || status == "not-closed" && i.Status != "closed") && (severity == "" || i.Severity == severity || severity == "none" && i.Severity == "") &&
			matches(text, i.ID, i.Title, q.name(i.Lead)) {
			list = append(list, i)
		}
	}
	if v.Get("format") == "csv" {
		return q.incidentsCSV(list)
	}
	from := q.from(len(list))
	data := struct {
		*page
		Filters, Severities []stateFilter
		Rows                []incidentRow
		Pager               pager
		Report              bool
		CSV, Text, Clear    string
	}{page: &q.page, Report: q.may("incident.report", program.Reportable(q.who)), Text: text,
		CSV:   q.to("/incidents", "status", status, "severity", severity, "q", text, "format", "csv"),
		Pager: q.pager("/incidents", from, len(list), "status", status, "severity", severity, "q", text)}
	for _, i := range list[from:min(len(list), from+pageLength)] {
		data.Rows = append(data.Rows, q.incidentRow(i))
	}
	if status+severity+text != "" {
		data.Clear = q.to("/incidents")
	}
	data.Filters, data.Severities = q.incidentFilters(all, status, severity, text)
	q.Title, q.Heading, q.Wide = "Incidents", "Incidents", true
	q.Say = answer.Incidents(all, own, q.now(), q.zone())
	q.Code = []string{"tieout incident list"}
	return q.render("incidents.html", data)
}

func (q *request) incidentRow(i program.Incident) incidentRow {
	row := incidentRow{I: i, Href: q.at("incidents", i.ID), Detected: report.Moment(i.Detected, q.zone()), Lead: "Nobody"}
	if i.Lead != "" {
		row.Lead = q.name(i.Lead)
	}
	next, missed := answer.Deadlines(&i, q.now())
	_, known := i.NotificationRequired()
	switch row.Missed = missed > 0; {
	case missed > 0:
		row.Next = report.Plural(missed, "deadline", "deadlines") + " missed"
	case !next.IsZero():
		row.Next = "Tell by " + report.Moment(next, q.zone())
	case !known:
		row.Next = "Not decided"
	default:
		row.Next = "Nothing waits"
	}
	return row
}

func (q *request) incidentFilters(all []program.Incident, status, severity, text string) (out, sev []stateFilter) {
	count := func(f func(program.Incident) bool) string {
		n := 0
		for _, i := range all {
			if f(i) {
				n++
			}
		}
		return report.Number(n)
	}
	out = append(out, stateFilter{"", "All", report.Number(len(all)), q.to("/incidents", "severity", severity, "q", text), status == ""},
		stateFilter{"", "Not closed", count(func(i program.Incident) bool { return i.Status != "closed" }), q.to("/incidents", "status", "not-closed", "severity", severity, "q", text), status == "not-closed"})
	for _, s := range program.IncidentStatuses {
		out = append(out, stateFilter{"", report.Capital(s), count(func(i program.Incident) bool { return i.Status == s }), q.to("/incidents", "status", s, "severity", severity, "q", text), status == s})
	}
	sev = append(sev, stateFilter{"", "Any severity", "", q.to("/incidents", "status", status, "q", text), severity == ""})
	for _, s := range program.IncidentSeverities {
		sev = append(sev, stateFilter{"", report.Capital(s), count(func(i program.Incident) bool { return i.Severity == s }), q.to("/incidents", "status", status, "severity", s, "q", text), severity == s})
	}
	return out, append(sev, stateFilter{"", "Not judged yet", count(func(i program.Incident) bool { return i.Severity == "" }), q.to("/incidents", "status", status, "severity", "none", "q", text), severity == "none"})
}

func (q *request) incidentsCSV(list []program.Incident) error {
	rows := make([][]string, len(list))
	for n, i := range list {
		required, known := i.NotificationRequired()
		told := "not decided"
		if known {
			told = map[bool]string{true: "yes", false: "no"}[required]
		}
		rows[n] = []string{i.ID, i.Title, i.Kind, i.Severity, i.Status, q.name(i.Lead), q.name(i.ReportedBy), timeCell(i.Reported), timeCell(i.Detected), timeCell(i.Acknowledged),
			timeCell(i.Contained), timeCell(i.Resolved), timeCell(i.Closed), timeCell(i.CauseAt), told, strings.Join(i.Systems, " "), strings.Join(i.Controls, " "), strings.Join(i.Criteria, " "), disclosed(i)}
	}
	return q.asCSV("incidents", []string{"incident", "title", "kind", "severity", "status", "lead", "reported by", "reported", "noticed", "taken on", "contained", "resolved", "closed",
		"cause written", "somebody outside has to be told", "systems", "controls", "criteria", "description discloses it"}, rows)
}

// timeCell is an instant in a file: UTC, or empty.
func timeCell(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return audit.FormatTime(t)
}

func disclosed(i program.Incident) string {
	switch {
	case i.Disclosure == nil || i.Disclosure.Open:
		return "not decided"
	case i.Disclosure.Yes:
		return "yes"
	}
	return "no"
}

// reportPage asks two things, on a phone too: what, and when.
func (q *request) reportPage() error {
	q.Title, q.Heading = "Report an incident", "Report an incident"
	q.Say = "Say what you noticed and when. You need not be sure, and nobody is blamed for reporting."
	q.Way = []link{{"Incidents", q.to("/incidents")}, {"Report", ""}}
	q.Code = []string{"tieout incident report --noticed 2026-03-02T08:00 \"what you noticed\""}
	return q.render("incidentnew.html", struct {
		*page
		Detail, Noticed, Zone string
	}{&q.page, q.typed("detail", ""), q.typed("noticed", q.now().In(q.zone()).Format(minuteForm)), q.zone().String()})
}

func (q *request) reportIncident() error {
	noticed, err := q.instant("noticed", "when you noticed it")
	var i program.Incident
	if err == nil {
		i, err = q.book.ReportIncident(q.Context(), q.who, q.PostForm.Get("detail"), noticed)
	}
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.reportPage()
	}
	return q.done(q.at("incidents", i.ID), "Reported as "+i.ID+", and sealed. Whoever leads the response sees it now.")
}

// A clockRow is what was decided about one rule.
type clockRow struct {
	C                     program.Clock
	State, Due, Began, By string
	Told                  string
	Missed                bool
	Href, Tell            string
}

// An incidentPage is one incident from the first report to the lessons.
type incidentPage struct {
	*page
	I                               program.Incident
	Facts                           [][2]string
	Controls                        []link
	Detail, Cause, Lessons          template.HTML
	Clocks                          []clockRow
	Tellings                        []tellingRow
	Settled, Unfinished, Disclosure string
	Assessment                      string
	AssessmentText, DisclosureWhy   template.HTML
	Steps                           []step
	Runs, Discloses                 bool
	Issues                          relatedIssues
	Act                             func(string) string
}

type tellingRow struct {
	T        program.Telling
	When, By string
	How      template.HTML
	Evidence []link
}

func (q *request) incident() error {
	i, err := q.book.Incident(q.Context(), q.PathValue("id"))
	if err != nil {
		return err
	}
	loc := q.zone()
	q.Title, q.Heading, q.Ref = i.ID+" "+i.Title, i.Title, i.ID
	q.Say = answer.Incident(&i, q.now(), loc)
	q.Way = []link{{"Incidents", q.to("/incidents")}, {i.ID, ""}}
	q.Code = []string{"tieout incident show " + i.ID}
	on := q.ofIncident(i)
	data := incidentPage{page: &q.page, I: i, Facts: q.incidentFacts(i), Controls: q.controlLinks(i.Controls), Detail: policy.HTML(i.Detail), Cause: policy.HTML(i.Cause), Lessons: policy.HTML(i.Lessons),
		Runs: q.may("incident.write", on), Discloses: q.may("incident.disclose", on), Steps: q.incidentSteps(i),
		Act: func(act string) string { return q.to("/incidents/" + i.ID + "/write/" + act) }}
	if data.Issues, err = q.issuesFrom(program.FromIncident, i.ID); err != nil {
		return err
	}
	if i.Status != "closed" {
		data.Unfinished = i.Unfinished()
	}
	for _, c := range i.Clocks {
		data.Clocks = append(data.Clocks, q.clockRow(i, c))
	}
	for _, t := range i.Told {
		data.Tellings = append(data.Tellings, tellingRow{t, report.Moment(t.Took, loc), q.name(t.By), policy.HTML(t.How), q.evidenceLinks(t.Evidence)})
	}
	if s := i.Settled; s != nil {
		data.Settled = "Nobody else outside has to be told: " + q.name(s.By) + ", " + report.Moment(s.At, loc) + ". " + s.Why
	}
	if a := i.Assessment; a != nil {
		data.Assessment = sayAssessment(a, report.Day(a.Assessed, loc), q.name(a.By))
		data.AssessmentText = policy.HTML(a.Text)
	}
	data.Disclosure = sayDisclosure(i.Disclosure, func(r *program.Ruling) string { return q.name(r.By) + ", " + report.Day(r.At, loc) })
	if i.Disclosure != nil {
		data.DisclosureWhy = policy.HTML(i.Disclosure.Why)
	}
	return q.render("incident.html", data)
}

func sayAssessment(a *program.Assessment, day, by string) string {
	return "Personal data reached " + a.Recipient + ". The risk to people was assessed on " + day + " by " + by + ": " +
		map[string]string{"notify": "they are told.", "not required": "they need not be told."}[a.Decision]
}

// sayDisclosure is what management decided about the description (DC 4).
func sayDisclosure(r *program.Ruling, by func(*program.Ruling) string) string {
	switch {
	case r == nil:
		return "Management has not decided whether the description of the system discloses it. It does where controls failed or a commitment was broken."
	case r.Open:
		return "It is to be decided anew whether the description discloses it (" + by(r) + ")."
	case r.Yes:
		return "The description discloses it (" + by(r) + ")."
	}
	return "The description leaves it out (" + by(r) + ")."
}

func (q *request) incidentFacts(i program.Incident) (out [][2]string) {
	add := func(name, text string) {
		if text != "" {
			out = append(out, [2]string{name, text})
		}
	}
	or := func(s, none string) string {
		if s == "" {
			return none
		}
		return report.Capital(s)
	}
	add("Severity", or(i.Severity, "Not judged yet"))
	add("Kind", or(i.Kind, "Not judged yet"))
	add("State", report.Capital(i.Status))
	add("Led by", or(q.name(i.Lead), "Nobody"))
	add("Reported", q.name(i.ReportedBy)+", "+report.Moment(i.Reported, q.zone()))
	since := func(t time.Time) string {
		if t.IsZero() {
			return "Not yet"
		}
		return report.Moment(t, q.zone()) + ", " + answer.After(t.Sub(i.Detected)) + " after it was noticed"
	}
	add("Noticed", report.Moment(i.Detected, q.zone()))
	add("Taken on", since(i.Acknowledged))
	add("Contained", since(i.Contained))
	add("Resolved", since(i.Resolved))
	personal := map[string]string{"": "Not known yet whether any", "no": "None", "yes": "Yes, of a number of people not known yet"}[i.Personal]
	if i.Personal == "yes" && i.Subjects != program.Unknown {
		personal = "Yes, of " + report.Plural(i.Subjects, "person", "people")
	}
	add("Personal data", personal)
	add("Systems", strings.Join(i.Systems, ", "))
	add("Commitments", strings.Join(i.Promises, ", "))
	add("Data", strings.Join(q.namesOfData(i.Data), ", "))
	add("Criteria", strings.Join(i.Criteria, ", "))
	return out
}

// clockStates are the words of a clock's state.
var clockStates = map[string]string{"does not apply": "Does not apply", "told in time": "Told in time", "told late": "Told late", "told": "Told", "no figure": "Not told yet", "missed": "Missed", "running": "Runs"}

func (q *request) clockRow(i program.Incident, c program.Clock) clockRow {
	state := c.ClockState(q.now())
	row := clockRow{C: c, State: clockStates[state], Missed: state == "missed" || state == "told late", Began: q.momentOr(c.Began, ""), Told: q.momentOr(c.Told, ""),
		By: q.name(c.By) + ", " + report.Moment(c.At, q.zone()), Href: q.to("/incidents/"+i.ID+"/write/clock", "rule", c.Rule.ID)}
	switch {
	case !c.Applies:
	case c.Due.IsZero():
		row.Due = report.Capital(c.Rule.Limit())
	default:
		row.Due = report.Moment(c.Due, q.zone())
	}
	if c.Applies && c.Told.IsZero() {
		row.Tell = q.to("/incidents/"+i.ID+"/write/told", "rule", c.Rule.ID)
	}
	return row
}

// evidenceLinks lead to records by their references; what is none stays text.
func (q *request) evidenceLinks(refs []string) (out []link) {
	for _, r := range refs {
		l := link{r, ""}
		if n, err := period.ParseEvidenceRef(r); err == nil {
			l = link{audit.EvidenceRef(n), q.at("evidence", audit.EvidenceRef(n))}
		}
		out = append(out, l)
	}
	return out
}

// incidentSteps are everything that was written, in the order in which it took
// place, as stated; when it was sealed stands beside it.
func (q *request) incidentSteps(i program.Incident) []step {
	steps := slices.Clone(i.Steps)
	at := func(s program.Step) time.Time {
		if s.Took.IsZero() {
			return s.At
		}
		return s.Took
	}
	slices.SortStableFunc(steps, func(a, b program.Step) int { return at(a).Compare(at(b)) })
	words := map[string]string{"note": "Note", "reported": "Noticed and reported", "detected": "Noticed, as corrected", "acknowledged": "Taken on", "reopened": "Opened again"}
	out := make([]step, len(steps))
	for n, s := range steps {
		what := words[s.What]
		if what == "" {
			what = report.Capital(s.What)
		}
		out[n] = step{When: report.Moment(at(s), q.zone()), What: what, Who: q.name(s.By), Text: policy.HTML(s.Text), Evidence: q.evidenceLinks(s.Evidence)}
		if !s.Took.IsZero() && s.At.Sub(s.Took) > time.Minute {
			out[n].Sealed = "as stated; sealed " + report.Moment(s.At, q.zone())
		}
		if s.Record >= 0 && q.reaches("activity.read") {
			out[n].Record = &link{audit.EvidenceRef(s.Record), q.at("evidence", audit.EvidenceRef(s.Record))}
		}
	}
	return out
}

// subjects reads a number of people; empty is not known.
func subjects(s string) (int, error) {
	if s == "" {
		return program.Unknown, nil
	}
	n, err := strconv.Atoi(strings.ReplaceAll(s, ",", ""))
	if err != nil || n < 0 {
		return 0, errNumber(s)
	}
	return n, nil
}

// namesOfData are classes of data by their names; of one that no system has any
// more, its id.
func (q *request) namesOfData(ids []string) []string {
	out := slices.Clone(ids)
	for _, c := range q.classesOfData() {
		if n := slices.Index(out, c.ID); n >= 0 {
			out[n] = c.Name
		}
	}
	return out
}
