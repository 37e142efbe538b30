// Package program is the source that reads this workspace's own registers:
// policies and who agreed to them, training, access reviews, risks, incidents,
// issues, what was done on schedule, as people keep them in Tieout.
package program

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"tieout/audit"
	"tieout/source"
)

// What the registers can say: states, and events.
var (
	states = []string{"document", "incident", "link", "risk", "ticket", "vendor"}
	events = []string{"accessReview", "acknowledgement", "disclosure", "notice", "revision", "training"}
	types  = slices.Concat(states, events)
	usual  = slices.DeleteFunc(slices.Clone(types), func(t string) bool { return t == "ticket" })
)

var cannot = []string{
	"whether what a person wrote is true: an entry proves who wrote it and when, no more",
	"what nobody wrote down, and anything before the log of this workspace began",
}

// Driver is the program source. docs/sources/program.md describes it.
var Driver = &source.Driver{
	Name:    "program",
	Version: 1,
	Title:   "This workspace's own registers: policies, training, access reviews, risks, incidents, tasks",
	Types:   types,
	Scopes:  []source.Scope{{Name: "this workspace", Why: "entries of its own log; nothing outside is asked"}},
	Cannot:  cannot,
	Settings: []source.Setting{
		{Name: "types", Doc: "item types to read; absent: all but ticket, which is an issue of this workspace as a deficiency. Leave out what another connection keeps for you", Example: "[accessReview, acknowledgement]"},
	},
	Open:      open,
	Normalize: normalize,
}

type settings struct {
	Types []string `json:"types"`
}

type collector struct {
	name  string
	types []string
	env   source.Env
}

func open(name string, with json.RawMessage, env source.Env) (source.Collector, json.RawMessage, error) {
	var s settings
	if err := source.Strict(with, &s); err != nil {
		return nil, nil, fmt.Errorf("source %s: %w", name, err)
	}
	if s.Types == nil {
		s.Types = usual
	}
	for _, t := range s.Types {
		if !slices.Contains(types, t) {
			return nil, nil, fmt.Errorf("source %s: types: %w: the registers say nothing of %q; they know %v", name, audit.ErrInvalid, t, types)
		}
	}
	return &collector{name, s.Types, env}, json.RawMessage("{}"), nil
}

// A page holds what was recorded of one type on one day (UTC).
type day struct {
	typ  string
	from time.Time
	body bytes.Buffer
}

// Collect seals a page for each day and type. A day that is over never changes,
// so that its page is sealed once.
func (c *collector) Collect(ctx context.Context, w audit.Window, sink source.Sink) error {
	run := &source.Run{Source: c.name, Window: w, Sink: sink}
	covers := run.Covers()
	if c.env.Program == nil {
		return run.Refuse(ctx, "this program keeps no registers", c.streams(run, covers)...)
	}
	var days []*day
	last := map[string]*day{}
	begins, err := c.env.Program(ctx, func(f audit.Fact) error {
		if !slices.Contains(c.types, f.Type) || !f.Recorded.Before(covers.To) {
			return ctx.Err()
		}
		d := last[f.Type]
		if from := f.Recorded.UTC().Truncate(24 * time.Hour); d == nil || !d.from.Equal(from) {
			d = &day{typ: f.Type, from: from}
			last[f.Type], days = d, append(days, d)
		}
		return json.NewEncoder(&d.body).Encode(f)
	})
	if err != nil {
		return fmt.Errorf("source %s: %w", c.name, err)
	}
	if !begins.IsZero() {
		covers.From = begins // of the registers the whole is read, also where the window begins later
	}
	streams := c.streams(run, covers)
	for _, d := range days {
		if err := run.Seal(ctx, d.page(covers), streams[slices.Index(c.types, d.typ)]); err != nil {
			return err
		}
	}
	return run.Close(ctx, streams...)
}

func kindOf(typ string) string { return "program." + typ }

