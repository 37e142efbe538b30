package registers

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"tieout/audit"
	"tieout/internal/strictyaml"
	"tieout/source"
)

// An entry is one item as a file tells it.
type entry struct {
	typ, id string
	at      time.Time // events: when it happened
	fields  source.Fields
	where   string // file:line:column
	bad     bool   // something in it could not be read; its id still counts as there
}

// A told is what files tell.
type told struct {
	entries []entry
	faults  source.BadRows
	gone    []string // ids that were there before and are not any more
}

// into adds what could be read.
func (t *told) into(r *source.Reading, at time.Time) {
	for _, e := range t.entries {
		if e.bad {
			continue
		}
		when := at
		if !e.at.IsZero() {
			when = e.at
		}
		r.Add(e.typ, e.id, when, e.fields)
	}
	for _, f := range t.faults {
		r.Refuse(f.Where, errors.New(f.Why))
	}
}

// unknown tells every item without a field, at the end of a stretch in which
// history could not be told: what follows is then told anew, also where it is
// what was told last before that stretch.
func (t *told) unknown(r *source.Reading, at time.Time) {
	for _, e := range t.entries {
		if !e.bad {
			r.Add(e.typ, e.id, at, source.Fields{})
		}
	}
}

// read reads a page's files. An id told twice counts for neither. What ceased
// to exist is told only where every file could be read.
func (reg register) read(pg page, zone *time.Location, asOf time.Time) told {
	var t told
	for _, f := range pg.Files {
		p := parser{path: f.Path, zone: zone, asOf: asOf, told: &t}
		p.state(reg, f)
	}
	t.unique()
	if len(t.faults) > 0 {
		return t
	}
	there := map[string]bool{}
	for _, e := range t.entries {
		there[e.id] = true
	}
	gone := map[string]bool{}
	for _, f := range pg.Before {
		var before told
		p := parser{path: f.Path, zone: zone, asOf: asOf, told: &before}
		p.state(reg, f)
		for _, e := range before.entries {
			if e.id != "" && !there[e.id] {
				gone[e.id] = true
			}
		}
	}
	t.gone = slices.Sorted(maps.Keys(gone))
	return t
}

// unique refuses entries of one type and id.
func (t *told) unique() {
	first := map[[2]string]int{}
	for i := range t.entries {
		e := &t.entries[i]
		if e.id == "" {
			continue
		}
		key := [2]string{e.typ, e.id}
		j, twice := first[key]
		if !twice {
			first[key] = i
			continue
		}
		t.faults = append(t.faults, source.BadRow{Where: e.where, Why: fmt.Sprintf("the id %q is taken at %s; every %s has one of its own", e.id, t.entries[j].where, e.typ)})
		t.entries[j].bad, e.bad = true, true
	}
}

// A parser reads one file.
type parser struct {
	path string
	zone *time.Location
	asOf time.Time
	told *told
	bads int
}

func (p *parser) where(n *yaml.Node) string {
	if n == nil {
		return p.path + ":1:1"
	}
	return fmt.Sprintf("%s:%d:%d", p.path, max(n.Line, 1), max(n.Column, 1))
}

func (p *parser) bad(n *yaml.Node, format string, args ...any) {
	p.bads++
	p.told.faults = append(p.told.faults, source.BadRow{Where: p.where(n), Why: fmt.Sprintf(format, args...)})
}

var positioned = regexp.MustCompile(`^(.+?:\d+:\d+): (.*)$`)

// root parses a file's YAML; nil after naming what is wrong with it.
func (p *parser) root(f file) *yaml.Node {
	b := f.bytes()
	switch {
	case f.Unread != "":
		p.bad(nil, "%s", f.Unread)
		return nil
	case f.check() != nil:
		p.bad(nil, "%v", f.check())
		return nil
	case !utf8.Valid(b):
		p.bad(&yaml.Node{Line: 1 + strings.Count(string(b[:firstInvalid(b)]), "\n"), Column: 1}, "this line is not UTF-8; save the file as that")
		return nil
	}
	if path.Ext(p.path) == ".md" {
		var why string
		if b, why = frontMatter(b); why != "" {
			p.bad(nil, "%s", why)
			return nil
		}
	}
	root, err := strictyaml.Parse(p.path, b)
	if err == nil {
		if p.repeated(root); p.bads > 0 {
			return nil
		}
		return root
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		p.bads++
		at, why := p.path+":1:1", line
		if m := positioned.FindStringSubmatch(line); m != nil {
			at, why = m[1], m[2]
		}
		p.told.faults = append(p.told.faults, source.BadRow{Where: at, Why: why})
	}
	return nil
}

// repeated names keys that a mapping has twice.
func (p *parser) repeated(n *yaml.Node) {
	seen := map[string]bool{}
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			if seen[c.Value] {
				p.bad(c, "%q is written twice", c.Value)
			}
			seen[c.Value] = true
		}
		p.repeated(c)
	}
}

func firstInvalid(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return len(b)
}

