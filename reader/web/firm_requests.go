package web

import (
	"bytes"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/requestfile"
	"tieout/internal/natural"
	"tieout/report"
)

// firmRequestRoutes are what the firm asks a client for.
var firmRequestRoutes = []route{
	{pattern: "GET /engagements/{id}/requests", needs: "workpaper.read", on: theEngagement, do: (*request).firmRequests},
	{pattern: "GET /engagements/{id}/requests/new", needs: "request.write", on: theEngagement, do: (*request).firmRequestPage},
	{pattern: "POST /engagements/{id}/requests/new", needs: "request.write", on: theEngagement, do: (*request).firmSetRequest},
	{pattern: "GET /engagements/{id}/requests/draft", needs: "request.write", on: theEngagement, do: (*request).firmDraftPage},
	{pattern: "POST /engagements/{id}/requests/draft", needs: "request.write", on: theEngagement, do: (*request).firmDraft},
	{pattern: "GET /engagements/{id}/request-list/{name}", needs: "workpaper.read", on: theEngagement, do: (*request).firmRequestFile},
	{pattern: "POST /engagements/{id}/requests/import", needs: "request.write", on: theEngagement, do: (*request).firmImport},
	{pattern: "POST /engagements/{id}/requests/release", needs: "request.write", on: theEngagement, do: (*request).firmReleaseAll},
	{pattern: "GET /engagements/{id}/requests/{rq}", needs: "workpaper.read", on: theEngagement, do: (*request).firmRequest},
	{pattern: "GET /engagements/{id}/requests/{rq}/edit", needs: "request.write", on: theEngagement, do: (*request).firmRequestPage},
	{pattern: "POST /engagements/{id}/requests/{rq}/edit", needs: "request.write", on: theEngagement, do: (*request).firmSetRequest},
	{pattern: "POST /engagements/{id}/requests/{rq}/release", needs: "request.write", on: theEngagement, do: (*request).firmRelease},
	{pattern: "POST /engagements/{id}/requests/{rq}/decide", needs: "request.write", on: theEngagement, do: (*request).firmDecide},
}

// A firmRequestRow is one request in the list, with both sides' days.
type firmRequestRow struct {
	link
	Kind, Title, Status, Class, Holder, Due string
	Ours, Theirs                            string
	Tests                                   []string
	Late                                    bool
}

// requestClass is the mark of a request's status.
var requestClass = map[engagement.RequestStatus]string{
	engagement.RequestOpen: "none", engagement.RequestInProgress: "due", engagement.RequestSubmitted: "late", engagement.RequestReturned: "gap", engagement.RequestAccepted: "ok", engagement.RequestWithdrawn: "none",
}

// requestStatuses are the statuses as filters name them.
var requestStatuses = []engagement.RequestStatus{engagement.RequestOpen, engagement.RequestInProgress, engagement.RequestSubmitted, engagement.RequestReturned, engagement.RequestAccepted, engagement.RequestWithdrawn}

func firmRequestAt(q *request, id, rq string) string {
	return q.under("engagements", id, "requests") + "/" + rq
}

func (q *request) firmRequestRow(id string, r *fieldwork.Request, zone string) firmRequestRow {
	ours, theirs := r.Held(q.now())
	row := firmRequestRow{link: link{r.ID, firmRequestAt(q, id, r.ID)}, Kind: r.Kind, Title: r.Title, Status: string(r.Status), Class: requestClass[r.Status], Holder: firmHolder(r), Tests: r.Tests,
		Ours: firmDays(ours), Theirs: firmDays(theirs)}
	if r.Due != "" {
		row.Due = firmDay(r.Due, zone)
		row.Late = row.Holder == "the client" && firmPast(r.Due, zone, q.now())
	}
	if row.Holder == "" {
		row.Holder = "nobody"
	}
	return row
}

// firmDays are whole days in words.
func firmDays(d time.Duration) string { return report.Plural(int(d/(24*time.Hour)), "day", "days") }

// firmPast reports whether a calendar day is over at an instant.
func firmPast(day, zone string, now time.Time) bool {
	p, err := audit.NewPeriod(day, day, zone)
	return err == nil && !now.Before(p.To)
}

type firmRequestsPage struct {
	*page
	ID       string
	Rows     []firmRequestRow
	Filters  []stateFilter
	Holders  []stateFilter
	Pager    pager
	Proposed int
	Drafts   int
	Write    bool
	Text     string
	Status   string
	Holder   string
}

