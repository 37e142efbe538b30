package bundle

import (
	"cmp"
	"encoding/json"
	"slices"

	"tieout/audit"
	"tieout/timeline"
)

// A plan is which collections there are, which streams their manifests close,
// and at which record a manifest has all its items.
type plan struct {
	collections map[string]*collection
	streams     map[streamID]*stream
	ready       map[int64][]*manifest
}

// streamID is a stream in one mode.
type streamID struct {
	audit.StreamKey
	mode audit.Mode
}

// A collection knows its manifests by what they take: snapshots by scope and
// instant, histories by scope.
type collection struct {
	snapshots map[scopeAt][]*manifest
	histories map[string][]*manifest
	manifests []*manifest
	pages     []pageRef // until the collection has ended
}

type scopeAt struct {
	scope string
	at    int64
}

// A pageRef is what of a page decides which manifest takes it.
type pageRef struct {
	index       int64
	kind, scope string
	about       audit.Span
}

// A manifest takes items of the pages it speaks of.
type manifest struct {
	audit.Manifest
	stream streamID
	record int64
	items  []audit.Seen
}

func (c *collection) add(m *manifest) {
	c.manifests = append(c.manifests, m)
	if m.Mode == audit.ModeSnapshot {
		key := scopeAt{m.Scope, m.Covers.From.UnixMicro()}
		c.snapshots[key] = append(c.snapshots[key], m)
		return
	}
	c.histories[m.Scope] = append(c.histories[m.Scope], m)
}

// takers returns, by item type, the manifest that takes a page: the first one in
// the order of the log.
func (c *collection) takers(p pageRef) map[string]*manifest {
	out := map[string]*manifest{}
	if c == nil {
		return out
	}
	for _, list := range [][]*manifest{c.snapshots[scopeAt{p.scope, p.about.From.UnixMicro()}], c.histories[p.scope]} {
		for _, m := range list {
			if old := out[m.Type]; (old == nil || m.record < old.record) && m.Takes(p.kind, p.scope, p.about) {
				out[m.Type] = m
			}
		}
	}
	return out
}

// settle notes at which record each manifest has all its items: at its own, or
// at the last page it takes where that was sealed later.
func (pl *plan) settle(c *collection) {
	ready := map[*manifest]int64{}
	for _, p := range c.pages {
		for _, m := range c.takers(p) {
			ready[m] = p.index
		}
	}
	for _, m := range c.manifests {
		at := max(ready[m], m.record)
		pl.ready[at] = append(pl.ready[at], m)
	}
	c.pages, c.manifests = nil, nil
}

// prepare notes one record for the plan. Only what was sealed before the run
// was considered by it.
func (p *reperformer) prepare(r packed) error {
	if r.how == bodyErased || r.index >= p.c.Run {
		return nil
	}
	var rec audit.Record
	if err := json.Unmarshal(r.canonical, &rec); err != nil || rec.Collection == "" {
		return err
	}
	c := p.plan.collections[rec.Collection]
	if c == nil {
		c = &collection{snapshots: map[scopeAt][]*manifest{}, histories: map[string][]*manifest{}}
		p.plan.collections[rec.Collection] = c
	}
	switch {
	case rec.Kind == audit.RecordPage:
		c.pages = append(c.pages, pageRef{r.index, rec.PageKind, rec.Scope, rec.About})
	case rec.Kind == audit.RecordEnd:
		p.plan.settle(c)
	case rec.Kind == audit.RecordManifest && r.how != bodyWithheld:
		m := &manifest{record: r.index}
		if err := p.decode(r, &m.Manifest); err != nil {
			return altered(audit.EvidenceRef(r.index), "it is no manifest: %v", err)
		}
		m.stream = streamID{audit.StreamKey{Source: rec.Source, Scope: m.Scope, Type: m.Type}, m.Mode}
		c.add(m)
	}
	return nil
}

// order makes the streams and finds out which of them can go through a tracker
// when manifests are taken in as soon as they have all their items.
func (pl *plan) order() error {
	for _, at := range sortedInts(pl.ready) {
		slices.SortFunc(pl.ready[at], func(a, b *manifest) int { return cmp.Compare(a.record, b.record) })
		for _, m := range pl.ready[at] {
			s := pl.streams[m.stream]
			if s == nil {
				s = &stream{ordered: true, rows: timeline.StreamRows{Stream: audit.Stream{StreamKey: m.stream.StreamKey, Mode: m.Mode}}, record: -1}
				pl.streams[m.stream] = s
			}
			late := m.Mode == audit.ModeSnapshot && !s.at.From.IsZero() && !m.Covers.From.After(s.at.From)
			if late || m.record < s.record {
				s.ordered = false
			}
			s.at, s.record = m.Covers, m.record
		}
	}
	for id, s := range pl.streams {
		var err error
		if s.tracker, err = timeline.NewTracker(id.StreamKey, id.mode); err != nil {
			return err
		}
	}
	return nil
}
