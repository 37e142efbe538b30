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

// riskRoutes are the register of risks. An example is in nobody's register
// before somebody adopts it as their own.
var riskRoutes = []route{
	{pattern: "GET /risks", needs: "register.read", on: anything, do: (*request).risks},
	{pattern: "GET /risks/new", needs: "register.write", do: (*request).riskForm},
	{pattern: "POST /risks/new", needs: "register.write", do: (*request).writeRisk},
	{pattern: "GET /risks/{id}", needs: "register.read", on: theRisk("register.read"), do: (*request).risk},
	{pattern: "GET /risks/{id}/edit", needs: "register.write", do: (*request).riskForm},
	{pattern: "POST /risks/{id}/edit", needs: "register.write", do: (*request).writeRisk},
	{pattern: "POST /risks/{id}/accept", needs: "risk.accept", on: theRisk("risk.accept"), do: (*request).acceptRisk},
}

// theRisk is one risk with who prepared it, for a permission asked on it.
func theRisk(id access.PermissionID) objectOf {
	return func(q *request) (access.Object, error) {
		r, err := q.book.Risk(q.Context(), q.PathValue("id"))
		if err != nil {
			return access.Object{}, q.unknown(err, id)
		}
		o := q.ofRisk(r)
		o.Prepared = r.PreparedBy
		return o, nil
	}
}

// ofRisk is a risk for the table of rights: the workspace's, and its controls'.
func (q *request) ofRisk(r program.Risk) access.Object { return q.sight().OfRisk(r) }

// A riskCell is one cell of the table of likelihood and impact.
type riskCell struct {
	N, Href, Label string
	Here           bool
	Grave          string // class: the product of both
}

type riskLine struct {
	Likelihood string
	Cells      []riskCell
}

// Words of the two scales.
var (
	likelihoods = []string{"rare", "unlikely", "possible", "likely", "expected within the year"}
	impacts     = []string{"hardly felt", "a nuisance", "felt by some", "felt by many", "a commitment is broken for everybody"}
)

// A riskRow is a row of the list.
type riskRow struct {
	R                     program.Risk
	Href                  string
	Controls              []link
	Owner, Treatment, Due string
	Assessed              string
	Late                  bool
}

func (q *request) risks() error {
	all, err := q.book.AllRisks(q.Context())
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(r program.Risk) bool { return !q.may("register.read", q.ofRisk(r)) })
	v := q.URL.Query()
	f := map[string]string{"status": v.Get("status"), "level": v.Get("level"), "wait": v.Get("wait"), "likelihood": v.Get("likelihood"), "impact": v.Get("impact"), "q": strings.TrimSpace(v.Get("q"))}
	var list []program.Risk
	for _, r := range all {
		if q.riskMatches(r, f) {
			list = append(list, r)
		}
	}
	if v.Get("format") == "csv" {
		return q.risksCSV(list)
	}
	from := q.from(len(list))
	data := struct {
		*page
		Lines            []riskLine
		Impacts          []string
		Filters, Levels  []stateFilter
		Rows             []riskRow
		Pager            pager
		Examples         []exampleRow
		Write            bool
		CSV, Text, Clear string
	}{page: &q.page, Lines: q.riskTable(all, f), Impacts: impacts, Write: q.may("register.write", access.Object{}), Text: f["q"], CSV: q.risksWith(f, "format", "csv"),
		Pager: q.pager("/risks", from, len(list), pairs(f)...)}
	for _, r := range list[from:min(len(list), from+pageLength)] {
		data.Rows = append(data.Rows, q.riskRow(r))
	}
	if len(pairs(f)) > 0 {
		data.Clear = q.to("/risks")
	}
	data.Filters, data.Levels = q.riskFilters(all, f)
	if data.Write {
		data.Examples = q.examples(all)
	}
	q.Title, q.Heading, q.Wide = "Risks", "Risks", true
	q.Say = answer.Risks(all, q.now(), q.zone())
	q.Code = []string{"tieout risk list"}
	return q.render("risks.html", data)
}

// pairs are the filters that are set, as names and values in a fixed order.
func pairs(f map[string]string) (out []string) {
	for _, name := range []string{"status", "level", "wait", "likelihood", "impact", "q"} {
		if f[name] != "" {
			out = append(out, name, f[name])
		}
	}
	return out
}

