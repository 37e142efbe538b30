package web

import (
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/program"
	"tieout/reader/answer"
	"tieout/reader/roster"
	"tieout/report"
)

var peopleRoutes = []route{
	{pattern: "GET /people", needs: "people.read", on: anything, do: (*request).people},
	{pattern: "GET /people/links", needs: "people.read", on: everybody, do: (*request).links},
	{pattern: "POST /people/links", needs: "identity.link", do: (*request).decideLink},
	{pattern: "GET /people/accounts", needs: "people.read", on: everybody, do: (*request).accounts},
	{pattern: "GET /people/accounts/{id}", needs: "people.read", on: theAccount, do: (*request).theirAccount},
	{pattern: "GET /people/devices", needs: "people.read", on: everybody, do: (*request).devices},
	{pattern: "GET /people/devices/{id}", needs: "people.read", on: theDevice, do: (*request).device},
	{pattern: "GET /people/{id}", needs: "people.read", on: thePerson, do: (*request).person},
}

// everybody is the whole of the people: they belong to every control and to the
// examination of the period.
func everybody(q *request) (access.Object, error) {
	var ids []string
	for _, c := range q.st.p.Selection().Controls {
		ids = append(ids, c.ID)
	}
	return q.ofControls(ids...), nil
}

// ofPerson is what belongs to one person; to them it is their own.
func (q *request) ofPerson(r *roster.Roster, p *roster.Person) access.Object {
	o, _ := everybody(q)
	if p != nil && r.Of(q.who.Account) == p {
		o.Owner = q.who.Account
	}
	return o
}

// whose is an object that belongs to who owns a thing of the roster.
func whoseIs(find func(*roster.Roster, string) (owner *roster.Person, known bool)) objectOf {
	return func(q *request) (access.Object, error) {
		r, err := q.roster()
		if err != nil {
			return access.Object{}, err
		}
		p, known := find(r, q.PathValue("id"))
		if !known {
			return access.Object{}, q.unknown(fmt.Errorf("%w: nothing of the ID %q was collected", audit.ErrNotFound, q.PathValue("id")), "people.read")
		}
		return q.ofPerson(r, p), nil
	}
}

var (
	thePerson  = whoseIs(func(r *roster.Roster, id string) (*roster.Person, bool) { p := r.Person(id); return p, p != nil })
	theAccount = whoseIs(func(r *roster.Roster, id string) (*roster.Person, bool) {
		a := r.Account(id)
		if a == nil {
			return nil, false
		}
		return a.Owner, true
	})
	theDevice = whoseIs(func(r *roster.Roster, id string) (*roster.Person, bool) {
		d := r.Device(id)
		if d == nil {
			return nil, false
		}
		return d.Owner, true
	})
)

// A personRow is one person of the list.
type personRow struct {
	link
	Work, Accounts, Devices string
	Strip                   template.HTML
	Lacks                   []roster.Lack
	Class, Word             string
}

// A peopleView is the page of everybody.
type peopleView struct {
	*page
	Asks          []askLine
	AllAsks       string
	Rows          []personRow
	Pager         pager
	Standing      []stateFilter
	Missing       []stateFilter
	Text, Show    string
	Systems       []systemRow
	Months        any
	Devices       link
	Loose         link
	Link          bool
	Here          string
	ShownMissing  string
	NobodyIsKnown bool
}

type systemRow struct {
	link
	Working, Loose, All string
}

// standingOf is where a person is in their engagement.
func standingOf(r *roster.Roster, p *roster.Person) (name, class, word string) {
	switch {
	case p.Unknown:
		return "unknown", "gap", "Unknown"
	case p.Left(r.Now):
		return "left", "none", "Left"
	case p.WorksAt(r.Now) && p.Status == "leave":
		return "here", "due", "On leave"
	case p.WorksAt(r.Now):
		return "here", "ok", "Works here"
	}
	return "soon", "due", "Starts later"
}

var engagements = [][2]string{{"here", "Work here"}, {"soon", "Start later"}, {"left", "Left"}, {"unknown", "Unknown"}}

