package web

import (
	"html/template"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/program"
	"tieout/reader/answer"
	"tieout/reader/roster"
	"tieout/reader/tasks"
	"tieout/report"
)

// A lifeRow is one line of a person's joiner-mover-leaver picture.
type lifeRow struct {
	link
	Where, When, Basis string
	Class, Word        string
	Strip              template.HTML
	Evidence           []link
	Undo               *undoForm
}

// An undoForm takes back what a person confirmed.
type undoForm struct {
	Of, Thing, Person string
	Revision          int64
}

// An ownDevice is a device with its checks.
type ownDevice struct {
	link
	What, Basis string
	Checks      []roster.Check
	Evidence    []link
	Undo        *undoForm
}

func (q *request) person() error {
	r, err := q.roster()
	if err != nil {
		return err
	}
	p := r.Person(q.PathValue("id"))
	removal := roster.Removal(q.st.p)
	lacks := r.Lacks(p, removal)
	v := struct {
		*page
		P         *roster.Person
		Class     string
		Word      string
		Facts     []rowFact
		Lives     []lifeRow
		Months    any
		Deadline  string
		Devices   []ownDevice
		Lacks     []roster.Lack
		Here      string
		OwnHere   []lifeRow
		Asked     []taskRow // what they have to do now
		Everybody bool
	}{page: &q.page, P: p, Lacks: lacks, Months: q.st.view.Months, Here: q.at("people", p.ID)}
	_, v.Class, v.Word = standingOf(r, p)
	v.Facts = q.personFacts(r, p)
	v.Lives = q.personLives(r, p, removal)
	if removal != nil && !p.Ended.At.IsZero() {
		v.Deadline = "Accounts are to be removed by " + report.Moment(removal(p.Ended.At), q.zone())
	}
	for _, d := range p.Devices {
		v.Devices = append(v.Devices, q.ownDevice(d))
	}
	for _, h := range p.Here {
		v.OwnHere = append(v.OwnHere, lifeRow{link: link{h.Name, ""}, Where: h.Email, Undo: q.undo(program.OfTieout, h.ID, p)})
	}
	if v.Asked, err = q.askedOf(p); err != nil {
		return err
	}
	all, _ := everybody(q)
	v.Everybody = q.may("people.read", all)
	q.Title, q.Heading, q.Wide, q.Say = p.Name, p.Name, true, answer.SayPerson(r, p, lacks)
	if v.Everybody {
		q.Way = []link{{"People", q.to("/people")}, {p.ID, ""}}
	}
	q.Code = []string{"tieout person show " + p.ID}
	return q.render("person.html", v)
}

// askedOf is what a person has to do now, as far as who is signed in reads tasks,
// each with the button that reminds them of it.
func (q *request) askedOf(p *roster.Person) ([]taskRow, error) {
	if len(p.Here) == 0 {
		return nil, nil
	}
	l, err := q.tasks()
	if err != nil {
		return nil, err
	}
	var rows []taskRow
	var of []*tasks.Occurrence
	for _, o := range l.Select(tasks.Filter{State: "due", People: true}) {
		theirs := slices.ContainsFunc(p.Here, func(h roster.Here) bool { return h.ID == o.Doer() })
		if theirs && q.may("task.read", q.taskObject(o)) {
			rows, of = append(rows, q.taskRow(o, l.Now)), append(of, o)
		}
	}
	return rows, q.reminded(rows, of)
}

