package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/internal/jsonscan"
)

// KindFailed is the kind of page that holds an answer that was not what was
// asked for: an error, a refusal. It gives no items; the stream it belongs to
// says why it is incomplete.
const KindFailed = "failed"

// Fields are the fields of one item by their name in the schema, such as
// "mfa.enforced". Values are bool, int, int64, string, []string, time.Time or
// json.RawMessage. A nil value, and a time.Time that is zero, mean that the
// field was not collected, and it is left out; what is known not to exist is
// written "" or []string{} or audit.Never, where the schema knows that absence.
type Fields map[string]any

// A Reading is one page while it becomes items. Its zero value is ready.
type Reading struct {
	Items []audit.Item
	bad   BadRows
}

// Add adds the item of type typ. At is zero for snapshots. Fields go to the
// body or to the volatile part as the schema says. A field that the schema does
// not have, or a value it does not allow, makes it a bad row.
func (r *Reading) Add(typ, id string, at time.Time, f Fields) {
	it, err := NewItem(typ, id, at, f)
	if err != nil {
		r.Refuse(typ+" "+id, err)
		return
	}
	r.Items = append(r.Items, it)
}

// Refuse names a row that could not be read.
func (r *Reading) Refuse(where string, err error) {
	if err != nil {
		r.bad = append(r.bad, BadRow{Where: where, Why: err.Error()})
	}
}

// Each calls read with every element of list and names the element whose
// reading failed by its number, from 1.
func (r *Reading) Each(list []json.RawMessage, read func(element json.RawMessage) error) {
	for i, e := range list {
		r.Refuse("element "+strconv.Itoa(i+1), read(e))
	}
}

// Done returns what Driver.Normalize has to.
func (r *Reading) Done() ([]audit.Item, error) {
	if len(r.bad) > 0 {
		return r.Items, r.bad
	}
	return r.Items, nil
}

// NewItem makes an item from fields, checked against the schema.
func NewItem(typ, id string, at time.Time, f Fields) (audit.Item, error) {
	t, err := audit.TypeByName(typ)
	if err != nil {
		return audit.Item{}, err
	}
	if id == "" {
		return audit.Item{}, errors.New("it has no id")
	}
	if t.Event && at.IsZero() {
		return audit.Item{}, errors.New("it does not say when it happened")
	}
	body, volatile := map[string]any{}, map[string]any{}
	for name, v := range f {
		if v, err = value(t, name, v); err != nil {
			return audit.Item{}, fmt.Errorf("field %q: %w", name, err)
		}
		if v == nil {
			continue
		}
		part := body
		if fieldOf(t, name).Volatile {
			part = volatile
		}
		put(part, name, v)
	}
	it := audit.Item{Type: typ, ID: id}
	if !at.IsZero() {
		it.At = audit.Instant(at)
	}
	if it.Body, err = canonical.Marshal(body); err != nil {
		return it, err
	}
	if len(volatile) > 0 {
		it.Volatile, err = canonical.Marshal(volatile)
	}
	return it, err
}

func fieldOf(t *audit.ItemType, name string) *audit.Field {
	i := slices.IndexFunc(t.Fields, func(f audit.Field) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return &t.Fields[i]
}

// put writes v under a dotted name.
func put(obj map[string]any, name string, v any) {
	for {
		head, rest, ok := strings.Cut(name, ".")
		if !ok {
			obj[name] = v
			return
		}
		inner, ok := obj[head].(map[string]any)
		if !ok {
			inner = map[string]any{}
			obj[head] = inner
		}
		obj, name = inner, rest
	}
}

// value returns v as it is written, nil where it was not collected.
func value(t *audit.ItemType, name string, v any) (any, error) {
	f := fieldOf(t, name)
	if f == nil {
		return nil, fmt.Errorf("%s has no such field", t.Name)
	}
	switch v := v.(type) {
	case nil:
		return nil, nil
	case bool:
		return v, kindIs(f, audit.Bool)
	case int, int64:
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
	return strings.ToValidUTF8(s, "\uFFFD"), nil
}

func list(f *audit.Field, l []string) (any, error) {
	if f.Kind != audit.Strings {
		return nil, kindIs(f, audit.Strings)
	}
	if len(l) == 0 && f.None == "" {
		return nil, nil
	}
	out := make([]string, len(l))
	for i, s := range l {
		out[i] = strings.ToValidUTF8(s, "\uFFFD")
	}
	return out, nil
}

// Strict decodes one JSON object into v and refuses keys nobody knows. The
// error wraps audit.ErrInvalid.
func Strict(b []byte, v any) error {
	if len(bytes.TrimSpace(b)) == 0 {
		b = []byte("{}")
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("%w: %w", audit.ErrInvalid, err)
	}
	if dec.More() {
		return fmt.Errorf("%w: something follows the object", audit.ErrInvalid)
	}
	return nil
}

// Elements splits the array at path of a JSON document; without a path the
// document itself is the array. A missing or null array is an error. Elements
// are copies: to keep one does not keep the document. What is inside them was
// not looked at and may be malformed.
func Elements(doc []byte, path ...string) ([]json.RawMessage, error) {
	list, ok := elements(doc, path)
	if !ok {
		if len(path) == 0 {
			return nil, errors.New("the answer is not a list")
		}
		return nil, fmt.Errorf("the answer has no list %q", strings.Join(path, "."))
	}
	for i, e := range list {
		list[i] = bytes.Clone(e)
	}
	return list, nil
}

func elements(doc []byte, path []string) ([]json.RawMessage, bool) {
	for len(path) > 1 {
		raw, ok, err := jsonscan.Get(doc, path[0])
		if err != nil || !ok {
			return nil, false
		}
		doc, path = raw, path[1:]
	}
	d, err := jsonscan.Scan(doc)
	if err != nil {
		return nil, false
	}
	name := ""
	if len(path) == 1 {
		name = path[0]
		if _, isField := d.Field(name); !isField {
			return nil, false
		}
	}
	return d.Elements(name)
}
