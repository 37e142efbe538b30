package procedure

// OnlyKind is the kind that every item p speaks about has, because its
// population's condition demands just that: "deficiency" of tickets whose kind is
// that. It is "" where other kinds can be in the population, and where p reads
// items beside its population.
func (p *Procedure) OnlyKind() string {
	if len(p.Types) != 1 {
		return ""
	}
	d, err := openDocument(p.name, p.data)
	if err != nil {
		return ""
	}
	n := child(d.mapping(d.root, "a procedure", documentKeys...)["population"], "where")
	env, err := plainParser()
	if n == nil || err != nil {
		return ""
	}
	tree, issues := env.Parse(n.Value)
	if issues.Err() != nil {
		return ""
	}
	c := Cadence{Item: p.ItemType, Equals: map[string]string{}}
	for _, e := range conjuncts(tree.NativeRep().Expr()) {
		c.take(e)
	}
	return c.Equals["kind"]
}
