package web

import (
	"cmp"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/period"
	texts "tieout/policy"
	"tieout/program"
	"tieout/reader/policies"
	"tieout/report"
)

type versionRow struct {
	link
	V           program.PolicyVersion
	State, When string
	By          string
}

type entryLine struct {
	When, What, Who string
	Record          link
}

// A policyPage is one policy with all that is to be said of it.
type policyPage struct {
	*page
	P                       program.Policy
	ID, Title, Owner        string
	Class, Word             string
	File                    string
	Body                    template.HTML
	BodyTitle               string
	Draft                   *program.PolicyVersion
	DraftBody, Changes      template.HTML
	DraftSay                string
	Unfilled                []string
	Facts                   [][2]string
	Sealed                  []link // files that stand in place of a text
	Controls                []link
	Agreed                  *link
	Versions                []versionRow
	History                 []entryLine
	Whole, Write            bool
	Approve, Retire, Review bool
	WhyNot                  string
	Mine                    string
}

func (q *request) policy() error {
	id := q.PathValue("id")
	p, err := q.book.Policy(q.Context(), id)
	if err == nil {
		return q.keptPolicy(p)
	}
	f, ferr := q.theFile(id)
	if ferr != nil {
		return ferr
	}
	if f == nil || f.Status != program.PolicyApproved && !q.wholeProgram() {
		return fmt.Errorf("%w: policy %s", audit.ErrNotFound, id)
	}
	return q.filePolicy(f)
}

// frameOf fills in what the page of any policy shows.
func (q *request) frameOf(data *policyPage, row policies.Row) {
	data.page, data.ID, data.Title, data.Owner = &q.page, row.ID, row.Title, q.name(row.Owner)
	r := q.policyRow(row, q.now())
	data.Class, data.Word = r.Class, r.Word
	data.Whole, data.Write = q.wholeProgram(), q.may("policy.write", access.Object{})
	if data.Whole && row.Asked > 0 {
		data.Agreed = &r.Agreed
	}
	if row.Acknowledge && row.Status == program.PolicyApproved && q.may("policy.agree", access.Object{Owner: q.me.ID}) {
		data.Mine = q.to("/me/policies/" + url.PathEscape(row.ID))
	}
	q.Title, q.Heading, q.Way = row.Title, row.Title, []link{{"Policies", q.to("/policies")}, {row.ID, ""}}
	q.Code = []string{"tieout policy agree-list " + row.ID}
	if row.File != "" {
		q.Code = append(q.Code, "tieout policy show "+row.ID)
	}
}

// rowOf is the policy's row of the list.
func (q *request) rowOf(id string) (policies.Row, error) {
	l, err := q.policyList(id)
	if err != nil {
		return policies.Row{}, err
	}
	i := slices.IndexFunc(l.Rows, func(r policies.Row) bool { return r.ID == id && r.Fault == "" })
	if i < 0 {
		return policies.Row{}, fmt.Errorf("%w: policy %s", audit.ErrNotFound, id)
	}
	return l.Rows[i], nil
}

func (q *request) filePolicy(f *period.PolicyFile) error {
	row, err := q.rowOf(f.ID)
	if err != nil {
		return err
	}
	data := policyPage{File: f.File, Body: texts.Article(f.Title, f.Text), BodyTitle: "What it says"}
	q.frameOf(&data, row)
	data.Write = false
	data.Controls = q.controlLinks(f.Policy.Controls)
	data.Facts = [][2]string{{"Kept in", f.File + ". Change the file; this page shows it."}, {"Owner", cmp.Or(f.Owner, "Nobody is named")}, {"For", audienceWords(f.Audience)},
		{"Approved", cmp.Or(joined(f.Policy.Record.ApprovedBy, f.Policy.Record.ApprovedAt), "Nobody is named")}, {"Review due", cmp.Or(q.policyRow(row, q.now()).Review, "No date is known")}}
	q.Say = sayPolicy(row, nil, q.zone())
	return q.render("policy.html", data)
}

func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

// audienceWords say who a policy is for.
func audienceWords(s string) string {
	switch s {
	case program.Everyone, "":
		return "Everybody"
	case program.Managers:
		return "Managers, and those of whom it is not known whether they are"
	case program.PersonalData:
		return "Those whose work handles personal data, and those of whom that is not known"
	}
	return report.Capital(s) + ", and those whose department is not known"
}

func (q *request) keptPolicy(p program.Policy) error {
	row, err := q.rowOf(p.ID)
	if err != nil {
		return err
	}
	data := policyPage{P: p}
	q.frameOf(&data, row)
	v := p.InForce()
	q.Say = sayPolicy(row, v, q.zone())
	for _, x := range []*program.PolicyVersion{v, p.Draft()} {
		if x != nil && x.File != "" && (x.Number == p.Current().Number || data.Whole) {
			data.Sealed = append(data.Sealed, link{x.File, q.at("evidence", x.File)})
		}
	}
	if v != nil && v.File == "" {
		data.Body, data.BodyTitle = texts.Article(v.Title, v.Text), fmt.Sprintf("Version %d, as it says", v.Number)
	}
	data.Facts = q.policyFacts(&p)
	data.Controls = q.controlLinks(p.Current().Controls)
	if !data.Whole {
		return q.render("policy.html", data)
	}
	if data.Draft = p.Draft(); data.Draft != nil {
		q.draftOf(&data, &p)
	}
	need, on := p.Retiring()
	data.Retire = p.Retired.IsZero() && q.may(need, on)
	data.Review = data.Write && row.Status == program.PolicyApproved
	data.Versions = q.versionRows(&p)
	data.History, err = q.history("policy:" + p.ID)
	if err != nil {
		return err
	}
	return q.render("policy.html", data)
}

