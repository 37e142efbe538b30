package web

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	"tieout/program"
	"tieout/reader/policies"
	"tieout/reader/roster"
	"tieout/report"
)

var policyRoutes = []route{
	{pattern: "GET /policies", needs: "policy.read", on: anything, do: (*request).policies},
	{pattern: "GET /policies/new", needs: "policy.write", do: (*request).newPolicy},
	{pattern: "POST /policies/new", needs: "policy.write", do: (*request).createPolicy},
	{pattern: "GET /policies/starters", needs: "policy.write", do: (*request).starters},
	{pattern: "POST /policies/starters", needs: "policy.write", do: (*request).addStarters},
	{pattern: "GET /policies/audiences", needs: "policy.write", do: (*request).audiences},
	{pattern: "POST /policies/audiences", needs: "policy.write", do: (*request).setAudience},
	{pattern: "GET /policies/{id}", needs: "policy.read", on: anything, do: (*request).policy},
	{pattern: "GET /policies/{id}/agreements", needs: "policy.read", on: thePolicies, do: (*request).policyAgreements},
	{pattern: "GET /policies/{id}/compare", needs: "policy.read", on: thePolicies, do: (*request).comparePolicy},
	{pattern: "GET /policies/{id}/versions/{n}", needs: "policy.read", on: thePolicies, do: (*request).policyVersion},
	{pattern: "GET /policies/{id}/edit", needs: "policy.write", do: (*request).editPolicy},
	{pattern: "POST /policies/{id}/edit", needs: "policy.write", do: (*request).savePolicy},
	{pattern: "POST /policies/{id}/approve", needs: "policy.approve", on: theDraft, do: (*request).approvePolicy},
	{pattern: "POST /policies/{id}/review", needs: "policy.write", do: (*request).reviewPolicy},
	{pattern: "GET /policies/{id}/retire", needs: "policy.read", on: thePolicies, do: (*request).retirePage},
	{pattern: "POST /policies/{id}/retire", needs: "policy.approve", on: theForced, do: (*request).retirePolicy},
	{pattern: "POST /policies/{id}/discard", needs: "policy.write", do: (*request).retirePolicy},
}

// theDraft is the draft of a policy, with who wrote it.
func theDraft(q *request) (access.Object, error) {
	p, err := q.book.Policy(q.Context(), q.PathValue("id"))
	if err != nil {
		return access.Object{}, q.unknown(err, "policy.approve")
	}
	if v := p.Draft(); v != nil {
		return access.Object{Prepared: v.By}, nil
	}
	return access.Object{}, fmt.Errorf("%w: %s has no draft that could be approved", audit.ErrConflict, p.ID)
}

// theForced is a policy that was in force, with who wrote it.
func theForced(q *request) (access.Object, error) {
	p, err := q.book.Policy(q.Context(), q.PathValue("id"))
	if err != nil {
		return access.Object{}, q.unknown(err, "policy.approve")
	}
	_, on := p.Retiring()
	return on, nil
}

// thePolicies are all of the policies with drafts, history and who agreed: they
// belong to the workspace's systems and the period's examination.
func thePolicies(q *request) (access.Object, error) { return q.ofControls(), nil }

// wholeProgram reports whether who is signed in reads all of the policies:
// drafts, history and who agreed.
func (q *request) wholeProgram() bool { return q.may("policy.read", q.ofControls()) }

