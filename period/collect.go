package period

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"tieout/audit"
	"tieout/definition"
	"tieout/evidence"
	"tieout/internal/canonical"
	"tieout/source"
	"tieout/store"
	"tieout/timeline"
)

// carryIn is how far before the period a collection looks: more than a year, so
// that the state at the first instant is known, what was done yearly before, and
// the change a deployment carried.
const carryIn = 400 * 24 * time.Hour

// lockTTL is how long a collection's lock outlives the process that held it,
// where Options name nothing else.
const lockTTL = 2 * time.Minute

// Progress is how far one stream of one source is; Total is 0 while unknown.
type Progress struct {
	Source, Stream string
	Done, Total    int
}

// Collected is what one source gave.
type Collected struct {
	Source    string              `json:"source"`
	Driver    string              `json:"driver"`
	End       audit.CollectionEnd `json:"end"`
	Manifests []audit.Manifest    `json:"manifests"`
	Err       error               `json:"-"`
	Recovered []string            `json:"recovered,omitempty"` // interrupted collections that were closed first
}

// Collect reads the named sources, all where none is named, one after the
// other, and returns what each gave. A source that fails does not keep the
// others from being read. The error is for what keeps anything from being
// recorded; what single sources could not give is in their Collected.
func (p *Program) Collect(ctx context.Context, names []string, progress func(Progress)) ([]Collected, error) {
	if err := p.ofCompany(); err != nil {
		return nil, err
	}
	defs, err := p.sources(names)
	if err != nil {
		return nil, err
	}
	if progress == nil {
		progress = func(Progress) {}
	}
	var out []Collected
	for _, def := range defs {
		c, err := p.collectOne(ctx, def, progress)
		if err != nil {
			return out, fmt.Errorf("collect %s: %w", def.Name, err)
		}
		out = append(out, c)
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
	}
	return out, nil
}

func (p *Program) sources(names []string) ([]definition.SourceDef, error) {
	if len(p.Def.Sources) == 0 {
		return nil, fmt.Errorf("%w: the workspace has no sources; add one under sources/ (see 'tieout connector list')", audit.ErrNotFound)
	}
	if len(names) == 0 {
		return p.Def.Sources, nil
	}
	var out []definition.SourceDef
	for _, n := range names {
		def, err := p.sourceDef(n)
		if err != nil {
			return nil, err
		}
		out = append(out, def)
	}
	return out, nil
}

func (p *Program) sourceDef(name string) (definition.SourceDef, error) {
	for _, d := range p.Def.Sources {
		if d.Name == name {
			return d, nil
		}
	}
	return definition.SourceDef{}, fmt.Errorf("%w: source %q; the workspace has %s", audit.ErrNotFound, name, strings.Join(p.sourceNames(), ", "))
}

func (p *Program) sourceNames() []string {
	names := make([]string, len(p.Def.Sources))
	for i, d := range p.Def.Sources {
		names[i] = d.Name
	}
	return names
}

// collectOne runs one collection under the source's lock. Interrupted
// collections of the source are closed first; their cursors let this one go on.
func (p *Program) collectOne(ctx context.Context, def definition.SourceDef, progress func(Progress)) (c Collected, err error) {
	c = Collected{Source: def.Name, Driver: def.Kind}
	drv, err := p.Drivers.Find(def.Kind)
	if err != nil {
		return c, fmt.Errorf("%s: %w", def.File, err)
	}
	ctx, lock, unlock, err := p.lockSource(ctx, def.Name)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if c.Recovered, err = p.recover(ctx, lock, def.Name); err != nil {
		return c, err
	}
	collector, config, err := drv.Open(def.Name, def.With, p.Env)
	if err != nil {
		return c, fmt.Errorf("%s: %w", def.File, err)
	}
	now := audit.Instant(p.Now())
	window := p.window(now)
	if window.Since, err = p.resume(ctx, drv, def.Name, config, window); err != nil {
		return c, err
	}
	s, err := p.open(ctx, lock, drv, def.Name, config, window, progress)
	if err != nil {
		return c, err
	}
	cause := collector.Collect(ctx, window, s)
	if lost := context.Cause(ctx); errors.Is(lost, errLostLock) {
		return c, lost
	}
	if errors.Is(s.broken, store.ErrNotHeld) {
		return c, fmt.Errorf("%w: %w: collect again", errLostLock, s.broken)
	}
	// What was read is sealed and closed also where the person gave up waiting.
	if err := p.conclude(context.WithoutCancel(ctx), s, cause, &c); err != nil {
		return c, errors.Join(err, cause)
	}
	c.Err = cause
	return c, nil
}

// window is what a collection that begins now reads.
func (p *Program) window(now time.Time) audit.Window {
	return audit.Window{Span: audit.Span{From: p.Period.From.Add(-carryIn), To: now}, AsOf: now, Zone: p.Period.Zone}
}

