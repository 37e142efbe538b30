package engagement_test

import (
	"regexp"
	"slices"
	"testing"

	"tieout/audit"
	"tieout/engagement"
	"tieout/library"
)

// TestCriteria: the identifiers are those of the library, in its order.
func TestCriteria(t *testing.T) {
	text, err := library.Files.ReadFile("criteria/tsc-2017-2022.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all := engagement.Terms{Type: engagement.SOC2TypeII}
	for _, c := range []audit.Category{audit.Security, audit.Availability, audit.ProcessingIntegrity, audit.Confidentiality, audit.Privacy} {
		all.Categories = append(all.Categories, engagement.Choice{Category: c, In: true})
	}
	var want []string
	for _, m := range regexp.MustCompile(`(?m)^ *- id: "?([A-Z]+[0-9]\.[0-9])\b`).FindAllSubmatch(text, -1) {
		want = append(want, string(m[1]))
	}
	if len(want) != 61 {
		t.Fatalf("the library holds %d criteria; want 61", len(want))
	}
	got := all.Criteria()
	slices.Sort(want)
	if sorted := slices.Sorted(slices.Values(got)); !slices.Equal(sorted, want) {
		t.Errorf("criteria of all categories: %v; want %v", sorted, want)
	}
	all.Categories = all.Categories[:1]
	if got := len(all.Criteria()); got != 33 {
		t.Errorf("%d common criteria; want 33", got)
	}
	if got := (engagement.Terms{Type: engagement.SOC1TypeII}).Criteria(); got != nil {
		t.Errorf("a SOC 1 covers criteria %v; want none", got)
	}
}
