package program

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
)

// A Review is one access review: of a cycle, over the frozen lists of one or
// several systems.
type Review struct {
	ID       string // "AR-1"
	Cycle    string // "2026-Q1"
	Status   string // ReviewStatuses
	OpenedBy string // account
	Opened   time.Time
	Due      time.Time // zero: no date
	Canceled string    // why, where it is
	Parts    []ReviewPart
	Rows     []ReviewRow // in the order of the list; row N is Rows[N-1]
	Controls []string    // that it performs
	Within   []string    // systems under examination it belongs to; none: those it reviews
	Revision int64
}

// Values of a review and its rows.
var (
	ReviewStatuses  = []string{"preparing", "open", "complete", "canceled"}
	ReviewDecisions = []string{"keep", "remove", "ask"}
	// OddReasons are why a row looks odd, the gravest first.
	OddReasons = []string{"leaver", "no owner", "second account", "never used", "idle", "admin", "shared"}
)

// A ReviewPart is one system of a review: its list, and who decides.
type ReviewPart struct {
	System     string     `json:"system"`
	Listed     int        `json:"listed"`     // accounts
	AsOf       time.Time  `json:"-"`          // of the newest complete reading the list is made from
	Read       []ListRead `json:"read"`       // what it was made from
	Whole      bool       `json:"whole"`      // the list is all there was at AsOf
	Lacks      []string   `json:"lacks"`      // why not, or what nobody can see in it, in words
	Privileged bool       `json:"privileged"` // who has privileged access was collected, so it was in scope

	Reviewers []Reviewer `json:"-"`
	Remover   string     `json:"-"` // account that takes away what is to be removed; "" where nobody was named
	Completed time.Time  `json:"-"` // zero: not yet
	By        string     `json:"-"` // account that completed it
	Record    int64      `json:"-"` // log index of the entry that completed it
	Revision  int64      `json:"-"` // Base of the next assignment or completion
}

// A Reviewer decides on a part, never on what is theirs: what is linked to
// their person, and what has their address as its login or address.
type Reviewer struct {
	Account string `json:"account"`
	Email   string `json:"email"`
}

// A ListRead is a complete reading a list was made from.
type ListRead struct {
	Source string `json:"source"`
	Scope  string `json:"scope"`
	Type   string `json:"type"`   // item type
	AsOf   string `json:"asOf"`   // the instant its items were complete at
	Record int64  `json:"record"` // log index of what says so
}

// A ListRow is an account of a review's list, as it was frozen.
type ListRow struct {
	System  string     `json:"system"`
	Account string     `json:"account"` // ID of the account item
	Login   string     `json:"login"`
	Email   string     `json:"email"`
	Kind    string     `json:"kind"`   // "" where it was not collected; so with the next
	Status  string     `json:"status"` // as the system says
	Admin   string     `json:"admin"`  // "yes", "no", "" where it was not collected
	Created string     `json:"created"`
	Used    string     `json:"used"`   // instant of the last sign-in, "never", "" where it was not collected
	Person  string     `json:"person"` // ID of the person it is linked to, "" where nobody confirmed one
	Name    string     `json:"name"`   // the person's
	Work    string     `json:"work"`   // the person's status and department, in words
	Ended   string     `json:"ended"`  // instant the person's engagement ended or ends, "" where none is known
	Record  int64      `json:"record"` // log index of the page that shows the account so
	Roles   []ListRole `json:"roles"`
	Odd     []string   `json:"odd"` // OddReasons
}

// A ListRole is one place of an account in a group, team or role.
type ListRole struct {
	ID         string `json:"id"` // of the membership item
	Group      string `json:"group"`
	Role       string `json:"role"`
	Privileged bool   `json:"privileged"`
	Record     int64  `json:"record"`
}

// A ReviewRow is an account of the list, and what was decided about it.
type ReviewRow struct {
	N int // from 1
	ListRow

	Decision string   // ReviewDecisions, "" while nobody decided; "ask" waits for an answer or a decision
	TakeAway []string // IDs of the memberships to take away, where not the whole account is removed
	Note     string
	By       string // account that decided
	Decided  time.Time
	Entry    int64 // log index of the decision

	AskedOf  string // account
	Answer   string
	Answered time.Time

	Seen     []string // accounts that opened the row and set it aside
	Revision int64
}

