package examination

import (
	"context"

	"tieout/engagement"
	"tieout/report/attest"
)

// TheirLog is the client's log as one packet of its showed it, for tests.
func (f *Firm) TheirLog(ctx context.Context, id, from string, number int64) (*attest.Log, error) {
	return f.theirLog(ctx, id, from, number)
}

// ClientSteps are a client's entries as an annex prints them, for tests.
func ClientSteps(p engagement.ProvedSteps) []attest.Step { return clientSteps(p, "") }
