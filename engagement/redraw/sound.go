package redraw

import (
	"fmt"
	"slices"

	"tieout/audit"
	"tieout/engagement"
)

// sound refuses a file whose numbers cannot be those of a draw, before anything is
// computed with them.
func (f File) sound() error {
	s, p := f.Sample, f.Population
	switch {
	case p.Count < 0 || p.Count > MaxItems:
		return unsound("a population of %d items", p.Count)
	case len(s.Items) > p.Count || repeats(s.Items):
		return unsound("%d items of %d, or an item twice", len(s.Items), p.Count)
	case len(s.Replaced) > p.Count:
		return unsound("%d items replaced, of %d", len(s.Replaced), p.Count)
	}
	if err := f.drawnFrom(); err != nil {
		return err
	}
	for i, d := range s.Draws {
		if d.Count < 0 || d.Count > p.Count || d.Size < 0 || d.Size > d.Count || d.Size != len(d.Items) || repeats(d.Items) {
			return unsound("draw %d is of %d items, names %d and is made from %d of a population of %d", i+1, d.Size, len(d.Items), d.Count, p.Count)
		}
	}
	return nil
}

// drawnFrom holds the draws to the method: none where nothing is drawn, one over
// the whole population, or one from each of its strata.
func (f File) drawnFrom() error {
	s, p := f.Sample, f.Population
	var want, have []string
	switch s.Method {
	case engagement.Judgmental, engagement.EveryItem:
	case engagement.Random, engagement.Systematic:
		want = []string{Whole(p)}
	case engagement.Stratified:
		for name := range p.Strata {
			want = append(want, name)
		}
		if len(want) == 0 || slices.Contains(want, "") {
			return unsound("a stratified draw from a population without strata")
		}
	default:
		return unsound("method %.40q", s.Method)
	}
	for _, d := range s.Draws {
		have = append(have, d.Stratum)
	}
	slices.Sort(want)
	slices.Sort(have)
	if !slices.Equal(want, have) {
		return unsound("a %s sample with draws from %.200q, where it has draws from %.200q", s.Method, have, want)
	}
	return nil
}

func repeats(items []string) bool {
	seen := make(map[string]bool, len(items))
	for _, it := range items {
		if seen[it] {
			return true
		}
		seen[it] = true
	}
	return false
}

func unsound(format string, args ...any) error {
	return fmt.Errorf("%w: no draw gives such a sample: "+format, append([]any{audit.ErrInvalid}, args...)...)
}
