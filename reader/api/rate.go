package api

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How many requests a token, or an address without one, may send.
const (
	perSecond = 20
	burst     = 100
	remember  = 10_000 // tokens and addresses; beyond it those that rest are forgotten
	restsFor  = time.Minute
)

// rates bounds the requests of each caller.
type rates struct {
	now func() time.Time
	mu  sync.Mutex
	of  map[string]*pace
}

type pace struct {
	*rate.Limiter
	used time.Time
}

func newRates(now func() time.Time) *rates { return &rates{now: now, of: map[string]*pace{}} }

// take uses one request of a caller, if one is left.
func (r *rates) take(caller string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	p := r.of[caller]
	if p == nil {
		r.forget(now)
		p = &pace{Limiter: rate.NewLimiter(perSecond, burst)}
		r.of[caller] = p
	}
	p.used = now
	return p.AllowN(now, 1)
}

// forget makes room: a caller that rested has all its requests again.
func (r *rates) forget(now time.Time) {
	if len(r.of) < remember {
		return
	}
	for c, p := range r.of {
		if now.Sub(p.used) > restsFor {
			delete(r.of, c)
		}
	}
	if len(r.of) >= remember {
		clear(r.of)
	}
}
