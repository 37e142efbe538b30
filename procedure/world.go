package procedure

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"tieout/audit"
)

// A world is the small set of timelines an example speaks of: everything in
// it is seen completely.
type world struct {
	*document
	p      *Procedure
	x      *example
	named  map[string][]*thing // by the name in given
	unseen map[string]bool     // item types that nothing collects
}

// A thing is one item of an example.
type thing struct {
	layout *layout
	id     string
	at     int64
	body   map[string]any
	node   *yaml.Node
}

// names are what given may hold: the item, the joins, the items of each.
func (w *world) names() map[string]*layout {
	m := map[string]*layout{}
	if w.p.item == nil {
		return m
	}
	for _, j := range w.p.joins {
		m[j.name] = j.layout
	}
	if w.p.cadence != nil && w.p.cadence.each != nil {
		m[w.p.cadence.each.layout.typ.Name] = w.p.cadence.each.layout
	}
	m[w.p.ItemType] = w.p.item
	return m
}

func (w *world) build() {
	w.named = map[string][]*thing{}
	known := w.names()
	for _, e := range w.pairs(w.x.given, "given") {
		l := known[e.key]
		if l == nil {
			w.failf(e.at, "given: %q is neither the item nor a join%s; there is %s", e.key, meant(e.key, sortedKeys(known)), strings.Join(sortedKeys(known), ", "))
			continue
		}
		w.read(e, l)
	}
	for i := range w.p.joins {
		w.fill(w.p.joins[i])
	}
	w.window()
	w.anySubject()
}

// window moves a cadence's example to the window of its first event; where the
// example shows what is late, to the one before.
func (w *world) window() {
	events := w.named[w.p.ItemType]
	if w.p.Form != audit.Cadence || len(events) == 0 || has(w.x.root, "at") {
		return
	}
	x := *w.x
	x.at = events[0].at
	if x.expect == audit.Late {
		x.at = windowAt(w.p.cadence.every, x.at, time.UTC).from - 1
	}
	w.x = &x
}

// anySubject stands in where given leaves out the item of each: something
// that was due, and that the first event was of.
func (w *world) anySubject() {
	if w.p.cadence == nil || w.p.cadence.each == nil || has(w.x.given, w.p.cadence.each.layout.typ.Name) {
		return
	}
	p, c, e := *w.p, *w.p.cadence, *w.p.cadence.each
	p.cadence, c.each, e.where = &c, &e, nil
	w.p = &p
	t := &thing{layout: e.layout, id: "example", body: map[string]any{}, node: w.x.given}
	for _, ev := range w.named[p.ItemType] {
		if id, ok := take(ev.body, ev.layout.names[e.key]).(string); ok {
			t.id = id
		}
	}
	w.named[e.layout.typ.Name] = []*thing{t}
}

// read makes the things under one name of given.
func (w *world) read(e pair, l *layout) {
	nodes := []*yaml.Node{e.value}
	switch {
	case e.value.Kind == yaml.ScalarNode && e.value.Value == "not collected":
		w.unseen[l.typ.Name] = true
		return
	case e.value.Kind == yaml.SequenceNode:
		nodes = e.value.Content
	}
	for i, n := range nodes {
		t := &thing{layout: l, id: "example", at: w.x.at, body: map[string]any{}, node: n}
		if e.key != w.p.ItemType || i > 0 {
			t.id = fmt.Sprintf("%s-%d", e.key, i+1)
		}
		w.fields(t, "", n, t.body)
		w.named[e.key] = append(w.named[e.key], t)
	}
}

// fields reads one object of an item.
func (w *world) fields(t *thing, group string, n *yaml.Node, into map[string]any) {
	for _, e := range w.pairs(n, "an item") {
		name := e.key
		if group != "" {
			name = group + "." + e.key
		}
		slot, ok := t.layout.index[name]
		switch {
		case ok && t.layout.fields[slot] == nil && name == "id":
			t.id = w.str(e.value, "id")
		case ok && t.layout.fields[slot] == nil:
			t.at = w.time(e.value)
		case ok:
			put(t.body, name, w.value(t.layout.fields[slot], e.value))
		case t.layout.groups[name] != nil:
			w.fields(t, name, e.value, into)
		default:
			w.failf(e.at, "%s has no field %q%s", t.layout.typ.Name, name, meant(name, t.layout.names))
		}
	}
}

func put(body map[string]any, name string, v any) {
	head, rest, more := strings.Cut(name, ".")
	if !more {
		body[head] = v
		return
	}
	sub, _ := body[head].(map[string]any)
	if sub == nil {
		sub = map[string]any{}
		body[head] = sub
	}
	put(sub, rest, v)
}

func take(body map[string]any, name string) any {
	head, rest, more := strings.Cut(name, ".")
	if !more {
		return body[head]
	}
	sub, _ := body[head].(map[string]any)
	return take(sub, rest)
}

func (w *world) time(n *yaml.Node) int64 {
	t, err := parseExampleTime(w.str(n, "an instant"), w.x.at)
	if err != nil {
		w.failf(n, "%v", err)
	}
	return t
}

