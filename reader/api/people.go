package api

import (
	"net/http"
	"slices"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/reader/roster"
	"tieout/report"
)

// peopleCalls read who works here and what is theirs at other systems. Whose an
// account is, a person confirms.
func (s *Server) peopleCalls() {
	add(s, operation{id: "list-people", method: http.MethodGet, path: "/people", tag: "People", needs: "people.read", title: "People, as the sources of people tell of them"}, anything[peopleIn], listPeople)
	add(s, operation{id: "get-person", method: http.MethodGet, path: "/people/{id}", tag: "People", needs: "people.read", example: "/people/hr%2F3", title: "One person with their accounts and devices"}, thePerson, getPerson)
	add(s, operation{id: "list-accounts", method: http.MethodGet, path: "/accounts", tag: "People", needs: access.ReadAccounts, title: "Who has access to this workspace, with which roles"}, anything[listIn], listAccounts)
}

// Person is one person.
type Person struct {
	ID         string     `json:"id"`
	Name       string     `json:"name"`
	Email      string     `json:"email,omitempty"`
	Kind       string     `json:"kind,omitempty"`
	Status     string     `json:"status,omitempty"`
	Department string     `json:"department,omitempty"`
	Started    *time.Time `json:"started,omitempty"`
	Ended      *time.Time `json:"ended,omitempty" doc:"When the engagement ended or ends"`
	Unknown    bool       `json:"unknown" doc:"No source of people tells of them"`
	Accounts   []Login    `json:"accounts" nullable:"false"`
	Devices    []Device   `json:"devices" nullable:"false"`
	Lacks      []Lack     `json:"lacks" nullable:"false" doc:"What is missing, as far as sources tell"`
	Evidence   string     `json:"evidence,omitempty" doc:"The sealed page that shows them so"`
}

// Login is a sign-in to a system.
type Login struct {
	ID       string `json:"id"`
	System   string `json:"system"`
	Login    string `json:"login"`
	Status   string `json:"status,omitempty"`
	Works    bool   `json:"works" doc:"Somebody can sign in with it, as far as is known"`
	Basis    string `json:"basis,omitempty" doc:"Why it is theirs"`
	Evidence string `json:"evidence,omitempty"`
}

// Device is a computer or phone.
type Device struct {
	ID       string `json:"id"`
	Name     string `json:"name,omitempty"`
	Platform string `json:"platform,omitempty"`
	Status   string `json:"status,omitempty"`
	Evidence string `json:"evidence,omitempty"`
}

// Lack is something that is missing of a person.
type Lack struct {
	Code  string `json:"code"`
	Text  string `json:"text"`
	Grave bool   `json:"grave" doc:"Something works that should not"`
}

// ofPerson is a person for the table of rights: the whole workspace's, and their own.
func (c *call) ofPerson(p *roster.Person) access.Object {
	o := access.Object{Systems: c.Systems, Engagements: []string{c.P.Name}}
	for _, h := range p.Here {
		if h.ID == c.Who.Account {
			o.Owner = h.ID
		}
	}
	return o
}

func evidenceOf(record int64) string {
	if record == audit.Unsequenced {
		return ""
	}
	return audit.EvidenceRef(record)
}

func personOf(p *roster.Person, lacks []roster.Lack) Person {
	out := Person{ID: p.ID, Name: p.Name, Email: p.Email, Kind: p.Kind, Status: p.Status, Department: p.Department, Started: when(p.Started.At), Ended: when(p.Ended.At), Unknown: p.Unknown,
		Accounts: []Login{}, Devices: []Device{}, Lacks: []Lack{}, Evidence: evidenceOf(p.Record)}
	for _, a := range p.Accounts {
		out.Accounts = append(out.Accounts, Login{a.ID, a.System, a.Login, a.Status, a.Works(), a.Basis, evidenceOf(a.Record)})
	}
	for _, d := range p.Devices {
		out.Devices = append(out.Devices, Device{d.ID, d.Name, d.Platform, d.Status, evidenceOf(d.Record)})
	}
	for _, l := range lacks {
		out.Lacks = append(out.Lacks, Lack{l.Code, l.Text, l.Grave})
	}
	return out
}

type peopleIn struct {
	Of
	Paging
}

func listPeople(c *call, in *peopleIn) (*listOut[Person], error) {
	r, err := c.Roster(c)
	if err != nil {
		return nil, err
	}
	mine := slices.DeleteFunc(slices.Clone(r.People), func(p *roster.Person) bool { return !c.May("people.read", c.ofPerson(p)) })
	removal := roster.Removal(c.P)
	page, err := cut(&in.Paging, "tieout.people/1", report.Capital(report.Plural(len(mine), "person", "people"))+".", mine, "/people", "period", in.Period)
	if err != nil {
		return nil, err
	}
	out := &listOut[Person]{Link: page.Link, Body: List[Person]{Schema: page.Body.Schema, Summary: page.Body.Summary, Items: []Person{}, Page: page.Body.Page}}
	for _, p := range page.Body.Items {
		out.Body.Items = append(out.Body.Items, personOf(p, r.Lacks(p, removal)))
	}
	return out, nil
}

type personIn struct {
	Of
	ID string `path:"id" maxLength:"300" doc:"As the source of people names them; a / in it is sent as %2F"`
}

func (c *call) person(id string) (*roster.Roster, *roster.Person, error) {
	r, err := c.Roster(c)
	if err != nil {
		return nil, nil, err
	}
	if p := r.Person(id); p != nil {
		return r, p, nil
	}
	return nil, nil, notFound("person", id)
}

func thePerson(c *call, in *personIn) (access.Object, error) {
	_, p, err := c.person(in.ID)
	if err != nil {
		return access.Object{}, c.Unknown(err, "people.read")
	}
	return c.ofPerson(p), nil
}

func getPerson(c *call, in *personIn) (*oneOut[Person], error) {
	r, p, err := c.person(in.ID)
	if err != nil {
		return nil, err
	}
	out := personOf(p, r.Lacks(p, roster.Removal(c.P)))
	return one("tieout.person/1", p.Name+": "+report.Plural(len(out.Accounts), "account", "accounts")+" and "+report.Plural(len(out.Devices), "device", "devices")+".", out), nil
}

// Account is somebody's access to this workspace.
type Account struct {
	ID           string    `json:"id"`
	Email        string    `json:"email"`
	Name         string    `json:"name"`
	Status       string    `json:"status"`
	Created      time.Time `json:"created"`
	Roles        []string  `json:"roles" nullable:"false" doc:"In words, with how far each reaches"`
	SecondFactor bool      `json:"secondFactor"`
}

func listAccounts(c *call, in *listIn) (*listOut[Account], error) {
	list, err := c.s.o.Web.People().Accounts(c, c.Who)
	if err != nil {
		return nil, err
	}
	var all []Account
	for _, a := range list {
		x := Account{a.ID, a.Email, a.Name, string(a.Status), a.Created, []string{}, a.SecondFactor}
		for _, g := range a.Grants {
			x.Roles = append(x.Roles, g.String())
		}
		all = append(all, x)
	}
	return cut(&in.Paging, "tieout.accounts/1", report.Capital(report.Plural(len(all), "account", "accounts"))+".", all, "/accounts", "period", in.Period)
}
