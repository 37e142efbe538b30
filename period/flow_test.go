package period

import "testing"

// TestDays collects three days without any fault: what the other tests compare with.
func TestDays(t *testing.T) {
	w := newWorld(t, nil)
	p := w.create(t)
	w.collectDays(t, p, 2, 3, 4)
	intact(t, p)
	for _, l := range findings(t, p) {
		t.Log(l)
	}
	for k, v := range timelines(t, p) {
		t.Log(k, v)
	}
	rebuilt(t, p)
}
