package period

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/evidence"
	"tieout/internal/canonical"
	"tieout/source"
	"tieout/store"
	"tieout/timeline"
)

// Limits of what a sink holds before it seals manifests and stores versions.
const (
	flushManifests = 64
	flushItems     = 100_000
)

// sink is the source.Sink of one collection: it seals pages, normalizes them,
// keeps items until their stream closes, seals the manifest and hands the items
// to the timeline. Everything it has sealed survives a crash; what it had not
// closed yet is closed as incomplete by the next collection (see recover.go).
// After a write that failed it takes nothing more: what of it was kept is for
// the store to say.
type sink struct {
	p        *Program
	lock     store.Lease // of the source: nothing is sealed without it
	drv      *source.Driver
	col      audit.Collection
	actor    audit.Actor
	progress func(Progress)

	items    map[itemKey][]audit.Seen
	bad      []badPage
	closed   []closing
	held     int // items waiting in items and closed
	trackers map[trackerKey]*timeline.Tracker
	dirty    map[audit.StreamKey]bool // streams to rebuild from evidence: something late came in
	sealed   int64                    // log index of the newest manifest
	broken   error                    // a write failed, and its outcome is unknown

	all                          []audit.Manifest // every stream closed so far
	known                        *known
	pages, manifests, incomplete int
	unchanged                    int // streams that were sealed before and are the same
	problems                     []string
}

// itemKey says which manifests an item can belong to.
type itemKey struct {
	typ, kind, scope string
	about            audit.Span
}

// trackerKey names a stream as it comes in one mode.
type trackerKey struct {
	audit.StreamKey
	mode audit.Mode
}

// badPage is a page that normalizing could not read, in whole or in part.
type badPage struct {
	kind, scope string
	about       audit.Span
	why         string
}

// closing is a stream that was closed and waits to be sealed.
type closing struct {
	m     audit.Manifest
	items []audit.Seen
}

// Page implements source.Sink.
func (s *sink) Page(ctx context.Context, pages ...audit.Page) error {
	if err := cmp.Or(s.broken, ctx.Err()); err != nil || len(pages) == 0 {
		return err
	}
	if err := s.seal(ctx, s.known.park(pages)); err != nil {
		return err
	}
	if last := pages[len(pages)-1]; last.Cursor != "" {
		return s.broke(s.p.Store.SaveCursor(ctx, s.col.ID, cursorKey(last.Kind, last.Scope), last.Cursor))
	}
	return nil
}

// cursorKey names what a cursor goes on with, in audit.Window.Since.
func cursorKey(kind, scope string) string { return kind + "\x1f" + scope }

// broke remembers the first write that failed.
func (s *sink) broke(err error) error {
	s.broken = cmp.Or(s.broken, err)
	return err
}

// seal seals pages and normalizes them.
func (s *sink) seal(ctx context.Context, pages []audit.Page) error {
	drafts := make([]evidence.Draft, len(pages))
	for i, p := range pages {
		drafts[i] = evidence.Draft{
			Kind: audit.RecordPage, Source: s.col.Source, Collection: s.col.ID, PageKind: p.Kind, Scope: p.Scope,
			Query: p.Query, Media: p.Media, About: p.About, Collected: p.Collected, Body: p.Body, Actor: s.actor,
		}
	}
	recs, err := s.p.Seal.SealUnder(ctx, s.lock, drafts...)
	if err != nil {
		return s.broke(err)
	}
	s.pages += len(recs)
	for i, rec := range recs {
		pages[i].Source = s.col.Source
		s.normalize(pages[i], rec)
	}
	return nil
}

// normalize turns a sealed page into items. What cannot be read is remembered:
// it makes every stream that takes the page incomplete.
func (s *sink) normalize(p audit.Page, rec audit.Record) {
	items, err := s.drv.Normalize(s.col.Config, p)
	if err != nil {
		s.spoil(p, fmt.Sprintf("%s: %v", rec.Ref(), err))
	}
	for _, it := range items {
		key := itemKey{it.Type, p.Kind, p.Scope, rec.About}
		s.items[key] = append(s.items[key], audit.Seen{Item: it, Record: rec.Index})
	}
	s.held += len(items)
}

func (s *sink) spoil(p audit.Page, why string) {
	about := audit.Span{From: audit.Instant(p.About.From), To: audit.Instant(p.About.To)}
	s.bad = append(s.bad, badPage{p.Kind, p.Scope, about, why})
}

