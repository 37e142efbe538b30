package timeline

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
	"tieout/internal/jsonscan"
)

// agesOf are a type's fields that are the age of a volatile one.
func agesOf(typ string) []audit.Field {
	t, err := audit.TypeByName(typ)
	if err != nil {
		return nil
	}
	var out []audit.Field
	for _, f := range t.Fields {
		if f.AgeOf != "" {
			out = append(out, f)
		}
	}
	return out
}

// aged is the body of an item with the ages of its volatile fields at the
// instant of a snapshot. It is Check's business that both parts are canonical.
func aged(it audit.Item, ages []audit.Field, at time.Time) json.RawMessage {
	body := it.Body
	if it.Volatile == nil {
		return body
	}
	for _, f := range ages {
		since, ok := instantAt(it.Volatile, f.AgeOf)
		if ok && since.Equal(audit.Never) {
			since, ok = time.Time{}, false
			if f.SinceOr != "" {
				since, ok = instantAt(it.Body, f.SinceOr)
				ok = ok && !since.Equal(audit.Never)
			}
		}
		if !ok || since.After(at) {
			continue
		}
		body = insert(body, f.Name, strconv.AppendInt(nil, int64(step(at.Sub(since))), 10))
	}
	return body
}

// step rounds an age down to one of audit.AgeSteps.
func step(age time.Duration) int {
	days := int(age / (24 * time.Hour))
	for i := len(audit.AgeSteps) - 1; i >= 0; i-- {
		if audit.AgeSteps[i] <= days {
			return audit.AgeSteps[i]
		}
	}
	return 0
}

// instantAt is the instant at a dotted name of a body.
func instantAt(body []byte, name string) (time.Time, bool) {
	head, rest, dotted := strings.Cut(name, ".")
	raw, ok, err := jsonscan.Get(body, head)
	if err != nil || !ok {
		return time.Time{}, false
	}
	if dotted {
		return instantAt(raw, rest)
	}
	text, ok := jsonscan.Text(raw)
	if !ok {
		return time.Time{}, false
	}
	t, err := audit.ParseTime(text)
	return t, err == nil
}

// insert puts a field into a canonical object, at its place in the order of
// keys. One that is there already stays: its source said it.
func insert(body []byte, name string, value []byte) []byte {
	head, rest, dotted := strings.Cut(name, ".")
	d, err := jsonscan.Scan(body)
	if err != nil {
		return body
	}
	out := append(make([]byte, 0, len(body)+len(name)+len(value)+8), '{')
	done := false
	put := func(key string, raw []byte) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, '"'), key...), '"', ':')
		out = append(out, raw...)
	}
	missing := value
	if dotted {
		missing = insert([]byte("{}"), rest, value)
	}
	for key, raw := range d.All() {
		switch {
		case key == head && !dotted:
			return body
		case key == head:
			raw, done = insert(raw, rest, value), true
		case key > head && !done:
			put(head, missing)
			done = true
		}
		put(key, raw)
	}
	if !done {
		put(head, missing)
	}
	return append(out, '}')
}
