package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/internal/natural"
	"tieout/report"
)

// examRoutes are the company's examinations as a whole.
var examRoutes = []route{
	{pattern: "GET /examinations", needs: "request.read", on: examReach, do: (*request).examinations},
	{pattern: "GET /examinations/{id}", needs: "request.read", on: examReach, do: (*request).examination},
}

// examReach is what of an examination somebody in the company reaches: all of it,
// or what is of their controls. An auditor's guest, who has no part of the
// company's side, reaches none of it.
func examReach(q *request) (access.Object, error) {
	o := q.sight().Reach()
	o.Engagements = nil
	return o, nil
}

// examAll is an examination as a whole, which who has single controls does not reach.
var examAll = access.Object{}

func examWhole(*request) (access.Object, error) { return examAll, nil }

// inExam is a look at the company's side of the engagement in the path.
func (q *request) inExam(f func(*management.State, *management.Side) error) error {
	return q.exam.Side.Read(q.Context(), func(s *management.State) error {
		x, err := s.Side(q.PathValue("id"))
		if err != nil {
			return err
		}
		return f(s, x)
	})
}

// examTabs are the screens of an examination, as far as there are any.
var examTabs = []struct{ text, part string }{
	{"Examination", ""}, {"Requests", "/requests"}, {"Populations", "/populations"}, {"Samples", "/samples"}, {"Exceptions", "/findings"},
	{"Description", "/description"}, {"Letters", "/letters"}, {"Drafts", "/drafts"}, {"Report", "/report"}, {"Bridge letters", "/bridge"}, {"Exchange", "/packets"},
}

// examFrame is what every page of an examination shows around its own part; here
// is the tab it belongs to, such as "/requests".
func (q *request) examFrame(x *management.Side, here string) {
	id := x.Terms.ID
	q.Way = append(q.Way, link{"Examinations", q.to("/examinations")}, link{id, q.at("examinations", id)})
	q.Tabs, q.TabsOf = nil, "Examination "+id
	for _, tab := range examTabs {
		path := "/examinations/" + id + tab.part
		if _, _, ok := q.s.routeOf(path); ok && q.opens(path) {
			q.Tabs = append(q.Tabs, railLink{link: link{tab.text, q.to(path)}, Here: tab.part == here})
		}
	}
}

// toFirm goes on after an act that the firm gets: what is due is sealed as packets
// at once. Where that fails the act stands, and the words say so.
func (q *request) toFirm(id, to, words string) error {
	if err := q.s.flush(q.Context(), id); err != nil {
		q.s.note(q.Request, fmt.Errorf("packets of %s: %w", id, err))
		words += " It is not sent yet: " + sentence(err.Error()) + " It goes out with the next packet."
	}
	return q.done(to, words)
}

// An examWait is something an examination waits for: on whom, and by when.
type examWait struct {
	What, On, Path string // Path is under the examination's address
	Due            string // a day; "": none is set
}

// On whom something waits.
const (
	onManagement = "management"
	onFirm       = "the firm"
)

// examWaits are what an examination waits for, as far as this side knows.
func examWaits(x *management.Side, now time.Time) (out []examWait) {
	add := func(n int, on, path, one, many string) {
		if n > 0 {
			out = append(out, examWait{What: report.Capital(report.Plural(n, one, many)), On: on, Path: path})
		}
	}
	if x.State.Over() || x.State.Place() >= engagement.Issued.Place() {
		return nil
	}
	if x.Agreed == nil {
		return []examWait{{What: "A signer reads the terms and agrees to them", On: onManagement, Path: "/terms"}}
	}
	asked := map[engagement.RequestStatus]int{}
	due := map[bool]string{} // the first day asked for, of returned requests and of others
	for _, r := range x.Requests {
		asked[r.Status]++
		if back := r.Status == engagement.RequestReturned; requestSide(r.Status) == onManagement && r.Due != "" && (due[back] == "" || r.Due < due[back]) {
			due[back] = r.Due
		}
	}
	add(asked[engagement.RequestReturned], onManagement, "/requests?status=Returned", "returned request to answer again", "returned requests to answer again")
	add(asked[engagement.RequestOpen]+asked[engagement.RequestInProgress], onManagement, "/requests?side=management", "request to answer", "requests to answer")
	for i := range out {
		out[i].Due = due[strings.Contains(out[i].Path, "Returned")]
	}
	questioned, unread, unanswered, drafted := 0, 0, 0, 0
	for _, p := range x.Populations {
		switch {
		case p.Accepted || p.Superseded != "":
		case p.Question != "":
			questioned++
		default:
			unread++
		}
	}
	for _, f := range x.Findings {
		switch {
		case f.Waits() && f.Response != nil:
			drafted++
		case f.Waits():
			unanswered++
		}
	}
	add(questioned, onManagement, "/populations", "population the auditor questions", "populations the auditor questions")
	add(unanswered, onManagement, "/findings", "exception without a final response", "exceptions without a final response")
	add(drafted, onManagement, "/findings", "drafted response for a signer to make final", "drafted responses for a signer to make final")
	out = append(out, examTextWaits(x)...)
	add(asked[engagement.RequestSubmitted], onFirm, "/requests?side=firm", "answer to look at", "answers to look at")
	add(unread, onFirm, "/populations", "frozen population to look at", "frozen populations to look at")
	return append(out, examStepWaits(x, now)...)
}

