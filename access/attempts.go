package access

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"tieout/audit"
	"tieout/store"
)

// Attempts that do not succeed make the next ones wait, longer each time. The
// wait ends by itself and never exceeds longestWait, and a place from which the
// person has signed in before does not wait for what others try elsewhere.
const (
	freeHere    = 5  // on one account from one address
	freeAccount = 10 // on one account from anywhere new
	freeAddress = 20 // from one address, on any account
	longestWait = 15 * time.Minute
	forgetAfter = 24 * time.Hour      // without an attempt
	knownFor    = 90 * 24 * time.Hour // since the last sign-in from there
)

// A WaitError says that too much was tried. It wraps audit.ErrForbidden.
type WaitError struct{ Until time.Time }

// Error implements error.
func (e *WaitError) Error() string {
	return fmt.Sprintf("%v: too many attempts; wait until %s and try again", audit.ErrForbidden, audit.FormatTime(e.Until))
}

// Unwrap implements errors.Unwrap.
func (e *WaitError) Unwrap() error { return audit.ErrForbidden }

// A tally names what one attempt counts on.
type tally struct{ here, account, address, known string }

// tallyOf works with the address of an account as it was typed, whether there
// is one or not, so that waiting tells nobody which exist.
func (p *People) tallyOf(email, address string) tally {
	where := network(address)
	return tally{p.keys.name("here", email, where), p.keys.name("account", email), p.keys.name("address", where), p.keys.name("known", email, where)}
}

// network is what one household has: an IPv4 address, or an IPv6 /64.
func network(address string) string {
	if ap, err := netip.ParseAddrPort(address); err == nil {
		address = ap.Addr().String()
	}
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return "unknown"
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		if p, err := ip.Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}

// claim counts an attempt as failed before it is made, so that many at once
// are no way around the wait. It returns a *WaitError while there is one.
func (p *People) claim(ctx context.Context, t tally) error {
	return p.store.CountAttempts(ctx, []string{t.here, t.account, t.address, t.known}, func(c map[string]*store.Attempts) error {
		now := p.now() // after those that were before it in line: a success a moment ago is no wait
		free := map[string]int64{t.here: freeHere, t.account: freeAccount, t.address: freeAddress}
		if known := c[t.known].At; known.After(now.Add(-knownFor)) && !known.After(now) {
			delete(free, t.account)
		}
		var until time.Time
		for subject := range free {
			if b := c[subject].Blocked; b.After(now) && b.After(until) {
				until = b
			}
		}
		if !until.IsZero() {
			return &WaitError{until}
		}
		for subject, n := range free {
			fail(c[subject], n, now)
		}
		return nil
	})
}

func fail(a *store.Attempts, free int64, now time.Time) {
	if now.Sub(a.At) > forgetAfter {
		a.Failures = 0
	}
	a.Failures++
	a.At = now
	a.Blocked = now.Add(waitAfter(a.Failures, free))
}

// waitAfter is nothing up to the free ones, then a second, two, four ...
func waitAfter(failures, free int64) time.Duration {
	n := failures - free
	if n < 0 {
		return 0
	}
	if n > 20 {
		return longestWait
	}
	return min(longestWait, time.Second<<n)
}

// succeeded takes back what claim counted. Others' failures at the same address
// stay counted: whoever has one account cannot clear the way to guess at others.
func (p *People) succeeded(ctx context.Context, t tally) error {
	now := p.now()
	return p.store.CountAttempts(ctx, []string{t.here, t.account, t.address, t.known}, func(c map[string]*store.Attempts) error {
		*c[t.here], *c[t.account] = store.Attempts{At: now, Blocked: now}, store.Attempts{At: now, Blocked: now}
		a := c[t.address]
		a.Failures, a.Blocked = max(0, a.Failures-1), now
		c[t.known].At = now
		return nil
	})
}
