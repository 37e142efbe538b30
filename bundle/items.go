package bundle

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
	"tieout/timeline"
)

// items writes the items of every page that is there, normalized anew.
func (p *packer) items() error {
	lines := int64(0)
	part := parts{add: func(first int64, content []byte) error {
		return p.w.add(partName("items/", first), content, zipped)
	}}
	n := newNormalizer(p.in.Drivers)
	err := p.in.Records(p.ctx, func(r Record) error {
		if r.Erased || r.Withheld {
			return nil
		}
		items, err := n.take(p.ctx, r)
		if err != nil {
			return fmt.Errorf("write bundle: %s: %w", audit.EvidenceRef(r.Index), err)
		}
		for _, it := range items {
			if err := part.append(lines, func(b []byte) []byte { return appendItem(b, it, r.Index) }); err != nil {
				return err
			}
			lines++
		}
		return nil
	})
	if err != nil {
		return err
	}
	return part.flush()
}

// appendItem encodes one line under items/: canonical JSON and a newline.
func appendItem(b []byte, it audit.Item, record int64) []byte {
	b = append(b, '{')
	if !it.At.IsZero() {
		b = canonical.AppendString(append(b, `"at":`...), audit.FormatTime(it.At))
		b = append(b, ',')
	}
	if it.Gone {
		b = append(b, `"gone":true,`...)
	} else {
		b = append(append(append(b, `"body":`...), it.Body...), ',')
	}
	b = canonical.AppendString(append(b, `"id":`...), it.ID)
	b = strconv.AppendInt(append(b, `,"record":`...), record, 10)
	b = canonical.AppendString(append(b, `,"type":`...), it.Type)
	if it.Volatile != nil {
		b = append(append(b, `,"volatile":`...), it.Volatile...)
	}
	return append(b, "}\n"...)
}

// sound returns the items that are as the schema says. Others say nothing; the
// manifest that takes their page was sealed as incomplete for them.
func sound(items []audit.Item) []audit.Item {
	out := items[:0]
	for _, it := range items {
		if timeline.Check(modeOf(it), it) == nil {
			out = append(out, it)
		}
	}
	return out
}

// modeOf is the mode an item by itself fits.
func modeOf(it audit.Item) audit.Mode {
	if t, err := audit.TypeByName(it.Type); err == nil && t.Event {
		return audit.ModeEvents
	}
	if it.At.IsZero() && !it.Gone {
		return audit.ModeSnapshot
	}
	return audit.ModeChanges
}

// A normalizer turns pages into items as their collections were configured. It
// is shown every record in the order of the log, so that it knows a collection
// before its pages.
type normalizer struct {
	drivers source.Registry
	open    map[string]opened
}

type opened struct {
	driver *source.Driver
	config json.RawMessage
}

func newNormalizer(drivers source.Registry) *normalizer {
	return &normalizer{drivers: drivers, open: map[string]opened{}}
}

// collection remembers a collection that was opened. Errors wrap
// audit.ErrAltered, or audit.ErrNotFound where this program has no such driver.
func (n *normalizer) collection(body []byte) (audit.Collection, error) {
	var c audit.Collection
	if err := json.Unmarshal(body, &c); err != nil {
		return c, fmt.Errorf("%w: it is not a collection: %w", audit.ErrAltered, err)
	}
	d, err := n.drivers.Find(c.Driver)
	if err != nil {
		return c, err
	}
	n.open[c.ID] = opened{d, c.Config}
	return c, nil
}

// page normalizes one page. Rows that cannot be read are not its error: they
// made the page's manifest incomplete when it was sealed.
func (n *normalizer) page(rec audit.Record, body []byte) ([]audit.Item, error) {
	o, ok := n.open[rec.Collection]
	if !ok {
		return nil, fmt.Errorf("%w: its collection %s was not opened before it", audit.ErrAltered, rec.Collection)
	}
	items, _ := o.driver.Normalize(o.config, audit.Page{
		Source: rec.Source, Kind: rec.PageKind, Scope: rec.Scope, Query: rec.Query, Media: rec.Media,
		Body: body, About: rec.About, Collected: rec.Collected,
	})
	return sound(items), nil
}

// take shows n the next record as the store has it, and returns a page's items.
func (n *normalizer) take(ctx context.Context, r Record) ([]audit.Item, error) {
	var rec audit.Record
	if err := json.Unmarshal(r.Canonical, &rec); err != nil {
		return nil, fmt.Errorf("%w: it is not a record: %w", audit.ErrAltered, err)
	}
	if rec.Kind != audit.RecordCollection && rec.Kind != audit.RecordPage {
		return nil, nil
	}
	body, err := r.read(ctx, rec.Size)
	if err != nil {
		return nil, err
	}
	if rec.Kind == audit.RecordPage {
		return n.page(rec, body)
	}
	_, err = n.collection(body)
	return nil, err
}
