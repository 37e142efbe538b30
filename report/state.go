package report

import (
	"time"

	"tieout/audit"
)

// State says where a control stands at asOf, from what its procedures found.
// The worst thing known wins:
//
//  1. Deviation: a finding that is not dispositioned "not a deviation": seen
//     to deviate, or late and confirmed. A finding that a later run no longer
//     finds counts until somebody decides about it.
//  2. Evidence gap: a stretch or an item without evidence, items nobody
//     counted, or a procedure whose sources were never seen although its time
//     has begun.
//  3. At risk: something was done late, or the newest attempt to read a source
//     failed while the period runs.
//  4. On track: at least one item or occurrence was seen to operate.
//  5. Not started: nothing operated yet, because nothing was due or happened.
//
// So no state can be better than the evidence: without a result that operated
// a control is never on track.
func State(tested []audit.Tested, period audit.Period, asOf time.Time) audit.ControlState {
	state := audit.NotStarted
	for i := range tested {
		state = worse(state, procedureState(&tested[i], period, asOf))
	}
	return state
}

var stateRank = map[audit.ControlState]int{
	audit.NotStarted: 0, audit.OnTrack: 1, audit.AtRisk: 2, audit.EvidenceGap: 3, audit.HasDeviation: 4,
}

func worse(a, b audit.ControlState) audit.ControlState {
	if stateRank[b] > stateRank[a] {
		return b
	}
	return a
}

func procedureState(t *audit.Tested, period audit.Period, asOf time.Time) audit.ControlState {
	switch n := Findings(t); {
	case n.Deviated > 0:
		return audit.HasDeviation
	case hasGap(t, asOf):
		return audit.EvidenceGap
	case n.Late > 0 || failedLast(t, period, asOf):
		return audit.AtRisk
	case t.Counts[audit.Operated] > 0:
		return audit.OnTrack
	}
	return audit.NotStarted
}

// hasGap reports whether anything a procedure should have seen by asOf is
// without evidence. A manual test that nobody has answered is not a gap.
func hasGap(t *audit.Tested, asOf time.Time) bool {
	if len(t.Gaps) > 0 || t.Counts[audit.NoEvidence] > 0 || t.Items > counted(t) {
		return true
	}
	return t.Form != audit.Manual && t.Span.From.Before(asOf) && !seen(t)
}

func counted(t *audit.Tested) int {
	n := 0
	for _, c := range t.Counts {
		n += c
	}
	return n
}

// seen reports whether any evidence stands behind t. An occurrence that is
// only due later is not evidence, but neither is it missing.
func seen(t *audit.Tested) bool {
	if t.Counts[audit.Operated]+t.Counts[audit.Pending] > 0 || len(t.Deviations) > 0 {
		return true
	}
	for i := range t.Streams {
		if t.Streams[i].Observations > 0 || len(t.Streams[i].Covered) > 0 {
			return true
		}
	}
	return false
}

// failedLast reports whether a source of t failed after it was last seen, in
// a period that still runs. After the period's end such a failure is either
// covered by a later reading or it is a gap.
func failedLast(t *audit.Tested, period audit.Period, asOf time.Time) bool {
	if !asOf.Before(period.To) {
		return false
	}
	for i := range t.Streams {
		s := &t.Streams[i]
		if len(s.Holes) == 0 || len(s.Covered) == 0 {
			continue
		}
		if !s.Holes[len(s.Holes)-1].From.Before(s.Covered[len(s.Covered)-1].To) {
			return true
		}
	}
	return false
}

// Found counts what a procedure found, by what has been decided about it.
type Found struct {
	Deviated   int // findings that stand: seen to deviate, or late and confirmed
	Late       int // late findings that nobody has confirmed as deviations
	Candidates int // of both, those nobody has decided about
	Unanswered int // of both, those without management's response
	Dismissed  int // dispositioned "not a deviation"
	NotFound   int // of those that stand, no longer found by a later run
}

// Findings counts the findings of t.
func Findings(t *audit.Tested) Found {
	var n Found
	for i := range t.Deviations {
		d := &t.Deviations[i]
		if d.Disposition == audit.NotDeviation {
			n.Dismissed++
			continue
		}
		n.add(d)
	}
	return n
}

func (n *Found) add(d *audit.Deviation) {
	if d.Outcome == audit.Late && d.Disposition != audit.Confirmed {
		n.Late++
	} else {
		n.Deviated++
	}
	if d.Disposition != audit.Confirmed {
		n.Candidates++
	}
	if d.Response == "" {
		n.Unanswered++
	}
	if d.NotFoundBy != "" {
		n.NotFound++
	}
}