func (q *request) firmRequests() error {
	id, v := q.PathValue("id"), q.URL.Query()
	at := q.under("engagements", id, "requests")
	data := firmRequestsPage{page: &q.page, ID: id, Write: q.may("request.write", ofEngagement(id)), Text: strings.TrimSpace(v.Get("q")), Status: v.Get("status"), Holder: v.Get("holder")}
	counts, holders := map[string]int{}, map[string]int{}
	var rows []firmRequestRow
	err := q.inFile(func(_ *fieldwork.State, f *fieldwork.File) error {
		q.firmFrame(f, "/requests")
		data.Proposed = len(f.ProposeRequests())
		late := 0
		for _, r := range firmSortedRequests(f) {
			row := q.firmRequestRow(id, r, f.Terms.Zone)
			who := strings.TrimPrefix(row.Holder, "the ")
			counts[row.Status]++
			holders[who]++
			if row.Late {
				late++
			}
			if !r.Released && row.Holder == "the firm" && r.Status != engagement.RequestSubmitted {
				data.Drafts++
			}
			if (data.Status == "" || data.Status == row.Status) && (data.Holder == "" || data.Holder == who) && matches(data.Text, row.Text, row.Title, strings.Join(row.Tests, " ")) {
				rows = append(rows, row)
			}
		}
		q.Say = sayRequests(len(f.Requests), holders["firm"], holders["client"], late)
		return nil
	})
	if err != nil {
		return err
	}
	from := q.from(len(rows))
	data.Rows, data.Pager = rows[from:min(len(rows), from+pageLength)], q.pager(at, from, len(rows), "q", data.Text, "status", data.Status, "holder", data.Holder)
	data.Filters = []stateFilter{{"", "All", "", q.to(at, "holder", data.Holder), data.Status == ""}}
	for _, s := range requestStatuses {
		if n := counts[string(s)]; n > 0 || data.Status == string(s) {
			data.Filters = append(data.Filters, stateFilter{requestClass[s], string(s), report.Number(n), q.to(at, "status", string(s), "holder", data.Holder), data.Status == string(s)})
		}
	}
	data.Holders = []stateFilter{{"", "Whoever has it", "", q.to(at, "status", data.Status), data.Holder == ""}}
	for _, h := range []string{"firm", "client", "nobody"} {
		if n := holders[h]; n > 0 || data.Holder == h {
			data.Holders = append(data.Holders, stateFilter{"", "With " + map[string]string{"firm": "the firm", "client": "the client", "nobody": "nobody"}[h], report.Number(n), q.to(at, "status", data.Status, "holder", h), data.Holder == h})
		}
	}
	q.Title, q.Heading, q.Wide = "Requests of "+id, "Requests", true
	return q.render("firm-requests.html", data)
}

// firmSortedRequests are the requests in the order of their numbers.
func firmSortedRequests(f *fieldwork.File) []*fieldwork.Request {
	out := book.Sorted(f.Requests)
	slices.SortStableFunc(out, func(a, b *fieldwork.Request) int { return natural.Compare(a.ID, b.ID) })
	return out
}

// sayRequests says how many requests there are, and who has them.
func sayRequests(all, ours, theirs, late int) string {
	if all == 0 {
		return "Nothing is asked of the client yet; what is needed follows from the planned tests."
	}
	if ours+theirs == 0 {
		return "Of " + report.Plural(all, "request", "requests") + ", none is open."
	}
	s := "Of " + report.Plural(all, "request", "requests") + ", " + report.Number(theirs) + " " + isAre(theirs) + " with the client and " + report.Number(ours) + " " + isAre(ours) + " with the firm"
	if late > 0 {
		s += "; the client is late with " + report.Number(late)
	}
	return s + "."
}

// A firmRequestStep is one turn of a request.
type firmRequestStep struct{ When, Who, What string }

type firmAnswerRow struct {
	Status, Text string
	Files        []string
	Records      int
}

func (q *request) firmRequest() error { return q.firmShowRequest() }

func (q *request) firmShowRequest() error {
	id, rq := q.PathValue("id"), q.PathValue("rq")
	data := struct {
		*page
		ID      string
		R       fieldwork.Request
		Row     firmRequestRow
		Steps   []firmRequestStep
		Answers []firmAnswerRow
		Write   bool
		Why     string
		Over    bool
	}{page: &q.page, ID: id, Write: q.may("request.write", ofEngagement(id)), Why: q.PostForm.Get("why")}
	err := q.inFile(func(_ *fieldwork.State, f *fieldwork.File) error {
		r := f.Requests[rq]
		if r == nil {
			return fmt.Errorf("%w: request %s of %s", audit.ErrNotFound, rq, id)
		}
		q.firmFrame(f, "/requests")
		data.R, data.Row = *r, q.firmRequestRow(id, r, f.Terms.Zone)
		data.Over = data.Row.Holder == "nobody"
		for _, s := range r.Steps {
			data.Steps = append(data.Steps, firmRequestStep{report.Moment(s.At, q.zone()), q.name(s.By), report.Capital(s.What)})
		}
		for _, a := range r.Answers {
			data.Answers = append(data.Answers, firmAnswerRow{string(a.Status), a.Text, a.Files, len(a.Records)})
		}
		return nil
	})
	if err != nil {
		return err
	}
	q.Title, q.Heading, q.Ref = rq+", "+data.R.Title, data.R.Title, rq
	q.Say = sayRequest(data.Row)
	q.Way = append(q.Way, link{"Requests", q.under("engagements", id, "requests")}, link{rq, ""})
	return q.render("firm-request.html", data)
}

