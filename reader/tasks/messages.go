package tasks

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/reminder"
	"tieout/report"
	"tieout/store"
)

// A Recipient is somebody who can be told something, with what they may do.
type Recipient struct {
	reminder.Person
	Who  access.Subject
	Lead bool // is told what is overdue with others, and what nobody has
}

// Recipients are the active accounts of a company's workspace, in the order of
// their addresses.
func Recipients(ctx context.Context, st *store.Store) ([]Recipient, error) {
	rows, err := st.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	var out []Recipient
	for _, a := range rows {
		if access.Status(a.Status) != access.Active {
			continue
		}
		r := Recipient{Person: reminder.Person{Account: a.ID, Name: a.Name, Email: a.Email},
			Who: access.Subject{Workspace: access.Company, Kind: audit.ActorPerson, Account: a.ID}}
		for _, g := range a.Grants {
			r.Who.Grants = append(r.Who.Grants, access.Grant{Role: access.RoleID(g.Role), Scope: access.Scope(g.Scope), Object: g.Object})
			r.Lead = r.Lead || access.RoleID(g.Role) == access.ComplianceLead
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Recipient) int { return strings.Compare(a.Email, b.Email) })
	return out, nil
}

// Messages are what people are told on the day of the list, one each at most.
// base is the address they open; "": no links.
func (l *List) Messages(to []Recipient, rules reminder.Rules, base string) []reminder.Message {
	names := map[string]string{}
	for _, r := range to {
		names[r.Account] = r.Name
	}
	var out []reminder.Message
	for _, r := range to {
		if m, ok := l.message(r, rules, base, names); ok {
			out = append(out, m)
		}
	}
	return out
}

// MessageOf is what whoever has a task is told when somebody reminds them of it:
// one message, or none where nobody has it, it is done meanwhile, or they are not
// among the recipients. A task there is none of is audit.ErrNotFound.
func (l *List) MessageOf(to []Recipient, task, base string) ([]reminder.Message, error) {
	o, err := l.Find(task)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(to, func(r Recipient) bool { return r.Account == o.Doer() })
	if i < 0 || !o.Waits() {
		return nil, nil
	}
	j, loc := Job{Occurrence: o}, l.Period.Location()
	due := o.SayDue(l.Now, loc)
	if !o.Overdue(l.Now) {
		due = "is " + due
	}
	return []reminder.Message{{To: to[i].Person, Sentence: "You are reminded of " + o.Name() + ": it " + due + ".",
		Lines: []reminder.Line{j.line(l.Now, loc)}, Link: linkTo(base, o)}}, nil
}

// message is what one person is told; false: nothing today.
func (l *List) message(r Recipient, rules reminder.Rules, base string, names map[string]string) (m reminder.Message, ok bool) {
	loc := l.Period.Location()
	today := l.Now.In(loc).Weekday()
	plate := l.PlateOf(r.Who)
	m = reminder.Message{To: r.Person, Sentence: plate.Sentence(l.Now, loc)}
	said := slices.ContainsFunc(plate.Now, func(j Job) bool {
		if j.Approve {
			return rules.IsDigest(today)
		}
		return rules.Says(reminder.DaysUntil(j.DueBy, l.Now, loc), today)
	})
	if said {
		for _, j := range plate.Now {
			m.Lines = append(m.Lines, j.line(l.Now, loc))
		}
		m.Link = linkTo(base, plate.Now[0].Occurrence)
	}
	said = l.addReports(&m, r, rules, base, said)
	said = l.addIssues(&m, r, rules, base, said)
	if r.Lead {
		m.Later = l.ofOthers(r.Account, rules, today, names)
	}
	if !said && len(m.Later) > 0 {
		m.Sentence, m.Link = l.Sentence(), linkTo(base, l.firstOfOthers(r.Account, rules, today))
	}
	said = said || len(m.Later) > 0
	if r.Lead {
		said = l.addOthersIssues(&m, r, rules, base, names, said)
	}
	return m, said
}

// line is one thing to do as a message says it.
func (j Job) line(now time.Time, loc *time.Location) reminder.Line {
	if j.Approve {
		return reminder.Line{Text: "Approve: " + j.Name()}
	}
	return reminder.Line{Text: j.Name(), Due: j.SayDue(now, loc), Overdue: j.Overdue(now)}
}

