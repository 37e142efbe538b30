package fieldwork

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/access"
	"tieout/audit"
	"tieout/book"
	"tieout/engagement"
)

var stateTakers = map[string]taker{"state.move": moveState, "state.take": takeState, "state.end": endEngagement}

// A Move is one step of an engagement, forward or back.
type Move struct {
	From, To engagement.State
	Why      string
	By       string // account, or the client's name
	At       time.Time
}

// A StateGate is something that has to be there before the auditor takes a step
// forward.
type StateGate struct {
	To    engagement.State
	Needs string // in words

	missing func(f *File, at time.Time) string // what is not there; "" where nothing is missing
}

// StateGates are the gates of the auditor's steps. Issuing has its own.
var StateGates = []StateGate{
	{engagement.Fieldwork, "a partner has accepted the client and the engagement", func(f *File, _ time.Time) string {
		return unless(f.Accepted != nil, "no partner has accepted it")
	}},
	{engagement.Fieldwork, "management has agreed to the terms as they are", func(f *File, _ time.Time) string {
		return unless(f.Agreed != nil, "management has not agreed to the terms")
	}},
	{engagement.Fieldwork, "management has chosen its criteria and defined the boundary of its system", func(f *File, _ time.Time) string {
		return unless(f.Heard.Place() >= engagement.Readiness.Place(), "management's last step here is: %s", f.Heard)
	}},
	{engagement.Fieldwork, "everybody on the team has declared independence, or has a safeguard", func(f *File, _ time.Time) string { return f.undeclared() }},
	{engagement.Fieldwork, "a request has gone to the client", func(f *File, _ time.Time) string {
		return unless(slices.ContainsFunc(book.Sorted(f.Requests), func(r *Request) bool { return r.Released }), "no request is released")
	}},
	{engagement.Fieldwork, "the period has begun", func(f *File, at time.Time) string {
		p, over := span(f.Terms)
		return unless(!over || !at.Before(p.From), "the period begins on %s", f.Terms.First)
	}},
	{engagement.Exceptions, "the period, or the day it is as of, is over", func(f *File, at time.Time) string { return unless(ended(f.Terms, at), "it is not over") }},
	{engagement.Exceptions, "every test that is performed is signed by its preparer", func(f *File, _ time.Time) string { return f.unprepared() }},
	{engagement.Exceptions, "no request is open", func(f *File, _ time.Time) string { return f.unanswered() }},
	{engagement.DescriptionFinal, "every control is concluded", func(f *File, _ time.Time) string { return f.openControls() }},
	{engagement.DescriptionFinal, "every exception is released to management and evaluated", func(f *File, _ time.Time) string { return f.unevaluated() }},
	{engagement.DraftReview, "management's description is final", func(f *File, _ time.Time) string {
		return unless(f.Terms.Type == engagement.SOC3 || f.Description != nil && f.Description.Final, "it is not")
	}},
}

// named says what is missing, "" where nothing is.
func named(what string, ids []string) string {
	return unless(len(ids) == 0, "%s: %s", what, some(ids))
}

func (f *File) undeclared() string {
	var out []string
	partner := false
	for _, m := range book.Sorted(f.Team) {
		if !m.Until.IsZero() {
			continue
		}
		partner = partner || m.Duty == DutyPartner
		if !f.Independence[m.Account].Clear() {
			out = append(out, m.Account)
		}
	}
	if !partner {
		return "there is no partner on the team"
	}
	return named("not declared", out)
}

func (f *File) unprepared() string {
	var out []string
	for _, t := range book.Sorted(f.Tests) {
		if p := f.Papers[t.ID]; t.Dropped == "" && (p == nil || p.Prepared == nil) {
			out = append(out, t.ID)
		}
	}
	return named("not signed", out)
}

func (f *File) unanswered() string {
	var out []string
	for _, r := range book.Sorted(f.Requests) {
		if r.Status != engagement.RequestAccepted && r.Status != engagement.RequestWithdrawn {
			out = append(out, r.ID)
		}
	}
	return named("open", out)
}

