// Stage 5 of 8: a finding is a candidate until somebody decides about it.

// Package deviation keeps the life of a finding: recorded by the run that first
// found it, confirmed or dispositioned "not a deviation", answered by
// management, and kept when a later run no longer finds it. Every step is a
// Decision, a small record the caller seals; Merge puts the standing decisions
// beside what a run found. Nothing is ever removed.
//
// Two people are needed to say that a finding is not a deviation: one proposes
// it with a reason, another approves it. The approver is neither the proposer
// nor anyone who answered the finding for management, because whoever explains
// a finding has an interest in its being none. Confirming takes one person or a
// rule: it is the cautious direction.
package deviation

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tieout/audit"
)

// Schema is the version of a Decision's form.
const Schema = 1

// A Kind says what a Decision does.
type Kind string

// Kinds of decision.
const (
	Recorded Kind = "recorded"                 // a run found it for the first time
	Lost     Kind = "no longer found"          // a later run of the procedure did not find it
	Answer   Kind = "answer"                   // management's cause and response
	Confirm  Kind = "confirm"                  // it is a deviation
	Propose  Kind = "propose not a deviation"  // wrong test or wrong population, with the reason
	Approve  Kind = "approve not a deviation"  // by somebody else
	Withdraw Kind = "withdraw the disposition" // back to candidate
)

// A Decision is one step in a finding's life. Its canonical JSON is what is
// sealed (docs/formats/report.md). Ref, Procedure and Item together name the
// finding.
type Decision struct {
	Schema    int              `json:"schema"`
	Kind      Kind             `json:"kind"`
	Ref       string           `json:"ref"`
	Procedure string           `json:"procedure"`
	Item      string           `json:"item"`
	Finding   *audit.Deviation `json:"finding,omitempty"`  // Recorded: as it was found
	Hash      string           `json:"hash,omitempty"`     // Lost: of the procedure that ran. Propose: of the procedure that found it
	Outcome   audit.Outcome    `json:"outcome,omitempty"`  // Propose: of the finding it is about
	Proposal  string           `json:"proposal,omitempty"` // Approve: Digest of the proposal
	After     string           `json:"after,omitempty"`    // a person's: Digest of the newest decision about the finding that they had seen
	Why       string           `json:"why,omitempty"`
	Cause     string           `json:"cause,omitempty"`
	Response  string           `json:"response,omitempty"`
	By        audit.Actor      `json:"by"`
	At        time.Time        `json:"at"`
}

// About starts a decision of some kind about a finding.
func About(d *audit.Deviation, kind Kind, by audit.Actor, at time.Time) Decision {
	return Decision{Schema: Schema, Kind: kind, Ref: d.Ref, Procedure: d.Procedure, Item: d.Item, By: by, At: audit.Instant(at)}
}

// Proposal is the decision that proposes, for reason why, that d is not a
// deviation.
func Proposal(d *audit.Deviation, why string, by audit.Actor, at time.Time) Decision {
	p := About(d, Propose, by, at)
	p.Hash, p.Outcome, p.Why = d.Hash, d.Outcome, why
	return p
}

// Approval is the decision that approves proposal p.
func Approval(p Decision, why string, by audit.Actor, at time.Time) (Decision, error) {
	digest, err := Digest(p)
	if err != nil {
		return Decision{}, err
	}
	return Decision{
		Schema: Schema, Kind: Approve, Ref: p.Ref, Procedure: p.Procedure, Item: p.Item,
		Proposal: digest, Why: why, By: by, At: audit.Instant(at),
	}, nil
}

// A key names one finding. The reference alone is short enough to be met
// twice.
type key struct{ ref, procedure, item string }

func keyOf(d *audit.Deviation) key { return key{d.Ref, d.Procedure, d.Item} }
func (d *Decision) key() key       { return key{d.Ref, d.Procedure, d.Item} }
func same(a, b audit.Actor) bool   { return strings.EqualFold(trim(a.Name), trim(b.Name)) }
func trim(s string) string         { return strings.TrimSpace(s) }
func isPerson(a audit.Actor) bool  { return a.Kind == audit.ActorPerson }
func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{audit.ErrInvalid}, args...)...)
}

// Merge returns every finding with what stands decided about it: those found
// now, and those that earlier runs found and this one did not. decisions are
// all there are, in the order they were sealed; one that breaks a rule of Check
// has no effect. Found and decisions are left as they are. The result is
// ordered by time, item and reference.
//
// A disposition "not a deviation" stands only for the procedure hash and the
// outcome it was proposed for: found by a changed test, or found to be worse,
// the finding is a candidate again.
func Merge(found []audit.Deviation, decisions []Decision) []audit.Deviation {
	return MergeNamed(found, decisions, nil)
}