// escalated reports whether whoever runs the program is told of an occurrence
// that is not theirs.
func (l *List) escalated(o *Occurrence, account string, rules reminder.Rules, today time.Weekday) bool {
	if !o.Waits() || o.Doer() == account {
		return false
	}
	if o.Doer() == "" && o.Asked(l.Now) && rules.IsDigest(today) {
		return true
	}
	return o.Overdue(l.Now) && rules.Escalates(reminder.DaysUntil(o.DueBy, l.Now, l.Period.Location()), today)
}

func (l *List) ofOthers(account string, rules reminder.Rules, today time.Weekday, names map[string]string) (out []reminder.Line) {
	for i := range l.All {
		o := &l.All[i]
		if !l.escalated(o, account, rules, today) {
			continue
		}
		who := "nobody"
		if o.Doer() != "" {
			who = nameOf(names, o.Doer())
		}
		out = append(out, reminder.Line{Text: o.Name(), Due: o.SayDue(l.Now, l.Period.Location()), Who: who, Overdue: o.Overdue(l.Now)})
	}
	return out
}

func (l *List) firstOfOthers(account string, rules reminder.Rules, today time.Weekday) *Occurrence {
	i := slices.IndexFunc(l.All, func(o Occurrence) bool { return l.escalated(&o, account, rules, today) })
	return &l.All[i]
}

func nameOf(names map[string]string, account string) string {
	if n := names[account]; n != "" {
		return n
	}
	return account
}

// linkTo leads to one thing to do.
func linkTo(base string, o *Occurrence) string {
	if base == "" {
		return ""
	}
	return strings.TrimSuffix(base, "/") + "/me/work/" + url.PathEscape(o.ID())
}

// ChatText is what a chat is told on a day: the sentence about everybody, and
// who is asked for what. It is "" where nobody is told anything.
func (l *List) ChatText(ms []reminder.Message, base string) string {
	if len(ms) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(l.Sentence() + "\n")
	for _, m := range ms {
		for _, line := range m.Lines {
			b.WriteString("- " + line.String() + ", with " + m.To.Name + "\n")
		}
	}
	if base != "" {
		b.WriteString(strings.TrimSuffix(base, "/") + "/tasks?state=due\n")
	}
	return b.String()
}

// A Posted is what another program is told on a day.
type Posted struct {
	Schema       string      `json:"schema"`
	Organization string      `json:"organization"`
	Day          string      `json:"day"`
	Sentence     string      `json:"sentence"`
	People       []PostedFor `json:"people"`
}

// A PostedFor is one person in it.
type PostedFor struct {
	Name     string      `json:"name"`
	Email    string      `json:"email"`
	Sentence string      `json:"sentence"`
	Due      []PostedDue `json:"due"`
}

// A PostedDue is one thing that is due.
type PostedDue struct {
	Text    string `json:"text"`
	Due     string `json:"due"`
	Overdue bool   `json:"overdue"`
}

// PostedSchema names the form of Posted.
const PostedSchema = "tieout.reminders/1"

// Post is the messages of a day as another program reads them.
func (l *List) Post(organization string, ms []reminder.Message) Posted {
	out := Posted{Schema: PostedSchema, Organization: organization, Day: l.Day(), Sentence: l.Sentence(), People: []PostedFor{}}
	for _, m := range ms {
		p := PostedFor{Name: m.To.Name, Email: m.To.Email, Sentence: m.Sentence, Due: []PostedDue{}}
		for _, line := range slices.Concat(m.Lines, m.Later) {
			p.Due = append(p.Due, PostedDue{line.Text, line.Due, line.Overdue})
		}
		out.People = append(out.People, p)
	}
	return out
}

// Day is the day of the list in the organization's zone, 2026-03-10.
func (l *List) Day() string { return l.Now.In(l.Period.Location()).Format(time.DateOnly) }

// Calendar is what an account has to do as a feed.
func (l *List) Calendar(who access.Subject, name, base string) []byte {
	plate := l.PlateOf(who)
	var events []reminder.Event
	for _, j := range slices.Concat(plate.Now, plate.Later) {
		e := reminder.Event{UID: j.ID() + "@tieout", Title: j.Name(), Day: j.DueBy.Add(-time.Microsecond).In(l.Period.Location()), Text: j.SayLate(l.Now, l.Period.Location()), Link: linkTo(base, j.Occurrence)}
		if j.Approve {
			e.UID, e.Title, e.Text = "approve-"+e.UID, "Approve: "+e.Title, ""
			e.Day = l.Now.In(l.Period.Location())
		}
		events = append(events, e)
	}
	events = append(events, l.reportEvents(who.Account, base)...)
	events = append(events, l.issueEvents(who.Account, base)...)
	return reminder.Calendar(report.Capital(name), events, l.Now)
}
