package period

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"tieout/audit"
	"tieout/store"
	"tieout/timeline"
)

// recover closes collections of a source that were interrupted: their pages are
// sealed, so what they showed counts as seen, and never as complete. It brings
// the timeline up to what is sealed and returns the cursors to go on from.
func (p *Program) recover(ctx context.Context, name string) (since map[string]string, closed []string, err error) {
	open, err := p.Store.Unfinished(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	for _, col := range open {
		if since, err = p.Store.Cursors(ctx, col.ID); err != nil {
			return nil, nil, err
		}
		if err := p.closeInterrupted(ctx, col.Collection); err != nil {
			return nil, nil, fmt.Errorf("close interrupted collection %s: %w", col.ID, err)
		}
		closed = append(closed, col.ID)
	}
	return since, closed, p.catchUp(ctx, name)
}

// closeInterrupted normalizes the pages no sealed manifest speaks of and closes
// their streams as incomplete.
func (p *Program) closeInterrupted(ctx context.Context, col audit.Collection) error {
	drv, err := p.Drivers.Find(col.Driver)
	if err != nil {
		return err
	}
	s := p.newSink(drv, col, audit.Actor{Kind: audit.ActorConnector, Name: drv.Name}, func(Progress) {})
	manifests, err := p.manifests(ctx, col.ID)
	if err != nil {
		return err
	}
	err = p.Store.Records(ctx, store.RecordFilter{Kind: audit.RecordPage, Collection: col.ID}, func(rec audit.Record) error {
		page, err := p.page(ctx, rec)
		if err != nil {
			return err
		}
		s.pages++
		s.normalize(page, rec)
		return nil
	})
	if err != nil {
		return err
	}
	for _, m := range manifests {
		s.take(m.Manifest)
	}
	s.manifests = len(manifests)
	_, err = s.finish(ctx, fmt.Errorf("the collection was interrupted; it was closed on %s", audit.FormatTime(p.Now())))
	return err
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

// catchUp rebuilds the streams of manifests that were sealed and did not reach
// the timeline before a crash.
func (p *Program) catchUp(ctx context.Context, name string) error {
	applied, err := p.applied(ctx, name)
	if err != nil {
		return err
	}
	late := map[audit.StreamKey]bool{}
	last := applied
	err = p.Store.Records(ctx, store.RecordFilter{Kind: audit.RecordManifest, Source: name, From: applied + 1}, func(rec audit.Record) error {
		body, err := p.Seal.Body(ctx, rec)
		if err != nil {
			return err
		}
		m, err := decodeManifest(rec, body)
		late[audit.StreamKey{Source: name, Scope: m.Scope, Type: m.Type}] = true
		last = rec.Index
		return err
	})
	if err != nil {
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
	text, err := p.Store.Meta(ctx, "applied/"+name)
	if isNotFound(err) {
		return -1, nil
	}
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: meta applied/%s is %q, not a log index", audit.ErrAltered, name, text)
	}
	return n, nil
}

func (p *Program) setApplied(ctx context.Context, name string, index int64) error {
	return p.Store.SetMeta(ctx, "applied/"+name, strconv.FormatInt(index, 10))
}

// Rebuild makes one stream of the timeline anew from sealed evidence. The
// result is the same bytes as if everything had come in order.
func (p *Program) Rebuild(ctx context.Context, key audit.StreamKey) error {
	obs, err := p.observations(ctx, key)
	if err != nil {
		return fmt.Errorf("rebuild %s of %s: %w", key.Type, key.Source, err)
	}
	if err := p.Store.DropStream(ctx, key); err != nil {
		return err
	}
	tls, err := timeline.Observe(obs)
	if err != nil {
		return fmt.Errorf("rebuild %s of %s: %w", key.Type, key.Source, err)
	}
	tl := tls[key.Type]
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

// RebuildAll makes the whole timeline anew from sealed evidence.
func (p *Program) RebuildAll(ctx context.Context) error {
	keys, err := p.Store.Streams(ctx)
	if err != nil {
		return err
	}
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
