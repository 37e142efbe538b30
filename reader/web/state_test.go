package web

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tieout/audit"
	"tieout/period"
)

// TestShelfRests: what could not be made is not tried at every request, is tried
// again after a while, and is said in words meanwhile.
func TestShelfRests(t *testing.T) {
	w := newWorld(t).tested()
	home := w.open("", false)
	defer w.close(home)
	now := time.Date(2026, 4, 1, 6, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name        string
		fails       error
		after       time.Duration
		tries       int
		says        string
		unavailable bool
	}{
		{"at once", errors.New("disk"), 0, 1, "could not be made at 1 Apr 2026, 06:00 UTC", true},
		{"what people can mend is said as it is", fmt.Errorf("%w: tieout.yaml, line 1", audit.ErrInvalid), time.Second, 1, "tieout.yaml, line 1", false},
		{"after a while it is tried again", errors.New("disk"), holdOff, 2, "disk", false},
		{"what is not there is not remembered", fmt.Errorf("%w: period 1999", audit.ErrNotFound), 0, 2, "period 1999", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			tries := 0
			s := newShelf(func(context.Context, string) (*period.Program, error) { tries++; return nil, c.fails }, home.Store)
			at := now
			s.clock = func() time.Time { return at }
			if _, err := s.take(t.Context(), "1999"); !errors.Is(err, c.fails) {
				t.Fatalf("first: got %v, want %v", err, c.fails)
			}
			at = now.Add(c.after)
			_, err := s.take(t.Context(), "1999")
			if err == nil || !strings.Contains(err.Error(), c.says) || errors.Is(err, audit.ErrUnavailable) != c.unavailable {
				t.Errorf("again: got %v, want it to say %q", err, c.says)
			}
			if tries != c.tries {
				t.Errorf("tried %d times, want %d", tries, c.tries)
			}
		})
	}
}
