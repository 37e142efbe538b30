package jobs

import (
	"context"

	"tieout/period"
)

// SayTold is sayTold for tests.
var SayTold = sayTold

// SealAttempt seals that a webhook was about to be told, as a process does that
// dies then.
func SealAttempt(ctx context.Context, p *period.Program, day string) error {
	return (&telling{p: p, day: day}).seal(ctx, "webhook", "webhook", "remind", 1, nil)
}