// Close implements source.Sink.
func (s *sink) Close(ctx context.Context, m audit.Manifest) error {
	m.Covers = audit.Span{From: audit.Instant(m.Covers.From), To: audit.Instant(m.Covers.To)}
	if s.known.same(m) {
		s.unchanged++
		return nil
	}
	if err := s.seal(ctx, s.known.unpark(m)); err != nil {
		return err
	}
	items := s.take(m)
	var faults []string
	kept := items[:0]
	for _, it := range items {
		if err := timeline.Check(m.Mode, it.Item); err != nil {
			faults = append(faults, fmt.Sprintf("%s: %v", audit.EvidenceRef(it.Record), err))
			continue
		}
		kept = append(kept, it)
	}
	for _, b := range s.bad {
		if m.Takes(b.kind, b.scope, b.about) {
			faults = append(faults, b.why)
		}
	}
	m.Items = len(kept)
	s.settle(&m, faults)
	s.closed = append(s.closed, closing{m, kept})
	if s.broken == nil && (len(s.closed) >= flushManifests || s.held >= flushItems) {
		return s.broke(s.flush(ctx))
	}
	return s.broken
}

// settle writes faults into the manifest: with any, or with a check that does
// not add up, the stream is not complete and says why.
func (s *sink) settle(m *audit.Manifest, faults []string) {
	for _, c := range m.Checks {
		if !c.OK && !strings.Contains(m.Reason, c.Name) {
			faults = append(faults, fmt.Sprintf("%s: expected %s, read %s", c.Name, c.Want, c.Got))
		}
	}
	if len(faults) > 0 {
		m.Complete = false
		m.Reason = joinReasons(m.Reason, faults)
	}
	if !m.Complete {
		s.incomplete++
		if m.Reason == "" {
			m.Reason = "the source did not say why"
		}
	}
}

// maxReasons is how many faults a manifest names; the rest are counted.
const maxReasons = 20

func joinReasons(first string, faults []string) string {
	all := faults
	if first != "" {
		all = append([]string{first}, faults...)
	}
	if n := len(all) - maxReasons; n > 0 {
		all = append(slices.Clone(all[:maxReasons]), fmt.Sprintf("and %d more", n))
	}
	return strings.Join(all, "; ")
}

// take removes and returns the items m speaks of, in the order they were seen.
func (s *sink) take(m audit.Manifest) []audit.Seen {
	var out []audit.Seen
	for key, items := range s.items {
		if key.typ == m.Type && m.Takes(key.kind, key.scope, key.about) {
			out = append(out, items...)
			delete(s.items, key)
		}
	}
	slices.SortStableFunc(out, func(a, b audit.Seen) int { return int(a.Record - b.Record) })
	return out
}

// flush seals the manifests that wait, and then brings their items into the
// timeline. After a crash between the two the timeline is rebuilt.
func (s *sink) flush(ctx context.Context) error {
	if len(s.closed) == 0 {
		return nil
	}
	drafts := make([]evidence.Draft, len(s.closed))
	for i, c := range s.closed {
		body, err := canonical.Marshal(c.m)
		if err != nil {
			return fmt.Errorf("manifest of %s %s: %w", s.col.Source, c.m.Type, err)
		}
		drafts[i] = evidence.Draft{
			Kind: audit.RecordManifest, Source: s.col.Source, Collection: s.col.ID, Scope: c.m.Scope,
			Media: "application/json", About: c.m.Covers, Body: body, Actor: s.actor,
		}
	}
	recs, err := s.p.Seal.SealUnder(ctx, s.lock, drafts...)
	if err != nil {
		return err
	}
	s.manifests += len(recs)
	for _, c := range s.closed {
		s.all = append(s.all, c.m)
	}
	if err := s.observe(ctx, recs); err != nil {
		return err
	}
	for _, c := range s.closed {
		s.held -= len(c.items)
	}
	s.closed = s.closed[:0]
	s.sealed = recs[len(recs)-1].Index
	if len(s.dirty) > 0 {
		return nil // what is to be rebuilt is not in the timeline yet
	}
	return s.p.setApplied(ctx, s.col.Source, s.sealed)
}

// observe hands the closed streams to their trackers, in order, and stores
// what is new, stream by stream.
func (s *sink) observe(ctx context.Context, recs []audit.Record) error {
	batches := map[trackerKey]*timeline.Delta{}
	var order []trackerKey
	for i, c := range s.closed {
		key := audit.StreamKey{Source: s.col.Source, Scope: c.m.Scope, Type: c.m.Type}
		if s.dirty[key] {
			continue
		}
		d, err := s.track(ctx, key, c, recs[i].Index)
		if errors.Is(err, timeline.ErrOutOfOrder) {
			s.dirty[key] = true
			continue
		}
		if err != nil {
			return err
		}
		at := trackerKey{key, c.m.Mode}
		if batches[at] == nil {
			batches[at] = &timeline.Delta{}
			order = append(order, at)
		}
		*batches[at] = concat(*batches[at], d)
	}
	for _, at := range order {
		if s.dirty[at.StreamKey] {
			continue // will be rebuilt as a whole
		}
		if err := s.p.append(ctx, at.StreamKey, at.mode, *batches[at]); err != nil {
			return err
		}
	}
	return nil
}

