package web

import (
	"cmp"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// What one network can ask of the doors: guesses are slowed by package access;
// this bounds what each beginning of a sign-in leaves in the store.
const (
	doorBurst  = 30              // at once
	doorEvery  = 2 * time.Second // one more each
	maxBuckets = 20_000          // networks that are remembered
)

// A throttle counts what networks ask for. Its zero value is that of the doors.
type throttle struct {
	burst float64       // at once; 0: doorBurst
	every time.Duration // one more each; 0: doorEvery

	mu      sync.Mutex
	buckets map[netip.Prefix]*bucket
}

// A bucket is how much a network may still ask for, as of an instant.
type bucket struct {
	left float64
	at   time.Time
}

// allow takes one from a network's bucket, or says that it is empty.
func (t *throttle) allow(address string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.buckets == nil || len(t.buckets) > maxBuckets {
		t.buckets = map[netip.Prefix]*bucket{} // forgetting lets some ask again; package access forgets nothing
	}
	key, burst, every := networkOf(address), cmp.Or(t.burst, doorBurst), cmp.Or(t.every, doorEvery)
	b := t.buckets[key]
	if b == nil {
		b = &bucket{burst, now}
		t.buckets[key] = b
	}
	if d := now.Sub(b.at); d > 0 {
		b.left, b.at = min(burst, b.left+float64(d)/float64(every)), now
	}
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

// networkOf is what one household has: an IPv4 address, or an IPv6 /64. What is
// no address is all one network.
func networkOf(address string) netip.Prefix {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Prefix{}
	}
	a = a.Unmap()
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// crowded answers who asks too much of a door.
func (s *Server) crowded(w http.ResponseWriter, r *http.Request) bool {
	return (r.Method == http.MethodPost || r.PathValue("provider") != "") && s.crowd(w, r)
}

// crowd takes one from the bucket of who asks, and answers where it is empty.
func (s *Server) crowd(w http.ResponseWriter, r *http.Request) bool {
	if s.doorways.allow(s.Address(r), s.o.Now()) {
		return false
	}
	w.Header().Set("Retry-After", "60")
	fail(w, http.StatusTooManyRequests, "Too many attempts", "Too much was asked from your network within a minute. Wait a minute and try again; nothing was looked at.")
	return true
}
