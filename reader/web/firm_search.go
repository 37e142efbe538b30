package web

import (
	"net/http"
	"strings"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/period"
	"tieout/report"
)

// firmSpan is what an engagement speaks of: days, or one day.
func firmSpan(t engagement.Terms) string {
	if !t.Type.OverPeriod() {
		return "as of " + firmDay(t.AsOf, t.Zone)
	}
	p, err := audit.NewPeriod(t.First, t.Last, t.Zone)
	if err != nil {
		return t.First + " to " + t.Last
	}
	return report.Days(p.Span, p.Location())
}

// firmDay is a calendar day in words; what is none, as it is.
func firmDay(day, zone string) string {
	p, err := audit.NewPeriod(day, day, zone)
	if err != nil {
		return day
	}
	return report.Day(p.From, p.Location())
}

// firmSearch finds engagements by what they are called, and leads straight to one
// that is named.
func (q *request) firmSearch() error {
	want := strings.TrimSpace(q.URL.Query().Get("q"))
	q.Query, q.Title, q.Heading = want, "Search", "Search"
	if i, err := period.ParseEvidenceRef(want); err == nil && i < q.head.Size && strings.HasPrefix(strings.ToUpper(want), "E-") {
		http.Redirect(q.w, q.Request, q.at("evidence", audit.EvidenceRef(i)), http.StatusSeeOther)
		return nil
	}
	var found []hit
	to := ""
	err := q.files.Read(q.Context(), func(s *fieldwork.State) error {
		for _, f := range q.firmSees(s) {
			t, at := f.Terms, q.at("engagements", f.Terms.ID)
			if strings.EqualFold(t.ID, want) {
				to = at
			}
			if want != "" && matches(want, t.ID, t.Client.Name, t.System, t.Type.String()) {
				found = append(found, hit{link{t.ID, at}, t.Client.Name + ", " + t.Type.String()})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if to != "" {
		http.Redirect(q.w, q.Request, to, http.StatusSeeOther)
		return nil
	}
	q.Say = sayFirmSearch(want, len(found))
	type group struct {
		Name string
		Hits []hit
		More string
	}
	data := struct {
		*page
		Groups []group
	}{page: &q.page}
	if len(found) > 0 {
		data.Groups = []group{{"Engagements", found[:min(len(found), hits)], ""}}
	}
	return q.render("search.html", data)
}

// sayFirmSearch says what a search of a firm's room found.
func sayFirmSearch(want string, n int) string {
	switch {
	case want == "":
		return "Search for an engagement or a client, or go straight to an entry of the log such as E-42."
	case n == 0:
		return "Nothing here is called “" + want + "”. Workpapers are not searched."
	}
	return report.Capital(report.Plural(n, "engagement is", "engagements are")) + " called “" + want + "”."
}
