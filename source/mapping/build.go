package mapping

import (
	"encoding/json"
	"fmt"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/source"
)

// maxBad is how many bad rows are named; the others are counted.
const maxBad = 100

// maxID is the longest id or template, in bytes.
const maxID = 1 << 10

// A build is one page becoming items.
type build struct {
	*Program
	name  string     // of the file or page, for messages
	about audit.Span // where events and changes must lie; empty: anywhere
	items []audit.Item
	bad   source.BadRows
	more  int
	cells []cell
	seen  map[string]struct{}
	arena []byte // bodies lie one behind the other in it
	text  []byte // unescaped text of the row
	scan  func(line int)
	key   []byte
}

func (p *Program) build(name string, about audit.Span) *build {
	return &build{Program: p, name: name, about: about, cells: make([]cell, len(p.columns)), seen: map[string]struct{}{}}
}

// expect makes room for n rows.
func (b *build) expect(n int) {
	if b.scan == nil {
		b.items = make([]audit.Item, 0, n)
		b.seen = make(map[string]struct{}, n)
	}
}

// done returns what was read, and an error if any row could not be.
func (b *build) done() ([]audit.Item, error) {
	if b.more > 0 {
		b.bad = append(b.bad, source.BadRow{Where: b.name, Why: fmt.Sprintf("%d more rows could not be read", b.more)})
	}
	if len(b.bad) > 0 {
		return b.items, b.bad
	}
	return b.items, nil
}

func (b *build) refuse(line int, err error) {
	if len(b.bad) >= maxBad {
		b.more++
		return
	}
	where := b.name
	if line > 0 {
		where = fmt.Sprintf("%s:%d", b.name, line)
	}
	b.bad = append(b.bad, source.BadRow{Where: where, Why: err.Error()})
}

// row turns the cells into items; a row that fails gives none.
func (b *build) row(line int) {
	if b.scan != nil {
		b.scan(line)
		return
	}
	kept := len(b.items)
	if err := b.tryRow(); err != nil {
		b.items = b.items[:kept]
		b.refuse(line, err)
	}
}

func (b *build) tryRow() error {
	id, err := b.expand(b.id)
	if err != nil {
		return fmt.Errorf("id: %w", err)
	}
	it := audit.Item{Type: b.rules.Type, ID: string(id)}
	if err := b.when(&it); err != nil {
		return err
	}
	if err := b.once(it); err != nil {
		return err
	}
	if b.gone >= 0 && listed(b.rules.Gone.Equals, &b.cells[b.gone]) {
		it.Gone = true
	} else if err := b.bodies(&it); err != nil {
		return err
	}
	b.items = append(b.items, it)
	if b.rules.Links == nil {
		return nil
	}
	return b.link(it)
}

// expand fills a template; every column in it must hold something.
func (b *build) expand(t template) ([]byte, error) {
	b.key = b.key[:0]
	for _, piece := range t {
		if piece.column < 0 {
			b.key = append(b.key, piece.literal...)
			continue
		}
		c := &b.cells[piece.column]
		if c.kind == absentCell || c.kind == nullCell || len(c.text) == 0 {
			return nil, fmt.Errorf("column %q is empty", b.columns[piece.column].name)
		}
		if c.kind == listCell || c.kind == objectCell {
			return nil, fmt.Errorf("column %q is not a single value", b.columns[piece.column].name)
		}
		b.key = append(b.key, c.text...)
	}
	for _, c := range b.key {
		if c < 0x20 || c == 0x7f {
			return nil, fmt.Errorf("%s holds a control character", shorten(b.key))
		}
	}
	if len(b.key) > maxID {
		return nil, fmt.Errorf("%s is longer than %d bytes", shorten(b.key), maxID)
	}
	return b.key, nil
}

func (b *build) when(it *audit.Item) error {
	if b.at == nil {
		return nil
	}
	c := &b.cells[b.at.column]
	if c.kind == absentCell || c.kind == nullCell || len(c.text) == 0 {
		return fmt.Errorf("at: column %q is empty", b.columns[b.at.column].name)
	}
	t, err := b.instant(b.at, c)
	if err != nil {
		return fmt.Errorf("at: %w", err)
	}
	if !b.about.Empty() && !b.about.Contains(t) {
		return fmt.Errorf("at: %s lies outside of what the file covers, %s to %s", audit.FormatTime(t), audit.FormatTime(b.about.From), audit.FormatTime(b.about.To))
	}
	it.At = t
	return nil
}

