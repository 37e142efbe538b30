package period

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"tieout/audit"
	"tieout/source"
)

// A comeback is where collections of a source that were cut short had come to.
// It counts only for a collection that asks the same: of the same driver with
// the same configuration, from the same instant on.
type comeback struct {
	Driver  string            `json:"driver"`
	Version int               `json:"version"`
	Config  json.RawMessage   `json:"config"`
	From    time.Time         `json:"from"`
	Zone    string            `json:"zone"`
	Since   map[string]string `json:"since"`
}

func (c comeback) fits(o comeback) bool {
	return c.Driver == o.Driver && c.Version == o.Version && bytes.Equal(c.Config, o.Config) && c.From.Equal(o.From) && c.Zone == o.Zone
}

func resumeMeta(name string) string { return "resume/" + name }

// comeback returns what is kept for a source; the zero value where nothing is.
func (p *Program) comeback(ctx context.Context, name string) (c comeback, err error) {
	text, err := p.Store.Meta(ctx, resumeMeta(name))
	if isNotFound(err) || err == nil && text == "" {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return c, fmt.Errorf("%w: meta %s: %w", audit.ErrAltered, resumeMeta(name), err)
	}
	return c, nil
}

// resume returns the cursors a collection can go on from.
func (p *Program) resume(ctx context.Context, drv *source.Driver, name string, config json.RawMessage, w audit.Window) (map[string]string, error) {
	kept, err := p.comeback(ctx, name)
	if len(config) == 0 {
		config = json.RawMessage("{}")
	}
	if err != nil || !kept.fits(comeback{Driver: drv.Name, Version: drv.Version, Config: config, From: w.From, Zone: w.Zone}) {
		return nil, err
	}
	return kept.Since, nil
}

// saveResume keeps the cursors of a collection that was cut short beside those
// it was given, and forgets them all after one that ended by itself. A stream
// with a page that could not be read is read again from its beginning: going on
// behind that page would call complete what is not.
func (p *Program) saveResume(ctx context.Context, s *sink, cut bool) error {
	kept, err := p.comeback(ctx, s.col.Source)
	if err != nil {
		return err
	}
	next := comeback{Driver: s.col.Driver, Version: s.col.Version, Config: s.col.Config, From: s.col.Window.From, Zone: s.col.Zone}
	if cut {
		if next.Since, err = p.Store.Cursors(ctx, s.col.ID); err != nil {
			return err
		}
		if kept.fits(next) {
			before := maps.Clone(kept.Since)
			maps.Copy(before, next.Since)
			next.Since = before
		}
		for _, b := range s.bad {
			delete(next.Since, cursorKey(b.kind, b.scope))
		}
	}
	if len(next.Since) == 0 {
		return p.forgetResume(ctx, s.col.Source)
	}
	text, err := json.Marshal(next)
	if err != nil {
		return err
	}
	return p.Store.SetMeta(ctx, resumeMeta(s.col.Source), string(text))
}

// forgetResume lets the next collection read everything again.
func (p *Program) forgetResume(ctx context.Context, name string) error {
	kept, err := p.comeback(ctx, name)
	if err != nil || len(kept.Since) == 0 {
		return err
	}
	return p.Store.SetMeta(ctx, resumeMeta(name), "")
}
