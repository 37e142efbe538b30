package fieldwork

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
)

var teamTakers = map[string]taker{
	"firm.state": stateFirm, "independence.declare": declare, "independence.approve": approveSafeguard,
	"team.assign": assign, "team.end": endMember, "engagement.accept": acceptEngagement,
}

// Duties on an engagement. Who holds the quality reviewer's holds no other, before
// or after.
const (
	DutyPartner    = "partner"
	DutyManager    = "manager"
	DutyStaff      = "staff"
	DutySpecialist = "specialist"
	DutyQuality    = "quality reviewer"
)

// Duties are all duties.
var Duties = []string{DutyPartner, DutyManager, DutyStaff, DutySpecialist, DutyQuality}

// A Firm is what the firm states of itself: nobody checked it, and screens and
// reports say so.
type Firm struct {
	engagement.Party
	Revision int64
}

const firmOn = "firm:facts"

// StateFirm keeps what the firm states of itself; engagements that are opened
// later take it over. Base is Firm.Revision. It needs firm.state.
func (b *Book) StateFirm(ctx context.Context, by access.Subject, p engagement.Party, base int64) error {
	if err := access.Require(by, "firm.state", access.Object{}); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "firm.state", firmOn, base, p)
	return err
}

func stateFirm(s *State, e book.Entry) (book.Change, error) {
	p, err := book.Data[engagement.Party](e)
	if err = first(err, byPerson(e), checkParty("firm", p), when(e.On != firmOn, "the firm's facts are kept under "+firmOn)); err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "the firm states its name, license and peer review", Do: func() { s.Firm = Firm{p, s.Revision(firmOn) + 1} }}, nil
}

type declareData struct {
	Free     bool   `json:"free"`
	Conflict string `json:"conflict,omitempty"`
	Lifted   string `json:"lifted,omitempty"` // of a free one after a conflict
}

// Declare keeps one's own declaration of independence for an engagement; a later
// one takes the place of the earlier, which stays beside it. A conflict keeps the
// person from all work until a partner approved a safeguard. Who declared one and
// is free of it says in words why; of a free declaration words are nothing else. It
// counts once a partner approves it. Nobody is on the team before they declared:
// it needs independence.declare, and a role whose scope holds the engagement.
func (b *Book) Declare(ctx context.Context, by access.Subject, id string, free bool, words string) error {
	if err := access.Require(by, "workpaper.read", in(id)); err != nil {
		return err
	}
	if err := access.Require(by, "independence.declare", access.Object{Engagements: []string{id}, Owner: by.Account}); err != nil {
		return err
	}
	d := declareData{Free: free, Conflict: words}
	if free {
		d = declareData{Free: true, Lifted: words}
	}
	_, err := b.book.Write(ctx, by, "independence.declare", on("independence", id, by.Account), book.Anyway, d)
	return err
}

func declare(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[declareData](e)
	f, who, ferr := s.on(e, "independence")
	if err = first(err, ferr, byPerson(e), text("conflict", d.Conflict, 0, maxText), text("lifted", d.Lifted, 0, maxText)); err != nil {
		return book.Change{}, err
	}
	switch {
	case f.State.Over():
		return book.Change{}, f.open()
	case who != e.By.Name:
		return book.Change{}, fmt.Errorf("%w: everybody declares for themselves", audit.ErrForbidden)
	case d.Free && d.Conflict != "" || d.Lifted != "" && !(d.Free && f.Independence[who].conflicted()):
		return book.Change{}, fmt.Errorf("%w: either you are independent, or something stands against it", audit.ErrInvalid)
	case !d.Free && strings.TrimSpace(d.Conflict) == "":
		return book.Change{}, fmt.Errorf("%w: say what stands against your independence", audit.ErrInvalid)
	}
	was := f.Independence[who]
	if d.Free && was.conflicted() && strings.TrimSpace(d.Lifted) == "" {
		return book.Change{}, fmt.Errorf("%w: you declared a conflict: say why it stands no more. A partner approves that before you work", audit.ErrInvalid)
	}
	what := "declares to be independent"
	switch {
	case d.Lifted != "":
		what = "declares that a conflict stands no more: " + d.Lifted
	case !d.Free:
		what = "declares a conflict: " + d.Conflict
	}
	return book.Change{What: what, Do: func() {
		f.Independence[who] = was.then(Declaration{Account: who, Free: d.Free, Conflict: d.Conflict, Lifted: d.Lifted, At: e.At})
	}}, nil
}

