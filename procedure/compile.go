package procedure

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"go.yaml.in/yaml/v4"

	"tieout/audit"
)

// A scope is what the names in an expression mean.
type scope struct {
	items  map[string]*layout // read field by field: the item, joined single items
	lists  map[string]*layout // lists of joined items
	params map[string]param
	empty  map[string]audit.Outcome
	joins  map[string]int // index of each joined name
	cand   string         // the candidate of a join's where
	env    *cel.Env
	binds  map[string]binding
}

// stated is what each list means where it is empty, joins included.
func (s *scope) stated() map[string]audit.Outcome {
	m := map[string]audit.Outcome{}
	for name := range s.lists {
		m[name] = audit.NoEvidence
	}
	maps.Copy(m, s.empty)
	return m
}

// A binding is where the value of one name comes from.
type binding struct {
	kind bindKind
	join int // bindJoin, bindList
	slot int // bindItem, bindCandidate, bindJoin
	val  any // bindValue
}

type bindKind uint8

const (
	bindValue bindKind = iota
	bindItem
	bindCandidate
	bindJoin
	bindList
	bindClock
)

func (s *scope) bindings() map[string]binding {
	m := map[string]binding{clockName: {kind: bindClock}}
	for name, l := range s.items {
		b := binding{kind: bindItem}
		if at, ok := s.joins[name]; ok {
			b = binding{kind: bindJoin, join: at}
		}
		if name == s.cand {
			b = binding{kind: bindCandidate}
		}
		for slot, f := range l.names {
			b.slot = slot
			m[name+"."+f] = b
		}
	}
	for name := range s.lists {
		m[name] = binding{kind: bindList, join: s.joins[name]}
	}
	for name, p := range s.params {
		m["params."+name] = binding{val: p.celValue()}
	}
	for key, o := range s.stated() {
		m[emptyName+key] = binding{val: stated(o, key+" is empty")}
	}
	return m
}

// A param is one value of parameters:.
type param struct {
	name  string
	value any // bool, int64, string, []string
}

func (p param) isLength() bool {
	s, ok := p.value.(string)
	return ok && lengthPattern.MatchString(s)
}

func (p param) celType() *types.Type {
	switch p.value.(type) {
	case bool:
		return types.BoolType
	case int64:
		return types.IntType
	case []string:
		return types.NewListType(types.StringType)
	}
	return types.StringType
}

func (p param) celValue() ref.Val { return types.DefaultTypeAdapter.NativeToValue(p.value) }

// open builds the environment once all names are known.
func (s *scope) open() error {
	base, err := baseEnv()
	if err != nil {
		return fmt.Errorf("expression environment: %w", err)
	}
	opts := []cel.EnvOption{cel.Macros(s.macros()...)}
	for name, l := range s.items {
		for i, f := range l.names {
			if l.kinds[i] != audit.Records {
				opts = append(opts, cel.Variable(name+"."+f, fieldType(l.kinds[i])))
			}
		}
	}
	for name, l := range s.lists {
		opts = append(opts, cel.Variable(name, types.NewListType(objectType(l.typ.Name))))
	}
	for name, p := range s.params {
		opts = append(opts, cel.Variable("params."+name, p.celType()))
	}
	for key := range s.stated() {
		opts = append(opts, cel.Variable(emptyName+key, types.BoolType))
	}
	s.binds = s.bindings()
	s.env, err = base.Extend(opts...)
	if err != nil {
		return fmt.Errorf("expression environment: %w", err)
	}
	return nil
}

// with returns the scope with one more single item, for the where of a join.
func (s *scope) with(name string, l *layout) (*scope, error) {
	c := &scope{items: maps.Clone(s.items), lists: map[string]*layout{}, params: s.params, empty: s.empty, joins: s.joins, cand: name}
	c.items[name] = l
	return c, c.open()
}

// A program is one compiled expression. It is safe for concurrent use.
type program struct {
	text  string
	key   string // programs of one item type with the same key always answer the same; "": unlike any
	prog  cel.Program
	binds map[string]binding
	reads map[string]uint64 // slots read, by the name of the item
	elems map[string]uint64 // slots read of elements of lists, by item type
	lists []string          // joined lists read
	clock bool

	nested bool // a list in a list: it may take long and watches its context
}

