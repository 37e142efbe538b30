package testlang

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
)

// A world collects what was seen of one item type.
type world struct {
	typ     *audit.ItemType
	streams map[string]*stream // by source
	record  int64
}

// A stream holds one source's observations in the order they are written.
type stream struct {
	audit.Stream
	seen []sighting
}

// A sighting is one observation of a set of items.
type sighting struct {
	at       time.Time
	complete bool
	items    []item
	record   int64
}

type item struct {
	id   string
	at   time.Time // of changes and events
	gone bool
	body []byte
}

// observe reads: snapshot SOURCE TYPE TIME, daily SOURCE TYPE FIRST LAST,
// partial and failed SOURCE TYPE TIME "reason", changes and events SOURCE TYPE
// FROM TO; items are the indented lines below.
func (s *session) observe(c command) error {
	words, reason := quoted(c.rest)
	if len(words) < 3 {
		return fmt.Errorf("want a source, an item type and a time")
	}
	typ, err := audit.TypeByName(words[1])
	if err != nil {
		return err
	}
	w := s.worlds[typ.Name]
	if w == nil {
		w = &world{typ: typ, streams: map[string]*stream{}}
		s.worlds[typ.Name] = w
	}
	items, err := w.items(c.body, c.word == "changes" || c.word == "events")
	if err != nil {
		return err
	}
	from, err := parseTime(words[2])
	if err != nil {
		return err
	}
	to := from
	if len(words) > 3 {
		if to, err = parseTime(words[3]); err != nil {
			return err
		}
	}
	w.add(c.word, words[0], from, to, reason, items)
	return nil
}

func (w *world) add(word, source string, from, to time.Time, reason string, items []item) {
	st := w.streams[source]
	if st == nil {
		st = &stream{Stream: audit.Stream{StreamKey: audit.StreamKey{Source: source, Type: w.typ.Name}, Mode: audit.ModeSnapshot}}
		w.streams[source] = st
	}
	switch word {
	case "snapshot", "daily":
		for t := from; !t.After(to); t = t.AddDate(0, 0, 1) {
			st.snapshot(t, items, w.next())
		}
	case "partial", "failed":
		r := w.next()
		st.Holes = append(st.Holes, audit.Hole{Span: audit.At(from), Reason: reason, Record: r})
		if word == "partial" {
			st.seen = append(st.seen, sighting{at: from, items: items, record: r})
		}
	default:
		st.Mode = audit.ModeChanges
		if w.typ.Event {
			st.Mode = audit.ModeEvents
		}
		r := w.next()
		if reason != "" {
			st.Holes = append(st.Holes, audit.Hole{Span: audit.Span{From: from, To: to}, Reason: reason, Record: r})
		} else {
			st.Covered = append(st.Covered, audit.Stretch{Span: audit.Span{From: from, To: to}, Record: r})
		}
		st.seen = append(st.seen, sighting{items: items, record: r})
	}
}

func (w *world) next() int64 { w.record++; return w.record }

func (st *stream) snapshot(t time.Time, items []item, record int64) {
	st.Points = append(st.Points, audit.Point{At: t, Record: record})
	st.seen = append(st.seen, sighting{at: t, complete: true, items: items, record: record})
}

// items reads `[TIME] ID [gone] field=value ...` lines.
func (w *world) items(lines []string, timed bool) ([]item, error) {
	var out []item
	for _, l := range lines {
		words, _ := quoted(l)
		it := item{}
		if timed {
			t, err := parseTime(words[0])
			if err != nil {
				return nil, err
			}
			it.at, words = t, words[1:]
		}
		if len(words) == 0 {
			return nil, fmt.Errorf("line %q names no item", l)
		}
		it.id = words[0]
		body, err := w.body(words[1:], &it)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", it.id, err)
		}
		it.body = body
		out = append(out, it)
	}
	return out, nil
}

func (w *world) body(words []string, it *item) ([]byte, error) {
	tree := map[string]any{}
	for _, x := range words {
		if x == "gone" {
			it.gone = true
			continue
		}
		name, value, ok := strings.Cut(x, "=")
		f := w.typ.Field(name)
		if !ok || f == nil {
			return nil, fmt.Errorf("%q is not FIELD=VALUE of %s", x, w.typ.Name)
		}
		v, err := fieldValue(f, value)
		if err != nil {
			return nil, err
		}
		put(tree, name, v)
	}
	return canonical.Marshal(tree)
}

