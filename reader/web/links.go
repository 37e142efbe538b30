package web

import (
	"fmt"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/program"
	"tieout/reader/roster"
	"tieout/report"
)

// decideLink confirms or rejects a proposal, links by hand, or takes that back.
func (q *request) decideLink() error {
	if q.field("do") == "together" || q.field("not") != "" {
		return q.decideTogether()
	}
	of, thing := q.field("of"), q.field("thing")
	rev, err := formRevision(q)
	if err != nil {
		return err
	}
	r, err := q.roster()
	if err != nil {
		return err
	}
	person := q.field("person")
	var said string
	switch q.field("do") {
	case "confirm":
		if _, err = q.book.LinkIdentity(q.Context(), q.who, of, thing, person, q.field("basis"), rev); err == nil {
			said = "Confirmed: it belongs to " + nameOf(r, person) + "."
		}
	case "reject":
		if _, err = q.book.RejectIdentity(q.Context(), q.who, of, thing, person, q.field("basis"), rev); err == nil {
			said = "Rejected. It is not proposed again."
		}
	case "second":
		if _, err = q.book.SecondIdentity(q.Context(), q.who, thing, person, rev); err == nil {
			said = "Confirmed by you too: it tells people apart from now on."
		}
	case "undo":
		if _, err = q.book.UndoIdentity(q.Context(), q.who, of, thing, person, rev); err == nil {
			said = "Taken back. Both stay in the log."
		}
	case "link":
		said, err = q.linkByHand(r, of, thing, person, rev)
	default:
		return fmt.Errorf("%w: confirm, second, reject, link or undo", audit.ErrInvalid)
	}
	if err == nil {
		return q.done(q.field("back"), said)
	}
	return q.thingAgain(r, of, thing, person, err)
}

func nameOf(r *roster.Roster, person string) string {
	if p := r.Person(person); p != nil {
		return p.Name
	}
	return person
}

func (q *request) linkByHand(r *roster.Roster, of, thing, typed string, rev int64) (string, error) {
	p, many := r.Find(typed)
	switch {
	case many > 1:
		return "", fmt.Errorf("%w: person: %d people are called %q; type the ID instead", audit.ErrInvalid, many, typed)
	case p == nil:
		return "", fmt.Errorf("%w: person: nobody is called %q, has that address or that ID", audit.ErrInvalid, typed)
	}
	if of == program.OfTieout { // its form shows nothing that could have changed
		i, err := q.book.Identity(q.Context(), of, thing)
		if err != nil {
			return "", err
		}
		rev = i.Revision
	}
	_, err := q.book.LinkIdentity(q.Context(), q.who, of, thing, p.ID, "", rev)
	return "It belongs to " + p.Name + " now.", err
}

// thingAgain shows the thing's page with what is wrong and what was typed.
func (q *request) thingAgain(r *roster.Roster, of, thing, typed string, err error) error {
	if of == program.OfTieout {
		if err := q.problem(err); err != nil {
			return err
		}
		return q.links()
	}
	known := of == program.OfAccount && r.Account(thing) != nil || of == program.OfDevice && r.Device(thing) != nil
	if !known {
		return err
	}
	if err := q.problem(err); err != nil {
		return err
	}
	if of == program.OfDevice {
		return q.showDevice(thing, typed)
	}
	return q.showTheirAccount(thing, typed)
}

// links are all proposals, or what was decided about them.
func (q *request) links() error {
	r, err := q.roster()
	if err != nil {
		return err
	}
	decided, err := q.book.AllIdentities(q.Context())
	if err != nil {
		return err
	}
	show := q.URL.Query().Get("show")
	v := struct {
		*page
		Sure    []askLine // one form confirms the ticked ones
		Asks    []askLine
		Done    []doneLine
		Filters []stateFilter
		Pager   pager
		Link    bool
		Here    string
	}{page: &q.page, Link: q.may("identity.link", access.Object{}), Here: q.to("/people/links")}
	rejected, confirmed := doneLines(q, r, decided)
	v.Filters = []stateFilter{{"", "Proposed", report.Number(len(r.Asks)), q.to("/people/links"), show == ""}, {"", "Confirmed", report.Number(len(confirmed)), q.to("/people/links", "show", "confirmed"), show == "confirmed"},
		{"", "Rejected", report.Number(len(rejected)), q.to("/people/links", "show", "rejected"), show == "rejected"}}
	list := map[string][]doneLine{"confirmed": confirmed, "rejected": rejected}[show]
	n, asks := len(list), r.Asks
	if show == "" {
		if v.Link {
			v.Sure, asks = q.sureLines(r.Asks)
		}
		n = len(asks)
	}
	from := q.from(n)
	if show == "" {
		for _, p := range asks[from:min(n, from+pageLength)] {
			v.Asks = append(v.Asks, q.askLine(p))
		}
	} else {
		v.Done = list[from:min(n, from+pageLength)]
	}
	v.Pager = q.pager("/people/links", from, n, "show", show)
	q.Title, q.Heading, q.Say = "Whose is it", "Whose accounts and devices are", sayLinks(len(r.Asks), len(confirmed), len(rejected))
	q.Way = []link{{"People", q.to("/people")}, {"Whose is it", ""}}
	return q.render("peoplelinks.html", v)
}

// sayLinks is the sentence of what was proposed and decided.
func sayLinks(asks, confirmed, rejected int) string {
	s := "Nothing is proposed"
	if asks > 0 {
		s = report.Capital(report.Plural(asks, "proposal waits", "proposals wait")) + " for a person, and " + map[bool]string{true: "counts", false: "count"}[asks == 1] + " for nothing before"
	}
	return fmt.Sprintf("%s; %d confirmed here, %d rejected.", s, confirmed, rejected)
}

// A doneLine is a pair that a person confirmed or rejected.
type doneLine struct {
	undoForm
	Label, Name, By, When, Basis string
	Href, Who                    string
	Waits, MaySecond             bool   // for a second person to confirm it
	Second                       string // who that was
}

func doneLines(q *request, r *roster.Roster, decided []program.Identity) (rejected, confirmed []doneLine) {
	line := func(i *program.Identity, person, by string, at time.Time, basis string) doneLine {
		l := doneLine{undoForm: undoForm{i.Of, i.Thing, person, i.Revision}, Label: i.Thing, Name: nameOf(r, person), By: q.name(by), When: report.Moment(at, q.zone()), Basis: basis, Who: q.at("people", person)}
		switch {
		case i.Of == program.OfTieout:
			l.Label, l.Waits = q.name(i.Thing)+" in Tieout", i.Waits && i.Person == person
			if !access.IsAccount(i.Thing) {
				l.Label = i.Thing + " at a shell"
			}
			l.MaySecond = l.Waits && q.who.Account != i.Thing && q.who.Account != i.By
			if i.Second != "" {
				l.Second = q.name(i.Second)
			}
		case i.Of == program.OfAccount && r.Account(i.Thing) != nil:
			l.Href = q.at("people/accounts", i.Thing)
		case i.Of == program.OfDevice && r.Device(i.Thing) != nil:
			l.Label, l.Href = r.Device(i.Thing).Name, q.at("people/devices", i.Thing)
		}
		return l
	}
	for k := range decided {
		i := &decided[k]
		if i.Person != "" {
			confirmed = append(confirmed, line(i, i.Person, i.By, i.At, i.Basis))
		}
		for _, x := range i.Rejected {
			rejected = append(rejected, line(i, x.Person, x.By, x.At, ""))
		}
	}
	return rejected, confirmed
}
