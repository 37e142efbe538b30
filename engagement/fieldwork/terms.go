package fieldwork

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
)

var termsTakers = map[string]taker{
	"engagement.open": openEngagement, "engagement.terms": changeTerms, "engagement.agreed": takeAgreed, "engagement.milestones": setMilestones,
}

// termsData is what opening or changing terms says.
type termsData struct {
	Terms    engagement.Terms `json:"terms"`
	Why      string           `json:"why,omitempty"`
	Judgment string           `json:"judgment,omitempty"` // the auditor's, where something examined is taken away
	Told     bool             `json:"told,omitempty"`     // the client reads why: before there was this word the reason stayed with the firm
}

// OpenEngagement opens a file with its terms and returns them with their ID: the
// next free number, or the one they name, such as EN-7, where the client has
// another firm's engagement under that number. It needs plan.write in the whole
// workspace, and a person. Terms that make no examination are audit.ErrInvalid and
// say what to change; a number that is taken is an audit.ErrConflict.
func (b *Book) OpenEngagement(ctx context.Context, by access.Subject, t engagement.Terms) (engagement.Terms, error) {
	if err := access.Require(by, "plan.write", access.Object{}); err != nil {
		return t, err
	}
	if err := first(checkNew(t), b.withFirm(ctx, &t)); err != nil {
		return t, err
	}
	if t.ID != "" {
		return t, b.openAs(ctx, by, t)
	}
	id, err := b.book.Numbered(ctx, by, "engagement", "EN", func(id string) error {
		t.ID = id
		_, err := b.book.Write(ctx, by, "engagement.open", on("engagement", id), 0, termsData{Terms: t})
		return err
	})
	t.ID = id
	return t, err
}

// ownNumber is the number of an engagement, as the firm counts them.
var ownNumber = regexp.MustCompile(`^EN-[1-9][0-9]{0,5}$`)

// openAs opens a file under the number its terms name.
func (b *Book) openAs(ctx context.Context, by access.Subject, t engagement.Terms) error {
	if !ownNumber.MatchString(t.ID) {
		return fmt.Errorf("%w: id: %.40q is no number of an engagement such as EN-7; leave it out for the next that is free", audit.ErrInvalid, t.ID)
	}
	_, err := b.book.Write(ctx, by, "engagement.open", on("engagement", t.ID), 0, termsData{Terms: t})
	if errors.Is(err, audit.ErrConflict) {
		rerr := b.Read(ctx, func(s *State) error {
			if s.Files[t.ID] != nil {
				return tooEarly("%s is an engagement here already: name another number, or leave it out for the next that is free", t.ID)
			}
			return nil
		})
		return first(rerr, err)
	}
	return err
}

// withFirm puts what the firm states of itself into terms that say nothing of it.
func (b *Book) withFirm(ctx context.Context, t *engagement.Terms) error {
	if t.Firm.Name != "" {
		return nil
	}
	return b.Read(ctx, func(s *State) error { t.Firm = s.Firm.Party; return nil })
}

func openEngagement(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[termsData](e)
	if err == nil {
		err = first(byPerson(e), checkTerms(d.Terms), s.checkRest(d.Terms), when(d.Terms.ID != e.Of() || e.On != on("engagement", d.Terms.ID), "the terms are those of another engagement"),
			when(d.Why != "" || d.Judgment != "", "an engagement is opened without a reason"))
	}
	if err != nil {
		return book.Change{}, err
	}
	if s.Files[d.Terms.ID] != nil {
		return book.Change{}, tooEarly("engagement %s is open already", d.Terms.ID)
	}
	return book.Change{What: "opened: " + d.Terms.Type.String() + ", " + d.Terms.Client.Name, Do: func() { s.Files[d.Terms.ID] = newFile(d.Terms) }}, nil
}

// newFile is an empty file. Management's steps before the auditor's may have been
// taken already; its packets say so.
func newFile(t engagement.Terms) *File {
	return &File{Terms: t, State: engagement.CriteriaSelected, Heard: engagement.CriteriaSelected,
		Independence: map[string]*Declaration{}, Team: map[string]*Member{}, Tests: map[string]*Test{}, Requests: map[string]*Request{},
		Plan:        Plan{Reliance: map[string]engagement.Reliance{}, Complete: map[string]string{}},
		Populations: map[string]*Population{}, Commitments: map[string]*Commitment{}, Samples: map[string]*Sample{}, Papers: map[string]*Paper{},
		Findings: map[string]*Finding{}, Notes: map[string]*Note{}, Concluded: map[string]*Conclusion{}, Opinions: map[engagement.Part]*Opined{},
		Assertions: map[string]*engagement.Assertion{}, Representations: map[string]*engagement.Representation{}, Comments: map[string]*engagement.Comment{}}
}

