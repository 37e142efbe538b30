package program

import (
	"cmp"
	"slices"
	"time"

	"tieout/policy"
)

// Kinds of what is asked.
const (
	AskedPolicy   = "policy"
	AskedTraining = "training"
)

// Why something is asked of a person.
const (
	AskedNew     = "new"     // never done
	AskedChanged = "changed" // the text is another since
	AskedYearly  = "yearly"  // done, a year ago or nearly
	AskedDone    = "done"    // nothing is asked now
)

// An Asked is one text to read and agree to, or one course.
type Asked struct {
	Kind    string
	ID      string
	Title   string
	Summary string
	Minutes int
	Why     string    // AskedNew, AskedChanged, AskedYearly or AskedDone
	Due     time.Time // until when it is to be done; of what is done, until when again
	Done    time.Time // when it was last done; zero: never
	Version string    // that was agreed to last; "" where none was
	Hash    string    // the same
	Record  int64     // of the entry that said so
}

// Past returns what an account agreed to and learned that is not among what is
// asked now, by title.
func (s *State) Past(account string, asked []Asked) (out []Asked) {
	known := func(kind, id string) bool {
		return slices.ContainsFunc(asked, func(a Asked) bool { return a.Kind == kind && a.ID == id })
	}
	for id, by := range s.Agreements {
		if a := by[account]; a != nil && !known(AskedPolicy, id) {
			out = append(out, Asked{Kind: AskedPolicy, ID: id, Title: a.Title, Why: AskedDone, Done: a.At, Due: a.At.AddDate(0, 0, valid), Version: a.Version, Hash: a.Hash, Record: a.Record})
		}
	}
	for id, by := range s.Trainings {
		if t := by[account]; t != nil && !t.Completed.IsZero() && !known(AskedTraining, id) {
			out = append(out, Asked{Kind: AskedTraining, ID: id, Title: t.Title, Why: AskedDone, Done: t.Completed, Due: t.Completed.AddDate(0, 0, valid), Hash: t.Hash, Record: t.Record})
		}
	}
	slices.SortFunc(out, func(a, b Asked) int { return cmp.Or(cmp.Compare(a.Title, b.Title), cmp.Compare(a.ID, b.ID)) })
	return out
}

// Open reports whether something is to be done now.
func (d Asked) Open() bool { return d.Why != AskedDone }

const (
	grace = 30  // days a person has from the first working day, and from a new version on
	valid = 365 // days an agreement and a training hold
)

// AskedAhead is how many days before it ends what holds is asked for again.
const AskedAhead = 30

// Asked returns what is asked of a member at that instant: what is open first,
// what is due first, then by title.
func (s *State) Asked(m Member, docs []Document, courses []policy.Course, now time.Time) []Asked {
	var out []Asked
	for i := range docs {
		if a, ok := s.AskedAbout(m, &docs[i], now); ok {
			a.Minutes = docs[i].Minutes()
			out = append(out, a)
		}
	}
	for i := range courses {
		if c := &courses[i]; s.In(m, c.Audience) {
			out = append(out, s.trainingAsked(m, c, now))
		}
	}
	slices.SortStableFunc(out, func(a, b Asked) int {
		if a.Open() != b.Open() {
			return cmp.Compare(rank(a), rank(b))
		}
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Title, b.Title))
	})
	return out
}

func rank(d Asked) int {
	if d.Open() {
		return 0
	}
	return 1
}

// Agreed counts the members of a document's audience, and of these whose
// agreement holds at that instant: as AskedAbout says of each, for many.
func (s *State) Agreed(members []Member, doc *Document, now time.Time) (holds, asked int) {
	if !doc.Acknowledge {
		return 0, 0
	}
	by, everyone := s.Agreements[doc.ID], doc.Audience == Everyone
	for i := range members {
		if !everyone && !s.In(members[i], doc.Audience) {
			continue
		}
		asked++
		if a := by[members[i].Account]; a != nil && now.Before(a.At.Add(valid*24*time.Hour)) && slices.Contains(doc.Enough, a.Hash) {
			holds++
		}
	}
	return holds, asked
}

// AskedAbout returns what is asked of a member about one document, without the
// minutes it takes; false where nothing ever is.
func (s *State) AskedAbout(m Member, doc *Document, now time.Time) (Asked, bool) {
	if !doc.Acknowledge || !s.In(m, doc.Audience) {
		return Asked{}, false
	}
	return s.policyAsked(m, doc, now), true
}

func (s *State) policyAsked(m Member, doc *Document, now time.Time) Asked {
	d := Asked{Kind: AskedPolicy, ID: doc.ID, Title: doc.Title, Summary: doc.Summary, Due: later(m.Joined, doc.Since).AddDate(0, 0, grace)}
	a := s.Agreements[doc.ID][m.Account]
	if a == nil {
		d.Why = AskedNew
		return d
	}
	d.Done, d.Version, d.Hash, d.Record = a.At, a.Version, a.Hash, a.Record
	if !slices.Contains(doc.Enough, a.Hash) {
		d.Why = AskedChanged
		return d
	}
	return d.again(now)
}

func (s *State) trainingAsked(m Member, c *policy.Course, now time.Time) Asked {
	d := Asked{Kind: AskedTraining, ID: c.ID, Title: c.Title, Summary: c.Summary, Minutes: c.Minutes, Why: AskedNew, Due: m.Joined.AddDate(0, 0, grace)}
	t := s.Trainings[c.ID][m.Account]
	if t == nil || t.Completed.IsZero() {
		return d
	}
	d.Done, d.Hash, d.Record = t.Completed, t.Hash, t.Record
	return d.again(now)
}

// again says until when what was done holds, and whether it is asked for anew.
func (d Asked) again(now time.Time) Asked {
	d.Due, d.Why = d.Done.AddDate(0, 0, valid), AskedDone
	if !now.Before(d.Due.AddDate(0, 0, -AskedAhead)) {
		d.Why = AskedYearly
	}
	return d
}

// Lapsed reports whether what was done no longer holds at that instant.
func (d Asked) Lapsed(now time.Time) bool { return d.Why == AskedYearly && !now.Before(d.Due) }

// Holds reports whether the person's last agreement or training holds now.
func (d Asked) Holds(now time.Time) bool {
	return d.Why == AskedDone || d.Why == AskedYearly && !d.Lapsed(now)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
