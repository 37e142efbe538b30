package source

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
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
