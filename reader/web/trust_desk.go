package web

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/management"
	"tieout/examination"
	"tieout/internal/natural"
	"tieout/report"
	"tieout/trust"
)

// trustRoutes are the access desk: who asks for a report, who may read it, who did.
var trustRoutes = []route{
	{pattern: "GET /trust/requests", needs: "trust.read", do: (*request).trustDesk},
	{pattern: "GET /trust/requests/{id}", needs: "trust.read", do: (*request).trustRequest},
	{pattern: "POST /trust/requests/{id}/grant", needs: "trust.grant", do: (*request).grantRequest},
	{pattern: "POST /trust/requests/{id}/refuse", needs: "trust.grant", do: (*request).refuseRequest},
	{pattern: "GET /trust/grants/new", needs: "trust.grant", do: (*request).newGrant},
	{pattern: "POST /trust/grants/new", needs: "trust.grant", do: (*request).makeGrant},
	{pattern: "GET /trust/grants/{id}", needs: "trust.read", do: (*request).trustGrant},
	{pattern: "POST /trust/grants/{id}/revoke", needs: "trust.grant", do: (*request).revokeGrant},
	{pattern: "GET /trust/settings", needs: "trust.read", do: (*request).trustSettings},
	{pattern: "POST /trust/settings/publish", needs: "trust.publish", do: (*request).publishReport},
	{pattern: "POST /trust/settings/unpublish", needs: "trust.publish", do: (*request).unpublishReport},
	{pattern: "POST /trust/settings/terms", needs: "trust.publish", do: (*request).setAccessTerms},
}

// trust is who may read the company's reports, and who did.
func (q *request) trust() *trust.Book { return q.s.home.Trust() }

var trustTabs = []struct{ text, path string }{{"Requests and access", "/trust/requests"}, {"Give access", "/trust/grants/new"}, {"Public page and terms", "/trust/settings"}}

// trustFrame is what every page of the desk shows around its own part.
func (q *request) trustFrame(title, here string, way ...link) {
	q.Title, q.Heading, q.Tabs, q.TabsOf = title, title, nil, "Access to reports"
	q.Way = append([]link{{"Access to reports", q.to("/trust/requests")}}, way...)
	for _, tab := range trustTabs {
		if q.opens(tab.path) {
			q.Tabs = append(q.Tabs, railLink{link: link{tab.text, q.to(tab.path)}, Here: tab.path == here})
		}
	}
}

// A trustAskRow is one request in the list.
type trustAskRow struct {
	link
	Name, Organization, Mail, Class, When string
	Word, StateClass                      string
}

// A trustGrantRow is access that was given.
type trustGrantRow struct {
	link
	Name, Organization, Mail, Class, Basis string
	Until, Word, StateClass                string
	Agreed, Seen, Taken                    string
}

// A trustHeldRow is a report that is not in force, with who still has something of it.
type trustHeldRow struct {
	Engagement, Dated, What string
	Copies                  []examShare
	Grants                  []trustGrantRow
}

type trustDeskPage struct {
	*page
	Waits, Decided []trustAskRow
	Grants         []trustGrantRow
	Held           []trustHeldRow
}

func (q *request) trustDesk() error {
	requests, grants, err := q.trust().All(q.Context())
	if err != nil {
		return err
	}
	held, err := q.exam.HeldOf(q.Context())
	if err != nil {
		return err
	}
	inForce, err := q.reportsInForce()
	if err != nil {
		return err
	}
	data := trustDeskPage{page: &q.page}
	for i := range requests {
		if row := q.trustAskRow(&requests[i]); requests[i].Open() {
			data.Waits = append(data.Waits, row)
		} else {
			data.Decided = append(data.Decided, row)
		}
	}
	open := 0
	for i := range grants {
		row := q.trustGrantRow(&grants[i], inForce)
		if row.StateClass == "ok" {
			open++
		}
		data.Grants = append(data.Grants, row)
	}
	for _, h := range held {
		data.Held = append(data.Held, q.trustHeldRow(h, inForce))
	}
	q.trustFrame("Access to reports", "/trust/requests")
	q.Wide, q.Say, q.Code = true, sayDesk(len(data.Waits), open, len(data.Held)), []string{"tieout trust requests", "tieout trust list"}
	return q.render("trust-desk.html", data)
}

