package period

import (
	"context"

	"tieout/audit"
	"tieout/evidence"
)

// SealActivity seals what somebody asks or does through a server. When it
// returns nil the record is durable and has its place in the log: the caller
// answers only then.
func (p *Program) SealActivity(ctx context.Context, by audit.Actor, what audit.Activity) (audit.Record, error) {
	recs, err := p.Seal.Seal(ctx, evidence.Draft{Kind: audit.RecordActivity, Detail: what, Actor: by})
	if err != nil {
		return audit.Record{}, err
	}
	return recs[0], nil
}
