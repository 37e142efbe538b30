package period

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"tieout/access"
	"tieout/audit"
	"tieout/deviation"
	"tieout/evidence"
	"tieout/store"
)

// decisions reads every sealed decision, in the order of the log.
func (p *Program) decisions(ctx context.Context) (out []deviation.Decision, err error) {
	out, _, err = p.sealedDecisions(ctx)
	return out, err
}

// decided keeps the decisions that were read: they are only ever added to. It is
// safe for concurrent use.
type decided struct {
	mu   sync.Mutex
	next int64 // log index from which on they are not read yet
	list []deviation.Decision
	recs []audit.Record
}

// sealedDecisions are the decisions with the records that hold them, place by
// place. Neither is changed by who gets them.
func (p *Program) sealedDecisions(ctx context.Context) ([]deviation.Decision, []audit.Record, error) {
	c := &p.decided
	c.mu.Lock()
	defer c.mu.Unlock()
	err := p.Store.Records(ctx, store.RecordFilter{Kind: audit.RecordDecision, From: c.next}, func(rec audit.Record) error {
		body, err := p.Seal.Body(ctx, rec)
		if err != nil {
			return err
		}
		d, err := deviation.Parse(body)
		if err != nil {
			return fmt.Errorf("%w: %s: %w", audit.ErrAltered, rec.Ref(), err)
		}
		c.list, c.recs, c.next = append(c.list, d), append(c.recs, rec), rec.Index+1
		return nil
	})
	return slices.Clip(c.list), slices.Clip(c.recs), err
}

// Decide seals a decision about a deviation, if it may follow those before it,
// and returns its record once it has an effect. It is safe for concurrent use,
// also by several processes: of two that were made without having seen each
// other the one that is later in the log has no effect, stays there, and its
// maker is told (audit.ErrConflict). Where After is "" it is what Decide reads.
func (p *Program) Decide(ctx context.Context, d deviation.Decision) (audit.Record, error) {
	return p.decide(ctx, d, nil)
}

// decide is Decide with what the log says of who decided beside their name.
func (p *Program) decide(ctx context.Context, d deviation.Decision, via map[string]string) (audit.Record, error) {
	before, err := p.decisions(ctx)
	if err != nil {
		return audit.Record{}, err
	}
	if d.After == "" {
		d.After = deviation.StandingOf(before, &audit.Deviation{Ref: d.Ref, Result: audit.Result{Procedure: d.Procedure, Item: d.Item}}).Newest
	}
	if err := deviation.Check(before, d); err != nil {
		return audit.Record{}, err
	}
	if err := p.secondPerson(ctx, before, d); err != nil {
		return audit.Record{}, err
	}
	recs, err := p.sealDecisions(ctx, []deviation.Decision{d}, via)
	if err != nil {
		return audit.Record{}, err
	}
	return recs[0], p.took(ctx, recs[0])
}

// secondPerson refuses a person's decision about what they prepared themself
// under whichever account, however they came: at a screen, by the API, at a shell.
func (p *Program) secondPerson(ctx context.Context, before []deviation.Decision, d deviation.Decision) error {
	if d.By.Kind != audit.ActorPerson || !needsSecond(d.Kind) {
		return nil
	}
	eyes, err := p.Registers().Eyes(ctx)
	if err != nil {
		return err
	}
	stands := deviation.StandingOf(before, &audit.Deviation{Ref: d.Ref, Result: audit.Result{Procedure: d.Procedure, Item: d.Item}})
	who := access.Subject{Workspace: access.Company, Account: d.By.Name, Eyes: eyes}
	if why := who.Second(Prepared(d.Kind, stands)); why != "" {
		return fmt.Errorf("%w: %s; somebody else decides about %s", audit.ErrForbidden, why, d.Ref)
	}
	return nil
}

// needsSecond reports whether a decision of that kind is for a second person.
func needsSecond(kind deviation.Kind) bool {
	return kind == deviation.Confirm || kind == deviation.Withdraw || kind == deviation.Approve
}

