package period

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"tieout/audit"
	"tieout/evidence"
	"tieout/store"
	"tieout/timeline"
)

// recover closes collections of a source that were interrupted: their pages are
// sealed, so what they showed counts as seen, and never as complete. It brings
// the timeline up to what is sealed.
func (p *Program) recover(ctx context.Context, lock store.Lease, name string) (closed []string, err error) {
	if err := p.Seal.Number(ctx); err != nil {
		return nil, err
	}
	if err := p.adopt(ctx, name); err != nil {
		return nil, err
	}
	open, err := p.Store.Unfinished(ctx, name)
	if err != nil {
		return nil, err
	}
	for _, col := range open {
		why := fmt.Errorf("the collection was interrupted; it was closed on %s", audit.FormatTime(p.Now()))
		if _, err := p.closeInterrupted(ctx, lock, col.Collection, why); err != nil {
			return nil, fmt.Errorf("close interrupted collection %s: %w", col.ID, err)
		}
		closed = append(closed, col.ID)
	}
	return closed, p.catchUp(ctx, name)
}

// adopt remembers collections whose beginning was sealed, and then nothing more.
func (p *Program) adopt(ctx context.Context, name string) error {
	known, err := p.Store.Collections(ctx, name)
	if err != nil {
		return err
	}
	last := int64(-1)
	for _, c := range known {
		last = max(last, c.Record)
	}
	return p.Store.Records(ctx, store.RecordFilter{Kind: audit.RecordCollection, Source: name, From: last + 1}, func(rec audit.Record) error {
		var col audit.Collection
		body, err := p.Seal.Body(ctx, rec)
		if err == nil {
			err = evidence.DecodeBody(rec, body, &col)
		}
		if err != nil {
			return err
		}
		return p.Store.SaveCollection(ctx, col, rec.Index)
	})
}

// closeInterrupted normalizes the pages no sealed manifest speaks of and closes
// their streams as incomplete. A collection whose end is sealed already ends so.
func (p *Program) closeInterrupted(ctx context.Context, lock store.Lease, col audit.Collection, why error) (end audit.CollectionEnd, err error) {
	if err := p.Seal.Number(ctx); err != nil {
		return end, err
	}
	if end, index, err := p.sealedEnd(ctx, col.ID); err != nil || index != audit.Unsequenced {
		return end, cmp.Or(err, p.Store.EndCollection(ctx, end, index))
	}
	drv, err := p.Drivers.Find(col.Driver)
	if err != nil {
		return end, err
	}
	s := p.newSink(lock, drv, col, audit.Actor{Kind: audit.ActorConnector, Name: drv.Name}, func(Progress) {})
	manifests, err := p.manifests(ctx, col.ID)
	if err != nil {
		return end, err
	}
	err = p.Store.Records(ctx, store.RecordFilter{Kind: audit.RecordPage, Collection: col.ID}, func(rec audit.Record) error {
		s.pages++
		return s.again(ctx, rec)
	})
	if err != nil {
		return end, err
	}
	for _, m := range manifests {
		s.take(m.Manifest)
	}
	s.manifests = len(manifests)
	return s.finish(ctx, why)
}

// again normalizes a sealed page; one that was erased cannot be read.
func (s *sink) again(ctx context.Context, rec audit.Record) error {
	if rec.Digest == "" {
		gone, err := s.p.erasure(ctx, rec.Index)
		s.spoil(audit.Page{Kind: gone.PageKind, Scope: gone.Scope, About: rec.About}, rec.Ref()+" was erased")
		return err
	}
	page, err := s.p.page(ctx, rec)
	if err != nil {
		return err
	}
	s.normalize(page, rec)
	return nil
}

// sealedEnd is the sealed end of a collection; its index is audit.Unsequenced
// where there is none.
func (p *Program) sealedEnd(ctx context.Context, collection string) (end audit.CollectionEnd, index int64, err error) {
	index = audit.Unsequenced
	err = p.Store.Records(ctx, store.RecordFilter{Kind: audit.RecordEnd, Collection: collection}, func(rec audit.Record) error {
		body, err := p.Seal.Body(ctx, rec)
		if err != nil || index != audit.Unsequenced {
			return err
		}
		index = rec.Index
		return evidence.DecodeBody(rec, body, &end)
	})
	return end, index, err
}

// sealedManifest is a manifest with its place in the log.
type sealedManifest struct {
	audit.Manifest
	Record int64
}

func (p *Program) manifests(ctx context.Context, collection string) (out []sealedManifest, err error) {
	err = p.Store.Records(ctx, store.RecordFilter{Kind: audit.RecordManifest, Collection: collection}, func(rec audit.Record) error {
		body, err := p.Seal.Body(ctx, rec)
		if err != nil {
			return err
		}
		m, err := decodeManifest(rec, body)
		out = append(out, sealedManifest{m, rec.Index})
		return err
	})
	return out, err
}