func (q *request) people() error {
	if all, _ := everybody(q); !q.may("people.read", all) {
		return q.onlyMe()
	}
	r, lacks, err := q.lacks()
	if err != nil {
		return err
	}
	get := q.URL.Query()
	v := &peopleView{page: &q.page, Text: strings.TrimSpace(get.Get("q")), Show: get.Get("show"), ShownMissing: get.Get("missing"), Months: q.st.view.Months,
		Link: q.may("identity.link", access.Object{})}
	if v.Show == "" && v.ShownMissing == "" {
		v.Show = "here"
	}
	h := answer.Headcount{Loose: len(r.Loose), Proposals: len(r.Asks)}
	standing, missing := map[string]int{}, map[string]int{}
	var rows []*roster.Person
	for i, p := range r.People {
		name, _, _ := standingOf(r, p)
		standing[name]++
		h.Add(r, p, lacks[i])
		for _, code := range codesOf(lacks[i]) {
			missing[code]++
		}
		fits := (v.Show == "" || v.Show == "all" || v.Show == name) && (v.ShownMissing == "" || slices.Contains(codesOf(lacks[i]), v.ShownMissing))
		if fits && matches(v.Text, p.Name, p.Email, p.ID, p.Department, p.Title) {
			rows = append(rows, p)
		}
	}
	v.NobodyIsKnown = len(r.People) == 0
	v.peopleFilters(q, standing, missing, len(r.People))
	from := q.from(len(rows))
	removal := roster.Removal(q.st.p)
	for _, p := range rows[from:min(len(rows), from+pageLength)] {
		v.Rows = append(v.Rows, q.personRow(r, p, removal))
	}
	v.Pager = q.pager("/people", from, len(rows), "show", get.Get("show"), "missing", v.ShownMissing, "q", v.Text)
	for _, s := range r.Systems {
		v.Systems = append(v.Systems, systemRow{link{s.Name, q.to("/people/accounts", "system", s.Name)}, report.Number(s.Working), report.Number(s.Loose), report.Number(len(s.Accounts))})
	}
	v.asks(q, r, 5)
	v.Devices = link{report.Plural(len(r.Devices), "device", "devices"), q.to("/people/devices")}
	v.Loose = link{report.Plural(len(r.Loose), "account belongs to nobody", "accounts belong to nobody"), q.to("/people/accounts", "show", "loose")}
	q.Title, q.Heading, q.Wide, q.Say = "People", "People and devices", true, answer.SayPeople(h)
	q.Code = []string{"tieout person list"}
	return q.render("people.html", v)
}

func codesOf(lacks []roster.Lack) (out []string) {
	for _, l := range lacks {
		if !slices.Contains(out, l.Code) {
			out = append(out, l.Code)
		}
	}
	return out
}

func (v *peopleView) peopleFilters(q *request, standing, missing map[string]int, all int) {
	for _, s := range engagements {
		if standing[s[0]] > 0 || s[0] == v.Show {
			v.Standing = append(v.Standing, stateFilter{"", s[1], report.Number(standing[s[0]]), q.to("/people", "show", s[0]), v.Show == s[0] && v.ShownMissing == ""})
		}
	}
	v.Standing = append(v.Standing, stateFilter{"", "All", report.Number(all), q.to("/people", "show", "all"), v.Show == "all" && v.ShownMissing == ""})
	for _, l := range roster.LackCodes {
		if missing[l[0]] > 0 {
			v.Missing = append(v.Missing, stateFilter{"", l[1], report.Number(missing[l[0]]), q.to("/people", "missing", l[0]), v.ShownMissing == l[0]})
		}
	}
}

// onlyMe is the list to who reads only what is theirs: their own page.
func (q *request) onlyMe() error {
	r, err := q.roster()
	if err != nil {
		return err
	}
	if p := r.Of(q.who.Account); p != nil {
		http.Redirect(q.w, q.Request, q.at("people", p.ID), http.StatusSeeOther)
		return nil
	}
	q.Title, q.Heading = "People", "You"
	q.Say = "Nobody confirmed yet which person you are, so your accounts and devices cannot be shown. A compliance lead links your account to a person."
	return q.render("peopleme.html", &q.page)
}

func (q *request) personRow(r *roster.Roster, p *roster.Person, removal func(time.Time) time.Time) personRow {
	row := personRow{link: link{p.Name, q.at("people", p.ID)}, Work: strings.Join(nonEmpty(p.Title, p.Department), ", "), Lacks: r.Lacks(p, removal), Strip: q.lifeOf(r, p, removal)}
	working := 0
	for _, a := range p.Accounts {
		if a.Works() {
			working++
		}
	}
	row.Accounts = fmt.Sprintf("%d of %d work", working, len(p.Accounts))
	if len(p.Accounts) == 0 {
		row.Accounts = "None"
	}
	row.Devices = report.Number(len(p.Devices))
	_, row.Class, row.Word = standingOf(r, p)
	return row
}

func nonEmpty(s ...string) []string {
	return slices.DeleteFunc(s, func(x string) bool { return x == "" })
}

// An askLine is a proposal with its form's values.
type askLine struct {
	roster.Proposal
	Href string // of the thing
	Who  link
	Pair string // names it among those that are confirmed together
}

func (v *peopleView) asks(q *request, r *roster.Roster, most int) {
	for _, p := range r.Asks[:min(len(r.Asks), most)] {
		v.Asks = append(v.Asks, q.askLine(p))
	}
	if len(r.Asks) > most {
		v.AllAsks = q.to("/people/links")
	}
	v.Here = q.to("/people")
}

func (q *request) askLine(p roster.Proposal) askLine {
	l := askLine{Proposal: p, Who: link{p.Person.Name, q.at("people", p.Person.ID)}}
	switch p.Of {
	case program.OfAccount:
		l.Href = q.at("people/accounts", p.Thing)
	case program.OfDevice:
		l.Href = q.at("people/devices", p.Thing)
	}
	return l
}
