package web

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/packet"
	"tieout/report"
)

// firmEngagementRoutes are one engagement as a whole.
var firmEngagementRoutes = []route{
	{pattern: "GET /engagements/new", needs: "plan.write", do: (*request).firmNewPage},
	{pattern: "POST /engagements/new", needs: "plan.write", do: (*request).firmNew},
	{pattern: "GET /engagements/{id}", needs: "workpaper.read", on: theEngagement, do: (*request).firmEngagement},
	{pattern: "GET /engagements/{id}/terms", needs: "plan.write", on: theEngagement, do: (*request).firmTermsPage},
	{pattern: "POST /engagements/{id}/terms", needs: "plan.write", on: theEngagement, do: (*request).firmTerms},
	{pattern: "POST /engagements/{id}/milestones", needs: "plan.write", on: theEngagement, do: (*request).firmMilestones},
	{pattern: "POST /engagements/{id}/independence", needs: "independence.declare", on: firmOwn, do: (*request).firmDeclare},
	{pattern: "POST /engagements/{id}/safeguard", needs: "client.accept", on: theEngagement, do: (*request).firmSafeguard},
	{pattern: "POST /engagements/{id}/team", needs: "team.assign", on: theEngagement, do: (*request).firmAssign},
	{pattern: "POST /engagements/{id}/team/end", needs: "team.assign", on: theEngagement, do: (*request).firmUnassign},
	{pattern: "GET /engagements/{id}/accept", needs: "client.accept", on: theEngagement, do: (*request).firmAcceptPage},
	{pattern: "POST /engagements/{id}/accept", needs: "client.accept", on: theEngagement, do: (*request).firmAccept},
	{pattern: "POST /engagements/{id}/state", needs: "plan.write", on: theEngagement, do: (*request).firmMove},
	{pattern: "GET /engagements/{id}/end", needs: "client.accept", on: theEngagement, do: (*request).firmEndPage},
	{pattern: "POST /engagements/{id}/end", needs: "client.accept", on: theEngagement, do: (*request).firmEnd},
}

// firmOwn is the engagement in the path, as one's own part of it.
func firmOwn(q *request) (access.Object, error) {
	o := ofEngagement(q.PathValue("id"))
	o.Owner = q.who.Account
	return o, nil
}

// firmTabs are the screens of an engagement, as far as there are any.
var firmTabs = []struct{ text, part string }{
	{"Engagement", ""}, {"Plan", "/plan"}, {"Requests", "/requests"}, {"Populations", "/populations"}, {"Samples", "/samples"}, {"Exceptions", "/findings"}, {"Conclusions", "/conclusions"}, {"Opinion", "/opinion"}, {"Report", "/report"},
}

// firmFrame is what every page of an engagement shows around its own part.
func (q *request) firmFrame(f *fieldwork.File, here string) {
	t := f.Terms
	q.Client = t.Client.Name + ", " + t.Type.String()
	q.Way = append(q.Way, link{t.ID, q.at("engagements", t.ID)})
	q.TabsOf = "Engagement"
	for _, tab := range firmTabs {
		path := q.at("engagements", t.ID) + tab.part
		if _, _, ok := q.s.routeOf(path); ok && q.opens(path) {
			q.Tabs = append(q.Tabs, railLink{link: link{tab.text, path}, Here: tab.part == here})
		}
	}
}

// inFile is a look at the file of the engagement in the path.
func (q *request) inFile(f func(*fieldwork.State, *fieldwork.File) error) error {
	return q.files.ReadFile(q.Context(), q.PathValue("id"), f)
}

// A firmStep is one of the twelve states, with what is missing before it.
type firmStep struct {
	Name    string
	N       int
	Whose   string
	Now     bool
	Heard   bool // management's step, as its last packet said
	Past    bool
	Missing []string
	To      string // the step can be taken now; "": it cannot
}

// A firmMember is a person of the team, or who declared something.
type firmMember struct {
	Account, Name, Duty, Since, Declared, Conflict, Lifted, Safeguard string

	Holds             []engagement.Credential
	Earlier           []string
	Revision          int64
	Clear, Own, Ended bool
}