// openControls are those nobody concluded on. A SOC 3 concludes on none: it rests
// on another engagement's conclusions, which issuing asks for.
func (f *File) openControls() string {
	if f.Terms.Type == engagement.SOC3 {
		return ""
	}
	var out []string
	for _, c := range f.ControlsInScope() {
		if f.Concluded["control:"+c] == nil {
			out = append(out, c)
		}
	}
	return named("not concluded", out)
}

func (f *File) unevaluated() string {
	var out []string
	for _, x := range book.Sorted(f.Findings) {
		if x.Stands() && (x.Released.IsZero() || strings.TrimSpace(x.Evaluation) == "") {
			out = append(out, x.ID)
		}
	}
	return named("not released, or not evaluated", out)
}

// Missing are the gates before a step that are not met, in words.
func (f *File) Missing(to engagement.State, at time.Time) (out []string) {
	for _, g := range StateGates {
		if g.To.Place() > f.State.Place() && g.To.Place() <= to.Place() {
			if m := g.missing(f, at); m != "" {
				out = append(out, g.Needs+" ("+m+")")
			}
		}
	}
	return out
}

// Unanswered are warnings that block nothing: exceptions that management has not
// answered.
func (f *File) Unanswered() (out []string) {
	for _, x := range book.Sorted(f.Findings) {
		if x.Stands() && !x.Released.IsZero() && (x.Response == nil || !x.Response.Final) {
			out = append(out, fmt.Sprintf("management has given no final response to exception %s", x.ID))
		}
	}
	return out
}

type moveData struct {
	State  engagement.State `json:"state"`
	Why    string           `json:"why,omitempty"`
	Packet int64            `json:"packet,omitempty"`
}

// MoveState takes one of the auditor's steps, Fieldwork to Draft review: forward
// to the next one when its gates are met, back to an earlier one with the reason.
// Issued is entered by issuing. Base is State.Revision of "state:EN-1". It needs
// plan.write, and a person.
func (b *Book) MoveState(ctx context.Context, by access.Subject, id string, to engagement.State, why string, base int64) error {
	if err := access.Require(by, "plan.write", in(id)); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "state.move", on("state", id), base, moveData{State: to, Why: why})
	return err
}

func moveState(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[moveData](e)
	f, _, ferr := s.on(e, "state")
	if err = first(err, ferr); err == nil {
		err = first(byPerson(e), text("why", d.Why, 0, 5000), f.MayWork(e), f.mayMove(d, e.At))
	}
	if err != nil {
		return book.Change{}, err
	}
	return f.move(d, e.By.Name, e.At), nil
}

func (f *File) move(d moveData, by string, at time.Time) book.Change {
	what := "now at: " + string(d.State)
	if d.Why != "" {
		what += " (" + d.Why + ")"
	}
	return book.Change{What: what, Do: func() {
		f.Moves = append(f.Moves, Move{f.State, d.State, d.Why, by, at})
		f.State = d.State
	}}
}

// mayMove holds an auditor's step to its order.
func (f *File) mayMove(d moveData, at time.Time) error {
	now, to := f.State.Place(), d.State.Place()
	begins, ends := engagement.Fieldwork.Place(), engagement.DraftReview.Place()
	switch {
	case to == 0:
		return fmt.Errorf("%w: %q is no step", audit.ErrInvalid, d.State)
	case to == now:
		return tooEarly("%s is at that step", f.Terms.ID)
	case to < now:
		return f.mayGoBack(d)
	case d.State == engagement.Issued:
		return tooEarly("issued is what a report is by being signed and issued")
	case to < begins || to > ends:
		return fmt.Errorf("%w: %s is management's step: a packet of theirs takes it", audit.ErrForbidden, d.State)
	case now >= begins && to > now+1:
		return tooEarly("%s comes after %s", d.State, engagement.States[to-2])
	case now < begins && to > begins:
		return tooEarly("fieldwork comes first")
	}
	if missing := f.Missing(d.State, at); len(missing) > 0 {
		return tooEarly("before %s: %s", d.State, strings.Join(missing, "; "))
	}
	return nil
}

