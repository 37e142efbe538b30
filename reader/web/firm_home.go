package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/report"
)

// A firmWait is one thing an engagement waits for, on whom, and since when.
type firmWait struct {
	What  string
	On    string // "you", "the firm" or "the client"
	Since time.Time
	Due   time.Time // of a clock that ends; zero: of one that only runs
	Path  string    // under the engagement's address
}

// firmWaits are what an engagement waits for at an instant; me is who looks.
func firmWaits(s *fieldwork.State, f *fieldwork.File, me string, now time.Time) (out []firmWait) {
	add := func(on string, since time.Time, path, format string, args ...any) {
		out = append(out, firmWait{What: fmt.Sprintf(format, args...), On: on, Since: since, Path: path})
	}
	if due := f.LockDue(); !due.IsZero() && (f.Archive == nil || f.Archive.Locked.IsZero()) {
		out = append(out, firmWait{What: "Assemble and lock the file", On: "the firm", Due: due})
	}
	if f.State.Over() || f.State.Place() >= engagement.Issued.Place() {
		return out
	}
	d := f.Independence[me]
	switch m := f.Team[me]; {
	case d == nil:
		add("you", time.Time{}, "", "Declare your independence")
	case !d.Clear():
		add("the firm", d.At, "", "%s", map[bool]string{true: "Approve that your conflict stands no more", false: "Approve a safeguard for your conflict"}[d.Lifted != ""])
	case m != nil && m.Duty == fieldwork.DutyPartner && f.Accepted == nil:
		add("you", time.Time{}, "", "Accept the client and the engagement")
	}
	if f.Accepted == nil && !slices.ContainsFunc(out, func(w firmWait) bool { return strings.HasPrefix(w.What, "Accept") }) {
		add("the firm", time.Time{}, "", "A partner accepts the client and the engagement")
	}
	if f.Accepted != nil && f.Agreed == nil {
		add("the client", f.Accepted.At, "", "Agree to the terms")
	}
	out = append(out, firmRequestWaits(f)...)
	out = append(out, firmWorkWaits(f)...)
	left, renew := firmConcludeWaits(f)
	out = append(out, left...)
	return append(out, firmOpinionWaits(s, f, renew)...)
}

// firmRequestWaits are requests and populations, each side's together.
func firmRequestWaits(f *fieldwork.File) (out []firmWait) {
	type heap struct {
		n     int
		since time.Time
	}
	var drafts, answered, theirs, frozen heap
	count := func(h *heap, at time.Time) {
		if h.n++; h.since.IsZero() || at.Before(h.since) {
			h.since = at
		}
	}
	for _, r := range book.Sorted(f.Requests) {
		last := r.Steps[len(r.Steps)-1].At
		switch holder := firmHolder(r); {
		case holder == "":
		case r.Status == engagement.RequestSubmitted:
			count(&answered, last)
		case holder == "the client":
			count(&theirs, last)
		default:
			count(&drafts, last)
		}
	}
	for _, p := range book.Sorted(f.Populations) {
		if !p.Accepted && p.Superseded == "" {
			count(&frozen, p.At)
		}
	}
	add := func(h heap, on, path, one, many string) {
		if h.n > 0 {
			out = append(out, firmWait{What: report.Plural(h.n, one, many), On: on, Since: h.since, Path: path})
		}
	}
	add(answered, "the firm", "/requests?status=Submitted", "answer to look at", "answers to look at")
	add(frozen, "the firm", "/populations", "population to accept", "populations to accept")
	add(drafts, "the firm", "/requests?holder=firm", "request to release", "requests to release")
	add(theirs, "the client", "/requests?holder=client", "request to answer", "requests to answer")
	return out
}

// firmHolder is who a request waits on; "": nobody, it is closed.
func firmHolder(r *fieldwork.Request) string {
	switch {
	case r.Status == engagement.RequestAccepted || r.Status == engagement.RequestWithdrawn:
		return ""
	case r.Status == engagement.RequestSubmitted || !r.Released:
		return "the firm"
	}
	return "the client"
}

