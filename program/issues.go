package program

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
)

// An Issue is one thing that has to be mended: by whom, until when, and what
// shows that it was.
type Issue struct {
	ID       string      `json:"id"`
	Title    string      `json:"title"`
	Detail   string      `json:"detail"`       // what is wrong, Markdown
	Severity string      `json:"severity"`     // "high", "medium", "low"
	Owner    string      `json:"owner"`        // account that mends it; "": nobody was named
	Due      time.Time   `json:"due,omitzero"` // zero: no date
	Remedy   string      `json:"remedy"`       // kind of what is done, of IssueRemedies; "" while nothing is decided
	Plan     string      `json:"plan"`         // what is done, Markdown
	Links    []IssueLink `json:"links"`        // what it came from
	Criteria []string    `json:"criteria"`
	Controls []string    `json:"controls"`
	Status   string      `json:"status"` // of IssueStatuses
	OpenedBy string      `json:"openedBy"`
	Opened   time.Time   `json:"opened,omitzero"`
	Missed   time.Time   `json:"missed,omitzero"` // the first date that had passed when another was set
	Moves    []IssueMove `json:"moves"`           // in the order of the log

	Mended   string    `json:"mended"`   // the owner's words; "" while nothing was said, or it was sent back
	Evidence []string  `json:"evidence"` // that shows it, "E-12"
	MendedBy string    `json:"mendedBy"`
	MendedAt time.Time `json:"mendedAt,omitzero"`

	Closing  string    `json:"closing"` // words of the second person
	ClosedBy string    `json:"closedBy"`
	Closed   time.Time `json:"closed,omitzero"`
	Revision int64     `json:"revision"` // Base of the next change
}

// An IssueLink is one thing an issue came from.
type IssueLink struct {
	Kind string `json:"kind"` // of IssueLinks
	Ref  string `json:"ref"`  // its ID; of a readiness gap its key
}

// An IssueMove is one change of the date.
type IssueMove struct {
	From   time.Time `json:"from,omitzero"`
	To     time.Time `json:"to,omitzero"`
	Why    string    `json:"why"`
	By     string    `json:"by"`
	At     time.Time `json:"at,omitzero"`
	Record int64     `json:"record"`
}

// Values of an issue's fields.
var (
	IssueSeverities = []string{"high", "medium", "low"}
	IssueRemedies   = []string{"new control", "changed control", "documented", "configuration", "other"}
	IssueStatuses   = []string{"open", "mended", "closed"}
	IssueLinks      = []string{FromDeviation, FromIncident, FromException, FromVendorReport, FromGap}
)

// Kinds of what an issue came from.
const (
	FromDeviation    = "deviation"
	FromIncident     = "incident"
	FromException    = "exception"
	FromVendorReport = "vendor report"
	FromGap          = "readiness gap"
)

var issueTakers = map[string]taker{"issue.open": openIssue, "issue.set": setIssue, "issue.move": moveIssue, "issue.mend": mendIssue, "issue.back": backIssue, "issue.close": closeIssue}

// An issueData is what an entry says of an issue as a whole, each time; its date
// is moved by an entry of its own.
type issueData struct {
	Title    string      `json:"title"`
	Detail   string      `json:"detail"`
	Severity string      `json:"severity"`
	Owner    string      `json:"owner"`
	Remedy   string      `json:"remedy"`
	Plan     string      `json:"plan"`
	Links    []IssueLink `json:"links"`
	Criteria []string    `json:"criteria"`
	Controls []string    `json:"controls"`
}

func (d issueData) check() error {
	err := allOf(
		text("title", d.Title, 1, 200), text("what is wrong", d.Detail, 0, 20_000), oneOf("severity", d.Severity, IssueSeverities...),
		text("owner", d.Owner, 0, 100), oneOf("remedy", d.Remedy, append([]string{""}, IssueRemedies...)...), text("plan", d.Plan, 0, 20_000),
		names("criteria", d.Criteria), names("controls", d.Controls), within("links", len(d.Links), 0, 100),
	)
	for i, l := range d.Links {
		err = allOf(err, oneOf("what it came from", l.Kind, IssueLinks...), book.OneLine(l.Kind, l.Ref, 1),
			when(slices.Index(d.Links, l) < i, l.Kind+" "+l.Ref+" is named twice"))
	}
	return err
}

