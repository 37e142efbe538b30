package procedure

import (
	"sort"
	"strings"
	"sync"

	"tieout/audit"
)

// A layout is an item type as the engine reads it: every field has a slot.
// Slot 0 is the id; events have their instant in slot 1.
type layout struct {
	typ    *audit.ItemType
	names  []string // by slot: "id", "at", "mfa.enforced"
	kinds  []audit.FieldKind
	fields []*audit.Field // by slot; nil for id and at
	index  map[string]int // slot by name
	root   *branch        // of the body
	groups map[string]map[string]int
	// groups: for "" and each dotted prefix, the names below it; the slot, or -1 for a group
}

const (
	slotID = 0
	slotAt = 1
)

// A branch is one object of a body: its keys, sorted.
type branch struct {
	key  string
	slot int // -1 for an object of fields
	kids []*branch
}

var layouts = sync.OnceValue(func() map[string]*layout {
	m := make(map[string]*layout, len(audit.ItemTypes))
	for _, t := range audit.ItemTypes {
		m[t.Name] = newLayout(t)
	}
	return m
})

func newLayout(t *audit.ItemType) *layout {
	l := &layout{typ: t, index: map[string]int{}, root: &branch{slot: -1}, groups: map[string]map[string]int{"": {}}}
	l.add("id", audit.String, nil)
	if t.Event {
		l.add("at", audit.Time, nil)
	}
	for i := range t.Fields {
		f := &t.Fields[i]
		slot := l.add(f.Name, f.Kind, f)
		l.root.insert(strings.Split(f.Name, "."), slot)
	}
	l.root.sort()
	return l
}

func (l *layout) add(name string, kind audit.FieldKind, f *audit.Field) int {
	slot := len(l.names)
	l.names, l.kinds, l.fields = append(l.names, name), append(l.kinds, kind), append(l.fields, f)
	l.index[name] = slot
	parts := strings.Split(name, ".")
	for i := range parts {
		group, child := strings.Join(parts[:i], "."), -1
		if i == len(parts)-1 {
			child = slot
		}
		if l.groups[group] == nil {
			l.groups[group] = map[string]int{}
		}
		l.groups[group][parts[i]] = child
	}
	return slot
}

func (b *branch) insert(path []string, slot int) {
	for _, k := range b.kids {
		if k.key == path[0] {
			k.insert(path[1:], slot)
			return
		}
	}
	k := &branch{key: path[0], slot: -1}
	b.kids = append(b.kids, k)
	if len(path) == 1 {
		k.slot = slot
		return
	}
	k.insert(path[1:], slot)
}

func (b *branch) sort() {
	sort.Slice(b.kids, func(i, j int) bool { return b.kids[i].key < b.kids[j].key })
	for _, k := range b.kids {
		k.sort()
	}
}

// labels are the fields a person would name an item by, best first.
var labels = []string{"name", "title", "login", "hostname", "email"}

func (l *layout) labelSlot() int {
	for _, n := range labels {
		if s, ok := l.index[n]; ok {
			return s
		}
	}
	return slotID
}