// once refuses a second row of the same item (of changes: at the same instant).
func (b *build) once(it audit.Item) error {
	k := it.ID
	if b.rules.Mode == audit.ModeChanges {
		k += "\x00" + it.At.Format(time.RFC3339Nano)
	}
	n := len(b.seen)
	b.seen[k] = struct{}{}
	if len(b.seen) == n {
		return fmt.Errorf("%q stands in an earlier row already", it.ID)
	}
	return nil
}

func (b *build) bodies(it *audit.Item) error {
	var err error
	if it.Body, err = b.object(false); err != nil {
		return err
	}
	it.Volatile, err = b.object(true)
	if len(it.Volatile) == 2 {
		it.Volatile = nil
	}
	return err
}

// object writes the canonical object of the fields that are, or are not,
// volatile. The fields are sorted by path, so it is in order as it is written.
func (b *build) object(volatile bool) (json.RawMessage, error) {
	const chunk = 1 << 18
	if cap(b.arena)-len(b.arena) < chunk/4 {
		b.arena = make([]byte, 0, chunk)
	}
	start := len(b.arena)
	out := append(b.arena, '{')
	group := ""
	for i := range b.fields {
		o := &b.fields[i]
		if o.field.Volatile != volatile {
			continue
		}
		before := len(out)
		next := group
		out = openKey(out, o, &next, start)
		var ok bool
		var err error
		if out, ok, err = b.value(out, o); err != nil {
			return nil, fmt.Errorf("%s: %w", o.name, err)
		}
		if !ok {
			out = out[:before]
			continue
		}
		group = next
	}
	if group != "" {
		out = append(out, '}')
	}
	out = append(out, '}')
	b.arena = out
	return out[start:len(out):len(out)], nil
}

// openKey writes the key of o, closing and opening the nested object where
// that changes. *group is the nested object that is open.
func openKey(out []byte, o *output, group *string, start int) []byte {
	want := ""
	if len(o.path) == 2 {
		want = o.path[0]
	}
	first := len(out) == start+1
	if *group != want && *group != "" {
		out = append(out, '}')
	}
	if !first {
		out = append(out, ',')
	}
	if want != "" && *group != want {
		out = append(canonical.AppendString(out, want), ':', '{')
	}
	*group = want
	return append(canonical.AppendString(out, o.path[len(o.path)-1]), ':')
}

func (b *build) value(out []byte, o *output) ([]byte, bool, error) {
	switch {
	case o.fixed != nil:
		return append(out, o.fixed...), true, nil
	case o.tmpl != nil:
		text, err := b.expand(o.tmpl)
		if err != nil {
			return out, false, nil //nolint:nilerr // a part is empty: not collected
		}
		return o.appendString(out, &cell{kind: textCell, text: text})
	}
	out, ok, err := b.convert(out, o, &b.cells[o.column])
	if err != nil {
		return out, false, fmt.Errorf("column %q: %w", b.columns[o.column].name, err)
	}
	return out, ok, nil
}

// link adds the link a row gives; none where the person is not named.
func (b *build) link(it audit.Item) error {
	person, err := b.expand(b.person)
	if err != nil {
		return nil //nolint:nilerr // the row names no person
	}
	f := map[string]any{"person": string(person), "basis": b.rules.Links.Basis, "confirmed": true}
	if c := b.rules.Links.Confirmed; c != nil {
		f["confirmed"] = *c
	}
	name, t := "account", b.account
	if t == nil {
		name, t = "device", b.device
	}
	thing, err := b.expand(t)
	if err != nil {
		return fmt.Errorf("links: %s: %w", name, err)
	}
	f[name] = string(thing)
	l := audit.Item{Type: "link", ID: f["person"].(string) + "|" + string(thing), At: it.At, Gone: it.Gone}
	if !it.Gone {
		if l.Body, err = canonical.Marshal(f); err != nil {
			return err
		}
	}
	b.items = append(b.items, l)
	return nil
}