// sayRequest says where a request stands and how long each side has had it.
func sayRequest(r firmRequestRow) string {
	s := "The request is " + strings.ToLower(r.Status)
	if r.Holder == "nobody" {
		return s + "; the client had it " + r.Theirs + ", the firm " + r.Ours + "."
	}
	return s + " and with " + r.Holder + "; the client has had it " + r.Theirs + " in all, the firm " + r.Ours + "."
}

// firmRequestPage is the form of a request, new or as it is.
func (q *request) firmRequestPage() error {
	id, rq := q.PathValue("id"), q.PathValue("rq")
	have := engagement.Request{Kind: "evidence"}
	var revision int64
	var tests []string
	err := q.inFile(func(_ *fieldwork.State, f *fieldwork.File) error {
		q.firmFrame(f, "/requests")
		if rq != "" {
			r := f.Requests[rq]
			if r == nil {
				return fmt.Errorf("%w: request %s of %s", audit.ErrNotFound, rq, id)
			}
			have, revision = r.Request, r.Revision
		}
		for _, t := range book.Sorted(f.Tests) {
			if t.Dropped == "" {
				tests = append(tests, t.ID)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	q.Title, q.Heading, q.Say = "New request", "Ask for something", "The client gets a request once it is released, and not before."
	action := q.under("engagements", id, "requests") + "/new"
	if rq != "" {
		q.Title, q.Heading, q.Ref, action = rq, "Change the request", rq, firmRequestAt(q, id, rq)+"/edit"
		q.Say = "A request that is changed is released again before the client sees the change."
	}
	q.Way = append(q.Way, link{"Requests", q.under("engagements", id, "requests")})
	return q.render("firm-requestform.html", struct {
		*page
		Action, Back                     string
		Revision                         int64
		Kinds                            []choice
		Heads, Asks, Tests, Items, Until string
		Known                            []string
	}{&q.page, action, q.under("engagements", id, "requests"), revision, choices(q.typed("kind", have.Kind), "", requestfile.Kinds...),
		q.typed("title", have.Title), q.typed("asks", have.Asks), q.typed("tests", strings.Join(have.Tests, " ")), q.typed("items", strings.Join(have.Items, "\n")), q.typed("due", have.Due), tests})
}

func (q *request) firmSetRequest() error {
	id, rq := q.PathValue("id"), q.PathValue("rq")
	r := engagement.Request{ID: rq, Kind: q.field("kind"), Title: q.field("title"), Asks: q.field("asks"), Tests: q.words("tests"), Due: q.field("due")}
	for line := range strings.Lines(q.field("items")) {
		if line = strings.TrimSpace(line); line != "" {
			r.Items = append(r.Items, line)
		}
	}
	base := int64(0)
	if rq != "" {
		base = q.base()
	}
	kept, err := q.files.SetRequest(q.Context(), q.who, id, r, base)
	if err == nil {
		return q.done(firmRequestAt(q, id, kept.ID), kept.ID+" is written. The client gets it once it is released.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.firmRequestPage()
}

// firmDraftPage shows what the planned tests need and no request asks for yet.
func (q *request) firmDraftPage() error {
	id := q.PathValue("id")
	var rows []engagement.Request
	err := q.inFile(func(_ *fieldwork.State, f *fieldwork.File) error {
		q.firmFrame(f, "/requests")
		rows = f.ProposeRequests()
		return nil
	})
	if err != nil {
		return err
	}
	q.Title, q.Heading, q.Say, q.Wide = "Requests from tests", "Requests drafted from the tests", sayDrafts(len(rows)), true
	q.Way = append(q.Way, link{"Requests", q.under("engagements", id, "requests")}, link{"Drafts", ""})
	return q.render("firm-requestdraft.html", struct {
		*page
		ID   string
		Rows []engagement.Request
	}{&q.page, id, rows})
}

// sayDrafts says how many requests the plan would need.
func sayDrafts(n int) string {
	if n == 0 {
		return "Every planned test has a request that serves it."
	}
	return report.Capital(report.Plural(n, "request", "requests")) + " would ask for what the planned tests need; nothing is written until you choose."
}

func (q *request) firmDraft() error {
	id := q.PathValue("id")
	want := map[string]bool{}
	for _, key := range q.PostForm["take"] {
		want[key] = true
	}
	var take []engagement.Request
	err := q.inFile(func(_ *fieldwork.State, f *fieldwork.File) error {
		for _, r := range f.ProposeRequests() {
			if want["all"] || want[draftKey(r)] {
				take = append(take, r)
			}
		}
		return nil
	})
	if err == nil && len(take) == 0 {
		err = fmt.Errorf("%w: choose at least one of the drafts", audit.ErrInvalid)
	}
	for i := 0; err == nil && i < len(take); i++ {
		_, err = q.files.SetRequest(q.Context(), q.who, id, take[i], 0)
	}
	if err == nil {
		return q.done(q.under("engagements", id, "requests"), report.Capital(report.Plural(len(take), "request is", "requests are"))+" written. The client gets them once they are released.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.firmDraftPage()
}

// draftKey tells one draft from another.
func draftKey(r engagement.Request) string { return r.Kind + ":" + strings.Join(r.Tests, "+") }

func (q *request) firmRelease() error {
	id, rq := q.PathValue("id"), q.PathValue("rq")
	err := q.files.ReleaseRequests(q.Context(), q.who, id, rq)
	return q.requestActed(err, rq+" is released to the client.")
}

// requestActed ends an act on one request.
func (q *request) requestActed(err error, words string) error {
	if err == nil {
		id := q.PathValue("id")
		return q.released(id, firmRequestAt(q, id, q.PathValue("rq")), words)
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.firmShowRequest()
}

func (q *request) firmReleaseAll() error {
	id := q.PathValue("id")
	var ids []string
	err := q.inFile(func(_ *fieldwork.State, f *fieldwork.File) error {
		for _, r := range firmSortedRequests(f) {
			if !r.Released && firmHolder(r) == "the firm" && r.Status != engagement.RequestSubmitted {
				ids = append(ids, r.ID)
			}
		}
		return nil
	})
	if err == nil && len(ids) == 0 {
		err = fmt.Errorf("%w: every request is released as it is", audit.ErrConflict)
	}
	if err == nil {
		err = q.files.ReleaseRequests(q.Context(), q.who, id, ids...)
	}
	if err == nil {
		return q.released(id, q.under("engagements", id, "requests"), report.Capital(report.Plural(len(ids), "request is", "requests are"))+" released to the client.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.firmRequests()
}

func (q *request) firmDecide() error {
	to := engagement.RequestStatus(q.field("to"))
	err := q.files.DecideRequest(q.Context(), q.who, q.PathValue("id"), q.PathValue("rq"), to, q.field("why"), q.base())
	return q.requestActed(err, q.PathValue("rq")+" is "+strings.ToLower(string(to))+".")
}

// requestFiles are the forms in which requests go out and come in.
var requestFiles = map[string]string{".csv": "text/csv; charset=utf-8", ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}

// firmRequestFile gives the list of requests as a file.
func (q *request) firmRequestFile() error {
	id, name := q.PathValue("id"), q.PathValue("name")
	kind := requestFiles[path.Ext(name)]
	if kind == "" || strings.TrimSuffix(name, path.Ext(name)) != "requests" {
		return fmt.Errorf("%w: the list is requests.csv or requests.xlsx", audit.ErrNotFound)
	}
	var rows []requestfile.Row
	if err := q.inFile(func(_ *fieldwork.State, f *fieldwork.File) error { rows = f.RequestRows(); return nil }); err != nil {
		return err
	}
	var b bytes.Buffer
	write := requestfile.WriteCSV
	if path.Ext(name) == ".xlsx" {
		write = requestfile.WriteXLSX
	}
	if err := write(&b, rows); err != nil {
		return err
	}
	h := q.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-%s"`, plainName(id), name))
	q.w.WriteHeader(http.StatusOK)
	_, _ = q.w.Write(b.Bytes()) // who asked is gone
	return nil
}

func (q *request) firmImport() error {
	id := q.PathValue("id")
	up, err := q.upload("file")
	if err != nil {
		return err
	}
	if err := access.Require(q.who, "request.write", ofEngagement(id)); err != nil {
		return err
	}
	var rows []requestfile.Row
	switch {
	case len(up.Data) == 0:
		err = fmt.Errorf("%w: choose a file of requests, CSV or XLSX", audit.ErrInvalid)
	case strings.EqualFold(path.Ext(up.Name), ".xlsx"):
		rows, err = requestfile.ReadXLSX(up.Name, bytes.NewReader(up.Data))
	default:
		rows, err = requestfile.ReadCSV(up.Name, bytes.NewReader(up.Data))
	}
	var ids []string
	if err == nil {
		ids, err = q.files.ImportRequests(q.Context(), q.who, id, up.Name, rows)
	}
	if err == nil {
		return q.done(q.under("engagements", id, "requests"), report.Capital(report.Plural(len(ids), "request is", "requests are"))+" imported. The client gets them once they are released.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.firmRequests()
}
