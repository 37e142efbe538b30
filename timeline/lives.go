package timeline

import (
	"encoding/json"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
)

// Lives fills in, in place, what the type's Life says an item's history answers
// and its source did not. It is pure and may be called again. A body that is no
// JSON object, which Check refuses, stays as it is.
func Lives(tl *audit.Timeline) {
	t, err := audit.TypeByName(tl.Type)
	if err != nil || t.Life == nil {
		return
	}
	for i := range tl.Histories {
		h := &tl.Histories[i]
		if tl.Streams[h.Stream].Mode == audit.ModeSnapshot {
			h.Versions = live(t.Life, h.Versions)
		}
	}
}

// live returns the versions of one item with its lives told. The slice handed
// in is not changed: a tracker may still hold it.
func live(l *audit.Life, vs []audit.Version) []audit.Version {
	out := make([]audit.Version, len(vs))
	var since time.Time // of the current life; zero between two
	for i, v := range vs {
		switch {
		case v.Gone && i > 0 && !since.IsZero():
			v.Gone, v.Body = false, ended(l, out[i-1].Body, v.From.At)
			since = time.Time{}
		case !v.Gone && since.IsZero():
			since = v.From.At
			fallthrough
		case !v.Gone:
			v.Body = found(l, v.Body, since)
		}
		out[i] = v
	}
	return out
}

// found is body with since, unless it says so itself.
func found(l *audit.Life, body json.RawMessage, since time.Time) json.RawMessage {
	return edit(body, func(obj map[string]any) bool {
		if _, said := obj[l.Since]; said {
			return false
		}
		obj[l.Since] = audit.FormatTime(since)
		return true
	})
}

// ended is body after the item was not seen any more.
func ended(l *audit.Life, body json.RawMessage, at time.Time) json.RawMessage {
	return edit(body, func(obj map[string]any) bool {
		if obj[l.Field] == l.Value {
			return false // its source said so before it stopped telling of it
		}
		obj[l.Field], obj[l.Ended] = l.Value, audit.FormatTime(at)
		return true
	})
}

func edit(body json.RawMessage, change func(obj map[string]any) bool) json.RawMessage {
	v, err := canonical.Decode(body)
	obj, ok := v.(map[string]any)
	if err != nil || !ok || !change(obj) {
		return body
	}
	b, err := canonical.Marshal(obj)
	if err != nil {
		return body
	}
	return b
}