// compile checks and plans the boolean expression in n. Faults go to d; the
// result is nil then.
func (s *scope) compile(d *document, n *yaml.Node, what string) *program {
	src := d.str(n, what)
	if strings.TrimSpace(src) == "" {
		d.failf(n, "%s: is empty", what)
		return nil
	}
	before := len(d.faults)
	tree, iss := s.env.Parse(src)
	if s.issues(d, n, what, src, iss) {
		return nil
	}
	c := &checker{scope: s, doc: d, node: n, what: what, src: src, info: tree.NativeRep().SourceInfo(),
		prog: &program{text: src, reads: map[string]uint64{}, elems: map[string]uint64{}}}
	c.visit(tree.NativeRep().Expr(), nil, 0)
	if len(d.faults) > before {
		return nil
	}
	checked, iss := s.env.Check(tree)
	if s.issues(d, n, what, src, iss) {
		return nil
	}
	if checked.OutputType() != types.BoolType {
		d.failf(n, "%s: is of type %s; want a question that is true or false", what, checked.OutputType())
		return nil
	}
	c.elements(checked.NativeRep())
	if c.enumerations(checked.NativeRep()); len(d.faults) > before {
		return nil
	}
	prog, err := s.env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.InterruptCheckFrequency(1000))
	if err != nil {
		d.failf(n, "%s: %v", what, err)
		return nil
	}
	c.prog.prog, c.prog.binds = prog, s.binds
	if len(c.prog.lists) == 0 && !strings.Contains(src, "params") && !strings.Contains(src, ".all(") {
		c.prog.key = strings.TrimSpace(src)
	}
	slices.Sort(c.prog.lists)
	c.prog.lists = slices.Compact(c.prog.lists)
	if len(c.prog.reads)+len(c.prog.lists) == 0 {
		d.failf(n, "%s: always gives the same answer; it reads no field", what)
		return nil
	}
	return c.prog
}

// issues reports CEL's errors at their place in the file.
func (s *scope) issues(d *document, n *yaml.Node, what, src string, iss *cel.Issues) bool {
	if iss == nil || iss.Err() == nil {
		return false
	}
	for _, e := range iss.Errors() {
		line, column := d.within(n, e.Location.Line(), e.Location.Column())
		msg := strings.TrimPrefix(e.Message, "Syntax error: ")
		if name, ok := strings.CutPrefix(msg, "undefined field '"); ok {
			msg += s.nearField(strings.TrimSuffix(name, "'"))
		}
		d.failAt(line, column, "%s: %s", what, msg)
	}
	return true
}

func (s *scope) nearField(name string) string {
	var names []string
	for _, l := range s.lists {
		for _, f := range l.names {
			names = append(names, strings.Split(f, ".")...)
		}
	}
	slices.Sort(names)
	return meant(name, names)
}

// within maps a position inside a scalar (line from 1, column from 0) to one
// in the file.
func (d *document) within(n *yaml.Node, line, column int) (int, int) {
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		at := n.Line + line
		if n.Style&yaml.FoldedStyle != 0 {
			return n.Line + 1, 1
		}
		if at-1 < len(d.lines) {
			text := d.lines[at-1]
			column += len(text) - len(strings.TrimLeft(text, " "))
		}
		return at, column + 1
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		return n.Line + line - 1, n.Column + 1 + column
	}
	return n.Line + line - 1, n.Column + column
}

// eval runs the program. An error is a broken procedure and never an outcome,
// or the context's.
func (p *program) eval(ctx context.Context, vars any) (ref.Val, error) {
	var v ref.Val
	var err error
	if p.nested && ctx != nil {
		v, _, err = p.prog.ContextEval(ctx, vars)
	} else {
		v, _, err = p.prog.Eval(vars)
	}
	if err == nil {
		return v, nil
	}
	if ctx != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return nil, fmt.Errorf("%w: expression %q: %w", audit.ErrInvalid, p.text, err)
}

// elements notes the fields that are read of elements of lists.
func (c *checker) elements(tree *ast.AST) {
	ast.PreOrderVisit(tree.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.SelectKind {
			return
		}
		sel := e.AsSelect()
		l, group := splitObject(tree.GetType(sel.Operand().ID()).TypeName())
		if l == nil {
			return
		}
		if slot, ok := l.groups[group][sel.FieldName()]; ok && slot >= 0 {
			c.prog.elems[l.typ.Name] |= 1 << slot
		}
	}))
}
