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
		{"nothing happened", []audit.Result{{Outcome: audit.NoOccurrence, Reason: "nothing was due"}}, nil, 0},
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
			if got.String() != want.String() || o.count != len(tt.want) || o.left != tt.outside {
				t.Errorf("%d items, %d outside:\n%swant\n%s", o.count, o.left, &got, &want)
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

// TestPopulationCounted: results that a run did not count, or that it counted and
// that are gone, are no population.
func TestPopulationCounted(t *testing.T) {
	results := []audit.Result{{Item: "a", Outcome: audit.Operated}, {Item: "a", Outcome: audit.Deviated}, {Item: "b", Outcome: audit.NotApplicable}, {Item: "c", Outcome: audit.Operated}}
	tested := func(form audit.Form, items, outside int) *audit.Tested {
		x := &audit.Tested{Procedure: "x", Form: form, Items: items}
		x.Counts[audit.NotApplicable] = outside
		return x
	}
	for _, tt := range []struct {
		name   string
		tested *audit.Tested
		want   error
	}{
		{"items, all there", tested(audit.Continuous, 2, 1), nil},
		{"occurrences, all there", tested(audit.Event, 3, 1), nil},
		{"an item more than counted", tested(audit.Continuous, 1, 1), audit.ErrAltered},
		{"an item is gone", tested(audit.Continuous, 3, 1), audit.ErrAltered},
		{"an occurrence is gone", tested(audit.Event, 4, 1), audit.ErrAltered},
		{"another number outside", tested(audit.Continuous, 2, 0), audit.ErrAltered},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := newPopulationWriter(&bytes.Buffer{}, "x", nil)
			for _, r := range results {
				must(t, o.add(&r))
			}
			must(t, o.flush())
			if err := o.counted(tt.tested); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}