type openIssueData struct {
	issueData
	Due string `json:"due"` // RFC 3339, or ""
}

func openIssue(s *State, e Entry) (book.Change, error) {
	d, err := book.Data[openIssueData](e)
	if err == nil {
		err = allOf(d.check(), instantText("due", d.Due), when(d.Due != "" && !instantOf(d.Due).After(e.At), "due: a date that is to come"))
	}
	if err != nil {
		return book.Change{}, err
	}
	if s.Issues[e.Of()] != nil {
		return book.Change{}, fmt.Errorf("%w: issue %s is open already", audit.ErrConflict, e.Of())
	}
	return book.Change{What: "opened: " + d.Title, Do: func() {
		i := &Issue{ID: e.Of(), Status: "open", OpenedBy: e.By.Name, Opened: e.At, Due: instantOf(d.Due)}
		s.Issues[i.ID] = i
		i.take(d.issueData)
		s.issue(e, i)
	}}, nil
}

// take writes what an entry says of an issue as a whole.
func (i *Issue) take(d issueData) {
	i.Title, i.Detail, i.Severity, i.Owner, i.Remedy, i.Plan = d.Title, d.Detail, d.Severity, d.Owner, d.Remedy, d.Plan
	i.Links, i.Criteria, i.Controls = d.Links, d.Criteria, d.Controls
}

// issue ends every entry on an issue: its revision and its fact.
func (s *State) issue(e Entry, i *Issue) {
	i.Revision = s.Revision(e.On) + 1
	s.fact(e, audit.Fact{Type: "ticket", ID: i.ID, Fields: i.fields(s)})
}

// onIssue reads an entry about an issue that is there.
func onIssue[T any](s *State, e Entry) (*Issue, T, error) {
	d, err := book.Data[T](e)
	if err != nil {
		return nil, d, err
	}
	i := s.Issues[e.Of()]
	if i == nil {
		return nil, d, fmt.Errorf("%w: issue %.80q", audit.ErrNotFound, e.Of())
	}
	return i, d, nil
}

// notClosed refuses what cannot be done to an issue that is closed.
func (i *Issue) notClosed() error {
	if i.Status == "closed" {
		return fmt.Errorf("%w: %s is closed; open it again first", audit.ErrConflict, i.ID)
	}
	return nil
}

func setIssue(s *State, e Entry) (book.Change, error) {
	i, d, err := onIssue[issueData](s, e)
	if err == nil {
		err = allOf(d.check(), i.notClosed())
	}
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "written: " + d.Title, Do: func() {
		i.take(d)
		s.issue(e, i)
	}}, nil
}

type moveIssueData struct {
	Due string `json:"due"` // RFC 3339
	Why string `json:"why"`
}

func moveIssue(s *State, e Entry) (book.Change, error) {
	i, d, err := onIssue[moveIssueData](s, e)
	if err == nil {
		err = allOf(instantText("due", d.Due), when(d.Due == "", "due is missing"), text("why the date moves", d.Why, 1, 20_000), i.notClosed(),
			when(d.Due != "" && !instantOf(d.Due).After(e.At), "due: a date that is to come"), when(instantOf(d.Due).Equal(i.Due), "due: it is that date already"))
	}
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "due date moved: " + d.Why, Do: func() {
		if i.Missed.IsZero() && !i.Due.IsZero() && e.At.After(i.Due) {
			i.Missed = i.Due
		}
		i.Moves = append(i.Moves, IssueMove{i.Due, instantOf(d.Due), d.Why, e.By.Name, e.At, e.Record})
		i.Due = instantOf(d.Due)
		s.issue(e, i)
	}}, nil
}

type mendIssueData struct {
	Text     string   `json:"text"`
	Evidence []string `json:"evidence"`
}

func mendIssue(s *State, e Entry) (book.Change, error) {
	i, d, err := onIssue[mendIssueData](s, e)
	if err == nil {
		err = allOf(text("what was done", d.Text, 1, 20_000), within("evidence", len(d.Evidence), 1, 100), i.notClosed())
	}
	if err == nil {
		for _, ref := range d.Evidence {
			err = allOf(err, when(!isEvidenceRef(ref), fmt.Sprintf("evidence %.40q is not sealed evidence such as E-481", ref)))
		}
	}
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "said to be mended", Do: func() {
		i.Status, i.Mended, i.Evidence, i.MendedBy, i.MendedAt = "mended", d.Text, d.Evidence, e.By.Name, e.At
		s.issue(e, i)
	}}, nil
}