// A firmPartyRow is one side of the engagement, with what it states of itself.
type firmPartyRow struct {
	Side                            string
	P                               engagement.Party
	Place, Says, Warns              string
	Logs                            string
	Operates                        string
	Sent, Received, LastHeard, Seen string
}

type firmEngagementPage struct {
	*page
	ID         string
	T          engagement.Terms
	Span       string
	Parties    []firmPartyRow
	Waits      []firmWaitRow
	Steps      []firmStep
	Back       []string // steps one can go back to
	Revision   int64    // of the state
	TermsRev   int64
	Warn       []string
	Team       []firmMember
	Declared   bool
	Conflicted bool // who looks declared a conflict, and no partner let it go
	Duties     []choice
	People     []string
	Accepted   *fieldwork.Accepted
	AcceptedBy string
	AcceptedAt string
	Agreed     *engagement.Agreed
	AgreedAt   string
	Milestones string
	Days       []link
	In, Out    []engagement.Choice
	Places     []firmPlace
	Course     []firmTurn
	Exchange   string
	May        map[string]bool
	Fresh      bool
	Again      string
	Over       bool
}

// A firmTurn is one of the last entries on the file.
type firmTurn struct {
	When, Who, What string
	Record          link
}

func (q *request) firmEngagement() error { return q.firmShow(nil) }

func (q *request) firmShow(typed map[string]string) error {
	id := q.PathValue("id")
	data := firmEngagementPage{page: &q.page, ID: id, Fresh: q.who.Fresh, Again: toAgain(q.at("engagements", id)), Duties: choices(typed["duty"], "", fieldwork.Duties...), People: q.addresses()}
	data.May = map[string]bool{}
	fresh := *q
	fresh.who.Fresh = true
	for _, p := range []access.PermissionID{"plan.write", "team.assign", "client.accept"} {
		data.May[string(p)] = fresh.may(p, ofEngagement(id))
	}
	own := ofEngagement(id)
	own.Owner = q.who.Account
	data.May["independence.declare"] = q.may("independence.declare", own)
	err := q.inFile(func(s *fieldwork.State, f *fieldwork.File) error {
		q.firmFrame(f, "")
		data.T, data.Span, data.Over = f.Terms, firmSpan(f.Terms), f.State.Over()
		data.Waits, data.Steps, data.Warn = q.firmWaitRows(s, f), firmSteps(f, q.now()), f.Unanswered()
		data.Places = q.firmPlaces(s, f)
		data.Revision, data.TermsRev = s.Revision("state:"+id), s.Revision("engagement:"+id)
		mine := f.Independence[q.me.ID]
		data.Team, data.Declared, data.Conflicted = q.firmTeam(s, f), mine != nil, mine != nil && !(mine.Free && mine.Clear())
		data.terms(q, f)
		if p := f.State.Place(); p >= engagement.Fieldwork.Place() && p < engagement.Issued.Place() {
			for _, st := range engagement.States[engagement.Observing.Place()-1 : p-1] {
				data.Back = append(data.Back, string(st))
			}
		}
		for _, t := range f.Course[max(0, len(f.Course)-10):] {
			ref := audit.EvidenceRef(t.Record)
			by := q.name(t.By)
			if by == "exchange" {
				by = f.Terms.Client.Name // a packet of theirs brought it
			}
			data.Course = append(data.Course, firmTurn{report.Moment(t.At, q.zone()), by, report.Capital(t.What), link{ref, q.at("evidence", ref)}})
		}
		slices.Reverse(data.Course)
		q.Say = sayEngagement(s, f, q.now(), q.zone())
		return nil
	})
	if err != nil {
		return err
	}
	if data.Parties, data.Exchange, err = q.firmParties(data.T); err != nil {
		return err
	}
	q.Title, q.Heading, q.Ref, q.Wide = id+", "+data.T.Client.Name, data.T.Type.String()+" of "+data.T.System, id, true
	q.Code = []string{"tieout verify", "tieout log tail"}
	return q.render("firm-engagement.html", data)
}

