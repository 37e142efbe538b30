// Package mapping turns rows of tables and JSON documents into items, by rules
// a person writes. docs/formats/files-mapping.md describes the rules. It is
// pure: the same rules and bytes always give the same items. The sources files
// and http share it.
package mapping

import (
	"bytes"
	"encoding/json"
	"fmt"

	"tieout/audit"
)

// Rules say how one kind of row becomes an item.
type Rules struct {
	Type   string           `json:"type"`             // item type
	Mode   audit.Mode       `json:"mode"`             // snapshot, changes or events
	ID     string           `json:"id"`               // template over columns: "okta/{login}"
	At     *Value           `json:"at,omitempty"`     // changes and events: the instant
	Gone   *Condition       `json:"gone,omitempty"`   // changes: the row says that it ceased to exist
	Fields map[string]Value `json:"fields"`           // field of the item type -> value
	Links  *Links           `json:"links,omitempty"`  // each row also gives a link
	Schema json.RawMessage  `json:"schema,omitempty"` // JSON Schema a row must follow
}

// A Value says where a field's value is and how it reads. In YAML a plain
// string is the column.
type Value struct {
	Column   string            `json:"column,omitempty"`   // column, or dotted path in JSON; a dot of a key is written \.
	Constant *string           `json:"value,omitempty"`    // the same for every row
	Template string            `json:"template,omitempty"` // "hr/{number}"
	Values   map[string]string `json:"values,omitempty"`   // what the source writes -> what the schema wants
	Else     string            `json:"else,omitempty"`     // for what Values does not list: error (default), unknown, or a value
	True     []Text            `json:"true,omitempty"`
	False    []Text            `json:"false,omitempty"`
	None     []Text            `json:"none,omitempty"`     // known to be absent
	Unknown  []Text            `json:"unknown,omitempty"`  // not collected
	Date     string            `json:"date,omitempty"`     // start or end: the value is a day, and this end of it is meant
	Layout   string            `json:"layout,omitempty"`   // such as DD.MM.YYYY or YYYY-MM-DD HH:mm:ss; unix; unixms
	Split    string            `json:"split,omitempty"`    // separator of a list
	Optional bool              `json:"optional,omitempty"` // the column may be missing from a table's header
}

// A Condition holds where the column's text equals one of Equals.
type Condition struct {
	Column string `json:"column"`
	Equals Texts  `json:"equals"`
}

// Links say which link item a row gives as well.
type Links struct {
	Person    string `json:"person"`              // template
	Account   string `json:"account,omitempty"`   // template
	Device    string `json:"device,omitempty"`    // template
	Basis     string `json:"basis"`               // what the statement rests on, in words
	Confirmed *bool  `json:"confirmed,omitempty"` // absent: true, as whoever wrote the mapping says so; false: a proposal
}

// A Text is what a source writes, as text: a boolean is "true" or "false", a
// number its digits. Null is JSON's null.
type Text struct {
	S    string
	Null bool
}

// UnmarshalJSON reads a string, number, boolean or null.
func (t *Text) UnmarshalJSON(b []byte) error {
	switch {
	case bytes.Equal(b, []byte("null")):
		*t = Text{Null: true}
		return nil
	case len(b) > 0 && b[0] == '"':
		return json.Unmarshal(b, &t.S)
	case len(b) > 0 && (b[0] == '{' || b[0] == '['):
		return fmt.Errorf("%s is not a text, number, boolean or null", b)
	}
	t.S = string(b)
	return nil
}

// MarshalJSON writes a string or null.
func (t Text) MarshalJSON() ([]byte, error) {
	if t.Null {
		return []byte("null"), nil
	}
	return json.Marshal(t.S)
}

// Texts is one Text or a list of them.
type Texts []Text

// UnmarshalJSON reads one text or a list.
func (t *Texts) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]Text)(t))
	}
	var one Text
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	*t = Texts{one}
	return nil
}

// UnmarshalJSON reads the column as a plain string, or the whole object.
// Unknown keys are refused.
func (v *Value) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &v.Column)
	}
	var raw struct {
		plainValue
		Constant *Text           `json:"value"`
		Values   map[string]Text `json:"values"`
		Else     *Text           `json:"else"`
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&raw); err != nil {
		return err
	}
	*v = Value(raw.plainValue)
	if raw.Constant != nil {
		v.Constant = &raw.Constant.S
	}
	if raw.Else != nil {
		v.Else = raw.Else.S
	}
	for k, t := range raw.Values {
		if v.Values == nil {
			v.Values = map[string]string{}
		}
		v.Values[k] = t.S
	}
	return nil
}

// plainValue is Value without its way of reading JSON.
type plainValue Value
