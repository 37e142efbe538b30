package web

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	"tieout/program"
	"tieout/reader/answer"
	"tieout/report"
)

// vendorReportRoutes are suppliers' reports and their reviews.
var vendorReportRoutes = []route{
	{pattern: "GET /vendors/{id}/reports/new", needs: "register.write", do: (*request).vendorReportForm},
	{pattern: "POST /vendors/{id}/reports/new", needs: "register.write", do: (*request).writeVendorReport},
	{pattern: "GET /vendors/{id}/reports/{report}", needs: "register.read", on: theVendor, do: (*request).vendorReport},
	{pattern: "GET /vendors/{id}/reports/{report}/edit", needs: "register.write", do: (*request).vendorReportForm},
	{pattern: "POST /vendors/{id}/reports/{report}/edit", needs: "register.write", do: (*request).writeVendorReport},
	{pattern: "POST /vendors/{id}/reports/{report}/conclude", needs: "register.write", do: (*request).concludeVendorReport},
	{pattern: "POST /vendors/{id}/reports/{report}/accept", needs: "risk.accept", on: preparedVendorReport, do: (*request).acceptVendorReport, example: "/vendors/V-1/reports/VR-1/accept"},
}

// A vendorCover is how much of the period a vendor's reports speak of, in words.
type vendorCover struct {
	Says, Next string
	Holes      []string
	Reports    []vendorReportRow
}

type vendorReportRow struct {
	link
	Type, Span, Opinion, Review, Counts, Fresh string
	Late, Waits                                bool
}

// vendorCover weighs a vendor's reports against this period.
func (q *request) vendorCover(id string, list []program.VendorReport) (out vendorCover) {
	c := q.coverOf(list)
	out.Says, out.Next = answer.Cover(c), answer.CoverNext(c)
	if c.Uncovered() < c.Days {
		for _, h := range c.Holes {
			out.Holes = append(out.Holes, daysBetween(h.First, h.Last))
		}
	}
	for _, r := range list {
		row := vendorReportRow{link: link{r.ID, q.under("vendors", id, "reports/"+r.ID)}, Type: string(r.Type), Span: reportDays(r), Opinion: report.Capital(r.Opinion), Review: "Not concluded", Late: r.Reviewed.IsZero()}
		if !row.Late {
			row.Review = report.Day(r.Reviewed, q.zone())
		}
		row.Counts, row.Waits, row.Fresh = q.sayCounts(&r), r.Waits(), report.Capital(answer.Freshness(&r, q.now().In(q.zone())))
		out.Reports = append(out.Reports, row)
	}
	return out
}

// sayCounts says in a word or two whether the review of a report counts as one of
// its vendor.
func (q *request) sayCounts(r *program.VendorReport) string {
	now := q.now()
	switch {
	case !r.Concluded():
		return "Not yet"
	case r.Counts(now) && r.Accepted.Why != "":
		return "By exception until " + dayWords(r.Accepted.Until)
	case r.Counts(now):
		return "Yes"
	case r.Waits():
		return "Once management accepts it"
	case !r.Accepted.At.IsZero():
		return "No longer since " + dayWords(r.Accepted.Until)
	}
	return "No"
}

// preparedVendorReport is the report of the address with who prepared it.
func preparedVendorReport(q *request) (access.Object, error) {
	r, err := q.theVendorReport()
	if err != nil {
		return access.Object{}, q.unknown(err, "risk.accept")
	}
	return access.Object{Prepared: r.PreparedBy}, nil
}

// coverOf weighs reports against the days of this period that have begun.
func (q *request) coverOf(list []program.VendorReport) program.VendorCover {
	p := q.st.p.Period
	last := p.To.In(q.zone()).AddDate(0, 0, -1)
	return program.Cover(list, p.From.In(q.zone()), answer.CoverTo(last, q.now().In(q.zone())))
}

