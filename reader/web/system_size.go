package web

import (
	"encoding/json"
	"net/http"
	"strings"

	"tieout/audit"
	"tieout/reader/answer"
	"tieout/report"
)

// systemSize is what a firm asks before it names a price: how much there is to
// examine. Who reads a part of the period is shown no number of the whole.
func (q *request) systemSize() error {
	st := q.st.whole()
	s, err := answer.SizeOf(q.Context(), st.p, st.report)
	if err != nil {
		return err
	}
	if q.URL.Query().Get("format") == "json" {
		return q.sizeJSON(s)
	}
	type row struct{ Name, Text, Counts, Why string }
	data := struct {
		*page
		S           *answer.Size
		Categories  string
		Rows        []row
		Populations []answer.SizePopulation
		JSON        string
	}{page: &q.page, S: s, Categories: strings.Join(s.CategoryNames(), ", "), Populations: s.Populations, JSON: q.to("/system/size", "format", "json")}
	for _, f := range s.Figures {
		data.Rows = append(data.Rows, row{f.Name, report.Capital(f.Text()), f.Counts, f.Why})
	}
	q.Title, q.Heading, q.Say = "What to tell a firm", "What to tell a firm", s.Sentence()
	q.Way = []link{{"Examination", q.to("/examinations")}, {"What to tell a firm", ""}}
	q.Code = []string{"tieout system size"}
	return q.render("systemsize.html", data)
}

// sizeJSON gives the same as a file for programs.
func (q *request) sizeJSON(s *answer.Size) error {
	body, err := json.MarshalIndent(map[string]any{"schema": answer.SizeSchema, "summary": map[string]string{"text": s.Sentence()}, "size": s}, "", "  ")
	if err != nil {
		return err
	}
	h := q.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="system-size-`+audit.FormatTime(s.AsOf)[:10]+`.json"`)
	q.w.WriteHeader(http.StatusOK)
	_, _ = q.w.Write(append(body, '\n')) // who asked is gone
	return nil
}
