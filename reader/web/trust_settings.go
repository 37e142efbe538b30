package web

import (
	"fmt"
	"strings"

	"tieout/access"
	"tieout/policy"
	"tieout/report"
	"tieout/trust"
)

// A trustSetting is a report in force, and whether it is spoken of in public.
type trustSetting struct {
	ID, What  string
	Published string // by whom and when; "": it is not
	Badge     string // what shows it on another page; "": it is not published
}

func (q *request) trustSettings() error {
	inForce, err := q.reportsInForce()
	if err != nil {
		return err
	}
	var rows []trustSetting
	choices := []choice{}
	for id := range inForce {
		choices = append(choices, choice{Value: id})
	}
	sortChoices(choices)
	err = q.trust().Read(q.Context(), func(s *trust.State) error {
		for _, c := range choices {
			r := inForce[c.Value]
			row := trustSetting{ID: c.Value, What: r.Terms.Type.String() + ", " + firmSpan(r.Terms) + ", by " + r.Terms.Firm.Name}
			if p := s.Published[c.Value]; p != nil && p.Report == r.Report {
				row.Published = q.name(p.By) + ", " + report.Moment(p.At, q.zone())
				base := q.s.base(q.Request)
				row.Badge = `<a href="` + base + `/trust"><img src="` + base + `/trust/badge/` + c.Value + `" width="280" height="56" alt="` + r.Terms.Type.String() + ` report"></a>`
			}
			rows = append(rows, row)
		}
		return nil
	})
	if err != nil {
		return err
	}
	terms, revision, err := q.trust().InForce(q.Context())
	if err != nil {
		return err
	}
	return q.showTrustSettings(rows, terms, revision)
}

func (q *request) showTrustSettings(rows []trustSetting, terms *trust.Terms, revision int64) error {
	n := 0
	for _, r := range rows {
		if r.Published != "" {
			n++
		}
	}
	data := struct {
		*page
		Rows      []trustSetting
		Any       bool
		Public    string
		Terms     *trust.Terms
		TermsText any
		By, Text  string
		Revision  string
		May       bool
		Classes   []trust.Class
	}{page: &q.page, Rows: rows, Any: n > 0, Public: q.s.base(q.Request) + "/trust", Terms: terms, Revision: fmt.Sprint(revision), May: q.may("trust.publish", access.Object{}), Classes: trust.Classes, Text: q.PostForm.Get("text")}
	if terms != nil {
		data.TermsText, data.By = policy.HTML(terms.Text), q.name(terms.By)+", "+report.Moment(terms.At, q.zone())
		data.Text = q.typed("text", terms.Text)
	}
	q.trustFrame("Public page and terms", "/trust/settings", link{"Public page and terms", ""})
	q.Say, q.Code = sayTrustSettings(n, terms), []string{"tieout trust publish", "tieout trust nda set FILE"}
	return q.render("trust-settings.html", data)
}

// sayTrustSettings says what outsiders can know, and what they agree to.
func sayTrustSettings(published int, terms *trust.Terms) string {
	out := "Nothing is published: the public page does not exist"
	if published > 0 {
		out = report.Capital(report.Plural(published, "report is", "reports are")) + " spoken of on the public page"
	}
	if terms == nil {
		return out + "; no terms of access are set."
	}
	return out + fmt.Sprintf("; version %d of the terms of access is in force.", terms.Version)
}

func (q *request) publishReport() error {
	return q.trustSet(q.exam.Publish(q.Context(), q.who, q.field("engagement")), "It is published: the public page says that it exists, and nothing of what it says.")
}

func (q *request) unpublishReport() error {
	return q.trustSet(q.trust().Unpublish(q.Context(), q.who, q.field("engagement")), "It is not published any more. Whoever has access keeps it.")
}

func (q *request) setAccessTerms() error {
	_, err := q.trust().SetTerms(q.Context(), q.who, strings.ReplaceAll(q.PostForm.Get("text"), "\r\n", "\n"), q.base())
	return q.trustSet(err, "These terms are in force. Who agreed to an earlier version stays bound by that one.")
}

// trustSet goes on after a setting was changed, or shows the page with what is wrong.
func (q *request) trustSet(err error, words string) error {
	if err == nil {
		return q.done(q.to("/trust/settings"), words)
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.trustSettings()
}
