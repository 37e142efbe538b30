package demo

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"tieout/audit"
)

// JSON returns the truth list as a person reads it.
func (tr *Truth) JSON() []byte {
	b, err := json.MarshalIndent(tr, "", "  ")
	if err != nil {
		panic(err) // a Truth has nothing that JSON cannot hold
	}
	return append(b, '\n')
}

// Compare holds what the procedures found to what was seeded, both ways: every
// seeded deviation with its outcome and both ends, every gap found inside a
// seeded one, every seeded gap found. missing and extra are empty where they
// are the same; each entry says one difference.
func (tr *Truth) Compare(tested []audit.Tested) (missing, extra []string) {
	missing, extra = tr.compareDeviations(tested)
	m, x := tr.compareGaps(tested)
	missing, extra = append(missing, m...), append(extra, x...)
	slices.Sort(missing)
	slices.Sort(extra)
	return missing, extra
}

func (tr *Truth) compareDeviations(tested []audit.Tested) (missing, extra []string) {
	want := map[string]Seeded{}
	for _, s := range tr.Deviations {
		want[s.Procedure+" "+s.Item] = s
	}
	for _, t := range tested {
		for _, d := range t.Deviations {
			key := d.Procedure + " " + d.Item
			s, ok := want[key]
			if !ok {
				extra = append(extra, fmt.Sprintf("%s %s %s: %s", key, d.Outcome, between(d.Span), d.Reason))
				continue
			}
			delete(want, key)
			if seeded := (audit.Span{From: s.From, To: s.To}); d.Outcome != s.Outcome || !d.Span.From.Equal(s.From) || !d.Span.To.Equal(s.To) {
				missing = append(missing, fmt.Sprintf("%s %s %s; found is %s %s", key, s.Outcome, between(seeded), d.Outcome, between(d.Span)))
			}
		}
	}
	for key, s := range want {
		missing = append(missing, fmt.Sprintf("%s %s %s: %s", key, s.Outcome, between(audit.Span{From: s.From, To: s.To}), s.Why))
	}
	return missing, extra
}

func (tr *Truth) compareGaps(tested []audit.Tested) (missing, extra []string) {
	seeded := map[string][]audit.Span{}
	for _, s := range tr.Gaps {
		seeded[s.Procedure] = append(seeded[s.Procedure], audit.Span{From: s.From, To: s.To})
	}
	found, form := map[string][]audit.Span{}, map[string]audit.Form{}
	for _, t := range tested {
		form[t.Procedure] = t.Form
		for _, g := range t.Gaps {
			found[t.Procedure] = append(found[t.Procedure], g.Span)
			if !slices.ContainsFunc(union(seeded[t.Procedure]), func(s audit.Span) bool { return holds(s, g.Span) }) {
				extra = append(extra, fmt.Sprintf("gap of %s in %s %s %s %s: %s", t.Procedure, g.Stream.Source, g.Stream.Scope, g.Stream.Type, between(g.Span), g.Reason))
			}
		}
	}
	for _, s := range tr.Gaps {
		want := audit.Span{From: s.From, To: s.To}
		seen := slices.ContainsFunc(union(found[s.Procedure]), func(f audit.Span) bool {
			// Where occurrences are tested a gap is as wide as what it hid.
			return holds(f, want) || form[s.Procedure] == audit.Event && holds(want, f)
		})
		if !seen {
			missing = append(missing, fmt.Sprintf("gap of %s in %s %s: %s", s.Procedure, s.Item, between(want), s.Why))
		}
	}
	return missing, extra
}

func between(s audit.Span) string {
	return s.From.UTC().Format(time.RFC3339) + " to " + s.To.UTC().Format(time.RFC3339)
}

func holds(s, o audit.Span) bool { return !o.From.Before(s.From) && !o.To.After(s.To) }

// union joins spans that touch.
func union(spans []audit.Span) []audit.Span {
	spans = slices.Clone(spans)
	slices.SortFunc(spans, func(a, b audit.Span) int { return a.From.Compare(b.From) })
	var out []audit.Span
	for _, s := range spans {
		if n := len(out); n > 0 && !s.From.After(out[n-1].To) {
			if s.To.After(out[n-1].To) {
				out[n-1].To = s.To
			}
			continue
		}
		out = append(out, s)
	}
	return out
}