// terms fills in what both sides agreed on, and whether they did.
func (d *firmEngagementPage) terms(q *request, f *fieldwork.File) {
	if d.Accepted = f.Accepted; f.Accepted != nil {
		d.AcceptedBy, d.AcceptedAt = q.name(f.Accepted.By), report.Moment(f.Accepted.At, q.zone())
	}
	if d.Agreed = f.Agreed; f.Agreed != nil {
		d.AgreedAt = report.Moment(f.Agreed.Signed.At, q.zone())
	}
	var lines []string
	for _, m := range f.Terms.Milestones {
		lines = append(lines, m.Day+" | "+m.Name)
		d.Days = append(d.Days, link{m.Name, firmDay(m.Day, f.Terms.Zone)})
	}
	d.Milestones = q.typed("milestones", strings.Join(lines, "\n"))
	for _, c := range f.Terms.Categories {
		if c.In {
			d.In = append(d.In, c)
		} else {
			d.Out = append(d.Out, c)
		}
	}
}

// firmSteps are the twelve states as an engagement stands in them.
func firmSteps(f *fieldwork.File, now time.Time) (out []firmStep) {
	at := f.State.Place()
	for i, st := range engagement.States {
		step := firmStep{Name: report.Capital(string(st)), N: i + 1, Whose: "the firm's", Now: st == f.State, Past: i+1 < at, Heard: st == f.Heard && f.Heard != f.State}
		if st.ByManagement() {
			step.Whose = "management's"
		} else if i+1 > at && at > 0 {
			step.Missing = f.Missing(st, now)
			first := at < engagement.Fieldwork.Place() && st == engagement.Fieldwork
			next := at >= engagement.Fieldwork.Place() && i+1 == at+1
			if (first || next) && len(step.Missing) == 0 && st != engagement.Issued {
				step.To = string(st)
			}
			if !first && !next {
				step.Missing = nil // said once it is the next
			}
		}
		out = append(out, step)
	}
	return out
}

// firmTeam is who is on the team, and who declared what.
func (q *request) firmTeam(s *fieldwork.State, f *fieldwork.File) (out []firmMember) {
	seen := map[string]bool{}
	row := func(account string) {
		if seen[account] {
			return
		}
		seen[account] = true
		m := firmMember{Account: account, Name: q.name(account), Own: account == q.me.ID, Declared: "Not declared", Revision: s.Revision("independence:" + f.Terms.ID + "/" + account)}
		if t := f.Team[account]; t != nil {
			m.Holds = t.Credentials
			m.Duty, m.Since, m.Ended = t.Duty, report.Day(t.Since, q.zone()), !t.Until.IsZero()
		}
		if d := f.Independence[account]; d != nil {
			m.Clear, m.Conflict, m.Lifted, m.Safeguard = d.Clear(), d.Conflict, d.Lifted, d.Safeguard
			m.Declared = q.declared(d)
			for _, x := range d.Earlier {
				m.Earlier = append(m.Earlier, strings.TrimSpace(q.declared(&x)+". "+capitalOr(x.Conflict+x.Lifted)))
			}
		}
		out = append(out, m)
	}
	for _, t := range book.Sorted(f.Team) {
		row(t.Account)
	}
	for _, d := range book.Sorted(f.Independence) {
		row(d.Account)
	}
	return out
}

// declared says what a declaration says, and when it was made.
func (q *request) declared(d *fieldwork.Declaration) string {
	word := "Independent"
	switch {
	case d.Lifted != "":
		word = "Conflict stands no more"
	case !d.Free:
		word = "Conflict"
	}
	return word + ", declared " + report.Day(d.At, q.zone())
}