func daysBetween(first, last time.Time) string {
	if first.Equal(last) {
		return report.Day(last, time.UTC)
	}
	return report.Day(first, time.UTC) + " to " + report.Day(last, time.UTC)
}

// reportDays are the days a report speaks of, in words.
func reportDays(r program.VendorReport) string {
	if r.First == "" {
		return "as of " + dayWords(r.Last)
	}
	return dayWords(r.First) + " to " + dayWords(r.Last)
}

// theVendorReport is the report of the address, which is of the vendor of the
// address.
func (q *request) theVendorReport() (program.VendorReport, error) {
	r, err := q.book.VendorReport(q.Context(), q.PathValue("report"))
	if err == nil && r.Vendor != q.PathValue("id") {
		err = fmt.Errorf("%w: %s is a report of another vendor", audit.ErrNotFound, r.ID)
	}
	return r, err
}

func (q *request) vendorReport() error {
	r, err := q.theVendorReport()
	if err != nil {
		return err
	}
	v, err := q.book.Vendor(q.Context(), r.Vendor)
	if err != nil {
		return err
	}
	var evidence *link
	if r.Evidence != "" {
		evidence = &link{r.Evidence, q.at("evidence", r.Evidence)}
	}
	unfinished := r.Unfinished()
	for i := range unfinished {
		unfinished[i] = sentence(unfinished[i])
	}
	accept, whyNot := q.mayAcceptReport(&r)
	q.Title, q.Heading, q.Ref = r.ID+" "+string(r.Type), string(r.Type)+" of "+v.Name, r.ID
	q.Say = answer.VendorReport(&r, q.dayOr(r.Reviewed, ""), q.name(r.ReviewedBy))
	q.Way = []link{{"Vendors", q.to("/vendors")}, {v.ID, q.at("vendors", v.ID)}, {r.ID, ""}}
	q.Code = []string{"tieout vendor show " + v.ID}
	return q.render("vendorreport.html", struct {
		*page
		R                  program.VendorReport
		Span, Dated, Next  string
		Categories         string
		Ours, Opinion      string
		Limits, Unfinished []string
		Evidence           *link
		Edit, Conclude     string
		Revision           int64
		Write              bool
		T                  func(string) string
		Fresh, Procedures  string
		Received           string
		Behind             []link
		Exception          string // where the exception stands
		NeedsException     bool
		Accept             bool
		WhyNot, AcceptAt   string
		TermsBy            string
	}{&q.page, r, reportDays(r), dayWords(r.Dated), dayWords(r.Next), strings.Join(r.Categories, " "), report.Capital(r.Ours), report.Capital(r.Opinion), r.Limits(q.now().In(q.zone())), unfinished, evidence,
		q.under("vendors", v.ID, "reports/"+r.ID+"/edit"), q.under("vendors", v.ID, "reports/"+r.ID+"/conclude"), r.Revision, q.reaches("register.write"), func(f string) string { return q.typed(f, "") },
		report.Capital(answer.Freshness(&r, q.now().In(q.zone()))) + ".", report.Capital(strings.Join(r.Procedures, ", ")), dayWords(r.Received), q.behindLinks(&r),
		answer.Accepted(&r, q.name(r.Accepted.By), q.now(), q.zone()), r.NeedsException(), accept, whyNot, q.under("vendors", v.ID, "reports/"+r.ID+"/accept"), sayTermsBy(r.Terms)})
}

// behindLinks are the organizations of a report that are vendors of the register.
func (q *request) behindLinks(r *program.VendorReport) (out []link) {
	for _, b := range r.Behind {
		out = append(out, link{b.Name + ", " + b.Vendor, q.at("vendors", b.Vendor)})
	}
	return out
}

// sayTermsBy says who accepted a report's terms and when; "" where nobody is named.
func sayTermsBy(t program.VendorTerms) string {
	s := t.AcceptedBy
	if s == "" && t.AcceptedOn != "" {
		s = "somebody"
	}
	if t.AcceptedOn != "" {
		s += " on " + dayWords(t.AcceptedOn)
	}
	return s
}