// conclude ends a collection. After a write that failed nobody knows what of it
// was kept: then what the sink remembers is thrown away, and the collection is
// closed as incomplete from what is really sealed. Where that fails too it
// stays open, and the next collection closes it.
func (p *Program) conclude(ctx context.Context, s *sink, cause error, c *Collected) (err error) {
	if s.broken == nil {
		c.End, err = s.finish(ctx, cause)
		c.Manifests = s.all
		return err
	}
	if c.End, err = p.closeInterrupted(ctx, s.lock, s.col, cmp.Or(cause, s.broken)); err != nil {
		return err
	}
	sealed, err := p.manifests(ctx, s.col.ID)
	for _, m := range sealed {
		c.Manifests = append(c.Manifests, m.Manifest)
	}
	return err
}

// open seals the beginning of a collection.
func (p *Program) open(ctx context.Context, lock store.Lease, drv *source.Driver, name string, config json.RawMessage, w audit.Window, progress func(Progress)) (*sink, error) {
	now := audit.Instant(p.Now())
	id, err := evidence.NewID(now)
	if err != nil {
		return nil, err
	}
	if len(config) == 0 {
		config = json.RawMessage("{}")
	}
	col := audit.Collection{ID: id, Source: name, Driver: drv.Name, Version: drv.Version, Config: config, Window: w.Span, Zone: w.Zone, Started: now}
	body, err := canonical.Marshal(col)
	if err != nil {
		return nil, fmt.Errorf("configuration of %s: %w", name, err)
	}
	actor := audit.Actor{Kind: audit.ActorConnector, Name: drv.Name}
	recs, err := p.Seal.SealUnder(ctx, lock, evidence.Draft{
		Kind: audit.RecordCollection, Source: name, Collection: id, Media: "application/json", About: w.Span, Body: body, Actor: actor,
	})
	if err != nil {
		return nil, err
	}
	if err := p.Store.SaveCollection(ctx, col, recs[0].Index); err != nil {
		return nil, err
	}
	s := p.newSink(lock, drv, col, actor, progress)
	s.known, err = p.loadKnown(ctx, col)
	return s, err
}

func (p *Program) newSink(lock store.Lease, drv *source.Driver, col audit.Collection, actor audit.Actor, progress func(Progress)) *sink {
	return &sink{
		p: p, lock: lock, drv: drv, col: col, actor: actor, progress: progress, known: &known{},
		items: map[itemKey][]audit.Seen{}, trackers: map[trackerKey]*timeline.Tracker{}, dirty: map[audit.StreamKey]bool{},
	}
}

func (p *Program) sealEnd(ctx context.Context, lock store.Lease, col audit.Collection, end audit.CollectionEnd, actor audit.Actor) error {
	body, err := canonical.Marshal(end)
	if err != nil {
		return err
	}
	recs, err := p.Seal.SealUnder(ctx, lock, evidence.Draft{
		Kind: audit.RecordEnd, Source: col.Source, Collection: col.ID, Media: "application/json", About: col.Window, Body: body, Actor: actor,
	})
	if err != nil {
		return err
	}
	return p.Store.EndCollection(ctx, end, recs[0].Index)
}

// errLostLock: the lock of a source could not be kept, as when this machine
// slept. Another process may have closed the collection as interrupted, so
// this one writes nothing more.
var errLostLock = errors.New("the lock of the source was lost")

// ErrBusy: another process is reading the source, or was when it died and its
// lock has not ended yet.
var ErrBusy = errors.New("is being collected by another process")

// lockSource keeps two processes from reading the same source, or rebuilding
// its streams, at once. The context it returns ends when the lock is lost; what is
// sealed under the lease is refused from the instant at which it ended.
func (p *Program) lockSource(ctx context.Context, name string) (held context.Context, lease store.Lease, unlock func() error, err error) {
	holder, err := evidence.NewID(p.Now())
	if err != nil {
		return nil, lease, nil, err
	}
	lease, err = p.Store.Lock(ctx, "collect/"+name, holder, p.lockTTL)
	if errors.Is(err, audit.ErrConflict) {
		err = fmt.Errorf("source %s %w: %w", name, ErrBusy, err)
	}
	if err != nil {
		return nil, lease, nil, err
	}
	held, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { cancel(p.keepLock(held, lease, p.lockTTL, done)) })
	return held, lease, func() error {
		close(done)
		wg.Wait()
		return p.Store.Unlock(context.WithoutCancel(ctx), lease)
	}, nil
}

// keepLock renews a lock until done is closed, or returns why it is lost:
// another holds it, has held it in between, or the store did not answer for as
// long as it lasts.
func (p *Program) keepLock(ctx context.Context, lease store.Lease, ttl time.Duration, done <-chan struct{}) error {
	t := time.NewTicker(ttl / 4)
	defer t.Stop()
	kept := time.Now()
	for {
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		again, err := p.Store.Lock(ctx, lease.Name, lease.Holder, ttl)
		switch {
		case err == nil && again.Token == lease.Token:
			kept = time.Now()
		case err == nil, errors.Is(err, audit.ErrConflict), time.Since(kept) > ttl:
			return fmt.Errorf("%w: %s: collect again", errLostLock, lease.Name)
		}
	}
}