// Left reports whether the row still needs a decision.
func (r ReviewRow) Left() bool { return r.Decision != "keep" && r.Decision != "remove" }

// WholeAccount reports whether the account itself is to be removed.
func (r ReviewRow) WholeAccount() bool { return r.Decision == "remove" && len(r.TakeAway) == 0 }

// Part returns the part of a system, or nil.
func (r *Review) Part(system string) *ReviewPart {
	for i := range r.Parts {
		if r.Parts[i].System == system {
			return &r.Parts[i]
		}
	}
	return nil
}

// Reviews reports whether an account is among the part's reviewers.
func (p *ReviewPart) Reviews(account string) bool {
	return slices.ContainsFunc(p.Reviewers, func(r Reviewer) bool { return r.Account == account })
}

// A ReviewCount is how far a list is.
type ReviewCount struct {
	Listed, Left, Keep, Remove, Asked, Odd int
}

// Count counts the rows of a system; of all for "".
func (r *Review) Count(system string) (c ReviewCount) {
	for i := range r.Rows {
		row := &r.Rows[i]
		if system != "" && row.System != system {
			continue
		}
		c.Listed++
		switch row.Decision {
		case "keep":
			c.Keep++
		case "remove":
			c.Remove++
		case "ask":
			c.Asked++
			c.Left++
		default:
			c.Left++
		}
		if len(row.Odd) > 0 {
			c.Odd++
		}
	}
	return c
}

// Object is what a right has to reach to do something to the review, or to its
// part of one system where one is named.
func (r *Review) Object(system string) access.Object {
	o := access.Object{Systems: r.Within, Controls: r.Controls}
	switch {
	case len(o.Systems) > 0:
	case system != "":
		o.Systems = []string{system}
	default:
		o.Systems = r.Systems()
	}
	return o
}

// Systems are the systems under review, in order.
func (r *Review) Systems() []string {
	out := make([]string, len(r.Parts))
	for i, p := range r.Parts {
		out[i] = p.System
	}
	return out
}

func (r *Review) clone() Review {
	c := *r
	c.Parts, c.Rows = slices.Clone(r.Parts), slices.Clone(r.Rows)
	return c
}

// Own says why an account of the list is the reviewer's own, as far as is
// known; "" where nothing says so. person is whom their account of this
// workspace is linked to.
func (r Reviewer) Own(person string, row ListRow) string {
	switch {
	case row.Person != "" && row.Person == person:
		return "it is linked to you"
	case r.Email != "" && (strings.EqualFold(r.Email, row.Email) || strings.EqualFold(r.Email, row.Login)):
		return "it has your e-mail address"
	}
	return ""
}

var cyclePattern = regexp.MustCompile(`^20\d\d(-(Q[1-4]|H[12]|0[1-9]|1[0-2]))?$`)

// An openData is what an entry says of a review's beginning.
type openData struct {
	Cycle    string       `json:"cycle"`
	Due      string       `json:"due"`
	Controls []string     `json:"controls"`
	Within   []string     `json:"within"`
	Parts    []ReviewPart `json:"parts"`
}

func (d openData) check() error {
	errs := []error{
		when(!cyclePattern.MatchString(d.Cycle), fmt.Sprintf("cycle: %q is not a cycle such as 2026-Q1, 2026-H2, 2026-09 or 2026", d.Cycle)),
		instantText("due", d.Due), within("systems", len(d.Parts), 1, 50), within("controls", len(d.Controls), 0, 20),
		within("systems under examination", len(d.Within), 0, 50),
	}
	seen := map[string]bool{}
	for _, p := range d.Parts {
		errs = append(errs, text("system", p.System, 1, 100), within("accounts on the list of "+p.System, p.Listed, 1, 1_000_000),
			when(seen[p.System], "system "+p.System+" is named twice"), within("readings", len(p.Read), 1, 200), within("what is lacking", len(p.Lacks), 0, 200),
			when(p.Whole && !slices.ContainsFunc(p.Read, func(r ListRead) bool { return r.Type == "account" }), "a list that is whole says what it was made from"))
		seen[p.System] = true
		for _, r := range p.Read {
			errs = append(errs, instantText("asOf", r.AsOf), when(r.AsOf == "", "a reading says of when it is"))
		}
		for _, l := range p.Lacks {
			errs = append(errs, text("lacks", l, 1, 1000))
		}
	}
	return allOf(errs...)
}