// ChangeTerms changes the terms, with the reason. Base is State.Revision of
// "engagement:ID". A period may be longer than before; to take a day, a
// category or anything else examined away needs the auditor's written judgment
// whether a result is hidden by it. Management agrees to the new terms again, and
// reads why; the judgment stays in the file.
func (b *Book) ChangeTerms(ctx context.Context, by access.Subject, t engagement.Terms, why, judgment string, base int64) error {
	if err := first(access.Require(by, "plan.write", in(t.ID)), checkNew(t)); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "engagement.terms", on("engagement", t.ID), base, termsData{t, why, judgment, true})
	return err
}

func changeTerms(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[termsData](e)
	f, inner, ferr := s.on(e, "engagement")
	if err = first(err, ferr); err != nil {
		return book.Change{}, err
	}
	err = first(byPerson(e), f.open(), f.independent(e.By.Name), checkTerms(d.Terms), s.checkRest(d.Terms), text("why", d.Why, 1, maxText), text("judgment", d.Judgment, 0, maxText),
		when(inner != "" || d.Terms.ID != f.Terms.ID, "the terms are those of another engagement"), kept(f, d.Terms), f.lessened(d))
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: "terms are changed: " + d.Why, Do: func() {
		f.Terms, f.Agreed, f.Changed = d.Terms, nil, ""
		if d.Told && f.Accepted != nil { // before that the client was offered nothing
			f.Changed = d.Why
		}
	}}, nil
}

// kept refuses a change that makes another engagement of it.
func kept(f *File, t engagement.Terms) error {
	switch {
	case f.Terms.Type != t.Type && f.Accepted != nil:
		return tooEarly("%s was accepted as %s: open another engagement for a %s", t.ID, f.Terms.Type, t.Type)
	case f.Terms.Client.Key != "" && t.Client.Key != f.Terms.Client.Key || f.Terms.Client.Origin != "" && t.Client.Origin != f.Terms.Client.Origin:
		return tooEarly("whose log the client's is does not change with the terms: its packets are checked against it")
	}
	return nil
}

// lessened refuses to take something examined away without a written judgment.
func (f *File) lessened(d termsData) error {
	old, now := f.Terms, d.Terms
	less := slices.Concat(narrowed(old, now), eased(old, now))
	if len(less) > 0 && len(strings.TrimSpace(d.Judgment)) < minJudgment {
		return tooEarly("%s. That needs the auditor's written judgment whether a result is hidden by it, in %d characters or more", strings.Join(less, "; "), minJudgment)
	}
	return nil
}

// narrowed is what is not examined any more, in words.
func narrowed(old, now engagement.Terms) (less []string) {
	if old.Type == now.Type && old.Type.OverPeriod() && (now.First > old.First || now.Last < old.Last) {
		less = append(less, fmt.Sprintf("the period %s to %s becomes %s to %s", old.First, old.Last, now.First, now.Last))
	}
	if old.Type == now.Type && !old.Type.OverPeriod() && now.AsOf != old.AsOf {
		less = append(less, fmt.Sprintf("the day %s becomes %s", old.AsOf, now.AsOf))
	}
	for _, c := range old.Categories {
		if c.In && !slices.ContainsFunc(now.Categories, func(n engagement.Choice) bool { return n.Category == c.Category && n.In }) {
			less = append(less, "category "+string(c.Category)+" is dropped")
		}
	}
	for _, x := range old.Extra {
		if x.Examined && !slices.ContainsFunc(now.Extra, func(n engagement.CriteriaSet) bool { return n.ID == x.ID && n.Examined }) {
			less = append(less, x.Name+" is not examined any more")
		}
	}
	for _, o := range old.Objectives {
		if !slices.ContainsFunc(now.Objectives, func(n engagement.Objective) bool { return n.ID == o.ID }) {
			less = append(less, "control objective "+o.ID+" is dropped")
		}
	}
	return less
}

// eased is what else is taken away: a subservice organization that is not looked at
// any more, an exception of the report before, the quality review.
func eased(old, now engagement.Terms) (less []string) {
	for _, s := range old.Subservices {
		if s.Inclusive && !slices.ContainsFunc(now.Subservices, func(n engagement.Subservice) bool { return n.Name == s.Name && n.Inclusive }) {
			less = append(less, "the controls of "+s.Name+" are not examined any more")
		}
	}
	for _, p := range old.Prior {
		if !slices.ContainsFunc(now.Prior, func(n engagement.Prior) bool { return n.Control == p.Control && n.Text == p.Text }) {
			less = append(less, "an exception of the report before, on "+p.Control+", is left out")
		}
	}
	if old.Quality && !now.Quality {
		less = append(less, "the engagement quality review is switched off")
	}
	return less
}