// then is a later declaration, with those before it.
func (d *Declaration) then(next Declaration) *Declaration {
	if d != nil {
		before := *d
		before.Earlier = nil
		next.Earlier = append(slices.Clone(d.Earlier), before)
	}
	return &next
}

type safeguardData struct {
	Safeguard string `json:"safeguard"`
}

// ApproveSafeguard lets a person with a declared conflict work, under a
// safeguard, or once it is lifted. A partner does it, never for themselves; base is the declaration's
// revision (State.Revision of "independence:EN-1/ACCOUNT"). It needs client.accept.
func (b *Book) ApproveSafeguard(ctx context.Context, by access.Subject, id, account, safeguard string, base int64) error {
	if err := access.Require(by, "client.accept", in(id)); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "independence.approve", on("independence", id, account), base, safeguardData{safeguard})
	return err
}

func approveSafeguard(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[safeguardData](e)
	f, who, ferr := s.on(e, "independence")
	if err = first(err, ferr, byPerson(e), text("safeguard", d.Safeguard, 1, maxText)); err == nil {
		err = first(f.open(), f.independent(e.By.Name))
	}
	if err != nil {
		return book.Change{}, err
	}
	decl := f.Independence[who]
	switch {
	case decl == nil || decl.Free && decl.Lifted == "":
		return book.Change{}, tooEarly("%s declared no conflict", who)
	case who == e.By.Name:
		return book.Change{}, fmt.Errorf("%w: a safeguard for a conflict of one's own is approved by another partner", audit.ErrForbidden)
	}
	return book.Change{What: "safeguard is approved: " + d.Safeguard, Do: func() { decl.Safeguard, decl.ApprovedBy = d.Safeguard, e.By.Name }}, nil
}

type assignData struct {
	Duty        string                  `json:"duty"`
	Credentials []engagement.Credential `json:"credentials,omitempty"` // as the firm states them; none: those stated before
}

// Assign puts a person on the team, or gives them another duty, with the credentials
// that the firm states they hold; without any, those stated before stand. It needs
// team.assign. The quality reviewer has and had no other duty.
func (b *Book) Assign(ctx context.Context, by access.Subject, id, account, duty string, holds ...engagement.Credential) error {
	if err := access.Require(by, "team.assign", in(id)); err != nil {
		return err
	}
	if err := ident("account", account); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "team.assign", on("member", id, account), book.Anyway, assignData{duty, holds})
	return err
}

func assign(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[assignData](e)
	f, who, ferr := s.on(e, "member")
	if err = first(err, ferr, byPerson(e), ident("account", who), book.OneOf("duty", d.Duty, Duties...), engagement.CheckCredentials(d.Credentials)); err == nil {
		err = first(f.open(), f.independent(e.By.Name))
	}
	if err != nil {
		return book.Change{}, err
	}
	if m := f.Team[who]; m != nil && (m.Duty == DutyQuality) != (d.Duty == DutyQuality) {
		return book.Change{}, tooEarly("%s was %s on this engagement: the quality reviewer stands outside its team, from beginning to end", who, m.Duty)
	}
	return book.Change{What: "joins as " + d.Duty, Do: func() {
		m := f.Team[who]
		if m == nil || !m.Until.IsZero() {
			m = &Member{Account: who, Since: e.At, Credentials: f.stated(who)}
			f.Team[who] = m
		}
		m.Duty = d.Duty
		if len(d.Credentials) > 0 {
			m.Credentials = d.Credentials
		}
	}}, nil
}

