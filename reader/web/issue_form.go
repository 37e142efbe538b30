package web

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement/management"
	"tieout/program"
	"tieout/reader/answer"
)

// linkFields are the fields of the form in which what an issue came from is named.
var linkFields = map[string]string{program.FromDeviation: "deviation", program.FromIncident: "incident", program.FromException: "exception",
	program.FromVendorReport: "report", program.FromGap: "gap"}

// issueForm is a new issue, one that begins at what it is opened on, or one to
// write anew.
func (q *request) issueForm() error {
	var i program.Issue
	var err error
	id := q.PathValue("id")
	q.Title, q.Heading, q.Say = "New issue", "New issue", "Say what has to be mended, who does it and until when."
	q.Way = []link{{"Issues", q.to("/issues")}, {q.Heading, ""}}
	if id != "" {
		if i, err = q.book.Issue(q.Context(), id); err != nil {
			return err
		}
		q.Title, q.Heading, q.Ref = "Change "+id, i.Title, id
		q.Say, q.Way = "What is kept replaces what was said; the date is moved on the issue's own page, with a reason.", []link{{"Issues", q.to("/issues")}, {id, q.at("issues", id)}, {"Change", ""}}
	} else if i, err = q.issueAbout(); err != nil {
		return err
	}
	q.Code = []string{"tieout issue list"}
	have := q.issueFields(i)
	t := func(f string) string { return q.typed(f, have[f]) }
	return q.render("issueform.html", struct {
		*page
		New          bool
		Action, Back string
		T            func(string) string
		Choices      map[string][]choice
		People       []string
	}{&q.page, id == "", q.to(q.URL.Path), q.back("issues", id), t, map[string][]choice{"severity": choices(t("severity"), "", program.IssueSeverities...),
		"remedy": choices(t("remedy"), "Not decided yet", program.IssueRemedies...)}, q.addresses()})
}

// issueAbout is an issue as it begins on what it is opened on: its words, its
// controls with their criteria, and who has the duty of the first.
func (q *request) issueAbout() (i program.Issue, err error) {
	i.Severity = "medium"
	v := q.URL.Query()
	for _, kind := range program.IssueLinks {
		ref := strings.TrimSpace(v.Get(linkFields[kind]))
		if ref == "" {
			continue
		}
		i.Links = append(i.Links, program.IssueLink{Kind: kind, Ref: ref})
		if err := q.issueWords(&i, kind, ref); err != nil && !errors.Is(err, audit.ErrNotFound) {
			return i, err
		}
	}
	if len(i.Criteria) == 0 {
		i.Criteria = q.criteriaOf(i.Controls)
	}
	if i.Owner, err = q.dutyOf(i.Controls); err != nil {
		return i, err
	}
	return i, nil
}

// maxTitle is how many characters of another thing's title an issue begins with.
const maxTitle = 190

// issueWords takes from one thing what it says.
func (q *request) issueWords(i *program.Issue, kind, ref string) error {
	switch kind {
	case program.FromDeviation:
		d, err := q.st.p.Deviation(q.Context(), q.st.run, answer.DeviationRef(ref))
		if err != nil || !q.may("deviation.read", q.ofControls(d.Controls...)) {
			return err
		}
		i.Title, i.Controls = cutText(d.Title, maxTitle), d.Controls
	case program.FromIncident:
		x, err := q.book.Incident(q.Context(), ref)
		if err != nil || !q.may("incident.read", q.ofIncident(x)) {
			return err
		}
		i.Title, i.Controls, i.Criteria = cutText(x.Title, maxTitle), x.Controls, x.Criteria
	case program.FromGap:
		r, err := q.readinessOf()
		if err != nil {
			return err
		}
		if n := slices.IndexFunc(r.Gaps, func(g answer.ReadinessGap) bool { return g.Key == ref }); n >= 0 {
			g := r.Gaps[n]
			i.Title, i.Detail, i.Controls, i.Criteria = cutText(g.What, maxTitle), g.Why, g.Controls, g.Criteria
		}
	}
	return nil
}

