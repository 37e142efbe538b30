package answer

import (
	"fmt"
	"slices"
	"testing"

	"tieout/definition"
	"tieout/program"
	"tieout/report/boundary"
)

func TestChain(t *testing.T) {
	vendors := []program.Vendor{{ID: "V-1", Name: "Cumulo", Status: "active", Subservice: true}, {ID: "V-2", Name: "Signet", Status: "active", Subservice: true},
		{ID: "V-3", Name: "Surveys", Status: "active"}, {ID: "V-4", Name: "Gone", Status: "ended", Subservice: true}}
	soc2 := func(id string, carved, included []string, behind ...program.VendorBehind) program.VendorReport {
		return program.VendorReport{ID: id, Type: program.ReportSOC2Type2, Ours: "yes", CarvedOut: carved, Included: included, Behind: behind}
	}
	letter := program.VendorReport{ID: "VR-9", Type: program.ReportLetter, Ours: "yes"}
	entry := definition.Subservice{Name: "cumulo", Method: "carve-out", Monitoring: []string{"VND-04"}}
	for _, tt := range []struct {
		name    string
		systems []definition.System
		reports map[string][]program.VendorReport
		want    []string
	}{
		{"the register alone", nil, nil, []string{"ours V-1 method not said 1", "ours V-2 method not said 1"}},
		{"a system file names one", []definition.System{{Subservices: []definition.Subservice{entry}}}, nil, []string{"ours V-1 carve-out 1", "ours V-2 method not said 1"}},
		{"one that the register has not", []definition.System{{Subservices: []definition.Subservice{{Name: "Else", Method: "inclusive"}}}}, nil, []string{"ours ours/else inclusive 1", "ours V-1 method not said 1", "ours V-2 method not said 1"}},
		{"a fourth party a person matched, and one nobody did", nil, map[string][]program.VendorReport{"V-2": {letter, soc2("VR-2", []string{"Cumulo Hosting"}, []string{"Pager"}, program.VendorBehind{Name: "Cumulo Hosting", Vendor: "V-1"})}},
			[]string{"ours V-1 method not said 1", "ours V-2 method not said 1", "V-2 V-1 carved out 2", "V-2 V-2/pager included 2"}},
		{"the same name, and nobody matched it", nil, map[string][]program.VendorReport{"V-2": {soc2("VR-2", []string{"Cumulo"}, nil)}},
			[]string{"ours V-1 method not said 1", "ours V-2 method not said 1", "V-2 V-2/cumulo carved out 2"}},
		{"in a circle", nil, map[string][]program.VendorReport{"V-1": {soc2("VR-1", []string{"Signet"}, nil, program.VendorBehind{Name: "Signet", Vendor: "V-2"})}, "V-2": {soc2("VR-2", []string{"Cumulo"}, nil, program.VendorBehind{Name: "Cumulo", Vendor: "V-1"})}},
			[]string{"ours V-1 method not said 1", "ours V-2 method not said 1", "V-1 V-2 carved out 2", "V-2 V-1 carved out 2"}},
		{"one in use whose report names others", nil, map[string][]program.VendorReport{"V-3": {soc2("VR-3", []string{"Host"}, nil)}, "V-4": {soc2("VR-4", []string{"Host"}, nil)}},
			[]string{"ours V-1 method not said 1", "ours V-2 method not said 1", "ours V-3 in use, not relied on 1", "V-3 V-3/host carved out 2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := ChainOf("Ledger", tt.systems, vendors, tt.reports)
			var got []string
			for _, l := range c.Links {
				got = append(got, fmt.Sprintf("%s %s %s %d", l.From, l.To, l.Method, l.Depth))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if p := boundary.Lay(c.Graph()); len(p.Left) > 0 {
				t.Errorf("the picture leaves out %q", p.Left)
			}
		})
	}
}

func TestChainSays(t *testing.T) {
	vendors := []program.Vendor{{ID: "V-2", Name: "Signet", Status: "active", Subservice: true}}
	reports := map[string][]program.VendorReport{"V-2": {{ID: "VR-2", Type: program.ReportSOC2Type2, Ours: "yes", CarvedOut: []string{"Cumulo"}}}}
	for _, tt := range []struct{ name, got, want string }{
		{"nobody", ChainOf("Ledger", nil, nil, nil).Sentence(), "Nobody is relied on yet: no system file names a subservice organization, and no vendor in use is one."},
		{"one", ChainOf("Ledger", nil, vendors, nil).Sentence(), "1 organization is relied on or in use with a report that names others."},
		{"one with another behind", ChainOf("Ledger", nil, vendors, reports).Sentence(), "1 organization is relied on or in use with a report that names others; their newest reports name 1 behind them, 1 of them not in the register."},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}
