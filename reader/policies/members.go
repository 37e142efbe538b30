package policies

import (
	"cmp"
	"slices"

	"tieout/access"
	"tieout/program"
	"tieout/reader/roster"
)

// Members are everybody with an account here of whom reading and learning can be
// asked: all who can sign in but the auditor's guests. r is asked for what the
// source of people says of those whose account is confirmed to be a person's; it
// may be nil where nobody's is.
func Members(names map[string]access.Named, persons map[string]string, r *roster.Roster) []Member {
	var managers map[string]bool
	if r != nil {
		managers = r.Managers()
	}
	var out []Member
	for id, n := range names {
		if n.Active && !n.Has(access.AuditorsGuest) {
			out = append(out, MemberOf(n, persons[id], r, managers))
		}
	}
	slices.SortFunc(out, func(a, b Member) int { return cmp.Compare(a.Account, b.Account) })
	return out
}

// MemberOf is one account as a member; person is the ID of the person item it is
// confirmed to belong to, "" where nobody confirmed one.
func MemberOf(n access.Named, person string, r *roster.Roster, managers map[string]bool) Member {
	m := Member{Member: program.Member{Account: n.ID, Joined: n.Created}, Name: n.Name, May: n.Has(access.Employee), Person: person}
	if person == "" || r == nil {
		return m
	}
	p := r.Person(person)
	if p == nil || p.Unknown {
		return m
	}
	m.Department, m.PersonalData = p.Department, p.PersonalData()
	if managers != nil {
		m.Manages = map[bool]string{true: "yes", false: "no"}[managers[person]]
	}
	if p.Started.At.After(m.Joined) {
		m.Joined = p.Started.At // nobody starts before the first working day
	}
	return m
}

// Persons are the person items that accounts were confirmed to belong to.
func Persons(s *program.State, names map[string]access.Named) map[string]string {
	out := map[string]string{}
	for id := range names {
		if p := s.Identity(program.OfTieout, id).Person; p != "" {
			out[id] = p
		}
	}
	return out
}