// sayDesk says who waits, who may read, and whom to tell.
func sayDesk(waits, open, held int) string {
	out := "Nobody waits for an answer"
	if waits > 0 {
		out = report.Capital(report.Plural(waits, "request waits", "requests wait")) + " for an answer"
	}
	if open == 0 {
		out += "; nobody outside can open a report"
	} else {
		out += "; " + report.Plural(open, "person outside", "people outside") + " can open a report"
	}
	if held > 0 {
		out += "; somebody holds " + report.Plural(held, "report", "reports") + " that " + map[bool]string{true: "is", false: "are"}[held == 1] + " not in force"
	}
	return out + "."
}

func (q *request) trustAskRow(r *trust.Request) trustAskRow {
	row := trustAskRow{link: link{r.ID, q.at("trust/requests", r.ID)}, Name: r.Name, Organization: r.Organization, Mail: r.Mail, Class: classTitle(r.Class), When: report.Moment(r.At, q.zone()), Word: "Waits", StateClass: "due"}
	switch {
	case r.Grant != "":
		row.Word, row.StateClass = "Given: "+r.Grant, "ok"
	case r.Refused != "":
		row.Word, row.StateClass = "Refused", "none"
	}
	return row
}

func (q *request) trustGrantRow(g *trust.Grant, inForce map[string]management.Release) trustGrantRow {
	row := trustGrantRow{link: link{g.ID, q.at("trust/grants", g.ID)}, Name: g.Name, Organization: g.Organization, Mail: g.Mail, Class: classTitle(g.Class), Basis: trust.BasisTitle(g.Basis),
		Until: report.Day(g.Expires, q.zone()), Word: "Open", StateClass: "ok", Agreed: "Not asked for", Seen: "Never", Taken: "None"}
	if g.Ground != "" {
		row.Basis += ": " + g.Ground
	}
	switch at := g.Ended(q.now()); {
	case !at.IsZero():
		row.Word, row.StateClass = "Ended "+report.Day(at, q.zone()), "none"
	case inForce[g.Engagement].Report != g.Report:
		row.Word, row.StateClass = "Ended with its report", "none"
	case g.Agrees():
		row.Word, row.StateClass = "Terms not agreed to", "due"
	}
	switch {
	case g.Agreed != nil:
		row.Agreed = fmt.Sprintf("Version %d, %s, %s, %s", g.Agreed.Version, g.Agreed.Name, g.Agreed.Title, report.Moment(g.Agreed.At, q.zone()))
	case g.Basis == trust.ByTerms:
		row.Agreed = "Not yet"
	}
	if n := len(g.Views); n > 0 {
		row.Seen = report.Capital(report.Plural(n, "time", "times")) + ", last " + report.Moment(g.Views[n-1], q.zone())
	}
	if n := len(g.Fetches); n > 0 {
		var ids []string
		for _, f := range g.Fetches {
			ids = append(ids, f.Copy)
		}
		row.Taken = strings.Join(ids, ", ") + ", last " + report.Moment(g.Fetches[n-1].At, q.zone())
	}
	return row
}

func (q *request) trustHeldRow(h examination.Held, inForce map[string]management.Release) trustHeldRow {
	row := trustHeldRow{Engagement: h.Engagement, Dated: dayText(h.Dated), What: "Another report took its place on " + report.Day(h.At, q.zone()) + "."}
	if h.Withdrawn != "" {
		row.What = "The firm withdrew it on " + report.Day(h.At, q.zone()) + ": " + h.Withdrawn
	}
	for _, c := range h.Copies {
		row.Copies = append(row.Copies, examShare{Share: c, Who: q.sharer(c), When: report.Moment(c.At, q.zone()), What: shareWords(c.Copy)})
	}
	for i := range h.Grants {
		row.Grants = append(row.Grants, q.trustGrantRow(&h.Grants[i], inForce))
	}
	return row
}

// reportsInForce are the reports that are in force, by engagement.
func (q *request) reportsInForce() (map[string]management.Release, error) {
	out := map[string]management.Release{}
	err := q.exam.Side.Read(q.Context(), func(s *management.State) error {
		for id, x := range s.Sides {
			if r := x.InForce(); r != nil {
				out[id] = *r
			}
		}
		return nil
	})
	return out, err
}

