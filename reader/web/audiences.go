package web

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/program"
	"tieout/report"
)

// An audienceRow is one audience with the departments that are it.
type audienceRow struct {
	Name, Title string
	Departments string
	Revision    int64
	Members     string
	Known       bool
}

type audiencesPage struct {
	*page
	Rows        []audienceRow
	Departments []string
}

func (q *request) audiences() error { return q.showAudiences("", "") }

// showAudiences lists every audience that something is for; typed stands in the
// field of the one called name.
func (q *request) showAudiences(name, typed string) error {
	members, err := q.readers()
	if err != nil {
		return err
	}
	used, err := q.usedAudiences()
	if err != nil {
		return err
	}
	data := audiencesPage{page: &q.page}
	open := 0
	err = q.book.Read(q.Context(), func(s *program.State) error {
		for _, a := range used {
			row := audienceRow{Name: a, Title: report.Capital(a)}
			if x := s.Audiences[a]; x != nil {
				row.Departments, row.Revision, row.Known = strings.Join(x.Departments, ", "), x.Revision, len(x.Departments) > 0
			}
			if !row.Known {
				open++
			}
			n := 0
			for i := range members {
				if s.In(members[i].Member, a) {
					n++
				}
			}
			row.Members = report.Plural(n, "person", "people") + " with an account"
			if a == name {
				row.Departments = typed
			}
			data.Rows = append(data.Rows, row)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.Department != "" && !slices.Contains(data.Departments, m.Department) {
			data.Departments = append(data.Departments, m.Department)
		}
	}
	slices.Sort(data.Departments)
	q.Title, q.Heading, q.Say = "Who is who", "Who is in which group", sayAudiences(len(used), open)
	q.Way = []link{{"Policies", q.to("/policies")}, {"Groups", ""}}
	return q.render("audiences.html", data)
}

// sayAudiences says how many groups nobody described yet.
func sayAudiences(all, open int) string {
	switch {
	case all == 0:
		return "Every policy and course is for everybody, for managers, or for those who handle personal data; there is no group to describe."
	case open == 0:
		return "Of " + report.Plural(all, "group", "groups") + " it is said which departments they are."
	}
	return report.Capital(report.Plural(open, "group is", "groups are")) + " not described yet. Until then everybody counts as in them."
}

// usedAudiences are the groups that policies and courses are for, or that were
// described.
func (q *request) usedAudiences() (out []string, err error) {
	l, err := q.policyList(uncounted)
	if err != nil {
		return nil, err
	}
	words, err := q.book.Words(q.Context())
	if err != nil {
		return nil, err
	}
	courses, _, err := q.st.p.Courses(words.Values[program.SecurityContact])
	if err != nil {
		return nil, err
	}
	described, err := q.book.AllAudiences(q.Context())
	if err != nil {
		return nil, err
	}
	for _, r := range l.Rows {
		out = append(out, r.Audience)
	}
	for _, c := range courses {
		out = append(out, c.Audience)
	}
	for _, a := range described {
		out = append(out, a.Name)
	}
	out = slices.DeleteFunc(out, func(a string) bool {
		return slices.Contains([]string{"", program.Everyone, program.Managers, program.PersonalData}, a)
	})
	slices.Sort(out)
	return slices.Compact(out), nil
}

func (q *request) setAudience() error {
	name, typed := q.field("name"), q.field("departments")
	var departments []string
	for _, d := range strings.FieldsFunc(typed, func(r rune) bool { return strings.ContainsRune(",;\r\n", r) }) {
		if d = strings.TrimSpace(d); d != "" && !slices.Contains(departments, d) {
			departments = append(departments, d)
		}
	}
	revision, err := strconv.ParseInt(q.field("revision"), 10, 64)
	if err != nil || revision < 0 {
		return fmt.Errorf("%w: the form is not one of ours", audit.ErrInvalid)
	}
	err = q.book.SetAudience(q.Context(), q.who, program.Audience{Name: name, Departments: departments, Revision: revision})
	if err == nil {
		return q.done(q.to("/policies/audiences"), report.Capital(name)+" are described; what is asked of whom follows from it at once.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.showAudiences(name, typed)
}