// stated are the credentials that were stated of a person who is or was on the team.
func (f *File) stated(account string) []engagement.Credential {
	if m := f.Team[account]; m != nil {
		return m.Credentials
	}
	return nil
}

// EndMember ends a person's part in the engagement; what they did stays. It
// needs team.assign.
func (b *Book) EndMember(ctx context.Context, by access.Subject, id, account, why string) error {
	if err := access.Require(by, "team.assign", in(id)); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "team.end", on("member", id, account), book.Anyway, whyData{why})
	return err
}

// whyData is an entry that says a reason and nothing else.
type whyData struct {
	Why string `json:"why"`
}

func endMember(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[whyData](e)
	f, who, ferr := s.on(e, "member")
	if err = first(err, ferr, byPerson(e), text("why", d.Why, 1, maxText)); err == nil {
		err = first(f.open(), f.independent(e.By.Name))
	}
	if err != nil {
		return book.Change{}, err
	}
	m := f.Team[who]
	if m == nil || !m.Until.IsZero() {
		return book.Change{}, tooEarly("%s is not on the team", who)
	}
	return book.Change{What: "leaves: " + d.Why, Do: func() { m.Until = e.At }}, nil
}

// Preconditions are the questions a partner answers before an engagement is
// accepted, or continued: those of AT-C 105 in our own words.
var Preconditions = []string{
	"Are the firm and everybody on the team independent of the client, and who looked at it?",
	"Is management honest, as far as is known, and does anything speak against working for them?",
	"Does management take responsibility for the description, the controls, the criteria and its own assertion?",
	"Is the system one that can be examined, and are the criteria suitable and available to those who read the report?",
	"Can the evidence that is needed be expected, with access to people, records and subservice organizations?",
	"Does the team have the competence and the time, with specialists where it needs them?",
	"Who will use the report, and is its form right for them?",
	"Are the terms agreed in writing, with responsibilities, restrictions of use and what ends the engagement?",
}

type acceptData struct {
	Checks []Checked `json:"checks"`
	Letter string    `json:"letter"`
}

// Accept is a partner's acceptance of the client and the engagement, or of its
// continuance: every question of Preconditions with an answer, and the SHA-256 of
// the engagement letter. It needs client.accept. Work begins after it.
func (b *Book) Accept(ctx context.Context, by access.Subject, id string, checks []Checked, letter string) error {
	if err := access.Require(by, "client.accept", in(id)); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "engagement.accept", on("acceptance", id), book.Anyway, acceptData{book.List(checks), letter})
	return err
}

func (d acceptData) check() error {
	err := allOf(digest("engagement letter", d.Letter), within("checks", len(d.Checks), 1, 50))
	for _, c := range d.Checks {
		err = first(err, text("question", c.Question, 1, 1000), text("answer to: "+c.Question, c.Answer, 1, maxText))
	}
	for _, q := range Preconditions {
		if !slices.ContainsFunc(d.Checks, func(c Checked) bool { return c.Question == q }) {
			err = allOf(err, when(true, "no answer to: "+q))
		}
	}
	return err
}

func acceptEngagement(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[acceptData](e)
	f, inner, ferr := s.on(e, "acceptance")
	if err = first(err, ferr, byPerson(e)); err == nil {
		err = first(d.check(), when(inner != "", "an engagement is accepted as a whole"), f.open(), f.independent(e.By.Name), f.partnerActs(e))
	}
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "client and engagement are accepted", Do: func() {
		f.Accepted = &Accepted{Checks: d.Checks, Letter: d.Letter, By: e.By.Name, At: e.At}
	}}, nil
}

// partnerActs refuses what only a partner of this engagement does.
func (f *File) partnerActs(e book.Entry) error {
	if m := f.Team[e.By.Name]; m == nil || m.Duty != DutyPartner || !m.Until.IsZero() {
		return fmt.Errorf("%w: a partner on the team of %s does that", audit.ErrForbidden, f.Terms.ID)
	}
	return nil
}
