package web

import (
	"net/http"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/period"
	"tieout/report"
)

// A hit is one thing that was found.
type hit struct {
	link
	Title string
}

// hits is how many of a kind a search lists.
const hits = 50

func (q *request) search() error {
	if q.Firm {
		return q.firmSearch()
	}
	want := strings.TrimSpace(q.URL.Query().Get("q"))
	q.Query, q.Title, q.Heading = want, "Search", "Search"
	q.Code = []string{"tieout control list", "tieout deviation list", "tieout evidence list"}
	if to := q.exact(want); to != "" {
		http.Redirect(q.w, q.Request, to, http.StatusSeeOther)
		return nil
	}
	data := struct {
		*page
		Groups []struct {
			Name string
			Hits []hit
			More string
		}
	}{page: &q.page}
	n := 0
	add := func(name, path string, found []hit) {
		n += len(found)
		if len(found) == 0 {
			return
		}
		g := struct {
			Name string
			Hits []hit
			More string
		}{name, found, ""}
		if len(found) > hits {
			g.Hits, g.More = found[:hits], q.to(path, "q", want)
		}
		data.Groups = append(data.Groups, g)
	}
	if want != "" {
		if q.reaches("period.read") {
			add("Controls", "/controls", q.foundControls(want))
			add("Populations", "/populations", q.foundProcedures(want))
		}
		if q.reaches("deviation.read") {
			add("Deviations", "/deviations", q.foundDeviations(want))
		}
		if q.reaches("source.read") {
			add("Connectors", "/connectors", q.foundSources(want))
		}
		add("Words", "/words", q.foundWords(want))
	}
	q.Say = saySearch(want, n)
	return q.render("search.html", data)
}

func saySearch(want string, n int) string {
	switch {
	case want == "":
		return "Search for a control, a deviation, a procedure, a source, or go straight to a record such as E-42."
	case n == 0:
		return "Nothing here is called “" + want + "”. Bytes of evidence are not searched."
	}
	return report.Capital(report.Plural(n, "thing is", "things are")) + " called “" + want + "”."
}

// exact is where a search that names one thing leads.
func (q *request) exact(want string) string {
	upper := strings.ToUpper(want)
	if strings.HasPrefix(upper, "E-") {
		if i, err := period.ParseEvidenceRef(want); err == nil && i < q.head.Size {
			return q.at("evidence", audit.EvidenceRef(i))
		}
	}
	for _, id := range q.st.controls() {
		if strings.EqualFold(id, want) {
			return q.at("controls", id)
		}
	}
	if strings.HasPrefix(upper, "D-") {
		d, err := q.st.p.Deviation(q.Context(), q.st.run, "D-"+strings.ToLower(want[2:]))
		if err == nil && q.may("deviation.read", q.ofControls(d.Controls...)) {
			return q.at("deviations", d.Ref)
		}
	}
	return ""
}

func (q *request) foundControls(want string) (out []hit) {
	within := q.st.controls()
	for _, c := range q.st.p.Selection().Controls {
		if slices.Contains(within, c.ID) && matches(want, c.ID, c.Title, c.Owner, c.Description, strings.Join(c.Criteria, " ")) {
			out = append(out, hit{link{c.ID, q.at("controls", c.ID)}, c.Title})
		}
	}
	return out
}

func (q *request) foundDeviations(want string) (out []hit) {
	for _, d := range q.st.devs {
		if matches(want, d.Ref, d.Item, d.Label, d.Reason, d.Title) {
			name := d.Label
			if name == "" {
				name = d.Item
			}
			out = append(out, hit{link{d.Ref, q.at("deviations", d.Ref)}, name + ": " + d.Reason})
		}
	}
	return out
}

func (q *request) foundProcedures(want string) (out []hit) {
	for _, t := range report.Procedures(q.st.report) {
		if matches(want, t.Procedure, t.Title) {
			out = append(out, hit{link{t.Procedure, q.at("populations", t.Procedure)}, t.Title})
		}
	}
	return out
}

func (q *request) foundSources(want string) (out []hit) {
	for _, s := range q.st.p.Def.Sources {
		if matches(want, s.Name, s.Kind) && q.may("source.read", q.ofSource(s.Name)) {
			out = append(out, hit{link{s.Name, q.to("/connectors", "source", s.Name)}, s.Kind})
		}
	}
	return out
}
