package period

import (
	"context"
	"fmt"
	"math"
	"slices"

	"tieout/audit"
	"tieout/definition"
	"tieout/engagement"
)

// PeriodOf is the period of the definitions in force whose days hold those an
// engagement speaks of. What an examination reads follows it, whichever period
// holds today. audit.ErrConflict where none does.
func (p *Program) PeriodOf(ctx context.Context, t engagement.Terms) (definition.Period, error) {
	if err := p.ofCompany(); err != nil {
		return definition.Period{}, err
	}
	w, err := p.inForce(ctx)
	if err != nil {
		return definition.Period{}, err
	}
	return periodOf(w.Periods, t)
}

// inForce is the applied revision, which somebody may have applied since p was
// opened; the workspace's files where none was.
func (p *Program) inForce(ctx context.Context) (*definition.Workspace, error) {
	if same, err := p.isApplied(ctx); err != nil || same {
		return p.Def, err
	}
	w, err := p.appliedWorkspace(ctx)
	if err != nil || w == nil {
		return p.Def, err
	}
	return w, nil
}

// periodOf is the one of several periods whose days hold the engagement's.
func periodOf(periods []definition.Period, t engagement.Terms) (definition.Period, error) {
	first, last := t.Days()
	i := slices.IndexFunc(periods, func(x definition.Period) bool { return first != "" && x.First() <= first && last <= x.Last() })
	if i < 0 {
		return definition.Period{}, fmt.Errorf("%w: no period of tieout.yaml holds the days of %s, %s to %s; it names %s. Add the period ('tieout period add', or Start), then collect and check",
			audit.ErrConflict, t.ID, first, last, periodNames(periods))
	}
	return periods[i], nil
}

// RunFor returns the newest sealed run over the period of an engagement:
// audit.ErrNotFound where nothing was tested over it, audit.ErrConflict where
// there is no such period.
func (p *Program) RunFor(ctx context.Context, t engagement.Terms) (*Run, error) {
	x, err := p.PeriodOf(ctx, t)
	if err != nil {
		return nil, err
	}
	return p.runOver(ctx, x.Period)
}

// runOver returns the newest sealed run over a period, or audit.ErrNotFound.
func (p *Program) runOver(ctx context.Context, over audit.Period) (*Run, error) {
	runs, err := p.Store.Runs(ctx, math.MaxInt32)
	if err != nil {
		return nil, err
	}
	for _, saved := range runs {
		run, err := p.loadRun(ctx, saved)
		if err != nil {
			return nil, err
		}
		if run.Period.Span == over.Span {
			return run, nil
		}
	}
	return nil, fmt.Errorf("%w: nothing has been tested over %s to %s yet. Next: tieout collect, then tieout check", audit.ErrNotFound, over.First(), over.Last())
}

// TestedDays are, for each period of the definitions in force that was tested over,
// the days its newest sealed run saw.
func (p *Program) TestedDays(ctx context.Context) (out []audit.Period, err error) {
	w, err := p.inForce(ctx)
	if err != nil {
		return nil, err
	}
	for _, x := range w.Periods {
		run, err := p.runOver(ctx, x.Period)
		if isNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		saw := x.Period
		if run.AsOf.Before(saw.To) {
			saw.To = run.AsOf
		}
		if !saw.Empty() {
			out = append(out, saw)
		}
	}
	return out, nil
}

// RunsBeside are the newest sealed runs over an engagement's period and over each
// other period that shares days with a span, in the order of the periods. There may
// be none.
func (p *Program) RunsBeside(ctx context.Context, t engagement.Terms, span audit.Span) (out []*Run, err error) {
	w, err := p.inForce(ctx)
	if err != nil {
		return nil, err
	}
	own, operr := periodOf(w.Periods, t)
	periods := slices.SortedFunc(slices.Values(w.Periods), func(a, b definition.Period) int { return a.From.Compare(b.From) })
	for _, x := range periods {
		if x.Intersect(span).Empty() && (operr != nil || x.Span != own.Span) {
			continue
		}
		run, err := p.runOver(ctx, x.Period)
		if isNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, run)
	}
	return out, nil
}
