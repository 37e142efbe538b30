package deviation

import (
	"cmp"
	"fmt"

	"tieout/audit"
)

// A life is what stands about one finding after some decisions.
type life struct {
	finding   audit.Deviation // as first recorded
	lostBy    string          // hash of the procedure that last did not find it
	confirmed *Decision
	proposal  *Decision // the newest
	digest    string    // of proposal
	approval  *Decision // of proposal
	answer    *Decision // the newest
	answerers []audit.Actor
	recorder  audit.Actor
	last      Decision // the newest of a person or a rule, or the record
}

// replay applies decisions in order; those that break a rule are left out and
// named.
func replay(decisions []Decision) (map[key]*life, []error) {
	lives := map[key]*life{}
	var problems []error
	for i, d := range decisions {
		apply, err := step(lives, d)
		if err != nil {
			problems = append(problems, fmt.Errorf("decision %d (%s, %s): %w", i+1, d.Kind, d.Ref, err))
			continue
		}
		apply()
	}
	return lives, problems
}

// step says what d does to lives, or why it may not.
func step(lives map[key]*life, d Decision) (func(), error) {
	if err := complete(&d); err != nil {
		return nil, err
	}
	l := lives[d.key()]
	if d.Kind == Recorded {
		return record(lives, l, d)
	}
	if l == nil {
		return nil, fmt.Errorf("%w: finding %s of %s was never recorded", audit.ErrNotFound, d.Ref, d.Procedure)
	}
	if d.Kind == Lost {
		return func() { l.lostBy = d.Hash }, nil
	}
	if newest, err := l.newest(d.After); err != nil || newest != d.After {
		if err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w: somebody decided or answered about %s since you opened it. Look at it again and repeat what is still right", audit.ErrConflict, d.Ref)
	}
	apply, err := l.decided(d)
	if err != nil {
		return nil, err
	}
	return func() { apply(); l.last = d }, nil
}

// newest is the digest of the newest decision, to be compared with what somebody
// had seen; who does not say what is compared with nothing.
func (l *life) newest(seen string) (string, error) {
	if seen == "" {
		return "", nil
	}
	return Digest(l.last)
}

// decided is step for what people and rules decide.
func (l *life) decided(d Decision) (func(), error) {
	switch d.Kind {
	case Answer:
		return l.answered(d)
	case Confirm:
		return func() { l.confirmed, l.proposal, l.approval = &d, nil, nil }, nil
	case Propose:
		digest, err := Digest(d)
		return func() { l.proposal, l.digest, l.approval = &d, digest, nil }, err
	case Approve:
		return l.approved(d)
	}
	return func() { l.confirmed, l.proposal, l.approval = nil, nil, nil }, nil
}

// complete reports what d lacks, whatever came before it.
func complete(d *Decision) error {
	switch {
	case d.Schema != Schema:
		return refuse("decision of schema %d; this program knows %d", d.Schema, Schema)
	case d.Ref == "" || d.Procedure == "":
		return refuse("a decision names a finding and its procedure")
	case trim(d.By.Name) == "" || d.At.IsZero():
		return refuse("a decision says who made it and when")
	}
	switch d.Kind {
	case Recorded, Lost:
		return completeRun(d)
	case Confirm:
		if !isPerson(d.By) && trim(d.Why) == "" {
			return refuse("a confirmation that no person made names its rule")
		}
		return nil
	case Answer, Propose, Approve, Withdraw:
		return completePerson(d)
	}
	return refuse("kind of decision %q", d.Kind)
}

func completeRun(d *Decision) error {
	if d.Kind == Lost && d.Hash == "" {
		return refuse("a lost finding names the hash of the procedure that ran")
	}
	if d.Kind == Recorded && (d.Finding == nil || keyOf(d.Finding) != d.key()) {
		return refuse("a recorded finding is the one the decision names")
	}
	return nil
}

func completePerson(d *Decision) error {
	switch {
	case !isPerson(d.By):
		return fmt.Errorf("%w: %s %q may not %s; a person may", audit.ErrForbidden, d.By.Kind, d.By.Name, d.Kind)
	case d.Kind == Answer && trim(d.Cause) == "" && trim(d.Response) == "":
		return refuse("an answer has a cause or a response")
	case d.Kind == Propose && d.Hash == "":
		return refuse("a proposal names the hash of the procedure that found it")
	case d.Kind == Approve && d.Proposal == "":
		return refuse("an approval names the proposal")
	case (d.Kind == Propose || d.Kind == Withdraw) && trim(d.Why) == "":
		return refuse("to %s takes a reason", d.Kind)
	}
	return nil
}

func record(lives map[key]*life, l *life, d Decision) (func(), error) {
	if l != nil {
		return nil, fmt.Errorf("%w: finding %s is recorded already", audit.ErrConflict, d.Ref)
	}
	return func() { lives[d.key()] = &life{finding: *asFound(*d.Finding), recorder: d.By, last: d} }, nil
}

// answered: whoever approved that it is none may not also explain it.
func (l *life) answered(d Decision) (func(), error) {
	if l.approval != nil && same(l.approval.By, d.By) {
		return nil, fmt.Errorf("%w: %s approved that %s is not a deviation and cannot answer it; withdraw the disposition first", audit.ErrForbidden, d.By.Name, d.Ref)
	}
	return func() { l.answer, l.answerers = &d, append(l.answerers, d.By) }, nil
}

func (l *life) approved(d Decision) (func(), error) {
	switch {
	case l.proposal == nil || l.digest != d.Proposal:
		return nil, fmt.Errorf("%w: the proposal about %s was replaced or withdrawn since", audit.ErrConflict, d.Ref)
	case same(l.proposal.By, d.By):
		return nil, fmt.Errorf("%w: %s proposed this; somebody else approves it", audit.ErrForbidden, d.By.Name)
	}
	for _, a := range l.answerers {
		if same(a, d.By) {
			return nil, fmt.Errorf("%w: %s answered this finding for management; somebody else approves that it is none", audit.ErrForbidden, d.By.Name)
		}
	}
	return func() { l.approval, l.confirmed = &d, nil }, nil
}

// beside returns d with what stands about it. A nil life decides nothing.
func (l *life) beside(d audit.Deviation, names map[string]string) audit.Deviation {
	name := func(a audit.Actor) string { return cmp.Or(names[a.Name], a.Name) }
	d = *asFoundKeepingLoss(d)
	if l == nil {
		return d
	}
	if l.answer != nil {
		d.Cause, d.Response = l.answer.Cause, l.answer.Response
	}
	switch {
	case l.confirmed != nil:
		d.Disposition, d.DecidedBy, d.DecidedWhy = audit.Confirmed, name(l.confirmed.By), l.confirmed.Why
	case l.approval != nil && l.covers(&d):
		d.Disposition, d.DecidedWhy = audit.NotDeviation, l.proposal.Why
		d.DecidedBy = name(l.proposal.By) + ", approved by " + name(l.approval.By)
	}
	return d
}

// covers reports whether the approved proposal was about this very finding:
// the same test, and nothing worse than was proposed.
func (l *life) covers(d *audit.Deviation) bool {
	return l.proposal.Hash == d.Hash && l.proposal.Outcome == d.Outcome
}

func asFoundKeepingLoss(d audit.Deviation) *audit.Deviation {
	out := asFound(d)
	out.NotFoundBy = d.NotFoundBy
	return out
}
