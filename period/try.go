package period

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tieout/audit"
	"tieout/definition"
	"tieout/source"
	"tieout/timeline"
)

// Try reads a connection as Collect would, and keeps nothing. A reach above
// zero shortens what is read of the past to that long. It returns the manifest of every stream that was closed,
// with the number of items that could be read, also where err is not nil.
func (p *Program) Try(ctx context.Context, name string, reach time.Duration) ([]audit.Manifest, error) {
	def, err := p.sourceDef(name)
	if err != nil {
		return nil, err
	}
	return p.TryDef(ctx, def, p.Env, reach)
}

// TryDef is Try of a connection that the workspace need not have, with what env
// lends it.
func (p *Program) TryDef(ctx context.Context, def definition.SourceDef, env source.Env, reach time.Duration) ([]audit.Manifest, error) {
	drv, err := p.Drivers.Find(def.Kind)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", def.File, err)
	}
	collector, config, err := drv.Open(def.Name, def.With, env)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", def.File, err)
	}
	now := audit.Instant(p.Now())
	t := &trial{drv: drv, config: config}
	w := p.window(now)
	if short := now.Add(-reach); reach > 0 && short.After(w.From) {
		w.From = short
	}
	err = collector.Collect(source.Trying(ctx), w, t)
	return t.closed, err
}

// A trial is a sink that counts and forgets.
type trial struct {
	drv    *source.Driver
	config json.RawMessage
	seen   []seenPage
	closed []audit.Manifest
}

// A seenPage is what is left of a page: how many items of each type it gave.
type seenPage struct {
	kind, scope string
	about       audit.Span
	items       map[string]int
	why         string
}

func (t *trial) Page(ctx context.Context, pages ...audit.Page) error {
	for _, p := range pages {
		if err := ctx.Err(); err != nil {
			return err
		}
		s := seenPage{kind: p.Kind, scope: p.Scope, about: p.About, items: map[string]int{}}
		items, err := t.drv.Normalize(t.config, p)
		if err != nil {
			s.why = err.Error()
		}
		for _, it := range items {
			if timeline.Check(modeOf(it), it) == nil {
				s.items[it.Type]++
			}
		}
		t.seen = append(t.seen, s)
	}
	return nil
}

// modeOf is a mode in which an item may be as it is.
func modeOf(it audit.Item) audit.Mode {
	if t, err := audit.TypeByName(it.Type); err == nil && t.Event {
		return audit.ModeEvents
	}
	if it.At.IsZero() {
		return audit.ModeSnapshot
	}
	return audit.ModeChanges
}

func (t *trial) Close(ctx context.Context, m audit.Manifest) error {
	m.Items = 0
	for _, s := range t.seen {
		if !m.Takes(s.kind, s.scope, s.about) {
			continue
		}
		m.Items += s.items[m.Type]
		if s.why != "" && m.Complete {
			m.Complete, m.Reason = false, s.why
		}
	}
	t.closed = append(t.closed, m)
	return ctx.Err()
}

func (t *trial) Progress(string, int, int) {}
