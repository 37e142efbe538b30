package web

import (
	"net/http"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/examination"
	"tieout/report"
)

// A firmShare is one copy that was made.
type firmShare struct {
	engagement.Share
	Who, When, What string
	Entry           link
}

type firmCopiesPage struct {
	*page
	ID, Action     string
	Rows           []firmShare
	Missing        []string
	May            bool
	For, Mail, Why string
	Mark           bool
	Wanted         string
	MayNot         string
}

// firmCopies are the copies of the report that this firm made, and the form for
// another.
func (q *request) firmCopies() error {
	id := q.PathValue("id")
	at := q.under("engagements", id, "report")
	data := firmCopiesPage{page: &q.page, ID: id, Action: at + "/copies", For: q.PostForm.Get("for"), Mail: q.PostForm.Get("mail"), Why: q.PostForm.Get("why"), Mark: q.Method == http.MethodGet || q.PostForm.Get("mark") != ""}
	err := q.inFile(func(s *fieldwork.State, f *fieldwork.File) error {
		q.gridFrame(f, "/report")
		zone := (&gridLook{terms: f.Terms}).zone()
		for _, c := range f.Copies {
			ref := audit.EvidenceRef(c.Record)
			data.Rows = append(data.Rows, firmShare{*c, q.name(c.By), report.Moment(c.At, zone), copyInWords(c.Copy), link{ref, q.at("evidence", ref)}})
		}
		data.Missing = firmMissing(s.Standing(f, "report.copy", "", q.now()))
		data.May = len(data.Missing) == 0 && q.gridMay("report.copy")
		return nil
	})
	if err != nil {
		return err
	}
	q.Say = sayCopies(len(data.Rows))
	q.Title, q.Heading, q.Wide = "Copies of the report of "+id, "Copies for recipients", true
	q.Way = []link{{id, q.at("engagements", id)}, {"Report", at}, {"Copies", ""}}
	q.Code = []string{"tieout report copy FILE.pdf --engagement " + id + " --for NAME --mail ADDRESS --why TEXT --mark"}
	return q.render("firm-report-copies.html", &data)
}

// copyInWords says what was done to a copy.
func copyInWords(c engagement.Copy) string {
	switch {
	case c.Marked && c.Encrypted:
		return "Marked on every page, encrypted"
	case c.Encrypted:
		return "Encrypted"
	}
	return "Marked on every page"
}

// sayCopies says how many copies were made here.
func sayCopies(n int) string {
	if n == 0 {
		return "This firm has made no copy of the report for anybody."
	}
	return "This firm has made " + report.Plural(n, "copy", "copies") + " of the report; each is an entry of its log."
}

// firmCopy makes a copy and gives it out; its entry is sealed before.
func (q *request) firmCopy() error {
	f, _, err := q.s.firm.CopyReport(q.Context(), q.who, q.PathValue("id"), examination.Copying{
		For: q.field("for"), Mail: q.field("mail"), Why: q.field("why"), Mark: q.field("mark") != "", Password: q.PostForm.Get("password")})
	if err == nil {
		return q.firmSendFile(f)
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.firmCopies()
}
