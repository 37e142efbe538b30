package procedure

import (
	"cmp"
	"fmt"

	"tieout/audit"
)

func compareGaps(a, b gapKey) int {
	return cmp.Or(cmp.Compare(a.stream, b.stream), cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), cmp.Compare(a.reason, b.reason))
}

// streams says how completely each stream of the population was seen.
func (t *task) streams() []audit.StreamSummary {
	out := []audit.StreamSummary{}
	for _, v := range t.views {
		s := audit.StreamSummary{StreamKey: v.stream.StreamKey, Mode: v.stream.Mode, Observations: v.observations(t.span),
			Covered: []audit.Span{}, Holes: []audit.Hole{}, Items: t.streamItems[len(out)]}
		for _, k := range v.knownIn(t.span) {
			s.Covered = append(s.Covered, span(k.from, k.to))
		}
		for _, h := range v.stream.Holes {
			if a := micros(h.From); a < t.span.to && max(micros(h.To), a+1) > t.span.from {
				s.Holes = append(s.Holes, h)
			}
		}
		out = append(out, s)
	}
	return out
}

// frequency says in words how often the population was seen.
func (t *task) frequency() string {
	if t.p.Form == audit.Manual {
		return "by a person"
	}
	exact, snapshots, least, most := 0, 0, 0, 0
	for _, v := range t.views {
		if v.stream.Mode != audit.ModeSnapshot {
			exact++
			continue
		}
		n := v.observations(t.span)
		if snapshots == 0 || n < least {
			least = n
		}
		most = max(most, n)
		snapshots++
	}
	switch {
	case exact+snapshots == 0:
		return "never: nothing collects " + t.p.ItemType
	case snapshots == 0:
		return t.exactly()
	}
	words := fmt.Sprintf("at %d%s observations", least, t.rhythm(most))
	if most != least {
		words = fmt.Sprintf("at %d to %d%s observations, by source", least, most, t.rhythm(most))
	}
	if least == 1 && most == 1 {
		words = "at 1 observation"
	}
	if exact > 0 {
		words += ", and from a change history where there is one"
	}
	return words
}

func (t *task) exactly() string {
	kind := "a change history"
	if t.p.item.typ.Event {
		kind = "a complete list of what happened"
	}
	for _, g := range t.gaps {
		if len(g) > 0 {
			return "from " + kind + ", which does not cover the whole span"
		}
	}
	return "throughout, from " + kind
}

// rhythm is " daily" where there is about one observation a day.
func (t *task) rhythm(n int) string {
	days := int((t.span.to - t.span.from + day - 1) / day)
	if days > 1 && n >= days-days/20-1 && n <= days+days/20+1 {
		return " daily"
	}
	return ""
}
