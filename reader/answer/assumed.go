package answer

import (
	"fmt"
	"slices"
	"strings"

	"tieout/definition"
	"tieout/program"
)

// physicalAccess is the criterion over physical access to facilities.
const physicalAccess = "CC6.4"

// An Offer is what is commonly assumed of a vendor of the register and that no system
// file says of it.
type Offer struct {
	Vendor   program.Vendor
	Named    bool   // a system file has it as a subservice organization
	File     string // that file; "": the first one
	Controls []OfferedControl
}

// An OfferedControl is one of them, under an id its file has not used.
type OfferedControl struct {
	ID string
	program.AssumedControl
}

// Offers are what can be assumed of vendors in use whose controls are relied on, or
// in whose rooms own machines stand: what the program ships for their kind, as far
// as its criteria are in scope and the vendor's entry names none of them yet.
func Offers(systems []definition.System, vendors []program.Vendor, criteria []string) (out []Offer) {
	if len(systems) == 0 {
		return nil
	}
	ids := map[string]func() string{}
	for _, v := range vendors {
		if v.Status != "active" || !v.Subservice && v.Kind != program.DataCenter {
			continue
		}
		sys, entry := entryOf(systems, v)
		o := Offer{Vendor: v, Named: entry != nil, File: sys.File}
		if ids[sys.File] == nil {
			ids[sys.File] = numbering(sys)
		}
		for _, c := range program.AssumedOf(v.Kind) {
			c.Criteria = slices.DeleteFunc(slices.Clone(c.Criteria), func(id string) bool { return !slices.Contains(criteria, id) })
			if len(c.Criteria) > 0 && !slices.ContainsFunc(c.Criteria, func(id string) bool { return names(entry, id) }) {
				o.Controls = append(o.Controls, OfferedControl{ids[sys.File](), c.Of(v.Name)})
			}
		}
		if len(o.Controls) > 0 {
			out = append(out, o)
		}
	}
	return out
}

// entryOf is the entry of a vendor among subservice organizations, and the system
// that has it; nil and the first system where there is none.
func entryOf(systems []definition.System, v program.Vendor) (*definition.System, *definition.Subservice) {
	for i := range systems {
		for j := range systems[i].Subservices {
			if o := &systems[i].Subservices[j]; o.Vendor == v.ID || strings.EqualFold(o.Name, v.Name) {
				return &systems[i], o
			}
		}
	}
	return &systems[0], nil
}

// names reports whether an assumed control of an entry names a criterion.
func names(o *definition.Subservice, criterion string) bool {
	return o != nil && slices.ContainsFunc(o.CSOCs, func(c definition.CSOC) bool { return slices.Contains(c.Criteria, criterion) })
}

// numbering gives ids of assumed controls that a system has not used.
func numbering(sys *definition.System) func() string {
	used := map[string]bool{}
	for _, o := range sys.Subservices {
		for _, c := range o.CSOCs {
			used[c.ID] = true
		}
	}
	n := 0
	return func() string {
		for {
			n++
			if id := fmt.Sprintf("CSOC-%02d", n); !used[id] {
				return id
			}
		}
	}
}

// roomGaps are vendors in use in whose rooms own machines stand, and of which no
// system file says that they guard them.
func roomGaps(systems []definition.System, vendors []program.Vendor) (out []ReadinessGap) {
	for _, v := range vendors {
		if v.Status != "active" || v.Kind != program.DataCenter {
			continue
		}
		if len(systems) > 0 {
			if _, entry := entryOf(systems, v); names(entry, physicalAccess) {
				continue
			}
		}
		out = append(out, ReadinessGap{Key: "rooms " + v.ID, Kind: NotClaimed, What: v.Name + " is a data center in use, and no subservice entry names " + physicalAccess,
			Why: "Physical access to the rooms is then nobody's: neither own controls nor assumed ones meet the criterion there.", Count: 1, Hours: hours(NotClaimed, 1),
			Fix: Fix{"/system", nil, "tieout system show"}})
	}
	return out
}
