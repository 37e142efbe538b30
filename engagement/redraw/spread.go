package redraw

import (
	"fmt"
	"sort"
	"time"

	"tieout/audit"
	"tieout/engagement"
)

// A Quarter is how many items of a population and of a sample lie in one quarter
// of a year, in the population's zone.
type Quarter struct {
	Name   string `json:"name"` // "Q2 2026"
	Items  int    `json:"items"`
	Picked int    `json:"picked"`
}

// A Spread counts items by quarter of a population's window.
type Spread struct {
	window   audit.Span
	starts   []time.Time
	Quarters []Quarter
}

// NewSpread returns the quarters that a population's window touches, all empty.
func NewSpread(p engagement.Population) *Spread {
	loc, err := time.LoadLocation(p.Zone)
	if err != nil {
		loc = time.UTC
	}
	s := &Spread{window: p.Window}
	local := p.Window.From.In(loc)
	at := time.Date(local.Year(), (local.Month()-1)/3*3+1, 1, 0, 0, 0, 0, loc)
	for at.Before(p.Window.To) && len(s.starts) < 40 {
		s.starts = append(s.starts, at)
		s.Quarters = append(s.Quarters, Quarter{Name: fmt.Sprintf("Q%d %d", (at.Month()-1)/3+1, at.Year())})
		at = at.AddDate(0, 3, 0)
	}
	return s
}

// Add counts an item; one without a time, or outside the window, counts nowhere.
func (s *Spread) Add(it ID) {
	if i := s.of(it.At); i >= 0 {
		s.Quarters[i].Items++
	}
}

// Pick counts a picked item, where Add counts it.
func (s *Spread) Pick(it ID) {
	if i := s.of(it.At); i >= 0 {
		s.Quarters[i].Picked++
	}
}

func (s *Spread) of(t time.Time) int {
	if t.IsZero() || !s.window.Contains(t) {
		return -1
	}
	return sort.Search(len(s.starts), func(i int) bool { return s.starts[i].After(t) }) - 1
}

// Warnings says which quarters have items and no pick: a report over a period
// speaks about all of it.
func Warnings(quarters []Quarter) (out []string) {
	for _, q := range quarters {
		if q.Items > 0 && q.Picked == 0 {
			out = append(out, fmt.Sprintf("%s has %d items in the population and none in the sample", q.Name, q.Items))
		}
	}
	return out
}