// frontMatter returns the lines of a Markdown file from its first "---" to
// the line before the second: the numbers of lines stay what they are.
func frontMatter(b []byte) (head []byte, why string) {
	s := strings.TrimPrefix(string(b), "\ufeff")
	first := true
	for line := range strings.Lines(s) {
		text := strings.TrimRight(line, "\r\n \t")
		switch {
		case first && text != "---":
			return nil, "it has no front matter; begin the file with a line ---, then title, version, status, owner, then a line ---"
		case !first && text == "---":
			return head, ""
		}
		head, first = append(head, line...), false
	}
	if first {
		return nil, "the file is empty; begin it with a line ---, then title, version, status, owner, then a line ---"
	}
	return nil, "its front matter has no end; write a line --- after it"
}

// state reads a file of a register: one item, or a list of them.
func (p *parser) state(reg register, f file) {
	root := p.root(f)
	if root == nil {
		return
	}
	i := slices.IndexFunc(reg.folders, func(d folder) bool { return d.name == path.Dir(p.path) })
	if i < 0 {
		p.bad(nil, "files of %s lie in %s itself", reg.typ, reg.names())
		return
	}
	dir := reg.folders[i]
	stem := strings.TrimSuffix(path.Base(p.path), dir.ext)
	if root.Kind == yaml.SequenceNode && dir.ext == ".yaml" {
		for _, n := range root.Content {
			p.item(reg.typ, n, frame{})
		}
		return
	}
	fr := frame{id: stem, kind: dir.kind}
	if dir.ext == ".md" {
		fr.named, fr.extra = true, readersKeys
	}
	p.item(reg.typ, root, fr)
}

// readersKeys are the keys of a policy that say who reads it and what it
// promises (docs/formats/policies.md). Package policy reads them; no item
// carries them.
var readersKeys = []string{"audience", "acknowledge", "review", "controls", "summary", "states"}

// A frame is what a file says about an item outside of it.
type frame struct {
	id    string // from the file's name; "": the item must say it
	named bool   // the file's name is the id, and nothing else may be
	kind  string // of a document that does not say its own
	event bool
	extra []string // further keys, read elsewhere
}

// item reads one item.
func (p *parser) item(typ string, n *yaml.Node, fr frame) {
	before := p.bads
	e := entry{typ: typ, id: fr.id, where: p.where(n), fields: source.Fields{}}
	if n.Kind != yaml.MappingNode {
		p.bad(n, "want the fields of a %s, such as `title: ...`", typ)
		return
	}
	schema, err := audit.TypeByName(typ)
	if err != nil {
		p.bad(n, "%v", err)
		return
	}
	p.keys(schema, n, "", &e, fr)
	if e.id == "" {
		p.bad(n, "it has no id")
	}
	if fr.event && e.at.IsZero() && p.bads == before {
		p.bad(n, "it does not say `at:`, when it happened")
	}
	if _, said := e.fields["kind"]; !said && fr.kind != "" {
		e.fields["kind"] = fr.kind
	}
	e.bad = p.bads > before
	p.told.entries = append(p.told.entries, e)
}

// keys reads a mapping's keys: of the item itself, or of one of its groups.
func (p *parser) keys(schema *audit.ItemType, n *yaml.Node, group string, e *entry, fr frame) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		name := group + k.Value
		if k.Kind != yaml.ScalarNode {
			p.bad(k, "want the name of a field")
			continue
		}
		if group == "" && p.frameKey(k, v, e, fr) {
			continue
		}
		p.field(schema, name, k, v, e, fr)
	}
}

// frameKey reads the keys that are no fields.
func (p *parser) frameKey(k, v *yaml.Node, e *entry, fr frame) bool {
	switch {
	case k.Value == "id" && fr.named && v.Kind == yaml.ScalarNode && v.Value == fr.id:
	case k.Value == "id" && fr.named:
		p.bad(k, "the id is the file's name: %q; leave this out", fr.id)
	case k.Value == "id":
		e.id = p.id(v)
	case fr.event && k.Value == "at":
		if t, ok := p.instant(v, false); ok {
			e.at = t
			p.past(v, "at", t)
		}
	case slices.Contains(fr.extra, k.Value):
	default:
		return false
	}
	return true
}

func (p *parser) field(schema *audit.ItemType, name string, k, v *yaml.Node, e *entry, fr frame) {
	if f := schema.Field(name); f != nil && name != "id" {
		if value, ok := p.value(schema, f, v); ok {
			e.fields[name] = value
		}
		return
	}
	inner := slices.ContainsFunc(schema.Fields, func(f audit.Field) bool { return strings.HasPrefix(f.Name, name+".") })
	if inner && v.Kind == yaml.MappingNode {
		p.keys(schema, v, name+".", e, fr)
		return
	}
	if inner {
		p.bad(v, "%s: want a group of fields, such as %s", name, fieldNames(schema, name+"."))
		return
	}
	known := append([]string{"id"}, fr.extra...)
	if fr.event {
		known = append(known, "type", "at")
	}
	for _, f := range schema.Fields {
		known = append(known, f.Name)
	}
	p.bad(k, "a %s has no field %q%s", schema.Name, name, meant(name, known))
}

func fieldNames(schema *audit.ItemType, prefix string) string {
	var out []string
	for _, f := range schema.Fields {
		if strings.HasPrefix(f.Name, prefix) {
			out = append(out, f.Name)
		}
	}
	return strings.Join(out, ", ")
}
