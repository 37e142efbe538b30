package web

import (
	"fmt"
	"html/template"

	"tieout/access"
	"tieout/program"
	"tieout/reader/answer"
	"tieout/reader/roster"
)

// A thingView is the page of one account or device.
type thingView struct {
	*page
	Of, Thing string
	Facts     []rowFact
	Strip     template.HTML
	Months    any
	Checks    []roster.Check
	Asks      []askLine
	Rejected  []undoLine
	Undo      *undoForm
	Link      bool // who is signed in may say whose it is
	Owned     bool
	Revision  int64
	Typed     string
	Here      string
}

type undoLine struct {
	undoForm
	Name string
}

func (q *request) theirAccount() error { return q.showTheirAccount(q.PathValue("id"), "") }

func (q *request) showTheirAccount(id, typed string) error {
	r, err := q.roster()
	if err != nil {
		return err
	}
	a := r.Account(id)
	v := &thingView{page: &q.page, Of: program.OfAccount, Thing: id, Strip: q.accountLife(a, roster.Removal(q.st.p)), Months: q.st.view.Months, Typed: typed}
	_, word := accountWord(r, a)
	v.Facts = []rowFact{q.ownerFact(a.Owner, a.Basis, a.By), {Name: "Status", Text: word}, {Name: "Kind", Text: notCollected(a.Kind)}, {Name: "Administrator", Text: notCollected(a.Admin)}}
	if a.Email != "" {
		v.Facts = append(v.Facts, rowFact{Name: "E-mail", Text: a.Email})
	}
	v.Facts = append(v.Facts, rowFact{Name: "Shown by", Evidence: q.evidence(a.Record, a.ID)})
	q.Title, q.Heading, q.Say = a.Login+" in "+a.System, a.Login, sayTheirAccount(a)
	q.Way = []link{{"People", q.to("/people")}, {a.System, q.to("/people/accounts", "system", a.System)}, {a.Login, ""}}
	return q.showThing(r, v, a.Owner)
}

func sayTheirAccount(a *roster.Account) string {
	if a.Owner == nil {
		return fmt.Sprintf("Nobody confirmed whose %s in %s is.", a.Login, a.System)
	}
	return fmt.Sprintf("%s in %s belongs to %s.", a.Login, a.System, a.Owner.Name)
}

func (q *request) ownerFact(p *roster.Person, basis, by string) rowFact {
	if p == nil {
		return rowFact{Name: "Person", Text: "Nobody is confirmed"}
	}
	f := rowFact{Name: "Person", Text: p.Name + ", " + basis, Href: q.at("people", p.ID)}
	if by != "" {
		f.Text += ", by " + q.name(by)
	}
	return f
}

func (q *request) device() error { return q.showDevice(q.PathValue("id"), "") }

func (q *request) showDevice(id, typed string) error {
	r, err := q.roster()
	if err != nil {
		return err
	}
	d := r.Device(id)
	v := &thingView{page: &q.page, Of: program.OfDevice, Thing: id, Checks: d.Checks(), Typed: typed}
	v.Facts = []rowFact{q.ownerFact(d.Owner, d.Basis, d.By), {Name: "Kind", Text: notCollected(d.Kind)}, {Name: "Platform", Text: notCollected(d.Platform)},
		{Name: "Serial number", Text: notCollected(d.Serial)}, {Name: "Status", Text: notCollected(d.Status)}, {Name: "Shown by", Evidence: q.evidence(d.Record, d.ID)}}
	q.Title, q.Heading, q.Say = d.Name, d.Name, answer.SayDevice(d)
	q.Way = []link{{"People", q.to("/people")}, {"Devices", q.to("/people/devices")}, {d.Name, ""}}
	return q.showThing(r, v, d.Owner)
}

func (q *request) showThing(r *roster.Roster, v *thingView, owner *roster.Person) error {
	i, err := q.book.Identity(q.Context(), v.Of, v.Thing)
	if err != nil {
		return err
	}
	v.Revision, v.Owned, v.Link = i.Revision, owner != nil, q.may("identity.link", access.Object{})
	v.Here = q.at("people/"+v.Of+"s", v.Thing)
	if owner != nil {
		v.Undo = q.undo(v.Of, v.Thing, owner)
	}
	for _, p := range r.Asks {
		if p.Of == v.Of && p.Thing == v.Thing {
			v.Asks = append(v.Asks, q.askLine(p))
		}
	}
	for _, x := range i.Rejected {
		l := undoLine{undoForm{v.Of, v.Thing, x.Person, i.Revision}, x.Person}
		if p := r.Person(x.Person); p != nil {
			l.Name = p.Name
		}
		v.Rejected = append(v.Rejected, l)
	}
	if all, _ := everybody(q); !q.may("people.read", all) {
		q.Way = nil
	}
	return q.render("thing.html", v)
}
