package book

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
)

// format is the version of an entry's form. docs/formats/program.md describes it.
const format = "tieout.entry/1"

// Anyway is the Base of an entry that counts whatever was written before it,
// because it takes nothing of that back: an agreement, a comment.
const Anyway int64 = -1

// An Entry is one change of one object of the registers, as it is sealed.
type Entry struct {
	Format string          `json:"format"`
	Kind   string          `json:"kind"` // "risk.set"
	On     string          `json:"on"`   // "risk:R-3"
	Base   int64           `json:"base"` // entries on the object its maker had seen; 0: it is new; or Anyway
	Data   json.RawMessage `json:"data"`

	// From the record that holds it.
	ID     string      `json:"-"`
	Record int64       `json:"-"` // log index
	At     time.Time   `json:"-"` // when it was sealed, by this server's clock
	By     audit.Actor `json:"-"` // a person's Name is their account's ID
}

// MaxData is how many bytes one entry can say.
const MaxData = 512 << 10

func (e Entry) encode() ([]byte, error) {
	b, err := canonical.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("%w: entry %s on %s: %w", audit.ErrInvalid, e.Kind, e.On, err)
	}
	if len(b) > MaxData {
		return nil, fmt.Errorf("%w: %s is %d bytes long; at most %d can be kept at once. Put long documents in as evidence", audit.ErrInvalid, e.On, len(b), MaxData)
	}
	return b, nil
}

// Parse reads an entry as it is sealed; what is not one wraps audit.ErrInvalid.
func Parse(body []byte) (Entry, error) {
	var e Entry
	if len(body) > MaxData {
		return e, fmt.Errorf("%w: an entry of %d bytes", audit.ErrInvalid, len(body))
	}
	if err := canonical.Check(body); err != nil {
		return e, fmt.Errorf("%w: entry: %w", audit.ErrInvalid, err)
	}
	if err := Strict(body, &e); err != nil {
		return e, err
	}
	kind, _, ok := strings.Cut(e.On, ":")
	if e.Format != format || e.Kind == "" || !ok || kind == "" || e.Base < Anyway || len(e.Data) == 0 {
		return e, fmt.Errorf("%w: an entry says format %s, kind, on, base and data", audit.ErrInvalid, format)
	}
	return e, nil
}

// Strict reads JSON whose every key v knows; what is none wraps audit.ErrInvalid.
func Strict(b []byte, v any) error {
	dec := json.NewDecoder(strings.NewReader(string(b)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("%w: entry: %w", audit.ErrInvalid, err)
	}
	return nil
}

// Of is the part of On after the kind of object: R-3 of "risk:R-3".
func (e Entry) Of() string {
	_, id, _ := strings.Cut(e.On, ":")
	return id
}

// Data reads an entry's data, whose every key T knows.
func Data[T any](e Entry) (T, error) {
	var v T
	return v, Strict(e.Data, &v)
}
