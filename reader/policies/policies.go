// Package policies says which policies are in force, who agreed to them, and
// what one person still reads and learns, for screens, commands and programs
// alike. It is pure.
package policies

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"tieout/period"
	"tieout/program"
)

// A Member is somebody with an account here.
type Member struct {
	program.Member
	Name   string
	May    bool   // can agree and learn: has the role employee
	Person string // ID of the person item it is confirmed to belong to; "" where nobody confirmed one
}

// soon is how long before its review is due a policy counts as due.
const soon = 30 * 24 * time.Hour

// A Row is one policy in the list.
type Row struct {
	ID          string    `json:"id"`
	Title       string    `json:"title"`
	Kind        string    `json:"kind"`     // program.KindPolicy, or another of program.DocumentKinds
	Status      string    `json:"status"`   // program.PolicyDraft, PolicyApproved or PolicyRetired
	Version     string    `json:"version"`  // in force; "" where none is
	Draft       int       `json:"draft"`    // number of the version that waits for approval; 0: none does
	Unfilled    int       `json:"unfilled"` // placeholders in it
	Owner       string    `json:"owner"`    // account, or what a file names
	Audience    string    `json:"audience"`
	Acknowledge bool      `json:"acknowledge"`
	File        string    `json:"file,omitempty"`
	Since       time.Time `json:"since,omitzero"`
	ReviewDue   time.Time `json:"reviewDue,omitzero"`
	Agreed      int       `json:"agreed"` // members of its audience whose agreement holds
	Asked       int       `json:"asked"`  // members of its audience, where agreement is asked for
	Fault       string    `json:"fault,omitempty"`
}

// Due reports whether the review is due within 30 days, or was.
func (r Row) Due(now time.Time) bool {
	return r.Status == program.PolicyApproved && !r.ReviewDue.IsZero() && !now.Before(r.ReviewDue.Add(-soon))
}

// Overdue reports whether the review was due before now.
func (r Row) Overdue(now time.Time) bool { return r.Due(now) && !now.Before(r.ReviewDue) }

// A List is every policy, by title.
type List struct {
	Now  time.Time
	Rows []Row
}

// Read makes the list from the registers, the workspace's files and everybody
// who has an account. Policies with one ID in both places are those kept here.
// Where counted names policies, agreements are counted of those alone.
func Read(s *program.State, files []period.PolicyFile, members []Member, now time.Time, counted ...string) *List {
	l := &List{Now: now}
	docs := map[string]program.Document{}
	for _, d := range s.Documents(inForce(files)) {
		docs[d.ID] = d
	}
	for _, p := range s.Policies {
		l.Rows = append(l.Rows, kept(p))
	}
	for _, f := range files {
		if f.Fault != nil || s.Policies[f.ID] == nil {
			l.Rows = append(l.Rows, inFile(f))
		}
	}
	plain := make([]program.Member, len(members))
	for i := range members {
		plain[i] = members[i].Member
	}
	for i := range l.Rows {
		r := &l.Rows[i]
		if d, ok := docs[r.ID]; ok && r.Fault == "" && (len(counted) == 0 || slices.Contains(counted, r.ID)) {
			r.Agreed, r.Asked = s.Agreed(plain, &d, now)
		}
	}
	slices.SortFunc(l.Rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Title), strings.ToLower(b.Title)), cmp.Compare(a.ID, b.ID))
	})
	return l
}

func inForce(files []period.PolicyFile) (out []program.Document) {
	for _, f := range files {
		if f.Fault == nil && f.Status == program.PolicyApproved {
			out = append(out, f.Document)
		}
	}
	return out
}

func kept(p *program.Policy) Row {
	v := p.Current()
	r := Row{ID: p.ID, Title: v.Title, Kind: v.What(), Status: p.Status(), Owner: v.Owner, Audience: v.Audience, Acknowledge: v.Acknowledge, ReviewDue: p.ReviewDue()}
	if f := p.InForce(); f != nil && r.Status == program.PolicyApproved {
		r.Version, r.Since = number(f.Number), f.Approved
	}
	if d := p.Draft(); d != nil {
		r.Draft, r.Unfilled = d.Number, len(d.Unfilled())
	}
	return r
}

func inFile(f period.PolicyFile) Row {
	if f.Fault != nil {
		return Row{ID: f.File, Title: f.File, Kind: program.KindPolicy, Status: program.PolicyDraft, File: f.File, Fault: f.Fault.Error()}
	}
	return Row{ID: f.ID, Title: f.Title, Kind: cmp.Or(f.Policy.Record.Kind, program.KindPolicy), Status: f.Status, Version: f.Version, Owner: f.Owner, Audience: f.Audience, Acknowledge: f.Acknowledge, File: f.File,
		Since: f.Since, ReviewDue: f.ReviewDue}
}

// A Standing is where one member stands with one document.
type Standing struct {
	Member
	Holds bool
	Asked program.Asked // why it is asked for, or until when it holds
}

// Standings are where everybody in a document's audience stands, by name.
func Standings(s *program.State, d program.Document, members []Member, now time.Time) []Standing {
	var out []Standing
	for _, m := range members {
		if asked, ok := s.AskedAbout(m.Member, &d, now); ok {
			out = append(out, Standing{m, asked.Holds(now), asked})
		}
	}
	slices.SortFunc(out, func(a, b Standing) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.Account, b.Account))
	})
	return out
}
