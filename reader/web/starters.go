package web

import (
	"fmt"
	"slices"

	"tieout/audit"
	texts "tieout/policy"
	"tieout/program"
	"tieout/report"
)

// A starterRow is one policy of the starter set.
type starterRow struct {
	texts.Policy
	Have    string // why it is not offered
	Chosen  bool
	Minutes int
	For     string
}

// uncounted is no policy's ID: of a list that needs no counts.
const uncounted = "-"

type startersPage struct {
	*page
	Rows     []starterRow
	Contact  string
	Revision int64 // of the words
	Left     int   // policies that can still be taken
	Plans    int   // and plans
}

func (q *request) starters() error {
	words, err := q.book.Words(q.Context())
	if err != nil {
		return err
	}
	return q.showStarters(words.Values[program.SecurityContact], words.Revision, nil)
}

func (q *request) showStarters(contact string, revision int64, chosen []string) error {
	all, plans, err := startersAndPlans()
	if err != nil {
		return err
	}
	l, err := q.policyList(uncounted)
	if err != nil {
		return err
	}
	data := startersPage{page: &q.page, Contact: contact, Revision: revision}
	for _, p := range all {
		row := starterRow{Policy: p, Chosen: slices.Contains(chosen, p.ID)}
		for _, r := range l.Rows {
			if r.ID == p.ID {
				row.Have = "You have one of that name"
			}
		}
		switch {
		case row.Have != "":
		case p.Record.Kind == "":
			data.Left++
		default:
			data.Plans++
		}
		d := program.Document{Text: p.Body}
		row.Minutes, row.For = d.Minutes(), forWhom(p.Audience)
		data.Rows = append(data.Rows, row)
	}
	q.Title, q.Heading, q.Wide = "Starter policies", "Starter policies", true
	q.Say = sayStarters(len(all)-plans, data.Left)
	q.Way = []link{{"Policies", q.to("/policies")}, {"Starter set", ""}}
	q.Code = []string{"tieout policy list --starters", "tieout policy new ID"}
	return q.render("starters.html", data)
}

// startersAndPlans are what can be taken: policies, then plans, and how many of
// these there are.
func startersAndPlans() (all []texts.Policy, plans int, err error) {
	if all, err = texts.Starters(); err != nil {
		return nil, 0, err
	}
	more, err := texts.Plans()
	return append(all, more...), len(more), err
}

// forWhom says an audience in few words.
func forWhom(audience string) string {
	switch audience {
	case program.Everyone, "":
		return "everybody"
	case program.PersonalData:
		return "those who handle personal data"
	}
	return audience
}

// sayStarters says how many starter policies can still be taken.
func sayStarters(all, left int) string {
	switch left {
	case 0:
		return "You have all " + report.Number(all) + " policies of the starter set."
	case all:
		return report.Capital(report.Plural(all, "policy", "policies")) + " in plain words, each stating what the controls do. Pick those you mean to follow: all come as drafts."
	}
	return report.Capital(report.Plural(left, "policy", "policies")) + " of the starter set can still be taken. All come as drafts."
}

func (q *request) addStarters() error {
	contact, revision, chosen := q.field("contact"), q.revision(), q.PostForm["policy"]
	n, err := q.takeStarters(contact, revision, chosen)
	if err == nil {
		return q.done(q.to("/policies", "show", "draft"), report.Capital(report.Plural(n, "policy was", "policies were"))+" added as drafts. Read them, change what is not true here, then have them approved.")
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.showStarters(contact, revision, chosen)
}

// takeStarters keeps the words for the placeholders, then every chosen policy as
// a draft. Where one cannot be kept those before it stay.
func (q *request) takeStarters(contact string, revision int64, chosen []string) (n int, err error) {
	if len(chosen) == 0 {
		return 0, fmt.Errorf("%w: choose at least one policy", audit.ErrInvalid)
	}
	words, err := q.book.Words(q.Context())
	if err != nil {
		return 0, err
	}
	if contact != words.Values[program.SecurityContact] {
		words.Revision = revision
		if words.Values == nil {
			words.Values = map[string]string{}
		}
		words.Values[program.SecurityContact] = contact
		if words, err = q.book.SetWords(q.Context(), q.who, words); err != nil {
			return 0, err
		}
	}
	all, _, err := startersAndPlans()
	if err != nil {
		return 0, err
	}
	fill := q.st.p.Filling(words.Values[program.SecurityContact])
	for _, p := range all {
		if !slices.Contains(chosen, p.ID) {
			continue
		}
		t := program.PolicyText{Title: p.Title, Owner: q.me.ID, Audience: p.Audience, Acknowledge: p.Acknowledge, Review: p.Review, Controls: p.Controls,
			Summary: fill.Fill(p.Summary), Text: fill.Fill(p.Body), Kind: p.Record.Kind}
		if err := q.free(p.ID); err != nil {
			return n, err
		}
		if _, err := q.book.WritePolicy(q.Context(), q.who, p.ID, 0, t, "From the starter set.", true); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
