package definition

import (
	"testing"

	"tieout/audit"
)

func catalog(t *testing.T) *Catalog {
	t.Helper()
	c, err := Library()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The counts are the standard's (TSP section 100, points of focus of 2022).
func TestCriteriaCounts(t *testing.T) {
	set := catalog(t).Set(DefaultSet)
	criteria, points := map[audit.Category]int{}, 0
	groups := map[string]int{}
	for _, c := range set.Criteria {
		criteria[c.Category]++
		groups[c.Group]++
		points += len(c.Points)
	}
	for cat, want := range map[audit.Category]int{"S": 33, "A": 3, "PI": 5, "C": 2, "P": 18} {
		if criteria[cat] != want {
			t.Errorf("category %s: got %d criteria, want %d", cat, criteria[cat], want)
		}
	}
	for group, want := range map[string]int{"CC1": 5, "CC2": 3, "CC3": 4, "CC4": 2, "CC5": 3, "CC6": 8, "CC7": 5, "CC8": 1, "CC9": 2,
		"A1": 3, "PI1": 5, "C1": 2, "P1": 1, "P2": 1, "P3": 2, "P4": 3, "P5": 2, "P6": 7, "P7": 1, "P8": 1} {
		if groups[group] != want {
			t.Errorf("group %s: got %d criteria, want %d", group, groups[group], want)
		}
	}
	if points != 330 {
		t.Errorf("got %d points of focus, want 330", points)
	}
}

func TestControlAndMappingCounts(t *testing.T) {
	c := catalog(t)
	if len(c.Controls) != 140 {
		t.Errorf("got %d controls, want 140", len(c.Controls))
	}
	got := map[string]int{}
	for _, m := range c.Mappings {
		got[m.Framework]++
	}
	want := map[string]int{"CCPA/CPRA": 47, "GDPR": 94, "HIPAA (45 CFR 164)": 179, "HITRUST CSF domain": 92,
		"ISO/IEC 27001:2022": 328, "NIST CSF 2.0": 236, "NIST SP 800-53 r5": 437, "PCI DSS v4.0.1": 239}
	for fw, n := range want {
		if got[fw] != n {
			t.Errorf("%s: got %d mappings, want %d", fw, got[fw], n)
		}
	}
	if len(got) != len(want) {
		t.Errorf("got %d frameworks, want %d: %v", len(got), len(want), got)
	}
}

// Some criteria could be met by no control of the library if one were left
// out; none may be without any.
func TestEveryCriterionHasControls(t *testing.T) {
	c := catalog(t)
	controls := map[string]int{}
	for _, ctl := range c.Controls {
		for _, id := range ctl.Criteria {
			controls[id]++
		}
	}
	for _, crit := range c.Set(DefaultSet).Criteria {
		if controls[crit.ID] < 2 {
			t.Errorf("%s: %d controls, want at least 2", crit.ID, controls[crit.ID])
		}
	}
}