// examTextWaits are the description, letters and drafts.
func examTextWaits(x *management.Side) (out []examWait) {
	late := x.State.Place() >= engagement.Fieldwork.Place()
	if late && x.Final == nil {
		out = append(out, examWait{What: "The description is finished", On: onManagement, Path: "/description"})
	}
	if n := len(x.Drafts); n > 0 {
		d := x.Drafts[n-1]
		out = append(out, examWait{What: "The facts of the draft report are reviewed", On: onManagement, Path: "/drafts", Due: d.Due})
		if n := unansweredComments(x); n > 0 {
			out = append(out, examWait{What: report.Capital(report.Plural(n, "comment on the draft to answer", "comments on the draft to answer")), On: onFirm, Path: "/drafts"})
		}
	}
	if x.State.Place() >= engagement.DraftReview.Place() {
		for _, p := range x.Parties() {
			for _, paper := range []struct {
				what   string
				signed bool
				anew   string
			}{{"The assertion of " + p, x.Assertions[p] != nil, x.AssertionAnew(p)}, {"The letter of representation of " + p, x.Letters[p] != nil, x.LetterAnew(p)}} {
				switch {
				case !paper.signed:
					out = append(out, examWait{What: paper.what + " is signed", On: onManagement, Path: "/letters"})
				case paper.anew != "":
					out = append(out, examWait{What: paper.what + " is signed anew", On: onManagement, Path: "/letters"})
				}
			}
		}
	}
	return out
}

func unansweredComments(x *management.Side) (n int) {
	for _, c := range x.Comments {
		if c.Answer == "" {
			n++
		}
	}
	return n
}

// examStepWaits is the next of the twelve steps, and the days both sides set.
func examStepWaits(x *management.Side, now time.Time) (out []examWait) {
	if to := examNext(x); to == engagement.Observing && !x.Begun(now) {
		out = append(out, examWait{What: "The step to " + string(to) + ", from " + firmDay(x.Terms.First, x.Terms.Zone) + " on", On: onManagement})
	} else if to != "" {
		out = append(out, examWait{What: "The step to " + string(to), On: onManagement})
	} else if p := x.State.Place(); p > 0 && p < len(engagement.States) {
		out = append(out, examWait{What: "The step to " + string(engagement.States[p]), On: onFirm})
	}
	for _, m := range x.Terms.Milestones {
		if !firmPast(m.Day, x.Terms.Zone, now) {
			out = append(out, examWait{What: m.Name, On: "both sides", Due: m.Day})
		}
	}
	return out
}

// An examRow is one examination in the list.
type examRow struct {
	link
	Firm, Type, System, Span, State string
	Ours, Theirs                    int
}

