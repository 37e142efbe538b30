package bundle

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"tieout/audit"
	"tieout/timeline"
)

// A stream gathers what its manifests observe. In order, it goes through a
// tracker; else all observations are kept and observed together.
type stream struct {
	tracker *timeline.Tracker
	rows    timeline.StreamRows
	kept    []audit.Observation
	ordered bool
	at      audit.Span // of the latest manifest planned
	record  int64
}

// observe reads the records twice: for the plan, and for the items.
func (p *reperformer) observe(ctx context.Context) error {
	p.plan = &plan{collections: map[string]*collection{}, streams: map[streamID]*stream{}, ready: map[int64][]*manifest{}}
	if err := p.b.eachRecord(ctx, p.prepare); err != nil {
		return err
	}
	for _, c := range p.plan.collections {
		p.plan.settle(c)
	}
	if err := p.plan.order(); err != nil {
		return err
	}
	var stop func()
	p.lines, stop = p.b.itemLines(ctx)
	defer stop()
	progress := p.o.progress("items")
	err := p.b.eachRecord(ctx, func(r packed) error {
		if r.index%256 == 0 {
			progress(r.index, p.cp.Size)
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		return p.read(r)
	})
	if err != nil {
		return err
	}
	if err := p.extraItems(); err != nil {
		return err
	}
	return p.collect()
}

// read normalizes one record if it is a page, compares its items with the
// bundle's, hands them to the manifests that take them, and takes in the manifests
// that have all their items now.
func (p *reperformer) read(r packed) error {
	if r.how == bodyErased {
		p.out.Missing++
		return nil
	}
	var rec audit.Record
	if err := json.Unmarshal(r.canonical, &rec); err != nil {
		return altered(audit.EvidenceRef(r.index), "it is not a record: %v", err)
	}
	rec.Index = r.index
	if r.how == bodyWithheld {
		if rec.Kind == audit.RecordPage {
			p.out.Missing++
		}
	} else if err := p.normalize(rec, r); err != nil {
		return err
	}
	return p.end(p.plan.ready[r.index])
}

func (p *reperformer) normalize(rec audit.Record, r packed) error {
	switch rec.Kind {
	case audit.RecordCollection:
		body, err := p.b.bodyBytes(r)
		if err != nil {
			return err
		}
		// A driver this program does not have is named among the versions; its
		// pages then give no items here.
		if _, err := p.norm.collection(body); err != nil && !errors.Is(err, audit.ErrNotFound) {
			return err
		}
		return nil
	case audit.RecordPage:
		body, err := p.b.bodyBytes(r)
		if err != nil {
			return err
		}
		var items []audit.Item
		if _, known := p.norm.open[rec.Collection]; known || len(p.out.Versions) == 0 {
			if items, err = p.norm.page(rec, body); err != nil {
				return fmt.Errorf("%s: %w", rec.Ref(), err)
			}
		}
		if err := p.compareItems(rec, items); err != nil {
			return err
		}
		if r.index < p.c.Run {
			p.hand(rec, items)
		}
	}
	return nil
}

// hand gives each item to the first manifest of its collection that takes its
// page, as the collection did.
func (p *reperformer) hand(rec audit.Record, items []audit.Item) {
	taker := p.plan.collections[rec.Collection].takers(pageRef{rec.Index, rec.PageKind, rec.Scope, rec.About})
	for _, it := range items {
		if m := taker[it.Type]; m != nil && timeline.Check(m.Mode, it) == nil {
			m.items = append(m.items, audit.Seen{Item: it, Record: rec.Index})
		}
	}
}

// end takes manifests into their streams.
func (p *reperformer) end(manifests []*manifest) error {
	for _, m := range manifests {
		s := p.plan.streams[m.stream]
		o := audit.Observation{Stream: m.stream.StreamKey, Mode: m.Mode, Covers: m.Covers, Complete: m.Complete, Reason: m.Reason, Record: m.record, Items: m.items}
		m.items = nil
		if !s.ordered {
			s.kept = append(s.kept, o)
			continue
		}
		if err := s.take(o); err != nil {
			return fmt.Errorf("%s: %w", audit.EvidenceRef(m.record), err)
		}
	}
	return nil
}

func (s *stream) take(o audit.Observation) error {
	if err := s.tracker.Open(o.Covers); err != nil {
		return err
	}
	for _, it := range o.Items {
		_ = s.tracker.Add(it.Item, it.Record) // kept by the tracker as the reason of the hole
	}
	d, err := s.tracker.Close(o.Complete, o.Reason, o.Record)
	s.rows.Rows = append(s.rows.Rows, d.Rows...)
	s.rows.Points = append(s.rows.Points, d.Points...)
	s.rows.Covered = append(s.rows.Covered, d.Covered...)
	s.rows.Holes = append(s.rows.Holes, d.Holes...)
	return err
}

// collect gathers every stream's rows by item type.
func (p *reperformer) collect() error {
	p.types = map[string][]timeline.StreamRows{}
	for id, s := range p.plan.streams {
		rows := s.rows
		if !s.ordered {
			var err error
			if rows, err = timeline.ObserveStream(id.StreamKey, id.mode, s.kept); err != nil {
				return err
			}
		}
		p.types[id.Type] = append(p.types[id.Type], rows)
	}
	p.plan = nil
	return nil
}

// itemLines are the bundle's item lines, one after the other.
type itemLines struct {
	next func() ([]byte, error, bool)
	line []byte
	done bool
}

func (b *reader) itemLines(ctx context.Context) (*itemLines, func()) {
	next, stop := iter.Pull2(func(yield func([]byte, error) bool) {
		err := b.eachItem(ctx, func(line []byte) error {
			if !yield(line, nil) {
				return errStop
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(nil, err)
		}
	})
	return &itemLines{next: next}, stop
}

var errStop = errors.New("stopped")

func (l *itemLines) drop() { l.line = nil }

// peek returns the next line, nil at the end. It is valid until the next one is
// asked for.
func (l *itemLines) peek() ([]byte, error) {
	if l.line != nil || l.done {
		return l.line, nil
	}
	line, err, ok := l.next()
	if err != nil {
		return nil, err
	}
	l.line, l.done = line, !ok
	return l.line, nil
}

// of returns the lines of one record.
func (l *itemLines) of(record int64) (out [][]byte, err error) {
	for {
		line, err := l.peek()
		if line == nil || err != nil {
			return out, err
		}
		var of struct{ Record int64 }
		if err := json.Unmarshal(line, &of); err != nil {
			return nil, altered("items/", "a line is not JSON: %v", err)
		}
		if of.Record != record {
			return out, nil
		}
		out = append(out, bytes.Clone(line))
		l.drop()
	}
}

// compareItems compares a page's items with the bundle's lines for it. While
// they agree no line is parsed.
func (p *reperformer) compareItems(rec audit.Record, items []audit.Item) error {
	for i := range items {
		want, err := p.lines.peek()
		if err != nil {
			return err
		}
		p.buf = appendItem(p.buf[:0], items[i], rec.Index)
		if want == nil || !bytes.Equal(p.buf[:len(p.buf)-1], want) {
			items = items[i:]
			return p.compareRest(rec, items)
		}
		p.lines.drop()
		p.out.Items.Of++
		p.out.Items.Agree++
	}
	return p.compareRest(rec, nil)
}

// compareRest compares from the first place on where a page does not agree.
func (p *reperformer) compareRest(rec audit.Record, items []audit.Item) error {
	want, err := p.lines.of(rec.Index)
	if err != nil {
		return err
	}
	p.out.Items.Of += int64(max(len(want), len(items)))
	for i, it := range items {
		p.buf = appendItem(p.buf[:0], it, rec.Index)
		if i < len(want) && bytes.Equal(p.buf[:len(p.buf)-1], want[i]) {
			p.out.Items.Agree++
			continue
		}
		p.out.differ("%s: item %s %s is not what the bundle has", rec.Ref(), it.Type, it.ID)
	}
	for _, line := range want[min(len(items), len(want)):] {
		p.out.differ("%s: the bundle has an item that reading it anew does not give: %.200s", rec.Ref(), line)
	}
	return nil
}

// extraItems counts lines that belong to no page.
func (p *reperformer) extraItems() error {
	for {
		line, err := p.lines.peek()
		if line == nil || err != nil {
			return err
		}
		p.out.Items.Of++
		p.out.differ("an item of no page: %.200s", line)
		p.lines.drop()
	}
}