// asOf is the oldest of the instants the accounts of a part were complete at.
func (p *ReviewPart) asOf() (at time.Time) {
	for _, r := range p.Read {
		if t := instantOf(r.AsOf); r.Type == "account" && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	return at
}

// A rowsData is a stretch of a review's list.
type rowsData struct {
	From int       `json:"from"` // number of the first, from 1
	Rows []ListRow `json:"rows"`
}

func (d rowsData) check() error {
	errs := []error{within("rows", len(d.Rows), 1, 5000)}
	for _, r := range d.Rows {
		errs = append(errs, text("account", r.Account, 1, 500), text("system", r.System, 1, 100), text("login", r.Login, 0, 500),
			text("email", r.Email, 0, 500), text("name", r.Name, 0, 500), text("work", r.Work, 0, 500), within("roles", len(r.Roles), 0, 2000),
			oneOf("admin", r.Admin, "", "yes", "no"), instantText("ended", r.Ended), instantText("created", r.Created))
		if r.Used != audit.NeverText {
			errs = append(errs, instantText("used", r.Used))
		}
		for _, o := range r.Odd {
			errs = append(errs, oneOf("odd", o, OddReasons...))
		}
	}
	return allOf(errs...)
}

// A reviewersData says who reviews one system.
type reviewersData struct {
	Reviewers []Reviewer `json:"reviewers"`
	Remover   string     `json:"remover"`
}

func (d reviewersData) check() error {
	errs := []error{within("reviewers", len(d.Reviewers), 1, 50), text("remover", d.Remover, 0, 100)}
	for i, r := range d.Reviewers {
		errs = append(errs, text("reviewer", r.Account, 1, 100), text("email", r.Email, 0, 300),
			when(slices.ContainsFunc(d.Reviewers[:i], func(o Reviewer) bool { return o.Account == r.Account }), "a reviewer is named twice"))
	}
	return allOf(errs...)
}

// A decideData is what was decided about one row.
type decideData struct {
	Decision string   `json:"decision"`
	Roles    []string `json:"roles"`
	Note     string   `json:"note"`
	AskOf    string   `json:"askOf"`
}

func (d decideData) check() error {
	return allOf(
		oneOf("decision", d.Decision, ReviewDecisions...), text("note", d.Note, 0, 2000), text("who is asked", d.AskOf, 0, 100),
		within("roles", len(d.Roles), 0, 2000),
		when(d.Decision == "ask" && d.AskOf == "", "say who is asked"),
		when(d.Decision == "ask" && strings.TrimSpace(d.Note) == "", "note: say what is asked"),
		when(d.Decision != "ask" && d.AskOf != "", "only a question is asked of somebody"),
		when(d.Decision != "remove" && len(d.Roles) > 0, "roles are named where they are removed"),
	)
}

// A bulkData is one decision about several rows that were opened before.
type bulkData struct {
	Rows []bulkRow `json:"rows"`
	Note string    `json:"note"`
}

type bulkRow struct {
	N        int   `json:"n"`
	Revision int64 `json:"revision"`
}

func (d bulkData) check() error {
	return allOf(within("rows", len(d.Rows), 1, 2000), text("note", d.Note, 0, 2000))
}

// A completeData is how the list stood for who completed it. Entries of before
// there was a digest say the numbers only.
type completeData struct {
	Keep      int    `json:"keep"`
	Remove    int    `json:"remove"`
	Decisions string `json:"decisions,omitempty"`
}

// A ReviewSeen is how the list of one system stands to who looks at it: what
// they seal is that and nothing else.
type ReviewSeen struct {
	Keep, Remove int
	Decisions    string // "sha256:" + hex, of every row's number, decision and the entry that made it
}

// SeenOf is how the list of a system stands.
func (r *Review) SeenOf(system string) ReviewSeen {
	c := r.Count(system)
	h := sha256.New()
	for i := range r.Rows {
		if row := &r.Rows[i]; row.System == system {
			fmt.Fprintf(h, "%d %s %q %d\n", row.N, row.Decision, row.TakeAway, row.Entry)
		}
	}
	return ReviewSeen{c.Keep, c.Remove, "sha256:" + hex.EncodeToString(h.Sum(nil))}
}
