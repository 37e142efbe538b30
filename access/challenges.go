package access

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tieout/audit"
	"tieout/store"
)

// errChallenge is all that is said where nothing waits for an answer.
var errChallenge = fmt.Errorf("%w: that took too long, was answered already, or began in another browser; start again", audit.ErrForbidden)

// challengeFor is how long a passkey is waited for.
const challengeFor = 5 * time.Minute

// pose keeps what is waited for until it is answered or its time is over. It
// belongs to whoever holds the secret; of the same secret and purpose only the
// newest counts. Any server on the store can take the answer.
func (p *People) pose(ctx context.Context, purpose, secret string, v any, life time.Duration) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("challenge: %w", err)
	}
	h := hashOf(purpose + "\x1f" + secret)
	now := p.now()
	c := store.Challenge{Hash: h, Sealed: p.keys.seal("challenge", string(h[:]), body), Expires: now.Add(life)}
	return p.store.KeepChallenge(ctx, c, now)
}

// answered takes what pose kept, once: a second answer is refused, also where
// the first was wrong.
func (p *People) answered(ctx context.Context, purpose, secret string, v any) error {
	h := hashOf(purpose + "\x1f" + secret)
	c, err := p.store.TakeChallenge(ctx, h)
	if errors.Is(err, audit.ErrNotFound) || err == nil && !c.Expires.After(p.now()) {
		return errChallenge
	}
	if err != nil {
		return err
	}
	body, err := p.keys.open("challenge", string(h[:]), c.Sealed)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("%w: a challenge in the store: %w", audit.ErrAltered, err)
	}
	return nil
}
