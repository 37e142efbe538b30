package source

import (
	"context"
	"errors"
	"time"
)

// trialPause is the longest pause a trial waits for, and only where the other
// side names it.
const trialPause = 5 * time.Second

type tryingKey struct{}

// Trying marks a collection as a trial: a person waits for what it says, so
// that a failure is told at once and not asked about again.
func Trying(ctx context.Context) context.Context { return context.WithValue(ctx, tryingKey{}, true) }

// Waits reports whether a collection waits for so long before it asks again.
// stated: the other side named the pause. Whoever does not wait has the failure
// as the answer.
func Waits(ctx context.Context, pause time.Duration, stated bool) bool {
	return ctx.Value(tryingKey{}) == nil || stated && pause <= trialPause
}

// Final reports an error that asking again does not mend: a rule of this
// program refused the address, not the network.
func Final(err error) bool { return errors.Is(err, ErrElsewhere) || errors.Is(err, ErrAddress) }
