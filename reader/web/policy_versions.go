package web

import (
	"fmt"
	"html/template"
	"net/url"
	"strconv"
	"time"

	"tieout/audit"
	texts "tieout/policy"
	"tieout/program"
	"tieout/reader/policies"
	"tieout/report"
)

func (q *request) policyAgreements() error {
	id := q.PathValue("id")
	row, err := q.rowOf(id)
	if err != nil {
		return err
	}
	docs, err := q.st.p.DocumentsInFiles()
	if err != nil {
		return err
	}
	members, err := q.readers()
	if err != nil {
		return err
	}
	var all []policies.Standing
	err = q.book.Read(q.Context(), func(s *program.State) error {
		for _, d := range s.Documents(docs) {
			if d.ID == id {
				all = policies.Standings(s, d, members, q.now())
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return q.showAgreements(row, all)
}

type agreementRow struct {
	Name, Why, When, Version string
	Record                   link
}

func (q *request) showAgreements(row policies.Row, all []policies.Standing) error {
	show := q.URL.Query().Get("show")
	var rows []policies.Standing
	for _, s := range all {
		if show == "" || show == "missing" && !s.Holds || show == "agreed" && s.Holds {
			rows = append(rows, s)
		}
	}
	path := "/policies/" + url.PathEscape(row.ID) + "/agreements"
	from := q.from(len(rows))
	data := struct {
		*page
		Filters []stateFilter
		Rows    []agreementRow
		Pager   pager
		Remind  bool
	}{page: &q.page, Pager: q.pager(path, from, len(rows), "show", show)}
	for _, f := range [][2]string{{"", "All"}, {"missing", "Missing"}, {"agreed", "Agreed"}} {
		n := map[string]int{"": row.Asked, "missing": row.Asked - row.Agreed, "agreed": row.Agreed}[f[0]]
		data.Filters = append(data.Filters, stateFilter{"", f[1], report.Number(n), q.to(path, "show", f[0]), f[0] == show})
	}
	for _, s := range rows[from:min(len(rows), from+pageLength)] {
		r := agreementRow{Name: s.Name, Why: s.Missing(q.zone()), Version: s.Asked.Version}
		if !s.Asked.Done.IsZero() {
			r.When, r.Record.Text = report.Day(s.Asked.Done, q.zone()), audit.EvidenceRef(s.Asked.Record)
			if q.reaches("activity.read") {
				r.Record.Href = q.at("evidence", r.Record.Text)
			}
		}
		data.Rows = append(data.Rows, r)
	}
	q.Title, q.Heading, q.Say = "Agreements: "+row.Title, "Who agreed to "+row.Title, policies.Agreed(row.Agreed, row.Asked, row.Version)
	q.Way = []link{{"Policies", q.to("/policies")}, {row.ID, q.policyAt(row.ID, "")}, {"Agreements", ""}}
	q.Code = []string{"tieout policy agree-list " + row.ID}
	return q.render("agreements.html", data)
}

func (q *request) comparePolicy() error {
	p, err := q.book.Policy(q.Context(), q.PathValue("id"))
	if err != nil {
		return err
	}
	from, to := q.URL.Query().Get("from"), q.URL.Query().Get("to")
	a, b := p.Version(atoi(from)), p.Version(atoi(to))
	if a == nil || b == nil {
		return fmt.Errorf("%w: %s has versions 1 to %d", audit.ErrNotFound, p.ID, len(p.Versions))
	}
	diff := texts.Diff(a.Text, b.Text)
	q.Title, q.Heading = p.Current().Title, fmt.Sprintf("From version %d to version %d", a.Number, b.Number)
	q.Say = diff.Sentence()
	q.Way = []link{{"Policies", q.to("/policies")}, {p.ID, q.policyAt(p.ID, "")}, {"Compare", ""}}
	return q.render("compare.html", struct {
		*page
		ID, Title string
		A, B      *program.PolicyVersion
		Versions  []program.PolicyVersion
		Diff      template.HTML
	}{&q.page, p.ID, p.Current().Title, a, b, p.Versions, diff.HTML()})
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

func (q *request) policyVersion() error {
	p, err := q.book.Policy(q.Context(), q.PathValue("id"))
	if err != nil {
		return err
	}
	v := p.Version(atoi(q.PathValue("n")))
	if v == nil {
		return fmt.Errorf("%w: version %q of %s", audit.ErrNotFound, q.PathValue("n"), p.ID)
	}
	q.Title, q.Heading = v.Title, fmt.Sprintf("%s, version %d", v.Title, v.Number)
	q.Say = sayVersion(v, q.authors(v.By), q.name(v.ApprovedBy), q.zone())
	q.Way = []link{{"Policies", q.to("/policies")}, {p.ID, q.policyAt(p.ID, "")}, {"Version " + strconv.Itoa(v.Number), ""}}
	return q.render("policyversion.html", struct {
		*page
		V    *program.PolicyVersion
		Body template.HTML
	}{&q.page, v, texts.Article(v.Title, v.Text)})
}

// sayVersion says who wrote and who approved a version.
func sayVersion(v *program.PolicyVersion, authors, approver string, loc *time.Location) string {
	s := "Written by " + authors + ", last on " + report.Day(v.Written, loc)
	if v.Approved.IsZero() {
		return s + ", and approved by nobody yet."
	}
	return s + "; approved by " + approver + " on " + report.Day(v.Approved, loc) + "."
}