func (q *request) personFacts(r *roster.Roster, p *roster.Person) (out []rowFact) {
	add := func(name, text string) {
		if text != "" {
			out = append(out, rowFact{Name: name, Text: text})
		}
	}
	add("Role", strings.Join(nonEmpty(p.Title, p.Department), ", "))
	add("Engaged as", report.Capital(p.Kind))
	add("E-mail", p.Email)
	if m := r.Person(p.Manager); m != nil && p.Manager != "" {
		out = append(out, rowFact{Name: "Reports to", Text: m.Name, Href: q.at("people", m.ID)})
	}
	for _, f := range []struct {
		name string
		when roster.When
		not  string
	}{{"Background check", p.Checked, "None was completed"}, {"Confidentiality agreement", p.Signed, "Not signed"}, {"Onboarding", p.Onboarded, "Not completed"}, {"Offboarding", p.Offboarded, ""}} {
		switch {
		case f.when.Never():
			add(f.name, f.not)
		case f.when.Known:
			add(f.name, report.Day(f.when.At, q.zone()))
		case f.name != "Offboarding":
			add(f.name, "Not collected")
		}
	}
	if p.Record != audit.Unsequenced && q.reaches("evidence.read") {
		out = append(out, rowFact{Name: "Shown by", Evidence: q.recordLinks([]int64{p.Record}, p.ID)})
	}
	return out
}

// personLives are the engagement, its moves and every account, over the period.
func (q *request) personLives(r *roster.Roster, p *roster.Person, removal func(time.Time) time.Time) []lifeRow {
	engaged := lifeRow{link: link{Text: "Engagement"}, When: lifeDates(r, p), Strip: q.lifeOf(r, p, removal)}
	_, engaged.Class, engaged.Word = standingOf(r, p)
	out := []lifeRow{engaged}
	for _, m := range p.Moves() {
		out = append(out, lifeRow{link: link{Text: "Moved"}, Where: m.From + " to " + m.To, When: report.BoundText(m.At, q.zone()), Evidence: q.evidence(m.Record, p.ID)})
	}
	for _, a := range p.Accounts {
		row := lifeRow{link: link{a.Login, q.at("people/accounts", a.ID)}, Where: a.System, Basis: a.Basis, Strip: q.accountLife(a, removal), Evidence: q.evidence(a.Record, a.ID)}
		row.Class, row.Word = accountWord(r, a)
		if a.By != "" {
			row.Undo = q.undo(program.OfAccount, a.ID, p)
			row.Basis += ", by " + q.name(a.By)
		}
		out = append(out, row)
	}
	return out
}

func lifeDates(r *roster.Roster, p *roster.Person) string {
	s := ""
	if !p.Started.At.IsZero() {
		s = "From " + r.LastDay(p.Started.At.Add(time.Microsecond))
	}
	if !p.Ended.At.IsZero() {
		s = strings.TrimSpace(s + " until " + r.LastDay(p.Ended.At))
	}
	return report.Capital(s)
}

// evidence are links to a record, for who reads records.
func (q *request) evidence(record int64, near string) []link {
	if record == audit.Unsequenced || !q.reaches("evidence.read") {
		return nil
	}
	return q.recordLinks([]int64{record}, near)
}

// accountWord is whether an account works, with its class.
func accountWord(r *roster.Roster, a *roster.Account) (class, word string) {
	switch {
	case a.Gone:
		return "none", "Not shown any more"
	case !a.Works():
		return "none", report.Capital(a.Status)
	case a.Owner != nil && a.Owner.Left(r.Now):
		return "dev", "Works after leaving"
	case a.Status == "":
		return "gap", "Status not collected"
	}
	return "ok", report.Capital(a.Status)
}

// undo is the form that takes back a confirmed pair, for who may.
func (q *request) undo(of, thing string, p *roster.Person) *undoForm {
	if !q.may("identity.link", access.Object{}) {
		return nil
	}
	i, err := q.book.Identity(q.Context(), of, thing)
	if err != nil || i.Person != p.ID {
		return nil
	}
	return &undoForm{of, thing, p.ID, i.Revision}
}

func (q *request) ownDevice(d *roster.Device) ownDevice {
	c := ownDevice{link: link{d.Name, q.at("people/devices", d.ID)}, What: strings.Join(nonEmpty(report.Capital(d.Kind), d.Platform, d.Status), ", "), Basis: d.Basis, Checks: d.Checks(), Evidence: q.evidence(d.Record, d.ID)}
	if d.By != "" && d.Owner != nil {
		c.Undo = q.undo(program.OfDevice, d.ID, d.Owner)
		c.Basis += ", by " + q.name(d.By)
	}
	return c
}
