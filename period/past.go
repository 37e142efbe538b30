package period

import (
	"context"
	"math"
	"slices"
	"time"

	"tieout/audit"
	"tieout/deviation"
	"tieout/store"
)

// Timeline returns what the evidence tells of one item type. A type that no
// source gives has an empty one.
func (p *Program) Timeline(ctx context.Context, typ string) (*audit.Timeline, error) {
	return p.timeline(ctx, typ)
}

// A PastRun is a sealed run and when it was sealed, by this server's clock.
type PastRun struct {
	*Run
	Sealed time.Time
}

// PastRuns returns sealed runs over this program's period, the oldest first:
// all of them, or where there are more than most, the newest and others spread
// evenly before it. There may be none.
func (p *Program) PastRuns(ctx context.Context, most int) ([]PastRun, error) {
	saved, err := p.Store.Runs(ctx, math.MaxInt32)
	if err != nil {
		return nil, err
	}
	var out []PastRun
	for _, s := range spread(saved, most) {
		run, err := p.loadRun(ctx, s)
		if err != nil {
			return nil, err
		}
		if run.Period.Span == p.Period.Span {
			out = append(out, PastRun{run, s.Started})
		}
	}
	slices.Reverse(out)
	return out, nil
}

// spread keeps the first of list and others at even distances, most in all.
func spread(list []store.Run, most int) []store.Run {
	if len(list) <= most || most < 2 {
		return list[:min(len(list), max(most, 0))]
	}
	out := make([]store.Run, most)
	for i := range out {
		out[i] = list[i*(len(list)-1)/(most-1)]
	}
	return out
}

// DeviationsAt returns the findings of a run with what had been decided about
// them up to an instant.
func (p *Program) DeviationsAt(ctx context.Context, run *Run, at time.Time) ([]audit.Deviation, error) {
	decided, err := p.decisions(ctx)
	if err != nil {
		return nil, err
	}
	before := slices.DeleteFunc(slices.Clone(decided), func(d deviation.Decision) bool { return d.At.After(at) })
	return deviation.Merge(found(run), before), nil
}
