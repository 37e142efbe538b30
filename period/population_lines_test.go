package period

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/internal/canonical"
)

// TestPopulationLines: a line is what the general encoder makes of the item, with
// the worst outcome, its values, and every record once.
func TestPopulationLines(t *testing.T) {
	at := time.Date(2026, 3, 14, 9, 26, 53, 589000000, time.UTC)
	one := audit.Result{Item: "a \"ö\" \x01 <b>", Label: "\\ Ana", Outcome: audit.Operated, Span: audit.Span{From: at.In(time.FixedZone("", 3600))}, Records: []int64{9, 2, 9},
		Attributes: []audit.AttributeResult{{Name: "B", Outcome: audit.Operated}, {Name: "A", Outcome: audit.Operated}, {Name: "\U0001F600", Outcome: audit.Operated}, {Name: "\uffee", Outcome: audit.NoEvidence}},
		Values:     []audit.FieldValue{{Path: "q", Value: "1"}, {Path: "z", Value: "not a column"}}}
	worse := one
	worse.Outcome, worse.Records, worse.Values = audit.Deviated, []int64{1, 2}, []audit.FieldValue{{Path: "p", Value: `"x"`}}
	worse.Attributes = []audit.AttributeResult{{Name: "A", Outcome: audit.Deviated}}
	for _, tt := range []struct {
		name    string
		results []audit.Result
		want    []engagement.Item
		outside int
	}{
		{"nothing", nil, nil, 0},
		{"one of everything, twice", []audit.Result{one, worse, one}, []engagement.Item{{ID: one.Item, Label: one.Label, At: at, Values: []string{`"x"`, "1"}, Records: []int64{1, 2, 9},
			Results: map[string]string{"x": "deviation", "x/A": "deviation", "x/B": "operated", "x/\U0001F600": "operated", "x/\uffee": "no evidence"}}}, 0},
		{"bare", []audit.Result{{Item: "b", Outcome: audit.Late}}, []engagement.Item{{ID: "b", Values: []string{"", ""}, Results: map[string]string{"x": "late"}}}, 0},
		{"one outside the population", []audit.Result{{Item: "a", Outcome: audit.NotApplicable}, {Item: "b", Outcome: audit.Operated}}, []engagement.Item{{ID: "b", Values: []string{"", ""}, Results: map[string]string{"x": "operated"}}}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got, want bytes.Buffer
			o := newPopulationWriter(&got, "x", []string{"p", "q"})
			for _, r := range tt.results {
				must(t, o.add(&r))
			}
			must(t, o.flush())
			for _, it := range tt.want {
				line, err := canonical.Marshal(it)
				must(t, err)
				fmt.Fprintf(&want, "%s\n", line)
			}
			if got.String() != want.String() || o.count != len(tt.want) || o.outside != tt.outside {
				t.Errorf("%d items, %d outside:\n%swant\n%s", o.count, o.outside, &got, &want)
			}
		})
	}
	o := newPopulationWriter(&bytes.Buffer{}, "x", nil)
	for _, id := range []string{"a", "b", "a"} {
		must(t, o.add(&audit.Result{Item: id, Outcome: audit.Operated}))
	}
	if err := o.flush(); !errors.Is(err, audit.ErrAltered) {
		t.Errorf("an item that comes twice: %v", err)
	}
}