// criteriaOf are the criteria that controls stand for.
func (q *request) criteriaOf(controls []string) (out []string) {
	for _, c := range q.st.p.Selection().Controls {
		if slices.Contains(controls, c.ID) {
			out = append(out, c.Criteria...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// dutyOf is the account that has the duty of the first control with an owner that
// somebody has.
func (q *request) dutyOf(controls []string) (account string, err error) {
	err = q.book.Read(q.Context(), func(s *program.State) error {
		for _, c := range q.st.p.Selection().Controls {
			if d := s.Duties[c.Owner]; account == "" && slices.Contains(controls, c.ID) && d != nil {
				account = d.Account
			}
		}
		return nil
	})
	return account, err
}

func (q *request) issueFields(i program.Issue) map[string]string {
	f := map[string]string{"revision": strconv.FormatInt(i.Revision, 10), "title": i.Title, "detail": i.Detail, "severity": i.Severity, "owner": q.addressOf(i.Owner), "remedy": i.Remedy, "plan": i.Plan,
		"due": asField(i.Due, dayForm, q.zone()), "controls": strings.Join(i.Controls, " "), "criteria": strings.Join(i.Criteria, " ")}
	for _, l := range i.Links {
		sep := " "
		if l.Kind == program.FromGap {
			sep = "\n"
		}
		f[linkFields[l.Kind]] = strings.TrimSpace(f[linkFields[l.Kind]] + sep + l.Ref)
	}
	if q.Method == "POST" { // the newest: what is sent again is sent knowing it
		q.PostForm.Set("revision", f["revision"])
	}
	return f
}

func (q *request) writeIssue() error {
	i, err := q.issueTyped()
	switch {
	case err != nil:
	case i.ID == "":
		i, err = q.book.OpenIssue(q.Context(), q.who, i)
	default:
		i, err = q.book.SetIssue(q.Context(), q.who, i)
	}
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.issueForm()
	}
	return q.done(q.at("issues", i.ID), "Kept, and sealed.")
}

func (q *request) issueTyped() (program.Issue, error) {
	i := program.Issue{ID: q.PathValue("id"), Title: q.field("title"), Detail: q.field("detail"), Severity: q.field("severity"), Remedy: q.field("remedy"), Plan: q.field("plan"),
		Controls: q.words("controls"), Criteria: q.words("criteria"), Revision: q.base()}
	before := ""
	if i.ID != "" {
		have, err := q.book.Issue(q.Context(), i.ID)
		if err != nil {
			return i, err
		}
		before = have.Owner
	}
	var err error
	if i.Owner, err = q.somebody(q.field("owner"), before, "owner"); err != nil {
		return i, err
	}
	if i.Due, err = q.day("due", "until when", true); err != nil {
		return i, err
	}
	if i.Links, err = q.linksTyped(); err != nil {
		return i, err
	}
	for _, id := range i.Criteria {
		if !slices.ContainsFunc(q.st.p.Def.Criteria(), func(c audit.Criterion) bool { return c.ID == id }) {
			return i, fmt.Errorf("%w: criteria: there is no criterion %q in scope; see Coverage", audit.ErrInvalid, id)
		}
	}
	return i, q.controlsOf(i.Controls)
}

// linksTyped reads what an issue came from, and refuses what is not there.
func (q *request) linksTyped() (out []program.IssueLink, err error) {
	for _, kind := range program.IssueLinks {
		refs := q.words(linkFields[kind])
		if kind == program.FromGap {
			refs = strings.Split(strings.ReplaceAll(q.field("gap"), "\r", ""), "\n")
		}
		for _, ref := range refs {
			l := program.IssueLink{Kind: kind, Ref: strings.TrimSpace(ref)}
			if l.Ref == "" || slices.Contains(out, l) {
				continue
			}
			if err := q.isThere(&l); err != nil {
				return nil, err
			}
			out = append(out, l)
		}
	}
	return out, nil
}

// isThere refuses a link to what is not there, or is not theirs to read; a
// deviation gets its whole reference.
func (q *request) isThere(l *program.IssueLink) error {
	missing := fmt.Errorf("%w: there is no %s %.80q here", audit.ErrInvalid, l.Kind, l.Ref)
	var may bool
	switch l.Kind {
	case program.FromDeviation:
		d, err := q.st.p.Deviation(q.Context(), q.st.run, answer.DeviationRef(l.Ref))
		if err != nil && !errors.Is(err, audit.ErrNotFound) && !errors.Is(err, audit.ErrInvalid) {
			return err
		}
		l.Ref, may = d.Ref, err == nil && q.may("deviation.read", q.ofControls(d.Controls...))
	case program.FromIncident:
		x, err := q.book.Incident(q.Context(), l.Ref)
		may = err == nil && q.may("incident.read", q.ofIncident(x))
	case program.FromVendorReport:
		_, err := q.book.VendorReport(q.Context(), l.Ref)
		may = err == nil && q.may("register.read", access.Object{})
	case program.FromException:
		exam, finding, _ := strings.Cut(l.Ref, "/")
		err := q.exam.Side.Read(q.Context(), func(s *management.State) error {
			x := s.Sides[exam]
			may = x != nil && x.Findings[finding] != nil && q.opens(q.under("examinations", exam, "findings/"+finding))
			return nil
		})
		if err != nil {
			return err
		}
	default:
		may = true // gaps come and go: a key that no gap has any more is kept
	}
	if !may {
		return missing
	}
	return nil
}
