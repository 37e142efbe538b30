package timeline

import (
	"slices"
	"strings"
	"sync"

	"tieout/audit"
)

// A node is a field, or a group of fields that share the start of a dotted
// name. Children are sorted as canonical JSON sorts keys; names are ASCII.
type node struct {
	name     string
	path     string // dotted, from the type's top
	field    *audit.Field
	volatile bool
	kids     []*node
	element  *node // of records
}

// compiled are the trees of every item type by name.
var compiled = sync.OnceValue(func() map[string]*node {
	m := make(map[string]*node, len(audit.ItemTypes))
	for _, t := range audit.ItemTypes {
		m[t.Name] = compile(&node{}, t.Fields)
	}
	return m
})

// compile hangs fields under root.
func compile(root *node, fields []audit.Field) *node {
	for i := range fields {
		f := &fields[i]
		at := root
		for name := range strings.SplitSeq(f.Name, ".") {
			at = at.kid(name)
		}
		at.field, at.volatile = f, f.Volatile
		if f.Kind == audit.Records {
			at.element = compile(&node{path: at.path + "[]"}, f.Of)
		}
	}
	root.sort()
	return root
}

func (n *node) kid(name string) *node {
	if i := n.find(name); i >= 0 {
		return n.kids[i]
	}
	k := &node{name: name, path: strings.TrimPrefix(n.path+"."+name, ".")}
	n.kids = append(n.kids, k)
	return k
}

func (n *node) find(name string) int {
	return slices.IndexFunc(n.kids, func(k *node) bool { return k.name == name })
}

func (n *node) sort() {
	slices.SortFunc(n.kids, func(a, b *node) int { return strings.Compare(a.name, b.name) })
	for _, k := range n.kids {
		k.sort()
	}
}
