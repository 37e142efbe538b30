package web

import (
	"strings"
	"testing"
)

// TestTermsNameTheClient: the bar of the room names whose engagement the terms
// are of, and prints nothing of how the program keeps it.
func TestTermsNameTheClient(t *testing.T) {
	w := newFirmWorld(t).opened()
	page := w.partner.page("/engagements/EN-1/terms")
	for _, raw := range []string{"{Halyard", "{Sandgate"} {
		if strings.Contains(page, raw) {
			t.Errorf("the page holds %q", raw)
		}
	}
	if !strings.Contains(page, "the firm&#39;s room") && !strings.Contains(page, "the firm's room") {
		t.Error("the page does not say that it is the firm's room")
	}
}