// mayAcceptReport reports whether who is signed in can accept the exception that a
// report waits for, and why not where only their own hand in it forbids it.
func (q *request) mayAcceptReport(r *program.VendorReport) (ok bool, whyNot string) {
	if !r.Waits() {
		return false, ""
	}
	ok, why := access.Allowed(q.who, "risk.accept", access.Object{Prepared: r.PreparedBy})
	if !ok && q.may("risk.accept", access.Object{Prepared: []string{access.ByProgram}}) {
		return false, sentence(why)
	}
	return ok, ""
}

func (q *request) acceptVendorReport() error {
	r, err := q.theVendorReport()
	if err == nil {
		_, err = q.book.AcceptVendorReport(q.Context(), q.who, r.ID, q.base())
	}
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.vendorReport()
	}
	return q.done(q.under("vendors", r.Vendor, "reports/"+r.ID), "Accepted for management by exception, and sealed.")
}

func (q *request) concludeVendorReport() error {
	r, err := q.theVendorReport()
	if err == nil {
		c := program.VendorConclusion{Conclusion: q.field("conclusion"), FollowUp: q.field("followUp"), Why: q.field("why"), Until: q.field("until")}
		err = q.book.ConcludeVendorReport(q.Context(), q.who, r.ID, c, q.base(), q.zone())
	}
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.vendorReport()
	}
	return q.done(q.at("vendors", r.Vendor), "The review of "+r.ID+" is concluded, and sealed.")
}

func (q *request) vendorReportForm() error {
	v, err := q.book.Vendor(q.Context(), q.PathValue("id"))
	if err != nil {
		return err
	}
	r := program.VendorReport{Type: program.ReportSOC2Type2, Ours: "yes"}
	q.Title, q.Heading, q.Say = "Report of "+v.Name, "Enter a report of "+v.Name, "What the report says of itself, what it found, and what it expects of you. Its review is concluded afterwards."
	q.Way = []link{{"Vendors", q.to("/vendors")}, {v.ID, q.at("vendors", v.ID)}, {"New report", ""}}
	back := q.at("vendors", v.ID)
	if q.PathValue("report") != "" {
		if r, err = q.theVendorReport(); err != nil {
			return err
		}
		back = q.under("vendors", v.ID, "reports/"+r.ID)
		q.Heading, q.Ref, q.Way[2] = "Change "+string(r.Type)+" of "+v.Name, r.ID, link{r.ID, back}
		if !r.Reviewed.IsZero() {
			q.Say = "Its review is concluded. What you change opens it again."
		}
	}
	have := vendorReportFields(r)
	if q.Method == "POST" { // the newest: what is sent again is sent knowing it
		q.PostForm.Set("revision", have["revision"])
	}
	t := func(f string) string { return q.typed(f, have[f]) }
	types := make([]string, len(program.VendorReportTypes))
	for i, x := range program.VendorReportTypes {
		types[i] = string(x)
	}
	q.Code = []string{"tieout vendor show " + v.ID}
	return q.render("vendorreportform.html", struct {
		*page
		Action, Back string
		T            func(string) string
		Choices      map[string][]choice
		CanSeal      bool
		Procedures   []choice
		Physical     bool
	}{&q.page, q.to(q.URL.Path), back, t, map[string][]choice{"type": choices(t("type"), "", types...), "ours": choices(t("ours"), "", "yes", "in part", "no"),
		"opinion": choices(t("opinion"), "It has none", program.VendorOpinions...), "assessor": choices(t("assessor"), "Nobody said yet", program.VendorAssessors...)}, q.reaches("evidence.add"),
		q.procedureTicks(r), q.Method == "POST" && q.field("physical") == "yes" || q.Method != "POST" && r.Physical})
}

