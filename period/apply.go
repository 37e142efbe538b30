package period

import (
	"context"
	"fmt"
	"strings"

	"tieout/audit"
	"tieout/definition"
	"tieout/evidence"
	"tieout/store"
)

// Plan says what the workspace's files would change against the applied
// revision, and what that does to the running period.
func (p *Program) Plan(ctx context.Context) (definition.Plan, error) {
	old, err := p.appliedWorkspace(ctx)
	if err != nil {
		return definition.Plan{}, err
	}
	return definition.NewPlan(old, p.Def, p.Period, p.Now()), nil
}

// appliedWorkspace loads the applied revision; nil where none was applied.
func (p *Program) appliedWorkspace(ctx context.Context) (*definition.Workspace, error) {
	rev, err := p.Store.NewestRevision(ctx)
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	old, _, err := definition.FromCanonical(rev.Canonical)
	if err != nil {
		return nil, fmt.Errorf("applied revision %d: %w", rev.Number, err)
	}
	return old, nil
}

// isApplied reports whether the workspace's files are the applied revision.
func (p *Program) isApplied(ctx context.Context) (bool, error) {
	rev, err := p.Store.NewestRevision(ctx)
	if isNotFound(err) {
		return false, nil
	}
	return err == nil && rev.Hash == p.Def.Hash(), err
}

// Apply records the workspace's files as the revision in force: sealed, then
// remembered. It returns the revision's number and log index; applying what is
// applied already changes nothing and says so by changed. Files that change the days
// of a period that is held are refused (see HeldPeriods).
func (p *Program) Apply(ctx context.Context) (rev store.Revision, changed bool, err error) {
	return p.ApplyWhy(ctx, "")
}

// ApplyWhy is Apply with a reason, which is sealed beside the revision: it is asked
// for where the days of a period that is held change.
func (p *Program) ApplyWhy(ctx context.Context, why string) (rev store.Revision, changed bool, err error) {
	if same, err := p.isApplied(ctx); err != nil || same {
		rev, err = p.Store.NewestRevision(ctx)
		return rev, false, err
	}
	if err := p.mayApply(ctx, why); err != nil {
		return rev, false, err
	}
	body := p.Def.Canonical()
	draft := evidence.Draft{Kind: audit.RecordDefinition, Media: "application/json", Body: body, Actor: p.Actor}
	if why = strings.TrimSpace(why); why != "" {
		draft.Detail = Applied{why}
	}
	recs, err := p.Seal.Seal(ctx, draft)
	if err != nil {
		return rev, false, err
	}
	rev = store.Revision{Hash: p.Def.Hash(), Canonical: body, Applied: recs[0].Recorded, Actor: p.Actor, Record: recs[0].Index}
	rev.Number, err = p.Store.SaveRevision(ctx, rev)
	return rev, err == nil, err
}
