package web

import "testing"

// TestSheetKeepsItsBudget: the style of all screens goes over the wire in at most
// 12 KB, as scripts/screens holds a browser to it.
func TestSheetKeepsItsBudget(t *testing.T) {
	for _, a := range assets {
		if a.media == "text/css; charset=utf-8" && len(a.packed) > 12*1024 {
			t.Errorf("the style is %d bytes as sent, at most %d", len(a.packed), 12*1024)
		}
	}
}
