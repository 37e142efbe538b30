package procedure

import (
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/interpreter"
	"go.yaml.in/yaml/v4"

	"tieout/audit"
)

func (b *builder) joinList(n *yaml.Node) {
	for _, e := range b.pairs(n, "with") {
		if !namePattern.MatchString(e.key) || e.key == "params" || e.key == b.p.ItemType {
			b.failf(e.at, "with: %q cannot name a join; choose a word such as %ss", e.key, b.p.ItemType)
			continue
		}
		if len(b.p.joins) == 16 {
			b.failf(e.at, "with: at most 16 joins")
			return
		}
		if j := b.join(e); j != nil {
			b.p.joins = append(b.p.joins, j)
		}
	}
}

func (b *builder) join(e pair) *join {
	f := b.mapping(e.value, "join "+e.key, "items", "on", "where", "at", "from", "to", "after", "before", "one", "as")
	if b.required(f, "items", e.value) == "" {
		return nil
	}
	j := &join{name: e.key, layout: b.itemType(f["items"], "items"), one: b.boolean(f["one"], "one")}
	if j.layout == nil {
		return nil
	}
	if j.alias = b.str(f["as"], "as"); j.alias == "" {
		j.alias = j.layout.typ.Name
	}
	j.after, j.before = b.length(f["after"], "after"), b.length(f["before"], "before")
	j.at, j.from, j.to = b.timePath(f["at"], "at", len(b.p.joins)), b.timePath(f["from"], "from", len(b.p.joins)), b.timePath(f["to"], "to", len(b.p.joins))
	b.joinTimes(e, f, j)
	b.joinOn(e, f["on"], j)
	if w := f["where"]; w != nil {
		b.joinWhere(w, j)
	}
	return j
}

func (b *builder) joinTimes(e pair, f map[string]*yaml.Node, j *join) {
	switch {
	case j.at != nil && (j.from != nil || j.to != nil):
		b.failf(e.value, "join %s: has at:, so it cannot have from: or to:", e.key)
	case !j.layout.typ.Event && (j.from != nil || j.to != nil):
		b.failf(e.value, "join %s: from: and to: are for events; %s exists over time: use at:", e.key, j.layout.typ.Name)
	case !j.layout.typ.Event && f["before"] != nil:
		b.failf(f["before"], "join %s: before: is for events", e.key)
	case j.at == nil && j.from == nil && j.to == nil && f["after"] != nil && !j.layout.typ.Event:
		b.failf(f["after"], "join %s: after: counts from at:, which is missing", e.key)
	}
}

func (b *builder) joinOn(e pair, n *yaml.Node, j *join) {
	if n == nil {
		b.failf(e.value, "join %s: on: is missing; it says which fields are equal, such as { account.id: links.account }", e.key)
		return
	}
	for _, o := range b.pairs(n, "on") {
		head, field, _ := strings.Cut(o.key, ".")
		slot, ok := j.layout.index[field]
		if (head != j.alias && head != j.layout.typ.Name && head != j.name) || !ok || j.layout.kinds[slot] != audit.String {
			b.failf(o.at, "on: %q is not a text field of %s%s", o.key, j.layout.typ.Name, meant(field, j.layout.names))
			continue
		}
		src := b.path(o.value, "on", len(b.p.joins))
		if src == nil {
			continue
		}
		if k := b.kind(src); k != audit.String && k != audit.Strings {
			b.failf(o.value, "on: %s is a %s; want text or a list of texts", o.value.Value, k)
			continue
		}
		j.on = append(j.on, pairing{slot, *src})
		j.want |= 1 << slot
	}
}

func (b *builder) joinWhere(n *yaml.Node, j *join) {
	if j.alias == b.p.ItemType {
		b.failf(n, "join %s: where: %s is the population's item as well; give the joined one another name with as:", j.name, j.alias)
		return
	}
	s, err := b.full.with(j.alias, j.layout)
	if err != nil {
		b.failf(n, "%v", err)
		return
	}
	if j.where = b.question(s, n, "where"); j.where != nil {
		j.want |= j.where.reads[j.alias]
	}
}

// path reads ITEM.FIELD or JOIN.FIELD of a join before the one called upto.
func (b *builder) path(n *yaml.Node, what string, upto int) *path {
	if n == nil {
		return nil
	}
	s := b.str(n, what)
	head, field, _ := strings.Cut(s, ".")
	l, at := b.p.item, -1
	if head != b.p.ItemType {
		l = nil
		for i, j := range b.p.joins[:min(upto, len(b.p.joins))] {
			if j.name == head {
				l, at = j.layout, i
			}
		}
	}
	if l == nil {
		b.failf(n, "%s: %q starts neither with %s nor with an earlier join", what, s, b.p.ItemType)
		return nil
	}
	slot, ok := l.index[field]
	if !ok {
		b.failf(n, "%s: %s has no field %q%s", what, head, field, meant(field, l.names))
		return nil
	}
	return &path{join: at, slot: slot, text: s}
}

func (b *builder) kind(p *path) audit.FieldKind {
	if p.join < 0 {
		return b.p.item.kinds[p.slot]
	}
	return b.p.joins[p.join].layout.kinds[p.slot]
}

// timePath reads a path to an instant of a single item.
func (b *builder) timePath(n *yaml.Node, what string, upto int) *path {
	p := b.path(n, what, upto)
	if p == nil {
		return nil
	}
	if b.kind(p) != audit.Time {
		b.failf(n, "%s: %s is a %s; want an instant", what, p.text, b.kind(p))
		return nil
	}
	if p.join >= 0 && !b.p.joins[p.join].one {
		b.failf(n, "%s: %s is of a list; want one instant", what, p.text)
		return nil
	}
	return p
}

// joinReads collects which fields of each join are read anywhere.
func (b *builder) joinReads() {
	note := func(p *program) {
		if p == nil {
			return
		}
		for _, j := range b.p.joins {
			j.want |= p.reads[j.name]
			if !j.one {
				j.want |= p.elems[j.layout.typ.Name]
			}
		}
	}
	note(b.p.holds)
	for _, a := range b.p.attrs {
		note(a.holds)
		note(a.late)
	}
	for _, j := range b.p.joins {
		for _, src := range j.sources() {
			if src.join >= 0 {
				b.p.joins[src.join].want |= 1 << src.slot
			}
		}
	}
}

// sources are the paths a join depends on.
func (j *join) sources() []path {
	var out []path
	for _, o := range j.on {
		out = append(out, o.src)
	}
	for _, p := range []*path{j.at, j.from, j.to} {
		if p != nil {
			out = append(out, *p)
		}
	}
	return out
}

// nothing is an item of which nothing was collected.
type nothing struct{ params map[string]param }

// ResolveName answers unknown to every field.
func (n nothing) ResolveName(name string) (any, bool) {
	if p, ok := strings.CutPrefix(name, "params."); ok {
		if v, ok := n.params[p]; ok {
			return v.celValue(), true
		}
	}
	if name == clockName {
		c := &clock{cal: &calendar{}}
		c.set(0)
		return c, true
	}
	return types.NewUnknown(1, types.NewAttributeTrail(name)), true
}

// Parent is none.
func (nothing) Parent() interpreter.Activation { return nil }