// page reads a sealed page back as its source gave it.
func (p *Program) page(ctx context.Context, rec audit.Record) (audit.Page, error) {
	body, err := p.Seal.Body(ctx, rec)
	if err != nil {
		return audit.Page{}, err
	}
	return audit.Page{
		Source: rec.Source, Kind: rec.PageKind, Scope: rec.Scope, Query: rec.Query, Media: rec.Media,
		Body: body, About: rec.About, Collected: rec.Collected,
	}, nil
}

// bringUp is catchUp for those who do not hold the source's lock. Where another
// process holds it, that process brings the timeline up itself.
func (p *Program) bringUp(ctx context.Context, name string) (err error) {
	applied, err := p.applied(ctx, name)
	if err != nil {
		return err
	}
	behind := false
	for _, kind := range []audit.RecordKind{audit.RecordManifest, audit.RecordErasure} {
		err := p.Store.Records(ctx, store.RecordFilter{Kind: kind, Source: name, From: applied + 1}, func(audit.Record) error {
			behind = true
			return nil
		})
		if err != nil {
			return err
		}
	}
	if !behind {
		return nil
	}
	ctx, _, unlock, err := p.lockSource(ctx, name)
	if errors.Is(err, audit.ErrConflict) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	return p.catchUp(ctx, name)
}

// catchUp rebuilds the streams of manifests that were sealed and did not reach
// the timeline before a crash, and those that rested on what was erased since.
// The source is locked by the caller.
func (p *Program) catchUp(ctx context.Context, name string) error {
	applied, err := p.applied(ctx, name)
	if err != nil {
		return err
	}
	late, last, err := p.erasedSince(ctx, name, applied)
	if err != nil {
		return err
	}
	err = p.Store.Records(ctx, store.RecordFilter{Kind: audit.RecordManifest, Source: name, From: applied + 1}, func(rec audit.Record) error {
		body, err := p.Seal.Body(ctx, rec)
		if err != nil {
			return err
		}
		m, err := decodeManifest(rec, body)
		late[audit.StreamKey{Source: name, Scope: m.Scope, Type: m.Type}] = true
		last = max(last, rec.Index)
		return err
	})
	if err != nil || last == applied {
		return err
	}
	for key := range late {
		if err := p.Rebuild(ctx, key); err != nil {
			return err
		}
	}
	return p.setApplied(ctx, name, last)
}

// applied is the log index up to which a source's manifests are in the timeline.
func (p *Program) applied(ctx context.Context, name string) (int64, error) {
	return p.index(ctx, "applied/"+name)
}

// index is a log index kept by name, -1 where none is.
func (p *Program) index(ctx context.Context, name string) (int64, error) {
	text, err := p.Store.Meta(ctx, name)
	if isNotFound(err) {
		return -1, nil
	}
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: meta %s is %q, not a log index", audit.ErrAltered, name, text)
	}
	return n, nil
}

func (p *Program) setApplied(ctx context.Context, name string, index int64) error {
	return p.Store.SetMeta(ctx, "applied/"+name, strconv.FormatInt(index, 10))
}

// Rebuild makes one stream of the timeline anew from sealed evidence. The
// result is the same bytes as if everything had come in order. After a crash
// half way the next collection or test rebuilds it. The source is locked by the
// caller.
func (p *Program) Rebuild(ctx context.Context, key audit.StreamKey) error {
	obs, err := p.observations(ctx, key)
	if err != nil {
		return fmt.Errorf("rebuild %s of %s: %w", key.Type, key.Source, err)
	}
	first := int64(math.MaxInt64)
	for _, o := range obs {
		first = min(first, o.Record)
	}
	tls, err := timeline.Observe(obs)
	if err != nil {
		return fmt.Errorf("rebuild %s of %s: %w", key.Type, key.Source, err)
	}
	applied, err := p.applied(ctx, key.Source)
	if err != nil {
		return err
	}
	if applied < first {
		return p.replace(ctx, key, tls[key.Type])
	}
	if err := p.setApplied(ctx, key.Source, first-1); err != nil {
		return err
	}
	if err := p.replace(ctx, key, tls[key.Type]); err != nil {
		return err
	}
	return p.setApplied(ctx, key.Source, applied)
}