// draftOf shows the draft: what it changes, and who may approve it.
func (q *request) draftOf(data *policyPage, p *program.Policy) {
	d, v := data.Draft, p.InForce()
	data.DraftBody, data.Unfilled = texts.Article(d.Title, d.Text), d.Unfilled()
	data.DraftSay = "Nothing of it is in force before somebody else approves it."
	if v != nil {
		diff := texts.Diff(v.Text, d.Text)
		data.Changes = diff.HTML()
		data.DraftSay = fmt.Sprintf("Compared with version %d, %s", v.Number, lowerFirst(diff.Sentence()))
		if d.Material {
			data.DraftSay += " Everybody is asked to agree anew."
		} else {
			data.DraftSay += " Agreements to earlier versions go on holding."
		}
	}
	var why string
	data.Approve, why = access.Allowed(q.who, "policy.approve", access.Object{Prepared: d.By})
	if !data.Approve && slices.ContainsFunc(q.who.Grants, func(g access.Grant) bool { return g.Role == access.ManagementSigner }) {
		data.WhyNot = sentence(why)
	}
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

func (q *request) policyFacts(p *program.Policy) [][2]string {
	loc, v := q.zone(), p.Current()
	facts := [][2]string{{"What it is", report.Capital(v.What())}, {"Owner", q.name(v.Owner)}, {"For", audienceWords(v.Audience)}, {"Reviewed every", map[string]string{"year": "365 days", "half-year": "182 days", "quarter": "91 days"}[v.Review]}}
	if f := p.InForce(); f != nil {
		facts = append(facts, [2]string{"Approved", q.name(f.ApprovedBy) + ", " + report.Day(f.Approved, loc)})
	}
	if !p.Reviewed.IsZero() {
		facts = append(facts, [2]string{"Reviewed without change", joined(q.name(p.ReviewedBy), report.Day(p.Reviewed, loc), p.ReviewNote)})
	}
	if due := p.ReviewDue(); !due.IsZero() {
		facts = append(facts, [2]string{"Review due", report.Day(due, loc)})
	}
	if !p.Retired.IsZero() {
		facts = append(facts, [2]string{"Retired", joined(q.name(p.RetiredBy), report.Day(p.Retired, loc), p.RetiredWhy)})
	}
	return facts
}

func (q *request) versionRows(p *program.Policy) []versionRow {
	var out []versionRow
	for i := len(p.Versions) - 1; i >= 0; i-- {
		v := p.Versions[i]
		row := versionRow{link: link{"Version " + strconv.Itoa(v.Number), q.policyAt(p.ID, "/versions/"+strconv.Itoa(v.Number))}, V: v, State: "Replaced",
			When: report.Day(v.Written, q.zone()), By: q.authors(v.By)}
		switch {
		case v.Approved.IsZero():
			row.State = "Draft"
		case p.InForce().Number == v.Number && p.Status() == program.PolicyApproved:
			row.State = "In force"
		case p.InForce().Number == v.Number:
			row.State = "Retired"
		}
		out = append(out, row)
	}
	return out
}

func (q *request) authors(ids []string) string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = q.name(id)
	}
	return report.List(list)
}

// history is what the log says of one object, the newest first.
func (q *request) history(on string) (out []entryLine, err error) {
	open := q.reaches("activity.read")
	err = q.book.Read(q.Context(), func(s *program.State) error {
		for _, l := range s.History(on) {
			ref := audit.EvidenceRef(l.Record)
			row := entryLine{report.Moment(l.At, q.zone()), report.Capital(l.What), q.name(l.By.Name), link{ref, ""}}
			if open {
				row.Record.Href = q.at("evidence", ref)
			}
			out = append(out, row)
		}
		return nil
	})
	slices.Reverse(out)
	return out, err
}

// sayPolicy says where a policy stands.
func sayPolicy(r policies.Row, v *program.PolicyVersion, loc *time.Location) string {
	var s string
	switch r.Status {
	case program.PolicyRetired:
		s = "This policy is retired and asks nothing of anybody."
	case program.PolicyDraft:
		s = "Nothing of this policy is in force yet."
	default:
		s = "Version " + r.Version + " is in force"
		if !r.Since.IsZero() {
			s += " since " + report.Day(r.Since, loc)
		}
		s += "."
	}
	if v != nil && r.Draft > v.Number || v == nil && r.Draft > 0 {
		s += fmt.Sprintf(" Version %d waits for approval.", r.Draft)
	}
	if r.Asked > 0 {
		s += " " + policies.Agreed(r.Agreed, r.Asked, r.Version)
	}
	return s
}