// track takes one closed stream into its tracker.
func (s *sink) track(ctx context.Context, key audit.StreamKey, c closing, record int64) (timeline.Delta, error) {
	t, err := s.tracker(ctx, key, c.m.Mode)
	if err != nil {
		return timeline.Delta{}, err
	}
	if err := t.Open(c.m.Covers); err != nil {
		return timeline.Delta{}, err
	}
	var rows []timeline.Row
	for _, it := range c.items {
		if err := t.Add(it.Item, it.Record); err != nil && !errors.Is(err, audit.ErrInvalid) {
			return timeline.Delta{}, err
		}
	}
	rows = append(rows, t.Drain()...)
	d, err := t.Close(c.m.Complete, c.m.Reason, record)
	d.Rows = append(rows, d.Rows...)
	return d, err
}

func (s *sink) tracker(ctx context.Context, key audit.StreamKey, mode audit.Mode) (*timeline.Tracker, error) {
	at := trackerKey{key, mode}
	if t := s.trackers[at]; t != nil {
		return t, nil
	}
	t, err := s.p.tracker(ctx, key, mode)
	if err != nil {
		return nil, err
	}
	s.trackers[at] = t
	return t, nil
}

// Progress implements source.Sink.
func (s *sink) Progress(stream string, done, total int) {
	s.progress(Progress{Source: s.col.Source, Stream: stream, Done: done, Total: total})
}

// finish closes what was left open, seals the end and rebuilds streams that
// late evidence came in for.
func (s *sink) finish(ctx context.Context, cause error) (audit.CollectionEnd, error) {
	if cause != nil {
		s.problems = append(s.problems, cause.Error())
	}
	if err := s.closeLeft(ctx); err != nil {
		return audit.CollectionEnd{}, err
	}
	if err := s.flush(ctx); err != nil {
		return audit.CollectionEnd{}, err
	}
	if err := s.rebuild(ctx); err != nil {
		return audit.CollectionEnd{}, err
	}
	if err := s.p.saveResume(ctx, s, cause != nil); err != nil {
		return audit.CollectionEnd{}, err
	}
	end := audit.CollectionEnd{
		ID: s.col.ID, Ended: audit.Instant(s.p.Now()), Pages: s.pages, Manifests: s.manifests,
		Unchanged: s.unchanged, Complete: s.incomplete == 0 && len(s.problems) == 0 && s.manifests+s.unchanged > 0, Problems: s.problems,
	}
	return end, s.p.sealEnd(ctx, s.lock, s.col, end, s.actor)
}

// rebuild brings late evidence into the timeline.
func (s *sink) rebuild(ctx context.Context) error {
	if len(s.dirty) == 0 {
		return nil
	}
	for key := range s.dirty {
		if err := s.p.Rebuild(ctx, key); err != nil {
			return err
		}
	}
	return s.p.setApplied(ctx, s.col.Source, s.sealed)
}

// closeLeft closes streams of items that no manifest took: the source stopped
// half way, or forgot. They count as seen, and never as complete.
func (s *sink) closeLeft(ctx context.Context) error {
	for key := range s.items {
		if s.known.took(key) {
			delete(s.items, key) // sealed and counted by an earlier collection
		}
	}
	for len(s.items) > 0 {
		key := s.firstLeft()
		it, err := audit.TypeByName(key.typ)
		if err != nil {
			return fmt.Errorf("%w: source %s gave items of type %q, which there is none of", audit.ErrInvalid, s.col.Source, key.typ)
		}
		m := audit.Manifest{
			Type: key.typ, Scope: key.scope, Mode: audit.ModeSnapshot, Covers: key.about, Kinds: []string{key.kind},
			Reason: "the collection ended before the source closed this stream", Queries: []string{},
		}
		if it.Event {
			m.Mode = audit.ModeEvents
		}
		if !it.Event && key.about != audit.At(key.about.From) {
			m.Mode = audit.ModeChanges
		}
		if err := s.Close(ctx, m); err != nil {
			return err
		}
		delete(s.items, key)
	}
	return nil
}

// firstLeft picks the left-over key that sorts first, so that a collection
// always ends the same way.
func (s *sink) firstLeft() itemKey {
	keys := make([]itemKey, 0, len(s.items))
	for k := range s.items {
		keys = append(keys, k)
	}
	return slices.MinFunc(keys, func(a, b itemKey) int {
		x, y := [3]string{a.typ, a.scope, a.kind}, [3]string{b.typ, b.scope, b.kind}
		if c := slices.Compare(x[:], y[:]); c != 0 {
			return c
		}
		return a.about.From.Compare(b.about.From)
	})
}

func concat(a, b timeline.Delta) timeline.Delta {
	a.Rows = append(a.Rows, b.Rows...)
	a.Points = append(a.Points, b.Points...)
	a.Covered = append(a.Covered, b.Covered...)
	a.Holes = append(a.Holes, b.Holes...)
	return a
}

// decodeManifest reads a sealed manifest.
func decodeManifest(rec audit.Record, body []byte) (audit.Manifest, error) {
	var m audit.Manifest
	if err := json.Unmarshal(body, &m); err != nil {
		return m, fmt.Errorf("%w: %s is not a manifest: %w", audit.ErrAltered, rec.Ref(), err)
	}
	return m, nil
}