func fieldValue(f *audit.Field, s string) (any, error) {
	switch f.Kind {
	case audit.Bool:
		return strconv.ParseBool(s)
	case audit.Int:
		return strconv.ParseInt(s, 10, 64)
	case audit.Time:
		t, err := parseTime(s)
		return audit.FormatTime(t), err
	case audit.Strings:
		if s == "" {
			return []string{}, nil
		}
		return strings.Split(s, "|"), nil
	}
	return strings.ReplaceAll(s, "_", " "), nil
}

func put(tree map[string]any, name string, v any) {
	head, rest, more := strings.Cut(name, ".")
	if !more {
		tree[head] = v
		return
	}
	sub, _ := tree[head].(map[string]any)
	if sub == nil {
		sub = map[string]any{}
		tree[head] = sub
	}
	put(sub, rest, v)
}

// quoted splits a line into words and takes out one text in quotes.
func quoted(s string) ([]string, string) {
	before, rest, ok := strings.Cut(s, `"`)
	if !ok {
		return strings.Fields(s), ""
	}
	text, after, _ := strings.Cut(rest, `"`)
	return strings.Fields(before + " " + after), text
}

// parseTime reads a date (midnight UTC), a minute, an instant, or never.
func parseTime(s string) (time.Time, error) {
	if s == audit.NeverText {
		return audit.Never, nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", time.RFC3339Nano} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not 2026-01-05, 2026-01-05T10:00, an instant in full, or never", s)
}

// timeline makes the timeline of everything seen.
func (w *world) timeline() (*audit.Timeline, error) {
	tl := &audit.Timeline{Type: w.typ.Name}
	names := make([]string, 0, len(w.streams))
	for n := range w.streams {
		names = append(names, n)
	}
	sort.Strings(names)
	for i, n := range names {
		st := w.streams[n]
		sort.SliceStable(st.seen, func(a, b int) bool { return st.seen[a].at.Before(st.seen[b].at) })
		sort.SliceStable(st.Points, func(a, b int) bool { return st.Points[a].At.Before(st.Points[b].At) })
		tl.Streams = append(tl.Streams, st.Stream)
		for id, vs := range st.histories() {
			tl.Histories = append(tl.Histories, audit.History{ID: id, Stream: i, Versions: vs})
		}
	}
	slices.SortFunc(tl.Histories, func(a, b audit.History) int { return strings.Compare(a.ID, b.ID) })
	return tl, nil
}

// histories turns sightings into versions.
func (st *stream) histories() map[string][]audit.Version {
	out := map[string][]audit.Version{}
	if st.Mode != audit.ModeSnapshot {
		for _, s := range st.seen {
			for _, it := range s.items {
				out[it.id] = append(out[it.id], audit.Version{From: audit.ExactBound(it.at), Gone: it.gone, Body: it.body, Record: s.record})
			}
		}
		for _, vs := range out {
			sort.SliceStable(vs, func(a, b int) bool { return vs[a].From.At.Before(vs[b].From.At) })
		}
		return out
	}
	last := map[string]time.Time{} // when each item was last seen, or last seen to be absent
	complete := time.Time{}
	for _, s := range st.seen {
		st.see(out, last, complete, s)
		if s.complete {
			complete = s.at
		}
	}
	return out
}

func (st *stream) see(out map[string][]audit.Version, last map[string]time.Time, complete time.Time, s sighting) {
	present := map[string]bool{}
	for _, it := range s.items {
		present[it.id] = true
		vs := out[it.id]
		after, known := last[it.id]
		if !known {
			after = complete
		}
		if n := len(vs); n == 0 || vs[n-1].Gone || string(vs[n-1].Body) != string(it.body) {
			out[it.id] = append(vs, audit.Version{From: audit.Bound{After: after, At: s.at}, Body: it.body, Record: s.record})
		}
		last[it.id] = s.at
	}
	if !s.complete {
		return
	}
	for id, vs := range out {
		if !present[id] && !vs[len(vs)-1].Gone {
			out[id] = append(vs, audit.Version{From: audit.Bound{After: last[id], At: s.at}, Gone: true, Record: s.record})
		}
		if !present[id] {
			last[id] = s.at
		}
	}
}
