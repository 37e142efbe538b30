package period

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tieout/audit"
	"tieout/source"
	"tieout/store"
)

// errEnough ends a walk over records.
var errEnough = errors.New("enough")

// activity yields the collections and the runs of this workspace in the order
// of the log, and returns when its log begins.
func (p *Program) activity(ctx context.Context, yield func(source.Activity) error) (begins time.Time, err error) {
	err = p.Store.Records(ctx, store.RecordFilter{}, func(rec audit.Record) error {
		begins = rec.Recorded
		return errEnough
	})
	if err != nil && !errors.Is(err, errEnough) {
		return begins, err
	}
	for _, kind := range []audit.RecordKind{audit.RecordEnd, audit.RecordRun} {
		err := p.Store.Records(ctx, store.RecordFilter{Kind: kind}, func(rec audit.Record) error {
			a, err := p.activityOf(ctx, rec)
			if err != nil {
				return err
			}
			return yield(a)
		})
		if err != nil {
			return begins, err
		}
	}
	return begins, nil
}

func (p *Program) activityOf(ctx context.Context, rec audit.Record) (source.Activity, error) {
	a := source.Activity{Index: rec.Index, At: rec.Recorded, By: rec.Actor.Name}
	body, err := p.Seal.Body(ctx, rec)
	if err != nil {
		return a, err
	}
	if rec.Kind == audit.RecordRun {
		return a, p.runActivity(ctx, &a, body)
	}
	a.Kind, a.Source = "collection", rec.Source
	var end audit.CollectionEnd
	if err := json.Unmarshal(body, &end); err != nil {
		return a, fmt.Errorf("%w: %s is not the end of a collection: %w", audit.ErrAltered, rec.Ref(), err)
	}
	a.Complete, a.Streams, a.Problems = end.Complete, end.Manifests, end.Problems
	col, err := p.Store.Collection(ctx, rec.Collection)
	a.Driver = col.Driver
	return a, err
}

func (p *Program) runActivity(ctx context.Context, a *source.Activity, body []byte) error {
	var run Run
	if err := json.Unmarshal(body, &run); err != nil {
		return fmt.Errorf("%w: %s is not a run: %w", audit.ErrAltered, audit.EvidenceRef(a.Index), err)
	}
	a.Kind, a.Complete, a.Procedures = "run", true, len(run.Tested)
	for _, t := range run.Tested {
		a.Deviations += t.Counts[audit.Deviated] + t.Counts[audit.Late]
		a.NoEvidence += t.Counts[audit.NoEvidence]
	}
	rev, err := p.Store.RevisionByHash(ctx, run.Definitions)
	if err == nil {
		a.Revision = int(rev.Number)
	}
	return err
}