// clock says since when something waits, and how many days that is; of what has
// to be done by a day, how many are left.
func (w firmWait) clock(now time.Time, loc *time.Location) string {
	days := func(d time.Duration) string { return report.Plural(int(d/(24*time.Hour)), "day", "days") }
	switch {
	case !w.Due.IsZero() && now.After(w.Due):
		return "was due " + report.Day(w.Due, loc) + ", " + days(now.Sub(w.Due)) + " over"
	case !w.Due.IsZero():
		return "due " + report.Day(w.Due, loc) + ", " + days(w.Due.Sub(now)) + " left"
	case w.Since.IsZero():
		return ""
	}
	if now.Sub(w.Since) < 24*time.Hour {
		return "since " + report.Day(w.Since, loc)
	}
	return "since " + report.Day(w.Since, loc) + ", " + days(now.Sub(w.Since))
}

// A firmRow is one engagement in the list of all.
type firmRow struct {
	link
	Type, System, Span, State string
	Waits                     []firmWaitRow
	Places                    []link // parts of its file
}

// A firmWaitRow is a wait as a page shows it.
type firmWaitRow struct {
	link
	On, Clock string
	Class     string // of its status mark
}

// A firmClient is a client with its engagements.
type firmClient struct {
	Name string
	Rows []firmRow
}

func (q *request) firmWaitRows(s *fieldwork.State, f *fieldwork.File) (out []firmWaitRow) {
	class := map[string]string{"you": "late", "the firm": "due", "the client": "none"}
	order := []string{"you", "the firm", "the client"}
	list := firmWaits(s, f, q.me.ID, q.now())
	slices.SortStableFunc(list, func(a, b firmWait) int { return slices.Index(order, a.On) - slices.Index(order, b.On) })
	for _, w := range list {
		row := firmWaitRow{link: link{w.What, q.at("engagements", f.Terms.ID) + w.Path}, On: w.On, Clock: w.clock(q.now(), q.zone()), Class: class[w.On]}
		if strings.Contains(row.Clock, " over") {
			row.Class = "dev"
		}
		out = append(out, row)
	}
	return out
}

// firmHome is the first page of a firm's room: what waits, by client.
func (q *request) firmHome() error {
	var clients []firmClient
	n, mine, ours, theirs := 0, 0, 0, 0
	err := q.files.Read(q.Context(), func(s *fieldwork.State) error {
		for _, f := range q.firmSees(s) {
			t := f.Terms
			row := firmRow{link: link{t.ID, q.at("engagements", t.ID)}, Type: t.Type.String(), System: t.System, Span: firmSpan(t), State: report.Capital(string(f.State)), Waits: q.firmWaitRows(s, f), Places: q.firmFileLinks(t.ID)}
			for _, w := range row.Waits {
				switch w.On {
				case "you":
					mine++
				case "the client":
					theirs++
				default:
					ours++
				}
			}
			n++
			i := slices.IndexFunc(clients, func(c firmClient) bool { return c.Name == t.Client.Name })
			if i < 0 {
				i = len(clients)
				clients = append(clients, firmClient{Name: t.Client.Name})
			}
			clients[i].Rows = append(clients[i].Rows, row)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(clients, func(a, b firmClient) int { return strings.Compare(a.Name, b.Name) })
	q.Title, q.Heading, q.Say, q.Wide = "Engagements", "What needs me today", sayFirmHome(n, mine, ours, theirs), true
	return q.render("firm-home.html", struct {
		*page
		Clients []firmClient
		New     bool
		Warns   string
	}{&q.page, clients, q.opens("/engagements/new"), q.oldPeerReview(q.firm.Party())})
}

// oldPeerReview is the warning of a firm's last peer review that is too old today, ""
// for none.
func (q *request) oldPeerReview(p engagement.Party) string {
	if engagement.PeerReviewOld(p.Reviewed, q.now().Format(time.DateOnly)) {
		return engagement.OldPeerReview + " It was reported on " + p.Reviewed + "."
	}
	return ""
}

// sayFirmHome says how many engagements there are and on whom they wait.
func sayFirmHome(n, mine, ours, theirs int) string {
	if n == 0 {
		return "No engagement is open that you are on."
	}
	s := "Of " + report.Plural(n, "engagement", "engagements") + ", "
	if mine+ours+theirs == 0 {
		return s + "nothing waits for anybody."
	}
	var parts []string
	for _, p := range []struct {
		n  int
		on string
	}{{mine, "you"}, {ours, "the firm"}, {theirs, "clients"}} {
		if p.n > 0 {
			parts = append(parts, report.Plural(p.n, "thing waits", "things wait")+" for "+p.on)
		}
	}
	return s + report.List(parts) + "."
}
