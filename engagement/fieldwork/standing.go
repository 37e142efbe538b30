package fieldwork

import (
	"fmt"
	"slices"
	"time"

	"tieout/audit"
	"tieout/engagement"
)

// Before is how what stands before an act or one of the auditor's steps stands:
// Standing of an act, and of a step what is missing before it. An act before which
// nothing can stand is audit.ErrNotFound: one that is misspelled is never free.
func (s *State) Before(f *File, act, on string, at time.Time) ([]Standing, error) {
	if slices.ContainsFunc(slices.Concat(Gates...), func(g Gate) bool { return g.Act == act }) {
		return s.Standing(f, act, on, at), nil
	}
	to := engagement.State(act)
	if !slices.ContainsFunc(StateGates, func(g StateGate) bool { return g.To == to }) {
		return nil, fmt.Errorf("%w: no gate stands before %q; acts are such as opinion.write or report.issue, steps such as %s", audit.ErrNotFound, act, engagement.Fieldwork)
	}
	var out []Standing
	for _, m := range f.Missing(to, at) {
		out = append(out, Standing{"before the step " + act, m})
	}
	return out, nil
}

// Next is the auditor's next step before issuing, "" where none is left.
func (f *File) Next() engagement.State {
	for _, to := range []engagement.State{engagement.Fieldwork, engagement.Exceptions, engagement.DescriptionFinal, engagement.DraftReview} {
		if !f.State.Over() && to.Place() > f.State.Place() {
			return to
		}
	}
	return ""
}
