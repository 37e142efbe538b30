package web

import (
	"slices"
	"strings"

	"tieout/program"
	"tieout/reader/answer"
)

// An offerRow is what can be assumed of a vendor, with the text that says so.
type offerRow struct {
	O      answer.Offer
	Vendor link
	Text   string
}

// offers are what vendors of the register are commonly relied on for and no system
// file says, to who may read the register.
func (q *request) offers(s *answer.System) (out []offerRow, err error) {
	all, err := q.book.AllVendors(q.Context())
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(v program.Vendor) bool { return !q.may("register.read", q.ofVendor(v)) })
	var criteria []string
	for _, k := range q.st.report.Criteria {
		criteria = append(criteria, k.ID)
	}
	for _, o := range answer.Offers(s.Systems, all, criteria) {
		out = append(out, offerRow{o, link{o.Vendor.ID, q.at("vendors", o.Vendor.ID)}, offerText(o)})
	}
	return out, nil
}

// offerText is an offer as lines of YAML: of a vendor that is named already its
// assumed controls alone.
func offerText(o answer.Offer) string {
	var b strings.Builder
	if !o.Named {
		service, _, _ := strings.Cut(strings.TrimSpace(o.Vendor.Service), "\n")
		b.WriteString("subservices:\n  - name: " + quoteYAML(o.Vendor.Name) + "\n    service: " + quoteYAML(service) + " # what it does\n    method: carve-out\n    vendor: " + o.Vendor.ID + "\n")
	}
	b.WriteString("    csocs:\n")
	for _, c := range o.Controls {
		b.WriteString("      - { id: " + c.ID + ", text: " + quoteYAML(c.AssumedControl.Text) + ", criteria: [" + strings.Join(c.Criteria, ", ") + "] }\n")
	}
	return b.String()
}
