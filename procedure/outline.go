package procedure

import (
	"runtime"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v4"

	"tieout/audit"
)

// ParseTrusted reads a document that ships inside the program: a test of the
// program has run Parse on the same bytes. Its expressions are compiled when it
// is first performed and its examples are not run; everything a reader sees is
// there at once, and what it returns tests the same way.
func ParseTrusted(name string, data []byte) (*Procedure, error) {
	d, err := openDocument(name, data)
	if err != nil {
		return nil, err
	}
	b := &builder{document: d, p: &Procedure{name: name, data: data, later: &compiling{}}}
	m := d.mapping(d.root, "a procedure", documentKeys...)
	b.head(m)
	b.parameters(m["parameters"])
	form := b.form(m)
	b.populationText(m["population"])
	b.asks(form)
	b.outlineTypes(m, form)
	if err := d.err(); err != nil {
		return nil, err
	}
	return b.p, b.p.hash(d.root)
}

// A compiling is the compiled form of a procedure, made once for all copies.
type compiling struct {
	once sync.Once
	p    *Procedure
	err  error
}

// compiled returns p ready to be performed: with the controls and days that p
// names, which may be others than the document's.
func (p *Procedure) compiled() (*Procedure, error) {
	if p.later == nil {
		return p, nil
	}
	p.later.once.Do(func() { p.later.p, p.later.err = parse(p.name, p.data, p.overrides) })
	if p.later.err != nil {
		return nil, p.later.err
	}
	own := *p.later.p
	own.Controls, own.Effective = p.Controls, p.Effective
	return &own, nil
}

// compileAll compiles procedures on all cores.
func compileAll(ps []*Procedure) ([]*Procedure, error) {
	out, errs := make([]*Procedure, len(ps)), make([]error, len(ps))
	var wait sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, p := range ps {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			out[i], errs[i] = p.compiled()
		})
	}
	wait.Wait()
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return nil, errs[i]
	}
	return out, nil
}

// asks reads what a person is asked: of a manual procedure, and in attributes.
func (b *builder) asks(form *yaml.Node) {
	if form == nil {
		return
	}
	for _, e := range b.pairs(form, string(b.p.Form)) {
		switch e.key {
		case "questions":
			b.p.Questions = b.strs(e.value, e.key)
		case "evidence":
			b.p.Evidence = b.strs(e.value, e.key)
		case "attributes":
			for _, a := range b.pairs(e.value, e.key) {
				if ask := b.str(child(a.value, "ask"), "ask"); ask != "" {
					b.p.Questions = append(b.p.Questions, ask)
				}
			}
		}
	}
}

// outlineTypes lists what the procedure reads, as types does of one that is
// compiled.
func (b *builder) outlineTypes(m map[string]*yaml.Node, form *yaml.Node) {
	reads := []*yaml.Node{child(m["population"], "items"), child(child(form, "each"), "items")}
	for _, e := range b.pairs(m["with"], "with") {
		reads = append(reads, child(e.value, "items"))
	}
	for _, n := range reads {
		if n == nil {
			continue
		}
		if l := b.itemType(n, "items"); l != nil {
			b.p.Types = append(b.p.Types, l.typ.Name)
		}
	}
	slices.Sort(b.p.Types)
	b.p.Types = slices.Compact(b.p.Types)
}

// child returns the value of a key of a mapping, or nil.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// populationText reads what a population says in words, and the item type.
func (b *builder) populationText(n *yaml.Node) map[string]*yaml.Node {
	if n == nil {
		if b.p.Form != audit.Manual {
			b.failf(b.root, "population: is missing; it says which items are tested")
		}
		return nil
	}
	pop := b.mapping(n, "population", "items", "where", "sentence")
	b.p.Population = strings.TrimSpace(b.str(pop["sentence"], "sentence"))
	if pop["items"] == nil {
		if b.p.Form != audit.Manual {
			b.failf(n, "population: items: is missing; it names the item type, such as account")
		}
		return nil
	}
	if b.p.item = b.itemType(pop["items"], "items"); b.p.item == nil {
		return nil
	}
	b.p.ItemType = b.p.item.typ.Name
	if b.p.Population == "" {
		b.p.Population = "Every " + b.p.ItemType
		if w := b.str(pop["where"], "where"); w != "" {
			b.p.Population += " with " + w
		}
		b.p.Population += "."
	}
	return pop
}
