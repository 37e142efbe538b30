package access

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"tieout/audit"
)

// TestHalfTheCores: sign-ins, however many, leave half the cores to who reads;
// who waits for one is told when it takes too long.
func TestHalfTheCores(t *testing.T) {
	for cores, want := range map[int]int{1: 1, 2: 1, 3: 1, 8: 4} {
		before := runtime.GOMAXPROCS(cores)
		h := newHasher(argonCost)
		runtime.GOMAXPROCS(before)
		if got := cap(h.slots); got != want {
			t.Errorf("of %d cores %d hash; want %d", cores, got, want)
		}
	}
	h := newHasher(argonCost)
	for range cap(h.slots) {
		h.slots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.hash(ctx, "a long enough sentence"); !errors.Is(err, audit.ErrUnavailable) {
		t.Errorf("while all are busy: %v; want ErrUnavailable", err)
	}
}
