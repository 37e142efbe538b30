package audit

import "fmt"

// SchemaVersion is the version of the item types below. A normalized item, a
// result and a bundle say which one they were made under. It grows by one when
// a field changes its meaning; adding a field or a type leaves it.
const SchemaVersion = 1

// A FieldKind is the type of a field's value.
type FieldKind string

// Kinds of field. In a normalized body: true/false, an integer below 2^53, a
// string, an instant as TimeLayout, an array of strings, an array of objects.
const (
	Bool    FieldKind = "bool"
	Int     FieldKind = "int"
	String  FieldKind = "string"
	Time    FieldKind = "time"
	Strings FieldKind = "strings"
	Records FieldKind = "records"
)

// A Field is one fact about an item. In every item a missing key means that
// the fact was not collected: unknown, never a pass. None says what the value
// for "known to be absent" means ("never" for a time, "" for a string, [] for
// a list); where None is empty the field has no such value and a normalizer
// that writes it is refused.
type Field struct {
	Name     string // dotted: "mfa.enforced" is {"mfa":{"enforced":...}} in a body
	Kind     FieldKind
	Doc      string
	None     string   // what known absence means, in words; "" if it cannot be absent
	Enum     []string // the only values a String may have besides "" where None allows it
	Volatile bool     // changes without meaning (last seen); not part of a version
	Of       []Field  // the fields of each element of Records

	// AgeOf names a volatile Time field. In a snapshot that holds that field the
	// timeline fills this one in, unless the source said it: the days from then to
	// the snapshot, rounded down to one of AgeSteps. "never" counts from SinceOr;
	// where there is none it is left out.
	AgeOf   string
	SinceOr string
}

// AgeSteps are the ages, in days, that the timeline tells apart: fine enough
// for a deadline, coarse enough that a thing nobody touches makes few versions.
var AgeSteps = []int{0, 1, 7, 14, 30, 45, 60, 90, 120, 180, 270, 365}

// An ItemType is a kind of thing the timeline knows. Event types happen once,
// at Item.At; the others exist and have versions.
type ItemType struct {
	Name   string
	Event  bool
	Doc    string
	Fields []Field
	Life   *Life // nil: nothing is filled in from its history
}

// A Life names the fields that an item's own history answers where its source
// does not say them: a scanner knows what it sees, not since when, and says
// that something is mended by not showing it any more. Only snapshots have it.
type Life struct {
	Since string // Time: the instant of the first snapshot of this life that showed it
	Ended string // Time: the instant of the first complete snapshot that did not show it
	Field string // String: what is then
	Value string // its value, such as "fixed"; the item goes on with it instead of disappearing
}

// Field returns the field called name, or nil. "id" is a field of every type.
func (t *ItemType) Field(name string) *Field {
	if name == "id" {
		return &idField
	}
	for i := range t.Fields {
		if t.Fields[i].Name == name {
			return &t.Fields[i]
		}
	}
	return nil
}

var idField = Field{Name: "id", Kind: String, Doc: "The item's id, unique within its type."}

// TypeByName returns the item type called name.
func TypeByName(name string) (*ItemType, error) {
	for _, t := range ItemTypes {
		if t.Name == name {
			return t, nil
		}
	}
	return nil, fmt.Errorf("%w: item type %q", ErrNotFound, name)
}