// readers are everybody of whom reading can be asked.
func (q *request) readers() ([]policies.Member, error) {
	var persons map[string]string
	err := q.book.Read(q.Context(), func(s *program.State) error {
		persons = policies.Persons(s, q.names)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var r *roster.Roster
	if len(persons) > 0 {
		if r, err = q.roster(); err != nil {
			return nil, err
		}
	}
	return policies.Members(q.names, persons, r), nil
}

type policyRow struct {
	policies.Row
	link
	Class, Word, Owner string
	Agreed             link // how many agreed, to who has not
	Review             string
	ReviewClass        string
	Waits              string
	NoAgreement        string // why nobody's is counted
}

// policyFilters are how the list can be narrowed.
var policyFilters = []struct {
	name, text string
	keep       func(r policies.Row, now time.Time) bool
}{
	{"", "All", func(policies.Row, time.Time) bool { return true }},
	{"force", "In force", func(r policies.Row, _ time.Time) bool { return r.Status == program.PolicyApproved }},
	{"draft", "Drafts", func(r policies.Row, _ time.Time) bool { return r.Draft > 0 || r.Status == program.PolicyDraft }},
	{"due", "Due for review", func(r policies.Row, now time.Time) bool { return r.Due(now) }},
	{"missing", "Agreements missing", func(r policies.Row, _ time.Time) bool { return r.Agreed < r.Asked }},
	{"retired", "Retired", func(r policies.Row, _ time.Time) bool { return r.Status == program.PolicyRetired }},
}

// policyList reads every policy; to who reads only what is in force, that. Where
// counted names policies, agreements are counted of those alone.
func (q *request) policyList(counted ...string) (*policies.List, error) {
	files, err := q.st.p.PolicyFiles()
	if err != nil {
		return nil, err
	}
	var members []policies.Member
	if q.wholeProgram() {
		if members, err = q.readers(); err != nil {
			return nil, err
		}
	}
	var l *policies.List
	err = q.book.Read(q.Context(), func(s *program.State) error {
		l = policies.Read(s, files, members, q.now(), counted...)
		return nil
	})
	if err == nil && !q.wholeProgram() {
		l.Rows = slices.DeleteFunc(l.Rows, func(r policies.Row) bool { return r.Status != program.PolicyApproved })
		for i := range l.Rows {
			l.Rows[i].Draft = 0
		}
	}
	return l, err
}

func (q *request) policies() error {
	l, err := q.policyList()
	if err != nil {
		return err
	}
	show, text := q.URL.Query().Get("show"), strings.TrimSpace(q.URL.Query().Get("q"))
	data := struct {
		*page
		Filters, Kinds      []stateFilter
		Kind                string
		Rows                []policyRow
		Pager               pager
		Text, Show          string
		Whole, Write, Empty bool
		Faults              []string // of courses that cannot be read
	}{page: &q.page, Text: text, Show: show, Whole: q.wholeProgram(), Write: q.may("policy.write", access.Object{}), Empty: len(l.Rows) == 0}
	if data.Write {
		_, faults, err := q.st.p.Courses("")
		if err != nil {
			return err
		}
		for _, f := range faults {
			data.Faults = append(data.Faults, f.Error())
		}
	}
	kind := q.URL.Query().Get("kind")
	data.Kind, data.Kinds = kind, q.kindFilters(l.Rows, kind, show, text)
	var rows []policies.Row
	for _, f := range policyFilters {
		n := 0
		for _, r := range l.Rows {
			if kind != "" && r.Kind != kind || !f.keep(r, l.Now) {
				continue
			}
			if n++; f.name == show && matches(text, r.Title, r.ID, q.name(r.Owner)) {
				rows = append(rows, r)
			}
		}
		if data.Whole && (n > 0 || f.name == "" || f.name == show) {
			data.Filters = append(data.Filters, stateFilter{"", f.text, report.Number(n), q.to("/policies", "show", f.name, "q", text, "kind", kind), f.name == show})
		}
	}
	from := q.from(len(rows))
	for _, r := range rows[from:min(len(rows), from+pageLength)] {
		data.Rows = append(data.Rows, q.policyRow(r, l.Now))
	}
	data.Pager = q.pager("/policies", from, len(rows), "show", show, "q", text, "kind", kind)
	q.Title, q.Heading, q.Wide, q.Say = "Policies", "Policies", true, l.Sentence()
	if !data.Whole {
		q.Say = sayRead(len(l.Rows))
	}
	q.Code = []string{"tieout policy agree-list"}
	return q.render("policies.html", data)
}

// kindFilters lead to the documents of one kind, where there are several.
func (q *request) kindFilters(rows []policies.Row, kind, show, text string) []stateFilter {
	n := map[string]int{}
	for _, r := range rows {
		n[r.Kind]++
	}
	if len(n) < 2 && kind == "" {
		return nil
	}
	out := []stateFilter{{Word: "Every kind", N: report.Number(len(rows)), Href: q.to("/policies", "show", show, "q", text), Here: kind == ""}}
	for _, k := range program.DocumentKinds {
		if n[k] > 0 || k == kind {
			out = append(out, stateFilter{Word: report.Capital(k), N: report.Number(n[k]), Href: q.to("/policies", "show", show, "q", text, "kind", k), Here: k == kind})
		}
	}
	return out
}

// sayRead says how many policies there are to read.
func sayRead(n int) string {
	if n == 0 {
		return "No policy is in force yet."
	}
	return report.Capital(report.Plural(n, "policy is", "policies are")) + " in force. What you are asked to agree to is on your own page."
}

func (q *request) policyRow(r policies.Row, now time.Time) policyRow {
	row := policyRow{Row: r, link: link{r.Title, q.at("policies", r.ID)}, Owner: q.name(r.Owner), Word: policies.StatusWord(r.Status),
		Class: map[string]string{program.PolicyApproved: "ok", program.PolicyDraft: "due", program.PolicyRetired: "none"}[r.Status]}
	if r.Fault != "" {
		row.Href, row.Class, row.Word = "", "gap", "Cannot be read"
	}
	if r.Draft > 0 && r.Status == program.PolicyApproved {
		row.Waits = fmt.Sprintf("Version %d waits for approval", r.Draft)
	}
	if r.Unfilled > 0 {
		row.Waits = report.Capital(report.Plural(r.Unfilled, "placeholder", "placeholders")) + " to fill in"
	}
	switch {
	case !r.Acknowledge:
		row.NoAgreement = "not asked for"
	case r.Status != program.PolicyApproved:
		row.NoAgreement = "not in force"
	case r.Asked == 0:
		row.NoAgreement = "nobody is asked"
	}
	if r.Asked > 0 {
		row.Agreed = link{fmt.Sprintf("%s of %s", report.Number(r.Agreed), report.Number(r.Asked)), q.under("policies", r.ID, "agreements", "show", "missing")}
	}
	if !r.ReviewDue.IsZero() && r.Status == program.PolicyApproved {
		row.Review = report.Day(r.ReviewDue, q.zone())
		if r.Overdue(now) {
			row.ReviewClass = "t-dev"
		} else if r.Due(now) {
			row.ReviewClass = "t-late"
		}
	}
	return row
}

// policyAt is the address of a page about one policy.
func (q *request) policyAt(id, rest string, query ...string) string {
	return q.to("/policies/"+url.PathEscape(id)+rest, query...)
}

// theFile is the policy file with that ID; nil where there is none that can be read.
func (q *request) theFile(id string) (*period.PolicyFile, error) {
	files, err := q.st.p.PolicyFiles()
	if err != nil {
		return nil, err
	}
	for i := range files {
		if files[i].Fault == nil && files[i].ID == id {
			return &files[i], nil
		}
	}
	return nil, nil
}