// MergeNamed is Merge that says who decided by the names in names, where an
// actor's name is an account that has one there.
func MergeNamed(found []audit.Deviation, decisions []Decision, names map[string]string) []audit.Deviation {
	lives, _ := replay(decisions)
	out := make([]audit.Deviation, 0, len(found))
	now := map[key]bool{}
	for _, d := range found {
		now[keyOf(&d)] = true
		d.NotFoundBy = ""
		out = append(out, lives[keyOf(&d)].beside(d, names))
	}
	for k, l := range lives {
		if !now[k] {
			d := l.finding
			d.NotFoundBy = l.lostBy
			out = append(out, l.beside(d, names))
		}
	}
	slices.SortFunc(out, func(a, b audit.Deviation) int {
		return cmp.Or(a.Span.From.Compare(b.Span.From), strings.Compare(a.Item, b.Item), strings.Compare(a.Ref, b.Ref),
			strings.Compare(a.Procedure, b.Procedure), strings.Compare(a.Hash, b.Hash))
	})
	return out
}

// News returns the decisions a run adds: a Recorded for each finding that is
// new, and a Lost for each recorded one that a procedure in ran (id -> hash)
// did not find again. The caller seals them, in this order.
func News(found []audit.Deviation, ran map[string]string, decisions []Decision, by audit.Actor, at time.Time) []Decision {
	lives, _ := replay(decisions)
	now := map[key]bool{}
	var out []Decision
	for i := range found {
		k := keyOf(&found[i])
		if lives[k] == nil && !now[k] {
			d := About(&found[i], Recorded, by, at)
			d.Finding = asFound(found[i])
			out = append(out, d)
		}
		now[k] = true
	}
	for k, l := range lives {
		if hash, did := ran[k.procedure]; did && !now[k] && l.lostBy != hash {
			d := About(&l.finding, Lost, by, at)
			d.Hash = hash
			out = append(out, d)
		}
	}
	slices.SortStableFunc(out, func(a, b Decision) int {
		return cmp.Or(-strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Ref, b.Ref), strings.Compare(a.Procedure, b.Procedure), strings.Compare(a.Item, b.Item))
	})
	return out
}

// asFound is d without anything decided about it.
func asFound(d audit.Deviation) *audit.Deviation {
	d.Disposition = audit.Candidate
	d.Cause, d.Response, d.DecidedBy, d.DecidedWhy, d.NotFoundBy = "", "", "", "", ""
	return &d
}

// Check reports whether d may follow decisions. Its errors wrap
// audit.ErrInvalid (something is missing or misplaced), audit.ErrNotFound (no
// such finding was recorded), audit.ErrConflict (the proposal has moved on) or
// audit.ErrForbidden (this actor may not).
func Check(decisions []Decision, d Decision) error {
	lives, _ := replay(about(decisions, d.key()))
	_, err := step(lives, d)
	return err
}

// about are the decisions about one finding; nothing else bears on it.
func about(decisions []Decision, k key) (out []Decision) {
	for i := range decisions {
		if decisions[i].key() == k {
			out = append(out, decisions[i])
		}
	}
	return out
}

// Effect returns nil where the decision at that place has an effect, and else
// why it has none.
func Effect(decisions []Decision, at int) error {
	if at < 0 || at >= len(decisions) {
		return fmt.Errorf("%w: decision %d of %d", audit.ErrNotFound, at+1, len(decisions))
	}
	return Check(decisions[:at], decisions[at])
}

// A Standing is where a finding stands after some decisions.
type Standing struct {
	Newest   string        // After of the next decision about it; "" where it was never recorded
	Proposal *Decision     // that it is no deviation, and waits for somebody else's approval; nil: none waits
	Recorder audit.Actor   // who recorded it
	Authors  []audit.Actor // who answered it for management
}

// StandingOf returns where a finding stands.
func StandingOf(decisions []Decision, d *audit.Deviation) Standing {
	lives, _ := replay(about(decisions, keyOf(d)))
	l := lives[keyOf(d)]
	if l == nil {
		return Standing{}
	}
	newest, err := Digest(l.last)
	if err != nil {
		return Standing{} // it was sealed, so it has one
	}
	s := Standing{Newest: newest, Recorder: l.recorder, Authors: slices.Clone(l.answerers)}
	if l.approval == nil && l.proposal != nil {
		s.Proposal = l.proposal
	}
	return s
}

// Concerns reports whether a decision is about that finding.
func (d *Decision) Concerns(f *audit.Deviation) bool { return d.key() == keyOf(f) }

// Problems says which of decisions have no effect, and why.
func Problems(decisions []Decision) []error {
	_, problems := replay(decisions)
	return problems
}