// risksWith is the address of the list with one filter set otherwise.
func (q *request) risksWith(f map[string]string, change ...string) string {
	g := map[string]string{}
	for k, v := range f {
		g[k] = v
	}
	var beside []string
	for i := 0; i+1 < len(change); i += 2 {
		if _, known := f[change[i]]; known {
			g[change[i]] = change[i+1]
		} else {
			beside = append(beside, change[i], change[i+1])
		}
	}
	return q.to("/risks", append(pairs(g), beside...)...)
}

func (q *request) riskMatches(r program.Risk, f map[string]string) bool {
	switch f["wait"] {
	case "acceptance":
		if r.Status == "closed" || r.Treatment == "" || !r.Accepted.IsZero() {
			return false
		}
	case "treatment":
		if r.Status == "closed" || r.Treatment != "" {
			return false
		}
	case "overdue":
		if !answer.Overdue(r, q.now()) {
			return false
		}
	}
	return (f["status"] == "" || r.Status == f["status"]) && (f["level"] == "" || r.Level == f["level"]) &&
		(f["likelihood"] == "" || strconv.Itoa(r.Likelihood) == f["likelihood"]) && (f["impact"] == "" || strconv.Itoa(r.Impact) == f["impact"]) &&
		matches(f["q"], r.ID, r.Title, q.name(r.Owner), r.Category, strings.Join(r.Controls, " "))
}

// riskTable counts risks that are not closed by likelihood, the highest first,
// and impact. Every number leads to its rows.
func (q *request) riskTable(all []program.Risk, f map[string]string) []riskLine {
	var count [6][6]int
	for _, r := range all {
		if r.Status != "closed" {
			count[r.Likelihood][r.Impact]++
		}
	}
	var out []riskLine
	for l := 5; l >= 1; l-- {
		line := riskLine{Likelihood: fmt.Sprintf("%d, %s", l, likelihoods[l-1])}
		for i := 1; i <= 5; i++ {
			c := riskCell{Grave: graveClass(l * i), Here: f["likelihood"] == strconv.Itoa(l) && f["impact"] == strconv.Itoa(i)}
			if n := count[l][i]; n > 0 {
				c.N, c.Href = report.Number(n), q.to("/risks", "likelihood", strconv.Itoa(l), "impact", strconv.Itoa(i))
				c.Label = fmt.Sprintf("%s of likelihood %d and impact %d", report.Plural(n, "risk", "risks"), l, i)
			}
			line.Cells = append(line.Cells, c)
		}
		out = append(out, line)
	}
	return out
}

// graveClass is a cell's ground by the product of likelihood and impact.
func graveClass(n int) string {
	switch {
	case n >= 15:
		return "g3"
	case n >= 8:
		return "g2"
	}
	return "g1"
}

func (q *request) riskFilters(all []program.Risk, f map[string]string) (states, levels []stateFilter) {
	add := func(to *[]stateFilter, text, name, value string, clears ...string) {
		g := map[string]string{"q": f["q"], "likelihood": f["likelihood"], "impact": f["impact"], "status": f["status"], "level": f["level"], "wait": f["wait"]}
		for _, c := range clears {
			g[c] = ""
		}
		g[name] = value
		n := 0
		for _, r := range all {
			if q.riskMatches(r, g) {
				n++
			}
		}
		*to = append(*to, stateFilter{"", text, report.Number(n), q.to("/risks", pairs(g)...), f[name] == value && (value != "" || f["wait"]+f["status"] == "")})
	}
	add(&states, "All", "status", "", "wait")
	for _, s := range program.RiskStatuses {
		add(&states, report.Capital(s), "status", s, "wait")
	}
	add(&states, "Waits for acceptance", "wait", "acceptance", "status")
	add(&states, "No treatment", "wait", "treatment", "status")
	add(&states, "Past its date", "wait", "overdue", "status")
	levels = append(levels, stateFilter{"", "Any level", "", q.risksWith(f, "level", ""), f["level"] == ""})
	for _, l := range program.RiskLevels {
		add(&levels, report.Capital(l)+" after treatment", "level", l)
	}
	return states, levels
}

func (q *request) riskRow(r program.Risk) riskRow {
	row := riskRow{R: r, Href: q.at("risks", r.ID), Controls: q.controlLinks(r.Controls), Owner: q.name(r.Owner), Late: answer.Overdue(r, q.now()), Treatment: "Not decided",
		Due: q.dayOr(r.Due, ""), Assessed: report.Day(r.Assessed, q.zone())}
	if r.Treatment != "" {
		row.Treatment = report.Capital(r.Treatment)
	}
	return row
}

