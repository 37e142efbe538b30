package fieldwork

import (
	"fmt"

	"tieout/audit"
	"tieout/sample"
)

// A Limit is what a sample says about the whole in numbers, at one confidence:
// information for an auditor, never a conclusion.
type Limit struct {
	Confidence float64 // 0.9 or 0.95
	Rate       float64 // exact binomial upper limit of the exception rate, 0 to 1
	Count      int     // exact hypergeometric: the most exceptions the population can hold
	Of         int     // items in the population
}

// Limits are the exact one-sided upper limits at 90 and 95 percent for a number
// of exceptions among the items of a random or systematic sample. A pick by
// judgment says nothing about the rest, and strata are not one sample: both are
// audit.ErrInvalid.
func Limits(s Sample, exceptions int) ([]Limit, error) {
	if !s.Projectable() || len(s.Draws) != 1 {
		return nil, fmt.Errorf("%w: a %s sample cannot be projected to its population as one", audit.ErrInvalid, s.Method)
	}
	var out []Limit
	for _, conf := range []float64{0.9, 0.95} {
		l := Limit{Confidence: conf, Of: s.Draws[0].Count}
		var err, cerr error
		l.Rate, err = sample.UpperLimit(len(s.Items), exceptions, conf)
		l.Count, cerr = sample.UpperCount(l.Of, len(s.Items), exceptions, conf)
		if err = first(err, cerr); err != nil {
			return nil, fmt.Errorf("%w: %w", audit.ErrInvalid, err)
		}
		out = append(out, l)
	}
	return out, nil
}