// reportChoices offers the reports in force that are given to single readers.
func (q *request) reportChoices(chosen string) (out []choice, err error) {
	inForce, err := q.reportsInForce()
	for id, r := range inForce {
		if r.Terms.Type != engagement.SOC3 {
			out = append(out, choice{id, id + ": " + r.Terms.Type.String() + ", " + firmSpan(r.Terms), id == chosen})
		}
	}
	sortChoices(out)
	return out, err
}

func sortChoices(list []choice) {
	slices.SortFunc(list, func(a, b choice) int { return natural.Compare(a.Value, b.Value) })
}

// A trustForm is what is filled in to give access.
type trustForm struct {
	Action   string
	Reports  []choice
	Classes  []choice
	Bases    []choice
	Table    []trust.Class
	T        func(string) string
	NoTerms  bool // none are set: who has to agree to some cannot be given access
	Latest   string
	Earliest string
}

// grantForm is the form, filled with what was typed or else with what somebody said
// who asked.
func (q *request) grantForm(action string, a trust.Ask) (f trustForm, err error) {
	have := map[string]string{"engagement": a.Engagement, "name": a.Name, "organization": a.Organization, "mail": a.Mail, "class": string(a.Class)}
	f = trustForm{Action: action, Classes: classChoices(q.typed("class", string(a.Class))), Bases: basisChoices(q.PostForm.Get("basis")), Table: trust.Classes,
		T: func(name string) string { return q.typed(name, have[name]) }, Earliest: q.now().In(q.zone()).Format(dayForm), Latest: q.now().In(q.zone()).AddDate(0, 0, trust.MaxDays-1).Format(dayForm)}
	if f.Reports, err = q.reportChoices(q.typed("engagement", a.Engagement)); err != nil {
		return f, err
	}
	terms, _, err := q.trust().InForce(q.Context())
	f.NoTerms = terms == nil
	return f, err
}

// giving is what the form says; what is left open is the class's.
func (q *request) giving() (g trust.Giving, err error) {
	g = trust.Giving{Engagement: q.field("engagement"), Name: q.field("name"), Organization: q.field("organization"), Mail: q.field("mail"), Class: trust.ClassID(q.field("class")), Basis: trust.Basis(q.field("basis")), Ground: q.field("ground")}
	c, ok := trust.ClassOf(g.Class)
	if !ok {
		return g, fmt.Errorf("%w: class: choose what they are", audit.ErrInvalid)
	}
	g.Basis = cmp.Or(g.Basis, c.Bases[0])
	if g.Expires, err = q.day("until", "until", true); err == nil && g.Expires.IsZero() {
		g.Expires = lastSecond(q.now().In(q.zone()).AddDate(0, 0, c.Days))
	}
	return g, err
}

// lastSecond is the last second of an instant's day.
func lastSecond(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 23, 59, 59, 0, t.Location())
}

// give gives access and shows the link, which is told this once.
func (q *request) give(g trust.Giving) error {
	id, secret, err := q.exam.GiveAccess(q.Context(), q.who, g)
	if err != nil {
		return err
	}
	q.trustFrame("The link of "+id, "", link{id, q.at("trust/grants", id)})
	q.Ref, q.Say = id, g.Name+" of "+g.Organization+" can open the report with this link until "+report.Day(g.Expires, q.zone())+". It is shown once."
	return q.render("trust-given.html", struct {
		*page
		Link, Mail, Grant string
		Terms             bool
	}{&q.page, q.s.base(q.Request) + linkPath + secret, g.Mail, q.at("trust/grants", id), g.Basis == trust.ByTerms})
}

func (q *request) newGrant() error {
	form, err := q.grantForm(q.to("/trust/grants/new"), trust.Ask{})
	if err != nil {
		return err
	}
	q.trustFrame("Give access", "/trust/grants/new", link{"Give access", ""})
	q.Say, q.Code = "Access opens one report in force, and the letters that continue it, to one person until a day.", []string{"tieout trust grant"}
	return q.render("trust-new.html", struct {
		*page
		F trustForm
	}{&q.page, form})
}