// took says of a decision that was sealed why it has no effect, if so.
func (p *Program) took(ctx context.Context, sealed audit.Record) error {
	all, recs, err := p.sealedDecisions(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(recs, func(r audit.Record) bool { return r.ID == sealed.ID })
	return deviation.Effect(all, at)
}

// A Decided is one sealed decision about a finding.
type Decided struct {
	deviation.Decision
	Record audit.Record
	Void   error // why it has no effect; nil: it has
}

// LifeOf returns where a finding stands, and every decision about it in the
// order of the log.
func (p *Program) LifeOf(ctx context.Context, d *audit.Deviation) (deviation.Standing, []Decided, error) {
	all, recs, err := p.sealedDecisions(ctx)
	if err != nil {
		return deviation.Standing{}, nil, err
	}
	var mine []deviation.Decision
	var out []Decided
	for i, x := range all {
		if x.Concerns(d) {
			mine = append(mine, x)
			out = append(out, Decided{x, recs[i], deviation.Effect(mine, len(mine)-1)})
		}
	}
	return deviation.StandingOf(mine, d), out, nil
}

// A Judgment is what a person decides about a finding.
type Judgment struct {
	Kind            deviation.Kind // Answer, Confirm, Propose, Approve, Withdraw
	Why             string
	Cause, Response string // of an Answer
	After           string // Standing.Newest as the person saw it
}

// longest is how many characters a person can write in one field.
const longest = 20_000

// DecideAs seals what a person decides about a finding that belongs to on. To
// answer and to propose that it is none needs deviation.answer, everything else
// deviation.decide; nobody approves what they proposed or answered. What
// changed since After is audit.ErrConflict.
func (p *Program) DecideAs(ctx context.Context, by access.Subject, d *audit.Deviation, on access.Object, j Judgment) (audit.Record, error) {
	stands, _, err := p.LifeOf(ctx, d)
	if err != nil {
		return audit.Record{}, err
	}
	if by.Eyes, err = p.Registers().Eyes(ctx); err != nil {
		return audit.Record{}, err
	}
	if err := mayDecide(by, j.Kind, on, stands); err != nil {
		return audit.Record{}, err
	}
	if j.Kind == deviation.Approve && stands.Proposal == nil {
		return audit.Record{}, fmt.Errorf("%w: no proposal waits for approval", audit.ErrConflict)
	}
	for _, s := range []string{j.Why, j.Cause, j.Response} {
		if !utf8.ValidString(s) || utf8.RuneCountInString(s) > longest {
			return audit.Record{}, fmt.Errorf("%w: write at most %d characters that can be shown", audit.ErrInvalid, longest)
		}
	}
	actor := audit.Actor{Kind: by.Kind, Name: by.Account}
	x, err := p.decisionBy(ctx, d, j.Kind, j.Why, actor)
	if err != nil {
		return audit.Record{}, err
	}
	x.Cause, x.Response, x.After = j.Cause, j.Response, j.After
	return p.decide(ctx, x, by.Facts())
}

// mayDecide asks for the permission a decision needs. A finding is prepared by
// the run that recorded it; that it is none, by whoever proposed or answered.
func mayDecide(by access.Subject, kind deviation.Kind, on access.Object, s deviation.Standing) error {
	switch kind {
	case deviation.Answer, deviation.Propose:
		return access.Require(by, "deviation.answer", on)
	}
	if needsSecond(kind) {
		on.Prepared = Prepared(kind, s)
		return access.Require(by, "deviation.decide", on)
	}
	return fmt.Errorf("%w: nobody decides %q", audit.ErrInvalid, kind)
}

// Prepared are the names of who prepared what a decision of that kind decides: a
// run stands there as access.ByProgram.
func Prepared(kind deviation.Kind, s deviation.Standing) []string {
	if kind != deviation.Approve || s.Proposal == nil {
		switch {
		case s.Recorder.Name == "":
			return nil
		case s.Recorder.Kind == audit.ActorCommand:
			return []string{access.ByProgram}
		}
		return []string{s.Recorder.Name}
	}
	out := []string{s.Proposal.By.Name}
	for _, a := range s.Authors {
		out = append(out, a.Name)
	}
	return out
}

// MayDecide reports whether somebody may decide that about a finding, to show
// or hide a button.
func MayDecide(by access.Subject, kind deviation.Kind, on access.Object, s deviation.Standing) bool {
	return mayDecide(by, kind, on, s) == nil
}

// WhyNotDecide says in words why somebody may not decide that about a finding; ""
// where they may.
func WhyNotDecide(by access.Subject, kind deviation.Kind, on access.Object, s deviation.Standing) string {
	err := mayDecide(by, kind, on, s)
	if err == nil {
		return ""
	}
	return strings.TrimPrefix(err.Error(), audit.ErrForbidden.Error()+": ")
}

// sealDecisions seals decisions. The log's own list says of each what it is and
// about which finding, and by which session or token and from where it was made.
func (p *Program) sealDecisions(ctx context.Context, ds []deviation.Decision, via map[string]string) ([]audit.Record, error) {
	drafts := make([]evidence.Draft, len(ds))
	for i, d := range ds {
		body, err := deviation.Encode(d)
		if err != nil {
			return nil, err
		}
		detail := map[string]string{"kind": string(d.Kind), "deviation": d.Ref}
		maps.Copy(detail, via)
		drafts[i] = evidence.Draft{Kind: audit.RecordDecision, Media: "application/json", Body: body, Actor: d.By, Detail: detail}
	}
	return p.Seal.Seal(ctx, drafts...)
}

// recordNews seals what a recorded run found for the first time, and what it no
// longer found: findings stay, whatever later runs say.
func (p *Program) recordNews(ctx context.Context, run *Run) error {
	before, err := p.decisions(ctx)
	if err != nil {
		return err
	}
	ran := map[string]string{}
	for _, t := range run.Tested {
		ran[t.Procedure] = t.Hash
	}
	news := deviation.News(found(run), ran, before, audit.Actor{Kind: audit.ActorCommand, Name: "tieout check"}, run.AsOf)
	if len(news) == 0 {
		return nil
	}
	_, err = p.sealDecisions(ctx, news, nil)
	return err
}

func found(run *Run) []audit.Deviation {
	var out []audit.Deviation
	for _, t := range run.Tested {
		out = append(out, t.Deviations...)
	}
	return out
}

// Deviations returns every finding with what was decided about it: those of the
// run, and those earlier runs found and this one did not.
func (p *Program) Deviations(ctx context.Context, run *Run) ([]audit.Deviation, error) {
	decided, err := p.decisions(ctx)
	if err != nil {
		return nil, err
	}
	return p.merge(ctx, run, decided)
}

// merge puts decisions beside what a run found; who decided is said by the name
// of their account.
func (p *Program) merge(ctx context.Context, run *Run, decided []deviation.Decision) ([]audit.Deviation, error) {
	names := map[string]string{}
	for _, d := range decided {
		if d.By.Kind != audit.ActorPerson || names[d.By.Name] != "" {
			continue
		}
		names[d.By.Name] = d.By.Name
		a, err := p.Store.Account(ctx, d.By.Name)
		if err == nil && a.Name != "" {
			names[d.By.Name] = a.Name
		}
		if err != nil && !errors.Is(err, audit.ErrNotFound) {
			return nil, err
		}
	}
	return deviation.MergeNamed(found(run), decided, names), nil
}

// Deviation finds one by its reference, or the unambiguous beginning of it, with
// the exceptions that were approved for its item.
func (p *Program) Deviation(ctx context.Context, run *Run, ref string) (audit.Deviation, error) {
	d, err := p.deviation(ctx, run, ref)
	if err != nil {
		return d, err
	}
	one := []audit.Deviation{d}
	err = p.excepted(ctx, run.AsOf, one)
	return one[0], err
}

func (p *Program) deviation(ctx context.Context, run *Run, ref string) (audit.Deviation, error) {
	all, err := p.Deviations(ctx, run)
	if err != nil {
		return audit.Deviation{}, err
	}
	var hits []audit.Deviation
	for _, d := range all {
		if d.Ref == ref {
			return d, nil
		}
		if strings.HasPrefix(d.Ref, ref) && len(ref) > 2 {
			hits = append(hits, d)
		}
	}
	switch len(hits) {
	case 1:
		return hits[0], nil
	case 0:
		return audit.Deviation{}, fmt.Errorf("%w: deviation %q; see 'tieout deviation list'", audit.ErrNotFound, ref)
	}
	return audit.Deviation{}, fmt.Errorf("%w: %q is the beginning of %d deviations; write more of it", audit.ErrInvalid, ref, len(hits))
}

// Decision starts a decision about a deviation by this program's actor. What
// approves refers to the proposal that stands.
func (p *Program) Decision(ctx context.Context, d *audit.Deviation, kind deviation.Kind, why string) (deviation.Decision, error) {
	return p.decisionBy(ctx, d, kind, why, p.Actor)
}

func (p *Program) decisionBy(ctx context.Context, d *audit.Deviation, kind deviation.Kind, why string, by audit.Actor) (deviation.Decision, error) {
	now := p.Now()
	switch kind {
	case deviation.Propose:
		return deviation.Proposal(d, why, by, now), nil
	case deviation.Approve:
		before, err := p.decisions(ctx)
		if err != nil {
			return deviation.Decision{}, err
		}
		if x := deviation.StandingOf(before, d).Proposal; x != nil {
			return deviation.Approval(*x, why, by, now)
		}
		return deviation.Decision{}, fmt.Errorf("%w: nobody has proposed that %s is not a deviation", audit.ErrNotFound, d.Ref)
	}
	dec := deviation.About(d, kind, by, now)
	dec.Why = why
	return dec, nil
}