// value reads a field's value and checks it as the schema does.
func (w *world) value(f *audit.Field, n *yaml.Node) any {
	switch f.Kind {
	case audit.Bool:
		return w.boolean(n, f.Name)
	case audit.Int:
		i, ok := scalar(n).(int64)
		if n.Kind != yaml.ScalarNode || !ok {
			w.failf(n, "%s: want an integer", f.Name)
		}
		return i
	case audit.Time:
		t := w.time(n)
		if t == never && f.None == "" {
			w.failf(n, "%s cannot be never", f.Name)
		}
		return text(t)
	case audit.Strings:
		out := w.strs(n, f.Name)
		if len(out) == 0 && f.None == "" {
			w.failf(n, "%s cannot be empty", f.Name)
		}
		return append([]string{}, out...)
	}
	s := w.str(n, f.Name)
	if why := enumFault(f, s); why != "" {
		w.failf(n, "%s", why)
	}
	return s
}

// enumFault says why s is no value of the text field f; "" where it is one.
func enumFault(f *audit.Field, s string) string {
	switch {
	case s == "" && f.None == "":
		return f.Name + " cannot be empty"
	case s == "" || len(f.Enum) == 0 || slices.Contains(f.Enum, s):
		return ""
	}
	return fmt.Sprintf("%s is never %q%s; it is one of %s", f.Name, s, meant(s, f.Enum), strings.Join(f.Enum, ", "))
}

// fill writes the fields that a join compares into the things that leave them out.
func (w *world) fill(j *join) {
	things := w.named[j.name]
	for _, o := range j.on {
		if o.slot == slotID && len(things) == 0 {
			continue
		}
		for i, t := range things {
			w.pair(j, o, t, i)
		}
	}
	for _, t := range things {
		if t.layout.typ.Event && t.at == w.x.at {
			w.place(j, t)
		}
	}
}

// place puts a joined event without its own instant where the join looks.
func (w *world) place(j *join, t *thing) {
	if has(t.node, "at") || len(w.named[w.p.ItemType]) == 0 {
		return
	}
	base := w.named[w.p.ItemType][0]
	for _, p := range []*path{j.from, j.to, j.at} {
		if p == nil || p.join >= 0 {
			continue
		}
		if s, ok := take(base.body, base.layout.names[p.slot]).(string); ok && s != audit.NeverText {
			us, _ := parseInstant([]byte(s))
			t.at = us
			return
		}
		if p.slot == slotAt && base.layout.typ.Event {
			t.at = base.at
			return
		}
	}
}

func has(n *yaml.Node, key string) bool {
	for i := 0; n.Kind == yaml.MappingNode && i < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}

func (w *world) pair(j *join, o pairing, t *thing, i int) {
	name := t.layout.names[o.slot]
	if o.slot == slotID && has(t.node, "id") || o.slot != slotID && take(t.body, name) != nil {
		return
	}
	owner, layout := w.p.ItemType, w.p.item
	if o.src.join >= 0 {
		owner, layout = w.p.joins[o.src.join].name, w.p.joins[o.src.join].layout
	}
	sources := w.named[owner]
	if len(sources) == 0 {
		return
	}
	src := sources[min(i, len(sources)-1)]
	v := src.id
	if o.src.slot != slotID {
		v = w.sourceValue(src, layout, o.src.slot, j.name, i)
	}
	if o.slot == slotID {
		t.id = v
		return
	}
	put(t.body, name, v)
}

// sourceValue is the value on the other side of `on`, made up where it is left out.
func (w *world) sourceValue(src *thing, l *layout, slot int, name string, i int) string {
	field := l.names[slot]
	switch v := take(src.body, field).(type) {
	case string:
		return v
	case []string:
		if i < len(v) {
			return v[i]
		}
		return fmt.Sprintf("%s-%d", name, i+1)
	}
	made := fmt.Sprintf("%s-%d", name, i+1)
	if l.kinds[slot] == audit.Strings {
		put(src.body, field, []string{made})
	} else {
		put(src.body, field, made)
	}
	return made
}

// run answers the example.
func (w *world) run() (audit.Outcome, string, error) {
	p, x := w.p, w.x
	in := Input{Period: audit.Period{Span: audit.At(instant(x.at)), Zone: "UTC"}, AsOf: instant(x.at), Timeline: w.timeline, alone: true}
	switch p.Form {
	case audit.Event:
		in.Period.Span = span(x.at-5*365*day, x.at+5*365*day)
		in.AsOf = instant(x.at + exampleReach)
	case audit.Cadence:
		win := windowAt(p.cadence.every, x.at, time.UTC)
		in.Period.Span = span(win.from, win.to)
		in.AsOf = instant(win.to + exampleReach)
	}
	if x.asOf != 0 {
		in.AsOf = instant(x.asOf)
	}
	got, why := audit.NotApplicable, ""
	tested, err := Run(context.Background(), in, []*Procedure{p}, func(r *audit.Result) error {
		if Worse(got, r.Outcome) != got || why == "" {
			got, why = Worse(got, r.Outcome), r.Reason
		}
		return nil
	})
	if err != nil {
		return 0, "", err
	}
	if len(tested[0].Gaps) > 0 && got == audit.NotApplicable {
		return audit.NoEvidence, tested[0].Gaps[0].Reason, nil
	}
	return got, why, nil
}
