package osquery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// A line is one result of one query on one computer (osquery's documentation,
// "Logging", "Differential logs" and "Snapshot logs").
type line struct {
	Name     string          `json:"name"`
	Host     string          `json:"hostIdentifier"`
	Unix     json.RawMessage `json:"unixTime"` // a number; a text in old versions
	Action   string          `json:"action"`   // added, removed, snapshot; "" in a batch
	Counter  *int64          `json:"counter"`
	Epoch    int64           `json:"epoch"`
	Columns  row             `json:"columns"`
	Snapshot []row           `json:"snapshot"`
	Diff     *struct {
		Added   rows `json:"added"`
		Removed rows `json:"removed"`
	} `json:"diffResults"`

	at time.Time
}

// A row is one row of a result. Values are texts, or numbers where osquery is
// told to write them so.
type row map[string]json.RawMessage

// rows is a list of rows, or "" for none, as osquery writes it.
type rows []row

func (r *rows) UnmarshalJSON(b []byte) error {
	if string(b) == `""` || string(b) == "null" {
		return nil
	}
	return json.Unmarshal(b, (*[]row)(r))
}

// text is a column's value as text; ok is false where the row has none.
func (r row) text(column string) (s string, ok bool) {
	raw, ok := r[column]
	if !ok || string(raw) == "null" {
		return "", false
	}
	if json.Unmarshal(raw, &s) == nil {
		return s, true
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String(), true
	}
	return "", false
}

// key tells rows apart.
func (r row) key() string {
	b, err := json.Marshal(r) // sorted by column
	if err != nil {
		return ""
	}
	return string(b)
}

func readLine(b []byte) (line, error) {
	var l line
	if err := json.Unmarshal(b, &l); err != nil {
		return l, errors.New("it is not a JSON object of osquery's")
	}
	if l.Name == "" || l.Host == "" {
		return l, errors.New("it names no query or no host")
	}
	n, err := strconv.ParseInt(string(bytes.Trim(l.Unix, `"`)), 10, 64)
	if err != nil || n <= 0 || n > 253402300799 {
		return l, errors.New("it has no unixTime")
	}
	l.at = time.Unix(n, 0).UTC()
	switch {
	case l.Action == "snapshot", l.Action == "added", l.Action == "removed", l.Action == "" && l.Diff != nil:
		return l, nil
	}
	return l, fmt.Errorf("action %q is not one of osquery's", l.Action)
}

// isBase reports whether the line begins a result anew: a snapshot, or the first
// run of a query that logs differences (counter 0).
func (l line) isBase() bool {
	return l.Action == "snapshot" || l.Counter != nil && *l.Counter == 0
}

// begins reports whether l begins a result anew that the line before is no part of.
func (l line) begins(before line) bool {
	return l.isBase() && (l.Action == "snapshot" || !before.isBase() || before.Action == "snapshot" || before.Epoch != l.Epoch || !before.at.Equal(l.at))
}
