package web

import (
	"net/http"
	"testing"
	"time"
)

func TestThrottle(t *testing.T) {
	var th throttle
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	got := 0
	for range 100 {
		if th.allow("203.0.113.9", now) {
			got++
		}
	}
	if got != doorBurst {
		t.Errorf("%d of 100 at once, want %d", got, doorBurst)
	}
	if !th.allow("203.0.113.10", now) || !th.allow("2001:db8::1", now) {
		t.Error("another network is held too")
	}
	if th.allow("203.0.113.9", now.Add(time.Second)) || !th.allow("203.0.113.9", now.Add(3*time.Second)) {
		t.Error("one more comes every two seconds")
	}
	for i := range 2 * doorBurst {
		if allowed := th.allow("2001:db8:0:1::"+string(rune('a'+i%6)), now); allowed != (i < doorBurst) {
			t.Fatalf("addresses of one /64 count together: number %d is %v", i, allowed)
		}
	}
	w := newWorld(t)
	v := w.browser(w.server())
	last := 0
	for range doorBurst + 1 {
		last = v.post("/sign-in/passkey").Code
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("asked too often: %d", last)
	}
}
