package program_test

import (
	"strings"
	"testing"

	"tieout/program"
)

// TestAssumedOf: every kind but "other" has controls to begin with, a data center's
// among them one over physical access, and none speaks of anybody but the vendor.
func TestAssumedOf(t *testing.T) {
	for _, kind := range program.VendorKinds {
		list := program.AssumedOf(kind)
		if (len(list) == 0) != (kind == "other") {
			t.Errorf("%s: %d controls", kind, len(list))
		}
		for _, c := range list {
			if got := c.Of("Colo One"); !strings.HasPrefix(got.Text, "Colo One ") || strings.Contains(got.Text, "{") {
				t.Errorf("%s: %q", kind, got.Text)
			}
		}
	}
	if got := program.AssumedOf(program.DataCenter); len(got) == 0 || got[0].Criteria[0] != "CC6.4" {
		t.Errorf("of a data center: %+v", got)
	}
}
