package engagement_test

import (
	"slices"
	"testing"

	"tieout/audit"
	"tieout/engagement"
)

func TestChangedTerms(t *testing.T) {
	base := engagement.Terms{ID: "EN-1", Type: engagement.SOC2TypeII, Client: engagement.Party{Name: "Acme", Key: "k"}, System: "Cloud", Zone: "UTC", First: "2026-01-01", Last: "2026-12-31",
		Categories:  []engagement.Choice{{Category: audit.Security, In: true}, {Category: audit.Privacy, Why: "not promised"}},
		Subservices: []engagement.Subservice{{Name: "Cloud Co", Service: "hosting", Expected: []engagement.Expected{{ID: "CS-1", Text: "doors", Criteria: []string{"CC6.4"}}}}},
		Prior:       []engagement.Prior{{Control: "IAM-02", Text: "late"}}}
	for _, c := range []struct {
		name   string
		change func(*engagement.Terms)
		want   []engagement.TermsChange
	}{
		{"nothing", func(*engagement.Terms) {}, nil},
		{"the number is no change", func(t *engagement.Terms) { t.ID = "EN-2" }, nil},
		{"a day", func(t *engagement.Terms) { t.Last = "2026-06-30" }, []engagement.TermsChange{{What: "Last day", Before: "2026-12-31", Now: "2026-06-30"}}},
		{"a category in", func(t *engagement.Terms) {
			t.Categories = []engagement.Choice{{Category: audit.Security, In: true}, {Category: audit.Privacy, In: true}}
		}, []engagement.TermsChange{{What: "Category P", Before: "left out; not promised", Now: "examined"}}},
		{"a subservice organization goes", func(t *engagement.Terms) { t.Subservices = nil }, []engagement.TermsChange{{What: "Subservice organization Cloud Co", Before: "hosting; carved out"}, {What: "Expected of Cloud Co, CS-1", Before: "doors; CC6.4"}}},
		{"a milestone comes", func(t *engagement.Terms) { t.Milestones = []engagement.Milestone{{Name: "Draft", Day: "2027-01-15"}} }, []engagement.TermsChange{{What: "Milestone Draft", Now: "2027-01-15"}}},
		{"what became of an exception", func(t *engagement.Terms) {
			t.Prior = []engagement.Prior{{Control: "IAM-02", Text: "late", Became: "mended"}}
		}, []engagement.TermsChange{{What: "Exception of the report before, 1", Before: "IAM-02; late", Now: "IAM-02; late; mended"}}},
		{"the review is switched on", func(t *engagement.Terms) { t.Quality = true }, []engagement.TermsChange{{What: "Quality review", Before: "none", Now: "before the report is released"}}},
	} {
		now := base
		c.change(&now)
		if got := engagement.ChangedTerms(base, now); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}
