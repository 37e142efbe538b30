package roster

import (
	"fmt"
	"sort"
	"time"

	"tieout/audit"
	"tieout/program"
)

// States of a removal. Evidence alone decides: nobody can say that one was done.
const (
	Gone   = "gone"   // the newest complete reading after the decision no longer shows it, or shows it unable to sign in
	There  = "there"  // it still shows it
	Unseen = "unseen" // nothing was read completely since the decision
)

// A Proof is what evidence says of something that a review wanted removed.
type Proof struct {
	State  string
	At     time.Time // of the reading that says so; zero for Unseen
	Record int64     // log index of what shows it; of Unseen audit.Unsequenced
	Note   string    // what else there is to say, in words
}

// Prove says of a row that is to be removed what was seen since. memberships may
// be nil where whole accounts are removed.
func (r *Roster) Prove(row program.ReviewRow, memberships *audit.Timeline) Proof {
	account := r.seen(r.in.Accounts, row.Account, row.Decided, cannotSignIn)
	if row.WholeAccount() || account.State == Gone {
		return account
	}
	var all []Proof
	for _, id := range row.TakeAway {
		all = append(all, r.seen(memberships, id, row.Decided, func([]byte) bool { return false }))
	}
	return worst(all)
}

func cannotSignIn(body []byte) bool {
	s := bodyOf(body).text("status")
	return s == "disabled" || s == "suspended"
}

// worst is what holds for all: gone only where everything is.
func worst(all []Proof) Proof {
	rank := map[string]int{Gone: 0, Unseen: 1, There: 2}
	out := Proof{State: Unseen, Record: audit.Unsequenced}
	for i, p := range all {
		if i == 0 || rank[p.State] > rank[out.State] || rank[p.State] == rank[out.State] && p.At.After(out.At) {
			out = p
		}
	}
	return out
}

// seen says where an item stands at the newest complete reading after since, in
// every stream that tells of it. over reports of a body that it counts as gone.
func (r *Roster) seen(tl *audit.Timeline, id string, since time.Time, over func([]byte) bool) Proof {
	var all []Proof
	if tl != nil {
		first := sort.Search(len(tl.Histories), func(i int) bool { return tl.Histories[i].ID >= id })
		for _, h := range tl.Histories[first:] {
			if h.ID != id {
				break
			}
			all = append(all, seenIn(&tl.Streams[h.Stream], h.Versions, since, over))
		}
	}
	return worst(all)
}

func seenIn(s *audit.Stream, versions []audit.Version, since time.Time, over func([]byte) bool) Proof {
	at, record, ok := newest(s)
	if !ok || !at.After(since) {
		return Proof{State: Unseen, Record: audit.Unsequenced, Note: failedSince(s, since)}
	}
	n := sort.Search(len(versions), func(i int) bool { return versions[i].From.At.After(at) })
	if n == 0 {
		return Proof{State: Unseen, Record: audit.Unsequenced}
	}
	isOver := func(v audit.Version) bool { return v.Gone || over(v.Body) }
	v := versions[n-1]
	if !isOver(v) {
		return Proof{There, at, record, cameBack(versions[:n-1], since, isOver)}
	}
	for n > 1 && isOver(versions[n-2]) { // the one that first showed it
		n--
	}
	v = versions[n-1]
	p := Proof{State: Gone, At: v.From.At, Record: v.Record, Note: "the account is shown, and cannot sign in"}
	if v.Gone {
		p.Note = "it is not shown any more"
	}
	return p
}

func failedSince(s *audit.Stream, since time.Time) string {
	if why := because(s, since); why != "" {
		return "it was tried" + why
	}
	return ""
}

// cameBack tells of an item that was gone after the decision and is there again.
func cameBack(versions []audit.Version, since time.Time, isOver func(audit.Version) bool) string {
	for i := len(versions) - 1; i >= 0 && versions[i].From.At.After(since); i-- {
		if isOver(versions[i]) {
			return fmt.Sprintf("it was gone on %s and came back", versions[i].From.At.Format("2 Jan 2006"))
		}
	}
	return ""
}
