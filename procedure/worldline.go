package procedure

import (
	"fmt"
	"slices"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
)

// A sighting is what one join of an example sees of a type at one instant.
type sighting struct {
	at     int64
	join   *join // nil for the population's item and the items of each
	things []*thing
}

// timeline is everything of one type, seen completely and since long ago.
// Where joins look at the same items at different instants, what they see
// differently changed at the later instant.
func (w *world) timeline(typ string) (*audit.Timeline, error) {
	tl := &audit.Timeline{Type: typ}
	if w.unseen[typ] {
		return tl, nil
	}
	all := audit.Span{From: instant(0), To: instant(w.x.at + 100*365*day)}
	mode := audit.ModeChanges
	if layouts()[typ].typ.Event {
		mode = audit.ModeEvents
	}
	tl.Streams = []audit.Stream{{StreamKey: audit.StreamKey{Source: "example", Type: typ}, Mode: mode, Covered: []audit.Stretch{{Span: all}}}}
	byID := map[string]*audit.History{}
	sightings := w.sightings(typ)
	for i, s := range sightings {
		for _, t := range s.things {
			if err := w.see(byID, t, s, i, mode); err != nil {
				return nil, err
			}
		}
		vanish(byID, sightings[:i], s)
	}
	for _, id := range sortedKeys(byID) {
		tl.Histories = append(tl.Histories, *byID[id])
	}
	return tl, nil
}

// sightings of a type, in order of time.
func (w *world) sightings(typ string) []sighting {
	var out []sighting
	for _, name := range sortedKeys(w.names()) {
		if w.names()[name].typ.Name != typ {
			continue
		}
		s := sighting{things: w.named[name]}
		for _, j := range w.p.joins {
			if j.name == name {
				s.join, s.at = j, w.joinInstant(j)
			}
		}
		out = append(out, s)
	}
	slices.SortStableFunc(out, func(a, b sighting) int { return int(max(-1, min(1, a.at-b.at))) })
	return out
}

// joinInstant is when a join of states looks; 0 where it looks from the start.
func (w *world) joinInstant(j *join) int64 {
	if j.layout.typ.Event || j.at == nil || j.at.join >= 0 || len(w.named[w.p.ItemType]) == 0 {
		return 0
	}
	base := w.named[w.p.ItemType][0]
	at := base.at
	if j.at.slot != slotAt || !base.layout.typ.Event {
		s, _ := take(base.body, base.layout.names[j.at.slot]).(string)
		us, ok := parseInstant([]byte(s))
		if !ok {
			return 0
		}
		at = us
	}
	return (&calendar{zone: time.UTC}).add(at, j.after)
}

// see adds the version of t that a sighting shows.
func (w *world) see(byID map[string]*audit.History, t *thing, s sighting, i int, mode audit.Mode) error {
	body, err := canonical.Marshal(t.body)
	if err != nil {
		return err
	}
	from := instant(s.at)
	if mode == audit.ModeEvents {
		from = instant(t.at)
	}
	h := byID[t.id]
	if h == nil {
		if i == 0 && mode != audit.ModeEvents {
			from = instant(0)
		}
		byID[t.id] = &audit.History{ID: t.id, Versions: []audit.Version{{From: audit.ExactBound(from), Body: body}}}
		return nil
	}
	last := &h.Versions[len(h.Versions)-1]
	switch {
	case !last.Gone && string(last.Body) == string(body):
	case mode != audit.ModeEvents && from.After(last.From.At):
		h.Versions = append(h.Versions, audit.Version{From: audit.ExactBound(from), Body: body})
	default:
		return fmt.Errorf("%w: two items of type %s have the id %q and differ; give them ids of their own", audit.ErrInvalid, t.layout.typ.Name, t.id)
	}
	return nil
}

// vanish ends the items that an earlier join with the same `on` saw and s does not.
func vanish(byID map[string]*audit.History, before []sighting, s sighting) {
	if s.join == nil || s.at == 0 {
		return
	}
	for _, b := range before {
		if b.join == nil || b.at >= s.at || !slices.Equal(b.join.on, s.join.on) {
			continue
		}
		for _, t := range b.things {
			if slices.ContainsFunc(s.things, func(o *thing) bool { return o.id == t.id }) {
				continue
			}
			h := byID[t.id]
			if last := h.Versions[len(h.Versions)-1]; !last.Gone {
				h.Versions = append(h.Versions, audit.Version{From: audit.ExactBound(instant(s.at)), Gone: true})
			}
		}
	}
}