// backIssue sends an issue back that was said to be mended, or opens a closed one
// again.
func backIssue(s *State, e Entry) (book.Change, error) {
	i, d, err := onIssue[wordsData](s, e)
	if err == nil {
		err = text("why", d.Text, 1, 20_000)
	}
	if err != nil {
		return book.Change{}, err
	}
	what := "sent back: "
	switch i.Status {
	case "open":
		return book.Change{}, fmt.Errorf("%w: %s is open", audit.ErrConflict, i.ID)
	case "closed":
		what = "opened again: "
	}
	return book.Change{What: what + d.Text, Do: func() {
		i.Status, i.Mended, i.Evidence, i.MendedBy, i.MendedAt = "open", "", nil, "", time.Time{}
		i.Closing, i.ClosedBy, i.Closed = "", "", time.Time{}
		s.issue(e, i)
	}}, nil
}

func closeIssue(s *State, e Entry) (book.Change, error) {
	i, d, err := onIssue[wordsData](s, e)
	if err == nil {
		err = allOf(text("what was looked at", d.Text, 1, 20_000), i.notClosed())
	}
	switch {
	case err != nil:
		return book.Change{}, err
	case i.Status != "mended":
		return book.Change{}, fmt.Errorf("%w: nobody has said yet that %s is mended, with the evidence that shows it", audit.ErrConflict, i.ID)
	case slices.Contains(i.Prepared(), e.By.Name):
		return book.Change{}, fmt.Errorf("%w: %s is closed by somebody else than who mended it", audit.ErrForbidden, i.ID)
	}
	return book.Change{What: "closed: " + d.Text, Do: func() {
		i.Status, i.Closing, i.ClosedBy, i.Closed = "closed", d.Text, e.By.Name, e.At
		s.issue(e, i)
	}}, nil
}

// Prepared are the accounts that cannot close an issue: who has it, and who said
// that it is mended.
func (i *Issue) Prepared() (out []string) {
	for _, a := range []string{i.Owner, i.MendedBy} {
		if a != "" && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// Held is the date an issue is held to: the first that passed, where another was
// set after it had, else the one that is set.
func (i *Issue) Held() time.Time {
	if !i.Missed.IsZero() {
		return i.Missed
	}
	return i.Due
}

// Overdue reports whether an issue that is not closed has passed its date.
func (i *Issue) Overdue(now time.Time) bool {
	return i.Status != "closed" && !i.Due.IsZero() && now.After(i.Due)
}

// From reports whether an issue came from that.
func (i *Issue) From(kind, ref string) bool { return slices.Contains(i.Links, IssueLink{kind, ref}) }

// Object is what an issue is for the table of rights. Engagements and systems are
// the caller's to add.
func (i *Issue) Object() access.Object {
	return access.Object{Owner: i.Owner, Controls: i.Controls, Prepared: i.Prepared()}
}

// fields are the issue as evidence says it: a ticket of kind deficiency. What it
// is about is left out: its links are no ids of items.
func (i *Issue) fields(s *State) map[string]any {
	f := map[string]any{"system": "tieout", "kind": "deficiency", "title": i.Title, "status": map[string]string{"open": "open", "mended": "in progress", "closed": "done"}[i.Status],
		"createdAt": timeOrNever(i.Opened), "closedAt": timeOrNever(i.Closed), "dueAt": timeOrNever(i.Held()), "requester": s.ownerOf(i.OpenedBy), "owner": s.ownerOf(i.Owner),
		"approvedBy": s.ownerOf(i.ClosedBy), "approvedAt": timeOrNever(i.Closed), "outcome": ""}
	if i.Closing != "" {
		line, _, _ := strings.Cut(strings.TrimSpace(i.Closing), "\n")
		f["outcome"] = strings.TrimSpace(line)
	}
	return f
}

// data is what a change of the whole writes, never with null.
func (i *Issue) data() issueData {
	return issueData{i.Title, i.Detail, i.Severity, i.Owner, i.Remedy, i.Plan, book.List(i.Links), list(i.Criteria), list(i.Controls)}
}