// minJudgment is the shortest written judgment, in bytes: a sentence.
const minJudgment = 40

// SetMilestones sets the days both sides work towards. They are no part of what
// is agreed: no reason is asked, and management agrees to nothing again.
func (b *Book) SetMilestones(ctx context.Context, by access.Subject, id string, m []engagement.Milestone, base int64) error {
	if err := access.Require(by, "plan.write", in(id)); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "engagement.milestones", on("engagement", id), base, milestoneData{book.List(m)})
	return err
}

type milestoneData struct {
	Milestones []engagement.Milestone `json:"milestones"`
}

func setMilestones(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[milestoneData](e)
	f, _, ferr := s.on(e, "engagement")
	if err = first(err, ferr); err == nil {
		err = first(f.open(), f.independent(e.By.Name), checkMilestones(d.Milestones))
	}
	if err != nil {
		return book.Change{}, err
	}
	return book.Change{What: fmt.Sprintf("%d milestones are set", len(d.Milestones)), Do: func() { f.Terms.Milestones = d.Milestones }}, nil
}

type agreedData struct {
	Agreed engagement.Agreed `json:"agreed"`
	Packet int64             `json:"packet"`
}

// TakeAgreed keeps management's word on the terms, as a packet brought it.
// packet is the packet's record in the firm's log; its signatures were checked.
func (b *Book) TakeAgreed(ctx context.Context, by access.Subject, id string, a engagement.Agreed, packet int64) error {
	return b.take(ctx, by, "engagement.agreed", on("engagement", id), id, agreedData{a, packet})
}

func takeAgreed(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[agreedData](e)
	f, _, ferr := s.on(e, "engagement")
	if err = first(err, ferr); err != nil {
		return book.Change{}, err
	}
	want, err := f.Terms.Digest()
	if err = first(err, f.open(), packetRecord(d.Packet)); err != nil {
		return book.Change{}, err
	}
	if d.Agreed.Terms != want {
		return book.Change{}, tooEarly("management agreed to terms that have changed since. Send them the terms as they are now")
	}
	if d.Agreed.Signed.Digest != want || d.Agreed.Signed.Name == "" {
		return book.Change{}, fmt.Errorf("%w: management's agreement to %s carries no signature over it", audit.ErrInvalid, f.Terms.ID)
	}
	return book.Change{What: "management agrees to the terms: " + d.Agreed.Signed.Name, Do: func() { f.Agreed = &d.Agreed }}, nil
}

func packetRecord(index int64) error {
	return when(index < 0, "packet: the record in this log that brought it")
}

// checkRest checks what a SOC 3 rests on.
func (s *State) checkRest(t engagement.Terms) error {
	if t.Type != engagement.SOC3 {
		return when(t.RestsOn != "", "restsOn: only a SOC 3 rests on another engagement")
	}
	base := s.Files[t.RestsOn]
	switch {
	case base == nil || base.Terms.Type != engagement.SOC2TypeII:
		return fmt.Errorf("%w: a SOC 3 rests on a SOC 2 Type II: name that engagement in restsOn (%q is none)", audit.ErrInvalid, t.RestsOn)
	case base.Terms.First != t.First || base.Terms.Last != t.Last || base.Terms.Zone != t.Zone || base.Terms.Client.Name != t.Client.Name || base.Terms.System != t.System:
		return fmt.Errorf("%w: a SOC 3 covers the client, the system and the period of the SOC 2 Type II it rests on, %s", audit.ErrInvalid, t.RestsOn)
	}
	return nil
}

// span is the period; false of an examination as of a date.
func span(t engagement.Terms) (audit.Period, bool) {
	if !t.Type.OverPeriod() {
		return audit.Period{}, false
	}
	p, err := audit.NewPeriod(t.First, t.Last, t.Zone)
	return p, err == nil
}

// ended reports whether the period, or the day it is as of, is over at an instant.
func ended(t engagement.Terms, at time.Time) bool {
	firstDay, last := t.First, t.Last
	if !t.Type.OverPeriod() {
		firstDay, last = t.AsOf, t.AsOf
	}
	p, err := audit.NewPeriod(firstDay, last, t.Zone)
	return err == nil && !at.Before(p.To)
}