// mayGoBack allows a step back, with its reason, as far as the client's evidence
// is gathered: what management chose before is changed by the terms.
func (f *File) mayGoBack(d moveData) error {
	if d.State.Place() < engagement.Observing.Place() || f.State.Place() < engagement.Fieldwork.Place() {
		return fmt.Errorf("%w: %s is management's step; criteria and period change with the terms", audit.ErrForbidden, d.State)
	}
	return when(len(strings.TrimSpace(d.Why)) < 10, "why: a step back says what made it necessary")
}

// TakeState keeps a step of management's, as a packet brought it. Before fieldwork
// it is where the engagement is; during it the auditor's step stays, and
// management's goes on beside it; after the report's issue it is again.
func (b *Book) TakeState(ctx context.Context, by access.Subject, id string, news engagement.StateNews, packet int64) error {
	return b.take(ctx, by, "state.take", on("state", id), id, moveData{news.State, news.Why, packet})
}

func takeState(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[moveData](e)
	f, _, ferr := s.on(e, "state")
	if err = first(err, ferr); err == nil {
		err = first(text("why", d.Why, 0, 5000), packetRecord(d.Packet), f.mayHear(d))
	}
	if err != nil {
		return book.Change{}, err
	}
	before, issued := d.State.Place() < engagement.Fieldwork.Place(), f.State.Place() >= engagement.Issued.Place()
	if before && f.State.Place() >= engagement.Fieldwork.Place() {
		return book.Change{What: "management is at: " + string(d.State), Do: func() { f.Heard = d.State }}, nil
	}
	if !before && !issued {
		return book.Change{}, tooEarly("%s comes after the report is issued", d.State)
	}
	c := f.move(d, f.Terms.Client.Name, e.At)
	return book.Change{What: c.What, Do: func() { c.Do(); f.Heard = d.State }}, nil
}

func (f *File) mayHear(d moveData) error {
	switch {
	case f.State.Over():
		return f.open()
	case !d.State.ByManagement():
		return fmt.Errorf("%w: %q is not a step of management's", audit.ErrForbidden, d.State)
	case d.State.Place() < f.Heard.Place() && strings.TrimSpace(d.Why) == "":
		return fmt.Errorf("%w: management goes back from %s to %s and does not say why", audit.ErrInvalid, f.Heard, d.State)
	case d.State.Place() < engagement.Fieldwork.Place() && f.State.Place() >= engagement.Issued.Place():
		return tooEarly("the report is issued: %s belongs to the engagement after this one", d.State)
	}
	return nil
}

// EndEngagement ends an engagement before its report: engagement.Withdrawn where
// the auditor leaves, engagement.Canceled where both give it up. A partner of the
// team says why. It needs client.accept.
func (b *Book) EndEngagement(ctx context.Context, by access.Subject, id string, as engagement.State, why string, base int64) error {
	if err := access.Require(by, "client.accept", in(id)); err != nil {
		return err
	}
	_, err := b.book.Write(ctx, by, "state.end", on("state", id), base, moveData{State: as, Why: why})
	return err
}

func endEngagement(s *State, e book.Entry) (book.Change, error) {
	d, err := book.Data[moveData](e)
	f, _, ferr := s.on(e, "state")
	if err = first(err, ferr); err == nil {
		err = first(byPerson(e), book.OneOf("state", d.State, engagement.Withdrawn, engagement.Canceled), text("why", d.Why, minJudgment, maxText), f.open(), f.partnerActs(e))
	}
	if err != nil {
		return book.Change{}, err
	}
	return f.move(d, e.By.Name, e.At), nil
}

// StateNewsOf is what the client is sent of where the engagement is.
func (b *Book) StateNewsOf(ctx context.Context, id string) (out engagement.StateNews, err error) {
	err = b.ReadFile(ctx, id, func(_ *State, f *File) error {
		out.State = f.State
		if n := len(f.Moves); n > 0 && f.Moves[n-1].To == f.State {
			out.Why = f.Moves[n-1].Why
		}
		return nil
	})
	return out, err
}
