package source

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
)

// A shape is an item type with its fields by name.
type shape struct {
	event  bool
	fields map[string]*audit.Field
}

var shapes = sync.OnceValue(func() map[string]*shape {
	out := map[string]*shape{}
	for _, t := range audit.ItemTypes {
		s := &shape{t.Event, map[string]*audit.Field{}}
		for i := range t.Fields {
			s.fields[t.Fields[i].Name] = &t.Fields[i]
		}
		out[t.Name] = s
	}
	return out
})

// NewItem makes an item from fields, checked against the schema.
func NewItem(typ, id string, at time.Time, f Fields) (audit.Item, error) {
	t := shapes()[typ]
	switch {
	case t == nil:
		_, err := audit.TypeByName(typ)
		return audit.Item{}, err
	case id == "":
		return audit.Item{}, errors.New("it has no id")
	case t.event && at.IsZero():
		return audit.Item{}, errors.New("it does not say when it happened")
	}
	names := make([]string, 0, len(f))
	for name := range f {
		names = append(names, name)
	}
	slices.Sort(names)
	body, volatile := writer{b: make([]byte, 0, 32*len(f))}, writer{}
	for _, name := range names {
		if err := t.write(name, f[name], &body, &volatile); err != nil {
			return audit.Item{}, fmt.Errorf("field %q: %w", name, err)
		}
	}
	it := audit.Item{Type: typ, ID: id, Body: body.done()}
	if !at.IsZero() {
		it.At = audit.Instant(at)
	}
	if volatile.open {
		it.Volatile = volatile.done()
	}
	return it, nil
}

// write writes one field where it belongs; one that was not collected nowhere.
func (t *shape) write(name string, v any, body, volatile *writer) error {
	f := t.fields[name]
	if f == nil {
		return errors.New("the type has no such field")
	}
	v, err := value(f, v)
	if err != nil || v == nil {
		return err
	}
	w := body
	if f.Volatile {
		w = volatile
	}
	w.key(name)
	return w.value(v)
}

// value returns v as it is written, nil where it was not collected.
func value(f *audit.Field, v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case bool:
		return v, kindIs(f, audit.Bool)
	case int:
		return int64(v), kindIs(f, audit.Int)
	case int64:
		return v, kindIs(f, audit.Int)
	case time.Time:
		return instant(f, v)
	case string:
		return text(f, v)
	case []string:
		return list(f, v)
	case json.RawMessage:
		return v, kindIs(f, audit.Records)
	}
	return nil, fmt.Errorf("%T is not a value of an item", v)
}

func kindIs(f *audit.Field, k audit.FieldKind) error {
	if f.Kind != k {
		return fmt.Errorf("it is of kind %s, not %s", f.Kind, k)
	}
	return nil
}

func instant(f *audit.Field, t time.Time) (any, error) {
	switch {
	case t.IsZero():
		return nil, kindIs(f, audit.Time)
	case t.Equal(audit.Never) && f.None == "":
		return nil, errors.New("the schema knows no absence of it")
	}
	return audit.FormatTime(t), kindIs(f, audit.Time)
}

func text(f *audit.Field, s string) (any, error) {
	switch {
	case f.Kind != audit.String:
		return nil, kindIs(f, audit.String)
	case s == "" && f.None == "":
		return nil, nil // an empty text tells nothing where absence means nothing
	case s != "" && len(f.Enum) > 0 && !slices.Contains(f.Enum, s):
		return nil, fmt.Errorf("%q is not one of %q", s, f.Enum)
	}
	return s, nil
}

func list(f *audit.Field, l []string) (any, error) {
	if f.Kind != audit.Strings {
		return nil, kindIs(f, audit.Strings)
	}
	if len(l) == 0 && f.None == "" {
		return nil, nil
	}
	return l, nil
}

// A writer writes canonical JSON (RFC 8785) of fields that come in the order of
// their dotted names, which for the schema's names is that of their keys.
type writer struct {
	b      []byte
	open   bool
	inside string // the group that is open: "mfa" of mfa.enforced
}

// key writes a field's key, and opens and closes groups.
func (w *writer) key(name string) {
	group, rest, dotted := strings.Cut(name, ".")
	if !dotted {
		group, rest = "", name
	}
	if w.inside != "" && w.inside != group {
		w.b = append(w.b, '}')
		w.inside = ""
	}
	if w.open {
		w.b = append(w.b, ',')
	} else {
		w.b, w.open = append(w.b, '{'), true
	}
	if group != "" && w.inside != group {
		w.b = append(canonical.AppendString(w.b, group), ':', '{')
		w.inside = group
	}
	w.b = append(canonical.AppendString(w.b, rest), ':')
}

const maxInt = 1<<53 - 1

func (w *writer) value(v any) error {
	switch v := v.(type) {
	case bool:
		w.b = strconv.AppendBool(w.b, v)
	case int64:
		if v > maxInt || v < -maxInt {
			return fmt.Errorf("%d is not below 2^53", v)
		}
		w.b = strconv.AppendInt(w.b, v, 10)
	case string:
		w.text(v)
	case []string:
		w.b = append(w.b, '[')
		for i, s := range v {
			if i > 0 {
				w.b = append(w.b, ',')
			}
			w.text(s)
		}
		w.b = append(w.b, ']')
	case json.RawMessage:
		b, err := canonical.Transform(v)
		if err != nil {
			return err
		}
		w.b = append(w.b, b...)
	}
	return nil
}

func (w *writer) text(s string) {
	w.b = canonical.AppendString(w.b, strings.ToValidUTF8(s, "\uFFFD"))
}

// done closes what is open.
func (w *writer) done() json.RawMessage {
	if !w.open {
		return json.RawMessage("{}")
	}
	if w.inside != "" {
		w.b = append(w.b, '}')
	}
	return json.RawMessage(append(w.b, '}'))
}
