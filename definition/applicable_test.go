package definition

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tieout/audit"
)

// organized is the minimal workspace with more of its organization.
func organized(more string) map[string][]byte {
	files := minimal()
	files["tieout.yaml"] = []byte("organization:\n  name: Halyard\n  system: Ledger\n  zone: America/New_York\n  categories: [S, C]\n" + more + "period: { first: 2026-01-01, last: 2026-12-31 }\n")
	return files
}

// TestNotApplicable: a criterion of the categories in hand is left out with a reason,
// and what has neither control nor reason is undecided.
func TestNotApplicable(t *testing.T) {
	for _, tt := range []struct{ name, more, fault string }{
		{"none", "", ""},
		{"one with its reason", "  notApplicable: { C1.2: Customers delete it themselves. }\n", ""},
		{"of another category", "  notApplicable: { A1.1: We promise no availability. }\n", `criterion "A1.1" is none of the organization's categories`},
		{"that does not exist", "  notApplicable: { C9.9: It is not there. }\n", `criterion "C9.9" is none of the organization's categories`},
		{"without a reason", "  notApplicable: { C1.2: '  ' }\n", "say why C1.2 does not apply"},
		{"with a reason of two lines", "  notApplicable: { C1.2: \"one\\ntwo\" }\n", "is one line of at most 1000 characters"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, err := LoadFiles(organized(tt.more))
			if tt.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fault) {
					t.Fatalf("got %v, want a fault that says %q", err, tt.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			undecided := w.Undecided([]audit.Control{{ID: "OWN-01", Criteria: []string{"C1.1"}}})
			left := tt.more != ""
			if got := w.LeftOut("C1.2") != ""; got != left {
				t.Errorf("left out: got %t, want %t", got, left)
			}
			if slices.Contains(undecided, "C1.1") || slices.Contains(undecided, "C1.2") == left || !slices.Contains(undecided, "CC1.1") {
				t.Errorf("undecided: %q", undecided)
			}
		})
	}
}

// TestPlanOfTheOrganization: what is said to readers about the organization is planned
// as anything else, and a criterion left out although controls meet it is named.
func TestPlanOfTheOrganization(t *testing.T) {
	old := load(t, organized("  legalName: Halyard, Inc.\n  services: [Ledgers]\n"))
	new := load(t, organized("  legalName: Halyard Holdings, Inc.\n  services: [Ledgers, Payroll]\n  notApplicable: { C1.2: Customers delete it themselves. }\n"))
	got := NewPlan(old, new, new.Periods[0].Period, time.Date(2026, 9, 14, 20, 0, 0, 0, time.UTC)).String()
	for _, want := range []string{"criteria that do not apply +C1.2 (Customers delete it themselves.)", "legal name Halyard, Inc. -> Halyard Holdings, Inc.", "services +Payroll", "C1.2 is said not to apply, while controls meet it: "} {
		if !strings.Contains(got, want) {
			t.Errorf("the plan does not say %q:\n%s", want, got)
		}
	}
	if old.LegalName() != "Halyard, Inc." || load(t, minimal()).LegalName() != "Halyard" || !slices.Equal(new.Services(), []string{"Ledgers", "Payroll"}) {
		t.Errorf("legal name %q, services %q", old.LegalName(), new.Services())
	}
	for more, fault := range map[string]string{
		"  legalName: \"a\\nb\"\n":  "legalName is one line",
		"  services: ['']\n":        "a service is one line",
		"  services: [\"a\\nb\"]\n": "a service is one line",
	} {
		if _, err := LoadFiles(organized(more)); err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%q: got %v, want a fault that says %q", more, err, fault)
		}
	}
}