func (q *request) examinations() error {
	var rows []examRow
	var firms []examFirmRow
	err := q.exam.Side.Read(q.Context(), func(s *management.State) error {
		for _, x := range book.Sorted(s.Sides) {
			row := examRow{link: link{x.Terms.ID, q.at("examinations", x.Terms.ID)}, Firm: x.Terms.Firm.Name, Type: x.Terms.Type.String(), System: x.Terms.System, Span: firmSpan(x.Terms), State: report.Capital(string(x.State))}
			for _, w := range examWaits(x, q.now()) {
				switch w.On {
				case onManagement:
					row.Ours++
				case onFirm:
					row.Theirs++
				}
			}
			rows = append(rows, row)
		}
		firms = q.examFirms(s)
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(rows, func(a, b examRow) int { return natural.Compare(a.Text, b.Text) })
	q.Title, q.Heading, q.Wide = "Examinations", "Examinations", true
	q.Say = sayExaminations(rows, firms)
	covered, err := q.coverages()
	if err != nil {
		return err
	}
	return q.render("exam-list.html", struct {
		*page
		Covered []coveredSystem
		Rows    []examRow
		Firms   []examFirmRow
		Invite  bool
		Taking  bool          // some firm's packets are taken
		Fetch   []examFirmRow // firms with an address
		Bring   examBring
	}{&q.page, covered, rows, firms, q.may("engagement.open", examAll), slices.ContainsFunc(firms, examFirmRow.taken), slices.DeleteFunc(slices.Clone(firms), func(f examFirmRow) bool { return !f.taken() || f.Address == "" }), examBring{"/examinations/packets", "a firm"}})
}

// An examFirmRow is an audit firm whose packets are taken, or were.
type examFirmRow struct {
	Name, Origin, Key, Address, Invited, Ended string
}

func (f examFirmRow) taken() bool { return f.Ended == "" }

func (q *request) examFirms(s *management.State) (out []examFirmRow) {
	for _, f := range book.Sorted(s.Firms) {
		row := examFirmRow{Name: f.Name, Origin: f.Origin, Key: f.Key, Address: f.Address, Invited: report.Day(f.At, q.zone()) + " by " + q.name(f.By)}
		if !f.Ended.IsZero() {
			row.Ended = report.Day(f.Ended, q.zone())
		}
		out = append(out, row)
	}
	return out
}

// sayExaminations says how many examinations there are, and what waits here.
func sayExaminations(rows []examRow, firms []examFirmRow) string {
	open := 0
	for _, f := range firms {
		if f.Ended == "" {
			open++
		}
	}
	switch {
	case len(rows) == 0 && open == 0:
		return "No audit firm is invited: pick one, ask it for the key of its log, and write both down here."
	case len(rows) == 0:
		return report.Capital(report.Plural(open, "firm is", "firms are")) + " invited; none of their terms have come yet."
	}
	ours := 0
	for _, r := range rows {
		ours += r.Ours
	}
	s := report.Capital(report.Plural(len(rows), "examination is", "examinations are")) + " known here"
	if ours == 0 {
		return s + "; nothing waits for management."
	}
	return s + "; " + report.Plural(ours, "thing waits", "things wait") + " for management."
}

// An examStep is one of the twelve states as this side sees it.
type examStep struct {
	N                int
	Name, Whose, Why string
	When             string
	Now, Past        bool
	To               string // management can take it now; "": it cannot
}

func (q *request) examSteps(x *management.Side) (out []examStep) {
	next := examNext(x)
	for i, st := range engagement.States {
		step := examStep{N: i + 1, Name: report.Capital(string(st)), Whose: "the firm's", Now: st == x.State, Past: i+1 < x.State.Place()}
		if st.ByManagement() {
			step.Whose = "management's"
		}
		if st == next && (st != engagement.Observing || x.Begun(q.now())) {
			step.To = string(st)
		}
		for _, s := range x.Steps {
			if s.What == string(st) {
				step.When, step.Why = report.Day(s.At, q.zone()), s.Why
			}
		}
		out = append(out, step)
	}
	return out
}

// examNext is the step that is management's to take now; "": none is.
func examNext(x *management.Side) engagement.State {
	p := x.State.Place()
	if x.Agreed == nil || p == 0 || p >= len(engagement.States) {
		return ""
	}
	to := engagement.States[p]
	if !to.ByManagement() || to.Place() > engagement.Collecting.Place() && len(x.Releases) == 0 {
		return ""
	}
	if to == engagement.Observing && !x.Terms.Type.OverPeriod() {
		return engagement.Collecting // a date has nothing to observe
	}
	return to
}

type examPage struct {
	*page
	ID              string
	T               engagement.Terms
	Span            string
	Waits           []examWaitRow
	Steps           []examStep
	Back            []string
	Ended           string
	Agreed          *engagement.Agreed
	AgreedAt        string
	Offered         string
	Letter          string
	In, Out         []engagement.Choice
	Days            []link
	Parties         []firmPartyRow
	Exchange        string
	May, Sign, Over bool
	Whole           bool
	Why             string // as it was typed
	Own             []link // the workspace's period that it is over, its readiness and rehearsal
	NoPeriod        string // what is missing where there is none
}

// An examWaitRow is a wait as the page shows it.
type examWaitRow struct {
	link
	On, Due, Class string
	Late           bool
}

func (q *request) examination() error {
	id := q.PathValue("id")
	data := examPage{page: &q.page, ID: id, May: q.may("engagement.open", examAll), Whole: q.may("request.read", examAll), Sign: q.maySign("assertion.sign"), Why: q.PostForm.Get("why")}
	err := q.inExam(func(_ *management.State, x *management.Side) error {
		q.examFrame(x, "")
		data.terms(q, x)
		data.Waits, data.Steps, data.Over = q.examWaitRows(x), q.examSteps(x), x.State.Over()
		if p := x.State.Place(); x.Agreed != nil && x.State.ByManagement() && p > 1 && p <= engagement.Collecting.Place() {
			for _, st := range engagement.States[:p-1] {
				data.Back = append(data.Back, string(st))
			}
		}
		q.Say = sayExamination(x, examWaits(x, q.now()))
		return nil
	})
	if err != nil {
		return q.unknown(err, "request.read")
	}
	if data.Own, data.NoPeriod, err = q.ownPeriod(data.T); err != nil {
		return err
	}
	if data.Parties, data.Exchange, err = q.examParties(data.T); err != nil {
		return err
	}
	q.Title, q.Heading, q.Ref, q.Wide = id+", "+data.T.Firm.Name, data.T.Type.String()+" of "+data.T.System, id, true
	q.Code = []string{"tieout verify", "tieout log tail"}
	return q.render("exam-one.html", data)
}

// terms fills in what both sides agreed on, and whether they did.
func (d *examPage) terms(q *request, x *management.Side) {
	d.T, d.Span, d.Letter, d.Offered = x.Terms, firmSpan(x.Terms), x.Letter, report.Moment(x.Offered, q.zone())
	if d.Agreed = x.Agreed; x.Agreed != nil {
		d.AgreedAt = report.Moment(x.Agreed.Signed.At, q.zone())
	}
	for _, m := range x.Terms.Milestones {
		d.Days = append(d.Days, link{m.Name, firmDay(m.Day, x.Terms.Zone)})
	}
	for _, c := range x.Terms.Categories {
		if c.In {
			d.In = append(d.In, c)
		} else {
			d.Out = append(d.Out, c)
		}
	}
}

func (q *request) examWaitRows(x *management.Side) (out []examWaitRow) {
	class := map[string]string{onManagement: "late", onFirm: "none", "both sides": "due"}
	for _, w := range examWaits(x, q.now()) {
		row := examWaitRow{link: link{Text: w.What}, On: w.On, Class: class[w.On]}
		if w.Path != "" {
			path, query, _ := strings.Cut(w.Path, "?")
			key, value, _ := strings.Cut(query, "=")
			if to := "/examinations/" + x.Terms.ID + path; q.opens(to) {
				row.Href = q.to(to, key, value)
			}
		}
		if w.Due != "" {
			row.Due, row.Late = "by "+firmDay(w.Due, x.Terms.Zone), w.On == onManagement && firmPast(w.Due, x.Terms.Zone, q.now())
		}
		out = append(out, row)
	}
	return out
}

// sayExamination says where an examination stands and on whom it waits.
func sayExamination(x *management.Side, waits []examWait) string {
	s := x.Terms.Type.String() + " by " + x.Terms.Firm.Name + ", " + firmSpan(x.Terms) + ", "
	if x.State.Over() {
		return s + "is " + string(x.State) + "."
	}
	s += "stands at " + string(x.State) + ", step " + report.Number(x.State.Place()) + " of 12"
	n := map[string]int{}
	for _, w := range waits {
		n[w.On]++
	}
	switch {
	case n[onManagement] > 0:
		return s + "; " + report.Plural(n[onManagement], "thing waits", "things wait") + " for management."
	case n[onFirm] > 0:
		return s + "; it waits for the firm."
	}
	return s + "; nothing waits."
}

// examParties are both sides with who operates which server, and what went
// between them.
func (q *request) examParties(t engagement.Terms) ([]firmPartyRow, string, error) {
	side := func(name string, p engagement.Party) firmPartyRow {
		r := firmPartyRow{Side: name, P: p, Place: strings.Trim(p.City+", "+p.State, ", "), Logs: p.Origin}
		var says []string
		for _, x := range [][2]string{{"license", p.License}, {"peer review", p.PeerReview}, {"last peer review", engagement.PeerReviewWords(p.Reviewed, p.PeerResult)}} {
			if x[1] != "" {
				says = append(says, x[0]+": "+x[1])
			}
		}
		if r.Says = strings.Join(says, "; "); engagement.PeerReviewOld(p.Reviewed, q.now().Format(time.DateOnly)) {
			r.Warns = engagement.OldPeerReview
		}
		return r
	}
	client, firm := side("Company", t.Client), side("Audit firm", t.Firm)
	client.Operates = t.Client.Name + " operates this server. What it holds was sealed here or came in a packet."
	firm.Operates = t.Firm.Name + " operates a server of its own, with the file of the examination. Nobody here can open or change it."
	post, err := q.exam.Kept(q.Context(), t.ID)
	if err != nil {
		return nil, "", err
	}
	words, err := q.examLanes(post, &firm)
	if err != nil {
		return nil, "", err
	}
	if _, closed := q.exam.Post(q.Context(), t.ID, ""); closed != nil {
		words = "Nothing can be exchanged: " + reason(closed, audit.ErrForbidden) + "."
	}
	return []firmPartyRow{firm, client}, words, nil
}