// procedureTicks are the kinds of procedures, as ticked or as they stand.
func (q *request) procedureTicks(r program.VendorReport) (out []choice) {
	for _, p := range program.VendorProcedures {
		chosen := slices.Contains(r.Procedures, p)
		if q.Method == "POST" {
			chosen = q.field("by-"+p) == "yes"
		}
		out = append(out, choice{"by-" + p, report.Capital(p), chosen})
	}
	return out
}

// vendorReportFields are the fields of the form as they stand.
func vendorReportFields(r program.VendorReport) map[string]string {
	f := map[string]string{"revision": strconv.FormatInt(r.Revision, 10), "type": string(r.Type), "issuer": r.Issuer, "system": r.System, "ours": r.Ours, "first": r.First, "last": r.Last, "dated": r.Dated,
		"categories": strings.Join(r.Categories, " "), "opinion": r.Opinion, "modified": r.Modified, "carvedOut": behindText(r.CarvedOut, r.Behind), "included": behindText(r.Included, r.Behind),
		"received": r.Received, "assessor": r.Assessor, "samples": r.Samples, "inquiry": r.Inquiry, "firm": r.Firm, "terms": r.Terms.Text, "acceptedBy": r.Terms.AcceptedBy, "acceptedOn": r.Terms.AcceptedOn,
		"marked": r.Terms.Marked, "events": r.Events, "next": r.Next, "evidence": r.Evidence}
	var exceptions, duties []string
	for _, x := range r.Exceptions {
		exceptions = append(exceptions, strings.Join([]string{x.Control, x.Text, x.Assumed, x.Effect}, " | "))
	}
	for _, x := range r.Duties {
		answers := strings.Join(x.Controls, " ")
		if answers == "" && x.Needless != "" {
			answers = "none: " + x.Needless
		}
		duties = append(duties, strings.Join([]string{x.Ref, x.Text, answers}, " | "))
	}
	f["exceptions"], f["duties"] = strings.Join(exceptions, "\n"), strings.Join(duties, "\n")
	return f
}

func (q *request) writeVendorReport() error {
	file, err := q.upload("file")
	if err != nil {
		return err
	}
	if q.PathValue("report") != "" { // a report is entered once, under a number of its own
		if _, err := q.theVendorReport(); err != nil {
			return err
		}
	}
	r, err := q.vendorReportTyped()
	if err == nil && len(file.Data) > 0 {
		if r.Evidence, err = q.sealVendorReport(file, r); err == nil {
			q.PostForm.Set("evidence", r.Evidence) // it is sealed, whatever comes of the rest
		}
	}
	if err == nil {
		r, err = q.book.SetVendorReport(q.Context(), q.who, r)
	}
	if err != nil {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.vendorReportForm()
	}
	return q.done(q.under("vendors", r.Vendor, "reports/"+r.ID), "Kept, and sealed.")
}

// sealVendorReport seals the report's file as evidence of the days it speaks of.
func (q *request) sealVendorReport(file upload, r program.VendorReport) (string, error) {
	first := r.First
	if first == "" {
		first = r.Last
	}
	about, err := q.days(first, r.Last)
	if err != nil {
		return "", err
	}
	rec, err := q.sealUpload(file, period.Document{Title: string(r.Type) + " of " + r.Vendor + " to " + r.Last, About: about})
	if err != nil {
		return "", err
	}
	return rec.Ref(), nil
}