func (q *request) makeGrant() error {
	g, err := q.giving()
	if err == nil {
		err = q.give(g)
	}
	if err == nil {
		return nil
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.newGrant()
}

func (q *request) trustRequest() error {
	r, err := q.trust().Request(q.Context(), q.PathValue("id"))
	if err != nil {
		return err
	}
	form, err := q.grantForm(q.under("trust/requests", r.ID, "grant"), r.Ask)
	if err != nil {
		return err
	}
	q.trustFrame("Request "+r.ID, "/trust/requests", link{r.ID, ""})
	q.Ref, q.Heading, q.Say = r.ID, "Request for access", r.Name+" of "+r.Organization+" asks for the report of "+r.Engagement+"; nobody has checked who they are."
	var decided, grant string
	switch {
	case r.Grant != "":
		decided, grant = "Access was given by "+q.name(r.By)+", "+report.Moment(r.Decided, q.zone())+".", q.at("trust/grants", r.Grant)
	case r.Refused != "":
		decided = "Refused by " + q.name(r.By) + ", " + report.Moment(r.Decided, q.zone()) + ": " + r.Refused
	}
	ref := audit.EvidenceRef(r.Record)
	return q.render("trust-request.html", struct {
		*page
		R              trust.Request
		Class, When    string
		Entry          link
		Decided, Grant string
		May            bool
		F              trustForm
		Refuse, Why    string
	}{&q.page, r, classTitle(r.Class), report.Moment(r.At, q.zone()), link{ref, q.at("evidence", ref)}, decided, grant, r.Open() && q.may("trust.grant", access.Object{}), form,
		q.under("trust/requests", r.ID, "refuse"), q.PostForm.Get("why")})
}

func (q *request) grantRequest() error {
	g, err := q.giving()
	g.Request = q.PathValue("id")
	if err == nil {
		err = q.give(g)
	}
	if err == nil {
		return nil
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.trustRequest()
}

func (q *request) refuseRequest() error {
	id := q.PathValue("id")
	err := q.trust().Refuse(q.Context(), q.who, id, q.field("why"))
	if err == nil {
		return q.done(q.at("trust/requests", id), "Refused, with the reason, and sealed. Nothing is sent to them from here.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.trustRequest()
}

func (q *request) trustGrant() error {
	g, lines, err := q.trust().Grant(q.Context(), q.PathValue("id"))
	if err != nil {
		return err
	}
	inForce, err := q.reportsInForce()
	if err != nil {
		return err
	}
	row := q.trustGrantRow(&g, inForce)
	type step struct {
		When, Who, What string
		Entry           link
	}
	var steps []step
	for _, l := range lines {
		ref := audit.EvidenceRef(l.Record)
		who := q.name(l.By.Name)
		if l.By.Name == trust.Door {
			who = "the holder of the link"
		}
		steps = append(steps, step{report.Moment(l.At, q.zone()), who, report.Capital(l.What), link{ref, q.at("evidence", ref)}})
	}
	q.trustFrame("Access "+g.ID, "/trust/requests", link{g.ID, ""})
	q.Ref, q.Heading, q.Say = g.ID, "Access of "+g.Name, sayGrant(&g, row)
	q.Code = []string{"tieout trust revoke " + g.ID + " --why TEXT"}
	c, _ := trust.ClassOf(g.Class)
	return q.render("trust-grant.html", struct {
		*page
		G      trust.Grant
		Row    trustGrantRow
		Why    string
		Steps  []step
		May    bool
		Action string
		Typed  string
	}{&q.page, g, row, c.Why, steps, row.StateClass != "none" && q.may("trust.grant", access.Object{}), q.under("trust/grants", g.ID, "revoke"), q.PostForm.Get("why")})
}

// sayGrant says whether somebody can open a report, and what they did.
func sayGrant(g *trust.Grant, row trustGrantRow) string {
	out := g.Name + " of " + g.Organization
	if row.StateClass == "none" {
		out += " cannot open the report any more"
	} else {
		out += " can open the report of " + g.Engagement + " until " + row.Until
	}
	switch n := len(g.Fetches); {
	case len(g.Views) == 0:
		return out + "; they have not looked at it."
	case n == 0:
		return out + "; they looked at it and took no copy."
	default:
		return out + "; they took " + report.Plural(n, "copy", "copies") + " of it."
	}
}

func (q *request) revokeGrant() error {
	id := q.PathValue("id")
	err := q.trust().Revoke(q.Context(), q.who, id, q.field("why"))
	if err == nil {
		return q.done(q.at("trust/grants", id), "Access has ended: the link opens nothing any more. Copies that were taken stay with them.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.trustGrant()
}
