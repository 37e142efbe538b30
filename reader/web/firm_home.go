package web

import (
	"tieout/engagement/fieldwork"
	"tieout/report"
)

// A firmRow is one engagement in the list of all.
type firmRow struct {
	link
	Client, Type, System, Span, State string
}

// firmHome is the first page of a firm's room: engagements by client.
func (q *request) firmHome() error {
	var rows []firmRow
	err := q.files.Read(q.Context(), func(s *fieldwork.State) error {
		for _, f := range q.firmSees(s) {
			t := f.Terms
			rows = append(rows, firmRow{link: link{t.ID, q.at("engagements", t.ID)}, Client: t.Client.Name, Type: t.Type.String(), System: t.System, Span: firmSpan(t), State: report.Capital(string(f.State))})
		}
		return nil
	})
	if err != nil {
		return err
	}
	q.Title, q.Heading, q.Say, q.Wide = "Engagements", "What needs me today", sayFirmHome(len(rows)), true
	q.Code = []string{"tieout engagement list"}
	return q.render("firm-home.html", struct {
		*page
		Rows []firmRow
	}{&q.page, rows})
}

// sayFirmHome says how many engagements there are.
func sayFirmHome(n int) string {
	if n == 0 {
		return "No engagement is open that you are on."
	}
	return report.Capital(report.Plural(n, "engagement is", "engagements are")) + " open to you."
}
