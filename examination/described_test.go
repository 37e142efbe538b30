package examination_test

import (
	"slices"
	"strings"
	"testing"

	"tieout/engagement"
	"tieout/examination"
)

// TestDescribed: what is drafted comes from what the workspace holds, and what it
// does not hold is named.
func TestDescribed(t *testing.T) {
	w := begun(t)
	ctx := t.Context()
	d := must[examination.Described](t)(w.client.Described(ctx, "EN-1"))
	if len(d.Sections) != 9 || len(d.Controls) == 0 || !slices.Contains(d.Controls, "IAM-02") || d.Final != nil {
		t.Fatalf("%d sections, controls %v", len(d.Sections), d.Controls)
	}
	missing := 0
	for _, s := range d.Sections {
		missing += len(s.Missing)
		for _, p := range s.Draft.Paragraphs {
			if len(p.Sources) == 0 || p.Text == "" {
				t.Errorf("%s: a drafted paragraph without a source: %+v", s.DC, p)
			}
		}
	}
	five := d.Sections[4]
	if missing == 0 || len(five.Draft.Paragraphs) != 1 || !strings.Contains(five.Draft.Paragraphs[0].Text, "IAM-02") {
		t.Errorf("%d missing; DC 5: %+v", missing, five.Draft)
	}
	check(t, w.client.Side.WriteSection(ctx, lead, "EN-1", engagement.DCSection{DC: "DC 5", Paragraphs: append(five.Draft.Paragraphs, engagement.Paragraph{Text: "Ledger entries are compared every night, TBD."})}, 0))
	five = must[examination.Described](t)(w.client.Described(ctx, "EN-1")).Sections[4]
	if five.Unsourced() != 1 || five.Holds != "TBD" || !five.Drafted(five.Written.Paragraphs[0]) || five.Drafted(five.Written.Paragraphs[1]) || len(five.Behind()) != 0 || five.Alike == 100 {
		t.Errorf("written: %+v", five)
	}
}