// firmParties are both sides with who operates which server, and what went
// between them.
func (q *request) firmParties(t engagement.Terms) ([]firmPartyRow, string, error) {
	side := func(name string, p engagement.Party) firmPartyRow {
		r := firmPartyRow{Side: name, P: p, Place: strings.Trim(p.City+", "+p.State, ", "), Logs: p.Origin, Operates: p.Name + " operates the server that holds its log."}
		var says []string
		for _, x := range []struct{ what, text string }{{"license", p.License}, {"peer review", p.PeerReview}, {"last peer review", engagement.PeerReviewWords(p.Reviewed, p.PeerResult)}} {
			if x.text != "" {
				says = append(says, x.what+": "+x.text)
			}
		}
		if r.Says = strings.Join(says, "; "); engagement.PeerReviewOld(p.Reviewed, q.now().Format(time.DateOnly)) {
			r.Warns = engagement.OldPeerReview
		}
		return r
	}
	firm, client := side("Audit firm", t.Firm), side("Client", t.Client)
	words, err := q.firmExchange(t, &client)
	return []firmPartyRow{client, firm}, words, err
}

// firmNamed reports whether the terms name both logs with their keys, without
// which no packet could be told from another's.
func firmNamed(t engagement.Terms) bool { return packet.SidesOf(t).Check() == nil }

// firmExchange says what went between the sides.
func (q *request) firmExchange(t engagement.Terms, client *firmPartyRow) (string, error) {
	if !firmNamed(t) {
		return "Nothing can be exchanged yet: the terms do not name both logs and their keys.", nil
	}
	post, err := packet.NewRegister(q.st.p.Seal, q.s.o.Now).Post(packet.SidesOf(t))
	if errors.Is(err, audit.ErrInvalid) || errors.Is(err, audit.ErrForbidden) {
		return "Nothing can be exchanged: " + reason(err, audit.ErrInvalid), nil
	}
	if err != nil {
		return "", err
	}
	return q.firmLanes(q.Context(), post, client)
}

func (q *request) firmLanes(ctx context.Context, post *packet.Post, client *firmPartyRow) (string, error) {
	sent, received, err := post.Lanes(ctx)
	if err != nil {
		return "", err
	}
	out, err := post.List(ctx, true, 0)
	if err != nil {
		return "", err
	}
	in, err := post.List(ctx, false, 0)
	if err != nil {
		return "", err
	}
	client.Sent, client.Received = report.Plural(int(sent.Last), "packet", "packets"), report.Plural(int(received.Last), "packet", "packets")
	client.LastHeard = "never"
	if n := len(in); n > 0 {
		client.LastHeard = report.Moment(in[n-1].At, q.zone())
		client.Seen = "The client's log showed " + report.Plural(int(received.Seen.Size), "entry", "entries") + " then, and this log has witnessed it."
	}
	return sayExchange(len(out), len(in), sent.Last-received.Heard, client.LastHeard), nil
}

// sayExchange says what went between the sides, and what is on its way.
func sayExchange(sent, received int, waiting int64, last string) string {
	if sent+received == 0 {
		return "Nothing has gone between the sides yet."
	}
	s := report.Capital(report.Plural(sent, "packet was", "packets were")) + " sent and " + report.Plural(received, "was", "were") + " received"
	if received > 0 {
		s += ", the last one on " + last
	}
	if waiting > 0 {
		s += "; of what was sent, the client has not confirmed " + report.Number(int(waiting))
	}
	return s + "."
}

// sayEngagement says where an engagement stands and what it waits for.
func sayEngagement(st *fieldwork.State, f *fieldwork.File, now time.Time, loc *time.Location) string {
	s := f.Terms.Type.String() + " of " + f.Terms.Client.Name + ", " + firmSpan(f.Terms) + ", "
	switch {
	case f.State.Over():
		return s + "is " + string(f.State) + "."
	case f.State.Place() > 0:
		s += "stands at " + string(f.State) + ", step " + report.Number(f.State.Place()) + " of 12"
	}
	waits := firmWaits(st, f, "", now)
	ours := 0
	for _, w := range waits {
		if w.On != "the client" && !strings.HasPrefix(w.What, "Declare your") {
			ours++
		}
	}
	if ours > 0 {
		return s + "; " + report.Plural(ours, "thing waits", "things wait") + " for the firm."
	}
	return s + "; nothing waits for the firm."
}