func (c *collector) streams(run *source.Run, covers audit.Span) []*source.Stream {
	var out []*source.Stream
	for _, t := range c.types {
		open := run.EventsIn
		if slices.Contains(states, t) {
			open = run.Changes
		}
		s := open(covers, t, "", cannot, kindOf(t))
		s.Asked("entries of this workspace's registers")
		out = append(out, s)
	}
	return out
}

// page is a day as a page, cut to what the stream covers.
func (d *day) page(covers audit.Span) audit.Page {
	about := audit.Span{From: d.from, To: d.from.Add(24 * time.Hour)}
	if about.From.Before(covers.From) {
		about.From = covers.From
	}
	if about.To.After(covers.To) {
		about.To = covers.To
	}
	return audit.Page{Kind: kindOf(d.typ), Query: d.typ + " entries recorded on " + d.from.Format(time.DateOnly), Media: "application/jsonl",
		Body: d.body.Bytes(), About: about}
}

func normalize(_ json.RawMessage, p audit.Page) ([]audit.Item, error) {
	if p.Kind == source.KindFailed {
		return nil, nil
	}
	i := slices.IndexFunc(types, func(t string) bool { return kindOf(t) == p.Kind })
	if i < 0 {
		return nil, fmt.Errorf("%w: the registers give no page of kind %q", audit.ErrInvalid, p.Kind)
	}
	var r source.Reading
	for n, line := range bytes.Split(bytes.TrimSuffix(p.Body, []byte("\n")), []byte("\n")) {
		if err := read(&r, types[i], line); err != nil {
			r.Refuse(fmt.Sprintf("line %d", n+1), err)
		}
	}
	if slices.Contains(events, types[i]) {
		r.Items = newest(r.Items)
	}
	return r.Done()
}

// newest keeps, of an event that was told more than once on a page, what was
// told last: it was corrected or approved.
func newest(items []audit.Item) []audit.Item {
	last := map[string]int{}
	for i, it := range items {
		last[it.ID] = i
	}
	out := items[:0]
	for i, it := range items {
		if last[it.ID] == i {
			out = append(out, it)
		}
	}
	return out
}

func read(r *source.Reading, typ string, line []byte) error {
	var f audit.Fact
	if err := source.Strict(line, &f); err != nil {
		return err
	}
	if f.Type != typ || f.ID == "" || f.At.IsZero() || f.Record < 0 {
		return errors.New("it says no item of this page's type, or not since when")
	}
	if f.Gone {
		r.Items = append(r.Items, audit.Item{Type: typ, ID: f.ID, At: audit.Instant(f.At), Gone: true})
		return nil
	}
	fields, err := valuesOf(typ, f.Fields)
	if err != nil {
		return err
	}
	r.Add(typ, f.ID, f.At, fields)
	return nil
}

// valuesOf turns JSON's values into those of the schema.
func valuesOf(typ string, in map[string]any) (source.Fields, error) {
	t, err := audit.TypeByName(typ)
	if err != nil {
		return nil, err
	}
	out := source.Fields{}
	for name, v := range in {
		i := slices.IndexFunc(t.Fields, func(f audit.Field) bool { return f.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("%s has no field %q", typ, name)
		}
		if out[name], err = valueOf(t.Fields[i].Kind, v); err != nil {
			return nil, fmt.Errorf("field %s: %w", name, err)
		}
	}
	return out, nil
}

func valueOf(kind audit.FieldKind, v any) (any, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case string:
		if kind == audit.Time {
			return audit.ParseTime(v)
		}
		return v, nil
	case float64:
		if n := int64(v); float64(n) == v {
			return n, nil
		}
	case []any:
		out := make([]string, len(v))
		for i, x := range v {
			s, ok := x.(string)
			if !ok {
				return nil, fmt.Errorf("%v is not a text", x)
			}
			out[i] = s
		}
		return out, nil
	}
	return nil, fmt.Errorf("%v is not a value of an item", v)
}