// replace puts a stream's timeline in the place of the stored one.
func (p *Program) replace(ctx context.Context, key audit.StreamKey, tl *audit.Timeline) error {
	if err := p.Store.DropStream(ctx, key); err != nil {
		return err
	}
	if tl == nil {
		return nil
	}
	for i, st := range tl.Streams {
		d := timeline.Delta{Points: st.Points, Covered: st.Covered, Holes: st.Holes}
		for _, h := range tl.Histories {
			for _, v := range h.Versions {
				if h.Stream == i {
					d.Rows = append(d.Rows, timeline.Row{Item: h.ID, Version: v})
				}
			}
		}
		if err := p.append(ctx, key, st.Mode, d); err != nil {
			return err
		}
	}
	return nil
}

// RebuildAll makes the whole timeline anew from sealed evidence: the streams
// that manifests tell of, and no other.
func (p *Program) RebuildAll(ctx context.Context) error {
	keys, err := p.Store.Streams(ctx)
	if err != nil {
		return err
	}
	err = p.Store.Records(ctx, store.RecordFilter{Kind: audit.RecordManifest}, func(rec audit.Record) error {
		body, err := p.Seal.Body(ctx, rec)
		if err != nil {
			return err
		}
		m, err := decodeManifest(rec, body)
		keys = append(keys, audit.StreamKey{Source: rec.Source, Scope: m.Scope, Type: m.Type})
		return err
	})
	if err != nil {
		return err
	}
	slices.SortFunc(keys, compareKeys)
	keys = slices.Compact(keys)
	for len(keys) > 0 {
		name := keys[0].Source
		n := slices.IndexFunc(keys, func(k audit.StreamKey) bool { return k.Source != name })
		if n < 0 {
			n = len(keys)
		}
		if err := p.rebuildLocked(ctx, name, keys[:n]); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

func (p *Program) rebuildLocked(ctx context.Context, name string, keys []audit.StreamKey) (err error) {
	ctx, _, unlock, err := p.lockSource(ctx, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	for _, key := range keys {
		if err := p.Rebuild(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// observations reads a stream's observations back from sealed evidence.
func (p *Program) observations(ctx context.Context, key audit.StreamKey) ([]audit.Observation, error) {
	byCollection := map[string][]sealedManifest{}
	var order []string
	err := p.Store.Records(ctx, store.RecordFilter{Kind: audit.RecordManifest, Source: key.Source}, func(rec audit.Record) error {
		if rec.Scope != key.Scope {
			return nil
		}
		body, err := p.Seal.Body(ctx, rec)
		if err != nil {
			return err
		}
		m, err := decodeManifest(rec, body)
		if err != nil || m.Type != key.Type {
			return err
		}
		if byCollection[rec.Collection] == nil {
			order = append(order, rec.Collection)
		}
		byCollection[rec.Collection] = append(byCollection[rec.Collection], sealedManifest{m, rec.Index})
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []audit.Observation
	for _, id := range order {
		obs, err := p.observed(ctx, key, id, byCollection[id])
		if err != nil {
			return nil, err
		}
		out = append(out, obs...)
	}
	return out, nil
}

// observed normalizes the pages of one collection again for a stream's manifests.
func (p *Program) observed(ctx context.Context, key audit.StreamKey, collection string, ms []sealedManifest) ([]audit.Observation, error) {
	col, err := p.Store.Collection(ctx, collection)
	if err != nil {
		return nil, err
	}
	drv, err := p.Drivers.Find(col.Driver)
	if err != nil {
		return nil, err
	}
	out := make([]audit.Observation, len(ms))
	for i, m := range ms {
		out[i] = audit.Observation{Stream: key, Mode: m.Mode, Covers: m.Covers, Complete: m.Complete, Reason: m.Reason, Record: m.Record}
	}
	err = p.Store.Records(ctx, store.RecordFilter{Kind: audit.RecordPage, Collection: collection}, func(rec audit.Record) error {
		if rec.Digest == "" {
			return p.withoutErased(ctx, rec, out, ms)
		}
		for i, m := range ms {
			if !m.Takes(rec.PageKind, rec.Scope, rec.About) {
				continue
			}
			items, err := p.reparse(ctx, drv, col.Config, rec, key.Type, m.Mode)
			if err != nil {
				return err
			}
			out[i].Items = append(out[i].Items, items...)
			break
		}
		return nil
	})
	return out, err
}

// reparse normalizes a sealed page again and returns its sound items of one
// type. Rows it cannot read made the manifest incomplete when it was sealed.
func (p *Program) reparse(ctx context.Context, drv driver, config json.RawMessage, rec audit.Record, typ string, mode audit.Mode) ([]audit.Seen, error) {
	page, err := p.page(ctx, rec)
	if err != nil {
		return nil, err
	}
	items, _ := drv.Normalize(config, page)
	var out []audit.Seen
	for _, it := range items {
		if it.Type == typ && timeline.Check(mode, it) == nil {
			out = append(out, audit.Seen{Item: it, Record: rec.Index})
		}
	}
	return out, nil
}