func (q *request) risksCSV(list []program.Risk) error {
	rows := make([][]string, len(list))
	for i, r := range list {
		rows[i] = []string{r.ID, r.Title, q.name(r.Owner), r.Category, strconv.Itoa(r.Likelihood), strconv.Itoa(r.Impact), r.Treatment, r.Plan, r.Level, r.Status, timeCell(r.Due),
			strings.Join(r.Controls, " "), timeCell(r.Assessed), q.name(r.AssessedBy), timeCell(r.Accepted), q.name(r.AcceptedBy)}
	}
	return q.asCSV("risks", []string{"risk", "title", "owner", "category", "likelihood", "impact", "treatment", "plan", "level after treatment", "status", "due", "controls",
		"assessed", "assessed by", "accepted", "accepted by"}, rows)
}

type exampleRow struct {
	X    program.Example
	Href string
}

// examples are those whose title is in the register by no risk.
func (q *request) examples(all []program.Risk) (out []exampleRow) {
	have := map[string]bool{}
	for _, r := range all {
		have[r.Title] = true
	}
	for _, x := range program.Examples() {
		if !have[x.Title] {
			out = append(out, exampleRow{x, q.to("/risks/new", "from", x.ID)})
		}
	}
	return out
}

func (q *request) risk() error {
	r, err := q.book.Risk(q.Context(), q.PathValue("id"))
	if err != nil {
		return err
	}
	var lines []step
	err = q.book.Read(q.Context(), func(s *program.State) error {
		for _, l := range s.History("risk:" + r.ID) {
			line := step{When: report.Moment(l.At, q.zone()), What: report.Capital(l.What), Who: q.name(l.By.Name)}
			if q.reaches("activity.read") {
				line.Record = &link{audit.EvidenceRef(l.Record), q.at("evidence", audit.EvidenceRef(l.Record))}
			}
			lines = append(lines, line)
		}
		return nil
	})
	if err != nil {
		return err
	}
	o := q.ofRisk(r)
	o.Prepared = r.PreparedBy
	q.Title, q.Heading, q.Ref = r.ID+" "+r.Title, r.Title, r.ID
	q.Say = answer.Risk(&r, q.name(r.AssessedBy), q.name(r.AcceptedBy), q.now(), q.zone())
	q.Way = []link{{"Risks", q.to("/risks")}, {r.ID, ""}}
	q.Code = []string{"tieout risk show " + r.ID}
	data := struct {
		*page
		R                  program.Risk
		Row                riskRow
		Likelihood, Impact string
		Assessed, Accepted string
		Plan               template.HTML
		Steps              []step
		Write, Accept      bool
		WhyNot             string
	}{page: &q.page, R: r, Row: q.riskRow(r), Plan: policy.HTML(r.Plan), Steps: lines, Likelihood: fmt.Sprintf("%d, %s", r.Likelihood, likelihoods[r.Likelihood-1]),
		Impact:   fmt.Sprintf("%d, %s", r.Impact, impacts[r.Impact-1]),
		Assessed: report.Day(r.Assessed, q.zone()) + " by " + q.name(r.AssessedBy), Accepted: "Not yet", Write: q.may("register.write", access.Object{})}
	if !r.Accepted.IsZero() {
		data.Accepted = report.Day(r.Accepted, q.zone()) + " by " + q.name(r.AcceptedBy)
	}
	if r.Accepted.IsZero() && r.Treatment != "" && r.Status != "closed" {
		var why string
		data.Accept, why = access.Allowed(q.who, "risk.accept", o)
		o.Prepared = []string{access.ByProgram}
		if !data.Accept && q.may("risk.accept", o) {
			data.WhyNot = sentence(why)
		}
	}
	return q.render("risk.html", data)
}

func (q *request) acceptRisk() error {
	if _, err := q.book.AcceptRisk(q.Context(), q.who, q.PathValue("id"), q.base()); err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.risk()
	}
	return q.done(q.at("risks", q.PathValue("id")), "Accepted for management, and sealed.")
}

