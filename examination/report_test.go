package examination

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/report/attest"
)

// TestStrata: each part of a stratified sample has the exceptions of its own
// items, so that they add up to the whole.
func TestStrata(t *testing.T) {
	s := &fieldwork.Sample{Sample: engagement.Sample{Draws: []engagement.Draw{
		{Stratum: "eu", Count: 40, Size: 2, Items: []string{"a", "b"}}, {Stratum: "us", Count: 60, Size: 3, Items: []string{"c", "d", "e"}}}}}
	want := []attest.Stratum{{Name: "eu", Population: 40, Sample: 2}, {Name: "us", Population: 60, Sample: 3, Exceptions: 2}}
	if diff := cmp.Diff(want, strata(s, map[string]bool{"c": true, "e": true})); diff != "" {
		t.Error(diff)
	}
}
