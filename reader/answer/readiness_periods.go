package answer

import (
	"tieout/audit"
	"tieout/period"
)

// periodGaps are the days beside the program's period that no period holds: a
// report that follows another leaves none out.
func periodGaps(p *period.Program) (out []ReadinessGap) {
	for _, h := range p.Def.Holes() {
		if h.After != p.Name && h.Before != p.Name {
			continue
		}
		n := 1
		if span, err := audit.NewPeriod(h.First, h.Last, p.Period.Zone); err == nil {
			n = span.Days()
		}
		out = append(out, ReadinessGap{Key: "days " + h.First, Kind: NoPeriod, What: "No period holds " + h.First + " to " + h.Last,
			Why: "No report will speak of these days, and readers ask about them.", Count: n, Hours: hours(NoPeriod, n), Fix: Fix{"/start", nil, "tieout period list"}})
	}
	return out
}
