package answer

import (
	"slices"
	"testing"

	"tieout/definition"
	"tieout/program"
)

func TestOffers(t *testing.T) {
	colo := program.Vendor{ID: "V-3", Name: "Colo One", Kind: program.DataCenter, Status: "active"}
	cloud := program.Vendor{ID: "V-1", Name: "Cumulo", Kind: "cloud", Status: "active", Subservice: true}
	entry := func(vendor, name string, criteria ...string) definition.Subservice {
		return definition.Subservice{Name: name, Vendor: vendor, CSOCs: []definition.CSOC{{ID: "CSOC-01", Criteria: criteria}}}
	}
	but := func(v program.Vendor, change func(*program.Vendor)) program.Vendor { change(&v); return v }
	for _, tt := range []struct {
		name     string
		vendor   program.Vendor
		entries  []definition.Subservice
		criteria []string
		offered  []string // criteria of the first named by each
		first    string   // its id
		gap      bool
	}{
		{"a data center nobody named", colo, nil, []string{"CC6.4", "CC6.5"}, []string{"CC6.4", "CC6.4", "CC6.5"}, "CSOC-01", true},
		{"one with an entry for it", colo, []definition.Subservice{entry("V-3", "Colo", "CC6.4")}, []string{"CC6.4", "CC6.5"}, []string{"CC6.5"}, "CSOC-02", false},
		{"one named by its name", colo, []definition.Subservice{entry("", "COLO ONE", "CC6.5")}, []string{"CC6.4", "CC6.5"}, []string{"CC6.4", "CC6.4"}, "CSOC-02", true},
		{"another vendor's entry", colo, []definition.Subservice{entry("V-1", "Cumulo", "CC6.4")}, []string{"CC6.4"}, []string{"CC6.4", "CC6.4"}, "CSOC-02", true},
		{"one whose use ended", but(colo, func(v *program.Vendor) { v.Status = "ended" }), nil, []string{"CC6.4"}, nil, "", false},
		{"a cloud, without availability in scope", cloud, nil, []string{"CC6.4"}, []string{"CC6.4"}, "CSOC-01", false},
		{"a cloud whose controls are not relied on", but(cloud, func(v *program.Vendor) { v.Subservice = false }), nil, []string{"CC6.4"}, nil, "", false},
		{"of no kind", but(cloud, func(v *program.Vendor) { v.Kind = "" }), nil, []string{"CC6.4"}, nil, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			systems := []definition.System{{File: "systems/main.yaml", Subservices: tt.entries}}
			var got []string
			first := ""
			for _, o := range Offers(systems, []program.Vendor{tt.vendor}, tt.criteria) {
				first = o.Controls[0].ID
				for _, c := range o.Controls {
					got = append(got, c.Criteria[0])
				}
			}
			if !slices.Equal(got, tt.offered) || first != tt.first {
				t.Errorf("got %v from %q, want %v from %q", got, first, tt.offered, tt.first)
			}
			if gap := len(roomGaps(systems, []program.Vendor{tt.vendor})) > 0; gap != tt.gap {
				t.Errorf("a gap: %v", gap)
			}
		})
	}
}