func (q *request) vendorReportTyped() (r program.VendorReport, err error) {
	r = program.VendorReport{ID: q.PathValue("report"), Vendor: q.PathValue("id"), Revision: q.base(), Type: program.VendorReportType(q.field("type")), Issuer: q.field("issuer"), System: q.field("system"),
		Ours: q.field("ours"), First: q.field("first"), Last: q.field("last"), Dated: q.field("dated"), Categories: strings.Fields(q.field("categories")), Opinion: q.field("opinion"), Modified: q.field("modified"),
		Received: q.field("received"), Assessor: q.field("assessor"), Physical: q.field("physical") == "yes", Samples: q.field("samples"), Inquiry: q.field("inquiry"), Firm: q.field("firm"),
		Terms:     program.VendorTerms{Text: q.field("terms"), AcceptedBy: q.field("acceptedBy"), AcceptedOn: q.field("acceptedOn"), Marked: q.field("marked")},
		CarvedOut: firstCells(q.field("carvedOut")), Included: firstCells(q.field("included")), Events: q.field("events"), Next: q.field("next"), Evidence: q.field("evidence")}
	for _, p := range program.VendorProcedures {
		if q.field("by-"+p) == "yes" {
			r.Procedures = append(r.Procedures, p)
		}
	}
	if r.Behind, err = behindTyped(q.field("carvedOut"), q.field("included")); err != nil {
		return r, err
	}
	for _, cells := range firmLines(q.field("exceptions")) {
		if len(cells) < 2 || len(cells) > 4 {
			return r, fmt.Errorf("%w: exceptions: %q is not written as CONTROL | WHAT WAS FOUND | CONTROL ASSUMED OF THEM | EFFECT ON YOU", audit.ErrInvalid, strings.Join(cells, " | "))
		}
		cells = append(cells, "", "")
		r.Exceptions = append(r.Exceptions, program.VendorException{Control: cells[0], Text: cells[1], Assumed: cells[2], Effect: cells[3]})
	}
	for _, cells := range firmLines(q.field("duties")) {
		if len(cells) < 2 || len(cells) > 3 {
			return r, fmt.Errorf("%w: controls expected of users: %q is not written as REFERENCE | WHAT IS EXPECTED | OWN CONTROLS", audit.ErrInvalid, strings.Join(cells, " | "))
		}
		d, err := q.duty(append(cells, "")[:3])
		if err != nil {
			return r, err
		}
		r.Duties = append(r.Duties, d)
	}
	return r, nil
}

// duty reads one control that is expected of users, and what answers it: own
// controls of this period, or "none: " and why.
func (q *request) duty(cells []string) (program.VendorDuty, error) {
	d := program.VendorDuty{Ref: cells[0], Text: cells[1]}
	if why, none := strings.CutPrefix(cells[2], "none:"); none {
		d.Needless = strings.TrimSpace(why)
		return d, nil
	}
	for _, id := range strings.FieldsFunc(cells[2], func(r rune) bool { return r == ' ' || r == ',' }) {
		if !slices.ContainsFunc(q.st.p.Selection().Controls, func(c audit.Control) bool { return c.ID == id }) {
			return d, fmt.Errorf("%w: controls expected of users: there is no control %q in this period; where none is needed write none: and why", audit.ErrInvalid, id)
		}
		d.Controls = append(d.Controls, id)
	}
	return d, nil
}

// firstCells are the lines of a field.
func firstCells(text string) (out []string) {
	for _, cells := range firmLines(text) {
		out = append(out, cells[0])
	}
	return out
}

// behindText are organizations as a field has them, each with its row of the
// register where a person said which it is.
func behindText(names []string, behind []program.VendorBehind) string {
	lines := slices.Clone(names)
	for i, n := range names {
		if j := slices.IndexFunc(behind, func(b program.VendorBehind) bool { return b.Name == n }); j >= 0 {
			lines[i] += " | " + behind[j].Vendor
		}
	}
	return strings.Join(lines, "\n")
}

// behindTyped reads which organizations are which vendor of the register.
func behindTyped(fields ...string) (out []program.VendorBehind, err error) {
	for _, cells := range firmLines(strings.Join(fields, "\n")) {
		switch {
		case len(cells) > 2:
			return nil, fmt.Errorf("%w: organizations: %q is not written as NAME | ITS ROW IN THE REGISTER, such as V-3", audit.ErrInvalid, strings.Join(cells, " | "))
		case len(cells) == 2 && cells[1] != "" && !slices.ContainsFunc(out, func(b program.VendorBehind) bool { return b.Name == cells[0] }):
			out = append(out, program.VendorBehind{Name: cells[0], Vendor: cells[1]})
		}
	}
	return out, nil
}