// riskForm is a new risk, one that begins as an example, or one to write anew.
func (q *request) riskForm() error {
	var r program.Risk
	id := q.PathValue("id")
	from := q.URL.Query().Get("from")
	q.Title, q.Heading, q.Say = "New risk", "New risk", "Say what could happen, how likely it is, and what it would do to what you promised."
	switch {
	case id != "":
		var err error
		if r, err = q.book.Risk(q.Context(), id); err != nil {
			return err
		}
		q.Title, q.Heading, q.Ref = "Assess "+id, r.Title, id
		q.Say = "What you keep counts as an assessment of today. The one of " + report.Day(r.Assessed, q.zone()) + " stays on record."
	case from != "":
		i := slices.IndexFunc(program.Examples(), func(x program.Example) bool { return x.ID == from })
		if i < 0 {
			return fmt.Errorf("%w: example %q", audit.ErrNotFound, from)
		}
		r = program.Examples()[i].Risk()
		r.Owner = q.who.Account
		q.Say = "This began as an example. Make it yours: your figures, your plan, your owner. It is in the register once you keep it."
	default:
		r = program.Risk{Owner: q.who.Account, Likelihood: 3, Impact: 3, Level: "medium", Status: "open"}
	}
	q.Way = []link{{"Risks", q.to("/risks")}, {q.Heading, ""}}
	if id != "" {
		q.Way = []link{{"Risks", q.to("/risks")}, {id, q.at("risks", id)}, {"Assess", ""}}
	}
	q.Code = []string{"tieout risk list"}
	have := q.riskFields(r)
	t := func(f string) string { return q.typed(f, have[f]) }
	return q.render("riskform.html", struct {
		*page
		Action, Back string
		T            func(string) string
		Choices      map[string][]choice
		People       []string
	}{&q.page, q.to(q.URL.Path), q.back("risks", id), t, map[string][]choice{
		"category": choices(t("category"), "", program.RiskCategories...), "treatment": choices(t("treatment"), "Not decided yet", program.RiskTreatments...),
		"level": choices(t("level"), "", program.RiskLevels...), "status": choices(t("status"), "", program.RiskStatuses...),
		"likelihood": scale(t("likelihood"), likelihoods), "impact": scale(t("impact"), impacts)}, q.addresses()})
}

// back is where a form leads that is not kept.
func (q *request) back(register, id string) string {
	if id == "" {
		return q.to("/" + register)
	}
	return q.at(register, id)
}

func scale(chosen string, words []string) (out []choice) {
	for i, w := range words {
		n := strconv.Itoa(i + 1)
		out = append(out, choice{n, n + ", " + w, n == chosen})
	}
	return out
}

func (q *request) riskFields(r program.Risk) map[string]string {
	f := map[string]string{"revision": strconv.FormatInt(r.Revision, 10), "title": r.Title, "owner": q.addressOf(r.Owner), "category": r.Category, "likelihood": strconv.Itoa(r.Likelihood),
		"impact": strconv.Itoa(r.Impact), "treatment": r.Treatment, "plan": r.Plan, "level": r.Level, "status": r.Status, "controls": strings.Join(r.Controls, " "),
		"due": asField(r.Due, dayForm, q.zone())}
	if q.Method == "POST" { // the newest: what is sent again is sent knowing it
		q.PostForm.Set("revision", f["revision"])
	}
	return f
}

func (q *request) writeRisk() error {
	r, err := q.riskTyped()
	if err == nil {
		r, err = q.book.SetRisk(q.Context(), q.who, r)
	}
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.riskForm()
	}
	return q.done(q.at("risks", r.ID), "Kept, and sealed as an assessment of today.")
}

func (q *request) riskTyped() (program.Risk, error) {
	r := program.Risk{ID: q.PathValue("id"), Title: q.field("title"), Category: q.field("category"), Treatment: q.field("treatment"), Plan: q.field("plan"), Level: q.field("level"),
		Status: q.field("status"), Controls: q.words("controls"), Revision: q.base()}
	before := ""
	if r.ID != "" {
		have, err := q.book.Risk(q.Context(), r.ID)
		if err != nil {
			return r, err
		}
		before = have.Owner
	}
	var err error
	if r.Owner, err = q.somebody(q.field("owner"), before, "owner"); err != nil {
		return r, err
	}
	if r.Due, err = q.day("due", "when the treatment is due", true); err != nil {
		return r, err
	}
	for name, n := range map[string]*int{"likelihood": &r.Likelihood, "impact": &r.Impact} {
		if *n, err = strconv.Atoi(q.field(name)); err != nil {
			return r, fmt.Errorf("%w: %s is a number from 1 to 5", audit.ErrInvalid, name)
		}
	}
	return r, q.controlsOf(r.Controls)
}
