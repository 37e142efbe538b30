package period

import (
	"context"
	"fmt"
	"strings"

	"tieout/audit"
	"tieout/deviation"
	"tieout/evidence"
	"tieout/store"
)

// decisions reads every sealed decision, in the order of the log.
func (p *Program) decisions(ctx context.Context) (out []deviation.Decision, err error) {
	err = p.Store.Records(ctx, store.RecordFilter{Kind: audit.RecordDecision}, func(rec audit.Record) error {
		body, err := p.Seal.Body(ctx, rec)
		if err != nil {
			return err
		}
		d, err := deviation.Parse(body)
		if err != nil {
			return fmt.Errorf("%w: %s: %w", audit.ErrAltered, rec.Ref(), err)
		}
		out = append(out, d)
		return nil
	})
	return out, err
}

// Decide seals a decision about a deviation, if it may follow those before it.
func (p *Program) Decide(ctx context.Context, d deviation.Decision) (audit.Record, error) {
	before, err := p.decisions(ctx)
	if err != nil {
		return audit.Record{}, err
	}
	if err := deviation.Check(before, d); err != nil {
		return audit.Record{}, err
	}
	recs, err := p.sealDecisions(ctx, []deviation.Decision{d})
	if err != nil {
		return audit.Record{}, err
	}
	return recs[0], nil
}

func (p *Program) sealDecisions(ctx context.Context, ds []deviation.Decision) ([]audit.Record, error) {
	drafts := make([]evidence.Draft, len(ds))
	for i, d := range ds {
		body, err := deviation.Encode(d)
		if err != nil {
			return nil, err
		}
		drafts[i] = evidence.Draft{Kind: audit.RecordDecision, Media: "application/json", Body: body, Actor: d.By}
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
	_, err = p.sealDecisions(ctx, news)
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
	return deviation.Merge(found(run), decided), nil
}

// Deviation finds one by its reference, or the unambiguous beginning of it.
func (p *Program) Deviation(ctx context.Context, run *Run, ref string) (audit.Deviation, error) {
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
// approves refers to the newest proposal that was sealed.
func (p *Program) Decision(ctx context.Context, d *audit.Deviation, kind deviation.Kind, why string) (deviation.Decision, error) {
	now := p.Now()
	switch kind {
	case deviation.Propose:
		return deviation.Proposal(d, why, p.Actor, now), nil
	case deviation.Approve:
		before, err := p.decisions(ctx)
		if err != nil {
			return deviation.Decision{}, err
		}
		for i := len(before) - 1; i >= 0; i-- {
			if x := before[i]; x.Kind == deviation.Propose && x.Ref == d.Ref && x.Procedure == d.Procedure && x.Item == d.Item {
				return deviation.Approval(x, why, p.Actor, now)
			}
		}
		return deviation.Decision{}, fmt.Errorf("%w: nobody has proposed that %s is not a deviation", audit.ErrNotFound, d.Ref)
	}
	dec := deviation.About(d, kind, p.Actor, now)
	dec.Why = why
	return dec, nil
}
