package procedure

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"go.yaml.in/yaml/v4"

	"tieout/audit"
)

// A Cadence says when the occurrences of a procedure of that form are due, and
// what performs one.
type Cadence struct {
	Every   string
	Item    string // item type of what performs it, such as revision
	Each    string // item type of what it is done for, one by one; "": once for the organization
	Asks    []Asked
	Equals  map[string]string // text fields of the item that have to have this value, by name
	Filled  []string          // text fields that must not be empty, for it to count at all or to have every attribute
	Unclear []string          // questions about what counts that no one value of a field answers
}

// An Asked is one attribute that an occurrence has to show.
type Asked struct{ Name, Text string }

// A Window is one occurrence that is due.
type Window struct {
	Name       string // "2026-Q1"
	audit.Span        // the calendar window
	DueBy      time.Time
	LateBy     time.Time // done after DueBy and before it is late; from then on it was missed
}

// Cadence reads what is due and what performs it from the document. A
// procedure of another form is audit.ErrInvalid.
func (p *Procedure) Cadence() (Cadence, error) {
	b, m, form, err := p.reopened()
	if err != nil {
		return Cadence{}, err
	}
	c := Cadence{Every: b.required(b.mapping(form, "cadence", cadenceKeys...), "every", form), Item: p.ItemType,
		Each: b.str(child(child(form, "each"), "items"), "items"), Equals: map[string]string{}}
	for _, n := range []*yaml.Node{child(m["population"], "where"), child(form, "performed")} {
		c.read(n, true)
	}
	for _, e := range b.pairs(child(form, "attributes"), "attributes") {
		c.Asks = append(c.Asks, Asked{e.key, strings.TrimSpace(b.str(child(e.value, "text"), "text"))})
		c.read(child(e.value, "holds"), false)
	}
	return c, b.err()
}

var cadenceKeys = []string{"every", "each", "performed", "due", "late", "attributes", "maxGap"}

// reopened is the document of a cadence with its parameters in force.
func (p *Procedure) reopened() (*builder, map[string]*yaml.Node, *yaml.Node, error) {
	if p.Form != audit.Cadence {
		return nil, nil, nil, fmt.Errorf("%w: procedure %s is not of the form cadence", audit.ErrInvalid, p.ID)
	}
	d, err := openDocument(p.name, p.data)
	if err != nil {
		return nil, nil, nil, err
	}
	b := &builder{document: d, p: &Procedure{name: p.name, overrides: p.overrides}}
	m := d.mapping(d.root, "a procedure", documentKeys...)
	b.parameters(m["parameters"])
	return b, m, m["cadence"], d.err()
}

// Windows returns the occurrences that are due in the period: those whose
// windows end in the part of it that the procedure speaks about, in order.
// Holidays are days such as 2026-12-25 on which no business is done.
func (p *Procedure) Windows(period audit.Period, holidays []string) ([]Window, error) {
	b, _, form, err := p.reopened()
	if err != nil {
		return nil, err
	}
	cal, err := newCalendar(period.Location(), holidays)
	if err != nil {
		return nil, err
	}
	every, due, late := b.str(child(form, "every"), "every"), b.length(child(form, "due"), "due"), b.length(child(form, "late"), "late")
	if err := b.err(); err != nil {
		return nil, err
	}
	s := (&run{in: Input{Period: period}, asOf: micros(period.To)}).span(p)
	var out []Window
	for w := windowAt(every, s.from, cal.zone); !s.empty() && w.to <= s.to; w = windowAt(every, w.to, cal.zone) {
		if len(out) == maxWindows {
			return nil, fmt.Errorf("%w: procedure %s: more than %d windows in the period", audit.ErrInvalid, p.ID, maxWindows)
		}
		deadline := cal.add(w.to, due)
		out = append(out, Window{w.name, span(w.from, w.to), instant(deadline), instant(cal.add(deadline, late))})
	}
	return out, nil
}

var plainParser = sync.OnceValues(func() (*cel.Env, error) { return cel.NewEnv() })

// read takes the conditions of a question that has to be true apart. What
// counts has to be answered whole; of an attribute only what is filled in
// matters here.
func (c *Cadence) read(n *yaml.Node, counts bool) {
	if n == nil {
		return
	}
	env, err := plainParser()
	if err != nil {
		c.Unclear = append(c.Unclear, n.Value)
		return
	}
	tree, issues := env.Parse(n.Value)
	if issues.Err() != nil {
		c.Unclear = append(c.Unclear, n.Value)
		return
	}
	for _, e := range conjuncts(tree.NativeRep().Expr()) {
		if !c.take(e) && counts {
			c.Unclear = append(c.Unclear, strings.TrimSpace(n.Value))
			return
		}
	}
}

// conjuncts are the parts of a && b && c.
func conjuncts(e ast.Expr) []ast.Expr {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operators.LogicalAnd {
		return []ast.Expr{e}
	}
	args := e.AsCall().Args()
	return append(conjuncts(args[0]), conjuncts(args[1])...)
}

// take understands item.field == "text" and item.field != "".
func (c *Cadence) take(e ast.Expr) bool {
	if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 2 {
		return false
	}
	field, value, ok := c.compared(e.AsCall().Args())
	switch op := e.AsCall().FunctionName(); {
	case !ok:
		return false
	case op == operators.Equals:
		if old, set := c.Equals[field]; set && old != value {
			return false
		}
		c.Equals[field] = value
	case op == operators.NotEquals && value == "":
		if !slices.Contains(c.Filled, field) {
			c.Filled = append(c.Filled, field)
		}
	default:
		return false
	}
	return true
}

// compared reads a field of the item and a text, in either order.
func (c *Cadence) compared(args []ast.Expr) (field, value string, ok bool) {
	if args[0].Kind() == ast.LiteralKind {
		args = []ast.Expr{args[1], args[0]}
	}
	if args[0].Kind() != ast.SelectKind || args[1].Kind() != ast.LiteralKind {
		return "", "", false
	}
	sel := args[0].AsSelect()
	if op := sel.Operand(); op.Kind() != ast.IdentKind || op.AsIdent() != c.Item {
		return "", "", false
	}
	value, ok = args[1].AsLiteral().Value().(string)
	return sel.FieldName(), value, ok
}
